/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "host.h"

int xpci_host_inventory(const struct xpci_call *call,
                        struct xpci_inventory *inv, struct xpci_error *err)
{
    if (call->opt[OPT_DUMP])
        return xpci_inventory_load_dump(call->opt[OPT_DUMP], inv, err);
    return xpci_inventory_load(call->root, inv, err);
}

int xpci_host_select(const struct xpci_call *call, int first,
                     const struct xpci_inventory *inv, size_t **out, size_t *n,
                     struct xpci_error *err)
{
    size_t operands = (size_t)(call->argc - first);
    _cleanup_free_ size_t *idx =
        calloc(inv->n * (operands + 1) + 1, sizeof(*idx));
    int ret;

    *n = 0;
    if (!idx)
        return xpci_error_oom(err);
    for (int i = first; i < call->argc; i++) {
        ret = xpci_inventory_select(inv, call->argv[i], idx, n, err);
        if (ret < 0)
            return ret;
    }
    *out = xpci_steal(idx);
    return 0;
}

int xpci_host_closure(const struct xpci_call *call,
                      const struct xpci_inventory *inv,
                      struct xpci_group *group, struct xpci_error *err)
{
    _cleanup_free_ size_t *idx = NULL;
    enum xpci_scope scope = XPCI_SCOPE_GROUP;
    size_t n;
    int ret = 0;

    if (call->opt[OPT_SCOPE])
        ret = xpci_scope_parse(call->opt[OPT_SCOPE], &scope, err);
    if (ret == 0)
        ret = xpci_host_select(call, 0, inv, &idx, &n, err);
    return ret < 0 ? ret : xpci_group_closure(inv, idx, n, scope, group, err);
}

/* Guests can be only where Xen runs; what cannot be read is an error. */
static int is_xen(const struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf type = { 0 };
    bool found;
    int ret;

    if (!xpci_root_is_live(call->root) || call->opt[OPT_DUMP])
        return 0;
    ret = xpci_root_read_optional(call->root, "/sys/hypervisor/type", &type,
                                  &found, err);
    return ret < 0 ? ret : found && !strcmp(type.data, "xen\n");
}

int xpci_host_guest_devices(const struct xpci_call *call,
                            struct xpci_guest_devices *out,
                            struct xpci_error *err)
{
    _cleanup_toolstack_ struct xpci_toolstack *ts = NULL;
    int ret = is_xen(call, err);

    if (ret <= 0)
        return ret;
    ret = xpci_toolstack_open(call->root, &ts, err);
    return ret < 0 ? ret : ts->ops->devices(ts->ctx, out, err);
}

const struct xpci_guest_device *xpci_host_user(
    const struct xpci_guest_devices *devs, const struct xpci_bdf *bdf)
{
    for (size_t i = 0; i < devs->n; i++) {
        if (xpci_bdf_cmp(&devs->v[i].bdf, bdf) == 0)
            return &devs->v[i];
    }
    return NULL;
}

bool xpci_host_on_pciback(const struct xpci_device *dev)
{
    return dev->driver && !strcmp(dev->driver, "pciback");
}

const char *xpci_host_state(const struct xpci_device *dev, bool drivers_known,
                            const struct xpci_guest_devices *guests)
{
    if (xpci_device_is_bridge(dev))
        return "bridge";
    if (!drivers_known)
        return "unknown";
    if (!dev->driver)
        return "free";
    if (!xpci_host_on_pciback(dev))
        return "dom0";
    if (!guests)
        return "pciback";
    return xpci_host_user(guests, &dev->bdf) ? "attached" : "assignable";
}
