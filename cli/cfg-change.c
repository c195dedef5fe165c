/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <search.h>
#include <string.h>

#include "guest-config.h"
#include "interrupt.h"
#include "lock.h"

struct device {
    const char *text;
    struct xpci_pci_spec spec;
    char *other; /* the place in another guest's file, or NULL */
};

struct file {
    const char *path;
    dev_t dev;
    ino_t ino;
};

struct change {
    const struct xpci_call *call;
    struct device *device;
    struct file *file;
    size_t devices, files;
    void *by_inode; /* of tsearch(3) */
};

static void keep_node(void *node)
{
    (void)node;
}

static void change_clear(struct change *c)
{
    tdestroy(c->by_inode, keep_node);
    for (size_t i = 0; i < c->devices; i++) {
        xpci_pci_spec_clear(&c->device[i].spec);
        free(c->device[i].other);
    }
    free(c->device);
    free(c->file);
}

/* Which operand is what: a name that is no file is taken for a device. */
static bool is_file(const struct xpci_call *call, const char *operand)
{
    return strchr(operand, '/') || xpci_root_exists(call->root, operand) ||
           (!strchr(operand, ':') && strncmp(operand, "name=", 5));
}

static int cmp_inode(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->dev < y->dev ? -1 : x->dev > y->dev;
}

/* One file under two names would be edited twice, from the same bytes. */
static int add_file(struct change *c, const char *path, struct xpci_error *err)
{
    struct file *file = &c->file[c->files++];
    struct stat st;
    struct file **node;

    file->path = path;
    if (xpci_root_stat(c->call->root, path, &st) < 0)
        return 0; /* reading it will say why */
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    node = tsearch(file, &c->by_inode, cmp_inode);
    if (!node)
        return xpci_error_oom(err);
    return *node == file
               ? 0
               : xpci_error_usage(err, "'%s' and '%s' are the same file",
                                  (*node)->path, path);
}

static int add_device(struct change *c, const char *text,
                      struct xpci_error *err)
{
    struct device *device = &c->device[c->devices];
    int ret = xpci_pci_spec_parse(text, strlen(text), &device->spec, err);

    if (ret < 0) {
        err->kind = XPCI_USAGE;
        return ret;
    }
    device->text = text;
    c->devices++;
    return 0;
}

static int sort_operands(struct change *c, const char *usage,
                         struct xpci_error *err)
{
    const struct xpci_call *call = c->call;
    int ret = 0;

    c->file = calloc((size_t)call->argc, sizeof(*c->file));
    c->device = calloc((size_t)call->argc, sizeof(*c->device));
    if (!c->file || !c->device)
        return xpci_error_oom(err);
    for (int i = 1; ret == 0 && i < call->argc; i++) {
        if (is_file(call, call->argv[i]))
            ret = add_file(c, call->argv[i], err);
        else
            ret = add_device(c, call->argv[i], err);
    }
    if (ret == 0 && (!c->files || !c->devices))
        ret = xpci_error_usage(err, "it is 'xpci cfg %s %s'", call->argv[0],
                               usage);
    return ret;
}

static bool is_named(const struct stat *st, void *data)
{
    const struct change *c = data;
    const struct file key = { .dev = st->st_dev, .ino = st->st_ino };

    return tfind(&key, &c->by_inode, cmp_inode);
}

/* Refused without --force, said with it. */
static int conflict(const struct change *c, const char *text,
                    struct xpci_error *err)
{
    if (!c->call->opt[OPT_FORCE])
        return xpci_error_refuse(err, "%s; --force if that is meant", text);
    xpci_log(&c->call->log, XPCI_LOG_WARN, "forced: %s", text);
    return 0;
}

