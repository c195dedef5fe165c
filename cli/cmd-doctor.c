/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "cfg-check.h"
#include "facts.h"
#include "guest-config.h"
#include "modprobe-d.h"
#include "plan.h"
#include "readers.h"
#include "table.h"

#define of_host(f, grade, why, fix, ...)                                       \
    xpci_fact(f, "host", NULL, grade, why, fix, __VA_ARGS__)

static const char no_attach[] = "no device can be given to a guest";

static const char *skip_time(const char *line)
{
    const char *end = *line == '[' ? strstr(line, "] ") : NULL;

    return end ? end + 2 : line;
}

/* On a line of its own: what a guest has Xen print begins with "(d1) ". */
static bool xen_says(const char *log, const char *what)
{
    for (const char *line = log; line; line = strchr(line, '\n')) {
        const char *by = skip_time(line += *line == '\n');

        if (!strncmp(by, "(XEN) ", 6) &&
            !strncmp(skip_time(by + 6), what, strlen(what)))
            return true;
    }
    return false;
}

/* Interrupt remapping, and of another system the IOMMU, only Xen's log says. */
static void judge_log(struct xpci_facts *f, const char *log, bool running)
{
    if (!running && xen_says(log, "I/O virtualisation disabled"))
        of_host(f, XPCI_ERROR, no_attach,
                "switch VT-d or AMD-Vi on in the firmware's setup",
                "Xen found no IOMMU");
    if (xen_says(log, "Interrupt remapping disabled"))
        of_host(f, XPCI_WARNING,
                "a guest with a device can send any interrupt to the host",
                "switch x2APIC on in the firmware's setup, take no-intremap "
                "off Xen's command line",
                "Xen does not remap interrupts");
    else if (!xen_says(log, "Interrupt remapping enabled"))
        of_host(f, XPCI_NOTE, "the line is no longer in Xen's log",
                "xl dmesg, after a boot",
                "whether Xen remaps interrupts is not known");
}

static void judge_running(struct xpci_facts *f, const struct xpci_host_facts *h,
                          const struct xpci_domain *dom)
{
    if (!h->iommu)
        of_host(f, XPCI_ERROR, no_attach,
                "switch VT-d or AMD-Vi on in the firmware's setup, take "
                "iommu=off off Xen's command line",
                "Xen runs without an IOMMU");
    if (!h->hvm)
        of_host(f, XPCI_WARNING, "only PV guests can be given devices",
                "switch VT-x or SVM on in the firmware's setup",
                "Xen cannot run HVM guests");
    if (dom && dom->type == XPCI_DOMAIN_PVH)
        xpci_fact(f, dom->name, NULL, XPCI_ERROR,
                  "Xen gives devices to HVM and PV guests alone",
                  "type = \"hvm\"", "it is PVH");
    else if (dom && !h->guest_iommu)
        xpci_fact(f, dom->name, NULL, XPCI_ERROR,
                  "no device can be attached while it runs",
                  "passthrough = \"enabled\", and create it anew",
                  "it was created without an IOMMU");
    judge_log(f, h->log, true);
}

/* @guest may be NULL, or a number; if it runs, it is call->domain. */
static int ask_xen(struct xpci_facts *f, const char *guest,
                   struct xpci_error *err)
{
    struct xpci_call *call = f->call;
    _cleanup_error_ struct xpci_error why = { 0 };
    struct xpci_domain *dom = &call->domain;
    struct xpci_host_facts h = { 0 };
    int ret = 0;

    if (!call->ts && xpci_toolstack_open(f->root, &call->ts, &why) < 0) {
        bool ready = geteuid() == 0 && xpci_host_is_dom0(call, NULL) > 0;

        /* what else there is to do is in the text */
        of_host(f, XPCI_WARNING, no_attach,
                ready ? NULL : "boot Xen, and run this as root", "%s",
                xpci_error_text(&why));
        return 0;
    }
    if (guest)
        ret = call->ts->ops->domain(call->ts->ctx, guest, dom, err);
    if (ret != -ENOENT)
        xpci_try(ret);
    dom = dom->name ? dom : NULL;
    xpci_try(call->ts->ops->host(call->ts->ctx, dom, &h, err));
    judge_running(f, &h, dom);
    free(h.log);
    return 0;
}

