/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain lists edited without touching another byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cfg-list.h"

static const char *const shapes[] = {
    "hide = [\n]\n",
    "# a comment\nhide = [\n    'a', # why\n]\n# the end\n",
    "hide = ['a', 'b']\n",
    "hide = [ \"a\" ] ; hide += [ 'b' ]\n",
    "",
    "# nothing yet\n",
};

static struct xpci_cfg *parse(const char *text)
{
    struct xpci_cfg *cfg = NULL;

    assert_int_equal(xpci_cfg_parse(text, strlen(text), "f", &cfg, NULL), 0);
    return cfg;
}

static void is_text(const struct xpci_cfg *cfg, const char *expected)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    assert_int_equal(xpci_cfg_print(cfg, &text), 0);
    assert_string_equal(text.data ? text.data : "", expected);
}

static void test_add_then_drop(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(shapes); i++) {
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(shapes[i]);
        _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };

        assert_int_equal(xpci_cfg_list_add(&cfg, "hide", "new,x=1", NULL), 0);
        assert_int_equal(xpci_cfg_list(cfg, "hide", &items, NULL), 0);
        assert_string_equal(items.v[items.n - 1].value, "new,x=1");
        assert_int_equal(xpci_cfg_list_drop(&cfg, "hide", "new,x=1", NULL), 0);
        is_text(cfg, shapes[i]);
    }
}

static void test_drop_all_equal(void **state)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = parse("hide = ['a', 'b', 'a']\n");

    (void)state;
    assert_int_equal(xpci_cfg_list_drop(&cfg, "hide", "a", NULL), 0);
    is_text(cfg, "hide = ['b']\n");
    assert_int_equal(xpci_cfg_list_drop(&cfg, "hide", "c", NULL), 0);
    is_text(cfg, "hide = ['b']\n");
}

static void test_only_key(void **state)
{
    static const char *const keys[] = { "hide", NULL };
    _cleanup_cfg_ struct xpci_cfg *good = parse("hide = ['a']\n");
    _cleanup_cfg_ struct xpci_cfg *bad = parse("hide = ['a']\nhdie = []\n");
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    assert_int_equal(xpci_cfg_only_keys(good, keys, NULL), 0);
    assert_int_equal(xpci_cfg_only_keys(bad, keys, &err), -EINVAL);
    assert_string_equal(xpci_error_text(&err),
                        "f:2:1: 'hdie' is no setting of xpci");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_then_drop),
        cmocka_unit_test(test_drop_all_equal),
        cmocka_unit_test(test_only_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
