/*
 * em_segmentation.c - "em-segmentation": membranes between cells, found by a max-pooling net that classifies every pixel.
 *
 * D. C. Ciresan, A. Giusti, L. M. Gambardella, J. Schmidhuber, Deep neural networks segment neuronal membranes in electron
 * microscopy images, NIPS 2012.  The net N4 of the paper sees a window of 95 x 95 pixels around the pixel in question:
 * 48C4-MP2-48C5-MP2-48C4-MP2-48C4-MP2-200N-2.  It is trained on all windows of a grid in random crops at once (Masci, Giusti,
 * Ciresan, Fricout, Schmidhuber, ICIP 2013), which gives the gradient of the single windows at a fraction of the price.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "em.h"
#include "em_report.h"
#include "jackdaw/system.h"
#include "scan_nets.h"

enum { WINDOW = 95, MAX_NETS = 8 };

static const jd_setting settings[] = {
    {"maps", {16, 24, 48}, "maps of each of the four convolutions"},
    {"hidden", {48, 64, 200}, "units of the layer before the last"},
    {"relu", {0, 0, 0}, "1: rectified units; 0: the paper's scaled tanh, which learns faster here"},
    {"nets", {1, 2, 4}, "nets whose maps are averaged"},
    {"steps", {2500, 40000, 60000}, "training steps of each net"},
    {"batch", {1, 1, 1}, "crops in a step"},
    {"side", {96, 96, 96}, "pixels of a side of a crop that are classified; a multiple of 16"},
    {"every", {4, 4, 2}, "one in so many pixels of an axis is classified: 1, 2, 4, 8 or 16"},
    {"lr", {2e-3, 2e-3, 2e-3}, "Adam's rate at the start"},
    {"lr_end", {2e-5, 2e-5, 2e-5}, "and at the end of a half cosine"},
    {"balance", {0, 0, 0}, "1: membranes weigh as much as the inside of cells, as in the paper; 0: pixels weigh alike"},
    {"contrast", {0.2, 0.2, 0.2}, "the contrast of crops is changed by up to +- this share"},
    {"brightness", {0.3, 0.3, 0.3}, "and their brightness by this, of a range of 6"},
    {"angle", {45, 45, 45}, "crops are turned by up to +- so many degrees"},
    {"stretch", {0.1, 0.1, 0.1}, "scaled by up to +- this share"},
    {"bend", {3, 3, 3}, "and bent by a smooth random field, pixels"},
    {"held_out", {2, 2, 2}, "training slices kept for validation and calibration"},
    {"calibrate", {1, 1, 1}, "1: maps go through a cubic fitted on the slices held out"},
    {"views", {1, 8, 8}, "turned and mirrored versions of a slice whose maps are averaged"},
    {"spread", {4, 4, 4}, "V_Rand's thresholds cut 1/2 + (logit - centre) / spread of the map; 0: the map itself"},
    {"median", {2, 2, 2}, "radius of the median filter on maps, pixels"},
    {NULL, {0}, NULL},
};

typedef struct em {
    jd_run *r;
    jd_ctx *ctx;
    em_stack train, valid, test;
    char net[256];
    bool balance;
    double membrane_weight;
    em_crop_options crop;
    int64_t batch;
    int views, median, nets;
    float *x, *weight; /* one step's crops: (batch,side+94,side+94,1), (batch,side,side) */
    int32_t *label;
    jd_scanner *scan; /* of the net in training */
    em_cubic cubic;
} em;

static void step(jd_graph *g, void *user)
{
    const em *e = user;
    const jd_node y = jd_scan_net_every(g, e->net, jd_arg(g, "x"), WINDOW, WINDOW, e->crop.every);
    jd_node loss;
    if (e->balance)
        loss = jd_mean(g, jd_mul(g, jd_softmax_xent_each(g, y, jd_arg(g, "label")), jd_arg(g, "weight")), JD_ALL_AXES,
                       false);
    else
        loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
    jd_result(g, "loss", loss);
}

static int next(void *user, int64_t at, int slot, jd_tensor *in)
{
    em *e = user;
    (void)slot;
    const int64_t n = e->crop.side / e->crop.every, w = e->crop.side + WINDOW - 1;
    for (int64_t b = 0; b < e->batch; b++)
        em_crop(&e->train, &e->crop, at * e->batch + b, e->x + b * w * w, e->label + b * n * n);
    in[0] = JD_TENSOR("x", JD_F32, e->x, e->batch, w, w, 1);
    in[1] = JD_TENSOR("label", JD_I32, e->label, e->batch, n, n);
    if (!e->balance) return 2;
    for (int64_t i = 0; i < e->batch * n * n; i++) e->weight[i] = e->label[i] ? 1.f : (float)e->membrane_weight;
    in[2] = JD_TENSOR("weight", JD_F32, e->weight, e->batch, n, n);
    return 3;
}

