/* test_pretrain.c - RBMs against enumeration, contrastive divergence against the exact gradient, layers that learn without
 * labels, deep belief nets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "jackdaw/pretrain.h"
#include "sanitized.h"

enum { V = 6, H = 4, ALL = 1 << V, CHAINS = SANITIZED ? 5000 : 100000 };

typedef struct machine {
    double W[H * V], b[H], back[V];
} machine;

static machine make(uint64_t seed, double size)
{
    machine m;
    jd_rng r = jd_rng_new(seed, "test/rbm", 0);
    for (int i = 0; i < H * V; i++) m.W[i] = size * jd_rng_normal(&r);
    for (int j = 0; j < H; j++) m.b[j] = size * jd_rng_normal(&r);
    for (int i = 0; i < V; i++) m.back[i] = size * jd_rng_normal(&r);
    return m;
}

static void put(jd_params *p, const char *name, int rank, int64_t d0, int64_t d1, const double *x)
{
    const bool f64 = jd_params_dtype(p) == JD_F64;
    const jd_type t = {jd_params_dtype(p), rank, {d0, d1}};
    float single[H * V];
    for (int64_t i = 0; i < jd_type_count(&t); i++) single[i] = (float)x[i];
    assert_int_equal(jd_params_set(p, name, &t, f64 ? (const void *)x : single), JD_OK);
}

static jd_params *store(jd_ctx *ctx, const machine *m, jd_dtype real)
{
    jd_params *p = jd_params_new(ctx, real);
    put(p, "r/W", 2, H, V, m->W);
    put(p, "r/b", 1, H, 0, m->b);
    put(p, "r/back", 1, V, 0, m->back);
    return p;
}

/* E(v,h) with h in the bits of a number. */
static double energy(const machine *m, const double *v, int h, bool gaussian)
{
    double e = 0;
    for (int i = 0; i < V; i++) e += gaussian ? 0.5 * (v[i] - m->back[i]) * (v[i] - m->back[i]) : -m->back[i] * v[i];
    for (int j = 0; j < H; j++) {
        if (!(h >> j & 1)) continue;
        e -= m->b[j];
        for (int i = 0; i < V; i++) e -= m->W[j * V + i] * v[i];
    }
    return e;
}

static double free_energy(const machine *m, const double *v, bool gaussian)
{
    double sum = 0;
    for (int h = 0; h < 1 << H; h++) sum += exp(-energy(m, v, h, gaussian));
    return -log(sum);
}

static void bits_of(int n, double *v)
{
    for (int i = 0; i < V; i++) v[i] = n >> i & 1;
}

typedef struct energy_use {
    jd_rbm r;
    bool labels;
} energy_use;

static void trace_energy(jd_graph *g, void *user)
{
    const energy_use *u = user;
    const jd_node x = jd_arg(g, "x");
    jd_result(g, "F", u->labels ? jd_rbm_label_energies(g, "r", x, u->r) : jd_rbm_free_energy(g, "r", x, u->r));
}

