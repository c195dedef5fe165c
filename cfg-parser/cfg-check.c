/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <strings.h>

#include "cfg-check.h"
#include "pci-spec.h"
#include "tree.h"
#include "xl-spec.h"

#define HINT XPCI_CFG_HINT
#define WARNING XPCI_CFG_WARNING
#define ERROR XPCI_CFG_ERROR

enum { HVM = 1, PV = 2, PVH = 4 };

/* What is wrong with the value of a key. */
enum when { THERE, ABSENT, IS, IS_NOT, LACKS, ON, NO_NUMBER, POD };

#define SEIZE                                                                  \
    "seize takes a device from dom0 unasked, even if dom0 runs on it; "        \
    "'xpci hide' looks first"

/*
 * Rules about keys, for some guests only (0: all), with pci entries or without
 * them. The message gets the value; several words stand apart by blanks.
 */
static const struct rule {
    enum xpci_cfg_severity severity;
    const char *message, *key;
    enum when when;
    const char *words, *fix;
    unsigned int guests;
    enum { ANY, NONE, SOME } entries;
} rules[] = {
#define DEFAULT(name)                                                          \
    {                                                                          \
        ERROR, "xl ignores what is no number: " name " stays off",             \
            "pci_" name, NO_NUMBER, .fix = "pci_" name " = 1"                  \
    }
    DEFAULT("permissive"),
    DEFAULT("msitranslate"),
    DEFAULT("seize"),
    DEFAULT("power_mgmt"),
    { WARNING, SEIZE, "pci_seize", ON, .entries = SOME },
    { ERROR, "xl refuses the file: '%s' is no way of passthrough",
      "passthrough", IS_NOT, "default disabled enabled sync_pt share_pt",
      "passthrough = 'enabled'", 0, ANY },
    { ERROR, "xl creates no guest with pci entries and passthrough disabled",
      "passthrough", IS, "disabled", "passthrough = 'enabled'", 0, SOME },
    { ERROR, "xl creates no pvh guest with passthrough", "passthrough", IS,
      "enabled sync_pt share_pt", "passthrough = 'disabled'", PVH, NONE },
    { ERROR, "xl creates no pv guest with this passthrough", "passthrough", IS,
      "share_pt", "passthrough = 'enabled'", PV, ANY },
    { ERROR,
      "from 4.17 on xl creates no guest with passthrough and maxmem above "
      "memory",
      "passthrough", POD, "enabled sync_pt share_pt", NULL, HVM, NONE },
    { HINT,
      "without pci entries or passthrough the guest gets no iommu: no "
      "device can be attached later",
      "passthrough", ABSENT, NULL, "passthrough = 'enabled'", PV | HVM, NONE },
    { HINT,
      "without pci entries or e820_host the guest has no room in its "
      "memory map for devices attached later",
      "e820_host", ABSENT, NULL, "e820_host = 1", PV, NONE },
    { HINT,
      "without iommu=soft an older linux makes room for dma only when it "
      "finds the device, which can fail",
      "extra", LACKS, "iommu=soft swiotlb", "extra = 'iommu=soft'", PV, SOME },
    { WARNING,
      "xl ignores rdm without a policy up to 4.14, and later makes "
      "one up; give each entry its rdm_policy",
      "rdm", IS, "strategy=host", NULL, HVM, ANY },
    { ERROR,
      "from 4.15 on xl ignores rdm with a right policy and takes a "
      "wrong one; give each entry its rdm_policy",
      "rdm", IS_NOT, "strategy=host", "rdm = 'strategy=host'", HVM, ANY },
    { ERROR, "xl creates no pvh guest with pci entries", "pci", THERE, NULL,
      NULL, PVH, SOME },
    { ERROR, "xl creates no guest with pci entries and maxmem above memory",
      "maxmem", POD, NULL, NULL, HVM, SOME },
};

