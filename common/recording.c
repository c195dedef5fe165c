/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>

#include "interrupt.h"
#include "recording.h"

/* far above any real host; an archive must not fill the disk */
#define MAX_BYTES ((int64_t)256 * 1024 * 1024)
#define MEMBER_BYTES 4096 /* what each costs besides its contents */
#define MAX_LINKS 40

XPCI_CLEANUP_PTR(struct archive *, archive_read_free)
XPCI_CLEANUP_PTR(struct archive *, archive_write_free)
XPCI_CLEANUP_PTR(struct archive_entry *, archive_entry_free)

/* --- names --- */

/* The number of directories above a member; -1: it is not one below ours. */
static int depth_of(const char *name)
{
    int depth = -1;

    for (const char *p = name; *p; depth++) {
        size_t len = strcspn(p, "/");

        if (!strncmp(p, "..", len)) /* that, or ".", or nothing */
            return -1;
        p += len + (p[len] == '/');
    }
    return depth;
}

/*
 * A link may go up as far as it is deep, and then down. Together with no
 * member being under a link that keeps every way inside.
 */
static bool link_is_inside(const char *target, int depth)
{
    while (!strncmp(target, "../", 3) || !strcmp(target, "..")) {
        target += target[2] ? 3 : 2;
        depth--;
    }
    if (depth < 0 || *target == '/')
        return false;
    for (const char *p = target; (p = strstr(p, "..")); p += 2) {
        if ((p == target || p[-1] == '/') && (!p[2] || p[2] == '/'))
            return false;
    }
    return true;
}

/* --- making --- */

/* The first error is kept in ret; from then on nothing is done. */
struct making {
    const struct xpci_root *root;
    const struct xpci_log *log;
    const struct xpci_recording_part *part; /* that is looked for now */
    struct xpci_strv *names;
    struct archive *archive;
    void *seen; /* the names once more, for tsearch() */
    int unread;
    int ret;
};

static ssize_t to_buf(struct archive *a, void *data, const void *bytes,
                      size_t len)
{
    (void)a;
    return xpci_buf_append(data, bytes, len) < 0 ? -1 : (ssize_t)len;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* False: it is in the archive already. */
static bool is_new(struct making *m, const char *path)
{
    const char *name = path + strspn(path, "/");

    if (m->ret < 0 || !*name || tfind(name, &m->seen, compare))
        return false;
    if (xpci_strv_add(m->names, name) < 0 ||
        !tsearch(m->names->v[m->names->n - 1], &m->seen, compare))
        m->ret = -ENOMEM;
    return m->ret == 0;
}

static void put(struct making *m, const char *path, mode_t type,
                const char *data, size_t len)
{
    _cleanup_(archive_entry_free_ptr) struct archive_entry *entry =
        archive_entry_new();

    if (!entry)
        m->ret = -ENOMEM;
    if (!entry || !is_new(m, path))
        return;
    archive_entry_set_pathname(entry, path + 1);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0755); /* update-initramfs must be */
    archive_entry_set_mtime(entry, 0, 0);
    if (type == S_IFLNK)
        archive_entry_set_symlink(entry, data);
    else if (type == S_IFREG)
        archive_entry_set_size(entry, (int64_t)len);
    if (archive_write_header(m->archive, entry) != ARCHIVE_OK ||
        (type == S_IFREG && len &&
         archive_write_data(m->archive, data, len) != (ssize_t)len))
        m->ret = -EIO;
}

static void unread(struct making *m, const char *path, const char *why)
{
    m->unread++;
    xpci_log(m->log, XPCI_LOG_WARN, "'%s%s' is not recorded: %s",
             xpci_root_dir(m->root), path, why);
}

/* What is not there is left out. */
static void failed(struct making *m, const char *path, int code)
{
    if (code != -ENOENT && code != -ENOTDIR)
        unread(m, path,
               code == -EMEDIUMTYPE ? "it is no regular file"
                                    : strerror(-code));
}

