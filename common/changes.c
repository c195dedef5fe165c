/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "changes.h"
#include "journal.h"

/* Seconds: so much later than its xpci was alive, a file is not its doing. */
#define SLACK 10

/* So many files are synced with their file system, not one by one. */
#define SYNC_EACH 8

/* Beside a file: its new bytes, once swapped its old ones; or those alone. */
struct temps {
    char new[sizeof(XPCI_TEMP_PREFIX) + XPCI_TEMP_ID_SIZE + 28];
    char old[sizeof(XPCI_TEMP_PREFIX) + XPCI_TEMP_ID_SIZE + 28];
};

static struct temps temps_of(const struct xpci_changes *set, size_t k)
{
    struct temps t;

    snprintf(t.new, sizeof(t.new), XPCI_TEMP_PREFIX "%s-%zu.new", set->id, k);
    snprintf(t.old, sizeof(t.old), XPCI_TEMP_PREFIX "%s-%zu.old", set->id, k);
    return t;
}

/* Tells a kept file from one that has taken its place. */
static uint64_t stamp_of(const struct stat *st)
{
    int64_t what[] = { st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec };

    return xpci_journal_hash(
        &(struct xpci_buf){ .data = (char *)what, .len = sizeof(what) });
}

static int io_error(const struct xpci_root *root,
                    const struct xpci_change *change, int ret,
                    struct xpci_error *err)
{
    return xpci_root_check(root, ret, "write", change->path, err);
}

static int change_error(const struct xpci_root *root,
                        const struct xpci_change *change, int ret,
                        struct xpci_error *err)
{
    return ret == -ESTALE || ret == -EEXIST
               ? xpci_file_stale(root, change->path, err)
               : io_error(root, change, ret, err);
}

typedef int step_fn(struct xpci_changes *set, size_t k,
                    const struct xpci_root *root, int dirfd, const char *base,
                    struct xpci_error *err);

/* The set is done: the old bytes are of no use any more. */
static int drop_old(struct xpci_changes *set, size_t k,
                    const struct xpci_root *root, int dirfd, const char *base,
                    struct xpci_error *err)
{
    const struct temps t = temps_of(set, k);
    int ret = 0;

    (void)root;
    (void)base;
    (void)err;
    /* once swapped the old file has the new one's name */
    if (unlinkat(dirfd, t.new, 0) < 0 && errno != ENOENT)
        ret = -errno;
    if (unlinkat(dirfd, t.old, 0) < 0 && errno != ENOENT)
        ret = -errno;
    return ret;
}

/* @fn for each file in its directory, the last one first if @back. */
static int each(struct xpci_changes *set, const struct xpci_root *root,
                bool back, step_fn *fn, struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    int result = 0;

    for (size_t i = 0; i < set->n; i++) {
        size_t k = back ? set->n - 1 - i : i;
        const char *base;
        int ret = xpci_dir_enter(&dir, root, set->v[k].real, false, &base);

        if (ret == -ENOENT && fn == drop_old)
            ret = 0; /* nothing is left of it */
        else if (ret < 0)
            ret = io_error(root, &set->v[k], ret, err);
        else
            ret = fn(set, k, root, dir.fd, base, err);
        if (ret < 0 && !back)
            return ret;
        /* what can be put back is, whatever becomes of the rest */
        if (ret < 0)
            result = ret, err = NULL;
    }
    return result;
}

/* @fn for each directory, once where its files stand together. */
static int each_dir(const struct xpci_changes *set,
                    const struct xpci_root *root, int (*fn)(int),
                    struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };

    for (size_t k = 0; k < set->n; k++) {
        const char *base;
        int ret = xpci_dir_enter(&dir, root, set->v[k].real, false, &base);

        if (ret > 0)
            ret = fn(dir.fd) < 0 ? -errno : 0;
        if (ret < 0)
            return io_error(root, &set->v[k], ret, err);
    }
    return 0;
}

/*
 * A hard link; a copy where the file system has none, which gets its name when
 * it is whole.
 */
