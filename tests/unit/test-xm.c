/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cfg-pci.h"
#include "tree.h"

/* Read as xm's, though xl rejects it. */
static const struct {
    const char *text, *pci;
} good[] = {
    { "pci=['a'] # c", "a|" },
    { "# c", "" },
    { "True1 = 1\nPCI=['a']\npci = [\"b\"]\n", "b|" },
    { "_a=None;b=True;c=False\npci=['x',\n'y', # c\n\n]", "x|y|" },
    { "a=-1\nb=+2.5;c=1.\nd=0xFF\n", "" },
    { "a=u'b';a=R\"b\";a=ur'\\''\n", "" },
    { "a='\\x41\\q\\\n'\npci=['a']", "a|" },
    { "a='''b\npci=['x']\n'c'\\''''\npci=['y']\n", "y|" },
    { "a=\"\"\"\"\"\"\nb='' ''", "" },
    { "a='b' \"c\"\\\n  'd' \\\n\n", "" },
    { "a=('b',\n   2\n)\n", "" },
    { "a=()\nb=(1)\nc=1,2\nd=3,\n", "" },
    { "a={}\nb={'c':1,\n'd':[2,{}],}\n", "" },
    { "a=[['b'],[],(),-1]\n", "" },
    { "n=3\na='b%d' % n + 'c' * 2 - 1 / n\n", "" },
    { "m='x'\nvif=[ 'mac=' + m, \"%s\" % (m,), ]\npci=['a']\n", "a|" },
    { "a=True\npci=['a']\npci += [ 'b' ]\npci = ['c']\npci+=['d',]", "c|d|" },
    { "a=True\npci=[]", "" },
    { "pci \\\n = \\\n [ 'a', \\\n 'b' ]", "a|b|" },
    { "a=True\n\t\n  # c\n\npci=['#',']',';']\n", "#|]|;|" },
    { "a=True;\nb=1 ; c=2;\n", "" },
    { "importx=1;ifs=True\n", "" },
    { "a=True\nname='\xc3\xa9' # \xc3\xa9\n", "" },
};

/* Python that computes: told with its place, whatever xl says. */
static const struct {
    const char *text, *error;
} computed[] = {
    { "import os, re\n", "f:1:1: 'import' makes this a program; xpci runs no "
                         "python, write the plain values" },
    { "a=True\nfrom os import uname\n", "f:2:1: 'from' makes" },
    { "a=1\nif a:\n  pci=['b']\n", "f:2:1: 'if' makes" },
    { "for i in []:\n", "f:1:1: 'for' makes" },
    { "while 1: pass\n", "f:1:1: 'while' makes" },
    { "def f():\n", "f:1:1: 'def' makes" },
    { "class A:\n", "f:1:1: 'class' makes" },
    { "with a:\n", "f:1:1: 'with' makes" },
    { "try:\n", "f:1:1: 'try' makes" },
    { "exec 'a'\n", "f:1:1: 'exec' makes" },
    { "pci=['a']\ndel pci\n", "f:2:1: 'del' makes" },
    { "global pci\n", "f:1:1: 'global' makes" },
    { "print 'a'\n", "f:1:1: 'print' makes" },
    { "a=lambda: 1\n", "f:1:3: 'lambda' makes" },
    { "a=['b' for i in c]\n", "f:1:8: 'for' makes" },
    { "a=1\nb=a or 2\n", "f:2:5: 'or' makes" },
    { "a=True;b=int(3)\n", "f:1:10: 'int' is called" },
    { "a=True\nrun ('x')\n", "f:2:1: 'run' is called" },
    { "a=['x', [f(1)]]\n", "f:1:10: 'f' is called" },
    { "pci=['a']\npci.append('b')\n", "f:2:1: a part of 'pci' is used" },
    { "pci=['a']\npci[0]='b'\n", "f:2:1: a part of 'pci' is used" },
    { "a=[1]\nb=True\na [0]=1\n", "f:3:1: a part of 'a' is used" },
    { "a=[1]\nb=a[0]\n", "f:2:3: a part of 'a' is used" },
    { "a=''.join([])\n", "f:1:5: a string is computed" },
    { "pci=['a']\nb=pci\n", "f:2:3: 'pci' is used in another setting" },
    { "pci=['a']\nb=[1,(pci,)]\n", "f:2:7: 'pci' is used in another" },
    { "pci=['a']\npci=pci\n", "f:2:5: 'pci' is used in another" },
    { "a=['b']\npci=a\n",
      "f:2:5: 'pci' is no plain [list] of plain 'strings'" },
    { "a='b'\npci=[a]\n", "f:2:6: 'pci' is no plain" },
    { "pci=['a']+['b']\n", "f:1:10: 'pci' is no plain" },
    { "pci=['a'+'b']\n", "f:1:9: 'pci' is no plain" },
    { "pci=['a%d' % 1]\n", "f:1:12: 'pci' is no plain" },
    { "pci=['a'\n'b']\n", "f:2:1: 'pci' is no plain" },
    { "pci=['a',u'b']\n", "f:1:10: 'pci' is no plain" },
    { "pci=[r'b']\n", "f:1:6: 'pci' is no plain" },
    { "pci=['''b\n''']\n", "f:1:6: 'pci' is no plain" },
    { "pci=['\\x41']\n", "f:1:6: 'pci' is no plain" },
    { "pci=('a',)\n", "f:1:5: 'pci' is no plain" },
    { "pci=(['a'])\n", "f:1:5: 'pci' is no plain" },
    { "pci=['a'],\n", "f:1:10: 'pci' is no plain" },
    { "a=True;pci=[3]\n", "f:1:13: 'pci' is no plain" },
    { "a=True;pci=[['a']]\n", "f:1:13: 'pci' is no plain" },
    { "pci=None\n", "f:1:5: 'pci' is no plain" },
    { "pci='a' 'b'\n", "f:1:9: 'pci' is no plain" },
    { "pci=['a']\npci+='b'\n", "f:2:6: 'pci' is no plain" },
    { "pci={'a':'b'}\n", "f:1:5: 'pci' is no plain" },
};

