/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "clock.h"
#include "interrupt.h"
#include "live.h"
#include "table.h"

#define MAX_TIMEOUT 3600
#define SLICE 2 /* seconds that a signal may have to wait */

static int parse_timeout(const char *text, unsigned int *out,
                         struct xpci_error *err)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value < 1 || value > MAX_TIMEOUT)
        return xpci_error_usage(err,
                                "'%s' is no timeout; it is 1 to %d seconds",
                                text, MAX_TIMEOUT);
    *out = (unsigned int)value;
    return 0;
}

/* Of call->chosen. */
struct range {
    const struct xpci_call *call;
    size_t from, to;
    bool detached;
};

/* An entry may be absent from the file: a hot attach needs none. */
static int edit_config(const void *data, struct xpci_cfg *cfg,
                       struct xpci_error *err)
{
    const struct range *r = data;
    size_t removed;

    for (size_t i = r->from; i < r->to; i++) {
        const struct xpci_device *dev = &r->call->inv.dev[r->call->chosen.v[i]];
        const struct xpci_pci_spec spec = { .dev = { .bdf = dev->bdf } };

        xpci_try(xpci_cfg_pci_remove(cfg, &spec, &removed, err));
        if (!removed && r->detached)
            xpci_log(&r->call->log, XPCI_LOG_WARN,
                     XPCI_BDF_FMT " has no entry by its address in '%s'",
                     XPCI_BDF_ARGS(dev->bdf), r->call->file);
    }
    return 0;
}

/* In slices, as each call waits without a look at signals. */
static int wait_for(const struct xpci_call *call, const struct xpci_bdf *bdf,
                    unsigned int timeout, struct xpci_error *err)
{
    int64_t start = xpci_now_ms(), left = timeout;
    int ret = 0;

    do {
        xpci_error_clear(err);
        xpci_try(xpci_interrupt_check(err));
        xpci_log(&call->log, XPCI_LOG_TICK,
                 "waiting for '%s' to let go of " XPCI_BDF_FMT ", %d s left",
                 call->domain.name, XPCI_BDF_ARGS(*bdf), (int)left);
        ret = call->ts->ops->detach(call->ts->ctx, &call->domain, bdf,
                                    left < SLICE ? (unsigned int)left : SLICE,
                                    err);
        left = timeout - (xpci_now_ms() - start) / 1000;
    } while (ret == -ETIMEDOUT && left > 0);
    xpci_log(&call->log, XPCI_LOG_TICK, "%s", "");
    return ret == -ETIMEDOUT ? xpci_error_wrap(err, "after %u s", timeout)
                             : ret;
}

/* Has the HVM guest more than @n, and pciback what it gives back? */
static bool keeps_others(const struct xpci_call *call, size_t n)
{
    size_t has = 0;

    for (size_t i = 0; i < call->guests.n; i++)
        has += call->guests.v[i].domid == call->domain.id;
    return call->domain.type == XPCI_DOMAIN_HVM && has > n &&
           !call->opt[OPT_TO_HOST];
}

/* The file follows each device, so that both agree if the next one fails. */
static int detach_one(const struct xpci_call *call, size_t i,
                      unsigned int timeout, struct xpci_error *err)
{
    const struct range one = { call, i, i + 1, true };
    const struct xpci_device *dev = &call->inv.dev[call->chosen.v[i]];
    const struct xpci_bdf *bdf = &dev->bdf;
    int saved, renewed;

    xpci_try(wait_for(call, bdf, timeout, err));
    xpci_try(xpci_table_add(call, err, call->domain.name, xpci_cell_bdf(bdf)));
    saved = xpci_attachment_edit(call, edit_config, &one, true, err);
    /* also without the file: else the next guest's card is reset, or worse */
    renewed = xpci_attachment_renew(call, dev, keeps_others(call, i + 1),
                                    saved < 0 ? NULL : err);
    if (saved < 0 || renewed < 0)
        return xpci_error_wrap(err, XPCI_BDF_FMT " is detached, but",
                               XPCI_BDF_ARGS(*bdf));
    return 0;
}

static int to_host(const struct xpci_call *call, const struct xpci_moves *moves,
                   struct xpci_error *err)
{
    int ret = xpci_live_done(call, xpci_live_make(call, moves, err));

    return ret < 0
               ? xpci_error_wrap(err, "'%s' has let go, but", call->domain.name)
               : 0;
}

/* What would fail for all of them does, before the first is asked for. */
static int prepare(const struct xpci_call *call, struct xpci_moves *moves,
                   struct xpci_error *err)
{
    const struct range all = { call, 0, call->chosen.n, false };

    for (size_t i = 0; i < call->chosen.n; i++) {
        size_t dev = call->chosen.v[i];
        const struct xpci_bdf *bdf = &call->inv.dev[dev].bdf;

        xpci_try(
            call->ts->ops->detach(call->ts->ctx, &call->domain, bdf, 0, err));
        if (call->opt[OPT_TO_HOST])
            xpci_try(xpci_live_give(call, dev, true, moves, err));
    }
    return xpci_attachment_edit(call, edit_config, &all, call->opt[OPT_DRY_RUN],
                                err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    const char *text = call->opt[OPT_TIMEOUT];
    struct xpci_interrupt held;
    unsigned int timeout = 0;
    int ret = 0, printed;

    xpci_try(parse_timeout(text ? text : "10", &timeout, err));
    xpci_try(xpci_attachment_open(call, err));
    xpci_try(xpci_host_select(call, 1, err));
    xpci_try(prepare(call, &moves, err));
    if (call->opt[OPT_DRY_RUN])
        return xpci_live_make(call, &moves, err);
    xpci_try(xpci_table_new(call, "DOMAIN BDF", err));
    xpci_interrupt_hold(&held);
    for (size_t i = 0; i < call->chosen.n && ret == 0; i++)
        ret = detach_one(call, i, timeout, err);
    if (ret == 0)
        ret = to_host(call, &moves, err);
    xpci_interrupt_release(&held);
    /* what has left, whatever came then */
    printed = xpci_table_print(call, ret < 0 ? NULL : err);
    return ret < 0 ? ret : printed;
}

const struct xpci_cmd xpci_cmd_detach = {
    .name = "detach",
    .operands = "DOMAIN DEVICE...",
    .min = 2,
    .max = CMD_ANY,
    .summary = "take devices from a running guest",
    .options = CMD_OPTIONS(OPT_PERSIST, OPT_FILE, OPT_TIMEOUT, OPT_TO_HOST),
    .needs_root = true,
    .run = run,
};
