/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of file changes that is shown, made and undone as one.
 *
 *     struct xpci_changes set = { 0 };
 *     xpci_changes_put(&set, root, "/etc/a", text, len, 0644, err);
 *     xpci_changes_delete(&set, root, "/etc/b", err);
 *     xpci_changes_diff(&set, &buf, err);        --dry-run
 *     xpci_changes_commit(&set, root, err);      all of them or none
 *     xpci_changes_undo(&set, root, err);        back to what was read
 *     xpci_changes_clear(&set);
 *
 * put and delete read the file as it is now; what would change nothing is
 * left out. commit refuses when a file is no longer what was read, replaces
 * each file atomically (atomic-file.h), reads it back, and on a failure puts
 * the files already changed back before it returns the error.
 */
#ifndef XPCI_CHANGES_H
#define XPCI_CHANGES_H

#include "atomic-file.h"

struct xpci_change {
    char *path;
    struct xpci_buf before, after;
    bool existed; /* before is the file's content */
    bool remove;  /* after is empty, the file goes */
    mode_t mode;  /* for a file that is new, now or after undo */
};

struct xpci_changes {
    struct xpci_change *v;
    size_t n;
};

int xpci_changes_put(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const void *data, size_t len,
                     mode_t mode, struct xpci_error *err) _must_check_;
int xpci_changes_delete(struct xpci_changes *set, const struct xpci_root *root,
                        const char *path, struct xpci_error *err) _must_check_;

/* Appends the unified diff of all changes. */
int xpci_changes_diff(const struct xpci_changes *set,
                      const struct xpci_root *root, struct xpci_buf *out,
                      struct xpci_error *err) _must_check_;

int xpci_changes_commit(const struct xpci_changes *set,
                        const struct xpci_root *root,
                        struct xpci_error *err) _must_check_;
int xpci_changes_undo(const struct xpci_changes *set,
                      const struct xpci_root *root,
                      struct xpci_error *err) _must_check_;
void xpci_changes_clear(struct xpci_changes *set);

#define _cleanup_changes_ _cleanup_(xpci_changes_clear)

#endif
