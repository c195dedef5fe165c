/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help texts, made from the command and option tables. */
#ifndef XPCI_HELP_H
#define XPCI_HELP_H

#include "cmd.h"

/* Print, and return 0. */
int xpci_help_command(const struct xpci_cmd *cmd);
int xpci_help_version(void);

#endif
