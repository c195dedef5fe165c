/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lex.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"

struct lexer {
    const char *data;
    size_t len;
    const char *name;
    struct xpci_tok tok; /* the one being cut */
    struct xpci_toks *out;
    struct xpci_error *err;
};

int xpci_lex_error(struct xpci_error *err, const char *name,
                   const struct xpci_tok *tok, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (r < 0) {
        text = NULL;
        return xpci_error_oom(err);
    }
    return xpci_error_set(err, EINVAL, "%s:%u:%u: %s", name, tok->line,
                          tok->column, text);
}

/*
 * xl's "\1" wants two more characters that strtoul(.., 10) takes, blanks and
 * signs among them, and yields nothing; see cfg-grammar.md.
 */
static size_t octal_len(const char *s, size_t left)
{
    char window[4] = { 0 };
    char *end;
    size_t used;

    memcpy(window, s, left < 3 ? left : 3);
    (void)strtoul(window, &end, 10);
    used = (size_t)(end - window);
    return used >= 2 ? used : 0;
}

/* The byte for the escape letter @c, or 0. */
static char escape_value(char c)
{
    static const char from[] = "'\"\\abfnrtv", to[] = "'\"\\\a\b\f\n\r\t\v";
    const char *p = c ? strchr(from, c) : NULL;

    return p ? to[p - from] : '\0';
}

int xpci_lex_unquote(const char *s, size_t len, char *out, size_t *bad)
{
    size_t i = 1, n = 0, used;
    bool known;
    char c;

    while (i < len - 1) {
        c = s[i++];
        if (c == '\\') {
            c = s[i++];
            if (c >= '0' && c <= '7') {
                used = octal_len(s + i, len - i);
                i += used;
                known = used > 0;
                c = '\0';
            } else {
                c = escape_value(c);
                known = c != '\0';
            }
            if (!known) {
                *bad = i - 2;
                return -EINVAL;
            }
        }
        if (out && c)
            out[n++] = c;
    }
    if (out)
        out[n] = '\0';
    return 0;
}

void xpci_toks_clear(struct xpci_toks *toks)
{
    free(toks->v);
    *toks = (struct xpci_toks){ 0 };
}

/* Takes the next @len bytes as a token. */
static int push(struct lexer *lex, enum xpci_tok_type type, size_t len)
{
    struct xpci_toks *out = lex->out;
    struct xpci_tok *v;
    size_t size;

    if (out->n == out->size) {
        size = out->size ? out->size * 2 : 64;
        v = reallocarray(out->v, size, sizeof(*v));
        if (!v)
            return xpci_error_oom(lex->err);
        out->v = v;
        out->size = size;
    }
    lex->tok.type = type;
    lex->tok.len = len;
    out->v[out->n++] = lex->tok;
    lex->tok.off += len;
    lex->tok.column += (unsigned int)len;
    if (type == XPCI_TOK_NEWLINE) {
        lex->tok.line++;
        lex->tok.column = 1;
    }
    return 0;
}

/* How many bytes from here on are in @set. */
static size_t span(const struct lexer *lex, const char *set)
{
    size_t i = lex->tok.off;

    while (i < lex->len && lex->data[i] && strchr(set, lex->data[i]))
        i++;
    return i - lex->tok.off;
}

static size_t comment_len(const struct lexer *lex)
{
    const char *s = lex->data + lex->tok.off;
    size_t left = lex->len - lex->tok.off;
    const char *end = memchr(s, '\n', left);

    return end ? (size_t)(end - s) : 0;
}

/* Of the whole string, 0 if it does not end on its line. */
static size_t string_len(const struct lexer *lex)
{
    const char *s = lex->data + lex->tok.off;
    size_t left = lex->len - lex->tok.off;

    for (size_t i = 1; i < left && s[i] != '\n'; i++) {
        if (s[i] == s[0])
            return i + 1;
        if (s[i] == '\\' && ++i < left && s[i] == '\n')
            return 0;
    }
    return 0;
}

static const char *reason(char c)
{
    switch (c) {
    case '\r':
        return "xl cannot read files with CRLF line ends, convert the file "
               "to LF";
    case '\'':
    case '"':
        return "the string does not end on its line";
    case '#':
        return "xl rejects a last line that is a comment without a newline "
               "at its end";
    case '\\':
        return "xl knows no line continuation";
    case '+':
    case '-':
    case '.':
    case '(':
    case ')':
    case ':':
    case '{':
    case '}':
        return "xl does not run python code: a value is a 'string', a "
               "non-negative number or a [list]";
    }
    if ((c >= 'A' && c <= 'Z') || c == '_')
        return "a name starts with a lower-case letter and has no capitals, "
               "and xl knows no python constants such as True or None";
    return NULL;
}

