/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"
#include "test-common-fail.h"

#include <sys/resource.h>
#include <sys/xattr.h>
#include <signal.h>

#include "atomic-file.h"

static int replace(const struct tree *t, const char *path, const char *text)
{
    return xpci_file_replace(t->root, path, text, strlen(text), 0640, NULL);
}

static void test_new_file(void **state)
{
    struct tree *t = *state;
    mode_t old = umask(077);

    assert_int_equal(replace(t, "/file", "text"), 0);
    umask(old);
    tree_expect(t, "/file", "text");
    /* the mode asked for, whatever the umask is */
    assert_int_equal(tree_stat(t, "/file").st_mode, S_IFREG | 0640);
    tree_expect_names(t, "/", "file");
    assert_int_equal(replace(t, "/empty", ""), 0);
    tree_expect(t, "/empty", "");
}

static void test_makes_directories(void **state)
{
    struct tree *t = *state;

    assert_int_equal(replace(t, "/a/b/c/file", "text"), 0);
    tree_expect(t, "/a/b/c/file", "text");
    assert_int_equal(tree_stat(t, "/a/b").st_mode, S_IFDIR | 0755);
}

static void test_keeps_mode_and_owner(void **state)
{
    struct tree *t = *state;
    struct stat before, after;

    tree_put(t, "/file", "old");
    if (chown(tree_path(t, "/file"), 12, 34) < 0) {
        print_message("cannot make another user's file here\n");
        skip();
    }
    assert_int_equal(chmod(tree_path(t, "/file"), 04751), 0);
    before = tree_stat(t, "/file");
    assert_int_equal(replace(t, "/file", "new"), 0);
    after = tree_stat(t, "/file");
    tree_expect(t, "/file", "new");
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_uid, before.st_uid);
    assert_int_equal(after.st_gid, before.st_gid);
    assert_int_not_equal(after.st_ino, before.st_ino);
}

/* ACL and label move to the new file. */
static void test_keeps_attributes(void **state)
{
    static const struct {
        const char *name, *value;
        size_t len;
    } t_attr[] = {
        { "system.posix_acl_access",
          "\2\0\0\0"
          "\1\0\6\0\377\377\377\377"
          "\2\0\4\0\322\4\0\0"
          "\4\0\4\0\377\377\377\377"
          "\20\0\4\0\377\377\377\377"
          "\40\0\0\0\377\377\377\377",
          44 },
        { "security.selinux", "system_u:object_r:etc_t:s0", 27 },
    };
    struct tree *t = *state;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t_attr); i++) {
        char value[100];

        tree_put(t, "/file", "old");
        if (setxattr(tree_path(t, "/file"), t_attr[i].name, t_attr[i].value,
                     t_attr[i].len, 0) < 0) {
            print_message("cannot set %s here\n", t_attr[i].name);
            skip();
        }
        assert_int_equal(replace(t, "/file", "new"), 0);
        assert_int_equal(getxattr(tree_path(t, "/file"), t_attr[i].name, value,
                                  sizeof(value)),
                         t_attr[i].len);
        assert_memory_equal(value, t_attr[i].value, t_attr[i].len);
        assert_int_equal(unlink(tree_path(t, "/file")), 0);
    }
}

/* A directory's default ACL is for files that are new. */
static void test_gains_no_acl(void **state)
{
    static const char acl[] = "\2\0\0\0"
                              "\1\0\7\0\377\377\377\377"
                              "\2\0\7\0\1\0\0\0"
                              "\4\0\5\0\377\377\377\377"
                              "\20\0\7\0\377\377\377\377"
                              "\40\0\0\0\377\377\377\377";
    struct tree *t = *state;

    tree_put(t, "/file", "old");
    assert_int_equal(chmod(tree_path(t, "/file"), 0660), 0);
    if (setxattr(tree_path(t, "/"), "system.posix_acl_default", acl,
                 sizeof(acl) - 1, 0) < 0)
        skip();
    assert_int_equal(replace(t, "/file", "new"), 0);
    assert_int_equal(tree_stat(t, "/file").st_mode, S_IFREG | 0660);
    assert_int_equal(
        getxattr(tree_path(t, "/file"), "system.posix_acl_access", NULL, 0),
        -1);
}

static void test_same_is_not_written(void **state)
{
    struct tree *t = *state;
    struct stat before, after;

    tree_put(t, "/file", "text");
    before = tree_stat(t, "/file");
    fail_from(1, EIO); /* any write would fail */
    assert_int_equal(replace(t, "/file", "text"), 0);
    assert_int_equal(fail_calls, 0);
    fail_from(0, 0);
    after = tree_stat(t, "/file");
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
    tree_expect_names(t, "/", "file");
}

