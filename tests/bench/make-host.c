/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make-host N [DIR]: a machine of N PCI functions, as "lspci -D -xxxx -n"
 * prints it, or as a sysfs tree in DIR, which has bus/pci/devices and drivers.
 * Each segment has root ports, below them by turns a network card of eight
 * functions, a switch with eight cards of two functions, an NVMe disk at a port
 * without ACS, a PCIe-to-PCI bridge with eight cards, and a card with 63
 * virtual functions: some 1,900 functions on 256 buses. The last segment ends
 * where N is reached.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENDPOINT = 0, ROOT_PORT = 4, UPSTREAM, DOWNSTREAM, TO_PCI, PCI = -1 };

static uint8_t *segment[0x10000]; /* by requester id */
static const char *driver[0x10000];
static unsigned long left;
static unsigned int next_bus;

static void put(uint8_t *p, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

/* Power management, MSI and PCI Express, each with the registers in use. */
static void put_caps(uint8_t *c, int type)
{
    put(c + 0x06, 0x0010, 2);
    c[0x34] = 0x40;
    put(c + 0x40, 0xc8035001, 4);
    put(c + 0x50, 0x00806005, 4);
    put(c + 0x54, 0xfee00058, 4);
    c[0x51] = type == PCI ? 0 : 0x60;
    if (type == PCI)
        return;
    put(c + 0x60, 0x0002a010 | (uint32_t)type << 20, 4);
    put(c + 0x64, 0x10008fc2, 4);
    put(c + 0x6c, 0x0047a103, 4);
    c[0x88] = type == ROOT_PORT || type == DOWNSTREAM ? 0x20 : 0; /* ARI */
    put(c + 0x100, 0x14820001, 4); /* errors, then a serial number */
    put(c + 0x10c, 0x00462030, 4);
    put(c + 0x148, 0x00010003, 4);
    put(c + 0x14c, 0x98032b00, 4);
}

/* Where the last extended capability points on to @id at 200h. */
static void put_ext(uint8_t *c, uint16_t id)
{
    put(c + 0x148, 0x20010003, 4);
    put(c + 0x200, 0x00010000u | id, 4);
}

static uint8_t *add(unsigned int bus, unsigned int slot, unsigned int func,
                    uint32_t id, uint16_t class, int type, const char *name)
{
    unsigned int rid = bus << 8 | slot << 3 | func;
    uint8_t *c = calloc(1, 4096);

    if (!c || left == 0) {
        free(c);
        return NULL;
    }
    left--;
    segment[rid] = c;
    driver[rid] = name;
    put(c, id, 4);
    put(c + 0x04, 0x0506, 2);
    put(c + 0x08, (uint32_t) class << 16 | 2, 4);
    put(c + 0x2c, id, 4);
    put(c + 0x10, 0xfe000000 | rid << 8, 4);
    put(c + 0x3c, 0x0100 | (rid & 0xf), 2);
    put_caps(c, type);
    return c;
}

static void several(unsigned int bus, unsigned int slot)
{
    if (segment[bus << 8 | slot << 3])
        segment[bus << 8 | slot << 3][0x0e] |= 0x80;
}

/* A bridge, which takes the next bus and says nothing of those below yet. */
static uint8_t *add_bridge(unsigned int bus, unsigned int slot,
                           unsigned int func, int type, bool acs)
{
    uint8_t *c = add(bus, slot, func, type == TO_PCI ? 0x8892104c : 0x20308086,
                     0x0604, type, "pcieport");

    if (!c)
        return NULL;
    c[0x0e] = 1;
    put(c + 0x10, 0, 4);
    put(c + 0x18, bus | next_bus++ << 8, 2);
    put(c + 0x20, 0xdf00de00, 4);
    put(c + 0x2c, 0, 4);
    if (acs) {
        put_ext(c, 0x0d);
        put(c + 0x204, 0x001d001f, 4);
    }
    return c;
}

static void end_bridge(uint8_t *c)
{
    if (c)
        c[0x1a] = (uint8_t)(next_bus - 1);
}

static void add_card(unsigned int bus, unsigned int functions)
{
    for (unsigned int i = 0; i < functions; i++)
        add(bus, 0, i, 0x165f14e4, 0x0200, ENDPOINT, "tg3");
    if (functions > 1)
        several(bus, 0);
}

static void add_switch(void)
{
    unsigned int inside = next_bus;
    uint8_t *c = add_bridge(inside - 1, 0, 0, UPSTREAM, false);

    for (unsigned int i = 0; c && i < 8; i++) {
        uint8_t *port = add_bridge(inside, i, 0, DOWNSTREAM, true);

        add_card(next_bus - 1, 2);
        end_bridge(port);
    }
    end_bridge(c);
}

static void add_conventional(void)
{
    uint8_t *c = add_bridge(next_bus - 1, 0, 0, TO_PCI, false);

    for (unsigned int i = 0; c && i < 8; i++)
        add(next_bus - 1, i, 0, 0x100e8086, 0x0200, PCI, "e1000");
    end_bridge(c);
}

static void add_virtual(unsigned int bus)
{
    uint8_t *c = add(bus, 0, 0, 0x10ed8086, 0x0200, ENDPOINT, "ixgbe");

    if (!c)
        return;
    put_ext(c, 0x10);
    put(c + 0x208, 0x0001, 2);
    put(c + 0x20c, 63 << 16 | 63, 4);
    put(c + 0x210, 63, 2);
    put(c + 0x214, 1 << 16 | 1, 4);
    put(c + 0x21a, 0x10ed, 2);
    for (unsigned int i = 1; i < 64; i++) {
        c = add(bus, i / 8, i % 8, 0xffffffff, 0x0200, ENDPOINT, "ixgbevf");
        if (c)
            put(c + 0x3c, 0, 2);
    }
}

static void add_root_port(unsigned int i)
{
    uint8_t *c = add_bridge(0, 1 + i / 8, i % 8, ROOT_PORT, i % 5 != 2);
    unsigned int bus = next_bus - 1;

    several(0, 1 + i / 8);
    if (i % 5 == 0)
        add_card(bus, 8);
    else if (i % 5 == 1)
        add_switch();
    else if (i % 5 == 2)
        add(bus, 0, 0, 0xa808144d, 0x0108, ENDPOINT, "nvme");
    else if (i % 5 == 3)
        add_conventional();
    else
        add_virtual(bus);
    end_bridge(c);
}

static void print_device(unsigned int number, unsigned int rid)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *c = segment[rid];
    char line[64];

    printf("%04x:%02x:%02x.%u %02x%02x: %02x%02x:%02x%02x\n", number, rid >> 8,
           rid >> 3 & 31, rid & 7, c[11], c[10], c[1], c[0], c[3], c[2]);
    for (int i = 0; i < (c[0x51] ? 4096 : 256); i += 16) {
        int n = sprintf(line, "%02x:", i);

        for (int k = i; k < i + 16; k++) {
            line[n++] = ' ';
            line[n++] = digit[c[k] >> 4];
            line[n++] = digit[c[k] & 15];
        }
        line[n++] = '\n';
        fwrite(line, 1, (size_t)n, stdout);
    }
    printf("\n");
}