static int keep_old(const struct xpci_change *change,
                    const struct xpci_root *root, int dirfd, const char *base,
                    const char *part, const char *old)
{
    _cleanup_buf_ struct xpci_buf bytes = { 0 };

    if (linkat(dirfd, base, dirfd, old, 0) == 0)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
        return -errno;
    xpci_try(xpci_root_read(root, change->real, &bytes, NULL));
    xpci_try(xpci_file_stage(dirfd, base, part, &bytes, 0600, true));
    return renameat(dirfd, part, dirfd, old) < 0 ? -errno : 0;
}

static int stage(struct xpci_changes *set, size_t k,
                 const struct xpci_root *root, int dirfd, const char *base,
                 struct xpci_error *err)
{
    struct xpci_change *c = &set->v[k];
    const struct temps t = temps_of(set, k);
    char like[NAME_MAX + 1];
    int ret = 0;

    /* a backup, FILE~, is as open as its file, not as an older backup was */
    snprintf(like, sizeof(like), "%.*s", (int)strlen(base) - c->itself, base);
    if (c->kind == XPCI_CHANGE_PUT || c->kind == XPCI_CHANGE_NEW)
        ret = xpci_file_stage(dirfd, like, t.new, &c->after, c->mode,
                              set->n <= SYNC_EACH);
    else if (c->kind == XPCI_CHANGE_KEEP)
        ret = keep_old(c, root, dirfd, base, t.new, t.old);
    c->made = c->kind == XPCI_CHANGE_KEEP && ret == 0;
    return ret < 0 ? change_error(root, c, ret, err) : 0;
}

/* 0 if the file is what it was when it was read, or kept. */
static int compare(const struct xpci_change *c, int dirfd, const char *name)
{
    struct stat st;

    if (c->kind != XPCI_CHANGE_KEEP)
        return xpci_file_compare(dirfd, name, &c->before);
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return stamp_of(&st) == c->was ? 0 : -ESTALE;
}

/*
 * Swaps the new file in, so that what was there till then can be looked at: an
 * editor may have saved since it was read. Where the file system cannot swap,
 * the look comes just before, and the old file gets a second name.
 */
static int swap_in(const struct xpci_change *c, const struct xpci_root *root,
                   int dirfd, const char *base, const char *new,
                   const char *old)
{
    bool swapped;
    int ret = xpci_rename_as(dirfd, new, base, RENAME_EXCHANGE, &swapped);

    if (ret == 0 && !swapped && c->kind != XPCI_CHANGE_KEEP)
        /* the file is whole until the new one replaces it */
        ret = keep_old(c, root, dirfd, base, old, old);
    if (ret < 0)
        return ret == -ENOENT ? -ESTALE : ret;
    ret = compare(c, dirfd, swapped ? new : base);
    if (ret < 0 && swapped &&
        renameat2(dirfd, new, dirfd, base, RENAME_EXCHANGE) < 0)
        return -errno;
    if (ret == 0 && !swapped && renameat(dirfd, new, dirfd, base) < 0)
        return -errno;
    return ret;
}

/* Out of sight first: what an editor has saved since comes back. */
static int move_out(const struct xpci_change *c, int dirfd, const char *base,
                    const char *old)
{
    int ret, back = 0;

    if (renameat(dirfd, base, dirfd, old) < 0)
        return errno == ENOENT ? -ESTALE : -errno;
    ret = compare(c, dirfd, old);
    if (ret < 0)
        back = xpci_rename_new(dirfd, old, base);
    return back < 0 && back != -EEXIST ? back : ret;
}

static int move_in(struct xpci_changes *set, size_t k,
                   const struct xpci_root *root, int dirfd, const char *base,
                   struct xpci_error *err)
{
    struct xpci_change *c = &set->v[k];
    const struct temps t = temps_of(set, k);
    int ret = 0;

    if (c->kind == XPCI_CHANGE_PUT)
        ret = swap_in(c, root, dirfd, base, t.new, t.old);
    else if (c->kind == XPCI_CHANGE_NEW)
        ret = xpci_rename_new(dirfd, t.new, base);
    else if (c->kind == XPCI_CHANGE_DELETE)
        ret = move_out(c, dirfd, base, t.old);
    if (ret != -ESTALE && ret != -EEXIST)
        c->made = true;
    return ret < 0 ? change_error(root, c, ret, err) : 0;
}

