/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <search.h>

#include "guest-config.h"

int xpci_guest_config_open(const struct xpci_root *root, const char *path,
                           struct xpci_guest_config *out,
                           struct xpci_error *err)
{
    _cleanup_free_ char *file = NULL;
    bool inside = path[0] == '/' || xpci_root_is_live(root);

    xpci_try(xpci_asprintf(err, &out->path, "%s%s", inside ? "" : "/", path));
    xpci_try(xpci_root_read(root, out->path, &out->text, err));
    xpci_try(xpci_asprintf(err, &file, "%s%s", xpci_root_dir(root), out->path));
    return xpci_cfg_parse(out->text.data, out->text.len, file, &out->cfg, err);
}

void xpci_guest_config_close(struct xpci_guest_config *config)
{
    free(config->path);
    xpci_buf_clear(&config->text);
    xpci_cfg_free(config->cfg);
    *config = (struct xpci_guest_config){ 0 };
}

void xpci_guest_config_warn(const struct xpci_call *call,
                            const struct xpci_cfg *cfg)
{
    if (xpci_cfg_xl_error(cfg))
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "only xm could read this file, xl cannot: %s",
                 xpci_cfg_xl_error(cfg));
}

struct file {
    const char *path;
    dev_t dev;
    ino_t ino;
};

static int cmp_inode(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->dev < y->dev ? -1 : x->dev > y->dev;
}

const char *xpci_files_add(void **files, const struct xpci_root *root,
                           const char *path)
{
    struct file *file, **node;
    struct stat st;

    if (xpci_root_stat(root, path, &st) < 0)
        return path; /* reading it will say why */
    file = malloc(sizeof(*file));
    if (!file)
        return NULL;
    *file = (struct file){ path, st.st_dev, st.st_ino };
    node = tsearch(file, files, cmp_inode);
    if (!node || *node != file)
        free(file);
    return node ? (*node)->path : NULL;
}

void xpci_files_clear(void **files)
{
    tdestroy(*files, free);
}

int xpci_guest_config_files(const struct xpci_root *root, const char *domain,
                            void **seen, struct xpci_strv *out,
                            struct xpci_error *err)
{
    static const char *const places[] = { "/etc/xen/*.cfg", "/etc/xen/auto/*",
                                          "/OVS/running_pool/*/vm.cfg" };
    _cleanup_free_ char *own = NULL;
    size_t kept = 0;

    xpci_try(xpci_asprintf(err, &own, "/etc/xen/%s", domain ? domain : ""));
    if (domain && !strchr(domain, '/'))
        xpci_try(xpci_root_glob(root, own, out, err));
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(places); i++)
        xpci_try(xpci_root_glob(root, places[i], out, err));
    for (size_t i = 0; i < out->n; i++) {
        char *path = xpci_steal(out->v[i]);
        const char *first = xpci_files_add(seen, root, path);

        if (first == path)
            out->v[kept++] = path;
        else
            free(path);
        xpci_need(first, err);
    }
    out->n = kept;
    return 0;
}

/* True if the file's name setting is @domain; other people's files may fail. */
static int is_of(const struct xpci_call *call, const char *path,
                 const char *domain, bool *yes, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    _cleanup_free_ char *name = NULL;
    const char *base = strrchr(path, '/') + 1;
    size_t len = strlen(domain);
    int ret = xpci_guest_config_open(call->root, path, &config, &why);

    *yes = false;
    if (ret == 0)
        ret = xpci_cfg_string(config.cfg, "name", &name, &why);
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

int xpci_guest_config_entry(const struct xpci_call *call, const char *path,
                            const struct xpci_pci_spec *spec, char **place,
                            struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    const struct xpci_cfg_pci_entry *entry;
    int ret = xpci_guest_config_open(call->root, path, &config, &why);

    if (ret == 0)
        ret = xpci_cfg_pci_list(config.cfg, &list, &why);
    if (ret < 0) {
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "whether another guest has the device is not known from this "
                 "file: %s",
                 xpci_error_text(&why));
        return 0;
    }
    entry = xpci_list_find(&list, e, xpci_pci_spec_overlaps(&e->spec, spec));
    return entry ? xpci_asprintf(err, place, "%s%s:%u:%u",
                                 xpci_root_dir(call->root), path, entry->line,
                                 entry->column)
                 : 0;
}

int xpci_guest_config_find(const struct xpci_call *call, const char *domain,
                           char **out, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv files = { 0 };
    _cleanup_files_ void *seen = NULL;
    const char *found = call->opt[OPT_FILE];

    if (!found)
        xpci_try(
            xpci_guest_config_files(call->root, domain, &seen, &files, err));
    for (size_t i = 0; i < files.n; i++) {
        bool yes;

        xpci_try(is_of(call, files.v[i], domain, &yes, err));
        if (yes && found)
            return xpci_error_set(err, EEXIST,
                                  "both '%s' and '%s' are for guest '%s'; say "
                                  "which with --file",
                                  found, files.v[i], domain);
        if (yes)
            found = files.v[i];
    }
    if (!found)
        return xpci_error_set(err, ENOENT,
                              "no configuration file of guest '%s' under "
                              "/etc/xen; name it with --file",
                              domain);
    return xpci_asprintf(err, out, "%s", found);
}

int xpci_guest_config_put(struct xpci_guest_config *config,
                          struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_need(xpci_cfg_print(config->cfg, &text) == 0, err);
    return xpci_changes_edit(set, config->path, &config->text, &text, err);
}
