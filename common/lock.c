/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "atomic-file.h"
#include "changes.h"
#include "lock.h"

#define LOCK_DIR "/run/lock"
#define LOCK_PATH LOCK_DIR "/xpci"

/* The lock file, if it is one that only root can have made. */
static int open_live(const struct xpci_root *root)
{
    _cleanup_close_ int fd = xpci_root_open(
        root, LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 077))
        return -EACCES;
    return xpci_steal_fd(fd);
}

static int open_lock(const struct xpci_root *root)
{
    char id[XPCI_TEMP_ID_SIZE], aside[sizeof(LOCK_PATH "-") + sizeof(id)];
    int fd;

    if (!xpci_root_is_live(root))
        return xpci_root_open(root, "/", O_RDONLY, 0);
    fd = open_live(root);
    if (fd == -ENOENT) {
        /* newer releases of systemd do not make it; whatever the umask is */
        if (mkdir(LOCK_DIR, 0755) == 0)
            (void)chmod(LOCK_DIR, 0755);
        fd = open_live(root);
    }
    if (fd >= 0 || fd == -ENOENT)
        return fd;
    if (unlink(LOCK_PATH) == 0 || errno == ENOENT)
        return open_live(root);
    /* a directory, with who knows what in it */
    xpci_try(xpci_temp_id(id));
    snprintf(aside, sizeof(aside), LOCK_PATH "-%s", id);
    xpci_try(xpci_rename_new(AT_FDCWD, LOCK_PATH, aside));
    return open_live(root);
}

int xpci_lock(const struct xpci_root *root, const struct xpci_log *log,
              int *out, struct xpci_error *err)
{
    _cleanup_close_ int fd = -1;

    if (xpci_root_is_live(root) && geteuid() != 0) {
        *out = -1;
        return 0;
    }
    fd = open_lock(root);
    xpci_try(xpci_root_check(root, fd, "open lock",
                             xpci_root_is_live(root) ? LOCK_PATH : "/", err));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? xpci_error_set(err, EBUSY,
                                    "another xpci, or a program it started, "
                                    "is at work here; try again when it is "
                                    "done")
                   : xpci_error_errno(err, errno, "cannot lock");
    if (fcntl(fd, F_SETFD, 0) < 0)
        return xpci_error_errno(err, errno, "cannot lock");
    *out = xpci_steal_fd(fd);
    return xpci_changes_recover(root, log, err);
}
