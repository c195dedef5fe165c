/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "acs.h"
#include "alias.h"
#include "isolation.h"

#define NONE XPCI_NO_PARENT

/* What is known of each device while the kernel's groups are made. */
struct step {
    bool isolates;
    size_t owner;   /* the topmost bridge that lends its requester id */
    size_t culprit; /* from here up, the first that does not isolate */
};

static void join(struct xpci_partition *p, size_t a, size_t b,
                 enum xpci_rule rule, size_t object)
{
    xpci_partition_join(p, &(struct xpci_link){ a, b, rule, object, 0, 0 });
}

static bool same_bus(const struct xpci_inventory *inv, size_t a, size_t b)
{
    return inv->dev[a].bdf.segment == inv->dev[b].bdf.segment &&
           inv->dev[a].bdf.bus == inv->dev[b].bdf.bus;
}

static bool same_slot(const struct xpci_inventory *inv, size_t a, size_t b)
{
    return xpci_bdf_same_slot(&inv->dev[a].bdf, &inv->dev[b].bdf);
}

static enum xpci_rule acs_rule(const struct xpci_device *dev)
{
    switch (dev->acs.state) {
    case XPCI_ACS_PRESENT:
        return XPCI_RULE_ACS_OFF;
    case XPCI_ACS_UNREADABLE:
        return XPCI_RULE_ACS_UNREADABLE;
    default:
        return XPCI_RULE_NO_ACS;
    }
}

/* Bridges above that alias @i, or do not keep it apart from its neighbours. */
static void look_up(struct xpci_partition *p, const struct xpci_inventory *inv,
                    struct step *step, size_t i)
{
    size_t up = inv->dev[i].parent;

    step[i].owner = NONE;
    step[i].culprit = step[i].isolates ? NONE : i;
    if (up == NONE)
        return;
    if (step[i].isolates)
        step[i].culprit = step[up].culprit;
    if (inv->dev[up].pcie_type == XPCI_PCIE_UNKNOWN)
        join(p, i, up, XPCI_RULE_MUTE, up);
    if (!xpci_alias_ends_at(&inv->dev[up]))
        step[i].owner =
            step[up].owner == NONE && xpci_alias_bridge(&inv->dev[up])
                ? up
                : step[up].owner;
    if (step[i].owner != NONE)
        join(p, i, step[i].owner, XPCI_RULE_BRIDGE, step[i].owner);
    else if (step[up].culprit != NONE)
        join(p, i, up, acs_rule(&inv->dev[step[up].culprit]), step[up].culprit);
}

/*
 * Functions that can talk within their device. The lowest one may be asked
 * for nothing, the others only if they are one of several: a VF is not.
 */
static void join_functions(struct xpci_partition *p,
                           const struct xpci_inventory *inv,
                           const struct step *step)
{
    size_t first = NONE;

    for (size_t i = 0; i < inv->n; i++) {
        if (first != NONE && !same_slot(inv, first, i))
            first = NONE;
        if (step[i].isolates)
            continue;
        if (first == NONE)
            first = i;
        else if (inv->dev[i].multifunction)
            join(p, i, first,
                 inv->dev[i].acs.state == XPCI_ACS_PRESENT
                     ? XPCI_RULE_FUNCTION_OFF
                     : XPCI_RULE_FUNCTION,
                 NONE);
    }
}

static void join_aliases(struct xpci_partition *p,
                         const struct xpci_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_bdf *bdf = &inv->dev[i].bdf;

        if (!xpci_alias_has(&inv->dev[i]))
            continue;
        for (size_t k = xpci_inventory_from(inv, bdf->segment,
                                            (uint16_t)(bdf->bus << 8));
             k < inv->n && same_bus(inv, i, k); k++) {
            if (xpci_alias_uses(&inv->dev[i], &inv->dev[k]))
                join(p, i, k, XPCI_RULE_ALIAS, NONE);
        }
    }
}

/*
 * The devices of an IVRS entry: all with @to, which is the device that has the
 * id, or where there is none the first that uses it.
 */
static void join_ivrs(struct xpci_partition *p,
                      const struct xpci_inventory *inv,
                      const struct xpci_rid_alias *alias, bool any_bus,
                      size_t *to)
{
    for (size_t i = xpci_inventory_from(inv, alias->segment, alias->first);
         i < inv->n && inv->dev[i].bdf.segment == alias->segment &&
         XPCI_RID(inv->dev[i].bdf) <= alias->last;
         i++) {
        if (*to == NONE && any_bus)
            *to = i;
        if (*to != NONE && (any_bus || same_bus(inv, i, *to)))
            join(p, i, *to, XPCI_RULE_IVRS, NONE);
    }
}

