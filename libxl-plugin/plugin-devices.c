/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "plugin.h"

#define BACKENDS "/local/domain/0/backend/pci"
#define MAX_DEVICES 1024
#define MAX_TRIES 20
#define ABSENT UINT_MAX

/* include/public/io/xenbus.h */
enum { INITIALISING = 1, INITIALISED = 3, CONNECTED, CLOSING, CLOSED };

/*
 * Where the records of one guest are being read from, and to. Errors stick:
 * the first one is kept, and from then on no node is there.
 */
struct reader {
    struct plugin *p;
    xs_transaction_t t;
    char path[80];  /* of the node read last */
    uint32_t domid; /* whose backend it is */
    uint32_t owner; /* its domain, or that for which it is a device model */
    char *domain;   /* the guest's name */
    bool gone;
    enum xpci_domain_type type;
    unsigned int state; /* of the whole backend */
    bool details;
    struct xpci_guest_devices *out;
    const struct xpci_bdf *device; /* whose record is to be dropped */
    bool wrote, untouched;
    struct xpci_error *err;
    int ret;
};

static void inconsistent(struct reader *rd, const char *why)
{
    if (rd->ret == 0 && !rd->gone) /* what is left of it nobody reads */
        rd->ret = xpci_error_set(rd->err, EUCLEAN,
                                 "xenstore is inconsistent: '%s' %s; xl and "
                                 "libxl crash when they read it",
                                 rd->path, why);
}

static void _printf_(2, 3) set_path(struct reader *rd, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(rd->path, sizeof(rd->path), fmt, ap);
    va_end(ap);
}

/* A node of the guest's backend, or with an index NAME-INDEX. */
static void set_node(struct reader *rd, const char *name, int index)
{
    char suffix[16] = "";

    if (index >= 0)
        snprintf(suffix, sizeof(suffix), "-%d", index);
    set_path(rd, BACKENDS "/%u/0/%s%s", rd->domid, name, suffix);
}

/* What is at the path; NULL if there is no such node. */
static char *read_path(struct reader *rd)
{
    char *value;

    if (rd->ret < 0)
        return NULL;
    value = xs_read(rd->p->xs, rd->t, rd->path, NULL);
    if (!value && errno != ENOENT)
        rd->ret = xpci_error_errno(rd->err, errno,
                                   "cannot read '%s' from xenstore", rd->path);
    return value;
}

static char *read_node(struct reader *rd, const char *name, int index)
{
    set_node(rd, name, index);
    return read_path(rd);
}

static bool scan(const char *value, const char *fmt, unsigned int *out)
{
    int end = 0;

    return sscanf(value, fmt, out, &end) == 1 && end && !value[end];
}

/* The nodes that hold a number. */
enum number { NUM_DEVS, STATE, VDEVFN, VDEV };

static const struct {
    const char *name, *fmt, *why;
    unsigned int absent;
} numbers[] = {
    [NUM_DEVS] = { "num_devs", "%5u%n", "is not a number of devices", ABSENT },
    [STATE] = { "state", "%8u%n", "is not a number", 0 },
    [VDEVFN] = { "vdevfn", "%8x%n", "is not a number", 0 },
    /* written by xen-pciback when it shows the device to a PV guest */
    [VDEV] = { "vdev", "%*x:%*x:%2x.%*x%n", "is not a device address", ABSENT },
};

static unsigned int read_number(struct reader *rd, enum number what, int index)
{
    _cleanup_free_ char *value = read_node(rd, numbers[what].name, index);
    unsigned int number = numbers[what].absent;

    if (value && (!scan(value, numbers[what].fmt, &number) ||
                  (what == NUM_DEVS && number > MAX_DEVICES))) {
        inconsistent(rd, numbers[what].why);
        return numbers[what].absent;
    }
    return number;
}

static const char *state_name(const struct reader *rd, unsigned int state,
                              bool exported)
{
    if (rd->gone)
        return "stale";
    if (rd->type == XPCI_DOMAIN_HVM) /* pciback's view is not the guest's */
        return "unknown";
    if (state == CLOSED || (state == CLOSING && rd->state == CONNECTED))
        return "detached";
    if (state == CLOSING)
        return "detaching";
    /* While another device comes or goes nothing can be said of this one. */
    return exported && rd->state == CONNECTED ? "attached" : "pending";
}