static void enumeration(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    const machine m = make(1, 1);
    jd_params *p = store(ctx, &m, JD_F64);
    static double v[ALL * V];
    double z = 0;
    for (int gaussian = 0; gaussian < 2; gaussian++) {
        energy_use u = {{.units = H, .gaussian = gaussian}, false};
        jd_fn *f = jd_fn_new(ctx, p, trace_energy, &u);
        for (int n = 0; n < ALL; n++) {
            bits_of(n, v + n * V);
            for (int i = 0; gaussian && i < V; i++) v[n * V + i] = 1.7 * v[n * V + i] - 0.4 * i;
        }
        const jd_tensor in = JD_TENSOR("x", JD_F64, v, ALL, V);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
        const double *F = jd_fn_result(f, "F", NULL);
        for (int n = 0; n < ALL; n++) {
            assert_true(fabs(F[n] - free_energy(&m, v + n * V, gaussian)) < 1e-12 * fmax(1, fabs(F[n])));
            if (!gaussian) z += exp(-F[n]);
        }
        jd_fn_free(f);
    }
    assert_true(fabs(jd_rbm_log_z(ctx, p, "r") - log(z)) < 1e-12);
    assert_true(fabs(jd_rbm_log_z_ais(ctx, p, "r", 500, 500) - log(z)) < 0.05);
    assert_true(isnan(jd_rbm_log_z(ctx, p, "q")));
    assert_non_null(strstr(jd_error_message(ctx), "is \"q\" a trained RBM?"));
    jd_error_clear(ctx);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* With a label as the last two units: the energies with each label are those of the whole vector. */
static void labels(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    const machine m = make(2, 1);
    jd_params *p = store(ctx, &m, JD_F64);
    energy_use u = {{.units = H, .classes = 2}, true};
    jd_fn *f = jd_fn_new(ctx, p, trace_energy, &u);
    double x[16 * 4], v[V];
    for (int n = 0; n < 16; n++)
        for (int i = 0; i < 4; i++) x[n * 4 + i] = n >> i & 1;
    const jd_tensor in = JD_TENSOR("x", JD_F64, x, 16, 4);
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    const double *F = jd_fn_result(f, "F", NULL);
    for (int n = 0; n < 16; n++)
        for (int k = 0; k < 2; k++) {
            memcpy(v, x + 4 * n, 4 * sizeof *v);
            v[4] = k == 0;
            v[5] = k == 1;
            assert_true(fabs(F[2 * n + k] - free_energy(&m, v, false)) < 1e-12);
        }
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- contrastive divergence --------------------------------------------------------------------------------------------------*/

enum { ROWS = 4, GIBBS = 10, RUNS = 50 };

/* d (mean F over the data - mean F over the model) by W, b, back: exact. */
static void exact_gradient(const machine *m, const double *data, double *g)
{
    double z = 0, v[V];
    memset(g, 0, (H * V + H + V) * sizeof *g);
    for (int n = 0; n < ALL; n++) {
        bits_of(n, v);
        z += exp(-free_energy(m, v, false));
    }
    for (int n = 0; n < ALL + ROWS; n++) {
        if (n < ALL) bits_of(n, v);
        const double *x = n < ALL ? v : data + (n - ALL) * V;
        const double weight = n < ALL ? exp(-free_energy(m, v, false)) / z : -1.0 / ROWS;
        for (int j = 0; j < H; j++) {
            double in = m->b[j];
            for (int i = 0; i < V; i++) in += m->W[j * V + i] * x[i];
            const double h = 1 / (1 + exp(-in));
            g[H * V + j] += weight * h;
            for (int i = 0; i < V; i++) g[j * V + i] += weight * h * x[i];
        }
        for (int i = 0; i < V; i++) g[H * V + H + i] += weight * x[i];
    }
}

static void trace_divergence(jd_graph *g, void *user)
{
    (void)user;
    const jd_divergence_options o = {.steps = GIBBS, .sample_visible = true, .chain = jd_arg(g, "chain")};
    const jd_divergence d = jd_rbm_divergence(g, "r", jd_arg(g, "x"), jd_arg(g, "step"), (jd_rbm){.units = H}, o);
    jd_result(g, "end", d.end);
    jd_result(g, "gradient", jd_grad_params(g, d.loss));
}

/* Long chains give the gradient of the likelihood: 500 Gibbs steps of 100,000 chains, within one per cent.  A twentieth of the
 * chains is some 4.5 times as far off. */
static void long_chains(void **state)
{
    (void)state;
    jd_ctx *ctx = jd_ctx_new(NULL);
    const machine m = make(3, 0.7);
    jd_params *p = store(ctx, &m, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, trace_divergence, NULL);
    const double data[ROWS * V] = {1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1};
    float x[ROWS * V], *chain = jd_alloc_array(ctx, (size_t)CHAINS * V, sizeof *chain);
    double right[H * V + H + V], off = 0, size = 0;
    for (int i = 0; i < ROWS * V; i++) x[i] = (float)data[i];
    exact_gradient(&m, data, right);
    for (int32_t step = 0; step < RUNS; step++) {
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, ROWS, V), JD_TENSOR("chain", JD_F32, chain, CHAINS, V),
                                JD_SCALAR_I32("step", &step)};
        assert_int_equal(jd_fn_run(f, in, 3), JD_OK);
        memcpy(chain, jd_fn_result(f, "end", NULL), (size_t)CHAINS * V * sizeof *chain);
    }
    const float *g = jd_fn_result(f, "gradient", NULL);
    for (int i = 0; i < H * V + H + V; i++) {
        off += ((double)g[i] - right[i]) * ((double)g[i] - right[i]);
        size += right[i] * right[i];
    }
    print_message("the gradient is %.2f %% off\n", 100 * sqrt(off / size));
    assert_true(sqrt(off / size) < (SANITIZED ? 0.045 : 0.01));
    jd_free(ctx, chain);
    jd_fn_free(f);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

/* ---- layers that learn ---------------------------------------------------------------------------------------------------------*/

enum { N = 400, WIDE = 16, UNITS = 12 };

/* Bars: each row or column of a 4x4 picture is dark with probability 1/4. */
static void bars(float *x, int n, uint64_t seed)
{
    jd_rng r = jd_rng_new(seed, "test/bars", 0);
    memset(x, 0, (size_t)n * WIDE * sizeof *x);
    for (int k = 0; k < n; k++)
        for (int b = 0; b < 8; b++) {
            if (jd_rng_below(&r, 4)) continue;
            for (int i = 0; i < 4; i++) x[k * WIDE + (b < 4 ? 4 * b + i : 4 * i + b - 4)] = 1;
        }
}

typedef struct seen {
    double first, last;
    int64_t epochs, stop;
} seen;

static bool note(void *user, int64_t epoch, int64_t epochs, double error)
{
    seen *s = user;
    (void)epochs;
    if (epoch == 1) s->first = error;
    s->last = error;
    s->epochs = epoch;
    return epoch == s->stop;
}

static void trace_dense(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "y", jd_dense(g, "a", jd_arg(g, "x"), .units = UNITS, .act = JD_SIGMOID));
}

