/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * initramfs-tools (Debian, Ubuntu and others).
 *
 * /etc/modprobe.d is copied into every image, so options and softdeps get
 * there by themselves; the hook puts the module in, also where no native
 * driver of a hidden device is in the image, and has it loaded. That load
 * comes after udev's coldplug: it is the softdep that wins the race, the
 * load that seizes devices no driver of the image wants.
 */
#include "generator.h"

static const struct xpci_generator_file files[] = {
    { "/etc/initramfs-tools/hooks/xpci",
      "#!/bin/sh\n"
      "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
      "if [ \"$1\" = prereqs ]; then\n"
      "    exit 0\n"
      "fi\n"
      ". /usr/share/initramfs-tools/hook-functions\n"
      "manual_add_modules xen-pciback\n"
      "force_load xen-pciback\n",
      0755 },
    { NULL, NULL, 0 },
};

const struct xpci_generator xpci_initramfs_tools = {
    .name = "initramfs-tools",
    .program = "update-initramfs",
    .mark = "/usr/share/initramfs-tools/hook-functions",
    .images = (const char *const[]){ "/boot/initrd.img-%s", NULL },
    .files = files,
    .command =
        (const char *const[]){ "update-initramfs", "-u", "-k", "%s", NULL },
    .loads = (const struct xpci_generator_load[]){ { "conf/modules", "" },
                                                   { NULL, NULL } },
    .leftovers = (const char *const[]){ ".new", ".dpkg-bak", NULL },
};
