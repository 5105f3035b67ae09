/*
 * gru.c - a gated recurrent unit layer (Cho et al. 2014), whole sequences, with the reset after the product:
 *
 *     r = sigma(Wr x + Rr h + br)     n = tanh(Wn x + bn + r q),  q = Rn h + bR
 *     u = sigma(Wu x + Ru h + bu)     h' = (1 - u) n + u h
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static jd_status infer_gru(jd_infer *c)
{
    const jd_type *x = &c->in[0];
    if (jd__rec_want_sequence(c)) return JD_EUSAGE;
    if (c->in[2].rank != 2 || c->in[2].dim[0] % 3) return jd__bad(c, "W must have the shape (3H,N), gate order r u n");
    const jd_dtype real = x->dtype;
    const int64_t B = x->dim[1], H = c->in[2].dim[0] / 3;
    if (jd__rec_want(c, 2, "W", false, real, JD_DIMS(3 * H, x->dim[2])) ||
        jd__rec_want(c, 3, "R", false, real, JD_DIMS(3 * H, H)) ||
        jd__rec_want(c, 4, "b", false, real, JD_DIMS(3 * H)) || jd__rec_want(c, 5, "bR", true, real, JD_DIMS(H)) ||
        jd__rec_want(c, 6, "h0", true, real, JD_DIMS(B, H)))
        return JD_EUSAGE;
    c->nout = 3;
    c->out[0] = jd__rec_type(real, JD_DIMS(x->dim[0], B, H));
    c->out[1] = jd__rec_type(real, JD_DIMS(B, H));
    c->out[2] = jd__rec_type(real, JD_DIMS(x->dim[0], B, 4 * H));
    return JD_OK;
}

static void grad_gru(const jd_rule *c)
{
    static const int kept[] = {0, 2};
    jd_rnn_attr a = *(const jd_rnn_attr *)c->attr;
    a.need_dx = c->need[0];
    jd__rec_grad(c, JD_OP_gru_grad, &a, 7, kept, 2);
}

static void decompose_gru(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_rnn_attr *a = c->attr;
    const jd_unroll u = jd__unroll(c, a->reverse);
    const jd_node R = c->in[3];
    const int64_t H = jd_dim(g, R, 1);
    const jd_node input = jd__unroll_input(&u, c->in[0], c->in[2], c->in[4]);
    jd_node h = c->in[6].id ? c->in[6] : jd_const(g, 0, JD_DIMS(u.B, H));
    jd_node *y = jd__graph_alloc(g, (size_t)u.T * sizeof *y);
    if (!y) return;
    for (int64_t s = 0; s < u.T; s++) {
        const jd_node x = jd__unroll_at(&u, input, s), rh = jd_matmul(g, h, R, .tb = true);
        jd_node q = jd_slice(g, rh, 1, 2 * H, H);
        if (c->in[5].id) q = jd_add(g, q, c->in[5]);
        const jd_node r = jd_sigmoid(g, jd_add(g, jd_slice(g, x, 1, 0, H), jd_slice(g, rh, 1, 0, H)));
        const jd_node keep = jd_sigmoid(g, jd_add(g, jd_slice(g, x, 1, H, H), jd_slice(g, rh, 1, H, H)));
        const jd_node n = jd_tanh(g, jd_add(g, jd_slice(g, x, 1, 2 * H, H), jd_mul(g, r, q)));
        const jd_node out = jd_add(g, n, jd_mul(g, keep, jd_sub(g, h, n)));
        y[s] = jd__unroll_alive(&u, s, out, JD_NONE);
        h = jd__unroll_alive(&u, s, out, h);
    }
    c->out[0] = jd__unroll_stack(&u, y);
    c->out[1] = h;
}

static double flop_gru(const jd_call *c)
{
    const double G = (double)c->in_type[3].dim[0], N = (double)c->in_type[0].dim[2];
    return 2 * (double)jd__rows(&c->in_type[0]) * G * (N + G / 3);
}

static size_t scratch_gru(const jd_call *c, int threads)
{
    jd_rec_space s;
    return jd__rec_space(c, 3, false, threads, NULL, &s);
}

jd_rnn_out jd_gru_raw(jd_graph *g, jd_rnn_args a)
{
    jd_node out[3] = {{0}};
    if (jd_error(jd_graph_ctx(g))) return (jd_rnn_out){0};
    const jd_rnn_attr attr = {.reverse = a.reverse};
    const jd_node in[7] = {a.x, a.length, a.W, a.R, a.b, a.bR, a.h0};
    if (!jd__add(g, JD_OP_gru, &attr, in, 7, out).id) return (jd_rnn_out){0};
    return (jd_rnn_out){out[0], out[1]};
}

#define JD_SELF "ops/gru.c"
#include "ops/twice.h"

const jd_op jd__op_gru = {.name = "gru",
                          .doc = "gated recurrent unit layer over whole sequences",
                          .attr_bytes = sizeof(jd_rnn_attr),
                          .infer = infer_gru,
                          .grad = grad_gru,
                          .decompose = decompose_gru,
                          .scratch = scratch_gru,
                          .flop = flop_gru,
                          .ref = {gru_f32, gru_f64}};
#else

/* One step of one sample; h (H) is the state before, NULL: zero. */
static void FN(gru_step)(const jd_call *c, size_t row, const REAL *h)
{
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[1];
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = c->in[2], *R = c->in[3], *bias = c->in[4], *bR = c->in[5];
    REAL *y = (REAL *)c->out[0] + row * H, *gates = (REAL *)c->out[2] + row * 4 * H;
    for (size_t k = 0; k < 3 * H; k++) {
        REAL in = bias[k], rec = 0;
        for (size_t j = 0; j < N; j++) in += W[k * N + j] * x[j];
        for (size_t j = 0; h && j < H; j++) rec += R[k * H + j] * h[j];
        gates[k] = k < 2 * H ? in + rec : in;
        if (k >= 2 * H) gates[k + H] = rec + (bR ? bR[k - 2 * H] : 0);
    }
    for (size_t k = 0; k < H; k++) {
        REAL *r = gates + k, *u = r + H, *n = u + H;
        const REAL q = n[H], old = h ? h[k] : 0;
        *r = R_SIGMOID(*r);
        *u = R_SIGMOID(*u);
        *n = R_TANH(*n + *r * q);
        y[k] = (1 - *u) * *n + *u * old;
    }
}

static void FN(gru)(const jd_call *c, const jd_worker *w)
{
    const jd_rnn_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1], H = (size_t)c->in_type[3].dim[1];
    const REAL *h0 = c->in[6];
    REAL *y = c->out[0];
    if (w->id) return;
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        const REAL *h = h0 ? h0 + b * H : NULL;
        for (size_t s = 0; s < length; s++) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            FN(gru_step)(c, row, h);
            h = y + row * H;
        }
        for (size_t k = 0; k < H; k++) ((REAL *)c->out[1])[b * H + k] = h ? h[k] : 0;
        for (size_t t = length; t < T; t++) {
            memset(y + (t * B + b) * H, 0, H * sizeof(REAL));
            memset((REAL *)c->out[2] + (t * B + b) * 4 * H, 0, 4 * H * sizeof(REAL));
        }
    }
}
#endif
