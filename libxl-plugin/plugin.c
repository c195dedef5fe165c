/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include <libxl_event.h>
#include <xenctrl.h>

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

void plugin_log_reset(struct plugin *p)
{
    xpci_reason_clear(&p->log.reason);
}

int plugin_errno(int rc)
{
    static const int codes[] = {
        [-ERROR_NI] = ENOSYS,
        [-ERROR_FEATURE_REMOVED] = ENOSYS,
        [-ERROR_NOMEM] = ENOMEM,
        [-ERROR_INVAL] = EINVAL,
        [-ERROR_GUEST_TIMEDOUT] = ETIMEDOUT,
        [-ERROR_TIMEDOUT] = ETIMEDOUT,
        [-ERROR_NOT_READY] = EAGAIN,
        [-ERROR_LOCK_FAIL] = ENOLCK,
        [-ERROR_DEVICE_EXISTS] = EEXIST,
        [-ERROR_DOMAIN_NOTFOUND] = ENOENT,
        [-ERROR_NOTFOUND] = ENOENT,
        [-ERROR_DOMAIN_DESTROYED] = ENOENT,
        [-ERROR_ABORTED] = ECANCELED,
    };
    size_t i = (size_t)-rc;

    return i < XPCI_ARRAY_SIZE(codes) && codes[i] ? codes[i] : EIO;
}

const char *plugin_reason(struct plugin *p, int rc)
{
    const char *reason = xpci_reason_text(&p->log.reason);

    if (!reason)
        reason = libxl_error_to_string((libxl_error)rc);
    return reason ? reason : "unknown libxl error";
}

bool plugin_wait(int64_t deadline)
{
    struct timespec ts = { .tv_nsec = 100 * 1000000L };

    if (xpci_now_ms() >= deadline)
        return false;
    nanosleep(&ts, NULL);
    return true;
}

struct plugin_job plugin_job(void *ctx, const struct xpci_domain *dom,
                             const struct xpci_bdf *device,
                             struct xpci_error *err)
{
    struct plugin_job job = {
        .p = ctx, .dom = dom, .device = device, .err = err
    };

    xpci_bdf_format(device, job.bdf);
    xpci_monitor_id(device, job.id);
    return job;
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
    if (p->xc)
        xc_interface_close(p->xc);
    xpci_root_free(p->root);
    if (p->ctx)
        libxl_ctx_free(p->ctx);
    xpci_reason_clear(&p->log.reason);
    free(p);
}

/*
 * libxl's helpers end with xpci. One that waits for the lock of a device
 * model that does not answer has inherited that very lock, and xpci's own: it
 * would hold both for ever.
 */
static pid_t fork_helper(void *user)
{
    pid_t pid = fork();

    (void)user;
    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static int connect_libxl(struct plugin *p, struct xpci_error *err)
{
    /* The default would reap children that are not libxl's own. */
    static const libxl_childproc_hooks hooks = {
        .chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
        .fork_replacement = fork_helper,
    };
    int rc;

    p->log.logger.vmessage = log_vmessage;
    rc = libxl_ctx_alloc(&p->ctx, LIBXL_VERSION, 0, &p->log.logger);
    if (rc) {
        p->ctx = NULL;
        return xpci_error_set(err, ENODEV,
                              "libxl does not answer, is the toolstack running "
                              "(xenstored, /dev/xen/privcmd): %s",
                              plugin_reason(p, rc));
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
    xpci_need(p, err);
    ret = xpci_root_new("/", &p->root, err);
    if (ret == 0)
        ret = connect_libxl(p, err);
    if (ret == 0 && !(p->xs = xs_open(0)))
        ret = xpci_error_errno(err, ENODEV, "cannot connect to xenstored");
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
    .to_dom0 = plugin_to_dom0,
    .host = plugin_host,
    .reconcile = plugin_reconcile,
};
