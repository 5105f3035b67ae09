/* fuzz_npz.c - the npz reader: ZIP, inflate, npy. */
#include <zlib.h>

#include "fuzz_io.h"

static const char *const WORDS[] = {"PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", ".npy",
                                    "'<f4'",      "'shape': (", "\x08",       NULL};

static void seeds(jd_ctx *ctx)
{
    size_t n;
    const jd_tensor_entry *e = fuzz_entries(&n);
    const char *path = fuzz_scratch("seed.npz");
    jd_npz_write(ctx, path, e, n);
    fuzz_seed_file(ctx, path);
    jd_npz_write(ctx, path, e, 1);
    fuzz_seed_file(ctx, path);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    return fuzz_parsed(ctx, jd_npz_parse(ctx, "fuzz", data, bytes));
}

/* The checksums of stored members, in both of their headers. */
static void repair(uint8_t *p, size_t bytes)
{
    for (size_t at = 0; at + 46 <= bytes; at++) {
        if (memcmp(p + at, "PK\x01\x02", 4) != 0) continue;
        const size_t local = fuzz_le32(p + at + 42), size = fuzz_le32(p + at + 20);
        if (local > bytes || bytes - local < 30) continue;
        const size_t start = local + 30 + p[local + 26] + 256u * p[local + 27] + p[local + 28] + 256u * p[local + 29];
        if (start > bytes || size > bytes - start) continue;
        const uint32_t crc = (uint32_t)crc32(0, p + start, (unsigned)size);
        fuzz_put32(p + at + 16, crc, false);
        fuzz_put32(p + local + 14, crc, false);
    }
}

const fuzz_format fuzz_this = {.name = "npz",
                               .inputs = 10000,
                               .longest = 4096,
                               .seeds = seeds,
                               .read = read_input,
                               .repair = repair,
                               .words = WORDS};
