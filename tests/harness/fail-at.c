/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into xpci: the FAIL_AT-th system call that changes a file fails
 * with no space left, or, with FAIL_KILL set, the process dies before it. How
 * many there were is written to descriptor FAIL_COUNT.
 */
#include <stdio.h>
#include <stdlib.h>

/* to remove a file needs no space, but one can die before it */
#define FAIL_UNLINK (getenv("FAIL_KILL") != NULL)
#include "../unit/test-common-fail.h"

static void die(unsigned int call)
{
    if (call == fail_at && getenv("FAIL_KILL"))
        _exit(137);
}

static void __attribute__((constructor)) start(void)
{
    const char *at = getenv("FAIL_AT");

    fail_hook = die;
    fail_from(at ? (unsigned int)atoi(at) : 0, ENOSPC);
}

static void __attribute__((destructor)) end(void)
{
    const char *fd = getenv("FAIL_COUNT");

    if (fd)
        dprintf(atoi(fd), "%u\n", fail_calls);
}