static int judge_xen(struct xpci_facts *f, const char *guest,
                     struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf log = { 0 };

    if (xpci_root_is_live(f->root))
        return ask_xen(f, guest, err);
    xpci_try(xpci_root_read_optional(f->root, "/var/log/xen/hypervisor.log",
                                     &log, NULL, err));
    if (log.len)
        judge_log(f, log.data, false);
    else
        of_host(f, XPCI_NOTE, "there is no /var/log/xen/hypervisor.log",
                "xpci doctor, on the running system",
                "whether Xen runs with an IOMMU is not known");
    return 0;
}

static void judge_kernels(struct xpci_facts *f)
{
    if (!f->kernels.n)
        of_host(f, XPCI_WARNING,
                "which drivers would claim devices is not known",
                "install a kernel and its modules", "there is no /lib/modules");
    for (size_t i = 0; i < f->kernels.n; i++) {
        _cleanup_strv_ struct xpci_strv found = { 0 };
        _cleanup_error_ struct xpci_error why = { 0 };
        const struct xpci_readers *readers;

        if (xpci_readers_load(&readers, &why) < 0 ||
            readers->native_drivers(f->root, f->kernels.v[i], "xen_pciback",
                                    NULL, &found, &found, &why) < 0)
            of_host(f, XPCI_WARNING,
                    "which drivers would claim devices is not known",
                    "depmod -a, or remove what is left of that kernel", "%s",
                    xpci_error_text(&why));
        else if (!found.n)
            of_host(f, XPCI_ERROR, "nothing can be hidden when it runs",
                    "install a kernel with CONFIG_XEN_PCIDEV_BACKEND",
                    "kernel %s has no xen-pciback", f->kernels.v[i]);
    }
}

/* What a hand or another tool has written for pciback. */
static int judge_settings(struct xpci_facts *f, struct xpci_error *err)
{
    _cleanup_modprobe_ struct xpci_modprobe lines = { 0 };
    _cleanup_error_ struct xpci_error why = { 0 };
    _cleanup_free_ char *word = NULL, *off = NULL, *own = NULL;
    int ret;

    if (f->no_conf.code)
        of_host(f, XPCI_ERROR, "what is to be hidden is not known", NULL, "%s",
                xpci_error_text(&f->no_conf));
    xpci_try(
        xpci_plan_next_cmdline(f->call, XPCI_CMDLINE_BLACKLIST, &off, err));
    if (off)
        of_host(f, XPCI_ERROR, "xen-pciback is not loaded, nothing is hidden",
                "take it out of the boot loader's configuration",
                "'%s' is on the kernel's command line", off);
    xpci_try(xpci_plan_next_cmdline(f->call, XPCI_CMDLINE_LIST, &word, err));
    xpci_try(xpci_hide_conf_list(&f->call->conf, &own, err));
    /* xpci's own is there for an xen-pciback that is built in */
    if (word && !f->no_conf.code && strcmp(strchr(word, '=') + 1, own) != 0)
        of_host(f, XPCI_ERROR,
                "it takes whatever is at its addresses, and replaces a list of "
                "xpci",
                "take it out of the boot loader's configuration",
                "'%s' is on the kernel's command line", word);
    ret = xpci_modprobe_find(f->root, false, &lines, &why);
    xpci_need(ret != -ENOMEM, err);
    if (ret < 0)
        of_host(f, XPCI_WARNING,
                "whether a file of modprobe.d is in the way is not known", NULL,
                "%s", xpci_error_text(&why));
    for (size_t i = 0; i < lines.n; i++)
        of_host(f, XPCI_ERROR, "it is in the way of the list of xpci",
                "take the line away; xpci initrd update", "%s: %s",
                lines.v[i].path, lines.v[i].line);
    return 0;
}

