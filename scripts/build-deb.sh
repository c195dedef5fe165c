#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build-deb.sh DIR - builds the Debian packages into DIR, from a copy of what
# git tracks, for the Xen release that is installed here; if they are not those
# of that very tree already.
set -euo pipefail
shopt -s nullglob

[ $# = 1 ] || { echo "usage: build-deb.sh DIR" >&2; exit 2; }
cd "$(dirname "$0")/.."
version=$(dpkg-parsechangelog -S Version)
for file in Makefile packaging/xpci.spec; do
    grep -qE "^V(ERSION|ersion) *:=? *$version\$" $file || {
        echo "build-deb: debian/changelog is of $version, $file is not" >&2
        exit 1
    }
done
files() { # in a tar, those that are tracked and still there
    git ls-files -z | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\0' "$file"
    done | tar -c --mtime=@0 --owner=0 --group=0 --null -T -
}

# one package each, for "apt install DIR/xpci*.deb"
export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:+$DEB_BUILD_OPTIONS }noautodbgsym"
mkdir -p "$1"
exec 9>"$1.lock"
flock 9
key=$({ files; dpkg-query -W libxen-dev
    echo "$DEB_BUILD_OPTIONS"; } | sha256sum)
if [ "$(cat "$1/key" 2>/dev/null)" = "$key" ]; then
    echo "build-deb: $1 is up to date"
    exit
fi
rm -rf "$1"
mkdir -p "$1"
dir=$(readlink -f "$1")
files | tar -x -m --one-top-level="$dir/xpci-$version"
cd "$dir/xpci-$version"
debian/rules xen
dpkg-buildpackage -J -b -us -uc >"$dir/log" 2>&1 || {
    tail -n 50 "$dir/log" >&2
    exit 1
}
echo "$key" >"$dir/key"
ls "$dir"/*.deb
