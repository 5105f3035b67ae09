/*
 * timeline.c - maps, traces and text over one time axis.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum track_kind { TRACK_MAP, TRACK_LINES, TRACK_SPIKES, TRACK_TEXT } track_kind;

typedef struct track {
    track_kind kind;
    char *label, *value_label, *text;
    float *values; /* (T, K) */
    double *at;
    size_t T, K;
    char **names; /* K, or NULL */
    double y0, y1, vmin, vmax, height;
    jd_colors colors;
    bool upward;
    int blank;
} track;

enum { TRACKS = 32, MOST_COLUMNS = 1200, MOST_ROWS = 600 };

struct jd_timeline {
    jd_ctx *ctx;
    char *time_label;
    double t0, t1;
    size_t n;
    track track[TRACKS];
};

jd_timeline *jd_timeline_new(jd_ctx *ctx, const char *time_label, double t0, double t1)
{
    if (jd_error(ctx)) return NULL;
    jd_timeline *t = jd_alloc(ctx, sizeof *t);
    if (!t) return NULL;
    t->ctx = ctx;
    t->t0 = isfinite(t0) ? t0 : 0;
    t->t1 = isfinite(t1) && t1 > t->t0 ? t1 : t->t0 + 1;
    if (time_label) t->time_label = jd_strdup(ctx, time_label);
    return t;
}

void jd_timeline_free(jd_timeline *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) {
        track *k = &t->track[i];
        for (size_t j = 0; k->names && j < k->K; j++) jd_free(t->ctx, k->names[j]);
        jd_free(t->ctx, k->names);
        jd_free(t->ctx, k->label);
        jd_free(t->ctx, k->value_label);
        jd_free(t->ctx, k->text);
        jd_free(t->ctx, k->values);
        jd_free(t->ctx, k->at);
    }
    jd_free(t->ctx, t->time_label);
    jd_free(t->ctx, t);
}

static track *add(jd_timeline *t, track_kind kind, const char *label, const float *values, size_t T, size_t K,
                  const char *const *names)
{
    size_t n = 0;
    if (!t || jd_error(t->ctx)) return NULL;
    if (t->n >= TRACKS) {
        jd_fail(t->ctx, JD_EUSAGE, "timeline: more than %d tracks; make a second figure", TRACKS);
        return NULL;
    }
    if (__builtin_mul_overflow(T, K, &n) || n > SIZE_MAX / 64 || (n && !values)) {
        jd_fail(t->ctx, JD_EUSAGE, "timeline: track '%s': %zu x %zu values at %p; give all of them", label ? label : "",
                T, K, (const void *)values);
        return NULL;
    }
    track *k = &t->track[t->n++];
    *k = (track){.kind = kind, .T = T, .K = K, .blank = -1};
    if (label) k->label = jd_strdup(t->ctx, label);
    if (values && (k->values = jd_alloc_array(t->ctx, n + 1, sizeof *k->values)))
        memcpy(k->values, values, n * sizeof *values);
    if (names && (k->names = jd_alloc_array(t->ctx, K + 1, sizeof *k->names)))
        for (size_t i = 0; i < K; i++) k->names[i] = jd_strdup(t->ctx, names[i] ? names[i] : "");
    return jd_error(t->ctx) ? NULL : k;
}

static jd_status status(const jd_timeline *t)
{
    return t ? jd_error(t->ctx) : JD_EUSAGE;
}

/* A useful range where the caller gave none: from the data, symmetric for a diverging map. */
static void value_range(track *k, double vmin, double vmax)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < k->T * k->K; i++)
        if (isfinite(k->values[i])) {
            lo = fmin(lo, k->values[i]);
            hi = fmax(hi, k->values[i]);
        }
    if (vmin < vmax && isfinite(vmin) && isfinite(vmax)) lo = vmin, hi = vmax;
    if (!(lo <= hi)) lo = 0, hi = 1;
    if (k->kind == TRACK_MAP && k->colors == JD_DIVERGING && !(vmin < vmax)) hi = fmax(fabs(lo), fabs(hi)), lo = -hi;
    if (!(hi > lo)) lo -= fmax(fabs(lo) * 0.1, 0.5), hi += fmax(fabs(hi) * 0.1, 0.5);
    k->vmin = lo;
    k->vmax = hi;
}

