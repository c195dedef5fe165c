/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "facts.h"
#include "readers.h"
#include "reset.h"
#include "table.h"

int xpci_facts_load(struct xpci_call *call, struct xpci_facts *f,
                    struct xpci_error *err)
{
    f->call = call;
    f->root = call->opt[OPT_DUMP] ? NULL : call->root;
    xpci_try(xpci_host_inventory(call, err));
    xpci_try(xpci_resources_load(f->root, &call->inv, &f->res, err));
    f->no_groups.code = xpci_group_list(&call->inv, false, false, NULL, 0,
                                        &f->groups, &f->no_groups);
    if (!f->root)
        return 0;
    f->no_guard.code = xpci_guard_load(f->root, &call->guard, &f->no_guard);
    f->no_guests.code = xpci_host_guests(call, &f->no_guests);
    f->no_conf.code =
        xpci_hide_conf_load(f->root, &call->inv, &call->conf, &f->no_conf);
    if (f->no_conf.code)
        xpci_hide_conf_clear(&call->conf);
    return xpci_root_list(f->root, "/lib/modules", &f->kernels, NULL, err);
}

void xpci_facts_clear(struct xpci_facts *f)
{
    xpci_resources_clear(&f->res);
    xpci_error_clear(&f->no_guard);
    xpci_error_clear(&f->no_guests);
    xpci_error_clear(&f->no_groups);
    xpci_error_clear(&f->no_conf);
    xpci_group_clear(&f->groups);
    xpci_strv_clear(&f->kernels);
    xpci_list_clear(f, fact, free(fact->subject), free(fact->text),
                    free(fact->fix));
}

void xpci_fact(struct xpci_facts *f, const char *subject, const char *key,
               enum xpci_grade grade, const char *why, const char *fix,
               const char *fmt, ...)
{
    struct xpci_fact *v = xpci_list_add(f);

    if (v)
        *v = (struct xpci_fact){ .key = key,
                                 .grade = grade,
                                 .why = why,
                                 .text = xpci_format_args(fmt),
                                 .subject = strdup(subject),
                                 .fix = strdup(fix ? fix : "") };
    f->oom = f->oom || !v || !v->text || !v->subject || !v->fix;
}

/* The device that facts are told of. */
struct view {
    struct xpci_facts *f;
    const struct xpci_call *call;
    const struct xpci_inventory *inv;
    size_t i;
    const struct xpci_device *dev;
    struct xpci_group group; /* empty if it is not known */
    char name[XPCI_BDF_SIZE];
};

#define tell(v, key, ...)                                                      \
    xpci_fact((v)->f, (v)->name, key, XPCI_FACT, NULL, NULL, __VA_ARGS__)
#define judge(v, key, grade, why, fix, ...)                                    \
    xpci_fact((v)->f, (v)->name, key, grade, why, fix, __VA_ARGS__)
#define BDF_OF(v, i) XPCI_BDF_ARGS((v)->inv->dev[i].bdf)

static void tell_identity(struct view *v)
{
    const struct xpci_device *dev = v->dev;
    _cleanup_free_ char *path = NULL;

    v->f->oom |= xpci_device_path(v->inv, dev, &path) < 0;
    tell(v, "BDF", "%s", v->name);
    tell(v, "PATH", "%s", path ? path : "");
    tell(v, "DEVICE", "%s", dev->name);
    tell(v, "ID", "%04x:%04x", dev->vendor, dev->device);
    tell(v, "CLASS", "%04x", dev->class_code);
    if (dev->bdf.segment > 0xffff)
        judge(v, "STATE", XPCI_ERROR, "pciback and Xen cannot address it",
              "switch VMD off in the firmware's setup", "behind Intel VMD");
    else if (dev->header == 0xff)
        judge(v, "STATE", XPCI_ERROR, "it sleeps in D3cold, or is gone",
              xpci_cell("echo on >/sys/bus/pci/devices/%s/power/control",
                        v->name),
              "it does not answer");
    else if (dev->pcie_type == XPCI_PCIE_UNKNOWN)
        judge(v, "STATE", XPCI_WARNING, "resets and interrupts are not known",
              "run xpci as root", "its capabilities cannot be read");
    else if (xpci_device_is_bridge(dev))
        judge(v, "STATE", XPCI_ERROR,
              "pciback would take all that is behind it",
              "name the devices themselves", "a bridge");
    else if (xpci_device_board(dev))
        judge(v, "STATE", XPCI_ERROR, "Xen keeps it for itself",
              "name the devices themselves", "the IOMMU");
}

