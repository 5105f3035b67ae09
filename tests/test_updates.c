/* Update rules: against independent loops in double, by hand, and bit for bit between kernels and threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "call.h"
#include "jackdaw/fn.h"
#include "ops/attrs.h"

enum { P = 2500, STEPS = 7 };

typedef struct rule {
    jd_opcode op;
    jd_update_attr a;
    bool scale, state1, state2, t;
} rule;

static const rule rules[] = {
    {JD_OP_update_sgd, {.momentum = 0}, false, false, false, false},
    {JD_OP_update_sgd, {.weight_decay = .1}, true, false, false, false},
    {JD_OP_update_sgd, {.momentum = .9}, false, true, false, false},
    {JD_OP_update_sgd, {.momentum = .8, .nesterov = 1, .weight_decay = .01}, true, true, false, false},
    {JD_OP_update_adam, {.beta1 = .9, .beta2 = .999, .epsilon = 1e-8}, false, true, true, true},
    {JD_OP_update_adam, {.beta1 = .5, .beta2 = .9, .epsilon = 1e-3, .weight_decay = .1}, true, true, true, true},
    {JD_OP_update_rmsprop, {.beta2 = .9, .epsilon = 1e-8}, false, true, false, false},
    {JD_OP_update_rmsprop, {.beta2 = .95, .epsilon = 1e-4, .momentum = .9}, true, true, true, false},
    {JD_OP_update_rprop, {.momentum = 0}, false, true, true, true},
    {JD_OP_update_rprop, {.weight_decay = .3}, true, true, true, true},
};

static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* The textbook formula for one weight: w, g, two states, step number from 1. */
static double formula(const rule *r, double w, double g, double lr, double *s1, double *s2, int t)
{
    const jd_update_attr *a = &r->a;
    g += a->weight_decay * w;
    switch ((int)r->op) {
    case JD_OP_update_sgd:
        if (!r->state1) return w - lr * g;
        *s1 = a->momentum * *s1 - lr * g;
        return a->nesterov ? w + a->momentum * *s1 - lr * g : w + *s1;
    case JD_OP_update_adam:
        *s1 = a->beta1 * *s1 + (1 - a->beta1) * g;
        *s2 = a->beta2 * *s2 + (1 - a->beta2) * g * g;
        return w - lr * (*s1 / (1 - pow(a->beta1, t))) / (sqrt(*s2 / (1 - pow(a->beta2, t))) + a->epsilon);
    case JD_OP_update_rmsprop:
        *s1 = a->beta2 * *s1 + (1 - a->beta2) * g * g;
        if (!r->state2) return w - lr * g / (sqrt(*s1) + a->epsilon);
        *s2 = a->momentum * *s2 - lr * g / (sqrt(*s1) + a->epsilon);
        return w + *s2;
    default: /* Rprop: s1 the step, s2 the last gradient */
        if (t == 1) *s1 = lr;
        if (t > 1 && g * *s2 < 0) {
            w += sign(*s2) * *s1;
            *s1 = fmax(*s1 * .5, 1e-6);
            *s2 = 0;
            return w;
        }
        if (t > 1 && g * *s2 > 0) *s1 = fmin(*s1 * 1.2, 50);
        *s2 = g;
        return w - sign(g) * *s1;
    }
}

/* STEPS steps of rule r by `kernel`; the gradients are a fixed function of seed, step and element. */
static void train(const rule *r, jd_kernel *kernel, jd_dtype real, int threads, void *w, void *s1, void *s2, double *t)
{
    float lr32 = .03f, scale32 = .5f, *g32 = aligned(P * 4);
    double lr64 = (double)lr32, scale64 = .5, *g64 = aligned(P * 8);
    const bool f64 = real == JD_F64;
    for (int step = 0; step < STEPS; step++) {
        jd_rng rng = jd_rng_new(7, "test/gradient", (uint64_t)step);
        for (int i = 0; i < P; i++) {
            g32[i] = (float)jd_rng_normal(&rng);
            g64[i] = (double)g32[i];
        }
        call k;
        call_init(&k, r->op, &r->a);
        call_in(&k, real, JD_DIMS(P), f64 ? (void *)g64 : (void *)g32);
        call_in(&k, real, JD_SCALAR, f64 ? (void *)&lr64 : (void *)&lr32);
        if (r->scale)
            call_in(&k, real, JD_SCALAR, f64 ? (void *)&scale64 : (void *)&scale32);
        else
            call_none(&k);
        call_in(&k, real, JD_DIMS(P), w);
        if (r->state1)
            call_in(&k, real, JD_DIMS(P), s1);
        else
            call_none(&k);
        if (r->state2)
            call_in(&k, real, JD_DIMS(P), s2);
        else
            call_none(&k);
        if (r->t)
            call_in(&k, JD_F64, JD_SCALAR, t);
        else
            call_none(&k);
        call_run(&k, kernel, threads);
    }
    free(g32);
    free(g64);
}

