/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to reset a device, as Linux would find them now.
 *
 *     ways = xpci_reset_ways(&inv, i);
 *     if (ways & 1u << XPCI_RESET_BUS) ...   xpci_reset_names[XPCI_RESET_BUS]
 *
 * Computed from the topology, since sysfs' reset_method is made when a device
 * is found, before the neighbours are that forbid a reset of their bus. What
 * only the kernel knows, the resets of its own for some devices and those of
 * ACPI and CXL, is read from there: xpci_reset_special().
 *
 * Source: Linux 6.12 pci_reset_fn_methods[] (drivers/pci/pci.c), and of its
 * quirks.c those that set PCI_DEV_FLAGS_NO_FLR_RESET, NO_PM_RESET and
 * NO_BUS_RESET.
 */
#pragma once

#include "inventory.h"

enum xpci_reset_way { /* in the order in which they are tried */
                      XPCI_RESET_SPECIFIC,
                      XPCI_RESET_ACPI,
                      XPCI_RESET_FLR,
                      XPCI_RESET_AF_FLR,
                      XPCI_RESET_PM,
                      XPCI_RESET_BUS,
                      XPCI_RESET_CXL,
                      XPCI_RESET_MAX
};

extern const char *const xpci_reset_names[XPCI_RESET_MAX];

/* A bit for each way. */
unsigned int xpci_reset_ways(const struct xpci_inventory *inv, size_t dev);

/* Those that only the kernel knows, as far as it tells. */
unsigned int xpci_reset_special(const struct xpci_root *root,
                                const struct xpci_device *dev);

/* The first other device on its bus, which a bus reset would hit too. */
size_t xpci_reset_neighbour(const struct xpci_inventory *inv, size_t dev);
