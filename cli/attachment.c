/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "attachment.h"
#include "bind.h"

/* A file that cannot be read is no reason to leave a guest without its card. */
static void load_conf(struct xpci_call *call)
{
    _cleanup_error_ struct xpci_error err = { 0 };

    if (xpci_hide_conf_load(call->root, &call->inv, &call->conf, &err) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "%s; no device is taken for a permissive one",
                 xpci_error_text(&err));
}

bool xpci_attachment_permissive(const struct xpci_call *call,
                                const struct xpci_bdf *bdf)
{
    const struct xpci_hidden *h = xpci_hide_conf_find(&call->conf, bdf);

    return h && h->permissive;
}

/* xl takes no lock, and pciback would give it away from under a guest. */
static int check_unused(const struct xpci_call *call,
                        const struct xpci_device *dev, struct xpci_error *err)
{
    _cleanup_guest_devices_ struct xpci_guest_devices now = { 0 };
    const struct xpci_guest_device *user;

    xpci_try(call->ts->ops->devices(call->ts->ctx, false, &now, err));
    user = xpci_list_find(&now, u,
                          !xpci_bdf_cmp(&u->bdf, &dev->bdf) &&
                              strcmp(u->state, "stale"));
    return user ? xpci_error_set(err, EBUSY, "'%s' has been given it meanwhile",
                                 user->domain)
                : 0;
}

int xpci_attachment_renew(const struct xpci_call *call,
                          const struct xpci_device *dev, bool kept,
                          struct xpci_error *err)
{
    bool permissive = xpci_attachment_permissive(call, &dev->bdf);
    int ret = xpci_pciback_permissive(call->root, dev, err);

    xpci_try(ret);
    if (kept || (ret && !permissive)) {
        xpci_try(check_unused(call, dev, err));
        xpci_try(xpci_pciback_renew(call->root, &call->log, dev, err));
        ret = 0;
    }
    return permissive && !ret ? xpci_pciback_permit(call->root, dev, err) : 0;
}

/* Wrong calls that need no Xen to be found. */
static int check(const struct xpci_call *call, struct xpci_error *err)
{
    for (int i = 1; i < call->argc; i++)
        xpci_try(xpci_device_check_name(call->argv[i], err));
    if (call->opt[OPT_FILE] && !call->opt[OPT_PERSIST])
        return xpci_error_usage(err, "--file says where --persist writes; it "
                                     "is nothing without it");
    return 0;
}

int xpci_attachment_open(struct xpci_call *call, struct xpci_error *err)
{
    xpci_try(check(call, err));
    xpci_try(xpci_host_lock(call, err));
    xpci_try(xpci_host_xen(call, false, err));
    call->inv.brief = true;
    xpci_try(xpci_host_inventory(call, err));
    load_conf(call);
    return call->opt[OPT_PERSIST]
               ? xpci_guest_config_find(call, call->domain.name, &call->file,
                                        err)
               : 0;
}

int xpci_attachment_edit(const struct xpci_call *call, xpci_attachment_fn *edit,
                         const void *data, bool save, struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    _cleanup_changes_ struct xpci_changes set = { 0 };

    if (!call->file)
        return 0;
    xpci_try(xpci_guest_config_open(call->root, call->file, &config, err));
    xpci_try(edit(data, config.cfg, err));
    if (!save)
        return 0;
    xpci_try(xpci_guest_config_put(&config, &set, err));
    return xpci_host_change(call, &set, err);
}
