/*
 * results.c - the paper's figures and ours: a strip under a result, and many results in one table.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void jd__mean_spread(const jd_result_row *row, double *mean, double *sd, int *decimals)
{
    double m = 0, q = 0;
    for (int i = 0; i < row->n; i++) { /* Welford's recurrence */
        double d = row->values[i] - m;
        m += d / (i + 1);
        q += d * (row->values[i] - m);
    }
    *mean = row->n > 0 ? m : NAN;
    *sd = row->n > 1 ? sqrt(q / (row->n - 1)) : NAN;
    *decimals = *sd > 0 && isfinite(*sd) ? (int)fmin(fmax(1 - floor(log10(*sd)), -300), 9) : JD__NO_SPREAD;
    if (*decimals < 0 && *decimals != JD__NO_SPREAD) { /* 54147 +- 41806: 54000 +- 42000 */
        double unit = pow(10, -*decimals);
        *mean = round(*mean / unit) * unit;
        *sd = round(*sd / unit) * unit;
        *decimals = 0;
    }
}

void jd__mean_text(char *buf, size_t size, const jd_result_row *row)
{
    double mean, sd;
    int decimals;
    char a[JD__NUM], b[JD__NUM];
    jd__mean_spread(row, &mean, &sd, &decimals);
    if (decimals != JD__NO_SPREAD)
        snprintf(buf, size, "%s \xc2\xb1 %s", jd__fixed(a, mean, decimals), jd__fixed(b, sd, decimals));
    else
        snprintf(buf, size, "%s", row->n ? jd__short(a, mean, 4) : "\xe2\x80\x93");
}

/* An axis from p0 to p1 on which all of the row's numbers stand; false where a single number needs no picture. */
static bool row_axis(const jd_result_row *row, jd__axis *x)
{
    double lo = INFINITY, hi = -INFINITY;
    for (int i = -2; i < row->n; i++) {
        double v = i == -2 ? row->paper : i == -1 ? row->accept : row->values[i];
        if (isfinite(v)) lo = fmin(lo, v), hi = fmax(hi, v);
    }
    if (!(lo < hi)) return false;
    jd__axis_fit(x, &(jd_axis){.scale = lo > 0 && hi / lo > 50 ? JD_LOG : JD_LIN}, lo, hi, true, 0.1, 7);
    return true;
}

void jd__result_strip(jd__text *t, const jd_result_row *row)
{
    double mean, sd;
    int decimals;
    char text[2 * JD__NUM], number[JD__NUM];
    jd__axis x = {.p0 = 52, .p1 = JD__FIGURE_WIDTH - 16};
    if (!row_axis(row, &x)) return;
    jd__mean_spread(row, &mean, &sd, &decimals);
    jd__svg_begin(t, 96, row->metric, false);
    if (isfinite(row->accept)) {
        double a = jd__pos(&x, row->accept);
        bool high = row->higher_is_better;
        jd__addf(t, "<rect x=\"%g\" y=\"18\" width=\"%g\" height=\"52\" style=\"fill:var(--good);opacity:.1\"/>\n",
                 high ? a : x.p0, high ? x.p1 - a : a - x.p0);
        jd__addf(t, "<path class=\"rf\" d=\"M%g 18V70\"/>\n", a);
        snprintf(text, sizeof text, "accepted %s %s", high ? "\xe2\x89\xa5" : "\xe2\x89\xa4",
                 jd__short(number, row->accept, 5));
        double w = jd__text_width(text, 11);
        bool end = high ? a + w > x.p1 : a - w > x.p0; /* on the accepted side if there is room */
        jd__svg_text(t, a, 12, end ? "t s e" : "t s", text);
    }
    if (isfinite(row->paper)) {
        double p = jd__pos(&x, row->paper);
        jd__svg_text(t, x.p0 - 10, 36, "l e", "paper");
        jd__addf(t, "<path class=\"mk k\" d=\"M%g 26.5l5.5 5.5-5.5 5.5-5.5-5.5z\"/>\n", p);
    }
    if (row->n > 0) jd__svg_text(t, x.p0 - 10, 59, "l e", "ours");
    for (int i = 0; i < row->n; i++)
        if (jd__plottable(&x, row->values[i]))
            jd__addf(t, "<circle class=\"mk c0\" fill-opacity=\".6\" cx=\"%g\" cy=\"55\" r=\"4\"/>\n",
                     jd__pos(&x, row->values[i]));
    if (row->n > 1 && jd__plottable(&x, mean))
        jd__addf(t, "<path class=\"ln c0\" d=\"M%g 46.5v17\"/>\n", jd__pos(&x, mean));
    jd__x_axis(t, &x, 70, NULL, true);
    jd__append(t, "</svg>\n");
}

