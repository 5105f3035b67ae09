/*
 * fuzz_main.c - a fuzzer without a special compiler: inputs are mutated seeds, in an order that a seed number fixes.
 * Inputs that the reader takes join the pool, so that mutations of mutations are tried.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "faults.h"
#include "fuzz.h"

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* So that the handler below sees what a sanitizer finds. */
const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:abort_on_error=1";
}

enum { POOL = 256 };
typedef struct blob {
    uint8_t *data;
    size_t bytes;
} blob;
static blob pool[POOL], now;
static int pooled, seeds;
static char dir[64];

static void keep(int place, const void *data, size_t bytes)
{
    blob *b = &pool[place];
    free(b->data);
    b->data = malloc(bytes + 1);
    if (!b->data) abort();
    memcpy(b->data, data, bytes);
    b->bytes = bytes;
}

void fuzz_seed(const void *data, size_t bytes)
{
    if (pooled == POOL) abort();
    keep(pooled++, data, bytes);
}

void fuzz_seed_file(jd_ctx *ctx, const char *path)
{
    size_t bytes;
    void *data = jd_read_file(ctx, path, 1 << 20, &bytes);
    if (!data) {
        fprintf(stderr, "fuzz %s: %s\n", fuzz_this.name, jd_error_message(ctx));
        exit(1);
    }
    fuzz_seed(data, bytes);
    jd_free(ctx, data);
    remove(path);
}

