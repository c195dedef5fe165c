/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "monitor.h"

#define MAX_LINE ((size_t)1024 * 1024)
#define CARDS 2 /* PIIX4_PCI_HOTPLUG_STATUS */

static int add_device(struct xpci_monitor_devices *devs, const char *line,
                      struct xpci_error *err)
{
    struct xpci_monitor_device *dev;
    unsigned int bus, slot, func;
    int end = 0;

    if (sscanf(line, "Bus %3u, device %3u, function %3u:%n", &bus, &slot, &func,
               &end) != 3 ||
        line[end] || !end || bus > 0xff || slot > 0x1f || func > 7)
        return xpci_error_set(err, EPROTO,
                              "unexpected line in the device model's answer: "
                              "'%s'",
                              line);
    dev = xpci_list_add(devs);
    xpci_need(dev, err);
    dev->bus = (uint8_t)bus;
    dev->slot = (uint8_t)slot;
    dev->func = (uint8_t)func;
    return 0;
}

static int parse_line(struct xpci_monitor_devices *devs, const char *line,
                      struct xpci_error *err)
{
    struct xpci_monitor_device *dev = devs->n ? &devs->v[devs->n - 1] : NULL;
    size_t len = strlen(line);
    char **field;

    if (!strncmp(line, "Bus ", 4))
        return add_device(devs, line, err);
    if (!dev) /* e.g. an error message instead of the bus */
        return xpci_error_set(err, EPROTO, "the device model answers '%s'",
                              line);
    field = dev->what ? &dev->id : &dev->what;
    if (dev->what) {
        if (len <= 4 || strncmp(line, "id \"", 4) || line[len - 1] != '"')
            return 0;
        line += 4;
        len -= 5;
    }
    free(*field); /* a well-formed text sets it once */
    *field = strndup(line, len);
    return *field ? 0 : xpci_error_oom(err);
}

int xpci_monitor_parse(const char *text, struct xpci_monitor_devices *out,
                       struct xpci_error *err)
{
    _cleanup_monitor_devices_ struct xpci_monitor_devices devs = { 0 };
    _cleanup_free_ char *copy = strdup(text);
    char *save = NULL;
    const struct xpci_monitor_device *cut;

    xpci_need(copy, err);
    for (char *line = strtok_r(copy, "\r\n", &save); line;
         line = strtok_r(NULL, "\r\n", &save)) {
        line += strspn(line, " ");
        if (*line)
            xpci_try(parse_line(&devs, line, err));
    }
    if (!devs.n)
        return xpci_error_set(err, EPROTO,
                              "the device model reports no PCI device at all");
    cut = xpci_list_find(&devs, dev, !dev->what || !dev->id);
    if (cut)
        return xpci_error_set(err, EPROTO,
                              "the device model's answer is incomplete at its "
                              "slot %x",
                              cut->slot);
    *out = xpci_steal(devs);
    return 0;
}

char *xpci_monitor_answer(char *line)
{
    static const char head[] = "{\"return\": \"", escaped[] = "nrt",
                      meant[] = "\n\r\t";
    char *from = line + strlen(head), *to = line;

    if (strncmp(line, head, strlen(head)) != 0)
        return NULL;
    for (; *from && *from != '"'; from++) {
        const char *known;

        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        if (!*++from)
            return NULL;
        known = strchr(escaped, *from);
        *to++ = known ? meant[known - escaped] : *from;
    }
    if (*from != '"')
        return NULL;
    *to = '\0';
    return line;
}

/* Byte by byte: a guest that is in its device model may never end the line. */
static int read_line(FILE *from, int64_t until, struct xpci_buf *line)
{
    char byte = '\0';

    line->len = 0;
    while (byte != '\n') {
        int c = (errno = 0, getc(from));

        if (c == EOF && errno != EINTR) /* by a signal that is held off */
            return errno ? -errno : -EPIPE;
        if (xpci_now_ms() > until)
            return -EAGAIN;
        if (line->len == MAX_LINE)
            return -EMSGSIZE;
        if (c == EOF) {
            clearerr(from);
            continue;
        }
        byte = (char)c;
        xpci_try(xpci_buf_append(line, &byte, 1));
    }
    return 0;
}

int xpci_monitor_read(FILE *from, unsigned int seconds, char **answer)
{
    _cleanup_buf_ struct xpci_buf line = { 0 };
    int64_t until = xpci_now_ms() + (int64_t)seconds * 1000;

    do {
        xpci_try(read_line(from, until, &line));
        if (!strncmp(line.data, "{\"error\"", 8))
            return -EPROTO;
    } while (!xpci_monitor_answer(line.data));
    *answer = xpci_buf_steal(&line);
    return 0;
}

void xpci_monitor_devices_clear(struct xpci_monitor_devices *devs)
{
    xpci_list_clear(devs, dev, free(dev->what), free(dev->id));
}

char *xpci_monitor_id(const struct xpci_bdf *bdf, char *out)
{
    snprintf(out, XPCI_MONITOR_ID_SIZE, "pci-pt-%02x_%02x.%x", bdf->bus,
             bdf->slot, bdf->func);
    return out;
}

const struct xpci_monitor_device *xpci_monitor_find(
    const struct xpci_monitor_devices *devs, const char *id)
{
    return xpci_list_find(devs, dev, !strcmp(dev->id, id));
}

const struct xpci_monitor_device *xpci_monitor_at(
    const struct xpci_monitor_devices *devs, unsigned int slot)
{
    return xpci_list_find(devs, dev, dev->bus == 0 && dev->slot == slot);
}

uint32_t xpci_monitor_slots(const struct xpci_monitor_devices *devs)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < devs->n; i++) {
        if (devs->v[i].bus == 0)
            mask |= UINT32_C(1) << devs->v[i].slot;
    }
    return mask;
}

bool xpci_monitor_unheard(const char *text)
{
    unsigned int events;

    return sscanf(text, "portl[0xafe0] = %x", &events) == 1 &&
           events != UINT32_MAX /* nothing is there */ &&
           (events & events >> 16 & CARDS);
}