static jd_params *learn(int threads, jd_pretrain_options o, bool rbm, seen *s, jd_ctx **keep)
{
    static float x[N * WIDE];
    bars(x, N, 1);
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = threads, .seed = 3});
    jd_params *p = jd_params_new(ctx, JD_F32);
    o.units = UNITS;
    if (rbm)
        assert_int_equal(jd_pretrain_rbm(ctx, p, "a", x, N, WIDE, &o, note, s), JD_OK);
    else
        assert_int_equal(jd_pretrain_autoencoder(ctx, p, "a", x, N, WIDE, &o, note, s), JD_OK);
    *keep = ctx;
    return p;
}

static void layers_learn(void **state)
{
    (void)state;
    static float x[N * WIDE], noise[N * WIDE], y[N * UNITS];
    bars(x, N, 2);
    jd_rng r = jd_rng_new(9, "test/noise", 0);
    for (int i = 0; i < N * WIDE; i++) noise[i] = jd_rng_below(&r, 2) ? 1 : 0;
    const jd_pretrain_options kinds[] = {{.epochs = 40, .batch = 10, .rate = 0.1},
                                         {.epochs = 40, .batch = 10, .rate = 0.05, .steps = 3},
                                         {.epochs = 40, .batch = 20, .rate = 0.05, .persistent = true}};
    for (int k = 0; k < 3; k++) {
        seen s = {0};
        jd_ctx *ctx;
        jd_params *p = learn(1, kinds[k], true, &s, &ctx);
        const double on_data = jd_pretrain_free_energy(ctx, p, "a", x, N, WIDE, &kinds[k]);
        const double on_noise = jd_pretrain_free_energy(ctx, p, "a", noise, N, WIDE, &kinds[k]);
        print_message("error %.2f to %.2f, free energy %.2f, of noise %.2f\n", s.first, s.last, on_data, on_noise);
        assert_true(s.last < 0.7 * s.first && on_data < on_noise - 1);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
    for (int zeroed = 0; zeroed < 2; zeroed++) {
        seen s = {0};
        jd_ctx *ctx;
        jd_params *p =
            learn(1, (jd_pretrain_options){.epochs = 40, .rate = 0.1, .zeroed = 0.2 * zeroed}, false, &s, &ctx);
        assert_true(s.last < 0.6 * s.first);
        /* the layer is the dense layer of its name */
        assert_int_equal(jd_pretrain_apply(ctx, p, "a", x, N, WIDE, y), JD_OK);
        jd_fn *f = jd_fn_new(ctx, p, trace_dense, NULL);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, N, WIDE);
        assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
        assert_memory_equal(jd_fn_result(f, "y", NULL), y, sizeof y);
        jd_fn_free(f);
        jd_params_free(p);
        jd_ctx_free(ctx);
    }
}

