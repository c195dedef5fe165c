/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"
#include "test-common-fail.h"

#include "changes.h"

static void put(struct tree *t, struct xpci_changes *set, const char *path,
                const char *text)
{
    assert_int_equal(
        xpci_changes_put(set, t->root, path, text, strlen(text), 0644, NULL),
        0);
}

/* A file to change, one to make, one to remove; and what changes nothing. */
static void prepare(struct tree *t, struct xpci_changes *set)
{
    mkdir(tree_path(t, "/etc"), 0755);
    tree_put(t, "/etc/a", "old a");
    assert_int_equal(chmod(tree_path(t, "/etc/a"), 0600), 0);
    unlink(tree_path(t, "/etc/b"));
    tree_put(t, "/etc/c", "old c");
    assert_int_equal(chmod(tree_path(t, "/etc/c"), 0751), 0);
    tree_put(t, "/etc/same", "same");
    put(t, set, "/etc/a", "new a");
    put(t, set, "/etc/b", "new b");
    assert_int_equal(xpci_changes_delete(set, t->root, "/etc/c", NULL), 0);
    put(t, set, "/etc/same", "same");
    assert_int_equal(xpci_changes_delete(set, t->root, "/etc/none", NULL), 0);
}

static void expect_before(struct tree *t)
{
    tree_expect_names(t, "/etc", "a c same");
    tree_expect(t, "/etc/a", "old a");
    tree_expect(t, "/etc/c", "old c");
    assert_int_equal(tree_stat(t, "/etc/a").st_mode & 07777, 0600);
    assert_int_equal(tree_stat(t, "/etc/c").st_mode & 07777, 0751);
}

static void expect_after(struct tree *t)
{
    tree_expect_names(t, "/etc", "a b same");
    tree_expect(t, "/etc/a", "new a");
    tree_expect(t, "/etc/b", "new b");
    assert_int_equal(tree_stat(t, "/etc/a").st_mode & 07777, 0600);
    assert_int_equal(tree_stat(t, "/etc/b").st_mode & 07777, 0644);
}

static void test_commit_and_undo(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(set.n, 3);
    expect_before(t);
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    expect_after(t);
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    expect_before(t);
    /* and again */
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    expect_before(t);
}

static void test_empty_set(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_buf_ struct xpci_buf diff = { 0 };
    struct tree *t = *state;

    fail_from(1, EIO);
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    assert_int_equal(xpci_changes_diff(&set, t->root, &diff, NULL), 0);
    fail_from(0, 0);
    assert_int_equal(diff.len, 0);
}

/* All or nothing, whichever call fails. */
static void test_each_failure(void **state)
{
    static const int codes[] = { ENOSPC, EIO, EROFS };
    struct tree *t = *state;
    unsigned int calls, k;

    {
        _cleanup_changes_ struct xpci_changes set = { 0 };

        prepare(t, &set);
        fail_from(0, 0);
        assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
        calls = fail_calls;
    }
    assert_true(calls > 12);
    for (k = 1; k <= calls * XPCI_ARRAY_SIZE(codes); k++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        int code = codes[(k - 1) / calls];

        prepare(t, &set);
        fail_from((k - 1) % calls + 1, code);
        assert_int_equal(xpci_changes_commit(&set, t->root, &err), -code);
        fail_from(0, 0);
        expect_before(t);
        assert_non_null(err.msg);
        assert_null(strstr(err.msg, "undoing"));
    }
}

/* When undoing fails too, the error says so and is not a success. */
static void test_undo_fails(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    fail_from(1, EIO);
    assert_true(xpci_changes_undo(&set, t->root, &err) < 0);
    fail_from(0, 0);
    assert_non_null(err.msg);
}

static void test_conflict(void **state)
{
    static const struct {
        const char *path, *text;
    } t_edit[] = {
        { "/etc/a", "someone else's" },
        { "/etc/a", NULL },
        { "/etc/b", "someone else's" },
        { "/etc/c", "someone else's" },
        { "/etc/c", NULL },
        { "/etc/a", "" },
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_edit); i++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };

        prepare(t, &set);
        if (t_edit[i].text)
            tree_put(t, t_edit[i].path, t_edit[i].text);
        else
            assert_int_equal(unlink(tree_path(t, t_edit[i].path)), 0);
        assert_int_equal(xpci_changes_commit(&set, t->root, &err), -EBUSY);
        assert_contains(err.msg, t_edit[i].path);
        assert_contains(err.msg, "changed by someone else");
        tree_expect(t, t_edit[i].path, t_edit[i].text);
        /* the others are as they were */
        if (strcmp(t_edit[i].path, "/etc/a"))
            tree_expect(t, "/etc/a", "old a");
        if (strcmp(t_edit[i].path, "/etc/b"))
            tree_expect(t, "/etc/b", NULL);
        if (strcmp(t_edit[i].path, "/etc/c"))
            tree_expect(t, "/etc/c", "old c");
    }
}

static void test_diff(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_buf_ struct xpci_buf diff = { 0 };
    struct tree *t = *state;
    char want[2000];
    const char *d = t->dir;

    prepare(t, &set);
    assert_int_equal(xpci_changes_diff(&set, t->root, &diff, NULL), 0);
    snprintf(want, sizeof(want),
             "--- %s/etc/a\n+++ %s/etc/a\n@@ -1 +1 @@\n"
             "-old a\n\\ No newline at end of file\n"
             "+new a\n\\ No newline at end of file\n"
             "--- /dev/null\n+++ %s/etc/b\n@@ -0,0 +1 @@\n"
             "+new b\n\\ No newline at end of file\n"
             "--- %s/etc/c\n+++ /dev/null\n@@ -1 +0,0 @@\n"
             "-old c\n\\ No newline at end of file\n",
             d, d, d, d);
    assert_string_equal(diff.data, want);
    expect_before(t);
}

static void test_unreadable(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    tree_mkdir(t, "/dir");
    assert_int_equal(
        xpci_changes_put(&set, t->root, "/dir", "x", 1, 0644, &err), -EISDIR);
    assert_int_equal(xpci_changes_delete(&set, t->root, "/dir", NULL), -EISDIR);
    assert_int_equal(set.n, 0);
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_commit_and_undo), TREE_TEST(test_empty_set),
        TREE_TEST(test_each_failure),    TREE_TEST(test_undo_fails),
        TREE_TEST(test_conflict),        TREE_TEST(test_diff),
        TREE_TEST(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
