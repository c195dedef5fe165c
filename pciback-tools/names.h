/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of pci.ids that a host needs. libpci makes a hash of all 36,000
 * lines before it gives the first name, which takes longer than all else that
 * a listing does.
 */
#pragma once

#include "inventory.h"

/*
 * An open file with the vendors and devices of @inv from @file, which is
 * libpci's name of it. -1: it cannot be made, and libpci must read @file.
 */
int xpci_names_pick(const char *file, const struct xpci_inventory *inv);
