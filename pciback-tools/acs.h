/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function sends all that its device or its link partners say to
 * each other up to the root, where the IOMMU sees it: Access Control Services
 * with Source Validation, Request Redirect, Completion Redirect and Upstream
 * Forwarding, or a device known to behave as if it had them.
 *
 * Source: Linux pci_acs_enabled() with the flags of pci_device_group(), and
 * its table of quirks (6.12.117, drivers/pci/quirks.c, pci_dev_acs_enabled[];
 * 6.18 has no further row).
 *
 * @as_enabled reads ctrl as Linux and Xen would set it once they use an
 * IOMMU. Of Intel's older PCH ports, which have no ACS, Linux switches an
 * equivalent on; that is told by bit 26 of their register d8h (IRBNCE), and
 * only possible where 1f.0 has its RCBA on.
 */
#pragma once

#include "inventory.h"

/* False for what cannot be read. */
bool xpci_acs_isolates(const struct xpci_inventory *inv, size_t dev,
                       bool as_enabled);
