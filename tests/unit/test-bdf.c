/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bdf.h"

static const struct {
    const char *text, *want;
} good[] = {
    { "0000:03:02.0", "0000:03:02.0" },
    { "03:02.0", "0000:03:02.0" },
    { "3:2.0", "0000:03:02.0" },
    { "3:2.7", "0000:03:02.7" },
    { "0:0.0", "0000:00:00.0" },
    { "ff:1f.7", "0000:ff:1f.7" },
    { "FF:1F.7", "0000:ff:1f.7" },
    { "aB:cD.0", NULL }, /* slot cd */
    { "1:03:02.0", "0001:03:02.0" },
    { "ffff:03:02.0", "ffff:03:02.0" },
    { "10000:e1:00.0", "10000:e1:00.0" }, /* VMD */
    { "ffffff:ff:1f.7", "ffffff:ff:1f.7" },
    { "000000:03:02.0", "0000:03:02.0" },
};

static const struct {
    const char *text;
    int want;
} bad[] = {
    { "", -EINVAL },
    { " ", -EINVAL },
    { "03:02", -EINVAL },
    { "03", -EINVAL },
    { "03:02.", -EINVAL },
    { "03:02.0x", -EINVAL },
    { "03:02.00", -EINVAL },
    { "03:02.0 ", -EINVAL },
    { " 03:02.0", -EINVAL },
    { "03:02.0\n", -EINVAL },
    { "03 :02.0", -EINVAL },
    { "03:02,0", -EINVAL },
    { "03.02.0", -EINVAL },
    { "0000:03:02:0", -EINVAL },
    { "0000.03:02.0", -EINVAL },
    { ":03:02.0", -EINVAL },
    { "::03:02.0", -EINVAL },
    { "0000::02.0", -EINVAL },
    { "0000:03:.0", -EINVAL },
    { "03:.0", -EINVAL },
    { ":02.0", -EINVAL },
    { "03:002.0", -EINVAL },
    { "0000:003:02.0", -EINVAL },
    { "0000:03:002.0", -EINVAL },
    { "0x3:02.0", -EINVAL },
    { "03:0x2.0", -EINVAL },
    { "03:02.0x0", -EINVAL },
    { "+3:02.0", -EINVAL },
    { "-3:02.0", -EINVAL },
    { "03:-2.0", -EINVAL },
    { "03:02.-0", -EINVAL },
    { "g3:02.0", -EINVAL },
    { "03:0g.0", -EINVAL },
    { "03:02.g", -EINVAL },
    { "0000:0000:03:02.0", -EINVAL },
    { "0000000:03:02.0", -EINVAL },
    { "03:02.*", -EINVAL },
    { "(03:02.0)", -EINVAL },
    { "03:02.0@7", -EINVAL },
    { "03:20.0", -ERANGE },
    { "3:20.0", -ERANGE },
    { "03:ff.0", -ERANGE },
    { "03:02.8", -ERANGE },
    { "0000:03:02.8", -ERANGE },
    { "03:02.f", -ERANGE },
    { "100:02.0", -EINVAL },
    { "003:02.0", -EINVAL },
    { "ffffff:02.0", -EINVAL },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(good); i++) {
        struct xpci_bdf bdf, again;
        char text[XPCI_BDF_SIZE];
        int ret = xpci_bdf_parse(good[i].text, &bdf);

        if (!good[i].want) {
            assert_int_equal(ret, -ERANGE);
            continue;
        }
        assert_int_equal(ret, 0);
        assert_string_equal(xpci_bdf_format(&bdf, text), good[i].want);
        /* what is printed can be read, and means the same */
        assert_int_equal(xpci_bdf_parse(text, &again), 0);
        assert_int_equal(xpci_bdf_cmp(&bdf, &again), 0);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        struct xpci_bdf bdf = { 1, 2, 3, 4 };
        int ret = xpci_bdf_parse(bad[i].text, &bdf);

        if (ret != bad[i].want)
            fail_msg("'%s': %d, not %d", bad[i].text, ret, bad[i].want);
        if (ret < 0) /* nothing is written */
            assert_true(bdf.segment == 1 && bdf.bus == 2 && bdf.slot == 3 &&
                        bdf.func == 4);
    }
}

/* Every byte behind, before and inside a good address spoils it. */
static void test_every_byte(void **state)
{
    static const char text[] = "0000:03:02.0";
    struct xpci_bdf bdf;

    (void)state;
    for (int c = 1; c < 256; c++) {
        char longer[sizeof(text) + 1];

        memcpy(longer, text, sizeof(text) - 1);
        longer[sizeof(text) - 1] = (char)c;
        longer[sizeof(text)] = '\0';
        assert_int_equal(xpci_bdf_parse(longer, &bdf), -EINVAL);
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
            char odd[sizeof(text)];

            memcpy(odd, text, sizeof(odd));
            odd[i] = (char)c;
            if (text[i] != '0' && text[i] != '2' && text[i] != '3' &&
                c != text[i])
                assert_int_equal(xpci_bdf_parse(odd, &bdf), -EINVAL);
            else if (!strchr("0123456789abcdefABCDEF", c))
                assert_true(c == text[i] || xpci_bdf_parse(odd, &bdf) < 0);
        }
    }
}

