# What attach.sh does to an HVM guest, as far as it makes sense, for a PV guest:
# there xen-pcifront finds the device, and xen-pciback chooses the slot. "trap:"
# lines are the table of docs/traps.md.
# full
# deadline: 1800
# with: attach.sh
# shellcheck shell=bash disable=SC2034,SC2086,SC2154,SC2016

kills=4

# winxp's initrd with xen-pcifront, on another console.
make_pv() {
	local dir=/root/pv
	mkdir -p $dir
	(cd $dir && zcat /var/lib/xen/images/winxp-initrd | cpio -id --quiet)
	cp "$(modinfo -n xen-pcifront)" $dir/xen-pcifront.ko
	sed 's/ttyS0/hvc0/' $dir/init >$dir/init.pv
	cat >$dir/init <<-'END'
	#!/bin/busybox sh
	/bin/busybox insmod /xen-pcifront.ko
	exec /bin/busybox sh /init.pv
	END
	chmod 755 $dir/init
	(cd $dir && find . | cpio -o -H newc --quiet) |
		gzip -1 >/var/lib/xen/images/pv-initrd
	cat >/etc/xen/pv.cfg <<-'END'
	name = "pv"
	type = "pv"
	memory = 192
	kernel = "/vmlinuz"
	ramdisk = "/var/lib/xen/images/pv-initrd"
	cmdline = "console=hvc0 quiet iommu=soft mitigations=off"
	passthrough = "enabled"
	on_crash = "preserve"
	END
	sed 's/^name.*/name = "bare"/; s/"enabled"/"disabled"/' /etc/xen/pv.cfg \
		>/etc/xen/bare.cfg
	sed 's/^name.*/name = "mute"/; s/pv-initrd/winxp-initrd/' /etc/xen/pv.cfg \
		>/etc/xen/mute.cfg
}

# Without what the guest's driver writes as it lets go.
traces() {
	xenstore-ls -f | grep -E '/pci/' |
		grep -vE 'driver_path|= ""$|^/local/domain/[0-9]*/error/'
	(cd /sys/bus/pci/drivers/pciback && echo 0000:* && cat permissive)
	xl pci-assignable-list | sort
}

trap_row() { # trap_row WHAT XL XPCI
	say "trap: | $1 | $2 | $3 |"
}

has() { # has GUEST BDF: by libxl's records
	xl pci-list "$1" | grep -c "$2" || true
}

seconds() { # seconds CMD...: run, and how long it took
	local start=$SECONDS
	run "$@"
	took=$((SECONDS - start))
}

boot1() {
	modprobe xen-pciback
	xl pci-assignable-add 03:00.0
	xl pci-assignable-add $card
	xl pci-assignable-add 05:00.0
	xl pci-assignable-add 05:00.1
	make_pv
	guest=pv
	guest_log=/var/log/xen/pv-console.log
	does xl create /etc/xen/pv.cfg
	tail -f /dev/null | xl console -t pv pv >$guest_log 2>&1 &
	wait_guest 300 GUEST-UP
	before=$(traces)
	fine 'at first'
	come_and_go
	killed
	silent
	late_of_two
	late_blocks
	does xl destroy pv
	run xpci reconcile --fix
	same 'at last'
	without_passthrough
	without_driver
}

come_and_go() {
	local xl
	refused 2 'xen-pciback chooses the slot' xpci attach pv $card 7
	same 'then'
	run xl pci-attach pv $card@7
	xl="exit status $status, and \`pci-list\` says $(xl pci-list pv |
		awk 'END { print $1 }')"
	wait_guest 60 'GUEST-PCI \+ 0000:00:00.0 8086:100e'
	run xpci slots pv
	like 'slots knows better' "pv +0 +0000:$card +7 +attached" "$output"
	trap_row 'attach at slot 7 of a guest that sees the card at 0' "$xl" \
		'exit status 2, refused; `slots` says 0, requested 7'
	does xpci detach --timeout 60 pv $card
	wait_guest 60 'GUEST-PCI - 0000:00:00.0'
	same 'then'

	does xpci attach pv $card
	wait_guest 60 'GUEST-PCI \+ 0000:00:00.0 8086:100e'
	fine 'attached'
	run xpci slots pv
	like 'slots says so' "pv +0 +0000:$card .*attached" "$output"
	refused 1 'already attached' xpci attach pv $card
	does xpci detach --timeout 60 pv $card
	wait_guest 60 'GUEST-PCI - 0000:00:00.0'
	same 'then'
}

killed() {
	local i at what whole start
	start=${EPOCHREALTIME/./}
	does xpci attach pv $card
	whole=$(((${EPOCHREALTIME/./} - start) / 1000))
	does xpci detach --timeout 60 pv $card
	for ((i = 0; i < 2 * kills; i++)); do
		at=$((RANDOM % whole))
		what=attach
		if [ $((i % 2)) = 1 ]; then
			does xpci attach pv $card
			what=detach
		fi
		timeout -s KILL "$(printf '%d.%03d' $((at / 1000)) $((at % 1000)))" \
			xpci $what pv $card >/run/lab/out 2>&1 || true
		run xpci reconcile --fix
		is "$what killed after $at of $whole ms: all is right again" 0 \
			"$status"
		if [ "$(has pv $card)" != 0 ]; then
			does xpci detach --timeout 60 pv $card
		fi
		same "kill $i:"
	done
}

