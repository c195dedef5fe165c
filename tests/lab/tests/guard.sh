# What dom0 lives on, through real stacks of storage and networks down to the
# card: each is refused with its chain, and the neighbour that is free is not.
# Two disks on controllers of their own, 00:06.0 and 00:07.0, and a free one,
# 00:08.0. One boot, no guest.
# machine: -device ich9-ahci,id=a,addr=06.0 -device ide-hd,bus=a.0,drive=a
# machine: -device ich9-ahci,id=b,addr=07.0 -device ide-hd,bus=b.0,drive=b
# machine: -device ich9-ahci,id=c,addr=08.0 -device ide-hd,bus=c.0,drive=c
# machine: -drive if=none,id=a,@SCRATCH@ -drive if=none,id=b,@SCRATCH@
# machine: -drive if=none,id=c,@SCRATCH@
# shellcheck shell=bash disable=SC2154

disk() { # disk BDF
	basename "/sys/bus/pci/devices/0000:$1"/ata*/host*/target*/*/block/*
}

nic() { # nic BDF
	basename "/sys/bus/pci/devices/0000:$1"/net/*
}

hide() { # hide BDF
	run xpci hide -n --scope=device "$1"
}

refused() { # refused "lives on"|"uses" CHAIN: to the card at its end
	hide "${2##*0000:}"
	is "refused: $2" 3 "$status"
	like "with its chain" "dom0 $1 ${2##* } \(asked for\): $2" "$errout"
}

free() { # free BDF
	hide "$1"
	is "$1 is free" 0 "$status"
}

boot1() {
	local a b
	a=$(disk 00:06.0)
	b=$(disk 00:07.0)
	mkdir -p /efi /data
	storage "$a" "$b"
	network "$(nic 00:19.0)" "$(nic 05:00.0)"
	hide 04:00.0
	like 'the screen is told of' 'boot screen is on 0000:04:00.0' "$errout"
	is 'and can be hidden: there is a serial console' 0 "$status"
}

storage() { # storage DISK DISK
	local a=$1 b=$2

	say 'a plain disk'
	free 00:06.0
	mke2fs -q "/dev/$a"
	mount "/dev/$a" /data
	refused uses "/data is on $a, on 0000:00:06.0"
	free 00:07.0
	umount /data
	free 00:06.0

	say 'LVM on RAID'
	mdadm --create /dev/md0 --run --assume-clean --level=1 \
		--raid-devices=2 --metadata=1.2 "/dev/$a" "/dev/$b" 2>/dev/null
	lvm vgcreate -qq vg0 /dev/md0
	lvm lvcreate -qq -y -L 32M -n root vg0
	mke2fs -q /dev/vg0/root
	mount /dev/vg0/root /efi
	refused 'lives on' "/efi is on vg0-root, on md0, on $a, on 0000:00:06.0"
	refused 'lives on' "/efi is on vg0-root, on md0, on $b, on 0000:00:07.0"
	free 00:08.0
	umount /efi

	say 'dm-crypt on LVM, and swap'
	cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 \
		--key-file /dev/zero /dev/vg0/root secret
	mkswap -q /dev/mapper/secret
	swapon /dev/mapper/secret
	refused 'lives on' \
		"swap is on secret, on vg0-root, on md0, on $b, on 0000:00:07.0"
	free 00:08.0
	swapoff /dev/mapper/secret
	cryptsetup close secret
	lvm vgremove -qq -f vg0

	say 'a partition of an array, and a file in it'
	echo ',16M' | sfdisk -q /dev/md0
	udevadm settle
	mke2fs -q /dev/md0p1
	mount /dev/md0p1 /data
	truncate -s 4M /data/image
	mke2fs -q /data/image
	modprobe loop
	mount -o loop /data/image /efi
	refused 'lives on' \
		"/efi is on loop0, on /data/image, on md0p1, on $a, on 0000:00:06.0"
	free 00:08.0
	umount /efi /data
	mdadm --stop /dev/md0 2>/dev/null
	mdadm --zero-superblock "/dev/$a" "/dev/$b"
	free 00:06.0

	say 'btrfs over both'
	modprobe btrfs
	mkfs.btrfs -q -f -d single -m raid1 "/dev/$a" "/dev/$b"
	btrfs -q device scan
	mount -t btrfs "/dev/$b" /efi
	refused 'lives on' "/efi is on $a, on 0000:00:06.0"
	refused 'lives on' "/efi is on $b, on 0000:00:07.0"
	free 00:08.0
	umount /efi
	free 00:07.0
}

network() { # network THE-HOST'S ANOTHER
	local nic=$1 other=$2

	# QEMU announces an IPv6 router, whose route would stay on the card
	echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6

	say 'the plain card'
	refused 'lives on' "the default route is on $nic, on 0000:00:19.0"
	free 05:00.0

	say 'a bridge'
	ip link add xenbr0 type bridge
	ip addr flush dev "$nic"
	ip link set "$nic" master xenbr0
	ip addr add 10.0.2.15/24 dev xenbr0
	ip link set xenbr0 up
	ip route add default via 10.0.2.2
	refused 'lives on' \
		"the default route is on xenbr0, on $nic, on 0000:00:19.0"
	free 05:00.0

	say 'a bond'
	modprobe bonding max_bonds=0
	ip link add bond0 type bond
	ip link set "$other" down
	ip link set "$other" master bond0
	ip addr add 10.9.0.1/24 dev bond0
	ip link set bond0 up
	refused uses "a network of dom0 is on bond0, on $other, on 0000:05:00.0"
	free 05:00.1

	say 'a VLAN on it'
	ip link add link bond0 name bond0.5 type vlan id 5
	ip addr add 10.9.5.1/24 dev bond0.5
	ip link set bond0.5 up
	ip route replace default via 10.9.5.2
	refused 'lives on' \
		"the default route is on bond0.5, on bond0, on $other, on 0000:05:00.0"
	refused uses "a network of dom0 is on xenbr0, on $nic, on 0000:00:19.0"
	free 05:00.1
}
