/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill-at N COMMAND...: runs it and kills it where it enters its N-th system
 * call, which is not made; status 137 then, else the command's. How many
 * system calls there were is written to descriptor 9, if that is open.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int finish(unsigned long calls, int status)
{
    dprintf(9, "%lu\n", calls);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    unsigned long at = strtoul(argv[1], NULL, 10), calls = 0;
    int status, in_call = 0;
    pid_t pid;

    if (argc < 3)
        return 2;
    pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
        return 126;
    ptrace(PTRACE_SETOPTIONS, pid, NULL,
           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    for (;;) {
        int signal = WSTOPSIG(status);

        if (signal == (SIGTRAP | 0x80)) {
            in_call = !in_call;
            if (in_call && ++calls == at)
                kill(pid, SIGKILL);
            signal = 0;
        } else if (signal == SIGTRAP) {
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signal);
        if (waitpid(pid, &status, 0) < 0)
            return 126;
        if (!WIFSTOPPED(status))
            return finish(calls, status);
    }
}
