/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The script that gives devices to pciback in the initrd, before udev's
 * coldplug: seize.sh with the devices in it. It needs no hide list and no
 * softdep, takes as many devices as there are, and takes none but those meant,
 * for it knows them by path and ids (driver_override, drivers/pci/pci-driver.c;
 * pcistub_probe() in drivers/xen/xen-pciback/pci_stub.c takes what has it).
 *
 * initramfs-tools runs it as init-top script, which must come before "udev";
 * dracut sources it as pre-udev hook.
 */
#pragma once

#include "buf.h"
#include "error.h"

/* @devices: "0000:00:1c.1/00.0/02.0=8086:100e" each. *out is malloc'ed. */
int xpci_seize_script(const struct xpci_strv *devices, char **out,
                      struct xpci_error *err) _must_check_;
