/* Real-time recurrent learning against back-propagation through time: the same sum of gradients, for every switch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/fn.h"
#include "jackdaw/rtrl.h"

enum { T = 30, H = 8, N = 3, MOST = 4 * H * (N + H + 1) + 3 * H };

typedef struct model {
    const char *name;
    jd_rtrl_options o;
    bool state; /* h0 (and c0) are not zero */
} model;

static const model models[] = {
    {"srn", {.kind = JD_RTRL_SRN}, false},
    {"srn sigmoid, state", {.kind = JD_RTRL_SRN, .act = JD_SIGMOID}, true},
    {"srn relu", {.kind = JD_RTRL_SRN, .act = JD_RELU}, true},
    {"srn linear", {.kind = JD_RTRL_SRN, .linear = true}, false},
    {"lstm", {.kind = JD_RTRL_LSTM}, false},
    {"lstm peepholes, state", {.kind = JD_RTRL_LSTM, .peepholes = true}, true},
    {"lstm of 1997",
     {.kind = JD_RTRL_LSTM, .no_forget = true, .in_squash = JD_SQUASH_4SIGM2, .out_squash = JD_SQUASH_2SIGM1},
     true},
    {"lstm linear squashing",
     {.kind = JD_RTRL_LSTM, .in_squash = JD_SQUASH_LINEAR, .out_squash = JD_SQUASH_LINEAR},
     true},
    {"truncated", {.kind = JD_RTRL_LSTM, .truncate = true}, true},
    {"truncated, peepholes", {.kind = JD_RTRL_LSTM, .truncate = true, .peepholes = true}, true},
    {"truncated, of 1997",
     {.kind = JD_RTRL_LSTM,
      .truncate = true,
      .no_forget = true,
      .in_squash = JD_SQUASH_4SIGM2,
      .out_squash = JD_SQUASH_2SIGM1},
     false},
};
enum { MODELS = sizeof models / sizeof models[0] };

/* loss = <y, seed> */
static void trace(jd_graph *g, void *user)
{
    const model *m = user;
    const jd_node x = jd_arg(g, "x"), h0 = m->state ? jd_arg(g, "h0") : JD_NONE;
    jd_node y;
    if (m->o.kind == JD_RTRL_SRN)
        y = jd_srn(g, "cell", x, .units = H, .act = m->o.act, .linear = m->o.linear, .h0 = h0);
    else
        y = jd_lstm(g, "cell", x, .units = H, .peepholes = m->o.peepholes, .no_forget = m->o.no_forget,
                    .truncate = m->o.truncate, .in_squash = m->o.in_squash, .out_squash = m->o.out_squash, .h0 = h0,
                    .c0 = m->state ? jd_arg(g, "c0") : JD_NONE);
    const jd_node loss = jd_sum(g, jd_mul(g, y, jd_arg(g, "seed")), JD_ALL_AXES, false);
    jd_result(g, "y", y);
    jd_result(g, "gradient", jd_grad_params(g, loss));
}

typedef struct data {
    double x[T * N], seed[T * H], h0[H], c0[H];
} data;

static data make(void)
{
    data d;
    jd_rng r = jd_rng_new(5, "rtrl", 0);
    for (int i = 0; i < T * N; i++) d.x[i] = jd_rng_normal(&r);
    for (int i = 0; i < T * H; i++) d.seed[i] = jd_rng_normal(&r);
    for (int i = 0; i < H; i++) d.h0[i] = .5 * jd_rng_normal(&r);
    for (int i = 0; i < H; i++) d.c0[i] = .5 * jd_rng_normal(&r);
    return d;
}

