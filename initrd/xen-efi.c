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

/* The names are of the directory that @config is in. */
static int check_config(const struct xpci_root *root,
                        const struct xpci_kernel_images *images,
                        const char *config, char **why, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char *save = NULL, *line;

    xpci_try(xpci_root_read_optional(root, config, &text, NULL, err));
    line = text.len ? strtok_r(text.data, "\r\n", &save) : NULL;
    for (; line && !*why; line = strtok_r(NULL, "\r\n", &save)) {
        _cleanup_free_ char *copy = NULL;

        line += strspn(line, " \t");
        if (strncmp(line, "ramdisk=", 8) != 0)
            continue;
        line += 8;
        line[strcspn(line, " \t")] = '\0';
        xpci_try(xpci_asprintf(err, &copy, "%.*s%s",
                               (int)(name_of(config) - config), config, line));
        xpci_try(check_copy(root, images, config, copy, why, err));
    }
    return 0;
}

int xpci_xen_efi_check(const struct xpci_root *root,
                       const struct xpci_kernel_images *images, char **why,
                       struct xpci_error *err)
{
    *why = NULL;
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(configs); i++) {
        _cleanup_strv_ struct xpci_strv found = { 0 };

        xpci_try(xpci_root_glob(root, configs[i], &found, err));
        for (size_t k = 0; k < found.n && !*why; k++)
            xpci_try(check_config(root, images, found.v[k], why, err));
    }
    return 0;
}
