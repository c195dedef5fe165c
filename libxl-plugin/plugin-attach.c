/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "plugin.h"

#define PV_WAIT_MS 30000   /* for pcifront, slow when it scans the bus again */
#define UNDO_WAIT_MS 10000 /* for the guest to let go again */

static int check_request(const struct plugin_job *at)
{
    unsigned int vslot = at->request->vslot;

    if (at->dom->type == XPCI_DOMAIN_PVH)
        return xpci_error_set(at->err, ENOTSUP,
                              "cannot attach %s to '%s': Xen has no "
                              "passthrough for PVH guests",
                              at->bdf, at->dom->name);
    if (at->dom->type == XPCI_DOMAIN_PV && vslot)
        return xpci_error_usage(at->err,
                                "'%s' is a PV guest, where xen-pciback "
                                "chooses the slot; attach %s without one",
                                at->dom->name, at->bdf);
    if (at->dom->type == XPCI_DOMAIN_PV &&
        plugin_stands_still(at->p, at->dom->id))
        return xpci_error_set(at->err, EAGAIN,
                              "cannot attach %s to '%s': it is paused or has "
                              "crashed, and a PV guest must answer",
                              at->bdf, at->dom->name);
    if (vslot > 0x1f)
        return xpci_error_usage(at->err, "virtual slot %x is not 1 to 1f",
                                vslot);
    return 0;
}

static int owned(const struct plugin_job *at,
                 const struct xpci_guest_device *owner)
{
    if (!strcmp(owner->state, "stale"))
        return xpci_error_refuse(at->err,
                                 "%s is recorded for the guest '%s', which is "
                                 "gone; 'xpci reconcile --fix' removes that",
                                 at->bdf, owner->domain);
    if (owner->domid != at->dom->id)
        return xpci_error_refuse(at->err,
                                 "%s is in use by the guest '%s' (domain %u); "
                                 "detach it there first",
                                 at->bdf, owner->domain, owner->domid);
    if (at->dom->type == XPCI_DOMAIN_HVM &&
        !xpci_monitor_find(&at->view->bus, at->id))
        return xpci_error_set(at->err, EEXIST,
                              "'%s' has ejected %s after its detach was given "
                              "up, the records are still there: run 'xpci "
                              "detach %s %s' first",
                              owner->domain, at->bdf, owner->domain, at->bdf);
    return xpci_error_set(at->err, EEXIST, "%s is already attached to '%s'",
                          at->bdf, owner->domain);
}

static int check_records(const struct plugin_job *at)
{
    const struct xpci_guest_devices *records = &at->view->records;
    char id[XPCI_MONITOR_ID_SIZE], bdf[XPCI_BDF_SIZE];

    for (size_t i = 0; i < records->n; i++) {
        const struct xpci_guest_device *dev = &records->v[i];

        if (!xpci_bdf_cmp(&dev->bdf, at->device))
            return owned(at, dev);
        if (dev->domid == at->dom->id &&
            !strcmp(xpci_monitor_id(&dev->bdf, id), at->id))
            return xpci_error_set(at->err, EBUSY,
                                  "cannot attach %s to '%s' beside %s: libxl "
                                  "tells devices apart by bus, slot and "
                                  "function only",
                                  at->bdf, at->dom->name,
                                  xpci_bdf_format(&dev->bdf, bdf));
    }
    return 0;
}

/*
 * libxl asks it for HVM guests only: a PV guest without an IOMMU would have
 * been given the device's memory and ports by the time that it fails.
 */
static int check_xen(const struct plugin_job *at)
{
    int ret = plugin_assigned(at->p, at->dom->id, at->device, at->err);

    if (ret == -EOPNOTSUPP)
        return xpci_error_set(at->err, EOPNOTSUPP,
                              "cannot attach %s to '%s': the guest was created "
                              "without passthrough (or Xen has no IOMMU); put "
                              "passthrough=\"enabled\" into its config and "
                              "start it anew",
                              at->bdf, at->dom->name);
    return ret > 0 ? xpci_error_refuse(
                         at->err,
                         "Xen has given %s to a guest, and xenstore does not "
                         "tell which; see 'xpci reconcile'",
                         at->bdf)
                   : ret;
}

