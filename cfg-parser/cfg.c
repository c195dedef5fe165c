/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <search.h>

#include "tree.h"
#include "xm.h"

/* bison gives up at some thousand levels; nobody has five. */
#define MAX_DEPTH 1000

struct parser {
    struct xpci_cfg *cfg;
    size_t pos;
    bool masked; /* what xl cannot join python may */
    void *names; /* of the first .named statements; the last of a name counts */
    size_t named;
    struct xpci_error *err;
};

static void clear_tree(struct xpci_cfg *cfg)
{
    free(xpci_steal(cfg->stmts).v);
    xpci_toks_clear(&cfg->toks);
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
static enum xpci_tok_type peek(struct parser *p, bool newlines)
{
    for (;; p->pos++) {
        enum xpci_tok_type type = xpci_cfg_type(p->cfg, p->pos);

        if (type != XPCI_TOK_BLANK && type != XPCI_TOK_COMMENT &&
            (!newlines || type != XPCI_TOK_NEWLINE))
            return type;
    }
}

static bool at_end(enum xpci_tok_type type)
{
    return type == XPCI_TOK_END || type == XPCI_TOK_STRAY;
}

static bool is_atom(enum xpci_tok_type type)
{
    return type == XPCI_TOK_STRING || type == XPCI_TOK_NUMBER;
}

/* At the token that peek() has found. */
static int syntax_error(struct parser *p, const char *expected)
{
    enum xpci_tok_type type = xpci_cfg_type(p->cfg, p->pos);
    size_t at = xpci_cfg_start(p->cfg, p->pos);
    size_t len = xpci_cfg_end(p->cfg, p->pos) - at;

    if (at_end(type) || type == XPCI_TOK_NEWLINE)
        return xpci_cfg_error(p->err, p->cfg, p->pos,
                              "expected %s, but the %s ends", expected,
                              at_end(type) ? "file" : "line");
    if (type == XPCI_TOK_STRING)
        return xpci_cfg_error(p->err, p->cfg, p->pos,
                              "expected %s, not a string", expected);
    return xpci_cfg_error(p->err, p->cfg, p->pos, "expected %s, not '%.*s'",
                          expected, len > 40 ? 40 : (int)len,
                          p->cfg->text.data + at);
}

/* Without recursion: the depth is the file's, the stack is ours. */
static int parse_list(struct parser *p)
{
    bool want = true, fresh = true; /* a value may come; only "[" was there */

    for (unsigned int depth = 1; depth;) {
        enum xpci_tok_type type;

        p->pos++;
        type = peek(p, true);
        if (type == XPCI_TOK_COMMA && !want) {
            want = true;
            fresh = false;
        } else if (type == XPCI_TOK_CLOSE) {
            depth--;
            want = false;
        } else if (!want) {
            return syntax_error(p, "',' or ']' in the list");
        } else if (type == XPCI_TOK_OPEN) {
            if (depth++ == MAX_DEPTH)
                return xpci_cfg_error(p->err, p->cfg, p->pos,
                                      "lists nested too deeply");
            fresh = true;
        } else if (!is_atom(type)) {
            return syntax_error(p, fresh ? "a value or ']' in the list"
                                         : "a value in the list");
        } else {
            want = false;
        }
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

/* xl joins lists with lists and strings with strings only. */
static int check_append(struct parser *p, const struct xpci_cfg_stmt *stmt)
{
    const struct xpci_cfg *cfg = p->cfg;
    const char *const kinds[] = { "single value", "list" };
    const char *text = cfg->text.data, *name, **node;
    struct xpci_place place = { 0 };
    size_t len = xpci_cfg_end(cfg, stmt->key) - xpci_cfg_start(cfg, stmt->key);

    for (; p->named < cfg->stmts.n; p->named++) {
        name = text + xpci_cfg_start(cfg, cfg->stmts.v[p->named].key);
        node = tsearch(name, &p->names, xpci_cfg_cmp_names);
        xpci_need(node, p->err);
        *node = name;
    }
    name = text + xpci_cfg_start(cfg, stmt->key);
    node = tfind(name, &p->names, xpci_cfg_cmp_names);
    if (!node)
        return 0;
    name = *node + len;
    if ((name[strspn(name, " \t+=\\\n")] == '[') == stmt->is_list)
        return 0;
    xpci_lex_seek(text, &place, (size_t)(*node - text));
    return xpci_cfg_error(p->err, cfg, stmt->first,
                          "'%.*s' is a %s in line %u, xl cannot add a %s",
                          (int)len, *node, kinds[!stmt->is_list], place.line,
                          kinds[stmt->is_list]);
}

static int parse_stmt(struct parser *p)
{
    struct xpci_cfg_stmt stmt = { .key = (uint32_t)p->pos++ };
    enum xpci_tok_type type = peek(p, false);

    stmt.append = type == XPCI_TOK_APPEND;
    if (!stmt.append && type != XPCI_TOK_ASSIGN)
        return syntax_error(p, "'=' or '+=' after the name (xl does not run "
                               "python code)");
    p->pos++;
    type = peek(p, false);
    stmt.first = (uint32_t)p->pos;
    stmt.is_list = type == XPCI_TOK_OPEN;
    if (stmt.is_list)
        xpci_try(parse_list(p));
    else if (!is_atom(type))
        return syntax_error(p, "a 'string', a number or a [list]");
    stmt.last = (uint32_t)p->pos++;
    if (stmt.append && !p->masked)
        xpci_try(check_append(p, &stmt));
    type = peek(p, false);
    if (type != XPCI_TOK_NEWLINE && type != XPCI_TOK_SEMICOLON && !at_end(type))
        return syntax_error(p, "the end of the line after the value");
    xpci_need(xpci_list_push(&p->cfg->stmts, stmt) == 0, p->err);
    return 0;
}

static int parse_file(struct parser *p)
{
    enum xpci_tok_type type;

    while (!at_end(type = peek(p, true))) {
        if (type == XPCI_TOK_IDENT)
            xpci_try(parse_stmt(p));
        else if (type == XPCI_TOK_SEMICOLON)
            p->pos++;
        else
            return syntax_error(p, "a name at the start of a statement");
    }
    return 0;
}

/* @from takes the place of @err. */
static void replace(struct xpci_error *err, struct xpci_error *from)
{
    if (!err)
        return;
    xpci_error_clear(err);
    *err = xpci_steal(*from);
}

/* @text is the file's, or as long. */
static int parse_text(struct xpci_cfg *cfg, const struct xpci_buf *text,
                      struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error syntax = { 0 };
    struct parser p = { .cfg = cfg,
                        .masked = text != &cfg->text,
                        .err = &syntax };
    int ret, lex = xpci_lex(text->data, text->len, cfg->name, &cfg->toks, err);

    if (!cfg->toks.n)
        return lex;
    ret = parse_file(&p);
    xpci_cfg_free_names(p.names);
    /* the first error is to be told, be it one of the lexer or not */
    if (ret == 0 || (lex < 0 && p.pos == cfg->toks.n - 1))
        return lex;
    replace(err, &syntax);
    return ret;
}

/* What xl rejects may be xm's. @err is xl's; xm's takes its place if any. */
static int parse_as_xm(struct xpci_cfg *cfg, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_buf_ struct xpci_buf mask = { 0 };
    int ret = xpci_xm_mask(&cfg->text, cfg->name, &mask, &why);

    if (why.code)
        replace(err, &why);
    if (ret < 0)
        return ret;
    clear_tree(cfg);
    ret = parse_text(cfg, &mask, NULL);
    if (ret == 0)
        cfg->xl_error = xpci_steal(err->msg);
    return ret;
}

int xpci_cfg_parse(const char *data, size_t len, const char *name,
                   struct xpci_cfg **out, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = calloc(1, sizeof(*cfg));
    int ret;

    xpci_need(cfg && (cfg->name = strdup(name)) &&
                  xpci_buf_append(&cfg->text, data, len) == 0,
              err);
    ret = parse_text(cfg, &cfg->text, &why);
    if (ret == -EINVAL && why.msg && cfg->toks.n)
        ret = parse_as_xm(cfg, &why);
    if (ret == 0)
        *out = xpci_steal(cfg);
    else
        replace(err, &why);
    return ret;
}

void xpci_cfg_swap(struct xpci_cfg *a, struct xpci_cfg *b)
{
    struct xpci_cfg tmp = *a;

    *a = *b;
    *b = tmp;
}

int xpci_cfg_print(const struct xpci_cfg *cfg, struct xpci_buf *out)
{
    return xpci_buf_append(out, cfg->text.data, cfg->text.len);
}

bool xpci_cfg_is_key(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_stmt *stmt, const char *key)
{
    size_t at = xpci_cfg_start(cfg, stmt->key), len = strlen(key);

    return xpci_cfg_end(cfg, stmt->key) - at == len &&
           memcmp(cfg->text.data + at, key, len) == 0;
}

const struct xpci_cfg_stmt *xpci_cfg_last(const struct xpci_cfg *cfg,
                                          const char *key)
{
    for (size_t i = cfg->stmts.n; i-- > 0;) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts.v[i], key))
            return &cfg->stmts.v[i];
    }
    return NULL;
}

