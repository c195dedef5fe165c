# The power goes at a random moment of hide and of unhide: the next boot comes
# up, status tells the truth, and the same call again brings it about.
# deadline: 900
# cache: writeback
# shellcheck shell=bash disable=SC2154

kept=/var/lib/lab
image=/boot/initrd.img-$(uname -r)
cards='0000:03:00.0 0000:03:02.0'
how=

boots() { # boots LAST: each but the first after a cut, each but the last with one
	local n
	for ((n = 2; n < $1; n++)); do
		eval "boot$n() { after_cut; next_cut; }"
	done
	eval "boot$1() { after_cut; }"
}

boot1() {
	find /etc -type f | sort >$kept/etc.before
	call hide
	next_cut
}

# Makes the call and notes how long such a call takes.
call() { # call hide|unhide
	local start=${EPOCHREALTIME/./} took
	run xpci "$1" ${how:+"$how"} 03:02.0
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	echo "$1" >$kept/call
	[ $took -lt "$(cat $kept/took 2>/dev/null || echo 0)" ] ||
		echo $took >$kept/took
}

# The other call, and the power is cut in the middle of it.
next_cut() {
	local verb=hide ms took
	[ "$(cat $kept/call)" = unhide ] || verb=unhide
	took=$(cat $kept/took)
	ms=$(((RANDOM * 32768 + RANDOM) % took))
	say "$verb, and in $ms of $took ms the power is cut"
	echo $verb >$kept/call
	sync
	printf 'cut %d.%03d\n' $((ms / 1000)) $((ms % 1000))
	xpci -q $verb ${how:+"$how"} 03:02.0 || true
	sleep 60 # it was faster
	fail 'the power is cut'
}

# What a boot after a cut is, and that the call can be had after all.
after_cut() {
	local verb drivers left
	verb=$(cat $kept/call)
	drivers=$(for bdf in $cards; do driver "$bdf"; done | xargs)
	like 'both cards are with pciback or both are not' \
		'^(pciback pciback|8139cp e1000)$' "$drivers"
	truth "$drivers"
	call "$verb"
	like "$verb again succeeds, or there is nothing left to unhide" \
		'^(0|1:unhide:.*none of these devices is hidden)' \
		"${status/#1/1:$verb:$errout}"
	run xpci initrd check
	is 'the image is proven' 0 "$status"
	left=$(find / -xdev \( -name '.xpci-*' -o -name '*.new' -o \
		-name '*.dpkg-bak' -o -path '/var/lib/xpci/journal*' \))
	is 'nothing is left of the call that was cut' '' "$left"
	[ "$verb" = hide ] ||
		is 'no file has come into /etc or left it' \
			"$(cat $kept/etc.before)" "$(find /etc -type f | sort)"
}

# A status is true if it calls effective just what is as it was asked for.
truth() { # truth DRIVERS
	run xpci status
	case $status in
	0) if [ -n "$output" ]; then
		is 'what is effective is with pciback' 'pciback pciback' "$1"
	else
		is 'nothing is hidden where nothing is to be' '8139cp e1000' "$1"
	fi ;;
	4 | 5) ok 'it is not as the file asks, and status says so' not_as_asked "$1" ;;
	*) fail 'status says how it is' "$errout" ;;
	esac
}

# The file, the boot and the image that is booted next are not of one mind, or
# a call is half done.
not_as_asked() { # not_as_asked DRIVERS
	local file=native script=native boot=native
	[ ! -e /etc/xpci.conf ] || file=pciback
	[ "$1" != 'pciback pciback' ] || boot=pciback
	! zstd -qdc "$image" | grep -qa init-top/00-xpci || script=pciback
	echo "file $file, image $script, boot $boot"
	[ "$file $script" != "$boot $boot" ] || [ -e /var/lib/xpci/journal ]
}

boots 4
