/*
 * captioning.c - "captioning": a net that looks at a picture and writes a sentence (Vinyals, Toshev, Bengio, Erhan 2014).
 *
 * A convolutional encoder, trained with the rest from random weights, makes one vector of a picture; it is fed once to an LSTM
 * that then writes, word by word.  Pictures and captions are generated (scenes.h), so every caption can be judged exactly.
 */
#include "captioning.h"

#include <string.h>

#include "jackdaw/metrics.h"

/* ---- the task --------------------------------------------------------------------------------------------------------------*/

scene caption_scene(uint64_t seed, const char *stream, uint64_t index, bool new, jd_rng *r)
{
    scene s;
    *r = jd_rng_new(seed, stream, index);
    scene_make(r, new ? SCENE_NEW : SCENE_SEEN, &s);
    return s;
}

static size_t make(uint64_t seed, const char *stream, uint64_t index, int new, float *seen, int32_t *hint,
                   int32_t *word)
{
    jd_rng r;
    const scene s = caption_scene(seed, stream, index, new, &r);
    scene_paint(&s, &r, seen);
    scene_hints(&s, hint);
    return scene_caption(&s, &r, word);
}

static bool right(uint64_t seed, const char *stream, uint64_t index, const int32_t *word, size_t n)
{
    jd_rng r;
    const scene s = caption_scene(seed, stream, index, false, &r);
    return scene_judge(&s, word, n).exact;
}

static const captions_task TASK = {.rank = 3,
                                   .dim = {SCENE_SIDE, SCENE_SIDE, 3},
                                   .longest = SCENE_LONGEST,
                                   .hints = SCENE_HINTS,
                                   .make = make,
                                   .right = right};

void caption_references(uint64_t seed, uint64_t index, const scene *s, int32_t *word, size_t *count)
{
    for (size_t k = 0; k < CAPTION_REFERENCES; k++) {
        jd_rng r = jd_rng_new(seed, "scenes/references", index * CAPTION_REFERENCES + k);
        count[k] = scene_caption(s, &r, word + k * SCENE_LONGEST);
    }
}

/* ---- the net ---------------------------------------------------------------------------------------------------------------*/

/* (S,48,48,3): 24, 12, 3 -> (S,3,3,4 maps): the last maps have one place for each cell of the grid.  Without training they are
 * random ones, through which no error flows. */
static jd_node encode(jd_graph *g, const captions_net *n)
{
    jd_scope_push(g, "see");
    jd_node x = jd_affine(g, jd_arg(g, "seen"), 4, -1.5);
    x = jd_conv2d(g, "conv1", x, .maps = n->width, .size = 5, .stride = 2, .pad = 2, .act = JD_RELU);
    x = jd_maxpool(g, jd_conv2d(g, "conv2", x, .maps = 2 * n->width, .size = 3, .pad = 1, .act = JD_RELU), .size = 2);
    x = jd_maxpool(g, jd_conv2d(g, "conv3", x, .maps = 4 * n->width, .size = 3, .pad = 1, .act = JD_RELU), .size = 4);
    jd_scope_pop(g);
    return x;
}

/* How well x (S,..) tells some of the hints, `places` of which from number `first` on have so many classes each. */
static jd_node attribute(jd_graph *g, const char *name, jd_node x, int64_t first, int64_t places, int64_t classes)
{
    const bool apart = jd_rank(g, x) == 4; /* each place by itself */
    const jd_node said = jd_dense(g, name, x, .units = apart ? classes : places * classes, .each = true);
    return jd_softmax_xent(g, jd_reshape(g, said, JD_DIMS(jd_dim(g, x, 0), places, classes)),
                           jd_slice(g, jd_arg(g, "hint"), 1, first, places));
}

/* The maps are asked what stands in each cell, the vector what each shape is that will be named, and how it stands to the next:
 * the sum of these losses. */
