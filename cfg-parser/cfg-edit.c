/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cfg-edit.h"

#define INDENT "    "

/* Replace the bytes from @from to @to by @text. */
struct splice {
    size_t from, to;
    const char *text;
};

static int apply(const struct xpci_cfg *cfg, const struct splice *v, size_t n,
                 struct xpci_buf *out, struct xpci_error *err)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (xpci_buf_append(out, cfg->text.data + at, v[i].from - at) < 0 ||
            xpci_buf_puts(out, v[i].text) < 0)
            return xpci_error_oom(err);
        at = v[i].to;
    }
    if (xpci_buf_append(out, cfg->text.data + at, cfg->text.len - at) < 0)
        return xpci_error_oom(err);
    return 0;
}

static int apply_one(const struct xpci_cfg *cfg, size_t from, size_t to,
                     const char *text, struct xpci_buf *out,
                     struct xpci_error *err)
{
    struct splice splice = { from, to, text };

    return apply(cfg, &splice, 1, out, err);
}

static enum xpci_tok_type type_at(const struct xpci_cfg *cfg, size_t tok)
{
    return cfg->toks.v[tok].type;
}

static size_t start_of(const struct xpci_cfg *cfg, size_t tok)
{
    return cfg->toks.v[tok].off;
}

static size_t end_of(const struct xpci_cfg *cfg, size_t tok)
{
    return cfg->toks.v[tok].off + cfg->toks.v[tok].len;
}

static bool insignificant(enum xpci_tok_type type)
{
    return type == XPCI_TOK_BLANK || type == XPCI_TOK_NEWLINE ||
           type == XPCI_TOK_COMMENT;
}

static size_t significant_after(const struct xpci_cfg *cfg, size_t tok)
{
    do
        tok++;
    while (insignificant(type_at(cfg, tok)));
    return tok;
}

static size_t significant_before(const struct xpci_cfg *cfg, size_t tok)
{
    do
        tok--;
    while (insignificant(type_at(cfg, tok)));
    return tok;
}

/* The token after @tok, blanks skipped. */
static size_t next_on_line(const struct xpci_cfg *cfg, size_t tok)
{
    tok++;
    return type_at(cfg, tok) == XPCI_TOK_BLANK ? tok + 1 : tok;
}

/* The blanks before @tok, or @tok. */
static size_t with_blanks(const struct xpci_cfg *cfg, size_t tok)
{
    return type_at(cfg, tok - 1) == XPCI_TOK_BLANK ? tok - 1 : tok;
}

static bool starts_line(const struct xpci_cfg *cfg, size_t tok)
{
    return type_at(cfg, with_blanks(cfg, tok) - 1) == XPCI_TOK_NEWLINE;
}

static bool comment_between(const struct xpci_cfg *cfg, size_t a, size_t b)
{
    for (size_t i = a + 1; i < b; i++) {
        if (type_at(cfg, i) == XPCI_TOK_COMMENT)
            return true;
    }
    return false;
}

static bool after_comment(const struct xpci_cfg *cfg, size_t key)
{
    return key >= 2 && type_at(cfg, key - 2) == XPCI_TOK_COMMENT;
}

/* "key = [" and "]" as new_list writes it, on the last line? */
static bool is_own_line(const struct xpci_cfg *cfg,
                        const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_tok *key = &cfg->toks.v[stmt->key];
    const char *text = cfg->text.data + key->off + key->len;
    size_t end = stmt->value.last + 1;

    if (type_at(cfg, end) == XPCI_TOK_NEWLINE ||
        (after_comment(cfg, stmt->key) && cfg->toks.v[end].len == 1 &&
         cfg->text.data[start_of(cfg, end)] == ' '))
        end++;
    return type_at(cfg, end) == XPCI_TOK_END && key->column == 1 &&
           memcmp(text, " = [", 4) == 0;
}

static bool only_stmt(const struct xpci_cfg *cfg,
                      const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_tok *a = &cfg->toks.v[stmt->key], *b;

    for (size_t i = 0; i < cfg->n; i++) {
        b = &cfg->toks.v[cfg->stmts[i].key];
        if (&cfg->stmts[i] != stmt && a->len == b->len &&
            memcmp(cfg->text.data + a->off, cfg->text.data + b->off, a->len) ==
                0)
            return false;
    }
    return true;
}

/*
 * A line that new_list made, with one item left. No other statement of the
 * key may be there: without this one an older value would count again.
 */
static bool is_ours(const struct xpci_cfg *cfg,
                    const struct xpci_cfg_stmt *stmt)
{
    size_t open = stmt->value.first;

    return is_own_line(cfg, stmt) && only_stmt(cfg, stmt) &&
           stmt->value.last == open + 2 && stmt->n == 1 &&
           cfg->text.data[start_of(cfg, open + 1)] == '\'';
}

int xpci_cfg_edit_new_list(const struct xpci_cfg *cfg, const char *key,
                           const char *item, struct xpci_buf *out,
                           struct xpci_error *err)
{
    size_t end = cfg->toks.n - 1, len = cfg->text.len;
    bool newline = !len || cfg->text.data[len - 1] == '\n';
    const char *behind = newline ? "\n" : "";

