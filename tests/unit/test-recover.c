/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of a set by a kill, and by others meanwhile. */
#include <sys/wait.h>
#include <time.h>

#include "test-changes-set.h"

#include "journal.h"

static void die(unsigned int call)
{
    if (call == fail_at)
        _exit(137);
}

/* Writes what is to take the place of kept /etc/same, from its old bytes. */
static void make_new(struct tree *t, const struct xpci_changes *set,
                     char **temp)
{
    const struct xpci_buf tail = { .data = (char[]){ "+" }, .len = 1 };

    *temp = xpci_changes_temp(set, "/etc/same");
    assert_non_null(*temp);
    assert_int_equal(
        xpci_file_extend(t->root, "/etc/same", 4, &tail, *temp, NULL), 0);
}

/*
 * Somebody else makes a kept file anew: before ours is in its place, after it
 * is, or not at all. What he made is not lost.
 */
static void test_kept_and_remade(void **state)
{
    enum { BEFORE, AFTER, NEVER, DONE };
    struct tree *t = *state;

    for (int i = 0; i < 8; i++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_free_ char *temp = NULL;
        int when = i / 2;

        fail_renameat2 = i % 2;
        prepare(t, &set);
        assert_int_equal(xpci_changes_keep(&set, "/etc/same", NULL), 0);
        assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
        make_new(t, &set, &temp);
        assert_int_equal(xpci_file_extend(t->root, "/etc/same", 5,
                                          &(struct xpci_buf){ 0 }, "/etc/more",
                                          &err),
                         -EBUSY);
        assert_contains(err.msg, "/etc/same' was changed by someone else");
        tree_put(t, "/etc/other", "theirs");
        if (when == BEFORE)
            rename(tree_path(t, "/etc/other"), tree_path(t, "/etc/same"));
        assert_int_equal(xpci_changes_move(&set, t->root, "/etc/same", &err),
                         when == BEFORE ? -EBUSY : 0);
        if (when == BEFORE)
            assert_contains(err.msg, "/etc/same' was changed by someone else");
        else
            tree_expect(t, "/etc/same", "same+");
        if (when == AFTER)
            rename(tree_path(t, "/etc/other"), tree_path(t, "/etc/same"));
        unlink(tree_path(t, "/etc/other"));
        if (when == DONE) {
            assert_int_equal(xpci_changes_finish(&set, t->root, NULL), 0);
            expect_after(t);
            continue;
        }
        assert_int_equal(xpci_changes_undo(&set, t->root, NULL), 0);
        tree_expect(t, "/etc/same", when == NEVER ? "same" : "theirs");
        expect_before(t);
    }
    fail_renameat2 = 0;
}

/* When the journal says that its xpci was alive, in seconds from now. */
static void set_alive(struct tree *t, int from_now)
{
    struct timespec times[2] = { { .tv_sec = time(NULL) + from_now } };

    times[1] = times[0];
    assert_int_equal(utimensat(-1, tree_path(t, JOURNAL), times, 0), 0);
}

/* What was made long after the kill is not the killed one's doing. */
static void test_recover_kept(void **state)
{
    struct tree *t = *state;

    for (int lend = 0; lend < 2; lend++) {
        for (int late = 0; late < 2; late++) {
            _cleanup_changes_ struct xpci_changes set = { 0 };
            _cleanup_free_ char *temp = NULL;

            prepare(t, &set);
            assert_int_equal(xpci_changes_keep(&set, "/etc/same", NULL), 0);
            assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
            make_new(t, &set, &temp);
            set_alive(t, -100);
            if (lend)
                rename(tree_path(t, temp), tree_path(t, "/etc/same"));
            else
                assert_int_equal(
                    xpci_changes_move(&set, t->root, "/etc/same", NULL), 0);
            if (lend)
                xpci_journal_alive(t->root);
            if (late)
                set_alive(t, -20);
            assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
            tree_expect(t, "/etc/same", late ? "same+" : "same");
            expect_before(t);
        }
    }
}

/* Nobody has come to a kept file: it is the very file, not the kept copy. */
static void test_recover_untouched(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;
    struct stat before;

    prepare(t, &set);
    before = tree_stat(t, "/etc/same");
    fail_linkat = 1;
    assert_int_equal(xpci_changes_keep(&set, "/etc/same", NULL), 0);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    fail_linkat = 0;
    assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
    assert_int_equal(before.st_ino, tree_stat(t, "/etc/same").st_ino);
    expect_before(t);
}

