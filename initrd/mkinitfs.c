/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkinitfs (Alpine Linux). Its feature "base" has modprobe.d, and its init
 * loads drivers through libkmod, which obeys softdeps; it is asked for no
 * module by name. Devices that no driver of the image wants are seized by the
 * service "modules" of the system.
 */
#include "generator.h"

static const struct xpci_generator_file files[] = {
    { "/etc/mkinitfs/features.d/xpci.modules",
      "kernel/drivers/xen/xen-pciback/*.ko*\n", 0644 },
    { "/etc/mkinitfs/mkinitfs.conf",
      "features=\"$features xpci\" # made by xpci\n", 0 },
    { "/etc/modules-load.d/xpci.conf", "xen-pciback\n", 0644 },
    { NULL, NULL, 0 },
};

const struct xpci_generator xpci_mkinitfs = {
    .name = "mkinitfs",
    .program = "mkinitfs",
    .module = "xen-pciback",
    .images = (const char *const[]){ "/boot/initramfs-%p", NULL },
    .files = files,
    .command = (const char *const[]){ "mkinitfs", "-o", "%i", "%s", NULL },
};
