/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guard.h"
#include "host.h"
#include "table.h"

/* Neighbours in the list have other colours, a group's members the same. */
static const char *group_color(const char *number)
{
    static const char *const colors[] = { "green", "cyan", "magenta", "blue",
                                          "brown" };

    return colors[strtoul(number, NULL, 10) % XPCI_ARRAY_SIZE(colors)];
}

static const char *const grades[] = {
    [XPCI_GUARD_NOTE] = "note",
    [XPCI_GUARD_IN_USE] = "in use",
    [XPCI_GUARD_DIES] = "dies",
};

static const char *word_color(const char *word)
{
    static const char *const colors[][2] = { { "assignable", "green" },
                                             { "in use", "yellow" },
                                             { "dies", "red" } };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(colors); i++) {
        if (!strcmp(word, colors[i][0]))
            return colors[i][1];
    }
    return NULL;
}

static const struct xpci_column columns[] = {
    { .name = "BDF" },
    { .name = "GROUP", .number = true, .color = group_color },
    { .name = "DRIVER" },
    { .name = "STATE", .color = word_color },
    { .name = "USED_BY" },
    { .name = "DEVICE" },
    { .name = "ID", .extra = true },
    { .name = "CLASS", .extra = true },
    { .name = "PATH", .extra = true },
    { .name = "GUARD", .extra = true, .color = word_color },
    { .name = "WHY", .extra = true },
};

/* What the list is made from. */
struct listing {
    struct xpci_inventory inv;
    struct xpci_guest_devices guests;
    struct xpci_guard guard;
    unsigned int *group; /* NULL: not known */
    bool guests_known;
    bool drivers_known;
};

static void listing_clear(struct listing *l)
{
    xpci_inventory_clear(&l->inv);
    xpci_guest_devices_clear(&l->guests);
    xpci_guard_clear(&l->guard);
    free(l->group);
}

static const char *state_of(const struct listing *l,
                            const struct xpci_device *dev)
{
    return xpci_host_state(dev, l->drivers_known,
                           l->guests_known ? &l->guests : NULL);
}

static int add_row(const struct listing *l, size_t i, struct xpci_table *table,
                   struct xpci_error *err)
{
    const struct xpci_device *dev = &l->inv.dev[i];
    const struct xpci_guest_device *user =
        xpci_host_user(&l->guests, &dev->bdf);
    const struct xpci_finding *f = xpci_guard_worst(&l->guard, &dev->bdf);
    _cleanup_free_ char *path = NULL;
    char bdf[XPCI_BDF_SIZE], group[12], id[10], class[5];

    snprintf(group, sizeof(group), "%u", l->group ? l->group[i] : 0);
    snprintf(id, sizeof(id), "%04x:%04x", dev->vendor, dev->device);
    snprintf(class, sizeof(class), "%04x", dev->class_code);
    if (xpci_device_path(&l->inv, dev, &path) < 0)
        return xpci_error_oom(err);
    return xpci_table_add(table, err, xpci_bdf_format(&dev->bdf, bdf),
                          l->group && l->group[i] ? group : NULL, dev->driver,
                          state_of(l, dev), user ? user->domain : NULL,
                          dev->name, id, class, path,
                          f ? grades[f->grade] : NULL, f ? f->chain : NULL);
}

/* What is not shown is not looked for, nor warned of. */
static void load_guard(const struct xpci_call *call, struct listing *l)
{
    _cleanup_error_ struct xpci_error why = { 0 };

    if (!call->opt[OPT_DUMP] &&
        (call->opt[OPT_JSON] || call->opt[OPT_COLUMNS]) &&
        xpci_guard_load(call->root, &l->guard, &why) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(&why));
}

static int load(struct xpci_call *call, struct listing *l,
                struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_group_ struct xpci_group groups = { 0 };
    int ret = xpci_host_inventory(call, &l->inv, err);

    if (ret < 0)
        return ret;
    l->drivers_known = !call->opt[OPT_DUMP];
    l->group = calloc(l->inv.n + 1, sizeof(*l->group));
    if (!l->group)
        return xpci_error_oom(err);
    ret = xpci_group_list(&l->inv, false, false, NULL, 0, &groups, &why);
    for (size_t i = 0; i < groups.n; i++)
        l->group[groups.v[i].dev] = groups.v[i].number;
    if (ret < 0) {
        xpci_log(&call->log, XPCI_LOG_WARN, "groups are not shown: %s",
                 xpci_error_text(&why));
        free(xpci_steal(l->group));
    }
    load_guard(call, l);
    xpci_error_clear(&why);
    l->guests_known = xpci_host_guest_devices(call, &l->guests, &why) == 0;
    if (l->guests_known)
        return 0;
    /* a list of what is free must not be a guess */
    if (call->opt[OPT_ASSIGNABLE])
        return xpci_error_set(err, -why.code,
                              "what is assignable is not known: %s",
                              xpci_error_text(&why));
    xpci_log(&call->log, XPCI_LOG_WARN, "who uses a device is not known: %s",
             xpci_error_text(&why));
    return 0;
}

