/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "host.h"
#include "table.h"

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

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_group_ struct xpci_group groups = { 0 };
    bool kernel_only, as_enabled;

    xpci_try(choose(call, OPT_RULES, "all", "kernel", &kernel_only, err));
    xpci_try(choose(call, OPT_ACS, "as-read", "as-enabled", &as_enabled, err));
    xpci_try(xpci_host_inventory(call, err));
    xpci_try(xpci_host_select(call, 0, err));
    xpci_try(xpci_group_list(&call->inv, kernel_only, as_enabled,
                             call->chosen.v, call->chosen.n, &groups, err));
    for (size_t i = 0; i < groups.n; i++) {
        const struct xpci_member *m = &groups.v[i];
        const struct xpci_device *dev = &call->inv.dev[m->dev];

        xpci_try(xpci_table_add(call, err, xpci_cell("%u", m->number),
                                xpci_cell_bdf(&dev->bdf), m->rule, dev->name));
    }
    return 0;
}

const struct xpci_cmd xpci_cmd_groups = {
    .name = "groups",
    .operands = "[DEVICE...]",
    .max = CMD_ANY,
    .summary = "show which devices must move together, and by which rule",
    .options = CMD_OPTIONS(OPT_ACS, OPT_COLUMNS, OPT_DUMP, OPT_RULES),
    .columns = "GROUP# BDF RULE DEVICE",
    .run = run,
};
