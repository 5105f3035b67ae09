/* test_stream.c - networks fed as their input arrives: the same bits as the whole sequence, however it is cut. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "jackdaw/jackdaw.h"

enum { T = 211, B = 3, N = 5 };

static void whole_net(jd_graph *g, void *user)
{
    const jd_node y = jd_net(g, user, jd_arg(g, "x"), JD_NONE);
    jd_result(g, "y", jd_softmax(g, y));
}

/* x (T,B,N), or symbols (T,B). */
static void make_input(float *x, int32_t *symbol)
{
    jd_rng r = jd_rng_new(7, "tests/stream", 0);
    for (int i = 0; i < T * B * N; i++) x[i] = (float)jd_rng_normal(&r);
    for (int i = 0; i < T * B; i++) symbol[i] = (int32_t)jd_rng_below(&r, 6);
}

/* Feeds the T steps in chunks of the sizes given, over and over, and compares with `want` (T,B,K). */
static void feed_all(jd_stream *s, const void *x, size_t step_bytes, const int *sizes, int n, const float *want)
{
    const size_t K = (size_t)jd_stream_outputs(s) * B;
    for (int64_t t = 0, i = 0; t < T; i++) {
        int64_t steps = sizes[i % n];
        if (steps > T - t) steps = T - t;
        const float *y = jd_stream_feed(s, (const char *)x + (size_t)t * step_bytes, steps);
        assert_non_null(y);
        assert_memory_equal(y, want + (size_t)t * K, (size_t)steps * K * sizeof *y);
        t += steps;
    }
}

static void same_bits_however_cut(void **state)
{
    (void)state;
    static const struct {
        const char *net;
        int threads;
    } cases[] = {{"lstm 16 peepholes, dense 9 tanh, lstm 40 projection 12, dense 4", 1},
                 {"dense 20 relu, gru 20 residual, srn 11 sigmoid concat, layernorm, highway 2, dense 7", 2},
                 {"lstm 70, lstm 70 no-forget residual, batchnorm, dropout 0.5, dense 33", 2},
                 {"lstm 9 layernorm as first, dense 2", 1},
                 {"embed 6 8, lstm 32, dense 6", 1}};
    static float x[T * B * N];
    static int32_t symbol[T * B];
    make_input(x, symbol);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const bool symbols = !strncmp(cases[c].net, "embed", 5);
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = cases[c].threads, .seed = 2});
        jd_params *p = jd_params_new(ctx, JD_F32);
        jd_fn *f = jd_fn_new(ctx, p, whole_net, (void *)(uintptr_t)cases[c].net);
        const jd_tensor in = symbols ? JD_TENSOR("x", JD_I32, symbol, T, B) : JD_TENSOR("x", JD_F32, x, T, B, N);
        jd_fn_run(f, &in, 1);
        jd_type type;
        const float *want = jd_fn_result(f, "y", &type);
        if (!want) fail_msg("%s", jd_error_message(ctx));
        jd_stream *s = jd_stream_new(
            ctx, p, &(jd_stream_options){.net = cases[c].net, .columns = symbols ? 0 : N, .count = B, .softmax = true});
        if (!s) fail_msg("%s", jd_error_message(ctx));
        assert_int_equal(jd_stream_outputs(s), type.dim[2]);
        const size_t bytes = B * (symbols ? sizeof *symbol : N * sizeof *x);
        const void *input = symbols ? (const void *)symbol : x;
        feed_all(s, input, bytes, (int[]){1}, 1, want);
        jd_stream_reset(s);
        feed_all(s, input, bytes, (int[]){T}, 1, want);
        jd_stream_reset(s);
        feed_all(s, input, bytes, (int[]){7, 0, 100, 3, 64}, 5, want);
        jd_stream_free(s);
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
}

