/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-closure ROUNDS DUMP: the microseconds of processor time that the
 * closure of all endpoints of the host takes, on a line for each round; reading
 * the dump is not in it.
 */
#include <stdint.h>
#include <time.h>

#include "group.h"

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_free_ size_t *seed = NULL;
    size_t n = 0;
    int ret = argc == 3 ? xpci_inventory_load_dump(argv[2], &inv, &err)
                        : xpci_error_usage(&err, "ROUNDS DUMP");

    seed = calloc(inv.n + 1, sizeof(*seed));
    for (size_t i = 0; seed && i < inv.n; i++) {
        if (!xpci_device_board(&inv.dev[i]))
            seed[n++] = i;
    }
    for (int i = 0; ret == 0 && seed && i < atoi(argv[1]); i++) {
        _cleanup_group_ struct xpci_group group = { 0 };
        int64_t start = now();

        ret = xpci_group_closure(&inv, seed, n, XPCI_SCOPE_GROUP, &group, &err);
        if (ret == 0 && group.n == n)
            printf("%ld\n", (long)(now() - start));
    }
    if (ret < 0)
        fprintf(stderr, "bench-closure: %s\n", xpci_error_text(&err));
    return ret < 0;
}
