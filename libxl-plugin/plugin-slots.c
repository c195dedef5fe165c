/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "plugin.h"

int plugin_monitor(struct plugin *p, uint32_t domid, const char *command,
                   char **out, struct xpci_error *err)
{
    char *answer = NULL;
    int rc;

    plugin_log_reset(p);
    rc = libxl_qemu_monitor_command(p->ctx, domid, command, &answer, NULL);
    if (rc)
        return plugin_error(
            p, rc, err, "the device model of domain %u does not answer", domid);
    *out = answer;
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
