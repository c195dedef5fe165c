/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkinitcpio (Arch Linux): the images of presets as packages bring them. The
 * hook "modconf" copies modprobe.d where it is used, FILES does it in any
 * case. The busybox init loads MODULES before udev's coldplug; systemd's does
 * it beside it, so there it is the softdep that wins.
 */
#include "generator.h"

static const struct xpci_generator_file files[] = {
    { "/etc/mkinitcpio.conf.d/xpci.conf",
      "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
      "MODULES+=(xen-pciback)\n"
      "FILES+=(/etc/modprobe.d/xpci.conf)\n",
      0644 },
    { NULL, NULL, 0 },
};

static const struct xpci_generator_load loads[] = {
    { "config", "MODULES=" },
    { "etc/modules-load.d/*.conf", "" },
    { "usr/lib/modules-load.d/*.conf", "" },
    { NULL, NULL },
};

/* process_preset() of mkinitcpio: "-c" of a preset makes it skip conf.d */
#define CONF "/etc/mkinitcpio.conf"

static const struct xpci_generator_refusal refusals[] = {
    { "/etc/mkinitcpio.d/*.preset", "*_config=?([\"'])" CONF "?([\"'])",
      "mkinitcpio then reads no /etc/mkinitcpio.conf.d, and what a kernel's "
      "update makes would hide nothing; comment it out",
      true },
    { "/etc/mkinitcpio.d/*.preset",
      "*_config=!(|\"\"|''|?([\"'])" CONF "?([\"']))",
      "xpci makes images of " CONF " and of what is in " CONF ".d, where that "
      "file is not read; put what it says there, and comment it out",
      false },
    { "/etc/mkinitcpio.d/*.preset",
      "*_options=!(|\"\"|''|[\"']-S autodetect[\"'])",
      "xpci makes images without such options; put what they say into " CONF
      ".d, and comment it out",
      false },
    { NULL, NULL, NULL, false },
};

const struct xpci_generator xpci_mkinitcpio = {
    .name = "mkinitcpio",
    .program = "mkinitcpio",
    .module = "xen-pciback",
    .images = (const char *const[]){ "/boot/initramfs-%p.img",
                                     "/boot/initramfs-%p-fallback.img", NULL },
    .files = files,
    .command = (const char *const[]){ "mkinitcpio", "%f", "-k", "%s", "-g",
                                      "%i", NULL },
    .refusals = refusals,
    .loads = loads,
};
