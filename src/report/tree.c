/*
 * tree.c - a tree with names at its nodes as SVG.
 */
#include "internal.h"

#include <math.h>

enum { FONT = 12, DOWN = 38, GAP = 12 };

/* Places of all nodes in pixels; returns the width.  What hangs from a node is found from the last one to the first. */
static double place(const jd_tree_node *node, size_t n, double *x, double *y, double *low, double *high)
{
    double width = GAP, bottom = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = node[i].above < 0 ? 16 : y[node[i].above] + DOWN;
        bottom = fmax(bottom, y[i]);
        low[i] = INFINITY;
        high[i] = -INFINITY;
    }
    for (size_t i = 0; i < n; i++) {
        const bool leaf = i + 1 == n || node[i + 1].above != (int32_t)i;
        if (!leaf) continue;
        const double w = fmax(jd__text_width(node[i].name ? node[i].name : "", FONT), 14);
        low[i] = high[i] = width + w / 2;
        width += w + GAP;
    }
    for (size_t i = n; i-- > 0;) {
        const int32_t up = node[i].above;
        x[i] = (low[i] + high[i]) / 2;
        if (up < 0) continue;
        low[up] = fmin(low[up], x[i]);
        high[up] = fmax(high[up], x[i]);
    }
    return width;
}

void jd__tree_draw(jd__text *t, const jd_tree_node *node, size_t n, double *room /* (4 n) */, const char *about)
{
    double *x = room, *y = room + n, bottom = 0;
    const double width = place(node, n, x, y, room + 2 * n, room + 3 * n);
    for (size_t i = 0; i < n; i++) bottom = fmax(bottom, y[i]);
    const double scale = fmin(1, JD__FIGURE_WIDTH / width);
    jd__svg_begin(t, (bottom + 12) * scale, about, false);
    jd__addf(t, "<g transform=\"scale(%g)\">\n", scale);
    for (size_t i = 0; i < n; i++)
        if (node[i].above >= 0)
            jd__addf(t, "<line class=\"ln %s\" style=\"stroke-width:1\" x1=\"%g\" y1=\"%g\" x2=\"%g\" y2=\"%g\"/>\n",
                     node[i].marked ? "c1" : "g", x[node[i].above], y[node[i].above] + 6, x[i], y[i] - 13);
    for (size_t i = 0; i < n; i++) {
        const bool leaf = i + 1 == n || node[i + 1].above != (int32_t)i;
        jd__svg_text(t, x[i], y[i],
                     node[i].marked ? "tc c1 m"
                     : leaf         ? "l m"
                                    : "tc c0 m",
                     node[i].name ? node[i].name : "");
    }
    jd__append(t, "</g>\n</svg>\n");
}
