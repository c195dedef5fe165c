/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing byte buffer and a growing list of strings.
 *
 * Both start as { 0 } and are released by their _clear(); the _cleanup_
 * attribute does it at the end of the scope. A failed append leaves what was
 * there and returns -ENOMEM: the caller must not go on with half a list.
 */
#pragma once

#include <stddef.h>

#include "cleanup.h"

struct xpci_buf {
    char *data; /* always NUL-terminated when not NULL */
    size_t len; /* without that NUL */
    size_t size;
};

int xpci_buf_append(struct xpci_buf *buf, const void *data,
                    size_t len) _must_check_;
int xpci_buf_puts(struct xpci_buf *buf, const char *s) _must_check_;
int xpci_buf_printf(struct xpci_buf *buf, const char *fmt, ...)
    _printf_(2, 3) _must_check_;
/* Reads @fd to its end. Returns 0 or -errno. */
int xpci_buf_read_fd(struct xpci_buf *buf, int fd) _must_check_;
/* Hands the bytes over (never NULL on an empty buffer unless out of memory). */
char *xpci_buf_steal(struct xpci_buf *buf);
void xpci_buf_clear(struct xpci_buf *buf);

struct xpci_strv {
    char **v; /* NULL-terminated when not NULL */
    size_t n;
};

int xpci_strv_add(struct xpci_strv *strv, const char *s) _must_check_;
/* Unless it is there already. */
int xpci_strv_add_once(struct xpci_strv *strv, const char *s) _must_check_;
int xpci_strv_printf(struct xpci_strv *strv, const char *fmt, ...)
    _printf_(2, 3) _must_check_;
void xpci_strv_sort(struct xpci_strv *strv);
void xpci_strv_clear(struct xpci_strv *strv);

/* Which of @words, parted by blanks, @len bytes are: from 1 on, 0: none. */
size_t xpci_find_word(const char *words, const char *word, size_t len);

/*
 * For any array @v of @n elements: one more, zeroed, at its end. NULL when out
 * of memory; the array is as it was then. It grows at powers of two, so it must
 * have been made by this from nothing.
 */
#define xpci_array_add(v, n)                                                   \
    __extension__({                                                            \
        size_t room_ = (n) & ((n)-1) ? 0 : (n) ? 2 * (n) : 1;                  \
        __typeof__(v) v_ = room_ ? reallocarray(v, room_, sizeof(*v_)) : (v);  \
        if (v_) {                                                              \
            (v) = v_;                                                          \
            v_ += (n)++;                                                       \
            *v_ = (__typeof__(*v_)){ 0 };                                      \
        }                                                                      \
        v_;                                                                    \
    })

/* The same for any list of that form, a struct with v and n. */
#define xpci_list_add(list) xpci_array_add((list)->v, (list)->n)

/* The same, and what the new element is: 0 or -ENOMEM. */
#define xpci_array_push(v, n, ...)                                             \
    __extension__({                                                            \
        __typeof__(v) new_ = xpci_array_add(v, n);                             \
        if (new_)                                                              \
            *new_ = __VA_ARGS__;                                               \
        new_ ? 0 : -ENOMEM;                                                    \
    })
#define xpci_list_push(list, ...)                                              \
    xpci_array_push((list)->v, (list)->n, __VA_ARGS__)

/* NOLINTBEGIN(bugprone-macro-parentheses): @each is declared there */
/* The first element, @each as a pointer to it, of which @is holds; or NULL. */
#define xpci_list_find(list, each, is)                                         \
    __extension__({                                                            \
        __typeof__((list)->v + 0) found_ = NULL;                               \
        for (size_t i_ = 0; !found_ && i_ < (list)->n; i_++) {                 \
            __typeof__(found_) each = &(list)->v[i_];                          \
            found_ = (is) ? each : NULL;                                       \
        }                                                                      \
        found_;                                                                \
    })

/*
 * Releases such a list, @each element of it, as a pointer to it, by the
 * statement behind.
 */
#define xpci_list_clear(list, each, ...)                                       \
    do {                                                                       \
        for (size_t i_ = 0; i_ < (list)->n; i_++) {                            \
            __typeof__((list)->v) each = &(list)->v[i_];                       \
            __VA_ARGS__;                                                       \
        }                                                                      \
        free((list)->v);                                                       \
        *(list) = (__typeof__(*(list))){ 0 };                                  \
    } while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

#define _cleanup_buf_ _cleanup_(xpci_buf_clear)
#define _cleanup_strv_ _cleanup_(xpci_strv_clear)
