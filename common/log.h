/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a library talks while it works: through a callback of its caller.
 *
 * Errors do not go here (error.h); this is for what an operator wants to
 * follow: warnings, notes, and the progress of anything over a second.
 * A NULL log drops everything.
 */
#pragma once

#include "cleanup.h"

enum xpci_log_level {
    XPCI_LOG_WARN,  /* always shown */
    XPCI_LOG_NOTE,  /* shown unless -q */
    XPCI_LOG_DEBUG, /* shown with -v */
    XPCI_LOG_TICK,  /* a sign of life of a running step, about once a second */
};

struct xpci_log {
    void (*fn)(void *data, enum xpci_log_level level, const char *msg);
    void *data;
};

void xpci_log(const struct xpci_log *log, enum xpci_log_level level,
              const char *fmt, ...) _printf_(3, 4);