/* is_ours() of a kept file; one that is gone is a program's doing. */
static int is_ours_kept(const struct xpci_changes *set, struct xpci_change *c,
                        const struct xpci_root *root)
{
    struct stat st;
    int ret = xpci_root_stat(root, c->real, &st);

    if (ret < 0)
        return ret == -ENOENT ? 1 : ret;
    if (stamp_of(&st) == c->was)
        return 0;
    if (c->lent)
        c->left = set->alive && st.st_ctim.tv_sec > set->alive + SLACK;
    else
        c->left = stamp_of(&st) != c->hash;
    return !c->left;
}

/*
 * 1 if the file is as we made it, 0 if it is as it was or as others made it,
 * which is said in @c. -errno if that cannot be told: then nothing may be
 * dropped.
 */
static int is_ours(const struct xpci_changes *set, struct xpci_change *c,
                   const struct xpci_root *root)
{
    _cleanup_buf_ struct xpci_buf now = { 0 };
    struct stat st;
    bool found;

    if (c->kind == XPCI_CHANGE_KEEP)
        return is_ours_kept(set, c, root);
    xpci_try(xpci_root_read_optional(root, c->real, &now, &found, NULL));
    /* the same bytes, of which only the x bits tell whether they are new */
    if (found && c->kind == XPCI_CHANGE_PUT && c->hash == c->was) {
        xpci_try(xpci_root_stat(root, c->real, &st));
        return xpci_journal_hash(&now) == c->hash && st.st_mode & 0111;
    }
    if (c->kind == XPCI_CHANGE_DELETE
            ? !found
            : found && xpci_journal_hash(&now) == c->hash)
        return 1;
    c->left = found && xpci_journal_hash(&now) != c->was;
    return 0;
}

static bool is_there(int dirfd, const char *name)
{
    return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put_back(struct xpci_changes *set, size_t k,
                    const struct xpci_root *root, int dirfd, const char *base,
                    struct xpci_error *err)
{
    struct xpci_change *c = &set->v[k];
    const struct temps t = temps_of(set, k);
    bool swapped, kept, here = is_there(dirfd, base);
    int ours = c->made ? is_ours(set, c, root) : 0, r = 0;

    swapped = c->kind == XPCI_CHANGE_PUT && is_there(dirfd, t.new);
    kept = swapped || is_there(dirfd, t.old);
    /* the old bytes are nowhere: another file system, or not our doing */
    if (ours >= 0 && c->made && !kept && c->kind != XPCI_CHANGE_NEW &&
        (!here || (ours && c->kind == XPCI_CHANGE_PUT)))
        ours = -ENOENT;
    if (ours < 0)
        return io_error(root, c, ours, err);
    if (ours && c->kind == XPCI_CHANGE_NEW)
        r = unlinkat(dirfd, base, 0);
    else if (ours && kept)
        r = renameat(dirfd, swapped ? t.new : t.old, dirfd, base);
    if (r < 0)
        return io_error(root, c, -errno, err);
    c->undone = c->made && ours;
    /* two names of one file: the rename did nothing */
    unlinkat(dirfd, t.old, 0);
    unlinkat(dirfd, t.new, 0);
    return 0;
}

/* A file that is in the set twice would lose one of the two. */
static int check_twice(const struct xpci_changes *set,
                       const struct xpci_root *root, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };

    for (size_t k = 0; k < set->n; k++)
        xpci_need(xpci_strv_add(&names, set->v[k].real) == 0, err);
    xpci_strv_sort(&names);
    for (size_t k = 1; k < names.n; k++) {
        if (!strcmp(names.v[k - 1], names.v[k]))
            return xpci_error_set(err, EINVAL,
                                  "'%s%s' would be written twice by one call",
                                  xpci_root_dir(root), names.v[k]);
    }
    return 0;
}

static int note_kept(struct xpci_change *c, int dirfd, const char *base)
{
    struct stat st;

    if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    c->was = stamp_of(&st);
    return 0;
}

static int begin(struct xpci_changes *set, const struct xpci_root *root,
                 struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    const char *base;
    int ret = xpci_temp_id(set->id);

    if (ret < 0)
        return xpci_error_errno(err, -ret, "no random name for files");
    for (size_t k = 0; k < set->n; k++) {
        struct xpci_change *c = &set->v[k];

        ret =
            xpci_file_locate(&dir, root, c->path, !c->itself, &c->real, &base);
        if (ret == 0 && c->kind == XPCI_CHANGE_KEEP)
            ret = note_kept(c, dir.fd, base);
        if (ret < 0)
            return io_error(root, c, ret, err);
    }
    xpci_try(check_twice(set, root, err));
    xpci_try(xpci_journal_write(set, root, err));
    /* without the lock they may be those of an xpci that is at work */
    if (set->journal || (xpci_root_is_live(root) && geteuid() != 0))
        return 0;
    return each_dir(set, root, xpci_temp_sweep, err);
}

