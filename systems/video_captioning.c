/*
 * video_captioning.c - "video-captioning": what moves, and where to (Venugopalan et al., NAACL 2015 and ICCV 2015).
 *
 * A small convolutional net sees each of sixteen frames; an LSTM reads what it sees of them, and another one writes a sentence,
 * as in "Sequence to sequence - video to text".  Beside it the mean of the frames' features, which has no order.
 */
#include "captions.h"
#include "claims.h"
#include "clips.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 5, MOST = 1000, NETS = 2, VIDEO = 0, MEAN = 1 };

/* ---- the task --------------------------------------------------------------------------------------------------------------*/

static clip clip_of(uint64_t seed, const char *stream, uint64_t index, jd_rng *r)
{
    clip c;
    *r = jd_rng_new(seed, stream, index);
    clip_make(r, &c);
    return c;
}

static size_t make(uint64_t seed, const char *stream, uint64_t index, int order, float *seen, int32_t *hint,
                   int32_t *word)
{
    jd_rng r;
    const clip c = clip_of(seed, stream, index, &r);
    clip_paint(&c, &r, (clip_order)order, seen);
    clip_hints(&c, hint);
    return clip_caption(&c, word);
}

static bool right(uint64_t seed, const char *stream, uint64_t index, const int32_t *word, size_t n)
{
    jd_rng r;
    int motion[CLIP_SHAPES];
    const clip c = clip_of(seed, stream, index, &r);
    return clip_judge(&c, word, n, motion);
}

static const captions_task TASK = {.rank = 4,
                                   .dim = {CLIP_FRAMES, CLIP_SIDE, CLIP_SIDE, 3},
                                   .longest = CLIP_LONGEST,
                                   .hints = CLIP_HINTS,
                                   .make = make,
                                   .right = right};

/* ---- the nets --------------------------------------------------------------------------------------------------------------*/

/* Where maps (N,8,8,C) are large: the mean place under a softmax over each of them (Finn et al., arXiv 1509.06113, 2015),
 * (N,2 C), from -3 to 3.  The maps are scaled up, or the softmax would at first be flat. */
static jd_node where(jd_graph *g, jd_node maps)
{
    const int64_t N = jd_dim(g, maps, 0), side = jd_dim(g, maps, 1), C = jd_dim(g, maps, 3);
    const jd_node line = jd_affine(g, jd_real_of(g, jd_iota(g, side)), 6. / (double)(side - 1), -3);
    const jd_node across = jd_broadcast_to(g, jd_reshape(g, line, JD_DIMS(1, side)), JD_DIMS(side, side)),
                  down = jd_broadcast_to(g, jd_reshape(g, line, JD_DIMS(side, 1)), JD_DIMS(side, side));
    const jd_node axes[2] = {jd_reshape(g, across, JD_DIMS(1, side * side)),
                             jd_reshape(g, down, JD_DIMS(1, side * side))};
    const jd_node flat =
        jd_transpose(g, jd_reshape(g, jd_affine(g, maps, 4, 0), JD_DIMS(N, side * side, C)), (const int[]){0, 2, 1});
    const jd_node p = jd_reshape(g, jd_softmax(g, flat), JD_DIMS(N * C, side * side));
    return jd_reshape(g, jd_matmul(g, p, jd_concat(g, axes, 2, 0), .tb = true), JD_DIMS(N, 2 * C));
}

/* (S,16,32,32,3) -> of each frame (16,S,3 C): what is anywhere in it, and where it is. */
static jd_node frames(jd_graph *g, const captions_net *n)
{
    const jd_node seen = jd_arg(g, "seen");
    const int64_t S = jd_dim(g, seen, 0), N = S * CLIP_FRAMES, C = 2 * n->width;
    jd_scope_push(g, "see");
    jd_node x = jd_affine(g, jd_reshape(g, seen, JD_DIMS(N, CLIP_SIDE, CLIP_SIDE, 3)), 4, -1.5);
    x = jd_conv2d(g, "conv1", x, .maps = n->width, .size = 5, .stride = 2, .pad = 2, .act = JD_RELU); /* 16 x 16 */
    x = jd_conv2d(g, "conv2", x, .maps = C, .size = 3, .stride = 2, .pad = 1);                        /* 8 x 8 */
    const jd_node both[2] = {jd_relu(g, jd_reshape(g, jd_maxpool(g, x, .size = 8), JD_DIMS(N, C))), where(g, x)};
    jd_scope_pop(g);
    x = jd_reshape(g, jd_concat(g, both, 2, 1), JD_DIMS(S, CLIP_FRAMES, 3 * C));
    return jd_transpose(g, x, (const int[]){1, 0, 2});
}

