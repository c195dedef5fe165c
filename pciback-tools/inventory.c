/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "inventory.h"
#include "scan.h"

static int device_cmp(const void *a, const void *b)
{
    return xpci_bdf_cmp(&((const struct xpci_device *)a)->bdf,
                        &((const struct xpci_device *)b)->bdf);
}

/* The bridge whose secondary bus the device is on. */
static size_t find_parent(const struct xpci_inventory *inv,
                          const struct xpci_device *dev)
{
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *up = &inv->dev[i];

        if (up->header == 1 && up->secondary != 0 &&
            up->bdf.segment == dev->bdf.segment &&
            up->bdf.bus < up->secondary && up->secondary == dev->bdf.bus)
            return i;
    }
    return XPCI_NO_PARENT;
}

static int finish(struct xpci_inventory *inv, struct xpci_error *err)
{
    qsort(inv->dev, inv->n, sizeof(*inv->dev), device_cmp);
    for (size_t i = 0; i < inv->n; i++) {
        if (i > 0 && device_cmp(&inv->dev[i - 1], &inv->dev[i]) == 0)
            return xpci_error_set(err, EINVAL,
                                  "device " XPCI_BDF_FMT " is there twice",
                                  XPCI_BDF_ARGS(inv->dev[i].bdf));
        inv->dev[i].parent = find_parent(inv, &inv->dev[i]);
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
    ret = xpci_scan(XPCI_SCAN_SYSFS, sysfs, inv, err);
    for (size_t i = 0; ret == 0 && i < inv->n; i++)
        ret = read_sysfs(root, &inv->dev[i], err);
    if (ret == 0)
        ret = finish(inv, err);
    if (ret < 0)
        xpci_inventory_clear(inv);
    return ret;
}

int xpci_inventory_load_dump(const char *file, struct xpci_inventory *inv,
                             struct xpci_error *err)
{
    int ret;

    if (access(file, R_OK) < 0)
        return xpci_error_errno(err, errno, "cannot read '%s'", file);
    ret = xpci_scan(XPCI_SCAN_DUMP, file, inv, err);
    if (ret == 0 && inv->n == 0)
        ret = xpci_error_set(err, EINVAL,
                             "'%s' holds no device; make it with "
                             "'lspci -D -xxxx'",
                             file);
    if (ret == 0)
        ret = finish(inv, err);
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
    *inv = (struct xpci_inventory){ 0 };
}

const struct xpci_device *xpci_inventory_find(const struct xpci_inventory *inv,
                                              const struct xpci_bdf *bdf)
{
    struct xpci_device key = { .bdf = *bdf };

    if (inv->n == 0)
        return NULL;
    return bsearch(&key, inv->dev, inv->n, sizeof(*inv->dev), device_cmp);
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
