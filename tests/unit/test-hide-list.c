/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "hide-list.h"

/* What the kernel takes, and how it reads it; "!" is an odd number. */
static const struct {
    const char *text, *want;
} good[] = {
    { "", "" },
    { "(0000:03:00.0)", "1 0000:03:00.0|" },
    { "(0000:03:00.0)(0000:03:02.0)", "1 0000:03:00.0|15 0000:03:02.0|" },
    { "(03:00.0)(03:00.0)", "1 0000:03:00.0|10 0000:03:00.0|" },
    /* the six forms */
    { "(1:3:0.1)(1:3:0.*)(1:3:*.*)",
      "1 0001:03:00.1|10 0001:03:00.*|19 0001:03:*.*|" },
    { "(3:0.1)(3:0.*)(3:*.*)",
      "1 0000:03:00.1|8 0000:03:00.*|15 0000:03:*.*|" },
    { "(ffff:ff:1f.7)(FFFF:Ff:1F.*)", "1 ffff:ff:1f.7|15 ffff:ff:1f.*|" },
    /* any number of digits, with 0x */
    { "(3:0.0)(A:B.0)", "1 0000:03:00.0|8 0000:0a:0b.0|" },
    { "(0x3:0x0.0x1)(0X0:0X3:0X0.*)", "1 0000:03:00.1|14 0000:03:00.*|" },
    { "(0000:03:00.00)", "1 0000:03:00.0|" },
    { "(000000000:000000003:00.0)", "1 0000:03:00.0|" },
    { "(0:0x0000000000000000000003:0.0)", "1 0000:03:00.0|" },
    /* blanks around entries and before numbers */
    { "\t(03:00.0) \v\f\r(0001:03:02.7)\n", "2 0000:03:00.0|15 0001:03:02.7|" },
    { "\xa0(03:00.0)\xa0", "2 0000:03:00.0|" },
    { "(0000: 03:00.0)", "1 0000:03:00.0|" },
    { "( 0000: 03:\t00.\n0)( 3: 0.*)", "1 0000:03:00.0|19 0000:03:00.*|" },
    /* 32 bits count, as int */
    { "(100000003:00.0)", "1 0000:03:00.0!|" },
    { "(0:123456789abcdef0000000003:00.0)", "1 0000:03:00.0!|" },
    { "(0x:0x.0x)", "1 0000:00:00.0!|" },
    { "(03:ffffffff.0)", "1 0000:03:*.0!|" },
    { "(03:00.80000000)", "1 0000:03:00.*!|" },
    { "(0:03:f0000000.f0000000)", "1 0000:03:*.*!|" },
};

