/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guard.h"
#include "host.h"
#include "lock.h"
#include "plan.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "BDF" },
    { .name = "RULE" },
    { .name = "DEVICE" },
};

static int print_group(const struct xpci_call *call,
                       const struct xpci_inventory *inv,
                       const struct xpci_group *group, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    for (size_t i = 0; ret == 0 && i < group->n; i++) {
        const struct xpci_device *dev = &inv->dev[group->v[i].dev];
        char bdf[XPCI_BDF_SIZE];

        ret = xpci_table_add(table, err, xpci_bdf_format(&dev->bdf, bdf),
                             group->v[i].rule, dev->name);
    }
    return ret < 0 ? ret : xpci_table_print(table, err);
}

/* Why a device is in the configuration: the rule, or a hand wrote it. */
static const char *rule_of(const struct xpci_group *group, size_t dev)
{
    for (size_t i = 0; i < group->n; i++) {
        if (group->v[i].dev == dev)
            return group->v[i].rule;
    }
    return "in " XPCI_HIDE_CONF_PATH;
}

/* Tells what is lost with the device, and refuses if that is much. */
static int check_device(const struct xpci_call *call,
                        const struct xpci_device *dev, const char *rule,
                        const struct xpci_guard *guard, struct xpci_error *err)
{
    const struct xpci_finding *worst = xpci_guard_worst(guard, &dev->bdf);
    enum xpci_guard_grade grade = worst ? worst->grade : XPCI_GUARD_NOTE;
    bool dies = grade == XPCI_GUARD_DIES, bad = grade > XPCI_GUARD_NOTE;

    if (xpci_device_is_bridge(dev))
        return xpci_error_refuse(err,
                                 XPCI_BDF_FMT " (%s) is a bridge, and pciback "
                                              "would take everything behind it",
                                 XPCI_BDF_ARGS(dev->bdf), rule);
    if (bad && !call->opt[OPT_FORCE])
        return xpci_error_refuse(err, "dom0 %s " XPCI_BDF_FMT " (%s): %s%s",
                                 dies ? "lives on" : "uses",
                                 XPCI_BDF_ARGS(dev->bdf), rule, worst->chain,
                                 dies ? "" : "; end that, or add --force");
    for (size_t i = 0; i < guard->n; i++) {
        const struct xpci_finding *f = &guard->v[i];

        if (xpci_bdf_cmp(&f->bdf, &dev->bdf) == 0)
            xpci_log(&call->log, f->grade ? XPCI_LOG_WARN : XPCI_LOG_NOTE,
                     "%s%s (%s)", f->grade ? "forced: " : "", f->chain, rule);
    }
    return 0;
}

/* Refuses what dom0 lives on, also where a hand put it into the file. */
static int check_guard(const struct xpci_call *call,
                       const struct xpci_inventory *inv,
                       const struct xpci_group *group,
                       const struct xpci_hide_conf *conf,
                       struct xpci_error *err)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    int ret = xpci_guard_load(call->root, &guard, err);

    if (ret < 0 && ret != -ENOMEM && call->opt[OPT_FORCE]) {
        xpci_log(&call->log, XPCI_LOG_WARN, "forced: %s", xpci_error_text(err));
        xpci_error_clear(err);
        ret = 0;
    } else if (ret == 0 && !guard.known) {
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "'%s/proc' says nothing of mounts or routes: whether dom0 "
                 "lives on a device is not checked",
                 xpci_root_dir(call->root));
    }
    for (size_t i = 0; ret == 0 && i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        if (xpci_hide_conf_find(conf, &dev->bdf))
            ret = check_device(call, dev, rule_of(group, i), &guard, err);
    }
    return ret;
}

/* A list on the kernel's command line would replace what is hidden here. */
static int check_cmdline(const struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_free_ char *word = NULL;
    int ret = xpci_plan_cmdline(call, &word, err);

    if (ret < 0 || !word)
        return ret;
    if (!call->opt[OPT_FORCE])
        return xpci_error_refuse(err,
                                 "'%s' on the kernel's command line replaces "
                                 "xpci's list; take it out of the boot "
                                 "loader's configuration",
                                 word);
    xpci_log(&call->log, XPCI_LOG_WARN,
             "forced: '%s' on the kernel's command line replaces xpci's list",
             word);
    return 0;
}

static int add_to_conf(struct xpci_call *call, const struct xpci_inventory *inv,
                       struct xpci_group *group, struct xpci_hide_conf *conf,
                       struct xpci_error *err)
{
    int ret = xpci_host_closure(call, inv, group, err);

    for (size_t i = 0; ret == 0 && i < group->n; i++)
        ret = xpci_hide_conf_add(conf, inv, &inv->dev[group->v[i].dev], err);
    if (ret == 0)
        ret = check_guard(call, inv, group, conf, err);
    return ret == 0 && conf->n ? check_cmdline(call, err) : ret;
}

/*
 * A card that was pulled out can still be unhidden: operands that name only
 * absent devices of the configuration are settled here and dropped.
 */
