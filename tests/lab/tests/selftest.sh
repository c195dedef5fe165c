# The lab itself, without xpci: the machine is what the tests take it for, and
# hiding, attaching and detaching by hand work in it.
# full
# shellcheck shell=bash disable=SC2154 # run sets status and output

# Fails, and from then on it is an hour later.
an_hour_later() {
	[ -e /run/lab/later ] && return
	touch /run/lab/later
	date -s '+1 hour'
	return 1
}

boot1() {
	local want
	say 'the machine'
	wait_for 5 'a jump of the clock is no missed deadline' an_hour_later
	run lspci -D
	want='0000:00:19.0 0200: 8086:10d3
0000:00:1a.0 0c03: 8086:2937
0000:00:1a.7 0c03: 8086:293c
0000:00:1f.2 0106: 8086:2922
0000:01:00.0 0108: 1b36:0010
0000:02:00.0 0604: 1b36:000e
0000:03:00.0 0200: 10ec:8139
0000:03:02.0 0200: 8086:100e
0000:04:00.0 0300: 1234:1111
0000:05:00.0 0200: 8086:10d3
0000:05:00.1 0200: 8086:10d3'
	is 'the cards are where they should be' "$want" "$(
		lspci -D -n | cut -d' ' -f1-3 |
			grep -E '^0000:(0[1-5]|00:19|00:1a|00:1f\.2)')"
	like 'Xen has an IOMMU' hvm_directio "$(xl info)"
	is 'Linux shows no IOMMU groups' '' "$(ls /sys/kernel/iommu_groups)"
	is '03:00.0 has its driver' 8139cp "$(driver 0000:03:00.0)"
	is '03:02.0 has its driver' e1000 "$(driver 0000:03:02.0)"
	like 'the root ports have ACS' 'Access Control Services' \
		"$(lspci -vv -s 00:1c.3)"

	say 'hiding both cards behind the bridge, by hand'
	cat >/etc/modprobe.d/selftest.conf <<-'EOF'
	options xen-pciback hide=(0000:03:00.0)(0000:03:02.0)
	softdep e1000 pre: xen-pciback
	softdep 8139cp pre: xen-pciback
	softdep 8139too pre: xen-pciback
	EOF
	local start=$SECONDS
	run update-initramfs -u -k "$(uname -r)"
	say "(took $((SECONDS - start)) s)"
	is 'the initrd is rebuilt' 0 "$status"
	like 'the initrd has the module' xen-pciback.ko \
		"$(lsinitramfs "/boot/initrd.img-$(uname -r)")"
}

boot2() {
	is '03:00.0 is seized' pciback "$(driver 0000:03:00.0)"
	is '03:02.0 is seized' pciback "$(driver 0000:03:02.0)"
	is '05:00.0 is left alone' e1000e "$(driver 0000:05:00.0)"
	is 'both are assignable' '0000:03:00.0
0000:03:02.0' "$(
			xl pci-assignable-list | tr -d ' ' | sort)"

	start_guest
	run xl pci-attach winxp 0000:03:02.0@7
	is 'attach succeeds' 0 "$status"
	wait_guest 20 'GUEST-PCI \+ 0000:00:07.0 8086:100e'
	run xl pci-list winxp
	like 'the guest owns it' '0?7[. ].*0000:03:02.0' "$output"
	run xl pci-detach winxp 0000:03:02.0
	is 'detach succeeds' 0 "$status"
	wait_guest 20 'GUEST-PCI - 0000:00:07.0'
	stop_guest
}
