/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time for deadlines: it only goes forward, whatever the date is set to. */
#pragma once

#include <stdint.h>

int64_t xpci_now_ms(void);