static void write_file(const char *dir, const char *name, const void *data,
                       size_t len)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    if (!f || fwrite(data, 1, len, f) != len || fclose(f)) {
        perror(path);
        exit(1);
    }
}

static void write_number(const char *dir, const char *name, int digits,
                         unsigned int value)
{
    char text[16];

    write_file(dir, name, text,
               (size_t)sprintf(text, "0x%0*x\n", digits, value));
}

/* What lspci and xpci read of a device; virtual functions have their ids. */
static void write_device(const char *top, unsigned int number, unsigned int rid)
{
    const uint8_t *c = segment[rid];
    bool virtual = c[0] == 0xff;
    unsigned int vendor = virtual ? 0x8086 : c[0] | c[1] << 8,
                 device = virtual ? 0x10ed : c[2] | c[3] << 8;
    char dir[2048], path[4096], text[128];

    snprintf(dir, sizeof(dir), "%s/bus/pci/devices/%04x:%02x:%02x.%u", top,
             number, rid >> 8, rid >> 3 & 31, rid & 7);
    mkdir(dir, 0755);
    write_file(dir, "config", c, c[0x51] ? 4096 : 256);
    write_number(dir, "vendor", 4, vendor);
    write_number(dir, "device", 4, device);
    write_number(dir, "subsystem_vendor", 4, vendor);
    write_number(dir, "subsystem_device", 4, device);
    write_number(dir, "class", 6, (unsigned int)(c[11] << 16 | c[10] << 8));
    write_number(dir, "revision", 2, c[8]);
    write_file(dir, "irq", "0\n", 2);
    write_file(dir, "resource", "", 0);
    write_file(dir, "modalias", text,
               (size_t)sprintf(text,
                               "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi00\n",
                               vendor, device, vendor, device, c[11], c[10]));
    snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s", top, driver[rid]);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/driver", dir);
    snprintf(text, sizeof(text), "../../drivers/%s", driver[rid]);
    if (symlink(text, path) < 0) {
        perror(path);
        exit(1);
    }
}

static void make_segment(unsigned int number, const char *top)
{
    next_bus = 1;
    add(0, 0, 0, 0x34048086, 0x0600, PCI, "intel_host");
    add(0, 0x1f, 0, 0xa3c18086, 0x0601, PCI, "lpc_ich");
    add(0, 0x1f, 2, 0xa3828086, 0x0106, PCI, "ahci");
    several(0, 0x1f);
    for (unsigned int i = 0; i < 30 * 8 && next_bus + 10 <= 0x100; i++)
        add_root_port(i);
    for (unsigned int rid = 0; rid < 0x10000; rid++) {
        if (!segment[rid])
            continue;
        if (top)
            write_device(top, number, rid);
        else
            print_device(number, rid);
        free(segment[rid]);
        segment[rid] = NULL;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: make-host N [DIR]\n");
        return 1;
    }
    left = strtoul(argv[1], NULL, 10);
    for (unsigned int number = 0; left; number++)
        make_segment(number, argc > 2 ? argv[2] : NULL);
    return fflush(stdout) != 0;
}
