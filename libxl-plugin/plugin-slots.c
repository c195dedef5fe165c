/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "plugin.h"

/* QEMU's second monitor: libxl makes it for xentop, which asks rarely. */
#define MONITOR "/var/run/xen/qmp-libxenstat-%u"
#define ANSWER_S 10
#define NEWS_MS 3000

static FILE *call_model(uint32_t domid)
{
    static const char begin[] = "{\"execute\":\"qmp_capabilities\"}\n";
    const struct timeval limit = { .tv_sec = ANSWER_S };
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *model;

    snprintf(to.sun_path, sizeof(to.sun_path), MONITOR, domid);
    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
        send(fd, begin, strlen(begin), MSG_NOSIGNAL) < 0)
        return NULL;
    model = fdopen(fd, "r");
    if (model)
        (void)xpci_steal_fd(fd);
    return model;
}

static int ask(FILE *model, const char *command, char **out)
{
    _cleanup_free_ char *text = NULL;

    xpci_try(xpci_asprintf(NULL, &text,
                           "{\"execute\":\"human-monitor-command\","
                           "\"arguments\":{\"command-line\":\"%s\"}}\n",
                           command));
    return send(fileno(model), text, strlen(text), MSG_NOSIGNAL) < 0
               ? -errno
               : xpci_monitor_read(model, ANSWER_S, out);
}

/* The way to a device model in a domain of its own; it has no time limit. */
static int ask_libxl(struct plugin *p, uint32_t domid, const char *command,
                     char **out, struct xpci_error *err)
{
    int rc;

    plugin_log_reset(p);
    rc = libxl_qemu_monitor_command(p->ctx, domid, command, out, NULL);
    return rc ? plugin_error(p, rc, err,
                             "cannot ask the device model of domain %u", domid)
              : 0;
}

/* A mute device model is not asked again, but by the next detach. */
int plugin_monitor(struct plugin *p, uint32_t domid, const char *command,
                   char **out, struct xpci_error *err)
{
    _cleanup_fclose_ FILE *model = NULL;
    int ret = -EAGAIN;

    if (p->mute != domid) {
        model = call_model(domid);
        ret = model ? ask(model, command, out) : -errno;
    }
    if (ret == -ENOENT)
        return ask_libxl(p, domid, command, out, err);
    if (ret == -ENOMEM)
        return xpci_error_oom(err);
    if (ret == -EAGAIN) {
        p->mute = domid;
        return xpci_error_set(err, ETIMEDOUT,
                              "the device model of domain %u does not answer",
                              domid);
    }
    return ret < 0 ? xpci_error_errno(err, -ret,
                                      "cannot ask the device model of domain "
                                      "%u",
                                      domid)
                   : 0;
}

/* That it has the device was read before: no answer here is no failure. */
bool plugin_unheard(struct plugin *p, uint32_t domid)
{
    int64_t deadline = xpci_now_ms() + NEWS_MS;
    bool unheard;

    do {
        _cleanup_free_ char *text = NULL;

        unheard =
            plugin_monitor(p, domid, XPCI_MONITOR_EVENTS, &text, NULL) == 0 &&
            xpci_monitor_unheard(text);
    } while (unheard && plugin_wait(deadline));
    return unheard;
}

int plugin_slots(struct plugin *p, uint32_t domid,
                 struct xpci_monitor_devices *out, struct xpci_error *err)
{
    _cleanup_free_ char *text = NULL;

    xpci_try(plugin_monitor(p, domid, "info pci", &text, err));
    return xpci_monitor_parse(text, out, err);
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
