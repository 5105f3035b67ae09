/*
 * fast_scan.c - "fast-scan": a net of patches at every pixel of an image, for the price of a few convolutions.
 *
 * A. Giusti, D. C. Ciresan, J. Masci, L. M. Gambardella, J. Schmidhuber, Fast image scanning with deep max-pooling
 * convolutional neural networks, ICIP 2013 (arXiv:1302.1700).  How it works stands in scan.h.  Three parts: random nets whose
 * scans must equal the answers for each window on its own; the membrane net of 2012 with its window of 95 x 95 pixels,
 * timed both ways; a net trained on synthetic tissue, at every pixel of a large picture.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fast_scan.h"
#include "jackdaw/layers.h"

enum { EACH = 64, DETECTOR = 53, CROP = 64, TILE = 512, SLIDES = 10 };

static const jd_setting settings[] = {
    {"nets", {20, 30, 100}, "random nets whose scans are compared with each window on its own"},
    {"patch_seconds", {4, 12, 60}, "for so long the windows of the 95-pixel net are timed one by one"},
    {"rounds", {2, 3, 5}, "scan and windows are timed in turn; the quickest of each counts"},
    {"steps", {800, 3000, 6000}, "training steps of the detector"},
    {"side", {2000, 2000, 4000}, "of the large picture, pixels"},
    {NULL, {0}, NULL},
};

const char fast_scan_em95[] =
    "conv 48 4 scaled-tanh, maxpool 2, conv 48 5 scaled-tanh, maxpool 2, conv 48 4 "
    "scaled-tanh, maxpool 2, conv 48 4 scaled-tanh, maxpool 2, dense 200 scaled-tanh, dense 2";
static const char detector[] =
    "conv 16 4 scaled-tanh, maxpool 2, conv 16 4 scaled-tanh, maxpool 2, conv 16 4 scaled-tanh, "
    "maxpool 2, dense 64 scaled-tanh, dense 2";

static int between(jd_rng *g, int low, int high)
{
    return low + (int)jd_rng_below(g, (uint32_t)(high - low + 1));
}

static void forward(jd_graph *g, void *net)
{
    jd_result(g, "y", jd_net(g, net, jd_arg(g, "x"), JD_NONE));
}

/* The net's answers to the windows of the pixels at[0..n-1] (y W + x) of an image, one by one: out (n,K). */
static jd_status by_windows(jd_ctx *ctx, jd_fn *f, const float *image, const int64_t size[3], const int64_t window[2],
                            const int64_t *at, int64_t n, float *x, float *out, int64_t K)
{
    const int64_t each = window[0] * window[1] * size[2];
    for (int64_t i = 0, m; i < n; i += m) {
        m = n - i < EACH ? n - i : EACH;
        for (int64_t k = 0; k < m; k++)
            jd_scan_window(image, size[0], size[1], size[2], at[i + k] / size[1], at[i + k] % size[1], window[0],
                           window[1], x + k * each);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, m, window[0], window[1], size[2]);
        const float *y = jd_fn_run(f, &in, 1) ? NULL : jd_fn_result(f, "y", NULL);
        if (!y) return jd_error(ctx);
        memcpy(out + i * K, y, (size_t)(m * K) * sizeof *out);
    }
    return JD_OK;
}

static double difference(const float *a, const float *b, size_t n, double *same)
{
    double most = 0;
    size_t equal = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]) / fmax(1, fabs((double)b[i]));
        if (!(d <= most)) most = isfinite(d) ? d : (double)INFINITY;
        equal += memcmp(&a[i], &b[i], sizeof *a) == 0;
    }
    if (same) *same = (double)equal / (double)n;
    return most;
}

/* ---- random nets -------------------------------------------------------------------------------------------------------*/

