/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One writer at a time. On the live system the lock is /run/lock/xpci; under
 * --root the root directory itself is locked, so that no file appears.
 *
 * xpci_lock() does not wait: a second xpci gets EBUSY with a clear message.
 * On success *fd is the lock; closing it, also by the death of the process,
 * releases it.
 */
#ifndef XPCI_LOCK_H
#define XPCI_LOCK_H

#include "root.h"

int xpci_lock(const struct xpci_root *root, int *fd,
              struct xpci_error *err) _must_check_;

#endif
