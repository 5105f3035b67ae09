/*
 * digit_detection.c - "digit-detection": handwritten digits of several sizes found in clutter.
 *
 * A net for windows of 28 x 28 pixels, ten digits and none, is scanned over pictures of three sizes in the way of Giusti,
 * Ciresan, Masci, Gambardella, Schmidhuber, ICIP 2013.  Its maps are smoothed; their peaks are boxes, and of boxes that overlap
 * the surest keeps its score and the others lose of theirs (Bodla, Singh, Chellappa, Davis 2017).  From what a net takes for a
 * digit that is not there the next net learns (Sung and Poggio 1994).
 */
#include "digit_detection.h"

#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"

enum {
    EACH = 8,    /* windows of a scene in a batch */
    HARD = 8192, /* mistakes at most */
    PIXELS = CLUTTER_WINDOW * CLUTTER_WINDOW
};
#define FAR     .45 /* a window that overlaps no digit by more shows none */
#define NEAR    .6  /* one that overlaps a digit by so much shows it; what is between is not learned from at random */
#define MISTAKE .1f /* what is not there and as likely as this to a net is a mistake to learn from */

/* A window of which a net was wrong, and what it shows. */
typedef struct hard_window {
    int32_t label;
    float pixel[PIXELS];
} hard_window;

typedef struct work {
    jd_run *r;
    jd_ctx *ctx;
    const jd_images *train, *test;
    uint64_t seed;
    int64_t batch;
    float *image;
    int32_t *label;
    hard_window *hard; /* (hard_n) */
    size_t hard_n;
    clutter *scene;
    float *level, *out, *smooth; /* of a level: (side,side); two times (side,side,11) */
} work;

void detect_scene(uint64_t seed, const char *stream, uint64_t index, const jd_images *digits, clutter *c)
{
    jd_rng r = jd_rng_new(seed, stream, index);
    clutter_make(&r, digits, c);
    for (int i = 0; i < c->n; i++) c->box[i].image = (int32_t)index;
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

static void train_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node loss = jd_softmax_xent(g, jd_net(g, DETECT_NET, jd_arg(g, "image"), JD_NONE), jd_arg(g, "label"));
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
}

/* By how much the box overlaps the digit that it overlaps most; `label` becomes what this is, nothing without one. */
static double most_overlap(const clutter *c, jd_box box, int32_t *label)
{
    double most = 0;
    *label = DETECT_NOTHING;
    for (int k = 0; k < c->n; k++) {
        box.image = c->box[k].image;
        const double overlap = jd_box_overlap(&c->box[k], &box);
        if (overlap <= most) continue;
        most = overlap;
        *label = c->box[k].label;
    }
    return most;
}

static void cut(const work *w, int level, double y, double x, int label, int64_t at)
{
    clutter_window(w->scene, y, x, CLUTTER_STEP[level], CLUTTER_WINDOW, CLUTTER_WINDOW, w->image + at * PIXELS);
    w->label[at] = label;
}

/* A digit of the scene, a pixel to either side at most. */
static void cut_digit(work *w, jd_rng *r, int64_t at)
{
    const int k = (int)jd_rng_below(r, (uint32_t)w->scene->n), level = w->scene->level[k];
    const jd_box *b = &w->scene->box[k];
    const double step = CLUTTER_STEP[level],
                 y = ((double)b->y0 + (double)b->y1) / 2 + 2 * step * (jd_rng_uniform64(r) - .5),
                 x = ((double)b->x0 + (double)b->x1) / 2 + 2 * step * (jd_rng_uniform64(r) - .5);
    cut(w, level, y, x, b->label, at);
}

/* A digit in a window of a level where it is too large or too small for one, or 5 to 9 pixels beside its place: none, or a net
 * would be surest of whatever part of a digit looks most like another. */
static void cut_beside(work *w, jd_rng *r, int64_t at)
{
    const int k = (int)jd_rng_below(r, (uint32_t)w->scene->n), level = w->scene->level[k];
    const jd_box *b = &w->scene->box[k];
    double y = ((double)b->y0 + (double)b->y1) / 2, x = ((double)b->x0 + (double)b->x1) / 2;
    int other = level;
    if (jd_rng_below(r, 2)) {
        const double angle = 6.283185307179586 * jd_rng_uniform64(r),
                     far = (5 + 4 * jd_rng_uniform64(r)) * CLUTTER_STEP[level];
        y += far * sin(angle);
        x += far * cos(angle);
    } else {
        other = jd_rng_below(r, 2) ? level + 1 : level - 1;
        if (other < 0 || other >= CLUTTER_LEVELS) other = 2 * level - other;
    }
    cut(w, other, y, x, DETECT_NOTHING, at);
}

