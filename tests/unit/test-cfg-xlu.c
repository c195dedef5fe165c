/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same inputs through libxlutil, which is what xl runs: both accept or
 * both reject, and both see the same list. What differs on purpose is in the
 * tables below and in docs/design/cfg-grammar.md.
 *
 * Needs libxlutil: -DXPCI_HAVE_XLUTIL and -lxlutil -lxenlight.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#ifdef XPCI_HAVE_XLUTIL

#include <libxlutil.h>

#include "cfg-pci.h"
#include "test-cfg-cases.h"
#include "test-spec-cases.h"

static FILE *report;

/* NULL: rejected */
static XLU_Config *xlu_parse(const char *text, size_t len)
{
    XLU_Config *cfg = xlu_cfg_init(report, "f");

    assert_non_null(cfg);
    if (xlu_cfg_readdata(cfg, text, (int)len) == 0)
        return cfg;
    xlu_cfg_destroy(cfg);
    return NULL;
}

/* The list as "a|b|"; NULL: no list, or one with more than strings. */
static char *xlu_list(const XLU_Config *cfg, const char *key)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    XLU_ConfigList *list;
    const char *item;
    int n, r = xlu_cfg_get_list(cfg, key, &list, &n, 1);

    if (r == EINVAL)
        return NULL;
    for (int i = 0; r == 0 && i < n; i++) {
        item = xlu_cfg_get_listitem(list, i);
        if (!item)
            return NULL;
        assert_int_equal(xpci_buf_printf(&out, "%s|", item), 0);
    }
    return xpci_buf_steal(&out);
}

static int parse(const char *text, size_t len, struct xpci_cfg **cfg)
{
    *cfg = NULL;
    return xpci_cfg_parse(text, len, "f", cfg, NULL);
}

static void test_cases(void **state)
{
    (void)state;
    assert_true(XPCI_ARRAY_SIZE(cfg_cases) >= 60);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cfg_cases); i++) {
        const struct cfg_case *c = &cfg_cases[i];
        XLU_Config *xlu = xlu_parse(c->text, strlen(c->text));
        _cleanup_free_ char *list = xlu ? xlu_list(xlu, "pci") : NULL;

        if (!xlu != !!c->error)
            fail_msg("xl %s '%s'", xlu ? "accepts" : "rejects", c->text);
        if (xlu && (!list != !c->pci || (list && strcmp(list, c->pci) != 0)))
            fail_msg("xl reads '%s' from '%s'", list, c->text);
        if (xlu)
            xlu_cfg_destroy(xlu);
    }
}

static void test_strings(void **state)
{
    static const char text[] = "a='x'\na=\"y'\"\nb=1\nb+=2\nb+='z'\nd=0x1f\n"
                               "e=''\nf='\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"|'";
    XLU_Config *xlu = xlu_parse(text, strlen(text));
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

    (void)state;
    assert_non_null(xlu);
    assert_int_equal(parse(text, strlen(text), &cfg), 0);
    for (const char *key = "a\0b\0d\0e\0f\0"; *key; key += 2) {
        _cleanup_free_ char *ours = NULL;
        const char *theirs = NULL;

        assert_int_equal(xlu_cfg_get_string(xlu, key, &theirs, 1), 0);
        assert_int_equal(xpci_cfg_string(cfg, key, &ours, NULL), 0);
        assert_string_equal(ours, theirs);
    }
    xlu_cfg_destroy(xlu);
}

/* Accepted by xl, rejected here. */
static void test_divergences(void **state)
{
    static const char nul[] = "a=1 # \0\n";
    _cleanup_buf_ struct xpci_buf deep = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    XLU_Config *xlu = xlu_parse(nul, sizeof(nul) - 1);

    (void)state;
    assert_non_null(xlu);
    xlu_cfg_destroy(xlu);
    assert_int_equal(parse(nul, sizeof(nul) - 1, &cfg), -EINVAL);

    assert_int_equal(xpci_buf_puts(&deep, "a="), 0);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(xpci_buf_puts(&deep, "["), 0);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(xpci_buf_puts(&deep, "]"), 0);
    xlu = xlu_parse(deep.data, deep.len);
    assert_non_null(xlu);
    xlu_cfg_destroy(xlu);
    assert_int_equal(parse(deep.data, deep.len, &cfg), -EINVAL);
}

