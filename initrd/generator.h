/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initramfs generators: one file each, ending in its own table, listed in
 * generator.c. A new generator is one file and one line there.
 *
 *     const struct xpci_generator *gen;
 *     r = xpci_generator_detect(root, &gen, err);
 *     r = gen->images(root, &images, err);       every kernel with an image
 *     r = gen->drop_in(root, true, &changes, err);
 *     r = gen->rebuild(root, &images.v[0], log, err);
 *     r = xpci_image_check(root, &images.v[0], gen, &want, &verdict, err);
 *
 * rebuild's success is the generator's word; what counts is the check.
 */
#ifndef XPCI_GENERATOR_H
#define XPCI_GENERATOR_H

#include "changes.h"
#include "log.h"
#include "root.h"

struct xpci_kernel_image {
    char *kernel; /* version, as in /lib/modules */
    char *path;   /* of the image, inside the root */
};

struct xpci_kernel_images {
    struct xpci_kernel_image *v;
    size_t n;
};

struct xpci_generator {
    const char *name;

    /* True if the root's images are made by this generator. */
    bool (*present)(const struct xpci_root *root);

    /* Every kernel that has an image. */
    int (*images)(const struct xpci_root *root, struct xpci_kernel_images *out,
                  struct xpci_error *err);

    /* Adds to @set what makes (or no longer makes) images load pciback. */
    int (*drop_in)(const struct xpci_root *root, bool enable,
                   struct xpci_changes *set, struct xpci_error *err);

    /* The command that rebuilds one image, for --dry-run and messages. */
    int (*command)(const struct xpci_kernel_image *image,
                   struct xpci_strv *argv);

    /*
     * The file inside an image that names modules to load whatever devices
     * there are, one a line.
     */
    const char *load_list;

    /* What a run that was ended leaves: the image's name with these behind. */
    const char *const *leftovers;
};

/* -ENOENT with a message if the root has no generator that xpci knows. */
int xpci_generator_detect(const struct xpci_root *root,
                          const struct xpci_generator **out,
                          struct xpci_error *err) _must_check_;

/*
 * Runs the command; its last words are in the error. If it fails, leftovers
 * that were not there before are removed.
 */
int xpci_generator_rebuild(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const struct xpci_log *log,
                           struct xpci_error *err) _must_check_;

int xpci_kernel_images_add(struct xpci_kernel_images *images,
                           const char *kernel, const char *path) _must_check_;
void xpci_kernel_images_clear(struct xpci_kernel_images *images);

extern const struct xpci_generator xpci_initramfs_tools;

#define _cleanup_kernel_images_ _cleanup_(xpci_kernel_images_clear)

#endif
