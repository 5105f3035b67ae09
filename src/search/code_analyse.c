/*
 * code_analyse.c - codes of weights, the other direction: genes from weights; products that never make the weights.
 */
#include <string.h>

#include "search/code.h"

/* Room for the largest array of weights, twice. */
static jd_status need_work(jd_code *c)
{
    size_t most = 0;
    for (int i = 0; i < c->parts; i++)
        if (c->part[i].weights > most) most = c->part[i].weights;
    for (int k = 0; k < 2; k++)
        if (!c->work[k]) c->work[k] = jd_alloc_array(c->ctx, most, sizeof **c->work);
    return jd_error(c->ctx);
}

/* Sums of x times the basis functions of dimensions first .. rank - 1: from work[0], which holds x, to the result. */
static const double *analyse(jd_code *c, const jd__code_part *p, int first)
{
    double *in = c->work[0], *out = c->work[1];
    size_t done = 1, rest = 1; /* coefficients made so far; places still to come */
    for (int d = first; d < p->rank; d++) rest *= (size_t)p->size[d];
    for (int d = first; d < p->rank; d++) {
        const size_t n = (size_t)p->size[d], K = (size_t)p->K[d];
        const size_t row = d == p->rank - 1 ? jd__code_padded(p->size[d]) : n;
        rest /= n;
        for (size_t i = 0; i < done; i++)
            for (size_t k = 0; k < K; k++)
                c->control->contract(p->across[d] + k * row, p->size[d], in + i * n * rest, rest,
                                     out + (i * K + k) * rest);
        done *= K;
        double *swap = in;
        in = out, out = swap;
    }
    return in;
}

jd_status jd_code_encode(jd_code *c, const double *weights, double *genome)
{
    if (!c) return JD_EUSAGE;
    if (jd_error(c->ctx) || need_work(c)) return jd_error(c->ctx);
    for (int i = 0; i < c->parts; i++) {
        const jd__code_part *p = &c->part[i];
        const size_t R = (size_t)p->rank, apart = p->stride[R - 1];
        double *x = c->work[0];
        jd__code_walk w = {.place = p->offset};
        do
            for (int k = 0; k < p->size[R - 1]; k++) *x++ = weights[w.place + (size_t)k * apart] / p->scale;
        while (jd__code_step(p, &w));
        if (c->kind == JD_CODE_DIRECT) {
            memcpy(genome + p->first, c->work[0], p->genes * sizeof *genome);
            continue;
        }
        const double *sum = analyse(c, p, 0);
        for (size_t g = 0; g < p->genes; g++) {
            double v = sum[p->at[g]];
            for (size_t d = 0; d < R; d++) v *= p->inverse[d][p->index[g * R + d]];
            genome[p->first + g] = v;
        }
    }
    return JD_OK;
}

/* ---- products ----------------------------------------------------------------------------------------------------------*/

/* From coefficients (K[0] .. K[split-1]) in `in` to places; the result. */
static const double *synthesise(jd_code *c, const jd__code_part *p, int split, double *in, double *out)
{
    size_t done = 1, rest = 1;
    for (int d = 0; d < split; d++) rest *= (size_t)p->K[d];
    for (int d = 0; d < split; d++) {
        const size_t n = (size_t)p->size[d], K = (size_t)p->K[d];
        rest /= K;
        for (size_t i = 0; i < done; i++)
            for (size_t x = 0; x < n; x++)
                c->control->contract(p->along[d] + x * K, p->K[d], in + i * K * rest, rest, out + (i * n + x) * rest);
        done *= n;
        double *swap = in;
        in = out, out = swap;
    }
    return in;
}

static void multiply_direct(const jd__code_part *p, size_t rows, const double *w, const float *x, double *y)
{
    const size_t columns = p->weights / rows;
    for (size_t r = 0; r < rows; r++) {
        y[r] = 0;
        for (size_t k = 0; k < columns; k++) y[r] += p->scale * *w++ * (double)x[k];
    }
}

jd_status jd_code_multiply(jd_code *c, int array, int split, const double *genome, const float *x, double *y)
{
    if (!c) return JD_EUSAGE;
    if (jd_error(c->ctx)) return jd_error(c->ctx);
    if (array < 0 || array >= c->parts || split < 1 || split >= c->part[array].rank || c->part[array].added)
        return jd_fail(
            c->ctx, JD_EUSAGE,
            "code: a product with array %d of %d, divided after dimension %d; it is divided between two of its "
            "dimensions",
            array, c->parts, split);
    if (need_work(c)) return jd_error(c->ctx);
    const jd__code_part *p = &c->part[array];
    size_t rows = 1, trailing = 1;
    for (int d = 0; d < split; d++) rows *= (size_t)p->size[d];
    for (int d = split; d < p->rank; d++) trailing *= (size_t)p->K[d];
    if (c->kind == JD_CODE_DIRECT) {
        multiply_direct(p, rows, genome + p->first, x, y);
        return JD_OK;
    }
    for (size_t k = 0; k < p->weights / rows; k++) c->work[0][k] = (double)x[k];
    const double *seen = analyse(c, p, split);
    double *answer = seen == c->work[0] ? c->work[1] : c->work[0];
    memset(answer, 0, p->dense / trailing * sizeof *answer);
    for (size_t g = 0; g < p->genes; g++)
        answer[p->at[g] / trailing] += p->scale * genome[p->first + g] * seen[p->at[g] % trailing];
    const double *out = synthesise(c, p, split, answer, answer == c->work[0] ? c->work[1] : c->work[0]);
    memcpy(y, out, rows * sizeof *y);
    return JD_OK;
}
