/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "compressed.h"

struct xpci_compressed {
    struct archive *archive;
    size_t size; /* 0: as much as libarchive takes */
    const char *name;
};

/*
 * How long the segment at @p is that has at most @len bytes; 0: it ends early
 * or is not of this format.
 */
typedef size_t length_fn(const uint8_t *p, size_t len);

static uint32_t le32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

/* RFC 8878, 3.1.1: one frame */
static size_t zstd_length(const uint8_t *p, size_t len)
{
    static const uint8_t id_size[] = { 0, 1, 2, 4 };
    static const uint8_t content_size[] = { 0, 2, 4, 8 };
    size_t at = 5;
    uint8_t flags;
    uint32_t block;

    if (len < 5)
        return 0;
    flags = p[4];
    /* one segment has no window, but always a size */
    at += flags & 0x20 ? flags < 0x40 : 1;
    at += id_size[flags & 3] + content_size[flags >> 6];
    do {
        if (at >= len || len - at < 3)
            return 0;
        block = p[at] | (uint32_t)p[at + 1] << 8 | (uint32_t)p[at + 2] << 16;
        /* type 1: one byte is repeated */
        at += 3 + (size_t)((block >> 1 & 3) == 1 ? 1 : block >> 3);
    } while (!(block & 1));
    at += flags & 4 ? 4 : 0;
    return at <= len ? at : 0;
}

/* lz4_Frame_format.md: one frame */
static size_t lz4_length(const uint8_t *p, size_t len)
{
    size_t at = 7;
    uint32_t block;

    if (len < 7)
        return 0;
    at += (p[4] & 8 ? 8 : 0) + (p[4] & 1 ? 4 : 0);
    do {
        if (at >= len || len - at < 4)
            return 0;
        block = le32(p + at);
        at += 4 + (size_t)(block & 0x7fffffff);
        at += block && p[4] & 16 ? 4 : 0;
    } while (block);
    at += p[4] & 4 ? 4 : 0;
    return at <= len ? at : 0;
}

/* The same, "Legacy frame": it has no end of its own. */
static size_t lz4_legacy_length(const uint8_t *p, size_t len)
{
    size_t at = 4;

    /* zeros are padding, for the kernel too (lib/decompress_unlz4.c) */
    while (at < len) {
        uint32_t block = len - at < 4 ? 0 : le32(p + at);

        if (!block)
            break;
        if (block == 0x184c2102) /* another one, joined */
            block = 0;
        at += 4 + (size_t)block;
    }
    return at <= len ? at : 0;
}

/* A number of the xz format; 0 is none that it would have here. */
static uint64_t xz_number(const uint8_t **p, const uint8_t *end)
{
    uint64_t n = 0;

    for (int shift = 0; *p < end && shift < 63; shift += 7) {
        n |= (uint64_t)(**p & 0x7f) << shift;
        if (!(*(*p)++ & 0x80))
            return n;
    }
    return 0;
}

/*
 * True if a stream of @len bytes ends here: its footer leads to an index whose
 * blocks fill what is before it (xz-file-format.txt 2.1.2, 4).
 */
static bool xz_ends(const uint8_t *p, size_t len)
{
    const uint8_t *footer = p + len - 12, *index;
    uint64_t size = ((uint64_t)le32(footer + 4) + 1) * 4, blocks, sum = 12;

    if (memcmp(footer + 10, "YZ", 2) || memcmp(footer + 8, p + 6, 2) ||
        size > len - 24)
        return false;
    index = footer - size;
    if (*index++)
        return false;
    blocks = xz_number(&index, footer);
    for (uint64_t i = 0; i < blocks && index < footer && sum < len; i++) {
        sum += (xz_number(&index, footer) + 3) & ~(uint64_t)3;
        xz_number(&index, footer);
    }
    return sum == len - 12 - size;
}

static size_t xz_length(const uint8_t *p, size_t len)
{
    for (size_t end = 32; end <= len; end += 4) {
        if (p[end - 1] == 'Z' && xz_ends(p, end))
            return end;
    }
    return 0;
}

static const struct format {
    const char *name;
    const char *magic;
    size_t len;
    length_fn *length; /* NULL: libarchive knows the end */
    const char *why;   /* it is not read */
} formats[] = {
    { "gzip", "\x1f\x8b", 2, NULL, NULL },
    { "bzip2", "BZh", 3, NULL, NULL },
    { "lzma", "\x5d\0\0", 3, NULL, NULL },
    { "xz",
      "\xfd"
      "7zXZ\0",
      6, xz_length, NULL },
    { "zstd", "\x28\xb5\x2f\xfd", 4, zstd_length, NULL },
    { "lz4 frame", "\x04\x22\x4d\x18", 4, lz4_length, NULL },
    { "lz4", "\x02\x21\x4c\x18", 4, lz4_legacy_length, NULL },
    { "", "\x89LZO", 4, NULL,
      "it is compressed by lzop, which xpci cannot undo; have the generator "
      "use another compressor" },
    { "", "MZ", 2, NULL,
      "it is a unified kernel image, sealed as a whole; xpci does not look "
      "into it" },
    { "", "hsqs", 4, NULL, "it is a squashfs, which xpci cannot read" },
    { "", "", 0, NULL, "something is in it that xpci does not know" },
};

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

const char *xpci_compressed_open(const char *data, size_t len,
                                 struct xpci_compressed **out)
{
    const struct format *format = formats;
    struct xpci_compressed *seg;
    struct archive_entry *entry;

    while (len < format->len || memcmp(data, format->magic, format->len))
        format++;
    if (format->why)
        return format->why;
    seg = *out = calloc(1, sizeof(*seg));
    if (seg)
        seg->archive = new_decompressor();
    if (!seg || !seg->archive)
        return "out of memory";
    seg->name = format->name;
    if (format->length) {
        seg->size = format->length((const uint8_t *)data, len);
        if (!seg->size)
            return "it ends early";
        len = seg->size;
    }
    if (archive_read_open_memory(seg->archive, data, len) ||
        archive_read_next_header(seg->archive, &entry))
        return archive_error_string(seg->archive);
    return archive_filter_count(seg->archive) > 1 ? NULL : "no such format";
}

const char *xpci_compressed_block(struct xpci_compressed *seg,
                                  const char **block, size_t *len)
{
    const void *p;
    int64_t offset;

    *len = 0;
    if (archive_read_data_block(seg->archive, &p, len, &offset) < ARCHIVE_OK)
        return archive_error_string(seg->archive);
    *block = p;
    return NULL;
}

const char *xpci_compressed_name(const struct xpci_compressed *seg)
{
    return seg->name;
}

size_t xpci_compressed_size(const struct xpci_compressed *seg)
{
    int64_t taken = archive_filter_bytes(seg->archive, -1);

    return seg->size ? seg->size : taken > 0 ? (size_t)taken : 0;
}

void xpci_compressed_free(struct xpci_compressed *seg)
{
    archive_read_free(seg->archive);
    free(seg);
}
