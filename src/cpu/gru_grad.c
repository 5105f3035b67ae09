/* gru_grad.c - back-propagation through time of the gated recurrent unit layer; see lstm_grad.c. */
#include "cpu/cpu.h"
#include "cpu/recur.h"

typedef struct gru_back {
    jd_recur r;
    jd_panels R, Rn, W; /* R: the rows of r and u; Rn: those of n, which meet the errors of q */
    jd_rec_space s;
    const jd_rnn_attr *a;
    const float *y, *gates, *dy, *h0;
    int N, H;
} gru_back;

/* Errors of the pre-activations r u n and of q; dh becomes its direct part. */
JD_INLINE void error_step(const size_t H, const float *g, const float *before, const float *dy, float *dh, float *delta,
                          float *sum, int n)
{
    const vf one = vf_set1(1.f), old = before ? vf_loadn(before, n) : vf_zero();
    const vf r = vf_loadn(g, n), u = vf_loadn(g + H, n), new = vf_loadn(g + 2 * H, n), q = vf_loadn(g + 3 * H, n);
    vf d = vf_loadn(dh, n);
    if (dy) d = vf_add(d, vf_loadn(dy, n));
    const vf keep = vf_sub(one, u), dn = vf_mul(vf_mul(d, keep), vf_fnma(new, new, one)), dq = vf_mul(dn, r);
    const vf out[4] = {vf_mul(vf_mul(dq, q), vf_sub(one, r)), vf_mul(vf_mul(d, vf_sub(old, new)), vf_mul(u, keep)), dn,
                       dq};
    vf_storen(dh, vf_mul(d, u), n);
    for (size_t k = 0; k < 4; k++) {
        vf_storen(delta + k * H, out[k], n);
        vf_storen(sum + k * H, vf_add(vf_loadn(sum + k * H, n), out[k]), n);
    }
}

static void step(gru_back *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s), u1 = r->u1 * JD_RW < L->H ? r->u1 * JD_RW : L->H;
    for (int k = 0; k < n; k++) {
        const size_t row = (size_t)r->row[k], b = (size_t)r->sample[k];
        const float *before = s ? L->y + (size_t)r->prev[k] * H : L->h0 ? L->h0 + b * H : NULL;
        float *delta = L->s.delta + jd__recur_packed(r, k, s) * 4 * H, *dh = L->s.dh + b * H;
        for (int u = r->u0 * JD_RW; u < u1; u += VL)
            error_step(H, L->gates + row * 4 * H + u, before ? before + u : NULL, L->dy ? L->dy + row * H + u : NULL,
                       dh + u, delta + u, L->s.sum + b * 7 * H + u, u1 - u);
        r->a[k] = delta;
        r->c[k] = dh;
    }
    jd__recur_sync(r);
    if (!s && !L->h0) return;
    JD_K(jd__rows_mul)(&L->R, r->p0, r->p1, n, r->a, r->c, NULL, 1);
    for (int k = 0; k < n; k++) r->a[k] += 3 * H;
    JD_K(jd__rows_mul)(&L->Rn, r->p0, r->p1, n, r->a, r->c, NULL, 1);
}

static void finish(gru_back *L, const jd_call *c)
{
    jd_recur *r = &L->r;
    const int H = L->H, N = L->N;
    float *dR = c->out[2];
    JD_K(jd__recur_reduce)(r, L->s.sum, 7 * (size_t)H, 3 * H, c->out[3]);
    if (c->in[5]) JD_K(jd__recur_reduce)(r, L->s.sum + 3 * (size_t)H, 7 * (size_t)H, H, c->out[4]);
    const jd_outer x = {.lo = 0, .hi = 3 * H, .n = N, .all = c->in[0], .out = c->out[1]};
    const jd_outer h = {.lo = 0, .hi = 2 * H, .n = H, .all = L->y, .first = L->h0, .before = true, .out = dR};
    jd_outer q = h;
    q.lo = 3 * H;
    q.hi = 4 * H;
    q.again = true;
    q.out = dR + 2 * (size_t)H * (size_t)H;
    const jd_outer term[3] = {x, h, q};
    JD_K(jd__recur_outer)(r, L->s.delta, 4 * H, term, 3, L->s.outer + (size_t)r->w.id * L->s.outer_floats);
    if (L->a->need_dx) JD_K(jd__recur_dx)(r, L->s.delta, 4 * H, &L->W, c->out[0], N);
    if (L->h0 && r->w.id == 0) memcpy(c->out[5], L->s.dh, (size_t)r->B * (size_t)H * sizeof(float));
}

jd_kernel JD_K(jd__k_gru_grad);

void JD_K(jd__k_gru_grad)(const jd_call *c, const jd_worker *w)
{
    const jd_type *x = &c->in_type[0];
    gru_back L = {.a = c->attr,
                  .N = (int)x->dim[2],
                  .H = (int)c->in_type[3].dim[1],
                  .y = c->in[7],
                  .gates = c->in[8],
                  .dy = c->in[9],
                  .h0 = c->in[6]};
    const int H = L.H, N = L.N;
    jd__rec_space(c, 3, true, w->count, c->scratch, &L.s);
    jd_recur *r = &L.r;
    if (!JD_K(jd__recur_init)(r, c, w, &L.s, L.a->reverse, H, H, 6. * H * H)) return;
    const float *R = c->in[3];
    L.R = (jd_panels){.data = L.s.r, .K = 2 * H, .G = 1, .n = H};
    L.Rn = (jd_panels){.data = L.s.r2, .K = H, .G = 1, .n = H};
    L.W = (jd_panels){.data = L.s.w, .K = 3 * H, .G = 1, .n = N};
    JD_K(jd__recur_pack)(r, &L.R, R, (size_t)H, 1);
    JD_K(jd__recur_pack)(r, &L.Rn, R + 2 * (size_t)H * (size_t)H, (size_t)H, 1);
    if (L.a->need_dx) JD_K(jd__recur_pack)(r, &L.W, c->in[2], (size_t)N, 1);
    JD_K(jd__recur_start)(r, c->in[10], L.s.dh, H);
    JD_K(jd__recur_start)(r, NULL, L.s.sum, 7 * H);
    jd__recur_meet(r);
    for (int s = r->T; s-- > 0;) step(&L, s);
    jd__recur_meet(r);
    finish(&L, c);
}