/* Behind "a=True": no Python either, so it is xl's error that is told. */
static const char *const neither[] = {
    " b=1\n", /* indented */
    "\\\n b=1\n",
    "b=c\n", /* nothing sets it */
    "b+=1\n",
    "b.c=1\n",
    "b[0]=1\n",
    "b=b\n",
    "pci+=['b']\n",
    "b=1\r\n",
    "# \rpci=['b']\n",
    "b='c\n'\n",
    "b='c' '\n",
    "b=bur'x'\n",
    "b='c\n",
    "b='''c''\n",
    "b='c\\",
    "b=@\n",
    "@\n",
    "b=(1]\n",
    "b=[1\n",
    "b=1]\n",
    "b={1:}\n",
    "b={:1}\n",
    "b=(1:2)\n",
    "b=[,]\n",
    "b=[1,,2]\n",
    "b=[1 2]\n",
    "b=['c' 2]\n",
    "b=1 2\n",
    "b=[] []\n",
    "b=192.168.0.1\n",
    "b=512M\n",
    "b=1a\n",
    "b=\n",
    "b=1+\n",
    "b=[1+]\n",
    "b=*2\n",
    "b==1\n",
    "b=c=1\n",
    "b-=1\n",
    "b\n",
    "b=1;;c=1\n",
    ";b=1\n",
    "'b'\n",
    "b,c=1,2\n",
    "3=1\n",
    "b=1 \\",
    "b=1 \\\n",
    "b=1 \\ \n",
    "b=\xc3\xa9\n",
};

static int parse(const char *text, struct xpci_cfg **cfg,
                 struct xpci_error *err)
{
    *cfg = NULL;
    return xpci_cfg_parse(text, strlen(text), "f", cfg, err);
}

/* Every byte in one token. */
static void check_tokens(const struct xpci_cfg *cfg)
{
    size_t last = cfg->toks.n - 1;

    assert_int_equal(cfg->toks.v[0].off, 0);
    for (size_t i = 0; i < last; i++)
        assert_true(xpci_cfg_end(cfg, i) > xpci_cfg_start(cfg, i));
    assert_int_equal(xpci_cfg_start(cfg, last), cfg->text.len);
    assert_int_equal(xpci_cfg_type(cfg, last), XPCI_TOK_END);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(good); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
        _cleanup_buf_ struct xpci_buf list = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

        if (parse(good[i].text, &cfg, &err) < 0 || !xpci_cfg_xl_error(cfg))
            fail_msg("'%s': %s", good[i].text, xpci_error_text(&err));
        assert_memory_equal(xpci_cfg_xl_error(cfg), "f:", 2);
        assert_string_equal(cfg->text.data, good[i].text);
        check_tokens(cfg);
        assert_int_equal(xpci_cfg_list(cfg, "pci", &items, &err), 0);
        for (size_t k = 0; k < items.n; k++)
            assert_int_equal(xpci_buf_printf(&list, "%s|", items.v[k].value),
                             0);
        assert_string_equal(list.data ? list.data : "", good[i].pci);
    }
}

