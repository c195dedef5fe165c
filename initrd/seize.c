/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "seize.h"

#define PLACE "@DEVICES@"

/* the file's bytes and a NUL */
__asm__(".pushsection .rodata\n"
        ".hidden xpci_seize_sh\n"
        ".globl xpci_seize_sh\n"
        "xpci_seize_sh:\n"
        ".incbin \"initrd/seize.sh\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char xpci_seize_sh[];

int xpci_seize_script(const struct xpci_strv *devices, char **out,
                      struct xpci_error *err)
{
    const char *place = strstr(xpci_seize_sh, PLACE);
    _cleanup_buf_ struct xpci_buf text = { 0 };
    size_t len = (size_t)(place - xpci_seize_sh);

    xpci_need(xpci_buf_append(&text, xpci_seize_sh, len) == 0, err);
    for (size_t i = 0; i < devices->n; i++)
        xpci_need(xpci_buf_printf(&text, "\n%s", devices->v[i]) == 0, err);
    xpci_need(xpci_buf_puts(&text, place + strlen(PLACE)) == 0, err);
    *out = xpci_buf_steal(&text);
    return 0;
}
