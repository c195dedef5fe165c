/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guest-config.h"

int xpci_guest_config_open(const struct xpci_root *root, const char *path,
                           struct xpci_guest_config *out,
                           struct xpci_error *err)
{
    _cleanup_free_ char *file = NULL;
    int ret = xpci_root_read(root, path, &out->text, err);

    if (ret < 0)
        return ret;
    out->path = strdup(path);
    if (!out->path ||
        xpci_asprintf(err, &file, "%s%s%s", xpci_root_dir(root),
                      path[0] == '/' || xpci_root_is_live(root) ? "" : "/",
                      path) < 0)
        return xpci_error_oom(err);
    return xpci_cfg_parse(out->text.data, out->text.len, file, &out->cfg, err);
}

void xpci_guest_config_close(struct xpci_guest_config *config)
{
    free(config->path);
    xpci_buf_clear(&config->text);
    xpci_cfg_free(config->cfg);
    *config = (struct xpci_guest_config){ 0 };
}

int xpci_guest_config_load(const struct xpci_root *root, const char *path,
                           struct xpci_cfg **out, struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    int ret = xpci_guest_config_open(root, path, &config, err);

    if (ret == 0)
        *out = xpci_steal(config.cfg);
    return ret;
}

void xpci_guest_config_warn(const struct xpci_call *call,
                            const struct xpci_cfg *cfg)
{
    if (xpci_cfg_xl_error(cfg))
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "only xm could read this file, xl cannot: %s",
                 xpci_cfg_xl_error(cfg));
}

/* Adds the files of @dir that end in @suffix. */
static int add_files(const struct xpci_root *root, const char *dir,
                     const char *suffix, struct xpci_strv *out,
                     struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    int ret = xpci_root_list(root, dir, &names, NULL, err);
    size_t n = strlen(suffix);

    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        size_t len = strlen(names.v[i]);

        if (names.v[i][0] == '.' || len < n ||
            strcmp(names.v[i] + len - n, suffix))
            continue;
        if (xpci_strv_printf(out, "%s/%s", dir, names.v[i]) < 0)
            ret = xpci_error_oom(err);
    }
    return ret;
}

static int add_pool(const struct xpci_root *root, struct xpci_strv *out,
                    struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv dirs = { 0 };
    int ret = add_files(root, "/OVS/running_pool", "", &dirs, err);

    for (size_t i = 0; ret == 0 && i < dirs.n; i++) {
        _cleanup_free_ char *file = NULL;

        if (xpci_asprintf(err, &file, "%s/vm.cfg", dirs.v[i]) < 0)
            return -ENOMEM;
        if (xpci_root_exists(root, file) && xpci_strv_add(out, file) < 0)
            return xpci_error_oom(err);
    }
    return ret;
}

static int candidates(const struct xpci_root *root, const char *domain,
                      struct xpci_strv *out, struct xpci_error *err)
{
    int ret;

    if (!strchr(domain, '/') &&
        xpci_strv_printf(out, "/etc/xen/%s", domain) < 0)
        return xpci_error_oom(err);
    if (out->n && !xpci_root_exists(root, out->v[0]))
        xpci_strv_clear(out);
    ret = add_files(root, "/etc/xen", ".cfg", out, err);
    if (ret == 0)
        ret = add_files(root, "/etc/xen/auto", "", out, err);
    if (ret == 0)
        ret = add_pool(root, out, err);
    return ret;
}

/* True if the file's name setting is @domain; other people's files may fail. */
static int is_of(const struct xpci_call *call, const char *path,
                 const char *domain, bool *yes, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_free_ char *name = NULL;
    const char *base = strrchr(path, '/') + 1;
    size_t len = strlen(domain);
    int ret = xpci_guest_config_load(call->root, path, &cfg, &why);

    *yes = false;
    if (ret == 0)
        ret = xpci_cfg_string(cfg, "name", &name, &why);
    if (ret == 0) {
        *yes = name && !strcmp(name, domain);
        return 0;
    }
    if (!strncmp(base, domain, len) &&
        (!base[len] || !strcmp(base + len, ".cfg")))
        return xpci_error_set(err, -why.code, "%s", xpci_error_text(&why));
    xpci_log(&call->log, XPCI_LOG_DEBUG, "passed over: %s",
             xpci_error_text(&why));
    return 0;
}

