/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "plan.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "BDF" },
    { .name = "STATE" },
    { .name = "REASON" },
};

/* From best to worst; the worst of all devices is the exit status. */
enum state { EFFECTIVE, PENDING, WRONG };

static const char *const state_names[] = { "effective", "pending", "wrong" };

struct status {
    struct xpci_inventory inv;
    struct xpci_guest_devices guests;
    struct xpci_hide_conf conf;
    struct xpci_plan plan;
    char *trouble; /* what is wrong for all of them: files, images, cmdline */
    enum state worst;
};

static void status_clear(struct status *s)
{
    xpci_inventory_clear(&s->inv);
    xpci_guest_devices_clear(&s->guests);
    xpci_hide_conf_clear(&s->conf);
    xpci_plan_clear(&s->plan);
    free(s->trouble);
}

static int check_cmdline(const struct xpci_call *call, struct status *s,
                         struct xpci_error *err)
{
    _cleanup_free_ char *word = NULL;
    int ret = xpci_plan_cmdline(call, &word, err);

    if (ret < 0 || !word)
        return ret;
    return xpci_asprintf(err, &s->trouble,
                         "'%s' on the kernel's command line replaces xpci's "
                         "list",
                         word);
}

static int check_images(struct status *s, struct xpci_error *err)
{
    for (size_t k = 0; k < s->plan.images.n; k++) {
        if (!xpci_plan_proven(&s->plan, k))
            return xpci_asprintf(err, &s->trouble, "%s: %s; run 'xpci hide'",
                                 s->plan.images.v[k].path,
                                 s->plan.kernel[k].image.reason);
    }
    return 0;
}

/* What would make the next boot fail for every device. */
static int check_common(const struct xpci_call *call, struct status *s,
                        struct xpci_error *err)
{
    const struct xpci_generator *gen;
    int ret;

    /* a host without a generator has nothing hidden, and needs none */
    if (s->conf.n == 0 && xpci_generator_detect(call->root, &gen, NULL) < 0)
        return 0;
    ret = xpci_plan_make(call, &s->conf, &s->inv, &s->plan, err);
    if (ret < 0)
        return ret;
    if (s->plan.changes.n)
        ret = xpci_asprintf(err, &s->trouble,
                            "%s is not what " XPCI_HIDE_CONF_PATH
                            " asks for; run 'xpci hide'",
                            s->plan.changes.v[0].path);
    if (ret == 0 && s->conf.n && !s->trouble)
        ret = check_cmdline(call, s, err);
    if (ret == 0 && !s->trouble)
        ret = check_images(s, err);
    return ret;
}

static int judge_hidden(const struct status *s, const struct xpci_hidden *h,
                        enum state *state, char **why)
{
    const struct xpci_device *dev = xpci_inventory_find(&s->inv, &h->bdf);
    const struct xpci_guest_device *user = xpci_host_user(&s->guests, &h->bdf);
    int ret = xpci_hidden_check(h, &s->inv, why);

    *state = WRONG;
    if (ret < 0)
        return ret == -ENODEV ? 0 : ret;
    if (s->trouble)
        return xpci_asprintf(NULL, why, "%s", s->trouble);
    if (xpci_host_on_pciback(dev)) {
        *state = EFFECTIVE;
        return user ? xpci_asprintf(NULL, why,
                                    "pciback has it; attached to '%s'",
                                    user->domain)
                    : xpci_asprintf(NULL, why,
                                    "pciback has it; the images are proven");
    }
    *state = PENDING;
    return xpci_asprintf(
        NULL, why, "with %s%s until the next boot; the images are proven",
        dev->driver ? "driver " : "no driver", dev->driver ? dev->driver : "");
}

static int add_row(struct status *s, const struct xpci_bdf *bdf,
                   enum state state, const char *why, struct xpci_table *table,
                   struct xpci_error *err)
{
    char text[XPCI_BDF_SIZE];

    if (state > s->worst)
        s->worst = state;
    return xpci_table_add(table, err, bdf ? xpci_bdf_format(bdf, text) : NULL,
                          state_names[state], why);
}

static int add_hidden(struct status *s, struct xpci_table *table,
                      struct xpci_error *err)
{
    int ret = 0;

    if (s->trouble && s->conf.n == 0) /* of what is left over */
        ret = add_row(s, NULL, WRONG, s->trouble, table, err);
    for (size_t i = 0; ret == 0 && i < s->conf.n; i++) {
        _cleanup_free_ char *why = NULL;
        enum state state;

        if (judge_hidden(s, &s->conf.v[i], &state, &why) < 0)
            return xpci_error_oom(err);
        ret = add_row(s, &s->conf.v[i].bdf, state, why, table, err);
    }
    return ret;
}

/* What pciback holds though nothing asks for it: given back at a boot. */
static int add_left_over(struct status *s, struct xpci_table *table,
                         struct xpci_error *err)
{
    int ret = 0;

    for (size_t i = 0; ret == 0 && i < s->inv.n; i++) {
        const struct xpci_device *dev = &s->inv.dev[i];

        if (!xpci_host_on_pciback(dev) ||
            xpci_hide_conf_find(&s->conf, &dev->bdf))
            continue;
        ret = add_row(s, &dev->bdf, PENDING,
                      "pciback has it, but xpci does not hide it; the next "
                      "boot gives it back",
                      table, err);
    }
    return ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    static const int exits[] = { XPCI_EXIT_OK, XPCI_EXIT_PENDING,
                                 XPCI_EXIT_WRONG };
    _cleanup_(status_clear) struct status s = { 0 };
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret;

    if (call->argc)
        return xpci_error_usage(err, "'xpci status' takes no operands");
    ret = xpci_inventory_load(call->root, &s.inv, err);
    if (ret == 0)
        ret = xpci_hide_conf_load(call->root, &s.conf, err);
    if (ret == 0)
        ret = xpci_host_guest_devices(call, &s.guests, err);
    if (ret == 0)
        ret = check_common(call, &s, err);
    if (ret == 0)
        ret = xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table,
                             err);
    if (ret == 0)
        ret = add_hidden(&s, table, err);
    if (ret == 0)
        ret = add_left_over(&s, table, err);
    if (ret == 0)
        ret = xpci_table_print(table, err);
    return ret < 0 ? ret : exits[s.worst];
}

const struct xpci_cmd xpci_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "what is hidden, what will be, and whether the boot will do it",
    .options = (const enum xpci_opt[]){ OPT_COLUMNS, OPT_NONE },
    .flags = CMD_NEEDS_ROOT,
    .run = run,
};
