/*
 * pyramid_lstm.c - "pyramid-lstm": every voxel of a volume gets a label from six convolutional LSTMs that walk through it.
 *
 * M. F. Stollenga, W. Byeon, M. Liwicki, J. Schmidhuber, Parallel multi-dimensional LSTM, with application to fast biomedical
 * volumetric image segmentation, NIPS 2015.  As in the paper: two scans along each axis with weights of their own, added up;
 * a dense layer at every voxel between two such layers; the image beside its difference from a smoothed version; random
 * sub-volumes.  Smaller than it: windows of 3 x 3, two layers, Adam.
 *
 * The brains of the paper (MRBrainS13) are not free; hippocampi of the Medical Segmentation Decathlon stand in.  Beside
 * them synthetic volumes of cells (--set cells=1), whose truth needs context, against a logistic regression that sees
 * 3 x 3 x 3 voxels, and slices of the ISBI 2012 stack (--set stack=1).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "jackdaw/system.h"
#include "pyramid.h"

enum { C = JD_VOLUME_INPUTS, HELD_OUT_EACH = 10, NEAR = 27, TRAIN_SLICES = 20, HELD_SLICES = 2, TEST_SLICES = 5 };

static const jd_setting settings[] = {
    {"units", {6, 8, 16}, "cells of each scan of the first layer"},
    {"units2", {6, 8, 32}, "and of the second"},
    {"window", {3, 3, 5}, "side of the windows; odd"},
    {"mix", {12, 16, 25}, "units of the dense layers between and behind"},
    {"steps", {220, 1500, 8000}, "training steps on hippocampi"},
    {"depth", {20, 24, 24}, "of a crop; at most 24"},
    {"height", {32, 40, 40}, "of a crop; at most 40"},
    {"width", {24, 30, 30}, "of a crop; at most 31"},
    {"lr", {6e-3, 5e-3, 3e-3}, "Adam's rate at the start"},
    {"lr_end", {1e-4, 5e-5, 1e-5}, "and at the end of a half cosine"},
    {"flips", {0, 0, 0}, "axes along which half of the crops are flipped: 1 depth, 2 height, 4 width, added up"},
    {"brightness", {0.1, 0.1, 0.1}, "values of a crop are scaled and shifted by up to +- this"},
    {"cells", {1, 1, 1}, "1: the synthetic volumes as well"},
    {"cell_steps", {150, 1000, 4000}, "training steps on them"},
    {"stack", {0, 1, 1}, "1: the ISBI 2012 stack as well, where it is there"},
    {"stack_steps", {100, 700, 8000}, "training steps on it"},
    {NULL, {0}, NULL},
};

typedef struct pyramid {
    jd_run *r;
    jd_ctx *ctx;
    char net[256];
    const volumes *train;
    volume_crop_options crop;
    uint64_t seed;
    float *x, *near;
    int32_t *label;
    int64_t size[3]; /* of the whole volumes that are labelled at once */
} pyramid;

/* ---- nets -----------------------------------------------------------------------------------------------------------------*/

