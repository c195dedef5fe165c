/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "resources.h"

static void load(const struct xpci_root *root, const struct xpci_inventory *inv,
                 struct xpci_resources *res)
{
    _cleanup_error_ struct xpci_error err = { 0 };

    if (xpci_resources_load(root, inv, res, &err) < 0)
        fail_msg("%s", xpci_error_text(&err));
}

static void bars_from_registers(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_resources_ struct xpci_resources res = { 0 };
    struct xpci_bar want[] = {
        { .index = 0, .is64 = true, .start = 0xfe800000 },
        { .index = 0, .start = 0xfe080000 },
        { .index = 1, .io = true, .start = 0xd100 },
        { .index = 6, .start = 0xfe040000 },
    };
    size_t n = 0;

    (void)state;
    host_load("lab", &inv);
    load(NULL, &inv, &res);
    want[0].dev = host_index(&inv, "01:00.0");
    want[1].dev = want[2].dev = want[3].dev = host_index(&inv, "03:02.0");
    for (size_t i = 0; i < res.n; i++) {
        const struct xpci_bar *bar = &res.v[i];

        if (bar->dev != want[0].dev && bar->dev != want[1].dev)
            continue;
        assert_true(n < XPCI_ARRAY_SIZE(want));
        assert_int_equal(bar->dev, want[n].dev);
        assert_int_equal(bar->index, want[n].index);
        assert_int_equal(bar->io, want[n].io);
        assert_int_equal(bar->is64, want[n].is64);
        assert_int_equal(bar->start, want[n].start);
        assert_int_equal(bar->size, 0);
        n++;
    }
    assert_int_equal(n, XPCI_ARRAY_SIZE(want));
}

static void registers_above_4_gib(void **state)
{
    struct xpci_device dev = { .caps = { .bar = { 0, 0x2000000c, 0x38, 0, 0, 4,
                                                  0xfe000001 } } };
    struct xpci_inventory inv = { .dev = &dev, .n = 1 };
    _cleanup_resources_ struct xpci_resources res = { 0 };

    (void)state;
    load(NULL, &inv, &res);
    assert_int_equal(res.n, 2); /* nothing follows the last register */
    assert_int_equal(res.v[0].index, 1);
    assert_int_equal(res.v[0].start, 0x3820000000);
    assert_int_equal(res.v[1].index, 6);
    assert_int_equal(res.v[1].start, 0xfe000000);
}

static void pages(void **state)
{
    static const struct {
        uint64_t a, a_size, b, b_size;
        bool shared;
    } t[] = {
        { 0xfe000000, 0x1000, 0xfe001000, 0x1000, false },
        { 0xfe000000, 0x100, 0xfe000f00, 0x100, true },
        { 0xfe000000, 0x100, 0xfe001000, 0x100, false },
        { 0xfe000000, 0x1100, 0xfe001f00, 0x100, true },
        { 0xfe001f00, 0x100, 0xfe000000, 0x1100, true },
        { 0xfe000000, 0x4000, 0xfe002000, 0x10, true },
        /* sizes that are not known */
        { 0xfe000000, 0, 0xfe000800, 0, true },
        { 0xfe000000, 0, 0xfe001000, 0, false },
        { 0xfe000000, 0x1000, 0xfe000000, 0, true },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        struct xpci_bar bar[] = {
            { .dev = 0, .start = t[i].a, .size = t[i].a_size },
            { .dev = 1, .start = t[i].b, .size = t[i].b_size },
            { .dev = 2, .io = true, .start = t[i].a, .size = 4 },
            { .dev = 0, .start = t[i].a, .size = t[i].a_size },
        };
        struct xpci_resources res = { .v = bar, .n = 4 };

        assert_int_equal(xpci_bar_neighbour(&res, 0, 0),
                         t[i].shared ? 1 : XPCI_NO_PARENT);
        assert_int_equal(xpci_bar_neighbour(&res, 1, 0),
                         t[i].shared ? 0 : XPCI_NO_PARENT);
        assert_int_equal(xpci_bar_neighbour(&res, 2, 0), XPCI_NO_PARENT);
    }
}

/* Two bridges on the root bus, behind the second a further one. */
enum { ONE, TWO, INNER, A, B, C, D, E, F, VF, N_DEVS };

static struct xpci_device machine[N_DEVS] = {
    [ONE] = { .bdf = { 0, 0, 1, 0 }, .header = 1, .parent = XPCI_NO_PARENT },
    [TWO] = { .bdf = { 0, 0, 2, 0 }, .header = 1, .parent = XPCI_NO_PARENT },
    [INNER] = { .bdf = { 0, 2, 3, 0 }, .header = 1, .parent = TWO },
    [A] = { .bdf = { 0, 1, 0, 0 }, .parent = ONE, .caps.pin = 1 },
    [B] = { .bdf = { 0, 1, 4, 0 }, .parent = ONE, .caps.pin = 1 },
    [C] = { .bdf = { 0, 1, 3, 0 }, .parent = ONE, .caps.pin = 2 },
    [D] = { .bdf = { 0, 2, 0, 0 }, .parent = TWO, .caps.pin = 1 },
    /* slot 1 of bus 3 is pin B of INNER, at slot 3 of bus 2: pin A of TWO */
    [E] = { .bdf = { 0, 3, 1, 0 }, .parent = INNER, .caps.pin = 1 },
    [F] = { .bdf = { 0, 0, 1, 1 }, .parent = XPCI_NO_PARENT, .caps.pin = 1 },
    [VF] = { .bdf = { 0, 1, 0, 1 },
             .parent = ONE,
             .caps.pin = 1,
             .virtual_func = true },
};

static void check_line(const struct xpci_resources *res, size_t dev,
                       const char *want)
{
    const struct xpci_inventory inv = { .dev = machine, .n = N_DEVS };
    char got[N_DEVS * 4] = "";

    for (size_t i = 0;; i++) {
        i = xpci_intx_neighbour(&inv, res, dev, i);
        if (i == XPCI_NO_PARENT)
            break;
        sprintf(got + strlen(got), "%zu ", i);
    }
    if (strcmp(got, want))
        fail_msg("device %zu: '%s', expected '%s'", dev, got, want);
}

static void lines(void **state)
{
    unsigned int irq[N_DEVS] = { 0 };
    struct xpci_resources res = { .irq = irq };

    (void)state;
    check_line(&res, A, "4 5 ");
    check_line(&res, B, "3 5 ");
    check_line(&res, C, "3 4 ");
    check_line(&res, D, "7 ");
    check_line(&res, E, "6 ");
    check_line(&res, F, "");
    check_line(&res, VF, "");
    irq[A] = irq[F] = 16;
    irq[D] = irq[VF] = 17;
    check_line(&res, F, "3 ");
    check_line(&res, A, "4 5 8 ");
    check_line(&res, D, "7 ");
    machine[TWO].caps.pin = 1;
    check_line(&res, D, "7 ");
    irq[TWO] = 17;
    check_line(&res, D, "1 7 ");
    machine[ONE].ari = true; /* then slots are functions */
    check_line(&res, B, "3 ");
    check_line(&res, C, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_from_registers),
        cmocka_unit_test(registers_above_4_gib),
        cmocka_unit_test(pages),
        cmocka_unit_test(lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
