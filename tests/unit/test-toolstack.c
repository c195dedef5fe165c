/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "load.h"
#include "monitor.h"
#include "reason.h"

/* QEMU 7.2, -machine pc, "info pci" */
#define BUS_HEAD                                                               \
    "  Bus  0, device   0, function 0:\r\n"                                    \
    "    Host bridge: PCI device 8086:1237\r\n"                                \
    "      PCI subsystem 1af4:1100\r\n"                                        \
    "      id \"\"\r\n"                                                        \
    "  Bus  0, device   1, function 0:\r\n"                                    \
    "    ISA bridge: PCI device 8086:7000\r\n"                                 \
    "      PCI subsystem 1af4:1100\r\n"                                        \
    "      id \"\"\r\n"                                                        \
    "  Bus  0, device   1, function 1:\r\n"                                    \
    "    IDE controller: PCI device 8086:7010\r\n"                             \
    "      PCI subsystem 1af4:1100\r\n"                                        \
    "      BAR4: I/O at 0xffffffffffffffff [0x000e].\r\n"                      \
    "      id \"\"\r\n"
#define BUS_CARD                                                               \
    "  Bus  0, device   7, function 0:\r\n"                                    \
    "    Ethernet controller: PCI device 8086:100e\r\n"                        \
    "      PCI subsystem 1af4:1100\r\n"                                        \
    "      IRQ 0, pin A\r\n"                                                   \
    "      BAR0: 32 bit memory at 0xffffffffffffffff [0x0001fffe].\r\n"        \
    "      BAR1: I/O at 0xffffffffffffffff [0x003e].\r\n"                      \
    "      BAR6: 32 bit memory at 0xffffffffffffffff [0x0003fffe].\r\n"        \
    "      id \"pci-pt-03_02.0\"\r\n"
#define BUS_TAIL                                                               \
    "  Bus  0, device  30, function 0:\r\n"                                    \
    "    Class 0264: PCI device 1b36:0010\r\n"                                 \
    "      PCI subsystem 1af4:1100\r\n"                                        \
    "      IRQ 0, pin A\r\n"                                                   \
    "      BAR0: 64 bit memory at 0xffffffffffffffff [0x00003ffe].\r\n"        \
    "      id \"\"\r\n"
/* A bridge, and a device behind it: not on the bus that slots belong to. */
#define BUS_BRIDGE                                                             \
    "  Bus  0, device   3, function 0:\r\n"                                    \
    "    PCI bridge: PCI device 1b36:0001\r\n"                                 \
    "      IRQ 0, pin A\r\n"                                                   \
    "      BUS 0.\r\n"                                                         \
    "      secondary bus 1.\r\n"                                               \
    "      subordinate bus 1.\r\n"                                             \
    "      IO range [0xf000, 0x0fff]\r\n"                                      \
    "      memory range [0xfff00000, 0x000fffff]\r\n"                          \
    "      id \"bridge\"\r\n"                                                  \
    "  Bus  1, device   5, function 0:\r\n"                                    \
    "    Ethernet controller: PCI device 8086:100e\r\n"                        \
    "      id \"behind\"\r\n"

static void expect_error(struct xpci_error *err, int ret, int code,
                         const char *part)
{
    assert_int_equal(ret, code);
    assert_int_equal(err->code, code);
    if (!strstr(xpci_error_text(err), part))
        fail_msg("\"%s\" is not in \"%s\"", part, xpci_error_text(err));
    assert_null(strchr(xpci_error_text(err), '\n'));
    xpci_error_clear(err);
}

