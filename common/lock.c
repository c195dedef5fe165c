/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "lock.h"

int xpci_lock(const struct xpci_root *root, int *out, struct xpci_error *err)
{
    bool live = xpci_root_is_live(root);
    const char *path = live ? "/run/lock/xpci" : "/";
    _cleanup_close_ int fd = xpci_root_open(
        root, path, live ? O_RDWR | O_CREAT | O_NOFOLLOW : O_RDONLY, 0600);

    if (fd < 0)
        return xpci_error_errno(err, -fd, "cannot open lock '%s%s'",
                                xpci_root_dir(root), path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return xpci_error_set(err, EBUSY,
                              "another xpci is at work here; try again when "
                              "it is done");
    *out = xpci_steal_fd(fd);
    return 0;
}
