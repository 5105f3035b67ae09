/* fuzz_run.c - one input through a driver: a context of its own, a bound on memory, nothing left behind. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most) __attribute__((weak));

bool fuzz_verbose;
static long blocks;

static void *limited_alloc(void *user, size_t bytes)
{
    (void)user;
    if (bytes > (size_t)64 << 20) return NULL;
    void *p = NULL;
    if (posix_memalign(&p, 64, bytes)) return NULL;
    blocks++;
    return p;
}

static void limited_free(void *user, void *p)
{
    (void)user;
    blocks--;
    free(p);
}

void fuzz_check(bool right, const char *what)
{
    if (right) return;
    fprintf(stderr, "fuzz %s: %s\n", fuzz_this.name, what);
    abort();
}

void fuzz_touch(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    unsigned s = 0;
    for (size_t i = 0; p && i < bytes; i++) s += p[i];
    __asm__ volatile("" : : "r"(s));
}

const char *fuzz_file(const void *data, size_t bytes)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, bytes, 0) != (ssize_t)bytes) abort();
    return path;
}

jd_status fuzz_one(const uint8_t *data, size_t bytes)
{
    blocks = 0;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1, .alloc = limited_alloc, .free = limited_free});
    if (!ctx) return JD_ENOMEM;
    const jd_status st = fuzz_this.read(ctx, data, bytes);
    fuzz_check(st == jd_error(ctx), "the status is not that of the context");
    fuzz_check(st == JD_OK || st == JD_EDATA || st == JD_ENOMEM || st == fuzz_this.also, jd_error_message(ctx));
    fuzz_check(st == JD_OK || strlen(jd_error_message(ctx)) > 10, "an error without a sentence");
    if (fuzz_verbose && st) fprintf(stderr, "%s\n", jd_error_message(ctx));
    jd_ctx_free(ctx);
    fuzz_check(blocks == 0, "memory is lost");
    return st;
}

/* 0: taken, -1: refused. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    return fuzz_one(data, bytes) == JD_OK ? 0 : -1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed)
{
    const size_t n = LLVMFuzzerMutate ? LLVMFuzzerMutate(data, bytes, most) : bytes;
    if (fuzz_this.repair && seed % 8) fuzz_this.repair(data, n);
    return n;
}

#ifdef JACKDAW_LIBFUZZER
/* libFuzzer has its own corpus; the drivers' seeds are written into one by the ordinary build. */
void fuzz_seed(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
}

void fuzz_seed_file(jd_ctx *ctx, const char *path)
{
    (void)ctx, (void)path;
}

const char *fuzz_scratch(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "/tmp/jackdaw-fuzz-%d-%s", (int)getpid(), name);
    return path;
}
#endif
