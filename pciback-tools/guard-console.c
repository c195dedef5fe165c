/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard-walk.h"

#define INPUT "/sys/class/input"

/* Somebody who asked for another console than the screen looks there. */
static bool use_consoles(walk *w)
{
    static const chain console = { NULL, "the console" };
    _cleanup_free_ char *cmdline = xpci_walk_text(w, "/proc/cmdline");
    char *rest = cmdline, *name;
    bool serial = false;

    w->grade = XPCI_GUARD_IN_USE;
    while ((name = strsep(&rest, " "))) {
        _cleanup_free_ char *link = NULL;
        const chain c = { &console, name };

        if (strncmp(name, "console=", 8) != 0)
            continue;
        memmove(name, name + 8, strlen(name + 8) + 1);
        name[strcspn(name, ",")] = '\0';
        serial = serial || strncmp(name, "tty", 3) ||
                 name[3 + strspn(name + 3, "0123456789")];
        link = xpci_walk_link(w, "/sys/class/tty/%s", name);
        if (link)
            xpci_step_card(w, link, &c);
    }
    return serial;
}

static bool use_screen(walk *w, const char *name, const chain *up)
{
    static const char dir[] = "/sys/bus/pci/devices";
    _cleanup_free_ char *boot = xpci_walk_text(w, "%s/%s/boot_vga", dir, name);
    _cleanup_free_ char *driver = xpci_walk_link(w, "%s/%s/driver", dir, name);

    /* what pciback has is not dom0's any more */
    return boot && !strcmp(boot, "1") &&
           (!driver || strcmp(basename(driver), "pciback") != 0) &&
           xpci_step_card(w, name, up);
}

/* The keys from Esc to S, 1 to 31, make a keyboard: so says udev as well. */
static bool is_keyboard(walk *w, const char *name)
{
    _cleanup_free_ char *key =
        xpci_walk_text(w, "/sys/class/input/%s/capabilities/key", name);
    const char *last = key ? strrchr(key, ' ') : NULL;

    return key &&
           (strtoul(last ? last : key, NULL, 16) & 0xfffffffe) == 0xfffffffe;
}

static bool is_ps2(walk *w, const char *name, const chain *up)
{
    _cleanup_free_ char *link = xpci_walk_link(w, INPUT "/%s", name);

    (void)up;
    return link && strstr(link, "/i8042/") && is_keyboard(w, name);
}

static bool use_input(walk *w, const char *name, const chain *up)
{
    const chain other = { NULL, "an input device" };
    _cleanup_free_ char *link = xpci_walk_link(w, INPUT "/%s", name);
    enum xpci_guard_grade grade = w->grade;
    bool keyboard = is_keyboard(w, name);

    w->grade = keyboard ? grade : XPCI_GUARD_NOTE;
    if (link && (keyboard || strstr(link, "/usb")))
        xpci_step_card(w, link, keyboard ? up : &other);
    w->grade = grade;
    return true;
}

void xpci_guard_console(walk *w)
{
    static const chain screen = { NULL, "the boot screen" },
                       keyboard = { NULL, "a keyboard" };

    w->grade = use_consoles(w) ? XPCI_GUARD_NOTE : XPCI_GUARD_IN_USE;
    xpci_walk_all(w, &screen, use_screen, "", "/sys/bus/pci/devices");
    if (xpci_walk_all(w, NULL, is_ps2, "", INPUT))
        w->grade = XPCI_GUARD_NOTE;
    xpci_walk_all(w, &keyboard, use_input, "", INPUT);
}
