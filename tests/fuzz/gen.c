/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "check.h"

/* splitmix64: one word of state, no bad seeds */
uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

size_t rng_below(struct rng *rng, size_t n)
{
    return rng_next(rng) % n;
}

static bool one_in(struct rng *rng, size_t n)
{
    return rng_below(rng, n) == 0;
}

static void put(struct xpci_buf *out, const char *s)
{
    CHECK(xpci_buf_puts(out, s) == 0);
}

/* Tables end in NULL; what stands twice comes twice as often. */
static const char *pick(struct rng *rng, const char *const *table)
{
    size_t n = 0;

    while (table[n])
        n++;
    return table[rng_below(rng, n)];
}

#define PICK(rng, ...) pick(rng, (const char *const[]){ __VA_ARGS__, NULL })

/* --- specs --- */

/* Few devices, for them to meet. */
static void gen_number(struct rng *rng, bool odd, unsigned int max,
                       unsigned int width, struct xpci_buf *out)
{
    unsigned int n = (unsigned int)rng_below(rng, one_in(rng, 4) ? max + 1 : 4);

    if (odd && one_in(rng, 6))
        put(out, PICK(rng, "0x", "0X", " ", "\t", "+", "-", "0", "00000", "1",
                      "10000000", "1000000000000000", "x", "\n", "0x "));
    if (odd && one_in(rng, 12))
        n = max + 1 + (unsigned int)rng_below(rng, 0x1000);
    if (odd && one_in(rng, 12))
        return;
    CHECK(xpci_buf_printf(out, one_in(rng, 8) ? "%0*X" : "%0*x",
                          one_in(rng, 8) ? 1 : (int)width, n) == 0);
    if (odd && one_in(rng, 16))
        put(out, PICK(rng, "x", " ", "0", "g", "-", "@", ".", ":"));
}

static void gen_address(struct rng *rng, bool odd, struct xpci_buf *out)
{
    if (one_in(rng, 3)) {
        gen_number(rng, odd, one_in(rng, 4) ? 0xffff : 0, 4, out);
        put(out, ":");
    }
    gen_number(rng, odd, 0xff, 2, out);
    put(out, odd && one_in(rng, 16) ? PICK(rng, ".", "", "::", ",") : ":");
    gen_number(rng, odd, 0x1f, 2, out);
    put(out, odd && one_in(rng, 16) ? PICK(rng, ":", "", "..", ",") : ".");
    if (one_in(rng, 8))
        put(out, "*");
    else
        gen_number(rng, odd, 7, 1, out);
}

static void gen_vslot(struct rng *rng, bool odd, struct xpci_buf *out)
{
    if (odd)
        gen_number(rng, true, 0x1f, 1, out);
    else
        CHECK(xpci_buf_printf(out, "%x",
                              1 + (unsigned int)rng_below(rng, 0x1f)) == 0);
}

static const char *flag_value(struct rng *rng, bool odd, bool policy)
{
    if (odd && one_in(rng, 5))
        return PICK(rng, "", "2", "01", "-1", "1 ", " 1", "yes", "true", "0x1",
                    "1x", "Strict", "invalid", "no", "99999999999999999999",
                    "4294967296", "=1", "1\x7f", "\xc3\xa9");
    return policy ? PICK(rng, "strict", "relaxed") : PICK(rng, "0", "1");
}

static void gen_flag(struct rng *rng, bool odd, unsigned int k,
                     struct xpci_buf *out)
{
    static const char *const keys[] = { "permissive", "msitranslate", "seize",
                                        "power_mgmt", "rdm_policy" };

    put(out, keys[k]);
    if (odd && one_in(rng, 20))
        put(out, PICK(rng, "s", " ", "=", ",", "\t"));
    if (!odd || !one_in(rng, 20))
        put(out, "=");
    put(out, flag_value(rng, odd, k == 4));
}

static void gen_option(struct rng *rng, bool odd, unsigned int k,
                       struct xpci_buf *out)
{
    if (k < 5) {
        gen_flag(rng, odd, k, out);
    } else if (k == 5) {
        put(out, "vslot=");
        gen_vslot(rng, odd, out);
    } else if (k == 6) {
        put(out, "bdf=");
        gen_address(rng, odd, out);
    } else if (k == 7) {
        put(out, "name=");
        put(out, PICK(rng, "nic", "a=b", "disk 1", "it's", "a\\b", "\xc3\xa9"));
    } else {
        put(out,
            PICK(rng, "", "name=", "bdf=", "vslot=", "foo=1", "=1", "Seize=1",
                 "seize=", "03:02.0", "rdm_policy=no", "name=\x01"));
    }
}

