# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for xpci(8). Commands and options come from xpci itself.
# shellcheck shell=bash

# Addresses in full and, once something is typed, without segment 0000 too.
_xpci_devices() { # _xpci_devices CUR XPCI-COMMAND...
    local cur=$1 bdfs
    shift
    bdfs=$("$@" 2>/dev/null | grep -E '^[0-9a-f]+:[0-9a-f]{2}:') || return 0
    [ -z "$cur" ] || bdfs+=$'\n'${bdfs//0000:/}
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W "$bdfs" -- "$cur")
}

_xpci_guests() {
    local names
    type -P xl >/dev/null || return 0
    names=$(xl list 2>/dev/null | awk 'NR > 2 { print $1 }')
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1")
}

_xpci_kernels() {
    local names
    names=$("$xpci" initrd list -o kernel "${where[@]}" 2>/dev/null |
        sed 1d | sort -u)
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$1")
}

_xpci_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "${2:--f}" -- "$1")
}

# The value of an option. Status 1: it is none that has names to offer.
_xpci_value() { # _xpci_value OPTION CUR
    case $1 in
    --root | --dump | --file | --image) _xpci_files "$2" ;;
    --scope) mapfile -t COMPREPLY < <(compgen -W "group slot bus device" -- "$2") ;;
    --rules) mapfile -t COMPREPLY < <(compgen -W "all kernel" -- "$2") ;;
    --acs) mapfile -t COMPREPLY < <(compgen -W "as-read as-enabled" -- "$2") ;;
    --kernel) _xpci_kernels "$2" ;;
    --check | --columns | -o | --timeout) ;;
    *) return 1 ;;
    esac
}

_xpci_operand() { # _xpci_operand COMMAND NUMBER CUR
    case $1 in
    list | groups | show | doctor | hide | hide-list)
        _xpci_devices "$3" "$xpci" list -o bdf "${where[@]}" ;;
    unhide)
        _xpci_devices "$3" "$xpci" status -o bdf "${where[@]}" ;;
    attach)
        if [ "$2" = 0 ]; then
            _xpci_guests "$3"
        else
            _xpci_devices "$3" "$xpci" list --assignable
        fi ;;
    detach)
        if [ "$2" = 0 ]; then
            _xpci_guests "$3"
        else
            _xpci_devices "$3" "$xpci" slots -o bdf "${operands[0]}"
        fi ;;
    initrd)
        if [ "$2" = 0 ]; then
            mapfile -t COMPREPLY < <(compgen -W "list check update" -- "$3")
        else
            _xpci_kernels "$3"
        fi ;;
    record)
        _xpci_files "$3" ;;
    slots)
        [ "$2" != 0 ] || _xpci_guests "$3" ;;
    cfg)
        if [ "$2" = 0 ]; then
            mapfile -t COMPREPLY < <(compgen -W "list add remove check" -- "$3")
            return
        fi
        _xpci_files "$3"
        [ "$2" = 1 ] || [[ ${operands[0]} == @(list|check) ]] ||
            _xpci_devices "$3" "$xpci" list -o bdf "${where[@]}" ;;
    help)
        [ "$2" != 0 ] || mapfile -t COMPREPLY < <(compgen -W \
            "$("$xpci" help --words 2>/dev/null)" -- "$3") ;;
    esac
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
        --root | --dump | --check | --file | --image | --kernel | --scope | \
            --rules | --acs | --columns | --timeout | -o)
            option=$word ;;
        -*) ;;
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
    local cur words cword xpci command='' operands=() where=() prev
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := cur words cword
    else
        words=("${COMP_WORDS[@]}")
        cword=$COMP_CWORD
        cur=${words[cword]}
    fi
    xpci=${words[0]}
    prev=${words[cword - 1]}
    _xpci_parse "${words[@]:1:cword-1}"

    if [[ $cur == --*=* ]]; then
        _xpci_value "${cur%%=*}" "${cur#*=}"
        # readline replaces only what is behind a word break
        [[ $COMP_WORDBREAKS == *=* ]] ||
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        return
    fi
    ! _xpci_value "$prev" "$cur" || return 0
    if [ -z "$command" ] && [[ $cur != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W \
            "$("$xpci" help --words 2>/dev/null)" -- "$cur")
    elif [[ $cur == -* ]]; then
        # shellcheck disable=SC2086 # no command: no word
        mapfile -t COMPREPLY < <(compgen -W \
            "$("$xpci" help ${command:-help} --words 2>/dev/null)" -- "$cur")
        [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] ||
            compopt -o nospace 2>/dev/null
    else
        _xpci_operand "$command" "${#operands[@]}" "$cur"
    fi
    ! declare -F __ltrim_colon_completions >/dev/null ||
        __ltrim_colon_completions "$cur"
}

complete -F _xpci xpci
