/* images_report.c - the figures that reports of picture recognisers have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"
#include "jackdaw/calibration.h"

enum { WORST = 40, FILTERS = 60, SAMPLES = 8, VARIANTS = 6, WIDE = 40, CAPTION = 48 };

void images_report_curves(images *im, jd_run *r, const char *const *names, double paper, const char *more)
{
    if (!im || jd_error(im->ctx)) return;
    jd_report *rep = jd_run_report(r);
    jd_report_section(rep, "How the error fell");
    jd_chart *c =
        jd_chart_new(im->ctx, &(jd_axis){.label = "epoch"}, &(jd_axis){.label = "error (%)", .scale = JD_LOG}, 0);
    for (; *names; names++) {
        const int64_t *step;
        const double *value;
        const size_t n = jd_run_history(r, *names, &step, &value);
        double *epoch = jd_alloc_array(im->ctx, n + 1, sizeof *epoch);
        for (size_t i = 0; epoch && i < n; i++) epoch[i] = (double)step[i] / (double)im->steps_per_epoch;
        char label[32];
        snprintf(label, sizeof label, "%.*s", (int)strcspn(*names, "/"), *names);
        if (epoch && n) jd_chart_line(c, label, epoch, value, n, n < 40 ? JD_MARKS : 0);
        jd_free(im->ctx, epoch);
    }
    if (isfinite(paper)) jd_chart_hline(c, "paper", paper, JD_DASHED);
    char caption[500];
    snprintf(caption, sizeof caption, "Error on %s after each epoch; %s  %s",
             im->valid.count ? "the pictures held out" : "the test set",
             im->chosen ? "the weights of the lowest point are the ones that are tested."
                        : "it chooses nothing, the weights after the last epoch are the ones that are tested.",
             more);
    jd_report_chart(rep, c, caption);
}

static void to_bytes(const float *x, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)lrintf(fminf(fmaxf((x[i] + 1) * 127.5f, 0.f), 255.f));
}

/* Figures show 1 or 3 channels: of two, the first becomes red, the second green and blue.  Frees `pixels` (n pixels of C
 * channels). */
static uint8_t *in_colour(jd_ctx *ctx, uint8_t *pixels, size_t n, size_t *C)
{
    if (!pixels || *C != 2) return pixels;
    uint8_t *to = jd_alloc_array(ctx, n, 3);
    for (size_t i = 0; to && i < n; i++) {
        to[3 * i] = pixels[2 * i];
        to[3 * i + 1] = to[3 * i + 2] = pixels[2 * i + 1];
    }
    jd_free(ctx, pixels);
    *C = 3;
    return to;
}

void images_report_deformed(images *im, jd_run *r)
{
    if (!im || jd_error(im->ctx)) return;
    const size_t side = (size_t)im->o.side, values = side * side * (size_t)im->all.channels;
    const size_t variants = side > WIDE ? VARIANTS - 1 : VARIANTS; /* what fits into a row */
    float *x = jd_alloc_array(im->ctx, values, sizeof *x);
    uint8_t *tiles = jd_alloc_array(im->ctx, SAMPLES * (1 + variants) * values, 1);
    jd_deformer *d = jd_deformer_new(im->ctx, &im->o.deform, im->all.height, im->all.width, im->all.channels,
                                     im->o.side, im->o.side);
    const size_t rows = im->train.count < SAMPLES ? im->train.count : SAMPLES;
    for (size_t i = 0; d && x && tiles && i < rows; i++)
        for (size_t v = 0; v <= variants; v++) {
            images_plain(im, &im->train, i, 1, x);
            const uint32_t index = (uint32_t)i;
            if (v) jd_deform_batch(d, im->o.seed, (uint32_t)v - 1, &im->train, &index, 1, x, NULL);
            to_bytes(x, values, tiles + (i * (1 + variants) + v) * values);
        }
    size_t channels = (size_t)im->all.channels;
    tiles = in_colour(im->ctx, tiles, SAMPLES * (1 + variants) * side * side, &channels);
    char caption[250];
    snprintf(
        caption, sizeof caption,
        "The first pictures of the training set, each followed by the %s that the network was shown in its place in "
        "the first %s epochs. Every epoch deforms every picture anew.",
        side > WIDE ? "five" : "six", side > WIDE ? "five" : "six");
    jd_report_section(jd_run_report(r), "What it learned from");
    jd_report_images(jd_run_report(r),
                     &(jd_tiles){.pixels = tiles,
                                 .n = rows * (1 + variants),
                                 .h = side,
                                 .w = side,
                                 .channels = channels,
                                 .columns = (int)(1 + variants)},
                     caption);
    jd_deformer_free(d);
    jd_free(im->ctx, tiles);
    jd_free(im->ctx, x);
}

