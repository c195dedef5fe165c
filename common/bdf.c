/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bdf.h"

/* Reads 1 to @digits hex digits at *@p; the next byte must not be one. */
static int parse_hex(const char **p, const char *end, int digits,
                     unsigned int *out)
{
    const char *s = *p;
    unsigned int value = 0;
    int n;

    for (n = 0; s < end && isxdigit((unsigned char)*s); n++, s++) {
        if (n == digits)
            return -EINVAL;
        value = value * 16 +
                (unsigned int)(*s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10);
    }
    if (n == 0)
        return -EINVAL;
    *p = s;
    *out = value;
    return 0;
}

static int expect(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return -EINVAL;
    (*p)++;
    return 0;
}

/* "[ssss:]bb:dd." without the function */
static int parse_slot(const char **p, const char *end, unsigned int num[3])
{
    const char *start = *p;
    bool has_segment;

    if (parse_hex(p, end, 6, &num[1]) < 0 || expect(p, end, ':') < 0 ||
        parse_hex(p, end, 2, &num[2]) < 0)
        return -EINVAL;
    has_segment = *p < end && **p == ':';
    /* without a segment the first number is a bus, which has two digits */
    if (!has_segment && memchr(start, ':', 3) == NULL)
        return -EINVAL;
    if (has_segment) {
        num[0] = num[1];
        num[1] = num[2];
        (*p)++;
        if (parse_hex(p, end, 2, &num[2]) < 0)
            return -EINVAL;
    }
    return expect(p, end, '.');
}

int xpci_bdf_pattern_parse_len(const char *s, size_t len,
                               struct xpci_bdf_pattern *out)
{
    unsigned int num[3] = { 0 }, func = 0;
    const char *p = s, *end = s + len;
    bool all = false;

    if (parse_slot(&p, end, num) < 0)
        return -EINVAL;
    if (p < end && *p == '*') {
        all = true;
        p++;
    } else if (parse_hex(&p, end, 1, &func) < 0) {
        return -EINVAL;
    }
    if (p != end)
        return -EINVAL;
    if (num[1] > 0xff || num[2] > 0x1f || func > 7)
        return -ERANGE;
    *out = (struct xpci_bdf_pattern){
        .bdf = { num[0], (uint8_t)num[1], (uint8_t)num[2], (uint8_t)func },
        .all_funcs = all,
    };
    return 0;
}

int xpci_bdf_pattern_parse(const char *s, struct xpci_bdf_pattern *out)
{
    return xpci_bdf_pattern_parse_len(s, strlen(s), out);
}

int xpci_bdf_parse_len(const char *s, size_t len, struct xpci_bdf *out)
{
    struct xpci_bdf_pattern pat;
    int ret = xpci_bdf_pattern_parse_len(s, len, &pat);

    if (ret < 0)
        return ret;
    if (pat.all_funcs)
        return -EINVAL;
    *out = pat.bdf;
    return 0;
}

int xpci_bdf_parse(const char *s, struct xpci_bdf *out)
{
    return xpci_bdf_parse_len(s, strlen(s), out);
}

/* In their order, functions of one slot in the lowest three bits. */
static uint64_t number(const struct xpci_bdf *bdf)
{
    return (uint64_t)bdf->segment << 16 | bdf->bus << 8 | bdf->slot << 3 |
           bdf->func;
}

bool xpci_bdf_same_slot(const struct xpci_bdf *a, const struct xpci_bdf *b)
{
    return number(a) >> 3 == number(b) >> 3;
}

bool xpci_bdf_matches(const struct xpci_bdf_pattern *pat,
                      const struct xpci_bdf *bdf)
{
    return xpci_bdf_same_slot(&pat->bdf, bdf) &&
           (pat->all_funcs || pat->bdf.func == bdf->func);
}

char *xpci_bdf_format(const struct xpci_bdf *bdf, char *out)
{
    snprintf(out, XPCI_BDF_SIZE, XPCI_BDF_FMT, XPCI_BDF_ARGS(*bdf));
    return out;
}

int xpci_bdf_cmp(const struct xpci_bdf *a, const struct xpci_bdf *b)
{
    uint64_t x = number(a), y = number(b);

    return (x > y) - (x < y);
}

int xpci_vslot_parse(const char *s, size_t len, unsigned int *out)
{
    const char *p = s;
    unsigned int value;

    if (parse_hex(&p, s + len, 2, &value) < 0 || p != s + len)
        return -EINVAL;
    if (value < 1 || value > 0x1f)
        return -ERANGE;
    *out = value;
    return 0;
}
