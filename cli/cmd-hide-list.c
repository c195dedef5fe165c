/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"
#include "table.h"

/* A list that a hand wrote, and what becomes of it. */
struct check {
    struct xpci_call *call;
    struct xpci_hide_list list;
    int ret; /* the exit status, or the last error */
    struct xpci_error *err;
};

/* Where there is no @entry there is no column. */
static void add_row(struct check *c, const char *entry, size_t at,
                    const struct xpci_bdf *bdf, const char *verdict,
                    const char *reason)
{
    if (c->ret == 0 && strcmp(verdict, "hidden") && strcmp(verdict, "again"))
        c->ret = XPCI_EXIT_WRONG;
    if (xpci_table_add(c->call, c->err, entry,
                       entry ? xpci_cell("%zu", at + 1) : NULL,
                       bdf ? xpci_cell_bdf(bdf) : NULL, verdict, reason) < 0)
        c->ret = -ENOMEM;
}

/* The first entry that takes the device. */
static const struct xpci_hide_entry *taker(const struct check *c, size_t dev)
{
    return xpci_list_find(&c->list, entry,
                          xpci_host_named(&c->call->inv, entry, dev) !=
                              XPCI_NO_PARENT);
}

static void add_device(struct check *c, const struct xpci_hide_entry *entry,
                       size_t dev)
{
    const struct xpci_device *d = &c->call->inv.dev[dev];
    const char *needed = xpci_guard_find(&c->call->guard, &d->bdf);
    bool behind = xpci_host_named(&c->call->inv, entry, dev) != dev;
    const struct {
        bool is;
        const char *verdict, *reason;
    } rules[] = {
        { taker(c, dev) != entry, "again", "an entry before takes it" },
        { d->header == 1, "bridge", "all behind it is taken, perhaps it too" },
        { xpci_device_board(d), xpci_host_state(c->call, d),
 "no guest can use it" },
        { needed, "in-use", needed },
        { entry->odd, "odd", "a number is not read as it is written" },
        { behind, "hidden", "behind that bridge" },
        { strchr(entry->glob, '*'), "hidden", "'*' needs Linux 3.7" },
        { !c->call->guard.known, "hidden",
          "whether dom0 lives on it is not known" },
        { true, "hidden", NULL },
    }, *rule = rules;

    while (!rule->is)
        rule++;
    add_row(c, entry->glob, entry->at, &d->bdf, rule->verdict, rule->reason);
}

/* What goes along with the devices by --scope, but is not in the list. */
static int add_left_out(struct check *c)
{
    struct xpci_call *call = c->call;
    _cleanup_group_ struct xpci_group group = { 0 };

    for (size_t i = 0; i < call->inv.n; i++) {
        if (taker(c, i) && !xpci_device_board(&call->inv.dev[i]) &&
            xpci_list_push(&call->chosen, i) < 0)
            return xpci_error_oom(c->err);
    }
    xpci_try(xpci_host_closure(call, &group, c->err));
    for (size_t i = 0; i < group.n; i++) {
        const struct xpci_device *dev = &call->inv.dev[group.v[i].dev];

        if (!taker(c, group.v[i].dev))
            add_row(c, NULL, 0, &dev->bdf, "left-out", group.v[i].rule);
    }
    return 0;
}

static int add_covered(struct check *c)
{
    struct xpci_call *call = c->call;

    xpci_try(xpci_host_guard(call, true, c->err));
    for (size_t i = 0; i < c->list.n; i++) {
        const struct xpci_hide_entry *entry = &c->list.v[i];
        bool any = false;

        for (size_t dev = 0; dev < call->inv.n; dev++) {
            if (xpci_host_named(&c->call->inv, entry, dev) == XPCI_NO_PARENT)
                continue;
            add_device(c, entry, dev);
            any = true;
        }
        if (!any)
            add_row(c, entry->glob, entry->at, NULL, "absent",
                    "the kernel takes it without a word");
    }
    return add_left_out(c);
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

static void judge(struct check *c, const char *text)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    int ret = xpci_hide_list_parse(text, &c->list, &why);

    if (ret == -ENOMEM)
        c->ret = xpci_error_oom(c->err);
    else if (ret < 0)
        add_row(c, text + c->list.bad, c->list.bad, NULL, "refused",
                xpci_error_text(&why));
    else if (c->list.why || c->list.n == 0)
        add_row(c, text + c->list.at, c->list.at, NULL, "nothing",
                c->list.why ? c->list.why : "an empty list hides nothing");
    else if (xpci_host_inventory(c->call, &why) < 0)
        add_row(c, text + c->list.at, c->list.at, NULL, "unknown",
                xpci_error_text(&why));
    else if (add_covered(c) < 0)
        c->ret = -EIO;
}

static int run_check(struct xpci_call *call, struct xpci_error *err)
{
    struct check c = { .call = call, .err = err };

    c.ret = xpci_table_new(call, "ENTRY COLUMN# BDF VERDICT REASON", err);
    if (c.ret == 0) {
        judge(&c, call->opt[OPT_CHECK]);
        add_rest(&c);
    }
    xpci_hide_list_clear(&c.list);
    return c.ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_free_ char *list = NULL;

    if (call->opt[OPT_CHECK] && call->argc)
        return xpci_error_usage(err, "--check takes a list, and no DEVICE");
    if (call->opt[OPT_CHECK])
        return run_check(call, err);
    if (call->opt[OPT_DUMP] && call->argc == 0)
        return xpci_error_usage(err, "a dump has no configuration; name the "
                                     "devices to hide");
    xpci_try(xpci_host_inventory(call, err));
    if (call->argc) { /* those, and what hide would take along */
        xpci_try(xpci_host_closure(call, &group, err));
        xpci_try(xpci_host_hide(call, &group, err));
    } else {
        xpci_try(xpci_hide_conf_load(call->root, &call->inv, &call->conf, err));
    }
    for (size_t i = 0; call->opt[OPT_JSON] && i < call->conf.n; i++) {
        const struct xpci_hidden *h = &call->conf.v[i];

        xpci_try(xpci_table_add(call, err, xpci_cell_bdf(&h->bdf), h->path,
                                xpci_cell("%04x:%04x", h->vendor, h->device)));
    }
    if (call->opt[OPT_JSON])
        return 0;
    xpci_try(xpci_hide_conf_list(&call->conf, &list, err));
    if (call->conf.n)
        puts(list);
    return 0;
}

const struct xpci_cmd xpci_cmd_hide_list = {
    .name = "hide-list",
    .operands = "[DEVICE...]",
    .max = CMD_ANY,
    .summary = "print the pciback list of what is hidden, or would be",
    .options = CMD_OPTIONS(OPT_CHECK, OPT_DUMP, OPT_SCOPE),
    .columns = "BDF PATH ID",
    .run = run,
};
