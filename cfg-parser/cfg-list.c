/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cfg-edit.h"
#include "cfg-list.h"

int xpci_cfg_list_add(struct xpci_cfg **cfg, const char *key, const char *value,
                      struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };

    xpci_try(xpci_cfg_list(*cfg, key, &items, err));
    return xpci_cfg_edit(*cfg, key, items.n, value, err);
}

int xpci_cfg_list_drop(struct xpci_cfg **cfg, const char *key,
                       const char *value, struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    size_t dropped = 0;

    xpci_try(xpci_cfg_list(*cfg, key, &items, err));
    for (size_t i = 0; i < items.n; i++) {
        if (!strcmp(items.v[i].value, value))
            xpci_try(xpci_cfg_edit(*cfg, key, i - dropped++, NULL, err));
    }
    return 0;
}

int xpci_cfg_only_keys(const struct xpci_cfg *cfg, const char *const *keys,
                       struct xpci_error *err)
{
    for (size_t i = 0; i < cfg->stmts.n; i++) {
        size_t tok = cfg->stmts.v[i].key;
        const char *const *key = keys;

        while (*key && !xpci_cfg_is_key(cfg, &cfg->stmts.v[i], *key))
            key++;
        if (!*key)
            return xpci_cfg_error(err, cfg, tok, "'%.*s' is no setting of xpci",
                                  XPCI_CFG_TEXT(cfg, tok));
        if (i < xpci_cfg_chain(cfg, *key))
            return xpci_cfg_error(err, cfg, tok,
                                  "this '%s' does not count, as another one "
                                  "follows; make one of them",
                                  *key);
    }
    return 0;
}
