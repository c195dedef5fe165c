/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "modprobe-d.h"

#define PCIBACK "xen-pciback"
#define OWN "/etc/modprobe.d/xpci.conf"
#define BLANK " \t"

bool xpci_module_name_equal(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    }
    return *a == *b;
}

/* Cuts the next logical line off *text, joined; NULL at the end. */
static char *next_line(char **text)
{
    char *line = *text, *in = line, *out = line;

    if (!*line)
        return NULL;
    while (*in && *in != '\n') {
        if (in[0] == '\\' && in[1] == '\n')
            in += 2;
        else
            *out++ = *in++;
    }
    *text = *in ? in + 1 : in;
    *out = '\0';
    return line;
}

/* After "softdep DRIVER": true if pciback is among the "pre:" words. */
static bool pre_has_pciback(char *save)
{
    bool pre = false;
    char *word;

    while ((word = strtok_r(NULL, BLANK, &save))) {
        if (!strcmp(word, "pre:"))
            pre = true;
        else if (!strcmp(word, "post:"))
            pre = false;
        else if (pre && xpci_module_name_equal(word, PCIBACK))
            return true;
    }
    return false;
}

int xpci_modprobe_has_softdep(const char *text, const char *driver, bool *out)
{
    _cleanup_free_ char *copy = strdup(text);
    char *rest = copy, *line;

    *out = false;
    if (!copy)
        return -ENOMEM;
    while ((line = next_line(&rest)) && !*out) {
        char *save = NULL, *word = strtok_r(line, BLANK, &save);

        if (!word || strcmp(word, "softdep"))
            continue;
        word = strtok_r(NULL, BLANK, &save);
        if (word && xpci_module_name_equal(word, driver))
            *out = pre_has_pciback(save);
    }
    return 0;
}

/* A list; @any: other options too. */
static bool sets_hide(char *save, bool any)
{
    char *word;

    while ((word = strtok_r(NULL, BLANK, &save))) {
        /* the kernel takes an option in quotes, too */
        if (any || !strncmp(word + (*word == '"'), "hide=", 5))
            return true;
    }
    return false;
}

static int find_line(const char *text, bool any_options, char **out)
{
    _cleanup_free_ char *copy = strdup(text), *whole = NULL;
    char *rest = copy, *line;

    *out = NULL;
    if (!copy)
        return -ENOMEM;
    while ((line = next_line(&rest))) {
        char *save = NULL, *verb, *name;

        free(whole);
        whole = strdup(line);
        if (!whole)
            return -ENOMEM;
        verb = strtok_r(line, BLANK, &save);
        name = verb ? strtok_r(NULL, BLANK, &save) : NULL;
        /* of an install or alias line it is a pattern */
        if (!name || (fnmatch(name, PCIBACK, 0) != 0 &&
                      fnmatch(name, "xen_pciback", 0) != 0))
            continue;
        if (xpci_find_word("install blacklist alias", verb, strlen(verb)) ||
            (!strcmp(verb, "options") && sets_hide(save, any_options))) {
            *out = xpci_steal(whole);
            return 0;
        }
    }
    return 0;
}

int xpci_modprobe_conflict(const char *text, char **out)
{
    return find_line(text, false, out);
}

/* kmod reads *.alias as well, though its manual does not say so */
#define FILES "/modprobe.d/*.@(conf|alias)"
const char *const xpci_modprobe_files[] = {
    "/etc" FILES,     "/run" FILES, "/usr/local/lib" FILES,
    "/usr/lib" FILES, "/lib" FILES, NULL,
};

/* Where @seen has the name already, that file has replaced this one. */
static int look_at(const struct xpci_root *root, const char *path,
                   bool any_options, struct xpci_strv *seen,
                   struct xpci_modprobe *out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *line = NULL;
    struct xpci_modprobe_line *add;
    size_t before = seen->n;
    struct stat st;
    bool found;

    if (xpci_root_stat(root, path, &st) == 0 && !S_ISREG(st.st_mode))
        return 0;
    xpci_try(xpci_root_read_optional(root, path, &text, &found, err));
    if (found)
        xpci_need(xpci_strv_add_once(seen, strrchr(path, '/')) == 0, err);
    if (seen->n == before || !text.len || !strcmp(path, OWN))
        return 0;
    xpci_need(find_line(text.data, any_options, &line) == 0, err);
    if (!line)
        return 0;
    add = xpci_list_add(out);
    xpci_need(add && (add->path = strdup(path)), err);
    add->line = xpci_steal(line);
    return 0;
}

int xpci_modprobe_find(const struct xpci_root *root, bool any_options,
                       struct xpci_modprobe *out, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv paths = { 0 }, seen = { 0 };

    for (const char *const *p = xpci_modprobe_files; *p; p++)
        xpci_try(xpci_root_glob(root, *p, &paths, err));
    for (size_t i = 0; i < paths.n; i++)
        xpci_try(look_at(root, paths.v[i], any_options, &seen, out, err));
    return 0;
}

void xpci_modprobe_clear(struct xpci_modprobe *found)
{
    xpci_list_clear(found, each, free(each->path), free(each->line));
}
