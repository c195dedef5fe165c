/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices joined into sets, with the reason for each join: what isolation.c
 * fills and group.c reads.
 *
 *     struct xpci_partition p = { 0 };
 *     r = xpci_partition_init(&p, n);
 *     xpci_partition_join(&p, &(struct xpci_link){ a, b, RULE, object });
 *     set = xpci_partition_find(&p, dev);
 *     r = xpci_partition_walk(&p, seed, n_seeds, order, from, &n);
 *     xpci_partition_clear(&p);
 *
 * Kept are the links that made two sets one, so there is exactly one way from
 * a device to another of its set. Joining is near constant, walking linear.
 */
#ifndef XPCI_PARTITION_H
#define XPCI_PARTITION_H

#include <stdint.h>

#include "cleanup.h"

enum xpci_rule {
    XPCI_RULE_BRIDGE,         /* behind an aliasing bridge, the object */
    XPCI_RULE_MUTE,           /* behind a bridge that cannot be read */
    XPCI_RULE_NO_ACS,         /* the object lets its neighbours talk */
    XPCI_RULE_ACS_OFF,        /* it could isolate, and is not told to */
    XPCI_RULE_ACS_UNREADABLE, /* it may isolate */
    XPCI_RULE_FUNCTION,       /* functions without ACS of one device */
    XPCI_RULE_FUNCTION_OFF,   /* the same, with ACS that is off */
    XPCI_RULE_ALIAS,          /* a device known to use another's id */
    XPCI_RULE_VMD,            /* behind a VMD controller, the object */
    XPCI_RULE_IVRS,           /* the IVRS says they share an id */
    XPCI_RULE_MEMORY,         /* share the reserved memory start to end */
    XPCI_RULE_SLOT,
    XPCI_RULE_BUS,
};

struct xpci_link {
    size_t a, b;
    enum xpci_rule rule;
    size_t object; /* the device that the rule is about, if it has one */
    uint64_t start, end;
};

struct xpci_partition {
    size_t n;     /* of devices */
    size_t *root; /* union-find */
    struct xpci_link *link;
    size_t n_links;
};

/* -ENOMEM is the only failure, here and of the walk. */
int xpci_partition_init(struct xpci_partition *p, size_t n) _must_check_;
void xpci_partition_clear(struct xpci_partition *p);

void xpci_partition_join(struct xpci_partition *p,
                         const struct xpci_link *link);

/* The lowest device of the set. */
size_t xpci_partition_find(struct xpci_partition *p, size_t dev);

/*
 * Goes from the @n seeds through their sets: @order gets the devices as they
 * are met, @from[dev] the link that led there, NULL for a seed. Both have room
 * for all devices.
 */
int xpci_partition_walk(const struct xpci_partition *p, const size_t *seed,
                        size_t n, size_t *order, const struct xpci_link **from,
                        size_t *n_order) _must_check_;

#define _cleanup_partition_ _cleanup_(xpci_partition_clear)

#endif