/*
 * Without this a device in use can change hands: libxl_device_pci_add()
 * knows owners by this note only, and deletes it when it fails, also when it
 * fails because of the owner.
 */
static int check_owner(const struct plugin_job *at)
{
    bool found;
    uint32_t domid = 0;

    xpci_try(check_records(at));
    xpci_try(plugin_owner_note(at->p, at->device, &found, &domid, at->err));
    if (!found)
        return check_xen(at);
    return xpci_error_refuse(at->err,
                             "%s is noted in xenstore as given to domain %u, "
                             "which does not have it: another toolstack is at "
                             "work on it, or one died; 'xpci reconcile' tells",
                             at->bdf, domid);
}

int plugin_check_pciback(const struct plugin_job *job)
{
    _cleanup_free_ char *link = NULL;
    char dir[64], path[80];
    int ret;

    snprintf(dir, sizeof(dir), "/sys/bus/pci/devices/%s", job->bdf);
    snprintf(path, sizeof(path), "%s/driver", dir);
    if (!xpci_root_exists(job->p->root, dir))
        return xpci_error_set(job->err, ENODEV, "there is no PCI device %s",
                              job->bdf);
    ret = xpci_root_readlink(job->p->root, path, &link);
    if (ret < 0 && ret != -ENOENT)
        return xpci_error_errno(job->err, -ret, "cannot read '%s'", path);
    if (link && !strcmp(basename(link), "pciback"))
        return 0;
    return xpci_error_set(job->err, EBUSY,
                          "%s is not free for guests, it has %s%s%s; 'xpci "
                          "hide %s' and a reboot change that",
                          job->bdf, link ? "the driver '" : "no driver",
                          link ? basename(link) : "", link ? "'" : "",
                          job->bdf);
}

static int slot_taken(const struct plugin_job *at,
                      const struct xpci_monitor_device *holder)
{
    unsigned int bus, slot, func;
    char by[512];

    snprintf(by, sizeof(by), "%s%s%s%s", holder->what,
             holder->id[0] ? " (" : "", holder->id, holder->id[0] ? ")" : "");
    /* libxl's id of a device that it passed through */
    if (sscanf(holder->id, "pci-pt-%2x_%2x.%1x", &bus, &slot, &func) == 3)
        snprintf(by, sizeof(by), "the host's %02x:%02x.%x", bus, slot, func);
    return xpci_error_set(at->err, EBUSY,
                          "slot %x of '%s' is taken by %s; see 'xpci slots "
                          "%s' for free ones",
                          holder->slot, at->dom->name, by, at->dom->name);
}

/* Asked before libxl is: a refusal after QEMU's leaves traces. */
static int check_slot(const struct plugin_job *at)
{
    const struct xpci_monitor_device *holder;

    if (at->dom->type != XPCI_DOMAIN_HVM)
        return 0;
    if (xpci_monitor_find(&at->view->bus, at->id))
        return xpci_error_set(at->err, EEXIST,
                              "the device model of '%s' still has %s, though "
                              "xenstore does not know: detach it first",
                              at->dom->name, at->bdf);
    holder = xpci_monitor_at(&at->view->bus, at->request->vslot);
    return at->request->vslot && holder ? slot_taken(at, holder) : 0;
}

/* What was checked may be long ago: an add or a wait may take its time. */
static int check_again(const struct plugin_job *at)
{
    int ret = plugin_given_to_other(at, INVALID_DOMID);

    if (ret == 0)
        ret = plugin_assigned(at->p, 0, at->device, at->err);
    return ret > 0 ? xpci_error_refuse(
                         at->err,
                         "another toolstack has given %s to a guest meanwhile; "
                         "'xpci list %s' tells more",
                         at->bdf, at->bdf)
                   : ret;
}

/*
 * Some failures of libxl_device_pci_add() leave the device in the device
 * model or assigned in Xen, without a record: a second attempt then fails for
 * another reason. Whoever has been given it meanwhile keeps it.
 */