static double relative(const double *a, const double *b, size_t n)
{
    double diff = 0, norm = 1e-300;
    for (size_t i = 0; i < n; i++) {
        diff += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return sqrt(diff / norm);
}

/* Back-propagation through the whole sequence: gradient, and weights w. */
static void unrolled(jd_ctx *ctx, const model *m, const data *d, double *w, double *gradient, double *y, size_t n)
{
    model copy = *m;
    jd_params *p = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, p, trace, &copy);
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, d->x, T, 1, N), JD_TENSOR("seed", JD_F64, d->seed, T, 1, H),
                            JD_TENSOR("h0", JD_F64, d->h0, 1, H), JD_TENSOR("c0", JD_F64, d->c0, 1, H)};
    const int count = !m->state ? 2 : m->o.kind == JD_RTRL_SRN ? 3 : 4;
    assert_int_equal(jd_fn_run(f, in, count), JD_OK);
    /* weights that matter: twice the usual first ones, peepholes too */
    double *all = jd_params_data(p);
    assert_int_equal(jd_params_count(p), n);
    for (size_t i = 0; i < n; i++) all[i] *= 2;
    assert_int_equal(jd_fn_run(f, in, count), JD_OK);
    memcpy(w, all, n * sizeof *w);
    memcpy(gradient, jd_fn_result(f, "gradient", NULL), n * sizeof *gradient);
    memcpy(y, jd_fn_result(f, "y", NULL), T * H * sizeof *y);
    jd_fn_free(f);
    jd_params_free(p);
}

static void equals_back_propagation(void **state)
{
    (void)state;
    const data d = make();
    for (int i = 0; i < MODELS; i++) {
        const model *m = &models[i];
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_rtrl_options o = m->o;
        o.inputs = N, o.units = H, o.dtype = JD_F64;
        jd_rtrl *r = jd_rtrl_new(ctx, &o);
        static double w[MOST], want[MOST], got[MOST], y[T * H];
        const size_t n = jd_rtrl_weights(r);
        assert_true(n <= MOST);
        unrolled(ctx, m, &d, w, want, y, n);
        /* twice, with a reset in between: the second time must not remember the first */
        for (int round = 0; round < 2; round++) {
            memset(got, 0, sizeof got);
            jd_rtrl_reset(r, m->state ? d.h0 : NULL, m->state ? d.c0 : NULL);
            double worst = 0;
            for (int t = 0; t < T; t++) {
                jd_rtrl_step(r, w, d.x + t * N);
                jd_rtrl_gradient(r, d.seed + t * H, got);
                const double e = relative(jd_rtrl_h(r), y + t * H, H);
                worst = e > worst ? e : worst;
            }
            const double error = relative(got, want, n);
            if (!(error <= 1e-10 && worst <= 1e-12))
                print_error("%s: gradient differs by %g, outputs by %g\n", m->name, error, worst);
            assert_true(worst <= 1e-12);
            assert_true(error <= 1e-10);
        }
        jd_rtrl_free(r);
        jd_ctx_free(ctx);
    }
}

/* A cell that is given another's state goes on as that one does. */
static void state_can_be_handed_over(void **state)
{
    (void)state;
    const data d = make();
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int i = 0; i < MODELS; i++) {
        jd_rtrl_options o = models[i].o;
        o.inputs = N, o.units = H, o.dtype = JD_F64;
        jd_rtrl *a = jd_rtrl_new(ctx, &o), *b = jd_rtrl_new(ctx, &o);
        static double w[MOST];
        for (size_t k = 0; k < MOST; k++) w[k] = sin((double)(k + 1));
        jd_rtrl_reset(a, NULL, NULL);
        for (int t = 0; t < 3; t++) jd_rtrl_step(a, w, d.x + t * N);
        assert_int_equal(jd_rtrl_c(a) == NULL, o.kind == JD_RTRL_SRN);
        jd_rtrl_reset(b, jd_rtrl_h(a), jd_rtrl_c(a));
        jd_rtrl_step(a, w, d.x + 3 * N);
        jd_rtrl_step(b, w, d.x + 3 * N);
        assert_memory_equal(jd_rtrl_h(a), jd_rtrl_h(b), H * sizeof(double));
        if (jd_rtrl_c(a)) assert_memory_equal(jd_rtrl_c(a), jd_rtrl_c(b), H * sizeof(double));
        jd_rtrl_free(a);
        jd_rtrl_free(b);
    }
    jd_ctx_free(ctx);
}

