/* Softmax, cross entropies, maxima, CTC in the graph: kernels against double, first and second derivatives in float64. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "call.h"
#include "jackdaw/fn.h"
#include "ops/attrs.h"

/* ---- kernels -----------------------------------------------------------------------------------------------------------*/

enum { ROWS = 7, MOST = 1000 };

typedef struct rows {
    int64_t K;
    float *x, *y, *d, *loss, *dloss;
    double *x64, *y64, *d64, *loss64, *dloss64;
    int32_t labels[ROWS];
} rows;

static rows make_rows(int64_t K, uint64_t seed, double spread)
{
    const size_t n = ROWS * (size_t)K;
    rows r = {.K = K,
              .x = aligned(n * 4),
              .y = aligned(n * 4),
              .d = aligned(n * 4),
              .loss = aligned(ROWS * 4),
              .dloss = aligned(ROWS * 4),
              .x64 = aligned(n * 8),
              .y64 = aligned(n * 8),
              .d64 = aligned(n * 8),
              .loss64 = aligned(ROWS * 8),
              .dloss64 = aligned(ROWS * 8)};
    jd_rng g = jd_rng_new(seed, "test/losses", (uint64_t)K);
    for (size_t i = 0; i < n; i++) r.x64[i] = (double)(r.x[i] = (float)(spread * jd_rng_normal(&g)));
    for (int i = 0; i < ROWS; i++) {
        r.labels[i] = (int32_t)jd_rng_below(&g, (uint32_t)K);
        r.dloss64[i] = (double)(r.dloss[i] = (float)jd_rng_normal(&g));
    }
    r.labels[3] = -1;
    return r;
}

