/*
 * mitosis.c - "mitosis": a max-pooling net that looks at every window of a slide and says whether one of the things sought
 * is in its middle.
 *
 * D. C. Ciresan, A. Giusti, L. M. Gambardella, J. Schmidhuber, Mitosis detection in breast cancer histology images with deep
 * neural networks, MICCAI 2013.  As in the paper: windows are positive near a centre, all of these are used; a preliminary
 * net scans the slides, and background is then drawn by its score, so that training meets what is hard; maps of 8 turned
 * and mirrored versions are averaged.  Unlike it, all windows of a crop are trained in one pass.
 *
 * The slides of the contest are not free.  Stand-ins: nuclei of the 2018 Data Science Bowl, of sizes from 4 to 60 pixels,
 * where the connected pieces of the map above levels that fall are the detections; and synthetic slides (--data synthetic), where
 * detections are found as in the paper, by smoothing with a disk and suppressing all but the peaks.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/system.h"
#include "mitosis.h"

enum { WINDOW = 53, HELD_OUT_EACH = 6 };

static const jd_setting settings[] = {
    {"maps", {16, 24, 32}, "maps of each of the three convolutions"},
    {"hidden", {32, 64, 100}, "units of the layer before the last"},
    {"relu", {0, 0, 0}, "1: rectified units; 0: the scaled tanh of the line's nets"},
    {"steps", {1500, 8000, 20000}, "training steps"},
    {"batch", {2, 8, 8}, "crops in a step"},
    {"side", {64, 64, 64}, "pixels of a side of a crop that are classified; a multiple of 8"},
    {"every", {4, 4, 2}, "one in so many pixels of an axis is classified: 1, 2, 4 or 8"},
    {"lr", {2e-3, 2e-3, 2e-3}, "Adam's rate at the start"},
    {"lr_end", {2e-5, 2e-5, 2e-5}, "and at the end of a half cosine"},
    {"core", {0.5, 0.5, 0.5}, "nuclei: windows are positive within this share of the radius"},
    {"positives", {0.2, 0.2, 0.2}, "share of positive windows among those trained on"},
    {"first_steps", {0, 500, 4000}, "steps of the preliminary net; 0: background is drawn at random"},
    {"hard", {0.5, 0.5, 0.5}, "share of the background that is drawn by the preliminary net's score"},
    {"zoom", {1, 1, 1}, "nuclei: crops are scaled by up to this share, up or down"},
    {"contrast", {0.25, 0.25, 0.25}, "contrast and brightness of crops are changed by up to +- this"},
    {"colour", {1, 1, 1}, "nuclei: colours are mixed by up to this share, as other stains would show them"},
    {"views", {1, 8, 8}, "turned and mirrored versions whose maps are averaged"},
    {"radius", {20, 20, 20}, "a detection is right within so many pixels of a centre, each centre once"},
    {"slides",
     {12, 24, 60},
     "synthetic slides to learn from; a third as many for validation, half as many for the test"},
    {NULL, {0}, NULL},
};

typedef struct mitosis {
    jd_run *r;
    jd_ctx *ctx;
    bool synthetic;
    slides train, valid, test;
    char net[200];
    slide_crop_options crop;
    int64_t batch;
    uint64_t seed;
    float *x;
    int32_t *label;
} mitosis;

static void step(jd_graph *g, void *user)
{
    const mitosis *m = user;
    const jd_node y = jd_scan_net_every(g, m->net, jd_arg(g, "x"), WINDOW, WINDOW, m->crop.every);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
    jd_result(g, "loss", loss);
}

static int next(void *user, int64_t at, int slot, jd_tensor *in)
{
    mitosis *m = user;
    (void)slot;
    const int64_t n = m->crop.side / m->crop.every, w = m->crop.side + WINDOW - 1;
    for (int64_t b = 0; b < m->batch; b++)
        slide_crop(&m->train, &m->crop, m->seed, at * m->batch + b, m->x + b * w * w * 3, m->label + b * n * n);
    in[0] = JD_TENSOR("x", JD_F32, m->x, m->batch, w, w, 3);
    in[1] = JD_TENSOR("label", JD_I32, m->label, m->batch, n, n);
    return 2;
}

static jd_status train(mitosis *m, const char *what, const char *series, int64_t steps, jd_params *w, double *seconds)
{
    jd_train_result result = {0};
    jd_train(m->r, w,
             &(jd_train_options){
                 .what = what,
                 .series = series,
                 .trace = step,
                 .user = m,
                 .steps = steps,
                 .batch = next,
                 .lr = {.kind = JD_COSINE, .rate = jd_run_setting(m->r, "lr"), .end = jd_run_setting(m->r, "lr_end")},
                 .items_per_step = m->batch},
             &result);
    *seconds += result.seconds;
    return jd_error(m->ctx);
}

static jd_scanner *scanner(mitosis *m, jd_params *w)
{
    return jd_scanner_new(
        m->ctx, w,
        &(jd_scan_options){.net = m->net, .height = WINDOW, .width = WINDOW, .channels = 3, .softmax = true});
}

/* The maps of all slides, each (H,W), in one array of pointers; NULL after an error. */
static float **scan_all(mitosis *m, jd_scanner *scan, const slides *s, int views, const char *what)
{
    float **maps = jd_alloc_array(m->ctx, s->n + 1, sizeof *maps);
    jd_run_stage(m->r, "%s", what);
    for (size_t i = 0; i < s->n && maps && !jd_error(m->ctx); i++) {
        maps[i] = jd_alloc_array(m->ctx, (size_t)(s->s[i].H * s->s[i].W), sizeof **maps);
        if (maps[i]) slide_map(m->ctx, scan, &s->s[i], views, maps[i]);
        if (jd_run_progress(m->r, (double)(i + 1), (double)s->n, "slides")) jd_run_stopped(m->r);
    }
    return maps;
}