/*
 * Killed at each call, twice: in the set and in the undoing of it. What comes
 * out is all old or all new, and no other file.
 */
static void test_each_kill(void **state)
{
    struct tree *t = *state;
    bool old = false, new = false, died = true;

    for (unsigned int k = 1; died; k++) {
        for (unsigned int again = 0; again < 8; again++) {
            _cleanup_changes_ struct xpci_changes set = { 0 };
            _cleanup_buf_ struct xpci_buf now = { 0 };
            int status;

            prepare(t, &set);
            if (fork() == 0) {
                fail_hook = die;
                fail_from(k, 0);
                _exit(xpci_changes_commit(&set, t->root, NULL) != 0);
            }
            wait(&status);
            died = WIFEXITED(status) && WEXITSTATUS(status) == 137;
            if (again && fork() == 0) {
                fail_hook = die;
                fail_from(again, 0);
                _exit(xpci_changes_recover(t->root, NULL, NULL) != 0);
            }
            if (again)
                wait(&status);
            assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
            assert_int_equal(xpci_root_read(t->root, "/etc/a", &now, NULL), 0);
            if (strcmp(now.data, "old a") == 0) {
                old = true;
                expect_before(t);
            } else {
                new = true;
                expect_after(t);
            }
            tree_expect_names(t, "/var/lib", "");
        }
    }
    assert_true(old && new);
}

/* A program replaces a kept file; with hard links, and without. */
static void test_each_kill_of_keep(void **state)
{
    struct tree *t = *state;

    mkdir(tree_path(t, "/etc"), 0755);
    mkdir(tree_path(t, "/var"), 0755);
    mkdir(tree_path(t, "/var/lib"), 0755);
    for (fail_linkat = 0; fail_linkat < 2; fail_linkat++) {
        bool old = false, new = false, died = true;

        for (unsigned int k = 1; died; k++) {
            _cleanup_changes_ struct xpci_changes set = { 0 };
            _cleanup_buf_ struct xpci_buf now = { 0 };
            int status;

            tree_put(t, "/etc/image", "old image");
            tree_put(t, "/etc/made", "new image");
            assert_int_equal(xpci_changes_keep(&set, "/etc/image", NULL), 0);
            if (fork() == 0) {
                fail_hook = die;
                fail_from(k, 0);
                if (xpci_changes_apply(&set, t->root, NULL) < 0)
                    _exit(1);
                rename(tree_path(t, "/etc/made"), tree_path(t, "/etc/image"));
                assert_int_equal(xpci_changes_finish(&set, t->root, NULL), 0);
                _exit(0);
            }
            wait(&status);
            died = WIFEXITED(status) && WEXITSTATUS(status) == 137;
            assert_true(died || status == 0);
            assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
            unlink(tree_path(t, "/etc/made"));
            tree_expect_names(t, "/etc", "image");
            assert_int_equal(xpci_root_read(t->root, "/etc/image", &now, NULL),
                             0);
            old = old || !strcmp(now.data, "old image");
            new = new || !strcmp(now.data, "new image");
            assert_true(!strcmp(now.data, "old image") ||
                        !strcmp(now.data, "new image"));
        }
        assert_true(old && new);
    }
    fail_linkat = 0;
}

/* What cannot be read, or is nowhere, is not taken for undone. */
static void test_undo_in_doubt(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct tree *t = *state;
    char old[sizeof(set.id) + 40];

    prepare(t, &set);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    snprintf(old, sizeof(old), "/etc/.xpci-%s-0.new", set.id);
    assert_int_equal(unlink(tree_path(t, "/etc/a")), 0);
    tree_mkdir(t, "/etc/a");
    assert_int_equal(xpci_changes_recover(t->root, NULL, &err), -EISDIR);
    assert_contains(err.msg, "/etc/a");
    tree_expect(t, old, "old a");
    assert_int_equal(rmdir(tree_path(t, "/etc/a")), 0);
    tree_put(t, "/etc/a", "new a");
    assert_int_equal(rename(tree_path(t, old), tree_path(t, "/etc/elsewhere")),
                     0);
    assert_int_equal(xpci_changes_recover(t->root, NULL, &err), -ENOENT);
    assert_int_equal(rename(tree_path(t, "/etc/elsewhere"), tree_path(t, old)),
                     0);
    assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
    expect_before(t);
}

