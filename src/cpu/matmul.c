/* matmul.c - the products of op matmul and matmul_update. */
#include "cpu/dense_small.h"
#include "cpu/gemm.h"
#include "cpu/vecmath.h"
#include "graph/op.h"

void JD_K(jd__k_matmul)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_matmul_update)(const jd_call *c, const jd_worker *w);

static jd_gemm product(const jd_call *c, int ta, int tb, const jd_type *out, float *C)
{
    const int64_t M = out->dim[0], N = out->dim[1], K = c->in_type[0].dim[ta ? 0 : 1];
    return (jd_gemm){.M = M,
                     .N = N,
                     .K = K,
                     .A = c->in[0],
                     .am = ta ? 1 : K,
                     .ak = ta ? M : 1,
                     .B = c->in[1],
                     .bk = tb ? 1 : N,
                     .bn = tb ? K : 1,
                     .C = C,
                     .ldc = N};
}

/* One column: the product is turned, so that the rows of A fill the lanes.  The bias is then a single number. */
static void one_column(jd_gemm *g, const jd_worker *w, float *scratch)
{
    const jd_gemm turned = {.M = 1,
                            .N = g->M,
                            .K = g->K,
                            .A = g->B,
                            .ak = g->bk,
                            .B = g->A,
                            .bk = g->ak,
                            .bn = g->am,
                            .C = g->C,
                            .ldc = g->M};
    JD_K(jd__gemm)(&turned, w, scratch);
    if (!g->bias && g->act == JD_ACT_NONE) return;
    jd_team_barrier(w);
    size_t begin, end;
    jd_share(w, (size_t)g->M, VL, &begin, &end);
    for (size_t i = begin; i < end; i += VL) {
        const int n = end - i < VL ? (int)(end - i) : VL;
        vf x = vf_loadn(g->C + i, n);
        if (g->bias) x = vf_add(x, vf_set1(g->bias[0]));
        if (g->act == JD_ACT_TANH) x = vf_tanh(x);
        if (g->act == JD_ACT_SIGMOID) x = vf_sigmoid(x);
        if (g->act == JD_ACT_RELU) x = vf_select(vf_gt(x, vf_zero()), x, vf_zero());
        vf_storen(g->C + i, x, n);
    }
}

void JD_K(jd__k_matmul)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_attr *a = c->attr;
    if (jd__matmul_in_parts(a->ta, a->tb, c->out_type[0].dim[1], c->in_type[0].dim[1])) {
        JD_K(jd__dense_parts)(c, w);
        return;
    }
    jd_gemm g = product(c, a->ta, a->tb, &c->out_type[0], c->out[0]);
    g.bias = c->nin > 2 ? c->in[2] : NULL;
    g.act = (jd_act)a->act;
    if (g.N == 1 && g.M > 1)
        one_column(&g, w, c->scratch);
    else
        JD_K(jd__gemm)(&g, w, c->scratch);
}

void JD_K(jd__k_matmul_update)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_update_attr *a = c->attr;
    jd_gemm g = product(c, a->ta, a->tb, &c->in_type[2], c->in[2]);
    const float alpha = *(const float *)c->in[3];
    g.update = 1;
    g.alpha = a->negate ? -alpha : alpha;
    JD_K(jd__gemm)(&g, w, c->scratch);
}
