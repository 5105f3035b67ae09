/*
 * confusion.c - a confusion matrix as SVG, and the strip that compares the paper's figure with ours.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WITH_NUMBERS = 24 };

typedef struct grid {
    jd__text *t;
    const int64_t *counts;
    size_t K;
    double cell, left, top, most_wrong; /* most_wrong: the largest share of a row outside the diagonal */
} grid;

static double total(const grid *g, size_t i, bool column)
{
    double sum = 0;
    for (size_t k = 0; k < g->K; k++) sum += (double)g->counts[column ? k * g->K + i : i * g->K + k];
    return sum;
}

static void draw_cell(const grid *g, size_t row, size_t column, double share)
{
    int64_t n = g->counts[row * g->K + column];
    bool right = row == column;
    double x = g->left + (double)column * g->cell, y = g->top + (double)row * g->cell;
    double strength = right ? share : g->most_wrong > 0 ? share / g->most_wrong : 0, opacity = 0.07 + 0.86 * strength;
    double gap = g->cell > 14 ? 1 : 0;
    if (n == 0) {
        if (g->K <= WITH_NUMBERS)
            jd__addf(g->t, "<rect class=\"no\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", x, y, g->cell - gap,
                     g->cell - gap);
        return;
    }
    jd__addf(g->t, "<rect class=\"mk %s\" fill-opacity=\"%g\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n",
             right ? "c0" : "c1", opacity, x, y, g->cell - gap, g->cell - gap);
    if (g->K > WITH_NUMBERS) return;
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)n);
    double size = fmin(12, (g->cell - 3) / fmax(jd__text_width(number, 1), 1));
    if (size < 7) return; /* recall and n beside the row still tell it */
    jd__addf(g->t, "<text x=\"%g\" y=\"%g\" class=\"m %s\" style=\"font-size:%gpx\">%s</text>\n",
             x + (g->cell - gap) / 2, y + g->cell / 2 + size * 0.35, opacity > 0.72 ? "in" : "l", size, number);
}

static void draw_key(const grid *g, double x, double y, const char *cls, const char *name, double most)
{
    char text[128], number[JD__NUM];
    jd__svg_text(g->t, x, y + 9, "t s", name);
    x += jd__text_width(name, 11) + 22;
    jd__svg_text(g->t, x - 6, y + 9, "t s e", "0");
    for (int i = 0; i < 12; i++)
        jd__addf(g->t, "<rect class=\"mk %s\" fill-opacity=\"%g\" x=\"%g\" y=\"%g\" width=\"8\" height=\"10\"/>\n", cls,
                 0.07 + 0.86 * i / 11, x + 8 * i, y);
    snprintf(text, sizeof text, "%s %%", jd__short(number, most * 100, most >= 0.995 ? 3 : 2));
    jd__svg_text(g->t, x + 102, y + 9, "t s", text);
}

static void draw_names(const grid *g, const char *const *names, double widest)
{
    size_t stride = g->cell >= 11 ? 1 : (size_t)(11 / g->cell) + 1;
    bool slanted = widest > g->cell - 2 && stride == 1;
    for (size_t i = 0; i < g->K; i += stride) {
        char number[32];
        snprintf(number, sizeof number, "%zu", i);
        const char *name = names && names[i] ? names[i] : number;
        double at = ((double)i + 0.5) * g->cell;
        jd__svg_text(g->t, g->left - 7, g->top + at + 4, "l e", name);
        if (slanted)
            jd__addf(g->t, "<text class=\"l\" transform=\"translate(%g %g) rotate(-50)\">%e</text>\n", g->left + at + 3,
                     g->top - 6, name);
        else
            jd__svg_text(g->t, g->left + at, g->top - 7, "l m", name);
    }
}

/* Counts and recall at the right of the rows, precision under the columns. */
static void draw_margins(const grid *g)
{
    double right = g->left + (double)g->K * g->cell, bottom = g->top + (double)g->K * g->cell;
    char text[JD__NUM];
    bool small = g->cell < 30;
    jd__svg_text(g->t, right + 54, g->top - 7, "t s e", "recall %");
    jd__svg_text(g->t, right + 104, g->top - 7, "t s e", "n");
    jd__svg_text(g->t, g->left - 7, bottom + 17, "t s e", "precision %");
    for (size_t i = 0; i < g->K; i++) {
        double hit = (double)g->counts[i * g->K + i], row = total(g, i, false), column = total(g, i, true);
        double y = g->top + ((double)i + 0.5) * g->cell + 4;
        jd__svg_text(g->t, right + 54, y, "t e", jd__fixed(text, row > 0 ? 100 * hit / row : NAN, 1));
        jd__svg_text(g->t, right + 104, y, "t e", jd__fixed(text, row, 0));
        jd__svg_text(g->t, g->left + ((double)i + 0.5) * g->cell, bottom + 17, small ? "t s m" : "t m",
                     jd__fixed(text, column > 0 ? 100 * hit / column : NAN, small ? 0 : 1));
    }
}

void jd__confusion_draw(jd__text *t, const char *const *names, const int64_t *counts, size_t K, const char *about)
{
    grid g = {.t = t, .counts = counts, .K = K};
    double widest = jd__text_width("0", 12) * (K > 100 ? 3 : K > 10 ? 2 : 1);
    for (size_t i = 0; names && i < K; i++) widest = fmax(widest, names[i] ? jd__text_width(names[i], 12) : 0);
    bool numbers = K <= WITH_NUMBERS;
    g.left = fmax(fmin(widest, 150), numbers ? 62 : 24) + 24;
    g.cell = fmin(44, (JD__FIGURE_WIDTH - g.left - (numbers ? 112 : 8)) / (double)K);
    bool slanted = widest > g.cell - 2 && g.cell >= 11;
    g.top = 34 + (slanted ? fmin(widest, 150) * 0.77 + 4 : 10);
    for (size_t i = 0; i < K; i++)
        for (size_t j = 0; j < K; j++)
            if (i != j && counts[i * K + j] > 0)
                g.most_wrong = fmax(g.most_wrong, (double)counts[i * K + j] / total(&g, i, false));
    double side = g.cell * (double)K, bottom = g.top + side + (numbers ? 26 : 8);
    jd__svg_begin(t, bottom + 30, about, false);
    jd__svg_text(t, g.left + side / 2, 14, "b m", "predicted");
    jd__addf(t, "<text class=\"b m\" transform=\"translate(14 %g) rotate(-90)\">true class</text>\n", g.top + side / 2);
    draw_names(&g, names, widest);
    if (!numbers)
        jd__addf(t, "<rect class=\"no\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", g.left, g.top, side, side);
    for (size_t i = 0; i < K; i++) {
        double row = total(&g, i, false);
        for (size_t j = 0; j < K; j++) draw_cell(&g, i, j, row > 0 ? (double)counts[i * K + j] / row : 0);
    }
    if (numbers) draw_margins(&g);
    draw_key(&g, g.left, bottom + 8, "c0", "correct, share of the row", 1);
    if (g.most_wrong > 0) draw_key(&g, g.left + 345, bottom + 8, "c1", "errors", g.most_wrong);
    jd__append(t, "</svg>\n");
}
