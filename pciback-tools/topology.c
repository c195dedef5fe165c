/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "topology.h"

static bool same_bus(const struct xpci_bdf *a, const struct xpci_bdf *b)
{
    return a->segment == b->segment && a->bus == b->bus;
}

/* A bridge is above the devices of its secondary bus; the first one wins. */
static void link_parents(struct xpci_inventory *inv)
{
    for (size_t up = 0; up < inv->n; up++) {
        const struct xpci_device *bridge = &inv->dev[up];
        const struct xpci_bdf bus = { bridge->bdf.segment, bridge->secondary, 0,
                                      0 };

        if (bus.bus <= bridge->bdf.bus)
            continue;
        for (size_t i = xpci_inventory_from(inv, bus.segment, XPCI_RID(bus));
             i < inv->n && same_bus(&inv->dev[i].bdf, &bus); i++) {
            if (!inv->dev[i].parent_known &&
                inv->dev[i].parent == XPCI_NO_PARENT)
                inv->dev[i].parent = up;
        }
    }
}

/* The ids of a VF read ffff; where it is on a bus of its own, no bridge is. */
static int link_function(struct xpci_device *vf, const struct xpci_device *pf)
{
    char *name = NULL;

    vf->virtual_func = true;
    if (vf->parent == XPCI_NO_PARENT)
        vf->parent = pf->parent;
    if (vf->vendor != 0xffff)
        return 0;
    vf->vendor = pf->vendor;
    vf->device = pf->sriov.device;
    if (asprintf(&name, "%s, virtual function", pf->name) < 0)
        return -ENOMEM;
    free(vf->name);
    vf->name = name;
    return 0;
}

static int link_functions(struct xpci_inventory *inv)
{
    for (size_t p = 0; p < inv->n; p++) {
        const struct xpci_device *pf = &inv->dev[p];
        uint32_t rid = XPCI_RID(pf->bdf) + pf->sriov.offset;

        for (unsigned int k = 0; k < pf->sriov.n && rid <= 0xffff; k++) {
            size_t i = xpci_inventory_at(inv, pf->bdf.segment, (uint16_t)rid);

            if (i != p && i != XPCI_NO_PARENT &&
                link_function(&inv->dev[i], pf) < 0)
                return -ENOMEM;
            rid += pf->sriov.stride;
        }
    }
    return 0;
}

/*
 * A function is one of several if it is not the first, as Linux
 * pci_scan_slot() has it; the first says so itself, but a dump made from text
 * may have lost that bit. Function numbers above 7 (ARI) look like slots.
 */
static void link_slot(struct xpci_inventory *inv, size_t i)
{
    struct xpci_device *dev = &inv->dev[i];

    if (dev->vendor == 0xffff && dev->header != 0xff)
        dev->virtual_func = true;
    if (dev->virtual_func)
        dev->multifunction = false;
    else if (dev->bdf.func || (dev->bdf.slot && dev->parent != XPCI_NO_PARENT &&
                               inv->dev[dev->parent].ari))
        dev->multifunction = true;
    if (!dev->multifunction || !dev->bdf.func)
        return;
    while (i-- > 0 && xpci_bdf_same_slot(&inv->dev[i].bdf, &dev->bdf))
        inv->dev[i].multifunction = !inv->dev[i].virtual_func;
}

/* A port under a port that faces down faces up, whatever it says. */
static void correct_port(struct xpci_inventory *inv, struct xpci_device *dev)
{
    int above;

    if (dev->parent == XPCI_NO_PARENT)
        return;
    above = inv->dev[dev->parent].pcie_type;
    if (dev->pcie_type == XPCI_PCIE_DOWNSTREAM &&
        (above == XPCI_PCIE_ROOT_PORT || above == XPCI_PCIE_DOWNSTREAM ||
         above == XPCI_PCI_TO_PCIE))
        dev->pcie_type = XPCI_PCIE_UPSTREAM;
    else if (dev->pcie_type == XPCI_PCIE_UPSTREAM &&
             above == XPCI_PCIE_UPSTREAM)
        dev->pcie_type = XPCI_PCIE_DOWNSTREAM;
}

static bool is_vmd(const struct xpci_device *dev)
{
    static const uint16_t ids[] = { 0x201d, 0x28c0, 0x467f, 0x4c3d, 0x7d0b,
                                    0x9a0b, 0xa77f, 0xad0b, 0xb06f, 0xb60b };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(ids); i++) {
        if (dev->vendor == 0x8086 && dev->device == ids[i])
            return true;
    }
    return false;
}

/*
 * Intel VMD shows what is behind it as a segment of its own, above ffff
 * (Linux drivers/pci/controller/vmd.c), numbered in the order of its
 * endpoints. On a live system sysfs has said whose it is.
 */
static void link_vmd(struct xpci_inventory *inv)
{
    size_t first = xpci_inventory_from(inv, 0x10000, 0), next = 0;
    size_t vmd = XPCI_NO_PARENT;

    for (size_t i = first; i < inv->n; i++) {
        struct xpci_device *dev = &inv->dev[i];

        if (i == first || dev->bdf.segment != inv->dev[i - 1].bdf.segment) {
            while (next < inv->n && !is_vmd(&inv->dev[next]))
                next++;
            if (next < inv->n)
                vmd = next++;
        }
        if (dev->dma_dev == XPCI_NO_PARENT)
            dev->dma_dev = vmd;
    }
}

int xpci_topology_link(struct xpci_inventory *inv, struct xpci_error *err)
{
    link_parents(inv);
    if (link_functions(inv) < 0)
        return xpci_error_oom(err);
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        link_slot(inv, i);
        correct_port(inv, &inv->dev[i]);
        if (dev->class_code == 0x0806 &&
            (dev->vendor == 0x1022 || dev->vendor == 0x1002))
            inv->has_ivrs = true;
    }
    link_vmd(inv);
    return 0;
}
