/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of all commands: one table for parsing, help and completion. */
#ifndef XPCI_OPTIONS_H
#define XPCI_OPTIONS_H

#include "cmd.h"

struct xpci_opt_desc {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    const char *arg;  /* name of its argument, NULL: a flag */
    const char *help;
};

extern const struct xpci_opt_desc xpci_opts[OPT_MAX];

/* The options that every command takes, OPT_NONE-terminated. */
extern const enum xpci_opt xpci_common_opts[];

/*
 * Parses @argv (behind the command's name; argv[0] is skipped) into
 * call->opt, argc and argv. USAGE error for an unknown option.
 */
int xpci_options_parse(struct xpci_call *call, int argc, char **argv,
                       struct xpci_error *err) _must_check_;

#endif
