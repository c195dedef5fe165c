/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "names.h"

/* libpci's name may end in .gz, which is taken if it is there. */
static int read_list(const char *file, struct xpci_buf *text)
{
    _cleanup_free_ char *plain = strdup(file);
    _cleanup_close_ int fd = -1;
    char *gz = plain ? strrchr(plain, '.') : NULL;

    if (gz && !strcmp(gz, ".gz")) {
        if (access(file, F_OK) == 0)
            return -1;
        *gz = '\0';
    }
    fd = plain ? open(plain, O_RDONLY | O_CLOEXEC) : -1;
    return fd < 0 ? -1 : xpci_buf_read_fd(text, fd);
}

/* Vendors begin a line, their devices stand below them behind one tab. */
static int pick(const char *line, const bool *vendor, const bool *device,
                struct xpci_buf *out)
{
    bool of_ours = false;
    int ret = 0;

    while (*line && strncmp(line, "C ", 2) && ret == 0) {
        const char *next = strchrnul(line, '\n');
        bool wanted = false;

        next += *next != '\0';
        if (isxdigit(*line))
            wanted = of_ours = vendor[strtoul(line, NULL, 16) & 0xffff];
        else if (of_ours && *line == '\t' && isxdigit(line[1]))
            wanted = device[strtoul(line, NULL, 16) & 0xffff];
        if (wanted)
            ret = xpci_buf_append(out, line, (size_t)(next - line));
        line = next;
    }
    return ret;
}

int xpci_names_pick(const char *file, const struct xpci_inventory *inv)
{
    _cleanup_buf_ struct xpci_buf text = { 0 }, out = { 0 };
    _cleanup_close_ int fd = memfd_create("pci.ids", MFD_CLOEXEC);
    bool vendor[0x10000] = { 0 }, device[0x10000] = { 0 };

    for (size_t i = 0; i < inv->n; i++)
        vendor[inv->dev[i].vendor] = device[inv->dev[i].device] = true;
    if (fd < 0 || read_list(file, &text) < 0 || !text.len ||
        pick(text.data, vendor, device, &out) < 0 ||
        write(fd, out.data, out.len) != (ssize_t)out.len)
        return -1;
    return xpci_steal_fd(fd);
}
