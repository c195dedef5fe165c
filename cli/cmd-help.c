/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "options.h"

static void print_option(enum xpci_opt opt)
{
    const struct xpci_opt_desc *desc = &xpci_opts[opt];
    bool letter = XPCI_OPT_LETTER(opt);
    char left[40];

    snprintf(left, sizeof(left), "%s%c%s--%s%s%s", letter ? "-" : "",
             letter ? (char)opt : ' ', letter ? ", " : "   ", desc->name,
             desc->arg ? " " : "", desc->arg ? desc->arg : "");
    printf("  %-24s %s\n", left, desc->help);
}

/* For completion. */
static void print_words(enum xpci_opt opt)
{
    printf("--%s%s\n", xpci_opts[opt].name, xpci_opts[opt].arg ? "=" : "");
    if (XPCI_OPT_LETTER(opt))
        printf("-%c\n", opt);
}

static void print_options(const struct xpci_cmd *cmd,
                          void (*print)(enum xpci_opt))
{
    const enum xpci_opt *opt = cmd->options;

    for (; opt && *opt; opt++)
        print(*opt);
    for (opt = xpci_common_opts; *opt; opt++)
        print(*opt);
}

static void print_commands(bool words)
{
    for (const struct xpci_cmd *const *c = xpci_commands; *c; c++) {
        const struct xpci_cmd *cmd = *c;
        if (words)
            puts(cmd->name);
        else
            printf("  %-12s %s\n", cmd->name, cmd->summary);
    }
}

int xpci_help_command(const struct xpci_cmd *cmd)
{
    if (!strcmp(cmd->name, "help")) {
        puts("usage: xpci COMMAND [OPTIONS] [OPERANDS]\n\n"
             "PCI passthrough for Xen.\n");
        print_commands(false);
        puts("\n'xpci COMMAND --help' shows the options, xpci(8) says more.");
        return 0;
    }
    printf("usage: xpci %s [OPTIONS]%s%s\n\n%s\n\n", cmd->name,
           cmd->max ? " " : "", cmd->operands, cmd->summary);
    print_options(cmd, print_option);
    printf("\nSee xpci-%s(8).\n", cmd->name);
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    const char *name = call->argc ? call->argv[0] : NULL;
    const struct xpci_cmd *cmd = name ? xpci_cmd_find(name) : call->cmd;

    if (!cmd)
        return xpci_error_usage(err, "unknown command '%s'", name);
    if (!call->opt[OPT_WORDS])
        return xpci_help_command(cmd);
    if (name)
        print_options(cmd, print_words);
    else
        print_commands(true);
    return 0;
}

const struct xpci_cmd xpci_cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .max = 1,
    .summary = "show the commands, or the options of one",
    .options = CMD_OPTIONS(OPT_WORDS),
    .run = run,
};
