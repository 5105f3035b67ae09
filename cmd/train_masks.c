/*
 * train_masks.c - `jackdaw train` on pictures and masks: a net for small windows that says what their middle is, trained on all
 * windows of a grid in random crops at once (jackdaw/scan.h), scanned over whole pictures to be measured and used.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "jackdaw/ranks.h"
#include "learning.h"
#include "recipe.h"
#include "segments.h"

enum { SLOTS = 3, SIDE = 64, CELLS = 16, FEW_STEPS = 2000, MOST_EPOCHS = 400, VALIDATED = 48 };

typedef struct slot {
    float *x;
    int32_t *label;
} slot;

typedef struct trainer {
    jd_ctx *ctx;
    cli_args *a;
    learning l;
    model m;
    masks data, test;
    uint32_t *index; /* a permutation of the pictures: the first `valid` are for validation */
    size_t valid, count;
    int64_t (*pixels)[MASKS_CLASSES]; /* (data.n) of each class */
    masks_traits traits;
    recipe chosen; /* where no net is named; steps is 0 where one is */
    int64_t h, w, side, every, batch, per_epoch;
    jd_params *params;
    jd_fn *forward;
    jd_scanner *scan;
    slot slot[SLOTS];
} trainer;

/* ---- crops -------------------------------------------------------------------------------------------------------------------*/

/* Where a crop's point, counted from its middle, lies in the picture; and how its light is changed. */
typedef struct placement {
    double y, x, a[2][2];
    float factor, shift;
} placement;

/* Turned by quarters and mirrored (where up is not down, left to right alone), turned by up to 15 degrees, scaled by up to 15 %, and
 * lighter or darker. */
static void deform(jd_rng *r, bool upright, placement *p)
{
    const uint32_t view = jd_rng_below(r, 8) & (upright ? 1 : 7);
    const double angle = 0.26 * (2 * jd_rng_uniform64(r) - 1), scale = 1 + 0.15 * (2 * jd_rng_uniform64(r) - 1);
    const double c = scale * cos(angle), s = scale * sin(angle), a[2][2] = {{c, -s}, {s, c}};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            p->a[i][j] = a[i][view & 4 ? 1 - j : j] * ((view & 1 && j) || (view & 2 && !j) ? -1 : 1);
    p->factor = 1 + 0.2f * (2 * jd_rng_uniform(r) - 1);
    p->shift = 0.2f * (2 * jd_rng_uniform(r) - 1);
}

/* Pixel number k of a class. */
static size_t find_pixel(const masked *p, int cls, int64_t k)
{
    size_t q = 0;
    while (p->label[q] != cls || k-- > 0) q++;
    return q;
}

/* A picture, by its size, and a place in it; or, of the pictures index[0..n-1] that have it, a pixel of a class that was drawn, so
 * that rare ones are seen. */
static const masked *draw_place(const trainer *t, jd_rng *r, const uint32_t *index, size_t n, bool by_class,
                                placement *at)
{
    const int K = t->m.classes;
    int64_t all = 0, of[MASKS_CLASSES] = {0};
    int present[MASKS_CLASSES], kinds = 0;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < K; k++) of[k] += t->pixels[index[i]][k], all += t->pixels[index[i]][k];
    for (int k = 0; k < K; k++)
        if (of[k]) present[kinds++] = k;
    const int cls = by_class ? present[jd_rng_below(r, (uint32_t)kinds)] : -1;
    int64_t k = (int64_t)(jd_rng_uniform64(r) * (double)(cls < 0 ? all : of[cls]));
    for (size_t i = 0; i < n; i++) {
        const masked *p = &t->data.picture[index[i]];
        const int64_t here = cls < 0 ? (int64_t)p->height * p->width : t->pixels[index[i]][cls];
        if (k >= here && i + 1 < n) {
            k -= here;
            continue;
        }
        const size_t q = cls < 0 ? (size_t)k : find_pixel(p, cls, k < here ? k : here - 1);
        at->y = (double)(q / (size_t)p->width);
        at->x = (double)(q % (size_t)p->width);
        return p;
    }
    return NULL; /* there is a picture */
}

