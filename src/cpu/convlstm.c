/*
 * convlstm.c - the convolutional LSTM.  The inputs of all planes are convolved at once into the gates array; step by step
 * the chains there go on over the taps of the states, then the gates are finished in place.
 */
#include "cpu/planes.h"
#include "cpu/vecmath.h"

typedef struct convlstm {
    jd_planes p;
    jd_plane_team t;
    jd_plane_space s;
    const float *b;
    float *y, *gates, *cells;
} convlstm;

/* n channels side by side, or of several places brought together; gates are without bias where b is given. */
JD_INLINE void finish(float *i, float *f, float *z, float *o, const float *b, int64_t C, const float *old, float *cell,
                      float *h, int64_t count)
{
    for (int64_t u = 0; u < count; u += VL) {
        const int n = count - u < VL ? (int)(count - u) : VL;
        vf vi_ = vf_loadn(i + u, n), vf_ = vf_loadn(f + u, n), vz = vf_loadn(z + u, n), vo = vf_loadn(o + u, n);
        if (b) {
            vi_ = vf_add(vi_, vf_loadn(b + u, n));
            vf_ = vf_add(vf_, vf_loadn(b + C + u, n));
            vz = vf_add(vz, vf_loadn(b + 2 * C + u, n));
            vo = vf_add(vo, vf_loadn(b + 3 * C + u, n));
        }
        vi_ = vf_sigmoid(vi_);
        vf_ = vf_sigmoid(vf_);
        vz = vf_tanh(vz);
        vo = vf_sigmoid(vo);
        const vf next = vf_fma(old ? vf_loadn(old + u, n) : vf_zero(), vf_, vf_mul(vz, vi_));
        vf_storen(i + u, vi_, n);
        vf_storen(f + u, vf_, n);
        vf_storen(z + u, vz, n);
        vf_storen(o + u, vo, n);
        vf_storen(cell + u, next, n);
        vf_storen(h + u, vf_mul(vo, vf_tanh(next)), n);
    }
}

/* Places from..from+places-1 of all planes of all samples; those of the plane before begin at `was` (-1: none). */
static void row(const convlstm *m, int64_t from, int64_t was, int64_t places)
{
    const int64_t C = m->p.C, G = 4 * C;
    float *g = m->gates + from * G, *cell = m->cells + from * C, *h = m->y + from * C;
    const float *old = was < 0 ? NULL : m->cells + was * C;
    if (!jd__plane_staged(C)) {
        for (int64_t p = 0; p < places; p++, g += G)
            finish(g, g + C, g + 2 * C, g + 3 * C, m->b, C, old ? old + p * C : NULL, cell + p * C, h + p * C, C);
        return;
    }
    float gate[4][JD_PLANE_STAGE];
    const int64_t most = JD_PLANE_STAGE / C;
    for (int64_t p = 0; p < places; p += most) {
        const int64_t n = places - p < most ? places - p : most;
        for (int64_t k = 0; k < 4; k++) jd__plane_take(g + p * G + k * C, G, m->b + k * C, n, C, gate[k]);
        finish(gate[0], gate[1], gate[2], gate[3], NULL, C, old ? old + p * C : NULL, cell + p * C, h + p * C, n * C);
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
    if (before >= 0)
        jd__plane_corr(p, &n, y0, y1, m->y + before * p->plane * p->C, p->C, m->s.weights,
                       m->gates + now * p->plane * 4 * p->C, 4 * p->C);
    for (int64_t y = y0; y < y1; y++)
        row(m, now * p->plane + y * p->X, before < 0 ? -1 : before * p->plane + y * p->X, n.width);
}

jd_kernel JD_K(jd__k_convlstm);

void JD_K(jd__k_convlstm)(const jd_call *c, const jd_worker *w)
{
    convlstm m = {.p = jd__planes(c), .b = c->in[4], .y = c->out[0], .gates = c->out[1], .cells = c->out[2]};
    const jd_planes *p = &m.p;
    m.p.size = c->in[1];
    m.t = jd__plane_team(p, w);
    jd__plane_space(c, false, w->count, c->scratch, &m.s);
    jd__plane_input(p, c->in[0], &m.s, w);
    JD_K(jd__corr_pack)(c->in[3], 4 * p->C, p->k * p->k * p->C, m.s.weights, w);
    jd_team_barrier(w);
    jd__plane_run(c, JD_PLANES_INPUT, &m.s, w);
    jd_team_barrier(w);
    for (int64_t s = 0; s < p->T; s++) {
        for (int64_t b = m.t.b0; b < m.t.b1; b++) step(&m, b, s);
        jd__plane_meet(&m.t);
    }
    jd__plane_clear(p, m.y, p->C, w);
    jd__plane_clear(p, m.cells, p->C, w);
    jd__plane_clear(p, m.gates, 4 * p->C, w);
}
