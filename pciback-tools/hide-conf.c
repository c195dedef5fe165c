/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "cfg-list.h"
#include "hide-conf.h"
#include "hide-list.h"

/* What a new file starts as. */
static const char empty_file[] =
    "# What xpci takes from dom0 at boot: the address a device had, its path\n"
    "# from the root bus, and its ids; see xpci.conf(5). After an edit by hand\n"
    "# run 'xpci hide'.\n"
    "hide = [\n"
    "]\n";

#define PERMISSIVE "permissive=1"
#define NO_SEGMENT                                                             \
    "is in a segment above ffff, which pciback and Xen cannot take"

static void hidden_clear(struct xpci_hidden *hidden)
{
    free(hidden->path);
    free(hidden->text);
}

static int hidden_cmp(const void *a, const void *b)
{
    const struct xpci_hidden *one = a, *other = b;
    int ret = xpci_bdf_cmp(&one->bdf, &other->bdf);

    return ret ? ret : other->here - one->here;
}

static bool same_identity(const struct xpci_hidden *a,
                          const struct xpci_hidden *b)
{
    return a->vendor == b->vendor && a->device == b->device &&
           !strcmp(a->path, b->path);
}

static bool has(const struct xpci_hide_conf *conf,
                const struct xpci_hidden *entry)
{
    return xpci_list_find(conf, hidden, same_identity(hidden, entry));
}

/* What its line says is the same. */
static bool says(const struct xpci_hide_conf *conf,
                 const struct xpci_hidden *entry)
{
    return xpci_list_find(conf, hidden,
                          same_identity(hidden, entry) &&
                              hidden->permissive == entry->permissive);
}

/*
 * Another device of the same path and ids: the bus that virtual functions are
 * on is no part of it. The boot takes neither.
 */
static const struct xpci_device *find_twin(const struct xpci_inventory *inv,
                                           const struct xpci_device *dev)
{
    for (size_t i = 0; dev->parent != XPCI_NO_PARENT && i < inv->n; i++) {
        const struct xpci_device *d = &inv->dev[i];

        if (d != dev && d->parent == dev->parent &&
            d->bdf.slot == dev->bdf.slot && d->bdf.func == dev->bdf.func &&
            d->vendor == dev->vendor && d->device == dev->device)
            return d;
    }
    return NULL;
}

/* "BDF,path=PATH,id=VVVV:DDDD[,permissive=1]", nothing else known */
static int parse_entry(const char *text, struct xpci_hidden *out)
{
    _cleanup_free_ char *copy = strdup(text);
    char *rest = copy, *field;
    int end = 0;

    out->text = strdup(text);
    xpci_need(copy && out->text, NULL);
    if (xpci_bdf_parse(strsep(&rest, ","), &out->bdf) < 0)
        return -EINVAL;
    while ((field = strsep(&rest, ","))) {
        if (!strncmp(field, "path=", 5) && !out->path &&
            xpci_device_is_path(field + 5))
            xpci_try(xpci_asprintf(NULL, &out->path, "%s", field + 5));
        else if (!strcmp(field, PERMISSIVE) && !out->permissive)
            out->permissive = true;
        else if (end || strlen(field) != 12 ||
                 strspn(field + 3, "0123456789abcdef:") != 9 ||
                 sscanf(field, "id=%4" SCNx16 ":%4" SCNx16 "%n", &out->vendor,
                        &out->device, &end) != 2 ||
                 end != 12)
            return -EINVAL;
    }
    if (!out->path || !end)
        return -EINVAL;
    return strtoul(out->path, NULL, 16) > 0xffff ? -ERANGE : 0;
}

/* Puts the entry in its place; takes it over. */
static int insert(struct xpci_hide_conf *conf, struct xpci_hidden *entry)
{
    xpci_try(xpci_list_push(conf, *entry));
    *entry = (struct xpci_hidden){ 0 };
    qsort(conf->v, conf->n, sizeof(*entry), hidden_cmp);
    return 0;
}

static int load_item(struct xpci_hide_conf *conf,
                     const struct xpci_cfg_item *item, const char *file,
                     struct xpci_error *err)
{
    _cleanup_(hidden_clear) struct xpci_hidden entry = { 0 };
    const char *why = NULL;
    int ret = parse_entry(item->value, &entry);

    if (ret == -EINVAL)
        why = "is not of the form '0000:03:02.0,path=PATH,id=vvvv:dddd'";
    else if (ret == -ERANGE)
        why = NO_SEGMENT;
    else if (ret == 0 && has(conf, &entry))
        why = "names a device that is there already";
    if (why)
        return xpci_error_set(err, EINVAL,
                              "%s:%u:%u: '%s' %s; correct it, see xpci.conf(5)",
                              file, item->line, item->column, item->value, why);
    xpci_need(ret == 0 && insert(conf, &entry) == 0, err);
    return 0;
}

