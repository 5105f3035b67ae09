/* CTC: against all paths by enumeration, the reference against the fast kernels, and the edges. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "call.h"
#include "ops/attrs.h"

typedef struct problem {
    int64_t T, B, K, U;
    int blank;
    double *x; /* (T,B,K) */
    float *x32;
    int32_t *labels, *length, *label_length;
    double *loss, *grad;
    float *loss32, *grad32;
} problem;

static problem make(int64_t T, int64_t B, int64_t K, int64_t U, int blank)
{
    const size_t n = (size_t)(T * B * K), b = (size_t)B;
    problem p = {.T = T, .B = B, .K = K, .U = U, .blank = blank};
    p.x = aligned(n * 8);
    p.x32 = aligned(n * 4);
    p.grad = aligned(n * 8);
    p.grad32 = aligned(n * 4);
    p.labels = aligned(b * (size_t)U * 4);
    p.length = aligned(b * 4);
    p.label_length = aligned(b * 4);
    p.loss = aligned(b * 8);
    p.loss32 = aligned(b * 4);
    return p;
}

static void drop(problem *p)
{
    void *all[] = {p->x, p->x32, p->grad, p->grad32, p->labels, p->length, p->label_length, p->loss, p->loss32};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Random logits (float32 values), labels, lengths. */
static void fill(problem *p, uint64_t seed, double spread, bool ragged)
{
    jd_rng r = jd_rng_new(seed, "test/ctc", 0);
    for (int64_t i = 0; i < p->T * p->B * p->K; i++) {
        p->x32[i] = (float)(spread * jd_rng_normal(&r));
        p->x[i] = (double)p->x32[i];
    }
    for (int64_t i = 0; i < p->B * p->U; i++) {
        const int32_t k = (int32_t)jd_rng_below(&r, (uint32_t)p->K - 1);
        p->labels[i] = k + (k >= p->blank);
    }
    for (int64_t b = 0; b < p->B; b++) {
        p->length[b] = (int32_t)(ragged ? 1 + jd_rng_below(&r, (uint32_t)p->T) : p->T);
        p->label_length[b] = (int32_t)(ragged ? jd_rng_below(&r, (uint32_t)p->U + 1) : p->U);
    }
}

static void run(problem *p, jd_kernel *kernel, jd_dtype real, int threads)
{
    const jd_ctc_attr a = {p->blank};
    call k;
    call_init(&k, JD_OP_ctc, &a);
    call_in(&k, real, JD_DIMS(p->T, p->B, p->K), real == JD_F64 ? (void *)p->x : (void *)p->x32);
    call_in(&k, JD_I32, JD_DIMS(p->B, p->U), p->labels);
    call_in(&k, JD_I32, JD_DIMS(p->B), p->length);
    call_in(&k, JD_I32, JD_DIMS(p->B), p->label_length);
    call_out(&k, real, JD_DIMS(p->B), real == JD_F64 ? (void *)p->loss : (void *)p->loss32);
    call_out(&k, real, JD_DIMS(p->T, p->B, p->K), real == JD_F64 ? (void *)p->grad : (void *)p->grad32);
    call_run(&k, kernel, threads);
}

static void run64(problem *p)
{
    run(p, jd__op_ctc.ref[JD_F64], JD_F64, 1);
}

/* p(labels) and d p / d ln y by visiting all K^T paths of sample b. */
static double all_paths(const problem *p, int64_t b, double *dlog)
{
    const int64_t T = p->length[b], K = p->K;
    double y[6][4], total = 0;
    int path[6] = {0};
    for (int64_t t = 0; t < T; t++) {
        double sum = 0;
        for (int64_t k = 0; k < K; k++) sum += y[t][k] = exp(p->x[(t * p->B + b) * K + k]);
        for (int64_t k = 0; k < K; k++) y[t][k] /= sum;
    }
    memset(dlog, 0, (size_t)(T * K) * sizeof *dlog);
    for (;;) {
        int64_t n = 0;
        bool same = true;
        double prob = 1;
        for (int64_t t = 0; t < T; t++) {
            prob *= y[t][path[t]];
            if (path[t] == p->blank || (t && path[t] == path[t - 1])) continue;
            same = same && n < p->label_length[b] && p->labels[b * p->U + n] == path[t];
            n++;
        }
        if (same && n == p->label_length[b]) {
            total += prob;
            for (int64_t t = 0; t < T; t++) dlog[t * K + path[t]] += prob;
        }
        int64_t t = 0;
        while (t < T && ++path[t] == K) path[t++] = 0;
        if (t == T) return total;
    }
}

static void enumeration(void **state)
{
    (void)state;
    int feasible = 0, infeasible = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        const int64_t T = 1 + (int64_t)(seed % 6), K = 2 + (int64_t)(seed / 6 % 3), U = (int64_t)(seed % 5);
        problem p = make(T, 3, K, U, (int)(seed % (uint64_t)K));
        fill(&p, seed, 1.5, true);
        run64(&p);
        for (int64_t b = 0; b < 3; b++) {
            double dlog[24];
            const double prob = all_paths(&p, b, dlog);
            if (prob == 0) {
                infeasible++;
                assert_true(isinf(p.loss[b]) && p.loss[b] > 0);
            } else {
                feasible++;
                assert_true(fabs(p.loss[b] + log(prob)) <= 1e-12 * (1 + fabs(log(prob))));
            }
            for (int64_t t = 0; t < T; t++) {
                double sum = 0, z = 0;
                const double *x = p.x + (t * 3 + b) * K, *g = p.grad + (t * 3 + b) * K;
                for (int64_t k = 0; k < K; k++) z += exp(x[k]);
                for (int64_t k = 0; k < K; k++) {
                    const double want = prob == 0 || t >= p.length[b] ? 0 : exp(x[k]) / z - dlog[t * K + k] / prob;
                    assert_true(fabs(g[k] - want) <= 1e-12);
                    sum += g[k];
                }
                assert_true(fabs(sum) <= 1e-12);
            }
        }
        drop(&p);
    }
    assert_true(feasible > 60 && infeasible > 20);
}

