/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cfg-edit.h"
#include "cfg-list.h"

int xpci_cfg_list_add(struct xpci_cfg **cfg, const char *key, const char *value,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 }, item = { 0 };
    size_t last = (*cfg)->n;
    int ret;

    for (size_t i = xpci_cfg_chain(*cfg, key); i < (*cfg)->n; i++) {
        if (xpci_cfg_is_key(*cfg, &(*cfg)->stmts[i], key))
            last = i;
    }
    if (xpci_buf_printf(&item, "'%s'", value) < 0)
        return xpci_error_oom(err);
    ret = last == (*cfg)->n
              ? xpci_cfg_edit_new_list(*cfg, key, item.data, &text, err)
              : xpci_cfg_edit_add(*cfg, &(*cfg)->stmts[last], item.data, &text,
                                  err);
    return ret < 0 ? ret : xpci_cfg_adopt(cfg, &text, err);
}

/* Drops the first item that is @value. Returns 1, 0 if there is none. */
static int drop_first(struct xpci_cfg **cfg, const char *key, const char *value,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    const struct xpci_cfg *c = *cfg;

    for (size_t i = xpci_cfg_chain(c, key); i < c->n; i++) {
        const struct xpci_cfg_stmt *stmt = &c->stmts[i];

        for (size_t k = 0; xpci_cfg_is_key(c, stmt, key) && k < stmt->n; k++) {
            _cleanup_free_ char *item = xpci_cfg_atom(c, stmt->items[k].first);
            int ret;

            if (!item)
                return xpci_error_oom(err);
            if (strcmp(item, value))
                continue;
            ret = xpci_cfg_edit_drop(c, stmt, k, &text, err);
            if (ret == 0)
                ret = xpci_cfg_adopt(cfg, &text, err);
            return ret < 0 ? ret : 1;
        }
    }
    return 0;
}

int xpci_cfg_list_drop(struct xpci_cfg **cfg, const char *key,
                       const char *value, struct xpci_error *err)
{
    int ret;

    do
        ret = drop_first(cfg, key, value, err);
    while (ret > 0);
    return ret;
}

int xpci_cfg_only_key(const struct xpci_cfg *cfg, const char *key,
                      struct xpci_error *err)
{
    for (size_t i = 0; i < cfg->n; i++) {
        const struct xpci_tok *tok = &cfg->toks.v[cfg->stmts[i].key];

        if (!xpci_cfg_is_key(cfg, &cfg->stmts[i], key))
            return xpci_lex_error(err, cfg->name, tok,
                                  "'%.*s' is no setting of xpci, which knows "
                                  "'%s'",
                                  (int)tok->len, cfg->text.data + tok->off,
                                  key);
    }
    return 0;
}
