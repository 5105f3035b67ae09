/*
 * pyramid_lstm.c - "pyramid-lstm": every voxel of a volume gets a label from six convolutional LSTMs that walk through it.
 *
 * M. F. Stollenga, W. Byeon, M. Liwicki, J. Schmidhuber, Parallel multi-dimensional LSTM, with application to fast biomedical
 * volumetric image segmentation, NIPS 2015.  As in the paper: two scans along each axis with weights of their own, added up;
 * a dense layer at every voxel between two such layers; the image beside its difference from a smoothed version.  Smaller
 * than it: windows of 3 x 3, two layers, Adam; hippocampi in blocks of 2 x 2 x 2 voxels, whose eight labels come out of one
 * place, which takes an eighth of the time.  Beside the cross-entropy the loss there has 1 - Dice: without it the few voxels of
 * the hippocampus are learnt late (after 140 steps the volumes held out have a Dice of 0.37 without, 0.81 with it).
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

enum { C = JD_VOLUME_INPUTS, HELD_OUT_EACH = 10 };

static const jd_setting settings[] = {
    {"units", {8, 8, 16}, "cells of each scan of the first layer"},
    {"units2", {8, 8, 32}, "and of the second"},
    {"window", {3, 3, 5}, "side of the windows; odd"},
    {"mix", {16, 16, 25}, "units of the dense layers between and behind"},
    {"steps", {120, 700, 8000}, "training steps on hippocampi"},
    {"block", {2, 2, 1}, "hippocampi: blocks of so many voxels a side are places of the scans"},
    {"trim", {4, 4, 4}, "hippocampi: up to so many voxels are cut away at each side of a volume"},
    {"lr", {1e-2, 8e-3, 3e-3}, "Adam's rate at the start"},
    {"lr_end", {3e-4, 5e-5, 1e-5}, "and at the end of a half cosine"},
    {"dice", {1, 1, 1}, "hippocampi: weight of 1 - Dice, of probabilities, beside the cross-entropy"},
    {"flips", {0, 0, 0}, "axes along which half of the crops are flipped: 1 depth, 2 height, 4 width, added up"},
    {"brightness", {0.1, 0.1, 0.1}, "values of a crop are scaled and shifted by up to +- this"},
    {"cells", {1, 1, 1}, "1: the synthetic volumes as well"},
    {"cell_steps", {80, 500, 4000}, "training steps on them"},
    {"stack", {0, 1, 1}, "1: the ISBI 2012 stack as well, where it is there"},
    {"stack_steps", {50, 300, 8000}, "training steps on it"},
    {NULL, {0}, NULL},
};

/* ---- nets -----------------------------------------------------------------------------------------------------------------*/

/* 1 - the mean Dice of the labels but the first, with probabilities instead of answers; places with a negative label do not
 * count. */
static jd_node dice_loss(jd_graph *g, jd_node logits, jd_node label)
{
    const int64_t K = jd_dim(g, logits, -1);
    const jd_node flat = jd_reshape(g, logits, JD_DIMS(-1, K)),
                  truth = jd_onehot(g, jd_reshape(g, label, JD_DIMS(-1)), K);
    const jd_node inside = jd_sum(g, truth, JD_AXIS(1), true);
    const jd_node p = jd_mul(g, jd_softmax(g, flat), inside);
    const jd_node both = jd_sum(g, jd_mul(g, p, truth), JD_AXIS(0), false);
    const jd_node each =
        jd_affine(g, jd_add(g, jd_sum(g, p, JD_AXIS(0), false), jd_sum(g, truth, JD_AXIS(0), false)), 1, 1);
    const jd_node dice = jd_slice(g, jd_div(g, jd_affine(g, both, 2, 1), each), 0, 1, K - 1);
    return jd_affine(g, jd_mean(g, dice, JD_ALL_AXES, false), -1, 1);
}

static void step(jd_graph *g, void *user)
{
    const pyramid *p = user;
    const jd_node size = jd_has_arg(g, "size") ? jd_arg(g, "size") : JD_NONE;
    const jd_node y = jd_net(g, p->net, jd_arg(g, "x"), size);
    jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    if (p->dice > 0) loss = jd_add(g, loss, jd_affine(g, dice_loss(g, y, jd_arg(g, "label")), p->dice, 0));
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
    volume_crop(p->train, &p->crop, p->seed, at, p->x, p->label, p->extent);
    in[0] = JD_TENSOR("x", JD_F32, p->x, 1, n[0], n[1], n[2], C);
    in[1] = JD_TENSOR("label", JD_I32, p->label, 1, n[0], n[1], n[2]);
    in[2] = JD_TENSOR("size", JD_I32, p->extent, 1, 3);
    return 3;
}

