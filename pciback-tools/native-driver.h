/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which drivers of a kernel would claim a device, by its modules.alias and
 * modules.builtin.modinfo (libkmod). The only user of libkmod.
 */
#pragma once

#include "root.h"

/*
 * Adds the names of the modules of kernel @version that match @modalias:
 * to @modules those that are loaded, to @builtin those that are part of the
 * kernel image. A name that is there already is not added again. A kernel
 * without /lib/modules/VERSION is an error.
 *
 * @driver, or NULL, is the driver that the device has. Linux before 6.18 writes
 * down no devices for what is part of its image (scripts/mod/file2alias.c): of
 * that only this driver is found there.
 */
int xpci_native_drivers(const struct xpci_root *root, const char *version,
                        const char *modalias, const char *driver,
                        struct xpci_strv *modules, struct xpci_strv *builtin,
                        struct xpci_error *err) _must_check_;
