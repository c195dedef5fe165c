/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0's network, console and keyboard are on. */
#include "test-guard-host.h"

static void test_routes(void **state)
{
    (void)state;
    two_networks();
    net("eth2", "pci0000:00/0000:05:00.1", "");
    routes(ROUTES DEFAULT("eth0") NET10("eth0") NET192("eth1"));
    expect("D the default route is on eth0, on 0000:00:19.0\n" TWO_NETWORKS);
}

/* Bridge, VLAN, bond, team and macvlan, one on the other. */
static void test_stacked_interfaces(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("wlp1s0", "pci0000:00/0000:06:00.0", "");
    net("eth3", "pci0000:00/0000:07:00.0", "");
    net("bond0", "", "eth0");
    net("team0", "", "bond0 wlp1s0");
    net("team0.5", "", "team0");
    net("mac0", "", "team0.5");
    net("xenbr0", "", "mac0");
    net("vif1.0", "", "");
    put("/sys/class/net/bonding_masters", "bond0\n");
    routes(ROUTES DEFAULT("xenbr0"));
#define TEAM "team0, on bond0, on eth0, on 0000:00:19.0\n"
#define TEAM2 "team0, on wlp1s0, on 0000:06:00.0\n"
    expect("D the default route is on xenbr0, on mac0, on team0.5, on " TEAM
           "D the default route is on xenbr0, on mac0, on team0.5, on " TEAM2
           "U bond0 is on eth0, on 0000:00:19.0\n"
           "U mac0 is on team0.5, on " TEAM "U mac0 is on team0.5, on " TEAM2
           "U team0 is on bond0, on eth0, on 0000:00:19.0\n"
           "U team0 is on wlp1s0, on 0000:06:00.0\n"
           "U team0.5 is on " TEAM "U team0.5 is on " TEAM2
           "U xenbr0 is on mac0, on team0.5, on " TEAM
           "U xenbr0 is on mac0, on team0.5, on " TEAM2);
}

/* A bridge without an address still carries the guests. */
static void test_guests_bridge(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("xenbr1", "", "eth1 vif1.0");
    net("vif1.0", "", "");
    expect("U xenbr1 is on eth1, on 0000:05:00.0\n");
}

static void test_open_vswitch(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("xenbr0", "", "");
    net("ovs-system", "", "eth0");
    routes(ROUTES DEFAULT("xenbr0"));
    expect("D the default route is on xenbr0, perhaps on eth0, on "
           "0000:00:19.0\n"
           "U ovs-system is on eth0, on 0000:00:19.0\n");
}

/* An HVM guest's tap beside the card of dom0 leads to no other card. */
static void test_guests_tap(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("vif1.0-emu", "", "");
    net("xenbr0", "", "eth0 vif1.0-emu");
    routes(ROUTES DEFAULT("xenbr0"));
    expect("D the default route is on xenbr0, on eth0, on 0000:00:19.0\n"
           "U xenbr0 is on eth0, on 0000:00:19.0\n");
}

static void test_guests_tap_on_open_vswitch(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("vif1.0-emu", "", "");
    net("xenbr0", "", "");
    net("ovs-system", "", "eth0 vif1.0-emu");
    routes(ROUTES DEFAULT("xenbr0"));
    expect("D the default route is on xenbr0, perhaps on eth0, on "
           "0000:00:19.0\n"
           "U ovs-system is on eth0, on 0000:00:19.0\n");
}

/* With a tap alone below the bridge it may go out anywhere. */
static void test_bridge_of_tunnel(void **state)
{
    (void)state;
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("tap0", "", "");
    net("br0", "", "tap0");
    routes(ROUTES DEFAULT("br0"));
    expect("D the default route is on br0, perhaps on eth1, on "
           "0000:05:00.0\n");
}

/* All that is sent goes through the tunnel, and that through any card. */
static void test_vpn(void **state)
{
    (void)state;
    net("eth1", "pci0000:00/0000:05:00.0", "");
    net("tun0", "", "");
    net("docker0", "", "");
    routes(ROUTES
           "tun0\t00000080\t0\t1\t0\t0\t0\t00000080\n" NET192("docker0"));
    expect("D the default route is on tun0, perhaps on eth1, on "
           "0000:05:00.0\n");
}

