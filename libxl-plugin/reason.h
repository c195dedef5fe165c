/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reason behind a libxl code. libxl returns ERROR_FAIL for nearly
 * everything and says what happened in its log only, several lines per
 * failure: the cause, then each of its callers that "failed". This keeps the
 * line that names the cause. Pure text, no Xen.
 */
#pragma once

#include <stdbool.h>

#include "cleanup.h"

struct xpci_reason {
    char *cause;    /* the last line that names a cause */
    char *fallback; /* the last one of less than error level */
};

/*
 * Takes a log line, without libxl's "file.c:NN:function: Domain N:". Lines
 * of less than error level only count when nothing else was said.
 */
void xpci_reason_add(struct xpci_reason *reason, bool is_error,
                     const char *line);

/* The text, or NULL if nothing was said. */
const char *xpci_reason_text(const struct xpci_reason *reason);

void xpci_reason_clear(struct xpci_reason *reason);
