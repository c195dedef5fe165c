/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lines of modprobe.d(5) files say about xen-pciback. '-' and '_' in
 * names are one as for kmod, a backslash at the end of a line joins the next.
 */
#ifndef XPCI_MODPROBE_D_H
#define XPCI_MODPROBE_D_H

#include <stdbool.h>

#include "root.h"

/* "softdep DRIVER pre: ... xen-pciback ..." */
int xpci_modprobe_has_softdep(const char *text, const char *driver,
                              bool *out) _must_check_;

/*
 * A line that is in the way of xpci's own file: another hide list, or an
 * install or blacklist line for xen-pciback (a softdep ignores a blacklist,
 * "modprobe -b" of a generator's load list does not). *line is malloc'ed, NULL
 * if there is none.
 */
int xpci_modprobe_conflict(const char *text, char **line) _must_check_;

/*
 * -EOPNOTSUPP, with such a line, if a file of the root will spoil every image
 * that is made from now on.
 */
int xpci_modprobe_check(const struct xpci_root *root,
                        struct xpci_error *err) _must_check_;

/* Module names are equal, '-' and '_' being one. */
bool xpci_module_name_equal(const char *a, const char *b);

#endif
