/* Prefix beam search and alignment against the enumeration of all paths. */
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

enum { MAX_T = 6, MAX_K = 4, MAX_PATHS = 4096 };

/* ---- enumeration ------------------------------------------------------------------------------------------------------- */

typedef struct labelling {
    int32_t label[MAX_T];
    size_t n;
    double p, best; /* sum and largest of its paths */
    double score;
} labelling;

typedef struct all {
    labelling item[MAX_PATHS];
    size_t n;
} all;

static void softmax(const float *x, size_t K, double *p)
{
    double sum = 0;
    for (size_t k = 0; k < K; k++) sum += exp((double)x[k]);
    for (size_t k = 0; k < K; k++) p[k] = exp((double)x[k]) / sum;
}

static void enumerate(const float *x, size_t T, size_t K, int32_t blank, all *out)
{
    double y[MAX_T][MAX_K];
    size_t paths = 1;
    for (size_t t = 0; t < T; t++, paths *= K) softmax(x + t * K, K, y[t]);
    out->n = 0;
    for (size_t path = 0; path < paths; path++) {
        labelling l = {.p = 1};
        int32_t last = -1;
        size_t code = path;
        for (size_t t = 0; t < T; t++, code /= K) {
            const int32_t k = (int32_t)(code % K);
            l.p *= y[t][k];
            if (k != blank && k != last) l.label[l.n++] = k;
            last = k;
        }
        size_t i = 0;
        while (i < out->n && (out->item[i].n != l.n || memcmp(out->item[i].label, l.label, l.n * sizeof *l.label) != 0))
            i++;
        if (i == out->n) {
            out->item[out->n++] = l;
            out->item[i].p = out->item[i].best = 0;
        }
        out->item[i].p += l.p;
        out->item[i].best = fmax(out->item[i].best, l.p);
    }
}

static int by_score(const void *x, const void *y)
{
    const labelling *a = x, *b = y;
    return a->score < b->score ? 1 : a->score > b->score ? -1 : 0;
}

/* ---- random cases ------------------------------------------------------------------------------------------------------ */

static void random_outputs(jd_rng *r, size_t T, size_t K, float *x)
{
    const float spread = 0.3f + 4 * jd_rng_uniform(r);
    for (size_t i = 0; i < T * K; i++) x[i] = spread * (float)jd_rng_normal(r);
}

static const char *const SYMBOL[MAX_K] = {"k0", "k1", "k2", "k3"};

/* A model of the symbols, by chance; symbol 3 is sometimes unknown to it. */
static jd_ngram *random_model(jd_rng *r, size_t K, int order, int32_t *symbol)
{
    char text[400], *at = text;
    for (int i = 0; i < 30; i++)
        at += sprintf(at, "%s%s", SYMBOL[jd_rng_below(r, (uint32_t)K)], jd_rng_below(r, 4) ? " " : "\n");
    jd_ngram *m = jd_ngram_estimate(ctx, text, strlen(text), order);
    for (size_t k = 0; k < K; k++) symbol[k] = jd_ngram_id(m, SYMBOL[k]);
    return m;
}

static double model_score(const jd_ngram *m, const int32_t *symbol, const jd_beam_options *o, const labelling *l)
{
    double ln = o->bonus * (double)l->n;
    uint32_t state = m ? jd_ngram_start(m) : 0;
    for (size_t i = 0; m && i < l->n; i++) ln += o->weight * jd_ngram_step(m, state, symbol[l->label[i]], &state);
    return m && o->end ? ln + o->weight * jd_ngram_end(m, state) : ln;
}

static void compare(const jd_nbest *found, const all *truth, size_t n)
{
    assert_int_equal(found->count, n);
    for (size_t i = 0; i < n; i++) {
        const jd_hypothesis *h = &found->items[i];
        const labelling *l = &truth->item[i];
        if (fabs(h->score - l->score) > 1e-10) fail_msg("%zu: score %.17g, not %.17g", i, h->score, l->score);
        if (fabs(h->acoustic - log(l->p)) > 1e-10)
            fail_msg("%zu: acoustic %.17g, not %.17g", i, h->acoustic, log(l->p));
        if (i + 1 < n && l->score - truth->item[i + 1].score < 1e-9) continue; /* equally good */
        if (i > 0 && truth->item[i - 1].score - l->score < 1e-9) continue;
        assert_int_equal(h->count, l->n);
        for (size_t k = 0; k < l->n; k++) assert_int_equal(h->symbols[k].label, l->label[k]);
    }
}