static void test_nul_bytes(void **state)
{
    struct tree *t = *state;
    struct stat st;

    assert_int_equal(xpci_file_replace(t->root, "/file", "a\0b", 3, 0644, NULL),
                     0);
    assert_int_equal(xpci_file_replace(t->root, "/file", "a\0c", 3, 0644, NULL),
                     0);
    st = tree_stat(t, "/file");
    assert_int_equal(st.st_size, 3);
}

static void test_link_is_kept(void **state)
{
    static const char *const targets[] = {
        "/etc/real",
        "real",
        "../etc/real",
        "/etc/link2",
        "../../../../etc/real",
    };
    struct tree *t = *state;

    tree_mkdir(t, "/etc");
    assert_int_equal(symlink("real", tree_path(t, "/etc/link2")), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(targets); i++) {
        tree_put(t, "/etc/real", "old");
        assert_int_equal(symlink(targets[i], tree_path(t, "/etc/link")), 0);
        assert_int_equal(replace(t, "/etc/link", "new"), 0);
        assert_true(S_ISLNK(tree_stat(t, "/etc/link").st_mode));
        assert_true(S_ISLNK(tree_stat(t, "/etc/link2").st_mode));
        tree_expect(t, "/etc/real", "new");
        tree_expect_names(t, "/etc", "link link2 real");
        assert_int_equal(unlink(tree_path(t, "/etc/link")), 0);
    }
    /* a link to nothing: its target is made */
    assert_int_equal(symlink("/etc/none", tree_path(t, "/etc/link")), 0);
    assert_int_equal(replace(t, "/etc/link", "new"), 0);
    tree_expect(t, "/etc/none", "new");
    assert_true(S_ISLNK(tree_stat(t, "/etc/link").st_mode));
}

static void test_link_loop(void **state)
{
    struct tree *t = *state;

    assert_int_equal(symlink("b", tree_path(t, "/a")), 0);
    assert_int_equal(symlink("a", tree_path(t, "/b")), 0);
    assert_int_equal(replace(t, "/a", "new"), -ELOOP);
    tree_expect_names(t, "/", "a b");
}

/* Only a regular file is replaced. */
static void test_odd_files(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    char want[200];

    tree_mkdir(t, "/dir");
    assert_int_equal(mkfifo(tree_path(t, "/fifo"), 0644), 0);
    assert_int_equal(replace(t, "/fifo", "new"), -EINVAL);
    assert_true(S_ISFIFO(tree_stat(t, "/fifo").st_mode));
    assert_int_equal(xpci_file_replace(t->root, "/dir", "x", 1, 0644, &err),
                     -EINVAL);
    snprintf(want, sizeof(want), "cannot write '%s/dir': Invalid argument",
             t->dir);
    assert_string_equal(xpci_error_text(&err), want);
    assert_int_equal(replace(t, "/fifo/below", "new"), -ENOTDIR);
    tree_expect_names(t, "/", "dir fifo");
}

/* A name of its own: nothing that a link leads to, nothing taken over. */
static void test_create(void **state)
{
    static const struct {
        const char *path;
        int without, with; /* @replace */
    } cases[] = {
        { "/new", 0, 0 },
        { "/file", -EEXIST, 0 },
        { "/link", -EEXIST, -ELOOP },
        { "/dangling", -EEXIST, -ELOOP },
        { "/fifo", -EEXIST, -EINVAL },
        { "/dir", -EEXIST, -EINVAL },
        { "/none/new", -ENOENT, -ENOENT },
    };
    const struct xpci_buf text = { .data = (char[]){ "new" }, .len = 3 };
    struct tree *t = *state;

    tree_put(t, "/file", "old");
    tree_put(t, "/target", "old");
    tree_mkdir(t, "/dir");
    assert_int_equal(mkfifo(tree_path(t, "/fifo"), 0644), 0);
    assert_int_equal(symlink("target", tree_path(t, "/link")), 0);
    assert_int_equal(symlink("nothing", tree_path(t, "/dangling")), 0);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cases); i++) {
        const char *path = cases[i].path;

        assert_int_equal(
            xpci_file_create(t->root, path, &text, 0600, false, NULL),
            cases[i].without);
        assert_int_equal(
            xpci_file_create(t->root, path, &text, 0600, true, NULL),
            cases[i].with);
        if (!cases[i].with) {
            tree_expect(t, path, "new");
            assert_int_equal(tree_stat(t, path).st_mode, S_IFREG | 0600);
        }
    }
    tree_expect(t, "/target", "old");
    tree_expect_names(t, "/", "dangling dir fifo file link new target");
}

