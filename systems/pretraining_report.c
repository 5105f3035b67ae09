/* pretraining_report.c - the figures of "pretraining-trend". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pretraining.h"

static const char *const WAY[PT_WAYS] = {"RBMs first", "auto-encoders first", "from scratch"};

double pt_mean(const pt_table *e, int way, int size)
{
    double sum = 0;
    int n = 0;
    for (int s = 0; s < e->seeds; s++) {
        const double x = e->error[way][size][s];
        if (!isfinite(x)) continue;
        sum += x;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

static void by_labels(pt *t, const pt_table *e)
{
    jd_report *rep = jd_run_report(t->r);
    double x[PT_SIZES], y[PT_SIZES], seed_x[PT_SIZES * PT_SEEDS], seed_y[PT_SIZES * PT_SEEDS];
    jd_report_section(rep, "Error against the number of labels");
    jd_chart *c = jd_chart_new(t->ctx, &(jd_axis){.label = "labelled digits", .scale = JD_LOG},
                               &(jd_axis){.label = "test error (%)", .scale = JD_LOG}, 340);
    for (int way = 0; way < PT_WAYS; way++) {
        size_t n = 0, m = 0;
        for (int k = 0; k < e->sizes; k++) {
            const double mean = pt_mean(e, way, k);
            if (!isfinite(mean)) continue;
            x[n] = (double)e->labels[k];
            y[n++] = mean;
            for (int s = 0; s < e->seeds; s++) {
                if (!isfinite(e->error[way][k][s])) continue;
                seed_x[m] = (double)e->labels[k];
                seed_y[m++] = e->error[way][k][s];
            }
        }
        if (!n) continue;
        jd_chart_points(c, WAY[way], seed_x, seed_y, NULL, NULL, m, JD_HOLLOW | JD_NO_LABEL);
        jd_chart_line(c, WAY[way], x, y, n, 0);
    }
    if (isfinite(e->deformed))
        jd_chart_points(c, "from scratch, deformed", (const double[]){(double)e->labels[e->sizes - 1]}, &e->deformed,
                        NULL, NULL, 1, 0);
    char caption[500];
    snprintf(
        caption, sizeof caption,
        "The same network with the same labels, begun from layers that had seen all digits without their labels, or "
        "from random weights. %s Rings are single seeds, lines their means.",
        isfinite(e->deformed) ? "With few labels pre-training decides; the last points are all labels, where the dot "
                                "is the network from random weights with digits deformed anew in every epoch."
                              : "With few labels pre-training decides; what becomes of it with all of them is left "
                                "to the larger scales.");
    jd_report_chart(rep, c, caption);
    char cell[PT_WAYS][PT_SIZES][32], head[PT_SIZES][24];
    const char *cells[PT_WAYS * (PT_SIZES + 1)], *headings[PT_SIZES + 1] = {"error (%), mean (largest - smallest)"};
    size_t used = 0;
    for (int way = 0; way < PT_WAYS; way++) {
        cells[used++] = WAY[way];
        for (int k = 0; k < e->sizes; k++) {
            double low = INFINITY, high = -INFINITY;
            for (int s = 0; s < e->seeds; s++) {
                low = fmin(low, e->error[way][k][s]);
                high = fmax(high, e->error[way][k][s]);
            }
            snprintf(head[k], sizeof head[k], "%lld labels", (long long)e->labels[k]);
            headings[k + 1] = head[k];
            snprintf(cell[way][k], sizeof cell[way][k], "%.2f (%.2f)", pt_mean(e, way, k), high - low);
            cells[used++] = isfinite(pt_mean(e, way, k)) ? cell[way][k] : NULL;
        }
    }
    jd_report_table(rep, headings, cells, PT_WAYS, (size_t)e->sizes + 1,
                    "Labelled digits are drawn anew for each seed, as many of each class.");
}

static void by_epoch(pt *t)
{
    static const char *const series[] = {"RBMs first/error", "from scratch/error", "deformed/error"};
    static const char *const label[] = {"RBMs first", "from scratch", "from scratch, deformed"};
    jd_chart *c =
        jd_chart_new(t->ctx, &(jd_axis){.label = "epoch"}, &(jd_axis){.label = "test error (%)", .scale = JD_LOG}, 320);
    bool any = false;
    for (int k = 0; k < 3; k++) {
        const int64_t *step;
        const double *value;
        const size_t n = jd_run_history(t->r, series[k], &step, &value);
        double *x = n ? jd_alloc_array(t->ctx, n, sizeof *x) : NULL;
        for (size_t i = 0; x && i < n; i++) x[i] = (double)step[i];
        if (x) jd_chart_line(c, label[k], x, value, n, 0);
        any = any || x;
        jd_free(t->ctx, x);
    }
    if (!any) {
        jd_chart_free(c);
        return;
    }
    jd_report_section(jd_run_report(t->r), "Error against epochs, all labels");
    jd_report_chart(
        jd_run_report(t->r), c,
        "Pre-trained layers begin low and need few epochs; from scratch the network comes nearly as far; with "
        "deformed digits, which it cannot learn by heart, it goes on improving and ends below both. The "
        "curves show the test set and chose nothing.");
}

/* ---- filters and pictures --------------------------------------------------------------------------------------------------*/

enum { FILTERS = 60 };
typedef struct sized {
    double size;
    int64_t unit;
} sized;

static int larger_first(const void *a, const void *b)
{
    const double x = ((const sized *)a)->size, y = ((const sized *)b)->size;
    return (x < y) - (x > y);
}

