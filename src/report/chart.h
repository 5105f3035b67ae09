/*
 * chart.h - what a chart holds, for chart.c (filling it) and chart_draw.c (drawing it).
 */
#ifndef JD_REPORT_CHART_H
#define JD_REPORT_CHART_H

#include "internal.h"

typedef enum jd__kind { JD__LINE, JD__BAND, JD__SEEDS, JD__POINTS, JD__HLINE, JD__VLINE } jd__kind;

typedef struct jd__series {
    jd__kind kind;
    int panel, flags, color;
    char *label;
    size_t n, seeds;
    double *x, *y; /* y: (n), or (seeds, n); a band's lower edge; a reference line's value in y[0] */
    double *hi;    /* a band's upper edge, the median over seeds, or the half length of error bars; else NULL */
    char **texts;
} jd__series;

enum { JD__PANELS = 64 };
typedef struct jd__panel {
    jd_axis y;
    char *label;
    double height;
} jd__panel;

struct jd_chart {
    jd_ctx *ctx;
    jd_axis x;
    char *x_label;
    jd__panel *panel;
    size_t n_panels, panel_cap;
    jd__series *series;
    size_t n_series, series_cap;
    int colors; /* colours handed out */
};

#endif
