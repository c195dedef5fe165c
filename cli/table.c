/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libsmartcols.h>
#include <strings.h>

#include "table.h"

struct column {
    char *name;
    bool number, extra;
};

struct xpci_table {
    struct libscols_table *scols;
    struct libscols_line *above; /* what the next row stands under */
    struct {
        struct column *v;
        size_t n;
    } columns;
    struct {
        size_t *v; /* for each column of the output, its source */
        size_t n;
    } shown;
};

void xpci_table_free(struct xpci_table *table)
{
    if (!table)
        return;
    scols_unref_table(table->scols);
    for (size_t i = 0; i < table->columns.n; i++)
        free(table->columns.v[i].name);
    free(table->columns.v);
    free(table->shown.v);
    free(table);
}

char *xpci_cell_print(char *cell, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cell, XPCI_CELL_SIZE, fmt, ap);
    va_end(ap);
    return cell;
}

static int parse_columns(struct xpci_table *table, const char *text)
{
    while (*text) {
        struct column *col = xpci_list_add(&table->columns);
        size_t len = strcspn(text, "#+ ");

        if (!col || !(col->name = strndup(text, len)))
            return -ENOMEM;
        for (text += len; *text && *text++ != ' ';) {
            col->number = col->number || text[-1] == '#';
            col->extra = col->extra || text[-1] == '+';
        }
    }
    return 0;
}

/* One more column of the output, column @i of the rows. */
static int show_column(struct xpci_table *table, size_t i,
                       struct xpci_error *err)
{
    const struct column *col = &table->columns.v[i];
    struct libscols_column *c =
        scols_table_new_column(table->scols, col->name, 0, 0);

    for (size_t k = 0; k < table->shown.n; k++) {
        if (table->shown.v[k] == i)
            return xpci_error_usage(err, "column '%s' is named twice",
                                    col->name);
    }
    if (!c || xpci_list_push(&table->shown, i) < 0 ||
        scols_column_set_json_type(c, col->number ? SCOLS_JSON_NUMBER
                                                  : SCOLS_JSON_STRING))
        return xpci_error_oom(err);
    return 0;
}

static int refuse_column(const struct xpci_table *table, const char *name,
                         size_t len, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf all = { 0 };

    for (size_t i = 0; i < table->columns.n; i++) {
        xpci_need(xpci_buf_printf(&all, "%s%s", i ? ", " : "",
                                  table->columns.v[i].name) == 0,
                  err);
    }
    return xpci_error_usage(err, "'%.*s' is no column of this table; it has %s",
                            (int)len, name, all.data);
}

/* The columns that -o names. */
static int show_chosen(struct xpci_table *table, const char *list,
                       struct xpci_error *err)
{
    if (!*list)
        return xpci_error_usage(err, "no column named");
    while (*list) {
        const struct column *col = table->columns.v;
        size_t len = strcspn(list, ","), i = 0;

        while (i < table->columns.n && (strlen(col[i].name) != len ||
                                        strncasecmp(col[i].name, list, len)))
            i++;
        if (i == table->columns.n)
            return refuse_column(table, list, len, err);
        xpci_try(show_column(table, i, err));
        list += len + (list[len] == ',');
    }
    return 0;
}

int xpci_table_new(struct xpci_call *call, const char *columns,
                   struct xpci_error *err)
{
    struct xpci_table *table = calloc(1, sizeof(*table));
    const char *list = call->opt[OPT_COLUMNS];
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */
    bool colors = isatty(STDOUT_FILENO) && !(no_color && *no_color);

    xpci_table_free(call->table);
    call->table = table;
    if (!table || !(table->scols = scols_new_table()) ||
        scols_table_enable_json(table->scols, call->opt[OPT_JSON] != NULL) ||
        scols_table_enable_colors(table->scols, colors) ||
        scols_table_set_name(table->scols, call->cmd->name) ||
        parse_columns(table, columns) < 0)
        return xpci_error_oom(err);
    if (list)
        return show_chosen(table, list, err);
    for (size_t i = 0; i < table->columns.n; i++) {
        if (!table->columns.v[i].extra || call->opt[OPT_JSON])
            xpci_try(show_column(table, i, err));
    }
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

/* Of words that judge, and of groups: their members the same, others' not. */
static const char *color_of(const struct column *col, const char *cell)
{
    static const char *const colors[] = { "green", "cyan", "magenta", "blue",
                                          "brown" };
    static const char *const words[][2] = { { "assignable", "green" },
                                            { "in use", "yellow" },
                                            { "dies", "red" } };

    if (!strcmp(col->name, "GROUP"))
        return colors[strtoul(cell, NULL, 10) % XPCI_ARRAY_SIZE(colors)];
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(words); i++) {
        if (!strcmp(cell, words[i][0]))
            return words[i][1];
    }
    return NULL;
}

int xpci_table_row(const struct xpci_call *call, const char *const *cells,
                   struct xpci_error *err)
{
    const struct xpci_table *table = call->table;
    struct libscols_line *line =
        scols_table_new_line(table->scols, table->above);

    xpci_need(line, err);
    for (size_t i = 0; i < table->shown.n; i++) {
        size_t source = table->shown.v[i];
        const char *cell = cells[source];
        const char *color =
            cell ? color_of(&table->columns.v[source], cell) : NULL;

        if (!call->opt[OPT_JSON]
                ? scols_line_set_data(line, i, cell ? cell : "-")
                : cell && set_json(line, i, cell))
            return xpci_error_oom(err);
        if (color && scols_cell_set_color(scols_line_get_cell(line, i), color))
            return xpci_error_oom(err);
    }
    return 0;
}

void xpci_table_under(const struct xpci_call *call, size_t row)
{
    struct xpci_table *table = call->table;

    scols_column_set_flags(scols_table_get_column(table->scols, 0),
                           SCOLS_FL_TREE);
    table->above =
        row == XPCI_TABLE_TOP ? NULL : scols_table_get_line(table->scols, row);
}

int xpci_table_print(struct xpci_call *call, struct xpci_error *err)
{
    struct xpci_table *table = xpci_steal(call->table);
    int ret = 0;

    /* libsmartcols prints nothing for a table without lines */
    if (table && scols_table_get_nlines(table->scols))
        ret = scols_print_table(table->scols);
    else if (table && call->opt[OPT_JSON])
        printf("{\"%s\": []}\n", call->cmd->name);
    xpci_table_free(table);
    return ret ? xpci_error_set(err, EIO, "cannot print the answer") : 0;
}
