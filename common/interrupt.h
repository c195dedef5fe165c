/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that must not be left half-made holds off the signals that would
 * end the process, and looks at them where it can still turn back.
 *
 *     _cleanup_interrupt_ struct xpci_interrupt held;
 *     xpci_interrupt_hold(&held);
 *     ... a step; then: if (xpci_interrupted()) put things back ...
 *
 * Held are INT, TERM, HUP and QUIT; PIPE is ignored. A program that runs
 * meanwhile (run.h) is ended by the signal, and xpci_run() fails with EINTR.
 * A hold within another one changes nothing. In a single-threaded process.
 */
#pragma once

#include <signal.h>

#include "error.h"

#define XPCI_INTERRUPT_SIGNALS 5

struct xpci_interrupt {
    struct sigaction old[XPCI_INTERRUPT_SIGNALS];
};

void xpci_interrupt_hold(struct xpci_interrupt *held);
void xpci_interrupt_release(const struct xpci_interrupt *held);
#define _cleanup_interrupt_ _cleanup_(xpci_interrupt_release)

/*
 * The one state that a plugin shares with the program: both ask the program's
 * functions, by their names, not those in the plugin's copy of this module.
 */
#define _of_program_ __attribute__((visibility("default")))

/* The signal that came since the hold, or 0. */
_of_program_ int xpci_interrupted(void);

/* 0, or -EINTR and "interrupted by a signal". */
_of_program_ int xpci_interrupt_check(struct xpci_error *err) _must_check_;

/* In a forked child: the signals end it again. */
void xpci_interrupt_reset(void);
