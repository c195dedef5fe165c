# What is recorded of a running dom0 answers as dom0 itself does: unpacked by
# xpci and by tar. One boot, no guest.
# shellcheck shell=bash disable=SC2154

# Paths begin with the root; the running system's is empty.
answer() { # answer ROOT COMMAND
	local status=0

	# shellcheck disable=SC2086 # words
	TMPDIR=/root/tmp xpci --root "$1" $2 >/root/answer 2>&1 || status=$?
	sed -E "s,$1/,/,g; s,/root/tmp/xpci-[^/]{6}/,/,g" /root/answer
	echo "status $status"
}

boot1() {
	local command live

	mkdir -p /root/tmp /root/tar
	hostname whose-host-this-is
	run xpci record -q /root/host.tar.gz
	is "everything can be read" "0 " "$status $errout"
	say "$(stat -c '%s bytes' /root/host.tar.gz), $(tar -tzf /root/host.tar.gz | wc -l) names"
	tar -xzf /root/host.tar.gz -C /root/tar
	run grep -rlaE "$(hostname)|BEGIN .*KEY" /root/tar/etc /root/tar/proc
	is "neither the host's name nor keys are in it" "" "$output"
	for command in list 'list --json -a' groups tree 'tree --json' hide-list \
		'hide -n --rebuild 03:02.0' 'hide -n 00:1f.2'; do
		live=$(answer / "$command")
		is "$command: the same from the recording" "$live" \
			"$(answer /root/host.tar.gz "$command")"
		is "$command: the same as tar unpacks it" "$live" \
			"$(answer /root/tar "$command")"
	done
	run ls /root/tmp
	is "nothing is left behind" "" "$output"
}
