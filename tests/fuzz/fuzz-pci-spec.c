/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is accepted is written in a form that is accepted and means the same;
 * the same for hide lists.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hide-list.h"
#include "pci-spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void same(const char *a, const char *b)
{
    CHECK(!a == !b);
    CHECK(!a || strcmp(a, b) == 0);
}

static void fixpoint(const struct xpci_pci_spec *spec, bool with_segment)
{
    _cleanup_pci_spec_ struct xpci_pci_spec back = { 0 };
    _cleanup_free_ char *text = xpci_pci_spec_format(spec, with_segment);
    _cleanup_free_ char *again = NULL;

    CHECK(text);
    CHECK(xpci_pci_spec_parse(text, strlen(text), &back, NULL) == 0);
    CHECK(xpci_bdf_cmp(&spec->dev.bdf, &back.dev.bdf) == 0);
    CHECK(spec->dev.all_funcs == back.dev.all_funcs);
    CHECK(spec->vslot == back.vslot && spec->vslot <= 0x1f);
    same(spec->name, back.name);
    same(spec->options, back.options);
    again = xpci_pci_spec_format(&back, with_segment);
    same(text, again);
}

static void check_spec(const char *text, size_t size)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };

    if (xpci_pci_spec_parse(text, size, &spec, &err) < 0) {
        CHECK(err.msg && !strchr(err.msg, '\n'));
        return;
    }
    fixpoint(&spec, false);
    fixpoint(&spec, true);
}

static void check_hide_list(const char *text)
{
    _cleanup_free_ struct xpci_bdf_pattern *v = NULL, *back = NULL;
    _cleanup_free_ struct xpci_bdf *bdfs = NULL;
    _cleanup_free_ char *list = NULL;
    size_t n, again;

    if (xpci_hide_list_parse(text, &v, &n, NULL) < 0)
        return;
    bdfs = calloc(n + 1, sizeof(*bdfs));
    CHECK(bdfs);
    for (size_t i = 0; i < n; i++)
        bdfs[i] = v[i].bdf;
    /* short forms may grow too long */
    if (xpci_hide_list_format(bdfs, n, &list, NULL) < 0)
        return;
    CHECK(xpci_hide_list_parse(list, &back, &again, NULL) == 0 && again == n);
    for (size_t i = 0; i < n; i++)
        CHECK(xpci_bdf_cmp(&back[i].bdf, &bdfs[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = malloc(size + 1);

    CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_spec(text, size);
    check_hide_list(text);
    return 0;
}
