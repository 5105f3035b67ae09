/* softmax.c - softmax and its cross entropy, one row at a time. */
#include "cpu/cpu.h"
#include "cpu/rowexp.h"
#include "ops/attrs.h"

void JD_K(jd__k_softmax)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_softmax_xent)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_softmax_xent_grad)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_amax)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_argmax)(const jd_call *c, const jd_worker *w);

void JD_K(jd__k_softmax)(const jd_call *c, const jd_worker *w)
{
    const jd_softmax_attr *a = c->attr;
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *x = (const float *)c->in[0] + r * (size_t)K;
        float *y = (float *)c->out[0] + r * (size_t)K, smallest;
        const float max = jd_row_max(x, K, &smallest);
        if (!a->log) {
            const double sum = jd_row_exp(x, y, K, max, smallest);
            jd_row_scale(y, K, (float)(1 / sum));
            continue;
        }
        const double sum = jd_row_exp(x, y, K, max, smallest);
        const float lse = sum > 0 ? (float)jd__log64(sum) : NAN; /* a NaN sum is not above 0 */
        const vf m = vf_set1(max), l = vf_set1(lse);
        for (int64_t i = 0; i < K; i += VL) {
            const int left = jd_row_left(K - i, 0);
            vf_storen(y + i, vf_sub(vf_sub(vf_loadn(x + i, left), m), l), left);
        }
    }
}

void JD_K(jd__k_softmax_xent)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    const int32_t *labels = c->in[1];
    float *loss = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *x = (const float *)c->in[0] + r * (size_t)K;
        float *p = (float *)c->out[1] + r * (size_t)K, smallest;
        const float max = jd_row_max(x, K, &smallest);
        const double sum = jd_row_exp(x, p, K, max, smallest);
        jd_row_scale(p, K, (float)(1 / sum));
        if (labels[r] < 0)
            loss[r] = 0;
        else if (labels[r] >= K || !(sum > 0))
            loss[r] = NAN;
        else
            loss[r] = (float)(jd__log64(sum) - ((double)x[labels[r]] - (double)max));
    }
}

void JD_K(jd__k_softmax_xent_grad)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    const int32_t *labels = c->in[1];
    const float *dloss = c->in[3];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *p = (const float *)c->in[2] + r * (size_t)K;
        float *dx = (float *)c->out[0] + r * (size_t)K;
        const bool counts = labels[r] >= 0 && labels[r] < K;
        if (!counts) {
            memset(dx, 0, (size_t)K * sizeof *dx);
            continue;
        }
        const vf d = vf_set1(dloss[r]);
        for (int64_t i = 0; i < K; i += VL) {
            const int left = jd_row_left(K - i, 0);
            vf_storen(dx + i, vf_mul(vf_loadn(p + i, left), d), left);
        }
        dx[labels[r]] = (p[labels[r]] - 1) * dloss[r];
    }
}

void JD_K(jd__k_amax)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    float *y = c->out[0], smallest;
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 16, &begin, &end);
    for (size_t r = begin; r < end; r++) y[r] = jd_row_max((const float *)c->in[0] + r * (size_t)K, K, &smallest);
}

void JD_K(jd__k_argmax)(const jd_call *c, const jd_worker *w)
{
    const int64_t K = c->in_type[0].dim[c->in_type[0].rank - 1];
    int32_t *y = c->out[0];
    size_t begin, end;
    jd_share(w, (size_t)jd__rows(&c->in_type[0]), 16, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *x = (const float *)c->in[0] + r * (size_t)K;
        float smallest;
        const float max = jd_row_max(x, K, &smallest);
        int64_t k = 0;
        while (k < K && x[k] != max) k++;
        y[r] = k < K ? (int32_t)k : 0;
    }
}
