/* Highway, residual and dense stacking, normalising layers, in the one-line language: first and second derivatives of all
 * their parameters against differences; what batch normalisation keeps; errors. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

enum { T = 6, B = 3, N = 4, MOST = 600 };

typedef struct net {
    const char *spec;
    bool sequence; /* x (T,B,N) with lengths; else x (T B,3,3,N) or, flat, (T B,N) */
    bool image;
} net;

static const net nets[] = {
    {"highway 3 tanh, dense 2", false, false},
    {"highway 2 sigmoid bias -1, dense 2", true, false},
    {"layernorm, dense 3 tanh", false, false},
    {"dense 5, layernorm, tanh, dense 2", true, false},
    {"batchnorm, dense 3 tanh", false, false},
    {"dense 5, batchnorm, tanh, dense 2", true, false},
    {"conv 3 2, batchnorm, tanh, flatten, dense 2", false, true},
    {"dense 4 tanh residual, dense 4 tanh concat, dense 2", false, false},
    {"lstm 4 layernorm, dense 2", true, false},
    {"blstm 2 layernorm no-forget, dense 2", true, false},
    {"lstm 4 residual, srn 3 concat, bgru 2, dense 2", true, false},
    {"clockwork 4 2 residual, clockwork 6 3 sigmoid concat, dense 2", true, false},
};
enum { NETS = sizeof nets / sizeof nets[0] };

