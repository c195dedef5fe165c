/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system xpci works on: "/" or the tree given with --root.
 *
 * Every path that xpci reads or writes goes through one struct xpci_root.
 * Paths are absolute as seen inside the root ("/etc/xpci.conf"). Under
 * --root no link, absolute or with "..", leads out of the tree: the kernel
 * resolves it with openat2(RESOLVE_IN_ROOT) (Linux 5.6 or newer; on an older
 * kernel --root fails with ENOSYS, the live system works everywhere).
 *
 *     struct xpci_root *root = NULL;
 *     r = xpci_root_new("/", &root, err);
 *     r = xpci_root_read(root, "/proc/cmdline", &buf, err);
 *     xpci_root_free(root);
 *
 * Ownership: results are the caller's. Errors name the path as the user
 * knows it, with the root in front of it.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "error.h"

struct xpci_root;

int xpci_root_new(const char *dir, struct xpci_root **out,
                  struct xpci_error *err) _must_check_;
void xpci_root_free(struct xpci_root *root);

/* True if this is the running system ("/"). */
bool xpci_root_is_live(const struct xpci_root *root);

/*
 * The tree is a stranger's, unpacked of @file, which must live as long: nobody
 * runs its programs (run.h), and messages name the file.
 */
void xpci_root_set_recording(struct xpci_root *root, const char *file);
bool xpci_root_is_recording(const struct xpci_root *root);

/*
 * What stands in front of a path in messages: "" for the live system, else the
 * directory without a trailing slash, or the recording.
 */
const char *xpci_root_dir(const struct xpci_root *root);

/* The directory itself, for who must have a path of the host. */
const char *xpci_root_true_dir(const struct xpci_root *root);

/* A descriptor of the root directory (O_PATH), for fchdir and chroot. */
int xpci_root_fd(const struct xpci_root *root);

/*
 * What became of @verb ("read") with @path: 0 for a @ret that is not negative,
 * else the error "cannot VERB 'PATH'" with the reason.
 */
int xpci_root_check(const struct xpci_root *root, int ret, const char *verb,
                    const char *path, struct xpci_error *err) _must_check_;

/* open(2) inside the root, always O_CLOEXEC. Returns the fd or -errno. */
int xpci_root_open(const struct xpci_root *root, const char *path, int flags,
                   mode_t mode) _must_check_;

/*
 * Opens a regular file for reading. -EMEDIUMTYPE for a FIFO, a device or a
 * socket, which could hang the reader or never end; -EISDIR for a directory.
 */
int xpci_root_open_file(const struct xpci_root *root,
                        const char *path) _must_check_;

/* stat(2) inside the root, links followed. Returns 0 or -errno. */
int xpci_root_stat(const struct xpci_root *root, const char *path,
                   struct stat *st) _must_check_;
bool xpci_root_exists(const struct xpci_root *root, const char *path);

/* Appends the whole file. */
int xpci_root_read(const struct xpci_root *root, const char *path,
                   struct xpci_buf *out, struct xpci_error *err) _must_check_;

/*
 * Appends the whole file; one that is not there is empty: *found (may be NULL)
 * tells.
 */
int xpci_root_read_optional(const struct xpci_root *root, const char *path,
                            struct xpci_buf *out, bool *found,
                            struct xpci_error *err) _must_check_;

/* The link's text, not resolved. Returns 0 or -errno (-EINVAL: no link). */
int xpci_root_readlink(const struct xpci_root *root, const char *path,
                       char **out) _must_check_;

/*
 * The names in a directory, sorted, without "." and "..". A directory that
 * is not there has none: *found (may be NULL) tells.
 */
int xpci_root_list(const struct xpci_root *root, const char *path,
                   struct xpci_strv *out, bool *found,
                   struct xpci_error *err) _must_check_;

/*
 * Appends every path that @pattern means, sorted: each part of it is one of
 * fnmatch(3) with FNM_EXTMATCH, without names that begin with a dot.
 */
int xpci_root_glob(const struct xpci_root *root, const char *pattern,
                   struct xpci_strv *out, struct xpci_error *err) _must_check_;

XPCI_CLEANUP_PTR(struct xpci_root *, xpci_root_free)
#define _cleanup_root_ _cleanup_(xpci_root_free_ptr)
