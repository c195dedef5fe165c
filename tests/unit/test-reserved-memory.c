/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "group.h"
#include "reserved-memory.h"
#include "topology.h"

/*
 * Tables as rows of hex, with lengths that are right: "{" and "}" go around a
 * structure whose length is at its third byte (16 bits), "(" and ")" around
 * one that has it at its second (8 bits).
 */
#define RMRR "{ 01 00 00 00 00 00 00 00 "
#define MEM_A "00 00 10 7e 00 00 00 00 ff ff 10 7e 00 00 00 00 "
#define MEM_B "00 00 20 7e 00 00 00 00 ff ff 20 7e 00 00 00 00 "
#define MEM_AB "00 00 10 7e 00 00 00 00 00 00 20 7e 00 00 00 00 "
#define UPSIDE_DOWN "00 00 20 7e 00 00 00 00 00 00 10 7e 00 00 00 00 "
#define SCOPE_1A "( 01 00 00 00 00 00 1a 00 ) "
#define SCOPE_1D "( 01 00 00 00 00 00 1d 00 ) "
#define ZERO_8 "00 00 00 00 00 00 00 00 "
#define IVHD "{ 10 00 00 00 02 00 40 00 " ZERO_8 ZERO_8
#define EFR_8 "42 00 02 00 00 01 02 00 " /* would be an entry */
#define IVHD_40 "{ 40 00 00 00 02 00 40 00 " ZERO_8 ZERO_8 EFR_8 EFR_8
#define IVMD_END ZERO_8 "00 00 10 7e 00 00 00 00 00 00 01 00 00 00 00 00 } "
#define ONE_1A "{ 21 01 00 00 d0 00 00 00 " IVMD_END
#define ONE_1D "{ 21 08 00 00 e8 00 00 00 " IVMD_END
#define MEMORY(dev)                                                            \
    "0000:" dev                                                                \
    " shares reserved memory 0x7e100000-0x7e10ffff with 0000:00:1a.0|"
#define ID(dev, other)                                                         \
    "0000:" dev " has by the IVRS one requester id with 0000:" other "|"

static const char host[] = "00:02.0 00:1a.0 00:1d.0 00:1f.0 01:00.0 02:00.0 "
                           "02:00.1 02:03.0 03:00.0";

