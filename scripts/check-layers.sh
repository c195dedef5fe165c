#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check-layers.sh [TREE] - proves the layers and house rules of docs/HACKING.md
#
# Who may include whom, which file alone may use which library, what libraries
# must not call, that each header compiles alone, that no file grows too long.
# Prints "FILE:LINE: what" for each violation; exit status 1 if there is one.
set -euo pipefail
shopt -s nullglob
export LC_ALL=C

cd "${1:-$(dirname "$0")/..}"

# A directory, and the directories whose headers it may include.
declare -A may_use=(
    [common]="common"
    [cfg-parser]="cfg-parser common"
    [pciback-tools]="pciback-tools common cfg-parser"
    [initrd]="initrd common cfg-parser"
    [libxl-plugin]="libxl-plugin common"
    [cli]="cli common cfg-parser pciback-tools initrd libxl-plugin"
)
dirs=(common cfg-parser pciback-tools initrd libxl-plugin cli)

# Headers of libraries, and the files that alone may include them.
declare -A only_in=(
    [pci/*]="pciback-tools/scan.c"
    [libkmod.h]="pciback-tools/native-driver.c"
    [archive*.h]="initrd/compressed.c initrd/append.c common/recording.c"
    [libxl*.h]="libxl-plugin/plugin*"
    [xen*.h]="libxl-plugin/plugin*"
    [libsmartcols/*]="cli/table.c"
    [libsmartcols.h]="cli/table.c"
)

# What any file may include of libc and the kernel.
libc="arpa/inet assert byteswap ctype dirent dlfcn endian errno fcntl fnmatch ftw
    getopt glob inttypes libgen limits locale poll sched search setjmp signal
    spawn stdarg stdbool stddef stdint stdio stdlib string strings termios time
    unistd wchar"

# Headers for the files of their own directory; plugin.h only for plugin*.
private="cfg-edit.h journal.h lex.h tree.h scan.h topology.h reserved-memory.h acs.h
    isolation.h image.h compressed.h load.h monitor.h reconcile.h
    guard-walk.h reason.h plugin.h"

longest=600
bad=0

complain() { # complain PLACE WHAT...
    echo "check-layers: $1: ${*:2}" >&2
    bad=1
}

sources() {
    local d
    for d in "${dirs[@]}"; do
        find "$d" -name '*.[ch]' | sort
    done
}

matches() { # matches WORD "PATTERN..."
    local pattern patterns
    read -r -d '' -a patterns <<<"$2" || true
    for pattern in "${patterns[@]}"; do
        # shellcheck disable=SC2053 # a pattern is meant
        [[ $1 != $pattern ]] || return 0
    done
    return 1
}

# --- includes ---

declare -A owner=()

find_owners() {
    local header name
    while read -r header; do
        name=${header##*/}
        [ -z "${owner[$name]:-}" ] ||
            complain "$header" "${owner[$name]} has a header of this name too"
        owner[$name]=${header%%/*}
    done < <(sources | grep '\.h$')
}

check_own() { # check_own FILE LINE HEADER
    local dir=${1%%/*} of=${owner[$3]:-}
    if [ -z "$of" ]; then
        complain "$1:$2" "\"$3\" is in none of ${dirs[*]}"
    elif ! matches "$of" "${may_use[$dir]}"; then
        complain "$1:$2" "$dir must not use $of (\"$3\")"
    elif [ "$dir" != "$of" ] && matches "$3" "$private"; then
        complain "$1:$2" "\"$3\" is for the files of $of only"
    elif [ "$3" = plugin.h ] && ! matches "$1" 'libxl-plugin/plugin*'; then
        complain "$1:$2" "\"$3\" is for libxl-plugin/plugin* only"
    fi
}

check_foreign() { # check_foreign FILE LINE HEADER
    local pattern
    for pattern in "${!only_in[@]}"; do
        matches "$3" "$pattern" || continue
        matches "$1" "${only_in[$pattern]}" ||
            complain "$1:$2" "<$3> is for ${only_in[$pattern]} only"
        return
    done
    matches "$3" 'sys/* linux/*' || matches "${3%.h}" "$libc" ||
        complain "$1:$2" "<$3> is not of libc, and nobody is named for it"
}

check_includes() {
    local file line rest header
    while IFS=: read -r file line rest; do
        header=${rest#*[<\"]}
        header=${header%%[>\"]*}
        case $rest in
        *\"*) check_own "$file" "$line" "$header" ;;
        *) check_foreign "$file" "$line" "$header" ;;
        esac
    done < <(sources | xargs grep -nE '^[[:blank:]]*#[[:blank:]]*include')
}

# --- calls ---

# "FILE:LINE:code" without comments and the contents of strings.
code() {
    # shellcheck disable=SC2016 # for perl
    sources | xargs perl -0777 -e '
        for my $file (@ARGV) {
            open my $f, "<", $file or die "$file: $!\n";
            my $text = <$f>;
            $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:\\.|[^"\\])*")|(\x27(?:\\.|[^\x27\\])*\x27)}
                { my $t = $&; my $n = $t =~ tr/\n//;
                  (defined $1 ? " " : defined $2 ? "\"\"" : "0") . "\n" x $n }gse;
            my $n = 0;
            print "$file:", ++$n, ":$_\n" for split /\n/, $text;
        }'
}

# ban CODE WHAT REGEX ["FILE..."]: no line may match, but in the files named.
ban() {
    local file line rest
    while IFS=: read -r file line rest; do
        matches "$file" "${4:-}" ||
            complain "$file:$line" "$2: ${rest#"${rest%%[![:blank:]]*}"}"
    done < <(grep -P "^[^:]*:[0-9]+:.*(?:$3)" <<<"$1" || true)
}

check_calls() {
    local all libs
    all=$(code)
    libs=$(grep -v '^cli/' <<<"$all")
    ban "$all" "only common/run.c starts programs" \
        '\b(v?fork|clone|f?exec(l|v|le|ve|lp|vp|vpe|veat)|system|popen|posix_spawnp?)\s*\(' \
        "common/run.c libxl-plugin/plugin.c" # whose forks are libxl's
    ban "$all" "only common/{atomic-file,changes,journal}.c rename" \
        '\brename(at2?)?\s*\(' "common/atomic-file.c common/changes.c common/journal.c"
    ban "$libs" "a library does not print" \
        '\b(v?printf|puts|putchar|perror|psignal|v?warnx?)\s*\(|\b(stdout|stderr)\b|\bv?dprintf\s*\(\s*[12]\b'
    ban "$libs" "a library does not end the process" \
        '\b(exit|abort|quick_exit|_Exit|assert|v?errx?)\s*\('
    ban "$libs" "a library does not end the process" '\b_exit\s*\(' common/run.c
    ban "$all" "'rc' is a libxl code, for libxl-plugin/plugin* only" \
        '\brc\b' 'libxl-plugin/plugin*'
}

# --- files ---

check_length() {
    local file n
    while read -r file; do
        n=$(wc -l <"$file")
        [ "$n" -le $longest ] || complain "$file" "$n lines, $longest is the limit"
    done < <(sources; find tests -name '*.[ch]')
}

check_headers() {
    local header flags have_libxl=1
    # shellcheck disable=SC2016 # for make
    flags=$(make -s --no-print-directory LIBXL=no \
        --eval 'xpci-flags: ; @echo $(ALLFLAGS) $(CPPFLAGS) $(BASEFLAGS)' xpci-flags |
        sed "s/'//g")
    pkg-config --exists xenlight 2>/dev/null || have_libxl=
    while read -r header; do
        [ "$header" != libxl-plugin/plugin.h ] || [ -n "$have_libxl" ] || continue
        # shellcheck disable=SC2086 # flags are words
        ${CC:-gcc} -I. $flags -Werror -fsyntax-only -x c - \
            <<<"#include \"$header\"" ||
            complain "$header" "does not compile alone"
    done < <(sources | grep '\.h$')
}

find_owners
check_includes
check_calls
check_length
check_headers
exit $bad
