/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "bind.h"
#include "interrupt.h"
#include "run.h"

#define PCI "/sys/bus/pci/"
#define DRIVERS PCI "drivers/"
#define PCIBACK DRIVERS XPCI_PCIBACK
#define NET "/sys/class/net"

static bool is_pciback(const char *driver)
{
    return driver && !strcmp(driver, XPCI_PCIBACK);
}

int xpci_moves_add(struct xpci_moves *moves, const struct xpci_root *root,
                   const struct xpci_device *dev, const char *to,
                   struct xpci_error *err)
{
    struct xpci_move *move = xpci_list_add(moves);

    xpci_need(move && (!to || (move->to = strdup(to))), err);
    move->dev = dev;
    return xpci_device_driver(root, dev, &move->from, err);
}

void xpci_moves_clear(struct xpci_moves *moves)
{
    xpci_list_clear(moves, move, free(move->from), free(move->to));
}

/* File and value of the next write. */
static int push(struct xpci_strv *out, const char *value, const char *dir,
                const char *mid, const char *file)
{
    int ret = xpci_strv_printf(out, "%s%s%s", dir, mid, file);

    return ret < 0 ? ret : xpci_strv_add(out, value);
}

/*
 * The writes that bring the device to driver @to (NULL: to any, "": to none)
 * from where it is now.
 */
static int find_writes(const struct xpci_root *root,
                       const struct xpci_device *dev, const char *to,
                       struct xpci_strv *out, struct xpci_error *err)
{
    _cleanup_free_ char *from = NULL;
    char bdf[XPCI_BDF_SIZE], dir[XPCI_DEVICE_FILE_SIZE];
    char override[XPCI_DEVICE_FILE_SIZE];
    bool there;
    int ret = 0;

    xpci_try(xpci_device_driver(root, dev, &from, err));
    there = to && !strcmp(from ? from : "", to);
    xpci_bdf_format(&dev->bdf, bdf);
    xpci_device_file(dev, "", dir);
    xpci_device_file(dev, "driver_override", override);
    /* the name comes before another driver lets go, and goes after pciback */
    if (is_pciback(from) && !there)
        ret = push(out, bdf, dir, "", "driver/unbind");
    if (ret == 0 && xpci_root_exists(root, override))
        ret = push(out, is_pciback(to) ? to : "", override, "", "");
    else if (ret == 0 && is_pciback(to))
        ret = push(out, bdf, PCIBACK, "", "/new_slot");
    if (ret == 0 && from && !is_pciback(from) && !there)
        ret = push(out, bdf, dir, "", "driver/unbind");
    /* else pciback would be asked first when the device is offered around */
    if (ret == 0 && is_pciback(from) && !there)
        ret = push(out, bdf, PCIBACK, "", "/remove_slot");
    if (ret == 0 && !to)
        ret = push(out, bdf, PCI, "", "drivers_probe");
    else if (ret == 0 && *to && !there)
        ret = push(out, bdf, DRIVERS, to, "/bind");
    return ret < 0 ? xpci_error_oom(err) : 0;
}

static int write_file(const struct xpci_root *root, const char *file,
                      const char *value)
{
    _cleanup_close_ int fd = xpci_root_open(root, file, O_WRONLY, 0);
    char line[256]; /* of at least a newline: nothing would be no write */
    int len = snprintf(line, sizeof(line), "%s\n", value);

    if (fd < 0)
        return fd;
    if ((size_t)len >= sizeof(line))
        return -ENAMETOOLONG;
    return write(fd, line, (size_t)len) < 0 ? -errno : 0;
}

/* The kernel's answers, up to the first that is no. */
static int write_all(const struct xpci_root *root,
                     const struct xpci_strv *writes, struct xpci_error *err)
{
    for (size_t i = 0; i < writes->n; i += 2) {
        const char *file = writes->v[i], *value = writes->v[i + 1];
        int ret = write_file(root, file, value);

        /* a device that pciback had by driver_override may have none */
        if (ret < 0 && strcmp(file, PCIBACK "/remove_slot") != 0)
            return xpci_error_errno(err, -ret, "cannot write '%s' to '%s%s'",
                                    value, xpci_root_dir(root), file);
    }
    return 0;
}

/* By a module's name or a device's; what comes of it is seen in sysfs. */
static void modprobe(const struct xpci_root *root, const struct xpci_log *log,
                     const char *name)
{
    const char *const argv[] = { "modprobe", "-q", name, NULL };
    const struct xpci_run run = { .argv = argv, .root = root, .log = log };
    _cleanup_buf_ struct xpci_buf output = { 0 };

    if (xpci_run(&run, &output, NULL) < 0)
        xpci_log(log, XPCI_LOG_DEBUG, "modprobe cannot be run");
}

static bool is_loaded(const struct xpci_root *root, const char *driver)
{
    char dir[300];

    return (size_t)snprintf(dir, sizeof(dir), DRIVERS "%s", driver) <
               sizeof(dir) &&
           xpci_root_exists(root, dir);
}

