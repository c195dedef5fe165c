/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile.h"

#define DEAD XPCI_SEEN_DEAD
#define LIVE XPCI_SEEN_LIVE
#define TWICE XPCI_SEEN_TWICE
#define TAKEN XPCI_SEEN_TAKEN
#define FOREIGN XPCI_SEEN_FOREIGN
#define NOTE XPCI_SEEN_NOTE
#define NOTE_DEAD XPCI_SEEN_NOTE_DEAD
#define NOTE_RIGHT XPCI_SEEN_NOTE_RIGHT
#define MUTE XPCI_SEEN_MUTE
#define XEN XPCI_SEEN_XEN
#define PCIBACK XPCI_SEEN_PCIBACK
#define PV XPCI_SEEN_PV
#define HELD XPCI_SEEN_HELD

/* The remedies in the order of the rules, a letter each. */
static const char letters[] = {
    [XPCI_REMEDY_NONE] = '-',   [XPCI_REMEDY_FORGET] = 'f',
    [XPCI_REMEDY_UNNOTE] = 'u', [XPCI_REMEDY_NOTE] = 'n',
    [XPCI_REMEDY_EJECT] = 'e',  [XPCI_REMEDY_FINISH] = 'd',
    [XPCI_REMEDY_DETACH] = 'p',
};

static void remedies(unsigned int seen, char *out)
{
    const struct xpci_sighting s = { .seen = seen };

    for (const struct xpci_rule *rule = NULL;
         (rule = xpci_reconcile_next(&s, rule));)
        *out++ = letters[rule->remedy];
    *out = '\0';
}

static void each_disagreement_has_its_remedy(void **state)
{
    static const struct {
        unsigned int seen;
        const char *remedies;
    } cases[] = {
        { PCIBACK, "" },
        { LIVE | TAKEN | NOTE | NOTE_RIGHT | XEN | PCIBACK, "" },
        /* of a guest that is gone */
        { DEAD | PCIBACK, "f" },
        { DEAD | NOTE_DEAD | PCIBACK, "fu" },
        { NOTE_DEAD | PCIBACK, "u" },
        { DEAD, "f" },
        /* the device has another guest by now */
        { DEAD | LIVE | TAKEN | NOTE | NOTE_RIGHT | XEN | PCIBACK, "-" },
        { DEAD | FOREIGN | NOTE | XEN | PCIBACK, "e" },
        { DEAD | FOREIGN | HELD | NOTE | XEN | PCIBACK, "e" },
        { DEAD | HELD | PCIBACK, "-" },
        /* an attach that ended early */
        { NOTE | PCIBACK, "u" },
        { NOTE | FOREIGN | PCIBACK, "e" },
        { NOTE | FOREIGN | XEN | PCIBACK, "e" },
        { FOREIGN | PCIBACK, "e" },
        { NOTE | XEN | PCIBACK, "d" },
        { XEN | PCIBACK, "-" },
        /* a detach that ended early */
        { LIVE | NOTE | NOTE_RIGHT | XEN | PCIBACK, "d" },
        { LIVE | NOTE | NOTE_RIGHT | PCIBACK, "d" },
        { LIVE | PCIBACK, "d" },
        { LIVE | TAKEN | PV | NOTE | NOTE_RIGHT | PCIBACK, "p" },
        { LIVE | TAKEN | PV | PCIBACK, "np" },
        { LIVE | TAKEN | PV | NOTE | NOTE_RIGHT | XEN | PCIBACK, "" },
        { LIVE | TAKEN | TWICE | PV | PCIBACK, "-" },
        /* a failed attach by xl */
        { LIVE | TAKEN | XEN | PCIBACK, "n" },
        { LIVE | TAKEN | NOTE | XEN | PCIBACK, "n" },
        { LIVE | TAKEN | NOTE_DEAD | XEN | PCIBACK, "n" },
        /* nothing is known, or nothing can be done */
        { LIVE | MUTE | NOTE | NOTE_RIGHT | XEN | PCIBACK, "-" },
        { LIVE | MUTE | XEN | PCIBACK, "-" },
        { NOTE | MUTE | PCIBACK, "-" },
        { LIVE | TWICE | TAKEN | NOTE | NOTE_RIGHT | XEN | PCIBACK, "-" },
        { LIVE | TWICE | PCIBACK, "-" },
        { LIVE | FOREIGN | TAKEN | NOTE | NOTE_RIGHT | XEN | PCIBACK, "-" },
        { LIVE | TAKEN | NOTE | NOTE_RIGHT | PCIBACK, "-" },
        { LIVE | TAKEN | NOTE | NOTE_RIGHT | XEN, "-" },
    };
    char got[16];

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(cases); i++) {
        remedies(cases[i].seen, got);
        if (strcmp(got, cases[i].remedies))
            fail_msg("%x: %s, not %s", cases[i].seen, got, cases[i].remedies);
    }
}

