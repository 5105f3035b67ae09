/* fuzz_npy.c - the npy reader. */
#include "fuzz_io.h"

static const char *const WORDS[] = {"'descr': '<f4'",
                                    "'descr': '>i8'",
                                    "'|b1'",
                                    "'|O'",
                                    "'fortran_order': True",
                                    "'fortran_order': False",
                                    "'shape': (",
                                    "(3,)",
                                    "()",
                                    ", ",
                                    "}",
                                    "\x93NUMPY",
                                    "\x02",
                                    "\n",
                                    "\"",
                                    NULL};

static void seeds(jd_ctx *ctx)
{
    size_t n;
    const jd_tensor_entry *e = fuzz_entries(&n);
    for (size_t i = 0; i < n; i++) {
        const char *path = fuzz_scratch("seed.npy");
        jd_npy_write(ctx, path, &e[i]);
        fuzz_seed_file(ctx, path);
    }
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    return fuzz_parsed(ctx, jd_npy_parse(ctx, "fuzz", data, bytes));
}

const fuzz_format fuzz_this = {
    .name = "npy", .inputs = 20000, .longest = 1024, .seeds = seeds, .read = read_input, .words = WORDS};