static void monitor_reads_the_bus(void **state)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_bdf bdf = { .bus = 3, .slot = 2 };
    const struct xpci_monitor_device *dev;
    char id[XPCI_MONITOR_ID_SIZE];

    (void)state;
    assert_int_equal(
        xpci_monitor_parse(BUS_HEAD BUS_BRIDGE BUS_CARD BUS_TAIL, &bus, &err),
        0);
    assert_int_equal(bus.n, 7);
    assert_int_equal(xpci_monitor_slots(&bus),
                     1u << 0 | 1u << 1 | 1u << 3 | 1u << 7 | 1u << 30);
    dev = xpci_monitor_find(&bus, xpci_monitor_id(&bdf, id));
    assert_string_equal(id, "pci-pt-03_02.0");
    assert_non_null(dev);
    assert_int_equal(dev->slot, 7);
    assert_ptr_equal(xpci_monitor_at(&bus, 7), dev);
    assert_string_equal(dev->what, "Ethernet controller: PCI device 8086:100e");
    assert_null(xpci_monitor_at(&bus, 5)); /* that one is behind the bridge */
    bdf.func = 1;
    assert_null(xpci_monitor_find(&bus, xpci_monitor_id(&bdf, id)));
}

static void monitor_refuses_what_it_cannot_read(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        { "", "no PCI device" },
        { "\r\n", "no PCI device" },
        { "unknown command: 'info pci'\r\n", "answers 'unknown command" },
        { "  Bus  0, device  32, function 0:\r\n", "device  32" },
        { "  Bus  0, device  7, function 8:\r\n", "function 8" },
        { "  Bus  0, device  7, function 0: x\r\n", "unexpected line" },
        { "  Bus  0, device  7, function 0\r\n", "unexpected line" },
        { "  Bus  0, device  7\r\n", "unexpected line" },
        { "  Bus  0, device  7, function 0:\r\n", "incomplete" },
        { BUS_HEAD "  Bus  0, device   7, function 0:\r\n    Ethernet\r\n",
          "incomplete at its slot 7" },
        { "  Bus  0, device  7, function 0:\r\n Eth\r\n id \"x\r\n",
          "incomplete" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        struct xpci_monitor_devices bus = { 0 };
        struct xpci_error err = { 0 };

        expect_error(&err, xpci_monitor_parse(bad[i].text, &bus, &err), -EPROTO,
                     bad[i].part);
        assert_null(bus.v);
    }
}

static void monitor_finds_the_answer(void **state)
{
    static const struct {
        const char *line, *answer;
    } lines[] = {
        { "{\"return\": \"id \\\"x\\\"\\r\\n\\ta\\\\n\"}\r\n",
          "id \"x\"\r\n\ta\\n" },
        { "{\"return\": \"\"}\r\n", "" },
        { "{\"return\": {}}\r\n", NULL },
        { "{\"return\": \"cut off", NULL },
        { "{\"return\": \"cut off\\", NULL },
        { "{\"error\": {\"class\": \"GenericError\"}}\r\n", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(lines); i++) {
        _cleanup_free_ char *line = strdup(lines[i].line);
        const char *answer = xpci_monitor_answer(line);

        if (!lines[i].answer)
            assert_null(answer);
        else
            assert_string_equal(answer, lines[i].answer);
    }
}

/* What @text has in it, read as from a device model. */
static int read_text(const char *text, char **answer)
{
    FILE *from = tmpfile();
    int ret;

    assert_non_null(from);
    assert_true(fputs(text, from) >= 0);
    rewind(from);
    ret = xpci_monitor_read(from, 10, answer);
    fclose(from);
    return ret;
}

static void monitor_reads_up_to_the_answer(void **state)
{
    _cleanup_free_ char *answer = NULL, *flood = malloc(2 << 20);

    (void)state;
    assert_int_equal(read_text("{\"QMP\": {}}\r\n{\"return\": {}}\r\n"
                               "{\"return\": \"yes\"}\r\n{\"error\": {}}\r\n",
                               &answer),
                     0);
    assert_string_equal(answer, "yes");
    assert_int_equal(read_text("{\"error\": {}}\r\n", &answer), -EPROTO);
    assert_int_equal(read_text("{\"event\": {}}\r\n", &answer), -EPIPE);
    assert_int_equal(read_text("{\"return\": \"cut o", &answer), -EPIPE);
    assert_non_null(flood);
    memset(flood, 'x', 2 << 20);
    flood[(2 << 20) - 1] = '\0';
    assert_int_equal(read_text(flood, &answer), -EMSGSIZE);
}

/* What comes is no answer, and comes for ever. */
static void monitor_is_not_waited_for(void **state)
{
    static const char *const nothings[] = { "x", "{\"event\": \"x\"}\n" };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(nothings); i++) {
        char *answer;
        int fds[2];
        FILE *from;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        from = fdopen(fds[0], "r");
        assert_non_null(from);
        pid = fork();
        while (pid == 0 && usleep(20000) == 0)
            assert_true(write(fds[1], nothings[i], strlen(nothings[i])) > 0);
        alarm(20);
        assert_int_equal(xpci_monitor_read(from, 1, &answer), -EAGAIN);
        alarm(0);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        fclose(from);
        close(fds[1]);
    }
}

