#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-faults.sh BUILD: commands whose system calls fail one after the other,
# in TAP. "full": the k-th call that changes a file says there is no space;
# behind an error the tree must be as it was, to the byte, behind success it
# must be as it is to be. "kill": xpci dies at the k-th such call; "trace": it
# dies at the k-th system call of any kind. The next xpci, whatever it is to
# do, must make the tree what it was or what it is to be, with no file left
# over, and the same command again what it is to be. Where devices change
# hands, the tree is the running system, with who has them, and the next xpci
# is that of the boot scripts.
set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)

manifest()
{
	(
		cd "$1"
		find . -mindepth 1 -printf '%P %y %m %U:%G %l\n' | sort
		find boot etc var sys/bus -type f -print0 | sort -z |
			xargs -0r sha256sum
	)
}

# run TREE AT KILL COMMAND...: xpci in the tree with the AT-th call failing
run()
{
	local tree=$1 at=$2 kill=$3 mode_kill='' leaks=1
	local preload=fail-at where=--root libexec=$work/prepared/bin

	[ "$kill" != kill ] || mode_kill=1
	shift 3
	if [ -e "$tree/lib/xpci" ]; then
		preload=stand-in-kernel where='' leaks=0 libexec=/lib/xpci
	fi
	if [ "$kill" = trace ]; then
		ASAN_OPTIONS=detect_leaks=0 "$work/kill-at" "$at" \
			"$work/prepared/bin/xpci" -q --root "$tree" "$@" \
			9>"$tree.calls" >/dev/null 2>"$tree.stderr" </dev/null
		return
	fi
	env ${mode_kill:+FAIL_KILL=1} FAIL_AT="$at" FAIL_COUNT=9 \
		FAIL_CHROOT="$tree" XPCI_LIBEXECDIR="$libexec" \
		ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=$leaks" \
		LD_PRELOAD="$work/prepared/bin/$preload.so" \
		"$work/prepared/bin/xpci" -q ${where:+"$where" "$tree"} "$@" \
		9>"$tree.calls" >/dev/null 2>"$tree.stderr" </dev/null
}

# expect TREE WANT...: the tree must be as one of these
expect()
{
	local tree=$1 want

	shift
	manifest "$tree" >"$tree.have"
	for want; do
		! cmp -s "$work/$name.$want" "$tree.have" || return 0
	done
	diff -u --label "$*" --label "$mode at call $at" \
		"$work/$name.$1" "$tree.have" || true
	cat "$tree.stderr"
}

# one MODE AT COMMAND...: a message if the tree is not what it must be
one()
{
	local mode=$1 at=$2 status=0
	local tree=$work/$name.$mode.$at

	shift 2
	cp -a "$work/$name" "$tree"
	if [ "$mode" = full ]; then
		run "$tree" "$at" '' "$@" || status=$?
		if [ "$status" = 0 ]; then
			# to clear up may have failed; the next one does it
			run "$tree" 0 '' "${other[@]}" || true
			expect "$tree" after
		else
			expect "$tree" before
		fi
	else
		run "$tree" "$at" "$mode" "$@" || true
		run "$tree" 0 '' "${other[@]}" || true
		expect "$tree" before after
		# where all was done, unhide says that there is nothing to do
		run "$tree" 0 '' "$@" || status=$?
		expect "$tree" after
	fi
	rm -rf "$tree" "$tree".*
}

# scenario NAME MODES COMMAND...: on the tree $work/NAME
scenario()
{
	local calls at mode modes=$2

	name=$1
	shift 2
	manifest "$work/$name" >"$work/$name.before"
	for mode in $modes; do
		rm -rf "$work/$name.done"
		cp -a "$work/$name" "$work/$name.done"
		run "$work/$name.done" 0 "$mode" "$@"
		manifest "$work/$name.done" >"$work/$name.after"
		calls=$(<"$work/$name.done.calls")
		: >"$work/$name.$mode"
		[ "$calls" -ge 6 ] || echo "only $calls calls" >>"$work/$name.$mode"
		for ((at = 1; at <= calls; at++)); do
			one "$mode" "$at" "$@" >>"$work/$name.$mode" 2>&1
		done
		report "$name: $mode at each of $calls calls" "$work/$name.$mode"
	done
}

# The running dom0, before "hide --now" and after it.
live()
{
	cp -a "$work/prepared/base/xen" "$work/take"
	rm -r "$work/take/lib/xpci/guests" "$work/take/etc/xen"
	cp "$debian/etc/other.cfg" "$work/take/etc"
	cp -a "$work/take" "$work/give"
	run "$work/give" 0 '' hide --now 03:02.0
	cp -a "$work/give" "$work/late"
	run "$work/late" 0 '' unhide 03:02.0
	[ "$(cd "$work/late/sys/bus/pci/devices" && readlink 0000:03:0?.0/driver)" = \
		$'../../drivers/pciback\n../../drivers/pciback' ]
}

report()
{
	if [ -s "$2" ]; then
		echo "not ok $1"
		sed 's/^/# /' "$2"
		touch "$work/failed"
	else
		echo "ok $1"
	fi
}

if [ -z "${XPCI_TESTS_UNSHARED:-}" ]; then
	export XPCI_TESTS_UNSHARED=1
	if [ "$(id -u)" != 0 ]; then
		exec unshare --user --map-root-user --mount "$0" "$@"
	elif unshare --mount true 2>/dev/null; then
		exec unshare --mount "$0" "$@"
	fi
fi

build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'umount "$work" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -t tmpfs -o mode=755 none "$work" 2>/dev/null || chmod 755 "$work"
"$here/harness/prepare" "$build/xpci" "$work/prepared"
"${CC:-cc}" -D_GNU_SOURCE -O1 -o "$work/kill-at" "$here/harness/kill-at.c"
# takes the lock and finds nothing to do
other=(cfg remove /etc/other.cfg 05:00.0)

debian=$work/prepared/base/debian2
mkdir -p "$debian/var/lib"
echo "name = 'other'" >"$debian/etc/other.cfg"
cp -a "$debian" "$work/hide"
cp -a "$debian" "$work/rebuild"
cp -a "$debian" "$work/unhide"
run "$work/unhide" 0 '' hide 03:02.0
live
mkdir -p "$work"/cfg/{etc/xen,boot,var/lib,sys/bus}
cp "$debian/etc/other.cfg" "$work/cfg/etc"
for guest in a b; do
	echo "name = '$guest'" >"$work/cfg/etc/xen/$guest.cfg"
done

{
	scenario hide "full kill" hide 03:02.0
	other=(boot)
	scenario late kill unhide --now 03:02.0
} >"$work/1" &
hide=$!
{
	scenario cfg "full kill trace" cfg add /etc/xen/a.cfg /etc/xen/b.cfg 03:02.0@7
	scenario unhide "full kill" unhide 03:02.0
	scenario rebuild kill hide --rebuild 03:02.0
	other=(boot)
	scenario take "full kill" hide --now 03:02.0
	scenario give kill unhide --now 03:02.0
} >"$work/2"
# bash forgets a process whose number is used again
wait $hide || true
cat "$work/1" "$work/2"
[ ! -e "$work/failed" ]
