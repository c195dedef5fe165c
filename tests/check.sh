#!/bin/bash
# check.sh all|fast|lint - runs the tests in stages, shows what fails in full,
# and ends with the count of all: "N passed, N failed". A stage that prints
# such a line of its own adds its counts; any other stage counts as one.
#
# XPCI_CHECK_SECONDS  when no test of the lab is begun any more: on a machine
#                     half as fast as usual the rest is named and skipped (2700)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

jobs=$(nproc)
logs=build/check
passed=0
failed=0
skipped=0
mkdir -p $logs

# The counts in a stage's last "N passed, N failed" line, or nothing.
counts() {
    grep -oE '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$1" |
        tail -n 1 | tr -dc '0-9 '
}

stage() { # stage NAME COMMAND...
    local name=$1 log=$logs/$1.log start=$SECONDS status=0 p f s
    shift
    printf '== %s\n' "$name"
    # results are worth seeing as they come, the rest when it failed
    if [ "$name" = lab ]; then
        "$@" 2>&1 | tee "$log" || status=$?
    else
        "$@" >"$log" 2>&1 || status=$?
    fi
    read -r p f s <<<"$(counts "$log")"
    if [ -z "${p:-}" ]; then
        p=$((status == 0))
        f=$((status != 0))
    elif [ $status != 0 ] && [ "$f" = 0 ]; then
        f=1 # it died after its count, or counted wrongly
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + ${s:-0}))
    if [ "$f" != 0 ] && [ "$name" != lab ]; then
        tail -n 200 "$log"
    fi
    printf '== %s: %s passed, %s failed (%s s)\n' "$name" "$p" "$f" \
        $((SECONDS - start))
}

build() { # build DIR [VAR=VALUE...]
    local dir=$1
    shift
    make --no-print-directory -j"$jobs" DEVELOPER=1 BUILD="$dir" "$@" all unit
}

fast() {
    build build && tests/run-fast.sh build
}

asan=(CC=clang "SANITIZE=address,undefined" CFLAGS='-O1 -g')

sanitized() {
    build build/asan "${asan[@]}" && tests/run-fast.sh build/asan
}

# Built for one PREFIX and installed for another: the plugin is still found.
other_prefix() {
    local root=build/prefix/root
    build build/prefix && make --no-print-directory BUILD=build/prefix \
        DESTDIR=$root PREFIX=/opt/xpci install &&
        grep -q /opt/xpci/lib/xpci $root/opt/xpci/sbin/xpci &&
        ! grep -q /usr/local/lib/xpci $root/opt/xpci/sbin/xpci
}

# Short runs of what "make fuzz" does at length.
compare() {
    make --no-print-directory -j"$jobs" DEVELOPER=1 BUILD=build/asan \
        "${asan[@]}" COUNT=30000 fuzz-diff
}

fuzz() {
    make --no-print-directory -j"$jobs" FUZZ_TIME=20 fuzz-targets
}

# The packages, and what Debian and Fedora's own tools say of them.
packages() {
    make --no-print-directory lab-debs &&
        lintian --allow-root --display-info --fail-on info,warning,error \
            build/deb/*.changes &&
        rpmlint -r packaging/xpci.rpmlintrc packaging/xpci.spec &&
        tests/run-package.sh build build/deb
}

lab() {
    make --no-print-directory check-lab LAB_RUN="--within $((
        ${XPCI_CHECK_SECONDS:-2700} - SECONDS))"
}

case ${1-} in
fast)
    stage fast fast
    ;;
lint)
    stage lint scripts/lint.sh build/xpci
    ;;
all)
    stage fast fast
    stage build-clang build build/clang CC=clang
    stage build-without-libxl build build/nolibxl LIBXL=no
    stage install-elsewhere other_prefix
    stage sanitizers sanitized
    stage compare-with-xl compare
    stage fuzz fuzz
    stage lint scripts/lint.sh build/xpci
    stage packages packages
    stage lab lab
    ;;
*)
    echo "usage: check.sh all|fast|lint" >&2
    exit 2
    ;;
esac

if [ $skipped = 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ $failed = 0 ]
