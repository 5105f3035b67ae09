/* fuzz_io.h - the readers of tensor files: an input that is taken must be whole, every byte it promises is read. */
#ifndef JD_TESTS_FUZZ_IO_H
#define JD_TESTS_FUZZ_IO_H

#include "fuzz.h"
#include "jackdaw/io.h"

static inline void fuzz_tensors(jd_tensor_file *f)
{
    for (size_t i = 0; i < jd_tensor_file_count(f); i++) {
        const jd_tensor_entry *t = jd_tensor_file_entry(f, i);
        fuzz_touch(t->data, t->bytes);
        fuzz_check(jd_tensor_file_find(f, t->name) == t, "a tensor is not found by its name");
    }
    for (size_t i = 0; i < jd_tensor_file_metadata_count(f); i++) {
        const jd_metadata *m = jd_tensor_file_metadata(f, i);
        fuzz_touch(m->key, strlen(m->key));
        fuzz_touch(m->value, strlen(m->value));
    }
}

static inline jd_status fuzz_parsed(jd_ctx *ctx, jd_tensor_file *f)
{
    fuzz_check((f == NULL) == (jd_error(ctx) != JD_OK), "a file and an error, or neither");
    fuzz_tensors(f);
    jd_tensor_file_close(f);
    return jd_error(ctx);
}

/* Some tensors for seeds. */
static inline const jd_tensor_entry *fuzz_entries(size_t *n)
{
    static const float f[6] = {1, -2, 3.5f, 0, 1e30f, -1e-30f};
    static const int64_t i[4] = {1, -1, INT64_MAX, 0};
    static const uint8_t b[3] = {0, 1, 255};
    static const jd_tensor_entry e[] = {{.name = "conv1/W", .dtype = JD_FILE_F32, .rank = 2, .dim = {2, 3}, .data = f},
                                        {.name = "n", .dtype = JD_FILE_I64, .rank = 1, .dim = {4}, .data = i},
                                        {.name = "bytes", .dtype = JD_FILE_U8, .rank = 3, .dim = {1, 3, 1}, .data = b},
                                        {.name = "scalar", .dtype = JD_FILE_F32, .rank = 0, .data = f}};
    *n = sizeof e / sizeof *e;
    return e;
}

#endif
