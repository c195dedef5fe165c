/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is found in a configuration: the odd cases. Each rule by itself, as
 * users see it, is in tests/cases/cfg/check-*.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "buf.h"
#include "cfg-check.h"

static void add_file(struct xpci_cfg_check *check, const char *name,
                     const char *text)
{
    assert_int_equal(xpci_cfg_check_text(check, name, text, strlen(text), NULL),
                     0);
}

/* "LINE:COLUMN:SEVERITY[=FIX]|" of each finding from @first on. */
static char *places(const struct xpci_cfg_check *check, size_t first)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };
    char *s;

    for (size_t i = first; i < check->n; i++) {
        const struct xpci_cfg_finding *f = &check->v[i];

        for (const char *p = f->message; *p; p++)
            assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
        assert_int_equal(xpci_buf_printf(&out, "%u:%u:%c%s%s|", f->line,
                                         f->column, "hwe"[f->severity],
                                         f -> fix ? "=" : "",
                                         f->fix ? f->fix : ""),
                         0);
    }
    s = xpci_buf_steal(&out);
    assert_non_null(s);
    return s;
}

static void expect(const char *text, const char *want)
{
    _cleanup_cfg_check_ struct xpci_cfg_check check = { 0 };
    _cleanup_free_ char *have = NULL;

    add_file(&check, "f", text);
    have = places(&check, 0);
    if (strcmp(have, want) != 0)
        fail_msg("'%s': found %s, not %s", text, have, want);
}

#define HVM "type='hvm'\n"
#define QUIET "passthrough='enabled'\ne820_host=1\n" /* of no hint */
#define HINT "1:1:h=passthrough = 'enabled'|"

static void test_files(void **state)
{
    (void)state;
    expect("", HINT "1:1:h=e820_host = 1|");
    expect(QUIET, "");
    expect(HVM, HINT);
    expect(HVM "pci=[]\n", HINT);
    expect(HVM "pci=['3:2.0']\n", "");
    expect("a=1 # no newline", "1:5:e|");
    expect("a='\\x41'", "1:4:e|");
    /* what comes first in the file is told first */
    expect("maxmem=2\npci=['3:2.0@1']\ntype='hvm'\nmemory=1",
           "1:8:e|2:6:e='03:02.0@4'|");
}

static void test_guest_types(void **state)
{
    (void)state;
    /* slot 1 has no effect, or is not free, or there is no such guest */
    expect("extra='swiotlb'\npci=['3:2.0@1']", "2:6:e='03:02.0'|");
    expect("type='h'\npci=['3:2.0@1']", "2:6:e='03:02.0@4'|");
    expect("type=''\npci=['3:2.0@1']", "2:6:e='03:02.0@4'|");
    expect("type='p'\nextra='swiotlb'\npci=['3:2.0@1']", "3:6:e='03:02.0'|");
    expect("type='pvh'\npci=['3:2.0']", "2:5:e|");
    expect("type='Pv'\n" QUIET, "1:6:e|");
    expect("builder='generic'\n" QUIET, "");
    expect("builder='gen'\ntype='pv'\n" QUIET, "");
    expect("builder='pv'\n" QUIET, "1:9:e|");
    expect("builder='hvm'\ntype='pvh'\n" QUIET, "1:9:e|");
    expect("type='pv'\ntype='hvm'\n", HINT);
}

static void test_odd_strings(void **state)
{
    (void)state;
    expect(HVM "pci=['3:2.0\\n']", "2:6:e|");
    expect(HVM "pci=['3:2.0@5,permissive=\\'yes\\'']", "2:6:w='03:02.0@5,"
                                                       "permissive=0'|");
    expect(HVM "pci=[\"3:2.0@5,permissive=yes\"]",
           "2:6:e=\"03:02.0@5,permissive=1\"|");
    expect(HVM "pci=[1]", "2:6:e|");
    expect(HVM "pci='\x1b'", HINT "2:5:e=pci = ['?']|");
    expect(HVM "pci=['\t3:2.0 @ 5\t']", "2:6:e='03:02.0@5'|");
    expect(HVM "passthrough='\\n'\ne820_host=1",
           "2:13:e=passthrough = 'enabled'|");
    /* nothing that would drop an option */
    expect(HVM "pci=['3:2.0@5 permissive=1']", "2:6:e|");
    expect(HVM "pci=['3:2.0,vslot=5;permissive=1']", "2:6:e|");
    expect(HVM "pci=['3:2.0@5,permissive=1;seize=1']", "2:6:e|");
    /* what would need an escape is not proposed */
    expect(HVM "pci=['name=a\\'b,vslot=1']", "2:6:w|2:6:e|");
    expect(HVM "pci=['name=ab,vslot=1']", "2:6:w|2:6:e='name=ab,vslot=4'|");
    expect(HVM "pci=['name=yes,seize=on']", "2:6:e='name=yes,seize=1'|2:6:w|");
}

