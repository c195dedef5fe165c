/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "group.h"

static const struct {
    const char *host, *seed;
    enum xpci_scope scope;
    const char *want; /* "BDF rule|" each */
} closures[] = {
    /* behind a PCIe-to-PCI bridge */
    { "qemu-q1", "0a:01.0", XPCI_SCOPE_GROUP,
      "0000:0a:01.0 asked for|"
      "0000:0a:02.0 behind the same PCIe-to-PCI bridge 0000:09:00.0 as "
      "0000:0a:01.0|" },
    { "lab", "03:02.0", XPCI_SCOPE_GROUP,
      "0000:03:00.0 behind the same PCIe-to-PCI bridge 0000:02:00.0 as "
      "0000:03:02.0|"
      "0000:03:02.0 asked for|" },
    /* nested conventional bridges: the topmost decides, over both buses */
    { "qemu-q1", "0e:02.0", XPCI_SCOPE_GROUP,
      "0000:0d:04.0 behind the same PCI bridge 0000:00:1e.0 as 0000:0e:02.0|"
      "0000:0e:01.0 behind the same PCI bridge 0000:00:1e.0 as 0000:0e:02.0|"
      "0000:0e:02.0 asked for|" },
    { "qemu-q1", "0d:04.0", XPCI_SCOPE_GROUP,
      "0000:0d:04.0 asked for|"
      "0000:0e:01.0 behind the same PCI bridge 0000:00:1e.0 as 0000:0d:04.0|"
      "0000:0e:02.0 behind the same PCI bridge 0000:00:1e.0 as "
      "0000:0d:04.0|" },
    /* a PCI bridge behind a PCIe-to-PCI bridge behind a switch */
    { "qemu-q2", "08:01.0", XPCI_SCOPE_GROUP,
      "0000:07:01.0 behind the same PCIe-to-PCI bridge 0000:06:00.0 as "
      "0000:08:01.0|"
      "0000:08:01.0 asked for|"
      "0000:08:02.0 behind the same PCIe-to-PCI bridge 0000:06:00.0 as "
      "0000:08:01.0|" },
    /* functions of one slot */
    { "qemu-q1", "01:00.1", XPCI_SCOPE_GROUP,
      "0000:01:00.0 function of a multifunction device without ACS, as is "
      "0000:01:00.1|0000:01:00.1 asked for|" },
    /* by an ISA bridge, which stays */
    { "lab", "00:1f.3", XPCI_SCOPE_GROUP,
      "0000:00:1f.2 function of a multifunction device without ACS, as is "
      "0000:00:1f.0|0000:00:1f.3 asked for|" },
    /* alone */
    { "qemu-q1", "81:00.0", XPCI_SCOPE_GROUP, "0000:81:00.0 asked for|" },
    { "qemu-q1", "08:00.0", XPCI_SCOPE_GROUP, "0000:08:00.0 asked for|" },
    /* scopes */
    { "lab", "03:02.0", XPCI_SCOPE_DEVICE, "0000:03:02.0 asked for|" },
    { "lab", "03:02.0", XPCI_SCOPE_SLOT, "0000:03:02.0 asked for|" },
    { "lab", "05:00.0", XPCI_SCOPE_DEVICE, "0000:05:00.0 asked for|" },
    { "lab", "05:00.0", XPCI_SCOPE_SLOT,
      "0000:05:00.0 asked for|0000:05:00.1 in one slot with 0000:05:00.0|" },
    { "lab", "03:02.0", XPCI_SCOPE_BUS,
      "0000:03:00.0 behind the same PCIe-to-PCI bridge 0000:02:00.0 as "
      "0000:03:02.0|0000:03:02.0 asked for|" },
    /* every endpoint of a root bus, no bridge */
    { "lab", "00:19.0", XPCI_SCOPE_BUS,
      "0000:00:19.0 asked for|0000:00:1a.0 on one bus with 0000:00:19.0|"
      "0000:00:1a.7 function of a multifunction device without ACS, as is "
      "0000:00:1a.0|0000:00:1f.2 on one bus with 0000:00:19.0|"
      "0000:00:1f.3 function of a multifunction device without ACS, as is "
      "0000:00:1f.0|" },
};