/* Who has it, and who should. */
static void tell_state(struct view *v)
{
    const struct xpci_error *no_guests = &v->f->no_guests;
    const struct xpci_bdf *bdf = &v->dev->bdf;
    const struct xpci_guest_device *user = xpci_host_user(v->call, bdf);

    if (!xpci_device_board(v->dev))
        tell(v, "STATE", "%s", xpci_host_state(v->call, v->dev));
    if (no_guests->code)
        tell(v, "USED_BY", "not known: %s", xpci_error_text(no_guests));
    if (user)
        tell(v, "USED_BY", user->vslot ? "%s, slot %x" : "%s", user->domain,
             user->vslot);
    if (v->f->no_conf.code)
        tell(v, "HIDDEN", "not known: %s", xpci_error_text(&v->f->no_conf));
    if (xpci_hide_conf_find(&v->call->conf, bdf))
        tell(v, "HIDDEN", "by %s", XPCI_HIDE_CONF_PATH);
}

static void tell_needed(struct view *v)
{
    static const struct {
        enum xpci_grade grade;
        const char *why, *fix;
    } grades[] = {
        [XPCI_GUARD_NOTE] = { XPCI_NOTE, "it should be known", NULL },
        [XPCI_GUARD_IN_USE] = { XPCI_WARNING, "dom0 loses what it does with it",
                                "take it out of use in dom0 before" },
        [XPCI_GUARD_DIES] = { XPCI_ERROR, "dom0 cannot live without it",
                              "leave it to dom0" },
    };
    const struct xpci_error *no_guard = &v->f->no_guard;
    const struct xpci_guard *guard = &v->call->guard;

    if (no_guard->code ||
        !guard->known) /* doctor says of a dump what it lacks */
        judge(v, "NEEDED", v->f->root ? XPCI_WARNING : XPCI_FACT,
              "it may be what dom0 lives on", NULL, "not known: %s",
              no_guard->code ? xpci_error_text(no_guard)
                             : "no list of mounted file systems");
    for (size_t i = 0; i < guard->n; i++) {
        const struct xpci_finding *g = &guard->v[i];

        if (xpci_bdf_cmp(&g->bdf, &v->dev->bdf) == 0)
            judge(v, "NEEDED", grades[g->grade].grade, grades[g->grade].why,
                  grades[g->grade].fix, "%s", g->chain);
    }
}

static void tell_override(struct view *v)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_error_ struct xpci_error why = { 0 };
    const char *file =
        xpci_cell("/sys/bus/pci/devices/%s/driver_override", v->name);

    if (xpci_root_read_optional(v->f->root, file, &text, NULL, &why) < 0)
        judge(v, "DRIVER", XPCI_WARNING, "pciback may be kept from having it",
              NULL, "driver_override is not known: %s", xpci_error_text(&why));
    else if (text.len && strcmp(text.data, "(null)\n") != 0 &&
             strcmp(text.data, "pciback\n") != 0)
        judge(v, "DRIVER", XPCI_ERROR,
              "no other driver can have it, nor pciback",
              xpci_cell("echo >%s", file), "driver_override is %.*s",
              (int)strcspn(text.data, "\n"), text.data);
}

