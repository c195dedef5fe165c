/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is one of depmod's indexes (modules.alias.bin) what depmod makes? libkmod
 * follows what is written there wherever it leads: a byte that is wrong keeps
 * it busy until the memory is full.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"

#define XPCI_MODULE_INDEX_MAGIC "\xb0\x07\xf4\x57"

bool xpci_module_index_sound(const struct xpci_buf *file);
