/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "plugin.h"

#define BACKENDS "/local/domain/0/backend/pci"
#define MAX_DEVICES 1024
#define MAX_TRIES 20

/* include/public/io/xenbus.h */
enum { CONNECTED = 4, CLOSING = 5, CLOSED = 6 };

/* Where the records of one guest are being read from, and to. */
struct reader {
    struct plugin *p;
    xs_transaction_t t;
    uint32_t domid;
    char *domain; /* the guest's name */
    bool alive;
    enum xpci_domain_type type;
    unsigned int state; /* of the whole backend */
    struct xpci_guest_devices *out;
    struct xpci_error *err;
};

static int inconsistent(struct reader *rd, const char *path, const char *why)
{
    return xpci_error_set(rd->err, EUCLEAN,
                          "xenstore is inconsistent: '%s' %s; xl and "
                          "libxl crash when they read it",
                          path, why);
}

/* Reads BACKENDS/DOMID/0/NODE; *value is NULL if there is no such node. */
static int read_node(struct reader *rd, char **value, char **path,
                     const char *name, int index)
{
    char suffix[16] = "";

    if (index >= 0)
        snprintf(suffix, sizeof(suffix), "-%d", index);
    if (xpci_asprintf(rd->err, path, BACKENDS "/%u/0/%s%s", rd->domid, name,
                      suffix) < 0)
        return -ENOMEM;
    *value = xs_read(rd->p->xs, rd->t, *path, NULL);
    if (!*value && errno != ENOENT)
        return xpci_error_errno(rd->err, errno,
                                "cannot read '%s' from xenstore", *path);
    return 0;
}

/* A number that may be missing, which is @absent then. */
static int read_number(struct reader *rd, const char *name, int index,
                       const char *fmt, unsigned int absent, unsigned int *out)
{
    _cleanup_free_ char *value = NULL, *path = NULL;
    int ret = read_node(rd, &value, &path, name, index), end = 0;

    if (ret < 0)
        return ret;
    *out = absent;
    if (value && (sscanf(value, fmt, out, &end) != 1 || value[end]))
        return inconsistent(rd, path, "is not a number");
    return 0;
}

static int read_bdf(struct reader *rd, int index, struct xpci_bdf *bdf)
{
    _cleanup_free_ char *value = NULL, *path = NULL;
    int ret = read_node(rd, &value, &path, "dev", index);

    if (ret < 0)
        return ret;
    if (!value)
        return inconsistent(rd, path, "is missing though num_devs counts it");
    if (xpci_bdf_parse(value, bdf) < 0)
        return inconsistent(rd, path, "is not a device address");
    return 0;
}

/* vdev-N, written by xen-pciback when it shows the device to a PV guest. */
static int read_vdev(struct reader *rd, int index, bool *found,
                     unsigned int *vslot)
{
    _cleanup_free_ char *value = NULL, *path = NULL;
    int ret = read_node(rd, &value, &path, "vdev", index), end = 0;

    *found = value;
    if (ret < 0 || !value)
        return ret;
    if (sscanf(value, "%*x:%*x:%2x.%*x%n", vslot, &end) != 1 || value[end])
        return inconsistent(rd, path, "is not a device address");
    return 0;
}

static const char *pv_state(const struct reader *rd, unsigned int state,
                            bool exported)
{
    if (state == CLOSING)
        return "detaching";
    if (state == CLOSED)
        return "detached";
    /* While another device comes or goes nothing can be said of this one. */
    return exported && rd->state == CONNECTED ? "attached" : "pending";
}

static int add_record(struct reader *rd, const struct xpci_guest_device *dev)
{
    struct xpci_guest_device *v;
    char *name = strdup(rd->domain);

    v = reallocarray(rd->out->v, rd->out->n + 1, sizeof(*v));
    if (v)
        rd->out->v = v;
    if (!v || !name) {
        free(name);
        return xpci_error_oom(rd->err);
    }
    v[rd->out->n] = *dev;
    v[rd->out->n++].domain = name;
    return 0;
}

