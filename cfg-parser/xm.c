/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <search.h>
#include <stdbool.h>

#include "tree.h"
#include "xm.h"

#define DIGIT "0123456789"
#define WORD DIGIT "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define MAX_DEPTH 100 /* python's own */

static const char keywords[] =
    "and as assert break class continue def del elif else except exec finally "
    "for from global if import in is lambda nonlocal not or pass print raise "
    "return try while with yield";

/*
 * The grammar of values: what is expected behind a token, by what was expected
 * before it. N: a value, M: that or the end of the bracket, O: an operator, S:
 * that or another string.
 */
static const char states[] = "NMOS";
static const struct {
    const char *tokens;
    char next[4];
} rules[] = {
    { "wn", "OO--" }, { "sS", "SS-S" },   { "([{", "MM--" }, { ")]}", "-OOO" },
    { ",", "--MM" },  { ":*/%", "--NN" }, { "+-", "NNNN" },
};
static const char opening[] = "([{", closing[] = ")]}";

struct xm {
    const struct xpci_buf *text;
    struct xpci_buf *mask;
    const char *name;
    char *s; /* the token that is looked at, in the mask */
    size_t len;
    char token; /* w: a word, n: a number, s: a plain string, S: another one,
                   else its first byte */
    char state;
    char open[MAX_DEPTH + 1]; /* brackets */
    size_t depth;
    void *known; /* the names that are set */
    struct xpci_error *err;
};

/* Python that computes. @why may quote the token. */
static int _printf_(2, 0) refuse(struct xm *x, const char *why)
{
    _cleanup_free_ char *text = NULL;

    xpci_try(xpci_asprintf(x->err, &text, why, (int)x->len, x->s));
    return xpci_lex_error(
        x->err, x->name, x->text->data, (size_t)(x->s - x->mask->data),
        "%s; xpci runs no python, write the plain values", text);
}

static size_t number_len(const char *s)
{
    size_t n = strspn(s, DIGIT);

    if (s[0] == '0' && (s[1] | 0x20) == 'x')
        return 2 + strspn(s + 2, DIGIT "abcdefABCDEF");
    return n && s[n] == '.' ? n + 1 + strspn(s + n + 1, DIGIT) : n;
}

/* With prefix and quotes. *kind is S where the value is not what is seen. */
static size_t string_len(const char *s, char *kind)
{
    size_t n = strspn(s, "uUbBrR"), quotes;
    char q[] = { s[n], s[n], s[n], '\0' };

    if (n > 2 || (q[0] != '\'' && q[0] != '"'))
        return 0;
    quotes = strncmp(s + n, q, 3) == 0 ? 3 : 1;
    *kind = n == 0 && quotes == 1 ? 's' : 'S';
    for (n += quotes; s[n] && (quotes == 3 || s[n] != '\n'); n++) {
        if (strncmp(s + n, q, quotes) == 0)
            return n + quotes;
        if (s[n] == '\\' && s[n + 1]) {
            *kind = 'S';
            n++;
        }
    }
    return 0;
}

/* Of blanks and continued lines. */
static size_t blank_len(const char *s)
{
    size_t n = strspn(s, " \t");

    while (s[n] == '\\' && s[n + 1] == '\n' && s[n + 2])
        n += 2 + strspn(s + n + 2, " \t");
    return n;
}

/* To the next token that counts. xl wants a newline behind a comment. */
static void next(struct xm *x)
{
    char kind;

    for (x->s += x->len;; x->s += x->len ? x->len : 1) {
        bool comment = *x->s == '#';

        x->len = comment ? strcspn(x->s, "\n") : blank_len(x->s);
        if (!comment || !x->s[x->len])
            memset(x->s, ' ', x->len);
        if (!x->len && (*x->s != '\n' || !x->depth))
            break;
    }
    x->token = *x->s;
    if ((x->len = string_len(x->s, &kind)))
        x->token = kind;
    else if ((x->len = number_len(x->s)))
        x->token = 'n';
    else if ((x->len = strspn(x->s, WORD)))
        x->token = 'w';
    else
        x->len = x->token != '\0';
}

