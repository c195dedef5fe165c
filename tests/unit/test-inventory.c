/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test-common-host.h"

#include "topology.h"

static const struct {
    const char *host;
    size_t n;
} hosts[] = {
    { "qemu-q1", 37 },
    { "qemu-q2", 19 },
    { "qemu-q3", 12 },
    { "lab", 18 },
};

/* What must be of a device, "" where there is no parent. */
static const struct {
    const char *host, *bdf, *parent, *path;
    unsigned int vendor, device, class_code;
    int type;
    bool bridge, multifunction;
} devices[] = {
    { "qemu-q1", "00:00.0", "", "0000:00:00.0", 0x8086, 0x29c0, 0x0600,
      XPCI_PCIE_NONE, true, false },
    { "qemu-q1", "00:02.0", "", "0000:00:02.0", 0x1b36, 0x000c, 0x0604,
      XPCI_PCIE_ROOT_PORT, true, true },
    { "qemu-q1", "01:00.1", "00:02.0", "0000:00:02.0/00.1", 0x8086, 0x10d3,
      0x0200, XPCI_PCIE_ENDPOINT, false, true },
    { "qemu-q1", "05:00.0", "00:04.0", "0000:00:04.0/00.0", 0x104c, 0x8232,
      0x0604, XPCI_PCIE_UPSTREAM, true, false },
    { "qemu-q1", "06:02.0", "05:00.0", "0000:00:04.0/00.0/02.0", 0x104c, 0x8233,
      0x0604, XPCI_PCIE_DOWNSTREAM, true, false },
    { "qemu-q1", "09:00.0", "06:02.0", "0000:00:04.0/00.0/02.0/00.0", 0x1b36,
      0x000e, 0x0604, XPCI_PCIE_TO_PCI, true, false },
    { "qemu-q1", "0a:02.0", "09:00.0", "0000:00:04.0/00.0/02.0/00.0/02.0",
      0x8086, 0x100e, 0x0200, XPCI_PCIE_NONE, false, false },
    { "qemu-q1", "00:1e.0", "", "0000:00:1e.0", 0x8086, 0x244e, 0x0604,
      XPCI_PCIE_NONE, true, false },
    { "qemu-q1", "0e:02.0", "0d:01.0", "0000:00:1e.0/01.0/02.0", 0x10ec, 0x8139,
      0x0200, XPCI_PCIE_NONE, false, false },
    { "qemu-q1", "81:00.0", "80:00.0", "0000:80:00.0/00.0", 0x8086, 0x10d3,
      0x0200, XPCI_PCIE_ENDPOINT, false, false },
    { "lab", "00:1f.2", "", "0000:00:1f.2", 0x8086, 0x2922, 0x0106,
      XPCI_PCIE_NONE, false, true },
    { "lab", "02:00.0", "00:1c.1", "0000:00:1c.1/00.0", 0x1b36, 0x000e, 0x0604,
      XPCI_PCIE_TO_PCI, true, false },
    { "lab", "03:02.0", "02:00.0", "0000:00:1c.1/00.0/02.0", 0x8086, 0x100e,
      0x0200, XPCI_PCIE_NONE, false, false },
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(hosts); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };

        host_load(hosts[i].host, &inv);
        assert_int_equal(inv.n, hosts[i].n);
        for (size_t k = 1; k < inv.n; k++)
            assert_true(xpci_bdf_cmp(&inv.dev[k - 1].bdf, &inv.dev[k].bdf) < 0);
        for (size_t k = 0; k < inv.n; k++) {
            assert_non_null(inv.dev[k].name);
            assert_null(inv.dev[k].driver);
            assert_int_equal(strncmp(inv.dev[k].modalias, "pci:v0000", 9), 0);
        }
    }
}

