/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes newc cpio archives, and compresses them. */
#ifndef TEST_IMAGE_CPIO_H
#define TEST_IMAGE_CPIO_H

#include "test-common-tree.h"

static void cpio_fill(struct xpci_buf *out)
{
    while (out->len % 4)
        assert_int_equal(xpci_buf_append(out, "", 1), 0);
}

static void cpio_entry(struct xpci_buf *out, const char *name,
                       unsigned int mode, const char *text)
{
    cpio_fill(out);
    assert_int_equal(
        xpci_buf_printf(out,
                        "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x"
                        "%08zx%08x",
                        1, mode, 0, 0, 1, 0, strlen(text), 0, 0, 0, 0,
                        strlen(name) + 1, 0),
        0);
    assert_int_equal(xpci_buf_append(out, name, strlen(name) + 1), 0);
    cpio_fill(out);
    assert_int_equal(xpci_buf_puts(out, text), 0);
    cpio_fill(out);
}

static UNUSED void cpio_file(struct xpci_buf *out, const char *name,
                             const char *text)
{
    cpio_entry(out, name, S_IFREG | 0644, text);
}

static UNUSED void cpio_dir(struct xpci_buf *out, const char *name)
{
    cpio_entry(out, name, S_IFDIR | 0755, "");
}

static UNUSED void cpio_trailer(struct xpci_buf *out)
{
    cpio_entry(out, "TRAILER!!!", 0, "");
}

/* Zeros up to a multiple of @block. */
static UNUSED void cpio_pad(struct xpci_buf *out, size_t block)
{
    while (out->len % block)
        assert_int_equal(xpci_buf_append(out, "", 1), 0);
}

/* Runs the image through an installed compressor. */
static UNUSED void compress(const char *command, const struct xpci_buf *in,
                            struct xpci_buf *out)
{
    char from[] = "/tmp/xpci-image.XXXXXX", line[200];
    int fd = mkstemp(from);
    FILE *pipe;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, in->data, in->len), in->len);
    close(fd);
    snprintf(line, sizeof(line), "%s <%s", command, from);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    assert_int_equal(xpci_buf_read_fd(out, fileno(pipe)), 0);
    if (pclose(pipe) != 0 || out->len == 0)
        fail_msg("'%s' failed; is it installed?", command);
    unlink(from);
}

static UNUSED const char *const compressors[] = {
    "cat",
    "gzip -9n",
    "xz -c --check=crc32",
    "zstd -q -19 -c",
    "lz4 -l -c",
    "lz4 -q -9 -c",
    "lz4 -q -BX --no-frame-crc -c",
    "zstd -q -c --no-check",
    "lzma -c",
    "bzip2 -c",
};

#endif