static bool is(const struct xm *x, const char *words)
{
    return xpci_find_word(words, x->s, x->len);
}

/* A name that is set, or used in a value. */
static int check_name(struct xm *x, bool used)
{
    char *after = x->s + x->len;
    bool known;

    after += blank_len(after);
    if (is(x, keywords))
        return refuse(x, "'%.*s' makes this a program");
    if (*after == '(')
        return refuse(x, "'%.*s' is called");
    if (*after == '.') /* to us no part of a name */
        *after = '[';
    known = tfind(x->s, &x->known, xpci_cfg_cmp_names);
    if (known && *after == '[')
        return refuse(x, "a part of '%.*s' is used");
    if (known && used && is(x, "pci"))
        return refuse(x, "'%.*s' is used in another setting");
    used |= *after == '+';
    return known || !used || is(x, "True False None") ? 0 : -EINVAL;
}

/* A token of a value. */
static int step(struct xm *x)
{
    char *top = &x->open[x->depth], was = x->state;
    const char *at;

    if (x->token == 'w')
        xpci_try(check_name(x, true));
    if (x->token == '.' && was == 'S')
        return refuse(x, "a string is computed");
    x->state = '-';
    for (size_t i = 0; x->token && i < XPCI_ARRAY_SIZE(rules); i++) {
        if (strchr(rules[i].tokens, x->token))
            x->state = rules[i].next[strchr(states, was) - states];
    }
    if (x->state == '-' || (x->token == ':' && *top != '}'))
        return -EINVAL;
    if (strchr(closing, x->token) && (!x->depth-- || *top != x->token))
        return -EINVAL;
    at = strchr(opening, x->token);
    if (at && x->depth == MAX_DEPTH)
        return -EINVAL;
    if (at)
        x->open[++x->depth] = closing[at - opening];
    return 0;
}

static int value(struct xm *x, bool pci, bool append)
{
    char *first = x->s, *end = first;
    bool list = x->token == '[';
    bool atom = x->token == 's' ||
                (x->token == 'n' && strspn(first, DIGIT "abcdefx") >= x->len);

    x->state = 'N';
    for (; x->depth || !strchr(";\n", x->token); next(x)) {
        if (x->s != first) {
            list &= x->depth == 1 && strchr("s,]", x->token) &&
                    (x->token != 's' || x->state == 'M');
            atom = false;
        }
        xpci_try(step(x));
        if (pci && !list && (!atom || append))
            return refuse(x, "'pci' is no plain [list] of plain 'strings'");
        end = x->s + x->len;
    }
    if (!list && !atom)
        memset(first, '0', (size_t)(end - first));
    return x->state == 'N' ? -EINVAL : 0;
}

static int statement(struct xm *x)
{
    const char *key = x->text->data + (x->s - x->mask->data);
    bool pci = is(x, "pci"), append;

    if (x->token != 'w')
        return -EINVAL;
    xpci_try(check_name(x, false));
    memset(x->s, 'a', x->len);
    next(x);
    append = x->token == '+';
    x->s += append;
    if (*x->s != '=')
        return -EINVAL;
    x->len = 1;
    next(x);
    xpci_try(value(x, pci, append));
    return tsearch(key, &x->known, xpci_cfg_cmp_names) ? 0
                                                       : xpci_error_oom(x->err);
}

static int program(struct xm *x)
{
    bool line = true; /* a statement at its start may not be indented */

    for (next(x); x->token; next(x)) {
        if (x->token != '\n') {
            if (line && x->s > x->mask->data && x->s[-1] != '\n')
                return -EINVAL;
            xpci_try(statement(x));
        }
        line = x->token == '\n';
    }
    return 0;
}

int xpci_xm_mask(const struct xpci_buf *text, const char *name,
                 struct xpci_buf *mask, struct xpci_error *err)
{
    struct xm x = { .text = text, .mask = mask, .name = name, .err = err };
    int ret;

    xpci_need(xpci_buf_append(mask, text->data, text->len) == 0, err);
    x.s = mask->data;
    /* to python it ends a line, also that of a comment */
    ret = strchr(x.s, '\r') ? -EINVAL : program(&x);
    xpci_cfg_free_names(x.known);
    return ret;
}
