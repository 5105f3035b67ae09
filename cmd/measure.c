/* measure.c - what a model makes of samples, in numbers and in pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "letters.h"
#include "targets.h"

enum { BATCH = 100, MISTAKES = 48, FILTERS = 64 };

void measured_free(jd_ctx *ctx, measured *e)
{
    jd_free(ctx, e->p);
    jd_free(ctx, e->predicted);
    jd_free(ctx, e->confusion);
    jd_free(ctx, e->mse);
    jd_free(ctx, e->r2);
    for (int k = 0; k < MEASURED_TEXTS; k++) {
        jd_free(ctx, e->shown[k][0]);
        jd_free(ctx, e->shown[k][1]);
    }
    *e = (measured){0};
}

const char *model_metric(const model *m)
{
    return m->alphabet      ? "label error (%)"
           : m->classes     ? "error (%)"
           : m->targets > 1 ? "root mean squared error (standard deviations)"
                            : "root mean squared error";
}

double measured_score(const model *m, const measured *e)
{
    if (m->alphabet) return e->letters ? 100.0 * (double)e->edits / (double)e->letters : 0;
    if (!m->classes) return sqrt(e->loss);
    return e->n ? 100.0 * (double)e->wrong / (double)e->n : 0;
}

/* The texts of one batch, out of logits (T,n,letters + 1): best path, and its distance from what is said. */
static jd_status take_texts(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, size_t at, size_t n,
                            const float *logits, measured *e)
{
    const size_t K = (size_t)m->letters + 1;
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        const uint32_t k = index[i];
        const size_t T = s->start[k + 1] - s->start[k], first = s->first_letter[k], U = s->first_letter[k + 1] - first;
        int32_t *found = jd_alloc_array(ctx, T + 1, sizeof *found);
        const size_t count = found ? jd_ctc_best_path(logits + i * K, n * K, T, K, m->letters, found) : 0;
        const jd_edits d = jd_edit_distance(ctx, s->letters + first, U, found, count);
        e->edits += d.total;
        e->letters += U;
        e->wrong += d.total > 0;
        if (found && at + i < MEASURED_TEXTS) {
            e->shown[at + i][0] = jd_strdup(ctx, s->text[k]);
            e->shown[at + i][1] = letters_text(ctx, m->alphabet, found, count);
        }
        jd_free(ctx, found);
    }
    return jd_error(ctx);
}

/* The outputs of one batch, which begins at sample `at`. */
static void take(const model *m, const samples *s, const uint32_t *index, size_t at, size_t n, const float *p,
                 measured *e, double *sum)
{
    const size_t K = (size_t)model_outputs(m);
    for (size_t i = 0; i < n; i++) {
        const float *row = p + i * K;
        float *out = e->p + (at + i) * K;
        const uint32_t sample = index[i];
        for (size_t k = 0; !m->classes && k < K; k++) {
            out[k] = (float)((double)row[k] / m->t_scale[k] + m->t_mean[k]);
            const double d = s->target ? (double)out[k] - (double)s->target[sample * K + k] : 0;
            e->mse[k] += d * d;
        }
        if (!m->classes) continue;
        size_t best = 0;
        for (size_t k = 0; k < K; k++) {
            out[k] = row[k];
            if (row[k] > row[best]) best = k;
        }
        e->predicted[at + i] = (int32_t)best;
        if (!s->label) continue;
        const int32_t label = s->label[sample];
        e->confusion[(size_t)label * K + best]++;
        e->wrong += label != (int32_t)best;
        *sum -= log(fmax((double)row[label], 1e-30));
    }
}

/* From sums of squares to what stands in `measured`. */
static void score_targets(const model *m, const samples *s, const uint32_t *index, measured *e)
{
    const size_t K = (size_t)m->targets;
    e->loss = 0;
    for (size_t k = 0; k < K && s->target && e->n; k++) {
        double mean = 0, spread = 0;
        for (size_t i = 0; i < e->n; i++) mean += (double)s->target[(index ? index[i] : i) * K + k] / (double)e->n;
        for (size_t i = 0; i < e->n; i++) {
            const double d = (double)s->target[(index ? index[i] : i) * K + k] - mean;
            spread += d * d;
        }
        e->r2[k] = spread > 0 ? 1 - e->mse[k] / spread : (double)NAN;
        e->mse[k] /= (double)e->n;
        e->loss += K > 1 ? e->mse[k] * m->t_scale[k] * m->t_scale[k] / (double)K : e->mse[k];
    }
}

