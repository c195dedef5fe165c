/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices change hands on the running host: from dom0's driver to pciback, and
 * back.
 *
 *     struct xpci_moves moves = { 0 };
 *     r = xpci_moves_add(&moves, root, &dev, XPCI_PCIBACK, err);
 *     r = xpci_moves_print(&moves, root, &text, err);     what -n shows
 *     r = xpci_moves_make(&moves, root, log, err);        all of them or none
 *     xpci_moves_clear(&moves);
 *
 * A device gets the name of who may have it (driver_override), is taken from
 * the driver it has, and bound, as initrd/seize.sh does it at boot; a kernel
 * without driver_override has pciback's new_slot (Linux
 * Documentation/ABI/testing/sysfs-bus-pci, sysfs-driver-pciback). What counts
 * is the driver link after it, not what the writes said: udev may have been
 * faster. On a failure every device of the call goes back to where it was, the
 * last first.
 *
 * Whose the devices are is the caller's to know: pciback gives away one that a
 * guest uses.
 *
 * /var/lib/xpci/drivers has the drivers of hidden devices, for the day they
 * come back: a line "PATH=IDS DRIVER" each, a device as initrd/seize.h names
 * it. XPCI_BINDING_PATH has such lines of the devices that are being moved, for
 * who comes after a kill.
 */
#pragma once

#include "hide-conf.h"
#include "log.h"

#define XPCI_PCIBACK "pciback"
#define XPCI_DRIVERS_PATH "/var/lib/xpci/drivers"
#define XPCI_BINDING_PATH "/var/lib/xpci/binding"

struct xpci_move {
    const struct xpci_device *dev; /* of the inventory, which must live on */
    char *from, *to; /* its driver, NULL: none; NULL: whichever takes it */
};

struct xpci_moves {
    struct xpci_move *v;
    size_t n;
};

int xpci_moves_add(struct xpci_moves *moves, const struct xpci_root *root,
                   const struct xpci_device *dev, const char *to,
                   struct xpci_error *err) _must_check_;

/* Appends "write: FILE VALUE" and "run: ..." in their order. */
int xpci_moves_print(const struct xpci_moves *moves,
                     const struct xpci_root *root, struct xpci_buf *out,
                     struct xpci_error *err) _must_check_;

/*
 * Appends a line for each device, with the driver that it comes from or goes
 * to, which is not pciback; none: "".
 */
int xpci_moves_text(const struct xpci_moves *moves,
                    const struct xpci_inventory *inv, struct xpci_buf *out,
                    struct xpci_error *err) _must_check_;

/* -ENOTRECOVERABLE: it failed, and a device is not where it was. */
int xpci_moves_make(const struct xpci_moves *moves,
                    const struct xpci_root *root, const struct xpci_log *log,
                    struct xpci_error *err) _must_check_;

/* Brings all of them back, the last one first. */
int xpci_moves_undo(const struct xpci_moves *moves,
                    const struct xpci_root *root, const struct xpci_log *log,
                    struct xpci_error *err) _must_check_;

#define XPCI_PERMISSIVE_PATH "/sys/bus/pci/drivers/pciback/permissive"

/* Loads pciback if it is not: -ENODEV if it does not, which is no Xen. */
int xpci_pciback_load(const struct xpci_root *root, const struct xpci_log *log,
                      struct xpci_error *err) _must_check_;

/* Has pciback the device in permissive mode? 0, 1 or -errno. permit() begins
 * it. */
int xpci_pciback_permissive(const struct xpci_root *root,
                            const struct xpci_device *dev,
                            struct xpci_error *err) _must_check_;
int xpci_pciback_permit(const struct xpci_root *root,
                        const struct xpci_device *dev,
                        struct xpci_error *err) _must_check_;

/*
 * Pciback lets go of the device for a moment, and has it as a new one. That
 * alone ends permissive mode, which outlives the guest that it was for. And
 * what an HVM guest gives back while it has others pciback counts as that
 * guest's (xen_pcibk_be_watch() does not look at libxl's state 7): with the
 * last of them it would reset the device (pcistub_put_pci_dev()), whoever has
 * it by then.
 */
int xpci_pciback_renew(const struct xpci_root *root, const struct xpci_log *log,
                       const struct xpci_device *dev,
                       struct xpci_error *err) _must_check_;

/*
 * Why a device cannot be taken while dom0 runs, though nothing is known to
 * need it; malloc'ed, NULL: it can.
 */
int xpci_move_busy(const struct xpci_root *root, const struct xpci_device *dev,
                   char **why, struct xpci_error *err) _must_check_;
void xpci_moves_clear(struct xpci_moves *moves);

/* Appends what the file of drivers is to have; nothing: no file. */
int xpci_drivers_text(const struct xpci_root *root,
                      const struct xpci_hide_conf *conf,
                      const struct xpci_inventory *inv, struct xpci_buf *out,
                      struct xpci_error *err) _must_check_;

/*
 * The driver that lines of this form, NULL for none, have for a device: *driver
 * is malloc'ed, NULL if there is no line for it.
 */
int xpci_drivers_find(const char *lines, const struct xpci_inventory *inv,
                      const struct xpci_device *dev, char **driver,
                      struct xpci_error *err) _must_check_;

#define _cleanup_moves_ _cleanup_(xpci_moves_clear)
