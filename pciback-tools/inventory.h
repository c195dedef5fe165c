/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI functions of a host: what they are, where they sit, who drives
 * them. The only user of libpci.
 *
 *     struct xpci_inventory inv = { 0 };
 *     r = xpci_inventory_load(root, &inv, err);          sysfs of the root
 *     r = xpci_inventory_load_dump(file, &inv, err);     lspci -D -xxxx
 *     inv.brief before it spares reading what groups do not depend on
 *     for (size_t i = 0; i < inv.n; i++)
 *         ... inv.dev[i] ...
 *     xpci_inventory_clear(&inv);
 *
 * All or nothing: a function whose configuration space cannot be read, an
 * odd file or a malformed dump fails the load with its name; no device is
 * ever left out. Devices are sorted by BDF, so a bridge comes before what is
 * behind it. Under a root that is not the live system, a file that a link
 * leads out of the tree is an error.
 *
 * What the firmware says of memory and requester ids is loaded too
 * (reserved-memory.h); a dump has none of it.
 *
 * Sources: configuration header PCI 3.0 6.1; PCI Express capability PCIe
 * r6.0 7.5.3, ACS 7.7.11, ARI 7.8.8, SR-IOV 9.3.3; parents by bus number as
 * Linux' pci_find_bus(), of virtual functions as virtfn_add_bus(), port types
 * as set_pcie_port_type().
 */
#pragma once

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

/* Access Control Services, PCIe r6.0 7.7.11 */
enum xpci_acs_state {
    XPCI_ACS_NONE,       /* no such capability */
    XPCI_ACS_PRESENT,    /* cap and ctrl are valid */
    XPCI_ACS_UNREADABLE, /* there is no extended space to look for it */
};

struct xpci_acs {
    enum xpci_acs_state state;
    uint16_t cap, ctrl;
    uint16_t ctrl_at_8; /* where ports of Intel's 100 and 200 series keep it */
};

/* Virtual functions that are switched on; n is 0 if none are. */
struct xpci_sriov {
    uint16_t n, offset, stride, device;
};

/* What header and capabilities say of resets, interrupts and memory. */
struct xpci_caps {
    bool flr, af_flr, pm_reset; /* as advertised: reset.h judges */
    uint8_t pin;                /* INTx, 1 to 4; 0: none */
    uint16_t msi, msix;         /* vectors */
    uint32_t bar[7];            /* as read; the last is the expansion ROM's */
};

#define XPCI_NO_PARENT ((size_t)-1)

struct xpci_device {
    struct xpci_bdf bdf;
    uint16_t vendor, device, class_code;
    uint16_t subvendor, subdevice;
    uint8_t header;     /* 0 device, 1 bridge, 2 cardbus; ff: not answering */
    bool multifunction; /* one of several functions; never a VF */
    bool virtual_func;  /* an SR-IOV VF */
    int pcie_type;      /* enum xpci_pcie_type */
    struct xpci_acs acs;
    struct xpci_sriov sriov;
    struct xpci_caps caps;
    bool ari;            /* forwards to functions above 7 (a bridge) */
    uint16_t bytes;      /* of configuration space, in a dump; else 0 */
    uint32_t vendor_reg; /* Intel: d8h of a root port, f0h of 1f.0, else 0 */
    uint8_t secondary;   /* of a bridge */
    uint8_t subordinate;
    size_t parent;  /* index of the bridge above, or XPCI_NO_PARENT */
    char *driver;   /* bound driver, NULL: none or (dump) not known */
    char *modalias; /* as the kernel prints it */
    char *name;     /* vendor and device from pci.ids */
};

/* Requester ids are bus, slot and function: 8, 5 and 3 bits. */
#define XPCI_RID(bdf)                                                          \
    ((uint16_t)((bdf).bus << 8 | (bdf).slot << 3 | (bdf).func))

static inline bool xpci_same_bus(const struct xpci_device *a,
                                 const struct xpci_device *b)
{
    return a->bdf.segment == b->bdf.segment && a->bdf.bus == b->bdf.bus;
}

/*
 * What the firmware says of functions @first to @last: that the memory from
 * @start to @end (which is part of it) must stay mapped for them; or, in the
 * IVRS, that they use a requester id: both are segment << 16 | id then.
 */
struct xpci_region {
    bool is_alias;
    uint32_t segment;
    uint16_t first, last;
    uint64_t start, end;
};

struct xpci_inventory {
    struct xpci_device *dev;
    size_t n;
    struct xpci_region *region; /* aliases first, then by start */
    size_t n_regions;
    bool has_ivrs;          /* an AMD IOMMU: table IVRS, or its function */
    bool tables_unreadable; /* regions are not known (not root) */
    bool brief;             /* asked for: without names and caps */
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

/*
 * The first device at or behind @rid, up to 10000 (the end of the segment):
 * devices of a bus, and of a range of requester ids, stand together.
 */
size_t xpci_inventory_from(const struct xpci_inventory *inv, uint32_t segment,
                           uint32_t rid);
/* The device with requester id @rid, or XPCI_NO_PARENT. */
size_t xpci_inventory_at(const struct xpci_inventory *inv, uint32_t segment,
                         uint16_t rid);

#define XPCI_DEVICE_FILE_SIZE 80
/* The name of its file @name (up to 30 bytes) in sysfs; returns @out. */
char *xpci_device_file(const struct xpci_device *dev, const char *name,
                       char *out);

/* The driver that has the device now, malloc'ed; NULL: none. */
int xpci_device_driver(const struct xpci_root *root,
                       const struct xpci_device *dev, char **out,
                       struct xpci_error *err) _must_check_;

bool xpci_device_is_bridge(const struct xpci_device *dev);
/*
 * Why no guest can have it, in words for "it is ...": it is of the board, a
 * bridge or the IOMMU's own function (AMD); NULL: a card, or like one. Class
 * codes: PCI Code and ID Assignment 1.11, 1.7 and 1.9.
 */
const char *xpci_device_board(const struct xpci_device *dev);

/* True if it is of @vendor and in @ids: "10c6 10f7-10fc". */
bool xpci_device_listed(const struct xpci_device *dev, uint16_t vendor,
                        const char *ids);

/*
 * The device's path: the BDF of its ancestor on the root bus, then slot and
 * function of every step down, as lspci -P prints it, always with segment:
 * "0000:00:1c.1/00.0/02.0". It does not change when buses are renumbered.
 * Returns 0 or -ENOMEM.
 */
int xpci_device_path(const struct xpci_inventory *inv,
                     const struct xpci_device *dev, char **out) _must_check_;

/* As xpci_device_path() prints it, or it never is a device's. */
bool xpci_device_is_path(const char *text);

/* USAGE error for a text that can name no device, whatever host it is. */
int xpci_device_check_name(const char *text,
                           struct xpci_error *err) _must_check_;

/*
 * What a user names: a BDF, "bb:dd.*", or a path. Appends the indexes of
 * the devices meant to idx (room for inv->n entries) and adds to *n; one that
 * is in it already stays there once.
 * Errors: USAGE for a text of no known form, -ENODEV for an absent device.
 */
int xpci_inventory_select(const struct xpci_inventory *inv, const char *text,
                          size_t *idx, size_t *n,
                          struct xpci_error *err) _must_check_;

#define _cleanup_inventory_ _cleanup_(xpci_inventory_clear)
