/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include "native-driver.h"

/* A tree with the modules of tests/harness/mkkernel. */
static int setup(void **state)
{
    struct tree *t;
    char line[200];

    if (tree_setup(state) < 0)
        return -1;
    t = *state;
    snprintf(line, sizeof(line), "tests/harness/mkkernel %s 6.1", t->dir);
    return system(line) == 0 ? 0 : -1;
}

static void lookup(struct tree *t, const char *modalias, const char *driver,
                   const char *modules, const char *builtin)
{
    _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf got = { 0 }, got_builtin = { 0 };

    if (xpci_native_drivers(t->root, "6.1", modalias, driver, &m, &b, &err) < 0)
        fail_msg("%s", err.msg);
    xpci_strv_sort(&m);
    for (size_t i = 0; i < m.n; i++)
        assert_int_equal(xpci_buf_printf(&got, "%s ", m.v[i]), 0);
    for (size_t i = 0; i < b.n; i++)
        assert_int_equal(xpci_buf_printf(&got_builtin, "%s ", b.v[i]), 0);
    assert_string_equal(got.data ? got.data : "", modules);
    assert_string_equal(got_builtin.data ? got_builtin.data : "", builtin);
}

#define REST "sv00001AF4sd00001100bc02sc00i00"
#define E1000 "pci:v00008086d0000100E" REST

static void test_modules(void **state)
{
    struct tree *t = *state;

    lookup(t, E1000, NULL, "e1000 ", "");
    lookup(t, "pci:v000010ECd00008139" REST, NULL, "8139cp 8139too ", "");
    lookup(t, "pci:v00008086d000010D3" REST, NULL, "e1000e ", "");
    /* by class */
    lookup(t, "pci:v00001234d00001111sv00000000sd00000000bc01sc06i01", NULL,
           "ahci ", "");
    lookup(t, "pci:v00001234d00001111" REST, NULL, "", "");
    lookup(t, "", NULL, "", "");
}

/* Two devices of one driver name it once. */
static void test_once(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };

    for (int i = 0; i < 2; i++)
        assert_int_equal(
            xpci_native_drivers(t->root, "6.1", E1000, NULL, &m, &b, NULL), 0);
    assert_int_equal(m.n, 1);
}

static void test_builtin(void **state)
{
    static const char modinfo[] =
        "e1000.file=kernel/drivers/net/ethernet/intel/e1000/e1000\0"
        "e1000.alias=pci:v00008086d0000100Esv*sd*bc*sc*i*";
    struct tree *t = *state;
    char line[200];

    tree_put(t, "/lib/modules/6.1/modules.builtin",
             "kernel/drivers/net/ethernet/intel/e1000/e1000.ko\n");
    tree_put_len(t, "/lib/modules/6.1/modules.builtin.modinfo", modinfo,
                 sizeof(modinfo));
    assert_int_equal(
        unlink(tree_path(t, "/lib/modules/6.1/kernel/drivers/net/ethernet/"
                            "intel/e1000/e1000.ko")),
        0);
    snprintf(line, sizeof(line), "depmod -b %s 6.1", t->dir);
    assert_int_equal(system(line), 0);
    lookup(t, E1000, NULL, "", "e1000 ");
}

/* Before Linux 6.18: only the driver that the device has tells. */
static void test_builtin_without_alias(void **state)
{
    struct tree *t = *state;
    char line[200];

    tree_put(t, "/lib/modules/6.1/modules.builtin",
             "kernel/drivers/usb/host/xhci-pci.ko\n");
    tree_put(t, "/lib/modules/6.1/modules.builtin.modinfo", "");
    snprintf(line, sizeof(line), "depmod -b %s 6.1", t->dir);
    assert_int_equal(system(line), 0);
    lookup(t, E1000, "xhci_hcd", "e1000 ", "");
    lookup(t, E1000, "xhci-pci", "e1000 ", "xhci_pci ");
    snprintf(line, sizeof(line), "mkdir -p %s",
             tree_path(t, "/sys/bus/pci/drivers/xhci_hcd"));
    assert_int_equal(system(line), 0);
    assert_int_equal(
        symlink("../../../../module/xhci_pci",
                tree_path(t, "/sys/bus/pci/drivers/xhci_hcd/module")),
        0);
    lookup(t, E1000, "xhci_hcd", "e1000 ", "xhci_pci ");
    /* a module is found by its aliases, or not at all */
    lookup(t, E1000, "e1000e", "e1000 ", "");
}

/* What is blacklisted today may be loaded tomorrow. */
static void test_blacklist(void **state)
{
    struct tree *t = *state;

    tree_mkdir(t, "/etc");
    tree_mkdir(t, "/etc/modprobe.d");
    tree_put(t, "/etc/modprobe.d/x.conf", "blacklist e1000\n");
    lookup(t, E1000, NULL, "e1000 ", "");
}

static void test_no_kernel(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_int_equal(
        xpci_native_drivers(t->root, "6.2", E1000, NULL, &m, &b, &err),
        -ENOENT);
    assert_contains(err.msg, "kernel 6.2 has an image but no modules under '");
    assert_int_equal(m.n + b.n, 0);
}

/* A kernel whose indexes are missing: an error, not "no driver". */
static void test_no_index(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    tree_mkdir(t, "/lib/modules/6.3");
    assert_int_equal(
        xpci_native_drivers(t->root, "6.3", E1000, NULL, &m, &b, &err),
        -ENOENT);
    assert_contains(
        err.msg, "/lib/modules/6.3/modules.alias.bin' is missing; run 'depmod");
}

/* An index that libkmod would read to the end of the memory. */
static void test_endless_index(void **state)
{
    static const char index[] = "\xb0\x07\xf4\x57\0\2\0\1\x40\0\0\x0c"
                                "\xff\xff\xff\xff\0\0\0\7e1000";
    static const char *const names[] = {
        "/lib/modules/6.1/modules.symbols.bin",
        "/lib/modules/6.1/modules.alias.bin",
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(names); i++) {
        _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };

        tree_put_len(t, names[i], index, sizeof(index));
        assert_int_equal(
            xpci_native_drivers(t->root, "6.1", E1000, NULL, &m, &b, &err),
            -EINVAL);
        assert_contains(err.msg, names[i]);
        assert_contains(err.msg, "' is damaged; run 'depmod 6.1'");
    }
}

/* Inside the tree it leads to an index, for libkmod it does not. */
static void test_index_is_a_link(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv m = { 0 }, b = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_int_equal(rename(tree_path(t, "/lib/modules/6.1/modules.alias.bin"),
                            tree_path(t, "/index")),
                     0);
    assert_int_equal(
        symlink("/index", tree_path(t, "/lib/modules/6.1/modules.alias.bin")),
        0);
    assert_int_equal(
        xpci_native_drivers(t->root, "6.1", E1000, NULL, &m, &b, &err),
        -EINVAL);
    assert_contains(err.msg, "/modules.alias.bin' is a link; run 'depmod 6.1'");
}

#define KERNEL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KERNEL_TEST(test_modules),
        KERNEL_TEST(test_once),
        KERNEL_TEST(test_builtin),
        KERNEL_TEST(test_builtin_without_alias),
        KERNEL_TEST(test_blacklist),
        KERNEL_TEST(test_no_kernel),
        KERNEL_TEST(test_no_index),
        KERNEL_TEST(test_endless_index),
        KERNEL_TEST(test_index_is_a_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
