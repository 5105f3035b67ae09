/* Strokes to frames: changes, size, resampling, features.  Only + - * / and sqrt, so that every machine has the same bits. */
#include "data/ink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

jd_ink_reader *jd_ink_reader_new(jd_ctx *ctx, const jd_ink_options *o)
{
    jd_ink_options x = o ? *o : (jd_ink_options){0};
    if (jd_error(ctx)) return NULL;
    if (x.spacing == 0) x.spacing = 0.2f;
    if (x.stack == 0) x.stack = 4;
    if (x.view_cell == 0) x.view_cell = 0.5f;
    if (x.size == 0) x.size = 0.3f * (float)x.rows;
    if (x.pen == 0) x.pen = 1.5f;
    if (x.rows < 0 || x.rows > JD_INK_MOST_ROWS || (x.rows && !(x.size >= 1 && x.size <= JD_INK_MOST_ROWS)) ||
        !(x.pen > 0 && x.pen <= 20)) {
        jd_fail(ctx, JD_EUSAGE, "ink: %d rows, size %g, pen %g; rows 0..%d, size 1..%d, pen 0..20 are possible", x.rows,
                (double)x.size, (double)x.pen, JD_INK_MOST_ROWS, JD_INK_MOST_ROWS);
        return NULL;
    }
    if (!(x.spacing >= 0.02f && x.spacing <= 2) || x.stack < 1 || x.stack > JD_INK_MOST_STACK || x.view < 0 ||
        x.view > JD_INK_MOST_VIEW || !(x.view_cell > 0.01f && x.view_cell <= 10)) {
        jd_fail(ctx, JD_EUSAGE,
                "ink: spacing %g, stack %d, view %d, cell %g; spacing 0.02..2, stack 1..%d, view 0..%d, cell 0.01..10 "
                "are possible",
                (double)x.spacing, x.stack, x.view, (double)x.view_cell, JD_INK_MOST_STACK, JD_INK_MOST_VIEW);
        return NULL;
    }
    jd_ink_reader *r = jd_alloc(ctx, sizeof *r);
    if (!r) return NULL;
    r->ctx = ctx;
    r->o = x;
    r->width = x.rows ? (size_t)x.rows : (size_t)(2 * x.stack + JD_INK_FIXED + x.view * x.view);
    return r;
}

void jd_ink_reader_free(jd_ink_reader *r)
{
    if (!r) return;
    jd_ctx *ctx = r->ctx;
    jd_free(ctx, r->raw);
    jd_free(ctx, r->even);
    jd_free(ctx, r->reach);
    jd_free(ctx, r->frames);
    jd_free(ctx, r->places);
    jd_free(ctx, r->strokes);
    jd_free(ctx, r);
}

size_t jd_ink_reader_width(const jd_ink_reader *r)
{
    if (!r) return 0;
    return r->width;
}

const float *jd_ink_reader_frames(const jd_ink_reader *r)
{
    if (!r) return NULL;
    return r->frames;
}

const float *jd_ink_reader_places(const jd_ink_reader *r)
{
    if (!r) return NULL;
    return r->places;
}

const size_t *jd_ink_reader_strokes(const jd_ink_reader *r)
{
    if (!r) return NULL;
    return r->strokes;
}

/* Room for `need` entries whose contents may be lost. */
bool jd__ink_room(jd_ctx *ctx, void **p, size_t *have, size_t need, size_t each)
{
    if (need <= *have) return true;
    jd_free(ctx, *p);
    *p = jd_alloc_array(ctx, need + need / 4, each);
    *have = *p ? need + need / 4 : 0;
    return *p != NULL;
}

