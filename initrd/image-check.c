/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "image-check.h"
#include "module-file.h"
#include "image.h"
#include "modprobe-d.h"

/* What the image holds of interest. */
struct found {
    const char *kernel;
    const struct xpci_generator *gen;
    const struct xpci_image_want *want;
    bool module;                    /* xen-pciback.ko of this kernel */
    struct xpci_buf ko;             /* what is in it */
    bool damaged;                   /* it is empty, or not the host's */
    bool runs;                      /* what runs the script's place */
    struct xpci_image_parts *parts; /* of the verdict */
    char *sealed;         /* a file system inside, which is not looked into */
    char *stray;          /* the script where another generator has it */
    struct found_text *v; /* what is to be read at the end: */
    size_t n;
};

/* Of files of one name the kernel keeps the last. */
struct found_text {
    char *path;
    struct xpci_buf text; /* NUL-terminated; where a link leads */
    bool link;
};

/* The pattern of modprobe.d's files that it matches; NULL: none. */
static const char *modprobe_pattern(const char *name)
{
    const char *const *p = xpci_modprobe_files;

    while (*p && fnmatch(*p + 1, name, FNM_PATHNAME | FNM_EXTMATCH) != 0)
        p++;
    return *p;
}

static const char *load_key(const struct found *found, const char *name)
{
    const struct xpci_generator_load *load = found->gen->loads;

    while (load && load->file && fnmatch(load->file, name, FNM_PATHNAME) != 0)
        load++;
    return load ? load->key : NULL;
}

/* A file of this kernel's modules; /lib may be merged into /usr. */
static bool is_of_kernel(const struct found *found, const char *name,
                         const char *pattern)
{
    char full[400];

    snprintf(full, sizeof(full), "*lib/modules/%s%s", found->kernel, pattern);
    return fnmatch(full, name, 0) == 0;
}

/* The script's name for xpci, by whatever way the image has it there. */
static const char *plain_name(const struct found *found, const char *name)
{
    const struct xpci_generator_seize *seize = found->gen->seize;
    bool below = !strncmp(name, "usr/", 4) || !strncmp(name, "var/", 4);

    return seize && below && !strcmp(name + 4, seize->inside) ? name + 4 : name;
}

/* The image is of before a change of generators, or of the one not seen. */
static bool is_stray(const struct found *found, const char *name)
{
    const struct xpci_generator_seize *seize = found->gen->seize;

    return fnmatch("*/00-xpci?(.sh)", name, FNM_EXTMATCH) == 0 &&
           (!seize || strcmp(plain_name(found, name), seize->inside) != 0);
}

/* .ko, .ko.xz, .ko.zst, .ko.gz */
static bool is_pciback(const struct found *found, const char *name)
{
    return is_of_kernel(found, name, "/*/xen-pciback.ko*") ||
           (found->gen->insmod && !strcmp(name, "lib/pciback.ko"));
}

/* One of modprobe.d's, or what a link there may lead to. */
static bool is_conf(const char *name)
{
    return fnmatch("*.@(conf|alias)", name, FNM_EXTMATCH) == 0;
}

static bool wants(void *data, const char *name)
{
    const struct found *found = data;
    const struct xpci_generator_seize *seize = found->gen->seize;

    return !strcmp(name, XPCI_IMAGE_MARK) || is_conf(name) ||
           is_pciback(found, name) || load_key(found, name) ||
           is_of_kernel(found, name, "/modules.builtin") ||
           (seize && (!strcmp(plain_name(found, name), seize->inside) ||
                      (seize->order && !strcmp(name, seize->order))));
}

static struct found_text *find_text(const struct found *found, const char *path)
{
    return xpci_list_find(found, text, !strcmp(text->path, path));
}

static int keep_text(struct found *found, const struct xpci_image_file *file)
{
    const char *name = plain_name(found, file->name);
    struct found_text *t = find_text(found, name);

    if (!t) {
        t = xpci_list_add(found);
        if (!t || !(t->path = strdup(name)))
            return -ENOMEM;
    }
    xpci_buf_clear(&t->text);
    t->link = S_ISLNK(file->mode);
    return xpci_buf_append(&t->text, file->data, file->len);
}