int xpci_pciback_load(const struct xpci_root *root, const struct xpci_log *log,
                      struct xpci_error *err)
{
    if (!is_loaded(root, XPCI_PCIBACK))
        modprobe(root, log, "xen-pciback");
    return is_loaded(root, XPCI_PCIBACK)
               ? 0
               : xpci_error_set(err, ENODEV,
                                "xen-pciback does not load, which takes "
                                "devices in a Xen dom0 only; without --now "
                                "the next boots do");
}

/* One device to driver @to, and the look whether it is there. */
static int move_to(const struct xpci_root *root, const struct xpci_log *log,
                   const struct xpci_device *dev, const char *to,
                   struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv writes = { 0 };
    _cleanup_free_ char *now = NULL;
    int ret;

    if ((!to || (*to && !is_loaded(root, to))) && dev->modalias)
        modprobe(root, log, dev->modalias);
    /* of another kernel, or a module that is gone */
    if (to && *to && !is_loaded(root, to))
        to = NULL;
    xpci_try(find_writes(root, dev, to, &writes, err));
    ret = write_all(root, &writes, err);
    xpci_try(xpci_device_driver(root, dev, &now, NULL));
    /* what a write failed at, udev may have done before it */
    if (to ? !strcmp(now ? now : "", to) : ret == 0 && !is_pciback(now))
        return 0;
    if (ret == 0)
        xpci_error_set(err, EIO, "the kernel left it with %s",
                       now ? now : "no driver");
    xpci_error_wrap(
        err, XPCI_BDF_FMT " does not get %s%s", XPCI_BDF_ARGS(dev->bdf),
        to && !*to ? "rid of its driver" : "to ", to ? to : "a driver of dom0");
    return -EIO;
}

int xpci_pciback_permissive(const struct xpci_root *root,
                            const struct xpci_device *dev,
                            struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf list = { 0 };
    char bdf[XPCI_BDF_SIZE];

    xpci_try(
        xpci_root_read_optional(root, XPCI_PERMISSIVE_PATH, &list, NULL, err));
    return list.len && strstr(list.data, xpci_bdf_format(&dev->bdf, bdf));
}

int xpci_pciback_permit(const struct xpci_root *root,
                        const struct xpci_device *dev, struct xpci_error *err)
{
    char bdf[XPCI_BDF_SIZE];
    int ret =
        write_file(root, XPCI_PERMISSIVE_PATH, xpci_bdf_format(&dev->bdf, bdf));

    return ret < 0 ? xpci_error_errno(err, -ret,
                                      "cannot make %s permissive in '%s'", bdf,
                                      XPCI_PERMISSIVE_PATH)
                   : 0;
}

int xpci_pciback_renew(const struct xpci_root *root, const struct xpci_log *log,
                       const struct xpci_device *dev, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf was = { 0 };
    char override[XPCI_DEVICE_FILE_SIZE];

    xpci_device_file(dev, "driver_override", override);
    xpci_try(xpci_root_read_optional(root, override, &was, NULL, err));
    if (move_to(root, log, dev, "", err) == 0) {
        xpci_try(move_to(root, log, dev, XPCI_PCIBACK, err));
        /* xl took it by a slot, and does not clear what it does not know */
        if (was.len && strcmp(was.data, XPCI_PCIBACK "\n") != 0)
            (void)write_file(root, override, "");
        return 0;
    }
    move_to(root, log, dev, XPCI_PCIBACK, NULL); /* as it was */
    return xpci_error_wrap(
        err, "pciback keeps what it knows of the last guest of " XPCI_BDF_FMT,
        XPCI_BDF_ARGS(dev->bdf));
}

int xpci_moves_undo(const struct xpci_moves *moves,
                    const struct xpci_root *root, const struct xpci_log *log,
                    struct xpci_error *err)
{
    int ret = 0;

    for (size_t n = moves->n; n-- > 0;) {
        const struct xpci_move *m = &moves->v[n];

        if (move_to(root, log, m->dev, m->from ? m->from : "", err) < 0)
            ret = -ENOTRECOVERABLE;
    }
    return ret;
}

int xpci_moves_make(const struct xpci_moves *moves,
                    const struct xpci_root *root, const struct xpci_log *log,
                    struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error back = { 0 };
    int ret = 0;

    for (size_t i = 0; i < moves->n && ret == 0; i++) {
        ret = xpci_interrupt_check(err);
        if (ret == 0)
            ret = move_to(root, log, moves->v[i].dev, moves->v[i].to, err);
        /* all: what Xen gave to dom0 before has left pciback with that */
        if (ret < 0 && xpci_moves_undo(moves, root, log, &back) < 0) {
            xpci_error_wrap(err, "%s; after", xpci_error_text(&back));
            ret = -ENOTRECOVERABLE;
        }
    }
    return ret;
}