static void numeric_gradient(void **state)
{
    (void)state;
    problem p = make(9, 2, 5, 3, 4);
    fill(&p, 5, 1, false);
    p.length[1] = 7;
    p.label_length[1] = 2;
    p.labels[1] = p.labels[0]; /* a repeat */
    run64(&p);
    double grad[9 * 2 * 5];
    memcpy(grad, p.grad, sizeof grad);
    for (int i = 0; i < 9 * 2 * 5; i++) {
        const double x = p.x[i], h = 1e-5;
        p.x[i] = x + h;
        run64(&p);
        const double up = p.loss[0] + p.loss[1];
        p.x[i] = x - h;
        run64(&p);
        const double down = p.loss[0] + p.loss[1];
        p.x[i] = x;
        assert_true(fabs((up - down) / (2 * h) - grad[i]) < 1e-8);
    }
    drop(&p);
}

/* Two frames, P(a) = .4, P(b) = 0, P(blank) = .6 in both: p("a") = .64 (and "" has .36). */
static void mini_example(void **state)
{
    (void)state;
    problem p = make(2, 2, 3, 1, 2);
    for (int i = 0; i < 4; i++) {
        const double y[3] = {.4, 0, .6};
        for (int k = 0; k < 3; k++) p.x32[i * 3 + k] = (float)(p.x[i * 3 + k] = log(y[k]));
    }
    p.labels[0] = p.labels[1] = 0;
    p.length[0] = p.length[1] = 2;
    p.label_length[0] = 1;
    p.label_length[1] = 0;
    run64(&p);
    assert_true(fabs(exp(-p.loss[0]) - .64) < 1e-12);
    assert_true(fabs(exp(-p.loss[1]) - .36) < 1e-12);
    for (int i = 0; i < 3; i++) {
        if (!call_isa(i)) continue;
        run(&p, call_isa(i)->kernel[JD_OP_ctc], JD_F32, 1);
        assert_true(fabs(exp(-(double)p.loss32[0]) - .64) < 1e-6);
        assert_true(fabs(exp(-(double)p.loss32[1]) - .36) < 1e-6);
        for (int j = 0; j < 12; j++) assert_true(fabs((double)p.grad32[j] - p.grad[j]) < 1e-6);
    }
    drop(&p);
}

/* The fast kernels on problem p (already filled) against the reference in double; they agree with each other in every
 * bit, on 1, 2 and 3 threads. */
