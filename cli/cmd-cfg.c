/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guest-config.h"
#include "lock.h"
#include "table.h"

static const struct xpci_column columns[] = {
    { .name = "FILE" },
    { .name = "LINE", .number = true },
    { .name = "COLUMN", .number = true },
    { .name = "BDF" },
    { .name = "VSLOT" },
    { .name = "OPTIONS" },
};

static int add_row(const char *file, const struct xpci_cfg_pci_entry *entry,
                   struct xpci_table *table, struct xpci_error *err)
{
    const struct xpci_pci_spec *spec = &entry->spec;
    char bdf[XPCI_BDF_SIZE], line[12], column[12], vslot[4];

    xpci_bdf_format(&spec->dev.bdf, bdf);
    if (spec->dev.all_funcs)
        bdf[strlen(bdf) - 1] = '*';
    snprintf(line, sizeof(line), "%u", entry->line);
    snprintf(column, sizeof(column), "%u", entry->column);
    snprintf(vslot, sizeof(vslot), "%x", spec->vslot & 0x1f);
    return xpci_table_row(table,
                          (const char *[]){
                              file,
                              line,
                              column,
                              spec->name ? spec->name : bdf,
                              spec->vslot ? vslot : NULL,
                              spec->options,
                          },
                          err);
}

static int list_file(const struct xpci_call *call, const char *file,
                     struct xpci_table *table, struct xpci_error *err)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    int ret = xpci_guest_config_load(call->root, file, &cfg, err);

    if (ret == 0)
        ret = xpci_cfg_pci_list(cfg, &list, err);
    for (size_t i = 0; ret == 0 && i < list.n; i++)
        ret = add_row(file, &list.v[i], table, err);
    return ret;
}

static int list(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = NULL;
    int ret =
        xpci_table_new(call, columns, XPCI_ARRAY_SIZE(columns), &table, err);

    if (ret == 0 && call->argc < 2)
        ret = xpci_error_usage(err, "no file named; it is 'xpci cfg list "
                                    "FILE...'");
    for (int i = 1; ret == 0 && i < call->argc; i++)
        ret = list_file(call, call->argv[i], table, err);
    return ret < 0 ? ret : xpci_table_print(table, err);
}

/* Which operand is what: a name that is no file is taken for a device. */
static bool is_file(const struct xpci_call *call, const char *operand)
{
    return strchr(operand, '/') || xpci_root_exists(call->root, operand) ||
           (!strchr(operand, ':') && strncmp(operand, "name=", 5));
}

/* Refused without --force, said with it. */
static int conflict(const struct xpci_call *call, const char *text,
                    struct xpci_error *err)
{
    if (!call->opt[OPT_FORCE])
        return xpci_error_refuse(err, "%s; --force if that is meant", text);
    xpci_log(&call->log, XPCI_LOG_WARN, "forced: %s", text);
    return 0;
}

/* Two guests may have one device if they never run at the same time. */
static int check_guests(const struct xpci_call *call, const char *file,
                        const struct xpci_cfg *cfg, const char *device,
                        const struct xpci_pci_spec *spec,
                        struct xpci_error *err)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    _cleanup_free_ char *place = NULL, *text = NULL;
    int ret = xpci_cfg_pci_list(cfg, &list, err);

    for (size_t i = 0; ret == 0 && i < list.n; i++) {
        if (xpci_pci_spec_overlaps(&list.v[i].spec, spec))
            return 0;
    }
    if (ret == 0)
        ret = xpci_guest_config_other(call, spec, call->argv + 1,
                                      call->argc - 1, &place, err);
    if (ret < 0 || !place)
        return ret;
    if (asprintf(&text,
                 "'%s' for %s is in %s too, and only one of the two guests "
                 "can run with it",
                 device, file, place) < 0) {
        text = NULL;
        return xpci_error_oom(err);
    }
    return conflict(call, text, err);
}

static int add_device(const struct xpci_call *call, const char *file,
                      struct xpci_cfg *cfg, const char *device,
                      const struct xpci_pci_spec *spec, struct xpci_error *err)
{
    _cleanup_free_ char *overridden = NULL;
    int ret = check_guests(call, file, cfg, device, spec, err);

    if (ret == 0 && call->opt[OPT_FORCE])
        ret = xpci_cfg_pci_force(cfg, spec, &overridden, err);
    else if (ret == 0)
        ret = xpci_cfg_pci_add(cfg, spec, err);
    return ret == 0 && overridden ? conflict(call, overridden, err) : ret;
}

