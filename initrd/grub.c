/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "atomic-file.h"
#include "generator.h"
#include "grub.h"
#include "run.h"

bool xpci_grub_present(const struct xpci_root *root)
{
    return xpci_run_exists(root, "grub-mkconfig") &&
           xpci_root_exists(root, "/etc/grub.d/20_linux_xen") &&
           xpci_root_exists(root, "/etc/default/grub.d") &&
           xpci_root_exists(root, XPCI_GRUB_CFG);
}

int xpci_grub_text(const char *word, char **out, struct xpci_error *err)
{
    return xpci_asprintf(
        err, out,
        "# Made by xpci from /etc/xpci.conf; what is changed here is lost.\n"
        "GRUB_CMDLINE_LINUX_XEN_REPLACE=\"${GRUB_CMDLINE_LINUX_XEN_REPLACE:-"
        "$GRUB_CMDLINE_LINUX} %s\"\n",
        word);
}

int xpci_grub_make(const struct xpci_root *root, const char *to,
                   const struct xpci_log *log, struct xpci_error *err)
{
    const char *const argv[] = { "grub-mkconfig", "-o", to, NULL };
    _cleanup_free_ char *left = NULL;
    int ret, swept;

    xpci_try(xpci_asprintf(err, &left, "%s.new", to));
    ret = xpci_generator_run(root, argv, "rebuilding '" XPCI_GRUB_CFG "'", log,
                             err);
    swept = xpci_root_exists(root, left)
                ? xpci_file_remove(root, left, ret < 0 ? NULL : err)
                : 0;
    return ret < 0 ? ret : swept;
}

/* All that may be in use; custom.cfg is read by 41_custom, made by hand. */
static int find_configs(const struct xpci_root *root, struct xpci_strv *paths,
                        struct xpci_error *err)
{
    static const char *const patterns[] = {
        "/boot/grub*/@(grub|custom).cfg",
        "/boot/efi/EFI/*/@(grub|custom).cfg",
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(patterns); i++)
        xpci_try(xpci_root_glob(root, patterns[i], paths, err));
    return 0;
}

/* Its parentheses are escaped in GRUB's language. */
static char *unescape(char *word)
{
    char *to = word;

    for (const char *from = word; *from; from++) {
        if (*from != '\\')
            *to++ = *from;
    }
    *to = '\0';
    return word;
}

int xpci_grub_find(const struct xpci_root *root, const char *pattern,
                   char **word, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv paths = { 0 };

    *word = NULL;
    xpci_try(find_configs(root, &paths, err));
    for (size_t i = 0; i < paths.n; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        char *rest, *w;

        xpci_try(xpci_root_read(root, paths.v[i], &text, err));
        rest = text.data;
        while (!*word && (w = strsep(&rest, " \t\n\"'"))) {
            if (fnmatch(pattern, unescape(w), FNM_EXTMATCH) == 0)
                xpci_try(xpci_asprintf(err, word, "%s", w));
        }
    }
    return paths.n > 0;
}

/* One line of a kernel: its lists, of which @word must be the only one. */
static int check_line(char *line, const char *word, char **why,
                      struct xpci_error *err)
{
    bool has = false;
    char *w;

    while (!*why && (w = strsep(&line, " \t"))) {
        if (fnmatch("xen[-_]pciback.hide=*", w, 0) != 0)
            continue;
        if (has || strcmp(w, word) != 0)
            return xpci_asprintf(err, why,
                                 "an entry of '" XPCI_GRUB_CFG
                                 "' has '%s', which replaces xpci's list; take "
                                 "it out of /etc/default/grub",
                                 w);
        has = true;
    }
    return has ? 0
               : xpci_asprintf(err, why,
                               "an entry of '" XPCI_GRUB_CFG "' has no '%s'",
                               word);
}

int xpci_grub_check(const struct xpci_root *root, const char *path,
                    const char *word, char **why, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    bool any = false;
    char *rest, *line;

    *why = NULL;
    xpci_try(xpci_root_read(root, path, &text, err));
    rest = text.data;
    while (!*why && (line = strsep(&rest, "\n"))) {
        /* as 20_linux_xen writes it, so that Xen does not take the first */
        if (!strstr(line, " placeholder root="))
            continue;
        any = true;
        xpci_try(check_line(line, word, why, err));
    }
    return any || *why
               ? 0
               : xpci_asprintf(err, why,
                               "no entry of '" XPCI_GRUB_CFG "' boots Xen");
}

int xpci_grub_check_modules(const struct xpci_root *root,
                            struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv paths = { 0 };

    xpci_try(find_configs(root, &paths, err));
    for (size_t i = 0; i < paths.n; i++) {
        _cleanup_buf_ struct xpci_buf text = { 0 };
        char *rest, *line;

        xpci_try(xpci_root_read(root, paths.v[i], &text, err));
        rest = text.data;
        while (rest && (line = strsep(&rest, "\n"))) {
            line += strspn(line, " \t");
            if (!strncmp(line, "module", 6) && strstr(line, "/initr") &&
                !strstr(line, "--nounzip"))
                return xpci_error_set(err, EOPNOTSUPP,
                                      "GRUB would unpack what it is compressed "
                                      "with, as '%s' in %s has no --nounzip",
                                      line, paths.v[i]);
        }
    }
    return 0;
}
