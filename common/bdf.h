/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BDF: the address of a PCI function, "segment:bus:slot.function".
 *
 * An address, not a name: it says where a function is in this boot. What
 * xpci remembers of a device is its path and its ids (inventory.h).
 *
 * Text form: "[ssss:]bb:dd.f", hexadecimal. On input the segment may be
 * left out (0000) and bus and slot may have one digit, as lspci and xl
 * accept it; signs, blanks, "0x" and anything behind the function are
 * errors. Output is always "ssss:bb:dd.f" in lower case.
 *
 * Ranges: PCIe r6.0, 2.2.4.2 (bus 8 bits, device 5, function 3). Linux uses
 * segments above ffff for Intel VMD; pciback and Xen cannot take those.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

struct xpci_bdf {
    uint32_t segment;
    uint8_t bus;
    uint8_t slot; /* 0 to 1f */
    uint8_t func; /* 0 to 7 */
};

/* A BDF as users select devices: one function or all of a slot. */
struct xpci_bdf_pattern {
    struct xpci_bdf bdf; /* func is 0 if all_funcs */
    bool all_funcs;      /* "bb:dd.*" */
};

#define XPCI_BDF_FMT "%04x:%02x:%02x.%x"
#define XPCI_BDF_ARGS(b) (b).segment, (b).bus, (b).slot, (b).func
#define XPCI_BDF_SIZE 20 /* with NUL, for any value of the struct */

/*
 * Parses @len bytes of @s, all of them. Returns 0, -EINVAL if the text has
 * not the form of a BDF, -ERANGE if a number is out of its range.
 */
int xpci_bdf_parse_len(const char *s, size_t len,
                       struct xpci_bdf *out) _must_check_;
int xpci_bdf_parse(const char *s, struct xpci_bdf *out) _must_check_;

/* The same, with "*" allowed as function. */
int xpci_bdf_pattern_parse(const char *s,
                           struct xpci_bdf_pattern *out) _must_check_;
int xpci_bdf_pattern_parse_len(const char *s, size_t len,
                               struct xpci_bdf_pattern *out) _must_check_;

bool xpci_bdf_matches(const struct xpci_bdf_pattern *pat,
                      const struct xpci_bdf *bdf);

/* Writes the canonical form into @out (XPCI_BDF_SIZE bytes); returns it. */
char *xpci_bdf_format(const struct xpci_bdf *bdf, char *out);

/* <0, 0, >0, by segment, bus, slot, function: the order of lspci. */
int xpci_bdf_cmp(const struct xpci_bdf *a, const struct xpci_bdf *b);

bool xpci_bdf_same_slot(const struct xpci_bdf *a, const struct xpci_bdf *b);

/*
 * Virtual slot: where the guest sees a device. Hexadecimal as in xl, 1 to
 * 1f, one or two digits, nothing else. Returns 0, -EINVAL or -ERANGE.
 */
int xpci_vslot_parse(const char *s, size_t len, unsigned int *out) _must_check_;
