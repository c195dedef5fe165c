/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cfg-edit.h"

#define INDENT "    "

/* The new text, from the front to the back. */
struct edit {
    const struct xpci_cfg *cfg;
    const char *key;
    struct xpci_buf text;
    size_t at; /* up to here the old text is done */
    bool no_memory;
};

/* The old bytes from @from to @to become @fmt; those before @from stay. */
static void _printf_(4, 5)
    put(struct edit *e, size_t from, size_t to, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = xpci_vformat(fmt, ap);
    va_end(ap);
    e->no_memory |= !text ||
                    xpci_buf_append(&e->text, e->cfg->text.data + e->at,
                                    from - e->at) < 0 ||
                    xpci_buf_puts(&e->text, text) < 0;
    e->at = to;
}

static void edit_clear(struct edit *e)
{
    xpci_buf_clear(&e->text);
}

static void cut(struct edit *e, size_t from, size_t to)
{
    put(e, from, to, "%s", "");
}

static void cut_token(struct edit *e, size_t tok)
{
    cut(e, xpci_cfg_start(e->cfg, tok), xpci_cfg_end(e->cfg, tok));
}

static bool is_blank(const struct xpci_cfg *cfg, size_t tok)
{
    return xpci_cfg_type(cfg, tok) == XPCI_TOK_BLANK;
}

static bool is_newline(const struct xpci_cfg *cfg, size_t tok)
{
    return xpci_cfg_type(cfg, tok) == XPCI_TOK_NEWLINE;
}

static bool is_comment(const struct xpci_cfg *cfg, size_t tok)
{
    return xpci_cfg_type(cfg, tok) == XPCI_TOK_COMMENT;
}

static bool is_comma(const struct xpci_cfg *cfg, size_t tok)
{
    return xpci_cfg_type(cfg, tok) == XPCI_TOK_COMMA;
}

/* The next token that is neither blank, newline nor comment; @step: 1, -1. */
static size_t significant(const struct xpci_cfg *cfg, size_t tok, int step)
{
    do
        tok += (size_t)step;
    while (is_blank(cfg, tok) || is_newline(cfg, tok) || is_comment(cfg, tok));
    return tok;
}

/* The token after @tok, blanks skipped. */
static size_t next_on_line(const struct xpci_cfg *cfg, size_t tok)
{
    return tok + 1 + is_blank(cfg, tok + 1);
}

/* The blanks before @tok, or @tok. */
static size_t with_blanks(const struct xpci_cfg *cfg, size_t tok)
{
    return tok - is_blank(cfg, tok - 1);
}

static bool starts_line(const struct xpci_cfg *cfg, size_t tok)
{
    return is_newline(cfg, with_blanks(cfg, tok) - 1);
}

static bool comment_between(const struct xpci_cfg *cfg, size_t a, size_t b)
{
    while (++a < b && !is_comment(cfg, a))
        ;
    return a < b;
}

static bool after_comment(const struct xpci_cfg *cfg, size_t key)
{
    return key >= 2 && is_comment(cfg, key - 2);
}

/*
 * "key = [" and "]" as add_list() writes it, on the last line? No other
 * statement of the key may be there: without this one an older value would
 * count again.
 */
static bool is_own_line(const struct edit *e, const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_cfg *cfg = e->cfg;
    const char *data = cfg->text.data, *key;
    size_t end = stmt->last + 1;

    key = data + xpci_cfg_start(cfg, stmt->key);
    if (is_newline(cfg, end) || (after_comment(cfg, stmt->key) &&
                                 !strcmp(data + xpci_cfg_start(cfg, end), " ")))
        end++;
    for (size_t i = 0; i < cfg->stmts.n; i++) {
        if (&cfg->stmts.v[i] != stmt &&
            xpci_cfg_is_key(cfg, &cfg->stmts.v[i], e->key))
            return false;
    }
    return xpci_cfg_type(cfg, end) == XPCI_TOK_END &&
           (key == data || key[-1] == '\n') &&
           !strncmp(key + strlen(e->key), " = [", 4);
}

/* "key = [item]" as the last line. */
static int add_list(struct edit *e, const char *item, struct xpci_error *err)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t end = cfg->toks.n - 1, len = cfg->text.len;
    bool newline = !len || cfg->text.data[len - 1] == '\n';
    const char *behind = newline ? "\n" : "";

    if (end && xpci_cfg_type(cfg, end - 1) == XPCI_TOK_STRAY)
        return xpci_cfg_error(err, cfg, end - 1,
                              "a stray byte ends the file, which xl ignores "
                              "only there; remove it first");
    /* no newline before, none behind: so drop knows what the file was; a
     * blank behind if a comment was last, as only xm lets it be (xm.h) */
    if (end && is_blank(cfg, end - 1) &&
        strchr(cfg->text.data + xpci_cfg_start(cfg, end - 1), '#'))
        behind = " ";
    put(e, len, len, "%s%s = [%s]%s", newline ? "" : "\n", e->key, item,
        behind);
    return 0;
}

