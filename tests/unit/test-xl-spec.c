/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of xl's reading of a PCI spec: by example, and, where libxlutil
 * is installed, against it over many strings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "xl-spec.h"

/* What the release makes of it; "?": undefined, NULL: rejected. */
static char *reading(const char *text, enum xpci_xl_release release)
{
    struct xpci_xl_spec spec;
    char *s;

    switch (xpci_xl_spec_read(text, release, &spec)) {
    case XPCI_XL_REJECTED:
        return NULL;
    case XPCI_XL_UNDEFINED:
        s = strdup("?");
        break;
    default:
        s = xpci_xl_spec_format(&spec);
    }
    assert_non_null(s);
    return s;
}

static void check(const char *text, enum xpci_xl_release release,
                  const char *want)
{
    _cleanup_free_ char *have = reading(text, release);

    if (!have != !want || (have && strcmp(have, want) != 0))
        fail_msg("'%s' is read as '%s', not '%s'", text,
                 have ? have : "(rejected)", want ? want : "(rejected)");
}

/* The last two: 4.15 and newer, 4.14 and older (read in its source). */
static const char *const examples[][3] = {
    { "03:02.0@7", "0000:03:02.0@7", "0000:03:02.0@7" },
    { "1:03:02.7,seize=1,power_mgmt=1", "0001:03:02.7,seize=1,power_mgmt=1",
      "0001:03:02.7,seize=1,power_mgmt=1" },
    { "03:02.*@7,msitranslate=1", "0000:03:02.*@7,msitranslate=1",
      "0000:03:02.*@7,msitranslate=1" },
    { "03:02.0@20", NULL, "0000:03:02.0@20" },
    { "03:02.0@100", NULL, NULL },
    { "03:02.0@0", "0000:03:02.0", "0000:03:02.0" },
    { "03:3f.0", NULL, "0000:03:3f.0" },
    { "03:02", "?", NULL },
    { "0000:03:02", "?", NULL },
    { "0000: 03:02.0", "?", "0000:03:02.0" },
    { "bdf=03:02", "?", NULL },
    { "03:20", NULL, NULL },
    { "03:02.0,", "0000:03:02.0", NULL },
    { "03:02.0,permissive=1,", "0000:03:02.0,permissive=1", NULL },
    { "03:02.0,,", NULL, NULL },
    { "03:02.0,permissive", NULL, NULL },
    { "03:02.0,permissive=yes,seize=2", "0000:03:02.0,seize=1",
      "0000:03:02.0,seize=1" },
    { "03:02.0,permissive=1,permissive=0", "0000:03:02.0", "0000:03:02.0" },
    { "03:02.0,foo=1", NULL, "0000:03:02.0" },
    { "03:02.0, permissive=1", NULL, "0000:03:02.0" },
    { "03:02.0,vslot=7", "0000:03:02.0@7", "0000:03:02.0" },
    { "03:02.0@5,vslot=7", "0000:03:02.0@7", "0000:03:02.0@5" },
    { "03:02.0,bdf=04:00.0", "0000:04:00.0", "0000:03:02.0" },
    { "bdf=03:02.0@7", "0000:03:02.0", NULL },
    { "bdf=03:02.0,vslot=7x", "0000:03:02.0@7", NULL },
    { "name=card,vslot=3", "name=card,vslot=3", NULL },
    { "name=", "name=", NULL },
    { "03:02.0,name=card", NULL, "0000:03:02.0" },
    { "03:02.0,rdm_policy=relaxed", "0000:03:02.0,rdm_policy=relaxed",
      "0000:03:02.0,rdm_policy=relaxed" },
    { "03:02.0,rdm_policy=Strict", "0000:03:02.0,rdm_policy=strict", NULL },
    { "03:02.0,rdm_policy=invalid", "0000:03:02.0", NULL },
    { "03:02.0x", "0000:03:02.0", NULL },
    { "03: 2.0@ 7", "0000:03:02.0@7", "0000:03:02.0@7" },
    { " 03:02.0", NULL, "0000:03:02.0" },
    { "03:02.0 ", NULL, NULL },
    { "0x03:02.0", NULL, "0000:03:02.0" },
    { "+3:02.0", NULL, "0000:03:02.0" },
    { "100000003:02.0", "0000:03:02.0", "0000:03:02.0" },
    { "10000:03:02.0", NULL, NULL },
    { "00:1d.0-2", NULL, NULL },
    { "03:.0", NULL, NULL },
    { "03:02.", NULL, NULL },
    { "", NULL, NULL },
};

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(examples); i++) {
        check(examples[i][0], XPCI_XL_4_15, examples[i][1]);
        check(examples[i][0], XPCI_XL_4_14, examples[i][2]);
    }
}

