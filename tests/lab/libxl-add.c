/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl-add DOMAIN BDF...: nothing but libxl_device_pci_add(), one after the
 * other. What it takes no toolstack can do without (tests/bench.sh).
 */
#include <libxl.h>
#include <libxl_utils.h>
#include <stdio.h>
#include <xentoollog.h>

static int add(libxl_ctx *ctx, uint32_t domid, const char *bdf)
{
    libxl_device_pci pci;
    unsigned int segment, bus, slot, func;
    int rc;

    if (sscanf(bdf, "%x:%x:%x.%x", &segment, &bus, &slot, &func) != 4)
        return 1;
    libxl_device_pci_init(&pci);
    pci.domain = (int)segment;
    pci.bus = (uint8_t)bus;
    pci.dev = (uint8_t)slot;
    pci.func = (uint8_t)func;
    pci.vfunc_mask = 1;
    rc = libxl_device_pci_add(ctx, domid, &pci, NULL);
    libxl_device_pci_dispose(&pci);
    return rc;
}

int main(int argc, char **argv)
{
    xentoollog_logger *log =
        (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    libxl_ctx *ctx;
    uint32_t domid;
    int rc = 0;

    if (argc < 3 || libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, log) ||
        libxl_name_to_domid(ctx, argv[1], &domid))
        return 1;
    for (int i = 2; i < argc && !rc; i++)
        rc = add(ctx, domid, argv[i]);
    libxl_ctx_free(ctx);
    return rc != 0;
}
