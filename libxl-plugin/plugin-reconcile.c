/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <libxl_utils.h>

#include "plugin.h"
#include "reconcile.h"

#define NOTES "/libxl/pci"
#define BACKENDS "/local/domain/0/backend/pci"
#define EJECT_WAIT_S 30
#define LOOKS 3
/* libxl waits 10 s for a PV guest's backend, and for the reset of each card */
#define LOOK_AGAIN_SLOW_MS 12000

struct sightings {
    struct xpci_sighting *v;
    size_t n;
    struct xpci_guest_devices records;
    bool slow; /* what another toolstack does now may take its time */
};

static void sightings_clear(struct sightings *all)
{
    xpci_guest_devices_clear(&all->records);
    free(all->v);
}

#define _cleanup_sightings_ _cleanup_(sightings_clear)

static struct xpci_sighting *new_sighting(struct sightings *all,
                                          const struct xpci_bdf *bdf)
{
    return xpci_list_push(all, (struct xpci_sighting){ .bdf = *bdf }) < 0
               ? NULL
               : &all->v[all->n - 1];
}

/* That of the device, a new one if need be; NULL: out of memory. */
static struct xpci_sighting *sighting(struct sightings *all,
                                      const struct xpci_bdf *bdf)
{
    struct xpci_sighting *known =
        xpci_list_find(all, s, !xpci_bdf_cmp(&s->bdf, bdf));

    return known ? known : new_sighting(all, bdf);
}

static bool is_of(const struct xpci_sighting *s, unsigned int seen,
                  enum xpci_witness whose, uint32_t domid)
{
    return (s->seen & seen) && s->domid[whose] == domid;
}

static int see_records(struct plugin *p, struct sightings *all,
                       struct xpci_error *err)
{
    xpci_try(plugin_records(p, false, &all->records, err));
    for (size_t i = 0; i < all->records.n; i++) {
        const struct xpci_guest_device *dev = &all->records.v[i];
        struct xpci_sighting *s = sighting(all, &dev->bdf);

        xpci_need(s, err);
        if (!strcmp(dev->state, "stale")) /* see_dead() */
            continue;
        s->seen |=
            XPCI_SEEN_LIVE | (s->seen & XPCI_SEEN_LIVE ? XPCI_SEEN_TWICE : 0);
        s->domid[XPCI_BY_LIVE] = dev->domid;
    }
    return 0;
}

/* Last, so that no more is seen of a device's further sightings. */
static int see_dead(struct plugin *p, struct sightings *all,
                    struct xpci_error *err)
{
    (void)p;
    for (size_t i = 0; i < all->records.n; i++) {
        const struct xpci_guest_device *dev = &all->records.v[i];
        struct xpci_sighting *s = sighting(all, &dev->bdf);

        if (strcmp(dev->state, "stale"))
            continue;
        if (s && s->seen & XPCI_SEEN_DEAD)
            s = new_sighting(all, &dev->bdf);
        xpci_need(s, err);
        s->seen |= XPCI_SEEN_DEAD;
        s->domid[XPCI_BY_DEAD] = dev->domid;
    }
    xpci_reconcile_hold(all->v, all->n);
    return 0;
}

static int see_note(struct plugin *p, struct sightings *all,
                    struct xpci_sighting *s, struct xpci_error *err)
{
    uint32_t *domid = &s->domid[XPCI_BY_NOTE];
    enum xpci_domain_type type;
    bool found, alive = false;

    xpci_try(plugin_owner_note(p, &s->bdf, &found, domid, err));
    if (!found)
        return 0;
    xpci_try(plugin_domain_type(p, *domid, &alive, &type, err));
    s->seen |= alive ? XPCI_SEEN_NOTE : XPCI_SEEN_NOTE_DEAD;
    if (is_of(s, XPCI_SEEN_LIVE, XPCI_BY_LIVE, *domid))
        s->seen |= XPCI_SEEN_NOTE_RIGHT;
    else if (alive) /* libxl writes it before it resets the card */
        all->slow = true;
    return 0;
}

static int see_notes(struct plugin *p, struct sightings *all,
                     struct xpci_error *err)
{
    unsigned int n = 0;
    _cleanup_free_ char **names = xs_directory(p->xs, XBT_NULL, NOTES, &n);