static void step(jd_graph *g, void *user)
{
    const pyramid *p = user;
    const jd_node loss = jd_softmax_xent(g, jd_net(g, p->net, jd_arg(g, "x"), JD_NONE), jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
}

static void answer(jd_graph *g, void *user)
{
    const pyramid *p = user;
    jd_result(g, "p", jd_softmax(g, jd_net(g, p->net, jd_arg(g, "x"), jd_arg(g, "size"))));
}

static int next(void *user, int64_t at, int slot, jd_tensor *in)
{
    pyramid *p = user;
    const int64_t *n = p->crop.size;
    (void)slot;
    volume_crop(p->train, &p->crop, p->seed, at, p->x, p->label);
    in[0] = JD_TENSOR("x", JD_F32, p->x, 1, n[0], n[1], n[2], C);
    in[1] = JD_TENSOR("label", JD_I32, p->label, 1, n[0], n[1], n[2]);
    return 2;
}

static void make_net(pyramid *p, int classes)
{
    const int k = (int)jd_run_setting(p->r, "window"), mix = (int)jd_run_setting(p->r, "mix");
    snprintf(p->net, sizeof p->net,
             "pyramid %d %d, dense %d each tanh, pyramid %d %d, dense %d each tanh, dense %d each",
             (int)jd_run_setting(p->r, "units"), k, mix, (int)jd_run_setting(p->r, "units2"), k, mix, classes);
}

static jd_status train(pyramid *p, const char *what, const char *series, const char *steps, jd_params *w)
{
    const size_t n = (size_t)(p->crop.size[0] * p->crop.size[1] * p->crop.size[2]);
    jd_train_result result = {0};
    p->x = jd_alloc_array(p->ctx, n * C, sizeof *p->x);
    p->label = jd_alloc_array(p->ctx, n, sizeof *p->label);
    if (w && !jd_error(p->ctx))
        jd_train(
            p->r, w,
            &(jd_train_options){
                .what = what,
                .series = series,
                .trace = step,
                .user = p,
                .steps = (int64_t)jd_run_setting(p->r, steps),
                .batch = next,
                .lr = {.kind = JD_COSINE, .rate = jd_run_setting(p->r, "lr"), .end = jd_run_setting(p->r, "lr_end")},
                .items_per_step = (int64_t)n},
            &result);
    jd_free(p->ctx, p->x);
    jd_free(p->ctx, p->label);
    return jd_error(p->ctx);
}

/* Probabilities (D,H,W,K) of a volume, which is laid into the low corner of one of p->size. */
static jd_status label_volume(pyramid *p, jd_fn *f, const volume *v, float *in, int K, float *out)
{
    const int64_t *n = p->size;
    const int32_t size[3] = {(int32_t)v->D, (int32_t)v->H, (int32_t)v->W};
    memset(in, 0, (size_t)(n[0] * n[1] * n[2] * C) * sizeof *in);
    for (int64_t z = 0; z < v->D; z++)
        for (int64_t y = 0; y < v->H; y++)
            memcpy(in + (z * n[1] + y) * n[2] * C, v->x + (z * v->H + y) * v->W * C, (size_t)(v->W * C) * sizeof *in);
    if (jd_fn_run(
            f, (jd_tensor[]){JD_TENSOR("x", JD_F32, in, 1, n[0], n[1], n[2], C), JD_TENSOR("size", JD_I32, size, 1, 3)},
            2))
        return jd_error(p->ctx);
    const float *y = jd_fn_result(f, "p", NULL);
    for (int64_t z = 0; z < v->D; z++)
        for (int64_t r = 0; r < v->H; r++)
            memcpy(out + (z * v->H + r) * v->W * K, y + (z * n[1] + r) * n[2] * K, (size_t)(v->W * K) * sizeof *out);
    return JD_OK;
}

/* Probabilities of all volumes: (n) of (D,H,W,K), each to be freed. */
static float **label_all(pyramid *p, jd_params *w, const volumes *s)
{
    const int K = s->classes;
    float **out = jd_alloc_array(p->ctx, s->n + 1, sizeof *out);
    float *in = jd_alloc_array(p->ctx, (size_t)(p->size[0] * p->size[1] * p->size[2] * C), sizeof *in);
    jd_fn *f = in ? jd_fn_new(p->ctx, w, answer, p) : NULL;
    for (size_t i = 0; i < s->n && f && out; i++) {
        const volume *v = &s->v[i];
        out[i] = jd_alloc_array(p->ctx, (size_t)(v->D * v->H * v->W * K), sizeof **out);
        if (!out[i] || label_volume(p, f, v, in, K, out[i])) break;
        if (jd_run_progress(p->r, (double)(i + 1), (double)s->n, "volumes")) {
            jd_run_stopped(p->r);
            break;
        }
    }
    jd_fn_free(f);
    jd_free(p->ctx, in);
    return out;
}

static void free_all(jd_ctx *ctx, void *list, size_t n)
{
    void **l = list;
    for (size_t i = 0; i < n && l; i++) jd_free(ctx, l[i]);
    jd_free(ctx, list);
}

/* ---- hippocampi -------------------------------------------------------------------------------------------------------------*/

static uint8_t best_of(const float *q, int K)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        if (q[k] > q[best]) best = k;
    return (uint8_t)best;
}

