/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "group.h"
#include "isolation.h"

#define ALL_RULES                                                              \
    (XPCI_ISOLATION_KERNEL | XPCI_ISOLATION_FIRMWARE | XPCI_ISOLATION_SLOTS)

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

/* --- what cannot be read --- */

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

/* A bridge that may alias what is behind it, or lend it no protection. */
static int check_bridge(const struct xpci_device *dev, struct xpci_error *err)
{
    bool asleep = dev->header == 0xff;

    if (dev->pcie_type != XPCI_PCIE_UNKNOWN || !xpci_device_is_bridge(dev))
        return 0;
    return xpci_error_set(err, asleep ? EIO : EACCES,
                          asleep ? "bridge " XPCI_BDF_FMT
                                   " does not answer, so what is behind it is "
                                   "not known; wake it up"
                                 : "cannot read the capabilities of "
                                   "bridge " XPCI_BDF_FMT
                                   ", so what belongs together is not known; "
                                   "run as root",
                          XPCI_BDF_ARGS(dev->bdf));
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

    if (dev->pcie_type < XPCI_PCIE_ROOT_PORT ||
        dev->pcie_type > XPCI_PCI_TO_PCIE)
        return dev->pcie_type == XPCI_PCIE_NONE ? "PCI bridge" : "bridge";
    return kinds[dev->pcie_type];
}

/* A rule's words, which end in its object or else in the other device. */
static const char *rule_text(const struct xpci_inventory *inv,
                             const struct xpci_tie *tie, size_t dev)
{
    static const char *const texts[] = {
        [XPCI_RULE_BRIDGE] = "behind",
        [XPCI_RULE_MUTE] = "perhaps behind the unreadable",
        [XPCI_RULE_ALIAS] = "uses one requester id with",
        [XPCI_RULE_VMD] = "one VMD controller with",
        [XPCI_RULE_IVRS] = "has by the IVRS one requester id with",
        [XPCI_RULE_SLOT] = "in one slot with",
        [XPCI_RULE_BUS] = "on one bus with",
    };
    static const char *const acs[] = {
        [XPCI_ACS_NONE] = "no ACS at",
        [XPCI_ACS_PRESENT] = "ACS is off at",
        [XPCI_ACS_UNREADABLE] = "ACS cannot be read at",
    };

    if (tie[dev].rule == XPCI_RULE_ACS)
        return acs[inv->dev[tie[dev].object].acs.state];
    if (tie[dev].rule != XPCI_RULE_FUNCTION)
        return texts[tie[dev].rule];
    return inv->dev[dev].acs.state == XPCI_ACS_PRESENT
               ? "function of a multifunction device with its ACS off, as is"
               : "function of a multifunction device without ACS, as is";
}

/* Why @dev is in; it is not where its set begins. */
static int print_rule(const struct xpci_inventory *inv,
                      const struct xpci_tie *tie, size_t dev,
                      struct xpci_buf *out)
{
    const struct xpci_tie *t = &tie[dev];
    const struct xpci_device *object = &inv->dev[dev];
    char other[XPCI_BDF_SIZE], bdf[XPCI_BDF_SIZE];

    xpci_bdf_format(&inv->dev[t->up].bdf, other);
    if (t->rule == XPCI_RULE_MEMORY)
        return xpci_buf_printf(
            out, "shares reserved memory %#" PRIx64 "-%#" PRIx64 " with %s",
            t->start, t->end, other);
    if (t->object == XPCI_NO_PARENT)
        return xpci_buf_printf(out, "%s %s", rule_text(inv, tie, dev), other);
    if (t->object == dev && t->rule != XPCI_RULE_ACS) /* reached from below */
        return xpci_buf_printf(out, "%s above %s", bridge_kind(object), other);
    object = &inv->dev[t->object];
    xpci_bdf_format(&object->bdf, bdf);
    t = &tie[t->object];
    /* reached from below, and on to what is behind it too */
    if (tie[dev].rule == XPCI_RULE_BRIDGE && t->up != XPCI_NO_PARENT &&
        t->rule == XPCI_RULE_BRIDGE && t->object == tie[dev].object)
        return xpci_buf_printf(out, "behind the same %s %s as %s",
                               bridge_kind(object), bdf,
                               xpci_bdf_format(&inv->dev[t->up].bdf, other));
    return xpci_buf_printf(out, "%s %s %s", rule_text(inv, tie, dev),
                           bridge_kind(object), bdf);
}

/* --- the sets --- */

/* What a closure or a listing is made from; each by index in the inventory. */
struct sets {
    const struct xpci_inventory *inv;
    struct xpci_tie *tie;
    unsigned int *number; /* of the set whose lowest device this is */
    bool *wanted;         /* by the same */
    const char **begin;   /* instead of a rule */
};

static void sets_clear(struct sets *s)
{
    free(s->tie);
    free(s->number);
    free(s->wanted);
    free(s->begin);
}

/*
 * The sets by the rules @what (isolation.h). They begin with @seed, so that
 * each tie leads towards one; without seeds each with its lowest device.
 */
