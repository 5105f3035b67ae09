/*
 * talking_head.c - "talking-head": the mouth that says a sentence (Fan, Wang, Soong, Xie, ICASSP 2015).
 *
 * From the names of the phones, 50 times a second, nets say the principal components of eight landmarks of the mouth.  The
 * paper's best net, two bidirectional LSTM layers on a feed-forward one, beside one such layer alone and a feed-forward net
 * that sees each frame by itself, all of as many weights.
 */
#include "talking_head.h"

#include <stdio.h>
#include <string.h>

const char *const head_names[HEAD_NETS] = {"feed-forward + 2 BLSTM layers", "1 BLSTM layer", "feed-forward net"};

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

typedef struct talk {
    phones_sentence *sentence; /* (n) */
    float **face;              /* (n) of (T,16) */
    frames_set set;
} talk;

static phones_sentence sentence_of(uint64_t seed, const char *stream, size_t i)
{
    jd_rng r = jd_rng_new(seed, stream, i);
    phones_sentence s;
    phones_make(&r, &s);
    return s;
}

/* The faces of n sentences; the set of inputs and components is made by talk_set, when the components are known. */
static jd_status talk_new(jd_ctx *ctx, uint64_t seed, const char *stream, size_t n, talk *out)
{
    *out = (talk){.sentence = jd_alloc_array(ctx, n, sizeof *out->sentence),
                  .face = jd_alloc_array(ctx, n, sizeof *out->face)};
    out->set.n = n;
    for (size_t i = 0; !jd_error(ctx) && i < n; i++) {
        out->sentence[i] = sentence_of(seed, stream, i);
        const int64_t T = phones_frames(&out->sentence[i], HEAD_STEP);
        out->face[i] = jd_alloc_array(ctx, (size_t)T * PHONES_FACE, sizeof(float));
        if (out->face[i]) phones_mouth(&out->sentence[i], HEAD_STEP, out->face[i]);
    }
    return jd_error(ctx);
}

static jd_status talk_set(jd_ctx *ctx, const head_faces *f, talk *k)
{
    k->set = frames_set_new(ctx, k->set.n, phones_inputs(HEAD_CONTEXT), f->kept, false);
    for (size_t i = 0; i < k->set.n && !jd_error(ctx); i++) {
        frames_item *it = frames_room(ctx, &k->set, i, phones_frames(&k->sentence[i], HEAD_STEP));
        if (!it) break;
        phones_input(&k->sentence[i], HEAD_STEP, HEAD_CONTEXT, it->x);
        for (int64_t t = 0; t < it->T; t++) head_coefficients(f, k->face[i] + t * PHONES_FACE, it->y + t * f->kept);
        for (int64_t t = 0; t < it->T * f->kept; t++) it->w[t] = 1;
    }
    return jd_error(ctx);
}

static void talk_free(jd_ctx *ctx, talk *k)
{
    for (size_t i = 0; k->face && i < k->set.n; i++) jd_free(ctx, k->face[i]);
    if (k->set.item) frames_set_free(ctx, &k->set);
    jd_free(ctx, k->face);
    jd_free(ctx, k->sentence);
    *k = (talk){0};
}

/* Of all faces of the training sentences. */
static jd_status components_of(jd_ctx *ctx, const talk *k, head_faces *f)
{
    int64_t n = 0, at = 0;
    for (size_t i = 0; i < k->set.n; i++) n += phones_frames(&k->sentence[i], HEAD_STEP);
    float *all = jd_alloc_array(ctx, (size_t)n * PHONES_FACE, sizeof *all);
    for (size_t i = 0; all && i < k->set.n; i++) {
        const int64_t T = phones_frames(&k->sentence[i], HEAD_STEP);
        memcpy(all + at * PHONES_FACE, k->face[i], (size_t)T * PHONES_FACE * sizeof *all);
        at += T;
    }
    if (all) head_components(all, n, f);
    jd_free(ctx, all);
    return jd_error(ctx);
}

/* ---- one seed ------------------------------------------------------------------------------------------------------------*/

