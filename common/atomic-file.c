/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>

#include "atomic-file.h"

#define MAX_LINKS 16
#define ACL "system.posix_acl_access"

/* The length of the directory in @path, and the name behind it. */
static size_t dir_len(const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');

    *base = slash ? slash + 1 : path;
    return slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
}

/* Opens the directory, making it and its parents where they are missing. */
static int open_dir(const struct xpci_root *root, const char *path, bool make)
{
    _cleanup_dir_ struct xpci_dir parent = { .fd = -1 };
    int fd = xpci_root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
    const char *base;

    if (fd != -ENOENT || !make || !strcmp(path, "/") || !strcmp(path, "."))
        return fd;
    xpci_try(xpci_dir_enter(&parent, root, path, true, &base));
    if (mkdirat(parent.fd, base, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (fsync(parent.fd) < 0)
        return -errno;
    return xpci_root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
}

int xpci_dir_enter(struct xpci_dir *dir, const struct xpci_root *root,
                   const char *path, bool make, const char **base)
{
    size_t len = dir_len(path, base);

    if (dir->fd >= 0 && strlen(dir->path) == (len ? len : 1) &&
        !memcmp(dir->path, len ? path : ".", len ? len : 1))
        return 0;
    xpci_dir_clear(dir);
    dir->path = len ? strndup(path, len) : strdup(".");
    if (!dir->path)
        return -ENOMEM;
    dir->fd = open_dir(root, dir->path, make);
    return dir->fd < 0 ? dir->fd : 1;
}

void xpci_dir_clear(struct xpci_dir *dir)
{
    if (dir->fd >= 0)
        close(dir->fd);
    free(dir->path);
    *dir = (struct xpci_dir){ .fd = -1 };
}

int xpci_file_locate(struct xpci_dir *dir, const struct xpci_root *root,
                     const char *path, bool follow, char **real,
                     const char **base)
{
    _cleanup_free_ char *cur = strdup(path);

    for (int i = 0; cur && i < MAX_LINKS; i++) {
        char target[PATH_MAX], *next = NULL;
        ssize_t len;

        xpci_try(xpci_dir_enter(dir, root, cur, true, base));
        len = readlinkat(dir->fd, *base, target, sizeof(target));
        if (len < 0 && errno != EINVAL && errno != ENOENT)
            return -errno;
        if (len >= 0 && !follow)
            return -ELOOP;
        if (len < 0) {
            *real = xpci_steal(cur);
            return 0;
        }
        if ((size_t)len == sizeof(target))
            return -ENAMETOOLONG;
        target[len] = '\0';
        xpci_try(xpci_asprintf(NULL, &next, "%s%s%s",
                               target[0] == '/' ? "" : dir->path,
                               target[0] == '/' ? "" : "/", target));
        free(cur);
        cur = next;
    }
    return cur ? -ELOOP : -ENOMEM;
}

int xpci_temp_sweep(int dirfd)
{
    _cleanup_closedir_ DIR *dir = fdopendir(dup(dirfd));
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir))) {
        if (fnmatch(XPCI_TEMP_PREFIX "*-*.[no][el][wd]", entry->d_name, 0) ==
                0 &&
            fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && st.st_uid == geteuid())
            unlinkat(dirfd, entry->d_name, 0);
    }
    return 0;
}

