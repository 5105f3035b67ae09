/* reliability.c - the diagram of how often answers of a given sureness are right. */
#include <math.h>
#include <stdio.h>

#include "jackdaw/calibration.h"

jd_status jd_report_reliability(jd_report *r, jd_ctx *ctx, const jd_calibration *c, const char *more)
{
    if (!r) return JD_EUSAGE;
    double x[JD_CALIBRATION_BINS], y[JD_CALIBRATION_BINS], spread[JD_CALIBRATION_BINS];
    double middle[JD_CALIBRATION_BINS], share[JD_CALIBRATION_BINS];
    size_t n = 0;
    for (int b = 0; b < c->bins; b++) {
        middle[b] = (b + 0.5) / c->bins;
        share[b] = 100.0 * (double)c->count[b] / (double)c->n;
        if (!c->count[b]) continue;
        x[n] = c->sure[b];
        y[n] = c->right[b];
        spread[n++] = 2 * sqrt(c->right[b] * (1 - c->right[b]) / (double)c->count[b]);
    }
    jd_chart *chart = jd_chart_new(ctx, &(jd_axis){.label = "probability of the answer", .min = 0, .max = 1},
                                   &(jd_axis){.label = "share that is right", .min = 0, .max = 1}, 0);
    jd_chart_line(chart, "as sure as right", (const double[]){0, 1}, (const double[]){0, 1}, 2, JD_DASHED | JD_NEUTRAL);
    jd_chart_points(chart, "answers", x, y, spread, NULL, n, 0);
    jd_chart_line(chart, "", x, y, n, JD_NO_LABEL);
    jd_chart_panel(chart, &(jd_axis){.label = "answers (%)"}, 110);
    jd_chart_line(chart, "share of the answers", middle, share, (size_t)c->bins, JD_MARKS | JD_NO_LABEL);
    char caption[700];
    snprintf(caption, sizeof caption,
             "How often answers of a given probability are right, with two standard errors; below, how many there are. "
             "Under the diagonal the network is surer than it should be. Mean distance from it (expected calibration "
             "error) %.3f, Brier score %.3f, mean -ln p of the true class %.3f. %s",
             c->expected, c->brier, c->loss, more ? more : "");
    return jd_report_chart(r, chart, caption);
}
