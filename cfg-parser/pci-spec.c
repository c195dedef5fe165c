/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buf.h"
#include "pci-spec.h"

#define ADDRESS_FORM "[ssss:]bb:dd.f, hexadecimal"

struct parser {
    const char *whole;
    const char *text; /* the same, or a copy that is cut into parts */
    bool xm;
    unsigned int seen; /* bits of options[] */
    struct xpci_pci_spec *spec;
    struct xpci_error *err;
};

/* "pci spec '...': column N: ..."; @fmt may have one %s, which gets @bad. */
static int _printf_(3, 0)
    spec_error(const struct parser *p, const char *bad, const char *fmt)
{
    _cleanup_free_ char *why = NULL;

    xpci_try(xpci_asprintf(p->err, &why, fmt, bad));
    return xpci_error_set(p->err, EINVAL, "pci spec '%s': column %zu: %s",
                          p->whole, (size_t)(bad - p->text) + 1, why);
}

static int take_address(struct parser *p, const char *s)
{
    int ret = xpci_bdf_pattern_parse(s, &p->spec->dev);

    if (ret == -ERANGE)
        return spec_error(p, s,
                          "'%s' is out of range: a bus is up to ff, a slot up "
                          "to 1f, a function up to 7");
    if (ret < 0)
        return spec_error(p, s, "'%s' is not a PCI address (" ADDRESS_FORM ")");
    if (p->spec->dev.bdf.segment > 0xffff)
        return spec_error(p, s,
                          "the segment of '%s' is above ffff, xen cannot take "
                          "it");
    return 0;
}

static int take_vslot(struct parser *p, const char *s)
{
    if (xpci_vslot_parse(s, strlen(s), &p->spec->vslot) < 0)
        return spec_error(p, s,
                          "virtual slot '%s' is not within 1 to 1f "
                          "(hexadecimal)");
    return 0;
}

enum { BDF, VSLOT, NAME }; /* of options[]; those behind are kept as text */

#define NO_BOOL                                                                \
    "'%s' is neither 0 nor 1, and xl takes no other word for it (yes and "     \
    "true mean 0)"

static const struct {
    const char *key, *words, *xm_words, *why; /* what it may be, or else why */
} options[] = {
    { .key = "bdf" },
    { .key = "vslot" },
    { .key = "name" },
    { "permissive", "0 1", "0 1", NO_BOOL },
    { "msitranslate", "0 1", "0 1 yes no", NO_BOOL },
    { "seize", "0 1", "0 1", NO_BOOL },
    { "power_mgmt", "0 1", "0 1 yes no", NO_BOOL },
    { "rdm_policy", "strict relaxed", "strict relaxed",
      "'%s' is neither strict nor relaxed" },
};

static int take_option(struct parser *p, size_t i, const char *value)
{
    _cleanup_free_ char *old = NULL;
    const char *words = p->xm ? options[i].xm_words : options[i].words;

    if (i == BDF && strchr(value, '@'))
        return spec_error(p, value,
                          "xl ignores the virtual slot in 'bdf=%s', write it "
                          "without 'bdf=' or with ',vslot='");
    if (i == BDF)
        return take_address(p, value);
    if (i == VSLOT)
        return take_vslot(p, value);
    if (i == NAME && !*value)
        return spec_error(p, value, "the name is empty");
    if (i == NAME)
        return xpci_asprintf(p->err, &p->spec->name, "%s", value);
    if (!xpci_find_word(words, value, strlen(value)))
        return spec_error(p, value, options[i].why);
    old = p->spec->options;
    return xpci_asprintf(p->err, &p->spec->options, "%s%s%s=%s", old ? old : "",
                         old ? "," : "", options[i].key, value);
}

static int parse_option(struct parser *p, char *key)
{
    char *value = strchr(key, '=');
    size_t i = 0;

    if (value)
        *value++ = '\0';
    while (i < XPCI_ARRAY_SIZE(options) && strcmp(key, options[i].key) != 0)
        i++;
    if (!*key)
        return spec_error(p, key, "an option is missing");
    if (*key == ' ' || *key == '\t')
        return spec_error(p, key, "no blanks may stand before option '%s'");
    if (i == XPCI_ARRAY_SIZE(options))
        return spec_error(p, key,
                          "unknown option '%s' (permissive, msitranslate, "
                          "seize, power_mgmt, rdm_policy, vslot, name)");
    if (!value)
        return spec_error(p, key, "'%s' needs a value, e.g. '='");
    if (p->seen & 1U << i)
        return spec_error(p, key, "'%s' is given twice");
    p->seen |= 1U << i;
    return take_option(p, i, value);
}

