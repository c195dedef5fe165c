# Attach and detach under all that goes wrong, xl used in between, and what
# reconcile makes of it. 03:02.0 and the virtual functions can be cycled for
# ever; a card of IRQ 16 is given back last (docs/design/attach.md).
# "trap:" lines are the table of docs/traps.md.
# full
# deadline: 2700
# with: attach.sh
# shellcheck shell=bash disable=SC2154,SC2086,SC2034,SC2016

cycles=50
kills=30

boot1() {
	local c
	modprobe xen-pciback
	echo 4 >/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs
	vfs=$(for c in /sys/bus/pci/devices/0000:01:00.0/virtfn?; do
		basename "$(readlink "$c")"
	done | xargs)
	for c in 03:00.0 $card 05:00.0 05:00.1 $vfs; do
		xl pci-assignable-add "$c"
	done
	start_guest
	before=$(traces)
	fine 'at first'
	again_and_again
	killed
	xl_between
	owners
	by_force
	given_back
	deaf
	destroyed
	guest_crashes
	model_crashes
	deaf_for_good
}

trap_row() { # trap_row WHAT XL XPCI
	say "trap: | $1 | $2 | $3 |"
}

# Exit status and milliseconds of a call, what it says in $errout.
timed() { # timed CMD...
	local start
	start=$(date +%s%N)
	status=0
	"$@" >/run/lab/out 2>/run/lab/err || status=$?
	took=$((($(date +%s%N) - start) / 1000000))
	output=$(cat /run/lab/out)
	errout=$(cat /run/lab/err)
}

model() { # model GUEST
	xenstore-read "/local/domain/$(xl domid "$1")/image/device-model-pid"
}

# Whose lines wait_guest waits for.
talk_to() { # talk_to GUEST
	guest=$1
	guest_log=/var/log/xen/$guest-serial.log
	guest_pos=$(guest_log 2>/dev/null | wc -l)
}

other_cfg() { # other_cfg [SED-SCRIPT]
	sed -e 's/winxp"/other"/;s/winxp-serial/other-serial/' -e "${1-}" \
		/etc/xen/winxp.cfg >/etc/xen/other.cfg
}

# The second guest, which has not begun to boot.
paused_other() { # paused_other [SED-SCRIPT]
	other_cfg "${1-}"
	does xl create -p /etc/xen/other.cfg
}

has() { # has GUEST BDF: by libxl's records
	xl pci-list "$1" | grep -c "$2" || true
}

# The same call of xpci until it is done, at most 60 s.
let_go() { # let_go GUEST BDF...
	does xpci detach --timeout 60 "$@"
}

# What is there of a device model, and of xpci when none runs.
footprint() {
	find "/proc/$1/fd" -type l | wc -l
	find /run/lock /run/xpci* /var/lib/xpci /tmp ! -type d 2>/dev/null | sort
	pgrep -c xpci || true
}

rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# All of xenstore, but for what libxl counts up and the guest's clock.
xenstore() {
	xenstore-ls -f | grep -vE 'driver_path|/pci/.* = ""$'
}

cycle() {
	timed xpci attach winxp $card 7
	[ "$status" = 0 ] || fail "attach $1" "$errout"
	[ -z "$errout" ] || not_ok "attach $1 says nothing" "$errout"
	wait_guest 30 'GUEST-PCI [+] 0000:00:07.0'
	timed xpci detach --timeout 60 winxp $card
	[ "$status" = 0 ] || fail "detach $1" "$errout"
}

again_and_again() {
	local i pid earlier memory
	say "$cycles times"
	pid=$(model winxp)
	cycle 0
	earlier=$(footprint $pid)$(xenstore)
	memory=$(rss $pid)
	for ((i = 1; i < cycles; i++)); do
		cycle $i
	done
	is 'files, processes and xenstore are as after the first' "$earlier" \
		"$(footprint $pid)$(xenstore)"
	same 'then'
	say "the device model's memory: $memory KiB, then $(rss $pid)"
	ok 'which is no more than a MiB more' \
		test $(($(rss $pid) - memory)) -lt 1024
	wait_guest 30 'GUEST-PCI [-] 0000:00:07.0'
}