jd_status jd_timeline_map(jd_timeline *t, const jd_map *m)
{
    if (!t) return JD_EUSAGE;
    track *k = add(t, TRACK_MAP, m->label, m->values, m->T, m->H, m->row_names);
    if (!k) return status(t);
    k->colors = m->colors;
    value_range(k, m->vmin, m->vmax);
    k->upward = m->upward;
    k->y0 = m->y0;
    k->y1 = m->y1;
    k->height = m->height > 0 ? fmin(fmax(m->height, 20), 2000) : fmin(fmax((double)m->H * 11, 56), 210);
    if (m->value_label) k->value_label = jd_strdup(t->ctx, m->value_label);
    return status(t);
}

jd_status jd_timeline_lines(jd_timeline *t, const char *label, const float *values, size_t T, size_t K,
                            const char *const *names, double vmin, double vmax)
{
    track *k = add(t, TRACK_LINES, label, values, T, K, names);
    if (k) value_range(k, vmin, vmax);
    if (k) k->height = 96;
    return status(t);
}

jd_status jd_timeline_spikes(jd_timeline *t, const char *label, const float *probs, size_t T, size_t K,
                             const char *const *names, int blank)
{
    track *k = add(t, TRACK_SPIKES, label, probs, T, K, names);
    if (!k) return status(t);
    k->vmin = 0;
    k->vmax = 1;
    k->blank = blank;
    k->height = 96;
    return status(t);
}

jd_status jd_timeline_text(jd_timeline *t, const char *label, const char *text, const double *at)
{
    track *k = add(t, TRACK_TEXT, label, NULL, 0, 0, NULL);
    if (!k) return status(t);
    k->height = 20;
    k->text = jd_strdup(t->ctx, text ? text : "");
    size_t n = strlen(text ? text : ""), chars = 0;
    for (size_t i = 0; at && i < n; chars++) {
        size_t len = jd__utf8(text + i, n - i);
        i += len ? len : 1;
    }
    if (at && (k->at = jd_alloc_array(t->ctx, chars + 1, sizeof *at))) memcpy(k->at, at, chars * sizeof *at);
    return status(t);
}

/* ---- drawing ---- */

typedef struct frame {
    const jd_timeline *tl;
    jd__text *t;
    int number;
    double left, right;
    jd__axis x;
} frame;

static void draw_map_pixels(const frame *f, const track *k, double y)
{
    size_t px = (k->T - 1) / MOST_COLUMNS + 1, py = (k->K - 1) / MOST_ROWS + 1;
    size_t w = (k->T + px - 1) / px, h = (k->K + py - 1) / py;
    uint8_t *pixels = jd_alloc_array(f->t->ctx, w * h, 4);
    if (!pixels) return;
    for (size_t r = 0; r < h; r++)
        for (size_t c = 0; c < w; c++) { /* the mean of the entries that share a pixel */
            double sum = 0;
            size_t n = 0;
            for (size_t i = r * py; i < (r + 1) * py && i < k->K; i++)
                for (size_t j = c * px; j < (c + 1) * px && j < k->T; j++) {
                    float v = k->values[j * k->K + i];
                    if (isfinite(v)) sum += v, n++;
                }
            uint8_t *p = pixels + ((k->upward ? h - 1 - r : r) * w + c) * 4;
            if (!n) continue; /* transparent */
            jd__color(k->colors, (sum / (double)n - k->vmin) / (k->vmax - k->vmin), p);
            p[3] = 255;
        }
    jd__addf(f->t,
             "<image class=\"%s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" preserveAspectRatio=\"none\" href=\"",
             w < 700 ? "px" : "", f->left, y, f->right - f->left, k->height);
    jd__add_png(f->t, pixels, w, h, 4);
    jd__append(f->t, "\"/>\n");
    jd_free(f->t->ctx, pixels);
}

static void map_axis(const track *k, jd__axis *a, double y)
{
    bool index = k->y0 == k->y1;
    double first = index ? 0 : k->y0, last = index ? (double)k->K - 1 : k->y1;
    double half = k->K > 1 ? (last - first) / (double)(k->K - 1) / 2 : 0.5;
    double lo = first - half, hi = last + half;
    bool swap = lo > hi;
    a->whole = index;
    jd__axis_fit(a, &(jd_axis){.min = swap ? hi : lo, .max = swap ? lo : hi}, 1, 0, false, 0, k->height < 90 ? 3 : 5);
    a->p0 = k->upward != swap ? y + k->height : y;
    a->p1 = k->upward != swap ? y : y + k->height;
}

