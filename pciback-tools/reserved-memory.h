/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware's IOMMU tables say of devices: memory that must stay
 * mapped for them, and requester ids that are not their own.
 *
 *     r = xpci_reserved_memory_load(root, &inv, err);
 *     inv.region[i]                    aliases among them
 *
 * Called by inventory.c once the devices are linked. From
 * /sys/firmware/acpi/tables: RMAD, which is DMAR under the name that Xen
 * gives it in dom0, else DMAR, and IVRS. No table is no region; one that only
 * root can read sets tables_unreadable; a malformed one is an error. Devices
 * that are not there are left out, and regions that hold for all devices.
 *
 * Not seen: what rmrr= and ivmd= on Xen's command line add.
 *
 * Sources: Intel VT-d r4.1, 8.1 to 8.4; AMD I/O Virtualization r3.08, 5.2;
 * Xen drivers/passthrough/vtd/dmar.c and amd/iommu_acpi.c.
 */
#pragma once

#include "inventory.h"

int xpci_reserved_memory_load(const struct xpci_root *root,
                              struct xpci_inventory *inv,
                              struct xpci_error *err) _must_check_;