# At a random point of a call that takes so long; reconcile puts it right.
kill_once() { # kill_once WHOLE CMD...
	local whole=$1 at
	shift
	at=$((RANDOM % whole))
	status=0
	timeout -s KILL "$(printf '%d.%03d' $((at / 1000)) $((at % 1000)))" \
		"$@" >/run/lab/out 2>&1 || status=$?
	[ "$status" != 137 ] || hits=$((hits + 1))
	run xpci reconcile --fix
	is "$2 killed after $at of $whole ms: all is right again" 0 "$status"
	[ -z "$output" ] || mended=$((mended + 1))
}

kill_many() { # kill_many WHOLE CMD...
	local i hits=0 mended=0 what=$3
	for ((i = 0; i < kills; i++)); do
		if [ $what = detach ] && [ "$(has winxp $card)" = 0 ]; then
			does xpci attach winxp $card 7
		fi
		kill_once "$@"
		if [ $what = attach ] && [ "$(has winxp $card)" != 0 ]; then
			let_go winxp $card
		fi
		[ $what = detach ] || same "kill $i:"
	done
	say "$what: $hits of $kills calls were killed, reconcile had to mend $mended"
}

killed() {
	local attach detach
	timed xpci attach winxp $card 7
	attach=$took
	timed xpci detach --timeout 60 winxp $card
	detach=$took
	kill_many $attach xpci attach winxp $card 7
	kill_many $detach xpci detach winxp $card
	[ "$(has winxp $card)" = 0 ] || let_go winxp $card
	same 'after the kills'
}

# xl gives and takes what xpci takes and gives.
xl_between() {
	local c s
	set -- $vfs
	say 'xl in between'
	does xl pci-attach winxp $card@7
	refused 1 'already attached' xpci attach winxp $card 8
	refused 1 'slot 7 of .winxp. is taken' xpci attach winxp $1 7
	let_go winxp $card
	does xpci attach winxp $card 7
	does xl pci-detach winxp $card
	same 'then'

	say 'xl and xpci at once'
	for c in $vfs; do
		case $c in
		*[02]) xl pci-attach winxp $c ;;
		*) xpci attach winxp $c ;;
		esac >/run/lab/at-once-$c 2>&1 &
		echo $! >/run/lab/pid-$c
	done
	for c in $vfs; do
		s=0
		wait "$(cat /run/lab/pid-$c)" || s=$?
		say "$c: exit status $s $(head -c 200 /run/lab/at-once-$c)"
		case $c in
		*[13]) is "$c: what xpci said is so" $((!s)) \
			"$(xpci slots winxp | grep -c "$c.*attached")" ;;
		esac
	done
	run xpci reconcile --fix
	for c in $vfs; do
		[ "$(has winxp $c)" = 0 ] || let_go winxp $c
	done
	fine 'then'
	same 'then'
}

