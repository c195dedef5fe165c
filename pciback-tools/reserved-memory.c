/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reserved-memory.h"

/* A table, or a structure in one. */
struct part {
    const uint8_t *p;
    size_t len;
};

static uint64_t get(const uint8_t *p, int bytes)
{
    uint64_t value = 0;

    while (bytes-- > 0)
        value = value << 8 | p[bytes];
    return value;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)get(p, 2);
}

/*
 * Cuts the next @len bytes off @from, at least @least of them. The whole
 * table is refused where they are not there, as Xen does.
 */
static int take(struct part *from, size_t len, size_t least, struct part *out)
{
    if (len < least || len > from->len)
        return -EBADMSG;
    *out = (struct part){ from->p, len };
    from->p += len;
    from->len -= len;
    return 0;
}

/* The device at the end of a scope's path, a slot and function for each step.
 */
static const struct xpci_device *follow(const struct xpci_inventory *inv,
                                        uint32_t segment,
                                        const struct part *scope)
{
    struct xpci_bdf bdf = { .segment = segment, .bus = scope->p[5] };
    const struct xpci_device *dev = NULL;

    for (size_t i = 6; i + 2 <= scope->len; i += 2) {
        bdf.slot = scope->p[i];
        bdf.func = scope->p[i + 1];
        dev = bdf.slot > 0x1f || bdf.func > 7 ? NULL
                                              : xpci_inventory_find(inv, &bdf);
        if (!dev)
            return NULL;
        bdf.bus = dev->secondary;
    }
    return dev;
}

/* Reserved Memory Region Reporting, VT-d 8.4; scopes 8.3.1 */
static int read_rmrr(struct xpci_inventory *inv, struct part rmrr)
{
    enum { RMRR = 1, ENDPOINT = 1, BRIDGE = 2, NAMESPACE = 5 };
    struct part head, scope;

    if (get16(rmrr.p) != RMRR)
        return 0;
    xpci_try(take(&rmrr, 24, 24, &head));
    while (rmrr.len) {
        struct xpci_region region = {
            .start = get(head.p + 8, 8),
            .end = get(head.p + 16, 8),
            .segment = get16(head.p + 6),
        };
        const struct xpci_device *dev;

        xpci_try(take(&rmrr, rmrr.len < 8 ? 0 : rmrr.p[1], 8, &scope));
        if (region.end < region.start)
            return -EBADMSG;
        dev = follow(inv, region.segment, &scope);
        if (!dev || (scope.p[0] != ENDPOINT && scope.p[0] != BRIDGE &&
                     scope.p[0] != NAMESPACE))
            continue;
        region.first = region.last = XPCI_RID(dev->bdf);
        if (scope.p[0] == BRIDGE && dev->secondary) {
            region.first = (uint16_t)(dev->secondary << 8);
            region.last = (uint16_t)(dev->subordinate << 8 | 0xff);
        }
        xpci_try(xpci_array_push(inv->region, inv->n_regions, region));
    }
    return 0;
}

/* I/O Virtualization Memory Definition, AMD 5.2.6; 20h is for all devices */
static int read_ivmd(struct xpci_inventory *inv, struct part ivmd)
{
    enum { ONE = 0x21, RANGE = 0x22, UNITY = 1, EXCLUSION = 8 };
    struct xpci_region region;

    if (ivmd.len < 32)
        return -EBADMSG;
    region = (struct xpci_region){
        .start = get(ivmd.p + 16, 8),
        .end = get(ivmd.p + 16, 8) + get(ivmd.p + 24, 8) - 1,
        .segment = get16(ivmd.p + 8),
        .first = get16(ivmd.p + 4),
        .last = get16(ivmd.p + (ivmd.p[0] == RANGE ? 6 : 4)),
    };
    if ((ivmd.p[0] != ONE && ivmd.p[0] != RANGE) ||
        !(ivmd.p[1] & (UNITY | EXCLUSION)) || get(ivmd.p + 24, 8) == 0 ||
        (region.first == 0 && region.last == 0xffff))
        return 0;
    if (region.end < region.start || region.last < region.first)
        return -EBADMSG;
    return xpci_array_push(inv->region, inv->n_regions, region);
}

