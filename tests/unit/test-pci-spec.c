/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pci-spec.h"

static const struct {
    const char *text, *plain, *with_segment;
    unsigned int vslot;
    const char *name, *options;
} good[] = {
    { "03:02.0", "03:02.0", "0000:03:02.0", 0, NULL, NULL },
    { "0000:03:02.0", "03:02.0", "0000:03:02.0", 0, NULL, NULL },
    { "1:3:2.7", "0001:03:02.7", "0001:03:02.7", 0, NULL, NULL },
    { "FFFF:FF:1F.7", "ffff:ff:1f.7", "ffff:ff:1f.7", 0, NULL, NULL },
    { "03:02.*", "03:02.*", "0000:03:02.*", 0, NULL, NULL },
    { "03:02.*@1C", "03:02.*@1c", "0000:03:02.*@1c", 0x1c, NULL, NULL },
    { "03:02.0@07", "03:02.0@7", "0000:03:02.0@7", 7, NULL, NULL },
    { "03:02.0,", "03:02.0", "0000:03:02.0", 0, NULL, NULL },
    { "03:02.0@7,permissive=1,seize=0,", "03:02.0@7,permissive=1,seize=0",
      "0000:03:02.0@7,permissive=1,seize=0", 7, NULL, "permissive=1,seize=0" },
    { "power_mgmt=1,vslot=7,bdf=03:02.0,msitranslate=0",
      "03:02.0@7,power_mgmt=1,msitranslate=0",
      "0000:03:02.0@7,power_mgmt=1,msitranslate=0", 7, NULL,
      "power_mgmt=1,msitranslate=0" },
    { "03:02.0,rdm_policy=relaxed", "03:02.0,rdm_policy=relaxed",
      "0000:03:02.0,rdm_policy=relaxed", 0, NULL, "rdm_policy=relaxed" },
    { "03:02.0,rdm_policy=strict", "03:02.0,rdm_policy=strict",
      "0000:03:02.0,rdm_policy=strict", 0, NULL, "rdm_policy=strict" },
    { "name=my card", "name=my card", "name=my card", 0, "my card", NULL },
    { "seize=1,name=a=b,vslot=1f,", "name=a=b,vslot=1f,seize=1",
      "name=a=b,vslot=1f,seize=1", 0x1f, "a=b", "seize=1" },
};

static const struct {
    const char *text;
    unsigned int column;
    const char *reason;
} bad[] = {
    { "", 1, "'' is not a PCI address ([ssss:]bb:dd.f, hexadecimal)" },
    { "03.02.0", 1, "'03.02.0' is not a PCI address" },
    { "03:02", 1, "'03:02' is not a PCI address" },
    { " 03:02.0", 1, "' 03:02.0' is not a PCI address" },
    { "03:02.0 ", 1, "'03:02.0 ' is not a PCI address" },
    { "03:02.0junk@7", 1, "'03:02.0junk' is not a PCI address" },
    { "00:1d.0-2@7", 1,
      "xl rejects several functions in one entry, as in '00:1d.0-2'" },
    { "00:1d.0,2-4,permissive=1", 1, "as in '00:1d.0,2-4' (xm took them)" },
    { "00:1d.2=0", 1, "as in '00:1d.2=0' (xm took them); write an entry" },
    { "bdf=00:1d.0-2", 5, "'00:1d.0-2' is not a PCI address" },
    { "03:02.0,msitranslate=yes", 22, "'yes' is neither 0 nor 1" },
    { "100000003:02.0", 1, "'100000003:02.0' is not a PCI address" },
    { "03:20.0", 1, "'03:20.0' is out of range: a bus is up to ff" },
    { "03:02.8", 1, "out of range" },
    { "10000:e1:00.0", 1, "the segment of '10000:e1:00.0' is above ffff" },
    { "bdf=10000:e1:00.0", 5, "the segment of '10000:e1:00.0' is above ffff" },
    { "03:02.0@20", 9,
      "virtual slot '20' is not within 1 to 1f (hexadecimal)" },
    { "03:02.0@0", 9, "virtual slot '0' is not within" },
    { "03:02.0@", 9, "virtual slot '' is not within" },
    { "03:02.0@7x", 9, "virtual slot '7x' is not within" },
    { "03:02.0@7@8", 9, "virtual slot '7@8' is not within" },
    { "03:02.0@-1", 9, "virtual slot '-1' is not within" },
    { "03:02.0,vslot=0x7", 15, "virtual slot '0x7' is not within" },
    { "03:02.0@5,vslot=7", 11, "'vslot' is given twice" },
    { "03:02.0,bdf=04:00.0", 9, "'bdf' is given twice" },
    { "03:02.0,seize=0,seize=1", 17, "'seize' is given twice" },
    { "bdf=03:02.0@7", 5, "xl ignores the virtual slot in 'bdf=03:02.0@7'" },
    { "bdf=03:02.0x", 5, "'03:02.0x' is not a PCI address" },
    { "bdf=", 5, "'' is not a PCI address" },
    { "03:02.0,permissive=yes", 20, "'yes' is neither 0 nor 1" },
    { "03:02.0,permissive=", 20, "'' is neither 0 nor 1" },
    { "03:02.0,permissive=2", 20, "'2' is neither 0 nor 1" },
    { "03:02.0,permissive", 9, "'permissive' needs a value" },
    { "03:02.0,rdm_policy=host", 20, "'host' is neither strict nor relaxed" },
    { "03:02.0,foo=1", 9, "unknown option 'foo'" },
    { "03:02.0,permissiv=1", 9, "unknown option 'permissiv'" },
    { "03:02.0,04:00.0", 9, "unknown option '04:00.0'" },
    { "03:02.0, seize=1", 9, "no blanks may stand before option ' seize'" },
    { "03:02.0,,", 9, "an option is missing" },
    { "03:02.0,=1", 9, "an option is missing" },
    { "permissive=1,03:02.0", 14, "unknown option '03:02.0'" },
    { "permissive=1", 1, "'permissive=1' names no device" },
    { "03:02.0,name=x", 1, "has both an address and a name" },
    { "name=", 6, "the name is empty" },
    { "name=a\nb", 7, "unprintable character in '?b'" },
};