# What a guest has stays with it.
owners() {
	local xl config
	say 'a card that another guest has'
	paused_other
	talk_to winxp
	does xpci attach winxp $card 7
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0'
	config=$(lspci -xxx -s $card)
	refused 3 "in use by the guest 'winxp'" xpci attach other $card 7
	refused 1 "but to 'winxp'" xpci detach other $card
	run xl pci-attach other $card
	xl="exit status $status; \`pci-assignable-list\` then offers it: \
$(xl pci-assignable-list | grep -c $card || true) time(s)"
	run xpci reconcile
	is 'reconcile says 5' 5 "$status"
	is 'xpci does not offer it' '' \
		"$(xpci list --assignable | grep $card || true)"
	refused 3 "in use by the guest 'winxp'" xpci attach other $card 7
	trap_row 'attach of a card that another guest has' "$xl" \
		"exit status $status, refused; \`list --assignable\` does not offer it"
	run xpci reconcile --fix
	is 'it is put right' 0 "$status"
	is 'xl does not offer it either' '' \
		"$(xl pci-assignable-list | grep $card || true)"
	is 'the card is as it was' "$config" "$(lspci -xxx -s $card)"
	unlike 'the guest did not lose it' 'GUEST-PCI - 0000:00:07.0' \
		"$(guest_log | tail -n +$((guest_pos + 1)))"
	let_go winxp $card
	wait_guest 30 'GUEST-PCI - 0000:00:07.0'
	same 'then'

	say 'a group that would be split'
	does xpci attach winxp $card 7
	refused 3 'must go with' xpci attach other 03:00.0 7
	run xl pci-attach other 03:00.0@7
	trap_row "attach of 03:00.0 while another guest has 03:02.0, which is \
behind the same bridge" "exit status $status" 'exit status 3, refused'
	let_go winxp $card
	does xl destroy other
	say 'and eight calls at once, for one card'
	paused_other
	set -- $vfs
	race $1 >/run/lab/race
	is 'one succeeds' 1 "$(grep -c '^0$' /run/lab/race)"
	is 'all others say no' 7 "$(grep -c '^[13]$' /run/lab/race)"
	is 'it has one owner' 1 "$(xpci slots -o bdf | grep -c $1)"
	grep -v '^[0-9]' /run/lab/race | sort | uniq -c | sed 's/^/| /'
	does xl destroy other
	[ "$(has winxp $1)" = 0 ] || let_go winxp $1

	say 'a card of two functions'
	paused_other
	run xl pci-attach other '05:00.*@7'
	xl="exit status $status, and the guest has $(has other 05:00) of 2"
	does xl destroy other
	refused 3 'noted in xenstore as given' xpci attach winxp 05:00.0
	xl="$xl; once the guest is gone, $(xl pci-assignable-list |
		grep -c 05:00) of 2 are assignable"
	does xpci reconcile --fix
	paused_other
	run xpci attach other '05:00.*@7'
	is 'both functions' 2 "$(has other 05:00)"
	trap_row 'attach of all functions of a card, `05:00.*@7`' "$xl" \
		"exit status $status, and the guest has $(has other 05:00) of 2"
	does xl destroy other

	say 'a guest that was created without passthrough'
	paused_other 's/^passthrough.*//'
	run xl pci-attach other $card
	xl="exit status $status, \"$(grep -o 'cannot be assigned.*' <<<"$errout")\""
	refused 1 'created without passthrough' xpci attach other $card
	trap_row 'attach to a guest that was created without passthrough' "$xl" \
		"exit status $status, says which line its config needs"
	does xl destroy other
	fine 'then'
}

# What a guest did not let go of is taken, and is on its bus yet.
by_force() {
	local xl
	say 'a card that was taken by force'
	talk_to winxp
	paused_other
	does xpci attach winxp $card 7
	wait_guest 60 'GUEST-PCI \+ 0000:00:07.0'
	does xl pause winxp
	run xl pci-detach -f winxp $card
	xl="\`pci-detach -f\` $status"
	refused 3 'device model of domain [0-9]+ still has' \
		xpci attach other $card 7
	run xl pci-attach other $card@7
	xl+=", \`pci-attach\` to the next guest $status; device models that have"
	xl+=" the card: $(holders)"
	trap_row "a card is taken by force from a guest that is paused, and given \
to another" "$xl" 'exit status 3, refused'
	refused 3 'has been given to .other. since' xpci detach winxp $card
	is "and libxl's note is the other guest's" "$(xl domid other)" \
		"$(xenstore-read /libxl/pci/0000-03-02-0/domid)"
	does xl destroy other
	does xl unpause winxp
	wait_guest 60 'GUEST-PCI - 0000:00:07.0'
	xenstore-rm /local/domain/0/error || true
	fine 'then'
	same 'then'
}

holders() {
	local g
	for g in winxp other; do
		xl qemu-monitor-command $g 'info pci' |
			grep -c 'pci-pt-03_02.0' || true
	done | awk '{ n += $1 } END { print n }'
}

