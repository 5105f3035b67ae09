/* wave.c - see wave.h. */
#include "cpu/wave.h"

/* Below so many FLOPs of a whole call a second thread costs more than it gives. */
static const double least_call = 1e6;

/* Members take samples, so that they write to different lines of memory, or directions where there are few samples. */
static void share_out(jd_wave *v)
{
    const jd_md *z = &v->z;
    const size_t count = (size_t)v->w.count, D = (size_t)z->D;
    size_t begin = 0, end = D;
    v->b1 = z->B;
    if (z->B % count == 0 || z->B >= 4 * count || (D % count && z->B > D))
        jd_share(&v->w, z->B, 1, &v->b0, &v->b1);
    else
        jd_share(&v->w, D, 1, &begin, &end);
    v->d0 = (int)begin;
    v->d1 = (int)end;
    v->from = v->to = v->b0;
}

bool JD_K(jd__wave_init)(jd_wave *v, const jd_call *c, const jd_worker *w, const jd_md_space *s, bool grad)
{
    memset(v, 0, sizeof *v);
    v->z = jd__md(c);
    v->z.size = c->in[1];
    v->w = *w;
    const jd_md *z = &v->z;
    const double work =
        2. * (double)(z->B * z->P) * (double)((size_t)z->D * z->G) * (double)(z->N + (size_t)z->n * z->H);
    if (w->count > 1 && work < least_call) {
        if (w->id) return false;
        v->w = (jd_worker){0, 1, NULL};
    }
    jd__md_own(z, grad, s->own + s->each * (size_t)w->id, &v->o);
    memset(v->o.zero, 0, ((z->G > z->N ? z->G : z->N) + JD_MD_OVER) * sizeof(float));
    v->group = jd__md_group(z);
    v->flat = jd__md_flat(z);
    v->margin = jd__md_margin(z);
    v->exact = z->n < 3 && !z->size;
    share_out(v);
    return true;
}

bool JD_K(jd__wave_crew)(jd_wave *v)
{
    const jd_md *z = &v->z;
    const size_t left = v->b1 - v->to, most = jd__md_samples(z), S = left < most ? left : most;
    const size_t second = z->n > 2 ? z->dim[1] : 1;
    if (!S) return false;
    v->from = v->to;
    v->to += S;
    v->samples = S;
    v->lanes = S * jd__md_lines(z);
    v->steps = 0;
    v->steady = v->exact && S == 1;
    if (z->n > 1) v->aside[z->n - 2] = S;
    if (z->n > 2) v->aside[0] = S * z->dim[1];
    for (size_t lane = 0; lane < v->lanes; lane++) {
        const size_t line = lane / S, at[JD_MD_DIMS] = {line / second, line % second, 0};
        size_t ext[JD_MD_DIMS];
        bool any = jd__md_extent(z, v->from + lane % S, ext);
        int start = 0;
        v->o.low[lane] = v->o.high[lane] = 0;
        for (int e = 0; e < z->n - 1; e++) {
            any = any && at[e] < ext[e];
            start += (int)at[e];
            if (at[e] > 0) v->o.low[lane] |= (uint8_t)(1 << e);
            if (at[e] + 1 < ext[e]) v->o.high[lane] |= (uint8_t)(1 << e);
        }
        v->o.first[lane] = any ? start : INT32_MAX;
        v->o.last[lane] = any ? start + (int)ext[z->n - 1] - 1 : -1;
        if (v->o.last[lane] >= v->steps) v->steps = v->o.last[lane] + 1;
    }
    return true;
}

void JD_K(jd__wave_turn)(jd_wave *v, int d)
{
    const jd_md *z = &v->z;
    jd_md_side *side = &v->o.side;
    const int s = z->dir[d], last = z->n - 1;
    const size_t second = z->n > 2 ? z->dim[1] : 1;
    side->along = s >> last & 1 ? -1 : 1;
    for (size_t lane = 0; lane < v->lanes; lane++) {
        if (v->o.last[lane] < 0) continue;
        const size_t line = lane / v->samples, b = v->from + lane % v->samples;
        size_t ext[JD_MD_DIMS], at[JD_MD_DIMS] = {0};
        jd__md_extent(z, b, ext);
        if (last > 0) at[0] = line / second;
        if (last > 1) at[1] = line % second;
        const size_t row = b * z->P + jd__md_place(z, s, ext, at);
        side->row[lane] = (ptrdiff_t)row - side->along * v->o.first[lane];
    }
    side->aside = v->steady && v->lanes > 1 ? side->row[1] - side->row[0] : 0;
}

jd_rows JD_K(jd__wave_rows)(const jd_wave *v, int k, size_t l0, size_t l1)
{
    const jd_md_side *s = &v->o.side;
    const ptrdiff_t gone = s->along * k;
    if (v->steady) return (jd_rows){s->row[l0] + gone, s->aside, NULL};
    for (size_t l = l0; l < l1; l++) s->at[l - l0] = jd__wave_here(v, l, k) ? s->row[l] + gone : -1;
    return (jd_rows){0, 0, s->at};
}

jd_rows JD_K(jd__wave_neighbours)(const jd_wave *v, int e, bool before, size_t l0, size_t l1)
{
    const ptrdiff_t aside = before ? -(ptrdiff_t)v->aside[e] : (ptrdiff_t)v->aside[e];
    if (v->exact || e == v->z.n - 1) return (jd_rows){(ptrdiff_t)l0 + aside, 1, NULL};
    const uint8_t *have = before ? v->o.low : v->o.high;
    for (size_t l = l0; l < l1; l++) v->o.at[l - l0] = have[l] >> e & 1 ? (ptrdiff_t)l + aside : -1;
    return (jd_rows){0, 0, v->o.at};
}

void JD_K(jd__wave_range)(const jd_wave *v, int k, size_t *begin, size_t *end)
{
    *begin = 0;
    *end = v->lanes;
    if (!v->exact || v->z.n < 2) return;
    const size_t at = (size_t)k, length = v->z.dim[1];
    if (at >= length) *begin = (at - length + 1) * v->samples;
    if (at < v->z.dim[0]) *end = (at + 1) * v->samples;
}

void JD_K(jd__wave_peep)(const jd_wave *v, const float *peep)
{
    const size_t H = v->z.H, lanes = v->group, step = v->flat;
    for (size_t q = 0; q < (size_t)v->z.n + 2; q++)
        for (size_t l = 0; l < lanes; l++) jd_copy_over(v->o.side.peep + q * step + l * H, peep + q * H, H);
}

void JD_K(jd__wave_clear)(const jd_wave *v, size_t n, float *out, size_t step)
{
    const jd_md *z = &v->z;
    if (!z->size || !z->P) return;
    for (size_t b = v->b0; b < v->b1; b++) {
        size_t ext[JD_MD_DIMS], all[JD_MD_DIMS] = {1, 1, 1}, at[JD_MD_DIMS] = {0}, p = b * z->P;
        const bool any = jd__md_extent(z, b, ext);
        for (int e = 0; e < z->n; e++) all[e] = z->dim[e];
        do {
            if (!any || at[0] >= ext[0] || at[1] >= ext[1] || at[2] >= ext[2])
                memset(out + p * step, 0, n * sizeof(float));
            p++;
        } while (jd__md_next(all, at));
    }
}
