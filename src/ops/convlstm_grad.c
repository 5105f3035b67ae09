/*
 * convlstm_grad.c - back-propagation through convlstm.c, planes in reverse order of the scan:
 *
 *     dh = dy + [R' * d~] of the next plane      do~ = dh tanh(c) o(1-o)
 *     dc = dh o (1 - tanh^2 c) + [f dc] of the next plane
 *     di~ = dc z i(1-i)   df~ = dc c(before) f(1-f)   dz~ = dc i (1 - z^2)
 *
 * R' * is the correlation with the weights turned.  Weight gradients and dx come from the errors d~ of all planes at once.
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/convlstm.h"
#include "ops/real.h"

static jd_status infer_convlstm_grad(jd_infer *c)
{
    const jd_convlstm_attr *a = c->attr;
    /* Built by convlstm's gradient rule: shapes were checked there. */
    static const int like[4] = {0, 2, 3, 4};
    c->nout = 4;
    for (int k = 0; k < 4; k++) c->out[k] = jd__rec_like(c, like[k]);
    if (!a->need_dx) c->out[0] = jd__rec_type(c->in[0].dtype, JD_DIMS(0));
    return JD_OK;
}

static void grad_convlstm_grad(const jd_rule *c)
{
    static const int out_of[4] = {0, 2, 3, 4};
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_convlstm, 5, 8, 1, out_of});
}

static double flop_convlstm_grad(const jd_call *c)
{
    const jd_planes p = jd__planes(c);
    const double steps = (double)(p.T > 0 ? p.T - 1 : 0), dx = ((const jd_convlstm_attr *)c->attr)->need_dx ? 2 : 1;
    return 2. * (double)(p.B * p.plane * 4 * p.C * p.k * p.k) *
           ((double)p.T * (double)p.N * dx + 2 * steps * (double)p.C);
}

static size_t scratch_convlstm_grad(const jd_call *c, int threads)
{
    const jd_planes p = jd__planes(c);
    jd_plane_space s;
    const size_t fast = jd__plane_space(c, true, threads, NULL, &s);
    const size_t plain = sizeof(double) * (size_t)(p.plane * p.C * 3 + 4 * p.C);
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/convlstm_grad.c"
#include "ops/twice.h"

const jd_op jd__op_convlstm_grad = {.name = "convlstm_grad",
                                    .doc = "back-propagation through convlstm",
                                    .attr_bytes = sizeof(jd_convlstm_attr),
                                    .infer = infer_convlstm_grad,
                                    .grad = grad_convlstm_grad,
                                    .scratch = scratch_convlstm_grad,
                                    .flop = flop_convlstm_grad,
                                    .ref = {convlstm_grad_f32, convlstm_grad_f64}};
#else
/* What flows between the planes of one sample: errors of the states that arrive at a plane and that it sends on. */
typedef struct FN(planeflow) {
    REAL *dh, *sent, *dc; /* (plane,C) */
    REAL *delta;          /* (4C) */
} FN(planeflow);

static void FN(convlstm_errors)(const jd_call *c, const jd_planes *p, int64_t at, int64_t was, int64_t place,
                                const FN(planeflow) * e)
{
    const int64_t C = p->C;
    const REAL *gates = (const REAL *)c->in[6] + at * 4 * C, *cells = c->in[7], *dy = (const REAL *)c->in[8] + at * C;
    for (int64_t u = 0; u < C; u++) {
        const REAL i = gates[u], f = gates[C + u], z = gates[2 * C + u], o = gates[3 * C + u];
        const REAL old = was < 0 ? 0 : cells[was * C + u], s = R_TANH(cells[at * C + u]);
        const REAL dh = dy[u] + e->dh[place * C + u];
        const REAL dc = dh * o * (1 - s * s) + e->dc[place * C + u];
        e->delta[u] = dc * z * i * (1 - i);
        e->delta[C + u] = dc * old * f * (1 - f);
        e->delta[2 * C + u] = dc * i * (1 - z * z);
        e->delta[3 * C + u] = dh * s * o * (1 - o);
        e->dc[place * C + u] = dc * f;
    }
}

/* Adds delta (4C) of one place times what it met, and times the weights. */
static void FN(convlstm_products)(const jd_planes *p, const jd_plane_size *n, const REAL *delta, int64_t y, int64_t x,
                                  int64_t channels, const REAL *in, const REAL *w, REAL *dw, REAL *din)
{
    for (int64_t k = 0; k < 4 * p->C; k++)
        for (int64_t u = 0; u < p->k; u++)
            for (int64_t v = 0; v < p->k; v++) {
                const int64_t iy = y + u - p->k / 2, ix = x + v - p->k / 2;
                if (iy < 0 || iy >= n->height || ix < 0 || ix >= n->width) continue;
                const int64_t at = (iy * p->X + ix) * channels, tap = ((k * p->k + u) * p->k + v) * channels;
                for (int64_t j = 0; j < channels; j++) {
                    dw[tap + j] += delta[k] * in[at + j];
                    if (din) din[at + j] += delta[k] * w[tap + j];
                }
            }
}

static void FN(convlstm_back)(const jd_call *c, const jd_planes *p, const jd_plane_size *n, int64_t now, int64_t before,
                              FN(planeflow) * e)
{
    const REAL *x = (const REAL *)c->in[0] + now * p->plane * p->N, *h = c->in[5];
    const bool need_dx = ((const jd_convlstm_attr *)c->attr)->need_dx;
    REAL *dx = need_dx ? (REAL *)c->out[0] + now * p->plane * p->N : NULL, *db = c->out[3];
    memset(e->sent, 0, (size_t)(p->plane * p->C) * sizeof(REAL));
    for (int64_t y = 0; y < n->height; y++)
        for (int64_t xx = 0; xx < n->width; xx++) {
            const int64_t place = y * p->X + xx;
            FN(convlstm_errors)
            (c, p, now * p->plane + place, before < 0 ? -1 : before * p->plane + place, place, e);
            for (int64_t k = 0; k < 4 * p->C; k++) db[k] += e->delta[k];
            FN(convlstm_products)(p, n, e->delta, y, xx, p->N, x, c->in[2], c->out[1], dx);
            if (before >= 0) FN(convlstm_products)
            (p, n, e->delta, y, xx, p->C, h + before * p->plane * p->C, c->in[3], c->out[2], e->sent);
        }
    REAL *swap = e->dh;
    e->dh = e->sent;
    e->sent = swap;
}

static void FN(convlstm_grad)(const jd_call *c, const jd_worker *w)
{
    jd_planes p = jd__planes(c);
    p.size = c->in[1];
    if (w->id) return;
    const int64_t flow = p.plane * p.C;
    REAL *scratch = c->scratch;
    for (int k = 0; k < 4; k++)
        if (jd__count(&c->out_type[k])) memset(c->out[k], 0, (size_t)jd__count(&c->out_type[k]) * sizeof(REAL));
    for (int64_t b = 0; b < p.B; b++) {
        const jd_plane_size n = jd__plane_size(&p, b);
        FN(planeflow) e = {scratch, scratch + flow, scratch + 2 * flow, scratch + 3 * flow};
        memset(scratch, 0, (size_t)(3 * flow) * sizeof(REAL));
        for (int64_t s = n.length; s-- > 0;)
            FN(convlstm_back)(c, &p, &n, jd__plane_at(&p, b, n.length, s), jd__plane_at(&p, b, n.length, s - 1), &e);
    }
}
#endif
