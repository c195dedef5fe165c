/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image-check.h"

void xpci_image_verdict_clear(struct xpci_image_verdict *verdict)
{
    free(verdict->reason);
    free(verdict->parts.order);
    free(verdict->parts.place);
    free(verdict->parts.modules);
    free(verdict->parts.kmod);
    *verdict = (struct xpci_image_verdict){ 0 };
}

const char *xpci_verdict_name(enum xpci_verdict verdict)
{
    static const char *const names[] = { "proven", "wrong", "unprovable" };

    return names[verdict];
}
