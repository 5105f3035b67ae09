/* matmul.c - the products of op matmul and matmul_update. */
#include "cpu/gemm.h"
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

void JD_K(jd__k_matmul)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_attr *a = c->attr;
    jd_gemm g = product(c, a->ta, a->tb, &c->out_type[0], c->out[0]);
    g.bias = c->nin > 2 ? c->in[2] : NULL;
    g.act = (jd_act)a->act;
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
