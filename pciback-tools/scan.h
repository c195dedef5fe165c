/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one file that calls libpci (scan.c), for inventory.c alone.
 *
 * libpci reports trouble by calling a function that must not return, and
 * exits the process by default. scan.c leaves it by longjmp, throws the
 * whole access away and returns an error. Dumps are read here, one device at
 * a time: libpci does it too, in ten times the time, keeps all of them, and
 * skips what it does not understand.
 */
#pragma once

#include "inventory.h"

/*
 * Appends every function to @inv, unsorted, without driver and parent: those
 * in @sysfs, the directory of the bus, or if that is NULL those of @dump.
 */
int xpci_scan(char *sysfs, const char *dump, struct xpci_inventory *inv,
              struct xpci_error *err) _must_check_;
