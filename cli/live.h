/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running host follows: what hide, unhide, boot and detach share to move
 * devices between dom0's drivers and pciback (bind.h).
 *
 *     r = xpci_live_open(call, false, err);
 *     r = xpci_live_take(call, &group, &moves, err);   or give, for each
 *     r = xpci_live_make(call, &moves, err);
 *     ... what must succeed too; then
 *     r = xpci_live_done(call, r);
 *
 * What a kill leaves half done, xpci_live_open() of the next one undoes:
 * devices that pciback was given and /etc/xpci.conf does not have.
 */
#pragma once

#include "bind.h"
#include "changes.h"
#include "cmd.h"
#include "group.h"

/* USAGE error for --now under another root, where -n alone makes sense. */
int xpci_live_check(const struct xpci_call *call,
                    struct xpci_error *err) _must_check_;

/*
 * The lock, call->inv and call->conf; what was half done is undone, or with
 * @go_on it is said why not.
 */
int xpci_live_open(struct xpci_call *call, bool go_on,
                   struct xpci_error *err) _must_check_;

/* Adds the file that remembers drivers, as call->conf is to be. */
int xpci_live_remember(const struct xpci_call *call, struct xpci_changes *set,
                       struct xpci_error *err) _must_check_;

/*
 * Adds the members that are in call->conf and not with pciback; all of
 * call->conf for a NULL group. Refuses what is in use.
 */
int xpci_live_take(const struct xpci_call *call, const struct xpci_group *group,
                   struct xpci_moves *moves,
                   struct xpci_error *err) _must_check_;

/*
 * Adds a device that pciback has, to the driver it had. Refuses where a guest
 * has it or one of its group, other than call->chosen if these are @leaving.
 */
int xpci_live_give(const struct xpci_call *call, size_t dev, bool leaving,
                   struct xpci_moves *moves,
                   struct xpci_error *err) _must_check_;

/* Moves them, all or none; with --dry-run prints how. */
int xpci_live_make(const struct xpci_call *call, const struct xpci_moves *moves,
                   struct xpci_error *err) _must_check_;

/*
 * A device that the entry makes permissive, and that pciback has, is so from
 * here on, unless a guest has it; with --dry-run prints how, as if pciback had
 * it.
 */
int xpci_live_permit(struct xpci_call *call, const struct xpci_hidden *entry,
                     struct xpci_error *err) _must_check_;

/*
 * Nothing is under way any more, unless @ret says that a device could not be
 * brought back. Returns @ret.
 */
int xpci_live_done(const struct xpci_call *call, int ret);