/* Convolutions, some with steps, and poolings of all kinds until little of the window is left; then dense layers. */
static void draw_net(jd_rng *g, fast_scan_trial *t)
{
    static const char *const act[] = {"tanh", "sigmoid", "relu", "scaled-tanh"};
    int64_t h = t->h, w = t->w;
    size_t at = 0;
    for (int steps = 0; (h < w ? h : w) > 2 && at < 120;) {
        const int least = (int)(h < w ? h : w), k = between(g, 2, least < 5 ? least : 5);
        const bool pool = at && steps < 3 && between(g, 0, 1);
        const int stride = pool                                 ? (k > 3 ? 3 : k)
                           : steps < 2 && between(g, 0, 4) == 0 ? 2
                                                                : 1,
                  size = pool ? stride : k;
        if (pool)
            at += (size_t)snprintf(t->net + at, FAST_SCAN_SPEC - at, "%s %d, ",
                                   between(g, 0, 2) ? "maxpool" : "avgpool", size);
        else
            at += (size_t)snprintf(t->net + at, FAST_SCAN_SPEC - at,
                                   stride > 1 ? "conv %d %d stride 2 %s, " : "conv %d %d %s, ", between(g, 2, 16), size,
                                   act[between(g, 0, 3)]);
        steps += stride > 1;
        h = (h - size) / stride + 1;
        w = (w - size) / stride + 1;
    }
    snprintf(t->net + at, FAST_SCAN_SPEC - at, "dense %d tanh, dense %d", between(g, 2, 20), between(g, 1, 5));
}

static jd_status one_trial(jd_run *r, int k, fast_scan_trial *t)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_rng g = jd_rng_new(jd_run_seed(r), "fast-scan/net", (uint64_t)k);
    t->h = between(&g, 7, 30);
    t->w = between(&g, 0, 2) ? t->h : between(&g, 7, 30);
    t->H = between(&g, 1, 40);
    t->W = between(&g, 1, 40);
    t->C = between(&g, 1, 3);
    draw_net(&g, t);
    if (jd_scan_check(ctx, t->net, t->h, t->w, t->C, &t->shape)) return jd_error(ctx);
    const int64_t K = t->shape.outputs, n = t->H * t->W;
    float *image = jd_alloc_array(ctx, (size_t)(n * t->C), sizeof *image);
    float *x = jd_alloc_array(ctx, (size_t)(EACH * t->h * t->w * t->C), sizeof *x);
    float *want = jd_alloc_array(ctx, (size_t)(n * K), sizeof *want),
          *got = jd_alloc_array(ctx, (size_t)(n * K), sizeof *got);
    int64_t *at = jd_alloc_array(ctx, (size_t)n, sizeof *at);
    jd_params *w = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, w, forward, t->net);
    if (!jd_error(ctx)) {
        for (int64_t i = 0; i < n * t->C; i++) image[i] = 2 * jd_rng_uniform(&g) - 1;
        for (int64_t i = 0; i < n; i++) at[i] = i;
        by_windows(ctx, f, image, (const int64_t[]){t->H, t->W, t->C}, (const int64_t[]){t->h, t->w}, at, n, x, want,
                   K);
        jd_scanner *s =
            jd_scanner_new(ctx, w, &(jd_scan_options){.net = t->net, .height = t->h, .width = t->w, .channels = t->C});
        if (jd_scan_image(s, image, t->H, t->W, got) == JD_OK)
            t->difference = difference(got, want, (size_t)(n * K), &t->same);
        jd_scanner_free(s);
    }
    jd_fn_free(f);
    jd_params_free(w);
    jd_free(ctx, image), jd_free(ctx, x), jd_free(ctx, want), jd_free(ctx, got), jd_free(ctx, at);
    return jd_error(ctx);
}

static jd_status random_nets(jd_run *r, fast_scan_result *f)
{
    const int nets = (int)jd_run_setting(r, "nets");
    if (nets < 1 || nets > FAST_SCAN_NETS)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE, "nets = %d; 1 to %d are possible", nets, FAST_SCAN_NETS);
    jd_run_stage(r, "random nets, by scan and window by window");
    for (int k = 0; k < nets; k++) {
        if (one_trial(r, k, &f->trial[k])) return jd_error(jd_run_ctx(r));
        f->trials++;
        f->worst = fmax(f->worst, f->trial[k].difference);
        if (jd_run_progress(r, k + 1, nets, "largest difference %.1g", f->worst)) return jd_run_stopped(r);
    }
    return JD_OK;
}

