/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "plugin.h"

#define ANSWER_MS 10000
#define NEWS_MS 3000

/* A command under way. On the heap: libxl may write to it after we gave up. */
struct command {
    char *answer;
    int rc;
    size_t pending;
};

static void command_done(libxl_ctx *ctx, int rc, void *for_callback)
{
    struct command *cmd = for_callback;

    (void)ctx;
    cmd->rc = rc;
    cmd->pending = 0;
}

/*
 * libxl_qemu_monitor_command() has no time limit, so a stopped device model
 * would hold xpci for ever; nor can it be aborted, so on a timeout command
 * and context are left behind.
 */
static int run_command(struct plugin *p, uint32_t domid, const char *text,
                       struct command *cmd)
{
    libxl_asyncop_how how = { .callback = command_done };
    int rc;

    how.u.for_callback = cmd;
    cmd->pending = 1;
    rc = libxl_qemu_monitor_command(p->ctx, domid, text, &cmd->answer, &how);
    if (rc) {
        cmd->pending = 0;
        return rc;
    }
    rc = plugin_run(p, &cmd->pending, plugin_now_ms() + ANSWER_MS);
    return rc ? rc : cmd->rc;
}

int plugin_monitor(struct plugin *p, uint32_t domid, const char *command,
                   char **out, struct xpci_error *err)
{
    struct command *cmd = calloc(1, sizeof(*cmd));
    int rc;

    if (!cmd)
        return xpci_error_oom(err);
    plugin_log_reset(p);
    /* not twice: the second would wait for the first to end */
    cmd->pending = p->stuck && p->mute == domid;
    rc = cmd->pending ? ERROR_TIMEDOUT : run_command(p, domid, command, cmd);
    if (cmd->pending) {
        p->stuck = true;
        p->mute = domid;
        return plugin_error(
            p, rc, err, "the device model of domain %u does not answer", domid);
    }
    *out = xpci_steal(cmd->answer);
    free(cmd);
    if (rc)
        return plugin_error(p, rc, err,
                            "cannot ask the device model of domain %u", domid);
    return 0;
}

int plugin_slots(struct plugin *p, uint32_t domid,
                 struct xpci_monitor_devices *out, struct xpci_error *err)
{
    _cleanup_free_ char *text = NULL;
    int ret = plugin_monitor(p, domid, "info pci", &text, err);

    return ret < 0 ? ret : xpci_monitor_parse(text, out, err);
}

int plugin_slots_used(void *ctx, const struct xpci_domain *dom, uint32_t *mask,
                      struct xpci_error *err)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
    struct plugin *p = ctx;
    int ret;

    if (dom->type != XPCI_DOMAIN_HVM)
        return xpci_error_set(err, ENOTSUP,
                              "'%s' is not an HVM guest and has no virtual "
                              "slots to choose from",
                              dom->name);
    ret = plugin_slots(p, dom->id, &bus, err);
    if (ret == 0)
        *mask = xpci_monitor_slots(&bus);
    return ret;
}

/* That it has the device was read before: no answer here is no failure. */
bool plugin_unheard(struct plugin *p, uint32_t domid)
{
    int64_t deadline = plugin_now_ms() + NEWS_MS;
    bool unheard;

    do {
        _cleanup_free_ char *text = NULL;

        unheard =
            plugin_monitor(p, domid, XPCI_MONITOR_EVENTS, &text, NULL) == 0 &&
            xpci_monitor_unheard(text);
    } while (unheard && plugin_wait(deadline));
    return unheard;
}
