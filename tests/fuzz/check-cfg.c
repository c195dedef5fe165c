/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "check.h"
#include "tree.h"

const char *check_name = "input";

void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s: %s:%d: %s\n", check_name, file, line, what);
    abort();
}

static char *said; /* by xl, of the last file: "f:LINE: REASON" */

XLU_Config *xl_parse(const char *data, size_t len)
{
    static FILE *report;
    static size_t size;
    XLU_Config *xl;

    if (!report)
        report = open_memstream(&said, &size);
    CHECK(report && len <= INT_MAX);
    rewind(report);
    xl = xlu_cfg_init(report, "f");
    CHECK(xl);
    if (xlu_cfg_readdata(xl, data, (int)len) == 0)
        return xl;
    xlu_cfg_destroy(xl);
    CHECK(fputc('\0', report) == 0 && fflush(report) == 0);
    return NULL;
}

void xl_cleanup(XLU_Config **xl)
{
    xlu_cfg_destroy(*xl);
}

/* Strings with their length, for nothing in them to look like a list. */
static void put_string(struct xpci_buf *out, const char *s)
{
    CHECK(xpci_buf_printf(out, "%zu'%s'", strlen(s), s) == 0);
}

static void put_number(struct xpci_buf *out, int error, long value)
{
    CHECK(xpci_buf_printf(out, "%d %ld", error, error ? 0 : value) == 0);
}

static void xl_put_list(const XLU_Config *xl, const XLU_ConfigList *list,
                        struct xpci_buf *out)
{
    XLU_ConfigValue *item;
    XLU_ConfigList *inner;
    char *s;

    CHECK(xpci_buf_puts(out, "[") == 0);
    for (int i = 0; (item = xlu_cfg_get_listitem2(list, i)); i++) {
        if (xlu_cfg_value_type(item) == XLU_STRING) {
            CHECK(xlu_cfg_value_get_string(xl, item, &s, 1) == 0);
            put_string(out, s);
        } else {
            CHECK(xlu_cfg_value_get_list(xl, item, &inner, 1) == 0);
            xl_put_list(xl, inner, out);
        }
    }
    CHECK(xpci_buf_puts(out, "]") == 0);
}

char *xl_value(const XLU_Config *xl, const char *key)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    XLU_ConfigList *list;
    const char *s;
    long number = 0;
    int r = xlu_cfg_get_string(xl, key, &s, 1);

    if (r == 0) {
        put_string(&out, s);
        r = xlu_cfg_get_long(xl, key, &number, 1);
        put_number(&out, r, number);
    } else if (r == EINVAL) {
        CHECK(xlu_cfg_get_list(xl, key, &list, NULL, 1) == 0);
        xl_put_list(xl, list, &out);
    } else {
        CHECK(r == ESRCH);
    }
    return xpci_buf_steal(&out);
}

bool xl_pci(const XLU_Config *xl, struct xpci_strv *out)
{
    XLU_ConfigList *list;
    const char *item;
    int n, r = xlu_cfg_get_list(xl, "pci", &list, &n, 1);

    for (int i = 0; r == 0 && i < n; i++) {
        item = xlu_cfg_get_listitem(list, i);
        if (!item)
            return false;
        CHECK(xpci_strv_add(out, item) == 0);
    }
    return r != EINVAL;
}

/* The same of our tree: the numbers as xl would make them of our text. */

static int number_of(const char *s, bool added, long *value)
{
    char *end;

    if (added)
        return EINVAL;
    errno = 0;
    *value = strtol(s, &end, 0);
    if (errno)
        return errno;
    return *end || end == s ? EINVAL : 0;
}

static void put_items(const struct xpci_cfg *cfg,
                      const struct xpci_cfg_stmt *stmt, struct xpci_buf *out)
{
    for (size_t i = stmt->first + 1; i < stmt->last; i++) {
        _cleanup_free_ char *atom = NULL;

        switch (cfg->toks.v[i].type) {
        case XPCI_TOK_OPEN:
        case XPCI_TOK_CLOSE:
            CHECK(xpci_buf_append(out, cfg->text.data + cfg->toks.v[i].off,
                                  1) == 0);
            break;
        case XPCI_TOK_STRING:
        case XPCI_TOK_NUMBER:
            atom = xpci_cfg_atom(cfg, i);
            CHECK(atom);
            put_string(out, atom);
            break;
        default:
            break;
        }
    }
}

static char *our_value(const struct xpci_cfg *cfg, const char *key)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    _cleanup_free_ char *s = NULL;
    size_t first = xpci_cfg_chain(cfg, key);
    bool list = first < cfg->stmts.n && cfg->stmts.v[first].is_list,
         added = false;
    long number = 0;
    int r = xpci_cfg_string(cfg, key, &s, NULL);

    CHECK(r == (list ? -EINVAL : 0));
    if (list)
        CHECK(xpci_buf_puts(&out, "[") == 0);
    for (size_t i = first; i < cfg->stmts.n; i++) {
        if (!xpci_cfg_is_key(cfg, &cfg->stmts.v[i], key))
            continue;
        added = cfg->stmts.v[i].append;
        if (list)
            put_items(cfg, &cfg->stmts.v[i], &out);
    }
    if (list)
        CHECK(xpci_buf_puts(&out, "]") == 0);
    if (s) {
        put_string(&out, s);
        r = number_of(s, added, &number);
        put_number(&out, r, number);
    }
    return xpci_buf_steal(&out);
}

