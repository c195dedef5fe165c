/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "compressed.h"
#include "image.h"
#include "interrupt.h"

#define CPIO_HEADER 110
#define CPIO_TRAILER "TRAILER!!!"
#define ENDS "it ends inside an entry"
/* far above any real entry; a damaged header must not eat the memory */
#define MAX_NAME ((size_t)4096)
#define MAX_FILE ((size_t)512 * 1024 * 1024)

/* Where cpio bytes come from: memory, or the blocks of a decompressor. */
struct source {
    const char *data; /* what is at hand */
    size_t len;
    size_t pos;                  /* of data in the stream */
    struct xpci_compressed *seg; /* NULL: data is all there is */
    const char *next;            /* of its block, not at hand yet */
    size_t next_len;
    struct xpci_buf buf; /* holds data that two blocks share */
    const char *name;
    const struct xpci_image_reader *reader;
    size_t archives; /* cpio archives seen to their end */
    struct xpci_image_end end;
};

static int damaged(const struct source *src, struct xpci_error *err,
                   const char *what)
{
    return xpci_error_set(err, EBADMSG, "cannot read image '%s': %s", src->name,
                          what);
}

/* Drops @n bytes that are at hand. */
static void source_drop(struct source *src, size_t n)
{
    src->data += n;
    src->len -= n;
    src->pos += n;
}

/* What is at hand moves to where the next block does not touch it. */
static int source_save(struct source *src)
{
    if (src->len && src->buf.data && src->data >= src->buf.data &&
        src->data <= src->buf.data + src->buf.len) {
        memmove(src->buf.data, src->data, src->len);
        src->buf.len = src->len;
    } else {
        src->buf.len = 0;
        if (xpci_buf_append(&src->buf, src->data, src->len) < 0)
            return -ENOMEM;
    }
    src->data = src->buf.data;
    return 0;
}

/*
 * Makes @want bytes available in one piece; fewer only at the end. Of the next
 * block it takes what lacks, or all if nothing is at hand.
 */
static int source_need(struct source *src, size_t want, struct xpci_error *err)
{
    /* a small file can be made to unpack for hours */
    xpci_try(xpci_interrupt_check(err));
    while (src->seg && src->len < want) {
        size_t n = want - src->len;
        const char *why = NULL;

        xpci_need(!src->len || source_save(src) == 0, err);
        if (src->next_len == 0)
            why = xpci_compressed_block(src->seg, &src->next, &src->next_len);
        if (why)
            return damaged(src, err, why);
        if (src->next_len == 0)
            return 0;
        n = src->len && n < src->next_len ? n : src->next_len;
        xpci_need(!src->len || xpci_buf_append(&src->buf, src->next, n) == 0,
                  err);
        src->data = src->len ? src->buf.data : src->next;
        src->len += n;
        src->next += n;
        src->next_len -= n;
    }
    return 0;
}

