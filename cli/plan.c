/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "grub.h"
#include "host.h"
#include "interrupt.h"
#include "live.h"
#include "plan.h"
#include "readers.h"
#include "seize.h"

/* The drivers of kernel @k for every hidden device that is there. */
static int find_drivers(const struct xpci_call *call, struct xpci_plan *plan,
                        size_t k, struct xpci_error *err)
{
    struct xpci_plan_kernel *out = &plan->kernel[k];
    _cleanup_buf_ struct xpci_buf lines = { 0 };

    xpci_try(xpci_root_read_optional(call->root, XPCI_DRIVERS_PATH, &lines,
                                     NULL, err));
    for (size_t i = 0; i < call->conf.n; i++) {
        const struct xpci_device *dev =
            xpci_inventory_find(&call->inv, &call->conf.v[i].bdf);
        _cleanup_free_ char *had = NULL;

        if (!call->conf.v[i].here)
            continue;
        xpci_try(xpci_drivers_find(lines.data, &call->inv, dev, &had, err));
        xpci_try(plan->readers->native_drivers(
            call->root, plan->images.v[k].kernel, dev->modalias,
            xpci_host_on_pciback(dev) ? had : dev->driver, &out->modules,
            &out->builtin, err));
    }
    xpci_strv_sort(&out->modules);
    return 0;
}

/*
 * A device that is gone cannot be asked for its drivers: what the file has
 * stays, for it may be back at the next boot.
 */
static int keep_softdeps(const struct xpci_call *call,
                         struct xpci_strv *modules, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char *rest, *line;

    if (!xpci_list_find(&call->conf, h, !h->here))
        return 0;
    xpci_try(xpci_root_read_optional(call->root, XPCI_MODPROBE_PATH, &text,
                                     NULL, err));
    rest = text.data;
    while ((line = strsep(&rest, "\n"))) {
        if (strncmp(line, "softdep ", 8) != 0)
            continue;
        line[strcspn(line + 8, " ") + 8] = '\0';
        xpci_need(xpci_strv_add_once(modules, line + 8) == 0, err);
    }
    return 0;
}

/* By identity where images can have the script, or as the file says. */
static int choose_method(const struct xpci_hide_conf *conf,
                         struct xpci_plan *plan, struct xpci_error *err)
{
    plan->by_list = conf->method == XPCI_HIDE_LIST || !plan->gen->seize;
    if (plan->by_list && conf->method == XPCI_HIDE_IDENTITY)
        return xpci_error_set(err, EINVAL,
                              XPCI_HIDE_CONF_PATH
                              ": method 'identity' cannot be had with %s",
                              plan->gen->name);
    return 0;
}

static int want_script(const struct xpci_hide_conf *conf,
                       struct xpci_plan *plan, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv devices = { 0 };

    xpci_try(xpci_hide_conf_identities(conf, &devices, err));
    return xpci_seize_script(&devices, &plan->script, err);
}

/* @file of the kernel's modules names pciback; *names stays without one. */
static int names_pciback(const struct xpci_call *call, const char *kernel,
                         const char *file, bool *names, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *path = NULL;
    bool found;

    xpci_try(xpci_asprintf(err, &path, "/lib/modules/%s/%s", kernel, file));
    xpci_try(xpci_root_read_optional(call->root, path, &text, &found, err));
    if (found)
        *names = text.len && strstr(text.data, "/xen-pciback.ko");
    return 0;
}

/* A list for a pciback that is built in, which reads no modprobe.d. */
static int want_word(const struct xpci_call *call, struct xpci_plan *plan,
                     struct xpci_error *err)
{
    _cleanup_free_ char *list = NULL;
    bool builtin = false;

    for (size_t k = 0; k < plan->images.n && !builtin; k++)
        xpci_try(names_pciback(call, plan->images.v[k].kernel,
                               "modules.builtin", &builtin, err));
    if (!builtin)
        return 0;
    xpci_try(xpci_hide_conf_list(&call->conf, &list, err));
    return xpci_asprintf(err, &plan->word, "xen-pciback.hide=%s", list);
}

/* The drop-in for GRUB, and whether what it boots has the word already. */
static int want_entry(const struct xpci_call *call, struct xpci_plan *plan,
                      struct xpci_error *err)
{
    _cleanup_free_ char *text = NULL, *now = NULL;