/* What a segment behind the image would go with. */
static int note_part(struct found *found, const struct xpci_image_file *file)
{
    const struct xpci_generator_seize *seize = found->gen->seize;
    struct xpci_image_parts *parts = found->parts;
    char **what = NULL, script[400];

    if (!seize)
        return 0;
    snprintf(script, sizeof(script), "%s%s", file->name,
             strrchr(seize->inside, '/'));
    if (fnmatch("*bin/kmod", file->name, 0) == 0)
        what = &parts->kmod;
    else if (!S_ISDIR(file->mode))
        return 0;
    else if (!strcmp(plain_name(found, script), seize->inside))
        what = &parts->place;
    else if (is_of_kernel(found, file->name, ""))
        what = &parts->modules;
    if (!what)
        return 0;
    free(*what);
    *what = strdup(file->name);
    return *what ? 0 : -ENOMEM;
}

static int note_mark(struct xpci_image_parts *parts,
                     const struct xpci_image_file *file, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };

    xpci_need(xpci_buf_append(&text, file->data, file->len) == 0, err);
    parts->mark = text.len ? strtoul(text.data, NULL, 10) : 0;
    return 0;
}

static bool is_runner(const struct found *found, const char *name)
{
    const struct xpci_generator_seize *seize = found->gen->seize;

    return seize && seize->runner &&
           (!strcmp(name, "init") || fnmatch(seize->runner, name, 0) == 0);
}

static int on_file(void *data, const struct xpci_image_file *file,
                   struct xpci_error *err)
{
    static const char sealed[] =
        "squashfs-root.img squash-root.img erofs-root.img";
    struct found *found = data;
    int ret = note_part(found, file);

    if (ret == 0 && !S_ISREG(file->mode) &&
        (!S_ISLNK(file->mode) || !is_conf(file->name)))
        return 0;
    found->runs |= S_ISREG(file->mode) && is_runner(found, file->name);
    if (ret == 0 && !strcmp(file->name, XPCI_IMAGE_MARK))
        return note_mark(found->parts, file, err);
    if (ret == 0 && is_pciback(found, file->name)) {
        found->module = true;
        xpci_buf_clear(&found->ko);
        ret = xpci_buf_append(&found->ko, file->data, file->len);
        return ret < 0 ? xpci_error_oom(err) : 0;
    }
    if (ret == 0 && !found->sealed &&
        xpci_find_word(sealed, file->name, strlen(file->name)))
        ret = xpci_asprintf(NULL, &found->sealed, "%s", file->name);
    if (ret == 0 && !found->stray && is_stray(found, file->name))
        ret = xpci_asprintf(NULL, &found->stray, "%s", file->name);
    if (ret == 0 && file->data)
        ret = keep_text(found, file);
    return ret < 0 ? xpci_error_oom(err) : 0;
}

/* --- judging --- */

/*
 * Some line of @text begins with @key, and a word behind it is @module; with
 * no key the first word of a line counts, the others are its options.
 */
static bool has_load(const char *text, const char *key, const char *module)
{
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        const char *p = text + strspn(text, " \t");
        bool is = !strncmp(p, key, strlen(key));

        for (p += strlen(key); is && p < end; is = *key) {
            size_t len = strcspn(p, " \t\n\"',");
            char name[64];

            snprintf(name, sizeof(name), "%.*s", (int)len, p);
            if (xpci_module_name_equal(name, module))
                return true;
            p += len + 1;
        }
        text = end + (*end == '\n');
    }
    return false;
}

/* What all the texts together say. */
struct summary {
    bool loaded;              /* something loads xen-pciback */
    bool builtin;             /* xen-pciback is part of the kernel */
    struct xpci_buf softdeps; /* all of modprobe.d, to look drivers up */
    char *conflict;           /* "FILE: line" */
};

