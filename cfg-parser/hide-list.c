/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "buf.h"
#include "hide-list.h"

static int check_length(size_t len, struct xpci_error *err)
{
    if (len <= XPCI_HIDE_LIST_MAX)
        return 0;
    return xpci_error_set(err, E2BIG,
                          "the hide list has %zu characters, the kernel takes "
                          "%d; hide fewer devices",
                          len, XPCI_HIDE_LIST_MAX);
}

int xpci_hide_list_format(const struct xpci_bdf *v, size_t n, char **out,
                          struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };
    int ret;

    for (size_t i = 0; i < n; i++) {
        if (v[i].segment > 0xffff)
            return xpci_error_set(err, ERANGE,
                                  "cannot hide '" XPCI_BDF_FMT
                                  "': xen-pciback takes no segment above ffff",
                                  XPCI_BDF_ARGS(v[i]));
        if (xpci_buf_printf(&buf, "(" XPCI_BDF_FMT ")", XPCI_BDF_ARGS(v[i])) <
            0)
            return xpci_error_oom(err);
    }
    ret = check_length(buf.len, err);
    if (ret < 0)
        return ret;
    *out = xpci_buf_steal(&buf);
    return *out ? 0 : xpci_error_oom(err);
}

/* Of a NUL-terminated list; @p is where it went wrong. */
static int _printf_(4, 5) list_error(struct xpci_error *err, const char *s,
                                     const char *p, const char *fmt, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (r < 0) {
        text = NULL;
        return xpci_error_oom(err);
    }
    return xpci_error_set(err, EINVAL, "hide list: column %zu: %s",
                          (size_t)(p - s) + 1, text);
}

static int entry_error(struct xpci_error *err, const char *s, const char *p,
                       int len, int reason)
{
    if (reason == -ERANGE)
        return list_error(err, s, p,
                          "'%.*s' is out of range (segment up to ffff, bus ff, "
                          "slot 1f, function 7): the kernel drops the whole "
                          "list without a word",
                          len, p);
    if (len >= 3 && memcmp(p + len - 3, "*.*", 3) == 0)
        return list_error(err, s, p,
                          "'%.*s' takes a whole bus, which xpci does not write",
                          len, p);
    return list_error(err, s, p,
                      "'%.*s' is not of the form ssss:bb:dd.f; one malformed "
                      "entry voids the whole list",
                      len, p);
}

/* "(...)" at *@p */
static int parse_entry(const char *s, const char **p,
                       struct xpci_bdf_pattern *out, struct xpci_error *err)
{
    size_t len;
    int ret;

    if (**p != '(')
        return list_error(err, s, *p,
                          "expected '(' and nothing between the entries");
    len = strcspn(*p + 1, "() \t\n,");
    if ((*p)[1 + len] != ')')
        return list_error(err, s, *p + 1 + len, "expected ')' behind '(%.*s'",
                          (int)len, *p + 1);
    ret = xpci_bdf_pattern_parse_len(*p + 1, len, out);
    if (ret == 0 && out->bdf.segment > 0xffff)
        ret = -ERANGE;
    if (ret < 0)
        return entry_error(err, s, *p + 1, (int)len, ret);
    *p += len + 2;
    return 0;
}

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

int xpci_hide_list_parse(const char *s, struct xpci_bdf_pattern **v, size_t *n,
                         struct xpci_error *err)
{
    _cleanup_free_ struct xpci_bdf_pattern *list = NULL;
    size_t len = strlen(s), found = 0;
    const char *p;
    int ret = check_length(len, err);

    if (ret < 0)
        return ret;
    /* the shortest entry is "(0:0.0)", so this is more than enough */
    list = calloc(len / 7 + 1, sizeof(*list));
    if (!list)
        return xpci_error_oom(err);
    for (p = skip_blanks(s); *p; p = skip_blanks(p)) {
        ret = parse_entry(s, &p, &list[found], err);
        if (ret < 0)
            return ret;
        found++;
    }
    *v = xpci_steal(list);
    *n = found;
    return 0;
}
