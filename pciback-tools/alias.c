/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alias.h"

/* The requester ids that a device of the table uses besides its own. */
enum ids {
    FUNC_0,       /* function 0 of its slot */
    FUNC_1,       /* function 1 of its slot */
    SLOT_1,       /* 01.0 */
    MIC_X200,     /* 10.0, 11.0 and 12.3 */
    FUNCS_0_TO_4, /* of every slot */
    EVERY_FUNCTION,
};

static const struct quirk {
    uint16_t vendor, first, last;
    uint16_t subdevice; /* 0: any */
    enum ids ids;
} quirks[] = {
    /* quirk_dma_func0_alias: Ricoh (Red Hat bug 605888), Glenfly */
    { 0x1180, 0xe476, 0xe476, 0, FUNC_0 },
    { 0x1180, 0xe832, 0xe832, 0, FUNC_0 },
    { 0x6766, 0x3d40, 0x3d41, 0, FUNC_0 },
    /* quirk_dma_func1_alias: Marvell 88SE91xx, 92xx (kernel bug 42679) */
    { 0x1b4b, 0x9120, 0x9120, 0, FUNC_1 },
    { 0x1b4b, 0x9123, 0x9123, 0, FUNC_1 },
    { 0x1b4b, 0x9125, 0x9125, 0, FUNC_1 },
    { 0x1b4b, 0x9128, 0x9128, 0, FUNC_1 },
    { 0x1b4b, 0x9130, 0x9130, 0, FUNC_1 },
    { 0x1b4b, 0x9170, 0x9170, 0, FUNC_1 },
    { 0x1b4b, 0x9172, 0x9172, 0, FUNC_1 },
    { 0x1b4b, 0x917a, 0x917a, 0, FUNC_1 },
    { 0x1b4b, 0x9182, 0x9183, 0, FUNC_1 },
    { 0x1b4b, 0x91a0, 0x91a0, 0, FUNC_1 },
    { 0x1b4b, 0x9215, 0x9215, 0, FUNC_1 },
    { 0x1b4b, 0x9220, 0x9220, 0, FUNC_1 },
    { 0x1b4b, 0x9230, 0x9230, 0, FUNC_1 },
    { 0x1b4b, 0x9235, 0x9235, 0, FUNC_1 },
    /* the same: HighPoint, JMicron (Gentoo bug 497630), Plextor M6E */
    { 0x1103, 0x0642, 0x0642, 0, FUNC_1 },
    { 0x1103, 0x0645, 0x0645, 0, FUNC_1 },
    { 0x197b, 0x2392, 0x2392, 0, FUNC_1 },
    { 0x1c28, 0x0122, 0x0122, 0, FUNC_1 },
    /* quirk_fixed_dma_alias: Adaptec 3405, 3805 */
    { 0x9005, 0x0285, 0x0285, 0x02bb, SLOT_1 },
    { 0x9005, 0x0285, 0x0285, 0x02bc, SLOT_1 },
    /* quirk_mic_x200_dma_alias */
    { 0x8086, 0x2260, 0x2260, 0, MIC_X200 },
    { 0x8086, 0x2264, 0x2264, 0, MIC_X200 },
    /* quirk_pex_vca_alias: Intel VCA */
    { 0x8086, 0x2954, 0x2956, 0, FUNCS_0_TO_4 },
    { 0x8086, 0x2958, 0x295a, 0, FUNCS_0_TO_4 },
    /* quirk_plx_ntb_dma_alias */
    { 0x10b5, 0x87b0, 0x87b1, 0, EVERY_FUNCTION },
};

bool xpci_alias_bridge(const struct xpci_device *bridge)
{
    return bridge->pcie_type == XPCI_PCIE_TO_PCI ||
           bridge->pcie_type == XPCI_PCI_TO_PCIE ||
           bridge->pcie_type == XPCI_PCIE_NONE;
}

/* quirk_bridge_cavm_thrx2_pcie_root: Broadcom Vulcan, Cavium ThunderX2 */
bool xpci_alias_ends_at(const struct xpci_device *bridge)
{
    return bridge->vendor == 0x14e4 &&
           (bridge->device == 0x9000 || bridge->device == 0x9084);
}

static const struct quirk *find(const struct xpci_device *dev)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(quirks); i++) {
        const struct quirk *q = &quirks[i];

        if (q->vendor == dev->vendor && q->first <= dev->device &&
            dev->device <= q->last &&
            (!q->subdevice ||
             (dev->subvendor == dev->vendor && dev->subdevice == q->subdevice)))
            return q;
    }
    return NULL;
}

bool xpci_alias_has(const struct xpci_device *dev)
{
    return find(dev) != NULL;
}

bool xpci_alias_uses(const struct xpci_device *dev,
                     const struct xpci_device *other)
{
    const struct quirk *q = find(dev);
    bool same_slot = xpci_bdf_same_slot(&dev->bdf, &other->bdf);
    uint8_t slot = other->bdf.slot, func = other->bdf.func;

    if (!q)
        return false;
    switch (q->ids) {
    case FUNC_0:
        return same_slot && func == 0;
    case FUNC_1:
        return same_slot && func == 1;
    case SLOT_1:
        return slot == 1 && func == 0;
    case MIC_X200:
        return ((slot == 0x10 || slot == 0x11) && func == 0) ||
               (slot == 0x12 && func == 3);
    case FUNCS_0_TO_4:
        return func <= 4;
    case EVERY_FUNCTION:
        return true;
    }
    return false;
}
