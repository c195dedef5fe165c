# What must not work does not, says so in one line, and changes nothing: what
# dom0 lives on, a full disk, wrong rights. One boot, no guest.
# shellcheck shell=bash disable=SC2154

kernel=$(uname -r)
image=/boot/initrd.img-$kernel

# All that xpci could touch.
fingerprint() {
	find /etc /boot -xdev ! -type d -ls | cksum
	cksum "$image"
	find /sys/bus/pci/drivers -name '0000:*' | sort
}

refused() { # refused STATUS REGEX CMD...
	local want=$1 regex=$2
	shift 2
	run "$@"
	was_refused "$want" "$regex" "$@"
}

was_refused() { # was_refused STATUS REGEX CMD...: the last run
	local want=$1 regex=$2
	shift 2
	is "exit status $want: $*" "$want" "$status"
	like "says why: $*" "$regex" "$errout"
	is "in one line: $*" 1 "$(grep -c ^ <<<"$errout")"
}

boot1() {
	local before
	before=$(fingerprint)

	say 'what dom0 lives on'
	refused 3 '/ is on sd' xpci hide 00:1f.2
	refused 3 'default route is on' xpci hide 00:19.0
	refused 3 'bridge' xpci hide 02:00.0

	say 'devices that are not, or are none'
	refused 1 'no device' xpci hide 03:1f.7
	refused 2 'no PCI address' xpci hide 03:02
	refused 2 'no PCI address' xpci hide 03:02.0x
	refused 2 'no PCI address' xpci hide 3:20.0
	refused 2 'no PCI address' xpci hide 0000:03:02.8
	refused 1 'hidden by xpci' xpci unhide 03:02.0

	say 'without rights'
	refused 1 'needs root' setpriv --reuid 65534 --clear-groups \
		xpci hide 03:02.0
	refused 1 'needs root' setpriv --reuid 65534 --clear-groups \
		xpci attach winxp 03:02.0 7

	is 'nothing has changed' "$before" "$(fingerprint)"
	full_disk
}

# No room for another image: the files are taken back, the image stays.
full_disk() {
	local before
	say 'a full disk'
	before=$(fingerprint)
	# what is left for root, who may use the reserve too
	fallocate -l "$(($(stat -f -c '%f * %S' /) - 67108864))" /filler
	head -c 37748736 /dev/zero >>/filler # 16 MiB are ext4's own
	run xpci -q hide --rebuild 03:02.0
	rm /filler # the lab's own notes need room too
	is 'the rebuild fails' 1 "$status"
	like 'says what failed, last' "^xpci: rebuilding '$image'" \
		"$(tail -n 1 <<<"$errout")"
	like "in the generator's words why, before" 'No space left' "$errout"
	is 'files and image are as before' "$before" "$(fingerprint)"

	say 'no room for an image to which a little is appended'
	fallocate -l "$(($(stat -f -c '%f * %S' /) - 67108864))" /filler
	cat /dev/zero >>/filler || true
	truncate -s -3M /filler
	run xpci -q hide 03:02.0
	rm /filler
	was_refused 1 'No space' xpci -q hide 03:02.0
	is 'and all is as before' "$before" "$(fingerprint)"

	say 'no room for a small file'
	mount -t tmpfs -o size=4k tmpfs /etc/initramfs-tools/scripts/init-top
	head -c 4096 /dev/zero >/etc/initramfs-tools/scripts/init-top/filler
	refused 1 'No space' xpci -q hide 03:02.0
	umount /etc/initramfs-tools/scripts/init-top
	is 'again all is as before' "$before" "$(fingerprint)"

	say 'an interrupt in the middle of the rebuild'
	run timeout -s INT 12 xpci -q hide --rebuild 03:02.0
	is 'timeout had to interrupt it' 124 "$status"
	like 'says so' 'interrupted by signal 2' "$errout"
	is 'once more all is as before' "$before" "$(fingerprint)"

	like 'it works once there is room' 'proven' \
		"$(xpci hide 03:02.0 2>&1)"
}