static bool wanted(const struct xpci_call *call, const struct listing *l,
                   size_t i, const size_t *chosen, size_t n)
{
    const struct xpci_device *dev = &l->inv.dev[i];
    bool named = false;

    for (size_t k = 0; k < n; k++)
        named = named || chosen[k] == i;
    if (call->argc > 0 && !named)
        return false;
    if (call->opt[OPT_ASSIGNABLE])
        return !strcmp(state_of(l, dev), "assignable");
    return named || call->opt[OPT_ALL] || !xpci_device_is_bridge(dev);
}

/* Every root bus, and below it its devices; a parent comes before them. */
static int add_tree(const struct listing *l, struct xpci_table *table,
                    struct xpci_error *err)
{
    _cleanup_free_ size_t *row = calloc(l->inv.n + 1, sizeof(*row));
    const char *cells[XPCI_ARRAY_SIZE(columns)] = { [3] = "root bus" };
    const struct xpci_device *top = NULL;
    size_t rows = 0, root = 0;
    char name[16];
    int ret = row ? 0 : xpci_error_oom(err);

    for (size_t i = 0; ret == 0 && i < l->inv.n; i++) {
        const struct xpci_device *dev = &l->inv.dev[i];
        bool on_top = dev->parent == XPCI_NO_PARENT;

        if (on_top && !(top && xpci_same_bus(top, dev))) {
            snprintf(name, sizeof(name), "pci%04x:%02x", dev->bdf.segment,
                     dev->bdf.bus);
            cells[0] = name;
            root = rows++;
            xpci_table_under(table, XPCI_TABLE_TOP);
            ret = xpci_table_row(table, cells, err);
        }
        top = on_top ? dev : top;
        row[i] = rows++;
        xpci_table_under(table, on_top ? root : row[dev->parent]);
        if (ret == 0)
            ret = add_row(l, i, table, err);
    }
    return ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_(listing_clear) struct listing l = { 0 };
    _cleanup_table_ struct xpci_table *table = NULL;
    _cleanup_free_ size_t *chosen = NULL;
    bool plain = call->opt[OPT_ASSIGNABLE] && !call->opt[OPT_JSON] &&
                 !call->opt[OPT_COLUMNS];
    bool tree = call->cmd == &xpci_cmd_tree;
    size_t n;
    int ret;

    if (tree && call->argc)
        return xpci_error_usage(err, "tree takes no operand");
    if (tree && !call->opt[OPT_COLUMNS] && !call->opt[OPT_JSON])
        call->opt[OPT_COLUMNS] = "bdf,group,driver,state,used_by,guard,device";
    if (call->opt[OPT_ASSIGNABLE] && call->opt[OPT_DUMP])
        return xpci_error_usage(err, "a dump does not know what is "
                                     "assignable");
    ret = load(call, &l, err);
    if (ret == 0)
        ret = xpci_host_select(call, 0, &l.inv, &chosen, &n, err);
    if (ret == 0)
        ret = xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table,
                             err);
    if (ret == 0 && tree)
        ret = add_tree(&l, table, err);
    for (size_t i = 0; ret == 0 && !tree && i < l.inv.n; i++) {
        if (!wanted(call, &l, i, chosen, n))
            continue;
        if (plain)
            printf(XPCI_BDF_FMT "\n", XPCI_BDF_ARGS(l.inv.dev[i].bdf));
        else
            ret = add_row(&l, i, table, err);
    }
    return ret < 0 ? ret : xpci_table_print(table, err);
}

const struct xpci_cmd xpci_cmd_list = {
    .name = "list",
    .operands = "[DEVICE...]",
    .summary = "show devices: what, driver, group, state, who uses them",
    .options = (const enum xpci_opt[]){ OPT_ASSIGNABLE, OPT_ALL, OPT_COLUMNS,
                                        OPT_DUMP, OPT_NONE },
    .run = run,
};

const struct xpci_cmd xpci_cmd_tree = {
    .name = "tree",
    .operands = "",
    .summary = "show the buses as a tree: groups, users, what dom0 lives on",
    .options = (const enum xpci_opt[]){ OPT_COLUMNS, OPT_DUMP, OPT_NONE },
    .run = run,
};
