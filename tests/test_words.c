/* Token passing and keyword search against the enumeration of all paths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/decode.h"
#include "ctx.h"

enum { MAX_T = 7, K = 4, MAX_WORDS = 8 };

static void log_softmax(const float *x, double *y)
{
    double sum = 0;
    for (size_t k = 0; k < K; k++) sum += exp((double)x[k]);
    for (size_t k = 0; k < K; k++) y[k] = (double)x[k] - log(sum);
}

static void random_outputs(jd_rng *r, size_t T, float *x)
{
    const float spread = 0.5f + 3 * jd_rng_uniform(r);
    for (size_t i = 0; i < T * K; i++) x[i] = spread * (float)jd_rng_normal(r);
}

/* ---- token passing ----------------------------------------------------------------------------------------------------- */

static const int32_t A[] = {1}, AB[] = {1, 2}, BB[] = {2, 2}, BA[] = {2, 1}, ABA[] = {1, 2, 1}, C[] = {3};
static const jd_lexicon_word WORDS[] = {{"a", A, 1},  {"ab", AB, 2},   {"bb", BB, 2}, {"ba", BA, 2},
                                        {"ah", A, 1}, {"aba", ABA, 3}, {"c", C, 1},   {"zz", C, 1}};

typedef struct task {
    const jd_words_options *o;
    size_t words;
    const int32_t *label; /* a labelling */
    size_t n;
    int32_t taken[MAX_T], best_words[MAX_T];
    size_t best_n;
    double best; /* of the model, over all ways to cut the labelling into words */
} task;

static double step(const task *k, uint32_t *state, size_t w)
{
    const jd_ngram *m = k->o->model;
    if (!m) return k->o->bonus;
    int32_t id = jd_ngram_id(m, WORDS[w].text);
    const double ln = jd_ngram_step(m, *state, id, NULL);
    /* the history is the word alone: a bigram */
    jd_ngram_step(m, 0, id, state);
    return k->o->weight * ln + k->o->bonus;
}

static void cut(task *k, size_t at, size_t taken, uint32_t state, double score)
{
    if (at == k->n && taken > 0) {
        if (k->o->end && k->o->model) score += k->o->weight * jd_ngram_end(k->o->model, state);
        if (score > k->best) {
            k->best = score;
            k->best_n = taken;
            memcpy(k->best_words, k->taken, taken * sizeof *k->taken);
        }
        return;
    }
    if (k->o->separated && taken > 0) {
        if (at == k->n || k->label[at] != k->o->separator) return;
        at++;
    }
    for (size_t w = 0; w < k->words; w++) {
        if (WORDS[w].count > k->n - at ||
            memcmp(WORDS[w].labels, k->label + at, WORDS[w].count * sizeof *k->label) != 0)
            continue;
        uint32_t next = state;
        const double more = step(k, &next, w);
        k->taken[taken] = (int32_t)w;
        cut(k, at + WORDS[w].count, taken + 1, next, score + more);
    }
}

static double enumerate(task *k, const float *x, size_t T, int32_t *words, size_t *count)
{
    double y[MAX_T][K], best = -(double)INFINITY;
    size_t paths = 1;
    for (size_t t = 0; t < T; t++, paths *= K) log_softmax(x + t * K, y[t]);
    for (size_t path = 0; path < paths; path++) {
        int32_t label[MAX_T], last = -1;
        double ln = 0;
        size_t n = 0, code = path;
        for (size_t t = 0; t < T; t++, code /= K) {
            const int32_t s = (int32_t)(code % K);
            ln += y[t][s];
            if (s != 0 && s != last) label[n++] = s;
            last = s;
        }
        k->label = label;
        k->n = n;
        k->best = -(double)INFINITY;
        cut(k, 0, 0, k->o->model ? jd_ngram_start(k->o->model) : 0, 0);
        if (ln + k->best > best) {
            best = ln + k->best;
            *count = k->best_n;
            memcpy(words, k->best_words, k->best_n * sizeof *words);
        }
    }
    return best;
}

