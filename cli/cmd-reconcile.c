/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"
#include "table.h"

static const char *state(const struct xpci_mismatch *f)
{
    return f->fixed ? "fixed" : f->failure ? "failed" : "wrong";
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    bool fix = call->opt[OPT_FIX] && !call->opt[OPT_DRY_RUN];
    _cleanup_mismatches_ struct xpci_mismatches found = { 0 };
    int status = XPCI_EXIT_OK;

    if (fix)
        xpci_try(xpci_host_lock(call, err));
    xpci_try(xpci_toolstack_open(call->root, &call->ts, err));
    xpci_try(call->ts->ops->reconcile(call->ts->ctx, fix, &found, err));
    for (size_t i = 0; i < found.n; i++) {
        const struct xpci_mismatch *f = &found.v[i];

        if (!f->fixed)
            status = XPCI_EXIT_WRONG;
        if (!f->fixed && f->failure)
            xpci_log(&call->log, XPCI_LOG_WARN, XPCI_BDF_FMT ": %s",
                     XPCI_BDF_ARGS(f->bdf), f->failure);
        xpci_try(xpci_table_add(call, err,
                                f->no_device ? NULL : xpci_cell_bdf(&f->bdf),
                                f->domain, state(f), f->wrong, f->fix));
    }
    return status;
}

const struct xpci_cmd xpci_cmd_reconcile = {
    .name = "reconcile",
    .operands = "",
    .summary = "what Xen, its records, guests and pciback disagree on",
    .options = CMD_OPTIONS(OPT_COLUMNS, OPT_FIX),
    .columns = "BDF DOMAIN STATE WRONG FIX",
    .needs_root = true,
    .run = run,
};
