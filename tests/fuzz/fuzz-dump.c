/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input is a dump, as text or (behind a byte 0) packed: devices of 4 bytes
 * for their address and a count of 3-byte writes to their zeroed space, so
 * that what is changed are registers and not the form.
 *
 * Any dump is an error or an answer. A host that is taken has each device
 * once, each below a bridge that comes before it; Linux' groups are no larger
 * than all rules make them; who is named does not change a group.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "group.h"
#include "names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

/* Instead of those that would read pci.ids for each input. */
int xpci_names_pick(const char *file, const struct xpci_inventory *inv)
{
    (void)file;
    (void)inv;
    return -1;
}

char *pci_lookup_name(void *access, char *buf, int size, int flags, ...);
char *pci_lookup_name(void *access, char *buf, int size, int flags, ...)
{
    (void)access;
    (void)flags;
    snprintf(buf, (size_t)size, "device");
    return buf;
}

static void check_devices(const struct xpci_inventory *inv)
{
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];
        _cleanup_free_ char *path = NULL;

        CHECK(i == 0 || xpci_bdf_cmp(&dev[-1].bdf, &dev->bdf) < 0);
        CHECK(dev->parent == XPCI_NO_PARENT || dev->parent < i);
        CHECK(xpci_inventory_find(inv, &dev->bdf) == dev);
        CHECK(xpci_device_path(inv, dev, &path) == 0);
    }
}

/* False where groups are refused. */
static bool number(const struct xpci_inventory *inv, bool kernel_only,
                   bool as_enabled, unsigned int *out)
{
    _cleanup_group_ struct xpci_group list = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };

    if (xpci_group_list(inv, kernel_only, as_enabled, NULL, 0, &list, &err) <
        0) {
        CHECK(err.msg && list.n == 0);
        return false;
    }
    CHECK(list.n == inv->n);
    for (size_t i = 0; i < list.n; i++) {
        CHECK(list.v[i].rule && *list.v[i].rule && list.v[i].number);
        out[list.v[i].dev] = list.v[i].number;
    }
    return true;
}

static void check_groups(const struct xpci_inventory *inv)
{
    _cleanup_free_ unsigned int *kernel = calloc(inv->n, sizeof(*kernel));
    _cleanup_free_ unsigned int *off = calloc(inv->n, sizeof(*off));
    _cleanup_free_ unsigned int *all = calloc(inv->n, sizeof(*all));

    CHECK(kernel && off && all);
    if (!number(inv, true, true, kernel))
        return;
    CHECK(number(inv, true, false, off) && number(inv, false, false, all));
    for (size_t i = 0; i < inv->n && i < 50; i++) {
        for (size_t k = 0; k < i; k++) {
            CHECK(kernel[i] != kernel[k] || off[i] == off[k]);
            CHECK(off[i] != off[k] || all[i] == all[k]);
        }
    }
    for (size_t seed = 0; seed < inv->n && seed < 20; seed++) {
        _cleanup_group_ struct xpci_group group = { 0 };

        if (xpci_group_closure(inv, &seed, 1, XPCI_SCOPE_GROUP, &group, NULL) <
            0)
            continue;
        for (size_t i = 0; i < inv->n && i < 50; i++)
            CHECK(xpci_group_has(&group, i) ==
                  (all[i] == all[seed] && !xpci_device_board(&inv->dev[i])));
    }
}

static void put_device(struct xpci_buf *out, const uint8_t *head,
                       const uint8_t *writes, size_t n)
{
    /* a device, with a PCI Express and an ACS capability */
    uint8_t config[0x120] = { 0x86,          0x80,           [6] = 0x10,
                              [0x34] = 0x40, [0x40] = 0x10,  [0x100] = 0x0d,
                              [0x102] = 1,   [0x104] = 0x1d, [0x106] = 0x1d };
    size_t len = head[3] & 0x80 ? 0x120 : 0x100;

    for (size_t i = 0; i < n; i++)
        config[(writes[3 * i] << 8 | writes[3 * i + 1]) % sizeof(config)] =
            writes[3 * i + 2];
    CHECK(xpci_buf_printf(out, "%04x:%02x:%02x.%x x\n",
                          head[0] & 1 ? 0x10000 : 0, head[1], head[2] >> 3,
                          head[2] & 7) == 0);
    for (size_t i = 0; i < len; i++) {
        if (i % 16 == 0)
            CHECK(xpci_buf_printf(out, "%02zx:", i) == 0);
        CHECK(xpci_buf_printf(out, " %02x%s", config[i],
                              i % 16 == 15 ? "\n" : "") == 0);
    }
    CHECK(xpci_buf_puts(out, "\n") == 0);
}

static void unpack(const uint8_t *data, size_t size, struct xpci_buf *out)
{
    while (size >= 4) {
        size_t n = data[3] & 0x7f;

        n = n > (size - 4) / 3 ? (size - 4) / 3 : n;
        put_device(out, data, data + 4, n);
        data += 4 + 3 * n;
        size -= 4 + 3 * n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_close_ int fd = memfd_create("fuzz", 0);
    _cleanup_inventory_ struct xpci_inventory inv = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char path[32];

    if (size && !*data) {
        unpack(data + 1, size - 1, &text);
        data = (const uint8_t *)text.data;
        size = text.len;
    }
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (xpci_inventory_load_dump(path, &inv, &err) < 0) {
        CHECK(err.msg && inv.n == 0);
        return 0;
    }
    check_devices(&inv);
    check_groups(&inv);
    return 0;
}
