/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds and removes: what xl reads from the new file is the old list with
 * exactly that change, all other keys are as they were, and so are the bytes
 * but for one piece. What is to come out is computed here from xl's reading of
 * the old file; of our own code only the parser of specs is used for it.
 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "tree.h"

/* A file as it is: its text, its list and all else. */
struct state {
    struct xpci_buf text;
    struct xpci_strv list; /* as xl reads it */
    bool usable;           /* a list of specs that xpci reads too */
    struct xpci_pci_spec *specs;
    struct xpci_buf others, comments;
};

static void state_clear(struct state *s)
{
    for (size_t i = 0; i < s->list.n; i++)
        xpci_pci_spec_clear(&s->specs[i]);
    free(s->specs);
    xpci_buf_clear(&s->text);
    xpci_strv_clear(&s->list);
    xpci_buf_clear(&s->others);
    xpci_buf_clear(&s->comments);
}

#define _cleanup_state_ _cleanup_(state_clear)

static void load_list(struct state *s, const XLU_Config *xl)
{
    s->usable = xl_pci(xl, &s->list);
    s->specs = calloc(s->list.n + 1, sizeof(*s->specs));
    CHECK(s->specs);
    for (size_t i = 0; i < s->list.n; i++) {
        const char *item = s->list.v[i];

        if (xpci_pci_spec_parse(item, strlen(item), &s->specs[i], NULL) < 0)
            s->usable = false;
    }
}

static void load_rest(struct state *s, const struct xpci_cfg *cfg,
                      const XLU_Config *xl)
{
    for (size_t i = 0; i < cfg->toks.n; i++) {
        enum xpci_tok_type type = xpci_cfg_type(cfg, i);
        _cleanup_free_ char *key = NULL, *value = NULL;

        if (type == XPCI_TOK_COMMENT)
            CHECK(xpci_buf_printf(&s->comments, "%.*s",
                                  XPCI_CFG_TEXT(cfg, i)) == 0);
        if (type != XPCI_TOK_IDENT)
            continue;
        CHECK(asprintf(&key, "%.*s", XPCI_CFG_TEXT(cfg, i)) > 0);
        if (strlen(key) == strlen("pci"))
            continue;
        value = xl_value(xl, key);
        CHECK(xpci_buf_printf(&s->others, "%s=%s;", key, value) == 0);
    }
}

/* xl reads it: check_cfg() has seen to that. */
static void state_load(struct state *s, const struct xpci_cfg *cfg)
{
    _cleanup_xl_ XLU_Config *xl = NULL;

    CHECK(xpci_cfg_print(cfg, &s->text) == 0);
    check_cfg(s->text.data ? s->text.data : "", s->text.len);
    xl = xl_parse(s->text.data ? s->text.data : "", s->text.len);
    CHECK(xl);
    load_list(s, xl);
    load_rest(s, cfg, xl);
}

