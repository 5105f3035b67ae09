/*
 * clockwork.c - the clockwork layer: each module has packed weights of its own, and only modules whose period divides the
 * step take part in its products.  Input products are done before the steps of a chunk, for a module's own steps only.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"
#include "ops/clockwork.h"

typedef struct clockwork {
    jd_recur r;
    jd_clock clock[JD_CLOCKS];
    jd_panels W[JD_CLOCKS], R[JD_CLOCKS];
    const jd_clockwork_attr *a;
    int N, H, S;
    const float *x, *b, *h0;
    float *y;
} clockwork;

/* y = W x + b of module g for its steps among s0..s1-1 */
static void input(clockwork *L, int g, int s0, int s1)
{
    jd_recur *r = &L->r;
    const int P = (int)L->clock[g].period;
    const size_t unit = L->clock[g].unit;
    int rows = 0;
    for (int s = (s0 + P - 1) / P * P; s < s1; s += P) {
        const int n = JD_K(jd__recur_step)(r, s);
        if (rows + n > r->chunk) {
            JD_K(jd__rows_mul)(&L->W[g], 0, jd__row_blocks(L->S), rows, r->a, r->c, L->b + unit, 0);
            rows = 0;
        }
        for (int i = 0; i < n; i++, rows++) {
            r->a[rows] = L->x + (size_t)r->row[i] * (size_t)L->N;
            r->c[rows] = L->y + (size_t)r->row[i] * (size_t)L->H + unit;
        }
    }
    JD_K(jd__rows_mul)(&L->W[g], 0, jd__row_blocks(L->S), rows, r->a, r->c, L->b + unit, 0);
}

/* The modules that rest at step s keep their outputs; they are copied in runs. */
static void keep(const clockwork *L, int s, int n)
{
    const jd_recur *r = &L->r;
    const size_t H = (size_t)L->H, S = (size_t)L->S;
    const int modules = L->a->modules;
    for (int g = 0, from; g < modules; g++) {
        for (from = g; g < modules && s % (int)L->clock[g].period; g++) {
        }
        if (g == from) continue;
        const size_t unit = (size_t)from * S, bytes = (size_t)(g - from) * S * sizeof(float);
        for (int k = 0; k < n; k++)
            memcpy(L->y + (size_t)r->row[k] * H + unit, L->y + (size_t)r->prev[k] * H + unit, bytes);
    }
}

static void step(clockwork *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s);
    keep(L, s, n);
    for (int g = 0; g < L->a->modules; g++) {
        const jd_clock *m = &L->clock[g];
        if (s % (int)m->period) continue;
        for (int k = 0; k < n; k++) {
            const float *h = s ? L->y + (size_t)r->prev[k] * H : L->h0 ? L->h0 + (size_t)r->sample[k] * H : NULL;
            r->a[k] = h ? h + m->from : NULL;
            r->c[k] = L->y + (size_t)r->row[k] * H + m->unit;
        }
        if (s || L->h0) JD_K(jd__rows_mul)(&L->R[g], 0, jd__row_blocks(L->S), n, r->a, r->c, NULL, 1);
        for (int k = 0; k < n; k++)
            for (int u = 0; u < L->S; u += VL)
                vf_storen(r->c[k] + u, vf_rnn_act(L->a->act, vf_loadn(r->c[k] + u, L->S - u)), L->S - u);
    }
}

jd_kernel JD_K(jd__k_clockwork);

void JD_K(jd__k_clockwork)(const jd_call *c, const jd_worker *w)
{
    const jd_clockwork_attr *a = c->attr;
    clockwork L = {.a = a,
                   .N = (int)c->in_type[0].dim[2],
                   .H = (int)c->in_type[2].dim[0],
                   .x = c->in[0],
                   .b = c->in[4],
                   .h0 = c->in[5],
                   .y = c->out[0]};
    jd_recur *r = &L.r;
    jd_clock_space space;
    L.S = L.H / a->modules;
    jd__clock_space(c, false, w->count, c->scratch, &space);
    jd__clocks(a, (size_t)L.H, L.clock);
    if (!JD_K(jd__recur_init_samples)(r, c, w, &space.rec, a->reverse, L.H, 2. * L.H * L.H)) return;
    for (int g = 0; g < a->modules; g++) {
        const jd_clock *m = &L.clock[g];
        L.W[g] = (jd_panels){.data = space.w[g], .K = L.N, .G = 1, .n = L.S};
        L.R[g] = (jd_panels){.data = space.r[g], .K = (int)m->heard, .G = 1, .n = L.S};
        JD_K(jd__recur_pack)(r, &L.W[g], (const float *)c->in[2] + m->unit * (size_t)L.N, 1, (size_t)L.N);
        JD_K(jd__recur_pack)(r, &L.R[g], (const float *)c->in[3] + m->at, 1, m->heard);
    }
    jd__recur_meet(r);
    const int chunk = r->n ? (r->chunk + r->n - 1) / r->n : r->T;
    for (int s = 0; s < r->T; s += chunk) {
        const int end = s + chunk < r->T ? s + chunk : r->T;
        for (int g = 0; g < a->modules; g++) input(&L, g, s, end);
        for (int t = s; t < end; t++) step(&L, t);
    }
    JD_K(jd__recur_last)(r, L.y, L.h0, c->out[1], L.H);
    JD_K(jd__recur_clear)(r, L.y, L.H);
}