/* What no look at the image gives: the most frequent label at each place, relative to the volume's size. */
static jd_status untrained(pyramid *p, const volumes *train, const volumes *test, double mean[2])
{
    enum { GRID = 32, CELLS = GRID * GRID * GRID, K = 3 };
    int32_t(*count)[K] = jd_alloc_array(p->ctx, CELLS, sizeof *count);
    mean[0] = mean[1] = 0;
    if (!count) return jd_error(p->ctx);
    memset(count, 0, CELLS * sizeof *count);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < (pass ? test->n : train->n); i++) {
            const volume *v = pass ? &test->v[i] : &train->v[i];
            const size_t n = (size_t)(v->D * v->H * v->W);
            uint8_t *guess = pass ? jd_alloc_array(p->ctx, n, 1) : NULL;
            if (pass && !guess) break;
            for (size_t k = 0; k < n; k++) {
                const int64_t x = (int64_t)k % v->W, y = (int64_t)k / v->W % v->H, z = (int64_t)k / (v->W * v->H);
                int32_t *c = count[((z * GRID / v->D) * GRID + y * GRID / v->H) * GRID + x * GRID / v->W];
                if (pass)
                    guess[k] = (uint8_t)(c[1] > c[0] && c[1] >= c[2] ? 1 : c[2] > c[0] ? 2 : 0);
                else
                    c[v->label[k]]++;
            }
            for (int k = 0; k < 2 && pass; k++) mean[k] += volume_dice(guess, v->label, n, k + 1) / (double)test->n;
            jd_free(p->ctx, guess);
        }
    jd_free(p->ctx, count);
    return jd_error(p->ctx);
}

static jd_status score_hippocampus(pyramid *p, jd_params *w, const volumes *s, hippocampus_scores *out)
{
    float **q = label_all(p, w, s);
    *out = (hippocampus_scores){.least = {1, 1}};
    out->label = jd_alloc_array(p->ctx, s->n + 1, sizeof *out->label);
    out->dice = jd_alloc_array(p->ctx, s->n + 1, sizeof *out->dice);
    for (size_t i = 0; i < s->n && !jd_error(p->ctx); i++) {
        const size_t n = (size_t)(s->v[i].D * s->v[i].H * s->v[i].W);
        out->label[i] = jd_alloc_array(p->ctx, n, 1);
        for (size_t k = 0; k < n && out->label[i]; k++) out->label[i][k] = best_of(q[i] + 3 * k, 3);
        for (int k = 0; k < 2 && out->label[i]; k++) {
            const double d = volume_dice(out->label[i], s->v[i].label, n, k + 1);
            out->dice[i][k] = d;
            out->mean[k] += d / (double)s->n;
            out->least[k] = fmin(out->least[k], d);
        }
    }
    free_all(p->ctx, q, s->n);
    return jd_error(p->ctx);
}

static void free_hippocampus(pyramid *p, const volumes *s, hippocampus_scores *h)
{
    free_all(p->ctx, h->label, s->n);
    jd_free(p->ctx, h->dice);
}

static char *folder(pyramid *p, const char *name, bool needed)
{
    const jd_dataset *set = jd_dataset_find(p->ctx, name);
    const char *data = needed ? jd_run_data(p->r, name) : name;
    char *dir = !set ? NULL : strcmp(data, name) ? jd_strdup(p->ctx, data) : jd_dataset_locate(p->ctx, set);
    if (!dir && !needed && jd_error(p->ctx) == JD_ENOINPUT) {
        jd_run_note(p->r, "%s: not there, left out", name);
        jd_error_clear(p->ctx);
    }
    return dir;
}

static jd_status hippocampi(pyramid *p, jd_params *w, double *value)
{
    volumes all = {0}, held = {0}, test = {0};
    hippocampus_scores valid = {0}, s = {0};
    char *dir = folder(p, "msd_hippocampus", true);
    jd_run_stage(p->r, "reading volumes");
    if (!dir || volumes_load_hippocampus(p->ctx, dir, "train", &all) ||
        volumes_load_hippocampus(p->ctx, dir, "test", &test) || volumes_hold_out(p->ctx, &all, HELD_OUT_EACH, &held))
        goto end;
    volumes_extent(&held, &test, p->size);
    p->train = &all;
    p->seed = jd_run_seed(p->r);
    p->crop =
        (volume_crop_options){.size = {(int64_t)jd_run_setting(p->r, "depth"), (int64_t)jd_run_setting(p->r, "height"),
                                       (int64_t)jd_run_setting(p->r, "width")},
                              .flips = (unsigned)jd_run_setting(p->r, "flips"),
                              .brightness = jd_run_setting(p->r, "brightness")};
    for (size_t i = 0; i < all.n; i++)
        for (int e = 0; e < 3; e++) {
            const int64_t have = e == 0 ? all.v[i].D : e == 1 ? all.v[i].H : all.v[i].W;
            if (p->crop.size[e] >= 1 && p->crop.size[e] <= have) continue;
            jd_fail(p->ctx, JD_EUSAGE, "crops of %lld along axis %d; %s has %lld, take less",
                    (long long)p->crop.size[e], e, all.v[i].name, (long long)have);
            goto end;
        }
    if (train(p, "training on hippocampi", "train", "steps", w)) goto end;
    jd_run_save(p->r, w, (int64_t)jd_run_setting(p->r, "steps"), true);
    jd_run_stage(p->r, "labelling %zu volumes", held.n + test.n);
    if (score_hippocampus(p, w, &held, &valid) || score_hippocampus(p, w, &test, &s) ||
        untrained(p, &all, &test, s.untrained))
        goto end;
    *value = (s.mean[0] + s.mean[1]) / 2;
    jd_run_extra(p->r, "dice_anterior", s.mean[0]);
    jd_run_extra(p->r, "dice_posterior", s.mean[1]);
    jd_run_extra(p->r, "dice_held_out", (valid.mean[0] + valid.mean[1]) / 2);
    jd_run_extra(p->r, "dice_atlas", (s.untrained[0] + s.untrained[1]) / 2);
    jd_run_extra(p->r, "weights", (double)jd_params_count(w));
    pyramid_report_hippocampus(p->r, &test, &s);
end:
    jd_free(p->ctx, dir);
    free_hippocampus(p, &held, &valid);
    free_hippocampus(p, &test, &s);
    volumes_free(p->ctx, &all);
    volumes_free(p->ctx, &held);
    volumes_free(p->ctx, &test);
    return jd_error(p->ctx);
}