    if (!names && errno != ENOENT)
        return xpci_error_errno(err, errno,
                                "cannot list '" NOTES "' in xenstore");
    for (unsigned int i = 0; i < n; i++) {
        unsigned int seg, bus, slot, func;
        struct xpci_sighting *s;

        if (sscanf(names[i], "%4x-%2x-%2x-%1x", &seg, &bus, &slot, &func) != 4)
            continue;
        s = sighting(all, &(struct xpci_bdf){ seg, (uint8_t)bus, (uint8_t)slot,
                                              (uint8_t)func });
        xpci_need(s, err);
        xpci_try(see_note(p, all, s, err));
    }
    return 0;
}

static int see_drivers(struct plugin *p, struct sightings *all,
                       struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    struct xpci_sighting *s;
    struct xpci_bdf bdf;

    xpci_try(xpci_root_list(p->root, PLUGIN_PCIBACK, &names, NULL, err));
    for (size_t i = 0; i < names.n; i++) {
        if (xpci_bdf_parse(names.v[i], &bdf) < 0)
            continue;
        s = sighting(all, &bdf);
        xpci_need(s, err);
        s->seen |= XPCI_SEEN_PCIBACK;
    }
    return 0;
}

/* Ids have no segment: is it a device that the guest has by its records? */
static bool is_recorded(const struct sightings *all, const char *id,
                        uint32_t domid)
{
    char of[XPCI_MONITOR_ID_SIZE];

    return xpci_list_find(all, s,
                          is_of(s, XPCI_SEEN_LIVE, XPCI_BY_LIVE, domid) &&
                              !strcmp(id, xpci_monitor_id(&s->bdf, of)));
}

static void judge_model(const struct sightings *all, struct xpci_sighting *s,
                        uint32_t domid, const struct xpci_monitor_devices *bus)
{
    bool mine = is_of(s, XPCI_SEEN_LIVE, XPCI_BY_LIVE, domid);
    bool noted = !(s->seen & XPCI_SEEN_LIVE) &&
                 is_of(s, XPCI_SEEN_NOTE, XPCI_BY_NOTE, domid);
    char id[XPCI_MONITOR_ID_SIZE];

    xpci_monitor_id(&s->bdf, id);
    if (!bus->n) { /* no answer: there is always a host bridge */
        s->seen |= mine || noted ? XPCI_SEEN_MUTE : 0;
    } else if (xpci_monitor_find(bus, id) &&
               (mine || !is_recorded(all, id, domid))) {
        s->seen |= mine ? XPCI_SEEN_TAKEN : XPCI_SEEN_FOREIGN;
        if (!mine)
            s->domid[XPCI_BY_MODEL] = domid;
    }
}

static int see_guest(struct plugin *p, struct sightings *all,
                     const libxl_dominfo *info, struct xpci_error *err)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };

    if (info->domid == 0 || info->dying)
        return 0;
    if (info->domain_type == LIBXL_DOMAIN_TYPE_HVM) {
        xpci_need(plugin_slots(p, info->domid, &bus, NULL) != -ENOMEM, err);
        for (size_t i = 0; i < all->n; i++)
            judge_model(all, &all->v[i], info->domid, &bus);
        return 0;
    }
    all->slow = true;
    for (size_t i = 0; i < all->n; i++) {
        if (is_of(&all->v[i], XPCI_SEEN_LIVE, XPCI_BY_LIVE, info->domid))
            all->v[i].seen |= XPCI_SEEN_TAKEN | XPCI_SEEN_PV;
    }
    return 0;
}

static int see_guests(struct plugin *p, struct sightings *all,
                      struct xpci_error *err)
{
    int n = 0, ret = 0;
    libxl_dominfo *list;

    plugin_log_reset(p);
    list = libxl_list_domain(p->ctx, &n);
    if (!list)
        return plugin_error(p, ERROR_FAIL, err, "cannot list the guests");
    for (int i = 0; i < n && ret == 0; i++)
        ret = see_guest(p, all, &list[i], err);
    libxl_dominfo_list_free(list, n);
    return ret;
}

static int see_xen(struct plugin *p, struct sightings *all,
                   struct xpci_error *err)
{
    for (size_t i = 0; i < all->n; i++) {
        struct xpci_sighting *s = &all->v[i];
        int ret = 0;

        if (s->seen & (XPCI_SEEN_PCIBACK | XPCI_SEEN_LIVE))
            xpci_try(ret = plugin_assigned(p, 0, &s->bdf, err));
        s->seen |= ret ? XPCI_SEEN_XEN : 0;
    }
    return 0;
}

