/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include "image-check.h"
#include "test-image-cpio.h"

#define OPTIONS                                                                \
    "options xen-pciback hide=(0000:03:02.0)\n"                                \
    "softdep e1000 pre: xen-pciback\n"
#define KO "usr/lib/modules/6.1/kernel/drivers/xen/xen-pciback/xen-pciback.ko"

/* The files of an image: pairs of name and text. */
struct file {
    const char *name, *text; /* NULL: a directory */
};

static const struct {
    const char *what;
    struct file file[6];
    bool nothing_hidden;
    const char *builtin, *options;
    enum xpci_verdict verdict;
    const char *reason;
} t_case[] = {
    { "all that is needed",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "compressed module, not merged /usr, underscore, among others",
      { { "lib/modules/6.1/kernel/drivers/xen/xen-pciback/xen-pciback.ko.zst",
          "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/other.conf", "options snd-hda-intel power_save=1\n" },
        { "conf/modules", "# these\nloop max=8\n\txen_pciback\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "an empty module",
      { { KO, "" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "the module xen-pciback in it is empty, or not the one "
                "in /lib/modules" },
    { "no module",
      { { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "the module xen-pciback of this kernel is not in it" },
    { "another kernel's module",
      { { "usr/lib/modules/6.10/kernel/drivers/xen/xen-pciback/xen-pciback.ko",
          "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "the module xen-pciback of this kernel is not in it" },
    { "no options",
      { { KO, "module" }, { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "/etc/modprobe.d/xpci.conf is not in it" },
    { "options in the wrong place",
      { { KO, "module" },
        { "xpci.conf", OPTIONS },
        { "etc/modprobe.d/sub/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "/etc/modprobe.d/xpci.conf is not in it" },
    { "other options",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS " " },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "/etc/modprobe.d/xpci.conf in it is not the present one" },
    { "a second file that sets hide",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/zz.conf", "options xen_pciback hide=(0000:05:00.0)" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/zz.conf: 'options xen_pciback "
                "hide=(0000:05:00.0)' is in the way" },
    { "one in /lib, before",
      { { "lib/modprobe.d/aa.conf", "install xen-pciback /bin/true\n" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "lib/modprobe.d/aa.conf: 'install xen-pciback /bin/true' is in "
                "the way" },
    { "a file replaces another of its name",
      { { "lib/modprobe.d/aa.conf", "install xen-pciback /bin/true\n" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/aa.conf", "# nothing" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "so does a link to /dev/null",
      { { "usr/lib/modprobe.d/aa.conf", "install xen-pciback /bin/true\n" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/aa.conf", "/dev/null" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "a link to a link to what is in the way",
      { { "etc/modprobe.d/aa.conf", "../alternatives/x--aa.conf" },
        { "etc/alternatives/x--aa.conf", "../../x.conf" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" },
        { "x.conf", "install xen-pciback /bin/true\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/aa.conf: 'install xen-pciback /bin/true' "
                "is in the way" },
    { "a link to nothing, one to what is in no way",
      { { "etc/modprobe.d/aa.conf", "../local/aa.conf" },
        { "etc/modprobe.d/bb.conf", "../local/bb.conf" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" },
        { "etc/local/bb.conf", "blacklist x\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "a link to what may be anywhere",
      { { "etc/modprobe.d/aa.conf", "../local/aa" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/aa.conf: a link to '../local/aa' is in the "
                "way" },
    { "a link to a link to itself",
      { { "etc/modprobe.d/aa.conf", "../../x.conf" },
        { "x.conf", "../x.conf" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/aa.conf: a link to '../../x.conf' is in the "
                "way" },
    { "an alias",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/zz.conf", "alias xen_pciback off" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/zz.conf: 'alias xen_pciback off' is in the "
                "way" },
    { "a list in quotes",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/zz.conf",
          "options xen-pciback \"hide=(0000:05:00.0)\"" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "etc/modprobe.d/zz.conf: 'options xen-pciback "
                "\"hide=(0000:05:00.0)\"' is in the way" },
    { "a directory does not",
      { { "usr/lib/modprobe.d/aa.conf", "install xen-pciback /bin/true\n" },
        { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/aa.conf", NULL },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "usr/lib/modprobe.d/aa.conf: 'install xen-pciback /bin/true' "
                "is in the way" },
    { "the softdep is in a file that is replaced",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf",
          "options xen-pciback hide=(0000:03:02.0)\n" },
        { "usr/lib/modprobe.d/xpci.conf", "softdep e1000 pre: xen-pciback\n" },
        { "conf/modules", "xen-pciback\n" } },
      .options = "options xen-pciback hide=(0000:03:02.0)\n",
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "nothing makes xen-pciback load before driver 'e1000'" },
    { "a file that modprobe does not read",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "etc/modprobe.d/old.conf.bak", "options xen-pciback hide=(1:0.0)\n" },
        { "conf/modules", "xen-pciback\n" } },
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "module, options and order are in it" },
    { "builtin driver",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "xen-pciback\n" } },
      .builtin = "ahci",
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "driver 'ahci' is built into the kernel and will be first" },
    { "nothing loads it",
      { { KO, "module" },
        { "etc/modprobe.d/xpci.conf", OPTIONS },
        { "conf/modules", "# xen-pciback\nxen-pciback-x\nloop\n" } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "nothing in it loads xen-pciback" },
    { "no load list",
      { { KO, "module" }, { "etc/modprobe.d/xpci.conf", OPTIONS } },
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "nothing in it loads xen-pciback" },
    { "nothing hidden, nothing there",
      { { "etc/modprobe.d/other.conf", "blacklist x\n" } },
      .nothing_hidden = true,
      .verdict = XPCI_VERDICT_PROVEN,
      .reason = "nothing of xpci's is in it" },
    { "nothing hidden, but still there",
      { { "etc/modprobe.d/xpci.conf", OPTIONS } },
      .nothing_hidden = true,
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "/etc/modprobe.d/xpci.conf is still in it" },
    { "nothing hidden, but by the generator that made it",
      { { "lib/dracut/hooks/pre-udev/00-xpci.sh", "#!/bin/sh\n" } },
      .nothing_hidden = true,
      .verdict = XPCI_VERDICT_WRONG,
      .reason = "/lib/dracut/hooks/pre-udev/00-xpci.sh is still in it" },
};

static const struct xpci_generator *gen = &xpci_initramfs_tools;

static void check(struct tree *t, const struct xpci_image_want *want,
                  struct xpci_image_verdict *verdict)
{
    assert_int_equal(
        xpci_image_check(t->root, "/image", "6.1", gen, want, verdict, NULL),
        0);
}

static void put_file(struct xpci_buf *image, const char *name, const char *text)
{
    if (!text)
        cpio_dir(image, name);
    else if (!strcmp(text, "/dev/null") || !strncmp(text, "../", 3))
        cpio_entry(image, name, S_IFLNK | 0777, text);
    else
        cpio_file(image, name, text);
}

static void put_image(struct tree *t, const struct file *file)
{
    _cleanup_buf_ struct xpci_buf image = { 0 };

    for (size_t i = 0; i < 6 && file[i].name; i++)
        put_file(&image, file[i].name, file[i].text);
    cpio_trailer(&image);
    tree_put_len(t, "/image", image.data, image.len);
}

static void test_verdicts(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv drivers = { 0 };

    assert_int_equal(xpci_strv_add(&drivers, "e1000"), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_case); i++) {
        _cleanup_image_verdict_ struct xpci_image_verdict v = { 0 };
        _cleanup_strv_ struct xpci_strv builtin = { 0 };
        struct xpci_image_want want = {
            .options_path = "/etc/modprobe.d/xpci.conf",
            .options_text = t_case[i].nothing_hidden ? NULL
                            : t_case[i].options      ? t_case[i].options
                                                     : OPTIONS,
            .drivers = &drivers,
            .builtin = &builtin,
        };

        if (t_case[i].builtin)
            assert_int_equal(xpci_strv_add(&builtin, t_case[i].builtin), 0);
        put_image(t, t_case[i].file);
        check(t, &want, &v);
        if (v.verdict != t_case[i].verdict ||
            strcmp(v.reason, t_case[i].reason))
            fail_msg("%s: %s: %s", t_case[i].what, xpci_verdict_name(v.verdict),
                     v.reason);
    }
}

/* Each driver needs its softdep; where it stands does not matter. */
static void test_softdeps(void **state)
{
    static const struct {
        const char *text;
        bool proven;
    } t_dep[] = {
        { "softdep e1000 pre: xen-pciback\n"
          "softdep 8139cp pre: xen-pciback\n",
          true },
        { "softdep e1000 pre: xen-pciback\n", false },
        { "softdep 8139cp pre: xen-pciback\n", false },
        { "softdep e1000 pre: xen-pciback\n"
          "softdep 8139cp post: xen-pciback\n",
          false },
        { "softdep e1000 pre: xen-pciback\n"
          "softdep 8139cp pre: mii xen_pciback post: x\n",
          true },
        { "softdep e1000 pre: xen-pciback\n# softdep 8139cp pre: xen-pciback\n",
          false },
        { "softdep e1000 8139cp pre: xen-pciback\n", false },
        { "", false },
    };
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv drivers = { 0 }, builtin = { 0 };

    assert_int_equal(xpci_strv_add(&drivers, "e1000"), 0);
    assert_int_equal(xpci_strv_add(&drivers, "8139cp"), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_dep) * 2; i++) {
        _cleanup_image_verdict_ struct xpci_image_verdict v = { 0 };
        const char *text = t_dep[i / 2].text;
        /* in xpci's own file, or in another */
        struct file files[] = {
            { KO, "module" },
            { "etc/modprobe.d/xpci.conf", i % 2 ? "" : text },
            { "usr/lib/modprobe.d/x.conf", i % 2 ? text : "" },
            { "conf/modules", "xen-pciback" },
            { NULL, NULL },
            { NULL, NULL }
        };
        struct xpci_image_want want = {
            .options_path = "/etc/modprobe.d/xpci.conf",
            .options_text = files[1].text,
            .drivers = &drivers,
            .builtin = &builtin,
        };

        put_image(t, files);
        check(t, &want, &v);
        assert_int_equal(v.verdict, t_dep[i / 2].proven ? XPCI_VERDICT_PROVEN
                                                        : XPCI_VERDICT_WRONG);
        if (!t_dep[i / 2].proven)
            assert_contains(v.reason,
                            "nothing makes xen-pciback load before driver '");
    }
}

/* Where releases of dracut have their hooks, and what is no such place. */
static void test_dracut_places(void **state)
{
    static const struct {
        struct file file[6];
        const char *reason;
    } t_place[] = {
#define HOOK "lib/dracut/hooks/pre-udev/00-xpci.sh"
#define INIT { "init", "#!/bin/sh\n" }
#define PRESENT "module, script and order are in it"
#define MISSING "/" HOOK " is not in it"
        { { INIT, { KO, "module" }, { HOOK, "script" } }, PRESENT },
        { { INIT, { KO, "module" }, { "usr/" HOOK, "script" } }, PRESENT },
        { { INIT, { KO, "module" }, { "var/" HOOK, "script" } }, PRESENT },
        { { INIT,
            { KO, "module" },
            { "var/" HOOK, "old" },
            { HOOK, "script" } },
          PRESENT },
        { { { "usr/bin/dracut-pre-udev", "#!/bin/sh\n" },
            { KO, "module" },
            { HOOK, "script" } },
          PRESENT },
        /* systemd is init, and dracut-systemd was left out */
        { { { KO, "module" }, { HOOK, "script" } },
          "nothing in it runs dracut's hooks, as its module dracut-systemd "
          "does" },
        { { { KO, "module" }, { HOOK, "script" }, { "usr/" HOOK, "old" } },
          "/" HOOK " in it is not the present one" },
        { { { KO, "module" }, { "opt/" HOOK, "script" } }, MISSING },
        { { { KO, "module" }, { "usr/usr/" HOOK, "script" } }, MISSING },
        { { { KO, "module" }, { "etc/dracut.conf.d/xpci.sh", "script" } },
          MISSING },
        { { { HOOK, "script" } },
          "the module xen-pciback of this kernel is not in it" },
    };
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv none = { 0 };
    const struct xpci_image_want want = {
        .options_path = "/etc/modprobe.d/xpci.conf",
        .script_text = "script",
        .drivers = &none,
        .builtin = &none,
    };

    gen = &xpci_dracut;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_place); i++) {
        _cleanup_image_verdict_ struct xpci_image_verdict v = { 0 };

        put_image(t, t_place[i].file);
        check(t, &want, &v);
        assert_string_equal(v.reason, t_place[i].reason);
    }
    gen = &xpci_initramfs_tools;
}

static void test_unprovable(void **state)
{
    static const char *const images[] = { "", "garbage", "070701" };
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv none = { 0 };
    struct xpci_image_want want = {
        .options_path = "/etc/modprobe.d/xpci.conf",
        .options_text = OPTIONS,
        .drivers = &none,
        .builtin = &none,
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(images) + 1; i++) {
        for (int hidden = 0; hidden < 2; hidden++) {
            _cleanup_image_verdict_ struct xpci_image_verdict v = { 0 };

            want.options_text = hidden ? OPTIONS : NULL;
            unlink(tree_path(t, "/image"));
            if (i < XPCI_ARRAY_SIZE(images))
                tree_put(t, "/image", images[i]);
            check(t, &want, &v);
            assert_int_equal(v.verdict, XPCI_VERDICT_UNPROVABLE);
            assert_non_null(v.reason);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(xpci_verdict_name(XPCI_VERDICT_PROVEN), "proven");
    assert_string_equal(xpci_verdict_name(XPCI_VERDICT_WRONG), "wrong");
    assert_string_equal(xpci_verdict_name(XPCI_VERDICT_UNPROVABLE),
                        "unprovable");
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_verdicts),      TREE_TEST(test_softdeps),
        TREE_TEST(test_dracut_places), TREE_TEST(test_unprovable),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
