/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is accepted means the same when it is written out in full; and libc's
 * sscanf(), where it reads as the kernel's does, accepts the same lists.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "hide-list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void same_in_full(const struct xpci_hide_list *list)
{
    _cleanup_hide_list_ struct xpci_hide_list back = { 0 };
    _cleanup_buf_ struct xpci_buf full = { 0 };

    CHECK(xpci_buf_puts(&full, "") == 0);
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].odd) /* no form says "*.0" */
            return;
        CHECK(xpci_buf_printf(&full, "(%s)", list->v[i].glob) == 0);
    }
    if (full.len > XPCI_HIDE_LIST_MAX)
        return;
    CHECK(xpci_hide_list_parse(full.data, &back, NULL) == 0);
    CHECK(back.n == list->n);
    for (size_t i = 0; i < list->n; i++)
        CHECK(!strcmp(back.v[i].glob, list->v[i].glob) && !back.v[i].odd);
}

/* libc takes signs, needs a digit behind "0x" and stops at 32 bits. */
static bool libc_can_read(const char *s)
{
    size_t digits = 0;

    if (strpbrk(s, "+-xX\xa0"))
        return false;
    for (; *s && digits <= 8; s++)
        digits = strchr("0123456789abcdefABCDEF", *s) ? digits + 1 : 0;
    return digits <= 8;
}

/* Length of the entry at @s, 0: it is none; *ret says if it is in range. */
static int libc_entry(const char *s, int *ret)
{
    static const struct {
        const char *form;
        int first, n;
    } forms[] = {
        { " (%x:%x:%x.%x) %n", 0, 4 }, { " (%x:%x:%x.*) %n", 0, 3 },
        { " (%x:%x:*.*) %n", 0, 2 },   { " (%x:%x.%x) %n", 1, 3 },
        { " (%x:%x.*) %n", 1, 2 },     { " (%x:*.*) %n", 1, 1 },
    };
    static const unsigned int max[] = { 0xffff, 0xff, 0x1f, 7 };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(forms); i++) {
        unsigned int num[4] = { 0 };
        void *arg[5];
        int len = 0;

        for (int k = 0; k < 5; k++)
            arg[k] = k < forms[i].n ? (void *)&num[forms[i].first + k] : &len;
        (void)sscanf(s, forms[i].form, arg[0], arg[1], arg[2], arg[3], arg[4]);
        for (int k = 0; len && k < 4; k++) {
            if (num[k] > max[k] && (k < 2 || num[k] <= INT32_MAX))
                *ret = -ERANGE;
        }
        if (len)
            return len;
    }
    return 0;
}

static int libc_list(const char *s)
{
    int ret = 0;

    while (*s && ret == 0) {
        int len = libc_entry(s, &ret);

        if (len == 0)
            return -EINVAL;
        s += len;
    }
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = malloc(size + 1), *alone = NULL;
    _cleanup_hide_list_ struct xpci_hide_list list = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    int ret;

    CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    ret = xpci_hide_list_parse(text, &list, &err);
    CHECK(list.at + list.len <= strlen(text));
    if (ret == 0)
        same_in_full(&list);
    else
        CHECK(list.bad >= list.at && list.bad <= list.at + list.len &&
              !strchr(err.msg, '\n'));
    alone = strndup(text + list.at, list.len);
    CHECK(alone);
    if (list.len <= XPCI_HIDE_LIST_MAX && libc_can_read(alone))
        CHECK(libc_list(alone) == ret);
    return 0;
}
