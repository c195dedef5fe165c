/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

#include "root.h"

struct xpci_root {
    char *dir;
    const char *recording;
    int fd;
};

int xpci_root_new(const char *dir, struct xpci_root **out,
                  struct xpci_error *err)
{
    _cleanup_root_ struct xpci_root *root = calloc(1, sizeof(*root));

    xpci_need(root, err);
    root->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0)
        return xpci_error_errno(err, errno, "cannot open root '%s'", dir);
    root->dir = realpath(dir, NULL);
    if (!root->dir)
        return xpci_error_errno(err, errno, "cannot resolve root '%s'", dir);
    if (!root->dir[1])
        root->dir[0] = '\0';
    *out = xpci_steal(root);
    return 0;
}

void xpci_root_free(struct xpci_root *root)
{
    if (!root)
        return;
    if (root->fd >= 0)
        close(root->fd);
    free(root->dir);
    free(root);
}

bool xpci_root_is_live(const struct xpci_root *root)
{
    return root->dir[0] == '\0';
}

void xpci_root_set_recording(struct xpci_root *root, const char *file)
{
    root->recording = file;
}

bool xpci_root_is_recording(const struct xpci_root *root)
{
    return root->recording;
}

const char *xpci_root_dir(const struct xpci_root *root)
{
    return root->recording ? root->recording : root->dir;
}

const char *xpci_root_true_dir(const struct xpci_root *root)
{
    return root->dir;
}

int xpci_root_fd(const struct xpci_root *root)
{
    return root->fd;
}

int xpci_root_check(const struct xpci_root *root, int ret, const char *verb,
                    const char *path, struct xpci_error *err)
{
    if (ret >= 0)
        return 0;
    return xpci_error_errno(
        err, -ret, "cannot %s '%s%s%s'", verb, xpci_root_dir(root),
        *path != '/' && !xpci_root_is_live(root) ? "/" : "", path);
}

int xpci_root_open(const struct xpci_root *root, const char *path, int flags,
                   mode_t mode)
{
    struct open_how how = {
        .flags = (unsigned int)flags | O_CLOEXEC,
        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int tries = 100;
    long fd;

    if (xpci_root_is_live(root))
        fd = open(path, flags | O_CLOEXEC, mode);
    else
        do { /* a rename anywhere makes ".." uncertain: EAGAIN */
            fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
        } while (fd < 0 && errno == EAGAIN && --tries);
    return fd < 0 ? -errno : (int)fd;
}

int xpci_root_stat(const struct xpci_root *root, const char *path,
                   struct stat *st)
{
    _cleanup_close_ int fd = xpci_root_open(root, path, O_PATH, 0);

    if (fd < 0)
        return fd;
    return fstat(fd, st) < 0 ? -errno : 0;
}

bool xpci_root_exists(const struct xpci_root *root, const char *path)
{
    struct stat st;

    return xpci_root_stat(root, path, &st) == 0;
}

int xpci_root_open_file(const struct xpci_root *root, const char *path)
{
    _cleanup_close_ int fd = -1;
    struct stat st;

    /* a tree may have any device in it, and some act when they are opened */
    if (!xpci_root_is_live(root)) {
        xpci_try(xpci_root_stat(root, path, &st));
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            return -EMEDIUMTYPE;
    }
    /* O_NONBLOCK: a FIFO must not hang us before it is refused */
    fd = xpci_root_open(root, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) ? xpci_steal_fd(fd) : -EMEDIUMTYPE;
}

int xpci_root_read_optional(const struct xpci_root *root, const char *path,
                            struct xpci_buf *out, bool *found,
                            struct xpci_error *err)
{
    _cleanup_close_ int fd = xpci_root_open_file(root, path);
    int ret = fd;

    if (found)
        *found = fd >= 0;
    if (ret == -ENOENT || ret == -ENOTDIR)
        return 0;
    if (ret == -EMEDIUMTYPE)
        return xpci_error_set(err, EINVAL, "'%s%s' is not a regular file",
                              xpci_root_dir(root), path);
    if (ret >= 0)
        ret = xpci_buf_read_fd(out, fd);
    xpci_need(ret != -ENOMEM, err);
    return xpci_root_check(root, ret, "read", path, err);
}

int xpci_root_read(const struct xpci_root *root, const char *path,
                   struct xpci_buf *out, struct xpci_error *err)
{
    bool found;

    xpci_try(xpci_root_read_optional(root, path, out, &found, err));
    return xpci_root_check(root, found ? 0 : -ENOENT, "read", path, err);
}

int xpci_root_readlink(const struct xpci_root *root, const char *path,
                       char **out)
{
    _cleanup_close_ int fd = xpci_root_open(root, path, O_PATH | O_NOFOLLOW, 0);
    char target[PATH_MAX];
    ssize_t len;

    if (fd < 0)
        return fd;
    len = readlinkat(fd, "", target, sizeof(target));
    if (len < 0) /* ENOENT is what an empty path on a non-link gives */
        return errno == ENOENT ? -EINVAL : -errno;
    if ((size_t)len == sizeof(target))
        return -ENAMETOOLONG;
    *out = strndup(target, (size_t)len);
    return *out ? 0 : -ENOMEM;
}

/* *fd goes to the stream. */
static int list_dir(int *fd, struct xpci_strv *out)
{
    _cleanup_closedir_ DIR *dir = fdopendir(*fd);
    struct dirent *entry;

    if (!dir)
        return -errno;
    *fd = -1;
    while (errno = 0, entry = readdir(dir)) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (xpci_strv_add(out, entry->d_name) < 0)
            return -ENOMEM;
    }
    return -errno;
}

int xpci_root_list(const struct xpci_root *root, const char *path,
                   struct xpci_strv *out, bool *found, struct xpci_error *err)
{
    _cleanup_close_ int fd =
        xpci_root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
    int ret = fd;

    if (found)
        *found = fd >= 0;
    if (ret == -ENOENT)
        return 0;
    if (ret >= 0)
        ret = list_dir(&fd, out);
    xpci_try(xpci_root_check(root, ret, "list", path, err));
    xpci_strv_sort(out);
    return 0;
}

/* Of what is in @dir. */
static int glob_in(const struct xpci_root *root, const char *dir,
                   const char *pattern, struct xpci_strv *out,
                   struct xpci_error *err)
{
    size_t len = strcspn(++pattern, "/");
    _cleanup_free_ char *part = strndup(pattern, len);
    _cleanup_strv_ struct xpci_strv names = { 0 };
    bool wild = strpbrk(pattern, "*@");
    int ret;

    xpci_need(part, err);
    if (strpbrk(part, "*@"))
        ret = xpci_root_list(root, *dir ? dir : "/", &names, NULL, err);
    else
        ret = xpci_strv_add(&names, part);
    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        _cleanup_free_ char *path = NULL;

        if (fnmatch(part, names.v[i], FNM_EXTMATCH | FNM_PERIOD) != 0)
            continue;
        xpci_try(xpci_asprintf(err, &path, "%s/%s", dir, names.v[i]));
        if (pattern[len])
            ret = glob_in(root, path, pattern + len, out, err);
        else if (wild || xpci_root_exists(root, path))
            ret = xpci_strv_add(out, path);
    }
    if (ret == -ENOTDIR) /* a file where the pattern goes on */
        xpci_error_clear(err);
    xpci_need(ret != -ENOMEM, err);
    return ret == -ENOTDIR ? 0 : ret;
}

int xpci_root_glob(const struct xpci_root *root, const char *pattern,
                   struct xpci_strv *out, struct xpci_error *err)
{
    return glob_in(root, "", pattern, out, err);
}
