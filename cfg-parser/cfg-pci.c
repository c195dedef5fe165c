/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cfg-edit.h"
#include "cfg-pci.h"

#define KEY "pci"

static int load_item(const struct xpci_cfg *cfg,
                     const struct xpci_cfg_item *item, struct xpci_cfg_pci *out,
                     struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    struct xpci_cfg_pci_entry *entry = xpci_list_add(out);
    const char *s = item->value;

    xpci_need(entry, err);
    if (xpci_pci_spec_read(s, strlen(s), xpci_cfg_xl_error(cfg) != NULL,
                           &entry->spec, &why) < 0)
        return xpci_error_set(err, -why.code,
                              "%s:%u:%u: %s; 'xpci cfg check' says what xl "
                              "makes of it",
                              cfg->name, item->line, item->column,
                              xpci_error_text(&why));
    entry->line = item->line;
    entry->column = item->column;
    /* "0000:03:02.0" has two colons, "03:02.0" one */
    entry->with_segment =
        !entry->spec.name && strchr(s, ':') != strrchr(s, ':');
    return 0;
}

int xpci_cfg_pci_list(const struct xpci_cfg *cfg, struct xpci_cfg_pci *out,
                      struct xpci_error *err)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };

    xpci_try(xpci_cfg_list(cfg, KEY, &items, err));
    for (size_t i = 0; i < items.n; i++)
        xpci_try(load_item(cfg, &items.v[i], &list, err));
    *out = xpci_steal(list);
    return 0;
}

void xpci_cfg_pci_clear(struct xpci_cfg_pci *list)
{
    xpci_list_clear(list, entry, xpci_pci_spec_clear(&entry->spec));
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_device(const struct xpci_pci_spec *a,
                        const struct xpci_pci_spec *b)
{
    return same_text(a->name, b->name) && same_text(a->funcs, b->funcs) &&
           a->dev.all_funcs == b->dev.all_funcs &&
           xpci_bdf_cmp(&a->dev.bdf, &b->dev.bdf) == 0;
}

/* Refuses what would not work in the guest beside @other. */
static int check_other(const struct xpci_cfg *cfg,
                       const struct xpci_pci_spec *want,
                       const struct xpci_cfg_pci_entry *other,
                       struct xpci_error *overridden, struct xpci_error *err)
{
    _cleanup_free_ char *text = xpci_pci_spec_format(&other->spec, true);
    _cleanup_error_ struct xpci_error first = { 0 };
    const char *why = NULL;
    int ret;

    xpci_need(text, err);
    if (same_device(&other->spec, want))
        why = "is listed twice";
    else if (xpci_pci_spec_overlaps(&other->spec, want))
        why = "covers the same function";
    if (why)
        return xpci_error_set(err, EINVAL, "%s:%u:%u: '%s' %s, remove it first",
                              cfg->name, other->line, other->column, text, why);
    if (!want->vslot || other->spec.vslot != want->vslot)
        return 0;
    if (overridden)
        first = xpci_steal(*overridden);
    ret = xpci_error_refuse(overridden ? overridden : err,
                            "%s%s%s:%u:%u: virtual slot '%x' is taken by '%s'",
                            first.msg ? first.msg : "", first.msg ? "; " : "",
                            cfg->name, other->line, other->column, want->vslot,
                            text);
    return overridden ? 0 : ret;
}

int xpci_cfg_pci_add(struct xpci_cfg *cfg, const struct xpci_pci_spec *spec,
                     struct xpci_error *overridden, struct xpci_error *err)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    _cleanup_free_ char *text = NULL, *was = NULL;
    struct xpci_pci_spec want = *spec; /* borrows its strings */
    bool segment = false;              /* as that entry or the last one has */
    size_t k = 0;

    xpci_try(xpci_cfg_pci_list(cfg, &list, err));
    while (k < list.n && !same_device(&list.v[k].spec, spec))
        segment = list.v[k++].with_segment;
    if (k < list.n) {
        segment = list.v[k].with_segment;
        want.options = want.options ? want.options : list.v[k].spec.options;
        want.vslot = want.vslot ? want.vslot : list.v[k].spec.vslot;
        was = xpci_pci_spec_format(&list.v[k].spec, segment);
    }
    text = xpci_pci_spec_format(&want, segment);
    xpci_need(text && (was || k == list.n), err);
    if (was && !strcmp(text, was))
        return 0;
    for (size_t i = 0; i < list.n; i++) {
        if (i != k)
            xpci_try(check_other(cfg, &want, &list.v[i], overridden, err));
    }
    return xpci_cfg_edit(cfg, KEY, k, text, err);
}

/* Is the entry one of @which's? A part of an entry cannot be taken out. */
static int is_meant(const struct xpci_cfg *cfg,
                    const struct xpci_cfg_pci_entry *entry,
                    const struct xpci_pci_spec *which, struct xpci_error *err)
{
    const struct xpci_bdf_pattern *dev = &which->dev;
    const struct xpci_pci_spec *spec = &entry->spec;
    char text[XPCI_BDF_SIZE];

    if (spec->name || which->name)
        return same_text(spec->name, which->name);
    if (dev->all_funcs)
        return xpci_bdf_same_slot(&spec->dev.bdf, &dev->bdf);
    if (!xpci_pci_spec_covers(spec, &dev->bdf))
        return 0;
    if (spec->dev.all_funcs)
        return xpci_error_set(
            err, EINVAL,
            "%s:%u:%u: '%s' is listed as a part of its whole "
            "slot, only '.*' can be removed (xpci cfg remove)",
            cfg->name, entry->line, entry->column,
            xpci_bdf_format(&dev->bdf, text));
    return 1;
}

int xpci_cfg_pci_remove(struct xpci_cfg *cfg, const struct xpci_pci_spec *dev,
                        size_t *removed, struct xpci_error *err)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    _cleanup_cfg_ struct xpci_cfg *next = NULL; /* all of them go, or none */
    size_t n = 0;
    int meant;

    xpci_try(xpci_cfg_pci_list(cfg, &list, err));
    xpci_try(
        xpci_cfg_parse(cfg->text.data, cfg->text.len, cfg->name, &next, err));
    for (size_t i = 0; i < list.n; i++) {
        xpci_try(meant = is_meant(cfg, &list.v[i], dev, err));
        if (meant)
            xpci_try(xpci_cfg_edit(next, KEY, i - n++, NULL, err));
    }
    xpci_cfg_swap(cfg, next);
    *removed = n;
    return 0;
}