static void read_details(struct reader *rd, int index,
                         struct xpci_guest_device *dev)
{
    unsigned int state, vslot;

    dev->requested = read_number(rd, VDEVFN, index) >> 3;
    state = read_number(rd, STATE, index);
    vslot = read_number(rd, VDEV, index);
    dev->state = state_name(rd, state, vslot != ABSENT);
    if (!rd->gone && rd->type != XPCI_DOMAIN_HVM && vslot != ABSENT)
        dev->vslot = vslot;
}

static void read_device(struct reader *rd, int index)
{
    _cleanup_free_ char *address = read_node(rd, "dev", index);
    struct xpci_guest_device dev = { .domid = rd->owner,
                                     .state = rd->gone ? "stale" : "unknown" };

    if (!address || xpci_bdf_parse(address, &dev.bdf) < 0) {
        inconsistent(rd, address ? "is not a device address"
                                 : "is missing though num_devs counts it");
        return;
    }
    if (rd->details)
        read_details(rd, index, &dev);
    if (rd->ret < 0)
        return;
    dev.domain = strdup(rd->domain);
    if (!dev.domain || xpci_list_push(rd->out, dev) < 0) {
        free(dev.domain);
        rd->ret = xpci_error_oom(rd->err);
    }
}

/* The name now; the one when the backend was made; the number. */
static void read_name(struct reader *rd)
{
    set_path(rd, "/local/domain/%u/name", rd->owner);
    rd->domain = read_path(rd);
    if (!rd->domain)
        rd->domain = read_node(rd, "domain", -1);
    if (!rd->domain && rd->ret == 0)
        rd->ret = xpci_asprintf(rd->err, &rd->domain, "%u", rd->domid);
}

/*
 * libxl gives a device to the device model's domain, where it has one, and
 * records it there only (pci_add_dm_done()); as libxl_is_stubdom() has it.
 */
static void read_owner(struct reader *rd)
{
    _cleanup_free_ char *target = NULL;

    set_path(rd, "/local/domain/%u/target", rd->domid);
    target = read_path(rd);
    if (!target || !scan(target, "%5u%n", &rd->owner))
        rd->owner = rd->domid;
}

static void read_guest(struct reader *rd)
{
    unsigned int num;
    bool alive = false;

    read_owner(rd);
    if (rd->ret == 0)
        rd->ret =
            plugin_domain_type(rd->p, rd->owner, &alive, &rd->type, rd->err);
    rd->gone = !alive;
    num = read_number(rd, NUM_DEVS, -1);
    if (num == ABSENT) /* the backend of a guest being made */
        return;
    read_name(rd);
    rd->state = rd->details ? read_number(rd, STATE, -1) : 0;
    for (unsigned int i = 0; rd->ret == 0 && i < num; i++)
        read_device(rd, (int)i);
    free(xpci_steal(rd->domain));
}

static void read_guests(struct reader *rd)
{
    unsigned int n = 0;
    _cleanup_free_ char **names = xs_directory(rd->p->xs, rd->t, BACKENDS, &n);

    xpci_guest_devices_clear(rd->out);
    if (!names && errno != ENOENT)
        rd->ret = xpci_error_errno(rd->err, errno,
                                   "cannot list '" BACKENDS "' in xenstore");
    for (unsigned int i = 0; rd->ret == 0 && i < n; i++) {
        if (scan(names[i], "%5u%n", &rd->domid))
            read_guest(rd);
        else
            rd->ret = xpci_error_set(rd->err, EUCLEAN,
                                     "xenstore is inconsistent: '" BACKENDS
                                     "/%s' is not a domain",
                                     names[i]);
    }
}

/*
 * In a transaction, since libxl renumbers the nodes when a device goes. What
 * was read counts only if its end says that nothing changed meanwhile.
 */