static void name_of(int k, const char *const *names, char *out, size_t bytes)
{
    if (names)
        snprintf(out, bytes, "%s", names[k]);
    else
        snprintf(out, bytes, "%d", k);
}

static int largest(const float *p, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

/* A training picture of a class; where there is none, the picture itself. */
static const uint8_t *example(const images *im, int class, const uint8_t *self)
{
    const size_t bytes = (size_t)im->test.height * (size_t)im->test.width * (size_t)im->test.channels;
    for (size_t i = 0; i < im->train.count; i++)
        if (im->train.labels[i] == class) return im->train.pixels + i * bytes;
    return self;
}

/* Where the many classes have no names, a training picture of the class that was answered stands beside each mistake. */
static void worst_mistakes(images *im, jd_run *r, const float *p, const char *const *names)
{
    const jd_images *t = &im->test;
    const size_t bytes = (size_t)t->height * (size_t)t->width * (size_t)t->channels;
    const bool pairs = !names && t->classes > 10;
    uint32_t worst[WORST];
    const size_t n = images_worst(t, p, worst, pairs ? WORST / 2 : WORST), step = pairs ? 2 : 1;
    uint8_t *tiles = jd_alloc_array(im->ctx, n * step * bytes + 1, 1);
    char text[WORST][CAPTION];
    const char *caption[WORST];
    for (size_t i = 0; tiles && i < n; i++) {
        const uint8_t *self = t->pixels + worst[i] * bytes;
        const float *q = p + worst[i] * (size_t)t->classes;
        const int said = largest(q, t->classes);
        char is[16], was[16];
        name_of(t->labels[worst[i]], names, is, sizeof is);
        name_of(said, names, was, sizeof was);
        snprintf(text[i * step], CAPTION, "%s \u2192 %s, %.2f", is, was, (double)q[said]);
        caption[i * step] = text[i * step];
        memcpy(tiles + i * step * bytes, self, bytes);
        if (!pairs) continue;
        snprintf(text[i * step + 1], CAPTION, "a %s", was);
        caption[i * step + 1] = text[i * step + 1];
        memcpy(tiles + (i * step + 1) * bytes, example(im, said, self), bytes);
    }
    size_t channels = (size_t)t->channels;
    tiles = in_colour(im->ctx, tiles, (n * step * bytes + 1) / channels, &channels);
    char about[400];
    snprintf(about, sizeof about,
             "The worst mistakes on the test set: pictures to whose true class the network gave the smallest "
             "probability. Under each: what it is, what the network said, and how sure it was of that.%s",
             pairs ? " Beside each: a training picture of the class that it said." : "");
    if (tiles && n)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = tiles,
                                     .n = n * step,
                                     .h = (size_t)t->height,
                                     .w = (size_t)t->width,
                                     .channels = channels,
                                     .tile_captions = caption,
                                     .columns = names || pairs ? 6 : 8},
                         about);
    jd_free(im->ctx, tiles);
}

