/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-changes-set.h"

static void test_apply_and_undo(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;
    struct stat before, after;

    prepare(t, &set);
    before = tree_stat(t, "/etc/a");
    assert_int_equal(set.n, 3);
    expect_before(t);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    tree_expect(t, "/etc/a", "new a");
    tree_expect(t, "/etc/b", "new b");
    tree_expect(t, "/etc/c", NULL);
    tree_expect_names(t, "/var/lib/xpci", "journal");
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    expect_before(t);
    /* the file itself, not a copy of it */
    after = tree_stat(t, "/etc/a");
    assert_int_equal(before.st_ino, after.st_ino);
    tree_expect_names(t, "/var/lib", "");
    /* and again */
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    expect_before(t);
}

static void test_commit(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    expect_after(t);
    tree_expect_names(t, "/var/lib", "");
    /* too late */
    assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
    expect_after(t);
}

/* One file twice would be one of the two; and none is written. */
static void test_twice(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(symlink("a", tree_path(t, "/etc/link")), 0);
    put(t, &set, "/etc/link", "other a");
    assert_int_equal(xpci_changes_commit(&set, t->root, &err), -EINVAL);
    assert_contains(err.msg, "/etc/a' would be written twice");
    assert_int_equal(unlink(tree_path(t, "/etc/link")), 0);
    expect_before(t);
    tree_expect_names(t, "/var/lib", "");
}

/* Also a link that came after the look. */
static void test_itself(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    put(t, &set, "/etc/backup", "text");
    set.v[set.n - 1].itself = true;
    assert_int_equal(symlink("victim", tree_path(t, "/etc/backup")), 0);
    assert_int_equal(xpci_changes_commit(&set, t->root, &err), -ELOOP);
    assert_contains(err.msg, "/etc/backup'");
    assert_int_equal(unlink(tree_path(t, "/etc/backup")), 0);
    expect_before(t);
    /* as open as asked for, not as what was there */
    xpci_changes_clear(&set);
    assert_int_equal(chmod(tree_path(t, "/etc/same"), 0644), 0);
    assert_int_equal(
        xpci_changes_put(&set, t->root, "/etc/same", "x", 1, 0600, NULL), 0);
    set.v[0].itself = true;
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    assert_int_equal(tree_stat(t, "/etc/same").st_mode & 07777, 0600);
}

/* The same bytes, but no longer to be run. */
static void test_lost_exec(void **state)
{
    struct tree *t = *state;

    for (int undo = 0; undo < 2; undo++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_buf_ struct xpci_buf diff = { 0 };

        mkdir(tree_path(t, "/etc"), 0755);
        tree_put(t, "/etc/hook", "#!/bin/sh\n");
        assert_int_equal(chmod(tree_path(t, "/etc/hook"), 0640), 0);
        assert_int_equal(xpci_changes_put(&set, t->root, "/etc/hook",
                                          "#!/bin/sh\n", 10, 0755, NULL),
                         0);
        assert_int_equal(set.n, 1);
        assert_int_equal(xpci_changes_diff(&set, t->root, &diff, NULL), 0);
        assert_contains(diff.data, "chmod +x ");
        assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
        assert_int_equal(tree_stat(t, "/etc/hook").st_mode & 07777, 0751);
        if (undo)
            assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
        else
            assert_int_equal(xpci_changes_finish(&set, t->root, NULL), 0);
        assert_int_equal(tree_stat(t, "/etc/hook").st_mode & 07777,
                         undo ? 0640 : 0751);
        tree_expect_names(t, "/etc", "hook");
    }
}

/* A program replaces the file, or removes it, or does not come to it. */
static void test_keep(void **state)
{
    struct tree *t = *state;

    for (int what = 0; what < 3; what++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };

        prepare(t, &set);
        assert_int_equal(xpci_changes_keep(&set, "/etc/same", NULL), 0);
        assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
        xpci_changes_lend(&set, "/etc/same");
        tree_put(t, "/etc/other", "rebuilt");
        if (what == 0)
            rename(tree_path(t, "/etc/other"), tree_path(t, "/etc/same"));
        else if (what == 1)
            unlink(tree_path(t, "/etc/same"));
        unlink(tree_path(t, "/etc/other"));
        assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
        tree_expect(t, "/etc/same", "same");
        expect_before(t);
    }
}

/* Many files: synced as one, and as many as they are. */
static void test_many(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;
    char path[40];

    tree_mkdir(t, "/d");
    tree_mkdir(t, "/e");
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/%c/%d", i % 2 ? 'd' : 'e', i);
        put(t, &set, path, path);
    }
    assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/%c/%d", i % 2 ? 'd' : 'e', i);
        tree_expect(t, path, path);
    }
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