static void draw_color_bar(const frame *f, const track *k, double y)
{
    uint8_t strip[64 * 3];
    double x = f->right + 14, h = fmin(k->height, 130);
    jd__axis a = {0};
    for (int i = 0; i < 64; i++) jd__color(k->colors, (63 - i) / 63.0, strip + 3 * i);
    jd__addf(f->t, "<image x=\"%g\" y=\"%g\" width=\"9\" height=\"%g\" preserveAspectRatio=\"none\" href=\"", x, y, h);
    jd__add_png(f->t, strip, 1, 64, 3);
    jd__append(f->t, "\"/>\n");
    jd__axis_fit(&a, &(jd_axis){.min = k->vmin, .max = k->vmax}, 1, 0, false, 0, h < 90 ? 3 : 4);
    a.p0 = y + h;
    a.p1 = y;
    for (int i = 0; i < a.n; i++) {
        double p = jd__pos(&a, a.tick[i].v);
        jd__addf(f->t, "<path class=\"ax\" d=\"M%g %gh3\"/>\n", x + 9, p);
        jd__svg_text(f->t, x + 15, p + 4, "t s", a.tick[i].label);
    }
    if (k->value_label) jd__svg_text(f->t, JD__FIGURE_WIDTH - 2, y - 8, "t s e", k->value_label);
}

static void draw_map(const frame *f, const track *k, double y)
{
    if (!k->T || !k->K) {
        jd__svg_text(f->t, (f->left + f->right) / 2, y + k->height / 2, "t m", "no data");
        return;
    }
    draw_map_pixels(f, k, y);
    draw_color_bar(f, k, y);
    if (k->names) {
        double row = k->height / (double)k->K;
        size_t stride = row >= 11 ? 1 : (size_t)(11 / row) + 1;
        for (size_t i = 0; i < k->K; i += stride)
            jd__svg_text(f->t, f->left - 8, y + row * ((double)(k->upward ? k->K - 1 - i : i) + 0.5) + 4, "t s e",
                         k->names[i]);
        return;
    }
    jd__axis a = {0};
    map_axis(k, &a, y);
    jd__y_axis(f->t, &a, f->left, f->right, false);
}

/* Labels that stay silent would all draw over the same base line. */
static bool near_zero(const track *k, size_t i, size_t j)
{
    for (size_t t = i ? i - 1 : 0; t <= i + 1 && t < k->T; t++)
        if (!(k->values[t * k->K + j] < 0.01f)) return false;
    return true;
}

/* The curve of entry j: samples stand in the middle of their time step. */
static void draw_trace(const frame *f, const track *k, const jd__axis *a, size_t j, const char *cls)
{
    double *x = jd_alloc_array(f->t->ctx, k->T + 1, sizeof *x), *v = jd_alloc_array(f->t->ctx, k->T + 1, sizeof *v);
    for (size_t i = 0; x && v && i < k->T; i++) {
        x[i] = f->tl->t0 + (f->tl->t1 - f->tl->t0) * ((double)i + 0.5) / (double)k->T;
        v[i] = k->values[i * k->K + j];
        if (k->kind == TRACK_SPIKES && near_zero(k, i, j)) v[i] = NAN;
    }
    if (x && v) jd__path(f->t, &f->x, a, x, v, k->T, false, cls);
    jd_free(f->t->ctx, x);
    jd_free(f->t->ctx, v);
}

static const char *trace_class(size_t color)
{
    static const char *const cls[JD__PALETTE] = {"ln c0", "ln c1", "ln c2", "ln c3", "ln c4", "ln c5", "ln c6"};
    return cls[color % JD__PALETTE];
}

/* Opens a group that ends at the track's frame. */
static void clip(const frame *f, const track *k, const jd__axis *a)
{
    jd__addf(f->t,
             "<clipPath id=\"f%dt%z\"><rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/></clipPath>\n"
             "<g clip-path=\"url(#f%dt%z)\">\n",
             f->number, (size_t)(k - f->tl->track), f->left, a->p1 - 2, f->right - f->left, k->height + 4, f->number,
             (size_t)(k - f->tl->track));
}

