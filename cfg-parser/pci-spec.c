/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "buf.h"
#include "pci-spec.h"

#define ADDRESS_FORM "[ssss:]bb:dd.f, hexadecimal"

enum option {
    OPT_BDF,
    OPT_VSLOT,
    OPT_NAME,
    OPT_BOOL, /* and above: kept as text */
    OPT_XM,   /* the same, and xm knows it */
    OPT_POLICY,
};

static const struct {
    const char *key;
    enum option kind;
} options[] = {
    { "bdf", OPT_BDF },         { "vslot", OPT_VSLOT },
    { "name", OPT_NAME },       { "permissive", OPT_BOOL },
    { "msitranslate", OPT_XM }, { "seize", OPT_BOOL },
    { "power_mgmt", OPT_XM },   { "rdm_policy", OPT_POLICY },
};

/* A part of the spec. */
struct part {
    const char *s;
    size_t len;
};

struct parser {
    struct part whole;
    bool xm;
    unsigned int seen; /* bits of options[] */
    struct xpci_pci_spec spec;
    struct xpci_buf rest;
    struct xpci_error *err;
};

static void parser_clear(struct parser *p)
{
    xpci_pci_spec_clear(&p->spec);
    xpci_buf_clear(&p->rest);
}

#define _cleanup_parser_ _cleanup_(parser_clear)

/* "pci spec '...': column N: ..."; @fmt has one %.*s, which gets @bad. */
static int _printf_(3, 0)
    spec_error(const struct parser *p, struct part bad, const char *fmt)
{
    _cleanup_free_ char *text = NULL;

    if (xpci_asprintf(p->err, &text, fmt, (int)bad.len, bad.s) < 0)
        return -ENOMEM;
    return xpci_error_set(p->err, EINVAL, "pci spec '%.*s': column %zu: %s",
                          (int)p->whole.len, p->whole.s,
                          (size_t)(bad.s - p->whole.s) + 1, text);
}

/* Up to the first @sep; *found: there is one. */
static struct part cut(struct part from, char sep, bool *found)
{
    const char *end = from.len ? memchr(from.s, sep, from.len) : NULL;

    *found = end;
    return (struct part){ from.s, end ? (size_t)(end - from.s) : from.len };
}

static struct part behind(struct part from, struct part head)
{
    return (struct part){ head.s + head.len + 1, from.len - head.len - 1 };
}

static bool equals(struct part part, const char *s)
{
    return part.len == strlen(s) && memcmp(part.s, s, part.len) == 0;
}

static int parse_address(struct parser *p, struct part part)
{
    int ret = xpci_bdf_pattern_parse_len(part.s, part.len, &p->spec.dev);

    if (ret == -ERANGE)
        return spec_error(
            p, part,
            "'%.*s' is out of range: a bus is up to ff, a slot up "
            "to 1f, a function up to 7");
    if (ret < 0)
        return spec_error(p, part,
                          "'%.*s' is not a PCI address (" ADDRESS_FORM ")");
    if (p->spec.dev.bdf.segment > 0xffff)
        return spec_error(
            p, part,
            "the segment of '%.*s' is above ffff, xen cannot take "
            "it");
    return 0;
}

static int parse_vslot(struct parser *p, struct part part)
{
    int ret = xpci_vslot_parse(part.s, part.len, &p->spec.vslot);

    if (ret < 0)
        return spec_error(p, part,
                          "virtual slot '%.*s' is not within 1 to 1f "
                          "(hexadecimal)");
    return 0;
}

static int parse_keyed_address(struct parser *p, struct part value)
{
    bool slot;

    cut(value, '@', &slot);
    if (slot)
        return spec_error(p, value,
                          "xl ignores the virtual slot in 'bdf=%.*s', write it "
                          "without 'bdf=' or with ',vslot='");
    return parse_address(p, value);
}

static int parse_name(struct parser *p, struct part value)
{
    if (!value.len)
        return spec_error(p, value, "the name is empty%.*s");
    p->spec.name = strndup(value.s, value.len);
    return p->spec.name ? 0 : xpci_error_oom(p->err);
}