/* Only where p are probabilities. */
static void reliability(images *im, jd_run *r, const float *p)
{
    enum { BINS = 10 };
    jd_calibration c;
    const size_t K = (size_t)im->test.classes;
    for (size_t i = 0; i < im->test.count; i++) {
        double sum = 0;
        for (size_t k = 0; k < K; k++) sum += (double)p[i * K + k];
        if (fabs(sum - 1) > 1e-2) return;
    }
    if (jd_score_calibration(im->ctx, p, im->test.labels, im->test.count, im->test.classes, BINS, &c)) return;
    jd_run_extra(r, "calibration_error", c.expected);
    char more[160] = "";
    if (K > 5)
        snprintf(more, sizeof more,
                 "The true class is not among the first 3 answers for %.2f %% of the pictures, not among the "
                 "first 5 for %.2f %%.",
                 jd_top_k_error(p, im->test.labels, im->test.count, im->test.classes, 3),
                 jd_top_k_error(p, im->test.labels, im->test.count, im->test.classes, 5));
    jd_report_reliability(jd_run_report(r), im->ctx, &c, more);
}

void images_report_test(images *im, jd_run *r, const float *p, const char *const *names)
{
    if (!im || !p || jd_error(im->ctx)) return;
    const size_t K = (size_t)im->test.classes;
    int64_t *counts = jd_alloc_array(im->ctx, K * K, sizeof *counts);
    if (!counts) return;
    for (size_t i = 0; i < im->test.count; i++)
        counts[(size_t)im->test.labels[i] * K + (size_t)largest(p + i * K, (int)K)]++;
    jd_report_section(jd_run_report(r), "Where it errs");
    jd_report_confusion(jd_run_report(r), names, counts, K,
                        "Test set: the true class (rows) and the network's answer.");
    jd_free(im->ctx, counts);
    reliability(im, r, p);
    worst_mistakes(im, r, p, names);
}

typedef struct normed {
    double norm;
    size_t index;
} normed;

static int by_norm(const void *a, const void *b)
{
    const normed *x = a, *y = b;
    if (x->norm != y->norm) return x->norm < y->norm ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

void images_report_filters(images *im, jd_run *r, jd_params *w, const char *name, int side)
{
    if (!im || jd_error(im->ctx)) return;
    const jd_range *range = jd_params_find(w, name);
    const float *weight = jd_params_get(w, name);
    if (!range || !weight) return;
    const int64_t *dim = range->type.dim;
    const size_t n = (size_t)dim[0], each = (size_t)jd_type_count(&range->type) / n, shown = n < FILTERS ? n : FILTERS;
    const size_t h = side ? (size_t)side : (size_t)dim[1], width = side ? (size_t)side : (size_t)dim[2];
    normed *order = jd_alloc_array(im->ctx, n, sizeof *order);
    float *chosen = jd_alloc_array(im->ctx, 2 * shown * each, sizeof *chosen);
    for (size_t i = 0; order && chosen && i < n; i++) {
        order[i].index = i;
        for (size_t k = 0; k < each; k++) order[i].norm += (double)weight[i * each + k] * (double)weight[i * each + k];
    }
    if (order && chosen) {
        qsort(order, n, sizeof *order, by_norm);
        const size_t C = each / (h * width), out = C == 2 ? 3 : C; /* two channels: red, and green and blue */
        for (size_t i = 0; i < shown; i++)
            for (size_t k = 0; k < h * width * out; k++)
                chosen[i * h * width * out + k] =
                    weight[order[i].index * each + k / out * C + (k % out < C ? k % out : C - 1)];
        char caption[200];
        snprintf(
            caption, sizeof caption,
            "The weights of %s%zu unit%s of the first layer, by decreasing norm. Grey is zero; each is scaled by its "
            "own largest weight.",
            shown < n ? "the strongest " : "all ", shown, shown == 1 ? "" : "s");
        jd_report_section(jd_run_report(r), "What the first layer looks for");
        jd_report_filters(jd_run_report(r), chosen, shown, h, width, out, false, caption);
    }
    jd_free(im->ctx, order);
    jd_free(im->ctx, chosen);
}
