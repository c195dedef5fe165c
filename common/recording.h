/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host in one file: a tar archive, compressed, of what is to be known of
 * it, under the names that it has there.
 *
 *     r = xpci_recording_make(root, parts, n, &names, &bytes, log, err);
 *     ... and elsewhere ...
 *     r = xpci_recording_unpack(file, &dir, err);    a directory of our own
 *     r = xpci_root_new(dir, &root, err);
 *     ... and remove all of it
 *
 * A link is recorded as such, and what it leads to under its own name, so
 * that a reader finds the same on the same way. All the rest is without
 * owner, mode and time: the same host gives the same bytes.
 *
 * A recording comes from a stranger. Unpacking it makes files, directories
 * and links, nothing else; a member with another name than one below the
 * directory, under a link, or a link that leads out, makes it fail, and so
 * does one that is larger than any host.
 */
#pragma once

#include "log.h"
#include "root.h"

struct xpci_recording_part {
    const char *pattern; /* path with wildcards, fnmatch(3) FNM_EXTMATCH */
    void (*blank)(struct xpci_buf *text); /* what is nobody's business */
};

/*
 * Appends the archive to @out and the members to @names. What is not there
 * is left out; what is there and cannot be read is named in a warning, and
 * its number is returned.
 */
int xpci_recording_make(const struct xpci_root *root,
                        const struct xpci_recording_part *parts, size_t n,
                        struct xpci_strv *names, struct xpci_buf *out,
                        const struct xpci_log *log,
                        struct xpci_error *err) _must_check_;

/*
 * *dir is new, malloc'ed, for the user alone; the caller removes it, with what
 * is in it. Also after a failure, if it is set.
 */
int xpci_recording_unpack(const char *file, char **dir,
                          struct xpci_error *err) _must_check_;
