#!/bin/bash
# kernel.sh OUT - builds a kernel for dom0 that has pciback in it, as none of
# Debian's has, from Debian's source: OUT is a tree of its /boot and /lib/modules.
# Called by lab, which caches the result.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
out=$1
tmp=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

source=$(apt-cache depends linux-source | sed -n 's/ *Depends: //p')
(cd "$tmp" && apt-get -qq -o APT::Sandbox::User= download "${source:?no linux-source}")
dpkg-deb --fsys-tarfile "$tmp"/*.deb |
	tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -xJ -C "$tmp" --strip-components=1
rm "$tmp"/*.deb

build() {
	make -s -C "$tmp" -j"$(nproc)" "$@"
}
build tinyconfig
cat "$here/kernel.config" >>"$tmp/.config"
build olddefconfig
# what was asked for is not dropped for want of something else
missing=$(grep '^CONFIG' "$here/kernel.config" | grep -vxFf "$tmp/.config" || true)
[ -z "$missing" ] || {
	echo "kernel.sh: the kernel has no $missing" >&2
	exit 1
}
build bzImage modules
version=$(build kernelrelease)
mkdir -p "$tmp/tree/boot"
build INSTALL_MOD_PATH="$tmp/tree" INSTALL_MOD_STRIP=1 modules_install
rm -f "$tmp/tree/lib/modules/$version"/{build,source}
cp "$tmp/arch/x86/boot/bzImage" "$tmp/tree/boot/vmlinuz-$version"
cp "$tmp/.config" "$tmp/tree/boot/config-$version"
mv "$tmp/tree" "$out"
