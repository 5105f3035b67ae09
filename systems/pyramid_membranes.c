/*
 * pyramid_membranes.c - the second and third part of pyramid-lstm: membranes in synthetic volumes and in the ISBI 2012 stack,
 * against a logistic regression that sees 3 x 3 x 3 voxels.
 */
#include <math.h>
#include <stdio.h>

#include "jackdaw/layers.h"
#include "pyramid.h"

enum { C = JD_VOLUME_INPUTS, NEAR = 27, TRAIN_SLICES = 20, HELD_SLICES = 2, TEST_SLICES = 5 };

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
    float **q = pyramid_maps(p, w, s);
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
    p->dice = 0;
    pyramid_net(p, 2, 1);
    volumes_extent(tune, test, p->size);
    if (pyramid_train(p, what, series[0], steps, w[0]) || train_logistic(p, series[1], w[1])) goto end;
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
        pyramid_free(p->ctx, tuned[i], tune->n);
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

jd_status pyramid_cells(pyramid *p)
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
    pyramid_free(p->ctx, s.net, test.n);
    pyramid_free(p->ctx, s.logistic, test.n);
    volumes_free(p->ctx, &all);
    volumes_free(p->ctx, &tune);
    volumes_free(p->ctx, &test);
    return jd_error(p->ctx);
}

jd_status pyramid_stack(pyramid *p)
{
    volumes all = {0}, tune = {0}, test = {0};
    membrane_scores s = {0};
    char *dir = pyramid_folder(p, "isbi2012", false);
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
    pyramid_free(p->ctx, s.net, test.n);
    pyramid_free(p->ctx, s.logistic, test.n);
    volumes_free(p->ctx, &all);
    volumes_free(p->ctx, &tune);
    volumes_free(p->ctx, &test);
    return jd_error(p->ctx);
}
