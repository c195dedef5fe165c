/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk from what is used down to PCI functions, for guard*.c alone.
 *
 * A step is given what stands on it, a chain; it puts itself under that and
 * goes on below, until a PCI function ends the chain, which then becomes a
 * finding of the grade that the walk has at that time. Its result is whether
 * there was such a thing to step on.
 *
 * Errors stick: the first one is kept in "ret" and "err", and from then on
 * files are empty and nothing is found, so only the end looks at it.
 */
#pragma once

#include <string.h>

#include "guard.h"

/* Lives on the stack of the steps. */
typedef struct xpci_chain {
    const struct xpci_chain *up; /* NULL: this is what is used */
    const char *name;            /* NULL: what is under it is a "perhaps" */
} chain;

typedef struct xpci_walk {
    const struct xpci_root *root;
    struct xpci_guard *guard;
    struct xpci_error *err;
    int ret;
    enum xpci_guard_grade grade; /* of what is found now */
    struct {
        struct xpci_route *v; /* guard-net.c */
        size_t n;
    } routes;
    struct {
        struct xpci_mount *v; /* guard-storage.c */
        size_t n;
    } mounts;
    struct xpci_buf seen; /* block devices that something known is on */
    bool seen_all;        /* until then, nothing becomes a finding */
} walk;

typedef bool xpci_step(walk *w, const char *name, const chain *up);

/* What is used, in this order: all need the routes. */
void xpci_guard_routes(walk *w);
void xpci_guard_storage(walk *w);
void xpci_guard_net(walk *w);
void xpci_guard_console(walk *w);

/* To a server by its address, up to a comma; not one: to any server. */
xpci_step xpci_step_server;
/* To any network interface, perhaps. */
void xpci_step_any_net(walk *w, const chain *up);
/* To the PCI function that a link in sysfs leads to, if it does to one. */
xpci_step xpci_step_card;

#define xpci_walk_fail(w, code, ...)                                           \
    do {                                                                       \
        if ((w)->ret == 0)                                                     \
            (w)->ret = xpci_error_set((w)->err, code, __VA_ARGS__);            \
    } while (0)

/* A chain so long goes round in a circle, which is an error. */
bool xpci_walk_is_endless(walk *w, const chain *c);

/* The text of a link; NULL: there is none. */
char *xpci_walk_link(walk *w, const char *fmt, ...) _printf_(2, 3);

/* The text of a file without its last newline; NULL: there is none. */
char *xpci_walk_text(walk *w, const char *fmt, ...) _printf_(2, 3);

/*
 * Steps on the rest of every name in a directory that starts with @prefix.
 * Returns how many were there; NULL for @step: how many such names.
 */
size_t xpci_walk_all(walk *w, const chain *up, xpci_step *step,
                     const char *prefix, const char *fmt, ...) _printf_(5, 6);

/* Steps on every line of a file but the first @skip; none is an error. */
void xpci_walk_lines(walk *w, const char *path, int skip, xpci_step *step,
                     const chain *up);