/* ---- size and changes ---------------------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void box(const jd__ink_point *p, size_t n, float lo[2], float hi[2])
{
    lo[0] = hi[0] = p[0].x;
    lo[1] = hi[1] = p[0].y;
    for (size_t i = 1; i < n; i++) {
        lo[0] = fminf(lo[0], p[i].x), hi[0] = fmaxf(hi[0], p[i].x);
        lo[1] = fminf(lo[1], p[i].y), hi[1] = fmaxf(hi[1], p[i].y);
    }
}

/* The median vertical way between two turns of the pen; smaller turns than 0.3 deviations of y are trembling. */
static float height_of_writing(jd_ink_reader *r)
{
    const jd__ink_point *p = r->raw;
    const size_t n = r->raw_n;
    float lo[2], hi[2];
    box(p, n, lo, hi);
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) mean += p[i].y / (double)n;
    for (size_t i = 0; i < n; i++) squares += (p[i].y - mean) * (p[i].y - mean) / (double)n;
    const float least = 0.3f * (float)sqrt(squares);
    size_t turns = 0;
    for (size_t i = 0; i < n;) {
        float from = p[i].y, far = p[i].y;
        const size_t stroke = p[i].stroke;
        for (; i < n && p[i].stroke == stroke; i++) {
            const float y = p[i].y;
            const bool on = far >= from ? y >= far : y <= far;
            if (on || fabsf(far - from) <= least) {
                far = y;
            } else if (fabsf(y - far) > least) {
                r->reach[turns++] = fabsf(far - from);
                from = far;
                far = y;
            }
        }
        if (fabsf(far - from) > least) r->reach[turns++] = fabsf(far - from);
    }
    float h = hi[1] - lo[1];
    if (turns) {
        qsort(r->reach, turns, sizeof *r->reach, ascending);
        h = r->reach[turns / 2];
    }
    h = fmaxf(h, (hi[0] - lo[0]) / 100);
    return h > 0 ? h : 1;
}

/* Uniform in [-1,1]. */
static float around(jd_rng *rng)
{
    return (float)(2 * jd_rng_uniform64(rng) - 1);
}

/* Between knots one apart, of random values that are functions of the generator alone. */
typedef struct wave {
    float knot[64];
} wave;
static float wave_at(const wave *w, float x)
{
    const float base = floorf(x);
    const int i = (int)base & 63, j = (i + 1) & 63;
    const float f = x - base, s = f * f * (3 - 2 * f);
    return w->knot[i] + s * (w->knot[j] - w->knot[i]);
}

/* Another hand: points are in heights of writing. */
static void change_points(jd_ink_reader *r, jd_rng *rng, float strength)
{
    const float slant = 0.35f * strength * around(rng), wide = 1 + 0.2f * strength * around(rng);
    const float turn = 0.08f * strength * around(rng), size = 1 + 0.12f * strength * around(rng);
    wave side, up;
    for (int i = 0; i < 64; i++) {
        side.knot[i] = 0.18f * strength * around(rng);
        up.knot[i] = 0.14f * strength * around(rng);
    }
    float sx = 0, sy = 0;
    size_t stroke = SIZE_MAX;
    for (size_t i = 0; i < r->raw_n; i++) {
        jd__ink_point *p = &r->raw[i];
        if (p->stroke != stroke) {
            stroke = p->stroke;
            sx = 0.06f * strength * around(rng);
            sy = 0.06f * strength * around(rng);
        }
        float x = p->x + sx, y = p->y + sy;
        x += wave_at(&side, 0.7f * x + 0.9f * y);
        y += wave_at(&up, 0.6f * x);
        x = wide * (x - slant * y);
        p->x = size * (x - turn * y);
        p->y = size * (y + turn * x);
    }
}

/* Takes off the mean, and the slope of the line as far as the writing is long enough to tell it. */
static void level_points(jd_ink_reader *r)
{
    const double n = (double)r->raw_n;
    double mx = 0, my = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < r->raw_n; i++) mx += r->raw[i].x / n, my += r->raw[i].y / n;
    for (size_t i = 0; i < r->raw_n; i++) {
        const double dx = r->raw[i].x - mx;
        xx += dx * dx / n;
        xy += dx * (r->raw[i].y - my) / n;
    }
    const float slope = (float)(xy / (xx + 9));
    r->mean_x = (float)mx;
    for (size_t i = 0; i < r->raw_n; i++) {
        r->raw[i].x -= (float)mx;
        r->raw[i].y -= (float)my + slope * r->raw[i].x;
    }
}