/* Two names of one file, as the links in /etc/xen/auto are. */
static bool same_file(const struct xpci_root *root, const char *a,
                      const char *b)
{
    struct stat x, y;

    return xpci_root_stat(root, a, &x) == 0 &&
           xpci_root_stat(root, b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

int xpci_guest_config_files(const struct xpci_root *root, struct xpci_strv *out,
                            struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv all = { 0 };
    int ret = candidates(root, "/", &all, err);

    for (size_t i = 0, k; ret == 0 && i < all.n; i++) {
        for (k = 0; k < i && !same_file(root, all.v[k], all.v[i]);)
            k++;
        if (k == i && xpci_strv_add(out, all.v[i]) < 0)
            ret = xpci_error_oom(err);
    }
    return ret;
}

static int search(const struct xpci_call *call, const struct xpci_strv *files,
                  const char *domain, char **out, struct xpci_error *err)
{
    const char *found = NULL;

    for (size_t i = 0; i < files->n; i++) {
        bool yes;
        int ret = is_of(call, files->v[i], domain, &yes, err);

        if (ret < 0)
            return ret;
        if (yes && found && !same_file(call->root, found, files->v[i]))
            return xpci_error_set(err, EEXIST,
                                  "both '%s' and '%s' are for guest '%s'; say "
                                  "which with --file",
                                  found, files->v[i], domain);
        if (yes && !found)
            found = files->v[i];
    }
    if (!found)
        return xpci_error_set(err, ENOENT,
                              "no configuration file of guest '%s' under "
                              "/etc/xen; name it with --file",
                              domain);
    *out = strdup(found);
    return *out ? 0 : xpci_error_oom(err);
}

/* The first entry of the file that has a function of @spec's. */
static int find_entry(const struct xpci_call *call, const char *path,
                      const struct xpci_pci_spec *spec, char **place,
                      struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    int ret = xpci_guest_config_load(call->root, path, &cfg, &why);

    if (ret == 0)
        ret = xpci_cfg_pci_list(cfg, &list, &why);
    if (ret < 0) {
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "whether another guest has the device is not known from this "
                 "file: %s",
                 xpci_error_text(&why));
        return 0;
    }
    for (size_t i = 0; ret == 0 && i < list.n && !*place; i++) {
        const struct xpci_cfg_pci_entry *entry = &list.v[i];

        if (xpci_pci_spec_overlaps(&entry->spec, spec))
            ret = xpci_asprintf(err, place, "%s%s:%u:%u",
                                xpci_root_dir(call->root), path, entry->line,
                                entry->column);
    }
    return ret;
}

int xpci_guest_config_other(const struct xpci_call *call,
                            const struct xpci_pci_spec *spec,
                            bool (*skip)(const struct stat *, void *),
                            void *data, char **out, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv files = { 0 };
    int ret = candidates(call->root, "/", &files, err);
    struct stat st;

    *out = NULL;
    for (size_t i = 0; ret == 0 && !*out && i < files.n; i++) {
        if (xpci_root_stat(call->root, files.v[i], &st) < 0 || !skip(&st, data))
            ret = find_entry(call, files.v[i], spec, out, err);
    }
    return ret;
}

int xpci_guest_config_find(const struct xpci_call *call, const char *domain,
                           char **out, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv files = { 0 };
    int ret;

    if (call->opt[OPT_FILE]) {
        *out = strdup(call->opt[OPT_FILE]);
        return *out ? 0 : xpci_error_oom(err);
    }
    ret = candidates(call->root, domain, &files, err);
    return ret < 0 ? ret : search(call, &files, domain, out, err);
}

int xpci_guest_config_put(struct xpci_guest_config *config,
                          struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    if (xpci_cfg_print(config->cfg, &text) < 0)
        return xpci_error_oom(err);
    return xpci_changes_edit(set, config->path, &config->text, &text, err);
}
