/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include <xenctrl.h>

#include "plugin.h"
#include "reconcile.h"

#define _cleanup_config_ _cleanup_(libxl_domain_config_dispose)

/* What is left of Xen's log; an old boot's is gone where it wrapped. */
static int read_log(struct plugin *p, char **out, struct xpci_error *err)
{
    libxl_xen_console_reader *reader = libxl_xen_console_read_start(p->ctx, 0);
    _cleanup_buf_ struct xpci_buf log = { 0 };
    char *line;
    int ret = 0;

    while (reader && ret == 0 &&
           libxl_xen_console_read_line(p->ctx, reader, &line) == 1)
        ret = xpci_buf_puts(&log, line);
    if (reader)
        libxl_xen_console_read_finish(p->ctx, reader);
    if (ret == 0)
        *out = xpci_buf_steal(&log);
    return ret < 0 || !*out ? xpci_error_oom(err) : 0;
}

static int read_domain(struct plugin *p, const struct xpci_domain *dom,
                       bool *iommu, struct xpci_error *err)
{
    _cleanup_config_ libxl_domain_config config;
    int rc;

    libxl_domain_config_init(&config);
    rc = libxl_retrieve_domain_configuration(p->ctx, dom->id, &config, NULL);
    *iommu = config.c_info.passthrough != LIBXL_PASSTHROUGH_DISABLED;
    return rc ? plugin_error(p, rc, err, "cannot read how '%s' was created",
                             dom->name)
              : 0;
}

int plugin_host(void *ctx, const struct xpci_domain *dom,
                struct xpci_host_facts *out, struct xpci_error *err)
{
    struct plugin *p = ctx;
    libxl_physinfo info;
    int rc;

    libxl_physinfo_init(&info);
    plugin_log_reset(p);
    rc = libxl_get_physinfo(p->ctx, &info);
    out->iommu = info.cap_hvm_directio;
    out->hvm = info.cap_hvm;
    libxl_physinfo_dispose(&info);
    if (rc)
        return plugin_error(p, rc, err, "cannot read what Xen can do");
    rc = dom ? read_domain(p, dom, &out->guest_iommu, err) : 0;
    return rc < 0 ? rc : read_log(p, &out->log, err);
}

int plugin_assigned(struct plugin *p, uint32_t to, const struct xpci_bdf *bdf,
                    struct xpci_error *err)
{
    uint32_t sbdf = bdf->segment << 16 | (uint32_t)bdf->bus << 8 |
                    (uint32_t)bdf->slot << 3 | bdf->func;
    int code, ret;

    if (!p->xc)
        p->xc = xc_interface_open(&p->log.logger, NULL, 0);
    if (!p->xc)
        return xpci_error_errno(err, errno, "cannot talk to Xen");
    code = xc_test_assign_device(p->xc, to ? to : DOMID_INVALID, sbdf) < 0
               ? errno
               : 0;
    if (code == EOPNOTSUPP && to)
        return -code;
    ret = xpci_reconcile_answer(code);
    if (ret < 0)
        xpci_error_errno(err, code, "cannot ask Xen who has " XPCI_BDF_FMT,
                         XPCI_BDF_ARGS(*bdf));
    return ret;
}

/*
 * The answer is not looked at: libxl also fails for a device that was dom0's
 * all along, having been hidden at boot, and cannot tell which it is.
 */
int plugin_to_dom0(void *ctx, const struct xpci_bdf *bdf,
                   struct xpci_error *err)
{
    struct plugin *p = ctx;
    _cleanup_pci_ libxl_device_pci pci;

    (void)err;
    plugin_fill_pci(&pci, bdf);
    plugin_log_reset(p);
    libxl_device_pci_assignable_remove(p->ctx, &pci, 0);
    return 0;
}
