/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

#include "generator.h"
#include "run.h"

static const struct xpci_generator *const generators[] = {
    &xpci_initramfs_tools, &xpci_dracut,   &xpci_mkinitcpio,
    &xpci_booster,         &xpci_mkinitfs, &xpci_mkinitrd,
};

/* --- images --- */

/* Of dpkg, generators and admins, and of other boots than the usual one. */
static bool is_leftover(const char *version)
{
    static const char *const patterns[] = {
        "*.bak",      "*.new",      "*.old", "*.old-dkms", "*.orig",
        "*.dpkg-bak", "*.dpkg-new", "*~",    "0-rescue*",  "*kdump*",
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(patterns); i++) {
        if (fnmatch(patterns[i], version, FNM_LEADING_DIR) == 0)
            return true;
    }
    return false;
}

/* Two characters at @at in @pattern become @text; NULL: out of memory. */
static char *put_in(const char *pattern, const char *at, const char *text)
{
    char *out;

    if (asprintf(&out, "%.*s%s%s", (int)(at - pattern), pattern, text, at + 2) <
        0)
        out = NULL;
    return out;
}

/*
 * The one name of that file is one of @images by another way: /efi may be
 * /boot/efi. Or that very name, by a pattern that asks for less.
 */
static bool is_known(const struct xpci_root *root,
                     const struct xpci_kernel_images *images,
                     const char *kernel, const char *path)
{
    struct stat st, known;

    if (xpci_list_find(images, image, !strcmp(image->path, path)))
        return true;
    return xpci_root_stat(root, path, &st) == 0 && st.st_nlink == 1 &&
           xpci_list_find(images, image,
                          !strcmp(image->kernel, kernel) &&
                              xpci_root_stat(root, image->path, &known) == 0 &&
                              known.st_dev == st.st_dev &&
                              known.st_ino == st.st_ino);
}

/* A shorter name for an image, as XenServer's "initrd-4.19-xen.img". */
static bool is_nickname(const struct xpci_root *root, const char *kernel,
                        const char *path)
{
    _cleanup_free_ char *to = NULL;
    char modules[300];

    return (size_t)snprintf(modules, sizeof(modules), "/lib/modules/%s",
                            kernel) < sizeof(modules) &&
           xpci_root_readlink(root, path, &to) == 0 &&
           !xpci_root_exists(root, modules);
}

/* The images that one of gen->images says; @version is its "%s". */
static int find_images(const struct xpci_root *root, const char *pattern,
                       const char *version, struct xpci_kernel_images *out,
                       struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv paths = { 0 };
    _cleanup_free_ char *all = put_in(pattern, version, "*");
    size_t head = (size_t)(version - pattern), tail = strlen(version) - 2;

    xpci_need(all, err);
    xpci_try(xpci_root_glob(root, all, &paths, err));
    for (size_t i = 0; i < paths.n; i++) {
        const char *path = paths.v[i], *kernel = path + head;
        _cleanup_free_ char *name = strndup(kernel, strlen(kernel) - tail);

        xpci_need(name, err);
        if (*name && !is_leftover(kernel) && !is_known(root, out, name, path) &&
            !is_nickname(root, name, path))
            xpci_need(xpci_kernel_images_add(out, name, path) == 0, err);
    }
    return 0;
}

/* Of each kernel the package it came in, or what its version ends with. */
static int find_by_package(const struct xpci_root *root, const char *pattern,
                           struct xpci_kernel_images *out,
                           struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };

    xpci_try(xpci_root_list(root, "/lib/modules", &names, NULL, err));
    for (size_t i = 0; i < names.n; i++) {
        const char *version = names.v[i], *dash = strrchr(version, '-');
        const struct xpci_kernel_image *other;
        _cleanup_free_ char *path = NULL, *file = NULL;
        _cleanup_buf_ struct xpci_buf package = { 0 };

        xpci_try(xpci_asprintf(err, &file, "/lib/modules/%s/pkgbase", version));
        xpci_try(xpci_root_read_optional(root, file, &package, NULL, err));
        if (package.len)
            package.data[strcspn(package.data, "\n")] = '\0';
        path = put_in(pattern, strstr(pattern, "%p"),
                      package.len ? package.data
                      : dash      ? dash + 1
                                  : version);
        xpci_need(path, err);
        if (!xpci_root_exists(root, path))
            continue;
        other = xpci_list_find(out, image,
                               !strcmp(image->path, path) &&
                                   strcmp(image->kernel, version));
        if (other)
            return xpci_error_set(err, EINVAL,
                                  "'%s' may be of kernel %s or %s: remove the "
                                  "one in /lib/modules that is not installed "
                                  "any more, or reboot into the new one first",
                                  path, other->kernel, version);
        xpci_need(xpci_kernel_images_add(out, version, path) == 0, err);
    }
    return 0;
}

