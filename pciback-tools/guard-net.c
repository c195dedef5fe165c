/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>

#include "guard-walk.h"

#define CLASS "/sys/class/net"

/* A network and its interface. IPv4 is ::ffff:a.b.c.d. */
struct xpci_route {
    unsigned char to[16];
    unsigned int len;
    char name[32];
};

#define IPV4                                                                   \
    {                                                                          \
        [10] = 0xff, [11] = 0xff                                               \
    }

static const unsigned char ipv4[16] = IPV4;

/* --- down --- */

/* Does it lead to a card, or to what is no virtual device? */
static bool step_lower(walk *w, const char *name, const chain *up)
{
    const chain c = { up, name };
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);

    if (!link || xpci_walk_is_endless(w, &c))
        return false;
    return xpci_step_card(w, link, &c) ||
           xpci_walk_all(w, &c, step_lower, "lower_", CLASS "/%s", name) ||
           !strstr(link, "/virtual/");
}

/* One that has a card, or one below it. */
static bool step_real(walk *w, const char *name, const chain *up)
{
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);

    return link && !strstr(link, "/virtual/") && step_lower(w, name, up);
}

/*
 * The port of Open vSwitch that has dom0's address is not above the others;
 * all of them are below "ovs-system". A tunnel may go out anywhere.
 */
void xpci_step_any_net(walk *w, const chain *up)
{
    const chain perhaps = { up, NULL };

    if (!xpci_walk_all(w, &perhaps, step_lower, "lower_", CLASS "/ovs-system"))
        xpci_walk_all(w, &perhaps, step_real, "", CLASS);
}

/*
 * A guest's tap is a port of the bridge beside the card, and leads nowhere; a
 * tunnel that is one goes out where dom0 has a network, which is in use.
 */
static bool step_net(walk *w, const char *name, const chain *up)
{
    const chain c = { up, name };
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);

    if (link && !step_lower(w, name, up) && w->grade == XPCI_GUARD_DIES)
        xpci_step_any_net(w, &c);
    return link;
}

static bool has(const struct xpci_route *r, const unsigned char *address)
{
    unsigned int i = 0;

    while (i < r->len && !((r->to[i / 8] ^ address[i / 8]) & (0x80 >> i % 8)))
        i++;
    return i == r->len;
}

/* Every interface with the longest route that fits; NULL: all routes fit. */
static void step_address(walk *w, const unsigned char *address, const chain *up)
{
    bool found = !address;

    for (unsigned int len = 129; len-- > 0 && (!found || !address);)
        for (size_t i = 0; i < w->routes.n; i++) {
            const struct xpci_route *r = &w->routes.v[i];

            if (r->len == len && (!address || has(r, address)))
                found = step_net(w, r->name, up) || found;
        }
}

bool xpci_step_server(walk *w, const char *text, const chain *up)
{
    unsigned char address[16] = IPV4;
    const chain perhaps = { up, NULL };
    char host[64];

    snprintf(host, sizeof(host), "%.*s", (int)strcspn(text, ", %]"), text);
    if (inet_pton(AF_INET, host, address + 12) == 1 ||
        inet_pton(AF_INET6, host, address) == 1)
        step_address(w, address, up);
    else
        step_address(w, NULL, &perhaps);
    return true;
}

/* --- what is used --- */

/*
 * Hexadecimal, as Linux prints addresses: one or four words, in the order of
 * the machine or, @net, of the network.
 */
static bool parse_address(const char *text, bool net, unsigned char *out)
{
    uint32_t word[4];
    int n =
        sscanf(text, "%8x%8x%8x%8x", &word[0], &word[1], &word[2], &word[3]);

    memcpy(out, ipv4, 12);
    for (int i = 0; i < n; i++) {
        word[i] = net ? ntohl(word[i]) : word[i];
        memcpy(out + (n == 4 ? 4 * i : 12), &word[i], 4);
    }
    return n == 1 || n == 4;
}

