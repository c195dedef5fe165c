/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "append.h"
#include "grub.h"
#include "module-file.h"
#include "modprobe-d.h"
#include "run.h"

static int must_rebuild(struct xpci_error *err, const char *what,
                        const char *why)
{
    return xpci_error_set(err, EOPNOTSUPP, "%s%s", what, why);
}

static int on_tail(void *last, const struct xpci_image_file *file,
                   struct xpci_error *err)
{
    (void)err;
    *(bool *)last = !strcmp(file->name, XPCI_IMAGE_MARK);
    return 0;
}

/* From where the mark says to the end there is what xpci has put there. */
static int is_ours(const struct xpci_root *root, const char *path, size_t mark,
                   bool *ours, struct xpci_error *err)
{
    bool last = false;
    const struct xpci_image_reader reader = { NULL, on_tail, &last, NULL,
                                              mark };
    int ret = mark ? xpci_image_read(root, path, &reader, NULL) : -ENODATA;

    xpci_need(ret != -ENOMEM, err);
    *ours = ret == 0 && last;
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

static int put_mark(struct archive *a, size_t keep)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_try(xpci_buf_printf(&text, "%zu\n", keep));
    return put(a, "", XPCI_IMAGE_MARK, S_IFREG | 0644, &text) ? 0 : -ENOMEM;
}

static int put_all(struct archive *a, const struct xpci_generator_seize *seize,
                   const struct xpci_image_parts *parts, const char *script,
                   const struct xpci_buf *module, size_t keep)
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
        put_mark(a, keep) < 0)
        return -ENOMEM;
    return archive_write_close(a) == ARCHIVE_OK ? 0 : -ENOMEM;
}

static int make_archive(const struct xpci_generator_seize *seize,
                        const struct xpci_image_parts *parts,
                        const char *script, const struct xpci_buf *module,
                        size_t keep, struct xpci_buf *out)
{
    struct archive *a = archive_write_new();
    int ret =
        a && archive_write_set_format_cpio_newc(a) == ARCHIVE_OK &&
                archive_write_set_bytes_per_block(a, 0) == ARCHIVE_OK &&
                archive_write_open(a, out, NULL, to_buf, NULL) == ARCHIVE_OK
            ? put_all(a, seize, parts, script, module, keep)
            : -ENOMEM;

    archive_write_free(a);
    return ret;
}

/* --- behind the image --- */

/*
 * With what one more segment is made of the kind that the image ends with, so
 * that a decompressor takes both for one stream; and since which Linux plain
 * cpio may follow. The kernel goes on behind a segment where its decompressor
 * says that it ended: that of lz4 takes what follows for its own (until 5.14,
 * zeros too), that of lzma may be off by a byte (lib/decompress_*.c).
 */
static const struct packed {
    const char *name, *argv[4];
    unsigned int major, minor;
} all_packed[] = {
    { "gzip", { "gzip", "-9n" }, 0, 0 },
    { "xz", { "xz", "-q", "--check=crc32" }, 0, 0 },
    { "zstd", { "zstd", "-q" }, 0, 0 },
    { "lz4", { "lz4", "-lq" }, 5, 14 },
    { "bzip2", { "bzip2", "-q" }, UINT_MAX, 0 },
};

static bool plain_may_follow(const struct packed *how, const char *kernel)
{
    unsigned int major = 0, minor = 0;

    sscanf(kernel, "%u.%u", &major, &minor);
    return major > how->major || (major == how->major && minor >= how->minor);
}

/* *@done is false where the program cannot be had. */
static int compress(const struct xpci_root *root, const struct packed *how,
                    const struct xpci_buf *plain, struct xpci_buf *out,
                    bool *done, struct xpci_error *err)
{
    const struct xpci_run run = { how->argv, .root = root, .input = plain };
    int ret = xpci_run(&run, out, NULL);

    xpci_need(ret != -ENOMEM, err);
    *done = ret == 0;
    return 0;
}

/* Zeros end every segment, also lz4's, and aligned is what follows them. */
static int put_behind(const struct xpci_root *root,
                      const struct xpci_image_end *end, const char *kernel,
                      const struct xpci_buf *archive, struct xpci_append *add,
                      struct xpci_error *err)
{
    bool done = false;
    size_t i = 0;

    while (end->packed && i < XPCI_ARRAY_SIZE(all_packed) &&
           strcmp(all_packed[i].name, end->packed) != 0)
        i++;
    if (end->packed && i < XPCI_ARRAY_SIZE(all_packed) &&
        end->packed_end == end->size)
        xpci_try(
            compress(root, &all_packed[i], archive, &add->tail, &done, err));
    if (done)
        return 0;
    xpci_buf_clear(&add->tail);
    if (end->packed && (i == XPCI_ARRAY_SIZE(all_packed) ||
                        !plain_may_follow(&all_packed[i], kernel)))
        return must_rebuild(err, "nothing may follow what is compressed as ",
                            end->packed);
    xpci_need(xpci_buf_append(&add->tail, "\0\0\0\0\0\0\0",
                              4 + (-add->keep & 3)) == 0 &&
                  xpci_buf_append(&add->tail, archive->data, archive->len) == 0,
              err);
    return 0;
}

/* --- where it holds --- */

/* Such a script may keep a copy of the image, which must change with it. */
static int check_after(const struct xpci_root *root,
                       const struct xpci_generator *gen, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv after = { 0 };

    for (const char *const *p = gen->after; p && *p; p++)
        xpci_try(xpci_root_glob(root, *p, &after, err));
    return after.n ? must_rebuild(err, after.v[0],
                                  " is to run when an image was made")
                   : 0;
}

static int check(const struct xpci_root *root, const struct xpci_generator *gen,
                 const struct xpci_kernel_image *image,
                 const struct xpci_image_parts *parts, struct xpci_error *err)
{
    _cleanup_modprobe_ struct xpci_modprobe lines = { 0 };

    /* options too: the script's insmod would not give them to the module */
    xpci_try(xpci_modprobe_find(root, true, &lines, err));
    if (lines.n)
        return xpci_error_set(err, EOPNOTSUPP, "%s is in the way: '%s'",
                              lines.v[0].path, lines.v[0].line);
    if (gen->seize->needs && !xpci_root_exists(root, gen->seize->needs))
        return must_rebuild(err, gen->seize->needs,
                            " is not there, so later images would lack the "
                            "script");
    xpci_try(check_after(root, gen, err));
    if (parts->end.packed && strstr("gzip xz", parts->end.packed))
        xpci_try(xpci_grub_check_modules(root, err));
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
    _cleanup_buf_ struct xpci_buf module = { 0 }, archive = { 0 };
    bool ours = false;

    xpci_try(is_ours(root, image->path, parts->mark, &ours, err));
    out->keep = ours ? parts->mark : parts->end.size;
    if (!script)
        return ours ? check_after(root, gen, err)
               : parts->mark
                   ? must_rebuild(err, "something follows xpci's part", "")
                   : -ENODATA;
    xpci_try(check(root, gen, image, parts, err));
    xpci_try(
        xpci_module_file_read(root, gen->module, image->kernel, &module, err));
    xpci_need(make_archive(gen->seize, parts, script, &module, out->keep,
                           &archive) == 0,
              err);
    return put_behind(root, &parts->end, image->kernel, &archive, out, err);
}