/* The units of the first layer with the largest weights. */
static void filters(pt *t, jd_params *p, const char *caption)
{
    const float *w = p && jd_params_find(p, "dense1/W") ? jd_params_get(p, "dense1/W") : NULL;
    const int64_t n = t->units[0];
    sized *order = w ? jd_alloc_array(t->ctx, (size_t)n, sizeof *order) : NULL;
    float *shown = w ? jd_alloc_array(t->ctx, (size_t)FILTERS * PT_PIXELS, sizeof *shown) : NULL;
    for (int64_t k = 0; order && k < n; k++) {
        double sum = 0;
        for (int i = 0; i < PT_PIXELS; i++) sum += (double)w[k * PT_PIXELS + i] * (double)w[k * PT_PIXELS + i];
        order[k] = (sized){sum, k};
    }
    if (order) qsort(order, (size_t)n, sizeof *order, larger_first);
    const size_t most = n < FILTERS ? (size_t)n : FILTERS;
    for (size_t k = 0; shown && order && k < most; k++)
        memcpy(shown + k * PT_PIXELS, w + order[k].unit * PT_PIXELS, PT_PIXELS * sizeof *shown);
    if (shown && order) jd_report_filters(jd_run_report(t->r), shown, most, 28, 28, 1, false, caption);
    jd_free(t->ctx, order);
    jd_free(t->ctx, shown);
}

static void to_bytes(const float *x, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)lrintf(255 * fminf(1, fmaxf(0, x[i])));
}

typedef struct mirror {
    pt *t;
    int layers;
} mirror;

/* Up through so many layers of RBMs and down again. */
static void trace_mirror(jd_graph *g, void *user)
{
    const mirror *m = user;
    jd_node x = jd_arg(g, "x");
    char name[24];
    for (int l = 0; l < m->layers; l++) {
        snprintf(name, sizeof name, "dense%d", l + 1);
        x = jd_rbm_hidden(g, name, x, (jd_rbm){.units = m->t->units[l]});
    }
    for (int l = m->layers - 1; l >= 0; l--) {
        snprintf(name, sizeof name, "dense%d", l + 1);
        x = jd_rbm_visible(g, name, x, l ? m->t->units[l - 1] : PT_PIXELS, (jd_rbm){.units = m->t->units[l]});
    }
    jd_result(g, "x", x);
}

static void reconstructions(pt *t)
{
    enum { N = 7 };
    uint8_t *pixels = jd_alloc_array(t->ctx, (size_t)4 * N * PT_PIXELS, 1);
    if (pixels) to_bytes(t->test.x, (size_t)N * PT_PIXELS, pixels);
    for (int layers = 1; layers <= PT_LAYERS && pixels && !jd_error(t->ctx); layers++) {
        mirror m = {t, layers};
        jd_fn *f = jd_fn_new(t->ctx, t->rbm, trace_mirror, &m);
        const jd_tensor in = JD_TENSOR("x", JD_F32, t->test.x, N, PT_PIXELS);
        const float *x = f && !jd_fn_run(f, &in, 1) ? jd_fn_result(f, "x", NULL) : NULL;
        if (x) to_bytes(x, (size_t)N * PT_PIXELS, pixels + (size_t)layers * N * PT_PIXELS);
        jd_fn_free(f);
    }
    if (pixels && !jd_error(t->ctx))
        jd_report_images(jd_run_report(t->r),
                         &(jd_tiles){.pixels = pixels, .n = 4 * N, .h = 28, .w = 28, .channels = 1, .columns = N},
                         "Digits of the test set; below them what one, two and three layers of RBMs keep of them, sent "
                         "up and down again.");
    jd_free(t->ctx, pixels);
}

static void dreams(pt *t, const pt_belief *b)
{
    uint8_t *pixels = b->dreams ? jd_alloc_array(t->ctx, (size_t)PT_CLASSES * PT_DREAMS * PT_PIXELS, 1) : NULL;
    char text[300];
    if (!pixels) return;
    to_bytes(b->dreams, (size_t)PT_CLASSES * PT_DREAMS * PT_PIXELS, pixels);
    jd_report_section(jd_run_report(t->r), "A deep belief net and its dreams");
    snprintf(
        text, sizeof text,
        "The first two layers become directed ones under a memory of two layers that also sees the label. It errs on "
        "%.2f %% of the test set as pre-trained%s",
        b->before, isfinite(b->after) ? "" : ".");
    if (isfinite(b->after))
        snprintf(text + strlen(text), sizeof text - strlen(text), ", on %.2f %% after the up-down algorithm.",
                 b->after);
    jd_report_text(jd_run_report(t->r), text);
    jd_report_images(
        jd_run_report(t->r),
        &(jd_tiles){
            .pixels = pixels, .n = PT_CLASSES * PT_DREAMS, .h = 28, .w = 28, .channels = 1, .columns = PT_DREAMS},
        "What the net makes of a label: a row for each digit, from noise at the top, after 200 steps of the "
        "memory with the label held.");
    jd_free(t->ctx, pixels);
}

void pt_report(pt *t, const pt_table *e, const pt_belief *b, jd_params *tuned)
{
    if (jd_error(t->ctx)) return;
    by_labels(t, e);
    by_epoch(t);
    jd_report_section(jd_run_report(t->r), "What layers learn without labels");
    reconstructions(t);
    filters(t, t->rbm,
            "The first layer of RBMs: strokes and local detectors, learned without a label (the 60 units with "
            "the largest weights; grey is zero).");
    if (jd_run_setting(t->r, "coder") != 0) filters(t, t->coder, "The first layer of denoising auto-encoders.");
    filters(t, tuned, "The first layer after fine-tuning with labels: it has hardly changed.");
    dreams(t, b);
}
