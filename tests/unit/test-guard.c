/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0 lives on, found in small recorded hosts made here. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "atomic-file.h"
#include "guard.h"

#define SATA "0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda"

static char dir[] = "/tmp/xpci-guard-XXXXXX";
static struct xpci_root *root;

static void put(const char *path, const char *text)
{
    assert_int_equal(
        xpci_file_replace(root, path, text, strlen(text), 0644, NULL), 0);
}

/* A link, made where a file of the same name was, so that parents exist. */
static void link_to(const char *path, const char *target)
{
    char host[512];

    put(path, "");
    snprintf(host, sizeof(host), "%s%s", dir, path);
    assert_int_equal(unlink(host), 0);
    assert_int_equal(symlink(target, host), 0);
}

static int setup(void **state)
{
    (void)state;
    memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(dir));
    return xpci_root_new(dir, &root, NULL);
}

static int teardown(void **state)
{
    char command[64];

    (void)state;
    xpci_root_free(root);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

/* The reason why @text (a BDF) is needed; NULL: it is not. */
static void check(const char *text, const char *expected)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    const char *reason;
    struct xpci_bdf bdf;

    assert_int_equal(xpci_bdf_parse(text, &bdf), 0);
    if (xpci_guard_load(root, &guard, &err) < 0)
        fail_msg("%s", xpci_error_text(&err));
    reason = xpci_guard_find(&guard, &bdf);
    if (!expected)
        assert_null(reason);
    else
        assert_string_equal(reason ? reason : "(none)", expected);
}

static void test_plain(void **state)
{
    (void)state;
    link_to("/sys/dev/block/8:1", "../../devices/pci0000:00/" SATA "/sda1");
    link_to("/sys/class/block/sda1", "../../devices/pci0000:00/" SATA "/sda1");
    put("/proc/self/mountinfo", "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
                                "23 22 0:5 / /proc rw - proc proc rw\n");
    check("00:1f.2", "/ is on sda1");
    check("00:1f.3", NULL);
}