/* What @ret says; it is undone where that is a failure. */
static int undo_failed(struct xpci_changes *set, const struct xpci_root *root,
                       int ret, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error undo = { 0 };

    if (ret < 0 && xpci_changes_undo(set, root, &undo) < 0)
        return xpci_error_wrap(err, "%s; and undoing failed",
                               xpci_error_text(&undo));
    return ret;
}

int xpci_changes_apply(struct xpci_changes *set, const struct xpci_root *root,
                       struct xpci_error *err)
{
    int ret;

    if (set->n == 0)
        return 0;
    ret = begin(set, root, err);
    if (ret < 0) {
        xpci_journal_drop(set, root);
        return ret;
    }
    ret = each(set, root, false, stage, err);
    if (ret == 0 && set->n > SYNC_EACH)
        ret = each_dir(set, root, syncfs, err);
    if (ret == 0)
        ret = each(set, root, false, move_in, err);
    if (ret == 0)
        ret = each_dir(set, root, fsync, err);
    return undo_failed(set, root, ret, err);
}

int xpci_changes_undo(struct xpci_changes *set, const struct xpci_root *root,
                      struct xpci_error *err)
{
    int ret = set->id[0] ? each(set, root, true, put_back, err) : 0;

    if (ret == 0 && set->id[0])
        ret = each_dir(set, root, fsync, err);
    /* else the journal stays, for the next xpci to try again */
    if (ret == 0)
        xpci_journal_drop(set, root);
    return ret;
}

static size_t find(const struct xpci_changes *set, const char *path)
{
    size_t k = 0;

    while (strcmp(set->v[k].path, path))
        k++;
    return k;
}

char *xpci_changes_temp(const struct xpci_changes *set, const char *path)
{
    size_t k = find(set, path);
    const char *real = set->v[k].real;
    char *temp;

    if (asprintf(&temp, "%.*s%s", (int)(strrchr(real, '/') + 1 - real), real,
                 temps_of(set, k).new) < 0)
        return NULL;
    return temp;
}

void xpci_changes_lend(struct xpci_changes *set, const char *path)
{
    set->v[find(set, path)].lent = true;
}

/* What was written as @new becomes ours, and then the file. */
static int move_kept(struct xpci_change *c, const struct xpci_root *root,
                     int dirfd, const char *base, const struct temps *t)
{
    _cleanup_close_ int fd = openat(dirfd, t->new, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fsync(fd) < 0 || fstat(fd, &st) < 0)
        return -errno;
    c->hash = stamp_of(&st);
    xpci_journal_alive(root);
    xpci_try(swap_in(c, root, dirfd, base, t->new, t->old));
    return fsync(dirfd) < 0 ? -errno : 0;
}

int xpci_changes_move(struct xpci_changes *set, const struct xpci_root *root,
                      const char *path, struct xpci_error *err)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    size_t k = find(set, path);
    const struct temps t = temps_of(set, k);
    const char *base;
    int ret = xpci_dir_enter(&dir, root, set->v[k].real, false, &base);

    if (ret >= 0)
        ret = move_kept(&set->v[k], root, dir.fd, base, &t);
    return ret < 0 ? change_error(root, &set->v[k], ret, err) : 0;
}

int xpci_changes_finish(struct xpci_changes *set, const struct xpci_root *root,
                        struct xpci_error *err)
{
    if (!set->id[0])
        return 0;
    xpci_try(xpci_journal_done(set, root, err));
    /* else the next xpci tries again */
    if (each(set, root, true, drop_old, NULL) == 0)
        xpci_journal_drop(set, root);
    return 0;
}

int xpci_changes_commit(struct xpci_changes *set, const struct xpci_root *root,
                        struct xpci_error *err)
{
    xpci_try(xpci_changes_apply(set, root, err));
    return undo_failed(set, root, xpci_changes_finish(set, root, err), err);
}