static void start(float *w32, double *w64)
{
    jd_rng rng = jd_rng_new(3, "test/weights", 0);
    for (int i = 0; i < P; i++) w64[i] = (double)(w32[i] = (float)jd_rng_normal(&rng));
}

static void against_formula(void **state)
{
    (void)state;
    float *w32 = aligned(P * 4);
    double *w = aligned(P * 8), *s1 = aligned(P * 8), *s2 = aligned(P * 8);
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++) {
        const rule *r = &rules[n];
        double t = 0;
        start(w32, w);
        memset(s1, 0, P * 8);
        memset(s2, 0, P * 8);
        train(r, jd__ops[r->op]->ref[JD_F64], JD_F64, 1, w, s1, s2, &t);
        if (r->t) assert_true(t == STEPS);
        for (int i = 0; i<P; i += i> 100 ? 400 : 7) {
            double x = (double)w32[i], a = 0, b = 0;
            for (int step = 0; step < STEPS; step++) {
                jd_rng rng = jd_rng_new(7, "test/gradient", (uint64_t)step);
                double g = 0;
                for (int j = 0; j <= i; j++) g = (double)(float)jd_rng_normal(&rng);
                x = formula(r, x, r->scale ? .5 * g : g, (double).03f, &a, &b, step + 1);
            }
            assert_true(fabs(w[i] - x) <= 1e-12 * (1 + fabs(x)));
        }
    }
    free(w32);
    free(w);
    free(s1);
    free(s2);
}