static void test_devices(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(devices); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_free_ char *path = NULL;
        const struct xpci_device *dev;

        host_load(devices[i].host, &inv);
        dev = &inv.dev[host_index(&inv, devices[i].bdf)];
        assert_int_equal(dev->vendor, devices[i].vendor);
        assert_int_equal(dev->device, devices[i].device);
        assert_int_equal(dev->class_code, devices[i].class_code);
        assert_int_equal(dev->pcie_type, devices[i].type);
        assert_int_equal(xpci_device_is_bridge(dev), devices[i].bridge);
        assert_int_equal(dev->multifunction, devices[i].multifunction);
        if (devices[i].parent[0])
            assert_int_equal(dev->parent, host_index(&inv, devices[i].parent));
        else
            assert_true(dev->parent == XPCI_NO_PARENT);
        assert_int_equal(xpci_device_path(&inv, dev, &path), 0);
        assert_string_equal(path, devices[i].path);
    }
}

static void test_modalias(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };

    (void)state;
    host_load("lab", &inv);
    assert_string_equal(
        inv.dev[host_index(&inv, "03:00.0")].modalias,
        "pci:v000010ECd00008139sv00001AF4sd00001100bc02sc00i00");
}

/* A device with nothing but a header, as text. */
static void put_device(struct xpci_buf *out, const char *bdf,
                       const uint8_t *config, size_t len)
{
    assert_int_equal(xpci_buf_printf(out, "%s x\n", bdf), 0);
    for (size_t i = 0; i < len; i++) {
        if (i % 16 == 0)
            assert_int_equal(xpci_buf_printf(out, "%02zx:", i), 0);
        assert_int_equal(xpci_buf_printf(out, " %02x%s", config[i],
                                         i % 16 == 15 ? "\n" : ""),
                         0);
    }
    assert_int_equal(xpci_buf_puts(out, "\n"), 0);
}

/*
 * A dump that ends anywhere is an error or holds whole devices only, the
 * same as in the whole dump; it never crashes and never invents one.
 */
static void test_truncated(void **state)
{
    _cleanup_inventory_ struct xpci_inventory whole = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t errors = 0, fine = 0;

    (void)state;
    host_read("qemu-q3", &text);
    assert_int_equal(host_parse(text.data, text.len, &whole, NULL), 0);
    for (size_t len = 0; len < text.len; len += len < 3000 ? 7 : 997) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        int ret = host_parse(text.data, len, &inv, &err);

        if (ret < 0) {
            errors++;
            assert_non_null(err.msg);
            assert_int_equal(inv.n, 0);
            continue;
        }
        fine++;
        assert_true(inv.n > 0 && inv.n <= whole.n);
        for (size_t i = 0; i < inv.n; i++)
            assert_int_equal(xpci_bdf_cmp(&inv.dev[i].bdf, &whole.dev[i].bdf),
                             0);
    }
    assert_true(errors > 5 && fine > 5);
}

static void test_bad_dumps(void **state)
{
    static const char *const texts[] = {
        "",
        "\n\n\n",
        "what is this\n",
        "00:00.0 Host bridge\nzz: 00 01\n",
        "00:00.0 Host bridge\n00: 00 01 02 xx\n",
        "00:00.0 Host bridge\n00: 86 80\n",
        "00: 86 80 00 00\n",
        "00:00.0 Host bridge",
        "00:00.0\n\n00:01.0 Host bridge\n",
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(texts); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };

        if (host_parse(texts[i], strlen(texts[i]), &inv, &err) == 0)
            fail_msg("dump %zu is taken", i);
        assert_non_null(err.msg);
        assert_null(strchr(err.msg, '\n'));
        assert_int_equal(inv.n, 0);
    }
}

static void test_twice(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    uint8_t config[64] = { 0x86, 0x80, 0x0e, 0x10 };

    (void)state;
    put_device(&text, "03:02.0", config, sizeof(config));
    put_device(&text, "0000:03:02.0", config, sizeof(config));
    assert_int_equal(host_parse(text.data, text.len, &inv, &err), -EINVAL);
    assert_string_equal(err.msg, "device 0000:03:02.0 is there twice");
}