static int find_all_images(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           struct xpci_kernel_images *out,
                           struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf id = { 0 };

    xpci_try(xpci_root_read_optional(root, "/etc/machine-id", &id, NULL, err));
    if (id.len)
        id.data[strcspn(id.data, "\n")] = '\0';
    for (const char *const *p = gen->images; *p; p++) {
        const char *machine = strstr(*p, "%m"), *version;
        _cleanup_free_ char *path =
            machine ? put_in(*p, machine, id.len ? id.data : "none")
                    : strdup(*p);

        xpci_need(path, err);
        version = strstr(path, "%s");
        xpci_try(version ? find_images(root, path, version, out, err)
                         : find_by_package(root, path, out, err));
    }
    return 0;
}

static bool present(const struct xpci_generator *gen,
                    const struct xpci_root *root)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char path[256];

    if (!xpci_run_exists(root, gen->program) ||
        (gen->mark && !xpci_root_exists(root, gen->mark)))
        return false;
    snprintf(path, sizeof(path), "/usr/sbin/%s", gen->program);
    return !gen->runs_other ||
           xpci_root_read_optional(root, path, &text, NULL, NULL) < 0 ||
           !text.len || !strstr(text.data, gen->runs_other);
}

int xpci_generator_detect(const struct xpci_root *root,
                          const struct xpci_generator **out,
                          struct xpci_kernel_images *images,
                          struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf names = { 0 };

    *out = NULL;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(generators); i++) {
        const struct xpci_generator *gen = generators[i];

        xpci_need(xpci_buf_printf(&names, "%s%s", i ? ", " : "", gen->name) ==
                      0,
                  err);
        if (!present(gen, root))
            continue;
        xpci_try(find_all_images(gen, root, images, err));
        if (!*out || images->n)
            *out = gen;
        if (images->n)
            return 0;
    }
    return *out ? 0
                : xpci_error_set(err, ENOENT,
                                 "no initramfs generator that xpci knows is "
                                 "installed%s%s; it knows %s",
                                 xpci_root_is_live(root) ? "" : " in ",
                                 xpci_root_dir(root), names.data);
}

int xpci_generator_idle(const struct xpci_generator *gen,
                        const struct xpci_root *root, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    char name[20];

    /* "PID (COMM) STATE ...": the kernel keeps 15 characters; Z is a zombie */
    snprintf(name, sizeof(name), " (%.15s) ", gen->program);
    xpci_try(xpci_root_list(root, "/proc", &names, NULL, err));
    for (size_t i = 0; i < names.n; i++) {
        _cleanup_buf_ struct xpci_buf stat = { 0 };
        const char *found;
        char path[300];

        if (strspn(names.v[i], "0123456789") != strlen(names.v[i]))
            continue;
        snprintf(path, sizeof(path), "/proc/%s/stat", names.v[i]);
        /* it may have ended meanwhile */
        if (xpci_root_read(root, path, &stat, NULL) < 0 || !stat.len)
            continue;
        found = strstr(stat.data, name);
        if (found && found[strlen(name)] != 'Z')
            return xpci_error_set(err, EBUSY,
                                  "%s is running (process %s), and its image "
                                  "would take the place of xpci's; try again "
                                  "when it is done",
                                  gen->program, names.v[i]);
    }
    return 0;
}

/* --- files --- */