/* Real-valued data around two means: Gaussian units reconstruct them. */
static void gaussian_units(void **state)
{
    (void)state;
    static float x[N * WIDE];
    jd_ctx *ctx = jd_ctx_new(NULL);
    jd_rng r = jd_rng_new(4, "test/gauss", 0);
    for (int k = 0; k < N; k++)
        for (int i = 0; i < WIDE; i++)
            x[k * WIDE + i] = (float)((k % 2 ? 2 : -2) * (i % 3 - 1) + 0.5 * jd_rng_normal(&r));
    jd_params *p = jd_params_new(ctx, JD_F32);
    seen s = {0};
    const jd_pretrain_options o = {.units = 8, .epochs = 60, .gaussian = true, .rate = 0.003};
    assert_int_equal(jd_pretrain_rbm(ctx, p, "a", x, N, WIDE, &o, note, &s), JD_OK);
    print_message("Gaussian units: error %.2f to %.2f\n", s.first, s.last);
    assert_true(s.last < 0.35 * s.first);
    jd_params_free(p);
    jd_ctx_free(ctx);
}

static void same_bits_and_errors(void **state)
{
    (void)state;
    seen s = {0}, t = {.stop = 2};
    jd_ctx *a, *b;
    const jd_pretrain_options o = {.epochs = 7, .persistent = true};
    jd_params *p = learn(1, o, true, &s, &a), *q = learn(3, o, true, &s, &b);
    assert_memory_equal(jd_params_data(p), jd_params_data(q), jd_params_count(p) * sizeof(float));
    jd_params_free(p);
    jd_params_free(q);
    jd_ctx_free(b);
    float x[4] = {0};
    p = jd_params_new(a, JD_F32);
    assert_int_equal(jd_pretrain_rbm(a, p, "z", x, 2, 2, &(jd_pretrain_options){.units = 0}, NULL, NULL), JD_EUSAGE);
    jd_error_clear(a);
    assert_int_equal(jd_pretrain_apply(a, p, "z", x, 2, 2, x), JD_EUSAGE);
    jd_error_clear(a);
    assert_int_equal(jd_pretrain_rbm(a, p, "z", x, 2, 2,
                                     &(jd_pretrain_options){.units = 2, .rate = 1e30, .gaussian = true}, NULL, NULL),
                     JD_EDIVERGED);
    jd_error_clear(a);
    jd_params_free(p);
    jd_ctx_free(a);
    p = learn(1, o, true, &t, &a);
    assert_int_equal(t.epochs, 2);
    jd_params_free(p);
    jd_ctx_free(a);
}

/* ---- deep belief nets -------------------------------------------------------------------------------------------------------------*/

static const int64_t DBN_UNITS[] = {10, 20};
static const jd_dbn DBN = {.layers = 1, .units = DBN_UNITS, .visible = WIDE, .classes = 2};

static void trace_dbn(jd_graph *g, void *user)
{
    const bool *training = user;
    const jd_node x = jd_arg(g, "x");
    if (!*training) {
        jd_result(g, "class", jd_argmax(g, jd_dbn_logits(g, "dbn", x, DBN)));
        return;
    }
    jd_update_sgd(g, jd_dbn_up_down(g, "dbn", x, jd_arg(g, "label"), jd_arg(g, "step"), DBN), jd_arg(g, "lr"), 0);
}