/* Odd headers: asleep, a capability list that runs in circles, loops. */
static void test_odd_config(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *path = NULL;
    uint8_t config[256] = { 0x86, 0x80, 0x0e, 0x10 };
    uint8_t ff[64];

    (void)state;
    memset(ff, 0xff, sizeof(ff));
    put_device(&text, "00:01.0", ff, sizeof(ff));
    config[6] = 0x10; /* has capabilities */
    config[0x34] = 0x40;
    config[0x40] = 9;
    config[0x41] = 0x40; /* next is itself */
    put_device(&text, "00:02.0", config, sizeof(config));
    put_device(&text, "00:03.0", config, 64); /* list not in the dump */
    config[0x40] = 0x10;
    config[0x42] = 0x72; /* PCIe-to-PCI bridge */
    config[0x0e] = 1;
    config[0x18] = 0;
    config[0x19] = 0; /* a bridge to its own bus */
    put_device(&text, "00:04.0", config, sizeof(config));
    config[0x19] = 2;
    put_device(&text, "01:00.0", config, sizeof(config));
    config[0x19] = 1;
    put_device(&text, "02:00.0", config, sizeof(config)); /* and back */
    assert_int_equal(host_parse(text.data, text.len, &inv, NULL), 0);
    assert_int_equal(inv.n, 6);
    assert_int_equal(inv.dev[0].header, 0xff);
    assert_int_equal(inv.dev[0].pcie_type, XPCI_PCIE_UNKNOWN);
    assert_int_equal(inv.dev[1].pcie_type, XPCI_PCIE_NONE);
    assert_int_equal(inv.dev[2].pcie_type, XPCI_PCIE_UNKNOWN);
    assert_int_equal(inv.dev[3].pcie_type, XPCI_PCIE_TO_PCI);
    assert_true(inv.dev[0].parent == XPCI_NO_PARENT);
    assert_true(inv.dev[4].parent == XPCI_NO_PARENT);
    assert_int_equal(inv.dev[5].parent, 4);
    assert_int_equal(xpci_device_path(&inv, &inv.dev[5], &path), 0);
    assert_string_equal(path, "0000:01:00.0/00.0");
}

/* The extended space: what is read of it, loops, and where there is none. */
static void test_extended_config(void **state)
{
    static const struct {
        const char *what;
        uint8_t bytes[16]; /* from 100h on */
        size_t size;
        struct xpci_acs want;
    } t[] = {
        { "ACS",
          { 0x0d, 0, 1, 0, 0x5f, 0, 0x1d, 0, 0x13 },
          0x110,
          { XPCI_ACS_PRESENT, 0x5f, 0x1d, 0x13 } },
        { "behind another",
          { 0x0b, 0, 0x41, 0x10, 0x0d, 0, 1, 0, 1, 0, 1, 0, 2, 0 },
          0x110,
          { XPCI_ACS_PRESENT, 1, 1, 2 } },
        { "a loop", { 0x0b, 0, 1, 0x10 }, 0x110, { .state = XPCI_ACS_NONE } },
        { "none", { 0 }, 0x110, { .state = XPCI_ACS_NONE } },
        { "no answer",
          { 0xff, 0xff, 0xff, 0xff },
          0x110,
          { .state = XPCI_ACS_NONE } },
        { "the header again",
          { 0x86, 0x80, 0x0d, 0, 1 },
          0x110,
          { .state = XPCI_ACS_NONE } },
        { "cut off",
          { 0x0d, 0, 1, 0 },
          0x104,
          { .state = XPCI_ACS_UNREADABLE } },
        { "beyond the dump",
          { 0x0b, 0, 1, 0x20 },
          0x110,
          { .state = XPCI_ACS_UNREADABLE } },
        { "no extended space", { 0 }, 0x100, { .state = XPCI_ACS_UNREADABLE } },
    };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_buf_ struct xpci_buf text = { 0 };
        uint8_t config[0x110] = { 0x86, 0x80, 0x0d, 0, 0, 0, 0x10 };

        config[0x34] = 0x40;
        config[0x40] = 0x10; /* PCI Express, root port */
        config[0x42] = 0x42;
        memcpy(config + 0x100, t[i].bytes, sizeof(t[i].bytes));
        put_device(&text, "00:1c.0", config, t[i].size);
        assert_int_equal(xpci_buf_puts(&text, "\n"), 0);
        assert_int_equal(host_parse(text.data, text.len, &inv, NULL), 0);
        assert_int_equal(inv.dev[0].pcie_type, XPCI_PCIE_ROOT_PORT);
        if (inv.dev[0].acs.state != t[i].want.state ||
            inv.dev[0].acs.cap != t[i].want.cap ||
            inv.dev[0].acs.ctrl != t[i].want.ctrl ||
            inv.dev[0].acs.ctrl_at_8 != t[i].want.ctrl_at_8)
            fail_msg("%s: %d %x %x %x", t[i].what, (int)inv.dev[0].acs.state,
                     inv.dev[0].acs.cap, inv.dev[0].acs.ctrl,
                     inv.dev[0].acs.ctrl_at_8);
    }
}

