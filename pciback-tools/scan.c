/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <pci/pci.h>
#include <setjmp.h>

#include "names.h"
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

/*
 * Configuration space as far as it has been read; of a dump, that is all. Each
 * register is read once: it takes microseconds, in a guest tens of them.
 */
struct space {
    struct pci_dev *pdev;
    uint8_t data[4096];
    bool has[4096];
};

static bool load(struct space *space, int pos, size_t len)
{
    if ((size_t)pos + len > sizeof(space->data))
        return false;
    if (!memchr(space->has + pos, 0, len))
        return true;
    if (!pci_read_block(space->pdev, pos, space->data + pos, (int)len))
        return false;
    memset(space->has + pos, 1, len);
    return true;
}

/* True if @len bytes, of a capability, are there to be read. */
static bool is_readable(struct space *space, int pos, size_t len)
{
    return pos > 0 && load(space, pos, len);
}

static uint16_t word(const struct space *space, int pos)
{
    return (uint16_t)(space->data[pos] | space->data[pos + 1] << 8);
}

static uint32_t dword(const struct space *space, int pos)
{
    return word(space, pos) | (uint32_t)word(space, pos + 2) << 16;
}

/*
 * Finds capability @id in the list from @pos on, which is the extended one if
 * that is 0x100; where there is none, it reads all ones. 0: it is not there,
 * -1: cannot be read.
 */
static int find_from(struct space *space, int pos, int id)
{
    int first = pos < 0x100 ? 0x40 : 0x100, found, next;

    /* more entries than fill the space are a loop */
    for (int i = 0; pos >= first && i < 0x1000 / 8; i++, pos = next & ~3) {
        if (!is_readable(space, pos, first < 0x100 ? 2 : 4))
            return -1;
        found = word(space, pos);
        next = first < 0x100 ? found >> 8 : word(space, pos + 2) >> 4;
        found &= first < 0x100 ? 0xff : 0xffff;
        if (found == id || found == 0xffff)
            return found == id ? pos : 0;
    }
    return 0;
}

static int find_cap(struct space *space, int id)
{
    int type = space->data[PCI_HEADER_TYPE] & 0x7f;
    int first = type == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST
                                                : PCI_CAPABILITY_LIST;

    if (!(word(space, PCI_STATUS) & PCI_STATUS_CAP_LIST))
        return 0;
    return find_from(space, space->data[first] & ~3, id);
}

static void read_acs(struct space *space, struct xpci_acs *acs)
{
    int pos = find_from(space, 0x100, PCI_EXT_CAP_ID_ACS);

    if (is_readable(space, pos, PCI_ACS_CAP + 6))
        *acs =
            (struct xpci_acs){ XPCI_ACS_PRESENT, word(space, pos + PCI_ACS_CAP),
                               word(space, pos + PCI_ACS_CTRL),
                               word(space, pos + PCI_ACS_CTRL + 2) };
    else if (pos != 0)
        acs->state = XPCI_ACS_UNREADABLE;
}

static void read_sriov(struct space *space, struct xpci_sriov *sriov)
{
    int pos = find_from(space, 0x100, PCI_EXT_CAP_ID_SRIOV);

    if (is_readable(space, pos, PCI_IOV_DID + 2) &&
        word(space, pos + PCI_IOV_CTRL) & PCI_IOV_CTRL_VFE)
        *sriov = (struct xpci_sriov){
            .n = word(space, pos + PCI_IOV_NUMVF),
            .offset = word(space, pos + PCI_IOV_OFFSET),
            .stride = word(space, pos + PCI_IOV_STRIDE),
            .device = word(space, pos + PCI_IOV_DID),
        };
}

