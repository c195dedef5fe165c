/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include "append.h"
#include "test-image-cpio.h"

#define ORDER "/scripts/init-top/udev \"$@\"\n"
#define SCRIPT "#!/bin/sh\n# the script\n"
#define LIB "/lib/modules/6.1"

static const struct xpci_kernel_image image = { (char[]){ "6.1" },
                                                (char[]){ "/image" } };

static struct xpci_image_verdict judge(const struct tree *t, const char *path,
                                       const char *script)
{
    const struct xpci_strv none = { 0 };
    const struct xpci_image_want want = {
        .options_path = "/etc/modprobe.d/xpci.conf",
        .script_text = script,
        .drivers = &none,
        .builtin = &none,
    };
    struct xpci_image_verdict verdict = { 0 };

    assert_int_equal(xpci_image_check(t->root, path, "6.1",
                                      &xpci_initramfs_tools, &want, &verdict,
                                      NULL),
                     0);
    return verdict;
}

static void expect(const struct tree *t, const char *path, const char *script,
                   enum xpci_verdict want)
{
    _cleanup_image_verdict_ struct xpci_image_verdict v =
        judge(t, path, script);

    if (v.verdict != want)
        fail_msg("%s: %s", xpci_verdict_name(v.verdict), v.reason);
}

static int make(const struct tree *t, const char *script,
                struct xpci_append *add, struct xpci_error *err)
{
    _cleanup_image_verdict_ struct xpci_image_verdict v =
        judge(t, image.path, script);

    return xpci_append_make(t->root, &xpci_initramfs_tools, &image, &v.parts,
                            script, add, err);
}

/* Gives /image this end, as /new. */
static void extend(const struct tree *t, const char *script)
{
    _cleanup_append_ struct xpci_append add = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    unlink(tree_path(t, "/new"));
    if (make(t, script, &add, &err) < 0 ||
        xpci_file_extend(t->root, "/image", add.keep, &add.tail, "/new", &err) <
            0)
        fail_msg("%s", err.msg);
}

static void make_host(const struct tree *t)
{
    tree_mkdir(t, "/lib");
    tree_mkdir(t, "/lib/modules");
    tree_mkdir(t, LIB);
    tree_put(t, LIB "/modules.dep",
             "a.ko: x/xen-pciback.ko\nx/xen-pciback.ko:");
    tree_mkdir(t, LIB "/x");
    tree_put(t, LIB "/x/xen-pciback.ko", "the module");
}

static void make_image(const struct tree *t, const char *command)
{
    _cleanup_buf_ struct xpci_buf plain = { 0 }, packed = { 0 };

    cpio_dir(&plain, "scripts");
    cpio_dir(&plain, "scripts/init-top");
    cpio_file(&plain, "scripts/init-top/ORDER", ORDER);
    cpio_dir(&plain, "usr/lib/modules/6.1");
    cpio_file(&plain, "usr/bin/kmod", "");
    cpio_trailer(&plain);
    compress(command, &plain, &packed);
    tree_put_len(t, "/image", packed.data, packed.len);
    chmod(tree_path(t, "/image"), 0640);
}

static size_t size_of(const struct tree *t, const char *path)
{
    return (size_t)tree_stat(t, path).st_size;
}

static bool same_start(const struct tree *t, size_t len)
{
    char line[400];

    snprintf(line, sizeof(line), "cmp -n %zu '%s/before' '%s/image'", len,
             t->dir, t->dir);
    return system(line) == 0;
}

/* With every length of the image by four, with every compressor. */
static void test_there_and_back(void **state)
{
    const struct tree *t = *state;
    int done = 0;

    make_host(t);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        size_t size;
        bool frame =
            strstr(compressors[i], "lz4") && !strstr(compressors[i], "-l");

        if (frame || strstr(compressors[i], "lzma") ||
            strstr(compressors[i], "bzip2"))
            continue;
        make_image(t, compressors[i]);
        size = size_of(t, "/image");
        assert_int_equal(
            rename(tree_path(t, "/image"), tree_path(t, "/before")), 0);
        make_image(t, compressors[i]);

        expect(t, "/image", SCRIPT, XPCI_VERDICT_WRONG);
        extend(t, SCRIPT);
        expect(t, "/new", SCRIPT, XPCI_VERDICT_PROVEN);
        assert_int_equal(tree_stat(t, "/new").st_mode & 07777, 0640);

        /* another one in its place, no longer than it must be */
        rename(tree_path(t, "/new"), tree_path(t, "/image"));
        assert_true(same_start(t, size));
        extend(t, SCRIPT "# more\n");
        expect(t, "/new", SCRIPT "# more\n", XPCI_VERDICT_PROVEN);
        expect(t, "/new", SCRIPT, XPCI_VERDICT_WRONG);
        assert_int_equal(size_of(t, "/new"), size_of(t, "/image") + 8);

        rename(tree_path(t, "/new"), tree_path(t, "/image"));
        extend(t, NULL);
        expect(t, "/new", NULL, XPCI_VERDICT_PROVEN);
        rename(tree_path(t, "/new"), tree_path(t, "/image"));
        assert_int_equal(size_of(t, "/image"), size);
        assert_true(same_start(t, size));
        done++;
    }
    assert_int_equal(done, 6);
}

