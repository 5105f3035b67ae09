/*
 * clockwork_grad.c - back-propagation through time for clockwork.c.  At its own steps a module's error is
 * d_g(t) = act'(t) (dy_g(t) + dh_g(t)) and goes to the modules it hears; at the others it passes to the step before as it is.
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/clockwork.h"
#include "ops/real.h"

static const int out_of[5] = {0, 2, 3, 4, 5};

static jd_status infer_clockwork_grad(jd_infer *c)
{
    return jd__rec_infer_grad(c, 5, ((const jd_clockwork_attr *)c->attr)->need_dx);
}

static void grad_clockwork_grad(const jd_rule *c)
{
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_clockwork, 6, 7, 2, out_of});
}

static double flop_clockwork_grad(const jd_call *c)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], N = (size_t)c->in_type[0].dim[2];
    const size_t H = (size_t)c->in_type[2].dim[0], S = H / a->modules;
    jd_clock clock[JD_CLOCKS];
    double flop = 0;
    jd__clocks(a, H, clock);
    for (size_t g = 0; g < a->modules; g++)
        flop += 2. * (double)(((T + clock[g].period - 1) / clock[g].period) * S *
                              (N * (a->need_dx ? 2 : 1) + 2 * clock[g].heard));
    return flop * (double)c->in_type[0].dim[1];
}

static size_t scratch_clockwork_grad(const jd_call *c, int threads)
{
    const size_t H = (size_t)c->in_type[2].dim[0];
    jd_clock_space s;
    const size_t fast = jd__clock_space(c, true, threads, NULL, &s), plain = sizeof(double) * 2 * H;
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/clockwork_grad.c"
#include "ops/twice.h"

const jd_op jd__op_clockwork_grad = {.name = "clockwork_grad",
                                     .doc = "back-propagation through time of clockwork",
                                     .attr_bytes = sizeof(jd_clockwork_attr),
                                     .infer = infer_clockwork_grad,
                                     .grad = grad_clockwork_grad,
                                     .scratch = scratch_clockwork_grad,
                                     .flop = flop_clockwork_grad,
                                     .ref = {clockwork_grad_f32, clockwork_grad_f64}};
#else
#include "ops/squash.h"

/* What the errors delta (S) of one module at one of its steps give to the weights, the input, and dh (H). */
static void FN(clockwork_spread)(const jd_call *c, const jd_clock *m, size_t row, const REAL *h, const REAL *delta,
                                 REAL *dh)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], S = (size_t)c->in_type[2].dim[0] / a->modules;
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = (const REAL *)c->in[2] + m->unit * N,
               *R = (const REAL *)c->in[3] + m->at;
    REAL *dx = a->need_dx ? (REAL *)c->out[0] + row * N : NULL, *dW = (REAL *)c->out[1] + m->unit * N,
         *dR = (REAL *)c->out[2] + m->at, *db = (REAL *)c->out[3] + m->unit;
    for (size_t k = 0; k < S; k++) {
        db[k] += delta[k];
        for (size_t j = 0; j < N; j++) dW[k * N + j] += delta[k] * x[j];
        for (size_t j = 0; h && j < m->heard; j++) dR[k * m->heard + j] += delta[k] * h[m->from + j];
        for (size_t j = 0; dx && j < N; j++) dx[j] += delta[k] * W[k * N + j];
        for (size_t j = 0; j < m->heard; j++) dh[m->from + j] += delta[k] * R[k * m->heard + j];
    }
}

/* One step back: dh (H) becomes that of the step before. */
static void FN(clockwork_back)(const jd_call *c, const jd_clock *clock, size_t s, size_t row, const REAL *h, REAL *dh,
                               REAL *delta)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t H = (size_t)c->in_type[2].dim[0], S = H / a->modules;
    const REAL *y = (const REAL *)c->in[6] + row * H, *dy = c->in[7] ? (const REAL *)c->in[7] + row * H : NULL;
    for (size_t k = 0; k < H; k++) {
        const REAL d = dh[k] + (dy ? dy[k] : 0);
        const bool active = s % clock[k / S].period == 0;
        delta[k] = active ? d * FN(rnn_slope)(a->act, y[k]) : 0;
        dh[k] = active ? 0 : d;
    }
    for (size_t g = 0; g < a->modules; g++)
        if (s % clock[g].period == 0) FN(clockwork_spread)(c, &clock[g], row, h, delta + clock[g].unit, dh);
}

static void FN(clockwork_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_clockwork_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1], H = (size_t)c->in_type[2].dim[0];
    const REAL *h0 = c->in[5], *y = c->in[6], *dhT = c->in[8];
    REAL *dh = c->scratch, *delta = dh + H, *dh0 = c->out[4];
    jd_clock clock[JD_CLOCKS];
    if (w->id) return;
    jd__clocks(a, H, clock);
    for (int k = 0; k < 4; k++) {
        const jd_type *t = &c->out_type[k];
        if (jd__count(t)) memset(c->out[k], 0, (size_t)jd__count(t) * sizeof(REAL));
    }
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        for (size_t k = 0; k < H; k++) dh[k] = dhT ? dhT[b * H + k] : 0;
        for (size_t s = length; s-- > 0;) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            const REAL *h = s ? y + (jd__time(a->reverse, length, s - 1) * B + b) * H : h0 ? h0 + b * H : NULL;
            FN(clockwork_back)(c, clock, s, row, h, dh, delta);
        }
        for (size_t k = 0; h0 && k < H; k++) dh0[b * H + k] = dh[k];
    }
}
#endif
