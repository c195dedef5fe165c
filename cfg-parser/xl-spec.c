/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "bdf.h"
#include "buf.h"
#include "xl-spec.h"

static const char *const flags[] = { "permissive", "msitranslate", "seize",
                                     "power_mgmt" };

enum verdict { REFUSED, TAKEN, CHANCE };

struct reader {
    bool old; /* 4.14 */
    bool has_address;
    struct xpci_bdf_pattern dev;
    unsigned int vslot, given, on; /* bits of flags[] */
    const char *policy;
    const char *name; /* in the text, of @name_len bytes */
    size_t name_len;
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

static enum verdict address(struct reader *r, const char **text)
{
    const unsigned int max[] = { 0xffff, 0xff, r->old ? 0xff : 0x1f };
    unsigned int v[3] = { 0 }, func = 0;
    const char *s = *text;
    size_t colons = count_colons(r, s);

    if (colons != 1 && colons != 2)
        return REFUSED;
    for (size_t i = 2 - colons; i < 3; i++) {
        if (!number(r, &s, max[i], &v[i]) || (i < 2 && *s++ != ':'))
            return REFUSED;
    }
    if (*s++ != '.')
        return r->old ? REFUSED : CHANCE;
    r->dev.all_funcs = *s == '*';
    if (*s == '*')
        s++;
    else if (!number(r, &s, 7, &func))
        return REFUSED;
    r->dev.bdf =
        (struct xpci_bdf){ v[0], (uint8_t)v[1], (uint8_t)v[2], (uint8_t)func };
    r->has_address = true;
    *text = s;
    return TAKEN;
}

static bool vslot(struct reader *r, const char **s)
{
    return number(r, s, r->old ? 0xff : 0x1f, &r->vslot);
}

/* 4.14 has no word for "invalid", which is as none, and cares for case. */
static bool policy(struct reader *r, const char *s, size_t len)
{
    static const char *const words[] = { "invalid", "strict", "relaxed" };

    for (size_t i = r->old; i < XPCI_ARRAY_SIZE(words); i++) {
        if (len == strlen(words[i]) &&
            !(r->old ? strncmp : strncasecmp)(s, words[i], len)) {
            r->policy = i ? words[i] : NULL;
            return true;
        }
    }
    return false;
}

/*
 * The last one wins; what is behind an address or a slot is lost. 4.14 warns
 * of keys it does not know, and of these it knows no address, slot or name.
 */
static enum verdict option(struct reader *r, const char *key, size_t n,
                           const char *value, size_t len)
{
#define IS(word) (n == strlen(word) && !memcmp(key, word, n))
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(flags); i++) {
        if (IS(flags[i])) {
            r->given |= 1U << i;
            r->on = (r->on & ~(1U << i)) | (atoi(value) ? 1U << i : 0);
            return TAKEN;
        }
    }
    if (IS("rdm_policy"))
        return policy(r, value, len) ? TAKEN : REFUSED;
    if (r->old)
        return TAKEN;
    if (IS("bdf"))
        return address(r, &value);
    if (IS("name")) {
        r->name = value;
        r->name_len = len;
        return TAKEN;
    }
    return IS("vslot") && vslot(r, &value) ? TAKEN : REFUSED;
#undef IS
}

static enum verdict options(struct reader *r, const char *s)
{
    enum verdict v = TAKEN;

    while (*s && v == TAKEN) {
        size_t key = strcspn(s, "="), len;
        const char *value = s + key + 1;

        if (!s[key])
            return REFUSED;
        len = strcspn(value, ",");
        v = option(r, s, key, value, len);
        s = value + len + (value[len] == ',');
        if (r->old && !*s && value[len])
            return REFUSED;
    }
    return v == TAKEN && r->has_address == !!r->name ? REFUSED : v;
}

static enum verdict read_spec(struct reader *r, const char *s)
{
    enum verdict v = address(r, &s);

    if (v == CHANCE)
        return v;
    if (!r->has_address)
        return r->old ? REFUSED : options(r, s);
    if (*s == '@' && (s++, !vslot(r, &s)))
        return REFUSED;
    if (*s && (*s++ != ',' || (r->old && !*s)))
        return REFUSED;
    return options(r, s);
}

static char *format(const struct reader *r)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    char bdf[XPCI_BDF_SIZE];
    int ret;

    xpci_bdf_format(&r->dev.bdf, bdf);
    if (r->dev.all_funcs)
        bdf[strlen(bdf) - 1] = '*';
    ret = r->name
              ? xpci_buf_printf(&out, "name=%.*s", (int)r->name_len, r->name)
              : xpci_buf_puts(&out, bdf);
    if (ret == 0 && r->vslot)
        ret = xpci_buf_printf(&out, r->name ? ",vslot=%x" : "@%x", r->vslot);
    for (size_t i = 0; ret == 0 && i < XPCI_ARRAY_SIZE(flags); i++) {
        if (r->given & 1U << i)
            ret = xpci_buf_printf(&out, ",%s=%d", flags[i], r->on >> i & 1);
    }
    if (ret == 0 && r->policy)
        ret = xpci_buf_printf(&out, ",rdm_policy=%s", r->policy);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}

char *xpci_xl_spec(const char *s, enum xpci_xl_release release)
{
    struct reader r = { .old = release == XPCI_XL_4_14 };

    switch (read_spec(&r, s)) {
    case REFUSED:
        return strdup(XPCI_XL_REFUSED);
    case CHANCE:
        return strdup(XPCI_XL_CHANCE);
    case TAKEN:
        break;
    }
    return format(&r);
}