size_t xpci_cfg_chain(const struct xpci_cfg *cfg, const char *key)
{
    size_t start = cfg->stmts.n;

    for (size_t i = 0; i < cfg->stmts.n; i++) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts.v[i], key) &&
            (start == cfg->stmts.n || !cfg->stmts.v[i].append))
            start = i;
    }
    return start;
}

char *xpci_cfg_atom(const struct xpci_cfg *cfg, size_t tok)
{
    const char *s = cfg->text.data + xpci_cfg_start(cfg, tok);
    size_t len = xpci_cfg_end(cfg, tok) - xpci_cfg_start(cfg, tok), bad;
    char *value = strndup(s, len);

    /* the lexer has accepted it, so the second part cannot fail */
    if (value && xpci_cfg_type(cfg, tok) == XPCI_TOK_STRING &&
        xpci_lex_unquote(s, len, value, &bad) < 0) {
        free(value);
        value = NULL;
    }
    return value;
}

/* xm's, and more than a plain value? See xm.h. */
static bool is_computed(const struct xpci_cfg *cfg, size_t tok)
{
    const char *s = cfg->text.data + xpci_cfg_start(cfg, tok);

    return cfg->xl_error && xpci_cfg_type(cfg, tok) == XPCI_TOK_NUMBER &&
           (!isdigit((unsigned char)*s) ||
            s + strspn(s, "0123456789abcdefx") <
                cfg->text.data + xpci_cfg_end(cfg, tok));
}

