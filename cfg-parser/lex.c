/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>

#include "buf.h"
#include "lex.h"

/* A file of that size makes a tree 80 times as large. */
#define MAX_TEXT ((size_t)16 * 1024 * 1024)

/* What a token that begins with this byte is, if the rest is right. */
static const unsigned char first[256] = {
    ['\n'] = XPCI_TOK_NEWLINE,       [','] = XPCI_TOK_COMMA,
    ['['] = XPCI_TOK_OPEN,           [']'] = XPCI_TOK_CLOSE,
    [';'] = XPCI_TOK_SEMICOLON,      ['='] = XPCI_TOK_ASSIGN,
    ['+'] = XPCI_TOK_APPEND,         [' '] = XPCI_TOK_BLANK,
    ['\t'] = XPCI_TOK_BLANK,         ['a' ... 'z'] = XPCI_TOK_IDENT,
    ['0' ... '9'] = XPCI_TOK_NUMBER, ['\''] = XPCI_TOK_STRING,
    ['"'] = XPCI_TOK_STRING,         ['#'] = XPCI_TOK_COMMENT,
};

/* In a token of more than one byte. */
static bool goes_on(enum xpci_tok_type type, char c)
{
    enum xpci_tok_type begins = first[(unsigned char)c];

    if (type == XPCI_TOK_NUMBER && ((c >= 'a' && c <= 'f') || c == 'x'))
        return true;
    if (type == XPCI_TOK_IDENT &&
        (begins == XPCI_TOK_NUMBER || c == '.' || c == '_'))
        return true;
    return begins == type;
}

void xpci_lex_seek(const char *data, struct xpci_place *place, size_t off)
{
    const char *at, *newline;

    if (!place->line || off < place->off)
        *place = (struct xpci_place){ 0, 1, 1 };
    at = data + place->off;
    while ((newline = memchr(at, '\n', (size_t)(data + off - at)))) {
        at = newline + 1;
        place->off = (size_t)(at - data);
        place->line++;
        place->column = 1;
    }
    place->column += (unsigned int)(off - place->off);
    place->off = off;
}

int xpci_lex_error(struct xpci_error *err, const char *name, const char *data,
                   size_t off, const char *fmt, ...)
{
    _cleanup_free_ char *text = xpci_format_args(fmt);
    struct xpci_place place = { 0 };

    xpci_need(text, err);
    xpci_lex_seek(data, &place, off);
    return xpci_error_set(err, EINVAL, "%s:%u:%u: %s", name, place.line,
                          place.column, text);
}

struct lexer {
    const char *data;
    size_t len, at; /* the token that is cut begins there */
    const char *name;
    struct xpci_toks *out;
    struct xpci_error *err;
};

/*
 * How long the escape behind a backslash is, 0: xl knows it not. *out is its
 * byte; none for xl's "\1", which wants two more characters that
 * strtoul(.., 10) takes, blanks and signs among them; see cfg-grammar.md.
 */
static size_t escape(const char *s, size_t left, char *out)
{
    static const char from[] = "'\"\\abfnrtv", to[] = "'\"\\\a\b\f\n\r\t\v";
    const char *known = strchr(from, *s);
    char window[4] = { 0 }, *end;

    *out = known ? to[known - from] : '\0';
    if (*s < '0' || *s > '7')
        return known != NULL;
    memcpy(window, s + 1, left > 3 ? 3 : left - 1);
    (void)strtoul(window, &end, 10);
    return end >= window + 2 ? 1 + (size_t)(end - window) : 0;
}

