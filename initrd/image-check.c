/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "image-check.h"
#include "image.h"
#include "modprobe-d.h"

/* What the image holds of interest. */
struct found {
    const struct xpci_kernel_image *image;
    const struct xpci_image_want *want;
    const char *load_list;
    bool module;              /* xen-pciback.ko of this kernel */
    bool options;             /* the options file is there ... */
    bool options_equal;       /* ... with exactly the right bytes */
    bool loaded;              /* xen-pciback is in the load list */
    struct xpci_buf softdeps; /* all of modprobe.d, to look drivers up */
    char *conflict;           /* "FILE: line" */
};

static bool is_pciback(const struct found *found, const char *name)
{
    char pattern[400];

    /* .ko, .ko.xz, .ko.zst, .ko.gz; /lib may be merged into /usr */
    snprintf(pattern, sizeof(pattern), "*lib/modules/%s/*/xen-pciback.ko*",
             found->image->kernel);
    return fnmatch(pattern, name, 0) == 0;
}

/* @text, NUL-terminated, names @module first on one of its lines. */
static bool has_line(const char *text, const char *module)
{
    while (*text) {
        size_t blank = strspn(text, " \t");
        size_t len = strcspn(text + blank, " \t\n");
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)len, text + blank);
        if (xpci_module_name_equal(name, module))
            return true;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return false;
}

static int on_modprobe_file(struct found *found, const char *path,
                            const char *text, size_t len)
{
    _cleanup_free_ char *line = NULL;

    if (xpci_buf_append(&found->softdeps, text, len) < 0 ||
        xpci_buf_puts(&found->softdeps, "\n") < 0)
        return -ENOMEM;
    if (!strcmp(path, found->want->options_path + 1)) {
        found->options = true;
        found->options_equal = found->want->options_text &&
                               len == strlen(found->want->options_text) &&
                               !memcmp(text, found->want->options_text, len);
        return 0;
    }
    if (xpci_modprobe_conflict(text, &line) < 0)
        return -ENOMEM;
    if (!line || found->conflict)
        return 0;
    return xpci_asprintf(NULL, &found->conflict, "%s: '%s'", path, line);
}

static bool is_modprobe_file(const char *name)
{
    return fnmatch("etc/modprobe.d/*.conf", name, FNM_PATHNAME) == 0 ||
           fnmatch("lib/modprobe.d/*.conf", name, FNM_PATHNAME) == 0 ||
           fnmatch("usr/lib/modprobe.d/*.conf", name, FNM_PATHNAME) == 0 ||
           fnmatch("run/modprobe.d/*.conf", name, FNM_PATHNAME) == 0;
}

static int on_file(void *data, const struct xpci_image_file *file,
                   struct xpci_error *err)
{
    struct found *found = data;
    _cleanup_free_ char *text = NULL;
    int ret = 0;

    if (!S_ISREG(file->mode))
        return 0;
    if (is_pciback(found, file->name))
        found->module = true;
    if (!is_modprobe_file(file->name) && strcmp(file->name, found->load_list))
        return 0;
    text = strndup(file->data, file->len);
    if (!text)
        return xpci_error_oom(err);
    if (is_modprobe_file(file->name))
        ret = on_modprobe_file(found, file->name, text, strlen(text));
    else
        found->loaded = has_line(text, "xen-pciback");
    return ret < 0 ? xpci_error_oom(err) : 0;
}

/* The first driver that would be loaded without pciback before it. */
static int first_racing(const struct found *found, const char **out)
{
    const struct xpci_strv *drivers = found->want->drivers;
    const char *text = found->softdeps.data ? found->softdeps.data : "";

    *out = NULL;
    for (size_t i = 0; i < drivers->n && !*out; i++) {
        bool has;

        if (xpci_modprobe_has_softdep(text, drivers->v[i], &has) < 0)
            return -ENOMEM;
        if (!has)
            *out = drivers->v[i];
    }
    return 0;
}

/* What is wrong with an image that is to hide devices; NULL: nothing. */
static int find_trouble(const struct found *found, char **out,
                        struct xpci_error *err)
{
    const struct xpci_image_want *want = found->want;
    const char *builtin = want->builtin->n ? want->builtin->v[0] : NULL;
    const char *racing;

    if (first_racing(found, &racing) < 0)
        return xpci_error_oom(err);

    const struct {
        bool is;
        const char *text, *name, *rest;
    } troubles[] = {
        { !found->module, "the module xen-pciback of this kernel is not in it",
          "", "" },
        { !found->options, "", want->options_path, " is not in it" },
        { !found->options_equal, "", want->options_path,
          " in it is not the present one" },
        { found->conflict, "", found->conflict, " is in the way" },
        { builtin, "driver '", builtin,
          "' is built into the kernel and will be first" },
        { racing, "nothing makes xen-pciback load before driver '", racing,
          "'" },
        { !found->loaded, "nothing in it loads xen-pciback", "", "" },
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(troubles); i++) {
        if (troubles[i].is)
            return xpci_asprintf(err, out, "%s%s%s", troubles[i].text,
                                 troubles[i].name, troubles[i].rest);
    }
    return 0;
}

static int judge(const struct found *found, struct xpci_image_verdict *out,
                 struct xpci_error *err)
{
    bool hidden = found->want->options_text;
    int ret = 0;

    if (hidden)
        ret = find_trouble(found, &out->reason, err);
    else if (found->options)
        ret = xpci_asprintf(err, &out->reason, "%s is still in it",
                            found->want->options_path);
    if (ret < 0 || out->reason)
        return ret;
    out->verdict = XPCI_VERDICT_PROVEN;
    return xpci_asprintf(err, &out->reason, "%s",
                         hidden ? "module, options and order are in it"
                                : "nothing of xpci's is in it");
}

static void found_clear(struct found *found)
{
    xpci_buf_clear(&found->softdeps);
    free(found->conflict);
}

int xpci_image_check(const struct xpci_root *root,
                     const struct xpci_kernel_image *image,
                     const struct xpci_generator *gen,
                     const struct xpci_image_want *want,
                     struct xpci_image_verdict *out, struct xpci_error *err)
{
    _cleanup_(found_clear) struct found found = {
        .image = image,
        .want = want,
        .load_list = gen->load_list,
    };
    _cleanup_error_ struct xpci_error why = { 0 };
    int ret = xpci_image_read(root, image->path, on_file, &found, &why);

    if (ret == -ENOMEM)
        return xpci_error_oom(err);
    out->verdict = ret < 0 ? XPCI_VERDICT_UNPROVABLE : XPCI_VERDICT_WRONG;
    if (ret < 0)
        return xpci_asprintf(err, &out->reason, "%s", xpci_error_text(&why));
    return judge(&found, out, err);
}

void xpci_image_verdict_clear(struct xpci_image_verdict *verdict)
{
    free(verdict->reason);
    *verdict = (struct xpci_image_verdict){ 0 };
}

const char *xpci_verdict_name(enum xpci_verdict verdict)
{
    static const char *const names[] = { "proven", "wrong", "unprovable" };

    return names[verdict];
}
