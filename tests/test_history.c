/* The system history-compressor: the net that learns on-line, automatizer and chunker, levels that lose nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../systems/chunker_net.c"
#include "../systems/chunker_pair.c"
#include "../systems/chunker_stack.c"

#include "ctx.h"

enum { INPUTS = 4, HIDDEN = 5, SYMBOLS = 3, LINEAR = 2, STEPS = 7 };

static rnn fresh(int window)
{
    jd_rng rng = jd_rng_new(3, "test/history", 0);
    const rnn_options o = {.inputs = INPUTS,
                           .hidden = HIDDEN,
                           .symbols = SYMBOLS,
                           .linear = LINEAR,
                           .window = window,
                           .rate = 1,
                           .range = 0.7,
                           .mimic = 0.3};
    return rnn_new(ctx, &o, &rng);
}

/* Steps first .. last of a fixed input. */
static void show(rnn *n, int first, int last)
{
    for (int t = first; t <= last; t++) {
        double x[INPUTS];
        for (int k = 0; k < INPUTS; k++) x[k] = sin(1 + t * INPUTS + k);
        rnn_see(n, x);
    }
}

static const double wanted[LINEAR] = {0.4, -0.8};
static const rnn_target target = {.symbol = 1, .teacher = 1, .linear = wanted};

/* The loss after all steps, if weight i of M is moved by e for the last `window` steps only: what the truncated gradient is the
 * derivative of. */
static double moved(int window, bool outputs, int i, double e)
{
    rnn n = fresh(window);
    show(&n, 0, STEPS - 1 - window);
    (outputs ? n.V : n.W)[i] += e;
    show(&n, STEPS - window, STEPS - 1);
    const double loss = rnn_loss(&n, &target);
    rnn_free(ctx, &n);
    return loss;
}

static void gradient_is_that_of_the_last_steps(void **state)
{
    (void)state;
    for (int window = 1; window <= STEPS; window += 2) {
        rnn before = fresh(window), n = fresh(window);
        show(&n, 0, STEPS - 1);
        assert_true(rnn_learn(&n, &target) > 0);
        for (int part = 0; part < 2; part++) {
            const int count = n.wide * (part ? n.outputs : HIDDEN);
            for (int i = 0; i < count; i++) {
                const double e = 1e-5;
                const double numeric = (moved(window, part, i, e) - moved(window, part, i, -e)) / (2 * e);
                const double ours = part ? before.V[i] - n.V[i] : before.W[i] - n.W[i]; /* the rate is 1 */
                assert_true(fabs(ours - numeric) < 1e-9 + 1e-6 * fabs(numeric));
            }
        }
        rnn_free(ctx, &before);
        rnn_free(ctx, &n);
    }
}

/* What can be foretold is; the chunker then hears nothing, and the automatizer tells its state. */
static void surprises_cease(void **state)
{
    (void)state;
    const pair_options o = {.symbols = 4,
                            .hidden = 8,
                            .chunker_hidden = 3,
                            .window = 3,
                            .rate = 0.1,
                            .chunker_rate = 0.1,
                            .mimic = 0.5,
                            .sure = 0.8};
    pair p = pair_new(ctx, &o, 7), q = pair_new(ctx, &o, 7);
    int early = 0, late = 0;
    for (int t = 0; t < 4000; t++) {
        const pair_step a = pair_see(&p, t % 4, t % 4 == 3 ? 1 : -1), b = pair_see(&q, t % 4, t % 4 == 3 ? 1 : -1);
        assert_true(a.surprise == b.surprise && a.answer == b.answer);
        early += t < 100 && a.surprise;
        late += t >= 3900 && a.surprise;
    }
    assert_true(early > 50);
    assert_int_equal(late, 0);
    for (int k = 0; k < p.state; k++) assert_true(fabs(p.a.y[5 + k] - p.s[k]) < 0.05);
    assert_memory_equal(p.a.W, q.a.W, (size_t)(p.a.wide * 8) * sizeof *p.a.W);
    pair_free(ctx, &p);
    pair_free(ctx, &q);
}

/* A cycle with symbols thrown in, some of which were not in training: n of them. */
static stream noisy(uint64_t seed, size_t n, int32_t symbols)
{
    jd_rng rng = jd_rng_new(seed, "test/noisy", 0);
    stream s = {jd_alloc_array(ctx, n, sizeof *s.symbol), n};
    for (size_t t = 0; t < n; t++)
        s.symbol[t] = jd_rng_below(&rng, 12) ? (int32_t)(t % 5) : (int32_t)jd_rng_below(&rng, (uint32_t)symbols);
    return s;
}

static void nothing_is_lost(void **state)
{
    (void)state;
    const level_options o = {.hidden = 8, .window = 3, .most = 7, .rate = 0.1, .sure = 0.7, .epochs = 5};
    stream train = noisy(1, 3000, 6), test = noisy(2, 2000, 9), up = {0}, top = {0}, middle = {0}, again = {0};
    level low, high;
    assert_int_equal(level_train(ctx, &low, &o, &train, 6, 1), JD_OK);
    assert_int_equal(level_send(ctx, &low, &train, &up, NULL, NULL, NULL), JD_OK);
    assert_int_equal(level_train(ctx, &high, &o, &up, low.codes, 2), JD_OK);
    stream_free(ctx, &up);
    double bits = 0;
    assert_int_equal(level_send(ctx, &low, &test, &up, NULL, NULL, &bits), JD_OK);
    assert_int_equal(level_send(ctx, &high, &up, &top, NULL, NULL, NULL), JD_OK);
    assert_true(up.n < test.n / 2 && top.n <= up.n && bits > 0);
    size_t unknown = 0, sent = 0; /* what the net does not know always goes up */
    for (size_t t = 0; t < test.n; t++) unknown += test.symbol[t] > 5;
    for (size_t i = 0; i < up.n; i++) sent += low.code[up.symbol[i]].symbol > 5;
    assert_true(unknown > 20 && sent == unknown);
    assert_int_equal(level_rebuild(ctx, &high, &top, up.n, &middle), JD_OK);
    assert_memory_equal(middle.symbol, up.symbol, up.n * sizeof *up.symbol);
    assert_int_equal(level_rebuild(ctx, &low, &middle, test.n, &again), JD_OK);
    assert_memory_equal(again.symbol, test.symbol, test.n * sizeof *test.symbol);
    stream *all[] = {&train, &test, &up, &top, &middle, &again};
    for (int k = 0; k < 6; k++) stream_free(ctx, all[k]);
    level_free(ctx, &low);
    level_free(ctx, &high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_is_that_of_the_last_steps),
        cmocka_unit_test(surprises_cease),
        cmocka_unit_test(nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
