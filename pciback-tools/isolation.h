/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules by which devices belong together; docs/design/isolation.md says
 * where each comes from. group.c is what others call.
 *
 *     r = xpci_isolation_tie(&inv, what, &tie);
 *     xpci_tie_turn(tie, dev);           dev is where its set begins
 *     set = xpci_tie_set(tie, dev);      the lowest device of dev's set
 *     ... tie[dev].rule, tie[dev].up ...
 *     free(tie);
 *
 * A set is a tree: each device but one is tied to another, by the rule that
 * brought them together first. Turning a tree keeps the set and its ties.
 */
#pragma once

#include "inventory.h"

enum xpci_rule {
    XPCI_RULE_BRIDGE,   /* behind an aliasing bridge, the object */
    XPCI_RULE_MUTE,     /* behind a bridge that cannot be read, the object */
    XPCI_RULE_ACS,      /* the object, a port, lets its neighbours talk */
    XPCI_RULE_FUNCTION, /* functions without ACS of one device */
    XPCI_RULE_ALIAS,    /* a device known to use another's requester id */
    XPCI_RULE_VMD,      /* all behind one VMD controller */
    XPCI_RULE_IVRS,     /* the IVRS says that they share a requester id */
    XPCI_RULE_MEMORY,   /* share reserved memory, start to end */
    XPCI_RULE_SLOT,     /* functions of a slot; not bridges, not VFs */
    XPCI_RULE_BUS,      /* all of a bus but bridges */
};

struct xpci_tie {
    size_t set; /* towards the lowest device, for xpci_tie_set() */
    size_t up;  /* XPCI_NO_PARENT: the set begins here */
    enum xpci_rule rule;
    size_t object; /* the device the rule is about, or XPCI_NO_PARENT */
    uint64_t start, end;
};

/* Which rules hold. */
enum xpci_isolation {
    XPCI_ISOLATION_KERNEL = 1,         /* BRIDGE to VMD */
    XPCI_ISOLATION_ACS_AS_ENABLED = 2, /* see acs.h */
    XPCI_ISOLATION_FIRMWARE = 4,       /* IVRS over buses, MEMORY */
    XPCI_ISOLATION_SLOTS = 8,
    XPCI_ISOLATION_BUSES = 16,
};

/*
 * @what is of enum xpci_isolation; @out has an entry for each device.
 * -ENOMEM is the only failure.
 */
int xpci_isolation_tie(const struct xpci_inventory *inv, unsigned int what,
                       struct xpci_tie **out) _must_check_;

size_t xpci_tie_set(struct xpci_tie *tie, size_t dev);
void xpci_tie_turn(struct xpci_tie *tie, size_t dev);