static void drop_rows(rows *r)
{
    void *all[] = {r->x, r->y, r->d, r->loss, r->dloss, r->x64, r->y64, r->d64, r->loss64, r->dloss64};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void run_softmax(rows *r, jd_kernel *kernel, jd_dtype real, int log, int threads)
{
    call k;
    const jd_softmax_attr a = {log};
    call_init(&k, JD_OP_softmax, &a);
    call_in(&k, real, JD_DIMS(ROWS, r->K), real == JD_F64 ? (void *)r->x64 : (void *)r->x);
    call_out(&k, real, JD_DIMS(ROWS, r->K), real == JD_F64 ? (void *)r->y64 : (void *)r->y);
    call_run(&k, kernel, threads);
}

static void run_xent(rows *r, jd_kernel *forward, jd_kernel *backward, jd_dtype real, int threads)
{
    const bool f64 = real == JD_F64;
    call k;
    call_init(&k, JD_OP_softmax_xent, NULL);
    call_in(&k, real, JD_DIMS(ROWS, r->K), f64 ? (void *)r->x64 : (void *)r->x);
    call_in(&k, JD_I32, JD_DIMS(ROWS), r->labels);
    call_out(&k, real, JD_DIMS(ROWS), f64 ? (void *)r->loss64 : (void *)r->loss);
    call_out(&k, real, JD_DIMS(ROWS, r->K), f64 ? (void *)r->y64 : (void *)r->y);
    call_run(&k, forward, threads);
    call_init(&k, JD_OP_softmax_xent_grad, NULL);
    call_in(&k, real, JD_DIMS(ROWS, r->K), f64 ? (void *)r->x64 : (void *)r->x);
    call_in(&k, JD_I32, JD_DIMS(ROWS), r->labels);
    call_in(&k, real, JD_DIMS(ROWS, r->K), f64 ? (void *)r->y64 : (void *)r->y);
    call_in(&k, real, JD_DIMS(ROWS), f64 ? (void *)r->dloss64 : (void *)r->dloss);
    call_out(&k, real, JD_DIMS(ROWS, r->K), f64 ? (void *)r->d64 : (void *)r->d);
    call_run(&k, backward, threads);
}

static const int64_t widths[] = {1, 2, 7, 8, 10, 15, 16, 17, 28, 31, 32, 33, 100, 1000};

static void softmax_kernels(void **state)
{
    (void)state;
    float *first = aligned(ROWS * MOST * 4);
    for (size_t n = 0; n < sizeof widths / sizeof *widths; n++)
        for (int log = 0; log < 2; log++) {
            rows r = make_rows(widths[n], n, n % 2 ? 1 : 8);
            int ran = 0;
            run_softmax(&r, jd__op_softmax.ref[JD_F64], JD_F64, log, 1);
            for (int i = 0; i < 9; i++) {
                const jd_cpu *cpu = call_isa(i / 3);
                if (!cpu) continue;
                run_softmax(&r, cpu->kernel[JD_OP_softmax], JD_F32, log, 1 + i % 3);
                for (int64_t j = 0; j < ROWS * r.K; j++)
                    assert_true(fabs((double)r.y[j] - r.y64[j]) <= 1e-6 * (log ? 1 + fabs(r.y64[j]) : 1));
                if (ran++) assert_memory_equal(first, r.y, ROWS * (size_t)r.K * 4);
                memcpy(first, r.y, ROWS * (size_t)r.K * 4);
            }
            assert_true(ran >= 3);
            run_softmax(&r, jd__op_softmax.ref[JD_F32], JD_F32, log, 2);
            for (int64_t j = 0; j < ROWS * r.K; j++)
                assert_true(fabs((double)r.y[j] - r.y64[j]) <= 3e-6 * (log ? 1 + fabs(r.y64[j]) : 1));
            drop_rows(&r);
        }
    free(first);
}

static void xent_kernels(void **state)
{
    (void)state;
    float *first = aligned(ROWS * MOST * 4), first_loss[ROWS];
    for (size_t n = 0; n < sizeof widths / sizeof *widths; n++) {
        rows r = make_rows(widths[n], 50 + n, 3);
        run_xent(&r, jd__op_softmax_xent.ref[JD_F64], jd__op_softmax_xent_grad.ref[JD_F64], JD_F64, 1);
        assert_true(r.loss64[3] == 0);
        int ran = 0;
        for (int i = 0; i < 9; i++) {
            const jd_cpu *cpu = call_isa(i / 3);
            if (!cpu) continue;
            run_xent(&r, cpu->kernel[JD_OP_softmax_xent], cpu->kernel[JD_OP_softmax_xent_grad], JD_F32, 1 + i % 3);
            for (int64_t j = 0; j < ROWS * r.K; j++) {
                assert_true(fabs((double)r.d[j] - r.d64[j]) <= 1e-6);
                if (j / r.K == 3) assert_true(r.d[j] == 0);
            }
            for (int j = 0; j < ROWS; j++)
                assert_true(fabs((double)r.loss[j] - r.loss64[j]) <= 1e-6 * (1 + r.loss64[j]));
            if (ran++) {
                assert_memory_equal(first, r.d, ROWS * (size_t)r.K * 4);
                assert_memory_equal(first_loss, r.loss, sizeof first_loss);
            }
            memcpy(first, r.d, ROWS * (size_t)r.K * 4);
            memcpy(first_loss, r.loss, sizeof first_loss);
        }
        assert_true(ran >= 3);
        run_xent(&r, jd__op_softmax_xent.ref[JD_F32], jd__op_softmax_xent_grad.ref[JD_F32], JD_F32, 2);
        for (int64_t j = 0; j < ROWS * r.K; j++) assert_true(fabs((double)r.d[j] - r.d64[j]) <= 2e-6);
        for (int j = 0; j < ROWS; j++) assert_true(fabs((double)r.loss[j] - r.loss64[j]) <= 3e-6 * (1 + r.loss64[j]));
        drop_rows(&r);
    }
    free(first);
}

/* The loss of a sure network keeps its relative precision; a label that does not exist gives NaN; NaN stays. */
static void xent_edges(void **state)
{
    (void)state;
    rows r = make_rows(10, 1, 1);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < 10; k++) r.x64[i * 10 + k] = (double)(r.x[i * 10 + k] = k == 4 ? 18.f : (float)k / 8);
        r.labels[i] = 4;
    }
    r.labels[1] = 10;
    r.x[2 * 10 + 7] = NAN;
    double want = 0;
    for (int k = 0; k < 10; k++) want += k == 4 ? 0 : exp(k / 8. - 18);
    want = log1p(want);
    for (int i = 0; i < 3; i++) {
        const jd_cpu *cpu = call_isa(i);
        if (!cpu) continue;
        run_xent(&r, cpu->kernel[JD_OP_softmax_xent], cpu->kernel[JD_OP_softmax_xent_grad], JD_F32, 1);
        assert_true(fabs((double)r.loss[0] - want) < 2e-6 * want);
        assert_true(isnan(r.loss[1]) && isnan(r.loss[2]) && isfinite(r.loss[3]));
        for (int k = 0; k < 10; k++) assert_true(r.d[10 + k] == 0 && isnan(r.y[20 + k]));
    }
    drop_rows(&r);
}

