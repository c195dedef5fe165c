/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cfg-edit.h"

#define INDENT "    "

#define BLANK XPCI_TOK_BLANK
#define NEWLINE XPCI_TOK_NEWLINE
#define COMMENT XPCI_TOK_COMMENT
#define COMMA XPCI_TOK_COMMA

/* The new text, from the front to the back. */
struct edit {
    const struct xpci_cfg *cfg;
    const char *key;
    struct xpci_buf *text;
    size_t at; /* up to here the old text is done */
    bool no_memory;
};

/* The old bytes from @from to @to become @fmt; those before @from stay. */
static void _printf_(4, 5)
    put(struct edit *e, size_t from, size_t to, const char *fmt, ...)
{
    _cleanup_free_ char *text = xpci_format_args(fmt);

    e->no_memory |=
        !text ||
        xpci_buf_append(e->text, e->cfg->text.data + e->at, from - e->at) < 0 ||
        xpci_buf_puts(e->text, text) < 0;
    e->at = to;
}

static void cut(struct edit *e, size_t from, size_t to)
{
    put(e, from, to, "%s", "");
}

/* Where token @tok begins; it ends where the next one does. */
static size_t off(const struct edit *e, size_t tok)
{
    return xpci_cfg_start(e->cfg, tok);
}

static bool is(const struct edit *e, size_t tok, enum xpci_tok_type type)
{
    return xpci_cfg_type(e->cfg, tok) == type;
}

/* The next token that is neither blank, newline nor comment; @step: 1, -1. */
static size_t significant(const struct edit *e, size_t tok, int step)
{
    do
        tok += (size_t)step;
    while (is(e, tok, BLANK) || is(e, tok, NEWLINE) || is(e, tok, COMMENT));
    return tok;
}

/* The token after @tok, blanks skipped. */
static size_t next_on_line(const struct edit *e, size_t tok)
{
    return tok + 1 + is(e, tok + 1, BLANK);
}

/* The blanks before @tok, or @tok. */
static size_t with_blanks(const struct edit *e, size_t tok)
{
    return tok - is(e, tok - 1, BLANK);
}

static bool starts_line(const struct edit *e, size_t tok)
{
    return is(e, with_blanks(e, tok) - 1, NEWLINE);
}

static bool comment_between(const struct edit *e, size_t a, size_t b)
{
    while (++a < b && !is(e, a, COMMENT))
        ;
    return a < b;
}

static bool after_comment(const struct edit *e, size_t key)
{
    return key >= 2 && is(e, key - 2, COMMENT);
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

    key = data + off(e, stmt->key);
    if (is(e, end, NEWLINE) ||
        (after_comment(e, stmt->key) && !strcmp(data + off(e, end), " ")))
        end++;
    return !xpci_list_find(&cfg->stmts, s,
                           s != stmt && xpci_cfg_is_key(cfg, s, e->key)) &&
           is(e, end, XPCI_TOK_END) && (key == data || key[-1] == '\n') &&
           !strncmp(key + strlen(e->key), " = [", 4);
}

/* "key = [item]" as the last line. */
static int add_list(struct edit *e, const char *item, struct xpci_error *err)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t end = cfg->toks.n - 1, len = cfg->text.len;
    bool newline = !len || cfg->text.data[len - 1] == '\n';
    const char *behind = newline ? "\n" : "";

    if (end && is(e, end - 1, XPCI_TOK_STRAY))
        return xpci_cfg_error(err, cfg, end - 1,
                              "a stray byte ends the file, which xl ignores "
                              "only there; remove it first");
    /* no newline before, none behind: so drop knows what the file was; a
     * blank behind if a comment was last, as only xm lets it be (xm.h) */
    if (end && is(e, end - 1, BLANK) &&
        strchr(cfg->text.data + off(e, end - 1), '#'))
        behind = " ";
    put(e, len, len, "%s%s = [%s]%s", newline ? "" : "\n", e->key, item,
        behind);
    return 0;
}

/* Into "[]", "[ ]", or behind the last newline in it. */
static void add_first(struct edit *e, const struct xpci_cfg_stmt *stmt,
                      const char *item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t at = off(e, with_blanks(e, stmt->last));
    const char *pad = cfg->text.data + at;
    int len = (int)(off(e, stmt->last) - at);

    if (starts_line(e, stmt->last))
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
    size_t blanks = with_blanks(e, last), at = off(e, tail + 1);
    size_t from = off(e, blanks);
    bool shown = is(e, blanks - 1, COMMA), comma = tail != last;

    put(e, at, at, "%s%.*s%s%s", comma ? "" : ",",
        shown ? (int)(off(e, last) - from) : 1,
        shown ? cfg->text.data + from : " ", item, comma ? "," : "");
}

/* A line of its own, indented like that of @last. */
static void add_line(struct edit *e, size_t last, size_t tail, const char *item)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t indent = off(e, with_blanks(e, last));
    size_t next = next_on_line(e, tail), at = off(e, tail + 1);
    bool comma = tail != last, comment = is(e, next, COMMENT);
    bool behind = comment || (comma && is(e, next, NEWLINE));

    put(e, at, at, "%s", comma ? "" : ",");
    if (behind)
        at = off(e, next + comment + 1);
    put(e, at, at, "%s%.*s%s%s%s", behind ? "" : "\n",
        (int)(off(e, last) - indent), cfg->text.data + indent, item,
        comma ? "," : "", behind ? "\n" : "");
}

