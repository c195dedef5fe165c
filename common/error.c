/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

char *xpci_vformat(const char *fmt, va_list ap)
{
    char *text;

    return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

int xpci_asprintf(struct xpci_error *err, char **out, const char *fmt, ...)
{
    *out = xpci_format_args(fmt);
    return *out ? 0 : xpci_error_oom(err);
}

int xpci_error_fill(struct xpci_error *err, enum xpci_error_kind kind, int code,
                    const char *fmt, ...)
{
    char *msg;

    if (!err)
        return -code;
    msg = xpci_format_args(fmt); /* the arguments may be of the old message */
    free(err->msg);
    *err = (struct xpci_error){ .code = -code, .kind = kind, .msg = msg };
    return -code;
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

    if (!err)
        return -EIO;
    context = xpci_format_args(fmt);
    if (context && xpci_asprintf(NULL, &msg, "%s: %s", context,
                                 xpci_error_text(err)) == 0) {
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
    if (!err)
        return;
    free(err->msg);
    *err = (struct xpci_error){ 0 };
}