/* With a beam that holds everything, the whole list equals the enumeration; without and with a model. */
static void exact(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(1, "test/beam", 0);
    all *truth = malloc(sizeof *truth);
    for (int n = 0; n < 1000; n++) {
        const size_t T = 1 + jd_rng_below(&r, MAX_T - 1), K = 2 + jd_rng_below(&r, MAX_K - 1);
        float x[MAX_T * MAX_K];
        int32_t symbol[MAX_K];
        random_outputs(&r, T, K, x);
        jd_beam_options o = {.blank = (int32_t)jd_rng_below(&r, (uint32_t)K), .width = 100000, .best = 100000};
        jd_ngram *m = n % 2 ? random_model(&r, K, 1 + (int)jd_rng_below(&r, 3), symbol) : NULL;
        o.weight = 0.2 + 2 * jd_rng_uniform64(&r);
        o.bonus = n % 3 ? 2 * jd_rng_uniform64(&r) - 1 : 0;
        o.end = jd_rng_below(&r, 2);
        o.model = m;
        o.symbol = symbol;
        enumerate(x, T, K, o.blank, truth);
        for (size_t i = 0; i < truth->n; i++)
            truth->item[i].score = log(truth->item[i].p) + model_score(m, symbol, &o, &truth->item[i]);
        qsort(truth->item, truth->n, sizeof *truth->item, by_score);
        jd_nbest found = {0};
        assert_int_equal(jd_ctc_beam(ctx, x, K, T, K, &o, &found), JD_OK);
        compare(&found, truth, truth->n);
        double sum = 0;
        for (size_t i = 0; i < found.count; i++) sum += found.items[i].confidence;
        assert_true(fabs(sum - 1) < 1e-12);
        jd_nbest_free(ctx, &found);
        jd_ngram_free(m);
    }
    free(truth);
}

/* Words of labels 1 and 2, separated by 3: what a labelling scores, or false if it cannot be. */
static bool score_words(const labelling *l, const jd_ngram *m, const jd_lexicon_word *words, size_t n,
                        const jd_beam_options *o, double *score)
{
    uint32_t state = m ? jd_ngram_start(m) : 0;
    *score = log(l->p);
    for (size_t i = 0; i <= l->n;) {
        size_t stop = i;
        while (stop < l->n && l->label[stop] != 3) stop++;
        if (stop > i) {
            size_t w = 0;
            while (w < n && (words[w].count != stop - i ||
                             memcmp(words[w].labels, l->label + i, (stop - i) * sizeof *l->label) != 0))
                w++;
            if (w == n && !o->open) return false;
            *score += o->bonus;
            if (m) *score += o->weight * jd_ngram_step(m, state, w < n ? jd_ngram_id(m, words[w].text) : -1, &state);
        }
        i = stop + 1;
    }
    if (m && o->end) *score += o->weight * jd_ngram_end(m, state);
    return true;
}