static int transact(struct reader *rd, void (*step)(struct reader *))
{
    struct plugin *p = rd->p;

    for (int tries = 0; tries < MAX_TRIES; tries++) {
        rd->t = xs_transaction_start(p->xs);
        if (rd->t == XBT_NULL)
            return xpci_error_errno(rd->err, errno,
                                    "cannot start a xenstore transaction");
        rd->ret = 0;
        step(rd);
        if (xs_transaction_end(p->xs, rd->t, rd->wrote && rd->ret < 0))
            return rd->ret;
        if (errno != EAGAIN)
            return xpci_error_errno(rd->err, errno,
                                    "cannot end a xenstore transaction");
    }
    return xpci_error_set(rd->err, EBUSY,
                          "xenstore keeps changing, another toolstack is at "
                          "work; try again");
}

int plugin_records(struct plugin *p, bool details,
                   struct xpci_guest_devices *out, struct xpci_error *err)
{
    _cleanup_guest_devices_ struct xpci_guest_devices devs = { 0 };
    struct reader rd = { .p = p, .details = details, .out = &devs, .err = err };

    xpci_try(transact(&rd, read_guests));
    *out = xpci_steal(devs);
    return 0;
}

/* NULL removes it and all below. The first error is kept here too. */
static void write_path(struct reader *rd, const char *value)
{
    if (rd->ret < 0)
        return;
    rd->wrote = true;
    if (!(value ? xs_write(rd->p->xs, rd->t, rd->path, value, strlen(value))
                : xs_rm(rd->p->xs, rd->t, rd->path)) &&
        errno != ENOENT)
        rd->ret = xpci_error_errno(rd->err, errno,
                                   "cannot change '%s' in xenstore", rd->path);
}

static void write_node(struct reader *rd, const char *name, int index,
                       const char *value)
{
    set_node(rd, name, index);
    write_path(rd, value);
}

/* A guest that runs hears of its device's own node only. */
static void forget(struct reader *rd)
{
    set_path(rd, "/local/domain/%u/device/pci/0", rd->domid);
    write_path(rd, NULL);
    set_path(rd, BACKENDS "/%u", rd->domid);
    write_path(rd, NULL);
    set_path(rd, "/local/domain/%u/device/pci", rd->domid);
    write_path(rd, NULL);
    set_path(rd, "/libxl/%u/device/pci", rd->domid);
    write_path(rd, NULL);
}

static void move_record(struct reader *rd, int from, int to)
{
    static const char *const nodes[] = { "dev", "vdev", "vdevfn", "opts",
                                         "key", "name", "state" };

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(nodes); i++) {
        _cleanup_free_ char *value = read_node(rd, nodes[i], from);

        write_node(rd, nodes[i], to, value);
        write_node(rd, nodes[i], from, NULL);
    }
}

/*
 * Nobody in the guest has looked at its backend, which has but this device:
 * pciback hears of no single one then.
 */
static bool is_untouched(struct reader *rd, unsigned int backend, int num)
{
    _cleanup_free_ char *state = NULL;
    unsigned int frontend = INITIALISED;

    set_path(rd, "/local/domain/%u/device/pci/0/state", rd->domid);
    state = read_path(rd);
    return num == 1 && backend <= INITIALISED && state &&
           scan(state, "%8u%n", &frontend) && frontend == INITIALISING;
}

static bool has_let_go(struct reader *rd, int index, int num)
{
    unsigned int backend = read_number(rd, STATE, -1);

    return backend == CONNECTED ? read_number(rd, STATE, index) == CLOSING
                                : is_untouched(rd, backend, num);
}

/* The index of the device's record, or -1. */
static int find_record(struct reader *rd, int num)
{
    for (int i = 0; rd->ret == 0 && i < num; i++) {
        _cleanup_free_ char *address = read_node(rd, "dev", i);
        struct xpci_bdf bdf;

        if (address && xpci_bdf_parse(address, &bdf) == 0 &&
            !xpci_bdf_cmp(&bdf, rd->device))
            return i;
    }
    return -1;
}

/*
 * libxl counts on there being no gap: the last record fills it. And on there
 * being no backend without a record: it would tell pciback of no device again.
 */