static void maxima(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof widths / sizeof *widths; n++) {
        rows r = make_rows(widths[n], 90 + n, 1);
        const int64_t K = r.K;
        r.x[1 * K + K - 1] = r.x[1 * K + K / 2] = 50; /* a tie: the first */
        r.x[2 * K] = NAN;
        for (int variant = -1; variant < 3; variant++) {
            const jd_cpu *cpu = variant < 0 ? NULL : call_isa(variant);
            if (!cpu && variant >= 0) continue;
            int32_t index[ROWS];
            call k;
            call_init(&k, JD_OP_amax, NULL);
            call_in(&k, JD_F32, JD_DIMS(ROWS, K), r.x);
            call_out(&k, JD_F32, JD_DIMS(ROWS, 1), r.y);
            call_run(&k, cpu ? cpu->kernel[JD_OP_amax] : jd__op_amax.ref[JD_F32], 2);
            call_init(&k, JD_OP_argmax, NULL);
            call_in(&k, JD_F32, JD_DIMS(ROWS, K), r.x);
            call_out(&k, JD_I32, JD_DIMS(ROWS), index);
            call_run(&k, cpu ? cpu->kernel[JD_OP_argmax] : jd__op_argmax.ref[JD_F32], 2);
            for (int i = 0; i < ROWS; i++) {
                int64_t best = 0;
                float max = -INFINITY;
                for (int64_t j = 0; j < K; j++)
                    if (r.x[i * K + j] > max) max = r.x[i * K + (best = j)];
                assert_true(r.y[i] == max && index[i] == best);
            }
        }
        drop_rows(&r);
    }
}

/* ---- derivatives in the graph ----------------------------------------------------------------------------------------*/

/* A scalar function of "x" (R,K) and fixed int32 inputs. */
typedef struct model {
    jd_node (*loss)(jd_graph *g, jd_node x);
    int64_t R, K;
    bool infinite; /* a part of the loss is +inf; look at the gradient only */
} model;

static void trace(jd_graph *g, void *user)
{
    const model *m = user;
    const jd_node x = jd_arg(g, "x"), v = jd_arg(g, "v"), loss = m->loss(g, x);
    jd_node dx, ddx;
    jd_grad(g, loss, JD_NONE, &x, 1, &dx);
    const jd_node along = jd_sum(g, jd_mul(g, dx, v), JD_ALL_AXES, false);
    jd_grad(g, along, JD_NONE, &x, 1, &ddx);
    jd_result(g, "loss", loss);
    jd_result(g, "dx", dx);
    jd_result(g, "along", along);
    jd_result(g, "ddx", ddx);
}

static void check_model(const model *m)
{
    enum { MAX = 200 };
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, trace, (void *)(uintptr_t)m);
    double x[MAX], v[MAX], dx[MAX], ddx[MAX];
    const int n = (int)(m->R * m->K);
    jd_rng r = jd_rng_new(17, "test/model", 0);
    for (int i = 0; i < n; i++) {
        x[i] = jd_rng_normal(&r);
        v[i] = jd_rng_normal(&r);
    }
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, x, m->R, m->K), JD_TENSOR("v", JD_F64, v, m->R, m->K)};
    jd_type type;
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    memcpy(dx, jd_fn_result(f, "dx", &type), sizeof *dx * (size_t)n);
    memcpy(ddx, jd_fn_result(f, "ddx", &type), sizeof *ddx * (size_t)n);
    double largest = 0;
    for (int i = 0; i < n; i++) {
        const double at = x[i], h = 1e-5;
        double value[2][2];
        for (int side = 0; side < 2; side++) {
            x[i] = side ? at + h : at - h;
            jd_fn_run(f, in, 2);
            value[side][0] = jd_fn_scalar(f, "loss");
            value[side][1] = jd_fn_scalar(f, "along");
        }
        x[i] = at;
        if (!m->infinite) assert_true(fabs((value[1][0] - value[0][0]) / (2 * h) - dx[i]) < 1e-8);
        assert_true(fabs((value[1][1] - value[0][1]) / (2 * h) - ddx[i]) < 1e-8);
        largest = fmax(largest, fabs(ddx[i]));
    }
    assert_true(largest > 1e-3); /* there was something to check */
    assert_int_equal(jd_error(ctx), JD_OK);
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

/* int32 (n) 0, 1, .., as labels */
static jd_node xent(jd_graph *g, jd_node x)
{
    return jd_softmax_xent(g, x, jd_iota(g, jd_dim(g, x, 0)));
}

static jd_node log_softmax(jd_graph *g, jd_node x)
{
    const jd_node y = jd_log_softmax(g, x);
    return jd_sum(g, jd_mul(g, jd_square(g, y), jd_tanh(g, x)), JD_ALL_AXES, false);
}

