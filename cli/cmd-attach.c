/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "bind.h"
#include "interrupt.h"
#include "table.h"

/* What the devices to attach are besides the requests, in the same order. */
struct item {
    size_t dev;
    char *options; /* the operand's, and what xpci.conf adds; "" for none */
};

struct job {
    struct xpci_call *call;
    struct {
        struct xpci_pci_spec *v; /* for operands: slot and options */
        size_t n;
    } asked;
    struct item *v;
    size_t n;
    struct {
        struct xpci_attach_request *v; /* in the end with the guest's slots */
        size_t n;
    } req;
};

static void job_clear(struct job *job)
{
    xpci_list_clear(&job->asked, spec, xpci_pci_spec_clear(spec));
    xpci_list_clear(&job->req, req, xpci_error_clear(&req->err));
    xpci_list_clear(job, item, free(item->options));
}

/* "DEVICE,OPTION=VALUE..." is read as an entry of a guest's file is. */
static int parse_options(char *operand, struct xpci_pci_spec *spec,
                         struct xpci_error *err)
{
    _cleanup_free_ char *entry = NULL;
    const char *text;
    int ret;

    if (!strchr(operand, ','))
        return 0;
    /* a path is none in a file: only what is behind it is read */
    if (strcspn(operand, "/") < strcspn(operand, ","))
        xpci_try(xpci_asprintf(err, &entry, "0:0.0%s",
                               operand + strcspn(operand, "@,")));
    text = entry ? entry : operand;
    ret = xpci_pci_spec_parse(text, strlen(text), spec, err);
    if (ret < 0 && entry) {
        const char *at = strstr(xpci_error_text(err), ": column ");

        /* the column is of a text that nobody wrote */
        at = at ? strchr(at + 1, ':') : NULL;
        return at ? xpci_error_usage(err, "'%s'%s", operand, at) : ret;
    }
    if (ret < 0) {
        err->kind = ret == -EINVAL ? XPCI_USAGE : err->kind;
        return ret;
    }
    if (spec->name || (spec->options && strstr(spec->options, "seize=1")))
        return xpci_error_usage(err,
                                "'%s': a device is named by its address here, "
                                "and never seized",
                                operand);
    operand[strcspn(operand, "@,")] = '\0';
    return 0;
}

static int parse_operand(struct job *job, char *operand, const char *vslot,
                         struct xpci_error *err)
{
    struct xpci_pci_spec *spec = xpci_list_add(&job->asked);
    char *at;

    xpci_need(spec, err);
    xpci_try(parse_options(operand, spec, err));
    if (vslot && spec->vslot)
        return xpci_error_usage(err, "%s has a slot, and '%s' is another one",
                                operand, vslot);
    at = strchr(operand, '@');
    if (at) {
        *at = '\0';
        vslot = at + 1;
    }
    if (vslot && xpci_vslot_parse(vslot, strlen(vslot), &spec->vslot))
        return xpci_error_usage(
            err, "'%s' is no virtual slot; it is hexadecimal, 1 to 1f", vslot);
    return 0;
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

    if (call->argc == 3 && !strpbrk(call->argv[2], ":/") &&
        !strchr(call->argv[1], '@'))
        vslot = call->argv[--call->argc];
    for (int i = 1; i < call->argc; i++)
        xpci_try(parse_operand(job, call->argv[i], vslot, err));
    return 0;
}

/* Permissive by its options, or else by xpci.conf, which then is said. */
static int add_item(struct job *job, size_t dev, unsigned int vslot,
                    const char *options, struct xpci_error *err)
{
    const struct xpci_log *log = &job->call->log;
    const struct xpci_bdf *bdf = &job->call->inv.dev[dev].bdf;
    bool by_conf = !strstr(options, "permissive=") &&
                   xpci_attachment_permissive(job->call, bdf);
    struct item *item = xpci_list_add(job);
    struct xpci_attach_request *req = xpci_list_add(&job->req);

    xpci_need(item && req, err);
    item->dev = dev;
    xpci_try(xpci_asprintf(err, &item->options, "%s%s%s", options,
                           *options && by_conf ? "," : "",
                           by_conf ? "permissive=1" : ""));
    *req = (struct xpci_attach_request){
        .bdf = *bdf,
        .vslot = vslot,
        .permissive = strstr(item->options, "permissive=1"),
        .relaxed = strstr(options, "rdm_policy=relaxed"),
        .msitranslate = strstr(options, "msitranslate=1"),
        .power_mgmt = strstr(options, "power_mgmt=1"),
    };
    if (by_conf)
        xpci_log(log, XPCI_LOG_WARN,
                 XPCI_BDF_FMT " is permissive by " XPCI_HIDE_CONF_PATH
                              ": the guest may write all of its configuration "
                              "space",
                 XPCI_BDF_ARGS(*bdf));
    if (req->msitranslate || req->power_mgmt)
        xpci_log(log, XPCI_LOG_WARN,
                 "msitranslate and power_mgmt are recorded, but do nothing "
                 "with the device models of today");
    return 0;
}

