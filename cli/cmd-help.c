/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmd.h"
#include "help.h"
#include "options.h"

static void print_option(enum xpci_opt opt)
{
    const struct xpci_opt_desc *desc = &xpci_opts[opt];
    char left[40];

    snprintf(left, sizeof(left), "%s%c%s--%s%s%s", desc->letter ? "-" : "",
             desc->letter ? desc->letter : ' ', desc->letter ? ", " : "   ",
             desc->name, desc->arg ? " " : "", desc->arg ? desc->arg : "");
    printf("  %-24s %s\n", left, desc->help);
}

static void print_options(const enum xpci_opt *list)
{
    for (; list && *list != OPT_NONE; list++)
        print_option(*list);
}

static void print_overview(void)
{
    puts("usage: xpci COMMAND [OPTIONS] [OPERANDS]\n\n"
         "PCI passthrough for Xen.\n");
    for (const struct xpci_cmd *const *c = xpci_commands; *c; c++)
        printf("  %-12s %s\n", (*c)->name, (*c)->summary);
    puts("\n'xpci COMMAND --help' shows the options, xpci(8) says more.");
}

int xpci_help_command(const struct xpci_cmd *cmd)
{
    if (cmd == &xpci_cmd_help) {
        print_overview();
        return 0;
    }
    printf("usage: xpci %s [OPTIONS]%s%s\n\n%s\n\n", cmd->name,
           cmd->operands[0] ? " " : "", cmd->operands, cmd->summary);
    print_options(cmd->options);
    print_options(xpci_common_opts);
    printf("\nSee xpci-%s(8).\n", cmd->name);
    return 0;
}

int xpci_help_version(void)
{
    puts("xpci " XPCI_VERSION);
    return 0;
}

static void print_words(const enum xpci_opt *list)
{
    for (; list && *list != OPT_NONE; list++) {
        const struct xpci_opt_desc *desc = &xpci_opts[*list];

        printf("--%s%s\n", desc->name, desc->arg ? "=" : "");
        if (desc->letter)
            printf("-%c\n", desc->letter);
    }
}

static int help_words(const struct xpci_cmd *cmd)
{
    if (cmd) {
        print_words(cmd->options);
        print_words(xpci_common_opts);
        return 0;
    }
    for (const struct xpci_cmd *const *c = xpci_commands; *c; c++)
        puts((*c)->name);
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    const struct xpci_cmd *const *c = xpci_commands;

    if (call->argc > 1)
        return xpci_error_usage(err, "'xpci help' takes one command");
    if (call->argc == 0)
        return call->opt[OPT_WORDS] ? help_words(NULL)
                                    : xpci_help_command(&xpci_cmd_help);
    while (*c && strcmp((*c)->name, call->argv[0]))
        c++;
    if (!*c)
        return xpci_error_usage(err, "unknown command '%s'", call->argv[0]);
    return call->opt[OPT_WORDS] ? help_words(*c) : xpci_help_command(*c);
}

const struct xpci_cmd xpci_cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "show the commands, or the options of one",
    .options = (const enum xpci_opt[]){ OPT_WORDS, OPT_NONE },
    .run = run,
};