static void remove_absent(struct xpci_call *call,
                          const struct xpci_inventory *inv,
                          struct xpci_hide_conf *conf, bool *any)
{
    int kept = 0;

    for (int i = 0; i < call->argc; i++) {
        struct xpci_bdf_pattern pat;
        bool here = false, gone = false;

        for (size_t k = conf->n; k-- > 0;) {
            struct xpci_bdf bdf = conf->v[k].bdf;

            if (xpci_bdf_pattern_parse(call->argv[i], &pat) < 0 ||
                !xpci_bdf_matches(&pat, &bdf))
                continue;
            if (xpci_inventory_find(inv, &bdf))
                here = true;
            else
                gone = xpci_hide_conf_remove(conf, &bdf) || gone;
        }
        *any = *any || gone;
        if (here || !gone)
            call->argv[kept++] = call->argv[i];
    }
    call->argc = kept;
}

/* Leaves in the group what was really taken out, for the answer. */
static void remove_members(const struct xpci_inventory *inv,
                           struct xpci_group *group,
                           struct xpci_hide_conf *conf)
{
    size_t kept = 0;

    for (size_t i = 0; i < group->n; i++) {
        struct xpci_member *m = &group->v[i];

        if (xpci_hide_conf_remove(conf, &inv->dev[m->dev].bdf))
            group->v[kept++] = *m;
        else
            free(m->rule);
    }
    group->n = kept;
}

static int take_from_conf(struct xpci_call *call,
                          const struct xpci_inventory *inv,
                          struct xpci_group *group, struct xpci_hide_conf *conf,
                          bool *any, struct xpci_error *err)
{
    int ret;

    if (call->argc == 0)
        return xpci_error_usage(err, "no device named; it is 'xpci unhide "
                                     "DEVICE...'");
    remove_absent(call, inv, conf, any);
    if (call->argc == 0)
        return 0;
    ret = xpci_host_closure(call, inv, group, err);
    if (ret < 0)
        return ret;
    remove_members(inv, group, conf);
    *any = *any || group->n > 0;
    return 0;
}

/* Nothing asked for, nothing to repair: then it was the wrong device. */
static int check_any(const struct xpci_plan *plan, bool any,
                     struct xpci_error *err)
{
    if (any || xpci_plan_needed(plan))
        return 0;
    return xpci_error_set(err, ENOENT,
                          "none of these devices is hidden by xpci; 'xpci "
                          "status' shows those that are");
}

static int change(struct xpci_call *call, bool hide, struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_plan_ struct xpci_plan plan = { 0 };
    _cleanup_close_ int lock = -1;
    bool any = hide;
    int ret = 0;

    if (!call->opt[OPT_DRY_RUN])
        ret = xpci_lock(call->root, &call->log, &lock, err);
    if (ret == 0)
        ret = xpci_inventory_load(call->root, &inv, err);
    if (ret == 0)
        ret = xpci_hide_conf_load(call->root, &conf, err);
    if (ret == 0)
        ret = hide ? add_to_conf(call, &inv, &group, &conf, err)
                   : take_from_conf(call, &inv, &group, &conf, &any, err);
    if (ret == 0)
        ret = xpci_plan_make(call, &conf, &inv, &plan, err);
    if (ret == 0)
        ret = check_any(&plan, any, err);
    if (ret == 0)
        ret = xpci_plan_apply(call, &plan, err);
    if (ret == 0 && !call->opt[OPT_DRY_RUN])
        ret = print_group(call, &inv, &group, err);
    return ret;
}

static int run_hide(struct xpci_call *call, struct xpci_error *err)
{
    int ret = change(call, true, err);

    if (ret == 0 && !call->opt[OPT_DRY_RUN])
        xpci_log(&call->log, XPCI_LOG_NOTE,
                 call->argc ? "the next boot hides them; reboot, then 'xpci "
                              "status'"
                            : "files and images are as " XPCI_HIDE_CONF_PATH
                              " asks; 'xpci status' says more");
    return ret;
}

static int run_unhide(struct xpci_call *call, struct xpci_error *err)
{
    int ret = change(call, false, err);

    if (ret == 0 && !call->opt[OPT_DRY_RUN])
        xpci_log(&call->log, XPCI_LOG_NOTE,
                 "the next boot gives them back to dom0's drivers");
    return ret;
}

const struct xpci_cmd xpci_cmd_hide = {
    .name = "hide",
    .operands = "[DEVICE...]",
    .summary = "take devices from dom0, with all that must go with them",
    .options = (const enum xpci_opt[]){ OPT_SCOPE, OPT_NONE },
    .flags = CMD_NEEDS_ROOT | CMD_CHANGES,
    .run = run_hide,
};

const struct xpci_cmd xpci_cmd_unhide = {
    .name = "unhide",
    .operands = "DEVICE...",
    .summary = "give devices back to dom0",
    .options = (const enum xpci_opt[]){ OPT_SCOPE, OPT_NONE },
    .flags = CMD_NEEDS_ROOT | CMD_CHANGES,
    .run = run_unhide,
};