/* A recorded function that has virtual ones: they read no ids. */
static void test_virtual_functions(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    const struct xpci_device *vf;

    (void)state;
    host_load("qemu-q3", &inv);
    vf = &inv.dev[host_index(&inv, "01:00.2")];
    assert_false(vf[-2].virtual_func || vf[-2].multifunction);
    assert_int_equal(vf[-2].sriov.n, 2);
    assert_true(vf[-1].virtual_func && vf->virtual_func);
    assert_false(vf->multifunction);
    assert_int_equal(vf->vendor, 0x1b36);
    assert_int_equal(vf->device, 0x10);
}

/* The same bus number in another segment is another bus. */
static void test_segments(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    uint8_t bridge[64] = { 0x36, 0x1b, 0x0c, 0 };
    uint8_t card[64] = { 0x86, 0x80, 0x0e, 0x10 };

    (void)state;
    bridge[0x0b] = 6;
    bridge[0x0a] = 4;
    bridge[0x0e] = 1;
    bridge[0x19] = 3;
    put_device(&text, "0001:00:1c.0", bridge, sizeof(bridge));
    put_device(&text, "0000:03:00.0", card, sizeof(card));
    put_device(&text, "0001:03:00.0", card, sizeof(card));
    put_device(&text, "10000:03:00.0", card, sizeof(card));
    assert_int_equal(host_parse(text.data, text.len, &inv, NULL), 0);
    assert_int_equal(inv.n, 4);
    assert_true(inv.dev[0].parent == XPCI_NO_PARENT);
    assert_int_equal(inv.dev[host_index(&inv, "1:03:00.0")].parent,
                     host_index(&inv, "1:00:1c.0"));
    assert_true(inv.dev[host_index(&inv, "10000:03:00.0")].parent ==
                XPCI_NO_PARENT);
}

static void test_select(void **state)
{
    static const struct {
        const char *text, *want; /* BDFs, or how the message begins */
        enum xpci_error_kind kind;
    } t[] = {
        { "03:02.0", "0000:03:02.0 ", 0 },
        { "0000:05:00.*", "0000:05:00.0 0000:05:00.1 ", 0 },
        { "0000:00:1c.1/00.0/02.0", "0000:03:02.0 ", 0 },
        { "04:1f.0", "there is no device '04:1f.0'", XPCI_FAILED },
        { "06:00.*", "there is no device '06:00.*'", XPCI_FAILED },
        { "0000:00:1c.1/1f.0", "there is no device '", XPCI_FAILED },
        { "00:1c.1/00.0/02.0", "'00:1c.1/00.0/02.0' is no path", XPCI_USAGE },
        { "0000:00:1c.1/", "'0000:00:1c.1/' is no path", XPCI_USAGE },
        { "03:02", "'03:02' is no PCI address; write it as", XPCI_USAGE },
        { "3:20.0", "'3:20.0' is no PCI address: slots end", XPCI_USAGE },
        { "", "'' is no PCI address; write it as", XPCI_USAGE },
    };
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };

    (void)state;
    host_load("lab", &inv);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_error_ struct xpci_error err = { 0 };
        _cleanup_buf_ struct xpci_buf got = { 0 };
        size_t idx[40], n = 0;
        int ret = xpci_inventory_select(&inv, t[i].text, idx, &n, &err);

        assert_int_equal(ret < 0 ? err.kind : 0, t[i].kind);
        if (ret < 0) {
            assert_int_equal(strncmp(err.msg, t[i].want, strlen(t[i].want)), 0);
            assert_int_equal(n, 0);
            continue;
        }
        /* named again: once is enough */
        assert_int_equal(xpci_inventory_select(&inv, t[i].text, idx, &n, &err),
                         0);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(
                xpci_buf_printf(&got, XPCI_BDF_FMT " ",
                                XPCI_BDF_ARGS(inv.dev[idx[k]].bdf)),
                0);
        assert_string_equal(got.data, t[i].want);
    }
}

