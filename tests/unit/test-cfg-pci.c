/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cfg-pci.h"
#include "test-cfg-cases.h"

static struct xpci_cfg *parse(const char *text)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_cfg *cfg = NULL;

    if (xpci_cfg_parse(text, strlen(text), "f", &cfg, &err) < 0)
        fail_msg("'%s': %s", text, xpci_error_text(&err));
    return cfg;
}

static void prints(const struct xpci_cfg *cfg, const char *want)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };

    assert_int_equal(xpci_cfg_print(cfg, &out), 0);
    assert_string_equal(out.data, want);
}

static int add(struct xpci_cfg *cfg, const char *text, struct xpci_error *err)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };

    assert_int_equal(xpci_pci_spec_parse(text, strlen(text), &spec, err), 0);
    return xpci_cfg_pci_add(cfg, &spec, NULL, err);
}

static void add_ok(struct xpci_cfg *cfg, const char *text)
{
    _cleanup_error_ struct xpci_error err = { 0 };

    if (add(cfg, text, &err) < 0)
        fail_msg("add '%s': %s", text, xpci_error_text(&err));
}

/* Of a spec or pattern: what stands before "@" and ",". */
static size_t remove_ok(struct xpci_cfg *cfg, const char *text)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_pci_spec dev = { 0 };
    size_t removed = 99;

    assert_int_equal(
        xpci_bdf_pattern_parse_len(text, strcspn(text, "@,"), &dev.dev), 0);
    if (xpci_cfg_pci_remove(cfg, &dev, &removed, &err) < 0)
        fail_msg("remove '%s': %s", text, xpci_error_text(&err));
    return removed;
}

/* The list reads as the specs in @want do. */
static void lists(const struct xpci_cfg *cfg, const char *want)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    size_t n = 0;

    assert_int_equal(xpci_cfg_pci_list(cfg, &list, NULL), 0);
    for (const char *p = want; *p; p += strcspn(p, "|") + 1, n++) {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
        _cleanup_free_ char *a = NULL, *b = NULL;

        assert_int_equal(xpci_pci_spec_parse(p, strcspn(p, "|"), &spec, NULL),
                         0);
        assert_true(n < list.n);
        a = xpci_pci_spec_format(&spec, true);
        b = xpci_pci_spec_format(&list.v[n].spec, true);
        assert_string_equal(a, b);
    }
    assert_int_equal(list.n, n);
}

static void test_add(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(add_cases); i++) {
        const struct edit_case *c = &add_cases[i];
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(c->before);

        add_ok(cfg, c->add);
        prints(cfg, c->after);
        lists(cfg, c->pci);
        add_ok(cfg, c->add);
        prints(cfg, c->after);
    }
}

static void test_add_remove(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(add_cases); i++) {
        const struct edit_case *c = &add_cases[i];
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(c->before);

        add_ok(cfg, c->add);
        assert_int_equal(remove_ok(cfg, c->add), 1);
        prints(cfg, c->before);
    }
}

/* Two devices on top, taken away in both orders, the file re-read. */
static void test_add_two(void **state)
{
    static const char *const order[][2] = { { "1a:00.1", "1a:00.0" },
                                            { "1a:00.0", "1a:00.1" } };

    (void)state;
    for (size_t i = 0; i < 2 * XPCI_ARRAY_SIZE(add_cases); i++) {
        const struct edit_case *c = &add_cases[i / 2];
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(c->before), *again = NULL;
        _cleanup_buf_ struct xpci_buf text = { 0 };

        add_ok(cfg, "1a:00.0@1e");
        add_ok(cfg, "1a:00.1@1f");
        assert_int_equal(xpci_cfg_print(cfg, &text), 0);
        again = parse(text.data);
        assert_int_equal(remove_ok(again, order[i % 2][0]), 1);
        assert_int_equal(remove_ok(again, order[i % 2][1]), 1);
        prints(again, c->before);
        assert_int_equal(remove_ok(cfg, "1a:00.*"), 2);
        prints(cfg, c->before);
    }
}

static void test_replace(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(replace_cases); i++) {
        const struct edit_case *c = &replace_cases[i];
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(c->before);

        add_ok(cfg, c->add);
        prints(cfg, c->after);
        lists(cfg, c->pci);
    }
}