/* ---- the 95-pixel net ----------------------------------------------------------------------------------------------------*/

/* The green channel of a picture in [-1,1]. */
static void to_gray(const slide *s, float *out)
{
    for (int64_t i = 0; i < s->H * s->W; i++) out[i] = (float)s->rgb[3 * i + 1] / 127.5f - 1.f;
}

static jd_status time_both(jd_run *r, fast_scan_result *f, const float *image, jd_scanner *s, jd_fn *fn, float *y,
                           float *x)
{
    enum { SIDE = FAST_SCAN_IMAGE, WINDOW = FAST_SCAN_WINDOW, K = 2 };
    jd_ctx *ctx = jd_run_ctx(r);
    const int rounds = (int)jd_run_setting(r, "rounds");
    const double budget = jd_run_setting(r, "patch_seconds") / rounds;
    jd_rng g = jd_rng_new(jd_run_seed(r), "fast-scan/windows", 0);
    float out[EACH * K];
    int64_t at[EACH];
    double each = (double)INFINITY;
    f->scan_seconds = (double)INFINITY;
    for (int i = -1; i < rounds && !jd_error(ctx); i++) { /* the first round makes the plans */
        double start = jd_now();
        if (jd_scan_image(s, image, SIDE, SIDE, y)) break;
        if (i >= 0) f->scan_seconds = fmin(f->scan_seconds, jd_now() - start);
        const double round = jd_now();
        do {
            for (int k = 0; k < EACH; k++) at[k] = jd_rng_below(&g, SIDE * SIDE);
            start = jd_now();
            if (by_windows(ctx, fn, image, (const int64_t[]){SIDE, SIDE, 1}, (const int64_t[]){WINDOW, WINDOW}, at,
                           EACH, x, out, K))
                break;
            if (i >= 0) each = fmin(each, (jd_now() - start) / EACH);
            for (int k = 0; k < EACH; k++)
                f->patch_difference = fmax(f->patch_difference, difference(y + at[k] * K, out + k * K, K, NULL));
            f->windows += EACH;
        } while (i >= 0 && jd_now() - round < budget);
        if (jd_run_progress(r, i + 2, rounds + 1, "scan %.2f s", f->scan_seconds)) return jd_run_stopped(r);
    }
    f->patch_seconds = each * SIDE * SIDE;
    return jd_error(ctx);
}

static jd_status em95(jd_run *r, fast_scan_result *f, const slide *s)
{
    enum { SIDE = FAST_SCAN_IMAGE, WINDOW = FAST_SCAN_WINDOW };
    jd_ctx *ctx = jd_run_ctx(r);
    if (jd_scan_check(ctx, fast_scan_em95, WINDOW, WINDOW, 1, &f->shape)) return jd_error(ctx);
    jd_run_stage(r, "the 95-pixel net on %d x %d pixels, by scan and by windows", SIDE, SIDE);
    jd_params *w = jd_params_new(ctx, JD_F32);
    char net[sizeof fast_scan_em95];
    memcpy(net, fast_scan_em95, sizeof net);
    jd_fn *fn = jd_fn_new(ctx, w, forward, net);
    float *image = jd_alloc_array(ctx, (size_t)SIDE * SIDE, sizeof *image);
    float *y = jd_alloc_array(ctx, (size_t)SIDE * SIDE * 2, sizeof *y);
    float *x = jd_alloc_array(ctx, (size_t)EACH * WINDOW * WINDOW, sizeof *x);
    jd_scanner *scan =
        jd_scanner_new(ctx, w, &(jd_scan_options){.net = net, .height = WINDOW, .width = WINDOW, .channels = 1});
    if (!jd_error(ctx)) {
        to_gray(s, image);
        time_both(r, f, image, scan, fn, y, x);
    }
    jd_scanner_free(scan);
    jd_fn_free(fn);
    jd_params_free(w);
    jd_free(ctx, image), jd_free(ctx, y), jd_free(ctx, x);
    return jd_error(ctx);
}

