/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dom0 lives on (design rule 2): the devices under its mounted file
 * systems and swap, and under the network path of its default route.
 *
 *     struct xpci_guard guard = { 0 };
 *     r = xpci_guard_load(root, &guard, err);
 *     reason = xpci_guard_find(&guard, &bdf);    "/ is on dm-0, on sda2"
 *     xpci_guard_clear(&guard);
 *
 * Followed through device-mapper and MD (sysfs "slaves"), NVMe subsystems,
 * and bridges, bonds, VLANs (sysfs "lower_*"). A root without /proc, such as
 * a system mounted in a rescue boot, cannot tell: see "known".
 */
#ifndef XPCI_GUARD_H
#define XPCI_GUARD_H

#include "bdf.h"
#include "root.h"

struct xpci_guarded {
    struct xpci_bdf bdf;
    char *reason;
};

struct xpci_guard {
    struct xpci_guarded *v;
    size_t n;
    bool known; /* false: the root has no mountinfo to tell */
};

int xpci_guard_load(const struct xpci_root *root, struct xpci_guard *guard,
                    struct xpci_error *err) _must_check_;

/* The first reason why dom0 needs the device; NULL: none is known. */
const char *xpci_guard_find(const struct xpci_guard *guard,
                            const struct xpci_bdf *bdf);
void xpci_guard_clear(struct xpci_guard *guard);

#define _cleanup_guard_ _cleanup_(xpci_guard_clear)

#endif
