#!/bin/sh
# deps.sh SET... - installs the Debian packages that a make target needs, as
# root; else names those that are missing and fails. Sets: scripts/packages,
# and "lab" from the lab itself.
set -eu
cd "$(dirname "$0")/.."

wanted() {
    for set; do
        if [ "$set" = lab ]; then
            tests/lab/lab packages
        else
            sed -n "s/^$set //p" scripts/packages
        fi
    done
}

missing=
for package in $(wanted "$@"); do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
        grep -q ' installed$' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "missing packages; as root: apt-get install$missing" >&2
    exit 1
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of names
install() { apt-get install -qq -y --no-install-recommends $missing >&2; }
# the lists may be absent on a fresh system, or too old to fetch from
install >/dev/null 2>&1 || { apt-get update -qq >&2 && install; }
