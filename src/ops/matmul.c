/*
 * matmul.c - products of matrices, with the bias and squashing function that the planner folds into them.
 *
 * Every element is one chain of fused multiply-adds over k in order, from 0, or 16 such chains over every 16th k (see
 * jd__matmul_in_parts): the same bits for any batch, any number of threads and any kernel.
 */
#ifndef REAL
#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/gemm_size.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    const jd_matmul_attr *a = c->attr;
    if (c->in[0].rank != 2 || c->in[1].rank != 2)
        return jd__bad(c, "needs two matrices; reshape to two dimensions first");
    if (c->in[0].dtype == JD_I32 || c->in[1].dtype != c->in[0].dtype)
        return jd__bad(c, "needs two real matrices of one type");
    const int64_t ka = c->in[0].dim[a->ta ? 0 : 1], kb = c->in[1].dim[a->tb ? 1 : 0];
    if (ka != kb)
        return jd__bad(c, "the inner dimensions differ: %lld and %lld%s", (long long)ka, (long long)kb,
                       c->in[1].dim[a->tb ? 0 : 1] == ka ? "; is .tb the wrong way round?" : "");
    c->out[0] = (jd_type){c->in[0].dtype, 2, {c->in[0].dim[a->ta ? 1 : 0], c->in[1].dim[a->tb ? 0 : 1]}};
    return JD_OK;
}

static void grad(const jd_rule *c)
{
    const jd_matmul_attr *a = c->attr;
    const jd_node A = c->in[0], B = c->in[1], d = c->dout[0];
    if (c->need[0])
        c->din[0] = a->ta ? jd_matmul(c->g, B, d, .ta = a->tb, .tb = true) : jd_matmul(c->g, d, B, .tb = !a->tb);
    if (c->need[1])
        c->din[1] = a->tb ? jd_matmul(c->g, d, A, .ta = true, .tb = a->ta) : jd_matmul(c->g, A, d, .ta = !a->ta);
}

static double flop(const jd_call *c)
{
    const jd_matmul_attr *a = c->attr;
    return 2.0 * (double)jd__count(&c->out_type[0]) * (double)c->in_type[0].dim[a->ta ? 0 : 1];
}

static size_t scratch(const jd_call *c, int threads)
{
    const jd_matmul_attr *a = c->attr;
    return jd__gemm_scratch(c->out_type[0].dim[0], c->out_type[0].dim[1], c->in_type[0].dim[a->ta ? 0 : 1], threads);
}

#define JD_SELF "ops/matmul.c"
#include "ops/twice.h"

const jd_op jd__op_matmul = {.name = "matmul",
                             .doc = "(M,K) x (K,N), operands transposed at will",
                             .attr_bytes = sizeof(jd_matmul_attr),
                             .infer = infer,
                             .grad = grad,
                             .scratch = scratch,
                             .flop = flop,
                             .ref = {matmul_f32, matmul_f64}};

jd_node jd_matmul_opt(jd_graph *g, jd_node a, jd_node b, jd_matmul_options o)
{
    if (!a.id || !b.id) return JD_NONE;
    return jd__add(g, JD_OP_matmul, &(jd_matmul_attr){.ta = o.ta, .tb = o.tb}, (const jd_node[]){a, b}, 2, NULL);
}

#else
/* The sum in 16 parts; the tree is jd_tree16's. */
static REAL FN(in_parts)(const REAL *a, const REAL *b, int64_t K)
{
    REAL s[16] = {0};
    for (int64_t k = 0; k < K; k++) s[k % 16] = R_FMA(a[k], b[k], s[k % 16]);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) s[i] += s[i + half];
    return s[0];
}

static void FN(matmul)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_attr *a = c->attr;
    const REAL *A = c->in[0], *B = c->in[1], *bias = c->nin > 2 ? c->in[2] : NULL;
    REAL *C = c->out[0];
    const int64_t M = c->out_type[0].dim[0], N = c->out_type[0].dim[1], K = c->in_type[0].dim[a->ta ? 0 : 1];
    const int64_t am = a->ta ? 1 : K, ak = a->ta ? M : 1, bk = a->tb ? 1 : N, bn = a->tb ? K : 1;
    const bool parts = jd__matmul_in_parts(a->ta, a->tb, N, K);
    size_t begin, end;
    jd_share(w, (size_t)M, 1, &begin, &end);
    for (int64_t m = (int64_t)begin; m < (int64_t)end; m++)
        for (int64_t n = 0; n < N; n++) {
            REAL s = 0;
            if (parts)
                s = FN(in_parts)(A + m * K, B + n * K, K);
            else
                for (int64_t k = 0; k < K; k++) s = R_FMA(A[m * am + k * ak], B[k * bk + n * bn], s);
            if (bias) s += bias[n];
            if (a->act == JD_ACT_TANH) s = R_TANH(s);
            if (a->act == JD_ACT_SIGMOID) s = R_SIGMOID(s);
            if (a->act == JD_ACT_RELU) s = s > 0 ? s : 0;
            C[m * N + n] = s;
        }
}
#endif
