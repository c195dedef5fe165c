/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "reserved-memory.h"

/* A table, or a structure in one. */
struct part {
    const uint8_t *p;
    size_t len;
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

/*
 * Cuts the next @len bytes off @from, at least @least of them. The whole
 * table is refused where they are not there, as Xen does.
 */
static int take(struct part *from, size_t len, size_t least, struct part *out)
{
    if (len < least || len > from->len || len == 0)
        return -EBADMSG;
    *out = (struct part){ from->p, len };
    from->p += len;
    from->len -= len;
    return 0;
}

static int add_region(struct xpci_inventory *inv,
                      const struct xpci_region *region)
{
    struct xpci_region *v =
        realloc(inv->region, (inv->n_regions + 1) * sizeof(*v));

    if (!v)
        return -ENOMEM;
    inv->region = v;
    v[inv->n_regions++] = *region;
    return 0;
}

static int add_alias(struct xpci_inventory *inv,
                     const struct xpci_rid_alias *alias)
{
    struct xpci_rid_alias *v =
        realloc(inv->alias, (inv->n_aliases + 1) * sizeof(*v));

    if (!v)
        return -ENOMEM;
    inv->alias = v;
    v[inv->n_aliases++] = *alias;
    return 0;
}

/* The device at the end of a scope's path, a slot and function for each step.
 */
static const struct xpci_device *follow(const struct xpci_inventory *inv,
                                        uint16_t segment,
                                        const struct part *scope)
{
    const struct xpci_device *dev = NULL;
    uint8_t bus = scope->p[5];

    for (size_t i = 6; i + 2 <= scope->len; i += 2) {
        struct xpci_bdf bdf = { segment, bus, scope->p[i], scope->p[i + 1] };

        dev = xpci_inventory_find(inv, &bdf);
        if (!dev)
            return NULL;
        bus = dev->secondary;
    }
    return dev;
}

/* Reserved Memory Region Reporting, VT-d 8.4 */
static int read_rmrr(struct xpci_inventory *inv, struct part rmrr)
{
    enum { ENDPOINT = 1, BRIDGE = 2, NAMESPACE = 5 };
    struct part head, scope;
    int ret = take(&rmrr, 24, 24, &head);

    while (ret == 0 && rmrr.len) {
        struct xpci_region region = {
            .start = get64(head.p + 8),
            .end = get64(head.p + 16),
            .segment = get16(head.p + 6),
        };
        const struct xpci_device *dev;

        ret = take(&rmrr, rmrr.len < 8 ? 0 : rmrr.p[1], 8, &scope);
        if (ret < 0 || region.end < region.start)
            return -EBADMSG;
        dev = follow(inv, (uint16_t)region.segment, &scope);
        if (!dev || (scope.p[0] != ENDPOINT && scope.p[0] != BRIDGE &&
                     scope.p[0] != NAMESPACE))
            continue;
        region.first = region.last = XPCI_RID(dev->bdf);
        if (scope.p[0] == BRIDGE && dev->secondary) {
            region.first = (uint16_t)(dev->secondary << 8);
            region.last = (uint16_t)(dev->subordinate << 8 | 0xff);
        }
        ret = add_region(inv, &region);
    }
    return ret;
}

static int read_dmar(struct xpci_inventory *inv, struct part table)
{
    struct part entry;
    int ret = take(&table, 48, 48, &entry);

    while (ret == 0 && table.len) {
        ret = take(&table, table.len < 4 ? 0 : get16(table.p + 2), 4, &entry);
        if (ret == 0 && get16(entry.p) == 1)
            ret = read_rmrr(inv, entry);
    }
    return ret;
}

/* I/O Virtualization Memory Definition, AMD 5.2.6; 20h is for all devices */
static int read_ivmd(struct xpci_inventory *inv, struct part ivmd)
{
    enum { ALL = 0x20, ONE, RANGE, IOMMU, UNITY = 1, EXCLUSION = 8 };
    struct xpci_region region;

    if (ivmd.len < 32)
        return -EBADMSG;
    region = (struct xpci_region){
        .start = get64(ivmd.p + 16),
        .end = get64(ivmd.p + 16) + get64(ivmd.p + 24) - 1,
        .segment = get16(ivmd.p + 8),
        .first = get16(ivmd.p + 4),
        .last = get16(ivmd.p + (ivmd.p[0] == RANGE ? 6 : 4)),
    };
    if (ivmd.p[0] == ALL || ivmd.p[0] == IOMMU ||
        !(ivmd.p[1] & (UNITY | EXCLUSION)) || get64(ivmd.p + 24) == 0 ||
        (region.first == 0 && region.last == 0xffff))
        return 0;
    if (region.end < region.start || region.last < region.first)
        return -EBADMSG;
    return add_region(inv, &region);
}

/* The length of a device entry, AMD 5.2.2.1; 0 where it is cut off */
static size_t entry_length(const struct part *rest)
{
    uint8_t type = rest->p[0];

    if (type < 0x80)
        return (size_t)4 << (type >> 6);
    if (type == 0xf0) /* ends in a string */
        return rest->len < 22 ? 0 : 22 + (size_t)rest->p[21];
    return (size_t)16 << (type >> 6 & 1);
}

/* I/O Virtualization Hardware Definition: the requester ids in it */
static int read_ivhd(struct xpci_inventory *inv, struct part ivhd)
{
    enum { RANGE_END = 4, ALIAS = 0x42, ALIAS_RANGE = 0x43 };
    struct xpci_rid_alias alias = { 0 };
    struct part head, entry;
    bool in_range = false;
    int ret = take(&ivhd, ivhd.p[0] == 0x10 ? 24 : 40, 24, &head);

    while (ret == 0 && ivhd.len) {
        ret = take(&ivhd, entry_length(&ivhd), 4, &entry);
        if (ret < 0)
            break;
        if (entry.p[0] == ALIAS || entry.p[0] == ALIAS_RANGE)
            alias = (struct xpci_rid_alias){
                .segment = get16(head.p + 16),
                .first = get16(entry.p + 1),
                .last = get16(entry.p + 1),
                .alias = get16(entry.p + 5),
            };
        if (entry.p[0] == RANGE_END)
            alias.last = get16(entry.p + 1);
        if (entry.p[0] == ALIAS || (entry.p[0] == RANGE_END && in_range))
            ret = add_alias(inv, &alias);
        in_range = entry.p[0] == ALIAS_RANGE;
    }
    return ret;
}

static int read_ivrs(struct xpci_inventory *inv, struct part table)
{
    struct part block;
    int ret = take(&table, 48, 48, &block);

    inv->has_ivrs = true;
    while (ret == 0 && table.len) {
        ret = take(&table, table.len < 4 ? 0 : get16(table.p + 2), 4, &block);
        if (ret < 0)
            break;
        if (block.p[0] >= 0x20 && block.p[0] <= 0x23)
            ret = read_ivmd(inv, block);
        else if (block.p[0] == 0x10 || block.p[0] == 0x11 || block.p[0] == 0x40)
            ret = read_ivhd(inv, block);
    }
    return ret;
}

/* The table @name if it is there; its header says how long it is. */
static int load_table(const struct xpci_root *root, const char *name,
                      int (*read)(struct xpci_inventory *, struct part),
                      struct xpci_inventory *inv, bool *found,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf file = { 0 };
    struct part table, all;
    char path[60];
    int ret;

    snprintf(path, sizeof(path), "/sys/firmware/acpi/tables/%s", name);
    ret = xpci_root_read_optional(root, path, &file, found, err);
    if (ret == -EACCES || ret == -EPERM) {
        if (err)
            xpci_error_clear(err);
        inv->tables_unreadable = true;
        return 0;
    }
    if (ret < 0 || !*found)
        return ret;
    all = (struct part){ (const uint8_t *)file.data, file.len };
    ret =
        take(&all, file.len < 36 ? 0 : (uint32_t)get64(all.p + 4), 36, &table);
    if (ret == 0)
        ret = read(inv, table);
    if (ret == -EBADMSG)
        return xpci_error_set(err, EBADMSG,
                              "'%s%s' is malformed, so what memory devices "
                              "share is not known",
                              xpci_root_dir(root), path);
    return ret < 0 ? xpci_error_oom(err) : 0;
}

static int region_cmp(const void *a, const void *b)
{
    const struct xpci_region *x = a, *y = b;

    return (x->start > y->start) - (x->start < y->start);
}

static int alias_cmp(const void *a, const void *b)
{
    const struct xpci_rid_alias *x = a, *y = b;

    if (x->segment != y->segment)
        return x->segment < y->segment ? -1 : 1;
    return x->alias - y->alias;
}

int xpci_reserved_memory_load(const struct xpci_root *root,
                              struct xpci_inventory *inv,
                              struct xpci_error *err)
{
    bool found;
    int ret = load_table(root, "RMAD", read_dmar, inv, &found, err);

    if (ret == 0 && !found)
        ret = load_table(root, "DMAR", read_dmar, inv, &found, err);
    if (ret == 0)
        ret = load_table(root, "IVRS", read_ivrs, inv, &found, err);
    if (ret == 0 && inv->n_regions)
        qsort(inv->region, inv->n_regions, sizeof(*inv->region), region_cmp);
    if (ret == 0 && inv->n_aliases)
        qsort(inv->alias, inv->n_aliases, sizeof(*inv->alias), alias_cmp);
    return ret;
}
