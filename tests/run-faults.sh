#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-faults.sh BUILD: commands whose system calls fail one after the other,
# in TAP. "full": the k-th call that changes a file says there is no space;
# behind an error the tree must be as it was, to the byte, behind success it
# must be as it is to be. "kill": xpci dies at the k-th call; the same command
# again must make the tree what it is to be. What a killed xpci leaves under
# temporary names is not looked at: nothing clears that away yet.
set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)

manifest()
{
	(
		cd "$1"
		find . -mindepth 1 -printf '%P %y %m %U:%G %l\n' | sort
		find boot etc -type f -print0 | sort -z | xargs -0r sha256sum
	) | grep -v "${ignore:-^$}"
}

# run TREE AT KILL COMMAND...: xpci in the tree with the AT-th call failing
run()
{
	local tree=$1 at=$2 kill=$3

	shift 3
	env ${kill:+FAIL_KILL=1} FAIL_AT="$at" FAIL_COUNT=9 \
		ASAN_OPTIONS=verify_asan_link_order=0 \
		LD_PRELOAD="$work/fail-at.so" \
		"$work/prepared/bin/xpci" -q --root "$tree" "$@" \
		9>"$tree.calls" >/dev/null 2>"$tree.stderr" </dev/null
}

# one MODE AT COMMAND...: a message if the tree is not what it must be
one()
{
	local mode=$1 at=$2 status=0 want=before ignore=''
	local tree=$work/$name.$mode.$at

	shift 2
	cp -a "$work/$name" "$tree"
	if [ "$mode" = kill ]; then
		run "$tree" "$at" 1 "$@" || true
		run "$tree" 0 '' "$@" || status=$?
		# where all was done, unhide says that there is nothing to do
		want=after ignore='\.xpci \|\.xpci$\|\.xpci-kept'
	else
		run "$tree" "$at" '' "$@" || status=$?
		[ "$status" != 0 ] || want=after
	fi
	manifest "$tree" >"$tree.have"
	if ! diff -u --label "$want" --label "$mode at call $at" \
		"$work/$name.$want" "$tree.have"; then
		echo "status $status, $(cat "$tree.stderr")"
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
	cp -a "$work/$name" "$work/$name.done"
	run "$work/$name.done" 0 1 "$@"
	manifest "$work/$name.done" >"$work/$name.after"
	calls=$(<"$work/$name.done.calls")
	[ "$calls" -ge 6 ] || echo "$name: only $calls calls" >>"$work/$name.full"
	for mode in $modes; do
		: >>"$work/$name.$mode"
		for ((at = 1; at <= calls; at++)); do
			one "$mode" "$at" "$@" >>"$work/$name.$mode" 2>&1
		done
		report "$name: $mode at each of $calls calls" "$work/$name.$mode"
	done
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
"${CC:-cc}" -shared -fPIC -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 \
	-o "$work/fail-at.so" "$here/harness/fail-at.c"

debian=$work/prepared/base/debian2
cp -a "$debian" "$work/hide"
cp -a "$debian" "$work/unhide"
run "$work/unhide" 0 '' hide 03:02.0
cp -a "$debian" "$work/cfg"
mkdir "$work/cfg/etc/xen"
for guest in a b; do
	echo "name = '$guest'" >"$work/cfg/etc/xen/$guest.cfg"
done

scenario hide "full kill" hide 03:02.0 >"$work/1" &
{
	scenario cfg "full kill" cfg add /etc/xen/a.cfg /etc/xen/b.cfg 03:02.0@7
	scenario unhide "full kill" unhide 03:02.0
} >"$work/2"
wait $!
cat "$work/1" "$work/2"
[ ! -e "$work/failed" ]
