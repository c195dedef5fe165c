/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "acs.h"
#include "isolation.h"

#define NONE XPCI_NO_PARENT

size_t xpci_tie_set(struct xpci_tie *tie, size_t dev)
{
    for (; tie[dev].set != dev; dev = tie[dev].set)
        tie[dev].set = tie[tie[dev].set].set;
    return dev;
}

void xpci_tie_turn(struct xpci_tie *tie, size_t dev)
{
    struct xpci_tie to = { .up = NONE };

    while (dev != NONE) {
        struct xpci_tie old = tie[dev];

        to.set = old.set;
        tie[dev] = to;
        to = old;
        to.up = dev;
        dev = old.up;
    }
}

/* Ties @dev to @up. False if they are of one set already. */
static bool join(struct xpci_tie *tie, size_t dev, size_t up,
                 enum xpci_rule rule, size_t object)
{
    size_t a = xpci_tie_set(tie, dev), b = xpci_tie_set(tie, up);

    if (a == b)
        return false;
    xpci_tie_turn(tie, dev);
    tie[dev] = (struct xpci_tie){ tie[dev].set, up, rule, object, 0, 0 };
    tie[a > b ? a : b].set = a > b ? b : a;
    return true;
}

/* What is known of each device while the kernel's groups are made. */
struct step {
    bool isolates;
    size_t owner;   /* the topmost bridge that lends its requester id */
    size_t culprit; /* from here up, the first that does not isolate */
};

/* The first bridge of the segment that reads all ones (D3cold), or NONE. */
static size_t find_mute(const struct xpci_inventory *inv, uint32_t segment)
{
    size_t end = xpci_inventory_from(inv, segment + 1, 0);

    for (size_t i = xpci_inventory_from(inv, segment, 0); i < end; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        /* in a dump nothing tells what it is */
        if (dev->header == 0xff &&
            (dev->class_code == 0x0604 || dev->class_code == 0xffff))
            return i;
    }
    return NONE;
}

/*
 * Bridges above that alias @i, or do not keep it apart from its neighbours.
 * Any orphan may be behind @mute, the bridge of its segment that sleeps.
 */
static void join_bridges(const struct xpci_inventory *inv, struct xpci_tie *tie,
                         struct step *step, size_t mute, size_t i)
{
    size_t up = inv->dev[i].parent, *owner = &step[i].owner;
    int type;

    *owner = NONE;
    step[i].culprit = step[i].isolates ? NONE : i;
    if (up == NONE && mute != NONE && inv->dev[i].bdf.bus)
        join(tie, i, mute, XPCI_RULE_MUTE, mute);
    if (up == NONE)
        return;
    type = inv->dev[up].pcie_type;
    if (step[i].isolates)
        step[i].culprit = step[up].culprit;
    *owner = step[up].owner;
    if (*owner == NONE && (type == XPCI_PCIE_TO_PCI ||
                           type == XPCI_PCI_TO_PCIE || type == XPCI_PCIE_NONE))
        *owner = up;
    if (type == XPCI_PCIE_UNKNOWN)
        join(tie, i, up, XPCI_RULE_MUTE, up);
    else if (*owner != NONE)
        join(tie, i, *owner, XPCI_RULE_BRIDGE, *owner);
    else if (step[up].culprit != NONE)
        join(tie, i, up, XPCI_RULE_ACS, step[up].culprit);
}

/* All below is one device, whose functions have numbers up to 255. */
static bool has_ari(const struct xpci_inventory *inv,
                    const struct xpci_device *dev)
{
    return dev->parent != NONE && inv->dev[dev->parent].ari;
}

/*
 * Neighbours in a slot or on a bus, each with the first. FUNCTION is for those
 * that can talk within their device; there Linux asks the later one only, and
 * a VF never.
 */
