/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cfg-edit.h"
#include "cfg-pci.h"

#define KEY "pci"

/* An entry and where it stands in the tree. */
struct entry {
    struct xpci_pci_spec spec;
    bool with_segment;
    size_t stmt, item, tok;
};

struct entries {
    struct entry *v;
    size_t n;
};

static void entries_clear(struct entries *list)
{
    for (size_t i = 0; i < list->n; i++)
        xpci_pci_spec_clear(&list->v[i].spec);
    free(list->v);
    *list = (struct entries){ 0 };
}

#define _cleanup_entries_ _cleanup_(entries_clear)

static int place_error(const struct xpci_cfg *cfg, size_t tok,
                       struct xpci_error *err)
{
    return xpci_error_wrap(err, "%s:%u:%u", cfg->name, cfg->toks.v[tok].line,
                           cfg->toks.v[tok].column);
}

/* "0000:03:02.0" has two colons, "03:02.0" one. */
static bool shows_segment(const char *spec)
{
    const char *colon = strchr(spec, ':');

    return colon && strchr(colon + 1, ':');
}

static int load_item(const struct xpci_cfg *cfg, size_t stmt, size_t item,
                     struct entries *out, struct xpci_error *err)
{
    size_t tok = cfg->stmts[stmt].items[item].first;
    struct entry entry = { .stmt = stmt, .item = item, .tok = tok };
    _cleanup_free_ char *text = NULL;
    int ret;

    if (cfg->toks.v[tok].type == XPCI_TOK_OPEN)
        return xpci_lex_error(err, cfg->name, &cfg->toks.v[tok],
                              "a list inside the '" KEY "' list: xl drops it "
                              "and every entry behind it");
    text = xpci_cfg_atom(cfg, tok);
    if (!text)
        return xpci_error_oom(err);
    ret = xpci_pci_spec_read(text, strlen(text), xpci_cfg_xl_error(cfg) != NULL,
                             &entry.spec, err);
    if (ret < 0) {
        place_error(cfg, tok, err);
        return ret;
    }
    entry.with_segment = !entry.spec.name && shows_segment(text);
    out->v[out->n++] = entry;
    return 0;
}

static int load_stmt(const struct xpci_cfg *cfg, size_t stmt,
                     struct entries *out, struct xpci_error *err)
{
    const struct xpci_cfg_stmt *s = &cfg->stmts[stmt];
    struct entry *v;
    int ret = 0;

    if (!s->is_list)
        return xpci_lex_error(err, cfg->name, &cfg->toks.v[s->value.first],
                              "'" KEY "' is a single value, not a list: xl "
                              "ignores it and starts the guest without the "
                              "device; put it into [brackets]");
    if (!s->n)
        return 0;
    v = reallocarray(out->v, out->n + s->n, sizeof(*v));
    if (!v)
        return xpci_error_oom(err);
    out->v = v;
    for (size_t i = 0; ret == 0 && i < s->n; i++)
        ret = load_item(cfg, stmt, i, out, err);
    return ret;
}

/* The entries xl uses; *last (may be NULL) is the last statement of them. */
static int load(const struct xpci_cfg *cfg, struct entries *out, size_t *last,
                struct xpci_error *err)
{
    size_t i = xpci_cfg_chain(cfg, KEY), end = cfg->n;
    int ret = 0;

    for (; ret == 0 && i < cfg->n; i++) {
        if (xpci_cfg_is_key(cfg, &cfg->stmts[i], KEY)) {
            ret = load_stmt(cfg, i, out, err);
            end = i;
        }
    }
    if (last)
        *last = end;
    return ret;
}

int xpci_cfg_pci_list(const struct xpci_cfg *cfg, struct xpci_cfg_pci *out,
                      struct xpci_error *err)
{
    _cleanup_entries_ struct entries list = { 0 };
    int ret = load(cfg, &list, NULL, err);
    const struct xpci_tok *tok;

