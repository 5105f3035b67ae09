/* gmdh_data.c - generated sets and rows of tables; the two yardsticks, linear least squares and a multilayer perceptron. */
#include "gmdh_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/fn.h"
#include "jackdaw/layers.h"

static jd_status make_rows(jd_ctx *ctx, int64_t n, int64_t inputs, gmdh_rows *r)
{
    *r = (gmdh_rows){.ctx = ctx, .n = n, .inputs = inputs};
    r->x = jd_alloc_array(ctx, (size_t)n * (size_t)inputs, sizeof *r->x);
    r->y = jd_alloc_array(ctx, (size_t)n, sizeof *r->y);
    return jd_error(ctx);
}

void gmdh_rows_free(gmdh_rows *r)
{
    jd_free(r->ctx, r->x);
    jd_free(r->ctx, r->y);
    *r = (gmdh_rows){0};
}

/* ---- generated sets ------------------------------------------------------------------------------------------------------*/

static double quadratic(const double *x)
{
    return 1 + 2 * x[0] - x[2] + .5 * x[0] * x[2] + .3 * x[0] * x[0] - .7 * x[2] * x[2];
}

static double nested(const double *x)
{
    const double a = 1 + 2 * x[0] - x[1] + .5 * x[0] * x[1] + .3 * x[0] * x[0], b = x[2] * x[3] - x[2];
    return a + b + .25 * a * b;
}

/* Friedman, Annals of Statistics 19(1), 1991; the noise of variance 1 is added to it. */
static double friedman(const double *x)
{
    return 10 * sin(3.14159265358979323846 * x[0] * x[1]) + 20 * (x[2] - .5) * (x[2] - .5) + 10 * x[3] + 5 * x[4];
}

jd_status gmdh_generate(jd_ctx *ctx, gmdh_kind kind, uint64_t seed, const char *part, int64_t n, gmdh_rows *out)
{
    static const struct {
        int64_t inputs;
        double low, noise;
        double (*f)(const double *);
    } sets[] = {{5, -1, 0, quadratic}, {4, -1, 0, nested}, {10, 0, 1, friedman}, {8, -1, 1, NULL}};
    if (make_rows(ctx, n, sets[kind].inputs, out)) return jd_error(ctx);
    char purpose[32];
    snprintf(purpose, sizeof purpose, "gmdh/%s", part);
    jd_rng r = jd_rng_new(seed, purpose, (uint64_t)kind);
    for (int64_t i = 0; i < n * out->inputs; i++)
        out->x[i] = sets[kind].low + (1 - sets[kind].low) * jd_rng_uniform64(&r);
    for (int64_t i = 0; i < n; i++)
        out->y[i] = (sets[kind].f ? sets[kind].f(out->x + i * out->inputs) : 0) + sets[kind].noise * jd_rng_normal(&r);
    return JD_OK;
}

jd_status gmdh_of_table(jd_ctx *ctx, const jd_table *table, const uint32_t *row, int64_t n, gmdh_rows *out)
{
    const size_t cols = table->cols;
    if (cols < 3) return jd_fail(ctx, JD_EDATA, "a table of %zu columns; two inputs and a target are needed", cols);
    if (make_rows(ctx, n, (int64_t)cols - 1, out)) return jd_error(ctx);
    for (int64_t i = 0; i < n; i++) {
        const double *from = table->values + row[i] * cols;
        memcpy(out->x + i * out->inputs, from, (cols - 1) * sizeof *from);
        out->y[i] = from[cols - 1];
    }
    return JD_OK;
}

double gmdh_nmse(const gmdh_rows *truth, const double *y)
{
    double mean = 0, error = 0, all = 0;
    for (int64_t i = 0; i < truth->n; i++) mean += truth->y[i] / (double)truth->n;
    for (int64_t i = 0; i < truth->n; i++) {
        error += (y[i] - truth->y[i]) * (y[i] - truth->y[i]);
        all += (truth->y[i] - mean) * (truth->y[i] - mean);
    }
    return error / all;
}

/* ---- yardsticks ------------------------------------------------------------------------------------------------------------*/

enum { MOST = 64 };

/* Solves A w = c in place by elimination with pivots; a column without a pivot gets weight 0. */
static void eliminate(double A[MOST][MOST + 1], int k)
{
    for (int c = 0; c < k; c++) {
        int best = c;
        for (int i = c + 1; i < k; i++)
            if (fabs(A[i][c]) > fabs(A[best][c])) best = i;
        for (int j = 0; j <= k; j++) {
            const double swap = A[c][j];
            A[c][j] = A[best][j];
            A[best][j] = swap;
        }
        if (fabs(A[c][c]) < 1e-9) {
            for (int j = 0; j <= k; j++) A[c][j] = j == c;
            continue;
        }
        for (int i = 0; i < k; i++)
            for (int j = k; i != c && j >= c; j--) A[i][j] -= A[i][c] / A[c][c] * A[c][j];
    }
    for (int i = 0; i < k; i++) A[i][k] /= A[i][i];
}

