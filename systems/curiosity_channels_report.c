/* curiosity_channels_report.c - which channels were listened to, and how short their codes became. */
#include <math.h>
#include <stdio.h>

#include "curiosity_channels.h"

/* Over the seeds: the mean share of a kind's visits, or the mean code length where it was heard. */
static void curve(const cc_result *c, int by, bool bits, int kind, double y[CC_BLOCKS])
{
    const int seeds = by == CC_ERROR && c->seeds > CC_ERROR_SEEDS ? CC_ERROR_SEEDS : c->seeds;
    for (int b = 0; b < CC_BLOCKS; b++) {
        double sum = 0, n = 0;
        for (int s = 0; s < seeds; s++)
            for (int k = kind; k < c->channels; k += CC_KINDS) {
                const double v = (bits ? c->bits : c->share)[by][(s * c->channels + k) * CC_BLOCKS + b];
                if (isnan(v)) continue;
                sum += v;
                n++;
            }
        y[b] = bits ? (n > 0 ? sum / n : (double)NAN) : 100 * sum / seeds;
    }
}

static void spread(char text[64], const double v[CC_SEEDS][CC_KINDS], int seeds, int kind)
{
    double mean = 0, least = (double)INFINITY, most = 0;
    for (int s = 0; s < seeds; s++) {
        mean += v[s][kind] / seeds;
        least = fmin(least, v[s][kind]);
        most = fmax(most, v[s][kind]);
    }
    snprintf(text, 64, "%.0f (%.0f to %.0f)", mean, least, most);
}

void cc_draw(jd_run *r, const cc_result *c)
{
    enum { SMOOTH = 2, POINTS = CC_BLOCKS / SMOOTH };
    static const char *const axis[3] = {"by progress: visits (%)", "by error: visits (%)",
                                        "by progress: bits a symbol"};
    jd_report_section(jd_run_report(r), "Five kinds of channels");
    jd_chart *p = NULL;
    double x[POINTS];
    for (int i = 0; i < POINTS; i++) x[i] = (double)c->visits * (i + 1) / POINTS;
    for (int panel = 0; panel < 3; panel++) {
        const jd_axis y = {.label = axis[panel], .min = 0, .max = panel < 2 ? 100 : 5.5};
        if (!p)
            p = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "visit"}, &y, 200);
        else
            jd_chart_panel(p, &y, panel < 2 ? 140 : 200);
        for (int k = 0; k < CC_KINDS; k++) {
            double v[CC_BLOCKS], mean[POINTS];
            curve(c, panel == 1 ? CC_ERROR : CC_PROGRESS, panel == 2, k, v);
            for (int i = 0; i < POINTS; i++) mean[i] = (v[SMOOTH * i] + v[SMOOTH * i + 1]) / SMOOTH;
            jd_chart_line(p, cc_kind_name((cc_kind)k), x, mean, POINTS, 0);
        }
    }
    jd_report_chart(
        jd_run_report(r), p,
        "A listener chooses a channel at each visit; an LSTM learns to predict, and so to compress, what is "
        "heard. Mean of the seeds. By progress: the reward is how much shorter the code of a sample of the "
        "channel's history becomes through the visit; as long as the history is short, noise is learned by "
        "heart. By error (two seeds): the reward is the length of the code of what was heard. Below, bits a "
        "symbol of what comes next in each channel, for the listener that goes by progress.");
    char cell[CC_KINDS][3][64];
    const char *cells[CC_KINDS * 4];
    for (int k = 0; k < CC_KINDS; k++) {
        double v[CC_BLOCKS], last = (double)NAN;
        spread(cell[k][0], c->half, c->seeds, k);
        spread(cell[k][1], c->left, c->seeds, k);
        curve(c, CC_PROGRESS, true, k, v);
        for (int b = 0; b < CC_BLOCKS; b++)
            if (!isnan(v[b])) last = v[b];
        snprintf(cell[k][2], sizeof cell[k][2], "%.2f", last);
        cells[4 * k] = cc_kind_name((cc_kind)k);
        for (int i = 0; i < 3; i++) cells[4 * k + 1 + i] = cell[k][i];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"channel", "half by visit", "four fifths by visit", "bits a symbol in the end"}, cells,
        CC_KINDS, 4,
        "The visits by which a kind of channel had got half, and four fifths, of the visits that the listener chose: "
        "mean of the seeds (smallest to largest). It counts as left after four fifths. A run that goes on when the "
        "text is known by heart ends without an order: what is left to learn then is small beside the scatter of the "
        "reward, and the listener comes back to what it had left.");
}
