# The packages on a host that never saw the source: apt installs them, the walk
# is walked, a removal and an installation keep what is hidden, and after a
# purge every file is as it was before.
# with: walk.sh
# payload: packages
# deadline: 1500
# shellcheck shell=bash disable=SC2154

for n in 1 2 3; do
	eval "walk_$(declare -f boot$n)"
done

# What is not compared, for it changes without xpci: what dpkg and apt keep of
# what they did, and what boots and tests write. The image is looked into.
not_compared=(
	"/boot/initrd.img-$kernel" /var/lib/initramfs-tools
	/var/lib/dpkg/status /var/lib/dpkg/status-old /var/lib/dpkg/lock
	/var/lib/dpkg/lock-frontend /var/lib/dpkg/triggers/Lock
	'/var/lib/dpkg/info/*.list'
	/var/lib/dpkg/triggers/Unincorp
	/var/lib/apt/extended_states /var/lib/apt/lists
	/var/lib/lab /var/lib/xen /var/lib/xenstored
)

# Each file's name, type, mode, owner, and link or checksum.
files() {
	local paths=(-false) p
	for p in "${not_compared[@]}"; do
		paths+=(-o -path "$p")
	done
	find /etc /boot /lib /usr /var/lib \( "${paths[@]}" \) -prune -o \
		-printf '%p %y %m %U:%G %l\n' | sort
	find /etc /boot /lib /usr /var/lib \( "${paths[@]}" \) -prune -o \
		-type f -print0 | sort -z | xargs -0 md5sum
	lsinitramfs "$image" | sort
}

apt() {
	apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--path-include='/usr/share/man/*' \
		-o Dpkg::Options::=--path-include='/usr/share/doc/*' "$@"
}

boot1() {
	local start=$SECONDS
	export DEBIAN_FRONTEND=noninteractive
	files >$kept/files.before
	say "(listing all files took $((SECONDS - start)) s)"
	is 'dom0 has no xpci' '' "$(type -P xpci)"
	start=$SECONDS
	run apt install /lab/packages/xpci*.deb
	is 'apt installs the packages' 0 "$status"
	say "(that took $((SECONDS - start)) s)"
	ok 'the manual is there' test -s /usr/share/man/man8/xpci.8.gz
	is 'both packages are there' $'xpci\nxpci-xen-4.17' \
		"$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 'xpci*' |
			sed -n 's/^ii *//p')"
	walk_boot1
}

boot2() {
	walk_boot2
}

boot3() {
	walk_boot3
	purge
}

purge() {
	export DEBIAN_FRONTEND=noninteractive
	local conf
	xpci -q hide 03:02.0 >/dev/null
	conf=$(cksum </etc/xpci.conf)

	say 'A removal gives the cards back, and keeps the configuration.'
	run apt remove xpci
	is 'apt removes xpci' 0 "$status"
	like 'the image is proven to be without it' "$image: proven" \
		"$output$errout"
	is 'the configuration is kept' "$conf" "$(cksum </etc/xpci.conf.removed)"
	is 'the image has no file of xpci' '' \
		"$(lsinitramfs "$image" | grep -E 'xpci|xen-pciback'
			zstd -qdc "$image" | grep -aoE '00-xpci|xpci-appended')"

	say 'Installed again, xpci hides them again.'
	run apt install /lab/packages/xpci*.deb
	is 'apt installs the packages again' 0 "$status"
	is 'the configuration is back' "$conf" "$(cksum </etc/xpci.conf)"
	run xpci status
	is 'both are hidden from the next boot on' '4 2' \
		"$status $(grep -c ' pending ' <<<"$output")"

	say 'An upgrade loses nothing, and has no image to make.'
	cksum "$image" >$kept/image
	run apt install --reinstall /lab/packages/xpci_*.deb
	is 'apt installs over it' 0 "$status"
	is 'the configuration is the same' "$conf" "$(cksum </etc/xpci.conf)"
	is 'the image is the same' "$(cat $kept/image)" "$(cksum "$image")"

	run apt purge xpci xpci-xen-4.17
	is 'apt purges the packages' 0 "$status"
	files >$kept/files.after
	is 'every file is as before' '' \
		"$(diff $kept/files.before $kept/files.after)"
	is 'dpkg knows of no xpci' '' "$(cd /var/lib/dpkg/info && echo xpci* |
		sed 's/xpci\*//')"
}

boot4() {
	say 'boot 4: after the purge'
	is 'dom0 has 03:00.0' 8139cp "$(driver 0000:03:00.0)"
	is 'dom0 has 03:02.0' e1000 "$(driver 0000:03:02.0)"
}