static jd_node attributes(jd_graph *g, jd_node maps, jd_node v)
{
    static const int64_t classes[4] = {SCENE_KINDS + 1, SCENE_COLOURS, 2, 2};
    static const char *const name[4] = {"kind", "colour", "size", "relation"};
    jd_node sum = JD_NONE;
    jd_scope_push(g, "aside");
    for (int64_t i = 0; i < 7; i++) {
        const bool cells = i < 3;
        const int64_t k = cells ? i : i - 3;
        jd_scope_push(g, cells ? "cells" : "named");
        const jd_node loss =
            cells ? attribute(g, name[k], maps, k * SCENE_CELLS, SCENE_CELLS, classes[k])
                  : attribute(g, name[k], v, 3 * SCENE_CELLS + k * SCENE_SHAPES, SCENE_SHAPES, classes[k]);
        jd_scope_pop(g);
        sum = i ? jd_add(g, sum, loss) : loss;
    }
    jd_scope_pop(g);
    return sum;
}

static seq2seq_memory look(jd_graph *g, const captions_net *n, jd_node *aside)
{
    const jd_node maps = encode(g, n);
    jd_node v = jd_dense(g, "see/hidden", maps, .units = 2 * n->net.units, .act = JD_RELU);
    v = jd_dense(g, "see/vector", v, .units = n->net.units, .act = JD_TANH);
    if (n->frozen) v = jd_stop(g, v);
    if (aside && !n->frozen) *aside = attributes(g, maps, v);
    return captions_once(g, &n->net, v);
}

/* ---- measuring -------------------------------------------------------------------------------------------------------------*/

static void add_bleu(jd_bleu *b, uint64_t seed, size_t index, const scene *s, const jd_sequence *found)
{
    int32_t word[CAPTION_REFERENCES * SCENE_LONGEST];
    size_t count[CAPTION_REFERENCES];
    jd_text text[CAPTION_REFERENCES];
    caption_references(seed, index, s, word, count);
    for (int k = 0; k < CAPTION_REFERENCES; k++) text[k] = (jd_text){word + k * SCENE_LONGEST, count[k]};
    jd_bleu_add(b, found->symbols, found->count, text, CAPTION_REFERENCES);
}

/* found (count): captions of test scenes; found_new: of scenes with pairs of colour and kind never seen. */
static caption_score score(uint64_t seed, const jd_sequence *found, const jd_sequence *found_new, size_t count)
{
    caption_score c = {0};
    jd_bleu own = {0}, other = {0};
    double named = 0, there = 0;
    for (size_t i = 0; i < count; i++) {
        jd_rng r;
        const scene s = caption_scene(seed, "scenes/test", i, false, &r),
                    t = caption_scene(seed, "scenes/new", i, true, &r);
        const scene_verdict v = scene_judge(&s, found[i].symbols, found[i].count),
                            u = scene_judge(&t, found_new[i].symbols, found_new[i].count);
        c.exact += 100. * v.exact / (double)count;
        c.attributes += 100. * v.attributes / (double)count;
        c.new_attributes += 100. * u.attributes / (double)count;
        named += u.named_new;
        there += u.shapes_new;
        add_bleu(&own, seed, i, &s, &found[i]);
        add_bleu(&other, seed, i, &s, &found[(i + 1) % count]);
    }
    c.new_named = 100 * named / there;
    c.bleu = 100 * jd_bleu_score(&own, 4);
    c.shuffled = 100 * jd_bleu_score(&other, 4);
    return c;
}

/* Trains one net and measures it; found and found_new are its captions. */
static jd_status one_net(jd_run *r, captions_net *n, uint64_t seed, size_t count, caption_score *s, jd_sequence *found,
                         jd_sequence *found_new)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const size_t beam = (size_t)jd_run_setting(r, "beam");
    const captions_plan plan = {.steps = (int64_t)jd_run_setting(r, "steps"),
                                .batch = (int64_t)jd_run_setting(r, "batch"),
                                .rate = jd_run_setting(r, "rate"),
                                .seed = seed,
                                .train = "scenes/train",
                                .valid = "scenes/held out"};
    if (captions_train(r, n, &plan) || captions_answer(ctx, n, seed, "scenes/test", count, beam, false, found) ||
        captions_answer(ctx, n, seed, "scenes/new", count, beam, true, found_new))
        return jd_error(ctx);
    *s = score(seed, found, found_new, count);
    jd_run_note(
        r,
        "%s: BLEU-4 %.1f, captions exactly right %.1f %%, all shapes right %.1f %%; captions of other pictures: "
        "BLEU-4 %.1f; colours on kinds never seen: all shapes right %.1f %%, such shapes named %.1f %%",
        n->name, s->bleu, s->exact, s->attributes, s->shuffled, s->new_attributes, s->new_named);
    return JD_OK;
}

