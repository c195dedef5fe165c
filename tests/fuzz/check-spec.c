/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "check.h"
#include "xl-spec.h"

static bool undefined_address(const char *s)
{
    unsigned int segment = 0, bus, slot, colons = 0;
    int end = 0, found = 0;

    for (const char *p = s; isxdigit((unsigned char)*p) || *p == ':'; p++)
        colons += *p == ':';
    if (colons == 1)
        found = sscanf(s, "%x:%x%n", &bus, &slot, &end) == 2;
    else if (colons == 2)
        found = sscanf(s, "%x:%x:%x%n", &segment, &bus, &slot, &end) == 3;
    return found && segment <= 0xffff && bus <= 0xff && slot <= 0x1f &&
           s[end] != '.';
}

/*
 * D13: where no "." follows the slot, libxlutil goes on at an offset that it
 * never set. What it answers then is chance, and now and then a crash.
 */
static bool undefined(const char *text)
{
    const char *s = text;

    if (undefined_address(s))
        return true;
    for (; (s = strstr(s, "bdf=")); s++) {
        if ((s == text || s[-1] == ',') && undefined_address(s + 4))
            return true;
    }
    return false;
}

int xl_spec(const char *text, libxl_device_pci *out)
{
    libxl_device_pci_init(out);
    if (undefined(text))
        return ERROR_INVAL;
    /* without a report: it says nothing, but accepts and rejects the same */
    return xlu_pci_parse_spec_string(NULL, out, text);
}

bool xl_same_spec(const libxl_device_pci *a, const libxl_device_pci *b)
{
    return a->domain == b->domain && a->bus == b->bus && a->dev == b->dev &&
           a->func == b->func && a->vfunc_mask == b->vfunc_mask &&
           a->vdevfn == b->vdevfn && a->permissive == b->permissive &&
           a->seize == b->seize && a->msitranslate == b->msitranslate &&
           a->power_mgmt == b->power_mgmt && a->rdm_policy == b->rdm_policy &&
           !a->name == !b->name && (!a->name || !strcmp(a->name, b->name));
}

/* A flag of @spec's options, without the parser that made them. */
static bool has(const struct xpci_pci_spec *spec, const char *option)
{
    size_t len = strlen(option);

    for (const char *s = spec->options; s; s = strchr(s, ',')) {
        s += *s == ',';
        if (strncmp(s, option, len) == 0 && (!s[len] || s[len] == ','))
            return true;
    }
    return false;
}

static void to_xl(const struct xpci_pci_spec *spec, libxl_device_pci *out)
{
    const struct xpci_bdf *bdf = &spec->dev.bdf;

    libxl_device_pci_init(out);
    out->domain = (int)bdf->segment;
    out->bus = bdf->bus;
    out->dev = bdf->slot;
    out->func = bdf->func;
    out->vfunc_mask = spec->dev.all_funcs ? LIBXL_PCI_FUNC_ALL : !spec->name;
    out->vdevfn = spec->vslot << 3;
    out->permissive = has(spec, "permissive=1");
    out->seize = has(spec, "seize=1");
    out->msitranslate = has(spec, "msitranslate=1");
    out->power_mgmt = has(spec, "power_mgmt=1");
    if (has(spec, "rdm_policy=strict"))
        out->rdm_policy = LIBXL_RDM_RESERVE_POLICY_STRICT;
    if (has(spec, "rdm_policy=relaxed"))
        out->rdm_policy = LIBXL_RDM_RESERVE_POLICY_RELAXED;
    if (spec->name)
        out->name = strdup(spec->name);
}

/* What we write is what was meant, to xl and to us. */
static void check_format(const struct xpci_pci_spec *spec,
                         const libxl_device_pci *want, bool with_segment)
{
    _cleanup_free_ char *text = xpci_pci_spec_format(spec, with_segment);
    _cleanup_pci_spec_ struct xpci_pci_spec back = { 0 };
    _cleanup_free_ char *again = NULL;
    libxl_device_pci xl;

    CHECK(text && xl_spec(text, &xl) == 0 && xl_same_spec(&xl, want));
    CHECK(xpci_pci_spec_parse(text, strlen(text), &back, NULL) == 0);
    again = xpci_pci_spec_format(&back, with_segment);
    CHECK(again && strcmp(text, again) == 0);
    libxl_device_pci_dispose(&xl);
}

/* Our model of xl's reading: to xl, its text is the same as @text. */
static void check_model(const char *text, bool accepted,
                        const libxl_device_pci *xl)
{
    _cleanup_free_ char *model = xpci_xl_spec(text, XPCI_XL_4_15);
    libxl_device_pci again;

    CHECK(model);
    if (strcmp(model, XPCI_XL_CHANCE) == 0)
        CHECK(undefined(text));
    else
        CHECK(accepted == (strcmp(model, XPCI_XL_REFUSED) != 0));
    if (!accepted)
        return;
    CHECK(xl_spec(model, &again) == 0 && xl_same_spec(&again, xl));
    libxl_device_pci_dispose(&again);
}

const char *check_spec(const char *text, size_t len)
{
    _cleanup_pci_spec_ struct xpci_pci_spec spec = { 0 };
    _cleanup_error_ struct xpci_error err = { 0 };
    libxl_device_pci xl, want;
    bool accepted = xl_spec(text, &xl) == 0;
    const char *result = ACCEPTED;

    check_model(text, accepted, &xl);
    if (xpci_pci_spec_parse(text, len, &spec, &err) < 0) {
        CHECK(err.msg && !strchr(err.msg, '\n'));
        result = undefined(text) ? "D13"
                 : accepted      ? divergence_of(OF_SPEC, text, err.msg)
                                 : REJECTED;
        CHECK(result);
    } else {
        CHECK(accepted);
        to_xl(&spec, &want);
        CHECK(xl_same_spec(&xl, &want));
        check_format(&spec, &want, false);
        check_format(&spec, &want, true);
        libxl_device_pci_dispose(&want);
    }
    libxl_device_pci_dispose(&xl);
    return result;
}
