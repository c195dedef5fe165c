/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"
#include "test-common-fail.h"

#include "keep.h"

/* What a generator does: a new file, renamed over the old one. */
static void rebuild(struct tree *t, const char *path)
{
    tree_put(t, "/boot/new", "new");
    assert_int_equal(rename(tree_path(t, "/boot/new"), tree_path(t, path)), 0);
}

static void prepare(struct tree *t, struct xpci_kept *kept)
{
    mkdir(tree_path(t, "/boot"), 0755);
    tree_put(t, "/boot/one", "old one");
    assert_int_equal(chmod(tree_path(t, "/boot/one"), 0600), 0);
    tree_put(t, "/boot/two", "old two");
    assert_int_equal(xpci_keep(kept, t->root, "/boot/one", NULL), 0);
    assert_int_equal(xpci_keep(kept, t->root, "/boot/two", NULL), 0);
}

static void expect_old(struct tree *t)
{
    tree_expect_names(t, "/boot", "one two");
    tree_expect(t, "/boot/one", "old one");
    tree_expect(t, "/boot/two", "old two");
    assert_int_equal(tree_stat(t, "/boot/one").st_mode & 07777, 0600);
}

static void test_restore(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };
    struct stat before, after;

    prepare(t, &kept);
    before = tree_stat(t, "/boot/one");
    rebuild(t, "/boot/one");
    rebuild(t, "/boot/two");
    assert_int_equal(xpci_keep_restore(&kept, t->root, NULL), 0);
    expect_old(t);
    after = tree_stat(t, "/boot/one");
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(kept.path.n, 0);
}

/* The program may not have come to the second, or have removed it. */
static void test_restore_untouched(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };

    prepare(t, &kept);
    assert_int_equal(xpci_keep_restore(&kept, t->root, NULL), 0);
    expect_old(t);
    prepare(t, &kept);
    rebuild(t, "/boot/one");
    assert_int_equal(unlink(tree_path(t, "/boot/two")), 0);
    assert_int_equal(xpci_keep_restore(&kept, t->root, NULL), 0);
    expect_old(t);
}

static void test_drop(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };

    prepare(t, &kept);
    rebuild(t, "/boot/one");
    xpci_keep_drop(&kept, t->root);
    tree_expect_names(t, "/boot", "one two");
    tree_expect(t, "/boot/one", "new");
    tree_expect(t, "/boot/two", "old two");
    assert_int_equal(kept.copy.n, 0);
}

/* No hard links here, as on FAT: a copy does it. */
static void test_without_links(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };

    tree_mkdir(t, "/boot");
    tree_put(t, "/boot/one", "old one");
    fail_from(2, EPERM); /* linkat, after unlinkat */
    assert_int_equal(xpci_keep(&kept, t->root, "/boot/one", NULL), 0);
    assert_true(fail_calls > 4);
    fail_from(0, 0);
    rebuild(t, "/boot/one");
    assert_int_equal(xpci_keep_restore(&kept, t->root, NULL), 0);
    tree_expect(t, "/boot/one", "old one");
    tree_expect_names(t, "/boot", "one");
}

static void test_left_by_killed_run(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };

    tree_mkdir(t, "/boot");
    tree_put(t, "/boot/one", "old one");
    tree_put(t, "/boot/.one.xpci-kept", "older");
    assert_int_equal(xpci_keep(&kept, t->root, "/boot/one", NULL), 0);
    rebuild(t, "/boot/one");
    assert_int_equal(xpci_keep_restore(&kept, t->root, NULL), 0);
    tree_expect(t, "/boot/one", "old one");
    tree_expect_names(t, "/boot", "one");
}

static void test_absent(void **state)
{
    struct tree *t = *state;
    struct xpci_kept kept = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    tree_mkdir(t, "/boot");
    assert_int_equal(xpci_keep(&kept, t->root, "/boot/none", &err), -ENOENT);
    assert_contains(xpci_error_text(&err), "cannot keep the old '/boot/none'");
    tree_expect_names(t, "/boot", "");
    xpci_keep_drop(&kept, t->root);
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_restore),
        TREE_TEST(test_restore_untouched),
        TREE_TEST(test_drop),
        TREE_TEST(test_without_links),
        TREE_TEST(test_left_by_killed_run),
        TREE_TEST(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
