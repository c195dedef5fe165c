/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One error type for every library of xpci.
 *
 * A function that can fail returns 0 or a negative errno and fills the
 * struct xpci_error that its caller passed as the last argument. Libraries
 * never print and never exit: the error travels up, each level may put its
 * context in front of it, and main prints it once.
 *
 *     struct xpci_error err = { 0 };
 *     r = xpci_root_read(root, "/etc/xpci.conf", &buf, &err);
 *     if (r < 0)
 *         return xpci_error_wrap(err, "cannot load the configuration");
 *
 * Message style: lower case, no full stop, one line; what failed, the
 * 'quoted' object, why, and what to do where that is known.
 *
 * Ownership: the message belongs to the error; xpci_error_clear() frees it.
 * Setting an error over an old one frees the old one. A NULL err is allowed
 * everywhere and drops the message, not the return code.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cleanup.h"

/* How the failure maps to an exit status (design: "Exit status"). */
enum xpci_error_kind {
    XPCI_FAILED = 1,  /* it failed */
    XPCI_USAGE = 2,   /* the call is wrong */
    XPCI_REFUSED = 3, /* refused for safety, --force may override */
};

struct xpci_error {
    int code; /* negative errno, 0 while nothing happened */
    enum xpci_error_kind kind;
    char *msg; /* NULL only when even the message did not fit in memory */
};

/*
 * The next four fill the error with a text as of printf, and return -code.
 *
 * Sets the error; @code is a positive errno.
 */
#define xpci_error_set(err, code, ...)                                         \
    xpci_error_fill(err, XPCI_FAILED, code, __VA_ARGS__)

/* The same, followed by ": " and strerror(code). */
#define xpci_error_errno(err, code, fmt, ...)                                  \
    xpci_error_set(err, code, fmt ": %s", ##__VA_ARGS__, strerror(code))

/* The call is wrong: kind USAGE, code EINVAL. */
#define xpci_error_usage(err, ...)                                             \
    xpci_error_fill(err, XPCI_USAGE, EINVAL, __VA_ARGS__)

/* Refused for safety: kind REFUSED, code EPERM. */
#define xpci_error_refuse(err, ...)                                            \
    xpci_error_fill(err, XPCI_REFUSED, EPERM, __VA_ARGS__)

int xpci_error_fill(struct xpci_error *err, enum xpci_error_kind kind, int code,
                    const char *fmt, ...) _printf_(4, 5);

/* Out of memory, without allocating. Returns -ENOMEM. */
int xpci_error_oom(struct xpci_error *err);

/*
 * Puts "context: " in front of the message. Returns err's code; -EIO for a
 * NULL err, which has none.
 */
int xpci_error_wrap(struct xpci_error *err, const char *fmt, ...)
    _printf_(2, 3);

/* The message, never NULL. */
const char *xpci_error_text(const struct xpci_error *err);

/* Of a NULL err there is nothing to clear. */
void xpci_error_clear(struct xpci_error *err);

/*
 * asprintf(3) for texts that the caller goes on with: 0, or the error "out of
 * memory" and *out NULL.
 */
int xpci_asprintf(struct xpci_error *err, char **out, const char *fmt, ...)
    _printf_(3, 4) _must_check_;

/* The text, malloc'ed; NULL when out of memory. */
char *xpci_vformat(const char *fmt, va_list ap) _printf_(1, 0);

/* The same, of the arguments behind @fmt of the function that it stands in. */
#define xpci_format_args(fmt)                                                  \
    __extension__({                                                            \
        va_list ap_;                                                           \
        char *text_;                                                           \
        va_start(ap_, fmt);                                                    \
        text_ = xpci_vformat(fmt, ap_);                                        \
        va_end(ap_);                                                           \
        text_;                                                                 \
    })

/*
 * A step that may fail: then the calling function returns its error, and
 * releases by cleanup attributes what it has.
 */
#define xpci_try(step)                                                         \
    do {                                                                       \
        int tried_ = (step);                                                   \
        if (tried_ < 0)                                                        \
            return tried_;                                                     \
    } while (0)

/* What is there unless memory has run out: else "out of memory" is returned. */
#define xpci_need(there, err)                                                  \
    do {                                                                       \
        if (!(there))                                                          \
            return xpci_error_oom(err);                                        \
    } while (0)

#define _cleanup_error_ _cleanup_(xpci_error_clear)
