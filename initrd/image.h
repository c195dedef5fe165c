/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads an initramfs image as the kernel does, without unpacking it to disk.
 *
 * The buffer format (Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst): any number of segments in a row, with zeros between
 * them. Each is an uncompressed "newc" cpio archive, or compressed (gzip, xz,
 * zstd, lz4, lzma, bzip2) with archives inside.
 *
 *     struct xpci_image_reader reader = { wants, on_file, &d };
 *     r = xpci_image_read(root, "/boot/initrd.img-6.1", &reader, err);
 *
 * Every entry is seen, in order; a file may come again, and the kernel keeps
 * the last. Anything that is not the format above, or ends early, is an error.
 * Whether the kernel was built with that decompressor is not asked.
 */
#pragma once

#include "root.h"

struct xpci_image_file {
    const char *name; /* without a leading "/" or "./" */
    mode_t mode;
    const char *data; /* valid during the call; NULL: not wanted */
    size_t len;
};

struct xpci_image_end {
    const char *packed; /* how the last segment is: "zstd"; NULL: not at all */
    size_t packed_end;  /* of the last one that is */
    size_t size;        /* of the image */
};

struct xpci_image_reader {
    /* True if the contents of this file are; NULL: all are. */
    bool (*wants)(void *data, const char *name);
    /* Returns 0 to go on or -errno to stop. */
    int (*file)(void *data, const struct xpci_image_file *file,
                struct xpci_error *err);
    void *data;
    struct xpci_image_end *end; /* NULL, or gets it */
    size_t from; /* a segment begins there: not the whole image */
};

int xpci_image_read(const struct xpci_root *root, const char *path,
                    const struct xpci_image_reader *reader,
                    struct xpci_error *err) _must_check_;

/* The same on bytes in memory; @name is for messages. */
int xpci_image_parse(const void *image, size_t len, const char *name,
                     const struct xpci_image_reader *reader,
                     struct xpci_error *err) _must_check_;