static const struct {
    const char *name, *table;
    const char *want; /* "DEVICE rule|" of all that are tied; NULL: malformed */
} t[] = {
    { "DMAR", "", "" },
    { "DMAR", RMRR MEM_A SCOPE_1A SCOPE_1D "} ", MEMORY("00:1d.0") },
    { "RMAD", RMRR MEM_A SCOPE_1A SCOPE_1D "} ", MEMORY("00:1d.0") },
    { "DMAR", RMRR MEM_A SCOPE_1A "} " RMRR MEM_B SCOPE_1D "} ", "" },
    /* two regions that overlap, not in order */
    { "DMAR", RMRR MEM_B SCOPE_1A "} " RMRR MEM_AB SCOPE_1D "} ",
      "0000:00:1d.0 shares reserved memory 0x7e200000-0x7e20ffff with "
      "0000:00:1a.0|" },
    /* each over the end of the one before */
    { "DMAR",
      RMRR MEM_A SCOPE_1A
      "} " RMRR "00 80 10 7e 00 00 00 00 00 80 20 7e 00 00 00 00 " SCOPE_1A
      "} " RMRR MEM_B SCOPE_1D "} ",
      "0000:00:1d.0 shares reserved memory 0x7e200000-0x7e20ffff with "
      "0000:00:1a.0|" },
    /* the second within the first, the third over its end */
    { "DMAR",
      RMRR MEM_AB SCOPE_1A
      "} " RMRR "00 10 10 7e 00 00 00 00 ff 1f 10 7e 00 00 00 00 " SCOPE_1A
      "} " RMRR "00 20 10 7e 00 00 00 00 00 30 10 7e 00 00 00 00 " SCOPE_1D
      "} ",
      "0000:00:1d.0 shares reserved memory 0x7e102000-0x7e103000 with "
      "0000:00:1a.0|" },
    /* of an IOAPIC and an HPET; of a device that is not there */
    { "DMAR",
      RMRR MEM_A SCOPE_1A "( 03 00 00 00 00 00 1d 00 ) "
                          "( 04 00 00 00 00 00 1d 00 ) } ",
      "" },
    { "DMAR", RMRR MEM_A SCOPE_1A "( 01 00 00 00 00 00 1c 00 ) } ", "" },
    { "DMAR", RMRR MEM_A SCOPE_1A "( 01 00 00 00 00 00 3d 08 ) } ", "" },
    /* over a bridge, by two steps and by three; a path that breaks off */
    { "DMAR", RMRR MEM_A SCOPE_1A "( 01 00 00 00 00 01 00 00 03 00 ) } ",
      MEMORY("02:03.0") },
    { "DMAR", RMRR MEM_A SCOPE_1A "( 01 00 00 00 00 00 1a 00 03 00 ) } ", "" },
    /* all that is behind a bridge, but not bridges */
    { "DMAR", RMRR MEM_A SCOPE_1A "( 02 00 00 00 00 01 00 00 ) } ",
      MEMORY("02:00.1") MEMORY("02:03.0") },
    { "DMAR",
      "{ 00 00 00 00 00 00 } { 07 00 00 00 } " RMRR MEM_A SCOPE_1A SCOPE_1D
      "} ",
      MEMORY("00:1d.0") },
    { "DMAR", RMRR UPSIDE_DOWN SCOPE_1A "} ", NULL },
    { "DMAR", RMRR "00 00 } ", NULL },
    { "DMAR", RMRR MEM_A "01 00 00 00 00 00 1a 00 } ", NULL },
    { "DMAR", RMRR MEM_A "01 09 00 00 00 00 1a 00 } ", NULL },
    { "DMAR", RMRR MEM_A "01 08 00 } ", NULL },
    { "DMAR", "01 00 00 00 ", NULL },
    { "DMAR", "01 00 05 00 ", NULL },
    { "DMAR", "01 00 ", NULL },
    /* one alias, to a device on another bus and to one that is not there */
    { "IVRS", IVHD "42 00 02 00 00 10 00 00 } ", ID("02:00.0", "00:02.0") },
    { "IVRS", IVHD "42 00 02 00 00 f8 ff 00 42 18 02 00 00 f8 ff 00 } ",
      ID("02:03.0", "02:00.0") },
    /* a range of them; a range without one, and its end alone */
    { "IVRS", IVHD "00 00 00 00 43 00 02 00 00 18 02 00 04 01 02 00 } ",
      ID("02:00.1", "02:00.0") ID("02:03.0", "02:00.0") },
    { "IVRS", IVHD "03 00 02 00 04 ff ff 00 04 ff ff 00 } ", "" },
    { "IVRS",
      IVHD_40 "f0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
              "01 02 55 56 42 00 02 00 00 18 02 00 } ",
      ID("02:03.0", "02:00.0") },
    { "IVRS", IVHD "42 00 02 00 00 18 } ", NULL },
    { "IVRS", IVHD "f0 00 00 00 } ", NULL },
    { "IVRS", "{ 10 00 00 00 } ", NULL },
    /* memory of one device each, of a range, of all, and of the IOMMU's */
    { "IVRS", ONE_1A ONE_1D, MEMORY("00:1d.0") },
    /* memory of a low address is no requester id */
    { "IVRS",
      IVHD "42 00 02 00 00 18 02 00 } { 21 01 00 00 d0 00 00 00 " ZERO_8
           "00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 } ",
      ID("02:03.0", "02:00.0") },
    { "IVRS", "{ 22 01 00 00 d0 00 ef 00 " IVMD_END, MEMORY("00:1d.0") },
    { "IVRS", "{ 22 01 00 00 00 00 ff ff " IVMD_END, "" },
    { "IVRS", "{ 20 01 00 00 00 00 00 00 " IVMD_END, "" },
    { "IVRS", "{ 23 01 00 00 02 00 40 00 " IVMD_END, "" },
    { "IVRS", "{ 22 00 00 00 d0 00 ef 00 " IVMD_END, "" },
    { "IVRS", "{ 22 01 00 00 ef 00 d0 00 " IVMD_END, NULL },
    { "IVRS", "{ 21 01 00 00 d0 00 00 00 00 } ", NULL },
};