static void parse(const char *text, struct xpci_pci_spec *spec)
{
    _cleanup_error_ struct xpci_error err = { 0 };

    if (xpci_pci_spec_parse(text, strlen(text), spec, &err) < 0)
        fail_msg("%s", xpci_error_text(&err));
}

static void formats(const struct xpci_pci_spec *spec, bool with_segment,
                    const char *want)
{
    _cleanup_free_ char *text = xpci_pci_spec_format(spec, with_segment);
    _cleanup_free_ char *again = NULL;
    _cleanup_pci_spec_ struct xpci_pci_spec back = { 0 };

    assert_string_equal(text, want);
    parse(text, &back);
    again = xpci_pci_spec_format(&back, with_segment);
    assert_string_equal(again, want);
}

static void same(const char *a, const char *b)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_string_equal(a, b);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(good); i++) {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };

        parse(good[i].text, &spec);
        assert_int_equal(spec.vslot, good[i].vslot);
        same(spec.name, good[i].name);
        same(spec.options, good[i].options);
        formats(&spec, false, good[i].plain);
        formats(&spec, true, good[i].with_segment);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_free_ char *place = NULL;
        struct xpci_pci_spec spec;
        const char *text = bad[i].text, *p;

        assert_int_equal(xpci_pci_spec_parse(text, strlen(text), &spec, &err),
                         -EINVAL);
        assert_true(asprintf(&place, "': column %u: ", bad[i].column) > 0);
        p = strstr(err.msg, place);
        if (strncmp(err.msg, "pci spec '", 10) != 0 || !p ||
            !strstr(p, bad[i].reason) || strchr(err.msg, '\n'))
            fail_msg("got \"%s\", not \"%s%s\"", err.msg, place, bad[i].reason);
        /* the message is worth nothing, the code everything */
        assert_int_equal(xpci_pci_spec_parse(text, strlen(text), &spec, NULL),
                         -EINVAL);
    }
}

