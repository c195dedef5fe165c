# A host whose root is on LVM, with dracut: the cards are hidden, the root comes
# up, and what it is on is not given away.
# full
# disk: 4G
# deadline: 1800
# shellcheck shell=bash disable=SC2154

boot1() {
	local disk
	run dpkg --purge --force-depends initramfs-tools
	cat >/etc/dracut.conf.d/lab.conf <<-'CONF'
	hostonly="no"
	compress="zstd -1 -q -T0"
	early_microcode="no"
	do_strip="no"
	do_hardlink="no"
	nofscks="yes"
	drivers+=" ahci sd_mod ext4 dm_mod e1000 e1000e 8139cp 8139too nvme "
	omit_dracutmodules+=" bash btrfs crypt dmraid i18n kernel-modules-extra "
	omit_dracutmodules+=" lunmask mdraid multipath nvdimm overlay-root qemu "
	omit_dracutmodules+=" resume shutdown terminfo usrmount virtfs virtiofs "
	CONF
	run xpci hide --rebuild 03:02.0
	is 'hide succeeds' 0 "$status"

	say 'the root moves to a logical volume; GRUB stays with the old one'
	disk=$(findmnt -n -o SOURCE /)
	disk=${disk%1}
	echo ',,8e' | sfdisk -q --append --no-reread \
		--no-tell-kernel "$disk"
	partx --add --nr 2 "$disk"
	udevadm settle
	pvcreate -q -y "${disk}2"
	vgcreate -q vg "${disk}2"
	lvcreate -q -y -l 100%FREE -n root vg
	mke2fs -q -t ext4 /dev/vg/root
	mount /dev/vg/root /mnt
	cp -ax /. /mnt
	umount /mnt
	sed -i 's,root=LABEL=dom0,root=/dev/vg/root rd.lvm.lv=vg/root,' \
		/boot/grub/grub.cfg
}

mount_boot() { # what GRUB reads
	mkdir -p /mnt/old
	mount LABEL=dom0 /mnt/old
	mount --bind /mnt/old/boot /boot
}

umount_boot() { # GRUB reads no journal
	umount /boot
	umount /mnt/old
}

boot2() {
	is 'the root is a logical volume' /dev/mapper/vg-root \
		"$(findmnt -n -o SOURCE /)"
	run xpci hide 00:1f.2
	is 'what the root is on is refused' 3 "$status"
	like 'with the way that leads there' \
		'/ is on vg-root, on sd[a-z]2?, on 0000:00:1f.2' "$errout"
	mount_boot
	is 'both cards are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	is 'no native driver ever had 03:00.0' pciback "$(had 0000:03:00.0)"
	is 'no native driver ever had 03:02.0' pciback "$(had 0000:03:02.0)"
	run xpci status
	is 'status says effective' 0 "$status"
	run xpci -q unhide --rebuild 03:02.0
	is 'unhide succeeds' 0 "$status"
	umount_boot
}

boot3() {
	is 'the root is a logical volume' /dev/mapper/vg-root \
		"$(findmnt -n -o SOURCE /)"
	mount_boot
	is 'the cards are with their drivers' '8139cp e1000' \
		"$(driver 0000:03:00.0) $(driver 0000:03:02.0)"
	run xpci hide 03:02.0
	is 'hide appends to the image' 0 "$status"
	unlike 'and does not rebuild' rebuilding "$errout"
	umount_boot
}

boot4() {
	mount_boot
	is 'both cards are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	run xpci status
	is 'status says effective' 0 "$status"
}
