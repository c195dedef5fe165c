/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "group.h"
#include "isolation.h"

bool xpci_group_has(const struct xpci_group *group, size_t dev)
{
    for (size_t i = 0; i < group->n; i++) {
        if (group->v[i].dev == dev)
            return true;
    }
    return false;
}

void xpci_group_clear(struct xpci_group *group)
{
    for (size_t i = 0; i < group->n; i++)
        free(group->v[i].rule);
    free(group->v);
    *group = (struct xpci_group){ 0 };
}

/* --- the sets --- */

static int apply_rules(struct xpci_partition *p,
                       const struct xpci_inventory *inv, enum xpci_scope scope,
                       struct xpci_group_how how)
{
    int ret = xpci_partition_init(p, inv->n);

    if (ret == 0 && (scope == XPCI_SCOPE_GROUP || scope == XPCI_SCOPE_BUS))
        ret = xpci_isolation_kernel(p, inv, how.acs_as_enabled);
    if (ret < 0 || how.kernel_only || scope == XPCI_SCOPE_DEVICE)
        return ret;
    if (scope != XPCI_SCOPE_SLOT) {
        xpci_isolation_xen(p, inv);
        xpci_isolation_memory(p, inv);
    }
    xpci_isolation_slots(p, inv);
    if (scope == XPCI_SCOPE_BUS)
        xpci_isolation_buses(p, inv);
    return 0;
}

static int check_tables(const struct xpci_inventory *inv,
                        struct xpci_error *err)
{
    if (!inv->tables_unreadable)
        return 0;
    return xpci_error_set(err, EACCES,
                          "cannot read the IOMMU tables in "
                          "/sys/firmware/acpi/tables, so what memory devices "
                          "share is not known; run as root");
}

static int unreadable(const struct xpci_device *bridge, struct xpci_error *err)
{
    return xpci_error_set(err, EACCES,
                          "cannot read the capabilities of bridge " XPCI_BDF_FMT
                          ", so what belongs together is not known; run as "
                          "root",
                          XPCI_BDF_ARGS(bridge->bdf));
}

static int mute(const struct xpci_device *bridge, struct xpci_error *err)
{
    return xpci_error_set(err, EIO,
                          "bridge " XPCI_BDF_FMT
                          " does not answer, so what is behind it is not "
                          "known; wake it up",
                          XPCI_BDF_ARGS(bridge->bdf));
}

/* What may hang together with @dev by a bridge that cannot be read. */
static int check_readable(const struct xpci_inventory *inv, size_t i,
                          struct xpci_error *err)
{
    const struct xpci_device *dev = &inv->dev[i];

    if (xpci_device_is_bridge(dev) && dev->pcie_type == XPCI_PCIE_UNKNOWN)
        return dev->header == 0xff ? mute(dev, err) : unreadable(dev, err);
    if (dev->parent != XPCI_NO_PARENT || dev->parent_known || !dev->bdf.bus)
        return 0;
    /* the bridge above an orphan may be one that reads all ones (D3cold) */
    for (size_t k = 0; k < inv->n; k++) {
        if (inv->dev[k].header == 0xff && inv->dev[k].class_code == 0x0604)
            return mute(&inv->dev[k], err);
    }
    return 0;
}

/* --- the reasons --- */

static const char *bridge_kind(const struct xpci_device *dev)
{
    static const char *const kinds[] = {
        [XPCI_PCIE_ROOT_PORT] = "root port",
        [XPCI_PCIE_UPSTREAM] = "upstream port",
        [XPCI_PCIE_DOWNSTREAM] = "downstream port",
        [XPCI_PCIE_TO_PCI] = "PCIe-to-PCI bridge",
        [XPCI_PCI_TO_PCIE] = "PCI-to-PCIe bridge",
    };

    if (dev->pcie_type == XPCI_PCIE_NONE)
        return "PCI bridge";
    if (dev->pcie_type >= 0 &&
        (size_t)dev->pcie_type < XPCI_ARRAY_SIZE(kinds) &&
        kinds[dev->pcie_type])
        return kinds[dev->pcie_type];
    return "bridge";
}

/* How a rule is said; %s is its object if it has one, else the other member. */
static const char *const rule_texts[] = {
    [XPCI_RULE_BRIDGE] = "behind %s",
    [XPCI_RULE_MUTE] = "behind %s, which cannot be read",
    [XPCI_RULE_NO_ACS] = "no ACS at %s",
    [XPCI_RULE_ACS_OFF] = "ACS is off at %s",
    [XPCI_RULE_ACS_UNREADABLE] = "ACS cannot be read at %s",
    [XPCI_RULE_FUNCTION] =
        "function of a multifunction device without ACS, as is %s",
    [XPCI_RULE_FUNCTION_OFF] =
        "function of a multifunction device with its ACS off, as is %s",
    [XPCI_RULE_ALIAS] = "uses one requester id with %s",
    [XPCI_RULE_VMD] = "behind VMD controller %s",
    [XPCI_RULE_IVRS] = "has one requester id with %s, says the IVRS",
    [XPCI_RULE_SLOT] = "in one slot with %s",
    [XPCI_RULE_BUS] = "on one bus with %s",
};

