/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel module as it is on the host, below /lib/modules.
 */
#pragma once

#include "root.h"

/*
 * The module by modules.dep, uncompressed. -ENOENT if the kernel has none,
 * -EOPNOTSUPP if it needs other modules, -EBADMSG if it cannot be one.
 */
int xpci_module_file_read(const struct xpci_root *root, const char *module,
                          const char *kernel, struct xpci_buf *out,
                          struct xpci_error *err) _must_check_;
