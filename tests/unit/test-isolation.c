/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's rules on machines that fit into a line or two each, device by
 * device: "BDF VENDOR:DEVICE TYPE [WORD...]". TYPE is that of the PCI Express
 * capability, "-" for conventional PCI, "?" if it cannot be read.
 */
#include "test-common-host.h"

#include "group.h"
#include "topology.h"

static const struct {
    const char *what, *host, *want; /* sets, "|" between them */
    bool as_enabled;
} t[] = {
    { "a port with ACS", "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 0",
      "00:01.0|01:00.0", false },
    { "without", "00:01.0 1:1 4 sec=1,01:00.0 1:2 0", "00:01.0 01:00.0",
      false },
    { "it is off", "00:01.0 1:1 4 sec=1 acs=5f/00,01:00.0 1:2 0",
      "00:01.0 01:00.0", false },
    { "off, but would be on", "00:01.0 1:1 4 sec=1 acs=5f/00,01:00.0 1:2 0",
      "00:01.0|01:00.0", true },
    { "not there, and could not be on", "00:01.0 1:1 4 sec=1,01:00.0 1:2 0",
      "00:01.0 01:00.0", true },
    { "one bit of it is off", "00:01.0 1:1 4 sec=1 acs=5f/1c,01:00.0 1:2 0",
      "00:01.0 01:00.0", false },
    { "what it has is on", "00:01.0 1:1 4 sec=1 acs=01/01,01:00.0 1:2 0",
      "00:01.0|01:00.0", false },
    { "no extended space", "00:01.0 1:1 4 sec=1 noext,01:00.0 1:2 0",
      "00:01.0 01:00.0", true },
    { "a port further up",
      "00:01.0 1:1 4 sec=1,01:00.0 1:2 5 sec=2,02:00.0 1:3 6 sec=3 acs=5f/1d,"
      "03:00.0 1:4 0",
      "00:01.0 01:00.0 02:00.0 03:00.0", false },
    { "ports of a switch, each with what is behind it",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 5 sec=2,02:00.0 1:3 6 sec=3,"
      "02:01.0 1:3 6 sec=4,03:00.0 1:4 0,04:00.0 1:4 0",
      "00:01.0|01:00.0|02:00.0 03:00.0|02:01.0 04:00.0", false },
    { "functions", "01:00.0 1:1 0 mf,01:00.1 1:1 0", "01:00.0 01:00.1", false },
    { "functions with ACS",
      "01:00.0 1:1 0 mf acs=04/04,01:00.1 1:1 0 acs=04/04", "01:00.0|01:00.1",
      false },
    { "of two without, a third with",
      "01:00.0 1:1 0 mf,01:00.1 1:1 0 acs=04/04,01:00.2 1:1 0",
      "01:00.0 01:00.2|01:00.1", false },
    { "a dump without the multifunction bit", "01:00.0 1:1 0,01:00.1 1:1 0",
      "01:00.0 01:00.1", false },
    { "ports with functions behind them",
      "00:1c.0 1:1 4 mf sec=1,00:1c.1 1:1 4 sec=2,01:00.0 1:2 0,02:00.0 1:2 0",
      "00:1c.0 00:1c.1 01:00.0 02:00.0", false },
    { "I350", "01:00.0 8086:1521 0 mf,01:00.1 8086:1521 0", "01:00.0|01:00.1",
      false },
    { "one above it", "01:00.0 8086:1525 0 mf,01:00.1 8086:1525 0",
      "01:00.0 01:00.1", false },
    { "integrated endpoints of Intel", "00:02.0 8086:1 9 mf,00:02.1 8086:1 9",
      "00:02.0|00:02.1", false },
    { "and of others", "00:02.0 1022:1 9 mf,00:02.1 1022:1 9",
      "00:02.0 00:02.1", false },
    { "event collectors", "00:02.0 1022:1 10 mf,00:02.1 1022:1 10",
      "00:02.0 00:02.1", false },
    { "conventional functions", "00:1f.0 8086:1 - mf,00:1f.2 8086:2 -",
      "00:1f.0 00:1f.2", false },
    { "PCH, workaround on",
      "00:1c.0 8086:1c10 4 mf sec=1 reg=04000000,00:1c.1 8086:1c12 4 "
      "reg=04000000,00:1f.0 8086:1 - reg=fed1c001,01:00.0 1:1 0",
      "00:1c.0|00:1c.1|00:1f.0|01:00.0", false },
    { "PCH, not on",
      "00:1c.0 8086:1c10 4 mf sec=1,00:1c.1 8086:1c12 4,"
      "00:1f.0 8086:1 - reg=fed1c001,01:00.0 1:1 0",
      "00:1c.0 00:1c.1 01:00.0|00:1f.0", false },
    { "PCH, would be on",
      "00:1c.0 8086:1c10 4 mf sec=1,00:1c.1 8086:1c12 4,"
      "00:1f.0 8086:1 - reg=fed1c001,01:00.0 1:1 0",
      "00:1c.0|00:1c.1|00:1f.0|01:00.0", true },
    { "PCH, no RCBA",
      "00:1c.0 8086:1c10 4 mf sec=1 reg=04000000,00:1c.1 8086:1c12 4 "
      "reg=04000000,00:1f.0 8086:1 -,01:00.0 1:1 0",
      "00:1c.0 00:1c.1 01:00.0|00:1f.0", true },
    { "100 series: control is elsewhere",
      "00:1c.0 8086:a110 4 sec=1 acs=5f/00/1d,01:00.0 1:1 0", "00:1c.0|01:00.0",
      false },
    { "100 series: lspci's control is nothing",
      "00:1c.0 8086:a110 4 sec=1 acs=5f/1d/00,01:00.0 1:1 0", "00:1c.0 01:00.0",
      false },
    { "AMD southbridge", "00:14.0 1002:4385 - mf,00:14.2 1002:4383 -",
      "00:14.0 00:14.2", false },
    { "AMD southbridge with an IOMMU",
      "00:00.2 1022:1 - class=0806,00:14.0 1002:4385 - mf,00:14.2 1002:4383 -,"
      "00:14.5 1002:4390 -",
      "00:00.2|00:14.0|00:14.2|00:14.5", false },
    { "Zhaoxin", "00:03.0 1d17:0720 4 sec=1 acs=5f/1d,01:00.0 1:1 0",
      "00:03.0 01:00.0", false },
    { "Zhaoxin of the list", "00:03.0 1d17:0721 4 sec=1,01:00.0 1:1 0",
      "00:03.0|01:00.0", false },
    { "Marvell: as function 1",
      "01:00.0 1b4b:9230 0 mf acs=04/04,01:00.1 1b4b:91a4 0 acs=04/04",
      "01:00.0 01:00.1", false },
    { "Marvell: not as function 0",
      "01:00.0 1:1 0 mf acs=04/04,01:00.2 1b4b:9230 0 acs=04/04",
      "01:00.0|01:00.2", false },
    { "Marvell without function 1", "01:00.0 1b4b:9230 0,01:01.1 1:1 0",
      "01:00.0|01:01.1", false },
    { "Ricoh: as function 0",
      "01:00.0 1180:1 0 mf acs=04/04,01:00.3 1180:e832 0 acs=04/04",
      "01:00.0 01:00.3", false },
    { "Adaptec: as 01.0",
      "00:1e.0 1:1 - sec=2 ,02:01.0 1:1 0,02:0e.0 9005:285 0 sub=9005:02bb",
      "00:1e.0 02:01.0 02:0e.0", false },
    { "MIC", "02:00.0 8086:2260 0,02:10.0 1:1 0,02:12.2 1:1 0,02:12.3 1:1 0",
      "02:00.0 02:10.0 02:12.2 02:12.3", false },
    { "VCA", "02:00.0 8086:2954 0,02:03.4 1:1 0,02:04.5 1:1 0,03:00.0 1:1 0",
      "02:00.0 02:03.4|02:04.5|03:00.0", false },
    { "PLX", "02:00.0 10b5:87b0 0,02:1f.7 1:1 0,03:00.0 1:1 0",
      "02:00.0 02:1f.7|03:00.0", false },
    { "two kinds of bridges, the topmost on the root bus",
      "00:1e.0 1:1 - sec=2,02:00.0 1:1 8 sec=3,03:00.0 1:1 6 sec=4 acs=5f/1d,"
      "04:00.0 1:1 0",
      "00:1e.0 02:00.0 03:00.0 04:00.0", false },
    { "a downstream port that is an upstream one",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 6 sec=2,"
      "02:00.0 1:3 6 sec=3 acs=5f/1d,03:00.0 1:1 0",
      "00:01.0|01:00.0|02:00.0|03:00.0", false },
    { "an upstream port that is a downstream one",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 5 sec=2,"
      "02:00.0 1:3 5 sec=3,03:00.0 1:1 0",
      "00:01.0|01:00.0|02:00.0 03:00.0", false },
    { "virtual functions, also on a bus of their own",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 0 vfs=2/ff/2,"
      "01:1f.7 ffff:ffff 0,02:00.1 ffff:ffff 0",
      "00:01.0|01:00.0|01:1f.7|02:00.1", false },
    { "virtual functions are not one of several",
      "01:00.0 1:2 0 mf vfs=1/2/1,01:00.1 1:2 0,01:00.2 ffff:ffff 0 mf",
      "01:00.0 01:00.1|01:00.2", false },
    { "nor if they are known not to be isolated",
      "01:00.0 8088:1001 0 vfs=2/1/1,01:00.1 ffff:ffff 0,01:00.2 ffff:ffff 0",
      "01:00.0|01:00.1|01:00.2", false },
    { "two bridges to one bus: the first one",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,00:02.0 1:1 4 sec=1,01:00.0 1:2 0",
      "00:01.0|00:02.0|01:00.0", false },
    { "a port without ACS above them",
      "00:01.0 1:1 4 sec=1,01:00.0 1:2 0 vfs=2/ff/2,01:1f.7 ffff:ffff 0,"
      "02:00.1 ffff:ffff 0",
      "00:01.0 01:00.0 01:1f.7 02:00.1", false },
    { "functions 8 and 9 of a device with ARI",
      "00:01.0 1:1 4 sec=1 acs=5f/1d,01:00.0 1:2 0 mf,01:01.0 1:2 0,"
      "01:01.1 1:2 0",
      "00:01.0|01:00.0|01:01.0 01:01.1", false },
    { "a bridge that is asleep, and what may be behind it",
      "00:01.0 1:1 ? class=0604 asleep,00:02.0 1:1 0,05:00.0 1:1 0,"
      "1:05:00.0 1:1 0",
      "00:01.0 05:00.0|00:02.0|1:05:00.0", false },
    { "one in each segment",
      "00:01.0 1:1 ? class=0604 asleep,05:00.0 1:1 0,"
      "1:05:00.0 1:1 0,1:06:00.0 1:1 0,1:80:01.0 1:1 ? class=0604 asleep",
      "00:01.0 05:00.0|1:05:00.0 1:06:00.0 1:80:01.0", false },
    { "VMD: one requester id for all that is behind it",
      "00:0e.0 8086:9a0b 9,00:0f.0 8086:467f 9,10000:e0:06.0 1:1 4 sec=e1 "
      "acs=5f/1d,10000:e1:00.0 1:1 0,10001:e0:00.0 1:1 0",
      "00:0e.0 10000:e0:06.0 10000:e1:00.0|00:0f.0 10001:e0:00.0", false },
    { "the same bus of two segments",
      "1:00:01.0 1:1 4 sec=1,0:01:00.0 1:1 0,1:01:00.0 1:1 0",
      "0:01:00.0|1:00:01.0 1:01:00.0", false },
};

