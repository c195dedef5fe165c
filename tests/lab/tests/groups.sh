# The groups that xpci computes in dom0 are those that the kernel makes of the
# same machine when it has it to itself, set for set. groups-amd is the same
# with the other IOMMU.
#
# Nearly all cards are NVMe (PCIe) and edu (conventional) because they have no
# I/O ports: each bridge in front of one would need 4 KiB of the 64 there are.
# 07:00.1 is edu: as a second function behind a bridge, NVMe times out after a
# minute with QEMU's AMD IOMMU.
# QEMU's downstream ports have no ACS, so root ports stand in for those that do.
#
# machine: -device pcie-root-port,id=a0,chassis=10,addr=2.0,multifunction=on,disable-acs=on
# machine: -device pcie-root-port,id=a1,chassis=11,addr=2.1,disable-acs=on
# machine: -device nvme,serial=a0,bus=a0 -device nvme,serial=a1,bus=a1
#
# machine: -device pcie-root-port,id=b,chassis=12,addr=3,disable-acs=on
# machine: -device nvme,serial=b,bus=b
#
# machine: -device pcie-root-port,id=c,chassis=13,addr=4
# machine: -device x3130-upstream,id=cu,bus=c
# machine: -device xio3130-downstream,id=c0,bus=cu,chassis=20,addr=0
# machine: -device xio3130-downstream,id=c1,bus=cu,chassis=21,addr=1
# machine: -device xio3130-downstream,id=c2,bus=cu,chassis=22,addr=2
# machine: -device nvme,serial=c0,bus=c0
# machine: -device nvme,serial=c10,bus=c1,addr=0.0,multifunction=on
# machine: -device edu,bus=c1,addr=0.1
# machine: -device pcie-pci-bridge,id=c3,bus=c2 -device edu,bus=c3,addr=1
# machine: -device pci-bridge,id=c4,bus=c3,chassis_nr=23,addr=2,msi=off
# machine: -device edu,bus=c4,addr=1 -device edu,bus=c4,addr=2
#
# machine: -device pcie-root-port,id=d,chassis=14,addr=5
# machine: -device x3130-upstream,id=du,bus=d
# machine: -device pcie-root-port,id=d0,bus=du,chassis=30,addr=0
# machine: -device pcie-root-port,id=d1,bus=du,chassis=31,addr=1
# machine: -device pcie-root-port,id=d2,bus=du,chassis=32,addr=2
# machine: -device nvme,serial=d0,bus=d0 -device nvme,serial=d1,bus=d1
# machine: -device x3130-upstream,id=dv,bus=d2
# machine: -device xio3130-downstream,id=d3,bus=dv,chassis=33,addr=0.0,multifunction=on
# machine: -device xio3130-downstream,id=d4,bus=dv,chassis=34,addr=0.1
# machine: -device nvme,serial=d3,bus=d3 -device nvme,serial=d4,bus=d4
#
# machine: -device pcie-root-port,id=e,chassis=15,addr=6,disable-acs=on
# machine: -device x3130-upstream,id=eu,bus=e
# machine: -device pcie-root-port,id=e0,bus=eu,chassis=40,addr=0
# machine: -device pcie-root-port,id=e1,bus=eu,chassis=41,addr=1
# machine: -device nvme,serial=e0,bus=e0 -device nvme,serial=e1,bus=e1
#
# machine: -device pcie-root-port,id=f,chassis=16,addr=7,disable-acs=on
# machine: -device nvme-subsys,id=fs
# machine: -device nvme,serial=f,bus=f,subsys=fs,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4
#
# machine: -device pci-bridge,id=g,chassis_nr=50,addr=8,msi=off
# machine: -device edu,bus=g,addr=1 -device edu,bus=g,addr=2
# machine: -device i82801b11-bridge,id=h,addr=1e.0 -device edu,bus=h,addr=2
# machine: -device pci-bridge,id=h1,bus=h,chassis_nr=51,addr=1,msi=off
# machine: -device edu,bus=h1,addr=1
#
# machine: -device edu,addr=9.0,multifunction=on -device edu,addr=9.1
# machine: -device nvme,serial=i0,addr=a.0,multifunction=on
# machine: -device nvme,serial=i1,addr=a.1
# machine: -device e1000e,addr=b.0,multifunction=on,romfile=
# machine: -device e1000e,addr=b.1,romfile=
# machine: -device edu,addr=c
#
# machine: -device pxb-pcie,id=x,bus_nr=0x80,addr=d
# machine: -device pcie-root-port,id=x0,bus=x,chassis=60,addr=0
# machine: -device pcie-root-port,id=x1,bus=x,chassis=61,addr=1,disable-acs=on
# machine: -device pcie-root-port,id=x2,bus=x,chassis=62,addr=2
# machine: -device nvme,serial=x0,bus=x0 -device nvme,serial=x1,bus=x1
# machine: -device pcie-pci-bridge,id=x3,bus=x2 -device edu,bus=x3,addr=1
# shellcheck shell=bash disable=SC2154

