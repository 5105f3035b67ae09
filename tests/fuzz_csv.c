/* fuzz_csv.c - tables of numbers and tables of words. */

#include "fuzz.h"
#include "jackdaw/data.h"

static const char *const WORDS[] = {"\n",          "\r\n",
                                    ",",           ",,",
                                    "\t",          "#",
                                    "\"",          "\"\"",
                                    "nan",         "inf",
                                    "step,loss\n", "\xef\xbb\xbf",
                                    "1.234,5 kg",  "02.03.2024 10:20",
                                    "$1,000.5",    "45%",
                                    "-",           "31/12/99",
                                    NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    (void)ctx;
    text("x,y,z\n1,2.5,-3e7\n4,nan,6\n# note\n7,8,9\n");
    text("step,loss\n1,0.5\n2,0.25\n3,0.125\n");
    text("1,2\n3,4");
    text("+1 1:0.5 3:2 # c\n-1 2:1\n");
    text("\"a\nb\",c\n1,2\n");
    text("1 2,5\t3\n3 4,5 6\n");
    text("% c\n@relation r\n@attribute 'a b' numeric\n@attribute c {1,2}\n@data\n1,2\n2,'1'\n");
}

/* What a reader refuses another may take: only the table of numbers decides. */
static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_tsv tsv = {0};
    const char *path = fuzz_file(data, bytes);
    const jd_status words = jd_read_tsv(ctx, path, &tsv);
    fuzz_check((tsv.text == NULL) == (words != JD_OK), "words and an error, or neither");
    for (size_t i = 0; i < tsv.rows * tsv.cols; i++) fuzz_touch(tsv.fields[i], strlen(tsv.fields[i]));
    for (size_t i = 0; i < tsv.cols; i++) fuzz_touch(tsv.names[i], strlen(tsv.names[i]));
    jd_tsv_free(ctx, &tsv);
    jd_error_clear(ctx);

    static const char *const lists[] = {NULL, "*", "2,1", "last,x", "1-2,last", "-1,last"};
    jd_table t = {0};
    const jd_csv_options list = {.select = lists[bytes % 6],
                                 .missing_is_nan = true,
                                 .last_words = bytes % 3 == 0,
                                 .categories = bytes % 2 == 0,
                                 .forms = bytes % 5 != 0,
                                 .leave_out = bytes % 7 < 3,
                                 .known_forms = bytes % 5 == 1 ? "date d-m-y time\nnumber comma %\ntime" : NULL,
                                 .known = bytes % 8 == 0 ? "x|y\n\nz" : NULL};
    if (!jd_read_csv(ctx, path, &list, &t)) {
        fuzz_touch(t.values, t.rows * t.cols * sizeof *t.values);
        fuzz_touch(t.columns, t.cols * sizeof *t.columns);
        fuzz_touch(t.lines, t.rows * sizeof *t.lines);
        if (t.categories) fuzz_touch(t.categories, strlen(t.categories));
        if (t.forms) fuzz_touch(t.forms, strlen(t.forms));
        if (t.left_out) fuzz_touch(t.left_out, strlen(t.left_out));
        for (size_t i = 0; t.words && i < t.rows; i++) fuzz_touch(t.words[i], strlen(t.words[i]));
    }
    jd_table_free(ctx, &t);
    jd_error_clear(ctx);
    const jd_status status = jd_read_csv(ctx, path, &(jd_csv_options){.missing_is_nan = bytes % 2}, &t);
    fuzz_check((t.values == NULL) == (status != JD_OK), "values and an error, or neither");
    fuzz_touch(t.values, t.rows * t.cols * sizeof *t.values);
    for (size_t i = 0; t.names && i < t.cols; i++) fuzz_touch(t.names[i], strlen(t.names[i]));
    jd_table_free(ctx, &t);
    return status;
}

const fuzz_format fuzz_this = {
    .name = "csv", .inputs = 20000, .longest = 512, .seeds = seeds, .read = read_input, .words = WORDS};
