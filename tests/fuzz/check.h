/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of every input of cfg-parser, with xl's own reader,
 * libxlutil, as the judge. For the fuzz targets, for diff.c and for
 * tests/unit/test-cfg-xlu.c.
 *
 *     check_name = "tests/corpus/cfg/good/pv.cfg";
 *     result = check_cfg(text, len);
 *     check_edits(text, len, seed);
 *
 * Each returns "accepted" or "rejected", which is then what xl does too, "xm"
 * for a file that xl rejects and xpci reads as xm's, or the id of a divergence
 * (docs/design/divergences.md). What is none of these, or is read differently,
 * is printed and aborts.
 */
#ifndef XPCI_CHECK_H
#define XPCI_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxlutil.h>

#include "cfg-pci.h"

#define CHECK(condition)                                                       \
    ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Names the input in the message of a check that fails. */
extern const char *check_name;
void check_failed(const char *file, int line, const char *what)
    __attribute__((noreturn));

#define ACCEPTED "accepted"
#define REJECTED "rejected"
#define READ_AS_XM "xm"

/* @data may hold anything; libxlutil does not get what has a NUL. */
const char *check_cfg(const char *data, size_t len);

/* Adds and removes of a few devices, chosen by @seed, in the file @data. */
void check_edits(const char *data, size_t len, uint64_t seed);

/* @text without a NUL. */
const char *check_spec(const char *text, size_t len);

/* --- divergences.c --- */

enum divergence_of { OF_FILE, OF_LIST, OF_SPEC };

struct divergence {
    const char *id;
    enum divergence_of of;
    const char *shape; /* POSIX ERE; NULL: tested where it is met */
    const char *error; /* part of our message */
};

extern const struct divergence divergences[];
extern const size_t n_divergences;

/* The one that lets us say @error where xl accepts @text; NULL: none. */
const char *divergence_of(enum divergence_of of, const char *text,
                          const char *error);

/* --- libxlutil --- */

/* NULL: rejected. *line, if wanted, is the one that xl names then. */
XLU_Config *xl_parse(const char *data, size_t len);
#define _cleanup_xl_ _cleanup_(xl_cleanup)
void xl_cleanup(XLU_Config **xl);

/* The value of @key to the last detail; "" if it is not there. */
char *xl_value(const XLU_Config *xl, const char *key);

/* The strings of pci. False if it is no list, or not of strings only. */
bool xl_pci(const XLU_Config *xl, struct xpci_strv *out);

/* Returns 0 or libxl's error. @out is cleared in any case. */
int xl_spec(const char *text, libxl_device_pci *out);
bool xl_same_spec(const libxl_device_pci *a, const libxl_device_pci *b);

/* --- gen.c: random input, the same for the same seed everywhere --- */

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);
size_t rng_below(struct rng *rng, size_t n);

/* Appends a spec; @odd: with forms that are wrong or nearly so. */
void gen_spec(struct rng *rng, bool odd, struct xpci_buf *out);
void gen_cfg(struct rng *rng, struct xpci_buf *out);

/* Changes some bytes of @buf, perhaps for some of @other. */
void gen_mutate(struct rng *rng, struct xpci_buf *buf,
                const struct xpci_buf *other);

#endif