    if (plan->word && !xpci_grub_present(call->root)) {
        xpci_try(xpci_plan_cmdline(call, plan->word, &now, err));
        return now ? 0
                   : xpci_asprintf(err, &plan->entry,
                                   "xen-pciback is built into a kernel: put "
                                   "'%s' behind its arguments in the boot "
                                   "loader's configuration",
                                   plan->word);
    }
    if (plan->word) {
        xpci_try(xpci_grub_text(plan->word, &text, err));
        xpci_try(xpci_grub_check(call->root, XPCI_GRUB_CFG, plan->word,
                                 &plan->entry, err));
    }
    return xpci_changes_own(&plan->changes, call->root, XPCI_GRUB_PATH, text,
                            text, 0644, err);
}

static int want_files(const struct xpci_call *call, struct xpci_plan *plan,
                      struct xpci_error *err)
{
    const struct xpci_hide_conf *conf = &call->conf;
    struct xpci_changes *set = &plan->changes;
    _cleanup_strv_ struct xpci_strv modules = { 0 };
    _cleanup_free_ char *text = NULL;

    for (size_t k = 0; !plan->gen->insmod && k < plan->images.n; k++) {
        const struct xpci_strv *some = &plan->kernel[k].modules;

        for (size_t i = 0; i < some->n; i++)
            xpci_need(xpci_strv_add_once(&modules, some->v[i]) == 0, err);
    }
    if (!plan->gen->insmod)
        xpci_try(keep_softdeps(call, &modules, err));
    xpci_strv_sort(&modules);
    xpci_try(xpci_hide_conf_text(conf, call->root, &text, err));
    xpci_try(choose_method(conf, plan, err));
    if (conf->n && plan->by_list)
        xpci_try(xpci_hide_conf_modprobe(conf, plan->gen->module, &modules,
                                         &plan->options, err));
    else if (conf->n)
        xpci_try(want_script(conf, plan, err));
    if (plan->options)
        xpci_try(want_word(call, plan, err));
    xpci_try(want_entry(call, plan, err));
    xpci_try(
        text ? xpci_changes_put(set, call->root, XPCI_HIDE_CONF_PATH, text,
                                strlen(text), 0644, err)
             : xpci_changes_delete(set, call->root, XPCI_HIDE_CONF_PATH, err));
    xpci_try(xpci_changes_own(set, call->root, XPCI_MODPROBE_PATH,
                              plan->options, plan->options, 0644, err));
    return xpci_generator_files(plan->gen, call->root, conf->n > 0,
                                plan->script, set, err);
}

/* Reads the image of kernel @k, at @path, and says what it will do. */
static int judge(const struct xpci_call *call, struct xpci_plan *plan, size_t k,
                 const char *path, struct xpci_error *err)
{
    struct xpci_plan_kernel *kernel = &plan->kernel[k];
    const struct xpci_image_want want = {
        .options_path = XPCI_MODPROBE_PATH,
        .options_text = plan->options,
        .on_cmdline = plan->word,
        .script_text = plan->script,
        .drivers = &kernel->modules,
        .builtin = &kernel->builtin,
    };

    xpci_image_verdict_clear(&kernel->image);
    return plan->readers->image_check(call->root, path,
                                      plan->images.v[k].kernel, plan->gen,
                                      &want, &kernel->image, err);
}

int xpci_plan_find(const struct xpci_call *call, struct xpci_plan *plan,
                   struct xpci_error *err)
{
    xpci_try(xpci_generator_detect(call->root, &plan->gen, &plan->images, err));
    if (plan->images.n == 0)
        return xpci_error_set(err, ENOENT,
                              "there is no initramfs image under '%s/boot'",
                              xpci_root_dir(call->root));
    return 0;
}

int xpci_plan_make(const struct xpci_call *call, struct xpci_plan *plan,
                   struct xpci_error *err)
{
    if (!plan->images.n)
        xpci_try(xpci_plan_find(call, plan, err));
    xpci_try(xpci_readers_load(&plan->readers, err));
    plan->kernel = calloc(plan->images.n, sizeof(*plan->kernel));
    xpci_need(plan->kernel, err);
    for (size_t k = 0; k < plan->images.n; k++)
        xpci_try(find_drivers(call, plan, k, err));
    xpci_try(want_files(call, plan, err));
    for (size_t k = 0; k < plan->images.n; k++)
        xpci_try(judge(call, plan, k, plan->images.v[k].path, err));
    return 0;
}

