/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xen started by the firmware: xen.efi takes dom0's kernel and image from
 * beside its configuration, where "ramdisk=NAME" says which (Xen's
 * docs/misc/efi.pandoc). Both are copies, on the EFI partition, that whoever
 * made them keeps up to date.
 */
#pragma once

#include "generator.h"

/*
 * *why is set to the first image that Xen would boot so, by the default entry
 * of a configuration, and that is a copy of none of @images, and what to do; or
 * to why that is not known. malloc'ed. NULL: there is none.
 */
int xpci_xen_efi_check(const struct xpci_root *root,
                       const struct xpci_kernel_images *images, char **why,
                       struct xpci_error *err) _must_check_;
