/* fuzz_arpa.c - n-gram models in ARPA files: a model that is taken answers every question, and survives being written. */
#include <math.h>

#include "fuzz.h"
#include "jackdaw/ngram.h"

static const char *const WORDS[] = {"\\data\\\n", "ngram 1=2\n", "\\1-grams:\n", "\\2-grams:\n", "\\end\\\n", "-0.5",
                                    "\t",         "\n",          "a b",          "<s>",          "</s>",      "<unk>",
                                    "inf",        NULL};

static void text(const char *s)
{
    fuzz_seed(s, strlen(s));
}

static void seeds(jd_ctx *ctx)
{
    text("\\data\\\nngram 1=3\nngram 2=2\n\n\\1-grams:\n-1 <unk>\n-0.5\ta\t-0.25\n-0.75 b\n\n\\2-grams:\n-0.2 a b\n"
         "-0.1 a a\n\n\\end\\\n");
    text("\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n\\end\\\n");
    jd_ngram *m = jd_ngram_estimate(ctx, "a b\nb a a\n", 10, 3);
    const char *path = fuzz_scratch("seed.arpa");
    if (m && !jd_arpa_write(m, path)) fuzz_seed_file(ctx, path);
    jd_ngram_free(m);
}

static jd_status read_input(jd_ctx *ctx, const uint8_t *data, size_t bytes)
{
    jd_ngram *m = jd_arpa_read(ctx, fuzz_file(data, bytes));
    fuzz_check((m == NULL) == (jd_error(ctx) != JD_OK), "a model and an error, or neither");
    if (!m) return jd_error(ctx);
    const int32_t words = (int32_t)jd_ngram_count(m, 1);
    uint32_t state = jd_ngram_start(m);
    for (int32_t i = -1; i < 3 * words; i++) {
        const int32_t word = i < 0 ? -1 : i % (words > 2 ? words - 1 : words);
        const double p = jd_ngram_step(m, state, word, &state);
        fuzz_check(p <= 0, "a probability above 1");
        fuzz_check(i < 0 || jd_ngram_id(m, jd_ngram_word(m, word)) == word, "a word is not found");
    }
    fuzz_check(jd_ngram_end(m, state) <= 0, "a probability above 1");
    const char *path = fuzz_scratch("again.arpa");
    if (!jd_arpa_write(m, path)) {
        jd_ngram *n = jd_arpa_read(ctx, path);
        fuzz_check(n || jd_error(ctx) == JD_ENOMEM, "what was written cannot be read");
        for (int k = 1; n && k <= jd_ngram_order(m); k++)
            fuzz_check(jd_ngram_count(n, k) == jd_ngram_count(m, k), "what was read again has other counts");
        jd_ngram_free(n);
    }
    jd_ngram_free(m);
    return jd_error(ctx);
}

const fuzz_format fuzz_this = {
    .name = "arpa", .inputs = 4000, .longest = 600, .seeds = seeds, .read = read_input, .words = WORDS};