static void drop_record(struct reader *rd)
{
    int num = (int)read_number(rd, NUM_DEVS, -1);
    int index = find_record(rd, num);
    char left[16];

    rd->wrote = index >= 0 && has_let_go(rd, index, num);
    if (!rd->wrote)
        return;
    move_record(rd, num - 1, index);
    snprintf(left, sizeof(left), "%d", num - 1);
    write_node(rd, "num_devs", -1, left);
    if (num == 1)
        forget(rd);
}

int plugin_drop_record(const struct plugin_job *job)
{
    struct reader rd = { .p = job->p,
                         .domid = job->dom->id,
                         .device = job->device,
                         .err = job->err };

    xpci_try(transact(&rd, drop_record));
    return !rd.wrote;
}

int plugin_forget(const struct plugin_job *job)
{
    struct reader rd = { .p = job->p, .domid = job->dom->id, .err = job->err };

    return transact(&rd, forget);
}

static void look_untouched(struct reader *rd)
{
    int num = (int)read_number(rd, NUM_DEVS, -1);

    rd->untouched = find_record(rd, num) == 0 &&
                    is_untouched(rd, read_number(rd, STATE, -1), num);
}

int plugin_untouched(const struct plugin_job *job)
{
    struct reader rd = { .p = job->p,
                         .domid = job->dom->id,
                         .device = job->device,
                         .err = job->err };

    if (job->dom->type == XPCI_DOMAIN_PV)
        xpci_try(transact(&rd, look_untouched));
    return rd.untouched;
}

const struct xpci_guest_device *plugin_record(
    const struct plugin_job *job, const struct xpci_guest_devices *records)
{
    return xpci_list_find(records, dev,
                          dev->domid == job->dom->id &&
                              !xpci_bdf_cmp(&dev->bdf, job->device));
}

int plugin_recorded(const struct plugin_job *job, const char **state)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    const struct xpci_guest_device *dev;

    xpci_try(plugin_records(job->p, true, &records, job->err));
    dev = plugin_record(job, &records);
    *state = dev ? dev->state : NULL;
    return dev != NULL;
}

int plugin_check_late(const struct plugin_job *job)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    const struct xpci_guest_device *late;
    char bdf[XPCI_BDF_SIZE];

    xpci_try(plugin_records(job->p, true, &records, job->err));
    late = xpci_list_find(&records, dev,
                          dev->domid == job->dom->id &&
                              xpci_bdf_cmp(&dev->bdf, job->device) &&
                              !strcmp(dev->state, "detached"));
    return late ? xpci_error_set(job->err, EBUSY,
                                 "'%s' has let go of %s after its detach was "
                                 "given up, which must end first: run 'xpci "
                                 "detach %s %s'",
                                 job->dom->name,
                                 xpci_bdf_format(&late->bdf, bdf),
                                 job->dom->name, bdf)
                : 0;
}

int plugin_given_to_other(const struct plugin_job *job, uint32_t but)
{
    _cleanup_guest_devices_ struct xpci_guest_devices records = { 0 };
    enum xpci_domain_type type;
    bool noted, alive = false;
    uint32_t domid = but;

    xpci_try(plugin_owner_note(job->p, job->device, &noted, &domid, job->err));
    if (noted && (domid == but || but == (uint32_t)INVALID_DOMID))
        return domid != but;
    if (noted)
        xpci_try(plugin_domain_type(job->p, domid, &alive, &type, job->err));
    if (alive)
        return 1;
    xpci_try(plugin_records(job->p, false, &records, job->err));
    return xpci_list_find(&records, dev,
                          dev->domid != but && strcmp(dev->state, "stale") &&
                              !xpci_bdf_cmp(&dev->bdf, job->device)) != NULL;
}

int plugin_wait_connected(struct plugin *p, uint32_t domid, int64_t deadline,
                          struct xpci_error *err)
{
    struct reader rd = { .p = p, .t = XBT_NULL, .domid = domid, .err = err };

    do {
        rd.state = read_number(&rd, STATE, -1);
        if (rd.ret < 0 || rd.state == CONNECTED || rd.state == 0)
            return rd.ret;
    } while (plugin_wait(deadline));
    return 1;
}

