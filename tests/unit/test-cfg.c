/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cfg.h"
#include "lex.h"
#include "test-cfg-cases.h"

static struct xpci_cfg *parse(const char *text)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_cfg *cfg = NULL;

    if (xpci_cfg_parse(text, strlen(text), "f", &cfg, &err) < 0)
        fail_msg("'%s': %s", text, xpci_error_text(&err));
    return cfg;
}

static void rejected(const char *text, size_t len, const char *error)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

    /* if it is xm's instead, test-xm.c has it */
    if (xpci_cfg_parse(text, len, "f", &cfg, &err) < 0)
        assert_null(cfg);
    else
        err.msg = strdup(xpci_cfg_xl_error(cfg) ? xpci_cfg_xl_error(cfg) : "");
    if (xpci_error_text(&err)[0] != 'f' || !strstr(err.msg, error) ||
        strchr(err.msg, '\n'))
        fail_msg("'%s': got \"%s\", not \"f%s\"", text, err.msg, error);
}

static void accepted(const char *text)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = parse(text);
    _cleanup_buf_ struct xpci_buf out = { 0 };

    assert_int_equal(xpci_cfg_print(cfg, &out), 0);
    assert_string_equal(out.data, text);
}

static void test_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cfg_cases); i++) {
        const struct cfg_case *c = &cfg_cases[i];

        if (c->error)
            rejected(c->text, strlen(c->text), c->error);
        else
            accepted(c->text);
    }
}

static void test_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cfg_cases); i++) {
        const struct cfg_case *c = &cfg_cases[i];
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
        _cleanup_buf_ struct xpci_buf got = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
        int ret;

        if (c->error)
            continue;
        cfg = parse(c->text);
        ret = xpci_cfg_list(cfg, "pci", &items, &err);
        assert_int_equal(ret, c->pci ? 0 : -EINVAL);
        for (size_t k = 0; k < items.n; k++)
            assert_int_equal(xpci_buf_printf(&got, "%s|", items.v[k].value), 0);
        if (c->pci)
            assert_string_equal(got.data ? got.data : "", c->pci);
        else
            assert_memory_equal(err.msg, "f:", 2);
    }
}

static void test_list_places(void **state)
{
    _cleanup_cfg_ struct xpci_cfg *cfg =
        parse("a=1\npci = [ '\xc3\xa9',\n\t\"b\" ]; pci += [3]");
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };

    (void)state;
    assert_int_equal(xpci_cfg_list(cfg, "pci", &items, NULL), 0);
    assert_int_equal(items.n, 3);
    assert_int_equal(items.v[0].line, 2);
    assert_int_equal(items.v[0].column, 9);
    assert_int_equal(items.v[1].line, 3);
    assert_int_equal(items.v[1].column, 2);
    assert_int_equal(items.v[2].line, 3);
    assert_int_equal(items.v[2].column, 17);
    assert_string_equal(items.v[2].value, "3");
}

static void test_string(void **state)
{
    _cleanup_cfg_ struct xpci_cfg *cfg =
        parse("a='x'\na=\"y'\"\nb=1\nb+=2\nb+='z'\nc=[]\nd=0x1f;e=''");
    static const char *const want[][2] = {
        { "a", "y'" }, { "b", "12z" }, { "d", "0x1f" },
        { "e", "" },   { "aa", NULL }, { "", NULL },
    };
    _cleanup_error_ struct xpci_error err = { 0 };
    char *value;

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(want); i++) {
        assert_int_equal(xpci_cfg_string(cfg, want[i][0], &value, NULL), 0);
        if (want[i][1])
            assert_string_equal(value, want[i][1]);
        else
            assert_null(value);
        free(value);
    }
    assert_int_equal(xpci_cfg_string(cfg, "c", &value, &err), -EINVAL);
    assert_string_equal(err.msg, "f:6:3: 'c' is a list, not a single value");
    assert_null(value);
}

static void test_nul(void **state)
{
    (void)state;
    rejected("a=1\nb='x\0y'\n", 11, ":2:5: a NUL byte");
    rejected("#\0\n", 3, ":1:2: a NUL byte");
    rejected("\0", 1, ":1:1: a NUL byte");
}

static void test_depth(void **state)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    (void)state;
    assert_int_equal(xpci_buf_puts(&text, "a="), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(xpci_buf_puts(&text, "["), 0);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(xpci_buf_puts(&text, "]"), 0);
    accepted(text.data);
    text.data[1] = ' ';
    text.data[2] = '=';
    text.data[1002] = '[';
    rejected(text.data, text.len, ":1:2003: ");
    for (int i = 0; i < 300000; i++)
        assert_int_equal(xpci_buf_puts(&text, "["), 0);
    memset(text.data + 3, '[', text.len - 3);
    rejected(text.data, text.len, ":1:1004: lists nested too deeply");
}

/* Of a file of one line and of one of many, from any place to any other. */
static void test_seek(void **state)
{
    static const char text[] = "ab\n\nc\n'd'";
    static const unsigned int want[][2] = {
        { 1, 1 }, { 1, 2 }, { 1, 3 }, { 2, 1 }, { 3, 1 },
        { 3, 2 }, { 4, 1 }, { 4, 2 }, { 4, 3 }, { 4, 4 },
    };
    size_t n = XPCI_ARRAY_SIZE(want);

    (void)state;
    assert_int_equal(n, sizeof(text));
    for (size_t i = 0; i < n * n; i++) {
        struct xpci_place place = { 0 };

        xpci_lex_seek(text, &place, i / n);
        xpci_lex_seek(text, &place, i % n);
        assert_int_equal(place.line, want[i % n][0]);
        assert_int_equal(place.column, want[i % n][1]);
        assert_int_equal(place.off, i % n);
    }
}

/* Every byte in exactly one token. */
static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cfg_cases); i++) {
        _cleanup_toks_ struct xpci_toks toks = { 0 };
        const char *text = cfg_cases[i].text;
        size_t at = 0;
        bool whole = xpci_lex(text, strlen(text), "f", &toks, NULL) == 0;

        assert_int_equal(toks.v[0].off, 0);
        for (size_t k = 1; k < toks.n; k++) {
            assert_true(toks.v[k].off > at);
            at = toks.v[k].off;
        }
        if (whole)
            assert_int_equal(at, strlen(text));
        assert_int_equal(toks.v[toks.n - 1].type, XPCI_TOK_END);
    }
}

/* Far above any real one is read, and what is refused is not looked at. */
static void test_too_large(void **state)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_toks_ struct xpci_toks toks = { 0 };
    _cleanup_free_ char *large = calloc(1, (size_t)10 << 20);

    (void)state;
    assert_non_null(large);
    memset(large, ';', (size_t)10 << 20);
    assert_int_equal(xpci_lex(large, (size_t)10 << 20, "f", &toks, &err), 0);
    xpci_toks_clear(&toks);
    assert_int_equal(xpci_lex("", ((size_t)16 << 20) + 1, "f", &toks, &err),
                     -EFBIG);
    assert_string_equal(err.msg, "f: too large");
    assert_null(toks.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grammar),     cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_places), cmocka_unit_test(test_string),
        cmocka_unit_test(test_nul),         cmocka_unit_test(test_depth),
        cmocka_unit_test(test_seek),        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