static void exact_words(void **state)
{
    (void)state;
    static const int32_t A[] = {1}, AB[] = {1, 2}, BB[] = {2, 2}, BA[] = {2, 1};
    static const jd_lexicon_word words[] = {{"a", A, 1}, {"ab", AB, 2}, {"bb", BB, 2}, {"ba", BA, 2}};
    static const char text[] = "a ab a\nbb a ab\nab a bb ab\nba <unk> a\n";
    jd_lexicon *lexicon = jd_lexicon_new(ctx, words, 4);
    jd_ngram *m = jd_ngram_estimate(ctx, text, strlen(text), 2);
    jd_rng r = jd_rng_new(2, "test/beam words", 0);
    all *truth = malloc(sizeof *truth);
    assert_int_equal(jd_lexicon_count(lexicon), 4);
    assert_string_equal(jd_lexicon_text(lexicon, 2), "bb");
    for (int n = 0; n < 300; n++) {
        const size_t T = 1 + jd_rng_below(&r, MAX_T), K = 4;
        float x[MAX_T * MAX_K];
        random_outputs(&r, T, K, x);
        const jd_beam_options o = {.blank = 0,
                                   .width = 100000,
                                   .best = 100000,
                                   .model = n % 3 ? m : NULL,
                                   .lexicon = lexicon,
                                   .separator = 3,
                                   .weight = 0.7,
                                   .bonus = n % 2 ? 0.5 : -0.3,
                                   .end = jd_rng_below(&r, 2),
                                   .open = jd_rng_below(&r, 2)};
        enumerate(x, T, K, 0, truth);
        size_t possible = 0;
        for (size_t i = 0; i < truth->n; i++) {
            labelling l = truth->item[i];
            if (score_words(&l, o.model, words, 4, &o, &l.score)) truth->item[possible++] = l;
        }
        qsort(truth->item, possible, sizeof *truth->item, by_score);
        jd_nbest found = {0};
        assert_int_equal(jd_ctc_beam(ctx, x, K, T, K, &o, &found), JD_OK);
        compare(&found, truth, possible);
        jd_nbest_free(ctx, &found);
    }
    free(truth);
    jd_ngram_free(m);
    jd_lexicon_free(lexicon);
}

/* P(a) = .4, P(blank) = .6 twice: "a" in .64 of all cases, although the best path says nothing. */
static void mini_example(void **state)
{
    (void)state;
    const float x[2][3] = {{logf(.4f), -INFINITY, logf(.6f)}, {logf(.4f), -INFINITY, logf(.6f)}};
    jd_nbest found = {0};
    assert_int_equal(jd_ctc_beam(ctx, x[0], 3, 2, 3, &(jd_beam_options){.blank = 2, .best = 9}, &found), JD_OK);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.items[0].count, 1);
    assert_int_equal(found.items[0].symbols[0].label, 0);
    assert_true(fabs(found.items[0].confidence - .64) < 1e-6);
    assert_true(fabs(exp(found.items[0].score) - .64) < 1e-6);
    assert_true(fabs(found.items[0].symbols[0].confidence - .64) < 1e-6);
    assert_int_equal(found.items[1].count, 0);
    jd_nbest_free(ctx, &found);
    /* no frames: the empty labelling for sure */
    assert_int_equal(jd_ctc_beam(ctx, x[0], 3, 0, 3, &(jd_beam_options){.blank = 2}, &found), JD_OK);
    assert_true(found.count == 1 && found.items[0].count == 0 && fabs(found.items[0].score) < 1e-12);
    jd_nbest_free(ctx, &found);
}

/* ln p(l|x) by the forward recursion. */
static double forward(const float *x, size_t T, size_t K, int32_t blank, const int32_t *labels, size_t n)
{
    const size_t S = 2 * n + 1;
    double *a = calloc(S, sizeof *a), *b = calloc(S, sizeof *b), *y = malloc(K * sizeof *y), ln = 0;
    for (size_t t = 0; t < T; t++) {
        softmax(x + t * K, K, y);
        double sum = 0;
        for (size_t s = 0; s < S; s++) {
            const int32_t k = s % 2 ? labels[s / 2] : blank;
            double v = t ? a[s] : s < 2;
            if (t && s > 0) v += a[s - 1];
            if (t && s > 1 && s % 2 && labels[s / 2] != labels[s / 2 - 1]) v += a[s - 2];
            b[s] = v * y[k];
            sum += b[s];
        }
        for (size_t s = 0; s < S; s++) a[s] = b[s] / sum;
        ln += log(sum);
    }
    const double p = a[S - 1] + (n ? a[S - 2] : 0);
    free(a);
    free(b);
    free(y);
    return ln + log(p);
}