static int read_device(struct reader *rd, int index)
{
    struct xpci_guest_device dev = { .domid = rd->domid };
    unsigned int vdevfn, state, vslot = 0;
    bool exported;
    int ret = read_bdf(rd, index, &dev.bdf);

    if (ret == 0)
        ret = read_number(rd, "vdevfn", index, "%8x%n", 0, &vdevfn);
    if (ret == 0)
        ret = read_number(rd, "state", index, "%8u%n", 0, &state);
    if (ret == 0)
        ret = read_vdev(rd, index, &exported, &vslot);
    if (ret < 0)
        return ret;
    dev.requested = vdevfn >> 3;
    if (!rd->alive)
        dev.state = "stale";
    else if (rd->type ==
             XPCI_DOMAIN_HVM) /* pciback's view is not the guest's */
        dev.state = "unknown";
    else
        dev.state = pv_state(rd, state, exported);
    if (rd->alive && rd->type != XPCI_DOMAIN_HVM && exported)
        dev.vslot = vslot;
    return add_record(rd, &dev);
}

/* The name now; the one when the backend was made; the number. */
static int read_name(struct reader *rd)
{
    _cleanup_free_ char *path = NULL, *backend = NULL, *node = NULL;
    int ret = read_node(rd, &backend, &node, "domain", -1);

    if (ret < 0)
        return ret;
    if (xpci_asprintf(rd->err, &path, "/local/domain/%u/name", rd->domid) < 0)
        return -ENOMEM;
    rd->domain = xs_read(rd->p->xs, rd->t, path, NULL);
    if (!rd->domain && errno != ENOENT)
        return xpci_error_errno(rd->err, errno,
                                "cannot read '%s' from xenstore", path);
    if (!rd->domain)
        rd->domain = xpci_steal(backend);
    if (rd->domain)
        return 0;
    return xpci_asprintf(rd->err, &rd->domain, "%u", rd->domid);
}

static int read_guest_devices(struct reader *rd, int num)
{
    int ret = read_name(rd), i;

    if (ret == 0)
        ret = plugin_domain_type(rd->p, rd->domid, &rd->alive, &rd->type,
                                 rd->err);
    if (ret == 0)
        ret = read_number(rd, "state", -1, "%8u%n", 0, &rd->state);
    for (i = 0; ret == 0 && i < num; i++)
        ret = read_device(rd, i);
    free(rd->domain);
    rd->domain = NULL;
    return ret;
}

static int read_guest(struct reader *rd)
{
    _cleanup_free_ char *value = NULL, *path = NULL;
    int ret = read_node(rd, &value, &path, "num_devs", -1), end = 0;
    unsigned int num;

    if (ret < 0 || !value) /* the backend of a guest that is being made */
        return ret;
    if (sscanf(value, "%5u%n", &num, &end) != 1 || value[end] ||
        num > MAX_DEVICES)
        return inconsistent(rd, path, "is not a number of devices");
    return read_guest_devices(rd, (int)num);
}

static int read_guests(struct plugin *p, xs_transaction_t t,
                       struct xpci_guest_devices *out, struct xpci_error *err)
{
    struct reader rd = { .p = p, .t = t, .out = out, .err = err };
    _cleanup_free_ char **names = NULL;
    unsigned int n = 0, i;
    int ret = 0, end = 0;

    names = xs_directory(p->xs, t, BACKENDS, &n);
    if (!names && errno != ENOENT)
        return xpci_error_errno(err, errno,
                                "cannot list '" BACKENDS "' in xenstore");
    for (i = 0; ret == 0 && i < n; i++) {
        if (sscanf(names[i], "%5u%n", &rd.domid, &end) != 1 || names[i][end])
            return xpci_error_set(err, EUCLEAN,
                                  "xenstore is inconsistent: '" BACKENDS
                                  "/%s' is not a domain",
                                  names[i]);
        ret = read_guest(&rd);
    }
    return ret;
}

/*
 * In a transaction, since libxl renumbers the nodes when a device goes. What
 * was read counts only if its end says that nothing changed meanwhile.
 */
int plugin_records(struct plugin *p, struct xpci_guest_devices *out,
                   struct xpci_error *err)
{
    int tries, ret;

    for (tries = 0; tries < MAX_TRIES; tries++) {
        _cleanup_guest_devices_ struct xpci_guest_devices devs = { 0 };
        xs_transaction_t t = xs_transaction_start(p->xs);

        if (t == XBT_NULL)
            return xpci_error_errno(err, errno,
                                    "cannot start a xenstore transaction");
        ret = read_guests(p, t, &devs, err);
        if (!xs_transaction_end(p->xs, t, false)) {
            if (errno == EAGAIN)
                continue;
            return xpci_error_errno(err, errno,
                                    "cannot end a xenstore transaction");
        }
        if (ret == 0) {
            *out = xpci_steal(devs);
        }
        return ret;
    }
    return xpci_error_set(err, EBUSY,
                          "xenstore keeps changing, another toolstack is at "
                          "work; try again");
}

