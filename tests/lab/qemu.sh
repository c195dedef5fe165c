# The lab's machine, sourced by lab: the host of the Oracle VM field guide as
# far as QEMU has its parts. Sets the array "machine" for dom0's disk $1 and
# the payload $2, with the IOMMU $3 and the disk's cache $4. Why these settings:
# README.md.
# shellcheck shell=bash

machine() {
	# shellcheck disable=SC2034,SC2054 # used by lab; QEMU's commas
	machine=(
		qemu-system-x86_64 -nodefaults -display none
		-machine q35 -accel tcg -cpu EPYC,-smap -smp 1 -m 3072

		# The IOMMU comes before all devices it serves.
		-device "${3:-intel-iommu,intremap=on}"

		# AHCI is 00:1f.2 on every q35.
		-drive "if=none,id=root,file=$1,format=qcow2,cache=${4:-unsafe}"
		-device ide-hd,bus=ide.0,drive=root,bootindex=0
		-drive "if=none,id=payload,file=$2,format=raw"
		-device ide-hd,bus=ide.1,drive=payload,serial=payload

		# dom0's own network card and USB.
		-netdev user,id=net,restrict=on
		-device e1000e,addr=19.0,netdev=net
		-device ich9-usb-uhci4,addr=1a.0,multifunction=on
		-device ich9-usb-ehci2,addr=1a.7,multifunction=on

		# One root port a bus, 01 to 05 (03 is behind the bridge); all
		# have ACS.
		-device pcie-root-port,id=p1,chassis=1,addr=1c.0,multifunction=on
		-device pcie-root-port,id=p2,chassis=2,addr=1c.1
		-device pcie-root-port,id=p4,chassis=4,addr=1c.2
		-device pcie-root-port,id=p5,chassis=5,addr=1c.3

		# 01:00.0: virtual functions are to be had by sriov_numvfs.
		-device nvme-subsys,id=nvme
		-device "nvme,bus=p1,serial=nvme,subsys=nvme,sriov_max_vfs=4,$(
			)sriov_vq_flexible=8,sriov_vi_flexible=4"

		# 02:00.0, and two conventional cards that no IOMMU can tell
		# apart: 03:00.0 and 03:02.0.
		-device pcie-pci-bridge,id=pci,bus=p2
		-device rtl8139,bus=pci,addr=0.0
		-device e1000,bus=pci,addr=2.0

		# 04:00.0: the host's screen.
		-device VGA,bus=p4

		# 05:00.0 and 05:00.1: one card, two functions.
		-device e1000e,bus=p5,addr=0.0,multifunction=on
		-device e1000e,bus=p5,addr=0.1
	)
}
