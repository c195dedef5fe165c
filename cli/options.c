/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <string.h>

#include "options.h"

const struct xpci_opt_desc xpci_opts[OPT_MAX] = {
    [OPT_ACS] = { "acs", 0, "HOW",
                  "read ACS as-read (default), or as-enabled: as if it were "
                  "switched on" },
    [OPT_ALL] = { "all", 'a', NULL, "bridges too" },
    [OPT_ASSIGNABLE] = { "assignable", 0, NULL,
                         "only what a guest can be given now, one full BDF a "
                         "line" },
    [OPT_CHECK] = { "check", 0, "STRING",
                    "judge a hide list that was written by hand" },
    [OPT_BACKUP] = { "backup", 0, NULL, "keep the old file as FILE~" },
    [OPT_COLUMNS] = { "columns", 'o', "COLUMNS",
                      "columns to show, separated by commas" },
    [OPT_DRY_RUN] = { "dry-run", 'n', NULL,
                      "show the exact changes, make none" },
    [OPT_DUMP] = { "dump", 0, "FILE",
                   "take the hardware from an 'lspci -D -xxxx' dump" },
    [OPT_FILE] = { "file", 0, "FILE", "the guest's configuration file" },
    [OPT_FORCE] = { "force", 0, NULL,
                    "override a refusal; the output says which" },
    [OPT_HELP] = { "help", 'h', NULL, "show this help" },
    [OPT_JSON] = { "json", 0, NULL, "print JSON" },
    [OPT_PERSIST] = { "persist", 0, NULL,
                      "write it into the guest's configuration too" },
    [OPT_QUIET] = { "quiet", 'q', NULL, "no talk, only errors" },
    [OPT_ROOT] = { "root", 0, "DIR",
                   "work on the system under DIR, or recorded in it" },
    [OPT_RULES] = { "rules", 0, "RULES",
                    "all (default), or kernel: the IOMMU groups of Linux" },
    [OPT_SCOPE] = { "scope", 0, "SCOPE",
                    "what to take along: group (default), slot, bus, device" },
    [OPT_TIMEOUT] = { "timeout", 0, "SECONDS",
                      "how long the guest may take (default 10)" },
    [OPT_VERBOSE] = { "verbose", 'v', NULL, "say more" },
    [OPT_VERSION] = { "version", 'V', NULL, "show the version" },
    [OPT_WORDS] = { "words", 0, NULL,
                    "names only, one a line, for completion" },
};

const enum xpci_opt xpci_common_opts[] = {
    OPT_ROOT,  OPT_JSON, OPT_DRY_RUN, OPT_FORCE, OPT_VERBOSE,
    OPT_QUIET, OPT_HELP, OPT_VERSION, OPT_NONE,
};

/* What getopt_long wants, made from the command's options. */
struct getopt_args {
    struct option longs[OPT_MAX + 1];
    char shorts[2 * OPT_MAX + 2];
    size_t n, len;
};

static void allow(struct getopt_args *args, const enum xpci_opt *list)
{
    for (; list && *list != OPT_NONE; list++) {
        const struct xpci_opt_desc *desc = &xpci_opts[*list];

        args->longs[args->n++] = (struct option){
            .name = desc->name,
            .has_arg = desc->arg ? required_argument : no_argument,
            .val = 256 + (int)*list,
        };
        if (!desc->letter)
            continue;
        args->shorts[args->len++] = desc->letter;
        if (desc->arg)
            args->shorts[args->len++] = ':';
    }
}

static enum xpci_opt by_letter(int letter)
{
    for (int i = 1; i < OPT_MAX; i++) {
        if (xpci_opts[i].letter == letter)
            return (enum xpci_opt)i;
    }
    return OPT_NONE;
}

static int bad_option(const struct xpci_call *call, char *const *argv, int c,
                      struct xpci_error *err)
{
    const char *word = argv[optind - 1];
    char letter[3] = { '-', (char)optopt, '\0' };

    /* a bad letter may stand among others: "-vx" */
    if (optopt > 0 && optopt < 256)
        word = letter;
    return xpci_error_usage(err, "%s '%s'; try 'xpci %s --help'",
                            c == ':' ? "an argument is missing to option"
                                     : "unknown option",
                            word, call->cmd->name);
}

int xpci_options_parse(struct xpci_call *call, int argc, char **argv,
                       struct xpci_error *err)
{
    struct getopt_args args = { .shorts = ":", .len = 1 };
    int c;

    allow(&args, xpci_common_opts);
    allow(&args, call->cmd->options);
    optind = 0; /* main may have parsed before */
    while ((c = getopt_long(argc, argv, args.shorts, args.longs, NULL)) >= 0) {
        enum xpci_opt opt;

        if (c == '?' || c == ':')
            return bad_option(call, argv, c, err);
        opt = c >= 256 ? (enum xpci_opt)(c - 256) : by_letter(c);
        call->opt[opt] = optarg ? optarg : "";
    }
    call->argc = argc - optind;
    call->argv = argv + optind;
    return 0;
}
