/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same inputs through libxlutil, which is what xl runs: both accept or
 * both reject, and both read the same. What differs on purpose is in
 * docs/design/divergences.md, and every entry there is proven here.
 *
 * The checks are those of tests/fuzz; they abort where one fails. Needs
 * libxlutil: -DXPCI_HAVE_XLUTIL and -lxlutil -lxenlight.
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

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "test-cfg-cases.h"
#include "test-spec-cases.h"

/* The pci list as "a|b|"; NULL: no list, or one with more than strings. */
static char *xl_list(const XLU_Config *xl)
{
    _cleanup_strv_ struct xpci_strv list = { 0 };
    _cleanup_buf_ struct xpci_buf out = { 0 };

    if (!xl_pci(xl, &list))
        return NULL;
    for (size_t i = 0; i < list.n; i++)
        assert_int_equal(xpci_buf_printf(&out, "%s|", list.v[i]), 0);
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
        _cleanup_xl_ XLU_Config *xl = xl_parse(c->text, strlen(c->text));
        _cleanup_free_ char *list = xl ? xl_list(xl) : NULL;

        check_name = c->text;
        check_cfg(c->text, strlen(c->text));
        if (!xl != !!c->error)
            fail_msg("xl %s '%s'", xl ? "accepts" : "rejects", c->text);
        if (xl && (!list != !c->pci || (list && strcmp(list, c->pci) != 0)))
            fail_msg("xl reads '%s' from '%s'", list, c->text);
    }
}

static void reads(const struct xpci_cfg *cfg, const char *want)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_xl_ XLU_Config *xl = NULL;
    _cleanup_free_ char *list = NULL;

    assert_int_equal(xpci_cfg_print(cfg, &text), 0);
    xl = xl_parse(text.data, text.len);
    if (!xl)
        fail_msg("xl rejects '%s'", text.data);
    list = xl_list(xl);
    assert_non_null(list);
    assert_string_equal(list, want);
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
        assert_int_equal(xpci_cfg_pci_add(cfg, &spec, NULL, NULL), 0);
    else
        assert_int_equal(xpci_cfg_pci_remove(cfg, &spec, &removed, NULL), 0);
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

/* --- specs --- */

static const char *result_of(const char *spec)
{
    check_name = spec;
    return check_spec(spec, strlen(spec));
}

static void test_specs(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(specs); i++)
        assert_string_equal(result_of(specs[i]), ACCEPTED);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(bad_specs); i++)
        assert_string_equal(result_of(bad_specs[i]), REJECTED);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(misread); i++)
        assert_int_equal(*result_of(misread[i]), 'D');
}

/* --- the corpus --- */

static void read_file(const char *path, struct xpci_buf *out)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || xpci_buf_read_fd(out, fd) < 0 || xpci_buf_puts(out, "") < 0)
        fail_msg("cannot read '%s'", path);
}

/* Runs @check on each file of @dir; returns how many. */
static size_t each_file(const char *dir,
                        void (*check)(const char *path, const char *text,
                                      size_t len))
{
    _cleanup_closedir_ DIR *d = opendir(dir);
    struct dirent *entry;
    size_t n = 0;

    if (!d)
        fail_msg("cannot read '%s'", dir);
    while ((entry = readdir(d))) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        _cleanup_free_ char *path = NULL;

        if (*entry->d_name == '.')
            continue;
        assert_true(asprintf(&path, "%s/%s", dir, entry->d_name) > 0);
        read_file(path, &text);
        check_name = path;
        check(path, text.data, text.len);
        check_name = "input";
        n++;
    }
    return n;
}

static void check_good(const char *path, const char *text, size_t len)
{
    const char *result = check_cfg(text, len);

    if (strcmp(result, ACCEPTED) != 0 && strcmp(result, "D3") != 0 &&
        strcmp(result, "D4") != 0)
        fail_msg("'%s' is %s", path, result);
    for (uint64_t seed = 0; seed < 8; seed++)
        check_edits(text, len, seed);
}

static void check_bad(const char *path, const char *text, size_t len)
{
    const char *result = check_cfg(text, len);

    if (strcmp(result, REJECTED) != 0 && strcmp(result, READ_AS_XM) != 0 &&
        strcmp(result, "D1") != 0)
        fail_msg("'%s' is %s", path, result);
    for (uint64_t seed = 0; seed < 4; seed++)
        check_edits(text, len, seed);
}

static void test_corpus(void **state)
{
    size_t n;

    (void)state;
    n = each_file("tests/corpus/cfg/good", check_good);
    n += each_file("tests/corpus/cfg/bad", check_bad);
    assert_true(n >= 320);
}