/*
 * The last function of a bus is behind its bridge too; and a VF on a bus of
 * its own has the path of its PF, which then means the PF.
 */
static void test_last_and_virtual(void **state)
{
    struct xpci_device dev[] = {
        { .bdf = { 0, 0, 1, 0 }, .header = 1, .secondary = 2 },
        { .bdf = { 0, 2, 0, 0 }, .sriov = { 1, 0x100, 1, 0x1520 } },
        { .bdf = { 0, 2, 0x1f, 7 } },
        { .bdf = { 0, 3, 0, 0 } },
    };
    struct xpci_inventory inv = { .dev = dev, .n = XPCI_ARRAY_SIZE(dev) };
    size_t idx[4] = { 0 }, n = 0;

    (void)state;
    for (size_t i = 0; i < inv.n; i++)
        dev[i].parent = XPCI_NO_PARENT;
    xpci_topology_link(&inv);
    assert_int_equal(dev[2].parent, 0);
    assert_int_equal(dev[3].parent, 0);
    assert_true(dev[3].virtual_func);
    assert_int_equal(
        xpci_inventory_select(&inv, "0000:00:01.0/00.0", idx, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(idx[0], 1);
}

/* sysfs of a tree: driver, modalias and physfn come from there. */
static void put_sysfs(struct tree *t, const char *bdf, const char *driver)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        { "vendor", "0x8086\n" },           { "device", "0x100e\n" },
        { "class", "0x020000\n" },          { "subsystem_vendor", "0x1af4\n" },
        { "subsystem_device", "0x1100\n" },
    };
    uint8_t config[64] = { 0x86, 0x80, 0x0e, 0x10 };
    char path[200];

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
    tree_mkdir(t, path);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf,
                 files[i].name);
        tree_put(t, path, files[i].text);
    }
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
    tree_put_len(t, path, config, sizeof(config));
    snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", t->dir,
             bdf);
    if (driver)
        assert_int_equal(symlink(driver, path), 0);
}

static void test_sysfs(void **state)
{
    struct tree *t = *state;
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    assert_int_equal(xpci_inventory_load(t->root, &inv, &err), -ENODEV);
    assert_contains(err.msg, "there is no PCI bus under '");
    tree_mkdir(t, "/sys");
    tree_mkdir(t, "/sys/bus");
    tree_mkdir(t, "/sys/bus/pci");
    tree_mkdir(t, "/sys/bus/pci/devices");
    put_sysfs(t, "0000:03:02.0", "../../../../bus/pci/drivers/e1000");
    put_sysfs(t, "0000:03:02.1", NULL);
    put_sysfs(t, "0000:03:00.0", "pciback");
    tree_put(t, "/sys/bus/pci/devices/0000:03:00.0/modalias", "pci:odd\n");
    tree_put(t, "/sys/bus/pci/devices/0000:03:02.1/modalias",
             "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n");
    assert_int_equal(
        symlink("../0000:03:02.0",
                tree_path(t, "/sys/bus/pci/devices/0000:03:02.1/physfn")),
        0);
    xpci_error_clear(&err);
    assert_int_equal(xpci_inventory_load(t->root, &inv, &err), 0);
    assert_int_equal(inv.n, 3);
    assert_string_equal(inv.dev[0].driver, "pciback");
    assert_string_equal(inv.dev[1].driver, "e1000");
    assert_null(inv.dev[2].driver);
    assert_false(inv.dev[1].virtual_func);
    assert_true(inv.dev[2].virtual_func);
    assert_string_equal(
        inv.dev[0].modalias,
        "pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00");
    assert_string_equal(
        inv.dev[2].modalias,
        "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02");
    assert_int_equal(inv.dev[2].vendor, 0x1b36);
    assert_int_equal(inv.dev[2].class_code, 0x0108);
}

