/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dracut (Fedora, RHEL, SUSE, Gentoo, and Debian's package of that name).
 *
 * The script becomes a pre-udev hook by dracut-module.sh, which is installed
 * with xpci: where an image has its hooks is dracut's own business, /usr/lib or
 * in newer releases /var/lib, and only inst_hook knows. Of its directory dracut
 * itself reads but *.conf. Where systemd is the image's init, hooks are run by
 * services of dracut's module dracut-systemd, which can be left out.
 *
 * A generic image gets nothing of /etc/modprobe.d by itself, hence
 * install_optional_items. force_drivers puts the module in and has it loaded
 * before udev's coldplug ("rd.driver.pre"); dracut wants blanks around each
 * word.
 */
#include "generator.h"

static const struct xpci_generator_file files[] = {
    { "/etc/dracut.conf.d/90-xpci.conf",
      "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
      "force_drivers+=\" xen-pciback \"\n"
      "install_optional_items+=\" /etc/modprobe.d/xpci.conf \"\n",
      0644 },
    { NULL, NULL, 0 },
};

static const struct xpci_generator_seize seize = {
    .path = "/etc/dracut.conf.d/xpci.sh",
    .inside = "lib/dracut/hooks/pre-udev/00-xpci.sh",
    .runner = "*bin/dracut-pre-udev",
    .needs = "/usr/lib/dracut/modules.d/90xpci/module-setup.sh",
};

/* as lsinitrd looks for them: Fedora, SUSE, Debian, kernel-install */
static const char *const images[] = {
    "/boot/initramfs-%s.img",
    "/boot/initrd-%s.img",
    "/boot/initrd-%s",
    "/boot/initrd.img-%s",
    "/efi/%m/%s/initrd",
    "/boot/%m/%s/initrd",
    "/boot/efi/%m/%s/initrd",
    "/lib/modules/%s/initrd",
    "/efi/EFI/Linux/linux-%s-%m.efi",
    "/boot/EFI/Linux/linux-%s-%m.efi",
    "/boot/efi/EFI/Linux/linux-%s-%m.efi",
    NULL,
};

const struct xpci_generator xpci_dracut = {
    .name = "dracut",
    .program = "dracut",
    .module = "xen-pciback",
    .images = images,
    .files = files,
    .seize = &seize,
    .command = (const char *const[]){ "dracut", "-f", "%i", "%s", NULL },
    .loads =
        (const struct xpci_generator_load[]){
            { "etc/cmdline.d/*.conf", "rd.driver.pre=" }, { NULL, NULL } },
};
