/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hide-conf.h"
#include "host.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "BDF" },
    { .name = "PATH" },
    { .name = "ID" },
};

/* The devices named and what goes with them, as hide would take them. */
static int from_devices(const struct xpci_call *call,
                        struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    int ret = xpci_host_inventory(call, &inv, err);

    if (ret == 0)
        ret = xpci_host_closure(call, &inv, &group, err);
    for (size_t i = 0; ret == 0 && i < group.n; i++)
        ret = xpci_hide_conf_add(conf, &inv, &inv.dev[group.v[i].dev], err);
    return ret;
}

static int print_rows(const struct xpci_call *call,
                      const struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    for (size_t i = 0; ret == 0 && i < conf->n; i++) {
        const struct xpci_hidden *h = &conf->v[i];
        char bdf[XPCI_BDF_SIZE], id[10];

        snprintf(id, sizeof(id), "%04x:%04x", h->vendor, h->device);
        ret = xpci_table_row(
            table,
            (const char *[]){ xpci_bdf_format(&h->bdf, bdf), h->path, id },
            err);
    }
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_free_ char *list = NULL;
    int ret;

    if (call->opt[OPT_DUMP] && call->argc == 0)
        return xpci_error_usage(err, "a dump has no configuration; name the "
                                     "devices to hide");
    ret = call->argc ? from_devices(call, &conf, err)
                     : xpci_hide_conf_load(call->root, &conf, err);
    if (ret == 0)
        ret = xpci_hide_conf_list(&conf, &list, err);
    if (ret < 0)
        return ret;
    if (call->opt[OPT_JSON])
        return print_rows(call, &conf, err);
    if (conf.n)
        puts(list);
    return 0;
}

const struct xpci_cmd xpci_cmd_hide_list = {
    .name = "hide-list",
    .operands = "[DEVICE...]",
    .summary = "print the pciback list of what is hidden, or would be",
    .options = (const enum xpci_opt[]){ OPT_DUMP, OPT_SCOPE, OPT_NONE },
    .run = run,
};
