/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "host.h"
#include "table.h"

static const char *const grades[] = {
    [XPCI_GUARD_NOTE] = "note",
    [XPCI_GUARD_IN_USE] = "in use",
    [XPCI_GUARD_DIES] = "dies",
};

/* @number is that of its group, 0: not known. */
static int add_row(const struct xpci_call *call, const struct xpci_device *dev,
                   unsigned int number, struct xpci_error *err)
{
    const struct xpci_guest_device *user = xpci_host_user(call, &dev->bdf);
    const struct xpci_finding *f = xpci_guard_worst(&call->guard, &dev->bdf);
    const char *guard = call->guard.known ? NULL : "not known";
    _cleanup_free_ char *path = NULL;

    if (f && (f->grade || !guard))
        guard = grades[f->grade];
    xpci_need(xpci_device_path(&call->inv, dev, &path) == 0, err);
    return xpci_table_add(
        call, err, xpci_cell_bdf(&dev->bdf),
        number ? xpci_cell("%u", number) : NULL, dev->driver,
        xpci_host_state(call, dev), user ? user->domain : NULL, dev->name,
        xpci_cell("%04x:%04x", dev->vendor, dev->device),
        xpci_cell("%04x", dev->class_code), path, guard, f ? f->chain : NULL);
}

/* The number of each device's group; none where they are not known. */
static int number_groups(const struct xpci_call *call, unsigned int **out,
                         struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_group_ struct xpci_group groups = { 0 };

    *out = calloc(call->inv.n + 1, sizeof(**out));
    xpci_need(*out, err);
    if (xpci_group_list(&call->inv, false, false, NULL, 0, &groups, &why) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "groups are not shown: %s",
                 xpci_error_text(&why));
    for (size_t i = 0; i < groups.n; i++)
        (*out)[groups.v[i].dev] = groups.v[i].number;
    return 0;
}

/* What is not shown is not looked for, nor warned of. */
static int load_guard(struct xpci_call *call, struct xpci_error *err)
{
    const char *columns = call->opt[OPT_COLUMNS];

    if (columns ? !strcasestr(columns, "guard") && !strcasestr(columns, "why")
                : !call->opt[OPT_JSON])
        return 0;
    return xpci_host_guard(call, false, err);
}

static int load_guests(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    int ret = xpci_host_guests(call, &why);

    /* a list of what is free must not be a guess */
    if (ret < 0 && call->opt[OPT_ASSIGNABLE])
        return xpci_error_set(err, -why.code,
                              "what is assignable is not known: %s",
                              xpci_error_text(&why));
    if (ret < 0)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "who uses a device is not known: %s", xpci_error_text(&why));
    return 0;
}

static bool wanted(const struct xpci_call *call, size_t i)
{
    const struct xpci_device *dev = &call->inv.dev[i];
    bool named = xpci_list_find(&call->chosen, chosen, *chosen == i);

    if (call->argc > 0 && !named)
        return false;
    if (call->opt[OPT_ASSIGNABLE])
        return !strcmp(xpci_host_state(call, dev), "assignable");
    return named || call->opt[OPT_ALL] || !xpci_device_board(dev);
}

static int add_list(struct xpci_call *call, const unsigned int *group,
                    struct xpci_error *err)
{
    bool plain = call->opt[OPT_ASSIGNABLE] && !call->opt[OPT_JSON] &&
                 !call->opt[OPT_COLUMNS];

    xpci_try(xpci_host_select(call, 0, err));
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_device *dev = &call->inv.dev[i];

        if (!wanted(call, i))
            continue;
        if (plain)
            printf(XPCI_BDF_FMT "\n", XPCI_BDF_ARGS(dev->bdf));
        else
            xpci_try(add_row(call, dev, group[i], err));
    }
    return 0;
}

/* Every root bus, and below it its devices; a parent comes before them. */
static int add_tree(struct xpci_call *call, const unsigned int *group,
                    struct xpci_error *err)
{
    const struct xpci_inventory *inv = &call->inv;
    _cleanup_free_ size_t *row = calloc(inv->n + 1, sizeof(*row));
    const char *cells[] = { [3] = "root bus", [10] = NULL };
    const struct xpci_device *top = NULL;
    size_t rows = 0, root = 0;

    xpci_need(row, err);
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];
        bool on_top = dev->parent == XPCI_NO_PARENT;

        if (on_top && !(top && xpci_same_bus(top, dev))) {
            cells[0] =
                xpci_cell("pci%04x:%02x", dev->bdf.segment, dev->bdf.bus);
            root = rows++;
            xpci_table_under(call, XPCI_TABLE_TOP);
            xpci_try(xpci_table_row(call, cells, err));
        }
        top = on_top ? dev : top;
        row[i] = rows++;
        xpci_table_under(call, on_top ? root : row[dev->parent]);
        xpci_try(add_row(call, dev, group[i], err));
    }
    return 0;
}

static int show(struct xpci_call *call, bool tree, struct xpci_error *err)
{
    _cleanup_free_ unsigned int *group = NULL;

    xpci_try(xpci_host_inventory(call, err));
    xpci_try(number_groups(call, &group, err));
    xpci_try(load_guard(call, err));
    xpci_try(load_guests(call, err));
    return (tree ? add_tree : add_list)(call, group, err);
}

#define DEVICE_COLUMNS                                                         \
    "BDF GROUP# DRIVER STATE USED_BY DEVICE ID+ CLASS+ PATH+ GUARD+ WHY+"

static int run_list(struct xpci_call *call, struct xpci_error *err)
{
    if (call->opt[OPT_ASSIGNABLE] && call->opt[OPT_DUMP])
        return xpci_error_usage(err, "a dump does not know what is "
                                     "assignable");
    return show(call, false, err);
}

static int run_tree(struct xpci_call *call, struct xpci_error *err)
{
    if (!call->opt[OPT_COLUMNS] && !call->opt[OPT_JSON]) {
        call->opt[OPT_COLUMNS] = "bdf,group,driver,state,used_by,guard,device";
        xpci_try(xpci_table_new(call, call->cmd->columns, err));
    }
    return show(call, true, err);
}

const struct xpci_cmd xpci_cmd_list = {
    .name = "list",
    .operands = "[DEVICE...]",
    .max = CMD_ANY,
    .summary = "show devices: what, driver, group, state, who uses them",
    .options = CMD_OPTIONS(OPT_ASSIGNABLE, OPT_ALL, OPT_COLUMNS, OPT_DUMP),
    .columns = DEVICE_COLUMNS,
    .run = run_list,
};

const struct xpci_cmd xpci_cmd_tree = {
    .name = "tree",
    .operands = "",
    .summary = "show the buses as a tree: groups, users, what dom0 lives on",
    .options = CMD_OPTIONS(OPT_COLUMNS, OPT_DUMP),
    .columns = DEVICE_COLUMNS,
    .run = run_tree,
};