    if (ret < 0)
        return ret;
    *out = (struct xpci_cfg_pci){ 0 };
    if (!list.n)
        return 0;
    out->v = calloc(list.n, sizeof(*out->v));
    if (!out->v)
        return xpci_error_oom(err);
    for (size_t i = 0; i < list.n; i++) {
        tok = &cfg->toks.v[list.v[i].tok];
        out->v[out->n++] = (struct xpci_cfg_pci_entry){
            list.v[i].spec,
            tok->line,
            tok->column,
        };
        list.v[i].spec = (struct xpci_pci_spec){ 0 };
    }
    return 0;
}

void xpci_cfg_pci_clear(struct xpci_cfg_pci *list)
{
    for (size_t i = 0; i < list->n; i++)
        xpci_pci_spec_clear(&list->v[i].spec);
    free(list->v);
    *list = (struct xpci_cfg_pci){ 0 };
}

static bool same_device(const struct xpci_pci_spec *a,
                        const struct xpci_pci_spec *b)
{
    if (a->name || b->name)
        return a->name && b->name && strcmp(a->name, b->name) == 0;
    if (a->funcs || b->funcs)
        return a->funcs && b->funcs && strcmp(a->funcs, b->funcs) == 0 &&
               xpci_bdf_cmp(&a->dev.bdf, &b->dev.bdf) == 0;
    return a->dev.all_funcs == b->dev.all_funcs &&
           xpci_bdf_cmp(&a->dev.bdf, &b->dev.bdf) == 0;
}

/* What the list is to be, one formatted spec each. */
static int expect(struct xpci_strv *want, const struct xpci_pci_spec *spec,
                  struct xpci_error *err)
{
    _cleanup_free_ char *text = xpci_pci_spec_format(spec, true);

    if (!text || xpci_strv_add(want, text) < 0)
        return xpci_error_oom(err);
    return 0;
}

static int verify(const struct xpci_cfg *cfg, const struct xpci_strv *want,
                  struct xpci_error *err)
{
    _cleanup_entries_ struct entries list = { 0 };
    int ret = load(cfg, &list, NULL, err);
    bool same = ret == 0 && list.n == want->n;

    for (size_t i = 0; same && i < list.n; i++) {
        _cleanup_free_ char *text = xpci_pci_spec_format(&list.v[i].spec, true);

        if (!text)
            return xpci_error_oom(err);
        same = strcmp(text, want->v[i]) == 0;
    }
    if (ret < 0 || same)
        return ret;
    return xpci_error_set(err, EIO,
                          "%s: the edited '" KEY "' list does not read back as "
                          "meant, nothing was changed",
                          cfg->name);
}

static void swap(struct xpci_cfg *a, struct xpci_cfg *b)
{
    struct xpci_cfg tmp = *a;

    *a = *b;
    *b = tmp;
}

/* @spec as a quoted string; quote and backslash are escaped. */
static char *quote(const struct xpci_pci_spec *spec, bool with_segment, char q)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    _cleanup_free_ char *text = xpci_pci_spec_format(spec, with_segment);
    int ret = text ? xpci_buf_append(&out, &q, 1) : -ENOMEM;

    for (const char *p = text; ret == 0 && *p; p++) {
        if (*p == q || *p == '\\')
            ret = xpci_buf_puts(&out, "\\");
        if (ret == 0)
            ret = xpci_buf_append(&out, p, 1);
    }
    if (ret == 0)
        ret = xpci_buf_append(&out, &q, 1);
    return ret < 0 ? NULL : xpci_buf_steal(&out);
}

static char quote_of(const struct xpci_cfg *cfg, const struct entry *entry)
{
    char c = entry ? cfg->text.data[cfg->toks.v[entry->tok].off] : '\'';

    return c == '"' ? '"' : '\'';
}

struct addition {
    const struct xpci_pci_spec *spec;
    struct xpci_pci_spec want; /* borrows its strings */
    const struct entry *old;   /* of the same device */
    const struct entry *last;  /* of the list */
    size_t stmt;
    char **overridden; /* a taken slot is no error, but named here */
};

