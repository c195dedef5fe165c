# Without a reboot: a card and its group go to pciback and come back, by hide,
# by detach and by unhide; and what a boot image without xpci's script has not
# done, 'xpci boot' does, but not without Xen.
# shellcheck shell=bash disable=SC2154

seize=/etc/initramfs-tools/scripts/init-top/00-xpci
kept=/var/lib/lab
pci=/sys/bus/pci/devices
image=/boot/initrd.img-$(uname -r)

drivers() {
	echo "$(driver 0000:03:00.0) $(driver 0000:03:02.0)"
}

refused() { # refused STATUS REGEX CMD...
	local want=$1 regex=$2 before
	shift 2
	before=$(drivers)
	run "$@"
	is "exit status $want: $*" "$want" "$status"
	like "why: $*" "$regex" "$errout"
	is "the drivers are the same: $*" "$before" "$(drivers)"
}

permissive() {
	xargs </sys/bus/pci/drivers/pciback/permissive
}

# The interface of 03:02.0 in dom0.
interface() {
	basename "$pci"/0000:03:02.0/net/*
}

boot1() {
	find /etc -type f | sort >$kept/etc.before
	is 'both have their drivers' '8139cp e1000' "$(drivers)"

	say 'An interface that is up is in use.'
	run ip link set "$(interface)" up
	refused 3 "interface 'eth[0-9]+' is up" xpci hide --now 03:02.0
	ok 'no file was made' test ! -e /etc/xpci.conf
	run ip link set "$(interface)" down
	refused 3 'dom0 lives on 0000:00:1f\.2' xpci hide --now --force 00:1f.2

	run xpci hide -n --now 03:02.0
	like 'the dry run says what is written' \
		'write: /sys/bus/pci/drivers/pciback/bind 0000:03:02\.0' "$output"
	is 'and writes nothing' '8139cp e1000' "$(drivers)"

	run xpci hide --now --permissive 03:02.0
	is 'hide --now succeeds' 0 "$status"
	is 'both are with pciback at once' 'pciback pciback' "$(drivers)"
	is 'the one that was named is permissive' 0000:03:02.0 "$(permissive)"
	is 'their drivers are remembered' 2 "$(wc -l </var/lib/xpci/drivers)"
	ok 'nothing is under way' test ! -e /var/lib/xpci/binding
	run xpci status
	is 'status says effective' 0 "$status"
	is 'the neighbours are with theirs' e1000e "$(driver 0000:05:00.0)"

	start_guest
	run xpci attach winxp 03:02.0 7
	is 'attach succeeds' 0 "$status"
	like 'and says that the card is permissive' 'permissive by /etc/xpci.conf' \
		"$errout"
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0 8086:100e'
	refused 3 "attached to 'winxp'" xpci unhide --now 03:02.0
	refused 3 "attached to 'winxp'" xpci unhide --now --scope=device 03:00.0
	run xpci hide --now 03:02.0
	is 'hide --now again has nothing to do' 0 "$status"
	like 'the guest still has the card' ' attached +winxp ' \
		"$(xpci list 03:02.0)"

	run xpci detach winxp 03:02.0 --to-host --timeout 60
	is 'detach --to-host succeeds' 0 "$status"
	wait_guest 30 'GUEST-PCI - 0000:00:07.0'
	is 'its driver has it again' 'pciback e1000' "$(drivers)"
	card_works
	run xpci status
	is 'it is hidden again by the next boot' 4 "$status"
	stop_guest

	say 'The image is made by somebody who does not know of xpci.'
	mv $seize $kept/seize
	run update-initramfs -u -k "$(uname -r)"
	mv $kept/seize $seize
	unlike 'the script is not in the image' 00-xpci "$(lsinitramfs "$image")"
}

# Frames that the card fetches from dom0's memory, which Xen must let it.
card_works() {
	local net
	net=$(interface)
	run ip link set "$net" up
	wait_for 20 'the card sends what dom0 has in memory' has_sent "$net"
	run ip link set "$net" down
	unlike 'Xen has refused it nothing' 'equest device .0000:0[23]:' \
		"$(xl dmesg)"
}

has_sent() { # has_sent INTERFACE
	[ "$(cat "/sys/class/net/$1/statistics/tx_packets")" -gt 0 ]
}

boot2() {
	say 'boot 2: the image has hidden nothing'
	is 'both have their drivers' '8139cp e1000' "$(drivers)"
	run xpci status
	is 'status says wrong' 5 "$status"
	run xpci boot
	is 'and so does boot, of the next one' 5 "$status"
	like 'it says what it has seized' \
		'did not hide 0000:03:02\.0, which had e1000' "$errout"
	is 'both are with pciback' 'pciback pciback' "$(drivers)"
	is 'one of them is permissive again' 0000:03:02.0 "$(permissive)"
	run xpci boot
	is 'again there is nothing to do' 5: "$status:$errout"

	say 'And back, at once and for good.'
	run xpci unhide --now 03:02.0
	is 'unhide --now succeeds' 0 "$status"
	is 'their drivers have them' '8139cp e1000' "$(drivers)"
	is 'nothing is left in /etc' "$(cat $kept/etc.before)" \
		"$(find /etc -type f | sort)"
	ok 'nothing is left in /var/lib' test ! -e /var/lib/xpci
	is 'nothing is left in driver_override' '(null) (null)' \
		"$(cat $pci/0000:03:0[02].0/driver_override | xargs)"
	is 'nor in the list of pciback' '' "$(cat /sys/bus/pci/drivers/pciback/slots)"
	run xpci status
	is 'status has nothing to say' 0: "$status:$output"
	card_works
	half_done
	run xpci hide 05:00.0
	is 'hide succeeds, for the next boots' 0 "$status"
	next_boot_bare
}

# As an xpci leaves it that is killed once pciback has the first of them.
half_done() {
	say 'Killed in the middle of hide --now: the next xpci gives the card back.'
	mkdir -p /var/lib/xpci
	echo '0000:00:1c.1/00.0/02.0=8086:100e e1000' >/var/lib/xpci/binding
	echo pciback >$pci/0000:03:02.0/driver_override
	echo 0000:03:02.0 >$pci/0000:03:02.0/driver/unbind
	echo 0000:03:02.0 >/sys/bus/pci/drivers/pciback/bind
	is 'it is as it is to be' '8139cp pciback' "$(drivers)"
	run xpci boot
	is 'boot succeeds' 0 "$status"
	like 'it says what it has undone' \
		'left 0000:03:02\.0 with pciback; it goes back to dom0' "$errout"
	is 'its driver has it' '8139cp e1000' "$(drivers)"
	ok 'nothing is left in /var/lib' test ! -e /var/lib/xpci
}

boot3() {
	say 'boot 3: without Xen'
	ok 'there is no Xen' test ! -e /sys/hypervisor/type
	run xpci boot
	is 'boot does nothing and is content' '0::' "$status:$output:$errout"
	is 'every card is with its driver' e1000e "$(driver 0000:05:00.0)"
}
