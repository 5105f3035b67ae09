/*
 * planes.h - how the kernels of the convolutional LSTM divide a scan over a team, and the convolution of its states.
 *
 * With samples enough each member takes some of its own and never waits; else each takes some rows of every plane, and all
 * meet after each plane.  Both give the same bits: every value is one chain in a fixed order.
 */
#ifndef JD_CPU_PLANES_H
#define JD_CPU_PLANES_H

#include "cpu/corr.h"
#include "ops/convlstm.h"

jd_kernel JD_K(jd__k_conv2d_dx), JD_K(jd__k_conv2d_dw), JD_K(jd__k_sum);

typedef struct jd_plane_team {
    const jd_worker *w;
    int64_t b0, b1; /* this member's samples */
    bool rows;      /* all samples, but some rows of each */
} jd_plane_team;

static inline jd_plane_team jd__plane_team(const jd_planes *p, const jd_worker *w)
{
    const double step = 2. * (double)(p->B * p->plane) * (double)(4 * p->C * p->C * p->k * p->k);
    jd_plane_team t = {.w = w, .b1 = p->B};
    size_t begin, end;
    if (w->count == 1) return t;
    if (p->B % w->count && p->B < 4 * w->count && step > 1e5) {
        t.rows = true;
        return t;
    }
    jd_share(w, (size_t)p->B, 1, &begin, &end);
    t.b0 = (int64_t)begin;
    t.b1 = (int64_t)end;
    return t;
}

/* This member's rows y0..y1-1 of a plane of a sample. */
static inline void jd__plane_rows(const jd_plane_team *t, int64_t height, int64_t *y0, int64_t *y1)
{
    size_t begin = 0, end = (size_t)height;
    if (t->rows) jd_share(t->w, (size_t)height, 1, &begin, &end);
    *y0 = (int64_t)begin;
    *y1 = (int64_t)end;
}

static inline void jd__plane_meet(const jd_plane_team *t)
{
    if (t->rows) jd_team_barrier(t->w);
}

/* Rows y0..y1-1 of `out` (Y,X,N) = or, with add, += the correlation of `in` (Y,X,K) with packed weights k x k. */
static inline void jd__plane_corr(const jd_planes *p, const jd_plane_size *n, int64_t y0, int64_t y1, const float *in,
                                  int64_t K, const float *pack, float *out, int64_t N, bool add)
{
    const jd_corr q = {.in = in,
                       .in_y = p->X * K,
                       .H = n->height,
                       .W = n->width,
                       .C = K,
                       .kh = p->k,
                       .kw = p->k,
                       .oh = n->height,
                       .ow = n->width,
                       .N = N,
                       .step = 1,
                       .off_y = -(p->k / 2),
                       .off_x = -(p->k / 2),
                       .out = out,
                       .out_y = p->X * N,
                       .out_x = N,
                       .pack = pack,
                       .add = add};
    JD_K(jd__corr_rows)(&q, y0, y1);
}

/* Zeroes what lies outside the samples in `out` (T,B,Y,X,n); member w's share. */
static inline void jd__plane_clear(const jd_planes *p, float *out, int64_t n, const jd_worker *w)
{
    size_t begin, end;
    if (!p->size) return;
    jd_share(w, (size_t)(p->T * p->B), 1, &begin, &end);
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        const jd_plane_size z = jd__plane_size(p, i % p->B);
        const int64_t height = i / p->B < z.length ? z.height : 0;
        float *plane = out + i * p->plane * n;
        for (int64_t y = 0; y < height; y++)
            memset(plane + (y * p->X + z.width) * n, 0, (size_t)((p->X - z.width) * n) * sizeof *out);
        memset(plane + height * p->X * n, 0, (size_t)((p->Y - height) * p->X * n) * sizeof *out);
    }
}

/* Ragged: x with zeros outside, into s->x; member w's share. */
static inline void jd__plane_input(const jd_planes *p, const float *x, const jd_plane_space *s, const jd_worker *w)
{
    size_t begin, end;
    if (!p->size) return;
    jd_share(w, (size_t)(p->T * p->B), 1, &begin, &end);
    const size_t plane = (size_t)(p->plane * p->N);
    memcpy(s->x + begin * plane, x + begin * plane, (end - begin) * plane * sizeof *x);
    jd__plane_clear(p, s->x, p->N, w); /* the same share */
}

