/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "attachment.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "DOMAIN" },
    { .name = "BDF" },
    { .name = "VSLOT" },
};

/* One device to attach, in the order of the operands. */
struct item {
    size_t dev;
    unsigned int vslot; /* asked for, 0: none; then what the guest has */
    bool done;
};

struct items {
    struct item *v;
    size_t n;
};

static int bad_vslot(const char *text, struct xpci_error *err)
{
    return xpci_error_usage(err,
                            "'%s' is no virtual slot; it is hexadecimal, 1 "
                            "to 1f",
                            text);
}

/* "DOMAIN DEVICE VSLOT": a third and last operand without ":" or "/". */
static bool has_vslot_operand(const struct xpci_call *call)
{
    return call->argc == 3 && !strpbrk(call->argv[2], ":/") &&
           !strchr(call->argv[1], '@');
}

static int check_operand(const char *operand, struct xpci_error *err)
{
    const char *at = strchr(operand, '@');
    _cleanup_free_ char *device =
        strndup(operand, at ? (size_t)(at - operand) : strlen(operand));
    unsigned int vslot;

    if (!device)
        return xpci_error_oom(err);
    if (at && xpci_vslot_parse(at + 1, strlen(at + 1), &vslot) < 0)
        return bad_vslot(at + 1, err);
    return xpci_device_check_name(device, err);
}

/* What cannot be right is found before anything is asked of the host. */
static int check_operands(const struct xpci_call *call, struct xpci_error *err)
{
    int last = call->argc - has_vslot_operand(call), ret = 0;
    unsigned int vslot;

    for (int i = 1; ret == 0 && i < last; i++)
        ret = check_operand(call->argv[i], err);
    if (ret == 0 && last < call->argc &&
        xpci_vslot_parse(call->argv[2], strlen(call->argv[2]), &vslot) < 0)
        ret = bad_vslot(call->argv[2], err);
    return ret;
}

/* "DEVICE" or "DEVICE@VSLOT" */
static int add_operand(const struct xpci_inventory *inv, const char *operand,
                       struct items *items, struct xpci_error *err)
{
    const char *at = strchr(operand, '@');
    _cleanup_free_ char *device =
        strndup(operand, at ? (size_t)(at - operand) : strlen(operand));
    _cleanup_free_ size_t *idx = calloc(inv->n + 1, sizeof(*idx));
    unsigned int vslot = 0;
    size_t n = 0;
    int ret;

    if (!device || !idx)
        return xpci_error_oom(err);
    if (at && xpci_vslot_parse(at + 1, strlen(at + 1), &vslot) < 0)
        return -EINVAL; /* check_operands() was there first */
    ret = xpci_inventory_select(inv, device, idx, &n, err);
    if (ret < 0)
        return ret;
    if (vslot + n > 0x20)
        return xpci_error_usage(err,
                                "'%s' has %zu functions, and behind slot %x "
                                "there is no room for them",
                                device, n, vslot);
    for (size_t i = 0; i < n; i++) /* one slot a function, see libxl's .* */
        items->v[items->n++] = (struct item){
            .dev = idx[i],
            .vslot = vslot ? vslot + (unsigned int)i : 0,
        };
    return 0;
}

static int parse_operands(const struct xpci_call *call,
                          const struct xpci_inventory *inv, struct items *items,
                          struct xpci_error *err)
{
    int last = call->argc, ret = 0;
    unsigned int vslot = 0;

    if (has_vslot_operand(call)) {
        last = 2;
        if (xpci_vslot_parse(call->argv[2], strlen(call->argv[2]), &vslot) < 0)
            return -EINVAL;
    }
    items->v = calloc(inv->n * (size_t)call->argc + 1, sizeof(*items->v));
    if (!items->v)
        return xpci_error_oom(err);
    for (int i = 1; ret == 0 && i < last; i++)
        ret = add_operand(inv, call->argv[i], items, err);
    if (ret == 0 && vslot + items->n > 0x20)
        return bad_vslot(call->argv[2], err);
    for (size_t i = 0; ret == 0 && vslot && i < items->n; i++)
        items->v[i].vslot = vslot + (unsigned int)i;
    return ret;
}

static bool is_item(const struct items *items, size_t dev)
{
    for (size_t i = 0; i < items->n; i++) {
        if (items->v[i].dev == dev)
            return true;
    }
    return false;
}

/* A member of the group must go along, be idle in pciback, or be there. */
static int check_member(const struct xpci_call *call, struct xpci_attachment *a,
                        const struct xpci_member *member, size_t asked,
                        struct xpci_error *err)
{
    const struct xpci_device *dev = &a->inv.dev[member->dev];
    const struct xpci_guest_device *user =
        xpci_host_user(&a->guests, &dev->bdf);
    const char *with = dev->driver ? dev->driver : "no driver";

    if (user && user->domid == a->domain.id)
        return 0;
    if (!user && xpci_host_on_pciback(dev))
        return 0;
    if (call->opt[OPT_FORCE]) {
        xpci_log(&call->log, XPCI_LOG_WARN,
                 "forced: " XPCI_BDF_FMT " is of the same group and with %s "
                 "'%s'",
                 XPCI_BDF_ARGS(dev->bdf), user ? "guest" : "dom0",
                 user ? user->domain : with);
        return 0;
    }
    return xpci_error_refuse(
        err,
        XPCI_BDF_FMT " (%s) must go with " XPCI_BDF_FMT
                     " and is with %s '%s'; 'xpci hide' takes both",
        XPCI_BDF_ARGS(dev->bdf), member->rule,
        XPCI_BDF_ARGS(a->inv.dev[asked].bdf), user ? "guest" : "dom0's",
        user ? user->domain : with);
}

