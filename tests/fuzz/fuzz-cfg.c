/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is accepted prints as it was; a device that is added and removed again
 * leaves the file as it was; what an edit leaves can be read.
 *
 * With -DXPCI_HAVE_XLUTIL and -lxlutil -lxenlight: libxlutil accepts the same
 * files and reads the same list (ASAN_OPTIONS=detect_leaks=0: it leaks).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cfg-pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void same(const struct xpci_cfg *cfg, const void *data, size_t size)
{
    _cleanup_buf_ struct xpci_buf out = { 0 };

    CHECK(xpci_cfg_print(cfg, &out) == 0);
    CHECK(out.len == size && memcmp(out.data, data, size) == 0);
}

#ifdef XPCI_HAVE_XLUTIL

#include <errno.h>
#include <libxlutil.h>

static void check_list(const XLU_Config *xlu, const struct xpci_cfg *cfg)
{
    _cleanup_cfg_items_ struct xpci_cfg_items items = { 0 };
    XLU_ConfigList *list = NULL;
    const char *item;
    int n = 0, r = xlu_cfg_get_list(xlu, "pci", &list, &n, 1);

    if (xpci_cfg_list(cfg, "pci", &items, NULL) == 0) {
        CHECK(r == (list ? 0 : ESRCH) && items.n == (size_t)n);
        for (int i = 0; i < n; i++) {
            item = xlu_cfg_get_listitem(list, i);
            CHECK(item && strcmp(item, items.v[i].value) == 0);
        }
        return;
    }
    CHECK(r == 0 || r == EINVAL);
    for (int i = 0; i < n; i++) {
        if (!xlu_cfg_get_listitem(list, i))
            return;
    }
    CHECK(r == EINVAL);
}

static void check_xlu(const void *data, size_t size, const struct xpci_cfg *cfg)
{
    static FILE *report;
    XLU_Config *xlu;

    /* asserts in libxlutil */
    if (!size || memchr(data, '\0', size))
        return;
    if (!report)
        report = fopen("/dev/null", "w");
    xlu = xlu_cfg_init(report, "f");
    CHECK(xlu);
    CHECK((xlu_cfg_readdata(xlu, data, (int)size) == 0) == !!cfg);
    if (cfg)
        check_list(xlu, cfg);
    xlu_cfg_destroy(xlu);
}

#else

static void check_xlu(const void *data, size_t size, const struct xpci_cfg *cfg)
{
    (void)data;
    (void)size;
    (void)cfg;
}

#endif

static struct xpci_cfg *parse(const void *data, size_t size)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    struct xpci_cfg *cfg = NULL;

    if (xpci_cfg_parse(data, size, "f", &cfg, &err) == 0) {
        check_xlu(data, size, cfg);
        return cfg;
    }
    check_xlu(data, size, NULL);
    CHECK(err.msg && strncmp(err.msg, "f:", 2) == 0);
    CHECK(!strchr(err.msg, '\n'));
    return NULL;
}

static bool listed(const struct xpci_cfg *cfg,
                   const struct xpci_bdf_pattern *dev)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };

    if (xpci_cfg_pci_list(cfg, &list, NULL) < 0)
        return true;
    for (size_t i = 0; i < list.n; i++) {
        if (!list.v[i].spec.name &&
            xpci_bdf_same_slot(&list.v[i].spec.dev.bdf, &dev->bdf))
            return true;
    }
    return false;
}

static void add_and_remove(struct xpci_cfg *cfg, const void *data, size_t size,
                           const struct xpci_pci_spec *spec)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_cfg_ struct xpci_cfg *again = NULL;
    bool was = listed(cfg, &spec->dev);
    size_t removed;

    if (xpci_cfg_pci_add(cfg, spec, NULL) < 0) {
        same(cfg, data, size);
        return;
    }
    CHECK(xpci_cfg_print(cfg, &text) == 0);
    again = parse(text.data, text.len);
    CHECK(again && listed(again, &spec->dev));
    CHECK(xpci_cfg_pci_remove(again, &spec->dev, &removed, NULL) == 0);
    CHECK(removed >= 1);
    if (!was) {
        CHECK(removed == 1);
        same(again, data, size);
    }
}

static void remove_all(struct xpci_cfg *cfg)
{
    _cleanup_cfg_pci_ struct xpci_cfg_pci list = { 0 };
    size_t removed;

    if (xpci_cfg_pci_list(cfg, &list, NULL) < 0)
        return;
    for (size_t i = 0; i < list.n; i++) {
        if (list.v[i].spec.name)
            continue;
        list.v[i].spec.dev.all_funcs = true;
        CHECK(xpci_cfg_pci_remove(cfg, &list.v[i].spec.dev, &removed, NULL) ==
              0);
        CHECK(!listed(cfg, &list.v[i].spec.dev));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xpci_pci_spec spec = {
        .dev = { .bdf = { 0, 0x3, 0x2, 0x0 } },
        .vslot = size % 3 ? 0x7 : 0,
    };
    _cleanup_cfg_ struct xpci_cfg *cfg = parse(data, size);

    if (!cfg)
        return 0;
    same(cfg, data, size);
    add_and_remove(cfg, data, size, &spec);
    remove_all(cfg);
    return 0;
}
