/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>

#include "reserved-memory.h"
#include "scan.h"
#include "topology.h"

static int device_cmp(const void *a, const void *b)
{
    return xpci_bdf_cmp(&((const struct xpci_device *)a)->bdf,
                        &((const struct xpci_device *)b)->bdf);
}

size_t xpci_inventory_from(const struct xpci_inventory *inv, uint32_t segment,
                           uint32_t rid)
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

/* Puts the devices in order, and in relation to each other. */
static int arrange(struct xpci_inventory *inv, struct xpci_error *err)
{
    qsort(inv->dev, inv->n, sizeof(*inv->dev), device_cmp);
    for (size_t i = 1; i < inv->n; i++) {
        if (device_cmp(&inv->dev[i - 1], &inv->dev[i]) == 0)
            return xpci_error_set(err, EINVAL,
                                  "device " XPCI_BDF_FMT " is there twice",
                                  XPCI_BDF_ARGS(inv->dev[i].bdf));
    }
    xpci_topology_link(inv);
    return 0;
}

char *xpci_device_file(const struct xpci_device *dev, const char *name,
                       char *out)
{
    snprintf(out, XPCI_DEVICE_FILE_SIZE,
             "/sys/bus/pci/devices/" XPCI_BDF_FMT "/%s",
             XPCI_BDF_ARGS(dev->bdf), name);
    return out;
}

int xpci_device_driver(const struct xpci_root *root,
                       const struct xpci_device *dev, char **out,
                       struct xpci_error *err)
{
    _cleanup_free_ char *link = NULL;
    char path[XPCI_DEVICE_FILE_SIZE];
    int ret =
        xpci_root_readlink(root, xpci_device_file(dev, "driver", path), &link);

    *out = NULL;
    if (ret == -ENOENT)
        return 0;
    xpci_try(xpci_root_check(root, ret, "read", path, err));
    return xpci_asprintf(err, out, "%s", basename(link));
}

/*
 * libpci is given paths of the host. What it reads there must be what the
 * same name is inside the root, or a link could lead out of the tree; and a
 * file, or reading it could hang. Libpci knows what it can do without.
 */
static int check_inside(const struct xpci_root *root, const char *device,
                        struct xpci_error *err)
{
    static const char *const files[] = {
        "",         "/config",   "/vendor",           "/device",
        "/class",   "/revision", "/subsystem_vendor", "/subsystem_device",
        "/modalias"
    };
    const char *dir = xpci_root_true_dir(root);

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(files); i++) {
        struct stat in = { 0 }, out = { 0 };
        _cleanup_free_ char *path = NULL;
        bool is_there;

        xpci_try(xpci_asprintf(err, &path, "%s/sys/bus/pci/devices/%s%s", dir,
                               device, files[i]));
        (void)stat(path, &out);
        is_there = xpci_root_stat(root, path + strlen(dir), &in) == 0;
        if (in.st_ino != out.st_ino || in.st_dev != out.st_dev)
            return xpci_error_set(err, EXDEV, "'%s%s' leads out of the root",
                                  xpci_root_dir(root), path + strlen(dir));
        if (is_there && i > 0 && !S_ISREG(in.st_mode))
            return xpci_error_set(err, EINVAL, "'%s%s' is not a regular file",
                                  xpci_root_dir(root), path + strlen(dir));
    }
    return 0;
}

int xpci_inventory_load(const struct xpci_root *root,
                        struct xpci_inventory *inv, struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory new = { .brief = inv->brief };
    _cleanup_strv_ struct xpci_strv names = { 0 };
    _cleanup_free_ char *sysfs = NULL;
    bool found;

    xpci_try(xpci_root_list(root, "/sys/bus/pci/devices", &names, &found, err));
    if (!found)
        return xpci_error_set(err, ENODEV,
                              "there is no PCI bus under '%s/sys/bus/pci'",
                              xpci_root_dir(root));
    for (size_t i = 0; i < names.n && !xpci_root_is_live(root); i++)
        xpci_try(check_inside(root, names.v[i], err));
    xpci_try(
        xpci_asprintf(err, &sysfs, "%s/sys/bus/pci", xpci_root_true_dir(root)));
    xpci_try(xpci_scan(sysfs, NULL, &new, err));
    for (size_t i = 0; i < new.n; i++) {
        struct xpci_device *dev = &new.dev[i];
        char path[XPCI_DEVICE_FILE_SIZE];

        dev->virtual_func =
            xpci_root_exists(root, xpci_device_file(dev, "physfn", path));
        xpci_try(xpci_device_driver(root, dev, &dev->driver, err));
    }
    xpci_try(arrange(&new, err));
    xpci_try(xpci_reserved_memory_load(root, &new, err));
    *inv = xpci_steal(new);
    return 0;
}

