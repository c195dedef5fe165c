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

int xpci_readers_load(const struct xpci_readers **out, struct xpci_error *err)
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
            return xpci_error_set(err, ENODEV,
                                  "cannot load a part of xpci, install it "
                                  "anew: %s",
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
