/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI specs, for the comparisons with libxlutil (test-cfg-xlu.c,
 * test-xl-spec.c).
 */
#ifndef TEST_SPEC_CASES_H
#define TEST_SPEC_CASES_H

/* What both accept must mean the same. */
static const char *const specs[] = {
    "03:02.0",
    "0000:03:02.0",
    "ffff:ff:1f.7",
    "AB:1E.7",
    "3:2.1",
    "03:02.*",
    "03:02.0@7",
    "03:02.0@1f",
    "03:02.0@1F",
    "03:02.0@07",
    "03:02.0,",
    "03:02.0@7,",
    "03:02.0,permissive=1",
    "03:02.0@7,permissive=1,seize=0,msitranslate=1,power_mgmt=0",
    "03:02.0,rdm_policy=strict",
    "03:02.0,rdm_policy=relaxed,",
    "bdf=03:02.0",
    "bdf=0001:03:02.*,vslot=1c",
    "permissive=1,bdf=03:02.0",
    "vslot=7,bdf=03:02.0",
    "03:02.0,vslot=a",
    "name=x",
    "name=a=b,vslot=3,seize=1",
};

/* xl accepts, we do not: it takes them for something else. */
static const char *const misread[] = {
    "03:02.0@0", /* no slot at all */
    "03:02.0,vslot=0",
    "03:02.0@007",
    "bdf=03:02.0@7", /* the slot is lost */
    "bdf=03:02.0x",
    "03:02.0,vslot=7x",
    "03:02.0,permissive=yes", /* 0 */
    "03:02.0,permissive=true",
    "03:02.0,permissive=",
    "03:02.0,permissive=2", /* 1 */
    "03:02.0,permissive=01",
    "03:02.0@5,vslot=7", /* the last one wins */
    "03:02.0,seize=0,seize=1",
    "03:02.0,bdf=04:00.0",
    "100000003:02.0", /* 03:02.0 */
    "03:02.0x",       /* scanf takes "0x" for 0 */
    "03:0x2.0",
    "03: 2.0",
    "03:02.0@ 7",
    "03:02.0@0x7",
    "name=",
};

static const char *const bad_specs[] = {
    "",
    ",",
    "x",
    "03",
    "03.02.0",
    "03:02.8",
    "03:20.0",
    "100:02.0",
    "10000:03:02.0",
    "0x03:02.0",
    "03:02.0 ",
    " 03:02.0",
    "+3:02.0",
    "03:02.0-2",
    "03:02.0z",
    "03:02.0@",
    "03:02.0@20",
    "03:02.0@-1",
    "03:02.0@7x",
    "03:02.0@7@8",
    "03:02.0,,",
    "03:02.0, permissive=1",
    "03:02.0,permissive",
    "03:02.0,foo=1",
    "03:02.0,Permissive=1",
    "03:02.0,=1",
    "03:02.0,rdm_policy=no",
    "03:02.0,rdm_policy=",
    "03:02.0,name=x",
    "permissive=1",
    "permissive=1,03:02.0",
    "03:02.0,04:00.0",
};

#endif