int plugin_owner_note(struct plugin *p, const struct xpci_bdf *bdf, bool *found,
                      uint32_t *domid, struct xpci_error *err)
{
    struct reader rd = { .p = p, .t = XBT_NULL, .err = err };
    _cleanup_free_ char *value = NULL;

    /* PCI_INFO_PATH of libxl_pci.c, since 4.15 */
    set_path(&rd, "/libxl/pci/%04x-%02x-%02x-%x/domid", XPCI_BDF_ARGS(*bdf));
    value = read_path(&rd);
    *found = value;
    if (value && !scan(value, "%5u%n", domid))
        return xpci_error_set(err, EUCLEAN,
                              "xenstore is inconsistent: '%s' is not a domain",
                              rd.path);
    return rd.ret;
}

/* The device model's word on all records of one guest. */
static void fill_slots(struct xpci_guest_devices *devs, uint32_t domid,
                       const struct xpci_monitor_devices *bus)
{
    char id[XPCI_MONITOR_ID_SIZE];

    for (size_t i = 0; i < devs->n; i++) {
        struct xpci_guest_device *dev = &devs->v[i];
        const struct xpci_monitor_device *seen;

        if (dev->domid != domid)
            continue;
        seen = xpci_monitor_find(bus, xpci_monitor_id(&dev->bdf, id));
        dev->vslot = seen ? seen->slot : 0;
        dev->state = seen ? "attached" : "ejected";
    }
}

/* By libxl's note, or by Xen, which does not tell which guest has it. */
static int add_unrecorded(struct plugin *p, const struct xpci_bdf *bdf,
                          struct xpci_guest_devices *devs,
                          struct xpci_error *err)
{
    struct reader rd = {
        .p = p, .t = XBT_NULL, .owner = INVALID_DOMID, .err = err
    };
    struct xpci_guest_device dev = { .bdf = *bdf, .state = "unrecorded" };
    bool noted;
    int ret;

    xpci_try(plugin_owner_note(p, bdf, &noted, &rd.owner, err));
    rd.domid = rd.owner;
    xpci_try(ret = noted ? 1 : plugin_assigned(p, 0, bdf, err));
    if (ret == 0)
        return 0;
    if (noted)
        read_name(&rd);
    else
        rd.domain = strdup("?");
    xpci_try(rd.ret);
    dev.domid = rd.owner;
    dev.domain = rd.domain;
    if (dev.domain && xpci_list_push(devs, dev) == 0)
        return 0;
    free(dev.domain);
    return xpci_error_oom(err);
}

/* An attach is under way, or one was cut off. */
static int add_all_unrecorded(struct plugin *p, struct xpci_guest_devices *devs,
                              struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };

    xpci_try(xpci_root_list(p->root, PLUGIN_PCIBACK, &names, NULL, err));
    for (size_t i = 0; i < names.n; i++) {
        struct xpci_bdf bdf;

        if (xpci_bdf_parse(names.v[i], &bdf) == 0 &&
            !xpci_list_find(devs, dev, !xpci_bdf_cmp(&dev->bdf, &bdf)))
            xpci_try(add_unrecorded(p, &bdf, devs, err));
    }
    return 0;
}

int plugin_devices(void *ctx, bool slots, struct xpci_guest_devices *out,
                   struct xpci_error *err)
{
    _cleanup_guest_devices_ struct xpci_guest_devices devs = { 0 };
    struct plugin *p = ctx;
    uint32_t asked = 0;

    xpci_try(plugin_records(p, true, &devs, err));
    for (size_t i = 0; slots && i < devs.n; i++) {
        _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
        uint32_t domid = devs.v[i].domid;
        int ret;

        /* A guest's records are next to each other. */
        if (domid == asked || strcmp(devs.v[i].state, "unknown"))
            continue;
        asked = domid;
        ret = plugin_slots(p, domid, &bus, NULL);
        xpci_need(ret != -ENOMEM, err);
        if (ret == 0) /* of a mute device model "unknown" stays */
            fill_slots(&devs, domid, &bus);
    }
    xpci_try(add_all_unrecorded(p, &devs, err));
    *out = xpci_steal(devs);
    return 0;
}