static bool undo(const struct plugin_job *at)
{
    struct plugin_job job = *at;
    int ret;

    job.err = NULL; /* the error is that of the attach */
    if (job.dom->type == XPCI_DOMAIN_HVM) {
        ret = plugin_in_model(&job);
        if (ret <= 0)
            return ret == 0;
        if (plugin_eject(&job, xpci_now_ms() + UNDO_WAIT_MS) != 0)
            return false;
    }
    ret = plugin_untouched(&job) > 0 ? plugin_withdraw(&job)
                                     : plugin_take_back(&job);
    return ret == 0 && plugin_assigned(job.p, 0, job.device, NULL) == 0;
}

/* Undoes, and adds to the error set before what could not be undone. */
static int failed(const struct plugin_job *at)
{
    struct xpci_error *err = at->err;

    if (undo(at) || !err || !err->msg)
        return err ? err->code : -EIO;
    return xpci_error_fill(err, err->kind, -err->code,
                           "%s; it could not be undone, 'xpci reconcile' tells "
                           "what is left of it",
                           err->msg);
}

/*
 * libxl waits for a PV guest that has devices too, but when it has granted it
 * the memory and ports of the next, and does not take them back.
 */
static int wait_answering(const struct plugin_job *at)
{
    int64_t deadline = xpci_now_ms() + PV_WAIT_MS;
    int ret = at->dom->type == XPCI_DOMAIN_PV
                  ? plugin_wait_connected(at->p, at->dom->id, deadline, at->err)
                  : 0;

    if (ret == 0 && at->dom->type == XPCI_DOMAIN_PV)
        return plugin_check_late(at);
    return ret > 0
               ? xpci_error_set(at->err, ETIMEDOUT,
                                "cannot attach %s to '%s': it has not answered "
                                "about another device within %d s; load "
                                "xen-pcifront in the guest, or destroy it",
                                at->bdf, at->dom->name, PV_WAIT_MS / 1000)
               : ret;
}

/* libxl has removed the note of whoever has the device by now. */
static void restore_note(const struct plugin_job *at)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    struct plugin_job job = *at;
    struct xpci_domain dom = { 0 };
    const struct xpci_guest_device *owner = NULL;

    job.dom = &dom;
    job.err = NULL; /* the error is that of the attach */
    if (plugin_records(at->p, false, &records, NULL) == 0)
        owner = xpci_list_find(&records, dev,
                               !xpci_bdf_cmp(&dev->bdf, at->device) &&
                                   strcmp(dev->state, "stale"));
    dom.id = owner ? owner->domid : 0;
    if ((!owner || plugin_note(&job) < 0) && at->err && at->err->msg)
        xpci_error_fill(at->err, at->err->kind, -at->err->code, "%s; %s",
                        at->err->msg,
                        owner ? "libxl has lost its note of that, 'xpci "
                                "reconcile --fix' writes it"
                              : "'xpci reconcile' tells whether it has a note "
                                "of that");
}

static int add_one(const struct plugin_job *at)
{
    const struct xpci_attach_request *req = at->request;
    _cleanup_pci_ libxl_device_pci pci;
    const char *reason;
    int rc, ret;

    plugin_fill_pci(&pci, &req->bdf);
    pci.vdevfn = req->vslot << 3;
    pci.permissive = req->permissive;
    pci.msitranslate = req->msitranslate;
    pci.power_mgmt = req->power_mgmt;
    pci.rdm_policy = req->relaxed ? LIBXL_RDM_RESERVE_POLICY_RELAXED
                                  : LIBXL_RDM_RESERVE_POLICY_STRICT;
    plugin_log_reset(at->p);
    rc = libxl_device_pci_add(at->p->ctx, at->dom->id, &pci, NULL);
    if (!rc)
        return 0;
    ret = plugin_error(at->p, rc, at->err, "cannot attach %s to '%s'", at->bdf,
                       at->dom->name);
    reason = plugin_reason(at->p, rc);
    /* libxl_pci.c: somebody was faster, and it has not begun */
    if (!strstr(reason, "not assignable") &&
        !strstr(reason, "already assigned"))
        return failed(at);
    restore_note(at);
    return ret;
}

/*
 * Those that no check has refused, and that have a slot; then those that have
 * none. One by one: libxl lets one wait for the device model at a time, and
 * forks for each that waits for its turn; all else of an attach is its
 * caller's own time.
 */
