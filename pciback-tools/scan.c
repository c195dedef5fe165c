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

/* The function that is read. Of a dump, @data is all that there is. */
struct space {
    struct pci_dev *pdev;
    uint8_t data[4096]; /* libpci's cache */
    size_t bytes;       /* of it */
};

static bool has(const struct space *space, int pos, int len)
{
    uint8_t last;

    return (size_t)pos + (size_t)len <= space->bytes ||
           pci_read_block(space->pdev, pos + len - 1, &last, 1);
}

/*
 * Where capability @id is; 0: nowhere, -1: @len bytes of it cannot be read, or
 * the list goes on where nothing can.
 */
static int find_cap(const struct space *space, unsigned int type,
                    unsigned int id, int len)
{
    struct pci_dev *pdev = space->pdev;
    int last = 0, next = 0x100;

    pci_fill_info(pdev, PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
    for (const struct pci_cap *cap = pdev->first_cap; cap; cap = cap->next) {
        last = cap->type == type ? (int)cap->addr : last;
        if (cap->type == type && cap->id == id)
            return has(space, last, len) ? last : -1;
    }
    if (type == PCI_CAP_NORMAL && !last)
        next = pci_read_word(pdev, PCI_STATUS) & PCI_STATUS_CAP_LIST
                   ? pci_read_byte(pdev, PCI_CAPABILITY_LIST)
                   : 0;
    else if (last)
        next = type == PCI_CAP_NORMAL ? pci_read_byte(pdev, last + 1)
                                      : pci_read_word(pdev, last + 2) >> 4;
    return next & ~3 && !has(space, next & ~3, 2) ? -1 : 0;
}

static void read_acs(const struct space *space, struct xpci_acs *acs)
{
    struct pci_dev *pdev = space->pdev;
    int pos =
        find_cap(space, PCI_CAP_EXTENDED, PCI_EXT_CAP_ID_ACS, PCI_ACS_CAP + 6);

    if (pos > 0)
        *acs = (struct xpci_acs){ XPCI_ACS_PRESENT,
                                  pci_read_word(pdev, pos + PCI_ACS_CAP),
                                  pci_read_word(pdev, pos + PCI_ACS_CTRL),
                                  pci_read_word(pdev, pos + PCI_ACS_CTRL + 2) };
    else if (pos < 0)
        acs->state = XPCI_ACS_UNREADABLE;
}

static void read_sriov(const struct space *space, struct xpci_sriov *sriov)
{
    struct pci_dev *pdev = space->pdev;
    int pos = find_cap(space, PCI_CAP_EXTENDED, PCI_EXT_CAP_ID_SRIOV,
                       PCI_IOV_DID + 2);

    if (pos > 0 && pci_read_word(pdev, pos + PCI_IOV_CTRL) & PCI_IOV_CTRL_VFE)
        *sriov = (struct xpci_sriov){
            .n = pci_read_word(pdev, pos + PCI_IOV_NUMVF),
            .offset = pci_read_word(pdev, pos + PCI_IOV_OFFSET),
            .stride = pci_read_word(pdev, pos + PCI_IOV_STRIDE),
            .device = pci_read_word(pdev, pos + PCI_IOV_DID),
        };
}

static void read_pcie(const struct space *space, struct xpci_device *dev)
{
    struct pci_dev *pdev = space->pdev;
    int pos =
        find_cap(space, PCI_CAP_NORMAL, PCI_CAP_ID_EXP, PCI_EXP_FLAGS + 2);

    dev->pcie_type = pos ? XPCI_PCIE_UNKNOWN : XPCI_PCIE_NONE;
    if (pos <= 0)
        return;
    dev->pcie_type =
        (pci_read_word(pdev, pos + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
    dev->ari = has(space, pos + PCI_EXP_DEVCTL2, 2) &&
               pci_read_word(pdev, pos + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI;
    read_acs(space, &dev->acs);
    read_sriov(space, &dev->sriov);
}

/* The 32 bits at @at of capability @id; @other if they are not there. */
static uint32_t in_cap(const struct space *space, unsigned int id, int at,
                       uint32_t other)
{
    int pos = find_cap(space, PCI_CAP_NORMAL, id, 8);

    return pos > 0 ? pci_read_long(space->pdev, pos + at) : other;
}

static void read_caps(const struct space *space, struct xpci_device *dev)
{
    struct pci_dev *pdev = space->pdev;
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
        dev->caps.bar[i] = pci_read_long(pdev, PCI_BASE_ADDRESS_0 + 4 * i);
    dev->caps.bar[6] =
        pci_read_long(pdev, bridge ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS);
}

/* The registers that tell whether Linux' PCH workaround is on (acs.h). */
static void read_vendor_reg(const struct space *space, struct xpci_device *dev)
{
    int pos = 0;

    if (dev->vendor == 0x8086 && dev->pcie_type == XPCI_PCIE_ROOT_PORT)
        pos = 0xd8;
    else if (dev->vendor == 0x8086 && dev->bdf.slot == 0x1f && !dev->bdf.func)
        pos = 0xf0;
    if (pos && has(space, pos, 4))
        dev->vendor_reg = pci_read_long(space->pdev, pos);
}

static void read_config(const struct space *space, bool brief,
                        struct xpci_device *dev)
{
    dev->pcie_type = XPCI_PCIE_UNKNOWN;
    dev->header = space->data[PCI_HEADER_TYPE];
    if (dev->header == 0xff) /* asleep in D3cold, or gone */
        return;
    dev->multifunction = dev->header & 0x80;
    dev->header &= 0x7f;
    read_pcie(space, dev);
    if (!brief && dev->header != PCI_HEADER_TYPE_CARDBUS)
        read_caps(space, dev);
    read_vendor_reg(space, dev);
    if (dev->header == PCI_HEADER_TYPE_BRIDGE ||
        dev->header == PCI_HEADER_TYPE_CARDBUS) {
        dev->secondary = space->data[PCI_SECONDARY_BUS];
        dev->subordinate = space->data[PCI_SUBORDINATE_BUS];
    }
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

/* By the kernel's alias, one file; else by six, or what the dump has. */
static int identify(struct pci_dev *pdev, struct xpci_device *dev,
                    struct xpci_error *err)
{
    unsigned int base, sub, prog_if;
    bool subsys;
    int end = 0;

    pci_fill_info(pdev, PCI_FILL_MODULE_ALIAS);
    if (pdev->module_alias &&
        sscanf(pdev->module_alias,
               "pci:v0000%4hxd0000%4hxsv0000%4hxsd0000%4hxbc%2xsc%2xi%2x %n",
               &dev->vendor, &dev->device, &dev->subvendor, &dev->subdevice,
               &base, &sub, &prog_if, &end) == 7 &&
        end && !pdev->module_alias[end]) {
        dev->class_code = (uint16_t)(base << 8 | sub);
    } else {
        pci_fill_info(pdev, PCI_FILL_IDENT | PCI_FILL_CLASS |
                                PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS);
        subsys = pdev->known_fields & PCI_FILL_SUBSYS;
        dev->vendor = pdev->vendor_id;
        dev->device = pdev->device_id;
        dev->class_code = pdev->device_class;
        prog_if = pdev->prog_if;
        /* not what a damaged alias began with */
        dev->subvendor = subsys ? pdev->subsys_vendor_id : 0;
        dev->subdevice = subsys ? pdev->subsys_id : 0;
    }
    return xpci_asprintf(
        err, &dev->modalias, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
        dev->vendor, dev->device, dev->subvendor, dev->subdevice,
        dev->class_code >> 8, dev->class_code & 0xff, prog_if);
}

static int add_device(struct scan *scan, struct xpci_error *err)
{
    struct xpci_device *dev = xpci_array_add(scan->inv->dev, scan->inv->n);
    struct space *space = &scan->space;
    struct pci_dev *pdev = space->pdev;

    xpci_need(dev, err);
    /* of a host what the reader gets, the rest as it is asked for */
    for (int n = 256; !scan->dump && n && !space->bytes; n = n > 64 ? 64 : 0) {
        if (pci_read_block(pdev, 0, space->data, n))
            space->bytes = (size_t)n;
    }
    pci_setup_cache(pdev, space->data, (int)space->bytes);
    *dev = (struct xpci_device){
        .bdf = { (uint32_t)pdev->domain, pdev->bus, pdev->dev, pdev->func },
        .parent = XPCI_NO_PARENT,
        .bytes = scan->dump ? (uint16_t)space->bytes : 0,
    };
    if (!space->bytes)
        return xpci_error_set(
            err, EIO, "cannot read the configuration space of " XPCI_BDF_FMT,
            XPCI_BDF_ARGS(dev->bdf));
    xpci_try(identify(pdev, dev, err));
    read_config(space, scan->inv->brief, dev);
    return 0;
}

static int scan_sysfs(struct scan *scan, struct xpci_error *err)
{
    pci_scan_bus(scan->acc);
    for (struct pci_dev *p = scan->acc->devices; p; p = p->next) {
        scan->space = (struct space){ .pdev = p };
        xpci_try(add_device(scan, err));
    }
    return 0;
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
        if (pos++ != space->bytes || pos > sizeof(space->data))
            return false;
        space->data[space->bytes++] = (uint8_t)(digit(p[1]) << 4 | digit(p[2]));
    }
    return p[strspn(p, " \r")] == '\n';
}

static int end_device(struct scan *scan, struct xpci_error *err)
{
    struct space *space = &scan->space;
    struct pci_dev *pdev = space->pdev;
    int ret = 0;

    if (pdev && space->bytes < 64)
        ret =
            xpci_error_set(err, EINVAL,
                           "'%s' has only %zu bytes of %04x:%02x:%02x.%x; "
                           "make it with 'lspci -D -xxxx' as root",
                           scan->path, space->bytes, (unsigned int)pdev->domain,
                           pdev->bus, pdev->dev, pdev->func);
    else if (pdev)
        ret = add_device(scan, err);
    if (pdev)
        pci_free_dev(pdev);
    *space = (struct space){ 0 };
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
    else if (is_row(p))
        damage = read_row(p, &scan->space) ? NULL : "the row is damaged";
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
        xpci_need(dev->name, err);
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
    return ret < 0 || scan->inv->brief ? ret : add_names(scan, err);
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
