/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "host.h"
#include "interrupt.h"
#include "lock.h"
#include "table.h"

int xpci_host_lock(struct xpci_call *call, struct xpci_error *err)
{
    if (call->opt[OPT_DRY_RUN]) {
        xpci_changes_pending(call->root, &call->log);
        return 0;
    }
    if (xpci_root_is_recording(call->root))
        return xpci_error_usage(err,
                                "'%s' is a recording, where nothing can be "
                                "changed; -n shows what would be",
                                call->opt[OPT_ROOT]);
    return xpci_lock(call->root, &call->log, &call->lock, err);
}

int xpci_host_inventory(struct xpci_call *call, struct xpci_error *err)
{
    if (call->opt[OPT_DUMP])
        return xpci_inventory_load_dump(call->opt[OPT_DUMP], &call->inv, err);
    return xpci_inventory_load(call->root, &call->inv, err);
}

int xpci_host_select(struct xpci_call *call, int first, struct xpci_error *err)
{
    const struct xpci_inventory *inv = &call->inv;
    size_t *idx = calloc(inv->n * (size_t)call->argc + 1, sizeof(*idx));

    free(call->chosen.v);
    call->chosen.v = idx;
    call->chosen.n = 0;
    xpci_need(idx, err);
    for (int i = first; i < call->argc; i++)
        xpci_try(xpci_inventory_select(inv, call->argv[i], idx, &call->chosen.n,
                                       err));
    return 0;
}

int xpci_host_closure(struct xpci_call *call, struct xpci_group *group,
                      struct xpci_error *err)
{
    enum xpci_scope scope = XPCI_SCOPE_GROUP;

    if (!call->chosen.v)
        xpci_try(xpci_host_select(call, 0, err));
    if (call->opt[OPT_SCOPE])
        xpci_try(xpci_scope_parse(call->opt[OPT_SCOPE], &scope, err));
    return xpci_group_closure(&call->inv, call->chosen.v, call->chosen.n, scope,
                              group, err);
}

int xpci_host_hide(struct xpci_call *call, const struct xpci_group *group,
                   struct xpci_error *err)
{
    const struct xpci_inventory *inv = &call->inv;

    for (size_t i = 0; i < group->n; i++)
        xpci_try(xpci_hide_conf_add(&call->conf, inv,
                                    &inv->dev[group->v[i].dev], err));
    return 0;
}

int xpci_host_is_dom0(const struct xpci_call *call, struct xpci_error *err)
{
    int ret = xpci_toolstack_check(call->root, err);

    if (ret != -ENODEV)
        return ret < 0 ? ret : 1;
    xpci_error_clear(err);
    return 0;
}

/* What cannot be read is an error. */
int xpci_host_guests(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf type = { 0 };

    if (xpci_root_is_live(call->root) && !call->opt[OPT_DUMP])
        xpci_try(xpci_root_read_optional(call->root, "/sys/hypervisor/type",
                                         &type, NULL, err));
    if (type.len && !strcmp(type.data, "xen\n")) {
        xpci_try(xpci_toolstack_open(call->root, &call->ts, err));
        xpci_try(
            call->ts->ops->devices(call->ts->ctx, true, &call->guests, err));
    }
    call->guests_known = true;
    return 0;
}

int xpci_host_xen(struct xpci_call *call, bool slots, struct xpci_error *err)
{
    xpci_try(xpci_toolstack_open(call->root, &call->ts, err));
    if (call->argc)
        xpci_try(call->ts->ops->domain(call->ts->ctx, call->argv[0],
                                       &call->domain, err));
    return call->ts->ops->devices(call->ts->ctx, slots, &call->guests, err);
}

int xpci_host_guard(struct xpci_call *call, bool needed, struct xpci_error *err)
{
    int ret;

    if (call->opt[OPT_DUMP])
        return 0;
    ret = xpci_guard_load(call->root, &call->guard, err);
    if (ret == -ENOMEM || (ret < 0 && needed))
        return ret;
    if (ret < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "%s%s",
                 call->opt[OPT_FORCE] ? "forced: " : "", xpci_error_text(err));
    else if (!call->guard.known)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "'%s/proc' says nothing of mounts or routes: whether dom0 "
                 "lives on a device is not checked",
                 xpci_root_dir(call->root));
    xpci_error_clear(err);
    return 0;
}

const struct xpci_guest_device *xpci_host_user(const struct xpci_call *call,
                                               const struct xpci_bdf *bdf)
{
    return xpci_list_find(&call->guests, user,
                          xpci_bdf_cmp(&user->bdf, bdf) == 0);
}

size_t xpci_host_named(const struct xpci_inventory *inv,
                       const struct xpci_hide_entry *entry, size_t dev)
{
    while (dev != XPCI_NO_PARENT &&
           fnmatch(entry->glob, xpci_cell_bdf(&inv->dev[dev].bdf), 0) != 0)
        dev = inv->dev[dev].parent;
    return dev;
}

bool xpci_host_on_pciback(const struct xpci_device *dev)
{
    return dev->driver && !strcmp(dev->driver, "pciback");
}

const char *xpci_host_driver(const struct xpci_device *dev)
{
    return dev->driver ? dev->driver : "no driver";
}

const char *xpci_host_state(const struct xpci_call *call,
                            const struct xpci_device *dev)
{
    if (xpci_device_is_bridge(dev))
        return "bridge";
    if (xpci_device_board(dev))
        return "iommu";
    if (call->opt[OPT_DUMP])
        return "unknown";
    if (!dev->driver)
        return "free";
    if (!xpci_host_on_pciback(dev))
        return "dom0";
    if (!call->guests_known)
        return "pciback";
    return xpci_host_user(call, &dev->bdf) ? "attached" : "assignable";
}

/* For a program to the byte; a terminal is to do nothing that a file says. */
static void print_diff(char *text)
{
    char *line;

    if (!text || !isatty(STDOUT_FILENO)) {
        fputs(text ? text : "", stdout);
        return;
    }
    while ((line = strsep(&text, "\n")))
        xpci_say(stdout, "", line, text ? "\n" : "");
}

int xpci_host_change(const struct xpci_call *call, struct xpci_changes *set,
                     struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf diff = { 0 };

    if (!call->opt[OPT_DRY_RUN]) {
        _cleanup_interrupt_ struct xpci_interrupt held;

        xpci_interrupt_hold(&held);
        return xpci_changes_commit(set, call->root, err);
    }
    xpci_try(xpci_changes_diff(set, call->root, &diff, err));
    print_diff(diff.data);
    return 0;
}

int xpci_host_override(const struct xpci_call *call, const char *instead,
                       struct xpci_error *err, const char *fmt, ...)
{
    _cleanup_free_ char *text = xpci_format_args(fmt);

    xpci_need(text, err);
    if (!call->opt[OPT_FORCE])
        return xpci_error_refuse(err, "%s; %s", text, instead);
    xpci_log(&call->log, XPCI_LOG_WARN, "forced: %s", text);
    return 0;
}
