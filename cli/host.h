/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several commands need of the host, loaded into the call: its devices,
 * from where the call says, who of the guests uses them, and how the host is
 * changed.
 */
#pragma once

#include "changes.h"
#include "cmd.h"
#include "group.h"
#include "hide-list.h"

/*
 * call->lock, unless nothing is to be changed. Nobody changes the system or its
 * files without; for a recording it is a USAGE error.
 */
int xpci_host_lock(struct xpci_call *call, struct xpci_error *err) _must_check_;

/* call->inv: of --dump, or of the root. */
int xpci_host_inventory(struct xpci_call *call,
                        struct xpci_error *err) _must_check_;

/* call->chosen: the devices that the operands from @first name. */
int xpci_host_select(struct xpci_call *call, int first,
                     struct xpci_error *err) _must_check_;

/* What goes with call->chosen, or else the operands, within --scope. */
int xpci_host_closure(struct xpci_call *call, struct xpci_group *group,
                      struct xpci_error *err) _must_check_;

/* The group's members are added to call->conf. */
int xpci_host_hide(struct xpci_call *call, const struct xpci_group *group,
                   struct xpci_error *err) _must_check_;

/* 1 if Xen runs below and this is not one of its guests, 0 or -errno. */
int xpci_host_is_dom0(const struct xpci_call *call,
                      struct xpci_error *err) _must_check_;

/* call->guests: of all guests; none where this is no running Xen. */
int xpci_host_guests(struct xpci_call *call,
                     struct xpci_error *err) _must_check_;

/* call->ts, call->guests, and call->domain if an operand names one. */
int xpci_host_xen(struct xpci_call *call, bool slots,
                  struct xpci_error *err) _must_check_;

/*
 * call->guard, which stays empty for a dump. That it is not known is a
 * warning; without mounts to read always, else only if it is not @needed.
 */
int xpci_host_guard(struct xpci_call *call, bool needed,
                    struct xpci_error *err) _must_check_;

/* Of call->guests; NULL: no guest has the device. */
const struct xpci_guest_device *xpci_host_user(const struct xpci_call *call,
                                               const struct xpci_bdf *bdf);

/*
 * "bridge", "iommu", "free", "dom0", "pciback", "assignable" or "attached";
 * "unknown" in a dump. "pciback" where the guests are not known.
 */
const char *xpci_host_state(const struct xpci_call *call,
                            const struct xpci_device *dev);

/* What an entry of a hide list names: @dev, or a bridge above it. */
size_t xpci_host_named(const struct xpci_inventory *inv,
                       const struct xpci_hide_entry *entry, size_t dev);

/* True if the device is bound to pciback. */
bool xpci_host_on_pciback(const struct xpci_device *dev);

/* Its driver, or "no driver". */
const char *xpci_host_driver(const struct xpci_device *dev);

/*
 * Makes the changes of files, all or none, whatever signal comes; with
 * --dry-run prints them.
 */
int xpci_host_change(const struct xpci_call *call, struct xpci_changes *set,
                     struct xpci_error *err) _must_check_;

/*
 * Without --force the text is a refusal, which @instead ends; with it, a
 * warning.
 */
int xpci_host_override(const struct xpci_call *call, const char *instead,
                       struct xpci_error *err, const char *fmt, ...)
    _printf_(4, 5) _must_check_;
