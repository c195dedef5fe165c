# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for xpci(8). Commands, options and the names of operands are
# those of 'xpci help'; here is only what may stand for a name.
# shellcheck shell=bash

# Offers of lines "WORD TEXT" the words that begin with CUR.
_xpci_take() { # _xpci_take CUR
    local word text
    while read -r word text; do
        [[ $word == "$1"* ]] || continue
        texts[${#COMPREPLY[@]}]=$text
        COMPREPLY+=("$word")
    done
}

# With their names, and once a bus is typed without segment 0000 too.
_xpci_devices() { # _xpci_devices CUR
    local rows row also='' at=
    if [[ $1 == *@* ]]; then
        _xpci_take "$1" < <(_xpci_slots | while read -r row; do
            echo "${1%@*}@$row"
        done)
        return
    fi
    case $command in
    attach) at=$("$xpci" list --assignable 2>/dev/null) ;;
    detach) at=$("$xpci" slots -o bdf "${operands[0]}" 2>/dev/null) ;;
    unhide) at=$("$xpci" status -o bdf "${where[@]}" 2>/dev/null) ;;
    esac
    rows=$("$xpci" list -o bdf,device "${where[@]}" 2>/dev/null | sed 1d)
    case $command in
    attach | detach | unhide) rows=$(awk 'NR == FNR { text[$1] = $0; next }
        /^[0-9a-f]+:/ { print ($1 in text) ? text[$1] : $1 }' \
        <(echo "$rows") <(echo "$at")) ;;
    esac
    [[ 0000: == "$1"* ]] || also=$'\n'$(sed -n 's/^0000://p' <<<"$rows")
    _xpci_take "$1" <<<"$rows$also"
}

# The free slots of the guest.
_xpci_slots() {
    "$xpci" slots -o vslot,state "${operands[0]}" 2>/dev/null |
        awk '$2 == "free" { print $1 }'
}

_xpci_files() { # _xpci_files CUR
    local files=()
    compopt -o filenames 2>/dev/null
    mapfile -t files < <(compgen -f -- "$1"
        [ "$command$1" != cfg ] || compgen -G '/etc/xen/*.cfg')
    COMPREPLY+=("${files[@]}")
}

# What may stand for NAME, of an operand or of an option's value.
_xpci_offer() { # _xpci_offer NAME CUR
    case $1 in
    DEVICE) _xpci_devices "$2" ;;
    DOMAIN) _xpci_take "$2" < <(xl list 2>/dev/null | awk 'NR > 2 { print $1 }') ;;
    VSLOT) _xpci_take "$2" < <(_xpci_slots) ;;
    FILE | DIR) _xpci_files "$2" ;;
    KERNEL | VERSION)
        _xpci_take "$2" < <("$xpci" initrd list -o kernel "${where[@]}" \
            2>/dev/null | sed 1d | sort -u) ;;
    COMMAND) _xpci_take "$2" < <("$xpci" help --words 2>/dev/null) ;;
    *\|*) _xpci_take "$2" <<<"${1//|/$'\n'}" ;;
    esac
}

# The names that an operand can have, of "DOMAIN DEVICE [VSLOT] | ...".
_xpci_names() { # _xpci_names NUMBER OPERANDS
    local either words word i
    while read -r either; do
        read -r -a words <<<"$either"
        for i in "${!words[@]}"; do
            word=${words[i]}
            [[ $i = "$1" || ($i -lt $1 && $word == *...*) ]] || continue
            [[ $word =~ [A-Z]+|[a-z|-]+ ]] && echo "${BASH_REMATCH[0]}"
        done
    done <<<"${2// | /$'\n'}" | sort -u
}

# Sets $name to that of the option's value; status 1: it has none.
_xpci_value() { # _xpci_value OPTION
    local help line
    name=
    [[ $1 == -* ]] || return 1
    help=$("$xpci" help "${command:-list}" 2>/dev/null)
    while IFS= read -r line; do
        if [[ $line =~ ^'  '(-.', ')?' '*"$1"' '([^ ]+) ]]; then
            name=${BASH_REMATCH[2]}
        elif [[ $line =~ ^'  '"$1"', --'[a-z-]+' '([^ ]+) ]]; then
            name=${BASH_REMATCH[1]}
        fi
    done <<<"$help"
    [ -n "$name" ]
}

# Splits the words before the cursor: $command, $operands, and in $where the
# options that say which system is meant.
_xpci_parse() { # _xpci_parse WORD...
    local word option=
    for word; do
        if [ -n "$option" ]; then
            [[ $option != --@(root|dump) ]] || where+=("$option" "$word")
            option=
            continue
        fi
        case $word in
        --root=* | --dump=*) where+=("$word") ;;
        -*=*) ;;
        -*) ! _xpci_value "$word" || option=$word ;;
        *)
            if [ -z "$command" ]; then
                command=$word
            else
                operands+=("$word")
            fi ;;
        esac
    done
}

_xpci() {
    local cur words cword xpci command='' operands=() where=() name texts=() i usage
    local breaks=${COMP_WORDBREAKS//[!:@=]/}
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n :@= cur words cword
    else
        read -r -a words <<<"${COMP_LINE:0:COMP_POINT}"
        [[ ${COMP_LINE:0:COMP_POINT} != *[[:blank:]] ]] || words+=('')
        cword=$((${#words[@]} - 1))
        cur=${words[cword]}
    fi
    xpci=${words[0]}
    _xpci_parse "${words[@]:1:cword-1}"

    if [[ $cur == --*=* ]] && _xpci_value "${cur%%=*}"; then
        _xpci_offer "$name" "${cur#*=}"
        COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
    elif _xpci_value "${words[cword - 1]}"; then
        _xpci_offer "$name" "$cur"
    elif [[ $cur == -* ]]; then
        _xpci_take "$cur" < <("$xpci" help "${command:-help}" --words \
            2>/dev/null)
        [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] ||
            compopt -o nospace 2>/dev/null
    elif [ -z "$command" ]; then
        _xpci_offer COMMAND "$cur"
    else
        usage=$("$xpci" help "$command" 2>/dev/null |
            sed -n '1s/^usage: xpci [^ ]* \[OPTIONS\] *//p')
        [ "$command" != help ] || usage='[COMMAND]'
        for name in $(_xpci_names ${#operands[@]} "$usage"); do
            _xpci_offer "$name" "$cur"
        done
    fi
    # texts are for the eye: not for one word, nor where words are put in whole
    if [ ${#COMPREPLY[@]} -gt 1 ] && [[ ${COMP_TYPE-} != @(37|42) ]]; then
        for i in "${!texts[@]}"; do
            [ -z "${texts[i]}" ] || COMPREPLY[i]+="  -- ${texts[i]}"
        done
    fi
    # readline replaces only what is behind the last word break, an @ with it
    [ -z "$breaks" ] || cur=${cur%"${cur##*["$breaks"]}"}
    [ -z "$breaks" ] || COMPREPLY=("${COMPREPLY[@]#"${cur%@}"}")
}

complete -F _xpci xpci