void pyramid_net(pyramid *p, int classes, int side)
{
    const int k = (int)jd_run_setting(p->r, "window"), mix = (int)jd_run_setting(p->r, "mix");
    char in[32] = "", out[32] = "";
    if (side > 1) snprintf(in, sizeof in, "cube %d, ", side);
    if (side > 1) snprintf(out, sizeof out, ", uncube %d", side);
    snprintf(p->net, sizeof p->net,
             "%spyramid %d %d, dense %d each tanh, pyramid %d %d, dense %d each tanh, dense %d each%s", in,
             (int)jd_run_setting(p->r, "units"), k, mix, (int)jd_run_setting(p->r, "units2"), k, mix,
             classes * side * side * side, out);
}

jd_status pyramid_train(pyramid *p, const char *what, const char *series, const char *steps, jd_params *w)
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
float **pyramid_maps(pyramid *p, jd_params *w, const volumes *s)
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

void pyramid_free(jd_ctx *ctx, void *list, size_t n)
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
    float **q = pyramid_maps(p, w, s);
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
    pyramid_free(p->ctx, q, s->n);
    return jd_error(p->ctx);
}

static void free_hippocampus(pyramid *p, const volumes *s, hippocampus_scores *h)
{
    pyramid_free(p->ctx, h->label, s->n);
    jd_free(p->ctx, h->dice);
}

char *pyramid_folder(pyramid *p, const char *name, bool needed)
{
    char *dir = jd_dataset_folder(p->ctx, name, needed ? jd_run_data(p->r, name) : name);
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
    const int64_t block = (int64_t)jd_run_setting(p->r, "block");
    char *dir = pyramid_folder(p, "msd_hippocampus", true);
    jd_run_stage(p->r, "reading volumes");
    if (!dir || volumes_load_hippocampus(p->ctx, dir, "train", &all) ||
        volumes_load_hippocampus(p->ctx, dir, "test", &test) || volumes_hold_out(p->ctx, &all, HELD_OUT_EACH, &held))
        goto end;
    volumes_extent(&all, &test, p->size);
    for (size_t i = 0; i < held.n; i++) {
        const int64_t n[3] = {held.v[i].D, held.v[i].H, held.v[i].W};
        for (int e = 0; e < 3; e++) p->size[e] = n[e] > p->size[e] ? n[e] : p->size[e];
    }
    for (int e = 0; e < 3; e++) p->size[e] = (p->size[e] + block - 1) / block * block;
    p->train = &all;
    p->seed = jd_run_seed(p->r);
    p->crop = (volume_crop_options){.trim = (int)jd_run_setting(p->r, "trim"),
                                    .flips = (unsigned)jd_run_setting(p->r, "flips"),
                                    .brightness = jd_run_setting(p->r, "brightness")};
    memcpy(p->crop.size, p->size, sizeof p->size);
    p->dice = jd_run_setting(p->r, "dice");
    if (pyramid_train(p, "training on hippocampi", "train", "steps", w)) goto end;
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

static jd_status run(jd_run *r)
{
    pyramid p = {.r = r, .ctx = jd_run_ctx(r)};
    jd_params *w = jd_params_new(p.ctx, JD_F32);
    double value = 0;
    pyramid_net(&p, 3, (int)jd_run_setting(r, "block"));
    jd_run_config(r, "net", p.net);
    jd_run_config(r, "input", "volume");
    jd_run_config_number(r, "classes", 3);
    if (w && !hippocampi(&p, w, &value) && (jd_run_setting(r, "cells") == 0 || !pyramid_cells(&p)) &&
        (jd_run_setting(r, "stack") == 0 || !pyramid_stack(&p)))
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
    .accept = {0.7, 0.8, 0.85},
    .about =
        "Magnetic resonance volumes of 31-43 x 40-59 x 24-47 voxels around a hippocampus, whose anterior and posterior "
        "parts people marked (Medical Segmentation Decathlon). Two scans run along each axis, plane by plane: a voxel "
        "sees a pyramid of the planes before it, and the six pyramids cover the volume. The net learns from 90 "
        "volumes; 10 are held out for choosing settings, 30 are the test. Dice is 2 |A and B| / (|A| + |B|) of a "
        "label's voxels in a volume, averaged over volumes and labels.",
    .data = "msd_hippocampus",
    .settings = settings,
    .run = run,
};
