/*
 * lstm_grad.c - back-propagation through time for lstm.c (full BPTT: Graves and Schmidhuber 2005).  With `truncate` the
 * gradient of 1997: errors do not pass through R and the peepholes into earlier steps, only along the cell.
 *
 *     dm = dh, or proj' dh            do~ = dm squash(c) o(1-o)
 *     dc = dm o squash'(c) + po do~ + [pi di~ + pf df~ + f dc] of the next step
 *     di~ = dc z i(1-i)   df~ = dc c(t-1) f(1-f)   dz~ = dc i g'(z)     dh(t-1) += R' d~
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static jd_status infer_lstm_grad(jd_infer *c)
{
    const jd_lstm_attr *a = c->attr;
    /* Built by lstm's gradient rule: shapes were checked there; the cotangents have the shapes of the outputs. */
    static const int like[8] = {0, 2, 3, 4, 5, 6, 7, 8};
    c->nout = 8;
    for (int k = 0; k < 8; k++) c->out[k] = jd__rec_like(c, like[k]);
    if (!a->need_dx) c->out[0] = jd__rec_type(c->in[0].dtype, JD_DIMS(0));
    return JD_OK;
}

static void grad_lstm_grad(const jd_rule *c)
{
    static const int out_of[8] = {0, 2, 3, 4, 5, 6, 7, 8};
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_lstm, 9, 13, 3, out_of});
}

static double flop_lstm_grad(const jd_call *c)
{
    const jd_lstm_attr *a = c->attr;
    const double rows = (double)jd__rows(&c->in_type[0]), N = (double)c->in_type[0].dim[2];
    const double G = (double)c->in_type[3].dim[0], P = (double)c->in_type[3].dim[1];
    const double back = a->truncate ? 1 : 2;
    return 2 * rows * (G * N * (a->need_dx ? 2 : 1) + G * P * back + (c->in_type[6].rank < 0 ? 0 : P * G / 2));
}