/* Where a closure or a listing came along. */
struct walk {
    const struct xpci_inventory *inv;
    size_t *order;
    const struct xpci_link **from; /* by device */
    size_t n;
};

static int print_rule(const struct walk *w, size_t dev, struct xpci_buf *out)
{
    const struct xpci_link *link = w->from[dev];
    size_t other = link->a == dev ? link->b : link->a;
    const struct xpci_device *o = &w->inv->dev[other];
    char name[60], bdf[XPCI_BDF_SIZE];

    xpci_bdf_format(&o->bdf, name);
    if (link->rule == XPCI_RULE_MEMORY)
        return xpci_buf_printf(
            out, "shares reserved memory %#" PRIx64 "-%#" PRIx64 " with %s",
            link->start, link->end, name);
    if (link->object == dev) /* reached from below */
        return xpci_buf_printf(out, "%s above %s",
                               bridge_kind(&w->inv->dev[dev]), name);
    if (link->object != XPCI_NO_PARENT) {
        o = &w->inv->dev[link->object];
        snprintf(name, sizeof(name), "%s%s%s",
                 link->rule == XPCI_RULE_VMD ? "" : bridge_kind(o),
                 link->rule == XPCI_RULE_VMD ? "" : " ",
                 xpci_bdf_format(&o->bdf, bdf));
    }
    return xpci_buf_printf(out, rule_texts[link->rule], name);
}

/* Who stood on the other side of the bridge by which @dev was reached. */
static const struct xpci_device *neighbour(const struct walk *w, size_t dev)
{
    const struct xpci_link *link = w->from[dev], *before;

    if (link->rule != XPCI_RULE_BRIDGE || link->object == dev)
        return NULL;
    before = w->from[link->object];
    if (!before || before->rule != XPCI_RULE_BRIDGE ||
        before->object != link->object)
        return NULL;
    return &w->inv->dev[before->a == link->object ? before->b : before->a];
}

/* The reason why the walk came to @dev; @seed if it began there. */
static int rule_of(const struct walk *w, size_t dev, const char *seed,
                   char **out)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    int ret;

    if (!w->from[dev]) {
        ret = xpci_buf_puts(&text, seed);
    } else if (neighbour(w, dev)) {
        const struct xpci_device *b = &w->inv->dev[w->from[dev]->object];

        ret = xpci_buf_printf(
            &text, "behind the same %s " XPCI_BDF_FMT " as " XPCI_BDF_FMT,
            bridge_kind(b), XPCI_BDF_ARGS(b->bdf),
            XPCI_BDF_ARGS(neighbour(w, dev)->bdf));
    } else {
        ret = print_rule(w, dev, &text);
    }
    *out = ret == 0 ? xpci_buf_steal(&text) : NULL;
    return *out ? 0 : -ENOMEM;
}

static void walk_clear(struct walk *w)
{
    free(w->order);
    free(w->from);
}

static int walk(const struct xpci_partition *p, const size_t *seed, size_t n,
                struct walk *w)
{
    w->order = malloc((p->n + 1) * sizeof(*w->order));
    w->from = malloc((p->n + 1) * sizeof(*w->from));
    if (!w->order || !w->from)
        return -ENOMEM;
    return xpci_partition_walk(p, seed, n, w->order, w->from, &w->n);
}

static int member_cmp(const void *a, const void *b)
{
    const struct xpci_member *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->dev > y->dev) - (x->dev < y->dev);
}

/* --- a closure --- */

static int check_seeds(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, struct xpci_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct xpci_device *dev = &inv->dev[seed[i]];

        if (xpci_device_is_bridge(dev))
            return xpci_error_refuse(err,
                                     XPCI_BDF_FMT
                                     " is a bridge, and pciback would take "
                                     "everything behind it; name the devices "
                                     "themselves",
                                     XPCI_BDF_ARGS(dev->bdf));
    }
    return 0;
}

/* The endpoints of the walk. */
static int take_members(const struct walk *w, bool check,
                        struct xpci_group *out, struct xpci_error *err)
{
    out->v = calloc(w->n + 1, sizeof(*out->v));
    if (!out->v)
        return xpci_error_oom(err);
    for (size_t i = 0; i < w->n; i++) {
        struct xpci_member *m = &out->v[out->n];
        int ret = check ? check_readable(w->inv, w->order[i], err) : 0;

        if (ret < 0)
            return ret;
        m->dev = w->order[i];
        if (xpci_device_is_bridge(&w->inv->dev[m->dev]))
            continue;
        if (rule_of(w, m->dev, "asked for", &m->rule) < 0)
            return xpci_error_oom(err);
        out->n++;
    }
    qsort(out->v, out->n, sizeof(*out->v), member_cmp);
    return 0;
}

