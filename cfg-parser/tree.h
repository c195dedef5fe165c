/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree behind struct xpci_cfg, for the files of cfg-parser only.
 *
 * Nodes hold indexes of tokens, tokens hold offsets into the text. An edit
 * makes a new text (cfg-edit.h) and parses it: indexes never outlive one.
 */
#ifndef XPCI_TREE_H
#define XPCI_TREE_H

#include <stdbool.h>

#include "cfg.h"
#include "lex.h"

struct xpci_cfg_node {
    size_t first, last; /* tokens; the same one unless a nested list */
};

struct xpci_cfg_stmt {
    size_t key;  /* token */
    bool append; /* "+=" */
    bool is_list;
    struct xpci_cfg_node value; /* of a list: from "[" to "]" */
    struct xpci_cfg_node *items;
    size_t n;
};

struct xpci_cfg {
    char *name;
    struct xpci_buf text;
    struct xpci_toks toks;
    struct xpci_cfg_stmt *stmts;
    size_t n;
    char *xl_error; /* NULL: xl reads it */
};

/* For tsearch(3): compares the names that begin at @a and @b. */
int xpci_cfg_cmp_names(const void *a, const void *b);
void xpci_cfg_free_names(void *root);

bool xpci_cfg_is_key(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, const char *key);

/*
 * The first statement that counts for @key: the last "=", or the first "+="
 * if there is none. cfg->n if the key is not there. From it on, every
 * statement of the key adds to the value.
 */
size_t xpci_cfg_chain(const struct xpci_cfg *cfg, const char *key);

/* Parses @text, an edited file, and puts it in the place of *cfg. */
int xpci_cfg_adopt(struct xpci_cfg **cfg, const struct xpci_buf *text,
                   struct xpci_error *err) _must_check_;

/* The value of a STRING or NUMBER token. NULL: out of memory. */
char *xpci_cfg_atom(const struct xpci_cfg *cfg, size_t tok) _must_check_;

#endif