int xpci_inventory_load_dump(const char *file, struct xpci_inventory *inv,
                             struct xpci_error *err)
{
    _cleanup_inventory_ struct xpci_inventory new = { 0 };

    xpci_try(xpci_scan(NULL, file, &new, err));
    if (new.n == 0)
        return xpci_error_set(err, EINVAL,
                              "'%s' holds no device; make it with "
                              "'lspci -D -xxxx'",
                              file);
    xpci_try(arrange(&new, err));
    *inv = xpci_steal(new);
    return 0;
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
    /* an NTB or NVSwitch is an endpoint; on the board such a class is not */
    if (dev->header == 0 && dev->class_code == 0x0680 &&
        dev->parent != XPCI_NO_PARENT)
        return false;
    return dev->header == 1 || dev->header == 2 || dev->class_code >> 8 == 0x06;
}

const char *xpci_device_board(const struct xpci_device *dev)
{
    if (xpci_device_is_bridge(dev))
        return "a bridge, and pciback would take everything behind it";
    return dev->class_code == 0x0806 ? "the IOMMU, which Xen keeps" : NULL;
}

int xpci_device_path(const struct xpci_inventory *inv,
                     const struct xpci_device *dev, char **out)
{
    _cleanup_free_ char *above = NULL;

    if (dev->parent == XPCI_NO_PARENT)
        return xpci_asprintf(NULL, out, XPCI_BDF_FMT, XPCI_BDF_ARGS(dev->bdf));
    xpci_try(xpci_device_path(inv, &inv->dev[dev->parent], &above));
    return xpci_asprintf(NULL, out, "%s/%02x.%x", above, dev->bdf.slot,
                         dev->bdf.func);
}

/* "bb:dd.f" and the like; a path is anything with a slash. */
static int parse_name(const char *text, struct xpci_bdf_pattern *pat,
                      struct xpci_error *err)
{
    int ret = xpci_bdf_pattern_parse(text, pat);

    if (ret == 0)
        return 0;
    return xpci_error_usage(
        err, "'%s' is no PCI address%s", text,
        ret == -ERANGE ? ": slots end at 1f, functions at 7"
                       : "; write it as 03:02.0 or 0000:03:02.0, or 03:02.* "
                         "for all functions");
}

bool xpci_device_is_path(const char *text)
{
    for (const char *above = "";; above = "0000:00:") {
        char part[XPCI_BDF_SIZE], same[XPCI_BDF_SIZE];
        size_t len = strcspn(text, "/");
        struct xpci_bdf bdf;

        if (len >= sizeof(part) - strlen(above))
            return false;
        snprintf(part, sizeof(part), "%s%.*s", above, (int)len, text);
        if (xpci_bdf_parse(part, &bdf) < 0 ||
            strcmp(part, xpci_bdf_format(&bdf, same)) != 0)
            return false;
        if (!text[len])
            return true;
        text += len + 1;
    }
}

/* With a "/" it is meant as one. */
static int check_path(const char *text, struct xpci_error *err)
{
    return xpci_device_is_path(text)
               ? 0
               : xpci_error_usage(err,
                                  "'%s' is no path of a device; one is "
                                  "0000:00:1c.1/00.0, see 'xpci list -o "
                                  "bdf,path'",
                                  text);
}

int xpci_device_check_name(const char *text, struct xpci_error *err)
{
    struct xpci_bdf_pattern pat;

    return strchr(text, '/') ? check_path(text, err)
                             : parse_name(text, &pat, err);
}

static void add_once(size_t *idx, size_t *n, size_t dev)
{
    for (size_t i = 0; i < *n; i++) {
        if (idx[i] == dev)
            return;
    }
    idx[(*n)++] = dev;
}

int xpci_inventory_select(const struct xpci_inventory *inv, const char *text,
                          size_t *idx, size_t *n, struct xpci_error *err)
{
    bool is_path = strchr(text, '/');
    struct xpci_bdf_pattern pat;
    bool found = false;

    xpci_try(is_path ? check_path(text, err) : parse_name(text, &pat, err));
    for (size_t i = 0; i < inv->n && !(is_path && found); i++) {
        _cleanup_free_ char *path = NULL;

        if (is_path)
            xpci_need(xpci_device_path(inv, &inv->dev[i], &path) == 0, err);
        if (is_path ? strcmp(path, text) != 0
                    : !xpci_bdf_matches(&pat, &inv->dev[i].bdf))
            continue;
        found = true;
        add_once(idx, n, i);
    }
    if (!found)
        return xpci_error_set(err, ENODEV,
                              "there is no device '%s'; 'xpci list' shows "
                              "those that are",
                              text);
    return 0;
}