static double dbn_error(jd_fn *f, const float *x, const int32_t *label)
{
    const jd_tensor in = JD_TENSOR("x", JD_F32, x, N, WIDE);
    int wrong = 0;
    assert_int_equal(jd_fn_run(f, &in, 1), JD_OK);
    const int32_t *class = jd_fn_result(f, "class", NULL);
    for (int i = 0; i < N; i++) wrong += class[i] != label[i];
    return (double)wrong / N;
}

/* Rows or columns: pre-trained layers become a belief net, which up-down tunes, and which tells the two apart. */
static void belief_net(void **state)
{
    (void)state;
    static float x[N * WIDE], h[N * 12];
    int32_t label[N];
    jd_ctx *ctx = jd_ctx_new(&(jd_options){.threads = 1, .seed = 1});
    jd_rng r = jd_rng_new(5, "test/lines", 0);
    for (int k = 0; k < N; k++) {
        label[k] = k % 2;
        const int at = (int)jd_rng_below(&r, 4);
        for (int i = 0; i < 4; i++) x[k * WIDE + (label[k] ? 4 * at + i : 4 * i + at)] = 1;
    }
    jd_params *p = jd_params_new(ctx, JD_F32);
    const jd_pretrain_options low = {.units = 10, .epochs = 60, .batch = 10, .rate = 0.1};
    const jd_pretrain_options high = {.units = 20, .epochs = 60, .batch = 10, .rate = 0.1, .classes = 2};
    assert_int_equal(jd_pretrain_rbm(ctx, p, "low", x, N, WIDE, &low, NULL, NULL), JD_OK);
    static float with_label[N * 12];
    assert_int_equal(jd_pretrain_apply(ctx, p, "low", x, N, WIDE, h), JD_OK);
    for (int k = 0; k < N; k++) {
        memcpy(with_label + 12 * k, h + 10 * k, 10 * sizeof *h);
        with_label[12 * k + 10] = (float)!label[k];
        with_label[12 * k + 11] = (float)label[k];
    }
    assert_int_equal(jd_pretrain_rbm(ctx, p, "high", with_label, N, 12, &high, NULL, NULL), JD_OK);
    jd_params *d = jd_params_new(ctx, JD_F32);
    for (int i = 0; i < jd_params_ranges(p); i++) {
        const jd_range *range = jd_params_range(p, i);
        jd_params_set(d, range->name, &range->type, (float *)jd_params_data(p) + range->offset);
    }
    assert_int_equal(jd_dbn_adopt(ctx, d, "dbn", DBN, (const char *const[]){"low"}, "high"), JD_OK);
    bool training = true, testing = false;
    jd_fn *f = jd_fn_new(ctx, d, trace_dbn, &training), *test = jd_fn_new(ctx, d, trace_dbn, &testing);
    const double before = dbn_error(test, x, label);
    const float lr = 0.02f;
    for (int32_t step = 0; step < 300; step++) {
        const int at = step % 20 * 20;
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x + at * WIDE, 20, WIDE),
                                JD_TENSOR("label", JD_I32, label + at, 20), JD_SCALAR_I32("step", &step),
                                JD_SCALAR_F32("lr", &lr)};
        assert_int_equal(jd_fn_run(f, in, 4), JD_OK);
    }
    const double after = dbn_error(test, x, label);
    print_message("belief net: %.3f wrong before up-down, %.3f after\n", before, after);
    assert_true(after < 0.05 && after <= before + 0.01);
    jd_fn_free(f);
    jd_fn_free(test);
    jd_params_free(p);
    jd_params_free(d);
    jd_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(enumeration),  cmocka_unit_test(labels),
                                       cmocka_unit_test(layers_learn), cmocka_unit_test(gaussian_units),
                                       cmocka_unit_test(belief_net),   cmocka_unit_test(same_bits_and_errors),
                                       cmocka_unit_test(long_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
