/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of xpci_toolstack_open(), one by one for the tests; everybody
 * else uses toolstack.h.
 */
#pragma once

#include "toolstack.h"

#define XPCI_RELEASE_SIZE 24

/*
 * The running hypervisor's release, "4.17", from /sys/hypervisor under any
 * root. -ENODEV and why, if it is not Xen or this is not its dom0.
 */
int xpci_load_release(const struct xpci_root *root, char *release,
                      struct xpci_error *err) _must_check_;

/* Opens DIR/libxl-RELEASE.so and checks its table; does not connect. */
int xpci_load_plugin(const struct xpci_root *root, const char *dir,
                     const char *release, struct xpci_toolstack *ts,
                     struct xpci_error *err) _must_check_;

/* Is this a table that this xpci understands? */
int xpci_load_check(const struct xpci_toolstack_ops *ops, const char *path,
                    const char *release, struct xpci_error *err) _must_check_;