static void show(const struct xpci_inventory *inv,
                 const struct xpci_group *group, struct xpci_buf *out)
{
    for (size_t i = 0; i < group->n; i++)
        assert_int_equal(
            xpci_buf_printf(out, XPCI_BDF_FMT " %s|",
                            XPCI_BDF_ARGS(inv->dev[group->v[i].dev].bdf),
                            group->v[i].rule),
            0);
}

static void test_closures(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(closures); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_group_ struct xpci_group group = { 0 };
        _cleanup_buf_ struct xpci_buf got = { 0 };
        size_t seed;

        host_load(closures[i].host, &inv);
        seed = host_index(&inv, closures[i].seed);
        assert_int_equal(
            xpci_group_closure(&inv, &seed, 1, closures[i].scope, &group, NULL),
            0);
        show(&inv, &group, &got);
        assert_string_equal(got.data, closures[i].want);
        assert_true(xpci_group_has(&group, seed));
    }
}

/* The group of @dev as Linux reported it; -1: not in the file. */
static int kernel_group(const char *groups, const struct xpci_bdf *bdf)
{
    char word[64], text[XPCI_BDF_SIZE];
    int number, found = -1;
    FILE *f = fopen(groups, "r");

    assert_non_null(f);
    while (found < 0 && fscanf(f, "%d %63s", &number, word) == 2) {
        if (!strcmp(word, xpci_bdf_format(bdf, text)))
            found = number;
    }
    fclose(f);
    return found;
}

static void number_kernel(const struct xpci_inventory *inv,
                          unsigned int *number)
{
    _cleanup_group_ struct xpci_group list = { 0 };

    assert_int_equal(xpci_group_list(inv, true, false, NULL, 0, &list, NULL),
                     0);
    assert_int_equal(list.n, inv->n);
    for (size_t i = 0; i < list.n; i++)
        number[list.v[i].dev] = list.v[i].number;
}

/* Set for set; Linux has no group for what is not behind an IOMMU. */
static void compare(const char *dump, const char *groups)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_free_ unsigned int *number = NULL;
    _cleanup_free_ int *truth = NULL;
    size_t in_file = 0;

    host_load(dump, &inv);
    number = calloc(inv.n, sizeof(*number));
    truth = calloc(inv.n, sizeof(*truth));
    assert_true(number && truth);
    number_kernel(&inv, number);
    for (size_t i = 0; i < inv.n; i++) {
        truth[i] = kernel_group(groups, &inv.dev[i].bdf);
        in_file += truth[i] >= 0;
        for (size_t k = 0; k < i; k++) {
            if (truth[i] < 0 || truth[k] < 0 ||
                (truth[i] == truth[k]) == (number[i] == number[k]))
                continue;
            fail_msg("%s: Linux has " XPCI_BDF_FMT " and " XPCI_BDF_FMT
                     " %s, we do not",
                     dump, XPCI_BDF_ARGS(inv.dev[k].bdf),
                     XPCI_BDF_ARGS(inv.dev[i].bdf),
                     truth[i] == truth[k] ? "together" : "apart");
        }
    }
    assert_true(in_file > inv.n / 2);
}

static size_t compare_all(const char *dir)
{
    _cleanup_closedir_ DIR *d = opendir(dir);
    const struct dirent *entry;
    size_t n = 0;

    assert_non_null(d);
    while ((entry = readdir(d))) {
        char dump[600], groups[600];
        const char *dot = strstr(entry->d_name, ".groups");
        int len = dot ? (int)(dot - entry->d_name) : 0;

        if (!dot || strcmp(dot, ".groups"))
            continue;
        snprintf(dump, sizeof(dump), "%s/%.*s", dir, len, entry->d_name);
        snprintf(groups, sizeof(groups), "%s/%s", dir, entry->d_name);
        compare(dump, groups);
        n++;
    }
    return n;
}

