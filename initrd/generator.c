/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "generator.h"
#include "run.h"

static const struct xpci_generator *const generators[] = {
    &xpci_initramfs_tools,
};

int xpci_generator_detect(const struct xpci_root *root,
                          const struct xpci_generator **out,
                          struct xpci_error *err)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(generators); i++) {
        if (generators[i]->present(root)) {
            *out = generators[i];
            return 0;
        }
    }
    return xpci_error_set(err, ENOENT,
                          "no initramfs generator that xpci knows is "
                          "installed%s%s; it knows initramfs-tools",
                          xpci_root_is_live(root) ? "" : " in ",
                          xpci_root_dir(root));
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

/* The names of leftovers of @image that are not there now. */
static int absent_leftovers(const struct xpci_generator *gen,
                            const struct xpci_root *root,
                            const struct xpci_kernel_image *image,
                            struct xpci_strv *out)
{
    for (const char *const *suffix = gen->leftovers; *suffix; suffix++) {
        _cleanup_free_ char *path = NULL;

        if (xpci_asprintf(NULL, &path, "%s%s", image->path, *suffix) < 0)
            return -ENOMEM;
        if (!xpci_root_exists(root, path) && xpci_strv_add(out, path) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int run_command(const struct xpci_generator *gen,
                       const struct xpci_root *root,
                       const struct xpci_kernel_image *image,
                       const struct xpci_log *log, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf output = { 0 };
    _cleanup_strv_ struct xpci_strv argv = { 0 };
    _cleanup_free_ char *what = NULL;
    int status;

    if (gen->command(image, &argv) < 0 ||
        xpci_asprintf(err, &what, "rebuilding '%s'", image->path) < 0)
        return xpci_error_oom(err);
    struct xpci_run run = {
        .argv = (const char *const *)argv.v,
        .root = root,
        .log = log,
        .what = what,
    };
    xpci_log(log, XPCI_LOG_NOTE, "%s with %s", what, argv.v[0]);
    status = xpci_run(&run, &output, err);
    if (status < 0)
        return xpci_error_wrap(err, "%s", what);
    if (status > 0)
        return xpci_error_set(err, EIO, "%s: '%s' failed with status %d: %s",
                              what, argv.v[0], status, last_words(&output));
    if (output.len > 0)
        xpci_log(log, XPCI_LOG_DEBUG, "%s: %s", argv.v[0], last_words(&output));
    return 0;
}

int xpci_generator_rebuild(const struct xpci_generator *gen,
                           const struct xpci_root *root,
                           const struct xpci_kernel_image *image,
                           const struct xpci_log *log, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv absent = { 0 };
    int ret;

    if (absent_leftovers(gen, root, image, &absent) < 0)
        return xpci_error_oom(err);
    ret = run_command(gen, root, image, log, err);
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
    for (size_t i = 0; i < images->n; i++) {
        free(images->v[i].kernel);
        free(images->v[i].path);
    }
    free(images->v);
    *images = (struct xpci_kernel_images){ 0 };
}
