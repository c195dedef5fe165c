/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "host.h"
#include "live.h"
#include "modprobe-d.h"
#include "plan.h"
#include "table.h"
#include "xen-efi.h"

/* Of the answer, if there will be one. */
static int add_row(const struct xpci_call *call, const struct xpci_bdf *bdf,
                   const char *rule, const char *name, struct xpci_error *err)
{
    return call->table
               ? xpci_table_add(call, err, xpci_cell_bdf(bdf), rule, name)
               : 0;
}

/* A list on the kernel's command line would replace what is hidden here. */
static int check_cmdline(const struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_free_ char *word = NULL;

    xpci_try(xpci_plan_next_cmdline(call, XPCI_CMDLINE_LIST, &word, err));
    if (!word)
        return 0;
    return xpci_host_override(
        call, "take it out of the boot loader's configuration", err,
        "'%s' on the kernel's command line replaces xpci's list", word);
}

/* An entry that a hand wrote, of a card that is out, or that comes late. */
static int warn_of_absent(const struct xpci_call *call, struct xpci_error *err)
{
    for (size_t i = 0; i < call->conf.n; i++) {
        const struct xpci_hidden *h = &call->conf.v[i];
        _cleanup_free_ char *why = NULL;

        xpci_need(xpci_hidden_check(h, &call->inv, &why) == 0 || why, err);
        if (why)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     XPCI_BDF_FMT " of " XPCI_HIDE_CONF_PATH
                                  ": %s; it is not hidden unless it comes back",
                     XPCI_BDF_ARGS(h->bdf), why);
        else if (xpci_inventory_find(&call->inv, &h->bdf)->virtual_func)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     XPCI_BDF_FMT
                     " is a virtual function, which is seldom made yet when "
                     "images hide devices: 'xpci boot' takes it, if it is "
                     "there by then",
                     XPCI_BDF_ARGS(h->bdf));
    }
    return 0;
}

/* Those that are named, and not what must go with them. */
static int permit(const struct xpci_call *call, struct xpci_error *err)
{
    if (!call->argc)
        return xpci_error_usage(err, "--permissive wants the devices named");
    for (size_t i = 0; i < call->chosen.n; i++) {
        const struct xpci_bdf *bdf = &call->inv.dev[call->chosen.v[i]].bdf;

        if (!xpci_hide_conf_find(&call->conf, bdf)) /* a bridge */
            continue;
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "permissive: every guest that gets " XPCI_BDF_FMT
                 " may write all of its configuration space",
                 XPCI_BDF_ARGS(*bdf));
        xpci_try(xpci_hide_conf_permit(&call->conf, bdf, err));
    }
    return 0;
}

/* At once, and not by the next boot, what is moved at once too. */
static int permit_now(struct xpci_call *call, const struct xpci_group *group,
                      struct xpci_error *err)
{
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_hidden *h =
            xpci_hide_conf_find(&call->conf, &call->inv.dev[i].bdf);

        if (h && (!call->argc || xpci_group_has(group, i)) &&
            xpci_live_permit(call, h, err) < 0)
            return xpci_error_wrap(err, "pciback has them, but");
    }
    return 0;
}

static int add_to_conf(struct xpci_call *call, struct xpci_group *group,
                       struct xpci_plan *plan, struct xpci_error *err)
{
    xpci_try(xpci_host_closure(call, group, err));
    xpci_try(xpci_host_hide(call, group, err));
    for (size_t i = 0; i < group->n; i++) {
        const struct xpci_device *dev = &call->inv.dev[group->v[i].dev];

        xpci_try(add_row(call, &dev->bdf, group->v[i].rule, dev->name, err));
    }
    if (call->opt[OPT_PERMISSIVE])
        xpci_try(permit(call, err));
    xpci_try(xpci_plan_guard(call, plan, group, err));
    if (!call->opt[OPT_NOW])
        return 0;
    xpci_try(
        xpci_live_take(call, call->argc ? group : NULL, &plan->moves, err));
    /* found out before images are made */
    return plan->moves.n && !call->opt[OPT_DRY_RUN]
               ? xpci_pciback_load(call->root, &call->log, err)
               : 0;
}

/* Also what an earlier unhide has left to the next boot. */
static int give_back(struct xpci_call *call, const struct xpci_group *group,
                     struct xpci_moves *moves, struct xpci_error *err)
{
    if (!call->guests_known && xpci_host_guests(call, err) < 0) {
        xpci_error_wrap(err, "it cannot be told whether a guest has them");
        err->kind = XPCI_REFUSED;
        return err->code;
    }
    for (size_t i = 0; i < group->n; i++)
        xpci_try(xpci_live_give(call, group->v[i].dev, false, moves, err));
    return 0;
}

/* Names one that is gone, and no hidden device that is there instead. */
static bool names_absent(const struct xpci_call *call, const char *text,
                         const struct xpci_hidden *h)
{
    struct xpci_bdf_pattern pat;

    if (h->here)
        return false;
    if (xpci_bdf_pattern_parse(text, &pat) == 0)
        return xpci_bdf_matches(&pat, &h->bdf) &&
               !xpci_hide_conf_find(&call->conf, &h->bdf);
    return !strcmp(text, h->path) &&
           !xpci_list_find(&call->conf, other,
                           other->here && !strcmp(text, other->path));
}

/*
 * A card that was pulled out can still be unhidden: operands that name only
 * absent devices of the configuration are settled here and dropped.
 */
