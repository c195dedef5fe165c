/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "guard.h"

/* deeper stacks than this are loops */
#define MAX_DEPTH 16

struct walk {
    const struct xpci_root *root;
    struct xpci_guard *guard;
    struct xpci_error *err;
    int depth;
};

static int add(struct walk *w, const struct xpci_bdf *bdf, const char *chain)
{
    struct xpci_guarded *v;

    v = realloc(w->guard->v, (w->guard->n + 1) * sizeof(*v));
    if (!v)
        return xpci_error_oom(w->err);
    w->guard->v = v;
    v[w->guard->n] = (struct xpci_guarded){ *bdf, strdup(chain) };
    return v[w->guard->n++].reason ? 0 : xpci_error_oom(w->err);
}

/* The last PCI function in a sysfs path, the one next to the device. */
static bool last_bdf(const char *path, struct xpci_bdf *out)
{
    bool found = false;

    while (*path) {
        size_t len = strcspn(path, "/");
        struct xpci_bdf bdf;

        if (len >= 12 && xpci_bdf_parse_len(path, len, &bdf) == 0) {
            *out = bdf;
            found = true;
        }
        path += len + (path[len] == '/');
    }
    return found;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int longer(struct walk *w, char **out, const char *chain,
                  const char *name)
{
    if (asprintf(out, "%s%s%s", chain,
                 strstr(chain, " is on ") ? ", on " : " is on ", name) < 0) {
        *out = NULL;
        return xpci_error_oom(w->err);
    }
    return 0;
}

static int walk_block(struct walk *w, const char *name, const char *chain);

/* Follows every entry of @dir that starts with @prefix, by its rest. */
static int walk_all(struct walk *w, const char *dir, const char *prefix,
                    const char *chain,
                    int (*next)(struct walk *, const char *, const char *))
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    int ret = xpci_root_list(w->root, dir, &names, NULL, w->err);

    if (ret == 0 && ++w->depth > MAX_DEPTH)
        ret = xpci_error_set(w->err, ELOOP, "'%s' leads back to itself", dir);
    for (size_t i = 0; ret == 0 && i < names.n; i++) {
        if (!strncmp(names.v[i], prefix, strlen(prefix)))
            ret = next(w, names.v[i] + strlen(prefix), chain);
    }
    w->depth--;
    return ret;
}

/*
 * The link of a device in sysfs. Returns 1; 0 if there is no such device;
 * an error for one that is there and cannot be read: it is not free.
 */
static int read_link(struct walk *w, const char *path, char **link)
{
    int ret = xpci_root_readlink(w->root, path, link);

    if (ret == 0)
        return 1;
    if (ret == -ENOENT || ret == -ENOTDIR || ret == -EINVAL)
        return 0;
    return xpci_error_errno(w->err, -ret, "cannot read '%s%s'",
                            xpci_root_dir(w->root), path);
}

/*
 * Puts the device at @path into the chain, *whole, and ends there if it is a
 * PCI function's. Returns 1 if it stands on others, 0 if that was all.
 */
static int step(struct walk *w, const char *path, const char *chain,
                char **whole, char **link)
{
    struct xpci_bdf bdf = { 0 };
    int ret = read_link(w, path, link);

    if (ret <= 0)
        return ret;
    ret = longer(w, whole, chain, last_part(path));
    if (ret < 0)
        return ret;
    return last_bdf(*link, &bdf) ? add(w, &bdf, *whole) : 1;
}

/* A controller of an NVMe subsystem, "nvme0"; its namespaces are none. */
static int walk_nvme(struct walk *w, const char *name, const char *chain)
{
    _cleanup_free_ char *link = NULL, *whole = NULL;
    char path[320];
    int ret;

    snprintf(path, sizeof(path), "/sys/class/nvme/%.250s", name);
    ret = step(w, path, chain, &whole, &link);
    return ret < 0 ? ret : 0; /* one over a network stands on no card here */
}

static int walk_subsystem(struct walk *w, const char *link, const char *chain)
{
    const char *name = strstr(link, "/nvme-subsystem/");
    char dir[160];

    if (!name)
        return 0;
    name += strlen("/nvme-subsystem/");
    snprintf(dir, sizeof(dir), "/sys/class/nvme-subsystem/%.*s",
             (int)strcspn(name, "/"), name);
    return walk_all(w, dir, "", chain, walk_nvme);
}

static int walk_block(struct walk *w, const char *name, const char *chain)
{
    _cleanup_free_ char *link = NULL, *whole = NULL;
    char path[320];
    int ret;

    snprintf(path, sizeof(path), "/sys/class/block/%.250s", name);
    ret = step(w, path, chain, &whole, &link);
    if (ret <= 0)
        return ret;
    ret = walk_subsystem(w, link, whole);
    strcat(path, "/slaves");
    return ret < 0 ? ret : walk_all(w, path, "", whole, walk_block);
}

