/*
 * chart_draw.c - a chart as SVG: layout of the panels, the series, labels at the right ends, labels beside points.
 */
#include "chart.h"

#include <math.h>
#include <string.h>

enum { END_LABELS = 64, GAP = 15 };
#define END_WIDTH 176.0 /* the widest label at a right end */

typedef struct frame {
    const jd_chart *c;
    jd__text *t;
    int number, panel;
    double left, right, top, bottom;
    jd__axis x, y;
} frame;

static bool is_reference(const jd__series *s)
{
    return s->kind == JD__HLINE || s->kind == JD__VLINE;
}

/* Bands and marks are explained in a row above the panel; curves and horizontal lines at their right ends. */
static bool has_key(const jd_chart *c, size_t i)
{
    const jd__series *s = &c->series[i];
    if (!s->label || !s->label[0] || (s->flags & JD_NO_LABEL) || (s->kind != JD__BAND && s->kind != JD__POINTS))
        return false;
    for (size_t j = 0; j < c->n_series; j++) { /* a curve's own band, a curve's own marks */
        const jd__series *o = &c->series[j];
        if (j != i && o->panel == s->panel && o->label && !strcmp(o->label, s->label) && o->color == s->color &&
            (o->kind == JD__LINE || o->kind == JD__SEEDS || (j < i && o->kind == s->kind && o->flags == s->flags)))
            return false;
    }
    return true;
}

static void extend(double *lo, double *hi, const jd__axis *a, double v)
{
    if (!jd__plottable(a, v)) return;
    *lo = fmin(*lo, v);
    *hi = fmax(*hi, v);
}

static void x_range(const jd_chart *c, jd__axis *ax)
{
    double lo = INFINITY, hi = -INFINITY, pad = 0;
    ax->log = c->x.scale == JD_LOG;
    ax->whole = true; /* epochs */
    for (size_t i = 0; i < c->n_series; i++) {
        const jd__series *s = &c->series[i];
        for (size_t k = 0; k < s->n && s->kind != JD__HLINE; k++) {
            extend(&lo, &hi, ax, s->x[k]);
            if (isfinite(s->x[k]) && s->x[k] != floor(s->x[k])) ax->whole = false;
        }
        if (s->kind == JD__POINTS || (s->flags & JD_MARKS)) pad = 0.04;
    }
    ax->whole = ax->whole && hi - lo >= 1;
    jd__axis_fit(ax, &c->x, lo, hi, false, pad, 6);
}

static void y_range(const jd_chart *c, int panel, jd__axis *ay)
{
    double lo = INFINITY, hi = -INFINITY;
    const jd_axis *wish = &c->panel[panel].y;
    ay->log = wish->scale == JD_LOG;
    for (size_t i = 0; i < c->n_series; i++) {
        const jd__series *s = &c->series[i];
        if (s->panel != panel || s->kind == JD__VLINE) continue;
        for (size_t k = 0; k < s->n * s->seeds; k++) extend(&lo, &hi, ay, s->y[k]);
        for (size_t k = 0; s->hi && k < s->n; k++)
            if (s->kind == JD__POINTS) {
                extend(&lo, &hi, ay, s->y[k] - s->hi[k]);
                extend(&lo, &hi, ay, s->y[k] + s->hi[k]);
            } else {
                extend(&lo, &hi, ay, s->hi[k]);
            }
    }
    jd__axis_fit(ay, wish, lo, hi, true, ay->log ? 0.04 : 0.06, c->panel[panel].height < 160 ? 3 : 5);
}

static void draw_mark(const frame *f, const jd__series *s, double x, double y)
{
    jd__addf(f->t, "<circle class=\"%s %s\" cx=\"%g\" cy=\"%g\" r=\"%g\"/>\n", s->flags & JD_HOLLOW ? "ho" : "mk",
             jd__color_class(s->color), x, y, s->flags & JD_HOLLOW ? 3.4 : 3.7);
}

static bool inside(const frame *f, double x, double y)
{
    return x >= f->left - 0.5 && x <= f->right + 0.5 && y >= f->top - 0.5 && y <= f->bottom + 0.5;
}