static int remove_absent(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_free_ size_t *idx = calloc(call->inv.n + 1, sizeof(*idx));
    int kept = 0;

    xpci_need(idx, err);
    for (int i = 0; i < call->argc; i++) {
        const char *text = call->argv[i];
        size_t before = call->conf.n, n = 0, k = 0;

        while (k < call->conf.n) {
            const struct xpci_hidden *h = &call->conf.v[k++];

            if (!names_absent(call, text, h))
                continue;
            xpci_try(
                add_row(call, &h->bdf, "asked for, and not there", NULL, err));
            xpci_hide_conf_remove(&call->conf, h);
            k--;
        }
        if (call->conf.n == before ||
            xpci_inventory_select(&call->inv, text, idx, &n, NULL) == 0)
            call->argv[kept++] = call->argv[i];
    }
    call->argc = kept;
    return 0;
}

static int take_from_conf(struct xpci_call *call, struct xpci_group *group,
                          struct xpci_plan *plan, struct xpci_error *err)
{
    xpci_try(remove_absent(call, err));
    xpci_try(xpci_host_closure(call, group, err));
    if (call->opt[OPT_NOW])
        xpci_try(give_back(call, group, &plan->moves, err));
    for (size_t i = 0; i < group->n; i++) {
        const struct xpci_device *dev = &call->inv.dev[group->v[i].dev];
        const struct xpci_hidden *h =
            xpci_hide_conf_find(&call->conf, &dev->bdf);

        if (!h)
            continue;
        xpci_try(add_row(call, &dev->bdf, group->v[i].rule, dev->name, err));
        xpci_hide_conf_remove(&call->conf, h);
    }
    return 0;
}

/* Said before images are made: with such a line none hides a device. */
static int check_modprobe(const struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_modprobe_ struct xpci_modprobe lines = { 0 };

    xpci_try(xpci_modprobe_find(call->root, false, &lines, err));
    return lines.n ? xpci_error_set(err, EEXIST,
                                    "%s is in the way: '%s'; take that out, "
                                    "then repeat this",
                                    lines.v[0].path, lines.v[0].line)
                   : 0;
}

/* @note is of a change that was made. */
static int change(struct xpci_call *call, bool hide, const char *note,
                  struct xpci_error *err)
{
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_plan_ struct xpci_plan plan = { 0 };
    _cleanup_free_ char *copy = NULL;
    size_t before;

    if (call->opt[OPT_NOW])
        xpci_try(xpci_live_check(call, err));
    xpci_try(xpci_live_open(call, false, err));
    before = call->conf.n;
    if (!call->opt[OPT_DRY_RUN])
        xpci_try(xpci_table_new(call, "BDF RULE DEVICE", err));
    xpci_try((hide ? add_to_conf : take_from_conf)(call, &group, &plan, err));
    xpci_try(xpci_plan_make(call, &plan, err));
    if (hide && plan.by_list && call->conf.n && !plan.word)
        xpci_try(check_cmdline(call, err));
    if (hide && call->conf.n && !plan.word)
        xpci_try(check_modprobe(call, err));
    if (hide)
        xpci_try(warn_of_absent(call, err));
    /* nothing asked for, nothing to repair: then it was the wrong device */
    if (!hide && call->conf.n == before && !xpci_plan_needed(&plan) &&
        !plan.moves.n)
        return xpci_error_set(err, ENOENT,
                              "none of these devices is hidden by xpci; 'xpci "
                              "status' shows those that are");
    xpci_try(xpci_live_remember(call, &plan.changes, err));
    xpci_try(xpci_plan_apply(call, &plan, err));
    if (hide && call->opt[OPT_NOW])
        xpci_try(permit_now(call, &group, err));
    if (call->opt[OPT_DRY_RUN])
        return 0;
    xpci_try(xpci_table_print(call, err));
    xpci_try(xpci_xen_efi_check(call->root, &plan.images, &copy, err));
    if (copy)
        xpci_log(&call->log, XPCI_LOG_WARN, "%s", copy);
    else
        xpci_log(&call->log, XPCI_LOG_NOTE, "%s", note);
    return 0;
}

static int run_hide(struct xpci_call *call, struct xpci_error *err)
{
    static const char *const notes[2][2] = {
        { "files and images are as " XPCI_HIDE_CONF_PATH
          " asks; 'xpci status' says more",
          "pciback has what is in " XPCI_HIDE_CONF_PATH
          ", now and from every boot on; 'xpci status' says more" },
        { "the next boot hides them; reboot, then 'xpci status'",
          "pciback has them, now and from every boot on; 'xpci status' says "
          "more" },
    };

    return change(call, true, notes[call->argc > 0][call->opt[OPT_NOW] != NULL],
                  err);
}

static int run_unhide(struct xpci_call *call, struct xpci_error *err)
{
    return change(call, false,
                  call->opt[OPT_NOW]
                      ? "dom0 has them, now and after the next boot"
                      : "the next boot gives them back to dom0's drivers",
                  err);
}

const struct xpci_cmd xpci_cmd_hide = {
    .name = "hide",
    .operands = "[DEVICE...]",
    .max = CMD_ANY,
    .summary = "take devices from dom0, with all that must go with them",
    .options = CMD_OPTIONS(OPT_REBUILD, OPT_SCOPE, OPT_NOW, OPT_PERMISSIVE),
    .needs_root = true,
    .run = run_hide,
};

const struct xpci_cmd xpci_cmd_unhide = {
    .name = "unhide",
    .operands = "DEVICE...",
    .min = 1,
    .max = CMD_ANY,
    .summary = "give devices back to dom0",
    .options = CMD_OPTIONS(OPT_REBUILD, OPT_SCOPE, OPT_NOW),
    .needs_root = true,
    .run = run_unhide,
};