static void draw_lines(const frame *f, const track *k, const jd__axis *a)
{
    double at[64], want[64];
    size_t n = 0, which[64];
    clip(f, k, a);
    for (size_t j = 0; j < k->K; j++) draw_trace(f, k, a, j, trace_class(j));
    jd__append(f->t, "</g>\n");
    for (size_t j = 0; j < k->K; j++) {
        size_t i = k->T;
        while (i && !isfinite(k->values[(i - 1) * k->K + j])) i--;
        if (!i || !k->names || !k->names[j][0] || n >= 64) continue;
        want[n] = fmin(fmax(jd__pos(a, k->values[(i - 1) * k->K + j]), a->p1), a->p0);
        at[n] = want[n];
        which[n++] = j;
    }
    jd__spread(at, n, 14, a->p1, a->p0);
    for (size_t i = 0; i < n; i++) {
        const char *color = jd__color_class((int)(which[i] % JD__PALETTE));
        jd__addf(f->t, "<text x=\"%g\" y=\"%g\" class=\"tc %s\">%e</text>\n", f->right + 12, at[i] + 4, color,
                 k->names[which[i]]);
    }
}

/* Peaks above 0.3 carry the label's name; a name that would touch its left neighbour's moves one line up. */
static void draw_spikes(const frame *f, const track *k, const jd__axis *a)
{
    int colors = 0;
    double last_end = -1;
    int *color = jd_alloc_array(f->t->ctx, k->K + 1, sizeof *color), raised = 0;
    if (!color) return;
    clip(f, k, a);
    if (k->blank >= 0 && (size_t)k->blank < k->K) draw_trace(f, k, a, (size_t)k->blank, "ln g th");
    for (size_t i = 0; i < k->T; i++)
        for (size_t j = 0; j < k->K; j++)
            if (!color[j] && (int)j != k->blank && k->values[i * k->K + j] > 0.1f) {
                draw_trace(f, k, a, j, trace_class((size_t)colors));
                color[j] = 1 + colors++;
            }
    jd__append(f->t, "</g>\n");
    for (size_t i = 0; i < k->T; i++)
        for (size_t j = 0; j < k->K; j++) {
            float v = k->values[i * k->K + j];
            if ((int)j == k->blank || !(v > 0.3f)) continue;
            /* only the highest step of a stretch above 0.3, the first one of equals */
            bool top = true;
            for (size_t b = i; b-- > 0 && top && k->values[b * k->K + j] > 0.3f;) top = k->values[b * k->K + j] < v;
            for (size_t b = i + 1; b < k->T && top && k->values[b * k->K + j] > 0.3f; b++)
                top = k->values[b * k->K + j] <= v;
            if (!top || !k->names) continue;
            double x = jd__pos(&f->x, f->tl->t0 + (f->tl->t1 - f->tl->t0) * ((double)i + 0.5) / (double)k->T);
            const char *name = strcmp(k->names[j], " ") ? k->names[j] : "\xe2\x90\xa3"; /* a visible space */
            double half = jd__text_width(name, 12) / 2 + 1;
            raised = x - half < last_end ? (raised + 1) % 3 : 0;
            last_end = x + half;
            jd__addf(f->t, "<text x=\"%g\" y=\"%g\" class=\"tc m %s\">%e</text>\n", x, jd__pos(a, v) - 5 - 11 * raised,
                     jd__color_class((color[j] - 1 + JD__PALETTE) % JD__PALETTE), name);
        }
    jd_free(f->t->ctx, color);
}

static void draw_text(const frame *f, const track *k, double y)
{
    if (k->label) jd__svg_text(f->t, f->left - 8, y + 14, "t e", k->label);
    if (!k->at) {
        jd__svg_text(f->t, f->left, y + 14, "mo", k->text);
        return;
    }
    size_t n = strlen(k->text);
    for (size_t i = 0, c = 0; i < n; c++) {
        size_t len = jd__utf8(k->text + i, n - i);
        if (!len) len = 1;
        jd__addf(f->t, "<text x=\"%g\" y=\"%g\" class=\"mo m\">", jd__pos(&f->x, k->at[c]), y + 14);
        jd__add_escaped(f->t, k->text + i, len);
        jd__append(f->t, "</text>\n");
        i += len;
    }
}

