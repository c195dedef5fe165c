#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run-completion.sh BUILD: tab is pressed behind command lines, in bash with
# and without the library bash-completion, and in zsh, each on a terminal of
# its own. TAP: what is listed and what becomes of the line must be the same
# in all of them.
set -euo pipefail
export LC_ALL=C

build=$(cd "$1" && pwd)
cd "$(dirname "$0")/harness"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lines=() wants=() n=0

# The host of the lab, with a guest.
mkdir "$work/bin" "$work/sub"
touch "$work/a.cfg" "$work/sub/b.cfg"
cat >"$work/bin/xpci" <<END
#!/bin/sh
case "\$1 \$2" in
"list --assignable") printf '0000:03:00.0\n0000:03:02.0\n' ;;
"slots -o") case \$3 in
	bdf) printf 'BDF\n0000:05:00.1\n' ;;
	*) printf 'VSLOT STATE\n    4 emulated\n    7 free\n   1f free\n' ;;
	esac ;;
"status -o") printf 'BDF\n0000:03:02.0\n0000:07:00.0\n' ;;
"initrd list") printf 'KERNEL\n6.1.0-13-amd64\n6.1.0-9-amd64\n' ;;
*) exec $build/xpci --root $PWD/bases/q35 "\$@" ;;
esac
END
cat >"$work/bin/xl" <<END
#!/bin/sh
printf '%s\n' 'Name       ID' 'Domain-0    0' 'winxp       3' 'web         4'
END
chmod 755 "$work/bin/"*

# offers LINE LINE-AFTER WORD...: what is before the last of : @ = in a word
# is left out
offers()
{
	lines+=("$1")
	wants+=("line=<$2> ${*:3}")
}

offers 'xpci hi' 'xpci hide' hide hide-list
offers 'xpci sl' 'xpci slots '
offers 'xpci help unh' 'xpci help unhide '
offers 'xpci hide --sc' 'xpci hide --scope='
offers 'xpci hide --scope=' 'xpci hide --scope=' bus device group slot
offers 'xpci hide --scope=g' 'xpci hide --scope=group '
offers 'xpci hide --scope d' 'xpci hide --scope device '
offers 'xpci list --dr' 'xpci list --dry-run '
offers 'xpci list --root=/ --dr' 'xpci list --root=/ --dry-run '
offers 'xpci show 03:02' 'xpci show 03:02.0 '
offers 'xpci show 0000:03:0' 'xpci show 0000:03:0' 00.0 02.0
offers 'xpci hide 03:00.0 05:00.' 'xpci hide 03:00.0 05:00.' 00.0 00.1
offers 'xpci unhide 0' 'xpci unhide 0000:0' 00.0 02.0
offers 'xpci attach w' 'xpci attach w' web winxp
offers 'xpci attach wi' 'xpci attach winxp '
offers 'xpci attach winxp 0' 'xpci attach winxp 0000:03:0' 00.0 02.0
offers 'xpci attach winxp 05' 'xpci attach winxp 05'
offers 'xpci attach winxp 03:02.0@' 'xpci attach winxp 03:02.0@' 1f 7
offers 'xpci attach winxp 03:02.0@1' 'xpci attach winxp 03:02.0@1f '
offers 'xpci attach winxp 03:02.0 7' 'xpci attach winxp 03:02.0 7 '
offers 'xpci attach -n --file x winxp 03:00.0 03:0' \
	'xpci attach -n --file x winxp 03:00.0 03:0' 00.0 02.0
offers 'xpci detach winxp 05' 'xpci detach winxp 05:00.1 '
offers 'xpci slots wi' 'xpci slots winxp '
offers 'xpci initrd c' 'xpci initrd check '
offers 'xpci initrd check --kernel ' 'xpci initrd check --kernel 6.1.0-' \
	6.1.0-13-amd64 6.1.0-9-amd64
offers 'xpci cfg add a' 'xpci cfg add a.cfg '
offers 'xpci cfg add a.cfg 03:02' 'xpci cfg add a.cfg 03:02.0 '
offers 'xpci attach --persist --file sub' 'xpci attach --persist --file sub/'
offers 'xpci --root su' 'xpci --root sub/'

# the terminals are zsh's
if ! type -P zsh >/dev/null; then
	echo "ok 1 - completion # SKIP without zsh"
	echo 1..1
	exit
fi
for shell in bash bash-alone zsh; do
	if [ $shell = bash ] &&
		[ ! -e /usr/share/bash-completion/bash_completion ]; then
		n=$((n + 1))
		echo "ok $n - bash # SKIP without bash-completion"
		continue
	fi
	(cd "$work" && printf '%s\n' "${lines[@]}" |
		PATH=$work/bin:$PATH timeout 60 zsh -f "$OLDPWD/offers.zsh" $shell \
			"$OLDPWD/../../completion") >"$work/out" 2>&1 || true
	for i in "${!lines[@]}"; do
		have=$(sed '/^line=/q' "$work/out")
		sed -i '0,/^line=/d' "$work/out"
		have=$(sed -n 's/^line=.*/& /p' <<<"$have")$(
			sed '/^line=/d' <<<"$have" | sort | paste -sd ' ')
		n=$((n + 1))
		if [ "$have" = "${wants[i]}" ]; then
			echo "ok $n - $shell: ${lines[i]}"
		else
			echo "not ok $n - $shell: ${lines[i]}"
			printf '# expected: %s\n#      got: %s\n' "${wants[i]}" "$have"
		fi
	done
done
echo "1..$n"
