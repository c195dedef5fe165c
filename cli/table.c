/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libsmartcols.h>
#include <strings.h>

#include "table.h"

struct xpci_table {
    struct libscols_table *scols;
    struct libscols_line *above; /* what the next row stands under */
    struct {
        struct libscols_column **v; /* in the order of cells, some hidden */
        size_t n;
    } columns;
    struct {
        struct libscols_line **v;
        size_t n;
    } rows;
};

void xpci_table_free(struct xpci_table *table)
{
    if (!table)
        return;
    scols_unref_table(table->scols);
    free(table->columns.v);
    free(table->rows.v);
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

static const char *name_of(struct libscols_column *col)
{
    return scols_cell_get_data(scols_column_get_header(col));
}

static int parse_columns(struct xpci_table *table, const char *text,
                         bool chosen, bool json)
{
    while (*text) {
        size_t len = strcspn(text, "#+ "), marks = strcspn(text + len, " ");
        _cleanup_free_ char *name = strndup(text, len);
        bool extra = memchr(text + len, '+', marks) && !json;
        struct libscols_column *col = scols_table_new_column(
            table->scols, name, 0, chosen || extra ? SCOLS_FL_HIDDEN : 0);

        xpci_need(name && col, NULL);
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
        xpci_try(xpci_list_push(&table->columns, col));
        xpci_try(scols_column_set_json_type(col, memchr(text + len, '#', marks)
                                                     ? SCOLS_JSON_NUMBER
                                                     : SCOLS_JSON_STRING));
        text += len + marks;
        text += *text == ' ';
    }
    return 0;
}

static int refuse_column(const struct xpci_table *table, const char *name,
                         size_t len, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf all = { 0 };

    for (size_t i = 0; i < table->columns.n; i++) {
        xpci_need(xpci_buf_printf(&all, "%s%s", i ? ", " : "",
                                  name_of(table->columns.v[i])) == 0,
                  err);
    }
    return xpci_error_usage(err, "'%.*s' is no column of this table; it has %s",
                            (int)len, name, all.data);
}

/* The columns that -o names. */
static int show_chosen(struct xpci_table *table, const char *list,
                       struct xpci_error *err)
{
    struct libscols_column *before = NULL, *col;

    if (!*list)
        return xpci_error_usage(err, "no column named");
    while (*list) {
        size_t len = strcspn(list, ",");
        struct libscols_column **found = xpci_list_find(
            &table->columns, c,
            strlen(name_of(*c)) == len && !strncasecmp(name_of(*c), list, len));

        if (!found)
            return refuse_column(table, list, len, err);
        col = *found;
        if (!scols_column_is_hidden(col))
            return xpci_error_usage(err, "column '%s' is named twice",
                                    name_of(col));
        scols_column_set_flags(col, 0);
        scols_table_move_column(table->scols, before, col);
        before = col;
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
    const char *term = getenv("TERM");
    bool colors = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                  !(term && !strcmp(term, "dumb"));

    xpci_table_free(call->table);
    call->table = table;
    if (!table || !(table->scols = scols_new_table()) ||
        scols_table_enable_json(table->scols, call->opt[OPT_JSON] != NULL) ||
        scols_table_enable_colors(table->scols, colors) ||
        scols_table_set_name(table->scols, call->cmd->name) ||
        parse_columns(table, columns, list, call->opt[OPT_JSON]) < 0)
        return xpci_error_oom(err);
    return list ? show_chosen(table, list, err) : 0;
}

size_t xpci_utf8_len(const char *s)
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
static int set_json(struct libscols_line *line, struct libscols_column *col,
                    const char *cell)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    int ret = 0;

    while (ret == 0 && *cell) {
        size_t n = xpci_utf8_len(cell);

        ret = n ? xpci_buf_append(&buf, cell, n)
                : xpci_buf_printf(&buf, "\\x%02x", (unsigned char)*cell);
        cell += n ? n : 1;
    }
    return ret < 0 ? ret
                   : scols_line_set_column_data(line, col,
                                                buf.data ? buf.data : "");
}

/* Of words that judge, and of groups: their members the same, others' not. */
static const char *color_of(struct libscols_column *col, const char *cell)
{
    static const char *const colors[] = { "green", "cyan", "magenta", "blue",
                                          "brown" };
    static const char *const words[][2] = { { "assignable", "green" },
                                            { "in use", "yellow" },
                                            { "dies", "red" } };

    if (!strcmp(name_of(col), "GROUP"))
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
    struct xpci_table *table = call->table;
    struct libscols_line *line =
        scols_table_new_line(table->scols, table->above);

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers */
    xpci_need(line && xpci_list_push(&table->rows, line) == 0, err);
    for (size_t i = 0; i < table->columns.n; i++) {
        struct libscols_column *col = table->columns.v[i];
        const char *cell = cells[i], *color = cell ? color_of(col, cell) : NULL;

        if (scols_column_is_hidden(col))
            continue;
        if (!call->opt[OPT_JSON]
                ? scols_line_set_column_data(line, col, cell ? cell : "-")
                : cell && set_json(line, col, cell))
            return xpci_error_oom(err);
        if (color)
            xpci_need(!scols_cell_set_color(
                          scols_line_get_column_cell(line, col), color),
                      err);
    }
    return 0;
}

void xpci_table_under(const struct xpci_call *call, size_t row)
{
    struct xpci_table *table = call->table;

    scols_column_set_flags(scols_table_get_column(table->scols, 0),
                           SCOLS_FL_TREE);
    table->above = row == XPCI_TABLE_TOP ? NULL : table->rows.v[row];
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
