/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What reads boot images, recordings and the indexes of modules is not in the
 * program but beside it, in LIBEXECDIR/readers.so: libarchive and libkmod bring
 * libxml2, ICU and libcrypto along, and loading these takes ten times what all
 * else of a start takes.
 *
 *     const struct xpci_readers *readers;
 *     r = xpci_readers_load(&readers, err);      at the first call, no more
 *     r = readers->image_check(root, ...);
 *
 * Unlike the Xen plugin it is part of the program: built with it, installed
 * with it, and refused if it is of another version.
 */
#pragma once

#include "append.h"
#include "native-driver.h"
#include "recording.h"

#define XPCI_READERS_SYMBOL "xpci_readers"

struct xpci_readers {
    size_t size;
    char version[24];
    __typeof__(xpci_image_check) *image_check;
    __typeof__(xpci_append_make) *append_make;
    __typeof__(xpci_recording_make) *recording_make;
    __typeof__(xpci_recording_unpack) *recording_unpack;
    __typeof__(xpci_native_drivers) *native_drivers;
};

int xpci_readers_load(const struct xpci_readers **out,
                      struct xpci_error *err) _must_check_;