static void add(struct plugin_job *jobs, size_t n, unsigned int how, bool tried)
{
    bool keep_going = how & XPCI_ATTACH_KEEP_GOING, failed = false;

    for (size_t i = 0; i < n; i++)
        failed |= jobs[i].request->ret != -ECANCELED;
    tried |= failed;
    for (size_t i = 0; i < 2 * n && (keep_going || !failed); i++) {
        struct plugin_job *job = &jobs[i % n];
        struct xpci_attach_request *req = job->request;
        bool with_slot = i < n;

        if (req->ret != -ECANCELED || !req->vslot == with_slot)
            continue;
        req->ret = how & XPCI_ATTACH_CHECK ? 0 : wait_answering(job);
        if (req->ret == 0 && (tried || job->dom->type == XPCI_DOMAIN_PV))
            req->ret = check_again(job);
        if (req->ret == 0 && !(how & XPCI_ATTACH_CHECK))
            req->ret = add_one(job);
        tried = true;
        failed |= req->ret < 0;
    }
}

static int lost(const struct plugin_job *at)
{
    xpci_error_set(at->err, EIO,
                   "libxl reports %s as attached to '%s', but xenstore "
                   "does not have it",
                   at->bdf, at->dom->name);
    return failed(at);
}

/*
 * libxl asks the device model where the device is (query-pci) and records that
 * slot, or fails. Two toolstacks at once may overwrite each other's record.
 */
static int read_back_hvm(const struct plugin_job *at)
{
    const struct xpci_guest_device *seen =
        plugin_record(at, &at->view->records);
    unsigned int asked = at->request->vslot;

    if (seen && seen->requested && (!asked || seen->requested == asked)) {
        at->request->vslot = seen->requested;
        return 0;
    }
    if (!seen)
        return lost(at);
    xpci_error_set(at->err, EIO,
                   "'%s' was to get %s at slot %x, but the device model has it "
                   "at %x",
                   at->dom->name, at->bdf, asked, seen->requested);
    return failed(at);
}

/* What a guest has begun to take, only the guest can give back. */
static int not_taken(const struct plugin_job *at)
{
    int ret = plugin_untouched(at);

    if (ret < 0)
        return ret;
    xpci_error_set(at->err, ETIMEDOUT,
                   "'%s' has not taken %s within %d s%s: load xen-pcifront in "
                   "the guest, or destroy it",
                   at->dom->name, at->bdf, PV_WAIT_MS / 1000,
                   ret ? "" : ", and still may");
    return ret ? failed(at) : -ETIMEDOUT;
}

/* libxl does not wait for a PV guest; the backend tells when it is there. */
static int wait_pv(const struct plugin_job *at, int64_t deadline)
{
    for (;;) {
        const char *state;
        int ret = plugin_recorded(at, &state);

        if (ret < 0 || (ret > 0 && !strcmp(state, "attached")))
            return ret < 0 ? ret : 0;
        if (ret == 0) /* overwritten by another toolstack's */
            return lost(at);
        if (!plugin_wait(deadline))
            return not_taken(at);
    }
}

static void view_clear(struct plugin_view *view)
{
    xpci_guest_devices_clear(&view->records);
    xpci_monitor_devices_clear(&view->bus);
}

#define _cleanup_view_ _cleanup_(view_clear)

static int view(struct plugin *p, const struct xpci_domain *dom,
                struct plugin_view *out, struct xpci_error *err)
{
    xpci_try(plugin_records(p, false, &out->records, err));
    return dom->type == XPCI_DOMAIN_HVM
               ? plugin_slots(p, dom->id, &out->bus, err)
               : 0;
}

static int check(const struct plugin_job *at, const struct plugin_job *first)
{
    static int (*const checks[])(const struct plugin_job *) = {
        check_request,
        check_owner,
        plugin_check_pciback,
        check_slot,
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(checks); i++)
        xpci_try(checks[i](at));
    for (; first < at; first++) {
        if (!strcmp(first->id, at->id))
            return xpci_error_usage(at->err, "%s and %s are one to libxl",
                                    first->bdf, at->bdf);
        if (at->request->vslot && first->request->ret == -ECANCELED &&
            first->request->vslot == at->request->vslot)
            return xpci_error_usage(at->err,
                                    "slot %x is asked for %s and for %s",
                                    at->request->vslot, first->bdf, at->bdf);
    }
    return -ECANCELED; /* not tried yet */
}

