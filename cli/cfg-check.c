/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cfg-check.h"
#include "cmd.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "FILE" },
    { .name = "LINE", .number = true },
    { .name = "COLUMN", .number = true },
    { .name = "SEVERITY" },
    { .name = "MESSAGE" },
    { .name = "FIX" },
};

static const char *const severities[] = {
    [XPCI_CFG_HINT] = "hint",
    [XPCI_CFG_WARNING] = "warning",
    [XPCI_CFG_ERROR] = "error",
};

static int check_file(const struct xpci_call *call, int n, struct stat *st,
                      struct xpci_cfg_check *check, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    const char *file = call->argv[n];
    int ret = xpci_root_stat(call->root, file, &st[n]);

    /* one file under two names, as in /etc/xen/auto, is looked at once */
    for (int i = 1; ret == 0 && i < n; i++) {
        if (st[i].st_dev == st[n].st_dev && st[i].st_ino == st[n].st_ino)
            return 0;
    }
    ret = xpci_root_read(call->root, file, &text, err);
    return ret < 0
               ? ret
               : xpci_cfg_check_text(check, file, text.data ? text.data : "",
                                     text.len, err);
}

/* Without a wish for columns as compilers do, for editors and logs. */
static int show(const struct xpci_call *call, struct xpci_table *table,
                const struct xpci_cfg_finding *f, struct xpci_error *err)
{
    const char *severity = severities[f->severity];
    char line[12], column[12];

    snprintf(line, sizeof(line), "%u", f->line);
    snprintf(column, sizeof(column), "%u", f->column);
    if (call->opt[OPT_JSON] || call->opt[OPT_COLUMNS])
        return xpci_table_row(table,
                              (const char *[]){ f->file, line, column, severity,
                                                f->message, f->fix },
                              err);
    printf("%s:%s:%s: %s: %s%s%s\n", f->file, line, column, severity,
           f->message, f->fix ? "; fix: " : "", f->fix ? f->fix : "");
    return 0;
}

int xpci_cfg_check_files(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_cfg_check_ struct xpci_cfg_check check = { 0 };
    _cleanup_table_ struct xpci_table *table = NULL;
    _cleanup_free_ struct stat *st = calloc((size_t)call->argc, sizeof(*st));
    _cleanup_error_ struct xpci_error next = { 0 };
    int status = XPCI_EXIT_OK, unread = 0;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    if (ret == 0 && !st)
        ret = xpci_error_oom(err);
    if (ret == 0 && call->argc < 2)
        ret = xpci_error_usage(err, "no file named; it is 'xpci cfg check "
                                    "FILE...'");
    /* a file that cannot be read hides no findings in the others */
    for (int i = 1; ret == 0 && i < call->argc; i++) {
        int bad = check_file(call, i, st, &check, unread ? &next : err);

        if (bad < 0 && unread)
            xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(&next));
        unread = unread ? unread : bad;
    }
    for (size_t i = 0; ret == 0 && i < check.n; i++) {
        if (check.v[i].severity == XPCI_CFG_ERROR)
            status = XPCI_EXIT_WRONG;
        ret = show(call, table, &check.v[i], err);
    }
    if (ret == 0)
        ret = xpci_table_print(table, err);
    if (ret == 0)
        ret = unread;
    return ret < 0 ? ret : status;
}
