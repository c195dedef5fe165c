/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-tree.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "interrupt.h"
#include "run.h"

static int run(const char *script, struct xpci_buf *out, struct xpci_error *err)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    struct xpci_run r = { .argv = argv };

    return xpci_run(&r, out, err);
}

static void test_status(void **state)
{
    static const struct {
        const char *script;
        int want;
    } t[] = {
        { "exit 0", 0 },           { "exit 1", 1 },
        { "exit 126", 126 },       { "exit 255", 255 },
        { "kill -9 $$", 128 + 9 }, { "kill -15 $$", 128 + 15 },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_buf_ struct xpci_buf out = { 0 };

        assert_int_equal(run(t[i].script, &out, NULL), t[i].want);
        assert_int_equal(out.len, 0);
    }
}

static void test_output(void **state)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };

    (void)state;
    assert_int_equal(run("echo one; echo two >&2; printf three", &out, NULL),
                     0);
    assert_string_equal(out.data, "one\ntwo\nthree");
}

/* More than a pipe holds, and pauses between. */
static void test_long_output(void **state)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };

    (void)state;
    assert_int_equal(
        run("i=0; while [ $i -lt 5000 ]; do echo "
            "0123456789012345678901234567890123456789; i=$((i + 1)); done; "
            "sleep 0.1; echo end",
            &out, NULL),
        0);
    assert_int_equal(out.len, 5000 * 41 + 4);
    assert_string_equal(out.data + out.len - 4, "end\n");
}

static void test_not_found(void **state)
{
    const char *const argv[] = { "xpci-no-such-program", NULL };
    struct xpci_run r = { .argv = argv };
    _cleanup_buf_ struct xpci_buf out = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    (void)state;
    assert_int_equal(xpci_run(&r, &out, &err), -ENOENT);
    assert_string_equal(
        err.msg,
        "cannot run 'xpci-no-such-program': No such file or directory");
}

/* The caller's PATH, locale and input do not matter. */
static void test_environment(void **state)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };

    (void)state;
    setenv("PATH", "/nowhere", 1);
    setenv("XPCI_TEST", "seen", 1);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    assert_int_equal(run("echo $PATH; echo $LC_ALL; echo ${XPCI_TEST:-none}; "
                         "cat; readlink /proc/self/fd/0",
                         &out, NULL),
                     0);
    assert_string_equal(out.data, "/usr/sbin:/usr/bin:/sbin:/bin\nC\nnone\n"
                                  "/dev/null\n");
}

/* All of it is read, also more than a pipe holds, before anything comes out. */
static void test_input(void **state)
{
    const char *const argv[] = { "sort", "-n", NULL };
    _cleanup_buf_ struct xpci_buf in = { 0 }, out = { 0 };
    struct xpci_run r = { .argv = argv, .input = &in };

    (void)state;
    for (int i = 50000; i > 0; i--)
        assert_int_equal(xpci_buf_printf(&in, "%07d\n", i), 0);
    assert_int_equal(xpci_run(&r, &out, NULL), 0);
    assert_int_equal(out.len, in.len);
    assert_int_equal(strncmp(out.data, "0000001\n0000002\n", 16), 0);
}

/* Arguments arrive as they are: there is no shell between. */
static void test_arguments(void **state)
{
    const char *const argv[] = { "printf", "[%s]", "a b", "$HOME",
                                 "`id`",   "",     "*",   NULL };
    struct xpci_run r = { .argv = argv };
    _cleanup_buf_ struct xpci_buf out = { 0 };

    (void)state;
    assert_int_equal(xpci_run(&r, &out, NULL), 0);
    assert_string_equal(out.data, "[a b][$HOME][`id`][][*]");
}

/* No descriptor of xpci's; what its caller left open for all is not its own. */
static void test_descriptors(void **state)
{
    _cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    for (int n = 3; n < 10; n++) {
        _cleanup_buf_ struct xpci_buf out = { 0 };
        int flags = fcntl(n, F_GETFD);
        char cmd[64];

        if (flags >= 0 && !(flags & FD_CLOEXEC))
            continue;
        snprintf(cmd, sizeof(cmd), "[ ! -e /proc/$$/fd/%d ] || echo it", n);
        assert_int_equal(run(cmd, &out, NULL), 0);
        assert_int_equal(out.len, 0);
    }
}