/* Whatever is seen: what a guest has by record and model stays there. */
static void what_a_guest_has_is_not_touched(void **state)
{
    char got[16];

    (void)state;
    for (unsigned int seen = 0; seen < HELD << 1; seen++) {
        remedies(seen, got);
        if ((seen & LIVE && seen & (TAKEN | MUTE | TWICE | FOREIGN)) &&
            strpbrk(got, "fed"))
            fail_msg("%x: %s", seen, got);
        if (seen & LIVE && strpbrk(got, "fue"))
            fail_msg("%x: %s", seen, got);
        if ((seen & XEN || !(seen & PV)) && strchr(got, 'p'))
            fail_msg("%x: %s", seen, got);
        if (seen & HELD && strchr(got, 'f'))
            fail_msg("%x: %s", seen, got);
    }
}

/* The records of a dead guest go at once, or none of them. */
static void a_dead_guest_is_held_by_any_of_its_devices(void **state)
{
    static const unsigned int owners[] = { LIVE, FOREIGN };

    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(owners); i++) {
        struct xpci_sighting v[] = {
            { .bdf.slot = 1, .seen = DEAD, .domid[XPCI_BY_DEAD] = 5 },
            { .bdf.slot = 2,
              .seen = DEAD | owners[i],
              .domid[XPCI_BY_DEAD] = 5 },
            { .bdf.slot = 2, .seen = DEAD, .domid[XPCI_BY_DEAD] = 6 },
            { .bdf.slot = 3, .seen = DEAD, .domid[XPCI_BY_DEAD] = 6 },
            { .bdf.slot = 4, .seen = DEAD, .domid[XPCI_BY_DEAD] = 7 },
            { .bdf.slot = 5, .seen = owners[i], .domid[XPCI_BY_DEAD] = 7 },
        };

        xpci_reconcile_hold(v, XPCI_ARRAY_SIZE(v));
        for (size_t k = 0; k < XPCI_ARRAY_SIZE(v); k++) {
            if (!(v[k].seen & HELD) == (k < 4))
                fail_msg("%zu: %x", k, v[k].seen);
        }
    }
}

/* No answer is none: it must not pass for a device that Xen has taken back. */
static void xen_must_answer(void **state)
{
    (void)state;
    assert_int_equal(xpci_reconcile_answer(0), 0);
    assert_int_equal(xpci_reconcile_answer(EOPNOTSUPP), 0);
    assert_int_equal(xpci_reconcile_answer(EINVAL), 1);
    assert_int_equal(xpci_reconcile_answer(EBUSY), 1);
    assert_int_equal(xpci_reconcile_answer(ENOMEM), -ENOMEM);
    assert_int_equal(xpci_reconcile_answer(EPERM), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_disagreement_has_its_remedy),
        cmocka_unit_test(what_a_guest_has_is_not_touched),
        cmocka_unit_test(xen_must_answer),
        cmocka_unit_test(a_dead_guest_is_held_by_any_of_its_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