static void check_fast(problem *p, double loss_tolerance, double grad_tolerance)
{
    const size_t n = (size_t)(p->T * p->B * p->K);
    float *first = aligned(n * 4), *first_loss = aligned((size_t)p->B * 4);
    bool any = false;
    run64(p);
    for (int i = 0; i < 3; i++) {
        const jd_cpu *cpu = call_isa(i);
        if (!cpu) continue;
        for (int threads = 1; threads <= 3; threads++) {
            memset(p->grad32, 0xFF, n * 4);
            run(p, cpu->kernel[JD_OP_ctc], JD_F32, threads);
            if (any) {
                assert_memory_equal(p->grad32, first, n * 4);
                assert_memory_equal(p->loss32, first_loss, (size_t)p->B * 4);
            }
            any = true;
            memcpy(first, p->grad32, n * 4);
            memcpy(first_loss, p->loss32, (size_t)p->B * 4);
        }
    }
    assert_true(any);
    for (int64_t b = 0; b < p->B; b++) {
        if (isinf(p->loss[b]))
            assert_true(isinf(p->loss32[b]));
        else
            assert_true(fabs((double)p->loss32[b] - p->loss[b]) <= loss_tolerance * (1 + fabs(p->loss[b])));
    }
    for (size_t i = 0; i < n; i++) assert_true(fabs((double)p->grad32[i] - p->grad[i]) <= grad_tolerance);
    for (int64_t r = 0; r < p->T * p->B; r++) {
        double sum = 0;
        for (int64_t k = 0; k < p->K; k++) sum += (double)p->grad32[r * p->K + k];
        assert_true(fabs(sum) < 2e-6);
    }
    free(first);
    free(first_loss);
}

static void fast_against_reference(void **state)
{
    (void)state;
    static const int64_t shape[][4] = {{1, 3, 2, 1},    {6, 7, 3, 4},    {12, 9, 5, 5},    {40, 8, 29, 12},
                                       {33, 5, 17, 16}, {64, 5, 40, 31}, {90, 3, 130, 20}, {24, 4, 16, 8},
                                       {50, 3, 3, 25},  {20, 6, 6, 0}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            const int64_t *s = shape[i];
            problem p = make(s[0], s[1], s[2], s[3], seed % 2 ? 0 : (int)s[2] - 1);
            fill(&p, 100 * i + seed, seed < 2 ? 1 : 4, seed > 0);
            check_fast(&p, 1e-6, 1e-6);
            drop(&p);
        }
}

static void long_sequences(void **state)
{
    (void)state;
    problem p = make(2000, 2, 28, 300, 0);
    fill(&p, 3, 2, false);
    p.length[1] = 1500;
    p.label_length[1] = 123;
    check_fast(&p, 1e-6, 4e-6);
    assert_true(p.loss32[0] > 1000);
    drop(&p);
}

/* A collapsed network: blank everywhere, e^-12 for each of 100 labels; and the opposite, and logits 300 apart. */
static void wide_range(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        problem p = make(300, 2, 6, 100, 2);
        fill(&p, 11 + (uint64_t)kind, kind == 3 ? 100 : 1, false);
        for (int64_t r = 0; r < p.T * p.B; r++)
            for (int64_t k = 0; k < p.K; k++) {
                float *x = &p.x32[r * p.K + k];
                if (kind == 0) *x += k == 2 ? 12 : 0;
                if (kind == 1) *x += k == 2 ? -20 : 0;
                if (kind == 2) *x += k == 2 && r % 3 ? 60 : 0;
                p.x[r * p.K + k] = (double)*x;
            }
        p.label_length[1] = 60;
        check_fast(&p, 1e-6, 2e-5);
        assert_true(isfinite(p.loss32[0]));
        drop(&p);
    }
}

static void confident(void **state)
{
    (void)state;
    problem p = make(200, 1, 10, 20, 9);
    fill(&p, 8, 1, false);
    for (int t = 0; t < 200; t++) { /* each label once, every 10 frames */
        const int32_t k = t % 10 == 5 ? p.labels[t / 10] : 9;
        p.x32[t * 10 + k] += 16;
        for (int j = 0; j < 10; j++) p.x[t * 10 + j] = (double)p.x32[t * 10 + j];
    }
    run64(&p);
    assert_true(p.loss[0] < 1e-3);
    for (int i = 0; i < 3; i++) {
        if (!call_isa(i)) continue;
        run(&p, call_isa(i)->kernel[JD_OP_ctc], JD_F32, 1);
        assert_true(fabs((double)p.loss32[0] - p.loss[0]) < 1e-6 * p.loss[0] * 4);
    }
    drop(&p);
}

