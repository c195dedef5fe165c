/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>

#include "partition.h"

int xpci_partition_init(struct xpci_partition *p, size_t n)
{
    *p = (struct xpci_partition){
        .n = n,
        .root = malloc((n + 1) * sizeof(*p->root)),
        .link = malloc((n + 1) * sizeof(*p->link)),
    };
    if (!p->root || !p->link)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        p->root[i] = i;
    return 0;
}

void xpci_partition_clear(struct xpci_partition *p)
{
    free(p->root);
    free(p->link);
    *p = (struct xpci_partition){ 0 };
}

size_t xpci_partition_find(struct xpci_partition *p, size_t dev)
{
    while (p->root[dev] != dev) {
        p->root[dev] = p->root[p->root[dev]];
        dev = p->root[dev];
    }
    return dev;
}

void xpci_partition_join(struct xpci_partition *p, const struct xpci_link *link)
{
    size_t a = xpci_partition_find(p, link->a);
    size_t b = xpci_partition_find(p, link->b);

    if (a == b)
        return;
    p->root[a > b ? a : b] = a < b ? a : b;
    p->link[p->n_links++] = *link;
}

/* The links of each device as lists; number 2i is link i from a, 2i+1 from b */
struct lists {
    size_t *first; /* by device */
    size_t *next;  /* by number */
};

#define END ((size_t)-1)

static void lists_clear(struct lists *l)
{
    free(l->first);
    free(l->next);
}

static int make_lists(const struct xpci_partition *p, struct lists *l)
{
    l->first = malloc((p->n + 1) * sizeof(*l->first));
    l->next = malloc((2 * p->n_links + 1) * sizeof(*l->next));
    if (!l->first || !l->next)
        return -ENOMEM;
    for (size_t i = 0; i < p->n; i++)
        l->first[i] = END;
    /* backwards, so that a list begins with the link that was made first */
    for (size_t i = 2 * p->n_links; i-- > 0;) {
        const struct xpci_link *link = &p->link[i / 2];
        size_t dev = i % 2 ? link->b : link->a;

        l->next[i] = l->first[dev];
        l->first[dev] = i;
    }
    return 0;
}

int xpci_partition_walk(const struct xpci_partition *p, const size_t *seed,
                        size_t n, size_t *order, const struct xpci_link **from,
                        size_t *n_order)
{
    _cleanup_(lists_clear) struct lists l = { 0 };
    _cleanup_free_ bool *seen = calloc(p->n + 1, sizeof(*seen));
    size_t end = 0;

    if (!seen || make_lists(p, &l) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!seen[seed[i]])
            order[end++] = seed[i];
        seen[seed[i]] = true;
        from[seed[i]] = NULL;
    }
    for (size_t at = 0; at < end; at++) {
        for (size_t i = l.first[order[at]]; i != END; i = l.next[i]) {
            const struct xpci_link *link = &p->link[i / 2];
            size_t dev = i % 2 ? link->a : link->b;

            if (seen[dev])
                continue;
            seen[dev] = true;
            from[dev] = link;
            order[end++] = dev;
        }
    }
    *n_order = end;
    return 0;
}
