/*
 * test_oom.c - every allocation fails in turn, alone and with all that come after it.
 *
 * Each program of oom_*.c runs once as it should; then again with the first allocation failing, the second, ... until one
 * run makes fewer.  Whatever fails, the program ends with JD_ENOMEM and a sentence, or with the results of the first run; no
 * memory is lost, no unfinished file is left, and the same context then does the same work.
 *
 *     test_oom                        some hundred places of each, always the same
 *     test_oom --all [SCENARIO...]    every place
 *     test_oom --at N[+] SCENARIO     one place, + for all after it; with JACKDAW_FAULT_LOG=FILE the stack of it
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "oom.h"
#include "sanitized.h"
#include "tmpdir.h"

/* The first places are where most differ; of the others one in so many. */
enum { FIRST = 24, MORE = SANITIZED ? 12 : 60 };

const char *oom_path(const char *name)
{
    return tmpdir_file(name);
}

void oom_add(uint64_t *sum, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < bytes; i++) *sum = (*sum ^ p[i]) * 0x100000001b3u; /* FNV-1a */
}

static char unfinished[300];
static int look(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)at;
    if (kind == FTW_F && strstr(path, ".tmp.")) snprintf(unfinished, sizeof unfinished, "%s", path);
    return 0;
}

static int empty(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind;
    return at->level ? remove(path) : 0;
}

typedef struct place {
    const oom_scenario *s;
    long n;
    bool forever;
} place;

static int complain(const place *p, const char *what, const char *more)
{
    fprintf(stderr, "%s: allocation %ld%s: %s%s%s\n", p->s->name, p->n, p->forever ? "+" : "", what, *more ? ": " : "",
            more);
    return 1;
}

/* One run without the allocation, and one after it; *made is how many the first made, 0 when that was too few for n. */
static int run_at(const place *p, uint64_t want, long *made)
{
    const long before = faults_live();
    uint64_t sum = 0;
    int wrong = 0;
    nftw(tmpdir_path, empty, 16, FTW_DEPTH | FTW_PHYS);
    faults_memory(p->n, p->forever);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = p->s->threads ? p->s->threads : 1, .seed = 1});
    if (ctx) p->s->run(ctx, &sum);
    const bool failed = faults_end();
    *made = failed ? faults_allocations() : 0;
    const jd_status status = jd_error(ctx);
    if (failed && status != JD_OK && status != JD_ENOMEM)
        wrong |= complain(p, "another status than JD_ENOMEM", jd_error_message(ctx));
    if (status != JD_OK && strlen(jd_error_message(ctx)) < 10) wrong |= complain(p, "an error without a sentence", "");
    if (!failed && status != JD_OK) wrong |= complain(p, "nothing failed", jd_error_message(ctx));
    if (status == JD_OK && sum != want) wrong |= complain(p, "no error, and other results", "");
    unfinished[0] = 0;
    nftw(tmpdir_path, look, 16, FTW_PHYS);
    if (unfinished[0]) wrong |= complain(p, "a file is left", unfinished);
    if (ctx && failed) {
        jd_error_clear(ctx);
        sum = 0;
        p->s->run(ctx, &sum);
        if (jd_error(ctx)) wrong |= complain(p, "the context does not work any more", jd_error_message(ctx));
        if (sum != want) wrong |= complain(p, "other results in the same context", "");
    }
    jd_ctx_free(ctx);
    if (faults_live() != before) wrong |= complain(p, "memory is lost", "");
    return wrong;
}

/* How many allocations a run makes, and its sum.  Twice: what is made once in a process is not counted. */
static long measure(const oom_scenario *s, uint64_t *want)
{
    for (int i = 0; i < 2; i++) {
        nftw(tmpdir_path, empty, 16, FTW_DEPTH | FTW_PHYS);
        *want = 0;
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = s->threads ? s->threads : 1, .seed = 1});
        faults_memory(1L << 60, false);
        s->run(ctx, want);
        faults_end();
        if (jd_error(ctx)) {
            fprintf(stderr, "%s: %s\n", s->name, jd_error_message(ctx));
            exit(1);
        }
        jd_ctx_free(ctx);
    }
    return faults_allocations();
}

static int try_scenario(const oom_scenario *s, bool all)
{
    uint64_t want;
    const long count = measure(s, &want), step = all || count < FIRST + MORE ? 1 : count / MORE;
    int wrong = 0, places = 0;
    for (int forever = 0; forever < 2; forever++) {
        jd_rng r = jd_rng_new(1, s->name, 0);
        long made = 1, n = 1;
        while (made && wrong < 5) {
            const place p = {s, n, forever};
            wrong += run_at(&p, want, &made);
            places++;
            n += n < FIRST || step == 1 ? 1 : 1 + (long)jd_rng_below(&r, (uint32_t)(2 * step));
        }
    }
    printf("%-18s %6ld allocations, %6d places%s\n", s->name, count, places, wrong ? ", WRONG" : "");
    fflush(stdout);
    return wrong;
}

static int one_place(const oom_scenario *s, const char *at)
{
    uint64_t want;
    long made;
    measure(s, &want);
    char *end;
    const long n = strtol(at, &end, 10);
    const place p = {s, n, *end == '+'};
    return run_at(&p, want, &made);
}

int main(int argc, char **argv)
{
    static const oom_scenario *const lists[] = {oom_files, oom_tools, oom_learning};
    const bool all = argc > 1 && !strcmp(argv[1], "--all"), at = argc > 3 && !strcmp(argv[1], "--at");
    const int names = all ? 2 : at ? 3 : argc;
    if (argc > 1 && !all && !at) {
        fprintf(stderr, "usage: test_oom [--all [SCENARIO...] | --at N[+] SCENARIO]\n");
        return 2;
    }
    /* In memory where there is such a place: the writers wait for the disk. */
    strcpy(tmpdir_path, access("/dev/shm", W_OK) ? "/tmp/jackdaw-oom-XXXXXX" : "/dev/shm/jackdaw-oom-XXXXXX");
    if (!mkdtemp(tmpdir_path)) return 1;
    int wrong = 0, done = 0;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const oom_scenario *s = lists[l]; s->name; s++) {
            bool wanted = names == argc;
            for (int i = names; i < argc; i++) wanted |= !strcmp(argv[i], s->name);
            if (!wanted) continue;
            wrong += at ? one_place(s, argv[2]) : try_scenario(s, all);
            done++;
        }
    tmpdir_teardown(NULL);
    if (!done) fprintf(stderr, "test_oom: no such scenario\n");
    return wrong || !done;
}
