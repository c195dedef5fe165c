/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "readers.h"

#define FILE_NAME "readers.so"

/*
 * Where it was installed, or beside the program in the tree where both were
 * built. $XPCI_LIBEXECDIR is for tests, as it is for the Xen plugin.
 */
static void locate(char path[PATH_MAX])
{
    const char *dir = secure_getenv("XPCI_LIBEXECDIR");
    ssize_t len = dir ? 0 : readlink("/proc/self/exe", path, PATH_MAX);

    while (len > 0 && path[len - 1] != '/')
        len--;
    if (len > 0 && (size_t)len + sizeof(FILE_NAME) <= PATH_MAX) {
        strcpy(path + len, FILE_NAME);
        if (access(path, F_OK) == 0)
            return;
    }
    snprintf(path, PATH_MAX, "%s/" FILE_NAME, dir ? dir : XPCI_LIBEXECDIR);
}

static int load(const struct xpci_readers **out, struct xpci_error *err)
{
    static const struct xpci_readers *readers;
    char path[PATH_MAX];
    void *handle;

    if (!readers) {
        locate(path);
        handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (handle)
            readers = dlsym(handle, XPCI_READERS_SYMBOL);
        if (!readers)
            return xpci_error_set(
                err, ENODEV,
                "cannot load a part of xpci, install it anew: "
                "%s",
                dlerror());
    }
    if (readers->size != sizeof(*readers) ||
        strcmp(readers->version, XPCI_VERSION))
        return xpci_error_set(err, ENOEXEC,
                              "'readers.so' is not of this xpci, " XPCI_VERSION
                              ": install it anew");
    *out = readers;
    return 0;
}

int xpci_image_check(const struct xpci_root *root, const char *path,
                     const char *kernel, const struct xpci_generator *gen,
                     const struct xpci_image_want *want,
                     struct xpci_image_verdict *out, struct xpci_error *err)
{
    const struct xpci_readers *r;

    xpci_try(load(&r, err));
    return r->image_check(root, path, kernel, gen, want, out, err);
}

int xpci_append_make(const struct xpci_root *root,
                     const struct xpci_generator *gen,
                     const struct xpci_kernel_image *image,
                     const struct xpci_image_parts *parts, const char *script,
                     struct xpci_append *out, struct xpci_error *err)
{
    const struct xpci_readers *r;

    xpci_try(load(&r, err));
    return r->append_make(root, gen, image, parts, script, out, err);
}

int xpci_recording_make(const struct xpci_root *root,
                        const struct xpci_recording_part *parts, size_t n,
                        struct xpci_strv *names, struct xpci_buf *out,
                        const struct xpci_log *log, struct xpci_error *err)
{
    const struct xpci_readers *r;

    xpci_try(load(&r, err));
    return r->recording_make(root, parts, n, names, out, log, err);
}

int xpci_recording_unpack(const char *file, char **dir, struct xpci_error *err)
{
    const struct xpci_readers *r;

    xpci_try(load(&r, err));
    return r->recording_unpack(file, dir, err);
}

void xpci_recording_remove(char *dir)
{
    const struct xpci_readers *r;

    if (load(&r, NULL) == 0)
        r->recording_remove(dir);
}

int xpci_native_drivers(const struct xpci_root *root, const char *version,
                        const char *modalias, const char *driver,
                        struct xpci_strv *modules, struct xpci_strv *builtin,
                        struct xpci_error *err)
{
    const struct xpci_readers *r;

    xpci_try(load(&r, err));
    return r->native_drivers(root, version, modalias, driver, modules, builtin,
                             err);
}