/* A hint is a warning of a guest that is asked for. */
static void judge_guests(struct xpci_facts *f, const struct xpci_strv *files,
                         bool named)
{
    const enum xpci_grade grades[] = {
        [XPCI_CFG_HINT] = named ? XPCI_WARNING : XPCI_NOTE,
        [XPCI_CFG_WARNING] = XPCI_WARNING,
        [XPCI_CFG_ERROR] = XPCI_ERROR,
    };
    _cleanup_cfg_check_ struct xpci_cfg_check check = { 0 };

    for (size_t i = 0; i < files->n; i++) {
        _cleanup_error_ struct xpci_error why = { 0 };

        if (xpci_cfg_check_file(f->call, files->v[i], &check, &why) < 0)
            xpci_fact(f, files->v[i], NULL, XPCI_WARNING,
                      "what is wrong with it is not known", NULL, "%s",
                      xpci_error_text(&why));
    }
    for (size_t i = 0; i < check.n; i++) {
        const struct xpci_cfg_finding *c = &check.v[i];

        xpci_fact(f, c->file, NULL, grades[c->severity], NULL, c->fix,
                  "line %u: %s", c->line, c->message);
    }
}

/* At such an entry 'xl create' fails. */
static void judge_entry(struct xpci_facts *f, const char *path,
                        const struct xpci_cfg_pci_entry *entry)
{
    const struct xpci_inventory *inv = &f->call->inv;
    char *dev = xpci_cell_bdf(&entry->spec.dev.bdf);

    for (size_t i = 0; i < inv->n; i++) {
        if (xpci_pci_spec_covers(&entry->spec, &inv->dev[i].bdf))
            return;
    }
    if (entry->spec.name)
        return;
    if (entry->spec.dev.all_funcs)
        dev[strlen(dev) - 1] = '*';
    xpci_fact(f, path, NULL, XPCI_ERROR, "the guest is not created with it",
              xpci_cell("xpci cfg remove %s %s, or see 'xpci list' for where "
                        "it is now",
                        path, dev),
              "line %u: there is no device %s", entry->line, dev);
}

/* Who must be in pciback, or with the guest, and is not. */
static void judge_chosen(struct xpci_facts *f, size_t i, const char *guest,
                         const bool *chosen, bool seized)
{
    const struct xpci_inventory *inv = &f->call->inv;
    const char *name = xpci_cell_bdf(&inv->dev[i].bdf);
    _cleanup_group_ struct xpci_group group = { 0 };
    _cleanup_error_ struct xpci_error why = { 0 };

    /* that it is not known, the device's own facts say */
    if (xpci_device_is_bridge(&inv->dev[i]) ||
        xpci_group_closure(inv, &i, 1, XPCI_SCOPE_GROUP, &group, &why) < 0)
        return;
    for (size_t k = 0; k < group.n; k++) {
        const struct xpci_device *dev = &inv->dev[group.v[k].dev];
        const struct xpci_guest_device *user =
            xpci_host_user(f->call, &dev->bdf);
        const char *other = xpci_cell_bdf(&dev->bdf);

        if (user && (!strcmp(user->state, "stale") ||
                     !strcmp(user->state, "unrecorded")))
            xpci_fact(f, name, "MEMBERS", XPCI_ERROR,
                      "until then nobody can be given it",
                      "xpci reconcile --fix", "%s may be with '%s' (%s)", other,
                      user->domain, user->state);
        else if (user ? !strcmp(user->domain, guest)
                      : xpci_host_on_pciback(dev))
            continue;
        else if (user)
            xpci_fact(f, name, "MEMBERS", XPCI_ERROR,
                      "the group is for one guest at a time",
                      xpci_cell("xpci detach %s %s", user->domain, other),
                      "%s is with guest '%s'", other, user->domain);
        else if (group.v[k].dev == i ? !seized : !chosen[group.v[k].dev])
            xpci_fact(
                f, name, "MEMBERS", XPCI_ERROR,
                group.v[k].dev == i
                    ? "without seize 'xl create' fails, and so does an attach"
                    : "xl gives half a group away, which xpci refuses",
                xpci_hide_conf_find(&f->call->conf, &dev->bdf)
                    ? "xpci status"
                    : xpci_cell("xpci hide %s, and a reboot", name),
                "%s is not in pciback", other);
    }
}