static void read_pcie(struct space *space, struct xpci_device *dev)
{
    int pos = find_cap(space, PCI_CAP_ID_EXP), flags = pos + PCI_EXP_FLAGS;

    dev->pcie_type = pos ? XPCI_PCIE_UNKNOWN : XPCI_PCIE_NONE;
    if (!is_readable(space, pos, PCI_EXP_FLAGS + 2))
        return;
    dev->pcie_type = (word(space, flags) & PCI_EXP_FLAGS_TYPE) >> 4;
    dev->ari = is_readable(space, pos + PCI_EXP_DEVCTL2, 2) &&
               word(space, pos + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI;
    read_acs(space, &dev->acs);
    read_sriov(space, &dev->sriov);
}

/* The 32 bits at @at of capability @id; @other if they are not there. */
static uint32_t in_cap(struct space *space, int id, int at, uint32_t other)
{
    int pos = find_cap(space, id);

    return is_readable(space, pos, 8) ? dword(space, pos + at) : other;
}

static void read_caps(struct space *space, struct xpci_device *dev)
{
    bool bridge = dev->header == PCI_HEADER_TYPE_BRIDGE;
    uint8_t pin = space->data[PCI_INTERRUPT_PIN];
    uint32_t msi = in_cap(space, PCI_CAP_ID_MSI, 0, 0),
             msix = in_cap(space, PCI_CAP_ID_MSIX, 0, 0),
             af = in_cap(space, PCI_CAP_ID_AF, 0, 0) >> 8 * PCI_AF_CAP,
             exp = in_cap(space, PCI_CAP_ID_EXP, PCI_EXP_DEVCAP, 0),
             pm = in_cap(space, PCI_CAP_ID_PM, PCI_PM_CTRL, ~0u);

    dev->caps = (struct xpci_caps){
        .flr = exp & PCI_EXP_DEVCAP_FLRESET,
        .af_flr = af & PCI_AF_CAP_TP && af & PCI_AF_CAP_FLR,
        .pm_reset = !(pm & PCI_PM_CTRL_NO_SOFT_RST),
        .pin = pin > 4 ? 0 : pin,
        .msi = msi ? (uint16_t)(1 << (msi >> 17 & 7)) : 0,
        .msix = msix ? (msix >> 16 & PCI_MSIX_TABSIZE) + 1 : 0,
    };
    for (int i = 0; i < (bridge ? 2 : 6); i++)
        dev->caps.bar[i] = dword(space, PCI_BASE_ADDRESS_0 + 4 * i);
    dev->caps.bar[6] =
        dword(space, bridge ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS);
}

/* The registers that tell whether Linux' PCH workaround is on (acs.h). */
static void read_vendor_reg(struct space *space, struct xpci_device *dev)
{
    int pos = 0;

    if (dev->vendor == 0x8086 && dev->pcie_type == XPCI_PCIE_ROOT_PORT)
        pos = 0xd8;
    else if (dev->vendor == 0x8086 && dev->bdf.slot == 0x1f && !dev->bdf.func)
        pos = 0xf0;
    if (is_readable(space, pos, 4))
        dev->vendor_reg = dword(space, pos);
}

static int read_config(struct space *space, struct xpci_device *dev,
                       struct xpci_error *err)
{
    /* what every reader gets */
    if (!load(space, 0, 64))
        return xpci_error_set(
            err, EIO, "cannot read the configuration space of " XPCI_BDF_FMT,
            XPCI_BDF_ARGS(dev->bdf));
    dev->pcie_type = XPCI_PCIE_UNKNOWN;
    dev->header = space->data[PCI_HEADER_TYPE];
    if (dev->header == 0xff) /* asleep in D3cold, or gone */
        return 0;
    dev->multifunction = dev->header & 0x80;
    dev->header &= 0x7f;
    read_pcie(space, dev);
    if (dev->header != PCI_HEADER_TYPE_CARDBUS)
        read_caps(space, dev);
    read_vendor_reg(space, dev);
    if (dev->header == PCI_HEADER_TYPE_BRIDGE ||
        dev->header == PCI_HEADER_TYPE_CARDBUS) {
        dev->secondary = space->data[PCI_SECONDARY_BUS];
        dev->subordinate = space->data[PCI_SUBORDINATE_BUS];
    }
    return 0;
}

struct scan {
    struct pci_access *acc;
    struct xpci_inventory *inv;
    const char *path;
    FILE *dump;
    int names; /* the part of pci.ids that counts, or -1 */
    char *line;
    size_t size;
    struct space space; /* of the device that is read, if one is */
};

static int add_device(struct scan *scan, struct xpci_error *err)
{
    struct xpci_device *dev = xpci_array_add(scan->inv->dev, scan->inv->n);
    struct pci_dev *pdev = scan->space.pdev;

    xpci_need(dev, err);
    pci_fill_info(pdev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
                            PCI_FILL_SUBSYS);
    *dev = (struct xpci_device){
        .bdf = { (uint32_t)pdev->domain, pdev->bus, pdev->dev, pdev->func },
        .parent = XPCI_NO_PARENT,
        .vendor = pdev->vendor_id,
        .device = pdev->device_id,
        .class_code = pdev->device_class,
    };
    if (pdev->known_fields & PCI_FILL_SUBSYS) {
        dev->subvendor = pdev->subsys_vendor_id;
        dev->subdevice = pdev->subsys_id;
    }
    xpci_need(xpci_asprintf(NULL, &dev->modalias,
                            "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
                            dev->vendor, dev->device, dev->subvendor,
                            dev->subdevice, dev->class_code >> 8,
                            dev->class_code & 0xff, pdev->prog_if) == 0,
              err);
    return read_config(&scan->space, dev, err);
}

static int scan_sysfs(struct scan *scan, struct xpci_error *err)
{
    int ret = 0;

    pci_scan_bus(scan->acc);
    for (struct pci_dev *p = scan->acc->devices; p && ret == 0; p = p->next) {
        scan->space = (struct space){ .pdev = p };
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
        space->has[pos] = true;
        space->data[pos++] = (uint8_t)(digit(p[1]) << 4 | digit(p[2]));
    }
    return p[strspn(p, " \r")] == '\n';
}

static int end_device(struct scan *scan, struct xpci_error *err)
{
    struct space *space = &scan->space;
    size_t bytes = strnlen((const char *)space->has, sizeof(space->has));
    struct pci_dev *pdev = space->pdev;
    int ret = 0;

    if (pdev && bytes < 64)
        ret = xpci_error_set(err, EINVAL,
                             "'%s' has only %zu bytes of %04x:%02x:%02x.%x; "
                             "make it with 'lspci -D -xxxx' as root",
                             scan->path, bytes, (unsigned int)pdev->domain,
                             pdev->bus, pdev->dev, pdev->func);
    if (pdev && ret == 0) {
        pci_setup_cache(pdev, space->data, sizeof(space->data));
        ret = add_device(scan, err);
    }
    if (pdev && ret == 0)
        scan->inv->dev[scan->inv->n - 1].bytes = (uint16_t)bytes;
    if (pdev)
        pci_free_dev(xpci_steal(space->pdev));
    *space = (struct space){ 0 };
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

/* By what xz, gzip, zstd and bzip2 begin with. */
static bool is_compressed(const char *line)
{
    static const char *const magic[] = { "\xfd\x37zXZ", "\x1f\x8b",
                                         "\x28\xb5\x2f\xfd", "BZh" };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(magic); i++) {
        if (!strncmp(line, magic[i], strlen(magic[i])))
            return true;
    }
    return false;
}

static int scan_dump(struct scan *scan, struct xpci_error *err)
{
    int ret = end_device(scan, err);
    size_t n = 1;

    errno = 0;
    while (ret == 0 && getline(&scan->line, &scan->size, scan->dump) > 0) {
        if (n == 1 && is_compressed(scan->line))
            return xpci_error_set(err, EINVAL,
                                  "'%s' is compressed; unpack it before",
                                  scan->path);
        ret = read_line(scan, n++, err);
    }
    if (ret == 0 && !feof(scan->dump))
        ret = xpci_error_errno(err, errno, "cannot read '%s'", scan->path);
    return ret < 0 ? ret : end_device(scan, err);
}

/* --- both --- */

static int add_names(struct scan *scan, struct xpci_error *err)
{
    struct xpci_inventory *inv = scan->inv;
    char text[256], path[32];

    scan->names = xpci_names_pick(scan->acc->id_file_name, inv);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", scan->names);
    if (scan->names >= 0 && access(path, R_OK) == 0)
        pci_set_name_list_path(scan->acc, strdup(path), true);
    for (size_t i = 0; i < inv->n; i++) {
        struct xpci_device *dev = &inv->dev[i];

        dev->name = strdup(pci_lookup_name(
            scan->acc, text, sizeof(text),
            PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, dev->vendor, dev->device));
        if (!dev->name)
            return xpci_error_oom(err);
    }
    return 0;
}

/* Apart from its caller, whose cleanup an error of libpci must not skip. */
static int run(struct scan *scan, struct xpci_error *err)
{
    int ret;

    if (setjmp(scan_failed))
        return xpci_error_set(err, EINVAL, "cannot read '%s': %s", scan->path,
                              scan_message);
    pci_init(scan->acc);
    ret = scan->dump ? scan_dump(scan, err) : scan_sysfs(scan, err);
    return ret < 0 ? ret : add_names(scan, err);
}

int xpci_scan(char *sysfs, const char *dump, struct xpci_inventory *inv,
              struct xpci_error *err)
{
    char param_sysfs[] = "sysfs.path", param_dump[] = "dump.name";
    char empty[] = "/dev/null"; /* the dump is not libpci's to read */
    _cleanup_fclose_ FILE *file = sysfs ? NULL : fopen(dump, "re");
    struct scan scan = {
        .inv = inv, .path = sysfs ? sysfs : dump, .dump = file, .names = -1
    };
    int ret;

    if (!sysfs && !file)
        return xpci_error_errno(err, errno, "cannot read '%s'", dump);
    scan.acc = pci_alloc();
    scan.acc->error = on_error;
    scan.acc->warning = ignore;
    scan.acc->method = sysfs ? PCI_ACCESS_SYS_BUS_PCI : PCI_ACCESS_DUMP;
    pci_set_param(scan.acc, sysfs ? param_sysfs : param_dump,
                  sysfs ? sysfs : empty);
    ret = run(&scan, err);
    if (file && scan.space.pdev)
        pci_free_dev(scan.space.pdev);
    pci_cleanup(scan.acc);
    free(scan.line);
    if (scan.names >= 0)
        close(scan.names);
    return ret;
}
