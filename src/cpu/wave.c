/* wave.c - see wave.h. */
#include "cpu/wave.h"

enum {
    CREW = JD_MD_CREW,
    WIDE = 16 /* so many cells: the weights are large, and more panels share what is loaded of them */
};

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
    memset(v->o.zero, 0, jd__md_row(z) * sizeof(float));
    if (z->n > 1) v->aside[z->n - 2] = 1;
    if (z->n > 2) v->aside[0] = (ptrdiff_t)z->dim[1];
    v->few =
        JD_K(jd__lanes_are_few)(z->B * (z->n == 1 ? 1 : z->P / z->dim[z->n - 1]), grad ? (size_t)z->n * z->H : z->G);
    share_out(v);
    return true;
}

/* Lanes of sample b; those of a smaller sample stand as far apart as those of the largest. */
static size_t lanes_of(const jd_md *z, size_t b)
{
    size_t ext[JD_MD_DIMS];
    if (!jd__md_extent(z, b, ext)) return 0;
    return z->n == 1 ? 1 : z->n == 2 ? ext[0] : ext[0] * z->dim[1];
}

bool JD_K(jd__wave_crew)(jd_wave *v)
{
    const jd_md *z = &v->z;
    const bool wide = z->H >= WIDE;
    size_t lanes = 0, best_lanes = 0;
    double best = 0;
    v->from = v->to;
    if (v->from >= v->b1) return false;
    for (size_t b = v->from; b < v->b1; b++) {
        lanes += lanes_of(z, b);
        if (lanes > CREW && b > v->from) break;
        const double used = (double)lanes / (double)((lanes + JD_MD_LANES - 1) / JD_MD_LANES * JD_MD_LANES + !lanes);
        if (b > v->from && (wide ? used < best : used <= best)) continue;
        best = used;
        best_lanes = lanes;
        v->to = b + 1;
        if (!wide && used > .9) break;
    }
    v->lanes = (int)best_lanes;
    v->panels = (v->lanes + JD_MD_LANES - 1) / JD_MD_LANES;
    return true;
}

/* The lane of sample b at the scan coordinates `at` of all dimensions but the last. */
static void place_lane(jd_wave *v, int s, size_t b, const size_t ext[JD_MD_DIMS], const size_t at[JD_MD_DIMS], int lane)
{
    const jd_md *z = &v->z;
    const int last = z->n - 1;
    ptrdiff_t row = (ptrdiff_t)(b * z->P);
    int start = 0;
    for (int e = 0; e < z->n; e++) {
        const size_t c = e < last ? at[e] : 0;
        row += (ptrdiff_t)((s >> e & 1 ? ext[e] - 1 - c : c) * z->stride[e]);
        start += (int)c;
        if (e == last) continue;
        v->o.low[e][lane] = c > 0 ? -1 : 0;
        v->o.high[e][lane] = c + 1 < ext[e] ? -1 : 0;
    }
    v->o.first[lane] = start;
    v->o.last[lane] = start + (int)ext[last] - 1;
    v->o.row[lane] = row - v->along * start;
}

void JD_K(jd__wave_turn)(jd_wave *v, int d)
{
    const jd_md *z = &v->z;
    const int s = z->dir[d];
    const size_t second = z->n > 2 ? z->dim[1] : 1;
    int lane = 0;
    v->along = s >> (z->n - 1) & 1 ? -1 : 1;
    v->steps = 0;
    for (int l = 0; l < v->panels * JD_MD_LANES; l++) {
        v->o.first[l] = INT32_MAX;
        v->o.last[l] = -1;
        for (int e = 0; e < JD_MD_DIMS; e++) v->o.low[e][l] = v->o.high[e][l] = 0;
    }
    for (size_t b = v->from; b < v->to; b++) {
        size_t ext[JD_MD_DIMS];
        const size_t lines = lanes_of(z, b) / second;
        if (!jd__md_extent(z, b, ext)) continue;
        for (size_t i = 0; i < lines; i++)
            for (size_t j = 0; j < second; j++, lane++)
                if (z->n < 3 || j < ext[1]) place_lane(v, s, b, ext, (size_t[JD_MD_DIMS]){i, j, 0}, lane);
    }
    for (int q = 0; q < v->panels; q++) {
        int32_t begin = INT32_MAX, end = 0;
        for (int l = q * JD_MD_LANES; l < (q + 1) * JD_MD_LANES; l++) {
            if (v->o.first[l] < begin) begin = v->o.first[l];
            if (v->o.last[l] + 1 > end) end = v->o.last[l] + 1;
        }
        v->o.begin[q] = begin;
        v->o.end[q] = end;
        if (end > v->steps) v->steps = end;
    }
}

bool JD_K(jd__wave_panel)(const jd_wave *v, int q, int k, jd_panel *p)
{
    const int l0 = q * JD_MD_LANES;
    p->lanes = v->lanes - l0 < JD_MD_LANES ? v->lanes - l0 : JD_MD_LANES;
    if (!jd__wave_at_work(v, q, k)) return false;
    const int32_t *first = v->o.first + l0, *last = v->o.last + l0;
    const ptrdiff_t *row = v->o.row + l0, gone = v->along * k;
    for (int l = 0; l < JD_MD_LANES; l++) {
        const bool here = k >= first[l] && k <= last[l];
        p->here[l] = here ? -1 : 0;
        p->row[l] = here ? (size_t)(row[l] + gone) : SIZE_MAX;
    }
    return true;
}

void JD_K(jd__wave_clear)(const jd_wave *v, int d, size_t n, float *out)
{
    const jd_md *z = &v->z;
    if (!z->size || !z->P) return;
    for (size_t b = v->b0; b < v->b1; b++) {
        size_t ext[JD_MD_DIMS], all[JD_MD_DIMS] = {1, 1, 1}, at[JD_MD_DIMS] = {0}, p = b * z->P;
        const bool any = jd__md_extent(z, b, ext);
        for (int e = 0; e < z->n; e++) all[e] = z->dim[e];
        do {
            if (!any || at[0] >= ext[0] || at[1] >= ext[1] || at[2] >= ext[2])
                memset(out + (p * (size_t)z->D + (size_t)d) * n, 0, n * sizeof(float));
            p++;
        } while (jd__md_next(all, at));
    }
}