/* Maps (n,H,W) of a stack by one net, added to `maps` with the weight `share`. */
static jd_status add_maps(em *e, jd_scanner *scan, const em_stack *s, int views, float share, float *maps)
{
    const size_t n = (size_t)(s->H * s->W);
    float *map = jd_alloc_array(e->ctx, n, sizeof *map);
    for (int64_t i = 0; i < s->n && map; i++) {
        if (em_map(e->ctx, scan, s, i, views, map)) break;
        for (size_t k = 0; k < n; k++) maps[(size_t)i * n + k] += share * map[k];
        if (jd_run_progress(e->r, (double)(i + 1), (double)s->n, "slices")) break;
    }
    jd_free(e->ctx, map);
    return jd_error(e->ctx);
}

static double validate(void *user, jd_run *r, int64_t at)
{
    em *e = user;
    const size_t n = (size_t)(e->valid.n * e->valid.H * e->valid.W);
    float *maps = jd_alloc_array(e->ctx, n, sizeof *maps);
    jd_membrane_score s = {0};
    jd_pixel_score p = {0};
    for (int64_t i = 0; i < e->valid.n && maps; i++)
        if (em_map(e->ctx, e->scan, &e->valid, i, 1, maps + i * e->valid.H * e->valid.W)) break;
    if (maps && !jd_score_pixels(e->ctx, e->valid.inside, maps, n, &p) &&
        !jd_score_membranes(e->ctx,
                            &(jd_membranes){.slices = e->valid.n,
                                            .H = e->valid.H,
                                            .W = e->valid.W,
                                            .inside = e->valid.inside,
                                            .map = maps,
                                            .thin = true},
                            &s)) {
        jd_run_log(r, at, "validation/V_Rand", s.rand);
        jd_run_log(r, at, "validation/pixel error", p.half);
    }
    jd_free(e->ctx, maps);
    return s.rand;
}

/* Trains net k and makes its scanner. */
static jd_status train_net(em *e, int k, jd_params *w, jd_scanner **scan, jd_train_result *result)
{
    char what[64], series[32];
    snprintf(what, sizeof what, "training net %d of %d", k + 1, e->nets);
    snprintf(series, sizeof series, e->nets > 1 ? "net%d" : "train", k + 1);
    const int64_t steps = (int64_t)jd_run_setting(e->r, "steps");
    e->crop.seed = jd_run_seed(e->r) * 1000 + (uint64_t)k;
    e->scan = *scan = jd_scanner_new(
        e->ctx, w,
        &(jd_scan_options){.net = e->net, .height = WINDOW, .width = WINDOW, .channels = 1, .softmax = true});
    jd_train(e->r, w,
             &(jd_train_options){
                 .what = what,
                 .series = series,
                 .trace = step,
                 .user = e,
                 .steps = steps,
                 .batch = next,
                 .lr = {.kind = JD_COSINE, .rate = jd_run_setting(e->r, "lr"), .end = jd_run_setting(e->r, "lr_end")},
                 .validate = e->valid.n ? validate : NULL,
                 .validate_every = e->valid.n ? (steps + 9) / 10 : 0,
                 .items_per_step = e->batch},
             result);
    return jd_error(e->ctx);
}

static jd_status load(em *e)
{
    char *dir = jd_dataset_folder(e->ctx, "isbi2012", jd_run_data(e->r, "isbi2012"));
    const int held = (int)jd_run_setting(e->r, "held_out");
    if (dir && (held < 0 || held >= EM_TRAIN_SLICES))
        jd_fail(e->ctx, JD_EUSAGE, "held_out = %d; 0 to %d of the %d training slices", held, EM_TRAIN_SLICES - 1,
                EM_TRAIN_SLICES);
    if (dir && !jd_error(e->ctx) && !em_load(e->ctx, dir, 0, EM_TRAIN_SLICES - held, &e->train) &&
        (!held || !em_load(e->ctx, dir, EM_TRAIN_SLICES - held, held, &e->valid)))
        em_load(e->ctx, dir, EM_TRAIN_SLICES, EM_TEST_SLICES, &e->test);
    jd_free(e->ctx, dir);
    return jd_error(e->ctx);
}