int xpci_lex_unquote(const char *s, size_t len, char *out, size_t *bad)
{
    size_t i = 1, n = 0, used;
    char c;

    while (i < len - 1) {
        c = s[i++];
        if (c == '\\') {
            used = escape(s + i, len - i, &c);
            *bad = i - 1;
            if (!used)
                return -EINVAL;
            i += used;
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
    const struct xpci_tok tok = { (uint32_t)lex->at, type };

    xpci_need(xpci_list_push(lex->out, tok) == 0, lex->err);
    lex->at += len;
    return 0;
}

/* Of the whole string, 0 if it does not end on its line. */
static size_t string_len(const char *s)
{
    for (size_t i = 1; s[i] && s[i] != '\n'; i++) {
        if (s[i] == s[0])
            return i + 1;
        if (s[i] == '\\' && (s[++i] == '\n' || !s[i]))
            return 0;
    }
    return 0;
}

static const struct {
    const char *bytes, *why;
} reasons[] = {
    { "\r", "xl cannot read files with CRLF line ends, convert this one with "
            "sed -i 's/\\r$//'" },
    { "'\"", "the string does not end on its line" },
    { "#", "xl rejects a last line that is a comment without a newline at its "
           "end" },
    { "\\", "xl knows no line continuation" },
    { "+-.():{}", "xl does not run python code: a value is a 'string', a "
                  "non-negative number or a [list]" },
    { "_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
      "a name starts with a lower-case letter and has no capitals, and xl "
      "knows no python constants such as True or None" },
};

static int fail(const struct lexer *lex, size_t off, const char *why)
{
    return xpci_lex_error(lex->err, lex->name, lex->data, off, "%s", why);
}

static int lex_error(const struct lexer *lex)
{
    unsigned char c = (unsigned char)lex->data[lex->at];
    char why[64];

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(reasons); i++) {
        if (strchr(reasons[i].bytes, c))
            return fail(lex, lex->at, reasons[i].why);
    }
    snprintf(why, sizeof(why),
             c > ' ' && c < 0x7f ? "xl does not know the character '%c' here"
                                 : "xl does not know the byte 0x%02x here",
             c);
    return fail(lex, lex->at, why);
}

/* 0: this is none. */
static size_t tok_len(const char *s, enum xpci_tok_type type)
{
    const char *end;
    size_t len = 1;

    switch (type) {
    case XPCI_TOK_END:
        return 0;
    case XPCI_TOK_BLANK:
    case XPCI_TOK_IDENT:
    case XPCI_TOK_NUMBER:
        while (goes_on(type, s[len]))
            len++;
        return len;
    case XPCI_TOK_STRING:
        return string_len(s);
    case XPCI_TOK_COMMENT:
        end = strchr(s, '\n');
        return end ? (size_t)(end - s) : 0;
    case XPCI_TOK_APPEND:
        return s[1] == '=' ? 2 : 0;
    default:
        return len;
    }
}

static int next(struct lexer *lex)
{
    const char *s = lex->data + lex->at;
    enum xpci_tok_type type = first[(unsigned char)*s];
    size_t len = tok_len(s, type), bad;

    if (!len && lex->at + 1 == lex->len)
        return push(lex, XPCI_TOK_STRAY, 1);
    if (!len)
        return lex_error(lex);
    if (type == XPCI_TOK_STRING && memchr(s, '\\', len) &&
        xpci_lex_unquote(s, len, NULL, &bad) < 0)
        return fail(lex, lex->at + bad,
                    "xl rejects this escape in a string; it knows "
                    "\\\\ \\' \\\" \\a \\b \\f \\n \\r \\t \\v");
    return push(lex, type, len);
}

int xpci_lex(const char *data, size_t len, const char *name,
             struct xpci_toks *out, struct xpci_error *err)
{
    struct lexer lex = { data, len, 0, name, out, err };
    const char *nul;
    int ret = 0, end;

    *out = (struct xpci_toks){ 0 };
    if (len > MAX_TEXT)
        return xpci_error_set(err, EFBIG, "%s: too large", name);
    nul = len ? memchr(data, '\0', len) : NULL;
    if (nul) /* nothing behind it could be trusted to be a C string */
        return fail(&lex, (size_t)(nul - data),
                    "a NUL byte: this is not a text file, or it is damaged");
    while (ret == 0 && lex.at < len)
        ret = next(&lex);
    end = ret == -ENOMEM ? ret : push(&lex, XPCI_TOK_END, 0);
    if (end < 0)
        xpci_toks_clear(out);
    return end < 0 ? end : ret;
}