static void add_word(struct xpci_device *dev, const char *word)
{
    unsigned int a, b, c = 0;

    if (sscanf(word, "sec=%x", &a) == 1) {
        dev->header = 1;
        dev->class_code = 0x0604;
        dev->secondary = dev->subordinate = (uint8_t)a;
    } else if (sscanf(word, "acs=%x/%x/%x", &a, &b, &c) >= 2) {
        dev->acs = (struct xpci_acs){ XPCI_ACS_PRESENT, (uint16_t)a,
                                      (uint16_t)b, (uint16_t)c };
    } else if (sscanf(word, "vfs=%x/%x/%x", &a, &b, &c) == 3) {
        dev->sriov =
            (struct xpci_sriov){ (uint16_t)a, (uint16_t)b, (uint16_t)c, 0x77 };
    } else if (sscanf(word, "sub=%x:%x", &a, &b) == 2) {
        dev->subvendor = (uint16_t)a;
        dev->subdevice = (uint16_t)b;
    } else if (sscanf(word, "reg=%x", &a) == 1) {
        dev->vendor_reg = a;
    } else if (sscanf(word, "class=%x", &a) == 1) {
        dev->class_code = (uint16_t)a;
    } else if (!strcmp(word, "noext")) {
        dev->acs.state = XPCI_ACS_UNREADABLE;
    } else if (!strcmp(word, "asleep")) {
        dev->header = 0xff;
    } else {
        assert_string_equal(word, "mf");
        dev->multifunction = true;
    }
}

