/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>

#include "buf.h"
#include "hide-list.h"

static int check_length(size_t len, struct xpci_error *err)
{
    if (len <= XPCI_HIDE_LIST_MAX)
        return 0;
    return xpci_error_set(err, E2BIG,
                          "the hide list has %zu characters, the kernel takes "
                          "%d, else logs 'string parameter too long' and does "
                          "not load pciback; hide fewer devices",
                          len, XPCI_HIDE_LIST_MAX);
}

int xpci_hide_list_format(const struct xpci_bdf *v, size_t n, char **out,
                          struct xpci_error *err)
{
    _cleanup_buf_ struct xpci_buf buf = { 0 };

    for (size_t i = 0; i < n; i++) {
        if (v[i].segment > 0xffff)
            return xpci_error_set(err, ERANGE,
                                  "cannot hide '" XPCI_BDF_FMT
                                  "': xen-pciback takes no segment above ffff",
                                  XPCI_BDF_ARGS(v[i]));
        xpci_need(xpci_buf_printf(&buf, "(" XPCI_BDF_FMT ")",
                                  XPCI_BDF_ARGS(v[i])) == 0,
                  err);
    }
    xpci_try(check_length(buf.len, err));
    *out = xpci_buf_steal(&buf);
    return *out ? 0 : xpci_error_oom(err);
}

/* To the kernel, Latin-1's no-break space is a blank too (lib/ctype.c). */
#define BLANKS " \t\n\v\f\r\xa0"

enum { SEGMENT, BUS, SLOT, FUNC, FIELDS };

static const struct {
    const char *name;
    uint32_t max;
    int width;
    const char *end;
} fields[] = { { "segment", 0xffff, 4, ":" },
               { "bus", 0xff, 2, ":" },
               { "slot", 0x1f, 2, "." },
               { "function", 7, 1, "" } };

/* As pcistub_init() tries them; x is a number, three have no segment. */
static const char *const forms[] = { "(x:x:x.x)", "(x:x:x.*)", "(x:x:*.*)",
                                     "(x:x.x)",   "(x:x.*)",   "(x:*.*)" };

struct number {
    const char *at; /* NULL: none is given */
    uint32_t value;
    bool cut;
};

/* vsscanf()'s %x: "0x" needs no digit behind it, and there is no overflow. */
static const char *read_number(const char *p, struct number *out)
{
    const char *digits = p + (p[0] == '0' && (p[1] | 0x20) == 'x' ? 2 : 0);
    size_t n = strspn(digits, "0123456789abcdefABCDEF");
    size_t over = n > 8 ? n - 8 : 0;

    out->at = p;
    out->value = n ? (uint32_t)strtoul(digits + over, NULL, 16) : 0;
    out->cut = n == 0 || strspn(digits, "0") < over;
    return digits + n;
}

/* Moves *@p behind the entry, or to where even the best form stumbles. */
static int read_form(const char **p, struct number num[FIELDS],
                     struct xpci_error *err)
{
    const char *start = *p;
    size_t len;

    for (size_t i = 0; i < XPCI_ARRAY_SIZE(forms); i++) {
        struct number *next = &num[i < 3 ? SEGMENT : BUS];
        const char *s = start, *f;

        memset(num, 0, FIELDS * sizeof(*num));
        num[SLOT].value = num[FUNC].value = UINT32_MAX;
        for (f = forms[i]; *f; f++) {
            s += *f == 'x' ? strspn(s, BLANKS) : 0;
            if (*f == 'x' ? !isxdigit((unsigned char)*s) : *s != *f)
                break;
            s = *f == 'x' ? read_number(s, next++) : s + 1;
        }
        *p = s > *p ? s : *p;
        if (!*f)
            return 0;
    }
    len = strcspn(*p, BLANKS);
    return xpci_error_set(err, EINVAL,
                          "an entry does not go on with %s%.*s%s it is "
                          "(ssss:bb:dd.f), (ssss:bb:dd.*) or (ssss:bb:*.*): "
                          "the kernel logs 'Error parsing pci_devs_to_hide', "
                          "does not load pciback and hides nothing",
                          len ? "'" : "", (int)len, *p,
                          len   ? "',"
                          : **p ? "a blank,"
                                : "the end of the list,");
}

/* pcistub_device_id_add(): a negative slot or function is all of them. */
static int read_entry(const char **p, struct xpci_hide_entry *e,
                      struct xpci_error *err)
{
    struct number num[FIELDS];
    char *out = e->glob;

