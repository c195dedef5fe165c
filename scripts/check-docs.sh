#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check-docs.sh XPCI [TREE] - manual pages and completion agree with XPCI
#
# Every command and every option stands in its page, every option of a page
# exists, every page belongs to a command, its NAME is what help says, and the
# completion offers it all. Exit status 1 and a line for each disagreement.
set -euo pipefail
shopt -s nullglob
export LC_ALL=C

[ $# -ge 1 ] || { echo "usage: check-docs.sh XPCI [TREE]" >&2; exit 2; }
xpci=$(readlink -f "$1")
[ -x "$xpci" ] || { echo "check-docs: '$1' is no program" >&2; exit 2; }
cd "${2:-$(dirname "$0")/..}"
man=docs/man
bad=0

complain() { # complain PLACE WHAT...
    echo "check-docs: $1: ${*:2}" >&2
    bad=1
}

section() { # section PAGE HEADING
    awk -v want="=head1 $2" '/^=head1/ { in_it = $0 == want; next } in_it' "$1"
}


check_page() { # check_page COMMAND
    local page=$man/xpci-$1.8.pod heading words options text summary word
    [ -e "$page" ] || { complain "$page" "is missing"; return; }
    for heading in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" EXAMPLES \
        FILES "SEE ALSO"; do
        [ -n "$(section "$page" "$heading" | tr -d '[:space:]')" ] ||
            complain "$page" "no $heading"
    done
    section "$page" SYNOPSIS | grep -qF "B<xpci $1>" ||
        complain "$page" "SYNOPSIS has no B<xpci $1>"
    summary=$("$xpci" help | sed -n "s/^  $1  *//p")
    section "$page" NAME | grep -qxF "xpci-$1 - $summary" ||
        complain "$page" "NAME is not 'xpci-$1 - $summary'"
    grep -qF "L<xpci-$1(8)>" $man/xpci.8.pod ||
        complain $man/xpci.8.pod "has no L<xpci-$1(8)>"

    words=$("$xpci" help "$1" --words)
    options=$(section "$page" OPTIONS)
    for word in $words; do
        grep -qF "B<${word%=}>" <<<"$options" ||
            complain "$page" "OPTIONS has no B<${word%=}>"
    done
    while read -r word; do
        text=${word#B<}
        text=${text%>}
        grep -qxE -e "$text=?" <<<"$words" ||
            complain "$page" "'xpci $1' has no option $text"
    done < <(grep -oE 'B<--?[A-Za-z][a-z-]*>' <<<"$options" | sort -u)
}

check_strays() {
    local page name
    for page in "$man"/*.pod; do
        name=${page##*/}
        case $name in
        xpci.8.pod | xpci.conf.5.pod | *.7.pod) continue ;;
        esac
        name=${name#xpci-}
        "$xpci" help --words | grep -qxF "${name%.8.pod}" ||
            complain "$page" "belongs to no command"
    done
}

# What the completion offers after "xpci WORD...", one a line.
offers() {
    (
        # shellcheck source=/dev/null # checked by itself
        . completion/xpci.bash
        COMP_WORDS=("$xpci" "$@")
        COMP_CWORD=$#
        COMP_LINE="${COMP_WORDS[*]}"
        COMP_POINT=${#COMP_LINE}
        _xpci
        printf '%s\n' "${COMPREPLY[@]}"
    )
}

check_completion() {
    local command word words offered
    offered=$(offers "")
    for command in "${commands[@]}"; do
        grep -qxF -e "$command" <<<"$offered" ||
            complain completion/xpci.bash "does not offer '$command'"
        words=$(offers "$command" --)
        for word in $("$xpci" help "$command" --words | grep '^--'); do
            grep -qxF -e "$word" <<<"$words" ||
                complain completion/xpci.bash \
                    "does not offer 'xpci $command $word'"
        done
    done
}

mapfile -t commands < <("$xpci" help --words)
[ ${#commands[@]} -gt 0 ] || complain "$1" "'help --words' names no command"
for command in "${commands[@]}"; do
    check_page "$command"
    grep -qF "xpci $command" README.md ||
        complain README.md "does not name 'xpci $command'"
done
# the options of all commands, described once
for word in $("$xpci" help help --words | grep -vx -e --words); do
    section $man/xpci.8.pod "COMMON OPTIONS" | grep -qF "B<${word%=}>" ||
        complain $man/xpci.8.pod "COMMON OPTIONS has no B<${word%=}>"
done
check_strays
check_completion
exit $bad
