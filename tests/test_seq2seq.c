/* test_seq2seq.c - reader, writer, attention and beam search over sequences; BLEU and brackets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "jackdaw/metrics.h"

#include "../systems/seq2seq_data.c"
#include "../systems/seq2seq_net.c"
#include "../systems/seq2seq_write.c"

static jd_ctx *ctx;

static int setup(void **s)
{
    (void)s;
    ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 5});
    return ctx ? 0 : -1;
}

static int teardown(void **s)
{
    (void)s;
    jd_ctx_free(ctx);
    return 0;
}

/* Three pairs of unlike lengths. */
static void pairs_make(seq2seq_pairs *p, int32_t symbols)
{
    static const size_t source[] = {5, 2, 3}, target[] = {2, 4, 1};
    jd_rng rng = jd_rng_new(9, "pairs", 0);
    *p = (seq2seq_pairs){0};
    for (int i = 0; i < 3; i++) {
        int32_t a[8], b[8];
        for (int k = 0; k < 8; k++) {
            a[k] = SEQ2SEQ_WORDS + (int32_t)jd_rng_below(&rng, (uint32_t)(symbols - SEQ2SEQ_WORDS));
            b[k] = SEQ2SEQ_WORDS + (int32_t)jd_rng_below(&rng, (uint32_t)(symbols - SEQ2SEQ_WORDS));
        }
        assert_int_equal(seq2seq_pairs_add(ctx, p, a, source[i], b, target[i]), JD_OK);
    }
}

static void loss_and_gradient(jd_graph *g, void *user)
{
    const seq2seq_memory m = seq2seq_read(g, user, jd_arg(g, "source"), jd_arg(g, "length"));
    const jd_node loss = jd_softmax_xent(g, seq2seq_write(g, user, &m, jd_arg(g, "written"), NULL), jd_arg(g, "label"));
    jd_result(g, "loss", loss);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

/* Every weight's derivative against a central difference, in float64. */
static void check_gradient(const seq2seq_net *n)
{
    seq2seq_net net = *n;
    seq2seq_pairs p;
    seq2seq_batch b = {0};
    jd_tensor in[4];
    jd_params *w = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, w, loss_and_gradient, &net);
    pairs_make(&p, (int32_t)n->writes);
    assert_int_equal(seq2seq_batch_fill(ctx, &p, (const uint32_t[]){0, 1, 2}, 3, &b), JD_OK);
    const int k = seq2seq_batch_inputs(&b, in);
    if (jd_fn_run(f, in, k)) fail_msg("%s", jd_error_message(ctx));
    const size_t count = jd_params_count(w);
    double *x = jd_params_data(w), *gradient = jd_alloc_array(ctx, count, sizeof *gradient), most = 0, scale = 0;
    memcpy(gradient, jd_fn_result(f, "gradient", NULL), count * sizeof *gradient);
    for (size_t i = 0; i < count; i++) {
        const double h = 1e-5, was = x[i];
        double loss[2];
        for (int side = 0; side < 2; side++) {
            x[i] = side ? was + h : was - h;
            assert_int_equal(jd_fn_run(f, in, k), JD_OK);
            loss[side] = jd_fn_scalar(f, "loss");
        }
        x[i] = was;
        most = fmax(most, fabs((loss[1] - loss[0]) / (2 * h) - gradient[i]));
        scale = fmax(scale, fabs(gradient[i]));
    }
    if (!(most <= 1e-6 * fmax(scale, 1e-2))) fail_msg("gradient is off by %g of %g", most, scale);
    jd_free(ctx, gradient);
    seq2seq_batch_free(ctx, &b);
    seq2seq_pairs_free(ctx, &p);
    jd_fn_free(f);
    jd_params_free(w);
}

static void gradient(void **s)
{
    (void)s;
    const seq2seq_net n = {.reads = 7, .writes = 7, .embed = 3, .units = 4, .layers = 2, .attend = 3, .project = 3};
    check_gradient(&n);
    const seq2seq_net plain = {.reads = 7, .writes = 7, .embed = 3, .units = 4, .layers = 2, .forward = true};
    check_gradient(&plain);
}

static const seq2seq_net small = {
    .reads = 12, .writes = 12, .embed = 8, .units = 16, .layers = 2, .attend = 8, .project = 8};