static void tell_drivers(struct view *v)
{
    _cleanup_strv_ struct xpci_strv modules = { 0 }, builtin = { 0 };
    _cleanup_error_ struct xpci_error why = { 0 };
    const bool by_list = v->f->call->conf.method == XPCI_HIDE_LIST;
    const char *driver = v->dev->driver;
    const struct xpci_readers *readers;

    if (driver && (!strcmp(driver, "vfio-pci") || !strcmp(driver, "pci-stub")))
        judge(v, "DRIVER", XPCI_WARNING,
              "it may have the device before pciback",
              "take its id off the option 'ids' of that driver", "%s", driver);
    else if (driver)
        tell(v, "DRIVER", "%s", driver);
    if (v->f->root)
        tell_override(v);
    if (!v->f->kernels.n)
        tell(v, "NATIVE", "not known: there are no kernel modules");
    for (size_t k = 0; k < v->f->kernels.n; k++) {
        if (xpci_readers_load(&readers, &why) < 0 ||
            readers->native_drivers(
                v->f->root, v->f->kernels.v[k], v->dev->modalias,
                xpci_host_on_pciback(v->dev) ? NULL : driver, &modules,
                &builtin, &why) < 0)
            tell(v, "NATIVE", "not known: %s", xpci_error_text(&why));
    }
    for (size_t k = 0; k < modules.n; k++)
        tell(v, "NATIVE", "%s", modules.v[k]);
    for (size_t k = 0; k < builtin.n; k++)
        judge(v, "NATIVE", by_list ? XPCI_ERROR : XPCI_NOTE,
              by_list ? "it has the device before xen-pciback"
                      : "xpci's script takes the device from it",
              by_list ? "do without method = 'list' in " XPCI_HIDE_CONF_PATH
                      : NULL,
              "%s, built in", builtin.v[k]);
}

static void tell_group(struct view *v)
{
    const struct xpci_member *number =
        xpci_list_find(&v->f->groups, member, member->dev == v->i);
    _cleanup_error_ struct xpci_error why = { 0 };
    const struct xpci_error *none =
        v->f->no_groups.code ? &v->f->no_groups : &why;

    if (number)
        tell(v, "GROUP", "%u", number->number);
    if (!none->code && !xpci_device_board(v->dev))
        why.code = xpci_group_closure(v->inv, &v->i, 1, XPCI_SCOPE_GROUP,
                                      &v->group, &why);
    if (none->code)
        judge(v, "MEMBERS", XPCI_ERROR, "it would be hidden without its group",
              "run xpci as root, and wake devices that sleep", "not known: %s",
              xpci_error_text(none));
    for (size_t k = 0; k < v->group.n; k++)
        tell(v, "MEMBERS", XPCI_BDF_FMT " %s", BDF_OF(v, v->group.v[k].dev),
             v->group.v[k].rule);
}

static void tell_reset(struct view *v)
{
    size_t near = xpci_reset_neighbour(v->inv, v->i);
    unsigned int ways = xpci_reset_ways(v->inv, v->i);

    if (v->f->root)
        ways |= xpci_reset_special(v->f->root, v->dev);
    for (int k = 0; k < XPCI_RESET_MAX; k++) {
        if (ways & 1u << k)
            tell(v, "RESET", "%s", xpci_reset_names[k]);
    }
    if (!ways && v->dev->pcie_type == XPCI_PCIE_UNKNOWN)
        tell(v, "RESET", "not known: its capabilities cannot be read");
    else if (!ways && v->dev->header == 0 && !xpci_device_board(v->dev))
        judge(v, "RESET", XPCI_WARNING,
              "a guest gets it as the last one left it; often that works once",
              "reboot the host before another guest gets it", "none");
    if (ways & 1u << XPCI_RESET_BUS)
        return;
    if (v->dev->parent == XPCI_NO_PARENT)
        tell(v, "RESET", "not bus: it is on a root bus");
    else if (near != XPCI_NO_PARENT)
        tell(v, "RESET", "not bus: " XPCI_BDF_FMT " is on it too",
             BDF_OF(v, near));
}

