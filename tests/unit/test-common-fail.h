/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that fail on demand. A test program that includes this has
 * its own write(), fsync() and so on, which libxpci.a then uses too.
 *
 *     fail_from(k, ENOSPC);    the k-th call (from 1) fails, once
 *     ... fail_calls is how many there were since ...
 *     fail_from(0, 0);         none fails
 *     fail_hook = f;           f(k) runs at each; with 0 as code none fails
 *     fail_write = f;          does what write() does
 *     fail_renameat2, fail_linkat = 1;    as a file system without them
 */
#ifndef TEST_COMMON_FAIL_H
#define TEST_COMMON_FAIL_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef FAIL_UNLINK
#define FAIL_UNLINK 1 /* unlinkat() counts too */
#endif

static unsigned int fail_calls, fail_at;
static int fail_errno;
static size_t fail_write_max; /* longest write; 0: any */
static int fail_renameat2, fail_linkat;
static void (*fail_hook)(unsigned int call); /* called for each one */
static ssize_t (*fail_write)(int fd, const void *data, size_t len);

static void fail_from(unsigned int at, int code)
{
    fail_calls = 0;
    fail_at = at;
    fail_errno = code;
}

static int fail_now(void)
{
    ++fail_calls;
    if (fail_hook)
        fail_hook(fail_calls);
    if (fail_calls != fail_at || !fail_errno)
        return 0;
    errno = fail_errno;
    return 1;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fd > 2 && fail_now())
        return -1;
    if (fd > 2 && fail_write_max && len > fail_write_max)
        len = fail_write_max;
    return fail_write ? fail_write(fd, data, len)
                      : syscall(SYS_write, fd, data, len);
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at,
                        size_t len, unsigned int flags)
{
    return fail_now() ? -1
                      : syscall(SYS_copy_file_range, from, from_at, to, to_at,
                                len, flags);
}

int fsync(int fd)
{
    return fail_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

int syncfs(int fd)
{
    return fail_now() ? -1 : (int)syscall(SYS_syncfs, fd);
}

int fchmod(int fd, mode_t mode)
{
    return fail_now() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int renameat(int fd, const char *from, int to_fd, const char *to)
{
    return fail_now() ? -1 : (int)syscall(SYS_renameat, fd, from, to_fd, to);
}

int renameat2(int fd, const char *from, int to_fd, const char *to,
              unsigned int flags)
{
    if (fail_renameat2) {
        errno = EINVAL;
        return -1;
    }
    return fail_now() ? -1
                      : (int)syscall(SYS_renameat2, fd, from, to_fd, to, flags);
}

int linkat(int fd, const char *from, int to_fd, const char *to, int flags)
{
    if (fail_linkat) {
        errno = EPERM;
        return -1;
    }
    return fail_now() ? -1
                      : (int)syscall(SYS_linkat, fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *name, int flags)
{
    return FAIL_UNLINK && fail_now()
               ? -1
               : (int)syscall(SYS_unlinkat, fd, name, flags);
}

int mkdirat(int fd, const char *name, mode_t mode)
{
    return fail_now() ? -1 : (int)syscall(SYS_mkdirat, fd, name, mode);
}

int openat(int fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list ap;

    va_start(ap, flags);
    if (flags & O_CREAT)
        mode = va_arg(ap, mode_t);
    va_end(ap);
    if ((flags & O_CREAT) && fail_now())
        return -1;
    return (int)syscall(SYS_openat, fd, name, flags, mode);
}

#endif
