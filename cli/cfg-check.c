/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cfg-check.h"
#include "guest-config.h"
#include "table.h"

static const char *const severities[] = {
    [XPCI_CFG_HINT] = "hint",
    [XPCI_CFG_WARNING] = "warning",
    [XPCI_CFG_ERROR] = "error",
};

int xpci_cfg_check_file(const struct xpci_call *call, const char *file,
                        struct xpci_cfg_check *check, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_try(xpci_root_read(call->root, file, &text, err));
    return xpci_cfg_check_text(check, file, text.data ? text.data : "",
                               text.len, err);
}

/* Without a wish for columns as compilers do, for editors and logs. */
static int show(const struct xpci_call *call, const struct xpci_cfg_finding *f,
                struct xpci_error *err)
{
    const char *severity = severities[f->severity];

    if (call->opt[OPT_JSON] || call->opt[OPT_COLUMNS])
        return xpci_table_add(call, err, f->file, xpci_cell("%u", f->line),
                              xpci_cell("%u", f->column), severity, f->message,
                              f->fix);
    xpci_say(stdout, "", f->file, "");
    printf(":%u:%u: %s: ", f->line, f->column, severity);
    xpci_say(stdout, "", f->message, f->fix ? "; fix: " : "\n");
    if (f->fix)
        xpci_say(stdout, "", f->fix, "\n");
    return 0;
}

/* A file that cannot be read hides no findings in the others. */
static int check_all(const struct xpci_call *call, struct xpci_cfg_check *check,
                     struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error next = { 0 };
    _cleanup_files_ void *seen = NULL;
    int unread = 0;

    for (int i = 1; i < call->argc; i++) {
        struct xpci_error *why = unread ? &next : err;
        const char *file = call->argv[i];
        /* under two names, as in /etc/xen/auto, it is looked at once */
        const char *first = xpci_files_add(&seen, call->root, file);
        int ret = first ? 0 : xpci_error_oom(why);

        if (first == file)
            ret = xpci_cfg_check_file(call, file, check, why);
        if (ret < 0 && unread)
            xpci_log(&call->log, XPCI_LOG_WARN, "%s", xpci_error_text(&next));
        unread = unread ? unread : ret;
    }
    return unread;
}

int xpci_cfg_check_files(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_cfg_check_ struct xpci_cfg_check check = { 0 };
    int status = XPCI_EXIT_OK, unread;

    xpci_try(
        xpci_table_new(call, "FILE LINE# COLUMN# SEVERITY MESSAGE FIX", err));
    unread = check_all(call, &check, err);
    for (size_t i = 0; i < check.n; i++) {
        if (check.v[i].severity == XPCI_CFG_ERROR)
            status = XPCI_EXIT_WRONG;
        xpci_try(show(call, &check.v[i], err));
    }
    xpci_try(xpci_table_print(call, err));
    return unread < 0 ? unread : status;
}
