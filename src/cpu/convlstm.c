/*
 * convlstm.c - the convolutional LSTM, plane by plane: the input is convolved into the gates array, the chains there go on
 * over the taps of the states, then the gates are finished in place.
 */
#include "cpu/planes.h"
#include "cpu/vecmath.h"

typedef struct convlstm {
    jd_planes p;
    jd_plane_team t;
    jd_plane_space s;
    const float *x, *b;
    float *y, *gates, *cells;
} convlstm;

/* Gates i, f, z, o from their pre-activations, in place, and the cell; returns the state. */
JD_INLINE vf squash(vf g[4], vf old, vf *cell)
{
    g[0] = vf_sigmoid(g[0]);
    g[1] = vf_sigmoid(g[1]);
    g[2] = vf_tanh(g[2]);
    g[3] = vf_sigmoid(g[3]);
    *cell = vf_fma(old, g[1], vf_mul(g[2], g[0]));
    return vf_mul(g[3], vf_tanh(*cell));
}

/* n channels side by side, or of several places brought together; gates are without bias where b is given. */
JD_INLINE void finish(float *const g[4], const float *b, int64_t C, const float *old, float *cell, float *h,
                      int64_t count)
{
    for (int64_t u = 0; u < count; u += VL) {
        const int n = count - u < VL ? (int)(count - u) : VL;
        vf gate[4], next;
        JD_UNROLL for (int k = 0; k < 4; k++)
        {
            gate[k] = vf_loadn(g[k] + u, n);
            if (b) gate[k] = vf_add(gate[k], vf_loadn(b + k * C + u, n));
        }
        vf_storen(h + u, squash(gate, old ? vf_loadn(old + u, n) : vf_zero(), &next), n);
        vf_storen(cell + u, next, n);
        JD_UNROLL for (int k = 0; k < 4; k++) vf_storen(g[k] + u, gate[k], n);
    }
}

/* Half a vector of channels; an even number of places. */
static void pairs(float *g, const float *b, const float *old, float *cell, float *h, int64_t places)
{
    vf bias[4], gate[4], next;
    for (int k = 0; k < 4; k++) {
        const vf one = vf_loadn(b + k * VL / 2, VL / 2);
        bias[k] = jd_low_halves(one, one);
    }
    for (int64_t p = 0; p < places; p += 2, g += 4 * VL, cell += VL, h += VL) {
        jd__pair_load(g, gate);
        JD_UNROLL for (int k = 0; k < 4; k++) gate[k] = vf_add(gate[k], bias[k]);
        vf_store(h, squash(gate, old ? vf_load(old + p * VL / 2) : vf_zero(), &next));
        vf_store(cell, next);
        jd__pair_store(g, gate);
    }
}

/* Places from..from+places-1 of all planes of all samples; those of the plane before begin at `was` (-1: none). */
static void row(const convlstm *m, int64_t from, int64_t was, int64_t places)
{
    const int64_t C = m->p.C, G = 4 * C;
    float *g = m->gates + from * G, *cell = m->cells + from * C, *h = m->y + from * C;
    const float *old = was < 0 ? NULL : m->cells + was * C;
    int64_t p = 0;
    if (jd__plane_paired(C)) {
        p = places & ~(int64_t)1;
        pairs(g, m->b, old, cell, h, p);
    }
    if (!jd__plane_staged(C) || p) {
        for (g += p * G; p < places; p++, g += G)
            finish((float *[]){g, g + C, g + 2 * C, g + 3 * C}, m->b, C, old ? old + p * C : NULL, cell + p * C,
                   h + p * C, C);
        return;
    }
    float gate[4][JD_PLANE_STAGE], *const all[4] = {gate[0], gate[1], gate[2], gate[3]};
    const int64_t most = JD_PLANE_STAGE / C;
    for (; p < places; p += most) {
        const int64_t n = places - p < most ? places - p : most;
        for (int64_t k = 0; k < 4; k++) jd__plane_take(g + p * G + k * C, G, m->b + k * C, n, C, gate[k]);
        finish(all, NULL, C, old ? old + p * C : NULL, cell + p * C, h + p * C, n * C);
        for (int64_t k = 0; k < 4; k++) jd__plane_give(gate[k], G, n, C, g + p * G + k * C);
    }
}

static void step(const convlstm *m, int64_t b, int64_t s)
{
    const jd_planes *p = &m->p;
    const jd_plane_size n = jd__plane_size(p, b);
    const int64_t now = jd__plane_at(p, b, n.length, s), before = jd__plane_at(p, b, n.length, s - 1);
    int64_t y0, y1;
    if (now < 0) return;
    jd__plane_rows(&m->t, n.height, &y0, &y1);
    float *gates = m->gates + now * p->plane * 4 * p->C;
    jd__plane_corr(p, &n, y0, y1, m->x + now * p->plane * p->N, p->N, m->s.input, gates, 4 * p->C, false);
    if (before >= 0)
        jd__plane_corr(p, &n, y0, y1, m->y + before * p->plane * p->C, p->C, m->s.weights, gates, 4 * p->C, true);
    for (int64_t y = y0; y < y1; y++)
        row(m, now * p->plane + y * p->X, before < 0 ? -1 : before * p->plane + y * p->X, n.width);
}

jd_kernel JD_K(jd__k_convlstm);

void JD_K(jd__k_convlstm)(const jd_call *c, const jd_worker *w)
{
    convlstm m = {
        .p = jd__planes(c), .x = c->in[0], .b = c->in[4], .y = c->out[0], .gates = c->out[1], .cells = c->out[2]};
    const jd_planes *p = &m.p;
    m.p.size = c->in[1];
    m.t = jd__plane_team(p, w);
    jd__plane_space(c, false, w->count, c->scratch, &m.s);
    JD_K(jd__corr_pack)(c->in[2], 4 * p->C, p->k * p->k * p->N, m.s.input, w);
    JD_K(jd__corr_pack)(c->in[3], 4 * p->C, p->k * p->k * p->C, m.s.weights, w);
    jd_team_barrier(w);
    for (int64_t s = 0; s < p->T; s++) {
        for (int64_t b = m.t.b0; b < m.t.b1; b++) step(&m, b, s);
        jd__plane_meet(&m.t);
    }
    jd__plane_clear(p, m.y, p->C, w);
    jd__plane_clear(p, m.cells, p->C, w);
    jd__plane_clear(p, m.gates, 4 * p->C, w);
}
