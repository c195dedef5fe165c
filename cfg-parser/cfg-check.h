/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with the pci settings of guests' configurations: what xl
 * refuses, takes for something else, or drops without a word, as it does from
 * 4.14 to 4.20, and what to write instead.
 *
 *     struct xpci_cfg_check check = { 0 };
 *     for each file
 *         r = xpci_cfg_check_text(&check, "vm.cfg", data, len, err);
 *     ... check.v[0 .. check.n - 1]
 *     xpci_cfg_check_clear(&check);
 *
 * Files of one check are compared with each other: a device in two of them.
 * Sources of the rules: xl_parse.c, libxlu_pci.c, libxl_pci.c, libxl_dm.c and
 * libxl_create.c of Xen; docs/man/xpci-cfg.8.pod lists them for users.
 */
#pragma once

#include <stddef.h>

#include "error.h"

enum xpci_cfg_severity {
    XPCI_CFG_HINT,
    XPCI_CFG_WARNING, /* works by luck, or differs between releases */
    XPCI_CFG_ERROR,   /* refused, or the guest gets something else */
};

struct xpci_cfg_finding {
    const char *file; /* as given */
    unsigned int line, column;
    enum xpci_cfg_severity severity;
    char *message;
    char *fix; /* what to write there, or as a line; NULL: the message says */
};

struct xpci_cfg_check {
    struct xpci_cfg_finding *v; /* by file, line and column */
    size_t n;
    struct {
        struct xpci_cfg_seen *v;
        size_t n;
    } seen; /* the entries of all files */
};

/*
 * Adds what is found in a file of @len bytes; @file must live as long as
 * @check. A file that xl cannot read is a finding too. Fails only without
 * memory.
 */
int xpci_cfg_check_text(struct xpci_cfg_check *check, const char *file,
                        const char *data, size_t len,
                        struct xpci_error *err) _must_check_;
void xpci_cfg_check_clear(struct xpci_cfg_check *check);

#define _cleanup_cfg_check_ _cleanup_(xpci_cfg_check_clear)
