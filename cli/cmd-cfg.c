/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guest-config.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "FILE" },
    { .name = "LINE", .number = true },
    { .name = "COLUMN", .number = true },
    { .name = "BDF" },
    { .name = "VSLOT" },
    { .name = "OPTIONS" },
};

static int add_row(const char *file, const struct xpci_cfg_pci_entry *entry,
                   struct xpci_table *table, struct xpci_error *err)
{
    const struct xpci_pci_spec *spec = &entry->spec;
    char bdf[XPCI_BDF_SIZE + 32]; /* no function is twice in a list */
    char line[12], column[12], vslot[4];

    xpci_bdf_format(&spec->dev.bdf, bdf);
    if (spec->dev.all_funcs)
        strcpy(bdf + strlen(bdf) - 1, spec->funcs ? spec->funcs : "*");
    snprintf(line, sizeof(line), "%u", entry->line);
    snprintf(column, sizeof(column), "%u", entry->column);
    snprintf(vslot, sizeof(vslot), "%x", spec->vslot & 0x1f);
    return xpci_table_add(table, err, file, line, column,
                          spec->name ? spec->name : bdf,
                          spec->vslot ? vslot : NULL, spec->options);
}

static int list_file(const struct xpci_call *call, const char *file,
                     struct xpci_table *table, struct xpci_error *err)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    int ret = xpci_guest_config_load(call->root, file, &cfg, err);

    if (ret == 0) {
        xpci_guest_config_warn(call, cfg);
        ret = xpci_cfg_pci_list(cfg, &list, err);
    }
    for (size_t i = 0; ret == 0 && i < list.n; i++)
        ret = add_row(file, &list.v[i], table, err);
    return ret;
}

static int list(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    if (ret == 0 && call->argc < 2)
        ret = xpci_error_usage(err, "no file named; it is 'xpci cfg list "
                                    "FILE...'");
    for (int i = 1; ret == 0 && i < call->argc; i++)
        ret = list_file(call, call->argv[i], table, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    const char *verb = call->argc ? call->argv[0] : "";

    if (!strcmp(verb, "list") || !strcmp(verb, "check"))
        xpci_changes_pending(call->root, &call->log);
    if (!strcmp(verb, "list"))
        return list(call, err);
    if (!strcmp(verb, "check"))
        return xpci_cfg_check_files(call, err);
    if (!strcmp(verb, "add") || !strcmp(verb, "remove"))
        return xpci_cfg_change_files(call, verb[0] == 'a', err);
    return xpci_error_usage(err,
                            "it is 'xpci cfg list|add|remove|check FILE...'");
}

const struct xpci_cmd xpci_cmd_cfg = {
    .name = "cfg",
    .operands = "list|add|remove|check FILE... [DEVICE[@VSLOT]...]",
    .summary = "read, edit and check the pci list of guest configurations",
    .options = (const enum xpci_opt[]){ OPT_BACKUP, OPT_COLUMNS, OPT_NONE },
    .flags = CMD_CHANGES,
    .run = run,
};
