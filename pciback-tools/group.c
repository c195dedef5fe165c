/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "group.h"
#include "isolation.h"

#define ALL_RULES                                                              \
    (XPCI_ISOLATION_KERNEL | XPCI_ISOLATION_FIRMWARE | XPCI_ISOLATION_SLOTS)

bool xpci_group_has(const struct xpci_group *group, size_t dev)
{
    return xpci_list_find(group, member, member->dev == dev);
}

void xpci_group_clear(struct xpci_group *group)
{
    xpci_list_clear(group, member, free(member->rule));
}

/* --- what cannot be read --- */

/* A bridge that may alias what is behind it, or lend it no protection. */
static int check_bridge(const struct xpci_device *dev, struct xpci_error *err)
{
    if (dev->pcie_type != XPCI_PCIE_UNKNOWN ||
        (!xpci_device_is_bridge(dev) && dev->class_code != 0xffff))
        return 0;
    if (dev->header == 0xff)
        return xpci_error_set(err, EIO,
                              "bridge " XPCI_BDF_FMT " does not answer, so "
                              "what is behind it is not known; wake it up",
                              XPCI_BDF_ARGS(dev->bdf));
    if (dev->bytes)
        return xpci_error_set(
            err, EACCES,
            "the dump has only %u bytes of bridge " XPCI_BDF_FMT
            ", so what belongs together is not known; make it with 'lspci -D "
            "-xxxx' as root",
            dev->bytes, XPCI_BDF_ARGS(dev->bdf));
    return xpci_error_set(err, EACCES,
                          "cannot read the capabilities of bridge " XPCI_BDF_FMT
                          ", so what belongs together is not known; run as "
                          "root",
                          XPCI_BDF_ARGS(dev->bdf));
}

/* What a closure or a listing is made from; by index in the inventory. */
struct sets {
    const struct xpci_inventory *inv;
    struct xpci_tie *tie;
    struct {
        unsigned int number; /* of the set whose lowest device this is */
        bool wanted;         /* by the same */
        const char *begin;   /* the set begins here: instead of a rule */
    } * set;
};