/* "/dev/mapper/vg-root" is a link to "../dm-0" */
static int walk_source(struct walk *w, const char *source, const char *chain)
{
    _cleanup_free_ char *link = NULL;
    const char *name = source;
    int ret;

    if (strncmp(source, "/dev/", 5))
        return 0;
    ret = read_link(w, source, &link);
    if (ret < 0)
        return ret;
    if (ret > 0)
        name = link;
    return walk_block(w, last_part(name), chain);
}

/*
 * One line of mountinfo (proc(5)): the mount point is field 5, the device
 * number field 3; behind " - " stand type and source. btrfs and ZFS mounts
 * have an anonymous number, so the source counts where it is a device.
 */
static int walk_mount(struct walk *w, char *line)
{
    _cleanup_free_ char *link = NULL;
    char *rest = strstr(line, " - "), number[24], point[512], source[512];
    char path[64];
    int ret;

    if (!rest || sscanf(line, "%*s %*s %23s %*s %511s", number, point) != 2 ||
        sscanf(rest, " - %*s %511s", source) != 1)
        return xpci_error_set(w->err, EINVAL,
                              "cannot understand mountinfo line '%s'", line);
    snprintf(path, sizeof(path), "/sys/dev/block/%s", number);
    ret = read_link(w, path, &link);
    if (ret < 0)
        return ret;
    if (ret > 0)
        return walk_block(w, last_part(link), point);
    return walk_source(w, source, point);
}

static int each_line(struct walk *w, const char *path, int skip,
                     int (*fn)(struct walk *, char *))
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    char *save = NULL, *line;
    bool found;
    int ret = xpci_root_read_optional(w->root, path, &text, &found, w->err);

    if (ret < 0 || text.len == 0)
        return ret;
    for (line = strtok_r(text.data, "\n", &save); ret == 0 && line;
         line = strtok_r(NULL, "\n", &save)) {
        if (skip-- <= 0)
            ret = fn(w, line);
    }
    return ret;
}

static int walk_swap(struct walk *w, char *line)
{
    line[strcspn(line, " \t")] = '\0';
    return walk_source(w, line, "swap");
}

static int walk_net(struct walk *w, const char *name, const char *chain)
{
    _cleanup_free_ char *link = NULL, *whole = NULL;
    char path[320];
    int ret;

    snprintf(path, sizeof(path), "/sys/class/net/%.250s", name);
    ret = step(w, path, chain, &whole, &link);
    return ret <= 0 ? ret : walk_all(w, path, "lower_", whole, walk_net);
}

/* /proc/net/route: interface, then the destination, 0 for the default */
static int walk_route(struct walk *w, char *line)
{
    char name[64], destination[16];

    if (sscanf(line, "%63s %15s", name, destination) != 2 ||
        strcmp(destination, "00000000"))
        return 0;
    return walk_net(w, name, "the default route");
}

/* /proc/net/ipv6_route: destination and its length first, interface last */
static int walk_route6(struct walk *w, char *line)
{
    const char *name = strrchr(line, ' ');

    if (!name || strncmp(line, "00000000000000000000000000000000 00 ", 36))
        return 0;
    return walk_net(w, name + 1, "the default route");
}

int xpci_guard_load(const struct xpci_root *root, struct xpci_guard *guard,
                    struct xpci_error *err)
{
    struct walk w = { .root = root, .guard = guard, .err = err };
    int ret;

    guard->known = xpci_root_exists(root, "/proc/self/mountinfo");
    ret = each_line(&w, "/proc/self/mountinfo", 0, walk_mount);
    if (ret == 0)
        ret = each_line(&w, "/proc/swaps", 1, walk_swap);
    if (ret == 0)
        ret = each_line(&w, "/proc/net/route", 1, walk_route);
    if (ret == 0)
        ret = each_line(&w, "/proc/net/ipv6_route", 0, walk_route6);
    if (ret < 0) {
        xpci_guard_clear(guard);
        return xpci_error_wrap(err, "what dom0 lives on is not known");
    }
    return 0;
}

const char *xpci_guard_find(const struct xpci_guard *guard,
                            const struct xpci_bdf *bdf)
{
    for (size_t i = 0; i < guard->n; i++) {
        if (xpci_bdf_cmp(&guard->v[i].bdf, bdf) == 0)
            return guard->v[i].reason;
    }
    return NULL;
}

void xpci_guard_clear(struct xpci_guard *guard)
{
    for (size_t i = 0; i < guard->n; i++)
        free(guard->v[i].reason);
    free(guard->v);
    *guard = (struct xpci_guard){ 0 };
}