static int add_operand(struct job *job, int i, struct xpci_error *err)
{
    const struct xpci_inventory *inv = &job->call->inv;
    _cleanup_free_ size_t *idx = calloc(inv->n + 1, sizeof(*idx));
    const struct xpci_pci_spec *spec = &job->asked.v[i - 1];
    unsigned int vslot = spec->vslot;
    size_t n = 0;

    xpci_need(idx, err);
    xpci_try(xpci_inventory_select(inv, job->call->argv[i], idx, &n, err));
    if (vslot + n > 0x20)
        return xpci_error_usage(err,
                                "'%s' has %zu functions, and behind slot %x "
                                "there is no room for them",
                                job->call->argv[i], n, vslot);
    for (size_t k = 0; k < n; k++) /* one slot a function, see libxl's .* */
        xpci_try(add_item(job, idx[k], vslot ? vslot + (unsigned int)k : 0,
                          spec->options ? spec->options : "", err));
    return 0;
}

/* A member of the group must go along, be idle in pciback, or be there. */
static int check_member(struct job *job, const struct xpci_member *member,
                        const struct xpci_bdf *asked, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;
    const struct xpci_device *dev = &call->inv.dev[member->dev];
    const struct xpci_guest_device *user = xpci_host_user(call, &dev->bdf);

    if (user && user->domid == call->domain.id)
        return 0;
    if (call->opt[OPT_WITH_GROUP])
        return add_item(job, member->dev, 0, "", err);
    if (!user && xpci_host_on_pciback(dev))
        return 0;
    return xpci_host_override(
        call, user ? "detach it there first" : "'xpci hide' takes both", err,
        XPCI_BDF_FMT " (%s) must go with " XPCI_BDF_FMT " and is with %s '%s'",
        XPCI_BDF_ARGS(dev->bdf), member->rule, XPCI_BDF_ARGS(*asked),
        user ? "guest" : "dom0's", user ? user->domain : xpci_host_driver(dev));
}

static int check_item(struct job *job, size_t of, struct xpci_error *err)
{
    const struct xpci_inventory *inv = &job->call->inv;
    const struct xpci_device *dev = &inv->dev[of];
    _cleanup_group_ struct xpci_group group = { 0 };

    if (!xpci_device_is_bridge(dev) && !xpci_host_on_pciback(dev))
        return xpci_error_set(err, ENODEV,
                              XPCI_BDF_FMT
                              " is with dom0's '%s', not with pciback; 'xpci "
                              "hide --now " XPCI_BDF_FMT "' changes that",
                              XPCI_BDF_ARGS(dev->bdf), xpci_host_driver(dev),
                              XPCI_BDF_ARGS(dev->bdf));
    xpci_try(xpci_group_closure(inv, &of, 1, XPCI_SCOPE_GROUP, &group, err));
    for (size_t i = 0; i < group.n; i++) {
        if (!xpci_list_find(job, item, item->dev == group.v[i].dev))
            xpci_try(check_member(job, &group.v[i], &dev->bdf, err));
    }
    return 0;
}

/* The entries for what the guest gets, in its file. */
static int edit_config(const void *data, struct xpci_cfg *cfg,
                       struct xpci_error *err)
{
    const struct job *job = data;

    for (size_t i = 0; i < job->n; i++) {
        const struct xpci_attach_request *req = &job->req.v[i];
        char *options = job->v[i].options;
        const struct xpci_pci_spec spec = { .dev = { .bdf = req->bdf },
                                            .vslot = req->vslot,
                                            .options =
                                                *options ? options : NULL };

        if (req->ret == 0)
            xpci_try(xpci_cfg_pci_add(cfg, &spec, NULL, err));
    }
    return 0;
}

/* A file that cannot be edited fails here, before the guest has anything. */
static int prepare(struct job *job, struct xpci_error *err)
{
    for (int i = 1; i < job->call->argc; i++)
        xpci_try(add_operand(job, i, err));
    for (size_t i = 0; i < job->n; i++) /* --with-group adds to them */
        xpci_try(check_item(job, job->v[i].dev, err));
    return xpci_attachment_edit(job->call, edit_config, job, false, err);
}

/* Would it be given? Else the attach says why, or somebody keeps it. */
static bool is_free(const struct job *job, size_t i)
{
    const struct xpci_call *call = job->call;
    struct xpci_attach_request probe = job->req.v[i];
    _cleanup_error_ struct xpci_error why = { 0 };

    probe.err = (struct xpci_error){ 0 };
    return call->ts->ops->attach(call->ts->ctx, &call->domain, &probe, 1,
                                 XPCI_ATTACH_CHECK, &why) == 0;
}

static int end_permissive(const struct job *job, size_t i,
                          struct xpci_error *err)
{
    const struct xpci_call *call = job->call;
    const struct xpci_device *dev = &call->inv.dev[job->v[i].dev];

    if (!is_free(job, i))
        return 0;
    return xpci_attachment_renew(call, dev, false, err);
}

/*
 * With @all, what the guest got; the failure that led here is what counts. And
 * of what it did not get the permissive mode, which libxl begins before what
 * may fail.
 */
