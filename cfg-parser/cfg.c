/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <string.h>

#include "tree.h"
#include "xm.h"

/* bison gives up at some thousand levels; nobody has five. */
#define MAX_DEPTH 1000

struct parser {
    struct xpci_cfg *cfg;
    size_t pos;
    void *names; /* of the first .named statements; the last of a name counts */
    size_t named;
    struct xpci_error *err;
};

static void stmt_clear(struct xpci_cfg_stmt *stmt)
{
    free(stmt->items);
    *stmt = (struct xpci_cfg_stmt){ 0 };
}

#define _cleanup_stmt_ _cleanup_(stmt_clear)

static void clear_tree(struct xpci_cfg *cfg)
{
    for (size_t i = 0; i < cfg->n; i++)
        stmt_clear(&cfg->stmts[i]);
    free(cfg->stmts);
    xpci_toks_clear(&cfg->toks);
    cfg->stmts = NULL;
    cfg->n = 0;
}

void xpci_cfg_free(struct xpci_cfg *cfg)
{
    if (!cfg)
        return;
    clear_tree(cfg);
    xpci_buf_clear(&cfg->text);
    free(cfg->name);
    free(cfg->xl_error);
    free(cfg);
}

const char *xpci_cfg_xl_error(const struct xpci_cfg *cfg)
{
    return cfg->xl_error;
}

/* The next token that counts; @newlines: newlines do not. */
static const struct xpci_tok *peek(struct parser *p, bool newlines)
{
    const struct xpci_tok *tok;

    for (;;) {
        tok = &p->cfg->toks.v[p->pos];
        if (tok->type != XPCI_TOK_BLANK && tok->type != XPCI_TOK_COMMENT &&
            (!newlines || tok->type != XPCI_TOK_NEWLINE))
            return tok;
        p->pos++;
    }
}

static bool at_end(const struct xpci_tok *tok)
{
    return tok->type == XPCI_TOK_END || tok->type == XPCI_TOK_STRAY;
}

static int syntax_error(struct parser *p, const struct xpci_tok *tok,
                        const char *expected)
{
    int len = tok->len > 40 ? 40 : (int)tok->len;

    if (at_end(tok) || tok->type == XPCI_TOK_NEWLINE)
        return xpci_lex_error(p->err, p->cfg->name, tok,
                              "expected %s, but the %s ends", expected,
                              at_end(tok) ? "file" : "line");
    if (tok->type == XPCI_TOK_STRING)
        return xpci_lex_error(p->err, p->cfg->name, tok,
                              "expected %s, not a string", expected);
    return xpci_lex_error(p->err, p->cfg->name, tok, "expected %s, not '%.*s'",
                          expected, len, p->cfg->text.data + tok->off);
}

static bool is_atom(const struct xpci_tok *tok)
{
    return tok->type == XPCI_TOK_STRING || tok->type == XPCI_TOK_NUMBER;
}

static int add_item(struct parser *p, struct xpci_cfg_stmt *stmt, size_t first)
{
    struct xpci_cfg_node *v;

    /* grows at powers of two */
    if ((stmt->n & (stmt->n - 1)) == 0) {
        v = reallocarray(stmt->items, stmt->n ? stmt->n * 2 : 1, sizeof(*v));
        if (!v)
            return xpci_error_oom(p->err);
        stmt->items = v;
    }
    stmt->items[stmt->n++] = (struct xpci_cfg_node){ first, p->pos };
    return 0;
}

struct list_state {
    unsigned int depth; /* open brackets */
    size_t inner;       /* where the item of the outer list began */
    bool want;          /* a value may come, no comma */
    bool fresh;         /* nothing since "[" */
};

static int list_token(struct parser *p, struct xpci_cfg_stmt *stmt,
                      struct list_state *st, const struct xpci_tok *tok)
{
    if (tok->type == XPCI_TOK_COMMA && !st->want) {
        st->want = true;
        st->fresh = false;
        return 0;
    }
    if (tok->type == XPCI_TOK_CLOSE) {
        st->depth--;
        st->want = false;
        return st->depth == 1 ? add_item(p, stmt, st->inner) : 0;
    }
    if (!st->want)
        return syntax_error(p, tok, "',' or ']' in the list");
    if (tok->type == XPCI_TOK_OPEN) {
        if (st->depth == MAX_DEPTH)
            return xpci_lex_error(p->err, p->cfg->name, tok,
                                  "lists nested too deeply");
        if (st->depth++ == 1)
            st->inner = p->pos;
        st->fresh = true;
        return 0;
    }
    if (!is_atom(tok))
        return syntax_error(p, tok,
                            st->fresh ? "a value or ']' in the list"
                                      : "a value in the list");
    st->want = false;
    return st->depth == 1 ? add_item(p, stmt, p->pos) : 0;
}