static int check_other(const struct xpci_cfg *cfg, const struct addition *add,
                       const struct entry *other, struct xpci_error *err)
{
    const struct xpci_tok *tok = &cfg->toks.v[other->tok];
    _cleanup_free_ char *text = xpci_pci_spec_format(&other->spec, true);
    int ret;

    if (!text)
        return xpci_error_oom(err);
    if (same_device(&other->spec, add->spec))
        return xpci_lex_error(err, cfg->name, tok,
                              "'%s' is listed twice, remove it first", text);
    if (xpci_pci_spec_overlaps(&other->spec, add->spec))
        return xpci_lex_error(err, cfg->name, tok,
                              "'%s' covers the same function, remove it first",
                              text);
    if (!add->want.vslot || other->spec.vslot != add->want.vslot)
        return 0;
    ret = xpci_error_refuse(err, "%s:%u:%u: virtual slot '%x' is taken by '%s'",
                            cfg->name, tok->line, tok->column, add->want.vslot,
                            text);
    if (!add->overridden)
        return ret;
    free(*add->overridden);
    *add->overridden = strdup(xpci_error_text(err));
    xpci_error_clear(err);
    return *add->overridden ? 0 : xpci_error_oom(err);
}

/* Fills @add: what the entry is to be, and where. */
static void plan(const struct entries *list, struct addition *add)
{
    for (size_t i = 0; i < list->n; i++) {
        add->last = &list->v[i];
        if (!add->old && same_device(&list->v[i].spec, add->spec))
            add->old = &list->v[i];
    }
    add->want = *add->spec;
    if (add->old && !add->want.options)
        add->want.options = add->old->spec.options;
    if (add->old && !add->want.vslot)
        add->want.vslot = add->old->spec.vslot;
}

/* Refuses what would not work in the guest. */
static int check_others(const struct xpci_cfg *cfg, const struct entries *list,
                        const struct addition *add, struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < list->n; i++) {
        if (&list->v[i] != add->old)
            ret = check_other(cfg, add, &list->v[i], err);
    }
    return ret;
}

static int add_text(const struct xpci_cfg *cfg, const struct addition *add,
                    struct xpci_buf *out, struct xpci_error *err)
{
    const struct entry *model = add->old ? add->old : add->last;
    _cleanup_free_ char *item =
        quote(&add->want, model && model->with_segment, quote_of(cfg, model));

    if (!item)
        return xpci_error_oom(err);
    if (add->old)
        return xpci_cfg_edit_replace(cfg, add->old->tok, item, out, err);
    if (add->stmt == cfg->n)
        return xpci_cfg_edit_new_list(cfg, KEY, item, out, err);
    return xpci_cfg_edit_add(cfg, &cfg->stmts[add->stmt], item, out, err);
}

static int expect_added(const struct entries *list, const struct addition *add,
                        struct xpci_strv *want, struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < list->n; i++)
        ret = expect(
            want, &list->v[i] == add->old ? &add->want : &list->v[i].spec, err);
    return ret == 0 && !add->old ? expect(want, &add->want, err) : ret;
}

static int is_unchanged(const struct addition *add, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv text = { 0 };
    int ret;

    if (!add->old)
        return 0;
    ret = expect(&text, &add->old->spec, err);
    if (ret == 0)
        ret = expect(&text, &add->want, err);
    return ret < 0 ? ret : strcmp(text.v[0], text.v[1]) == 0;
}

int xpci_cfg_pci_force(struct xpci_cfg *cfg, const struct xpci_pci_spec *spec,
                       char **overridden, struct xpci_error *err)
{
    _cleanup_entries_ struct entries list = { 0 };
    _cleanup_strv_ struct xpci_strv want = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_cfg_ struct xpci_cfg *next = NULL;
    struct addition add = { .spec = spec, .overridden = overridden };
    int ret = load(cfg, &list, &add.stmt, err);

    plan(&list, &add);
    if (ret == 0)
        ret = is_unchanged(&add, err);
    if (ret != 0)
        return ret < 0 ? ret : 0;
    ret = check_others(cfg, &list, &add, err);
    if (ret == 0)
        ret = expect_added(&list, &add, &want, err);
    if (ret == 0)
        ret = add_text(cfg, &add, &text, err);
    if (ret == 0)
        ret = xpci_cfg_parse(text.data, text.len, cfg->name, &next, err);
    if (ret == 0)
        ret = verify(next, &want, err);
    if (ret == 0)
        swap(cfg, next);
    return ret;
}

