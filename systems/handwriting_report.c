/* Figures of the handwriting systems: the ink, and where the net says what. */
#include "handwriting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 200 };

static void softmax(const float *x, size_t K, float *p)
{
    double top = x[0], sum = 0;
    for (size_t k = 1; k < K; k++) top = x[k] > top ? x[k] : top;
    for (size_t k = 0; k < K; k++) sum += exp(x[k] - top);
    for (size_t k = 0; k < K; k++) p[k] = (float)(exp(x[k] - top) / sum);
}

static void draw_ink(jd_chart *c, const jd_ink_sample *s, double *x, double *y)
{
    for (size_t k = 0; k < s->strokes; k++) {
        const size_t n = s->start[k + 1] - s->start[k];
        for (size_t i = 0; i < n; i++) {
            x[i] = s->xy[2 * (s->start[k] + i)];
            y[i] = -s->xy[2 * (s->start[k] + i) + 1];
        }
        if (n > 1)
            jd_chart_line(c, "ink", x, y, n, JD_NEUTRAL | JD_NO_LABEL);
        else
            jd_chart_points(c, "ink", x, y, NULL, NULL, 1, JD_NEUTRAL | JD_NO_LABEL);
    }
}

/* A stem for every frame in which a label has a share worth seeing, named at the middle of each run of one label. */
static void draw_spikes(jd_chart *c, const hand_view *v, float *p)
{
    const hand_alphabet *a = v->alphabet;
    const size_t K = (size_t)a->n + 1;
    int last = a->n;
    for (size_t t = 0; t < v->steps; t++) {
        softmax(v->logits + t * K, K, p);
        int best = 0, top = 0;
        for (int k = 0; k < a->n; k++) best = p[k] > p[best] ? k : best;
        top = p[a->n] >= p[best] ? a->n : best;
        if (p[best] > 0.02f) {
            const double x[2] = {v->places[2 * t], v->places[2 * t]}, y[2] = {0, p[best]};
            jd_chart_line(c, "said", x, y, 2, JD_NO_LABEL);
        }
        if (top != last && top != a->n) {
            const double x = v->places[2 * t], y = p[best];
            const char *name = strcmp(a->name[top], " ") ? a->name[top] : "_";
            jd_chart_points(c, "said", &x, &y, NULL, &name, 1, JD_NO_LABEL);
        }
        last = top;
    }
}

/* A picture whose columns are the frames, with the net's outputs along it. */
static void show_picture(jd_run *r, const hand_view *v, const char *caption)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t K = (size_t)v->alphabet->n + 1;
    const char *names[HAND_CHARS + 1];
    for (size_t k = 0; k < K; k++) names[k] = v->alphabet->name[k];
    float *p = jd_alloc_array(ctx, v->steps * K, sizeof *p);
    jd_timeline *t = jd_timeline_new(ctx, "column", 0, (double)v->item->steps);
    if (p && t) {
        for (size_t i = 0; i < v->steps; i++) softmax(v->logits + i * K, K, p + i * K);
        jd_timeline_map(t, &(jd_map){.label = "picture",
                                     .value_label = "ink",
                                     .values = v->item->x,
                                     .T = (size_t)v->item->steps,
                                     .H = v->width,
                                     .height = 600.0 * (double)v->width / (double)v->item->steps});
        jd_timeline_spikes(t, "says", p, v->steps, K, names, v->alphabet->n);
        jd_report_timeline(jd_run_report(r), t, caption);
    } else {
        jd_timeline_free(t);
    }
    jd_free(ctx, p);
}

static void show_ink(jd_run *r, const hand_view *v, const char *caption)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const jd_ink_sample *s = v->item->ink;
    const size_t first = s->start[0], n = s->start[s->strokes] - first;
    double lo[2] = {1e30, 1e30}, hi[2] = {-1e30, -1e30};
    for (size_t i = 2 * first; i < 2 * (first + n); i++) {
        lo[i % 2] = fmin(lo[i % 2], s->xy[i]);
        hi[i % 2] = fmax(hi[i % 2], s->xy[i]);
    }
    /* The plot is about 600 wide: as high as the ink's own proportions want, within what looks well. */
    const double wide = fmax(hi[0] - lo[0], 1), high = fmax(hi[1] - lo[1], 1);
    const double want = 600 * high / wide, height = fmin(fmax(want, 90), 260);
    const double extra = want > height ? 0.5 * (600 * high / height - wide) : 0.02 * wide;
    const jd_axis x = {.label = "across the paper", .min = lo[0] - extra, .max = hi[0] + extra};
    const jd_axis y = {.label = "ink", .min = -hi[1] - 0.05 * high, .max = -lo[1] + 0.05 * high};
    jd_chart *c = jd_chart_new(ctx, &x, &y, height);
    double *xy = jd_alloc_array(ctx, 2 * n, sizeof *xy);
    float *p = jd_alloc_array(ctx, (size_t)v->alphabet->n + 1, sizeof *p);
    if (c && xy && p) {
        draw_ink(c, s, xy, xy + n);
        jd_chart_panel(c, &(jd_axis){.label = "probability", .min = 0, .max = 1.15}, 110);
        draw_spikes(c, v, p);
        jd_report_chart(jd_run_report(r), c, caption);
    } else {
        jd_chart_free(c);
    }
    jd_free(ctx, xy);
    jd_free(ctx, p);
}

