/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>

#include "options.h"

const struct xpci_opt_desc xpci_opts[OPT_MAX] = {
    [OPT_ACS] = { "acs", "as-read|as-enabled",
                  "how to take ACS (default as-read); as-enabled: as if it "
                  "were switched on" },
    [OPT_ALL] = { "all", NULL, "bridges too" },
    [OPT_ASSIGNABLE] = { "assignable", NULL,
                         "only what a guest can be given now, one full BDF a "
                         "line" },
    [OPT_CHECK] = { "check", "STRING",
                    "judge a hide list that was written by hand" },
    [OPT_BACKUP] = { "backup", NULL, "keep the old file as FILE~" },
    [OPT_COLUMNS] = { "columns", "COLUMNS",
                      "columns to show, separated by commas" },
    [OPT_DRY_RUN] = { "dry-run", NULL, "show the exact changes, make none" },
    [OPT_DUMP] = { "dump", "FILE",
                   "take the hardware from an 'lspci -D -xxxx' dump" },
    [OPT_FILE] = { "file", "FILE", "the guest's configuration file" },
    [OPT_FIX] = { "fix", NULL, "put right what can be" },
    [OPT_FORCE] = { "force", NULL,
                    "override a refusal; the output says which" },
    [OPT_HELP] = { "help", NULL, "show this help" },
    [OPT_IMAGE] = { "image", "FILE", "this boot image" },
    [OPT_JSON] = { "json", NULL, "print JSON" },
    [OPT_KEEP_GOING] = { "keep-going", NULL,
                         "what the guest got stays, if other devices fail" },
    [OPT_KERNEL] = { "kernel", "VERSION", "the image of this kernel" },
    [OPT_NOW] = { "now", NULL, "at once too, on the running host" },
    [OPT_PERMISSIVE] = { "permissive", NULL,
                         "guests may write all of their configuration space" },
    [OPT_PERSIST] = { "persist", NULL,
                      "write it into the guest's configuration too" },
    [OPT_QUIET] = { "quiet", NULL, "no talk, only warnings and errors" },
    [OPT_REBUILD] = { "rebuild", NULL,
                      "make boot images anew instead of appending to them" },
    [OPT_ROOT] = { "root", "DIR",
                   "work on the system under DIR, or recorded in it" },
    [OPT_RULES] = { "rules", "all|kernel",
                    "which rules (default all); kernel: the IOMMU groups of "
                    "Linux" },
    [OPT_SCOPE] = { "scope", "group|slot|bus|device",
                    "what to take along (default group)" },
    [OPT_TIMEOUT] = { "timeout", "SECONDS",
                      "how long the guest may take (default 10)" },
    [OPT_TO_HOST] = { "to-host", NULL,
                      "give them back to the drivers they had in dom0" },
    [OPT_VERBOSE] = { "verbose", NULL, "say more" },
    [OPT_VERSION] = { "version", NULL, "show the version" },
    [OPT_WITH_GROUP] = { "with-group", NULL,
                         "take along what must go with the devices" },
    [OPT_WORDS] = { "words", NULL, "names only, one a line, for completion" },
};

const enum xpci_opt xpci_common_opts[] = {
    OPT_ROOT,  OPT_JSON, OPT_DRY_RUN, OPT_FORCE, OPT_VERBOSE,
    OPT_QUIET, OPT_HELP, OPT_VERSION, OPT_NONE,
};

/* What getopt_long wants; a long option is told from its letter. */
#define LONG 256
struct getopt_args {
    struct option longs[OPT_MAX + 1];
    char shorts[2 * OPT_MAX + 3];
    size_t n, len;
};

static void allow(struct getopt_args *args, enum xpci_opt opt)
{
    const struct xpci_opt_desc *desc = &xpci_opts[opt];

    args->longs[args->n++] = (struct option){
        .name = desc->name,
        .has_arg = desc->arg ? required_argument : no_argument,
        .val = LONG + (int)opt,
    };
    if (XPCI_OPT_LETTER(opt))
        args->shorts[args->len++] = (char)opt;
    if (XPCI_OPT_LETTER(opt) && desc->arg)
        args->shorts[args->len++] = ':';
}

const char *xpci_options_command(int argc, char **argv)
{
    struct getopt_args args = { .shorts = "-:", .len = 2 };
    int c;

    for (int i = 0; i < OPT_MAX; i++) {
        if (xpci_opts[i].name)
            allow(&args, (enum xpci_opt)i);
    }
    do
        c = getopt_long(argc, argv, args.shorts, args.longs, NULL);
    while (c > 1);
    return c == 1 ? optarg : optind < argc ? argv[optind] : NULL;
}

static int bad_option(const struct xpci_call *call, char *const *argv, int c,
                      struct xpci_error *err)
{
    const char *word = argv[optind - 1];
    char letter[3] = { '-', (char)optopt, '\0' };

    /* a bad letter may stand among others: "-vx" */
    if (optopt && optopt < LONG) /* less than 0: a byte of a letter */
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
    const enum xpci_opt *opt = call->cmd->options;
    int c;

    for (; opt && *opt; opt++)
        allow(&args, *opt);
    for (opt = xpci_common_opts; *opt; opt++)
        allow(&args, *opt);
    optind = 0; /* begin anew */
    while ((c = getopt_long(argc, argv, args.shorts, args.longs, NULL)) >= 0) {
        if (c == '?' || c == ':')
            return bad_option(call, argv, c, err);
        /* the last alone would count; --root may be that of a wrapper */
        if (optarg && call->opt[c % LONG] && c % LONG != OPT_ROOT)
            return xpci_error_usage(err, "option '--%s' is given twice",
                                    xpci_opts[c % LONG].name);
        call->opt[c % LONG] = optarg ? optarg : "";
    }
    optind += optind < argc; /* the command's name */
    call->argc = argc - optind;
    call->argv = argv + optind;
    return 0;
}
