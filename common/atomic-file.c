/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>

#include "atomic-file.h"

#define MAX_LINKS 16

/* Splits at the last slash: "/etc/x" -> "/etc" and "x". */
static int split_path(const char *path, char **dir, const char **base)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        *base = path;
        *dir = strdup(".");
    } else {
        *base = slash + 1;
        *dir =
            slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    }
    return *dir ? 0 : -ENOMEM;
}

/* Follows links of the last component, as names inside the root. */
static int resolve_links(const struct xpci_root *root, const char *path,
                         char **out)
{
    _cleanup_free_ char *cur = strdup(path);
    int ret;

    for (int i = 0; cur && i < MAX_LINKS; i++) {
        _cleanup_free_ char *target = NULL, *dir = NULL;
        const char *base;
        char *next = NULL;

        ret = xpci_root_readlink(root, cur, &target);
        if (ret == -EINVAL || ret == -ENOENT || ret == -ENOTDIR) {
            *out = xpci_steal(cur);
            return 0;
        }
        if (ret < 0)
            return ret;
        ret = split_path(cur, &dir, &base);
        if (ret < 0)
            return ret;
        if (target[0] == '/')
            next = xpci_steal(target);
        else if (asprintf(&next, "%s/%s", dir, target) < 0)
            next = NULL;
        free(cur);
        cur = next;
    }
    return cur ? -ELOOP : -ENOMEM;
}

/* Opens the directory, making it and its parents where they are missing. */
static int open_dir(const struct xpci_root *root, const char *dir)
{
    _cleanup_free_ char *parent = NULL;
    _cleanup_close_ int pfd = -1;
    const char *base;
    int fd, ret;

    fd = xpci_root_open(root, dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd != -ENOENT || !strcmp(dir, "/") || !strcmp(dir, "."))
        return fd;
    ret = split_path(dir, &parent, &base);
    if (ret < 0)
        return ret;
    pfd = open_dir(root, parent);
    if (pfd < 0)
        return pfd;
    if (mkdirat(pfd, base, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (fsync(pfd) < 0)
        return -errno;
    return xpci_root_open(root, dir, O_RDONLY | O_DIRECTORY, 0);
}

static int open_temp(int dirfd, const char *base, char **name_out)
{
    for (int i = 0; i < 16; i++) {
        _cleanup_free_ char *name = NULL;
        uint64_t random;
        int fd;

        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            return -errno;
        if (asprintf(&name, ".%s.%016llx.xpci", base,
                     (unsigned long long)random) < 0) {
            name = NULL;
            return -ENOMEM;
        }
        fd = openat(dirfd, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            *name_out = xpci_steal(name);
            return fd;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t r = write(fd, data, len);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        data += r;
        len -= (size_t)r;
    }
    return 0;
}

/* One extended attribute; a file system without them has none to lose. */
static int copy_xattr(int from, int to, const char *name)
{
    _cleanup_free_ char *value = NULL;
    ssize_t len = fgetxattr(from, name, NULL, 0);

    if (len < 0)
        return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
    value = malloc((size_t)len + 1);
    if (!value)
        return -ENOMEM;
    len = fgetxattr(from, name, value, (size_t)len);
    if (len < 0)
        return -errno;
    return fsetxattr(to, name, value, (size_t)len, 0) < 0 ? -errno : 0;
}

/* Owner first: chown clears set-id bits and needs the mode set after it. */
static int copy_attributes(int from, int to)
{
    static const char *const names[] = {
        "system.posix_acl_access",
        "security.selinux",
    };
    struct stat st, now;
    int ret;

    if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
        return -errno;
    if ((st.st_uid != now.st_uid || st.st_gid != now.st_gid) &&
        fchown(to, st.st_uid, st.st_gid) < 0)
        return -errno;
    if (fchmod(to, st.st_mode & 07777) < 0)
        return -errno;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(names); i++) {
        ret = copy_xattr(from, to, names[i]);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static bool same_bytes(int fd, const void *data, size_t len)
{
    _cleanup_buf_ struct xpci_buf old = { 0 };

    return xpci_buf_read_fd(&old, fd) == 0 && old.len == len &&
           (len == 0 || !memcmp(old.data, data, len));
}

/* Fills the temporary file and puts it in place of @base. */
static int replace_at(int dirfd, const char *base, int oldfd, const void *data,
                      size_t len, mode_t mode)
{
    _cleanup_free_ char *temp = NULL;
    _cleanup_close_ int fd = open_temp(dirfd, base, &temp);
    int ret;

    if (fd < 0)
        return fd;
    ret = oldfd >= 0 ? copy_attributes(oldfd, fd)
                     : (fchmod(fd, mode) < 0 ? -errno : 0);
    if (ret == 0)
        ret = write_all(fd, data, len);
    if (ret == 0 && fsync(fd) < 0)
        ret = -errno;
    if (ret == 0 && renameat(dirfd, temp, dirfd, base) < 0)
        ret = -errno;
    if (ret < 0) {
        unlinkat(dirfd, temp, 0);
        return ret;
    }
    return fsync(dirfd) < 0 ? -errno : 0;
}

static int file_replace(const struct xpci_root *root, const char *path,
                        const void *data, size_t len, mode_t mode)
{
    _cleanup_free_ char *real = NULL, *dir = NULL;
    _cleanup_close_ int dirfd = -1, oldfd = -1;
    const char *base;
    struct stat st;
    int ret;

    ret = resolve_links(root, path, &real);
    if (ret < 0)
        return ret;
    ret = split_path(real, &dir, &base);
    if (ret < 0)
        return ret;
    dirfd = open_dir(root, dir);
    if (dirfd < 0)
        return dirfd;
    oldfd = openat(dirfd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (oldfd < 0 && errno != ENOENT)
        return -errno;
    if (oldfd >= 0 && (fstat(oldfd, &st) < 0 || !S_ISREG(st.st_mode)))
        return -EINVAL;
    if (oldfd >= 0 && same_bytes(oldfd, data, len))
        return 0;
    return replace_at(dirfd, base, oldfd, data, len, mode);
}

int xpci_file_replace(const struct xpci_root *root, const char *path,
                      const void *data, size_t len, mode_t mode,
                      struct xpci_error *err)
{
    int ret = file_replace(root, path, data, len, mode);

    if (ret < 0)
        return xpci_error_errno(err, -ret, "cannot write '%s%s'",
                                xpci_root_dir(root), path);
    return 0;
}

int xpci_file_remove(const struct xpci_root *root, const char *path,
                     struct xpci_error *err)
{
    _cleanup_free_ char *dir = NULL;
    _cleanup_close_ int dirfd = -1;
    const char *base;
    int ret;

    ret = split_path(path, &dir, &base);
    if (ret < 0)
        return xpci_error_oom(err);
    dirfd = xpci_root_open(root, dir, O_RDONLY | O_DIRECTORY, 0);
    if (dirfd == -ENOENT)
        return 0;
    ret = dirfd;
    if (ret >= 0 && unlinkat(dirfd, base, 0) < 0)
        ret = errno == ENOENT ? 0 : -errno;
    if (ret >= 0 && fsync(dirfd) < 0)
        ret = -errno;
    if (ret < 0)
        return xpci_error_errno(err, -ret, "cannot remove '%s%s'",
                                xpci_root_dir(root), path);
    return 0;
}