static int keep_option(struct parser *p, struct part kv)
{
    if ((p->rest.len && xpci_buf_puts(&p->rest, ",") < 0) ||
        xpci_buf_append(&p->rest, kv.s, kv.len) < 0)
        return xpci_error_oom(p->err);
    return 0;
}

static int parse_value(struct parser *p, enum option kind, struct part kv,
                       struct part value)
{
    switch (kind) {
    case OPT_BDF:
        return parse_keyed_address(p, value);
    case OPT_VSLOT:
        return parse_vslot(p, value);
    case OPT_NAME:
        return parse_name(p, value);
    case OPT_XM:
        if (p->xm && (equals(value, "yes") || equals(value, "no")))
            break;
        /* fallthrough */
    case OPT_BOOL:
        if (!equals(value, "0") && !equals(value, "1"))
            return spec_error(
                p, value,
                "'%.*s' is neither 0 nor 1, and xl takes no other "
                "word for it (yes and true mean 0)");
        break;
    case OPT_POLICY:
        if (!equals(value, "strict") && !equals(value, "relaxed"))
            return spec_error(p, value, "'%.*s' is neither strict nor relaxed");
        break;
    }
    return keep_option(p, kv);
}

static int parse_option(struct parser *p, struct part kv)
{
    bool has_value;
    struct part key = cut(kv, '=', &has_value);

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(options); i++) {
        if (!equals(key, options[i].key))
            continue;
        if (!has_value)
            return spec_error(p, key, "'%.*s' needs a value, e.g. '='");
        if (p->seen & 1U << i)
            return spec_error(p, key, "'%.*s' is given twice");
        p->seen |= 1U << i;
        return parse_value(p, options[i].kind, kv, behind(kv, key));
    }
    if (!key.len)
        return spec_error(p, kv, "an option is missing%.*s");
    if (*key.s == ' ' || *key.s == '\t')
        return spec_error(p, key, "no blanks may stand before option '%.*s'");
    return spec_error(p, key,
                      "unknown option '%.*s' (permissive, msitranslate, seize, "
                      "power_mgmt, rdm_policy, vslot, name)");
}

/* "bdf[@vslot]" */
static int parse_positional(struct parser *p, struct part part)
{
    bool has_slot;
    struct part address = cut(part, '@', &has_slot);
    int ret = parse_address(p, address);

    p->seen |= 1U << OPT_BDF;
    if (ret < 0 || !has_slot)
        return ret;
    p->seen |= 1U << OPT_VSLOT;
    return parse_vslot(p, behind(part, address));
}

static int parse_parts(struct parser *p)
{
    struct part left = p->whole, part;
    bool first = true, keyed, more;
    int ret;

    do {
        part = cut(left, ',', &more);
        cut(part, '=', &keyed);
        ret =
            first && !keyed ? parse_positional(p, part) : parse_option(p, part);
        if (ret < 0)
            return ret;
        if (more)
            left = behind(left, part);
        first = false;
    } while (more && left.len);
    return 0;
}

static int check_whole(struct parser *p)
{
    bool bdf = p->seen & 1U << OPT_BDF, name = p->seen & 1U << OPT_NAME;

    if (bdf && name)
        return spec_error(p, p->whole, "'%.*s' has both an address and a name");
    if (!bdf && !name)
        return spec_error(p, p->whole,
                          "'%.*s' names no device (" ADDRESS_FORM ")");
    return 0;
}

/* A message has one line. */
static int check_bytes(struct parser *p, char *text)
{
    size_t bad = p->whole.len;

    for (size_t i = bad; i-- > 0;) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            text[i] = '?';
            bad = i;
        }
    }
    if (bad == p->whole.len)
        return 0;
    return spec_error(p, (struct part){ text + bad, p->whole.len - bad },
                      "unprintable character in '%.*s'");
}

/* The functions of xm's list @s, a bit each; 0: none, or one given twice. */
static unsigned int func_mask(const char *s, const char **end)
{
    unsigned int mask = 0;
    bool range = false;

    for (int f = 0, to;; s++) {
        to = *s - '0';
        if (to < 0 || to > 7 || (range && to == f))
            return 0;
        do {
            f = !range ? to : f < to ? f + 1 : f - 1;
            if (mask & 1U << f)
                return 0;
            mask |= 1U << f;
        } while (f != to);
        if (s[1] == '=' && s[2] >= '0' && s[2] <= '7') /* the virtual one */
            s += 2;
        *end = ++s;
        range = *s == '-' && !range;
        if (!range && (*s != ',' || s[1] < '0' || s[1] > '9')) /* an option */
            return mask;
    }
}

