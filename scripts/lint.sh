#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh XPCI - everything about the tree that no test finds: layout, layers,
# documentation, scripts, static analysis. XPCI is the built program. Each
# check is run even if one before it has failed; exit status 1 if any has.
set -uo pipefail
export LC_ALL=C

[ $# = 1 ] || { echo "usage: lint.sh XPCI" >&2; exit 2; }
xpci=$(readlink -f "$1")
cd "$(dirname "$0")/.." || exit 2
jobs=$(nproc)
failed=()

files() { # files PATTERN...: tracked, and still there
    local file
    git ls-files -- "$@" | while read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done
}

check() { # check NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    if "$@"; then
        echo "lint: $name: ok ($((SECONDS - start)) s)"
    else
        echo "lint: $name: FAILED ($((SECONDS - start)) s)"
        failed+=("$name")
    fi
}

# The compiler's flags as make has them, one a line.
flags() {
    # shellcheck disable=SC2016 # for make
    make -s --no-print-directory LIBXL=no \
        --eval 'xpci-flags: ; @printf "%s\n" $(ALLFLAGS) $(CPPFLAGS)' xpci-flags
}

formatted() {
    files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
}

# By name and by their first line; the lab's run in dom0, by its own shell.
scripts() {
    local file
    files | while read -r file; do
        case $file in
        *.sh | *.bash | debian/*.p*) echo "$file" ;;
        *.*) ;;
        *)
            ! head -n 1 "$file" | tr -d '\0' |
                grep -qE '^#! *(/usr)?/bin/(env )?(ba|da)?sh' || echo "$file" ;;
        esac
    done
}

shellchecked() {
    scripts | xargs -r shellcheck -x -S warning
}

pods() {
    local out status=0
    # shellcheck disable=SC2046 # one word a file
    out=$(podchecker -warnings $(files '*.pod') 2>&1) || status=1
    ! grep -v 'pod syntax OK' <<<"$out" || status=1
    return $status
}

# The plugin's files only where the headers of libxl are.
sources() {
    if pkg-config --exists xenlight; then
        files "$@"
    else
        files "$@" | grep -v '^libxl-plugin/plugin'
    fi
}

# Suppressed is what cppcheck does not see through: system headers (it does not
# read them), the cleanup attribute (leaks), and that a function which returns
# 0 has set its results; and readdir(3), for there are no threads here.
cppchecked() {
    files '*.c' | grep -v '^libxl-plugin/plugin' | grep -v '^tests/' | xargs -r cppcheck --quiet -j "$jobs" \
        --std=c11 --language=c --enable=warning,performance,portability \
        --inline-suppr --error-exitcode=1 --template=gcc \
        --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=memleak --suppress=resourceLeak --suppress=uninitvar \
        --suppress=readdirCalled --library=posix --library=gnu -D_GNU_SOURCE \
        -Icommon -Icfg-parser -Ipciback-tools -Iinitrd -Ilibxl-plugin
}

tidied() {
    local cflags
    # shellcheck disable=SC2016 # for the inner bash
    local run='
        n=$1
        clang-tidy --quiet "${@:n+2}" -- "${@:2:n}" -std=gnu11 2>&1 |
            grep -vE "^[0-9]+ warnings? (generated|treated as error)|^Suppressed |^Use -header-filter"
        exit "${PIPESTATUS[0]}"'
    mapfile -t cflags < <(flags)
    sources '*.c' | grep -v '^tests/' | shuf --random-source=/dev/zero |
        xargs -r -n 6 -P "$jobs" \
            bash -c "$run" _ "${#cflags[@]}" "${cflags[@]}"
}

check clang-format formatted
check layers scripts/check-layers.sh
check docs scripts/check-docs.sh "$xpci"
check podchecker pods
check shellcheck shellchecked
check cppcheck cppchecked
check clang-tidy tidied

[ ${#failed[@]} = 0 ] || { echo "lint: failed: ${failed[*]}"; exit 1; }
