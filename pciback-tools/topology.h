/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What follows from all devices together, for inventory.c alone: who is above
 * whom, which are virtual functions, which are one of several, which port
 * faces up. The devices are sorted.
 */
#pragma once

#include "inventory.h"

void xpci_topology_link(struct xpci_inventory *inv);