    xpci_try(read_form(p, num, err));
    for (int i = 0; i < FIELDS; i++) {
        bool all = i >= SLOT && num[i].value > INT32_MAX;

        e->odd |= num[i].cut || (all && num[i].at);
        if (!all && num[i].value > fields[i].max) {
            *p = num[i].at;
            return xpci_error_set(err, ERANGE,
                                  "%s %x is above %x: the kernel does not load "
                                  "pciback, hides nothing and does not say so",
                                  fields[i].name, num[i].value, fields[i].max);
        }
        out += all ? sprintf(out, "*%s", fields[i].end)
                   : sprintf(out, "%0*x%s", fields[i].width, num[i].value,
                             fields[i].end);
    }
    return 0;
}

/* Into the quotes of a shell variable, *@end at their end. */
static const char *enter_variable(const char *text, const char **end,
                                  const char **why)
{
    const char *name = text + strspn(text, BLANKS "#");
    const char *p = name + strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    *end = text + strlen(text);
    if (p == name || p[0] != '=' || !p[1] || !strchr("\"'", p[1]))
        return text;
    if (memchr(text, '#', (size_t)(name - text)))
        *why = "a comment";
    else if (!strncmp(name, "GRUB_CMDLINE_XEN", 16))
        *why = "it is on the command line of Xen, not of Linux";
    for (*end = p + 2; **end && **end != p[1]; ++*end)
        *end += (*end)[0] == '\\' && (*end)[1];
    return p + 2;
}

/* NULL: the module is xen-pciback, or not given. */
static const char *judge_module(const char *name, size_t len)
{
    if (!name || (len == 11 && (!strncmp(name, "xen-pciback", len) ||
                                !strncmp(name, "xen_pciback", len))))
        return NULL;
    if (len == 7 && !strncmp(name, "pciback", len))
        return "'pciback' is the module of Linux 2.6.18, now 'xen-pciback'";
    return "a parameter of another module than 'xen-pciback'";
}

/* Of several the last that is obeyed counts; a blank outside of quotes ends
 * one. */
static void find_list(const char *text, struct xpci_hide_list *out)
{
    const char *end, *why = NULL, *module = NULL, *word;
    const char *p = enter_variable(text, &end, &why), *all = why;
    bool options = false, found = false;

    out->at = *text == '"';
    out->len = *text == '"' ? strcspn(text + 1, "\"") : strlen(text);
    for (bool start = true; p < end; start = false) {
        size_t blanks = strspn(p, BLANKS);
        bool first = start || memchr(p, '\n', blanks), quoted = false;
        const char *key, *value, *reason;

        word = p += blanks;
        key = p + (*p == '"');
        for (; p < end && (quoted || !strchr(BLANKS, *p)); p++)
            quoted ^= *p == '"';
        if (p <= key)
            continue;
        module = first ? NULL : options ? word : module;
        why = first ? all : why;
        if ((first && *word == '#') ||
            (p - word == 2 && !memcmp(word, "--", 2)))
            why =
                *word == '#' ? "a comment" : "what is behind '--' is for init";
        options = first && p - word == 7 && !memcmp(word, "options", 7);
        value = memchr(key, '=', (size_t)(p - key));
        if (!value || value - key < 4 || memcmp(value - 4, "hide", 4) != 0 ||
            (value - key > 4 && value[-5] != '.'))
            continue;
        reason =
            why ? why
            : value - key > 4
                ? judge_module(key, (size_t)(value - key - 5))
                : judge_module(module, module ? strcspn(module, BLANKS) : 0);
        if (found && reason && !out->why)
            continue;
        found = true;
        out->why = reason;
        /* the quote may be the one that ends the variable */
        quoted = ++value < p && *value == '"';
        out->at = (size_t)(value - text) + quoted;
        out->len = (size_t)(p - text) - out->at;
        if ((key != word || quoted) && out->len && p[-1] == '"')
            out->len--;
    }
}

int xpci_hide_list_parse(const char *text, struct xpci_hide_list *out,
                         struct xpci_error *err)
{
    _cleanup_free_ char *s = NULL;
    const char *p;
    int ret;

    *out = (struct xpci_hide_list){ 0 };
    find_list(text, out);
    s = strndup(text + out->at, out->len);
    /* the shortest entry is "(0:0.0)"; one more may be refused */
    out->v = calloc(out->len / 7 + 2, sizeof(*out->v));
    xpci_need(s && out->v, err);
    out->bad = out->at + XPCI_HIDE_LIST_MAX;
    ret = check_length(out->len, err);
    /* blanks alone are not an empty list, but an entry that is none */
    for (p = s + strspn(s, BLANKS); ret == 0 && (*p || (*s && !out->n));) {
        out->v[out->n].at = out->at + (size_t)(p - s);
        ret = read_entry(&p, &out->v[out->n], err);
        out->bad = out->at + (size_t)(p - s);
        out->n += ret == 0;
        p += strspn(p, BLANKS);
    }
    return ret;
}

void xpci_hide_list_clear(struct xpci_hide_list *list)
{
    free(list->v);
    *list = (struct xpci_hide_list){ 0 };
}
