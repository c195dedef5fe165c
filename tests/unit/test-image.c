/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include "image.h"
#include "interrupt.h"
#include "test-image-cpio.h"

/* What the callback saw: "NAME=text;" of each file, "NAME/" of a directory. */
struct seen {
    struct xpci_buf text;
    int stop; /* what the callback returns */
};

static int on_file(void *data, const struct xpci_image_file *file,
                   struct xpci_error *err)
{
    struct seen *seen = data;

    if (seen->stop)
        return xpci_error_set(err, -seen->stop, "stopped");
    if (S_ISDIR(file->mode))
        return xpci_buf_printf(&seen->text, "%s/;", file->name);
    return xpci_buf_printf(&seen->text, "%s=%.*s;", file->name,
                           file->data ? (int)file->len : 1,
                           file->data ? file->data : "-");
}

static int parse(const struct xpci_buf *image, struct seen *seen,
                 struct xpci_error *err)
{
    /* a copy of the exact size, for the address sanitizer */
    _cleanup_free_ char *copy = malloc(image->len ? image->len : 1);
    const struct xpci_image_reader reader = { NULL, on_file, seen, NULL, 0 };
    int ret;

    assert_non_null(copy);
    if (image->len)
        memcpy(copy, image->data, image->len);
    ret = xpci_image_parse(copy, image->len, "IMAGE", &reader, err);
    if (ret < 0) {
        assert_non_null(err->msg);
        assert_null(strchr(err->msg, '\n'));
    }
    return ret;
}

static void expect(const struct xpci_buf *image, const char *want)
{
    struct seen seen = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    if (parse(image, &seen, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(seen.text.data ? seen.text.data : "", want);
    xpci_buf_clear(&seen.text);
}

static void expect_damaged(const struct xpci_buf *image, const char *why)
{
    struct seen seen = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_int_equal(parse(image, &seen, &err), -EBADMSG);
    assert_contains(err.msg, "cannot read image 'IMAGE': ");
    assert_contains(err.msg, why);
    xpci_buf_clear(&seen.text);
}

static void make_main(struct xpci_buf *out)
{
    cpio_dir(out, "etc");
    cpio_file(out, "./etc/a", "text of a");
    cpio_file(out, "/etc/b", "");
    cpio_file(out, "etc/c", "x");
    cpio_trailer(out);
}

#define MAIN "etc/;etc/a=text of a;etc/b=;etc/c=x;"

static void test_compressors(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

        make_main(&plain);
        compress(compressors[i], &plain, &image);
        expect(&image, MAIN);
    }
}

/* A frame of zstd: a block as it is, one of nothing, and no checksum. */
static void test_empty_block(void **state)
{
    static const char head[] = "\x28\xb5\x2f\xfd\0\x38\0\x10"; /* 512 bytes */
    _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

    (void)state;
    cpio_file(&plain, "a", "A");
    cpio_trailer(&plain);
    cpio_pad(&plain, 512);
    assert_int_equal(plain.len, 512);
    assert_int_equal(xpci_buf_append(&image, head, sizeof(head)), 0);
    assert_int_equal(xpci_buf_append(&image, plain.data, plain.len), 0);
    assert_int_equal(xpci_buf_append(&image, "\1\0", 3), 0);
    expect(&image, "a=A;");
}

/* Microcode first, uncompressed, with padding: its files count too. */
static void test_early_segment(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };
        _cleanup_buf_ struct xpci_buf compressed = { 0 };

        cpio_file(&image, "kernel/x86/microcode/GenuineIntel.bin", "ucode");
        cpio_trailer(&image);
        cpio_pad(&image, 512);
        cpio_file(&image, "second", "early");
        cpio_trailer(&image);
        cpio_pad(&image, 4096);
        make_main(&plain);
        compress(compressors[i], &plain, &compressed);
        assert_int_equal(
            xpci_buf_append(&image, compressed.data, compressed.len), 0);
        expect(&image, "kernel/x86/microcode/GenuineIntel.bin=ucode;"
                       "second=early;" MAIN);
    }
}

/* Several archives in one compressor, also as several members of it. */
static void test_concatenated(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

        make_main(&plain);
        cpio_pad(&plain, 1024);
        make_main(&plain);
        cpio_pad(&plain, 512);
        compress(compressors[i], &plain, &image);
        expect(&image, MAIN MAIN);
    }
}

static void test_members(void **state)
{
    static const char *const tools[] = { "gzip -n", "xz -c", "zstd -q -c",
                                         "bzip2 -c" };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(tools); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

        make_main(&plain);
        cpio_pad(&plain, 512);
        compress(tools[i], &plain, &image);
        compress(tools[i], &plain, &image);
        expect(&image, MAIN MAIN);
    }
}

