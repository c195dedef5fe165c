/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Under whose requester id a function's requests reach the IOMMU, where it is
 * not its own: the IOMMU cannot tell such functions apart.
 *
 * Sources: Linux pci_for_each_dma_alias() and pci_add_dma_alias() with the
 * quirks that call it (6.12.117, drivers/pci/quirks.c); PCIe-to-PCI Bridge
 * r1.0, 2.3. Not known here: the proxy ids of Switchtec NTBs, which are in
 * registers that only the kernel reads; they are on the NTB's own bus.
 */
#ifndef XPCI_ALIAS_H
#define XPCI_ALIAS_H

#include "inventory.h"

/* True if what is behind @bridge comes out under an id of the bridge. */
bool xpci_alias_bridge(const struct xpci_device *bridge);

/* True if the IOMMU sits at @bridge, and what is above it does not matter. */
bool xpci_alias_ends_at(const struct xpci_device *bridge);

/* True if there are functions for which xpci_alias_uses() may say yes. */
bool xpci_alias_has(const struct xpci_device *dev);

/* True if @dev uses the requester id of @other, a function of its bus. */
bool xpci_alias_uses(const struct xpci_device *dev,
                     const struct xpci_device *other);

#endif