/* A host with IPv6 only; "lo" always has such a line. */
static void test_ipv6_route(void **state)
{
    (void)state;
    net("lo", "", "");
    net("eth0", "pci0000:00/0000:00:19.0", "");
    net("eth1", "pci0000:00/0000:05:00.0", "");
    put("/proc/net/ipv6_route",
        "fe800000000000000000000000000000 40 " NONE " 00 " NONE
        " 00000100 00000001 00000000 00000001     eth1\n" NONE " 00 " NONE
        " 00 fe800000000000000000000000000002 00000400 00000001 00000000 "
        "00450003     eth0\n" NONE " 00 " NONE " 00 " NONE
        " ffffffff 00000001 00000000 00200200       lo\n");
    expect("D the default route is on eth0, on 0000:00:19.0\n");
}

/* 192.168.7.1:22 from 192.168.7.9, and one from here to a server */
static void test_ssh(void **state)
{
    (void)state;
    two_networks();
    put("/proc/net/tcp",
        TCP "   0: 0107A8C0:0016 0907A8C0:C350 01 0:0 00:0 0 0 0 1 1\n"
            "   1: 00000000:0016 00000000:0000 0A 0:0 00:0 0 0 0 1 1\n"
            "   3: 0102000A:0016 0902000A:C352 06 0:0 00:0 0 0 0 1 1\n"
            "   2: 0102000A:C351 0902000A:0016 01 0:0 00:0 0 0 0 1 1\n");
    expect(TWO_NETWORKS "D an ssh session is on eth1, on 0000:05:00.0\n"
                        "D an ssh session is on eth1, on 0000:05:00.0\n");
}

/* The same as IPv6 sees it, and over a link without any other address. */
static void test_ssh_ipv6(void **state)
{
    (void)state;
    two_networks();
    net("eth2", "pci0000:00/0000:05:00.1", "");
    net("eth3", "pci0000:00/0000:06:00.0", "");
    put("/proc/net/ipv6_route",
        "fe800000000000000000000000000001 80 " NONE " 00 " NONE
        " 00000000 00000001 00000000 80200001     eth2\n");
    put("/proc/net/tcp6",
        TCP "   0: 0000000000000000FFFF00000107A8C0:0016 "
            "0000000000000000FFFF00000907A8C0:C350 01 0:0 00:0 0 0 0 1 1\n"
            "   1: 000080FE000000000000000001000000:0016 "
            "000080FE000000000000000002000000:C350 01 0:0 00:0 0 0 0 1 1\n");
    expect(TWO_NETWORKS "D an ssh session is on eth1, on 0000:05:00.0\n"
                        "D an ssh session is on eth1, on 0000:05:00.0\n"
                        "D an ssh session is on eth2, on 0000:05:00.1\n");
}

static void screen(const char *bdf)
{
    char path[100];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/boot_vga", bdf);
    put(path, "1\n");
}

static void input(const char *name, const char *where, const char *key,
                  const char *rel)
{
    device("input", name, where);
    attr("input", name, "capabilities/key", key);
    attr("input", name, "capabilities/rel", rel);
}

#define USB "pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/0003:046D.0001/input/"
#define KEYS "10000 7 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n"

static void test_screen(void **state)
{
    (void)state;
    screen("0000:04:00.0");
    put("/sys/bus/pci/devices/0000:06:00.0/boot_vga", "0\n");
    put("/proc/cmdline", "root=/dev/sda1 netconsole=x console=tty0 quiet\n");
    expect("U the boot screen is on 0000:04:00.0\n");
    put("/proc/cmdline", "root=/dev/sda1 console=tty0 console=hvc0\n");
    expect("- the boot screen is on 0000:04:00.0\n");
    link_to("/sys/bus/pci/devices/0000:04:00.0/driver",
            "../../drivers/pciback");
    expect("");
}