static void sets_clear(struct sets *s)
{
    free(s->tie);
    free(s->set);
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
static const char *rule_text(const struct sets *s, size_t dev)
{
    static const char *const texts[] = {
        [XPCI_RULE_BRIDGE] = "behind",
        [XPCI_RULE_MUTE] = "perhaps behind the unreadable",
        [XPCI_RULE_FUNCTION] =
            "function of a multifunction device without ACS, as is",
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
    const struct xpci_tie *t = &s->tie[dev];

    if (t->rule == XPCI_RULE_ACS)
        return acs[s->inv->dev[t->object].acs.state];
    if (t->rule == XPCI_RULE_FUNCTION &&
        s->inv->dev[dev].acs.state == XPCI_ACS_PRESENT)
        return "function of a multifunction device with its ACS off, as is";
    return texts[t->rule];
}

/* Why @dev is in. */
static int print_rule(const struct sets *s, size_t dev, struct xpci_buf *out)
{
    const struct xpci_tie *t = &s->tie[dev], *above;
    char other[XPCI_BDF_SIZE], bdf[XPCI_BDF_SIZE];
    const struct xpci_device *object;
    const char *kind;

    if (s->set[dev].begin)
        return xpci_buf_puts(out, s->set[dev].begin);
    xpci_bdf_format(&s->inv->dev[t->up].bdf, other);
    if (t->rule == XPCI_RULE_MEMORY)
        return xpci_buf_printf(
            out, "shares reserved memory %#" PRIx64 "-%#" PRIx64 " with %s",
            t->start, t->end, other);
    if (t->object == XPCI_NO_PARENT)
        return xpci_buf_printf(out, "%s %s", rule_text(s, dev), other);
    object = &s->inv->dev[t->object];
    kind = bridge_kind(object);
    if (t->object == dev && t->rule != XPCI_RULE_ACS) /* reached from below */
        return xpci_buf_printf(out, "%s above %s", kind, other);
    xpci_bdf_format(&object->bdf, bdf);
    above = &s->tie[t->object];
    /* reached from below, and on to what is behind it too */
    if (t->rule == XPCI_RULE_BRIDGE && above->up != XPCI_NO_PARENT &&
        above->rule == XPCI_RULE_BRIDGE && above->object == t->object)
        return xpci_buf_printf(
            out, "behind the same %s %s as %s", kind, bdf,
            xpci_bdf_format(&s->inv->dev[above->up].bdf, other));
    return xpci_buf_printf(out, "%s %s %s", rule_text(s, dev), kind, bdf);
}

/* --- the sets --- */

/*
 * The sets by the rules @what (isolation.h). They begin with @seed, so that
 * each tie leads towards one; without seeds each with its lowest device.
 */
static int make_sets(struct sets *s, unsigned int what, const size_t *seed,
                     size_t n)
{
    s->set = calloc(s->inv->n + 1, sizeof(*s->set));
    if (!s->set || xpci_isolation_tie(s->inv, what, &s->tie) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        xpci_tie_turn(s->tie, seed[i]);
        s->set[xpci_tie_set(s->tie, seed[i])].wanted = true;
        s->set[seed[i]].begin = "asked for";
    }
    for (size_t i = 0; n == 0 && i < s->inv->n; i++) {
        size_t set = xpci_tie_set(s->tie, i);

        s->set[i].wanted = true;
        s->set[set].begin = i == set ? "alone" : "first of the group";
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

            if (!s->set[set].number &&
                (xpci_device_board(&s->inv->dev[i]) != NULL) == bridges)
                s->set[set].number = next++;
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

static int take(const struct sets *s, bool bridges, struct xpci_group *out)
{
    out->v = calloc(s->inv->n + 1, sizeof(*out->v));
    if (!out->v)
        return -ENOMEM;
    for (size_t i = 0; i < s->inv->n; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        size_t set = xpci_tie_set(s->tie, i);

        if (!s->set[set].wanted ||
            (!bridges && xpci_device_board(&s->inv->dev[i])))
            continue;
        xpci_try(print_rule(s, i, &text));
        out->v[out->n++] = (struct xpci_member){ i, s->set[set].number,
                                                 xpci_buf_steal(&text) };
    }
    qsort(out->v, out->n, sizeof(*out->v), member_cmp);
    return 0;
}

/* A listing has bridges and numbers, and goes on with one that is asleep. */
static int make(const struct xpci_inventory *inv, bool listing,
                unsigned int what, const size_t *seed, size_t n,
                struct xpci_group *out, struct xpci_error *err)
{
    _cleanup_(sets_clear) struct sets s = { .inv = inv };
    _cleanup_group_ struct xpci_group group = { 0 };

    if (what & XPCI_ISOLATION_FIRMWARE && inv->tables_unreadable)
        return xpci_error_set(err, EACCES,
                              "cannot read the IOMMU tables in "
                              "/sys/firmware/acpi/tables, so what memory "
                              "devices share is not known; run as root");
    xpci_need(make_sets(&s, what, seed, n) == 0, err);
    for (size_t i = 0; i < inv->n; i++) {
        if (what & XPCI_ISOLATION_KERNEL &&
            (listing ? inv->dev[i].header != 0xff
                     : s.set[xpci_tie_set(s.tie, i)].wanted))
            xpci_try(check_bridge(&inv->dev[i], err));
    }
    if (listing)
        number_sets(&s);
    xpci_need(take(&s, listing, &group) == 0, err);
    *out = xpci_steal(group);
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

    for (size_t i = 0; i < n; i++) {
        const struct xpci_device *dev = &inv->dev[seed[i]];

        if (xpci_device_board(dev))
            return xpci_error_refuse(
                err, XPCI_BDF_FMT " is %s; name the devices themselves",
                XPCI_BDF_ARGS(dev->bdf), xpci_device_board(dev));
    }
    return n ? make(inv, false, rules[scope], seed, n, out, err) : 0;
}

int xpci_group_list(const struct xpci_inventory *inv, bool kernel_only,
                    bool acs_as_enabled, const size_t *seed, size_t n,
                    struct xpci_group *out, struct xpci_error *err)
{
    unsigned int what = (kernel_only ? XPCI_ISOLATION_KERNEL : ALL_RULES) |
                        (acs_as_enabled ? XPCI_ISOLATION_ACS_AS_ENABLED : 0);

    return make(inv, true, what, seed, n, out, err);
}

int xpci_scope_parse(const char *text, enum xpci_scope *out,
                     struct xpci_error *err)
{
    size_t number = xpci_find_word("group slot bus device", text, strlen(text));

    *out = (enum xpci_scope)(number - 1);
    if (number)
        return 0;
    return xpci_error_usage(err,
                            "'%s' is no scope; it is group, slot, bus or "
                            "device",
                            text);
}