void gen_spec(struct rng *rng, bool odd, struct xpci_buf *out)
{
    unsigned int seen = 0, n = one_in(rng, 2) ? 0 : 4;
    const char *comma = ",";
    size_t k;

    put(out, "");
    if (one_in(rng, 12)) {
        gen_option(rng, odd, one_in(rng, 2) ? 6 : 7, out);
        seen = 1U << 6 | 1U << 7;
    } else if (odd && one_in(rng, 12)) {
        comma = "";
    } else {
        gen_address(rng, odd, out);
        seen = 1U << 6 | 1U << 7;
        if (one_in(rng, 2)) {
            put(out, "@");
            gen_vslot(rng, odd, out);
            seen |= 1U << 5;
        }
    }
    while (n-- && one_in(rng, 2)) {
        k = rng_below(rng, odd ? 9 : 8);
        if (!odd && seen & 1U << k)
            continue;
        seen |= 1U << k;
        put(out, comma);
        gen_option(rng, odd, (unsigned int)k, out);
        comma = odd && one_in(rng, 20) ? PICK(rng, ",,", ", ", ";") : ",";
    }
    if (one_in(rng, odd ? 8 : 20))
        put(out, ",");
}

/* --- files --- */

static void gen_blank(struct rng *rng, struct xpci_buf *out)
{
    put(out, PICK(rng, "", "", "", " ", " ", "  ", "\t"));
}

/* What may stand where a list can be broken over lines. */
static void gen_gap(struct rng *rng, struct xpci_buf *out)
{
    put(out, PICK(rng, "", "", "", "", " ", " ", "\n", "\n    ", " # c\n",
                  "# 'it', [\n\t", "\n\n", "\n  # '03:02.0',\n  "));
}

/* Quoted; the escapes of @s are the file's. */
static void gen_string(struct rng *rng, const char *s, struct xpci_buf *out)
{
    const char *q = one_in(rng, 3) ? "\"" : "'";

    put(out, q);
    for (; *s; s++) {
        if (*s == *q || *s == '\n')
            put(out, *s == '\n' ? "\\n" : "\\");
        if (*s != '\n')
            CHECK(xpci_buf_append(out, s, 1) == 0);
    }
    put(out, q);
}

static void gen_word(struct rng *rng, struct xpci_buf *out)
{
    gen_string(rng,
               PICK(rng, "", "hvm", "winxp", "a b", "#", "[x]", "it's", "\"",
                    "phy:/dev/vg/x,xvda,w", "bridge=xenbr0", "\\n\\t\\\\",
                    "\\x41", "\\101", "\\1 2", "\\8", "\xc3\xa9", "\xe9",
                    "0x10", "12", " 7", "-1", "9223372036854775808", "usb:1,2"),
               out);
}

static void gen_item(struct rng *rng, bool pci, int depth,
                     struct xpci_buf *out);

static void gen_list(struct rng *rng, bool pci, int depth, struct xpci_buf *out)
{
    size_t n = rng_below(rng, 5);

    put(out, "[");
    gen_gap(rng, out);
    while (n--) {
        gen_item(rng, pci, depth, out);
        gen_gap(rng, out);
        if (n || one_in(rng, 3)) {
            put(out, one_in(rng, 100) ? PICK(rng, "", ",,", ";") : ",");
            gen_gap(rng, out);
        }
    }
    put(out, one_in(rng, 100) ? PICK(rng, "", "]]", ")") : "]");
}

static void gen_item(struct rng *rng, bool pci, int depth, struct xpci_buf *out)
{
    _cleanup_buf_ struct xpci_buf spec = { 0 };

    if (depth < 4 && one_in(rng, pci ? 60 : 6)) {
        gen_list(rng, false, depth + 1, out);
    } else if (pci && !one_in(rng, 30)) {
        gen_spec(rng, one_in(rng, 30), &spec);
        gen_string(rng, spec.data, out);
    } else if (one_in(rng, 6)) {
        put(out, PICK(rng, "0", "7", "08", "0x1f", "1a"));
    } else {
        gen_word(rng, out);
    }
}

/* What xm took, xl does not, and xpci reads where it computes nothing. */
static void gen_python(struct rng *rng, struct xpci_buf *out)
{
    put(out, PICK(rng, "True", "None", "-1", "1.5", "0xFF", "'a' 'b'",
                  "'a' + 'b'", "('a',)", "(\n'a',\n)", "u'a'", "r'\\x'",
                  "\"\"\"a\n'pci'=['03:02.0']\n\"\"\"", "{}", "{'a': 1}",
                  "'vm%d' % 3", "4 * 1024", "name", "'a' \\\n  'b'", "['a', b]",
                  "[]+[]", "(1, [2, ('x',)])"));
}