/* Weights that say something: of the order of one. */
static jd_params *lively(const seq2seq_net *n, jd_fn *f, const jd_tensor *in, int k, jd_params *w)
{
    assert_non_null(jd_fn_plan(f, in, k));
    jd_rng rng = jd_rng_new(17, "lively", 0);
    float *x = jd_params_data(w);
    for (size_t i = 0; i < jd_params_count(w); i++) x[i] = .5f * (float)jd_rng_normal(&rng);
    (void)n;
    return w;
}

static void padding(void **s)
{
    (void)s;
    seq2seq_net net = small;
    seq2seq_pairs p;
    seq2seq_batch all = {0}, one = {0};
    jd_tensor in[4];
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, seq2seq_measure, &net);
    pairs_make(&p, 12);
    assert_int_equal(seq2seq_batch_fill(ctx, &p, (const uint32_t[]){0, 1, 2}, 3, &all), JD_OK);
    int k = seq2seq_batch_inputs(&all, in);
    lively(&net, f, in, k, w);
    assert_int_equal(jd_fn_run(f, in, k), JD_OK);
    float together[64];
    assert_true(all.U * all.S <= 64 && all.T == 8 && all.U == 8);
    memcpy(together, jd_fn_result(f, "loss", NULL), (size_t)(all.U * all.S) * sizeof(float));
    for (uint32_t i = 0; i < 3; i++) { /* alone, and with no step more than it has */
        assert_int_equal(seq2seq_batch_fill(ctx, &p, &i, 1, &one), JD_OK);
        const seq2seq_pair *q = &p.pair[i];
        const int64_t T = q->source_n, U = q->target_n + 1;
        in[0] = JD_TENSOR("source", JD_I32, one.source, T, 1);
        in[1] = JD_TENSOR("length", JD_I32, one.length, 1);
        in[2] = JD_TENSOR("written", JD_I32, one.written, U, 1);
        in[3] = JD_TENSOR("label", JD_I32, one.label, U, 1);
        assert_int_equal(jd_fn_run(f, in, 4), JD_OK);
        const float *alone = jd_fn_result(f, "loss", NULL);
        for (int64_t u = 0; u < U; u++) assert_true(alone[u] == together[u * 3 + i]);
        for (int64_t u = U; u < all.U; u++) assert_true(together[u * 3 + i] == 0);
    }
    seq2seq_batch_free(ctx, &all);
    seq2seq_batch_free(ctx, &one);
    seq2seq_pairs_free(ctx, &p);
    jd_fn_free(f);
    jd_params_free(w);
}

/* The probability that beam search states is that of its answer under teacher forcing; greedy search takes the largest. */
static void answers(void **s)
{
    (void)s;
    for (int attend = 0; attend < 2; attend++) {
        seq2seq_net net = small;
        if (!attend) net.attend = 0;
        seq2seq_pairs p, said = {0};
        seq2seq_batch b = {0};
        jd_tensor in[4];
        jd_params *w = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, w, seq2seq_measure, &net);
        pairs_make(&p, 12);
        assert_int_equal(seq2seq_batch_fill(ctx, &p, (const uint32_t[]){0, 1, 2}, 3, &b), JD_OK);
        lively(&net, f, in, seq2seq_batch_inputs(&b, in), w);
        seq2seq_writer *writer = seq2seq_writer_new(ctx, &net, w, NULL, NULL);
        double mean[3] = {0};
        static const size_t widths[] = {1, 3, 8};
        for (int i = 0; i < 3; i++) {
            jd_sequence found[3];
            const seq2seq_ask ask = {.width = widths[i], .longest = 12};
            assert_int_equal(seq2seq_answers(ctx, writer, &p, 2, &ask, found), JD_OK);
            for (size_t k = 0; k < 3; k++) mean[i] += found[k].ln_p / 3;
            for (size_t k = 0; k < 3; k++) {
                seq2seq_pairs one = {0};
                seq2seq_pairs_add(ctx, &one, p.pair[k].source, (size_t)p.pair[k].source_n, found[k].symbols,
                                  found[k].count);
                assert_int_equal(seq2seq_batch_fill(ctx, &one, &(uint32_t){0}, 1, &b), JD_OK);
                assert_int_equal(jd_fn_run(f, in, seq2seq_batch_inputs(&b, in)), JD_OK);
                const float *loss = jd_fn_result(f, "loss", NULL);
                double ln_p = 0;
                for (size_t u = 0; u < found[k].count + found[k].ended; u++) ln_p -= (double)loss[u];
                assert_true(fabs(ln_p - found[k].ln_p) < 1e-4 * (1 + fabs(ln_p)));
                seq2seq_pairs_free(ctx, &one);
                jd_free(ctx, found[k].symbols);
            }
        }
        assert_true(mean[1] >= mean[0] && mean[2] >= mean[1]);
        seq2seq_writer_free(writer);
        seq2seq_batch_free(ctx, &b);
        seq2seq_pairs_free(ctx, &p);
        seq2seq_pairs_free(ctx, &said);
        jd_fn_free(f);
        jd_params_free(w);
    }
}