static void test_against_kernel(void **state)
{
    (void)state;
    assert_true(compare_all("tests/hosts") >= 5);
}

/* Recordings that may not be distributed: see tests/hosts/README.md. */
static void test_against_kernel_elsewhere(void **state)
{
    const char *dir = getenv("XPCI_TEST_HOSTS");

    (void)state;
    if (!dir) {
        print_message("XPCI_TEST_HOSTS names no directory of recordings\n");
        skip();
    }
    assert_true(compare_all(dir) > 0);
}

/* The closure of every member is the same set: it does not matter who asks. */
static void test_symmetric(void **state)
{
    static const char *const hosts[] = { "qemu-q1", "qemu-q2", "lab" };

    (void)state;
    for (size_t h = 0; h < XPCI_ARRAY_SIZE(hosts); h++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };

        host_load(hosts[h], &inv);
        for (size_t i = 0; i < inv.n; i++) {
            _cleanup_group_ struct xpci_group a = { 0 };

            if (xpci_device_board(&inv.dev[i]))
                continue;
            assert_int_equal(
                xpci_group_closure(&inv, &i, 1, XPCI_SCOPE_GROUP, &a, NULL), 0);
            for (size_t m = 0; m < a.n; m++) {
                _cleanup_group_ struct xpci_group b = { 0 };

                assert_null(xpci_device_board(&inv.dev[a.v[m].dev]));
                assert_int_equal(xpci_group_closure(&inv, &a.v[m].dev, 1,
                                                    XPCI_SCOPE_GROUP, &b, NULL),
                                 0);
                assert_int_equal(a.n, b.n);
                for (size_t x = 0; x < a.n; x++)
                    assert_int_equal(a.v[x].dev, b.v[x].dev);
            }
        }
    }
}

static void test_several_seeds(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_buf_ struct xpci_buf got = { 0 };
    size_t seed[3];

    (void)state;
    host_load("lab", &inv);
    seed[0] = host_index(&inv, "05:00.1");
    seed[1] = host_index(&inv, "03:00.0");
    seed[2] = seed[0];
    assert_int_equal(
        xpci_group_closure(&inv, seed, 3, XPCI_SCOPE_GROUP, &group, NULL), 0);
    show(&inv, &group, &got);
    assert_string_equal(
        got.data,
        "0000:03:00.0 asked for|"
        "0000:03:02.0 behind the same PCIe-to-PCI bridge 0000:02:00.0 as "
        "0000:03:00.0|"
        "0000:05:00.0 function of a multifunction device without ACS, as is "
        "0000:05:00.1|0000:05:00.1 asked for|");
}

static void test_bridge_is_refused(void **state)
{
    static const char *const bridges[] = { "00:1c.1", "02:00.0", "00:00.0",
                                           "00:1f.0" };
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };

    (void)state;
    host_load("lab", &inv);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bridges); i++) {
        _cleanup_group_ struct xpci_group group = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        size_t seed[2] = { host_index(&inv, "03:02.0"),
                           host_index(&inv, bridges[i]) };

        assert_true(xpci_group_closure(&inv, seed, 2, XPCI_SCOPE_GROUP, &group,
                                       &err) < 0);
        assert_int_equal(err.kind, XPCI_REFUSED);
        assert_int_equal(group.n, 0);
    }
}

/* VFs stay where they are when their function moves, and the other way. */
static void test_virtual_functions(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    size_t pf, vf;

    (void)state;
    host_load("qemu-q3", &inv);
    pf = host_index(&inv, "01:00.0");
    vf = host_index(&inv, "01:00.1");
    for (int i = 0; i < 2; i++) {
        _cleanup_group_ struct xpci_group group = { 0 };

        assert_int_equal(xpci_group_closure(&inv, i ? &vf : &pf, 1,
                                            XPCI_SCOPE_GROUP, &group, NULL),
                         0);
        assert_int_equal(group.n, 1);
        assert_int_equal(group.v[0].dev, i ? vf : pf);
    }
}

