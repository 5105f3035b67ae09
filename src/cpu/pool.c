/* pool.c - pooling at the speed of memory: lanes over channels, rows (b,y) shared out. */
#include "cpu/cpu.h"
#include "cpu/pool.h"
#include "cpu/simd.h"
#include "ops/attrs.h"

void JD_K(jd__k_maxpool)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_unpool)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_avgpool)(const jd_call *c, const jd_worker *w);
void JD_K(jd__k_avgpool_dx)(const jd_call *c, const jd_worker *w);

JD_INLINE int lanes(int64_t left)
{
    return left < VL ? (int)left : VL;
}

/* n lanes of one window of ny x nx cells: its largest values, and which they were.  ny, nx and whole may be constants. */
JD_INLINE void window(const jd_pool_row *p, int64_t ny, int64_t nx, int64_t ch, int64_t ox, float *y, int32_t *winner,
                      const int whole, int n)
{
    const float *s = p->x + ox * p->stride * p->C + ch;
    const int64_t out = ox * p->C + ch;
    vf best = whole ? vf_load(s) : vf_loadn(s, n);
    vi at = vi_set1(0);
    for (int64_t u = 0; u < ny; u++, s += p->W * p->C)
        for (int64_t v = 0; v < nx; v++) {
            if (!u && !v) continue;
            const vf t = whole ? vf_load(s + v * p->C) : vf_loadn(s + v * p->C, n);
            const vi here = vi_set1((int32_t)(u * p->size + v));
            const vm more = vm_or(vf_gt(t, best), vf_isnan(t));
            best = vf_select(more, t, best);
            at = vi_select(more, here, at);
        }
    if (p->bias) best = vf_add(best, whole ? vf_load(p->bias + ch) : vf_loadn(p->bias + ch, n));
    if (whole) {
        vf_store(y + out, best);
        if (winner) vi_store(winner + out, at);
    } else {
        vf_storen(y + out, best, n);
        if (winner) vi_storen(winner + out, at, n);
    }
}

/* Windows that are whole, of k x k cells, a constant. */
JD_INLINE void whole_windows(const jd_pool_row *p, const int k, int64_t ch, int64_t count, float *y, int32_t *winner)
{
    for (int64_t ox = 0; ox < count; ox++) window(p, k, k, ch, ox, y, winner, 1, VL);
}

void JD_K(jd__maxpool_row)(const jd_pool_row *p, float *y, int32_t *winner)
{
    const int64_t C = p->C, whole = p->ny < p->size || p->W < p->size ? 0 : (p->W - p->size) / p->stride + 1;
    for (int64_t from = 0; from < C; from += VL) {
        /* The last lanes are done twice rather than masked. */
        const int64_t ch = C - from < VL && C >= VL ? C - VL : from;
        int64_t ox = 0;
        if (C >= VL && (p->size == 2 || p->size == 3)) {
            ox = whole < p->ow ? whole : p->ow;
            if (p->size == 2)
                whole_windows(p, 2, ch, ox, y, winner);
            else
                whole_windows(p, 3, ch, ox, y, winner);
        }
        for (; ox < p->ow; ox++) {
            const int64_t left = p->W - ox * p->stride, nx = left < p->size ? left : p->size;
            if (C >= VL)
                window(p, p->ny, nx, ch, ox, y, winner, 1, VL);
            else
                window(p, p->ny, nx, ch, ox, y, winner, 0, lanes(C - ch));
        }
    }
}

void JD_K(jd__k_maxpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t oh = c->out_type[0].dim[1], ow = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)(c->in_type[0].dim[0] * oh), 1, &begin, &end);
    for (int64_t r = (int64_t)begin; r < (int64_t)end; r++) {
        const int64_t y0 = r % oh * a->stride;
        const jd_pool_row p = {.x = (const float *)c->in[0] + (r / oh * H + y0) * W * C,
                               .ny = H - y0 < a->size ? H - y0 : a->size,
                               .W = W,
                               .C = C,
                               .ow = ow,
                               .size = a->size,
                               .stride = a->stride};
        JD_K(jd__maxpool_row)(&p, (float *)c->out[0] + r * ow * C, (int32_t *)c->out[1] + r * ow * C);
    }
}

/* One row of cells: adds what the windows of row oy of the cotangent send to it. */
static void unpool_row(const jd_pool_attr *a, const float *dy, const int32_t *winner, int64_t ow, int64_t C,
                       int64_t line, float *row)
{
    for (int64_t ox = 0; ox < ow; ox++) {
        const int64_t x0 = ox * a->stride, nx = a->w - x0 < a->size ? a->w - x0 : a->size;
        for (int64_t ch = 0; ch < C; ch += VL) {
            const int n = lanes(C - ch);
            const vf d = vf_loadn(dy + ox * C + ch, n);
            const vf at = vi_float(vi_loadn(winner + ox * C + ch, n));
            for (int64_t v = 0; v < nx; v++) {
                float *to = row + (x0 + v) * C + ch;
                const vm won = vf_eq(at, vf_set1((float)(line * a->size + v)));
                vf_storen(to, vf_add(vf_loadn(to, n), vf_select(won, d, vf_zero())), n);
            }
        }
    }
}

