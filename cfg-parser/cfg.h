/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lossless tree over xl's configuration grammar (libxlu_cfg_l.l,
 * libxlu_cfg_y.y): every byte of the file belongs to exactly one token, and
 * the tokens in order give the file back. Edits replace, add or drop tokens
 * (cfg-pci.h) and touch no other byte.
 *
 *     struct xpci_cfg *cfg = NULL;
 *     r = xpci_cfg_parse(data, len, "/etc/xen/winxp.cfg", &cfg, err);
 *     ... xpci_cfg_list(cfg, "hide", &list, err);
 *     xpci_cfg_free(cfg);
 *
 * What xl rejects (CRLF, an unterminated string) is rejected here with
 * "FILE:LINE:COLUMN: reason", never guessed, but for the files of xm, which
 * are Python: those that only assign plain values are read (xm.h).
 */
#pragma once

#include <stddef.h>

#include "buf.h"
#include "error.h"

struct xpci_cfg;

/* Copies @data. @name is the file's name for messages. */
int xpci_cfg_parse(const char *data, size_t len, const char *name,
                   struct xpci_cfg **out, struct xpci_error *err) _must_check_;
void xpci_cfg_free(struct xpci_cfg *cfg);

/*
 * NULL if xl reads the file; else only xm could, and this is what xl would
 * say, with the place.
 */
const char *xpci_cfg_xl_error(const struct xpci_cfg *cfg);

/* Appends the file as it stands after the edits so far. */
int xpci_cfg_print(const struct xpci_cfg *cfg,
                   struct xpci_buf *out) _must_check_;

/* A string in a list: its value (escapes undone) and where it stands. */
struct xpci_cfg_item {
    char *value;
    unsigned int line, column; /* from 1, of the opening quote */
    size_t tok;                /* for cfg-parser */
};

struct xpci_cfg_items {
    struct xpci_cfg_item *v;
    size_t n;
};

/*
 * The strings of list @key as xl sees them: the last "=" and every "+="
 * behind it. A key that is not there has none. A value that is not a list,
 * or an item that is not a string: -EINVAL with the place.
 */
int xpci_cfg_list(const struct xpci_cfg *cfg, const char *key,
                  struct xpci_cfg_items *out,
                  struct xpci_error *err) _must_check_;
void xpci_cfg_items_clear(struct xpci_cfg_items *items);

/*
 * The string value of @key, last assignment wins; *out is NULL if the key is
 * not there. A number is returned as its text. A list: -EINVAL.
 */
int xpci_cfg_string(const struct xpci_cfg *cfg, const char *key, char **out,
                    struct xpci_error *err) _must_check_;

#define _cleanup_cfg_ _cleanup_(xpci_cfg_free_ptr)
#define _cleanup_cfg_items_ _cleanup_(xpci_cfg_items_clear)
XPCI_CLEANUP_PTR(struct xpci_cfg *, xpci_cfg_free)
