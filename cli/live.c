/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "live.h"

int xpci_live_check(const struct xpci_call *call, struct xpci_error *err)
{
    if (xpci_root_is_live(call->root) || call->opt[OPT_DRY_RUN])
        return 0;
    return xpci_error_usage(err,
                            "devices change hands on the running system only, "
                            "not under '%s'; -n shows what would be done",
                            call->opt[OPT_ROOT]);
}

/* After devices were moved. */
static int reload(struct xpci_call *call, struct xpci_error *err)
{
    xpci_inventory_clear(&call->inv);
    xpci_hide_conf_clear(&call->conf);
    xpci_try(xpci_host_inventory(call, err));
    return xpci_hide_conf_load(call->root, &call->inv, &call->conf, err);
}

static int used(const struct xpci_guest_device *by, const char *rule,
                struct xpci_error *err)
{
    if (!strcmp(by->state, "stale") || !strcmp(by->state, "unrecorded"))
        return xpci_error_refuse(
            err,
            XPCI_BDF_FMT " (%s) may be with '%s' (%s); "
                         "'xpci reconcile --fix' comes first",
            XPCI_BDF_ARGS(by->bdf), rule, by->domain, by->state);
    return xpci_error_refuse(err,
                             XPCI_BDF_FMT " (%s) is attached to '%s'; 'xpci "
                                          "detach %s " XPCI_BDF_FMT
                                          "' comes first",
                             XPCI_BDF_ARGS(by->bdf), rule, by->domain,
                             by->domain, XPCI_BDF_ARGS(by->bdf));
}

/* Half a group with a guest could reach dom0 through the other half. */
static int check_users(const struct xpci_call *call, size_t dev, bool leaving,
                       struct xpci_error *err)
{
    const struct xpci_inventory *inv = &call->inv;
    _cleanup_group_ struct xpci_group group = { 0 };

    xpci_try(xpci_group_closure(inv, &dev, 1, XPCI_SCOPE_GROUP, &group, err));
    for (size_t i = 0; i < group.n; i++) {
        const struct xpci_bdf *bdf = &inv->dev[group.v[i].dev].bdf;
        const struct xpci_guest_device *user = xpci_host_user(call, bdf);
        bool leaves = leaving && xpci_list_find(&call->chosen, one,
                                                *one == group.v[i].dev);

        if (user && !leaves)
            return used(user, group.v[i].rule, err);
    }
    return 0;
}

/*
 * Who has what leaves pciback, asked anew: images took their time, and xl
 * takes no lock. All before the first goes.
 */
static int check_free(const struct xpci_call *call,
                      const struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_guest_devices_ struct xpci_guest_devices guests = { 0 };
    struct xpci_call now = *call;

    xpci_try(call->ts->ops->devices(call->ts->ctx, false, &guests, err));
    now.guests = guests;
    for (size_t i = 0; i < moves->n; i++) {
        const struct xpci_device *dev = moves->v[i].dev;

        if (xpci_host_on_pciback(dev))
            xpci_try(
                check_users(&now, (size_t)(dev - call->inv.dev), false, err));
    }
    return 0;
}

/* Xen's part first: what leaves pciback may have been with a guest. */
static int move_all(const struct xpci_call *call,
                    const struct xpci_moves *moves, struct xpci_error *err)
{
    if (call->ts)
        xpci_try(check_free(call, moves, err));
    for (size_t i = 0; call->ts && i < moves->n; i++) {
        if (xpci_host_on_pciback(moves->v[i].dev))
            xpci_try(call->ts->ops->to_dom0(call->ts->ctx,
                                            &moves->v[i].dev->bdf, err));
    }
    return xpci_moves_make(moves, call->root, &call->log, err);
}

/* At whichever driver of dom0 it is, its next one would be pciback. */
static int free_override(const struct xpci_call *call,
                         const struct xpci_device *dev,
                         struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char override[XPCI_DEVICE_FILE_SIZE];

    xpci_device_file(dev, "driver_override", override);
    xpci_try(xpci_root_read_optional(call->root, override, &text, NULL, err));
    return text.len && !strcmp(text.data, XPCI_PCIBACK "\n")
               ? xpci_moves_add(moves, call->root, dev, dev->driver, err)
               : 0;
}

/*
 * What an xpci that was killed was moving, and nothing hides. If dom0 has it,
 * by whatever driver, that one may be in use by now.
 */
