# A host is brought up without its hidden card as a person would do it at GRUB's
# prompt: "xpci=off" behind dom0's arguments. The boot after that hides it again,
# also beside a list by hand that is malformed.
# shellcheck shell=bash disable=SC2154

boot1() {
	run xpci -q hide 03:02.0
	is 'hide succeeds' 0 "$status"
	cp /boot/grub/grub.cfg /var/lib/lab/grub.cfg
	# the line and those that continue it, as an editor shows them
	sed -i '/^module2 .*vmlinuz/,/[^\\]$/s/[^\\]$/& xpci=off/' \
		/boot/grub/grub.cfg
	ok 'the line has the word' grep -q 'init=.* xpci=off$' \
		/boot/grub/grub.cfg
}

boot2() {
	say 'boot 2: with xpci=off'
	like 'the kernel has the word' ' xpci=off' "$(cat /proc/cmdline)"
	like 'the script says so' 'xpci: xpci=off: nothing is hidden' "$(dmesg)"
	wait_for 20 'the cards are with their native drivers' native
	run xpci status
	is 'status: wrong, for GRUB has the word for the next boot too' 5 "$status"
	like 'status names it' "wrong +'xpci=off' on the kernel" "$output"
	cp /var/lib/lab/grub.cfg /boot/grub/grub.cfg
	run xpci status
	is 'status: pending, now that it has not' 4 "$status"
	unlike 'status calls nothing effective' ' effective ' "$output"

	# an image that has the module, with which a list by hand counts
	run update-initramfs -u
	is 'the image is made anew' 0 "$status"
	sed -i '/^module2 .*vmlinuz/,/[^\\]$/s/[^\\]$/& xen-pciback.hide=\\(05:00,0\\)/' \
		/boot/grub/grub.cfg
}

boot3() {
	say 'boot 3: with a list by hand that pciback refuses'
	like 'the kernel has it' ' xen-pciback.hide=\(05:00,0\)' "$(cat /proc/cmdline)"
	like 'pciback refuses it' "Error parsing pci_devs_to_hide" "$(dmesg)"
	is 'pciback has exactly these two' '0000:03:00.0 0000:03:02.0' \
		"$(cd /sys/bus/pci/drivers/pciback && echo 0000:*)"
	run xpci status
	is 'status says effective' 0 "$status"
}

native() {
	[ "$(driver 0000:03:00.0) $(driver 0000:03:02.0)" = '8139cp e1000' ]
}
