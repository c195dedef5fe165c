/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    uint64_t seed = size;

    CHECK(xpci_buf_puts(&text, "") == 0);
    CHECK(xpci_buf_append(&text, data, size) == 0);
    for (size_t i = 0; i < size; i++)
        seed = seed * 31 + data[i];
    check_cfg(text.data, text.len);
    check_edits(text.data, text.len, seed);
    return 0;
}
