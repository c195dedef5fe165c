/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "readers.h"

extern const struct xpci_readers xpci_readers;

__attribute__((visibility("default")))
const struct xpci_readers xpci_readers = {
    .size = sizeof(xpci_readers),
    .version = XPCI_VERSION,
    .image_check = xpci_image_check,
    .append_make = xpci_append_make,
    .recording_make = xpci_recording_make,
    .recording_unpack = xpci_recording_unpack,
    .native_drivers = xpci_native_drivers,
};
