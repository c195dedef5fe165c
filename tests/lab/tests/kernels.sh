# A kernel that is installed after the hide, by its package's own script, hides
# the cards too; the commands speak of both.
# full
# deadline: 1200
# shellcheck shell=bash disable=SC2154

old=$(uname -r)
new=$(cd /lab/kernel/lib/modules && echo *)

boot1() {
	run xpci -q hide 03:02.0
	is 'hide succeeds' 0 "$status"

	say "a later kernel is installed: $new"
	ok 'its package is unpacked' /lab/kernel/DEBIAN/preinst install
	cp -a /lab/kernel/boot/. /boot
	cp -a /lab/kernel/lib/modules/. /lib/modules
	run /lab/kernel/DEBIAN/postinst configure
	is 'and configured' 0 "$status"
	is 'its image is made' "boot/initrd.img-$new" "$(readlink /initrd.img)"
	run xpci initrd check
	is 'both images are proven' '0:2' \
		"$status:$(grep -c ' proven ' <<<"$output")"
	is 'of both kernels' "$old $new" \
		"$(xpci initrd list -o KERNEL | tail -n +2 | sort -V | xargs)"
	run xpci status
	is 'status says pending' 4 "$status"
}

boot2() {
	say 'boot 2: the later kernel'
	is 'it runs' "$new" "$(uname -r)"
	is 'both cards are hidden' '0000:03:00.0 0000:03:02.0' "$(hidden)"
	is 'no native driver ever had 03:00.0' pciback "$(had 0000:03:00.0)"
	is 'no native driver ever had 03:02.0' pciback "$(had 0000:03:02.0)"
	is 'the neighbours are with theirs' e1000e "$(driver 0000:05:00.0)"
	run xpci status
	is 'status says effective' 0 "$status"

	say 'an image of one of them alone is not enough'
	local other
	other=$(basename "$(readlink /vmlinuz.old)")
	other=/boot/initrd.img-${other#vmlinuz-}
	echo damaged >"$other"
	run xpci status
	is 'status says wrong' 5 "$status"
	like 'and which' "$other" "$output"
}