static void join_all_ivrs(struct xpci_partition *p,
                          const struct xpci_inventory *inv, bool any_bus)
{
    size_t to = NONE;

    for (size_t i = 0; i < inv->n_aliases; i++) {
        const struct xpci_rid_alias *a = &inv->alias[i];

        if (i == 0 || a->segment != a[-1].segment || a->alias != a[-1].alias)
            to = xpci_inventory_at(inv, a->segment, a->alias);
        join_ivrs(p, inv, a, any_bus, &to);
    }
}

int xpci_isolation_kernel(struct xpci_partition *p,
                          const struct xpci_inventory *inv, bool acs_as_enabled)
{
    _cleanup_free_ struct step *step = calloc(inv->n + 1, sizeof(*step));

    if (!step)
        return -ENOMEM;
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        step[i].isolates = xpci_acs_isolates(inv, i, acs_as_enabled);
        look_up(p, inv, step, i);
        if (dev->bdf.segment > 0xffff && dev->dma_dev != NONE)
            join(p, i, dev->dma_dev, XPCI_RULE_VMD, dev->dma_dev);
    }
    join_functions(p, inv, step);
    join_aliases(p, inv);
    join_all_ivrs(p, inv, false);
    return 0;
}

/*
 * VT-d: Xen's alloc_pdev() notes a conventional bridge for every bus from its
 * secondary to its subordinate one, find_upstream_bridge() goes up from there.
 */
static void join_buses(struct xpci_partition *p,
                       const struct xpci_inventory *inv, size_t begin,
                       size_t end)
{
    size_t above[256];

    for (size_t i = 0; i < 256; i++)
        above[i] = NONE;
    for (size_t i = begin; i < end; i++) {
        const struct xpci_device *d = &inv->dev[i];

        if (d->class_code == 0x0604 && d->secondary > d->bdf.bus &&
            (d->pcie_type == XPCI_PCIE_NONE ||
             d->pcie_type == XPCI_PCIE_TO_PCI))
            for (int bus = d->secondary; bus <= d->subordinate; bus++)
                above[bus] = i;
    }
    for (size_t i = begin; i < end; i++) {
        size_t top = NONE;

        for (size_t up = above[inv->dev[i].bdf.bus]; up != NONE;
             up = above[inv->dev[up].bdf.bus])
            top = up;
        if (top != NONE)
            join(p, i, top, XPCI_RULE_BRIDGE, top);
    }
}

void xpci_isolation_xen(struct xpci_partition *p,
                        const struct xpci_inventory *inv)
{
    for (size_t begin = 0, end; begin < inv->n; begin = end) {
        uint32_t segment = inv->dev[begin].bdf.segment;

        end = xpci_inventory_from(inv, segment + 1, 0);
        join_buses(p, inv, begin, end);
    }
    join_all_ivrs(p, inv, true);
}

void xpci_isolation_memory(struct xpci_partition *p,
                           const struct xpci_inventory *inv)
{
    uint64_t end = 0;
    size_t owner = NONE;

    for (size_t k = 0; k < inv->n_regions; k++) {
        const struct xpci_region *r = &inv->region[k];

        if (r->start > end)
            owner = NONE;
        for (size_t i = xpci_inventory_from(inv, r->segment, r->first);
             i < inv->n && inv->dev[i].bdf.segment == r->segment &&
             XPCI_RID(inv->dev[i].bdf) <= r->last;
             i++) {
            if (xpci_device_is_bridge(&inv->dev[i]))
                continue;
            if (owner == NONE)
                owner = i;
            xpci_partition_join(p,
                                &(struct xpci_link){ i, owner, XPCI_RULE_MEMORY,
                                                     NONE, r->start, r->end });
        }
        if (r->end > end)
            end = r->end;
    }
}

static void join_neighbours(struct xpci_partition *p,
                            const struct xpci_inventory *inv,
                            bool (*same)(const struct xpci_inventory *, size_t,
                                         size_t),
                            bool virtual_too, enum xpci_rule rule)
{
    size_t first = NONE;

    for (size_t i = 0; i < inv->n; i++) {
        if (xpci_device_is_bridge(&inv->dev[i]) ||
            (inv->dev[i].virtual_func && !virtual_too))
            continue;
        if (first != NONE && same(inv, first, i))
            join(p, i, first, rule, NONE);
        else
            first = i;
    }
}

void xpci_isolation_slots(struct xpci_partition *p,
                          const struct xpci_inventory *inv)
{
    join_neighbours(p, inv, same_slot, false, XPCI_RULE_SLOT);
}

void xpci_isolation_buses(struct xpci_partition *p,
                          const struct xpci_inventory *inv)
{
    join_neighbours(p, inv, same_bus, true, XPCI_RULE_BUS);
}
