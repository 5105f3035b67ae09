/*
 * srn.c - the simple recurrent layer; see lstm.c for the order of the sums, srn_tiny.c for a small net on one sample.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

typedef struct srn {
    jd_recur r;
    jd_panels W, R;
    int act, N, H;
    const float *x, *b, *h0;
    float *y;
} srn;

static void step(srn *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s);
    for (int k = 0; k < n; k++) {
        r->a[k] = s ? L->y + (size_t)r->prev[k] * H : L->h0 ? L->h0 + (size_t)r->sample[k] * H : NULL;
        r->c[k] = L->y + (size_t)r->row[k] * H;
    }
    if (s || L->h0) JD_K(jd__rows_mul)(&L->R, r->u0, r->u1, n, r->a, r->c, NULL, 1);
    const int u1 = r->u1 * JD_RW < L->H ? r->u1 * JD_RW : L->H;
    for (int k = 0; k < n; k++)
        for (int u = r->u0 * JD_RW; u < u1; u += VL)
            vf_storen(r->c[k] + u, vf_rnn_act(L->act, vf_loadn(r->c[k] + u, u1 - u)), u1 - u);
    jd__recur_sync(r);
}

jd_kernel JD_K(jd__k_srn);

void JD_K(jd__k_srn)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0], *R = &c->in_type[3];
    const jd_rnn_attr *a = c->attr;
    srn L = {.act = a->act,
             .N = (int)x->dim[2],
             .H = (int)R->dim[0],
             .x = c->in[0],
             .b = c->in[4],
             .h0 = c->in[5],
             .y = c->out[0]};
    jd_recur *r = &L.r;
    if (x->dim[1] == 1 && L.H <= JD_TINY && L.N <= JD_TINY) {
        if (w->id == 0) JD_K(jd__srn_tiny)(c);
        return;
    }
    jd_rec_space space;
    jd__rec_space(c, 1, false, w->count, c->scratch, &space);
    if (!JD_K(jd__recur_init)(r, c, w, &space, a->reverse, L.H, L.H, 2. * L.H * L.H)) return;
    L.W = (jd_panels){.data = space.w, .K = L.N, .G = 1, .n = L.H};
    L.R = (jd_panels){.data = space.r, .K = L.H, .G = 1, .n = L.H};
    JD_K(jd__recur_pack)(r, &L.W, c->in[2], 1, (size_t)L.N);
    JD_K(jd__recur_pack)(r, &L.R, c->in[3], 1, (size_t)L.H);
    jd__recur_meet(r);
    for (int s = 0, next; s < r->T; s = next) {
        next = JD_K(jd__recur_input)(r, s, L.x, L.N, &L.W, r->u0, r->u1, L.b, L.y, L.H);
        for (int t = s; t < next; t++) step(&L, t);
    }
    JD_K(jd__recur_last)(r, L.y, L.h0, c->out[1], L.H);
    JD_K(jd__recur_clear)(r, L.y, L.H);
}