/* The path in the image; generators link within its own directories. */
static int target_of(const struct found_text *t, char **out)
{
    const char *to = t->text.data, *slash = strrchr(t->path, '/');
    int dir = *to == '/' || !slash ? 0 : (int)(slash + 1 - t->path);
    char *up;

    xpci_try(
        xpci_asprintf(NULL, out, "%.*s%s", dir, t->path, to + (*to == '/')));
    while ((up = strstr(*out, "../"))) {
        char *from = up > *out ? up - 1 : up;

        while (from > *out && from[-1] != '/')
            from--;
        memmove(from, up + 3, strlen(up + 3) + 1);
    }
    return 0;
}

/* 1: to what modprobe reads there, NULL for nothing; 0: that is not known. */
static int follow(const struct found *found, const struct found_text **t)
{
    for (int links = 0; *t && (*t)->link; links++) {
        _cleanup_free_ char *to = NULL;

        xpci_try(target_of(*t, &to));
        if (links > 8 || (!is_conf(to) && strcmp(to, "dev/null") != 0))
            return 0;
        *t = find_text(found, to);
    }
    return 1;
}

static int sum_modprobe_file(const struct found *found,
                             const struct found_text *t, struct summary *sum)
{
    _cleanup_free_ char *line = NULL;
    const struct found_text *link = t;
    int known = follow(found, &t);

    xpci_try(known);
    if (!known && !sum->conflict)
        return xpci_asprintf(NULL, &sum->conflict, "%s: a link to '%s'",
                             link->path, link->text.data);
    if (!known || !t)
        return 0;
    if (xpci_buf_append(&sum->softdeps, t->text.data, t->text.len) < 0 ||
        xpci_buf_puts(&sum->softdeps, "\n") < 0)
        return -ENOMEM;
    if (!strcmp(t->path, found->want->options_path + 1))
        return 0;
    if (xpci_modprobe_conflict(t->text.data, &line) < 0)
        return -ENOMEM;
    if (!line || sum->conflict)
        return 0;
    return xpci_asprintf(NULL, &sum->conflict, "%s: '%s'", link->path, line);
}

/* Of files of one name modprobe reads the first alone. */
static int sum_modprobe(const struct found *found, struct summary *sum)
{
    _cleanup_strv_ struct xpci_strv seen = { 0 };

    for (const char *const *p = xpci_modprobe_files; *p; p++) {
        for (size_t i = 0; i < found->n; i++) {
            const struct found_text *t = &found->v[i];
            size_t before = seen.n;

            if (modprobe_pattern(t->path) != *p)
                continue;
            xpci_try(xpci_strv_add_once(&seen, strrchr(t->path, '/')));
            if (seen.n > before)
                xpci_try(sum_modprobe_file(found, t, sum));
        }
    }
    return 0;
}

static int sum_up(const struct found *found, struct summary *sum)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct found_text *t = &found->v[i];
        const char *key = load_key(found, t->path);

        if (key)
            sum->loaded |= has_load(t->text.data, key, "xen-pciback");
        else if (is_of_kernel(found, t->path, "/modules.builtin"))
            sum->builtin = strstr(t->text.data, "/xen-pciback.ko");
    }
    return sum_modprobe(found, sum);
}

static void summary_clear(struct summary *sum)
{
    xpci_buf_clear(&sum->softdeps);
    free(sum->conflict);
}

/* What is wrong with one of xpci's own files; @want NULL: it must not be. */
static int own_trouble(const struct found *found, const char *path,
                       const char *want, char **out)
{
    const struct found_text *t = find_text(found, path);
    const char *is = !t == !want ? NULL
                     : want      ? "is not in it"
                                 : "is still in it";

    if (t && want &&
        (t->text.len != strlen(want) ||
         memcmp(t->text.data, want, t->text.len)))
        is = "in it is not the present one";
    return is ? xpci_asprintf(NULL, out, "/%s %s", path, is) : 0;
}