static jd_status prepare(em *e)
{
    jd_run *r = e->r;
    const char *act = jd_run_setting(r, "relu") != 0 ? "relu" : "scaled-tanh";
    const int maps = (int)jd_run_setting(r, "maps");
    snprintf(e->net, sizeof e->net,
             "conv %d 4 %s, maxpool 2, conv %d 5 %s, maxpool 2, conv %d 4 %s, maxpool 2, conv %d 4 %s, maxpool 2, "
             "dense %d %s, "
             "dense 2",
             maps, act, maps, act, maps, act, maps, act, (int)jd_run_setting(r, "hidden"), act);
    e->balance = jd_run_setting(r, "balance") != 0;
    e->batch = (int64_t)jd_run_setting(r, "batch");
    e->views = (int)jd_run_setting(r, "views");
    e->median = (int)jd_run_setting(r, "median");
    e->nets = (int)jd_run_setting(r, "nets");
    e->crop = (em_crop_options){.window = WINDOW,
                                .side = (int64_t)jd_run_setting(r, "side"),
                                .every = (int64_t)jd_run_setting(r, "every"),
                                .contrast = jd_run_setting(r, "contrast"),
                                .brightness = jd_run_setting(r, "brightness"),
                                .angle = jd_run_setting(r, "angle"),
                                .stretch = jd_run_setting(r, "stretch"),
                                .bend = jd_run_setting(r, "bend")};
    if (e->batch < 1 || e->crop.side < 16 || e->crop.side % 16 || e->views < 1 || e->views > EM_VIEWS || e->nets < 1 ||
        e->nets > MAX_NETS || e->median < 0 || e->median > 16)
        return jd_fail(e->ctx, JD_EUSAGE,
                       "batch %lld, side %lld, views %d, nets %d, median %d; 1 or more, a multiple of 16, 1 to 8, 1 to "
                       "%d, 0 to 16",
                       (long long)e->batch, (long long)e->crop.side, e->views, e->nets, e->median, MAX_NETS);
    if (e->crop.every < 1 || 16 % e->crop.every)
        return jd_fail(e->ctx, JD_EUSAGE, "every = %lld; 1, 2, 4, 8 or 16", (long long)e->crop.every);
    if (load(e)) return jd_error(e->ctx);
    if (e->crop.side > e->train.H || e->crop.side > e->train.W)
        return jd_fail(e->ctx, JD_EUSAGE, "side = %lld, but slices have %lld x %lld pixels", (long long)e->crop.side,
                       (long long)e->train.W, (long long)e->train.H);
    double inside = 0, all = (double)(e->train.n * e->train.H * e->train.W);
    for (int64_t i = 0; i < e->train.n * e->train.H * e->train.W; i++) inside += e->train.inside[i];
    e->membrane_weight = inside / (all - inside);
    const size_t S = (size_t)e->crop.side, w = S + WINDOW - 1, b = (size_t)e->batch;
    e->x = jd_alloc_array(e->ctx, b * w * w, sizeof *e->x);
    e->weight = jd_alloc_array(e->ctx, b * S * S, sizeof *e->weight);
    e->label = jd_alloc_array(e->ctx, b * S * S, sizeof *e->label);
    jd_run_config(r, "net", e->net);
    jd_run_config(r, "input", "95x95x1");
    jd_run_config_number(r, "classes", 2);
    jd_run_config_number(r, "low", EM_LOW);
    jd_run_config_number(r, "high", EM_HIGH);
    return jd_error(e->ctx);
}

/* All nets in one model, as members of a committee, and how their maps become the answer. */
static jd_status save(em *e, jd_params *const *w, const em_spread *spread)
{
    static const char *const field[] = {"scope"};
    char scope[MAX_NETS][16];
    const char *cell[MAX_NETS];
    jd_params *all = jd_params_new(e->ctx, JD_F32);
    for (int k = 0; k < e->nets; k++) {
        snprintf(scope[k], sizeof scope[k], "net%d", k + 1);
        cell[k] = scope[k];
        scan_nets_add(e->ctx, all, e->nets > 1 ? scope[k] : "", w[k]);
    }
    if (e->nets > 1) jd_run_config_list(e->r, "members", field, 1, cell, (size_t)e->nets);
    jd_run_config(e->r, "scan", "membranes");
    jd_run_config_number(e->r, "calibration_a", e->cubic.a);
    jd_run_config_number(e->r, "calibration_b", e->cubic.b);
    jd_run_config_number(e->r, "views", e->views);
    jd_run_config_number(e->r, "median", e->median);
    jd_run_config_number(e->r, "spread", spread->width);
    jd_run_config_number(e->r, "centre", spread->centre);
    if (!jd_error(e->ctx)) jd_run_save(e->r, all, (int64_t)jd_run_setting(e->r, "steps"), true);
    jd_params_free(all);
    return jd_error(e->ctx);
}