void hand_show(jd_run *r, const hand_view *v, const char *what)
{
    char found[TEXT], caption[2 * TEXT + 300];
    hand_text(v->alphabet, v->reading->found, (size_t)v->reading->found_n, found, sizeof found);
    snprintf(
        caption, sizeof caption,
        "%s: “%.*s”, read as “%s” (%d of %d characters wrong). Below, what the net says at each place and how sure "
        "it is; elsewhere it says blank.",
        what, TEXT, v->item->ink->text, found, v->reading->errors, v->item->labels_n);
    if (v->item->ink->strokes)
        show_ink(r, v, caption);
    else
        show_picture(r, v, caption);
}

void hand_show_worst(jd_run *r, const hand_alphabet *a, const hand_bag *bag, const hand_scores *s, size_t n,
                     const char *caption)
{
    static const char *const headings[] = {"text", "read", "wrong", "writer"};
    enum { COLUMNS = 4, MOST = 40 };
    char text[MOST][COLUMNS][TEXT];
    const char *cells[MOST * COLUMNS];
    size_t order[MOST], m = 0;
    if (!s->readings) return;
    if (n > MOST) n = MOST;
    for (size_t i = 0; i < bag->n; i++) { /* by insertion; the first of equals stay first */
        if (!s->readings[i].errors) continue;
        size_t at = m < n ? m++ : n;
        if (at == n && s->readings[order[n - 1]].errors >= s->readings[i].errors) continue;
        if (at == n) at = n - 1;
        for (; at > 0 && s->readings[order[at - 1]].errors < s->readings[i].errors; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t k = 0; k < m; k++) {
        const hand_item *item = &bag->items[order[k]];
        const hand_reading *q = &s->readings[order[k]];
        snprintf(text[k][0], TEXT, "%s", item->ink->text);
        hand_text(a, q->found, (size_t)q->found_n, text[k][1], TEXT);
        snprintf(text[k][2], TEXT, "%d", q->errors);
        snprintf(text[k][3], TEXT, "%s", item->ink->writer);
        for (int c = 0; c < COLUMNS; c++) cells[k * COLUMNS + (size_t)c] = text[k][c];
    }
    if (m) jd_report_table(jd_run_report(r), headings, cells, m, COLUMNS, caption);
}

void hand_show_scores(jd_run *r, const hand_line *lines, size_t n, const char *caption)
{
    static const char *const headings[] = {"read",     "texts",    "samples", "wrong (%)",
                                           "replaced", "left out", "put in",  "words wrong (%)"};
    enum { COLUMNS = 8, MOST = 16, CELL = 64 };
    char text[3 * MOST][COLUMNS][CELL];
    const char *cells[3 * MOST * COLUMNS];
    size_t m = 0;
    for (size_t i = 0; i < n && i < MOST; i++) {
        const hand_score *three[] = {&lines[i].scores->all, &lines[i].scores->seen, &lines[i].scores->unseen};
        static const char *const names[] = {"all", "also in training", "not in training"};
        for (int k = 0; k < 3; k++) {
            const hand_score *s = three[k];
            if (!s->samples || (k > 0 && !three[1]->samples)) continue;
            snprintf(text[m][0], CELL, "%s", lines[i].name);
            snprintf(text[m][1], CELL, "%s", names[k]);
            snprintf(text[m][2], CELL, "%lld", (long long)s->samples);
            snprintf(text[m][3], CELL, "%.2f", hand_cer(s));
            snprintf(text[m][4], CELL, "%lld", (long long)s->substitutions);
            snprintf(text[m][5], CELL, "%lld", (long long)s->deletions);
            snprintf(text[m][6], CELL, "%lld", (long long)s->insertions);
            snprintf(text[m][7], CELL, "%.1f", hand_wer(s));
            for (int c = 0; c < COLUMNS; c++) cells[m * COLUMNS + (size_t)c] = text[m][c];
            m++;
        }
    }
    if (m) jd_report_table(jd_run_report(r), headings, cells, m, COLUMNS, caption);
}
