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

/* @want may be NULL: refused. */
static void check(const char *text, enum xpci_xl_release release,
                  const char *want)
{
    _cleanup_free_ char *have = xpci_xl_spec(text, release);

    assert_non_null(have);
    want = want ? want : XPCI_XL_REFUSED;
    if (strcmp(have, want) != 0)
        fail_msg("'%s' is read as '%s', not '%s'", text, have, want);
}

#define CHANCE XPCI_XL_CHANCE

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
    { "03:02", CHANCE, NULL },
    { "0000:03:02", CHANCE, NULL },
    { "0000: 03:02.0", CHANCE, "0000:03:02.0" },
    { "bdf=03:02", CHANCE, NULL },
    { "03:20", NULL, NULL },
    { "03:02.0,", "0000:03:02.0", NULL },
    { "03:02.0,permissive=1,", "0000:03:02.0,permissive=1", NULL },
    { "03:02.0,,", NULL, NULL },
    { "03:02.0,permissive", NULL, NULL },
    { "03:02.0,permissive=yes,seize=2", "0000:03:02.0,permissive=0,seize=1",
      "0000:03:02.0,permissive=0,seize=1" },
    { "03:02.0,permissive=1,permissive=0", "0000:03:02.0,permissive=0",
      "0000:03:02.0,permissive=0" },
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

/* The same with all flags on before: what then is off was given as off. */
static void read_twice(const char *text, int ret[2], libxl_device_pci pci[2])
{
    for (size_t i = 0; i < 2; i++) {
        libxl_device_pci_init(&pci[i]);
        pci[i].permissive = pci[i].msitranslate = i;
        pci[i].seize = pci[i].power_mgmt = i;
        ret[i] = xlu_pci_parse_spec_string(xlu, &pci[i], text);
    }
    assert_true(!ret[0] == !ret[1]);
}

static void add(struct xpci_buf *out, const char *s)
{
    assert_int_equal(xpci_buf_puts(out, s), 0);
}

static void add_flag(struct xpci_buf *out, const char *name, bool low,
                     bool high)
{
    if (low == high) /* else it is what it was before: not given */
        assert_int_equal(xpci_buf_printf(out, ",%s=%d", name, low), 0);
}

static void format(const libxl_device_pci pci[2], struct xpci_buf *out)
{
    const libxl_device_pci *a = &pci[0], *b = &pci[1];
    bool all = a->vfunc_mask == LIBXL_PCI_FUNC_ALL;

    if (a->name)
        assert_int_equal(xpci_buf_printf(out, "name=%s", a->name), 0);
    else
        assert_int_equal(xpci_buf_printf(out, "%04x:%02x:%02x.%c", a->domain,
                                         a->bus, a->dev,
                                         all ? '*' : '0' + a->func),
                         0);
    if (a->vdevfn)
        assert_int_equal(xpci_buf_printf(out, "%s%x", a->name ? ",vslot=" : "@",
                                         a->vdevfn >> 3),
                         0);
    add_flag(out, "permissive", a->permissive, b->permissive);
    add_flag(out, "msitranslate", a->msitranslate, b->msitranslate);
    add_flag(out, "seize", a->seize, b->seize);
    add_flag(out, "power_mgmt", a->power_mgmt, b->power_mgmt);
    if (a->rdm_policy >= 0) {
        add(out, ",rdm_policy=");
        add(out, libxl_rdm_reserve_policy_to_string(a->rdm_policy));
    }
}

/* 1: taken, 0: refused, -1: there is no truth. */
static int compare(const char *text)
{
    _cleanup_free_ char *have = xpci_xl_spec(text, XPCI_XL_4_15);
    _cleanup_buf_ struct xpci_buf want = { 0 };
    libxl_device_pci pci[2];
    int ret[2];

    assert_non_null(have);
    if (!strcmp(have, CHANCE))
        return -1;
    read_twice(text, ret, pci);
    if (!ret[0])
        format(pci, &want);
    check(text, XPCI_XL_4_15, want.data);
    libxl_device_pci_dispose(&pci[0]);
    libxl_device_pci_dispose(&pci[1]);
    return !ret[0];
}

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(examples); i++)
        compare(examples[i][0]);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(specs); i++)
        assert_int_equal(compare(specs[i]), 1);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(misread); i++)
        assert_int_equal(compare(misread[i]), 1);
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
    size_t compared = 0, taken = 0;

    (void)state;
    for (size_t i = 0; i < GENERATED; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        int ret;

        if (i % 2)
            generate(&text);
        else
            mutate(&text);
        if (!text.data)
            continue;
        ret = compare(text.data);
        compared += ret >= 0;
        taken += ret > 0;
    }
    assert_true(compared > GENERATED * 9 / 10);
    assert_true(taken > GENERATED / 5);
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