/* What is left of guests that are gone, with no device in it. */
static int see_remains(struct plugin *p, struct sightings *all,
                       struct xpci_error *err)
{
    unsigned int n = 0;
    _cleanup_free_ char **names = xs_directory(p->xs, XBT_NULL, BACKENDS, &n);
    struct xpci_sighting s = { .no_device = true, .seen = XPCI_SEEN_DEAD };
    uint32_t *domid = &s.domid[XPCI_BY_DEAD];

    for (unsigned int i = 0; i < n; i++) {
        enum xpci_domain_type type;
        bool known =
            sscanf(names[i], "%5u", domid) != 1 ||
            xpci_list_find(all, dead,
                           is_of(dead, XPCI_SEEN_DEAD, XPCI_BY_DEAD, *domid));

        if (!known)
            xpci_try(plugin_domain_type(p, *domid, &known, &type, err));
        xpci_need(known || xpci_list_push(all, s) == 0, err);
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct xpci_sighting *x = a, *y = b;

    return xpci_bdf_cmp(&x->bdf, &y->bdf);
}

static int see_all(struct plugin *p, struct sightings *all,
                   struct xpci_error *err)
{
    static int (*const steps[])(struct plugin *, struct sightings *,
                                struct xpci_error *) = {
        see_records, see_notes, see_drivers, see_guests,
        see_xen,     see_dead,  see_remains,
    };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(steps); i++)
        xpci_try(steps[i](p, all, err));
    if (all->n)
        qsort(all->v, all->n, sizeof(*all->v), compare);
    return 0;
}

static int add_finding(struct plugin *p, const struct xpci_sighting *s,
                       const struct xpci_rule *rule,
                       struct xpci_mismatches *out, struct xpci_error *err)
{
    struct xpci_mismatch *f = xpci_list_add(out);

    xpci_need(f, err);
    f->bdf = s->bdf;
    f->no_device = s->no_device;
    f->rule = rule;
    f->wrong = rule->wrong;
    f->fix = rule->fix;
    if (rule->whose == XPCI_BY_NOBODY)
        return 0;
    f->domid = s->domid[rule->whose];
    f->domain = libxl_domid_to_name(p->ctx, f->domid);
    return f->domain ? 0 : xpci_asprintf(err, &f->domain, "%u", f->domid);
}

static int look(struct plugin *p, struct xpci_mismatches *out, bool *slow,
                struct xpci_error *err)
{
    _cleanup_sightings_ struct sightings all = { 0 };
    const struct xpci_rule *rule = NULL;

    xpci_try(see_all(p, &all, err));
    *slow = all.slow;
    for (size_t i = 0; i < all.n; i++) {
        while ((rule = xpci_reconcile_next(&all.v[i], rule)))
            xpci_try(add_finding(p, &all.v[i], rule, out, err));
    }
    return 0;
}

static struct xpci_mismatch *find(const struct xpci_mismatches *in,
                                  const struct xpci_mismatch *same)
{
    return xpci_list_find(in, f,
                          f->rule == same->rule && f->domid == same->domid &&
                              !xpci_bdf_cmp(&f->bdf, &same->bdf));
}

/* NULL removes it. */
static int change_note(const struct plugin_job *job, const char *value)
{
    char path[80];

    snprintf(path, sizeof(path), NOTES "/%04x-%02x-%02x-%x/domid",
             XPCI_BDF_ARGS(*job->device));
    if (value ? xs_write(job->p->xs, XBT_NULL, path, value, strlen(value))
              : xs_rm(job->p->xs, XBT_NULL, path) || errno == ENOENT)
        return 0;
    return xpci_error_errno(job->err, errno, "cannot change '%s' in xenstore",
                            path);
}

static int unnote(const struct plugin_job *job)
{
    return change_note(job, NULL);
}

int plugin_let_go(const struct plugin_job *job)
{
    int ret = plugin_drop_record(job);
    uint32_t domid = 0;
    bool noted = false;

    if (ret == 0)
        ret = plugin_owner_note(job->p, job->device, &noted, &domid, job->err);
    return ret == 0 && noted && domid == job->dom->id ? unnote(job) : ret;
}

