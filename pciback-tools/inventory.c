/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "reserved-memory.h"
#include "scan.h"
#include "topology.h"

static int device_cmp(const void *a, const void *b)
{
    return xpci_bdf_cmp(&((const struct xpci_device *)a)->bdf,
                        &((const struct xpci_device *)b)->bdf);
}

size_t xpci_inventory_from(const struct xpci_inventory *inv, uint32_t segment,
                           uint16_t rid)
{
    size_t low = 0, high = inv->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct xpci_bdf *bdf = &inv->dev[mid].bdf;

        if (bdf->segment < segment ||
            (bdf->segment == segment && XPCI_RID(*bdf) < rid))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t xpci_inventory_at(const struct xpci_inventory *inv, uint32_t segment,
                         uint16_t rid)
{
    size_t i = xpci_inventory_from(inv, segment, rid);

    if (i == inv->n || inv->dev[i].bdf.segment != segment ||
        XPCI_RID(inv->dev[i].bdf) != rid)
        return XPCI_NO_PARENT;
    return i;
}

static int sort(struct xpci_inventory *inv, struct xpci_error *err)
{
    qsort(inv->dev, inv->n, sizeof(*inv->dev), device_cmp);
    for (size_t i = 1; i < inv->n; i++) {
        if (device_cmp(&inv->dev[i - 1], &inv->dev[i]) == 0)
            return xpci_error_set(err, EINVAL,
                                  "device " XPCI_BDF_FMT " is there twice",
                                  XPCI_BDF_ARGS(inv->dev[i].bdf));
    }
    return 0;
}

/* The name of the driver a device is bound to, from its sysfs link. */
static int read_driver(const struct xpci_root *root, struct xpci_device *dev,
                       struct xpci_error *err)
{
    _cleanup_free_ char *target = NULL;
    const char *slash;
    char path[80];
    int ret;

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/" XPCI_BDF_FMT "/driver",
             XPCI_BDF_ARGS(dev->bdf));
    ret = xpci_root_readlink(root, path, &target);
    if (ret == -ENOENT)
        return 0;
    if (ret < 0)
        return xpci_error_errno(err, -ret, "cannot read '%s%s'",
                                xpci_root_dir(root), path);
    slash = strrchr(target, '/');
    dev->driver = strdup(slash ? slash + 1 : target);
    return dev->driver ? 0 : xpci_error_oom(err);
}

static int read_sysfs(const struct xpci_root *root, struct xpci_device *dev,
                      struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char path[80];
    int ret;
    bool found;

    ret = read_driver(root, dev, err);
    if (ret < 0)
        return ret;
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/" XPCI_BDF_FMT "/physfn",
             XPCI_BDF_ARGS(dev->bdf));
    dev->virtual_func = xpci_root_exists(root, path);
    memcpy(strrchr(path, '/'), "/modalias", sizeof("/modalias"));
    ret = xpci_root_read_optional(root, path, &text, &found, err);
    if (ret < 0 || !found)
        return ret;
    text.data[strcspn(text.data, "\n")] = '\0';
    free(dev->modalias);
    dev->modalias = xpci_buf_steal(&text);
    return dev->modalias ? 0 : xpci_error_oom(err);
}

/*
 * libpci is given a path of the host. What it reads there must be what the
 * same name is inside the root, or a link could lead out of the tree; and a
 * file, or reading it could hang.
 */
static int check_inside(const struct xpci_root *root, const char *device,
                        const char *file, struct xpci_error *err)
{
    struct stat in = { 0 }, out = { 0 };
    char path[PATH_MAX];
    const char *inside = path + strlen(xpci_root_dir(root));
    int len = snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s%s",
                       xpci_root_dir(root), device, file);
    bool here, there;

    if (len >= (int)sizeof(path))
        return xpci_error_set(err, ENAMETOOLONG, "'%s' is too long", path);
    here = xpci_root_stat(root, inside, &in) == 0;
    there = stat(path, &out) == 0;
    if (!here && !there)
        return 0; /* libpci knows what it can do without */
    if (in.st_ino != out.st_ino || in.st_dev != out.st_dev)
        return xpci_error_set(err, EXDEV, "'%s' leads out of the root", path);
    if (!S_ISREG(in.st_mode) && *file)
        return xpci_error_set(err, EINVAL, "'%s' is not a regular file", path);
    return 0;
}

static int check_tree(const struct xpci_root *root, struct xpci_error *err)
{
    static const char *const files[] = {
        "",       "/config",   "/vendor",           "/device",
        "/class", "/revision", "/subsystem_vendor", "/subsystem_device"
    };
    _cleanup_strv_ struct xpci_strv names = { 0 };
    int ret = xpci_root_list(root, "/sys/bus/pci/devices", &names, NULL, err);

    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        for (size_t k = 0; ret == 0 && k < XPCI_ARRAY_SIZE(files); k++)
            ret = check_inside(root, names.v[i], files[k], err);
    }
    return ret;
}

int xpci_inventory_load(const struct xpci_root *root,
                        struct xpci_inventory *inv, struct xpci_error *err)
{
    _cleanup_free_ char *sysfs = NULL;
    int ret;

