/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small recorded hosts for the guard's tests, made here. Include once. */
#ifndef TEST_GUARD_HOST_H
#define TEST_GUARD_HOST_H

#include "test-common-tree.h"

#include "atomic-file.h"
#include "guard.h"

#define SATA "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda"
#define HBA "pci0000:00/0000:00:1c.0/0000:02:00.0/host1/block/sdb"
#define HBA2 "pci0000:00/0000:00:1c.1/0000:03:00.0/host2/block/sdc"

static struct tree tree;

static UNUSED int setup(void **state)
{
    (void)state;
    return tree_make(&tree);
}

static UNUSED int teardown(void **state)
{
    (void)state;
    tree_drop(&tree);
    return 0;
}

static UNUSED void put(const char *path, const char *text)
{
    assert_int_equal(
        xpci_file_replace(tree.root, path, text, strlen(text), 0644, NULL), 0);
}

/* A link, made where a file of the same name was, so that parents exist. */
static UNUSED void link_to(const char *path, const char *target)
{
    put(path, "");
    assert_int_equal(unlink(tree_path(&tree, path)), 0);
    assert_int_equal(symlink(target, tree_path(&tree, path)), 0);
}

/* /sys/devices/@device with a file in it, and a link from each class. */
static UNUSED void device(const char *class, const char *name,
                          const char *device)
{
    char path[400], target[400];

    snprintf(path, sizeof(path), "/sys/devices/%s/uevent", device);
    put(path, "");
    snprintf(path, sizeof(path), "/sys/class/%s/%s", class, name);
    snprintf(target, sizeof(target), "../../devices/%s", device);
    link_to(path, target);
}

static UNUSED void attr(const char *class, const char *name,
                        const char *attribute, const char *text)
{
    char path[400];

    snprintf(path, sizeof(path), "/sys/class/%s/%s/%s", class, name, attribute);
    put(path, text);
}

static UNUSED void block(const char *name, const char *where,
                         const char *number)
{
    char path[400], target[400];

    device("block", name, where);
    attr("block", name, "dev", number);
    snprintf(path, sizeof(path), "/sys/dev/block/%s", number);
    snprintf(target, sizeof(target), "../../devices/%s", where);
    link_to(path, target);
}

static UNUSED void part(const char *name, const char *where, const char *number)
{
    block(name, where, number);
    attr("block", name, "partition", "1\n");
}

/* dm-N, mdN and the like; @label is dm's, @slaves "a b" */
static UNUSED void stacked(const char *name, const char *label,
                           const char *number, const char *slaves)
{
    char text[100], *save = NULL;

    snprintf(text, sizeof(text), "virtual/block/%s", name);
    block(name, text, number);
    if (label)
        attr("block", name, "dm/name", label);
    snprintf(text, sizeof(text), "%s", slaves);
    for (char *p = strtok_r(text, " ", &save); p;
         p = strtok_r(NULL, " ", &save)) {
        char path[120];

        snprintf(path, sizeof(path), "slaves/%s", p);
        attr("block", name, path, "");
    }
}

static UNUSED void mounts(const char *lines)
{
    put("/proc/self/mountinfo", lines);
}

/* An interface, @where "" for a virtual one, with what is below it. */
static UNUSED void net(const char *name, const char *where, const char *lower)
{
    char text[100], *save = NULL;

    snprintf(text, sizeof(text), "%s/net/%s", *where ? where : "virtual", name);
    device("net", name, text);
    snprintf(text, sizeof(text), "%s", lower);
    for (char *p = strtok_r(text, " ", &save); p;
         p = strtok_r(NULL, " ", &save)) {
        char path[120];

        snprintf(path, sizeof(path), "lower_%s", p);
        attr("net", name, path, "");
    }
}

#define ROUTES "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
#define DEFAULT(name) name "\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\n"
/* 10.0.2.0/24 and 192.168.7.0/24 */
#define NET10(name) name "\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
#define NET192(name) name "\t0007A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"

static UNUSED void routes(const char *lines)
{
    put("/proc/net/route", lines);
}

/* All findings, "D / is on sda, on 0000:00:1f.2\n" for each. */
static UNUSED void expect(const char *expected)
{
    static const char grades[] = "-UD"; /* note, in use, dies */
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf got = { 0 };

    if (xpci_guard_load(tree.root, &guard, &err) < 0)
        fail_msg("%s", xpci_error_text(&err));
    for (size_t i = 0; i < guard.n; i++) {
        const struct xpci_finding *f = &guard.v[i];
        char bdf[XPCI_BDF_SIZE];

        xpci_bdf_format(&f->bdf, bdf);
        assert_string_equal(f->chain + strlen(f->chain) - strlen(bdf), bdf);
        assert_int_equal(
            xpci_buf_printf(&got, "%c %s\n", grades[f->grade], f->chain), 0);
    }
    assert_string_equal(got.data ? got.data : "", expected);
}

static UNUSED void expect_error(int code, const char *text)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_int_equal(xpci_guard_load(tree.root, &guard, &err), -code);
    assert_null(guard.v);
    assert_contains(xpci_error_text(&err), "what dom0 lives on is not known: ");
    assert_contains(xpci_error_text(&err), text);
}

/* Two disks on cards of their own; only the first is used, if no test adds. */
static UNUSED void two_disks(void)
{
    block("sda", SATA, "8:0");
    part("sda1", SATA "/sda1", "8:1");
    part("sda2", SATA "/sda2", "8:2");
    block("sdb", HBA, "8:16");
    part("sdb1", HBA "/sdb1", "8:17");
}

static UNUSED void two_networks(void)
{
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    routes(ROUTES NET10("eth0") NET192("eth1"));
}

#define TWO_NETWORKS                                                           \
    "U a network of dom0 is on eth0, on 0000:00:19.0\n"                        \
    "U a network of dom0 is on eth1, on 0000:05:00.0\n"

#define TCP "  sl  local_address rem_address   st tx_queue rx_queue\n"
#define NONE "00000000000000000000000000000000"

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