static void design(jd_run *r, head_seed *s, int number, int outputs)
{
    static const char *const keys[HEAD_NETS] = {"deep", "one", "dnn"};
    const int64_t inputs = phones_inputs(HEAD_CONTEXT), first = (int64_t)jd_run_setting(r, "first"),
                  units = (int64_t)jd_run_setting(r, "units"),
                  weights = frames_lstm_weights(inputs, outputs, first, 2, units, true);
    const int one = (int)frames_lstm_units(inputs, outputs, 1, true, weights),
              wide = (int)frames_dense_width(inputs, outputs, 3, weights);
    for (int i = 0; i < HEAD_NETS; i++) snprintf(s->net[i].name, sizeof s->net[i].name, "%s-%d", keys[i], number);
    snprintf(s->net[HEAD_DEEP].spec, sizeof s->net->spec, "dense %d tanh, blstm %d, blstm %d, dense %d", (int)first,
             (int)units, (int)units, outputs);
    snprintf(s->net[HEAD_ONE].spec, sizeof s->net->spec, "blstm %d, dense %d", one, outputs);
    snprintf(s->net[HEAD_DNN].spec, sizeof s->net->spec, "dense %d tanh, dense %d tanh, dense %d tanh, dense %d", wide,
             wide, wide, outputs);
}

/* Mean square error of the landmarks that the scaled components in said[i] mean; keeps the first sentence's in `shown`. */
static double off(jd_ctx *ctx, const talk *test, const head_faces *f, const frames_scale *k, float *const *said,
                  float **shown)
{
    double square = 0, count = 0;
    for (size_t i = 0; i < test->set.n; i++) {
        const int64_t T = test->set.item[i].T;
        if (i == 0 && shown) *shown = jd_alloc_array(ctx, (size_t)T * PHONES_FACE, sizeof **shown);
        for (int64_t t = 0; t < T; t++) {
            float c[PHONES_FACE], face[PHONES_FACE];
            for (int d = 0; d < f->kept; d++) c[d] = said ? said[i][t * f->kept + d] * k->deviation[d] + k->mean[d] : 0;
            head_face(f, c, face);
            for (int d = 0; d < PHONES_FACE; d++) {
                const double error = (double)face[d] - (double)test->face[i][t * PHONES_FACE + d];
                square += error * error;
                count++;
            }
            if (i == 0 && shown && *shown) memcpy(*shown + t * PHONES_FACE, face, sizeof face);
        }
    }
    return 1e6 * square / count;
}