static void draw_marks(const frame *f, const jd__series *s)
{
    const char *color = jd__color_class(s->color);
    for (size_t i = 0; i < s->n; i++) {
        if (!jd__plottable(&f->x, s->x[i]) || !jd__plottable(&f->y, s->y[i])) continue;
        double x = jd__pos(&f->x, s->x[i]), y = jd__pos(&f->y, s->y[i]);
        if (!inside(f, x, y)) continue;
        if (s->hi && s->kind == JD__POINTS && s->hi[i] > 0 && isfinite(s->hi[i])) {
            double from = s->y[i] - s->hi[i], to = s->y[i] + s->hi[i];
            double y0 = jd__plottable(&f->y, from) ? fmin(jd__pos(&f->y, from), f->bottom) : f->bottom;
            double y1 = jd__plottable(&f->y, to) ? fmax(jd__pos(&f->y, to), f->top) : f->top;
            jd__addf(f->t, "<path class=\"er %s\" d=\"M%g %gV%gM%g %gh6M%g %gh6\"/>\n", color, x, y0, y1, x - 3, y0,
                     x - 3, y1);
        }
        draw_mark(f, s, x, y);
    }
}

static void draw_band(const frame *f, const jd__series *s)
{
    /* one closed outline per stretch without gaps; long bands in half pixel columns */
    jd__addf(f->t, "<path class=\"bd %s\" d=\"", jd__color_class(s->color));
    for (size_t i = 0; i < s->n;) {
        size_t end = i;
        while (end < s->n && jd__plottable(&f->x, s->x[end]) && jd__plottable(&f->y, s->hi[end]) &&
               (jd__plottable(&f->y, s->y[end]) || (f->y.log && s->y[end] <= 0)))
            end++;
        size_t step = (end - i) / 2000 + 1;
        for (size_t k = i; k < end; k += step) {
            double top = s->hi[k];
            for (size_t j = k; j < k + step && j < end; j++) top = fmax(top, s->hi[j]);
            jd__addf(f->t, "%s%g %g", k == i ? "M" : "L", jd__pos(&f->x, s->x[k]), jd__pos(&f->y, top));
        }
        for (size_t k = i + (end - i + step - 1) / step * step; k > i;) {
            k -= step;
            double low = s->y[k];
            for (size_t j = k; j < k + step && j < end; j++) low = fmin(low, s->y[j]);
            jd__addf(f->t, "L%g %g", jd__pos(&f->x, s->x[k]),
                     jd__plottable(&f->y, low) ? jd__pos(&f->y, low) : f->bottom);
        }
        if (end > i) jd__append(f->t, "Z");
        i = end + 1;
    }
    jd__append(f->t, "\"/>\n");
}

static void draw_curves(const frame *f, const jd__series *s)
{
    jd__text cls = {.ctx = f->t->ctx};
    bool steps = s->flags & JD_STEPS;
    if (s->kind == JD__SEEDS) {
        jd__addf(&cls, "ln th %s", jd__color_class(s->color));
        for (size_t k = 0; k < s->seeds; k++)
            jd__path(f->t, &f->x, &f->y, s->x, s->y + k * s->n, s->n, steps, cls.p ? cls.p : "");
        cls.len = 0;
    }
    jd__addf(&cls, "ln %s%s", jd__color_class(s->color),
             (s->flags & JD_DASHED) || s->color >= JD__PALETTE ? " ds" : "");
    jd__path(f->t, &f->x, &f->y, s->x, s->kind == JD__SEEDS ? s->hi : s->y, s->n, steps, cls.p ? cls.p : "");
    jd__text_free(&cls);
}

static void draw_reference(const frame *f, const jd__series *s)
{
    bool across = s->kind == JD__HLINE;
    const char *cls = s->flags & JD_DASHED ? "rf ds" : "rf";
    if (!jd__plottable(across ? &f->y : &f->x, s->y[0])) return;
    double p = jd__pos(across ? &f->y : &f->x, s->y[0]);
    if (across && inside(f, f->left, p))
        jd__addf(f->t, "<path class=\"%s\" d=\"M%g %gH%g\"/>\n", cls, f->left, p, f->right);
    if (across || !inside(f, p, f->top)) return;
    jd__addf(f->t, "<path class=\"%s\" d=\"M%g %gV%g\"/>\n", cls, p, f->top, f->bottom);
    if (!s->label || (s->flags & JD_NO_LABEL)) return;
    bool flip = p + 5 + jd__text_width(s->label, 11) > f->right;
    jd__svg_text(f->t, flip ? p - 5 : p + 5, f->top + 11, flip ? "t s ha e" : "t s ha", s->label);
}

