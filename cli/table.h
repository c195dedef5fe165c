/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of a command: rows under named columns, printed as a table or
 * as JSON, {"COMMAND": [ {row}, ... ]}, from the same data (libsmartcols).
 *
 *     static const struct xpci_column columns[] = { { "BDF" }, ... };
 *     struct xpci_table *t = NULL;
 *     r = xpci_table_new(call, columns, n, &t, err);
 *     r = xpci_table_add(t, err, "0000:03:02.0", ...);
 *     r = xpci_table_print(t, err);
 *     xpci_table_free(t);
 *
 * A NULL cell is empty, in JSON null. With -o the call's choice of columns
 * is shown, in its order; an unknown name is a USAGE error. Colours are for
 * terminals, and only without NO_COLOR in the environment.
 */
#ifndef XPCI_TABLE_H
#define XPCI_TABLE_H

#include "cmd.h"

struct xpci_column {
    const char *name; /* upper case; lower case in JSON */
    bool number;      /* JSON number instead of string */
    bool extra;       /* only shown when -o asks for it, and in JSON */
    const char *(*color)(const char *cell); /* of libsmartcols; NULL: none */
};

struct xpci_table;

int xpci_table_new(const struct xpci_call *call,
                   const struct xpci_column *columns, size_t n,
                   struct xpci_table **out,
                   struct xpci_error *err) _must_check_;
void xpci_table_free(struct xpci_table *table);

/* @cells: one for each of the n columns. Copied. */
int xpci_table_row(struct xpci_table *table, const char *const *cells,
                   struct xpci_error *err) _must_check_;
#define xpci_table_add(table, err, ...)                                        \
    xpci_table_row(table, (const char *const[]){ __VA_ARGS__ }, err)

/*
 * A tree: the rows from now on stand under row @row, counted from 0, or under
 * none with XPCI_TABLE_TOP. In JSON they are its "children".
 */
#define XPCI_TABLE_TOP ((size_t)-1)
void xpci_table_under(struct xpci_table *table, size_t row);

int xpci_table_print(struct xpci_table *table,
                     struct xpci_error *err) _must_check_;

XPCI_CLEANUP_PTR(struct xpci_table *, xpci_table_free)
#define _cleanup_table_ _cleanup_(xpci_table_free_ptr)

#endif