static void join_near(const struct xpci_inventory *inv, struct xpci_tie *tie,
                      const struct step *step, enum xpci_rule rule)
{
    size_t first = NONE;

    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        if (rule == XPCI_RULE_FUNCTION
                ? step[i].isolates
                : xpci_device_board(dev) ||
                      (rule == XPCI_RULE_SLOT && dev->virtual_func))
            continue;
        if (first == NONE || !xpci_same_bus(&inv->dev[first], dev) ||
            (rule != XPCI_RULE_BUS &&
             !(rule == XPCI_RULE_SLOT && has_ari(inv, dev)) &&
             inv->dev[first].bdf.slot != dev->bdf.slot))
            first = i;
        else if (rule != XPCI_RULE_FUNCTION || dev->multifunction)
            join(tie, i, first, rule, NONE);
    }
}

/*
 * Devices that use requester ids of other functions of their bus: Linux'
 * pci_add_dma_alias(), by quirks.c (6.12). Switchtec NTBs do too, but which
 * ids is in registers that only the kernel reads.
 */
enum { OWN = -1, ANY = -2 };

static const struct alias {
    uint16_t vendor, subdevice; /* 0: any */
    const char *ids;
    int slot;
    uint8_t first_func, last_func;
} aliases[] = {
    /* quirk_dma_func0_alias: Ricoh (Red Hat bug 605888), Glenfly */
    { 0x1180, 0, "e476 e832", OWN, 0, 0 },
    { 0x6766, 0, "3d40-3d41", OWN, 0, 0 },
    /* quirk_dma_func1_alias: Marvell (kernel bug 42679), HighPoint, */
    { 0x1b4b, 0,
      "9120 9123 9125 9128 9130 9170 9172 917a 9182-9183 91a0 9215 9220 9230 "
      "9235",
      OWN, 1, 1 },
    { 0x1103, 0, "0642 0645", OWN, 1, 1 },
    { 0x197b, 0, "2392", OWN, 1, 1 }, /* JMicron (Gentoo bug 497630) */
    { 0x1c28, 0, "0122", OWN, 1, 1 }, /* Plextor M6E */
    /* quirk_fixed_dma_alias: Adaptec 3405, 3805 */
    { 0x9005, 0x02bb, "0285", 0x01, 0, 0 },
    { 0x9005, 0x02bc, "0285", 0x01, 0, 0 },
    /* quirk_mic_x200_dma_alias, quirk_pex_vca_alias */
    { 0x8086, 0, "2260 2264", 0x10, 0, 0 },
    { 0x8086, 0, "2260 2264", 0x11, 0, 0 },
    { 0x8086, 0, "2260 2264", 0x12, 3, 3 },
    { 0x8086, 0, "2954-2956 2958-295a", ANY, 0, 4 },
    /* quirk_plx_ntb_dma_alias */
    { 0x10b5, 0, "87b0-87b1", ANY, 0, 7 },
};

static void join_aliases(const struct xpci_inventory *inv, struct xpci_tie *tie,
                         size_t i, const struct alias *alias)
{
    const struct xpci_device *dev = &inv->dev[i];
    int slot = alias->slot == OWN ? dev->bdf.slot : alias->slot;
    size_t k =
        xpci_inventory_from(inv, dev->bdf.segment, XPCI_RID(dev->bdf) & 0xff00);

    if (!xpci_device_listed(dev, alias->vendor, alias->ids) ||
        (alias->subdevice &&
         (dev->subvendor != dev->vendor || dev->subdevice != alias->subdevice)))
        return;
    for (; k < inv->n && xpci_same_bus(&inv->dev[k], dev); k++) {
        const struct xpci_bdf *bdf = &inv->dev[k].bdf;

        if ((slot == ANY || slot == bdf->slot) &&
            alias->first_func <= bdf->func && bdf->func <= alias->last_func)
            join(tie, i, k, XPCI_RULE_ALIAS, NONE);
    }
}

/*
 * Intel VMD shows what is behind it as a segment of its own, above ffff, in
 * the order of its endpoints, and under its requester id (pci_real_dma_dev()).
 */
static void join_vmd(const struct xpci_inventory *inv, struct xpci_tie *tie)
{
    static const char ids[] =
        "201d 28c0 467f 4c3d 7d0b 9a0b a77f ad0b b06f b60b"; /* vmd_ids[] */
    size_t first = xpci_inventory_from(inv, 0x10000, 0), next = 0, vmd = NONE;

    for (size_t i = first, end = first; i < inv->n; i++) {
        for (; i == end && next < first; next++) {
            if (xpci_device_listed(&inv->dev[next], 0x8086, ids)) {
                vmd = next;
                end = xpci_inventory_from(inv, inv->dev[i].bdf.segment + 1, 0);
            }
        }
        if (vmd != NONE)
            join(tie, i, vmd, XPCI_RULE_VMD, NONE);
    }
}

