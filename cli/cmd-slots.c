/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "host.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "DOMAIN" },    { .name = "VSLOT" }, { .name = "BDF" },
    { .name = "REQUESTED" }, { .name = "STATE" },
};

static int add_row(const char *domain, unsigned int vslot,
                   const struct xpci_guest_device *dev, const char *state,
                   struct xpci_table *table, struct xpci_error *err)
{
    char bdf[XPCI_BDF_SIZE], slot[4], requested[4];

    snprintf(slot, sizeof(slot), "%x", vslot & 0x1f);
    snprintf(requested, sizeof(requested), "%x",
             dev ? dev->requested & 0x1f : 0);
    return xpci_table_add(table, err, domain, vslot ? slot : NULL,
                          dev ? xpci_bdf_format(&dev->bdf, bdf) : NULL,
                          dev && dev->requested ? requested : NULL, state);
}

static const struct xpci_guest_device *at_slot(
    const struct xpci_guest_devices *devs, const struct xpci_domain *dom,
    unsigned int vslot)
{
    for (size_t i = 0; i < devs->n; i++) {
        if (devs->v[i].domid == dom->id && devs->v[i].vslot == vslot)
            return &devs->v[i];
    }
    return NULL;
}

/* Devices of @dom (NULL: of all guests); with @placed only those unplaced. */
static int add_devices(const struct xpci_guest_devices *devs,
                       const struct xpci_domain *dom, bool unplaced_only,
                       struct xpci_table *table, struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < devs->n; i++) {
        const struct xpci_guest_device *dev = &devs->v[i];

        if ((dom && dev->domid != dom->id) || (unplaced_only && dev->vslot))
            continue;
        ret = add_row(dev->domain, dev->vslot, dev, dev->state, table, err);
    }
    return ret;
}

/* Every slot of one guest: what is in it, or that it is free. */
static int add_slots(struct xpci_toolstack *ts, const struct xpci_domain *dom,
                     const struct xpci_guest_devices *devs,
                     struct xpci_table *table, struct xpci_error *err)
{
    uint32_t used = 0;
    int ret = ts->ops->slots_used(ts->ctx, dom, &used, err);

    if (ret == -ENOTSUP) { /* no slots to choose: its devices are all */
        xpci_error_clear(err);
        return add_devices(devs, dom, false, table, err);
    }
    for (unsigned int slot = 1; ret == 0 && slot <= 0x1f; slot++) {
        const struct xpci_guest_device *dev = at_slot(devs, dom, slot);

        ret = add_row(dom->name, slot, dev,
                      dev                   ? dev->state
                      : used & (1u << slot) ? "emulated"
                                            : "free",
                      table, err);
    }
    return ret < 0 ? ret : add_devices(devs, dom, true, table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_toolstack_ struct xpci_toolstack *ts = NULL;
    _cleanup_guest_devices_ struct xpci_guest_devices devs = { 0 };
    _cleanup_domain_ struct xpci_domain dom = { 0 };
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret;

    if (call->argc > 1)
        return xpci_error_usage(err, "it is 'xpci slots [DOMAIN]'");
    ret = xpci_toolstack_open(call->root, &ts, err);
    if (ret == 0 && call->argc)
        ret = ts->ops->domain(ts->ctx, call->argv[0], &dom, err);
    if (ret == 0)
        ret = ts->ops->devices(ts->ctx, &devs, err);
    if (ret == 0)
        ret = xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table,
                             err);
    if (ret == 0)
        ret = call->argc ? add_slots(ts, &dom, &devs, table, err)
                         : add_devices(&devs, NULL, false, table, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

const struct xpci_cmd xpci_cmd_slots = {
    .name = "slots",
    .operands = "[DOMAIN]",
    .summary = "the guests' virtual slots as they are; of one also the free",
    .options = (const enum xpci_opt[]){ OPT_COLUMNS, OPT_NONE },
    .flags = CMD_NEEDS_ROOT,
    .run = run,
};
