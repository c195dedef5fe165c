/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "xen-efi.h"

static const char *const configs[] = { "/boot/efi/EFI/*/*.cfg",
                                       "/efi/EFI/*/*.cfg",
                                       "/boot/EFI/*/*.cfg" };

static int open_image(const struct xpci_root *root, const char *path,
                      FILE **out)
{
    int fd = xpci_root_open_file(root, path);

    if (fd < 0)
        return fd;
    *out = fdopen(fd, "re");
    if (*out)
        return 0;
    close(fd);
    return -ENOMEM;
}

/* The same bytes? 0, 1 or -errno. */
static int same(const struct xpci_root *root, const char *a, const char *b)
{
    _cleanup_fclose_ FILE *one = NULL, *two = NULL;
    struct stat first, second;
    int c, d;

    xpci_try(xpci_root_stat(root, a, &first));
    xpci_try(xpci_root_stat(root, b, &second));
    if (first.st_size != second.st_size)
        return 0;
    xpci_try(open_image(root, a, &one));
    xpci_try(open_image(root, b, &two));
    do {
        c = getc_unlocked(one);
        d = getc_unlocked(two);
    } while (c == d && c != EOF);
    return ferror(one) || ferror(two) ? -EIO : c == d;
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static int check_copy(const struct xpci_root *root,
                      const struct xpci_kernel_images *images,
                      const char *config, const char *copy, char **why,
                      struct xpci_error *err)
{
    const struct xpci_kernel_image *of;

    if (!xpci_root_exists(root, copy))
        return 0;
    for (size_t k = 0; k < images->n; k++) {
        int ret = same(root, copy, images->v[k].path);

        if (ret != 0)
            return ret < 0 ? xpci_root_check(root, ret, "read", copy, err) : 0;
    }
    of = xpci_list_find(images, image,
                        !strcmp(name_of(image->path), name_of(copy)));
    return xpci_asprintf(err, why,
                         "with '%s' Xen boots '%s', a file of its own that is "
                         "no copy of %s%s: copy it there",
                         config, copy, of ? of->path : "an image of this host",
                         of ? "" : ", as the one of its kernel must be");
}

/*
 * The value of "@item=" in section @in of the file, as Xen's get_value() finds
 * it: the first one, and if @in is NULL in any section.
 */
static char *get_value(char *text, const char *in, const char *item)
{
    size_t len = strlen(item);
    bool inside = !in;
    char *value = NULL;

    for (char *line = text; *line && !value; line += strspn(line, "\r\n")) {
        char *end = line + strcspn(line, "\r\n");

        line += strspn(line, " \t");
        if (in && *line == '[' && inside)
            break;
        if (in && *line == '[')
            inside = !strncmp(line + 1, in, strlen(in)) &&
                     line[1 + strlen(in)] == ']';
        else if (inside && !strncmp(line, item, len) && line[len] == '=')
            value = line + len + 1;
        line = end;
    }
    if (!value)
        return NULL;
    value += strspn(value, " \t");
    return strndup(value, strcspn(value, " \t\r\n#"));
}

/* The names are of the directory that @config is in. */
static int check_config(const struct xpci_root *root,
                        const struct xpci_kernel_images *images,
                        const char *config, char **why, struct xpci_error *err)
{
    _cleanup_free_ char *entry = NULL, *name = NULL, *copy = NULL;
    _cleanup_buf_ struct xpci_buf text = { 0 };
    struct stat st;

    if (xpci_root_stat(root, config, &st) == 0 && !S_ISREG(st.st_mode))
        return 0;
    xpci_try(xpci_root_read_optional(root, config, &text, NULL, err));
    entry = text.len ? get_value(text.data, "global", "default") : NULL;
    name = text.len ? get_value(text.data, entry, "ramdisk") : NULL;
    if (!name || !*name)
        return 0;
    xpci_try(xpci_asprintf(err, &copy, "%.*s%s",
                           (int)(name_of(config) - config), config, name));
    return check_copy(root, images, config, copy, why, err);
}

int xpci_xen_efi_check(const struct xpci_root *root,
                       const struct xpci_kernel_images *images, char **why,
                       struct xpci_error *err)
{
    *why = NULL;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(configs); i++) {
        _cleanup_strv_ struct xpci_strv found = { 0 };

        xpci_try(xpci_root_glob(root, configs[i], &found, err));
        for (size_t k = 0; k < found.n && !*why; k++) {
            _cleanup_error_ struct xpci_error no = { 0 };
            int ret = check_config(root, images, found.v[k], why, &no);

            xpci_need(ret != -ENOMEM, err);
            if (ret < 0)
                xpci_try(xpci_asprintf(err, why,
                                       "which image Xen boots with '%s' is "
                                       "not known: %s",
                                       found.v[k], xpci_error_text(&no)));
        }
    }
    return 0;
}
