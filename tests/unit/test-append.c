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

/* What compresses, with its libraries; where one cannot chroot none of them. */
static bool put_compressors(const struct tree *t)
{
    char line[600];

    snprintf(line, sizeof(line),
             "for p in gzip xz zstd lz4 bzip2; do p=$(command -v $p);"
             " echo $p; ldd $p | grep -o '/[^ ]*'; done | sort -u |"
             " xargs cp -L --parents -t '%s'",
             t->dir);
    assert_int_equal(system(line), 0);
    return geteuid() == 0;
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

/* The decompressor takes image and segment for one stream. */
static void is_one_stream(const struct tree *t, const char *compressor)
{
    char line[600];

    snprintf(line, sizeof(line),
             "%.*s -dc <'%s/image' | grep -qa xpci-appended",
             (int)strcspn(compressor, " "), compressor, t->dir);
    if (system(line) != 0)
        fail_msg("%s: not one stream", compressor);
}

static void there_and_back(const struct tree *t, const char *compressor,
                           bool packed)
{
    size_t size;

    make_image(t, compressor);
    size = size_of(t, "/image");
    assert_int_equal(rename(tree_path(t, "/image"), tree_path(t, "/before")),
                     0);
    make_image(t, compressor);

    expect(t, "/image", SCRIPT, XPCI_VERDICT_WRONG);
    extend(t, SCRIPT);
    expect(t, "/new", SCRIPT, XPCI_VERDICT_PROVEN);
    assert_int_equal(tree_stat(t, "/new").st_mode & 07777, 0640);

    /* another one in its place, no longer than it must be */
    rename(tree_path(t, "/new"), tree_path(t, "/image"));
    assert_true(same_start(t, size));
    if (packed && strcmp(compressor, "cat") != 0)
        is_one_stream(t, compressor);
    extend(t, SCRIPT "# more\n");
    expect(t, "/new", SCRIPT "# more\n", XPCI_VERDICT_PROVEN);
    expect(t, "/new", SCRIPT, XPCI_VERDICT_WRONG);
    assert_in_range(size_of(t, "/new"), size_of(t, "/image"),
                    size_of(t, "/image") + 20);

    rename(tree_path(t, "/new"), tree_path(t, "/image"));
    extend(t, NULL);
    expect(t, "/new", NULL, XPCI_VERDICT_PROVEN);
    rename(tree_path(t, "/new"), tree_path(t, "/image"));
    assert_int_equal(size_of(t, "/image"), size);
    assert_true(same_start(t, size));
}

/* With every compressor, and where there is none in the root. */
static void test_there_and_back(void **state)
{
    const struct tree *t = *state;
    bool packed = false;
    int done = 0;

    make_host(t);
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < XPCI_ARRAY_SIZE(compressors); i++) {
            const char *how = compressors[i];

            if ((strstr(how, "lz4") && !strstr(how, "-l")) ||
                strstr(how, "lzma") || (strstr(how, "bzip2") && !packed))
                continue;
            there_and_back(t, how, packed);
            done++;
        }
        packed = put_compressors(t);
    }
    assert_int_equal(done, packed ? 13 : 12);
}

