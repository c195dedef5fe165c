/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of file changes that is shown, made and undone as one, also when the
 * process is killed or the power fails in the middle.
 *
 *     struct xpci_changes set = { 0 };
 *     xpci_changes_put(&set, root, "/etc/a", text, len, 0644, err);
 *     xpci_changes_delete(&set, root, "/etc/b", err);
 *     xpci_changes_keep(&set, root, "/boot/initrd.img", err);
 *     xpci_changes_diff(&set, root, &buf, err);      --dry-run
 *     xpci_changes_apply(&set, root, err);           all of them or none
 *     ... what must succeed too, such as a generator of initrd.img; then
 *     xpci_changes_finish(&set, root, err);          it is done; if not, or
 *                                                    where that fails,
 *     xpci_changes_undo(&set, root, err);            back to what was read
 *     xpci_changes_clear(&set);
 *
 * put and delete read the file as it is now; what would change nothing is
 * left out. keep is for a file that is about to be replaced as a whole: what is
 * written to xpci_changes_temp() takes its place by xpci_changes_move(), or a
 * program that cannot be told where to write gets it by xpci_changes_lend().
 *
 * apply refuses when a file is no longer what was read. It writes all new
 * files beside the old ones and only then swaps them, with fsync of files and
 * directories, or of the file system where there are many; the old ones stay
 * beside the new ones until the set is done. /var/lib/xpci/journal says what is
 * under way. finish drops it, which is the moment that counts: before it,
 * xpci_changes_recover() undoes the set; what somebody else has changed since
 * is left alone. Of what was lent that is told by the time: an xpci that waits
 * for a program touches the journal every second. Without the right or the
 * place to write a journal (no root, no /var/lib) the set is undone on errors,
 * but not after a kill.
 */
#pragma once

#include <stdint.h>

#include "atomic-file.h"
#include "log.h"

struct xpci_change {
    char *path, *real; /* as named, and behind the links */
    struct xpci_buf before, after;
    enum xpci_change_kind {
        XPCI_CHANGE_NEW = 'n',
        XPCI_CHANGE_PUT = 'p',
        XPCI_CHANGE_DELETE = 'd',
        XPCI_CHANGE_KEEP = 'k',
    } kind;
    /* of after and of before; of a kept file its size and time */
    uint64_t hash, was;
    mode_t mode;    /* for a file that is new */
    bool itself;    /* a backup, FILE~: with FILE's attributes, and a link in
                       its place is an error, and not followed */
    bool made;      /* the file may be as it is to be, no longer as it was */
    bool undone;    /* undo has put it back */
    bool adds_exec; /* it had lost its x bits */
    bool left;      /* undo found that somebody has edited it since */
    bool lent;      /* a program may have replaced it */
};

struct xpci_changes {
    struct xpci_change *v;
    size_t n;
    char id[XPCI_TEMP_ID_SIZE]; /* "" while nothing is under way */
    const char *journal; /* where it is under way or done; NULL: nowhere */
    time_t alive;        /* its xpci, for the last time; 0: it is this one */
};

int xpci_changes_put(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const void *data, size_t len,
                     mode_t mode, struct xpci_error *err) _must_check_;
int xpci_changes_delete(struct xpci_changes *set, const struct xpci_root *root,
                        const char *path, struct xpci_error *err) _must_check_;

/*
 * A file that is xpci's alone and is to be there with this text, or not to be
 * there. -EEXIST if what is there is somebody else's: a link, or neither this
 * text (NULL: unknown) nor one with XPCI_CHANGES_MARK.
 */
#define XPCI_CHANGES_MARK "ade by xpci"
int xpci_changes_own(struct xpci_changes *set, const struct xpci_root *root,
                     const char *path, const char *text, bool there,
                     mode_t mode, struct xpci_error *err) _must_check_;

/* Of a file that was read as @before; both buffers are taken over. */
int xpci_changes_edit(struct xpci_changes *set, const char *path,
                      struct xpci_buf *before, struct xpci_buf *after,
                      struct xpci_error *err) _must_check_;
int xpci_changes_keep(struct xpci_changes *set, const char *path,
                      struct xpci_error *err) _must_check_;

/* Appends the unified diff of all changes. */
int xpci_changes_diff(const struct xpci_changes *set,
                      const struct xpci_root *root, struct xpci_buf *out,
                      struct xpci_error *err) _must_check_;

int xpci_changes_apply(struct xpci_changes *set, const struct xpci_root *root,
                       struct xpci_error *err) _must_check_;
int xpci_changes_finish(struct xpci_changes *set, const struct xpci_root *root,
                        struct xpci_error *err) _must_check_;
int xpci_changes_undo(struct xpci_changes *set, const struct xpci_root *root,
                      struct xpci_error *err) _must_check_;

/*
 * The name of a file beside kept @path that goes with the set; malloc'ed, NULL
 * when out of memory.
 */
char *xpci_changes_temp(const struct xpci_changes *set, const char *path);

/*
 * Puts that in the place of kept @path, synced; -EBUSY if somebody else has
 * changed it since apply.
 */
int xpci_changes_move(struct xpci_changes *set, const struct xpci_root *root,
                      const char *path, struct xpci_error *err) _must_check_;

/* From now on a program may replace kept @path by itself. */
void xpci_changes_lend(struct xpci_changes *set, const char *path);

/* apply and finish; undone where that fails */
int xpci_changes_commit(struct xpci_changes *set, const struct xpci_root *root,
                        struct xpci_error *err) _must_check_;

/* Whether a killed xpci left something half done; says so. */
bool xpci_changes_pending(const struct xpci_root *root,
                          const struct xpci_log *log);

/*
 * Removes a note in /var/lib/xpci, and that with its last file; beside a
 * journal, which stays.
 */
int xpci_changes_forget(const struct xpci_root *root, const char *path,
                        struct xpci_error *err) _must_check_;

/* Undoes what a killed xpci left half done; xpci_lock() calls it. */
int xpci_changes_recover(const struct xpci_root *root,
                         const struct xpci_log *log,
                         struct xpci_error *err) _must_check_;

void xpci_changes_clear(struct xpci_changes *set);

#define _cleanup_changes_ _cleanup_(xpci_changes_clear)
