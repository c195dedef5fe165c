/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <libxl_utils.h>

#include "plugin.h"

#define _cleanup_dominfo_ _cleanup_(libxl_dominfo_dispose)

static int not_running(const char *name, struct xpci_error *err)
{
    return xpci_error_set(err, ENOENT, "no domain '%s' is running", name);
}

/* All digits is a number, as in xl, though a name may look like that too. */
static int find_domid(struct plugin *p, const char *name, uint32_t *domid,
                      struct xpci_error *err)
{
    int end = 0;

    if (name[0] && name[strspn(name, "0123456789")] == '\0') {
        if (sscanf(name, "%5u%n", domid, &end) != 1 || name[end] ||
            (*domid && !libxl_domid_valid_guest(*domid)))
            return not_running(name, err);
        return 0;
    }
    plugin_log_reset(p);
    /* ERROR_INVAL is all it has for "there is none". */
    return libxl_name_to_domid(p->ctx, name, domid) ? not_running(name, err)
                                                    : 0;
}

static bool is_pvh(struct plugin *p, uint32_t domid)
{
    _cleanup_free_ char *type = NULL;
    char path[32];

    snprintf(path, sizeof(path), "/libxl/%u/type", domid);
    type = xs_read(p->xs, XBT_NULL, path, NULL);
    return type && !strcmp(type, "pvh");
}

int plugin_domain_type(struct plugin *p, uint32_t domid, bool *found,
                       enum xpci_domain_type *out, struct xpci_error *err)
{
    static const enum xpci_domain_type types[] = {
        [LIBXL_DOMAIN_TYPE_HVM] = XPCI_DOMAIN_HVM,
        [LIBXL_DOMAIN_TYPE_PV] = XPCI_DOMAIN_PV,
        [LIBXL_DOMAIN_TYPE_PVH] = XPCI_DOMAIN_PVH,
    };
    _cleanup_dominfo_ libxl_dominfo info;
    int rc;

    libxl_dominfo_init(&info);
    plugin_log_reset(p);
    rc = libxl_domain_info(p->ctx, &info, domid);
    *found = rc != ERROR_DOMAIN_NOTFOUND && !info.dying;
    if (!*found)
        return 0;
    if (rc)
        return plugin_error(p, rc, err, "cannot read domain %u", domid);
    if (info.domain_type < LIBXL_DOMAIN_TYPE_HVM ||
        info.domain_type > LIBXL_DOMAIN_TYPE_PVH)
        return xpci_error_set(err, EIO,
                              "libxl cannot tell the type of domain %u", domid);
    *out = types[info.domain_type];
    /* only inside libxl they are told apart: libxl__domain_type() */
    if (*out == XPCI_DOMAIN_HVM && is_pvh(p, domid))
        *out = XPCI_DOMAIN_PVH;
    return 0;
}

bool plugin_stands_still(struct plugin *p, uint32_t domid)
{
    _cleanup_dominfo_ libxl_dominfo info;

    libxl_dominfo_init(&info);
    return libxl_domain_info(p->ctx, &info, domid) == 0 &&
           (info.paused || info.shutdown);
}

int plugin_domain(void *ctx, const char *name, struct xpci_domain *out,
                  struct xpci_error *err)
{
    _cleanup_domain_ struct xpci_domain dom = { 0 };
    struct plugin *p = ctx;
    bool found;

    xpci_try(find_domid(p, name, &dom.id, err));
    if (dom.id == 0)
        return xpci_error_usage(err, "'%s' is dom0, not a guest", name);
    xpci_try(plugin_domain_type(p, dom.id, &found, &dom.type, err));
    if (found)
        dom.name = libxl_domid_to_name(p->ctx, dom.id);
    if (!dom.name)
        return not_running(name, err);
    *out = xpci_steal(dom);
    return 0;
}
