/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any image is an error of one line or an answer; and the names are the same
 * whether contents are looked at or passed over.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static bool wants_none(void *data, const char *name)
{
    (void)data;
    (void)name;
    return false;
}

static int on_file(void *data, const struct xpci_image_file *file,
                   struct xpci_error *err)
{
    unsigned int sum = 0;

    (void)err;
    for (size_t i = 0; file->data && i < file->len; i++)
        sum += (unsigned char)file->data[i];
    CHECK(sum <= 255 * file->len);
    return xpci_buf_printf(data, "%s %o %zu\n", file->name, file->mode,
                           file->len);
}

static int parse(const uint8_t *data, size_t size,
                 bool (*wants)(void *, const char *), struct xpci_buf *names)
{
    const struct xpci_image_reader reader = { wants, on_file, names, NULL, 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    int ret = xpci_image_parse(data, size, "IMAGE", &reader, &err);

    CHECK(xpci_buf_puts(names, "") == 0);
    CHECK(ret == 0 || (ret == -EBADMSG && err.msg && !strchr(err.msg, '\n')));
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_buf_ struct xpci_buf all = { 0 }, none = { 0 };
    int ret = parse(data, size, NULL, &all);

    CHECK(parse(data, size, wants_none, &none) == ret);
    CHECK(ret < 0 || !strcmp(all.data, none.data));
    return 0;
}
