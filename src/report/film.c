/*
 * film.c - lines that move: SVG's own animation, which needs no script.
 */
#include "internal.h"

#include <math.h>

typedef struct view {
    double x0, y1, scale, left; /* pixel = left + (x - x0) scale, (y1 - y) scale */
} view;

static double pixel(const view *v, const float *p, int end)
{
    const double x = (double)p[end];
    if (!isfinite(x)) return 0;
    return end % 2 ? (v->y1 - x) * v->scale : v->left + (x - v->x0) * v->scale;
}

/* The way of one coordinate through all frames, if it moves. */
static void animate(jd__text *t, const view *v, const jd_film *f, size_t line, int end)
{
    static const char *const name[] = {"x1", "y1", "x2", "y2"};
    const float *first = f->points + line * 4;
    bool moves = false;
    for (size_t k = 1; k < f->frames; k++) moves |= first[k * f->lines * 4 + (size_t)end] != first[end];
    if (!moves) return;
    jd__addf(t, "<animate attributeName=\"%s\" dur=\"%gs\" repeatCount=\"indefinite\" values=\"", name[end],
             f->seconds);
    for (size_t k = 0; k < f->frames; k++) jd__addf(t, k ? ";%g" : "%g", pixel(v, first + k * f->lines * 4, end));
    jd__append(t, "\"/>");
}

void jd__film_draw(jd__text *t, const jd_film *f, const char *about)
{
    const double width = f->x1 - f->x0, height = f->y1 - f->y0;
    double scale = JD__FIGURE_WIDTH / width;
    if (scale * height > 480) scale = 480 / height;
    const view v = {f->x0, f->y1, scale, (JD__FIGURE_WIDTH - width * scale) / 2};
    jd__svg_begin(t, height * scale, about, false);
    for (size_t i = 0; i < f->lines; i++) {
        const float *p = f->points + i * 4;
        const jd_film_line *l = &f->line[i];
        jd__addf(t, "<line class=\"ln %s\" style=\"stroke-width:%g\" x1=\"%g\" y1=\"%g\" x2=\"%g\" y2=\"%g\">",
                 l->color == JD_FILM_MUTED ? "g" : jd__color_class(l->color), l->width * scale, pixel(&v, p, 0),
                 pixel(&v, p, 1), pixel(&v, p, 2), pixel(&v, p, 3));
        for (int end = 0; end < 4; end++) animate(t, &v, f, i, end);
        jd__append(t, "</line>\n");
    }
    jd__append(t, "</svg>\n");
}