static jd_status run(jd_run *r)
{
    em e = {.r = r, .ctx = jd_run_ctx(r)};
    jd_params *w[MAX_NETS] = {NULL};
    jd_scanner *scan[MAX_NETS] = {NULL};
    float *test = NULL, *valid = NULL;
    em_scores scores = {0};
    double seconds = 0;
    if (prepare(&e)) goto end;
    valid = jd_alloc_array(e.ctx, (size_t)(e.valid.n * e.valid.H * e.valid.W) + 1, sizeof *valid);
    test = jd_alloc_array(e.ctx, (size_t)(e.test.n * e.test.H * e.test.W), sizeof *test);
    for (int k = 0; k < e.nets && !jd_error(e.ctx); k++) {
        jd_train_result result = {0};
        w[k] = jd_params_new(e.ctx, JD_F32);
        if (train_net(&e, k, w[k], &scan[k], &result)) goto end;
        seconds += result.seconds;
        jd_run_stage(r, "maps of net %d", k + 1);
        if ((e.valid.n && add_maps(&e, scan[k], &e.valid, e.views, 1.f / (float)e.nets, valid)) ||
            add_maps(&e, scan[k], &e.test, e.views, 1.f / (float)e.nets, test))
            goto end;
    }
    if (jd_error(e.ctx)) goto end;
    if (e.valid.n && jd_run_setting(r, "calibrate") != 0)
        e.cubic = em_calibrate(valid, e.valid.inside, (size_t)(e.valid.n * e.valid.H * e.valid.W));
    em_spread spread;
    if (!em_finish(e.ctx, &e.valid, &e.cubic, e.median, valid) &&
        !em_spread_choose(e.ctx, &e.valid, valid, jd_run_setting(r, "spread"), &spread) && !save(&e, w, &spread) &&
        !em_finish(e.ctx, &e.test, &e.cubic, e.median, test) &&
        !em_score(e.ctx, &e.valid, valid, &e.test, test, &spread, &scores)) {
        jd_run_extra(r, "train_seconds", seconds);
        jd_run_extra(r, "weights", (double)jd_params_count(w[0]));
        em_report(r, &e.test, test, &scores, &e.cubic);
        jd_run_finish(r, scores.test.rand, NULL);
    }
end:
    for (int k = 0; k < MAX_NETS; k++) jd_scanner_free(scan[k]);
    for (int k = 0; k < MAX_NETS; k++) jd_params_free(w[k]);
    em_free(e.ctx, &e.train);
    em_free(e.ctx, &e.valid);
    em_free(e.ctx, &e.test);
    jd_free(e.ctx, e.x);
    jd_free(e.ctx, e.weight);
    jd_free(e.ctx, e.label);
    jd_free(e.ctx, valid);
    jd_free(e.ctx, test);
    return jd_error(e.ctx);
}

const jd_system jd_system_em_segmentation = {
    .name = "em-segmentation",
    .year = 2012,
    .title = "Membranes of neurons in electron microscopy, by a max-pooling net at every pixel",
    .paper = "Ciresan, Giusti, Gambardella, Schmidhuber, NIPS 2012",
    .metric = "V_Rand (thin)",
    .higher = true,
    .paper_value = 0.97,
    .paper_note =
        "the winner's maps on the 30 hidden test slices, as scored again in 2015; nets of 48 maps, trained for "
        "days on a GPU",
    .accept = {0.75, 0.93, 0.96},
    .about =
        "ISBI 2012: slices of a fly's nerve cord, 512 x 512 pixels of 4 nm. A net looks at the 95 x 95 pixels around a "
        "pixel and says whether it lies on a membrane. It learns from slices 0-19, two of which are held out to watch "
        "and "
        "to calibrate; slices 20-24 are the test. Membranes are thinned, what they enclose are cells, and V_Rand asks "
        "for "
        "pairs of pixels whether both divide them alike: a gap of one pixel merges two cells.",
    .data = "isbi2012",
    .settings = settings,
    .run = run,
};
