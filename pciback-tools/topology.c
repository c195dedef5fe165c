/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topology.h"

/* A bridge is above the devices of its secondary bus; the first one wins. */
static void link_parents(struct xpci_inventory *inv)
{
    for (size_t up = 0; up < inv->n; up++) {
        const struct xpci_bdf *bdf = &inv->dev[up].bdf;
        uint32_t rid = (uint32_t)inv->dev[up].secondary << 8;
        size_t i = xpci_inventory_from(inv, bdf->segment, rid);
        size_t end = xpci_inventory_from(inv, bdf->segment, rid + 0x100);

        for (; inv->dev[up].secondary > bdf->bus && i < end; i++) {
            if (inv->dev[i].parent == XPCI_NO_PARENT)
                inv->dev[i].parent = up;
        }
    }
}

/*
 * Virtual functions have no bridge where they are on a bus of their own, and
 * their ids read ffff.
 */
static void link_virtual(struct xpci_inventory *inv, size_t p)
{
    const struct xpci_device *pf = &inv->dev[p];
    uint32_t rid = XPCI_RID(pf->bdf) + pf->sriov.offset;

    for (unsigned int k = 0; k < pf->sriov.n && rid <= 0xffff; k++) {
        size_t i = xpci_inventory_at(inv, pf->bdf.segment, (uint16_t)rid);

        rid += pf->sriov.stride;
        if (i == XPCI_NO_PARENT || i == p)
            continue;
        inv->dev[i].virtual_func = true;
        if (inv->dev[i].parent == XPCI_NO_PARENT)
            inv->dev[i].parent = pf->parent;
        if (inv->dev[i].vendor == 0xffff) {
            inv->dev[i].vendor = pf->vendor;
            inv->dev[i].device = pf->sriov.device;
        }
    }
}

/*
 * A function is one of several if it is not the first, as Linux
 * pci_scan_slot() has it; the first says so itself, but a dump made from text
 * may have lost that bit.
 */
static void link_slot(struct xpci_inventory *inv, size_t i)
{
    struct xpci_device *dev = &inv->dev[i];

    if (dev->vendor == 0xffff && dev->header != 0xff)
        dev->virtual_func = true;
    if (dev->virtual_func)
        dev->multifunction = false;
    if (dev->virtual_func || !dev->bdf.func)
        return;
    dev->multifunction = true;
    while (i-- > 0 && xpci_bdf_same_slot(&inv->dev[i].bdf, &dev->bdf))
        inv->dev[i].multifunction = !inv->dev[i].virtual_func;
}

/* A port under a port that faces down faces up, whatever it says. */
static void correct_port(struct xpci_inventory *inv, struct xpci_device *dev)
{
    int above = dev->parent == XPCI_NO_PARENT ? XPCI_PCIE_NONE
                                              : inv->dev[dev->parent].pcie_type;

    if (dev->pcie_type == XPCI_PCIE_DOWNSTREAM &&
        (above == XPCI_PCIE_ROOT_PORT || above == XPCI_PCIE_DOWNSTREAM ||
         above == XPCI_PCI_TO_PCIE))
        dev->pcie_type = XPCI_PCIE_UPSTREAM;
    else if (dev->pcie_type == XPCI_PCIE_UPSTREAM &&
             above == XPCI_PCIE_UPSTREAM)
        dev->pcie_type = XPCI_PCIE_DOWNSTREAM;
}

void xpci_topology_link(struct xpci_inventory *inv)
{
    link_parents(inv);
    for (size_t i = 0; i < inv->n; i++)
        link_virtual(inv, i);
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        link_slot(inv, i);
        correct_port(inv, &inv->dev[i]);
        if (dev->class_code == 0x0806 &&
            (dev->vendor == 0x1022 || dev->vendor == 0x1002))
            inv->has_ivrs = true;
    }
}
