/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "module-index.h"

/* What a node has, in the upper bits of the number that says where it is. */
#define PREFIX 0x80000000
#define VALUES 0x40000000
#define CHILDREN 0x20000000
#define PLACE 0x0fffffff
#define MAX_DEPTH 4096 /* no name is as long */

/* Of what depmod makes no byte is met twice: @left ends a walk in circles. */
struct walk {
    const struct xpci_buf *f;
    size_t left;
};

static bool step(struct walk *w, size_t *at, size_t n)
{
    if (w->f->len - *at < n || w->left < n)
        return false;
    *at += n;
    w->left -= n;
    return true;
}

static bool string(struct walk *w, size_t *at)
{
    return step(w, at, strnlen(w->f->data + *at, w->f->len - *at) + 1);
}

static bool number(struct walk *w, size_t *at, uint32_t *out)
{
    const char *from = w->f->data + *at;

    if (!step(w, at, sizeof(*out)))
        return false;
    memcpy(out, from, sizeof(*out));
    *out = be32toh(*out);
    return true;
}

static bool node(struct walk *w, uint32_t ref, int depth)
{
    size_t at = ref & PLACE;
    uint32_t n = 0, each;

    if (at > w->f->len || !depth || (ref & PREFIX && !string(w, &at)))
        return false;
    /* the first character and the last, and a number for each */
    if (ref & CHILDREN) {
        const unsigned char *ends = (const unsigned char *)w->f->data + at;

        if (!step(w, &at, 2) || (ends[0] | ends[1]) & 0x80 || ends[0] > ends[1])
            return false;
        for (int c = ends[0]; c <= ends[1]; c++) {
            if (!number(w, &at, &each) ||
                (each & PLACE && !node(w, each, depth - 1)))
                return false;
        }
    }
    /* how many, and a priority and a name for each */
    if (ref & VALUES && !number(w, &at, &n))
        return false;
    for (; n > 0; n--) {
        if (!number(w, &at, &each) || !string(w, &at))
            return false;
    }
    return true;
}

bool xpci_module_index_sound(const struct xpci_buf *file)
{
    struct walk w = { file, file->len };
    size_t at = 8; /* behind magic and version */
    uint32_t root;

    return file->len >= at && !memcmp(file->data, XPCI_MODULE_INDEX_MAGIC, 4) &&
           number(&w, &at, &root) && node(&w, root, MAX_DEPTH);
}
