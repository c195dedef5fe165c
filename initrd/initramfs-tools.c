/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * initramfs-tools (Debian, Ubuntu and others).
 *
 * /etc/modprobe.d is copied into every image, so options and softdeps get
 * there by themselves; the hook puts the module in, also where no native
 * driver of a hidden device is in the image, and has it loaded. That load
 * comes after udev's coldplug: it is the softdep that wins the race, the
 * load that seizes devices no driver of the image wants.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "generator.h"
#include "run.h"

#define HOOK "/etc/initramfs-tools/hooks/xpci"
#define PREFIX "initrd.img-"

static const char hook_text[] =
    "#!/bin/sh\n"
    "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
    "if [ \"$1\" = prereqs ]; then\n"
    "    exit 0\n"
    "fi\n"
    ". /usr/share/initramfs-tools/hook-functions\n"
    "manual_add_modules xen-pciback\n"
    "force_load xen-pciback\n";

static bool present(const struct xpci_root *root)
{
    return xpci_run_exists(root, "update-initramfs");
}

/* What dpkg, update-initramfs and admins leave beside an image. */
static bool is_leftover(const char *name)
{
    static const char *const patterns[] = {
        "*.bak", "*.new", "*.old", "*.dpkg-bak", "*.dpkg-new", "*~",
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(patterns); i++) {
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    }
    return false;
}

static int images(const struct xpci_root *root, struct xpci_kernel_images *out,
                  struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    int ret = xpci_root_list(root, "/boot", &names, NULL, err);

    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        const char *name = names.v[i];
        char path[300];

        if (strncmp(name, PREFIX, strlen(PREFIX)) || is_leftover(name))
            continue;
        snprintf(path, sizeof(path), "/boot/%s", name);
        if (xpci_kernel_images_add(out, name + strlen(PREFIX), path) < 0)
            ret = xpci_error_oom(err);
    }
    return ret;
}

static int drop_in(const struct xpci_root *root, bool enable,
                   struct xpci_changes *set, struct xpci_error *err)
{
    if (!enable)
        return xpci_changes_delete(set, root, HOOK, err);
    return xpci_changes_put(set, root, HOOK, hook_text, strlen(hook_text), 0755,
                            err);
}

static int command(const struct xpci_kernel_image *image,
                   struct xpci_strv *argv)
{
    const char *const words[] = { "update-initramfs", "-u", "-k",
                                  image->kernel };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(words); i++) {
        if (xpci_strv_add(argv, words[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static const char *const leftovers[] = { ".new", ".dpkg-bak", NULL };

const struct xpci_generator xpci_initramfs_tools = {
    .name = "initramfs-tools",
    .present = present,
    .images = images,
    .drop_in = drop_in,
    .command = command,
    .load_list = "conf/modules",
    .leftovers = leftovers,
};
