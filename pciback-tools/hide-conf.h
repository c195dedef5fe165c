/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/xpci.conf: what is to be hidden, the single source of everything
 * that xpci generates. In xl's own grammar, editable by hand:
 *
 *     hide = [
 *         '0000:03:02.0,path=0000:00:1c.1/00.0/02.0,id=8086:100e',
 *     ]
 *
 * A BDF is an address, not a name (design rule 3): path and id say which
 * device is meant, the BDF where it was.
 */
#pragma once

#include "inventory.h"

#define XPCI_HIDE_CONF_PATH "/etc/xpci.conf"
#define XPCI_MODPROBE_PATH "/etc/modprobe.d/xpci.conf"

struct xpci_hidden {
    struct xpci_bdf bdf; /* as the file has it, or of now: see load */
    char *path;
    uint16_t vendor, device;
    bool permissive; /* guests may write all of its configuration space */
    char *text;      /* as the file has it, or is to have it */
    bool here;       /* the device is there, at bdf */
    bool taken;      /* it is not, and another one is at bdf */
};

struct xpci_hide_conf {
    struct xpci_hidden *v; /* in order of BDF, who is there before who was */
    size_t n;

    /*
     * How the boot takes them, "method = 'list'": by path and ids, or by a
     * hide list of addresses; as it says nothing: by the better that is there.
     */
    enum xpci_hide_method {
        XPCI_HIDE_AUTO,
        XPCI_HIDE_IDENTITY,
        XPCI_HIDE_LIST,
    } method;
};

/*
 * Loads the file; a file that is not there holds no device. With @inv each
 * entry gets the address at which its device is now, by path and ids; one
 * whose device is gone keeps its own.
 */
int xpci_hide_conf_load(const struct xpci_root *root,
                        const struct xpci_inventory *inv,
                        struct xpci_hide_conf *conf,
                        struct xpci_error *err) _must_check_;
void xpci_hide_conf_clear(struct xpci_hide_conf *conf);

/*
 * Adds a device, unless an entry means it already. Of one that is gone, and
 * was at this address, the entry stays: it may come back elsewhere.
 */
int xpci_hide_conf_add(struct xpci_hide_conf *conf,
                       const struct xpci_inventory *inv,
                       const struct xpci_device *dev,
                       struct xpci_error *err) _must_check_;
/* Makes the entry of the device that is at @bdf, if any, a permissive one. */
int xpci_hide_conf_permit(const struct xpci_hide_conf *conf,
                          const struct xpci_bdf *bdf,
                          struct xpci_error *err) _must_check_;
void xpci_hide_conf_remove(struct xpci_hide_conf *conf,
                           const struct xpci_hidden *entry);
/*
 * The entry of the device that is at @bdf, or NULL. Where a device that is gone
 * has been says nothing of what is there now.
 */
const struct xpci_hidden *xpci_hide_conf_find(const struct xpci_hide_conf *conf,
                                              const struct xpci_bdf *bdf);

/*
 * The text that /etc/xpci.conf is to have: the present one with the entries
 * that are missing added and those that are too many dropped, every other
 * byte kept. *out is NULL if nothing is left that a person wrote.
 */
int xpci_hide_conf_text(const struct xpci_hide_conf *conf,
                        const struct xpci_root *root, char **out,
                        struct xpci_error *err) _must_check_;

/*
 * The text of /etc/modprobe.d/xpci.conf: the hide list as option of
 * @module, pciback's name, and a softdep for each native driver, so that
 * pciback is there first (modprobe.d(5)). Returns 0 or -errno.
 */
int xpci_hide_conf_modprobe(const struct xpci_hide_conf *conf,
                            const char *module, const struct xpci_strv *drivers,
                            char **out, struct xpci_error *err) _must_check_;

/* What the boot knows devices by: "0000:00:1c.1/02.0=8086:100e" each. */
int xpci_hide_conf_identities(const struct xpci_hide_conf *conf,
                              struct xpci_strv *out,
                              struct xpci_error *err) _must_check_;

/*
 * The pciback hide list, "(0000:03:00.0)(0000:03:02.0)". Not with the address
 * of a device that is gone where another one is now: that was never meant.
 */
int xpci_hide_conf_list(const struct xpci_hide_conf *conf, char **out,
                        struct xpci_error *err) _must_check_;

/*
 * Checks that the device now at the entry's BDF is the one that was meant.
 * Returns 0, or -ENODEV with *why (malloc'ed) what is there instead.
 */
int xpci_hidden_check(const struct xpci_hidden *hidden,
                      const struct xpci_inventory *inv,
                      char **why) _must_check_;

#define _cleanup_hide_conf_ _cleanup_(xpci_hide_conf_clear)
