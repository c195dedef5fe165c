# The whole job once, as an administrator does it: hide 03:02.0, reboot, give
# it to winxp at slot 7, and all the way back. 'make demo' is this, narrated.
# deadline: 900
# shellcheck shell=bash disable=SC2154

cfg=/etc/xen/winxp.cfg
kept=/var/lib/lab
kernel=$(uname -r)
image=/boot/initrd.img-$kernel

# The drivers that took a device in this boot, in order, by the kernel's log.
seizers() { # seizers BDF
	dmesg | grep -oE "(pciback|e1000|8139cp|8139too|e1000e) $1" |
		cut -d' ' -f1 | uniq | xargs
}

boot1() {
	cp $cfg $kept/winxp.cfg
	find /etc -type f | sort >$kept/etc.before

	say 'boot 1: a host as it is installed'
	run xpci list
	is 'list succeeds' 0 "$status"
	like 'list shows the card with its driver' \
		'0000:03:02\.0 +[0-9]+ +e1000 +dom0' "$output"
	is 'nothing is assignable' '' "$(xpci list --assignable)"

	cksum "$image" >$kept/image

	say 'Hide the card. What cannot be told apart from it goes along.'
	local start=$SECONDS
	run xpci hide 03:02.0
	say "(hide took $((SECONDS - start)) s)"
	is 'hide succeeds' 0 "$status"
	like 'hide takes 03:00.0 along and says why' \
		'0000:03:00\.0 +behind the same PCIe-to-PCI bridge 0000:02:00\.0 as 0000:03:02\.0' \
		"$output"
	like 'the new image is proven' "${image//+/\\+}: proven" "$errout"
	is 'the hide list is right' '(0000:03:00.0)(0000:03:02.0)' \
		"$(xpci hide-list)"
	is 'dom0 still has 03:00.0' 8139cp "$(driver 0000:03:00.0)"
	is 'dom0 still has 03:02.0' e1000 "$(driver 0000:03:02.0)"
	like 'it was appended to, not rebuilt' "appending to '${image//+/\\+}'" "$errout"

	run xpci status
	is 'status says pending, with exit status 4' 4 "$status"
	is 'status calls both pending' 2 "$(grep -c ' pending ' <<<"$output")"

	say 'The same call again changes nothing.'
	local script=/etc/initramfs-tools/scripts/init-top/00-xpci
	cksum "$image" /etc/xpci.conf $script >$kept/sums
	run xpci hide 03:02.0
	is 'hide again succeeds' 0 "$status"
	is 'hide again leaves files and image alone' "$(cat $kept/sums)" \
		"$(cksum "$image" /etc/xpci.conf $script)"
}

