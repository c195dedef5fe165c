/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who says what of a device that a guest has, or had: xenstore's records, the
 * note by which libxl knows owners (/libxl/pci/BDF/domid), the guests' device
 * models, Xen, the driver. Where they disagree, which rule it is and what puts
 * it right. Pure logic, no Xen.
 *
 *     xpci_reconcile_hold(sightings, n);
 *     while ((rule = xpci_reconcile_next(&sighting, rule)))
 *         ...rule->remedy, for the domain sighting.domid[rule->whose]...
 *
 * What a running guest has, by its record and its device model, has no remedy
 * that touches the device.
 */
#pragma once

#include <stdint.h>

#include "bdf.h"

enum xpci_seen {
    XPCI_SEEN_DEAD = 1,       /* recorded for a guest that is gone */
    XPCI_SEEN_LIVE = 2,       /* recorded for a guest that runs */
    XPCI_SEEN_TWICE = 4,      /* for more than one of these */
    XPCI_SEEN_TAKEN = 8,      /* that guest has it: is PV, or its model says */
    XPCI_SEEN_FOREIGN = 16,   /* in the model of a guest without a record */
    XPCI_SEEN_NOTE = 32,      /* the note names a guest that runs */
    XPCI_SEEN_NOTE_DEAD = 64, /* the note names one that is gone */
    XPCI_SEEN_NOTE_RIGHT = 128, /* the note names the one that is recorded */
    XPCI_SEEN_MUTE = 256,       /* the model of who should have it is silent */
    XPCI_SEEN_XEN = 512,        /* Xen has given it to a guest */
    XPCI_SEEN_PCIBACK = 1024,   /* its driver is pciback */
    XPCI_SEEN_PV = 2048,        /* the recorded guest that runs is PV */
    XPCI_SEEN_HELD = 4096, /* a device of that dead guest has another guest */
};

/* By whom a guest was named. */
enum xpci_witness {
    XPCI_BY_DEAD,
    XPCI_BY_LIVE,
    XPCI_BY_NOTE,
    XPCI_BY_MODEL,
    XPCI_BY_NOBODY,
};

struct xpci_sighting {
    struct xpci_bdf bdf;
    bool no_device;    /* only a guest's records, with no device in them */
    unsigned int seen; /* bits of enum xpci_seen */
    uint32_t domid[XPCI_BY_NOBODY];
};

enum xpci_remedy {
    XPCI_REMEDY_NONE,   /* ->fix is for a person */
    XPCI_REMEDY_FORGET, /* remove the records of a guest that is gone */
    XPCI_REMEDY_UNNOTE, /* remove the note */
    XPCI_REMEDY_NOTE,   /* write it */
    XPCI_REMEDY_EJECT,  /* ask the guest to let go, then finish */
    XPCI_REMEDY_FINISH, /* have libxl forget it */
    XPCI_REMEDY_DETACH, /* as the command does */
};

struct xpci_rule {
    unsigned int yes, no; /* what must be seen, and what must not */
    enum xpci_witness whose;
    enum xpci_remedy remedy;
    const char *wrong, *fix;
};

/*
 * Once all is seen, before the rules: of the guests that are gone, whose
 * records must stay (XPCI_SEEN_HELD). A device has one sighting, and one more
 * with nothing but XPCI_SEEN_DEAD for each further dead guest that it is
 * recorded for.
 */
void xpci_reconcile_hold(struct xpci_sighting *v, size_t n);

/*
 * What Xen means by the errno of its test whether a device can be given to a
 * guest, 0: none. 1: a guest has it; 0: none has; -errno: it did not say.
 */
int xpci_reconcile_answer(int code) _must_check_;

/* The rule behind @last, at first NULL, that applies; NULL: none does. */
const struct xpci_rule *xpci_reconcile_next(const struct xpci_sighting *of,
                                            const struct xpci_rule *last);
