/* selfref_1993.c - the self-referential weight matrix of 1993 and its gradient; see selfref.h. */
#include <string.h>

#include "selfref.h"

jd_status srwm93_new(jd_ctx *ctx, srwm93 *s)
{
    const int fixed = s->outputs + 1 + s->hidden, given = s->inputs + s->outputs + 1;
    for (s->bits = 1;; s->bits++) { /* each bit of an address is two more units, with weights of their own */
        s->units = fixed + 2 * s->bits;
        s->sources = given + s->units;
        s->weights = s->sources * s->units;
        if (s->bits > 20) return jd_fail(ctx, JD_EUSAGE, "srwm93: %d hidden units are too many", s->hidden);
        if (s->weights <= 1 << s->bits) break;
    }
    const size_t T = (size_t)s->steps, n = (size_t)s->weights, all = (size_t)1 << s->bits, L = (size_t)s->sources;
    s->l = jd_alloc_array(ctx, (T + 1) * L, sizeof *s->l);
    s->y = jd_alloc_array(ctx, T * (size_t)s->units, sizeof *s->y);
    s->W = jd_alloc_array(ctx, (T + 1) * n, sizeof *s->W);
    s->ana = jd_alloc_array(ctx, T * all, sizeof *s->ana);
    s->mod = jd_alloc_array(ctx, T * all, sizeof *s->mod);
    s->G = jd_alloc_array(ctx, n, sizeof *s->G);
    s->dl = jd_alloc_array(ctx, 2 * L, sizeof *s->dl);
    s->work = jd_alloc_array(ctx, all, sizeof *s->work);
    return jd_error(ctx);
}

void srwm93_free(jd_ctx *ctx, srwm93 *s)
{
    double *all[] = {s->l, s->y, s->W, s->ana, s->mod, s->G, s->dl, s->work};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    *s = (srwm93){0};
}

/* g(|address - adr(c)|^2) for all c: a product over the bits, twice as many numbers with each. */
static void point(const srwm93 *s, const double *address, double *g)
{
    const double k = -.5 / (s->width * s->width);
    g[0] = 1;
    for (int b = 0, n = 1; b < s->bits; b++, n *= 2) {
        const double a = address[b], zero = jd_exp_lane(k * a * a), one = jd_exp_lane(k * (a - 1) * (a - 1));
        for (int c = 0; c < n; c++) g[n + c] = g[c] * one;
        for (int c = 0; c < n; c++) g[c] *= zero;
    }
}

/* dg_c / da_b = -g_c (a_b - bit b of c) / width^2.  From v (n <= 2^bits) and g: da_b += factor * sum_c v_c dg_c / da_b; returns
 * sum_c v_c g_c. */
static double unpoint(const srwm93 *s, const double *v, const double *g, const double *address, double factor,
                      double *da)
{
    const int all = 1 << s->bits, n = s->weights;
    const double k = factor / (s->width * s->width);
    double *sum = s->work, set[24];
    for (int c = 0; c < n; c++) sum[c] = v[c] * g[c];
    for (int c = n; c < all; c++) sum[c] = 0;
    for (int b = s->bits - 1; b >= 0; b--) { /* the upper half has bit b set */
        const int half = 1 << b;
        double four[4] = {0};
        for (int c = 0; c < half; c++) four[c & 3] += sum[half + c];
        set[b] = (four[0] + four[1]) + (four[2] + four[3]);
        for (int c = 0; c < half; c++) sum[c] += sum[half + c];
    }
    for (int b = 0; b < s->bits; b++) da[b] -= k * (address[b] * sum[0] - set[b]);
    return sum[0];
}

double srwm93_read(srwm93 *s, const double *W, const double *address, double *share)
{
    double val = 0;
    point(s, address, s->ana);
    for (int c = 0; c < s->weights; c++) val += s->ana[c] * W[c];
    if (share) memcpy(share, s->ana, (size_t)s->weights * sizeof *share);
    return val;
}

/* The units before anything came in: f(0). */
static void rest(const srwm93 *s, double *l)
{
    const int first = s->sources - s->units;
    memset(l, 0, (size_t)s->sources * sizeof *l);
    for (int k = 0; k < s->outputs + 2 * s->bits; k++) l[first + k] = .5;
}