/* Long outputs in a beam of ordinary width: never worse than the best path, never above the truth. */
static void long_outputs(void **state)
{
    (void)state;
    enum { T = 400, K = 30 };
    float *x = malloc(T * K * sizeof *x);
    int32_t labels[T];
    double lost = 0;
    for (uint64_t n = 0; n < 12; n++) {
        jd_rng r = jd_rng_new(3, "test/long", n);
        for (int i = 0; i < T * K; i++) x[i] = (float)jd_rng_normal(&r) * (n % 2 ? 0.8f : n ? 1.5f : 0.3f);
        for (int t = 0; t < T; t++) x[t * K + (int)(jd_rng_below(&r, 3) ? 0 : jd_rng_below(&r, K))] += n % 2 ? 9 : 3;
        const size_t plain = jd_ctc_best_path(x, K, T, K, 0, labels);
        const double path = forward(x, T, K, 0, labels, plain);
        jd_nbest found = {0};
        assert_int_equal(jd_ctc_beam(ctx, x, K, T, K, &(jd_beam_options){.blank = 0, .best = 3}, &found), JD_OK);
        assert_int_equal(found.count, 3);
        for (size_t i = 0; i < 3; i++) {
            const jd_hypothesis *h = &found.items[i];
            int32_t *l = malloc((h->count + 1) * sizeof *l);
            for (size_t k = 0; k < h->count; k++) l[k] = h->symbols[k].label;
            const double truth = forward(x, T, K, 0, l, h->count);
            assert_true(h->acoustic < truth + 1e-9);
            if (i == 0) assert_true(truth > path - 1e-9);
            if (n % 2 && i == 0) lost = fmax(lost, truth - h->acoustic);
            for (size_t k = 0; k < h->count; k++) {
                const jd_symbol *s = &h->symbols[k];
                assert_true(s->first <= s->last && s->first > (k ? s[-1].last : -1) && s->last < T);
                assert_true(s->confidence >= h->confidence - 1e-9 && s->confidence <= 1);
            }
            free(l);
        }
        jd_nbest_free(ctx, &found);
    }

    if (lost > 0.05) fail_msg("%g", lost); /* of clear outputs the beam holds nearly all paths */
    free(x);
}

/* Narrower beams give no higher scores; a beam of one is still a labelling. */
static void widths(void **state)
{
    (void)state;
    enum { T = 60, K = 12 };
    float x[T * K];
    jd_rng r = jd_rng_new(4, "test/widths", 0);
    for (int i = 0; i < T * K; i++) x[i] = (float)jd_rng_normal(&r);
    static const size_t width[] = {1, 10, 100, 1000};
    double last = -(double)INFINITY;
    for (int i = 0; i < 4; i++) {
        jd_nbest found = {0};
        assert_int_equal(jd_ctc_beam(ctx, x, K, T, K, &(jd_beam_options){.blank = 0, .width = width[i]}, &found),
                         JD_OK);
        assert_int_equal(found.count, 1);
        assert_true(found.items[0].score > last);
        last = found.items[0].score;
        jd_nbest_free(ctx, &found);
    }
}

