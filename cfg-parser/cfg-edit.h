/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of lists in a configuration, in the style that is there; the rules
 * are in docs/design/cfg-grammar.md. For the files of cfg-parser only.
 *
 * Comments and every byte that is not named below stay. Dropping what was
 * just added gives the old text back.
 */
#pragma once

#include "tree.h"

/*
 * Item @k of list @key, which xpci_cfg_list() reads, becomes @value. With
 * @k at its end that is added, to the last of several statements; without any,
 * "key = ['value']" is the new last line. With a NULL @value the item goes,
 * with the comma and the blanks that belong to it; the last item of a list in
 * exactly that form on the last line takes the line along.
 *
 * The new text is read back, and if the list is not what was meant that is an
 * error. *cfg is changed only if there is none.
 */
int xpci_cfg_edit(struct xpci_cfg *cfg, const char *key, size_t k,
                  const char *value, struct xpci_error *err) _must_check_;
