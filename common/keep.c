/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "atomic-file.h"
#include "keep.h"

/* "/boot/initrd" -> "/boot/.initrd.xpci-kept": no tool takes it for one */
static int second_name(const char *path, char **out)
{
    const char *base = strrchr(path, '/') + 1;

    if (asprintf(out, "%.*s.%s.xpci-kept", (int)(base - path), path, base) < 0)
        return -ENOMEM;
    return 0;
}

static int open_parent(const struct xpci_root *root, const char *path,
                       const char **base)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *dir = strndup(path, (size_t)(slash - path) + 1);

    *base = slash + 1;
    return dir ? xpci_root_open(root, dir, O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;
}

static int link_beside(const struct xpci_root *root, const char *path,
                       const char *copy)
{
    const char *base;
    _cleanup_close_ int dirfd = open_parent(root, path, &base);
    const char *name = strrchr(copy, '/') + 1;

    if (dirfd < 0)
        return dirfd;
    unlinkat(dirfd, name, 0); /* what a killed run left */
    return linkat(dirfd, base, dirfd, name, 0) < 0 ? -errno : 0;
}

static int copy_beside(const struct xpci_root *root, const char *path,
                       const char *copy, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf bytes = { 0 };
    int ret = xpci_root_read(root, path, &bytes, err);

    return ret < 0 ? ret
                   : xpci_file_replace(root, copy, bytes.data, bytes.len, 0600,
                                       err);
}

int xpci_keep(struct xpci_kept *kept, const struct xpci_root *root,
              const char *path, struct xpci_error *err)
{
    _cleanup_free_ char *copy = NULL;
    int ret = second_name(path, &copy);

    if (ret < 0)
        return xpci_error_oom(err);
    if (link_beside(root, path, copy) < 0) {
        ret = copy_beside(root, path, copy, err);
        if (ret < 0)
            return xpci_error_wrap(err, "cannot keep the old '%s'", path);
    }
    if (xpci_strv_add(&kept->copy, copy) < 0 ||
        xpci_strv_add(&kept->path, path) < 0)
        return xpci_error_oom(err);
    return 0;
}

static void kept_clear(struct xpci_kept *kept)
{
    xpci_strv_clear(&kept->path);
    xpci_strv_clear(&kept->copy);
}

void xpci_keep_drop(struct xpci_kept *kept, const struct xpci_root *root)
{
    for (size_t i = 0; i < kept->copy.n; i++) {
        /* the old bytes are of no use any more: a leftover harms nothing */
        int ret = xpci_file_remove(root, kept->copy.v[i], NULL);

        (void)ret;
    }
    kept_clear(kept);
}

int xpci_keep_restore(struct xpci_kept *kept, const struct xpci_root *root,
                      struct xpci_error *err)
{
    int result = 0;

    for (size_t i = 0; i < kept->path.n; i++) {
        const char *base;
        _cleanup_close_ int dirfd = open_parent(root, kept->path.v[i], &base);
        const char *name = strrchr(kept->copy.v[i], '/') + 1;

        if (dirfd < 0 || renameat(dirfd, name, dirfd, base) < 0 ||
            fsync(dirfd) < 0)
            result = xpci_error_errno(err, dirfd < 0 ? -dirfd : errno,
                                      "cannot restore '%s'", kept->path.v[i]);
        /* both names of one file: the rename did nothing */
        if (dirfd >= 0)
            unlinkat(dirfd, name, 0);
    }
    kept_clear(kept);
    return result;
}
