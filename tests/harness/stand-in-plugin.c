/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl-4.17.so of a Xen whose guests are the lines of /lib/xpci/guests:
 *
 *     NAME BDF VSLOT [keeps]    has the device, and may not let go of it
 *     NAME BDF 0 fails          is known, but cannot be given the device
 *     NAME BDF 0 mute           has a device model that does not answer
 *     NAME BDF VSLOT later      has the device from the second look on
 *     NAME BDF VSLOT stale      in this state, or "unrecorded"
 *     NAME                      is known
 */
#include <fcntl.h>
#include <unistd.h>

#include "../../common/bdf.c"
#include "../../common/error.c"
#include "toolstack.h"

#define GUESTS "/lib/xpci/guests"
#define PERMISSIVE "/sys/bus/pci/drivers/pciback/permissive"

struct line {
    char name[32], bdf[XPCI_BDF_SIZE], how[12];
    unsigned int vslot;
};

static struct line guests[16];
static size_t n_guests;

static int load(void)
{
    FILE *f = fopen(GUESTS, "re");
    char text[100];

    n_guests = 0;
    while (f && fgets(text, sizeof(text), f)) {
        struct line *line = &guests[n_guests++];

        *line = (struct line){ 0 };
        sscanf(text, "%31s %12s %x %11s", line->name, line->bdf, &line->vslot,
               line->how);
    }
    return f ? fclose(f) : 0;
}

static void save(void)
{
    FILE *f = fopen(GUESTS, "we");

    for (size_t i = 0; f && i < n_guests; i++) {
        const struct line *line = &guests[i];

        fprintf(f, "%s", line->name);
        if (*line->bdf)
            fprintf(f, " %s %x", line->bdf, line->vslot);
        fprintf(f, "%s%s\n", *line->how ? " " : "", line->how);
    }
    if (f)
        fclose(f);
}

static int open_xen(void **ctx, struct xpci_error *err)
{
    (void)err;
    *ctx = NULL;
    return load();
}

static void close_xen(void *ctx)
{
    (void)ctx;
}

static int domain(void *ctx, const char *name, struct xpci_domain *out,
                  struct xpci_error *err)
{
    (void)ctx;
    for (size_t i = 0; i < n_guests; i++) {
        if (strcmp(guests[i].name, name) != 0)
            continue;
        *out = (struct xpci_domain){ (uint32_t)*name, XPCI_DOMAIN_HVM,
                                     strdup(name) };
        return 0;
    }
    return xpci_error_set(err, ENOENT, "there is no guest '%s'", name);
}

static int devices(void *ctx, bool slots, struct xpci_guest_devices *out,
                   struct xpci_error *err)
{
    static unsigned int looks;

    (void)ctx, (void)slots, (void)err;
    looks++;
    out->v = calloc(n_guests + 1, sizeof(*out->v));
    for (size_t i = 0; i < n_guests; i++) {
        const struct line *line = &guests[i];
        struct xpci_guest_device *dev = &out->v[out->n];

        if (!line->vslot || xpci_bdf_parse(line->bdf, &dev->bdf) < 0 ||
            (looks < 2 && !strcmp(line->how, "later")))
            continue;
        dev->domid = (uint32_t)*line->name;
        dev->domain = strdup(line->name);
        dev->requested = dev->vslot = line->vslot;
        dev->state = "attached";
        if (!strcmp(line->how, "stale") || !strcmp(line->how, "unrecorded"))
            dev->state = line->how;
        out->n++;
    }
    return 0;
}

/* The guest's line with the device, or with the device or slot at a guest. */
static struct line *find(const char *name, const char *bdf, unsigned int vslot)
{
    for (size_t i = 0; i < n_guests; i++) {
        struct line *line = &guests[i];

        if (name ? !strcmp(line->name, name) && !strcmp(line->bdf, bdf)
                 : line->vslot &&
                       (!strcmp(line->bdf, bdf) || line->vslot == vslot))
            return line;
    }
    return NULL;
}