/* The devices of a guest: those of its file and those that it has. */
static int choose_guest(struct xpci_facts *f, const char *guest,
                        const char *path, bool *chosen, struct xpci_error *err)
{
    _cleanup_guest_config_ struct xpci_guest_config config = { 0 };
    _cleanup_cfg_pci_ struct xpci_cfg_pci pci = { 0 };
    const struct xpci_inventory *inv = &f->call->inv;

    if (path) {
        xpci_try(xpci_guest_config_open(f->root, path, &config, err));
        xpci_try(xpci_cfg_pci_list(config.cfg, &pci, err));
    }
    for (size_t i = 0; i < pci.n; i++)
        judge_entry(f, path, &pci.v[i]);
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_bdf *bdf = &inv->dev[i].bdf;
        const struct xpci_guest_device *user = xpci_host_user(f->call, bdf);

        chosen[i] = (user && !strcmp(user->domain, guest)) ||
                    xpci_list_find(&pci, entry,
                                   xpci_pci_spec_covers(&entry->spec, bdf));
    }
    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_cfg_pci_entry *of = xpci_list_find(
            &pci, entry,
            xpci_pci_spec_covers(&entry->spec, &inv->dev[i].bdf) &&
                entry->spec.options && strstr(entry->spec.options, "seize=1"));

        if (chosen[i])
            judge_chosen(f, i, guest, chosen, of);
    }
    return 0;
}

/* Without an operand: what is to be hidden or is; of a dump, everything. */
static void choose_hidden(struct xpci_facts *f, bool *chosen)
{
    const struct xpci_inventory *inv = &f->call->inv;
    const struct xpci_hide_conf *conf = &f->call->conf;

    for (size_t i = 0; i < inv->n; i++) {
        const struct xpci_device *dev = &inv->dev[i];

        chosen[i] = f->root ? xpci_host_on_pciback(dev) ||
                                  xpci_hide_conf_find(conf, &dev->bdf)
                            : !xpci_device_board(dev);
    }
    for (size_t i = 0; i < conf->n; i++) {
        const struct xpci_hidden *h = &conf->v[i];
        _cleanup_free_ char *why = NULL;

        if (xpci_hidden_check(h, inv, &why) < 0)
            xpci_fact(f, xpci_cell_bdf(&h->bdf), "HIDDEN", XPCI_ERROR,
                      "it would be taken when it comes back",
                      xpci_cell("xpci unhide %s", h->path), "%s",
                      why ? why : "");
    }
}

/* What is not of one device; @guest is NULL if none is named. */
static int judge_host(struct xpci_facts *f, const char *guest, bool *chosen,
                      struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv files = { 0 };
    _cleanup_files_ void *seen = NULL;
    _cleanup_free_ char *path = NULL;
    const char *running;
    int ret;

    xpci_try(judge_xen(f, guest, err));
    judge_kernels(f);
    xpci_try(judge_settings(f, err));
    if (!guest) {
        xpci_try(xpci_guest_config_files(f->root, NULL, &seen, &files, err));
        judge_guests(f, &files, false);
        return 0;
    }
    running = f->call->domain.name;
    guest = running ? running : guest;
    ret = xpci_guest_config_find(f->call, guest, &path, err);
    if (ret == -ENOENT && !running)
        return xpci_error_set(err, ENOENT,
                              "no guest '%s' is running, nor is one "
                              "configured under /etc/xen",
                              guest);
    if (ret != -ENOENT)
        xpci_try(ret);
    xpci_need(!path || xpci_strv_add(&files, path) == 0, err);
    judge_guests(f, &files, true);
    return choose_guest(f, guest, path, chosen, err);
}