/* Where a curve leaves the panel at the right: its last point inside. */
static bool right_end(const frame *f, const jd__series *s, double *x, double *y)
{
    const double *v = s->kind == JD__SEEDS ? s->hi : s->y;
    if (s->kind == JD__HLINE) {
        *x = f->right;
        *y = jd__plottable(&f->y, v[0]) ? jd__pos(&f->y, v[0]) : NAN;
        return inside(f, *x, *y);
    }
    for (size_t i = s->n; i-- > 0;) {
        if (!jd__plottable(&f->x, s->x[i]) || !jd__plottable(&f->y, v[i])) continue;
        *x = jd__pos(&f->x, s->x[i]);
        *y = jd__pos(&f->y, v[i]);
        if (inside(f, *x, f->top)) {
            *y = fmin(fmax(*y, f->top), f->bottom);
            return true;
        }
    }
    return false;
}

/* The labels of panel `panel` that stand at right ends: curves and horizontal lines, each text once. */
static size_t end_labels(const jd_chart *c, int panel, const jd__series *out[END_LABELS])
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_series && n < END_LABELS; i++) {
        const jd__series *s = &c->series[i];
        bool seen = s->kind == JD__BAND || s->kind == JD__POINTS || s->kind == JD__VLINE || s->panel != panel ||
                    !s->label || !s->label[0] || (s->flags & JD_NO_LABEL);
        for (size_t j = 0; j < n && !seen; j++) seen = !strcmp(out[j]->label, s->label) && out[j]->color == s->color;
        if (!seen) out[n++] = s;
    }
    return n;
}

/* Writes `s`, cut to `width` with an ellipsis; the whole text then shows as a tool tip. */
static void text_cut(jd__text *t, double x, double y, const char *cls, const char *s, double width)
{
    size_t n = strlen(s);
    if (jd__text_width(s, 12) <= width) {
        jd__svg_text(t, x, y, cls, s);
        return;
    }
    double w = jd__text_width("\xe2\x80\xa6", 12);
    size_t i = 0;
    char one[8] = "";
    while (i < n) {
        size_t len = jd__utf8(s + i, n - i);
        if (!len) len = 1;
        memcpy(one, s + i, len);
        one[len] = 0;
        w += jd__text_width(one, 12);
        if (w > width) break;
        i += len;
    }
    jd__addf(t, "<text x=\"%g\" y=\"%g\" class=\"%s\">", x, y, cls);
    jd__add_escaped(t, s, i);
    jd__addf(t, "\xe2\x80\xa6<title>%e</title></text>\n", s);
}

static void draw_end_labels(const frame *f)
{
    const jd__series *s[END_LABELS];
    double at[END_LABELS], want[END_LABELS], x[END_LABELS];
    size_t found = end_labels(f->c, f->panel, s), n = 0;
    for (size_t i = 0; i < found; i++)
        if (right_end(f, s[i], &x[n], &want[n])) {
            at[n] = want[n];
            s[n++] = s[i];
        }
    jd__spread(at, n, GAP, f->top + 2, f->bottom - 2);
    for (size_t i = 0; i < n; i++) {
        const char *color = is_reference(s[i]) ? "g" : jd__color_class(s[i]->color);
        if (fabs(at[i] - want[i]) > 3 || f->right - x[i] > 12)
            jd__addf(f->t, "<path class=\"er %s\" opacity=\".55\" d=\"M%g %gL%g %g\"/>\n", color, x[i] + 3, want[i],
                     f->right + 9, at[i]);
        jd__text cls = {.ctx = f->t->ctx};
        jd__addf(&cls, "tc %s", color);
        if (cls.p) text_cut(f->t, f->right + 12, at[i] + 4, cls.p, s[i]->label, END_WIDTH);
        jd__text_free(&cls);
    }
}

/* ---- labels beside points: the place that covers least of curves, marks and earlier labels ---- */

typedef struct box {
    double x0, y0, x1, y1;
} box;
enum { BOXES = 200, SPOTS = 6000 };

typedef struct crowd {
    box label[BOXES];
    size_t labels, spots;
    double sx[SPOTS], sy[SPOTS];
} crowd;