    if (!xpci_root_exists(root, "/sys/bus/pci/devices"))
        return xpci_error_set(err, ENODEV,
                              "there is no PCI bus under '%s/sys/bus/pci'",
                              xpci_root_dir(root));
    if (asprintf(&sysfs, "%s/sys/bus/pci", xpci_root_dir(root)) < 0) {
        sysfs = NULL;
        return xpci_error_oom(err);
    }
    ret = xpci_root_is_live(root) ? 0 : check_tree(root, err);
    if (ret == 0)
        ret = xpci_scan(XPCI_SCAN_SYSFS, sysfs, inv, err);
    if (ret == 0)
        ret = sort(inv, err);
    for (size_t i = 0; ret == 0 && i < inv->n; i++)
        ret = read_sysfs(root, &inv->dev[i], err);
    if (ret == 0) {
        xpci_topology_link(inv);
        ret = xpci_reserved_memory_load(root, inv, err);
    }
    if (ret < 0)
        xpci_inventory_clear(inv);
    return ret;
}

int xpci_inventory_load_dump(const char *file, struct xpci_inventory *inv,
                             struct xpci_error *err)
{
    int ret = xpci_scan(XPCI_SCAN_DUMP, file, inv, err);

    if (ret == 0 && inv->n == 0)
        ret = xpci_error_set(err, EINVAL,
                             "'%s' holds no device; make it with "
                             "'lspci -D -xxxx'",
                             file);
    if (ret == 0)
        ret = sort(inv, err);
    if (ret == 0)
        xpci_topology_link(inv);
    if (ret < 0)
        xpci_inventory_clear(inv);
    return ret;
}

void xpci_inventory_clear(struct xpci_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        free(inv->dev[i].driver);
        free(inv->dev[i].modalias);
        free(inv->dev[i].name);
    }
    free(inv->dev);
    free(inv->region);
    *inv = (struct xpci_inventory){ 0 };
}

const struct xpci_device *xpci_inventory_find(const struct xpci_inventory *inv,
                                              const struct xpci_bdf *bdf)
{
    size_t i = xpci_inventory_at(inv, bdf->segment, XPCI_RID(*bdf));

    return i == XPCI_NO_PARENT ? NULL : &inv->dev[i];
}

bool xpci_device_listed(const struct xpci_device *dev, uint16_t vendor,
                        const char *ids)
{
    unsigned long first, last;
    char *p;

    if (dev->vendor != vendor)
        return false;
    do {
        first = last = strtoul(ids, &p, 16);
        if (*p == '-')
            last = strtoul(p + 1, &p, 16);
        if (first <= dev->device && dev->device <= last)
            return true;
        ids = p;
    } while (*p);
    return false;
}

bool xpci_device_is_bridge(const struct xpci_device *dev)
{
    return dev->header == 1 || dev->header == 2 || dev->class_code >> 8 == 0x06;
}

int xpci_device_path(const struct xpci_inventory *inv,
                     const struct xpci_device *dev, char **out)
{
    _cleanup_free_ char *tail = strdup("");

    while (tail && dev->parent != XPCI_NO_PARENT) {
        char *longer = NULL;

        if (asprintf(&longer, "/%02x.%x%s", dev->bdf.slot, dev->bdf.func,
                     tail) < 0)
            longer = NULL;
        free(tail);
        tail = longer;
        dev = &inv->dev[dev->parent];
    }
    if (!tail ||
        asprintf(out, XPCI_BDF_FMT "%s", XPCI_BDF_ARGS(dev->bdf), tail) < 0)
        return -ENOMEM;
    return 0;
}

static int select_path(const struct xpci_inventory *inv, const char *text,
                       size_t *idx, size_t *n, struct xpci_error *err)
{
    for (size_t i = 0; i < inv->n; i++) {
        _cleanup_free_ char *path = NULL;

        if (xpci_device_path(inv, &inv->dev[i], &path) < 0)
            return xpci_error_oom(err);
        if (!strcmp(path, text)) {
            idx[(*n)++] = i;
            return 0;
        }
    }
    return xpci_error_set(err, ENODEV, "no device has the path '%s'", text);
}

/* "bb:dd.f" and the like; a path is anything with a slash. */
static int parse_name(const char *text, struct xpci_bdf_pattern *pat,
                      struct xpci_error *err)
{
    int ret = xpci_bdf_pattern_parse(text, pat);

    if (ret == -ERANGE)
        return xpci_error_usage(err,
                                "'%s' is no PCI address: slots end at 1f, "
                                "functions at 7",
                                text);
    if (ret < 0)
        return xpci_error_usage(err,
                                "'%s' is no PCI address; write it as 03:02.0 "
                                "or 0000:03:02.0, or 03:02.* for all "
                                "functions",
                                text);
    return 0;
}

int xpci_device_check_name(const char *text, struct xpci_error *err)
{
    struct xpci_bdf_pattern pat;

    return strchr(text, '/') ? 0 : parse_name(text, &pat, err);
}

int xpci_inventory_select(const struct xpci_inventory *inv, const char *text,
                          size_t *idx, size_t *n, struct xpci_error *err)
{
    struct xpci_bdf_pattern pat;
    size_t before = *n;
    int ret;

    if (strchr(text, '/'))
        return select_path(inv, text, idx, n, err);
    ret = parse_name(text, &pat, err);
    if (ret < 0)
        return ret;
    for (size_t i = 0; i < inv->n; i++) {
        if (xpci_bdf_matches(&pat, &inv->dev[i].bdf))
            idx[(*n)++] = i;
    }
    if (*n == before)
        return xpci_error_set(err, ENODEV,
                              "there is no device '%s'; 'xpci list' shows "
                              "those that are",
                              text);
    return 0;
}
