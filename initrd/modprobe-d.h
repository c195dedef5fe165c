/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lines of modprobe.d(5) files say about xen-pciback. '-' and '_' in
 * names are one as for kmod, a backslash at the end of a line joins the next.
 */
#pragma once

#include <stdbool.h>

#include "root.h"

/* "softdep DRIVER pre: ... xen-pciback ..." */
int xpci_modprobe_has_softdep(const char *text, const char *driver,
                              bool *out) _must_check_;

/*
 * A line that is in the way of xpci's own file: another hide list, or an
 * install, alias or blacklist line for xen-pciback (a softdep ignores a
 * blacklist, "modprobe -b" of a generator's load list does not). *line is
 * malloc'ed, NULL if there is none.
 */
int xpci_modprobe_conflict(const char *text, char **line) _must_check_;

/*
 * Patterns (FNM_EXTMATCH) of all such files, by whose come first; they end with
 * NULL. Of one name modprobe reads the first alone.
 */
extern const char *const xpci_modprobe_files[];

struct xpci_modprobe_line {
    char *path, *line;
};

struct xpci_modprobe {
    struct xpci_modprobe_line *v;
    size_t n;
};

/*
 * Of each file of the root such a line, which every image will have that is
 * made from now on. Directories and devices are no files: a link to /dev/null
 * says nothing, and generators need not take it along (mkinitramfs does not),
 * so another file of that name counts all the same. @any_options: also one
 * with other options of xen-pciback, which only modprobe gives it.
 */
int xpci_modprobe_find(const struct xpci_root *root, bool any_options,
                       struct xpci_modprobe *out,
                       struct xpci_error *err) _must_check_;
void xpci_modprobe_clear(struct xpci_modprobe *found);

/* Module names are equal, '-' and '_' being one. */
bool xpci_module_name_equal(const char *a, const char *b);

#define _cleanup_modprobe_ _cleanup_(xpci_modprobe_clear)
