/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toolstack: what xpci asks of the running Xen, and the ABI of the
 * shared object that answers.
 *
 * xpci itself is not linked to libxl. One small plugin per Xen release,
 * LIBEXECDIR/libxl-X.Y.so, is linked to exactly one libxenlight (its soname
 * carries the release) and opened at run time by the running hypervisor's
 * version. It exports one symbol, xpci_toolstack_plugin, a table that starts
 * with the ABI number and its own size; both are checked, and a mismatch is
 * an error, never a try.
 *
 *     struct xpci_toolstack *ts = NULL;
 *     r = xpci_toolstack_open(root, &ts, err);         load.c
 *     r = ts->ops->domain(ts->ctx, "winxp", &dom, err);
 *     r = ts->ops->attach(ts->ctx, &dom, &request, &vslot, err);
 *     xpci_toolstack_close(ts);
 *
 * libxl's codes do not cross this border: 0 or -errno and the struct
 * xpci_error do, and libxl's own messages are in its text. Strings in
 * results are malloc'ed and the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bdf.h"
#include "error.h"
#include "root.h"

#define XPCI_TOOLSTACK_ABI 7
#define XPCI_TOOLSTACK_SYMBOL "xpci_toolstack_plugin"

enum xpci_domain_type { XPCI_DOMAIN_PV, XPCI_DOMAIN_HVM, XPCI_DOMAIN_PVH };

struct xpci_domain {
    uint32_t id;
    enum xpci_domain_type type;
    char *name;
};

/* A device in a guest. */
struct xpci_guest_device {
    struct xpci_bdf bdf;
    uint32_t domid;
    char *domain;           /* the guest's name */
    unsigned int requested; /* virtual slot asked for, 0: none known */
    unsigned int vslot;     /* where the guest has it, if attached; else 0 */
    const char *state;      /* static text: "attached", "pending", ... */
};

struct xpci_guest_devices {
    struct xpci_guest_device *v;
    size_t n;
};

struct xpci_attach_request {
    struct xpci_bdf bdf;
    unsigned int vslot; /* asked for, 0: the toolstack chooses; then where it
                           is, 0 for a guest type without a fixed slot */
    bool permissive, relaxed, msitranslate, power_mgmt;
    bool unheard; /* of the last: the guest has taken no notice of them all */
    uint32_t unasked; /* of the first: another guest, whose device model does
                         not answer whether it has one of them all; or 0 */
    int ret;          /* 0: the guest has it; -ECANCELED: was not tried */
    struct xpci_error err; /* why not; the caller's to clear */
};

enum xpci_attach_how {
    XPCI_ATTACH_KEEP_GOING = 1, /* with the others, if one fails */
    XPCI_ATTACH_CHECK = 2,      /* only see whether it would be begun */
};

/* What Xen was booted with. */
struct xpci_host_facts {
    bool iommu;       /* guests can be given devices */
    bool hvm;         /* guests can be HVM */
    bool guest_iommu; /* the domain asked for was created for devices */
    char *log;        /* Xen's log, without what it has thrown away */
};

/*
 * Something on which xenstore, libxl, Xen, the device models and pciback
 * disagree; the texts are static but for @domain and @failure.
 */
struct xpci_mismatch {
    struct xpci_bdf bdf;
    bool no_device; /* remains of a guest without any */
    uint32_t domid;
    char *domain; /* the guest meant, NULL: none is */
    const char *wrong, *fix;
    const struct xpci_rule *rule; /* the plugin's */
    bool fixed;
    char *failure; /* why it is not, where that was tried */
};

struct xpci_mismatches {
    struct xpci_mismatch *v;
    size_t n;
};

struct xpci_toolstack_ops {
    uint32_t abi;        /* XPCI_TOOLSTACK_ABI */
    uint32_t size;       /* sizeof(struct xpci_toolstack_ops) */
    const char *release; /* "4.17": the Xen release it is built for */

    /* Connects to the running Xen. */
    int (*open)(void **ctx, struct xpci_error *err);
    void (*close)(void *ctx);

