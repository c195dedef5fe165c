# xpci attach and detach against xl's, in one boot and in turns: medians, as
# rows for docs/benchmarks.md. The first round warms up and does not count.
# full
# deadline: 1500
# with: attach.sh
# payload: libxl-add
# shellcheck shell=bash disable=SC2034,SC2154,SC2086

rounds=9

boot1() {
	modprobe xen-pciback
	echo 4 >/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs
	four=$(for c in /sys/bus/pci/devices/0000:01:00.0/virtfn?; do
		basename "$(readlink "$c")"
	done | xargs)
	for c in 03:00.0 $card $four; do
		xl pci-assignable-add "$c"
	done
	start_guest
	before=$(traces)
	one_card
	four_cards
	same 'then'
}

timed() { # timed NAME CMD...: its milliseconds are a line of /run/lab/NAME
	local name=$1 start=${EPOCHREALTIME/./} end
	shift
	"$@" >/run/lab/out 2>/run/lab/err ||
		fail "timed: $*" "$(cat /run/lab/err)"
	end=${EPOCHREALTIME/./}
	[ $i = 0 ] || echo $(((end - start) / 1000)) >>/run/lab/$name
}

seen() { # seen +|- [COUNT]: the guest has seen them come or go
	wait_for 60 "seen $1" said "[$1]" ${2-1}
	guest_pos=$(guest_log | wc -l)
}

said() {
	[ "$(guest_log | tail -n +$((guest_pos + 1)) |
		grep -c "GUEST-PCI $1")" -ge $2 ]
}

one_card() {
	local i
	for ((i = 0; i <= rounds; i++)); do
		timed xl-attach xl pci-attach winxp $card@7
		seen +
		timed xl-detach xl pci-detach winxp $card
		seen -
		timed xpci-attach xpci attach winxp $card 7
		seen +
		xpci detach --timeout 60 winxp $card >/run/lab/out 2>&1
		seen -
		timed only-attach /lab/libxl-add winxp 0000:$card
		seen +
		timed xpci-detach xpci detach winxp $card
		seen -
	done
	row attach 'attach of one card' 'xl pci-attach' 110
	row detach 'detach of one card' 'xl pci-detach' 110
}

by_xl() {
	local c
	for c in $four; do
		xl pci-attach winxp $c || return
	done
}

four_cards() {
	local i
	for ((i = 0; i <= rounds; i++)); do
		timed xl-four by_xl
		seen + 4
		xpci detach --timeout 60 winxp $four >/run/lab/out 2>&1
		seen - 4
		timed xpci-four xpci attach winxp $four
		seen + 4
		xpci detach --timeout 60 winxp $four >/run/lab/out 2>&1
		seen - 4
		timed only-four /lab/libxl-add winxp $four
		seen + 4
		xpci detach --timeout 60 winxp $four >/run/lab/out 2>&1
		seen - 4
	done
	row four 'attach of four cards in one call' 'four times xl pci-attach' 50
}

# "LEAST MEDIAN MOST" of the lines.
middle() { # middle NAME
	sort -n /run/lab/$1 | awk '{ v[NR] = $1 }
		END { print v[1], v[int((NR + 1) / 2)], v[NR] }'
}

row() { # row NAME WHAT PEER PERCENT
	local lx mx hx ll ml hl
	read -r lx mx hx <<<"$(middle xpci-$1)"
	read -r ll ml hl <<<"$(middle xl-$1)"
	say "bench | $2 | $mx ms ($lx to $hx) | $3: $ml ms ($ll to $hl) |" \
		"$((mx * 100 / ml)) % | medians of $rounds |"
	ok "$2: at most $4 % of xl's time" test $((mx * 100 / ml)) -le $4
	[ -e /run/lab/only-$1 ] || return 0
	read -r lx mx hx <<<"$(middle only-$1)"
	say "bench | of that, a program that only calls libxl_device_pci_add()" \
		"| $mx ms ($lx to $hx) | $3: $ml ms ($ll to $hl) |" \
		"$((mx * 100 / ml)) % | medians of $rounds |"
}