static void add_spots(const frame *f, crowd *w, const jd__series *s)
{
    const double *v = s->kind == JD__SEEDS ? s->hi : s->y;
    double lx = NAN, ly = NAN;
    for (size_t i = 0; i < s->n; i++) {
        if (!jd__plottable(&f->x, s->x[i]) || !jd__plottable(&f->y, v[i])) continue;
        double x = jd__pos(&f->x, s->x[i]), y = jd__pos(&f->y, v[i]), d = hypot(x - lx, y - ly);
        int steps = s->kind == JD__POINTS || isnan(d) ? 1 : (int)fmin(d / 4, 200) + 1;
        for (int k = 1; k <= steps && w->spots < SPOTS; k++) {
            double a = steps == 1 ? 1 : (double)k / steps;
            w->sx[w->spots] = steps == 1 ? x : lx + a * (x - lx);
            w->sy[w->spots++] = steps == 1 ? y : ly + a * (y - ly);
        }
        lx = x;
        ly = y;
    }
}

static double cost(const frame *f, const crowd *w, const box *b)
{
    double c = 0;
    if (b->x0 < f->left + 2 || b->x1 > JD__FIGURE_WIDTH - 2 || b->y0 < f->top - 8 || b->y1 > f->bottom - 1) c += 60;
    for (size_t i = 0; i < w->labels; i++) {
        const box *o = &w->label[i];
        if (b->x0 < o->x1 && o->x0 < b->x1 && b->y0 < o->y1 && o->y0 < b->y1) c += 100;
    }
    for (size_t i = 0; i < w->spots; i++)
        if (w->sx[i] > b->x0 - 3 && w->sx[i] < b->x1 + 3 && w->sy[i] > b->y0 - 2 && w->sy[i] < b->y1 + 2) c += 1;
    return c;
}

static void label_points(const frame *f, crowd *w, const jd__series *s)
{
    /* offsets of the text's left, middle or right end (0, 1, 2) from the mark, in order of preference */
    static const struct {
        int end;
        double dx, dy;
    } place[] = {{0, 8, 4}, {0, 7, -4}, {0, 7, 12}, {2, -8, 4}, {2, -7, -4}, {2, -7, 12}, {1, 0, -9}, {1, 0, 17}};
    static const char *const cls[] = {"l s ha", "l s ha m", "l s ha e"};
    for (size_t i = 0; i < s->n; i++) {
        if (!s->texts[i] || !s->texts[i][0] || w->labels >= BOXES) continue;
        if (!jd__plottable(&f->x, s->x[i]) || !jd__plottable(&f->y, s->y[i])) continue;
        double x = jd__pos(&f->x, s->x[i]), y = jd__pos(&f->y, s->y[i]), least = INFINITY;
        double width = jd__text_width(s->texts[i], 11);
        size_t best = 0;
        box chosen = {0};
        if (!inside(f, x, y)) continue;
        for (size_t p = 0; p < sizeof place / sizeof *place; p++) {
            double x0 = x + place[p].dx - width * place[p].end / 2;
            box b = {x0, y + place[p].dy - 9, x0 + width, y + place[p].dy + 2};
            double v = cost(f, w, &b) + 0.3 * (double)p;
            if (v < least) least = v, best = p, chosen = b;
        }
        w->label[w->labels++] = chosen;
        jd__svg_text(f->t, x + place[best].dx, y + place[best].dy, cls[place[best].end], s->texts[i]);
    }
}

static void draw_point_labels(const frame *f)
{
    crowd *w = NULL;
    for (size_t i = 0; i < f->c->n_series; i++) {
        const jd__series *s = &f->c->series[i];
        if (s->panel != f->panel || !s->texts) continue;
        if (!w) {
            if (!(w = jd_alloc(f->t->ctx, sizeof *w))) return;
            for (size_t j = 0; j < f->c->n_series; j++) {
                const jd__series *o = &f->c->series[j];
                if (o->panel == f->panel && o->kind != JD__BAND && !is_reference(o)) add_spots(f, w, o);
            }
        }
        label_points(f, w, s);
    }
    jd_free(f->t->ctx, w);
}

/* The row that explains bands and marks, from the right; `y` is the base line. */
static void draw_key(const frame *f, double y)
{
    double x = f->right;
    for (size_t i = f->c->n_series; i-- > 0;) {
        const jd__series *s = &f->c->series[i];
        if (s->panel != f->panel || !has_key(f->c, i)) continue;
        double width = jd__text_width(s->label, 12);
        jd__svg_text(f->t, x, y, "t e", s->label);
        x -= width + 9;
        if (s->kind == JD__BAND)
            jd__addf(f->t, "<rect class=\"bd %s\" x=\"%g\" y=\"%g\" width=\"16\" height=\"9\"/>\n",
                     jd__color_class(s->color), x - 13, y - 8.5);
        else
            draw_mark(f, s, x - 2, y - 4);
        x -= s->kind == JD__BAND ? 32 : 22;
    }
}

