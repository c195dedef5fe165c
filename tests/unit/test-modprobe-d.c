/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include "modprobe-d.h"

static void test_names(void **state)
{
    (void)state;
    assert_true(xpci_module_name_equal("xen-pciback", "xen_pciback"));
    assert_true(xpci_module_name_equal("", ""));
    assert_false(xpci_module_name_equal("xen-pciback", "xen-pcibac"));
    assert_false(xpci_module_name_equal("xen-pciback", "xen-pciback2"));
    assert_false(xpci_module_name_equal("xen.pciback", "xen-pciback"));
}

static void test_softdep(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } t[] = {
        { "", false },
        { "softdep e1000 pre: xen-pciback", true },
        { "softdep e1000 pre: xen-pciback\n", true },
        { "\t softdep\te1000   pre:\t xen_pciback  ", true },
        { "softdep e1000 pre: a b xen-pciback post: c", true },
        { "softdep e1000 post: c pre: xen-pciback", true },
        { "softdep e1000 post: xen-pciback", false },
        { "softdep e1000 pre: a post: xen-pciback", false },
        { "softdep e1000 xen-pciback", false },
        { "softdep e1000 pre: xen-pciback2", false },
        { "softdep e1000e pre: xen-pciback", false },
        { "softdep e100 pre: xen-pciback", false },
        { "softdep", false },
        { "softdep e1000", false },
        { "softdep e1000 pre:", false },
        { "# softdep e1000 pre: xen-pciback", false },
        { "#softdep e1000 pre: xen-pciback", false },
        { "Softdep e1000 pre: xen-pciback", false },
        { "softdep e1000 \\\n  pre: \\\n xen-pciback\n", true },
        { "# a comment \\\nsoftdep e1000 pre: xen-pciback\n", false },
        { "\n\n\nblacklist x\nsoftdep a pre: b\n"
          "softdep e1000 pre: xen-pciback\nlast",
          true },
        { "softdep e1000 pre: mii\nsoftdep e1000 pre: xen-pciback\n", true },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        bool has = !t[i].want;

        assert_int_equal(xpci_modprobe_has_softdep(t[i].text, "e1000", &has),
                         0);
        if (has != t[i].want)
            fail_msg("'%s': %d", t[i].text, has);
    }
}

static void test_conflict(void **state)
{
    static const struct {
        const char *text, *want;
    } t[] = {
        { "", NULL },
        { "options xen-pciback hide=(1:0.0)",
          "options xen-pciback hide=(1:0.0)" },
        { "a b\n  options xen_pciback permissive=1 hide=\nb",
          "  options xen_pciback permissive=1 hide=" },
        { "options xen-pciback permissive=1\n", NULL },
        { "options xen-pciback nohide=1\n", NULL },
        { "options xen-pciback\n", NULL },
        { "options xen-pciback2 hide=(1:0.0)\n", NULL },
        { "options e1000 hide=(1:0.0)\n", NULL },
        { "#options xen-pciback hide=(1:0.0)\n", NULL },
        { "options xen-pciback \\\n hide=(1:0.0)\n",
          "options xen-pciback  hide=(1:0.0)" },
        { "install xen-pciback /bin/true\n", "install xen-pciback /bin/true" },
        { "blacklist xen_pciback\n", "blacklist xen_pciback" },
        { "blacklist e1000\n", NULL },
        { "install e1000 modprobe xen-pciback\n", NULL },
        { "remove xen-pciback /bin/true\n", NULL },
        { "install\noptions\n", NULL },
        { "alias xen* off\n", "alias xen* off" },
        { "alias ?en-pci[b-z]ack off\n", "alias ?en-pci[b-z]ack off" },
        { "install xen[_]pciback true\n", "install xen[_]pciback true" },
        { "install xen-pciback[ true\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_free_ char *line = NULL;

        assert_int_equal(xpci_modprobe_conflict(t[i].text, &line), 0);
        if (t[i].want)
            assert_non_null(line);
        assert_string_equal(line ? line : "", t[i].want ? t[i].want : "");
    }
}

#define LIST "options xen-pciback hide=(1:0.0)\n"

/* Of one name the first place's; what is no file says nothing. */
static void test_find(void **state)
{
    static const char *const dirs[] = { "/etc",          "/run",
                                        "/lib",          "/usr",
                                        "/usr/lib",      "/usr/local",
                                        "/usr/local/lib" };
    static const struct {
        const char *path, *text; /* NULL: a link to what is not there */
    } t_file[] = {
        { "/etc/modprobe.d/replaced.conf", "# nothing\n" },
        { "/etc/modprobe.d/empty.conf", "" },
        { "/etc/modprobe.d/masked.conf", NULL },
        { "/etc/modprobe.d/said-twice.conf", "blacklist xen-pciback\n" },
        { "/etc/modprobe.d/other.conf.bak", LIST },
        { "/etc/modprobe.d/xpci.conf", LIST },
        { "/etc/modprobe.d/z.alias", LIST },
        { "/run/modprobe.d/run.conf", LIST },
        { "/usr/local/lib/modprobe.d/local.conf", LIST },
        { "/usr/lib/modprobe.d/replaced.conf", LIST },
        { "/usr/lib/modprobe.d/empty.conf", LIST },
        { "/usr/lib/modprobe.d/vendor.conf", LIST },
        { "/lib/modprobe.d/vendor.conf", LIST },
        { "/lib/modprobe.d/said-twice.conf", LIST },
        { "/lib/modprobe.d/masked.conf", LIST },
        { "/lib/modprobe.d/xpci.conf", LIST },
    };
    static const char *const want[] = {
        "/etc/modprobe.d/said-twice.conf",
        "/etc/modprobe.d/z.alias",
        "/run/modprobe.d/run.conf",
        "/usr/local/lib/modprobe.d/local.conf",
        "/usr/lib/modprobe.d/vendor.conf",
        "/lib/modprobe.d/masked.conf",
    };
    _cleanup_modprobe_ struct xpci_modprobe found = { 0 };
    struct tree *t = *state;
    char path[100];

    assert_int_equal(xpci_modprobe_find(t->root, false, &found, NULL), 0);
    assert_int_equal(found.n, 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(dirs); i++) {
        tree_mkdir(t, dirs[i]);
        snprintf(path, sizeof(path), "%s/modprobe.d", dirs[i]);
        tree_mkdir(t, path);
    }
    tree_mkdir(t, "/etc/modprobe.d/dir.conf");
    assert_int_equal(mkfifo(tree_path(t, "/etc/modprobe.d/pipe.conf"), 0644),
                     0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_file); i++) {
        if (t_file[i].text)
            tree_put(t, t_file[i].path, t_file[i].text);
        else
            assert_int_equal(symlink("/dev/null", tree_path(t, t_file[i].path)),
                             0);
    }
    assert_int_equal(xpci_modprobe_find(t->root, false, &found, NULL), 0);
    for (size_t i = 0; i < found.n && i < XPCI_ARRAY_SIZE(want); i++)
        assert_string_equal(found.v[i].path, want[i]);
    assert_int_equal(found.n, XPCI_ARRAY_SIZE(want));
    assert_string_equal(found.v[0].line, "blacklist xen-pciback");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_softdep),
        cmocka_unit_test(test_conflict),
        cmocka_unit_test_setup_teardown(test_find, tree_setup, tree_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
