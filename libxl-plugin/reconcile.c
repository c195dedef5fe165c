/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cleanup.h"
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

/*
 * Of a device that a running guest has, only the note is ever written. Its
 * pciback resets a device whose record goes, hence no record of a dead guest
 * goes while another guest has the device, nor any other of that dead guest:
 * they all go at once.
 */
static const struct xpci_rule rules[] = {
    { DEAD, LIVE | FOREIGN | HELD, XPCI_BY_DEAD, XPCI_REMEDY_FORGET,
      "xenstore records it for a guest that is gone", "remove the record" },
    { DEAD | HELD, LIVE | FOREIGN, XPCI_BY_DEAD, XPCI_REMEDY_NONE,
      "xenstore records it for a guest that is gone, and with it one that "
      "another guest has",
      "see to that device first, then reconcile again" },
    { DEAD | LIVE, 0, XPCI_BY_LIVE, XPCI_REMEDY_NONE,
      "xenstore records it for a guest that is gone too",
      "detach it from the guest, then reconcile again" },
    { TWICE, 0, XPCI_BY_LIVE, XPCI_REMEDY_NONE,
      "xenstore records it for more than one running guest",
      "detach it from all of them" },
    { FOREIGN, LIVE, XPCI_BY_MODEL, XPCI_REMEDY_EJECT,
      "the guest's device model has it, without a record in xenstore",
      "have the guest eject it" },
    { FOREIGN | LIVE, 0, XPCI_BY_MODEL, XPCI_REMEDY_NONE,
      "the guest's device model has it, but xenstore records it for another",
      "destroy this guest" },
    { LIVE, TAKEN | FOREIGN | MUTE | TWICE, XPCI_BY_LIVE, XPCI_REMEDY_FINISH,
      "xenstore records it, but the guest's device model does not have it",
      "finish its detach" },
    { LIVE | MUTE, 0, XPCI_BY_LIVE, XPCI_REMEDY_NONE,
      "the guest's device model does not answer", "destroy the guest" },
    { NOTE | MUTE, LIVE, XPCI_BY_NOTE, XPCI_REMEDY_NONE,
      "libxl notes it for a guest whose device model does not answer",
      "destroy the guest" },
    { LIVE | TAKEN, NOTE_RIGHT | TWICE, XPCI_BY_LIVE, XPCI_REMEDY_NOTE,
      "libxl has no note that the guest has it, and would give it away",
      "write the note" },
    { LIVE | PV, XEN | TWICE | DEAD | FOREIGN, XPCI_BY_LIVE, XPCI_REMEDY_DETACH,
      "Xen has taken it from the guest, but xenstore records it",
      "finish its detach" },
    { LIVE | TAKEN, XEN | TWICE | PV, XPCI_BY_LIVE, XPCI_REMEDY_NONE,
      "the guest has it by its record, but Xen does not give it to a guest",
      "detach it" },
    { LIVE, PCIBACK, XPCI_BY_LIVE, XPCI_REMEDY_NONE,
      "the guest has it by its record, but its driver is not pciback",
      "detach it ('xl pci-detach' if it is gone), then hide it again" },
    { NOTE_DEAD, LIVE, XPCI_BY_NOTE, XPCI_REMEDY_UNNOTE,
      "libxl notes it for a guest that is gone", "remove the note" },
    { NOTE | XEN, LIVE | FOREIGN | MUTE, XPCI_BY_NOTE, XPCI_REMEDY_FINISH,
      "Xen gives it to the guest, which has no record of it",
      "take it back from the guest" },
    { NOTE, XEN | LIVE | FOREIGN | MUTE, XPCI_BY_NOTE, XPCI_REMEDY_UNNOTE,
      "libxl notes it for the guest, which does not have it",
      "remove the note" },
    { XEN, NOTE | LIVE | FOREIGN, XPCI_BY_NOBODY, XPCI_REMEDY_NONE,
      "Xen does not take it for free, but nothing says which guest has it",
      "destroy that guest, 'xl debug-keys Q' tells in 'xl dmesg' which it is" },
};

static bool has_guest(const struct xpci_sighting *v, size_t n,
                      const struct xpci_bdf *bdf)
{
    for (size_t i = 0; i < n; i++) {
        if (!xpci_bdf_cmp(&v[i].bdf, bdf) && v[i].seen & (LIVE | FOREIGN))
            return true;
    }
    return false;
}

void xpci_reconcile_hold(struct xpci_sighting *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(v[i].seen & DEAD) || !has_guest(v, n, &v[i].bdf))
            continue;
        for (size_t k = 0; k < n; k++) {
            if (v[k].seen & DEAD &&
                v[k].domid[XPCI_BY_DEAD] == v[i].domid[XPCI_BY_DEAD])
                v[k].seen |= HELD;
        }
    }
}

/* iommu_do_pci_domctl() in xen/drivers/passthrough/pci.c */
int xpci_reconcile_answer(int code)
{
    if (code == EINVAL || code == EBUSY)
        return 1;
    return code == EOPNOTSUPP ? 0 : -code; /* no IOMMU: it gives nothing */
}

const struct xpci_rule *xpci_reconcile_next(const struct xpci_sighting *of,
                                            const struct xpci_rule *last)
{
    const struct xpci_rule *rule = last ? last + 1 : rules;

    for (; rule < rules + XPCI_ARRAY_SIZE(rules); rule++) {
        if ((of->seen & rule->yes) == rule->yes && !(of->seen & rule->no))
            return rule;
    }
    return NULL;
}