static bool add_route(walk *w, const struct xpci_route *new)
{
    if (strcmp(new->name, "lo") != 0 && strcmp(new->name, "*") != 0 &&
        xpci_list_push(&w->routes, *new) < 0)
        w->ret = xpci_error_oom(w->err);
    return true;
}

/* interface, destination, five more, mask */
static bool route_line(walk *w, const char *line, const chain *up)
{
    struct xpci_route new = { 0 };
    unsigned int mask = 0;
    char to[33];
    int n =
        sscanf(line, "%31s %32s %*s %*s %*s %*s %*s %x", new.name, to, &mask);

    (void)up;
    new.len = 96 + (unsigned int)__builtin_popcount(mask);
    return n == 3 && parse_address(to, false, new.to) && add_route(w, &new);
}

/* destination and its length first, interface last */
static bool route6_line(walk *w, const char *line, const chain *up)
{
    struct xpci_route new = { 0 };
    char to[33];
    int n = sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %*s %31s", to,
                   &new.len, new.name);

    (void)up;
    return n == 3 && new.len <= 128 && parse_address(to, true, new.to) &&
           add_route(w, &new);
}

void xpci_guard_routes(walk *w)
{
    xpci_walk_lines(w, "/proc/net/route", 1, route_line, NULL);
    xpci_walk_lines(w, "/proc/net/ipv6_route", 0, route6_line, NULL);
}

/* A VPN may put two routes of length 1 before the default route. */
static void use_route(walk *w, const struct xpci_route *r)
{
    static const chain all = { NULL, "the default route" },
                       one = { NULL, "a network of dom0" };
    bool v4 = !memcmp(r->to, ipv4, 12), is_default = r->len - (v4 ? 96 : 0) < 2;

    /* every interface that is up has fe80::/10 and ff00::/8 */
    if (r->to[0] == 0xff || (r->to[0] == 0xfe && r->to[1] >> 6 == 2))
        return;
    w->grade = is_default ? XPCI_GUARD_DIES : XPCI_GUARD_IN_USE;
    if (!step_net(w, r->name, is_default ? &all : &one))
        xpci_walk_fail(w, ENOENT, "'%s', which has a route, is not in '%s%s'",
                       r->name, xpci_root_dir(w->root), CLASS);
}

/* An established connection (01) to port 22: both addresses are on the way. */
static bool use_connection(walk *w, const char *line, const chain *up)
{
    unsigned char own[16], peer[16];
    unsigned int port, state;
    char text[2][33];

    if (sscanf(line, " %*s %32[0-9A-F]:%x %32[0-9A-F]:%*x %x", text[0], &port,
               text[1], &state) != 4 ||
        !parse_address(text[0], false, own) ||
        !parse_address(text[1], false, peer))
        return false;
    if (port == 22 && state == 1) {
        step_address(w, own, up);
        step_address(w, peer, up);
    }
    return true;
}

/* What is above others, a bridge or a bond, was put there for a purpose. */
static bool use_upper(walk *w, const char *name, const chain *up)
{
    const chain c = { NULL, name };
    _cleanup_free_ char *link = xpci_walk_link(w, CLASS "/%s", name);

    (void)up;
    return link && xpci_walk_all(w, &c, step_net, "lower_", CLASS "/%s", name);
}

void xpci_guard_net(walk *w)
{
    static const chain ssh = { NULL, "an ssh session" };

    for (size_t i = 0; i < w->routes.n; i++)
        use_route(w, &w->routes.v[i]);
    w->grade = XPCI_GUARD_IN_USE;
    xpci_walk_all(w, NULL, use_upper, "", CLASS);
    w->grade = XPCI_GUARD_DIES;
    xpci_walk_lines(w, "/proc/net/tcp", 1, use_connection, &ssh);
    xpci_walk_lines(w, "/proc/net/tcp6", 1, use_connection, &ssh);
}