/* What it refuses, at which column, and from there what is quoted. */
static const struct {
    const char *text;
    unsigned int column;
    int code;
    const char *reason;
} bad[] = {
    { "0000:03:00.0", 1, EINVAL, "'0000:03:00.0', it is (ssss:bb:dd.f)" },
    { "03:00.0", 1, EINVAL, "'03:00.0'" },
    { " ", 2, EINVAL, "the end of the list" },
    { "(..),(..)", 2, EINVAL, "'..),(..)'" },
    { "(03:00.0),(03:02.0)", 10, EINVAL, "',(03:02.0)'" },
    { "(03:00.0), (03:02.0)", 10, EINVAL, "','" },
    { "(03:00.0);", 10, EINVAL, "';'" },
    { "(03:00.0)x", 10, EINVAL, "'x'" },
    { "((03:00.0))", 2, EINVAL, "'(03:00.0))'" },
    { "(03:00.0", 9, EINVAL, "the end of the list" },
    { "(", 2, EINVAL, "the end of the list" },
    { "()", 2, EINVAL, "')'" },
    { "(03:00.0(03:02.0)", 9, EINVAL, "'(03:02.0)'" },
    { "(0000:03:00)", 12, EINVAL, "')'" },
    { "(03:00)", 7, EINVAL, "')'" },
    { "(03)", 4, EINVAL, "')'" },
    { "(03:00.0)(0000:82.0.0)", 20, EINVAL, "'.0)'" },
    { "(1:0:1:0:)", 7, EINVAL, "':0:)'" },
    { "(0b:00.0)(0b::00.1)", 14, EINVAL, "':00.1)'" },
    { "(0:0:0:0.0)", 7, EINVAL, "':0.0)'" },
    { "(03.00.0)", 4, EINVAL, "'.00.0)'" },
    /* blanks elsewhere */
    { "(03 :00.0)", 4, EINVAL, "a blank" },
    { "(03:00 .0)", 7, EINVAL, "a blank" },
    { "(03:00.0 )", 9, EINVAL, "a blank" },
    { "(03:00. *)", 9, EINVAL, "'*)'" },
    { "(03: *.*)", 6, EINVAL, "'*.*)'" },
    /* stars elsewhere */
    { "(03:*.0)", 7, EINVAL, "'0)'" },
    { "(0000:03:0*.0)", 11, EINVAL, "'*.0)'" },
    { "(03:00.0*)", 9, EINVAL, "'*)'" },
    { "(03:00.**)", 9, EINVAL, "'*)'" },
    { "(*:00.0)", 2, EINVAL, "'*:00.0)'" },
    { "(*:*.*)", 2, EINVAL, "'*:*.*)'" },
    { "(*)", 2, EINVAL, "'*)'" },
    { "(0000:*:*.*)", 8, EINVAL, "':*.*)'" },
    { "(0000:*:00.0)", 8, EINVAL, "':00.0)'" },
    /* what is no number */
    { "(-3:00.0)", 2, EINVAL, "'-3:00.0)'" },
    { "(+3:00.0)", 2, EINVAL, "'+3:00.0)'" },
    { "(03:00.-1)", 8, EINVAL, "'-1)'" },
    { "(03:0g.0)", 6, EINVAL, "'g.0)'" },
    { "(x3:00.0)", 2, EINVAL, "'x3:00.0)'" },
    { "(0x0x3:00.0)", 5, EINVAL, "'x3:00.0)'" },
    { "(10de:1c82)", 11, EINVAL, "')'" },
    { "'(03:00.0)'", 1, EINVAL, "''(03:00.0)''" },
    /* out of range; the first error counts, and a form before a range */
    { "(03:20.0)", 5, ERANGE, "slot 20 is above 1f: the kernel" },
    { "(03:00.8)", 8, ERANGE, "function 8 is above 7" },
    { "(100:00.0)", 2, ERANGE, "bus 100 is above ff" },
    { "(0:100:*.*)", 4, ERANGE, "bus 100 is above ff" },
    { "(10000:e1:00.0)", 2, ERANGE, "segment 10000 is above ffff" },
    { "(10000:e1:*.*)", 2, ERANGE, "segment 10000 is above ffff" },
    { "(ffffffff:00.0)", 2, ERANGE, "bus ffffffff is above ff" },
    { "(03:0.0)(03: 20.0),", 14, ERANGE, "slot 20 is above 1f" },
    { "(03:20.0,(03:00.0)", 9, EINVAL, "',(03:00.0)'" },
    { "(03:7fffffff.*)", 5, ERANGE, "slot 7fffffff is above 1f" },
};

/* Where the list is in what stands around it. */
static const struct {
    const char *text;
    unsigned int column;
    const char *list;
} around[] = {
    { "(3:0.0) (3:2.0)", 1, "(3:0.0) (3:2.0)" },
    { "\"(3:0.0) (3:2.0)\"", 2, "(3:0.0) (3:2.0)" },
    { "hide=(3:0.0)", 6, "(3:0.0)" },
    { "hide=", 6, "" },
    { "hide=\"(3:0.0) (3:2.0)\"", 7, "(3:0.0) (3:2.0)" },
    { "hide=\"(3:0.0)", 7, "(3:0.0)" },
    { "\"hide=(3:0.0) (3:2.0)\"", 7, "(3:0.0) (3:2.0)" },
    { "hide=(3:0.0) (3:2.0)", 6, "(3:0.0)" },
    { "xen-pciback.hide=(3:0.0) quiet", 18, "(3:0.0)" },
    { "quiet xen_pciback.hide=(3:0.0)\n", 24, "(3:0.0)" },
    { "pciback.hide=(3:0.0)", 14, "(3:0.0)" },
    { "a=\"b c\" hide=(3:0.0) (3:2.0)", 14, "(3:0.0)" },
    { "options xen-pciback hide=(3:0.0)\n", 26, "(3:0.0)" },
    { "options\txen-pciback passthrough=1 hide=\"(3:0.0) \" permissive", 41,
      "(3:0.0) " },
    { "hide=(3:0.0) hide=(3:2.0)", 19, "(3:2.0)" },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(good); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_hide_list_ struct xpci_hide_list list = { 0 };
        _cleanup_buf_ struct xpci_buf got = { 0 };

        if (xpci_hide_list_parse(good[i].text, &list, &err) < 0)
            fail_msg("'%s': %s", good[i].text, xpci_error_text(&err));
        for (size_t k = 0; k < list.n; k++)
            assert_int_equal(xpci_buf_printf(&got, "%zu %s%s|",
                                             list.v[k].at + 1, list.v[k].glob,
                                             list.v[k].odd ? "!" : ""),
                             0);
        assert_string_equal(got.data ? got.data : "", good[i].want);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_hide_list_ struct xpci_hide_list list = { 0 };
        int ret = xpci_hide_list_parse(bad[i].text, &list, &err);

        if (ret != -bad[i].code || list.bad + 1 != bad[i].column ||
            !strstr(xpci_error_text(&err), bad[i].reason))
            fail_msg("'%s': %d, column %zu: %s", bad[i].text, ret, list.bad + 1,
                     xpci_error_text(&err));
    }
}