static int make_sets(struct sets *s, const struct xpci_inventory *inv,
                     unsigned int what, const size_t *seed, size_t n)
{
    s->inv = inv;
    s->number = calloc(inv->n + 1, sizeof(*s->number));
    s->wanted = calloc(inv->n + 1, sizeof(*s->wanted));
    s->begin = calloc(inv->n + 1, sizeof(*s->begin));
    if (!s->number || !s->wanted || !s->begin ||
        xpci_isolation_tie(inv, what, &s->tie) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        xpci_tie_turn(s->tie, seed[i]);
        s->wanted[xpci_tie_set(s->tie, seed[i])] = true;
        s->begin[seed[i]] = "asked for";
    }
    for (size_t i = 0; n == 0 && i < inv->n; i++) {
        size_t set = xpci_tie_set(s->tie, i);

        s->wanted[i] = true;
        s->begin[set] = i == set ? "alone" : "first of the group";
        if (i == set)
            xpci_tie_turn(s->tie, i);
    }
    return 0;
}

/* Numbers all sets, those with endpoints first, by their lowest device. */
static void number_sets(struct sets *s)
{
    unsigned int next = 1;

    for (int bridges = 0; bridges < 2; bridges++) {
        for (size_t i = 0; i < s->inv->n; i++) {
            size_t set = xpci_tie_set(s->tie, i);

            if (!s->number[set] &&
                xpci_device_is_bridge(&s->inv->dev[i]) == bridges)
                s->number[set] = next++;
        }
    }
}

static int member_cmp(const void *a, const void *b)
{
    const struct xpci_member *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->dev > y->dev) - (x->dev < y->dev);
}

static int take(const struct sets *s, bool bridges, struct xpci_group *out,
                struct xpci_error *err)
{
    out->v = calloc(s->inv->n + 1, sizeof(*out->v));
    for (size_t i = 0; out->v && i < s->inv->n; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        size_t set = xpci_tie_set(s->tie, i);

        if (!s->wanted[set] ||
            (!bridges && xpci_device_is_bridge(&s->inv->dev[i])))
            continue;
        if ((s->begin[i] ? xpci_buf_puts(&text, s->begin[i])
                         : print_rule(s->inv, s->tie, i, &text)) < 0) {
            xpci_group_clear(out);
            break;
        }
        out->v[out->n++] =
            (struct xpci_member){ i, s->number[set], xpci_buf_steal(&text) };
    }
    if (!out->v)
        return xpci_error_oom(err);
    qsort(out->v, out->n, sizeof(*out->v), member_cmp);
    return 0;
}

int xpci_group_closure(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, enum xpci_scope scope, struct xpci_group *out,
                       struct xpci_error *err)
{
    static const unsigned int rules[] = {
        [XPCI_SCOPE_GROUP] = ALL_RULES,
        [XPCI_SCOPE_SLOT] = XPCI_ISOLATION_SLOTS,
        [XPCI_SCOPE_BUS] = ALL_RULES | XPCI_ISOLATION_BUSES,
        [XPCI_SCOPE_DEVICE] = 0,
    };
    _cleanup_(sets_clear) struct sets s = { 0 };
    bool guess = rules[scope] & XPCI_ISOLATION_KERNEL;
    int ret = guess ? check_tables(inv, err) : 0;

    for (size_t i = 0; i < n && ret == 0; i++) {
        const struct xpci_device *dev = &inv->dev[seed[i]];

        if (xpci_device_is_bridge(dev))
            ret = xpci_error_refuse(err,
                                    XPCI_BDF_FMT
                                    " is a bridge, and pciback would take "
                                    "everything behind it; name the devices "
                                    "themselves",
                                    XPCI_BDF_ARGS(dev->bdf));
    }
    if (ret == 0 && n > 0 && make_sets(&s, inv, rules[scope], seed, n) < 0)
        ret = xpci_error_oom(err);
    for (size_t i = 0; i < inv->n && n > 0 && ret == 0; i++) {
        if (guess && s.wanted[xpci_tie_set(s.tie, i)])
            ret = check_bridge(&inv->dev[i], err);
    }
    return ret < 0 || n == 0 ? ret : take(&s, false, out, err);
}

int xpci_group_list(const struct xpci_inventory *inv, bool kernel_only,
                    bool acs_as_enabled, const size_t *seed, size_t n,
                    struct xpci_group *out, struct xpci_error *err)
{
    _cleanup_(sets_clear) struct sets s = { 0 };
    unsigned int what = (kernel_only ? XPCI_ISOLATION_KERNEL : ALL_RULES) |
                        (acs_as_enabled ? XPCI_ISOLATION_ACS_AS_ENABLED : 0);
    int ret = kernel_only ? 0 : check_tables(inv, err);

    for (size_t i = 0; i < inv->n && ret == 0; i++)
        ret = inv->dev[i].header == 0xff ? 0 : check_bridge(&inv->dev[i], err);
    if (ret < 0)
        return ret;
    if (make_sets(&s, inv, what, seed, n) < 0)
        return xpci_error_oom(err);
    number_sets(&s);
    return take(&s, true, out, err);
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