static void free_maps(mitosis *m, float **maps, size_t n)
{
    for (size_t i = 0; i < n && maps; i++) jd_free(m->ctx, maps[i]);
    jd_free(m->ctx, maps);
}

/* A preliminary net's scores of the training slides. */
static jd_status score_background(mitosis *m, int64_t steps, double *seconds)
{
    jd_params *w = jd_params_new(m->ctx, JD_F32);
    m->seed = jd_run_seed(m->r) * 1000 + 1;
    jd_scanner *scan =
        !w || train(m, "training the preliminary net", "first", steps, w, seconds) ? NULL : scanner(m, w);
    float **maps = scan ? scan_all(m, scan, &m->train, 1, "scanning the training slides") : NULL;
    double sum = 0, n = 0;
    for (size_t i = 0; i < m->train.n && maps && !jd_error(m->ctx); i++) {
        slide *s = &m->train.s[i];
        s->score = maps[i];
        maps[i] = NULL;
        for (int64_t p = 0; p < s->H * s->W; p++)
            if (!s->core[p]) sum += (double)s->score[p], n++;
    }
    m->crop.mean_score = n > 0 ? sum / n : 0;
    m->crop.hard = jd_run_setting(m->r, "hard");
    free_maps(m, maps, m->train.n);
    jd_scanner_free(scan);
    jd_params_free(w);
    return jd_error(m->ctx);
}

/* Every sixth training picture is kept for validation. */
static jd_status hold_out(mitosis *m)
{
    slides *t = &m->train, *v = &m->valid;
    v->s = jd_alloc_array(m->ctx, t->n, sizeof *v->s);
    size_t kept = 0;
    for (size_t i = 0; i < t->n && v->s; i++)
        if (i % HELD_OUT_EACH == HELD_OUT_EACH - 1)
            v->s[v->n++] = t->s[i];
        else
            t->s[kept++] = t->s[i];
    t->n = kept;
    return jd_error(m->ctx);
}

