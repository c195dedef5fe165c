/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/mman.h>

#include "diff.h"
#include "run.h"

int xpci_diff(const char *name_a, const struct xpci_buf *a, const char *name_b,
              const struct xpci_buf *b, struct xpci_buf *out,
              struct xpci_error *err)
{
    _cleanup_close_ int fd = memfd_create("xpci-diff", MFD_CLOEXEC);
    char file_b[64];
    const char *const argv[] = {
        "diff", "-u",
        "-L",   name_a ? name_a : "/dev/null",
        "-L",   name_b ? name_b : "/dev/null",
        "-",    file_b,
        NULL,
    };
    struct xpci_run run = { .argv = argv, .input = a };
    int status;

    if (fd < 0 || (b->len && write(fd, b->data, b->len) != (ssize_t)b->len))
        return xpci_error_set(err, EIO, "cannot prepare a diff");
    /* our own descriptor, reachable for the child through /proc */
    snprintf(file_b, sizeof(file_b), "/proc/%d/fd/%d", getpid(), fd);
    status = xpci_run(&run, out, err);
    if (status > 1)
        return xpci_error_set(err, EIO, "diff failed with status %d", status);
    return status < 0 ? status : 0;
}