static int load_method(const struct xpci_cfg *cfg, const char *file,
                       struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_free_ char *text = NULL;
    size_t number;

    xpci_try(xpci_cfg_string(cfg, "method", &text, err));
    if (!text)
        return 0;
    number = xpci_find_word("auto identity list", text, strlen(text));
    conf->method = (enum xpci_hide_method)(number - 1);
    if (number)
        return 0;
    return xpci_error_set(err, EINVAL,
                          "%s: method '%s' is none of 'auto', 'identity', "
                          "'list'; correct it, see xpci.conf(5)",
                          file, text);
}

/* Loads the file, or what it would start as; *cfg is its tree. */
static int load(const struct xpci_root *root, struct xpci_hide_conf *out,
                struct xpci_cfg **cfg, struct xpci_error *err)
{
    static const char *const keys[] = { "hide", "method", NULL };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *file = NULL;
    bool found;

    xpci_try(
        xpci_root_read_optional(root, XPCI_HIDE_CONF_PATH, &text, &found, err));
    xpci_need(xpci_buf_puts(&text, found ? "" : empty_file) == 0, err);
    xpci_try(xpci_asprintf(err, &file, "%s" XPCI_HIDE_CONF_PATH,
                           xpci_root_dir(root)));
    xpci_try(xpci_cfg_parse(text.data, text.len, file, cfg, err));
    if (xpci_cfg_xl_error(*cfg))
        return xpci_error_set(err, EINVAL, "%s", xpci_cfg_xl_error(*cfg));
    xpci_try(xpci_cfg_only_keys(*cfg, keys, err));
    xpci_try(load_method(*cfg, file, &conf, err));
    xpci_try(xpci_cfg_list(*cfg, "hide", &items, err));
    for (size_t i = 0; i < items.n; i++)
        xpci_try(load_item(&conf, &items.v[i], file, err));
    *out = xpci_steal(conf);
    return 0;
}

/* Each entry gets the address of now; one whose device is gone keeps it. */
static int locate(struct xpci_hide_conf *conf, const struct xpci_inventory *inv,
                  struct xpci_error *err)
{
    for (size_t i = 0; i < inv->n && conf->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];
        _cleanup_free_ char *path = NULL;

        xpci_need(xpci_device_path(inv, dev, &path) == 0, err);
        for (size_t k = 0; k < conf->n; k++) {
            struct xpci_hidden *h = &conf->v[k];

            if (h->vendor == dev->vendor && h->device == dev->device &&
                !strcmp(h->path, path) && !find_twin(inv, dev)) {
                h->bdf = dev->bdf;
                h->here = true;
            }
        }
    }
    for (size_t k = 0; k < conf->n; k++)
        conf->v[k].taken =
            !conf->v[k].here && xpci_inventory_find(inv, &conf->v[k].bdf);
    if (conf->n)
        qsort(conf->v, conf->n, sizeof(*conf->v), hidden_cmp);
    return 0;
}

int xpci_hide_conf_load(const struct xpci_root *root,
                        const struct xpci_inventory *inv,
                        struct xpci_hide_conf *conf, struct xpci_error *err)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

    xpci_try(load(root, conf, &cfg, err));
    return inv ? locate(conf, inv, err) : 0;
}

void xpci_hide_conf_clear(struct xpci_hide_conf *conf)
{
    xpci_list_clear(conf, hidden, hidden_clear(hidden));
}

const struct xpci_hidden *xpci_hide_conf_find(const struct xpci_hide_conf *conf,
                                              const struct xpci_bdf *bdf)
{
    struct xpci_hidden key = { .bdf = *bdf, .here = true };

    if (conf->n == 0)
        return NULL;
    return bsearch(&key, conf->v, conf->n, sizeof(key), hidden_cmp);
}

/* The entry of a device as it is now. */
static int describe(const struct xpci_inventory *inv,
                    const struct xpci_device *dev, struct xpci_hidden *out)
{
    *out = (struct xpci_hidden){ .bdf = dev->bdf,
                                 .vendor = dev->vendor,
                                 .device = dev->device,
                                 .here = true };
    xpci_try(xpci_device_path(inv, dev, &out->path));
    return xpci_asprintf(NULL, &out->text, XPCI_BDF_FMT ",path=%s,id=%04x:%04x",
                         XPCI_BDF_ARGS(dev->bdf), out->path, dev->vendor,
                         dev->device);
}

int xpci_hide_conf_add(struct xpci_hide_conf *conf,
                       const struct xpci_inventory *inv,
                       const struct xpci_device *dev, struct xpci_error *err)
{
    _cleanup_(hidden_clear) struct xpci_hidden entry = { 0 };
    const struct xpci_device *twin = find_twin(inv, dev);

    if (twin)
        return xpci_error_refuse(
            err,
            XPCI_BDF_FMT " and " XPCI_BDF_FMT
                         " have one path and the same ids, so a boot could not "
                         "tell them apart; with fewer virtual functions it can",
            XPCI_BDF_ARGS(dev->bdf), XPCI_BDF_ARGS(twin->bdf));
    if (dev->bdf.segment > 0xffff)
        return xpci_error_refuse(err, "device " XPCI_BDF_FMT " " NO_SEGMENT,
                                 XPCI_BDF_ARGS(dev->bdf));
    xpci_need(describe(inv, dev, &entry) == 0, err);
    xpci_need(has(conf, &entry) || insert(conf, &entry) == 0, err);
    return 0;
}

