/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file of a guest: found, edited, saved with the live
 * change it belongs to.
 *
 * Searched by name among /etc/xen/NAME, *.cfg in /etc/xen, everything in
 * /etc/xen/auto, and the vm.cfg files below /OVS/running_pool: the file whose
 * "name" is the guest's. --file names it instead.
 */
#pragma once

#include "cfg-pci.h"
#include "changes.h"
#include "cmd.h"

/* A file to edit, as it was read. */
struct xpci_guest_config {
    char *path;
    struct xpci_buf text;
    struct xpci_cfg *cfg;
};

/* Opens a file by its path inside the root. */
int xpci_guest_config_open(const struct xpci_root *root, const char *path,
                           struct xpci_guest_config *out,
                           struct xpci_error *err) _must_check_;
void xpci_guest_config_close(struct xpci_guest_config *config);

/* Says so if only xm could read the file: the guest cannot be started. */
void xpci_guest_config_warn(const struct xpci_call *call,
                            const struct xpci_cfg *cfg);

/*
 * The path of @domain's file; -ENOENT if there is none, -EEXIST if two
 * files claim the name. *out is malloc'ed.
 */
int xpci_guest_config_find(const struct xpci_call *call, const char *domain,
                           char **out, struct xpci_error *err) _must_check_;

/*
 * Where in a guest's file @spec's device is configured: "FILE:LINE:COLUMN",
 * malloc'ed; untouched if nowhere. A file that cannot be read is said and
 * passed over.
 */
int xpci_guest_config_entry(const struct xpci_call *call, const char *path,
                            const struct xpci_pci_spec *spec, char **place,
                            struct xpci_error *err) _must_check_;

/*
 * A set of files, NULL at first, in which one under two names, as the links
 * in /etc/xen/auto are, is found. Adding returns the name under which the
 * file is in it, @path if that is new or not there; NULL: out of memory. That
 * name must live as long as files are added.
 */
const char *xpci_files_add(void **files, const struct xpci_root *root,
                           const char *path) _must_check_;
void xpci_files_clear(void **files);

/*
 * Adds to the set and to @out the files that guests are searched in, each
 * under one name, without those that are in the set already; that of @domain
 * first, which may be NULL.
 */
int xpci_guest_config_files(const struct xpci_root *root, const char *domain,
                            void **seen, struct xpci_strv *out,
                            struct xpci_error *err) _must_check_;

/* Adds the edited file to @set; the text read goes with it. */
int xpci_guest_config_put(struct xpci_guest_config *config,
                          struct xpci_changes *set,
                          struct xpci_error *err) _must_check_;

#define _cleanup_files_ _cleanup_(xpci_files_clear)
#define _cleanup_guest_config_ _cleanup_(xpci_guest_config_close)