static int lex_error(struct lexer *lex)
{
    unsigned char c = (unsigned char)lex->data[lex->tok.off];
    const char *why = reason((char)c);

    if (why)
        return xpci_lex_error(lex->err, lex->name, &lex->tok, "%s", why);
    if (c > ' ' && c < 0x7f)
        return xpci_lex_error(lex->err, lex->name, &lex->tok,
                              "xl does not know the character '%c' here", c);
    return xpci_lex_error(lex->err, lex->name, &lex->tok,
                          "xl does not know the byte 0x%02x here", c);
}

static int push_string(struct lexer *lex, size_t len)
{
    struct xpci_tok place = lex->tok;
    size_t bad;

    if (xpci_lex_unquote(lex->data + lex->tok.off, len, NULL, &bad) == 0)
        return push(lex, XPCI_TOK_STRING, len);
    place.column += (unsigned int)bad;
    return xpci_lex_error(lex->err, lex->name, &place,
                          "xl rejects this escape in a string; it knows "
                          "\\\\ \\' \\\" \\a \\b \\f \\n \\r \\t \\v");
}

static enum xpci_tok_type punctuation(const char *s, size_t left)
{
    switch (*s) {
    case '\n':
        return XPCI_TOK_NEWLINE;
    case ',':
        return XPCI_TOK_COMMA;
    case '[':
        return XPCI_TOK_OPEN;
    case ']':
        return XPCI_TOK_CLOSE;
    case ';':
        return XPCI_TOK_SEMICOLON;
    case '=':
        return XPCI_TOK_ASSIGN;
    case '+':
        return left > 1 && s[1] == '=' ? XPCI_TOK_APPEND : XPCI_TOK_END;
    }
    return XPCI_TOK_END;
}

static int next(struct lexer *lex)
{
    const char *s = lex->data + lex->tok.off;
    size_t left = lex->len - lex->tok.off, len;
    enum xpci_tok_type type = punctuation(s, left);

    if (type != XPCI_TOK_END)
        return push(lex, type, type == XPCI_TOK_APPEND ? 2 : 1);
    if ((len = span(lex, " \t")))
        return push(lex, XPCI_TOK_BLANK, len);
    if (*s >= 'a' && *s <= 'z')
        return push(lex, XPCI_TOK_IDENT, span(lex, "._" DIGIT LOWER));
    if (*s >= '0' && *s <= '9')
        return push(lex, XPCI_TOK_NUMBER, span(lex, DIGIT "abcdefx"));
    if ((*s == '\'' || *s == '"') && (len = string_len(lex)))
        return push_string(lex, len);
    if (*s == '#' && (len = comment_len(lex)))
        return push(lex, XPCI_TOK_COMMENT, len);
    if (left == 1)
        return push(lex, XPCI_TOK_STRAY, 1);
    return lex_error(lex);
}

/* Found first: nothing after it could be trusted to be a C string. */
static int check_nul(struct lexer *lex)
{
    const char *nul = memchr(lex->data, '\0', lex->len);
    struct xpci_tok place = { .line = 1, .column = 1 };

    if (!nul)
        return 0;
    for (const char *p = lex->data; p < nul; p++) {
        place.column++;
        if (*p == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return xpci_lex_error(lex->err, lex->name, &place,
                          "a NUL byte: this is not a text file, or it is "
                          "damaged");
}

int xpci_lex(const char *data, size_t len, const char *name,
             struct xpci_toks *out, struct xpci_error *err)
{
    struct lexer lex = {
        .data = data,
        .len = len,
        .name = name,
        .tok = { .line = 1, .column = 1 },
        .out = out,
        .err = err,
    };
    int ret, end;

    *out = (struct xpci_toks){ 0 };
    if (len > UINT32_MAX)
        return xpci_error_set(err, EFBIG, "%s: too large", name);
    ret = len ? check_nul(&lex) : 0;
    if (ret < 0)
        return ret;
    while (ret == 0 && lex.tok.off < len)
        ret = next(&lex);
    end = ret == -ENOMEM ? ret : push(&lex, XPCI_TOK_END, 0);
    if (end < 0)
        xpci_toks_clear(out);
    return end < 0 ? end : ret;
}
