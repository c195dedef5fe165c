/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "table.h"

/* One device to attach, in the order of the operands. */
struct item {
    size_t dev;
    struct xpci_attach_request req; /* in the end with the guest's slot */
};

struct job {
    struct xpci_call *call;
    struct xpci_guest_config config;
    unsigned int *asked; /* for each operand; 0: none */
    struct item *v;
    size_t n;
};

static void job_clear(struct job *job)
{
    xpci_guest_config_close(&job->config);
    free(job->asked);
    free(job->v);
}

/*
 * "DOMAIN DEVICE VSLOT", a third and last operand without ":" or "/", or
 * "DOMAIN DEVICE[@VSLOT]...". Leaves "DOMAIN DEVICE..." in the call; what
 * cannot be right is found before anything is asked of the host.
 */
static int parse_operands(struct job *job, struct xpci_error *err)
{
    struct xpci_call *call = job->call;
    const char *vslot = NULL;

    job->asked = calloc((size_t)call->argc, sizeof(*job->asked));
    if (!job->asked)
        return xpci_error_oom(err);
    if (call->argc == 3 && !strpbrk(call->argv[2], ":/") &&
        !strchr(call->argv[1], '@'))
        vslot = call->argv[--call->argc];
    for (int i = 1; i < call->argc; i++) {
        char *at = strchr(call->argv[i], '@');

        if (at) {
            *at = '\0';
            vslot = at + 1;
        }
        if (vslot && xpci_vslot_parse(vslot, strlen(vslot), &job->asked[i]))
            return xpci_error_usage(
                err, "'%s' is no virtual slot; it is hexadecimal, 1 to 1f",
                vslot);
        vslot = NULL;
    }
    return xpci_attachment_check(call, err);
}

static int add_operand(struct job *job, int i, struct xpci_error *err)
{
    const struct xpci_inventory *inv = &job->call->inv;
    _cleanup_free_ size_t *idx = calloc(inv->n + 1, sizeof(*idx));
    unsigned int vslot = job->asked[i];
    size_t n = 0;

    if (!idx)
        return xpci_error_oom(err);
    xpci_try(xpci_inventory_select(inv, job->call->argv[i], idx, &n, err));
    if (vslot + n > 0x20)
        return xpci_error_usage(err,
                                "'%s' has %zu functions, and behind slot %x "
                                "there is no room for them",
                                job->call->argv[i], n, vslot);
    for (size_t k = 0; k < n; k++) { /* one slot a function, see libxl's .* */
        const struct xpci_attach_request req = {
            .bdf = inv->dev[idx[k]].bdf,
            .vslot = vslot ? vslot + (unsigned int)k : 0,
        };

        if (xpci_list_push(job, (struct item){ idx[k], req }) < 0)
            return xpci_error_oom(err);
    }
    return 0;
}

static bool is_item(const struct job *job, size_t dev)
{
    for (size_t i = 0; i < job->n; i++) {
        if (job->v[i].dev == dev)
            return true;
    }
    return false;
}

/* A member of the group must go along, be idle in pciback, or be there. */
static int check_member(const struct job *job, const struct xpci_member *member,
                        const struct xpci_bdf *asked, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;
    const struct xpci_device *dev = &call->inv.dev[member->dev];
    const struct xpci_guest_device *user = xpci_host_user(call, &dev->bdf);

    if (user ? user->domid == call->domain.id : xpci_host_on_pciback(dev))
        return 0;
    return xpci_host_override(
        call, "'xpci hide' takes both", err,
        XPCI_BDF_FMT " (%s) must go with " XPCI_BDF_FMT " and is with %s '%s'",
        XPCI_BDF_ARGS(dev->bdf), member->rule, XPCI_BDF_ARGS(*asked),
        user ? "guest" : "dom0's", user ? user->domain : xpci_host_driver(dev));
}

static int check_item(const struct job *job, const struct item *item,
                      struct xpci_error *err)
{
    const struct xpci_inventory *inv = &job->call->inv;
    const struct xpci_device *dev = &inv->dev[item->dev];
    _cleanup_group_ struct xpci_group group = { 0 };

