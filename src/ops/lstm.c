/*
 * lstm.c - a whole LSTM layer over a sequence: Hochreiter and Schmidhuber 1997; forget gate, Gers, Schmidhuber and Cummins
 * 2000; peepholes, Gers and Schmidhuber 2000; projection, Sak, Senior and Beaufays 2014.
 *
 *     i = sigma(Wi x + Ri h + pi c + bi)      z = g(Wz x + Rz h + bz)
 *     f = sigma(Wf x + Rf h + pf c + bf)      c' = z i + c f
 *     o = sigma(Wo x + Ro h + po c' + bo)     m = o squash(c');  h' = m, or proj m
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static jd_status infer_lstm(jd_infer *c)
{
    const jd_type *x = &c->in[0];
    if (jd__rec_want_sequence(c)) return JD_EUSAGE;
    const jd_dtype real = x->dtype;
    const int64_t T = x->dim[0], B = x->dim[1], N = x->dim[2];
    if (c->in[2].rank != 2 || c->in[2].dim[0] % 4)
        return jd__bad(c, "W must have the shape (4H,N), gate order i f z o");
    if (c->in[3].rank != 2) return jd__bad(c, "R must have the shape (4H,P), P the number of outputs");
    const int64_t H = c->in[2].dim[0] / 4, P = c->in[3].dim[1];
    const bool proj = c->in[6].rank >= 0;
    if (!proj && P != H) return jd__bad(c, "R must have the shape (4H,H) without a projection");
    if (jd__rec_want(c, 2, "W", false, real, JD_DIMS(4 * H, N)) ||
        jd__rec_want(c, 3, "R", false, real, JD_DIMS(4 * H, P)) ||
        jd__rec_want(c, 4, "b", false, real, JD_DIMS(4 * H)) ||
        jd__rec_want(c, 5, "peep", true, real, JD_DIMS(3 * H)) ||
        jd__rec_want(c, 6, "proj", true, real, JD_DIMS(P, H)) || jd__rec_want(c, 7, "h0", true, real, JD_DIMS(B, P)) ||
        jd__rec_want(c, 8, "c0", true, real, JD_DIMS(B, H)))
        return JD_EUSAGE;
    c->nout = 6;
    c->out[0] = jd__rec_type(real, JD_DIMS(T, B, P));
    c->out[1] = jd__rec_type(real, JD_DIMS(B, P));
    c->out[2] = jd__rec_type(real, JD_DIMS(B, H));
    c->out[3] = jd__rec_type(real, JD_DIMS(T, B, 4 * H));
    c->out[4] = jd__rec_type(real, JD_DIMS(T, B, H));
    c->out[5] = proj ? c->out[4] : jd__rec_type(real, JD_DIMS(0));
    return JD_OK;
}

static void grad_lstm(const jd_rule *c)
{
    jd_node in[16], out[8];
    jd_lstm_attr a = *(const jd_lstm_attr *)c->attr;
    a.need_dx = c->need[0];
    for (int i = 0; i < 9; i++) in[i] = c->in[i];
    in[9] = c->out[0];
    for (int i = 0; i < 3; i++) in[10 + i] = c->out[3 + i];
    for (int i = 0; i < 3; i++) in[13 + i] = c->dout[i];
    if (!in[13].id && !in[14].id && !in[15].id) return;
    if (!jd__add(c->g, JD_OP_lstm_grad, &a, in, 16, out).id) return;
    for (int i = 0, k = 0; i < 9; i++) {
        if (i == 1) continue;
        if (c->need[i]) c->din[i] = out[k];
        k++;
    }
}

static jd_node squash_node(jd_graph *g, int kind, jd_node x)
{
    switch (kind) {
    case JD_SQUASH_LINEAR: return x;
    case JD_SQUASH_4SIGM2: return jd_affine(g, jd_sigmoid(g, x), 4, -2);
    case JD_SQUASH_2SIGM1: return jd_affine(g, jd_sigmoid(g, x), 2, -1);
    default: return jd_tanh(g, x);
    }
}

static void decompose_lstm(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_lstm_attr *a = c->attr;
    const jd_unroll u = jd__unroll(c, a->reverse);
    const jd_node R = c->in[3], peep = c->in[5], proj = c->in[6];
    const int64_t H = jd_dim(g, R, 0) / 4, P = jd_dim(g, R, 1);
    const jd_node input = jd__unroll_input(&u, c->in[0], c->in[2], c->in[4]);
    jd_node h = c->in[7].id ? c->in[7] : jd_const(g, 0, JD_DIMS(u.B, P));
    jd_node cell = c->in[8].id ? c->in[8] : jd_const(g, 0, JD_DIMS(u.B, H)), p[3] = {{0}};
    for (int k = 0; peep.id && k < 3; k++) p[k] = jd_slice(g, peep, 0, k * H, H);
    jd_node *y = jd__graph_alloc(g, (size_t)u.T * sizeof *y);
    if (!y) return;
    for (int64_t s = 0; s < u.T; s++) {
        const jd_node from = a->truncate ? jd_stop(g, h) : h, seen = a->truncate ? jd_stop(g, cell) : cell;
        const jd_node pre = jd_add(g, jd__unroll_at(&u, input, s), jd_matmul(g, from, R, .tb = true));
        jd_node gate[4];
        for (int k = 0; k < 4; k++) gate[k] = jd_slice(g, pre, 1, k * H, H);
        for (int k = 0; peep.id && k < 2; k++) gate[k] = jd_add(g, gate[k], jd_mul(g, p[k], seen));
        const jd_node z = squash_node(g, a->in_squash, gate[2]);
        const jd_node kept = a->no_forget ? cell : jd_mul(g, cell, jd_sigmoid(g, gate[1]));
        const jd_node next = jd_add(g, jd_mul(g, z, jd_sigmoid(g, gate[0])), kept);
        if (peep.id) gate[3] = jd_add(g, gate[3], jd_mul(g, p[2], next));
        jd_node out = jd_mul(g, jd_sigmoid(g, gate[3]), squash_node(g, a->out_squash, next));
        if (proj.id) out = jd_matmul(g, out, proj, .tb = true);
        y[s] = jd__unroll_alive(&u, s, out, JD_NONE);
        h = jd__unroll_alive(&u, s, out, h);
        cell = jd__unroll_alive(&u, s, next, cell);
    }
    c->out[0] = jd__unroll_stack(&u, y);
    c->out[1] = h;
    c->out[2] = cell;
}

static double flop_lstm(const jd_call *c)
{
    const double rows = (double)jd__rows(&c->in_type[0]), N = (double)c->in_type[0].dim[2];
    const double G = (double)c->in_type[3].dim[0], P = (double)c->in_type[3].dim[1];
    return 2 * rows * (G * (N + P) + (c->in_type[6].rank < 0 ? 0 : P * G / 4));
}

static size_t scratch_lstm(const jd_call *c, int threads)
{
    jd_rec_space s;
    return jd__rec_space(c, 4, false, threads, NULL, &s);
}

jd_lstm_out jd_lstm_raw(jd_graph *g, jd_lstm_args a)
{
    jd_node out[6] = {{0}};
    if (jd_error(jd_graph_ctx(g))) return (jd_lstm_out){0};
    const jd_lstm_attr attr = {.reverse = a.reverse,
                               .no_forget = a.no_forget,
                               .truncate = a.truncate,
                               .in_squash = (uint8_t)a.in_squash,
                               .out_squash = (uint8_t)a.out_squash};
    const jd_node in[9] = {a.x, a.length, a.W, a.R, a.b, a.peep, a.proj, a.h0, a.c0};
    if (!jd__add(g, JD_OP_lstm, &attr, in, 9, out).id) return (jd_lstm_out){0};
    return (jd_lstm_out){out[0], out[1], out[2], jd_stop(g, out[3]), jd_stop(g, out[4])};
}

#define JD_SELF "ops/lstm.c"
#include "ops/twice.h"

const jd_op jd__op_lstm = {.name = "lstm",
                           .doc = "LSTM layer over whole sequences",
                           .attr_bytes = sizeof(jd_lstm_attr),
                           .infer = infer_lstm,
                           .grad = grad_lstm,
                           .decompose = decompose_lstm,
                           .scratch = scratch_lstm,
                           .flop = flop_lstm,
                           .ref = {lstm_f32, lstm_f64}};
#else
#include "ops/squash.h"

/* One step of one sample.  h (P) and cell (H) are the state before (NULL: zero). */
static void FN(lstm_step)(const jd_call *c, size_t row, const REAL *h, const REAL *cell)
{
    const jd_lstm_attr *a = c->attr;
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[0] / 4,
                 P = (size_t)c->in_type[3].dim[1];
    const REAL *x = (const REAL *)c->in[0] + row * N, *W = c->in[2], *R = c->in[3], *bias = c->in[4];
    const REAL *peep = c->in[5], *proj = c->in[6];
    REAL *y = (REAL *)c->out[0] + row * P, *gates = (REAL *)c->out[3] + row * 4 * H;
    REAL *next = (REAL *)c->out[4] + row * H, *m = proj ? (REAL *)c->out[5] + row * H : y;
    for (size_t k = 0; k < 4 * H; k++) {
        REAL sum = bias[k];
        for (size_t j = 0; j < N; j++) sum += W[k * N + j] * x[j];
        for (size_t j = 0; h && j < P; j++) sum += R[k * P + j] * h[j];
        gates[k] = sum;
    }
    for (size_t u = 0; u < H; u++) {
        REAL *i = gates + u, *f = i + H, *z = f + H, *o = z + H;
        const REAL before = cell ? cell[u] : 0;
        *i = R_SIGMOID(*i + (peep ? peep[u] * before : 0));
        *f = a->no_forget ? 1 : R_SIGMOID(*f + (peep ? peep[H + u] * before : 0));
        *z = FN(squash)(a->in_squash, *z);
        next[u] = *z * *i + before * *f;
        *o = R_SIGMOID(*o + (peep ? peep[2 * H + u] * next[u] : 0));
        m[u] = *o * FN(squash)(a->out_squash, next[u]);
    }
    for (size_t k = 0; proj && k < P; k++) {
        REAL sum = 0;
        for (size_t u = 0; u < H; u++) sum += proj[k * H + u] * m[u];
        y[k] = sum;
    }
}