static int remove_device(const struct xpci_call *call, const char *file,
                         struct xpci_cfg *cfg, const char *device,
                         const struct xpci_pci_spec *spec,
                         struct xpci_error *err)
{
    size_t removed = 0;
    int ret = xpci_cfg_pci_drop(cfg, spec, &removed, err);

    if (ret < 0 || removed)
        return ret;
    return xpci_error_set(err, ENOENT, "%s%s has no entry for '%s'",
                          xpci_root_dir(call->root), file, device);
}

/* The places in a message are those of the text as it is then. */
static int edit_file(const struct xpci_call *call, const char *file, bool add,
                     struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    const char *before = NULL;
    int ret = xpci_guest_config_load(call->root, file, &cfg, err);

    for (int i = 1; ret == 0 && i < call->argc; i++) {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
        const char *text = call->argv[i];

        if (is_file(call, text))
            continue;
        ret = xpci_pci_spec_parse(text, strlen(text), &spec, err);
        if (ret < 0) {
            err->kind = XPCI_USAGE;
            return ret;
        }
        ret = (add ? add_device : remove_device)(call, file, cfg, text, &spec,
                                                 err);
        if (ret < 0 && before && add)
            xpci_error_wrap(err, "with '%s' added", before);
        before = text;
    }
    return ret < 0 ? ret
                   : xpci_guest_config_put(call->root, file, cfg, set, err);
}

/* One file under two names would be edited twice, from the same bytes. */
static int check_twice(const struct xpci_call *call, int file,
                       struct xpci_error *err)
{
    struct stat a, b;

    for (int i = 1; i < file; i++) {
        if (!is_file(call, call->argv[i]) ||
            xpci_root_stat(call->root, call->argv[i], &a) < 0 ||
            xpci_root_stat(call->root, call->argv[file], &b) < 0)
            continue;
        if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
            return xpci_error_usage(err, "'%s' and '%s' are the same file",
                                    call->argv[i], call->argv[file]);
    }
    return 0;
}

static int edit(struct xpci_call *call, bool add, struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes set = {
        .backup = call->opt[OPT_BACKUP] != NULL,
    };
    _cleanup_buf_ struct xpci_buf diff = { 0 };
    _cleanup_close_ int lock = -1;
    int files = 0, ret = 0;

    for (int i = 1; i < call->argc; i++)
        files += is_file(call, call->argv[i]);
    if (files == 0 || files == call->argc - 1)
        return xpci_error_usage(err, "it is 'xpci cfg %s FILE... DEVICE%s...'",
                                call->argv[0], add ? "[@VSLOT]" : "");
    if (!call->opt[OPT_DRY_RUN])
        ret = xpci_lock(call->root, &call->log, &lock, err);
    for (int i = 1; ret == 0 && i < call->argc; i++) {
        if (is_file(call, call->argv[i]))
            ret = check_twice(call, i, err);
        if (ret == 0 && is_file(call, call->argv[i]))
            ret = edit_file(call, call->argv[i], add, &set, err);
    }
    if (ret < 0)
        return ret;
    if (!call->opt[OPT_DRY_RUN])
        return xpci_changes_commit(&set, call->root, err);
    ret = xpci_changes_diff(&set, call->root, &diff, err);
    if (ret == 0 && diff.len)
        fputs(diff.data, stdout);
    return ret;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    const char *verb = call->argc ? call->argv[0] : "";

    if (!strcmp(verb, "list"))
        return list(call, err);
    if (!strcmp(verb, "check"))
        return xpci_cfg_check_files(call, err);
    if (!strcmp(verb, "add") || !strcmp(verb, "remove"))
        return edit(call, verb[0] == 'a', err);
    return xpci_error_usage(err,
                            "it is 'xpci cfg list|add|remove|check FILE...'");
}

const struct xpci_cmd xpci_cmd_cfg = {
    .name = "cfg",
    .operands = "list|add|remove|check FILE... [DEVICE[@VSLOT]...]",
    .summary = "read, edit and check the pci list of guest configurations",
    .options = (const enum xpci_opt[]){ OPT_BACKUP, OPT_COLUMNS, OPT_NONE },
    .run = run,
};
