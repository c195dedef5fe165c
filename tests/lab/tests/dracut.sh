# dracut instead of initramfs-tools, with a generic image: a card put in before
# the hidden ones moves them, and they are hidden all the same. Afterwards there
# is no trace of it, and an image that is appended to does as well.
# machine-2: -device pcie-root-port,id=p0,chassis=9,addr=1b.0
# machine-2: -device e1000e,bus=p0
# deadline: 1200
# shellcheck shell=bash disable=SC2154

hostonly=no
kept=/var/lib/lab
kernel=$(uname -r)
image=/boot/initrd.img-$kernel

# Small, but with the native drivers of all cards, which udev loads by alias.
boot1() {
	run dpkg --purge --force-depends initramfs-tools
	cat >/etc/dracut.conf.d/lab.conf <<-EOF
	hostonly="$hostonly"
	compress="zstd -1 -q -T0"
	early_microcode="no"
	do_strip="no"
	do_hardlink="no"
	nofscks="yes"
	drivers+=" ahci sd_mod ext4 e1000 e1000e 8139cp 8139too nvme "
	omit_dracutmodules+=" bash btrfs crypt dm dmraid i18n kernel-modules-extra "
	omit_dracutmodules+=" lunmask lvm mdraid multipath nvdimm overlay-root qemu "
	omit_dracutmodules+=" resume shutdown terminfo usrmount virtfs virtiofs "
	EOF
	find /etc /usr /boot -type f | sort >$kept/files.before
	is 'the image is of dracut' dracut "$(xpci initrd list -o GENERATOR |
		tail -n 1)"

	local start=$SECONDS
	run xpci hide --rebuild 03:02.0 05:00.0
	say "(hide took $((SECONDS - start)) s)"
	is 'hide succeeds' 0 "$status"
	like 'the new image is proven' "$image: proven: module, script" "$errout"
}

boot2() {
	local bdf
	say 'boot 2: a card is in bus 1, and the others have moved by one'
	ok 'dracut made what was booted' test -e /run/initramfs
	is 'those meant are hidden, where they are now' \
		'0000:04:00.0 0000:04:02.0 0000:06:00.0 0000:06:00.1' "$(hidden)"
	for bdf in 04:00.0 04:02.0 06:00.0 06:00.1; do
		is "no native driver ever had $bdf" pciback "$(had "0000:$bdf")"
	done
	is 'the others are with theirs' 'e1000e e1000e nvme ahci' "$(driver \
		0000:01:00.0) $(driver 0000:00:19.0) $(driver 0000:02:00.0
		) $(driver 0000:00:1f.2)"
	run xpci status
	is 'status says effective' 0 "$status"

	run xpci -q unhide 04:02.0 06:00.0
	is 'unhide succeeds' 0 "$status"
	is 'no file has come or gone' '' \
		"$(find /etc /usr /boot -type f | sort |
			comm -3 $kept/files.before -)"
	is 'the image has no file of xpci' '' "$(zstdcat "$image" |
		cpio -t --quiet | grep -E 'xpci|xen-pciback' || :)"
}

boot3() {
	say 'boot 3: as if nothing had been'
	is 'all are with their drivers' '8139cp e1000 e1000e e1000e' "$(driver \
		0000:03:00.0) $(driver 0000:03:02.0) $(driver 0000:05:00.0
		) $(driver 0000:05:00.1)"
	run xpci status
	is 'status has nothing to say' '0:' "$status:$output"

	cksum "$image" >$kept/sum
	files=$(lsinitrd "$image" | sed 1d) # but its size
	run xpci hide 03:02.0
	is 'hide appends to it' 0 "$status"
	unlike 'and does not rebuild' rebuilding "$errout"
	is 'lsinitrd lists it as before' "$files" "$(lsinitrd "$image" | sed 1d)"
}

boot4() {
	say 'boot 4: by what was appended'
	is 'both are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	is 'no native driver ever had 03:00.0' pciback "$(had 0000:03:00.0)"
	is 'no native driver ever had 03:02.0' pciback "$(had 0000:03:02.0)"
	run xpci -q unhide 03:02.0
	is 'unhide succeeds' 0 "$status"
	is 'the image is the one before' "$(cat $kept/sum)" "$(cksum "$image")"
}
