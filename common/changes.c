/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "changes.h"
#include "run.h"

static bool same(const struct xpci_buf *a, const struct xpci_buf *b)
{
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static void change_clear(struct xpci_change *change)
{
    free(change->path);
    xpci_buf_clear(&change->before);
    xpci_buf_clear(&change->after);
}

/* Reads what is there and keeps the change if it changes anything. */
static int add(struct xpci_changes *set, const struct xpci_root *root,
               struct xpci_change *change, struct xpci_error *err)
{
    struct xpci_change *v;
    struct stat st;
    int ret;

    ret = xpci_root_read_optional(root, change->path, &change->before,
                                  &change->existed, err);
    if (ret < 0)
        return ret;
    if (change->existed && xpci_root_stat(root, change->path, &st) == 0)
        change->mode = st.st_mode & 07777;
    if (change->existed
            ? !change->remove && same(&change->before, &change->after)
            : change->remove)
        return 0;
    v = realloc(set->v, (set->n + 1) * sizeof(*v));
    if (!v)
        return xpci_error_oom(err);
    set->v = v;
    v[set->n++] = *change;
    *change = (struct xpci_change){ 0 };
    return 0;
}

int xpci_changes_put(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const void *data, size_t len,
                     mode_t mode, struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .mode = mode,
    };

    if (!change.path || xpci_buf_append(&change.after, data, len) < 0)
        return xpci_error_oom(err);
    return add(set, root, &change, err);
}

int xpci_changes_delete(struct xpci_changes *set, const struct xpci_root *root,
                        const char *path, struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .remove = true,
    };

    if (!change.path)
        return xpci_error_oom(err);
    return add(set, root, &change, err);
}

/* The file holds what it held when the set was made. */
static int check_unchanged(const struct xpci_change *change,
                           const struct xpci_root *root, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf now = { 0 };
    bool found;
    int ret;

    ret = xpci_root_read_optional(root, change->path, &now, &found, err);
    if (ret < 0)
        return ret;
    if (found != change->existed || !same(&now, &change->before))
        return xpci_error_set(err, EBUSY,
                              "'%s%s' was changed by someone else meanwhile; "
                              "run the command again",
                              xpci_root_dir(root), change->path);
    return 0;
}

static int apply(const struct xpci_change *change, const struct xpci_root *root,
                 struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf now = { 0 };
    int ret;

    ret = check_unchanged(change, root, err);
    if (ret < 0)
        return ret;
    if (change->remove)
        return xpci_file_remove(root, change->path, err);
    ret = xpci_file_replace(root, change->path, change->after.data,
                            change->after.len, change->mode, err);
    if (ret == 0)
        ret = xpci_root_read(root, change->path, &now, err);
    if (ret == 0 && !same(&now, &change->after))
        ret = xpci_error_set(err, EIO, "'%s%s' reads back differently",
                             xpci_root_dir(root), change->path);
    return ret;
}

static int revert(const struct xpci_change *change,
                  const struct xpci_root *root, struct xpci_error *err)
{
    if (!change->existed)
        return xpci_file_remove(root, change->path, err);
    return xpci_file_replace(root, change->path, change->before.data,
                             change->before.len, change->mode, err);
}

static int undo_first(const struct xpci_changes *set, size_t n,
                      const struct xpci_root *root, struct xpci_error *err)
{
    int ret = 0;

    while (n-- > 0) {
        if (revert(&set->v[n], root, ret < 0 ? NULL : err) < 0)
            ret = -EIO;
    }
    return ret;
}

int xpci_changes_undo(const struct xpci_changes *set,
                      const struct xpci_root *root, struct xpci_error *err)
{
    return undo_first(set, set->n, root, err);
}

int xpci_changes_commit(const struct xpci_changes *set,
                        const struct xpci_root *root, struct xpci_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        _cleanup_error_ struct xpci_error undo_err = { 0 };
        int ret = apply(&set->v[i], root, err);

        if (ret == 0)
            continue;
        /* a write that failed after its rename counts as made */
        if (check_unchanged(&set->v[i], root, NULL) < 0 && ret != -EBUSY)
            i++;
        if (undo_first(set, i, root, &undo_err) < 0)
            return xpci_error_wrap(err, "%s; and undoing failed",
                                   xpci_error_text(&undo_err));
        return ret;
    }
    return 0;
}

static int memfd_of(const struct xpci_buf *buf)
{
    int fd = memfd_create("xpci-diff", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (buf->len && write(fd, buf->data, buf->len) != (ssize_t)buf->len) {
        close(fd);
        return -EIO;
    }
    return fd;
}

static int diff_one(const struct xpci_change *change,
                    const struct xpci_root *root, struct xpci_buf *out,
                    struct xpci_error *err)
{
    _cleanup_close_ int a = memfd_of(&change->before);
    _cleanup_close_ int b = memfd_of(&change->after);
    char file_a[64], file_b[64];
    _cleanup_free_ char *name = NULL;

    if (a < 0 || b < 0)
        return xpci_error_set(err, EIO, "cannot prepare a diff");
    if (asprintf(&name, "%s%s", xpci_root_dir(root), change->path) < 0) {
        name = NULL;
        return xpci_error_oom(err);
    }
    /* our own descriptors, reachable for the child through /proc */
    snprintf(file_a, sizeof(file_a), "/proc/%d/fd/%d", getpid(), a);
    snprintf(file_b, sizeof(file_b), "/proc/%d/fd/%d", getpid(), b);
    const char *const argv[] = {
        "diff", "-u",
        "-L",   change->existed ? name : "/dev/null",
        "-L",   change->remove ? "/dev/null" : name,
        file_a, file_b,
        NULL,
    };
    struct xpci_run run = { .argv = argv };
    int status = xpci_run(&run, out, err);

    if (status < 0)
        return status;
    if (status > 1)
        return xpci_error_set(err, EIO, "diff failed with status %d", status);
    return 0;
}

int xpci_changes_diff(const struct xpci_changes *set,
                      const struct xpci_root *root, struct xpci_buf *out,
                      struct xpci_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        int ret = diff_one(&set->v[i], root, out, err);

        if (ret < 0)
            return ret;
    }
    return 0;
}

void xpci_changes_clear(struct xpci_changes *set)
{
    for (size_t i = 0; i < set->n; i++)
        change_clear(&set->v[i]);
    free(set->v);
    *set = (struct xpci_changes){ 0 };
}
