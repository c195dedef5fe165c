/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "interrupt.h"

static const int signals[XPCI_INTERRUPT_SIGNALS] = { SIGINT, SIGTERM, SIGHUP,
                                                     SIGQUIT, SIGPIPE };

/* What a signal handler may touch. */
static volatile sig_atomic_t caught;

static unsigned int depth;

static void on_signal(int number)
{
    caught = number;
}

void xpci_interrupt_hold(struct xpci_interrupt *held)
{
    if (depth++)
        return;
    caught = 0;
    for (size_t i = 0; i < XPCI_INTERRUPT_SIGNALS; i++) {
        struct sigaction action = {
            .sa_handler = signals[i] == SIGPIPE ? SIG_IGN : on_signal,
        };

        sigaction(signals[i], &action, &held->old[i]);
        /* nohup and the like stay in force */
        if (held->old[i].sa_handler == SIG_IGN)
            sigaction(signals[i], &held->old[i], NULL);
    }
}

void xpci_interrupt_release(const struct xpci_interrupt *held)
{
    if (--depth)
        return;
    for (size_t i = 0; i < XPCI_INTERRUPT_SIGNALS; i++)
        sigaction(signals[i], &held->old[i], NULL);
    caught = 0;
}

int xpci_interrupted(void)
{
    return caught;
}

int xpci_interrupt_check(struct xpci_error *err)
{
    if (!caught)
        return 0;
    return xpci_error_set(err, EINTR, "interrupted by signal %d (%s)", caught,
                          strsignal(caught));
}

void xpci_interrupt_reset(void)
{
    for (size_t i = 0; i < XPCI_INTERRUPT_SIGNALS; i++)
        signal(signals[i], SIG_DFL);
}