/* A file, or a directory as such; nothing on the way there is a link. */
static void record_target(struct making *m, const char *path)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_close_ int fd = xpci_root_open_file(m->root, path);
    int ret = fd < 0 ? fd : xpci_buf_read_fd(&text, fd);

    if (ret == -EISDIR) {
        put(m, path, S_IFDIR, NULL, 0);
    } else if (ret < 0) {
        failed(m, path, ret);
    } else {
        if (m->part->blank && text.len)
            m->part->blank(&text);
        put(m, path, S_IFREG, text.data, text.len);
    }
}

/* Where the link @path leads. */
static int follow(const char *path, const char *target, char out[PATH_MAX])
{
    char all[PATH_MAX];
    size_t at = 0;
    int len = target[0] == '/' ? 0 : (int)(strrchr(path, '/') - path);

    if (snprintf(all, sizeof(all), "%.*s/%s", len, path, target) >= PATH_MAX)
        return -ENAMETOOLONG;
    for (char *word, *rest = all; (word = strsep(&rest, "/"));) {
        if (!strcmp(word, ".."))
            while (at && out[--at] != '/')
                continue;
        else if (*word && strcmp(word, ".") != 0)
            at += (size_t)sprintf(out + at, "/%s", word);
    }
    out[at] = '\0';
    return 0;
}

/* The link itself, or one to the same place that stays inside. */
static void put_link(struct making *m, const char *path, const char *target,
                     const char *to)
{
    char text[3 * PATH_MAX] = "";
    int depth = depth_of(path + 1), len = 0;

    if (link_is_inside(target, depth)) {
        put(m, path, S_IFLNK, target, 0);
        return;
    }
    while (depth-- > 0)
        len += sprintf(text + len, "../");
    strcpy(text + len, *to ? to + 1 : ".");
    put(m, path, S_IFLNK, text, 0);
}

/*
 * The links on the way to @path, and what is at its end. Those in /proc are
 * passed over: /proc/self is another directory for everyone.
 */
static void record(struct making *m, const char *path, int links)
{
    char at[PATH_MAX], to[PATH_MAX];

    for (size_t len = 0; strncmp(path, "/proc/", 6) && path[len];) {
        _cleanup_free_ char *target = NULL;
        size_t end = len + 1 + strcspn(path + len + 1, "/");
        int ret = -ENAMETOOLONG;

        if (snprintf(at, sizeof(at), "%.*s", (int)end, path) < PATH_MAX)
            ret = xpci_root_readlink(m->root, at, &target);
        len = end;
        if (ret == -EINVAL) /* no link */
            continue;
        if (ret == 0)
            ret = links < MAX_LINKS ? follow(at, target, to) : -ELOOP;
        if (ret == 0)
            put_link(m, at, target, to);
        if (ret == 0 &&
            snprintf(at, sizeof(at), "%s%s", to, path + end) >= PATH_MAX)
            ret = -ENAMETOOLONG;
        if (ret == 0)
            record(m, at, links + 1);
        else
            failed(m, path, ret);
        return;
    }
    record_target(m, path);
}

static void record_part(struct making *m)
{
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_strv_ struct xpci_strv paths = { 0 };
    int ret = xpci_root_glob(m->root, m->part->pattern, &paths, &why);

    if (ret == -ENOMEM)
        m->ret = ret;
    else if (ret < 0)
        unread(m, m->part->pattern, xpci_error_text(&why));
    for (size_t i = 0; m->ret == 0 && i < paths.n; i++)
        record(m, paths.v[i], 0);
}

static void forget(void *name)
{
    (void)name;
}

int xpci_recording_make(const struct xpci_root *root,
                        const struct xpci_recording_part *parts, size_t n,
                        struct xpci_strv *names, struct xpci_buf *out,
                        const struct xpci_log *log, struct xpci_error *err)
{
    _cleanup_(archive_write_free_ptr) struct archive *a = archive_write_new();
    struct making m = { root, log, NULL, names, a, NULL, 0, 0 };

    /* no time in its head: the same host, the same bytes */
    if (!a || archive_write_set_format_pax_restricted(a) ||
        archive_write_add_filter_gzip(a) ||
        archive_write_set_filter_option(a, "gzip", "timestamp", NULL) ||
        archive_write_open(a, out, NULL, to_buf, NULL))
        return xpci_error_oom(err);
    for (size_t i = 0; m.ret == 0 && i < n; i++) {
        m.part = &parts[i];
        record_part(&m);
    }
    if (m.ret == 0 && archive_write_close(a))
        m.ret = -EIO;
    tdestroy(m.seen, forget);
    if (m.ret < 0)
        return xpci_error_errno(err, -m.ret, "cannot make the recording");
    return m.unread;
}