/* Reference and fast kernels of float32 have the same bits on any number of threads, and are near to float64. */
static void bits(void **state)
{
    (void)state;
    float *w = aligned(P * 4), *s1 = aligned(P * 4), *s2 = aligned(P * 4);
    float *want = aligned(P * 4), *want1 = aligned(P * 4), *want2 = aligned(P * 4);
    double *w64 = aligned(P * 8), *d1 = aligned(P * 8), *d2 = aligned(P * 8);
    for (size_t n = 0; n < sizeof rules / sizeof *rules; n++) {
        const rule *r = &rules[n];
        double t = 0;
        start(want, w64);
        memset(want1, 0, P * 4);
        memset(want2, 0, P * 4);
        memset(d1, 0, P * 8);
        memset(d2, 0, P * 8);
        train(r, jd__ops[r->op]->ref[JD_F32], JD_F32, 1, want, want1, want2, &t);
        t = 0;
        train(r, jd__ops[r->op]->ref[JD_F64], JD_F64, 1, w64, d1, d2, &t);
        for (int i = 0; i < P; i++) assert_true(fabs((double)want[i] - w64[i]) < 1e-5);
        for (int variant = 0; variant < 12; variant++) {
            const int threads = 1 + variant % 3;
            const jd_cpu *cpu = variant < 9 ? call_isa(variant / 3) : NULL;
            if (!cpu && variant < 9) continue;
            jd_kernel *kernel = cpu && cpu->kernel[r->op] ? cpu->kernel[r->op] : jd__ops[r->op]->ref[JD_F32];
            start(w, d1);
            memset(s1, 0, P * 4);
            memset(s2, 0, P * 4);
            t = 0;
            train(r, kernel, JD_F32, threads, w, s1, s2, &t);
            if (r->t) assert_true(t == STEPS);
            assert_memory_equal(w, want, P * 4);
            assert_memory_equal(s1, want1, P * 4);
            assert_memory_equal(s2, want2, P * 4);
        }
    }
    void *all[] = {w, s1, s2, want, want1, want2, w64, d1, d2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* Adam by hand: with any gradient of constant sign the first step is lr; g = 1, then g = -1:
 * m = .1, then -.01; v = .001, then .001999; step 2 is lr (-.01/.19) / sqrt(.001999/.001999). */
static void adam_by_hand(void **state)
{
    (void)state;
    const jd_update_attr a = {.beta1 = .9, .beta2 = .999, .epsilon = 1e-8};
    double w = 1, g = 1, lr = .01, m = 0, v = 0, t = 0;
    const double want[2] = {1 - .01, 1 - .01 + .01 * (.01 / .19)};
    for (int step = 0; step < 2; step++) {
        call k;
        call_init(&k, JD_OP_update_adam, &a);
        call_in(&k, JD_F64, JD_DIMS(1), &g);
        call_in(&k, JD_F64, JD_SCALAR, &lr);
        call_none(&k);
        call_in(&k, JD_F64, JD_DIMS(1), &w);
        call_in(&k, JD_F64, JD_DIMS(1), &m);
        call_in(&k, JD_F64, JD_DIMS(1), &v);
        call_in(&k, JD_F64, JD_SCALAR, &t);
        call_run(&k, jd__op_update_adam.ref[JD_F64], 1);
        assert_true(fabs(w - want[step]) < 1e-9);
        g = -1;
    }
}

/* ---- in a traced function: loss = <c, w>, so the gradient is c ----------------------------------------------------------*/

typedef struct step {
    void (*update)(jd_graph *g, jd_node loss, jd_node lr, jd_update_options o);
    jd_update_options o;
} step;

static void trace(jd_graph *g, void *user)
{
    const step *s = user;
    const jd_node w = jd_param(g, "w", (jd_init){JD_INIT_CONST, 1, 0, 0}, JD_DIMS(4));
    const jd_node loss = jd_sum(g, jd_mul(g, w, jd_arg(g, "c")), JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    s->update(g, loss, jd_arg(g, "lr"), s->o);
}

/* Runs two steps from w = 1 and leaves w; returns the status. */
static jd_status two_steps(const step *s, const double c[4], double w[4], int *states)
{
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 2});
    jd_params *params = jd_params_new(ctx, JD_F64);
    jd_fn *f = jd_fn_new(ctx, params, trace, (void *)(uintptr_t)s);
    const double lr = .1;
    const jd_tensor in[] = {JD_TENSOR("c", JD_F64, c, 4), {"lr", {JD_F64, 0, {0}}, &lr}};
    jd_fn_run(f, in, 2);
    const jd_status status = jd_fn_run(f, in, 2);
    if (status)
        assert_true(strlen(jd_error_message(ctx)) > 30);
    else
        memcpy(w, jd_params_get(params, "w"), 4 * sizeof *w);
    *states = jd_params_states(params);
    jd_fn_free(f);
    jd_params_free(params);
    jd_ctx_free(ctx);
    return status;
}

static void in_graph(void **state)
{
    (void)state;
    const double c[4] = {3, -4, 0, 12}; /* norm 13 */
    static const struct {
        step s;
        int states;
        double first, rate[4]; /* w - 1 = -first x c (SGD), or -rate */
    } cases[] = {
        {{jd_update_sgd_opt, {.momentum = 0}}, 0, .2, {0}},
        {{jd_update_sgd_opt, {.clip = 1.3}}, 0, .02, {0}},
        {{jd_update_sgd_opt, {.clip = 14}}, 0, .2, {0}},
        {{jd_update_sgd_opt, {.momentum = .5}}, 1, .25, {0}},
        {{jd_update_sgd_opt, {.momentum = .5, .nesterov = true}}, 1, .325, {0}},
        {{jd_update_adam_opt, {.momentum = 0}}, 3, 0, {.2, -.2, 0, .2}},
        {{jd_update_adam_opt, {.clip = 1}}, 3, 0, {.2, -.2, 0, .2}},
        {{jd_update_rprop_opt, {.momentum = 0}}, 3, 0, {.22, -.22, 0, .22}},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        double w[4];
        int states;
        assert_int_equal(two_steps(&cases[n].s, c, w, &states), JD_OK);
        assert_int_equal(states, cases[n].states);
        for (int i = 0; i < 4; i++) assert_true(fabs(w[i] - 1 + cases[n].first * c[i] + cases[n].rate[i]) < 1e-7);
    }
}

static void bad_options(void **state)
{
    (void)state;
    const double c[4] = {1, 2, 3, 4};
    static const step bad[] = {{jd_update_sgd_opt, {.momentum = 1}},
                               {jd_update_sgd_opt, {.momentum = -.1}},
                               {jd_update_sgd_opt, {.momentum = (double)NAN}},
                               {jd_update_sgd_opt, {.nesterov = true}},
                               {jd_update_sgd_opt, {.beta1 = .9}},
                               {jd_update_adam_opt, {.momentum = .9}},
                               {jd_update_adam_opt, {.beta2 = 1}},
                               {jd_update_adam_opt, {.clip = -1}},
                               {jd_update_rmsprop_opt, {.beta1 = .9}},
                               {jd_update_rmsprop_opt, {.momentum = .9, .nesterov = true}},
                               {jd_update_rprop_opt, {.clip = 1}},
                               {jd_update_sgd_opt, {.weight_decay = -1}}};
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        double w[4];
        int states;
        assert_int_equal(two_steps(&bad[n], c, w, &states), JD_EUSAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_formula), cmocka_unit_test(bits),
                                       cmocka_unit_test(adam_by_hand), cmocka_unit_test(in_graph),
                                       cmocka_unit_test(bad_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
