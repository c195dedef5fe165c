/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way xpci writes a file.
 *
 * xpci_file_replace() makes the file hold exactly the given bytes: a
 * temporary file beside it (O_EXCL, unpredictable name), mode, owner, ACL
 * and security label of the old file copied, fsync of the file, rename,
 * fsync of the directory. At every moment the name leads to the old bytes
 * or to the new ones. If the bytes are already there nothing is written.
 * A symbolic link is kept and its target replaced, inside the root.
 *
 * A file that is new gets @mode and root's label; missing parent directories
 * are made (0755).
 *
 * Errors: -errno with a message; the old file is then untouched and the
 * temporary file removed.
 */
#ifndef XPCI_ATOMIC_FILE_H
#define XPCI_ATOMIC_FILE_H

#include "root.h"

int xpci_file_replace(const struct xpci_root *root, const char *path,
                      const void *data, size_t len, mode_t mode,
                      struct xpci_error *err) _must_check_;

/* Removes a file or a link and syncs its directory; absent is fine. */
int xpci_file_remove(const struct xpci_root *root, const char *path,
                     struct xpci_error *err) _must_check_;

#endif
