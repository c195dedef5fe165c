/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <strings.h>

#include "buf.h"
#include "pci-spec.h"
#include "xl-spec.h"

/* In the order of the text; then what 4.14 does not know. */
enum { POLICY = 4, OPTIONS, BDF = OPTIONS, VSLOT, NAME };
static const char *const keys[OPTIONS] = { "permissive", "msitranslate",
                                           "seize", "power_mgmt",
                                           "rdm_policy" };

/* Verdicts: what xl says, NULL if it takes the spec. */
#define REFUSED XPCI_XL_REFUSED
#define CHANCE XPCI_XL_CHANCE

struct reader {
    bool old; /* 4.14 */
    bool has_address;
    struct xpci_bdf_pattern dev;
    unsigned int vslot;
    const char *values[OPTIONS]; /* NULL: not given */
    const char *name;            /* in the text, of @name_len bytes */
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

static const char *address(struct reader *r, const char **text)
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
    return NULL;
}

static const char *vslot(struct reader *r, const char **s)
{
    return number(r, s, r->old ? 0xff : 0x1f, &r->vslot) ? NULL : REFUSED;
}

/* 4.14 has no word for "invalid", which is as none, and cares for case. */
static const char *policy(struct reader *r, const char *s, size_t len)
{
    static const char *const words[] = { "invalid", "strict", "relaxed" };

    for (size_t i = r->old; i < XPCI_ARRAY_SIZE(words); i++) {
        if (len == strlen(words[i]) &&
            !(r->old ? strncmp : strncasecmp)(s, words[i], len)) {
            r->values[POLICY] = i ? words[i] : NULL;
            return NULL;
        }
    }
    return REFUSED;
}

/*
 * The last one wins; what is behind an address or a slot is lost. 4.14 warns
 * of keys it does not know, and of these it knows no address, slot or name.
 */
static const char *option(struct reader *r, const char *key, size_t n,
                          const char *value, size_t len)
{
    size_t k = xpci_find_word("permissive msitranslate seize power_mgmt "
                              "rdm_policy bdf vslot name",
                              key, n) -
               1;

    if (k == POLICY)
        return policy(r, value, len);
    if (k < POLICY)
        r->values[k] = atoi(value) ? "1" : "0";
    if (k < POLICY || r->old)
        return NULL;
    if (k == BDF)
        return address(r, &value);
    if (k == VSLOT)
        return vslot(r, &value);
    if (k != NAME)
        return REFUSED;
    r->name = value;
    r->name_len = len;
    return NULL;
}

static const char *options(struct reader *r, const char *s)
{
    const char *v = NULL;

    while (*s && !v) {
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
    return !v && r->has_address == !!r->name ? REFUSED : v;
}

static const char *read_spec(struct reader *r, const char *s)
{
    const char *v = address(r, &s);

    if (v && !strcmp(v, CHANCE))
        return v;
    if (!r->has_address)
        return r->old ? REFUSED : options(r, s);
    if (*s == '@' && (s++, vslot(r, &s)))
        return REFUSED;
    if (*s && (*s++ != ',' || (r->old && !*s)))
        return REFUSED;
    return options(r, s);
}

static char *format(const struct reader *r)
{
    _cleanup_free_ char *name = r->name ? strndup(r->name, r->name_len) : NULL;
    _cleanup_buf_ struct xpci_buf options = { 0 };
    struct xpci_pci_spec spec = { r->dev, NULL, name, r->vslot, NULL };
    int ret = r->name && !name ? -ENOMEM : 0;

    for (size_t i = 0; ret == 0 && i < OPTIONS; i++) {
        if (r->values[i])
            ret = xpci_buf_printf(&options, "%s%s=%s", options.len ? "," : "",
                                  keys[i], r->values[i]);
    }
    spec.options = options.data;
    return ret < 0 ? NULL : xpci_pci_spec_format(&spec, true);
}

char *xpci_xl_spec(const char *s, enum xpci_xl_release release)
{
    struct reader r = { .old = release == XPCI_XL_4_14 };
    const char *v = read_spec(&r, s);

    return v ? strdup(v) : format(&r);
}
