/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What makes an image hide devices can be a segment of its own at the image's
 * end, for the kernel unpacks one behind the other and keeps the last of a
 * name (image.h): a script, the file that orders scripts with a line for it,
 * and the module. That takes no time, where a generator takes long, and is cut
 * off again to the byte.
 *
 * It is compressed as the end of the image is, so that tools which decompress
 * an image as one stream go on doing so; without the program for it, it is
 * plain.
 *
 *     struct xpci_append add = { 0 };
 *     r = xpci_append_make(root, gen, &image, &verdict.parts, script, &add,
 *                          err);
 *     r = xpci_file_extend(root, image.path, add.keep, &add.tail, new, err);
 *     xpci_append_clear(&add);
 *
 * Whether the new image does it is for xpci_image_check() to say.
 */
#pragma once

#include "image-check.h"

struct xpci_append {
    size_t keep;          /* so much of the image stays */
    struct xpci_buf tail; /* and what comes behind it */
};

/*
 * The end of @image, of which the check found @parts: with a segment that has
 * @script, in place of one that is there, or with NULL without any. An error is
 * the reason why the image must be rebuilt instead; -ENODATA, without a
 * message, if it has no segment that could be cut off.
 */
int xpci_append_make(const struct xpci_root *root,
                     const struct xpci_generator *gen,
                     const struct xpci_kernel_image *image,
                     const struct xpci_image_parts *parts, const char *script,
                     struct xpci_append *out,
                     struct xpci_error *err) _must_check_;

static inline void xpci_append_clear(struct xpci_append *add)
{
    xpci_buf_clear(&add->tail);
}

#define _cleanup_append_ _cleanup_(xpci_append_clear)