static void FN(lstm)(const jd_call *c, const jd_worker *w)
{
    const jd_lstm_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1];
    const size_t H = (size_t)c->in_type[3].dim[0] / 4, P = (size_t)c->in_type[3].dim[1];
    const REAL *h0 = c->in[7], *c0 = c->in[8];
    REAL *y = c->out[0], *cells = c->out[4];
    if (w->id) return;
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        const REAL *h = h0 ? h0 + b * P : NULL, *cell = c0 ? c0 + b * H : NULL;
        for (size_t s = 0; s < length; s++) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            FN(lstm_step)(c, row, h, cell);
            h = y + row * P;
            cell = cells + row * H;
        }
        for (size_t k = 0; k < P; k++) ((REAL *)c->out[1])[b * P + k] = h ? h[k] : 0;
        for (size_t k = 0; k < H; k++) ((REAL *)c->out[2])[b * H + k] = cell ? cell[k] : 0;
        for (size_t t = length; t < T; t++) {
            const size_t row = t * B + b;
            memset(y + row * P, 0, P * sizeof(REAL));
            memset((REAL *)c->out[3] + row * 4 * H, 0, 4 * H * sizeof(REAL));
            memset(cells + row * H, 0, H * sizeof(REAL));
            if (c->in[6]) memset((REAL *)c->out[5] + row * H, 0, H * sizeof(REAL));
        }
    }
}
#endif
