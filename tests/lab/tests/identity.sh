# A card put in before the hidden ones moves them to other buses: they are
# hidden all the same, and what is at their old addresses, or is their twin, is
# not. Without Xen every card is its native driver's.
# machine-2: -device pcie-root-port,id=p0,chassis=9,addr=1b.0
# machine-2: -device e1000e,bus=p0
# shellcheck shell=bash disable=SC2154

boot1() {
	run xpci -q hide 03:02.0 05:00.0
	is 'hide succeeds' 0 "$status"
	ok 'there is no hide list' test ! -e /etc/modprobe.d/xpci.conf
}

boot2() {
	local bdf
	say 'boot 2: a card is in bus 1, and the others have moved by one'
	is 'the new card is the twin of a hidden one' '0x8086 0x10d3' \
		"$(cd /sys/bus/pci/devices/0000:01:00.0 && xargs <vendor) $(
			cat /sys/bus/pci/devices/0000:01:00.0/device)"
	is 'those meant are hidden, where they are now' \
		'0000:04:00.0 0000:04:02.0 0000:06:00.0 0000:06:00.1' "$(hidden)"
	for bdf in 04:00.0 04:02.0 06:00.0 06:00.1; do
		is "no native driver ever had $bdf" pciback "$(had "0000:$bdf")"
	done
	is 'the twin is with its driver' e1000e "$(driver 0000:01:00.0)"
	unlike 'what is at an old address is not hidden' pciback \
		"$(driver 0000:03:00.0) $(driver 0000:05:00.0)"
	run xpci status
	is 'status says effective' 0 "$status"
	like 'at the new address' '0000:06:00\.1 effective' "$output"
	run xpci hide
	is 'and there is nothing to do' 0 "$status"
	unlike 'no image is made anew' rebuilding "$errout"
}

boot3() {
	say 'boot 3: the card is out again'
	is 'the same are hidden, where they were' \
		'0000:03:00.0 0000:03:02.0 0000:05:00.0 0000:05:00.1' "$(hidden)"
	is 'no native driver ever had 03:02.0' pciback "$(had 0000:03:02.0)"
	run xpci status
	is 'status says effective' 0 "$status"

	say 'An image that is made anew, as a new kernel has it made, hides too.'
	local start=$SECONDS
	run update-initramfs -u
	say "(update-initramfs took $((SECONDS - start)) s)"
	ok 'there is no segment of its own in it' \
		test -z "$(zstd -qdc /initrd.img | grep -a xpci-appended)"
	run xpci initrd check
	is 'it is proven' 0 "$status"
	next_boot_bare
}

boot4() {
	say 'boot 4: without Xen'
	ok 'there is no Xen' test ! -e /sys/hypervisor/type
	wait_for 20 'every card is with its native driver' native
	unlike 'nothing is said of hiding' 'xpci: ' "$(dmesg)"
}

native() {
	[ "$(driver 0000:03:00.0) $(driver 0000:03:02.0) $(driver 0000:05:00.0
		) $(driver 0000:05:00.1)" = '8139cp e1000 e1000e e1000e' ]
}