/* An entry that can be understood, as it was meant. */
struct xpci_cfg_seen {
    const char *file;
    struct xpci_place at;
    char quote;
    bool with_segment;
    struct xpci_pci_spec spec;
};

/* One file. Without memory it goes on to the end and fails there. */
struct check {
    struct xpci_cfg_check *out;
    const char *file;
    const struct xpci_cfg *cfg;
    unsigned int guest;
    size_t first, first_seen; /* of this file, in out->v and out->seen */
    size_t entries;
    struct xpci_place at; /* where at() was last */
    bool no_memory;
};

static void *keep(struct check *c, void *p)
{
    c->no_memory |= !p;
    return p;
}

static char *_printf_(2, 3) text(struct check *c, const char *fmt, ...)
{
    return keep(c, xpci_format_args(fmt));
}

/* The file's bytes may be anything. */
static void make_printable(char *s)
{
    for (; s && *s; s++)
        *s = (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s;
}

static unsigned long position(const struct xpci_cfg_finding *f)
{
    return (unsigned long)f->line << 32 | f->column;
}

/* The place of token @tok, until the next call. */
static const struct xpci_place *at(struct check *c, size_t tok)
{
    xpci_lex_seek(c->cfg->text.data, &c->at, xpci_cfg_start(c->cfg, tok));
    return &c->at;
}

/* At @place, or of the whole file. Takes @fix. */
static void _printf_(5, 6)
    found(struct check *c, enum xpci_cfg_severity severity,
          const struct xpci_place *place, char *fix, const char *fmt, ...)
{
    struct xpci_cfg_finding *f = keep(c, xpci_list_add(c->out)), new = {
        .file = c->file,
        .line = place ? place->line : 1,
        .column = place ? place->column : 1,
        .severity = severity,
        .fix = fix,
    };

    if (!f) {
        free(fix);
        return;
    }
    new.message = keep(c, xpci_format_args(fmt));
    make_printable(new.message);
    make_printable(fix);
    for (; f > c->out->v + c->first && position(f - 1) > position(&new); f--)
        *f = f[-1];
    *f = new;
}

/* Is a word of @words in @s, or the whole of it? */
static bool any_word(const char *s, const char *words, bool in)
{
    char word[32];
    int n;

    for (; sscanf(words, " %31s%n", word, &n) == 1; words += n) {
        if (in ? strstr(s, word) != NULL : !strcasecmp(s, word))
            return true;
    }
    return false;
}

/* Slots above 1f were meant in decimal. */
static unsigned long slot_of(const char *s)
{
    unsigned long slot = strtoul(s, NULL, 16);

    return slot > 0x1f ? strtoul(s, NULL, 10) : slot;
}

static void drop_blanks(char *s)
{
    for (char *from = s; (*s = *from); from++)
        s += *s != ' ' && *s != '\t';
}

/* What xl reads once that is mended of which it is clear what was meant. */
static char *repair(const char *spec)
{
    _cleanup_free_ char *copy = strdup(spec);
    _cleanup_buf_ struct xpci_buf out = { 0 };
    char *rest = copy, *part, *value, *slot, *last;
    int ret = copy ? xpci_buf_puts(&out, "") : -ENOMEM;

    while (ret == 0 && (part = strsep(&rest, ","))) {
        bool named = !strncmp(part, "name=", 5);

        if (!named)
            drop_blanks(part);
        value = strchr(part, '=');
        slot = named ? NULL : strchr(part, '@');
        if (!strncmp(part, "vslot=", 6)) {
            slot = value;
            part = value + strlen(value);
        }
        if (slot)
            *slot++ = '\0';
        /* what is behind a value would be lost; no value, no slot */
        last = slot ? slot : value ? value + 1 : part + strlen(part);
        if (!named &&
            (strchr(last, '=') || !strcmp(part, "vslot") ||
             (slot && *part && last[strspn(last, "0123456789abcdefABCDEFxX")])))
            return strdup(XPCI_XL_REFUSED);
        if (!named && value && any_word(value + 1, "yes true on", false))
            ret = xpci_buf_printf(&out, "%.*s=1,", (int)(value - part), part);
        else if (*part)
            ret = xpci_buf_printf(&out, "%s%s,", part,
                                  value || strchr(part, ':') ? "" : "=1");
        if (ret == 0 && slot)
            ret = slot_of(slot)
                      ? xpci_buf_printf(&out, "vslot=%lx,", slot_of(slot))
                      : xpci_buf_printf(&out, "vslot=%s,", slot);
    }
    return ret == 0 ? xpci_xl_spec(out.data, XPCI_XL_4_15) : NULL;
}

/* As it is to be written; NULL: with slot 20 and above, or with escapes. */
static char *write_entry(struct check *c, const struct xpci_cfg_seen *e,
                         unsigned int vslot)
{
    struct xpci_pci_spec want = e->spec;
    _cleanup_free_ char *s = NULL;

    if (vslot > 0x1f)
        return NULL;
    want.vslot = vslot;
    s = keep(c, xpci_pci_spec_format(&want, e->with_segment));
    return s && !strpbrk(s, "'\"\\") ? text(c, "%c%s%c", e->quote, s, e->quote)
                                     : NULL;
}

/* What xl makes of @s; false if nothing can be said of its device. */
static bool check_spec(struct check *c, const char *s, struct xpci_cfg_seen *e)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_free_ char *now = keep(c, xpci_xl_spec(s, XPCI_XL_4_15));
    _cleanup_free_ char *old = keep(c, xpci_xl_spec(s, XPCI_XL_4_14));
    _cleanup_free_ char *meant = keep(c, repair(s));
    int ret = xpci_pci_spec_parse(s, strlen(s), &e->spec, &why);
    bool strict = ret == 0, same;

    c->no_memory |= ret == -ENOMEM;
    if (c->no_memory)
        return strict;
    same = !strcmp(now, old);
    if (!strict)
        ret = xpci_pci_spec_parse(meant, strlen(meant), &e->spec, NULL);
    c->no_memory |= ret == -ENOMEM;
    if (!strict || !same)
        found(c, strict || (!ret && !strcmp(now, meant)) ? WARNING : ERROR,
              &e->at,
              ret || (strict && e->spec.name)
                  ? NULL
                  : write_entry(c, e, e->spec.vslot),
              "%s; for xl: %s%s%s",
              strict ? "xl's releases differ" : xpci_error_text(&why), now,
              same ? "" : ", up to 4.14: ", same ? "" : old);
    return ret == 0;
}