static int find_half_done(struct xpci_call *call, const char *lines,
                          struct xpci_moves *moves, struct xpci_error *err)
{
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_device *dev = &call->inv.dev[i];
        _cleanup_free_ char *driver = NULL;

        xpci_try(xpci_drivers_find(lines, &call->inv, dev, &driver, err));
        if (!driver || xpci_hide_conf_find(&call->conf, &dev->bdf))
            continue;
        if (dev->driver && !xpci_host_on_pciback(dev)) {
            xpci_try(free_override(call, dev, moves, err));
            continue;
        }
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "an xpci that was killed has left " XPCI_BDF_FMT
                 " with %s; it goes back to dom0",
                 XPCI_BDF_ARGS(dev->bdf), xpci_host_driver(dev));
        if (xpci_host_on_pciback(dev) && !call->guests_known)
            xpci_try(xpci_host_guests(call, err));
        if (!xpci_host_user(call, &dev->bdf))
            xpci_try(xpci_moves_add(moves, call->root, dev,
                                    *driver ? driver : NULL, err));
    }
    return 0;
}

int xpci_live_open(struct xpci_call *call, bool go_on, struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    _cleanup_buf_ struct xpci_buf lines = { 0 };
    int ret = xpci_host_lock(call, err);
    bool found;

    if (ret < 0 && (!go_on || call->lock < 0))
        return ret;
    if (ret < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(err));
    xpci_error_clear(err);
    xpci_try(reload(call, err));
    xpci_try(xpci_root_read_optional(call->root, XPCI_BINDING_PATH, &lines,
                                     &found, err));
    if (!found || call->opt[OPT_DRY_RUN] || !xpci_root_is_live(call->root))
        return 0;
    /* said once: what does not come back, 'unhide --now' tries again */
    if (find_half_done(call, lines.data, &moves, &why) < 0 ||
        move_all(call, &moves, &why) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(&why));
    xpci_live_done(call, 0);
    return moves.n ? reload(call, err) : 0;
}

int xpci_live_remember(const struct xpci_call *call, struct xpci_changes *set,
                       struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    /* as with the journal: no such system, no such file */
    if (!xpci_root_exists(call->root, "/var/lib"))
        return 0;
    xpci_try(
        xpci_drivers_text(call->root, &call->conf, &call->inv, &text, err));
    return text.len
               ? xpci_changes_put(set, call->root, XPCI_DRIVERS_PATH, text.data,
                                  text.len, 0644, err)
               : xpci_changes_delete(set, call->root, XPCI_DRIVERS_PATH, err);
}

static int take_one(const struct xpci_call *call, const struct xpci_device *dev,
                    struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_free_ char *why = NULL;

    xpci_try(xpci_move_busy(call->root, dev, &why, err));
    if (why)
        xpci_try(xpci_host_override(call, "end that, or add --force", err,
                                    "dom0 uses " XPCI_BDF_FMT ": %s",
                                    XPCI_BDF_ARGS(dev->bdf), why));
    return xpci_moves_add(moves, call->root, dev, XPCI_PCIBACK, err);
}

int xpci_live_take(const struct xpci_call *call, const struct xpci_group *group,
                   struct xpci_moves *moves, struct xpci_error *err)
{
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_device *dev = &call->inv.dev[i];

        if (xpci_hide_conf_find(&call->conf, &dev->bdf) &&
            !xpci_host_on_pciback(dev) && (!group || xpci_group_has(group, i)))
            xpci_try(take_one(call, dev, moves, err));
    }
    return 0;
}

int xpci_live_give(const struct xpci_call *call, size_t dev, bool leaving,
                   struct xpci_moves *moves, struct xpci_error *err)
{
    const struct xpci_device *d = &call->inv.dev[dev];
    _cleanup_buf_ struct xpci_buf lines = { 0 };
    _cleanup_free_ char *driver = NULL;

    if (!xpci_host_on_pciback(d))
        return 0;
    xpci_try(check_users(call, dev, leaving, err));
    xpci_try(xpci_root_read_optional(call->root, XPCI_DRIVERS_PATH, &lines,
                                     NULL, err));
    xpci_try(xpci_drivers_find(lines.data, &call->inv, d, &driver, err));
    return xpci_moves_add(moves, call->root, d, driver, err);
}

static int print_moves(const struct xpci_call *call,
                       const struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_try(xpci_moves_print(moves, call->root, &text, err));
    fputs(text.len ? text.data : "", stdout);
    return 0;
}