/* All or nothing, whichever call fails; a failure to clear up is none. */
static void test_each_failure(void **state)
{
    static const int codes[] = { ENOSPC, EIO, EROFS };
    struct tree *t = *state;
    unsigned int calls, k, failed = 0;

    {
        _cleanup_changes_ struct xpci_changes set = { 0 };

        prepare(t, &set);
        fail_from(0, 0);
        assert_int_equal(xpci_changes_commit(&set, t->root, NULL), 0);
        calls = fail_calls;
    }
    for (k = 1; k <= calls * XPCI_ARRAY_SIZE(codes); k++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        int code = codes[(k - 1) / calls], ret;

        prepare(t, &set);
        fail_from((k - 1) % calls + 1, code);
        ret = xpci_changes_commit(&set, t->root, &err);
        fail_from(0, 0);
        assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
        tree_expect_names(t, "/var/lib", "");
        if (ret == 0) {
            expect_after(t);
            continue;
        }
        failed++;
        assert_int_equal(ret, -code);
        expect_before(t);
        assert_non_null(err.msg);
        assert_null(strstr(err.msg, "undoing"));
    }
    assert_true(failed > 15 * XPCI_ARRAY_SIZE(codes));
}

/* A file system that can neither swap names nor spare a file. */
static void test_without_swap(void **state)
{
    struct tree *t = *state;

    fail_renameat2 = 1;
    for (int undo = 0; undo < 2; undo++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };

        prepare(t, &set);
        assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
        if (undo)
            assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
        else
            assert_int_equal(xpci_changes_finish(&set, t->root, NULL), 0);
        (undo ? expect_before : expect_after)(t);
    }
    fail_renameat2 = 0;
}

static struct tree *edited;
static bool by_rename;

/* An editor saves: into the file, or by a new file in its place. */
static void edit(unsigned int call)
{
    char text[40] = "";
    int fd = -1;

    if (call != fail_at)
        return;
    fail_hook = NULL;
    fd = open(tree_path(edited, "/etc/a"), O_RDWR);
    (void)!read(fd, text, sizeof(text) - 6);
    strcat(text, "+edit");
    if (by_rename) {
        close(fd);
        fd = open(tree_path(edited, "/etc/edited"), O_RDWR | O_CREAT, 0600);
    }
    (void)!pwrite(fd, text, strlen(text), 0);
    close(fd);
    if (by_rename)
        rename(tree_path(edited, "/etc/edited"), tree_path(edited, "/etc/a"));
}

/* Whenever somebody saves while a set is made, what he wrote is not lost. */
static void test_edited_meanwhile(void **state)
{
    bool refused = false, made = false;

    edited = *state;
    for (unsigned int k = 1; k < 120; k++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_buf_ struct xpci_buf now = { 0 };
        int ret;

        by_rename = k % 2;
        prepare(edited, &set);
        fail_from((k + 1) / 2, 0);
        fail_hook = edit;
        ret = xpci_changes_commit(&set, edited->root, NULL);
        if (fail_hook)
            break; /* there were fewer calls */
        fail_from(0, 0);
        assert_int_equal(xpci_root_read(edited->root, "/etc/a", &now, NULL), 0);
        assert_contains(now.data, "+edit");
        assert_true(ret == 0 || ret == -EBUSY);
        refused = refused || ret == -EBUSY;
        made = made || ret == 0;
        tree_expect(edited, "/etc/b", ret == 0 ? "new b" : NULL);
        tree_expect(edited, "/etc/c", ret == 0 ? NULL : "old c");
    }
    fail_hook = NULL;
    assert_true(refused && made);
}

/* When undoing fails too, the error says so and is not a success. */
static void test_undo_fails(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    fail_from(1, EIO);
    assert_true(xpci_changes_undo(&set, t->root, &err) < 0);
    fail_from(0, 0);
    assert_non_null(err.msg);
    /* the next xpci tries again */
    assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
    expect_before(t);
}

/* What cannot be marked as done is not done, and nothing of it is dropped. */
static void test_finish_fails(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    tree_mkdir(t, JOURNAL ".done");
    assert_int_equal(xpci_changes_finish(&set, t->root, &err), -EISDIR);
    assert_contains(err.msg, "cannot rename '");
    assert_contains(err.msg, JOURNAL "': Is a directory");
    tree_expect(t, "/etc/a", "new a");
    assert_int_equal(rmdir(tree_path(t, JOURNAL ".done")), 0);
    assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
    expect_before(t);
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
        assert_null(strstr(err.msg, "undoing"));
        tree_expect_names(t, "/var/lib", "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_apply_and_undo),
        TREE_TEST(test_commit),
        TREE_TEST(test_twice),
        TREE_TEST(test_itself),
        TREE_TEST(test_lost_exec),
        TREE_TEST(test_keep),
        TREE_TEST(test_many),
        TREE_TEST(test_empty_set),
        TREE_TEST(test_each_failure),
        TREE_TEST(test_without_swap),
        TREE_TEST(test_edited_meanwhile),
        TREE_TEST(test_undo_fails),
        TREE_TEST(test_finish_fails),
        TREE_TEST(test_conflict),
        TREE_TEST(test_diff),
        TREE_TEST(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
