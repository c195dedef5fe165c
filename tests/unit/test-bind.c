/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices change hands in a made-up /sys/bus/pci whose files answer as the
 * kernel's do, in so far as it is known to xpci; that the kernel's do is for
 * the lab to show.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "test-common-tree.h"

#include "bind.h"

#define A "0000:03:00.0"
#define B "0000:03:02.0"

static struct {
    char said[4000];         /* every write, "FILE VALUE\n" */
    char sys[120];           /* the tree's /sys/bus/pci/ */
    unsigned int n, fail_at; /* the write that fails, from 1; 0: none */
    unsigned int fail_from;  /* and all from there on; 0: none */
    const char *probed;      /* the driver that takes what is offered around */
    bool slot_a;             /* pciback's list has A */
} kernel;

static void path_of(char *out, const char *dir, const char *name,
                    const char *file)
{
    snprintf(out, 300, "%s%s/%s%s", kernel.sys, dir, name, file);
}

static void read_file(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");

    *out = '\0';
    if (f && fgets(out, (int)size, f))
        out[strcspn(out, "\n")] = '\0';
    if (f)
        fclose(f);
}

static void driver_now(const char *bdf, char *out)
{
    char path[300], link[300];
    ssize_t len;

    path_of(path, "devices", bdf, "/driver");
    len = readlink(path, link, sizeof(link) - 1);
    link[len > 0 ? len : 0] = '\0';
    snprintf(out, 32, "%.31s", len > 0 ? strrchr(link, '/') + 1 : "-");
}

static int bind_to(const char *bdf, const char *driver)
{
    char path[300], target[64], text[64];

    driver_now(bdf, text);
    if (strcmp(text, "-") != 0)
        return EBUSY;
    path_of(path, "devices", bdf, "/driver_override");
    read_file(path, text, sizeof(text));
    if (strcmp(text, driver) != 0 && *text && strcmp(text, "(null)") != 0)
        return ENODEV;
    if (!strcmp(driver, "pciback") && strcmp(text, driver) != 0 &&
        !(kernel.slot_a && !strcmp(bdf, A)))
        return ENODEV;
    snprintf(target, sizeof(target), "../../drivers/%s", driver);
    path_of(path, "devices", bdf, "/driver");
    return symlink(target, path) < 0 ? errno : 0;
}

static int answer_driver(const char *driver, const char *file, const char *bdf)
{
    char path[300], now[32];

    if (!strcmp(file, "bind"))
        return bind_to(bdf, driver);
    if (!strcmp(file, "new_slot"))
        return kernel.slot_a = true, 0;
    if (!strcmp(file, "remove_slot"))
        return kernel.slot_a ? kernel.slot_a = false, 0 : ENOENT;
    driver_now(bdf, now);
    if (strcmp(now, driver) != 0)
        return ENODEV;
    path_of(path, "devices", bdf, "/driver");
    return unlink(path) < 0 ? errno : 0;
}

/* What the kernel says to a write: 0 or errno. */
static int answer(const char *file, const char *value)
{
    char name[32], rest[32], path[300];

    if (sscanf(file, "drivers/%31[^/]/%31s", name, rest) == 2)
        return answer_driver(name, rest, value);
    if (!strcmp(file, "drivers_probe"))
        return kernel.probed ? bind_to(value, kernel.probed) : 0;
    assert_int_equal(sscanf(file, "devices/%31[^/]/%31s", name, rest), 2);
    assert_string_equal(rest, "driver_override");
    path_of(path, "devices", name, "/driver_override");
    if (truncate(path, 0) < 0)
        return errno;
    return 0;
}

ssize_t write(int fd, const void *data, size_t len)
{
    char link[64], path[300], value[64];
    ssize_t n;
    int code;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    if (!kernel.sys[0] || strncmp(path, kernel.sys, strlen(kernel.sys)) != 0)
        return syscall(SYS_write, fd, data, len);
    snprintf(value, sizeof(value), "%.*s", (int)len - 1, (const char *)data);
    snprintf(kernel.said + strlen(kernel.said),
             sizeof(kernel.said) - strlen(kernel.said), "%s %s\n",
             path + strlen(kernel.sys), value);
    kernel.n++;
    code = kernel.n == kernel.fail_at ||
                   (kernel.fail_from && kernel.n >= kernel.fail_from)
               ? EIO
               : answer(path + strlen(kernel.sys), value);
    errno = code;
    if (code)
        return -1;
    /* driver_override can be read */
    return strstr(path, "override") ? syscall(SYS_write, fd, data, len)
                                    : (ssize_t)len;
}

