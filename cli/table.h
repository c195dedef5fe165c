/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of a command: rows under named columns, printed as a table or
 * as JSON, {"COMMAND": [ {row}, ... ]}, from the same data (libsmartcols).
 *
 *     r = xpci_table_new(call, "BDF GROUP# ID+", err);
 *     r = xpci_table_add(call, err, xpci_cell_bdf(&bdf), xpci_cell("%u", n));
 *     r = xpci_table_print(call, err);
 *
 * main does the first and the last for a command that names its columns.
 *
 * A NULL cell is empty, in JSON null. With -o the call's choice of columns
 * is shown, in its order; an unknown name is a USAGE error. Colours are for
 * terminals, and only without NO_COLOR in the environment.
 */
#pragma once

#include "cmd.h"

/*
 * @columns: their names, in upper case, with a blank between them. "#" behind
 * one: numbers, not strings, in JSON; "+": only shown when -o asks for it, and
 * in JSON. Takes the place of the call's table, if there is one.
 */
int xpci_table_new(struct xpci_call *call, const char *columns,
                   struct xpci_error *err) _must_check_;
void xpci_table_free(struct xpci_table *table);

/* @cells: one for each of the columns. Copied. */
int xpci_table_row(const struct xpci_call *call, const char *const *cells,
                   struct xpci_error *err) _must_check_;
#define xpci_table_add(call, err, ...)                                         \
    xpci_table_row(call, (const char *const[]){ __VA_ARGS__ }, err)

/*
 * Texts of numbers and addresses. They live as long as the block that they
 * are made in, and what follows an if without braces is one of its own.
 */
#define XPCI_CELL_SIZE 128
#define xpci_cell(...)                                                         \
    xpci_cell_print((char[XPCI_CELL_SIZE]){ "" }, __VA_ARGS__)
#define xpci_cell_bdf(bdf) xpci_bdf_format(bdf, (char[XPCI_BDF_SIZE]){ "" })
char *xpci_cell_print(char *cell, const char *fmt, ...) _printf_(2, 3);

/*
 * A tree: the rows from now on stand under row @row, counted from 0, or under
 * none with XPCI_TABLE_TOP. In JSON they are its "children".
 */
#define XPCI_TABLE_TOP ((size_t)-1)
void xpci_table_under(const struct xpci_call *call, size_t row);

/* Nothing, if there is no table or if it was printed already. */
int xpci_table_print(struct xpci_call *call,
                     struct xpci_error *err) _must_check_;

/* How many bytes the character has; 0: they are no UTF-8 (RFC 3629). */
size_t xpci_utf8_len(const char *s);