static jd_node softmax(jd_graph *g, jd_node x)
{
    return jd_sum(g, jd_mul(g, jd_softmax(g, x), jd_square(g, x)), JD_ALL_AXES, false);
}

static jd_node sigmoid_xent(jd_graph *g, jd_node x)
{
    const jd_node target = jd_const(g, .3, jd__dims(jd_type_of(g, x)));
    return jd_sum(g, jd_sigmoid_xent_each(g, x, target), JD_ALL_AXES, false);
}

static jd_node largest(jd_graph *g, jd_node x)
{
    return jd_sum(g, jd_square(g, jd_amax(g, x)), JD_ALL_AXES, false);
}

/* logits (6,3,4) from x (18,4).  Lengths 4 5 6 by argmax of constants would be long-winded: argmax over a slope gives any
 * small integer. */
static jd_node integers(jd_graph *g, const int32_t *value, int64_t n)
{
    jd_node piece[8];
    for (int64_t i = 0; i < n; i++) {
        const jd_node at = jd_real_of(g, jd_iota(g, 8));
        const jd_node peak = jd_neg(g, jd_square(g, jd_affine(g, at, 1, -value[i])));
        piece[i] = jd_reshape(g, peak, JD_DIMS(1, 8));
    }
    return jd_argmax(g, jd_concat(g, piece, (int)n, 0));
}

static jd_node ctc(jd_graph *g, jd_node x)
{
    static const int32_t length[3] = {6, 4, 5}, labels[6] = {1, 1, 3, 2, 2, 0}, label_length[3] = {2, 2, 1};
    const jd_node logits = jd_reshape(g, x, JD_DIMS(6, 3, 4));
    const jd_node loss = jd_ctc(g, logits, jd_reshape(g, integers(g, labels, 6), JD_DIMS(3, 2)), integers(g, length, 3),
                                integers(g, label_length, 3), 0);
    return jd_sum(g, jd_mul(g, loss, jd_affine(g, jd_real_of(g, jd_iota(g, 3)), .5, 1)), JD_ALL_AXES, false);
}

/* The second sample needs 5 frames and has 4. */
static jd_node ctc_infeasible(jd_graph *g, jd_node x)
{
    static const int32_t length[2] = {6, 4}, labels[6] = {1, 2, 1, 3, 3, 3}, label_length[2] = {3, 3};
    const jd_node logits = jd_reshape(g, x, JD_DIMS(6, 2, 4));
    const jd_node loss = jd_ctc(g, logits, jd_reshape(g, integers(g, labels, 6), JD_DIMS(2, 3)), integers(g, length, 2),
                                integers(g, label_length, 2), 0);
    return jd_sum(g, loss, JD_ALL_AXES, false);
}

static void derivatives(void **state)
{
    (void)state;
    static const model models[] = {{xent, 4, 6, false},          {log_softmax, 3, 5, false}, {softmax, 3, 5, false},
                                   {sigmoid_xent, 2, 5, false},  {largest, 4, 5, false},     {ctc, 18, 4, false},
                                   {ctc_infeasible, 12, 4, true}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) check_model(&models[i]);
}

/* The mean leaves out the rows whose label is negative. */
static void trace_mean(jd_graph *g, void *user)
{
    (void)user;
    const jd_node x = jd_arg(g, "x"), l = jd_arg(g, "l");
    jd_node dx;
    const jd_node loss = jd_softmax_xent(g, x, l);
    jd_grad(g, loss, JD_NONE, &x, 1, &dx);
    jd_result(g, "loss", loss);
    jd_result(g, "dx", dx);
}

static void ignored_labels(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1});
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, trace_mean, NULL);
    const double x[4][3] = {{0}};
    int32_t l[4] = {0, -1, 2, -1};
    const jd_tensor in[] = {JD_TENSOR("x", JD_F64, x, 4, 3), JD_TENSOR("l", JD_I32, l, 4)};
    jd_type type;
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    assert_true(fabs(jd_fn_scalar(f, "loss") - log(3)) < 1e-12);
    const double *dx = jd_fn_result(f, "dx", &type);
    assert_true(fabs(dx[0] + 1. / 3) < 1e-12 && dx[3] == 0 && dx[4] == 0 && fabs(dx[8] + 1. / 3) < 1e-12);
    l[0] = l[2] = -1;
    assert_int_equal(jd_fn_run(f, in, 2), JD_OK);
    assert_true(jd_fn_scalar(f, "loss") == 0);
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(softmax_kernels), cmocka_unit_test(xent_kernels),
                                       cmocka_unit_test(xent_edges),      cmocka_unit_test(maxima),
                                       cmocka_unit_test(derivatives),     cmocka_unit_test(ignored_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