/* Appended segments, each compressed in its own way: all count, in order. */
static void test_segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        for (size_t k = 0; k < XPCI_ARRAY_SIZE(compressors); k++) {
            _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };
            _cleanup_buf_ struct xpci_buf second = { 0 };

            make_main(&plain);
            cpio_pad(&plain, 512);
            compress(compressors[i], &plain, &image);
            cpio_pad(&image, 4);
            assert_int_equal(xpci_buf_append(&image, "\0\0\0\0", 4), 0);
            compress(compressors[k], &plain, &second);
            assert_int_equal(xpci_buf_append(&image, second.data, second.len),
                             0);
            cpio_pad(&image, 512);
            cpio_file(&image, "etc/a", "new");
            cpio_trailer(&image);
            expect(&image, MAIN MAIN "etc/a=new;");
        }
    }
}

/* Behind a compressed segment, where the kernel would not find it. */
static void test_not_aligned(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };
        _cleanup_buf_ struct xpci_buf last = { 0 };

        make_main(&plain);
        compress(compressors[i], &plain, &image);
        assert_int_equal(xpci_buf_append(&image, "\0\0\0\0\0\0\0",
                                         4 + (7 - image.len % 4) % 4),
                         0);
        assert_int_equal(image.len % 4, 3);
        cpio_file(&last, "etc/a", "new");
        cpio_trailer(&last);
        assert_int_equal(xpci_buf_append(&image, last.data, last.len), 0);
        expect_damaged(&image, "not aligned");
    }
}

/* Junk behind a segment is not overlooked. */
static void test_rest_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

        make_main(&plain);
        compress(compressors[i], &plain, &image);
        cpio_pad(&image, 4);
        assert_int_equal(xpci_buf_puts(&image, "and this, and more"), 0);
        expect_damaged(&image, "");
    }
}

/* Contents that nobody wants are passed over, whatever their size. */
static bool wants_last(void *data, const char *name)
{
    (void)data;
    return !strcmp(name, "last");
}

static void test_wants(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };
        _cleanup_buf_ struct xpci_buf text = { 0 };
        struct seen seen = { 0 };
        const struct xpci_image_reader reader = { wants_last, on_file, &seen,
                                                  NULL, 0 };

        for (unsigned int n = 0; n < 60000; n++)
            assert_int_equal(xpci_buf_printf(&text, "%u ", n * 2654435761u), 0);
        cpio_file(&plain, "long", text.data);
        cpio_file(&plain, "last", "2");
        cpio_trailer(&plain);
        compress(compressors[i], &plain, &image);
        assert_int_equal(
            xpci_image_parse(image.data, image.len, "IMAGE", &reader, NULL), 0);
        assert_string_equal(seen.text.data, "long=-;last=2;");
        assert_int_equal(
            xpci_image_parse(image.data, image.len / 2, "IMAGE", &reader, NULL),
            -EBADMSG);
        xpci_buf_clear(&seen.text);
    }
}

/*
 * An image that is cut anywhere is an error: never a crash, and never "fine"
 * with fewer files. Only what is behind the last trailer may be missing.
 */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        _cleanup_buf_ struct xpci_buf plain = { 0 }, whole = { 0 };

        make_main(&plain);
        compress(compressors[i], &plain, &whole);
        for (size_t len = 0; len < whole.len; len++) {
            struct xpci_buf cut = { .data = whole.data, .len = len };
            struct seen seen = { 0 };
            _cleanup_error_ struct xpci_error err = { 0 };
            int ret = parse(&cut, &seen, &err);

            /* the compressor's own end, behind the whole archive */
            if (ret == 0 && (!seen.text.data || strcmp(seen.text.data, MAIN)))
                fail_msg("%s: %zu of %zu bytes are taken: %s", compressors[i],
                         len, whole.len, seen.text.data);
            xpci_buf_clear(&seen.text);
        }
    }
}

/* Any one byte of the uncompressed image wrong: no crash, an answer. */
static void test_flipped(void **state)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };

    (void)state;
    make_main(&image);
    for (size_t i = 0; i < image.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct seen seen = { 0 };
            _cleanup_error_ struct xpci_error err = { 0 };

            image.data[i] = (char)(image.data[i] ^ 1 << bit);
            (void)!parse(&image, &seen, &err);
            image.data[i] = (char)(image.data[i] ^ 1 << bit);
            xpci_buf_clear(&seen.text);
        }
    }
}

static void test_damaged(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } t[] = {
        { "", 0, "it is empty" },
        { "\0\0\0\0", 4, "there is no archive" },
        { "garbage", 7, "" },
        { "070701", 6, "" },
        { "\211LZO\0\r\n\032\n", 9, "lzop" },
        { "\037\213", 2, "" },
        { "hsqs", 4, "squashfs" },
        { "MZ\220\0", 4, "unified kernel image" },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_buf_ struct xpci_buf image = { 0 };

        assert_int_equal(xpci_buf_append(&image, t[i].bytes, t[i].len), 0);
        expect_damaged(&image, t[i].why);
    }
}