/* Where pixel (i,j) of a level's window has its middle; as clutter_box. */
static void cut_pixel(const work *w, int level, int i, int j, int label, int64_t at)
{
    cut(w, level, i * CLUTTER_STEP[level], j * CLUTTER_STEP[level], label, at);
}

static void cut_nothing(work *w, jd_rng *r, int64_t at)
{
    int level = 0, i = 0, j = 0;
    int32_t label;
    for (int tries = 0; tries < 30; tries++) {
        level = (int)jd_rng_below(r, CLUTTER_LEVELS);
        i = (int)jd_rng_below(r, (uint32_t)clutter_side(level));
        j = (int)jd_rng_below(r, (uint32_t)clutter_side(level));
        if (most_overlap(w->scene, clutter_box(level, i, j), &label) < FAR) break;
    }
    cut_pixel(w, level, i, j, DETECT_NOTHING, at);
}

/* Of the windows of a scene half are digits, and a quarter are mistakes of earlier nets, when there are any. */
static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    work *w = user;
    (void)slot;
    for (int64_t at = 0; at < w->batch; at += EACH) {
        const uint64_t index = (uint64_t)(step * w->batch + at);
        jd_rng r = jd_rng_new(w->seed, "clutter/windows", index);
        detect_scene(w->seed, "clutter/train", index, w->train, w->scene);
        const int64_t digits = w->scene->n ? EACH / 2 : 0, hard = w->hard_n ? EACH / 4 : 0;
        for (int64_t k = 0; k < EACH; k++)
            if (k < hard) {
                const hard_window *h = &w->hard[jd_rng_below(&r, (uint32_t)w->hard_n)];
                memcpy(w->image + (at + k) * PIXELS, h->pixel, sizeof h->pixel);
                w->label[at + k] = h->label;
            } else if (k < hard + digits)
                cut_digit(w, &r, at + k);
            else if (k == hard + digits && digits)
                cut_beside(w, &r, at + k);
            else
                cut_nothing(w, &r, at + k);
    }
    in[0] = JD_TENSOR("image", JD_F32, w->image, w->batch, CLUTTER_WINDOW, CLUTTER_WINDOW, 1);
    in[1] = JD_TENSOR("label", JD_I32, w->label, w->batch);
    return 2;
}

static jd_status train(work *w, detect_round *round)
{
    const int64_t steps = (int64_t)jd_run_setting(w->r, "steps");
    const double rate = jd_run_setting(w->r, "rate");
    jd_train_result result = {0};
    round->params = jd_params_new(w->ctx, JD_F32);
    round->hard = w->hard_n;
    jd_train(w->r, round->params,
             &(jd_train_options){.what = round->name,
                                 .series = round->name,
                                 .trace = train_step,
                                 .user = w,
                                 .steps = steps,
                                 .batch = next_batch,
                                 .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50, .warmup = 20},
                                 .items_per_step = w->batch},
             &result);
    round->steps = result.steps;
    return jd_error(w->ctx);
}

/* ---- finding ---------------------------------------------------------------------------------------------------------------*/

/* The mean of a place of a level and its eight neighbours, from p to smooth (side,side,11): a digit is seen from all of them,
 * what merely looks like one often from a single place.  Ciresan et al., MICCAI 2013, smooth with a disk. */
static void smoothen(int level, const float *p, float *smooth)
{
    enum { K = DETECT_CLASSES + 1 };
    const int side = clutter_side(level);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            for (int k = 0; k < K; k++) {
                float sum = 0;
                for (int q = 0; q < 9; q++) { /* past the edges the edge goes on */
                    const int y = i + q / 3 - 1, x = j + q % 3 - 1, last = side - 1;
                    const int v = y < 0 ? 0 : y > last ? last : y, u = x < 0 ? 0 : x > last ? last : x;
                    sum += p[(v * side + u) * K + k];
                }
                smooth[(i * side + j) * K + k] = sum / 9;
            }
}

