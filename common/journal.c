/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "journal.h"

#define STATE_DIR "/var/lib/xpci"
#define JOURNAL STATE_DIR "/journal"
#define JOURNAL_DONE JOURNAL ".done"

uint64_t xpci_journal_hash(const struct xpci_buf *buf)
{
    uint64_t hash = buf->len, word;

    for (size_t i = 0; i < buf->len; i += sizeof(word)) {
        size_t left = buf->len - i;

        word = 0;
        memcpy(&word, buf->data + i, left < sizeof(word) ? left : sizeof(word));
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash;
}

/* Absolute: the next xpci may run elsewhere. */
static int journal_line(const struct xpci_changes *set, size_t k,
                        struct xpci_buf *out)
{
    const struct xpci_change *c = &set->v[k];
    _cleanup_free_ char *cwd = c->real[0] == '/' ? strdup("") : getcwd(NULL, 0);

    if (!cwd)
        return -errno;
    return xpci_buf_printf(out, "%c %016llx %016llx %s%s%s\n", c->kind,
                           (unsigned long long)c->hash,
                           (unsigned long long)c->was, cwd, *cwd ? "/" : "",
                           c->real);
}

int xpci_journal_write(struct xpci_changes *set, const struct xpci_root *root,
                       struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    int ret;

    if ((xpci_root_is_live(root) && geteuid() != 0) ||
        !xpci_root_exists(root, "/var/lib"))
        return 0;
    ret = xpci_buf_printf(&text, "%s\n", set->id);
    for (size_t k = 0; ret == 0 && k < set->n; k++)
        ret = journal_line(set, k, &text);
    xpci_try(xpci_root_check(root, ret, "write", JOURNAL, err));
    set->journal = JOURNAL;
    return xpci_file_replace(root, JOURNAL, text.data, text.len, 0600, err);
}

/* Synced: a power cut must not make it older than what was done by then. */
void xpci_journal_alive(const struct xpci_root *root)
{
    _cleanup_close_ int fd = xpci_root_open(root, JOURNAL, O_WRONLY, 0);

    if (fd >= 0)
        (void)(futimens(fd, NULL) || fsync(fd));
}

static int rename_done(const struct xpci_root *root)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    const char *base;
    int ret;

    xpci_try(xpci_dir_enter(&dir, root, JOURNAL, false, &base));
    if (renameat(dir.fd, base, dir.fd, "journal.done") < 0)
        return -errno;
    if (fsync(dir.fd) == 0)
        return 0;
    /* whether a power cut would bring the old name back is not known */
    ret = -errno;
    renameat(dir.fd, "journal.done", dir.fd, base);
    return ret;
}

int xpci_journal_done(struct xpci_changes *set, const struct xpci_root *root,
                      struct xpci_error *err)
{
    if (!set->journal || !strcmp(set->journal, JOURNAL_DONE))
        return 0;
    xpci_try(xpci_root_check(root, rename_done(root), "rename", JOURNAL, err));
    set->journal = JOURNAL_DONE;
    return 0;
}

/* No trace where nothing else is in it. */
static void drop_dir(const struct xpci_root *root)
{
    _cleanup_dir_ struct xpci_dir up = { .fd = -1 };
    const char *base;

    if (xpci_dir_enter(&up, root, STATE_DIR, false, &base) >= 0)
        unlinkat(up.fd, base, AT_REMOVEDIR);
}

/* Leaves nothing of a journal that was not finished, nor an empty directory. */
static void sweep(const struct xpci_root *root)
{
    _cleanup_dir_ struct xpci_dir dir = { .fd = -1 };
    const char *base;

    if (xpci_dir_enter(&dir, root, JOURNAL, false, &base) < 0)
        return;
    xpci_temp_sweep(dir.fd);
    drop_dir(root);
}

int xpci_changes_forget(const struct xpci_root *root, const char *path,
                        struct xpci_error *err)
{
    xpci_try(xpci_file_remove(root, path, err));
    drop_dir(root);
    return 0;
}

void xpci_journal_drop(struct xpci_changes *set, const struct xpci_root *root)
{
    set->id[0] = '\0';
    if (!set->journal || xpci_file_remove(root, set->journal, NULL) == 0)
        sweep(root);
    set->journal = NULL;
}

