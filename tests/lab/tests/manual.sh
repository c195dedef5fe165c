# The examples of the manual that need a running guest, and what tab offers
# there.
# payload: manual
# shellcheck shell=bash disable=SC2154

boot1() {
	local c page
	modprobe xen-pciback
	for c in 03:00.0 03:02.0 05:00.0 05:00.1; do
		xl pci-assignable-add "$c"
	done
	start_guest
	tab winxp xpci attach w
	tab 02.0 xpci attach winxp 0000:03:02
	tab 1f xpci attach winxp 03:02.0 1f
	# attach is the last: a guest of this Xen is deaf once it gave back 05:00.0
	for page in tutorial.7 slots.8 detach.8 reconcile.8 attach.8; do
		page=xpci-$page.pod
		run /lab/manual/tests/harness/run-examples "$page" live
		like "$page has such examples" "^$page: [1-9]" "$output"
		xpci -q detach --timeout 60 winxp 03:02.0 >/dev/null 2>&1 || true
	done
}

# What the last word of a line is completed to.
tab() { # tab WANTED WORD...
	local want=$1 have
	shift
	have=$(bash -c '
		. /usr/share/bash-completion/completions/xpci
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$*
		COMP_POINT=${#COMP_LINE} COMP_TYPE=9
		_xpci
		echo "${COMPREPLY[@]}"' - "$@" 2>&1)
	is "tab: $*" "$want" "$have"
}