/* Whether digit k is likelier at (i,j) than at the eight neighbours; of equals the first. */
static bool is_peak(const float *p, int side, int i, int j, int k)
{
    enum { K = DETECT_CLASSES + 1 };
    const float here = p[(i * side + j) * K + k];
    for (int q = 0; q < 9; q++) {
        const int y = i + q / 3 - 1, x = j + q % 3 - 1;
        if (q == 4 || y < 0 || x < 0 || y >= side || x >= side) continue;
        const float beside = p[(y * side + x) * K + k];
        if (beside > here || (q < 4 && beside == here)) return false;
    }
    return true;
}

/* Adds the peaks of each digit in a level, p (side,side,11), from the probability `least` on. */
static size_t peaks(int level, const float *p, int32_t image, float least, jd_box *box, size_t n, size_t room)
{
    enum { K = DETECT_CLASSES + 1 };
    const int side = clutter_side(level);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++)
            for (int k = 0; k < DETECT_CLASSES; k++) {
                const float score = p[(i * side + j) * K + k];
                if (score < least || n == room || !is_peak(p, side, i, j, k)) continue;
                box[n] = clutter_box(level, i, j);
                box[n].score = score;
                box[n].label = k;
                box[n++].image = image;
            }
    return n;
}

enum { ROOM = 4096 }; /* boxes of a picture, before they are thinned out */

/* The boxes of the scene in w->scene that show a digit with a probability of at least `least`, many of which overlap. */
static jd_status find(work *w, jd_scanner *scan, int32_t image, float least, jd_box *box, size_t *n)
{
    *n = 0;
    for (int level = 0; level < CLUTTER_LEVELS; level++) {
        const int side = clutter_side(level);
        clutter_level(w->scene, level, w->level);
        if (jd_scan_image(scan, w->level, side, side, w->out)) return jd_error(w->ctx);
        smoothen(level, w->out, w->smooth);
        *n = peaks(level, w->smooth, image, least, box, *n, ROOM);
    }
    return JD_OK;
}

static jd_scanner *scanner_of(work *w, detect_round *round)
{
    return jd_scanner_new(w->ctx, round->params,
                          &(jd_scan_options){.net = DETECT_NET,
                                             .height = CLUTTER_WINDOW,
                                             .width = CLUTTER_WINDOW,
                                             .channels = 1,
                                             .softmax = true,
                                             .memory = 64 << 20});
}

/* Adds the window of what was found in w->scene to the mistakes if it is one. */
static void learn_from(work *w, const jd_box *found)
{
    const double side = (double)(found->y1 - found->y0);
    int32_t label;
    int level = 0;
    if (most_overlap(w->scene, *found, &label) < NEAR) label = DETECT_NOTHING;
    if (label == found->label || w->hard_n == HARD) return;
    while (level + 1 < CLUTTER_LEVELS && side > CLUTTER_WINDOW * CLUTTER_STEP[level] * 1.1) level++;
    cut_pixel(w, level, (int)lrint((double)found->y0 / CLUTTER_STEP[level]) + CLUTTER_WINDOW / 2,
              (int)lrint((double)found->x0 / CLUTTER_STEP[level]) + CLUTTER_WINDOW / 2, label, 0);
    hard_window *h = &w->hard[w->hard_n++];
    h->label = w->label[0];
    memcpy(h->pixel, w->image, sizeof h->pixel);
}

/* Looks for mistakes of a net in new scenes of the training digits. */
static jd_status mine(work *w, detect_round *round, uint64_t first)
{
    const uint64_t scenes = (uint64_t)jd_run_setting(w->r, "mined");
    jd_box *box = jd_alloc_array(w->ctx, ROOM, sizeof *box);
    jd_scanner *scan = scanner_of(w, round);
    for (uint64_t s = first; s < first + scenes && !jd_error(w->ctx); s++) {
        size_t n = 0;
        detect_scene(w->seed, "clutter/mined", s, w->train, w->scene);
        if (find(w, scan, (int32_t)s, MISTAKE, box, &n)) break;
        n = jd_box_suppress(box, n, jd_run_setting(w->r, "overlap"));
        for (size_t k = 0; k < n; k++) learn_from(w, &box[k]);
    }
    jd_scanner_free(scan);
    jd_free(w->ctx, box);
    return jd_error(w->ctx);
}