/* Zeros at the end: a decompressor would not come to what is behind them. */
static void test_padded(void **state)
{
    const struct tree *t = *state;
    char line[400];
    size_t size;

    make_host(t);
    make_image(t, "{ gzip -9n; head -c 1001 /dev/zero; }");
    size = size_of(t, "/image");
    if (!put_compressors(t))
        skip();
    extend(t, SCRIPT);
    expect(t, "/new", SCRIPT, XPCI_VERDICT_PROVEN);
    rename(tree_path(t, "/new"), tree_path(t, "/image"));
    snprintf(line, sizeof(line), "grep -qa xpci-appended '%s/image'", t->dir);
    assert_int_equal(system(line), 0);
    extend(t, NULL);
    assert_int_equal(size_of(t, "/new"), size);
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
    make_image(t, "lzma -c");
    unlink(tree_path(t, LIB "/modules.dep"));
    refused(t, SCRIPT, "/modules.dep'");
    tree_put(t, LIB "/modules.dep", "x/xen-pciback.ko:\n");
    refused(t, SCRIPT, "nothing may follow what is compressed as lzma");
    make_image(t, "bzip2 -c");
    refused(t, SCRIPT, "nothing may follow what is compressed as bzip2");
    tree_mkdir(t, "/boot");
    tree_mkdir(t, "/boot/grub");
    tree_put(t, "/boot/grub/grub.cfg",
             "\tmodule2 /vmlinuz x\n"
             "\tmodule2\t--nounzip   /initrd.img\n"
             " module2 /initrd.img\n");
    refused(t, SCRIPT, "nothing may follow");
    make_image(t, "gzip -9n");
    refused(t, SCRIPT, "'module2 /initrd.img' in /boot/grub/grub.cfg");
    tree_put(t, "/boot/grub/grub.cfg", "module2 --nounzip /initrd.img\n");
    tree_put(t, "/boot/grub/custom.cfg", "module2 /initramfs.img\n");
    refused(t, SCRIPT, "'module2 /initramfs.img' in /boot/grub/custom.cfg");
    unlink(tree_path(t, "/boot/grub/custom.cfg"));
    tree_mkdir(t, "/boot/efi");
    tree_mkdir(t, "/boot/efi/EFI");
    tree_mkdir(t, "/boot/efi/EFI/xenserver");
    tree_put(t, "/boot/efi/EFI/xenserver/grub.cfg", "module2 /initrd\n");
    refused(t, SCRIPT, "'module2 /initrd' in /boot/efi/EFI/xenserver/grub.cfg");
    tree_mkdir(t, "/etc");
    tree_mkdir(t, "/etc/initramfs");
    tree_mkdir(t, "/etc/initramfs/post-update.d");
    tree_put(t, "/etc/initramfs/post-update.d/copy", "#!/bin/sh\n");
    refused(t, SCRIPT, "post-update.d/copy is to run");
    tree_mkdir(t, "/etc/modprobe.d");
    tree_put(t, "/etc/modprobe.d/a.conf", "install xen-pciback /bin/true\n");
    refused(t, SCRIPT, "/etc/modprobe.d/a.conf is in the way");
}

static bool lz4_refused(const struct tree *t, const char *kernel)
{
    _cleanup_append_ struct xpci_append add = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_image_verdict_ struct xpci_image_verdict v =
        judge(t, image.path, SCRIPT);
    const struct xpci_kernel_image other = {
        .kernel = (char *)(uintptr_t)kernel,
        .path = image.path,
    };
    int ret = xpci_append_make(t->root, &xpci_initramfs_tools, &other, &v.parts,
                               SCRIPT, &add, &err);

    if (ret < 0)
        assert_contains(err.msg, "compressed as lz4");
    return ret < 0;
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
    bool packed;

    make_host(t);
    make_image(t, "lz4 -l -c");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_case); i++) {
        char path[100];

        snprintf(path, sizeof(path), "/lib/modules/%s", t_case[i].kernel);
        (void)!symlink("6.1", tree_path(t, path));
        assert_int_equal(lz4_refused(t, t_case[i].kernel), t_case[i].refused);
    }
    packed = put_compressors(t);
    for (size_t i = 0; packed && i < XPCI_ARRAY_SIZE(t_case); i++)
        assert_false(lz4_refused(t, t_case[i].kernel));
}

/* What somebody has put behind it, or made of it, is not cut off. */
static void test_not_the_last(void **state)
{
    const struct tree *t = *state;
    static const char *const more[] = {
        "gzip -dc <image >all; gzip -n <all >image",
        "gzip -n <more >>image",
        "printf '\\0\\0\\0\\0' >>image; cat more >>image",
    };

    make_host(t);
    for (int k = 0; k < 2; k++) {
        for (size_t i = k ? 0 : 1; i < XPCI_ARRAY_SIZE(more); i++) {
            _cleanup_buf_ struct xpci_buf plain = { 0 };
            char line[400];

            make_image(t, "gzip -9n");
            extend(t, SCRIPT);
            assert_int_equal(
                rename(tree_path(t, "/new"), tree_path(t, "/image")), 0);
            cpio_file(&plain, "more", "it");
            cpio_trailer(&plain);
            tree_put_len(t, "/more", plain.data, plain.len);
            snprintf(line, sizeof(line),
                     "cd '%s' && truncate -s %%4 image && %s", t->dir, more[i]);
            assert_int_equal(system(line), 0);
            refused(t, NULL, "something follows xpci's part");
        }
        if (!put_compressors(t))
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_padded, tree_setup, tree_teardown),
        cmocka_unit_test_setup_teardown(test_refused, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_kernel_of_lz4, tree_setup,
                                        tree_teardown),
        cmocka_unit_test_setup_teardown(test_not_the_last, tree_setup,
                                        tree_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
