/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"
#include "interrupt.h"
#include "live.h"
#include "plan.h"
#include "table.h"

/* Each is said, and as with pciback from here on. */
static int note_seized(const struct xpci_call *call,
                       const struct xpci_moves *moves, struct xpci_error *err)
{
    for (size_t i = 0; i < moves->n; i++) {
        struct xpci_device *dev =
            &call->inv.dev[moves->v[i].dev - call->inv.dev];

        if (!call->opt[OPT_DRY_RUN])
            xpci_log(&call->log, XPCI_LOG_WARN,
                     "the boot image did not hide " XPCI_BDF_FMT
                     ", which had %s; pciback has it now",
                     XPCI_BDF_ARGS(dev->bdf), xpci_host_driver(dev));
        free(dev->driver);
        dev->driver = strdup(XPCI_PCIBACK);
        xpci_need(dev->driver, err);
    }
    return 0;
}

/* The device and what is hidden of its group, or none of them. */
static int seize(struct xpci_call *call, size_t dev, struct xpci_error *err)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };

    xpci_try(
        xpci_group_closure(&call->inv, &dev, 1, XPCI_SCOPE_GROUP, &group, err));
    xpci_try(xpci_live_take(call, &group, &moves, err));
    if (moves.n && !call->opt[OPT_DRY_RUN])
        xpci_try(xpci_pciback_load(call->root, &call->log, err));
    xpci_try(xpci_live_done(call, xpci_live_make(call, &moves, err)));
    return note_seized(call, &moves, err);
}

/* What cannot be had is said, and the others are seized all the same. */
static void seize_all(struct xpci_call *call)
{
    for (size_t i = 0; i < call->conf.n; i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        struct xpci_bdf bdf = call->conf.v[i].bdf;
        const struct xpci_device *dev = xpci_inventory_find(&call->inv, &bdf);

        if (call->conf.v[i].here && !xpci_host_on_pciback(dev) &&
            seize(call, (size_t)(dev - call->inv.dev), &err) < 0)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     XPCI_BDF_FMT " stays with %s: %s", XPCI_BDF_ARGS(bdf),
                     xpci_host_driver(dev), xpci_error_text(&err));
        else if (xpci_live_permit(call, &call->conf.v[i], &err) < 0)
            xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(&err));
    }
}

/* Unless the person who booted has asked for none of it, as of the initrd. */
static int open_and_seize(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_interrupt_ struct xpci_interrupt held;
    _cleanup_free_ char *off = NULL;

    xpci_interrupt_hold(&held);
    /* /boot may not be mounted: what is configured is hidden all the same */
    xpci_try(xpci_live_open(call, true, err));
    xpci_try(xpci_plan_cmdline(call, XPCI_CMDLINE_OFF, &off, err));
    if (off)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "'%s' is on the kernel's command line: nothing is seized in "
                 "this boot",
                 off);
    else
        seize_all(call);
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    int ret;

    xpci_try(xpci_live_check(call, err));
    ret = xpci_host_is_dom0(call, err);
    if (ret == 0)
        xpci_log(&call->log, XPCI_LOG_DEBUG,
                 "this is no Xen dom0: every device is its driver's");
    if (ret <= 0)
        return ret;
    ret = open_and_seize(call, err);
    if (call->opt[OPT_DRY_RUN]) /* the answer is what would be written */
        xpci_table_free(xpci_steal(call->table));
    return ret < 0 || !call->conf.n || call->opt[OPT_DRY_RUN]
               ? ret
               : xpci_status_report(call, err);
}

const struct xpci_cmd xpci_cmd_boot = {
    .name = "boot",
    .operands = "",
    .summary =
        "for boot scripts: seize what the boot image did not, and report",
    .columns = "BDF STATE REASON",
    .needs_root = true,
    .run = run,
};