/* ---- membranes --------------------------------------------------------------------------------------------------------------*/

/* The 27 values around a voxel, the edge repeated. */
static void neighbours(const volume *v, int64_t z, int64_t y, int64_t x, float *out)
{
    for (int64_t k = 0; k < NEAR; k++) {
        int64_t a = z + k / 9 - 1, b = y + k / 3 % 3 - 1, c = x + k % 3 - 1;
        a = a < 0 ? 0 : a >= v->D ? v->D - 1 : a;
        b = b < 0 ? 0 : b >= v->H ? v->H - 1 : b;
        c = c < 0 ? 0 : c >= v->W ? v->W - 1 : c;
        out[k] = v->x[((a * v->H + b) * v->W + c) * C];
    }
}

enum { LOGISTIC_BATCH = 4096, LOGISTIC_STEPS = 800 };

static void logistic_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node y = jd_dense(g, "out", jd_arg(g, "near"), .units = 2);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), 0);
    jd_result(g, "loss", loss);
}

static int logistic_next(void *user, int64_t at, int slot, jd_tensor *in)
{
    pyramid *p = user;
    jd_rng r = jd_rng_new(p->seed, "voxels", (uint64_t)at);
    (void)slot;
    for (int i = 0; i < LOGISTIC_BATCH; i++) {
        const volume *v = &p->train->v[jd_rng_below(&r, (uint32_t)p->train->n)];
        const int64_t k = (int64_t)jd_rng_below(&r, (uint32_t)(v->D * v->H * v->W));
        neighbours(v, k / (v->W * v->H), k / v->W % v->H, k % v->W, p->near + i * NEAR);
        p->label[i] = v->label[k];
    }
    in[0] = JD_TENSOR("near", JD_F32, p->near, LOGISTIC_BATCH, NEAR);
    in[1] = JD_TENSOR("label", JD_I32, p->label, LOGISTIC_BATCH);
    return 2;
}

/* Maps of membrane by a logistic regression on 3 x 3 x 3 values: (n) of (D,H,W). */
static float **logistic_maps(pyramid *p, jd_params *w, const volumes *s)
{
    const float *W = jd_params_get(w, "out/W"), *b = jd_params_get(w, "out/b");
    float **out = jd_alloc_array(p->ctx, s->n + 1, sizeof *out), near[NEAR];
    for (size_t i = 0; i < s->n && out; i++) {
        const volume *v = &s->v[i];
        out[i] = jd_alloc_array(p->ctx, (size_t)(v->D * v->H * v->W), sizeof **out);
        for (int64_t k = 0; k < v->D * v->H * v->W && out[i]; k++) {
            double sum = (double)b[1] - (double)b[0];
            neighbours(v, k / (v->W * v->H), k / v->W % v->H, k % v->W, near);
            for (int j = 0; j < NEAR; j++) sum += ((double)W[NEAR + j] - (double)W[j]) * (double)near[j];
            out[i][k] = (float)(1 / (1 + exp(-sum)));
        }
    }
    return out;
}