int xpci_temp_id(char id[XPCI_TEMP_ID_SIZE])
{
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return -errno;
    snprintf(id, XPCI_TEMP_ID_SIZE, "%016llx", (unsigned long long)random);
    return 0;
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

/* Not set where it is right already: that may be more than we are allowed. */
static int copy_xattr(int from, int to, const char *name)
{
    ssize_t len = fgetxattr(from, name, NULL, 0);
    _cleanup_free_ char *value = len < 0 ? NULL : malloc(2 * (size_t)len + 2);
    char *now;

    if (!value)
        return len < 0 ? -errno : -ENOMEM;
    now = value + len + 1;
    len = fgetxattr(from, name, value, (size_t)len);
    if (len < 0)
        return -errno;
    if (fgetxattr(to, name, now, (size_t)len + 1) == len &&
        !memcmp(value, now, (size_t)len))
        return 0;
    return fsetxattr(to, name, value, (size_t)len, 0) < 0 ? -errno : 0;
}

/* All of them; a file system without any has none to lose. */
static int copy_xattrs(int from, int to)
{
    _cleanup_free_ char *names = NULL;
    ssize_t len = flistxattr(from, NULL, 0);
    int ret = 0;

    if (len <= 0)
        return len == 0 || errno == ENOTSUP ? 0 : -errno;
    names = malloc((size_t)len);
    if (!names)
        return -ENOMEM;
    len = flistxattr(from, names, (size_t)len);
    if (len < 0)
        return -errno;
    for (char *p = names; ret == 0 && p < names + len; p += strlen(p) + 1)
        ret = copy_xattr(from, to, p);
    return ret;
}

/*
 * Owner first: chown clears set-id bits and needs the mode set after it, and so
 * does an ACL that the directory gives to new files.
 */
static int copy_attributes(int from, int to, mode_t exec)
{
    struct stat st, now;

    if (fstat(from, &st) < 0 || fstat(to, &now) < 0)
        return -errno;
    if ((st.st_uid != now.st_uid || st.st_gid != now.st_gid) &&
        fchown(to, st.st_uid, st.st_gid) < 0)
        return -errno;
    if (fgetxattr(to, ACL, NULL, 0) >= 0 && fremovexattr(to, ACL) < 0)
        return -errno;
    if (fchmod(to, (st.st_mode & 07777) | exec) < 0)
        return -errno;
    return copy_xattrs(from, to);
}

/* The old file, -1 if there is none. */
static int open_old(int dirfd, const char *base, int *fd)
{
    struct stat st;

    *fd = openat(dirfd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(*fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

/* Does the file hold these bytes? One call tells, and reads one too many. */
static int compare(int fd, const struct xpci_buf *want, int differs)
{
    _cleanup_free_ char *now = malloc(want->len + 1);
    ssize_t len;

    if (!now)
        return -ENOMEM;
    len = pread(fd, now, want->len + 1, 0);
    if (len < 0)
        return -errno;
    return (size_t)len == want->len &&
                   (!len || !memcmp(now, want->data, want->len))
               ? 0
               : differs;
}

int xpci_file_compare(int dirfd, const char *base, const struct xpci_buf *want)
{
    _cleanup_close_ int fd = -1;

    xpci_try(open_old(dirfd, base, &fd));
    return fd < 0 ? -ESTALE : compare(fd, want, -ESTALE);
}

int xpci_file_stage(int dirfd, const char *base, const char *temp,
                    const struct xpci_buf *data, mode_t mode, bool sync)
{
    _cleanup_close_ int old = -1, fd = -1;
    int ret;

    xpci_try(open_old(dirfd, base, &old));
    fd = openat(dirfd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd < 0)
        return -errno;
    ret = old >= 0 ? copy_attributes(old, fd, mode & 0111)
                   : (fchmod(fd, mode) < 0 ? -errno : 0);
    if (ret == 0)
        ret = write_all(fd, data->data, data->len);
    if (ret == 0 && sync && fsync(fd) < 0)
        ret = -errno;
    if (ret == 0)
        ret = compare(fd, data, -EIO);
    if (ret < 0)
        unlinkat(dirfd, temp, 0);
    return ret;
}

int xpci_rename_as(int dirfd, const char *from, const char *to,
                   unsigned int flag, bool *obeyed)
{
    *obeyed = renameat2(dirfd, from, dirfd, to, flag) == 0;
    if (*obeyed)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? 0 : -errno;
}

int xpci_rename_new(int dirfd, const char *from, const char *to)
{
    bool obeyed;
    int ret = xpci_rename_as(dirfd, from, to, RENAME_NOREPLACE, &obeyed);

    if (ret < 0 || obeyed)
        return ret;
    if (faccessat(dirfd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    return renameat(dirfd, from, dirfd, to) < 0 ? -errno : 0;
}

/* With the attributes of @like, if that is there. */
static int put_in(int dirfd, const char *base, const char *like,
                  const struct xpci_buf *data, mode_t mode, bool replace)
{
    char id[XPCI_TEMP_ID_SIZE],
        temp[sizeof(XPCI_TEMP_PREFIX "-0.new") + sizeof(id)];
    int ret;

    xpci_try(xpci_temp_id(id));
    snprintf(temp, sizeof(temp), XPCI_TEMP_PREFIX "%s-0.new", id);
    xpci_try(
        xpci_file_stage(dirfd, like ? like : temp, temp, data, mode, true));
    if (!replace)
        ret = xpci_rename_new(dirfd, temp, base);
    else
        ret = renameat(dirfd, temp, dirfd, base) < 0 ? -errno : 0;
    if (ret < 0)
        unlinkat(dirfd, temp, 0);
    return ret == 0 && fsync(dirfd) < 0 ? -errno : ret;
}

static int file_replace(const struct xpci_root *root, const char *path,
                        const struct xpci_buf *data, mode_t mode)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    _cleanup_free_ char *real = NULL;
    _cleanup_close_ int old = -1;
    const char *base;

    xpci_try(xpci_file_locate(&dir, root, path, true, &real, &base));
    xpci_try(open_old(dir.fd, base, &old));
    if (old >= 0 && compare(old, data, -EIO) == 0)
        return 0;
    return put_in(dir.fd, base, base, data, mode, true);
}

static int file_create(const struct xpci_root *root, const char *path,
                       const struct xpci_buf *data, mode_t mode, bool replace)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    _cleanup_close_ int old = -1;
    const char *base;

    xpci_try(xpci_dir_enter(&dir, root, path, false, &base));
    if (replace)
        xpci_try(open_old(dir.fd, base, &old));
    return put_in(dir.fd, base, NULL, data, mode, replace);
}

int xpci_file_create(const struct xpci_root *root, const char *path,
                     const struct xpci_buf *data, mode_t mode, bool replace,
                     struct xpci_error *err)
{
    return xpci_root_check(root, file_create(root, path, data, mode, replace),
                           "write", path, err);
}

int xpci_file_replace(const struct xpci_root *root, const char *path,
                      const void *data, size_t len, mode_t mode,
                      struct xpci_error *err)
{
    /* only read */
    const struct xpci_buf buf = { .data = (char *)(uintptr_t)data, .len = len };

    return xpci_root_check(root, file_replace(root, path, &buf, mode), "write",
                           path, err);
}

int xpci_file_remove(const struct xpci_root *root, const char *path,
                     struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    const char *base;
    int ret = xpci_dir_enter(&dir, root, path, false, &base);

    if (ret == -ENOENT)
        return 0;
    if (ret >= 0 && unlinkat(dir.fd, base, 0) < 0)
        ret = errno == ENOENT ? 0 : -errno;
    if (ret >= 0 && fsync(dir.fd) < 0)
        ret = -errno;
    return xpci_root_check(root, ret, "remove", path, err);
}

static int copy_bytes(int from, int to, size_t len)
{
    while (len > 0) {
        /* shares the blocks where the file system can */
        ssize_t r = copy_file_range(from, NULL, to, NULL, len, 0);

        if (r <= 0)
            return r < 0 ? -errno : -ESTALE;
        len -= (size_t)r;
    }
    return 0;
}

int xpci_file_stale(const struct xpci_root *root, const char *path,
                    struct xpci_error *err)
{
    return xpci_error_set(err, EBUSY,
                          "'%s%s' was changed by someone else meanwhile; run "
                          "the command again",
                          xpci_root_dir(root), path);
}

int xpci_file_extend(const struct xpci_root *root, const char *path, size_t len,
                     const struct xpci_buf *tail, const char *temp,
                     struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    _cleanup_close_ int from = xpci_root_open_file(root, path), to = -1;
    const char *base;
    int ret = from < 0 ? from : xpci_dir_enter(&dir, root, temp, false, &base);

    if (ret >= 0) {
        to = openat(dir.fd, base, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ret = to < 0 ? -errno : copy_attributes(from, to, 0);
    }
    if (ret >= 0)
        ret = copy_bytes(from, to, len);
    if (ret >= 0)
        ret = write_all(to, tail->data, tail->len);
    if (ret < 0 && to >= 0)
        unlinkat(dir.fd, base, 0);
    /* shorter than it was when @len was found */
    return ret == -ESTALE ? xpci_file_stale(root, path, err)
                          : xpci_root_check(root, ret, "write", temp, err);
}
