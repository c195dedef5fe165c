/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Initramfs generators: one file each that is a table and nothing else,
 * listed in generator.c, which has all the code.
 *
 *     const struct xpci_generator *gen;
 *     r = xpci_generator_detect(root, &gen, &images, err);
 *     r = xpci_generator_files(gen, root, true, &changes, err);
 *     r = xpci_generator_rebuild(gen, root, &images.v[0], to, log, err);
 *     r = xpci_image_check(root, to, kernel, gen, &want, &verdict, err);
 *
 * rebuild's success is the generator's word; what counts is the check.
 */
#pragma once

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

/*
 * Where the script of seize.h has its place: on the host, and in the image,
 * there perhaps below "usr/" or "var/". Where scripts run in an order, a file
 * of the image lists them, and this one must stand before another.
 */
struct xpci_generator_seize {
    const char *path, *inside;
    const char *order, *before; /* NULL: it runs first by its place */
    const char *line;           /* of that file, to run it */
    /* fnmatch(3) of what runs it where "init" is a link; NULL: init does */
    const char *runner;
    const char *needs; /* what gets it into images; NULL: its path alone */
};

/*
 * A file that makes images load pciback, or puts something else into them (a
 * hook, a module of the generator with its programs): a row for each.
 */
struct xpci_generator_file {
    const char *path;
    const char *text;
    mode_t mode; /* 0: the text is a line in a file of the administrator's */
};

/* A file in an image that names modules to load, and how. */
struct xpci_generator_load {
    const char *file; /* fnmatch(3) pattern */
    const char *key;  /* what a line begins with; the modules follow */
};

/*
 * A line of a file on the host that has images made in another way than
 * .command does, or without .files.
 */
struct xpci_generator_refusal {
    const char *files; /* glob(7); of these, those that have the image's path */
    const char *line;  /* fnmatch(3) pattern with FNM_EXTMATCH */
    const char *why;
    bool later; /* what a kernel's update makes would hide nothing, no more */
};

/* All lists end with a row that is NULL; what is not said may be missing. */
struct xpci_generator {
    const char *name;

    /* The root's images are made by it if both are there; mark may be NULL. */
    const char *program, *mark;

    /* Another's program of that name has this word in it; NULL: none has. */
    const char *runs_other;

    /* "xen-pciback", or "pciback" as in Xen's own kernels of old */
    const char *module;

    /*
     * Where images are: "%s" is the kernel's version, "%p" the name of its
     * package (pkgbase, or the end of the version), "%m" the machine-id(5).
     */
    const char *const *images;

    const struct xpci_generator_file *files;

    /* NULL: images can only be given a hide list. */
    const struct xpci_generator_seize *seize;

    /*
     * Rebuilds one image; "%s" is the kernel's version, "%i" where to write,
     * "%f" what makes a fallback image one.
     * Many generators write into the file that is there: see writes_to.
     */
    const char *const *command;

    /* What must not be there for .command to run; NULL: anything may. */
    const struct xpci_generator_refusal *refusals;

    /* What matches one runs when an image was made; NULL: nothing does. */
    const char *const *after;

    /* NULL: none; what the image has no driver for is seized later. */
    const struct xpci_generator_load *loads;

    /*
     * The image has no modprobe: its "init" is a list of commands, in which
     * the options are words of "insmod".
     */
    bool insmod;

    /* Why no image of it can be proven to hide anything; NULL: it can. */
    const char *limit;

    /*
     * What a run that was ended leaves: the image's name with these behind;
     * NULL: nothing, or not beside the image.
     */
    const char *const *leftovers;
};

/*
 * The first that is present and has images, or else is present; and of every
 * kernel its images, but for rescue and crash images. -ENOENT with a message
 * if the root has no generator that xpci knows.
 */
int xpci_generator_detect(const struct xpci_root *root,
                          const struct xpci_generator **out,
                          struct xpci_kernel_images *images,
                          struct xpci_error *err) _must_check_;

/*
 * -EBUSY if another makes an image with it now: of the files as they were
 * before, and to take the place of an image that is proven by then.
 */
int xpci_generator_idle(const struct xpci_generator *gen,
                        const struct xpci_root *root,
                        struct xpci_error *err) _must_check_;

/*
 * Adds to @set what makes (or no longer makes) images load pciback, with
 * @script, if there is one. What was left by another generator, which the host
 * had before and may have again, goes: its script would hide what is given back
 * by then.
 */
int xpci_generator_files(const struct xpci_generator *gen,
                         const struct xpci_root *root, bool enable,
                         const char *script, struct xpci_changes *set,
                         struct xpci_error *err) _must_check_;

/*
 * Before any image is made: refused is one of which gen->refusals say that it
 * would not be made as here, or, if it @hides devices, not again.
 */
int xpci_generator_check(const struct xpci_generator *gen,
                         const struct xpci_root *root, const char *image,
                         bool hides, struct xpci_error *err) _must_check_;

/*
 * The command that rebuilds one image, for --dry-run and messages. Refused is
 * an image that is a link where the command cannot be told where to write.
 */
int xpci_generator_command(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const char *to, struct xpci_strv *argv,
                           struct xpci_error *err) _must_check_;

/*
 * True if the command can be told where to write. Then @to of command and
 * rebuild may be a file beside the image, to take its place when it is proven;
 * else it is the image's path.
 */
bool xpci_generator_writes_to(const struct xpci_generator *gen);

/*
 * Runs the command; its last words are in the error. If it fails, leftovers
 * that were not there before are removed.
 */
int xpci_generator_rebuild(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const char *to, const struct xpci_log *log,
                           struct xpci_error *err) _must_check_;

/* Runs a program that makes something; its last words are in the error. */
int xpci_generator_run(const struct xpci_root *root, const char *const *argv,
                       const char *what, const struct xpci_log *log,
                       struct xpci_error *err) _must_check_;

int xpci_kernel_images_add(struct xpci_kernel_images *images,
                           const char *kernel, const char *path) _must_check_;
void xpci_kernel_images_clear(struct xpci_kernel_images *images);

extern const struct xpci_generator xpci_initramfs_tools;
extern const struct xpci_generator xpci_dracut;
extern const struct xpci_generator xpci_mkinitcpio;
extern const struct xpci_generator xpci_booster;
extern const struct xpci_generator xpci_mkinitfs;
extern const struct xpci_generator xpci_mkinitrd;
