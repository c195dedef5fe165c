/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reset.h"

const char *const xpci_reset_names[XPCI_RESET_MAX] = {
    [XPCI_RESET_SPECIFIC] = "device_specific",
    [XPCI_RESET_ACPI] = "acpi",
    [XPCI_RESET_FLR] = "flr",
    [XPCI_RESET_AF_FLR] = "af_flr",
    [XPCI_RESET_PM] = "pm",
    [XPCI_RESET_BUS] = "bus",
    [XPCI_RESET_CXL] = "cxl_bus",
};

/* Devices that advertise a reset which does not work. */
static const struct quirk {
    unsigned int not ;
    uint16_t vendor;
    const char *ids;
} quirks[] = {
#define FLR (1u << XPCI_RESET_FLR | 1u << XPCI_RESET_AF_FLR)
#define PM (1u << XPCI_RESET_PM)
#define BUS (1u << XPCI_RESET_BUS)
    { FLR, 0x1022, "1487 148c 149c 7901" },
    { FLR, 0x8086, "1502-1503" },
    { FLR, 0x14c3, "0616 7925" },
    { PM, 0x15b3, "cb84 cf6c cf70 cf80" },
    { BUS, 0x168c, "0030 0032-0034 003c 003e" },
    { BUS, 0x17cb, "0308 1103 1107" },
    { BUS, 0x10de, "2340-237f" },
    { BUS, 0x1b21, "1164" },
    { BUS, 0x104c, "b005" },
    { BUS, 0x177d, "a100" },
};

size_t xpci_reset_neighbour(const struct xpci_inventory *inv, size_t dev)
{
    const struct xpci_bdf *at = &inv->dev[dev].bdf;
    uint32_t rid = (uint32_t)at->bus << 8;
    size_t i = xpci_inventory_from(inv, at->segment, rid);

    i += i == dev;
    return i < xpci_inventory_from(inv, at->segment, rid + 0x100)
               ? i
               : XPCI_NO_PARENT;
}

unsigned int xpci_reset_ways(const struct xpci_inventory *inv, size_t i)
{
    const struct xpci_device *dev = &inv->dev[i];
    const struct xpci_caps *caps = &dev->caps;
    unsigned int ways = (unsigned int)caps->flr << XPCI_RESET_FLR |
                        (unsigned int)caps->af_flr << XPCI_RESET_AF_FLR |
                        (unsigned int)caps->pm_reset << XPCI_RESET_PM;

    /* a VF on a bus of its own has no bridge that could reset it */
    if (dev->header == 0 && dev->parent != XPCI_NO_PARENT &&
        inv->dev[dev->parent].secondary == dev->bdf.bus &&
        xpci_reset_neighbour(inv, i) == XPCI_NO_PARENT)
        ways |= BUS;
    /* on a root bus, where there is no other, Linux tries it on AMD's VGA */
    if (dev->vendor == 0x1002 && dev->class_code == 0x0300 &&
        dev->parent != XPCI_NO_PARENT)
        ways &= ~PM;
    for (size_t k = 0; k < XPCI_ARRAY_SIZE(quirks); k++) {
        if (xpci_device_listed(dev, quirks[k].vendor, quirks[k].ids))
            ways &= ~quirks[k].not ;
    }
    return ways;
}

unsigned int xpci_reset_special(const struct xpci_root *root,
                                const struct xpci_device *dev)
{
    const unsigned int special = 1u << XPCI_RESET_SPECIFIC |
                                 1u << XPCI_RESET_ACPI | 1u << XPCI_RESET_CXL;
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char path[XPCI_DEVICE_FILE_SIZE];
    unsigned int ways = 0;

    if (xpci_root_read(root, xpci_device_file(dev, "reset_method", path), &text,
                       NULL) < 0 ||
        !text.len)
        return 0;
    text.data[strcspn(text.data, "\n")] = '\0';
    for (int i = 0; i < XPCI_RESET_MAX; i++) {
        const char *name = xpci_reset_names[i];

        if (xpci_find_word(text.data, name, strlen(name)))
            ways |= 1u << i;
    }
    return ways & special;
}