# A guest that keeps another device gives a card back, and the next one has it.
given_back() {
	local by marks='' vf=${vfs%% *}
	talk_to winxp
	for by in 'xl xl' 'xpci xl' 'xl xpci'; do
		set -- $by
		say "a card that $1 takes, and $2 gives to another guest"
		paused_other
		does xpci attach winxp $card 7
		wait_guest 60 'GUEST-PCI \+ 0000:00:07.0'
		does xpci attach winxp $vf 8
		wait_guest 60 'GUEST-PCI \+ 0000:00:08.0'
		case $1 in
		xl) does xl pci-detach winxp $card ;;
		*) let_go winxp $card ;;
		esac
		case $2 in
		xl) does xl pci-attach other $card@7 ;;
		*) does xpci attach other $card 7 ;;
		esac
		# what the first guest's last device must not change
		setpci -s $card COMMAND=0106 INTERRUPT_LINE=5a
		let_go winxp $vf
		marks+="$(setpci -s $card COMMAND INTERRUPT_LINE | xargs),"
		does xl destroy other
	done
	like 'the next guest keeps it' ',0106 5a,0106 5a,$' "$marks"
	trap_row "a guest that keeps others gives a card back, the next one gets \
it; then the first gives back the others" "command register and interrupt line \
are no longer the next guest's 0106 5a, but ${marks%%,*}" 'they still are'
	# of xl's turn
	xenstore-rm /local/domain/0/error || true
	fine 'then'
	same 'then'
}

race() { # race BDF
	local i g
	for i in 1 2 3 4; do
		for g in winxp other; do
			{
				local s=0
				xpci attach $g $1 2>&1 || s=$?
				echo $s
			} &
		done
	done
	wait
}

# Guests that do not answer.
deaf() {
	local xl
	talk_to winxp
	before=$(traces)
	say 'a guest that is paused'
	does xl pause winxp
	run xpci attach winxp $card 7
	is 'it gets the card' 0 "$status"
	like 'with a warning' 'takes no notice' "$errout"
	does xl unpause winxp
	wait_guest 60 'GUEST-PCI \+ 0000:00:07.0'
	does xl pause winxp
	timed xl pci-detach winxp $card
	xl="exit status $status after $((took / 1000)) s"
	refused 1 'did not let go' xpci detach --timeout 2 winxp $card
	trap_row 'detach, the guest is paused' "$xl" \
		"exit status $status after the 2 s of \`--timeout 2\`"
	does xl unpause winxp
	wait_guest 60 'GUEST-PCI - 0000:00:07.0'
	run xl pci-detach winxp $card
	xl="exit status $status, in its list: $(has winxp $card)"
	run xpci reconcile
	like 'reconcile knows' 'winxp +wrong' "$output"
	let_go winxp $card
	trap_row 'detach again, after the guest has let go' "$xl" \
		"exit status $status, in its list: $(has winxp $card)"
	same 'then'

}

destroyed() {
	say 'a guest that has not booted, and is destroyed in the middle'
	paused_other
	does xpci attach other $card 7
	is 'which is no news to it' '' "$errout"
	xpci detach other $card --timeout 60 >/run/lab/detach 2>&1 &
	wait_for 10 'the detach is under way' busy
	refused 1 'another xpci' xpci attach winxp 03:00.0 7
	does xl destroy other
	status=0
	wait $! || status=$?
	is 'the detach fails' 1 "$status"
	say "$(cat /run/lab/detach)"
	run xpci reconcile --fix
	is 'what is left is put right' 0 "$status"
	same 'then'

}

