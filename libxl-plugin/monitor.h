/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the device model of an HVM guest says about the guest's PCI bus: the
 * text of QEMU's monitor command "info pci", and how QMP wraps it (QEMU,
 * docs/interop/qmp-spec). Pure text, no Xen.
 *
 * The devices that libxl passes through have the id "pci-pt-BB_DD.F", the
 * host's address without its segment (libxl_pci.c, PCI_PT_QDEV_ID).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bdf.h"
#include "error.h"

struct xpci_monitor_device {
    uint8_t bus, slot, func; /* as the guest sees it */
    char *what;              /* "Ethernet controller: PCI device 8086:100e" */
    char *id;                /* "" for a device without one */
};

struct xpci_monitor_devices {
    struct xpci_monitor_device *v;
    size_t n;
};

/*
 * Parses the text; -EPROTO with the offending line if it is not what QEMU
 * prints. There is always a host bridge, so no device at all is an error.
 */
int xpci_monitor_parse(const char *text, struct xpci_monitor_devices *out,
                       struct xpci_error *err) _must_check_;
void xpci_monitor_devices_clear(struct xpci_monitor_devices *devs);

/*
 * The text in @line, a line of QMP, if it is a command's answer: put in its
 * place, and returned; else NULL.
 */
char *xpci_monitor_answer(char *line);

/*
 * The same of what is read: lines that are neither answer nor error are a
 * greeting, or news of something else. -EPROTO: an error; -EAGAIN: no answer
 * within @seconds, whatever else comes; -EMSGSIZE: no end of a line.
 */
int xpci_monitor_read(FILE *from, unsigned int seconds,
                      char **answer) _must_check_;

#define XPCI_MONITOR_ID_SIZE 24
/* libxl's id of a passed-through device; returns @out. */
char *xpci_monitor_id(const struct xpci_bdf *bdf, char *out);

/* The device with this id, or NULL. */
const struct xpci_monitor_device *xpci_monitor_find(
    const struct xpci_monitor_devices *devs, const char *id);

/* The device in this slot of bus 0 (lowest function), or NULL. */
const struct xpci_monitor_device *xpci_monitor_at(
    const struct xpci_monitor_devices *devs, unsigned int slot);

/* Taken slots of bus 0, where passed-through devices go, as a bit mask. */
uint32_t xpci_monitor_slots(const struct xpci_monitor_devices *devs);

/*
 * Has the guest not heard yet of a card that came or went? Such news are an
 * event of the PIIX4 (QEMU, hw/acpi/piix4.c): a status word that the guest
 * clears, and behind it a word of what it wants to hear. False if it does not
 * listen, as before it has booted, or if the text is no answer.
 */
#define XPCI_MONITOR_EVENTS "i /w 0xafe0" /* both words */
bool xpci_monitor_unheard(const char *text);

#define _cleanup_monitor_devices_ _cleanup_(xpci_monitor_devices_clear)
