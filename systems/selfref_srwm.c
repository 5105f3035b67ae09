/* selfref_srwm.c - the self-referential weight matrix of 2022 and its gradient; see selfref.h. */
#include "selfref.h"

#include <string.h>

jd_status srwm_new(jd_ctx *ctx, srwm *s)
{
    s->rows = 3 * s->d + 4;
    const size_t T = (size_t)s->steps, H = (size_t)s->heads, d = (size_t)s->d, rows = (size_t)s->rows;
    s->W = jd_alloc_array(ctx, (T + 1) * H * d * rows, sizeof *s->W);
    s->a = jd_alloc_array(ctx, T * H * rows, sizeof *s->a);
    s->r = jd_alloc_array(ctx, T * H * rows, sizeof *s->r);
    s->dW = jd_alloc_array(ctx, H * d * rows, sizeof *s->dW);
    s->work = jd_alloc_array(ctx, 3 * rows + 4 * d, sizeof *s->work);
    return jd_error(ctx);
}

void srwm_free(jd_ctx *ctx, srwm *s)
{
    double *all[] = {s->W, s->a, s->r, s->dW, s->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    *s = (srwm){0};
}

size_t srwm_weights(const srwm *s)
{
    return (size_t)(s->heads * s->d * (3 * s->d + 4));
}

/* The block of a row: 0 y, 1 q, 2 k, 3 beta; each has a rate of its own. */
static int block(const srwm *s, int row)
{
    return row / s->d < 3 ? row / s->d : 3;
}

/* out (rows) = W x */
static void product(const double *W, const double *x, int d, int rows, double *out)
{
    memset(out, 0, (size_t)rows * sizeof *out);
    for (int j = 0; j < d; j++)
        for (int i = 0; i < rows; i++) out[i] += x[j] * W[j * rows + i];
}

/* One head, one step: W (d,rows) becomes next. */
static void step_head(const srwm *s, const double *W, const double *x, double *a, double *r, double *next)
{
    const int d = s->d, rows = s->rows;
    double *q = a + d, *k = a + 2 * d, *beta = a + 3 * d, *turn = s->work, *change = s->work + d;
    product(W, x, d, rows, a);
    selfref_softmax(q, d, q);
    selfref_softmax(k, d, k);
    for (int b = 0; b < 4; b++) beta[b] = s->frozen ? 0 : selfref_sigmoid(beta[b]);
    for (int j = 0; j < d; j++) turn[j] = q[j] - k[j];
    product(W, turn, d, rows, r);
    for (int i = 0; i < rows; i++) change[i] = beta[block(s, i)] * r[i];
    for (int j = 0; j < d; j++)
        for (int i = 0; i < rows; i++) next[j * rows + i] = W[j * rows + i] + k[j] * change[i];
}

void srwm_forward(srwm *s, const double *first, const double *x, int T, double *y)
{
    const int H = s->heads, d = s->d, rows = s->rows, size = d * rows;
    memcpy(s->W, first, srwm_weights(s) * sizeof *s->W);
    for (int t = 0; t < T; t++)
        for (int h = 0; h < H; h++) {
            const int at = t * H + h;
            step_head(s, s->W + at * size, x + at * d, s->a + at * rows, s->r + at * rows, s->W + (at + H) * size);
            memcpy(y + at * d, s->a + at * rows, (size_t)d * sizeof *y);
        }
}

/* One head, one step back: dW, of the W after the step, becomes that of the W before it. */
static void back_head(const srwm *s, const double *W, const double *x, const double *a, const double *r,
                      const double *dy, double *dW, double *dx)
{
    const int d = s->d, rows = s->rows;
    const double *q = a + d, *k = a + 2 * d, *beta = a + 3 * d;
    double *dr = s->work, *change = dr + rows, *da = change + rows, *dq = da + rows, *dk = dq + d, dbeta[4] = {0};
    product(dW, k, d, rows, dr); /* of beta r, the change along k */
    for (int i = 0; i < rows; i++) {
        const int b = block(s, i);
        dbeta[b] += dr[i] * r[i];
        change[i] = beta[b] * r[i];
        dr[i] *= beta[b];
    }
    for (int j = 0; j < d; j++) {
        double *column = dW + j * rows;
        const double read = selfref_dot(W + j * rows, dr, rows), turn = q[j] - k[j];
        dk[j] = selfref_dot(column, change, rows) - read;
        dq[j] = read;
        for (int i = 0; i < rows; i++) column[i] += turn * dr[i];
    }
    memcpy(da, dy, (size_t)d * sizeof *da); /* what was read from the old W */
    selfref_unsoftmax(q, dq, d, da + d);
    selfref_unsoftmax(k, dk, d, da + 2 * d);
    for (int b = 0; b < 4; b++) da[3 * d + b] = dbeta[b] * beta[b] * (1 - beta[b]);
    for (int j = 0; j < d; j++) {
        for (int i = 0; i < rows; i++) dW[j * rows + i] += x[j] * da[i];
        if (dx) dx[j] = selfref_dot(W + j * rows, da, rows);
    }
}

void srwm_backward(srwm *s, const double *x, const double *dy, int T, double *dfirst, double *dx)
{
    const int H = s->heads, d = s->d, rows = s->rows, size = d * rows;
    const size_t n = srwm_weights(s);
    memset(s->dW, 0, n * sizeof *s->dW);
    for (int t = T - 1; t >= 0; t--)
        for (int h = 0; h < H; h++) {
            const int at = t * H + h;
            back_head(s, s->W + at * size, x + at * d, s->a + at * rows, s->r + at * rows, dy + at * d,
                      s->dW + h * size, dx ? dx + at * d : NULL);
        }
    for (size_t i = 0; i < n; i++) dfirst[i] += s->dW[i];
}