/* One line in a file of the administrator's; without an end behind one. */
static int put_line(const struct xpci_generator_file *f,
                    const struct xpci_root *root, bool enable,
                    struct xpci_changes *set, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t len = strcspn(f->text, "\n");
    bool open;
    char *at;

    xpci_try(xpci_root_read_optional(root, f->path, &text, NULL, err));
    at = text.len ? memmem(text.data, text.len, f->text, len) : NULL;
    if (enable == (at != NULL))
        return 0;
    open = text.len && text.data[text.len - 1] != '\n';
    if (at) {
        bool before = open && at > text.data;
        char *end = at + len + (!before && at[len] == '\n');

        at -= before;
        memmove(at, end, strlen(end) + 1);
        text.len = strlen(text.data);
    } else if (xpci_buf_printf(&text, "%s%.*s%s", open ? "\n" : "", (int)len,
                               f->text, open ? "" : "\n") < 0) {
        return xpci_error_oom(err);
    }
    return xpci_changes_put(set, root, f->path, text.data, text.len, 0644, err);
}

static int put_files(const struct xpci_generator *gen,
                     const struct xpci_root *root, bool enable,
                     const char *script, struct xpci_changes *set,
                     struct xpci_error *err)
{
    if (gen->seize)
        xpci_try(xpci_changes_own(set, root, gen->seize->path, script, script,
                                  0755, err));
    for (const struct xpci_generator_file *f = gen->files; f->path; f++) {
        if (!f->mode)
            xpci_try(put_line(f, root, enable, set, err));
        else
            xpci_try(xpci_changes_own(set, root, f->path, f->text, enable,
                                      f->mode, err));
    }
    return 0;
}

int xpci_generator_files(const struct xpci_generator *gen,
                         const struct xpci_root *root, bool enable,
                         const char *script, struct xpci_changes *set,
                         struct xpci_error *err)
{
    xpci_try(put_files(gen, root, enable, script, set, err));
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(generators); i++) {
        if (generators[i] != gen && generators[i]->seize)
            xpci_try(put_files(generators[i], root, false, NULL, set, err));
    }
    return 0;
}

/* --- rebuilding --- */

bool xpci_generator_writes_to(const struct xpci_generator *gen)
{
    for (size_t i = 0; gen->command[i]; i++) {
        if (!strcmp(gen->command[i], "%i"))
            return true;
    }
    return false;
}

/* Undoing would give back what the link leads to, and not the link. */
static int check_link(const struct xpci_generator *gen,
                      const struct xpci_root *root, const char *path,
                      struct xpci_error *err)
{
    _cleanup_free_ char *to = NULL;

    if (xpci_generator_writes_to(gen) ||
        xpci_root_readlink(root, path, &to) < 0)
        return 0;
    return xpci_error_refuse(err,
                             "'%s' is a link to '%s', and %s would put a file "
                             "in its place; replace it by the file first",
                             path, to, gen->program);
}

static int check_lines(const struct xpci_generator_refusal *no,
                       const char *file, char *lines, struct xpci_error *err)
{
    char *save = NULL;

    for (char *line = strtok_r(lines, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " \t");
        if (*line != '#' && fnmatch(no->line, line, FNM_EXTMATCH) == 0)
            return xpci_error_refuse(err, "'%s' has '%s': %s", file, line,
                                     no->why);
    }
    return 0;
}

int xpci_generator_check(const struct xpci_generator *gen,
                         const struct xpci_root *root, const char *image,
                         bool hides, struct xpci_error *err)
{
    const struct xpci_generator_refusal *no = gen->refusals;

    for (; no && no->files; no++) {
        _cleanup_strv_ struct xpci_strv files = { 0 };

        if (no->later && !hides)
            continue;
        xpci_try(xpci_root_glob(root, no->files, &files, err));
        for (size_t i = 0; i < files.n; i++) {
            _cleanup_buf_ struct xpci_buf text = { 0 };

            xpci_try(
                xpci_root_read_optional(root, files.v[i], &text, NULL, err));
            if (text.len && strstr(text.data, image))
                xpci_try(check_lines(no, files.v[i], text.data, err));
        }
    }
    return 0;
}

int xpci_generator_command(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const char *to, struct xpci_strv *argv,
                           struct xpci_error *err)
{
    xpci_try(check_link(gen, root, image->path, err));
    for (const char *const *w = gen->command; *w; w++) {
        const char *word = !strcmp(*w, "%s")   ? image->kernel
                           : !strcmp(*w, "%i") ? to
                           : strcmp(*w, "%f")  ? *w
                           /* as the presets of packages have it */
                           : strstr(image->path, "-fallback.") ? "-Sautodetect"
                                                               : NULL;

        xpci_need(!word || xpci_strv_add(argv, word) == 0, err);
    }
    return 0;
}

