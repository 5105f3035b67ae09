/*
 * ctc_wide.c - CTC in numbers of unlimited range, for the samples in which a path that matters would underflow in double
 * (logits hundreds apart).  Basic operations only: the same bits on every machine.
 */
#include <math.h>
#include <string.h>

#include "base/ctx.h"
#include "ops/ctc.h"

/* m 2^e with m in [1,2), or m = 0 */
typedef struct wide {
    double m;
    int64_t e;
} wide;

static double power_of_two(int64_t e) /* -1022 <= e <= 1023 */
{
    const uint64_t bits = (uint64_t)(e + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static wide add(wide a, wide b)
{
    if (a.m == 0 || (b.m != 0 && b.e > a.e)) {
        const wide t = a;
        a = b;
        b = t;
    }
    if (b.m == 0 || a.e - b.e > 60) return a;
    a.m += b.m * power_of_two(b.e - a.e);
    if (a.m >= 2) {
        a.m *= 0.5;
        a.e++;
    }
    return a;
}

static wide mul(wide a, wide b)
{
    wide c = {a.m * b.m, a.e + b.e};
    if (c.m >= 2) {
        c.m *= 0.5;
        c.e++;
    }
    return c;
}

/* a b / c as double; a quotient near 1 at most */
static double ratio(wide a, wide b, wide c)
{
    const int64_t e = a.e + b.e - c.e;
    return a.m == 0 || b.m == 0 || e < -1000 ? 0 : a.m * b.m / c.m * power_of_two(e < 1000 ? e : 1000);
}

/* e^x for x <= 0; below -1e15, as for -infinity, 0 */
static wide exponential(double x)
{
    if (!(x >= -1e15)) return (wide){0, 0};
    const double n = floor(x * 1.4426950408889634 + 0.5);
    const double r = (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33; /* n ln 2 in two parts */
    double p = 1;
    for (int i = 14; i >= 1; i--) p = p * r * (1.0 / i) + 1;
    wide y = {p, (int64_t)n};
    if (y.m < 1) {
        y.m *= 2;
        y.e--;
    }
    return y;
}

/* The sample's workspace. */
typedef struct room {
    wide *alpha; /* (T,S) */
    wide *beta;  /* (S) */
    wide *y;     /* (U+1): blank, labels; not divided by the sum over classes */
    double *sum; /* (T): that sum */
    double *p;   /* (K) */
} room;

static wide y_of(const room *r, int64_t i)
{
    return r->y[i % 2 ? 1 + i / 2 : 0];
}

static bool may_jump(const jd_ctc_sample *s, int64_t i) /* from l'_{i-2} to l'_i */
{
    return i % 2 && i > 1 && s->labels[i / 2] != s->labels[i / 2 - 1];
}

static double frame_max(const jd_ctc_sample *s, const float *x)
{
    double max = (double)x[0];
    for (int64_t k = 1; k < s->K; k++)
        if ((double)x[k] > max) max = (double)x[k];
    return max;
}

static void outputs(const jd_ctc_sample *s, const float *x, double max, const room *r)
{
    r->y[0] = exponential((double)x[s->blank] - max);
    for (int64_t u = 0; u < s->U; u++) r->y[1 + u] = exponential((double)x[s->labels[u]] - max);
}

static void forward(const jd_ctc_sample *s, const float *x, const room *r)
{
    const int64_t S = 2 * s->U + 1;
    for (int64_t t = 0; t < s->length; t++) {
        const float *xt = x + t * s->stride;
        const double max = frame_max(s, xt);
        r->sum[t] = 0;
        for (int64_t k = 0; k < s->K; k++) {
            const wide e = exponential((double)xt[k] - max);
            if (e.e >= -1000) r->sum[t] += e.m * power_of_two(e.e);
        }
        outputs(s, xt, max, r);
        wide *now = r->alpha + t * S;
        const wide *before = now - S;
        for (int64_t i = 0; i < S; i++) {
            wide a = {i < 2 ? 1.0 : 0.0, 0};
            if (t) {
                a = before[i];
                if (i >= 1) a = add(a, before[i - 1]);
                if (may_jump(s, i)) a = add(a, before[i - 2]);
            }
            now[i] = mul(a, y_of(r, i));
        }
    }
}

static void backward(const jd_ctc_sample *s, const float *x, float *g, wide p, const room *r)
{
    const int64_t S = 2 * s->U + 1;
    for (int64_t t = s->length; t-- > 0;) {
        const float *xt = x + t * s->stride;
        const double max = frame_max(s, xt);
        for (int64_t i = 0; i < S; i++) { /* in: beta_{t+1} y^{t+1}; out: beta_t */
            if (t == s->length - 1) {
                r->beta[i] = (wide){i >= S - 2 ? 1 : 0, 0};
                continue;
            }
            if (i + 1 < S) r->beta[i] = add(r->beta[i], r->beta[i + 1]);
            if (i + 2 < S && may_jump(s, i + 2)) r->beta[i] = add(r->beta[i], r->beta[i + 2]);
        }
        for (int64_t k = 0; k < s->K; k++) {
            const wide e = exponential((double)xt[k] - max);
            r->p[k] = e.e >= -1000 ? e.m * power_of_two(e.e) / r->sum[t] : 0;
        }
        outputs(s, xt, max, r);
        for (int64_t i = 0; i < S; i++) {
            r->p[i % 2 ? s->labels[i / 2] : s->blank] -= ratio(r->alpha[t * S + i], r->beta[i], p);
            r->beta[i] = mul(r->beta[i], y_of(r, i));
        }
        for (int64_t k = 0; k < s->K; k++) g[t * s->stride + k] = (float)r->p[k];
    }
}

double jd__ctc_wide(const jd_ctc_sample *s, const float *x, float *g, void *scratch)
{
    const int64_t S = 2 * s->U + 1, T = s->length;
    room r = {.alpha = scratch};
    r.beta = r.alpha + T * S;
    r.y = r.beta + S;
    r.sum = (double *)(void *)(r.y + s->U + 1);
    r.p = r.sum + T;
    forward(s, x, &r);
    const wide *end = r.alpha + (T - 1) * S;
    const wide p = S > 1 ? add(end[S - 1], end[S - 2]) : end[0];
    if (p.m == 0) { /* some needed output is 0: as an infeasible sample */
        for (int64_t t = 0; t < T; t++) memset(g + t * s->stride, 0, (size_t)s->K * sizeof *g);
        return INFINITY;
    }
    backward(s, x, g, p, &r);
    double loss = 0;
    for (int64_t t = 0; t < T; t++) loss += jd__log64(r.sum[t]);
    loss -= jd__log64(p.m) + (double)p.e * 0.6931471805599453;
    return loss > 0 ? loss : 0;
}