static void take_back(struct job *job, bool all)
{
    const struct xpci_call *call = job->call;

    for (size_t i = job->n; i-- > 0;) {
        _cleanup_error_ struct xpci_error err = { 0 };
        const struct xpci_attach_request *req = &job->req.v[i];
        int ret = 0;

        if (req->ret == -ECANCELED || (req->ret == 0 && !all))
            continue;
        if (req->ret == 0)
            ret = call->ts->ops->detach(call->ts->ctx, &call->domain, &req->bdf,
                                        10, &err);
        if (ret == 0)
            ret = end_permissive(job, i, &err);
        if (ret < 0)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     "cannot take " XPCI_BDF_FMT " back: %s",
                     XPCI_BDF_ARGS(req->bdf), xpci_error_text(&err));
    }
}

/*
 * What an earlier guest was allowed would be this one's too; and pciback may
 * count as another's what xl or xpci has taken from it (see bind.h).
 */
static int is_used(const struct job *job, size_t i, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;

    if (xpci_list_find(&call->guests, dev, dev->domid != call->domain.id))
        return 1;
    return job->req.v[i].permissive
               ? 0
               : xpci_pciback_permissive(call->root,
                                         &call->inv.dev[job->v[i].dev], err);
}

/* All are looked at before the first is touched. */
static int make_new(const struct job *job, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;

    for (size_t k = 0; k < 2 * job->n; k++) {
        size_t i = k % job->n;
        int ret = is_used(job, i, err);

        xpci_try(ret);
        if (ret > 0 && !is_free(job, i)) {
            if (!call->opt[OPT_KEEP_GOING])
                return 0;
        } else if (ret > 0 && k >= job->n) {
            xpci_try(xpci_pciback_renew(call->root, &call->log,
                                        &call->inv.dev[job->v[i].dev], err));
        }
    }
    return 0;
}

/* Both or none: the devices in the guest, and its file. */
static int attach_all(struct job *job, struct xpci_error *err)
{
    const struct xpci_call *call = job->call;
    bool dry_run = call->opt[OPT_DRY_RUN];
    unsigned int how =
        (call->opt[OPT_KEEP_GOING] ? XPCI_ATTACH_KEEP_GOING : 0) |
        (dry_run ? XPCI_ATTACH_CHECK : 0);
    _cleanup_interrupt_ struct xpci_interrupt held;
    int ret;

    for (size_t i = 0; i < job->n; i++)
        job->req.v[i].ret = -ECANCELED;
    xpci_interrupt_hold(&held);
    ret = dry_run ? 0 : make_new(job, err);
    if (ret == 0)
        ret = call->ts->ops->attach(call->ts->ctx, &call->domain, job->req.v,
                                    job->n, how, err);
    if (ret == 0)
        ret = xpci_interrupt_check(err);
    if (ret == 0) /* not what failed, and the slots that the guest chose */
        ret = xpci_attachment_edit(call, edit_config, job, true, err);
    if (!dry_run)
        take_back(job, ret < 0);
    return ret;
}

static void warn_unheard(const struct xpci_call *call)
{
    xpci_log(&call->log, XPCI_LOG_WARN,
             "'%s' has the devices, but takes no notice: it is paused or busy "
             "booting, or a card with IRQ 16 was taken from it before, and "
             "with the card (before Xen 4.19) the interrupt that tells it of "
             "others; then it finds these when it is started anew",
             call->domain.name);
}

static void warn_unasked(const struct xpci_call *call, uint32_t domid)
{
    xpci_log(&call->log, XPCI_LOG_WARN,
             "the device model of domain %u does not answer: if a device was "
             "taken from that guest by force, it may have it yet; destroy the "
             "guest if so",
             domid);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_(job_clear) struct job job = { .call = call };
    int status = 0;

    xpci_try(parse_operands(&job, err));
    xpci_try(xpci_attachment_open(call, err));
    xpci_try(prepare(&job, err));
    xpci_try(attach_all(&job, err));
    if (job.req.v[0].unasked)
        warn_unasked(call, job.req.v[0].unasked);
    for (size_t i = 0; i < job.n; i++) {
        const struct xpci_attach_request *req = &job.req.v[i];

        if (req->ret < 0) {
            xpci_log(&call->log, XPCI_LOG_WARN, "%s",
                     xpci_error_text(&req->err));
            status = XPCI_FAILED;
            continue;
        }
        xpci_try(xpci_table_add(
            call, err, call->domain.name, xpci_cell_bdf(&req->bdf),
            req->vslot ? xpci_cell("%x", req->vslot) : NULL));
    }
    if (job.req.v[job.n - 1].unheard)
        warn_unheard(call);
    return status;
}

const struct xpci_cmd xpci_cmd_attach = {
    .name = "attach",
    .operands = "DOMAIN DEVICE [VSLOT] | DOMAIN DEVICE[@VSLOT][,OPTIONS]...",
    .min = 2,
    .max = CMD_ANY,
    .summary = "give devices to a running guest, at fixed virtual slots",
    .options =
        CMD_OPTIONS(OPT_PERSIST, OPT_FILE, OPT_KEEP_GOING, OPT_WITH_GROUP),
    .columns = "DOMAIN BDF VSLOT",
    .needs_root = true,
    .run = run,
};