static void make_host(const char *text, struct xpci_inventory *inv)
{
    _cleanup_free_ char *copy = strdup(text);
    char *save = NULL, *words = NULL;

    inv->dev = calloc(strlen(text), sizeof(*inv->dev));
    assert_true(copy && inv->dev);
    for (char *line = strtok_r(copy, ",", &save); line;
         line = strtok_r(NULL, ",", &save)) {
        struct xpci_device *dev = &inv->dev[inv->n++];
        unsigned int vendor, device;
        char bdf[20], type[4];

        assert_int_equal(
            sscanf(line, "%19s %x:%x %3s", bdf, &vendor, &device, type), 4);
        assert_int_equal(xpci_bdf_parse(bdf, &dev->bdf), 0);
        dev->vendor = (uint16_t)vendor;
        dev->device = (uint16_t)device;
        dev->parent = XPCI_NO_PARENT;
        dev->pcie_type = *type == '-'   ? XPCI_PCIE_NONE
                         : *type == '?' ? XPCI_PCIE_UNKNOWN
                                        : atoi(type);
        strtok_r(line, " ", &words);
        strtok_r(NULL, " ", &words);
        strtok_r(NULL, " ", &words);
        for (char *w = strtok_r(NULL, " ", &words); w;
             w = strtok_r(NULL, " ", &words))
            add_word(dev, w);
    }
    xpci_topology_link(inv);
}

