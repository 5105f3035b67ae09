/* world_report.c - the drive, what was seen and dreamt, and how C learned; see world.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

enum { CELL = 48 };
static const char *const KIND[WM_KINDS] = {"V alone", "V and M"};

static void drives(jd_run *r, const wm_result *f)
{
    double *line = jd_alloc_array(jd_run_ctx(r), 4 * (f->sections + 1) + 2 * WM_STEPS, sizeof *line);
    if (!line || !f->sections) return;
    double *const edge[2][2] = {{line, line + f->sections + 1},
                                {line + 2 * (f->sections + 1), line + 3 * (f->sections + 1)}};
    double *x = line + 4 * (f->sections + 1), *y = x + WM_STEPS;
    for (size_t i = 0; i <= f->sections; i++) {
        const double *a = f->road + 3 * (i % f->sections), *b = f->road + 3 * ((i + 1) % f->sections);
        const double along = hypot(b[0] - a[0], b[1] - a[1]);
        for (int side = 0; side < 2; side++) {
            const double w = (side ? -.5 : .5) * a[2] / along;
            edge[side][0][i] = a[0] - w * (b[1] - a[1]);
            edge[side][1][i] = a[1] + w * (b[0] - a[0]);
        }
    }
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "", .min = -195, .max = 195},
                               &(jd_axis){.label = "", .min = -175, .max = 175}, 600);
    for (int side = 0; side < 2; side++)
        jd_chart_line(c, "road", edge[side][0], edge[side][1], f->sections + 1, JD_NEUTRAL | JD_NO_LABEL);
    for (int k = 0; k < WM_KINDS; k++) {
        for (int t = 0; f->path[k] && t < f->steps[k]; t++) x[t] = f->path[k][2 * t], y[t] = f->path[k][2 * t + 1];
        if (f->path[k]) jd_chart_line(c, KIND[k], x, y, (size_t)f->steps[k], 0);
    }
    jd_chart_points(c, "start", (const double[]){f->road[0]}, (const double[]){f->road[1]}, NULL,
                    (const char *const[]){"start"}, 1, JD_NEUTRAL);
    jd_report_chart(
        jd_run_report(r), c,
        "One test track, and how C of the first seed drives it with V alone and with V and M, in 1,000 frames.");
    jd_free(jd_run_ctx(r), line);
}

static void pictures(jd_run *r, const wm_result *f)
{
    static const char *const seen[2 * WM_SHOWN] = {[0] = "camera", [WM_SHOWN] = "from V's code"};
    static const char *const dream[2 * WM_DREAM] = {[0] = "as it was", [WM_DREAM] = "dreamt"};
    const size_t side = (size_t)f->o.side;
    char caption[300];
    snprintf(caption, sizeof caption, "Above, what the camera saw on a test drive; below, what V makes of %d numbers.",
             f->o.z);
    jd_report_images(jd_run_report(r), &(jd_tiles){f->seen, 2 * WM_SHOWN, side, side, 3, seen, WM_SHOWN}, caption);
    jd_report_images(jd_run_report(r), &(jd_tiles){f->dream, 2 * WM_DREAM, side, side, 3, dream, WM_DREAM},
                     "A dream: from the first picture on M draws its own next codes, C acts on them, and V's decoder "
                     "shows them, every second step. Above, what the real drive looked like at the same time.");
}

static void curves(jd_run *r, const wm_result *f)
{
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "generation"},
                               &(jd_axis){.label = "reward of the centre"}, 280);
    for (int k = 0; k < WM_KINDS; k++) {
        double y[WM_SEEDS * WM_POINTS];
        for (int i = 0; i < f->seeds; i++)
            memcpy(y + i * f->points, f->curve[k] + i * WM_POINTS, (size_t)f->points * sizeof *y);
        jd_chart_seeds(c, KIND[k], f->x, y, (size_t)f->seeds, (size_t)f->points, 0);
    }
    jd_chart_hline(c, "paper, real CarRacing-v0", 906, JD_DASHED);
    jd_chart_hline(c, "random actions", f->random, JD_NEUTRAL);
    jd_report_chart(jd_run_report(r), c,
                    "CMA-ES: mean reward of the distribution's centre on tracks kept for choosing, a line for each "
                    "seed, medians in bold. The paper's 906 is of another car on other tracks.");
}

static void table(jd_run *r, const wm_result *f)
{
    static const char *const name[3] = {"V, autoencoder", "M, LSTM with mixtures", "C, linear"};
    char text[3][2][CELL], score[WM_SEEDS][3][CELL];
    const char *cells[9], *rows[WM_SEEDS * 3];
    for (int k = 0; k < 3; k++) {
        snprintf(text[k][0], CELL, "%zu", f->count[k]);
        snprintf(text[k][1], CELL, "%zu", f->published[k]);
        cells[3 * k] = name[k], cells[3 * k + 1] = text[k][0], cells[3 * k + 2] = text[k][1];
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"", "weights here", "at the published sizes"}, cells, 3, 3,
                    "The paper's table says 4,348,547, 422,368 and 867.");
    for (int i = 0; i < f->seeds; i++) {
        snprintf(score[i][0], CELL, "%d", i + 1);
        for (int k = 0; k < WM_KINDS; k++)
            snprintf(score[i][1 + k], CELL, "%.0f +- %.0f", f->test[k][i], f->spread[k][i]);
        for (int k = 0; k < 3; k++) rows[3 * i + k] = score[i][k];
    }
    jd_report_table(jd_run_report(r), (const char *const[]){"seed", KIND[0], KIND[1]}, rows, (size_t)f->seeds, 3,
                    "Reward on the test tracks, mean and deviation.");
}

void wm_report(jd_run *r, const wm_result *f)
{
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "The drive");
    drives(r, f);
    jd_report_section(rep, "What V sees and M dreams");
    pictures(r, f);
    jd_report_section(rep, "C");
    table(r, f);
    curves(r, f);
}
