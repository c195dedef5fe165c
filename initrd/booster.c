/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * booster (Arch Linux). Its init loads what is forced and what devices ask
 * for at the same time, and knows no softdep of modprobe.d.
 */
#include "generator.h"

const struct xpci_generator xpci_booster = {
    .name = "booster",
    .program = "booster",
    .module = "xen-pciback",
    .images = (const char *const[]){ "/boot/booster-%p.img", NULL },
    .files = (const struct xpci_generator_file[]){ { NULL, NULL, 0 } },
    .command = (const char *const[]){ "booster", "build", "--force",
                                      "--kernel-version", "%s", "%i", NULL },
    .limit = "booster loads drivers in no order, so that nothing makes "
             "xen-pciback the first; use another generator",
};