int plugin_note(const struct plugin_job *job)
{
    char domid[16];

    snprintf(domid, sizeof(domid), "%u", job->dom->id);
    return change_note(job, domid);
}

static int eject(const struct plugin_job *job)
{
    int ret = plugin_eject(job, xpci_now_ms() + EJECT_WAIT_S * 1000);

    if (ret > 0)
        return xpci_error_set(job->err, ETIMEDOUT,
                              "the guest has not answered, the request stays "
                              "pending");
    return ret < 0 ? ret : plugin_take_back(job);
}

static int detach(const struct plugin_job *job)
{
    struct xpci_domain dom = *job->dom;

    dom.type = XPCI_DOMAIN_PV;
    return plugin_detach(job->p, &dom, job->device, EJECT_WAIT_S, job->err);
}

/* A failure is the finding's, in the end only if it is still there. */
static void put_right(struct plugin *p, struct xpci_mismatch *f)
{
    static int (*const remedies[])(const struct plugin_job *) = {
        [XPCI_REMEDY_FORGET] = plugin_forget,    [XPCI_REMEDY_UNNOTE] = unnote,
        [XPCI_REMEDY_NOTE] = plugin_note,        [XPCI_REMEDY_EJECT] = eject,
        [XPCI_REMEDY_FINISH] = plugin_take_back, [XPCI_REMEDY_DETACH] = detach,
    };
    struct xpci_domain dom = { .id = f->domid, .name = f->domain };
    struct xpci_error err = { 0 };
    struct plugin_job job = plugin_job(p, &dom, &f->bdf, &err);

    if (f->rule->remedy != XPCI_REMEDY_NONE &&
        remedies[f->rule->remedy](&job) < 0)
        f->failure = xpci_steal(err.msg);
    xpci_error_clear(&err);
}

/* Until two looks in a row see the same, as far as *now has come then. */
static int look_again(struct plugin *p, bool slow,
                      struct xpci_mismatches *before,
                      struct xpci_mismatches *now, struct xpci_error *err)
{
    for (int left = LOOKS; left-- > 0;) {
        int64_t wait = slow ? LOOK_AGAIN_SLOW_MS : PLUGIN_SETTLE_MS;
        int64_t until = xpci_now_ms() + wait;

        while (plugin_wait(until))
            ;
        xpci_try(look(p, now, &slow, err));
        if (left == 0 || !xpci_list_find(now, f, !find(before, f)))
            break;
        xpci_mismatches_clear(before);
        *before = xpci_steal(*now);
    }
    return 0;
}

/*
 * Only what is still so after a while: another toolstack may be at work, or a
 * kernel at what a killed one has asked for. What was put right is then proven
 * by another look, which may find more.
 */
static int fix_all(struct plugin *p, struct xpci_mismatches *first, bool slow,
                   struct xpci_mismatches *out, struct xpci_error *err)
{
    _cleanup_mismatches_ struct xpci_mismatches now = { 0 }, after = { 0 };
    int64_t seen;

    xpci_try(look_again(p, slow, first, &now, err));
    seen = xpci_now_ms();
    for (size_t i = 0; i < now.n; i++) {
        if (xpci_now_ms() - seen > PLUGIN_SETTLE_MS) { /* one took its time */
            xpci_mismatches_clear(first);
            xpci_try(look(p, first, &slow, err));
            seen = xpci_now_ms();
        }
        if (find(first, &now.v[i]))
            put_right(p, &now.v[i]);
    }
    xpci_try(look(p, &after, &slow, err));
    for (size_t i = 0; i < now.n; i++)
        now.v[i].fixed = !find(&after, &now.v[i]);
    for (size_t i = 0; i < after.n; i++) {
        if (!find(&now, &after.v[i]))
            xpci_need(xpci_list_push(&now, xpci_steal(after.v[i])) == 0, err);
    }
    *out = xpci_steal(now);
    return 0;
}

int plugin_reconcile(void *ctx, bool fix, struct xpci_mismatches *out,
                     struct xpci_error *err)
{
    _cleanup_mismatches_ struct xpci_mismatches first = { 0 };
    bool slow;

    xpci_try(look(ctx, &first, &slow, err));
    if (fix && first.n)
        return fix_all(ctx, &first, slow, out, err);
    *out = xpci_steal(first);
    return 0;
}
