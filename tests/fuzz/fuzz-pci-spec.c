/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    CHECK(xpci_buf_puts(&text, "") == 0);
    CHECK(xpci_buf_append(&text, data, size) == 0);
    if (!memchr(text.data, '\0', size))
        check_spec(text.data, size);
    return 0;
}
