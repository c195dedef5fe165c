/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "hide-conf.h"

static void load_text(struct tree *t, const char *text,
                      struct xpci_hide_conf *conf, int want,
                      struct xpci_error *err)
{
    mkdir(tree_path(t, "/etc"), 0755);
    tree_put(t, XPCI_HIDE_CONF_PATH, text);
    assert_int_equal(xpci_hide_conf_load(t->root, NULL, conf, err), want);
}

static void add(struct xpci_hide_conf *conf, const struct xpci_inventory *inv,
                const char *bdf)
{
    assert_int_equal(
        xpci_hide_conf_add(conf, inv, &inv->dev[host_index(inv, bdf)], NULL),
        0);
}

#define HEAD                                                                    \
    "# What xpci takes from dom0 at boot: the address a device had, its path\n" \
    "# from the root bus, and its ids; see xpci.conf(5). After an edit by "     \
    "hand\n"                                                                    \
    "# run 'xpci hide'.\n"

/* What the file is to be. NULL: gone. */
static char *text_of(const struct tree *t, const struct xpci_hide_conf *conf)
{
    char *text = NULL;

    assert_int_equal(xpci_hide_conf_text(conf, t->root, &text, NULL), 0);
    return text;
}

/* What is written is what is read, in order of BDF, each once. */
static void test_round_trip(void **state)
{
    struct tree *t = *state;
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 }, again = { 0 };
    _cleanup_free_ char *text = NULL, *second = NULL, *list = NULL;

    host_load("lab", &inv);
    add(&conf, &inv, "05:00.1");
    add(&conf, &inv, "03:02.0");
    add(&conf, &inv, "03:00.0");
    add(&conf, &inv, "03:02.0");
    assert_int_equal(conf.n, 3);
    text = text_of(t, &conf);
    assert_string_equal(
        text,
        HEAD "hide = [\n"
             "    '0000:03:00.0,path=0000:00:1c.1/00.0/00.0,id=10ec:8139',\n"
             "    '0000:03:02.0,path=0000:00:1c.1/00.0/02.0,id=8086:100e',\n"
             "    '0000:05:00.1,path=0000:00:1c.3/00.1,id=8086:10d3',\n"
             "]\n");
    load_text(t, text, &again, 0, NULL);
    second = text_of(t, &again);
    assert_string_equal(second, text);
    assert_int_equal(xpci_hide_conf_list(&again, &list, NULL), 0);
    assert_string_equal(list, "(0000:03:00.0)(0000:03:02.0)(0000:05:00.1)");
}

/* What a person wrote stays, an entry of a card that is gone with it. */
static void test_edit_in_place(void **state)
{
    struct tree *t = *state;
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_free_ char *added = NULL, *removed = NULL;
    const struct xpci_bdf card = { 0, 3, 2, 0 }, other = { 0, 3, 0, 0 };

    host_load("lab", &inv);
    load_text(t,
              "# ours\n"
              "hide = [ # the ISDN card was another one\n"
              "  '03:02.0,path=0000:00:1c.1/00.0/02.0,id=1244:0a00', # isdn\n"
              "]\n",
              &conf, 0, NULL);
    add(&conf, &inv, "03:02.0");
    add(&conf, &inv, "03:00.0");
    added = text_of(t, &conf);
    assert_string_equal(
        added, "# ours\n"
               "hide = [ # the ISDN card was another one\n"
               "  '03:02.0,path=0000:00:1c.1/00.0/02.0,id=1244:0a00', # isdn\n"
               "  '0000:03:00.0,path=0000:00:1c.1/00.0/00.0,id=10ec:8139',\n"
               "  '0000:03:02.0,path=0000:00:1c.1/00.0/02.0,id=8086:100e',\n"
               "]\n");
    xpci_hide_conf_remove(&conf, xpci_hide_conf_find(&conf, &card));
    xpci_hide_conf_remove(&conf, xpci_hide_conf_find(&conf, &other));
    assert_null(xpci_hide_conf_find(&conf, &card));
    assert_int_equal(conf.n, 1);
    xpci_hide_conf_remove(&conf, &conf.v[0]);
    removed = text_of(t, &conf);
    assert_string_equal(removed, "# ours\n"
                                 "hide = [ # the ISDN card was another one\n"
                                 "  # isdn\n"
                                 "]\n");
}

