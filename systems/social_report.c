/* social_report.c - a clip with what the nets say of it, ROC curves, areas; see social_signals.h. */
#include "social_signals.h"

#include <stdio.h>

static const char *const SHORT[SOCIAL_NETS + 1] = {"truth", "2 BLSTM", "1 BLSTM", "LSTM"};

static void clip(jd_run *r, const social_shown *k)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double end = (double)k->T * SOCIAL_SHIFT / 1000;
    float *p = jd_alloc_array(ctx, (size_t)k->T * (SOCIAL_NETS + 1), sizeof *p);
    jd_timeline *t = jd_timeline_new(ctx, "s", 0, end);
    jd_timeline_map(t, &(jd_map){.label = "mel filters",
                                 .value_label = "log power",
                                 .values = k->mel,
                                 .T = (size_t)k->T,
                                 .H = SOCIAL_MELS,
                                 .upward = true,
                                 .y0 = 0,
                                 .y1 = SOCIAL_MELS,
                                 .height = 130});
    for (int class = SOCIAL_LAUGHTER; p && class < SOCIAL_CLASSES; class ++) {
        for (int64_t i = 0; i < k->T; i++) {
            const size_t middle = (size_t)i * SOCIAL_RATE * SOCIAL_SHIFT / 1000 + SOCIAL_RATE * 25 / 2000;
            p[i * (SOCIAL_NETS + 1)] = k->clip.kind[middle] == class;
            for (int n = 0; n < SOCIAL_NETS; n++)
                p[i * (SOCIAL_NETS + 1) + n + 1] = k->said[n][i * SOCIAL_CLASSES + class];
        }
        jd_timeline_lines(t, social_classes[class], p, (size_t)k->T, SOCIAL_NETS + 1, SHORT, 0, 1);
    }
    jd_report_timeline(
        jd_run_report(r), t,
        "A test clip, `clip.wav`: what is heard, and the probability that the nets give to laughter and to a "
        "filler in every frame. The net that hears the past alone hesitates at the beginning of both; what "
        "is neither are words, other breaths and other vowels.");
    jd_write_wav(ctx, jd_run_path(r, "clip.wav"), &k->clip.sound);
    jd_free(ctx, p);
}

static void roc(jd_run *r, const social_shown *k)
{
    jd_chart *c = jd_chart_new(
        jd_run_ctx(r), &(jd_axis){.label = "false alarms (% of other frames)", .scale = JD_LOG, .min = .05, .max = 100},
        &(jd_axis){.label = "laughter missed (%)", .scale = JD_LOG, .min = .1, .max = 100}, 260);
    for (int class = SOCIAL_LAUGHTER; class < SOCIAL_CLASSES; class ++) {
        if (class == SOCIAL_FILLER)
            jd_chart_panel(c, &(jd_axis){.label = "filler missed (%)", .scale = JD_LOG, .min = .1, .max = 100}, 260);
        for (int n = 0; n < SOCIAL_NETS; n++)
            jd_chart_line(c, SHORT[n + 1], k->alarm[n][class], k->miss[n][class], SOCIAL_POINTS, 0);
    }
    jd_report_chart(
        jd_run_report(r), c,
        "Frames missed against false alarms, for every threshold on the probability; lower is better. The first "
        "seed, all test clips.");
}

static void table(jd_run *r, const social_seed *s, int seeds)
{
    enum { COLUMNS = 6, TEXT = 40, ROWS = SOCIAL_SEEDS * SOCIAL_NETS };
    char room[ROWS][COLUMNS][TEXT];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < seeds * SOCIAL_NETS; i++) {
        const social_seed *one = &s[i / SOCIAL_NETS];
        const int n = i % SOCIAL_NETS;
        snprintf(room[i][0], TEXT, "%s", social_nets[n]);
        snprintf(room[i][1], TEXT, "%d", 1 + i / SOCIAL_NETS);
        snprintf(room[i][2], TEXT, "%zu", jd_params_count(one->net[n].params));
        snprintf(room[i][3], TEXT, "%.2f", one->auc[n][SOCIAL_LAUGHTER]);
        snprintf(room[i][4], TEXT, "%.2f", one->auc[n][SOCIAL_FILLER]);
        snprintf(room[i][5], TEXT, "%.2f", one->uaauc[n]);
        for (int c = 0; c < COLUMNS; c++) cells[i * COLUMNS + c] = room[i][c];
    }
    jd_report_table(jd_run_report(r),
                    (const char *const[]){"net", "seed", "weights", "AUC laughter (%)", "AUC filler (%)", "UAAUC (%)"},
                    cells, (size_t)(seeds * SOCIAL_NETS), COLUMNS,
                    "Areas under the ROC curve over all frames of the test clips.");
}

void social_report(jd_run *r, const social_seed *s, int seeds, const social_shown *k, const claims *c)
{
    claims_table(c, "What the paper's comparison becomes here, and what was measured.");
    table(r, s, seeds);
    jd_report_section(jd_run_report(r), "What the nets hear");
    clip(r, k);
    roc(r, k);
}