static void drop_list(struct edit *e, size_t key)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t from = xpci_cfg_start(cfg, key);
    char last = cfg->text.data[cfg->text.len - 1];

    /* xl's comment must keep its newline, so that one was not ours */
    if (from && last != '\n' && (last == ' ' || !after_comment(cfg, key)))
        from--;
    cut(e, from, cfg->text.len);
}

/* Into "[]", "[ ]", or behind the last newline in it. */
static void add_first(struct edit *e, const struct xpci_cfg_stmt *stmt,
                      const char *item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t at = xpci_cfg_start(cfg, with_blanks(cfg, stmt->last));
    const char *pad = cfg->text.data + at;
    int len = (int)(xpci_cfg_start(cfg, stmt->last) - at);

    if (starts_line(cfg, stmt->last))
        put(e, at, at, "%.*s" INDENT "%s,\n", len, pad, item);
    else /* the comma tells "pci = []" from a line that add_list() made */
        put(e, at, at, "%.*s%s%s", len, pad, item,
            !len && is_own_line(e, stmt) ? "," : "");
}

/*
 * Behind @last, on its line, by the blanks that the list has behind commas.
 * @tail is the comma behind @last, or itself.
 */
static void add_inline(struct edit *e, size_t last, size_t tail,
                       const char *item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t blanks = with_blanks(cfg, last), at = xpci_cfg_end(cfg, tail);
    size_t from = xpci_cfg_start(cfg, blanks);
    bool shown = is_comma(cfg, blanks - 1), comma = tail != last;

    put(e, at, at, "%s%.*s%s%s", comma ? "" : ",",
        shown ? (int)(xpci_cfg_start(cfg, last) - from) : 1,
        shown ? cfg->text.data + from : " ", item, comma ? "," : "");
}

/* A line of its own, indented like that of @last. */
static void add_line(struct edit *e, size_t last, size_t tail, const char *item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t indent = xpci_cfg_start(cfg, with_blanks(cfg, last));
    size_t next = next_on_line(cfg, tail), at = xpci_cfg_end(cfg, tail);
    bool comma = tail != last, comment = is_comment(cfg, next);
    bool behind = comment || (comma && is_newline(cfg, next));

    put(e, at, at, "%s", comma ? "" : ",");
    if (behind)
        at = xpci_cfg_end(cfg, next + comment);
    put(e, at, at, "%s%.*s%s%s%s", behind ? "" : "\n",
        (int)(xpci_cfg_start(cfg, last) - indent), cfg->text.data + indent,
        item, comma ? "," : "", behind ? "\n" : "");
}

static int add(struct edit *e, const char *item, struct xpci_error *err)
{
    const struct xpci_cfg *cfg = e->cfg;
    const struct xpci_cfg_stmt *stmt = NULL;
    size_t tail, last;

    for (size_t i = xpci_cfg_chain(cfg, e->key); i < cfg->stmts.n; i++) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts.v[i], e->key))
            stmt = &cfg->stmts.v[i];
    }
    if (!stmt)
        return add_list(e, item, err);
    tail = significant(cfg, stmt->last, -1);
    last = is_comma(cfg, tail) ? significant(cfg, tail, -1) : tail;
    if (tail == stmt->first)
        add_first(e, stmt, item);
    else if (starts_line(cfg, last) &&
             (tail == last || next_on_line(cfg, last) == tail))
        add_line(e, last, tail, item);
    else
        add_inline(e, last, tail, item);
    return 0;
}

/* Item and all up to its comma; the bytes to go are one run. */
static void drop_with_comma(struct edit *e, size_t item, size_t comma,
                            size_t before)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t next = next_on_line(cfg, comma);
    size_t following = significant(cfg, comma, 1);
    size_t blanks = xpci_cfg_start(cfg, with_blanks(cfg, item));
    size_t end = xpci_cfg_end(cfg, comma);
    bool own = starts_line(cfg, item), newline = is_newline(cfg, next);
    bool first = xpci_cfg_type(cfg, before) == XPCI_TOK_OPEN;
    bool comment = comment_between(cfg, comma, following);
    bool last = xpci_cfg_type(cfg, following) == XPCI_TOK_CLOSE && !comment;

    if (own && newline)
        cut(e, blanks, xpci_cfg_end(cfg, next));
    else if (last && (first || (own && comment_between(cfg, before, item))))
        cut(e, blanks, end);
    else if (own ? last : !first)
        cut(e, xpci_cfg_end(cfg, before), end);
    else
        cut(e, xpci_cfg_start(cfg, item),
            xpci_cfg_start(cfg,
                           !own && newline && !comment ? following : next));
}

