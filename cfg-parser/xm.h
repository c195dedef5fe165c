/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xm's configurations, which are Python programs. Those that only assign are
 * read by writing over what xl has no word for: a name with capitals becomes
 * another one, a value that is neither a plain string, a number nor a plain
 * list of strings becomes a number of as many digits. What is left is xl's
 * grammar, with the same bytes in the same places.
 *
 * xpci never runs Python. That nothing computes the pci list is proven here:
 * it is assigned as a plain list, and no other statement can reach it. The
 * rules are in docs/design/cfg-grammar.md.
 */
#pragma once

#include "buf.h"
#include "error.h"

/*
 * Appends to @mask what xl can read in the place of @text. -EINVAL with the
 * place if @text is Python that computes; -EINVAL without a word if it is no
 * Python. @name is the file's name for messages.
 */
int xpci_xm_mask(const struct xpci_buf *text, const char *name,
                 struct xpci_buf *mask, struct xpci_error *err) _must_check_;