/* ---- many results ---- */

/* The strip without words: the accepted side shaded, the paper's figure a diamond above the line, ours discs below. */
static void small_strip(jd__text *t, const jd_result_row *row)
{
    enum { WIDTH = 130, LINE = 13 };
    jd__axis x = {.p0 = 6, .p1 = WIDTH - 6};
    if (!row_axis(row, &x)) return;
    jd__addf(t,
             "<svg class=\"strip\" viewBox=\"0 0 %d 26\" width=\"%d\" height=\"26\" role=\"img\" aria-label=\"%e\">\n",
             WIDTH, WIDTH, row->metric);
    if (isfinite(row->accept)) {
        const double a = jd__pos(&x, row->accept), edge = row->higher_is_better ? WIDTH : 0;
        jd__addf(t, "<rect x=\"%g\" y=\"2\" width=\"%g\" height=\"22\" style=\"fill:var(--good);opacity:.14\"/>\n",
                 fmin(a, edge), fabs(edge - a));
        jd__addf(t, "<path class=\"rf\" d=\"M%g 2V24\"/>\n", a);
    }
    jd__addf(t, "<path class=\"gr\" d=\"M0 %dH%d\"/>\n", LINE, WIDTH);
    if (isfinite(row->paper))
        jd__addf(t, "<path class=\"mk k\" d=\"M%g 2.5l4.5 4.5-4.5 4.5-4.5-4.5z\"/>\n", jd__pos(&x, row->paper));
    for (int i = 0; i < row->n; i++)
        if (jd__plottable(&x, row->values[i]))
            jd__addf(t, "<circle class=\"mk c0\" fill-opacity=\".6\" cx=\"%g\" cy=\"19\" r=\"3.5\"/>\n",
                     jd__pos(&x, row->values[i]));
    jd__append(t, "</svg>\n");
}

static void draw_line(jd__text *t, const jd_result_line *line)
{
    const jd_result_row *row = &line->row;
    char a[JD__NUM], ours[3 * JD__NUM];
    jd__mean_text(ours, sizeof ours, row);
    if (line->href)
        jd__addf(t, "<tr><td><a href=\"%e\">%e</a>", line->href, line->name);
    else
        jd__addf(t, "<tr><td>%e", line->name);
    jd__addf(t, "<small>%e</small></td>\n<td>", line->note ? line->note : row->metric);
    small_strip(t, row);
    jd__addf(t, "</td><td class=\"n\">%s</td>", isfinite(row->paper) ? jd__short(a, row->paper, 5) : "\xe2\x80\x93");
    jd__addf(t, "<td class=\"n\">%s</td>", ours);
    if (isfinite(row->accept))
        jd__addf(t, "<td class=\"n\">%s\xc2\xa0%s</td>", row->higher_is_better ? "\xe2\x89\xa5" : "\xe2\x89\xa4",
                 jd__short(a, row->accept, 5));
    else
        jd__append(t, "<td class=\"n\">\xe2\x80\x93</td>");
    const char *verdict = !row->n                  ? "not measured"
                          : !isfinite(row->accept) ? "measured"
                          : row->passed            ? "\xe2\x9c\x93 reached"
                                                   : "not reached";
    jd__addf(t, "<td class=\"%s\">%s<small>%e</small></td></tr>\n",
             !isfinite(row->accept) ? ""
             : row->passed          ? "verdict ok"
                                    : "verdict",
             verdict, row->reason);
}

void jd__results_draw(jd__text *t, const jd_result_line *lines, size_t n)
{
    jd__append(t,
               "<div class=\"scroll\"><table class=\"lines\">\n<thead><tr><th>System</th><th></th><th class=\"n\">Paper"
               "</th><th class=\"n\">Ours</th><th class=\"n\">To reach</th><th>Seeds</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < n; i++) draw_line(t, &lines[i]);
    jd__append(t, "</tbody></table></div>\n");
}