void xpci_cfg_items_clear(struct xpci_cfg_items *items)
{
    xpci_list_clear(items, item, free(item->value));
}

/* @place is that of the item before. */
static int add_item(const struct xpci_cfg *cfg, size_t tok, bool has_value,
                    struct xpci_place *place, struct xpci_cfg_items *out)
{
    struct xpci_cfg_item *item = xpci_list_add(out);

    xpci_need(item, NULL);
    xpci_lex_seek(cfg->text.data, place, xpci_cfg_start(cfg, tok));
    *item = (struct xpci_cfg_item){ .tok = tok,
                                    .line = place->line,
                                    .column = place->column };
    if (has_value)
        xpci_need(item->value = xpci_cfg_atom(cfg, tok), NULL);
    return 0;
}

int xpci_cfg_items(const struct xpci_cfg *cfg, const char *key,
                   struct xpci_cfg_items *out, struct xpci_error *err)
{
    struct xpci_place place = { 0 };

    for (size_t i = xpci_cfg_chain(cfg, key); i < cfg->stmts.n; i++) {
        const struct xpci_cfg_stmt *stmt = &cfg->stmts.v[i];
        size_t depth = 0;

        if (!xpci_cfg_is_key(cfg, stmt, key))
            continue;
        if (!stmt->is_list)
            xpci_need(add_item(cfg, stmt->first, false, &place, out) == 0, err);
        for (size_t k = stmt->first + 1; k < stmt->last; k++) {
            enum xpci_tok_type type = xpci_cfg_type(cfg, k);

            depth -= type == XPCI_TOK_CLOSE;
            if (!depth && (is_atom(type) || type == XPCI_TOK_OPEN))
                xpci_need(add_item(cfg, k, is_atom(type), &place, out) == 0,
                          err);
            depth += type == XPCI_TOK_OPEN;
        }
    }
    return 0;
}

/* Why @tok is no item that has a value. */
static int item_error(const struct xpci_cfg *cfg, const char *key, size_t tok,
                      struct xpci_error *err)
{
    if (xpci_cfg_type(cfg, tok) == XPCI_TOK_OPEN)
        return xpci_cfg_error(err, cfg, tok,
                              "a list inside the list '%s': xl drops it and "
                              "every item behind it",
                              key);
    return xpci_cfg_error(err, cfg, tok, "'%s' is %s", key,
                          is_computed(cfg, tok)
                              ? "computed, not a plain list of strings"
                              : "a single value, not a list: xl ignores it and "
                                "the devices in it; put it into [brackets]");
}

int xpci_cfg_list(const struct xpci_cfg *cfg, const char *key,
                  struct xpci_cfg_items *out, struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };

    xpci_try(xpci_cfg_items(cfg, key, &items, err));
    for (size_t i = 0; i < items.n; i++) {
        if (!items.v[i].value)
            return item_error(cfg, key, items.v[i].tok, err);
    }
    *out = xpci_steal(items);
    return 0;
}

int xpci_cfg_string(const struct xpci_cfg *cfg, const char *key, char **out,
                    struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf value = { 0 };
    size_t i = xpci_cfg_chain(cfg, key);

    *out = NULL;
    if (i == cfg->stmts.n)
        return 0;
    for (; i < cfg->stmts.n; i++) {
        _cleanup_free_ char *part = NULL;
        const struct xpci_cfg_stmt *stmt = &cfg->stmts.v[i];

        if (!xpci_cfg_is_key(cfg, stmt, key))
            continue;
        if (stmt->is_list || is_computed(cfg, stmt->first))
            return xpci_cfg_error(err, cfg, stmt->first,
                                  "'%s' is %s, not a single value", key,
                                  stmt->is_list ? "a list" : "computed");
        part = xpci_cfg_atom(cfg, stmt->first);
        xpci_need(part && xpci_buf_puts(&value, part) == 0, err);
    }
    *out = xpci_buf_steal(&value);
    return *out ? 0 : xpci_error_oom(err);
}
