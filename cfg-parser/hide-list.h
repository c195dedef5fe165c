/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hide list of xen-pciback (parameter "hide" of the module, on the
 * kernel's command line "xen-pciback.hide="):
 *
 *     (0000:03:00.0)(0000:03:02.0)
 *
 * One malformed entry and the kernel drops the whole list and the driver;
 * one out of range and it does so without a word. So what is written is the
 * one form that every release reads, and what is read must have that form.
 */
#ifndef XPCI_HIDE_LIST_H
#define XPCI_HIDE_LIST_H

#include <stddef.h>

#include "bdf.h"
#include "error.h"

/* A module parameter takes no more (kernel/params.c). */
#define XPCI_HIDE_LIST_MAX 1024

/*
 * In the order given, without separators. -ERANGE: a segment above ffff;
 * -E2BIG: too long. *out is the caller's, "" for no device.
 */
int xpci_hide_list_format(const struct xpci_bdf *v, size_t n, char **out,
                          struct xpci_error *err) _must_check_;

/*
 * Reads a list back. Blanks around entries, a missing segment and "*" for
 * the function are accepted, other liberties of the kernel's parser
 * ("(b:*.*)", "0x3") are not. -EINVAL with the column of the first error.
 * *v is the caller's, to be freed.
 */
int xpci_hide_list_parse(const char *s, struct xpci_bdf_pattern **v, size_t *n,
                         struct xpci_error *err) _must_check_;

#endif