    if (end && type_at(cfg, end - 1) == XPCI_TOK_STRAY)
        return xpci_lex_error(err, cfg->name, &cfg->toks.v[end - 1],
                              "a stray byte ends the file, which xl ignores "
                              "only there; remove it first");
    /* no newline before, none behind: so drop knows what the file was; a
     * blank behind if a comment was last, as only xm lets it be (xm.h) */
    if (end && type_at(cfg, end - 1) == XPCI_TOK_BLANK &&
        strchr(cfg->text.data + start_of(cfg, end - 1), '#'))
        behind = " ";
    if (xpci_buf_append(out, cfg->text.data, len) < 0 ||
        xpci_buf_printf(out, "%s%s = [%s]%s", newline ? "" : "\n", key, item,
                        behind) < 0)
        return xpci_error_oom(err);
    return 0;
}

static int drop_line(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, struct xpci_buf *out,
                     struct xpci_error *err)
{
    size_t from = start_of(cfg, stmt->key), key = stmt->key;
    char last = cfg->text.data[cfg->text.len - 1];

    /* xl's comment must keep its newline, so that one was not ours */
    if (from && last != '\n' && (last == ' ' || !after_comment(cfg, key)))
        from--;
    return apply_one(cfg, from, cfg->text.len, "", out, err);
}

int xpci_cfg_edit_replace(const struct xpci_cfg *cfg, size_t tok,
                          const char *item, struct xpci_buf *out,
                          struct xpci_error *err)
{
    return apply_one(cfg, start_of(cfg, tok), end_of(cfg, tok), item, out, err);
}

/* Into "[]", "[ ]", or behind the last newline in it. */
static int add_first(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, const char *item,
                     struct xpci_buf *out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t close = stmt->value.last, blanks = with_blanks(cfg, close);
    const char *pad = cfg->text.data + start_of(cfg, blanks);
    int len = (int)(start_of(cfg, close) - start_of(cfg, blanks)), ret;

    if (starts_line(cfg, close))
        ret = xpci_buf_printf(&text, "%.*s" INDENT "%s,\n", len, pad, item);
    else if (len)
        ret = xpci_buf_printf(&text, "%.*s%s", len, pad, item);
    else /* the comma tells "pci = []" from a line that new_list made */
        ret = xpci_buf_printf(
            &text, "%s%s", item,
            is_own_line(cfg, stmt) && only_stmt(cfg, stmt) ? "," : "");
    if (ret < 0)
        return xpci_error_oom(err);
    return apply_one(cfg, start_of(cfg, blanks), start_of(cfg, blanks),
                     text.data, out, err);
}

/* The blanks the list has behind its commas; " " if it does not show. */
static int gap(const struct xpci_cfg *cfg, size_t last, const char **s)
{
    size_t before = with_blanks(cfg, last);

    *s = " ";
    if (type_at(cfg, before - 1) != XPCI_TOK_COMMA)
        return 1;
    *s = cfg->text.data + start_of(cfg, before);
    return (int)(start_of(cfg, last) - start_of(cfg, before));
}

/* Behind @last, on its line; @comma is the one behind it, or 0. */
static int add_inline(const struct xpci_cfg *cfg, size_t last, size_t comma,
                      const char *item, struct xpci_buf *out,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t at = end_of(cfg, comma ? comma : last);
    const char *s;
    int len = gap(cfg, last, &s);

    if (xpci_buf_printf(&text, "%s%.*s%s%s", comma ? "" : ",", len, s, item,
                        comma ? "," : "") < 0)
        return xpci_error_oom(err);
    return apply_one(cfg, at, at, text.data, out, err);
}

/* A line of its own, indented like that of @last. */
static int add_line(const struct xpci_cfg *cfg, size_t last, size_t comma,
                    const char *item, struct xpci_buf *out,
                    struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t indent = with_blanks(cfg, last), tail = comma ? comma : last;
    size_t next = next_on_line(cfg, tail);
    int len = (int)(start_of(cfg, last) - start_of(cfg, indent));
    const char *blanks = cfg->text.data + start_of(cfg, indent);
    bool comment = type_at(cfg, next) == XPCI_TOK_COMMENT;
    bool behind = comment || (comma && type_at(cfg, next) == XPCI_TOK_NEWLINE);
    size_t line_end = end_of(cfg, comment ? next + 1 : next);
    size_t last_end = end_of(cfg, tail);
    struct splice v[2] = { { last_end, last_end, comma ? "" : "," },
                           { behind ? line_end : last_end,
                             behind ? line_end : last_end, NULL } };

    if (xpci_buf_printf(&text, "%s%.*s%s%s%s", behind ? "" : "\n", len, blanks,
                        item, comma ? "," : "", behind ? "\n" : "") < 0)
        return xpci_error_oom(err);
    v[1].text = text.data;
    return apply(cfg, v, 2, out, err);
}

