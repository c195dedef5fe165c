/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI specs: the strings in the pci list of a guest's configuration, as
 * libxlutil reads them (libxlu_pci.c), e.g. "03:02.0@7,permissive=1".
 *
 *     spec  := ( bdf [ "@" vslot ] | kv ) { "," kv } [ "," ]
 *     kv    := key "=" value, the value runs to the next ","
 *     key   := bdf | vslot | permissive | msitranslate | seize |
 *              power_mgmt | rdm_policy | name
 *
 * The whole string must be consumed, and what xl takes for something else
 * than it looks ("permissive=yes" is 0, "bdf=03:02.0@7" loses its slot) is
 * an error here. So are xm's functions of a slot in one entry, which xl
 * rejects; read as xm's they are taken too:
 *
 *     bdf   := [ssss:]bb:dd. funcs            ("." and ":" only)
 *     funcs := range { "," range }
 *     range := func [ "-" func ]
 *     func  := f [ "=" virtual function ]
 *
 * and msitranslate and power_mgmt with yes and no (xend's util/pci.py).
 */
#pragma once

#include "bdf.h"
#include "error.h"

struct xpci_pci_spec {
    struct xpci_bdf_pattern dev; /* of a list of functions: all */
    char *funcs;        /* xm's list of functions, "0-2" or "2=0"; else NULL */
    char *name;         /* instead of a BDF (Xen 4.15 and newer), else NULL */
    unsigned int vslot; /* 1 to 1f; 0: none asked for */
    char *options;      /* the rest, "permissive=1,seize=0"; NULL: none */
};

/*
 * Parses @len bytes, with @xm as xm did. Returns 0; -EINVAL with a message
 * that names the column. On success the caller releases with
 * xpci_pci_spec_clear().
 */
int xpci_pci_spec_read(const char *s, size_t len, bool xm,
                       struct xpci_pci_spec *out,
                       struct xpci_error *err) _must_check_;
static inline int _must_check_ xpci_pci_spec_parse(const char *s, size_t len,
                                                   struct xpci_pci_spec *out,
                                                   struct xpci_error *err)
{
    return xpci_pci_spec_read(s, len, false, out, err);
}
void xpci_pci_spec_clear(struct xpci_pci_spec *spec);

/* Is @bdf among what the spec asks for? Never, if that is a name. */
bool xpci_pci_spec_covers(const struct xpci_pci_spec *spec,
                          const struct xpci_bdf *bdf);

/* Is a function in both, or is it the same name? */
bool xpci_pci_spec_overlaps(const struct xpci_pci_spec *a,
                            const struct xpci_pci_spec *b);

/*
 * The positional form, "[ssss:]bb:dd.f[@v][,options]". The segment is
 * printed where it is not 0 or @with_segment. NULL: out of memory.
 */
char *xpci_pci_spec_format(const struct xpci_pci_spec *spec,
                           bool with_segment) _must_check_;

#define _cleanup_pci_spec_ _cleanup_(xpci_pci_spec_clear)