/* The set that @bdf is in by @want; they are compared by where they begin. */
static const char *set_of(const char *want, const struct xpci_bdf *bdf)
{
    const char *set = want;

    for (const char *p = want; *p; p += strcspn(p, " |")) {
        struct xpci_bdf other;

        set = *p == '|' ? p : set;
        p += *p == '|' || *p == ' ';
        assert_int_equal(xpci_bdf_parse_len(p, strcspn(p, " |"), &other), 0);
        if (xpci_bdf_cmp(&other, bdf) == 0)
            return set;
    }
    fail_msg("no " XPCI_BDF_FMT " in '%s'", XPCI_BDF_ARGS(*bdf), want);
    return NULL;
}

static void test_kernel_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(t); i++) {
        _cleanup_inventory_ struct xpci_inventory inv = { 0 };
        _cleanup_group_ struct xpci_group list = { 0 };

        make_host(t[i].host, &inv);
        assert_int_equal(
            xpci_group_list(&inv, true, t[i].as_enabled, NULL, 0, &list, NULL),
            0);
        assert_int_equal(list.n, inv.n);
        for (size_t a = 0; a < list.n; a++) {
            for (size_t b = 0; b < a; b++) {
                const struct xpci_bdf *x = &inv.dev[list.v[a].dev].bdf;
                const struct xpci_bdf *y = &inv.dev[list.v[b].dev].bdf;
                bool same = list.v[a].number == list.v[b].number;

                if (same != (set_of(t[i].want, x) == set_of(t[i].want, y)))
                    fail_msg("%s: " XPCI_BDF_FMT " and " XPCI_BDF_FMT " are %s",
                             t[i].what, XPCI_BDF_ARGS(*x), XPCI_BDF_ARGS(*y),
                             same ? "together" : "apart");
            }
        }
    }
}

static void test_virtual_ids(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };

    (void)state;
    make_host("00:01.0 1:1 4 sec=1,01:00.0 1:2 0 vfs=1/1/1,01:00.1 ffff:ffff 0,"
              "01:00.2 ffff:ffff 0",
              &inv);
    assert_true(inv.dev[2].virtual_func && inv.dev[3].virtual_func);
    assert_int_equal(inv.dev[2].vendor, 1);
    assert_int_equal(inv.dev[2].device, 0x77);
    assert_int_equal(inv.dev[3].vendor, 0xffff);
    assert_false(inv.dev[1].virtual_func || inv.dev[1].multifunction);
}

/* 65536 functions, on all buses of a segment, with all that can tie them. */
static void test_large_host(void **state)
{
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_group_ struct xpci_group list = { 0 }, closure = { 0 };
    size_t last = 0xffff;

    (void)state;
    inv.n = 0x10000;
    inv.dev = calloc(inv.n, sizeof(*inv.dev));
    assert_non_null(inv.dev);
    for (size_t i = 0; i < inv.n; i++) {
        struct xpci_device *dev = &inv.dev[i];

        dev->bdf =
            (struct xpci_bdf){ 0, (uint8_t)(i >> 8), i >> 3 & 0x1f, i & 7 };
        dev->parent = XPCI_NO_PARENT;
        dev->vendor = 0x8086;
        dev->device = (uint16_t)i;
        if (i % 256 == 0 && i < 0xff00) {
            dev->pcie_type = XPCI_PCIE_DOWNSTREAM;
            dev->header = 1;
            dev->secondary = (uint8_t)(dev->bdf.bus + 1);
        }
    }
    alarm(60); /* what is not linear takes longer than this */
    xpci_topology_link(&inv);
    assert_int_equal(xpci_group_list(&inv, false, false, NULL, 0, &list, NULL),
                     0);
    assert_int_equal(list.n, inv.n);
    assert_int_equal(
        xpci_group_closure(&inv, &last, 1, XPCI_SCOPE_BUS, &closure, NULL), 0);
    assert_true(closure.n > 60000);
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_rules),
        cmocka_unit_test(test_virtual_ids),
        cmocka_unit_test(test_large_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
