/*
 * fuzz.h - what the fuzz drivers share.  A driver (fuzz_NAME.c) defines `fuzz_this`; fuzz_run.c makes of it an entry for
 * libFuzzer, and fuzz_main.c a program that needs no special compiler: it mutates the driver's seeds in a fixed order.
 *
 *     fuzz_npy [INPUTS [SEED]]       runs that many mutated inputs
 *     fuzz_npy --seeds DIR           writes the seeds into DIR, as a corpus for libFuzzer
 *     fuzz_npy FILE...               reads these files: to look into a finding
 *
 * With clang: cmake -DCMAKE_C_COMPILER=clang -DJACKDAW_SANITIZE=address,undefined,fuzzer-no-link makes libFuzzer programs.
 */
#ifndef JD_TESTS_FUZZ_H
#define JD_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/base.h"

typedef struct fuzz_format {
    const char *name;
    int inputs;                 /* in a test run; some tenths of a second */
    size_t longest;             /* inputs do not grow beyond */
    void (*seeds)(jd_ctx *ctx); /* hands fuzz_seed some good files */
    jd_status (*read)(jd_ctx *ctx, const uint8_t *data, size_t bytes);
    void (*repair)(uint8_t *data,
                   size_t bytes); /* makes checksums right again, so that more than they is tried; or NULL */
    const char *const *words;     /* pieces to insert, ends with NULL; or NULL */
    jd_status also;               /* a status besides JD_OK, JD_EDATA and JD_ENOMEM that read may give */
} fuzz_format;

extern const fuzz_format fuzz_this;
extern bool fuzz_verbose; /* print why an input is refused */

/* Takes a copy of a seed. */
void fuzz_seed(const void *data, size_t bytes);
/* The file at `path` as a seed; removes it. */
void fuzz_seed_file(jd_ctx *ctx, const char *path);

/* The path of a file that holds the bytes; the same one again at the next call. */
const char *fuzz_file(const void *data, size_t bytes);
/* A path at which a seed can be written. */
const char *fuzz_scratch(const char *name);

/* Reads every byte, so that a sanitizer sees one that is not there. */
void fuzz_touch(const void *data, size_t bytes);
/* One input through the driver; the status it ended with. */
jd_status fuzz_one(const uint8_t *data, size_t bytes);
/* Ends the program unless `right`: a finding. */
void fuzz_check(bool right, const char *what);

/* Little- or big-endian 32-bit numbers, for repairs. */
static inline uint32_t fuzz_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline void fuzz_put32(uint8_t *p, uint32_t v, bool big)
{
    for (int i = 0; i < 4; i++) p[big ? 3 - i : i] = (uint8_t)(v >> 8 * i);
}

#endif
