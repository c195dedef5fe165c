/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "host.h"
#include "plan.h"

/* Why a device is in the configuration: the rule, or a hand wrote it. */
static const char *rule_of(const struct xpci_group *group, size_t dev)
{
    const struct xpci_member *member =
        group ? xpci_list_find(group, m, m->dev == dev) : NULL;

    return member ? member->rule : "in " XPCI_HIDE_CONF_PATH;
}

/* Refuses a device of which dom0 makes use of grade @least or worse. */
static int check_device(const struct xpci_call *call,
                        const struct xpci_device *dev, const char *rule,
                        enum xpci_guard_grade least, struct xpci_error *err)
{
    const struct xpci_finding *worst =
        xpci_guard_worst(&call->guard, &dev->bdf);
    bool dies = worst && worst->grade == XPCI_GUARD_DIES;
    bool force = call->opt[OPT_FORCE] && !(dies && call->opt[OPT_NOW]);

    if (xpci_device_board(dev))
        return xpci_error_refuse(err, XPCI_BDF_FMT " (%s) is %s",
                                 XPCI_BDF_ARGS(dev->bdf), rule,
                                 xpci_device_board(dev));
    if (!worst || worst->grade < least || force)
        return 0;
    return xpci_error_refuse(
        err, "dom0 %s " XPCI_BDF_FMT " (%s): %s%s", dies ? "lives on" : "uses",
        XPCI_BDF_ARGS(dev->bdf), rule, worst->chain,
        !dies                  ? "; end that, or add --force"
        : call->opt[OPT_FORCE] ? "; with --now there is no --force for this"
                               : "");
}

/* Tells what is lost with the device. */
static void tell_device(const struct xpci_call *call,
                        const struct xpci_device *dev, const char *rule)
{
    const struct xpci_guard *guard = &call->guard;

    for (size_t i = 0; i < guard->n; i++) {
        const struct xpci_finding *f = &guard->v[i];

        if (xpci_bdf_cmp(&f->bdf, &dev->bdf) == 0)
            xpci_log(&call->log, f->grade ? XPCI_LOG_WARN : XPCI_LOG_NOTE,
                     "%s%s (%s)", f->grade ? "forced: " : "", f->chain, rule);
    }
}

/* The files that xpci has made have it: whoever wanted it was told then. */
static int is_made(const struct xpci_hidden *h, const struct xpci_buf *files,
                   struct xpci_error *err)
{
    _cleanup_free_ char *identity = NULL, *address = NULL;

    xpci_try(xpci_asprintf(err, &identity, "\n%s=%04x:%04x", h->path, h->vendor,
                           h->device));
    xpci_try(xpci_asprintf(err, &address, "(" XPCI_BDF_FMT ")",
                           XPCI_BDF_ARGS(h->bdf)));
    return files->len &&
           (strstr(files->data, identity) || strstr(files->data, address));
}

/*
 * The indexes of the hidden devices; with @plan but of those that are not in
 * its files yet.
 */
static int find_devices(const struct xpci_call *call,
                        const struct xpci_plan *plan, size_t *out, size_t *n,
                        struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf files = { 0 };

    if (plan)
        xpci_try(xpci_root_read_optional(call->root, XPCI_MODPROBE_PATH, &files,
                                         NULL, err));
    if (plan && plan->gen->seize)
        xpci_try(xpci_root_read_optional(call->root, plan->gen->seize->path,
                                         &files, NULL, err));
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_hidden *h =
            xpci_hide_conf_find(&call->conf, &call->inv.dev[i].bdf);
        int made = 0;

        if (h)
            xpci_try(made = is_made(h, &files, err));
        if (h && !made)
            out[(*n)++] = i;
    }
    return 0;
}

int xpci_plan_guard(struct xpci_call *call, struct xpci_plan *plan,
                    const struct xpci_group *group, struct xpci_error *err)
{
    _cleanup_free_ size_t *devices = calloc(call->inv.n + 1, sizeof(*devices));
    size_t n = 0;

    if (plan->guarded)
        return 0;
    xpci_need(devices, err);
    xpci_try(find_devices(call, group ? NULL : plan, devices, &n, err));
    if (n)
        xpci_try(xpci_host_guard(call, !call->opt[OPT_FORCE], err));
    /* the worst first: --force is no advice where another one kills dom0 */
    for (int least = XPCI_GUARD_DIES; least >= XPCI_GUARD_NOTE; least--) {
        for (size_t i = 0; i < n; i++) {
            const struct xpci_device *dev = &call->inv.dev[devices[i]];
            const char *rule = rule_of(group, devices[i]);

            if (least == XPCI_GUARD_NOTE)
                tell_device(call, dev, rule);
            else
                xpci_try(check_device(call, dev, rule,
                                      (enum xpci_guard_grade)least, err));
        }
    }
    plan->guarded = true;
    return 0;
}