static jd_status one_seed(jd_run *r, caption_seed *s, int number, size_t count, jd_sequence *found,
                          jd_sequence *found_new)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000 + (uint64_t)number, before = jd_ctx_seed(ctx);
    const captions_net n = {.task = &TASK,
                            .read = look,
                            .aside = jd_run_setting(r, "attributes"),
                            .width = (int)jd_run_setting(r, "maps"),
                            .net = {.writes = SCENE_VOCABULARY,
                                    .embed = (int64_t)jd_run_setting(r, "embed"),
                                    .units = (int64_t)jd_run_setting(r, "units")}};
    jd_sequence *rest = jd_alloc_array(ctx, count, sizeof *rest),
                *rest_new = jd_alloc_array(ctx, count, sizeof *rest_new);
    s->net = s->frozen = n;
    s->frozen.frozen = true;
    snprintf(s->net.name, sizeof s->net.name, "captions-%d", number);
    snprintf(s->frozen.name, sizeof s->frozen.name, "frozen-%d", number);
    jd_ctx_set_seed(ctx, seed);
    if (rest && rest_new && !one_net(r, &s->net, seed, count, &s->score, found, found_new))
        one_net(r, &s->frozen, seed, count, &s->control, rest, rest_new);
    jd_ctx_set_seed(ctx, before);
    seq2seq_found_free(ctx, rest, count);
    seq2seq_found_free(ctx, rest_new, count);
    return jd_error(ctx);
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