/* A bridge above that cannot be read: no guess. */
static void test_unknown_bridge(void **state)
{
    static const char *const above[] = { "02:00.0", "00:1c.1" };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(above); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_group_ struct xpci_group group = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        size_t seed;

        host_load("lab", &inv);
        inv.dev[host_index(&inv, above[i])].pcie_type = XPCI_PCIE_UNKNOWN;
        seed = host_index(&inv, "03:02.0");
        assert_int_equal(
            xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_GROUP, &group, &err),
            -EACCES);
        assert_contains(err.msg, above[i]);
        assert_int_equal(group.n, 0);
        assert_int_equal(
            xpci_group_list(&inv, true, false, NULL, 0, &group, NULL), -EACCES);
        assert_int_equal(group.n, 0);
    }
}

/* A dump of a bridge that sleeps does not say that it is one. */
static void test_mute_function(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_device *mute;
    size_t seed;

    (void)state;
    host_load("lab", &inv);
    mute = &inv.dev[host_index(&inv, "00:1c.1")];
    mute->header = 0xff;
    mute->class_code = 0xffff;
    mute->pcie_type = XPCI_PCIE_UNKNOWN;
    for (size_t i = 0; i < inv.n; i++) {
        if (inv.dev[i].parent == host_index(&inv, "00:1c.1"))
            inv.dev[i].parent = XPCI_NO_PARENT;
    }
    seed = host_index(&inv, "03:02.0");
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_GROUP, &group, &err),
        -EIO);
    assert_contains(err.msg, "00:1c.1 does not answer");
}

/* An endpoint of a bridge's class goes along; one with ARI has more slots. */
static void test_odd_endpoints(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    size_t seed, other;

    (void)state;
    host_load("lab", &inv);
    seed = host_index(&inv, "05:00.0");
    other = host_index(&inv, "05:00.1");
    inv.dev[other].class_code = 0x0680;
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_GROUP, &group, NULL), 0);
    assert_int_equal(group.n, 2);
    xpci_group_clear(&group);
    inv.dev[other].bdf.slot = 1;
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_SLOT, &group, NULL), 0);
    assert_int_equal(group.n, 1);
    xpci_group_clear(&group);
    inv.dev[inv.dev[seed].parent].ari = true;
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_SLOT, &group, NULL), 0);
    assert_int_equal(group.n, 2);
}

static void test_scope_parse(void **state)
{
    static const char *const bad[] = { "", "Group", "groups", "all", "bus " };
    enum xpci_scope scope;

    (void)state;
    assert_int_equal(xpci_scope_parse("group", &scope, NULL), 0);
    assert_int_equal(scope, XPCI_SCOPE_GROUP);
    assert_int_equal(xpci_scope_parse("slot", &scope, NULL), 0);
    assert_int_equal(scope, XPCI_SCOPE_SLOT);
    assert_int_equal(xpci_scope_parse("bus", &scope, NULL), 0);
    assert_int_equal(scope, XPCI_SCOPE_BUS);
    assert_int_equal(xpci_scope_parse("device", &scope, NULL), 0);
    assert_int_equal(scope, XPCI_SCOPE_DEVICE);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };

        assert_true(xpci_scope_parse(bad[i], &scope, &err) < 0);
        assert_int_equal(err.kind, XPCI_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closures),
        cmocka_unit_test(test_against_kernel),
        cmocka_unit_test(test_against_kernel_elsewhere),
        cmocka_unit_test(test_symmetric),
        cmocka_unit_test(test_several_seeds),
        cmocka_unit_test(test_bridge_is_refused),
        cmocka_unit_test(test_virtual_functions),
        cmocka_unit_test(test_unknown_bridge),
        cmocka_unit_test(test_mute_function),
        cmocka_unit_test(test_odd_endpoints),
        cmocka_unit_test(test_scope_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