/* Between the four pixels around (y,x), mirrored at the edges. */
static float light(const masked *p, int C, int c, double y, double x)
{
    const double fy = floor(y), fx = floor(x);
    const float v = (float)(y - fy), u = (float)(x - fx);
    const int64_t W = p->width, top = jd_scan_mirror((int64_t)fy, p->height) * W,
                  low = jd_scan_mirror((int64_t)fy + 1, p->height) * W, left = jd_scan_mirror((int64_t)fx, W),
                  right = jd_scan_mirror((int64_t)fx + 1, W);
    const uint8_t *q = p->pixels + c;
    return (1 - v) * ((1 - u) * q[(top + left) * C] + u * q[(top + right) * C]) +
           v * ((1 - u) * q[(low + left) * C] + u * q[(low + right) * C]);
}

/* x (side+h-1,side+w-1,C), label (side/every,side/every).  The crop is moved into the picture where it does not reach over all of
 * it. */
static void cut(const trainer *t, const masked *p, placement at, float *x, int32_t *label)
{
    const int C = t->data.channels;
    const int64_t H = t->side + t->h - 1, W = t->side + t->w - 1, n = t->side / t->every;
    const double half = 0.5 * (double)t->side, gain = (double)(t->m.high - t->m.low) / 255;
    at.y = p->height > t->side ? fmin(fmax(at.y, half), p->height - half) : 0.5 * p->height;
    at.x = p->width > t->side ? fmin(fmax(at.x, half), p->width - half) : 0.5 * p->width;
    at.y = floor(at.y);
    at.x = floor(at.x);
    for (int64_t i = 0; i < H; i++)
        for (int64_t j = 0; j < W; j++) {
            const int64_t a = i - t->h / 2, b = j - t->w / 2; /* the pixel in question of a window */
            const double v = (double)a - half, u = (double)b - half;
            const double y = at.y + at.a[0][0] * v + at.a[0][1] * u, c = at.x + at.a[1][0] * v + at.a[1][1] * u;
            for (int k = 0; k < C; k++)
                *x++ = at.factor * (float)((double)t->m.low + gain * (double)light(p, C, k, y, c)) + at.shift;
            if (a >= 0 && b >= 0 && a < t->side && b < t->side && a % t->every == 0 && b % t->every == 0)
                label[a / t->every * n + b / t->every] =
                    p->label[jd_scan_mirror(lrint(y), p->height) * p->width + jd_scan_mirror(lrint(c), p->width)];
        }
}

static const placement upright = {.a = {{1, 0}, {0, 1}}, .factor = 1};

static int next_batch(void *user, int64_t step, int slot_number, jd_tensor *in)
{
    trainer *t = user;
    slot *s = &t->slot[slot_number];
    const int64_t H = t->side + t->h - 1, W = t->side + t->w - 1, n = t->side / t->every, C = t->data.channels;
    for (int64_t b = 0; b < t->batch; b++) {
        jd_rng r = jd_rng_new(t->l.seed, "cmd/masks/crop", (uint64_t)(step * t->batch + b));
        placement at = upright;
        const masked *p = draw_place(t, &r, t->index + t->valid, t->count, b % 2 == 1, &at);
        if (t->l.deform) deform(&r, t->traits.upright, &at);
        cut(t, p, at, s->x + b * H * W * C, s->label + b * n * n);
    }
    in[0] = JD_TENSOR("x", JD_F32, s->x, t->batch, H, W, C);
    in[1] = JD_TENSOR("label", JD_I32, s->label, t->batch, n, n);
    return 2;
}

/* ---- the net -----------------------------------------------------------------------------------------------------------------*/

static jd_node logits(jd_graph *g, const trainer *t)
{
    return jd_scan_net_every(g, t->m.net, jd_arg(g, "x"), t->h, t->w, t->every);
}