static jd_status test(work *w, detect_seed *s, detect_round *round)
{
    const size_t pictures = (size_t)jd_run_setting(w->r, "pictures");
    const double least = jd_run_setting(w->r, "least");
    jd_box *box = jd_alloc_array(w->ctx, ROOM, sizeof *box);
    jd_scanner *scan = scanner_of(w, round);
    round->found = jd_alloc_array(w->ctx, pictures * 64, sizeof *box);
    const bool first = !s->truth;
    if (first) s->truth = jd_alloc_array(w->ctx, pictures * CLUTTER_DIGITS, sizeof *box);
    for (size_t i = 0; i < pictures && !jd_error(w->ctx); i++) {
        size_t n = 0;
        detect_scene(w->seed, "clutter/test", i, w->test, w->scene);
        if (find(w, scan, (int32_t)i, (float)least, box, &n)) break;
        n = jd_box_soften(box, n, jd_run_setting(w->r, "spread"), least);
        for (size_t k = 0; k < n && k < 64; k++) round->found[round->n++] = box[k];
        for (int k = 0; k < w->scene->n && first; k++) s->truth[s->truths++] = w->scene->box[k];
    }
    for (int k = 0; k < DETECT_CLASSES && !jd_error(w->ctx); k++) {
        round->each[k] =
            100 * jd_average_precision(w->ctx, s->truth, s->truths, round->found, round->n, k, .5, NULL, NULL);
        round->ap += (isnan(round->each[k]) ? 0 : round->each[k]) / DETECT_CLASSES;
    }
    round->pooled = 100 * jd_average_precision(w->ctx, s->truth, s->truths, round->found, round->n, -1, .5, NULL, NULL);
    jd_run_note(w->r, "%s: AP50 %.1f %%, all digits together %.1f %%; learned from %zu mistakes", round->name,
                round->ap, round->pooled, round->hard);
    jd_scanner_free(scan);
    jd_free(w->ctx, box);
    return jd_error(w->ctx);
}

/* ---- the scan against windows cut out one by one ---------------------------------------------------------------------------*/

static void classify(jd_graph *g, void *user)
{
    (void)user;
    jd_result(g, "p", jd_softmax(g, jd_net(g, DETECT_NET, jd_arg(g, "image"), JD_NONE)));
}

/* Every window of the smallest level of the first test picture. */
static jd_status compare(work *w, detect_seed *s, detect_round *round)
{
    enum { LEVEL = CLUTTER_LEVELS - 1, K = DETECT_CLASSES + 1 };
    const int side = clutter_side(LEVEL);
    jd_box *one = jd_alloc_array(w->ctx, 2 * ROOM, sizeof *one), *two = one + ROOM;
    float *window = jd_alloc_array(w->ctx, (size_t)side * PIXELS, sizeof *window),
          *apart = jd_alloc_array(w->ctx, (size_t)(side * side) * K, sizeof *apart);
    jd_scanner *scan = scanner_of(w, round);
    jd_fn *f = jd_fn_new(w->ctx, round->params, classify, NULL);
    detect_scene(w->seed, "clutter/test", 0, w->test, w->scene);
    clutter_level(w->scene, LEVEL, w->level);
    if (apart && window && !jd_error(w->ctx)) jd_scan_image(scan, w->level, side, side, w->out);
    for (int i = 0; i < side && !jd_error(w->ctx); i++) {
        for (int j = 0; j < side; j++)
            jd_scan_window(w->level, side, side, 1, i, j, CLUTTER_WINDOW, CLUTTER_WINDOW, window + (size_t)j * PIXELS);
        const jd_tensor in = JD_TENSOR("image", JD_F32, window, side, CLUTTER_WINDOW, CLUTTER_WINDOW, 1);
        if (jd_fn_run(f, &in, 1)) break;
        memcpy(apart + i * side * K, jd_fn_result(f, "p", NULL), (size_t)(side * K) * sizeof *apart);
    }
    if (!jd_error(w->ctx)) {
        for (int i = 0; i < side * side; i++)
            s->differ += memcmp(apart + i * K, w->out + i * K, K * sizeof *apart) != 0;
        s->windows = side * side;
        const size_t n = jd_box_suppress(one, peaks(LEVEL, w->out, 0, .2f, one, 0, ROOM), .3),
                     m = jd_box_suppress(two, peaks(LEVEL, apart, 0, .2f, two, 0, ROOM), .3);
        s->same_boxes = n == m && !memcmp(one, two, n * sizeof *one);
    }
    jd_fn_free(f);
    jd_scanner_free(scan);
    jd_free(w->ctx, one);
    jd_free(w->ctx, window);
    jd_free(w->ctx, apart);
    return jd_error(w->ctx);
}

