/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "plugin.h"

typedef int removal(libxl_ctx *, uint32_t, libxl_device_pci *,
                    const libxl_asyncop_how *);

static int call(const struct plugin_job *job, removal *how)
{
    _cleanup_pci_ libxl_device_pci pci;

    plugin_fill_pci(&pci, job->device);
    plugin_log_reset(job->p);
    return how(job->p->ctx, job->dom->id, &pci, NULL);
}

/* What libxl did here, it would do to that guest. */
static int check_own(const struct plugin_job *job)
{
    int ret = plugin_given_to_other(job, job->dom->id);

    return ret > 0 ? xpci_error_refuse(
                         job->err,
                         "another toolstack has given %s to a guest before "
                         "'%s' let go of it; see 'xpci reconcile'",
                         job->bdf, job->dom->name)
                   : ret;
}

int plugin_take_back(const struct plugin_job *job)
{
    int rc;

    xpci_try(check_own(job));
    rc = call(job, libxl_device_pci_destroy);
    return rc ? plugin_error(job->p, rc, job->err,
                             "libxl cannot take %s back from '%s'", job->bdf,
                             job->dom->name)
              : 0;
}

int plugin_in_model(const struct plugin_job *job)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
    int ret = plugin_slots(job->p, job->dom->id, &bus, job->err);

    return ret < 0 ? ret : xpci_monitor_find(&bus, job->id) != NULL;
}

/*
 * Not libxl_device_pci_remove(): it looks once a second, and always gives up
 * after 10 s; if the guest ejects later, its records stay and no second
 * remove succeeds.
 */
int plugin_eject(const struct plugin_job *job, int64_t deadline)
{
    _cleanup_free_ char *answer = NULL;
    char command[64];
    int ret;

    snprintf(command, sizeof(command), "device_del %s", job->id);
    /*
     * The answer is not looked at: "already in the process of unplug" is the
     * request of an earlier detach, which the guest may answer as well.
     */
    xpci_try(plugin_monitor(job->p, job->dom->id, command, &answer, job->err));
    do
        ret = plugin_in_model(job);
    while (ret > 0 && plugin_wait(deadline));
    return ret;
}

static int detach_hvm(const struct plugin_job *de, int64_t deadline)
{
    int ret = check_own(de);

    if (ret == 0)
        ret = plugin_eject(de, deadline);
    /* Only _destroy goes on when the device model no longer has it. */
    return ret == 0 ? plugin_take_back(de) : ret;
}

static int remove_pv(const struct plugin_job *de)
{
    int rc;

    xpci_try(check_own(de));
    rc = call(de, libxl_device_pci_remove);
    return rc ? plugin_error(de->p, rc, de->err, "cannot detach %s from '%s'",
                             de->bdf, de->dom->name)
              : 0;
}

/*
 * libxl_device_pci_remove() revokes the device first, then asks the guest to
 * let go, for 10 s, and reports success even if it did not. Hence only with a
 * guest that answers. If the guest was late its record is dropped here: asked
 * for a device that it no longer has, xen-pciback never answers
 * (xen_pcibk_reconfigure()).
 */
static int wait_answering(const struct plugin_job *de, int64_t deadline)
{
    while (plugin_stands_still(de->p, de->dom->id)) {
        if (!plugin_wait(deadline))
            return 1;
    }
    return plugin_wait_connected(de->p, de->dom->id, deadline, de->err);
}

/* Somebody else may be about to remove the record of what was let go. */
static int drop_late(const struct plugin_job *de)
{
    int64_t settled = xpci_now_ms() + PLUGIN_SETTLE_MS;
    const char *state;
    int ret;

    do
        ret = plugin_recorded(de, &state);
    while (ret > 0 && plugin_wait(settled));
    return ret > 0 ? plugin_let_go(de) : ret;
}

/* libxl takes it back in Xen, and leaves the record, for nobody answers. */
int plugin_withdraw(const struct plugin_job *job)
{
    xpci_try(plugin_take_back(job));
    return plugin_let_go(job);
}

static int try_pv(const struct plugin_job *de, int64_t deadline)
{
    const char *state;
    int ret = plugin_untouched(de);

    if (ret > 0)
        return plugin_withdraw(de);
    if (ret == 0)
        ret = wait_answering(de, deadline);
    if (ret != 0)
        return ret;
    xpci_try(plugin_check_late(de));
    ret = plugin_recorded(de, &state);
    if (ret > 0)
        ret = strcmp(state, "detached") ? remove_pv(de) : drop_late(de);
    return ret < 0 ? ret : plugin_recorded(de, &state);
}

/*
 * With a guest that ends its records go. Who starts it anew may have read its
 * configuration before, with the device (xl does, in handle_domain_death()).
 */
