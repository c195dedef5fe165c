/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-walk.h"

#define PATH_SIZE 1024

/* deeper stacks than this are loops */
#define MAX_DEPTH 32

#define PATH_FROM(fmt, path)                                                   \
    do {                                                                       \
        va_list ap_;                                                           \
                                                                               \
        va_start(ap_, fmt);                                                    \
        vsnprintf(path, PATH_SIZE, fmt, ap_);                                  \
        va_end(ap_);                                                           \
    } while (0)

char *xpci_walk_link(walk *w, const char *fmt, ...)
{
    char path[PATH_SIZE], *link = NULL;
    int ret;

    PATH_FROM(fmt, path);
    ret = w->ret < 0 ? 0 : xpci_root_readlink(w->root, path, &link);
    /* one that is there and cannot be read is not free */
    if (ret < 0 && ret != -ENOENT && ret != -ENOTDIR && ret != -EINVAL)
        w->ret = xpci_root_check(w->root, ret, "read", path, w->err);
    return link;
}

char *xpci_walk_text(walk *w, const char *fmt, ...)
{
    struct xpci_buf text = { 0 };
    char path[PATH_SIZE];

    PATH_FROM(fmt, path);
    if (w->ret == 0)
        w->ret = xpci_root_read_optional(w->root, path, &text, NULL, w->err);
    while (w->ret == 0 && text.len && text.data[text.len - 1] == '\n')
        text.data[--text.len] = '\0';
    if (w->ret == 0 && text.len)
        return text.data;
    xpci_buf_clear(&text);
    return NULL;
}

size_t xpci_walk_all(walk *w, const chain *up, xpci_step *step,
                     const char *prefix, const char *fmt, ...)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    size_t len = strlen(prefix), n = 0;
    char path[PATH_SIZE];

    PATH_FROM(fmt, path);
    if (w->ret == 0)
        w->ret = xpci_root_list(w->root, path, &names, NULL, w->err);
    for (size_t i = 0; w->ret == 0 && i < names.n; i++) {
        if (!strncmp(names.v[i], prefix, len))
            n += !step || step(w, names.v[i] + len, up);
    }
    return n;
}

void xpci_walk_lines(walk *w, const char *path, int skip, xpci_step *step,
                     const chain *up)
{
    _cleanup_free_ char *text = xpci_walk_text(w, "%s", path);
    char *rest = text, *line;

    while (w->ret == 0 && (line = strsep(&rest, "\n"))) {
        if (skip-- <= 0 && !step(w, line, up))
            xpci_walk_fail(w, EINVAL, "cannot understand %s line '%s'",
                           basename(path), line);
    }
}

bool xpci_walk_is_endless(walk *w, const chain *c)
{
    int depth = 0;

    for (const chain *up = c; up; up = up->up)
        depth++;
    if (depth > MAX_DEPTH)
        xpci_walk_fail(w, ELOOP, "'%s' is on itself", c->name);
    return depth > MAX_DEPTH;
}

static int print_chain(const chain *c, struct xpci_buf *out)
{
    bool perhaps = c->up && !c->up->name;
    const chain *up = perhaps ? c->up->up : c->up;

    if (!up)
        return xpci_buf_puts(out, c->name);
    xpci_try(print_chain(up, out));
    return xpci_buf_printf(out, "%s%son %s", up->up ? ", " : " is ",
                           perhaps ? "perhaps " : "", c->name);
}

static void add(walk *w, const struct xpci_bdf *bdf, const chain *up)
{
    char name[XPCI_BDF_SIZE];
    const chain c = { up, xpci_bdf_format(bdf, name) };
    _cleanup_free_ char *link = NULL;
    struct xpci_buf text = { 0 };
    struct xpci_bdf physical;

    if (!w->seen_all)
        return;
    if (print_chain(&c, &text) < 0 ||
        xpci_list_push(
            w->guard, (struct xpci_finding){ *bdf, w->grade, text.data }) < 0) {
        xpci_buf_clear(&text);
        w->ret = xpci_error_oom(w->err);
    }
    /* a virtual function is gone with the function that makes it */
    link = xpci_walk_link(w, "/sys/bus/pci/devices/%s/physfn", name);
    if (link && xpci_bdf_parse(basename(link), &physical) == 0)
        add(w, &physical, &c);
}

/*
 * The function is the last one in a sysfs path. Those before are bridges,
 * but for one that has a root bus of its own below (Intel VMD).
 */
bool xpci_step_card(walk *w, const char *link, const chain *up)
{
    struct xpci_bdf bdf = { 0 }, next;
    bool found = false;

    for (const char *p = link; *p; p += *p == '/') {
        size_t len = strcspn(p, "/");

        if (found && !strncmp(p, "pci", 3))
            add(w, &bdf, up);
        if (len >= 12 && xpci_bdf_parse_len(p, len, &next) == 0) {
            bdf = next;
            found = true;
        }
        p += len;
    }
    if (found)
        add(w, &bdf, up);
    return found;
}

int xpci_guard_load(const struct xpci_root *root, struct xpci_guard *guard,
                    struct xpci_error *err)
{
    walk w = { .root = root, .guard = guard, .err = err };

    guard->known = xpci_root_exists(root, "/proc/self/mountinfo") &&
                   xpci_root_exists(root, "/proc/net/route");
    xpci_guard_routes(&w);
    xpci_guard_storage(&w);
    xpci_guard_net(&w);
    xpci_guard_console(&w);
    free(w.routes.v);
    if (w.ret == 0)
        return 0;
    xpci_guard_clear(guard);
    return xpci_error_wrap(err, "what dom0 lives on is not known");
}

const struct xpci_finding *xpci_guard_worst(const struct xpci_guard *guard,
                                            const struct xpci_bdf *bdf)
{
    const struct xpci_finding *worst = NULL;

    for (size_t i = 0; i < guard->n; i++) {
        const struct xpci_finding *f = &guard->v[i];

        if (xpci_bdf_cmp(&f->bdf, bdf) == 0 &&
            (!worst || f->grade > worst->grade))
            worst = f;
    }
    return worst;
}

const char *xpci_guard_find(const struct xpci_guard *guard,
                            const struct xpci_bdf *bdf)
{
    const struct xpci_finding *worst = xpci_guard_worst(guard, bdf);

    return worst && worst->grade > XPCI_GUARD_NOTE ? worst->chain : NULL;
}

void xpci_guard_clear(struct xpci_guard *guard)
{
    xpci_list_clear(guard, found, free(found->chain));
}
