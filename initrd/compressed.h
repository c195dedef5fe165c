/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One compressed segment of an image, decompressed by libarchive.
 *
 *     struct xpci_compressed *seg = NULL;
 *     why = xpci_compressed_open(data, len, &seg);       NULL: it is open
 *     why = xpci_compressed_block(seg, &block, &n);      n is 0 at the end
 *     data += xpci_compressed_size(seg);                 what is behind it
 *     xpci_compressed_free(seg);
 *
 * What follows a segment is for the kernel another one, so the end must be
 * exact. Where libarchive reads on (xz, zstd, lz4) it is found beforehand,
 * from the format's own lengths. For image.c only.
 */
#pragma once

#include "cleanup.h"

struct xpci_compressed;

/* NULL, or what is wrong: a text that is valid as long as @seg. */
const char *xpci_compressed_open(const char *data, size_t len,
                                 struct xpci_compressed **seg) _must_check_;

/* The next bytes, valid until the next call. */
const char *xpci_compressed_block(struct xpci_compressed *seg,
                                  const char **block, size_t *len) _must_check_;

/* "gzip", "xz" and so on; forever valid. */
const char *xpci_compressed_name(const struct xpci_compressed *seg);

/* Of the segment, once all of it is read; 0: its end is not there. */
size_t xpci_compressed_size(const struct xpci_compressed *seg);

void xpci_compressed_free(struct xpci_compressed *seg);

XPCI_CLEANUP_PTR(struct xpci_compressed *, xpci_compressed_free)
#define _cleanup_compressed_ _cleanup_(xpci_compressed_free_ptr)