static int check_alive(const struct plugin_job *de)
{
    enum xpci_domain_type type;
    bool found;

    xpci_try(plugin_domain_type(de->p, de->dom->id, &found, &type, de->err));
    return found ? 0
                 : xpci_error_set(de->err, ENOENT,
                                  "'%s' has ended meanwhile; if it is started "
                                  "anew it may have %s again",
                                  de->dom->name, de->bdf);
}

static int detach_pv(const struct plugin_job *de, int64_t deadline)
{
    int ret = 1;

    for (int tries = 0; tries < 2 && ret == 1; tries++)
        ret = try_pv(de, deadline);
    return ret == 0 ? check_alive(de) : ret;
}

/* In its records, or left in its device model by an attach that failed. */
static int check_present(const struct plugin_job *de)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    bool maybe_in_model = de->dom->type == XPCI_DOMAIN_HVM;
    const struct xpci_guest_device *owner = NULL;
    char id[XPCI_MONITOR_ID_SIZE];
    int ret;

    xpci_try(plugin_records(de->p, false, &records, de->err));
    for (size_t i = 0; i < records.n; i++) {
        const struct xpci_guest_device *dev = &records.v[i];
        bool same = !xpci_bdf_cmp(&dev->bdf, de->device);
        bool here = dev->domid == de->dom->id;

        if (same && here)
            return 0;
        if (same && !owner && strcmp(dev->state, "stale"))
            owner = dev;
        if (here && !strcmp(xpci_monitor_id(&dev->bdf, id), de->id))
            maybe_in_model = false; /* its address in another segment */
    }
    ret = maybe_in_model ? plugin_in_model(de) : 0;
    if (ret < 0 || (ret > 0 && !owner))
        return ret < 0 ? ret : 0;
    if (ret > 0)
        return xpci_error_refuse(de->err,
                                 "the device model of '%s' has %s, which has "
                                 "been given to '%s' since; destroy '%s'",
                                 de->dom->name, de->bdf, owner->domain,
                                 de->dom->name);
    if (owner)
        return xpci_error_set(de->err, ENOENT,
                              "%s is not attached to '%s' (domain %u) but to "
                              "'%s' (domain %u)",
                              de->bdf, de->dom->name, de->dom->id,
                              owner->domain, owner->domid);
    return xpci_error_set(de->err, ENOENT, "%s is not attached to '%s'",
                          de->bdf, de->dom->name);
}

static int read_back(const struct plugin_job *de)
{
    const char *state;
    int ret = plugin_recorded(de, &state);

    if (ret == 0 && de->dom->type == XPCI_DOMAIN_HVM)
        ret = plugin_in_model(de);
    if (ret > 0)
        return xpci_error_set(de->err, EIO,
                              "libxl reports %s as detached, but '%s' still "
                              "has it",
                              de->bdf, de->dom->name);
    xpci_try(ret);
    xpci_try(ret = plugin_assigned(de->p, 0, de->device, de->err));
    if (ret > 0) /* libxl only logs that Xen has refused */
        return xpci_error_set(de->err, EIO,
                              "%s has left '%s', but Xen still gives it to a "
                              "guest; 'xpci list %s' tells who has it",
                              de->bdf, de->dom->name, de->bdf);
    ret = plugin_check_pciback(de);
    return ret < 0 ? xpci_error_wrap(de->err, "%s was detached from '%s'",
                                     de->bdf, de->dom->name)
                   : 0;
}

static int timed_out(const struct plugin_job *de)
{
    bool hvm = de->dom->type == XPCI_DOMAIN_HVM;

    return xpci_error_set(
        de->err, ETIMEDOUT,
        "'%s' did not let go of %s: its %s; run the detach "
        "again once the guest is up, or destroy the guest",
        de->dom->name, de->bdf,
        hvm ? "operating system has not answered the eject "
              "request, which stays pending"
            : "xen-pcifront does not answer, or it is paused");
}

/* Would it be done? What a PV guest has let go of needs no libxl. */
static int look(const struct plugin_job *de)
{
    const char *state = NULL;

    if (de->dom->type == XPCI_DOMAIN_PV)
        xpci_try(plugin_recorded(de, &state));
    return state && !strcmp(state, "detached") ? 0 : check_own(de);
}

int plugin_detach(void *ctx, const struct xpci_domain *dom,
                  const struct xpci_bdf *bdf, unsigned int timeout,
                  struct xpci_error *err)
{
    struct plugin_job de = plugin_job(ctx, dom, bdf, err);
    int64_t deadline = xpci_now_ms() + (int64_t)timeout * 1000;
    int ret;

    /* who detaches waits for it, in call after call */
    de.p->mute = 0;
    xpci_try(check_present(&de));
    if (timeout == 0)
        return look(&de);
    ret = dom->type == XPCI_DOMAIN_HVM ? detach_hvm(&de, deadline)
                                       : detach_pv(&de, deadline);
    if (ret > 0)
        return timed_out(&de);
    return ret < 0 ? ret : read_back(&de);
}
