/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several commands need of the host: its devices, from where the call
 * says, and who of the guests uses them.
 */
#ifndef XPCI_HOST_H
#define XPCI_HOST_H

#include "cmd.h"
#include "group.h"
#include "inventory.h"
#include "toolstack.h"

/* The inventory of --dump, or of the root. */
int xpci_host_inventory(const struct xpci_call *call,
                        struct xpci_inventory *inv,
                        struct xpci_error *err) _must_check_;

/* The devices that the operands from @first name; idx is malloc'ed. */
int xpci_host_select(const struct xpci_call *call, int first,
                     const struct xpci_inventory *inv, size_t **idx, size_t *n,
                     struct xpci_error *err) _must_check_;

/* The closure of all operands, within --scope. */
int xpci_host_closure(const struct xpci_call *call,
                      const struct xpci_inventory *inv,
                      struct xpci_group *group,
                      struct xpci_error *err) _must_check_;

/* The devices of all guests; none where this is no running Xen. */
int xpci_host_guest_devices(const struct xpci_call *call,
                            struct xpci_guest_devices *out,
                            struct xpci_error *err) _must_check_;

const struct xpci_guest_device *xpci_host_user(
    const struct xpci_guest_devices *devs, const struct xpci_bdf *bdf);

/*
 * "bridge", "free", "dom0", "pciback", "assignable" or "attached"; "unknown"
 * without @drivers_known. @guests is NULL if they are not known.
 */
const char *xpci_host_state(const struct xpci_device *dev, bool drivers_known,
                            const struct xpci_guest_devices *guests);

/* True if the device is bound to pciback. */
bool xpci_host_on_pciback(const struct xpci_device *dev);

#endif
