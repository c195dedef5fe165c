/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to say of a host and its devices, for "show" and "doctor":
 * facts, some with a grade and then with the reason and what to do.
 *
 *     r = xpci_facts_load(call, &facts, err);
 *     xpci_facts_device(&facts, i);              all of one device
 *     xpci_fact(&facts, "host", "XEN", XPCI_ERROR, why, fix, "text");
 *     if (facts.oom) ...                         some could not be kept
 *     xpci_facts_clear(&facts);
 *
 * Facts of one key follow each other. Why is kept as a pointer, a
 * fix, which may be NULL, is copied.
 */
#pragma once

#include "host.h"
#include "resources.h"

/* The keys, as columns of a table. */
#define XPCI_FACT_COLUMNS                                                      \
    "BDF PATH DEVICE ID CLASS STATE USED_BY HIDDEN NEEDED DRIVER NATIVE "      \
    "GROUP# MEMBERS RESET BARS INTX MSI MEMORY SRIOV WHY"

enum xpci_grade { XPCI_FACT, XPCI_NOTE, XPCI_WARNING, XPCI_ERROR };

struct xpci_fact {
    const char *key; /* "RESET"; NULL: not of a device */
    enum xpci_grade grade;
    char *subject, *text; /* a BDF, "host" or a guest; what is so */
    const char *why;
    char *fix;
};

struct xpci_facts {
    struct xpci_call *call;
    const struct xpci_root *root; /* NULL: a dump, which is call->inv alone */
    struct xpci_resources res;
    struct xpci_group groups; /* all, as "list" numbers them */
    /* why not known */
    struct xpci_error no_guard, no_guests, no_groups, no_conf;
    struct xpci_strv kernels; /* those that have modules */
    struct xpci_fact *v;
    size_t n;
    bool oom;
};

int xpci_facts_load(struct xpci_call *call, struct xpci_facts *facts,
                    struct xpci_error *err) _must_check_;
void xpci_facts_clear(struct xpci_facts *facts);

void xpci_fact(struct xpci_facts *facts, const char *subject, const char *key,
               enum xpci_grade grade, const char *why, const char *fix,
               const char *fmt, ...) _printf_(7, 8);

/* All of device @i. */
void xpci_facts_device(struct xpci_facts *facts, size_t i);

#define _cleanup_facts_ _cleanup_(xpci_facts_clear)
