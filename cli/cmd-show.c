/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "facts.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "BDF" },     { .name = "PATH" },
    { .name = "DEVICE" },  { .name = "ID" },
    { .name = "CLASS" },   { .name = "STATE" },
    { .name = "USED_BY" }, { .name = "HIDDEN" },
    { .name = "NEEDED" },  { .name = "DRIVER" },
    { .name = "NATIVE" },  { .name = "GROUP", .number = true },
    { .name = "MEMBERS" }, { .name = "RESET" },
    { .name = "BARS" },    { .name = "INTX" },
    { .name = "MSI" },     { .name = "MEMORY" },
    { .name = "SRIOV" },
};

#define N XPCI_ARRAY_SIZE(columns)

/* "KEY      text", and under it what else there is, with its reason. */
static void print(const struct xpci_facts *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct xpci_fact *fact = &f->v[i];
        bool again = i && !strcmp(fact->key, fact[-1].key);

        printf("%-8s %s%s%s\n", again ? "" : fact->key, fact->text,
               fact->grade ? ": " : "", fact->grade ? fact->why : "");
    }
}

static int print_json(struct xpci_call *call, const struct xpci_facts *f,
                      struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    _cleanup_strv_ struct xpci_strv texts = { 0 };
    const char *cells[N] = { NULL };
    int ret = xpci_table_new(call, columns, N, &table, err);

    for (size_t k = 0; k < N; k++) {
        struct xpci_buf cell = { 0 };

        for (size_t i = 0; ret == 0 && i < f->n; i++) {
            if (!strcmp(f->v[i].key, columns[k].name) &&
                xpci_buf_printf(&cell, "%s%s", cell.len ? "\n" : "",
                                f->v[i].text) < 0)
                ret = xpci_error_oom(err);
        }
        if (ret == 0 && cell.len && xpci_strv_add(&texts, cell.data) < 0)
            ret = xpci_error_oom(err);
        cells[k] = cell.len && ret == 0 ? texts.v[texts.n - 1] : NULL;
        xpci_buf_clear(&cell);
    }
    if (ret == 0)
        ret = xpci_table_row(table, cells, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_facts_ struct xpci_facts facts = { 0 };
    _cleanup_free_ size_t *chosen = NULL;
    size_t n;
    int ret;

    if (call->argc != 1)
        return xpci_error_usage(err, "'xpci show' takes one device");
    ret = xpci_facts_load(call, &facts, err);
    if (ret == 0)
        ret = xpci_host_select(call, 0, &facts.inv, &chosen, &n, err);
    if (ret < 0)
        return ret;
    if (n != 1)
        return xpci_error_usage(err, "'%s' is more than one device",
                                call->argv[0]);
    xpci_facts_device(&facts, chosen[0]);
    if (facts.oom)
        return xpci_error_oom(err);
    if (call->opt[OPT_JSON])
        return print_json(call, &facts, err);
    print(&facts);
    return 0;
}

const struct xpci_cmd xpci_cmd_show = {
    .name = "show",
    .operands = "DEVICE",
    .summary = "one device, whole, with the reason behind every verdict",
    .options = (const enum xpci_opt[]){ OPT_DUMP, OPT_NONE },
    .run = run,
};
