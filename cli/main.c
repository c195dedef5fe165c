/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>

#include "interrupt.h"
#include "options.h"
#include "readers.h"
#include "table.h"

/*
 * How many bytes of the text are a character; 0 at its end, and where a
 * terminal may do something: C0, C1 (ECMA-48), also in the bytes of another
 * encoding.
 */
static size_t printable(const char *c)
{
    unsigned char byte = (unsigned char)*c;

    if (byte == 0x7f || (byte == 0xc2 && (unsigned char)c[1] < 0xa0) ||
        (byte < 0x20 && byte != '\t' && !(byte == '\n' && !c[1])))
        return 0;
    return xpci_utf8_len(c);
}

void xpci_say(FILE *to, const char *head, const char *msg, const char *end)
{
    for (size_t n;; msg += n + 1, head = "") {
        size_t len;

        for (n = 0; (len = printable(msg + n)); n += len)
            ;
        if (!msg[n])
            break;
        fprintf(to, "%s%.*s\\x%02x", head, (int)n, msg, (unsigned char)msg[n]);
    }
    fprintf(to, "%s%s%s", head, msg, end);
}

static void wipe_tick(struct xpci_call *call)
{
    if (call->talking)
        fputs("\r\033[K", stderr);
    call->talking = false;
}

/* Ticks overwrite each other on a terminal and are not shown elsewhere. */
static void talk(void *data, enum xpci_log_level level, const char *msg)
{
    struct xpci_call *call = data;

    if ((level != XPCI_LOG_WARN && call->opt[OPT_QUIET]) ||
        (level == XPCI_LOG_DEBUG && !call->opt[OPT_VERBOSE]) ||
        (level == XPCI_LOG_TICK && !isatty(STDERR_FILENO)))
        return;
    wipe_tick(call);
    if (!*msg) /* only that, before the answer is printed */
        return;
    xpci_say(stderr, level == XPCI_LOG_WARN ? "xpci: warning: " : "xpci: ", msg,
             level == XPCI_LOG_TICK ? "" : "\n");
    call->talking = level == XPCI_LOG_TICK;
}

int xpci_call_usage(const struct xpci_call *call, struct xpci_error *err)
{
    return xpci_error_usage(err, "it is 'xpci %s%s%s'", call->cmd->name,
                            call->cmd->max ? " " : "", call->cmd->operands);
}

static int run_in(struct xpci_call *call, const char *dir,
                  const char *recording, struct xpci_error *err)
{
    _cleanup_root_ struct xpci_root *root = NULL;
    const struct xpci_cmd *cmd = call->cmd;
    int status;

    xpci_try(xpci_root_new(dir, &root, err));
    if (recording)
        xpci_root_set_recording(root, recording);
    call->root = root;
    if (cmd->needs_root && geteuid() != 0 && xpci_root_is_live(root) &&
        !call->opt[OPT_DRY_RUN])
        return xpci_error_set(err, EPERM, "'xpci %s' needs root", cmd->name);
    if (cmd->columns)
        xpci_try(xpci_table_new(call, cmd->columns, err));
    status = cmd->run(call, err);
    if (status >= 0)
        xpci_try(xpci_table_print(call, err));
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* A signal ends it once the unpacked files are gone. */
static int run_in_recording(struct xpci_call *call, const char *file,
                            struct xpci_error *err)
{
    const struct xpci_readers *readers;
    struct xpci_interrupt held;
    char *dir = NULL;
    int ret, number;

    if (call->opt[OPT_DUMP])
        return xpci_error_usage(err,
                                "'%s' is a recording, and has the devices: "
                                "--dump does not go with it",
                                file);
    xpci_try(xpci_readers_load(&readers, err));
    xpci_interrupt_hold(&held);
    ret = readers->recording_unpack(file, &dir, err);
    if (ret == 0)
        ret = run_in(call, dir, file, err);
    if (dir)
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
    number = xpci_interrupted();
    xpci_interrupt_release(&held);
    if (number)
        raise(number);
    return ret;
}

static int run_command(struct xpci_call *call, const char *name, int argc,
                       char **argv, struct xpci_error *err)
{
    const struct xpci_cmd *cmd = call->cmd;
    const char *dir;
    struct stat st;

    xpci_try(xpci_options_parse(call, argc, argv, err));
    if (call->opt[OPT_HELP])
        return xpci_help_command(cmd);
    if (call->opt[OPT_VERSION]) {
        puts("xpci " XPCI_VERSION);
        return 0;
    }
    if (!name)
        return xpci_error_usage(err, "no command; try 'xpci help'");
    if (call->argc < cmd->min || call->argc > cmd->max)
        return xpci_call_usage(call, err);
    dir = call->opt[OPT_ROOT] ? call->opt[OPT_ROOT] : "/";
    if (stat(dir, &st) == 0 && S_ISREG(st.st_mode))
        return run_in_recording(call, dir, err);
    return run_in(call, dir, NULL, err);
}

/* Options before the command's name are the command's: xpci --json list. */
static int dispatch(struct xpci_call *call, int argc, char **argv,
                    struct xpci_error *err)
{
    const char *name = xpci_options_command(argc, argv);

    call->cmd = xpci_cmd_find(name ? name : "help");
    if (!call->cmd)
        return xpci_error_usage(err, "unknown command '%s'; try 'xpci help'",
                                name);
    return run_command(call, name, argc, argv, err);
}

static void call_clear(struct xpci_call *call)
{
    xpci_table_free(call->table);
    xpci_inventory_clear(&call->inv);
    xpci_hide_conf_clear(&call->conf);
    free(call->chosen.v);
    xpci_guard_clear(&call->guard);
    xpci_guest_devices_clear(&call->guests);
    xpci_domain_clear(&call->domain);
    free(call->file);
    xpci_toolstack_close(call->ts);
    xpci_cleanup_close(&call->lock);
}

/* What is opened later must not become stdout or stderr, and be written to. */
static void fill_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int got = fcntl(fd, F_GETFD) < 0 ? open("/", O_PATH) : fd;

        if (got < 0)
            _exit(XPCI_FAILED);
    }
}

int main(int argc, char **argv)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_(call_clear) struct xpci_call call = {
        .log = { .fn = talk, .data = &call },
        .lock = -1,
    };
    int ret;

    fill_descriptors();
    /* a caller that ignores it does so for us: no program's end could be had */
    signal(SIGCHLD, SIG_DFL);
    /* options stand behind the command, which is getopt's first operand */
    unsetenv("POSIXLY_CORRECT");
    ret = dispatch(&call, argc, argv, &err);
    wipe_tick(&call);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "xpci: cannot write the answer: %s\n", strerror(errno));
        return XPCI_FAILED;
    }
    if (ret >= 0)
        return ret;
    xpci_say(stderr, "xpci: ", xpci_error_text(&err), "\n");
    return err.kind ? (int)err.kind : XPCI_FAILED;
}
