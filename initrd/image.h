/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads an initramfs image as the kernel does, without unpacking it to disk.
 *
 * The buffer format (Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst): any number of uncompressed "newc" cpio archives with
 * zero padding between them, then a compressed one (gzip, xz, zstd, lz4,
 * lzma, bzip2; decompressed by libarchive) with archives inside.
 *
 *     static int on_file(void *data, const struct xpci_image_file *file,
 *                        struct xpci_error *err);
 *     r = xpci_image_read(root, "/boot/initrd.img-6.1", on_file, &d, err);
 *
 * The callback sees every entry in order, regular files with their bytes
 * (valid during the call). It returns 0 to go on or -errno to stop.
 * Anything that is not the format above, or ends early, is an error.
 */
#ifndef XPCI_IMAGE_H
#define XPCI_IMAGE_H

#include "root.h"

struct xpci_image_file {
    const char *name; /* without a leading "/" or "./" */
    mode_t mode;
    const char *data;
    size_t len;
};

typedef int xpci_image_fn(void *data, const struct xpci_image_file *file,
                          struct xpci_error *err);

int xpci_image_read(const struct xpci_root *root, const char *path,
                    xpci_image_fn *fn, void *data,
                    struct xpci_error *err) _must_check_;

/* The same on bytes in memory; @name is for messages. */
int xpci_image_parse(const void *image, size_t len, const char *name,
                     xpci_image_fn *fn, void *data,
                     struct xpci_error *err) _must_check_;

#endif
