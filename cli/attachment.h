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
 * finds the guest's file for --persist. Before that, what is wrong with the
 * call without asking Xen.
 */
int xpci_attachment_open(struct xpci_call *call,
                         struct xpci_error *err) _must_check_;

/*
 * Edits the guest's file by @edit, which gets @data, as it is now, if there is
 * one to edit. With @save it is written, with --dry-run the change is shown.
 */
typedef int xpci_attachment_fn(const void *data, struct xpci_cfg *cfg,
                               struct xpci_error *err);
int xpci_attachment_edit(const struct xpci_call *call, xpci_attachment_fn *edit,
                         const void *data, bool save,
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