/* The last item, no comma behind it: what stands before it or its line. */
static void drop_last(struct edit *e, size_t item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t blanks = xpci_cfg_start(cfg, with_blanks(cfg, item));
    size_t next = next_on_line(cfg, item);

    if (starts_line(cfg, item) && is_newline(cfg, next))
        cut(e, blanks, xpci_cfg_end(cfg, next));
    else if (starts_line(cfg, item) && is_comment(cfg, next))
        cut(e, xpci_cfg_start(cfg, item), xpci_cfg_start(cfg, next));
    else
        cut(e, blanks, xpci_cfg_end(cfg, item));
}

/* The last item of several: the comma before it goes as well. */
static void drop_tail(struct edit *e, size_t item, size_t comma)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t before = significant(cfg, comma, -1);

    if (comment_between(cfg, before, item) ||
        (starts_line(cfg, item) && is_comment(cfg, next_on_line(cfg, item)))) {
        cut_token(e, comma);
        drop_last(e, item);
    } else {
        cut(e, xpci_cfg_end(cfg, before), xpci_cfg_end(cfg, item));
    }
}

static void drop(struct edit *e, size_t item)
{
    const struct xpci_cfg *cfg = e->cfg;
    const struct xpci_cfg_stmt *stmt = &cfg->stmts.v[cfg->stmts.n - 1];
    size_t comma = significant(cfg, item, 1);
    size_t before = significant(cfg, item, -1);

    if (stmt->first == item - 1 && stmt->last == item + 1 &&
        cfg->text.data[xpci_cfg_start(cfg, item)] == '\'' &&
        is_own_line(e, stmt)) {
        drop_list(e, stmt->key);
    } else if (!is_comma(cfg, comma)) {
        if (is_comma(cfg, before))
            drop_tail(e, item, before);
        else
            drop_last(e, item);
    } else if (comment_between(cfg, item, comma)) {
        cut_token(e, item);
        cut_token(e, comma);
    } else {
        drop_with_comma(e, item, comma, before);
    }
}

/* @value as a string in quotes; those and backslashes are escaped. */
static char *quote(const char *value, char q)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    int ret = xpci_buf_append(&out, &q, 1);

    for (; ret == 0 && *value; value++) {
        if (*value == q || *value == '\\')
            ret = xpci_buf_puts(&out, "\\");
        if (ret == 0)
            ret = xpci_buf_append(&out, value, 1);
    }
    if (ret == 0)
        ret = xpci_buf_append(&out, &q, 1);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}

static int make_text(struct edit *e, const struct xpci_cfg_items *items,
                     size_t k, const char *value, struct xpci_error *err)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t model = k < items->n ? k : k - 1, at;
    _cleanup_free_ char *item = NULL;
    char q = '\'';
    int ret = 0;

    if (items->n &&
        cfg->text.data[xpci_cfg_start(cfg, items->v[model].tok)] == '"')
        q = '"';
    item = quote(value ? value : "", q);
    if (!item)
        return xpci_error_oom(err);
    at = k < items->n ? items->v[k].tok : 0;
    if (!value)
        drop(e, at);
    else if (at)
        put(e, xpci_cfg_start(cfg, at), xpci_cfg_end(cfg, at), "%s", item);
    else
        ret = add(e, item, err);
    put(e, cfg->text.len, cfg->text.len, "%s", "");
    return ret == 0 && e->no_memory ? xpci_error_oom(err) : ret;
}

/* Is @now what @value makes of @old? */
static bool is_meant(const struct xpci_cfg_items *old, size_t k,
                     const char *value, const struct xpci_cfg_items *now)
{
    if (now->n != old->n + (k == old->n) - !value)
        return false;
    for (size_t i = 0; i < now->n; i++) {
        const char *want =
            value && i == k ? value : old->v[i + (!value && i >= k)].value;

        if (!now->v[i].value || strcmp(now->v[i].value, want) != 0)
            return false;
    }
    return true;
}

int xpci_cfg_edit(struct xpci_cfg *cfg, const char *key, size_t k,
                  const char *value, struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items old = { 0 }, now = { 0 };
    _cleanup_cfg_ struct xpci_cfg *next = NULL;
    _cleanup_(edit_clear) struct edit e = { .cfg = cfg, .key = key };
    int ret = xpci_cfg_items(cfg, key, &old, err);

    if (ret == 0)
        ret = make_text(&e, &old, k, value, err);
    if (ret == 0)
        ret = xpci_cfg_take(&e.text, cfg->name, &next, err);
    if (ret == 0)
        ret = xpci_cfg_items(next, key, &now, err);
    if (ret < 0)
        return ret;
    if (!is_meant(&old, k, value, &now))
        return xpci_error_set(err, EIO,
                              "%s: the edited '%s' list does not read back as "
                              "meant, nothing was changed",
                              cfg->name, key);
    xpci_cfg_swap(cfg, next);
    return 0;
}
