/*
 * convlstm_grad.c - back-propagation through the convolutional LSTM, planes in reverse order of the scan.  An error of a
 * state is one chain from dy over the errors of the plane after, as in conv2d_dx; the rest is done for all planes at once.
 */
#include "cpu/planes.h"
#include "cpu/vecmath.h"

typedef struct planeback {
    jd_planes p;
    jd_plane_team t;
    jd_plane_space s;
    const float *gates, *cells, *dy;
} planeback;

/* The errors d of the gates g; flow: dc of the plane after, becomes that for the one before. */
JD_INLINE void backward(const vf g[4], vf cell, vf old, vf dh, vf *flow, vf d[4])
{
    const vf one = vf_set1(1.f), s = vf_tanh(cell), dho = vf_mul(dh, g[3]);
    const vf dc = vf_fma(dho, vf_fnma(s, s, one), *flow), dci = vf_mul(dc, g[0]), dcf = vf_mul(dc, g[1]);
    d[0] = vf_mul(vf_mul(dci, g[2]), vf_sub(one, g[0]));
    d[1] = vf_mul(vf_mul(dcf, old), vf_sub(one, g[1]));
    d[2] = vf_mul(dci, vf_fnma(g[2], g[2], one));
    d[3] = vf_mul(vf_mul(dho, s), vf_sub(one, g[3]));
    *flow = dcf;
}

/* Of `count` channels. */
JD_INLINE void errors(const float *const g[4], const float *cell, const float *old, const float *dh, float *flow,
                      float *const d[4], int64_t count)
{
    for (int64_t u = 0; u < count; u += VL) {
        const int n = count - u < VL ? (int)(count - u) : VL;
        vf gate[4], delta[4], dc = vf_loadn(flow + u, n);
        JD_UNROLL for (int k = 0; k < 4; k++) gate[k] = vf_loadn(g[k] + u, n);
        backward(gate, vf_loadn(cell + u, n), old ? vf_loadn(old + u, n) : vf_zero(), vf_loadn(dh + u, n), &dc, delta);
        JD_UNROLL for (int k = 0; k < 4; k++) vf_storen(d[k] + u, delta[k], n);
        vf_storen(flow + u, dc, n);
    }
}

/* Half a vector of channels; an even number of places. */
static void pairs(const float *g, const float *cell, const float *old, const float *dh, float *flow, float *d,
                  int64_t places)
{
    for (int64_t at = 0; at < places * VL / 2; at += VL) {
        vf gate[4], delta[4], dc = vf_load(flow + at);
        jd__pair_load(g + 4 * at, gate);
        backward(gate, vf_load(cell + at), old ? vf_load(old + at) : vf_zero(), vf_load(dh + at), &dc, delta);
        jd__pair_store(d + 4 * at, delta);
        vf_store(flow + at, dc);
    }
}

/* As in convlstm.c; `flow`: the places among those of a plane of all samples. */
static void row(const planeback *m, int64_t from, int64_t was, int64_t flow, int64_t places)
{
    const int64_t C = m->p.C, G = 4 * C;
    const float *g = m->gates + from * G, *cell = m->cells + from * C, *old = was < 0 ? NULL : m->cells + was * C;
    const float *dh = m->s.dh + flow * C;
    float *dc = m->s.dc + flow * C, *d = m->s.delta + from * G;
    int64_t p = 0;
    if (jd__plane_paired(C)) {
        p = places & ~(int64_t)1;
        pairs(g, cell, old, dh, dc, d, p);
    }
    if (!jd__plane_staged(C) || p) {
        for (g += p * G, d += p * G; p < places; p++, g += G, d += G)
            errors((const float *[]){g, g + C, g + 2 * C, g + 3 * C}, cell + p * C, old ? old + p * C : NULL,
                   dh + p * C, dc + p * C, (float *[]){d, d + C, d + 2 * C, d + 3 * C}, C);
        return;
    }
    float gate[4][JD_PLANE_STAGE], delta[4][JD_PLANE_STAGE];
    const int64_t most = JD_PLANE_STAGE / C;
    for (; p < places; p += most) {
        const int64_t n = places - p < most ? places - p : most;
        for (int64_t k = 0; k < 4; k++) jd__plane_take(g + p * G + k * C, G, NULL, n, C, gate[k]);
        errors((const float *[]){gate[0], gate[1], gate[2], gate[3]}, cell + p * C, old ? old + p * C : NULL,
               dh + p * C, dc + p * C, (float *[]){delta[0], delta[1], delta[2], delta[3]}, n * C);
        for (int64_t k = 0; k < 4; k++) jd__plane_give(delta[k], G, n, C, d + p * G + k * C);
    }
}

