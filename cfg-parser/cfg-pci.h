/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pci list of a guest's configuration: read and edited without touching
 * another byte.
 *
 *     struct xpci_cfg_pci list = { 0 };
 *     xpci_cfg_pci_list(cfg, &list, err);
 *     xpci_cfg_pci_add(cfg, &spec, NULL, err);      cfg now prints with it
 *     xpci_cfg_pci_remove(cfg, &spec, &removed, err);
 *
 * Add keeps the style of the list (quotes, segment or not, one line or one
 * entry a line) and goes to the last of several statements. Without a list,
 * "pci = ['03:02.0@7']" is appended as the last line, with a newline at its
 * end if the file had one. Remove of the last entry of a list in exactly that
 * form on the last line removes the line, so that an add followed by a remove
 * gives the first bytes back; any other list is left empty. Comments stay.
 *
 * After an edit the new text is read back; if it is not what was meant, the
 * edit fails. A failed edit changes nothing.
 */
#pragma once

#include "cfg.h"
#include "pci-spec.h"

struct xpci_cfg_pci_entry {
    struct xpci_pci_spec spec;
    unsigned int line, column;
    bool with_segment; /* as it is written */
};

struct xpci_cfg_pci {
    struct xpci_cfg_pci_entry *v;
    size_t n;
};

/* Every entry xl would use; one that cannot be parsed is an error. */
int xpci_cfg_pci_list(const struct xpci_cfg *cfg, struct xpci_cfg_pci *out,
                      struct xpci_error *err) _must_check_;
void xpci_cfg_pci_clear(struct xpci_cfg_pci *list);

/*
 * Adds @spec, or replaces the entry of the same device (its virtual slot and
 * its options are kept where @spec has none). The same entry again changes
 * nothing. Errors: another entry that cannot be parsed, the device listed
 * twice, or a "bb:dd.*" of the same slot.
 *
 * A virtual slot that another entry has is refused (kind REFUSED), but not
 * with @overridden, which is then what the error would have been.
 */
int xpci_cfg_pci_add(struct xpci_cfg *cfg, const struct xpci_pci_spec *spec,
                     struct xpci_error *overridden,
                     struct xpci_error *err) _must_check_;

/*
 * Removes every entry of the device or the name, or of the slot if that is
 * what @dev has; *removed counts them. One function of a "bb:dd.*" entry
 * cannot be removed.
 */
int xpci_cfg_pci_remove(struct xpci_cfg *cfg, const struct xpci_pci_spec *dev,
                        size_t *removed, struct xpci_error *err) _must_check_;

#define _cleanup_cfg_pci_ _cleanup_(xpci_cfg_pci_clear)