static bool equal(const struct xpci_buf *a, const struct xpci_buf *b)
{
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/* All bytes of @part are in @whole, in order. */
static bool within(const struct xpci_buf *part, const struct xpci_buf *whole)
{
    size_t at = 0;

    for (size_t i = 0; at < part->len && i < whole->len; i++)
        at += part->data[at] == whole->data[i];
    return at == part->len;
}

static void check_rest(const struct state *before, const struct state *after)
{
    CHECK(equal(&before->others, &after->others));
    CHECK(equal(&before->comments, &after->comments));
}

static bool covers(const struct xpci_pci_spec *spec,
                   const struct xpci_bdf_pattern *dev)
{
    const struct xpci_bdf *a = &spec->dev.bdf, *b = &dev->bdf;

    return !spec->name && a->segment == b->segment && a->bus == b->bus &&
           a->slot == b->slot &&
           (dev->all_funcs || spec->dev.all_funcs || a->func == b->func);
}

static bool same_device(const struct xpci_pci_spec *a,
                        const struct xpci_pci_spec *b)
{
    if (a->name || b->name)
        return a->name && b->name && strcmp(a->name, b->name) == 0;
    return covers(a, &b->dev) && a->dev.all_funcs == b->dev.all_funcs &&
           a->dev.bdf.func == b->dev.bdf.func;
}

static size_t find(const struct state *s, const struct xpci_pci_spec *spec)
{
    size_t i = 0;

    while (i < s->list.n && !same_device(&s->specs[i], spec))
        i++;
    return i;
}

/* @spec, where it says nothing @old. Borrows their strings. */
static struct xpci_pci_spec merged(const struct xpci_pci_spec *spec,
                                   const struct xpci_pci_spec *old)
{
    struct xpci_pci_spec both = *spec;

    if (!both.vslot)
        both.vslot = old->vslot;
    if (!both.options)
        both.options = old->options;
    return both;
}

static bool is_old(const struct xpci_pci_spec *want,
                   const struct xpci_pci_spec *old)
{
    _cleanup_free_ char *a = xpci_pci_spec_format(want, true);
    _cleanup_free_ char *b = xpci_pci_spec_format(old, true);

    CHECK(a && b);
    return strcmp(a, b) == 0;
}

/*
 * May the add of @spec be refused? Then it must be. *slot_taken: it may for
 * that, unless it is forced.
 */
static bool refusable(const struct state *s, const struct xpci_pci_spec *spec,
                      const struct xpci_cfg *cfg, bool *slot_taken)
{
    size_t old = find(s, spec), end = cfg->toks.n - 1;
    struct xpci_pci_spec want = *spec;

    if (!s->usable)
        return true;
    if (old < s->list.n) {
        want = merged(spec, &s->specs[old]);
        if (is_old(&want, &s->specs[old]))
            return false;
    }
    for (size_t i = 0; i < s->list.n; i++) {
        if (i == old)
            continue;
        if (same_device(&s->specs[i], spec) ||
            (!spec->name && covers(&s->specs[i], &spec->dev)))
            return true;
        *slot_taken |= want.vslot && s->specs[i].vslot == want.vslot;
    }
    return end && cfg->toks.v[end - 1].type == XPCI_TOK_STRAY &&
           xpci_cfg_chain(cfg, "pci") == cfg->stmts.n;
}

/* To xl, @text is what @spec makes of @old, which may be NULL. */
static void check_entry(const char *text, const struct xpci_pci_spec *spec,
                        const struct xpci_pci_spec *old)
{
    struct xpci_pci_spec both = old ? merged(spec, old) : *spec;
    _cleanup_free_ char *want = xpci_pci_spec_format(&both, true);
    libxl_device_pci xl, xl_want;

    CHECK(want && xl_spec(want, &xl_want) == 0 && xl_spec(text, &xl) == 0);
    CHECK(xl_same_spec(&xl, &xl_want));
    libxl_device_pci_dispose(&xl);
    libxl_device_pci_dispose(&xl_want);
}

static void check_added(const struct state *before, const struct state *after,
                        const struct xpci_pci_spec *spec)
{
    size_t n = before->list.n, at = find(before, spec);

    CHECK(after->list.n == (at == n ? n + 1 : n));
    for (size_t i = 0; i < n; i++)
        CHECK(i == at || !strcmp(before->list.v[i], after->list.v[i]));
    check_entry(after->list.v[at], spec, at < n ? &before->specs[at] : NULL);
    CHECK(at < n || within(&before->text, &after->text));
    check_rest(before, after);
}

/* Is entry @spec meant by a remove of @dev? */
static bool meant(const struct xpci_pci_spec *spec,
                  const struct xpci_pci_spec *dev)
{
    return dev->name ? same_device(spec, dev) : covers(spec, &dev->dev);
}

static void check_remove(struct xpci_cfg *cfg, const struct xpci_pci_spec *dev,
                         const struct xpci_buf *undone)
{
    _cleanup_state_ struct state before = { 0 }, after = { 0 };
    size_t removed = 0, kept = 0;
    bool refuse;
    int ret;

    state_load(&before, cfg);
    refuse = !before.usable;
    for (size_t i = 0; i < before.list.n; i++)
        refuse |= meant(&before.specs[i], dev) && !dev->dev.all_funcs &&
                  before.specs[i].dev.all_funcs;
    ret = xpci_cfg_pci_remove(cfg, dev, &removed, NULL);
    CHECK(ret == (refuse ? -EINVAL : 0));
    state_load(&after, cfg);
    CHECK(!refuse || equal(&before.text, &after.text));
    for (size_t i = 0; i < before.list.n; i++) {
        if (!refuse && meant(&before.specs[i], dev))
            continue;
        CHECK(kept < after.list.n &&
              !strcmp(after.list.v[kept], before.list.v[i]));
        kept++;
    }
    CHECK(kept == after.list.n && kept + removed == before.list.n);
    CHECK(within(&after.text, &before.text));
    CHECK(!undone || equal(undone, &after.text));
    check_rest(&before, &after);
}

static void check_add(struct xpci_cfg *cfg, const struct xpci_pci_spec *spec,
                      bool force, bool undo)
{
    _cleanup_state_ struct state before = { 0 }, after = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_error_ struct xpci_error overridden = { 0 };
    bool refuse, slot_taken = false;
    int ret;

    state_load(&before, cfg);
    refuse = refusable(&before, spec, cfg, &slot_taken);
    ret = xpci_cfg_pci_add(cfg, spec, force ? &overridden : NULL, &err);
    CHECK(ret == 0 || ret == -EINVAL || ret == -EPERM);
    CHECK((ret < 0) == (refuse || (slot_taken && !force)));
    CHECK(ret < 0 || !overridden.code == !slot_taken);
    state_load(&after, cfg);
    if (ret < 0) {
        CHECK(equal(&before.text, &after.text));
        CHECK(err.msg && strncmp(err.msg, "f:", 2) == 0);
        return;
    }
    check_added(&before, &after, spec);
    if (undo && find(&before, spec) == before.list.n)
        check_remove(cfg, spec, &before.text);
}

/* One of a few devices, or one that is in the list. */
static void choose(struct rng *rng, const struct xpci_cfg *cfg,
                   struct xpci_pci_spec *spec)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t i;

    gen_spec(rng, false, &text);
    CHECK(xpci_pci_spec_parse(text.data, text.len, spec, NULL) == 0);
    if (rng_below(rng, 2) || spec->name ||
        xpci_cfg_pci_list(cfg, &list, NULL) < 0 || !list.n)
        return;
    i = rng_below(rng, list.n);
    if (!list.v[i].spec.name)
        spec->dev = list.v[i].spec.dev;
}

