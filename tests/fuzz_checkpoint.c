/* fuzz_checkpoint.c - checkpoints with right checksums and wrong contents, up to the weights of a network. */
#include <stdio.h>
#include <xxhash.h>

#include "fuzz_io.h"
#include "io/safetensors.h"
#include "jackdaw/train.h"

static const char *const WORDS[] = {"\"jackdaw.order\":\"[\\\"conv1/W\\\"]\"",
                                    "\"jackdaw.kind\":\"checkpoint\"",
                                    "\"F64\"",
                                    "\"I64\"",
                                    "[2,3]",
                                    "[6]",
                                    "{",
                                    "}",
                                    "\\\"",
                                    "conv1/W",
                                    NULL};

static void seeds(jd_ctx *ctx)
{
    size_t n;
    const jd_tensor_entry *e = fuzz_entries(&n);
    const char *path = fuzz_scratch("seed.ckpt");
    jd_checkpoint_save(ctx, path, e, 1, &(jd_metadata){"jackdaw.order", "[\"conv1/W\"]"}, 1, 0);
    fuzz_seed_file(ctx, path);
    jd_checkpoint_save(ctx, path, e, 1, &(jd_metadata){"note", "text"}, 1, 0);
    fuzz_seed_file(ctx, path);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    char *warning = NULL;
    jd_tensor_file *f = jd_checkpoint_load(ctx, fuzz_file(data, bytes), &warning);
    fuzz_check((f == NULL) == (jd_error(ctx) != JD_OK), "a file and an error, or neither");
    fuzz_tensors(f);
    jd_params *p = f ? jd_params_new(ctx, JD_F32) : NULL;
    if (p) jd_params_load(ctx, p, f);
    jd_params_free(p);
    jd_tensor_file_close(f);
    jd_free(ctx, warning);
    return jd_error(ctx);
}

/* Where the 16 digits of a checksum stand in the header; NULL: nowhere. */
static char *digits_of(uint8_t *header, size_t n, const char *key)
{
    const uint8_t *at = memmem(header, n, key, strlen(key));
    const size_t from = at ? (size_t)(at - header) + strlen(key) : n;
    return n - from >= 16 ? (char *)header + from : NULL;
}

static void put_digits(char *digits, uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    memcpy(digits, text, 16);
}

static void repair(uint8_t *p, size_t bytes)
{
    if (bytes < 10) return;
    const size_t n = fuzz_le32(p);
    if (n > bytes - 8 || fuzz_le32(p + 4)) return;
    char *data = digits_of(p + 8, n, "\"jackdaw.xxh3\":\"");
    if (data) put_digits(data, XXH3_64bits(p + 8 + n, bytes - 8 - n));
    const char *header = jd__safetensors_header_digits((char *)p + 8, n);
    if (header) put_digits((char *)p + (header - (char *)p), jd__safetensors_header_hash((char *)p + 8, n, header));
}

const fuzz_format fuzz_this = {.name = "checkpoint",
                               .inputs = 5000,
                               .longest = 2048,
                               .seeds = seeds,
                               .read = read_input,
                               .repair = repair,
                               .words = WORDS,
                               .also = JD_EUSAGE};
