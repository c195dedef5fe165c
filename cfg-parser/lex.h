/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tokens of xl's configuration grammar, as flex makes them from
 * libxlu_cfg_l.l; docs/design/cfg-grammar.md has the rules and the quirks.
 *
 * Every byte of the input is in exactly one token, in order; the last token
 * is an empty XPCI_TOK_END. xl's NEWLINE token is a comment and its newline;
 * here they are two tokens, and a comment is always followed by a newline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum xpci_tok_type {
    XPCI_TOK_END,
    XPCI_TOK_BLANK, /* spaces and tabs */
    XPCI_TOK_NEWLINE,
    XPCI_TOK_COMMENT, /* without its newline */
    XPCI_TOK_IDENT,
    XPCI_TOK_NUMBER,
    XPCI_TOK_STRING, /* with its quotes */
    XPCI_TOK_ASSIGN,
    XPCI_TOK_APPEND,
    XPCI_TOK_COMMA,
    XPCI_TOK_OPEN,
    XPCI_TOK_CLOSE,
    XPCI_TOK_SEMICOLON,
    XPCI_TOK_STRAY, /* one odd byte at the end of the file: xl drops it */
};

/* A byte of a text. */
struct xpci_place {
    size_t off;
    unsigned int line, column; /* from 1, the column in bytes */
};

/* Eight bytes: a file has about one for each four of its own. */
struct xpci_tok {
    uint32_t off;
    enum xpci_tok_type type;
};

struct xpci_toks {
    struct xpci_tok *v;
    size_t n; /* with XPCI_TOK_END */
};

/*
 * Cuts @data, up to 4 GiB with a NUL behind; errors are "@name:LINE:COLUMN:
 * reason". On -EINVAL @out has the tokens before the error, if it could be
 * reached at all.
 */
int xpci_lex(const char *data, size_t len, const char *name,
             struct xpci_toks *out, struct xpci_error *err) _must_check_;
void xpci_toks_clear(struct xpci_toks *toks);

/*
 * The value of the quoted string @s of @len bytes, quotes included. @out
 * takes up to @len bytes, with NUL; NULL: only check. On -EINVAL *bad is the
 * offset of the escape that xl rejects.
 */
int xpci_lex_unquote(const char *s, size_t len, char *out,
                     size_t *bad) _must_check_;

/*
 * Moves @place, all 0 or that of any byte, to the byte at @off. Cheap if that
 * is a little further on.
 */
void xpci_lex_seek(const char *data, struct xpci_place *place, size_t off);

/* Sets -EINVAL with "name:LINE:COLUMN: ..." for the byte at @off. */
int xpci_lex_error(struct xpci_error *err, const char *name, const char *data,
                   size_t off, const char *fmt, ...) _printf_(5, 6);

#define _cleanup_toks_ _cleanup_(xpci_toks_clear)