static bool take_points(jd_ink_reader *r, const jd_ink_sample *s, jd_rng *change, double strength)
{
    const size_t first = s->start[0], n = s->start[s->strokes] - first;
    if (!jd__ink_room(r->ctx, (void **)&r->raw, &r->raw_room, n, sizeof *r->raw) ||
        !jd__ink_room(r->ctx, (void **)&r->reach, &r->reach_room, n, sizeof *r->reach))
        return false;
    r->raw_n = n;
    for (size_t k = 0; k < s->strokes; k++)
        for (size_t i = s->start[k]; i < s->start[k + 1]; i++) {
            const float x = s->xy[2 * i], y = s->xy[2 * i + 1];
            r->raw[i - first] = (jd__ink_point){.x = x, .y = y, .ox = x, .oy = y, .stroke = k};
        }
    const float h = height_of_writing(r), x0 = r->raw[0].x, y0 = r->raw[0].y;
    for (size_t i = 0; i < n; i++) {
        r->raw[i].x = (r->raw[i].x - x0) / h;
        r->raw[i].y = (r->raw[i].y - y0) / h;
    }
    level_points(r);
    r->height = h;
    r->first_x = x0;
    if (change) change_points(r, change, (float)strength);
    return true;
}

/* ---- points a fixed way apart ------------------------------------------------------------------------------------------------ */

static bool add_even(jd_ink_reader *r, jd__ink_point p)
{
    if (r->even_n == r->even_room) {
        const size_t more = r->even_room ? 2 * r->even_room : 256;
        if (more > JD_INK_MOST_POINTS) {
            jd_fail(r->ctx, JD_EDATA, "ink: more than %zu points after resampling; cut the sample or widen the spacing",
                    JD_INK_MOST_POINTS);
            return false;
        }
        jd__ink_point *larger = jd_realloc(r->ctx, r->even, r->even_room * sizeof *larger, more * sizeof *larger);
        if (!larger) return false;
        r->even = larger;
        r->even_room = more;
    }
    r->even[r->even_n++] = p;
    return true;
}

/* Each stroke's first point, points every `spacing` along it, and its end where more than half a spacing is left. */
static bool resample(jd_ink_reader *r)
{
    const float d = r->o.spacing;
    r->even_n = 0;
    for (size_t i = 0; i < r->raw_n;) {
        jd__ink_point at = r->raw[i];
        if (!add_even(r, at)) return false;
        float gone = 0; /* since the last jd__ink_point put down */
        size_t j = i + 1;
        for (; j < r->raw_n && r->raw[j].stroke == at.stroke; j++) {
            const jd__ink_point to = r->raw[j];
            float left = sqrtf((to.x - at.x) * (to.x - at.x) + (to.y - at.y) * (to.y - at.y));
            while (gone + left >= d) {
                const float f = (d - gone) / left;
                at.x += f * (to.x - at.x);
                at.y += f * (to.y - at.y);
                at.ox += f * (to.ox - at.ox);
                at.oy += f * (to.oy - at.oy);
                left -= d - gone;
                gone = 0;
                if (!add_even(r, at)) return false;
            }
            gone += left;
            at = to;
        }
        if (gone > 0.5f * d && !add_even(r, at)) return false;
        i = j;
    }
    return true;
}

/* ---- features -------------------------------------------------------------------------------------------------------------- */

/* Any number into (-1,1). */
static float soft(float x)
{
    return x / (1 + fabsf(x));
}