static jd_status train_logistic(pyramid *p, const char *series, jd_params *w)
{
    jd_train_result result = {0};
    p->near = jd_alloc_array(p->ctx, (size_t)LOGISTIC_BATCH * NEAR, sizeof *p->near);
    p->label = jd_alloc_array(p->ctx, LOGISTIC_BATCH, sizeof *p->label);
    if (w && !jd_error(p->ctx))
        jd_train(p->r, w,
                 &(jd_train_options){.what = "logistic regression",
                                     .series = series,
                                     .trace = logistic_step,
                                     .user = p,
                                     .steps = LOGISTIC_STEPS,
                                     .batch = logistic_next,
                                     .lr = {.kind = JD_COSINE, .rate = 0.05, .end = 1e-3},
                                     .items_per_step = LOGISTIC_BATCH},
                 &result);
    jd_free(p->ctx, p->near);
    jd_free(p->ctx, p->label);
    return jd_error(p->ctx);
}

/* Only the probability of membrane is kept. */
static float **membrane_maps(pyramid *p, jd_params *w, const volumes *s)
{
    float **q = label_all(p, w, s);
    for (size_t i = 0; i < s->n && q && q[i]; i++)
        for (int64_t k = 0; k < s->v[i].D * s->v[i].H * s->v[i].W; k++) q[i][k] = q[i][2 * k + 1];
    return q;
}

/* The threshold with the fewest wrong voxels, of 0.02, 0.04 .. 0.98; or the error and F at a given one. */
static double count_wrong(const volumes *s, float *const *maps, double threshold, double *f)
{
    double wrong = 0, all = 0, hit = 0, sum = 0;
    for (size_t i = 0; i < s->n; i++)
        for (int64_t k = 0; k < s->v[i].D * s->v[i].H * s->v[i].W; k++) {
            const bool is = s->v[i].label[k] != 0, said = (double)maps[i][k] > threshold;
            wrong += is != said;
            hit += is && said;
            sum += is + said;
            all++;
        }
    *f = sum > 0 ? 2 * hit / sum : 1;
    return wrong / all;
}
static double best_threshold(const volumes *s, float *const *maps)
{
    double best = 0.5, least = 1, f;
    for (int k = 1; k < 50; k++) {
        const double wrong = count_wrong(s, maps, k / 50., &f);
        if (wrong < least) least = wrong, best = k / 50.;
    }
    return best;
}

/* Trains on `all`, chooses thresholds on `tune`, measures on `test`. */
static jd_status membranes(pyramid *p, const char *name, const char *steps, const volumes *all, const volumes *tune,
                           const volumes *test, membrane_scores *out)
{
    jd_params *w[2] = {jd_params_new(p->ctx, JD_F32), jd_params_new(p->ctx, JD_F32)};
    float **tuned[2] = {NULL};
    char what[64], series[2][32];
    snprintf(what, sizeof what, "training on %s", name);
    snprintf(series[0], sizeof series[0], "%s", name);
    snprintf(series[1], sizeof series[1], "%s logistic", name);
    p->train = all;
    make_net(p, 2);
    volumes_extent(tune, test, p->size);
    if (train(p, what, series[0], steps, w[0]) || train_logistic(p, series[1], w[1])) goto end;
    jd_run_stage(p->r, "maps of %s", name);
    tuned[0] = membrane_maps(p, w[0], tune);
    tuned[1] = logistic_maps(p, w[1], tune);
    out->net = membrane_maps(p, w[0], test);
    out->logistic = logistic_maps(p, w[1], test);
    for (int i = 0; i < 2 && !jd_error(p->ctx); i++) {
        out->threshold[i] = best_threshold(tune, tuned[i]);
        out->error[i] = count_wrong(test, i ? out->logistic : out->net, out->threshold[i], &out->f[i]);
    }
end:
    for (int i = 0; i < 2; i++) {
        free_all(p->ctx, tuned[i], tune->n);
        jd_params_free(w[i]);
    }
    return jd_error(p->ctx);
}

static void record(pyramid *p, const char *name, const membrane_scores *s)
{
    static const char *const what[] = {"pixel_error", "pixel_error_logistic", "f_membrane", "f_membrane_logistic"};
    const double value[] = {s->error[0], s->error[1], s->f[0], s->f[1]};
    char key[64];
    for (int i = 0; i < 4; i++) {
        snprintf(key, sizeof key, "%s_%s", name, what[i]);
        jd_run_extra(p->r, key, value[i]);
    }
}

