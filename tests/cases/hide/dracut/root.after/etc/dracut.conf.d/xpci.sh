#!/bin/sh
# Made by xpci from /etc/xpci.conf; what is changed here is lost.
# Gives devices to pciback before another driver has them: those that are at
# their path from the root bus with the ids that are meant, and no stranger.
# Also sourced, and in the smallest of shells: no exit, no program but modprobe.

xpci_devices='
0000:00:1c.1/00.0/00.0=10ec:8139
0000:00:1c.1/00.0/02.0=8086:100e'

xpci_say()
{
	echo "xpci: $*" >>"${XPCI_KMSG:-/dev/kmsg}"
}

# xpci_has_id DIR ID
xpci_has_id()
{
	read -r vendor <"$1/vendor" && read -r device <"$1/device" &&
		[ "${vendor#0x}:${device#0x}" = "$2" ]
}

# xpci_find PATH ID: sets $dev, or $why there is none
xpci_find()
{
	rest=$1 all=$sys/bus/pci/devices/${1%%/*} dev=
	while [ "$rest" != "${rest#*/}" ]; do
		rest=${rest#*/}
		all="$all/*:${rest%%/*}"
	done
	why="there is no device at its place"
	for found in $all; do
		[ -e "$found/vendor" ] || continue
		why="another device is at its place"
		xpci_has_id "$found" "$2" || continue
		# the buses of virtual functions share a place
		why="two such devices are at its place"
		[ -z "$dev" ] || return 1
		dev=$found
	done
	[ "$dev" ]
}

# xpci_take DIR: also from a driver that was faster, being in the kernel
xpci_take()
{
	bdf=${1##*/}
	[ ! -e "$drv/$bdf" ] || return 0
	if [ -e "$1/driver_override" ]; then
		echo pciback >"$1/driver_override"
	else
		echo "$bdf" >"$drv/new_slot"
	fi
	[ ! -e "$1/driver" ] || echo "$bdf" >"$1/driver/unbind"
	echo "$bdf" >"$drv/bind" && [ -e "$drv/$bdf" ]
}

# xpci_off: a person typed "xpci=off" behind the kernel's arguments
xpci_off()
{
	read -r args <"${XPCI_CMDLINE:-/proc/cmdline}"
	case " $args " in
	*" xpci=off "*) xpci_say "xpci=off: nothing is hidden" ;;
	*) return 1 ;;
	esac
}

xpci_seize()
{
	sys=${XPCI_SYS:-/sys} drv=$sys/bus/pci/drivers/pciback
	! xpci_off || return 0
	# again, for a list by hand that is malformed keeps it from being loaded;
	# or in a segment of its own, behind an image that does not know it
	modprobe -q xen-pciback || modprobe -q xen-pciback hide= ||
		(cd "${XPCI_LIB:-/lib}"/modules/*/xpci && ./insmod xen-pciback.ko)
	if [ ! -d "$drv" ]; then
		# without Xen every card is its native driver's
		[ ! -d "$sys/hypervisor/properties" ] ||
			xpci_say "xen-pciback does not load: nothing is hidden"
		return
	fi
	for entry in $xpci_devices; do
		what="${entry%=*} (${entry#*=})"
		if ! xpci_find "${entry%=*}" "${entry#*=}"; then
			xpci_say "$what is not hidden: $why"
		elif xpci_take "$dev"; then
			xpci_say "${dev##*/} is hidden, $what"
		else
			xpci_say "${dev##*/} is not hidden: pciback does not take it"
		fi
	done
}

[ "${1-}" = prereqs ] || (xpci_seize) 2>/dev/null
