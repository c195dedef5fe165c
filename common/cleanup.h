/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cleanup attributes: a local resource is released when it leaves scope.
 *
 *     _cleanup_free_ char *name = NULL;      always initialised at declaration
 *     ...
 *     return xpci_steal(name);               hands the resource to the caller,
 *                                            also a struct that holds some
 *
 * Types with their own destructor define their attribute beside it, e.g.
 * _cleanup_buf_ in buf.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <dirent.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void xpci_cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void xpci_cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Defines RELEASE_ptr(), which releases what a variable points to, if any. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in them */
#define XPCI_CLEANUP_PTR(type, release)                                        \
    static inline void release##_ptr(type *p)                                  \
    {                                                                          \
        if (*p)                                                                \
            release(*p);                                                       \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

XPCI_CLEANUP_PTR(FILE *, fclose)
XPCI_CLEANUP_PTR(DIR *, closedir)

#define _cleanup_free_ _cleanup_(xpci_cleanup_free)
#define _cleanup_close_ _cleanup_(xpci_cleanup_close)
#define _cleanup_fclose_ _cleanup_(fclose_ptr)
#define _cleanup_closedir_ _cleanup_(closedir_ptr)

#define xpci_steal(var)                                                        \
    __extension__({                                                            \
        __typeof__(var) stolen_ = (var);                                       \
        (var) = (__typeof__(var)){ 0 };                                        \
        stolen_;                                                               \
    })

#define xpci_steal_fd(fd)                                                      \
    __extension__({                                                            \
        int stolen_ = (fd);                                                    \
        (fd) = -1;                                                             \
        stolen_;                                                               \
    })

#define XPCI_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
