/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be changed, until it is: changes.c makes it. */
#include <string.h>

#include "changes.h"
#include "diff.h"
#include "journal.h"

static bool same(const struct xpci_buf *a, const struct xpci_buf *b)
{
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static void change_clear(struct xpci_change *change)
{
    free(change->path);
    free(change->real);
    xpci_buf_clear(&change->before);
    xpci_buf_clear(&change->after);
}

static int add(struct xpci_changes *set, struct xpci_change *change,
               struct xpci_error *err)
{
    xpci_need(change->path, err);
    /* the journal has a line for each */
    if (strchr(change->path, '\n'))
        return xpci_error_set(err, EINVAL, "'%s': a newline in a file's name",
                              change->path);
    change->hash = xpci_journal_hash(&change->after);
    change->was = xpci_journal_hash(&change->before);
    xpci_need(xpci_list_push(set, *change) == 0, err);
    *change = (struct xpci_change){ 0 };
    return 0;
}

/* Reads what is there and adds the change if it changes anything. */
static int add_read(struct xpci_changes *set, const struct xpci_root *root,
                    struct xpci_change *change, struct xpci_error *err)
{
    bool exists, needed;
    struct stat st;

    xpci_need(change->path, err);
    xpci_try(xpci_root_read_optional(root, change->path, &change->before,
                                     &exists, err));
    /* what is to be run must stay so */
    if (exists && change->mode & 0111) {
        xpci_try(xpci_root_check(root, xpci_root_stat(root, change->path, &st),
                                 "look at", change->path, err));
        change->adds_exec = !(st.st_mode & 0111);
    }
    if (change->kind == XPCI_CHANGE_PUT && !exists)
        change->kind = XPCI_CHANGE_NEW;
    needed = change->kind == XPCI_CHANGE_DELETE
                 ? exists
                 : !exists || change->adds_exec ||
                       !same(&change->before, &change->after);
    return needed ? add(set, change, err) : 0;
}

int xpci_changes_put(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const void *data, size_t len,
                     mode_t mode, struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .kind = XPCI_CHANGE_PUT,
        .mode = mode,
    };

    xpci_need(xpci_buf_append(&change.after, data, len) == 0, err);
    return add_read(set, root, &change, err);
}

int xpci_changes_edit(struct xpci_changes *set, const char *path,
                      struct xpci_buf *before, struct xpci_buf *after,
                      struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .before = *before,
        .after = *after,
        .kind = XPCI_CHANGE_PUT,
    };

    *before = *after = (struct xpci_buf){ 0 };
    return same(&change.before, &change.after) ? 0 : add(set, &change, err);
}

int xpci_changes_delete(struct xpci_changes *set, const struct xpci_root *root,
                        const char *path, struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .kind = XPCI_CHANGE_DELETE,
    };

    return add_read(set, root, &change, err);
}

static bool is_own(const struct xpci_buf *have, const char *text)
{
    return !have->len || (text && !strcmp(have->data, text)) ||
           memmem(have->data, have->len, XPCI_CHANGES_MARK,
                  strlen(XPCI_CHANGES_MARK));
}

int xpci_changes_own(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const char *text, bool there,
                     mode_t mode, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf have = { 0 };
    _cleanup_free_ char *to = NULL;
    bool link = xpci_root_readlink(root, path, &to) == 0;

    if (!link)
        xpci_try(xpci_root_read_optional(root, path, &have, NULL, err));
    if (link || !is_own(&have, text))
        return xpci_error_set(err, EEXIST,
                              "'%s' was not made by xpci, which keeps a file "
                              "of its own there; move it away",
                              path);
    return there ? xpci_changes_put(set, root, path, text, strlen(text), mode,
                                    err)
                 : xpci_changes_delete(set, root, path, err);
}

int xpci_changes_keep(struct xpci_changes *set, const char *path,
                      struct xpci_error *err)
{
    _cleanup_(change_clear) struct xpci_change change = {
        .path = strdup(path),
        .kind = XPCI_CHANGE_KEEP,
    };

    return add(set, &change, err);
}

int xpci_changes_diff(const struct xpci_changes *set,
                      const struct xpci_root *root, struct xpci_buf *out,
                      struct xpci_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct xpci_change *c = &set->v[i];
        _cleanup_free_ char *name = NULL;

        if (c->kind == XPCI_CHANGE_KEEP)
            continue;
        if (c->adds_exec)
            xpci_need(xpci_buf_printf(out, "chmod +x %s%s\n",
                                      xpci_root_dir(root), c->path) == 0,
                      err);
        /* patch(1) ends a name at a blank, unless a tab is behind it */
        xpci_try(xpci_asprintf(err, &name, "%s%s%s", xpci_root_dir(root),
                               c->path, strchr(c->path, ' ') ? "\t" : ""));
        xpci_try(xpci_diff(c->kind == XPCI_CHANGE_NEW ? NULL : name, &c->before,
                           c->kind == XPCI_CHANGE_DELETE ? NULL : name,
                           &c->after, out, err));
    }
    return 0;
}

void xpci_changes_clear(struct xpci_changes *set)
{
    xpci_list_clear(set, change, change_clear(change));
}
