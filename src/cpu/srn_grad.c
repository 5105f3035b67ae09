/* srn_grad.c - back-propagation through time of the simple recurrent layer; see lstm_grad.c. */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"

typedef struct srn_back {
    jd_recur r;
    jd_panels R, W;
    jd_rec_space s;
    const jd_rnn_attr *a;
    const float *y, *dy;
    int N, H;
    bool has_h0;
} srn_back;

static void step(srn_back *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s), u1 = r->u1 * JD_RW < L->H ? r->u1 * JD_RW : L->H;
    for (int k = 0; k < n; k++) {
        const size_t row = (size_t)r->row[k], b = (size_t)r->sample[k];
        const float *y = L->y + row * H, *dy = L->dy ? L->dy + row * H : NULL;
        float *delta = L->s.delta + jd__recur_packed(r, k, s) * H, *dh = L->s.dh + b * H, *sum = L->s.sum + b * 4 * H;
        for (int u = r->u0 * JD_RW; u < u1; u += VL) {
            const int left = u1 - u;
            vf d = vf_loadn(dh + u, left);
            if (dy) d = vf_add(d, vf_loadn(dy + u, left));
            d = vf_mul(d, vf_rnn_slope(L->a->act, vf_loadn(y + u, left)));
            vf_storen(delta + u, d, left);
            vf_storen(sum + u, vf_add(vf_loadn(sum + u, left), d), left);
        }
        r->a[k] = delta;
        r->c[k] = dh;
    }
    jd__recur_sync(r);
    if (s || L->has_h0) JD_K(jd__rows_mul)(&L->R, r->p0, r->p1, n, r->a, r->c, NULL, 0);
}

jd_kernel JD_K(jd__k_srn_grad);

void JD_K(jd__k_srn_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0];
    srn_back L = {.a = c->attr,
                  .N = (int)x->dim[2],
                  .H = (int)c->in_type[3].dim[0],
                  .y = c->in[6],
                  .dy = c->in[7],
                  .has_h0 = c->in[5] != NULL};
    const int H = L.H, N = L.N;
    const size_t B = (size_t)x->dim[1];
    jd__rec_space(c, 1, true, w->count, c->scratch, &L.s);
    jd_recur *r = &L.r;
    if (!JD_K(jd__recur_init)(r, c, w, &L.s, L.a->reverse, H, H, 2. * H * H)) return;
    L.R = (jd_panels){.data = L.s.r, .K = H, .G = 1, .n = H};
    L.W = (jd_panels){.data = L.s.w, .K = H, .G = 1, .n = N};
    JD_K(jd__recur_pack)(r, &L.R, c->in[3], (size_t)H, 1);
    if (L.a->need_dx) JD_K(jd__recur_pack)(r, &L.W, c->in[2], (size_t)N, 1);
    JD_K(jd__recur_start)(r, c->in[8], L.s.dh, H);
    JD_K(jd__recur_start)(r, NULL, L.s.sum, 4 * H);
    jd__recur_meet(r);
    for (int s = r->T; s-- > 0;) step(&L, s);
    jd__recur_meet(r);
    JD_K(jd__recur_reduce)(r, L.s.sum, 4 * (size_t)H, H, c->out[3]);
    const jd_outer term[2] = {
        {.lo = 0, .hi = H, .n = N, .all = c->in[0], .out = c->out[1]},
        {.lo = 0, .hi = H, .n = H, .all = c->in[6], .first = c->in[5], .before = true, .out = c->out[2]}};
    JD_K(jd__recur_outer)(r, L.s.delta, H, term, 2, L.s.outer + (size_t)r->w.id * L.s.outer_floats);
    if (L.a->need_dx) JD_K(jd__recur_dx)(r, L.s.delta, H, &L.W, c->out[0], N);
    if (L.has_h0 && r->w.id == 0) memcpy(c->out[4], L.s.dh, B * (size_t)H * sizeof(float));
}
