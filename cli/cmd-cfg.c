/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "guest-config.h"
#include "table.h"

static int add_row(const struct xpci_call *call, const char *file,
                   const struct xpci_cfg_pci_entry *entry,
                   struct xpci_error *err)
{
    const struct xpci_pci_spec *spec = &entry->spec;
    const struct xpci_bdf *bdf = &spec->dev.bdf;
    const char *device =
        spec->name ? spec->name
        : !spec->dev.all_funcs
            ? xpci_cell_bdf(bdf)
            : xpci_cell("%04x:%02x:%02x.%s", bdf->segment, bdf->bus, bdf->slot,
                        spec->funcs ? spec->funcs : "*");

    return xpci_table_add(call, err, file, xpci_cell("%u", entry->line),
                          xpci_cell("%u", entry->column), device,
                          spec->vslot ? xpci_cell("%x", spec->vslot) : NULL,
                          spec->options);
}

static int list_file(const struct xpci_call *call, const char *file,
                     struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };

    xpci_try(xpci_guest_config_open(call->root, file, &config, err));
    xpci_guest_config_warn(call, config.cfg);
    xpci_try(xpci_cfg_pci_list(config.cfg, &list, err));
    for (size_t i = 0; i < list.n; i++)
        xpci_try(add_row(call, file, &list.v[i], err));
    return 0;
}

static int list(struct xpci_call *call, struct xpci_error *err)
{
    xpci_try(xpci_table_new(call, "FILE LINE# COLUMN# BDF VSLOT OPTIONS", err));
    for (int i = 1; i < call->argc; i++)
        xpci_try(list_file(call, call->argv[i], err));
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    const char *verb = call->argv[0];

    if (!strcmp(verb, "add") || !strcmp(verb, "remove"))
        return xpci_cfg_change_files(call, verb[0] == 'a', err);
    xpci_changes_pending(call->root, &call->log);
    if (!strcmp(verb, "list"))
        return list(call, err);
    if (!strcmp(verb, "check"))
        return xpci_cfg_check_files(call, err);
    return xpci_call_usage(call, err);
}

const struct xpci_cmd xpci_cmd_cfg = {
    .name = "cfg",
    .operands = "list|add|remove|check FILE... [DEVICE[@VSLOT]...]",
    .min = 2,
    .max = CMD_ANY,
    .summary = "read, edit and check the pci list of guest configurations",
    .options = CMD_OPTIONS(OPT_BACKUP, OPT_COLUMNS),
    .run = run,
};
