/* N-gram models: estimates against counting by hand, ARPA files in and out, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <math.h>

#include "jackdaw/ngram.h"

#include "ctx_tmpdir.h"

/* ---- estimates against the formula, by counting in an array ------------------------------------------------------------ */

enum { WORDS = 5, UNK = 0, START = 1, END = 2, VOCABULARY = 3 + WORDS, TEXT = 400 };

typedef struct corpus {
    int token[TEXT * 2];
    int n;
    char text[TEXT * 4];
} corpus;

static const char *const NAME[VOCABULARY] = {"<unk>", "<s>", "</s>", "a", "bb", "c", "dd", "e"};

static void make_corpus(uint64_t seed, corpus *c)
{
    jd_rng r = jd_rng_new(seed, "test/ngram", 0);
    char *at = c->text;
    c->n = 0;
    c->token[c->n++] = START;
    int length = 0;
    for (int i = 0; i < TEXT; i++) {
        const int w = 3 + (int)jd_rng_below(&r, 1 + jd_rng_below(&r, WORDS)); /* the first words more often */
        c->token[c->n++] = w;
        length++;
        const bool stop = i == TEXT - 1 || jd_rng_below(&r, 5) == 0;
        at += sprintf(at, "%s%s", NAME[w], stop ? "\n" : jd_rng_below(&r, 2) ? " " : "\t");
        if (!stop) continue;
        c->token[c->n++] = END;
        if (i < TEXT - 1) c->token[c->n++] = START;
        length = 0;
    }
}

/* How often h (k tokens) is followed by w; w < 0: by anything.  Words before the start of a sentence do not exist. */
static double count(const corpus *c, const int *h, int k, int w)
{
    double n = 0;
    for (int i = k; i < c->n; i++) {
        if (c->token[i] == START || (w >= 0 && c->token[i] != w)) continue;
        bool same = true;
        for (int j = 0; j < k; j++) same &= c->token[i - k + j] == h[j];
        for (int j = 1; j < k; j++) same &= c->token[i - j] != START || j == k; /* across sentences: never */
        n += same;
    }
    return n;
}

static double reference(const corpus *c, const int *h, int k, int w)
{
    double types = 0;
    for (int v = 0; v < VOCABULARY; v++) types += v != START && count(c, h, k, v) > 0;
    const double below = k > 0 ? reference(c, h + 1, k - 1, w) : 1.0 / (VOCABULARY - 1);
    const double all = count(c, h, k, -1);
    return all > 0 ? (count(c, h, k, w) + types * below) / (all + types) : below;
}

static double model_p(const jd_ngram *m, const int *h, int k, int w)
{
    uint32_t state = 0;
    for (int i = 0; i < k; i++) jd_ngram_step(m, state, jd_ngram_id(m, NAME[h[i]]), &state);
    return exp(jd_ngram_step(m, state, jd_ngram_id(m, NAME[w]), NULL));
}

static void witten_bell(void **state)
{
    (void)state;
    for (int order = 1; order <= 4; order++) {
        corpus c;
        make_corpus((uint64_t)order, &c);
        jd_ngram *m = jd_ngram_estimate(ctx, c.text, strlen(c.text), order);
        assert_non_null(m);
        assert_int_equal(jd_ngram_order(m), order);
        assert_int_equal(jd_ngram_count(m, 1), VOCABULARY);
        jd_rng r = jd_rng_new(7, "test/histories", (uint64_t)order);
        for (int n = 0; n < 60; n++) {
            int h[3];
            const int k = (int)jd_rng_below(&r, (uint32_t)order);
            for (int i = 0; i < k; i++) h[i] = 3 + (int)jd_rng_below(&r, WORDS);
            if (k && jd_rng_below(&r, 4) == 0) h[0] = START;
            double sum = 0;
            for (int w = 0; w < VOCABULARY; w++) {
                if (w == START) continue;
                const double p = model_p(m, h, k, w), q = reference(&c, h, k, w);
                assert_true(fabs(p - q) < 2e-6 * q);
                sum += p;
            }
            assert_true(fabs(sum - 1) < 1e-5);
        }
        assert_true(model_p(m, NULL, 0, START) < 1e-90);
        jd_ngram_free(m);
    }
}

static void perplexity(void **state)
{
    (void)state;
    static const char text[] = "a bb\n\n  c a \r\n", other[] = "a zz\n";
    jd_ngram *m = jd_ngram_estimate(ctx, text, strlen(text), 2);
    assert_non_null(m);
    const int a = 3, b = 4, c = 5, s = START, words[6] = {3, 4, END, 5, 3, END}, before[6] = {s, a, b, s, c, a};
    double sum = 0;
    for (int i = 0; i < 6; i++) sum += log(model_p(m, &before[i], 1, words[i]));
    assert_true(fabs(jd_ngram_perplexity(m, text, strlen(text)) - exp(-sum / 6)) < 1e-12);
    assert_true(jd_ngram_perplexity(m, other, strlen(other)) > jd_ngram_perplexity(m, text, strlen(text)));
    assert_true(jd_ngram_perplexity(m, " \n", 2) < 0);
    assert_int_equal(jd_error(ctx), JD_EDATA);
    jd_error_clear(ctx);
    jd_ngram_free(m);
}