static jd_status load(mitosis *m)
{
    const char *data = jd_run_data(m->r, "dsb2018_nuclei");
    const size_t n = (size_t)fmin(1000, fmax(3, jd_run_setting(m->r, "slides")));
    m->synthetic = !strcmp(data, "synthetic");
    jd_run_stage(m->r, m->synthetic ? "drawing slides" : "reading pictures");
    if (m->synthetic) {
        /* One set for all seeds: slides 0 .. n-1 to learn from; the others never depend on n. */
        if (!slides_draw(m->ctx, 2013, 0, n, &m->train) && !slides_draw(m->ctx, 2013, 10000, (n + 2) / 3, &m->valid))
            slides_draw(m->ctx, 2013, 20000, (n + 1) / 2, &m->test);
        return jd_error(m->ctx);
    }
    char *dir = jd_dataset_folder(m->ctx, "dsb2018_nuclei", data);
    const double core = jd_run_setting(m->r, "core");
    if (dir && !slides_load_nuclei(m->ctx, dir, "train", core, true, &m->train) && !hold_out(m))
        slides_load_nuclei(m->ctx, dir, "test", core, true, &m->test);
    jd_free(m->ctx, dir);
    return jd_error(m->ctx);
}

static jd_status prepare(mitosis *m)
{
    jd_run *r = m->r;
    const int maps = (int)jd_run_setting(r, "maps");
    const char *act = jd_run_setting(r, "relu") != 0 ? "relu" : "scaled-tanh";
    snprintf(m->net, sizeof m->net,
             "conv %d 4 %s, maxpool 2, conv %d 4 %s, maxpool 2, conv %d 4 %s, maxpool 2, dense %d %s, dense 2", maps,
             act, maps, act, maps, act, (int)jd_run_setting(r, "hidden"), act);
    m->batch = (int64_t)jd_run_setting(r, "batch");
    const int64_t side = (int64_t)jd_run_setting(r, "side");
    const int64_t every = (int64_t)jd_run_setting(r, "every");
    if (m->batch < 1 || side < 8 || side % 8 || every < 1 || 8 % every)
        return jd_fail(m->ctx, JD_EUSAGE,
                       "batch = %lld, side = %lld, every = %lld; 1 or more, a multiple of 8, and 1, 2, 4 or 8",
                       (long long)m->batch, (long long)side, (long long)every);
    if (load(m)) return jd_error(m->ctx);
    double core = 0, all = 0;
    for (size_t i = 0; i < m->train.n; i++) {
        const slide *s = &m->train.s[i];
        all += (double)(s->H * s->W);
        for (int64_t p = 0; p < s->H * s->W; p++) core += s->core[p];
    }
    const double share = jd_run_setting(r, "positives");
    m->crop = (slide_crop_options){.window = WINDOW,
                                   .side = side,
                                   .every = every,
                                   .zoom = m->synthetic ? 0 : jd_run_setting(r, "zoom"),
                                   .contrast = jd_run_setting(r, "contrast"),
                                   .colour = m->synthetic ? 0 : jd_run_setting(r, "colour"),
                                   .keep = fmin(1, core * (1 - share) / share / fmax(1, all - core))};
    const size_t S = (size_t)side, w = S + WINDOW - 1, b = (size_t)m->batch;
    m->x = jd_alloc_array(m->ctx, b * w * w * 3, sizeof *m->x);
    m->label = jd_alloc_array(m->ctx, b * S * S, sizeof *m->label);
    jd_run_config(r, "net", m->net);
    jd_run_config(r, "input", "53x53x3");
    jd_run_config_number(r, "classes", 2);
    jd_run_config_number(r, "low", -1);
    jd_run_config_number(r, "high", 1);
    jd_run_config_number(r, "stretch", !m->synthetic);
    return jd_error(m->ctx);
}

