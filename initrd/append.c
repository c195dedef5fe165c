/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "append.h"
#include "module-file.h"
#include "modprobe-d.h"

/*
 * The last file of the segment says how much is before it and how long it is;
 * they must add up. Fixed in length, and so is cpio's trailer behind it.
 */
#define MARK ".xpci-appended"
#define MARK_TEXT "%019zu %019zu\n"
#define MARK_LEN 40
#define MARK_AT 128 /* of the text: behind cpio's header and the name */
#define FOOT (MARK_AT + MARK_LEN + 124)

static int must_rebuild(struct xpci_error *err, const char *what,
                        const char *why)
{
    return xpci_error_set(err, EOPNOTSUPP, "%s%s", what, why);
}

/* How much of the image was there before a segment of ours; or all of it. */
static int find_end(const struct xpci_root *root, const char *path, size_t *all,
                    size_t *keep, struct xpci_error *err)
{
    _cleanup_close_ int fd = xpci_root_open_file(root, path);
    char foot[FOOT + 1] = "", text[2 * MARK_LEN];
    size_t before = 0, len = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 ||
        (st.st_size > FOOT && pread(fd, foot, FOOT, st.st_size - FOOT) != FOOT))
        return xpci_root_check(root, fd < 0 ? fd : -errno, "read", path, err);
    *all = *keep = (size_t)st.st_size;
    if (memcmp(foot + MARK_AT - 18, MARK, sizeof(MARK)) ||
        sscanf(foot + MARK_AT, "%19zu %19zu", &before, &len) != 2 || !before ||
        before + len != *all)
        return 0;
    snprintf(text, sizeof(text), MARK_TEXT, before, len);
    if (!memcmp(foot + MARK_AT, text, MARK_LEN))
        *keep = before;
    return 0;
}

/* --- the segment --- */

static la_ssize_t to_buf(struct archive *a, void *data, const void *block,
                         size_t len)
{
    (void)a;
    return xpci_buf_append(data, block, len) < 0 ? -1 : (la_ssize_t)len;
}

static bool put(struct archive *a, const char *dir, const char *name,
                mode_t mode, const struct xpci_buf *data)
{
    struct archive_entry *entry = archive_entry_new();
    _cleanup_free_ char *path = NULL;
    bool ok = entry && xpci_asprintf(NULL, &path, "%s%s", dir, name) == 0;

    if (ok) {
        archive_entry_set_pathname(entry, path);
        archive_entry_set_mode(entry, mode);
        archive_entry_set_nlink(entry, 1);
        archive_entry_set_size(entry, (la_int64_t)data->len);
        if (S_ISLNK(mode))
            archive_entry_set_symlink(entry, data->data);
        ok = archive_write_header(a, entry) == ARCHIVE_OK &&
             (S_ISLNK(mode) || !data->len ||
              archive_write_data(a, data->data, data->len) ==
                  (la_ssize_t)data->len) &&
             archive_write_finish_entry(a) == ARCHIVE_OK;
    }
    archive_entry_free(entry);
    return ok;
}

/* Ours first; the rest as the image has it. */
static int put_order(struct archive *a,
                     const struct xpci_generator_seize *seize,
                     const char *order)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    bool first = !strncmp(order, seize->line, strlen(seize->line));

    xpci_try(xpci_buf_puts(&text, first ? "" : seize->line));
    xpci_try(xpci_buf_puts(&text, order));
    return put(a, "", seize->order, S_IFREG | 0644, &text) ? 0 : -ENOMEM;
}

static int put_mark(struct archive *a, struct xpci_append *add)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_try(
        xpci_buf_printf(&text, MARK_TEXT, add->keep, add->tail.len + FOOT));
    return put(a, "", MARK, S_IFREG | 0644, &text) ? 0 : -ENOMEM;
}

static int put_all(struct archive *a, const struct xpci_generator_seize *seize,
                   const struct xpci_image_parts *parts, const char *script,
                   const struct xpci_buf *module, struct xpci_append *add)
{
    _cleanup_buf_ struct xpci_buf text = { 0 }, kmod = { 0 };
    const struct xpci_buf none = { 0 };

    xpci_try(xpci_buf_puts(&text, script));
    /* kmod is insmod where it is called so */
    xpci_try(xpci_buf_printf(&kmod, "/%s", parts->kmod));
    if (!put(a, parts->modules, "/xpci", S_IFDIR | 0755, &none) ||
        !put(a, parts->modules, "/xpci/xen-pciback.ko", S_IFREG | 0644,
             module) ||
        !put(a, parts->modules, "/xpci/insmod", S_IFLNK | 0777, &kmod) ||
        !put(a, parts->place, strrchr(seize->inside, '/'), S_IFREG | 0755,
             &text) ||
        (seize->order && put_order(a, seize, parts->order) < 0) ||
        put_mark(a, add) < 0)
        return -ENOMEM;
    return archive_write_close(a) == ARCHIVE_OK ? 0 : -ENOMEM;
}

