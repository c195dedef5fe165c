/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/inotify.h>

#include "test-common-tree.h"

/* Everything that could lead out leads to the file of that name inside. */
static const struct {
    const char *link, *target;
} links[] = {
    { "/absolute", "/etc/secret" },
    { "/relative", "etc/secret" },
    { "/up", "../etc/secret" },
    { "/far-up", "../../../../../../../../etc/secret" },
    { "/dir-link/to", "../../../etc/secret" },
    { "/chain", "/absolute" },
};

static void test_links_stay_inside(void **state)
{
    struct tree *t = *state;

    tree_mkdir(t, "/etc");
    tree_mkdir(t, "/deep");
    tree_put(t, "/etc/secret", "inside");
    assert_int_equal(symlink("/deep", tree_path(t, "/dir-link")), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(links); i++) {
        _cleanup_buf_ struct xpci_buf buf = { 0 };
        char host[400];

        if (i == 4) /* the link is in a directory reached by a link */
            snprintf(host, sizeof(host), "%s/deep/to", t->dir);
        else
            snprintf(host, sizeof(host), "%s%s", t->dir, links[i].link);
        assert_int_equal(symlink(links[i].target, host), 0);
        assert_int_equal(xpci_root_read(t->root, links[i].link, &buf, NULL), 0);
        assert_string_equal(buf.data, "inside");
    }
}

static void test_dots_stay_inside(void **state)
{
    static const char *const paths[] = {
        "/../etc/secret",
        "../etc/secret",
        "/etc/../../etc/secret",
        "/etc/../../../../../../etc/secret",
        "etc/secret",
        "//etc//secret",
    };
    struct tree *t = *state;

    tree_mkdir(t, "/etc");
    tree_put(t, "/etc/secret", "inside");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(paths); i++) {
        _cleanup_buf_ struct xpci_buf buf = { 0 };

        assert_int_equal(xpci_root_read(t->root, paths[i], &buf, NULL), 0);
        assert_string_equal(buf.data, "inside");
    }
    /* what the host has and the tree has not */
    assert_false(xpci_root_exists(t->root, "/proc/self/status"));
    assert_false(xpci_root_exists(t->root, "/../../proc/self/status"));
    assert_false(xpci_root_exists(t->root, t->dir));
}