static int check_item(const struct xpci_call *call, struct xpci_attachment *a,
                      const struct items *items, const struct item *item,
                      struct xpci_error *err)
{
    const struct xpci_device *dev = &a->inv.dev[item->dev];
    _cleanup_group_ struct xpci_group group = { 0 };
    int ret;

    if (!xpci_device_is_bridge(dev) && !xpci_host_on_pciback(dev))
        return xpci_error_set(
            err, ENODEV,
            XPCI_BDF_FMT " is with dom0's '%s', not with pciback; 'xpci "
                         "hide " XPCI_BDF_FMT "' and a reboot change that",
            XPCI_BDF_ARGS(dev->bdf), dev->driver ? dev->driver : "no driver",
            XPCI_BDF_ARGS(dev->bdf));
    ret = xpci_group_closure(&a->inv, &item->dev, 1, XPCI_SCOPE_GROUP, &group,
                             err);
    for (size_t i = 0; ret == 0 && i < group.n; i++) {
        if (!is_item(items, group.v[i].dev))
            ret = check_member(call, a, &group.v[i], item->dev, err);
    }
    return ret;
}

/* Edits the guest's file in memory, so that a bad file fails first. */
static int edit_config(struct xpci_attachment *a, const struct item *item,
                       struct xpci_error *err)
{
    const struct xpci_pci_spec spec = {
        .dev = { .bdf = a->inv.dev[item->dev].bdf },
        .vslot = item->vslot,
    };

    return a->config.cfg ? xpci_cfg_pci_add(a->config.cfg, &spec, err) : 0;
}

static int prepare(const struct xpci_call *call, struct xpci_attachment *a,
                   struct items *items, struct xpci_error *err)
{
    int ret = parse_operands(call, &a->inv, items, err);

    for (size_t i = 0; ret == 0 && i < items->n; i++)
        ret = check_item(call, a, items, &items->v[i], err);
    for (size_t i = 0; ret == 0 && i < items->n; i++)
        ret = edit_config(a, &items->v[i], err);
    return ret;
}

/* Takes back what this call attached; the first failure is what counts. */
static void take_back(const struct xpci_call *call, struct xpci_attachment *a,
                      const struct items *items)
{
    for (size_t i = items->n; i-- > 0;) {
        _cleanup_error_ struct xpci_error err = { 0 };
        const struct xpci_bdf *bdf = &a->inv.dev[items->v[i].dev].bdf;

        if (items->v[i].done &&
            a->ts->ops->detach(a->ts->ctx, &a->domain, bdf, 10, &err) < 0)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     "cannot take " XPCI_BDF_FMT " back: %s",
                     XPCI_BDF_ARGS(*bdf), xpci_error_text(&err));
    }
}

static int attach_all(const struct xpci_call *call, struct xpci_attachment *a,
                      struct items *items, struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < items->n; i++) {
        struct item *item = &items->v[i];
        const struct xpci_attach_request req = {
            .bdf = a->inv.dev[item->dev].bdf,
            .vslot = item->vslot,
        };

        ret =
            a->ts->ops->attach(a->ts->ctx, &a->domain, &req, &item->vslot, err);
        item->done = ret == 0;
    }
    /* a slot that the guest chose is the one to write down */
    for (size_t i = 0; ret == 0 && i < items->n; i++)
        ret = edit_config(a, &items->v[i], err);
    if (ret == 0)
        ret = xpci_attachment_save(call, a, err);
    if (ret < 0)
        take_back(call, a, items);
    return ret;
}

static int print_items(const struct xpci_call *call, struct xpci_attachment *a,
                       const struct items *items, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    for (size_t i = 0; ret == 0 && i < items->n; i++) {
        const struct item *item = &items->v[i];
        char bdf[XPCI_BDF_SIZE], vslot[4];

        snprintf(vslot, sizeof(vslot), "%x", item->vslot & 0x1f);
        xpci_bdf_format(&a->inv.dev[item->dev].bdf, bdf);
        ret = xpci_table_row(
            table,
            (const char *[]){ a->domain.name, bdf, item->vslot ? vslot : NULL },
            err);
    }
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_attachment_ struct xpci_attachment a = { .lock = -1 };
    struct items items = { 0 };
    int ret;

    if (call->argc < 2)
        return xpci_error_usage(err, "it is 'xpci attach DOMAIN DEVICE "
                                     "[VSLOT]' or 'xpci attach DOMAIN "
                                     "DEVICE@VSLOT...'");
    ret = check_operands(call, err);
    if (ret == 0)
        ret = xpci_attachment_check(call, err);
    if (ret == 0)
        ret = xpci_attachment_open(call, &a, err);
    if (ret == 0)
        ret = prepare(call, &a, &items, err);
    if (ret == 0 && call->opt[OPT_DRY_RUN])
        ret = xpci_attachment_diff(call, &a, err);
    else if (ret == 0)
        ret = attach_all(call, &a, &items, err);
    if (ret == 0)
        ret = print_items(call, &a, &items, err);
    free(items.v);
    return ret;
}

const struct xpci_cmd xpci_cmd_attach = {
    .name = "attach",
    .operands = "DOMAIN DEVICE [VSLOT] | DOMAIN DEVICE@VSLOT...",
    .summary = "give devices to a running guest, at fixed virtual slots",
    .options = (const enum xpci_opt[]){ OPT_PERSIST, OPT_FILE, OPT_NONE },
    .flags = CMD_NEEDS_ROOT,
    .run = run,
};
