/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into xpci: FAIL_CHROOT, a tree, is the running system, and what is
 * written to its /sys/bus/pci has an effect, in so far as xpci knows of it.
 * Calls fail, or are the last, as with fail-at.c.
 */
#include <string.h>

#include "fail-at.c"

static int proc = -1; /* that of the system outside */

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void device_file(const char *bdf, const char *name, char out[200])
{
    snprintf(out, 200, "/sys/bus/pci/devices/%s/%s", bdf, name);
}

static int bind_to(const char *driver, const char *bdf)
{
    char path[200], target[100], want[32] = "";
    FILE *f;

    device_file(bdf, "driver_override", path);
    f = fopen(path, "re");
    if (!f || fscanf(f, "%31s", want) != 1)
        want[0] = '\0';
    if (f)
        fclose(f);
    if (strcmp(want, driver) != 0 &&
        (!strcmp(driver, "pciback") || strcmp(want, "(null)") != 0))
        return ENODEV;
    snprintf(target, sizeof(target), "../../drivers/%s", driver);
    device_file(bdf, "driver", path);
    return symlink(target, path) < 0 ? EBUSY : 0;
}

/* pciback knows it of the devices that it has. */
static int forget_permissive(const char *bdf)
{
    static const char file[] = "/sys/bus/pci/drivers/pciback/permissive";
    char text[4096] = "", *at;
    FILE *f = fopen(file, "re");

    if (f) {
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        fclose(f);
    }
    at = strstr(text, bdf);
    if (!at)
        return 0;
    memmove(at, at + strlen(bdf) + 1, strlen(at + strlen(bdf)));
    f = fopen(file, "we");
    if (!f)
        return EIO;
    fputs(text, f);
    return fclose(f) == 0 ? 0 : EIO;
}

static int note_permissive(const char *bdf)
{
    FILE *f = fopen("/sys/bus/pci/drivers/pciback/permissive", "ae");

    if (!f)
        return errno;
    fprintf(f, "%s\n", bdf);
    return fclose(f) == 0 ? 0 : EIO;
}

static int unbind_from(const char *driver, const char *bdf)
{
    char path[200], link[200];
    ssize_t len;

    device_file(bdf, "driver", path);
    len = readlink(path, link, sizeof(link) - 1);
    link[len > 0 ? len : 0] = '\0';
    if (strcmp(base(link), driver) != 0 || unlink(path) < 0)
        return ENODEV;
    return strcmp(driver, "pciback") != 0 ? 0 : forget_permissive(bdf);
}

static int set_override(const char *path, const char *value)
{
    FILE *f = fopen(path, "we");

    if (!f)
        return errno;
    fprintf(f, "%s\n", *value ? value : "(null)");
    return fclose(f) == 0 ? 0 : EIO;
}

/* What the kernel says to a write: 0 or errno. */
static int answer(char *path, const char *value)
{
    const char *file = base(path), *driver;

    if (!strcmp(file, "driver_override"))
        return set_override(path, value);
    if (!strcmp(file, "drivers_probe"))
        return bind_to(strcmp(value, "0000:03:02.0") ? "8139cp" : "e1000",
                       value);
    path[file - path - 1] = '\0';
    driver = base(path);
    return !strcmp(file, "bind")          ? bind_to(driver, value)
           : !strcmp(file, "unbind")      ? unbind_from(driver, value)
           : !strcmp(file, "permissive")  ? note_permissive(value)
           : !strcmp(file, "remove_slot") ? ENOENT
                                          : EIO;
}

static ssize_t write_to(int fd, const void *data, size_t len)
{
    char link[32], path[300], value[64];
    ssize_t n;

    snprintf(link, sizeof(link), "self/fd/%d", fd);
    n = readlinkat(proc, link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    if (strncmp(path, "/sys/", 5) != 0)
        return syscall(SYS_write, fd, data, len);
    snprintf(value, sizeof(value), "%.*s", (int)len - 1, (const char *)data);
    errno = answer(path, value);
    return errno ? -1 : (ssize_t)len;
}

static void __attribute__((constructor)) enter(void)
{
    proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0 || chroot(getenv("FAIL_CHROOT")) < 0 || chdir("/") < 0)
        _exit(126);
    fail_write = write_to;
}
