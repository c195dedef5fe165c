/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "guard.h"
#include "hide-conf.h"
#include "hide-list.h"
#include "host.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "BDF" },
    { .name = "PATH" },
    { .name = "ID" },
};

/* The devices named and what goes with them, as hide would take them. */
static int from_devices(const struct xpci_call *call,
                        struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    int ret = xpci_host_inventory(call, &inv, err);

    if (ret == 0)
        ret = xpci_host_closure(call, &inv, &group, err);
    for (size_t i = 0; ret == 0 && i < group.n; i++)
        ret = xpci_hide_conf_add(conf, &inv, &inv.dev[group.v[i].dev], err);
    return ret;
}

static int print_rows(const struct xpci_call *call,
                      const struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    for (size_t i = 0; ret == 0 && i < conf->n; i++) {
        const struct xpci_hidden *h = &conf->v[i];
        char bdf[XPCI_BDF_SIZE], id[10];

        snprintf(id, sizeof(id), "%04x:%04x", h->vendor, h->device);
        ret = xpci_table_row(
            table,
            (const char *[]){ xpci_bdf_format(&h->bdf, bdf), h->path, id },
            err);
    }
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static const struct xpci_column check_columns[] = {
    { .name = "ENTRY" },  { .name = "COLUMN", .number = true },
    { .name = "BDF" },    { .name = "VERDICT" },
    { .name = "REASON" },
};

/* A list that a hand wrote, and what becomes of it. */
struct check {
    const struct xpci_call *call;
    struct xpci_hide_list list;
    struct xpci_inventory inv;
    struct xpci_guard guard;
    struct xpci_table *table;
    int ret; /* the exit status, or the last error */
    struct xpci_error *err;
};

static void check_clear(struct check *c)
{
    xpci_hide_list_clear(&c->list);
    xpci_inventory_clear(&c->inv);
    xpci_guard_clear(&c->guard);
    xpci_table_free(c->table);
}

/* Where there is no @entry there is no column. */
static void add_row(struct check *c, const char *entry, size_t at,
                    const struct xpci_bdf *bdf, const char *verdict,
                    const char *reason)
{
    char column[24], address[XPCI_BDF_SIZE];
    const char *const cells[] = { entry, entry ? column : NULL,
                                  bdf ? xpci_bdf_format(bdf, address) : NULL,
                                  verdict, reason };

    snprintf(column, sizeof(column), "%zu", at + 1);
    if (c->ret == 0 && strcmp(verdict, "hidden") && strcmp(verdict, "again"))
        c->ret = XPCI_EXIT_WRONG;
    if (xpci_table_row(c->table, cells, c->err) < 0)
        c->ret = -ENOMEM;
}

/* What the entry names: the device, or a bridge above it. */
static size_t named(const struct check *c, const struct xpci_hide_entry *entry,
                    size_t dev)
{
    char bdf[XPCI_BDF_SIZE];

    while (dev != XPCI_NO_PARENT &&
           fnmatch(entry->glob, xpci_bdf_format(&c->inv.dev[dev].bdf, bdf), 0))
        dev = c->inv.dev[dev].parent;
    return dev;
}

/* The first entry that takes the device. */
static const struct xpci_hide_entry *taker(const struct check *c, size_t dev)
{
    for (size_t i = 0; i < c->list.n; i++) {
        if (named(c, &c->list.v[i], dev) != XPCI_NO_PARENT)
            return &c->list.v[i];
    }
    return NULL;
}

static void add_device(struct check *c, const struct xpci_hide_entry *entry,
                       size_t dev)
{
    const struct xpci_device *d = &c->inv.dev[dev];
    const char *needed = xpci_guard_find(&c->guard, &d->bdf);
    const struct {
        bool is;
        const char *verdict, *reason;
    } rules[] = {
        { taker(c, dev) != entry, "again", "an entry before takes it" },
        { d->header == 1, "bridge", "all behind it is taken, perhaps it too" },
        { xpci_device_is_bridge(d), "bridge", "no guest can use it" },
        { needed, "in-use", needed },
        { entry->odd, "odd", "a number is not read as it is written" },
        { named(c, entry, dev) != dev, "hidden", "behind that bridge" },
        { strchr(entry->glob, '*'), "hidden", "'*' needs Linux 3.7" },
        { true, "hidden", NULL },
    }, *rule = rules;

    while (!rule->is)
        rule++;
    add_row(c, entry->glob, entry->at, &d->bdf, rule->verdict, rule->reason);
}

/* What goes along with the devices by --scope, but is not in the list. */
static int add_left_out(struct check *c)
{
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_free_ size_t *seed = calloc(c->inv.n + 1, sizeof(*seed));
    enum xpci_scope scope = XPCI_SCOPE_GROUP;
    size_t n = 0;
    int ret = seed ? 0 : xpci_error_oom(c->err);

    for (size_t i = 0; seed && i < c->inv.n; i++) {
        if (taker(c, i) && !xpci_device_is_bridge(&c->inv.dev[i]))
            seed[n++] = i;
    }
    if (ret == 0 && c->call->opt[OPT_SCOPE])
        ret = xpci_scope_parse(c->call->opt[OPT_SCOPE], &scope, c->err);
    if (ret == 0)
        ret = xpci_group_closure(&c->inv, seed, n, scope, &group, c->err);
    for (size_t i = 0; i < group.n; i++) {
        if (!taker(c, group.v[i].dev))
            add_row(c, NULL, 0, &c->inv.dev[group.v[i].dev].bdf, "left-out",
                    group.v[i].rule);
    }
    return ret;
}

static int add_covered(struct check *c)
{
    int ret = c->call->opt[OPT_DUMP]
                  ? 0
                  : xpci_guard_load(c->call->root, &c->guard, c->err);

    for (size_t i = 0; ret == 0 && i < c->list.n; i++) {
        const struct xpci_hide_entry *entry = &c->list.v[i];
        bool any = false;

        for (size_t dev = 0; dev < c->inv.n; dev++) {
            if (named(c, entry, dev) == XPCI_NO_PARENT)
                continue;
            add_device(c, entry, dev);
            any = true;
        }
        if (!any)
            add_row(c, entry->glob, entry->at, NULL, "absent",
                    "the kernel takes it without a word");
    }
    return ret < 0 ? ret : add_left_out(c);
}

/* What stands around the list; a blank may have ended it. */
static void add_rest(struct check *c)
{
    const char *text = c->call->opt[OPT_CHECK];
    const char *list = text + c->list.at, *rest = list + c->list.len;

    xpci_log(&c->call->log, XPCI_LOG_NOTE,
             "the list is '%.*s', %zu characters; a module takes %d, the "
             "command line of a PV dom0 %d in all",
             (int)c->list.len, list, c->list.len, XPCI_HIDE_LIST_MAX,
             XPCI_HIDE_CMDLINE_MAX);
    rest += strspn(rest, "\" \t\n");
    if (*rest == '(')
        add_row(c, rest, (size_t)(rest - text), NULL, "ignored",
                "a blank ends a list without double quotes around it");
}

static int run_check(const struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_(check_clear) struct check c = { .call = call, .err = err };
    _cleanup_error_ struct xpci_error why = { 0 };
    const char *text = call->opt[OPT_CHECK];
    int ret = xpci_table_new(call, check_columns,
                             XPCI_ARRAY_SIZE(check_columns), &c.table, err);

    if (ret == 0)
        ret = xpci_hide_list_parse(text, &c.list, &why);
    if (ret == -ENOMEM)
        return xpci_error_oom(err);
    if (ret < 0)
        add_row(&c, text + c.list.bad, c.list.bad, NULL, "refused",
                xpci_error_text(&why));
    else if (c.list.why || c.list.n == 0)
        add_row(&c, text + c.list.at, c.list.at, NULL, "nothing",
                c.list.why ? c.list.why : "an empty list hides nothing");
    else if (xpci_host_inventory(call, &c.inv, &why) < 0)
        add_row(&c, text + c.list.at, c.list.at, NULL, "unknown",
                xpci_error_text(&why));
    else if (add_covered(&c) < 0)
        c.ret = -EIO;
    add_rest(&c);
    if (c.ret >= 0 && xpci_table_print(c.table, err) < 0)
        return -EIO;
    return c.ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_free_ char *list = NULL;
    int ret;

    if (call->opt[OPT_CHECK] && call->argc)
        return xpci_error_usage(err, "--check takes a list, and no DEVICE");
    if (call->opt[OPT_CHECK])
        return run_check(call, err);
    if (call->opt[OPT_DUMP] && call->argc == 0)
        return xpci_error_usage(err, "a dump has no configuration; name the "
                                     "devices to hide");
    ret = call->argc ? from_devices(call, &conf, err)
                     : xpci_hide_conf_load(call->root, &conf, err);
    if (ret == 0)
        ret = xpci_hide_conf_list(&conf, &list, err);
    if (ret < 0)
        return ret;
    if (call->opt[OPT_JSON])
        return print_rows(call, &conf, err);
    if (conf.n)
        puts(list);
    return 0;
}

const struct xpci_cmd xpci_cmd_hide_list = {
    .name = "hide-list",
    .operands = "[DEVICE...]",
    .summary = "print the pciback list of what is hidden, or would be",
    .options =
        (const enum xpci_opt[]){ OPT_CHECK, OPT_DUMP, OPT_SCOPE, OPT_NONE },
    .run = run,
};
