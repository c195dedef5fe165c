/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorded hosts of tests/hosts; tests run in the top directory. */
#ifndef TEST_COMMON_HOST_H
#define TEST_COMMON_HOST_H

#include <archive.h>
#include <archive_entry.h>

#include "test-common-tree.h"
#include "inventory.h"

/* Appends the dump of @host, of tests/hosts or with its directory. */
static UNUSED void host_read(const char *host, struct xpci_buf *out)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    char path[700], block[16384];
    ssize_t n;

    snprintf(path, sizeof(path), "%s%s.xxxx.txt.xz",
             strchr(host, '/') ? "" : "tests/hosts/", host);
    archive_read_support_filter_xz(a);
    archive_read_support_format_raw(a);
    if (archive_read_open_filename(a, path, 65536) ||
        archive_read_next_header(a, &entry))
        fail_msg("%s: %s", path, archive_error_string(a));
    while ((n = archive_read_data(a, block, sizeof(block))) > 0)
        assert_int_equal(xpci_buf_append(out, block, (size_t)n), 0);
    assert_int_equal(n, 0);
    archive_read_free(a);
}

/* Loads a dump from text. */
static UNUSED int host_parse(const char *text, size_t len,
                             struct xpci_inventory *inv, struct xpci_error *err)
{
    char name[] = "/tmp/xpci-dump.XXXXXX";
    int fd = mkstemp(name), ret;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    ret = xpci_inventory_load_dump(name, inv, err);
    unlink(name);
    return ret;
}

static UNUSED void host_load(const char *host, struct xpci_inventory *inv)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_buf_ struct xpci_buf text = { 0 };

    host_read(host, &text);
    if (host_parse(text.data, text.len, inv, &err) < 0)
        fail_msg("%s: %s", host, xpci_error_text(&err));
}

static UNUSED size_t host_index(const struct xpci_inventory *inv,
                                const char *text)
{
    const struct xpci_device *dev;
    struct xpci_bdf bdf;

    assert_int_equal(xpci_bdf_parse(text, &bdf), 0);
    dev = xpci_inventory_find(inv, &bdf);
    if (!dev)
        fail_msg("there is no %s", text);
    return (size_t)(dev - inv->dev);
}

#endif
