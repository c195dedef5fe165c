/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "reason.h"

/* Said at error level by callers of what failed, or about what is harmless. */
static const char *const noise[] = {
    "libxl__device_pci_add failed for",
    "libxl__device_pci_remove_common failed for",
    "unable to add device",
    "unable to remove device",
    /* libxl__device_pci_reset(), on devices that have no reset or fail it */
    "doesn't support reset from sysfs",
    "/reset returned -1",
};

static bool is_noise(const char *line)
{
    for (size_t i = 0; i < XPCI_ARRAY_SIZE(noise); i++) {
        if (strstr(line, noise[i]))
            return true;
    }
    return false;
}

/*
 * Skips "libxl_pci.c:1572:libxl__device_pci_add: " (libxl__logv()), and behind
 * it "Domain 12:": the caller names the domain as the user knows it.
 */
static const char *skip_prefixes(const char *line)
{
    int end = 0;

    (void)sscanf(line, "%*[^: ]:%*u:%*[^: ]: %n", &end);
    line += end;
    end = 0;
    (void)sscanf(line, "Domain %*u: %n", &end);
    return line + end;
}

/* One line: error messages are. */
static void flatten(char *s)
{
    size_t len = strlen(s);

    while (len && (isspace((unsigned char)s[len - 1]) || s[len - 1] == '.'))
        s[--len] = '\0';
    for (; *s; s++) {
        if (iscntrl((unsigned char)*s))
            *s = ' ';
    }
}

void xpci_reason_add(struct xpci_reason *reason, bool is_error,
                     const char *line)
{
    char **field = is_error ? &reason->cause : &reason->fallback;
    char *copy = is_noise(line) ? NULL : strdup(skip_prefixes(line));

    if (!copy) /* the caller still has libxl's code */
        return;
    flatten(copy);
    free(*field);
    *field = copy;
}

const char *xpci_reason_text(const struct xpci_reason *reason)
{
    return reason->cause ? reason->cause : reason->fallback;
}

void xpci_reason_clear(struct xpci_reason *reason)
{
    free(reason->cause);
    free(reason->fallback);
    *reason = (struct xpci_reason){ 0 };
}
