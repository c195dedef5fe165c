/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A temporary tree for tests: made, looked at, removed. Include once. */
#ifndef TEST_COMMON_TREE_H
#define TEST_COMMON_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "root.h"

#define UNUSED __attribute__((unused))

struct tree {
    char dir[100];
    struct xpci_root *root;
};

static UNUSED int tree_make(struct tree *t)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(t->dir, sizeof(t->dir), "%s/xpci-test.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(t->dir))
        return -1;
    chmod(t->dir, 0755);
    return xpci_root_new(t->dir, &t->root, NULL);
}

static int tree_remove_one(const char *path, const struct stat *st, int type,
                           struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static UNUSED void tree_drop(struct tree *t)
{
    xpci_root_free(t->root);
    nftw(t->dir, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* cmocka's setup and teardown */
static UNUSED int tree_setup(void **state)
{
    *state = calloc(1, sizeof(struct tree));
    return *state ? tree_make(*state) : -1;
}

static UNUSED int tree_teardown(void **state)
{
    tree_drop(*state);
    free(*state);
    return 0;
}

/* The path outside the root; valid until the fourth call from now. */
static UNUSED const char *tree_path(const struct tree *t, const char *path)
{
    static char bufs[4][400];
    static int i;
    char *buf = bufs[i++ % 4];

    snprintf(buf, sizeof(bufs[0]), "%s%s", t->dir, path);
    return buf;
}

static UNUSED void tree_mkdir(const struct tree *t, const char *path)
{
    assert_int_equal(mkdir(tree_path(t, path), 0755), 0);
}

static UNUSED void tree_put_len(const struct tree *t, const char *path,
                                const void *data, size_t len)
{
    FILE *f = fopen(tree_path(t, path), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static UNUSED void tree_put(const struct tree *t, const char *path,
                            const char *text)
{
    tree_put_len(t, path, text, strlen(text));
}

static UNUSED void tree_expect(const struct tree *t, const char *path,
                               const char *text)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    _cleanup_close_ int fd = open(tree_path(t, path), O_RDONLY);

    if (!text) {
        assert_true(fd < 0 && errno == ENOENT);
        return;
    }
    assert_true(fd >= 0);
    assert_int_equal(xpci_buf_read_fd(&buf, fd), 0);
    assert_int_equal(buf.len, strlen(text));
    assert_memory_equal(buf.data ? buf.data : "", text, buf.len);
}

static UNUSED struct stat tree_stat(const struct tree *t, const char *path)
{
    struct stat st;

    assert_int_equal(lstat(tree_path(t, path), &st), 0);
    return st;
}

/* The names in a directory, hidden ones too, "a b c". */
static UNUSED void tree_expect_names(const struct tree *t, const char *path,
                                     const char *names)
{
    _cleanup_strv_ struct xpci_strv v = { 0 };
    _cleanup_buf_ struct xpci_buf got = { 0 };

    assert_int_equal(xpci_root_list(t->root, path, &v, NULL, NULL), 0);
    for (size_t i = 0; i < v.n; i++)
        assert_int_equal(xpci_buf_printf(&got, "%s%s", i ? " " : "", v.v[i]),
                         0);
    assert_string_equal(got.data ? got.data : "", names);
}

#define assert_contains(text, part)                                            \
    do {                                                                       \
        if (!strstr((text), (part)))                                           \
            fail_msg("'%s' is not in '%s'", (part), (text));                   \
    } while (0)

#endif