int xpci_plan_cmdline(const struct xpci_call *call, const char *pattern,
                      char **out, struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf cmdline = { 0 };
    char *rest, *word;

    *out = NULL;
    xpci_try(xpci_root_read_optional(call->root, "/proc/cmdline", &cmdline,
                                     NULL, err));
    rest = cmdline.data;
    while ((word = strsep(&rest, " \n"))) {
        if (fnmatch(pattern, word, FNM_EXTMATCH) == 0)
            return xpci_asprintf(err, out, "%s", word);
    }
    return 0;
}

int xpci_plan_next_cmdline(const struct xpci_call *call, const char *pattern,
                           char **out, struct xpci_error *err)
{
    _cleanup_free_ char *now = NULL, *by_grub = NULL, *next = NULL;
    int ret = 0;

    *out = NULL;
    xpci_try(xpci_plan_cmdline(call, pattern, &now, err));
    xpci_try(xpci_plan_cmdline(call, "placeholder", &by_grub, err));
    if (now && by_grub)
        xpci_try(ret = xpci_grub_find(call->root, pattern, &next, err));
    *out = ret ? xpci_steal(next) : xpci_steal(now);
    return 0;
}

bool xpci_plan_proven(const struct xpci_plan *plan, size_t k)
{
    return plan->kernel[k].image.verdict == XPCI_VERDICT_PROVEN;
}

bool xpci_plan_needed(const struct xpci_plan *plan)
{
    bool needed = plan->changes.n > 0 || plan->entry;

    for (size_t k = 0; k < plan->images.n; k++)
        needed = needed || !xpci_plan_proven(plan, k);
    return needed;
}

static bool is_to_do(const struct xpci_plan *plan, size_t k)
{
    return plan->kernel[k].again || !xpci_plan_proven(plan, k);
}

/* 0: image @k can get another end; 1: it has to be rebuilt. */
static int find_end(const struct xpci_call *call, const struct xpci_plan *plan,
                    size_t k, struct xpci_append *add, struct xpci_error *err)
{
    const struct xpci_plan_kernel *kernel = &plan->kernel[k];
    const struct xpci_kernel_image *image = &plan->images.v[k];
    _cleanup_error_ struct xpci_error why = { 0 };
    int ret;

    if (call->opt[OPT_REBUILD] || plan->by_list ||
        kernel->image.verdict != XPCI_VERDICT_WRONG)
        return 1;
    ret = plan->readers->append_make(call->root, plan->gen, image,
                                     &kernel->image.parts, plan->script, add,
                                     &why);
    xpci_need(ret != -ENOMEM, err);
    if (ret < 0 && ret != -ENODATA)
        xpci_log(&call->log, XPCI_LOG_NOTE, "cannot %s '%s': %s",
                 plan->script ? "append to" : "cut xpci's part off",
                 image->path, xpci_error_text(&why));
    return ret < 0 ? 1 : 0;
}

/* grub.cfg is not what the drop-in makes of it. */
static bool is_grub_to_do(const struct xpci_call *call,
                          const struct xpci_plan *plan)
{
    bool is = plan->entry;

    for (size_t i = 0; i < plan->changes.n; i++)
        is = is || !strcmp(plan->changes.v[i].path, XPCI_GRUB_PATH);
    return is && xpci_grub_present(call->root);
}

static int show(const struct xpci_call *call, struct xpci_plan *plan,
                struct xpci_error *err)
{
    xpci_try(xpci_host_change(call, &plan->changes, err));
    for (size_t k = 0; k < plan->images.n; k++) {
        const struct xpci_kernel_image *image = &plan->images.v[k];
        _cleanup_append_ struct xpci_append add = { 0 };
        _cleanup_strv_ struct xpci_strv argv = { 0 };
        int ret;

        if (!is_to_do(plan, k))
            continue;
        xpci_try(ret = find_end(call, plan, k, &add, err));
        if (ret == 0) {
            xpci_say(stdout, add.tail.len ? "append: " : "cut: ", image->path,
                     "\n");
            continue;
        }
        xpci_try(xpci_generator_command(plan->gen, call->root, image,
                                        image->path, &argv, err));
        for (size_t i = 0; i < argv.n; i++)
            xpci_say(stdout, i ? " " : "run: ", argv.v[i], "");
        putchar('\n');
    }
    if (is_grub_to_do(call, plan))
        puts("run: grub-mkconfig -o " XPCI_GRUB_CFG);
    return xpci_live_make(call, &plan->moves, err);
}

