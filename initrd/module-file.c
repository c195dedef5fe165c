/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "compressed.h"
#include "module-file.h"

/* Its line in modules.dep, split in two; NULL: there is none. */
static char *find_module(char *deps, const char *module, char **needs)
{
    char *line;

    while ((line = strsep(&deps, "\n"))) {
        char *colon = strchr(line, ':'), *name;

        if (!colon)
            continue;
        *colon = '\0';
        name = strrchr(line, '/');
        if (name && !strncmp(name + 1, module, strlen(module)) &&
            !strncmp(name + 1 + strlen(module), ".ko", 3)) {
            *needs = colon + 1;
            return line;
        }
    }
    return NULL;
}

/* Modules that are compressed: not every kernel and insmod undoes that. */
static int unpack(const struct xpci_buf *in, struct xpci_buf *out,
                  struct xpci_error *err)
{
    _cleanup_compressed_ struct xpci_compressed *seg = NULL;
    const char *block, *why = xpci_compressed_open(in->data, in->len, &seg);
    size_t n = 1;

    while (!why && n) {
        why = xpci_compressed_block(seg, &block, &n);
        xpci_need(why || xpci_buf_append(out, block, n) == 0, err);
    }
    return why ? xpci_error_set(err, EBADMSG, "its module cannot be read: %s",
                                why)
               : 0;
}

int xpci_module_file_read(const struct xpci_root *root, const char *module,
                          const char *kernel, struct xpci_buf *out,
                          struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf deps = { 0 }, packed = { 0 };
    _cleanup_free_ char *file = NULL, *path = NULL;
    char *name, *needs;

    xpci_try(xpci_asprintf(err, &file, "/lib/modules/%s/modules.dep", kernel));
    xpci_try(xpci_root_read(root, file, &deps, err));
    name = find_module(deps.data, module, &needs);
    if (!name || name[0] == '/')
        return xpci_error_set(err, ENOENT, "%s does not have the module", file);
    if (needs[strspn(needs, " ")])
        return xpci_error_set(err, EOPNOTSUPP, "%s needs other modules",
                              module);
    xpci_try(xpci_asprintf(err, &path, "/lib/modules/%s/%s", kernel, name));
    xpci_try(xpci_root_read(root, path, &packed, err));
    if (!packed.len)
        return xpci_error_set(err, EBADMSG, "'%s' is empty", path);
    if (strcmp(path + strlen(path) - 3, ".ko") != 0)
        return unpack(&packed, out, err);
    *out = packed;
    packed = (struct xpci_buf){ 0 };
    return 0;
}