static jd_status one_seed(jd_run *r, head_seed *s, int number, head_faces *f, head_shown *shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000 + (uint64_t)number;
    talk train = {0}, valid = {0}, test = {0};
    frames_scale k = {0};
    const frames_plan plan = {.rate = jd_run_setting(r, "rate"),
                              .epochs = jd_run_setting(r, "epochs"),
                              .batch = (int64_t)jd_run_setting(r, "batch"),
                              .seed = seed};
    if (!talk_new(ctx, seed, "mouth/train", (size_t)jd_run_setting(r, "sentences"), &train) &&
        !talk_new(ctx, seed, "mouth/held out", 20, &valid) &&
        !talk_new(ctx, seed, "mouth/test", (size_t)jd_run_setting(r, "test_sentences"), &test) &&
        !components_of(ctx, &train, f) && !talk_set(ctx, f, &train) && !talk_set(ctx, f, &valid) &&
        !talk_set(ctx, f, &test)) {
        design(r, s, number, f->kept);
        k = frames_scale_of(ctx, &train.set, false);
        if (!jd_error(ctx)) frames_scale_apply(&k, &train.set, false);
        if (!jd_error(ctx)) frames_scale_apply(&k, &valid.set, false);
    }
    if (!jd_error(ctx)) s->still = off(ctx, &test, f, &k, NULL, NULL);
    for (int i = 0; i < HEAD_NETS && !jd_error(ctx); i++) {
        float **said = frames_said_new(ctx, &test.set);
        if (said && !frames_train(r, &s->net[i], &train.set, &valid.set, &plan) &&
            !frames_say(ctx, &s->net[i], &test.set, said)) {
            s->square[i] = off(ctx, &test, f, &k, said, shown ? &shown->face[i + 1] : NULL);
            jd_run_note(r, "%s: mean square error %.1f (a still mouth %.0f), 1e-6 widths squared", s->net[i].name,
                        s->square[i], s->still);
        }
        frames_said_free(ctx, &test.set, said);
    }
    if (shown && !jd_error(ctx)) { /* the target's faces change hands */
        shown->sentence = test.sentence[0];
        shown->T = test.set.item[0].T;
        shown->face[0] = test.face[0];
        test.face[0] = NULL;
    }
    talk_free(ctx, &train);
    talk_free(ctx, &valid);
    talk_free(ctx, &test);
    frames_scale_free(ctx, &k);
    return jd_error(ctx);
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

/* The largest error of net a in terms of net b, over seeds, %. */
static double share(const head_seed *s, int seeds, int a, int b)
{
    double most = 0;
    for (int i = 0; i < seeds; i++) most = fmax(most, 100 * s[i].square[a] / s[i].square[b]);
    return most;
}

static void judge(claims *c, const head_seed *s, int seeds)
{
    const double deep = share(s, seeds, HEAD_DEEP, HEAD_ONE), one = share(s, seeds, HEAD_ONE, HEAD_DNN);
    double worst = 0;
    for (int i = 0; i < seeds; i++) worst = fmax(worst, 100 * s[i].square[HEAD_DEEP] / s[i].still);
    claim(c, deep <= 100, "feed-forward + 2 BLSTM layers: error not above that of 1 BLSTM layer, every seed",
          "at most %.1f %% of it", deep);
    claim(c, one <= 100, "1 BLSTM layer: error not above that of the feed-forward net, every seed",
          "at most %.1f %% of it", one);
    claim(c, worst <= 5, "feed-forward + 2 BLSTM layers: at most 5 % of a still mouth's error, every seed",
          "at most %.2f %%", worst);
    jd_run_extra(c->r, "deep_of_one", deep);
    jd_run_extra(c->r, "one_of_dnn", one);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds");
    if (!(seeds >= 1 && seeds <= HEAD_SEEDS && jd_run_setting(r, "test_sentences") >= 1 &&
          jd_run_setting(r, "sentences") >= 1 && jd_run_setting(r, "units") >= 1 && jd_run_setting(r, "first") >= 1))
        return jd_fail(ctx, JD_EUSAGE, "talking-head: seeds is 1 to %d, the others at least 1", HEAD_SEEDS);
    head_seed *s = jd_alloc_array(ctx, HEAD_SEEDS, sizeof *s);
    head_faces *f = jd_alloc_array(ctx, HEAD_SEEDS, sizeof *f);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    head_shown shown = {0};
    for (int i = 0; c && s && f && i < (int)seeds && !jd_error(ctx); i++)
        one_seed(r, &s[i], i + 1, &f[i], i ? NULL : &shown);
    if (!jd_error(ctx)) {
        const frames_net *kept = &s[0].net[HEAD_DEEP];
        c->r = r;
        judge(c, s, (int)seeds);
        head_report(r, s, (int)seeds, &f[0], &shown, c);
        jd_run_extra(r, "claims", c->n);
        jd_run_config(r, "net", kept->spec);
        jd_run_config(r, "scope", kept->name);
        jd_run_save(r, kept->params, kept->steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    for (int i = 0; s && i < HEAD_SEEDS; i++)
        for (int n = 0; n < HEAD_NETS; n++) frames_net_free(&s[i].net[n]);
    for (int n = 0; n <= HEAD_NETS; n++) jd_free(ctx, shown.face[n]);
    jd_free(ctx, s);
    jd_free(ctx, f);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 5}, "times that sentences are made and nets trained anew"},
    {"sentences", {300, 800, 20000}, "to learn from"},
    {"test_sentences", {50, 100, 200}, "to measure on"},
    {"first", {24, 32, 64}, "units of the feed-forward layer"},
    {"units", {16, 24, 128}, "LSTM cells a direction, in each of the two layers"},
    {"epochs", {20, 30, 20}, "passes over the sentences"},
    {"batch", {4, 4, 64}, "sentences a step"},
    {"rate", {8e-3, 6e-3, 2e-3}, "Adam's learning rate, falling to a twentieth along half a cosine"},
    {0},
};

const jd_system jd_system_talking_head = {
    .name = "talking-head",
    .year = 2015,
    .title = "Talking head: the mouth that says a sentence, deep BLSTM",
    .paper =
        "B. Fan, L. Wang, F. K. Soong, L. Xie: Photo-real talking head with deep bidirectional LSTM. ICASSP 2015, pp. "
        "4884-4888",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "two BLSTM layers on top of one feed-forward layer are the best of the nets compared, and better than HMMs "
        "objectively and to the eye; there of one speaker's video, coefficients of an active appearance model. "
        "Here of a generated mouth, principal components of its landmarks",
    .accept = {3, 3, 3},
    .about =
        "Lips and jaw are slow, and they begin to move before the sound: what the mouth looks like now depends on "
        "phones said before and phones to come, and on how long they take. The nets are told the phone of each frame, "
        "its neighbours and how far it has got, and say the shape of the mouth, as coordinates of a few principal "
        "components of eight landmarks. All three have equally many weights. What to look at: the film, and the strip "
        "of pictures under it.",
    .settings = SETTINGS,
    .run = run,
};