static void check_entry(struct check *c, const struct xpci_cfg_item *item)
{
    const char *s = item->value;
    struct xpci_cfg_seen e = {
        .file = c->file,
        .at = *at(c, item->tok),
        .quote = c->cfg->text.data[c->at.off] == '"' ? '"' : '\'',
        .with_segment = strchr(s, ':') != strrchr(s, ':'), /* two */
    };
    const struct xpci_cfg_seen *v = c->out->seen.v;
    size_t i = 0;

    c->entries++;
    if (!check_spec(c, s, &e))
        return;
    while (i < c->out->seen.n && !xpci_pci_spec_overlaps(&v[i].spec, &e.spec))
        i++;
    if (i < c->out->seen.n)
        found(c, i < c->first_seen ? WARNING : ERROR, &e.at, NULL,
              "the device is also in '%s:%u:%u': %s", v[i].file, v[i].at.line,
              v[i].at.column,
              i < c->first_seen ? "only one of the guests can run"
                                : "xl attaches none twice and creates no "
                                  "guest; drop one");
    if (e.spec.dev.all_funcs)
        found(c, ERROR, &e.at, NULL,
              "from 4.13 on xl attaches one function only of '.*', and "
              "without a slot none; write an entry for each");
    if (e.spec.options && strstr(e.spec.options, "seize=1"))
        found(c, WARNING, &e.at, NULL, SEIZE);
    if (xpci_list_push(&c->out->seen, e) == 0)
        return;
    c->no_memory = true;
    xpci_pci_spec_clear(&e.spec);
}