static void step(jd_graph *g, void *user)
{
    const trainer *t = user;
    const jd_node loss = jd_softmax_xent(g, logits(g, t), jd_arg(g, "label"));
    model_update(g, &t->m, loss);
    jd_result(g, "loss", loss);
}

static void answer(jd_graph *g, void *user)
{
    jd_result(g, "y", logits(g, user));
}

/* The share of wrong pixels and the mean IoU on crops of the pictures held back, the same ones each time. */
static double validate(void *user, jd_run *r, int64_t at)
{
    trainer *t = user;
    const int K = t->m.classes;
    const int64_t H = t->side + t->h - 1, W = t->side + t->w - 1, n = t->side / t->every, C = t->data.channels;
    segments_score s = {.confusion = jd_alloc_array(t->ctx, (size_t)(K * K), sizeof *s.confusion)};
    float *x = jd_alloc_array(t->ctx, (size_t)(H * W * C), sizeof *x);
    int32_t *label = jd_alloc_array(t->ctx, (size_t)(n * n), sizeof *label);
    for (int i = 0; i < VALIDATED && !jd_error(t->ctx); i++) {
        jd_rng rng = jd_rng_new(t->l.seed, "cmd/masks/validation", (uint64_t)i);
        placement place = upright;
        const masked *p = draw_place(t, &rng, t->index, t->valid, i % 2 == 1, &place);
        cut(t, p, place, x, label);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, 1, H, W, C);
        const float *y = jd_fn_run(t->forward, &in, 1) ? NULL : jd_fn_result(t->forward, "y", NULL);
        for (int64_t q = 0; y && q < n * n; q++) {
            int best = 0;
            for (int k = 1; k < K; k++)
                if (y[q * K + k] > y[q * K + best]) best = k;
            s.confusion[label[q] * K + best]++;
        }
    }
    if (!jd_error(t->ctx)) {
        segments_finish(&s, K);
        jd_run_log(r, at, "valid/error (%)", s.error);
        jd_run_log(r, at, "valid/mean IoU", s.iou);
        if (!cli_stop)
            jd_run_note(r, "step %lld: validation mean IoU %.4f, error %.3g %%", (long long)at, s.iou, s.error);
    }
    const double score = s.iou;
    segments_free(t->ctx, &s);
    jd_free(t->ctx, x);
    jd_free(t->ctx, label);
    return score;
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------------*/

/* The window: --size, or the smallest that fits the net and is six steps wide. */
static jd_status choose_window(trainer *t)
{
    const char *net = t->m.net;
    jd_scan_shape shape = {.step = 1};
    const int C = t->data.channels;
    t->h = t->l.size[0];
    t->w = t->l.size[1];
    for (int64_t side = 17; !t->h && side < 400 && !jd_error(t->ctx); side += 2) {
        const bool fits = !jd_scan_check(t->ctx, net, side, side, C, &shape);
        if (fits && side > 6 * shape.step) t->h = t->w = side;
        if (!fits && side + 2 < 400) jd_error_clear(t->ctx);
    }
    if (jd_error(t->ctx) || jd_scan_check(t->ctx, net, t->h, t->w, C, &shape)) return jd_error(t->ctx);
    if (shape.outputs != t->data.classes) {
        char some[300];
        return jd_fail(t->ctx, JD_EUSAGE,
                       "the network \"%s\" has %lld outputs, not %d for the classes (%s); end it with \"dense %d\"",
                       net, (long long)shape.outputs, t->data.classes, class_some(t->data.names, some, sizeof some),
                       t->data.classes);
    }
    /* Nets that begin with the mean of squares see coarsely, and as much in larger crops. */
    t->side = SIDE * (strncmp(net, "avgpool ", 8) ? 1 : strtol(net + 8, NULL, 10));
    t->every = jd_scan_every(t->ctx, net, t->side / CELLS);
    t->side = (t->side + shape.step - 1) / shape.step * shape.step;
    return jd_error(t->ctx);
}