/* Mean and 1 / standard deviation of every input and, last, of the target. */
static void scales(const gmdh_rows *t, double *mean, double *scale)
{
    for (int64_t c = 0; c <= t->inputs; c++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < t->n; i++) sum += c < t->inputs ? t->x[i * t->inputs + c] : t->y[i];
        mean[c] = sum / (double)t->n;
        for (int64_t i = 0; i < t->n; i++) {
            const double d = (c < t->inputs ? t->x[i * t->inputs + c] : t->y[i]) - mean[c];
            squares += d * d;
        }
        scale[c] = squares > 0 ? 1 / sqrt(squares / (double)t->n) : 0;
    }
}

double gmdh_linear(const gmdh_rows *train, const gmdh_rows *test)
{
    static const double none = (double)NAN;
    if (train->inputs >= MOST) return none;
    const int d = (int)train->inputs;
    double mean[MOST], scale[MOST], A[MOST][MOST + 1] = {{0}}, z[MOST];
    scales(train, mean, scale);
    for (int64_t r = 0; r < train->n; r++) {
        for (int i = 0; i < d; i++) z[i] = (train->x[r * d + i] - mean[i]) * scale[i];
        for (int i = 0; i < d; i++) {
            for (int j = 0; j < d; j++) A[i][j] += z[i] * z[j] / (double)train->n;
            A[i][d] += z[i] * (train->y[r] - mean[d]) / (double)train->n;
        }
    }
    eliminate(A, d);
    double *y = jd_alloc_array(test->ctx, (size_t)test->n, sizeof *y);
    if (!y) return none;
    for (int64_t r = 0; r < test->n; r++) {
        y[r] = mean[d];
        for (int i = 0; i < d; i++) y[r] += A[i][d] * (test->x[r * d + i] - mean[i]) * scale[i];
    }
    const double error = gmdh_nmse(test, y);
    jd_free(test->ctx, y);
    return error;
}

static void perceptron(jd_graph *g, void *user)
{
    const int64_t *hidden = user;
    jd_node h = jd_dense(g, "hidden1", jd_arg(g, "x"), .units = *hidden, .act = JD_TANH);
    h = jd_dense(g, "hidden2", h, .units = *hidden, .act = JD_TANH);
    const jd_node y = jd_dense(g, "out", h, .units = 1);
    jd_result(g, "y", y);
    if (!jd_has_arg(g, "y")) return;
    const jd_node e = jd_sub(g, y, jd_arg(g, "y"));
    jd_update_adam(g, jd_mean(g, jd_mul(g, e, e), JD_ALL_AXES, false), jd_arg(g, "rate"));
}

static void standard(const gmdh_rows *t, const double *mean, const double *scale, float *x, float *y)
{
    for (int64_t r = 0; r < t->n; r++) {
        for (int64_t i = 0; i < t->inputs; i++)
            x[r * t->inputs + i] = (float)((t->x[r * t->inputs + i] - mean[i]) * scale[i]);
        y[r] = (float)((t->y[r] - mean[t->inputs]) * scale[t->inputs]);
    }
}

double gmdh_perceptron(const gmdh_rows *train, const gmdh_rows *test, int64_t weights, int64_t steps)
{
    enum { BATCH = 32 };
    jd_ctx *ctx = train->ctx;
    const int64_t d = train->inputs;
    int64_t hidden = 2; /* d h + h + h h + h + h + 1 weights */
    while ((hidden + 1) * (d + 1) + (hidden + 1) * (hidden + 2) + 1 <= weights) hidden++;
    const size_t n = (size_t)(train->n > test->n ? train->n : test->n);
    double mean[MOST], scale[MOST], error = (double)NAN;
    float *x = jd_alloc_array(ctx, n * (size_t)d, sizeof *x), *y = jd_alloc_array(ctx, n, sizeof *y);
    float *bx = jd_alloc_array(ctx, (size_t)(BATCH * d), sizeof *bx), by[BATCH];
    double *answer = jd_alloc_array(ctx, n, sizeof *answer);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, perceptron, &hidden);
    if (d < MOST && !jd_error(ctx)) {
        scales(train, mean, scale);
        standard(train, mean, scale, x, y);
        jd_rng rng = jd_rng_new(jd_ctx_seed(ctx), "gmdh/perceptron", 0);
        for (int64_t s = 0; s < steps && !jd_error(ctx); s++) {
            const float rate = 0.01f * (1.f - (float)s / (float)steps);
            for (int b = 0; b < BATCH; b++) {
                const uint32_t r = jd_rng_below(&rng, (uint32_t)train->n);
                memcpy(bx + b * d, x + r * d, (size_t)d * sizeof *bx);
                by[b] = y[r];
            }
            const jd_tensor in[] = {JD_TENSOR("x", JD_F32, bx, BATCH, d), JD_TENSOR("y", JD_F32, by, BATCH, 1),
                                    JD_SCALAR_F32("rate", &rate)};
            jd_fn_run(f, in, 3);
        }
        standard(test, mean, scale, x, y);
        const jd_tensor ask[] = {JD_TENSOR("x", JD_F32, x, test->n, d)};
        const float *out = jd_fn_run(f, ask, 1) ? NULL : jd_fn_result(f, "y", NULL);
        for (int64_t r = 0; out && r < test->n; r++) answer[r] = mean[d] + (double)out[r] / scale[d];
        if (out) error = gmdh_nmse(test, answer);
    }
    jd_fn_free(f);
    jd_params_free(p);
    void *const owned[] = {x, y, bx, answer};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(ctx, owned[i]);
    return error;
}
