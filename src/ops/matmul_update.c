/* matmul_update.c - w = w + alpha op(a) op(b): the SGD step of a dense layer without a gradient buffer.  Only the planner
 * makes it; the bits equal the product followed by the update. */
#ifndef REAL
#include "graph/graph.h"
#include "ops/attrs.h"
#include "ops/gemm_size.h"
#include "ops/real.h"

static jd_status infer(jd_infer *c)
{
    return jd__bad(c, "is made by the planner only; use jd_matmul and an update");
}

static double flop(const jd_call *c)
{
    const jd_matmul_update_attr *a = c->attr;
    return 2.0 * (double)jd__count(&c->in_type[2]) * (double)(c->in_type[0].dim[a->ta ? 0 : 1] + c->nout);
}

static size_t scratch(const jd_call *c, int threads)
{
    const jd_matmul_update_attr *a = c->attr;
    return jd__gemm_scratch(c->in_type[2].dim[0], c->in_type[2].dim[1], c->in_type[0].dim[a->ta ? 0 : 1], threads);
}

#define JD_SELF "ops/matmul_update.c"
#include "ops/twice.h"

const jd_op jd__op_matmul_update = {.name = "matmul_update",
                                    .doc = "adds a product to a parameter",
                                    .flags = JD_OP_FENCE,
                                    .attr_bytes = sizeof(jd_matmul_update_attr),
                                    .infer = infer,
                                    .scratch = scratch,
                                    .flop = flop,
                                    .ref = {matmul_update_f32, matmul_update_f64}};

#else
static void FN(matmul_update)(const jd_call *c, const jd_worker *w)
{
    const jd_matmul_update_attr *a = c->attr;
    const REAL *A = c->in[0], *B = c->in[1];
    REAL *C = c->in[2];
    const REAL alpha = a->negate ? -*(const REAL *)c->in[3] : *(const REAL *)c->in[3];
    const int64_t M = c->in_type[2].dim[0], N = c->in_type[2].dim[1], K = c->in_type[0].dim[a->ta ? 0 : 1];
    const int64_t am = a->ta ? 1 : K, ak = a->ta ? M : 1, bk = a->tb ? 1 : N, bn = a->tb ? K : 1;
    size_t begin, end;
    if (c->nout) {
        REAL *out = c->out[0];
        jd_share(w, (size_t)N, 1, &begin, &end);
        for (int64_t n = (int64_t)begin; n < (int64_t)end; n++) {
            REAL s = 0;
            for (int64_t m = 0; m < M; m++) s = R_FMA(A[m * am], C[m * N + n], s);
            out[n] = s;
        }
        jd_team_barrier(w);
    }
    jd_share(w, (size_t)M, 1, &begin, &end);
    for (int64_t m = (int64_t)begin; m < (int64_t)end; m++)
        for (int64_t n = 0; n < N; n++) {
            REAL s = 0;
            for (int64_t k = 0; k < K; k++) s = R_FMA(A[m * am + k * ak], B[k * bk + n * bn], s);
            C[m * N + n] = R_FMA(alpha, s, C[m * N + n]);
        }
}
#endif
