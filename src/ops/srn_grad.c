/* srn_grad.c - back-propagation through time for srn.c: d(t) = act'(t) (dy(t) + R' d(t+1)). */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static const int out_of[5] = {0, 2, 3, 4, 5};

static jd_status infer_srn_grad(jd_infer *c)
{
    return jd__rec_infer_grad(c, 5, ((const jd_rnn_attr *)c->attr)->need_dx);
}

static void grad_srn_grad(const jd_rule *c)
{
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_srn, 6, 7, 2, out_of});
}

static double flop_srn_grad(const jd_call *c)
{
    const jd_rnn_attr *a = c->attr;
    const double H = (double)c->in_type[3].dim[0], N = (double)c->in_type[0].dim[2];
    return 2 * (double)jd__rows(&c->in_type[0]) * H * (N * (a->need_dx ? 2 : 1) + 2 * H);
}

static size_t scratch_srn_grad(const jd_call *c, int threads)
{
    const jd_type *R = &c->in_type[3];
    const size_t H = (size_t)R->dim[0];
    jd_rec_space s;
    const size_t fast = jd__rec_space(c, 1, true, threads, NULL, &s), plain = sizeof(double) * 2 * H;
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/srn_grad.c"
#include "ops/twice.h"

const jd_op jd__op_srn_grad = {.name = "srn_grad",
                               .doc = "back-propagation through time of srn",
                               .attr_bytes = sizeof(jd_rnn_attr),
                               .infer = infer_srn_grad,
                               .grad = grad_srn_grad,
                               .scratch = scratch_srn_grad,
                               .flop = flop_srn_grad,
                               .ref = {srn_grad_f32, srn_grad_f64}};
#else
#include "ops/squash.h"

/* One step back: dh (H) becomes that of the step before. */
static void FN(srn_back)(const jd_call *c, size_t row, const REAL *h, REAL *dh, REAL *delta)
{
    const jd_rnn_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[0];
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = c->in[2], *R = c->in[3],
               *y = (const REAL *)c->in[6] + row * H;
    const REAL *dy = c->in[7] ? (const REAL *)c->in[7] + row * H : NULL;
    REAL *dx = a->need_dx ? (REAL *)c->out[0] + row * N : NULL, *dW = c->out[1], *dR = c->out[2], *db = c->out[3];
    for (size_t k = 0; k < H; k++) delta[k] = (dh[k] + (dy ? dy[k] : 0)) * FN(rnn_slope)(a->act, y[k]);
    for (size_t k = 0; k < H; k++) dh[k] = 0;
    for (size_t j = 0; a->need_dx && j < N; j++) dx[j] = 0;
    for (size_t k = 0; k < H; k++) {
        db[k] += delta[k];
        for (size_t j = 0; j < N; j++) dW[k * N + j] += delta[k] * x[j];
        for (size_t j = 0; h && j < H; j++) dR[k * H + j] += delta[k] * h[j];
        for (size_t j = 0; a->need_dx && j < N; j++) dx[j] += delta[k] * W[k * N + j];
        for (size_t j = 0; j < H; j++) dh[j] += delta[k] * R[k * H + j];
    }
}

static void FN(srn_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_rnn_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1], H = (size_t)c->in_type[3].dim[0];
    const REAL *h0 = c->in[5], *y = c->in[6], *dhT = c->in[8];
    REAL *dh = c->scratch, *delta = dh + H, *dh0 = c->out[4];
    if (w->id) return;
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
            FN(srn_back)(c, row, h, dh, delta);
        }
        for (size_t k = 0; h0 && k < H; k++) dh0[b * H + k] = dh[k];
    }
}
#endif