static void count_ticks(void *data, enum xpci_log_level level, const char *msg)
{
    int *ticks = data;

    assert_int_equal(level, XPCI_LOG_TICK);
    assert_int_equal(strncmp(msg, "sleeping, ", 10), 0);
    (*ticks)++;
}

static void test_ticks(void **state)
{
    const char *const argv[] = { "sleep", "1.3", NULL };
    int ticks = 0;
    const struct xpci_log log = { .fn = count_ticks, .data = &ticks };
    struct xpci_run r = { .argv = argv, .log = &log, .what = "sleeping" };
    _cleanup_buf_ struct xpci_buf out = { 0 };

    (void)state;
    assert_int_equal(xpci_run(&r, &out, NULL), 0);
    assert_true(ticks >= 1 && ticks <= 3);
}

/*
 * A held signal ends the program and all it started, and xpci_run() says so;
 * the pipe closes only when the last of them is gone.
 */
static void test_interrupted(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(signals); i++) {
        _cleanup_buf_ struct xpci_buf out = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        struct xpci_interrupt held, inner;
        char script[80];
        time_t start = time(NULL);

        snprintf(script, sizeof(script), "sleep 60 & kill -%d $PPID; sleep 60",
                 signals[i]);
        xpci_interrupt_hold(&held);
        assert_int_equal(run(script, &out, &err), -EINTR);
        xpci_interrupt_hold(&inner);
        assert_int_equal(xpci_interrupted(), signals[i]);
        xpci_interrupt_release(&inner);
        assert_int_equal(xpci_interrupted(), signals[i]);
        xpci_interrupt_release(&held);
        assert_int_equal(xpci_interrupted(), 0);
        assert_non_null(strstr(xpci_error_text(&err), "interrupted by signal"));
        assert_true(time(NULL) - start < 30);
        assert_true(signal(signals[i], SIG_DFL) == SIG_DFL);
    }
}

static void test_root(void **state)
{
    struct tree *t = *state;
    const char *const argv[] = { "prog", NULL };
    struct xpci_run r = { .argv = argv, .root = t->root };
    _cleanup_buf_ struct xpci_buf out = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    char line[200];

    assert_false(xpci_run_exists(t->root, "prog"));
    tree_mkdir(t, "/bin");
    snprintf(line, sizeof(line), "cp $(command -v busybox) %s/bin/sh", t->dir);
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    assert_int_equal(system(line), 0);
    tree_put(t, "/bin/prog", "#!/bin/sh\ncd /; echo *; exit 7\n");
    assert_false(xpci_run_exists(t->root, "prog"));
    assert_int_equal(chmod(tree_path(t, "/bin/prog"), 0755), 0);
    assert_true(xpci_run_exists(t->root, "prog"));
    if (geteuid() != 0) {
        assert_int_equal(xpci_run(&r, &out, &err), -EPERM);
        return;
    }
    assert_int_equal(xpci_run(&r, &out, &err), 7);
    assert_string_equal(out.data, "bin\n");
    assert_int_equal(chdir("/"), 0);
}

static void test_exists(void **state)
{
    struct tree *t = *state;

    tree_mkdir(t, "/sbin");
    tree_mkdir(t, "/sbin/dir");
    assert_false(xpci_run_exists(t->root, "dir"));
    tree_put(t, "/sbin/tool", "");
    assert_false(xpci_run_exists(t->root, "tool"));
    assert_int_equal(chmod(tree_path(t, "/sbin/tool"), 0711), 0);
    assert_true(xpci_run_exists(t->root, "tool"));
    assert_false(xpci_run_exists(t->root, "sh"));
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_long_output),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_interrupted),
        TREE_TEST(test_root),
        TREE_TEST(test_exists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
