/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules by which devices belong together; docs/design/isolation.md says
 * where each comes from. Used by group.c, which is what others call.
 */
#ifndef XPCI_ISOLATION_H
#define XPCI_ISOLATION_H

#include "inventory.h"
#include "partition.h"

/*
 * The groups of Linux' pci_device_group(), bridges and all. They do not depend
 * on the order in which devices are found: each bridge is grouped before what
 * is behind it, and every other reason holds both ways.
 */
int xpci_isolation_kernel(struct xpci_partition *p,
                          const struct xpci_inventory *inv,
                          bool acs_as_enabled) _must_check_;

/* What Xen gives one requester id, also where Linux has no such rule. */
void xpci_isolation_xen(struct xpci_partition *p,
                        const struct xpci_inventory *inv);

/* Devices that share reserved memory, or whose regions overlap. */
void xpci_isolation_memory(struct xpci_partition *p,
                           const struct xpci_inventory *inv);

/* The functions of each slot, of each bus; neither bridges, nor VFs by slot. */
void xpci_isolation_slots(struct xpci_partition *p,
                          const struct xpci_inventory *inv);
void xpci_isolation_buses(struct xpci_partition *p,
                          const struct xpci_inventory *inv);

#endif