/*
 * Whichever call fails: the old file or, after the rename, the new one, and
 * never anything else in the directory.
 */
static void each_failure(struct tree *t, int code, const char *old)
{
    unsigned int calls, k;

    fail_from(0, 0);
    if (old)
        tree_put(t, "/file", old);
    assert_int_equal(replace(t, "/file", "the new text"), 0);
    calls = fail_calls;
    assert_true(calls >= 6); /* open, chmod, write, 2 syncs, rename */
    for (k = 1; k < calls; k++) {
        unlink(tree_path(t, "/file"));
        if (old)
            tree_put(t, "/file", old);
        fail_from(k, code);
        assert_int_equal(replace(t, "/file", "the new text"), -code);
        fail_from(0, 0);
        tree_expect_names(t, "/", old ? "file" : "");
        tree_expect(t, "/file", old);
    }
    unlink(tree_path(t, "/file"));
}

static void test_each_failure(void **state)
{
    each_failure(*state, ENOSPC, "old");
    each_failure(*state, EIO, "old");
    each_failure(*state, EROFS, NULL);
}

/* Only the sync of the directory is left when the new file is in place. */
static void test_sync_of_directory_fails(void **state)
{
    struct tree *t = *state;

    tree_put(t, "/file", "old");
    assert_int_equal(replace(t, "/file", "one"), 0);
    fail_from(0, 0);
    assert_int_equal(replace(t, "/file", "two"), 0);
    fail_from(fail_calls, EIO);
    assert_int_equal(replace(t, "/file", "new"), -EIO);
    fail_from(0, 0);
    tree_expect(t, "/file", "new");
    tree_expect_names(t, "/", "file");
}

static void test_short_writes(void **state)
{
    struct tree *t = *state;

    fail_write_max = 3;
    assert_int_equal(replace(t, "/file", "many bytes, three at a time"), 0);
    fail_write_max = 0;
    tree_expect(t, "/file", "many bytes, three at a time");
}

static void test_interrupted(void **state)
{
    struct tree *t = *state;

    fail_from(3, EINTR); /* the write, after open and chmod */
    assert_int_equal(replace(t, "/file", "text"), 0);
    assert_true(fail_calls > 3);
    fail_from(0, 0);
    tree_expect(t, "/file", "text");
}

/* A real limit, not an injected one. */
static void test_file_size_limit(void **state)
{
    struct tree *t = *state;
    struct rlimit old, low;
    _cleanup_free_ char *data = calloc(1, 100000);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    int ret;

    tree_put(t, "/file", "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    ret = xpci_file_replace(t->root, "/file", data, 100000, 0644, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(ret, -EFBIG);
    tree_expect(t, "/file", "old");
    tree_expect_names(t, "/", "file");
}

static void test_remove(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };

    tree_mkdir(t, "/etc");
    tree_put(t, "/etc/file", "old");
    assert_int_equal(symlink("file", tree_path(t, "/etc/link")), 0);
    /* the link goes, not its target */
    assert_int_equal(xpci_file_remove(t->root, "/etc/link", NULL), 0);
    tree_expect_names(t, "/etc", "file");
    assert_int_equal(xpci_file_remove(t->root, "/etc/file", NULL), 0);
    assert_int_equal(xpci_file_remove(t->root, "/etc/file", NULL), 0);
    assert_int_equal(xpci_file_remove(t->root, "/none/file", NULL), 0);
    assert_int_equal(xpci_file_remove(t->root, "/etc", &err), -EISDIR);
    assert_contains(xpci_error_text(&err), "cannot remove '");
    tree_put(t, "/etc/file", "old");
    fail_from(1, EROFS);
    assert_int_equal(xpci_file_remove(t->root, "/etc/file", NULL), -EROFS);
    fail_from(0, 0);
    tree_expect(t, "/etc/file", "old");
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(test_new_file),
        TREE_TEST(test_makes_directories),
        TREE_TEST(test_keeps_mode_and_owner),
        TREE_TEST(test_keeps_attributes),
        TREE_TEST(test_gains_no_acl),
        TREE_TEST(test_same_is_not_written),
        TREE_TEST(test_nul_bytes),
        TREE_TEST(test_link_is_kept),
        TREE_TEST(test_link_loop),
        TREE_TEST(test_odd_files),
        TREE_TEST(test_create),
        TREE_TEST(test_each_failure),
        TREE_TEST(test_sync_of_directory_fails),
        TREE_TEST(test_short_writes),
        TREE_TEST(test_interrupted),
        TREE_TEST(test_file_size_limit),
        TREE_TEST(test_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