static void edges(void **state)
{
    (void)state;
    jd_kernel *kernel[4] = {jd__op_ctc.ref[JD_F32]};
    for (int i = 0; i < 3; i++) kernel[i + 1] = call_isa(i) ? call_isa(i)->kernel[JD_OP_ctc] : NULL;
    problem p = make(4, 8, 3, 3, 0);
    fill(&p, 2, 1, false);
    static const int32_t labels[8][3] = {{1, 1, 9}, {1, 1, 2}, {1, 2, 1}, {9, 9, 9},
                                         {1, 0, 9}, {3, 9, 9}, {1, 9, 9}, {2, 1, 9}};
    static const int32_t length[8] = {3, 4, 2, 4, 4, 4, 5, 0}, count[8] = {2, 3, 3, 0, 2, 1, 1, 0};
    memcpy(p.labels, labels, sizeof labels);
    memcpy(p.length, length, sizeof length);
    memcpy(p.label_length, count, sizeof count);
    for (int i = 0; i < 4; i++) {
        if (!kernel[i]) continue;
        run(&p, kernel[i], JD_F32, 1);
        const float *loss = p.loss32;
        /* "aa" in 3 frames: only a, blank, a */
        double want = 0;
        for (int t = 0; t < 3; t++) {
            const double *x = p.x + t * 24;
            want -= x[t == 1 ? 0 : 1] - log(exp(x[0]) + exp(x[1]) + exp(x[2]));
        }
        assert_true(fabs((double)loss[0] - want) < 1e-5);
        assert_true(isfinite(loss[1]));             /* just feasible: 3 labels and a repeat */
        assert_true(isinf(loss[2]) && loss[2] > 0); /* 3 labels, 2 frames */
        assert_true(isfinite(loss[3]));             /* no label */
        assert_true(isnan(loss[4]));                /* the blank as a label */
        assert_true(isnan(loss[5]));                /* no such label */
        assert_true(isnan(loss[6]));                /* longer than the input */
        assert_true(loss[7] == 0);                  /* nothing from nothing */
        for (int r = 0; r < 32; r++)
            for (int k = 0; k < 3; k++) {
                const float g = p.grad32[r * 3 + k];
                assert_true(isfinite(g));
                if (r % 8 == 2 || r % 8 >= 4 || r / 8 >= length[r % 8]) assert_true(g == 0);
            }
    }
    drop(&p);
}

/* NaN in, NaN out, for that sample only. */
static void nan_in(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        if (!call_isa(i)) continue;
        problem p = make(5, 3, 4, 2, 0);
        fill(&p, 2, 1, false);
        p.labels[2] = 1;
        p.labels[3] = 2;
        p.x32[(2 * 3 + 1) * 4 + 3] = NAN;
        run(&p, call_isa(i)->kernel[JD_OP_ctc], JD_F32, 1);
        assert_true(isfinite(p.loss32[0]) && isnan(p.loss32[1]) && isfinite(p.loss32[2]));
        drop(&p);
    }
}

/* A sample's results do not depend on the batch it stands in, nor on the padding. */
static void batch_bits(void **state)
{
    (void)state;
    problem p = make(60, 6, 19, 14, 0), q = make(80, 1, 19, 20, 0);
    fill(&p, 21, 2, true);
    for (int i = 0; i < 3; i++) {
        const jd_cpu *cpu = call_isa(i);
        if (!cpu) continue;
        run(&p, cpu->kernel[JD_OP_ctc], JD_F32, 2);
        for (int64_t b = 0; b < 6; b++) {
            fill(&q, 99, 5, false);
            q.length[0] = p.length[b];
            q.label_length[0] = p.label_length[b];
            memcpy(q.labels, p.labels + b * 14, 14 * 4);
            for (int64_t t = 0; t < p.length[b]; t++) memcpy(q.x32 + t * 19, p.x32 + (t * 6 + b) * 19, 19 * 4);
            run(&q, cpu->kernel[JD_OP_ctc], JD_F32, 1);
            assert_memory_equal(q.loss32, p.loss32 + b, 4);
            for (int64_t t = 0; t < p.length[b]; t++)
                assert_memory_equal(q.grad32 + t * 19, p.grad32 + (t * 6 + b) * 19, 19 * 4);
        }
    }
    drop(&p);
    drop(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enumeration),
        cmocka_unit_test(numeric_gradient),
        cmocka_unit_test(mini_example),
        cmocka_unit_test(edges),
        cmocka_unit_test(fast_against_reference),
        cmocka_unit_test(long_sequences),
        cmocka_unit_test(wide_range),
        cmocka_unit_test(confident),
        cmocka_unit_test(nan_in),
        cmocka_unit_test(batch_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
