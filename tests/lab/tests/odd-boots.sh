# Boots that are not as they were meant: a card whose native driver is built into
# the kernel, one that is not there, and a hide list that was broken by hand.
# machine: -chardev null,id=line -device pci-serial,addr=1d.0,chardev=line
# machine: -device pcie-root-port,id=p9,chassis=9,addr=1e.0
# machine-1: -device nec-usb-xhci,bus=p9
# deadline: 1200
# shellcheck shell=bash disable=SC2154

list=/etc/modprobe.d/xpci.conf

usb() { # the card that goes
	basename "$(echo /sys/bus/pci/devices/0000:00:1e.0/0000:*:00.0)"
}

boot1() {
	local gone
	gone=$(usb)
	is 'the serial card has a driver that no module brought' 'serial no' \
		"$(driver 0000:00:1d.0) $([ -e \
			/sys/bus/pci/drivers/serial/module ] || echo no)"
	run xpci hide 00:1d.0 "$gone" 03:02.0
	is 'hide succeeds' 0 "$status"
	echo "$gone" >/var/lib/lab/gone
}

boot2() {
	local gone
	gone=$(cat /var/lib/lab/gone)
	say 'boot 2: one card is out'
	is 'the others are hidden, also from the driver in the kernel' \
		'0000:00:1d.0 0000:03:00.0 0000:03:02.0' "$(hidden)"
	like 'which had been faster' '0000:00:1d\.0: .*ttyS' "$(dmesg)"
	like 'the log says what is not' 'is not hidden: there is no device' \
		"$(dmesg)"
	run xpci status
	is 'status says wrong' 5 "$status"
	like 'of the card that is out, and why' "$gone wrong .*there" "$output"
	is 'of the others it says effective' 3 "$(grep -c effective <<<"$output")"
	like 'the entry stays' "'$gone," "$(cat /etc/xpci.conf)"

	say 'the card is given up, and the others are hidden by a list'
	run xpci -q unhide "$gone" 00:1d.0
	is 'unhide succeeds' 0 "$status"
	echo "method = 'list'" >>/etc/xpci.conf
	run xpci -q hide
	is 'hide succeeds' 0 "$status"

	say 'which then someone breaks, and makes the image anew'
	sed -i 's/(0000:03:02.0)/,&/' $list
	run update-initramfs -u -k "$(uname -r)"
	is 'the image is made' 0 "$status"
	run xpci status
	is 'status says wrong before the boot' 5 "$status"
	like 'and where' "$list is not what /etc/xpci.conf asks for" "$output"
}

boot3() {
	say 'boot 3: one character hides nothing'
	is 'nothing is hidden' '8139cp e1000' \
		"$(driver 0000:03:00.0) $(driver 0000:03:02.0)"
	run xpci status
	is 'status says wrong' 5 "$status"
	like 'and why' "$list is not what /etc/xpci.conf asks for" "$output"
	run xpci -q hide
	is 'hide puts it right' 0 "$status"
}

boot4() {
	say 'boot 4: by the list'
	is 'both are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	run xpci status
	is 'status says effective' 0 "$status"
}
