/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One writer at a time. On the live system the lock is /run/lock/xpci; under
 * --root the root directory itself is locked, so that no file appears.
 *
 * A file in its place that another user made is removed, a directory moved
 * aside: /run/lock is open to all. Who is not root takes no lock on the live
 * system, for it can change only its own files, and a change of those by
 * somebody else is noticed (changes.h). The lock is inherited by the programs
 * that xpci runs: a generator that outlives a killed xpci still holds it.
 *
 * What a killed xpci left half done is undone first (changes.h), and said.
 *
 * xpci_lock() does not wait: a second xpci gets EBUSY with a clear message.
 * On success *fd is the lock; closing it, also by the death of the process,
 * releases it. So it is, with an error, if what was left half done cannot be
 * undone.
 */
#pragma once

#include "log.h"
#include "root.h"

int xpci_lock(const struct xpci_root *root, const struct xpci_log *log, int *fd,
              struct xpci_error *err) _must_check_;