/*
 * hvmloader has room below 4 GiB from f0000000, or where mmio_hole says, to
 * fc000000. QEMU's own devices take up to 48 MiB of it. Only where it is not
 * enough do 64 bit BARs move above 4 GiB. xl takes a hole up to 3840 MiB.
 */
static void judge_hole(struct view *v, uint64_t narrow, uint64_t all)
{
    const uint64_t room = 144 << 20, most = (uint64_t)3840 << 20;
    const unsigned int hole = (unsigned int)(((all + room) >> 28) + 1) * 256;
    const char *fix = all + room < most ? xpci_cell("mmio_hole = %u", hole)
                                        : "take a guest with a 64 bit system";

    if (narrow > room)
        judge(v, "BARS", XPCI_ERROR,
              "an HVM guest has less room for them below 4 GiB", fix,
              "32 bit BARs of its group: %" PRIu64 " MiB", narrow >> 20);
    else if (all > room)
        judge(v, "BARS", XPCI_NOTE,
              "an HVM guest has them above 4 GiB, out of reach of a 32 bit one",
              fix, "BARs of its group: %" PRIu64 " MiB", all >> 20);
}

static void tell_bar(struct view *v, size_t k)
{
    const struct xpci_resources *res = &v->f->res;
    const struct xpci_bar *bar = &res->v[k];
    size_t last = XPCI_NO_PARENT;

    tell(v, "BARS", "%c: %s 0x%" PRIx64 "%s, %s", "012345R"[bar->index],
         bar -> io ? "ports" : "memory", bar->start,
         bar->is64 ? ", 64 bit" : "",
         bar->size ? xpci_cell("0x%" PRIx64 " bytes", bar->size)
                   : "size not known");
    for (size_t n = xpci_bar_neighbour(res, k, 0); n != XPCI_NO_PARENT;
         n = xpci_bar_neighbour(res, k, n + 1)) {
        size_t near = res->v[n].dev;

        if (near == last) /* another BAR of it */
            continue;
        last = near;
        judge(v, "BARS",
              xpci_group_has(&v->group, near) ? XPCI_NOTE : XPCI_WARNING,
              "a guest gets whole pages, and so the other's registers",
              xpci_cell("pci=resource_alignment=12@%s on dom0's command line",
                        v->name),
              "in one page with " XPCI_BDF_FMT, BDF_OF(v, near));
    }
}

static void tell_bars(struct view *v)
{
    const struct xpci_resources *res = &v->f->res;
    uint64_t narrow = 0, all = 0;

    for (size_t k = 0; k < res->n; k++) {
        const struct xpci_bar *bar = &res->v[k];

        if (bar->dev == v->i)
            tell_bar(v, k);
        if (bar->io || !xpci_group_has(&v->group, bar->dev))
            continue;
        all += bar->size;
        narrow += bar->is64 ? 0 : bar->size;
    }
    judge_hole(v, narrow, all);
}

static void tell_interrupts(struct view *v)
{
    const struct xpci_resources *res = &v->f->res;
    const struct xpci_caps *caps = &v->dev->caps;

    if (caps->pin && !v->dev->virtual_func)
        tell(v, "INTX", "pin %c", "ABCD"[caps->pin - 1]);
    if (res->irq[v->i])
        tell(v, "INTX", "irq %u", res->irq[v->i]);
    for (size_t k = xpci_intx_neighbour(v->inv, res, v->i, 0);
         k != XPCI_NO_PARENT; k = xpci_intx_neighbour(v->inv, res, v->i, k + 1))
        judge(v, "INTX",
              caps->msi || caps->msix || xpci_group_has(&v->group, k)
                  ? XPCI_FACT
                  : XPCI_WARNING,
              "what one does with the line, the other has to bear",
              "give both to one guest, or put the card in another place",
              "shared with " XPCI_BDF_FMT, BDF_OF(v, k));
    if (caps->msi)
        tell(v, "MSI", "MSI, vectors: %u", caps->msi);
    if (caps->msix)
        judge(v, "MSI", caps->msix > 32 ? XPCI_WARNING : XPCI_FACT,
              "Xen lets a guest have 32 interrupts besides the first ones",
              xpci_cell("extra_guest_irqs=%u on Xen's command line",
                        caps->msix + 32),
              "MSI-X, vectors: %u", caps->msix);
}

