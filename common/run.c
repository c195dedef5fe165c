/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "interrupt.h"
#include "journal.h"
#include "run.h"

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

/* What the child reads, and the two ends it writes to. */
struct pipes {
    int in;
    int out[2];    /* what the program prints */
    int failed[2]; /* a byte if it could not be executed */
};

static void pipes_close(struct pipes *p)
{
    xpci_cleanup_close(&p->in);
    for (int i = 0; i < 2; i++) {
        xpci_cleanup_close(&p->out[i]);
        xpci_cleanup_close(&p->failed[i]);
    }
}

/* A file in memory has no reader that must be waited for. */
static int pipes_open(struct pipes *p, const struct xpci_buf *input)
{
    *p = (struct pipes){ -1, { -1, -1 }, { -1, -1 } };
    p->in = input ? memfd_create("input", MFD_CLOEXEC)
                  : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (p->in < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
        pipe2(p->failed, O_CLOEXEC) < 0)
        return -errno;
    if (input &&
        pwrite(p->in, input->data, input->len, 0) != (ssize_t)input->len)
        return -ENOSPC;
    return 0;
}

/*
 * In the child of a single-threaded process; never returns. Its own process
 * group, so that all that the program starts can be ended with it.
 */
static void child(const struct xpci_run *run, const struct pipes *p)
{
    static char path_env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    static char lang_env[] = "LC_ALL=C";
    char *env[] = { path_env, lang_env, NULL };
    bool ok = setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0;

    xpci_interrupt_reset();
    if (ok && run->root && !xpci_root_is_live(run->root))
        ok = fchdir(xpci_root_fd(run->root)) == 0 && chroot(".") == 0;
    ok = ok && dup2(p->in, 0) >= 0 && dup2(p->out[1], 1) >= 0 &&
         dup2(p->out[1], 2) >= 0;
    for (size_t i = 0; ok && i < XPCI_ARRAY_SIZE(run_dirs); i++) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s", run_dirs[i], run->argv[0]);
        execve(path, (char *const *)(uintptr_t)run->argv, env);
    }
    _exit(write(p->failed[1], &errno, sizeof(errno)) < 0 ? 2 : 1);
}

/* Reads what there is. Returns 1 at the end, 0, or -errno. */
static int read_some(int fd, struct xpci_buf *output)
{
    char chunk[4096];
    ssize_t len = read(fd, chunk, sizeof(chunk));

    if (len < 0)
        return errno == EINTR ? 0 : -errno;
    if (len == 0)
        return 1;
    return xpci_buf_append(output, chunk, (size_t)len);
}

/* Reads until the program has closed its output, with a sign of life. */
static int collect(const struct xpci_run *run, int fd, struct xpci_buf *output)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    time_t start = time(NULL), last = start;
    int ret = 0;

    while (ret == 0) {
        int r = poll(&pfd, 1, 1000);
        time_t now = time(NULL);

        if (xpci_interrupted())
            return -EINTR;
        if (now != last) {
            xpci_log(run->log, XPCI_LOG_TICK, "%s, %ld s",
                     run->what ? run->what : run->argv[0], now - start);
            last = now;
            if (run->root && run->what) /* a generator, which writes */
                xpci_journal_alive(run->root);
        }
        if (r > 0)
            ret = read_some(fd, output);
        else if (r < 0 && errno != EINTR)
            ret = -errno;
    }
    return ret < 0 ? ret : 0;
}

/* Ends all that the program has started: politely, then not. */
static void end_group(pid_t pid, int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLIN };
    _cleanup_buf_ struct xpci_buf rest = { 0 };
    int64_t deadline = xpci_now_ms() + 30000;

    kill(-pid, SIGTERM);
    while (xpci_now_ms() < deadline) {
        if (poll(&pfd, 1, 100) > 0 && read_some(fd, &rest) != 0)
            break;
    }
    kill(-pid, SIGKILL);
}

static int spawn(const struct xpci_run *run, struct pipes *p,
                 struct xpci_buf *output, int *status)
{
    pid_t pid = fork();
    int ret;

    if (pid < 0)
        return -errno;
    if (pid == 0)
        child(run, p);
    setpgid(pid, pid); /* whoever of the two comes first */
    close(xpci_steal_fd(p->out[1]));
    close(xpci_steal_fd(p->failed[1]));
    ret = collect(run, p->out[0], output);
    if (ret < 0)
        end_group(pid, p->out[0]);
    while (waitpid(pid, status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return ret;
}

int xpci_run(const struct xpci_run *run, struct xpci_buf *output,
             struct xpci_error *err)
{
    _cleanup_(pipes_close) struct pipes p;
    const char *name = run->argv[0];
    int status, exec_errno, ret;

    ret = pipes_open(&p, run->input);
    if (ret == 0 && run->root && xpci_root_is_recording(run->root))
        ret = -EPERM;
    if (ret == 0)
        ret = spawn(run, &p, output, &status);
    if (ret == -EINTR && xpci_interrupted())
        return xpci_interrupt_check(err);
    if (ret < 0)
        return xpci_error_errno(err, -ret, "cannot run '%s'", name);
    if (read(p.failed[0], &exec_errno, sizeof(exec_errno)) ==
        sizeof(exec_errno))
        return xpci_error_errno(err, exec_errno, "cannot run '%s'", name);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
