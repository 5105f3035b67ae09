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

/* VL columns of `rows` (constant) rows of W: out += a W, and W's own update w = w + alpha (a x). */
JD_INLINE void columns_out_and_in(const int rows, const vf *a, vf alpha, const float *x, float *W, int64_t N,
                                  float *out, int start, const int n)
{
    const vf in = n == VL ? vf_load(x) : vf_loadn(x, n);
    vf s = start ? vf_zero() : n == VL ? vf_load(out) : vf_loadn(out, n);
    JD_UNROLL for (int i = 0; i < rows; i++)
    {
        float *w = W + i * N;
        const vf weight = n == VL ? vf_load(w) : vf_loadn(w, n);
        const vf next = vf_fma(alpha, vf_fma(a[i], in, vf_zero()), weight);
        s = vf_fma(a[i], weight, s);
        if (n == VL)
            vf_store(w, next);
        else
            vf_storen(w, next, n);
    }
    if (n == VL)
        vf_store(out, s);
    else
        vf_storen(out, s, n);
}

JD_INLINE void rows_out_and_in(const int rows, const float *a, float alpha, const float *x, float *W, int64_t N,
                               float *out, int64_t n0, int64_t n1, int start)
{
    vf each[8];
    JD_UNROLL for (int i = 0; i < rows; i++) each[i] = vf_set1(a[i]);
    int64_t n = n0;
    for (; n + VL <= n1; n += VL) columns_out_and_in(rows, each, vf_set1(alpha), x + n, W + n, N, out + n, start, VL);
    if (n < n1) columns_out_and_in(rows, each, vf_set1(alpha), x + n, W + n, N, out + n, start, (int)(n1 - n));
}

/* One sample: each member takes columns, and walks over all rows. */
static void error_and_update(const jd_call *c, const jd_worker *w, float alpha)
{
    const int64_t M = c->in_type[2].dim[0], N = c->in_type[2].dim[1];
    const float *a = c->in[0], *x = c->in[1];
    float *W = c->in[2], *out = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)N, 64, &begin, &end);
    const int64_t n0 = (int64_t)begin, n1 = (int64_t)end;
    int64_t m = 0;
    for (; m + 8 <= M; m += 8) rows_out_and_in(8, a + m, alpha, x, W + m * N, N, out, n0, n1, m == 0);
    for (; m < M; m++) rows_out_and_in(1, a + m, alpha, x, W + m * N, N, out, n0, n1, m == 0);
}

void JD_K(jd__k_matmul_update)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_update_attr *a = c->attr;
    jd_gemm g = product(c, a->ta, a->tb, &c->in_type[2], c->in[2]);
    const float alpha = a->negate ? -*(const float *)c->in[3] : *(const float *)c->in[3];
    if (c->nout) {
        error_and_update(c, w, alpha);
        return;
    }
    g.update = 1;
    g.alpha = alpha;
    JD_K(jd__gemm)(&g, w, c->scratch);
}
