/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "attachment.h"
#include "lock.h"

static int open_config(struct xpci_call *call, struct xpci_attachment *a,
                       struct xpci_error *err)
{
    _cleanup_free_ char *file = NULL;
    int ret;

    if (!call->opt[OPT_PERSIST])
        return 0;
    ret = xpci_guest_config_find(call, a->domain.name, &file, err);
    if (ret < 0)
        return ret;
    return xpci_guest_config_open(call->root, file, &a->config, err);
}

int xpci_attachment_check(const struct xpci_call *call, struct xpci_error *err)
{
    if (call->opt[OPT_FILE] && !call->opt[OPT_PERSIST])
        return xpci_error_usage(err, "--file says where --persist writes; it "
                                     "is nothing without it");
    return 0;
}

int xpci_attachment_open(struct xpci_call *call, struct xpci_attachment *a,
                         struct xpci_error *err)
{
    int ret = 0;

    a->lock = -1;
    if (!call->opt[OPT_DRY_RUN])
        ret = xpci_lock(call->root, &call->log, &a->lock, err);
    if (ret == 0)
        ret = xpci_toolstack_open(call->root, &a->ts, err);
    if (ret == 0)
        ret = a->ts->ops->domain(a->ts->ctx, call->argv[0], &a->domain, err);
    if (ret == 0)
        ret = xpci_inventory_load(call->root, &a->inv, err);
    if (ret == 0)
        ret = a->ts->ops->devices(a->ts->ctx, &a->guests, err);
    if (ret == 0)
        ret = open_config(call, a, err);
    return ret;
}

void xpci_attachment_close(struct xpci_attachment *a)
{
    xpci_domain_clear(&a->domain);
    xpci_toolstack_close(a->ts);
    xpci_inventory_clear(&a->inv);
    xpci_guest_devices_clear(&a->guests);
    xpci_guest_config_close(&a->config);
    if (a->lock >= 0)
        close(a->lock);
}

int xpci_attachment_save(const struct xpci_call *call,
                         struct xpci_attachment *a, struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    int ret;

    if (!a->config.path)
        return 0;
    ret = xpci_guest_config_put(&a->config, &set, err);
    return ret < 0 ? ret : xpci_changes_commit(&set, call->root, err);
}

int xpci_attachment_diff(const struct xpci_call *call,
                         struct xpci_attachment *a, struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_buf_ struct xpci_buf diff = { 0 };
    int ret;

    if (!a->config.path)
        return 0;
    ret = xpci_guest_config_put(&a->config, &set, err);
    if (ret == 0)
        ret = xpci_changes_diff(&set, call->root, &diff, err);
    if (ret == 0 && diff.len)
        fputs(diff.data, stdout);
    return ret;
}