/* The same where nothing but the x bits change: never a cut file. */
static void test_each_kill_of_exec(void **state)
{
    struct tree *t = *state;
    bool died = true;

    mkdir(tree_path(t, "/etc"), 0755);
    mkdir(tree_path(t, "/var"), 0755);
    mkdir(tree_path(t, "/var/lib"), 0755);
    for (unsigned int k = 1; died; k++) {
        _cleanup_changes_ struct xpci_changes set = { 0 };
        int status;

        tree_put(t, "/etc/hook", "#!/bin/sh\n");
        assert_int_equal(chmod(tree_path(t, "/etc/hook"), 0644), 0);
        assert_int_equal(xpci_changes_put(&set, t->root, "/etc/hook",
                                          "#!/bin/sh\n", 10, 0755, NULL),
                         0);
        if (fork() == 0) {
            fail_hook = die;
            fail_from(k, 0);
            _exit(xpci_changes_commit(&set, t->root, NULL) != 0);
        }
        wait(&status);
        died = WIFEXITED(status) && WEXITSTATUS(status) == 137;
        assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
        tree_expect(t, "/etc/hook", "#!/bin/sh\n");
        tree_expect_names(t, "/etc", "hook");
    }
    assert_int_equal(tree_stat(t, "/etc/hook").st_mode & 07777, 0755);
}

/* Between the kill and the next xpci a hand has edited a file: it stays. */
static void test_recover_spares_others(void **state)
{
    _cleanup_changes_ struct xpci_changes set = { 0 };
    struct tree *t = *state;

    prepare(t, &set);
    assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
    tree_put(t, "/etc/a", "by hand");
    tree_put(t, "/etc/c", "by hand too");
    assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
    tree_expect(t, "/etc/a", "by hand");
    tree_expect(t, "/etc/c", "by hand too");
    tree_expect_names(t, "/etc", "a c same");
}

/*
 * A set is done and could not clear up; another one is killed meanwhile, and
 * is undone. What was in a directory that is gone needs no clearing.
 */
static void test_recover_two(void **state)
{
    struct tree *t = *state;

    for (int gone = 0; gone < 2; gone++) {
        _cleanup_changes_ struct xpci_changes first = { 0 }, set = { 0 };

        prepare(t, &set);
        mkdir(tree_path(t, "/d"), 0755);
        tree_put(t, "/d/old", "old");
        put(t, &first, "/d/old", "done");
        assert_int_equal(xpci_changes_apply(&first, t->root, NULL), 0);
        assert_int_equal(
            rename(tree_path(t, JOURNAL), tree_path(t, JOURNAL ".done")), 0);
        if (gone)
            assert_int_equal(
                rename(tree_path(t, "/d"), tree_path(t, "/elsewhere")), 0);
        put(t, &set, "/var/lib/xpci/drivers", "x");
        assert_int_equal(xpci_changes_apply(&set, t->root, NULL), 0);
        assert_int_equal(xpci_changes_recover(t->root, NULL, NULL), 0);
        expect_before(t);
        tree_expect_names(t, "/var/lib", "");
        if (!gone)
            tree_expect_names(t, "/d", "old");
    }
}

static void test_damaged_journal(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "0123456789abcdef0\n",
        "0123456789abcdef\nx",
        "0123456789abcdef\np 0123456789abcdef 0123456789abcdef etc/a\n",
        "0123456789abcdef\np 0123456789abcdef 0123 /etc/a\n",
        "0123456789abcde/\np 0123456789abcdef 0123456789abcdef /etc/a\n",
    };
    struct tree *t = *state;

    tree_mkdir(t, "/var");
    tree_mkdir(t, "/var/lib");
    tree_mkdir(t, "/var/lib/xpci");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(texts); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };

        tree_put(t, JOURNAL, texts[i]);
        assert_int_equal(xpci_changes_recover(t->root, NULL, &err), -EINVAL);
        assert_contains(err.msg, "is damaged");
        tree_expect(t, JOURNAL, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_kept_and_remade),
        TREE_TEST(test_recover_kept),
        TREE_TEST(test_recover_untouched),
        TREE_TEST(test_each_kill),
        TREE_TEST(test_each_kill_of_keep),
        TREE_TEST(test_undo_in_doubt),
        TREE_TEST(test_each_kill_of_exec),
        TREE_TEST(test_recover_spares_others),
        TREE_TEST(test_recover_two),
        TREE_TEST(test_damaged_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
