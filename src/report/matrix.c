/*
 * matrix.c - a table of numbers as shades, with a name for each row and column.
 */
#include "internal.h"

#include <math.h>

enum { FONT = 12, WIDEST = 150 };

static double widest(const char *const *names, size_t n)
{
    double w = 0;
    for (size_t i = 0; i < n; i++) w = fmax(w, names[i] ? jd__text_width(names[i], FONT) : 0);
    return fmin(w, WIDEST);
}

static void draw_key(jd__text *t, const jd_matrix *m, double low, double high, double x, double y)
{
    char text[JD__NUM];
    if (m->value_label) {
        jd__svg_text(t, x, y + 9, "t s", m->value_label);
        x += jd__text_width(m->value_label, 11) + 10;
    }
    jd__short(text, low, 2);
    x += jd__text_width(text, 11) + 4;
    jd__svg_text(t, x, y + 9, "t s e", text);
    for (int i = 0; i < 12; i++)
        jd__addf(t, "<rect class=\"mk c0\" fill-opacity=\"%g\" x=\"%g\" y=\"%g\" width=\"8\" height=\"10\"/>\n",
                 0.04 + 0.92 * i / 11, x + 6 + 8 * i, y);
    jd__svg_text(t, x + 108, y + 9, "t s", jd__short(text, high, 2));
}

void jd__matrix_draw(jd__text *t, const jd_matrix *m, const char *about)
{
    double low = m->vmin, high = m->vmax;
    if (!(high > low)) {
        low = high = 0;
        for (size_t i = 0; i < m->rows * m->columns; i++)
            if (isfinite(m->values[i])) high = fmax(high, (double)m->values[i]);
    }
    const double left = widest(m->row_names, m->rows) + (m->row_label ? 34 : 12);
    const double across = fmin(34, (JD__FIGURE_WIDTH - left - 60) / (double)m->columns),
                 down = fmin(20, fmax(11, across));
    const bool slanted = widest(m->column_names, m->columns) > across - 4;
    const double top =
        (m->column_label ? 26 : 8) + (slanted ? 0.8 * widest(m->column_names, m->columns) + 8 : FONT + 6);
    const double width = across * (double)m->columns, bottom = top + down * (double)m->rows;
    jd__svg_begin(t, bottom + 32, about, false);
    if (m->column_label) jd__svg_text(t, left + width / 2, 14, "b m", m->column_label);
    if (m->row_label)
        jd__addf(t, "<text class=\"b m\" transform=\"translate(14 %g) rotate(-90)\">%e</text>\n", (top + bottom) / 2,
                 m->row_label);
    jd__addf(t, "<rect class=\"no\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", left, top, width, bottom - top);
    for (size_t c = 0; c < m->columns; c++) {
        const double x = left + ((double)c + 0.5) * across;
        if (slanted)
            jd__addf(t, "<text class=\"l\" transform=\"translate(%g %g) rotate(-55)\">%e</text>\n", x + 3, top - 5,
                     m->column_names[c] ? m->column_names[c] : "");
        else
            jd__svg_text(t, x, top - 6, "l m", m->column_names[c] ? m->column_names[c] : "");
    }
    for (size_t r = 0; r < m->rows; r++) {
        const double y = top + (double)r * down;
        jd__svg_text(t, left - 6, y + down / 2 + 4, "l e", m->row_names[r] ? m->row_names[r] : "");
        for (size_t c = 0; c < m->columns; c++) {
            const double v = (double)m->values[r * m->columns + c], s = high > low ? (v - low) / (high - low) : 0;
            if (!(s > 0.004)) continue;
            jd__addf(t, "<rect class=\"mk c0\" fill-opacity=\"%g\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n",
                     0.04 + 0.92 * fmin(s, 1), left + (double)c * across, y, across - 1, down - 1);
        }
    }
    draw_key(t, m, low, high, left, bottom + 12);
    jd__append(t, "</svg>\n");
}
