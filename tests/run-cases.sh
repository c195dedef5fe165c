#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-cases.sh BUILD [COMMAND | COMMAND/NAME]...: the golden cases of
# tests/cases, in TAP. UPDATE=1 writes the expected files anew. JOBS says how
# many run at once. tests/cases/README.md says what a case is.
#
# Not bats: it reads its whole file again for each test, which for hundreds of
# them takes longer than the tests.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

# One case, its result in $2.
if [ "$1" = --one ]; then
	name=${4#"$here/cases/"}
	if [ -e "$4/needs-root" ] && [ -n "${XPCI_TESTS_USER:-}" ]; then
		echo "ok $2 $name # SKIP needs root, to become another user" >"$3/$2"
	elif "$here/harness/run-case" "$3/prepared" "$4" >"$3/out.$2" 2>&1; then
		echo "ok $2 $name" >"$3/$2"
	else
		{
			echo "not ok $2 $name"
			sed 's/^/# /' "$3/out.$2"
		} >"$3/$2"
	fi
	exit 0
fi

# A mount namespace of our own, for a file system on which fsync costs
# nothing; without root a user namespace too, for chroot.
if [ -z "${XPCI_TESTS_UNSHARED:-}" ]; then
	export XPCI_TESTS_UNSHARED=1
	if [ "$(id -u)" != 0 ]; then
		export XPCI_TESTS_USER=1
		exec unshare --user --map-root-user --mount "$0" "$@"
	elif unshare --mount true 2>/dev/null; then
		exec unshare --mount "$0" "$@"
	fi
fi

build=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'umount "$work" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -t tmpfs -o mode=755 none "$work" 2>/dev/null || chmod 755 "$work"
"$here/harness/prepare" "$build/xpci" "$work/prepared"

cases=()
for name in "${@:-}"; do
	for dir in "$here/cases/$name"{,/*,/*/*}; do
		[ ! -e "$dir/cmd" ] || cases+=("$(realpath "$dir")")
	done
done
mapfile -t cases < <(printf '%s\n' "${cases[@]}" | sort -u)
echo "1..${#cases[@]}"

for i in "${!cases[@]}"; do
	printf '%s\0%s\0%s\0' $((i + 1)) "$work" "${cases[i]}"
done | xargs -0 -n 3 -P "${JOBS:-$(nproc)}" "$0" --one

status=0
for i in "${!cases[@]}"; do
	cat "$work/$((i + 1))"
	grep -q '^ok' "$work/$((i + 1))" || status=1
done
exit $status