/* The first passes are over the shortest pairs, the later ones over all. */
static void short_first(void **s)
{
    (void)s;
    seq2seq_pairs p = {0};
    seq2seq_feed f;
    jd_tensor in[4];
    int32_t word[20] = {0};
    for (size_t i = 0; i < 40; i++) seq2seq_pairs_add(ctx, &p, word, 1 + i / 4, word, 1 + i / 4);
    assert_int_equal(seq2seq_feed_open(ctx, &p, 4, 3, &f), JD_OK);
    assert_int_equal(f.per_epoch, 10);
    f.short_first = 1;
    int longest[2] = {0};
    for (int64_t step = 0; step < 20; step++) {
        assert_int_equal(seq2seq_feed_next(&f, step, in), 4);
        for (int b = 0; b < 4; b++) {
            const int n = ((const int32_t *)in[1].data)[b];
            longest[step / 10] = n > longest[step / 10] ? n : longest[step / 10];
        }
    }
    assert_true(longest[0] <= 5 && longest[1] == 10);
    seq2seq_feed_close(&f);
    seq2seq_pairs_free(ctx, &p);
}

/* ---- beam search by a table -------------------------------------------------------------------------------------------------*/

enum { A = 3, B, K };
typedef struct book {
    size_t W;
    int32_t last[64], prior[64];
    int calls;
} book;

/* P(A) = .6, P(B) = .4 at first; after A: A, B and end .2 .3 .5; after B: end .9, A .1; after two: end. */
static jd_status by_table(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p)
{
    book *k = user;
    int32_t was[64];
    memcpy(was, k->last, sizeof was);
    k->calls++;
    for (size_t i = 0; i < 2 * k->W; i++) {
        float *p = ln_p + i * K;
        for (int j = 0; j < K; j++) p[j] = -INFINITY;
        if (t) assert_true(parent[i] / (int32_t)k->W == (int32_t)(i / k->W));
        k->last[i] = symbol[i];
        k->prior[i] = t ? was[parent[i]] : 0;
        if (t == 0) {
            p[A] = logf(.6f), p[B] = logf(.4f);
        } else if (t == 1) {
            if (symbol[i] == A) p[A] = logf(.2f), p[B] = logf(.3f), p[SEQ2SEQ_END] = logf(.5f);
            if (symbol[i] == B) p[A] = logf(.1f), p[SEQ2SEQ_END] = logf(.9f);
        } else {
            p[SEQ2SEQ_END] = 0;
        }
    }
    return JD_OK;
}

static jd_status all_the_same(void *user, size_t t, const int32_t *symbol, const int32_t *parent, float *ln_p)
{
    (void)t;
    (void)symbol;
    (void)parent;
    for (int j = 0; j < K; j++) ln_p[j] = *(const float *)user;
    return JD_OK;
}