static double key_width(const jd_chart *c, int panel)
{
    double w = 0;
    for (size_t i = 0; i < c->n_series; i++)
        if (c->series[i].panel == panel && has_key(c, i)) w += jd__text_width(c->series[i].label, 12) + 41;
    return w;
}

static void draw_panel(const frame *f, double head)
{
    const jd_chart *c = f->c;
    const char *label = c->panel[f->panel].label;
    bool two_rows = head > 30;
    if (label) jd__svg_text(f->t, 2, f->top - (two_rows ? 29 : 11), "l", label);
    draw_key(f, f->top - 11);
    jd__y_axis(f->t, &f->y, f->left, f->right, true);
    jd__addf(f->t, "<clipPath id=\"f%dp%d\"><rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/></clipPath>\n",
             f->number, f->panel, f->left, f->top - 2, f->right - f->left + 2, f->bottom - f->top + 4);
    jd__addf(f->t, "<g clip-path=\"url(#f%dp%d)\">\n", f->number, f->panel);
    for (int layer = 0; layer < 3; layer++)
        for (size_t i = 0; i < c->n_series; i++) {
            const jd__series *s = &c->series[i];
            if (s->panel != f->panel) continue;
            if (layer == 0 && s->kind == JD__BAND) draw_band(f, s);
            if (layer == 1 && is_reference(s)) draw_reference(f, s);
            if (layer == 2 && (s->kind == JD__LINE || s->kind == JD__SEEDS)) draw_curves(f, s);
        }
    jd__append(f->t, "</g>\n");
    for (size_t i = 0; i < c->n_series; i++)
        if (c->series[i].panel == f->panel &&
            (c->series[i].kind == JD__POINTS || (c->series[i].kind == JD__LINE && (c->series[i].flags & JD_MARKS))))
            draw_marks(f, &c->series[i]);
    draw_point_labels(f);
    draw_end_labels(f);
    if (f->y.empty) jd__svg_text(f->t, (f->left + f->right) / 2, (f->top + f->bottom) / 2, "t m", "no data");
}

void jd__chart_draw(const jd_chart *c, jd__text *t, int number, const char *about, bool alone)
{
    frame f = {.c = c, .t = t, .number = number};
    double ticks = 0, ends = 0, height = 4;
    x_range(c, &f.x);
    for (size_t p = 0; p < c->n_panels; p++) {
        const jd__series *s[END_LABELS];
        y_range(c, (int)p, &f.y);
        ticks = fmax(ticks, jd__ticks_width(&f.y));
        for (size_t n = end_labels(c, (int)p, s); n-- > 0;)
            ends = fmax(ends, fmin(jd__text_width(s[n]->label, 12) * 1.03, END_WIDTH) + 14);
    }
    f.left = 12 + fmin(ticks, 120);
    f.right = JD__FIGURE_WIDTH - fmax(ends, 14);
    f.x.p0 = f.left;
    f.x.p1 = f.right;
    double head[JD__PANELS];
    for (size_t p = 0; p < c->n_panels; p++) {
        double words = (c->panel[p].label ? jd__text_width(c->panel[p].label, 12) : 0) + 12;
        bool key = key_width(c, (int)p) > 0, two_rows = key && words + key_width(c, (int)p) > f.right;
        head[p] = two_rows ? 46 : c->panel[p].label || key ? 28 : 10;
        height += head[p] + c->panel[p].height + 12;
    }
    jd__svg_begin(t, height + (c->x_label ? 34 : 16), about, alone);
    double y = 4;
    for (size_t p = 0; p < c->n_panels; p++) {
        f.panel = (int)p;
        f.top = y + head[p];
        f.bottom = f.top + c->panel[p].height;
        y_range(c, (int)p, &f.y);
        f.y.p0 = f.bottom;
        f.y.p1 = f.top;
        draw_panel(&f, head[p]);
        jd__x_axis(t, &f.x, f.bottom, c->x_label, p + 1 == c->n_panels);
        y = f.bottom + 12;
    }
    jd__append(t, "</svg>\n");
}
