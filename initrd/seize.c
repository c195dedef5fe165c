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
    int ret =
        xpci_buf_append(&text, xpci_seize_sh, (size_t)(place - xpci_seize_sh));

    for (size_t i = 0; ret == 0 && i < devices->n; i++)
        ret = xpci_buf_printf(&text, "\n%s", devices->v[i]);
    if (ret == 0)
        ret = xpci_buf_puts(&text, place + strlen(PLACE));
    *out = ret == 0 ? xpci_buf_steal(&text) : NULL;
    return *out ? 0 : xpci_error_oom(err);
}
