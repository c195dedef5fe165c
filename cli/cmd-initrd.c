/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "hide-conf.h"
#include "host.h"
#include "plan.h"
#include "table.h"

/* NULL stands for any. */
static bool is_of(const struct xpci_kernel_image *image, const char *kernel,
                  const char *file)
{
    return (!kernel || !strcmp(kernel, image->kernel)) &&
           (!file || !strcmp(file, image->path));
}

/* The call names this image: by its kernel or its file, or it names none. */
static bool is_meant(const struct xpci_call *call,
                     const struct xpci_kernel_image *image)
{
    bool meant = call->argc == 1;

    for (int i = 1; i < call->argc; i++)
        meant = meant || !strcmp(call->argv[i], image->kernel);
    return meant && is_of(image, call->opt[OPT_KERNEL], call->opt[OPT_IMAGE]);
}

static bool is_there(const struct xpci_plan *plan, const char *kernel,
                     const char *file)
{
    return xpci_list_find(&plan->images, image, is_of(image, kernel, file));
}

/* An image that lies elsewhere: for a kernel that is installed, to check. */
static int add_elsewhere(const struct xpci_call *call, struct xpci_plan *plan,
                         struct xpci_error *err)
{
    const char *kernel = call->opt[OPT_KERNEL], *file = call->opt[OPT_IMAGE];
    _cleanup_strv_ struct xpci_strv all = { 0 };

    if (!kernel || call->argv[0][0] != 'c')
        return xpci_error_usage(err,
                                "'%s' is no image of an installed kernel; "
                                "'xpci initrd check' takes it with "
                                "--kernel VERSION",
                                file);
    xpci_try(xpci_root_list(call->root, "/lib/modules", &all, NULL, err));
    if (!xpci_list_find(&all, name, !strcmp(*name, kernel)))
        return xpci_error_set(err, ENOENT,
                              "kernel '%s' is not installed: it is not in "
                              "'%s/lib/modules'",
                              kernel, xpci_root_dir(call->root));
    xpci_need(xpci_kernel_images_add(&plan->images, kernel, file) == 0, err);
    return 0;
}

/* All that is named is there: to have looked at nothing is no answer. */
static int find_named(const struct xpci_call *call, struct xpci_plan *plan,
                      struct xpci_error *err)
{
    const char *kernel = call->opt[OPT_KERNEL], *file = call->opt[OPT_IMAGE];

    if (file && !is_there(plan, kernel, file))
        return add_elsewhere(call, plan, err);
    for (int i = kernel ? 0 : 1; i < call->argc; i++) {
        const char *name = i ? call->argv[i] : kernel;

        if (!is_there(plan, name, NULL))
            return xpci_error_set(err, ENOENT,
                                  "kernel '%s' has no image; 'xpci initrd "
                                  "list' shows those that have",
                                  name);
    }
    return 0;
}

static int list(struct xpci_call *call, struct xpci_plan *plan,
                struct xpci_error *err)
{
    for (size_t k = 0; k < plan->images.n; k++) {
        const struct xpci_kernel_image *image = &plan->images.v[k];

        if (is_meant(call, image))
            xpci_try(xpci_table_add(call, err, image->path, image->kernel,
                                    plan->gen->name));
    }
    return 0;
}

/* The exit status: WRONG if one of those that are meant is not proven. */
static int verdicts(struct xpci_call *call, const struct xpci_plan *plan,
                    struct xpci_error *err)
{
    int status = XPCI_EXIT_OK;

    for (size_t k = 0; k < plan->images.n; k++) {
        const struct xpci_kernel_image *image = &plan->images.v[k];
        const struct xpci_image_verdict *v = &plan->kernel[k].image;

        if (!is_meant(call, image))
            continue;
        xpci_try(xpci_table_add(call, err, image->path, image->kernel,
                                xpci_verdict_name(v->verdict), v->reason));
        if (v->verdict != XPCI_VERDICT_PROVEN)
            status = XPCI_EXIT_WRONG;
    }
    return status;
}

/* As hide does it without a device, and those that are named in any case. */
static int update(struct xpci_call *call, struct xpci_plan *plan,
                  struct xpci_error *err)
{
    bool named =
        call->argc > 1 || call->opt[OPT_KERNEL] || call->opt[OPT_IMAGE];

    for (size_t k = 0; named && k < plan->images.n; k++)
        plan->kernel[k].again = is_meant(call, &plan->images.v[k]);
    call->opt[OPT_REBUILD] = "";
    xpci_try(xpci_plan_apply(call, plan, err));
    if (!call->opt[OPT_DRY_RUN])
        return verdicts(call, plan, err);
    xpci_table_free(xpci_steal(call->table));
    return 0;
}

static int run(struct xpci_call *call, struct xpci_error *err)
{
    _cleanup_plan_ struct xpci_plan plan = { 0 };
    const char *verb = call->argv[0];
    bool updates = !strcmp(verb, "update");

    if (strcmp(verb, "list") && strcmp(verb, "check") && !updates)
        return xpci_call_usage(call, err);
    if (call->argc > 1 && (call->opt[OPT_KERNEL] || call->opt[OPT_IMAGE]))
        return xpci_error_usage(err,
                                "'%s' is a kernel, and does not go with "
                                "--kernel or --image",
                                call->argv[1]);
    /* columns that there are not are found out before anything is written */
    xpci_try(xpci_table_new(call,
                            verb[0] == 'l' ? "IMAGE KERNEL GENERATOR"
                                           : "IMAGE KERNEL VERDICT REASON",
                            err));
    if (updates)
        xpci_try(xpci_host_lock(call, err));
    else
        xpci_changes_pending(call->root, &call->log);
    xpci_try(xpci_plan_find(call, &plan, err));
    xpci_try(find_named(call, &plan, err));
    if (verb[0] == 'l')
        return list(call, &plan, err);
    xpci_try(xpci_host_inventory(call, err));
    xpci_try(xpci_hide_conf_load(call->root, &call->inv, &call->conf, err));
    xpci_try(xpci_plan_make(call, &plan, err));
    return updates ? update(call, &plan, err) : verdicts(call, &plan, err);
}

const struct xpci_cmd xpci_cmd_initrd = {
    .name = "initrd",
    .operands = "list|check|update [KERNEL...]",
    .min = 1,
    .max = CMD_ANY,
    .summary = "the boot images: what they will do, and rebuilding them",
    .options = CMD_OPTIONS(OPT_COLUMNS, OPT_IMAGE, OPT_KERNEL),
    .needs_root = true,
    .run = run,
};
