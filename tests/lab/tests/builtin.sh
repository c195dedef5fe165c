# A kernel that has pciback in it, and a card's driver too: cards are hidden by
# identity, and by a list that GRUB's own grub-mkconfig puts on the command line.
# full
# payload: kernel
# debian: grub2-common
# debian: grub-pc-bin
# deadline: 1800
# shellcheck shell=bash disable=SC2154

drop_in=/etc/default/grub.d/xpci.cfg
list='xen-pciback.hide=\(0000:03:00.0\)\(0000:03:02.0\)'
list+='\(0000:05:00.0\)\(0000:05:00.1\)'

# Debian's way to boot, in place of the lab's.
install_grub() {
	DEBIAN_FRONTEND=noninteractive dpkg -i /lab/debian/grub*/*.deb \
		>/run/lab/dpkg 2>&1 || fail 'GRUB is there' "$(cat /run/lab/dpkg)"
	cp -r /usr/lib/grub/i386-pc /boot/grub
	# the lab's GRUB does not search, and Linux may call the first disk sdb
	echo "(hd0) $(findmnt -no SOURCE / | tr -d 0-9)" >/boot/grub/device.map
	mkdir -p /etc/default/grub.d
	cat >/etc/default/grub <<-'EOF'
	GRUB_DEFAULT=0
	GRUB_TIMEOUT=0
	GRUB_DISABLE_SUBMENU=y
	GRUB_DISABLE_OS_PROBER=true
	GRUB_TERMINAL=console
	GRUB_CMDLINE_LINUX="console=hvc0 init=/lab/init net.ifnames=0"
	EOF
	# without Xen is not what is to come up first
	chmod a-x /etc/grub.d/10_linux
	# the lab's own, without the line's end
	echo "GRUB_CMDLINE_XEN=\"$(sed -n '/^multiboot2/,/[^\\]$/p' \
		/boot/grub/grub.cfg | tr -d '\\\n' | cut -d ' ' -f 3-)\"" \
		>>/etc/default/grub
	run grub-mkconfig -o /boot/grub/grub.cfg
}

boot1() {
	local new
	new=$(cd /lab/kernel-tree/lib/modules && echo *)
	cp -a /lab/kernel-tree/boot/. /boot
	cp -a /lab/kernel-tree/lib/modules/. /lib/modules
	run update-initramfs -c -k "$new"
	is 'the kernel has an image' 0 "$status"
	install_grub
	is 'GRUB has its menu' 0 "$status"
}

boot2() {
	like 'the new kernel runs' '-builtin$' "$(uname -r)"
	like 'with pciback in it' xen-pciback.ko \
		"$(cat "/lib/modules/$(uname -r)/modules.builtin")"
	is 'and all is with its driver' '8139cp e1000' \
		"$(driver 0000:03:00.0) $(driver 0000:03:02.0)"
	run xpci -q hide 03:02.0
	is 'hide succeeds' 0 "$status"
	ok 'without the command line' test ! -e $drop_in
}

boot3() {
	say 'boot 3: by identity'
	is 'both cards are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	like 'also from the driver in the kernel' pciback "$(had 0000:03:00.0)"
	is 'the module never had the other' pciback "$(had 0000:03:02.0)"
	is 'the neighbours are with theirs' e1000e "$(driver 0000:05:00.0)"
	run xpci status
	is 'status says effective' 0 "$status"

	run xpci -q unhide 03:02.0
	is 'unhide succeeds' 0 "$status"
	cp /boot/grub/grub.cfg /var/lib/lab/grub.cfg
	run xpci -q hide 03:02.0 05:00.0
	echo "method = 'list'" >>/etc/xpci.conf
	run xpci -q hide
	is 'hide by a list succeeds' 0 "$status"
	like 'it is on the command line to be' "$list" "$(cat $drop_in)"
	run xpci status
	is 'status says pending' 4 "$status"
}

boot4() {
	local card

	say 'boot 4: by the list'
	like 'it is on the command line' "$list" "$(cat /proc/cmdline)"
	is 'all are hidden' \
		'0000:03:00.0 0000:03:02.0 0000:05:00.0 0000:05:00.1' "$(hidden)"
	say 'a pciback in the kernel is faster than other drivers in it'
	for card in 03:00.0 03:02.0 05:00.0 05:00.1; do
		is "no driver ever had $card" pciback "$(had 0000:$card)"
	done
	run xpci status
	is 'status says effective' 0 "$status"

	run xpci -q unhide 03:02.0 05:00.0
	is 'unhide succeeds' 0 "$status"
	ok 'and takes its drop-in back' test ! -e $drop_in
	is 'and its words' '' \
		"$(diff /var/lib/lab/grub.cfg /boot/grub/grub.cfg)"
}

boot5() {
	say 'boot 5: as before'
	is 'all is with its driver' '8139cp e1000 e1000e' \
		"$(driver 0000:03:00.0) $(driver 0000:03:02.0) $(
			driver 0000:05:00.0)"
	unlike 'nothing is on the command line' pciback "$(cat /proc/cmdline)"
}