static size_t scratch_lstm_grad(const jd_call *c, int threads)
{
    const jd_type *R = &c->in_type[3];
    const size_t H = (size_t)R->dim[0] / 4, P = (size_t)R->dim[1];
    jd_rec_space s;
    const size_t fast = jd__rec_space(c, 4, true, threads, NULL, &s), plain = sizeof(double) * (2 * P + 8 * H);
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/lstm_grad.c"
#include "ops/twice.h"

const jd_op jd__op_lstm_grad = {.name = "lstm_grad",
                                .doc = "back-propagation through time of lstm",
                                .attr_bytes = sizeof(jd_lstm_attr),
                                .infer = infer_lstm_grad,
                                .grad = grad_lstm_grad,
                                .scratch = scratch_lstm_grad,
                                .flop = flop_lstm_grad,
                                .ref = {lstm_grad_f32, lstm_grad_f64}};
#else
#include "ops/squash.h"

/* Errors that travel from step to step, of one sample. */
typedef struct FN(flow) {
    REAL *dh;    /* (P) */
    REAL *dc;    /* (H) */
    REAL *dm;    /* (H) */
    REAL *delta; /* (4H) */
} FN(flow);

/* Point-wise part of one step: delta and dc from dh (dm); adds to the gradient of the peepholes. */
static void FN(lstm_errors)(const jd_call *c, size_t row, const REAL *before, const REAL *dm, const FN(flow) * e)
{
    const jd_lstm_attr *a = c->attr;
    const size_t H = (size_t)c->in_type[3].dim[0] / 4;
    const REAL *gates = (const REAL *)c->in[10] + row * 4 * H, *cells = (const REAL *)c->in[11] + row * H;
    const REAL *peep = c->in[5];
    REAL *dpeep = c->out[4];
    for (size_t u = 0; u < H; u++) {
        const REAL i = gates[u], f = gates[H + u], z = gates[2 * H + u], o = gates[3 * H + u];
        const REAL s = FN(squash)(a->out_squash, cells[u]), old = before ? before[u] : 0;
        const REAL d_o = dm[u] * s * o * (1 - o);
        const REAL dc = e->dc[u] + dm[u] * o * FN(squash_slope)(a->out_squash, s) + (peep ? peep[2 * H + u] * d_o : 0);
        const REAL d_i = dc * z * i * (1 - i), d_f = a->no_forget ? 0 : dc * old * f * (1 - f);
        e->delta[u] = d_i;
        e->delta[H + u] = d_f;
        e->delta[2 * H + u] = dc * i * FN(squash_slope)(a->in_squash, z);
        e->delta[3 * H + u] = d_o;
        e->dc[u] = dc * f;
        if (!peep) continue;
        if (!a->truncate) e->dc[u] += peep[u] * d_i + peep[H + u] * d_f;
        dpeep[u] += d_i * old;
        dpeep[H + u] += d_f * old;
        dpeep[2 * H + u] += d_o * cells[u];
    }
}

/* The products of one step: weight gradients, dx, and dh of the step before. */
static void FN(lstm_products)(const jd_call *c, size_t row, const REAL *h, const FN(flow) * e)
{
    const jd_lstm_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[0] / 4,
                 P = (size_t)c->in_type[3].dim[1];
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = c->in[2], *R = c->in[3];
    REAL *dx = a->need_dx ? (REAL *)c->out[0] + row * N : NULL, *dW = c->out[1], *dR = c->out[2], *db = c->out[3];
    for (size_t j = 0; j < P; j++) e->dh[j] = 0;
    for (size_t j = 0; a->need_dx && j < N; j++) dx[j] = 0;
    for (size_t k = 0; k < 4 * H; k++) {
        const REAL d = e->delta[k];
        db[k] += d;
        for (size_t j = 0; j < N; j++) dW[k * N + j] += d * x[j];
        for (size_t j = 0; h && j < P; j++) dR[k * P + j] += d * h[j];
        for (size_t j = 0; a->need_dx && j < N; j++) dx[j] += d * W[k * N + j];
        for (size_t j = 0; !a->truncate && j < P; j++) e->dh[j] += d * R[k * P + j];
    }
}

static void FN(lstm_back)(const jd_call *c, size_t b, size_t length, const FN(flow) * e)
{
    const jd_lstm_attr *a = c->attr;
    const size_t B = (size_t)c->in_type[0].dim[1], H = (size_t)c->in_type[3].dim[0] / 4,
                 P = (size_t)c->in_type[3].dim[1];
    const REAL *proj = c->in[6], *h0 = c->in[7], *c0 = c->in[8], *y = c->in[9], *cells = c->in[11], *dy = c->in[13];
    REAL *dproj = c->out[5];
    for (size_t s = length; s-- > 0;) {
        const size_t row = jd__time(a->reverse, length, s) * B + b;
        const size_t prev = s ? jd__time(a->reverse, length, s - 1) * B + b : 0;
        const REAL *dm = e->dh;
        for (size_t j = 0; dy && j < P; j++) e->dh[j] += dy[row * P + j];
        if (proj) {
            const REAL *m = (const REAL *)c->in[12] + row * H;
            for (size_t u = 0; u < H; u++) e->dm[u] = 0;
            for (size_t j = 0; j < P; j++)
                for (size_t u = 0; u < H; u++) {
                    e->dm[u] += e->dh[j] * proj[j * H + u];
                    dproj[j * H + u] += e->dh[j] * m[u];
                }
            dm = e->dm;
        }
        FN(lstm_errors)(c, row, s ? cells + prev * H : c0 ? c0 + b * H : NULL, dm, e);
        FN(lstm_products)(c, row, s ? y + prev * P : h0 ? h0 + b * P : NULL, e);
    }
}

static void FN(lstm_grad)(const jd_call *c, const jd_worker *w)
{
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1];
    const size_t H = (size_t)c->in_type[3].dim[0] / 4, P = (size_t)c->in_type[3].dim[1];
    const REAL *dhT = c->in[14], *dcT = c->in[15];
    REAL *scratch = c->scratch, *dh0 = c->out[6], *dc0 = c->out[7];
    const FN(flow) e = {scratch, scratch + P, scratch + P + H, scratch + P + 2 * H};
    if (w->id) return;
    for (int k = 0; k < 6; k++) {
        const jd_type *t = &c->out_type[k];
        if (jd__count(t)) memset(c->out[k], 0, (size_t)jd__count(t) * sizeof(REAL));
    }
    for (size_t b = 0; b < B; b++) {
        for (size_t k = 0; k < P; k++) e.dh[k] = dhT ? dhT[b * P + k] : 0;
        for (size_t k = 0; k < H; k++) e.dc[k] = dcT ? dcT[b * H + k] : 0;
        FN(lstm_back)(c, b, jd__length(c->in[1], b, T), &e);
        for (size_t k = 0; c->in[7] && k < P; k++) dh0[b * P + k] = e.dh[k];
        for (size_t k = 0; c->in[8] && k < H; k++) dc0[b * H + k] = e.dc[k];
    }
}
#endif