/* Gives image @k another end; 1: it has to be rebuilt. */
static int change_end(const struct xpci_call *call, struct xpci_plan *plan,
                      size_t k, struct xpci_error *err)
{
    const char *path = plan->images.v[k].path;
    _cleanup_append_ struct xpci_append add = { 0 };
    _cleanup_free_ char *to = xpci_changes_temp(&plan->changes, path);
    int ret;

    xpci_try(to ? xpci_interrupt_check(err) : xpci_error_oom(err));
    ret = find_end(call, plan, k, &add, err);
    if (ret)
        return ret;
    xpci_log(&call->log, XPCI_LOG_NOTE, "%s '%s'",
             add.tail.len ? "appending to" : "cutting off xpci's part of",
             path);
    xpci_try(xpci_file_extend(call->root, path, add.keep, &add.tail, to, err));
    xpci_try(judge(call, plan, k, to, err));
    if (xpci_plan_proven(plan, k))
        return xpci_changes_move(&plan->changes, call->root, path, err);
    xpci_log(&call->log, XPCI_LOG_NOTE, "so it would be %s: %s",
             xpci_verdict_name(plan->kernel[k].image.verdict),
             plan->kernel[k].image.reason);
    xpci_try(xpci_file_remove(call->root, to, err));
    return 1;
}

/* Rebuilds image @k and proves it; the old one is kept until then. */
static int rebuild(const struct xpci_call *call, struct xpci_plan *plan,
                   size_t k, struct xpci_error *err)
{
    const struct xpci_image_verdict *verdict = &plan->kernel[k].image;
    const struct xpci_kernel_image *image = &plan->images.v[k];
    /* where it is proven before it is in place, if the generator can */
    bool beside = xpci_generator_writes_to(plan->gen);
    _cleanup_free_ char *to =
        beside ? xpci_changes_temp(&plan->changes, image->path)
               : strdup(image->path);

    xpci_try(to ? xpci_interrupt_check(err) : xpci_error_oom(err));
    if (!beside)
        xpci_changes_lend(&plan->changes, image->path);
    xpci_try(xpci_generator_rebuild(plan->gen, call->root, image, to,
                                    &call->log, err));
    xpci_try(judge(call, plan, k, to, err));
    if (!xpci_plan_proven(plan, k))
        return xpci_error_set(err, EIO, "the rebuilt '%s' is %s: %s",
                              image->path, xpci_verdict_name(verdict->verdict),
                              verdict->reason);
    return beside
               ? xpci_changes_move(&plan->changes, call->root, image->path, err)
               : 0;
}

static int rebuild_all(const struct xpci_call *call, struct xpci_plan *plan,
                       struct xpci_error *err)
{
    for (size_t k = 0; k < plan->images.n; k++) {
        int ret = is_to_do(plan, k) ? change_end(call, plan, k, err) : 0;

        xpci_try(ret > 0 ? rebuild(call, plan, k, err) : ret);
        xpci_log(&call->log, XPCI_LOG_NOTE, "%s: proven: %s",
                 plan->images.v[k].path, plan->kernel[k].image.reason);
    }
    return 0;
}

/* As with images: beside the old one, until it is proven. */
static int rebuild_grub(const struct xpci_call *call, struct xpci_plan *plan,
                        struct xpci_error *err)
{
    _cleanup_free_ char *to = xpci_changes_temp(&plan->changes, XPCI_GRUB_CFG);
    _cleanup_free_ char *why = NULL;
    const struct xpci_buf none = { 0 };

    xpci_need(to, err);
    /* empty, with the attributes of the old one: it is written into */
    xpci_try(xpci_file_extend(call->root, XPCI_GRUB_CFG, 0, &none, to, err));
    xpci_try(xpci_grub_make(call->root, to, &call->log, err));
    if (plan->word)
        xpci_try(xpci_grub_check(call->root, to, plan->word, &why, err));
    return why ? xpci_error_set(err, EIO, "after grub-mkconfig %s", why)
               : xpci_changes_move(&plan->changes, call->root, XPCI_GRUB_CFG,
                                   err);
}

