/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach and detach share: the guest and the toolstack, the host's
 * devices and who has them, and the guest's file where --persist asks.
 */
#ifndef XPCI_ATTACHMENT_H
#define XPCI_ATTACHMENT_H

#include "guest-config.h"
#include "host.h"

struct xpci_attachment {
    struct xpci_toolstack *ts;
    struct xpci_domain domain;
    struct xpci_inventory inv;
    struct xpci_guest_devices guests;
    struct xpci_guest_config config; /* no path without --persist */
    int lock;
};

/* Wrong calls that need no Xen to be found. */
int xpci_attachment_check(const struct xpci_call *call,
                          struct xpci_error *err) _must_check_;

/* Connects, finds the guest argv[0], takes the lock, loads the rest. */
int xpci_attachment_open(struct xpci_call *call, struct xpci_attachment *a,
                         struct xpci_error *err) _must_check_;
void xpci_attachment_close(struct xpci_attachment *a);

/* Saves the edited file, if there is one. */
int xpci_attachment_save(const struct xpci_call *call,
                         struct xpci_attachment *a,
                         struct xpci_error *err) _must_check_;

/* Prints what saving would change, for --dry-run. */
int xpci_attachment_diff(const struct xpci_call *call,
                         struct xpci_attachment *a,
                         struct xpci_error *err) _must_check_;

#define _cleanup_attachment_ _cleanup_(xpci_attachment_close)

#endif