/* ---- the run ---------------------------------------------------------------------------------------------------------------*/

static jd_status one_seed(work *w, detect_seed *s, int number)
{
    const uint64_t before = jd_ctx_seed(w->ctx);
    w->seed = jd_run_seed(w->r) * 1000 + (uint64_t)number;
    w->hard_n = 0;
    jd_ctx_set_seed(w->ctx, w->seed);
    for (int k = 0; k < DETECT_ROUNDS && !jd_error(w->ctx); k++) {
        detect_round *round = &s->round[k];
        snprintf(round->name, sizeof round->name, "windows-%d-round-%d", number, k + 1);
        if (train(w, round) || test(w, s, round)) break;
        if (k + 1 < DETECT_ROUNDS) mine(w, round, (uint64_t)k << 20);
    }
    if (!jd_error(w->ctx)) compare(w, s, &s->round[DETECT_ROUNDS - 1]);
    jd_ctx_set_seed(w->ctx, before);
    return jd_error(w->ctx);
}

static void judge(claims *c, const detect_seed *s, int seeds)
{
    double ap = 100, gain = 100;
    int64_t windows = 0, differ = 0;
    bool same = true;
    for (int i = 0; i < seeds; i++) {
        const detect_round *last = &s[i].round[DETECT_ROUNDS - 1];
        ap = fmin(ap, last->ap);
        gain = fmin(gain, last->ap - s[i].round[0].ap);
        windows += s[i].windows;
        differ += s[i].differ;
        same &= s[i].same_boxes;
    }
    claim(c, ap >= 90, "AP50, mean over the digits, at least 90 %, every seed", "least %.1f %%", ap);
    claim(c, gain > 0, "learning from mistakes helps: AP50 of the last net above that of the first, every seed",
          "at least %+.1f points", gain);
    claim(c, differ == 0 && same && windows > 0,
          "fragments and windows cut out one by one: the same bits, the same boxes", "%lld of %lld windows differ",
          (long long)differ, (long long)windows);
    jd_run_extra(c->r, "ap50", ap);
    jd_run_extra(c->r, "mining_gain", gain);
}

static jd_status make_room(work *w)
{
    w->image = jd_alloc_array(w->ctx, (size_t)w->batch * PIXELS, sizeof *w->image);
    w->label = jd_alloc_array(w->ctx, (size_t)w->batch, sizeof *w->label);
    w->hard = jd_alloc_array(w->ctx, HARD, sizeof *w->hard);
    w->scene = jd_alloc_array(w->ctx, 1, sizeof *w->scene);
    w->level = jd_alloc_array(w->ctx, CLUTTER_SIDE * CLUTTER_SIDE, sizeof *w->level);
    w->out = jd_alloc_array(w->ctx, CLUTTER_SIDE * CLUTTER_SIDE * (DETECT_CLASSES + 1), sizeof *w->out);
    w->smooth = jd_alloc_array(w->ctx, CLUTTER_SIDE * CLUTTER_SIDE * (DETECT_CLASSES + 1), sizeof *w->smooth);
    return jd_error(w->ctx);
}