/* ---- the large picture -----------------------------------------------------------------------------------------------------*/

typedef struct learner {
    slides train;
    slide_crop_options crop;
    uint64_t seed;
    float *x;
    int32_t *label;
} learner;

/* All pixels of a crop in one pass (Masci, Giusti, Ciresan, Fricout, Schmidhuber, ICIP 2013). */
static void learn(jd_graph *g, void *user)
{
    (void)user;
    const jd_node y = jd_scan_net(g, detector, jd_arg(g, "x"), DETECTOR, DETECTOR);
    const jd_node loss = jd_softmax_xent(g, y, jd_arg(g, "label"));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
    jd_result(g, "loss", loss);
}

static int next(void *user, int64_t step, int slot, jd_tensor *in)
{
    learner *l = user;
    (void)slot;
    slide_crop(&l->train, &l->crop, l->seed, step, l->x, l->label);
    in[0] = JD_TENSOR("x", JD_F32, l->x, 1, CROP + DETECTOR - 1, CROP + DETECTOR - 1, 3);
    in[1] = JD_TENSOR("label", JD_I32, l->label, 1, CROP, CROP);
    return 2;
}

static jd_status train(jd_run *r, jd_params *w)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t wide = CROP + DETECTOR - 1;
    learner l = {.seed = jd_run_seed(r),
                 .crop = {.window = DETECTOR, .side = CROP, .every = 1, .zoom = 0.1, .contrast = 0.1, .keep = 0.03}};
    l.x = jd_alloc_array(ctx, (size_t)(wide * wide * 3), sizeof *l.x);
    l.label = jd_alloc_array(ctx, (size_t)CROP * CROP, sizeof *l.label);
    if (!jd_error(ctx) && !slides_draw(ctx, jd_run_seed(r), 0, SLIDES, &l.train))
        jd_train(r, w,
                 &(jd_train_options){.what = "training a detector of mitoses",
                                     .trace = learn,
                                     .user = &l,
                                     .steps = (int64_t)jd_run_setting(r, "steps"),
                                     .batch = next,
                                     .lr = {JD_COSINE, 3e-3, 3e-5},
                                     .items_per_step = 1},
                 &(jd_train_result){0});
    slides_free(ctx, &l.train);
    jd_free(ctx, l.x);
    jd_free(ctx, l.label);
    return jd_error(ctx);
}

/* One picture of synthetic slides side by side; they are not those of the training. */
static jd_status join_slides(jd_run *r, size_t first, int64_t side, slide *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const int64_t across = (side + TILE - 1) / TILE;
    slides s = {0};
    *out = (slide){.H = side, .W = side};
    out->rgb = jd_alloc_array(ctx, (size_t)(side * side), 3);
    if (jd_error(ctx) || slides_draw(ctx, jd_run_seed(r), first, (size_t)(across * across), &s)) return jd_error(ctx);
    size_t points = 0;
    for (size_t i = 0; i < s.n; i++) points += s.s[i].n;
    out->truth = jd_alloc_array(ctx, points + 1, sizeof *out->truth);
    for (int64_t k = 0; k < across * across && out->truth; k++) {
        const int64_t y0 = k / across * TILE, x0 = k % across * TILE, w = side - x0 < TILE ? side - x0 : TILE;
        for (int64_t y = 0; y < TILE && y0 + y < side; y++)
            memcpy(out->rgb + ((y0 + y) * side + x0) * 3, s.s[k].rgb + y * TILE * 3, (size_t)w * 3);
        for (size_t i = 0; i < s.s[k].n; i++) {
            const jd_point p = {s.s[k].truth[i].y + (float)y0, s.s[k].truth[i].x + (float)x0, 0};
            if (p.y < (float)side && p.x < (float)side) out->truth[out->n++] = p;
        }
    }
    slides_free(ctx, &s);
    return jd_error(ctx);
}

