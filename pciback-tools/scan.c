/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "scan.h"

/* libpci's error function gets no context, hence these two. */
static _Thread_local jmp_buf scan_failed;
static _Thread_local char scan_message[256];

static void __attribute__((noreturn, format(printf, 1, 2)))
on_error(char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(scan_message, sizeof(scan_message), fmt, ap);
    va_end(ap);
    longjmp(scan_failed, 1);
}

static void __attribute__((format(printf, 1, 2))) ignore(char *fmt, ...)
{
    (void)fmt;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* Finds capability @id; 0: there is none, -1: cannot be read. */
static int find_cap(struct pci_dev *pdev, const uint8_t *head, int id)
{
    uint8_t cap[2];
    int pos;

    if (!(get16(head + PCI_STATUS) & PCI_STATUS_CAP_LIST))
        return 0;
    pos = head[PCI_CAPABILITY_LIST] & ~3;
    /* a list of 48 entries fills the space: what is longer is a loop */
    for (int i = 0; pos >= 0x40 && i < 48; i++) {
        if (!pci_read_block(pdev, pos, cap, 2))
            return -1;
        if (cap[0] == id)
            return pos;
        pos = cap[1] & ~3;
    }
    return 0;
}

static int pcie_type(struct pci_dev *pdev, const uint8_t *head)
{
    int pos = find_cap(pdev, head, PCI_CAP_ID_EXP);
    uint8_t flags[2];

    if (pos == 0)
        return XPCI_PCIE_NONE;
    if (pos < 0 || !pci_read_block(pdev, pos + PCI_EXP_FLAGS, flags, 2))
        return XPCI_PCIE_UNKNOWN;
    return (get16(flags) & PCI_EXP_FLAGS_TYPE) >> 4;
}

static int read_config(struct pci_dev *pdev, struct xpci_device *dev,
                       struct xpci_error *err)
{
    uint8_t head[64];

    if (!pci_read_block(pdev, 0, head, sizeof(head)))
        return xpci_error_set(
            err, EIO, "cannot read the configuration space of " XPCI_BDF_FMT,
            XPCI_BDF_ARGS(dev->bdf));
    dev->pcie_type = XPCI_PCIE_UNKNOWN;
    dev->header = head[PCI_HEADER_TYPE];
    if (dev->header == 0xff) /* asleep in D3cold, or gone */
        return 0;
    dev->multifunction = dev->header & 0x80;
    dev->header &= 0x7f;
    dev->pcie_type = pcie_type(pdev, head);
    if (dev->header == PCI_HEADER_TYPE_BRIDGE) {
        dev->secondary = head[PCI_SECONDARY_BUS];
        dev->subordinate = head[PCI_SUBORDINATE_BUS];
    }
    return 0;
}

static int name_device(struct pci_access *acc, struct pci_dev *pdev,
                       struct xpci_device *dev)
{
    char text[256];

    dev->name = strdup(pci_lookup_name(acc, text, sizeof(text),
                                       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE,
                                       pdev->vendor_id, pdev->device_id));
    if (asprintf(&dev->modalias, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
                 dev->vendor, dev->device, dev->subvendor, dev->subdevice,
                 dev->class_code >> 8, dev->class_code & 0xff,
                 pdev->prog_if) < 0)
        dev->modalias = NULL;
    return dev->name && dev->modalias ? 0 : -ENOMEM;
}

static int add_device(struct pci_access *acc, struct pci_dev *pdev,
                      struct xpci_inventory *inv, struct xpci_error *err)
{
    struct xpci_device *v = realloc(inv->dev, (inv->n + 1) * sizeof(*v));
    struct xpci_device *dev;

    if (!v)
        return xpci_error_oom(err);
    inv->dev = v;
    dev = &v[inv->n++];
    *dev = (struct xpci_device){
        .bdf = { (uint32_t)pdev->domain, pdev->bus, pdev->dev, pdev->func },
        .parent = XPCI_NO_PARENT,
    };
    pci_fill_info(pdev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
                            PCI_FILL_SUBSYS);
    dev->vendor = pdev->vendor_id;
    dev->device = pdev->device_id;
    dev->class_code = pdev->device_class;
    if (pdev->known_fields & PCI_FILL_SUBSYS) {
        dev->subvendor = pdev->subsys_vendor_id;
        dev->subdevice = pdev->subsys_id;
    }
    if (name_device(acc, pdev, dev) < 0)
        return xpci_error_oom(err);
    return read_config(pdev, dev, err);
}

static int scan(struct pci_access *acc, struct xpci_inventory *inv,
                struct xpci_error *err)
{
    int ret = 0;

    pci_init(acc);
    pci_scan_bus(acc);
    for (struct pci_dev *p = acc->devices; p && ret == 0; p = p->next)
        ret = add_device(acc, p, inv, err);
    return ret;
}

int xpci_scan(enum xpci_scan_source source, const char *path,
              struct xpci_inventory *inv, struct xpci_error *err)
{
    struct pci_access *const acc = pci_alloc();
    _cleanup_free_ char *copy = strdup(path);
    char name_sysfs[] = "sysfs.path", name_dump[] = "dump.name";
    int ret;

    if (!copy) {
        pci_cleanup(acc);
        return xpci_error_oom(err);
    }
    acc->error = on_error;
    acc->warning = ignore;
    acc->method =
        source == XPCI_SCAN_DUMP ? PCI_ACCESS_DUMP : PCI_ACCESS_SYS_BUS_PCI;
    pci_set_param(acc, source == XPCI_SCAN_DUMP ? name_dump : name_sysfs, copy);
    if (setjmp(scan_failed) == 0)
        ret = scan(acc, inv, err);
    else
        ret = xpci_error_set(err, EINVAL, "cannot read '%s': %s", path,
                             scan_message);
    pci_cleanup(acc);
    return ret;
}
