/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-cfg WORK MIN FILE...: parse, edit and save of 10,000 guest
 * configurations (copies of those FILEs of at least MIN bytes that libxlutil
 * reads, in turn) against xlu_cfg_readfile() of the same files in that run;
 * without MIN also parse and edit of files from 10 KB to 10 MB. Rows in
 * Markdown. WORK is a directory for the copies.
 */
#include <fcntl.h>
#include <libxlutil.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cfg-pci.h"
#include "changes.h"

#define FILES 10000
#define ROUNDS 7

static FILE *report;

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "bench-cfg: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int cmp_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static struct xpci_buf load(const struct xpci_root *root, const char *path)
{
    struct xpci_buf buf = { 0 };

    if (xpci_root_read(root, path, &buf, NULL) < 0)
        die(path);
    return buf;
}

static bool xlu_parse(const struct xpci_buf *text)
{
    XLU_Config *cfg = xlu_cfg_init(report, "f");
    bool ok =
        text->len && xlu_cfg_readdata(cfg, text->data, (int)text->len) == 0;

    xlu_cfg_destroy(cfg);
    return ok;
}

static const struct xpci_pci_spec spec = {
    .dev = { .bdf = { 0, 0xee, 0x1d, 7 } },
    .vslot = 0x1d,
};

static void edit(const struct xpci_buf *text, bool add, struct xpci_buf *out)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;
    size_t removed;

    if (xpci_cfg_parse(text->data, text->len, "f", &cfg, &err) < 0 ||
        (add ? xpci_cfg_pci_add(cfg, &spec, NULL, &err)
             : xpci_cfg_pci_remove(cfg, &spec, &removed, &err)) < 0 ||
        xpci_cfg_print(cfg, out) < 0)
        die(xpci_error_text(&err));
}

static bool usable(const struct xpci_buf *text)
{
    _cleanup_cfg_ struct xpci_cfg *cfg = NULL;

    return xlu_parse(text) &&
           xpci_cfg_parse(text->data, text->len, "f", &cfg, NULL) == 0 &&
           xpci_cfg_pci_add(cfg, &spec, NULL, NULL) == 0;
}

static void name_of(int i, char *out)
{
    sprintf(out, "/guests/%05d.cfg", i);
}

static double time_xlu(const struct xpci_root *root)
{
    double start = now();
    char path[400];

    for (int i = 0; i < FILES; i++) {
        XLU_Config *cfg = xlu_cfg_init(report, "f");

        name_of(i, path + sprintf(path, "%s", xpci_root_dir(root)));
        if (xlu_cfg_readfile(cfg, path))
            die(path);
        xlu_cfg_destroy(cfg);
    }
    return now() - start;
}

static double time_save(const struct xpci_root *root, bool add)
{
    _cleanup_error_ struct xpci_error err = { 0 };
    _cleanup_changes_ struct xpci_changes set = { 0 };
    double start = now();
    char path[32];

    for (int i = 0; i < FILES; i++) {
        name_of(i, path);
        _cleanup_buf_ struct xpci_buf text = load(root, path), out = { 0 };

        edit(&text, add, &out);
        if (xpci_changes_edit(&set, path, &text, &out, &err) < 0)
            die(xpci_error_text(&err));
    }
    if (set.n != FILES || xpci_changes_commit(&set, root, &err) < 0)
        die(xpci_error_text(&err));
    return now() - start;
}

/*
 * What the kernel alone takes for it: each file is read, and written as a new
 * one in its place. Nothing is parsed, kept of the old one, or compared.
 */
