/*
 * gru_grad.c - back-propagation through time for gru.c:
 *     dn~ = dh (1-u)(1-n^2)   du~ = dh (h(t-1) - n) u(1-u)   dq = dn~ r   dr~ = dn~ q r(1-r)
 *     dh(t-1) = dh u + Rr' dr~ + Ru' du~ + Rn' dq
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static const int out_of[6] = {0, 2, 3, 4, 5, 6};

static jd_status infer_gru_grad(jd_infer *c)
{
    return jd__rec_infer_grad(c, 6, ((const jd_rnn_attr *)c->attr)->need_dx);
}

static void grad_gru_grad(const jd_rule *c)
{
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_gru, 7, 9, 2, out_of});
}

static double flop_gru_grad(const jd_call *c)
{
    const jd_rnn_attr *a = c->attr;
    const double G = (double)c->in_type[3].dim[0], N = (double)c->in_type[0].dim[2];
    return 2 * (double)jd__rows(&c->in_type[0]) * G * (N * (a->need_dx ? 2 : 1) + 2 * G / 3);
}

static size_t scratch_gru_grad(const jd_call *c, int threads)
{
    const jd_type *R = &c->in_type[3];
    const size_t H = (size_t)R->dim[1];
    jd_rec_space s;
    const size_t fast = jd__rec_space(c, 3, true, threads, NULL, &s), plain = sizeof(double) * 6 * H;
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/gru_grad.c"
#include "ops/twice.h"

const jd_op jd__op_gru_grad = {.name = "gru_grad",
                               .doc = "back-propagation through time of gru",
                               .attr_bytes = sizeof(jd_rnn_attr),
                               .infer = infer_gru_grad,
                               .grad = grad_gru_grad,
                               .scratch = scratch_gru_grad,
                               .flop = flop_gru_grad,
                               .ref = {gru_grad_f32, gru_grad_f64}};
#else

/* Errors of the pre-activations r u n and of q: delta (4H); dh (H) becomes its direct part dh u. */
static void FN(gru_errors)(const jd_call *c, size_t row, const REAL *h, REAL *dh, REAL *delta)
{
    const size_t H = (size_t)c->in_type[3].dim[1];
    const REAL *gates = (const REAL *)c->in[8] + row * 4 * H, *dy = c->in[9];
    for (size_t k = 0; k < H; k++) {
        const REAL r = gates[k], u = gates[H + k], n = gates[2 * H + k], q = gates[3 * H + k];
        const REAL d = dh[k] + (dy ? dy[row * H + k] : 0), dn = d * (1 - u) * (1 - n * n);
        delta[k] = dn * q * r * (1 - r);
        delta[H + k] = d * ((h ? h[k] : 0) - n) * u * (1 - u);
        delta[2 * H + k] = dn;
        delta[3 * H + k] = dn * r;
        dh[k] = d * u;
    }
}

static void FN(gru_products)(const jd_call *c, size_t row, const REAL *h, REAL *dh, const REAL *delta)
{
    const jd_rnn_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[1];
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = c->in[2], *R = c->in[3];
    REAL *dx = a->need_dx ? (REAL *)c->out[0] + row * N : NULL, *dW = c->out[1], *dR = c->out[2], *db = c->out[3];
    REAL *dbR = c->in[5] ? c->out[4] : NULL;
    for (size_t j = 0; a->need_dx && j < N; j++) dx[j] = 0;
    for (size_t k = 0; k < 3 * H; k++) {
        const REAL d = delta[k], e = k < 2 * H ? d : delta[k + H];
        db[k] += d;
        if (dbR && k >= 2 * H) dbR[k - 2 * H] += e;
        for (size_t j = 0; j < N; j++) dW[k * N + j] += d * x[j];
        for (size_t j = 0; h && j < H; j++) dR[k * H + j] += e * h[j];
        for (size_t j = 0; a->need_dx && j < N; j++) dx[j] += d * W[k * N + j];
        for (size_t j = 0; j < H; j++) dh[j] += e * R[k * H + j];
    }
}

static void FN(gru_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_rnn_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1], H = (size_t)c->in_type[3].dim[1];
    const REAL *h0 = c->in[6], *y = c->in[7], *dhT = c->in[10];
    REAL *dh = c->scratch, *delta = dh + H, *dh0 = c->out[5];
    if (w->id) return;
    for (int k = 0; k < 5; k++) {
        const jd_type *t = &c->out_type[k];
        if (jd__count(t)) memset(c->out[k], 0, (size_t)jd__count(t) * sizeof(REAL));
    }
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        for (size_t k = 0; k < H; k++) dh[k] = dhT ? dhT[b * H + k] : 0;
        for (size_t s = length; s-- > 0;) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            const REAL *h = s ? y + (jd__time(a->reverse, length, s - 1) * B + b) * H : h0 ? h0 + b * H : NULL;
            FN(gru_errors)(c, row, h, dh, delta);
            FN(gru_products)(c, row, h, dh, delta);
        }
        for (size_t k = 0; h0 && k < H; k++) dh0[b * H + k] = dh[k];
    }
}
#endif