int xpci_cfg_pci_add(struct xpci_cfg *cfg, const struct xpci_pci_spec *spec,
                     struct xpci_error *err)
{
    return xpci_cfg_pci_force(cfg, spec, NULL, err);
}

/* Is the entry one of @dev's? A part of an entry cannot be taken out. */
static int is_meant(const struct xpci_cfg *cfg, const struct entry *entry,
                    const struct xpci_pci_spec *which, struct xpci_error *err)
{
    const struct xpci_bdf_pattern *dev = &which->dev;
    const struct xpci_pci_spec *spec = &entry->spec;
    char text[XPCI_BDF_SIZE];

    if (spec->name || which->name)
        return same_device(spec, which);
    if (!xpci_bdf_same_slot(&spec->dev.bdf, &dev->bdf))
        return 0;
    if (dev->all_funcs)
        return 1;
    if (!xpci_pci_spec_covers(spec, &dev->bdf))
        return 0;
    if (spec->dev.all_funcs)
        return xpci_lex_error(err, cfg->name, &cfg->toks.v[entry->tok],
                              "'%s' is listed as a part of its whole slot, "
                              "only '.*' can be removed",
                              xpci_bdf_format(&dev->bdf, text));
    return 1;
}

/* Drops the first entry of @dev. Returns 1, 0 if there is none. */
static int drop_first(struct xpci_cfg **cfg, const struct xpci_pci_spec *dev,
                      struct xpci_error *err)
{
    _cleanup_entries_ struct entries list = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    const struct entry *entry = NULL;
    int ret = load(*cfg, &list, NULL, err);

    for (size_t i = 0; ret == 0 && i < list.n; i++) {
        entry = &list.v[i];
        ret = is_meant(*cfg, entry, dev, err);
    }
    if (ret <= 0)
        return ret;
    ret = xpci_cfg_edit_drop(*cfg, &(*cfg)->stmts[entry->stmt], entry->item,
                             &text, err);
    if (ret == 0)
        ret = xpci_cfg_adopt(cfg, &text, err);
    return ret < 0 ? ret : 1;
}

static int expect_kept(const struct xpci_cfg *cfg,
                       const struct xpci_pci_spec *dev, struct xpci_strv *want,
                       struct xpci_error *err)
{
    _cleanup_entries_ struct entries list = { 0 };
    int ret = load(cfg, &list, NULL, err);

    for (size_t i = 0; ret == 0 && i < list.n; i++) {
        ret = is_meant(cfg, &list.v[i], dev, err);
        if (ret >= 0)
            ret = ret ? 0 : expect(want, &list.v[i].spec, err);
    }
    return ret;
}

int xpci_cfg_pci_remove(struct xpci_cfg *cfg,
                        const struct xpci_bdf_pattern *dev, size_t *removed,
                        struct xpci_error *err)
{
    return xpci_cfg_pci_drop(cfg, &(struct xpci_pci_spec){ .dev = *dev },
                             removed, err);
}

int xpci_cfg_pci_drop(struct xpci_cfg *cfg, const struct xpci_pci_spec *dev,
                      size_t *removed, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv want = { 0 };
    _cleanup_cfg_ struct xpci_cfg *next = NULL;
    size_t count = 0;
    int ret;

    ret = expect_kept(cfg, dev, &want, err);
    if (ret == 0)
        ret = xpci_cfg_parse(cfg->text.data, cfg->text.len, cfg->name, &next,
                             err);
    while (ret == 0 && (ret = drop_first(&next, dev, err)) > 0) {
        count++;
        ret = 0;
    }
    if (ret == 0)
        ret = verify(next, &want, err);
    if (ret < 0)
        return ret;
    swap(cfg, next);
    *removed = count;
    return 0;
}
