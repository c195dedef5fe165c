/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of changes, and the tree before and after it. Include once. */
#ifndef TEST_CHANGES_SET_H
#define TEST_CHANGES_SET_H

#include "test-common-tree.h"
#include "test-common-fail.h"

#include "changes.h"

#define JOURNAL "/var/lib/xpci/journal"

static UNUSED void put(struct tree *t, struct xpci_changes *set,
                       const char *path, const char *text)
{
    assert_int_equal(
        xpci_changes_put(set, t->root, path, text, strlen(text), 0644, NULL),
        0);
}

/* A file to change, one to make, one to remove; and what changes nothing. */
static UNUSED void prepare(struct tree *t, struct xpci_changes *set)
{
    mkdir(tree_path(t, "/etc"), 0755);
    mkdir(tree_path(t, "/var"), 0755);
    mkdir(tree_path(t, "/var/lib"), 0755);
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

static UNUSED void expect_before(struct tree *t)
{
    tree_expect_names(t, "/etc", "a c same");
    tree_expect(t, "/etc/a", "old a");
    tree_expect(t, "/etc/c", "old c");
    assert_int_equal(tree_stat(t, "/etc/a").st_mode & 07777, 0600);
    assert_int_equal(tree_stat(t, "/etc/c").st_mode & 07777, 0751);
}

static UNUSED void expect_after(struct tree *t)
{
    tree_expect_names(t, "/etc", "a b same");
    tree_expect(t, "/etc/a", "new a");
    tree_expect(t, "/etc/b", "new b");
    assert_int_equal(tree_stat(t, "/etc/a").st_mode & 07777, 0600);
    assert_int_equal(tree_stat(t, "/etc/b").st_mode & 07777, 0644);
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

#endif
