/* fuzz_safetensors.c - the safetensors reader, on files without checksums. */
#include "fuzz_io.h"

static const char *const WORDS[] = {"\"dtype\":\"F32\"",
                                    "\"BF16\"",
                                    "\"F8_E4M3\"",
                                    "\"shape\":[",
                                    "\"data_offsets\":[0,",
                                    "{\"__metadata__\":{",
                                    "}",
                                    "]",
                                    ",",
                                    "\"a\":{",
                                    "\\u0000",
                                    "\xc3\xa9",
                                    NULL};

static void add(const char *header, size_t data)
{
    uint8_t file[600] = {0};
    const size_t n = strlen(header);
    fuzz_put32(file, (uint32_t)n, false);
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < data; i++) file[8 + n + i] = (uint8_t)(i * 37);
    fuzz_seed(file, 8 + n + data);
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    add("{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", 24);
    add("{\"__metadata__\":{\"format\":\"pt\",\"k\":\"v\"},\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,"
        "8]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,1,3],\"data_offsets\":[8,20]},"
        "\"c\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[20,21]}}",
        21);
    add("{}", 0);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    return fuzz_parsed(ctx, jd_safetensors_parse(ctx, "fuzz", data, bytes));
}

/* The length of the header, up to the last brace. */
static void repair(uint8_t *p, size_t bytes)
{
    for (size_t n = bytes; n > 8; n--)
        if (p[n - 1] == '}') {
            memset(p, 0, 8);
            fuzz_put32(p, (uint32_t)(n - 8), false);
            return;
        }
}

const fuzz_format fuzz_this = {.name = "safetensors",
                               .inputs = 20000,
                               .longest = 2048,
                               .seeds = seeds,
                               .read = read_input,
                               .repair = repair,
                               .words = WORDS};
