/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "table.h"

#define DEFAULT_TIMEOUT 10
#define MAX_TIMEOUT 3600

static const struct xpci_column columns[] = {
    { .name = "DOMAIN" },
    { .name = "BDF" },
};

static int parse_timeout(const struct xpci_call *call, unsigned int *out,
                         struct xpci_error *err)
{
    const char *text = call->opt[OPT_TIMEOUT];
    unsigned long value;
    char *end;

    *out = DEFAULT_TIMEOUT;
    if (!text)
        return 0;
    value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > MAX_TIMEOUT)
        return xpci_error_usage(err,
                                "'%s' is no timeout; it is 1 to %d seconds",
                                text, MAX_TIMEOUT);
    *out = (unsigned int)value;
    return 0;
}

/* An entry may be absent from the file: a hot attach needs none. */
static int edit_config(struct xpci_cfg *cfg, const struct xpci_bdf *bdf,
                       struct xpci_error *err)
{
    const struct xpci_bdf_pattern dev = { .bdf = *bdf };
    size_t removed;

    return cfg ? xpci_cfg_pci_remove(cfg, &dev, &removed, err) : 0;
}

/* The file follows each device, so that both agree if the next one fails. */
static int save_one(const struct xpci_call *call, struct xpci_attachment *a,
                    const struct xpci_bdf *bdf, struct xpci_error *err)
{
    _cleanup_free_ char *file = xpci_steal(a->config.path);
    int ret;

    if (!file)
        return 0;
    xpci_guest_config_close(&a->config);
    ret = xpci_guest_config_open(call->root, file, &a->config, err);
    if (ret == 0)
        ret = edit_config(a->config.cfg, bdf, err);
    if (ret == 0)
        ret = xpci_attachment_save(call, a, err);
    return ret < 0 ? xpci_error_wrap(err, XPCI_BDF_FMT " is detached, but",
                                     XPCI_BDF_ARGS(*bdf))
                   : 0;
}

static int detach_one(const struct xpci_call *call, struct xpci_attachment *a,
                      const struct xpci_bdf *bdf, unsigned int timeout,
                      struct xpci_table *table, struct xpci_error *err)
{
    char text[XPCI_BDF_SIZE];
    int ret;

    xpci_log(&call->log, XPCI_LOG_TICK,
             "waiting for '%s' to let go of " XPCI_BDF_FMT, a->domain.name,
             XPCI_BDF_ARGS(*bdf));
    ret = a->ts->ops->detach(a->ts->ctx, &a->domain, bdf, timeout, err);
    xpci_log(&call->log, XPCI_LOG_TICK, "%s", "");
    if (ret == 0)
        ret = save_one(call, a, bdf, err);
    return ret < 0 ? ret
                   : xpci_table_add(table, err, a->domain.name,
                                    xpci_bdf_format(bdf, text));
}

static int detach_all(const struct xpci_call *call, struct xpci_attachment *a,
                      const size_t *idx, size_t n, unsigned int timeout,
                      struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    /* all edits once in memory: a file that cannot be edited fails first */
    for (size_t i = 0; ret == 0 && i < n; i++)
        ret = edit_config(a->config.cfg, &a->inv.dev[idx[i]].bdf, err);
    if (ret == 0 && call->opt[OPT_DRY_RUN])
        return xpci_attachment_diff(call, a, err);
    for (size_t i = 0; ret == 0 && i < n; i++)
        ret = detach_one(call, a, &a->inv.dev[idx[i]].bdf, timeout, table, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_attachment_ struct xpci_attachment a = { .lock = -1 };
    _cleanup_free_ size_t *idx = NULL;
    unsigned int timeout;
    size_t n;
    int ret;

    if (call->argc < 2)
        return xpci_error_usage(err, "it is 'xpci detach DOMAIN DEVICE...'");
    ret = parse_timeout(call, &timeout, err);
    for (int i = 1; ret == 0 && i < call->argc; i++)
        ret = xpci_device_check_name(call->argv[i], err);
    if (ret == 0)
        ret = xpci_attachment_check(call, err);
    if (ret == 0)
        ret = xpci_attachment_open(call, &a, err);
    if (ret == 0)
        ret = xpci_host_select(call, 1, &a.inv, &idx, &n, err);
    return ret < 0 ? ret : detach_all(call, &a, idx, n, timeout, err);
}

const struct xpci_cmd xpci_cmd_detach = {
    .name = "detach",
    .operands = "DOMAIN DEVICE...",
    .summary = "take devices from a running guest",
    .options =
        (const enum xpci_opt[]){ OPT_PERSIST, OPT_FILE, OPT_TIMEOUT, OPT_NONE },
    .flags = CMD_NEEDS_ROOT | CMD_CHANGES,
    .run = run,
};