/* Drops @n bytes, or all that are left; *n is what was not there. */
static int source_skip(struct source *src, size_t *n, struct xpci_error *err)
{
    while (*n) {
        size_t now = *n < src->len ? *n : src->len;

        source_drop(src, now);
        *n -= now;
        if (*n)
            xpci_try(source_need(src, 1, err));
        if (src->len == 0)
            break;
    }
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

static int parse_header(const struct source *src, size_t *mode, size_t *size,
                        size_t *name_len, struct xpci_error *err)
{
    if (src->len < CPIO_HEADER || !is_newc(src->data, src->len) ||
        hex_field(src->data, 1, mode) < 0 ||
        hex_field(src->data, 6, size) < 0 ||
        hex_field(src->data, 11, name_len) < 0)
        return damaged(src, err, "no cpio header where one must be");
    if (*name_len == 0 || *name_len > MAX_NAME || *size > MAX_FILE)
        return damaged(src, err, "a cpio entry of impossible size");
    return 0;
}

/* Header and name, which goes into @name. */
static int read_head(struct source *src, struct xpci_image_file *file,
                     char name[MAX_NAME], struct xpci_error *err)
{
    size_t mode = 0, name_len = 0, head;

    xpci_try(source_need(src, CPIO_HEADER, err));
    xpci_try(parse_header(src, &mode, &file->len, &name_len, err));
    head = pad4(CPIO_HEADER + name_len);
    xpci_try(source_need(src, head, err));
    if (src->len < CPIO_HEADER + name_len ||
        src->data[CPIO_HEADER + name_len - 1])
        return damaged(src, err, ENDS);
    memcpy(name, src->data + CPIO_HEADER, name_len);
    source_drop(src, head < src->len ? head : src->len);
    file->name = plain_name(name);
    file->mode = (mode_t)mode;
    return 0;
}

/* One entry; *end is set at the trailer. */
static int read_entry(struct source *src, bool *end, struct xpci_error *err)
{
    const struct xpci_image_reader *reader = src->reader;
    char name[MAX_NAME];
    struct xpci_image_file file = { 0 };
    size_t rest, padding;

    xpci_try(read_head(src, &file, name, err));
    rest = pad4(file.len);
    padding = rest - file.len;
    *end = !strcmp(name, CPIO_TRAILER);
    if (!reader->wants || reader->wants(reader->data, file.name)) {
        xpci_try(source_need(src, file.len, err));
        if (src->len < file.len)
            return damaged(src, err, ENDS);
        file.data = file.len ? src->data : "";
    }
    if (!*end)
        xpci_try(reader->file(reader->data, &file, err));
    xpci_try(source_skip(src, &rest, err));
    /* the padding of the very last entry may be missing */
    return rest > padding ? damaged(src, err, ENDS) : 0;
}

static int read_archive(struct source *src, struct xpci_error *err)
{
    bool end = false;

    while (!end)
        xpci_try(read_entry(src, &end, err));
    src->archives++;
    return 0;
}

static int skip_zeros(struct source *src, struct xpci_error *err)
{
    for (;;) {
        xpci_try(source_need(src, 4, err));
        if (src->len == 0 || src->data[0] != '\0')
            return 0;
        source_drop(src, 1);
    }
}

/* cpio archives with padding between, until something else or the end. */
static int read_archives(struct source *src, struct xpci_error *err)
{
    xpci_try(skip_zeros(src, err));
    while (src->len > 0) {
        xpci_try(source_need(src, CPIO_HEADER, err));
        if (!is_newc(src->data, src->len))
            return 0;
        /* the kernel takes it for something else (init/initramfs.c) */
        if (src->pos % 4)
            return damaged(src, err, "a cpio archive that is not aligned");
        src->end.packed = NULL;
        xpci_try(read_archive(src, err));
        xpci_try(skip_zeros(src, err));
    }
    return 0;
}

/* The segment that is at hand, and drops it. */
static int read_compressed(struct source *src, struct xpci_error *err)
{
    _cleanup_compressed_ struct xpci_compressed *seg = NULL;
    struct source in = { .name = src->name, .reader = src->reader };
    const char *why = xpci_compressed_open(src->data, src->len, &seg);
    int ret;

    if (why)
        return damaged(src, err, why);
    in.seg = seg;
    src->end.packed = xpci_compressed_name(seg);
    ret = read_archives(&in, err);
    if (ret == 0 && in.len > 0)
        ret = damaged(src, err, "something that is no cpio archive inside");
    xpci_buf_clear(&in.buf);
    src->archives += in.archives;
    if (ret == 0 && !xpci_compressed_size(seg))
        return damaged(src, err, "it ends early");
    source_drop(src, xpci_compressed_size(seg));
    src->end.packed_end = src->pos;
    return ret;
}

int xpci_image_parse(const void *image, size_t len, const char *name,
                     const struct xpci_image_reader *reader,
                     struct xpci_error *err)
{
    size_t from = reader->from < len ? reader->from : len;
    struct source src = {
        .data = from ? (const char *)image + from : image,
        .len = len - from,
        .pos = from,
        .name = name,
        .reader = reader,
        .end.size = len,
    };

    do {
        xpci_try(read_archives(&src, err));
        if (src.len > 0)
            xpci_try(read_compressed(&src, err));
    } while (src.len > 0);
    if (reader->end)
        *reader->end = src.end;
    return src.archives ? 0
                        : damaged(&src, err,
                                  len ? "there is no archive in it"
                                      : "it is empty, as in a recording");
}

int xpci_image_read(const struct xpci_root *root, const char *path,
                    const struct xpci_image_reader *reader,
                    struct xpci_error *err)
{
    _cleanup_close_ int fd = xpci_root_open_file(root, path);
    struct stat st;
    void *map = NULL;
    int ret;

    if (fd < 0 || fstat(fd, &st) < 0)
        return xpci_root_check(root, fd < 0 ? fd : -errno, "read", path, err);
    if (st.st_size > 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return xpci_root_check(root, -errno, "read", path, err);
    ret = xpci_image_parse(map, (size_t)st.st_size, path, reader, err);
    if (map)
        munmap(map, (size_t)st.st_size);
    return ret;
}