static void float32_is_near(void **state)
{
    (void)state;
    const data d = make();
    for (int i = 0; i < MODELS; i++) {
        const model *m = &models[i];
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        jd_rtrl_options o = m->o;
        o.inputs = N, o.units = H;
        jd_rtrl *r = jd_rtrl_new(ctx, &o);
        static double w[MOST], want[MOST], wide[MOST], y[T * H];
        static float w32[MOST], got[MOST], x[N], dh[H], h0[H], c0[H];
        const size_t n = jd_rtrl_weights(r);
        unrolled(ctx, m, &d, w, want, y, n);
        for (size_t k = 0; k < n; k++) w32[k] = (float)w[k];
        for (int k = 0; k < H; k++) h0[k] = (float)d.h0[k], c0[k] = (float)d.c0[k];
        memset(got, 0, sizeof got);
        jd_rtrl_reset(r, m->state ? h0 : NULL, m->state ? c0 : NULL);
        for (int t = 0; t < T; t++) {
            for (int k = 0; k < N; k++) x[k] = (float)d.x[t * N + k];
            for (int k = 0; k < H; k++) dh[k] = (float)d.seed[t * H + k];
            jd_rtrl_step(r, w32, x);
            jd_rtrl_gradient(r, dh, got);
        }
        for (size_t k = 0; k < n; k++) wide[k] = (double)got[k];
        const double error = relative(wide, want, n);
        if (!(error <= 1e-4)) print_error("%s: %g\n", m->name, error);
        assert_true(error <= 1e-4);
        jd_rtrl_free(r);
        jd_ctx_free(ctx);
    }
}

/* What is kept is what it says: dh(t)/dw against differences of the state. */
static void sensitivity_is_a_derivative(void **state)
{
    (void)state;
    const data d = make();
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    for (int kind = 0; kind < 2; kind++) {
        jd_rtrl *r = jd_rtrl_new(ctx, &(jd_rtrl_options){.kind = kind ? JD_RTRL_LSTM : JD_RTRL_SRN,
                                                         .inputs = N,
                                                         .units = H,
                                                         .dtype = JD_F64,
                                                         .peepholes = kind});
        const size_t n = jd_rtrl_weights(r);
        static double w[MOST], kept[H * MOST];
        jd_rng g = jd_rng_new(6, "weights", 0);
        for (size_t i = 0; i < n; i++) w[i] = .4 * jd_rng_normal(&g);
        for (int t = 0; t < 6; t++) jd_rtrl_step(r, w, d.x + t * N);
        memcpy(kept, jd_rtrl_sensitivity(r), H * n * sizeof *kept);
        for (size_t i = 0; i < n; i += 7) {
            static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
            const double here = w[i], e = 1e-3;
            double diff[H] = {0};
            for (int p = 0; p < 4; p++) {
                w[i] = here + at[p] * e;
                jd_rtrl_reset(r, NULL, NULL);
                for (int t = 0; t < 6; t++) jd_rtrl_step(r, w, d.x + t * N);
                for (int k = 0; k < H; k++) diff[k] += weight[p] * ((const double *)jd_rtrl_h(r))[k] / (12 * e);
            }
            w[i] = here;
            for (int k = 0; k < H; k++) assert_true(fabs(diff[k] - kept[(size_t)k * n + i]) <= 1e-9);
        }
        jd_rtrl_free(r);
    }
    jd_ctx_free(ctx);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    const jd_rtrl_options bad[] = {{.units = 3},
                                   {.inputs = 2, .units = 3, .kind = (jd_rtrl_kind)9},
                                   {.inputs = 2},
                                   {.inputs = 2, .units = 3, .dtype = JD_I32},
                                   {.inputs = 2, .units = 3, .peepholes = true},
                                   {.inputs = 2, .units = 3, .act = JD_SCALED_TANH}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
        assert_null(jd_rtrl_new(ctx, &bad[i]));
        assert_int_equal(jd_error(ctx), JD_EUSAGE);
        jd_ctx_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_back_propagation), cmocka_unit_test(state_can_be_handed_over),
        cmocka_unit_test(float32_is_near),         cmocka_unit_test(sensitivity_is_a_derivative),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
