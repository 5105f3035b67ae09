/* Figures of the keyword spotter. */
#include "keywords.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void keywords_show(jd_run *r, int rate, const keywords_trace *t)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t K = KEYWORDS_CLASSES;
    const double seconds = (double)t->clip->count / rate;
    const char *truth = keywords_names[t->clip->digit], *found = keywords_names[t->found];
    char text[80], caption[300];
    size_t T = 0, F = 0;
    float *p = jd_alloc_array(ctx, t->steps * K, sizeof *p);
    float *s = p ? speech_spectrogram(ctx, t->clip->samples, t->clip->count, rate, &T, &F) : NULL;
    jd_timeline *line = s ? jd_timeline_new(ctx, "time (s)", 0, seconds) : NULL;
    if (line) {
        for (size_t i = 0; i < t->steps; i++) {
            const float *x = t->logits + i * K;
            double top = (double)x[0], sum = 0;
            for (size_t c = 1; c < K; c++) top = fmax(top, (double)x[c]);
            for (size_t c = 0; c < K; c++) sum += exp((double)x[c] - top);
            for (size_t c = 0; c < K; c++) p[i * K + c] = (float)(exp((double)x[c] - top) / sum);
        }
        const jd_map sound = {.label = "kHz",
                              .value_label = "dB",
                              .values = s,
                              .T = T,
                              .H = F,
                              .y0 = 0,
                              .y1 = (double)rate / 2000,
                              .upward = true};
        const jd_map posterior = {.label = "posterior",
                                  .value_label = "p",
                                  .values = p,
                                  .T = t->steps,
                                  .H = K,
                                  .vmin = 0,
                                  .vmax = 1,
                                  .row_names = keywords_names,
                                  .height = 150};
        jd_timeline_map(line, &sound);
        jd_timeline_map(line, &posterior);
        snprintf(text, sizeof text, "%s (%.0f %%)", found, 100 * t->confidence);
        jd_timeline_text(line, "heard", text, NULL);
        jd_timeline_text(line, "true", truth, NULL);
        snprintf(
            caption, sizeof caption,
            "\"%s\" by an unheard speaker, %s. Below the sound, what the network would say from each 20 ms alone; the "
            "clip is named by the mean over time, before the softmax.",
            truth, t->found == t->clip->digit ? "heard rightly" : "misheard");
        jd_report_timeline(jd_run_report(r), line, caption);
    }
    jd_free(ctx, s);
    jd_free(ctx, p);
}

/* The likeliest keyword of a clip and its probability. */
static double keyword(const float *p, int *which)
{
    *which = 0;
    for (int c = 1; c < KEYWORDS_SILENCE; c++)
        if (p[c] > p[*which]) *which = c;
    return (double)p[*which];
}

/* At a threshold: keywords found and named rightly, of all keywords; false alarms, of all other clips; %. */
static void at_threshold(const jd_speech *test, const float *p, double threshold, double *found, double *alarms)
{
    double keywords = 0, right = 0, others = 0, wrong = 0;
    for (size_t i = 0; i < test->count; i++) {
        int which;
        const bool fires = keyword(p + i * KEYWORDS_CLASSES, &which) >= threshold;
        const int truth = test->items[i].digit;
        keywords += truth < KEYWORDS_SILENCE;
        others += truth >= KEYWORDS_SILENCE;
        right += fires && truth == which;
        wrong += fires && truth >= KEYWORDS_SILENCE;
    }
    *found = keywords > 0 ? 100 * right / keywords : 0;
    *alarms = others > 0 ? 100 * wrong / others : 0;
}

enum { THRESHOLDS = 200 };

/* Denser towards 1, where most probabilities are. */
static double threshold_at(int i)
{
    return 1 - pow(10, -4.0 * i / (THRESHOLDS - 1));
}

double keywords_found(const jd_speech *test, const float *p, double false_alarms)
{
    double best = 0, found, alarms;
    for (int i = 0; i < THRESHOLDS; i++) {
        at_threshold(test, p, threshold_at(i), &found, &alarms);
        if (alarms <= false_alarms) best = fmax(best, found);
    }
    return best;
}

void keywords_show_alarms(jd_run *r, const jd_speech *test, const float *p)
{
    jd_ctx *ctx = jd_run_ctx(r);
    double found[THRESHOLDS], alarms[THRESHOLDS];
    for (int i = 0; i < THRESHOLDS; i++) at_threshold(test, p, threshold_at(i), &found[i], &alarms[i]);
    jd_chart *c = jd_chart_new(ctx, &(jd_axis){.label = "false alarms (% of silence and other words)"},
                               &(jd_axis){.label = "found and named rightly (% of keywords)"}, 0);
    jd_chart_line(c, NULL, alarms, found, THRESHOLDS, JD_MARKS);
    char caption[300];
    snprintf(
        caption, sizeof caption,
        "A keyword counts when its probability passes a threshold; each point is one threshold. At most 5 %% false "
        "alarms: %.1f %% of the keywords are found. Only 80 clips hold no keyword, so the steps are coarse.",
        keywords_found(test, p, 5));
    jd_report_chart(jd_run_report(r), c, caption);
}
