# xpci's systemd unit and its SysV script, started by systemd and by sysvinit as
# Debian's packages set them up: from an image that has hidden nothing, the card
# is with pciback before xendomains starts the guest that gets it; without Xen
# nothing is done. The first boot is the lab's own, the later ones have Debian's
# init, and the lab's part is what that starts last.
# full
# payload: packages
# debian: systemd-sysv
# debian: sysvinit-core
# deadline: 1800
# shellcheck shell=bash disable=SC2154

kept=/var/lib/lab
image=/boot/initrd.img-$(uname -r)
unhidden=/boot/unhidden.img
rc_log=/var/log/rc.log

drivers() {
	echo "$(driver 0000:03:00.0) $(driver 0000:03:02.0)"
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

next_boot_init() { # next_boot_init INIT INITRD
	sed "s,init=/lab/init,init=$1,; s,/initrd.img,$2," $kept/grub.cfg \
		>/boot/grub/grub.cfg
}

unit() { # unit PROPERTY [NAME]
	systemctl show -P "$1" "${2-xpci-boot}.service"
}

# What systemd has given up, of all that matters here.
failed_units() {
	systemctl --failed --plain --no-legend | grep -oE '^(xpci|xen)[^ ]*' |
		xargs
}

boot1() {
	cp "$image" $unhidden
	cp /boot/grub/grub.cfg $kept
	run apt install /lab/debian/systemd-sysv/*.deb /lab/packages/xpci*.deb
	is 'apt installs systemd and xpci' 0 "$status"
	run xpci -q hide 03:02.0
	is 'hide succeeds' 0 "$status"
	mkdir -p /etc/xen/auto
	{
		cat /etc/xen/winxp.cfg
		echo "pci = ['03:02.0@7']"
	} >/etc/xen/auto/winxp.cfg

	touch $kept/bare
	echo 'LABEL=dom0 / ext4 defaults 0 0' >/etc/fstab
	cat >/etc/systemd/system/lab.service <<-EOF
	[Unit]
	After=multi-user.target xendomains.service
	[Service]
	ExecStart=/lab/boot
	[Install]
	WantedBy=graphical.target
	EOF
	systemctl -q enable lab.service
	# what only takes its time
	systemctl -q mask getty.target timers.target e2scrub_reap.service \
		systemd-{networkd,timesyncd,pstore}.service
	next_boot_init /lib/systemd/systemd $unhidden
}

# The same with both: what the boot has come to, but for its order.
guest_has_card() {
	is 'e1000 was first, and pciback has it now' 'e1000 pciback' \
		"$(had 0000:03:02.0)"
	is 'both are with pciback' 'pciback pciback' "$(drivers)"
	is 'the neighbours are with theirs' e1000e "$(driver 0000:05:00.0)"
	ok 'xendomains has started the guest' xl domid winxp
	wait_guest 300 GUEST-UP
	like 'it had the card from the start' \
		'GUEST-PCI \+ 0000:00:07\.0 8086:100e' "$(guest_log)"
	still_has_card
}

still_has_card() {
	like 'it has it at slot 7' ' 7 +0000:03:02\.0 +7 +attached' \
		"$(xpci slots winxp)"
	like 'list says who uses it' ' attached +winxp ' "$(xpci list 03:02.0)"
	is 'pciback has both' 'pciback pciback' "$(drivers)"
}

said='the boot image did not hide 0000:03:02\.0, which had e1000; pciback has'

boot2() {
	say 'boot 2: systemd, and an image that hides nothing'
	is 'systemd is pid 1' systemd "$(cat /proc/1/comm)"
	run journalctl -q -b -o short-monotonic --no-hostname -u 'x*'
	is 'the unit has succeeded' 'enabled active exited success 0' "$(unit \
		UnitFileState) $(unit ActiveState) $(unit SubState) $(unit \
		Result) $(unit ExecMainStatus)"
	like 'the journal has what it did' "$said" \
		"$(journalctl -q -b -o cat -u xpci-boot)"
	ok "it began when Xen's daemons were up" test 0 -lt \
		"$(unit ActiveEnterTimestampMonotonic xen)" -a \
		"$(unit ActiveEnterTimestampMonotonic xen)" -le \
		"$(unit ExecMainStartTimestampMonotonic)"
	ok 'it was over when xendomains began' test 0 -lt \
		"$(unit ExecMainExitTimestampMonotonic)" -a \
		"$(unit ExecMainExitTimestampMonotonic)" -le \
		"$(unit InactiveExitTimestampMonotonic xendomains)"
	is 'no unit of xpci or Xen has failed' '' "$(failed_units)"
	# said before there is a journal: by the kernel's log
	is 'there is no ordering cycle' '' \
		"$(journalctl -q -b -o cat | grep 'ordering cycle')"
	guest_has_card

	say 'A stop is nothing to the card, nor to its guest.'
	run systemctl stop xpci-boot
	is 'it is stopped' '0 inactive' "$status $(unit ActiveState)"
	is 'xendomains is not' active "$(unit ActiveState xendomains)"
	still_has_card

	say 'What the next boot will get wrong is a unit that has failed.'
	cp "$image" $kept/hidden.img
	cp $unhidden "$image"
	run systemctl start xpci-boot
	is 'it has failed' 'xpci-boot.service 5' \
		"$(failed_units) $(unit ExecMainStatus)"
	still_has_card
	cp $kept/hidden.img "$image"
	run systemctl start xpci-boot
	is 'and not any more' '0 active ' \
		"$status $(unit ActiveState) $(failed_units)"
	next_boot_bare init=/lib/systemd/systemd
}

boot3() {
	say 'boot 3: systemd, without Xen'
	ok 'there is no Xen' test ! -e /sys/hypervisor/type
	is 'systemd is pid 1' systemd "$(cat /proc/1/comm)"
	is 'the unit was skipped' 'no inactive success' "$(unit \
		ConditionResult) $(unit ActiveState) $(unit Result)"
	like 'the journal says why' 'condition.*ConditionPathExists=/proc/xen' \
		"$(journalctl -q -b -o cat -u xpci-boot)"
	is 'it has not failed' '' "$(failed_units)"
	is 'every card is with its driver' '8139cp e1000' "$(drivers)"

	say 'sysvinit takes the place of systemd.'
	run apt install /lab/debian/sysvinit-core/*.deb
	is 'apt installs sysvinit' 0 "$status"
	cat >/etc/init.d/lab <<-'EOF'
	#!/bin/sh
	### BEGIN INIT INFO
	# Provides:          lab
	# Required-Start:    $all
	# Required-Stop:
	# Default-Start:     2 3 4 5
	# Default-Stop:
	### END INIT INFO
	setsid /lab/boot </dev/null >/dev/null 2>&1 &
	EOF
	chmod +x /etc/init.d/lab
	update-rc.d lab defaults
	sed -i "s,/rc 2\$,& >$rc_log 2>\&1," /etc/inittab
	like 'init keeps what the scripts say' "$rc_log" "$(cat /etc/inittab)"
	cp $unhidden "$image"
	next_boot_init /sbin/init /initrd.img
}

# What the concurrent start has a script wait for; the numbers in rc2.d do not
# tell, in which there are gaps.
waits_for() { # waits_for SCRIPT
	sed -n "s/^$1:\(.*\)/\1 /p" /etc/init.d/.depend.start
}

boot4() {
	say 'boot 4: sysvinit, and an image that hides nothing'
	is 'sysvinit is pid 1' init "$(cat /proc/1/comm)"
	like "insserv has put it behind Xen's daemons" ' xen ' \
		"$(waits_for xpci-boot)"
	like 'and before xendomains' ' xpci-boot ' "$(waits_for xendomains)"
	# startpar ends what a script said with a NUL
	run tr -d '\0' <$rc_log
	like 'it has said what it did, before xendomains spoke' \
		"$said.* wrong .*Starting Xen domain winxp" "$output"
	guest_has_card
	run /etc/init.d/xpci-boot stop
	is 'a stop succeeds' 0 "$status"
	still_has_card
	cp $kept/hidden.img "$image"
	next_boot_bare init=/sbin/init
}

boot5() {
	say 'boot 5: sysvinit, without Xen'
	ok 'there is no Xen' test ! -e /sys/hypervisor/type
	is 'sysvinit is pid 1' init "$(cat /proc/1/comm)"
	is 'every card is with its driver' '8139cp e1000' "$(drivers)"
	run /etc/init.d/xpci-boot start
	is 'the script does nothing and is content' 0:: \
		"$status:$output:$errout"
}
