/*
 * gru.c - the gated recurrent unit layer; see lstm.c for the order of the sums.  The gates array holds r u n and the
 * reset product q = Rn h + bR, whose chain starts at bR.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/vecmath.h"

typedef struct gru {
    jd_recur r;
    jd_panels W, R;
    int N, H;
    const float *x, *b, *bR, *h0;
    float *y, *gates;
} gru;

JD_INLINE void unit_step(const size_t H, float *g, const float *before, float *y, int n)
{
    const vf old = before ? vf_loadn(before, n) : vf_zero();
    const vf r = vf_sigmoid(vf_loadn(g, n)), u = vf_sigmoid(vf_loadn(g + H, n));
    const vf new = vf_tanh(vf_fma(r, vf_loadn(g + 3 * H, n), vf_loadn(g + 2 * H, n)));
    vf_storen(g, r, n);
    vf_storen(g + H, u, n);
    vf_storen(g + 2 * H, new, n);
    vf_storen(y, vf_fma(u, vf_sub(old, new), new), n);
}

static void step(gru *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s);
    for (int k = 0; k < n; k++) {
        r->a[k] = s ? L->y + (size_t)r->prev[k] * H : L->h0 ? L->h0 + (size_t)r->sample[k] * H : NULL;
        r->c[k] = L->gates + (size_t)r->row[k] * 4 * H;
    }
    for (int q = r->u0; q < r->u1; q++) {
        const int u0 = q * JD_RW, u1 = u0 + JD_RW < L->H ? u0 + JD_RW : L->H;
        for (int k = 0; k < n; k++) {
            float *to = r->c[k] + 3 * H + u0;
            if (L->bR)
                memcpy(to, L->bR + u0, (size_t)(u1 - u0) * sizeof(float));
            else
                memset(to, 0, (size_t)(u1 - u0) * sizeof(float));
        }
        if (s || L->h0) JD_K(jd__rows_mul)(&L->R, 3 * q, 3 * q + 3, n, r->a, r->c, NULL, 1);
        for (int k = 0; k < n; k++) {
            float *y = L->y + (size_t)r->row[k] * H;
            for (int u = u0; u < u1; u += VL) unit_step(H, r->c[k] + u, r->a[k] ? r->a[k] + u : NULL, y + u, u1 - u);
        }
    }
    jd__recur_sync(r);
}

jd_kernel JD_K(jd__k_gru);

void JD_K(jd__k_gru)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0];
    const jd_rnn_attr *a = c->attr;
    gru L = {.N = (int)x->dim[2],
             .H = (int)c->in_type[3].dim[1],
             .x = c->in[0],
             .b = c->in[4],
             .bR = c->in[5],
             .h0 = c->in[6],
             .y = c->out[0],
             .gates = c->out[2]};
    const int H = L.H;
    jd_rec_space space;
    jd__rec_space(c, 3, false, w->count, c->scratch, &space);
    jd_recur *r = &L.r;
    if (!JD_K(jd__recur_init)(r, c, w, &space, a->reverse, H, H, 6. * H * H)) return;
    L.W = (jd_panels){.data = space.w, .K = L.N, .G = 3, .n = H, .at = {0, H, 2 * H}};
    L.R = (jd_panels){.data = space.r, .K = H, .G = 3, .n = H, .at = {0, H, 3 * H}};
    JD_K(jd__recur_pack)(r, &L.W, c->in[2], 1, (size_t)L.N);
    JD_K(jd__recur_pack)(r, &L.R, c->in[3], 1, (size_t)H);
    jd__recur_meet(r);
    for (int s = 0, next; s < r->T; s = next) {
        next = JD_K(jd__recur_input)(r, s, L.x, L.N, &L.W, 3 * r->u0, 3 * r->u1, L.b, L.gates, 4 * H);
        for (int t = s; t < next; t++) step(&L, t);
    }
    JD_K(jd__recur_last)(r, L.y, L.h0, c->out[1], H);
    JD_K(jd__recur_clear)(r, L.y, H);
    JD_K(jd__recur_clear)(r, L.gates, 4 * H);
}
