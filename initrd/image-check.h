/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Will the boot from this image hide what is to be hidden? Judged from the
 * image's own bytes, never from what was written elsewhere.
 *
 * Proven means: the xen-pciback module of this kernel is in the image, or it
 * is built in; as far as it can be compared with the host's it is the same; no
 * other file of modprobe.d sets a hide list or keeps the module from loading;
 * xpci's own file is there byte for byte, and
 * - of a script: it runs before coldplug;
 * - of a hide list: for every driver of this kernel that would claim a hidden
 *   device a softdep in the image makes pciback load first, and pciback is
 *   loaded even if none of those drivers is in the image.
 *
 * With nothing to hide, proven means: no file of xpci's is in the image.
 */
#pragma once

#include "generator.h"
#include "image.h"

/* The file in a segment of xpci's: so much was there before (append.h). */
#define XPCI_IMAGE_MARK ".xpci-appended"

enum xpci_verdict {
    XPCI_VERDICT_PROVEN,
    XPCI_VERDICT_WRONG,      /* the boot will not do what is meant */
    XPCI_VERDICT_UNPROVABLE, /* the image cannot be read */
};

/* What one kernel's image has to do. */
struct xpci_image_want {
    const char *options_path;        /* "/etc/modprobe.d/xpci.conf" */
    const char *options_text;        /* NULL: it must not be there */
    bool on_cmdline;                 /* the kernel's has the list too */
    const char *script_text;         /* NULL: it must not be there */
    const struct xpci_strv *drivers; /* modules that would claim a device */
    const struct xpci_strv *builtin; /* drivers in the kernel itself */
};

/* What a segment behind the image would go with (append.h). */
struct xpci_image_parts {
    struct xpci_image_end end;
    size_t mark;   /* what the last mark says; 0: there is none */
    char *order;   /* text of the generator's seize->order */
    char *place;   /* the directory of the script */
    char *modules; /* "usr/lib/modules/VERSION" */
    char *kmod;    /* the program that is modprobe, and insmod too */
};

struct xpci_image_verdict {
    enum xpci_verdict verdict;
    char *reason; /* one line; also for PROVEN: what was found */
    struct xpci_image_parts parts;
};

/* Of the image at @path. A bad image is a verdict, no error. */
int xpci_image_check(const struct xpci_root *root, const char *path,
                     const char *kernel, const struct xpci_generator *gen,
                     const struct xpci_image_want *want,
                     struct xpci_image_verdict *out,
                     struct xpci_error *err) _must_check_;
void xpci_image_verdict_clear(struct xpci_image_verdict *verdict);

/* "proven", "wrong", "unprovable" */
const char *xpci_verdict_name(enum xpci_verdict verdict);

#define _cleanup_image_verdict_ _cleanup_(xpci_image_verdict_clear)
