/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <libxl_event.h>

#include "plugin.h"

#ifndef LIBXL_HAVE_DEVICE_PCI_NAME
#error "this libxl is older than Xen 4.15"
#endif

static void log_vmessage(struct xentoollog_logger *logger,
                         xentoollog_level level, int errnoval,
                         const char *context, const char *format, va_list al)
{
    struct plugin_log *log = (struct plugin_log *)logger;
    _cleanup_free_ char *text = NULL, *full = NULL;

    (void)context;
    if (level < XTL_WARN)
        return;
    text = xpci_vformat(format, al);
    if (!text)
        return;
    if (errnoval <= 0 ||
        xpci_asprintf(NULL, &full, "%s: %s", text, strerror(errnoval)) < 0)
        full = xpci_steal(text);
    xpci_reason_add(&log->reason, level >= XTL_ERROR, full);
}

static void log_destroy(struct xentoollog_logger *logger)
{
    (void)logger;
}

void plugin_log_reset(struct plugin *p)
{
    xpci_reason_clear(&p->log.reason);
}

int plugin_errno(int rc)
{
    switch (rc) {
    case ERROR_NI:
    case ERROR_FEATURE_REMOVED:
        return ENOSYS;
    case ERROR_NOMEM:
        return ENOMEM;
    case ERROR_INVAL:
        return EINVAL;
    case ERROR_GUEST_TIMEDOUT:
    case ERROR_TIMEDOUT:
        return ETIMEDOUT;
    case ERROR_NOT_READY:
        return EAGAIN;
    case ERROR_LOCK_FAIL:
        return ENOLCK;
    case ERROR_DEVICE_EXISTS:
        return EEXIST;
    case ERROR_DOMAIN_NOTFOUND:
    case ERROR_NOTFOUND:
    case ERROR_DOMAIN_DESTROYED:
        return ENOENT;
    case ERROR_ABORTED:
        return ECANCELED;
    default:
        return EIO;
    }
}

const char *plugin_reason(struct plugin *p, int rc)
{
    const char *reason = xpci_reason_text(&p->log.reason);

    if (!reason)
        reason = libxl_error_to_string((libxl_error)rc);
    return reason ? reason : "unknown libxl error";
}

int64_t plugin_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void plugin_poll_sleep(void)
{
    struct timespec ts = { .tv_nsec = PLUGIN_POLL_MS * 1000000L };

    nanosleep(&ts, NULL);
}

void plugin_fill_pci(libxl_device_pci *pci, const struct xpci_bdf *bdf)
{
    libxl_device_pci_init(pci);
    pci->domain = (int)bdf->segment;
    pci->bus = bdf->bus;
    pci->dev = bdf->slot;
    pci->func = bdf->func;
    /*
     * As xl's parser has it: one function, seen by the guest as function 0.
     * LIBXL_PCI_FUNC_ALL attaches one function of the slot and says 0.
     */
    pci->vfunc_mask = 1;
}

static void plugin_close(void *ctx)
{
    struct plugin *p = ctx;

    if (p->xs)
        xs_close(p->xs);
    xpci_root_free(p->root);
    if (p->stuck) /* libxl_ctx_free() asserts that nothing is under way */
        return;
    if (p->ctx)
        libxl_ctx_free(p->ctx);
    xpci_reason_clear(&p->log.reason);
    free(p);
}

static int connect_libxl(struct plugin *p, struct xpci_error *err)
{
    /* The default would reap children that are not libxl's own. */
    static const libxl_childproc_hooks hooks = {
        .chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
    };
    int rc;

    p->log.logger.vmessage = log_vmessage;
    p->log.logger.destroy = log_destroy;
    rc = libxl_ctx_alloc(&p->ctx, LIBXL_VERSION, 0, &p->log.logger);
    if (rc) {
        p->ctx = NULL;
        plugin_error(p, rc, err,
                     "libxl does not answer, is the toolstack running "
                     "(xenstored, /dev/xen/privcmd)");
        if (err && err->code != -ENOMEM)
            err->code = -ENODEV;
        return err ? err->code : -ENODEV;
    }
    libxl_childproc_setmode(p->ctx, &hooks, NULL);
    return 0;
}

static int plugin_open(void **ctx, struct xpci_error *err)
{
    struct plugin *p;
    int ret;

    if (geteuid() != 0)
        return xpci_error_set(err, EACCES,
                              "only root can talk to Xen, run xpci as root");
    p = calloc(1, sizeof(*p));
    if (!p)
        return xpci_error_oom(err);
    ret = xpci_root_new("/", &p->root, err);
    if (ret == 0)
        ret = connect_libxl(p, err);
    if (ret == 0) {
        p->xs = xs_open(0);
        if (!p->xs)
            ret = xpci_error_errno(err, ENODEV, "cannot connect to xenstored");
    }
    if (ret < 0)
        plugin_close(p);
    else
        *ctx = p;
    return ret;
}

/*
 * The release of the libxl that this object really got: libxenlight's soname
 * carries it. The hypervisor's would prove nothing, it is compared with this.
 */
static char release[16];

__attribute__((constructor)) static void find_release(void)
{
    static const char soname[] = "libxenlight.so.";
    const char *name = NULL;
    Dl_info info;

    if (dladdr((const void *)(uintptr_t)libxl_ctx_alloc, &info))
        name = strstr(info.dli_fname, soname);
    if (name)
        snprintf(release, sizeof(release), "%s", name + sizeof(soname) - 1);
}

extern const struct xpci_toolstack_ops xpci_toolstack_plugin;

__attribute__((visibility("default")))
const struct xpci_toolstack_ops xpci_toolstack_plugin = {
    .abi = XPCI_TOOLSTACK_ABI,
    .size = sizeof(xpci_toolstack_plugin),
    .release = release,
    .open = plugin_open,
    .close = plugin_close,
    .domain = plugin_domain,
    .devices = plugin_devices,
    .slots_used = plugin_slots_used,
    .attach = plugin_attach,
    .detach = plugin_detach,
};
