#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-fast.sh BUILD: every test that needs no lab: the unit tests that are in
# BUILD/tests/unit, the golden cases, and the other run-*.sh. Failures are
# shown in full; the last line counts: "N passed, N failed", and ", N skipped"
# if any was. The build is the Makefile's.
set -uo pipefail

# A mount namespace of our own, for a file system on which fsync costs
# nothing; without root a user namespace too, for chroot.
if [ -z "${XPCI_TESTS_UNSHARED:-}" ]; then
	export XPCI_TESTS_UNSHARED=1
	# signals as they are by themselves, also under nohup
	set -- env --default-signal=HUP,INT,QUIT,TERM,PIPE "$0" "$@"
	if [ "$(id -u)" != 0 ]; then
		export XPCI_TESTS_USER=1
		exec unshare --user --map-root-user --mount "$@"
	elif unshare --mount true 2>/dev/null; then
		exec unshare --mount "$@"
	fi
	exec "$@"
fi

build=$(cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/.." || exit 2
out=$(mktemp -d) || exit 2
trap 'umount "$out" 2>/dev/null; rm -rf "$out"' EXIT
mount -t tmpfs -o mode=755 none "$out" 2>/dev/null || chmod 755 "$out"
mkdir -m 1777 "$out/tmp" && export TMPDIR=$out/tmp
passed=0 failed=0 skipped=0
# libpci forgets what it asked udev for, libxlutil a name that is given twice
export LSAN_OPTIONS=suppressions=$PWD/tests/harness/lsan.supp:print_suppressions=0

count()
{
	local n

	n=$(grep -c "$1" "$2")
	echo "${n:-0}"
}

unit()
{
	local name=${1##*/} log=$out/${1##*/} status=0 ok bad skip

	"$1" >"$log" 2>&1 || status=$?
	ok=$(count '^\[       OK \]' "$log")
	# cmocka names these again at the end
	skip=$(grep '^\[  SKIPPED \]' "$log" | grep -vc 'test(s)')
	bad=$(grep '^\[  FAILED  \]' "$log" | grep -vc 'test(s)')
	skip=$((skip / 2)) bad=$((bad / 2))
	grep '^\[  SKIPPED \]' "$log" | grep -v 'test(s)' | sort -u |
		sed "s/^/$name: /"
	if [ "$status" != 0 ] || [ $((ok + skip)) = 0 ]; then
		[ "$bad" != 0 ] || bad=1 # it crashed, or ran nothing
		echo "== $name failed (status $status)"
		cat "$log"
	elif [ "$bad" != 0 ]; then
		cat "$log"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	skipped=$((skipped + skip))
}

tap()
{
	local name=$1 log=$out/$1 status=0 bad ok skip

	shift
	"$@" >"$log" 2>&1 || status=$?
	skip=$(count '^ok .* # SKIP' "$log")
	ok=$(($(count '^ok ' "$log") - skip))
	bad=$(count '^not ok ' "$log")
	if [ "$status" != 0 ] || [ "$ok" = 0 ]; then
		[ "$bad" != 0 ] || bad=1
		echo "== $name failed (status $status)"
	fi
	grep -v '^ok [^#]*$' "$log" | grep -v '^1\.\.'
	passed=$((passed + ok)) failed=$((failed + bad))
	skipped=$((skipped + skip))
}

found=0
for test in tests/unit/*.c; do
	name=${test##*/}
	found=1
	if [ ! -x "$build/tests/unit/${name%.c}" ]; then
		echo "== $build/tests/unit/${name%.c} was not built"
		failed=$((failed + 1))
		continue
	fi
	unit "$build/tests/unit/${name%.c}"
done
[ "$found" = 1 ] || failed=$((failed + 1))
tap cases tests/run-cases.sh "$build"
tap completion tests/run-completion.sh "$build"
tap seize tests/run-seize.sh
tap faults tests/run-faults.sh "$build"

printf '%d passed, %d failed' "$passed" "$failed"
[ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
echo
[ "$failed" = 0 ]
