/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who must move together (design rule 1).
 *
 *     struct xpci_group group = { 0 };
 *     r = xpci_group_closure(&inv, seed, n, XPCI_SCOPE_GROUP, &group, err);
 *     ... group.v[i].dev, group.v[i].rule ...
 *     xpci_group_clear(&group);
 *
 * A device moves with the group that Linux would make of it, with what Xen
 * gives the same requester id, with what shares reserved memory, and with the
 * functions of its slot; a VF is not dragged along by its slot. The rules are
 * in isolation.h, why they are these in docs/design/isolation.md.
 *
 * A closure's members are endpoints; bridges stay with dom0, for pciback takes
 * all that is behind a bridge it is given (Linux pcistub_match()). A listing
 * has bridges too, since they are what many groups hang together by.
 */
#pragma once

#include "inventory.h"

enum xpci_scope {
    XPCI_SCOPE_GROUP,  /* all rules: the default */
    XPCI_SCOPE_SLOT,   /* the functions of the slot */
    XPCI_SCOPE_BUS,    /* the group, and everything on its buses */
    XPCI_SCOPE_DEVICE, /* nothing else */
};

struct xpci_member {
    size_t dev;          /* index in the inventory */
    unsigned int number; /* of its group, in a listing */
    char *rule;          /* why it is in, e.g. "asked for" */
};

struct xpci_group {
    struct xpci_member *v; /* by number, then by BDF */
    size_t n;
};

/*
 * The closure of the @n devices @seed. REFUSED if one of them is a bridge.
 * What cannot be read is no guess: -EACCES if it takes root to read a bridge
 * that may join it with others, or the tables of reserved memory; -EIO if such
 * a bridge does not answer.
 */
int xpci_group_closure(const struct xpci_inventory *inv, const size_t *seed,
                       size_t n, enum xpci_scope scope, struct xpci_group *out,
                       struct xpci_error *err) _must_check_;
void xpci_group_clear(struct xpci_group *group);

/* True if @dev is a member. */
bool xpci_group_has(const struct xpci_group *group, size_t dev);

/*
 * The groups of the @n devices @seed, or all groups if @n is 0. @kernel_only
 * is what Linux without Xen shows as iommu_groups; @acs_as_enabled see acs.h.
 * Numbers are from 1, in order of each group's first endpoint; groups of
 * bridges alone come last. What is behind a bridge that does not answer is
 * shown as one group with it; -EACCES as above.
 */
int xpci_group_list(const struct xpci_inventory *inv, bool kernel_only,
                    bool acs_as_enabled, const size_t *seed, size_t n,
                    struct xpci_group *out,
                    struct xpci_error *err) _must_check_;

int xpci_scope_parse(const char *text, enum xpci_scope *out,
                     struct xpci_error *err) _must_check_;

#define _cleanup_group_ _cleanup_(xpci_group_clear)
