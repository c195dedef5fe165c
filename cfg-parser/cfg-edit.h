/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of lists in a configuration, in the style that is there. Each one
 * appends the whole new text to @out and leaves the tree as it is; the rules
 * are in docs/design/cfg-grammar.md. For the files of cfg-parser only.
 *
 * Comments and every byte that is not named below stay. Dropping what was
 * just added gives the old text back.
 */
#ifndef XPCI_CFG_EDIT_H
#define XPCI_CFG_EDIT_H

#include "tree.h"

/* Appends "key = ['text']" as the last line. @item is a quoted string. */
int xpci_cfg_edit_new_list(const struct xpci_cfg *cfg, const char *key,
                           const char *item, struct xpci_buf *out,
                           struct xpci_error *err) _must_check_;

/* Adds @item, a quoted string, at the end of list @stmt. */
int xpci_cfg_edit_add(const struct xpci_cfg *cfg,
                      const struct xpci_cfg_stmt *stmt, const char *item,
                      struct xpci_buf *out,
                      struct xpci_error *err) _must_check_;

/* Puts @item, a quoted string, in the place of token @tok. */
int xpci_cfg_edit_replace(const struct xpci_cfg *cfg, size_t tok,
                          const char *item, struct xpci_buf *out,
                          struct xpci_error *err) _must_check_;

/*
 * Drops item @k of list @stmt with the comma and the blanks that belong to
 * it; of a list as made by xpci_cfg_edit_new_list() the last item takes the
 * line along.
 */
int xpci_cfg_edit_drop(const struct xpci_cfg *cfg,
                       const struct xpci_cfg_stmt *stmt, size_t k,
                       struct xpci_buf *out,
                       struct xpci_error *err) _must_check_;

#endif
