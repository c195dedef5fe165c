/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dom0 lives on (design rule 2): storage under its mounts and swap, the
 * network under its routes and SSH sessions, console, screen and keyboard.
 *
 *     struct xpci_guard guard = { 0 };
 *     r = xpci_guard_load(root, &guard, err);
 *     worst = xpci_guard_worst(&guard, &bdf);   what to refuse, NULL: nothing
 *     for (size_t i = 0; i < guard.n; i++)      all there is to tell
 *         ... guard.v[i].bdf, .grade, .chain ...
 *     xpci_guard_clear(&guard);
 *
 * A chain is one line, "/ is on vg0-root, on md0, on sda2, on 0000:00:1f.2".
 * Where it cannot be told which of several devices it goes on with, there is
 * one for each, "/ is on rpool, perhaps on sdb1, on 0000:02:00.0": what is
 * not known is not free. What cannot be followed at all fails the load.
 *
 * Only files are read, /proc and /sys of the root, so a recorded host will do.
 * How each layer is followed, what is left out and why: docs/design/guard.md.
 */
#pragma once

#include "bdf.h"
#include "root.h"

/* In rising order; a caller refuses the last two. */
enum xpci_guard_grade {
    XPCI_GUARD_NOTE,   /* worth knowing */
    XPCI_GUARD_IN_USE, /* dom0 loses something, and goes on */
    XPCI_GUARD_DIES,   /* dom0 does not boot, or cannot be reached */
};

struct xpci_finding {
    struct xpci_bdf bdf;
    enum xpci_guard_grade grade;
    char *chain;
};

struct xpci_guard {
    struct xpci_finding *v;
    size_t n;
    bool known; /* false: the root has no /proc to tell mounts and routes */
};

int xpci_guard_load(const struct xpci_root *root, struct xpci_guard *guard,
                    struct xpci_error *err) _must_check_;

/* The first finding of the highest grade; NULL: nothing uses the device. */
const struct xpci_finding *xpci_guard_worst(const struct xpci_guard *guard,
                                            const struct xpci_bdf *bdf);

/* Its chain, if that is one to refuse for; else NULL. */
const char *xpci_guard_find(const struct xpci_guard *guard,
                            const struct xpci_bdf *bdf);
void xpci_guard_clear(struct xpci_guard *guard);

#define _cleanup_guard_ _cleanup_(xpci_guard_clear)