    if (!xpci_device_is_bridge(dev) && !xpci_host_on_pciback(dev))
        return xpci_error_set(err, ENODEV,
                              XPCI_BDF_FMT
                              " is with dom0's '%s', not with pciback; 'xpci "
                              "hide " XPCI_BDF_FMT "' and a reboot change that",
                              XPCI_BDF_ARGS(dev->bdf), xpci_host_driver(dev),
                              XPCI_BDF_ARGS(dev->bdf));
    xpci_try(
        xpci_group_closure(inv, &item->dev, 1, XPCI_SCOPE_GROUP, &group, err));
    for (size_t i = 0; i < group.n; i++) {
        if (!is_item(job, group.v[i].dev))
            xpci_try(check_member(job, &group.v[i], &dev->bdf, err));
    }
    return 0;
}

/* Edits the guest's file in memory, as far as there is one. */
static int edit_config(struct job *job, struct xpci_error *err)
{
    struct xpci_cfg *cfg = job->config.cfg;

    for (size_t i = 0; cfg && i < job->n; i++) {
        const struct xpci_pci_spec spec = {
            .dev = { .bdf = job->v[i].req.bdf },
            .vslot = job->v[i].req.vslot,
        };

        xpci_try(xpci_cfg_pci_add(cfg, &spec, NULL, err));
    }
    return 0;
}

/* A file that cannot be edited fails here, before the guest has anything. */
static int prepare(struct job *job, struct xpci_error *err)
{
    for (int i = 1; i < job->call->argc; i++)
        xpci_try(add_operand(job, i, err));
    for (size_t i = 0; i < job->n; i++)
        xpci_try(check_item(job, &job->v[i], err));
    return edit_config(job, err);
}

/* Takes the first @n back; the failure that led here is what counts. */
static void take_back(struct job *job, size_t n)
{
    const struct xpci_call *call = job->call;

    while (n-- > 0) {
        _cleanup_error_ struct xpci_error err = { 0 };
        const struct xpci_bdf *bdf = &job->v[n].req.bdf;

        if (call->ts->ops->detach(call->ts->ctx, &call->domain, bdf, 10, &err))
            xpci_log(&call->log, XPCI_LOG_WARN,
                     "cannot take " XPCI_BDF_FMT " back: %s",
                     XPCI_BDF_ARGS(*bdf), xpci_error_text(&err));
    }
}

static int attach_all(struct job *job, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;
    size_t n = 0;
    int ret = 0;

    for (; n < job->n && ret == 0; n += ret == 0) {
        struct xpci_attach_request *req = &job->v[n].req;
        unsigned int vslot = 0;

        ret = call->ts->ops->attach(call->ts->ctx, &call->domain, req, &vslot,
                                    err);
        req->vslot = vslot;
    }
    if (ret == 0) /* a slot that the guest chose is the one to write down */
        ret = edit_config(job, err);
    if (ret == 0)
        ret = xpci_attachment_save(call, &job->config, err);
    if (ret < 0)
        take_back(job, n);
    return ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_(job_clear) struct job job = { .call = call };

    xpci_try(parse_operands(&job, err));
    xpci_try(xpci_attachment_open(call, &job.config, err));
    xpci_try(prepare(&job, err));
    xpci_try(call->opt[OPT_DRY_RUN]
                 ? xpci_attachment_save(call, &job.config, err)
                 : attach_all(&job, err));
    for (size_t i = 0; i < job.n; i++) {
        unsigned int vslot = job.v[i].req.vslot;

        xpci_try(xpci_table_add(call, err, call->domain.name,
                                xpci_cell_bdf(&job.v[i].req.bdf),
                                vslot ? xpci_cell("%x", vslot) : NULL));
    }
    return 0;
}

const struct xpci_cmd xpci_cmd_attach = {
    .name = "attach",
    .operands = "DOMAIN DEVICE [VSLOT] | DOMAIN DEVICE@VSLOT...",
    .min = 2,
    .max = CMD_ANY,
    .summary = "give devices to a running guest, at fixed virtual slots",
    .options = CMD_OPTIONS(OPT_PERSIST, OPT_FILE),
    .columns = "DOMAIN BDF VSLOT",
    .flags = CMD_NEEDS_ROOT | CMD_CHANGES,
    .run = run,
};
