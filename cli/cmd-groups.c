/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "host.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "GROUP", .number = true },
    { .name = "BDF" },
    { .name = "RULE" },
    { .name = "DEVICE" },
};

/* The argument of @opt: @usual, which is also the default, or @other. */
static int choose(const struct xpci_call *call, enum xpci_opt opt,
                  const char *usual, const char *other, bool *is_other,
                  struct xpci_error *err)
{
    const char *arg = call->opt[opt] ? call->opt[opt] : usual;

    *is_other = !strcmp(arg, other);
    if (*is_other || !strcmp(arg, usual))
        return 0;
    return xpci_error_usage(err, "'%s' is neither %s nor %s", arg, usual,
                            other);
}

static int add_row(const struct xpci_inventory *inv,
                   const struct xpci_member *m, struct xpci_table *table,
                   struct xpci_error *err)
{
    const struct xpci_device *dev = &inv->dev[m->dev];
    char bdf[XPCI_BDF_SIZE], number[12];

    snprintf(number, sizeof(number), "%u", m->number);
    return xpci_table_row(table,
                          (const char *[]){ number,
                                            xpci_bdf_format(&dev->bdf, bdf),
                                            m->rule, dev->name },
                          err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group groups = { 0 };
    _cleanup_table_ struct xpci_table *table = NULL;
    _cleanup_free_ size_t *chosen = NULL;
    bool kernel_only, as_enabled;
    size_t n;
    int ret;

    ret = choose(call, OPT_RULES, "all", "kernel", &kernel_only, err);
    if (ret == 0)
        ret = choose(call, OPT_ACS, "as-read", "as-enabled", &as_enabled, err);
    if (ret == 0)
        ret = xpci_host_inventory(call, &inv, err);
    if (ret == 0)
        ret = xpci_host_select(call, 0, &inv, &chosen, &n, err);
    if (ret == 0)
        ret = xpci_group_list(&inv, kernel_only, as_enabled, chosen, n, &groups,
                              err);
    if (ret == 0)
        ret = xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table,
                             err);
    for (size_t i = 0; ret == 0 && i < groups.n; i++)
        ret = add_row(&inv, &groups.v[i], table, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

const struct xpci_cmd xpci_cmd_groups = {
    .name = "groups",
    .operands = "[DEVICE...]",
    .summary = "show which devices must move together, and by which rule",
    .options = (const enum xpci_opt[]){ OPT_ACS, OPT_COLUMNS, OPT_DUMP,
                                        OPT_RULES, OPT_NONE },
    .run = run,
};