int xpci_hide_conf_permit(const struct xpci_hide_conf *conf,
                          const struct xpci_bdf *bdf, struct xpci_error *err)
{
    const struct xpci_hidden *entry = xpci_hide_conf_find(conf, bdf);
    _cleanup_free_ char *text = NULL;
    struct xpci_hidden *h;

    if (!entry || entry->permissive)
        return 0;
    xpci_try(xpci_asprintf(err, &text, "%s," PERMISSIVE, entry->text));
    h = &conf->v[entry - conf->v];
    free(h->text);
    h->text = xpci_steal(text);
    h->permissive = true;
    return 0;
}

void xpci_hide_conf_remove(struct xpci_hide_conf *conf,
                           const struct xpci_hidden *entry)
{
    size_t i = (size_t)(entry - conf->v);

    hidden_clear(&conf->v[i]);
    memmove(&conf->v[i], &conf->v[i + 1], (conf->n - i - 1) * sizeof(*conf->v));
    conf->n--;
}

int xpci_hide_conf_text(const struct xpci_hide_conf *conf,
                        const struct xpci_root *root, char **out,
                        struct xpci_error *err)
{
    _cleanup_hide_conf_ struct xpci_hide_conf there = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_buf_ struct xpci_buf text = { 0 };

    *out = NULL;
    xpci_try(load(root, &there, &cfg, err));
    for (size_t i = 0; i < there.n; i++) {
        if (!says(conf, &there.v[i]))
            xpci_try(xpci_cfg_list_drop(&cfg, "hide", there.v[i].text, err));
    }
    for (size_t i = 0; i < conf->n; i++) {
        if (!says(&there, &conf->v[i]))
            xpci_try(xpci_cfg_list_add(&cfg, "hide", conf->v[i].text, err));
    }
    xpci_need(xpci_cfg_print(cfg, &text) == 0, err);
    if (text.data && strcmp(text.data, empty_file) != 0)
        *out = xpci_buf_steal(&text);
    return 0;
}

int xpci_hide_conf_identities(const struct xpci_hide_conf *conf,
                              struct xpci_strv *out, struct xpci_error *err)
{
    for (size_t i = 0; i < conf->n; i++) {
        const struct xpci_hidden *h = &conf->v[i];

        xpci_need(xpci_strv_printf(out, "%s=%04x:%04x", h->path, h->vendor,
                                   h->device) == 0,
                  err);
    }
    return 0;
}

int xpci_hide_conf_list(const struct xpci_hide_conf *conf, char **out,
                        struct xpci_error *err)
{
    _cleanup_free_ struct xpci_bdf *bdf = calloc(conf->n + 1, sizeof(*bdf));
    size_t n = 0;

    xpci_need(bdf, err);
    for (size_t i = 0; i < conf->n; i++) {
        const struct xpci_hidden *h = &conf->v[i];

        if (!h->taken && (n == 0 || xpci_bdf_cmp(&bdf[n - 1], &h->bdf) != 0))
            bdf[n++] = h->bdf;
    }
    return xpci_hide_list_format(bdf, n, out, err);
}

int xpci_hide_conf_modprobe(const struct xpci_hide_conf *conf,
                            const char *module, const struct xpci_strv *drivers,
                            char **out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *list = NULL;

    xpci_try(xpci_hide_conf_list(conf, &list, err));
    xpci_need(xpci_buf_printf(&text,
                              "# Made by xpci from " XPCI_HIDE_CONF_PATH
                              "; what is changed here is lost.\n"
                              "options %s hide=%s\n",
                              module, list) == 0,
              err);
    for (size_t i = 0; i < drivers->n; i++)
        xpci_need(xpci_buf_printf(&text, "softdep %s pre: %s\n", drivers->v[i],
                                  module) == 0,
                  err);
    *out = xpci_buf_steal(&text);
    return 0;
}

int xpci_hidden_check(const struct xpci_hidden *hidden,
                      const struct xpci_inventory *inv, char **why)
{
    const struct xpci_device *dev = xpci_inventory_find(inv, &hidden->bdf);
    _cleanup_(hidden_clear) struct xpci_hidden now = { 0 };

    if (dev)
        xpci_try(describe(inv, dev, &now));
    if (dev && same_identity(&now, hidden) && !find_twin(inv, dev))
        return 0;
    if (dev && same_identity(&now, hidden))
        xpci_try(xpci_asprintf(
            NULL, why, "two devices with ids %04x:%04x are at %s, on two buses",
            now.vendor, now.device, now.path));
    else if (dev)
        xpci_try(xpci_asprintf(
            NULL, why,
            "%04x:%04x at %s was meant, but %04x:%04x at %s is there",
            hidden->vendor, hidden->device, hidden->path, now.vendor,
            now.device, now.path));
    else
        xpci_try(
            xpci_asprintf(NULL, why, "there is no device at this address"));
    return -ENODEV;
}
