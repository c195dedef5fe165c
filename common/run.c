/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "run.h"

#define RUN_NOT_FOUND 127

static const char *const run_dirs[] = {
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
};

bool xpci_run_exists(const struct xpci_root *root, const char *program)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(run_dirs); i++) {
        char path[256];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", run_dirs[i], program);
        if (xpci_root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode) &&
            (st.st_mode & 0111))
            return true;
    }
    return false;
}

/* In the child of a single-threaded process; never returns. */
static void child(const struct xpci_run *run, int out)
{
    static char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    static char lang_env[] = "LC_ALL=C";
    char *env[] = { path_env, lang_env, NULL };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    signal(SIGINT, SIG_DFL);
    if (run->root && !xpci_root_is_live(run->root) &&
        (fchdir(xpci_root_fd(run->root)) < 0 || chroot(".") < 0))
        _exit(RUN_NOT_FOUND - 1);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(RUN_NOT_FOUND - 1);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(run_dirs); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", run_dirs[i], run->argv[0]);
        execve(path, (char *const *)(uintptr_t)run->argv, env);
    }
    _exit(RUN_NOT_FOUND);
}

/* Reads until the program has closed its output, with a sign of life. */
static int collect(const struct xpci_run *run, int fd, struct xpci_buf *output)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    time_t start = time(NULL), last = start;
    char chunk[4096];

    for (;;) {
        int r = poll(&pfd, 1, 1000);
        time_t now = time(NULL);
        ssize_t len;

        if (now != last) {
            xpci_log(run->log, XPCI_LOG_TICK, "%s, %ld s",
                     run->what ? run->what : run->argv[0], now - start);
            last = now;
        }
        if (r == 0 || (r < 0 && errno == EINTR))
            continue;
        if (r < 0)
            return -errno;
        len = read(fd, chunk, sizeof(chunk));
        if (len < 0 && errno != EINTR)
            return -errno;
        if (len == 0)
            return 0;
        if (len > 0 && xpci_buf_append(output, chunk, (size_t)len) < 0)
            return -ENOMEM;
    }
}

/* Waits for the child, collecting its output. */
static int reap(const struct xpci_run *run, pid_t pid, int fd,
                struct xpci_buf *output, int *status)
{
    int ret = collect(run, fd, output);

    if (ret < 0)
        kill(pid, SIGTERM);
    while (waitpid(pid, status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return ret;
}

/*
 * As system(3) does: an interrupt from the keyboard ends the program, and
 * its caller lives to put things back.
 */
static int spawn(const struct xpci_run *run, int fds[2],
                 struct xpci_buf *output, int *status)
{
    void (*old)(int) = signal(SIGINT, SIG_IGN);
    pid_t pid = fork();
    int ret = pid < 0 ? -errno : 0;

    if (pid == 0)
        child(run, fds[1]);
    close(fds[1]);
    if (pid > 0)
        ret = reap(run, pid, fds[0], output, status);
    close(fds[0]);
    signal(SIGINT, old);
    return ret;
}

int xpci_run(const struct xpci_run *run, struct xpci_buf *output,
             struct xpci_error *err)
{
    const char *name = run->argv[0];
    int fds[2], status, ret;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return xpci_error_errno(err, errno, "cannot run '%s'", name);
    ret = spawn(run, fds, output, &status);
    if (ret < 0)
        return xpci_error_errno(err, -ret, "cannot run '%s'", name);
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    if (WEXITSTATUS(status) == RUN_NOT_FOUND)
        return xpci_error_set(err, ENOENT, "program '%s' not found", name);
    return WEXITSTATUS(status);
}