static struct xpci_device devices[2];
static const struct xpci_inventory inv = { .dev = devices, .n = 2 };

static void make_device(const struct tree *t, const char *bdf,
                        const char *driver, bool overridable)
{
    char path[300];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
    tree_mkdir(t, path);
    if (driver) {
        char target[64];

        snprintf(target, sizeof(target), "../../drivers/%s", driver);
        path_of(path, "devices", bdf, "/driver");
        assert_int_equal(symlink(target, path), 0);
    }
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
             bdf);
    if (overridable)
        tree_put(t, path, "(null)\n");
}

static void make_driver(const struct tree *t, const char *name)
{
    static const char *const files[] = { "", "/bind", "/unbind", "/new_slot",
                                         "/remove_slot" };
    char path[300];

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s%s", name,
                 files[i]);
        if (i)
            tree_put(t, path, "");
        else
            tree_mkdir(t, path);
    }
}

/* Both devices with these drivers. */
static void make_tree(struct tree *t, const char *a, const char *b,
                      bool overridable)
{
    static const char *const dirs[] = {
        "/sys", "/sys/bus", "/sys/bus/pci",  "/sys/bus/pci/devices",
        "/var", "/var/lib", "/var/lib/xpci", "/sys/bus/pci/drivers",
    };

    assert_int_equal(tree_make(t), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(dirs); i++)
        tree_mkdir(t, dirs[i]);
    memset(&kernel, 0, sizeof(kernel));
    snprintf(kernel.sys, sizeof(kernel.sys), "%s/sys/bus/pci/", t->dir);
    make_driver(t, "pciback");
    make_driver(t, "8139cp");
    make_driver(t, "e1000");
    tree_put(t, "/sys/bus/pci/drivers_probe", "");
    make_device(t, A, a, overridable);
    make_device(t, B, b, overridable);
    for (size_t i = 0; i < 2; i++)
        devices[i] = (struct xpci_device){
            .bdf = { .bus = 3, .slot = (uint8_t)(2 * i) },
            .vendor = 0x8086,
            .device = (uint16_t)(0x100e + i),
            .parent = XPCI_NO_PARENT,
            .driver = i ? strdup("e1000") : strdup("8139cp"),
        };
}

static void drop_tree(struct tree *t)
{
    kernel.sys[0] = '\0';
    tree_drop(t);
    free(devices[0].driver);
    free(devices[1].driver);
}

static void expect_drivers(const char *a, const char *b)
{
    char now[32];

    driver_now(A, now);
    assert_string_equal(now, a);
    driver_now(B, now);
    assert_string_equal(now, b);
}

static void add_both(const struct tree *t, const char *to_a, const char *to_b,
                     struct xpci_moves *moves)
{
    assert_int_equal(xpci_moves_add(moves, t->root, &devices[0], to_a, NULL),
                     0);
    assert_int_equal(xpci_moves_add(moves, t->root, &devices[1], to_b, NULL),
                     0);
}

#define OVERRIDE_A "/sys/bus/pci/devices/" A "/driver_override"
#define OVERRIDE_B "/sys/bus/pci/devices/" B "/driver_override"