const struct xpci_guest_device *plugin_record_find(
    const struct xpci_guest_devices *records, uint32_t domid,
    const struct xpci_bdf *bdf)
{
    size_t i;

    for (i = 0; i < records->n; i++) {
        if (records->v[i].domid == domid &&
            !xpci_bdf_cmp(&records->v[i].bdf, bdf))
            return &records->v[i];
    }
    return NULL;
}

/* The backend's state, 0 if there is none. */
static int backend_state(struct plugin *p, uint32_t domid, unsigned int *state,
                         struct xpci_error *err)
{
    struct reader rd = { .p = p, .t = XBT_NULL, .domid = domid, .err = err };

    return read_number(&rd, "state", -1, "%8u%n", 0, state);
}

int plugin_wait_connected(struct plugin *p, uint32_t domid, int64_t deadline,
                          struct xpci_error *err)
{
    unsigned int state;
    int ret;

    for (;;) {
        ret = backend_state(p, domid, &state, err);
        if (ret < 0 || state == CONNECTED || state == 0)
            return ret;
        if (plugin_now_ms() >= deadline)
            return 1;
        plugin_poll_sleep();
    }
}

int plugin_owner_note(struct plugin *p, const struct xpci_bdf *bdf, bool *found,
                      uint32_t *domid, struct xpci_error *err)
{
    _cleanup_free_ char *path = NULL, *value = NULL;
    int end = 0;

    /* PCI_INFO_PATH of libxl_pci.c, since 4.15 */
    if (xpci_asprintf(err, &path, "/libxl/pci/%04x-%02x-%02x-%x/domid",
                      XPCI_BDF_ARGS(*bdf)) < 0)
        return -ENOMEM;
    value = xs_read(p->xs, XBT_NULL, path, NULL);
    *found = value;
    if (!value && errno != ENOENT)
        return xpci_error_errno(err, errno, "cannot read '%s' from xenstore",
                                path);
    if (value && (sscanf(value, "%5u%n", domid, &end) != 1 || value[end]))
        return xpci_error_set(err, EUCLEAN,
                              "xenstore is inconsistent: '%s' is not a domain",
                              path);
    return 0;
}

/* The device model's word on all records of one guest. */
static void fill_slots(struct xpci_guest_devices *devs, uint32_t domid,
                       const struct xpci_monitor_devices *bus)
{
    char id[XPCI_MONITOR_ID_SIZE];
    size_t i;

    for (i = 0; i < devs->n; i++) {
        struct xpci_guest_device *dev = &devs->v[i];
        const struct xpci_monitor_device *seen;

        if (dev->domid != domid)
            continue;
        seen = xpci_monitor_find(bus, xpci_monitor_id(&dev->bdf, id));
        dev->vslot = seen ? seen->slot : 0;
        dev->state = seen ? "attached" : "ejected";
    }
}

int plugin_devices(void *ctx, struct xpci_guest_devices *out,
                   struct xpci_error *err)
{
    _cleanup_guest_devices_ struct xpci_guest_devices devs = { 0 };
    struct plugin *p = ctx;
    uint32_t asked = 0;
    size_t i;
    int ret = plugin_records(p, &devs, err);

    for (i = 0; ret == 0 && i < devs.n; i++) {
        _cleanup_monitor_devices_ struct xpci_monitor_devices bus = { 0 };
        uint32_t domid = devs.v[i].domid;

        /* A guest's records are next to each other. */
        if (domid == asked || strcmp(devs.v[i].state, "unknown"))
            continue;
        asked = domid;
        ret = plugin_slots(p, domid, &bus, NULL);
        if (ret == 0)
            fill_slots(&devs, domid, &bus);
        else if (ret == -ENOMEM)
            return xpci_error_oom(err);
        ret = 0; /* a mute device model: "unknown" stays */
    }
    if (ret < 0)
        return ret;
    *out = xpci_steal(devs);
    return 0;
}
