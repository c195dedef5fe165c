/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach and detach share: the guest and the toolstack, the host's
 * devices and who has them, and the guest's file where --persist asks.
 */
#pragma once

#include "guest-config.h"
#include "host.h"

/*
 * Takes the lock, connects, finds the guest argv[0], loads the rest, and
 * opens the guest's file; @config has no path without --persist. Before that,
 * what is wrong with the call without asking Xen.
 */
int xpci_attachment_open(struct xpci_call *call,
                         struct xpci_guest_config *config,
                         struct xpci_error *err) _must_check_;

/* May every guest write all of the device's configuration space? */
bool xpci_attachment_permissive(const struct xpci_call *call,
                                const struct xpci_bdf *bdf);

/*
 * Of what a guest has given back: ends the permissive mode that its entry
 * began, and with @kept, where it has other devices yet, that pciback counts
 * the device as its (see bind.h).
 */
int xpci_attachment_renew(const struct xpci_call *call,
                          const struct xpci_device *dev, bool kept,
                          struct xpci_error *err) _must_check_;

/* Forgets the edits: opens the file again, if there is one. */
int xpci_attachment_reopen(const struct xpci_call *call,
                           struct xpci_guest_config *config,
                           struct xpci_error *err) _must_check_;

/* Saves the edited file, if there is one; with --dry-run shows the change. */
int xpci_attachment_save(const struct xpci_call *call,
                         struct xpci_guest_config *config,
                         struct xpci_error *err) _must_check_;