static void make_host(struct xpci_inventory *inv)
{
    inv->dev = calloc(20, sizeof(*inv->dev));
    assert_non_null(inv->dev);
    for (const char *p = host; *p; p += strcspn(p, " "), p += *p == ' ') {
        struct xpci_device *dev = &inv->dev[inv->n++];

        assert_int_equal(xpci_bdf_parse_len(p, strcspn(p, " "), &dev->bdf), 0);
        dev->parent = XPCI_NO_PARENT;
        dev->pcie_type = XPCI_PCIE_RC_ENDPOINT;
        dev->acs = (struct xpci_acs){ .state = XPCI_ACS_PRESENT };
        dev->virtual_func = true; /* nothing else is to tie them */
    }
    inv->dev[4].header = inv->dev[5].header = 1;
    inv->dev[4].secondary = inv->dev[4].subordinate = 2;
    inv->dev[5].secondary = inv->dev[5].subordinate = 3;
    inv->dev[4].pcie_type = inv->dev[5].pcie_type = XPCI_PCIE_ROOT_PORT;
    inv->dev[4].class_code = inv->dev[5].class_code = 0x0604;
    xpci_topology_link(inv);
}

static size_t make_table(const char *text, uint8_t *out)
{
    size_t open[4], depth = 0, n = 48;

    memset(out, 0x5a, n);
    for (const char *p = text; *p; p += 2 + (p[1] != ' ')) {
        switch (*p) {
        case '{':
        case '(':
            open[depth++] = n;
            break;
        case '}':
            depth--;
            out[open[depth] + 2] = (uint8_t)(n - open[depth]);
            break;
        case ')':
            depth--;
            out[open[depth] + 1] = (uint8_t)(n - open[depth]);
            break;
        default:
            out[n++] = (uint8_t)strtoul(p, NULL, 16);
        }
    }
    memcpy(out + 4, &(uint32_t){ (uint32_t)n }, 4);
    return n;
}

static void put_table(struct tree *tree, const char *name, const uint8_t *data,
                      size_t len)
{
    char path[80];

    tree_mkdir(tree, "/sys");
    tree_mkdir(tree, "/sys/firmware");
    tree_mkdir(tree, "/sys/firmware/acpi");
    tree_mkdir(tree, "/sys/firmware/acpi/tables");
    snprintf(path, sizeof(path), "/sys/firmware/acpi/tables/%s", name);
    tree_put_len(tree, path, data, len);
}

static int load(struct tree *tree, struct xpci_inventory *inv,
                struct xpci_error *err)
{
    make_host(inv);
    return xpci_reserved_memory_load(tree->root, inv, err);
}

/* What the tables tie, and by which rule. */
static void check_ties(const struct xpci_inventory *inv, const char *want)
{
    _cleanup_group_ struct xpci_group list = { 0 };
    _cleanup_buf_ struct xpci_buf got = { 0 };

    assert_int_equal(xpci_group_list(inv, false, false, NULL, 0, &list, NULL),
                     0);
    for (size_t i = 0; i < list.n; i++) {
        if (strncmp(list.v[i].rule, "alone", 5) &&
            strncmp(list.v[i].rule, "first", 5))
            assert_int_equal(
                xpci_buf_printf(&got, XPCI_BDF_FMT " %s|",
                                XPCI_BDF_ARGS(inv->dev[list.v[i].dev].bdf),
                                list.v[i].rule),
                0);
    }
    assert_string_equal(got.data ? got.data : "", want);
}

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        uint8_t table[1000];
        struct tree tree;
        int ret;

        assert_int_equal(tree_make(&tree), 0);
        put_table(&tree, t[i].name, table, make_table(t[i].table, table));
        ret = load(&tree, &inv, &err);
        tree_drop(&tree);
        if (ret != (t[i].want ? 0 : -EBADMSG))
            fail_msg("table %zu: %d, %s", i, ret, xpci_error_text(&err));
        if (t[i].want)
            check_ties(&inv, t[i].want);
        else
            assert_contains(err.msg, t[i].name);
        assert_int_equal(inv.has_ivrs,
                         !strcmp(t[i].name, "IVRS") && t[i].table[0] == '{');
    }
}