const char *fuzz_scratch(const char *name)
{
    static char path[128];
    if (!dir[0]) {
        /* In memory where there is such a place: the writers wait for the disk. */
        strcpy(dir, access("/dev/shm", W_OK) ? "/tmp/jackdaw-fuzz-XXXXXX" : "/dev/shm/jackdaw-fuzz-XXXXXX");
        if (!mkdtemp(dir)) abort();
    }
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Puts the input that ended the program beside it. */
static void on_death(int signal_number)
{
    static const char text[] = "the input is in fuzz-finding.bin\n";
    const int fd = open("fuzz-finding.bin", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0 && write(fd, now.data, now.bytes) == (ssize_t)now.bytes && write(2, text, sizeof text - 1) > 0)
        close(fd);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* splitmix64 */
static uint64_t state;
static uint64_t draw(uint64_t below)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return below ? z % below : 0;
}

/* Replaces bytes [at, at+old) by n others. */
static void replace(blob *b, size_t at, size_t old, const void *with, size_t n)
{
    if (b->bytes - old + n > fuzz_this.longest) return;
    memmove(b->data + at + n, b->data + at + old, b->bytes - at - old);
    memcpy(b->data + at, with, n);
    b->bytes += n - old;
}

static void number(blob *b, size_t at)
{
    static const uint64_t value[] = {0,
                                     1,
                                     2,
                                     3,
                                     7,
                                     8,
                                     16,
                                     64,
                                     127,
                                     128,
                                     255,
                                     256,
                                     1024,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     UINT64_MAX - 7};
    const uint64_t v = value[draw(sizeof value / sizeof *value)] + (draw(4) ? 0 : draw(3) - 1);
    const int width = 1 << draw(4);
    const bool big = draw(2);
    for (int i = 0; i < width && at + (size_t)i < b->bytes; i++)
        b->data[at + (size_t)i] = (uint8_t)(v >> 8 * (big ? width - 1 - i : i));
}

/* Another decimal number in the place of the digits around `at`, or there. */
static void decimal(blob *b, size_t at)
{
    static const char *const text[] = {"0",
                                       "-1",
                                       "1",
                                       "2",
                                       "255",
                                       "65536",
                                       "2147483647",
                                       "2147483648",
                                       "4294967296",
                                       "9223372036854775807",
                                       "18446744073709551615",
                                       "1e999",
                                       "-1e-320",
                                       "nan",
                                       "00",
                                       "0.5",
                                       "1e3",
                                       "99999999999999999999999999"};
    while (at < b->bytes && !(b->data[at] >= '0' && b->data[at] <= '9')) at++;
    size_t n = 0;
    while (at + n < b->bytes && b->data[at + n] >= '0' && b->data[at + n] <= '9') n++;
    const char *s = text[draw(sizeof text / sizeof *text)];
    replace(b, at, n, s, strlen(s));
}

static void mutate_once(blob *b)
{
    const size_t at = draw(b->bytes + 1), left = b->bytes - at;
    const blob *other = &pool[draw((uint64_t)pooled)];
    const size_t from = draw(other->bytes + 1);
    size_t n = 1 + draw(draw(2) ? 8 : 64);
    uint8_t byte = (uint8_t)draw(256);
    switch (draw(fuzz_this.words ? 12 : 10)) {
    case 0:
    case 1:
        if (left) b->data[at] ^= (uint8_t)(1u << draw(8));
        break;
    case 2:
        if (left) b->data[at] = byte;
        break;
    case 3:
    case 4: number(b, at); break;
    case 5: decimal(b, at); break;
    case 6: replace(b, at, n < left ? n : left, "", 0); break;
    case 7: replace(b, at, 0, &byte, 1); break;
    case 8: /* a piece of another input */
        if (n > other->bytes - from) n = other->bytes - from;
        replace(b, at, draw(2) ? 0 : n < left ? n : left, other->data + from, n);
        break;
    case 9: /* cut short, or the end of another input */
        if (draw(2))
            b->bytes = at;
        else
            replace(b, at, left, other->data + from, other->bytes - from);
        break;
    default: {
        int words = 0;
        while (fuzz_this.words[words]) words++;
        const char *w = fuzz_this.words[draw((uint64_t)words)];
        replace(b, at, draw(2) && strlen(w) < left ? strlen(w) : 0, w, strlen(w));
    }
    }
}

/* Runs an input that lies in memory of exactly its size. */
static jd_status run(const uint8_t *data, size_t bytes)
{
    now.data = malloc(bytes ? bytes : 1);
    if (!now.data) abort();
    memcpy(now.data, data, bytes);
    now.bytes = bytes;
    const jd_status status = fuzz_one(now.data, bytes);
    free(now.data);
    now = (blob){0};
    return status;
}

/* Every allocation of reading a seed fails in turn, alone and with all that come after it. */
static void without_memory(const blob *seed)
{
    for (int forever = 0; forever < 2; forever++)
        for (long n = 1;; n++) {
            const long live = faults_live();
            uint8_t *data = malloc(seed->bytes + 1);
            if (!data) abort();
            memcpy(data, seed->data, seed->bytes);
            faults_memory(n, forever);
            const jd_status status = fuzz_one(data, seed->bytes);
            const bool failed = faults_end();
            free(data);
            if (fuzz_verbose && failed) fprintf(stderr, "allocation %ld%s: %d\n", n, forever ? "+" : "", status);
            fuzz_check(!failed || status == JD_OK || status == JD_ENOMEM,
                       "an allocation failed, and JD_ENOMEM is not said");
            fuzz_check(faults_live() == live, "an allocation failed, and memory is lost");
            if (!failed) break;
        }
}

static int fuzz(int inputs)
{
    blob b = {malloc(2 * fuzz_this.longest + 1), 0};
    if (!b.data) abort();
    int taken = 0;
    fuzz_verbose = true;
    for (int i = 0; i < seeds; i++) {
        if (!run(pool[i].data, pool[i].bytes)) continue;
        fprintf(stderr, "fuzz %s: seed %d is refused\n", fuzz_this.name, i);
        free(b.data);
        return 1;
    }
    fuzz_verbose = getenv("FUZZ_VERBOSE") != NULL;
    for (int i = 0; i < seeds; i++) without_memory(&pool[i]);
    fuzz_verbose = false;
    for (int i = 0; i < inputs; i++) {
        const blob *from = &pool[draw((uint64_t)(draw(2) ? seeds : pooled))];
        b.bytes = from->bytes < fuzz_this.longest ? from->bytes : fuzz_this.longest;
        memcpy(b.data, from->data, b.bytes);
        for (uint64_t k = 1 + draw(draw(4) ? 3 : 12); k > 0; k--) mutate_once(&b);
        if (fuzz_this.repair && draw(8)) fuzz_this.repair(b.data, b.bytes);
        if (run(b.data, b.bytes)) continue;
        taken++;
        keep(pooled < POOL ? pooled++ : seeds + (int)draw((uint64_t)(POOL - seeds)), b.data, b.bytes);
    }
    free(b.data);
    printf("%s: %d inputs, %d taken, %d refused\n", fuzz_this.name, inputs, taken, inputs - taken);
    return 0;
}

static int write_seeds(const char *to)
{
    for (int i = 0; i < seeds; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/seed-%d", to, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(pool[i].data, 1, pool[i].bytes, f) != pool[i].bytes || fclose(f)) {
            perror(path);
            return 1;
        }
    }
    return 0;
}

static int read_files(jd_ctx *ctx, char **path, int n)
{
    fuzz_verbose = true;
    for (int i = 0; i < n; i++) {
        size_t bytes;
        void *data = jd_read_file(ctx, path[i], 0, &bytes);
        if (!data) {
            fprintf(stderr, "%s\n", jd_error_message(ctx));
            return 1;
        }
        printf("%s: %s\n", path[i], run(data, bytes) ? "refused" : "taken");
        jd_free(ctx, data);
    }
    return 0;
}

int main(int argc, char **argv)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    if (!ctx) return 1;
    signal(SIGABRT, on_death);
    fuzz_this.seeds(ctx);
    seeds = pooled;
    char *end = NULL;
    const long inputs = argc > 1 ? strtol(argv[1], &end, 10) : fuzz_this.inputs;
    int status;
    if (argc > 2 && !strcmp(argv[1], "--seeds"))
        status = write_seeds(argv[2]);
    else if (end && *end)
        status = read_files(ctx, argv + 1, argc - 1);
    else {
        state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
        status = fuzz((int)inputs);
    }
    for (int i = 0; i < pooled; i++) free(pool[i].data);
    if (dir[0]) rmdir(dir);
    jd_ctx_free(ctx);
    return status;
}