static void test_find_and_remove(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    const struct xpci_bdf in = { 0, 3, 2, 0 }, out = { 0, 3, 2, 1 };

    (void)state;
    assert_null(xpci_hide_conf_find(&conf, &in));
    host_load("lab", &inv);
    add(&conf, &inv, "03:00.0");
    add(&conf, &inv, "03:02.0");
    add(&conf, &inv, "05:00.0");
    assert_int_equal(xpci_hide_conf_find(&conf, &in)->device, 0x100e);
    assert_null(xpci_hide_conf_find(&conf, &out));
    xpci_hide_conf_remove(&conf, xpci_hide_conf_find(&conf, &in));
    assert_null(xpci_hide_conf_find(&conf, &in));
    assert_int_equal(conf.n, 2);
    assert_int_equal(conf.v[0].device, 0x8139);
    assert_int_equal(conf.v[1].device, 0x10d3);
}

/*
 * Addresses of then say nothing: one card has moved to where another one was,
 * and that one is gone; a third is new where the first was.
 */
static void test_same_address(void **state)
{
    struct tree *t = *state;
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 }, again = { 0 };
    _cleanup_free_ char *text = NULL;
    const struct xpci_bdf there = { 0, 3, 2, 0 }, then = { 0, 5, 0, 0 };

    host_load("lab", &inv);
    load_text(t,
              "hide = ['03:02.0,path=0000:00:1c.1/00.0/02.0,id=1244:0a00',\n"
              "'05:00.0,path=0000:00:1c.1/00.0/02.0,id=8086:100e']\n",
              &conf, 0, NULL);
    xpci_hide_conf_clear(&conf);
    assert_int_equal(xpci_hide_conf_load(t->root, &inv, &conf, NULL), 0);
    assert_int_equal(xpci_hide_conf_find(&conf, &there)->vendor, 0x8086);
    assert_null(xpci_hide_conf_find(&conf, &then));
    add(&conf, &inv, "05:00.0");
    assert_int_equal(conf.n, 3);
    text = text_of(t, &conf);
    load_text(t, text, &again, 0, NULL);
    assert_int_equal(again.n, 3);
    xpci_hide_conf_remove(&conf, xpci_hide_conf_find(&conf, &there));
    assert_int_equal(conf.n, 2);
    assert_int_equal(conf.v[0].vendor, 0x1244);
    assert_null(xpci_hide_conf_find(&conf, &there));
}

#define GOOD "'0000:03:02.0,path=0000:00:1c.1/00.0/02.0,id=8086:100e'"

static void test_good_files(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } t_file[] = {
        { "", 0 },
        { "# nothing\n", 0 },
        { "hide = []\n", 0 },
        { "hide = [ ]", 0 },
        { "hide = [" GOOD "]", 1 },
        { "hide=[ \"03:02.0,id=8086:100e,path=0000:00:1c.1/02.0\" ,\n\n" /* any
                                                                            order
                                                                          */
          "'1:0.7,path=0000:00:01.0,id=0000:ffff' ] # why\n",
          2 },
        { "method = 'list'\n", 0 },
        { "hide = []\nhide += [" GOOD "]", 1 },
        { "method = 'identity'\nhide = []\n", 0 },
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_file); i++) {
        _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };

        load_text(t, t_file[i].text, &conf, 0, NULL);
        assert_int_equal(conf.n, t_file[i].n);
        for (size_t k = 1; k < conf.n; k++)
            assert_true(xpci_bdf_cmp(&conf.v[k - 1].bdf, &conf.v[k].bdf) < 0);
    }
}

