/* srn.c - a simple recurrent net (Elman 1990), whole sequences: h = act(W x + R h + b). */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/real.h"
#include "ops/recurrent.h"

static jd_status infer_srn(jd_infer *c)
{
    const jd_type *x = &c->in[0];
    if (jd__rec_want_sequence(c)) return JD_EUSAGE;
    const jd_rnn_attr *a = c->attr;
    if (a->act > 3) return jd__bad(c, "act is %d; it must be 0 tanh, 1 sigmoid, 2 relu or 3 linear", a->act);
    if (c->in[2].rank != 2) return jd__bad(c, "W must have the shape (H,N)");
    const int64_t B = x->dim[1], H = c->in[2].dim[0];
    if (jd__rec_want(c, 2, "W", false, x->dtype, JD_DIMS(H, x->dim[2])) ||
        jd__rec_want(c, 3, "R", false, x->dtype, JD_DIMS(H, H)) ||
        jd__rec_want(c, 4, "b", false, x->dtype, JD_DIMS(H)) || jd__rec_want(c, 5, "h0", true, x->dtype, JD_DIMS(B, H)))
        return JD_EUSAGE;
    c->nout = 2;
    c->out[0] = jd__rec_type(x->dtype, JD_DIMS(x->dim[0], B, H));
    c->out[1] = jd__rec_type(x->dtype, JD_DIMS(B, H));
    return JD_OK;
}

static void grad_srn(const jd_rule *c)
{
    static const int kept[] = {0};
    jd_rnn_attr a = *(const jd_rnn_attr *)c->attr;
    a.need_dx = c->need[0];
    jd__rec_grad(c, JD_OP_srn_grad, &a, 6, kept, 1);
}

static void decompose_srn(const jd_rule *c)
{
    jd_graph *g = c->g;
    const jd_rnn_attr *a = c->attr;
    const jd_unroll u = jd__unroll(c, a->reverse);
    const jd_node input = jd__unroll_input(&u, c->in[0], c->in[2], c->in[4]), R = c->in[3];
    jd_node h = c->in[5].id ? c->in[5] : jd_const(g, 0, JD_DIMS(u.B, jd_dim(g, R, 0)));
    jd_node *y = jd__graph_alloc(g, (size_t)u.T * sizeof *y);
    if (!y) return;
    for (int64_t s = 0; s < u.T; s++) {
        const jd_node pre = jd_add(g, jd__unroll_at(&u, input, s), jd_matmul(g, h, R, .tb = true));
        const jd_node out = a->act == 0   ? jd_tanh(g, pre)
                            : a->act == 1 ? jd_sigmoid(g, pre)
                            : a->act == 2 ? jd_relu(g, pre)
                                          : pre;
        y[s] = jd__unroll_alive(&u, s, out, JD_NONE);
        h = jd__unroll_alive(&u, s, out, h);
    }
    c->out[0] = jd__unroll_stack(&u, y);
    c->out[1] = h;
}

static double flop_srn(const jd_call *c)
{
    const double H = (double)c->in_type[3].dim[0], N = (double)c->in_type[0].dim[2];
    return 2 * (double)jd__rows(&c->in_type[0]) * H * (N + H);
}

static size_t scratch_srn(const jd_call *c, int threads)
{
    const jd_type *x = &c->in_type[0];
    jd_rec_space s;
    /* a small net keeps 8 pre-activations a step, in a whole vector */
    const bool tiny = x->dim[1] == 1 && c->in_type[3].dim[0] <= 8;
    const size_t fast = jd__rec_space(c, 1, false, threads, NULL, &s),
                 small = tiny ? (size_t)x->dim[0] * 16 * sizeof(float) : 0;
    return fast > small ? fast : small;
}

jd_rnn_out jd_srn_raw(jd_graph *g, jd_rnn_args a)
{
    jd_node out[2] = {{0}};
    if (jd_error(jd_graph_ctx(g))) return (jd_rnn_out){0};
    const jd_rnn_attr attr = {.reverse = a.reverse, .act = a.act < 0 || a.act > 3 ? 255 : (uint8_t)a.act};
    const jd_node in[6] = {a.x, a.length, a.W, a.R, a.b, a.h0};
    if (!jd__add(g, JD_OP_srn, &attr, in, 6, out).id) return (jd_rnn_out){0};
    return (jd_rnn_out){out[0], out[1]};
}

#define JD_SELF "ops/srn.c"
#include "ops/twice.h"

const jd_op jd__op_srn = {.name = "srn",
                          .doc = "simple recurrent layer over whole sequences: h = act(W x + R h + b)",
                          .attr_bytes = sizeof(jd_rnn_attr),
                          .infer = infer_srn,
                          .grad = grad_srn,
                          .decompose = decompose_srn,
                          .scratch = scratch_srn,
                          .flop = flop_srn,
                          .ref = {srn_f32, srn_f64}};
#else
#include "ops/squash.h"

static void FN(srn)(const jd_call *c, const jd_worker *w)
{
    const jd_rnn_attr *a = c->attr;
    const size_t T = (size_t)c->in_type[0].dim[0], B = (size_t)c->in_type[0].dim[1];
    const size_t N = (size_t)c->in_type[0].dim[2], H = (size_t)c->in_type[3].dim[0];
    const REAL *x = c->in[0], *W = c->in[2], *R = c->in[3], *bias = c->in[4], *h0 = c->in[5];
    REAL *y = c->out[0];
    if (w->id) return;
    for (size_t b = 0; b < B; b++) {
        const size_t length = jd__length(c->in[1], b, T);
        const REAL *h = h0 ? h0 + b * H : NULL;
        for (size_t s = 0; s < length; s++) {
            const size_t row = jd__time(a->reverse, length, s) * B + b;
            for (size_t k = 0; k < H; k++) {
                REAL sum = bias[k];
                for (size_t j = 0; j < N; j++) sum += W[k * N + j] * x[row * N + j];
                for (size_t j = 0; h && j < H; j++) sum += R[k * H + j] * h[j];
                y[row * H + k] = FN(rnn_act)(a->act, sum);
            }
            h = y + row * H;
        }
        for (size_t k = 0; k < H; k++) ((REAL *)c->out[1])[b * H + k] = h ? h[k] : 0;
        for (size_t t = length; t < T; t++) memset(y + (t * B + b) * H, 0, H * sizeof(REAL));
    }
}
#endif