# A guest that does not answer.
silent() {
	local xl
	does xpci attach pv $card
	wait_guest 60 'GUEST-PCI \+ 0000:00:00.0'
	does xl pause pv
	refused 1 'paused' xpci attach pv 03:00.0
	seconds xpci detach --timeout 5 pv $card
	is 'xpci fails' 1 "$status"
	like 'and says why' 'did not let go' "$errout"
	fine 'nothing was taken from it:'
	does xl unpause pv
	does xpci detach --timeout 60 pv $card
	wait_guest 60 'GUEST-PCI - 0000:00:00.0'
	same 'then'

	does xpci attach pv $card
	does xl pause pv
	seconds xl pci-detach pv $card
	xl="exit status $status after $took s; in its list: $(has pv $card)"
	trap_row 'detach of a card from a PV guest that is paused' "$xl" \
		'exit status 1 after the 5 s of `--timeout 5`, nothing was revoked'
	does xl unpause pv
	wait_let_go 0000:00:00.0
	run xpci slots pv
	like 'slots says that only the record is left' \
		"0000:$card .*detached" "$output"
	does xpci detach --timeout 60 pv $card
	same 'then'
}

wait_let_go() { # wait_let_go VBDF
	wait_guest 60 "GUEST-PCI - $1"
	wait_for 60 'the backend is at rest' is_connected
}

is_connected() {
	[ "$(backend_state)" = 4 ]
}

# xl gives up on it; the other device keeps its record and its place.
late_of_two() {
	does xpci attach pv 03:00.0 $card
	wait_guest 60 'GUEST-PCI \+ 0000:00:01.0'
	does xl pause pv
	run xl pci-detach pv 03:00.0
	does xl unpause pv
	wait_let_go 0000:00:00.0
	does xpci reconcile --fix
	like 'reconcile removes the record' \
		'0000:03:00.0 pv +fixed Xen has taken it from the guest' "$output"
	is 'of that device alone' "1 $card" \
		"$(xl pci-list pv | awk '/:/ { n++; d = $2 } END { print n, substr(d, 6) }')"
	does xpci attach pv 03:00.0
	wait_guest 60 'GUEST-PCI \+ 0000:00:00.0'
	does xpci detach --timeout 60 pv 03:00.0
	does xpci detach --timeout 60 pv $card
	same 'then'
}

# Asked for another, xen-pciback comes to the record of what left late first.
late_blocks() {
	local xl
	does xpci attach pv 03:00.0
	wait_guest 60 'GUEST-PCI \+ 0000:00:00.0'
	does xl pause pv
	run xl pci-detach pv 03:00.0
	does xl unpause pv
	wait_let_go 0000:00:00.0
	refused 1 "has let go of 0000:03:00.0 .* run 'xpci detach pv" \
		xpci attach pv $card
	is 'the backend is at rest' 0 "$(is_connected; echo $?)"
	run xl pci-attach pv $card
	xl="exit status $status"
	wait_for 60 'the backend is asked' is_asked
	refused 1 'has not answered about another device within 30 s' \
		xpci attach pv 05:00.0
	trap_row "attach to a PV guest that has let go of another card after \
\`pci-detach\` had given up" "$xl, and for 30 s the backend, at state \
$(backend_state), answers nobody" 'exit status 1, refused, says what helps'
}

backend_state() {
	xenstore-read "/local/domain/0/backend/pci/$(xl domid pv)/0/state"
}

is_asked() {
	[ "$(backend_state)" = 7 ]
}

memory_of() { # memory_of GUEST: the ranges of host memory that it may map
	xl dmesg -c >/dev/null
	xl debug-keys q
	xl dmesg | sed -n "/to domain $(xl domid "$1"):/,/I.O Mem/s/.*I.O Memory *//p"
}

# Xen refuses it the device, but libxl asks Xen last.
without_passthrough() {
	local xl
	does xl create /etc/xen/bare.cfg
	before=$(traces)
	refused 1 'created without passthrough' xpci attach bare $card
	is 'it may map no memory of the card' '{ }' "$(memory_of bare)"
	same 'then'
	fine 'then'
	run xl pci-attach bare $card
	xl="exit status $status, and Xen lets the guest access the memory of the"
	xl+=" card: $(memory_of bare)"
	trap_row 'attach to a PV guest without passthrough' "$xl" \
		'exit status 1, refused before libxl is asked'
	does xl destroy bare
	run xpci reconcile --fix
	same 'at last'
}

# What no guest has touched goes back; xl waits for nobody.
without_driver() {
	local xl
	does xl create /etc/xen/mute.cfg
	before=$(traces)
	refused 1 'has not taken .* within 30 s: load xen-pcifront' \
		xpci attach mute $card
	same 'then'
	is 'it may map no memory of the card' '{ }' "$(memory_of mute)"
	fine 'then'
	does xl pci-attach mute $card
	xl='exit status 0'
	seconds xl pci-detach mute $card
	xl+=", and \`pci-detach\` $status after $took s; in its list then:"
	xl+=" $(has mute $card)"
	trap_row 'attach to a PV guest without xen-pcifront' "$xl" \
		'exit status 1, and nothing is left'
	does xpci detach mute $card
	same 'then'
	does xl pci-attach mute $card
	does xpci detach mute $card
	same 'then'
	does xl destroy mute
	run xpci reconcile --fix
	same 'at last'
}
