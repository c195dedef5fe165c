/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of all commands: one table for parsing, help and completion. */
#pragma once

#include "cmd.h"

struct xpci_opt_desc {
    const char *name; /* without "--" */
    const char *arg;  /* name of its argument, NULL: a flag */
    const char *help;
};

/* Without a name where there is no such option. */
extern const struct xpci_opt_desc xpci_opts[OPT_MAX];

/* Can it be given by its letter? */
#define XPCI_OPT_LETTER(opt) ((opt) >= 'A')

/* The options that every command takes, OPT_NONE-terminated. */
extern const enum xpci_opt xpci_common_opts[];

/* The first operand, which is the command's name; NULL: there is none. */
const char *xpci_options_command(int argc, char **argv);

/*
 * Parses main's @argv into call->opt and, without the command's name, argc
 * and argv. USAGE error for an option that call->cmd does not know.
 */
int xpci_options_parse(struct xpci_call *call, int argc, char **argv,
                       struct xpci_error *err) _must_check_;

/* Prints the help of a command, made from these tables, and returns 0. */
int xpci_help_command(const struct xpci_cmd *cmd);
