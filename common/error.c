/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

static int error_fill(struct xpci_error *err, enum xpci_error_kind kind,
                      int code, int with_errno, const char *fmt, va_list ap)
{
    _cleanup_free_ char *text = NULL;
    char *msg = NULL;

    if (!err)
        return -code;
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    if (!with_errno)
        msg = xpci_steal(text);
    else if (text && asprintf(&msg, "%s: %s", text, strerror(code)) < 0)
        msg = NULL;
    free(err->msg);
    *err = (struct xpci_error){ .code = -code, .kind = kind, .msg = msg };
    return -code;
}

int xpci_error_set(struct xpci_error *err, int code, const char *fmt, ...)
{
    va_list ap;
    int ret;

    va_start(ap, fmt);
    ret = error_fill(err, XPCI_FAILED, code, 0, fmt, ap);
    va_end(ap);
    return ret;
}

int xpci_error_errno(struct xpci_error *err, int code, const char *fmt, ...)
{
    va_list ap;
    int ret;

    va_start(ap, fmt);
    ret = error_fill(err, XPCI_FAILED, code, 1, fmt, ap);
    va_end(ap);
    return ret;
}

int xpci_error_usage(struct xpci_error *err, const char *fmt, ...)
{
    va_list ap;
    int ret;

    va_start(ap, fmt);
    ret = error_fill(err, XPCI_USAGE, EINVAL, 0, fmt, ap);
    va_end(ap);
    return ret;
}

int xpci_error_refuse(struct xpci_error *err, const char *fmt, ...)
{
    va_list ap;
    int ret;

    va_start(ap, fmt);
    ret = error_fill(err, XPCI_REFUSED, EPERM, 0, fmt, ap);
    va_end(ap);
    return ret;
}

int xpci_error_oom(struct xpci_error *err)
{
    if (err) {
        free(err->msg);
        *err = (struct xpci_error){ .code = -ENOMEM, .kind = XPCI_FAILED };
    }
    return -ENOMEM;
}

int xpci_error_wrap(struct xpci_error *err, const char *fmt, ...)
{
    _cleanup_free_ char *context = NULL;
    char *msg = NULL;
    va_list ap;

    if (!err)
        return -EIO;
    va_start(ap, fmt);
    if (vasprintf(&context, fmt, ap) < 0)
        context = NULL;
    va_end(ap);
    if (context &&
        asprintf(&msg, "%s: %s", context, xpci_error_text(err)) >= 0) {
        free(err->msg);
        err->msg = msg;
    }
    return err->code;
}

const char *xpci_error_text(const struct xpci_error *err)
{
    if (err->msg)
        return err->msg;
    return err->code ? strerror(-err->code) : "no error";
}

void xpci_error_clear(struct xpci_error *err)
{
    free(err->msg);
    *err = (struct xpci_error){ 0 };
}