static jd_ngram *random_model(jd_rng *r, int order)
{
    char text[600], *at = text;
    for (int i = 0; i < 40; i++) /* "zz" is left out of some */
        at += sprintf(at, "%s%s", WORDS[jd_rng_below(r, order == 1 ? 8 : 7)].text, jd_rng_below(r, 4) ? " " : "\n");
    return jd_ngram_estimate(ctx, text, strlen(text), order);
}

static void words(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(1, "test/words", 0);
    int found_any = 0;
    for (int n = 0; n < 400; n++) {
        const size_t T = 1 + jd_rng_below(&r, 6);
        float x[MAX_T * K];
        random_outputs(&r, T, x);
        jd_words_options o = {.weight = 0.3 + jd_rng_uniform64(&r),
                              .bonus = 2 * jd_rng_uniform64(&r) - 0.5,
                              .end = jd_rng_below(&r, 2),
                              .separated = jd_rng_below(&r, 2),
                              .separator = 3};
        task k = {.o = &o, .words = o.separated ? 6 : 8};
        jd_lexicon *l = jd_lexicon_new(ctx, WORDS, k.words);
        jd_ngram *m = n % 4 ? random_model(&r, n % 4) : NULL;
        o.lexicon = l;
        o.model = m;
        int32_t truth[MAX_T];
        size_t count = 0;
        const double best = enumerate(&k, x, T, truth, &count);
        jd_words w = {0};
        assert_int_equal(jd_ctc_words(ctx, x, K, T, K, &o, &w), JD_OK);
        if (isinf(best))
            assert_true(w.count == 0 && isinf(w.score));
        else if (fabs(w.score - best) > 1e-5) /* the model's numbers are float32 */
            fail_msg("case %d, T %zu: %.12g, not %.12g", n, T, w.score, best);
        if (m && isfinite(best)) { /* without a model "a" and "ah" are one */
            assert_int_equal(w.count, count);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(w.items[i].label, truth[i]);
                assert_true(w.items[i].first <= w.items[i].last && w.items[i].last < (int32_t)T);
                assert_true(i == 0 || w.items[i].first > w.items[i - 1].last);
                assert_true(w.items[i].confidence > 0 && w.items[i].confidence <= 1);
            }
            found_any += count > 1;
        }
        jd_words_free(ctx, &w);
        jd_ngram_free(m);
        jd_lexicon_free(l);
    }
    if (found_any < 30) fail_msg("%d", found_any);
}

static void mini_example(void **state)
{
    (void)state;
    const int32_t a[] = {0}, b[] = {1}, ab[] = {0, 1};
    const jd_lexicon_word w3[] = {{"a", a, 1}, {"b", b, 1}, {"ab", ab, 2}};
    const float x[2][3] = {{logf(.4f), -INFINITY, logf(.6f)}, {logf(.4f), -INFINITY, logf(.6f)}};
    jd_lexicon *l = jd_lexicon_new(ctx, w3, 3);
    jd_words w = {0};
    assert_int_equal(jd_ctc_words(ctx, x[0], 3, 2, 3, &(jd_words_options){.blank = 2, .lexicon = l}, &w), JD_OK);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.items[0].label, 0);
    assert_true(fabs(exp(w.score) - .24) < 1e-6);
    jd_words_free(ctx, &w);
    assert_int_equal(jd_ctc_words(ctx, x[0], 3, 2, 3, &(jd_words_options){.blank = 2}, &w), JD_EUSAGE);
    jd_error_clear(ctx);
    const jd_words_options wrong[] = {{.blank = 1, .lexicon = l}, /* a label of the lexicon */
                                      {.blank = 2, .lexicon = l, .weight = -1},
                                      {.blank = 2, .lexicon = l, .weight = NAN},
                                      {.blank = 2, .lexicon = l, .bonus = 101},
                                      {.blank = 2, .lexicon = l, .bonus = NAN},
                                      {.blank = 2, .lexicon = l, .separated = true, .separator = 1},
                                      {.blank = 2, .lexicon = l, .separated = true, .separator = 2},
                                      {.blank = 2, .lexicon = l, .separated = true, .separator = 3},
                                      {.blank = 2, .lexicon = l, .separated = true, .separator = -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(jd_ctc_words(ctx, x[0], 3, 2, 3, &wrong[i], &w), JD_EUSAGE);
        assert_true(w.count == 0 && w.items == NULL);
        jd_error_clear(ctx);
    }
    jd_lexicon_free(l);
}