/* What libpci would read must be inside, and must not hang it. */
static void test_sysfs_outside(void **state)
{
    static const char file[] = "/sys/bus/pci/devices/0000:03:02.0/device";
    struct tree *t = *state;
    char outside[200];

    tree_mkdir(t, "/sys");
    tree_mkdir(t, "/sys/bus");
    tree_mkdir(t, "/sys/bus/pci");
    tree_mkdir(t, "/sys/bus/pci/devices");
    put_sysfs(t, "0000:03:02.0", NULL);
    tree_put(t, "/inside", "0x100e\n");
    snprintf(outside, sizeof(outside), "%s/inside", t->dir);
    for (int i = 0; i < 4; i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        int ret;

        assert_int_equal(unlink(tree_path(t, file)), 0);
        if (i == 0)
            ret = symlink("../../../../../inside", tree_path(t, file));
        else if (i < 3) /* not there inside; another one inside */
            ret = symlink(outside, tree_path(t, file));
        else
            ret = mkfifo(tree_path(t, file), 0644);
        assert_int_equal(ret, 0);
        for (char *p = outside + 1; i == 2 && (p = strchr(p, '/')); p++) {
            *p = '\0';
            tree_mkdir(t, outside);
            *p = '/';
        }
        if (i == 2)
            tree_put(t, outside, "0x100e\n");
        ret = xpci_inventory_load(t->root, &inv, &err);
        assert_int_equal(ret, i == 0 ? 0 : i == 3 ? -EINVAL : -EXDEV);
        if (i > 0)
            assert_contains(err.msg, file);
    }
}

/* One unreadable device fails all: none is left out. */
static void test_sysfs_incomplete(void **state)
{
    static const char *const files[] = { "config", "vendor", "class" };
    struct tree *t = *state;

    tree_mkdir(t, "/sys");
    tree_mkdir(t, "/sys/bus");
    tree_mkdir(t, "/sys/bus/pci");
    tree_mkdir(t, "/sys/bus/pci/devices");
    put_sysfs(t, "0000:03:00.0", NULL);
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(files); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_error_ struct xpci_error err = { 0 };
        char bdf[20], path[100];

        snprintf(bdf, sizeof(bdf), "0000:03:02.%zu", i);
        put_sysfs(t, bdf, NULL);
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf,
                 files[i]);
        assert_int_equal(unlink(tree_path(t, path)), 0);
        if (xpci_inventory_load(t->root, &inv, &err) == 0)
            fail_msg("no error without %s", files[i]);
        assert_contains(err.msg, bdf);
        assert_int_equal(inv.n, 0);
        /* so that only the next one is bad */
        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
        assert_int_equal(rename(tree_path(t, path), tree_path(t, "/moved")), 0);
        nftw(tree_path(t, "/moved"), tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
}

#define TREE_TEST(f)                                                           \
    cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_modalias),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_bad_dumps),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_odd_config),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_last_and_virtual),
        TREE_TEST(test_sysfs),
        cmocka_unit_test(test_extended_config),
        cmocka_unit_test(test_virtual_functions),
        TREE_TEST(test_sysfs_outside),
        TREE_TEST(test_sysfs_incomplete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