static void test_bad_files(void **state)
{
    static const struct {
        const char *text, *place; /* "LINE:COLUMN: " and on */
    } t_file[] = {
        { "hide = ['03:02.0']", "1:9: '03:02.0' is not of the form" },
        { "hide = ['03:02.0,path=x,id=8086:100e']", "1:9: " },
        { "hide = ['03:02.0,path=,id=8086:100e']", "1:9: " },
        { "hide = [\"03:02.0,path=0000:00:1c.1'`id`',id=8086:100e\"]",
          "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1 1,id=8086:100e']", "1:9: " },
        { "hide = [\n  ''\n]", "2:3: '' is not of the form" },
        { "hide = [" GOOD ",\n\t'x' ]", "2:2: 'x' is not" },
        { "hide = ['03:02.0,path=0000:00:1c.1']", "1:9: " },
        { "hide = ['03:02.0,id=8086:100e']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086:100E']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086:100']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086-100e']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086:100e ']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086:100e,id=8086:100e']",
          "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,path=y,id=8086:100e']", "1:9: " },
        { "hide = ['03:02.0,path=0000:00:1c.1,id=8086:100e,more=1']", "1:9: " },
        { "hide = ['03:20.0,path=0000:00:1c.1,id=8086:100e']", "1:9: " },
        { "hide = ['03:02.*,path=0000:00:1c.1,id=8086:100e']", "1:9: " },
        { "hide = ['path=0000:00:1c.1,id=8086:100e']", "1:9: " },
        { "hide = ['1:0.0,path=10000:e0:06.0/00.0,id=144d:a80a']",
          "1:9: '1:0.0,path=10000:e0:06.0/00.0,id=144d:a80a' is in a segment "
          "above ffff" },
        { "hide = [" GOOD ",\n  " GOOD "]",
          "2:3: " GOOD " names a device that is there already" },
        { "hide = [" GOOD "]\nhide = []\n", "1:1: this 'hide' does not count" },
        { "hide = []\nhide += [" GOOD "]\nmethod = 'list'\nmethod = 'auto'\n",
          "3:1: this 'method' does not count" },
        { "hide = [ ", "1:10: " },
        { "hide = " GOOD "\n", "1:8: 'hide' is a single value" },
        { "hide = [ ['x'] ]", "1:10: " },
        { "hide = []\nother = 'x'\n", "2:1: 'other' is no setting of xpci" },
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_file); i++) {
        _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        char want[300];

        load_text(t, t_file[i].text, &conf, -EINVAL, &err);
        snprintf(want, sizeof(want), "%s/etc/xpci.conf:%s", t->dir,
                 t_file[i].place);
        if (strncmp(err.msg, want, strlen(want)))
            fail_msg("'%s': %s", t_file[i].text, err.msg);
        assert_null(strchr(err.msg, '\n'));
        assert_int_equal(conf.n, 0);
    }
}

/* None of them would ever be a device's. */
static void test_paths(void **state)
{
    static const struct {
        const char *path;
        bool good;
    } t_path[] = {
        { "0000:00:1c.1/00.0/02.0", true },
        { "0001:ff:1f.7", true },
        { "00:1c.1/00.0/02.0", false },
        { "0000:00:1c.1/00.0/2.0", false },
        { "0000:00:1c.1/00.0//02.0", false },
        { "0000:00:1c.1/00.0/02.0/", false },
        { "/0000:00:1c.1", false },
        { "0000:00:1c.1/00:02.0", false },
        { "0000:00:1c.1/20.0", false },
        { "0000:00:1c.1/00.8", false },
        { "0000:00:1C.1", false },
        { "00000:00:1c.1", false },
        { "0000:00:1c.1/00.00", false },
        { "0000:00:1c.1/0000000000000000000000000000000000000", false },
        { "00.0", false },
        { ".", false },
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_path); i++) {
        _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
        char text[200];

        snprintf(text, sizeof(text), "hide = ['03:02.0,path=%s,id=8086:100e']",
                 t_path[i].path);
        load_text(t, text, &conf, t_path[i].good ? 0 : -EINVAL, NULL);
    }
}

static void test_no_file(void **state)
{
    struct tree *t = *state;
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_free_ char *list = NULL;

    assert_int_equal(xpci_hide_conf_load(t->root, NULL, &conf, NULL), 0);
    assert_int_equal(conf.n, 0);
    assert_int_equal(xpci_hide_conf_list(&conf, &list, NULL), 0);
    assert_string_equal(list, "");
    tree_mkdir(t, "/etc");
    tree_mkdir(t, XPCI_HIDE_CONF_PATH);
    assert_int_equal(xpci_hide_conf_load(t->root, NULL, &conf, NULL), -EISDIR);
}