static void test_xl_first(void **state)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL, *other = NULL;

    (void)state;
    assert_int_equal(parse("a=1\nimport=2\n", &cfg, NULL), 0);
    assert_null(xpci_cfg_xl_error(cfg));
    assert_int_equal(parse("a=1\nb = True\n", &other, NULL), 0);
    assert_string_equal(xpci_cfg_xl_error(other),
                        "f:2:5: a name starts with a lower-case letter and has "
                        "no capitals, and xl knows no python constants such as "
                        "True or None");
}

static void test_computed(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(computed); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

        assert_int_equal(parse(computed[i].text, &cfg, &err), -EINVAL);
        assert_null(cfg);
        if (strncmp(err.msg, computed[i].error, strlen(computed[i].error)))
            fail_msg("'%s': %s", computed[i].text, err.msg);
        assert_null(strchr(err.msg, '\n'));
        assert_int_equal(parse(computed[i].text, &cfg, NULL), -EINVAL);
    }
}

static void test_neither(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(neither); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
        char text[64] = "a=True\n";

        if (parse(strcat(text, neither[i]), &cfg, &err) != -EINVAL ||
            strncmp(err.msg, "f:1:3: a name starts", 20))
            fail_msg("'%s': %s", text, xpci_error_text(&err));
    }
}

static void test_depth(void **state)
{
    char text[512] = "a=True\nb=";
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL, *deep = NULL;

    (void)state;
    memset(text + 9, '(', 100);
    memset(text + 109, ')', 100);
    assert_int_equal(parse(text, &cfg, NULL), 0);
    memset(text + 9, '(', 101);
    memset(text + 110, ')', 101);
    assert_int_equal(parse(text, &deep, NULL), -EINVAL);
}

/* What is read: plain strings, numbers and lists of strings. */
static void test_values(void **state)
{
    static const char text[] = "name='a'\nn=0x1f\nb=u'c'\nc='d' 'e'\nd=True\n"
                               "e=['x',3]\nf=['x']\ng=-1\nh=['x',name]\n";
    static const char *const want[][2] = {
        { "name", "a" }, { "n", "0x1f" }, { "b", NULL }, { "c", NULL },
        { "d", NULL },   { "f", NULL },   { "g", NULL },
    };
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

    (void)state;
    assert_int_equal(parse(text, &cfg, NULL), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(want); i++) {
        _cleanup_free_ char *value = NULL;

        assert_int_equal(xpci_cfg_string(cfg, want[i][0], &value, NULL),
                         want[i][1] ? 0 : -EINVAL);
        if (want[i][1])
            assert_string_equal(value, want[i][1]);
    }
    assert_int_equal(xpci_cfg_list(cfg, "f", &items, NULL), 0);
    assert_int_equal(items.n, 1);
    assert_int_equal(xpci_cfg_list(cfg, "h", &items, &err), -EINVAL);
    assert_string_equal(err.msg,
                        "f:9:3: 'h' is computed, not a plain list of strings");
    assert_int_equal(xpci_cfg_list(cfg, "e", &items, NULL), -EINVAL);
    assert_int_equal(xpci_cfg_list(cfg, "name", &items, NULL), -EINVAL);
}