/* The length counts, not the NUL. */
static void test_length(void **state)
{
    struct xpci_bdf bdf;

    (void)state;
    assert_int_equal(xpci_bdf_parse_len("03:02.0,x", 7, &bdf), 0);
    assert_int_equal(xpci_bdf_parse_len("03:02.0", 6, &bdf), -EINVAL);
    assert_int_equal(xpci_bdf_parse_len("03:02.0\0", 8, &bdf), -EINVAL);
    for (size_t len = 0; len < 12; len++)
        assert_int_equal(xpci_bdf_parse_len("0000:03:02.0", len, &bdf),
                         -EINVAL);
}

static void test_pattern(void **state)
{
    struct xpci_bdf_pattern pat;
    struct xpci_bdf bdf;

    (void)state;
    assert_int_equal(xpci_bdf_pattern_parse("03:02.*", &pat), 0);
    assert_true(pat.all_funcs);
    assert_int_equal(pat.bdf.func, 0);
    assert_int_equal(xpci_bdf_parse("03:02.5", &bdf), 0);
    assert_true(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_parse("03:03.5", &bdf), 0);
    assert_false(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_parse("1:03:02.5", &bdf), 0);
    assert_false(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_pattern_parse("03:02.5", &pat), 0);
    assert_false(pat.all_funcs);
    assert_false(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_parse("03:02.5", &bdf), 0);
    assert_true(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_parse("03:02.4", &bdf), 0);
    assert_false(xpci_bdf_matches(&pat, &bdf));
    assert_int_equal(xpci_bdf_pattern_parse("03:*.*", &pat), -EINVAL);
    assert_int_equal(xpci_bdf_pattern_parse("*:02.*", &pat), -EINVAL);
    assert_int_equal(xpci_bdf_pattern_parse("03:02.**", &pat), -EINVAL);
    assert_int_equal(xpci_bdf_pattern_parse("03:02.0*", &pat), -EINVAL);
    assert_int_equal(xpci_bdf_pattern_parse("03:20.*", &pat), -ERANGE);
}

static void test_order(void **state)
{
    static const char *const sorted[] = {
        "0000:00:00.0", "0000:00:00.7", "0000:00:1f.0", "0000:01:00.0",
        "0000:ff:00.0", "0001:00:00.0", "ffff:00:00.0", "10000:00:00.0",
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(sorted); i++) {
        for (size_t k = 0; k < XPCI_ARRAY_SIZE(sorted); k++) {
            struct xpci_bdf a, b;
            int cmp;

            assert_int_equal(xpci_bdf_parse(sorted[i], &a), 0);
            assert_int_equal(xpci_bdf_parse(sorted[k], &b), 0);
            cmp = xpci_bdf_cmp(&a, &b);
            assert_int_equal((cmp > 0) - (cmp < 0), (i > k) - (i < k));
        }
    }
}

static void test_same_slot(void **state)
{
    const struct xpci_bdf a = { 0, 3, 2, 0 };

    (void)state;
    assert_true(xpci_bdf_same_slot(&a, &(struct xpci_bdf){ 0, 3, 2, 7 }));
    assert_false(xpci_bdf_same_slot(&a, &(struct xpci_bdf){ 0, 3, 3, 0 }));
    assert_false(xpci_bdf_same_slot(&a, &(struct xpci_bdf){ 0, 4, 2, 0 }));
    assert_false(xpci_bdf_same_slot(&a, &(struct xpci_bdf){ 1, 3, 2, 0 }));
}

/* Any value of the struct fits, not only those that parse. */
static void test_format_size(void **state)
{
    const struct xpci_bdf bdf = { UINT32_MAX, 0xff, 0xff, 0xff };
    char text[XPCI_BDF_SIZE];

    (void)state;
    assert_string_equal(xpci_bdf_format(&bdf, text), "ffffffff:ff:ff.ff");
}

static void test_vslot(void **state)
{
    static const struct {
        const char *text;
        int want; /* the slot or -errno */
    } t[] = {
        { "1", 1 },         { "7", 7 },         { "07", 7 },
        { "a", 10 },        { "1F", 0x1f },     { "1f", 0x1f },
        { "0", -ERANGE },   { "00", -ERANGE },  { "20", -ERANGE },
        { "ff", -ERANGE },  { "", -EINVAL },    { "007", -EINVAL },
        { "7x", -EINVAL },  { "0x7", -EINVAL }, { " 7", -EINVAL },
        { "7 ", -EINVAL },  { "-1", -EINVAL },  { "+1", -EINVAL },
        { "100", -EINVAL }, { "g", -EINVAL },   { "7.", -EINVAL },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        unsigned int slot = 99;
        int ret = xpci_vslot_parse(t[i].text, strlen(t[i].text), &slot);

        if ((ret < 0 ? ret : (int)slot) != t[i].want)
            fail_msg("'%s': %d %u", t[i].text, ret, slot);
        assert_true(ret == 0 || slot == 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_length),
        cmocka_unit_test(test_pattern),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_same_slot),  cmocka_unit_test(test_format_size),
        cmocka_unit_test(test_vslot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