/* Each file that xl rejects, and where: no more files, no fewer. */
static void test_places(void **state)
{
    _cleanup_fclose_ FILE *f = fopen("tests/corpus/cfg/places", "r");
    unsigned int line, column;
    char name[100];
    size_t n = 0;

    (void)state;
    assert_non_null(f);
    for (; fscanf(f, "%99s %u %u", name, &line, &column) == 3; n++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_buf_ struct xpci_buf text = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
        char path[200], place[100];
        const char *msg;

        snprintf(path, sizeof(path), "tests/corpus/cfg/bad/%s", name);
        snprintf(place, sizeof(place), "f:%u:%u: ", line, column);
        read_file(path, &text);
        msg = xpci_cfg_parse(text.data, text.len, "f", &cfg, &err) == 0
                  ? xpci_cfg_xl_error(cfg)
                  : err.msg;
        assert_non_null(msg);
        /* xm's program may stop being one elsewhere: test-xm.c */
        if (strncmp(msg, place, strlen(place)) != 0 &&
            !strstr(msg, "; xpci runs no python"))
            fail_msg("'%s': expected an error at %s not '%s'", path, place,
                     msg);
    }
    assert_true(feof(f));
    assert_int_equal(n, each_file("tests/corpus/cfg/bad", check_bad));
}

static void check_seed(const char *path, const char *text, size_t len)
{
    (void)path;
    if (!memchr(text, '\0', len))
        check_spec(text, len);
}

static void test_spec_corpus(void **state)
{
    (void)state;
    assert_true(each_file("tests/corpus/pci-spec", check_seed) >= 30);
}

/* --- divergences --- */

#define NUL_COMMENT "a=1 # \0\n"
#define NUL_STRING "a='\0'\n"

/*
 * An example of each, and what xl makes of it: another spec that means the
 * same to it; NULL where there is none.
 */
static const struct {
    const char *id, *text, *same;
} examples[] = {
    { "D3", "pci=['03:02.0',['04:00.0'],'05:00.0']", NULL },
    { "D4", "pci='03:02.0'", NULL },
    { "D5", "03:02.0@0", "03:02.0" },
    { "D5", "03:02.0,vslot=0", "03:02.0" },
    { "D6", "03: 2.0", "03:02.0" },
    { "D6", "03:+2.0", "03:02.0" },
    { "D6", "03:0x2.0", "03:02.0" },
    { "D6", "03:02.0x", "03:02.0" },
    { "D6", "03:02.-0", "03:02.0" },
    { "D6", "03:02.0@ 7", "03:02.0@7" },
    { "D6", "03:02.0@0x7", "03:02.0@7" },
    { "D7", "003:02.0", "03:02.0" },
    { "D7", "03:02.00", "03:02.0" },
    { "D7", "0003:02.0", "03:02.0" },
    { "D7", "03:02.0@007", "03:02.0@7" },
    { "D8", "bdf=03:02.0@7", "03:02.0" },
    { "D8", "bdf=03:02.0z", "03:02.0" },
    { "D8", "03:02.0,vslot=7x", "03:02.0@7" },
    { "D9", "03:02.0,permissive=yes", "03:02.0,permissive=0" },
    { "D9", "03:02.0,permissive=true", "03:02.0,permissive=0" },
    { "D9", "03:02.0,permissive=", "03:02.0,permissive=0" },
    { "D9", "03:02.0,permissive=2", "03:02.0,permissive=1" },
    { "D9", "03:02.0,permissive=01", "03:02.0,permissive=1" },
    { "D10", "03:02.0@5,vslot=7", "03:02.0@7" },
    { "D10", "03:02.0,seize=0,seize=1", "03:02.0,seize=1" },
    { "D10", "03:02.0,bdf=04:00.0", "04:00.0" },
    { "D11", "name=", NULL },
    { "D12", "name=a\tb", NULL },
    { "D14", "100000003:02.0", "03:02.0" },
    { "D14", "03:02.0@100000007", "03:02.0@7" },
    { "D15", "03:02.0,rdm_policy=Strict", "03:02.0,rdm_policy=strict" },
    { "D15", "03:02.0,rdm_policy=invalid", "03:02.0" },
};

static void prove_spec(const char *id, const char *text, const char *same)
{
    libxl_device_pci xl, want;

    assert_string_equal(result_of(text), id);
    if (!same)
        return;
    assert_int_equal(xl_spec(text, &xl), 0);
    assert_string_equal(result_of(same), ACCEPTED);
    assert_int_equal(xl_spec(same, &want), 0);
    if (!xl_same_spec(&xl, &want))
        fail_msg("xl does not read '%s' as '%s'", text, same);
    libxl_device_pci_dispose(&xl);
    libxl_device_pci_dispose(&want);
}

