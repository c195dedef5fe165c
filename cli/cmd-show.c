/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "facts.h"
#include "table.h"

/* "KEY      text", and under it what else there is, with its reason. */
static void print(const struct xpci_facts *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct xpci_fact *fact = &f->v[i];
        bool again = i && !strcmp(fact->key, fact[-1].key);

        const char *why = fact->grade ? fact->why : NULL;

        printf("%-8s ", again ? "" : fact->key);
        xpci_say(stdout, "", fact->text, why ? ": " : "\n");
        if (why)
            xpci_say(stdout, "", why, "\n");
    }
}

/* To the cell of the key, a line; with the reasons, "KEY: REASON", to WHY. */
static int add_text(struct xpci_buf *cell, const char *key,
                    const struct xpci_fact *fact)
{
    const char *end = cell->len ? "\n" : "";

    if (!strcmp(key, fact->key))
        return xpci_buf_printf(cell, "%s%s", end, fact->text);
    return strcmp(key, "WHY") || !fact->grade || !fact->why
               ? 0
               : xpci_buf_printf(cell, "%s%s: %s", end, fact->key, fact->why);
}

static int add_row(const struct xpci_call *call, const struct xpci_facts *f,
                   struct xpci_error *err)
{
    char names[] = XPCI_FACT_COLUMNS, *rest = names, *name;
    struct xpci_buf texts[sizeof(names)] = { 0 };
    const char *cells[sizeof(names)];
    int ret = 0;

    for (size_t k = 0; (name = strsep(&rest, " ")); k++) {
        name[strcspn(name, "#")] = '\0';
        for (size_t i = 0; ret == 0 && i < f->n; i++)
            ret = add_text(&texts[k], name, &f->v[i]);
        cells[k] = texts[k].data;
    }
    ret = ret < 0 ? xpci_error_oom(err) : xpci_table_row(call, cells, err);
    for (size_t k = 0; k < sizeof(names); k++)
        xpci_buf_clear(&texts[k]);
    return ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_facts_ struct xpci_facts facts = { 0 };

    xpci_try(xpci_facts_load(call, &facts, err));
    xpci_try(xpci_host_select(call, 0, err));
    if (call->chosen.n != 1)
        return xpci_error_usage(err, "'%s' is more than one device",
                                call->argv[0]);
    xpci_facts_device(&facts, call->chosen.v[0]);
    xpci_need(!facts.oom, err);
    if (call->opt[OPT_JSON])
        return add_row(call, &facts, err);
    print(&facts);
    return 0;
}

const struct xpci_cmd xpci_cmd_show = {
    .name = "show",
    .operands = "DEVICE",
    .min = 1,
    .max = 1,
    .summary = "one device, whole, with the reason behind every verdict",
    .options = CMD_OPTIONS(OPT_DUMP),
    .columns = XPCI_FACT_COLUMNS,
    .run = run,
};