/* How well x (S,..) tells the kind of each colour, or its motion. */
static jd_node attribute(jd_graph *g, const char *name, jd_node x, bool motion)
{
    const int64_t S = jd_dim(g, x, 0), classes = motion ? CLIP_MOTIONS : SCENE_KINDS + 1;
    const jd_node said =
        jd_reshape(g, jd_dense(g, name, x, .units = SCENE_COLOURS * classes), JD_DIMS(S, SCENE_COLOURS, classes));
    return jd_softmax_xent(g, said, jd_slice(g, jd_arg(g, "hint"), 1, motion ? SCENE_COLOURS : 0, SCENE_COLOURS));
}

/* Of the frames' mean the kinds, of what the writer begins with both. */
static jd_node attributes(jd_graph *g, jd_node mean, jd_node v)
{
    const jd_node kinds = jd_add(g, attribute(g, "aside/mean kind", mean, false), attribute(g, "aside/kind", v, false));
    return jd_add(g, kinds, attribute(g, "aside/motion", v, true));
}

/* The state in which an LSTM is left by the frames. */
static seq2seq_memory watch(jd_graph *g, const captions_net *n, jd_node *aside)
{
    const jd_node x = frames(g, n);
    const jd_lstm_out y = jd_lstm_full(g, "watch", x, (jd_lstm_options){.units = n->net.units});
    if (aside) *aside = attributes(g, jd_time_mean(g, x, JD_NONE), y.hT);
    return (seq2seq_memory){.h = {y.hT}, .c = {y.cT}};
}

