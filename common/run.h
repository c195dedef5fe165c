/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that executes programs: an argument vector, never a shell.
 *
 *     const char *const argv[] = { "update-initramfs", "-u", NULL };
 *     struct xpci_run run = { .argv = argv, .root = root, .log = log };
 *     status = xpci_run(&run, &output, err);
 *
 * The program is looked up in the system directories, not in the caller's
 * PATH; its locale is C, its standard input is what it is given, or /dev/null.
 * With a root that is not the live one it runs chrooted there (needs root);
 * none runs in a recording. stdout and stderr both go into the output buffer.
 *
 * Returns the exit status (0 to 255; 128 + N after signal N), or -errno
 * with a message if the program could not be run, or -EINTR if a signal that
 * is held (interrupt.h) came: then the program and all it started are gone.
 */
#pragma once

#include "log.h"
#include "root.h"

struct xpci_run {
    const char *const *argv;
    const struct xpci_root *root; /* NULL: the live system */
    const struct xpci_log *log;   /* gets a TICK a second; may be NULL */
    const char *what;             /* for the ticks: "rebuilding ..." */
    const struct xpci_buf *input; /* NULL: none */
};

int xpci_run(const struct xpci_run *run, struct xpci_buf *output,
             struct xpci_error *err) _must_check_;

/* True if the program exists in the system directories of @root. */
bool xpci_run_exists(const struct xpci_root *root, const char *program);