/* With what `eval` needs to find points as we do. */
static jd_status save(mitosis *m, jd_params *w, int64_t steps, const detector *d, int views, double radius)
{
    jd_run_config(m->r, "scan", "points");
    jd_run_config_number(m->r, "views", views);
    jd_run_config_number(m->r, "radius", radius);
    jd_run_config_number(m->r, "peaks", d->peaks);
    jd_run_config_number(m->r, "threshold", d->threshold);
    jd_run_config_number(m->r, "least", d->least);
    jd_run_config_number(m->r, "rise", d->rise);
    return jd_run_save(m->r, w, steps, true);
}

/* The way to find points is chosen on the validation slides. */
static jd_status measure(mitosis *m, jd_params *w, int64_t steps, double seconds)
{
    const int views = (int)fmin(8, fmax(1, jd_run_setting(m->r, "views")));
    const double radius = jd_run_setting(m->r, "radius");
    jd_scanner *scan = scanner(m, w);
    float **valid = scan ? scan_all(m, scan, &m->valid, views, "scanning the validation slides") : NULL;
    detector d = {.peaks = m->synthetic};
    mitosis_result result = {0};
    float **test = NULL;
    if (valid && !jd_error(m->ctx) && !detector_choose(m->ctx, &d, &m->valid, valid, radius, &result.valid) &&
        !save(m, w, steps, &d, views, radius))
        test = scan_all(m, scan, &m->test, views, "scanning the test slides");
    if (test && !jd_error(m->ctx) && !detector_score(m->ctx, &d, &m->test, test, radius, &result.test) &&
        !detector_score(m->ctx, &d, &m->test, test, radius / 2, &result.near)) {
        jd_run_extra(m->r, "train_seconds", seconds);
        jd_run_extra(m->r, "weights", (double)jd_params_count(w));
        mitosis_report(m->r, &d, &m->test, test, radius, &result);
        jd_run_finish(m->r, result.test.f1, NULL);
    }
    free_maps(m, valid, m->valid.n);
    free_maps(m, test, m->test.n);
    jd_scanner_free(scan);
    return jd_error(m->ctx);
}

static jd_status run(jd_run *r)
{
    mitosis m = {.r = r, .ctx = jd_run_ctx(r)};
    jd_params *w = NULL;
    double seconds = 0;
    if (!prepare(&m)) {
        const int64_t first = (int64_t)jd_run_setting(r, "first_steps"), steps = (int64_t)jd_run_setting(r, "steps");
        if (first < 1 || !score_background(&m, first, &seconds)) {
            m.seed = jd_run_seed(r) * 1000 + 2;
            w = jd_params_new(m.ctx, JD_F32);
            if (w && !train(&m, "training", "train", steps, w, &seconds)) measure(&m, w, steps, seconds);
        }
    }
    jd_params_free(w);
    slides_free(m.ctx, &m.train);
    slides_free(m.ctx, &m.valid);
    slides_free(m.ctx, &m.test);
    jd_free(m.ctx, m.x);
    jd_free(m.ctx, m.label);
    return jd_error(m.ctx);
}

const jd_system jd_system_mitosis = {
    .name = "mitosis",
    .year = 2013,
    .title = "Finding nuclei in whole pictures of tissue with a net that sees small windows",
    .paper = "Ciresan, Giusti, Gambardella, Schmidhuber, MICCAI 2013",
    .metric = "F1 of the detections",
    .higher = true,
    .paper_value = 0.782,
    .paper_note = "mitoses in breast tissue, slides of the ICPR 2012 contest, which are not free: another, harder task",
    .accept = {0.7, 0.85, 0.9},
    .about = "A net looks at every 53 x 53 window of a picture and says whether a nucleus has its middle there. "
             "Pictures of the "
             "2018 Data Science Bowl: fluorescent and stained tissue of many magnifications, 170 to learn from (every "
             "sixth is kept "
             "for validation, on which the threshold is chosen), 39 to be tested on. A detection is right within 20 "
             "pixels of a "
             "centre, each centre once.\n\n"
             "With `--data synthetic` the things sought are mitoses among nuclei and dark impostors on drawn slides.",
    .data = "dsb2018_nuclei",
    .settings = settings,
    .run = run,
};
