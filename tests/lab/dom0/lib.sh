# The test library: sourced before a test, in dom0. Everything goes to stdout,
# the results channel: "ok"/"not ok" lines as in TAP, "# " lines that explain a
# failure, "| " lines that narrate. See README.md.
# shellcheck shell=bash

state=/var/lib/lab
# shellcheck disable=SC2034 # by run-boot
finished=
died=
guest=winxp
guest_log=/var/log/xen/$guest-serial.log
guest_pos=0

result() { # result "ok"|"not ok" WHAT
	local n
	n=$(($(cat $state/count 2>/dev/null || echo 0) + 1))
	echo $n >$state/count
	# shellcheck disable=SC2154 # set by run-boot
	echo "$1 $n - boot$boot: $2"
}

# The rest of the arguments are lines that say why.
not_ok() { # not_ok WHAT [WHY...]
	result "not ok" "$1"
	echo $(($(cat $state/failed 2>/dev/null || echo 0) + 1)) >$state/failed
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}

# On exit of the test's shell.
report_death() {
	[ -n "$finished" ] || not_ok "the test runs to its end" \
		"status $1${died:+, last failed command: $died}"
}

# A failure that makes the rest of the test senseless: ends it.
fail() { # fail WHAT [WHY...]
	not_ok "$@"
	finished=1
	exit 1
}

# Narration.
say() {
	printf '| %s\n' "$*"
}

# A command as the user would type it.
quote() {
	local a sep=
	for a; do
		case $a in
		'' | *[!A-Za-z0-9_./:=@,+%-]*) a="'${a//\'/\'\\\'\'}'" ;;
		esac
		printf '%s%s' "$sep" "$a"
		sep=' '
	done
}

# Shows the command and what it says; keeps $status, $output and $errout.
# Never fails itself.
run() { # run CMD...
	say "\$ $(quote "$@")"
	status=0
	"$@" >/run/lab/out 2>/run/lab/err || status=$?
	# shellcheck disable=SC2034 # the test's
	output=$(cat /run/lab/out)
	errout=$(cat /run/lab/err)
	sed 's/^/| /' /run/lab/out
	sed 's/^/| ! /' /run/lab/err
	[ "$status" = 0 ] || say "(exit status $status)"
}

# Assertions. They return 0 in any case: one failure does not hide the next.
# The test ends after the boot in which one failed.

ok() { # ok WHAT CMD...
	local what=$1 out rc=0
	shift
	out=$("$@" 2>&1) || rc=$?
	if [ "$rc" = 0 ]; then
		result ok "$what"
	else
		not_ok "$what" "$(quote "$@")" "exit status $rc" "$out"
	fi
}

is() { # is WHAT EXPECTED ACTUAL
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		not_ok "$1" "expected: $2" "     got: $3"
	fi
}

like() { # like WHAT REGEX ACTUAL
	if [[ $3 =~ $2 ]]; then
		result ok "$1"
	else
		not_ok "$1" "expected to match: $2" "     got: $3"
	fi
}

unlike() { # unlike WHAT REGEX ACTUAL
	if [[ $3 =~ $2 ]]; then
		not_ok "$1" "expected not to match: $2" "     got: $3"
	else
		result ok "$1"
	fi
}

# Polls until the command succeeds; ends the test when it does not in time.
# A machine that stood still for a minute has a clock that jumps: time is over
# only if the command was also tried often enough.
wait_for() { # wait_for SECONDS WHAT CMD...
	local end=$((SECONDS + $1 * $(cat /lab/slow))) tries=$((2 * $1)) what=$2
	shift 2
	until "$@" >/run/lab/wait 2>&1; do
		if [ $((tries -= 1)) -le 0 ] && [ $SECONDS -ge $end ]; then
			fail "$what" "not in time: $(quote "$@")" \
				"$(cat /run/lab/wait)"
		fi
		sleep 0.2
	done
	result ok "$what"
}

# From the next boot on the kernel runs by itself, without Xen. Its test whether
# the timer ticks ends in a panic where QEMU is short of processor time.
next_boot_bare() { # next_boot_bare [KERNEL-ARGUMENT...]
	touch $state/bare
	cat >/boot/grub/grub.cfg <<-EOF
	linux /vmlinuz root=LABEL=dom0 ro console=ttyS0,115200 \
		init=/lab/init net.ifnames=0 no_timer_check $*
	initrd /initrd.img
	boot
	EOF
}

# The driver that holds a device, or "-".
driver() { # driver BDF
	local link=/sys/bus/pci/devices/$1/driver
	if [ -e "$link" ]; then
		basename "$(readlink "$link")"
	else
		echo -
	fi
}

# What the kernel's log says had a device in this boot, in order.
had() { # had BDF
	dmesg | grep -oE "(pciback|e1000|8139cp|8139too|e1000e) $1" |
		cut -d' ' -f1 | uniq | xargs
}

# What pciback has.
hidden() {
	(cd /sys/bus/pci/drivers/pciback && echo 0000:*)
}

# What the guest said on its serial line.
guest_log() {
	tr -d '\r' <"$guest_log"
}

guest_said() { # guest_said REGEX: in the lines not waited for yet
	local line
	line=$(guest_log 2>/dev/null | tail -n +$((guest_pos + 1)) |
		grep -n -m 1 -E -- "$1" | cut -d: -f1) && [ -n "$line" ] &&
		guest_pos=$((guest_pos + line))
}

# Waits for a line, and goes on behind it the next time.
wait_guest() { # wait_guest SECONDS REGEX
	wait_for "$1" "the guest says $2" guest_said "$2"
}

# Creates the guest and waits until its init runs.
start_guest() {
	local start=$SECONDS
	guest_pos=0
	rm -f "$guest_log"
	run xl create /etc/xen/$guest.cfg
	[ "$status" = 0 ] || fail "xl create $guest" "$errout"
	wait_guest 300 GUEST-UP
	say "(the guest's init is up after $((SECONDS - start)) s)"
}

stop_guest() {
	run xl destroy $guest
}
