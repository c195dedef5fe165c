/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "host.h"
#include "modprobe-d.h"
#include "plan.h"
#include "table.h"
#include "xen-efi.h"

/* From best to worst; the worst of all devices is the exit status. */
enum state {
    EFFECTIVE = XPCI_EXIT_OK,
    PENDING = XPCI_EXIT_PENDING,
    WRONG = XPCI_EXIT_WRONG,
};

struct status {
    struct xpci_call *call;
    struct xpci_plan plan;
    char *trouble; /* what is wrong for all of them: files, images, cmdline */
    const char *advice;
    enum state worst;
};

static void status_clear(struct status *s)
{
    xpci_plan_clear(&s->plan);
    free(s->trouble);
}

/* An image that is made later must hide the devices too. */
static int check_next_image(struct status *s, struct xpci_error *err)
{
    _cleanup_modprobe_ struct xpci_modprobe lines = { 0 };
    _cleanup_error_ struct xpci_error why = { 0 };
    int ret = xpci_modprobe_find(s->call->root, false, &lines, &why);

    xpci_need(ret != -ENOMEM, err);
    if (ret < 0)
        return xpci_asprintf(err, &s->trouble,
                             "%s; whether every image made from now on will "
                             "hide it is not known",
                             xpci_error_text(&why));
    return lines.n ? xpci_asprintf(err, &s->trouble,
                                   "%s is in the way: '%s'; every image made "
                                   "from now on will not hide it; take that "
                                   "out",
                                   lines.v[0].path, lines.v[0].line)
                   : 0;
}

/* What the kernel's command line keeps from happening, also in the next boot */
static int check_cmdline(struct status *s, struct xpci_error *err)
{
    const bool by_list = s->plan.by_list;
    const struct {
        bool matters;
        const char *pattern, *does;
    } words[] = {
        { by_list && !s->plan.word, XPCI_CMDLINE_LIST, "replaces xpci's list" },
        { true, XPCI_CMDLINE_BLACKLIST, "keeps xen-pciback from being loaded" },
        { !by_list, XPCI_CMDLINE_OFF, "keeps xpci from hiding anything" },
    };

    for (size_t i = 0; !s->trouble && i < XPCI_ARRAY_SIZE(words); i++) {
        _cleanup_free_ char *word = NULL;

        if (words[i].matters)
            xpci_try(
                xpci_plan_next_cmdline(s->call, words[i].pattern, &word, err));
        if (word)
            xpci_try(
                xpci_asprintf(err, &s->trouble,
                              "'%s' on the kernel's command line %s; take it "
                              "out of the boot loader's configuration",
                              word, words[i].does));
    }
    return 0;
}

/* Of what would make the next boot fail for every device, the first. */
static int find_trouble(struct status *s, struct xpci_error *err)
{
    const struct xpci_call *call = s->call;
    _cleanup_error_ struct xpci_error no = { 0 };
    int ret;

    /* a host without a generator has nothing hidden, and needs none */
    if (call->conf.n == 0 && xpci_generator_detect(call->root, &s->plan.gen,
                                                   &s->plan.images, NULL) < 0)
        return 0;
    ret = xpci_plan_make(call, &s->plan, &no);
    xpci_need(ret != -ENOMEM, err);
    /* no image, no generator, no modules: nothing is hidden */
    if (ret < 0 && call->conf.n)
        return xpci_asprintf(err, &s->trouble, "%s", xpci_error_text(&no));
    if (ret < 0)
        *err = xpci_steal(no);
    xpci_try(ret);
    if (s->plan.changes.n)
        return xpci_asprintf(err, &s->trouble,
                             "%s is not what " XPCI_HIDE_CONF_PATH
                             " asks for%s",
                             s->plan.changes.v[0].path, s->advice);
    if (s->plan.entry)
        return xpci_asprintf(err, &s->trouble, "%s%s", s->plan.entry,
                             s->advice);
    if (call->conf.n)
        xpci_try(check_cmdline(s, err));
    /* 'hide' makes no image better before; a builtin pciback reads no files */
    if (call->conf.n && !s->trouble && !s->plan.word)
        xpci_try(check_next_image(s, err));
    for (size_t k = 0; !s->trouble && k < s->plan.images.n; k++) {
        if (!xpci_plan_proven(&s->plan, k))
            return xpci_asprintf(err, &s->trouble, "%s: %s%s",
                                 s->plan.images.v[k].path,
                                 s->plan.kernel[k].image.reason, s->advice);
    }
    return s->trouble || !call->conf.n
               ? 0
               : xpci_xen_efi_check(call->root, &s->plan.images, &s->trouble,
                                    err);
}

