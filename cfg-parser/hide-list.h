/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hide list of xen-pciback (parameter "hide" of the module, on the
 * kernel's command line "xen-pciback.hide="):
 *
 *     (0000:03:00.0)(0000:03:02.0)
 *
 * One malformed entry and the kernel drops the whole list and the driver;
 * one out of range and it does so without a word. So what is written is the
 * one form that every release reads. What is read is judged as the kernel
 * does it (Linux pcistub_init(), pcistub_device_id_add(), vsscanf()):
 *
 *     entry  = "(" [segment ":"] bus ":" (slot "." (func | "*") | "*.*") ")"
 *     number = blanks ["0x"] hexadecimal digits
 *
 * with blanks around entries and nowhere else. A number may have any length;
 * its lowest 32 bits count. Linux before 3.7 (EL5) knows no "*".
 */
#pragma once

#include "bdf.h"
#include "error.h"

/* A module parameter takes no more (kernel/params.c). */
#define XPCI_HIDE_LIST_MAX 1024
/* All words of a PV dom0's command line, behind which Xen cuts it off without
 * a word (MAX_GUEST_CMDLINE). A PVH dom0's has room for any list. */
#define XPCI_HIDE_CMDLINE_MAX 1023

struct xpci_hide_entry {
    size_t at;                /* where it stands in the text */
    char glob[XPCI_BDF_SIZE]; /* "0000:03:*.*": which BDFs match, fnmatch(3) */
    bool odd; /* a number was cut to 32 bits, or negative and so means all */
};

struct xpci_hide_list {
    size_t at, len; /* the list in the text, without what stands around it */
    struct xpci_hide_entry *v;
    size_t n;
    const char
        *why;   /* the list is obeyed by nobody, and this is why; or NULL */
    size_t bad; /* where the kernel stumbles in the text, if it does */
};

/*
 * In the order given, without separators. -ERANGE: a segment above ffff;
 * -E2BIG: too long. *out is the caller's, "" for no device.
 */
int xpci_hide_list_format(const struct xpci_bdf *v, size_t n, char **out,
                          struct xpci_error *err) _must_check_;

/*
 * Reads a list, or the last one of a line that holds some: "hide=...",
 * "options xen-pciback hide=...", a kernel command line. There, as for the
 * kernel, a blank ends the list if no double quotes are around it. A shell
 * variable in quotes (GRUB_CMDLINE_LINUX="...") may be around the line.
 *
 * Errors: what the kernel answers, -EINVAL with a line in its log, -ERANGE
 * without one; -E2BIG: too long. *out is to be cleared in any case.
 */
int xpci_hide_list_parse(const char *text, struct xpci_hide_list *out,
                         struct xpci_error *err) _must_check_;
void xpci_hide_list_clear(struct xpci_hide_list *list);

#define _cleanup_hide_list_ _cleanup_(xpci_hide_list_clear)