/* 1,000 words of 4 to 9 letters, bigrams, noisy outputs: the dictionary takes away most of the best path's errors. */
static void dictionary(void **state)
{
    (void)state;
    enum { D = 1000, LETTERS = 27, BLANK = 0, MAX = 400, STRINGS = 10, N = 6 };
    jd_rng r = jd_rng_new(5, "test/dictionary", 0);
    static int32_t spelling[D][9];
    static jd_lexicon_word word[D];
    static char name[D][8], text[200000];
    for (size_t d = 0; d < D; d++) {
        const size_t n = 4 + jd_rng_below(&r, 6);
        for (size_t i = 0; i < n; i++) spelling[d][i] = 1 + (int32_t)jd_rng_below(&r, LETTERS - 1);
        sprintf(name[d], "w%zu", d);
        word[d] = (jd_lexicon_word){name[d], spelling[d], n};
    }
    /* after a word come seven others */
    char *at = text;
    size_t now = 0;
    for (int i = 0; i < 20000; i++) {
        now = (now * 7 + jd_rng_below(&r, 7)) % D;
        at += sprintf(at, "%s%s", name[now], i % 20 == 19 ? "\n" : " ");
    }
    jd_ngram *m = jd_ngram_estimate(ctx, text, strlen(text), 2);
    jd_lexicon *l = jd_lexicon_new(ctx, word, D);
    size_t wrong_words = 0, wrong_letters = 0, wrong_dictionary = 0;
    float *x = malloc(MAX * LETTERS * sizeof *x);
    for (int s = 0; s < STRINGS; s++) {
        int32_t truth[N], found[MAX], got[MAX], letters[N * 9];
        size_t T = 0, n = 0;
        now = jd_rng_below(&r, D);
        for (int i = 0; i < MAX * LETTERS; i++) x[i] = 1.6f * (float)jd_rng_normal(&r);
        for (int i = 0; i < N; i++) {
            now = (now * 7 + jd_rng_below(&r, 7)) % D;
            truth[i] = (int32_t)now;
            for (size_t k = 0; k < word[now].count; k++) {
                const int32_t letter = letters[n++] = spelling[now][k];
                for (int f = 0; f < 2; f++) x[T++ * LETTERS + (size_t)letter] += 4.5f;
                for (int f = 0; f < 2; f++) x[T++ * LETTERS + BLANK] += 4.5f;
            }
        }
        const size_t plain = jd_ctc_best_path(x, LETTERS, T, LETTERS, BLANK, found);
        wrong_letters += jd_edit_distance(ctx, letters, n, found, plain).total;
        wrong_words += plain != n || memcmp(found, letters, n * sizeof *found) != 0 ? N : 0;
        jd_words w = {0};
        const jd_words_options o = {.blank = BLANK, .lexicon = l, .model = m};
        assert_int_equal(jd_ctc_words(ctx, x, LETTERS, T, LETTERS, &o, &w), JD_OK);
        for (size_t i = 0; i < w.count; i++) got[i] = w.items[i].label;
        wrong_dictionary += jd_edit_distance(ctx, truth, N, got, w.count).total;
        jd_words_free(ctx, &w);
    }
    free(x);
    assert_true(wrong_letters > STRINGS);
    assert_true(wrong_dictionary <= STRINGS * N / 20);
    assert_true(wrong_words > 4 * wrong_dictionary);
    jd_lexicon_free(l);
    jd_ngram_free(m);
}