static double time_bare(const struct xpci_root *root)
{
    double start = now();
    char path[400], temp[410], text[64 << 10];

    for (int i = 0; i < FILES; i++) {
        ssize_t len;
        int fd;

        name_of(i, path + sprintf(path, "%s", xpci_root_dir(root)));
        sprintf(temp, "%s.new", path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        len = read(fd, text, sizeof(text));
        close(fd);
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (len < 0 || write(fd, text, (size_t)len) != len || close(fd) ||
            rename(temp, path))
            die(path);
    }
    return now() - start;
}

static void row(const char *what, size_t bytes, double *ratio, double *ours,
                double *theirs)
{
    qsort(ratio, ROUNDS, sizeof(*ratio), cmp_double);
    qsort(ours, ROUNDS, sizeof(*ours), cmp_double);
    printf("| %s %d files, %.1f KB each | %.0f ms | "
           "xlu_cfg_readfile: %.0f ms | %.2f | %.2f to %.2f |\n",
           what, FILES, (double)bytes / FILES / 1024, ours[ROUNDS / 2] * 1e3,
           theirs[ROUNDS / 2] * 1e3, ratio[ROUNDS / 2], ratio[0],
           ratio[ROUNDS - 1]);
}

static void bench_files(const struct xpci_root *root, size_t bytes)
{
    double ratio[ROUNDS], ours[ROUNDS], theirs[ROUNDS];
    double bare[ROUNDS], bare_ratio[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        theirs[i] = time_xlu(root);
        /* every second round takes back what the one before added */
        ours[i] = time_save(root, i % 2 == 0);
        ratio[i] = ours[i] / theirs[i];
        bare[i] = time_bare(root);
        bare_ratio[i] = bare[i] / theirs[i];
    }
    qsort(theirs, ROUNDS, sizeof(*theirs), cmp_double);
    row("parse, edit and save", bytes, ratio, ours, theirs);
    row("only read and write anew", bytes, bare_ratio, bare, theirs);
}

/* @size bytes of copies of @text, each in a line of its own. */
static struct xpci_buf grow(const struct xpci_buf *text, size_t size)
{
    struct xpci_buf out = { 0 };

    while (out.len < size) {
        if (xpci_buf_append(&out, text->data, text->len) < 0 ||
            xpci_buf_puts(&out, "\n") < 0)
            die("out of memory");
    }
    return out;
}

static double time_edit(const struct xpci_buf *text, int times)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now();

        for (int k = 0; k < times; k++) {
            _cleanup_buf_ struct xpci_buf out = { 0 };

            edit(text, true, &out);
        }
        if (now() - start < best)
            best = now() - start;
    }
    return best / times;
}

static void bench_sizes(const struct xpci_buf *text)
{
    double base = 0;

    for (size_t size = 10 << 10; size <= 10 << 20; size *= 32) {
        size_t want = size > 5 << 20 ? 10 << 20 : size;
        _cleanup_buf_ struct xpci_buf big = grow(text, want);
        double per =
            time_edit(&big, (int)((20 << 20) / want)) / (double)big.len * 1e9;

        if (base == 0)
            base = per;
        printf("| parse and edit a file of %zu KB | %.1f ns a byte | itself at "
               "10 KB: %.1f | %.2f | best of %d |\n",
               want >> 10, per, base, per / base, ROUNDS);
    }
}

int main(int argc, char **argv)
{
    _cleanup_root_ struct xpci_root *root = NULL, *live = NULL;
    struct xpci_buf *text = calloc((size_t)argc, sizeof(*text));
    char path[400];
    size_t n = 0, bytes = 0, largest = 0, min;

    report = fopen("/dev/null", "w");
    if (argc < 4 || !text || !report ||
        xpci_root_new(argv[1], &root, NULL) < 0 ||
        xpci_root_new("/", &live, NULL) < 0)
        die("usage: bench-cfg WORK MIN FILE...");
    min = strtoul(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++) {
        text[n] = load(live, argv[i]);
        if (text[n].len < min || !usable(&text[n])) {
            xpci_buf_clear(&text[n]);
            continue;
        }
        if (text[n].len > text[largest].len)
            largest = n;
        n++;
    }
    if (!n)
        die("no file is of use");
    snprintf(path, sizeof(path), "%s/guests", argv[1]);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/var", argv[1]);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "%s/var/lib", argv[1]);
    mkdir(path, 0755);
    for (int i = 0; i < FILES; i++) {
        FILE *f;

        snprintf(path, sizeof(path), "%s/guests/%05d.cfg", argv[1], i);
        f = fopen(path, "w");
        if (!f ||
            fwrite(text[(size_t)i % n].data, text[(size_t)i % n].len, 1, f) !=
                1 ||
            fclose(f))
            die(path);
        bytes += text[(size_t)i % n].len;
    }
    bench_files(root, bytes);
    if (!min)
        bench_sizes(&text[largest]);
    for (size_t i = 0; i < n; i++)
        xpci_buf_clear(&text[i]);
    free(text);
    return 0;
}
