/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>

#include "error.h"
#include "log.h"

void xpci_log(const struct xpci_log *log, enum xpci_log_level level,
              const char *fmt, ...)
{
    _cleanup_free_ char *msg = NULL;

    if (!log || !log->fn)
        return;
    msg = xpci_format_args(fmt);
    log->fn(log->data, level, msg ? msg : fmt);
}
