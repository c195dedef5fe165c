/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "names.h"

static const char list[] = "# vendors\n"
                           "\n"
                           "0e11  Compaq\n"
                           "\t0001  of no device here\n"
                           "\t100e  an id of another vendor\n"
                           "8086  Intel\n"
                           "# a comment\n"
                           "\t100d  not here\n"
                           "\t100e  82540EM\n"
                           "\t\t8086 100e  a subsystem\n"
                           "\t100f  not here\n"
                           "c0a9  Micron\n"
                           "\t540a  P2\n"
                           "C 02  a class\n"
                           "\t00  not a device\n"
                           "8086  not a vendor\n";

static struct xpci_device devices[] = {
    { .vendor = 0x8086, .device = 0x100e },
    { .vendor = 0xc0a9, .device = 0x540a },
    { .vendor = 0xffff, .device = 0xffff },
};
static const struct xpci_inventory inv = { .dev = devices, .n = 3 };

static char path[64];

static void put(const char *name, const char *text)
{
    FILE *f;

    strcpy(strrchr(path, '/'), name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(path, "/tmp/test-names-XXXXXX");
    if (!mkdtemp(path))
        return -1;
    strcat(path, "/");
    put("/pci.ids", list);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    strcpy(strrchr(path, '/'), "/pci.ids");
    unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

static void expect_picked(const char *file)
{
    _cleanup_close_ int fd = xpci_names_pick(file, &inv);
    _cleanup_buf_ struct xpci_buf text = { 0 };

    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(xpci_buf_read_fd(&text, fd), 0);
    assert_string_equal(text.data, "8086  Intel\n"
                                   "\t100e  82540EM\n"
                                   "c0a9  Micron\n"
                                   "\t540a  P2\n");
}

static void test_pick(void **state)
{
    (void)state;
    expect_picked(path);
}

/* libpci's own name of the list, compressed or not */
static void test_compressed(void **state)
{
    (void)state;
    strcat(path, ".gz");
    expect_picked(path);
    put("/pci.ids.gz", "\x1f\x8b");
    assert_int_equal(xpci_names_pick(path, &inv), -1);
    unlink(path);
}

static void test_absent(void **state)
{
    (void)state;
    strcat(path, ".absent");
    assert_int_equal(xpci_names_pick(path, &inv), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compressed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absent, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