typedef struct stream {
    const slide *s;
    float *map;
    jd_run *r;
} stream;

static jd_status read_pixels(void *user, int64_t y, int64_t x, int64_t n, float *row)
{
    const stream *st = user;
    jd_pixels_to_float(st->s->rgb + (y * st->s->W + x) * 3, (size_t)n * 3, -1, 1, row);
    return JD_OK;
}

static jd_status write_map(void *user, int64_t y, int64_t x, int64_t n, const float *row)
{
    const stream *st = user;
    for (int64_t i = 0; i < n; i++) st->map[y * st->s->W + x + i] = row[2 * i + 1];
    return JD_OK;
}

static bool progress(void *user, int64_t done, int64_t total)
{
    return jd_run_progress(((stream *)user)->r, (double)done, (double)total, "tiles");
}

/* The peaks of the map, smoothed with a disk; smooth (H,W) is memory. */
static jd_status find(jd_ctx *ctx, const slide *s, const float *map, float *smooth, double threshold, jd_point **found,
                      size_t *n, jd_detection_score *score)
{
    if (jd_disk_mean(ctx, map, s->H, s->W, 8, smooth) ||
        jd_find_peaks(ctx, smooth, s->H, s->W, 25, threshold, found, n))
        return jd_error(ctx);
    return jd_match_points(ctx, s->truth, s->n, *found, *n, 20, score, NULL);
}

/* The threshold that finds best on a picture of its own. */
static double choose_threshold(jd_run *r, jd_scanner *scan, stream *st)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t n = 4 * TILE * TILE;
    slide s = {0};
    float *map = jd_alloc_array(ctx, n, sizeof *map), *smooth = jd_alloc_array(ctx, n, sizeof *smooth);
    double best = 0.5, most = -1;
    *st = (stream){&s, map, r};
    jd_run_stage(r, "choosing the threshold");
    if (smooth && !join_slides(r, 2000, 2 * TILE, &s) &&
        !jd_scan_run(scan, &(jd_scan_stream){s.H, s.W, read_pixels, write_map, st}))
        for (int k = 1; k < 20; k++) {
            jd_point *found = NULL;
            size_t points = 0;
            jd_detection_score score = {0};
            if (find(ctx, &s, map, smooth, k / 20.0, &found, &points, &score)) break;
            if (score.f1 > most) most = score.f1, best = k / 20.0;
            jd_free(ctx, found);
        }
    jd_free(ctx, s.rgb), jd_free(ctx, s.truth), jd_free(ctx, map), jd_free(ctx, smooth);
    return best;
}

