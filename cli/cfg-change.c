/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cfg-check.h"
#include "guest-config.h"
#include "host.h"

struct device {
    const char *text;
    struct xpci_pci_spec spec;
    char *other; /* the place in another guest's file, or NULL */
};

struct change {
    struct xpci_call *call;
    bool add; /* or remove */
    struct {
        struct device *v;
        size_t n;
    } devices;
    struct xpci_strv files;
    void *seen; /* the set of these files */
};

static void change_clear(struct change *c)
{
    xpci_list_clear(&c->devices, d, xpci_pci_spec_clear(&d->spec),
                    free(d->other));
    xpci_strv_clear(&c->files);
    xpci_files_clear(&c->seen);
}

/* A name that is no file is taken for a device. */
static int add_operand(struct change *c, const char *operand,
                       struct xpci_error *err)
{
    const struct xpci_root *root = c->call->root;
    struct device *device;
    const char *first;
    struct stat st;
    int ret;

    /* in /sys/bus/pci/devices a device is a directory */
    if (strchr(operand, '/') ||
        (xpci_root_stat(root, operand, &st) == 0 && !S_ISDIR(st.st_mode)) ||
        (!strchr(operand, ':') && strncmp(operand, "name=", 5))) {
        first = xpci_files_add(&c->seen, root, operand);
        xpci_need(first && xpci_strv_add(&c->files, operand) == 0, err);
        if (first == operand)
            return 0;
        /* it would be edited twice, from the same bytes */
        return xpci_error_usage(err, "'%s' and '%s' are the same file", first,
                                operand);
    }
    device = xpci_list_add(&c->devices);
    xpci_need(device, err);
    device->text = operand;
    ret = xpci_pci_spec_parse(operand, strlen(operand), &device->spec, err);
    if (ret < 0)
        err->kind = XPCI_USAGE;
    else if (!c->add && (device->spec.vslot || device->spec.options))
        return xpci_error_usage(err,
                                "'%s': an entry is removed by its device "
                                "alone, without a slot or options",
                                operand);
    return ret;
}

static int sort_operands(struct change *c, struct xpci_error *err)
{
    const struct xpci_call *call = c->call;

    for (int i = 1; i < call->argc; i++)
        xpci_try(add_operand(c, call->argv[i], err));
    if (!c->files.n || !c->devices.n)
        return xpci_error_usage(err, "it is 'xpci cfg %s FILE... DEVICE%s...'",
                                call->argv[0], c->add ? "[@VSLOT]" : "");
    return 0;
}

/* Two guests may have one device if they never run at the same time. */
static int check_guests(const struct change *c, const char *file,
                        const struct xpci_cfg *cfg, const struct device *device,
                        struct xpci_error *err)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };

    if (!device->other)
        return 0;
    xpci_try(xpci_cfg_pci_list(cfg, &list, err));
    if (xpci_list_find(&list, entry,
                       xpci_pci_spec_overlaps(&entry->spec, &device->spec)))
        return 0;
    return xpci_host_override(c->call, "--force if that is meant", err,
                              "'%s' for %s is in %s too, and only one of the "
                              "two guests can run with it",
                              device->text, file, device->other);
}

static int add_to(const struct change *c, const char *file,
                  struct xpci_cfg *cfg, const struct device *device,
                  struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error overridden = { 0 };
    int ret = check_guests(c, file, cfg, device, err);

    if (ret == 0)
        ret =
            xpci_cfg_pci_add(cfg, &device->spec,
                             c->call->opt[OPT_FORCE] ? &overridden : NULL, err);
    /* the places in a message are those of the text as it is then */
    if (ret < 0 && device > c->devices.v)
        xpci_error_wrap(err, "with '%s' added", device[-1].text);
    if (ret == 0 && overridden.code)
        xpci_log(&c->call->log, XPCI_LOG_WARN, "forced: %s",
                 xpci_error_text(&overridden));
    return ret;
}

static int remove_from(const struct change *c, const char *file,
                       struct xpci_cfg *cfg, const struct device *device,
                       struct xpci_error *err)
{
    size_t removed = 0;

    xpci_try(xpci_cfg_pci_remove(cfg, &device->spec, &removed, err));
    if (removed)
        return 0;
    return xpci_error_set(err, ENOENT, "%s%s has no entry for '%s'",
                          xpci_root_dir(c->call->root), file, device->text);
}

/*
 * What the last change of the set replaces stays as FILE~, behind the links
 * that lead to it. In a directory of somebody else's a link of that name may
 * lead anywhere.
 */
