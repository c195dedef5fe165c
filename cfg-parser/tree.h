/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree behind struct xpci_cfg, for the files of cfg-parser only.
 *
 * Statements hold indexes of tokens, tokens hold offsets into the text. An
 * edit makes a new text (cfg-edit.h) and parses it: indexes never outlive one.
 */
#pragma once

#include <stdbool.h>

#include "cfg.h"
#include "lex.h"

struct xpci_cfg_stmt {
    uint32_t key;         /* token */
    uint32_t first, last; /* of the value; of a list: "[" and "]" */
    bool append;          /* "+=" */
    bool is_list;
};

struct xpci_cfg {
    char *name;
    struct xpci_buf text;
    struct xpci_toks toks;
    struct {
        struct xpci_cfg_stmt *v;
        size_t n;
    } stmts;
    char *xl_error; /* NULL: xl reads it */
};

static inline enum xpci_tok_type xpci_cfg_type(const struct xpci_cfg *cfg,
                                               size_t tok)
{
    return cfg->toks.v[tok].type;
}

static inline size_t xpci_cfg_start(const struct xpci_cfg *cfg, size_t tok)
{
    return cfg->toks.v[tok].off;
}

static inline size_t xpci_cfg_end(const struct xpci_cfg *cfg, size_t tok)
{
    return cfg->toks.v[tok + (tok + 1 < cfg->toks.n)].off;
}

/* Of token @tok: its length and its text for "%.*s". */
#define XPCI_CFG_TEXT(cfg, tok)                                                \
    (int)(xpci_cfg_end(cfg, tok) - xpci_cfg_start(cfg, tok)),                  \
        (cfg)->text.data + xpci_cfg_start(cfg, tok)

/* Sets -EINVAL with the place of token @tok in front. */
#define xpci_cfg_error(err, cfg, tok, ...)                                     \
    xpci_lex_error(err, (cfg)->name, (cfg)->text.data,                         \
                   xpci_cfg_start(cfg, tok), __VA_ARGS__)

/* For tsearch(3): compares the names that begin at @a and @b. */
int xpci_cfg_cmp_names(const void *a, const void *b);
void xpci_cfg_free_names(void *root);

bool xpci_cfg_is_key(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, const char *key);

/* The last statement of @key; NULL if it is not there. */
const struct xpci_cfg_stmt *xpci_cfg_last(const struct xpci_cfg *cfg,
                                          const char *key);

/*
 * The first statement that counts for @key: the last "=", or the first "+="
 * if there is none. stmts.n if the key is not there. From it on, every
 * statement of the key adds to the value.
 */
size_t xpci_cfg_chain(const struct xpci_cfg *cfg, const char *key);

/*
 * xpci_cfg_list() for those that go on: an item that xl ignores, a list in the
 * list or a value that is none, has no value. Fails without memory only.
 */
int xpci_cfg_items(const struct xpci_cfg *cfg, const char *key,
                   struct xpci_cfg_items *out,
                   struct xpci_error *err) _must_check_;

void xpci_cfg_swap(struct xpci_cfg *a, struct xpci_cfg *b);

/* The value of a STRING or NUMBER token. NULL: out of memory. */
char *xpci_cfg_atom(const struct xpci_cfg *cfg, size_t tok) _must_check_;