/* "KIND HASH WAS PATH" */
static int parse_line(char *line, struct xpci_changes *set,
                      struct xpci_error *err)
{
    unsigned long long hash, was;
    struct xpci_change *change;
    char kind;
    int path = 0;

    if (sscanf(line, "%c %16llx %16llx %n", &kind, &hash, &was, &path) != 3 ||
        !strchr("npdk", kind) || path != 36 || line[path] != '/')
        return -EINVAL;
    xpci_try(xpci_changes_keep(set, line + path, err));
    change = &set->v[set->n - 1];
    change->kind = (enum xpci_change_kind)kind;
    change->hash = hash;
    change->was = was;
    change->made = change->lent = true;
    change->real = strdup(line + path);
    return change->real ? 0 : xpci_error_oom(err);
}

static int parse(char *text, struct xpci_changes *set, struct xpci_error *err)
{
    char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL;
    int ret = 0;

    if (!line || strlen(line) != sizeof(set->id) - 1 ||
        strspn(line, "0123456789abcdef") != sizeof(set->id) - 1)
        return -EINVAL;
    memcpy(set->id, line, sizeof(set->id));
    while (ret == 0 && (line = strtok_r(NULL, "\n", &save)))
        ret = parse_line(line, set, err);
    return ret;
}

/* The set that was left under way, or done; set->n is 0 if none was. */
static int read_journal(struct xpci_changes *set, const struct xpci_root *root,
                        const char *path, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    struct stat st;
    bool found;
    int ret = xpci_root_read_optional(root, path, &text, &found, err);

    if (ret < 0 || !found)
        return ret;
    xpci_try(xpci_root_check(root, xpci_root_stat(root, path, &st), "read",
                             path, err));
    set->journal = path;
    set->alive = st.st_mtim.tv_sec;
    ret = parse(text.data, set, err);
    if (ret == -EINVAL)
        return xpci_error_set(err, EINVAL,
                              "'%s%s' is damaged; see which '.xpci-*' files "
                              "are left, then remove it",
                              xpci_root_dir(root), path);
    return ret;
}

int xpci_changes_recover(const struct xpci_root *root,
                         const struct xpci_log *log, struct xpci_error *err)
{
    _cleanup_changes_ struct xpci_changes done = { 0 }, half = { 0 };
    int ret;

    ret = read_journal(&half, root, JOURNAL, err);
    if (ret == 0 && xpci_changes_undo(&half, root, err) < 0)
        return xpci_error_wrap(err,
                               "a change that a killed xpci left half done "
                               "cannot be undone (bring the file back, or give "
                               "it up by removing '%s" JOURNAL "')",
                               xpci_root_dir(root));
    if (ret == 0)
        ret = read_journal(&done, root, JOURNAL_DONE, err);
    if (ret == 0)
        ret = xpci_changes_finish(&done, root, err);
    if (ret == 0)
        sweep(root);
    for (size_t k = 0; ret == 0 && k < half.n; k++) {
        const struct xpci_change *c = &half.v[k];

        if (c->left)
            xpci_log(log, XPCI_LOG_WARN,
                     "an xpci that was killed left '%s%s' half done, and "
                     "someone has %s since: it stays as it is%s",
                     xpci_root_dir(root), c->path,
                     c->kind == XPCI_CHANGE_KEEP ? "made it anew" : "edited it",
                     c->kind == XPCI_CHANGE_KEEP
                         ? ", and 'xpci hide' or 'xpci initrd update' makes it "
                           "what it is to be"
                         : "");
        else if (c->undone)
            xpci_log(log, XPCI_LOG_WARN,
                     "undone what an xpci that was killed left half done: "
                     "'%s%s'",
                     xpci_root_dir(root), c->path);
    }
    return ret;
}

bool xpci_changes_pending(const struct xpci_root *root,
                          const struct xpci_log *log)
{
    bool pending = xpci_root_exists(root, JOURNAL);

    if (pending)
        xpci_log(log, XPCI_LOG_WARN,
                 "an xpci was killed in the middle of a change, which the "
                 "next one that changes anything undoes; repeat what it was "
                 "to do");
    return pending;
}