boot2() {
	local start
	say 'boot 2: both cards are with pciback, before any native driver'
	is 'pciback has exactly these two' '0000:03:00.0 0000:03:02.0' \
		"$(cd /sys/bus/pci/drivers/pciback && echo 0000:*)"
	like 'the script of the image tells what it did' \
		'xpci: 0000:03:02\.0 is hidden, 0000:00:1c\.1/00\.0/02\.0 \(8086:100e\)' \
		"$(dmesg)"
	is 'no native driver ever had 03:00.0' pciback "$(seizers 0000:03:00.0)"
	is 'no native driver ever had 03:02.0' pciback "$(seizers 0000:03:02.0)"
	is 'the neighbours are with theirs' e1000e "$(driver 0000:05:00.0)"
	run xpci status
	is 'status says effective, with exit status 0' 0 "$status"
	is 'status calls both effective' 2 \
		"$(grep -c ' effective ' <<<"$output")"
	run xpci list --assignable
	is 'both are assignable, one a line' $'0000:03:00.0\n0000:03:02.0' \
		"$output"

	start_guest
	say 'Hot: the card into the running guest, at slot 7, and into its file.'
	run xpci attach winxp 03:02.0 7 --persist
	is 'attach succeeds' 0 "$status"
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0 8086:100e'
	run xpci slots winxp
	like 'slots says 7' ' 7 +0000:03:02\.0 +7 +attached' "$output"
	like 'slots says so in JSON' '"vslot":"7","bdf":"0000:03:02.0"' \
		"$(xpci slots winxp --json | tr -d ' \n')"
	run xpci list 03:02.0
	like 'list says who uses it' ' attached +winxp ' "$output"
	is 'it is no longer assignable' 0000:03:00.0 "$(xpci list --assignable)"
	is 'the file has gained the entry' "pci = ['03:02.0@7']" \
		"$(diff $kept/winxp.cfg $cfg | sed -n 's/^> //p')"
	is 'the file has gained nothing else' "$(wc -c <$kept/winxp.cfg)" \
		"$(($(wc -c <$cfg) - $(printf "pci = ['03:02.0@7']\n" | wc -c)))"
	ok 'the file is otherwise the same' cmp -n \
		"$(wc -c <$kept/winxp.cfg)" $kept/winxp.cfg $cfg
	refusals

	say 'Cold: the guest created anew from that file.'
	stop_guest
	start_guest
	run xpci slots winxp
	like 'the card is at slot 7 from the start' ' 7 +0000:03:02\.0 ' \
		"$output"
	ok 'the guest lists it from the start' guest_has 0000:00:07.0

	run xpci detach winxp 03:02.0 --persist --timeout 60
	is 'detach succeeds' 0 "$status"
	wait_guest 30 'GUEST-PCI - 0000:00:07.0'
	is 'both are assignable again' $'0000:03:00.0\n0000:03:02.0' \
		"$(xpci list --assignable)"
	ok 'the file is back to its first bytes' cmp $kept/winxp.cfg $cfg
	stop_guest

	say 'And back: dom0 gets its cards at the next boot.'
	start=$SECONDS
	run xpci unhide 03:02.0
	say "(unhide took $((SECONDS - start)) s)"
	is 'unhide succeeds' 0 "$status"
	like 'the image is proven to be without it' "${image//+/\\+}: proven" "$errout"
	run xpci status
	is 'status says pending' 4 "$status"
}

# Calls that must fail, with a guest that has the card; nothing may change.
refusals() {
	local before
	say 'What must be refused is refused, and changes nothing.'
	before=$(xenstore-ls -f | grep /pci/; cat $cfg)
	refused 1 "no domain .nobody. is running" xpci attach nobody 03:00.0 8
	refused 1 "attached|already" xpci attach winxp 03:02.0 9
	refused 1 "slot 7 of .winxp. is taken" xpci attach winxp 03:00.0 7
	refused 1 "no device" xpci attach winxp 03:1f.7 8
	refused 1 "pciback" xpci attach winxp 05:00.0 8
	refused 2 "virtual slot" xpci attach winxp 03:00.0 0
	refused 2 "virtual slot" xpci attach winxp 03:00.0 20
	refused 1 "not attached" xpci detach winxp 03:00.0
	echo 'pci = [ unparsable' >/tmp/bad.cfg
	refused 1 "bad.cfg" xpci attach winxp 03:00.0 8 --persist \
		--file /tmp/bad.cfg
	refused 1 "none.cfg" xpci attach winxp 03:00.0 8 --persist \
		--file /tmp/none.cfg
	is 'nothing has changed' "$before" \
		"$(xenstore-ls -f | grep /pci/; cat $cfg)"
}

refused() { # refused STATUS REGEX CMD...
	local want=$1 regex=$2
	shift 2
	run "$@"
	is "exit status $want: $*" "$want" "$status"
	like "one clear line: $*" "$regex" "$errout"
	is "one line: $*" 1 "$(wc -l <<<"$errout")"
}

guest_has() { # guest_has BDF
	guest_log | grep -qE "GUEST-PCI \+ $1 8086:100e"
}

boot3() {
	say 'boot 3: as if nothing had been'
	is 'dom0 has 03:00.0 again' 8139cp "$(driver 0000:03:00.0)"
	is 'dom0 has 03:02.0 again' e1000 "$(driver 0000:03:02.0)"
	is 'no file has come into /etc or left it' "$(cat $kept/etc.before)" \
		"$(find /etc -type f | sort)"
	is 'the image is what it was, to the byte' "$(cat $kept/image)" \
		"$(cksum "$image")"
	run xpci status
	is 'status has nothing to say' '0:' "$status:$output"
}
