/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command is. Each is a cmd-NAME.c that ends in its own struct, listed
 * in commands.c; help, option parsing, completion and the check of the manual
 * pages derive from that.
 *
 * A command parses its operands, calls the libraries and prints. Its answer
 * goes to stdout, talk goes through call->log to stderr. run() returns the
 * exit status, or a negative errno with the error filled; main prints that
 * once and turns it into the exit status.
 */
#pragma once

#include "guard.h"
#include "hide-conf.h"
#include "inventory.h"
#include "log.h"
#include "toolstack.h"

/*
 * One entry per option of any command, its letter if it has one; options.c
 * says the rest of each.
 */
enum xpci_opt {
    OPT_NONE, /* ends a command's list */
    OPT_ACS,
    OPT_ASSIGNABLE,
    OPT_BACKUP,
    OPT_CHECK,
    OPT_DUMP,
    OPT_FILE,
    OPT_FIX,
    OPT_FORCE,
    OPT_IMAGE,
    OPT_JSON,
    OPT_KEEP_GOING,
    OPT_KERNEL,
    OPT_NOW,
    OPT_PERMISSIVE,
    OPT_PERSIST,
    OPT_REBUILD,
    OPT_ROOT,
    OPT_RULES,
    OPT_SCOPE,
    OPT_TIMEOUT,
    OPT_TO_HOST,
    OPT_WITH_GROUP,
    OPT_WORDS,
    OPT_ALL = 'a',
    OPT_COLUMNS = 'o',
    OPT_DRY_RUN = 'n',
    OPT_HELP = 'h',
    OPT_QUIET = 'q',
    OPT_VERBOSE = 'v',
    OPT_VERSION = 'V',
    OPT_MAX = 128
};

/* Exit status (design: "Exit status"); 1 to 3 are enum xpci_error_kind. */
enum xpci_exit {
    XPCI_EXIT_OK = 0,
    XPCI_EXIT_PENDING = 4,
    XPCI_EXIT_WRONG = 5,
};

#define CMD_ANY 0x7fffffff /* as max: any number of operands */
#define CMD_OPTIONS(...) ((const enum xpci_opt[]){ __VA_ARGS__, OPT_NONE })

struct xpci_call {
    const struct xpci_cmd *cmd;
    const char *opt[OPT_MAX]; /* the argument, "" for a flag, NULL: not given */
    int argc;
    char **argv; /* operands only */
    struct xpci_root *root;
    struct xpci_log log;
    bool talking;             /* a tick stands on the last line of stderr */
    struct xpci_table *table; /* the answer (table.h); main prints it */

    /* What host.h has loaded for the command; main releases it. */
    struct xpci_inventory inv;
    struct xpci_hide_conf conf;
    struct {
        size_t *v; /* indexes of devices that operands name */
        size_t n;
    } chosen;
    struct xpci_guard guard;
    struct xpci_guest_devices guests;
    bool guests_known;
    struct xpci_toolstack *ts;
    struct xpci_domain domain;
    char *file; /* its configuration, for --persist */
    int lock;   /* -1: none */
};

struct xpci_cmd {
    const char *name;
    const char *operands; /* for the usage line */
    int min, max;         /* how many */
    const char *summary;
    const enum xpci_opt *options; /* besides the common ones */
    const char *columns;          /* of its table; NULL: run() makes that */
    bool needs_root;              /* to change or ask the live system */
    int (*run)(struct xpci_call *call, struct xpci_error *err);
};

/* NULL-terminated, in the order help shows them. */
extern const struct xpci_cmd *const xpci_commands[];

/* NULL: there is none of that name. */
const struct xpci_cmd *xpci_cmd_find(const char *name);

extern const struct xpci_cmd xpci_cmd_attach;
extern const struct xpci_cmd xpci_cmd_boot;
extern const struct xpci_cmd xpci_cmd_cfg;
extern const struct xpci_cmd xpci_cmd_detach;
extern const struct xpci_cmd xpci_cmd_doctor;
extern const struct xpci_cmd xpci_cmd_groups;
extern const struct xpci_cmd xpci_cmd_help;
extern const struct xpci_cmd xpci_cmd_hide;
extern const struct xpci_cmd xpci_cmd_hide_list;
extern const struct xpci_cmd xpci_cmd_initrd;
extern const struct xpci_cmd xpci_cmd_list;
extern const struct xpci_cmd xpci_cmd_reconcile;
extern const struct xpci_cmd xpci_cmd_record;
extern const struct xpci_cmd xpci_cmd_show;
extern const struct xpci_cmd xpci_cmd_slots;
extern const struct xpci_cmd xpci_cmd_status;
extern const struct xpci_cmd xpci_cmd_tree;
extern const struct xpci_cmd xpci_cmd_unhide;

/* A name out of a file or the command line must not drive the terminal. */
void xpci_say(FILE *to, const char *head, const char *msg, const char *end);

/* The error of a call with other operands than the usage line says. */
int xpci_call_usage(const struct xpci_call *call, struct xpci_error *err);

/* The rows of 'xpci status', once inv, conf and guests are loaded. */
int xpci_status_report(struct xpci_call *call,
                       struct xpci_error *err) _must_check_;

/* The verbs of 'xpci cfg' that have a file of their own, called as run(). */
int xpci_cfg_change_files(struct xpci_call *call, bool add,
                          struct xpci_error *err);
int xpci_cfg_check_files(struct xpci_call *call,
                         struct xpci_error *err) _must_check_;

/* Adds what is found in one file. */
struct xpci_cfg_check;
int xpci_cfg_check_file(const struct xpci_call *call, const char *file,
                        struct xpci_cfg_check *check,
                        struct xpci_error *err) _must_check_;