/* Two guests may have one device if they never run at the same time. */
static int check_guests(const struct change *c, const char *file,
                        const struct xpci_cfg *cfg, const struct device *device,
                        struct xpci_error *err)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    _cleanup_free_ char *text = NULL;
    int ret = device->other ? xpci_cfg_pci_list(cfg, &list, err) : 0;

    if (ret < 0 || !device->other)
        return ret;
    for (size_t i = 0; i < list.n; i++) {
        if (xpci_pci_spec_overlaps(&list.v[i].spec, &device->spec))
            return 0;
    }
    if (xpci_asprintf(err, &text,
                      "'%s' for %s is in %s too, and only one of the two "
                      "guests can run with it",
                      device->text, file, device->other) < 0)
        return -ENOMEM;
    return conflict(c, text, err);
}

static int add_to(const struct change *c, const char *file,
                  struct xpci_cfg *cfg, const struct device *device,
                  struct xpci_error *err)
{
    _cleanup_free_ char *overridden = NULL;
    int ret = check_guests(c, file, cfg, device, err);

    if (device->spec.dev.all_funcs)
        xpci_log(&c->call->log, XPCI_LOG_WARN,
                 "'%s': from Xen 4.13 on xl gives the guest only one function "
                 "of it; name each function",
                 device->text);

    if (ret == 0 && c->call->opt[OPT_FORCE])
        ret = xpci_cfg_pci_force(cfg, &device->spec, &overridden, err);
    else if (ret == 0)
        ret = xpci_cfg_pci_add(cfg, &device->spec, err);
    /* the places in a message are those of the text as it is then */
    if (ret < 0 && device > c->device)
        xpci_error_wrap(err, "with '%s' added", device[-1].text);
    return ret == 0 && overridden ? conflict(c, overridden, err) : ret;
}

static int remove_from(const struct change *c, const char *file,
                       struct xpci_cfg *cfg, const struct device *device,
                       struct xpci_error *err)
{
    size_t removed = 0;
    int ret = xpci_cfg_pci_drop(cfg, &device->spec, &removed, err);

    if (ret < 0 || removed)
        return ret;
    return xpci_error_set(err, ENOENT, "%s%s has no entry for '%s'",
                          xpci_root_dir(c->call->root), file, device->text);
}

static int edit_file(const struct change *c, const char *file, bool add,
                     struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    int ret = xpci_guest_config_open(c->call->root, file, &config, err);

    if (ret == 0)
        xpci_guest_config_warn(c->call, config.cfg);
    for (size_t i = 0; ret == 0 && i < c->devices; i++)
        ret = (add ? add_to : remove_from)(c, file, config.cfg, &c->device[i],
                                           err);
    return ret < 0 ? ret : xpci_guest_config_put(&config, set, err);
}

int xpci_cfg_change_files(const struct xpci_call *call, bool add,
                          struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = {
        .backup = call->opt[OPT_BACKUP] != NULL,
    };
    _cleanup_(change_clear) struct change c = { .call = call };
    _cleanup_buf_ struct xpci_buf diff = { 0 };
    _cleanup_close_ int lock = -1;
    int ret = sort_operands(
        &c, add ? "FILE... DEVICE[@VSLOT]..." : "FILE... DEVICE...", err);

    if (ret == 0 && !call->opt[OPT_DRY_RUN])
        ret = xpci_lock(call->root, &call->log, &lock, err);
    for (size_t i = 0; ret == 0 && add && i < c.devices; i++)
        ret = xpci_guest_config_other(call, &c.device[i].spec, is_named, &c,
                                      &c.device[i].other, err);
    for (size_t i = 0; ret == 0 && i < c.files; i++)
        ret = edit_file(&c, c.file[i].path, add, &set, err);
    if (ret < 0)
        return ret;
    if (!call->opt[OPT_DRY_RUN]) {
        struct xpci_interrupt held;

        xpci_interrupt_hold(&held);
        ret = xpci_changes_commit(&set, call->root, err);
        xpci_interrupt_release(&held);
        return ret;
    }
    xpci_changes_pending(call->root, &call->log);
    ret = xpci_changes_diff(&set, call->root, &diff, err);
    if (ret == 0 && diff.len)
        fputs(diff.data, stdout);
    return ret;
}