/* loss = sum of sin-weighted y; q curved in the gradient */
static void trace(jd_graph *g, void *user)
{
    const net *n = user;
    const jd_node y = jd_net(g, n->spec, jd_arg(g, "x"), n->sequence ? jd_arg(g, "length") : JD_NONE);
    jd_node mask = JD_NONE;
    if (n->sequence) mask = jd_reshape(g, jd_time_mask(g, jd_arg(g, "length"), T), JD_DIMS(T, B, 1));
    const jd_node curved = jd_sub(g, jd_square(g, y), jd_affine(g, y, .7, 0));
    const jd_node loss = jd_sum(g, mask.id ? jd_mul(g, curved, mask) : curved, JD_ALL_AXES, false);
    const jd_node d = jd_grad_params(g, loss);
    const jd_node q = jd_sum(g, jd_tanh(g, jd_affine(g, d, .2, .1)), JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_result(g, "d", d);
    jd_result(g, "q", q);
    jd_result(g, "dd", jd_grad_params(g, q));
    jd_result(g, "y", y);
}

typedef struct setup {
    jd_ctx *ctx;
    jd_params *params;
    jd_fn *f;
    net n;
    double x[T * B * 9 * N];
    int32_t length[B], step;
    jd_tensor in[3];
    int count;
} setup;

static void start(setup *s, const net *n, bool training)
{
    s->n = *n;
    s->ctx = jd_ctx_new(&(jd_options){.threads = 1});
    s->params = jd_params_new(s->ctx, JD_F64);
    s->f = jd_fn_new(s->ctx, s->params, trace, &s->n);
    s->step = 0;
    for (int i = 0; i < T * B * 9 * N; i++) s->x[i] = sin(1.3 * i + .21 * i * i);
    for (int b = 0; b < B; b++) s->length[b] = T - b;
    s->count = 1;
    s->in[0] = n->sequence ? JD_TENSOR("x", JD_F64, s->x, T, B, N)
               : n->image  ? JD_TENSOR("x", JD_F64, s->x, T * B, 3, 3, N)
                           : JD_TENSOR("x", JD_F64, s->x, T * B, N);
    if (n->sequence) s->in[s->count++] = JD_TENSOR("length", JD_I32, s->length, B);
    if (training) s->in[s->count++] = JD_SCALAR_I32("step", &s->step);
    if (jd_fn_run(s->f, s->in, s->count)) print_error("%s: %s\n", n->spec, jd_error_message(s->ctx));
    assert_int_equal(jd_error(s->ctx), JD_OK);
}

static void end(setup *s)
{
    jd_fn_free(s->f);
    jd_params_free(s->params);
    jd_ctx_free(s->ctx);
}

static void check(setup *s, const char *derivative, const char *of)
{
    const size_t n = jd_params_count(s->params);
    double got[MOST], first[MOST], scale = 1e-2;
    double *w = jd_params_data(s->params);
    assert_true(n <= MOST);
    memcpy(first, w, n * sizeof *w);
    jd_fn_run(s->f, s->in, s->count);
    memcpy(got, jd_fn_result(s->f, derivative, NULL), n * sizeof *got);
    for (size_t k = 0; k < n; k++) scale = fabs(got[k]) > scale ? fabs(got[k]) : scale;
    for (size_t k = 0; k < n; k += 1 + n / 90) {
        static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
        const double e = 1e-3;
        double d = 0;
        for (int p = 0; p < 4; p++) {
            memcpy(w, first, n * sizeof *w); /* running means have moved */
            w[k] += at[p] * e;
            jd_fn_run(s->f, s->in, s->count);
            d += weight[p] * jd_fn_scalar(s->f, of) / (12 * e);
        }
        if (!(fabs(d - got[k]) <= 1e-6 * scale))
            print_error("%s: d%s/dw%zu: %g, should be %g\n", s->n.spec, of, k, got[k], d);
        assert_true(fabs(d - got[k]) <= 1e-6 * scale);
    }
    memcpy(w, first, n * sizeof *w);
}

static void derivatives(void **state)
{
    (void)state;
    for (int i = 0; i < NETS; i++)
        for (int training = 0; training < 2; training++) {
            static setup s;
            if (!training && !strstr(nets[i].spec, "batchnorm")) continue;
            start(&s, &nets[i], training);
            /* away from the first weights, where gains are 1 and gates shut; running means stay positive */
            double *w = jd_params_data(s.params);
            for (size_t k = 0; k < jd_params_count(s.params); k++)
                w[k] += .2 * sin(2.3 * (double)k) * sin(2.3 * (double)k);
            if (training) {
                check(&s, "d", "loss");
                check(&s, "dd", "q");
            } else { /* running means are no weights: their gradient is zero, and the differences would not be */
                jd_fn_run(s.f, s.in, s.count);
                const double *d = jd_fn_result(s.f, "d", NULL);
                const jd_range *mean = NULL;
                for (int r = 0; r < jd_params_ranges(s.params); r++)
                    if (strstr(jd_params_range(s.params, r)->name, "/mean")) mean = jd_params_range(s.params, r);
                assert_non_null(mean);
                for (int64_t k = 0; k < jd_type_count(&mean->type); k++) assert_true(d[mean->offset + (size_t)k] == 0);
            }
            end(&s);
        }
}

/* Two hundred steps on one batch: the running means are those of the batch, so evaluation gives what training gave. */
static void batchnorm_keeps_what_evaluation_needs(void **state)
{
    (void)state;
    const net n[] = {{"batchnorm", false, false}, {"batchnorm", true, false}, {"batchnorm", false, true}};
    for (int i = 0; i < 3; i++) {
        static setup s;
        static double y[T * B * 9 * N];
        start(&s, &n[i], true);
        for (int k = 0; k < 200; k++) jd_fn_run(s.f, s.in, s.count);
        jd_type t;
        const void *trained = jd_fn_result(s.f, "y", &t);
        const size_t count = (size_t)jd_type_count(&t);
        memcpy(y, trained, count * sizeof *y);
        const double *mean = jd_params_get(s.params, "batchnorm1/mean");
        double sum = 0, square = 0, want = 0;
        int points = 0;
        for (size_t k = 0; k < count / N; k++) {
            if (n[i].sequence && (int)(k / B) >= s.length[k % B]) continue;
            sum += y[k * N];
            square += y[k * N] * y[k * N];
            want += s.x[k * N];
            points++;
        }
        assert_true(fabs(sum / points) <= 1e-10);
        assert_true(fabs(square / points - 1) <= 1e-3); /* epsilon */
        assert_true(fabs(mean[0] - want / points) <= 1e-8);
        assert_int_equal(jd_fn_run(s.f, s.in, s.count - 1), JD_OK); /* without "step" */
        const double *eval = jd_fn_result(s.f, "y", NULL);
        for (size_t k = 0; k < count; k++) assert_true(fabs(eval[k] - y[k]) <= 1e-7);
        end(&s);
    }
}

static void layernorm_is_normal(void **state)
{
    (void)state;
    static setup s;
    const net n = {"layernorm", true, false};
    start(&s, &n, false);
    const double *y = jd_fn_result(s.f, "y", NULL);
    for (int k = 0; k < T * B; k++) {
        double sum = 0, square = 0, mean = 0, variance = 0;
        for (int j = 0; j < N; j++)
            sum += y[k * N + j], square += y[k * N + j] * y[k * N + j], mean += s.x[k * N + j] / N;
        for (int j = 0; j < N; j++) variance += (s.x[k * N + j] - mean) * (s.x[k * N + j] - mean) / N;
        assert_true(fabs(sum) <= 1e-12 && fabs(square / N - variance / (variance + 1e-5)) <= 1e-12);
    }
    end(&s);
}

/* Gates that are all but shut let the input pass, however deep. */
static void shut_highway_is_the_identity(void **state)
{
    (void)state;
    static setup s;
    const net n = {"highway 100 tanh bias -40", false, false};
    start(&s, &n, false);
    const double *y = jd_fn_result(s.f, "y", NULL);
    for (int k = 0; k < T * B * N; k++) assert_true(fabs(y[k] - s.x[k]) <= 1e-12);
    end(&s);
}

static void misfits_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *spec, *says;
    } bad[] = {
        {"lstm 5 residual", "residual needs an output of the shape of the input"},
        {"dense 4 residual concat", "not both"},
        {"lstm 4 layernorm peepholes", "layer_norm goes with"},
        {"clockwork 5 2", "cannot share"},
        {"clokwork 6 3", "did you mean \"clockwork\""},
        {"highway 2 bais -1", "did you mean \"bias\""},
        {"batchnrom", "did you mean \"batchnorm\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setup s = {.n = {bad[i].spec, true, false}};
        s.ctx = jd_ctx_new(&(jd_options){.threads = 1});
        s.params = jd_params_new(s.ctx, JD_F64);
        s.f = jd_fn_new(s.ctx, s.params, trace, &s.n);
        for (int b = 0; b < B; b++) s.length[b] = T;
        const jd_tensor in[] = {JD_TENSOR("x", JD_F64, s.x, T, B, N), JD_TENSOR("length", JD_I32, s.length, B)};
        assert_int_equal(jd_fn_run(s.f, in, 2), JD_EUSAGE);
        if (!strstr(jd_error_message(s.ctx), bad[i].says))
            print_error("%s: %s\n", bad[i].spec, jd_error_message(s.ctx));
        assert_non_null(strstr(jd_error_message(s.ctx), bad[i].says));
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derivatives),         cmocka_unit_test(batchnorm_keeps_what_evaluation_needs),
        cmocka_unit_test(layernorm_is_normal), cmocka_unit_test(shut_highway_is_the_identity),
        cmocka_unit_test(misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