static void check_items(struct check *c)
{
    const struct xpci_cfg *cfg = c->cfg;
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };

    c->no_memory |= xpci_cfg_items(cfg, "pci", &items, NULL) < 0;
    for (size_t i = 0; i < items.n; i++) {
        size_t tok = items.v[i].tok;

        if (items.v[i].value)
            check_entry(c, &items.v[i]);
        else if (xpci_cfg_type(cfg, tok) == XPCI_TOK_OPEN)
            found(c, ERROR, at(c, tok), NULL,
                  "xl drops a list inside the list, and all entries behind "
                  "it; take its brackets away");
        else
            found(c, ERROR, at(c, tok),
                  text(c, "pci = [%.*s]", XPCI_CFG_TEXT(cfg, tok)),
                  "xl ignores 'pci', which is no list: the guest starts "
                  "without its devices");
    }
}

/* Entries of a list that another one replaces. */
static void check_replaced(struct check *c)
{
    const struct xpci_cfg *cfg = c->cfg;
    size_t start = xpci_cfg_chain(cfg, "pci");
    unsigned int lost = 0;

    for (size_t i = 0; i < start; i++) {
        const struct xpci_cfg_stmt *stmt = &cfg->stmts.v[i];

        for (size_t k = stmt->first + 1;
             k < stmt->last && xpci_cfg_is_key(cfg, stmt, "pci"); k++) {
            if (xpci_cfg_type(cfg, k) == XPCI_TOK_STRING)
                lost = at(c, stmt->key)->line;
        }
    }
    if (lost && start < cfg->stmts.n)
        found(c, ERROR, at(c, cfg->stmts.v[start].key), NULL,
              "this list replaces that of line %u: what is only there the "
              "guest does not get; '+=' would add to it",
              lost);
}

/* --- the guest --- */

/* The value that counts; NULL: none, or a list. */
static char *value_of(struct check *c, const char *key)
{
    char *s = NULL;

    c->no_memory |= xpci_cfg_string(c->cfg, key, &s, NULL) == -ENOMEM;
    return s;
}

/* As xl reads one: not if it is added up. */
static bool number(struct check *c, const char *key, long *out)
{
    _cleanup_free_ char *s = value_of(c, key);
    char *end;

    if (!s || !*s || xpci_cfg_last(c->cfg, key)->append)
        return false;
    *out = strtol(s, &end, 0);
    return !*end;
}

static bool is_broken(struct check *c, const struct rule *r, const char *value)
{
    long a, b;

    switch (r->when) {
    case THERE:
    case ABSENT:
        return !xpci_cfg_last(c->cfg, r->key) == (r->when == ABSENT);
    case IS:
    case IS_NOT:
        return value && any_word(value, r->words, false) == (r->when == IS);
    case LACKS:
        return !value || !any_word(value, r->words, true);
    case ON:
        return number(c, r->key, &a) && a;
    case NO_NUMBER:
        return xpci_cfg_last(c->cfg, r->key) && !number(c, r->key, &a);
    case POD: /* populate on demand */
        return (!r->words || (value && any_word(value, r->words, false))) &&
               number(c, "maxmem", &a) && number(c, "memory", &b) && a > b;
    }
    return false;
}