/* One stream serves two talkers by turns; a stream alone hears what each of three side by side hears. */
static void states_are_kept_apart(void **state)
{
    (void)state;
    static float x[T * B * N];
    static int32_t symbol[T * B];
    make_input(x, symbol);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    jd_params *p = jd_params_new(ctx, JD_F32);
    const char *net = "lstm 24, gru 10, dense 3";
    jd_fn *f = jd_fn_new(ctx, p, whole_net, (void *)(uintptr_t)net);
    jd_fn_run(f, &JD_TENSOR("x", JD_F32, x, T, B, N), 1);
    const float *want = jd_fn_result(f, "y", NULL);
    jd_stream *s = jd_stream_new(ctx, p, &(jd_stream_options){.net = net, .columns = N, .softmax = true});
    assert_non_null(s);
    assert_int_equal(jd_stream_state_size(s), 24 + 24 + 10);
    float kept[2][58];
    for (int k = 0; k < 2; k++) jd_stream_get_state(s, kept[k]);
    for (int64_t t = 0; t < T; t++)
        for (int k = 0; k < 2; k++) {
            jd_stream_set_state(s, kept[k]);
            const float *y = jd_stream_feed(s, x + (t * B + k) * N, 1);
            assert_non_null(y);
            assert_memory_equal(y, want + (t * B + k) * 3, 3 * sizeof *y);
            jd_stream_get_state(s, kept[k]);
        }
    jd_stream_free(s);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* A function of one's own: an LSTM, and a count of the steps so far, which begins with 10. */
static void own(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x");
    const jd_lstm_out m =
        jd_lstm_full(g, "m", x, (jd_lstm_options){.units = 6, .h0 = jd_arg(g, "h"), .c0 = jd_arg(g, "c")});
    const jd_node count = jd_add(g, jd_arg(g, "count"), jd_const(g, (double)jd_dim(g, x, 0), JD_DIMS(1)));
    jd_result(g, "h", m.hT);
    jd_result(g, "c", m.cT);
    jd_result(g, "count", count);
    jd_result(g, "y", jd_add(g, m.y, jd_broadcast_to(g, count, JD_DIMS(jd_dim(g, x, 0), 1, 6))));
}

static void functions_of_ones_own(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 3});
    jd_params *p = jd_params_new(ctx, JD_F32);
    const float ten = 10, x[9 * 2] = {1, 2, 3};
    float both[9 * 6];
    const jd_tensor carried[] = {JD_TENSOR("h", JD_F32, NULL, 1, 6), JD_TENSOR("c", JD_F32, NULL, 1, 6),
                                 JD_TENSOR("count", JD_F32, &ten, 1)};
    const jd_stream_options o = {.trace = own, .columns = 2, .state = carried, .states = 3};
    assert_null(jd_stream_new(ctx, p, &o)); /* its parameters are not there yet */
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    assert_non_null(strstr(jd_error_message(ctx), "m/W"));
    jd_error_clear(ctx);
    jd_stream *s = jd_stream_new(ctx, p, &o);
    assert_non_null(s);
    const float *y = jd_stream_feed(s, x, 9);
    assert_non_null(y);
    /* Blocks of 8 and 1 steps: the count is that at the end of each. */
    assert_true(y[0] > 17 && y[0] < 19 && y[8 * 6] > 18 && y[8 * 6] < 20);
    memcpy(both, y, sizeof both);
    jd_stream_reset(s);
    y = jd_stream_feed(s, x, 9);
    assert_memory_equal(y, both, sizeof both);
    jd_stream_free(s);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void refused(jd_ctx *ctx, jd_params *p, jd_stream_options o, const char *word)
{
    assert_null(jd_stream_new(ctx, p, &o));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    if (!strstr(jd_error_message(ctx), word)) fail_msg("%s lacks \"%s\"", jd_error_message(ctx), word);
    jd_error_clear(ctx);
}

static void refusals(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *p = jd_params_new(ctx, JD_F32), *wide = jd_params_new(ctx, JD_F64);
    refused(ctx, p, (jd_stream_options){.columns = N}, ".net");
    refused(ctx, NULL, (jd_stream_options){.net = "lstm 3", .columns = N}, "parameters");
    refused(ctx, wide, (jd_stream_options){.net = "lstm 3", .columns = N}, "float64");
    refused(ctx, p, (jd_stream_options){.net = "blstm 3, dense 2", .columns = N}, "blstm");
    refused(ctx, p, (jd_stream_options){.net = "lstm 3, mean, dense 2", .columns = N}, "mean");
    refused(ctx, p, (jd_stream_options){.net = "lstm 3, window 2, dense 2", .columns = N}, "window");
    refused(ctx, p, (jd_stream_options){.net = "lsmt 3", .columns = N}, "lstm");
    refused(ctx, p, (jd_stream_options){.net = "gru 20 residual, dense 3", .columns = N}, "residual");
    refused(ctx, p, (jd_stream_options){.net = "lstm 3", .columns = -1}, "negative");
    refused(ctx, p, (jd_stream_options){.trace = whole_net, .user = "lstm 3", .columns = N}, "lstm1/W");
    jd_params_seal(p); /* what is missing is now an error at its place */
    refused(ctx, p, (jd_stream_options){.net = "lstm 3, dense 2 as lstm2", .columns = N}, "lstm2/W");
    assert_null(jd_stream_new(NULL, p, &(jd_stream_options){.net = "lstm 3"}));
    assert_null(jd_stream_feed(NULL, NULL, 3));
    jd_stream *s = jd_stream_new(ctx, p, &(jd_stream_options){.net = "lstm 3", .columns = N});
    assert_non_null(s);
    assert_null(jd_stream_feed(s, NULL, 3));
    assert_int_equal(jd_error(ctx), JD_EUSAGE);
    jd_error_clear(ctx);
    assert_non_null(jd_stream_feed(s, NULL, 0));
    jd_stream_free(s);
    jd_stream_free(NULL);
    jd_params_free(p);
    jd_params_free(wide);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits_however_cut), cmocka_unit_test(states_are_kept_apart),
                                       cmocka_unit_test(functions_of_ones_own), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
