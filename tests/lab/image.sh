#!/bin/bash
# image.sh SUITE OUT - build dom0's base disk: a Debian with Xen, booted by GRUB,
# without loop devices or mounts; and OUT.dev, what a plugin for its Xen is built
# with. Called by lab, which caches the result.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
suite=$1
out=$2
case $suite in
bookworm) xen=4.17 ;;
trixie) xen=4.20 ;;
*)
	echo "image.sh: no Xen release is known of \"$suite\"" >&2
	exit 1
	;;
esac
[ "$(id -u)" = 0 ] || {
	echo "image.sh: only root can make files of all owners" >&2
	exit 1
}

tmp=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf --one-file-system "$tmp"' EXIT

# The mirrors are this machine's, as apt knows them, but only Debian's own
# repositories, of this suite. None (another host system): mmdebstrap's default.
host=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
apt-get indextargets --format \
	"deb \$(REPO_URI) \$(RELEASE) \$(COMPONENT) \$(ORIGIN)" \
	'Created-By: Packages' |
	awk -v s="$suite" -v h="$host" '
		$5 == "Debian" && ($3 == h || $3 ~ "^" h "-(updates|security)$") {
			print $1, $2, s substr($3, length(h) + 1), $4
		}' >"$tmp/sources"
sources=()
[ ! -s "$tmp/sources" ] || sources=("$tmp/sources")

# So are proxies and the like.
apt-config dump | grep -E '^Acquire::(Check-|Retries|https?::)' \
	>"$tmp/apt.conf" || true

# Before any package: else the kernel's installation builds a big initrd.
put() { # put MODE FILE PATH
	install -D -m "$1" "$here/image/$2" "$tmp/tree/$3"
}
put 644 initramfs.conf etc/initramfs-tools/conf.d/lab
put 755 initramfs-hook etc/initramfs-tools/hooks/lab
put 644 grub.cfg boot/grub/grub.cfg
sed -i "s/@XEN@/$xen/" "$tmp/tree/boot/grub/grub.cfg"
put 755 init lab/init
mkdir -p "$tmp/tree/etc"
# No root in fstab: it would put fsck into the initrd, which costs 10 s each.
: >"$tmp/tree/etc/fstab"
echo dom0 >"$tmp/tree/etc/hostname"
echo '127.0.0.1 localhost dom0' >"$tmp/tree/etc/hosts"

# The tests' storage tools stay out of the initrd, which is to be small.
mmdebstrap --mode=root --variant=minbase --quiet \
	--include="$(sed "s/@XEN@/$xen/" "$here/image/packages" | paste -s -d,)" \
	--aptopt="$tmp/apt.conf" \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/initramfs-tools/hooks/btrfs' \
	--dpkgopt='path-exclude=/usr/share/initramfs-tools/hooks/dmsetup' \
	--dpkgopt='path-exclude=/usr/share/initramfs-tools/hooks/lvm2' \
	--dpkgopt='path-exclude=/usr/share/initramfs-tools/hooks/mdadm' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--essential-hook="cp -R '$tmp/tree/.' \"\$1\"" \
	--customize-hook="'$here/image/later-kernel' \"\$1\"" \
	"$suite" "$tmp/root" "${sources[@]}" >&2

# The guest has dom0's kernel and an initrd of busybox and guest-init, as small
# as can be: the device model hands both to its BIOS byte by byte, 2 s a MiB.
images=$tmp/root/var/lib/xen/images
mkdir -p "$tmp"/guest/{bin,dev,sys} "$images"
install -m 755 "$tmp/root/bin/busybox" "$tmp/guest/bin/busybox"
install -m 755 "$here/image/guest-init" "$tmp/guest/init"
(cd "$tmp/guest" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -9n \
	>"$images/winxp-initrd"

# What the plugin is built with, where its pkg-config finds it.
rm -rf "$out.dev"
mkdir "$tmp/dev"
(cd "$tmp/root" && cat var/lib/dpkg/info/libxen*.list | sed 's,^/,,' |
	grep -E '^usr/(include|lib/.*(\.so|\.pc))' | sort -u |
	tar -c --no-recursion -T -) | tar -x -C "$tmp/dev"
find "$tmp/dev" -name '*.pc' -exec sed -i "s,=/usr,=$out.dev/usr," {} +
mv "$tmp/dev" "$out.dev"

# MBR, GRUB in the gap behind it, and one partition with the file system.
disk=$tmp/disk
truncate -s 2G "$disk"
echo '2048,,L,*' | sfdisk --quiet "$disk"
mke2fs -q -t ext4 -L dom0 -E offset=1048576 -d "$tmp/root" "$disk" 2047m
echo 'configfile (hd0,msdos1)/boot/grub/grub.cfg' >"$tmp/grub.early"
grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -c "$tmp/grub.early" \
	-o "$tmp/core" biosdisk part_msdos ext2 multiboot2 linux configfile normal \
	gzio
dd if=/usr/lib/grub/i386-pc/boot.img of="$disk" bs=440 count=1 conv=notrunc \
	status=none
dd if="$tmp/core" of="$disk" bs=512 seek=1 conv=notrunc status=none
mv "$disk" "$out"
