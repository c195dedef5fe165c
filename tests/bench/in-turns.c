/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * in-turns ROUNDS OURS THEIRS: runs the two command lines in turns and prints
 * the microseconds of processor time of both, a line for each round. Other
 * work on the machine counts less in those than by the clock.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void __attribute__((noreturn)) run(char *command)
{
    char *argv[32] = { 0 };
    int null = open("/dev/null", O_RDWR);

    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    for (int i = 0; i < 31; i++)
        argv[i] = strtok(i ? NULL : command, " ");
    execvp(argv[0], argv);
    _exit(127);
}

static long took(char *command)
{
    struct rusage used;
    int status;
    pid_t child = fork();

    if (child == 0)
        run(command);
    if (child < 0 || wait4(child, &status, 0, &used) < 0 || status) {
        fprintf(stderr, "in-turns: '%s' failed\n", command);
        exit(1);
    }
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
           used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc == 4 && i < atoi(argv[1]); i++) {
        long ours = took(argv[2]);

        printf("%ld %ld\n", ours, took(argv[3]));
    }
    return argc != 4;
}
