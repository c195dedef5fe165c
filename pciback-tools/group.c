/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "group.h"

/* What a closure works on: members found so far, in order of discovery. */
struct closure {
    const struct xpci_inventory *inv;
    enum xpci_scope scope;
    struct xpci_group *group;
    bool *member; /* by index in the inventory */
};

bool xpci_group_has(const struct xpci_group *group, size_t dev)
{
    for (size_t i = 0; i < group->n; i++) {
        if (group->v[i].dev == dev)
            return true;
    }
    return false;
}

static int _printf_(3, 4)
    add_member(struct closure *c, size_t dev, const char *fmt, ...)
{
    struct xpci_member *v;
    char *rule = NULL;
    va_list ap;
    int r;

    if (c->member[dev])
        return 0;
    v = realloc(c->group->v, (c->group->n + 1) * sizeof(*v));
    if (!v)
        return -ENOMEM;
    c->group->v = v;
    va_start(ap, fmt);
    r = vasprintf(&rule, fmt, ap);
    va_end(ap);
    if (r < 0)
        return -ENOMEM;
    v[c->group->n++] = (struct xpci_member){ .dev = dev, .rule = rule };
    c->member[dev] = true;
    return 0;
}

/* The bridge whose requester id stands for what is behind it. */
static bool takes_ownership(const struct xpci_device *bridge)
{
    return bridge->pcie_type == XPCI_PCIE_TO_PCI ||
           bridge->pcie_type == XPCI_PCI_TO_PCIE ||
           bridge->pcie_type == XPCI_PCIE_NONE;
}

/* A bridge that reads all ones (D3cold): it may be above any orphan. */
static const struct xpci_device *mute_bridge(const struct xpci_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        if (inv->dev[i].header == 0xff && inv->dev[i].class_code == 0x0604)
            return &inv->dev[i];
    }
    return NULL;
}

/* The topmost bridge above @dev that hides requester ids, or NO_PARENT. */
static int alias_bridge(const struct xpci_inventory *inv, size_t dev,
                        size_t *out, struct xpci_error *err)
{
    *out = XPCI_NO_PARENT;
    if (inv->dev[dev].parent == XPCI_NO_PARENT && inv->dev[dev].bdf.bus) {
        const struct xpci_device *mute = mute_bridge(inv);

        if (mute)
            return xpci_error_set(err, EIO,
                                  "bridge " XPCI_BDF_FMT
                                  " does not answer, so what is behind it is "
                                  "not known; wake it up",
                                  XPCI_BDF_ARGS(mute->bdf));
    }
    for (size_t up = inv->dev[dev].parent; up != XPCI_NO_PARENT;
         up = inv->dev[up].parent) {
        const struct xpci_device *bridge = &inv->dev[up];

        if (bridge->pcie_type == XPCI_PCIE_UNKNOWN)
            return xpci_error_set(err, EACCES,
                                  "cannot read the capabilities of "
                                  "bridge " XPCI_BDF_FMT
                                  ", so what belongs together is not known; "
                                  "run as root",
                                  XPCI_BDF_ARGS(bridge->bdf));
        if (takes_ownership(bridge))
            *out = up;
    }
    return 0;
}

static int same_slot(struct closure *c, size_t dev)
{
    const struct xpci_device *d = &c->inv->dev[dev];
    int ret = 0;

    if (d->virtual_func)
        return 0;
    for (size_t i = 0; i < c->inv->n && ret == 0; i++) {
        const struct xpci_device *o = &c->inv->dev[i];

        if (xpci_device_is_bridge(o) || o->virtual_func ||
            !xpci_bdf_same_slot(&d->bdf, &o->bdf))
            continue;
        ret = add_member(c, i, "in one slot with " XPCI_BDF_FMT,
                         XPCI_BDF_ARGS(d->bdf));
    }
    return ret;
}