static void test_divergences(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(examples); i++) {
        const char *id = examples[i].id, *text = examples[i].text;

        if (strncmp(text, "pci", 3) == 0)
            assert_string_equal(check_cfg(text, strlen(text)), id);
        else
            prove_spec(id, text, examples[i].same);
    }
}

/* D1 */
static void test_nul(void **state)
{
    static const char comment[] = NUL_COMMENT, string[] = NUL_STRING;
    _cleanup_xl_ XLU_Config *xl = xl_parse(comment, sizeof(comment) - 1);
    int status;
    pid_t pid;

    (void)state;
    assert_non_null(xl);
    assert_string_equal(check_cfg(comment, sizeof(comment) - 1), "D1");
    assert_string_equal(check_cfg(string, sizeof(string) - 1), "D1");
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        xl_cleanup((XLU_Config *[]){ xl_parse(string, sizeof(string) - 1) });
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* D2 */
static void test_deep(void **state)
{
    _cleanup_buf_ struct xpci_buf deep = { 0 };
    _cleanup_xl_ XLU_Config *xl = NULL;

    (void)state;
    assert_int_equal(xpci_buf_puts(&deep, "a="), 0);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(xpci_buf_puts(&deep, "["), 0);
    for (int i = 0; i < 1001; i++)
        assert_int_equal(xpci_buf_puts(&deep, "]"), 0);
    xl = xl_parse(deep.data, deep.len);
    assert_non_null(xl);
    assert_string_equal(check_cfg(deep.data, deep.len), "D2");
}

/*
 * D13: chance decides, so this asks in a child process, after another address
 * and alone, and is content with one of them that is not rejected.
 */
static void test_undefined(void **state)
{
    static const char *const texts[] = { "bdf=03:02", "bdf=0000:03:02",
                                         "bdf=03:02,seize=1", "03:02@7",
                                         "0000:+03:02.0" };
    libxl_device_pci pci;
    size_t wrong = 0;
    int status;
    pid_t pid;

    (void)state;
    for (size_t i = 0; i < 2 * XPCI_ARRAY_SIZE(texts); i++) {
        const char *text = texts[i / 2];

        assert_string_equal(result_of(text), "D13");
        pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            libxl_device_pci_init(&pci);
            if (i % 2)
                xlu_pci_parse_spec_string(NULL, &pci, "03:02.0");
            _exit(xlu_pci_parse_spec_string(NULL, &pci, text) != 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        wrong += !WIFEXITED(status) || WEXITSTATUS(status) != 1;
    }
    if (!wrong)
        fail_msg("D13 cannot be seen any more");
}

/* The page has a section for each, with its examples, and no others. */
static void test_page(void **state)
{
    _cleanup_buf_ struct xpci_buf page = { 0 };
    char heading[40], text[200];
    size_t sections = 0;

    (void)state;
    read_file("docs/design/divergences.md", &page);
    for (const char *s = page.data; (s = strstr(s, "\n## D")); s++)
        sections++;
    for (size_t i = 1; i <= sections; i++) {
        const char *section, *end;
        bool known = i == 13;

        snprintf(heading, sizeof(heading), "\n## D%zu: ", i);
        section = strstr(page.data, heading);
        if (!section)
            fail_msg("no section D%zu of %zu", i, sections);
        end = strstr(section + 1, "\n## ");
        heading[strlen(heading) - 2] = '\0';
        for (size_t k = 0; k < n_divergences; k++)
            known |= strcmp(divergences[k].id, heading + 4) == 0;
        assert_true(known);
        for (size_t k = 0; k < XPCI_ARRAY_SIZE(examples); k++) {
            const char *found;

            if (strcmp(examples[k].id, heading + 4) != 0)
                continue;
            snprintf(text, sizeof(text), "`%s`", examples[k].text);
            found = strstr(section, text);
            if (!found || (end && found > end))
                fail_msg("section %s has no %s", heading + 4, text);
        }
    }
    for (size_t k = 0; k < n_divergences; k++) {
        snprintf(heading, sizeof(heading), "\n## %s: ", divergences[k].id);
        if (!strstr(page.data, heading))
            fail_msg("no section %s", divergences[k].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),       cmocka_unit_test(test_edits),
        cmocka_unit_test(test_specs),       cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_places),      cmocka_unit_test(test_spec_corpus),
        cmocka_unit_test(test_divergences), cmocka_unit_test(test_nul),
        cmocka_unit_test(test_deep),        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
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