static void test_to_pciback_and_back(void **state)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 }, back = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    struct tree t;

    (void)state;
    make_tree(&t, "8139cp", "e1000", true);
    add_both(&t, XPCI_PCIBACK, XPCI_PCIBACK, &moves);
    assert_int_equal(xpci_moves_print(&moves, t.root, &text, NULL), 0);
    assert_string_equal(
        text.data, "write: " OVERRIDE_A " pciback\n"
                   "write: /sys/bus/pci/devices/" A "/driver/unbind " A "\n"
                   "write: /sys/bus/pci/drivers/pciback/bind " A "\n"
                   "write: " OVERRIDE_B " pciback\n"
                   "write: /sys/bus/pci/devices/" B "/driver/unbind " B "\n"
                   "write: /sys/bus/pci/drivers/pciback/bind " B "\n");
    assert_string_equal(kernel.said, "");
    assert_int_equal(xpci_moves_make(&moves, t.root, NULL, NULL), 0);
    expect_drivers("pciback", "pciback");
    tree_expect(&t, OVERRIDE_A, "pciback\n");

    kernel.said[0] = '\0';
    kernel.slot_a = true; /* as pciback does by itself */
    kernel.probed = "e1000";
    add_both(&t, "8139cp", NULL, &back);
    assert_int_equal(xpci_moves_make(&back, t.root, NULL, NULL), 0);
    expect_drivers("8139cp", "e1000");
    assert_false(kernel.slot_a);
    tree_expect(&t, OVERRIDE_A, "\n");
    assert_string_equal(kernel.said, "drivers/pciback/unbind " A "\n"
                                     "devices/" A "/driver_override \n"
                                     "drivers/pciback/remove_slot " A "\n"
                                     "drivers/8139cp/bind " A "\n"
                                     "drivers/pciback/unbind " B "\n"
                                     "devices/" B "/driver_override \n"
                                     "drivers/pciback/remove_slot " B "\n"
                                     "drivers_probe " B "\n");
    drop_tree(&t);
}

/* Whichever write fails, both are where they were, by name and by override. */
static void test_fault_in_the_middle(void **state)
{
    unsigned int k = 0;
    int ret;

    (void)state;
    do {
        _cleanup_moves_ struct xpci_moves moves = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        struct tree t;

        make_tree(&t, "8139cp", "e1000", true);
        add_both(&t, XPCI_PCIBACK, XPCI_PCIBACK, &moves);
        assert_true(k < 20);
        kernel.fail_at = ++k;
        ret = xpci_moves_make(&moves, t.root, NULL, &err);
        if (ret < 0) {
            expect_drivers("8139cp", "e1000");
            assert_contains(xpci_error_text(&err), "Input/output error");
        } else {
            expect_drivers("pciback", "pciback");
        }
        drop_tree(&t);
    } while (ret < 0);
    assert_int_equal(k, 7);
}

static void test_fault_on_the_way_back(void **state)
{
    unsigned int k = 0;
    int ret;

    (void)state;
    do {
        _cleanup_moves_ struct xpci_moves moves = { 0 };
        struct tree t;

        make_tree(&t, "pciback", "pciback", true);
        tree_put(&t, OVERRIDE_A, "pciback\n");
        tree_put(&t, OVERRIDE_B, "pciback\n");
        add_both(&t, "8139cp", "e1000", &moves);
        assert_true(k < 20);
        kernel.fail_at = ++k;
        ret = xpci_moves_make(&moves, t.root, NULL, NULL);
        if (ret < 0) {
            expect_drivers("pciback", "pciback");
            tree_expect(&t, OVERRIDE_A, "pciback\n");
        } else {
            expect_drivers("8139cp", "e1000");
        }
        drop_tree(&t);
        /* not to be on pciback's list is no failure */
        if (k == 3 || k == 7)
            ret = -1;
    } while (ret < 0);
    assert_int_equal(k, 9);
}

/* A device that does not come back is named, with where it was to go. */
static void test_undoing_fails(void **state)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree t;

    (void)state;
    make_tree(&t, "8139cp", "e1000", true);
    add_both(&t, XPCI_PCIBACK, XPCI_PCIBACK, &moves);
    kernel.fail_from = 6; /* bind of the second */
    assert_int_equal(xpci_moves_make(&moves, t.root, NULL, &err),
                     -ENOTRECOVERABLE);
    assert_contains(xpci_error_text(&err), A " does not get to 8139cp");
    assert_contains(xpci_error_text(&err), B " does not get to pciback");
    drop_tree(&t);
}

static void test_without_driver_override(void **state)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    struct tree t;

    (void)state;
    make_tree(&t, "8139cp", "e1000", false);
    assert_int_equal(
        xpci_moves_add(&moves, t.root, &devices[0], XPCI_PCIBACK, NULL), 0);
    assert_int_equal(xpci_moves_make(&moves, t.root, NULL, NULL), 0);
    expect_drivers("pciback", "e1000");
    assert_string_equal(kernel.said, "drivers/pciback/new_slot " A "\n"
                                     "drivers/8139cp/unbind " A "\n"
                                     "drivers/pciback/bind " A "\n");
    drop_tree(&t);
}

