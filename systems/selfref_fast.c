/* selfref_fast.c - fast weight programmers, additive and with the delta rule, and their gradient; see selfref.h. */
#include <string.h>

#include "selfref.h"

jd_status fast_new(jd_ctx *ctx, fast *f)
{
    f->rows = 2 * f->keys + f->values + (f->rule == FAST_DELTA);
    const size_t T = (size_t)f->steps, K = (size_t)f->keys, V = (size_t)f->values, rows = (size_t)f->rows;
    f->W = jd_alloc_array(ctx, (T + 1) * K * V, sizeof *f->W);
    f->a = jd_alloc_array(ctx, T * rows, sizeof *f->a);
    f->p = jd_alloc_array(ctx, T * 2 * K, sizeof *f->p);
    f->sum = jd_alloc_array(ctx, T * 2, sizeof *f->sum);
    f->e = jd_alloc_array(ctx, T * V, sizeof *f->e);
    f->dW = jd_alloc_array(ctx, K * V, sizeof *f->dW);
    f->work = jd_alloc_array(ctx, rows + 2 * K + 2 * V, sizeof *f->work);
    return jd_error(ctx);
}

void fast_free(jd_ctx *ctx, fast *f)
{
    double *all[] = {f->W, f->a, f->p, f->sum, f->e, f->dW, f->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    *f = (fast){0};
}

size_t fast_weights(const fast *f)
{
    return (size_t)((f->inputs + 1) * (2 * f->keys + f->values + (f->rule == FAST_DELTA)));
}

/* p = phi(z); returns what was divided by. */
static double spread(fast_phi phi, const double *z, int n, double *p)
{
    double most = 0, sum = 0;
    if (phi == FAST_LINEAR) {
        memcpy(p, z, (size_t)n * sizeof *p);
        return 1;
    }
    for (int i = 0; i < n && phi == FAST_SOFTMAX; i++) most = i && most > z[i] ? most : z[i];
    for (int i = 0; i < n; i++) {
        const double e = jd_exp_lane(z[i] - most);
        p[i] = phi == FAST_ELU && z[i] > 0 ? z[i] + 1 : e;
    }
    for (int i = 0; i < n; i++) sum += p[i];
    for (int i = 0; i < n; i++) p[i] /= sum;
    return sum;
}

static void unspread(fast_phi phi, const double *z, const double *p, double sum, const double *dp, int n, double *dz)
{
    const double mean = phi == FAST_LINEAR ? 0 : selfref_dot(p, dp, n);
    for (int i = 0; i < n; i++) {
        const double slope = phi == FAST_LINEAR ? 1 : phi == FAST_ELU && z[i] > 0 ? 1 / sum : p[i];
        dz[i] = slope * (dp[i] - mean);
    }
}

/* out (V) = W' p: W (K,V). */
static void recall(const double *W, const double *p, int K, int V, double *out)
{
    memset(out, 0, (size_t)V * sizeof *out);
    for (int i = 0; i < K; i++)
        for (int j = 0; j < V; j++) out[j] += p[i] * W[i * V + j];
}

/* How much of e is written. */
static double strength(const fast *f, const double *a)
{
    if (f->frozen) return 0;
    return f->rule == FAST_DELTA ? a[f->rows - 1] : f->rate;
}

void fast_forward(fast *f, const double *S, const double *x, int T, double *y)
{
    const int K = f->keys, V = f->values, I = f->inputs, rows = f->rows;
    memset(f->W, 0, (size_t)(K * V) * sizeof *f->W);
    for (int t = 0; t < T; t++) {
        double *a = f->a + t * rows, *p = f->p + 2 * t * K, *q = p + K, *e = f->e + t * V, *v = a + 2 * K;
        const double *W = f->W + t * K * V;
        double *next = f->W + (t + 1) * K * V;
        memcpy(a, S + I * rows, (size_t)rows * sizeof *a);
        for (int i = 0; i < I; i++)
            for (int k = 0; k < rows; k++) a[k] += x[t * I + i] * S[i * rows + k];
        for (int k = 0; k < 2; k++) f->sum[2 * t + k] = spread(f->phi, a + k * K, K, p + k * K);
        if (f->rule == FAST_DELTA) a[rows - 1] = selfref_sigmoid(a[rows - 1]);
        if (f->rule == FAST_DELTA)
            recall(W, p, K, V, e);
        else
            memset(e, 0, (size_t)V * sizeof *e);
        for (int j = 0; j < V; j++) e[j] = v[j] - e[j];
        const double beta = strength(f, a);
        for (int i = 0; i < K; i++)
            for (int j = 0; j < V; j++) next[i * V + j] = W[i * V + j] + beta * p[i] * e[j];
        recall(next, q, K, V, y + t * V);
    }
}

/* dW, of the W after step t, becomes that of the W before it; da (rows) is what S should have said. */
static void back_step(fast *f, int t, const double *dy, double *da)
{
    const int K = f->keys, V = f->values, rows = f->rows;
    const double *a = f->a + t * rows, *p = f->p + 2 * t * K, *q = p + K, *e = f->e + t * V;
    const double *W = f->W + t * K * V, *next = W + K * V, beta = strength(f, a);
    double *dp = f->work + rows, *dq = dp + K, *de = dq + K, *dW = f->dW;
    for (int i = 0; i < K; i++) {
        dq[i] = selfref_dot(next + i * V, dy, V);
        for (int j = 0; j < V; j++) dW[i * V + j] += q[i] * dy[j];
    }
    recall(dW, p, K, V, de); /* of beta e */
    const double dbeta = selfref_dot(de, e, V);
    for (int j = 0; j < V; j++) de[j] *= beta;
    for (int i = 0; i < K; i++) {
        dp[i] = beta * selfref_dot(dW + i * V, e, V);
        if (f->rule != FAST_DELTA) continue;
        dp[i] -= selfref_dot(W + i * V, de, V);
        for (int j = 0; j < V; j++) dW[i * V + j] -= p[i] * de[j];
    }
    for (int k = 0; k < 2; k++) unspread(f->phi, a + k * K, p + k * K, f->sum[2 * t + k], k ? dq : dp, K, da + k * K);
    memcpy(da + 2 * K, de, (size_t)V * sizeof *da);
    if (f->rule == FAST_DELTA) da[rows - 1] = dbeta * beta * (1 - beta);
}

void fast_backward(fast *f, const double *S, const double *x, const double *dy, int T, double *dS, double *dx)
{
    const int I = f->inputs, rows = f->rows;
    double *da = f->work;
    memset(f->dW, 0, (size_t)(f->keys * f->values) * sizeof *f->dW);
    for (int t = T - 1; t >= 0; t--) {
        back_step(f, t, dy + t * f->values, da);
        for (int i = 0; i <= I; i++) {
            const double in = i < I ? x[t * I + i] : 1;
            for (int k = 0; k < rows; k++) dS[i * rows + k] += in * da[k];
            if (dx && i < I) dx[t * I + i] = selfref_dot(S + i * rows, da, rows);
        }
    }
}
