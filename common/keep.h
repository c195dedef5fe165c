/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the present content of files that a program is about to replace.
 *
 *     struct xpci_kept kept = { 0 };
 *     xpci_keep(&kept, root, "/boot/initrd.img-6.1", err);
 *     ... the program writes a new file and renames it over ...
 *     xpci_keep_drop(&kept, root);              it went well
 *     xpci_keep_restore(&kept, root, err);      or it did not
 *
 * The old bytes stay under a second name beside the file, as a hard link
 * where the file system has them, else as a copy. Both end functions leave
 * nothing behind and clear @kept.
 */
#ifndef XPCI_KEEP_H
#define XPCI_KEEP_H

#include "root.h"

struct xpci_kept {
    struct xpci_strv path; /* the files ... */
    struct xpci_strv copy; /* ... and their second names */
};

int xpci_keep(struct xpci_kept *kept, const struct xpci_root *root,
              const char *path, struct xpci_error *err) _must_check_;
void xpci_keep_drop(struct xpci_kept *kept, const struct xpci_root *root);
int xpci_keep_restore(struct xpci_kept *kept, const struct xpci_root *root,
                      struct xpci_error *err) _must_check_;

#endif
