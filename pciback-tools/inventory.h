/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI functions of a host: what they are, where they sit, who drives
 * them. The only user of libpci.
 *
 *     struct xpci_inventory inv = { 0 };
 *     r = xpci_inventory_load(root, &inv, err);          sysfs of the root
 *     r = xpci_inventory_load_dump(file, &inv, err);     lspci -D -xxxx
 *     for (size_t i = 0; i < inv.n; i++)
 *         ... inv.dev[i] ...
 *     xpci_inventory_clear(&inv);
 *
 * All or nothing: a function whose configuration space cannot be read, an
 * odd file or a malformed dump fails the load with its name; no device is
 * ever left out. Devices are sorted by BDF.
 *
 * Sources: configuration header PCI 3.0 6.1; PCI Express capability PCIe
 * r6.0 7.5.3; parents by bus number as Linux' pci_find_bus().
 */
#ifndef XPCI_INVENTORY_H
#define XPCI_INVENTORY_H

#include "bdf.h"
#include "root.h"

/* PCIe r6.0 7.5.3.2, Device/Port Type */
enum xpci_pcie_type {
    XPCI_PCIE_NONE = -1,    /* no PCI Express capability: conventional PCI */
    XPCI_PCIE_UNKNOWN = -2, /* capabilities cannot be read (not root) */
    XPCI_PCIE_ENDPOINT = 0,
    XPCI_PCIE_LEGACY = 1,
    XPCI_PCIE_ROOT_PORT = 4,
    XPCI_PCIE_UPSTREAM = 5,
    XPCI_PCIE_DOWNSTREAM = 6,
    XPCI_PCIE_TO_PCI = 7,
    XPCI_PCI_TO_PCIE = 8,
    XPCI_PCIE_RC_ENDPOINT = 9,
    XPCI_PCIE_RC_EVENT = 10,
};

#define XPCI_NO_PARENT ((size_t)-1)

struct xpci_device {
    struct xpci_bdf bdf;
    uint16_t vendor, device, class_code;
    uint16_t subvendor, subdevice;
    uint8_t header;     /* 0 device, 1 bridge, 2 cardbus; ff: not answering */
    bool multifunction; /* header type bit 7 */
    bool virtual_func;  /* an SR-IOV VF (sysfs physfn) */
    int pcie_type;      /* enum xpci_pcie_type */
    uint8_t secondary;  /* of a bridge */
    uint8_t subordinate;
    size_t parent;  /* index of the bridge above, or XPCI_NO_PARENT */
    char *driver;   /* bound driver, NULL: none or (dump) not known */
    char *modalias; /* as the kernel prints it */
    char *name;     /* vendor and device from pci.ids */
};

struct xpci_inventory {
    struct xpci_device *dev;
    size_t n;
};

int xpci_inventory_load(const struct xpci_root *root,
                        struct xpci_inventory *inv,
                        struct xpci_error *err) _must_check_;
int xpci_inventory_load_dump(const char *file, struct xpci_inventory *inv,
                             struct xpci_error *err) _must_check_;
void xpci_inventory_clear(struct xpci_inventory *inv);

/* NULL if there is no such function. */
const struct xpci_device *xpci_inventory_find(const struct xpci_inventory *inv,
                                              const struct xpci_bdf *bdf);

bool xpci_device_is_bridge(const struct xpci_device *dev);

/*
 * The device's path: the BDF of its ancestor on the root bus, then slot and
 * function of every step down, as lspci -P prints it, always with segment:
 * "0000:00:1c.1/00.0/02.0". It does not change when buses are renumbered.
 * Returns 0 or -ENOMEM.
 */
int xpci_device_path(const struct xpci_inventory *inv,
                     const struct xpci_device *dev, char **out) _must_check_;

/* USAGE error for a text that can name no device, whatever host it is. */
int xpci_device_check_name(const char *text,
                           struct xpci_error *err) _must_check_;

/*
 * What a user names: a BDF, "bb:dd.*", or a path. Appends the indexes of
 * the devices meant to idx (room for inv->n entries) and adds to *n.
 * Errors: USAGE for a text of no known form, -ENODEV for an absent device.
 */
int xpci_inventory_select(const struct xpci_inventory *inv, const char *text,
                          size_t *idx, size_t *n,
                          struct xpci_error *err) _must_check_;

#define _cleanup_inventory_ _cleanup_(xpci_inventory_clear)

#endif
