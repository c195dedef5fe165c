/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, buffers, lists, log, lock. */
#include "test-common-tree.h"

#include "lock.h"
#include "log.h"

static void test_error(void **state)
{
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    assert_non_null(xpci_error_text(&err));
    assert_int_equal(xpci_error_set(&err, ENOENT, "no '%s'", "x"), -ENOENT);
    assert_string_equal(xpci_error_text(&err), "no 'x'");
    assert_int_equal(err.code, -ENOENT);
    assert_int_equal(err.kind, XPCI_FAILED);
    assert_int_equal(xpci_error_wrap(&err, "in %d", 5), -ENOENT);
    assert_string_equal(xpci_error_text(&err), "in 5: no 'x'");
    assert_int_equal(xpci_error_errno(&err, EACCES, "file '%s'", "y"), -EACCES);
    assert_string_equal(xpci_error_text(&err), "file 'y': Permission denied");
    assert_int_equal(xpci_error_usage(&err, "call"), -EINVAL);
    assert_int_equal(err.kind, XPCI_USAGE);
    assert_int_equal(xpci_error_refuse(&err, "no"), -EPERM);
    assert_int_equal(err.kind, XPCI_REFUSED);
    /* context keeps the kind */
    assert_int_equal(xpci_error_wrap(&err, "here"), -EPERM);
    assert_int_equal(err.kind, XPCI_REFUSED);
    assert_int_equal(xpci_error_set(&err, EIO, "now"), -EIO);
    assert_int_equal(err.kind, XPCI_FAILED);
    assert_int_equal(xpci_error_oom(&err), -ENOMEM);
    assert_non_null(xpci_error_text(&err));
    xpci_error_clear(&err);
    assert_int_equal(err.code, 0);
    assert_null(err.msg);
}

/* Nobody has to care for the message. */
static void test_error_null(void **state)
{
    (void)state;
    assert_int_equal(xpci_error_set(NULL, ENOENT, "x"), -ENOENT);
    assert_int_equal(xpci_error_errno(NULL, ENOENT, "x"), -ENOENT);
    assert_int_equal(xpci_error_usage(NULL, "x"), -EINVAL);
    assert_int_equal(xpci_error_refuse(NULL, "x"), -EPERM);
    assert_int_equal(xpci_error_oom(NULL), -ENOMEM);
    xpci_error_clear(NULL);
}

static void test_buf(void **state)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    char *text;

    (void)state;
    text = xpci_buf_steal(&buf);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(xpci_buf_append(&buf, "", 0), 0);
    assert_int_equal(buf.data[0], 0);
    assert_int_equal(xpci_buf_append(&buf, "a\0b", 3), 0);
    assert_int_equal(buf.len, 3);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(xpci_buf_printf(&buf, "%d,", i), 0);
    assert_int_equal(strlen(buf.data + 2) + 2, buf.len);
    assert_int_equal(xpci_buf_append(&buf, "x", SIZE_MAX - 10), -ENOMEM);
    assert_int_equal(xpci_buf_append(&buf, "x", SIZE_MAX / 2), -ENOMEM);
    text = xpci_buf_steal(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    free(text);
}

static void test_strv(void **state)
{
    _cleanup_strv_ struct xpci_strv v = { 0 };

    (void)state;
    xpci_strv_sort(&v);
    assert_int_equal(xpci_strv_add(&v, "b"), 0);
    assert_int_equal(xpci_strv_printf(&v, "a%d", 1), 0);
    assert_int_equal(xpci_strv_add(&v, ""), 0);
    xpci_strv_sort(&v);
    assert_string_equal(v.v[0], "");
    assert_string_equal(v.v[1], "a1");
    assert_string_equal(v.v[2], "b");
    assert_null(v.v[3]);
    xpci_strv_clear(&v);
    assert_int_equal(v.n, 0);
    assert_null(v.v);
}

static void on_log(void *data, enum xpci_log_level level, const char *msg)
{
    snprintf(data, 50, "%d %s", level, msg);
}

static void test_log(void **state)
{
    char got[50] = "";
    const struct xpci_log log = { .fn = on_log, .data = got };

    (void)state;
    xpci_log(NULL, XPCI_LOG_WARN, "dropped %d", 1);
    xpci_log(&(struct xpci_log){ 0 }, XPCI_LOG_WARN, "dropped");
    xpci_log(&log, XPCI_LOG_NOTE, "heard %d", 2);
    assert_string_equal(got, "1 heard 2");
}

/* One at a time, and none is left behind. */
static void test_lock(void **state)
{
    struct tree *t = *state;
    _cleanup_error_ struct xpci_error err = { 0 };
    int one = -1, two = -1;

    assert_int_equal(xpci_lock(t->root, NULL, &one, NULL), 0);
    assert_int_equal(xpci_lock(t->root, NULL, &two, &err), -EBUSY);
    assert_contains(err.msg,
                    "another xpci, or a program it started, is at work");
    assert_int_equal(two, -1);
    close(one);
    assert_int_equal(xpci_lock(t->root, NULL, &two, NULL), 0);
    close(two);
    tree_expect_names(t, "/", "");
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error), cmocka_unit_test(test_error_null),
        cmocka_unit_test(test_buf),   cmocka_unit_test(test_strv),
        cmocka_unit_test(test_log),   TREE_TEST(test_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