/*
 * Linux' groups. They do not depend on the order in which devices are found:
 * a bridge is grouped before what is behind it, and all else holds both ways.
 */
static int join_kernel(const struct xpci_inventory *inv, struct xpci_tie *tie,
                       bool as_enabled)
{
    _cleanup_free_ struct step *step = calloc(inv->n + 1, sizeof(*step));
    size_t mute = NONE;

    xpci_need(step, NULL);
    for (size_t i = 0; i < inv->n; i++) {
        uint32_t segment = inv->dev[i].bdf.segment;

        if (i == 0 || segment != inv->dev[i - 1].bdf.segment)
            mute = find_mute(inv, segment);
        step[i].isolates = xpci_acs_isolates(inv, i, as_enabled);
        join_bridges(inv, tie, step, mute, i);
    }
    join_vmd(inv, tie);
    join_near(inv, tie, step, XPCI_RULE_FUNCTION);
    for (size_t i = 0; i < inv->n; i++) {
        for (size_t k = 0; k < XPCI_ARRAY_SIZE(aliases); k++)
            join_aliases(inv, tie, i, &aliases[k]);
    }
    return 0;
}

/*
 * Devices that use one requester id, or regions that overlap, which are
 * sorted. Linux takes an alias only if it is a function of the same bus.
 */
static void join_regions(const struct xpci_inventory *inv, struct xpci_tie *tie,
                         bool linux_only)
{
    size_t owner = NONE, i, last;
    uint64_t end = 0;

    for (size_t k = 0; k < inv->n_regions; k++) {
        const struct xpci_region *r = &inv->region[k];

        if (k == 0 || r->start > end || r->is_alias != r[-1].is_alias) {
            end = r->end;
            owner = linux_only && r->is_alias
                        ? xpci_inventory_at(inv, r->segment, (uint16_t)r->start)
                        : NONE;
        }
        end = r->end > end ? r->end : end;
        i = xpci_inventory_from(inv, r->segment, r->first);
        last = xpci_inventory_from(inv, r->segment, r->last + 1u);
        for (; i < last; i++) {
            if (linux_only ? owner == NONE || !r->is_alias ||
                                 !xpci_same_bus(&inv->dev[i], &inv->dev[owner])
                           : !r->is_alias && xpci_device_board(&inv->dev[i]))
                continue;
            owner = owner == NONE ? i : owner;
            if (join(tie, i, owner,
                     r->is_alias ? XPCI_RULE_IVRS : XPCI_RULE_MEMORY, NONE)) {
                tie[i].start = r->start;
                tie[i].end = r->end;
            }
        }
    }
}

int xpci_isolation_tie(const struct xpci_inventory *inv, unsigned int what,
                       struct xpci_tie **out)
{
    _cleanup_free_ struct xpci_tie *tie = calloc(inv->n + 1, sizeof(*tie));

    xpci_need(tie, NULL);
    for (size_t i = 0; i < inv->n; i++)
        tie[i] = (struct xpci_tie){ .set = i, .up = NONE };
    if (what & XPCI_ISOLATION_KERNEL &&
        join_kernel(inv, tie, what & XPCI_ISOLATION_ACS_AS_ENABLED) < 0)
        return -ENOMEM;
    if (what & (XPCI_ISOLATION_KERNEL | XPCI_ISOLATION_FIRMWARE))
        join_regions(inv, tie, !(what & XPCI_ISOLATION_FIRMWARE));
    if (what & XPCI_ISOLATION_SLOTS)
        join_near(inv, tie, NULL, XPCI_RULE_SLOT);
    if (what & XPCI_ISOLATION_BUSES)
        join_near(inv, tie, NULL, XPCI_RULE_BUS);
    *out = xpci_steal(tie);
    return 0;
}
