# The kernel's own word on hide lists: xen-pciback is loaded with each, and
# 'xpci hide-list --check' must say what came of it: taken or refused, what
# the log says, the addresses in "slots", the cards seized. One boot, no guest.
# shellcheck shell=bash disable=SC2154

pciback=/sys/bus/pci/drivers/pciback

# Cards that nobody drives, so that pciback can seize them.
free_cards() {
	local bdf
	for bdf in 01:00.0 03:00.0 03:02.0 04:00.0 05:00.0 05:00.1; do
		echo "0000:$bdf" >"/sys/bus/pci/devices/0000:$bdf/driver/unbind" ||
			say "0000:$bdf has no driver"
	done
	free=$(for bdf in /sys/bus/pci/devices/*; do
		[ -e "$bdf/driver" ] || basename "$bdf"
	done)
	say "without a driver: ${free//$'\n'/ }"
}

# What the kernel makes of a module's options.
kernel_says() { # kernel_says OPTION...
	dmesg -C
	if modprobe xen-pciback "$@" 2>/dev/null; then
		echo taken
		cat $pciback/slots
		echo "seized: $(cd $pciback && find . -name '0000:*' -printf '%f\n' |
			sort | xargs)"
		modprobe -r xen-pciback
	else
		echo refused
		# a line too long for the log is shown when the next one comes
		echo "the list was refused" >/dev/kmsg
		dmesg | grep -oE 'Error parsing pci_devs_to_hide|string parameter too long' ||
			dmesg | grep -i pciback || echo 'not a word'
	fi
}

# "0000:03:00.*" as "slots" shows it.
addresses() { # addresses GLOB
	local bus=${1%:*} slot=${1##*:} s f
	local slots=${slot%.*} funcs=${slot#*.}
	[ "$slots" != '*' ] || slots=$(printf '%02x ' {0..31})
	[ "$funcs" != '*' ] || funcs='0 1 2 3 4 5 6 7'
	for s in $slots; do
		for f in $funcs; do
			echo "$bus:$s.$f"
		done
	done
}

# The same as kernel_says, by xpci. "slots" ends with a page.
xpci_says() { # xpci_says TEXT
	local rows entry verdict bdf
	xpci -q hide-list --check "$1" --json >/run/lab/json || true
	if grep -q '"verdict": "refused"' /run/lab/json; then
		echo refused
		case $(grep '"reason"' /run/lab/json) in
		*'does not say so'*) echo 'not a word' ;;
		*'Error parsing'*) echo 'Error parsing pci_devs_to_hide' ;;
		*'the kernel takes 1024'*) echo 'string parameter too long' ;;
		esac
		return
	fi
	echo taken
	rows=$(awk -F '": ' '{ gsub(/[",]/, "", $2) }
		$1 ~ /"entry$/ { entry = $2 }
		$1 ~ /"bdf$/ { bdf = $2 }
		$1 ~ /"verdict$/ { print $2, bdf, entry }' /run/lab/json)
	while read -r verdict bdf entry; do
		case $verdict in
		hidden | bridge | odd | absent | again | in-use)
			addresses "$entry" ;;
		esac
	done <<<"$rows" | awk '!seen[$0]++' | head -n 315
	echo "seized: $(while read -r verdict bdf entry; do
		[ "$verdict" = left-out ] || grep -xF -e "$bdf" <<<"$free" || true
	done <<<"$rows" | sort -u | xargs)"
}

times() { # times N TEXT
	printf "$2%.0s" $(seq "$1")
}

lists=(
	# every form
	'' '(0000:03:00.0)' '(0000:03:00.0)(0000:03:02.0)' '(03:00.0)(03:02.0)'
	'(0000:05:00.*)' '(05:00.*)' '(0000:03:*.*)' '(03:*.*)' '(3:0.0)(5:0.*)'
	'(0000:03:00.0)(03:*.*)(05:00.1)(05:00.*)' '(ffff:ff:1f.7)' '(05:1f.7)'
	'(A:B.0)(a:b.0)' '(0:0a:1B.*)' '(02:*.*)(ff:*.*)' '(1:03:00.0)'
	# numbers
	'(0x3:0x0.0x0)' '(0X03:0X2.0X0)' '(0000:03:00.00)' '(0000005:00000.01)'
	'(000000000:03:00.0)' '(0x:0x.0x)' '(0x0x3:0.0)' '(0x 3:0.0)'
	'(100000003:00.0)' '(0:ffffffffffffffff00000005:0.0)' '(3:ffffffff.0)'
	'(05:00.80000000)' '(05:f0000000.f0000000)' '(5:7fffffff.0)'
	# blanks
	' (03:00.0) ' $'\t(03:00.0)\n(03:02.0)\r\v\f' $'\xa0(03:00.0)\xa0'
	'( 03:00.0)' '(03: 00.0)' '(03:00. 0)' '( 0000: 03: 00. *)'
	'(03 :00.0)' '(03:00 .0)' '(03:00.0 )' '(03:00. *)' '(03: *.*)'
	'(03:*. *)' ' ' '(03:00.0) x'
	# out of range
	'(03:20.0)' '(03:00.8)' '(100:00.0)' '(10000:03:00.0)' '(0:100:*.*)'
	'(10000:03:*.*)' '(03:20.*)' '(ffffffff:0.0)' '(ffffffff:3:0.0)'
	'(03:00.0)(03:20.0)' '(03:00.0)(03:20.0),' '(03:00.0),(03:20.0)'
	'(03:00.10)' '(03:0100.0)'
	# malformed
	'0000:03:00.0' '03:00.0' '(03:00.0),(03:02.0)' '(03:00.0);(03:02.0)'
	'(03:00.0' '(03:00.0(03:02.0)' '((03:00.0))' '()' '(' ')' '(03:00)'
	'(0000:03:00)' '(03)' '(03.00.0)' '(03:*.0)' '(0000:03:0*.0)'
	'(*:00.0)' '(*:*.*)' '(0000:*:*.*)' '(*)' '*' '(03:00.**)' '(03:00.0*)'
	'(-3:00.0)' '(+3:00.0)' '(03:00.-1)' '(10ec:8139)' '(03:00.g)'
	"'(03:00.0)'" '(0000:82.0.0)' '(0:0:3:0.0)' '(03::00.0)' '[03:00.0]'
	# a bridge, and what is behind it
	'(02:00.0)' '(02:00.*)(03:02.0)' '(00:1c.3)' '(00:1c.1)(05:00.0)'
	'(00:1c.*)'
	# the limits
	"$(times 73 '(0000:03:00.0)')" "$(times 73 '(0000:03:00.0)')  "
	"$(times 73 '(0000:03:00.0)')   " "$(times 113 '(05:00.0)')"
	"$(times 1024 ' ')" "$(times 1025 ' ')"
)

lines=(
	'hide=(0000:05:00.0)(0000:05:00.1)'
	'hide="(0000:05:00.0)(0000:05:00.1)"'
	'hide=(0000:05:00.0) (0000:05:00.1)'
	'hide="(0000:05:00.0) (0000:05:00.1)"'
	'hide="(0000:05:00.0) (0000:05:00.1)" passthrough=1'
	'"hide=(0000:05:00.0) (0000:05:00.1)"'
	"hide='(0000:05:00.0)'"
	'passthrough=1 hide=(05:00.0)'
	'hide=(05:00.0) hide=(05:00.1)'
	'hide= (05:00.0)'
	'hide="(05:00.0),(05:00.1)"'
)

boot1() {
	local text
	free_cards
	say "${#lists[@]} lists, as the parameter's value"
	for text in "${lists[@]}"; do
		is "$(printf '%.60q' "$text")" "$(kernel_says "hide=\"$text\"")" \
			"$(xpci_says "$text")"
	done

	say 'lines of a file, where quotes and blanks count'
	for text in "${lines[@]}"; do
		echo "options xen-pciback $text" >/etc/modprobe.d/grammar.conf
		is "options xen-pciback $text" "$(kernel_says)" \
			"$(xpci_says "options xen-pciback $text")"
	done
}
