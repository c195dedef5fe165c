/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a set of changes has under way, for the xpci that comes after a kill:
 * /var/lib/xpci/journal. Its first line is the set's id, then there is
 *
 *     KIND HASH WAS PATH
 *
 * for each file: kind, hash and was as in struct xpci_change, the path behind
 * all links. As journal.done it says that the set is done and only temporary
 * files are left. For changes*.c, but for xpci_journal_alive();
 * xpci_changes_recover() is here too.
 */
#pragma once

#include "changes.h"

/*
 * Tells our bytes from somebody else's, no more; eight at a time, for it looks
 * at all that is read and written.
 */
uint64_t xpci_journal_hash(const struct xpci_buf *buf);

/* Where none may or can be written set->journal stays NULL. */
int xpci_journal_write(struct xpci_changes *set, const struct xpci_root *root,
                       struct xpci_error *err) _must_check_;

/*
 * What is under way still is, for who waits for a program; noted where there is
 * a journal.
 */
void xpci_journal_alive(const struct xpci_root *root);

/*
 * The moment that counts: what a kill leaves from here on is not undone. Where
 * it fails the set is still under way.
 */
int xpci_journal_done(struct xpci_changes *set, const struct xpci_root *root,
                      struct xpci_error *err) _must_check_;

/* Nothing is under way any more. */
void xpci_journal_drop(struct xpci_changes *set, const struct xpci_root *root);
