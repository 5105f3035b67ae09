/*
 * svg.c - the pieces every figure is made of: text, axes, curves, pictures.
 */
#include "internal.h"

#include <math.h>
#include <string.h>

void jd__svg_begin(jd__text *t, double height, const char *about, bool alone)
{
    jd__addf(t, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"fig\" viewBox=\"0 0 %g %g\"", JD__FIGURE_WIDTH,
             height);
    if (alone) jd__addf(t, " width=\"%g\" height=\"%g\"", JD__FIGURE_WIDTH, height);
    jd__addf(t, " role=\"img\" aria-label=\"%e\">\n", about ? about : "figure");
    if (alone)
        jd__addf(t, "<style>%s</style>\n<rect width=\"%g\" height=\"%g\" style=\"fill:var(--bg)\"/>\n", jd__svg_style,
                 JD__FIGURE_WIDTH, height);
}

void jd__svg_text(jd__text *t, double x, double y, const char *cls, const char *s)
{
    jd__addf(t, "<text x=\"%g\" y=\"%g\" class=\"%s\">%e</text>\n", x, y, cls, s);
}

void jd__add_png(jd__text *t, const uint8_t *pixels, size_t w, size_t h, size_t channels)
{
    size_t bytes;
    uint8_t *png = jd_png_encode(t->ctx, pixels, w, h, channels, &bytes);
    jd__append(t, "data:image/png;base64,");
    jd__add_base64(t, png, bytes);
    jd_free(t->ctx, png);
}

const char *jd__color_class(int color)
{
    static const char *const name[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6"};
    return color < 0 ? "k" : name[color % JD__PALETTE];
}

void jd__x_axis(jd__text *t, const jd__axis *x, double y, const char *label, bool labels)
{
    jd__addf(t, "<path class=\"ax\" d=\"M%g %gH%g", x->p0, y, x->p1);
    for (int i = 0; i < x->n; i++) jd__addf(t, "M%g %gv%d", jd__pos(x, x->tick[i].v), y, x->tick[i].label[0] ? 5 : 3);
    jd__append(t, "\"/>\n");
    if (!labels) return;
    for (int i = 0; i < x->n; i++)
        if (x->tick[i].label[0]) jd__svg_text(t, jd__pos(x, x->tick[i].v), y + 18, "t m", x->tick[i].label);
    if (label) jd__svg_text(t, (x->p0 + x->p1) / 2, y + 37, "l m", label);
}

void jd__y_axis(jd__text *t, const jd__axis *y, double left, double right, bool grid)
{
    if (grid) {
        jd__append(t, "<path class=\"gr\" d=\"");
        for (int i = 0; i < y->n; i++)
            if (y->tick[i].label[0]) jd__addf(t, "M%g %gH%g", left, jd__pos(y, y->tick[i].v), right);
        jd__append(t, "\"/>\n");
    }
    jd__addf(t, "<path class=\"ax\" d=\"M%g %gV%g", left, y->p0, y->p1);
    for (int i = 0; i < y->n; i++)
        jd__addf(t, "M%g %gh%d", left, jd__pos(y, y->tick[i].v), y->tick[i].label[0] ? -5 : -3);
    jd__append(t, "\"/>\n");
    for (int i = 0; i < y->n; i++)
        if (y->tick[i].label[0]) jd__svg_text(t, left - 8, jd__pos(y, y->tick[i].v) + 4, "t e", y->tick[i].label);
}

typedef struct pen {
    jd__text *t;
    bool down, steps;
    double x, y; /* the last point written */
} pen;

static void pen_to(pen *p, double x, double y)
{
    if (!p->down)
        jd__addf(p->t, "M%g %gl0 0", x, y); /* the empty stroke makes a lone point visible */
    else if (p->steps)
        jd__addf(p->t, "H%gV%g", x, y);
    else
        jd__addf(p->t, "L%g %g", x, y);
    p->down = true;
    p->x = x;
    p->y = y;
}

static bool rising(const double *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (!(x[i] >= x[i - 1])) return false;
    return true;
}

void jd__path(jd__text *t, const jd__axis *ax, const jd__axis *ay, const double *x, const double *y, size_t n,
              bool steps, const char *cls)
{
    pen p = {.t = t, .steps = steps};
    bool columns = n > 2000 && rising(x, n); /* first, lowest, highest and last point of each half pixel */
    jd__addf(t, "<path class=\"%s\" d=\"", cls);
    for (size_t i = 0; i < n;) {
        if (!jd__plottable(ax, x[i]) || !jd__plottable(ay, y[i])) {
            p.down = false;
            i++;
            continue;
        }
        double px = jd__pos(ax, x[i]), py = jd__pos(ay, y[i]);
        if (columns) {
            size_t lo = i, hi = i, j = i;
            while (j + 1 < n && jd__plottable(ax, x[j + 1]) && jd__plottable(ay, y[j + 1]) &&
                   jd__pos(ax, x[j + 1]) < px + 0.5) {
                j++;
                if (y[j] < y[lo]) lo = j;
                if (y[j] > y[hi]) hi = j;
            }
            size_t order[4] = {i, lo < hi ? lo : hi, lo < hi ? hi : lo, j};
            for (int k = 0; k < 4; k++)
                if (!k || order[k] != order[k - 1]) pen_to(&p, jd__pos(ax, x[order[k]]), jd__pos(ay, y[order[k]]));
            i = j + 1;
            continue;
        }
        bool ends = i + 1 == n || !jd__plottable(ax, x[i + 1]) || !jd__plottable(ay, y[i + 1]);
        if (!p.down || ends || fabs(px - p.x) + fabs(py - p.y) > 0.3) pen_to(&p, px, py);
        i++;
    }
    jd__append(t, "\"/>\n");
}

void jd__spread(double *y, size_t n, double gap, double top, double bottom)
{
    /* Isotonic regression of y[order[i]] - i gap by pooling adjacent violators: the least squares shift. */
    enum { MOST = 64 };
    size_t order[MOST], size[MOST], blocks = 0;
    double mean[MOST];
    if (n > MOST) n = MOST;
    for (size_t i = 0; i < n; i++) {
        size_t j = i;
        for (; j && y[order[j - 1]] > y[i]; j--) order[j] = order[j - 1];
        order[j] = i;
    }
    for (size_t i = 0; i < n; i++) {
        mean[blocks] = y[order[i]] - (double)i * gap;
        size[blocks++] = 1;
        for (; blocks > 1 && mean[blocks - 1] < mean[blocks - 2]; blocks--) {
            double a = (double)size[blocks - 2], b = (double)size[blocks - 1];
            mean[blocks - 2] = (mean[blocks - 2] * a + mean[blocks - 1] * b) / (a + b);
            size[blocks - 2] += size[blocks - 1];
        }
    }
    double highest = bottom - (double)(n ? n - 1 : 0) * gap;
    for (size_t b = 0, i = 0; b < blocks; b++)
        for (size_t k = 0; k < size[b]; k++, i++) {
            double m = mean[b] > highest ? highest : mean[b];
            y[order[i]] = (m < top ? top : m) + (double)i * gap;
        }
}
