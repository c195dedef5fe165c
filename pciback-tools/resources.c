/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "resources.h"

/* A line each: start, end and flags (Linux include/linux/ioport.h). */
static int parse_resource(const char *text, size_t dev,
                          struct xpci_resources *res)
{
    enum { IO = 0x100, MEM = 0x200, MEM_64 = 0x100000, UNSET = 0x20000000 };
    uint64_t start, end, flags;

    for (unsigned int i = 0; i < 7 && text && *text; i++) {
        if (sscanf(text, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end,
                   &flags) != 3)
            return -EBADMSG;
        if (flags & (IO | MEM) && !(flags & UNSET) && end >= start)
            xpci_try(xpci_list_push(
                res, (struct xpci_bar){ dev, i, flags & IO, flags & MEM_64,
                                        start, end - start + 1 }));
        text = strchr(text, '\n');
        text += text != NULL;
    }
    return 0;
}

/* PCI 3.0 6.2.5; a register of 0 is not in use. */
static int decode_registers(const struct xpci_device *dev, size_t i,
                            struct xpci_resources *res)
{
    for (unsigned int k = 0; k < 7; k++) {
        uint32_t reg = dev->caps.bar[k];
        struct xpci_bar bar = { .dev = i, .index = k };

        bar.io = k < 6 && reg & 1;
        bar.is64 = k < 5 && (reg & 7) == 4;
        bar.start = reg & (k == 6 ? ~0x7ffu : bar.io ? ~3u : ~15u);
        if (bar.is64)
            bar.start |= (uint64_t)dev->caps.bar[++k] << 32;
        if (bar.start)
            xpci_try(xpci_list_push(res, bar));
    }
    return 0;
}

static int load_device(const struct xpci_root *root,
                       const struct xpci_inventory *inv, size_t i,
                       struct xpci_resources *res, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 }, irq = { 0 };
    const struct xpci_device *dev = &inv->dev[i];
    char path[XPCI_DEVICE_FILE_SIZE];
    int ret;

    if (root) {
        xpci_try(xpci_root_read_optional(
            root, xpci_device_file(dev, "resource", path), &text, NULL, err));
        xpci_try(xpci_root_read_optional(
            root, xpci_device_file(dev, "irq", path), &irq, NULL, err));
    }
    if (irq.len &&
        !xpci_root_exists(root, xpci_device_file(dev, "msi_irqs", path)))
        res->irq[i] = (unsigned int)strtoul(irq.data, NULL, 10);
    ret = text.len ? parse_resource(text.data, i, res)
                   : decode_registers(dev, i, res);
    if (ret == -EBADMSG)
        return xpci_error_set(err, EBADMSG,
                              "'resource' of " XPCI_BDF_FMT " is malformed",
                              XPCI_BDF_ARGS(dev->bdf));
    xpci_need(ret == 0, err);
    return 0;
}

int xpci_resources_load(const struct xpci_root *root,
                        const struct xpci_inventory *inv,
                        struct xpci_resources *res, struct xpci_error *err)
{
    res->irq = calloc(inv->n + 1, sizeof(*res->irq));
    xpci_need(res->irq, err);
    for (size_t i = 0; i < inv->n; i++)
        xpci_try(load_device(root, inv, i, res, err));
    return 0;
}

void xpci_resources_clear(struct xpci_resources *res)
{
    free(res->v);
    free(res->irq);
    *res = (struct xpci_resources){ 0 };
}

size_t xpci_bar_neighbour(const struct xpci_resources *res, size_t bar,
                          size_t from)
{
    const struct xpci_bar *a = &res->v[bar];

    for (size_t i = from; i < res->n; i++) {
        const struct xpci_bar *b = &res->v[i];

        if (a->dev != b->dev && !a->io && !b->io &&
            a->start >> 12 <= (b->start + b->size - !!b->size) >> 12 &&
            b->start >> 12 <= (a->start + a->size - !!a->size) >> 12)
            return i;
    }
    return XPCI_NO_PARENT;
}

/*
 * Where the pin arrives: at which wire behind which bridge of the root bus. How
 * it goes on from there, only the firmware knows.
 */
static size_t wire(const struct xpci_inventory *inv, size_t dev)
{
    unsigned int pin = inv->dev[dev].caps.pin;
    size_t up = inv->dev[dev].parent;

    if (up == XPCI_NO_PARENT)
        return (inv->n + XPCI_RID(inv->dev[dev].bdf) / 8) * 8 + pin;
    for (; up != XPCI_NO_PARENT; up = inv->dev[dev].parent) {
        pin += inv->dev[up].ari ? 0 : inv->dev[dev].bdf.slot;
        dev = up;
    }
    return dev * 8 + pin % 4;
}

size_t xpci_intx_neighbour(const struct xpci_inventory *inv,
                           const struct xpci_resources *res, size_t dev,
                           size_t from)
{
    const struct xpci_device *v = inv->dev;

    if (!v[dev].caps.pin || v[dev].virtual_func)
        return XPCI_NO_PARENT;
    for (size_t i = from; i < inv->n; i++) {
        if (i == dev || !v[i].caps.pin || v[i].virtual_func)
            continue;
        if ((res->irq[i] && res->irq[i] == res->irq[dev]) ||
            (v[i].bdf.segment == v[dev].bdf.segment &&
             !xpci_device_is_bridge(&v[i]) && wire(inv, i) == wire(inv, dev)))
            return i;
    }
    return XPCI_NO_PARENT;
}