static void test_serial_console(void **state)
{
    (void)state;
    device("tty", "ttyS0", "platform/serial8250/tty/ttyS0");
    device("tty", "ttyS4",
           "pci0000:00/0000:00:16.3/0000:00:16.3:0/0000:00:16.3:0.0/tty/ttyS4");
    put("/proc/cmdline", "console=ttyS0,115200 console=ttyS4,9600n8\n");
    expect("U the console is on ttyS4, on 0000:00:16.3\n");
}

static void test_keyboard(void **state)
{
    (void)state;
    input("input0", "LNXSYSTM:00/LNXPWRBN:00/input/input0",
          "10000000000000 0\n", "0\n");
    input("input3", USB "input3", KEYS, "0\n");
    input("input4", "pci0000:00/0000:00:1a.0/usb2/2-1/2-1:1.0/input/input4",
          "1f0000 0 0 0 0\n", "143\n");
    expect("U a keyboard is on 0000:00:14.0\n"
           "- an input device is on 0000:00:1a.0\n");
    input("input1", "platform/i8042/serio0/input/input1", KEYS, "0\n");
    expect("- a keyboard is on 0000:00:14.0\n"
           "- an input device is on 0000:00:1a.0\n");
}

static void test_virtual_function(void **state)
{
    (void)state;
    net("eth0", "pci0000:00/0000:00:1c.0/0000:01:10.0", "");
    link_to("/sys/bus/pci/devices/0000:01:10.0/physfn", "../0000:01:00.0");
    routes(ROUTES DEFAULT("eth0"));
    expect("D the default route is on eth0, on 0000:01:10.0\n"
           "D the default route is on eth0, on 0000:01:10.0, on "
           "0000:01:00.0\n");
}

/* A system mounted in a rescue boot: nothing found is not nothing there. */
static void test_without_proc(void **state)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };

    (void)state;
    assert_int_equal(xpci_guard_load(tree.root, &guard, NULL), 0);
    assert_false(guard.known);
    mounts("");
    assert_int_equal(xpci_guard_load(tree.root, &guard, NULL), 0);
    assert_false(guard.known);
    routes("");
    assert_int_equal(xpci_guard_load(tree.root, &guard, NULL), 0);
    assert_true(guard.known);
}

static void test_worst(void **state)
{
    _cleanup_guard_ struct xpci_guard guard = { 0 };
    struct xpci_bdf bdf;

    (void)state;
    two_disks();
    device("tty", "ttyS0", "platform/serial8250/tty/ttyS0");
    screen("0000:02:00.0");
    put("/proc/cmdline", "console=ttyS0\n");
    mounts("22 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n"
           "23 1 8:2 / / rw - ext4 /dev/sda2 rw\n");
    assert_int_equal(xpci_guard_load(tree.root, &guard, NULL), 0);
    assert_int_equal(xpci_bdf_parse("00:1f.2", &bdf), 0);
    assert_string_equal(xpci_guard_find(&guard, &bdf),
                        "/ is on sda2, on 0000:00:1f.2");
    assert_int_equal(xpci_guard_worst(&guard, &bdf)->grade, XPCI_GUARD_DIES);
    assert_int_equal(xpci_bdf_parse("02:00.0", &bdf), 0);
    assert_null(xpci_guard_find(&guard, &bdf));
    assert_int_equal(xpci_guard_worst(&guard, &bdf)->grade, XPCI_GUARD_NOTE);
    assert_int_equal(xpci_bdf_parse("02:00.1", &bdf), 0);
    assert_null(xpci_guard_worst(&guard, &bdf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_routes),
        TEST(test_stacked_interfaces),
        TEST(test_guests_bridge),
        TEST(test_open_vswitch),
        TEST(test_guests_tap),
        TEST(test_guests_tap_on_open_vswitch),
        TEST(test_bridge_of_tunnel),
        TEST(test_vpn),
        TEST(test_ipv6_route),
        TEST(test_ssh),
        TEST(test_ssh_ipv6),
        TEST(test_screen),
        TEST(test_serial_console),
        TEST(test_keyboard),
        TEST(test_virtual_function),
        TEST(test_without_proc),
        TEST(test_worst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
