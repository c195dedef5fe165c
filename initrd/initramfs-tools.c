/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * initramfs-tools (Debian, Ubuntu and others).
 *
 * Scripts are copied into every image; those of init-top run in the order
 * that mkinitramfs writes down, by name where nothing else is asked for, and
 * "udev" among them starts coldplug.
 *
 * /etc/modprobe.d is copied too, so a hide list and softdeps get there by
 * themselves. The hook puts the module in, also where no native driver of a
 * hidden device is in the image, and has it loaded. That load comes after
 * coldplug: of a hide list it is the softdep that wins the race, the load that
 * seizes devices no driver of the image wants.
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

static const struct xpci_generator_seize seize = {
    .path = "/etc/initramfs-tools/scripts/init-top/00-xpci",
    .inside = "scripts/init-top/00-xpci",
    .order = "scripts/init-top/ORDER",
    .before = "/scripts/init-top/udev ",
    .line = "/scripts/init-top/00-xpci \"$@\"\n",
};

const struct xpci_generator xpci_initramfs_tools = {
    .name = "initramfs-tools",
    .program = "update-initramfs",
    .mark = "/usr/share/initramfs-tools/hook-functions",
    .runs_other = "dracut", /* so it is in Debian's package of dracut */
    .module = "xen-pciback",
    .images = (const char *const[]){ "/boot/initrd.img-%s", NULL },
    .files = files,
    .seize = &seize,
    .command =
        (const char *const[]){ "update-initramfs", "-u", "-k", "%s", NULL },
    .after =
        (const char *const[]){ "/etc/initramfs/post-update.d/*",
                               "/usr/share/initramfs/post-update.d/*", NULL },
    .loads = (const struct xpci_generator_load[]){ { "conf/modules", "" },
                                                   { NULL, NULL } },
    .leftovers = (const char *const[]){ ".new", ".dpkg-bak", NULL },
};
