/* wave.c - see wave.h. */
#include "cpu/wave.h"

/* Below so many FLOPs of a whole call a second thread costs more than it gives. */
static const double least_call = 1e6;

enum { INTS = 5 }; /* of a point: place in scan coordinates, sample, coordinates */

/* The points of diagonal k of sample b, appended to the list. */
static int32_t append(jd_wave *v, size_t b, const size_t ext[JD_MD_DIMS], size_t k, int32_t n, int32_t first)
{
    const jd_md *z = &v->z;
    const size_t far = ext[1] + ext[2] - 2;
    for (size_t i = k > far ? k - far : 0; i < ext[0] && i <= k; i++) {
        const size_t left = k - i;
        for (size_t j = left > ext[2] - 1 ? left - (ext[2] - 1) : 0; j < ext[1] && j <= left; j++, n++) {
            const size_t at[JD_MD_DIMS] = {i, j, left - j};
            size_t place = b * z->P;
            for (int e = 0; e < z->n; e++) place += at[e] * z->stride[e];
            int32_t *p = v->o.point + (size_t)n * INTS;
            p[0] = (int32_t)place;
            p[1] = (int32_t)b;
            for (int e = 0; e < JD_MD_DIMS; e++) p[2 + e] = (int32_t)at[e];
            v->o.slot[place] = n - first;
        }
    }
    return n;
}

static void list(jd_wave *v)
{
    const jd_md *z = &v->z;
    size_t most = 0, ext[JD_MD_DIMS];
    for (size_t b = v->b0; b < v->b1; b++)
        if (jd__md_extent(z, b, ext) && ext[0] + ext[1] + ext[2] - 2 > most) most = ext[0] + ext[1] + ext[2] - 2;
    v->waves = (int)most;
    int32_t n = 0;
    for (size_t k = 0; k < most; k++) {
        v->o.wave[k] = n;
        const int32_t first = n;
        for (size_t b = v->b0; b < v->b1; b++)
            if (jd__md_extent(z, b, ext) && k < ext[0] + ext[1] + ext[2] - 2) n = append(v, b, ext, k, n, first);
    }
    v->o.wave[most] = n;
}

bool JD_K(jd__wave_init)(jd_wave *v, const jd_call *c, const jd_worker *w, const jd_md_space *s, bool grad, size_t step)
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
    size_t begin = 0, end = (size_t)z->D;
    v->b1 = z->B;
    if (z->D % v->w.count == 0 || z->B < (size_t)v->w.count)
        jd_share(&v->w, (size_t)z->D, 1, &begin, &end);
    else
        jd_share(&v->w, z->B, 1, &v->b0, &v->b1);
    v->d0 = (int)begin;
    v->d1 = (int)end;
    list(v);
    const size_t panels = jd__md_panels(z), row = z->G > z->N + (size_t)z->n * z->H ? z->G : z->N + (size_t)z->n * z->H;
    v->nowhere = (int32_t)(panels * step);
    for (int k = 0; k < 2; k++) {
        memset(v->o.h[k] + panels * step, 0, step * sizeof(float));
        memset(v->o.c[k] + panels * step, 0, step * sizeof(float));
    }
    memset(v->o.zero, 0, (row + JD_MD_LANES) * sizeof(float));
    return true;
}

void JD_K(jd__wave_panel)(const jd_wave *v, int k, int q, int d, bool up, size_t step, jd_panel *p)
{
    const jd_md *z = &v->z;
    const int s = z->dir[d], first = v->o.wave[k] + q * JD_MD_LANES, left = v->o.wave[k + 1] - first;
    size_t ext[JD_MD_DIMS] = {1, 1, 1}, base = 0, last = SIZE_MAX;
    ptrdiff_t stride[JD_MD_DIMS] = {0};
    p->lanes = left < JD_MD_LANES ? left : JD_MD_LANES;
    for (int e = 0; e < z->n; e++) stride[e] = s >> e & 1 ? -(ptrdiff_t)z->stride[e] : (ptrdiff_t)z->stride[e];
    for (int l = 0; l < JD_MD_LANES; l++) {
        if (l >= p->lanes) {
            for (int e = 0; e < z->n; e++) p->from[e][l] = v->nowhere;
            continue;
        }
        const int32_t *at = v->o.point + (size_t)(first + l) * INTS;
        if ((size_t)at[1] != last) {
            last = (size_t)at[1];
            jd__md_extent(z, last, ext);
            base = last * z->P;
            for (int e = 0; e < z->n; e++)
                if (s >> e & 1) base += (ext[e] - 1) * z->stride[e];
        }
        ptrdiff_t row = (ptrdiff_t)base;
        for (int e = 0; e < z->n; e++) row += at[2 + e] * stride[e];
        p->row[l] = (size_t)row;
        for (int e = 0; e < z->n; e++) {
            const bool low = at[2 + e] > 0, high = (size_t)at[2 + e] + 1 < ext[e];
            p->before[e][l] = low ? (size_t)(row - stride[e]) : SIZE_MAX;
            p->from[e][l] = v->nowhere;
            if (up ? !high : !low) continue;
            const size_t place = (size_t)at[0];
            const int32_t slot = v->o.slot[up ? place + z->stride[e] : place - z->stride[e]];
            p->from[e][l] = (int32_t)((size_t)(slot / JD_MD_LANES) * step) + slot % JD_MD_LANES;
        }
    }
}

void JD_K(jd__wave_clear)(const jd_wave *v, int d, size_t n, float *out)
{
    const jd_md *z = &v->z;
    if (!z->size) return;
    for (size_t b = v->b0; b < v->b1; b++) {
        size_t ext[JD_MD_DIMS], all[JD_MD_DIMS] = {1, 1, 1}, at[JD_MD_DIMS] = {0}, p = b * z->P;
        const bool any = jd__md_extent(z, b, ext);
        for (int e = 0; e < z->n; e++) all[e] = z->dim[e];
        if (!z->P) continue;
        do {
            if (!any || at[0] >= ext[0] || at[1] >= ext[1] || at[2] >= ext[2])
                memset(out + (p * (size_t)z->D + (size_t)d) * n, 0, n * sizeof(float));
            p++;
        } while (jd__md_next(all, at));
    }
}