/* Without recursion: the depth is the file's, the stack is ours. */
static int parse_list(struct parser *p, struct xpci_cfg_stmt *stmt)
{
    struct list_state st = { .depth = 1, .want = true, .fresh = true };
    const struct xpci_tok *tok;
    int ret;

    while (st.depth) {
        p->pos++;
        tok = peek(p, true);
        ret = list_token(p, stmt, &st, tok);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int in_name(const char *s)
{
    return isalnum((unsigned char)*s) || *s == '.' || *s == '_' ? *s : 0;
}

int xpci_cfg_cmp_names(const void *a, const void *b)
{
    const char *x = a, *y = b;

    for (; in_name(x) && *x == *y; x++)
        y++;
    return in_name(x) - in_name(y);
}

static void keep(void *name)
{
    (void)name;
}

void xpci_cfg_free_names(void *root)
{
    tdestroy(root, keep);
}

/* Where a statement before this one sets the name at @key; NULL: nowhere. */
static int find_last(struct parser *p, const char *key, const char **last)
{
    const struct xpci_cfg *cfg = p->cfg;
    const char *name, **node;

    for (; p->named < cfg->n; p->named++) {
        name = cfg->text.data + cfg->toks.v[cfg->stmts[p->named].key].off;
        node = tsearch(name, &p->names, xpci_cfg_cmp_names);
        if (!node)
            return xpci_error_oom(p->err);
        *node = name;
    }
    node = tfind(key, &p->names, xpci_cfg_cmp_names);
    *last = node ? *node : NULL;
    return 0;
}

/* xl joins lists with lists and strings with strings only. */
static int check_append(struct parser *p, const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_tok *key = &p->cfg->toks.v[stmt->key];
    const char *text = p->cfg->text.data, *last = NULL, *value;
    struct xpci_tok place = { 0 };
    int ret = find_last(p, text + key->off, &last);

    if (ret < 0 || !last)
        return ret;
    value = last + key->len;
    value += strspn(value, " \t+=\\\n");
    if ((*value == '[') == stmt->is_list)
        return 0;
    xpci_lex_seek(text, &place, (size_t)(last - text));
    return xpci_lex_error(
        p->err, p->cfg->name, &p->cfg->toks.v[stmt->value.first],
        "'%.*s' is a %s in line %u, xl cannot add a %s", (int)key->len, last,
        stmt->is_list ? "single value" : "list", place.line,
        stmt->is_list ? "list" : "single value");
}

static int add_stmt(struct parser *p, struct xpci_cfg_stmt *stmt)
{
    struct xpci_cfg *cfg = p->cfg;
    struct xpci_cfg_stmt *v;

    if ((cfg->n & (cfg->n - 1)) == 0) {
        v = reallocarray(cfg->stmts, cfg->n ? cfg->n * 2 : 1, sizeof(*v));
        if (!v)
            return xpci_error_oom(p->err);
        cfg->stmts = v;
    }
    cfg->stmts[cfg->n++] = xpci_steal(*stmt);
    return 0;
}

static int parse_value(struct parser *p, struct xpci_cfg_stmt *stmt)
{
    const struct xpci_tok *tok = peek(p, false);
    int ret;

    stmt->value.first = p->pos;
    stmt->is_list = tok->type == XPCI_TOK_OPEN;
    if (!stmt->is_list && !is_atom(tok))
        return syntax_error(p, tok, "a 'string', a number or a [list]");
    ret = stmt->is_list ? parse_list(p, stmt) : 0;
    if (ret < 0)
        return ret;
    stmt->value.last = p->pos++;
    return stmt->append ? check_append(p, stmt) : 0;
}

static int parse_stmt(struct parser *p)
{
    _cleanup_stmt_ struct xpci_cfg_stmt stmt = { .key = p->pos++ };
    const struct xpci_tok *tok = peek(p, false);
    int ret;

    stmt.append = tok->type == XPCI_TOK_APPEND;
    if (!stmt.append && tok->type != XPCI_TOK_ASSIGN)
        return syntax_error(p, tok,
                            "'=' or '+=' after the name (xl does not run "
                            "python code)");
    p->pos++;
    ret = parse_value(p, &stmt);
    if (ret < 0)
        return ret;
    tok = peek(p, false);
    if (tok->type != XPCI_TOK_NEWLINE && tok->type != XPCI_TOK_SEMICOLON &&
        !at_end(tok))
        return syntax_error(p, tok, "the end of the line after the value");
    return add_stmt(p, &stmt);
}

static int parse_file(struct parser *p)
{
    const struct xpci_tok *tok;
    int ret = 0;

    while (ret == 0 && !at_end(tok = peek(p, true))) {
        if (tok->type == XPCI_TOK_IDENT)
            ret = parse_stmt(p);
        else if (tok->type == XPCI_TOK_SEMICOLON)
            p->pos++;
        else
            ret = syntax_error(p, tok, "a name at the start of a statement");
    }
    return ret;
}

/* @text is the file's, or as long. */
static int parse_text(struct xpci_cfg *cfg, const struct xpci_buf *text,
                      struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error syntax = { 0 };
    struct parser p = { .cfg = cfg, .err = &syntax };
    int ret, lex = xpci_lex(text->data, text->len, cfg->name, &cfg->toks, err);

    if (!cfg->toks.n)
        return lex;
    ret = parse_file(&p);
    xpci_cfg_free_names(p.names);
    /* the first error is to be told, be it one of the lexer or not */
    if (ret == 0 || (lex < 0 && p.pos == cfg->toks.n - 1))
        return lex;
    xpci_error_clear(err);
    *err = xpci_steal(syntax);
    return ret;
}

/* What xl rejects may be xm's. @err is xl's; xm's takes its place if any. */
static int parse_as_xm(struct xpci_cfg *cfg, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 }, none = { 0 };
    _cleanup_buf_ struct xpci_buf mask = { 0 };
    struct xpci_tok place = { 0 };
    int ret = xpci_xm_mask(&cfg->text, cfg->name, &mask, &why);

    if (why.code) {
        xpci_error_clear(err);
        *err = xpci_steal(why);
    }
    if (ret == 0) {
        clear_tree(cfg);
        ret = parse_text(cfg, &mask, &none);
    }
    if (ret < 0)
        return ret;
    for (size_t i = 0; i < cfg->toks.n; i++) { /* lines were written over too */
        xpci_lex_seek(cfg->text.data, &place, cfg->toks.v[i].off);
        cfg->toks.v[i].line = place.line;
        cfg->toks.v[i].column = place.column;
    }
    cfg->xl_error = xpci_steal(err->msg);
    return 0;
}

int xpci_cfg_parse(const char *data, size_t len, const char *name,
                   struct xpci_cfg **out, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = calloc(1, sizeof(*cfg));
    int ret;

    if (!cfg || !(cfg->name = strdup(name)) ||
        xpci_buf_append(&cfg->text, data, len) < 0)
        return xpci_error_oom(err);
    ret = parse_text(cfg, &cfg->text, &why);
    if (ret == -EINVAL && why.msg && cfg->toks.n)
        ret = parse_as_xm(cfg, &why);
    if (ret == 0) {
        *out = xpci_steal(cfg);
    } else if (err) {
        xpci_error_clear(err);
        *err = xpci_steal(why);
    }
    return ret;
}

int xpci_cfg_print(const struct xpci_cfg *cfg, struct xpci_buf *out)
{
    return xpci_buf_append(out, cfg->text.data, cfg->text.len);
}

bool xpci_cfg_is_key(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, const char *key)
{
    const struct xpci_tok *tok = &cfg->toks.v[stmt->key];

    return tok->len == strlen(key) &&
           memcmp(cfg->text.data + tok->off, key, tok->len) == 0;
}

size_t xpci_cfg_chain(const struct xpci_cfg *cfg, const char *key)
{
    size_t start = cfg->n;

    for (size_t i = 0; i < cfg->n; i++) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts[i], key) &&
            (start == cfg->n || !cfg->stmts[i].append))
            start = i;
    }
    return start;
}