static bool has_region(const struct xpci_region *r,
                       const struct xpci_device *dev)
{
    return !r->is_alias && r->segment == dev->bdf.segment &&
           r->first <= XPCI_RID(dev->bdf) && XPCI_RID(dev->bdf) <= r->last &&
           !xpci_device_board(dev);
}

/* Another device that has memory of region @r. */
static size_t region_neighbour(const struct xpci_inventory *inv, size_t dev,
                               const struct xpci_region *r)
{
    for (size_t i = 0; i < inv->n; i++) {
        for (size_t k = 0; i != dev && k < inv->n_regions; k++) {
            const struct xpci_region *q = &inv->region[k];

            if (q->start <= r->end && r->start <= q->end &&
                has_region(q, &inv->dev[i]))
                return i;
        }
    }
    return XPCI_NO_PARENT;
}

/* Refusals are those of Xen's intel_iommu_assign_device(); AMD's has none. */
static void tell_region(struct view *v, const struct xpci_region *r)
{
    const struct xpci_inventory *inv = v->inv;
    size_t near = region_neighbour(inv, v->i, r), up = v->dev->parent;
    enum xpci_grade grade = inv->has_ivrs ? XPCI_NOTE : XPCI_ERROR;

    judge(v, "MEMORY", XPCI_NOTE, "the guest must leave it free",
          "rdm = \"strategy=host\" in the guest's configuration",
          "reserved 0x%" PRIx64 " to 0x%" PRIx64, r->start, r->end);
    if (near != XPCI_NO_PARENT)
        judge(v, "MEMORY", grade, "Xen refuses a device that shares it",
              xpci_cell("'%s,rdm_policy=relaxed' in its pci list", v->name),
              "shared with " XPCI_BDF_FMT, BDF_OF(v, near));
    if (up != XPCI_NO_PARENT && (inv->dev[up].pcie_type == XPCI_PCIE_NONE ||
                                 inv->dev[up].pcie_type == XPCI_PCIE_TO_PCI))
        judge(v, "MEMORY", grade, "Xen refuses to map it for such a device",
              "put the card in another place",
              "for a device behind a conventional bridge");
}

static void tell_memory(struct view *v)
{
    const struct xpci_inventory *inv = v->inv;

    if (!v->f->root || inv->tables_unreadable)
        tell(v, "MEMORY", "not known: the firmware's tables are not there");
    for (size_t k = 0; k < inv->n_regions; k++) {
        if (has_region(&inv->region[k], v->dev))
            tell_region(v, &inv->region[k]);
    }
    if (v->dev->virtual_func)
        tell(v, "SRIOV", "a virtual function");
    if (v->dev->sriov.n)
        judge(
            v, "SRIOV", XPCI_ERROR, "they vanish when its driver lets go",
            xpci_cell("echo 0 >/sys/bus/pci/devices/%s/sriov_numvfs", v->name),
            "virtual functions: %u", v->dev->sriov.n);
}

void xpci_facts_device(struct xpci_facts *f, size_t i)
{
    const struct xpci_inventory *inv = &f->call->inv;
    struct view v = {
        .f = f, .call = f->call, .inv = inv, .i = i, .dev = &inv->dev[i]
    };

    xpci_bdf_format(&v.dev->bdf, v.name);
    tell_identity(&v);
    tell_state(&v);
    tell_needed(&v);
    tell_drivers(&v);
    tell_group(&v);
    tell_reset(&v);
    tell_bars(&v);
    tell_interrupts(&v);
    tell_memory(&v);
    xpci_group_clear(&v.group);
}