/* Xen's name goes first; a table that is not there says nothing. */
static void test_precedence(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 }, none = { 0 };
    struct tree *tree = *state;
    uint8_t table[1000];

    assert_int_equal(load(tree, &none, NULL), 0);
    assert_int_equal(none.n_regions, 0);
    assert_false(none.tables_unreadable || none.has_ivrs);
    put_table(tree, "DMAR", table,
              make_table(RMRR MEM_A SCOPE_1A SCOPE_1D "} ", table));
    tree_put_len(tree, "/sys/firmware/acpi/tables/RMAD", table,
                 make_table(RMRR MEM_A SCOPE_1A "} ", table));
    assert_int_equal(load(tree, &inv, NULL), 0);
    check_ties(&inv, "");
}

/* Cut at any byte, and with any byte changed: an error or an answer. */
static void test_damaged(void **state)
{
    struct tree *tree = *state;
    uint8_t table[1000];
    size_t len =
        make_table(RMRR MEM_A SCOPE_1A SCOPE_1D "} " RMRR MEM_B "} ", table);
    size_t errors = 0;

    put_table(tree, "RMAD", table, len);
    for (size_t i = 0; i < len + 256; i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        size_t at = i < len ? i : 60; /* where there is a length */
        uint8_t old = table[at];

        if (i < len) {
            tree_put_len(tree, "/sys/firmware/acpi/tables/RMAD", table, i);
        } else {
            table[at] = (uint8_t)(i - len);
            tree_put_len(tree, "/sys/firmware/acpi/tables/RMAD", table, len);
            table[at] = old;
        }
        if (load(tree, &inv, &err) < 0)
            errors++;
        assert_true(err.msg || i >= len);
    }
    assert_true(errors >= len);
}

/* Not root: no closure, for it could be too small; no listing but Linux'. */
static void test_unreadable(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    size_t seed = 0;

    (void)state;
    make_host(&inv);
    inv.tables_unreadable = true;
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_GROUP, &group, &err),
        -EACCES);
    assert_contains(err.msg, "/sys/firmware/acpi/tables");
    assert_int_equal(xpci_group_list(&inv, false, false, NULL, 0, &group, NULL),
                     -EACCES);
    assert_int_equal(group.n, 0);
    assert_int_equal(xpci_group_list(&inv, true, false, NULL, 0, &group, NULL),
                     0);
    xpci_group_clear(&group);
    assert_int_equal(
        xpci_group_closure(&inv, &seed, 1, XPCI_SCOPE_SLOT, &group, NULL), 0);
}

/* Linux goes by the IVRS only where the other id is of the same bus. */
static void test_kernel_ivrs(void **state)
{
    static const struct {
        const char *table;
        bool tied;
    } cases[] = {
        { IVHD "42 01 02 00 00 18 02 00 } ", true },
        { IVHD "42 01 02 00 00 10 00 00 } ", false },
        { IVHD "42 01 02 00 00 f8 02 00 42 18 02 00 00 f8 02 00 } ", false },
        { ONE_1A ONE_1D, false },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cases); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_group_ struct xpci_group list = { 0 };
        uint8_t table[1000];
        struct tree tree;

        assert_int_equal(tree_make(&tree), 0);
        put_table(&tree, "IVRS", table, make_table(cases[i].table, table));
        assert_int_equal(load(&tree, &inv, NULL), 0);
        tree_drop(&tree);
        assert_int_equal(
            xpci_group_list(&inv, true, false, NULL, 0, &list, NULL), 0);
        for (size_t k = 0; k < list.n; k++) {
            if (strncmp(list.v[k].rule, "has by", 6) == 0)
                break;
            assert_true(k + 1 < list.n || !cases[i].tied);
        }
        assert_int_equal(list.v[list.n - 1].number,
                         cases[i].tied ? list.n - 1 : list.n);
    }
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        TREE_TEST(test_precedence),
        TREE_TEST(test_damaged),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_kernel_ivrs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
