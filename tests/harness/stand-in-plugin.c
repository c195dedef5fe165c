/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxl-4.17.so of a Xen that has no guest. */
#include "toolstack.h"

static int open_xen(void **ctx, struct xpci_error *err)
{
    (void)err;
    *ctx = NULL;
    return 0;
}

static void close_xen(void *ctx)
{
    (void)ctx;
}

static int devices(void *ctx, bool slots, struct xpci_guest_devices *out,
                   struct xpci_error *err)
{
    (void)ctx, (void)slots, (void)out, (void)err;
    return 0;
}

static int to_dom0(void *ctx, const struct xpci_bdf *bdf,
                   struct xpci_error *err)
{
    (void)ctx, (void)bdf, (void)err;
    return 0;
}

extern const struct xpci_toolstack_ops xpci_toolstack_plugin;
const struct xpci_toolstack_ops xpci_toolstack_plugin = {
    .abi = XPCI_TOOLSTACK_ABI,
    .size = sizeof(xpci_toolstack_plugin),
    .release = "4.17",
    .open = open_xen,
    .close = close_xen,
    .devices = devices,
    .to_dom0 = to_dom0,
};