/* Of a file that only xm reads, xl is no judge: undone it is as it was. */
static void check_xm_edits(struct xpci_cfg *cfg, const char *data, size_t len,
                           struct rng *rng)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 }, longer = { 0 };
    _cleanup_cfg_ struct xpci_cfg *again = NULL;
    const struct xpci_buf *text = &cfg->text;
    size_t removed;

    choose(rng, cfg, &spec);
    if (spec.name || xpci_cfg_pci_list(cfg, &list, NULL) < 0)
        return;
    if (xpci_cfg_pci_add(cfg, &spec, NULL, NULL) < 0) {
        CHECK(text->len == len && memcmp(text->data, data, len) == 0);
        return;
    }
    CHECK(xpci_cfg_parse(text->data, text->len, "f", &again, NULL) == 0);
    CHECK(xpci_cfg_pci_list(again, &longer, NULL) == 0);
    CHECK(longer.n == list.n || longer.n == list.n + 1);
    if (longer.n == list.n)
        return;
    CHECK(xpci_cfg_pci_remove(again, &spec, &removed, NULL) == 0);
    if (removed == 1)
        CHECK(again->text.len == len && !memcmp(again->text.data, data, len));
}

void check_edits(const char *data, size_t len, uint64_t seed)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    struct rng rng = { seed };

    if (xpci_cfg_parse(data, len, "f", &cfg, NULL) < 0)
        return;
    if (xpci_cfg_xl_error(cfg)) {
        check_xm_edits(cfg, data, len, &rng);
        return;
    }
    do {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };

        choose(&rng, cfg, &spec);
        if (rng_below(&rng, 3))
            check_add(cfg, &spec, !rng_below(&rng, 4), rng_below(&rng, 2));
        else
            check_remove(cfg, &spec, NULL);
    } while (rng_below(&rng, 3));
}