/* The mean of the frames, as the word before the first. */
static seq2seq_memory glance(jd_graph *g, const captions_net *n, jd_node *aside)
{
    const jd_node x = jd_time_mean(g, frames(g, n), JD_NONE);
    const jd_node v = jd_dense(g, "glance", x, .units = n->net.units, .act = JD_TANH);
    if (aside) *aside = attributes(g, x, v);
    return captions_once(g, &n->net, v);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

typedef struct score {
    double motion, direction, named,
        exact; /* %: right motion words, of those left right up down, shapes named, captions */
    int64_t said[CLIP_MOTIONS * CLIP_MOTIONS]; /* true motion, motion said, of shapes that are named */
} score;

typedef struct trial {
    captions_net net[NETS];
    score as_is[NETS], shuffled;
} trial;

static score judge_clips(uint64_t seed, const jd_sequence *found, size_t count)
{
    score s = {0};
    double shapes = 0, directions = 0;
    for (size_t i = 0; i < count; i++) {
        jd_rng r;
        int motion[CLIP_SHAPES];
        const clip c = clip_of(seed, "clips/test", i, &r);
        s.exact += clip_judge(&c, found[i].symbols, found[i].count, motion);
        for (int k = 0; k < CLIP_SHAPES; k++) {
            const int is = c.shape[k].motion;
            const bool agrees = motion[k] == is, straight = is != CLIP_CIRCLES;
            shapes++;
            directions += straight;
            s.named += motion[k] >= 0;
            s.motion += agrees;
            s.direction += agrees && straight;
            if (motion[k] >= 0) s.said[is * CLIP_MOTIONS + motion[k]]++;
        }
    }
    s.exact *= 100 / (double)count;
    s.named *= 100 / shapes;
    s.motion *= 100 / shapes;
    s.direction *= directions > 0 ? 100 / directions : 0;
    return s;
}

/* Captions of the test clips; those of the first net of the first seed are kept in `shown`. */
static jd_status test(jd_run *r, captions_net *n, uint64_t seed, clip_order order, score *s, jd_sequence **shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t count = (size_t)jd_run_setting(r, "clips");
    jd_sequence *found = jd_alloc_array(ctx, count, sizeof *found);
    if (found &&
        !captions_answer(ctx, n, seed, "clips/test", count, (size_t)jd_run_setting(r, "beam"), (int)order, found)) {
        *s = judge_clips(seed, found, count);
        jd_run_note(
            r, "%s%s: motion right %.1f %%, direction right %.1f %%, shapes named %.1f %%, captions right %.1f %%",
            n->name, order == CLIP_SHUFFLED ? ", frames shuffled" : "", s->motion, s->direction, s->named, s->exact);
    }
    if (shown)
        *shown = found;
    else
        seq2seq_found_free(ctx, found, count);
    return jd_error(ctx);
}

static jd_status one_seed(jd_run *r, trial *t, int number, jd_sequence **shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000 + (uint64_t)number, before = jd_ctx_seed(ctx);
    captions_plan plan = {.batch = (int64_t)jd_run_setting(r, "batch"),
                          .rate = jd_run_setting(r, "rate"),
                          .seed = seed,
                          .train = "clips/train",
                          .valid = "clips/held out"};
    jd_ctx_set_seed(ctx, seed);
    for (int i = 0; i < NETS && !jd_error(ctx); i++) {
        t->net[i] = (captions_net){.task = &TASK,
                                   .read = i == VIDEO ? watch : glance,
                                   .aside = jd_run_setting(r, "attributes"),
                                   .width = (int)jd_run_setting(r, "maps"),
                                   .net = {.writes = CLIP_VOCABULARY,
                                           .embed = (int64_t)jd_run_setting(r, "embed"),
                                           .units = (int64_t)jd_run_setting(r, "units")}};
        plan.steps = (int64_t)jd_run_setting(r, i == VIDEO ? "steps" : "mean_steps");
        snprintf(t->net[i].name, sizeof t->net[i].name, "%s-%d", i == VIDEO ? "video" : "mean", number);
        if (captions_train(r, &t->net[i], &plan) ||
            test(r, &t->net[i], seed, CLIP_AS_IS, &t->as_is[i], i == VIDEO ? shown : NULL))
            break;
        if (i == VIDEO) test(r, &t->net[i], seed, CLIP_SHUFFLED, &t->shuffled, NULL);
    }
    jd_ctx_set_seed(ctx, before);
    return jd_error(ctx);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

/* Four frames of a clip side by side, enlarged. */
enum {
    ZOOM = 3,
    PICTURE = CLIP_SIDE * ZOOM,
    FRAMES = 4,
    GAP = 4,
    WIDE = FRAMES * PICTURE + (FRAMES - 1) * GAP,
    SHOWN = 8
};

static void strip(uint64_t seed, size_t index, uint8_t *out /* (PICTURE,WIDE,3) */)
{
    float seen[CLIP_NUMBERS];
    jd_rng r;
    const clip c = clip_of(seed, "clips/test", index, &r);
    clip_paint(&c, &r, CLIP_AS_IS, seen);
    memset(out, 255, PICTURE * WIDE * 3);
    for (int f = 0; f < FRAMES; f++) {
        const float *frame = seen + (size_t)(f * (CLIP_FRAMES - 1) / (FRAMES - 1)) * CLIP_SIDE * CLIP_SIDE * 3;
        for (int i = 0; i < PICTURE * PICTURE; i++)
            for (int k = 0; k < 3; k++) {
                const int x = i % PICTURE, y = i / PICTURE;
                const float v = frame[(y / ZOOM * CLIP_SIDE + x / ZOOM) * 3 + k];
                out[(y * WIDE + f * (PICTURE + GAP) + x) * 3 + k] = (uint8_t)lrintf(255 * fminf(1, fmaxf(0, v)));
            }
    }
}

/* Appends what there is to what was said. */
static void add_truth(uint64_t seed, size_t index, char *text, size_t room)
{
    jd_rng r;
    int32_t word[CLIP_LONGEST];
    const clip c = clip_of(seed, "clips/test", index, &r);
    const size_t at = strlen(text), n = clip_caption(&c, word);
    snprintf(text + at, room - at, " - in truth: ");
    clip_text(word, n, text + strlen(text), room - strlen(text));
}

static void gallery(jd_run *r, const jd_sequence *found, const size_t *index, size_t n, bool truth, const char *caption)
{
    enum { BYTES = PICTURE * WIDE * 3, TEXT = 240 };
    jd_ctx *ctx = jd_run_ctx(r);
    uint8_t *pixels = jd_alloc_array(ctx, SHOWN, BYTES);
    char text[SHOWN][TEXT];
    const char *captions[SHOWN];
    for (size_t i = 0; pixels && i < n; i++) {
        strip(jd_run_seed(r) * 1000 + 1, index[i], pixels + i * BYTES);
        clip_text(found[index[i]].symbols, found[index[i]].count, text[i], TEXT);
        if (truth) add_truth(jd_run_seed(r) * 1000 + 1, index[i], text[i], TEXT);
        captions[i] = text[i];
    }
    if (pixels && n)
        jd_report_images(jd_run_report(r),
                         &(jd_tiles){.pixels = pixels,
                                     .n = n,
                                     .h = PICTURE,
                                     .w = WIDE,
                                     .channels = 3,
                                     .tile_captions = captions,
                                     .columns = 1},
                         caption);
    jd_free(ctx, pixels);
}

static void table(jd_run *r, const trial *t, int seeds)
{
    enum { COLUMNS = 6, CELL = 48, ROWS = 3 * SEEDS };
    static const char *const who[3] = {"LSTM over the frames", "the same, frames shuffled", "mean of the frames"};
    char room[ROWS][COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
    for (int i = 0; i < 3 * seeds; i++) {
        const trial *one = &t[i / 3];
        const score *s = i % 3 == 0 ? &one->as_is[VIDEO] : i % 3 == 1 ? &one->shuffled : &one->as_is[MEAN];
        const double value[4] = {s->motion, s->direction, s->named, s->exact};
        snprintf(room[i][0], CELL, "%s", who[i % 3]);
        snprintf(room[i][1], CELL, "%d", i / 3 + 1);
        for (int k = 0; k < 4; k++) snprintf(room[i][2 + k], CELL, "%.1f", value[k]);
        for (int k = 0; k < COLUMNS; k++) cells[i * COLUMNS + k] = room[i][k];
    }
    jd_report_table(
        jd_run_report(r),
        (const char *const[]){"net", "seed", "motion right (%)", "direction right (%)", "shapes named (%)",
                              "captions right (%)"},
        cells, (size_t)(3 * seeds), COLUMNS,
        "Test clips. Motion: the right word for a shape that is named with its colour and kind, of all shapes. "
        "Direction: the same, of those that move left, right, up or down. Shuffled frames show the line along "
        "which a shape moves, not which way: chance is one half.");
}

static void report(jd_run *r, const trial *t, int seeds, const jd_sequence *found, size_t count, const claims *c)
{
    jd_report *report = jd_run_report(r);
    size_t first[SHOWN], wrong[SHOWN], n = 0;
    for (size_t i = 0; i < SHOWN; i++) first[i] = i;
    for (size_t i = 0; i < count; i++) { /* the surest mistakes first */
        if (right(jd_run_seed(r) * 1000 + 1, "clips/test", i, found[i].symbols, found[i].count)) continue;
        size_t at = n < SHOWN ? n++ : SHOWN;
        for (; at > 0 && found[wrong[at - 1]].ln_p < found[i].ln_p; at--)
            if (at < SHOWN) wrong[at] = wrong[at - 1];
        if (at < SHOWN) wrong[at] = i;
    }
    claims_table(c, "What the sheet of the task asks for, and what was measured.");
    table(r, t, seeds);
    jd_report_section(report, "What it says of clips it never saw");
    gallery(r, found, first, count < SHOWN ? count : SHOWN, false,
            "Frames 1, 6, 11 and 16 of the first test clips, each with the caption that beam search found.");
    if (n) jd_report_section(report, "Its worst mistakes");
    gallery(r, found, wrong, n, true, "Captions of test clips that are wrong, the surest ones first.");
    jd_report_section(report, "Which motion it takes for which");
    jd_report_confusion(report, clip_motions, t[0].as_is[VIDEO].said, CLIP_MOTIONS,
                        "Rows: how shapes move that were named; columns: what was said. Frames in their order.");
    jd_report_confusion(report, clip_motions, t[0].shuffled.said, CLIP_MOTIONS,
                        "The same net, the frames of each clip shuffled.");
    jd_report_confusion(report, clip_motions, t[0].as_is[MEAN].said, CLIP_MOTIONS,
                        "The net that sees the mean of the frames: it can tell lines and circles, not which way.");
}

/* ---- the run ---------------------------------------------------------------------------------------------------------------*/

static void judge(claims *c, const trial *t, int seeds)
{
    double motion = 100, exact = 100, shuffled = 0, mean = 0;
    for (int i = 0; i < seeds; i++) {
        motion = fmin(motion, t[i].as_is[VIDEO].motion);
        exact = fmin(exact, t[i].as_is[VIDEO].exact);
        shuffled = fmax(shuffled, t[i].shuffled.direction);
        mean = fmax(mean, t[i].as_is[MEAN].direction);
    }
    claim(c, motion >= 90, "motion word right for at least 90 % of the shapes, every seed", "least %.1f %%", motion);
    claim(c, shuffled <= 57, "frames shuffled: directions by chance, one half at most (57 %), every seed",
          "at most %.1f %%", shuffled);
    claim(c, mean <= 57, "mean of the frames: directions by chance, one half at most (57 %), every seed",
          "at most %.1f %%", mean);
    jd_run_extra(c->r, "motion", motion);
    jd_run_extra(c->r, "exact", exact);
    jd_run_extra(c->r, "direction_shuffled", shuffled);
    jd_run_extra(c->r, "direction_mean", mean);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), clips = jd_run_setting(r, "clips");
    if (!(seeds >= 1 && seeds <= SEEDS && clips >= 1 && clips <= MOST && jd_run_setting(r, "steps") >= 1 &&
          jd_run_setting(r, "mean_steps") >= 1 && jd_run_setting(r, "batch") >= 1 && jd_run_setting(r, "maps") >= 1 &&
          jd_run_setting(r, "units") >= 1 && jd_run_setting(r, "embed") >= 1 && jd_run_setting(r, "beam") >= 1))
        return jd_fail(ctx, JD_EUSAGE, "video-captioning: seeds is 1 to %d, clips 1 to %d, the others at least 1",
                       SEEDS, MOST);
    trial *t = jd_alloc_array(ctx, SEEDS, sizeof *t);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    jd_sequence *shown = NULL;
    for (int i = 0; t && c && i < (int)seeds && !jd_error(ctx); i++) one_seed(r, &t[i], i + 1, i ? NULL : &shown);
    if (!jd_error(ctx)) {
        c->r = r;
        judge(c, t, (int)seeds);
        report(r, t, (int)seeds, shown, (size_t)clips, c);
        jd_run_extra(r, "claims", c->n);
        jd_run_save(r, t[0].net[VIDEO].params, t[0].net[VIDEO].steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    seq2seq_found_free(ctx, shown, (size_t)clips);
    for (int i = 0; t && i < SEEDS; i++)
        for (int n = 0; n < NETS; n++) captions_free(&t[i].net[n]);
    jd_free(ctx, t);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 3}, "pairs of nets, with clips of their own"},
    {"steps", {3000, 6000, 20000}, "training steps, each on new clips"},
    {"mean_steps", {800, 2500, 20000}, "of the net that sees the mean of the frames"},
    {"batch", {16, 16, 128}, "clips a step"},
    {"rate", {4e-3, 4e-3, 1e-3}, "Adam's learning rate, falling to a fiftieth along half a cosine"},
    {"maps", {12, 12, 32}, "of the first convolution; the second has twice as many"},
    {"units", {64, 64, 256}, "LSTM cells of the reader, and of the writer"},
    {"embed", {48, 48, 256}, "numbers that a frame, or a word, becomes"},
    {"attributes", {1, 1, 1}, "weight of a second loss: kind and motion of each colour; 0: none"},
    {"clips", {100, 200, 1000}, "to measure on"},
    {"beam", {5, 5, 10}, "captions kept while one is written"},
    {0},
};

const jd_system jd_system_video_captioning = {
    .name = "video-captioning",
    .year = 2015,
    .title = "Video captioning: what moves, and where to",
    .paper =
        "S. Venugopalan, M. Rohrbach, J. Donahue, R. Mooney, T. Darrell, K. Saenko: Sequence to sequence - video to "
        "text. ICCV 2015; S. Venugopalan et al.: Translating videos to natural language using deep recurrent neural "
        "networks. NAACL 2015",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "as recalled, not checked, on YouTube clips: METEOR 29.8 with an LSTM over the frames, 29.1 with their mean. "
        "There reader and writer share their weights; here each has its own, and clips and captions are generated",
    .accept = {2, 3, 3},
    .about =
        "Sixteen frames of 32 x 32 pixels show two shapes that move left, right, up, down or in circles, sometimes "
        "one over the other. A convolutional net sees each frame, an LSTM reads what it sees from the first to the "
        "last, and another LSTM writes the caption. While they learn, the reader is also asked for the kind and "
        "motion of each colour. Two controls cannot know directions: the same net when the frames are shuffled, and a "
        "net that sees their mean.",
    .settings = SETTINGS,
    .run = run,
};
