/* ctc_grad.c - dlogits (T,B,K) = grad (T,B,K) dloss (B), where grad came with the loss. */
#ifndef REAL
#include "graph/op.h"
#include "ops/attrs.h"
#include "ops/real.h"

/* in: logits, labels, length, label_length, grad (T,B,K), dloss (B); out: dlogits (T,B,K) */
static jd_status infer_ctc_grad(jd_infer *c)
{
    c->out[0] = c->in[0];
    return JD_OK;
}

static void grad_ctc_grad(const jd_rule *c)
{
    static const int out_of[] = {0};
    jd__grad_of_grad(
        c, &(jd_second_order){.forward = JD_OP_ctc, .forward_in = 4, .dout_at = 5, .douts = 1, .out_of = out_of});
}

#define JD_SELF "ops/ctc_grad.c"
#include "ops/twice.h"

const jd_op jd__op_ctc_grad = {.name = "ctc_grad",
                               .doc = "gradient of ctc with respect to the logits",
                               .flags = JD_OP_IN_PLACE,
                               .attr_bytes = sizeof(jd_ctc_attr),
                               .infer = infer_ctc_grad,
                               .grad = grad_ctc_grad,
                               .ref = {ctc_grad_f32, ctc_grad_f64}};
#else

static void FN(ctc_grad)(const jd_call *c, const jd_worker *w)
{
    const size_t B = (size_t)c->in_type[0].dim[1], K = (size_t)c->in_type[0].dim[2];
    const REAL *dloss = c->in[5];
    size_t begin, end;
    jd_share(w, (size_t)c->in_type[0].dim[0] * B, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const REAL *g = (const REAL *)c->in[4] + r * K, d = dloss[r % B];
        REAL *y = (REAL *)c->out[0] + r * K;
        for (size_t k = 0; k < K; k++) y[k] = g[k] * d;
    }
}
#endif