static void gen_value(struct rng *rng, bool pci, struct xpci_buf *out)
{
    if (one_in(rng, 80))
        put(out, PICK(rng, "hvm", "", "\n", "range(2)", "'open", "a.b", "pci",
                      "[x for x in y]", "pci[0]", "len(pci)", "(1", "1,"));
    else if (one_in(rng, pci ? 80 : 20))
        gen_python(rng, out);
    else if (!one_in(rng, pci ? 30 : 3))
        gen_list(rng, pci, 0, out);
    else if (one_in(rng, 2))
        put(out, PICK(rng, "0", "1", "512", "0x40", "010", "08", "1a", "0x"));
    else
        gen_word(rng, out);
}

static void gen_stmt(struct rng *rng, struct xpci_buf *out)
{
    bool pci = one_in(rng, 2);

    if (one_in(rng, 8)) /* to python an indent is an error */
        gen_blank(rng, out);
    put(out, pci ? "pci"
                 : PICK(rng, "name", "disk", "vif", "memory", "pcis", "a", "b",
                        "pc", "x.y_1", "Name", "_a"));
    gen_blank(rng, out);
    put(out, one_in(rng, 4) ? "+=" : "=");
    gen_blank(rng, out);
    gen_value(rng, pci, out);
    gen_blank(rng, out);
    put(out, PICK(rng, "\n", "\n", "\n", "\n\n", ";", "; ", ";\n", " # c\n",
                  "# pci = ['03:02.0']\n", "\n  # it's\n"));
    if (one_in(rng, 60))
        put(out, PICK(rng, "import os\n", "def f():\n    return 1\n", "\r\n",
                      "if a == 1:\n    b = 2\n", "print 'x'\n", "\\\n", "@\n"));
}

void gen_cfg(struct rng *rng, struct xpci_buf *out)
{
    size_t n = rng_below(rng, 5);

    put(out, one_in(rng, 40) ? "\xef\xbb\xbf" : "");
    put(out, one_in(rng, 6) ? "# -*- mode: python; -*-\n" : "");
    while (n--)
        gen_stmt(rng, out);
    put(out, PICK(rng, "", "", "", "pci = []", "pci = ['03:02.0']", "a = 1",
                  "# end", "#", "\n", ";", "pci = []\n"));
}

/* --- changes --- */

/* Puts @len bytes of @from in the place of @cut bytes at @at. */
static void splice(struct xpci_buf *buf, size_t at, size_t cut,
                   const char *from, size_t len)
{
    struct xpci_buf out = { 0 };

    CHECK(xpci_buf_append(&out, buf->data, at) == 0);
    CHECK(xpci_buf_append(&out, from, len) == 0);
    CHECK(xpci_buf_append(&out, buf->data + at + cut, buf->len - at - cut) ==
          0);
    xpci_buf_clear(buf);
    *buf = out;
}

static void mutate_once(struct rng *rng, struct xpci_buf *buf,
                        const struct xpci_buf *other)
{
    static const char *const bits[] = {
        "'",   "\"",   "\\",   "[",     "]",      ",",         ";",  "#",
        "\n",  "=",    "+=",   " ",     "\t",     "\r",        "@",  "*",
        ".",   ":",    "pci",  "0",     "1f",     "x",         "A",  "\xe9",
        "\f",  "\x7f", "+",    "-",     "pci=",   "'03:02.0'", "[[", "]]",
        "\\1", "\\x4", "bdf=", "name=", "vslot=", NULL,
    };
    size_t at = rng_below(rng, buf->len + 1), left = buf->len - at;
    size_t cut =
        one_in(rng, 2) ? 0 : 1 + rng_below(rng, one_in(rng, 4) ? 40 : 3);
    const char *bit = pick(rng, bits);
    char byte = (char)(1 + rng_below(rng, 255));
    size_t from = rng_below(rng, other->len + 1);
    size_t len = rng_below(rng, 40);

    if (cut > left)
        cut = left;
    if (len > other->len - from)
        len = other->len - from;
    if (one_in(rng, 3))
        splice(buf, at, cut, other->data + from, len);
    else if (one_in(rng, 4))
        splice(buf, at, cut, &byte, 1);
    else
        splice(buf, at, cut, bit, one_in(rng, 3) ? 0 : strlen(bit));
}

void gen_mutate(struct rng *rng, struct xpci_buf *buf,
                const struct xpci_buf *other)
{
    do
        mutate_once(rng, buf, other);
    while (one_in(rng, 2));
}
