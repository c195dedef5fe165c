/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "module-index.h"

#define HEAD "\xb0\x07\xf4\x57\0\2\0\1"
#define LEAF "\0\0\0\1\0\0\0\7e1000\0" /* one value; often at 12 */

static const struct {
    const char *bytes;
    size_t len;
    bool sound;
} indexes[] = {
#define INDEX(sound, bytes)                                                    \
    {                                                                          \
        bytes, sizeof(bytes) - 1, sound                                        \
    }
    INDEX(true, HEAD "\0\0\0\x0c"),          /* empty, as depmod makes it */
    INDEX(true, HEAD "\x40\0\0\x0c" LEAF),   /* a value */
    INDEX(true, HEAD "\x20\0\0\x1a" LEAF "a" /* a child with a value */
                     "a\x40\0\0\x0c"),
    INDEX(true, HEAD "\xa0\0\0\x1a" LEAF "pci:\0" /* that, and a prefix */
                     "ac\x40\0\0\x0c\0\0\0\0\0\0\0\0"),
    INDEX(true, HEAD "\x20\0\0\x0c" /* the child behind it */
                     "aa\x40\0\0\x12" LEAF),
    INDEX(false, ""),
    INDEX(false, HEAD),
    INDEX(false, "\xb0\x07\xf4\x58\0\2\0\1\0\0\0\x0c"),
    INDEX(false, HEAD "\x40\0\0\x0d"), /* behind the end */
    INDEX(false, HEAD "\x40\0\0\x0c"), /* cut off */
    INDEX(false, HEAD "\x40\0\0\x0c\0\0\0\1\0\0\0\7e1000"),
    INDEX(false, HEAD "\x40\0\0\x0c\xff\xff\xff\xff\0\0\0\7e1000\0"),
    INDEX(false, HEAD "\x80\0\0\x0cpci:"),
    INDEX(false, HEAD "\x20\0\0\x0c"
                      "a"),
    INDEX(false, HEAD "\x20\0\0\x0c"
                      "aa\x20\0\0\x0c"), /* below itself */
    INDEX(false, HEAD "\x20\0\0\x0c"
                      "a\x80\0\0\0\0"),
    INDEX(false, HEAD "\x20\0\0\x0c"
                      "aa\x20\0\0\x0c" LEAF LEAF LEAF LEAF LEAF LEAF LEAF),
    INDEX(false, HEAD "\x20\0\0\x0c"
                      "ba"),
    INDEX(false, HEAD "\x20\0\0\x1a" LEAF "ad" /* a child of many */
                      "\x40\0\0\x0c\x40\0\0\x0c\x40\0\0\x0c\x40\0\0\x0c"),
};

static void test_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(indexes); i++) {
        /* of the exact size, for the address sanitizer */
        _cleanup_free_ char *copy = malloc(indexes[i].len + 1);
        const struct xpci_buf file = { .data = copy, .len = indexes[i].len };

        assert_non_null(copy);
        memcpy(copy, indexes[i].bytes, indexes[i].len);
        if (xpci_module_index_sound(&file) != indexes[i].sound)
            fail_msg("index %zu", i);
    }
}

/* A chain of nodes that no stack has room for. */
static void test_deep(void **state)
{
    static const size_t place = 12, size = 6, n = 100000;
    const struct xpci_buf file = { .data = calloc(n + 2, size),
                                   .len = place + n * size };

    (void)state;
    assert_non_null(file.data);
    memcpy(file.data, HEAD, 8);
    for (size_t i = 0; i < n; i++) {
        size_t ref = 0x20000000 | (place + i * size);
        char *to = file.data + (i + 1 < n ? place + (i + 1) * size + 2 : 8);

        memcpy(file.data + place + i * size, "aa", 2);
        for (int byte = 0; byte < 4; byte++)
            to[byte] = (char)(ref >> (24 - 8 * byte));
    }
    assert_false(xpci_module_index_sound(&file));
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