jd_status model_measure(jd_ctx *ctx, jd_fn *f, const model *m, const samples *s, const uint32_t *index, size_t n,
                        jd_run *r, measured *e)
{
    const size_t K = (size_t)model_outputs(m), classes = m->classes ? (size_t)m->classes : 1;
    double sum = 0;
    *e = (measured){.p = jd_alloc_array(ctx, n * K + 1, sizeof(float)),
                    .predicted = jd_alloc_array(ctx, n, sizeof(int32_t)),
                    .confusion = jd_alloc_array(ctx, classes * classes, sizeof(int64_t)),
                    .mse = jd_alloc_array(ctx, (size_t)m->targets + 1, sizeof(double)),
                    .r2 = jd_alloc_array(ctx, (size_t)m->targets + 1, sizeof(double))};
    const int64_t size = m->rank == 2 ? (s->dim[0] + 15) * m->dim[1] : model_size(m);
    float *x = jd_alloc_array(ctx, BATCH * (size_t)m->views, (size_t)size * sizeof *x);
    for (size_t at = 0; at < n && !jd_error(ctx); at += BATCH) {
        const size_t b = n - at < BATCH ? n - at : BATCH;
        uint32_t now[BATCH];
        for (size_t i = 0; i < b; i++) now[i] = index ? index[at + i] : (uint32_t)(at + i);
        int32_t length[BATCH];
        jd_tensor in[MODEL_INPUTS];
        const int inputs = model_batch(ctx, m, s, now, b, x, length, NULL, NULL, in);
        const float *p = inputs ? model_run(ctx, f, m, in, inputs) : NULL;
        if (!p) break;
        if (m->alphabet)
            take_texts(ctx, m, s, now, at, b, p, e);
        else
            take(m, s, now, at, b, p, e, &sum);
        e->n = at + b;
        if (r && cli_stop) break;
    }
    if (e->n) e->loss = sum / (double)e->n;
    if (!jd_error(ctx) && !m->classes && !m->alphabet) score_targets(m, s, index, e);
    jd_free(ctx, x);
    if (jd_error(ctx)) measured_free(ctx, e);
    return jd_error(ctx);
}

typedef struct mistake {
    size_t at; /* place in the measured order */
    float p;   /* of the wrong class */
} mistake;