static void bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *says;
    } bad[] = {{"", 0, "no words"},
               {" \n\t\n", 4, "no words"},
               {"a\nb <s>\n", 8, "line 2"},
               {"a\nb\nc </s>", 10, "line 3"},
               {"a\nb\0c\n", 6, "line 2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(jd_ngram_estimate(ctx, bad[i].text, bad[i].bytes, 3));
        assert_int_equal(jd_error(ctx), JD_EDATA);
        assert_non_null(strstr(jd_error_message(ctx), bad[i].says));
        jd_error_clear(ctx);
    }
    assert_null(jd_ngram_estimate(ctx, "a", 1, 0));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_null(jd_ngram_estimate(ctx, "a", 1, JD_NGRAM_ORDER + 1));
    jd_error_clear(ctx);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

static void round_trip(void **state)
{
    (void)state;
    for (int order = 1; order <= 5; order++) {
        corpus c;
        make_corpus(10 + (uint64_t)order, &c);
        jd_ngram *m = jd_ngram_estimate(ctx, c.text, strlen(c.text), order);
        const char *path = tmpdir_file("m.arpa"), *again = tmpdir_file("n.arpa");
        assert_int_equal(jd_arpa_write(m, path), JD_OK);
        jd_ngram *n = jd_arpa_read(ctx, path);
        if (!n) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(jd_ngram_order(n), order);
        for (int k = 1; k <= order; k++) assert_int_equal(jd_ngram_count(m, k), jd_ngram_count(n, k));
        jd_rng r = jd_rng_new(8, "test/strings", (uint64_t)order);
        uint32_t s = jd_ngram_start(m), t = jd_ngram_start(n);
        for (int i = 0; i < 2000; i++) {
            const char *word = NAME[jd_rng_below(&r, VOCABULARY)];
            const double p = jd_ngram_step(m, s, jd_ngram_id(m, word), &s);
            const double q = jd_ngram_step(n, t, jd_ngram_id(n, word), &t);
            assert_memory_equal(&p, &q, sizeof p);
        }
        assert_int_equal(jd_arpa_write(n, again), JD_OK);
        size_t a, b;
        char *x = jd_read_file(ctx, path, 0, &a), *y = jd_read_file(ctx, again, 0, &b);
        assert_int_equal(a, b);
        assert_memory_equal(x, y, a);
        jd_free(ctx, x);
        jd_free(ctx, y);
        jd_ngram_free(m);
        jd_ngram_free(n);
    }
}

/* Written by hand; with a pruned middle: there is "a b c", but no "b c". */
static const char GOLDEN[] = "a remark\n\n\\data\\\r\nngram 1=6\nngram  2 = 3\nngram 3=1\n\n\\1-grams:\n"
                             "-1.0\t<unk>\n-99 <s> -0.5\n-0.8\t</s>\n-0.5\ta\t-0.25\n-0.75 b\t-0.125\n-0.6 c\n\n"
                             "\\2-grams:\n-0.1 <s> a\n-0.2\ta b\t-0.05\n-0.3 c </s>\n\\3-grams:\n-0.01 a b c\n\n"
                             "\\end\\\nmore\n";

static double lg(const jd_ngram *m, const char *text)
{
    char copy[100];
    strcpy(copy, text);
    uint32_t state = 0;
    double ln = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        ln = jd_ngram_step(m, state, jd_ngram_id(m, word), &state);
    return ln / 2.302585092994045684;
}

static void golden(void **state)
{
    (void)state;
    tmpdir_write(tmpdir_file("g"), GOLDEN, strlen(GOLDEN));
    jd_ngram *m = jd_arpa_read(ctx, tmpdir_file("g"));
    if (!m) fail_msg("%s", jd_error_message(ctx));
    static const struct {
        const char *words;
        double lg; /* of the last after the others */
    } known[] = {{"a", -0.5},
                 {"a b", -0.2},
                 {"a b c", -0.01},
                 {"b c", -0.6 - 0.125},
                 {"a b a", -0.5 - 0.125 - 0.05}, /* two steps back */
                 {"a b c </s>", -0.3},           /* "b c" is no history, "c" is */
                 {"<s> a b", -0.2},              /* "<s> a" has no weight */
                 {"<s> b", -0.75 - 0.5},
                 {"a a", -0.5 - 0.25},
                 {"a zzz", -1.0 - 0.25},
                 {"zzz a", -0.5}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (fabs(lg(m, known[i].words) - known[i].lg) > 1e-6)
            fail_msg("%s: %g, not %g", known[i].words, lg(m, known[i].words), known[i].lg);
    assert_true(fabs(jd_ngram_end(m, 0) / 2.302585092994045684 + 0.8) < 1e-6);
    assert_string_equal(jd_ngram_word(m, 3), "a");
    assert_null(jd_ngram_word(m, 6));
    assert_null(jd_ngram_word(m, -1));
    assert_int_equal(jd_ngram_id(m, "zzz"), -1);
    jd_ngram_free(m);
}

/* A model of words alone, without sentences: no end is predicted, and none is counted. */
static void without_sentences(void **state)
{
    (void)state;
    static const char text[] = "\\data\\\nngram 1=2\n\\1-grams:\n-0.30103 a\n-0.60206 b\n\\end\\\n";
    const char *path = tmpdir_file("words");
    tmpdir_write(path, text, strlen(text));
    jd_ngram *m = jd_arpa_read(ctx, path);
    assert_non_null(m);
    assert_int_equal(jd_ngram_start(m), 0);
    assert_true(jd_ngram_end(m, 0) == 0);
    assert_true(fabs(jd_ngram_perplexity(m, "a b\nb a", 7) - sqrt(8)) < 1e-5);
    jd_ngram_free(m);
}

static void bad_files(void **state)
{
    (void)state;
#define HEAD "\\data\\\nngram 1=2\nngram 2=1\n\n\\1-grams:\n-1 a -0.5\n-1 b\n\n\\2-grams:\n"
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "before \\data\\"},
        {"nothing\n", "line 1"},
        {"\\data\\\n\\1-grams:\n", "line 2"},
        {"\\data\\\nngram 2=1\n", "line 2"},
        {"\\data\\\nngram 1=-1\n", "line 2"},
        {"\\data\\\nngram 1=99999999999999999999\n", "line 2"},
        {"\\data\\\nngram 1 1\n", "line 2"},
        {"\\data\\\nngram 9=1\n", "at most 8"},
        {"\\data\\\nngram 1=4000000000\n\\1-grams:\n-1 a\n\\end\\\n", "line 5: 1 1-grams"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n-1 b\n\\end\\\n", "line 5: more"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n", "cut off"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n\\2-grams:\n", "line 5"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n0.1 a\n\\end\\\n", "line 4"},
        {"\\data\\\nngram 1=1\n\\1-grams:\nnan a\n\\end\\\n", "line 4"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n-1\n\\end\\\n", "line 4: 0 words"},
        {"\\data\\\nngram 1=1\n\\1-grams:\n-1 a -1\n\\end\\\n", "line 4: more fields"},
        {"\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n-1 a\n\\end\\\n", "line 5"},
        {HEAD "-1 a c\n\\end\\\n", "line 10: the word 'c'"},
        {HEAD "-1 a b 0 0\n\\end\\\n", "line 10"},
        {HEAD "-1 a\n\\end\\\n", "line 10: 1 words"},
        {HEAD "\\end\\\n", "line 10: 0 2-grams"},
        {"\\data\\\nngram 1=1\nngram 2=0\nngram 3=1\n\\1-grams:\n-1 a 0\n\\2-grams:\n\\3-grams:\n-1 a a a\n\\end\\\n",
         "line 9: its first 2 words"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = tmpdir_file("bad");
        tmpdir_write(path, bad[i].text, strlen(bad[i].text));
        assert_null(jd_arpa_read(ctx, path));
        assert_int_equal(jd_error(ctx), JD_EDATA);
        if (!strstr(jd_error_message(ctx), bad[i].says) || !strstr(jd_error_message(ctx), path))
            fail_msg("%zu: %s", i, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    static const char zero[] = HEAD "-1 a b 0\n\\end\\\n"; /* no weight is no harm where none belongs */
    tmpdir_write(tmpdir_file("zero"), zero, strlen(zero));
    jd_ngram *m = jd_arpa_read(ctx, tmpdir_file("zero"));
    assert_non_null(m);
    jd_ngram_free(m);
    char *name = malloc(2000); /* a word that is too long */
    const int head = snprintf(name, 2000, "\\data\\\nngram 1=1\n\\1-grams:\n-1 ");
    memset(name + head, 'a', (size_t)(2000 - head));
    tmpdir_write(tmpdir_file("long"), name, 2000);
    assert_null(jd_arpa_read(ctx, tmpdir_file("long")));
    assert_non_null(strstr(jd_error_message(ctx), "line 4: a word of 19"));
    jd_error_clear(ctx);
    free(name);
    tmpdir_write(tmpdir_file("nul"), "\\data\\\nngram\0", 13);
    assert_null(jd_arpa_read(ctx, tmpdir_file("nul")));
    assert_non_null(strstr(jd_error_message(ctx), "line 2"));
    jd_error_clear(ctx);
    assert_null(jd_arpa_read(ctx, tmpdir_file("not there")));
    assert_int_equal(jd_error(ctx), JD_ENOINPUT);
    jd_error_clear(ctx);
}

/* A program in a language that writes 0,5 still reads and writes 0.5. */
static void other_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) skip();
    round_trip(state);
    golden(state);
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(witten_bell), cmocka_unit_test(perplexity),
                                       cmocka_unit_test(bad_text),    cmocka_unit_test(round_trip),
                                       cmocka_unit_test(golden),      cmocka_unit_test(without_sentences),
                                       cmocka_unit_test(bad_files),   cmocka_unit_test(other_locale)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