/* Something behind the archive, inside the compressor, is not overlooked. */
static void test_rest_inside(void **state)
{
    _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

    (void)state;
    make_main(&plain);
    cpio_pad(&plain, 512);
    assert_int_equal(xpci_buf_puts(&plain, "and this"), 0);
    compress("gzip -n", &plain, &image);
    expect_damaged(&image, "no cpio archive inside");
}

static void test_compressed_text(void **state)
{
    _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 };

    (void)state;
    assert_int_equal(xpci_buf_puts(&plain, "no archive at all"), 0);
    compress("gzip -n", &plain, &image);
    expect_damaged(&image, "");
}

/* Sizes that no image has do not take the memory with them. */
static void test_impossible_sizes(void **state)
{
    static const struct {
        int field;
        const char *value;
    } t[] = {
        { 6, "ffffffff" },  { 6, "7fffffff" },  { 11, "ffffffff" },
        { 11, "00000000" }, { 11, "00001001" }, { 6, "0000000g" },
        { 11, "0000 000" }, { 1, "zzzzzzzz" },  { 6, "20000001" },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_buf_ struct xpci_buf image = { 0 };

        make_main(&image);
        memcpy(image.data + 6 + t[i].field * 8, t[i].value, 8);
        expect_damaged(&image, "");
    }
}

/* A name without its NUL. */
static void test_name_without_end(void **state)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };

    (void)state;
    cpio_file(&image, "abc", "text");
    cpio_trailer(&image);
    image.data[110 + 3] = 'd';
    expect_damaged(&image, "");
}

static void test_checksum_format(void **state)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };

    (void)state;
    cpio_file(&image, "a", "text");
    cpio_trailer(&image);
    image.data[5] = '2'; /* 070702 */
    expect(&image, "a=text;");
}

static void test_long_file(void **state)
{
    _cleanup_buf_ struct xpci_buf plain = { 0 }, image = { 0 }, want = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };

    (void)state;
    for (unsigned int i = 0; i < 60000; i++)
        assert_int_equal(xpci_buf_printf(&text, "%u ", i * 2654435761u), 0);
    cpio_file(&plain, "first", "1");
    cpio_file(&plain, "long", text.data);
    cpio_file(&plain, "last", "2");
    cpio_trailer(&plain);
    assert_int_equal(
        xpci_buf_printf(&want, "first=1;long=%s;last=2;", text.data), 0);
    compress("zstd -q -c", &plain, &image);
    expect(&image, want.data);
}

static void test_interrupted(void **state)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct seen seen = { 0 };
    struct xpci_interrupt held;

    (void)state;
    cpio_trailer(&image);
    xpci_interrupt_hold(&held);
    raise(SIGINT);
    assert_int_equal(parse(&image, &seen, &err), -EINTR);
    xpci_interrupt_release(&held);
}

static void test_callback_stops(void **state)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct seen seen = { .stop = -EXDEV };

    (void)state;
    make_main(&image);
    assert_int_equal(parse(&image, &seen, &err), -EXDEV);
    assert_string_equal(err.msg, "stopped");
}

static void test_read(void **state)
{
    struct tree *t = *state;
    _cleanup_buf_ struct xpci_buf image = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct seen seen = { 0 };
    const struct xpci_image_reader reader = { NULL, on_file, &seen, NULL, 0 };

    make_main(&image);
    tree_put_len(t, "/image", image.data, image.len);
    assert_int_equal(xpci_image_read(t->root, "/image", &reader, NULL), 0);
    assert_string_equal(seen.text.data, MAIN);
    xpci_buf_clear(&seen.text);
    assert_int_equal(xpci_image_read(t->root, "/none", &reader, &err), -ENOENT);
    assert_contains(err.msg, "/none': No such file");
    tree_put(t, "/empty", "");
    assert_int_equal(xpci_image_read(t->root, "/empty", &reader, &err),
                     -EBADMSG);
    tree_mkdir(t, "/dir");
    assert_true(xpci_image_read(t->root, "/dir", &reader, &err) < 0);
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compressors),
        cmocka_unit_test(test_empty_block),
        cmocka_unit_test(test_early_segment),
        cmocka_unit_test(test_concatenated),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_not_aligned),
        cmocka_unit_test(test_rest_behind),
        cmocka_unit_test(test_wants),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_rest_inside),
        cmocka_unit_test(test_compressed_text),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_name_without_end),
        cmocka_unit_test(test_checksum_format),
        cmocka_unit_test(test_long_file),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_callback_stops),
        TREE_TEST(test_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