static int surest_first(const void *a, const void *b)
{
    const mistake *x = a, *y = b;
    if (x->p > y->p || x->p < y->p) return x->p > y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static void show_mistakes(jd_ctx *ctx, jd_report *rep, const model *m, const samples *s, const uint32_t *index,
                          const measured *e)
{
    const size_t K = (size_t)m->classes, size = (size_t)(s->dim[0] * s->dim[1] * s->dim[2]);
    mistake *all = jd_alloc_array(ctx, e->wrong + 1, sizeof *all);
    uint8_t *pixels = jd_alloc_array(ctx, MISTAKES * size, 1);
    char text[MISTAKES][64];
    const char *captions[MISTAKES];
    size_t wrong = 0, n;
    if (!all || !pixels || !e->wrong) goto end;
    for (size_t i = 0; i < e->n; i++)
        if (s->label[index ? index[i] : i] != e->predicted[i])
            all[wrong++] = (mistake){i, e->p[i * K + (size_t)e->predicted[i]]};
    qsort(all, wrong, sizeof *all, surest_first);
    n = wrong < MISTAKES ? wrong : MISTAKES;
    for (size_t i = 0; i < n; i++) {
        const size_t sample = index ? index[all[i].at] : all[i].at;
        memcpy(pixels + i * size, s->images.pixels + sample * size, size);
        char truth[20], answer[20];
        snprintf(text[i], sizeof text[i], "%s as %s, p %.2f",
                 class_name(m->names, s->label[sample], truth, sizeof truth),
                 class_name(m->names, e->predicted[all[i].at], answer, sizeof answer), (double)all[i].p);
        captions[i] = text[i];
    }
    jd_report_images(rep,
                     &(jd_tiles){.pixels = pixels,
                                 .n = n,
                                 .h = (size_t)s->dim[0],
                                 .w = (size_t)s->dim[1],
                                 .channels = (size_t)s->dim[2],
                                 .tile_captions = captions},
                     "The worst mistakes: the wrong answers of which the network was surest.");
end:
    jd_free(ctx, all);
    jd_free(ctx, pixels);
}

static void show_filters(jd_report *rep, const model *m, jd_params *p)
{
    for (int i = 0; i < jd_params_ranges(p); i++) {
        const jd_range *range = jd_params_range(p, i);
        const jd_type *t = &range->type;
        const size_t length = strlen(range->name);
        if (length < 2 || strcmp(range->name + length - 2, "/W") != 0) continue;
        const size_t n = t->dim[0] < FILTERS ? (size_t)t->dim[0] : FILTERS;
        const float *w = jd_params_get(p, range->name);
        if (t->rank == 4 && (t->dim[3] == 1 || t->dim[3] == 3))
            jd_report_filters(rep, w, n, (size_t)t->dim[1], (size_t)t->dim[2], (size_t)t->dim[3], false,
                              "The filters of the first layer; grey is zero.");
        else if (t->rank == 2 && t->dim[1] == model_size(m))
            jd_report_filters(rep, w, n, (size_t)m->dim[0], (size_t)m->dim[1], (size_t)m->dim[2], false,
                              "The weights of units of the first layer; grey is zero.");
        return; /* only the first layer sees pixels */
    }
}

jd_status measured_calibration(jd_ctx *ctx, const model *m, const samples *s, const uint32_t *index, const measured *e,
                               jd_calibration *c, double *top3)
{
    enum { BINS = 10 };
    int32_t *label = jd_alloc_array(ctx, e->n + 1, sizeof *label);
    for (size_t i = 0; label && i < e->n; i++) label[i] = s->label[index ? index[i] : i];
    if (label && !jd_score_calibration(ctx, e->p, label, e->n, m->classes, BINS, c))
        *top3 = jd_top_k_error(e->p, label, e->n, m->classes, 3);
    jd_free(ctx, label);
    return jd_error(ctx);
}

void model_report(jd_ctx *ctx, jd_report *rep, const model *m, jd_params *p, const samples *s, const uint32_t *index,
                  const measured *e)
{
    if (jd_error(ctx)) return;
    if (m->alphabet) {
        const char *cells[2 * MEASURED_TEXTS];
        size_t rows = 0;
        for (; rows < MEASURED_TEXTS && e->shown[rows][0]; rows++) {
            cells[2 * rows] = e->shown[rows][0];
            cells[2 * rows + 1] = e->shown[rows][1];
        }
        jd_report_section(rep, "What it hears");
        jd_report_table(rep, (const char *const[]){"said", "heard"}, cells, rows, 2,
                        "The first recordings of those measured.");
        return;
    }
    if (m->classes && m->classes <= 400) {
        jd_report_section(rep, "Confusion");
        char(*text)[64] = jd_alloc_array(ctx, (size_t)m->classes, sizeof *text);
        const char **name = jd_alloc_array(ctx, (size_t)m->classes, sizeof *name);
        for (int k = 0; text && name && k < m->classes; k++) name[k] = class_name(m->names, k, text[k], sizeof *text);
        jd_report_confusion(rep, m->names && *m->names ? name : NULL, e->confusion, (size_t)m->classes,
                            "True classes in rows, answers in columns.");
        jd_free(ctx, text);
        jd_free(ctx, name);
    }
    jd_calibration c;
    double top3;
    if (m->classes > 1 && !m->halves && e->n && !measured_calibration(ctx, m, s, index, e, &c, &top3)) {
        jd_report_section(rep, "How sure it is");
        jd_report_reliability(rep, ctx, &c, "");
    }
    if (m->targets && s->target) targets_report(ctx, rep, m, s, index, e);
    if (m->rank != 3 || (m->dim[2] != 1 && m->dim[2] != 3)) return;
    jd_report_section(rep, "What it sees");
    show_filters(rep, m, p);
    if (m->classes) show_mistakes(ctx, rep, m, s, index, e);
}