/* ---- keyword search ---------------------------------------------------------------------------------------------------- */

/* The best way to say `labels` in frames first .. last, against the best path there. */
static double stretch(const double (*y)[K], size_t first, size_t last, const int32_t *labels, size_t n)
{
    size_t paths = 1;
    double best = -(double)INFINITY;
    for (size_t t = first; t <= last; t++) paths *= K;
    for (size_t path = 0; path < paths; path++) {
        int32_t before = -1, now = 0;
        size_t said = 0, code = path;
        bool right = true;
        double ln = 0;
        for (size_t t = first; t <= last && right; t++, code /= K) {
            now = (int32_t)(code % K);
            double top = y[t][0];
            for (size_t k = 1; k < K; k++) top = fmax(top, y[t][k]);
            ln += y[t][now] - top;
            if (t == first && now == 0) right = false;
            if (now != 0 && now != before) {
                right = right && said < n && labels[said] == now;
                said++;
            }
            before = now;
        }
        if (right && said == n && now != 0) best = fmax(best, ln);
    }
    return best;
}

static void spotting(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(9, "test/spot", 0);
    int seen = 0;
    for (int n = 0; n < 60; n++) {
        const size_t T = 2 + jd_rng_below(&r, MAX_T - 1), words_n = 1 + jd_rng_below(&r, 2);
        float x[MAX_T * K];
        double y[MAX_T][K];
        random_outputs(&r, T, x);
        for (size_t t = 0; t < T; t++) log_softmax(x + t * K, y[t]);
        const int32_t labels[2] = {1, 1 + (int32_t)jd_rng_below(&r, 2)};
        const double least = -3 * jd_rng_uniform64(&r);
        /* all stretches; of one last frame only the best first one counts */
        double score[MAX_T];
        size_t from[MAX_T];
        for (size_t t = 0; t < T; t++) {
            score[t] = -(double)INFINITY;
            for (size_t first = 0; first <= t; first++) {
                const double s = stretch((const double(*)[K])y, first, t, labels, words_n);
                if (s > score[t] + 1e-12) {
                    score[t] = s;
                    from[t] = first;
                }
            }
        }
        jd_hit hit[MAX_T];
        size_t count;
        assert_int_equal(jd_ctc_spot(ctx, x, K, T, K, 0, labels, words_n, least, hit, MAX_T, &count), JD_OK);
        for (size_t i = 0; i < count; i++) {
            assert_true(hit[i].score >= least && fabs(hit[i].score - score[hit[i].last]) < 1e-9);
            assert_int_equal(hit[i].first, from[hit[i].last]);
            assert_true(i == 0 || hit[i].first > hit[i - 1].last);
            seen++;
        }
        /* what is not there overlaps with something as good */
        for (size_t t = 0; t < T; t++) {
            if (score[t] < least) continue;
            bool covered = false;
            for (size_t i = 0; i < count; i++)
                covered |= hit[i].first <= t && hit[i].last >= from[t] && hit[i].score >= score[t] - 1e-9;
            assert_true(covered);
        }
    }
    assert_true(seen > 40);
    const float x[2 * K] = {0, 9, 0, 0, 0, 0, 9, 0};
    const int32_t labels[2] = {1, 2};
    jd_hit hit[1];
    size_t count;
    assert_int_equal(jd_ctc_spot(ctx, x, K, 2, K, 0, labels, 2, -1, hit, 1, &count), JD_OK);
    assert_true(count == 1 && hit[0].first == 0 && hit[0].last == 1 && fabs(hit[0].score) < 1e-12);
    assert_int_equal(jd_ctc_spot(ctx, x, K, 2, K, 0, labels, 0, -1, hit, 1, &count), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_ctc_spot(ctx, x, K, 2, K, 1, labels, 2, -1, hit, 1, &count), JD_EUSAGE);
    jd_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(mini_example),
                                       cmocka_unit_test(dictionary), cmocka_unit_test(spotting)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
