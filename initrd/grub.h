/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GRUB as Debian has it, for what only the kernel's command line can say: the
 * hide list of an xen-pciback that is built in.
 *
 *     if (xpci_grub_present(root))
 *         ... XPCI_GRUB_PATH gets xpci_grub_text(), then
 *     r = xpci_grub_make(root, to, log, err);         to: beside XPCI_GRUB_CFG
 *     r = xpci_grub_check(root, to, word, &why, err);
 *
 * The drop-in is read by grub-mkconfig, after the administrator's settings; its
 * variable is of the entries with Xen alone (/etc/grub.d/20_linux_xen).
 */
#pragma once

#include "log.h"
#include "root.h"

#define XPCI_GRUB_PATH "/etc/default/grub.d/xpci.cfg"
#define XPCI_GRUB_CFG "/boot/grub/grub.cfg"

bool xpci_grub_present(const struct xpci_root *root);

/* The drop-in that puts @word on the command line; malloc'ed. */
int xpci_grub_text(const char *word, char **out,
                   struct xpci_error *err) _must_check_;

/* Runs grub-mkconfig, which writes @to. */
int xpci_grub_make(const struct xpci_root *root, const char *to,
                   const struct xpci_log *log,
                   struct xpci_error *err) _must_check_;

/*
 * -EOPNOTSUPP, with the line, if an entry has GRUB itself decompress a boot
 * image. It knows gzip, xz and lzop, and takes from the file's end how much
 * that will be; Debian's entries do not ("module2 --nounzip").
 */
int xpci_grub_check_modules(const struct xpci_root *root,
                            struct xpci_error *err) _must_check_;

/*
 * The first word of GRUB's configuration that matches @pattern; malloc'ed, NULL
 * if there is none. 0 if there is no configuration, else 1.
 */
int xpci_grub_find(const struct xpci_root *root, const char *pattern,
                   char **word, struct xpci_error *err) _must_check_;

/*
 * Why not every entry with Xen has @word and no other hide list; malloc'ed,
 * NULL if all have.
 */
int xpci_grub_check(const struct xpci_root *root, const char *path,
                    const char *word, char **why,
                    struct xpci_error *err) _must_check_;
