/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "table.h"

static int add_device(const struct xpci_call *call,
                      const struct xpci_guest_device *dev,
                      struct xpci_error *err)
{
    /* the slots of a PV guest begin at 0 */
    bool placed = dev->vslot || !strcmp(dev->state, "attached");

    return xpci_table_add(
        call, err, dev->domain, placed ? xpci_cell("%x", dev->vslot) : NULL,
        xpci_cell_bdf(&dev->bdf),
        dev->requested ? xpci_cell("%x", dev->requested) : NULL, dev->state);
}

/* Those of all guests, or of the one that is asked for, at any slot or none. */
static int add_devices(const struct xpci_call *call, bool unplaced_only,
                       struct xpci_error *err)
{
    for (size_t i = 0; i < call->guests.n; i++) {
        const struct xpci_guest_device *dev = &call->guests.v[i];

        if ((!call->argc || dev->domid == call->domain.id) &&
            !(unplaced_only && dev->vslot))
            xpci_try(add_device(call, dev, err));
    }
    return 0;
}

/* What is in the guest's slot, or that it is free. */
static int add_slot(const struct xpci_call *call, unsigned int vslot, bool used,
                    struct xpci_error *err)
{
    for (size_t i = 0; i < call->guests.n; i++) {
        const struct xpci_guest_device *dev = &call->guests.v[i];

        if (dev->domid == call->domain.id && dev->vslot == vslot)
            return add_device(call, dev, err);
    }
    return xpci_table_add(call, err, call->domain.name, xpci_cell("%x", vslot),
                          NULL, NULL, used ? "emulated" : "free");
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    uint32_t used = 0;
    int ret;

    xpci_try(xpci_host_xen(call, true, err));
    if (!call->argc)
        return add_devices(call, false, err);
    ret = call->ts->ops->slots_used(call->ts->ctx, &call->domain, &used, err);
    if (ret == -ENOTSUP) { /* no slots to choose: its devices are all */
        xpci_error_clear(err);
        return add_devices(call, false, err);
    }
    xpci_try(ret);
    for (unsigned int slot = 1; slot <= 0x1f; slot++)
        xpci_try(add_slot(call, slot, used & (1u << slot), err));
    return add_devices(call, true, err);
}

const struct xpci_cmd xpci_cmd_slots = {
    .name = "slots",
    .operands = "[DOMAIN]",
    .max = 1,
    .summary = "the guests' virtual slots as they are; of one also the free",
    .options = CMD_OPTIONS(OPT_COLUMNS),
    .columns = "DOMAIN VSLOT BDF REQUESTED STATE",
    .needs_root = true,
    .run = run,
};