static void step(const planeback *m, int64_t b, int64_t s)
{
    const jd_planes *p = &m->p;
    const jd_plane_size n = jd__plane_size(p, b);
    const int64_t now = jd__plane_at(p, b, n.length, s), before = jd__plane_at(p, b, n.length, s - 1);
    const int64_t after = jd__plane_at(p, b, n.length, s + 1), C = p->C;
    int64_t y0, y1;
    if (now < 0) return;
    jd__plane_rows(&m->t, n.height, &y0, &y1);
    float *dh = m->s.dh + b * p->plane * C;
    for (int64_t y = y0; y < y1; y++) {
        const size_t width = (size_t)(n.width * C) * sizeof *dh;
        memcpy(dh + y * p->X * C, m->dy + (now * p->plane + y * p->X) * C, width);
        if (after < 0) memset(m->s.dc + (b * p->plane + y * p->X) * C, 0, width);
    }
    if (after >= 0)
        jd__plane_corr(p, &n, y0, y1, m->s.delta + after * p->plane * 4 * C, 4 * C, m->s.weights, dh, C, true);
    for (int64_t y = y0; y < y1; y++)
        row(m, now * p->plane + y * p->X, before < 0 ? -1 : before * p->plane + y * p->X, b * p->plane + y * p->X,
            n.width);
}

jd_kernel JD_K(jd__k_convlstm_grad);

void JD_K(jd__k_convlstm_grad)(const jd_call *c, const jd_worker *w)
{
    planeback m = {.p = jd__planes(c), .gates = c->in[6], .cells = c->in[7], .dy = c->in[8]};
    const jd_planes *p = &m.p;
    m.p.size = c->in[1];
    m.t = jd__plane_team(p, w);
    jd__plane_space(c, true, w->count, c->scratch, &m.s);
    jd__plane_input(p, c->in[0], &m.s, w);
    JD_K(jd__corr_pack_turned)
    (c->in[3], c->in_type[3].dim, 0, 0, 1, p->k, p->k, m.s.weights, w);
    jd__plane_clear(p, m.s.delta, 4 * p->C, w);
    jd_team_barrier(w);
    for (int64_t s = p->T; s-- > 0;) {
        for (int64_t b = m.t.b0; b < m.t.b1; b++) step(&m, b, s);
        jd__plane_meet(&m.t);
    }
    jd_team_barrier(w);
    if (((const jd_convlstm_attr *)c->attr)->need_dx) {
        jd__plane_run(c, JD_PLANES_DX, &m.s, w);
        jd_team_barrier(w);
        jd__plane_clear(p, c->out[0], p->N, w);
    }
    jd__plane_run(c, JD_PLANES_DW, &m.s, w);
    jd_team_barrier(w);
    if (p->T > 1)
        jd__plane_run(c, JD_PLANES_DR, &m.s, w);
    else if (w->id == 0)
        memset(c->out[2], 0, (size_t)jd__count(&c->out_type[2]) * sizeof(float));
    jd_team_barrier(w);
    jd__plane_run(c, JD_PLANES_DB, &m.s, w);
}
