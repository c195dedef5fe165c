/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkinitrd of Enterprise Linux 5 and Oracle VM 2. It resolves the options of
 * modprobe.d when it makes an image: its init is a list of "insmod" with
 * arguments, the preloaded modules first.
 */
#include "generator.h"

static const struct xpci_generator_file files[] = {
    { "/etc/sysconfig/mkinitrd/pciback",
      "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
      "MODULES=\"$MODULES pciback\"\n",
      0755 },
    { NULL, NULL, 0 },
};

const struct xpci_generator xpci_mkinitrd = {
    .name = "mkinitrd",
    .program = "mkinitrd",
    .module = "pciback",
    .images = (const char *const[]){ "/boot/initrd-%s.img", NULL },
    .files = files,
    .command = (const char *const[]){ "mkinitrd", "-f", "%i", "%s", NULL },
    .loads =
        (const struct xpci_generator_load[]){ { "init", "" }, { NULL, NULL } },
    .insmod = true,
};