/* Was this boot begun with the images as they are? 0 if that is not known. */
static int is_booted(const struct status *s, struct xpci_error *err)
{
    const struct xpci_root *root = s->call->root;
    _cleanup_buf_ struct xpci_buf text = { 0 };
    const char *line;
    long long begin = 0;

    xpci_try(xpci_root_read_optional(root, "/proc/stat", &text, NULL, err));
    line = text.len ? strstr(text.data, "\nbtime ") : NULL;
    if (!line || sscanf(line, " btime %lld", &begin) != 1)
        return 0;
    for (size_t k = 0; k < s->plan.images.n; k++) {
        struct stat st;

        if (xpci_root_stat(root, s->plan.images.v[k].path, &st) < 0 ||
            st.st_ctime >= begin)
            return 0;
    }
    return 1;
}

/* Why a driver of dom0 has what the images hide. */
static int explain(const struct status *s, const struct xpci_device *dev,
                   char **why, struct xpci_error *err)
{
    bool live = xpci_root_is_live(s->call->root);
    int dom0 = live ? xpci_host_is_dom0(s->call, err) : 1;
    int booted = live && dom0 > 0 ? is_booted(s, err) : 0;
    _cleanup_free_ char *off = NULL;
    const char *text;

    xpci_try(dom0);
    xpci_try(booted);
    xpci_try(xpci_plan_cmdline(s->call, XPCI_CMDLINE_OFF, &off, err));
    text =
        dev->virtual_func
            ? " until 'xpci boot' takes it; no image can, before it is made"
        : dom0 == 0 ? "; this boot is without Xen, which hides nothing: boot "
                      "Xen's entry; the images are proven"
        : off && !s->plan.by_list ? ", for this boot was told " XPCI_CMDLINE_OFF
                                    "; the images are proven"
        : booted > 0
            ? ", though the images are proven: it was given back since, or "
              "this boot has not hidden it, perhaps with another image; see "
              "what 'dmesg' has of xpci"
            : " until the next boot; the images are proven";
    return xpci_asprintf(err, why, "with %s%s%s", dev->driver ? "driver " : "",
                         xpci_host_driver(dev), text);
}

static int add_row(struct status *s, const struct xpci_bdf *bdf,
                   enum state state, const char *why, struct xpci_error *err)
{
    const struct xpci_guest_device *user =
        bdf ? xpci_host_user(s->call, bdf) : NULL;
    const struct xpci_device *dev =
        bdf ? xpci_inventory_find(&s->call->inv, bdf) : NULL;
    _cleanup_free_ char *all = NULL;

    /* where something is wrong it is still so */
    if (user && !strstr(why, "attached to"))
        xpci_try(xpci_asprintf(err, &all, "attached to '%s'; %s", user->domain,
                               why));
    else if (!user && state == WRONG && dev && xpci_host_on_pciback(dev))
        xpci_try(xpci_asprintf(err, &all, "pciback has it, but %s", why));
    if (state > s->worst)
        s->worst = state;
    return xpci_table_add(s->call, err, bdf ? xpci_cell_bdf(bdf) : NULL,
                          state == WRONG     ? "wrong"
                          : state == PENDING ? "pending"
                                             : "effective",
                          all ? all : why);
}

static int add_hidden(struct status *s, const struct xpci_hidden *h,
                      struct xpci_error *err)
{
    const struct xpci_inventory *inv = &s->call->inv;
    const struct xpci_device *dev = xpci_inventory_find(inv, &h->bdf);
    const struct xpci_guest_device *user = xpci_host_user(s->call, &h->bdf);
    _cleanup_free_ char *why = NULL;
    int ret = xpci_hidden_check(h, inv, &why);

    xpci_need(ret == 0 || ret == -ENODEV, err);
    if (ret < 0 || s->trouble)
        return add_row(s, &h->bdf, WRONG, why ? why : s->trouble, err);
    if (!xpci_host_on_pciback(dev)) {
        xpci_try(explain(s, dev, &why, err));
        return add_row(s, &h->bdf, PENDING, why, err);
    }
    if (h->permissive) {
        xpci_try(ret = xpci_pciback_permissive(s->call->root, dev, err));
        if (ret == 0 && user)
            xpci_try(xpci_asprintf(err, &why,
                                   "attached to '%s', and not in permissive "
                                   "mode until it is attached anew",
                                   user->domain));
        if (ret == 0)
            return add_row(s, &h->bdf, PENDING,
                           why ? why
                               : "pciback has it, but not in permissive mode; "
                                 "'xpci boot' changes that, at each boot if "
                                 "xpci-boot is enabled",
                           err);
    }
    if (user)
        xpci_try(xpci_asprintf(err, &why, "pciback has it; attached to '%s'",
                               user->domain));
    return add_row(s, &h->bdf, EFFECTIVE,
                   why             ? why
                   : h->permissive ? "pciback has it, in permissive mode; the "
                                     "images are proven"
                   : dev->virtual_func
                       ? "pciback has it; after a boot 'xpci boot' takes it"
                       : "pciback has it; the images are proven",
                   err);
}