/* The same where the options are words of "insmod" in init. */
static int insmod_trouble(const struct found *found, char **out)
{
    const struct found_text *init = find_text(found, "init");
    const struct xpci_image_want *want = found->want;
    const char *text = init ? init->text.data : "", *at, *options;
    _cleanup_free_ char *line = NULL;

    if (!want->options_text)
        return found->module
                   ? xpci_asprintf(NULL, out, "pciback is still in it")
                   : 0;
    options = strstr(want->options_text, "options pciback ") + 16;
    xpci_try(xpci_asprintf(NULL, &line, "insmod /lib/pciback.ko %.*s\n",
                           (int)strcspn(options, "\n"), options));
    at = strstr(text, line);
    if (!at)
        return xpci_asprintf(NULL, out, "init has not what is in %s",
                             want->options_path);
    for (size_t i = 0; !*out && i < want->drivers->n; i++) {
        _cleanup_free_ char *other = NULL;
        const char *driver = want->drivers->v[i], *first;

        xpci_try(xpci_asprintf(NULL, &other, "insmod /lib/%s.ko", driver));
        first = strstr(text, other);
        if (first && first < at)
            xpci_try(xpci_asprintf(
                NULL, out, "init loads driver '%s' before pciback", driver));
    }
    return 0;
}

static int own_troubles(const struct found *found, char **out)
{
    const struct xpci_generator_seize *seize = found->gen->seize;
    const struct xpci_image_want *want = found->want;

    xpci_try(found->gen->insmod ? insmod_trouble(found, out)
                                : own_trouble(found, want->options_path + 1,
                                              want->options_text, out));
    if (!*out && seize)
        xpci_try(own_trouble(found, seize->inside, want->script_text, out));
    return *out || !found->stray
               ? 0
               : xpci_asprintf(NULL, out, "/%s is still in it", found->stray);
}

/* The script runs before the other, or there is nothing it could be behind. */
static bool is_first(const struct found *found)
{
    const struct xpci_generator_seize *seize = found->gen->seize;
    const struct found_text *order;
    const char *own, *other;

    if (!seize->order)
        return true;
    order = find_text(found, seize->order);
    own = order ? strstr(order->text.data, seize->inside) : NULL;
    other = order ? strstr(order->text.data, seize->before) : NULL;
    return own && (!other || own < other);
}

