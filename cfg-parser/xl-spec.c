/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "xl-spec.h"

/* In the order of enum xpci_xl_flag. */
static const char *const flags[] = { "permissive", "msitranslate", "seize",
                                     "power_mgmt" };
/* In the order of xpci_xl_spec.rdm_policy. */
static const char *const policies[] = { "invalid", "strict", "relaxed" };

struct reader {
    bool old; /* 4.14 */
    bool bdf; /* there was an address */
    struct xpci_xl_spec *spec;
};

/* 4.14 looks at the low 32 bits of a long, 4.15 reads no more of it. */
static bool number(const struct reader *r, const char **s, unsigned int max,
                   unsigned int *out)
{
    char *end;
    int n = 0;

    if (r->old) {
        *out = (unsigned int)strtoul(*s, &end, 16);
        n = (int)(end - *s);
    } else if (sscanf(*s, "%x%n", out, &n) != 1) {
        return false;
    }
    *s += n;
    return n && *out <= max;
}

/* 2: with segment, 1: without. */
static size_t count_colons(const struct reader *r, const char *s)
{
    size_t n = 0;

    if (r->old) {
        s = strchr(s, ':');
        return s ? 1 + (s[1 + strcspn(s + 1, ":.")] == ':') : 0;
    }
    for (; isxdigit((unsigned char)*s) || *s == ':'; s++)
        n += *s == ':';
    return n;
}

static enum xpci_xl_verdict address(struct reader *r, const char **text)
{
    const unsigned int max[] = { 0xffff, 0xff, r->old ? 0xff : 0x1f };
    unsigned int v[3] = { 0 }, func = 0;
    const char *s = *text;
    size_t colons = count_colons(r, s);

    if (colons != 1 && colons != 2)
        return XPCI_XL_REJECTED;
    for (size_t i = 2 - colons; i < 3; i++) {
        if (!number(r, &s, max[i], &v[i]) || (i < 2 && *s++ != ':'))
            return XPCI_XL_REJECTED;
    }
    if (*s++ != '.')
        return r->old ? XPCI_XL_REJECTED : XPCI_XL_UNDEFINED;
    r->spec->dev.all_funcs = *s == '*';
    if (*s == '*')
        s++;
    else if (!number(r, &s, 7, &func))
        return XPCI_XL_REJECTED;
    r->spec->dev.bdf = (struct xpci_bdf){
        v[0],
        (uint8_t)v[1],
        (uint8_t)v[2],
        (uint8_t)func,
    };
    r->bdf = true;
    *text = s;
    return XPCI_XL_ACCEPTED;
}

static bool vslot(const struct reader *r, const char *s, const char **end)
{
    *end = s;
    return number(r, end, r->old ? 0xff : 0x1f, &r->spec->vslot);
}

static bool policy(const struct reader *r, const char *s, size_t len)
{
    for (size_t i = r->old; i < XPCI_ARRAY_SIZE(policies); i++) {
        if (len == strlen(policies[i]) &&
            !(r->old ? strncmp : strncasecmp)(s, policies[i], len)) {
            r->spec->rdm_policy = (int)i - 1;
            return true;
        }
    }
    return false;
}

/*
 * The last one wins; what is behind an address or a slot is lost. 4.14 warns
 * of keys it does not know, and of these it knows no address, slot or name.
 */
static enum xpci_xl_verdict option(struct reader *r, const char *key, size_t n,
                                   const char *value, size_t len)
{
#define IS(word) (n == strlen(word) && !memcmp(key, word, n))
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(flags); i++) {
        if (IS(flags[i])) {
            r->spec->flags &= ~(1U << i);
            r->spec->flags |= atoi(value) ? 1U << i : 0;
            return XPCI_XL_ACCEPTED;
        }
    }
    if (IS("rdm_policy"))
        return policy(r, value, len) ? XPCI_XL_ACCEPTED : XPCI_XL_REJECTED;
    if (r->old)
        return XPCI_XL_ACCEPTED;
    if (IS("bdf"))
        return address(r, &value);
    if (IS("name")) {
        r->spec->name = value;
        r->spec->name_len = len;
        return XPCI_XL_ACCEPTED;
    }
    return IS("vslot") && vslot(r, value, &value) ? XPCI_XL_ACCEPTED
                                                  : XPCI_XL_REJECTED;
#undef IS
}

static enum xpci_xl_verdict options(struct reader *r, const char *s)
{
    enum xpci_xl_verdict v = XPCI_XL_ACCEPTED;

    while (*s) {
        size_t key = strcspn(s, "="), len;
        const char *value = s + key + 1;

        if (!s[key])
            return XPCI_XL_REJECTED;
        len = strcspn(value, ",");
        v = option(r, s, key, value, len);
        s = value + len + (value[len] == ',');
        if (v != XPCI_XL_ACCEPTED || (r->old && !*s && value[len]))
            return v == XPCI_XL_UNDEFINED ? v : XPCI_XL_REJECTED;
    }
    return r->bdf == !r->spec->name ? v : XPCI_XL_REJECTED;
}

enum xpci_xl_verdict xpci_xl_spec_read(const char *s,
                                       enum xpci_xl_release release,
                                       struct xpci_xl_spec *out)
{
    struct reader r = { .old = release == XPCI_XL_4_14, .spec = out };

    *out = (struct xpci_xl_spec){ .rdm_policy = -1 };
    if (address(&r, &s) == XPCI_XL_UNDEFINED)
        return XPCI_XL_UNDEFINED;
    if (!r.bdf)
        return r.old ? XPCI_XL_REJECTED : options(&r, s);
    if (*s == '@' && !vslot(&r, s + 1, &s))
        return XPCI_XL_REJECTED;
    if (*s && (*s++ != ',' || (r.old && !*s)))
        return XPCI_XL_REJECTED;
    return options(&r, s);
}

char *xpci_xl_spec_format(const struct xpci_xl_spec *spec)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    char bdf[XPCI_BDF_SIZE];
    int ret;

    xpci_bdf_format(&spec->dev.bdf, bdf);
    if (spec->dev.all_funcs)
        bdf[strlen(bdf) - 1] = '*';
    ret = spec->name ? xpci_buf_printf(&out, "name=%.*s", (int)spec->name_len,
                                       spec->name)
                     : xpci_buf_puts(&out, bdf);
    if (ret == 0 && spec->vslot)
        ret = xpci_buf_printf(&out, spec->name ? ",vslot=%x" : "@%x",
                              spec->vslot);
    for (size_t i = 0; ret == 0 && i < XPCI_ARRAY_SIZE(flags); i++) {
        if (spec->flags & 1U << i)
            ret = xpci_buf_printf(&out, ",%s=1", flags[i]);
    }
    if (ret == 0 && spec->rdm_policy >= 0)
        ret = xpci_buf_printf(&out, ",rdm_policy=%s",
                              policies[spec->rdm_policy + 1]);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}
