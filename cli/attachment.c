/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "attachment.h"

int xpci_attachment_check(const struct xpci_call *call, struct xpci_error *err)
{
    int ret = 0;

    for (int i = 1; ret == 0 && i < call->argc; i++)
        ret = xpci_device_check_name(call->argv[i], err);
    if (ret == 0 && call->opt[OPT_FILE] && !call->opt[OPT_PERSIST])
        ret = xpci_error_usage(err, "--file says where --persist writes; it "
                                    "is nothing without it");
    return ret;
}

int xpci_attachment_open(struct xpci_call *call,
                         struct xpci_guest_config *config,
                         struct xpci_error *err)
{
    _cleanup_free_ char *file = NULL;
    int ret = xpci_host_lock(call, err);

    if (ret == 0)
        ret = xpci_host_xen(call, err);
    if (ret == 0)
        ret = xpci_host_inventory(call, err);
    if (ret < 0 || !call->opt[OPT_PERSIST])
        return ret;
    ret = xpci_guest_config_find(call, call->domain.name, &file, err);
    return ret < 0 ? ret
                   : xpci_guest_config_open(call->root, file, config, err);
}

int xpci_attachment_save(const struct xpci_call *call,
                         struct xpci_guest_config *config,
                         struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    int ret;

    if (!config->path)
        return 0;
    ret = xpci_guest_config_put(config, &set, err);
    return ret < 0 ? ret : xpci_host_change(call, &set, err);
}
