/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "atomic-file.h"
#include "cmd.h"
#include "readers.h"

#define EXTENDED 0x100 /* of configuration space: capabilities of PCIe */
#define SERIAL_NUMBER 3

/* Only that it is there: boot images may hold keys. */
static void leave_name(struct xpci_buf *text)
{
    text->len = 0;
}

/* The device's serial number (PCIe r6.0 7.9.3), often the card's MAC. */
static void blank_serial(struct xpci_buf *text)
{
    unsigned char *p = (unsigned char *)text->data;
    size_t at = EXTENDED;

    for (int i = 0; i < 960 && at >= EXTENDED && at + 12 <= text->len; i++) {
        if ((p[at] | p[at + 1] << 8) == SERIAL_NUMBER)
            memset(p + at + 4, 0, 8);
        at = (size_t)(p[at + 2] >> 4 | p[at + 3] << 4) & ~(size_t)3;
    }
}

/* Of the connections only those to port 22: somebody may sit there. */
static void leave_ssh(struct xpci_buf *text)
{
    char *out = text->data, *rest = text->data, *line;
    unsigned int port;

    while ((line = strsep(&rest, "\n"))) {
        size_t len = strlen(line) + 1;

        if (line != text->data && /* the heading */
            (sscanf(line, " %*s %*[0-9A-F]:%x", &port) != 1 || port != 22))
            continue;
        memmove(out, line, len);
        out += len;
        out[-1] = '\n';
    }
    text->len = (size_t)(out - text->data);
}

/* All that xpci reads of a host but its guests. */
static const struct xpci_recording_part parts[] = {
    { "/sys/bus/pci/devices/*/config", blank_serial },
    { "/sys/bus/pci/devices/*/@(boot_vga|class|device|modalias|revision|"
      "subsystem_*|vendor)",
      NULL },
    { "/sys/bus/pci/devices/*/@(driver|driver_override|irq|msi_irqs|physfn|"
      "reset_method|resource)",
      NULL },
    { "/sys/bus/pci/drivers/*/module", NULL },
    { "/sys/firmware/acpi/tables/@(DMAR|IVRS|RMAD)", NULL },
    { "/sys/class/@(block|input|net|nvme|nvme-subsystem|tty)/*", NULL },
    { "/sys/class/block/*/backing_dev", NULL },
    { "/sys/class/block/*/slaves/*", NULL },
    { "/sys/class/block/*/dm/name", NULL },
    { "/sys/class/block/*/loop/backing_file", NULL },
    { "/sys/class/input/*/capabilities/key", NULL },
    { "/sys/class/iscsi_connection/*/persistent_address", NULL },
    { "/sys/class/net/*/lower_*", NULL },
    { "/sys/class/nvme/*/address", NULL },
    { "/sys/class/nvme-subsystem/*/nvme*", NULL },
    { "/sys/dev/block/*", NULL },
    { "/sys/fs/btrfs/*/devices/*", NULL },
    { "/proc/@(cmdline|modules|swaps)", NULL },
    { "/proc/self/mountinfo", NULL },
    { "/proc/net/@(ipv6_route|route)", NULL },
    { "/proc/net/@(tcp|tcp6)", leave_ssh },
    { "/etc/xpci.conf", NULL },
    { "/@(etc|run)/modprobe.d/*", NULL },
    { "/usr/lib/modprobe.d/*", NULL },
    { "/usr/local/lib/modprobe.d/*", NULL },
    { "/lib/modprobe.d/*", NULL },
    { "/etc/initramfs-tools/hooks/xpci", NULL },
    { "/etc/initramfs-tools/scripts/init-top/00-xpci", NULL },
    { "/usr/share/initramfs-tools/hook-functions", leave_name },
    { "/etc/@(dracut|mkinitcpio).conf.d/*xpci.*", NULL },
    { "/usr/lib/dracut/modules.d/90xpci/module-setup.sh", leave_name },
    { "/etc/modules-load.d/xpci.conf", NULL },
    { "/etc/mkinitfs/features.d/xpci.modules", NULL },
    { "/etc/mkinitfs/mkinitfs.conf", NULL },
    { "/etc/sysconfig/mkinitrd/pciback", NULL },
    { "/lib/modules/*/pkgbase", NULL },
    { "/boot/booster-*", leave_name },
    { "/lib/modules/*/modules.@(alias|builtin|builtin.alias|dep).bin", NULL },
    { "/lib/modules/*/modules.builtin.modinfo", NULL },
    { "/boot/init*-*", leave_name },
    { "/var/lib", NULL },
    { "/var/lib/xpci/drivers", NULL },
    { "/var/log/xen/hypervisor.log", NULL },
    { "/usr/@(bin|sbin)/"
      "@(booster|dracut|mkinitcpio|mkinitfs|mkinitrd|update-initramfs)",
      leave_name },
    { "/sbin/@(mkinitfs|mkinitrd)", leave_name },
};

static int save(const struct xpci_call *call, const struct xpci_buf *bytes,
                size_t members, struct xpci_error *err)
{
    _cleanup_root_ struct xpci_root *here = NULL;
    const char *file = call->argv[0];
    int ret;

    xpci_try(xpci_root_new("/", &here, err));
    ret = xpci_file_create(here, file, bytes, 0600, false, err);
    if (ret == -EEXIST && call->opt[OPT_FORCE]) {
        xpci_error_clear(err);
        ret = xpci_file_create(here, file, bytes, 0600, true, err);
        if (ret == 0)
            xpci_log(&call->log, XPCI_LOG_WARN,
                     "forced: '%s' was there and is replaced", file);
    }
    if (ret == -EEXIST)
        return xpci_error_refuse(err,
                                 "'%s' is there already; --force replaces it "
                                 "if it is a file and no link",
                                 file);
    if (ret == -ELOOP || (ret == -EINVAL && call->opt[OPT_FORCE]))
        return xpci_error_refuse(err,
                                 "'%s' is %s, which --force does not replace",
                                 file, ret == -ELOOP ? "a link" : "no file");
    xpci_try(ret);
    xpci_log(&call->log, XPCI_LOG_NOTE,
             "%zu names and %zu KiB are in '%s'; it tells how this host is "
             "made, so look before you give it away: tar -tf",
             members, (bytes->len + 1023) / 1024, file);
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_strv_ struct xpci_strv names = { 0 };
    _cleanup_buf_ struct xpci_buf bytes = { 0 };
    const struct xpci_readers *readers;
    int unread;

    xpci_try(xpci_readers_load(&readers, err));
    xpci_try(unread = readers->recording_make(call->root, parts,
                                              XPCI_ARRAY_SIZE(parts), &names,
                                              &bytes, &call->log, err));
    for (size_t i = 0; call->opt[OPT_DRY_RUN] && i < names.n; i++)
        xpci_say(stdout, "/", names.v[i], "\n");
    if (!call->opt[OPT_DRY_RUN])
        xpci_try(save(call, &bytes, names.n, err));
    return unread > 0;
}

const struct xpci_cmd xpci_cmd_record = {
    .name = "record",
    .operands = "FILE",
    .min = 1,
    .max = 1,
    .summary = "write what xpci reads of this host into one file for --root",
    .needs_root = true,
    .run = run,
};
