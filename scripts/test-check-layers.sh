#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test-check-layers.sh - breaks each rule of check-layers.sh in a copy of the
# tree and expects the script to say so. To be run when that script changes.
set -euo pipefail

top=$(readlink -f "$(dirname "$0")/..")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

copy() {
    rm -rf "${tmp:?}/t"
    mkdir "$tmp/t"
    cp -r "$top"/{Makefile,common,cfg-parser,pciback-tools,initrd,libxl-plugin,cli,tests} \
        "$tmp/t"
}

expect() { # expect MESSAGE FILE LINE: with LINE put into FILE
    local out status=0
    cp "$tmp/t/$2" "$tmp/saved"
    printf '%s\n' "$3" >>"$tmp/t/$2"
    out=$("$top/scripts/check-layers.sh" "$tmp/t" 2>&1) || status=$?
    if [ $status = 1 ] && grep -qF "check-layers: $2" <<<"$out" &&
        grep -qF -- "$1" <<<"$out"; then
        echo "ok - $2: $1"
    else
        echo "not ok - $2: $1 (status $status)"
        bad=1
    fi
    cp "$tmp/saved" "$tmp/t/$2"
}

copy
"$top/scripts/check-layers.sh" "$tmp/t" ||
    echo "# the tree itself is not clean"
expect 'must not use' common/bdf.c '#include "cfg.h"'
expect 'must not use' cfg-parser/cfg.c '#include "inventory.h"'
expect 'must not use' pciback-tools/group.c '#include "generator.h"'
expect 'must not use' initrd/image.c '#  include "toolstack.h"'
expect 'must not use' libxl-plugin/reason.c '#include "cfg.h"'
expect 'is for the files of' cli/main.c '#include "lex.h"'
expect 'libxl-plugin/plugin* only' libxl-plugin/load.c '#include "plugin.h"'
expect 'is in none of' cli/main.c '#include "nowhere.h"'
expect '<pci/pci.h> is for' pciback-tools/inventory.c '#include <pci/pci.h>'
expect '<libkmod.h> is for' initrd/image.c '#include <libkmod.h>'
expect '<archive_entry.h> is for' initrd/image-check.c '#include <archive_entry.h>'
expect '<libxl.h> is for' cli/main.c '#include <libxl.h>'
expect '<xenstore.h> is for' libxl-plugin/load.c '#include <xenstore.h>'
expect '<libsmartcols.h> is for' cli/cmd-list.c '#include <libsmartcols.h>'
expect 'is not of libc' common/buf.c '#include <openssl/sha.h>'
expect 'starts programs' initrd/image.c 'void f(void) { execvp("a", 0); }'
expect 'starts programs' cli/main.c 'void f(void) { system ("a"); }'
expect 'rename' cli/plan.c 'int f(void) { return renameat(0, "a", 0, "b"); }'
expect 'does not print' common/buf.c 'void f(void) { printf("a"); }'
expect 'does not print' common/buf.c 'void f(void) { fputs("a", stderr); }'
expect 'does not end' cfg-parser/lex.c 'void f(void) { exit(1); }'
expect 'does not end' cfg-parser/lex.c 'void f(void) { /* a */ abort(); }'
expect 'does not end' pciback-tools/scan.c 'void f(void) { _exit(1); }'
expect "'rc' is a libxl code" libxl-plugin/load.c 'static int rc;'
expect 'does not compile alone' common/log.h 'struct x { FILE_NOT_DECLARED *f; };'
expect 'is the limit' common/lock.c "$(printf '//\n%.0s' {1..600})"
touch "$tmp/t/cli/bdf.h"
expect 'has a header of this name' cli/bdf.h ''
rm "$tmp/t/cli/bdf.h"
# what must not be taken for a violation
printf '%s\n' '/* exit( and printf( */' 'char *f = "system(1) rc";' \
    'int my_fork(int xrc);' >>"$tmp/t/common/buf.c"
if "$top/scripts/check-layers.sh" "$tmp/t"; then
    echo "ok - comments, strings and longer names are no violation"
else
    echo "not ok - comments, strings and longer names are no violation"
    bad=1
fi
exit $bad