/* A file that is made through a link is made inside. */
static void test_create_stays_inside(void **state)
{
    struct tree *t = *state;
    char outside[100];
    int fd;

    snprintf(outside, sizeof(outside), "/tmp/xpci-test.%d", getpid());
    tree_mkdir(t, "/tmp");
    assert_int_equal(symlink(outside, tree_path(t, "/link")), 0);
    fd = xpci_root_open(t->root, "/link", O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(access(outside, F_OK), -1);
    assert_int_equal(access(tree_path(t, outside), F_OK), 0);
}

static void test_loop(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    bool found;

    assert_int_equal(symlink("b", tree_path(t, "/a")), 0);
    assert_int_equal(symlink("a", tree_path(t, "/b")), 0);
    assert_int_equal(xpci_root_read(t->root, "/a", &buf, &err), -ELOOP);
    assert_contains(xpci_error_text(&err), "/a': ");
    assert_int_equal(xpci_root_read_optional(t->root, "/a", &buf, &found, NULL),
                     -ELOOP);
}

static void test_read(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    char want[200];
    bool found;

    snprintf(want, sizeof(want),
             "cannot read '%s/none': No such file or directory", t->dir);
    assert_int_equal(xpci_root_read(t->root, "/none", &buf, &err), -ENOENT);
    assert_string_equal(xpci_error_text(&err), want);
    assert_int_equal(
        xpci_root_read_optional(t->root, "/none", &buf, &found, NULL), 0);
    assert_false(found);
    tree_put(t, "/file", "");
    assert_int_equal(
        xpci_root_read_optional(t->root, "/file/below", &buf, &found, NULL), 0);
    assert_false(found);
    assert_int_equal(
        xpci_root_read_optional(t->root, "/file", &buf, &found, NULL), 0);
    assert_true(found);
    assert_int_equal(buf.len, 0);
    assert_int_equal(xpci_root_read(t->root, "/", &buf, NULL), -EISDIR);
    /* reading appends */
    tree_put(t, "/file", "two");
    assert_int_equal(xpci_buf_puts(&buf, "one "), 0);
    assert_int_equal(xpci_root_read(t->root, "/file", &buf, NULL), 0);
    assert_string_equal(buf.data, "one two");
}

static void test_long_file(void **state)
{
    struct tree *t = *state;
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    _cleanup_free_ char *data = malloc(100001);

    assert_non_null(data);
    for (size_t i = 0; i < 100001; i++)
        data[i] = (char)(i * 7);
    tree_put_len(t, "/long", data, 100001);
    assert_int_equal(xpci_root_read(t->root, "/long", &buf, NULL), 0);
    assert_int_equal(buf.len, 100001);
    assert_memory_equal(buf.data, data, 100001);
    assert_int_equal(buf.data[buf.len], 0);
}

/* To open some devices is to use them: a watchdog, a tape. */
static void test_device_is_not_opened(void **state)
{
    struct tree *t = *state;
    _cleanup_close_ int fd = inotify_init1(IN_NONBLOCK);
    char event[100];

    assert_int_equal(mkfifo(tree_path(t, "/pipe"), 0600), 0);
    assert_true(inotify_add_watch(fd, tree_path(t, "/pipe"), IN_OPEN) >= 0);
    assert_int_equal(xpci_root_open_file(t->root, "/pipe"), -EMEDIUMTYPE);
    assert_int_equal(read(fd, event, sizeof(event)), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(xpci_root_open_file(t->root, "/"), -EISDIR);
    assert_int_equal(xpci_root_open_file(t->root, "/none"), -ENOENT);
}

static void test_endless_file(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf buf = { 0 };

    tree_put(t, "/hole", "");
    assert_int_equal(truncate(tree_path(t, "/hole"), (off_t)1 << 40), 0);
    assert_int_equal(xpci_root_read(t->root, "/hole", &buf, &err), -EFBIG);
    assert_contains(xpci_error_text(&err), "/hole': File too large");
    assert_null(buf.data);
}

static void test_readlink(void **state)
{
    struct tree *t = *state;
    char *text = NULL;

    tree_put(t, "/file", "");
    tree_mkdir(t, "/dir");
    assert_int_equal(symlink("../x/../y", tree_path(t, "/dir/link")), 0);
    assert_int_equal(xpci_root_readlink(t->root, "/dir/link", &text), 0);
    assert_string_equal(text, "../x/../y");
    free(text);
    assert_int_equal(xpci_root_readlink(t->root, "/file", &text), -EINVAL);
    assert_int_equal(xpci_root_readlink(t->root, "/dir", &text), -EINVAL);
    assert_int_equal(xpci_root_readlink(t->root, "/none", &text), -ENOENT);
}

static void test_list(void **state)
{
    struct tree *t = *state;
    _cleanup_strv_ struct xpci_strv names = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    bool found;

    tree_mkdir(t, "/dir");
    tree_put(t, "/dir/b", "");
    tree_put(t, "/dir/.hidden", "");
    tree_put(t, "/dir/a", "");
    tree_mkdir(t, "/dir/c");
    tree_expect_names(t, "/dir", ".hidden a b c");
    assert_int_equal(xpci_root_list(t->root, "/none", &names, &found, NULL), 0);
    assert_false(found);
    assert_int_equal(xpci_root_list(t->root, "/dir", &names, &found, NULL), 0);
    assert_true(found);
    assert_int_equal(xpci_root_list(t->root, "/dir/a", &names, NULL, &err),
                     -ENOTDIR);
    assert_contains(xpci_error_text(&err), "cannot list '");
}

static void test_new(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_root *root = NULL;
    char odd[120];

    assert_false(xpci_root_is_live(t->root));
    assert_string_equal(xpci_root_dir(t->root), t->dir);
    tree_put(t, "/file", "");
    assert_int_equal(xpci_root_new(tree_path(t, "/file"), &root, &err),
                     -ENOTDIR);
    assert_int_equal(xpci_root_new(tree_path(t, "/none"), &root, &err),
                     -ENOENT);
    assert_int_equal(xpci_root_new("", &root, &err), -ENOENT);
    assert_null(root);
    /* the directory is named without what does not matter */
    snprintf(odd, sizeof(odd), "%s/./", t->dir);
    assert_int_equal(xpci_root_new(odd, &root, NULL), 0);
    assert_string_equal(xpci_root_dir(root), t->dir);
    xpci_root_free(root);
    /* "/" in any spelling is the running system */
    assert_int_equal(xpci_root_new("/../", &root, NULL), 0);
    assert_true(xpci_root_is_live(root));
    assert_string_equal(xpci_root_dir(root), "");
    xpci_root_free(root);
    xpci_root_free(NULL);
}

/* The tree is the one that was opened, though its name goes. */
static void test_renamed(void **state)
{
    struct tree *t = *state;
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    struct xpci_root *root = NULL;

    tree_mkdir(t, "/a");
    tree_put(t, "/a/file", "inside");
    assert_int_equal(xpci_root_new(tree_path(t, "/a"), &root, NULL), 0);
    assert_int_equal(rename(tree_path(t, "/a"), tree_path(t, "/b")), 0);
    assert_int_equal(xpci_root_read(root, "/file", &buf, NULL), 0);
    assert_string_equal(buf.data, "inside");
    xpci_root_free(root);
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_links_stay_inside),
        TREE_TEST(test_dots_stay_inside),
        TREE_TEST(test_create_stays_inside),
        TREE_TEST(test_loop),
        TREE_TEST(test_read),
        TREE_TEST(test_long_file),
        TREE_TEST(test_device_is_not_opened),
        TREE_TEST(test_endless_file),
        TREE_TEST(test_readlink),
        TREE_TEST(test_list),
        TREE_TEST(test_new),
        TREE_TEST(test_renamed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
