/*
 * mdlstm_grad.c - back-propagation through mdlstm.c, in reverse order of the scan.  With the errors of the successors p+e:
 *
 *     dh  = dy + sum_e sum_gates R^e' d~(p+e)                  do~ = dh squash(c) o(1-o)
 *     dc  = dh o squash'(c) + po do~ + sum_e [f^e dc + pi di~ + pf^e df^e~](p+e)
 *     di~ = dc z i(1-i)    df^e~ = dc c(p-e) f^e(1-f^e)    dz~ = dc i g'(z)
 */
#ifndef REAL
#include <string.h>

#include "graph/graph.h"
#include "ops/mdlstm.h"
#include "ops/real.h"

static jd_status infer_mdlstm_grad(jd_infer *c)
{
    const jd_mdlstm_attr *a = c->attr;
    /* Built by mdlstm's gradient rule: shapes were checked there. */
    static const int like[5] = {0, 2, 3, 4, 5};
    c->nout = 5;
    for (int k = 0; k < 5; k++) c->out[k] = jd__rec_like(c, like[k]);
    if (!a->need_dx) c->out[0] = jd__rec_type(c->in[0].dtype, JD_DIMS(0));
    return JD_OK;
}

static void grad_mdlstm_grad(const jd_rule *c)
{
    static const int out_of[5] = {0, 2, 3, 4, 5};
    const jd_mdlstm_attr *a = c->attr;
    if (a->clip > 0) {
        jd_fail(c->g->ctx, JD_EUSAGE, "mdlstm: clipped errors have no second derivative; leave .clip at 0");
        return;
    }
    jd__grad_of_grad(c, &(jd_second_order){JD_OP_mdlstm, 6, 9, 1, out_of});
}

static double flop_mdlstm_grad(const jd_call *c)
{
    const jd_md z = jd__md(c);
    const bool dx = ((const jd_mdlstm_attr *)c->attr)->need_dx;
    const double K = (double)z.N * (dx ? 2 : 1) + 2. * (double)((size_t)z.n * z.H);
    return 2. * (double)(z.B * z.P) * (double)((size_t)z.D * z.G) * K;
}

static size_t scratch_mdlstm_grad(const jd_call *c, int threads)
{
    const jd_md z = jd__md(c);
    jd_md_space s;
    const size_t fast = jd__md_space(&z, true, threads, NULL, &s);
    const size_t plain = sizeof(double) * (z.P * ((size_t)z.D + 1) * 2 * z.H + z.G);
    return fast > plain ? fast : plain;
}

#define JD_SELF "ops/mdlstm_grad.c"
#include "ops/twice.h"

const jd_op jd__op_mdlstm_grad = {.name = "mdlstm_grad",
                                  .doc = "back-propagation through mdlstm",
                                  .attr_bytes = sizeof(jd_mdlstm_attr),
                                  .infer = infer_mdlstm_grad,
                                  .grad = grad_mdlstm_grad,
                                  .scratch = scratch_mdlstm_grad,
                                  .flop = flop_mdlstm_grad,
                                  .ref = {mdlstm_grad_f32, mdlstm_grad_f64}};
#else
#include "ops/squash.h"

/* Errors that wait for the points of one sample and direction. */
typedef struct FN(mdflow) {
    REAL *dh, *dc; /* (P,H) */
    REAL *delta;   /* (G) */
} FN(mdflow);

static REAL FN(clipped)(const jd_mdlstm_attr *a, REAL x)
{
    const REAL most = (REAL)a->clip;
    if (!(most > 0)) return x;
    return x > most ? most : x < -most ? -most : x;
}