kept=/var/lib/lab
ungrouped=
groups=45

# What the kernel must make of the machine, or it is not what is meant here.
topologies='two root ports without ACS in one slot (00:02.0 00:02.1 01:00.0 02:00.0)
a root port without ACS (00:03.0 03:00.0)
root ports with ACS in one slot (00:1c.0) (00:1c.1) (00:1c.2) (00:1c.3)
a card behind one (1c:00.0)
a card of two functions behind one (1d:00.0 1d:00.1)
a card with virtual functions behind one (19:00.0) (19:00.1) (19:00.2)
the same behind a port without ACS (00:07.0 17:00.0 17:00.1 17:00.2)
a switch without ACS (05:00.0 06:00.0) (05:01.0 07:00.0 07:00.1)
a switch with ACS (0c:00.0) (0c:01.0) (0d:00.0) (0e:00.0)
the same behind a port without (00:06.0 13:00.0 14:00.0 14:01.0 15:00.0 16:00.0)
a switch behind a switch, its ports in one slot (0f:00.0) (10:00.0 10:00.1 11:00.0 12:00.0)
a PCIe-to-PCI bridge (1a:00.0 1b:00.0 1b:02.0)
a PCI bridge behind one, behind a switch (05:02.0 08:00.0 09:01.0 09:02.0 0a:01.0 0a:02.0)
a PCI bridge on the root bus (00:08.0 18:01.0 18:02.0)
a PCI bridge behind one of the chipset (00:1e.0 1e:01.0 1e:02.0 1f:01.0)
a PCI card on the root bus (00:0c.0)
a PCI card of two functions there (00:09.0 00:09.1)
a PCIe card of two functions there (00:0a.0 00:0a.1)
the same of Intel, whose are apart (00:0b.0) (00:0b.1)
functions of the chipset (00:1a.0 00:1a.7) (00:1f.0 00:1f.2 00:1f.3)
a second root complex (80:00.0) (81:00.0)
a port without ACS in it (80:01.0 82:00.0)
a PCIe-to-PCI bridge in it (80:02.0) (83:00.0 84:01.0)'

virtual_functions() {
	local dir
	for dir in /sys/bus/pci/devices/*/sriov_numvfs; do
		dir=${dir%/*}
		echo 0 >"$dir/sriov_drivers_autoprobe"
		echo 2 >"$dir/sriov_numvfs"
	done
}

# Lines "GROUP 0000:BB:DD.F" to a line "(BB:DD.F BB:DD.F)" for each group.
sets() {
	sort -k 2 | awk '
		{ set[$1] = set[$1] " " substr($2, 6) }
		END { for (i in set) print "(" substr(set[i], 2) ")" }' | sort
}

xpci_sets() {
	xpci groups --rules=kernel -o group,bdf | tail -n +2 | sets
}

kernel_sets() {
	local dev group
	for dev in /sys/kernel/iommu_groups/*/devices/*; do
		group=${dev%/devices/*}
		echo "${group##*/} ${dev##*/}"
	done | sets
}

boot1() {
	like 'Xen has an IOMMU' hvm_directio "$(xl info)"
	is 'Linux shows no groups' '' "$(ls /sys/kernel/iommu_groups)"
	virtual_functions
	run lspci -nt
	xpci_sets >$kept/dom0
	# pt is no matter of groups: without it, all NVMe behind bridges time
	# out with QEMU's AMD IOMMU.
	next_boot_bare intel_iommu=on iommu=pt
}

boot2() {
	local line n=0

	is 'Xen is away' '' "$(cat /sys/hypervisor/type 2>/dev/null)"
	virtual_functions
	kernel_sets >$kept/kernel
	while read -r line; do
		is "the kernel: ${line%% (*}" "(${line#* (}" \
			"$(sed 's/^[^(]*//; s/) (/)\n(/g' <<<"$line" |
				grep -xFf - $kept/kernel | xargs)"
		n=$((n + 1))
	done <<<"$topologies"
	is 'the topologies are 23' 23 $n
	is "the kernel's groups are $groups" $groups "$(wc -l <$kept/kernel)"
	is 'every device is in one, but for the IOMMU' "$ungrouped" "$(
		for line in /sys/bus/pci/devices/*; do
			[ -e "$line/iommu_group" ] ||
				echo "(${line##*/0000:})"
		done)"

	run diff <(grep -vxF "$ungrouped" $kept/dom0) $kept/kernel
	is "xpci's in dom0 are these $groups, set for set" '' "$output"
	run diff <(xpci_sets | grep -vxF "$ungrouped") $kept/kernel
	is 'so they are beside this kernel' '' "$output"
}