static void test_lvm_on_md(void **state)
{
    (void)state;
    link_to("/sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
    link_to("/sys/class/block/dm-0", "../../devices/virtual/block/dm-0");
    link_to("/sys/class/block/md0", "../../devices/virtual/block/md0");
    link_to("/sys/class/block/sda2", "../../devices/pci0000:00/" SATA "/sda2");
    link_to("/sys/class/block/nvme0n1p1",
            "../../devices/pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/"
            "nvme0n1/nvme0n1p1");
    put("/sys/devices/virtual/block/dm-0/slaves/md0", "");
    put("/sys/devices/virtual/block/md0/slaves/sda2", "");
    put("/sys/devices/virtual/block/md0/slaves/nvme0n1p1", "");
    put("/proc/self/mountinfo",
        "22 1 253:0 / /srv rw - ext4 /dev/mapper/vg0-srv rw\n");
    check("00:1f.2", "/srv is on dm-0, on md0, on sda2");
    check("01:00.0", "/srv is on dm-0, on md0, on nvme0n1p1");
    check("00:1c.0", NULL);
}

/* A btrfs mount has a number of no block device: its source counts. */
static void test_btrfs_and_swap(void **state)
{
    (void)state;
    link_to("/sys/class/block/sda2", "../../devices/pci0000:00/" SATA "/sda2");
    link_to("/sys/class/block/sdb",
            "../../devices/pci0000:00/0000:02:00.0/block/sdb");
    put("/proc/self/mountinfo", "22 1 0:31 /@ / rw - btrfs /dev/sda2 rw\n");
    put("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"
                       "/dev/sdb                partition\t1\t0\t-2\n");
    check("00:1f.2", "/ is on sda2");
    check("02:00.0", "swap is on sdb");
}

static void test_nvme_subsystem(void **state)
{
    (void)state;
    link_to("/sys/dev/block/259:1",
            "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
    link_to("/sys/class/block/nvme0n1",
            "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
    put("/sys/class/nvme-subsystem/nvme-subsys0/nvme0", "");
    put("/sys/class/nvme-subsystem/nvme-subsys0/nvme0n1/size", "1");
    link_to("/sys/class/nvme/nvme0",
            "../../devices/pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0");
    put("/proc/self/mountinfo", "22 1 259:1 / / rw - ext4 /dev/nvme0n1 rw\n");
    check("01:00.0", "/ is on nvme0n1, on nvme0");
}

static void test_bridged_route(void **state)
{
    (void)state;
    link_to("/sys/class/net/xenbr0", "../../devices/virtual/net/xenbr0");
    link_to("/sys/class/net/eth0",
            "../../devices/pci0000:00/0000:00:19.0/net/eth0");
    link_to("/sys/class/net/eth1",
            "../../devices/pci0000:00/0000:05:00.0/net/eth1");
    put("/sys/devices/virtual/net/xenbr0/lower_eth0", "");
    put("/proc/net/route", "Iface\tDestination\tGateway\n"
                           "eth1\t0000000A\t00000000\n"
                           "xenbr0\t00000000\t0202000A\n");
    check("00:19.0", "the default route is on xenbr0, on eth0");
    check("05:00.0", NULL);
}

/* A host with IPv6 only; "lo" always has such a line. */
static void test_ipv6_route(void **state)
{
#define NONE "00000000000000000000000000000000"
    (void)state;
    link_to("/sys/class/net/lo", "../../devices/virtual/net/lo");
    link_to("/sys/class/net/eth0",
            "../../devices/pci0000:00/0000:00:19.0/net/eth0");
    link_to("/sys/class/net/eth1",
            "../../devices/pci0000:00/0000:05:00.0/net/eth1");
    put("/proc/net/ipv6_route",
        "fe800000000000000000000000000000 40 " NONE " 00 " NONE
        " 00000100 00000001 00000000 00000001     eth1\n" NONE " 00 " NONE
        " 00 fe800000000000000000000000000002 00000400 00000001 00000000 "
        "00450003     eth0\n" NONE " 00 " NONE " 00 " NONE
        " ffffffff 00000001 00000000 00200200       lo\n");
    check("00:19.0", "the default route is on eth0");
    check("05:00.0", NULL);
}

static void test_loop_is_an_error(void **state)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    link_to("/sys/class/block/dm-0", "../../devices/virtual/block/dm-0");
    put("/sys/devices/virtual/block/dm-0/slaves/dm-0", "");
    put("/proc/self/mountinfo", "22 1 0:31 / / rw - btrfs /dev/dm-0 rw\n");
    assert_int_equal(xpci_guard_load(root, &guard, &err), -ELOOP);
}

/* A system mounted in a rescue boot: nothing found is not nothing there. */
static void test_without_proc(void **state)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };

    (void)state;
    assert_int_equal(xpci_guard_load(root, &guard, NULL), 0);
    assert_false(guard.known);
    put("/proc/self/mountinfo", "");
    assert_int_equal(xpci_guard_load(root, &guard, NULL), 0);
    assert_true(guard.known);
}

static void test_bad_mountinfo_is_an_error(void **state)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    put("/proc/self/mountinfo", "22 1 8:1 / / rw,relatime ext4 /dev/sda1\n");
    assert_int_equal(xpci_guard_load(root, &guard, &err), -EINVAL);
    assert_string_equal(
        xpci_error_text(&err),
        "what dom0 lives on is not known: cannot understand mountinfo line "
        "'22 1 8:1 / / rw,relatime ext4 /dev/sda1'");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),
        TEST(test_lvm_on_md),
        TEST(test_btrfs_and_swap),
        TEST(test_nvme_subsystem),
        TEST(test_bridged_route),
        TEST(test_ipv6_route),
        TEST(test_loop_is_an_error),
        TEST(test_without_proc),
        TEST(test_bad_mountinfo_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
