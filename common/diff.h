/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unified diffs, made by diff(1). */
#pragma once

#include "buf.h"
#include "error.h"

/* Appends the diff of @a to @b; a NULL name is a file that is not there. */
int xpci_diff(const char *name_a, const struct xpci_buf *a, const char *name_b,
              const struct xpci_buf *b, struct xpci_buf *out,
              struct xpci_error *err) _must_check_;