static void judge(claims *c, const caption_seed *s, int seeds)
{
    double bleu = 100, exact = 100, attributes = 100, shuffled = 0, gain = 100, named = 100;
    for (int i = 0; i < seeds; i++) {
        bleu = fmin(bleu, s[i].score.bleu);
        exact = fmin(exact, s[i].score.exact);
        attributes = fmin(attributes, s[i].score.attributes);
        shuffled = fmax(shuffled, 100 * s[i].score.shuffled / s[i].score.bleu);
        gain = fmin(gain, s[i].score.exact - s[i].control.exact);
        named = fmin(named, s[i].score.new_named);
    }
    claim(c, bleu >= 90, "BLEU-4 against 5 references at least 90, every seed", "least %.1f", bleu);
    claim(c, attributes >= 85, "all shapes named with their sizes and colours: at least 85 % of pictures, every seed",
          "least %.1f %%", attributes);
    claim(c, exact >= 90, "caption exactly right, relations too: at least 90 % of pictures, every seed",
          "least %.1f %%", exact);
    claim(c, shuffled <= 50, "captions of other pictures: at most half the BLEU-4, every seed", "at most %.1f %% of it",
          shuffled);
    claim(c, gain >= 20, "encoder left at its random weights: at least 20 points fewer captions right, every seed",
          "at least %.1f fewer", gain);
    jd_run_extra(c->r, "bleu4", bleu);
    jd_run_extra(c->r, "exact", exact);
    jd_run_extra(c->r, "attributes", attributes);
    jd_run_extra(c->r, "shuffled_share", shuffled);
    jd_run_extra(c->r, "frozen_points", gain);
    jd_run_extra(c->r, "new_named", named);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), pictures = jd_run_setting(r, "pictures");
    if (!(seeds >= 1 && seeds <= CAPTION_SEEDS && pictures >= 2 && pictures <= CAPTION_MOST &&
          jd_run_setting(r, "steps") >= 1 && jd_run_setting(r, "batch") >= 1 && jd_run_setting(r, "maps") >= 1 &&
          jd_run_setting(r, "units") >= 1 && jd_run_setting(r, "embed") >= 1 && jd_run_setting(r, "beam") >= 1))
        return jd_fail(ctx, JD_EUSAGE, "captioning: seeds is 1 to %d, pictures 2 to %d, the others at least 1",
                       CAPTION_SEEDS, CAPTION_MOST);
    const size_t count = (size_t)pictures;
    caption_seed *s = jd_alloc_array(ctx, CAPTION_SEEDS, sizeof *s);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    jd_sequence *shown[2] = {NULL, NULL};
    for (int i = 0; c && s && i < (int)seeds && !jd_error(ctx); i++) {
        jd_sequence *found = jd_alloc_array(ctx, count, sizeof *found), *new = jd_alloc_array(ctx, count, sizeof *new);
        if (found && new) one_seed(r, &s[i], i + 1, count, found, new);
        if (i == 0) {
            shown[0] = found;
            shown[1] = new;
            continue;
        }
        seq2seq_found_free(ctx, found, count);
        seq2seq_found_free(ctx, new, count);
    }
    if (!jd_error(ctx)) {
        c->r = r;
        judge(c, s, (int)seeds);
        caption_report(r, s, (int)seeds, shown[0], shown[1], count, c);
        jd_run_extra(r, "claims", c->n);
        jd_run_save(r, s[0].net.params, s[0].net.steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    seq2seq_found_free(ctx, shown[0], count);
    seq2seq_found_free(ctx, shown[1], count);
    for (int i = 0; s && i < CAPTION_SEEDS; i++) {
        captions_free(&s[i].net);
        captions_free(&s[i].frozen);
    }
    jd_free(ctx, s);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 3}, "nets, with scenes of their own"},
    {"steps", {1200, 5000, 20000}, "training steps, each on new pictures"},
    {"batch", {32, 32, 128}, "pictures a step"},
    {"rate", {2e-3, 2e-3, 1e-3}, "Adam's learning rate, falling to a fiftieth along half a cosine"},
    {"maps", {12, 12, 48}, "of the first convolution; the others have two and four times as many"},
    {"units", {128, 128, 512}, "LSTM cells, and numbers that a picture becomes"},
    {"attributes", {1, 1, 1}, "weight of a second loss of the encoder: which shapes there are; 0: none"},
    {"embed", {128, 128, 512}, "numbers that a word becomes"},
    {"pictures", {100, 200, 1000}, "to measure on, of either kind"},
    {"beam", {5, 5, 20}, "captions kept while one is written"},
    {0},
};

const jd_system jd_system_captioning = {
    .name = "captioning",
    .year = 2014,
    .title = "Captioning: a picture becomes a sentence",
    .paper =
        "O. Vinyals, A. Toshev, S. Bengio, D. Erhan: Show and Tell: a neural image caption generator. arXiv 1411.4555, "
        "2014",
    .metric = "claims that hold, of 5",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "photographs; BLEU-4 27.7 on MSCOCO, BLEU-1 59 on Pascal, with an encoder that had learned from ImageNet. "
        "Here pictures of one to three shapes, whose captions can be judged exactly, and an encoder that begins "
        "with random weights: not to be compared with those figures",
    .accept = {2, 5, 5},
    .about =
        "A convolutional net makes one vector of a picture, which an LSTM reads as if it were a word, once, before "
        "the first word; then it writes, and hears only what it has written. Both learn together from pictures and "
        "one caption each. The encoder, which nothing has taught before as ImageNet has taught that of the paper, is "
        "also asked which shapes there are, cell by cell and in the order in which they are named. Shapes are named "
        "as one reads, each with how it stands to the next. Two controls: captions of other pictures, and an encoder "
        "that keeps its random weights. A test of composition stands beside them: red triangles, blue circles and "
        "yellow squares never occur in training, and the table says how often they are named where they are shown.",
    .settings = SETTINGS,
    .run = run,
};