static int add(struct edit *e, const char *item, struct xpci_error *err)
{
    const struct xpci_cfg_stmt *stmt = xpci_cfg_last(e->cfg, e->key);
    size_t tail, last;

    if (!stmt)
        return add_list(e, item, err);
    tail = significant(e, stmt->last, -1);
    last = is(e, tail, COMMA) ? significant(e, tail, -1) : tail;
    if (tail == stmt->first)
        add_first(e, stmt, item);
    else if (starts_line(e, last) &&
             (tail == last || next_on_line(e, last) == tail))
        add_line(e, last, tail, item);
    else
        add_inline(e, last, tail, item);
    return 0;
}

/* Item and all up to its comma; the bytes to go are one run. */
static void drop_with_comma(struct edit *e, size_t item, size_t comma,
                            size_t before)
{
    size_t next = next_on_line(e, comma);
    size_t following = significant(e, comma, 1);
    size_t blanks = off(e, with_blanks(e, item));
    size_t end = off(e, comma + 1);
    bool own = starts_line(e, item), newline = is(e, next, NEWLINE);
    bool first = is(e, before, XPCI_TOK_OPEN);
    bool comment = comment_between(e, comma, following);
    bool last = is(e, following, XPCI_TOK_CLOSE) && !comment;

    if (own && newline)
        cut(e, blanks, off(e, next + 1));
    else if (last && (first || (own && comment_between(e, before, item))))
        cut(e, blanks, end);
    else if (own ? last : !first)
        cut(e, off(e, before + 1), end);
    else
        cut(e, off(e, item),
            off(e, !own && newline && !comment ? following : next));
}

/* The last item, no comma behind it: what stands before it or its line. */
static void drop_last(struct edit *e, size_t item)
{
    size_t blanks = off(e, with_blanks(e, item));
    size_t next = next_on_line(e, item);

    if (starts_line(e, item) && is(e, next, NEWLINE))
        cut(e, blanks, off(e, next + 1));
    else if (starts_line(e, item) && is(e, next, COMMENT))
        cut(e, off(e, item), off(e, next));
    else
        cut(e, blanks, off(e, item + 1));
}

/* The last item of several: the comma before it goes as well. */
static void drop_tail(struct edit *e, size_t item, size_t comma)
{
    size_t before = significant(e, comma, -1);

    if (comment_between(e, before, item) ||
        (starts_line(e, item) && is(e, next_on_line(e, item), COMMENT))) {
        cut(e, off(e, comma), off(e, comma + 1));
        drop_last(e, item);
    } else {
        cut(e, off(e, before + 1), off(e, item + 1));
    }
}

static void drop(struct edit *e, size_t item)
{
    const struct xpci_cfg *cfg = e->cfg;
    const struct xpci_cfg_stmt *stmt = &cfg->stmts.v[cfg->stmts.n - 1];
    size_t comma = significant(e, item, 1);
    size_t before = significant(e, item, -1), from = off(e, stmt->key);
    char last = cfg->text.data[cfg->text.len - 1];

    if (stmt->first == item - 1 && stmt->last == item + 1 &&
        cfg->text.data[off(e, item)] == '\'' && is_own_line(e, stmt)) {
        /* xl's comment must keep its newline, so that one was not ours */
        from -= from && last != '\n' &&
                (last == ' ' || !after_comment(e, stmt->key));
        cut(e, from, cfg->text.len);
    } else if (!is(e, comma, COMMA) && is(e, before, COMMA)) {
        drop_tail(e, item, before);
    } else if (!is(e, comma, COMMA)) {
        drop_last(e, item);
    } else if (comment_between(e, item, comma)) {
        cut(e, off(e, item), off(e, item + 1));
        cut(e, off(e, comma), off(e, comma + 1));
    } else {
        drop_with_comma(e, item, comma, before);
    }
}

/* @value as a string in quotes; those and backslashes are escaped. */
static char *quote(const char *value, char q)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    int ret = xpci_buf_append(&out, &q, 1);

    for (; ret == 0 && *value; value++)
        ret = xpci_buf_printf(
            &out, *value == q || *value == '\\' ? "\\%c" : "%c", *value);
    if (ret == 0)
        ret = xpci_buf_append(&out, &q, 1);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}

/* In the quotes of the item that is there, or of the last one. */
static int make_text(struct edit *e, const struct xpci_cfg_items *items,
                     size_t k, const char *value, struct xpci_error *err)
{
    const struct xpci_cfg *cfg = e->cfg;
    size_t tok = k < items->n ? items->v[k].tok : 0;
    size_t model = k && !tok ? items->v[k - 1].tok : tok;
    char q = cfg->text.data[off(e, model)] == '"' ? '"' : '\'';
    _cleanup_free_ char *item = quote(value ? value : "", q);
    int ret = 0;

    xpci_need(item, err);
    if (!value)
        drop(e, tok);
    else if (tok)
        put(e, off(e, tok), off(e, tok + 1), "%s", item);
    else
        ret = add(e, item, err);
    cut(e, cfg->text.len, cfg->text.len);
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
    _cleanup_buf_ struct xpci_buf text = { 0 };
    struct edit e = { cfg, key, &text, 0, false };

    xpci_try(xpci_cfg_items(cfg, key, &old, err));
    xpci_try(make_text(&e, &old, k, value, err));
    xpci_try(xpci_cfg_parse(text.data, text.len, cfg->name, &next, err));
    xpci_try(xpci_cfg_items(next, key, &now, err));
    if (!is_meant(&old, k, value, &now))
        return xpci_error_set(err, EIO,
                              "%s: the edited '%s' list does not read back as "
                              "meant, nothing was changed",
                              cfg->name, key);
    xpci_cfg_swap(cfg, next);
    return 0;
}
