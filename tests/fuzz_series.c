/* fuzz_series.c - time series in the text format .ts. */
#include "fuzz.h"
#include "jackdaw/series.h"

static const char *const WORDS[] = {"\n", ":", ",",   "?", "@data\n", "@classLabel true a b\n", "@dimensions 2\n",
                                    "#",  "(", "nan", NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    text("# vowels\n@problemName X\n@timeStamps false\n@dimensions 2\n@classLabel true a "
         "b\n@data\n1,2,3:4,5,6:a\n-1e3,?:7,8:b\n");
    text("@timeStamps true\n@classLabel true a\n@data\n(0,1),(0.5,?),(1,3):(4,4),(6,5),(8,6):a\n");
    text("@classLabel false\n@data\n1,2\n3\n");
    text("@targetLabel true\n@data\n1,2:0.5\n");
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_series s;
    const jd_status status = jd_read_ts(ctx, fuzz_file(data, bytes), &s);
    fuzz_check((s.values == NULL) == (status != JD_OK), "values and an error, or neither");
    for (size_t i = 0; i < s.count; i++) {
        fuzz_check(s.start[i] < s.start[i + 1], "a series without a step");
        if (s.label) fuzz_touch(s.label[i], strlen(s.label[i]));
    }
    if (s.count) fuzz_touch(s.values, s.start[s.count] * (size_t)s.channels * sizeof *s.values);
    jd_series_free(ctx, &s);
    return status;
}

const fuzz_format fuzz_this = {
    .name = "series", .inputs = 20000, .longest = 512, .seeds = seeds, .read = read_input, .words = WORDS};