static int diagnose(struct xpci_facts *f, bool *chosen, struct xpci_error *err)
{
    struct xpci_call *call = f->call;
    bool guest = call->argc == 1 && !strpbrk(call->argv[0], ":/");

    if (f->root)
        xpci_try(judge_host(f, guest ? call->argv[0] : NULL, chosen, err));
    else if (guest)
        return xpci_error_usage(err, "a dump has no guest '%s'", call->argv[0]);
    else
        of_host(f, XPCI_NOTE,
                "it has no drivers, no sizes of BARs, no reserved memory, and "
                "nothing of Xen, of guests and of what dom0 lives on",
                "xpci doctor, on the host itself", "a dump tells a part only");
    if (!call->argc)
        choose_hidden(f, chosen);
    else if (!guest)
        xpci_try(xpci_host_select(call, 0, err));
    for (size_t k = 0; k < call->chosen.n; k++)
        chosen[call->chosen.v[k]] = true;
    for (size_t i = 0; i < call->inv.n; i++) {
        if (chosen[i])
            xpci_facts_device(f, i);
    }
    return f->oom ? xpci_error_oom(err) : 0;
}

/* A table would be wider than any terminal: without a wish, lines. */
static int show(const struct xpci_call *call, const struct xpci_fact *fact,
                struct xpci_error *err)
{
    static const char *const grades[] = { NULL, "note", "warning", "error" };
    _cleanup_free_ char *text = NULL;

    xpci_try(xpci_asprintf(err, &text, "%s%s%s", fact->key ? fact->key : "",
                           fact->key ? ": " : "", fact->text));
    for (size_t i = 0; fact->key && fact->key[i]; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    if (call->opt[OPT_JSON] || call->opt[OPT_COLUMNS])
        return xpci_table_add(call, err, grades[fact->grade], fact->subject,
                              text, fact->why, *fact->fix ? fact->fix : NULL);
    printf("%s: ", grades[fact->grade]);
    xpci_say(stdout, "", fact->subject, ": ");
    xpci_say(stdout, "", text, "\n");
    if (fact->why)
        xpci_say(stdout, "    why: ", fact->why, "\n");
    if (*fact->fix)
        xpci_say(stdout, "    fix: ", fact->fix, "\n");
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_facts_ struct xpci_facts facts = { 0 };
    _cleanup_free_ bool *chosen = NULL;
    enum xpci_grade worst = XPCI_FACT;

    xpci_try(xpci_facts_load(call, &facts, err));
    chosen = calloc(call->inv.n + 1, sizeof(*chosen));
    xpci_need(chosen, err);
    xpci_try(diagnose(&facts, chosen, err));
    for (size_t i = 0; i < facts.n; i++) {
        if (facts.v[i].grade > worst)
            worst = facts.v[i].grade;
        if (facts.v[i].grade)
            xpci_try(show(call, &facts.v[i], err));
    }
    if (!worst)
        xpci_log(&call->log, XPCI_LOG_NOTE, "nothing is wrong");
    return worst == XPCI_ERROR ? XPCI_EXIT_WRONG : XPCI_EXIT_OK;
}

const struct xpci_cmd xpci_cmd_doctor = {
    .name = "doctor",
    .operands = "[DEVICE... | DOMAIN]",
    .max = CMD_ANY,
    .summary = "what would go wrong, before it does",
    .options = CMD_OPTIONS(OPT_COLUMNS, OPT_DUMP),
    .columns = "SEVERITY SUBJECT FINDING WHY FIX",
    .run = run,
};