/* Windows that neither overlap nor leave gaps: every cell is written once.  Row oy of the windows of one sample. */
static void unpool_apart(const jd_pool_attr *a, const float *dy, const int32_t *winner, int64_t oh, int64_t ow,
                         int64_t C, int64_t oy, float *sample)
{
    const int64_t size = a->size, y0 = oy * size, ny = a->h - y0 < size ? a->h - y0 : size, line = a->w * C;
    float *const row = sample + y0 * line;
    for (int64_t ox = 0; ox < ow; ox++, dy += C, winner += C) {
        const int64_t x0 = ox * size, nx = a->w - x0 < size ? a->w - x0 : size;
        for (int64_t from = 0; from < C; from += VL) {
            /* The last lanes are done twice rather than masked. */
            const int64_t ch = C - from < VL && C >= VL ? C - VL : from;
            const int n = lanes(C - ch);
            const vf d = vf_add(vf_loadn(dy + ch, n), vf_zero());
            const vf at = vi_float(vi_loadn(winner + ch, n));
            float *to = row + x0 * C + ch;
            for (int64_t u = 0; u < ny; u++, to += line)
                for (int64_t v = 0; v < nx; v++)
                    vf_storen(to + v * C, vf_select(vf_eq(at, vf_set1((float)(u * size + v))), d, vf_zero()), n);
        }
    }
    const int64_t covered = ow * size < a->w ? ow * size : a->w, below = (oy + 1) * size;
    if (covered < a->w)
        for (int64_t u = 0; u < ny; u++)
            memset(row + u * line + covered * C, 0, (size_t)((a->w - covered) * C) * sizeof *row);
    if (oy + 1 == oh && below < a->h) memset(sample + below * line, 0, (size_t)((a->h - below) * line) * sizeof *row);
}

void JD_K(jd__k_unpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const int64_t oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    size_t begin, end;
    if (a->stride == a->size && oh > 0) {
        jd_share(w, (size_t)(c->in_type[0].dim[0] * oh), 1, &begin, &end);
        for (int64_t r = (int64_t)begin; r < (int64_t)end; r++)
            unpool_apart(a, (const float *)c->in[0] + r * ow * C, (const int32_t *)c->in[1] + r * ow * C, oh, ow, C,
                         r % oh, (float *)c->out[0] + r / oh * a->h * a->w * C);
        return;
    }
    jd_share(w, (size_t)(c->in_type[0].dim[0] * a->h), 1, &begin, &end);
    for (int64_t r = (int64_t)begin; r < (int64_t)end; r++) {
        const int64_t b = r / a->h, y = r % a->h;
        float *row = (float *)c->out[0] + r * a->w * C;
        memset(row, 0, (size_t)(a->w * C) * sizeof *row);
        for (int64_t oy = y < a->size ? 0 : (y - a->size) / a->stride + 1; oy < oh && oy * a->stride <= y; oy++) {
            const int64_t at = (b * oh + oy) * ow * C;
            unpool_row(a, (const float *)c->in[0] + at, (const int32_t *)c->in[1] + at, ow, C, y - oy * a->stride, row);
        }
    }
}

void JD_K(jd__k_avgpool)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const int64_t H = c->in_type[0].dim[1], W = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t oh = c->out_type[0].dim[1], ow = c->out_type[0].dim[2];
    size_t begin, end;
    jd_share(w, (size_t)(c->in_type[0].dim[0] * oh), 1, &begin, &end);
    for (int64_t r = (int64_t)begin; r < (int64_t)end; r++) {
        const int64_t y0 = r % oh * a->stride, ny = H - y0 < a->size ? H - y0 : a->size;
        const float *x = (const float *)c->in[0] + (r / oh * H + y0) * W * C;
        for (int64_t ox = 0; ox < ow; ox++) {
            const int64_t x0 = ox * a->stride, nx = W - x0 < a->size ? W - x0 : a->size;
            const vf cells = vf_set1((float)(ny * nx));
            for (int64_t ch = 0; ch < C; ch += VL) {
                const int n = lanes(C - ch);
                vf s = vf_zero();
                for (int64_t u = 0; u < ny; u++)
                    for (int64_t v = 0; v < nx; v++) s = vf_add(s, vf_loadn(x + (u * W + x0 + v) * C + ch, n));
                vf_storen((float *)c->out[0] + (r * ow + ox) * C + ch, vf_div(s, cells), n);
            }
        }
    }
}

void JD_K(jd__k_avgpool_dx)(const jd_call *c, const jd_worker *w)
{
    const jd_pool_attr *a = c->attr;
    const int64_t oh = c->in_type[0].dim[1], ow = c->in_type[0].dim[2], C = c->in_type[0].dim[3];
    const int64_t H = a->h, W = a->w;
    size_t begin, end;
    jd_share(w, (size_t)(c->in_type[0].dim[0] * H), 1, &begin, &end);
    for (int64_t r = (int64_t)begin; r < (int64_t)end; r++) {
        const int64_t b = r / H, y = r % H;
        float *row = (float *)c->out[0] + r * W * C;
        memset(row, 0, (size_t)(W * C) * sizeof *row);
        for (int64_t oy = y < a->size ? 0 : (y - a->size) / a->stride + 1; oy < oh && oy * a->stride <= y; oy++) {
            const int64_t left = H - oy * a->stride, ny = left < a->size ? left : a->size;
            for (int64_t ox = 0; ox < ow; ox++) {
                const int64_t x0 = ox * a->stride, nx = W - x0 < a->size ? W - x0 : a->size;
                const vf cells = vf_set1((float)(ny * nx));
                const float *dy = (const float *)c->in[0] + ((b * oh + oy) * ow + ox) * C;
                for (int64_t ch = 0; ch < C; ch += VL) {
                    const int n = lanes(C - ch);
                    const vf d = vf_div(vf_loadn(dy + ch, n), cells);
                    for (int64_t v = 0; v < nx; v++) {
                        float *to = row + (x0 + v) * C + ch;
                        vf_storen(to, vf_add(vf_loadn(to, n), d), n);
                    }
                }
            }
        }
    }
}