char *xpci_cfg_atom(const struct xpci_cfg *cfg, size_t tok)
{
    const struct xpci_tok *t = &cfg->toks.v[tok];
    const char *s = cfg->text.data + t->off;
    char *value;
    size_t bad;

    if (t->type == XPCI_TOK_NUMBER)
        return strndup(s, t->len);
    value = malloc(t->len);
    /* the lexer has accepted it, so the second part cannot fail */
    if (value && xpci_lex_unquote(s, t->len, value, &bad) < 0) {
        free(value);
        value = NULL;
    }
    return value;
}

/* xm's, and more than a plain value? See xm.h. */
static bool is_computed(const struct xpci_cfg *cfg,
                        const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_tok *tok = &cfg->toks.v[stmt->value.first];
    const char *s = cfg->text.data + tok->off;

    return cfg->xl_error && tok->type == XPCI_TOK_NUMBER &&
           (!isdigit((unsigned char)*s) ||
            strspn(s, "0123456789abcdefx") < tok->len);
}

void xpci_cfg_items_clear(struct xpci_cfg_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        free(items->v[i].value);
    free(items->v);
    *items = (struct xpci_cfg_items){ 0 };
}

static int list_item(const struct xpci_cfg *cfg, const char *key,
                     const struct xpci_cfg_node *node,
                     struct xpci_cfg_items *out, struct xpci_error *err)
{
    const struct xpci_tok *tok = &cfg->toks.v[node->first];
    char *value;

