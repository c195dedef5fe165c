/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From "these devices are to be hidden" to files and images, and back to a
 * proof: what hide, unhide, status and initrd share.
 *
 *     struct xpci_plan plan = { 0 };
 *     r = xpci_plan_make(call, &plan, err);
 *     r = xpci_plan_apply(call, &plan, err);                all or nothing
 *     xpci_plan_clear(&plan);
 */
#pragma once

#include "group.h"
#include "bind.h"
#include "changes.h"
#include "cmd.h"
#include "generator.h"
#include "image-check.h"

struct xpci_plan_kernel {
    struct xpci_strv modules, builtin; /* would claim a hidden device */
    struct xpci_image_verdict image;   /* on the image as it is now */
    bool again;                        /* rebuild it though it is proven */
};

struct xpci_plan {
    const struct xpci_generator *gen;
    const struct xpci_readers *readers; /* of the images */
    struct xpci_kernel_images images;
    struct xpci_plan_kernel *kernel; /* one for each image */
    bool by_list;                    /* of addresses, else by identity */
    char *options, *script;          /* one of the two, if anything is hidden */
    char *word;  /* for the kernel's command line; NULL: none is needed */
    char *entry; /* why the boot loader's does not have it; NULL: it has */
    struct xpci_changes changes; /* files that are not as they must be */
    struct xpci_moves moves; /* of devices, on the running host; by caller */
    bool guarded;            /* nothing more to be asked of the guard */
};

/* The generator and the images; the caller may add some before plan_make. */
int xpci_plan_find(const struct xpci_call *call, struct xpci_plan *plan,
                   struct xpci_error *err) _must_check_;

/*
 * What must be written to hide what call->conf has, and what each image will
 * do as it is.
 */
int xpci_plan_make(const struct xpci_call *call, struct xpci_plan *plan,
                   struct xpci_error *err) _must_check_;

/* True if image @k needs no change. */
bool xpci_plan_proven(const struct xpci_plan *plan, size_t k);

/*
 * The word of the kernel's command line that matches @pattern, such as one
 * that sets a hide list, which replaces that of modprobe.d; *word is malloc'ed,
 * NULL if there is none.
 */
#define XPCI_CMDLINE_LIST "xen[-_]pciback.hide=*"
/* What keeps it from being loaded, for xpci_plan_cmdline(). */
#define XPCI_CMDLINE_BLACKLIST "@(module_|modprobe.)blacklist=*xen[-_]pciback*"
/* By which a person keeps all of it from being hidden. */
#define XPCI_CMDLINE_OFF "xpci=off"
int xpci_plan_cmdline(const struct xpci_call *call, const char *pattern,
                      char **word, struct xpci_error *err) _must_check_;

/*
 * Likewise, but not a word that was typed at GRUB's prompt for this boot or
 * that its configuration has no more; one that it has in its place is @word.
 */
int xpci_plan_next_cmdline(const struct xpci_call *call, const char *pattern,
                           char **word, struct xpci_error *err) _must_check_;

/* True if a file or an image is not as it must be. */
bool xpci_plan_needed(const struct xpci_plan *plan);

/*
 * Refuses the devices of call->conf that dom0 lives on or uses, whoever wrote
 * them into the file; with --force tells what is lost. Of @group are the rules
 * by which they came in. For a NULL group it asks once only, and only of
 * devices that the files as they are do not hide yet.
 */
int xpci_plan_guard(struct xpci_call *call, struct xpci_plan *plan,
                    const struct xpci_group *group,
                    struct xpci_error *err) _must_check_;

/*
 * Asks the guard. With --dry-run prints the diff and the commands then, else
 * writes the files, rebuilds each image that is not proven already, proves
 * them, and moves the devices; on any failure all is put back as it was.
 */
int xpci_plan_apply(struct xpci_call *call, struct xpci_plan *plan,
                    struct xpci_error *err) _must_check_;

void xpci_plan_clear(struct xpci_plan *plan);
#define _cleanup_plan_ _cleanup_(xpci_plan_clear)
