/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diff cfg|spec COUNT [SEED [FIRST]] -- FILE...: random inputs through xpci
 * and through libxlutil. Case N of a seed is the same in every run. FILEs are
 * what is mutated besides what is made from nothing.
 *
 * The cases run in child processes, since libxlutil leaks and may crash. One
 * that fails is written to diff-KIND-SEED-CASE in the directory of this
 * program; FIRST runs it again alone. Exit status 1 then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"

#define CHUNK 20000
#define MAX_RESULTS 32

struct shared {
    uint64_t at; /* the case that runs */
    uint64_t counts[MAX_RESULTS];
    char results[MAX_RESULTS][16];
};

struct run {
    bool specs;
    uint64_t seed, first, count;
    struct xpci_buf *files;
    size_t n;
    struct shared *shared;
};

static void make_case(const struct run *run, uint64_t number, struct rng *rng,
                      struct xpci_buf *out)
{
    const struct xpci_buf *file = NULL;

    *rng = (struct rng){ run->seed ^ (number * 0x9e3779b97f4a7c15) };
    rng_next(rng);
    CHECK(xpci_buf_puts(out, "") == 0);
    if (run->n && rng_below(rng, 3) == 0) {
        file = &run->files[rng_below(rng, run->n)];
        CHECK(xpci_buf_append(out, file->data, file->len) == 0);
    } else if (run->specs) {
        gen_spec(rng, rng_below(rng, 4), out);
    } else {
        gen_cfg(rng, out);
    }
    /* files as they are, too: most changes make them wrong */
    if (!rng_below(rng, 3))
        return;
    if (file)
        gen_mutate(rng, out, &run->files[rng_below(rng, run->n)]);
    else if (rng_below(rng, 2))
        gen_mutate(rng, out, out);
}

static void count(struct shared *shared, const char *result)
{
    size_t i = 0;

    while (i < MAX_RESULTS && *shared->results[i] &&
           strcmp(shared->results[i], result) != 0)
        i++;
    CHECK(i < MAX_RESULTS && strlen(result) < sizeof(shared->results[i]));
    strcpy(shared->results[i], result);
    shared->counts[i]++;
}

static void run_case(const struct run *run, uint64_t number)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    struct rng rng;

    run->shared->at = number;
    make_case(run, number, &rng, &text);
    if (run->specs) {
        count(run->shared, check_spec(text.data, text.len));
    } else {
        count(run->shared, check_cfg(text.data, text.len));
        check_edits(text.data, text.len, rng_next(&rng));
    }
}

/* Returns true if all of the chunk passed. */
static bool run_chunk(const struct run *run, uint64_t from, uint64_t to)
{
    pid_t pid;
    int status;

    fflush(NULL);
    pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        for (uint64_t i = from; i < to; i++)
            run_case(run, i);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    return status == 0;
}

static void keep(const struct run *run, const char *program)
{
    _cleanup_buf_ struct xpci_buf text = { 0 };
    _cleanup_free_ char *path = NULL;
    const char *kind = run->specs ? "spec" : "cfg";
    uint64_t number = run->shared->at;
    FILE *f;
    struct rng rng;

    make_case(run, number, &rng, &text);
    CHECK(asprintf(&path, "%s-%s-%" PRIu64 "-%" PRIu64, program, kind,
                   run->seed, number) > 0);
    f = fopen(path, "w");
    CHECK(f && fwrite(text.data, 1, text.len, f) == text.len);
    CHECK(fclose(f) == 0);
    fprintf(stderr, "%s: case %" PRIu64 " of seed %" PRIu64 " failed: %s\n",
            kind, number, run->seed, path);
}

static void read_file(const char *path, struct xpci_buf *out)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

    check_name = path;
    CHECK(fd >= 0 && xpci_buf_read_fd(out, fd) == 0);
    /* libxlutil does not survive a NUL */
    if (out->data && memchr(out->data, '\0', out->len))
        out->len = strlen(out->data);
    if (out->len && out->data[out->len - 1] == '\n' && out->len < 200)
        out->len--;
    check_name = "input";
}

static void load_files(struct run *run, char **paths, int n)
{
    run->files = calloc((size_t)n + 1, sizeof(*run->files));
    CHECK(run->files);
    for (int i = 0; i < n; i++)
        read_file(paths[i], &run->files[run->n++]);
}

static void report(const struct run *run)
{
    printf("%s:", run->specs ? "specs" : "files");
    for (int i = 0; i < MAX_RESULTS && *run->shared->results[i]; i++)
        printf(" %s %" PRIu64, run->shared->results[i], run->shared->counts[i]);
    printf("\n");
}

static uint64_t number(char **argv, int argc, int i, uint64_t otherwise)
{
    return i < argc && strcmp(argv[i], "--") != 0 ? strtoull(argv[i], NULL, 10)
                                                  : otherwise;
}

int main(int argc, char **argv)
{
    static struct run run; /* reachable to the end: no leak */
    int files = 1, status = 0;

    while (files < argc && strcmp(argv[files], "--") != 0)
        files++;
    if (files < 3) {
        fprintf(stderr,
                "usage: diff cfg|spec COUNT [SEED [FIRST]] -- FILE...\n");
        return 2;
    }
    run.specs = strcmp(argv[1], "spec") == 0;
    run.count = number(argv, files, 2, 0);
    run.seed = number(argv, files, 3, 1);
    run.first = number(argv, files, 4, 0);
    load_files(&run, argv + files + 1, argc > files ? argc - files - 1 : 0);
    run.shared = mmap(NULL, sizeof(*run.shared), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(run.shared != MAP_FAILED);
    for (uint64_t i = 0; i < run.count && status == 0; i += CHUNK) {
        uint64_t to = i + CHUNK < run.count ? i + CHUNK : run.count;

        if (!run_chunk(&run, run.first + i, run.first + to)) {
            keep(&run, argv[0]);
            status = 1;
        }
    }
    report(&run);
    return status;
}