int xpci_cfg_edit_add(const struct xpci_cfg *cfg,
                      const struct xpci_cfg_stmt *stmt, const char *item,
                      struct xpci_buf *out, struct xpci_error *err)
{
    size_t last, comma;

    if (!stmt->n)
        return add_first(cfg, stmt, item, out, err);
    last = stmt->items[stmt->n - 1].last;
    comma = significant_after(cfg, last);
    if (type_at(cfg, comma) != XPCI_TOK_COMMA)
        comma = 0;
    if (starts_line(cfg, stmt->items[stmt->n - 1].first) &&
        (!comma || next_on_line(cfg, last) == comma))
        return add_line(cfg, last, comma, item, out, err);
    return add_inline(cfg, last, comma, item, out, err);
}

/* Where to stop dropping from @from on when @next is what remains. */
static size_t line_rest(const struct xpci_cfg *cfg, size_t next)
{
    return type_at(cfg, next) == XPCI_TOK_NEWLINE ? end_of(cfg, next)
                                                  : start_of(cfg, next);
}

/* Item and all up to its comma; the bytes to go are one run. */
static struct splice drop_with_comma(const struct xpci_cfg *cfg, size_t item,
                                     size_t comma, size_t before)
{
    size_t blanks = with_blanks(cfg, item), next = next_on_line(cfg, comma);
    size_t following = significant_after(cfg, comma);
    bool first = type_at(cfg, before) == XPCI_TOK_OPEN;
    bool last = type_at(cfg, following) == XPCI_TOK_CLOSE;
    bool own = starts_line(cfg, item);
    struct splice from_comma = { end_of(cfg, before), end_of(cfg, comma), "" };
    struct splice from_item = { start_of(cfg, item), line_rest(cfg, next), "" };
    struct splice from_blanks = { start_of(cfg, blanks), end_of(cfg, comma),
                                  "" };

    if (own && type_at(cfg, next) == XPCI_TOK_NEWLINE) {
        from_item.from = start_of(cfg, blanks);
        return from_item;
    }
    if (own && next == following && last)
        return first || comment_between(cfg, before, item) ? from_blanks
                                                           : from_comma;
    if (own)
        return from_item;
    if (!first)
        return from_comma;
    if (last && !comment_between(cfg, comma, following))
        return from_blanks;
    if (type_at(cfg, next) == XPCI_TOK_NEWLINE &&
        !comment_between(cfg, comma, following))
        from_item.to = start_of(cfg, following);
    else
        from_item.to = start_of(cfg, next);
    return from_item;
}

/* The last item, no comma behind it: what stands before it or its line. */
static struct splice drop_last(const struct xpci_cfg *cfg, size_t item)
{
    size_t blanks = with_blanks(cfg, item), next = next_on_line(cfg, item);
    struct splice splice = { start_of(cfg, blanks), end_of(cfg, item), "" };

    if (!starts_line(cfg, item))
        return splice;
    if (type_at(cfg, next) == XPCI_TOK_NEWLINE)
        splice.to = end_of(cfg, next);
    else if (type_at(cfg, next) == XPCI_TOK_COMMENT)
        splice =
            (struct splice){ start_of(cfg, item), start_of(cfg, next), "" };
    return splice;
}

static struct splice just(const struct xpci_cfg *cfg, size_t tok)
{
    return (struct splice){ start_of(cfg, tok), end_of(cfg, tok), "" };
}

/* The last item of several: the comma before it goes as well. */
static int drop_tail(const struct xpci_cfg *cfg, size_t item, size_t before,
                     struct xpci_buf *out, struct xpci_error *err)
{
    struct splice v[2] = { just(cfg, before), drop_last(cfg, item) };
    size_t prev = significant_before(cfg, before);
    size_t next = next_on_line(cfg, item);

    if (comment_between(cfg, prev, item) ||
        (starts_line(cfg, item) && type_at(cfg, next) == XPCI_TOK_COMMENT))
        return apply(cfg, v, 2, out, err);
    return apply_one(cfg, end_of(cfg, prev), end_of(cfg, item), "", out, err);
}

int xpci_cfg_edit_drop(const struct xpci_cfg *cfg,
                       const struct xpci_cfg_stmt *stmt, size_t k,
                       struct xpci_buf *out, struct xpci_error *err)
{
    size_t item = stmt->items[k].last;
    size_t comma = significant_after(cfg, item);
    size_t before = significant_before(cfg, item);
    struct splice v[2];

    if (is_ours(cfg, stmt))
        return drop_line(cfg, stmt, out, err);
    if (type_at(cfg, comma) == XPCI_TOK_COMMA) {
        v[0] = just(cfg, item);
        v[1] = just(cfg, comma);
        if (comment_between(cfg, item, comma))
            return apply(cfg, v, 2, out, err);
        v[0] = drop_with_comma(cfg, item, comma, before);
        return apply(cfg, v, 1, out, err);
    }
    if (k > 0)
        return drop_tail(cfg, item, before, out, err);
    v[0] = drop_last(cfg, item);
    return apply(cfg, v, 1, out, err);
}
