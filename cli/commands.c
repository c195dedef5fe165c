/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmd.h"

const struct xpci_cmd *const xpci_commands[] = {
    &xpci_cmd_list,
    &xpci_cmd_groups,
    &xpci_cmd_tree,
    &xpci_cmd_show,
    &xpci_cmd_doctor,
    &xpci_cmd_hide,
    &xpci_cmd_unhide,
    &xpci_cmd_hide_list,
    &xpci_cmd_status,
    &xpci_cmd_initrd,
    &xpci_cmd_boot,
    &xpci_cmd_attach,
    &xpci_cmd_detach,
    &xpci_cmd_slots,
    &xpci_cmd_reconcile,
    &xpci_cmd_cfg,
    &xpci_cmd_record,
    &xpci_cmd_help,
    NULL,
};

const struct xpci_cmd *xpci_cmd_find(const char *name)
{
    const struct xpci_cmd *const *cmd = xpci_commands;

    while (*cmd && strcmp((*cmd)->name, name))
        cmd++;
    return *cmd;
}