static void alignment(void **state)
{
    (void)state;
    jd_rng r = jd_rng_new(5, "test/align", 0);
    all *truth = malloc(sizeof *truth);
    for (int n = 0; n < 200; n++) {
        const size_t T = 1 + jd_rng_below(&r, MAX_T - 1), K = 2 + jd_rng_below(&r, MAX_K - 1);
        float x[MAX_T * MAX_K];
        random_outputs(&r, T, K, x);
        enumerate(x, T, K, 0, truth);
        for (size_t i = 0; i < truth->n; i++) {
            const labelling *l = &truth->item[i];
            jd_symbol s[MAX_T];
            double ln, y[MAX_K], sum = 0;
            assert_int_equal(jd_ctc_align(ctx, x, K, T, K, 0, l->label, l->n, s, &ln), JD_OK);
            assert_true(fabs(ln - log(l->best)) < 1e-10);
            /* the places spell the labelling, and its frames have that probability */
            for (size_t t = 0, k = 0; t < T; t++) {
                softmax(x + t * K, K, y);
                while (k < l->n && (int32_t)t > s[k].last) k++;
                sum += log(y[k < l->n && (int32_t)t >= s[k].first ? s[k].label : 0]);
            }
            assert_true(fabs(sum - ln) < 1e-10);
        }
    }
    const float x[4] = {0};
    const int32_t twice[2] = {1, 1}, blank[1] = {0}, high[1] = {2};
    jd_symbol s[2];
    assert_int_equal(jd_ctc_align(ctx, x, 2, 2, 2, 0, twice, 2, s, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_ctc_align(ctx, x, 2, 2, 2, 0, blank, 1, s, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_int_equal(jd_ctc_align(ctx, x, 2, 2, 2, 0, high, 1, s, NULL), JD_EUSAGE);
    jd_error_clear(ctx);
    free(truth);
}

static void refuse(size_t K, const float *x, const jd_beam_options *o, jd_status status)
{
    jd_nbest found = {0};
    assert_int_equal(jd_ctc_beam(ctx, x, K, 1, K, o, &found), status);
    assert_true(found.items == NULL && found.count == 0);
    assert_int_equal(jd_error(ctx), status);
    jd_error_clear(ctx);
}

static void wrong_use(void **state)
{
    (void)state;
    const float x[3] = {0, 1, 2}, nan[3] = {0, NAN, 0}, inf[3] = {0, INFINITY, 0};
    const float none[3] = {-INFINITY, -INFINITY, -INFINITY};
    const int32_t A[] = {1}, FAR[] = {5}, NEGATIVE[] = {-1};
    refuse(3, nan, &(jd_beam_options){0}, JD_EDIVERGED);
    refuse(3, inf, &(jd_beam_options){0}, JD_EDIVERGED);
    refuse(3, none, &(jd_beam_options){0}, JD_EDIVERGED);
    refuse(3, x, &(jd_beam_options){.blank = 3}, JD_EUSAGE);
    refuse(3, x, &(jd_beam_options){.blank = -1}, JD_EUSAGE);
    refuse(3, x, &(jd_beam_options){.weight = -1}, JD_EUSAGE);
    refuse(3, x, &(jd_beam_options){.weight = NAN}, JD_EUSAGE);
    refuse(3, x, &(jd_beam_options){.bonus = NAN}, JD_EUSAGE);
    refuse(0, x, &(jd_beam_options){0}, JD_EUSAGE);
    jd_ngram *m = jd_ngram_estimate(ctx, "a", 1, 1);
    refuse(3, x, &(jd_beam_options){.model = m}, JD_EUSAGE);
    jd_ngram_free(m);
    jd_lexicon *far = jd_lexicon_new(ctx, &(jd_lexicon_word){"far", FAR, 1}, 1);
    refuse(3, x, &(jd_beam_options){.lexicon = far, .separator = 2}, JD_EUSAGE);
    refuse(9, (const float[9]){0}, &(jd_beam_options){.lexicon = far, .separator = 5}, JD_EUSAGE);
    jd_lexicon_free(far);
    const jd_lexicon_word alike[] = {{"one", A, 1}, {"won", A, 1}};
    jd_lexicon *two = jd_lexicon_new(ctx, alike, 2);
    refuse(3, x, &(jd_beam_options){.lexicon = two, .separator = 2}, JD_EUSAGE);
    refuse(3, x, &(jd_beam_options){.lexicon = two, .separator = 0}, JD_EUSAGE);
    jd_lexicon_free(two);
    assert_null(jd_lexicon_new(ctx, alike, 0));
    jd_error_clear(ctx);
    assert_null(jd_lexicon_new(ctx, &(jd_lexicon_word){"no", A, 0}, 1));
    jd_error_clear(ctx);
    assert_null(jd_lexicon_new(ctx, &(jd_lexicon_word){"no", NEGATIVE, 1}, 1));
    jd_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact),        cmocka_unit_test(exact_words),
                                       cmocka_unit_test(mini_example), cmocka_unit_test(long_outputs),
                                       cmocka_unit_test(widths),       cmocka_unit_test(alignment),
                                       cmocka_unit_test(wrong_use)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
