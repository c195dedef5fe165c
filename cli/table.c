/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libsmartcols.h>
#include <string.h>
#include <strings.h>

#include "table.h"

struct xpci_table {
    struct libscols_table *scols;
    const struct xpci_column *columns;
    struct libscols_line *above; /* what the next row stands under */
    size_t *shown;               /* for each column of the output, its source */
    size_t n_shown;
    bool json;
    const char *name;
};

void xpci_table_free(struct xpci_table *table)
{
    scols_unref_table(table->scols);
    free(table->shown);
    free(table);
}

static int find_column(const struct xpci_column *columns, size_t n,
                       const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(columns[i].name) == len &&
            !strncasecmp(columns[i].name, name, len))
            return (int)i;
    }
    return -1;
}

/* Fills table->shown: what -o says, or all that are shown without it. */
static int choose(struct xpci_table *table, const char *list,
                  const struct xpci_column *columns, size_t n,
                  struct xpci_error *err)
{
    for (size_t i = 0; !list && i < n; i++) {
        if (!columns[i].extra || table->json)
            table->shown[table->n_shown++] = i;
    }
    if (list && !*list)
        return xpci_error_usage(err, "no column named");
    while (list && *list) {
        size_t len = strcspn(list, ",");
        int i = find_column(columns, n, list, len);

        if (i < 0)
            return xpci_error_usage(err, "'%.*s' is no column of this table",
                                    (int)len, list);
        for (size_t k = 0; k < table->n_shown; k++) {
            if (table->shown[k] == (size_t)i)
                return xpci_error_usage(err, "column '%s' is named twice",
                                        columns[i].name);
        }
        table->shown[table->n_shown++] = (size_t)i;
        list += len + (list[len] == ',');
    }
    return 0;
}

static int add_columns(struct xpci_table *table,
                       const struct xpci_column *columns)
{
    for (size_t i = 0; i < table->n_shown; i++) {
        const struct xpci_column *col = &columns[table->shown[i]];
        struct libscols_column *c =
            scols_table_new_column(table->scols, col->name, 0, 0);

        if (!c || scols_column_set_json_type(
                      c, col->number ? SCOLS_JSON_NUMBER : SCOLS_JSON_STRING))
            return -ENOMEM;
    }
    return 0;
}

/* https://no-color.org */
static bool wants_colors(void)
{
    const char *no = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (!no || !*no);
}

int xpci_table_new(const struct xpci_call *call,
                   const struct xpci_column *columns, size_t n,
                   struct xpci_table **out, struct xpci_error *err)
{
    _cleanup_table_ struct xpci_table *table = calloc(1, sizeof(*table));
    int ret;

    if (!table)
        return xpci_error_oom(err);
    table->scols = scols_new_table();
    table->shown = calloc(n, sizeof(*table->shown));
    table->json = call->opt[OPT_JSON];
    table->name = call->cmd->name;
    table->columns = columns;
    if (!table->scols || !table->shown)
        return xpci_error_oom(err);
    ret = choose(table, call->opt[OPT_COLUMNS], columns, n, err);
    if (ret < 0)
        return ret;
    if (scols_table_enable_json(table->scols, table->json) ||
        scols_table_enable_colors(table->scols, wants_colors()) ||
        scols_table_set_name(table->scols, table->name) ||
        add_columns(table, columns) < 0)
        return xpci_error_oom(err);
    *out = xpci_steal(table);
    return 0;
}

/* How many bytes the character has; 0: they are no UTF-8 (RFC 3629). */
static size_t utf8_len(const char *s)
{
    unsigned char c = (unsigned char)s[0], next = (unsigned char)s[c != 0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return c > 0xf4 || (c == 0xe0 && next < 0xa0) ||
                   (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) ||
                   (c == 0xf4 && next > 0x8f)
               ? 0
               : n;
}

/* JSON is UTF-8, which names of files need not be: \xff, as in the table. */
static int set_json(struct libscols_line *line, size_t i, const char *cell)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    int ret = 0;

    while (ret == 0 && *cell) {
        size_t n = utf8_len(cell);

        ret = n ? xpci_buf_append(&buf, cell, n)
                : xpci_buf_printf(&buf, "\\x%02x", (unsigned char)*cell);
        cell += n ? n : 1;
    }
    return ret < 0 ? ret
                   : scols_line_set_data(line, i, buf.data ? buf.data : "");
}

int xpci_table_row(struct xpci_table *table, const char *const *cells,
                   struct xpci_error *err)
{
    struct libscols_line *line =
        scols_table_new_line(table->scols, table->above);

    if (!line)
        return xpci_error_oom(err);
    for (size_t i = 0; i < table->n_shown; i++) {
        const struct xpci_column *col = &table->columns[table->shown[i]];
        const char *cell = cells[table->shown[i]];
        const char *color = cell && col->color ? col->color(cell) : NULL;

        if (!cell && !table->json)
            cell = "-";
        if ((cell && (table->json ? set_json(line, i, cell)
                                  : scols_line_set_data(line, i, cell))) ||
            (color &&
             scols_cell_set_color(scols_line_get_cell(line, i), color)))
            return xpci_error_oom(err);
    }
    return 0;
}

void xpci_table_under(struct xpci_table *table, size_t row)
{
    scols_column_set_flags(scols_table_get_column(table->scols, 0),
                           SCOLS_FL_TREE);
    table->above =
        row == XPCI_TABLE_TOP ? NULL : scols_table_get_line(table->scols, row);
}

int xpci_table_print(struct xpci_table *table, struct xpci_error *err)
{
    /* libsmartcols prints nothing for a table without lines */
    if (scols_table_get_nlines(table->scols) == 0) {
        if (table->json)
            printf("{\"%s\": []}\n", table->name);
        return 0;
    }
    if (scols_print_table(table->scols))
        return xpci_error_set(err, EIO, "cannot print the answer");
    return 0;
}
