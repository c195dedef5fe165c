/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who must move together (design rule 1).
 *
 *     struct xpci_group group = { 0 };
 *     r = xpci_group_closure(&inv, seed, n, XPCI_SCOPE_GROUP, &group, err);
 *     ... group.v[i].dev, group.v[i].rule ...
 *     xpci_group_clear(&group);
 *
 * Rules, applied until nothing is added:
 * - slot: functions of one slot move together; a VF is not dragged along.
 * - bridge: what is behind a PCIe-to-PCI or conventional bridge reaches the
 *   IOMMU under the bridge's requester id (PCIe-to-PCI Bridge r1.0, 2.3;
 *   Linux pci_for_each_dma_alias(), Xen find_upstream_bridge()); the IOMMU
 *   cannot tell those functions apart. The topmost such bridge decides.
 *
 * Members are endpoints; bridges stay with dom0, for pciback takes all that
 * is behind a bridge it is given (Linux pcistub_match()).
 */
#ifndef XPCI_GROUP_H
#define XPCI_GROUP_H

#include "inventory.h"

enum xpci_scope {
    XPCI_SCOPE_GROUP,  /* slot and bridge: the default */
    XPCI_SCOPE_SLOT,   /* the functions of the slot */
    XPCI_SCOPE_BUS,    /* the group, and everything on its buses */
    XPCI_SCOPE_DEVICE, /* nothing else */
};

struct xpci_member {
    size_t dev; /* index in the inventory */
    char *rule; /* why it is in, e.g. "asked for" */
};

struct xpci_group {
    struct xpci_member *v; /* in order of BDF */
    size_t n;
};

/*
 * The closure of the @n devices @seed. REFUSED if one of them is a bridge;
 * -EACCES if a bridge's capabilities cannot be read (not root).
 */
int xpci_group_closure(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, enum xpci_scope scope, struct xpci_group *out,
                       struct xpci_error *err) _must_check_;
void xpci_group_clear(struct xpci_group *group);

/* True if @dev is a member. */
bool xpci_group_has(const struct xpci_group *group, size_t dev);

/*
 * Numbers the groups of all devices from 1, in order of their first member;
 * number[i] is 0 for a bridge. @number has room for inv->n entries.
 */
int xpci_group_number(const struct xpci_inventory *inv, unsigned int *number,
                      struct xpci_error *err) _must_check_;

int xpci_scope_parse(const char *text, enum xpci_scope *out,
                     struct xpci_error *err) _must_check_;

#define _cleanup_group_ _cleanup_(xpci_group_clear)

#endif