static void test_around(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(around); i++) {
        _cleanup_hide_list_ struct xpci_hide_list list = { 0 };
        const char *text = around[i].text, *want = around[i].list;

        assert_int_equal(xpci_hide_list_parse(text, &list, NULL), 0);
        if (list.at + 1 != around[i].column || list.len != strlen(want) ||
            strncmp(text + list.at, want, list.len) != 0)
            fail_msg("'%s': column %zu: '%.*s'", text, list.at + 1,
                     (int)list.len, text + list.at);
        /* places are in the text, not in the list */
        if (list.n)
            assert_memory_equal(text + list.v[list.n - 1].at, "(3:", 3);
    }
}

static void test_format(void **state)
{
    static const struct xpci_bdf v[] = { { 0, 3, 0, 0 },
                                         { 0xffff, 0xff, 0x1f, 7 },
                                         { 0, 3, 2, 0 } };
    _cleanup_free_ char *text = NULL, *none = NULL;

    (void)state;
    assert_int_equal(xpci_hide_list_format(v, 3, &text, NULL), 0);
    assert_string_equal(text, "(0000:03:00.0)(ffff:ff:1f.7)(0000:03:02.0)");
    assert_int_equal(xpci_hide_list_format(NULL, 0, &none, NULL), 0);
    assert_string_equal(none, "");
}

static void test_format_refused(void **state)
{
    const struct xpci_bdf vmd = { 0x10000, 0xe1, 0, 0 };
    struct xpci_bdf v[74] = { { 0 } };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_free_ char *text = NULL;
    char *no = NULL;

    (void)state;
    assert_int_equal(xpci_hide_list_format(&vmd, 1, &no, &err), -ERANGE);
    assert_string_equal(err.msg, "cannot hide '10000:e1:00.0': xen-pciback "
                                 "takes no segment above ffff");
    assert_int_equal(xpci_hide_list_format(v, 73, &text, NULL), 0);
    assert_int_equal(strlen(text), 1022);
    assert_int_equal(xpci_hide_list_format(v, 74, &no, &err), -E2BIG);
    assert_non_null(strstr(err.msg, "has 1036 characters, the kernel takes "
                                    "1024"));
    assert_null(no);
}

/* 1024 characters are read, 1025 are not. */
static void test_length(void **state)
{
    _cleanup_hide_list_ struct xpci_hide_list full = { 0 }, over = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    char text[5 + 1025 + 1] = "hide=\"";

    (void)state;
    memset(text + 6, ' ', 1024);
    memcpy(text + 6, "(0:0.0)", 7);
    assert_int_equal(xpci_hide_list_parse(text, &full, NULL), 0);
    assert_int_equal(full.len, 1024);
    assert_int_equal(full.n, 1);
    text[5] = ' ';
    assert_int_equal(xpci_hide_list_parse(text + 5, &over, &err), -E2BIG);
    assert_int_equal(over.bad, 1024);
    assert_non_null(strstr(err.msg, "has 1025 characters, the kernel takes "
                                    "1024"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
        cmocka_unit_test(test_format), cmocka_unit_test(test_format_refused),
        cmocka_unit_test(test_around), cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