static int add_backup(const struct xpci_root *root, const char *file,
                      struct xpci_changes *set, struct xpci_error *err)
{
    const struct xpci_buf *old = &set->v[set->n - 1].before;
    _cleanup_free_ char *real = NULL, *path = NULL, *to = NULL;
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    struct stat st, here, autostart;
    const char *base;
    size_t n = set->n;
    int ret = xpci_file_locate(&dir, root, file, true, &real, &base);

    if (ret == 0)
        ret = xpci_root_stat(root, real, &st);
    xpci_try(xpci_root_check(root, ret, "look at", file, err));
    if (xpci_root_stat(root, "/etc/xen/auto", &autostart) == 0 &&
        fstat(dir.fd, &here) == 0 && here.st_ino == autostart.st_ino &&
        here.st_dev == autostart.st_dev)
        return xpci_error_set(err, EINVAL,
                              "'%s%s~' would be started as a guest, as all "
                              "files in /etc/xen/auto are; copy the file "
                              "elsewhere instead of --backup",
                              xpci_root_dir(root), real);
    xpci_try(xpci_asprintf(err, &path, "%s~", real));
    if (xpci_root_readlink(root, path, &to) == 0)
        return xpci_error_set(err, ELOOP,
                              "'%s%s' is a link, where the backup would stand; "
                              "move it away",
                              xpci_root_dir(root), path);
    xpci_try(xpci_changes_put(set, root, path, old->data, old->len,
                              st.st_mode & 0777, err));
    if (set->n > n)
        set->v[n].itself = true;
    return 0;
}

/* What xl will not do as it reads, and did not stand there before. */
static int warn_of_new(const struct change *c, const char *file,
                       const struct xpci_change *edit, struct xpci_error *err)
{
    _cleanup_cfg_check_ struct xpci_cfg_check before = { 0 }, after = { 0 };

    xpci_try(xpci_cfg_check_text(&before, file, edit->before.data,
                                 edit->before.len, err));
    xpci_try(xpci_cfg_check_text(&after, file, edit->after.data,
                                 edit->after.len, err));
    for (size_t i = 0; i < after.n; i++) {
        const struct xpci_cfg_finding *f = &after.v[i];

        if (f->severity > XPCI_CFG_HINT &&
            !xpci_list_find(&before, b, !strcmp(b->message, f->message)))
            xpci_log(&c->call->log, XPCI_LOG_WARN, "%s%s:%u:%u: %s%s%s",
                     xpci_root_dir(c->call->root), file, f->line, f->column,
                     f->message, f->fix ? "; write: " : "",
                     f->fix ? f->fix : "");
    }
    return 0;
}

static int edit_file(const struct change *c, const char *file,
                     struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    size_t n;

    xpci_try(xpci_guest_config_open(c->call->root, file, &config, err));
    xpci_guest_config_warn(c->call, config.cfg);
    for (size_t i = 0; i < c->devices.n; i++)
        xpci_try((c->add ? add_to : remove_from)(c, config.path, config.cfg,
                                                 &c->devices.v[i], err));
    n = set->n;
    xpci_try(xpci_guest_config_put(&config, set, err));
    if (c->add && set->n > n)
        xpci_try(warn_of_new(c, config.path, &set->v[n], err));
    return c->call->opt[OPT_BACKUP] && set->n > n
               ? add_backup(c->call->root, config.path, set, err)
               : 0;
}

/* Where each device is in the files of other guests. */
static int find_others(struct change *c, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv others = { 0 };

    xpci_try(
        xpci_guest_config_files(c->call->root, NULL, &c->seen, &others, err));
    for (size_t i = 0; i < c->devices.n; i++) {
        struct device *device = &c->devices.v[i];

        for (size_t k = 0; !device->other && k < others.n; k++)
            xpci_try(xpci_guest_config_entry(
                c->call, others.v[k], &device->spec, &device->other, err));
    }
    return 0;
}

int xpci_cfg_change_files(struct xpci_call *call, bool add,
                          struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_(change_clear) struct change c = { .call = call, .add = add };

    xpci_try(sort_operands(&c, err));
    xpci_try(xpci_host_lock(call, err));
    if (add)
        xpci_try(find_others(&c, err));
    for (size_t i = 0; i < c.files.n; i++)
        xpci_try(edit_file(&c, c.files.v[i], &set, err));
    return xpci_host_change(call, &set, err);
}