/* "bdf[@vslot]", or an option too, before the others */
static int parse_parts(struct parser *p, char *text)
{
    char *rest = text, *part = strsep(&rest, ","), *vslot = strchr(part, '@');

    if (strchr(part, '=')) {
        xpci_try(parse_option(p, part));
    } else {
        if (vslot)
            *vslot++ = '\0';
        p->seen |= 1U << BDF | (vslot ? 1U << VSLOT : 0);
        xpci_try(take_address(p, part));
        if (vslot)
            xpci_try(take_vslot(p, vslot));
    }
    while ((part = strsep(&rest, ",")) && (rest || *part))
        xpci_try(parse_option(p, part));
    return 0;
}

static int check_whole(struct parser *p)
{
    bool bdf = p->seen & 1U << BDF, name = p->seen & 1U << NAME;

    p->text = p->whole;
    if (bdf && name)
        return spec_error(p, p->text, "'%s' has both an address and a name");
    if (!bdf && !name)
        return spec_error(p, p->text,
                          "'%s' names no device (" ADDRESS_FORM ")");
    return 0;
}

/* A message has one line. */
static int check_bytes(struct parser *p, char *text, size_t len)
{
    size_t bad = len;

    for (size_t i = len; i-- > 0;) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            text[i] = '?';
            bad = i;
        }
    }
    return bad == len
               ? 0
               : spec_error(p, text + bad, "unprintable character in '%s'");
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
    size_t len;

    if (*dot != '.' || !func_mask(dot + 1, &end) || end == dot + 2 ||
        !strchr("@,", *end))
        return 0;
    len = (size_t)(end - dot) - 1;
    if (!p->xm) {
        dot[1 + len] = '\0';
        return spec_error(p, text,
                          "xl rejects several functions in one entry, as in "
                          "'%s' (xm took them); write an entry for each");
    }
    dot[1] = '*';
    memmove(dot + 2, end, strlen(end) + 1);
    return xpci_asprintf(p->err, &p->spec->funcs, "%.*s", (int)len,
                         p->whole + (dot + 1 - text));
}

int xpci_pci_spec_read(const char *s, size_t len, bool xm,
                       struct xpci_pci_spec *out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf whole = { 0 }, text = { 0 };
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    struct parser p = { .xm = xm, .spec = &spec, .err = err };

    xpci_need(xpci_buf_append(&whole, s, len) == 0, err);
    p.whole = p.text = whole.data;
    xpci_try(check_bytes(&p, whole.data, len));
    xpci_need(xpci_buf_append(&text, s, len) == 0, err);
    p.text = text.data;
    xpci_try(take_funcs(&p, text.data));
    xpci_try(parse_parts(&p, text.data));
    xpci_try(check_whole(&p));
    *out = xpci_steal(spec);
    return 0;
}

/* The functions of its slot, a bit each. */
static unsigned int mask_of(const struct xpci_pci_spec *spec)
{
    const char *end;

    if (spec->funcs)
        return func_mask(spec->funcs, &end);
    return spec->dev.all_funcs ? 0xff : 1U << spec->dev.bdf.func;
}

bool xpci_pci_spec_covers(const struct xpci_pci_spec *spec,
                          const struct xpci_bdf *bdf)
{
    return !spec->name && xpci_bdf_same_slot(&spec->dev.bdf, bdf) &&
           mask_of(spec) & 1U << bdf->func;
}

bool xpci_pci_spec_overlaps(const struct xpci_pci_spec *a,
                            const struct xpci_pci_spec *b)
{
    if (a->name || b->name)
        return a->name && b->name && strcmp(a->name, b->name) == 0;
    return xpci_bdf_same_slot(&a->dev.bdf, &b->dev.bdf) &&
           mask_of(a) & mask_of(b);
}

void xpci_pci_spec_clear(struct xpci_pci_spec *spec)
{
    free(spec->funcs);
    free(spec->name);
    free(spec->options);
    *spec = (struct xpci_pci_spec){ 0 };
}

char *xpci_pci_spec_format(const struct xpci_pci_spec *spec, bool with_segment)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    const struct xpci_bdf *b = &spec->dev.bdf;
    char segment[16] = "", func[4] = "*";
    int ret;

    if (b->segment || with_segment)
        snprintf(segment, sizeof(segment), "%04x:", b->segment);
    if (!spec->dev.all_funcs)
        snprintf(func, sizeof(func), "%x", b->func);
    ret = spec->name
              ? xpci_buf_printf(&out, "name=%s", spec->name)
              : xpci_buf_printf(&out, "%s%02x:%02x.%s", segment, b->bus,
                                b->slot, spec->funcs ? spec->funcs : func);
    if (ret == 0 && spec->vslot)
        ret = xpci_buf_printf(&out, spec->name ? ",vslot=%x" : "@%x",
                              spec->vslot);
    if (ret == 0 && spec->options)
        ret = xpci_buf_printf(&out, ",%s", spec->options);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}
