/*
 * clockwork_grad.c - back-propagation through time of the clockwork layer.  The errors of each module are kept for its own
 * steps only, so the gradients of slow modules' weights cost as little as their steps.
 */
#include "cpu/cpu.h"
#include "cpu/recur.h"
#include "cpu/squash.h"
#include "ops/clockwork.h"

typedef struct clock_back {
    jd_recur r;
    jd_clock clock[JD_CLOCKS];
    jd_panels R[JD_CLOCKS], W[JD_CLOCKS];
    jd_clock_space s;
    const jd_clockwork_attr *a;
    const float *y, *dy;
    int N, H, S, rows[JD_CLOCKS + 1];
    bool has_h0;
} clock_back;

/* The place of the error of module g of sample b at step s. */
static float *error_at(const clock_back *L, int g, int b, int s)
{
    const int row = L->s.first[g * L->r.B + b] + s / (int)L->clock[g].period;
    return L->s.delta[g] + (size_t)row * (size_t)L->S;
}

/* Counts the rows of errors of each module, and, last, those of all steps. */
static void count_rows(clock_back *L)
{
    for (int g = 0; g <= L->a->modules; g++) {
        const int P = g < L->a->modules ? (int)L->clock[g].period : 1;
        L->rows[g] = 0;
        for (int b = 0; b < L->r.B; b++) {
            if (L->r.w.id == 0) L->s.first[g * L->r.B + b] = L->rows[g];
            L->rows[g] += ((int)jd__length(L->r.given, (size_t)b, (size_t)L->r.T) + P - 1) / P;
        }
    }
}

/* What passes through n units that rest: dh += dy */
static void pass(const float *dy, float *dh, int n)
{
    for (int u = 0; dy && u < n; u += VL)
        vf_storen(dh + u, vf_add(vf_loadn(dh + u, n - u), vf_loadn(dy + u, n - u)), n - u);
}

/* The errors of a module of n units at one of its steps; dh becomes 0. */
static void module_errors(int act, const float *y, const float *dy, float *dh, float *sum, float *delta, int n)
{
    for (int u = 0; u < n; u += VL) {
        const int left = n - u;
        vf d = vf_loadn(dh + u, left);
        if (dy) d = vf_add(d, vf_loadn(dy + u, left));
        d = vf_mul(d, vf_rnn_slope(act, vf_loadn(y + u, left)));
        vf_storen(delta + u, d, left);
        vf_storen(sum + u, vf_add(vf_loadn(sum + u, left), d), left);
        vf_storen(dh + u, vf_zero(), left);
    }
}

/* The point-wise part of a step, module by module; those that rest in runs. */
static void errors(const clock_back *L, int s, int n)
{
    const jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int modules = L->a->modules;
    for (int g = 0; g < modules; g++) {
        const int from = g;
        while (g < modules && s % (int)L->clock[g].period) g++;
        const size_t rest = L->clock[from].unit, unit = (size_t)g * (size_t)L->S;
        const int32_t *first = L->s.first + g * r->B;
        const int place = g < modules ? s / (int)L->clock[g].period : 0;
        for (int k = 0; k < n; k++) {
            const size_t row = (size_t)r->row[k] * H, b = (size_t)r->sample[k] * H;
            const float *dy = L->dy ? L->dy + row : NULL;
            float *dh = L->s.rec.dh + b;
            if (g > from) pass(dy ? dy + rest : NULL, dh + rest, (int)(unit - rest));
            if (g == modules) continue;
            float *delta = L->s.delta[g] + (size_t)(first[r->sample[k]] + place) * (size_t)L->S;
            module_errors(L->a->act, L->y + row + unit, dy ? dy + unit : NULL, dh + unit, L->s.rec.sum + b + unit,
                          delta, L->S);
        }
    }
}

static void step(clock_back *L, int s)
{
    jd_recur *r = &L->r;
    const size_t H = (size_t)L->H;
    const int n = JD_K(jd__recur_step)(r, s);
    errors(L, s, n);
    for (int g = 0; g < L->a->modules && (s || L->has_h0); g++) {
        if (s % (int)L->clock[g].period) continue;
        const int32_t *first = L->s.first + g * r->B;
        const int place = s / (int)L->clock[g].period;
        for (int k = 0; k < n; k++) {
            r->a[k] = L->s.delta[g] + (size_t)(first[r->sample[k]] + place) * (size_t)L->S;
            r->c[k] = L->s.rec.dh + (size_t)r->sample[k] * H + L->clock[g].from;
        }
        JD_K(jd__rows_mul)(&L->R[g], 0, jd__row_blocks(L->R[g].n), n, r->a, r->c, NULL, 1);
    }
}

