/* explore.c - see explore.h. */
#include "reward/explore.h"

#include "jackdaw/exp.h"

enum { L = 16, H = JD_EXPLORERS };

jd_status jd__explore_open(jd_explore *e, jd_ctx *ctx, int inputs, jd_rng *r)
{
    e->inputs = inputs;
    const size_t n = (size_t)(H * inputs + H + 1);
    e->w = jd_alloc_array(ctx, n, sizeof *e->w);
    e->x = jd_alloc_array(ctx, (size_t)(L * inputs), sizeof *e->x);
    for (size_t i = 0; e->w && i < n; i++) e->w[i] = .4 * jd_rng_uniform64(r) - .2;
    return jd_error(ctx);
}

void jd__explore_close(jd_explore *e, jd_ctx *ctx)
{
    jd_free(ctx, e->w);
    jd_free(ctx, e->x);
}

static void run(const jd_explore *e, const double *x, double *units, double *v)
{
    const double *out = e->w + H * e->inputs;
    for (int l = 0; l < L; l++) v[l] = out[H];
    for (int j = 0; j < H; j++) {
        double *h = units + L * j, sum[L] = {0};
        for (int k = 0; k < e->inputs; k++)
            for (int l = 0; l < L; l++) sum[l] += e->w[j * e->inputs + k] * x[L * k + l];
        for (int l = 0; l < L; l++) h[l] = 1 - 2 / (1 + jd_exp_lane(2 * sum[l]));
        for (int l = 0; l < L; l++) v[l] += out[j] * h[l];
    }
}

void jd__explore_value(const jd_explore *e, const double *x, double *v)
{
    double units[H * L];
    run(e, x, units, v);
}

void jd__explore_see(jd_explore *e, const double *x)
{
    memcpy(e->x, x, (size_t)(L * e->inputs) * sizeof *x);
    run(e, x, e->h, e->v);
}

void jd__explore_learn(jd_explore *e, const double *target, const int *go, double rate)
{
    double *out = e->w + H * e->inputs;
    for (int l = 0; l < L; l++) {
        if (!go[l]) continue;
        const double error = rate * (target[l] - e->v[l]);
        for (int j = 0; j < H; j++) {
            const double h = e->h[L * j + l], d = error * out[j] * (1 - h * h);
            for (int k = 0; k < e->inputs; k++) e->w[j * e->inputs + k] += d * e->x[L * k + l];
        }
        for (int j = 0; j < H; j++) out[j] += error * e->h[L * j + l];
        out[H] += error;
    }
}