/* The last sixth of the training digits becomes the test. */
static void hold_out(jd_images *train, jd_images *test)
{
    train->count -= train->count / 6;
    test->count -= train->count;
    memmove(test->pixels, test->pixels + train->count * PIXELS, test->count * PIXELS);
    memmove(test->labels, test->labels + train->count, test->count * sizeof *test->labels);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), batch = jd_run_setting(r, "batch"),
                 pictures = jd_run_setting(r, "pictures");
    if (!(seeds >= 1 && seeds <= DETECT_SEEDS && batch >= EACH && fmod(batch, EACH) == 0 && pictures >= 1 &&
          pictures <= 1e5 && jd_run_setting(r, "steps") >= 1 && jd_run_setting(r, "mined") >= 1 &&
          jd_run_setting(r, "mined") <= 1 << 20))
        return jd_fail(
            ctx, JD_EUSAGE,
            "digit-detection: seeds is 1 to %d, batch a multiple of %d, pictures 1 to 100000, steps and mined at "
            "least 1",
            DETECT_SEEDS, EACH);
    const bool validate = jd_run_setting(r, "validate") != 0;
    jd_images digits[2] = {{0}};
    const char *data = jd_run_data(r, "mnist");
    jd_load_images(ctx, data, JD_TRAIN, &digits[0]);
    if (!jd_error(ctx)) jd_load_images(ctx, data, validate ? JD_TRAIN : JD_TEST, &digits[1]);
    if (!jd_error(ctx) && validate) hold_out(&digits[0], &digits[1]);
    if (!jd_error(ctx) && (digits[0].height != CLUTTER_WINDOW || digits[0].width != CLUTTER_WINDOW ||
                           digits[0].channels != 1 || digits[0].classes != DETECT_CLASSES))
        jd_fail(ctx, JD_EDATA, "digit-detection: %s: grey pictures of 28 x 28 pixels in ten classes are needed", data);
    work w = {.r = r, .ctx = ctx, .train = &digits[0], .test = &digits[1], .batch = (int64_t)batch};
    detect_seed *s = jd_alloc_array(ctx, DETECT_SEEDS, sizeof *s);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    if (!jd_error(ctx)) make_room(&w);
    for (int i = 0; i < (int)seeds && !jd_error(ctx); i++) one_seed(&w, &s[i], i + 1);
    if (!jd_error(ctx)) {
        detect_round *kept = &s[0].round[DETECT_ROUNDS - 1];
        c->r = r;
        judge(c, s, (int)seeds);
        detect_report(r, s, (int)seeds, &digits[1], c);
        jd_run_extra(r, "claims", c->n);
        jd_run_config(r, "net", DETECT_NET);
        jd_run_save(r, kept->params, kept->steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    for (int i = 0; s && i < DETECT_SEEDS; i++) {
        for (int k = 0; k < DETECT_ROUNDS; k++) {
            jd_params_free(s[i].round[k].params);
            jd_free(ctx, s[i].round[k].found);
        }
        jd_free(ctx, s[i].truth);
    }
    void *all[] = {w.image, w.label, w.hard, w.scene, w.level, w.out, w.smooth, s, c};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) jd_free(ctx, all[i]);
    jd_images_free(ctx, &digits[0]);
    jd_images_free(ctx, &digits[1]);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 5}, "times that scenes are made and nets trained anew"},
    {"steps", {400, 6000, 10000}, "training steps of each of three nets, on new scenes"},
    {"batch", {64, 64, 256}, "windows a step"},
    {"rate", {4e-3, 3e-3, 1e-3}, "Adam's learning rate, falling to a fiftieth along half a cosine"},
    {"mined", {20, 1200, 1500}, "scenes in which a net's mistakes are looked for"},
    {"pictures", {40, 200, 500}, "to measure on"},
    {"least", {0.01, 0.01, 0.01}, "probability of a digit from which on it is a detection"},
    {"overlap", {0.12, 0.12, 0.12}, "mistakes: more than so much of it in a surer box: a box is dropped"},
    {"spread", {0.5, 0.5, 0.5}, "tests: how softly boxes that overlap a surer one lose in score; 0.5: as published"},
    {"validate", {0, 0, 0}, "1: test on the last sixth of the training digits instead: for choosing settings"},
    {0},
};

const jd_system jd_system_digit_detection = {
    .name = "digit-detection",
    .year = 2013,
    .title = "Object detection: digits of several sizes in clutter, by fast scans",
    .paper = "A. Giusti, D. C. Ciresan, J. Masci, L. M. Gambardella, J. Schmidhuber: Fast image scanning with deep "
             "max-pooling convolutional neural networks. ICIP 2013",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "no figure of its own: the smallest object detector that can be honest. A window classifier, scanned in "
        "fragments over three sizes of a picture, as in the line's detection of mitosis",
    .accept = {2, 3, 3},
    .about =
        "Pictures of 128 x 128 pixels show one to five digits of MNIST, 28 to 56 pixels wide, among strokes and "
        "pieces of digits. A net for windows of 28 x 28 pixels tells ten digits and nothing apart; it looks at every "
        "place of the picture at three sizes, the square root of two apart. Where it is surest of a digit, in the mean "
        "of nine places, there is a box, whose score falls by how much it overlaps surer ones (Bodla and others, ICCV "
        "2017). The first net has seen nothing at random places only, and takes clutter for digits; "
        "the next two have learned from such mistakes. A box is right when it names the digit and overlaps its "
        "square by half or more (AP50).",
    .data = "mnist",
    .settings = SETTINGS,
    .run = run,
};
