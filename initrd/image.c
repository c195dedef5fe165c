/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "image.h"

#define CPIO_HEADER 110
#define CPIO_TRAILER "TRAILER!!!"
#define BLOCK ((size_t)64 * 1024)
/* far above any real entry; a damaged header must not eat the memory */
#define MAX_NAME ((size_t)4096)
#define MAX_FILE ((size_t)512 * 1024 * 1024)

/* Where cpio bytes come from: memory, or a decompressor filling a buffer. */
struct source {
    const char *data; /* what is at hand */
    size_t len;
    struct archive *archive; /* NULL: data is all there is */
    struct xpci_buf *buf;    /* holds data when there is an archive */
    const char *name;
    xpci_image_fn *fn;
    void *fn_data;
    size_t archives; /* cpio archives seen to their end */
};

static int damaged(const struct source *src, struct xpci_error *err,
                   const char *what)
{
    return xpci_error_set(err, EBADMSG, "image '%s' is damaged: %s", src->name,
                          what);
}

/* Drops @n bytes that are at hand. */
static void source_skip(struct source *src, size_t n)
{
    src->data += n;
    src->len -= n;
}

/* Makes @want bytes available in one piece; fewer only at the end. */
static int source_need(struct source *src, size_t want, struct xpci_error *err)
{
    if (!src->archive || src->len >= want)
        return 0;
    if (src->len && src->data != src->buf->data)
        memmove(src->buf->data, src->data, src->len);
    src->buf->len = src->len;
    while (src->buf->len < want) {
        char block[BLOCK];
        ssize_t n = archive_read_data(src->archive, block, sizeof(block));

        if (n < 0)
            return damaged(src, err, archive_error_string(src->archive));
        if (xpci_buf_append(src->buf, block, (size_t)n) < 0)
            return xpci_error_oom(err);
        if (n == 0)
            break;
    }
    src->data = src->buf->data;
    src->len = src->buf->len;
    return 0;
}

static int hex_field(const char *header, int field, size_t *out)
{
    char digits[9] = "";

    memcpy(digits, header + 6 + field * 8, 8);
    *out = strtoul(digits, NULL, 16);
    return strspn(digits, "0123456789abcdefABCDEF") == 8 ? 0 : -EINVAL;
}

static bool is_newc(const char *p, size_t len)
{
    return len >= 6 && (!memcmp(p, "070701", 6) || !memcmp(p, "070702", 6));
}

static size_t pad4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

static const char *plain_name(const char *name)
{
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
        name += name[0] == '/' ? 1 : 2;
    return name;
}

/* One entry; *end is set at the trailer. */
static int read_entry(struct source *src, bool *end, struct xpci_error *err)
{
    char name[MAX_NAME];
    struct xpci_image_file file = { .name = name };
    size_t mode, size, name_len, head;
    int ret;

    ret = source_need(src, CPIO_HEADER, err);
    if (ret < 0)
        return ret;
    if (src->len < CPIO_HEADER || !is_newc(src->data, src->len) ||
        hex_field(src->data, 1, &mode) < 0 ||
        hex_field(src->data, 6, &size) < 0 ||
        hex_field(src->data, 11, &name_len) < 0)
        return damaged(src, err, "no cpio header where one must be");
    if (name_len == 0 || name_len > MAX_NAME || size > MAX_FILE)
        return damaged(src, err, "a cpio entry of impossible size");
    head = pad4(CPIO_HEADER + name_len);
    ret = source_need(src, head + pad4(size), err);
    if (ret < 0)
        return ret;
    /* the padding of the very last entry may be missing */
    if (src->len < head + size || src->data[CPIO_HEADER + name_len - 1])
        return damaged(src, err, "it ends inside an entry");
    memcpy(name, src->data + CPIO_HEADER, name_len);
    file.name = plain_name(name);
    file.mode = (mode_t)mode;
    file.data = src->data + head;
    file.len = size;
    *end = !strcmp(name, CPIO_TRAILER);
    if (!*end)
        ret = src->fn(src->fn_data, &file, err);
    source_skip(src,
                src->len < head + pad4(size) ? src->len : head + pad4(size));
    return ret;
}

static int read_archive(struct source *src, struct xpci_error *err)
{
    bool end = false;
    int ret = 0;

    while (!end && ret == 0)
        ret = read_entry(src, &end, err);
    src->archives++;
    return ret;
}

static int skip_zeros(struct source *src, struct xpci_error *err)
{
    int ret;

    for (;;) {
        ret = source_need(src, 4, err);
        if (ret < 0 || src->len == 0 || src->data[0] != '\0')
            return ret;
        source_skip(src, 1);
    }
}

/* cpio archives with padding between, until something else or the end. */
static int read_archives(struct source *src, struct xpci_error *err)
{
    int ret = skip_zeros(src, err);

    while (ret == 0 && src->len > 0) {
        ret = source_need(src, CPIO_HEADER, err);
        if (ret < 0 || !is_newc(src->data, src->len))
            return ret;
        ret = read_archive(src, err);
        if (ret == 0)
            ret = skip_zeros(src, err);
    }
    return ret;
}

XPCI_CLEANUP_PTR(struct archive *, archive_read_free)

/* The filters that read in this process; lzop would run a program. */
static struct archive *new_decompressor(void)
{
    struct archive *a = archive_read_new();

    if (!a)
        return NULL;
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_raw(a);
    return a;
}

/* From here on the source is what the decompressor makes of the rest. */
static int read_compressed(struct source *src, struct xpci_error *err)
{
    _cleanup_(archive_read_free_ptr) struct archive *archive =
        new_decompressor();
    struct archive_entry *entry;
    int ret;

    if (!archive)
        return xpci_error_oom(err);
    if (archive_read_open_memory(archive, src->data, src->len) ||
        archive_read_next_header(archive, &entry))
        return damaged(src, err, archive_error_string(archive));
    if (archive_filter_count(archive) < 2)
        return damaged(src, err, "of a format xpci does not know");
    src->archive = archive;
    src->len = 0;
    ret = read_archives(src, err);
    if (ret == 0 && src->len > 0)
        ret = damaged(src, err, "something that is no cpio archive inside");
    return ret;
}

int xpci_image_parse(const void *image, size_t len, const char *name,
                     xpci_image_fn *fn, void *data, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    struct source src = {
        .data = image,
        .len = len,
        .buf = &buf,
        .name = name,
        .fn = fn,
        .fn_data = data,
    };
    int ret = read_archives(&src, err);

    if (ret == 0 && src.len > 0)
        ret = read_compressed(&src, err);
    if (ret == 0 && src.archives == 0)
        ret = damaged(&src, err,
                      len ? "there is no archive in it"
                          : "it is empty, as in a recording");
    return ret;
}

int xpci_image_read(const struct xpci_root *root, const char *path,
                    xpci_image_fn *fn, void *data, struct xpci_error *err)
{
    _cleanup_close_ int fd = xpci_root_open_file(root, path);
    struct stat st;
    void *map = NULL;
    int ret;

    if (fd < 0 || fstat(fd, &st) < 0)
        return xpci_error_errno(err, fd < 0 ? -fd : errno, "cannot read '%s%s'",
                                xpci_root_dir(root), path);
    if (st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return xpci_error_errno(err, errno, "cannot read '%s%s'",
                                xpci_root_dir(root), path);
    ret = xpci_image_parse(map, (size_t)st.st_size, path, fn, data, err);
    if (map)
        munmap(map, (size_t)st.st_size);
    return ret;
}