/* How much ink there is in each cell around (x,y): 1 for a line straight through. */
static void view(const jd_ink_reader *r, float x, float y, float *out)
{
    const int v = r->o.view;
    const float cell = r->o.view_cell, each = r->o.spacing / cell, half = 0.5f * (float)v;
    for (size_t i = 0; i < r->even_n; i++) {
        const float cx = (r->even[i].x - x) / cell + half, cy = (r->even[i].y - y) / cell + half;
        if (!(cx >= 0 && cy >= 0 && cx < (float)v && cy < (float)v)) continue;
        float *c = &out[(int)cy * v + (int)cx];
        *c = fminf(1, *c + each);
    }
}

typedef struct walk {
    jd__ink_point end; /* the last jd__ink_point put into a frame */
    float tx, ty;      /* the last frame's direction, of length 1, or 0 */
    float right;       /* the rightmost ink so far */
} walk;

/* The frame of the n points from `first`, all of one stroke. */
static void make_frame(jd_ink_reader *r, walk *w, size_t first, size_t n, bool begins, float *f)
{
    const jd__ink_point *p = r->even + first;
    const float d = r->o.spacing;
    const int k = r->o.stack;
    memset(f, 0, r->width * sizeof *f);
    jd__ink_point from = begins ? p[0] : w->end;
    const float bx = from.x, by = from.y;
    for (size_t i = 0; i < n; i++) {
        f[2 * i] = (p[i].x - from.x) / d;
        f[2 * i + 1] = (p[i].y - from.y) / d;
        from = p[i];
        w->right = fmaxf(w->right, p[i].x);
    }
    float *g = f + 2 * k;
    const jd__ink_point mid = p[n / 2];
    g[0] = (float)n / (float)k;
    if (begins) {
        g[1] = 1;
        g[2] = first ? soft(p[0].x - w->end.x) : 0;
        g[3] = first ? soft(p[0].y - w->end.y) : 0;
    }
    g[4] = 2 * soft(0.5f * mid.y);
    float tx = from.x - bx, ty = from.y - by;
    const float way = sqrtf(tx * tx + ty * ty);
    tx = way > 0 ? tx / way : 0;
    ty = way > 0 ? ty / way : 0;
    g[5] = tx * w->tx + ty * w->ty;
    g[6] = w->tx * ty - w->ty * tx;
    g[7] = soft(0.5f * (w->right - mid.x));
    if (r->o.view) view(r, mid.x, mid.y, g + JD_INK_FIXED);
    w->tx = tx;
    w->ty = ty;
    w->end = from;
}

size_t jd_ink_frames(jd_ink_reader *r, const jd_ink_sample *s, jd_rng *change, double strength)
{
    if (!r) return 0;
    if (jd_error(r->ctx) || !take_points(r, s, change, strength)) return 0;
    if (r->o.rows) return jd__ink_columns(r);
    if (!resample(r)) return 0;
    const size_t n = r->even_n, most = n; /* a frame has a jd__ink_point or more */
    if (!jd__ink_room(r->ctx, (void **)&r->frames, &r->frames_room, most * r->width, sizeof(float)) ||
        !jd__ink_room(r->ctx, (void **)&r->places, &r->places_room, 2 * most, sizeof(float)) ||
        !jd__ink_room(r->ctx, (void **)&r->strokes, &r->strokes_room, most, sizeof(size_t)))
        return 0;
    walk w = {.right = r->even[0].x};
    r->T = 0;
    for (size_t i = 0; i < n;) {
        size_t m = 1;
        while (m < (size_t)r->o.stack && i + m < n && r->even[i + m].stroke == r->even[i].stroke) m++;
        make_frame(r, &w, i, m, i == 0 || r->even[i - 1].stroke != r->even[i].stroke, r->frames + r->T * r->width);
        const jd__ink_point *mid = &r->even[i + m / 2];
        r->places[2 * r->T] = mid->ox;
        r->places[2 * r->T + 1] = mid->oy;
        r->strokes[r->T++] = mid->stroke;
        i += m;
    }
    return r->T;
}
