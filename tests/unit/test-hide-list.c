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

static const struct {
    const char *text, *want;
} good[] = {
    { "", "" },
    { " \n", "" },
    { "(0000:03:00.0)", "0000:03:00.0|" },
    { "(0000:03:00.0)(0000:03:02.0)", "0000:03:00.0|0000:03:02.0|" },
    { "\t(03:00.0) (0001:03:02.7)\n", "0000:03:00.0|0001:03:02.7|" },
    { "(3:0.0)(A:1B.0)", "0000:03:00.0|0000:0a:1b.0|" },
    { "(03:00.*)(ffff:ff:1f.*)", "0000:03:00.*|ffff:ff:1f.*|" },
    { "(03:00.0)(03:00.0)", "0000:03:00.0|0000:03:00.0|" },
};

static const struct {
    const char *text;
    unsigned int column;
    const char *reason;
} bad[] = {
    { "0000:03:00.0", 1, "expected '('" },
    { "(03:00.0),(03:02.0)", 10, "expected '(' and nothing between" },
    { "(03:00.0)x", 10, "expected '('" },
    { "((03:00.0))", 2, "expected ')' behind '('" },
    { "(03:00.0", 9, "expected ')' behind '(03:00.0'" },
    { "(", 2, "expected ')' behind '('" },
    { "(03:00.0(03:02.0)", 9, "expected ')' behind '(03:00.0'" },
    { "( 03:00.0)", 2, "expected ')'" },
    { "(03:00.0 )", 9, "expected ')'" },
    { "()", 2, "'' is not of the form ssss:bb:dd.f" },
    { "(03:00)", 2, "'03:00' is not of the form" },
    { "(03:00.0)(0000:82.0.0)", 11, "'0000:82.0.0' is not of the form" },
    { "(1:0:1:0:)", 2, "'1:0:1:0:' is not of the form" },
    { "(0b:00.0)(0b::00.1)", 11, "'0b::00.1' is not of the form" },
    { "(03:*.0)", 2, "'03:*.0' is not of the form" },
    { "(03:*.*)", 2, "'03:*.*' takes a whole bus" },
    { "(0x3:0.0)", 2, "'0x3:0.0' is not of the form" },
    { "(03:20.0)", 2, "'03:20.0' is out of range" },
    { "(03:00.8)", 2, "'03:00.8' is out of range" },
    { "(10000:e1:00.0)", 2, "'10000:e1:00.0' is out of range" },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(good); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_free_ struct xpci_bdf_pattern *v = NULL;
        _cleanup_buf_ struct xpci_buf got = { 0 };
        char text[XPCI_BDF_SIZE];
        size_t n;

        if (xpci_hide_list_parse(good[i].text, &v, &n, &err) < 0)
            fail_msg("'%s': %s", good[i].text, xpci_error_text(&err));
        for (size_t k = 0; k < n; k++) {
            xpci_bdf_format(&v[k].bdf, text);
            if (v[k].all_funcs)
                text[strlen(text) - 1] = '*';
            assert_int_equal(xpci_buf_printf(&got, "%s|", text), 0);
        }
        assert_string_equal(got.data ? got.data : "", good[i].want);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_free_ struct xpci_bdf_pattern *v = NULL;
        _cleanup_free_ char *want = NULL;
        size_t n;

        assert_true(asprintf(&want, "hide list: column %u: %s", bad[i].column,
                             bad[i].reason) > 0);
        assert_int_equal(xpci_hide_list_parse(bad[i].text, &v, &n, &err),
                         -EINVAL);
        assert_null(v);
        if (strncmp(err.msg, want, strlen(want)) != 0)
            fail_msg("got \"%s\", not \"%s\"", err.msg, want);
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
    _cleanup_free_ struct xpci_bdf_pattern *v = NULL;
    char text[1026];
    size_t n;

    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, "(0:0.0)", 7);
    text[1025] = '\0';
    assert_int_equal(xpci_hide_list_parse(text, &v, &n, NULL), -E2BIG);
    text[1024] = '\0';
    assert_int_equal(xpci_hide_list_parse(text, &v, &n, NULL), 0);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
        cmocka_unit_test(test_format), cmocka_unit_test(test_format_refused),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
