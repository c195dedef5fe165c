/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "facts.h"

#define ROOT CMD_NEEDS_ROOT
#define OPTIONS(...) ((const enum xpci_opt[]){ __VA_ARGS__, OPT_NONE })
#define DEVICE_COLUMNS                                                         \
    "BDF GROUP# DRIVER STATE USED_BY DEVICE ID+ CLASS+ PATH+ GUARD+ WHY+"

/* Name, operands and how many; summary; options; columns; flags; function. */
const struct xpci_cmd xpci_commands[] = {
    { "list", "[DEVICE...]", 0, CMD_ANY,
      "show devices: what, driver, group, state, who uses them",
      OPTIONS(OPT_ASSIGNABLE, OPT_ALL, OPT_COLUMNS, OPT_DUMP), DEVICE_COLUMNS,
      0, xpci_run_list },
    { "groups", "[DEVICE...]", 0, CMD_ANY,
      "show which devices must move together, and by which rule",
      OPTIONS(OPT_ACS, OPT_COLUMNS, OPT_DUMP, OPT_RULES),
      "GROUP# BDF RULE DEVICE", 0, xpci_run_groups },
    { "tree", "", 0, 0,
      "show the buses as a tree: groups, users, what dom0 lives on",
      OPTIONS(OPT_COLUMNS, OPT_DUMP), DEVICE_COLUMNS, 0, xpci_run_tree },
    { "show", "DEVICE", 1, 1,
      "one device, whole, with the reason behind every verdict",
      OPTIONS(OPT_DUMP), XPCI_FACT_COLUMNS, 0, xpci_run_show },
    { "doctor", "[DEVICE... | DOMAIN]", 0, CMD_ANY,
      "what would go wrong, before it does", OPTIONS(OPT_COLUMNS, OPT_DUMP),
      "SEVERITY SUBJECT FINDING WHY FIX", 0, xpci_run_doctor },
    { "hide", "[DEVICE...]", 0, CMD_ANY,
      "take devices from dom0, with all that must go with them",
      OPTIONS(OPT_SCOPE), NULL, ROOT | CMD_CHANGES, xpci_run_hide },
    { "unhide", "DEVICE...", 1, CMD_ANY, "give devices back to dom0",
      OPTIONS(OPT_SCOPE), NULL, ROOT | CMD_CHANGES, xpci_run_unhide },
    { "hide-list", "[DEVICE...]", 0, CMD_ANY,
      "print the pciback list of what is hidden, or would be",
      OPTIONS(OPT_CHECK, OPT_DUMP, OPT_SCOPE), "BDF PATH ID", 0,
      xpci_run_hide_list },
    { "status", "", 0, 0,
      "what is hidden, what will be, and whether the boot will do it",
      OPTIONS(OPT_COLUMNS), "BDF STATE REASON", ROOT, xpci_run_status },
    { "initrd", "list|check|update [KERNEL...]", 1, CMD_ANY,
      "the boot images: what they will do, and rebuilding them",
      OPTIONS(OPT_COLUMNS, OPT_IMAGE, OPT_KERNEL), NULL, ROOT,
      xpci_run_initrd },
    { "attach", "DOMAIN DEVICE [VSLOT] | DOMAIN DEVICE@VSLOT...", 2, CMD_ANY,
      "give devices to a running guest, at fixed virtual slots",
      OPTIONS(OPT_PERSIST, OPT_FILE), "DOMAIN BDF VSLOT", ROOT | CMD_CHANGES,
      xpci_run_attach },
    { "detach", "DOMAIN DEVICE...", 2, CMD_ANY,
      "take devices from a running guest",
      OPTIONS(OPT_PERSIST, OPT_FILE, OPT_TIMEOUT), NULL, ROOT | CMD_CHANGES,
      xpci_run_detach },
    { "slots", "[DOMAIN]", 0, 1,
      "the guests' virtual slots as they are; of one also the free",
      OPTIONS(OPT_COLUMNS), "DOMAIN VSLOT BDF REQUESTED STATE", ROOT,
      xpci_run_slots },
    { "cfg", "list|add|remove|check FILE... [DEVICE[@VSLOT]...]", 2, CMD_ANY,
      "read, edit and check the pci list of guest configurations",
      OPTIONS(OPT_BACKUP, OPT_COLUMNS), NULL, CMD_CHANGES, xpci_run_cfg },
    { "record", "FILE", 1, 1,
      "write what xpci reads of this host into one file for --root", NULL, NULL,
      ROOT, xpci_run_record },
    { "help", "[COMMAND]", 0, 1, "show the commands, or the options of one",
      OPTIONS(OPT_WORDS), NULL, 0, xpci_run_help },
    { NULL, NULL, 0, 0, NULL, NULL, NULL, 0, NULL },
};

const struct xpci_cmd *xpci_cmd_find(const char *name)
{
    const struct xpci_cmd *cmd = xpci_commands;

    while (cmd->name && strcmp(cmd->name, name))
        cmd++;
    return cmd->name ? cmd : NULL;
}
