/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the plugin: what its files share. Each operation of toolstack.h is
 * plugin_NAME() in the file of its topic.
 *
 * "rc" is a libxl code and exists in plugin*.c only; plugin_error() is the
 * one place where it becomes an errno. The two ranges overlap (ERROR_FAIL is
 * -ESRCH), so a code that leaks prints a wrong reason.
 */
#pragma once

#include <libxl.h>
#include <xenstore.h>

#include "clock.h"
#include "monitor.h"
#include "reason.h"
#include "toolstack.h"

#define PLUGIN_PCIBACK "/sys/bus/pci/drivers/pciback"

struct plugin_log {
    struct xentoollog_logger logger; /* first: the callbacks get this */
    struct xpci_reason reason;
};

struct plugin {
    libxl_ctx *ctx;
    struct xs_handle *xs;
    struct xc_interface_core *xc; /* once it was asked */
    struct xpci_root *root;       /* the live system */
    struct plugin_log log;
    uint32_t mute; /* whose device model did not answer, if one's */
};

/* Forgets what libxl said so far: before each call of it. */
void plugin_log_reset(struct plugin *p);

/* Sets err to the text, libxl's reason behind it. Returns -errno for rc. */
#define plugin_error(p, rc, err, fmt, ...)                                     \
    xpci_error_set(err, plugin_errno(rc), fmt ": %s", ##__VA_ARGS__,           \
                   plugin_reason(p, rc))
int plugin_errno(int rc);
const char *plugin_reason(struct plugin *p, int rc);

/* What was read of a guest, once for all devices of a call. */
struct plugin_view {
    struct xpci_guest_devices records; /* of all guests */
    struct xpci_monitor_devices bus;   /* HVM, before the attach */
};

/* One attach or detach, passed through its steps. */
struct plugin_job {
    struct plugin *p;
    const struct xpci_domain *dom;
    const struct xpci_bdf *device;
    struct xpci_attach_request *request;               /* of an attach */
    const struct plugin_view *view;                    /* the same */
    char bdf[XPCI_BDF_SIZE], id[XPCI_MONITOR_ID_SIZE]; /* of the device */
    struct xpci_error *err;
};
struct plugin_job plugin_job(void *ctx, const struct xpci_domain *dom,
                             const struct xpci_bdf *device,
                             struct xpci_error *err);

/* plugin-domain.c */
int plugin_domain(void *ctx, const char *name, struct xpci_domain *out,
                  struct xpci_error *err);
/* *found is false if the domain is gone. */
int plugin_domain_type(struct plugin *p, uint32_t domid, bool *found,
                       enum xpci_domain_type *out, struct xpci_error *err);
/* Is it paused, or has it crashed? It answers nobody then. */
bool plugin_stands_still(struct plugin *p, uint32_t domid);

/* plugin-devices.c */
int plugin_devices(void *ctx, bool slots, struct xpci_guest_devices *out,
                   struct xpci_error *err);
/*
 * What xenstore records, without asking the device models: slots and states
 * of HVM guests are not filled in. Without @details all that is read is which
 * guest has which device, and whether it is "stale". Succeeds only if every
 * node is sound, so libxl, which crashes on a missing one, may read them
 * afterwards.
 */
int plugin_records(struct plugin *p, bool details,
                   struct xpci_guest_devices *out,
                   struct xpci_error *err) _must_check_;
/* The job's device among those of its guest, or NULL. */
const struct xpci_guest_device *plugin_record(
    const struct plugin_job *job, const struct xpci_guest_devices *records);
/*
 * Is the job's device among the records of its guest? 0, 1 or -errno; *state
 * is as of struct xpci_guest_device.
 */
int plugin_recorded(const struct plugin_job *job,
                    const char **state) _must_check_;
/*
 * Is it the only device of a PV guest in which no xen-pcifront has come yet?
 * 0, 1 or -errno.
 */
int plugin_untouched(const struct plugin_job *job) _must_check_;
/*
 * Removes the record of a device that its PV guest has let go of: asked for,
 * and the backend is Connected again; libxl would have done so next, had it
 * not been killed or given up. Or that the guest has not touched. With the
 * last one all goes that libxl would remove. 0, or 1 if the guest has it.
 */
int plugin_drop_record(const struct plugin_job *job) _must_check_;
/* Removes all records of the guest, and the nodes that they are in. */
int plugin_forget(const struct plugin_job *job) _must_check_;
/*
 * Does libxl's note name a guest that lives, other than @but? 0, 1 or -errno.
 * Without a note (there is none before 4.15) the record of such a guest does:
 * with one, an older record may be of a guest that is late. If @but is
 * INVALID_DOMID any note counts, as for libxl's add. What is then
 * done with the device in the name of @but, libxl does to that guest: a reset,
 * and its note goes.
 */