/* For who comes after a kill; files are in a journal of their own. */
static int note_moves(const struct xpci_call *call,
                      const struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_try(xpci_moves_text(moves, &call->inv, &text, err));
    return xpci_file_replace(call->root, XPCI_BINDING_PATH, text.data, text.len,
                             0644, err);
}

static bool leaves_dom0(const struct xpci_move *move)
{
    return !xpci_host_on_pciback(move->dev);
}

static int check_one(const struct xpci_call *call,
                     const struct xpci_guard *guard,
                     const struct xpci_device *dev, struct xpci_error *err)
{
    const struct xpci_finding *f = xpci_guard_worst(guard, &dev->bdf);
    _cleanup_free_ char *why = NULL;

    xpci_try(xpci_move_busy(call->root, dev, &why, err));
    if ((f && f->grade == XPCI_GUARD_DIES) || (why && !call->opt[OPT_FORCE]))
        return xpci_error_refuse(err, "dom0 uses " XPCI_BDF_FMT ": %s",
                                 XPCI_BDF_ARGS(dev->bdf), why ? why : f->chain);
    return f && f->grade == XPCI_GUARD_IN_USE
               ? xpci_host_override(call, "end that, or add --force", err,
                                    "dom0 uses " XPCI_BDF_FMT ": %s",
                                    XPCI_BDF_ARGS(dev->bdf), f->chain)
               : 0;
}

/*
 * Images took their time since 'hide' has looked, and a disk of a running dom0
 * may have been mounted: what it lives on stays, whatever is forced.
 */
static int check_unused(const struct xpci_call *call,
                        const struct xpci_moves *moves, struct xpci_error *err)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    int ret = 0;

    if (!xpci_list_find(moves, move, leaves_dom0(move)))
        return 0;
    ret = xpci_guard_load(call->root, &guard, err);
    if (ret < 0 && ret != -ENOMEM && call->opt[OPT_FORCE]) {
        xpci_log(&call->log, XPCI_LOG_WARN, "forced: %s", xpci_error_text(err));
        xpci_error_clear(err);
        ret = 0;
    }
    for (size_t i = 0; ret == 0 && i < moves->n; i++) {
        if (leaves_dom0(&moves->v[i]))
            ret = check_one(call, &guard, moves->v[i].dev, err);
    }
    return ret;
}

int xpci_live_make(const struct xpci_call *call, const struct xpci_moves *moves,
                   struct xpci_error *err)
{
    if (moves->n == 0)
        return 0;
    xpci_try(check_unused(call, moves, err));
    if (call->opt[OPT_DRY_RUN])
        return print_moves(call, moves, err);
    xpci_try(note_moves(call, moves, err));
    return move_all(call, moves, err);
}

int xpci_live_permit(struct xpci_call *call, const struct xpci_hidden *entry,
                     struct xpci_error *err)
{
    const struct xpci_device *dev =
        xpci_inventory_find(&call->inv, &entry->bdf);
    const struct xpci_guest_device *user;
    _cleanup_free_ char *driver = NULL;
    int ret;

    if (!entry->here || !entry->permissive)
        return 0;
    xpci_try(ret = xpci_pciback_permissive(call->root, dev, err));
    xpci_try(xpci_device_driver(call->root, dev, &driver, err));
    if (ret || (!call->opt[OPT_DRY_RUN] &&
                (!driver || strcmp(driver, XPCI_PCIBACK) != 0)))
        return 0;
    if (!call->guests_known)
        xpci_try(xpci_host_guests(call, err));
    user = xpci_host_user(call, &entry->bdf);
    if (user)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 XPCI_BDF_FMT " is with '%s', and not permissive until it is "
                              "attached anew",
                 XPCI_BDF_ARGS(entry->bdf), user->domain);
    else if (call->opt[OPT_DRY_RUN])
        printf("write: " XPCI_PERMISSIVE_PATH " " XPCI_BDF_FMT "\n",
               XPCI_BDF_ARGS(entry->bdf));
    else
        return xpci_pciback_permit(call->root, dev, err);
    return 0;
}

int xpci_live_done(const struct xpci_call *call, int ret)
{
    if (ret != -ENOTRECOVERABLE && !call->opt[OPT_DRY_RUN] &&
        xpci_changes_forget(call->root, XPCI_BINDING_PATH, NULL) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "'" XPCI_BINDING_PATH "' cannot be removed; the next xpci "
                 "that hides or unhides tries again");
    return ret;
}