/* Runs another op's kernel by the whole team. */
static inline void jd__plane_run(const jd_call *c, jd_plane_call what, const jd_plane_space *s, const jd_worker *w)
{
    static jd_kernel *const kernel[] = {JD_K(jd__k_conv2d_dx), JD_K(jd__k_conv2d_dw), JD_K(jd__k_conv2d_dw),
                                        JD_K(jd__k_sum)};
    jd_plane_op o;
    jd__plane_op(c, what, s, &o);
    kernel[what](&o.c, w);
}

/* ---- gates of a few channels ------------------------------------------------------------------------------------------- */

/* Channels that do not fill vectors are first brought together, this many values at a time. */
enum { JD_PLANE_STAGE = 512 };
static inline bool jd__plane_staged(int64_t C)
{
    return C % VL && C < 2 * VL;
}

/* to (places,C) = from (places, step apart) + b, or back with `to` step apart. */
static inline void jd__plane_take(const float *from, int64_t step, const float *b, int64_t places, int64_t C, float *to)
{
    for (int64_t p = 0; p < places; p++)
        for (int64_t u = 0; u < C; u += VL) {
            const int n = C - u < VL ? (int)(C - u) : VL;
            vf x = vf_loadn(from + p * step + u, n);
            if (b) x = vf_add(x, vf_loadn(b + u, n));
            vf_storen(to + p * C + u, x, n);
        }
}
static inline void jd__plane_give(const float *from, int64_t step, int64_t places, int64_t C, float *to)
{
    for (int64_t p = 0; p < places; p++)
        for (int64_t u = 0; u < C; u += VL) {
            const int n = C - u < VL ? (int)(C - u) : VL;
            vf_storen(to + p * step + u, vf_loadn(from + p * C + u, n), n);
        }
}

/* ---- gates of half a vector of channels ---------------------------------------------------------------------------------*/

/* Two places fill a vector. */
static inline bool jd__plane_paired(int64_t C)
{
    return 2 * C == VL;
}

/* The lower or upper halves of a and b, side by side. */
JD_INLINE vf jd_low_halves(vf a, vf b)
{
#if VL == 16
    return _mm512_shuffle_f32x4(a, b, 0x44);
#elif VL == 8
    return _mm256_permute2f128_ps(a, b, 0x20);
#elif VL == 4
    return vcombine_f32(vget_low_f32(a), vget_low_f32(b));
#else
    return (void)b, a;
#endif
}
JD_INLINE vf jd_high_halves(vf a, vf b)
{
#if VL == 16
    return _mm512_shuffle_f32x4(a, b, 0xee);
#elif VL == 8
    return _mm256_permute2f128_ps(a, b, 0x31);
#elif VL == 4
    return vcombine_f32(vget_high_f32(a), vget_high_f32(b));
#else
    return (void)a, b;
#endif
}

/* The rows (4C) of two places, as one vector a gate. */
JD_INLINE void jd__pair_load(const float *rows, vf gate[4])
{
    const vf if0 = vf_load(rows), zo0 = vf_load(rows + VL), if1 = vf_load(rows + 2 * VL), zo1 = vf_load(rows + 3 * VL);
    gate[0] = jd_low_halves(if0, if1);
    gate[1] = jd_high_halves(if0, if1);
    gate[2] = jd_low_halves(zo0, zo1);
    gate[3] = jd_high_halves(zo0, zo1);
}
JD_INLINE void jd__pair_store(float *rows, const vf gate[4])
{
    vf_store(rows, jd_low_halves(gate[0], gate[1]));
    vf_store(rows + VL, jd_low_halves(gate[2], gate[3]));
    vf_store(rows + 2 * VL, jd_high_halves(gate[0], gate[1]));
    vf_store(rows + 3 * VL, jd_high_halves(gate[2], gate[3]));
}

#endif
