#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-package.sh BUILD DIR: dpkg installs, removes, upgrades and purges the
# packages in DIR on a made-up host: the golden cases' Debian laid over this
# machine's file systems, so that all that dpkg and the packages' scripts
# write is seen in one place. As root. TAP. BUILD's xpci makes the host. What
# a real dom0 says to it is in tests/lab/tests/package.sh.
set -euo pipefail
export LC_ALL=C

if [ -z "${XPCI_TESTS_UNSHARED:-}" ]; then
	export XPCI_TESTS_UNSHARED=1
	# no network either: its cards are not those of that host
	exec unshare --mount --net "$0" "$@"
fi

build=$(readlink -f "$1")
debs=$(readlink -f "$2")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'umount -l "$work"; rm -rf --one-file-system "$work"' EXIT
mount -t tmpfs none "$work"
n=0 bad=0
image=/boot/initrd.img-6.1.0-13-amd64

is() # is WHAT EXPECTED ACTUAL
{
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		{
			printf 'expected: %s\n     got: %s\n' "$2" "$3"
			cat "$work/log"
		} | sed 's/^/# /'
		bad=1
	fi
}

host()
{
	local case=$work/cases/base/debian

	harness/prepare "$build/xpci" "$work/cases"
	mkdir -p "$case/usr/lib" "$work/up" "$work/tmp" "$work/host"
	mv "$case/lib/modules" "$case/usr/lib"
	rm -r "${case:?}/lib" "${case:?}/bin"
	sed -i '1s,.*,#!/bin/busybox sh,' "$case/usr/sbin/update-initramfs"
	mount -t overlay -o "lowerdir=$case:/,upperdir=$work/up,workdir=$work/tmp" \
		none "$work/host" || return
	mount --bind /proc "$work/host/proc"
	mount --bind /dev "$work/host/dev"
	mount -t tmpfs none "$work/host/tmp"
	mount -t tmpfs none "$work/host/run"
	cp "$debs"/xpci*.deb "$work/host/tmp"
}

inside()
{
	status=0
	chroot "$work/host" "$@" >"$work/log" 2>&1 || status=$?
}

install()
{
	inside sh -c 'dpkg -i /tmp/xpci*.deb'
	is "$1" 0 "$status"
}

there() # there FILE...: those of them that are there
{
	(cd "$work/host" && ls -d "$@" 2>/dev/null) | xargs
}

# What is new or changed, but for dpkg's and mandb's own.
left()
{
	(cd "$work/up" && find . -mindepth 1 ! -type d -printf '%P\n') | sort |
		grep -vE '^var/lib/dpkg/(status|status-old|lock|lock-frontend)$|^var/lib/dpkg/triggers/(Lock|Unincorp)$|^var/(log|cache/man)/' || true
}

if [ "$(id -u)" != 0 ] || ! host; then
	echo 'ok 1 - packages # SKIP needs root and overlayfs'
	echo 1..1
	exit
fi
generated='etc/initramfs-tools/hooks/xpci etc/initramfs-tools/scripts/init-top/00-xpci'
is 'the host has no xpci' '' "$(there usr/sbin/xpci)"
harness/list-image "$work/host$image" >"$work/before"
install 'dpkg installs the packages'
is 'nothing is hidden by that' '' "$(there etc/xpci.conf "$generated")"
inside xpci hide --force 03:02.0
is 'xpci hides the card' 0 "$status"
conf=$(cat "$work/host/etc/xpci.conf")

inside dpkg -r xpci-xen-4.17 xpci
is 'dpkg removes the packages' 0 "$status"
# shellcheck disable=SC2086 # words
is 'what was generated is gone' '' "$(there $generated)"
is 'the configuration is kept' "$conf" \
	"$(cat "$work/host/etc/xpci.conf.removed")"
is 'the image is without xpci' "$(cat "$work/before")" \
	"$(harness/list-image "$work/host$image")"

install 'dpkg installs them again'
is 'the configuration is back' "$conf" "$(cat "$work/host/etc/xpci.conf")"
# shellcheck disable=SC2086 # words
is 'what is generated is back' "$generated" "$(there $generated)"
inside xpci status
is 'the next boot hides the cards' 4 "$status"

# of an earlier removal, whose installation has met another configuration
echo "hide = ['0000:05:00.0']" >"$work/host/etc/xpci.conf.removed"
sum=$(cksum <"$work/host$image")
install 'dpkg upgrades them'
is 'the configuration is the same' "$conf" "$(cat "$work/host/etc/xpci.conf")"
is 'and none is left to come back' '' "$(there etc/xpci.conf.removed)"
is 'the image is the same' "$sum" "$(cksum <"$work/host$image")"

# the program stays where it cannot give back: another one is at work
inside flock /run/lock/xpci dpkg -r xpci-xen-4.17 xpci
is 'a removal that cannot give back fails' 1 "$status"
is 'and keeps program and configuration' 'etc/xpci.conf usr/sbin/xpci' \
	"$(there usr/sbin/xpci etc/xpci.conf etc/xpci.conf.removed)"
install 'dpkg installs the plugin again'

# undone first, else the configuration is put back behind its removal
cp "$work/cases/bin/fail-at.so" "$work/host/tmp"
inside env FAIL_KILL=1 FAIL_AT=18 LD_PRELOAD=/tmp/fail-at.so \
	xpci unhide 03:02.0
is 'an unhide is killed' '137 var/lib/xpci/journal' \
	"$status $(there var/lib/xpci/journal etc/xpci.conf)"
inside dpkg -r xpci-xen-4.17 xpci
is 'dpkg removes the packages all the same' 0 "$status"
# shellcheck disable=SC2086 # words
is 'with what was generated' '' "$(there etc/xpci.conf $generated var/lib/xpci)"
is 'the image is as it was' "$(cat "$work/before")" \
	"$(harness/list-image "$work/host$image")"
install 'dpkg installs them after that'

inside dpkg -P xpci-xen-4.17 xpci
is 'dpkg purges the packages' 0 "$status"
is 'the image is as it was' "$(cat "$work/before")" \
	"$(harness/list-image "$work/host$image")"
is 'no other file is new or changed' \
	"boot/${image##*/}" "$(left | xargs)"
echo "1..$n"
exit $bad
