/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
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

/* Configuration space, from libpci or as far as a dump shows it. */
struct space {
    struct pci_dev *pdev;
    bool dumped;
    uint8_t data[4096];
    size_t len;
};

static bool read_at(const struct space *space, int pos, void *out, int len)
{
    if (!space->dumped)
        return pci_read_block(space->pdev, pos, out, len);
    if ((size_t)(pos + len) > space->len)
        return false;
    memcpy(out, space->data + pos, (size_t)len);
    return true;
}

/* Finds capability @id; 0: there is none, -1: cannot be read. */
static int find_cap(const struct space *space, const uint8_t *head, int id)
{
    bool cardbus = (head[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_CARDBUS;
    uint8_t cap[2];
    int pos;

    if (!(get16(head + PCI_STATUS) & PCI_STATUS_CAP_LIST))
        return 0;
    pos = head[cardbus ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST] & ~3;
    /* a list of 48 entries fills the space: what is longer is a loop */
    for (int i = 0; pos >= 0x40 && i < 48; i++) {
        if (!read_at(space, pos, cap, 2))
            return -1;
        if (cap[0] == id)
            return pos;
        pos = cap[1] & ~3;
    }
    return 0;
}

/* The same in the extended space, which reads all ones where there is none. */
static int find_ext_cap(const struct space *space, int id)
{
    uint8_t cap[4];
    int pos = 0x100;

    for (int i = 0; pos >= 0x100 && i < (0x1000 - 0x100) / 8; i++) {
        if (!read_at(space, pos, cap, 4))
            return -1;
        if (get16(cap) == 0xffff)
            return 0;
        if (get16(cap) == id)
            return pos;
        pos = get16(cap + 2) >> 4 & ~3;
    }
    return 0;
}

static void read_acs(const struct space *space, struct xpci_acs *acs)
{
    int pos = find_ext_cap(space, PCI_EXT_CAP_ID_ACS);
    uint8_t raw[6];

    if (pos == 0)
        return;
    acs->state = XPCI_ACS_UNREADABLE;
    if (pos < 0 || !read_at(space, pos + PCI_ACS_CAP, raw, sizeof(raw)))
        return;
    *acs = (struct xpci_acs){ XPCI_ACS_PRESENT, get16(raw), get16(raw + 2),
                              get16(raw + 4) };
}

static void read_sriov(const struct space *space, struct xpci_sriov *sriov)
{
    int pos = find_ext_cap(space, PCI_EXT_CAP_ID_SRIOV);
    uint8_t raw[PCI_IOV_DID + 2];

    if (pos <= 0 || !read_at(space, pos, raw, sizeof(raw)) ||
        !(get16(raw + PCI_IOV_CTRL) & PCI_IOV_CTRL_VFE))
        return;
    *sriov = (struct xpci_sriov){
        .n = get16(raw + PCI_IOV_NUMVF),
        .offset = get16(raw + PCI_IOV_OFFSET),
        .stride = get16(raw + PCI_IOV_STRIDE),
        .device = get16(raw + PCI_IOV_DID),
    };
}

static void read_pcie(const struct space *space, const uint8_t *head,
                      struct xpci_device *dev)
{
    int pos = find_cap(space, head, PCI_CAP_ID_EXP);
    uint8_t raw[2];

    dev->pcie_type = pos ? XPCI_PCIE_UNKNOWN : XPCI_PCIE_NONE;
    if (pos <= 0 || !read_at(space, pos + PCI_EXP_FLAGS, raw, 2))
        return;
    dev->pcie_type = (get16(raw) & PCI_EXP_FLAGS_TYPE) >> 4;
    dev->ari = read_at(space, pos + PCI_EXP_DEVCTL2, raw, 2) &&
               get16(raw) & PCI_EXP_DEVCTL2_ARI;
    read_acs(space, &dev->acs);
    read_sriov(space, &dev->sriov);
}

/* The first bytes of capability @id; false: it is not there, or not read. */
static bool read_cap(const struct space *space, const uint8_t *head, int id,
                     uint8_t raw[8])
{
    int pos = find_cap(space, head, id);

    return pos > 0 && read_at(space, pos, raw, 8);
}

static void read_caps(const struct space *space, const uint8_t *head,
                      struct xpci_caps *caps)
{
    bool bridge = (head[PCI_HEADER_TYPE] & 0x7f) == PCI_HEADER_TYPE_BRIDGE;
    int rom = bridge ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS;
    int n = bridge ? 2 : 6;
    uint8_t raw[8];

    caps->pin = head[PCI_INTERRUPT_PIN] > 4 ? 0 : head[PCI_INTERRUPT_PIN];
    caps->flr = read_cap(space, head, PCI_CAP_ID_EXP, raw) &&
                get32(raw + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLRESET;
    caps->af_flr = read_cap(space, head, PCI_CAP_ID_AF, raw) &&
                   raw[PCI_AF_CAP] & PCI_AF_CAP_TP &&
                   raw[PCI_AF_CAP] & PCI_AF_CAP_FLR;
    caps->pm_reset = read_cap(space, head, PCI_CAP_ID_PM, raw) &&
                     !(raw[PCI_PM_CTRL] & PCI_PM_CTRL_NO_SOFT_RST);
    if (read_cap(space, head, PCI_CAP_ID_MSI, raw))
        caps->msi = (uint16_t)(1 << (raw[PCI_MSI_FLAGS] >> 1 & 7));
    if (read_cap(space, head, PCI_CAP_ID_MSIX, raw))
        caps->msix = (get16(raw + PCI_MSI_FLAGS) & PCI_MSIX_TABSIZE) + 1;
    for (int i = 0; i < n; i++)
        caps->bar[i] = get32(head + PCI_BASE_ADDRESS_0 + 4 * i);
    caps->bar[6] = get32(head + rom);
}

/* The registers that tell whether Linux' PCH workaround is on (acs.h). */
static void read_vendor_reg(const struct space *space, struct xpci_device *dev)
{
    uint8_t raw[4];
    int pos = 0;

    if (dev->vendor == 0x8086 && dev->pcie_type == XPCI_PCIE_ROOT_PORT)
        pos = 0xd8;
    else if (dev->vendor == 0x8086 && dev->bdf.slot == 0x1f && !dev->bdf.func)
        pos = 0xf0;
    if (pos && read_at(space, pos, raw, 4))
        dev->vendor_reg = get32(raw);
}

static int read_config(const struct space *space, struct xpci_device *dev,
                       struct xpci_error *err)
{
    uint8_t head[64];

    if (!read_at(space, 0, head, sizeof(head)))
        return xpci_error_set(
            err, EIO, "cannot read the configuration space of " XPCI_BDF_FMT,
            XPCI_BDF_ARGS(dev->bdf));
    dev->pcie_type = XPCI_PCIE_UNKNOWN;
    dev->header = head[PCI_HEADER_TYPE];
    if (dev->header == 0xff) /* asleep in D3cold, or gone */
        return 0;
    dev->multifunction = dev->header & 0x80;
    dev->header &= 0x7f;
    read_pcie(space, head, dev);
    if (dev->header != PCI_HEADER_TYPE_CARDBUS)
        read_caps(space, head, &dev->caps);
    read_vendor_reg(space, dev);
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

struct scan {
    struct pci_access *acc;
    struct xpci_inventory *inv;
    const char *path;
    FILE *dump;
    char *line;
    size_t size;
    struct space space; /* of the device that is read, if one is */
};

static int add_device(const struct scan *scan, struct xpci_error *err)
{
    struct xpci_inventory *inv = scan->inv;
    struct pci_dev *pdev = scan->space.pdev;
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
    if (name_device(scan->acc, pdev, dev) < 0)
        return xpci_error_oom(err);
    return read_config(&scan->space, dev, err);
}

static int scan_sysfs(struct scan *scan, struct xpci_error *err)
{
    int ret = 0;

    pci_scan_bus(scan->acc);
    for (struct pci_dev *p = scan->acc->devices; p && ret == 0; p = p->next) {
        scan->space.pdev = p;
        ret = add_device(scan, err);
    }
    return ret;
}

/* --- dumps; libpci's reader takes a long time and short lines only --- */

static bool is_row(const char *line)
{
    size_t digits = strspn(line, "0123456789abcdef");

    return (digits == 2 || digits == 3) && line[digits] == ':' &&
           line[digits + 1] == ' ';
}

static int digit(char c)
{
    return (c & 0xf) + (c > '9' ? 9 : 0);
}

static bool read_row(const char *p, struct space *space)
{
    char *end;
    size_t pos = strtoul(p, &end, 16);

    for (p = end + 1; *p == ' ' && isxdigit(p[1]) && isxdigit(p[2]); p += 3) {
        if (pos == sizeof(space->data))
            return false;
        space->data[pos++] = (uint8_t)(digit(p[1]) << 4 | digit(p[2]));
    }
    space->len = pos > space->len ? pos : space->len;
    return p[strspn(p, " \r")] == '\n';
}

static int end_device(struct scan *scan, struct xpci_error *err)
{
    struct space *space = &scan->space;
    int ret = 0;

    if (space->pdev) {
        pci_setup_cache(space->pdev, space->data, (int)space->len);
        ret = add_device(scan, err);
        pci_free_dev(xpci_steal(space->pdev));
    }
    space->len = 0;
    memset(space->data, 0xff, sizeof(space->data));
    return ret;
}

/*
 * Other lines are what lspci says in words. Rows that follow no device are an
 * error, for a name was damaged.
 */
static int read_line(struct scan *scan, size_t number, struct xpci_error *err)
{
    const char *p = scan->line, *damage = NULL;
    struct xpci_bdf bdf;
    int ret = 0;

    if (p[strcspn(p, "\n")] != '\n')
        damage = "the line is cut off";
    else if (is_row(p) && !scan->space.pdev)
        damage = "configuration space of no device";
    else if (is_row(p) && !read_row(p, &scan->space))
        damage = "the row is damaged";
    else if (*p == '\r' || *p == '\n')
        ret = end_device(scan, err);
    else if (xpci_bdf_parse_len(p, strcspn(p, " \r\n"), &bdf) == 0) {
        ret = end_device(scan, err);
        scan->space.pdev = pci_get_dev(scan->acc, (int)bdf.segment, bdf.bus,
                                       bdf.slot, bdf.func);
    }
    return damage ? xpci_error_set(err, EINVAL, "'%s':%zu: %s", scan->path,
                                   number, damage)
                  : ret;
}

static int scan_dump(struct scan *scan, struct xpci_error *err)
{
    int ret = end_device(scan, err);
    size_t n = 1;

    errno = 0;
    while (ret == 0 && getline(&scan->line, &scan->size, scan->dump) > 0)
        ret = read_line(scan, n++, err);
    if (ret == 0 && !feof(scan->dump))
        ret = xpci_error_errno(err, errno, "cannot read '%s'", scan->path);
    return ret < 0 ? ret : end_device(scan, err);
}

/* --- both --- */

/* Apart from its caller, whose cleanup an error of libpci must not skip. */
static int run(struct scan *scan, struct xpci_error *err)
{
    if (setjmp(scan_failed))
        return xpci_error_set(err, EINVAL, "cannot read '%s': %s", scan->path,
                              scan_message);
    pci_init(scan->acc);
    return scan->dump ? scan_dump(scan, err) : scan_sysfs(scan, err);
}

int xpci_scan(enum xpci_scan_source source, const char *path,
              struct xpci_inventory *inv, struct xpci_error *err)
{
    const bool dumped = source == XPCI_SCAN_DUMP;
    _cleanup_fclose_ FILE *dump = dumped ? fopen(path, "re") : NULL;
    _cleanup_free_ char *copy = strdup(dumped ? "/dev/null" : path);
    char name_sysfs[] = "sysfs.path", name_dump[] = "dump.name";
    struct scan scan = {
        .inv = inv, .path = path, .dump = dump, .space.dumped = dumped
    };
    int ret;

    if (dumped && !dump)
        return xpci_error_errno(err, errno, "cannot read '%s'", path);
    if (!copy)
        return xpci_error_oom(err);
    scan.acc = pci_alloc();
    scan.acc->error = on_error;
    scan.acc->warning = ignore;
    scan.acc->method = dumped ? PCI_ACCESS_DUMP : PCI_ACCESS_SYS_BUS_PCI;
    pci_set_param(scan.acc, dumped ? name_dump : name_sysfs, copy);
    ret = run(&scan, err);
    if (dumped && scan.space.pdev)
        pci_free_dev(scan.space.pdev);
    pci_cleanup(scan.acc);
    free(scan.line);
    return ret;
}