/* Of every word of the text: those that are no key must be none for both. */
static void same_values(const XLU_Config *xl, const struct xpci_cfg *cfg)
{
    for (size_t i = 0; i < cfg->toks.n; i++) {
        _cleanup_free_ char *ours = NULL, *theirs = NULL, *key = NULL;

        if (xpci_cfg_type(cfg, i) != XPCI_TOK_IDENT)
            continue;
        CHECK(asprintf(&key, "%.*s", XPCI_CFG_TEXT(cfg, i)) > 0);
        ours = our_value(cfg, key);
        theirs = xl_value(xl, key);
        CHECK(strcmp(ours, theirs) == 0);
    }
}

static const char *at_place(const struct xpci_cfg *cfg, unsigned int line,
                            unsigned int column)
{
    const char *s = cfg->text.data;

    for (; line > 1; line--) {
        s = strchr(s, '\n');
        CHECK(s);
        s++;
    }
    CHECK(column >= 1 && strcspn(s, "\n") >= column);
    return s + column - 1;
}

/* Where an item is said to stand, there is one. */
static void check_item(const struct xpci_cfg *cfg,
                       const struct xpci_cfg_item *item)
{
    const char *at = at_place(cfg, item->line, item->column);

    CHECK(*at == '\'' || *at == '"' ||
          strncmp(at, item->value, strlen(item->value)) == 0);
}

/* The list that is in the list, or the value that is none. */
static const char *check_unusable(const struct xpci_cfg *cfg, const char *msg)
{
    const char *id = divergence_of(OF_LIST, cfg->text.data, msg);
    unsigned int line, column;

    CHECK(id && sscanf(msg, "f:%u:%u: ", &line, &column) == 2);
    CHECK((*at_place(cfg, line, column) == '[') == !strcmp(id, "D3"));
    return id;
}

static const char *same_list(const XLU_Config *xl, const struct xpci_cfg *cfg)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_strv_ struct xpci_strv list = { 0 };
    bool usable = xl_pci(xl, &list);
    int r = xpci_cfg_list(cfg, "pci", &items, &err);

    CHECK((r == 0) == usable);
    if (!usable)
        return check_unusable(cfg, err.msg);
    CHECK(items.n == list.n);
    for (size_t i = 0; i < list.n; i++) {
        CHECK(strcmp(items.v[i].value, list.v[i]) == 0);
        check_item(cfg, &items.v[i]);
    }
    return ACCEPTED;
}

/*
 * xl's line, which for a newline is the one before, and for a list that is
 * added to a string the one where it ends.
 */
static bool same_line(unsigned int ours)
{
    unsigned int line;
    bool newline =
        strstr(said, "unexpected NEWLINE") || strstr(said, "unexpected $end");

    CHECK(sscanf(said, "f:%u: ", &line) == 1);
    return ours == line || (newline && ours == line + 1) ||
           (ours < line && strstr(said, "can't add [list]"));
}

/* "f:LINE:COLUMN: ..." on one line, and within the file. */
static void check_error(const char *data, size_t len, const char *msg,
                        bool rejected)
{
    unsigned int line, column, lines = 1;
    int n = 0;

    for (size_t i = 0; i < len; i++)
        lines += data[i] == '\n';
    CHECK(msg && sscanf(msg, "f:%u:%u: %n", &line, &column, &n) == 2 && n);
    CHECK(line >= 1 && line <= lines && column >= 1 && column <= len + 1);
    CHECK(!strchr(msg, '\n'));
    CHECK(!rejected || same_line(line));
}

static void check_print(const struct xpci_cfg *cfg, const char *data,
                        size_t len)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    size_t at = 0;

    CHECK(xpci_cfg_print(cfg, &out) == 0);
    CHECK(out.len == len && (!len || memcmp(out.data, data, len) == 0));
    for (size_t i = 0; i < cfg->toks.n; i++) {
        CHECK(xpci_cfg_start(cfg, i) == at);
        at = xpci_cfg_end(cfg, i);
    }
    CHECK(at == len);
}

const char *check_cfg(const char *data, size_t len)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_xl_ XLU_Config *xl = NULL;
    bool text = !len || !memchr(data, '\0', len);
    bool computes;
    const char *id;

    if (text)
        xl = xl_parse(len ? data : "", len);
    if (xpci_cfg_parse(data, len, "f", &cfg, &err) < 0) {
        computes = err.msg && strstr(err.msg, "; xpci runs no python");
        check_error(data, len, err.msg, text && !xl && !computes);
        if (text && !xl)
            return REJECTED;
        id = divergence_of(OF_FILE, text ? data : NULL, err.msg);
        CHECK(id);
        return id;
    }
    check_print(cfg, data, len);
    CHECK(!xl == !!xpci_cfg_xl_error(cfg));
    if (!xl) {
        check_error(data, len, xpci_cfg_xl_error(cfg), true);
        return READ_AS_XM;
    }
    same_values(xl, cfg);
    return same_list(xl, cfg);
}