static jd_status cells(pyramid *p)
{
    volumes all = {0}, tune = {0}, test = {0};
    membrane_scores s = {0};
    jd_run_stage(p->r, "drawing cells");
    if (volumes_draw_cells(p->ctx, 0, 20, &all) || volumes_draw_cells(p->ctx, 0, 4, &tune) ||
        volumes_draw_cells(p->ctx, 20, 5, &test))
        goto end;
    p->crop = (volume_crop_options){.size = {8, 32, 32}, .flips = 7};
    if (membranes(p, "cells", "cell_steps", &all, &tune, &test, &s)) goto end;
    record(p, "cells", &s);
    pyramid_report_membranes(p->r, "Synthetic cells",
                             "Gaps in the membranes and dark blobs inside cells are in the picture only: a net that "
                             "sees little of the surroundings cannot tell them.",
                             &test, &s);
end:
    free_all(p->ctx, s.net, test.n);
    free_all(p->ctx, s.logistic, test.n);
    volumes_free(p->ctx, &all);
    volumes_free(p->ctx, &tune);
    volumes_free(p->ctx, &test);
    return jd_error(p->ctx);
}

static jd_status stack(pyramid *p)
{
    volumes all = {0}, tune = {0}, test = {0};
    membrane_scores s = {0};
    char *dir = folder(p, "isbi2012", false);
    if (!dir) return jd_error(p->ctx);
    jd_run_stage(p->r, "reading slices");
    if (volumes_load_stack(p->ctx, dir, 0, TRAIN_SLICES - HELD_SLICES, &all) ||
        volumes_load_stack(p->ctx, dir, TRAIN_SLICES - HELD_SLICES, HELD_SLICES, &tune) ||
        volumes_load_stack(p->ctx, dir, TRAIN_SLICES, TEST_SLICES, &test))
        goto end;
    p->crop = (volume_crop_options){.size = {5, 64, 64}, .flips = 7, .brightness = 0.1};
    if (membranes(p, "stack", "stack_steps", &all, &tune, &test, &s)) goto end;
    record(p, "stack", &s);
    pyramid_report_membranes(p->r, "ISBI 2012, slices held out",
                             "Slices 20-24 of the labelled stack; slices 0-17 were learnt from, the threshold comes "
                             "from 18 and 19. This is not the contest's hidden stack.",
                             &test, &s);
end:
    jd_free(p->ctx, dir);
    free_all(p->ctx, s.net, test.n);
    free_all(p->ctx, s.logistic, test.n);
    volumes_free(p->ctx, &all);
    volumes_free(p->ctx, &tune);
    volumes_free(p->ctx, &test);
    return jd_error(p->ctx);
}

static jd_status run(jd_run *r)
{
    pyramid p = {.r = r, .ctx = jd_run_ctx(r)};
    jd_params *w = jd_params_new(p.ctx, JD_F32);
    double value = 0;
    make_net(&p, 3);
    jd_run_config(r, "net", p.net);
    jd_run_config(r, "input", "volume");
    jd_run_config_number(r, "classes", 3);
    if (w && !hippocampi(&p, w, &value) && (jd_run_setting(r, "cells") == 0 || !cells(&p)) &&
        (jd_run_setting(r, "stack") == 0 || !stack(&p)))
        jd_run_finish(r, value, NULL);
    jd_params_free(w);
    return jd_error(p.ctx);
}

const jd_system jd_system_pyramid_lstm = {
    .name = "pyramid-lstm",
    .year = 2015,
    .title = "Every voxel of a volume labelled by six convolutional LSTMs that walk through it",
    .paper = "Stollenga, Byeon, Liwicki, Schmidhuber, NIPS 2015",
    .metric = "mean Dice of two labels",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "the paper's brains (MRBrainS13: grey matter 0.848, white 0.883, fluid 0.837) are not free; these are "
        "hippocampi",
    .accept = {0.6, 0.8, 0.85},
    .about =
        "Magnetic resonance volumes of 31-43 x 40-59 x 24-47 voxels around a hippocampus, whose anterior and posterior "
        "parts people marked (Medical Segmentation Decathlon). Two scans run along each axis, plane by plane: a voxel "
        "sees a pyramid of the planes before it, and the six pyramids cover the volume. The net learns from crops of "
        "90 "
        "volumes; 10 are held out for choosing settings, 30 are the test. Dice is 2 |A and B| / (|A| + |B|) of a "
        "label's voxels in a volume, averaged over volumes and labels.",
    .data = "msd_hippocampus",
    .settings = settings,
    .run = run,
};