static void test_remove(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(remove_cases); i++) {
        const struct edit_case *c = &remove_cases[i];
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(c->before);

        assert_int_equal(remove_ok(cfg, c->add) != 0,
                         strcmp(c->before, c->after) != 0);
        prints(cfg, c->after);
        lists(cfg, c->pci);
    }
}

static void refused(const char *text, const char *spec, int code,
                    const char *error)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = parse(text);

    assert_int_equal(add(cfg, spec, &err), code);
    assert_int_equal(err.kind, code == -EPERM ? XPCI_REFUSED : XPCI_FAILED);
    if (!strstr(err.msg, error))
        fail_msg("'%s': got \"%s\", not \"%s\"", text, err.msg, error);
    prints(cfg, text);
}

static void test_add_refused(void **state)
{
    (void)state;
    refused("pci=['04:00.0@7']", "03:02.0@7", -EPERM,
            "f:1:6: virtual slot '7' is taken by '0000:04:00.0@7'");
    refused("pci=['03:02.0@7','04:00.0@8']", "04:00.0@7", -EPERM,
            "f:1:6: virtual slot '7' is taken");
    refused("pci=['03:02.*']", "03:02.0", -EINVAL,
            "f:1:6: '0000:03:02.*' covers the same function");
    refused("pci=['03:02.0']", "03:02.*", -EINVAL,
            "f:1:6: '0000:03:02.0' covers the same function");
    refused("pci=['03:02.0','04:00.0',\n'03:02.0']", "03:02.0@7", -EINVAL,
            "f:2:1: '0000:03:02.0' is listed twice");
    refused("pci='04:00.0'", "03:02.0", -EINVAL,
            "f:1:5: 'pci' is a single value, not a list: xl ignores it");
    refused("pci=['04:00.0',['05:00.0']]", "03:02.0", -EINVAL,
            "f:1:16: a list inside the list 'pci'");
    refused("pci=['04:00.0',\n 'bdf=05:00.0@7']", "03:02.0", -EINVAL,
            "f:2:2: pci spec 'bdf=05:00.0@7': column 5: ");
    refused("pci=['00:1d.0-2@7']", "03:02.0", -EINVAL, "f:1:6: pci spec");
    refused("pci=[3]", "03:02.0", -EINVAL, "f:1:6: pci spec '3'");
    refused("a=1@", "03:02.0", -EINVAL, "f:1:4: a stray byte");
    refused("a=1\r", "03:02.0", -EINVAL, "f:1:4: a stray byte");
}

static void test_remove_refused(void **state)
{
    static const char *const cases[][2] = {
        { "pci=['03:02.0','x']", "f:1:16: pci spec 'x'" },
        { "pci=['03:02.*']", "f:1:6: '0000:03:02.0' is listed as a part" },
        { "pci=['03:02.0','03:02.*']", "f:1:16: '0000:03:02.0' is listed" },
        { "pci='03:02.0'", "f:1:5: 'pci' is a single value" },
    };
    const struct xpci_pci_spec dev = { .dev = { .bdf = { 0, 3, 2, 0 } } };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cases); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = parse(cases[i][0]);
        size_t removed;

        assert_int_equal(xpci_cfg_pci_remove(cfg, &dev, &removed, &err),
                         -EINVAL);
        if (!strstr(err.msg, cases[i][1]))
            fail_msg("got \"%s\", not \"%s\"", err.msg, cases[i][1]);
        prints(cfg, cases[i][0]);
    }
}

static void test_list_places(void **state)
{
    _cleanup_cfg_ struct xpci_cfg *cfg =
        parse("pci = [ '03:02.0@7' ]\npci += [\n\t\"04:00.0\" ]");
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };

    (void)state;
    assert_int_equal(xpci_cfg_pci_list(cfg, &list, NULL), 0);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.v[0].line, 1);
    assert_int_equal(list.v[0].column, 9);
    assert_int_equal(list.v[0].spec.vslot, 7);
    assert_int_equal(list.v[1].line, 3);
    assert_int_equal(list.v[1].column, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_add_remove),
        cmocka_unit_test(test_add_two),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_add_refused),
        cmocka_unit_test(test_list_places),
        cmocka_unit_test(test_remove_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