/* --- unpacking --- */

/* What is wrong with a member; NULL: nothing. */
static const char *judge(struct archive_entry *entry, const char *name,
                         int64_t *bytes)
{
    const char *link = archive_entry_symlink(entry);
    mode_t type = archive_entry_filetype(entry);
    int depth = depth_of(name);

    if (depth < 0)
        return "its name leads out of the recording";
    if (archive_entry_hardlink(entry) ||
        (type != S_IFREG && type != S_IFDIR && type != S_IFLNK))
        return "it is no file, directory or symbolic link";
    if (type == S_IFLNK && (!link || !link_is_inside(link, depth)))
        return "it is a link out of the recording";
    *bytes += MEMBER_BYTES;
    if (archive_entry_size(entry) > MAX_BYTES - *bytes)
        return "the recording is larger than 256 MiB up to there";
    *bytes += archive_entry_size(entry);
    return NULL;
}

static int unpack_one(struct archive *a, struct archive *disk,
                      struct archive_entry *entry, const char *dir,
                      int64_t *bytes, struct xpci_error *err)
{
    const char *name = archive_entry_pathname(entry), *why;
    _cleanup_free_ char *path = NULL;

    xpci_try(xpci_interrupt_check(err));
    while (name && !strncmp(name, "./", 2)) /* tar -C DIR . */
        name += 2;
    if (name && !*name)
        return 0;
    why = judge(entry, name ? name : "", bytes);
    if (why)
        return xpci_error_set(err, EBADMSG, "'%s' in it: %s", name, why);
    xpci_try(xpci_asprintf(err, &path, "%s/%s", dir, name));
    archive_entry_set_pathname(entry, path);
    archive_entry_set_perm(entry, 0700);
    /* its warnings are what it refuses, a way through a link */
    if (archive_read_extract2(a, entry, disk) != ARCHIVE_OK)
        return xpci_error_set(err, EBADMSG, "%s", archive_error_string(a));
    return 0;
}

static int unpack(const char *file, const char *dir, struct xpci_error *err)
{
    _cleanup_(archive_read_free_ptr) struct archive *a = archive_read_new();
    _cleanup_(archive_write_free_ptr) struct archive *disk =
        archive_write_disk_new();
    struct archive_entry *entry;
    int64_t bytes = 0;
    int status;

    if (!a || !disk || archive_read_support_format_tar(a) ||
        archive_write_disk_set_options(disk,
                                       ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                           ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                           ARCHIVE_EXTRACT_NO_OVERWRITE))
        return xpci_error_oom(err);
    /* those that this process reads itself */
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    if (archive_read_open_filename(a, file, 65536) < ARCHIVE_OK)
        return xpci_error_set(err, EBADMSG, "%s", archive_error_string(a));
    while ((status = archive_read_next_header(a, &entry)) >= ARCHIVE_WARN &&
           status != ARCHIVE_EOF)
        xpci_try(unpack_one(a, disk, entry, dir, &bytes, err));
    if (status != ARCHIVE_EOF)
        return xpci_error_set(err, EBADMSG, "%s", archive_error_string(a));
    return 0;
}

int xpci_recording_unpack(const char *file, char **out, struct xpci_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char name[PATH_MAX];
    int ret;

    tmp = tmp && *tmp ? tmp : "/tmp";
    snprintf(name, sizeof(name), "%s/xpci-XXXXXX", tmp);
    if (!mkdtemp(name))
        return xpci_error_errno(err, errno, "cannot make a directory in '%s'",
                                tmp);
    *out = realpath(name, NULL); /* libarchive goes through no link */
    if (!*out) {
        rmdir(name);
        return xpci_error_oom(err);
    }
    ret = unpack(file, *out, err);
    return ret < 0
               ? xpci_error_wrap(err, "cannot read the recording '%s'", file)
               : 0;
}
