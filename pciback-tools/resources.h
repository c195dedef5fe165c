/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices have of memory and of interrupt lines, and with whom they
 * share it.
 *
 *     r = xpci_resources_load(root, &inv, &res, err);
 *     other = xpci_bar_neighbour(&res, i, from);       res.v[i], res.v[other]
 *     other = xpci_intx_neighbour(&inv, &res, dev, from);
 *     xpci_resources_clear(&res);
 *
 * From sysfs ("resource", "irq", "msi_irqs"). Without them, as in a dump,
 * where a BAR begins is known from its register, but not its size, and of
 * interrupts only those that share a wire.
 *
 * A guest is given whole pages of memory: a BAR that shares one with another
 * device's lets the guest at that device's registers. An INTx line is a wire
 * up to the root bus: PCI 3.0 2.2.6 and PCI-to-PCI Bridge 1.2 9.1 say how
 * bridges cross the pins. Whether two wires end in one interrupt only "irq"
 * tells, and only of devices that do not use MSI; so of bridges, which hardly
 * use their pins, nothing else counts.
 */
#pragma once

#include "inventory.h"

struct xpci_bar {
    size_t dev;
    unsigned int index; /* 6: the expansion ROM */
    bool io, is64;
    uint64_t start, size; /* size 0: not known */
};

struct xpci_resources {
    struct xpci_bar *v; /* those that are in use, by device */
    size_t n;
    unsigned int *irq; /* of each device; 0: not known */
};

/* @root is NULL for a dump. */
int xpci_resources_load(const struct xpci_root *root,
                        const struct xpci_inventory *inv,
                        struct xpci_resources *res,
                        struct xpci_error *err) _must_check_;
void xpci_resources_clear(struct xpci_resources *res);

/* The first memory BAR from @from on of another device in the same pages. */
size_t xpci_bar_neighbour(const struct xpci_resources *res, size_t bar,
                          size_t from);

/* The first other device from @from on with the same INTx line. */
size_t xpci_intx_neighbour(const struct xpci_inventory *inv,
                           const struct xpci_resources *res, size_t dev,
                           size_t from);

#define _cleanup_resources_ _cleanup_(xpci_resources_clear)