static jd_status count_pixels(trainer *t)
{
    t->pixels = jd_alloc_array(t->ctx, t->data.n, sizeof *t->pixels);
    for (size_t i = 0; t->pixels && i < t->data.n; i++) {
        const masked *p = &t->data.picture[i];
        for (int64_t q = 0; q < (int64_t)p->height * p->width; q++) t->pixels[i][p->label[q]]++;
    }
    return jd_error(t->ctx);
}

/* Splits the pictures and tells how long an epoch is. */
static jd_status split(trainer *t)
{
    int64_t pixels = 0;
    t->index = jd_alloc_array(t->ctx, t->data.n, sizeof *t->index);
    if (jd_error(t->ctx)) return jd_error(t->ctx);
    jd_epoch_order(t->l.seed, UINT32_MAX, t->index, t->data.n);
    t->valid = (size_t)(t->l.share * (double)t->data.n);
    if (!t->valid && t->l.share > 0 && t->data.n > 1) t->valid = 1;
    t->count = t->data.n - t->valid;
    for (size_t i = 0; i < t->count; i++) {
        const masked *p = &t->data.picture[t->index[t->valid + i]];
        pixels += (int64_t)p->height * p->width;
    }
    t->batch = cli_int(t->a, "batch", t->chosen.steps ? t->chosen.batch : 4, 1, 1000000);
    const int64_t step = t->batch * t->side * t->side;
    t->per_epoch = (pixels + step - 1) / step;
    if (!t->l.epochs && t->chosen.steps) t->l.epochs = (t->chosen.steps + t->per_epoch - 1) / t->per_epoch;
    if (!t->l.epochs) {
        const int64_t epochs = (FEW_STEPS + t->per_epoch - 1) / t->per_epoch;
        t->l.epochs = epochs < 2 ? 2 : epochs > MOST_EPOCHS ? MOST_EPOCHS : epochs;
    }
    return JD_OK;
}