/* A list of functions becomes "*" for what follows. */
static int take_funcs(struct parser *p, char *text)
{
    char *dot = text + strcspn(text, "=.");
    const char *end;

    if (*dot != '.' || !func_mask(dot + 1, &end) || end == dot + 2 ||
        !strchr("@,", *end))
        return 0;
    if (!p->xm)
        return spec_error(p, (struct part){ text, (size_t)(end - text) },
                          "xl rejects several functions in one entry, as in "
                          "'%.*s' (xm took them); write an entry for each");
    p->spec.funcs = strndup(dot + 1, (size_t)(end - dot) - 1);
    if (!p->spec.funcs)
        return xpci_error_oom(p->err);
    dot[1] = '*';
    memmove(dot + 2, end, strlen(end) + 1);
    p->whole.len = strlen(text);
    return 0;
}

int xpci_pci_spec_read(const char *s, size_t len, bool xm,
                       struct xpci_pci_spec *out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_parser_ struct parser p = { .xm = xm, .err = err };
    int ret = xpci_buf_append(&text, s, len);

    if (ret < 0)
        return xpci_error_oom(err);
    p.whole = (struct part){ text.data, len };
    ret = check_bytes(&p, text.data);
    if (ret == 0)
        ret = take_funcs(&p, text.data);
    if (ret == 0)
        ret = parse_parts(&p);
    if (ret == 0)
        ret = check_whole(&p);
    if (ret < 0)
        return ret;
    if (p.rest.len)
        p.spec.options = xpci_buf_steal(&p.rest);
    *out = xpci_steal(p.spec);
    return 0;
}

bool xpci_pci_spec_covers(const struct xpci_pci_spec *spec,
                          const struct xpci_bdf *bdf)
{
    const char *end;

    return !spec->name && xpci_bdf_matches(&spec->dev, bdf) &&
           (!spec->funcs || func_mask(spec->funcs, &end) & 1U << bdf->func);
}

bool xpci_pci_spec_overlaps(const struct xpci_pci_spec *a,
                            const struct xpci_pci_spec *b)
{
    struct xpci_bdf bdf = a->dev.bdf;

    if (a->name && b->name)
        return strcmp(a->name, b->name) == 0;
    for (bdf.func = 0; bdf.func < 8; bdf.func++) {
        if (xpci_pci_spec_covers(a, &bdf) && xpci_pci_spec_covers(b, &bdf))
            return true;
    }
    return false;
}

void xpci_pci_spec_clear(struct xpci_pci_spec *spec)
{
    free(spec->funcs);
    free(spec->name);
    free(spec->options);
    *spec = (struct xpci_pci_spec){ 0 };
}

static int format_address(struct xpci_buf *out,
                          const struct xpci_pci_spec *spec, bool with_segment)
{
    const struct xpci_bdf *b = &spec->dev.bdf;

    if ((b->segment || with_segment) &&
        xpci_buf_printf(out, "%04x:", b->segment) < 0)
        return -ENOMEM;
    if (xpci_buf_printf(out, "%02x:%02x.", b->bus, b->slot) < 0)
        return -ENOMEM;
    return spec->dev.all_funcs
               ? xpci_buf_puts(out, spec->funcs ? spec->funcs : "*")
               : xpci_buf_printf(out, "%x", b->func);
}

char *xpci_pci_spec_format(const struct xpci_pci_spec *spec, bool with_segment)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    int ret;

    if (spec->name)
        ret = xpci_buf_printf(&out, "name=%s", spec->name);
    else
        ret = format_address(&out, spec, with_segment);
    if (ret == 0 && spec->vslot)
        ret = xpci_buf_printf(&out, spec->name ? ",vslot=%x" : "@%x",
                              spec->vslot);
    if (ret == 0 && spec->options)
        ret = xpci_buf_printf(&out, ",%s", spec->options);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}
