/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <string.h>

#include "module-index.h"
#include "native-driver.h"

#define NEEDED 3 /* of the indexes */

XPCI_CLEANUP_PTR(struct kmod_ctx *, kmod_unref)
XPCI_CLEANUP_PTR(struct kmod_list *, kmod_module_unref_list)

/* In a tree that may be a stranger's as a whole. */
static int is_index(const struct xpci_root *root, int fd)
{
    _cleanup_buf_ struct xpci_buf file = { 0 };
    char magic[4];

    if (xpci_root_is_live(root))
        return read(fd, magic, sizeof(magic)) == sizeof(magic) &&
               !memcmp(magic, XPCI_MODULE_INDEX_MAGIC, sizeof(magic));
    xpci_try(xpci_buf_read_fd(&file, fd));
    return xpci_module_index_sound(&file);
}

/* libkmod takes an index that is missing or damaged for an empty one. */
static int check_indexes(const struct xpci_root *root, const char *dir,
                         const char *version, struct xpci_error *err)
{
    static const char *const names[] = {
        "modules.alias.bin",
        "modules.builtin.bin",
        "modules.dep.bin",
        /* these only where they are */
        "modules.builtin.alias.bin",
        "modules.symbols.bin",
    };

    if (!xpci_root_exists(root, dir))
        return xpci_error_set(err, ENOENT,
                              "kernel %s has an image but no modules under "
                              "'%s%s'; install them, or remove the image if "
                              "no boot entry has it",
                              version, xpci_root_dir(root), dir);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(names); i++) {
        char path[320];
        _cleanup_free_ char *to = NULL;
        _cleanup_close_ int fd = -1;
        bool link;
        int is;

        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        /* libkmod would follow it from the host's root */
        link = !xpci_root_is_live(root) &&
               xpci_root_readlink(root, path, &to) == 0;
        fd = xpci_root_open_file(root, path);
        if (fd == -ENOENT && i >= NEEDED && !link)
            continue;
        is = link ? 0 : fd < 0 ? fd : is_index(root, fd);
        if (is != -ENOENT)
            xpci_try(xpci_root_check(root, is, "read", path, err));
        if (is <= 0)
            return xpci_error_set(err, is < 0 ? ENOENT : EINVAL,
                                  "'%s%s' is %s; run 'depmod %s'",
                                  xpci_root_dir(root), path,
                                  link     ? "a link"
                                  : is < 0 ? "missing"
                                           : "damaged",
                                  version);
    }
    return 0;
}

/* Adds what an alias or a name stands for; of modules only with @modules. */
static int look_up(struct kmod_ctx *ctx, const char *alias,
                   struct xpci_strv *modules, struct xpci_strv *builtin)
{
    _cleanup_(kmod_module_unref_list_ptr) struct kmod_list *list = NULL;
    int ret = kmod_module_new_from_lookup(ctx, alias, &list);
    struct kmod_list *it;

    if (ret < 0)
        return ret == -ENOENT ? 0 : ret;
    kmod_list_foreach(it, list)
    {
        struct kmod_module *mod = kmod_module_get_module(it);
        /* a module without a file is part of the kernel image */
        struct xpci_strv *to = kmod_module_get_path(mod) ? modules : builtin;

        ret = to ? xpci_strv_add_once(to, kmod_module_get_name(mod)) : 0;
        kmod_module_unref(mod);
        xpci_try(ret);
    }
    return 0;
}

/* The name of the driver's module, which often is the driver's too. */
static int find_module(const struct xpci_root *root, const char *driver,
                       char **out, struct xpci_error *err)
{
    _cleanup_free_ char *path = NULL, *link = NULL;
    int ret;

    xpci_try(
        xpci_asprintf(err, &path, "/sys/bus/pci/drivers/%s/module", driver));
    ret = xpci_root_readlink(root, path, &link);
    if (ret != -ENOENT)
        xpci_try(xpci_root_check(root, ret, "read", path, err));
    return xpci_asprintf(err, out, "%s", link ? basename(link) : driver);
}

int xpci_native_drivers(const struct xpci_root *root, const char *version,
                        const char *modalias, const char *driver,
                        struct xpci_strv *modules, struct xpci_strv *builtin,
                        struct xpci_error *err)
{
    /* no modprobe.d: aliases are asked, not what is blacklisted today */
    static const char *const no_config[] = { NULL };
    _cleanup_(kmod_unref_ptr) struct kmod_ctx *ctx = NULL;
    _cleanup_close_ int fd = -1;
    _cleanup_free_ char *dir = NULL, *module = NULL;
    char proc_dir[32];
    int ret;

    xpci_try(xpci_asprintf(err, &dir, "/lib/modules/%s", version));
    xpci_try(check_indexes(root, dir, version, err));
    if (driver)
        xpci_try(find_module(root, driver, &module, err));
    fd = xpci_root_open(root, dir, O_PATH | O_DIRECTORY, 0);
    xpci_try(xpci_root_check(root, fd, "open", dir, err));
    /* by its name in /proc, no link leads libkmod out of the root */
    snprintf(proc_dir, sizeof(proc_dir), "/proc/self/fd/%d", fd);
    ctx = kmod_new(proc_dir, no_config);
    xpci_need(ctx, err);
    /* it prints, of a recording that the files of modules are missing */
    kmod_set_log_priority(ctx, 0);
    ret = look_up(ctx, modalias, modules, builtin);
    if (ret == 0 && module)
        ret = look_up(ctx, module, NULL, builtin);
    xpci_need(ret != -ENOMEM, err);
    return ret == 0 ? 0
                    : xpci_error_errno(err, -ret,
                                       "cannot look up '%s' among the modules "
                                       "of kernel %s",
                                       modalias, version);
}