/* Adds "03:02.0@7"; a remove must give @before again. */
static const struct {
    const char *before, *after;
} edits[] = {
    { "A=1\n", "A=1\npci = ['03:02.0@7']\n" },
    { "A=1", "A=1\npci = ['03:02.0@7']" },
    { "A=1 # c", "A=1 # c\npci = ['03:02.0@7'] " },
    { "# c", "# c\npci = ['03:02.0@7'] " },
    { "# c\nA=1\npci = [] ", "# c\nA=1\npci = ['03:02.0@7'] " },
    { "A=1\n# c\npci = [] ", "A=1\n# c\npci = ['03:02.0@7',] " },
    { "pci = [] # c", "pci = ['03:02.0@7'] # c" },
    { "A=1\npci = []", "A=1\npci = ['03:02.0@7',]" },
    { "A=1\npci=[\"04:00.0\"]\n", "A=1\npci=[\"04:00.0\", \"03:02.0@7\"]\n" },
    { "A=1\npci=[\n\t'04:00.0',# c\n]",
      "A=1\npci=[\n\t'04:00.0',# c\n\t'03:02.0@7',\n]" },
    { "A=1\npci=['04:00.0', \\\n  '05:00.0']",
      "A=1\npci=['04:00.0', \\\n  '05:00.0', \\\n  '03:02.0@7']" },
    { "A=1\npci=[ \\\n]", "A=1\npci=[ \\\n'03:02.0@7' \\\n]" },
    { "A=1\npci=['04:00.0-2@8', '04:00.3,power_mgmt=yes']",
      "A=1\npci=['04:00.0-2@8', '04:00.3,power_mgmt=yes', '03:02.0@7']" },
    { "a=(1,\n 2)\npci=[]\npci+=['04:00.0',]\nb='''\n'''\n",
      "a=(1,\n 2)\npci=[]\npci+=['04:00.0', '03:02.0@7',]\nb='''\n'''\n" },
};

static void test_edits(void **state)
{
    static const struct xpci_pci_spec spec = {
        .dev.bdf = { 0, 3, 2, 0 },
        .vslot = 7,
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(edits); i++) {
        _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
        size_t removed;

        assert_int_equal(parse(edits[i].before, &cfg, NULL), 0);
        assert_int_equal(xpci_cfg_pci_add(cfg, &spec, NULL, NULL), 0);
        assert_string_equal(cfg->text.data, edits[i].after);
        assert_int_equal(xpci_cfg_pci_remove(cfg, &spec, &removed, NULL), 0);
        assert_int_equal(removed, 1);
        assert_string_equal(cfg->text.data, edits[i].before);
    }
}

/* Made by hand, without the blank behind: xl must still read the rest. */
static void test_comment_kept(void **state)
{
    struct xpci_pci_spec dev = { .dev = { .bdf = { 0, 3, 2, 0 } } };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    size_t removed;

    (void)state;
    assert_int_equal(parse("# c\npci = ['03:02.0']", &cfg, NULL), 0);
    assert_int_equal(xpci_cfg_pci_remove(cfg, &dev, &removed, NULL), 0);
    assert_string_equal(cfg->text.data, "# c\n");
    assert_null(xpci_cfg_xl_error(cfg));
}

/* An entry of several functions: a part of it is not taken out. */
static void test_functions(void **state)
{
    static const char text[] = "A=1\npci=['00:1d.0-2@7']\n";
    struct xpci_pci_spec spec = { .dev.bdf = { 0, 0, 0x1d, 1 } };
    _cleanup_error_ struct xpci_error err = { 0 }, again = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL, *xl = NULL;
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    size_t removed;

    (void)state;
    assert_int_equal(parse(text, &cfg, NULL), 0);
    assert_int_equal(xpci_cfg_pci_remove(cfg, &spec, &removed, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "'0000:00:1d.1' is listed as a part"));
    assert_int_equal(xpci_cfg_pci_add(cfg, &spec, NULL, &again), -EINVAL);
    assert_non_null(strstr(again.msg, "'0000:00:1d.0-2@7' covers the same"));
    spec.dev.bdf.func = 3;
    assert_int_equal(xpci_cfg_pci_remove(cfg, &spec, &removed, NULL), 0);
    assert_int_equal(removed, 0);
    assert_int_equal(xpci_cfg_pci_add(cfg, &spec, NULL, NULL), 0);
    assert_string_equal(cfg->text.data,
                        "A=1\npci=['00:1d.0-2@7', '00:1d.3']\n");
    /* in a file that xl reads, xl has to read the entry */
    assert_int_equal(parse(text + 4, &xl, NULL), 0);
    xpci_error_clear(&err);
    assert_int_equal(xpci_cfg_pci_list(xl, &list, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "f:1:6: pci spec '00:1d.0-2@7': column 1: "
                                    "xl rejects several functions"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_xl_first),
        cmocka_unit_test(test_computed),     cmocka_unit_test(test_neither),
        cmocka_unit_test(test_depth),        cmocka_unit_test(test_values),
        cmocka_unit_test(test_edits),        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_comment_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