int plugin_given_to_other(const struct plugin_job *job,
                          uint32_t but) _must_check_;
/*
 * Waits until the pci backend of a PV guest is Connected: frontend and backend
 * agree on all its devices. 0 if it is or there is none, 1 if it still is not
 * at @deadline (xpci_now_ms()).
 */
int plugin_wait_connected(struct plugin *p, uint32_t domid, int64_t deadline,
                          struct xpci_error *err) _must_check_;
/*
 * -EBUSY, and what to do, if a PV guest has let go of another device whose
 * record is still there: whatever pciback is asked next, it comes to that one
 * first, does not have it, and answers no more (xen_pcibk_reconfigure()).
 */
int plugin_check_late(const struct plugin_job *job) _must_check_;
/* The domain that libxl noted as the owner of the device, if any. */
int plugin_owner_note(struct plugin *p, const struct xpci_bdf *bdf, bool *found,
                      uint32_t *domid, struct xpci_error *err) _must_check_;

/* plugin-slots.c */
int plugin_slots_used(void *ctx, const struct xpci_domain *dom, uint32_t *mask,
                      struct xpci_error *err);
/* A command of QEMU's monitor; @out is malloc'ed. -ETIMEDOUT after 10 s. */
int plugin_monitor(struct plugin *p, uint32_t domid, const char *command,
                   char **out, struct xpci_error *err) _must_check_;
int plugin_slots(struct plugin *p, uint32_t domid,
                 struct xpci_monitor_devices *out,
                 struct xpci_error *err) _must_check_;
/* An HVM guest that has not heard gets 3 s: has it still not? */
bool plugin_unheard(struct plugin *p, uint32_t domid);

/* plugin-attach.c */
int plugin_attach(void *ctx, const struct xpci_domain *dom,
                  struct xpci_attach_request *reqs, size_t n, unsigned int how,
                  struct xpci_error *err);
/* -EBUSY and what to do unless the driver of the device is pciback. */
int plugin_check_pciback(const struct plugin_job *job) _must_check_;

/* plugin-detach.c */
int plugin_detach(void *ctx, const struct xpci_domain *dom,
                  const struct xpci_bdf *bdf, unsigned int timeout,
                  struct xpci_error *err);
/*
 * Asks an HVM guest to eject and waits until the device model no longer has the
 * device: 0, or 1 if it still has it at @deadline (xpci_now_ms()).
 */
int plugin_eject(const struct plugin_job *job, int64_t deadline) _must_check_;
/* Is the device in the device model? 0, 1 or -errno. */
int plugin_in_model(const struct plugin_job *job) _must_check_;
/*
 * Has libxl forget the device, whatever state it is in; refused if another
 * guest has been given it.
 */
int plugin_take_back(const struct plugin_job *job) _must_check_;
/* Takes back what is plugin_untouched(): 0, 1 if it no longer is, -errno. */
int plugin_withdraw(const struct plugin_job *job) _must_check_;

/* plugin-host.c */
int plugin_to_dom0(void *ctx, const struct xpci_bdf *bdf,
                   struct xpci_error *err);
int plugin_host(void *ctx, const struct xpci_domain *dom,
                struct xpci_host_facts *out, struct xpci_error *err);

/*
 * Has Xen given the device to a guest? 0, 1 or -errno; it tells not which.
 * -EOPNOTSUPP, without a text: none can be given to domain @to, unless 0.
 */
int plugin_assigned(struct plugin *p, uint32_t to, const struct xpci_bdf *bdf,
                    struct xpci_error *err) _must_check_;

/* plugin-reconcile.c */
int plugin_reconcile(void *ctx, bool fix, struct xpci_mismatches *out,
                     struct xpci_error *err);

/* Writes libxl's note that the job's guest has the device. */
int plugin_note(const struct plugin_job *job) _must_check_;
/* plugin_drop_record(), and the note goes if it is its; 0, 1, -errno. */
int plugin_let_go(const struct plugin_job *job) _must_check_;

/* plugin.c */
/* What another toolstack does in between it has finished until then. */
#define PLUGIN_SETTLE_MS 2000
/* Between two looks at what takes its time: false once @deadline is over. */
bool plugin_wait(int64_t deadline) _must_check_;
void plugin_fill_pci(libxl_device_pci *pci, const struct xpci_bdf *bdf);

#define _cleanup_pci_ _cleanup_(libxl_device_pci_dispose)
