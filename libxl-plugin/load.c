/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "load.h"

#define SYS "/sys/hypervisor"

/* The first line of a file; "" where that is not there. */
static int read_line(const struct xpci_root *root, const char *path,
                     char line[256], struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };

    xpci_try(xpci_root_read_optional(root, path, &buf, NULL, err));
    snprintf(line, 256, "%s", buf.data ? buf.data : "");
    line[strcspn(line, "\n")] = '\0';
    return 0;
}

int xpci_toolstack_check(const struct xpci_root *root, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf caps = { 0 };
    char type[256];
    bool xenfs;

    xpci_try(read_line(root, SYS "/type", type, err));
    xpci_try(xpci_root_read_optional(root, "/proc/xen/capabilities", &caps,
                                     &xenfs, err));
    if (!type[0])
        return xpci_error_set(err, ENODEV,
                              "this is not a Xen dom0: no hypervisor in "
                              "'%s" SYS "', boot the Xen entry of the boot "
                              "menu",
                              xpci_root_dir(root));
    if (strcmp(type, "xen"))
        return xpci_error_set(err, ENODEV,
                              "this is not a Xen dom0: the hypervisor is '%s'",
                              type);
    /* Without xenfs there is no such file; libxl will find out, then. */
    if (xenfs && !strstr(caps.data, "control_d"))
        return xpci_error_set(err, ENODEV,
                              "this is not a Xen dom0 but a guest: run xpci "
                              "in the dom0 of its host");
    return 0;
}

int xpci_load_release(const struct xpci_root *root, char *release,
                      struct xpci_error *err)
{
    static const char *const files[] = { SYS "/version/major",
                                         SYS "/version/minor" };
    unsigned int number[2];
    int end = 0;

    xpci_try(xpci_toolstack_check(root, err));
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(files); i++) {
        char line[256];

        xpci_try(read_line(root, files[i], line, err));
        /* it becomes part of a file name, hence no more than digits */
        if (sscanf(line, "%9u%n", &number[i], &end) != 1 || line[end])
            return xpci_error_set(err, ENODEV,
                                  "cannot tell the Xen release: '%s' in '%s%s' "
                                  "is not a number",
                                  line, xpci_root_dir(root), files[i]);
    }
    snprintf(release, XPCI_RELEASE_SIZE, "%u.%u", number[0], number[1]);
    return 0;
}

static int no_plugin(const struct xpci_root *root, const char *dir,
                     const char *release, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    _cleanup_buf_ struct xpci_buf list = { 0 }; /* "4.17 and 4.20" */
    const char *last = NULL;
    int ret = xpci_root_list(root, dir, &names, NULL, err);

    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        char *name = names.v[i], *end = strrchr(name, '.');

        if (strncmp(name, "libxl-", 6) || !end || strcmp(end, ".so"))
            continue;
        *end = '\0';
        if (last)
            ret = xpci_buf_printf(&list, "%s%s", list.len ? ", " : "", last);
        last = name + 6;
    }
    if (ret == 0 && last)
        ret = xpci_buf_printf(&list, "%s%s", list.len ? " and " : "", last);
    if (ret < 0)
        return ret == -ENOMEM ? xpci_error_oom(err) : ret;
    if (!last)
        return xpci_error_set(err, ENODEV,
                              "there is no plugin for Xen in '%s', this host "
                              "runs %s: install the package xpci-xen-%s "
                              "(xpci-xen with RPM), or build xpci with "
                              "LIBXL=yes against its libxl",
                              dir, release, release);
    return xpci_error_set(err, ENODEV,
                          "xpci was built for Xen %s, this host runs %s: "
                          "install the package xpci-xen-%s, or build its "
                          "plugin against that libxl and put it into '%s'",
                          list.data, release, release, dir);
}

int xpci_load_check(const struct xpci_toolstack_ops *ops, const char *path,
                    const char *release, struct xpci_error *err)
{
    if (ops->abi != XPCI_TOOLSTACK_ABI || ops->size != sizeof(*ops))
        return xpci_error_set(err, ENOEXEC,
                              "'%s' has ABI %u and a table of %u bytes, this "
                              "xpci needs %u and %zu: install plugin and xpci "
                              "of one version",
                              path, ops->abi, ops->size, XPCI_TOOLSTACK_ABI,
                              sizeof(*ops));
    if (strcmp(ops->release, release))
        return xpci_error_set(err, ENOEXEC,
                              "'%s' was built for Xen %s, this host runs %s",
                              path, ops->release, release);
    return 0;
}

int xpci_load_plugin(const struct xpci_root *root, const char *dir,
                     const char *release, struct xpci_toolstack *ts,
                     struct xpci_error *err)
{
    _cleanup_free_ char *path = NULL;
    int ret;

    xpci_try(xpci_asprintf(err, &path, "%s/libxl-%s.so", dir, release));
    if (!xpci_root_exists(root, path))
        return no_plugin(root, dir, release, err);
    /*
     * LOCAL: libxl's symbols must not meet those of another libxl. NODELETE:
     * libxl has a signal handler and cannot always be shut down.
     */
    ts->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!ts->handle)
        return xpci_error_set(err, ENODEV, "cannot load the Xen plugin: %s",
                              dlerror());
    ts->ops = dlsym(ts->handle, XPCI_TOOLSTACK_SYMBOL);
    ret = ts->ops
              ? xpci_load_check(ts->ops, path, release, err)
              : xpci_error_set(err, ENOEXEC, "'%s' is no plugin of xpci: %s",
                               path, dlerror());
    if (ret < 0) {
        dlclose(ts->handle);
        *ts = (struct xpci_toolstack){ 0 };
    }
    return ret;
}

int xpci_toolstack_open(const struct xpci_root *root,
                        struct xpci_toolstack **out, struct xpci_error *err)
{
    const char *dir = secure_getenv("XPCI_LIBEXECDIR");
    char release[XPCI_RELEASE_SIZE];
    _cleanup_toolstack_ struct xpci_toolstack *ts = calloc(1, sizeof(*ts));

    xpci_need(ts, err);
    if (!xpci_root_is_live(root))
        return xpci_error_set(err, ENOTSUP,
                              "guests can be asked on the running system only, "
                              "not with --root '%s'",
                              xpci_root_dir(root));
    xpci_try(xpci_load_release(root, release, err));
    xpci_try(
        xpci_load_plugin(root, dir ? dir : XPCI_LIBEXECDIR, release, ts, err));
    xpci_try(ts->ops->open(&ts->ctx, err));
    *out = xpci_steal(ts);
    return 0;
}

void xpci_toolstack_close(struct xpci_toolstack *ts)
{
    if (!ts)
        return;
    if (ts->ctx)
        ts->ops->close(ts->ctx);
    if (ts->handle)
        dlclose(ts->handle);
    free(ts);
}

void xpci_domain_clear(struct xpci_domain *dom)
{
    free(dom->name);
    *dom = (struct xpci_domain){ 0 };
}

void xpci_guest_devices_clear(struct xpci_guest_devices *devs)
{
    xpci_list_clear(devs, dev, free(dev->domain));
}

void xpci_mismatches_clear(struct xpci_mismatches *findings)
{
    xpci_list_clear(findings, f, free(f->domain), free(f->failure));
}
