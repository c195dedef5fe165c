/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How xl itself reads a PCI spec, with all its liberties: to tell users what
 * they get. What xpci accepts is stricter, see pci-spec.h.
 *
 *     v = xpci_xl_spec_read("bdf=03:02.0@7", XPCI_XL_4_15, &spec);
 *     if (v == XPCI_XL_ACCEPTED) ... spec.vslot is 0: the slot is lost
 *
 * Source: libxlu_pci.c of Xen 4.14 and of 4.17, which is that of 4.15 to
 * 4.20. sscanf, strtoul and atoi decide there, so they do here: blanks, "0x",
 * signs and overflow are taken as they take them.
 */
#ifndef XPCI_XL_SPEC_H
#define XPCI_XL_SPEC_H

#include "bdf.h"

enum xpci_xl_release {
    XPCI_XL_4_14, /* and older */
    XPCI_XL_4_15, /* and newer */
};

enum xpci_xl_verdict {
    XPCI_XL_REJECTED,
    XPCI_XL_ACCEPTED,
    /* an address without ".": 4.15 goes on from an uninitialised variable */
    XPCI_XL_UNDEFINED,
};

enum xpci_xl_flag {
    XPCI_XL_PERMISSIVE = 1,
    XPCI_XL_MSITRANSLATE = 2,
    XPCI_XL_SEIZE = 4,
    XPCI_XL_POWER_MGMT = 8,
};

struct xpci_xl_spec {
    struct xpci_bdf_pattern dev; /* 4.14 takes slots up to ff */
    unsigned int vslot;          /* 0: none; 4.14 takes up to ff */
    unsigned int flags;          /* of enum xpci_xl_flag */
    int rdm_policy;              /* -1: as the guest's, 0: strict, 1: relaxed */
    const char *name;            /* in the text, not terminated; or NULL */
    size_t name_len;
};

/* @s as xl of that release reads it; @out is only of use if it is accepted. */
enum xpci_xl_verdict xpci_xl_spec_read(const char *s,
                                       enum xpci_xl_release release,
                                       struct xpci_xl_spec *out) _must_check_;

/* As text, what is on only: the same text is the same to xl. NULL: no memory */
char *xpci_xl_spec_format(const struct xpci_xl_spec *spec) _must_check_;

#endif