static int check_model(struct plugin_job *jobs, size_t n, uint32_t domid,
                       struct xpci_error *err)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
    int ret = plugin_slots(jobs->p, domid, &bus, NULL);

    xpci_need(ret != -ENOMEM, err);
    if (ret < 0) { /* it hangs, or has ended */
        if (ret == -ETIMEDOUT)
            jobs->request->unasked = domid;
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct plugin_job *at = &jobs[i];
        char id[XPCI_MONITOR_ID_SIZE];

        if (at->request->ret == -ECANCELED && xpci_monitor_find(&bus, at->id) &&
            !xpci_list_find(
                &at->view->records, dev, /* of another segment */
                dev->domid == domid &&
                    !strcmp(xpci_monitor_id(&dev->bdf, id), at->id)))
            at->request->ret = xpci_error_refuse(
                at->err,
                "the device model of domain %u still has %s, though xenstore "
                "does not know; see 'xpci reconcile'",
                domid, at->bdf);
    }
    return 0;
}

/*
 * What was taken from a guest by force ("xl pci-detach -f"), or is left of an
 * attach that failed, is on that guest's bus yet, and its memory mapped. 1 if
 * any was asked: that may have taken long.
 */
static int check_models(struct plugin_job *jobs, size_t n,
                        struct xpci_error *err)
{
    int guests = 0, asked = 0, ret = 0;
    libxl_dominfo *list;

    plugin_log_reset(jobs->p);
    list = libxl_list_domain(jobs->p->ctx, &guests);
    if (!list)
        return plugin_error(jobs->p, ERROR_FAIL, err, "cannot list the guests");
    for (int i = 0; i < guests && ret == 0; i++) {
        if (!list[i].domid || list[i].domid == jobs->dom->id || list[i].dying ||
            list[i].domain_type != LIBXL_DOMAIN_TYPE_HVM)
            continue;
        ret = check_model(jobs, n, list[i].domid, err);
        asked = 1;
    }
    libxl_dominfo_list_free(list, guests);
    return ret < 0 ? ret : asked;
}

static int read_back(const struct plugin_job *jobs, size_t n,
                     struct plugin_view *now, struct xpci_error *err)
{
    const struct plugin_job *at = jobs;
    bool hvm = at->dom->type == XPCI_DOMAIN_HVM, given = false;
    int64_t deadline = xpci_now_ms() + PV_WAIT_MS;

    xpci_guest_devices_clear(&now->records);
    xpci_try(plugin_records(at->p, true, &now->records, err));
    for (size_t i = 0; i < n; i++) {
        at = &jobs[i];
        if (at->request->ret == 0)
            at->request->ret = hvm ? read_back_hvm(at) : wait_pv(at, deadline);
        given |= at->request->ret == 0;
    }
    at->request->unheard = hvm && given && plugin_unheard(at->p, at->dom->id);
    return 0;
}

int plugin_attach(void *ctx, const struct xpci_domain *dom,
                  struct xpci_attach_request *reqs, size_t n, unsigned int how,
                  struct xpci_error *err)
{
    _cleanup_view_ struct plugin_view now = { 0 };
    _cleanup_free_ struct plugin_job *jobs = calloc(n, sizeof(*jobs));
    int asked;

    xpci_need(jobs, err);
    xpci_try(view(ctx, dom, &now, err));
    for (size_t i = 0; i < n; i++) {
        jobs[i] = plugin_job(ctx, dom, &reqs[i].bdf, &reqs[i].err);
        jobs[i].request = &reqs[i];
        jobs[i].view = &now;
        reqs[i].ret = check(&jobs[i], jobs);
    }
    xpci_try(asked = check_models(jobs, n, err));
    add(jobs, n, how, asked);
    if (!(how & XPCI_ATTACH_CHECK))
        xpci_try(read_back(jobs, n, &now, err));
    for (size_t i = 0; i < n && !(how & XPCI_ATTACH_KEEP_GOING); i++) {
        if (reqs[i].ret == 0 || reqs[i].ret == -ECANCELED)
            continue;
        *err = xpci_steal(reqs[i].err);
        return reqs[i].ret;
    }
    return 0;
}