static void test_modprobe(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_strv_ struct xpci_strv drivers = { 0 };
    _cleanup_free_ char *text = NULL;

    (void)state;
    host_load("lab", &inv);
    add(&conf, &inv, "03:02.0");
    add(&conf, &inv, "03:00.0");
    assert_int_equal(xpci_strv_add(&drivers, "8139cp"), 0);
    assert_int_equal(xpci_strv_add(&drivers, "e1000"), 0);
    assert_int_equal(
        xpci_hide_conf_modprobe(&conf, "xen-pciback", &drivers, &text, NULL),
        0);
    assert_string_equal(
        text,
        "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
        "options xen-pciback hide=(0000:03:00.0)(0000:03:02.0)\n"
        "softdep 8139cp pre: xen-pciback\n"
        "softdep e1000 pre: xen-pciback\n");
}

/* Addresses pciback cannot take, and lists the kernel cannot. */
static void test_limits(void **state)
{
    _cleanup_hide_conf_ struct xpci_hide_conf conf = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_free_ char *list = NULL;
    struct xpci_inventory inv = { 0 };
    struct xpci_device dev = {
        .bdf = { 0x10000, 0xe1, 0, 0 },
        .parent = XPCI_NO_PARENT,
    };

    (void)state;
    assert_true(xpci_hide_conf_add(&conf, &inv, &dev, &err) < 0);
    assert_int_equal(err.kind, XPCI_REFUSED);
    assert_contains(err.msg, "10000:e1:00.0");
    assert_int_equal(conf.n, 0);
    dev.bdf.segment = 0;
    /* single functions, one a slot, on many buses: nothing to shorten */
    for (unsigned int i = 0; i < 74; i++) {
        dev.bdf.bus = (uint8_t)i;
        assert_int_equal(xpci_hide_conf_add(&conf, &inv, &dev, NULL), 0);
    }
    xpci_error_clear(&err);
    if (xpci_hide_conf_list(&conf, &list, &err) == 0)
        assert_true(strlen(list) <= 1024);
    else
        assert_non_null(err.msg);
}

static void test_identity(void **state)
{
    static const struct {
        const char *bdf, *path, *why; /* NULL: it is the one */
        uint16_t vendor, device;
    } t[] = {
        { "03:02.0", "0000:00:1c.1/00.0/02.0", NULL, 0x8086, 0x100e },
        { "03:02.0", "0000:00:1c.1/00.0/02.0",
          "8086:100f at 0000:00:1c.1/00.0/02.0 was meant, but 8086:100e at "
          "0000:00:1c.1/00.0/02.0 is there",
          0x8086, 0x100f },
        { "03:02.0", "0000:00:1c.1/00.0/02.0",
          "8087:100e at 0000:00:1c.1/00.0/02.0 was meant, but 8086:100e at "
          "0000:00:1c.1/00.0/02.0 is there",
          0x8087, 0x100e },
        { "03:02.0", "0000:00:1c.2/00.0/02.0",
          "8086:100e at 0000:00:1c.2/00.0/02.0 was meant, but 8086:100e at "
          "0000:00:1c.1/00.0/02.0 is there",
          0x8086, 0x100e },
        { "03:03.0", "0000:00:1c.1/00.0/02.0",
          "there is no device at this address", 0x8086, 0x100e },
    };
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };

    (void)state;
    host_load("lab", &inv);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        char path[100];
        struct xpci_hidden hidden = { .path = path,
                                      .vendor = t[i].vendor,
                                      .device = t[i].device };
        _cleanup_free_ char *why = NULL;

        strcpy(path, t[i].path);
        assert_int_equal(xpci_bdf_parse(t[i].bdf, &hidden.bdf), 0);
        assert_int_equal(xpci_hidden_check(&hidden, &inv, &why),
                         t[i].why ? -ENODEV : 0);
        assert_string_equal(why ? why : "", t[i].why ? t[i].why : "");
    }
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_round_trip),      cmocka_unit_test(test_find_and_remove),
        TREE_TEST(test_edit_in_place),   TREE_TEST(test_same_address),
        TREE_TEST(test_good_files),      TREE_TEST(test_bad_files),
        TREE_TEST(test_paths),           TREE_TEST(test_no_file),
        cmocka_unit_test(test_modprobe), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