static int same_bridge(struct closure *c, size_t dev, struct xpci_error *err)
{
    const struct xpci_device *d = &c->inv->dev[dev];
    size_t bridge, other;
    int ret;

    ret = alias_bridge(c->inv, dev, &bridge, err);
    if (ret < 0 || bridge == XPCI_NO_PARENT)
        return ret;
    for (size_t i = 0; i < c->inv->n; i++) {
        if (xpci_device_is_bridge(&c->inv->dev[i]))
            continue;
        ret = alias_bridge(c->inv, i, &other, err);
        if (ret == 0 && other == bridge &&
            add_member(c, i,
                       "behind the same %s bridge " XPCI_BDF_FMT
                       " as " XPCI_BDF_FMT,
                       c->inv->dev[bridge].pcie_type == XPCI_PCIE_TO_PCI
                           ? "PCIe-to-PCI"
                           : "PCI",
                       XPCI_BDF_ARGS(c->inv->dev[bridge].bdf),
                       XPCI_BDF_ARGS(d->bdf)) < 0)
            ret = xpci_error_oom(err);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int same_bus(struct closure *c, size_t dev)
{
    const struct xpci_device *d = &c->inv->dev[dev];
    int ret = 0;

    for (size_t i = 0; i < c->inv->n && ret == 0; i++) {
        const struct xpci_device *o = &c->inv->dev[i];

        if (xpci_device_is_bridge(o) || o->bdf.segment != d->bdf.segment ||
            o->bdf.bus != d->bdf.bus)
            continue;
        ret = add_member(c, i, "on one bus with " XPCI_BDF_FMT,
                         XPCI_BDF_ARGS(d->bdf));
    }
    return ret;
}

/* Applies the rules to each member in turn, also to those they add. */
static int close_over(struct closure *c, struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; i < c->group->n && ret == 0; i++) {
        size_t dev = c->group->v[i].dev;

        if (c->scope != XPCI_SCOPE_DEVICE)
            ret = same_slot(c, dev);
        if (ret == 0 && c->scope == XPCI_SCOPE_BUS)
            ret = same_bus(c, dev);
        if (ret < 0)
            return xpci_error_oom(err);
        if (c->scope == XPCI_SCOPE_GROUP || c->scope == XPCI_SCOPE_BUS)
            ret = same_bridge(c, dev, err);
    }
    return ret;
}

static int member_cmp(const void *a, const void *b)
{
    const struct xpci_member *x = a, *y = b;

    return (x->dev > y->dev) - (x->dev < y->dev);
}

static int closure(struct closure *c, const size_t *seed, size_t n,
                   struct xpci_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct xpci_device *dev = &c->inv->dev[seed[i]];

        if (xpci_device_is_bridge(dev))
            return xpci_error_refuse(err,
                                     XPCI_BDF_FMT
                                     " is a bridge, and pciback would take "
                                     "everything behind it; name the devices "
                                     "themselves",
                                     XPCI_BDF_ARGS(dev->bdf));
        if (add_member(c, seed[i], "asked for") < 0)
            return xpci_error_oom(err);
    }
    return close_over(c, err);
}

int xpci_group_closure(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, enum xpci_scope scope, struct xpci_group *out,
                       struct xpci_error *err)
{
    _cleanup_free_ bool *member = calloc(inv->n + 1, sizeof(*member));
    struct closure c = {
        .inv = inv,
        .scope = scope,
        .group = out,
        .member = member,
    };
    int ret;

    if (!member)
        return xpci_error_oom(err);
    ret = closure(&c, seed, n, err);
    if (ret < 0)
        xpci_group_clear(out);
    else if (out->n)
        qsort(out->v, out->n, sizeof(*out->v), member_cmp);
    return ret;
}

void xpci_group_clear(struct xpci_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        free(group->v[i].rule);
    free(group->v);
    *group = (struct xpci_group){ 0 };
}

int xpci_group_number(const struct xpci_inventory *inv, unsigned int *number,
                      struct xpci_error *err)
{
    unsigned int next = 1;

    memset(number, 0, inv->n * sizeof(*number));
    for (size_t i = 0; i < inv->n; i++) {
        _cleanup_group_ struct xpci_group group = { 0 };
        int ret;

        if (number[i] || xpci_device_is_bridge(&inv->dev[i]))
            continue;
        ret = xpci_group_closure(inv, &i, 1, XPCI_SCOPE_GROUP, &group, err);
        if (ret < 0)
            return ret;
        for (size_t m = 0; m < group.n; m++)
            number[group.v[m].dev] = next;
        next++;
    }
    return 0;
}

int xpci_scope_parse(const char *text, enum xpci_scope *out,
                     struct xpci_error *err)
{
    static const char *const names[] = { "group", "slot", "bus", "device" };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(names); i++) {
        if (!strcmp(text, names[i])) {
            *out = (enum xpci_scope)i;
            return 0;
        }
    }
    return xpci_error_usage(err,
                            "'%s' is no scope; it is group, slot, bus or "
                            "device",
                            text);
}
