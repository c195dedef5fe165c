/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "plugin.h"

/* One detach, passed through its steps. */
struct detach {
    struct plugin *p;
    const struct xpci_domain *dom;
    const struct xpci_bdf *device;
    unsigned int timeout;
    int64_t deadline;
    char bdf[XPCI_BDF_SIZE];
    char id[XPCI_MONITOR_ID_SIZE];
    struct xpci_error *err;
};

int plugin_destroy(struct plugin *p, uint32_t domid, const struct xpci_bdf *bdf)
{
    _cleanup_pci_ libxl_device_pci pci;

    plugin_fill_pci(&pci, bdf);
    plugin_log_reset(p);
    return libxl_device_pci_destroy(p->ctx, domid, &pci, NULL);
}

/* Is the device in the device model? 0, 1 or -errno. */
static int in_model(struct plugin *p, uint32_t domid, const char *id,
                    struct xpci_error *err)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
    int ret = plugin_slots(p, domid, &bus, err);

    return ret < 0 ? ret : xpci_monitor_find(&bus, id) != NULL;
}

/*
 * Not libxl_device_pci_remove(): it looks once a second, and always gives up
 * after 10 s; if the guest ejects later, its records stay and no second
 * remove succeeds.
 */
int plugin_eject(struct plugin *p, uint32_t domid, const struct xpci_bdf *bdf,
                 int64_t deadline, struct xpci_error *err)
{
    char id[XPCI_MONITOR_ID_SIZE], command[64];
    _cleanup_free_ char *answer = NULL;
    int ret;

    snprintf(command, sizeof(command), "device_del %s",
             xpci_monitor_id(bdf, id));
    /*
     * The answer is not looked at: "already in the process of unplug" is the
     * request of an earlier detach, which the guest may answer as well.
     */
    ret = plugin_monitor(p, domid, command, &answer, err);
    if (ret < 0)
        return ret;
    while ((ret = in_model(p, domid, id, err)) > 0) {
        if (plugin_now_ms() >= deadline)
            return 1;
        plugin_poll_sleep();
    }
    return ret;
}

static int timed_out_hvm(struct detach *de)
{
    return xpci_error_set(de->err, ETIMEDOUT,
                          "'%s' did not let go of %s within %u s: its "
                          "operating system has not answered the eject "
                          "request, which stays pending; run the detach again "
                          "once the guest is up",
                          de->dom->name, de->bdf, de->timeout);
}

static int detach_hvm(struct detach *de)
{
    int rc, ret = plugin_eject(de->p, de->dom->id, de->device, de->deadline,
                               de->err);

    if (ret != 0)
        return ret < 0 ? ret : timed_out_hvm(de);
    /* Only _destroy goes on when the device model no longer has it. */
    rc = plugin_destroy(de->p, de->dom->id, de->device);
    if (rc)
        return plugin_error(de->p, rc, de->err,
                            "%s has left '%s', but libxl cannot take it back",
                            de->bdf, de->dom->name);
    return 0;
}

/* Is the device among the records of this guest? 0, 1 or -errno. */
static int recorded(struct detach *de)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    int ret = plugin_records(de->p, &records, de->err);

    if (ret < 0)
        return ret;
    return plugin_record_find(&records, de->dom->id, de->device) != NULL;
}

static int timed_out_pv(struct detach *de)
{
    return xpci_error_set(de->err, ETIMEDOUT,
                          "'%s' did not let go of %s within %u s: its "
                          "xen-pcifront does not answer; run the detach again "
                          "once the guest is up",
                          de->dom->name, de->bdf, de->timeout);
}

static int remove_pv(struct detach *de)
{
    _cleanup_pci_ libxl_device_pci pci;
    int rc;

    plugin_fill_pci(&pci, de->device);
    plugin_log_reset(de->p);
    rc = libxl_device_pci_remove(de->p->ctx, de->dom->id, &pci, NULL);
    return rc ? plugin_error(de->p, rc, de->err, "cannot detach %s from '%s'",
                             de->bdf, de->dom->name)
              : 0;
}

/*
 * libxl_device_pci_remove() revokes the device first, then asks the guest to
 * let go, for 10 s, and reports success even if it did not. Hence only with a
 * guest that answers, and again if its records tell that the guest was late.
 */
static int detach_pv(struct detach *de)
{
    int tries, ret = 1;

    for (tries = 0; tries < 2 && ret == 1; tries++) {
        ret = plugin_wait_connected(de->p, de->dom->id, de->deadline, de->err);
        if (ret == 0)
            ret = remove_pv(de);
        if (ret == 0)
            ret = recorded(de);
    }
    return ret == 1 ? timed_out_pv(de) : ret;
}

/* In its records, or left in its device model by an attach that failed. */
static int check_present(struct detach *de)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    char id[XPCI_MONITOR_ID_SIZE];
    bool id_is_others = false;
    size_t i;
    int ret = plugin_records(de->p, &records, de->err);

    if (ret < 0)
        return ret;
    if (plugin_record_find(&records, de->dom->id, de->device))
        return 0;
    for (i = 0; i < records.n; i++) /* same address in another segment */
        id_is_others |= records.v[i].domid == de->dom->id &&
                        !strcmp(xpci_monitor_id(&records.v[i].bdf, id), de->id);
    if (de->dom->type == XPCI_DOMAIN_HVM && !id_is_others) {
        ret = in_model(de->p, de->dom->id, de->id, de->err);
        if (ret != 0)
            return ret < 0 ? ret : 0;
    }
    for (i = 0; i < records.n; i++) {
        if (!xpci_bdf_cmp(&records.v[i].bdf, de->device))
            return xpci_error_set(de->err, ENOENT,
                                  "%s is not attached to '%s' but to '%s'",
                                  de->bdf, de->dom->name, records.v[i].domain);
    }
    return xpci_error_set(de->err, ENOENT, "%s is not attached to '%s'",
                          de->bdf, de->dom->name);
}

static int read_back(struct detach *de)
{
    int ret = recorded(de);

    if (ret == 0 && de->dom->type == XPCI_DOMAIN_HVM)
        ret = in_model(de->p, de->dom->id, de->id, de->err);
    if (ret > 0)
        return xpci_error_set(de->err, EIO,
                              "libxl reports %s as detached, but '%s' still "
                              "has it",
                              de->bdf, de->dom->name);
    if (ret < 0)
        return ret;
    ret = plugin_check_pciback(de->p, de->device, de->err);
    if (ret < 0)
        return xpci_error_wrap(de->err, "%s was detached from '%s'", de->bdf,
                               de->dom->name);
    return 0;
}

int plugin_detach(void *ctx, const struct xpci_domain *dom,
                  const struct xpci_bdf *bdf, unsigned int timeout,
                  struct xpci_error *err)
{
    struct detach de = {
        .p = ctx,
        .dom = dom,
        .device = bdf,
        .timeout = timeout,
        .deadline = plugin_now_ms() + (int64_t)timeout * 1000,
        .err = err,
    };
    int ret;

    xpci_bdf_format(bdf, de.bdf);
    xpci_monitor_id(bdf, de.id);
    ret = check_present(&de);
    if (ret == 0)
        ret = dom->type == XPCI_DOMAIN_HVM ? detach_hvm(&de) : detach_pv(&de);
    if (ret == 0)
        ret = read_back(&de);
    return ret;
}
