/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"
#include "test-common-fail.h"

#include <sys/wait.h>
#include <time.h>

#include "changes.h"
#include "journal.h"

#define JOURNAL "/var/lib/xpci/journal"

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
                set_alive(t, -10);
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

static void die(unsigned int call)
{
    if (call == fail_at)
        _exit(137);
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

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_apply_and_undo),
        TREE_TEST(test_commit),
        TREE_TEST(test_twice),
        TREE_TEST(test_itself),
        TREE_TEST(test_lost_exec),
        TREE_TEST(test_each_kill_of_exec),
        TREE_TEST(test_keep),
        TREE_TEST(test_each_kill_of_keep),
        TREE_TEST(test_kept_and_remade),
        TREE_TEST(test_recover_kept),
        TREE_TEST(test_recover_untouched),
        TREE_TEST(test_many),
        TREE_TEST(test_each_kill),
        TREE_TEST(test_edited_meanwhile),
        TREE_TEST(test_without_swap),
        TREE_TEST(test_undo_in_doubt),
        TREE_TEST(test_recover_spares_others),
        TREE_TEST(test_recover_two),
        TREE_TEST(test_damaged_journal),
        TREE_TEST(test_empty_set),
        TREE_TEST(test_each_failure),
        TREE_TEST(test_undo_fails),
        TREE_TEST(test_finish_fails),
        TREE_TEST(test_conflict),
        TREE_TEST(test_diff),
        TREE_TEST(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
