/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits of a plain list of strings, in the style that is there and without
 * touching another byte: xpci's own configuration. Guests' pci lists have
 * their own rules (cfg-pci.h).
 */
#pragma once

#include "cfg.h"

/* Adds @value at the end of list @key; a list that is not there is made. */
int xpci_cfg_list_add(struct xpci_cfg **cfg, const char *key, const char *value,
                      struct xpci_error *err) _must_check_;

/* Drops every item of list @key that is @value. */
int xpci_cfg_list_drop(struct xpci_cfg **cfg, const char *key,
                       const char *value, struct xpci_error *err) _must_check_;

/*
 * -EINVAL with the place of the first key that is none of @keys, NULL ends, or
 * that a later statement replaces.
 */
int xpci_cfg_only_keys(const struct xpci_cfg *cfg, const char *const *keys,
                       struct xpci_error *err) _must_check_;