    if (!is_atom(tok))
        return xpci_lex_error(err, cfg->name, tok,
                              "a list inside the list '%s': xl ignores it "
                              "and what follows",
                              key);
    value = xpci_cfg_atom(cfg, node->first);
    if (!value)
        return xpci_error_oom(err);
    out->v[out->n++] = (struct xpci_cfg_item){ value, tok->line, tok->column };
    return 0;
}

static int list_stmt(const struct xpci_cfg *cfg, const char *key,
                     const struct xpci_cfg_stmt *stmt,
                     struct xpci_cfg_items *out, struct xpci_error *err)
{
    struct xpci_cfg_item *v;
    int ret = 0;

    if (!stmt->is_list)
        return xpci_lex_error(
            err, cfg->name, &cfg->toks.v[stmt->value.first], "'%s' is %s", key,
            is_computed(cfg, stmt)
                ? "computed, not a plain list of strings"
                : "a single value, not a list: xl ignores it");
    if (!stmt->n)
        return 0;
    v = reallocarray(out->v, out->n + stmt->n, sizeof(*v));
    if (!v)
        return xpci_error_oom(err);
    out->v = v;
    for (size_t i = 0; ret == 0 && i < stmt->n; i++)
        ret = list_item(cfg, key, &stmt->items[i], out, err);
    return ret;
}

int xpci_cfg_list(const struct xpci_cfg *cfg, const char *key,
                  struct xpci_cfg_items *out, struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    int ret = 0;

    for (size_t i = xpci_cfg_chain(cfg, key); ret == 0 && i < cfg->n; i++) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts[i], key))
            ret = list_stmt(cfg, key, &cfg->stmts[i], &items, err);
    }
    if (ret < 0)
        return ret;
    *out = xpci_steal(items);
    return 0;
}

int xpci_cfg_string(const struct xpci_cfg *cfg, const char *key, char **out,
                    struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf value = { 0 };
    size_t i = xpci_cfg_chain(cfg, key);

    *out = NULL;
    if (i == cfg->n)
        return 0;
    for (; i < cfg->n; i++) {
        _cleanup_free_ char *part = NULL;
        const struct xpci_cfg_stmt *stmt = &cfg->stmts[i];

        if (!xpci_cfg_is_key(cfg, stmt, key))
            continue;
        if (stmt->is_list || is_computed(cfg, stmt))
            return xpci_lex_error(err, cfg->name,
                                  &cfg->toks.v[stmt->value.first],
                                  "'%s' is %s, not a single value", key,
                                  stmt->is_list ? "a list" : "computed");
        part = xpci_cfg_atom(cfg, stmt->value.first);
        if (!part || xpci_buf_puts(&value, part) < 0)
            return xpci_error_oom(err);
    }
    *out = xpci_buf_steal(&value);
    return *out ? 0 : xpci_error_oom(err);
}

int xpci_cfg_adopt(struct xpci_cfg **cfg, const struct xpci_buf *text,
                   struct xpci_error *err)
{
    struct xpci_cfg *next = NULL;
    int ret = xpci_cfg_parse(text->data, text->len, (*cfg)->name, &next, err);

    if (ret < 0)
        return ret;
    xpci_cfg_free(*cfg);
    *cfg = next;
    return 0;
}