/*
 * The hide lists that are not xpci's: that on the kernel's command line, which
 * replaces others and may be xpci's own of before an unhide, or of modprobe.d.
 */
static int find_lists(const struct xpci_call *call, struct xpci_modprobe *out,
                      struct xpci_error *err)
{
    _cleanup_free_ char *word = NULL;
    struct xpci_modprobe_line *add;

    xpci_try(xpci_plan_next_cmdline(call, XPCI_CMDLINE_LIST, &word, err));
    if (!word)
        return xpci_modprobe_find(call->root, false, out, err);
    add = xpci_list_add(out);
    xpci_need(add && (add->path = strdup("/proc/cmdline")), err);
    add->line = xpci_steal(word);
    return 0;
}

/* 1 if the list has the device or a bridge above it, 0 or -ENOMEM. */
static int is_in(const char *text, const struct xpci_inventory *inv, size_t dev,
                 struct xpci_error *err)
{
    _cleanup_hide_list_ struct xpci_hide_list list = { 0 };
    int ret = xpci_hide_list_parse(text, &list, NULL);

    xpci_need(ret != -ENOMEM, err);
    return ret == 0 &&
           xpci_list_find(&list, entry,
                          xpci_host_named(inv, entry, dev) != XPCI_NO_PARENT);
}

/* pciback has it, and not by xpci. */
static int add_other(struct status *s, size_t dev, struct xpci_error *err)
{
    const struct xpci_inventory *inv = &s->call->inv;
    _cleanup_modprobe_ struct xpci_modprobe lists = { 0 };
    _cleanup_free_ char *why = NULL;

    xpci_try(find_lists(s->call, &lists, err));
    for (size_t i = 0; !why && i < lists.n; i++) {
        const struct xpci_modprobe_line *list = &lists.v[i];
        int is = is_in(list->line, inv, dev, err);

        xpci_try(is);
        if (is)
            xpci_try(xpci_asprintf(err, &why,
                                   "pciback has it by '%s' in %s, not by xpci",
                                   list->line, list->path));
    }
    return add_row(s, &inv->dev[dev].bdf, why ? EFFECTIVE : PENDING,
                   why ? why
                       : "pciback has it, but xpci does not hide it; the next "
                         "boot gives it back",
                   err);
}

int xpci_status_report(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_(status_clear) struct status s = {
        .call = call,
        .advice = xpci_changes_pending(call->root, &call->log)
                      ? ""
                      : "; run 'xpci hide'",
    };
    _cleanup_error_ struct xpci_error why = { 0 };

    if (!call->guests_known && xpci_host_guests(call, &why) < 0)
        xpci_log(&call->log, XPCI_LOG_WARN, "guests are not known: %s",
                 xpci_error_text(&why));
    xpci_try(find_trouble(&s, err));
    if (s.trouble && call->conf.n == 0) /* of what is left over */
        xpci_try(add_row(&s, NULL, WRONG, s.trouble, err));
    for (size_t i = 0; i < call->conf.n; i++)
        xpci_try(add_hidden(&s, &call->conf.v[i], err));
    for (size_t i = 0; i < call->inv.n; i++) {
        const struct xpci_device *dev = &call->inv.dev[i];

        if (xpci_host_on_pciback(dev) &&
            !xpci_hide_conf_find(&call->conf, &dev->bdf))
            xpci_try(add_other(&s, i, err));
    }
    return (int)s.worst;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    xpci_try(xpci_host_inventory(call, err));
    xpci_try(xpci_hide_conf_load(call->root, &call->inv, &call->conf, err));
    return xpci_status_report(call, err);
}

const struct xpci_cmd xpci_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "what is hidden, what will be, and whether the boot will do it",
    .options = CMD_OPTIONS(OPT_COLUMNS),
    .columns = "BDF STATE REASON",
    .needs_root = true,
    .run = run,
};
