/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>

#include "diff.h"
#include "run.h"

static int memfd_of(const struct xpci_buf *buf)
{
    int fd = memfd_create("xpci-diff", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (buf->len && write(fd, buf->data, buf->len) != (ssize_t)buf->len) {
        close(fd);
        return -EIO;
    }
    return fd;
}

int xpci_diff(const char *name_a, const struct xpci_buf *a, const char *name_b,
              const struct xpci_buf *b, struct xpci_buf *out,
              struct xpci_error *err)
{
    _cleanup_close_ int fd_a = memfd_of(a), fd_b = memfd_of(b);
    char file_a[64], file_b[64];
    const char *const argv[] = {
        "diff", "-u",
        "-L",   name_a ? name_a : "/dev/null",
        "-L",   name_b ? name_b : "/dev/null",
        file_a, file_b,
        NULL,
    };
    struct xpci_run run = { .argv = argv };
    int status;

    if (fd_a < 0 || fd_b < 0)
        return xpci_error_set(err, EIO, "cannot prepare a diff");
    /* our own descriptors, reachable for the child through /proc */
    snprintf(file_a, sizeof(file_a), "/proc/%d/fd/%d", getpid(), fd_a);
    snprintf(file_b, sizeof(file_b), "/proc/%d/fd/%d", getpid(), fd_b);
    status = xpci_run(&run, out, err);
    if (status > 1)
        return xpci_error_set(err, EIO, "diff failed with status %d", status);
    return status < 0 ? status : 0;
}
