/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest-config.h"

int xpci_cfg_check_files(struct xpci_call *call, struct xpci_error *err)
{
    int ret = 0;

    if (call->argc < 2)
        return xpci_error_usage(err, "no file named; it is 'xpci cfg check "
                                     "FILE...'");
    for (int i = 1; ret == 0 && i < call->argc; i++) {
        _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

        ret = xpci_guest_config_load(call->root, call->argv[i], &cfg, err);
        if (ret == 0)
            ret = xpci_cfg_pci_list(cfg, &list, err);
    }
    return ret;
}