#ifdef XPCI_HAVE_XLUTIL

#include <libxlutil.h>

#include "test-spec-cases.h"

#define GENERATED 400000

static XLU_Config *xlu;

/* What libxlutil makes of it, in the form of reading(). */
static char *truth(const char *text)
{
    libxl_device_pci pci;
    char *s = NULL;

    libxl_device_pci_init(&pci);
    if (xlu_pci_parse_spec_string(xlu, &pci, text) == 0) {
        struct xpci_xl_spec spec = {
            .dev.bdf = { (uint32_t)pci.domain, pci.bus, pci.dev, pci.func },
            .dev.all_funcs = pci.vfunc_mask == LIBXL_PCI_FUNC_ALL,
            .vslot = pci.vdevfn >> 3,
            .flags = pci.permissive * XPCI_XL_PERMISSIVE |
                     pci.msitranslate * XPCI_XL_MSITRANSLATE |
                     pci.seize * XPCI_XL_SEIZE |
                     pci.power_mgmt * XPCI_XL_POWER_MGMT,
            .rdm_policy = (int)pci.rdm_policy,
            .name = pci.name,
            .name_len = pci.name ? strlen(pci.name) : 0,
        };

        s = xpci_xl_spec_format(&spec);
        assert_non_null(s);
    }
    libxl_device_pci_dispose(&pci);
    return s;
}

/* False if there is no truth. */
static bool compare(const char *text)
{
    struct xpci_xl_spec spec;
    _cleanup_free_ char *want = NULL;

    if (xpci_xl_spec_read(text, XPCI_XL_4_15, &spec) == XPCI_XL_UNDEFINED)
        return false;
    want = truth(text);
    check(text, XPCI_XL_4_15, want);
    return true;
}

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(examples); i++)
        compare(examples[i][0]);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(specs); i++)
        assert_true(compare(specs[i]));
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(misread); i++)
        assert_true(compare(misread[i]));
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad_specs); i++)
        compare(bad_specs[i]);
}

/* Deterministic: the same strings in every run. */
static uint32_t next_random(uint32_t below)
{
    static uint64_t state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16) % below;
}

#define ANY(table) (table)[next_random(XPCI_ARRAY_SIZE(table))]

static void add(struct xpci_buf *out, const char *s)
{
    assert_int_equal(xpci_buf_puts(out, s), 0);
}

/* One in @one_in is odd. */
static const char *number(uint32_t one_in)
{
    static const char *const good[] = { "0", "3", "02", "1f", "7", "00", "1" };
    static const char *const odd[] = {
        "20",         "ff",
        "8",          "0x7",
        " 3",         "+3",
        "-1",         "",
        "0x",         "x",
        "\t2",        "1d",
        "ffff",       "10000",
        "100000003",  "-ffffffff",
        "008",        "0000",
        "- 1",        "7 ",
        "fffffffff9", "99999999999999999999",
    };

    return next_random(one_in) ? ANY(good) : ANY(odd);
}