static jd_status large_picture(jd_run *r, fast_scan_result *f, slide *s, float *map, jd_params *w)
{
    jd_ctx *ctx = jd_run_ctx(r);
    stream st = {0};
    float *smooth = jd_alloc_array(ctx, (size_t)(s->H * s->W), sizeof *smooth);
    jd_scanner *scan = jd_scanner_new(ctx, w,
                                      &(jd_scan_options){.net = detector,
                                                         .height = DETECTOR,
                                                         .width = DETECTOR,
                                                         .channels = 3,
                                                         .softmax = true,
                                                         .progress = progress,
                                                         .user = &st});
    const double threshold = choose_threshold(r, scan, &st);
    st = (stream){s, map, r};
    jd_run_stage(r, "scanning %lld x %lld pixels", (long long)s->W, (long long)s->H);
    const double start = jd_now();
    if (smooth && !jd_scan_run(scan, &(jd_scan_stream){s->H, s->W, read_pixels, write_map, &st})) {
        f->large_seconds = jd_now() - start;
        f->large = s;
        f->map = map;
        find(ctx, s, map, smooth, threshold, &f->found, &f->n, &f->score);
    }
    jd_scanner_free(scan);
    jd_free(ctx, smooth);
    return jd_error(ctx);
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------*/

static jd_status finish(jd_run *r, const fast_scan_result *f)
{
    const double ratio = f->patch_seconds / f->scan_seconds;
    double value = ratio;
    char why[300] = "";
    jd_run_extra(r, "random_nets", f->trials);
    jd_run_extra(r, "largest_difference", f->worst);
    jd_run_extra(r, "largest_difference_95", f->patch_difference);
    jd_run_extra(r, "scan_seconds", f->scan_seconds);
    jd_run_extra(r, "patch_seconds", f->patch_seconds);
    jd_run_extra(r, "large_seconds", f->large_seconds);
    jd_run_extra(r, "large_pixels", (double)(f->side * f->side));
    jd_run_extra(r, "detection_f1", f->score.f1);
    if (fmax(f->worst, f->patch_difference) > 1e-6) {
        snprintf(why, sizeof why,
                 "scan and windows differ by %.2g, so the scan's speed of %.0f times counts for nothing",
                 fmax(f->worst, f->patch_difference), ratio);
        value = 0;
    } else if (ratio < 100) {
        snprintf(why, sizeof why, "the scan takes %.2f s, the windows one by one would take %.0f s", f->scan_seconds,
                 f->patch_seconds);
    }
    fast_scan_report(r, f);
    return jd_run_finish(r, value, *why ? why : NULL);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    fast_scan_result *f = jd_alloc(ctx, sizeof *f);
    if (!f) return jd_error(ctx);
    f->side = (int64_t)jd_run_setting(r, "side");
    if (f->side < TILE || f->side > 20000)
        jd_fail(ctx, JD_EUSAGE, "side = %lld; %d to 20000 are possible", (long long)f->side, TILE);
    slides one = {0};
    slide large = {0};
    jd_params *w = jd_params_new(ctx, JD_F32);
    float *map = jd_error(ctx) ? NULL : jd_alloc_array(ctx, (size_t)(f->side * f->side), sizeof *map);
    if (!jd_error(ctx)) random_nets(r, f);
    if (!jd_error(ctx) && !slides_draw(ctx, jd_run_seed(r), 500, 1, &one)) em95(r, f, one.s);
    if (!jd_error(ctx) && !train(r, w) && !join_slides(r, 3000, f->side, &large) &&
        !large_picture(r, f, &large, map, w)) {
        jd_run_config(r, "net", detector);
        jd_run_config(r, "input", "53x53x3");
        jd_run_config_number(r, "classes", 2);
        jd_run_config_number(r, "low", -1);
        jd_run_config_number(r, "high", 1);
        jd_run_save(r, w, (int64_t)jd_run_setting(r, "steps"), true);
        finish(r, f);
    }
    slides_free(ctx, &one);
    jd_free(ctx, large.rgb);
    jd_free(ctx, large.truth);
    jd_free(ctx, f->found);
    jd_free(ctx, map);
    jd_params_free(w);
    jd_free(ctx, f);
    return jd_error(ctx);
}

const jd_system jd_system_fast_scan = {
    .name = "fast-scan",
    .year = 2013,
    .title = "A net of patches at every pixel of an image, a hundred times faster than patch by patch",
    .paper = "Giusti, Ciresan, Masci, Gambardella, Schmidhuber, ICIP 2013",
    .metric = "times faster than window by window: 95-pixel net, 512 x 512 pixels",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "by counting multiplications 472 times less work for this net and image; both sides are our own code on "
        "the same cores, alternately in one run; the windows' time is that of some thousands, times 262,144",
    .accept = {100, 100, 100},
    .about = "A net that was trained on small patches can be asked at every pixel of an image, but neighbouring "
             "patches share "
             "nearly all of their work. The scan computes each layer once on the whole image; every pooling by 2 "
             "splits the maps "
             "into four fragments, one for each offset, which go on separately and are put together at the end. Each "
             "window is "
             "scored exactly once by the same operations on the same numbers.\n\n"
             "Look at the column of differences: not small, but zero, since every sum is made in one fixed order.",
    .settings = settings,
    .run = run,
};