guest_crashes() {
	local xl
	say 'a guest that crashes'
	other_cfg 's/^cmdline = "/&unknown_nmi_panic xen_legacy_crash /'
	talk_to other
	does xl create /etc/xen/other.cfg
	guest_pos=0
	wait_guest 300 GUEST-UP
	does xpci attach other $card 7
	wait_guest 30 'GUEST-PCI \+ 0000:00:07.0'
	does xl trigger other nmi
	wait_for 30 'it is down' crashed
	timed xl pci-detach other $card
	xl="exit status $status after $((took / 1000)) s"
	refused 1 'did not let go' xpci detach --timeout 2 other $card
	trap_row 'detach, the guest has crashed' "$xl" \
		"exit status $status after the 2 s of \`--timeout 2\`"
	refused 3 "in use by the guest 'other'" xpci attach winxp $card 7
	does xl destroy other
	run xpci reconcile --fix
	is 'what is left is put right' 0 "$status"
	same 'then'
}

busy() {
	! flock -n /run/lock/xpci true
}

crashed() {
	xl list other | awk 'NR == 2 { exit $5 !~ /c/ }'
}

# The device model does not answer, or is no more.
model_crashes() {
	local xl pid
	say 'the device model stands still'
	paused_other
	does xpci attach other $card 7
	pid=$(model other)
	kill -STOP "$pid"
	timed timeout 60 xl pci-detach other $card
	xl="exit status $status after $((took / 1000)) s"
	timed timeout 60 xpci detach --timeout 2 other $card
	is 'xpci gives up' 1 "$status"
	like 'and says why' 'does not answer' "$errout"
	trap_row 'detach, the device model stands still' "$xl" \
		"exit status $status after $((took / 1000)) s, says that"
	run xpci slots
	like 'nobody knows' '03:02.0 .*unknown' "$output"
	refused 1 'the device model of' xpci slots other
	set -- $vfs
	refused 1 'the device model of' xpci attach other $1 8
	talk_to winxp
	timed xpci attach winxp $1 9
	is 'another guest can be given one' 0 "$status"
	like 'with a warning' 'device model of domain [0-9]+ does not' "$errout"
	wait_guest 60 'GUEST-PCI \+ 0000:00:09.0'
	let_go winxp $1
	kill -CONT "$pid"
	run xpci slots other
	like 'now it does' '03:02.0 .*attached' "$output"
	say 'and dies'
	kill -9 "$pid"
	timed timeout 60 xl pci-detach other $card
	xl="exit status $status after $((took / 1000)) s"
	timed timeout 60 xpci detach --timeout 2 other $card
	is 'it cannot be asked' 1 "$status"
	like 'which is said' 'device model' "$errout"
	trap_row 'detach, the device model is dead' "$xl" \
		"exit status $status after $((took / 1000)) s, says that"
	run xpci reconcile --fix
	is 'reconcile says 5' 5 "$status"
	does xl destroy other
	run xpci reconcile --fix
	is 'what is left is put right' 0 "$status"
	same 'then'
}

# Cards of IRQ 16 take the guest's own interrupt with them (Xen before 4.19).
deaf_for_good() {
	local xl
	say 'a card of IRQ 16, once and again'
	talk_to winxp
	is 'it is one' 16 "$(cat /sys/bus/pci/devices/0000:05:00.0/irq)"
	does xpci attach winxp 05:00.0 9
	is 'the guest listens' '' "$errout"
	wait_guest 30 'GUEST-PCI \+ 0000:00:09.0'
	let_go winxp 05:00.0
	wait_guest 30 'GUEST-PCI - 0000:00:09.0'
	run xl pci-attach winxp 05:00.1@a
	xl="exit status $status, no word"
	run xpci attach winxp 05:00.0 9
	is 'it gets the card' 0 "$status"
	like 'with a warning' 'IRQ 16' "$errout"
	trap_row "attach, after a card of IRQ 16 was given back: the guest does \
not see it" "$xl" "exit status $status, a warning that says so"
	unlike 'the guest sees none' 'GUEST-PCI [+] 0000:00:0[9a].0' \
		"$(guest_log | tail -n +$((guest_pos + 1)))"
	stop_guest
	run xpci reconcile --fix
	is 'what is left is put right' 0 "$status"
	same 'then'
}