static void draw_traces(const frame *f, const track *k, double y)
{
    jd__axis a = {0};
    jd__axis_fit(&a, &(jd_axis){.min = k->vmin, .max = k->vmax}, 1, 0, false, 0, 3);
    a.p0 = y + k->height;
    a.p1 = y;
    jd__y_axis(f->t, &a, f->left, f->right, true);
    if (k->kind == TRACK_SPIKES)
        draw_spikes(f, k, &a);
    else
        draw_lines(f, k, &a);
}

static double track_head(const track *k)
{
    if (k->kind == TRACK_TEXT) return 0;
    double h = k->label || k->value_label ? 26 : 10;
    return k->kind == TRACK_SPIKES ? h + 12 : h; /* room for the names of the peaks */
}

static void margins(frame *f)
{
    double left = 30, right = 14;
    for (size_t i = 0; i < f->tl->n; i++) {
        const track *k = &f->tl->track[i];
        jd__axis a = {0};
        if (k->kind == TRACK_TEXT && k->label) left = fmax(left, jd__text_width(k->label, 12));
        if (k->kind == TRACK_MAP) {
            jd__axis_fit(&a, &(jd_axis){.min = k->vmin, .max = k->vmax}, 1, 0, false, 0, 4);
            right = fmax(right, 36 + jd__ticks_width(&a));
            if (!k->names && k->K) {
                map_axis(k, &a, 0);
                left = fmax(left, jd__ticks_width(&a));
            }
        } else if (k->kind == TRACK_LINES) {
            jd__axis_fit(&a, &(jd_axis){.min = k->vmin, .max = k->vmax}, 1, 0, false, 0, 3);
            left = fmax(left, jd__ticks_width(&a));
        }
        for (size_t j = 0; k->names && j < k->K; j++) {
            if (k->kind == TRACK_MAP) left = fmax(left, jd__text_width(k->names[j], 11));
            if (k->kind == TRACK_LINES) right = fmax(right, jd__text_width(k->names[j], 12) + 18);
        }
    }
    f->left = fmin(left, 160) + 12;
    f->right = JD__FIGURE_WIDTH - fmin(right, 160);
}

void jd__timeline_draw(const jd_timeline *tl, jd__text *t, int number, const char *about, bool alone)
{
    frame f = {.tl = tl, .t = t, .number = number};
    double height = 4, y = 4;
    margins(&f);
    jd__axis_fit(&f.x, &(jd_axis){.min = tl->t0, .max = tl->t1}, 1, 0, false, 0, 6);
    f.x.p0 = f.left;
    f.x.p1 = f.right;
    size_t last_axis = tl->n; /* the last track with a time axis: its ticks carry the numbers */
    for (size_t i = 0; i < tl->n; i++) {
        height += track_head(&tl->track[i]) + tl->track[i].height + (tl->track[i].kind == TRACK_TEXT ? 0 : 10);
        if (tl->track[i].kind != TRACK_TEXT) last_axis = i;
    }
    double axis_height = tl->time_label ? 38 : 20;
    jd__svg_begin(t, height + axis_height, about, alone);
    for (size_t i = 0; i < tl->n; i++) {
        const track *k = &tl->track[i];
        y += track_head(k);
        if (k->kind == TRACK_TEXT) {
            draw_text(&f, k, y);
            y += k->height;
            continue;
        }
        if (k->label) jd__svg_text(t, f.left, y - (k->kind == TRACK_SPIKES ? 22 : 8), "l", k->label);
        if (k->kind == TRACK_MAP)
            draw_map(&f, k, y);
        else
            draw_traces(&f, k, y);
        jd__x_axis(t, &f.x, y + k->height, tl->time_label, i == last_axis);
        y += k->height + 10 + (i == last_axis ? axis_height : 0);
    }
    jd__append(t, "</svg>\n");
}

char *jd_timeline_svg(jd_timeline *tl, size_t *bytes)
{
    if (bytes) *bytes = 0;
    if (!tl || jd_error(tl->ctx)) return NULL;
    jd__text t = {.ctx = tl->ctx};
    jd__timeline_draw(tl, &t, 0, tl->time_label, true);
    return jd__text_take(&t, bytes);
}
