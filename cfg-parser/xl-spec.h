/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How xl itself reads a PCI spec, with all its liberties: to tell users what
 * they get. What xpci accepts is stricter, see pci-spec.h.
 *
 *     xpci_xl_spec("bdf=3:2.0@7,seize=2", XPCI_XL_4_15)
 *
 * is "0000:03:02.0,seize=1": the slot is lost. What was given is in the text,
 * off or on, so that the same text is the same to xl.
 *
 * Source: libxlu_pci.c of Xen 4.14 and of 4.17, which is that of 4.15 to
 * 4.20. sscanf, strtoul and atoi decide there, so they do here: blanks, "0x",
 * signs and overflow are taken as they take them.
 */
#pragma once

#include "cleanup.h"

enum xpci_xl_release {
    XPCI_XL_4_14, /* and older */
    XPCI_XL_4_15, /* and newer */
};

/* What xl says to, instead of a device. */
#define XPCI_XL_REFUSED "refused"
/* An address without ".": it goes on from an uninitialised variable. */
#define XPCI_XL_CHANCE "left to chance"

/*
 * "ssss:bb:dd.f@v" or "name=NAME,vslot=v", then the options in a fixed order;
 * or one of the above. Slots of 4.14 may be up to ff. For the caller to free;
 * NULL: out of memory.
 */
char *xpci_xl_spec(const char *s, enum xpci_xl_release release) _must_check_;