    /* A running domain by name or number; -ENOENT if there is none. */
    int (*domain)(void *ctx, const char *name, struct xpci_domain *out,
                  struct xpci_error *err);

    /*
     * Every device in every guest, from all backends in xenstore, and with
     * @slots for HVM guests with the slot that the device model reports. Also
     * what pciback has and libxl's note or Xen gives to a guest, though no
     * record does: "unrecorded", where only Xen does with the domain "?".
     */
    int (*devices)(void *ctx, bool slots, struct xpci_guest_devices *out,
                   struct xpci_error *err);

    /*
     * Virtual slots of the guest that are taken, as a bit mask, read from
     * the device model (HVM). -ENOTSUP for other guests: they have none to
     * choose.
     */
    int (*slots_used)(void *ctx, const struct xpci_domain *dom, uint32_t *mask,
                      struct xpci_error *err);

    /*
     * Attaches @n devices, those with a slot first, and reads back.
     * 0: the guest has all of them, or with KEEP_GOING in @how, of enum
     * xpci_attach_how, each request tells. Without that nothing is begun if a
     * check fails, and no more after a failure; what the guest has by then is
     * left to it, as each tells.
     */
    int (*attach)(void *ctx, const struct xpci_domain *dom,
                  struct xpci_attach_request *reqs, size_t n, unsigned int how,
                  struct xpci_error *err);

    /*
     * Detaches and reads back: 0 means the guest no longer has the device.
     * -ETIMEDOUT if the guest did not let go within @timeout seconds, of
     * which 0 is only the look whether it has it.
     */
    int (*detach)(void *ctx, const struct xpci_domain *dom,
                  const struct xpci_bdf *bdf, unsigned int timeout,
                  struct xpci_error *err);

    /*
     * A device that no guest has becomes dom0's: Xen keeps one that a guest
     * had in quarantine, where it cannot reach dom0's memory. pciback lets go
     * of it if it was there.
     */
    int (*to_dom0)(void *ctx, const struct xpci_bdf *bdf,
                   struct xpci_error *err);

    /* The host, and of @dom, which may be NULL, whether it has an IOMMU. */
    int (*host)(void *ctx, const struct xpci_domain *dom,
                struct xpci_host_facts *out, struct xpci_error *err);

    /*
     * All disagreements; with @fix each is put right where that touches no
     * device that a running guest has, and looked at again. A guest may be
     * asked to let go of what it was never given in full.
     */
    int (*reconcile)(void *ctx, bool fix, struct xpci_mismatches *out,
                     struct xpci_error *err);
};

/* The core's side (load.c). */
struct xpci_toolstack {
    const struct xpci_toolstack_ops *ops;
    void *ctx;
    void *handle;
};

/* Does the root run as a Xen dom0? 0, or -ENODEV and why it does not. */
int xpci_toolstack_check(const struct xpci_root *root,
                         struct xpci_error *err) _must_check_;

/*
 * Opens the plugin for the running hypervisor (its version from
 * /sys/hypervisor) and connects. -ENODEV and a message that says which if
 * this is not a Xen dom0, if no plugin for this release is installed, or if
 * libxl does not answer. $XPCI_LIBEXECDIR overrides the directory for tests,
 * only for a process that has no privileges beyond its caller's.
 */
int xpci_toolstack_open(const struct xpci_root *root,
                        struct xpci_toolstack **out,
                        struct xpci_error *err) _must_check_;
void xpci_toolstack_close(struct xpci_toolstack *ts);

void xpci_domain_clear(struct xpci_domain *dom);
void xpci_guest_devices_clear(struct xpci_guest_devices *devs);
void xpci_mismatches_clear(struct xpci_mismatches *findings);

XPCI_CLEANUP_PTR(struct xpci_toolstack *, xpci_toolstack_close)
#define _cleanup_toolstack_ _cleanup_(xpci_toolstack_close_ptr)
#define _cleanup_domain_ _cleanup_(xpci_domain_clear)
#define _cleanup_guest_devices_ _cleanup_(xpci_guest_devices_clear)
#define _cleanup_mismatches_ _cleanup_(xpci_mismatches_clear)
