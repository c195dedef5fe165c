# What is appended is compressed as the image is: with each compressor that
# Debian's kernel and initramfs-tools know the boot has it, and the tools that
# list an image go on reading it. zstd is what the other tests have.
# full
# deadline: 1200
# shellcheck shell=bash disable=SC2154

kept=/var/lib/lab
image=/boot/initrd.img-$(uname -r)

boot1() {
	zstd -qdc "$image" >$kept/cpio
	cpio -t --quiet <$kept/cpio | sort >$kept/list
	say 'As the entry is, GRUB unpacks gzip itself, and would only the start.'
	gzip -1n <$kept/cpio >"$image"
	run xpci hide --dry-run 03:02.0
	like 'then it is not appended to' 'has no --nounzip' "$errout"
	like 'but rebuilt' 'run: update-initramfs' "$output"
	sed -i 's,^module2 /initrd,module2 --nounzip /initrd,' /boot/grub/grub.cfg
	append_to gzip -1n
}

boot2() {
	was_appended
	append_to xz -0 --check=crc32
}

boot3() {
	was_appended
	append_to lz4 -lq
}

boot4() {
	was_appended
	append_to bzip2 -1
}

boot5() {
	was_appended
}

# The same image, compressed so, and the cards are hidden by appending to it.
append_to() { # append_to COMPRESSOR...
	say "$1"
	"$@" <$kept/cpio >$kept/image
	cat $kept/image >"$image"
	run xpci hide 03:02.0
	is 'hide succeeds' 0 "$status"
	unlike 'by appending' rebuilding "$errout"
	ok 'image and segment are one stream' in_stream "$1"
	is 'lsinitramfs lists the image' "$(cat $kept/list)" \
		"$(lsinitramfs "$image" 2>&1 | sort)"
	rm -rf $kept/tree
	ok 'unmkinitramfs unpacks it' unmkinitramfs "$image" $kept/tree
	ok 'all of it' test -e $kept/tree/scripts/init-top/ORDER
}

in_stream() { # in_stream COMPRESSOR
	"$1" -dc <"$image" | grep -qa 00-xpci
}

was_appended() {
	is 'both cards are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	is 'no native driver ever had 03:00.0' pciback "$(had 0000:03:00.0)"
	is 'no native driver ever had 03:02.0' pciback "$(had 0000:03:02.0)"
	run xpci -q unhide 03:02.0
	is 'unhide succeeds' 0 "$status"
	ok 'the image is the one before' cmp $kept/image "$image"
}