static void input_errors(const clock_back *L, float *dx)
{
    enum { ROWS = 96 };
    const jd_recur *r = &L->r;
    const int32_t *first = L->s.first + L->a->modules * r->B;
    const float *a[ROWS];
    float *c[ROWS];
    int at[ROWS], step_of[ROWS], b = 0;
    size_t begin, end;
    JD_K(jd__recur_clear)(r, dx, L->N);
    jd_share(&r->w, (size_t)L->rows[L->a->modules], 6, &begin, &end);
    for (int k0 = (int)begin; k0 < (int)end; k0 += ROWS) {
        const int n = (int)end - k0 < ROWS ? (int)end - k0 : ROWS;
        for (int i = 0; i < n; i++) {
            while (b + 1 < r->B && first[b + 1] <= k0 + i) b++;
            at[i] = b;
            step_of[i] = k0 + i - first[b];
        }
        for (int g = 0; g < L->a->modules; g++) {
            int m = 0;
            for (int i = 0; i < n; i++) {
                const int s = step_of[i];
                const int t = r->reverse ? (int)jd__length(r->given, (size_t)at[i], (size_t)r->T) - 1 - s : s;
                float *row = dx + ((size_t)t * (size_t)r->B + (size_t)at[i]) * (size_t)L->N;
                if (g == 0) memset(row, 0, (size_t)L->N * sizeof(float));
                if (s % (int)L->clock[g].period) continue;
                a[m] = error_at(L, g, at[i], s);
                c[m++] = row;
            }
            JD_K(jd__rows_mul)(&L->W[g], 0, jd__row_blocks(L->N), m, a, c, NULL, 1);
        }
    }
}

static void weight_errors(const clock_back *L, const jd_call *c)
{
    for (int g = 0; g < L->a->modules; g++) {
        const jd_clock *m = &L->clock[g];
        jd_recur r = L->r;
        r.ragged = true;
        r.period = (int)m->period;
        r.first = L->s.first + g * r.B;
        r.rows = L->rows[g];
        const float *h0 = c->in[5];
        const jd_outer term[2] = {
            {.hi = L->S, .n = L->N, .all = c->in[0], .out = (float *)c->out[1] + m->unit * (size_t)L->N},
            {.hi = L->S,
             .n = (int)m->heard,
             .ld = L->H,
             .all = L->y + m->from,
             .first = h0 ? h0 + m->from : NULL,
             .before = true,
             .out = (float *)c->out[2] + m->at}};
        JD_K(jd__recur_outer)
        (&r, L->s.delta[g], L->S, term, 2, L->s.rec.outer + (size_t)r.w.id * L->s.rec.outer_floats);
    }
}

jd_kernel JD_K(jd__k_clockwork_grad);

void JD_K(jd__k_clockwork_grad)(const jd_call *c, const jd_worker *w)
{
    clock_back L = {.a = c->attr,
                    .N = (int)c->in_type[0].dim[2],
                    .H = (int)c->in_type[2].dim[0],
                    .y = c->in[6],
                    .dy = c->in[7],
                    .has_h0 = c->in[5] != NULL};
    const int modules = L.a->modules;
    jd_recur *r = &L.r;
    L.S = L.H / modules;
    jd__clock_space(c, true, w->count, c->scratch, &L.s);
    jd__clocks(L.a, (size_t)L.H, L.clock);
    if (!JD_K(jd__recur_init_samples)(r, c, w, &L.s.rec, L.a->reverse, L.H, 2. * L.H * L.H)) return;
    count_rows(&L);
    for (int g = 0; g < modules; g++) {
        const jd_clock *m = &L.clock[g];
        L.R[g] = (jd_panels){.data = L.s.r[g], .K = L.S, .G = 1, .n = (int)m->heard};
        L.W[g] = (jd_panels){.data = L.s.w[g], .K = L.S, .G = 1, .n = L.N};
        JD_K(jd__recur_pack)(r, &L.R[g], (const float *)c->in[3] + m->at, m->heard, 1);
        if (L.a->need_dx)
            JD_K(jd__recur_pack)(r, &L.W[g], (const float *)c->in[2] + m->unit * (size_t)L.N, (size_t)L.N, 1);
    }
    JD_K(jd__recur_start)(r, c->in[8], L.s.rec.dh, L.H);
    JD_K(jd__recur_start)(r, NULL, L.s.rec.sum, L.H);
    jd__recur_meet(r);
    for (int s = r->T; s-- > 0;) step(&L, s);
    jd__recur_meet(r);
    JD_K(jd__recur_reduce)(r, L.s.rec.sum, (size_t)L.H, L.H, c->out[3]);
    weight_errors(&L, c);
    if (L.a->need_dx) input_errors(&L, c->out[0]);
    if (L.has_h0 && r->w.id == 0) memcpy(c->out[4], L.s.rec.dh, (size_t)r->B * (size_t)L.H * sizeof(float));
}