static void refused(const struct tree *t, const char *script, const char *why)
{
    _cleanup_append_ struct xpci_append add = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_true(make(t, script, &add, &err) < 0);
    if (why)
        assert_contains(err.msg, why);
    else
        assert_null(err.msg);
    assert_int_equal(add.tail.len, 0);
}

static void test_refused(void **state)
{
    const struct tree *t = *state;

    make_host(t);
    make_image(t, "gzip -9n");
    refused(t, NULL, NULL);
    tree_put(t, LIB "/modules.dep", "x/xen-pciback.ko: x/other.ko\n");
    refused(t, SCRIPT, "xen-pciback needs other modules");
    tree_put(t, LIB "/modules.dep", "x/other.ko:\n");
    refused(t, SCRIPT, "/modules.dep does not have the module");
    tree_put(t, LIB "/modules.dep", "x/xen-pciback.ko.xz:\n");
    tree_put(t, LIB "/x/xen-pciback.ko.xz", "junk");
    refused(t, SCRIPT, "its module cannot be read");
    unlink(tree_path(t, LIB "/modules.dep"));
    refused(t, SCRIPT, "/modules.dep'");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
        if (strstr(compressors[i], "lzma") || strstr(compressors[i], "bzip2")) {
            make_image(t, compressors[i]);
            refused(t, SCRIPT, "nothing may follow what is compressed as ");
        }
    }
    tree_mkdir(t, "/etc");
    tree_mkdir(t, "/etc/initramfs");
    tree_mkdir(t, "/etc/initramfs/post-update.d");
    tree_put(t, "/etc/initramfs/post-update.d/copy", "#!/bin/sh\n");
    refused(t, SCRIPT, "post-update.d has what is to run");
    tree_mkdir(t, "/etc/modprobe.d");
    tree_put(t, "/etc/modprobe.d/a.conf", "install xen-pciback /bin/true\n");
    refused(t, SCRIPT, "/etc/modprobe.d/a.conf is in the way");
}

/* Linux before 5.14 takes zeros behind lz4 for a block of it. */
static void test_kernel_of_lz4(void **state)
{
    static const struct {
        const char *kernel;
        bool refused;
    } t_case[] = { { "4.19.0-amd64", true }, { "5.10.0", true },
                   { "5.13.9", true },       { "5.14.0-1", false },
                   { "6.1", false },         { "odd", true } };
    const struct tree *t = *state;

    make_host(t);
    make_image(t, "lz4 -l -c");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_case); i++) {
        _cleanup_append_ struct xpci_append add = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_image_verdict_ struct xpci_image_verdict v =
            judge(t, image.path, SCRIPT);
        const struct xpci_kernel_image other = {
            .kernel = (char *)(uintptr_t)t_case[i].kernel,
            .path = image.path,
        };

        assert_true(xpci_append_make(t->root, &xpci_initramfs_tools, &other,
                                     &v.parts, SCRIPT, &add, &err) < 0 ||
                    !strcmp(t_case[i].kernel, "6.1"));
        if (t_case[i].refused)
            assert_contains(err.msg, "compressed as lz4");
        else if (err.msg)
            assert_contains(err.msg, "/modules.dep'");
    }
}

/* What is nearly the end of a segment of ours is not taken for one. */
static void test_damaged_end(void **state)
{
    const struct tree *t = *state;
    size_t size, at[] = { 1, 125, 130, 145, 164, 170, 182 };

    make_host(t);
    make_image(t, "gzip -9n");
    extend(t, SCRIPT);
    rename(tree_path(t, "/new"), tree_path(t, "/image"));
    size = size_of(t, "/image");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(at); i++) {
        _cleanup_close_ int fd = open(tree_path(t, "/image"), O_RDWR);
        off_t off = (off_t)(size - at[i]);
        char old;

        assert_int_equal(pread(fd, &old, 1, off), 1);
        /* behind the mark: cpio's end */
        assert_int_equal(pwrite(fd, "#", 1, off), 1);
        if (at[i] > 124)
            refused(t, NULL, NULL);
        assert_int_equal(pwrite(fd, &old, 1, off), 1);
    }
    assert_int_equal(truncate(tree_path(t, "/image"), (off_t)size - 1), 0);
    refused(t, NULL, NULL);
    assert_int_equal(truncate(tree_path(t, "/image"), 3), 0);
    refused(t, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_refused, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_kernel_of_lz4, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_end, tree_setup,
                                        tree_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
