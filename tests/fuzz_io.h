/*
 * fuzz_io.h - one libFuzzer entry for each reader of tensor files.  Not part of the ordinary build:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isrc tests/fuzz_npy.c src/base/[a-z]*.c src/io/[a-z]*.c ...
 * An input that is accepted must be whole: every byte it promises is read.
 */
#ifndef JD_TESTS_FUZZ_IO_H
#define JD_TESTS_FUZZ_IO_H

#include <stdlib.h>
#include <string.h>

#include "jackdaw/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

typedef jd_tensor_file *fuzz_parse(jd_ctx *ctx, const char *name, const void *data, size_t bytes);

static inline int fuzz_reader(fuzz_parse *parse, const uint8_t *data, size_t bytes)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    if (!ctx) return 0;
    jd_tensor_file *f = parse(ctx, "fuzz", data, bytes);
    if ((f == NULL) == (jd_error(ctx) == JD_OK)) abort();
    volatile unsigned sum = 0;
    for (size_t i = 0; i < jd_tensor_file_count(f); i++) {
        const jd_tensor_entry *t = jd_tensor_file_entry(f, i);
        const unsigned char *p = t->data;
        for (uint64_t k = 0; p && k < t->bytes; k++) sum += p[k];
        if (jd_tensor_file_find(f, t->name) != t) abort();
    }
    for (size_t i = 0; i < jd_tensor_file_metadata_count(f); i++) {
        const jd_metadata *m = jd_tensor_file_metadata(f, i);
        sum += (unsigned)(strlen(m->key) + strlen(m->value));
    }
    (void)sum;
    jd_tensor_file_close(f);
    jd_ctx_free(ctx);
    return 0;
}

#endif
