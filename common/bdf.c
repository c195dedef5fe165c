/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bdf.h"
#include "error.h"

#define HEX "0123456789abcdefABCDEF"

/*
 * Copies @len bytes of @s for sscanf(3), if all of them are in @chars: no
 * blank, sign, "0x" or NUL that it would take for a part of a number.
 */
static bool copy(char *out, size_t size, const char *s, size_t len,
                 const char *chars)
{
    if (len >= size)
        return false;
    memcpy(out, s, len);
    out[len] = '\0';
    return strspn(out, chars) == len;
}

int xpci_bdf_pattern_parse_len(const char *s, size_t len,
                               struct xpci_bdf_pattern *out)
{
    unsigned int segment, bus, slot, func = 0;
    char text[XPCI_BDF_SIZE], last;
    int end;

    if (!copy(text, sizeof(text), s, len, HEX ":.*"))
        return -EINVAL;
    if (sscanf(text, "%6x:%2x:%2x.%c%n", &segment, &bus, &slot, &last, &end) !=
        4) {
        segment = 0;
        if (sscanf(text, "%2x:%2x.%c%n", &bus, &slot, &last, &end) != 3)
            return -EINVAL;
    }
    if (text[end] || (last != '*' && sscanf(text + end - 1, "%1x", &func) != 1))
        return -EINVAL;
    if (slot > 0x1f || func > 7)
        return -ERANGE;
    *out = (struct xpci_bdf_pattern){
        .bdf = { segment, (uint8_t)bus, (uint8_t)slot, (uint8_t)func },
        .all_funcs = last == '*',
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

    xpci_try(xpci_bdf_pattern_parse_len(s, len, &pat));
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
    char text[3];
    unsigned int value;

    if (!copy(text, sizeof(text), s, len, HEX) || !len)
        return -EINVAL;
    value = (unsigned int)strtoul(text, NULL, 16);
    if (value < 1 || value > 0x1f)
        return -ERANGE;
    *out = value;
    return 0;
}