/* The length of a device entry, AMD 5.2.2.1; 0 where it is cut off */
static size_t entry_length(const struct part *rest)
{
    uint8_t type = rest->p[0];

    if (type == 0xf0) /* ends in a string */
        return rest->len < 22 ? 0 : 22 + (size_t)rest->p[21];
    return (size_t)4 << (type >> 6);
}

/* I/O Virtualization Hardware Definition: the requester ids in it */
static int read_ivhd(struct xpci_inventory *inv, struct part ivhd)
{
    enum { RANGE_END = 4, ALIAS = 0x42, ALIAS_RANGE = 0x43 };
    struct xpci_region alias = { .is_alias = true };
    struct part head, entry;
    bool in_range = false;

    xpci_try(take(&ivhd, ivhd.p[0] == 0x10 ? 24 : 40, 24, &head));
    while (ivhd.len) {
        xpci_try(take(&ivhd, entry_length(&ivhd), 4, &entry));
        alias.last = get16(entry.p + 1);
        if (entry.p[0] == ALIAS || entry.p[0] == ALIAS_RANGE) {
            alias.segment = get16(head.p + 16);
            alias.first = alias.last;
            alias.start = alias.end = alias.segment << 16 | get16(entry.p + 5);
        }
        if (entry.p[0] == ALIAS || (entry.p[0] == RANGE_END && in_range)) {
            xpci_try(xpci_array_push(inv->region, inv->n_regions, alias));
            /* who has the id is one of them */
            alias.first = alias.last = (uint16_t)alias.start;
            xpci_try(xpci_array_push(inv->region, inv->n_regions, alias));
        }
        in_range = entry.p[0] == ALIAS_RANGE;
    }
    return 0;
}

static int read_iv(struct xpci_inventory *inv, struct part block)
{
    uint8_t type = block.p[0];

    inv->has_ivrs = true;
    if (type >= 0x20 && type <= 0x23)
        return read_ivmd(inv, block);
    return type == 0x10 || type == 0x11 || type == 0x40 ? read_ivhd(inv, block)
                                                        : 0;
}

/* What the parts of a table say; its header says how long that is. */
static int read_table(struct part rest, struct xpci_inventory *inv,
                      int (*read)(struct xpci_inventory *, struct part))
{
    enum { HEAD = 48 };
    struct part entry;

    if (rest.len < HEAD || get(rest.p + 4, 4) > rest.len)
        return -EBADMSG;
    rest.len = get(rest.p + 4, 4);
    xpci_try(take(&rest, HEAD, HEAD, &entry));
    while (rest.len) {
        xpci_try(take(&rest, rest.len < 4 ? 0 : get16(rest.p + 2), 4, &entry));
        xpci_try(read(inv, entry));
    }
    return 0;
}

/* The table @name if it is there. */
static int load_table(const struct xpci_root *root, const char *name,
                      int (*read)(struct xpci_inventory *, struct part),
                      struct xpci_inventory *inv, bool *found,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf file = { 0 };
    char path[60];
    int ret;

    snprintf(path, sizeof(path), "/sys/firmware/acpi/tables/%s", name);
    ret = xpci_root_read_optional(root, path, &file, found, err);
    inv->tables_unreadable |= ret == -EACCES;
    if (ret < 0 || !*found)
        return ret == -EACCES ? 0 : ret;
    ret = read_table((struct part){ (const uint8_t *)file.data, file.len }, inv,
                     read);
    if (ret == -EBADMSG)
        return xpci_error_set(err, EBADMSG,
                              "'%s%s' is malformed, so what memory devices "
                              "share is not known",
                              xpci_root_dir(root), path);
    xpci_need(ret == 0, err);
    return 0;
}

static int region_cmp(const void *a, const void *b)
{
    const struct xpci_region *x = a, *y = b;

    if (x->is_alias != y->is_alias)
        return y->is_alias - x->is_alias;
    return (x->start > y->start) - (x->start < y->start);
}

int xpci_reserved_memory_load(const struct xpci_root *root,
                              struct xpci_inventory *inv,
                              struct xpci_error *err)
{
    bool found;

    xpci_try(load_table(root, "RMAD", read_rmrr, inv, &found, err));
    if (!found)
        xpci_try(load_table(root, "DMAR", read_rmrr, inv, &found, err));
    xpci_try(load_table(root, "IVRS", read_iv, inv, &found, err));
    if (inv->n_regions)
        qsort(inv->region, inv->n_regions, sizeof(*inv->region), region_cmp);
    return 0;
}
