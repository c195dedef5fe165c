/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/sysmacros.h>

#include "guard-walk.h"

#define CLASS "/sys/class/block"

/* Points into the line of mountinfo. */
struct xpci_mount {
    const char *number, *point, *type, *source, *options;
};

static xpci_step step_block;
static void below_mount(walk *w, const struct xpci_mount *m, const chain *up);

/* --- where it cannot be told --- */

/* A real disk without partitions, or one, that nothing known is on. */
static bool step_unknown(walk *w, const char *name, const chain *up)
{
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);

    return link && !strstr(link, "/virtual/block/") &&
           !(w->seen.data &&
             xpci_find_word(w->seen.data, name, strlen(name))) &&
           !xpci_walk_all(w, up, NULL, name, CLASS "/%s", name) &&
           step_block(w, name, up);
}

static void any_disk(walk *w, const chain *up)
{
    const chain perhaps = { up, NULL };

    if (!xpci_walk_all(w, up, NULL, "", CLASS))
        xpci_walk_fail(w, ENOENT, "'%s" CLASS "' has no disk '%s' could be on",
                       xpci_root_dir(w->root), up->name);
    if (w->seen_all)
        xpci_walk_all(w, &perhaps, step_unknown, "", CLASS);
}

static void any_device(walk *w, const chain *up)
{
    any_disk(w, up);
    xpci_step_any_net(w, up);
}

/* --- block devices --- */

/* Whether the name or dm's is the one asked for as up->name, "/dev/...". */
static bool is_called(walk *w, const char *name, const chain *up)
{
    _cleanup_free_ char *label = xpci_walk_text(w, CLASS "/%s/dm/name", name);
    const char *wanted = basename(up->name);

    return !strcmp(name, wanted) || (label && !strcmp(label, wanted));
}

static bool step_called(walk *w, const char *name, const chain *up)
{
    return is_called(w, name, up) && step_block(w, name, up->up);
}

static bool step_number(walk *w, const char *number, const chain *up)
{
    _cleanup_free_ char *link = xpci_walk_link(w, "/sys/dev/block/%s", number);

    return link && step_block(w, basename(link), up);
}

/* "/dev/..."; a recorded host has no nodes, only names. */
static bool step_source(walk *w, const char *source, const chain *up)
{
    const chain called = { up, source };
    char number[32];
    struct stat st;

    if (xpci_root_stat(w->root, source, &st) < 0 || !S_ISBLK(st.st_mode))
        return xpci_walk_all(w, &called, step_called, "", CLASS);
    snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev),
             minor(st.st_rdev));
    return step_number(w, number, up);
}

/* It must be there: @what, or the first @len bytes of it. */
static void need(walk *w, xpci_step *step, const char *what, size_t len,
                 const chain *up)
{
    char name[4096];

    snprintf(name, sizeof(name), "%.*s", (int)len, what);
    if (!step(w, name, up))
        xpci_walk_fail(w, ENOENT, "'%s', which '%s' is on, is not in '%s/sys'",
                       name, up->name, xpci_root_dir(w->root));
}

/* A file is in the mount whose point is most of its path. */
static bool step_file(walk *w, const char *file, const chain *up)
{
    const struct xpci_mount *best = NULL;
    const chain c = { up, file };
    size_t longest = 0;

    for (size_t i = 0; i < w->mounts.n; i++) {
        const char *point = w->mounts.v[i].point;
        size_t len = strcmp(point, "/") ? strlen(point) : 0;

        if (!strncmp(file, point, len) && file[len] == '/' && len >= longest) {
            longest = len;
            best = &w->mounts.v[i];
        }
    }
    if (xpci_walk_is_endless(w, &c))
        return true;
    if (best)
        below_mount(w, best, &c);
    else
        any_device(w, &c);
    return true;
}

/* A controller, "nvme0": on a card, or over a network. */
static bool step_nvme(walk *w, const char *name, const chain *up)
{
    const chain c = { up, name };
    _cleanup_free_ char *link = xpci_walk_link(w, "/sys/class/nvme/%s", name);
    _cleanup_free_ char *address = NULL;
    const char *at;

    if (!link || xpci_step_card(w, link, &c))
        return link;
    address = xpci_walk_text(w, "/sys/class/nvme/%s/address", name);
    at = address ? strstr(address, "traddr=") : NULL;
    if (at && !strncmp(at, "traddr=nn-", 10)) /* Fibre Channel */
        xpci_walk_fail(w, ENOTSUP, "'%s' is on '%s', which is not followed",
                       name, at);
    return xpci_step_server(w, at ? at + 7 : "", &c);
}

