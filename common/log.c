/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>

#include "error.h"
#include "log.h"

void xpci_log(const struct xpci_log *log, enum xpci_log_level level,
              const char *fmt, ...)
{
    _cleanup_free_ char *msg = NULL;
    va_list ap;

    if (!log || !log->fn)
        return;
    va_start(ap, fmt);
    msg = xpci_vformat(fmt, ap);
    va_end(ap);
    log->fn(log->data, level, msg ? msg : fmt);
}