static double squash(const srwm93 *s, int unit, double net)
{
    const int logistic = s->outputs + 2 * s->bits;
    if (unit < logistic) return selfref_sigmoid(net);
    const double tanh_net = 2 * selfref_sigmoid(2 * net) - 1;
    return unit == logistic ? .5 * tanh_net : tanh_net;
}

/* f' from f. */
static double slope(const srwm93 *s, int unit, double y)
{
    const int logistic = s->outputs + 2 * s->bits;
    if (unit < logistic) return y * (1 - y);
    return unit == logistic ? .5 - 2 * y * y : 1 - y * y; /* delta = tanh / 2: (1 - 4 delta^2) / 2 */
}

void srwm93_forward(srwm93 *s, const double *first, const srwm93_input *in)
{
    const int I = s->inputs, O = s->outputs, L = s->sources, U = s->units, n = s->weights;
    memcpy(s->W, first, (size_t)n * sizeof *s->W);
    rest(s, s->l);
    for (int t = 0; t < in->T; t++) {
        double *l = s->l + t * L, *next = l + L, *y = s->y + t * U, *g = s->mod + ((size_t)t << s->bits);
        double *W = s->W + t * n, *changed = W + n, *ana = s->ana + ((size_t)t << s->bits);
        const double *o = l + L - U, *delta = o + O + 2 * s->bits;
        if (t == in->reset) rest(s, l);
        memcpy(l, in->x + t * I, (size_t)I * sizeof *l);
        memset(y, 0, (size_t)U * sizeof *y);
        memset(next, 0, (size_t)L * sizeof *next);
        for (int j = 0; j < L; j++)
            for (int k = 0; k < U; k++) y[k] += l[j] * W[j * U + k];
        for (int k = 0; k < U; k++) y[k] = squash(s, k, y[k]);
        memcpy(next + L - U, y, (size_t)U * sizeof *y);
        point(s, o + O, ana);
        point(s, o + O + s->bits, g);
        double val[4] = {0};
        for (int c = 0; c < n; c++) val[c & 3] += ana[c] * W[c];
        next[I + O] = (val[0] + val[1]) + (val[2] + val[3]);
        const double change = s->frozen ? 0 : *delta;
        for (int c = 0; c < n; c++) changed[c] = W[c] + change * g[c];
        for (int k = 0; k < O && in->target && in->shown[t]; k++) next[I + k] = in->target[t * O + k] - y[k];
    }
}

void srwm93_backward(srwm93 *s, const srwm93_input *in, const double *dout, double *dfirst)
{
    const int I = s->inputs, O = s->outputs, L = s->sources, U = s->units, n = s->weights, bits = s->bits;
    double *later = s->dl, *now = s->dl + L; /* errors of l(t+1) and l(t) */
    memset(s->G, 0, (size_t)n * sizeof *s->G);
    memset(later, 0, (size_t)L * sizeof *later);
    for (int t = in->T - 1; t >= 0; t--) {
        const double *l = s->l + t * L, *y = s->y + t * U, *o = l + L - U, *W = s->W + t * n;
        const double *ana = s->ana + ((size_t)t << bits), *mod = s->mod + ((size_t)t << bits);
        double *error = later + L - U, *dy = now + L - U;
        for (int k = 0; k < O; k++) {
            error[k] += dout[t * O + k];
            if (in->target && in->shown[t]) error[k] -= later[I + k];
        }
        for (int k = 0; k < U; k++) error[k] *= slope(s, k, y[k]);
        for (int j = 0; j < L; j++) now[j] = selfref_dot(W + j * U, error, U);
        const double dval = later[I + O], delta = s->frozen ? 0 : o[O + 2 * bits];
        unpoint(s, W, ana, o + O, dval, dy + O);
        const double ddelta = unpoint(s, s->G, mod, o + O + bits, delta, dy + O + bits);
        if (!s->frozen) dy[O + 2 * bits] += ddelta;
        for (int j = 0; j < L; j++)
            for (int k = 0; k < U; k++) s->G[j * U + k] += l[j] * error[k];
        for (int c = 0; c < n; c++) s->G[c] += dval * ana[c];
        if (t == in->reset) memset(now, 0, (size_t)L * sizeof *now);
        double *swap = later;
        later = now, now = swap;
    }
    for (int c = 0; c < n; c++) dfirst[c] += s->G[c];
}