static void check_key(struct check *c, struct rule r)
{
    const struct xpci_cfg_stmt *stmt;
    _cleanup_free_ char *value = NULL;

    if (r.when == LACKS &&
        xpci_cfg_last(c->cfg, "cmdline")) /* then "extra" is ignored */
        r.key = "cmdline";
    stmt = xpci_cfg_last(c->cfg, r.key);
    value = value_of(c, r.key);
    if (value && (r.when == NO_NUMBER || r.when == IS_NOT) &&
        any_word(value, "no false off none 0", false)) {
        r.fix = NULL; /* it would be the opposite */
        r.severity = r.when == NO_NUMBER ? WARNING : r.severity;
    }
    if ((!r.guests || r.guests & c->guest) &&
        (r.entries == ANY || (r.entries == SOME) == !!c->entries) &&
        is_broken(c, &r, value))
        found(c, r.severity, stmt ? at(c, stmt->first) : NULL,
              r.fix && !(stmt && r.when == LACKS) ? text(c, "%s", r.fix) : NULL,
              r.message, value);
}

/* xl compares as many letters as there are: "p" is a pv guest. */
static void find_guest(struct check *c)
{
    static const char *const keys[] = { "type", "builder" };
    static const char *const words[][3] = { { "hvm", "pv", "pvh" },
                                            { "hvm", "generic", "" } };

    for (size_t k = 0; k < XPCI_ARRAY_SIZE(keys); k++) {
        _cleanup_free_ char *s = value_of(c, keys[k]);
        unsigned int guest = 0;

        for (size_t i = XPCI_ARRAY_SIZE(words[k]); s && i > 0; i--) {
            if (!strncmp(s, words[k][i - 1], strlen(s)))
                guest = 1U << (i - 1);
        }
        if (s && (!guest || (c->guest && c->guest != guest)))
            found(c, ERROR, at(c, xpci_cfg_last(c->cfg, keys[k])->first), NULL,
                  "xl refuses the file: %s '%s' is none it knows, or not that "
                  "of 'type'; write type = 'hvm', 'pv' or 'pvh' alone",
                  keys[k], s);
        c->guest = guest ? guest : c->guest;
    }
    c->guest = c->guest ? c->guest : PV;
}

/* --- slots --- */

/* Of those that hold @word, blanks aside. */
static int count_items(struct check *c, const char *list, const char *word)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    int n = 0;

    c->no_memory |= xpci_cfg_list(c->cfg, list, &items, NULL) == -ENOMEM;
    for (size_t i = 0; i < items.n; i++) {
        drop_blanks(items.v[i].value);
        n += strstr(items.v[i].value, word) != NULL;
    }
    return n;
}

/* libxl looks at it only if it finds no other USB, which takes no slot. */
static long usb_version(struct check *c)
{
    long version;
    bool other = (number(c, "usb", &version) && version) ||
                 xpci_cfg_last(c->cfg, "usbdevice");

    return !other && number(c, "usbversion", &version) ? version : 0;
}

/*
 * The last slot of the device model's own devices, as libxl asks QEMU for
 * them: it fills up from slot 2, 1 is the chipset's.
 */
static unsigned int own_slots(struct check *c, long usb)
{
    static const struct {
        const char *key, *value;
        int slots;
    } emulated[] = {
        { "xen_platform_pci", "0", -1 },
        { "vga", "none", -1 },
        { "hdtype", "ahci", 1 },
        { "vendor_device", "xenserver", 1 },
    };
    int n = 3 + (usb == 1 || usb == 3) + !!xpci_cfg_last(c->cfg, "soundhw") +
            (count_items(c, "disk", ",sd") + count_items(c, "disk", "vdev=sd") >
             0) +
            count_items(c, "vif", "") - count_items(c, "vif", "type=vif");
    _cleanup_free_ char *gfx = value_of(c, "gfx_passthru");
    long on;

    n += number(c, "spice", &on) && on && number(c, "spicevdagent", &on) && on;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(emulated); i++) {
        _cleanup_free_ char *s = value_of(c, emulated[i].key);

        n += s && !strcasecmp(s, emulated[i].value) ? emulated[i].slots : 0;
    }
    /* the card for the screen has to be at slot 2; "igd" is one too */
    return gfx && (!number(c, "gfx_passthru", &on) || on) ? 1 : (unsigned int)n;
}

