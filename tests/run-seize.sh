#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-seize.sh: initrd/seize.sh in the shells that initrds have, on made-up
# trees of /sys, in TAP: which devices it hands to pciback, and what it says.
# That a kernel then does it is for the lab to show.
set -euo pipefail
export LC_ALL=C

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0 failed=0

# device PATH VENDOR DEVICE: PATH below /sys/devices/pci0000:00
device()
{
	local dir=$work/sys/devices/pci0000:00/$1

	mkdir -p "$dir"
	echo "0x$2" >"$dir/vendor"
	echo "0x$3" >"$dir/device"
	echo '(null)' >"$dir/driver_override"
	ln -sfn "../../../devices/pci0000:00/$1" "$work/sys/bus/pci/devices/${1##*/}"
}

# tree BUS: a bridge with its cards on this bus, and a driver that has one
tree()
{
	rm -rf "$work/sys"
	mkdir -p "$work/sys/bus/pci/devices" "$work/sys/bus/pci/drivers/"{pciback,e1000}
	device 0000:00:1c.1 8086 3420
	mkdir "$work/sys/devices/pci0000:00/0000:00:1c.1/0000:00:1c.1:pcie001"
	device "0000:00:1c.1/0000:$1:00.0" 1b36 000e
	device "0000:00:1c.1/0000:$1:00.0/0000:$(printf %02x $((0x$1 + 1))):02.0" 8086 100e
	device 0000:00:05.0 8086 10d3
}

