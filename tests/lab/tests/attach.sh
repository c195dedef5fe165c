# Attach and detach under everything that goes wrong, xl used in between, and
# what reconcile makes of it. The cards are put into pciback by hand, so there
# is one boot.
# shellcheck shell=bash disable=SC2154,SC2086

card=03:02.0

# All that a call may leave behind.
traces() {
	xenstore-ls -f | grep -E '/pci/' | grep -vE 'driver_path|= ""$'
	(cd /sys/bus/pci/drivers/pciback && echo 0000:* && cat permissive)
	xl pci-assignable-list | sort
}

does() { # does CMD...: must succeed
	run "$@"
	is "works: $*" 0 "$status"
}

refused() { # refused STATUS REGEX CMD...
	local want=$1 regex=$2
	shift 2
	run "$@"
	is "exit status $want: $*" "$want" "$status"
	like "says why: $*" "$regex" "$errout"
}

fine() { # fine WHEN
	run xpci reconcile
	is "$1 nothing disagrees" '0:' "$status:$output"
}

same() { # same WHEN
	is "$1 no trace is left" "$before" "$(traces)"
}

boot1() {
	local c
	modprobe xen-pciback
	echo 2 >/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs
	vf=$(basename "$(readlink /sys/bus/pci/devices/0000:01:00.0/virtfn0)")
	for c in 03:00.0 03:02.0 05:00.0 05:00.1 "$vf"; do
		xl pci-assignable-add "$c"
	done
	start_guest
	before=$(traces)
	fine 'at first'
	function_of_nvme
	reconciling
	together
	# the last: 05:00.0 and 03:00.0 have IRQ 16, and a guest that gave back such
	# a card is deaf (docs/design/attach.md)
	with_group
}

reconciling() {
	local slots monitor
	say "libxl's note is gone, as after a failed xl pci-attach"
	does xpci attach winxp $card 7
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0 8086:100e'
	say 'a device model without a second monitor, as in a stub domain'
	does xpci slots winxp
	slots=$output monitor=/run/xen/qmp-libxenstat-$(xl domid winxp)
	mv "$monitor" /run/xen/away
	does xpci slots winxp
	is 'libxl knows the same slots' "$slots" "$output"
	mv /run/xen/away "$monitor"
	say 'without the note'
	xenstore-rm /libxl/pci/0000-03-02-0/domid
	run xpci reconcile
	is 'reconcile says 5' 5 "$status"
	like 'the device would be given away' \
		'0000:03:02.0 +winxp +wrong +libxl has no note' "$output"
	run xpci reconcile --fix
	is 'fix says 0' 0 "$status"
	like 'it is fixed' '0000:03:02.0 +winxp +fixed' "$output"
	is 'the note is back' "$(xl domid winxp)" \
		"$(xenstore-read /libxl/pci/0000-03-02-0/domid)"
	does xpci detach --timeout 60 winxp $card
	same 'then'

	say 'a guest that is gone, its records are not'
	xenstore-write /local/domain/0/backend/pci/99/0/num_devs 1 \
		/local/domain/0/backend/pci/99/0/dev-0 0000:03:00.0 \
		/libxl/99/device/pci/0/backend-id 0 \
		/libxl/pci/0000-03-00-0/domid 99 \
		/local/domain/0/backend/pci/98/0/num_devs junk \
		/libxl/pci/0000-05-00-0/domid "$(xl domid winxp)"
	run xpci reconcile
	is 'reconcile says 5' 5 "$status"
	is 'each has its row' 4 "$(grep -c ' wrong ' <<<"$output")"
	run xpci reconcile --fix --json
	is 'fix says 0' 0 "$status"
	is 'all are fixed' 4 "$(grep -c '"state": *"fixed"' <<<"$output")"
	same 'then'
}

# Several devices in a call.
together() {
	say 'all or none, or those that can'
	refused 1 'slot 1 of .winxp. is taken' \
		xpci attach winxp 03:00.0@7 03:02.0@1
	refused 2 'slot 7 is asked for' xpci attach winxp 03:00.0@7 03:02.0@7
	refused 2 'are one' xpci attach winxp 03:00.0@7 03:00.0@8
	refused 2 'seized' xpci attach winxp 03:00.0@7,seize=1
	refused 2 'unknown option' xpci attach winxp 03:00.0@7,seise=1
	same 'after refusals'
	refused 1 'slot 1 of .winxp. is taken' \
		xpci attach --keep-going --persist winxp 03:02.0@7 05:00.0@1
	like 'the other one is there' 'winxp +0000:03:02.0 +7' "$output"
	is 'and in the file' "pci = ['03:02.0@7']" \
		"$(grep '^pci' /etc/xen/winxp.cfg)"
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0 8086:100e'
	does xpci detach --timeout 60 --persist winxp 03:02.0
	same 'then'
}

both() {
	[ "$(guest_log | grep -c 'GUEST-PCI + .* 8086:10d3')" = 2 ]
}

with_group() {
	say 'two in one call, and the guest sees both'
	does xpci attach --with-group winxp 05:00.0@9
	like 'the group is with it' '0000:05:00\.1' "$output"
	wait_for 60 'the guest has both' both
	does xpci detach --timeout 60 winxp 05:00.0 05:00.1
	same 'then'
}

function_of_nvme() {
	say 'a virtual function'
	does xpci attach winxp "$vf@8,permissive=1"
	wait_guest 30 'GUEST-PCI \+ 0000:00:08.0 1b36:0010'
	is 'it is permissive while the guest has it' "$vf" \
		"$(cat /sys/bus/pci/drivers/pciback/permissive)"
	does xpci detach --timeout 60 winxp "$vf"
	same 'then'
}