/* The last line that says something, for the error message. */
static const char *last_words(struct xpci_buf *output)
{
    char *line;

    while (output->len > 0 && strchr("\n\r ", output->data[output->len - 1]))
        output->data[--output->len] = '\0';
    if (output->len == 0)
        return "it said nothing";
    line = strrchr(output->data, '\n');
    return line ? line + 1 : output->data;
}

/* The names of leftovers of @to that are not there now. */
static int absent_leftovers(const struct xpci_generator *gen,
                            const struct xpci_root *root, const char *to,
                            struct xpci_strv *out)
{
    for (const char *const *s = gen->leftovers; s && *s; s++) {
        _cleanup_free_ char *path = NULL;

        if (xpci_asprintf(NULL, &path, "%s%s", to, *s) < 0)
            return -ENOMEM;
        if (!xpci_root_exists(root, path) && xpci_strv_add(out, path) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The cause is seldom the last that is said: with some of what was before. */
static int failed(const char *program, const char *what, int status,
                  struct xpci_buf *output, const struct xpci_log *log,
                  struct xpci_error *err)
{
    const char *last = last_words(output);
    char *line = output->len ? (char *)(uintptr_t)last : NULL;
    int lines = 0;

    while (line && line > output->data && lines < 5) {
        line[-1] = '\0';
        line = strrchr(output->data, '\n');
        line = line ? line + 1 : output->data;
        lines++;
    }
    for (; lines > 0; lines--, line += strlen(line) + 1)
        xpci_log(log, XPCI_LOG_WARN, "%s: %s", program, line);
    return xpci_error_set(err, EIO, "%s: '%s' failed with status %d: %s", what,
                          program, status, last);
}

int xpci_generator_run(const struct xpci_root *root, const char *const *argv,
                       const char *what, const struct xpci_log *log,
                       struct xpci_error *err)
{
    const struct xpci_run run = {
        .argv = argv,
        .root = root,
        .log = log,
        .what = what,
    };
    _cleanup_buf_ struct xpci_buf output = { 0 };
    int status;

    xpci_log(log, XPCI_LOG_NOTE, "%s with %s", what, argv[0]);
    status = xpci_run(&run, &output, err);
    if (status < 0)
        return xpci_error_wrap(err, "%s", what);
    if (status > 0)
        return failed(argv[0], what, status, &output, log, err);
    if (output.len > 0)
        xpci_log(log, XPCI_LOG_DEBUG, "%s: %s", argv[0], last_words(&output));
    return 0;
}

static int run_command(const struct xpci_generator *gen,
                       const struct xpci_root *root,
                       const struct xpci_kernel_image *image, const char *to,
                       const struct xpci_log *log, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv argv = { 0 };
    _cleanup_free_ char *what = NULL;

    xpci_try(xpci_generator_command(gen, root, image, to, &argv, err));
    xpci_try(xpci_asprintf(err, &what, "rebuilding '%s'", image->path));
    return xpci_generator_run(root, (const char *const *)argv.v, what, log,
                              err);
}

int xpci_generator_rebuild(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const char *to, const struct xpci_log *log,
                           struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv absent = { 0 };
    int ret;

    xpci_need(absent_leftovers(gen, root, to, &absent) == 0, err);
    ret = run_command(gen, root, image, to, log, err);
    for (size_t i = 0; ret < 0 && i < absent.n; i++) {
        _cleanup_error_ struct xpci_error why = { 0 };

        if (xpci_file_remove(root, absent.v[i], &why) < 0)
            xpci_log(log, XPCI_LOG_WARN, "%s", xpci_error_text(&why));
    }
    return ret;
}

int xpci_kernel_images_add(struct xpci_kernel_images *images,
                           const char *kernel, const char *path)
{
    struct xpci_kernel_image *image = xpci_list_add(images);

    if (!image)
        return -ENOMEM;
    image->kernel = strdup(kernel);
    image->path = strdup(path);
    return image->kernel && image->path ? 0 : -ENOMEM;
}

void xpci_kernel_images_clear(struct xpci_kernel_images *images)
{
    xpci_list_clear(images, image, free(image->kernel), free(image->path));
}
