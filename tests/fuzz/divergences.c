/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where xpci departs from xl on purpose: docs/design/divergences.md, whose
 * ids these are.
 */
#include <regex.h>
#include <string.h>

#include "check.h"

#define NO_ADDRESS "is not a PCI address"
#define NO_VSLOT "is not within 1 to 1f"
#define CONTROL "unprintable character"
#define VSLOT "(^[^=,]*@|(^|,)vslot=)"

/* What scanf takes for a hexadecimal number, and what it is besides. */
#define SCANF "([[:space:]]*[-+]?(0[xX])?[[:xdigit:]]*)"
#define ODD "([[:space:]]+[-+]?(0[xX])?|[-+](0[xX])?|0[xX])[[:xdigit:]]*"
#define IN_ADDRESS(n)                                                          \
    "(^|,)(bdf=)?(" SCANF ":)?((" SCANF ":)?" n ":" SCANF "[.]|" SCANF ":" n   \
    "[.]|" SCANF ":" SCANF "[.]" n ")"

const struct divergence divergences[] = {
    { "D1", OF_FILE, NULL, "a NUL byte: " },
    { "D2", OF_FILE, "\\[{3}", "lists nested too deeply" },
    { "D3", OF_LIST, NULL, "a list inside the list 'pci': " },
    { "D4", OF_LIST, NULL, "'pci' is a single value, not a list: " },
    { "D5", OF_SPEC, VSLOT "0*(,|$)", NO_VSLOT },
    { "D6", OF_SPEC, IN_ADDRESS(ODD), NO_ADDRESS },
    { "D6", OF_SPEC, IN_ADDRESS(ODD), CONTROL },
    { "D6", OF_SPEC, VSLOT ODD "(,|$)", NO_VSLOT },
    { "D6", OF_SPEC, VSLOT ODD "(,|$)", CONTROL },
    { "D7", OF_SPEC, "(^|[:.=])0[[:xdigit:]]{2,}[:.]|[.]0[[:xdigit:]]",
      NO_ADDRESS },
    { "D7", OF_SPEC, VSLOT "0[[:xdigit:]]{2,}(,|$)", NO_VSLOT },
    { "D8", OF_SPEC, "(^|,)(bdf|vslot)=.", NO_ADDRESS },
    { "D8", OF_SPEC, "(^|,)bdf=[^,]*@", "xl ignores the virtual slot" },
    { "D8", OF_SPEC, "(^|,)vslot=.", NO_VSLOT },
    { "D9", OF_SPEC, "(^|,)(permissive|msitranslate|seize|power_mgmt)=",
      "is neither 0 nor 1" },
    { "D10", OF_SPEC,
      "^([^=,]+(,|,.*,)|(.*,)?bdf=.*,)bdf=", "'bdf' is given twice" },
    { "D10", OF_SPEC, VSLOT "(.*,)?vslot=", "'vslot' is given twice" },
    { "D10", OF_SPEC, "(^|,)([a-z_]+)=.*,\\2=", "is given twice" },
    { "D11", OF_SPEC, "(^|,)name=(,|$)", "the name is empty" },
    { "D14", OF_SPEC, "[1-9a-fA-F][[:xdigit:]]{8,}[:.]", NO_ADDRESS },
    { "D14", OF_SPEC, "[.][1-9a-fA-F][[:xdigit:]]{8,}", NO_ADDRESS },
    { "D14", OF_SPEC, VSLOT "[1-9a-fA-F][[:xdigit:]]{8,}(,|$)", NO_VSLOT },
    { "D15", OF_SPEC,
      "(^|,)rdm_policy=([sS][tT][rR][iI][cC][tT]|"
      "[rR][eE][lL][aA][xX][eE][dD]|[iI][nN][vV][aA][lL][iI][dD])(,|$)",
      "is neither strict nor relaxed" },
    { "D12", OF_SPEC, "[\x01-\x1f\x7f]", CONTROL },
};
const size_t n_divergences = XPCI_ARRAY_SIZE(divergences);

/* Compiled once: most inputs of the generator come by here. */
static bool matches(size_t i, const char *text)
{
    static regex_t compiled[XPCI_ARRAY_SIZE(divergences)];
    static bool done[XPCI_ARRAY_SIZE(divergences)];

    if (!done[i])
        CHECK(regcomp(&compiled[i], divergences[i].shape,
                      REG_EXTENDED | REG_NOSUB) == 0);
    done[i] = true;
    return regexec(&compiled[i], text, 0, NULL, 0) == 0;
}

const char *divergence_of(enum divergence_of of, const char *text,
                          const char *error)
{
    for (size_t i = 0; error && i < n_divergences; i++) {
        const struct divergence *d = &divergences[i];

        if (d->of == of && strstr(error, d->error) &&
            (!d->shape || (text && matches(i, text))))
            return d->id;
    }
    return NULL;
}