static int apply(const struct xpci_call *call, struct xpci_plan *plan,
                 struct xpci_error *err)
{
    _cleanup_error_ struct xpci_error undo = { 0 };
    _cleanup_interrupt_ struct xpci_interrupt held;
    struct xpci_changes *set = &plan->changes;
    bool grub = is_grub_to_do(call, plan);
    int ret;

    xpci_interrupt_hold(&held);
    for (size_t k = 0; k < plan->images.n; k++) {
        if (is_to_do(plan, k))
            xpci_try(xpci_changes_keep(set, plan->images.v[k].path, err));
    }
    if (grub)
        xpci_try(xpci_changes_keep(set, XPCI_GRUB_CFG, err));
    xpci_try(xpci_changes_apply(set, call->root, err));
    ret = rebuild_all(call, plan, err);
    if (ret == 0 && grub)
        ret = rebuild_grub(call, plan, err);
    if (ret == 0)
        ret = xpci_live_make(call, &plan->moves, err);
    if (ret == 0) {
        ret = xpci_changes_finish(set, call->root, err);
        if (ret < 0 &&
            xpci_moves_undo(&plan->moves, call->root, &call->log, NULL) < 0)
            ret = -ENOTRECOVERABLE;
    }
    if (ret < 0 && xpci_changes_undo(set, call->root, &undo) < 0)
        return xpci_error_wrap(err, "and undoing failed: %s; after",
                               xpci_error_text(&undo));
    if (ret < 0)
        xpci_log(&call->log, XPCI_LOG_NOTE,
                 "files and images are as they were before");
    return xpci_live_done(call, ret);
}

/* Said before images are made: no image makes such a kernel hide a device. */
static int check_kernels(const struct xpci_call *call,
                         const struct xpci_plan *plan, struct xpci_error *err)
{
    for (size_t k = 0; call->conf.n && k < plan->images.n; k++) {
        const char *kernel = plan->images.v[k].kernel;
        bool has = true;

        /* which a recording does not have */
        if (!xpci_plan_proven(plan, k))
            xpci_try(names_pciback(call, kernel, "modules.dep", &has, err));
        if (!has)
            xpci_try(names_pciback(call, kernel, "modules.builtin", &has, err));
        if (!has)
            return xpci_error_set(err, ENOENT,
                                  "kernel '%s' has no xen-pciback and would "
                                  "hide nothing; remove it, or install that "
                                  "module",
                                  kernel);
    }
    return 0;
}

int xpci_plan_apply(struct xpci_call *call, struct xpci_plan *plan,
                    struct xpci_error *err)
{
    bool needed = xpci_plan_needed(plan);

    xpci_try(xpci_plan_guard(call, plan, NULL, err));
    xpci_try(check_kernels(call, plan, err));
    if (plan->options && plan->gen->limit)
        return xpci_error_refuse(err, "%s", plan->gen->limit);
    if (plan->entry && !xpci_grub_present(call->root))
        return xpci_error_refuse(err, "%s", plan->entry);
    for (size_t k = 0; k < plan->images.n; k++) {
        needed = needed || is_to_do(plan, k);
        if (is_to_do(plan, k))
            xpci_try(xpci_generator_check(plan->gen, call->root,
                                          plan->images.v[k].path,
                                          call->conf.n > 0, err));
    }
    if (call->opt[OPT_DRY_RUN])
        return show(call, plan, err);
    if (needed)
        xpci_try(xpci_generator_idle(plan->gen, call->root, err));
    return apply(call, plan, err);
}

void xpci_plan_clear(struct xpci_plan *plan)
{
    for (size_t k = 0; plan->kernel && k < plan->images.n; k++) {
        xpci_strv_clear(&plan->kernel[k].modules);
        xpci_strv_clear(&plan->kernel[k].builtin);
        xpci_image_verdict_clear(&plan->kernel[k].image);
    }
    free(plan->kernel);
    xpci_kernel_images_clear(&plan->images);
    xpci_changes_clear(&plan->changes);
    xpci_moves_clear(&plan->moves);
    free(plan->options);
    free(plan->script);
    free(plan->word);
    free(plan->entry);
    *plan = (struct xpci_plan){ 0 };
}
