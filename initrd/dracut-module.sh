#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A dracut module, installed as modules.d/90xpci/module-setup.sh: the script
# that 'xpci hide' makes runs before udev. Without one there is nothing to do.

xpci_script=/etc/dracut.conf.d/xpci.sh

check()
{
	[[ -e ${dracutsysrootdir-}$xpci_script ]]
}

install()
{
	inst_hook pre-udev 00 "$xpci_script"
}