static void check_slots(struct check *c)
{
    const struct xpci_cfg_seen *by[0x20] = { 0 }, *e;
    long usb = usb_version(c);
    unsigned int own = own_slots(c, usb), autos = 0, next, slot;

    for (size_t i = c->out->seen.n; i-- > c->first_seen;) {
        e = &c->out->seen.v[i];
        by[e->spec.vslot] = e;
        autos += !e->spec.vslot;
    }
    next = own + autos;
    for (size_t i = c->first_seen; i < c->out->seen.n; i++) {
        e = &c->out->seen.v[i];
        slot = e->spec.vslot;
        if (!slot)
            continue;
        while ((slot <= own + autos || by[slot] != e) && ++next < 0x20 &&
               by[next])
            ;
        if (c->guest != HVM)
            found(c, ERROR, &e->at, write_entry(c, e, 0),
                  "slot %x has no effect: only an hvm guest's can be chosen",
                  slot);
        else if (slot == 0x1d && usb == 2)
            found(c, ERROR, &e->at, NULL,
                  "slot 1d has the controllers of usbversion 2: xl creates no "
                  "guest");
        else if (slot <= own || by[slot] != e)
            found(c, ERROR, &e->at, write_entry(c, e, next),
                  slot <= own ? "slot %x is the device model's own, as are all "
                                "up to %x: xl creates no guest"
                              : "slot %x is taken by the entry in line %u: xl "
                                "creates no guest",
                  slot, slot <= own ? own : by[slot]->at.line);
        else if (slot <= own + autos)
            found(c, WARNING, &e->at, write_entry(c, e, next),
                  "slot %x may first go to an entry without a slot", slot);
        else if (slot >= 0x10 && slot % 16 < 10)
            found(c, HINT, &e->at, NULL,
                  "slots are hexadecimal: %x is %u in decimal, and %x in "
                  "decimal would be %x",
                  slot, slot, slot, slot / 16 * 10 + slot % 16);
    }
}

/* --- a file --- */

/* @why is "FILE:LINE:COLUMN: reason". */
static void refused(struct check *c, const char *why)
{
    struct xpci_place place = { 0, 1, 1 };
    size_t len = strlen(c->file);
    int n = 0;

    if (!strncmp(why, c->file, len) &&
        sscanf(why + len, ":%u:%u: %n", &place.line, &place.column, &n) == 2)
        why += len + (size_t)n;
    found(c, ERROR, &place, NULL, "%s", why);
}

int xpci_cfg_check_text(struct xpci_cfg_check *check, const char *file,
                        const char *data, size_t len, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    struct check c = { .out = check,
                       .file = file,
                       .first = check->n,
                       .first_seen = check->seen.n };

    if (xpci_cfg_parse(data, len, file, &cfg, &why) < 0) {
        c.no_memory = why.code == -ENOMEM;
        refused(&c, xpci_error_text(&why));
        return c.no_memory ? xpci_error_oom(err) : 0;
    }
    c.cfg = cfg;
    if (xpci_cfg_xl_error(cfg))
        refused(&c, xpci_cfg_xl_error(cfg));
    find_guest(&c);
    check_items(&c);
    check_replaced(&c);
    check_slots(&c);
    /* of xm's files values may be unknown, and xl reads none of them */
    for (size_t i = 0; !xpci_cfg_xl_error(cfg) && i < XPCI_ARRAY_SIZE(rules);
         i++)
        check_key(&c, rules[i]);
    return c.no_memory ? xpci_error_oom(err) : 0;
}

void xpci_cfg_check_clear(struct xpci_cfg_check *check)
{
    xpci_list_clear(&check->seen, e, xpci_pci_spec_clear(&e->spec));
    xpci_list_clear(check, f, free(f->message), free(f->fix));
}