static void beam(void **s)
{
    (void)s;
    for (size_t W = 1; W <= 4; W++) {
        book k = {.W = W};
        jd_sequence found[2];
        jd_sequence_options o = {.inputs = 2,
                                 .width = W,
                                 .symbols = K,
                                 .start = SEQ2SEQ_START,
                                 .end = SEQ2SEQ_END,
                                 .longest = 5,
                                 .step = by_table,
                                 .user = &k};
        assert_int_equal(jd_sequence_beam(ctx, &o, found), JD_OK);
        for (int i = 0; i < 2; i++) {
            assert_true(found[i].ended && found[i].count == 1 && found[i].symbols[0] == (W == 1 ? A : B));
            assert_true(fabs(exp(found[i].ln_p) - (W == 1 ? .3 : .36)) < 1e-6);
            assert_true(found[i].score == found[i].ln_p);
            jd_free(ctx, found[i].symbols);
        }
        o.power = 6; /* long answers are worth more: A B */
        assert_int_equal(jd_sequence_beam(ctx, &o, found), JD_OK);
        if (W == 4) assert_true(found[0].count == 2 && found[0].symbols[0] == A && found[0].symbols[1] == B);
        if (W == 4) assert_true(fabs(found[0].score - log(.18) / pow(8. / 6, 6)) < 1e-6);
        for (int i = 0; i < 2; i++) jd_free(ctx, found[i].symbols);
        o.limit = (const int32_t[]){1, 5};
        o.power = 0;
        assert_int_equal(jd_sequence_beam(ctx, &o, found), JD_OK);
        assert_true(!found[0].ended && found[0].count == 1 && found[0].symbols[0] == A && found[1].ended);
        for (int i = 0; i < 2; i++) jd_free(ctx, found[i].symbols);
    }
    jd_sequence found;
    jd_sequence_options o = {.inputs = 1, .symbols = K, .start = K, .end = 2, .longest = 5, .step = by_table};
    assert_int_equal(jd_sequence_beam(ctx, &o, &found), JD_EUSAGE);
    jd_error_clear(ctx);
    o.start = 1;
    o.limit = (const int32_t[]){6};
    assert_int_equal(jd_sequence_beam(ctx, &o, &found), JD_EUSAGE);
    jd_error_clear(ctx);
    o.limit = NULL;
    o.step = all_the_same;
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) { /* scores that are none, and a start from which nothing follows */
        o.user = (void *)(uintptr_t)&wrong[i];
        assert_int_equal(jd_sequence_beam(ctx, &o, &found), JD_EDIVERGED);
        assert_true(found.symbols == NULL);
        jd_error_clear(ctx);
    }
}

/* ---- scores -----------------------------------------------------------------------------------------------------------------*/

static void bleu(void **s)
{
    (void)s;
    /* Papineni et al., example 2: "the the the the the the the" has a unigram precision of 2/7. */
    enum { THE, CAT, IS, ON, MAT, THERE };
    const int32_t seven[] = {THE, THE, THE, THE, THE, THE, THE}, one[] = {THE, CAT, IS, ON, THE, MAT},
                  two[] = {THERE, IS, THE, CAT, ON, THE, MAT};
    const jd_text references[] = {{one, 6}, {two, 7}};
    jd_bleu b = {0};
    jd_bleu_add(&b, seven, 7, references, 2);
    assert_true(b.right[0] == 2 && b.all[0] == 7 && b.right[1] == 0 && b.all[3] == 4 && b.reference == 7);
    assert_true(jd_bleu_score(&b, 4) == 0 && fabs(jd_bleu_score(&b, 1) - 2. / 7) < 1e-12);
    b = (jd_bleu){0};
    jd_bleu_add(&b, two, 7, references, 2);
    assert_true(fabs(jd_bleu_score(&b, 4) - 1) < 1e-12);
    b = (jd_bleu){0};
    jd_bleu_add(&b, one, 5, references, 1); /* the first five of six: all n-grams right, too short */
    assert_true(fabs(jd_bleu_score(&b, 4) - exp(1 - 6. / 5)) < 1e-12);
    /* the cat is on mat the: 6/6, 3/5, 2/4, 1/3 */
    const int32_t mixed[] = {THE, CAT, IS, ON, MAT, THE};
    b = (jd_bleu){0};
    jd_bleu_add(&b, mixed, 6, references, 1);
    assert_true(fabs(jd_bleu_score(&b, 4) - pow(3. / 5 * 2. / 4 * 1. / 3, .25)) < 1e-12);
    b = (jd_bleu){0};
    jd_bleu_add(&b, one, 0, references, 2);
    assert_true(b.reference == 6 && jd_bleu_score(&b, 4) == 0);
}

static void brackets(void **s)
{
    (void)s;
    const jd_bracket truth[] = {{1, 0, 4}, {2, 0, 1}, {2, 3, 4}, {2, 3, 4}},
                     found[] = {{1, 0, 4}, {2, 3, 4}, {3, 0, 1}};
    jd_bracket_score b = {0};
    assert_true(jd_bracket_f1(&b) == 0);
    jd_bracket_add(&b, truth, 4, found, 3);
    assert_true(b.right == 2 && b.found == 3 && b.truth == 4 && fabs(jd_bracket_f1(&b) - 4. / 7) < 1e-12);
    jd_bracket_add(&b, found, 3, truth, 4);
    assert_true(b.right == 4 && b.found == 7 && b.truth == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient),    cmocka_unit_test(padding), cmocka_unit_test(answers), cmocka_unit_test(beam),
        cmocka_unit_test(short_first), cmocka_unit_test(bleu),    cmocka_unit_test(brackets)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