static void test_lists(void **state)
{
    (void)state;
    /* no entry at all, so the guest can also not be given one later */
    expect(HVM "pci=[['3:2.0@1']]", HINT "2:6:e|");
    expect(HVM "pci=[\n[\n'3:2.0'\n]\n,'4:0.0@1']", "3:1:e|6:2:e='04:00.0@4'|");
    expect(HVM "pci=['3:2.0']\npci=[]", HINT "3:1:e|");
    expect(HVM "pci=[]\npci=['3:2.0']", "");
    expect(HVM "pci+=['3:2.0']\npci=['4:0.0']", "3:1:e|");
    expect(HVM "pci=['3:2.0']\npci=[]\npci=[]\npci+=['4:0.0']", "4:1:e|");
    expect(HVM "pci='3:2.0'\npci+='4:0.0'", HINT "2:5:e=pci = ['3:2.0']|"
                                                 "3:6:e=pci = ['4:0.0']|");
}

static void test_numbers(void **state)
{
    (void)state;
    expect(HVM QUIET "pci_permissive='0x1'", "");
    expect(HVM QUIET "pci_permissive=0", "");
    /* no fix that does the opposite */
    expect(HVM QUIET "pci_seize='No'", "4:11:w|");
    expect(HVM "passthrough='none'\npci=['3:2.0']", "2:13:e|");
    expect(HVM QUIET "pci_permissive='1 '", "4:16:e=pci_permissive = 1|");
    expect(HVM QUIET "pci_permissive=''", "4:16:e=pci_permissive = 1|");
    expect(HVM "memory=1\nmaxmem=1\npci=['3:2.0']", "");
    expect(HVM "memory=1\nmaxmem=2\n" QUIET, "4:13:e|");
    expect(HVM "memory=1\nmaxmem=2\npassthrough='disabled'", "");
    expect("memory=1\nmaxmem=2\nextra='swiotlb'\npci=['3:2.0']", "");
    expect("rdm='x'\n" QUIET, "");
    expect(HVM "passthrough='Share_PT'", "");
    expect(HVM "passthrough='default'", "");
    expect(HVM "pci_seize=0\npci=['3:2.0']", "");
    expect(HVM "pci_seize=1\n" QUIET, "");
}

/* All slots taken: nothing is proposed. */
static void test_slots(void **state)
{
    _cleanup_buf_ struct xpci_buf text = { 0 }, want = { 0 };

    (void)state;
    assert_int_equal(xpci_buf_puts(&text, HVM "pci=["), 0);
    for (unsigned int i = 1; i < 0x20; i++) {
        assert_int_equal(xpci_buf_printf(&text, "\n'1:%x.0@%x',", i, i), 0);
        if (i <= 3)
            assert_int_equal(xpci_buf_printf(&want, "%u:1:e|", i + 2), 0);
        if (i >= 0x10 && i % 16 < 10)
            assert_int_equal(xpci_buf_printf(&want, "%u:1:h|", i + 2), 0);
    }
    assert_int_equal(xpci_buf_puts(&text, "]"), 0);
    expect(text.data, want.data);
    /* what is emulated has them from 2 on */
    expect(HVM "usbversion=3\nspice=1; spicevdagent=1\nvif=['', 'bridge=b']\n"
               "pci=['1:0.0@7','2:0.0@8']",
           "5:6:e='01:00.0@9'|");
    expect(HVM "usbversion=1\nvif=['type=vif']\npci=['1:0.0@4','2:0.0@5']",
           "4:6:e='01:00.0@6'|");
    expect(HVM "usb=1\nusbversion=2\npci=['1:0.0@1d']", "");
    expect(HVM "usbdevice='tablet'\nusbversion=3\npci=['1:0.0@4']", "");
    expect(HVM "gfx_passthru='igd'\npci=['0:2.0@2']", "");
    /* each gets another one, and not one that an entry without may take */
    expect(HVM "pci=['1:0.0@1','2:0.0@1','3:0.0','4:0.0@6']",
           "2:6:e='01:00.0@5'|2:16:e='02:00.0@7'|");
    expect(HVM "pci=['3:0.0','4:0.0@4']", "2:14:w='04:00.0@5'|");
}

static void test_several_files(void **state)
{
    _cleanup_cfg_check_ struct xpci_cfg_check check = { 0 };
    _cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;
    size_t n;

    (void)state;
    add_file(&check, "%s:1", HVM "pci=['3:2.0@5']");
    a = places(&check, 0);
    assert_string_equal(a, "");
    /* the same slot in another guest is another slot */
    add_file(&check, "b", HVM "pci=['3:2.1@5']");
    b = places(&check, 0);
    assert_string_equal(b, "");
    add_file(&check, "c", HVM "pci=['3:2.0@1', '3:2.0@7',\n'3:2.1@8']");
    c = places(&check, 0);
    assert_string_equal(c, "2:6:w|2:6:e='03:02.0@4'|2:17:w|3:1:w|");
    assert_string_equal(check.v[0].file, "c");
    assert_non_null(strstr(check.v[0].message, "'%s:1:2:6'"));
    n = check.n;
    add_file(&check, "d", "");
    assert_int_equal(check.n, n + 2);
    assert_string_equal(check.v[n].file, "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),         cmocka_unit_test(test_lists),
        cmocka_unit_test(test_guest_types),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_odd_strings),   cmocka_unit_test(test_slots),
        cmocka_unit_test(test_several_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