/* Options of other data. */
static jd_status check_options(trainer *t)
{
    static const char *const others[] = {"labels", "test-labels", "columns", "target", "missing",
                                         "unit",   "width",       "layers",  "method", "loss"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (cli_has(t->a, others[i]) && strcmp(cli_text(t->a, others[i], ""), "xent") != 0)
            return jd_fail(t->ctx, JD_EUSAGE, "--%s is not for pictures and masks; leave it out", others[i]);
    return JD_OK;
}

/* The network that was named, or one that suits the masks, with the options that nobody gave. */
static jd_status choose_net(trainer *t)
{
    cli_args *a = t->a;
    if (masks_look(t->ctx, &t->data, &t->traits)) return jd_error(t->ctx);
    if (cli_has(a, "net")) {
        t->m.net = jd_strdup(t->ctx, cli_text(a, "net", NULL));
        return jd_error(t->ctx);
    }
    t->chosen = recipe_for_masks(&t->traits, t->data.classes);
    t->m.net = jd_strdup(t->ctx, t->chosen.net);
    t->l.deform = true;
    if (!cli_has(a, "optimizer")) {
        t->m.optimizer = t->chosen.optimizer;
        if (!cli_has(a, "lr")) t->l.lr.rate = t->chosen.rate;
        if (!cli_has(a, "lr-end")) t->l.lr.end = t->l.lr.rate / 100;
    }
    return jd_error(t->ctx);
}

static jd_status load(trainer *t)
{
    const char *data = cli_text(t->a, "data", NULL), *test = cli_text(t->a, "test-data", NULL);
    char *dir = samples_is_file(data) ? jd_strdup(t->ctx, data) : jd_dataset_folder(t->ctx, data, data);
    masks_options o = {.folder = cli_text(t->a, "masks", NULL),
                       .split = JD_TRAIN,
                       .kind = (masks_kind)cli_word(t->a, "mask-values", masks_kinds, MASKS_AUTO),
                       .outputs = cli_has(t->a, "net") ? jd_net_outputs(t->ctx, cli_text(t->a, "net", NULL)) : 0,
                       .channels = t->l.size[2],
                       .skip = cli_has(t->a, "skip-bad")};
    if (!dir || t->a->bad || check_options(t) || masks_load(t->ctx, dir, &o, &t->data)) goto end;
    if (choose_net(t)) goto end;
    o.split = test ? JD_ALL : JD_TEST;
    o.folder = cli_text(t->a, "test-masks", NULL);
    o.kind = t->data.kind;
    o.channels = t->data.channels;
    o.names = t->data.names;
    if (!jd_error(t->ctx) && (test || masks_have_test(t->ctx, dir)))
        masks_load(t->ctx, test ? test : dir, &o, &t->test);
    if (jd_error(t->ctx) || choose_window(t) || count_pixels(t) || split(t)) goto end;
    t->m.rank = 3;
    t->m.dim[0] = t->h, t->m.dim[1] = t->w, t->m.dim[2] = t->data.channels;
    t->m.classes = t->data.classes;
    t->m.names = jd_strdup(t->ctx, t->data.names);
    t->m.low = -1;
    t->m.high = 1;
    if (jd_error(t->ctx) || model_alone(t->ctx, &t->m)) goto end;
    const size_t H = (size_t)(t->side + t->h - 1), W = (size_t)(t->side + t->w - 1), n = (size_t)(t->side / t->every);
    for (int i = 0; i < SLOTS; i++) {
        t->slot[i].x = jd_alloc_array(t->ctx, (size_t)t->batch * H * W, (size_t)t->data.channels * sizeof(float));
        t->slot[i].label = jd_alloc_array(t->ctx, (size_t)t->batch * n, n * sizeof(int32_t));
    }
end:
    jd_free(t->ctx, dir);
    return jd_error(t->ctx);
}

static void unload(trainer *t)
{
    for (int i = 0; i < SLOTS; i++) {
        jd_free(t->ctx, t->slot[i].x);
        jd_free(t->ctx, t->slot[i].label);
    }
    jd_scanner_free(t->scan);
    jd_fn_free(t->forward);
    jd_params_free(t->params);
    jd_free(t->ctx, t->index);
    jd_free(t->ctx, t->pixels);
    masks_free(t->ctx, &t->data);
    masks_free(t->ctx, &t->test);
    model_free(t->ctx, &t->m);
}

static void tell(jd_run *r, const trainer *t)
{
    char some[300];
    const masks *m = &t->data;
    if (m->skipped + t->test.skipped)
        jd_run_note(r, "%zu pictures cannot be used and were passed over", m->skipped + t->test.skipped);
    if (m->softened)
        jd_run_note(r, "the masks have soft edges: values above 127 are class 1");
    else if (m->kind == MASKS_OBJECTS)
        jd_run_note(r,
                    "the masks tell objects apart: all values but 0 are class 1, except where two objects touch"
                    "%s",
                    m->several ? "" : "; --mask-values classes makes each value a class");
    else
        jd_run_note(r, "the values of the masks are classes: %s%s", class_some(m->names, some, sizeof some),
                    m->classes > 2 ? "; if they number objects, use --mask-values objects" : "");
    if (t->chosen.steps) jd_run_note(r, "--net \"%s\" --deform", t->m.net);
    if (t->l.deform && t->traits.upright)
        jd_run_note(r, "classes lie higher or lower in the pictures: they are mirrored left to right, not turned over");
    jd_run_note(r, "%zu pictures to learn from, %zu to validate, %zu to test; windows of %lld x %lld pixels", t->count,
                t->valid, t->test.n, (long long)t->w, (long long)t->h);
}

static void describe(jd_run *r, const trainer *t)
{
    static const char *const texts[] = {"masks", "test-data", "test-masks", "size"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cli_has(t->a, texts[i])) jd_run_config(r, texts[i], cli_text(t->a, texts[i], ""));
    model_describe(r, &t->m);
    jd_run_config(r, "mask-values", masks_kinds[t->data.kind]);
    jd_run_config_number(r, "batch", (double)t->batch);
    learning_describe(r, &t->l, &t->m);
}

static jd_status measure(jd_run *r, trainer *t, const jd_train_result *res)
{
    const learning_part on = learning_measures(t->test.n, t->valid, t->count);
    const masks *set = on.test ? &t->test : &t->data;
    const uint32_t *index = on.test ? NULL : t->index;
    const size_t n = on.n;
    segments_score s;
    char text[160];
    jd_run_stage(r, "scanning %zu %s pictures", n, on.name);
    if (segments_measure(t->ctx, &t->scan, &t->m, set, index, n, r, &s)) return jd_error(t->ctx);
    snprintf(text, sizeof text, "%s mean IoU", on.name);
    jd_run_metric(r, text, true);
    jd_run_extra(r, "pictures", (double)n);
    jd_run_extra(r, "pixel_error", s.error);
    jd_run_extra(r, "parameters", (double)jd_params_count(t->params));
    jd_run_extra(r, "steps", (double)res->steps);
    if (on.valid) jd_run_extra(r, "best_validation", res->best);
    jd_run_curves(r);
    segments_report(t->ctx, jd_run_report(r), &t->scan, &t->m, set, index, n, &s);
    jd_run_finish(r, s.iou, NULL);
    snprintf(text, sizeof text, "%s mean IoU %.4f on %zu pictures, %.3g %% of the pixels wrong", on.name, s.iou, n,
             s.error);
    if (!jd_error(t->ctx)) learning_say(r, t->a, text);
    segments_free(t->ctx, &s);
    return jd_error(t->ctx);
}

static jd_status train(jd_run *r, trainer *t)
{
    jd_train_result res = {0};
    tell(r, t);
    describe(r, t);
    t->params = jd_params_new(t->ctx, JD_F32);
    t->forward = jd_fn_new(t->ctx, t->params, answer, t);
    t->scan = jd_scanner_new(
        t->ctx, t->params,
        &(jd_scan_options){
            .net = t->m.net, .height = t->h, .width = t->w, .channels = t->data.channels, .softmax = true});
    if (jd_error(t->ctx)) return jd_error(t->ctx);
    jd_train(r, t->params,
             &(jd_train_options){.what = "training",
                                 .trace = step,
                                 .user = t,
                                 .steps = t->l.epochs * t->per_epoch,
                                 .batch = next_batch,
                                 .loaders = 1,
                                 .slots = SLOTS,
                                 .lr = t->l.lr,
                                 .validate_every = t->valid ? (t->l.epochs * t->per_epoch + 19) / 20 : 0,
                                 .validate = t->valid ? validate : NULL,
                                 .higher = true,
                                 .patience = t->l.patience,
                                 .keep_best = t->valid > 0,
                                 .items_per_step = t->batch},
             &res);
    if (jd_error(t->ctx) || jd_run_save(r, t->params, res.steps, true)) return jd_error(t->ctx);
    return measure(r, t, &res);
}

int train_masks(jd_ctx *ctx, cli_args *a)
{
    trainer t = {.ctx = ctx, .a = a};
    cli_view view;
    jd_run *r = NULL;
    learning_read(a, &(learning_defaults){.optimizer = "adam", .schedule = "cosine", .rate = 0.002, .least_epochs = 1},
                  &t.l, &t.m);
    jd_ctx_set_seed(ctx, t.l.seed);
    jd_ranks_join(ctx, (int)cli_int(a, "shards", 0, 1, 1 << 16));
    cli_view_init(&view, a);
    cli_catch_signals();
    if (!a->bad && !load(&t) && !a->bad) r = learning_run(ctx, a, &t.l, &view);
    if (r) train(r, &t);
    cli_view_close(&view);
    jd_run_free(r);
    unload(&t);
    const int code = cli_end("train", ctx);
    return code ? code : a->bad ? JD_EUSAGE : 0;
}