int xpci_moves_print(const struct xpci_moves *moves,
                     const struct xpci_root *root, struct xpci_buf *out,
                     struct xpci_error *err)
{
    for (size_t i = 0; i < moves->n; i++) {
        const struct xpci_move *m = &moves->v[i];
        _cleanup_strv_ struct xpci_strv writes = { 0 };
        const char *module =
            is_pciback(m->to) ? "xen-pciback" : m->dev->modalias;
        int ret = 0;

        if ((!m->to || !is_loaded(root, m->to)) && module &&
            !(i && is_pciback(m->to)))
            ret = xpci_buf_printf(out, "run: modprobe -q %s\n", module);
        xpci_try(find_writes(root, m->dev, m->to, &writes, err));
        for (size_t k = 0; ret == 0 && k < writes.n; k += 2)
            ret = xpci_buf_printf(out, "write: %s %s\n", writes.v[k],
                                  *writes.v[k + 1] ? writes.v[k + 1] : "''");
        xpci_need(ret == 0, err);
    }
    return 0;
}

/* An interface of the device that is up; class/net has links to all. */
static int find_up(const struct xpci_root *root, const struct xpci_device *dev,
                   const char *name, char **why, struct xpci_error *err)
{
    _cleanup_free_ char *link = NULL;
    _cleanup_buf_ struct xpci_buf flags = { 0 };
    char path[300], bdf[XPCI_BDF_SIZE + 2];
    bool found;

    snprintf(bdf, sizeof(bdf), "/" XPCI_BDF_FMT "/", XPCI_BDF_ARGS(dev->bdf));
    snprintf(path, sizeof(path), NET "/%s", name);
    if (xpci_root_readlink(root, path, &link) < 0 || !strstr(link, bdf))
        return 0;
    snprintf(path, sizeof(path), NET "/%s/flags", name);
    xpci_try(xpci_root_read_optional(root, path, &flags, &found, err));
    if (found && !(strtoul(flags.data, NULL, 16) & 1))
        return 0;
    return xpci_asprintf(err, why, "its interface '%s' is up", name);
}

int xpci_move_busy(const struct xpci_root *root, const struct xpci_device *dev,
                   char **why, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };

    *why = NULL;
    if (dev->sriov.n)
        return xpci_asprintf(err, why, "%u of its virtual functions are on",
                             dev->sriov.n);
    xpci_try(xpci_root_list(root, NET, &names, NULL, err));
    for (size_t i = 0; i < names.n && !*why; i++)
        xpci_try(find_up(root, dev, names.v[i], why, err));
    return 0;
}

/* Behind "IDENTITY " in its line: the driver; NULL: there is no such line. */
static const char *find_line(const char *lines, const char *identity)
{
    size_t len = strlen(identity);

    while (lines && *lines) {
        if (!strncmp(lines, identity, len) && lines[len] == ' ')
            return lines + len + 1;
        lines = strchrnul(lines, '\n');
        lines += *lines == '\n';
    }
    return NULL;
}

/* "PATH=IDS" */
static int find_identity(const struct xpci_inventory *inv,
                         const struct xpci_device *dev, char **out,
                         struct xpci_error *err)
{
    _cleanup_free_ char *path = NULL;

    xpci_need(xpci_device_path(inv, dev, &path) == 0, err);
    return xpci_asprintf(err, out, "%s=%04x:%04x", path, dev->vendor,
                         dev->device);
}

int xpci_moves_text(const struct xpci_moves *moves,
                    const struct xpci_inventory *inv, struct xpci_buf *out,
                    struct xpci_error *err)
{
    for (size_t i = 0; i < moves->n; i++) {
        const struct xpci_move *m = &moves->v[i];
        const char *driver = is_pciback(m->to) ? m->from : m->to;
        _cleanup_free_ char *identity = NULL;

        xpci_try(find_identity(inv, m->dev, &identity, err));
        xpci_need(xpci_buf_printf(out, "%s %s\n", identity,
                                  driver ? driver : "") == 0,
                  err);
    }
    return 0;
}

int xpci_drivers_find(const char *lines, const struct xpci_inventory *inv,
                      const struct xpci_device *dev, char **driver,
                      struct xpci_error *err)
{
    _cleanup_free_ char *identity = NULL;
    const char *name;

    *driver = NULL;
    xpci_try(find_identity(inv, dev, &identity, err));
    name = find_line(lines, identity);
    return name ? xpci_asprintf(err, driver, "%.*s", (int)strcspn(name, "\n"),
                                name)
                : 0;
}

int xpci_drivers_text(const struct xpci_root *root,
                      const struct xpci_hide_conf *conf,
                      const struct xpci_inventory *inv, struct xpci_buf *out,
                      struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    _cleanup_buf_ struct xpci_buf old = { 0 };

    xpci_try(xpci_root_read_optional(root, XPCI_DRIVERS_PATH, &old, NULL, err));
    xpci_try(xpci_hide_conf_identities(conf, &names, err));
    for (size_t i = 0; i < names.n; i++) {
        const struct xpci_hidden *h = &conf->v[i];
        const struct xpci_device *dev = xpci_inventory_find(inv, &h->bdf);
        const char *driver = find_line(old.data, names.v[i]);

        if (h->here && dev->driver && !is_pciback(dev->driver))
            driver = dev->driver;
        xpci_need(!driver ||
                      xpci_buf_printf(out, "%s %.*s\n", names.v[i],
                                      (int)strcspn(driver, "\n"), driver) == 0,
                  err);
    }
    return 0;
}