/* Point-wise part: delta, and what flows along the cells and peepholes into the predecessors. */
static void FN(mdlstm_errors)(const jd_call *c, const jd_md *z, size_t d, size_t row, size_t place,
                              const size_t *before, const size_t *back, const FN(mdflow) * e)
{
    const jd_mdlstm_attr *a = c->attr;
    const size_t n = (size_t)z->n, H = z->H, D = (size_t)z->D;
    const REAL *gates = (const REAL *)c->in[7] + (row * D + d) * z->G, *all = c->in[8];
    const REAL *cell = all + (row * D + d) * H, *dy = (const REAL *)c->in[9] + (row * D + d) * H;
    const REAL *peep = c->in[5] ? (const REAL *)c->in[5] + d * (n + 2) * H : NULL;
    REAL *dpeep = peep ? (REAL *)c->out[4] + d * (n + 2) * H : NULL;
    for (size_t u = 0; u < H; u++) {
        const REAL i = gates[u], in = gates[(n + 1) * H + u], o = gates[(n + 2) * H + u];
        const REAL s = FN(squash)(a->out_squash, cell[u]), dh = e->dh[place * H + u] + dy[u];
        const REAL d_o = FN(clipped)(a, dh * s * o * (1 - o));
        const REAL dc = e->dc[place * H + u] + dh * o * FN(squash_slope)(a->out_squash, s) +
                        (peep ? peep[(n + 1) * H + u] * d_o : 0);
        const REAL d_i = FN(clipped)(a, dc * in * i * (1 - i));
        e->delta[u] = d_i;
        e->delta[(n + 1) * H + u] = FN(clipped)(a, dc * i * FN(squash_slope)(a->in_squash, in));
        e->delta[(n + 2) * H + u] = d_o;
        if (peep) dpeep[(n + 1) * H + u] += d_o * cell[u];
        for (size_t k = 0; k < n; k++) {
            const REAL f = gates[(1 + k) * H + u];
            const REAL old = before[k] != SIZE_MAX ? all[(before[k] * D + d) * H + u] : 0;
            const REAL d_f = FN(clipped)(a, dc * old * f * (1 - f));
            e->delta[(1 + k) * H + u] = d_f;
            if (peep) dpeep[u] += d_i * old;
            if (peep) dpeep[(1 + k) * H + u] += d_f * old;
            if (before[k] == SIZE_MAX) continue;
            e->dc[back[k] * H + u] += dc * f + (peep ? peep[u] * d_i + peep[(1 + k) * H + u] * d_f : 0);
        }
    }
}

static void FN(mdlstm_products)(const jd_call *c, const jd_md *z, size_t d, size_t row, const size_t *before,
                                const size_t *back, const FN(mdflow) * e)
{
    const jd_mdlstm_attr *a = c->attr;
    const size_t n = (size_t)z->n, H = z->H, G = z->G, N = z->N, D = (size_t)z->D;
    const REAL *x = (const REAL *)c->in[0] + row * N, *y = c->in[6];
    const REAL *W = (const REAL *)c->in[2] + d * G * N, *R = (const REAL *)c->in[3] + d * G * n * H;
    REAL *dx = a->need_dx ? (REAL *)c->out[0] + row * N : NULL, *db = (REAL *)c->out[3] + d * G;
    REAL *dW = (REAL *)c->out[1] + d * G * N, *dR = (REAL *)c->out[2] + d * G * n * H;
    for (size_t k = 0; k < G; k++) {
        const REAL delta = e->delta[k];
        db[k] += delta;
        for (size_t j = 0; j < N; j++) dW[k * N + j] += delta * x[j];
        for (size_t j = 0; dx && j < N; j++) dx[j] += delta * W[k * N + j];
        for (size_t q = 0; q < n; q++)
            for (size_t j = 0; before[q] != SIZE_MAX && j < H; j++) {
                dR[(k * n + q) * H + j] += delta * y[(before[q] * D + d) * H + j];
                e->dh[back[q] * H + j] += delta * R[(k * n + q) * H + j];
            }
    }
}

static void FN(mdlstm_grad)(const jd_call *c, const jd_worker *w)
{
    jd_md z = jd__md(c);
    z.size = c->in[1];
    if (w->id) return;
    REAL *scratch = c->scratch;
    const FN(mdflow) e = {scratch, scratch + z.P * z.H, scratch + 2 * z.P * z.H};
    for (int k = 0; k < 5; k++) {
        const jd_type *t = &c->out_type[k];
        if (jd__count(t)) memset(c->out[k], 0, (size_t)jd__count(t) * sizeof(REAL));
    }
    for (size_t b = 0; b < z.B; b++) {
        size_t ext[JD_MD_DIMS];
        if (!jd__md_extent(&z, b, ext)) continue;
        for (int d = 0; d < z.D; d++) {
            size_t at[JD_MD_DIMS] = {ext[0] - 1, ext[1] - 1, ext[2] - 1};
            memset(e.dh, 0, 2 * z.P * z.H * sizeof(REAL));
            do {
                size_t before[JD_MD_DIMS], back[JD_MD_DIMS];
                const size_t place = jd__md_place(&z, z.dir[d], ext, at);
                for (int q = 0; q < z.n; q++) {
                    size_t p[JD_MD_DIMS] = {at[0], at[1], at[2]};
                    back[q] = p[q]-- ? jd__md_place(&z, z.dir[d], ext, p) : SIZE_MAX;
                    before[q] = back[q] == SIZE_MAX ? SIZE_MAX : b * z.P + back[q];
                }
                FN(mdlstm_errors)(c, &z, (size_t)d, b * z.P + place, place, before, back, &e);
                FN(mdlstm_products)(c, &z, (size_t)d, b * z.P + place, before, back, &e);
            } while (jd__md_before(ext, at));
        }
    }
}
#endif