static void monitor_knows_who_has_not_heard(void **state)
{
    static const struct {
        const char *text;
        bool unheard;
    } answers[] = {
        { "portl[0xafe0] = 0x00060002\r\n", true },
        { "portl[0xafe0] = 0x00060000\r\n", false },
        { "portl[0xafe0] = 0x00000002\r\n", false }, /* does not listen */
        { "portl[0xafe0] = 0x00040002\r\n", false }, /* to processors only */
        { "portl[0xafe0] = 0x00060004\r\n", false },
        { "portl[0xafe0] = 0xffffffff\r\n", false },
        { "portw[0xafe0] = 0x00060002\r\n", false },
        { "unknown command: 'i'\r\n", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(answers); i++) {
        if (xpci_monitor_unheard(answers[i].text) != answers[i].unheard)
            fail_msg("wrong: '%s'", answers[i].text);
    }
}

static void reason_is_the_cause(void **state)
{
    struct xpci_reason reason = { 0 };

    (void)state;
    assert_null(xpci_reason_text(&reason));
    xpci_reason_add(&reason, false,
                    "libxl_pci.c:2214:pci_remove_timeout: Domain 1:timed out "
                    "waiting for DM to remove pci-pt-03_02.0");
    assert_string_equal(xpci_reason_text(&reason),
                        "timed out waiting for DM to remove pci-pt-03_02.0");
    /* As libxl 4.17 logs an attach to a guest without IOMMU. */
    xpci_reason_add(&reason, true,
                    "libxl_pci.c:1657:libxl__device_pci_add: Domain 1:PCI "
                    "device 0000:03:02.0 cannot be assigned - no IOMMU?");
    xpci_reason_add(&reason, true,
                    "libxl_pci.c:1809:device_pci_add_done: Domain 1:"
                    "libxl__device_pci_add failed for PCI device 0:3:2.0 "
                    "(rc -3)");
    xpci_reason_add(&reason, true,
                    "libxl_device.c:1396:device_addrm_aocomplete: unable to "
                    "add device");
    xpci_reason_add(&reason, true,
                    "libxl_pci.c:1573:libxl__device_pci_reset: The kernel "
                    "doesn't support reset from sysfs for PCI device "
                    "0000:03:02.0");
    assert_string_equal(
        xpci_reason_text(&reason),
        "PCI device 0000:03:02.0 cannot be assigned - no IOMMU?");
    xpci_reason_clear(&reason);
    assert_null(xpci_reason_text(&reason));
}

/* As libxl 4.17 logs it where the device model takes too long: not at all. */
static void reason_is_not_that_it_failed(void **state)
{
    struct xpci_reason reason = { 0 };

    (void)state;
    xpci_reason_add(&reason, true,
                    "libxl_pci.c:1470:libxl__device_pci_reset: Domain 0:write "
                    "to /sys/bus/pci/devices/0000:03:02.0/reset returned -1: "
                    "Inappropriate ioctl for device");
    xpci_reason_add(&reason, true,
                    "libxl_pci.c:1809:device_pci_add_done: Domain 1:"
                    "libxl__device_pci_add failed for PCI device 0:3:2.0 "
                    "(rc -9)");
    xpci_reason_add(&reason, true,
                    "libxl_device.c:1486:device_addrm_aocomplete: unable to "
                    "add device");
    assert_null(xpci_reason_text(&reason));
    xpci_reason_clear(&reason);
}

static void reason_is_one_clean_line(void **state)
{
    static const char *const lines[][2] = {
        { "no location: at all", "no location: at all" },
        { "see file.c: it is there", "see file.c: it is there" },
        { "Domain 12", "Domain 12" },
        { "Domain 12: bad\nthings.\n", "bad things" },
        { "a.c:1:f: Domain 1:", "" },
        { "", "" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < XPCI_ARRAY_SIZE(lines); i++) {
        struct xpci_reason reason = { 0 };

        xpci_reason_add(&reason, true, lines[i][0]);
        assert_string_equal(xpci_reason_text(&reason), lines[i][1]);
        xpci_reason_clear(&reason);
    }
}

/* A root directory of our own, and the files in it. */
struct place {
    char dir[64];
    struct xpci_root *root;
};

static void place_file(const struct place *place, const char *path,
                       const char *text)
{
    char full[PATH_MAX], *slash;
    FILE *f;

    snprintf(full, sizeof(full), "%s%s", place->dir, path);
    for (slash = strchr(full + strlen(place->dir) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void place_xen(const struct place *place, const char *major,
                      const char *minor)
{
    place_file(place, "/sys/hypervisor/type", "xen\n");
    place_file(place, "/sys/hypervisor/version/major", major);
    place_file(place, "/sys/hypervisor/version/minor", minor);
    place_file(place, "/proc/xen/capabilities", "control_d\n");
}

static int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    strcpy(place->dir, "/tmp/xpci-test.XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    assert_int_equal(xpci_root_new(place->dir, &place->root, NULL), 0);
    *state = place;
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", place->dir);
    assert_int_equal(system(command), 0);
    xpci_root_free(place->root);
    free(place);
    return 0;
}

static void release_is_the_running_one(void **state)
{
    struct place *place = *state;
    struct xpci_error err = { 0 };
    char release[XPCI_RELEASE_SIZE];

    place_xen(place, "4\n", "17\n");
    assert_int_equal(xpci_load_release(place->root, release, &err), 0);
    assert_string_equal(release, "4.17");
}

static void release_needs_dom0(void **state)
{
    struct place *place = *state;
    struct xpci_error err = { 0 };
    char release[XPCI_RELEASE_SIZE];

    expect_error(&err, xpci_load_release(place->root, release, &err), -ENODEV,
                 "not a Xen dom0: no hypervisor");
    place_file(place, "/sys/hypervisor/type", "kvm\n");
    expect_error(&err, xpci_load_release(place->root, release, &err), -ENODEV,
                 "not a Xen dom0: the hypervisor is 'kvm'");
    place_xen(place, "4\n", "17\n");
    place_file(place, "/proc/xen/capabilities", "\n");
    expect_error(&err, xpci_load_release(place->root, release, &err), -ENODEV,
                 "not a Xen dom0 but a guest");
}

/* It goes into a file name. */
static void release_is_numbers(void **state)
{
    static const char *const bad[] = { "", "\n", "x\n", "17/../x\n", "17 \n" };
    struct place *place = *state;
    struct xpci_error err = { 0 };
    char release[XPCI_RELEASE_SIZE];
    size_t i;

    for (i = 0; i < XPCI_ARRAY_SIZE(bad); i++) {
        place_xen(place, "4\n", bad[i]);
        expect_error(&err, xpci_load_release(place->root, release, &err),
                     -ENODEV, "version/minor' is not a number");
    }
}

static void load(struct place *place, int code, const char *part)
{
    struct xpci_toolstack ts = { 0 };
    struct xpci_root *live = NULL;
    struct xpci_error err = { 0 };

    assert_int_equal(xpci_root_new("/", &live, NULL), 0);
    expect_error(&err, xpci_load_plugin(live, place->dir, "4.18", &ts, &err),
                 code, part);
    assert_null(ts.handle);
    assert_null(ts.ops);
    xpci_root_free(live);
}

static void plugin_of_the_release_is_needed(void **state)
{
    struct place *place = *state;

    load(place, -ENODEV, "there is no plugin for Xen in");
    place_file(place, "/libxl-4.20.so", "");
    load(place, -ENODEV, "built for Xen 4.20, this host runs 4.18");
    place_file(place, "/libxl-4.17.so", "");
    place_file(place, "/libxl-4.16.so", "");
    place_file(place, "/libxl-4.15.so.old", "");
    load(place, -ENODEV, "for Xen 4.16, 4.17 and 4.20, this host runs 4.18");
}

static void plugin_must_load(void **state)
{
    struct place *place = *state;

    place_file(place, "/libxl-4.18.so", "not an object\n");
    load(place, -ENODEV, "libxl-4.18.so: "); /* what dlopen() says */
}

static void plugin_must_have_the_table(void **state)
{
    struct place *place = *state;
    char path[PATH_MAX];
    Dl_info info;

    /* Any other shared object will do. */
    assert_true(dladdr((void *)(uintptr_t)_cmocka_run_group_tests, &info));
    snprintf(path, sizeof(path), "%s/libxl-4.18.so", place->dir);
    assert_int_equal(symlink(info.dli_fname, path), 0);
    load(place, -ENOEXEC, "is no plugin of xpci");
}

static void table_must_fit(void **state)
{
    struct xpci_toolstack_ops ops = {
        .abi = XPCI_TOOLSTACK_ABI,
        .size = sizeof(ops),
        .release = "4.18",
    };
    struct xpci_error err = { 0 };

    (void)state;
    assert_int_equal(xpci_load_check(&ops, "p", "4.18", &err), 0);
    expect_error(&err, xpci_load_check(&ops, "p", "4.17", &err), -ENOEXEC,
                 "built for Xen 4.18, this host runs 4.17");
    ops.size -= 8;
    expect_error(&err, xpci_load_check(&ops, "p", "4.18", &err), -ENOEXEC,
                 "bytes, this xpci needs 7 and ");
    ops.abi++; /* says nothing about the size */
    expect_error(&err, xpci_load_check(&ops, "p", "4.18", &err), -ENOEXEC,
                 "has ABI 8 and ");
}

static void toolstack_is_the_running_system(void **state)
{
    struct place *place = *state;
    struct xpci_toolstack *ts = NULL;
    struct xpci_error err = { 0 };

    place_xen(place, "4\n", "17\n");
    expect_error(&err, xpci_toolstack_open(place->root, &ts, &err), -ENOTSUP,
                 "on the running system only, not with --root");
    assert_null(ts);
    xpci_toolstack_close(ts);
}

#define place_test(f)                                                          \
    cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monitor_reads_the_bus),
        cmocka_unit_test(monitor_refuses_what_it_cannot_read),
        cmocka_unit_test(monitor_finds_the_answer),
        cmocka_unit_test(monitor_reads_up_to_the_answer),
        cmocka_unit_test(monitor_is_not_waited_for),
        cmocka_unit_test(monitor_knows_who_has_not_heard),
        cmocka_unit_test(reason_is_the_cause),
        cmocka_unit_test(reason_is_not_that_it_failed),
        cmocka_unit_test(reason_is_one_clean_line),
        place_test(release_is_the_running_one),
        place_test(release_needs_dom0),
        place_test(release_is_numbers),
        place_test(plugin_of_the_release_is_needed),
        place_test(plugin_must_load),
        place_test(plugin_must_have_the_table),
        cmocka_unit_test(table_must_fit),
        place_test(toolstack_is_the_running_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
