# What xpci finds of a host and of a guest that run: the answers of Xen itself.
# shellcheck shell=bash disable=SC2154

boot1() {
	say 'the host'
	run xpci doctor
	is 'nothing is wrong: xpci doctor' 0 "$status"
	unlike 'Xen has an IOMMU' 'without an IOMMU' "$output"
	unlike 'Xen runs HVM guests' 'cannot run HVM' "$output"
	unlike 'Xen was asked' 'Xen dom0|not known' "$output$errout"

	say 'a device: MSI-X, sizes of BARs, its interrupt'
	run xpci show 01:00.0
	is 'exit status 0: xpci show' 0 "$status"
	like 'resets' 'RESET +flr' "$output"
	like 'sizes' 'BARS +0: memory 0x[0-9a-f]+, 64 bit, 0x[0-9a-f]+ bytes' \
		"$output"
	like 'native driver' 'NATIVE +nvme' "$output"
	run xpci doctor 00:1f.2
	is 'exit status 5: dom0 lives on it' 5 "$status"
	like 'says so' 'error: 0000:00:1f.2: needed: / is on' "$output"

	say 'a guest that was created with passthrough'
	start_guest
	run xpci doctor winxp
	is 'exit status 0: xpci doctor winxp' 0 "$status"
	unlike 'it has an IOMMU' 'winxp: it was created without' "$output"
	stop_guest

	say 'and one that was not'
	sed -i 's/^passthrough.*/passthrough = "disabled"/' /etc/xen/winxp.cfg
	start_guest
	run xpci doctor winxp
	is 'exit status 5: no attach' 5 "$status"
	like 'says why' 'error: winxp: it was created without an IOMMU' "$output"
	stop_guest
}