/* As xend's util/pci.py reads them. */
static const struct {
    const char *text, *printed; /* NULL: rejected */
    const char *funcs;
    unsigned int mask, vslot;
} xm[] = {
    { "00:1d.0", "00:1d.0", NULL, 0x01, 0 },
    { "00:1d.*@7", "00:1d.*@7", NULL, 0xff, 7 },
    { "00:1d.0-2@7", "00:1d.0-2@7", "0-2", 0x07, 7 },
    { "0:1d.0-2", "00:1d.0-2", "0-2", 0x07, 0 },
    { "0001:00:1D.7-5,1", "0001:00:1d.7-5,1", "7-5,1", 0xe2, 0 },
    { "00:1d.0,2-4@1F,", "00:1d.0,2-4@1f", "0,2-4", 0x1d, 0x1f },
    { "00:1d.2=0,1=1", "00:1d.2=0,1=1", "2=0,1=1", 0x06, 0 },
    { "00:1d.2=0-4=2,msitranslate=yes", "00:1d.2=0-4=2,msitranslate=yes",
      "2=0-4=2", 0x1c, 0 },
    { "00:1d.0,power_mgmt=no,msitranslate=1",
      "00:1d.0,power_mgmt=no,msitranslate=1", NULL, 0x01, 0 },
    { "00:1d.0,1,2,3,4,5,6,7", "00:1d.0,1,2,3,4,5,6,7", "0,1,2,3,4,5,6,7", 0xff,
      0 },
    /* what an edit may have put there */
    { "00:1d.0,permissive=1", "00:1d.0,permissive=1", NULL, 0x01, 0 },
    { "00:1d.0,power_mgmt=maybe", NULL, NULL, 0, 0 },
    { "00:1d.0,permissive=yes", NULL, NULL, 0, 0 },
    { "00:1d.0,0", NULL, NULL, 0, 0 },
    { "00:1d.0-2,2", NULL, NULL, 0, 0 },
    { "00:1d.0-", NULL, NULL, 0, 0 },
    { "00:1d.-2", NULL, NULL, 0, 0 },
    { "00:1d.0-8", NULL, NULL, 0, 0 },
    { "00:1d.0-2-4", NULL, NULL, 0, 0 },
    { "00:1d.00", NULL, NULL, 0, 0 },
    { "00:1d.0=1=2", NULL, NULL, 0, 0 },
    { "00:1d.0,,1", NULL, NULL, 0, 0 },
    { "00:1d.0,1x", NULL, NULL, 0, 0 },
    { "00:1d.0,04:00.0", NULL, NULL, 0, 0 },
    { "00:1d.0-2@7@8", NULL, NULL, 0, 0 },
    { "00:3d.0-2", NULL, NULL, 0, 0 },
    { "x=00:1d.0-2", NULL, NULL, 0, 0 },
};

static void test_xm(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(xm); i++) {
        _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
        _cleanup_free_ char *text = NULL;
        int ret = xpci_pci_spec_read(xm[i].text, strlen(xm[i].text), true,
                                     &spec, NULL);
        struct xpci_bdf bdf = spec.dev.bdf;

        if (ret != (xm[i].printed ? 0 : -EINVAL))
            fail_msg("'%s': %d", xm[i].text, ret);
        if (ret < 0)
            continue;
        text = xpci_pci_spec_format(&spec, false);
        assert_string_equal(text, xm[i].printed);
        same(spec.funcs, xm[i].funcs);
        assert_int_equal(spec.vslot, xm[i].vslot);
        assert_true(spec.dev.all_funcs || !spec.funcs);
        for (bdf.func = 0; bdf.func < 8; bdf.func++)
            assert_int_equal(xpci_pci_spec_covers(&spec, &bdf),
                             xm[i].mask >> bdf.func & 1);
        bdf.func = spec.dev.bdf.func;
        bdf.bus++;
        assert_false(xpci_pci_spec_covers(&spec, &bdf));
    }
}

static void test_covers_no_name(void **state)
{
    struct xpci_pci_spec spec = { .name = (char[]){ "x" } };

    (void)state;
    assert_false(xpci_pci_spec_covers(&spec, &(struct xpci_bdf){ 0 }));
}

static void test_overlaps_by_name(void **state)
{
    struct xpci_pci_spec x = { .name = (char[]){ "x" } };
    struct xpci_pci_spec y = { .name = (char[]){ "y" } };
    struct xpci_pci_spec card = { 0 };

    (void)state;
    assert_true(xpci_pci_spec_overlaps(&x, &x));
    assert_false(xpci_pci_spec_overlaps(&x, &y));
    assert_false(xpci_pci_spec_overlaps(&x, &card));
    assert_false(xpci_pci_spec_overlaps(&card, &x));
}

static void test_len(void **state)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    assert_int_equal(xpci_pci_spec_parse("03:02.0@1f", 9, &spec, NULL), 0);
    assert_int_equal(spec.vslot, 1);
    assert_int_equal(xpci_pci_spec_parse("03:02.0\0", 8, &spec, &err), -EINVAL);
    assert_string_equal(err.msg, "pci spec '03:02.0?': column 8: unprintable "
                                 "character in '?'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
        cmocka_unit_test(test_xm),   cmocka_unit_test(test_covers_no_name),
        cmocka_unit_test(test_len),  cmocka_unit_test(test_overlaps_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