/* The first driver that would be loaded without pciback before it. */
static int first_racing(const struct xpci_strv *drivers,
                        const struct summary *sum, const char **out)
{
    const char *text = sum->softdeps.data ? sum->softdeps.data : "";

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
static int find_trouble(const struct found *found, const struct summary *sum,
                        char **out)
{
    const struct xpci_image_want *want = found->want;
    const char *builtin = want->builtin->n ? want->builtin->v[0] : NULL;
    bool list = want->options_text, insmod = found->gen->insmod;
    const struct xpci_generator_seize *seize = found->gen->seize;
    const char *module = found->gen->module, *racing = NULL;
    _cleanup_free_ char *own = NULL;

    if ((!insmod && first_racing(want->drivers, sum, &racing) < 0) ||
        own_troubles(found, &own) < 0)
        return -ENOMEM;

    const struct {
        bool is;
        const char *text, *name, *rest;
    } troubles[] = {
        { list && sum->builtin && !want->on_cmdline,
          "xen-pciback is built into this kernel and does not read modprobe.d",
          "", "" },
        { !found->module && !sum->builtin, "the module ", module,
          " of this kernel is not in it" },
        { found->damaged, "the module ", module,
          " in it is empty, or not the one in /lib/modules" },
        { own, "", own, "" },
        { sum->conflict, "", sum->conflict, " is in the way" },
        /* one that is built in is before them: fs_initcall(pcistub_init) */
        { list && builtin && !sum->builtin, "driver '", builtin,
          "' is built into the kernel and will be first" },
        { list && racing, "nothing makes xen-pciback load before driver '",
          racing, "'" },
        { list && !sum->loaded && !insmod && found->gen->loads,
          "nothing in it loads xen-pciback", "", "" },
        { !list && !is_first(found), "xpci's script in it runs too late", "",
          "" },
        { seize && seize->runner && !found->runs,
          "nothing in it runs dracut's hooks, as its module dracut-systemd does",
          "", "" },
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(troubles); i++) {
        if (troubles[i].is)
            return xpci_asprintf(NULL, out, "%s%s%s", troubles[i].text,
                                 troubles[i].name, troubles[i].rest);
    }
    return 0;
}

static int judge(const struct found *found, struct xpci_image_verdict *out)
{
    _cleanup_(summary_clear) struct summary sum = { 0 };
    bool list = found->want->options_text,
         hidden = list || found->want->script_text;
    const struct xpci_generator_seize *seize = found->gen->seize;
    const struct found_text *order =
        seize && seize->order ? find_text(found, seize->order) : NULL;

    xpci_try(sum_up(found, &sum));
    if (order)
        xpci_try(
            xpci_asprintf(NULL, &out->parts.order, "%s", order->text.data));
    if (found->sealed) {
        out->verdict = XPCI_VERDICT_UNPROVABLE;
        return xpci_asprintf(NULL, &out->reason,
                             "its files are in '%s' inside, which xpci cannot "
                             "read; build it without dracut's squash modules",
                             found->sealed);
    }
    if (hidden && found->gen->limit) {
        out->verdict = XPCI_VERDICT_UNPROVABLE;
        return xpci_asprintf(NULL, &out->reason, "%s", found->gen->limit);
    }
    xpci_try(hidden ? find_trouble(found, &sum, &out->reason)
                    : own_troubles(found, &out->reason));
    if (out->reason)
        return 0;
    out->verdict = XPCI_VERDICT_PROVEN;
    return xpci_asprintf(NULL, &out->reason, "%s",
                         !hidden ? "nothing of xpci's is in it"
                         : list  ? "module, options and order are in it"
                                 : "module, script and order are in it");
}

/*
 * Empty, or as long as the host's, and other bytes. A generator may have
 * stripped or compressed it, so another length says nothing.
 */
static int look_at_module(const struct xpci_root *root, struct found *found)
{
    _cleanup_buf_ struct xpci_buf own = { 0 };
    int ret;

    found->damaged = found->module && !found->ko.len;
    if (!found->ko.len)
        return 0;
    ret = xpci_module_file_read(root, found->gen->module, found->kernel, &own,
                                NULL);
    found->damaged = ret == 0 && own.len == found->ko.len &&
                     memcmp(own.data, found->ko.data, own.len) != 0;
    return ret == -ENOMEM ? ret : 0;
}

static void found_clear(struct found *found)
{
    xpci_buf_clear(&found->ko);
    free(found->sealed);
    free(found->stray);
    xpci_list_clear(found, text, free(text->path), xpci_buf_clear(&text->text));
}

int xpci_image_check(const struct xpci_root *root, const char *path,
                     const char *kernel, const struct xpci_generator *gen,
                     const struct xpci_image_want *want,
                     struct xpci_image_verdict *out, struct xpci_error *err)
{
    _cleanup_(found_clear) struct found found = {
        .kernel = kernel,
        .gen = gen,
        .want = want,
        .parts = &out->parts,
    };
    _cleanup_error_ struct xpci_error why = { 0 };
    const struct xpci_image_reader reader = { wants, on_file, &found,
                                              &out->parts.end, 0 };
    int ret = xpci_image_read(root, path, &reader, &why);

    xpci_need(ret != -ENOMEM, err);
    out->verdict = ret < 0 ? XPCI_VERDICT_UNPROVABLE : XPCI_VERDICT_WRONG;
    if (ret < 0)
        return xpci_asprintf(err, &out->reason, "%s", xpci_error_text(&why));
    xpci_need(look_at_module(root, &found) == 0 && judge(&found, out) == 0,
              err);
    return 0;
}