/* One without a driver comes back to none. */
static void test_undo_to_none(void **state)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    struct tree t;

    (void)state;
    make_tree(&t, NULL, "e1000", true);
    add_both(&t, XPCI_PCIBACK, XPCI_PCIBACK, &moves);
    kernel.fail_at = 5; /* bind of the second */
    assert_int_equal(xpci_moves_make(&moves, t.root, NULL, NULL), -EIO);
    expect_drivers("-", "e1000");
    tree_expect(&t, OVERRIDE_A, "\n");
    drop_tree(&t);
}

/* The driver that was remembered is no more: another takes it. */
static void test_driver_is_gone(void **state)
{
    _cleanup_moves_ struct xpci_moves moves = { 0 };
    struct tree t;

    (void)state;
    make_tree(&t, "pciback", "e1000", true);
    kernel.probed = "e1000";
    assert_int_equal(
        xpci_moves_add(&moves, t.root, &devices[0], "8139too", NULL), 0);
    assert_int_equal(xpci_moves_make(&moves, t.root, NULL, NULL), 0);
    expect_drivers("e1000", "e1000");
    drop_tree(&t);
}

static void put_net(const struct tree *t, const char *flags)
{
    static const char *const dirs[] = { "/sys/class",
                                        "/sys/class/net",
                                        "/sys/devices",
                                        "/sys/devices/" A,
                                        "/sys/devices/" A "/net",
                                        "/sys/devices/" A "/net/eth1" };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(dirs); i++)
        tree_mkdir(t, dirs[i]);
    assert_int_equal(symlink("../../devices/" A "/net/eth1",
                             tree_path(t, "/sys/class/net/eth1")),
                     0);
    tree_put(t, "/sys/devices/" A "/net/eth1/flags", flags);
}

static void expect_busy(const struct tree *t, size_t dev, const char *text)
{
    _cleanup_free_ char *why = NULL;

    assert_int_equal(xpci_move_busy(t->root, &devices[dev], &why, NULL), 0);
    assert_string_equal(why ? why : "", text);
}

static void test_busy(void **state)
{
    struct tree t;

    (void)state;
    make_tree(&t, "8139cp", "e1000", true);
    expect_busy(&t, 0, "");
    put_net(&t, "0x1003\n");
    expect_busy(&t, 0, "its interface 'eth1' is up");
    expect_busy(&t, 1, "");
    tree_put(&t, "/sys/devices/" A "/net/eth1/flags", "0x1002\n");
    expect_busy(&t, 0, "");
    devices[1].sriov.n = 4;
    expect_busy(&t, 1, "4 of its virtual functions are on");
    drop_tree(&t);
}

static void test_remembered(void **state)
{
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 }, later = { 0 };
    _cleanup_free_ char *name = NULL, *none = NULL;
    struct tree t;

    (void)state;
    make_tree(&t, "8139cp", "e1000", true);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(xpci_hide_conf_add(&conf, &inv, &devices[i], NULL), 0);
    assert_int_equal(xpci_drivers_text(t.root, &conf, &inv, &text, NULL), 0);
    assert_string_equal(text.data,
                        A "=8086:100e 8139cp\n" B "=8086:100f e1000\n");
    tree_put(&t, XPCI_DRIVERS_PATH, text.data);

    /* pciback is no driver to come back to; a new one is */
    free(devices[0].driver);
    devices[0].driver = strdup("pciback");
    devices[1].driver[1] = '2';
    assert_int_equal(xpci_drivers_text(t.root, &conf, &inv, &later, NULL), 0);
    assert_string_equal(later.data,
                        A "=8086:100e 8139cp\n" B "=8086:100f e2000\n");
    assert_int_equal(
        xpci_drivers_find(later.data, &inv, &devices[1], &name, NULL), 0);
    assert_string_equal(name, "e2000");
    devices[1].device = 0x1010; /* another card in its place */
    assert_int_equal(
        xpci_drivers_find(later.data, &inv, &devices[1], &none, NULL), 0);
    assert_null(none);
    drop_tree(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_pciback_and_back),
        cmocka_unit_test(test_fault_in_the_middle),
        cmocka_unit_test(test_fault_on_the_way_back),
        cmocka_unit_test(test_undoing_fails),
        cmocka_unit_test(test_without_driver_override),
        cmocka_unit_test(test_undo_to_none),
        cmocka_unit_test(test_driver_is_gone),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