/*
 * The ways down from a device that is on no card itself: was it this one? A
 * partition has none of its own, but its parent directory is the disk.
 */

static bool by_slaves(walk *w, const char *link, const chain *c)
{
    const char *name = basename(link);

    return xpci_walk_all(w, c, step_block, "", CLASS "/%s/slaves", name) ||
           xpci_walk_all(w, c, step_block, "", CLASS "/%s/../slaves", name);
}

/* The rest of the part of a path behind @what; false: that is not in it. */
static bool behind(const char *link, const char *what, char out[64])
{
    const char *at = strstr(link, what);
    const char *rest = at ? at + strlen(what) : "";

    snprintf(out, 64, "%.*s", (int)strcspn(rest, "/"), rest);
    return at;
}

static bool by_nvme(walk *w, const char *link, const chain *c)
{
    char part[64];

    if (behind(link, "/ctl/", part) && !strncmp(part, "nvme", 4))
        return step_nvme(w, part, c);
    return behind(link, "/nvme-subsystem/", part) &&
           xpci_walk_all(w, c, step_nvme, "", "/sys/class/nvme-subsystem/%s",
                         part);
}

/* loop and zram */
static bool by_file(walk *w, const char *link, const chain *c)
{
    static const char *const files[] = { "loop/backing_file",
                                         "../loop/backing_file",
                                         "backing_dev" };
    _cleanup_free_ char *file = NULL;

    for (size_t i = 0; !file && i < XPCI_ARRAY_SIZE(files); i++)
        file = xpci_walk_text(w, CLASS "/%s/%s", basename(link), files[i]);
    if (!file || file[0] != '/')
        return false;
    need(w, strncmp(file, "/dev/", 5) ? step_file : step_source, file,
         strlen(file), c);
    return true;
}

static bool by_iscsi(walk *w, const char *link, const chain *c)
{
    _cleanup_free_ char *address = NULL;
    char part[64];

    if (!behind(link, "/session", part))
        return false;
    address = xpci_walk_text(
        w, "/sys/class/iscsi_connection/connection%s:0/persistent_address",
        part);
    return xpci_step_server(w, address ? address : "", c);
}

static bool by_name(walk *w, const char *link, const chain *c)
{
    const char *name = basename(link);
    size_t kind = strcspn(name, "0123456789"); /* bytes of it */

    /* of the board or a guest's; in memory, or not set up */
    if (!strstr(link, "/devices/virtual/") ||
        xpci_find_word("ram zram loop", name, kind))
        return true;
    if (xpci_find_word("nbd rbd", name, kind))
        return xpci_step_server(w, "", c);
    any_device(w, c);
    return true;
}

static bool step_block(walk *w, const char *name, const chain *up)
{
    static bool (*const ways[])(walk *, const char *, const chain *) = {
        xpci_step_card, by_slaves, by_nvme, by_file, by_iscsi, by_name,
    };
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);
    _cleanup_free_ char *label = xpci_walk_text(w, CLASS "/%s/dm/name", name);
    const chain c = { up, label ? label : name };

    if (!link || xpci_walk_is_endless(w, &c))
        return link;
    if (!w->seen_all && xpci_buf_printf(&w->seen, " %s ", name) < 0)
        w->ret = xpci_error_oom(w->err);
    for (size_t i = 0; !ways[i](w, link, &c);)
        i++;
    return true;
}

/* --- file systems --- */

static bool step_fsid(walk *w, const char *id, const chain *up)
{
    static const char dir[] = "/sys/fs/btrfs/%s/devices";

    return xpci_walk_all(w, up, is_called, "", dir, id) &&
           xpci_walk_all(w, up->up, step_block, "", dir, id);
}

/* btrfs tells the members of the file system that one of them is in. */
static void on_btrfs(walk *w, const struct xpci_mount *m, const chain *up)
{
    const chain source = { up, m->source };

    if (xpci_walk_all(w, &source, step_fsid, "", "/sys/fs/btrfs"))
        return;
    step_source(w, m->source, up);
    any_disk(w, up);
}

