/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way xpci writes a file.
 *
 * xpci_file_replace() makes the file hold exactly the given bytes: a
 * temporary file beside it (O_EXCL, unpredictable name), mode, owner and all
 * extended attributes (ACL, security label) of the old file copied, fsync of
 * the file, rename, fsync of the directory. At every moment the name leads to
 * the old bytes or to the new ones. If the bytes are already there nothing is
 * written. A symbolic link is kept and its target replaced, inside the root;
 * of hard links the other names keep the old bytes.
 *
 * A file that is new gets @mode and root's label; missing parent directories
 * are made (0755).
 *
 * Errors: -errno with a message; the old file is then untouched and the
 * temporary file removed. Several files at once: changes.h, which is made of
 * the steps below.
 */
#pragma once

#include "root.h"

int xpci_file_replace(const struct xpci_root *root, const char *path,
                      const void *data, size_t len, mode_t mode,
                      struct xpci_error *err) _must_check_;

/*
 * A file of its own, with @mode whatever was there, and in a directory that is
 * there: -EEXIST if the name is taken, also by a link to nothing; with
 * @replace -ELOOP for a link, -EINVAL for what else is no file.
 */
int xpci_file_create(const struct xpci_root *root, const char *path,
                     const struct xpci_buf *data, mode_t mode, bool replace,
                     struct xpci_error *err) _must_check_;

/* Removes a file or a link and syncs its directory; absent is fine. */
int xpci_file_remove(const struct xpci_root *root, const char *path,
                     struct xpci_error *err) _must_check_;

/*
 * Makes @temp, a new file beside what @path leads to: the first @len bytes of
 * that, then @tail, with its attributes. Not synced. -EBUSY if it has fewer.
 */
int xpci_file_extend(const struct xpci_root *root, const char *path, size_t len,
                     const struct xpci_buf *tail, const char *temp,
                     struct xpci_error *err) _must_check_;

/* The error that @path is no longer what it was: -EBUSY. */
int xpci_file_stale(const struct xpci_root *root, const char *path,
                    struct xpci_error *err);

/* The directory last used: many files of one directory open it once. */
struct xpci_dir {
    int fd; /* -1: none yet */
    char *path;
};

/*
 * Opens the directory of @path; *base is the name behind the last slash, in
 * @path. @make: make it and its parents where they are missing. Returns 1, 0
 * if it was entered already, or -errno.
 */
int xpci_dir_enter(struct xpci_dir *dir, const struct xpci_root *root,
                   const char *path, bool make, const char **base) _must_check_;
void xpci_dir_clear(struct xpci_dir *dir);

/*
 * Follows links of the last component as names inside the root, and enters
 * the directory; *real is the file's path, *base the name in it. 0 or -errno;
 * -ELOOP for a link that is not to be followed.
 */
int xpci_file_locate(struct xpci_dir *dir, const struct xpci_root *root,
                     const char *path, bool follow, char **real,
                     const char **base) _must_check_;

/*
 * Random hexadecimal digits for the names of temporary files, which are
 * ".xpci-ID-N.new" and ".xpci-ID-N.old" beside the files.
 */
#define XPCI_TEMP_PREFIX ".xpci-"
#define XPCI_TEMP_ID_SIZE 17 /* with NUL */
int xpci_temp_id(char id[XPCI_TEMP_ID_SIZE]) _must_check_;

/*
 * renameat2(2) with a flag, in one directory; *obeyed is false, and nothing
 * done, where the file system has none.
 */
int xpci_rename_as(int dirfd, const char *from, const char *to,
                   unsigned int flag, bool *obeyed) _must_check_;

/* To a name that nobody has, else -EEXIST. */
int xpci_rename_new(int dirfd, const char *from, const char *to) _must_check_;

/* 0 if the file holds these bytes, -ESTALE if others, or -errno. */
int xpci_file_compare(int dirfd, const char *base,
                      const struct xpci_buf *want) _must_check_;

/*
 * Removes the temporary files that a kill left in the directory, where no
 * journal names them; the caller has the lock. Returns 0.
 */
int xpci_temp_sweep(int dirfd);

/*
 * Writes @temp in the directory, with the attributes of @base and the x bits
 * of @mode, or with @mode if that is not there. @sync: fsync it. Removed again
 * on failure.
 */
int xpci_file_stage(int dirfd, const char *base, const char *temp,
                    const struct xpci_buf *data, mode_t mode,
                    bool sync) _must_check_;

#define _cleanup_dir_ _cleanup_(xpci_dir_clear)
