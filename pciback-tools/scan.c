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

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static bool read_at(struct pci_dev *pdev, int pos, void *out, int len)
{
    return pci_read_block(pdev, pos, out, len);
}

/* Finds capability @id; 0: there is none, -1: cannot be read. */
static int find_cap(struct pci_dev *pdev, const uint8_t *head, int id)
{
    bool cardbus = (head[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_CARDBUS;
    uint8_t cap[2];
    int pos;

    if (!(get16(head + PCI_STATUS) & PCI_STATUS_CAP_LIST))
        return 0;
    pos = head[cardbus ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST] & ~3;
    /* a list of 48 entries fills the space: what is longer is a loop */
    for (int i = 0; pos >= 0x40 && i < 48; i++) {
        if (!read_at(pdev, pos, cap, 2))
            return -1;
        if (cap[0] == id)
            return pos;
        pos = cap[1] & ~3;
    }
    return 0;
}

/* The same in the extended space, which reads all ones where there is none. */
static int find_ext_cap(struct pci_dev *pdev, int id)
{
    uint8_t cap[4];
    int pos = 0x100;

    for (int i = 0; pos >= 0x100 && i < (0x1000 - 0x100) / 8; i++) {
        if (!read_at(pdev, pos, cap, 4))
            return -1;
        if (get16(cap) == 0xffff)
            return 0;
        if (get16(cap) == id)
            return pos;
        pos = get16(cap + 2) >> 4 & ~3;
    }
    return 0;
}

static void read_acs(struct pci_dev *pdev, struct xpci_acs *acs)
{
    int pos = find_ext_cap(pdev, PCI_EXT_CAP_ID_ACS);
    uint8_t raw[6];

    if (pos == 0)
        return;
    acs->state = XPCI_ACS_UNREADABLE;
    if (pos < 0 || !read_at(pdev, pos + PCI_ACS_CAP, raw, sizeof(raw)))
        return;
    *acs = (struct xpci_acs){ XPCI_ACS_PRESENT, get16(raw), get16(raw + 2),
                              get16(raw + 4) };
}

static void read_sriov(struct pci_dev *pdev, struct xpci_sriov *sriov)
{
    int pos = find_ext_cap(pdev, PCI_EXT_CAP_ID_SRIOV);
    uint8_t raw[PCI_IOV_DID + 2];

    if (pos <= 0 || !read_at(pdev, pos, raw, sizeof(raw)) ||
        !(get16(raw + PCI_IOV_CTRL) & PCI_IOV_CTRL_VFE))
        return;
    *sriov = (struct xpci_sriov){
        .n = get16(raw + PCI_IOV_NUMVF),
        .offset = get16(raw + PCI_IOV_OFFSET),
        .stride = get16(raw + PCI_IOV_STRIDE),
        .device = get16(raw + PCI_IOV_DID),
    };
}

static void read_pcie(struct pci_dev *pdev, const uint8_t *head,
                      struct xpci_device *dev)
{
    int pos = find_cap(pdev, head, PCI_CAP_ID_EXP);
    uint8_t raw[2];

    dev->pcie_type = pos ? XPCI_PCIE_UNKNOWN : XPCI_PCIE_NONE;
    if (pos <= 0 || !read_at(pdev, pos + PCI_EXP_FLAGS, raw, 2))
        return;
    dev->pcie_type = (get16(raw) & PCI_EXP_FLAGS_TYPE) >> 4;
    dev->ari = read_at(pdev, pos + PCI_EXP_DEVCTL2, raw, 2) &&
               get16(raw) & PCI_EXP_DEVCTL2_ARI;
    read_acs(pdev, &dev->acs);
    read_sriov(pdev, &dev->sriov);
}

/* The first bytes of capability @id; false: it is not there, or not read. */
static bool read_cap(struct pci_dev *pdev, const uint8_t *head, int id,
                     uint8_t raw[8])
{
    int pos = find_cap(pdev, head, id);

    return pos > 0 && read_at(pdev, pos, raw, 8);
}

static void read_caps(struct pci_dev *pdev, const uint8_t *head,
                      struct xpci_caps *caps)
{
    bool bridge = (head[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_BRIDGE;
    int rom = bridge ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS;
    int n = bridge ? 2 : 6;
    uint8_t raw[8];

    caps->pin = head[PCI_INTERRUPT_PIN] > 4 ? 0 : head[PCI_INTERRUPT_PIN];
    caps->flr = read_cap(pdev, head, PCI_CAP_ID_EXP, raw) &&
                get32(raw + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLRESET;
    caps->af_flr = read_cap(pdev, head, PCI_CAP_ID_AF, raw) &&
                   raw[PCI_AF_CAP] & PCI_AF_CAP_TP &&
                   raw[PCI_AF_CAP] & PCI_AF_CAP_FLR;
    caps->pm_reset = read_cap(pdev, head, PCI_CAP_ID_PM, raw) &&
                     !(raw[PCI_PM_CTRL] & PCI_PM_CTRL_NO_SOFT_RST);
    if (read_cap(pdev, head, PCI_CAP_ID_MSI, raw))
        caps->msi = (uint16_t)(1 << (raw[PCI_MSI_FLAGS] >> 1 & 7));
    if (read_cap(pdev, head, PCI_CAP_ID_MSIX, raw))
        caps->msix = (get16(raw + PCI_MSI_FLAGS) & PCI_MSIX_TABSIZE) + 1;
    for (int i = 0; i < n; i++)
        caps->bar[i] = get32(head + PCI_BASE_ADDRESS_0 + 4 * i);
    caps->bar[6] = get32(head + rom);
}

/* The registers that tell whether Linux' PCH workaround is on (acs.h). */
static void read_vendor_reg(struct pci_dev *pdev, struct xpci_device *dev)
{
    uint8_t raw[4];
    int pos = 0;

    if (dev->vendor == 0x8086 && dev->pcie_type == XPCI_PCIE_ROOT_PORT)
        pos = 0xd8;
    else if (dev->vendor == 0x8086 && dev->bdf.slot == 0x1f && !dev->bdf.func)
        pos = 0xf0;
    if (pos && read_at(pdev, pos, raw, 4))
        dev->vendor_reg = get32(raw);
}

static int read_config(struct pci_dev *pdev, struct xpci_device *dev,
                       struct xpci_error *err)
{
    uint8_t head[64];

    if (!read_at(pdev, 0, head, sizeof(head)))
        return xpci_error_set(
            err, EIO, "cannot read the configuration space of " XPCI_BDF_FMT,
            XPCI_BDF_ARGS(dev->bdf));
    dev->pcie_type = XPCI_PCIE_UNKNOWN;
    dev->header = head[PCI_HEADER_TYPE];
    if (dev->header == 0xff) /* asleep in D3cold, or gone */
        return 0;
    dev->multifunction = dev->header & 0x80;
    dev->header &= 0x7f;
    read_pcie(pdev, head, dev);
    if (dev->header != PCI_HEADER_TYPE_CARDBUS)
        read_caps(pdev, head, &dev->caps);
    read_vendor_reg(pdev, dev);
    if (dev->header == PCI_HEADER_TYPE_BRIDGE ||
        dev->header == PCI_HEADER_TYPE_CARDBUS) {
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

int xpci_scan(enum xpci_scan_source source, const char *path, const char *name,
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
        ret = xpci_error_set(err, EINVAL, "cannot read '%s': %s", name,
                             scan_message);
    pci_cleanup(acc);
    return ret;
}