static void reads(const struct xpci_cfg *cfg, const char *want)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *list = NULL;
    XLU_Config *xlu;

    assert_int_equal(xpci_cfg_print(cfg, &text), 0);
    xlu = xlu_parse(text.data, text.len);
    if (!xlu)
        fail_msg("xl rejects '%s'", text.data);
    list = xlu_list(xlu, "pci");
    assert_non_null(list);
    assert_string_equal(list, want);
    xlu_cfg_destroy(xlu);
}

static void edit(const struct edit_case *c, bool add)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    size_t removed;

    assert_int_equal(parse(c->before, strlen(c->before), &cfg), 0);
    assert_int_equal(xpci_pci_spec_parse(c->add, strlen(c->add), &spec, NULL),
                     0);
    if (add)
        assert_int_equal(xpci_cfg_pci_add(cfg, &spec, NULL), 0);
    else
        assert_int_equal(xpci_cfg_pci_remove(cfg, &spec.dev, &removed, NULL),
                         0);
    reads(cfg, c->pci);
}

static void test_edits(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(add_cases); i++)
        edit(&add_cases[i], true);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(replace_cases); i++)
        edit(&replace_cases[i], true);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(remove_cases); i++)
        edit(&remove_cases[i], false);
}

static int xlu_spec(const char *text, libxl_device_pci *pci)
{
    XLU_Config *cfg = xlu_cfg_init(report, "f");
    int r;

    assert_non_null(cfg);
    libxl_device_pci_init(pci);
    r = xlu_pci_parse_spec_string(cfg, pci, text);
    xlu_cfg_destroy(cfg);
    return r;
}

static bool has(const struct xpci_pci_spec *spec, const char *option)
{
    return spec->options && strstr(spec->options, option);
}

static void same_spec(const char *text)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    const struct xpci_bdf *b = &spec.dev.bdf;
    libxl_device_pci pci;

    if (xlu_spec(text, &pci) != 0)
        fail_msg("xl rejects spec '%s'", text);
    if (xpci_pci_spec_parse(text, strlen(text), &spec, NULL) != 0)
        fail_msg("xpci rejects spec '%s'", text);
    assert_int_equal(pci.domain, b->segment);
    assert_int_equal(pci.bus, b->bus);
    assert_int_equal(pci.dev, b->slot);
    assert_int_equal(pci.func, b->func);
    assert_int_equal(pci.vfunc_mask == LIBXL_PCI_FUNC_ALL, spec.dev.all_funcs);
    assert_int_equal(pci.vdevfn >> 3, spec.vslot);
    assert_int_equal(pci.permissive, has(&spec, "permissive=1"));
    assert_int_equal(pci.seize, has(&spec, "seize=1"));
    assert_int_equal(pci.msitranslate, has(&spec, "msitranslate=1"));
    assert_int_equal(pci.power_mgmt, has(&spec, "power_mgmt=1"));
    if (has(&spec, "rdm_policy"))
        assert_int_equal(pci.rdm_policy == LIBXL_RDM_RESERVE_POLICY_STRICT,
                         has(&spec, "rdm_policy=strict"));
    if (pci.name || spec.name)
        assert_string_equal(pci.name, spec.name);
    libxl_device_pci_dispose(&pci);
}

static void test_specs(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(specs); i++) {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
        _cleanup_free_ char *text = NULL;

        same_spec(specs[i]);
        assert_int_equal(
            xpci_pci_spec_parse(specs[i], strlen(specs[i]), &spec, NULL), 0);
        text = xpci_pci_spec_format(&spec, i % 2);
        same_spec(text);
    }
}

static void test_specs_rejected(void **state)
{
    size_t n = XPCI_ARRAY_SIZE(misread), m = XPCI_ARRAY_SIZE(bad_specs);

    (void)state;
    for (size_t i = 0; i < n + m; i++) {
        const char *text = i < n ? misread[i] : bad_specs[i - n];
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
        libxl_device_pci pci;

        if ((xlu_spec(text, &pci) == 0) != (i < n))
            fail_msg("xl %s spec '%s'", i < n ? "rejects" : "accepts", text);
        libxl_device_pci_dispose(&pci);
        if (xpci_pci_spec_parse(text, strlen(text), &spec, NULL) != -EINVAL)
            fail_msg("xpci accepts spec '%s'", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_edits), cmocka_unit_test(test_divergences),
        cmocka_unit_test(test_specs), cmocka_unit_test(test_specs_rejected),
    };
    int ret;

    report = fopen("/dev/null", "w");
    if (!report)
        return 1;
    ret = cmocka_run_group_tests(tests, NULL, NULL);
    fclose(report);
    return ret;
}

#else

static void test_nothing(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
