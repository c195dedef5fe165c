/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "error.h"

/* Nothing that is read whole is longer, and a hole in a file costs nothing. */
#define MAX_FILE ((off_t)512 * 1024 * 1024)

/* Makes room for @more bytes and the NUL. */
static int buf_grow(struct xpci_buf *buf, size_t more)
{
    size_t size = buf->size ? buf->size : 128;
    char *data;

    if (more >= SIZE_MAX / 2 - buf->len)
        return -ENOMEM;
    while (size < buf->len + more + 1)
        size *= 2;
    if (size == buf->size)
        return 0;
    data = realloc(buf->data, size);
    if (!data)
        return -ENOMEM;
    buf->data = data;
    buf->size = size;
    return 0;
}

int xpci_buf_append(struct xpci_buf *buf, const void *data, size_t len)
{
    if (buf_grow(buf, len) < 0)
        return -ENOMEM;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int xpci_buf_puts(struct xpci_buf *buf, const char *s)
{
    return xpci_buf_append(buf, s, strlen(s));
}

int xpci_buf_printf(struct xpci_buf *buf, const char *fmt, ...)
{
    _cleanup_free_ char *text = xpci_format_args(fmt);

    return text ? xpci_buf_puts(buf, text) : -ENOMEM;
}

int xpci_buf_read_fd(struct xpci_buf *buf, int fd)
{
    struct stat st;
    ssize_t r;

    /* a file tells how much; /proc and pipes do not */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        if (st.st_size > MAX_FILE)
            return -EFBIG;
        if (buf_grow(buf, (size_t)st.st_size + 1) < 0)
            return -ENOMEM;
    }
    do {
        if (buf->size - buf->len < 2 && buf_grow(buf, 4096) < 0)
            return -ENOMEM;
        r = read(fd, buf->data + buf->len, buf->size - buf->len - 1);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        buf->len += (size_t)r;
        buf->data[buf->len] = '\0';
    } while (r != 0);
    return 0;
}

char *xpci_buf_steal(struct xpci_buf *buf)
{
    char *data = buf->data ? buf->data : strdup("");

    *buf = (struct xpci_buf){ 0 };
    return data;
}

void xpci_buf_clear(struct xpci_buf *buf)
{
    free(buf->data);
    *buf = (struct xpci_buf){ 0 };
}

static int strv_take(struct xpci_strv *strv, char *s)
{
    char **v = NULL;

    if (s)
        v = realloc(strv->v, (strv->n + 2) * sizeof(*v));
    if (!v) {
        free(s);
        return -ENOMEM;
    }
    strv->v = v;
    v[strv->n++] = s;
    v[strv->n] = NULL;
    return 0;
}

int xpci_strv_add(struct xpci_strv *strv, const char *s)
{
    return strv_take(strv, strdup(s));
}

int xpci_strv_add_once(struct xpci_strv *strv, const char *s)
{
    for (size_t i = 0; i < strv->n; i++) {
        if (!strcmp(strv->v[i], s))
            return 0;
    }
    return xpci_strv_add(strv, s);
}

int xpci_strv_printf(struct xpci_strv *strv, const char *fmt, ...)
{
    return strv_take(strv, xpci_format_args(fmt));
}

static int strv_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void xpci_strv_sort(struct xpci_strv *strv)
{
    if (strv->n)
        qsort(strv->v, strv->n, sizeof(*strv->v), strv_cmp);
}

void xpci_strv_clear(struct xpci_strv *strv)
{
    xpci_list_clear(strv, s, free(*s));
}

size_t xpci_find_word(const char *words, const char *word, size_t len)
{
    size_t number = 0;

    for (size_t n; *words; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        number += n > 0;
        if (n && n == len && !memcmp(words, word, n))
            return number;
    }
    return 0;
}