int xpci_group_closure(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, enum xpci_scope scope, struct xpci_group *out,
                       struct xpci_error *err)
{
    bool check = scope == XPCI_SCOPE_GROUP || scope == XPCI_SCOPE_BUS;
    _cleanup_partition_ struct xpci_partition p = { 0 };
    _cleanup_(walk_clear) struct walk w = { .inv = inv };
    int ret = check_seeds(inv, seed, n, err);

    if (ret == 0 && check)
        ret = check_tables(inv, err);
    if (ret < 0)
        return ret;
    if (apply_rules(&p, inv, scope, (struct xpci_group_how){ 0 }) < 0 ||
        walk(&p, seed, n, &w) < 0)
        return xpci_error_oom(err);
    ret = take_members(&w, check, out, err);
    if (ret < 0)
        xpci_group_clear(out);
    return ret;
}

/* --- listings --- */

static int check_all(const struct xpci_inventory *inv,
                     struct xpci_group_how how, struct xpci_error *err)
{
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        if ((dev->header == 1 || dev->header == 2) &&
            dev->pcie_type == XPCI_PCIE_UNKNOWN)
            return unreadable(dev, err);
    }
    return how.kernel_only ? 0 : check_tables(inv, err);
}

/* The numbers of all sets: those with endpoints first. */
static void number_sets(struct xpci_partition *p,
                        const struct xpci_inventory *inv, unsigned int *number)
{
    unsigned int next = 1;

    memset(number, 0, inv->n * sizeof(*number));
    for (int bridges = 0; bridges < 2; bridges++) {
        for (size_t i = 0; i < inv->n; i++) {
            size_t set = xpci_partition_find(p, i);

            if (!number[set] &&
                xpci_device_is_bridge(&inv->dev[i]) == (bridges == 1))
                number[set] = next++;
        }
    }
    for (size_t i = 0; i < inv->n; i++)
        number[i] = number[xpci_partition_find(p, i)];
}

static int add_members(const struct walk *w, const unsigned int *number,
                       const size_t *count, bool named, struct xpci_group *out)
{
    out->v = calloc(w->n + 1, sizeof(*out->v));
    if (!out->v)
        return -ENOMEM;
    for (size_t i = 0; i < w->n; i++) {
        struct xpci_member *m = &out->v[out->n];
        const char *seed = named ? "asked for" : "first of the group";

        m->dev = w->order[i];
        m->number = number[m->dev];
        if (count[m->number] == 1 && !named)
            seed = "alone";
        if (rule_of(w, m->dev, seed, &m->rule) < 0)
            return -ENOMEM;
        out->n++;
    }
    qsort(out->v, out->n, sizeof(*out->v), member_cmp);
    return 0;
}

/* Without seeds, each group is entered at its first device. */
static int list(struct xpci_partition *p, struct walk *w, const size_t *seed,
                size_t n, struct xpci_group *out)
{
    _cleanup_free_ unsigned int *number = calloc(p->n + 1, sizeof(*number));
    _cleanup_free_ size_t *first = malloc((p->n + 1) * sizeof(*first));
    _cleanup_free_ size_t *count = calloc(p->n + 1, sizeof(*count));
    bool named = n > 0;

    if (!number || !first || !count)
        return -ENOMEM;
    number_sets(p, w->inv, number);
    for (size_t i = 0; i < p->n; i++) {
        count[number[i]]++;
        if (!named && xpci_partition_find(p, i) == i)
            first[n++] = i;
    }
    if (walk(p, named ? seed : first, n, w) < 0)
        return -ENOMEM;
    return add_members(w, number, count, named, out);
}

int xpci_group_list(const struct xpci_inventory *inv, struct xpci_group_how how,
                    const size_t *seed, size_t n, struct xpci_group *out,
                    struct xpci_error *err)
{
    _cleanup_partition_ struct xpci_partition p = { 0 };
    _cleanup_(walk_clear) struct walk w = { .inv = inv };
    int ret = check_all(inv, how, err);

    if (ret < 0)
        return ret;
    if (apply_rules(&p, inv, XPCI_SCOPE_GROUP, how) < 0 ||
        list(&p, &w, seed, n, out) < 0) {
        xpci_group_clear(out);
        return xpci_error_oom(err);
    }
    return 0;
}

int xpci_group_number(const struct xpci_inventory *inv, unsigned int *number,
                      struct xpci_error *err)
{
    struct xpci_group_how how = { 0 };
    _cleanup_partition_ struct xpci_partition p = { 0 };
    int ret = check_all(inv, how, err);

    if (ret < 0)
        return ret;
    if (apply_rules(&p, inv, XPCI_SCOPE_GROUP, how) < 0)
        return xpci_error_oom(err);
    number_sets(&p, inv, number);
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