static void generate_address(struct xpci_buf *out)
{
    if (!next_random(3)) {
        add(out, number(8));
        add(out, ":");
    }
    add(out, number(12));
    add(out, ":");
    add(out, number(12));
    add(out, next_random(20) ? "." : "");
    add(out, next_random(6) ? number(8) : "*");
    if (!next_random(3)) {
        add(out, "@");
        add(out, number(8));
    }
}

static void generate_option(struct xpci_buf *out)
{
    static const char *const keys[] = {
        "permissive", "msitranslate", "seize", "power_mgmt",
        "rdm_policy", "vslot",        "bdf",   "name",
    };
    static const char *const bad_keys[] = { "foo", "", " seize", "Name" };
    static const char *const words[] = {
        "1",          "0",  "yes", "2",   "",    "-1",      "01",
        "4294967296", " 1", "1x",  "0x1", "a=b", "invalid", "card",
    };
    static const char *const policies[] = { "strict", "relaxed", "STRICT" };
    const char *key = next_random(12) ? ANY(keys) : ANY(bad_keys);

    add(out, key);
    add(out, next_random(20) ? "=" : "");
    if (!strcmp(key, "bdf"))
        generate_address(out);
    else if (!strcmp(key, "vslot"))
        add(out, number(8));
    else
        add(out, !strcmp(key, "rdm_policy") && next_random(4) ? ANY(policies)
                                                              : ANY(words));
}

/* From the grammar's parts, good and bad ones. */
static void generate(struct xpci_buf *out)
{
    static const char *const odd[] = { "@7", "x", " ", "*", ":", ".", "=" };
    uint32_t parts = 1 + next_random(4);

    for (uint32_t i = 0; i < parts; i++) {
        if (i)
            add(out, ",");
        if (i ? !next_random(20) : next_random(4))
            generate_address(out);
        else
            generate_option(out);
        if (!next_random(16))
            add(out, ANY(odd));
    }
    if (!next_random(10))
        add(out, ",");
}

/* A spec of the tables with some bytes replaced, doubled or dropped. */
static void mutate(struct xpci_buf *out)
{
    static const char bytes[] = "0123789abcdefABFxX:.@,=*-+ \t\n_strictp";
    uint32_t times = 1 + next_random(3);

    add(out, next_random(3)   ? ANY(specs)
             : next_random(2) ? ANY(misread)
                              : ANY(bad_specs));
    while (times-- && out->len) {
        size_t at = next_random((uint32_t)out->len);

        switch (next_random(3)) {
        case 0:
            out->data[at] = bytes[next_random(sizeof(bytes) - 1)];
            break;
        case 1:
            assert_int_equal(xpci_buf_append(out, "?", 1), 0);
            memmove(out->data + at + 1, out->data + at, out->len - at - 1);
            out->data[at] = bytes[next_random(sizeof(bytes) - 1)];
            break;
        default:
            memmove(out->data + at, out->data + at + 1, out->len - at);
            out->len--;
        }
    }
}

static void test_generated(void **state)
{
    size_t compared = 0, accepted = 0;

    (void)state;
    for (size_t i = 0; i < GENERATED; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        struct xpci_xl_spec spec;

        if (i % 2)
            generate(&text);
        else
            mutate(&text);
        if (!text.data)
            continue;
        compared += compare(text.data);
        accepted += xpci_xl_spec_read(text.data, XPCI_XL_4_15, &spec) ==
                    XPCI_XL_ACCEPTED;
    }
    assert_true(compared > GENERATED * 9 / 10);
    assert_true(accepted > GENERATED / 5);
}

static int setup(void **state)
{
    FILE *report = fopen("/dev/null", "w");

    *state = report;
    xlu = report ? xlu_cfg_init(report, "f") : NULL;
    return xlu ? 0 : -1;
}

static int teardown(void **state)
{
    xlu_cfg_destroy(xlu);
    return fclose(*state);
}

#else

static void test_tables(void **state)
{
    (void)state;
    skip();
}

#define test_generated test_tables
#define setup NULL
#define teardown NULL

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_generated),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
