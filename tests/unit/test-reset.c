/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "reset.h"

/* Ways as sysfs' reset_method prints them, "" for none. */
static void ways_text(unsigned int ways, char out[100])
{
    *out = '\0';
    for (int i = 0; i < XPCI_RESET_MAX; i++) {
        if (ways & 1u << i)
            sprintf(out + strlen(out), "%s%s", *out ? " " : "",
                    xpci_reset_names[i]);
    }
}

/*
 * The kernel makes its list when it finds a device: a device that is found
 * before its neighbours, and a bridge before the bus behind it, keeps a bus
 * reset that it does not have.
 */
static bool is_stale(const struct xpci_inventory *inv, size_t i,
                     const char *truth, const char *ways)
{
    size_t len = strlen(truth), cut = len >= 3 ? len - 3 : 0;

    if (!len || strcmp(truth + cut, "bus"))
        return false;
    cut -= cut > 0;
    return strlen(ways) == cut && !strncmp(truth, ways, cut) &&
           (inv->dev[i].header == 1 ||
            (xpci_reset_neighbour(inv, i) > i &&
             xpci_reset_neighbour(inv, i) != XPCI_NO_PARENT));
}

static size_t compare(const char *host, size_t *stale)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    char path[100], line[200];
    size_t n = 0;
    FILE *f;

    host_load(host, &inv);
    snprintf(path, sizeof(path), "tests/hosts/%s.reset", host);
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *truth = strchr(line, ' '), ways[100];
        size_t i;

        line[strcspn(line, "\n")] = '\0';
        *truth++ = '\0';
        i = host_index(&inv, line);
        ways_text(xpci_reset_ways(&inv, i), ways);
        if (is_stale(&inv, i, truth, ways))
            (*stale)++;
        else if (strcmp(truth, ways))
            fail_msg("%s %s: '%s', the kernel says '%s'", host, line, ways,
                     truth);
        n++;
    }
    fclose(f);
    assert_int_equal(n, inv.n);
    return n;
}

static void as_the_kernel(void **state)
{
    size_t stale = 0;

    (void)state;
    assert_int_equal(compare("qemu-q1", &stale), 37);
    assert_int_equal(compare("qemu-q2", &stale), 19);
    assert_int_equal(compare("qemu-q3", &stale), 12);
    assert_int_equal(compare("qemu-q4", &stale), 83);
    assert_int_equal(compare("qemu-q5", &stale), 84);
    assert_int_equal(stale, 54);
}

/* Devices that claim all resets, alone behind a port. */
static void what_does_not_work(void **state)
{
    static const struct {
        uint16_t vendor, device, class_code;
        const char *want;
    } t[] = {
        { 0x8086, 0x10d3, 0x0200, "flr af_flr pm bus" },
        { 0x8086, 0x1502, 0x0200, "pm bus" },
        { 0x1022, 0x149c, 0x0c03, "pm bus" },
        { 0x1002, 0x67df, 0x0300, "flr af_flr bus" },
        { 0x1002, 0xaaf0, 0x0403, "flr af_flr pm bus" },
        { 0x15b3, 0xcf6c, 0x0200, "flr af_flr bus" },
        { 0x168c, 0x0033, 0x0280, "flr af_flr pm" },
        { 0x10de, 0x2342, 0x0302, "flr af_flr pm" },
        { 0x10de, 0x2380, 0x0302, "flr af_flr pm bus" },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        struct xpci_device dev[2] = {
            { .bdf = { 0, 0, 1, 0 },
              .header = 1,
              .secondary = 1,
              .parent = XPCI_NO_PARENT },
            { .bdf = { 0, 1, 0, 0 },
              .vendor = t[i].vendor,
              .device = t[i].device,
              .class_code = t[i].class_code,
              .caps = { .flr = true, .af_flr = true, .pm_reset = true } },
        };
        const struct xpci_inventory inv = { .dev = dev, .n = 2 };
        char ways[100];

        ways_text(xpci_reset_ways(&inv, 1), ways);
        assert_string_equal(ways, t[i].want);
        /* a VF on a bus that only its port leads to, not the bridge's own */
        dev[1].bdf.bus = 2;
        assert_int_equal(xpci_reset_ways(&inv, 1) & 1u << XPCI_RESET_BUS, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_kernel),
        cmocka_unit_test(what_does_not_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