static void note_permissive(const char *bdf)
{
    FILE *f = fopen(PERMISSIVE, "ae");

    if (f) {
        fprintf(f, "%s\n", bdf);
        fclose(f);
    }
}

static int attach_one(const char *name, struct xpci_attach_request *req,
                      unsigned int how)
{
    char bdf[XPCI_BDF_SIZE];
    const struct line *line;

    xpci_bdf_format(&req->bdf, bdf);
    line = find(NULL, bdf, req->vslot);
    if (line)
        return xpci_error_set(&req->err, EBUSY, "'%s' has %s at %x", line->name,
                              line->bdf, line->vslot);
    if (how & XPCI_ATTACH_CHECK)
        return 0;
    if (req->permissive) /* before what may fail, as libxl does */
        note_permissive(bdf);
    line = find(name, bdf, 0);
    if (line && !strcmp(line->how, "fails"))
        return xpci_error_set(&req->err, EIO, "%s cannot be given", bdf);
    req->vslot = req->vslot ? req->vslot : 0x10;
    guests[n_guests] = (struct line){ .vslot = req->vslot };
    strcpy(guests[n_guests].name, name);
    strcpy(guests[n_guests++].bdf, bdf);
    save();
    return 0;
}

static int attach(void *ctx, const struct xpci_domain *dom,
                  struct xpci_attach_request *reqs, size_t n, unsigned int how,
                  struct xpci_error *err)
{
    (void)ctx;
    for (size_t i = 0; i < n_guests; i++) {
        if (!strcmp(guests[i].how, "mute"))
            reqs->unasked = (uint32_t)*guests[i].name;
    }
    for (size_t i = 0; i < n; i++) {
        reqs[i].ret = attach_one(dom->name, &reqs[i], how);
        if (reqs[i].ret == 0 || how & XPCI_ATTACH_KEEP_GOING)
            continue;
        *err = xpci_steal(reqs[i].err);
        return reqs[i].ret;
    }
    return 0;
}

static int detach(void *ctx, const struct xpci_domain *dom,
                  const struct xpci_bdf *device, unsigned int timeout,
                  struct xpci_error *err)
{
    char bdf[XPCI_BDF_SIZE];
    struct line *line = find(dom->name, xpci_bdf_format(device, bdf), 0);

    (void)ctx;
    if (!line || !line->vslot)
        return xpci_error_set(err, ENOENT, "%s is not attached to '%s'", bdf,
                              dom->name);
    if (timeout == 0)
        return 0;
    if (!strcmp(line->how, "keeps"))
        return xpci_error_set(err, EIO, "'%s' keeps %s", dom->name, bdf);
    *line->bdf = '\0';
    line->vslot = 0;
    save();
    return 0;
}

/* As libxl does with what a guest has had: pciback lets go of it. */
static int to_dom0(void *ctx, const struct xpci_bdf *bdf,
                   struct xpci_error *err)
{
    char path[100], text[XPCI_BDF_SIZE + 1];
    int fd;

    (void)ctx, (void)err;
    snprintf(text, sizeof(text), XPCI_BDF_FMT "\n", XPCI_BDF_ARGS(*bdf));
    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.*s/driver/unbind",
             (int)strlen(text) - 1, text);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (write(fd, text, strlen(text)) < 0) /* as libxl, it does not tell */
        fprintf(stderr, "%s: %m\n", path);
    close(fd);
    return 0;
}

extern const struct xpci_toolstack_ops xpci_toolstack_plugin;
const struct xpci_toolstack_ops xpci_toolstack_plugin = {
    .abi = XPCI_TOOLSTACK_ABI,
    .size = sizeof(xpci_toolstack_plugin),
    .release = "4.17",
    .open = open_xen,
    .close = close_xen,
    .domain = domain,
    .devices = devices,
    .attach = attach,
    .detach = detach,
    .to_dom0 = to_dom0,
};