# seized SHELL DEVICES: what is handed over, then what is said
seized()
{
	sed "s|@DEVICES@|$2|" initrd/seize.sh >"$work/seize"
	: >"$work/said"
	env -i PATH="$work/bin:/usr/bin:/bin" XPCI_SYS="$work/sys" XPCI_KMSG="$work/said" \
		XPCI_CMDLINE="$work/cmdline" XPCI_LIB="$work/lib" \
		$1 "$work/seize" ${3-} || echo "status $?"
	(cd "$work/sys/bus/pci/devices" && grep -l pciback ./*/driver_override || true)
	(cd "$work/sys/bus/pci" && cat drivers/*/unbind drivers/*/new_slot 2>/dev/null || true)
	cat "$work/said"
}

# is WHAT EXPECTED ACTUAL
is()
{
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		diff -u <(echo "$2") <(echo "$3") | sed 's/^/# /'
		failed=1
	fi
}

# what pciback would do when it is asked to bind
accept()
{
	local bdf

	for bdf; do
		mkdir -p "$work/sys/bus/pci/drivers/pciback/$bdf"
	done
}

cards="0000:00:1c.1/00.0/02.0=8086:100e"
mkdir -p "$work/bin" "$work/lib/modules/6.1/xpci"
cat >"$work/bin/modprobe" <<'END'
#!/bin/sh
[ ! -e "$XPCI_SYS/unknown" ] || exit 1
[ -e "$XPCI_SYS/malformed" ] || exit 0
[ "$*" = '-q xen-pciback hide=' ] &&
	mkdir -p "$XPCI_SYS/bus/pci/drivers/pciback/0000:04:02.0"
END
printf '#!/bin/sh\n[ ! -e "$XPCI_SYS/unknown" ] || echo "$@" >>"$XPCI_KMSG"\n' >"$work/lib/modules/6.1/xpci/insmod"
chmod +x "$work/bin/modprobe" "$work/lib/modules/6.1/xpci/insmod"
echo "root=UUID=1 ro quiet" >"$work/cmdline"

for sh in dash bash "busybox sh" /usr/lib/klibc/bin/sh; do
	command -v ${sh%% *} >/dev/null || continue
	name=${sh##*/}
	tree 03
	is "$name: found by its path" \
		"./0000:04:02.0/driver_override
xpci: 0000:04:02.0 is not hidden: pciback does not take it" \
		"$(seized "$sh" "$cards")"
	is "$name: bound by its address" 0000:04:02.0 \
		"$(<"$work/sys/bus/pci/drivers/pciback/bind")"
	tree 07
	is "$name: the bus was renumbered" \
		"./0000:08:02.0/driver_override
xpci: 0000:08:02.0 is not hidden: pciback does not take it" \
		"$(seized "$sh" "$cards")"
	tree 03
	device 0000:00:1c.1/0000:03:00.0/0000:04:02.0 8086 100f
	is "$name: a stranger is left alone" \
		"xpci: 0000:00:1c.1/00.0/02.0 (8086:100e) is not hidden: another device is at its place" \
		"$(seized "$sh" "$cards")"
	tree 03
	rm -r "$work/sys/devices/pci0000:00/0000:00:1c.1/0000:03:00.0/0000:04:02.0"
	is "$name: absent, and the next one is taken" \
		"./0000:00:05.0/driver_override
xpci: 0000:00:1c.1/00.0/02.0 (8086:100e) is not hidden: there is no device at its place
xpci: 0000:00:05.0 is not hidden: pciback does not take it" \
		"$(seized "$sh" "$cards 0000:00:05.0=8086:10d3")"
	tree 03
	device 0000:00:1c.1/0000:03:00.0/0000:05:02.0 8086 100e
	is "$name: two at one place" \
		"xpci: 0000:00:1c.1/00.0/02.0 (8086:100e) is not hidden: two such devices are at its place" \
		"$(seized "$sh" "$cards")"
	tree 03
	ln -s ../../../bus/pci/drivers/e1000 "$work/sys/devices/pci0000:00/0000:00:05.0/driver"
	is "$name: a driver in the kernel was faster" \
		"./0000:00:05.0/driver_override
0000:00:05.0
xpci: 0000:00:05.0 is not hidden: pciback does not take it" \
		"$(seized "$sh" 0000:00:05.0=8086:10d3)"
	tree 03
	rm "$work/sys/devices/pci0000:00/0000:00:05.0/driver_override"
	is "$name: a kernel without driver_override" \
		"0000:00:05.0
xpci: 0000:00:05.0 is not hidden: pciback does not take it" \
		"$(seized "$sh" 0000:00:05.0=8086:10d3)"
	tree 03
	accept 0000:04:02.0
	is "$name: pciback has it already" "xpci: 0000:04:02.0 is hidden, 0000:00:1c.1/00.0/02.0 (8086:100e)" \
		"$(seized "$sh" "$cards")"
	tree 03
	rmdir "$work/sys/bus/pci/drivers/pciback"
	is "$name: without Xen nothing is touched" "" "$(seized "$sh" "$cards")"
	mkdir -p "$work/sys/hypervisor/properties"
	is "$name: Xen without pciback" \
		"xpci: xen-pciback does not load: nothing is hidden" \
		"$(seized "$sh" "$cards")"
	touch "$work/sys/unknown"
	is "$name: a module that modprobe does not know" \
		"xen-pciback.ko
xpci: xen-pciback does not load: nothing is hidden" \
		"$(seized "$sh" "$cards")"
	tree 03
	rmdir "$work/sys/bus/pci/drivers/pciback"
	touch "$work/sys/malformed"
	# busybox's shell has a modprobe of its own
	[ "$sh" = "busybox sh" ] || is "$name: a list by hand that keeps the module from being loaded" \
		"xpci: 0000:04:02.0 is hidden, 0000:00:1c.1/00.0/02.0 (8086:100e)" \
		"$(seized "$sh" "$cards")"
	tree 03
	is "$name: no prerequisites, and nothing done" "" \
		"$(seized "$sh" "$cards" prereqs)"
	cp "$work/cmdline" "$work/usual"
	echo "root=UUID=1 xpci=off" >"$work/cmdline"
	is "$name: switched off at the boot" "xpci: xpci=off: nothing is hidden" \
		"$(seized "$sh" "$cards")"
	echo "root=UUID=1 xpci=offer" >"$work/cmdline"
	is "$name: not quite the word" "xpci: 0000:04:02.0 is hidden, 0000:00:1c.1/00.0/02.0 (8086:100e)" \
		"$(accept 0000:04:02.0; seized "$sh" "$cards")"
	mv "$work/usual" "$work/cmdline"
done
echo "1..$n"
[ "$failed" = 0 ]