/* Zeros end every segment, also lz4's, and aligned is what follows them. */
static int write_segment(const struct xpci_generator_seize *seize,
                         const struct xpci_image_parts *parts,
                         const char *script, const struct xpci_buf *module,
                         struct xpci_append *add)
{
    struct archive *a = archive_write_new();
    int ret =
        xpci_buf_append(&add->tail, "\0\0\0\0\0\0\0", 4 + (-add->keep & 3));

    if (ret == 0)
        ret = a && archive_write_set_format_cpio_newc(a) == ARCHIVE_OK &&
                      archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
                      archive_write_open(a, &add->tail, NULL, to_buf, NULL) ==
                          ARCHIVE_OK
                  ? put_all(a, seize, parts, script, module, add)
                  : -ENOMEM;
    archive_write_free(a);
    return ret;
}

/* --- where it holds --- */

/*
 * The kernel goes on behind a segment where its decompressor says that it
 * ended: that of lz4 takes what follows for its own (until Linux 5.14, zeros
 * too), those of bzip2 and lzma may be off by a byte (lib/decompress_*.c).
 */
static bool can_follow(const char *packed, const char *kernel)
{
    static const struct {
        const char *packed;
        unsigned int major, minor;
    } since[] = {
        { "gzip", 0, 0 }, { "xz", 0, 0 }, { "zstd", 0, 0 }, { "lz4", 5, 14 }
    };
    unsigned int major = 0, minor = 0;

    sscanf(kernel, "%u.%u", &major, &minor);
    for (size_t i = 0; packed && i < XPCI_ARRAY_SIZE(since); i++) {
        if (!strcmp(packed, since[i].packed))
            return major > since[i].major ||
                   (major == since[i].major && minor >= since[i].minor);
    }
    return !packed;
}

/* A file that will spoil every image that is made from now on. */
static int check_modprobe_d(const struct xpci_root *root,
                            struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv paths = { 0 };

    xpci_try(xpci_root_glob(root, "/etc/modprobe.d/*.conf", &paths, err));
    xpci_try(xpci_root_glob(root, "/lib/modprobe.d/*.conf", &paths, err));
    for (size_t i = 0; i < paths.n; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        _cleanup_free_ char *line = NULL;
        const char *path = paths.v[i];

        if (!strcmp(path, "/etc/modprobe.d/xpci.conf"))
            continue;
        xpci_try(xpci_root_read(root, path, &text, err));
        xpci_need(!text.len || xpci_modprobe_conflict(text.data, &line) == 0,
                  err);
        if (line)
            return must_rebuild(err, path, " is in the way");
    }
    return 0;
}

static int check(const struct xpci_root *root, const struct xpci_generator *gen,
                 const struct xpci_kernel_image *image,
                 const struct xpci_image_parts *parts, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv after = { 0 };

    xpci_try(check_modprobe_d(root, err));
    if (gen->after)
        xpci_try(xpci_root_list(root, gen->after, &after, NULL, err));
    if (after.n)
        return must_rebuild(err, gen->after,
                            " has what is to run when an image was made");
    if (!can_follow(parts->packed, image->kernel))
        return must_rebuild(err, "nothing may follow what is compressed as ",
                            parts->packed);
    if (!parts->modules)
        return must_rebuild(err, "it has no modules of kernel ", image->kernel);
    if (!parts->place || (gen->seize->order && !parts->order))
        return must_rebuild(err, "it has no place for the script", "");
    return parts->kmod ? 0 : must_rebuild(err, "it has no kmod", "");
}

int xpci_append_make(const struct xpci_root *root,
                     const struct xpci_generator *gen,
                     const struct xpci_kernel_image *image,
                     const struct xpci_image_parts *parts, const char *script,
                     struct xpci_append *out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf module = { 0 };
    size_t all;

    xpci_try(find_end(root, image->path, &all, &out->keep, err));
    if (!script)
        return out->keep < all ? 0 : -ENODATA;
    xpci_try(check(root, gen, image, parts, err));
    xpci_try(
        xpci_module_file_read(root, gen->module, image->kernel, &module, err));
    xpci_need(write_segment(gen->seize, parts, script, &module, out) == 0, err);
    return 0;
}