/* Those with a number of no device; all others there are have no device. */
static void on_anonymous(walk *w, const struct xpci_mount *m, const chain *up)
{
    static const char network[] = "nfs nfs4 cifs smb3 ceph afs lustre 9p "
                                  "fuse.sshfs fuse.glusterfs";
    const char *address = strstr(m->options, ",addr="), *p = m->source;
    const chain source = { up, m->source };

    if (xpci_find_word(network, m->type, strlen(m->type)))
        xpci_step_server(w, address ? address + 6 : "", &source);
    else if (!strcmp(m->type, "btrfs"))
        on_btrfs(w, m, up);
    else if (!strcmp(m->type, "zfs")) /* tells nobody but its own tools */
        any_disk(w, &source);
    else if (xpci_find_word("overlay aufs unionfs", m->type, strlen(m->type)) &&
             !strcmp(m->point, "/"))
        any_device(w, &source); /* the layers of a live system may be hidden */
    else if (strcmp(p, "/dev/fuse") != 0 && /* free text, of these */
             !xpci_find_word("tmpfs ramfs hugetlbfs devtmpfs devpts", m->type,
                             strlen(m->type)))
        for (size_t len; !strncmp(p, "/dev/", 5); p += len + (p[len] == ':')) {
            len = strcspn(p, ":"); /* bcachefs names all its members */
            need(w, step_source, p, len, up);
        }
}

static void below_mount(walk *w, const struct xpci_mount *m, const chain *up)
{
    if (strncmp(m->number, "0:", 2) != 0)
        need(w, step_number, m->number, strlen(m->number), up);
    else
        on_anonymous(w, m, up);
    /* XFS may keep more on logdev= and rtdev=, others on jdev= */
    for (const char *p = m->options; (p = strstr(p, "dev=/dev/")); p += 4)
        need(w, step_source, p + 4, strcspn(p + 4, ","), up);
}

/* --- what is used --- */

/*
 * One line of mountinfo (proc(5)): device number and mount point are fields
 * 3 and 5; behind " - " stand type, source, which may be empty, and options.
 */
static bool parse_mount(walk *w, char *line)
{
    char *tail = strstr(line, " - "), *field[8] = { 0 }, c;
    struct xpci_mount m;

    if (!tail || sscanf(line, "%*s %*s %*s %*s %*s %c", &c) != 1) {
        xpci_walk_fail(w, EINVAL, "cannot understand mountinfo line '%s'",
                       line);
        return false;
    }
    tail += strlen(" - ");
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(field); i++)
        field[i] = strsep(i < 5 ? &line : &tail, " ");
    m = (struct xpci_mount){ field[2], field[4], field[5],
                             field[6] ? field[6] : "",
                             field[7] ? field[7] : "" };
    if (xpci_list_push(&w->mounts, m) < 0)
        w->ret = xpci_error_oom(w->err);
    return w->ret == 0;
}

static bool use_swap(walk *w, const char *line, const chain *up)
{
    size_t len = strcspn(line, " \t");

    need(w, strstr(line + len, "file") ? step_file : step_source, line, len,
         up);
    return true;
}

static void use_all(walk *w)
{
    static const char vital[] = "/ /boot /boot/efi /efi /etc /usr /var "
                                "/var/lib /var/log /nix /nix/store /gnu";
    static const chain swap = { NULL, "swap" };

    for (size_t i = 0; w->ret == 0 && i < w->mounts.n; i++) {
        const chain c = { NULL, w->mounts.v[i].point };

        w->grade = xpci_find_word(vital, c.name, strlen(c.name))
                       ? XPCI_GUARD_DIES
                       : XPCI_GUARD_IN_USE;
        below_mount(w, &w->mounts.v[i], &c);
    }
    w->grade = XPCI_GUARD_DIES;
    xpci_walk_lines(w, "/proc/swaps", 1, use_swap, &swap);
}

/* Twice: what the unknown may be on depends on what else is seen. */
void xpci_guard_storage(walk *w)
{
    _cleanup_free_ char *text = xpci_walk_text(w, "/proc/self/mountinfo");
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n")) && parse_mount(w, line))
        continue;
    use_all(w);
    w->seen_all = true;
    use_all(w);
    xpci_buf_clear(&w->seen);
    free(xpci_steal(w->mounts.v));
}
