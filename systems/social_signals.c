/*
 * social_signals.c - "social-signals": laughter and fillers in recordings (Brueckner and Schuller, ICASSP 2014).
 *
 * Deep bidirectional LSTM nets say for every 10 ms whether somebody laughs, fills a pause with a long vowel, or neither;
 * beside them one bidirectional layer, and one that hears the past alone, of as many weights.
 */
#include "social_signals.h"

#include <stdio.h>
#include <string.h>

#include "jackdaw/metrics.h"

const char *const social_nets[SOCIAL_NETS] = {"2 BLSTM layers", "1 BLSTM layer", "1 LSTM layer, past alone"};

/* ---- measuring -----------------------------------------------------------------------------------------------------------*/

/* The scores of one class over all test frames, side by side. */
static jd_status auc_of(jd_ctx *ctx, const frames_set *test, float *const *said, int class, double *auc, double *miss,
                        double *alarm)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < test->n; i++) n += (size_t)test->item[i].T;
    float *score = jd_alloc_array(ctx, n, sizeof *score);
    uint8_t *is = jd_alloc_array(ctx, n, 1);
    for (size_t i = 0; score && is && i < test->n; i++)
        for (int64_t t = 0; t < test->item[i].T; t++, at++) {
            score[at] = said[i][t * SOCIAL_CLASSES + class];
            is[at] = test->item[i].label[t] == class;
        }
    if (!jd_error(ctx)) *auc = 100 * jd_auc(ctx, score, is, n);
    for (int p = 0; miss && p < SOCIAL_POINTS && !jd_error(ctx); p++) {
        const double x = 1 - (double)(p + 1) / (SOCIAL_POINTS + 1); /* thresholds fall, and crowd towards 1 and 0 */
        const double threshold = x * x * x / (x * x * x + (1 - x) * (1 - x) * (1 - x));
        double missed = 0, alarms = 0, positives = 0;
        for (size_t i = 0; i < n; i++) {
            positives += is[i];
            missed += is[i] && (double)score[i] < threshold;
            alarms += !is[i] && (double)score[i] >= threshold;
        }
        miss[p] = positives > 0 ? 100 * missed / positives : (double)NAN;
        alarm[p] = 100 * alarms / ((double)n - positives);
    }
    jd_free(ctx, score);
    jd_free(ctx, is);
    return jd_error(ctx);
}

static jd_status measure(jd_ctx *ctx, social_seed *s, int net, const frames_set *test, float *const *said,
                         social_shown *shown)
{
    s->uaauc[net] = 0;
    for (int k = SOCIAL_LAUGHTER; k < SOCIAL_CLASSES; k++) {
        if (auc_of(ctx, test, said, k, &s->auc[net][k], shown ? shown->miss[net][k] : NULL,
                   shown ? shown->alarm[net][k] : NULL))
            break;
        s->uaauc[net] += s->auc[net][k] / (SOCIAL_CLASSES - 1);
    }
    return jd_error(ctx);
}

/* ---- one seed ------------------------------------------------------------------------------------------------------------*/

typedef struct heard {
    jd_speech train, test;
    const jd_speech *for_train, *for_test; /* NULL: generated speech */
} heard;

static void design(jd_run *r, social_seed *s, int number)
{
    static const char *const keys[SOCIAL_NETS] = {"deep", "shallow", "one-way"};
    const int units = (int)jd_run_setting(r, "units");
    const int64_t weights = frames_lstm_weights(SOCIAL_MELS, SOCIAL_CLASSES, 0, 2, units, true);
    for (int i = 0; i < SOCIAL_NETS; i++) snprintf(s->net[i].name, sizeof s->net->name, "%s-%d", keys[i], number);
    snprintf(s->net[SOCIAL_DEEP].spec, sizeof s->net->spec, "blstm %d, blstm %d, dense %d", units, units,
             SOCIAL_CLASSES);
    snprintf(s->net[SOCIAL_SHALLOW].spec, sizeof s->net->spec, "blstm %d, dense %d",
             (int)frames_lstm_units(SOCIAL_MELS, SOCIAL_CLASSES, 1, true, weights), SOCIAL_CLASSES);
    snprintf(s->net[SOCIAL_ONE_WAY].spec, sizeof s->net->spec, "lstm %d, dense %d",
             (int)frames_lstm_units(SOCIAL_MELS, SOCIAL_CLASSES, 1, false, weights), SOCIAL_CLASSES);
}

/* Keeps the first test clip: its sound is made anew, its features are those that the nets read, before they are scaled. */
static jd_status keep_clip(jd_run *r, const heard *h, uint64_t seed, const frames_set *test, social_shown *shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_rng rng = jd_rng_new(seed, "social/test", 0);
    const size_t n = (size_t)(test->item[0].T * SOCIAL_MELS);
    shown->T = test->item[0].T;
    shown->mel = jd_alloc_array(ctx, n, sizeof *shown->mel);
    if (shown->mel) memcpy(shown->mel, test->item[0].x, n * sizeof *shown->mel);
    return social_make(ctx, h->for_test, jd_run_setting(r, "clip_seconds"), &rng, &shown->clip);
}

static jd_status one_seed(jd_run *r, const heard *h, social_seed *s, int number, social_shown *shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000 + (uint64_t)number;
    const double seconds = jd_run_setting(r, "clip_seconds");
    frames_set train = {0}, valid = {0}, test = {0};
    frames_scale k = {0};
    const frames_plan plan = {.rate = jd_run_setting(r, "rate"),
                              .epochs = jd_run_setting(r, "epochs"),
                              .batch = (int64_t)jd_run_setting(r, "batch"),
                              .seed = seed};
    design(r, s, number);
    if (!social_set(ctx, h->for_train, seconds, seed, "social/train", (size_t)jd_run_setting(r, "clips"), &train) &&
        !social_set(ctx, h->for_train, seconds, seed, "social/held out", 20, &valid) &&
        !social_set(ctx, h->for_test, seconds, seed, "social/test", (size_t)jd_run_setting(r, "test_clips"), &test)) {
        k = frames_scale_of(ctx, &train, true);
        if (shown) keep_clip(r, h, seed, &test, shown);
        frames_set *all[] = {&train, &valid, &test};
        for (int i = 0; i < 3 && !jd_error(ctx); i++) frames_scale_apply(&k, all[i], true);
    }
    for (int i = 0; i < SOCIAL_NETS && !jd_error(ctx); i++) {
        float **said = frames_said_new(ctx, &test);
        if (said && !frames_train(r, &s->net[i], &train, &valid, &plan) && !frames_say(ctx, &s->net[i], &test, said) &&
            !measure(ctx, s, i, &test, said, shown)) {
            jd_run_note(r, "%s: UAAUC %.2f %% (laughter %.2f, filler %.2f)", s->net[i].name, s->uaauc[i],
                        s->auc[i][SOCIAL_LAUGHTER], s->auc[i][SOCIAL_FILLER]);
            if (shown) { /* what it says of the first clip changes hands */
                shown->said[i] = said[0];
                said[0] = NULL;
            }
        }
        frames_said_free(ctx, &test, said);
    }
    frames_set_free(ctx, &train);
    frames_set_free(ctx, &valid);
    frames_set_free(ctx, &test);
    frames_scale_free(ctx, &k);
    return jd_error(ctx);
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

/* UAAUC of one net over the seeds. */
typedef struct spread {
    double mean, least, most;
} spread;

static spread over_seeds(const social_seed *s, int seeds, int net)
{
    spread v = {0, 100, 0};
    for (int i = 0; i < seeds; i++) {
        v.mean += s[i].uaauc[net] / seeds;
        v.least = fmin(v.least, s[i].uaauc[net]);
        v.most = fmax(v.most, s[i].uaauc[net]);
    }
    return v;
}

/* Of the means of two nets, with their spreads: the first is not below the second. */
static void in_order(claims *c, const char *what, spread a, spread b)
{
    claim(c, a.mean >= b.mean, what, "%.2f %% (%.2f to %.2f) against %.2f %% (%.2f to %.2f)", a.mean, a.least, a.most,
          b.mean, b.least, b.most);
}

static void judge(claims *c, const social_seed *s, int seeds)
{
    const spread deep = over_seeds(s, seeds, SOCIAL_DEEP), shallow = over_seeds(s, seeds, SOCIAL_SHALLOW),
                 one = over_seeds(s, seeds, SOCIAL_ONE_WAY);
    claim(c, deep.least >= 95, "2 BLSTM layers: UAAUC at least 95 %, every seed", "least %.2f %%, mean %.2f %%",
          deep.least, deep.mean);
    in_order(c, "2 BLSTM layers: mean UAAUC at least that of 1 BLSTM layer", deep, shallow);
    in_order(c, "1 BLSTM layer: mean UAAUC at least that of 1 LSTM layer", shallow, one);
    jd_run_extra(c->r, "uaauc", deep.mean);
    jd_run_extra(c->r, "uaauc_shallow", shallow.mean);
    jd_run_extra(c->r, "uaauc_one_way", one.mean);
}

static bool skip(void *user)
{
    return jd_run_skip(user);
}

static jd_status listen(jd_run *r, heard *h)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const char *data = jd_run_data(r, "fsdd"), *dir = strcmp(data, "fsdd") != 0 ? data : NULL;
    if (strcmp(data, "synthetic") == 0) return JD_OK;
    jd_run_stage(r, "reading recordings");
    if (jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = dir, .split = JD_TRAIN, .skip = skip, .user = r}, &h->train) ||
        jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = dir, .split = JD_TEST, .skip = skip, .user = r}, &h->test))
        return jd_error(ctx);
    h->for_train = &h->train;
    h->for_test = &h->test;
    if (h->train.rate != SOCIAL_RATE || !h->train.count || !h->test.count)
        return jd_fail(ctx, JD_EDATA,
                       "social-signals: recordings of 8000 samples a second are needed, to train and to test");
    return JD_OK;
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), seconds = jd_run_setting(r, "clip_seconds");
    if (!(seeds >= 1 && seeds <= SOCIAL_SEEDS && seconds >= 1 && seconds <= 600 && jd_run_setting(r, "clips") >= 1 &&
          jd_run_setting(r, "test_clips") >= 1 && jd_run_setting(r, "units") >= 1))
        return jd_fail(ctx, JD_EUSAGE, "social-signals: seeds is 1 to %d, clip_seconds 1 to 600, the others at least 1",
                       SOCIAL_SEEDS);
    heard h = {0};
    social_seed *s = jd_alloc_array(ctx, SOCIAL_SEEDS, sizeof *s);
    social_shown *shown = jd_alloc_array(ctx, 1, sizeof *shown);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    listen(r, &h);
    for (int i = 0; i < (int)seeds && !jd_error(ctx); i++) one_seed(r, &h, &s[i], i + 1, i ? NULL : shown);
    if (!jd_error(ctx)) {
        const frames_net *kept = &s[0].net[SOCIAL_DEEP];
        c->r = r;
        judge(c, s, (int)seeds);
        social_report(r, s, (int)seeds, shown, c);
        jd_run_extra(r, "claims", c->n);
        jd_run_config(r, "net", kept->spec);
        jd_run_config(r, "scope", kept->name);
        jd_run_save(r, kept->params, kept->steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    for (int i = 0; s && i < SOCIAL_SEEDS; i++)
        for (int n = 0; n < SOCIAL_NETS; n++) frames_net_free(&s[i].net[n]);
    for (int n = 0; shown && n < SOCIAL_NETS; n++) jd_free(ctx, shown->said[n]);
    if (shown) jd_free(ctx, shown->mel);
    if (shown) social_clip_free(ctx, &shown->clip);
    jd_speech_free(ctx, &h.train);
    jd_speech_free(ctx, &h.test);
    jd_free(ctx, s);
    jd_free(ctx, shown);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 5}, "times that clips are made and nets trained anew"},
    {"clips", {60, 150, 2000}, "to learn from"},
    {"test_clips", {40, 100, 200}, "to measure on"},
    {"clip_seconds", {5, 5, 10}, "length of a clip"},
    {"units", {12, 20, 80}, "LSTM cells a direction, in each of two layers"},
    {"epochs", {12, 20, 20}, "passes over the clips"},
    {"batch", {4, 4, 32}, "clips a step"},
    {"rate", {1e-2, 8e-3, 2e-3}, "Adam's learning rate, falling to a twentieth along half a cosine"},
    {0},
};

const jd_system jd_system_social_signals = {
    .name = "social-signals",
    .year = 2014,
    .title = "Social signals: laughter and fillers in speech, deep BLSTM",
    .paper =
        "R. Brueckner, B. Schuller: Social signal classification using deep BLSTM recurrent neural networks. ICASSP "
        "2014, pp. 4823-4827",
    .metric = "claims that hold, of 3",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "UAAUC of 94.0 % on the recordings of the Interspeech 2013 challenge, 92.4 % the best before; these are "
        "licensed. Here the words are recorded (free spoken digits), laughs and fillers are generated",
    .accept = {3, 3, 3},
    .about =
        "Whether somebody laughs or only breathes out, whether a vowel is part of a word or fills a pause: the sound "
        "of one moment does not tell. Laughter is a rhythm, four to six whispered vowels a second; a filler is a "
        "vowel that lasts. In the clips there are also breaths that are single, slow or a rattle, and vowels that are "
        "short or move into another one: these are neither. A net that hears both directions knows at the first burst "
        "what follows. The figure is the area under the ROC curve of each class over all frames, by ranks, and the "
        "mean of the two: UAAUC.",
    .data = "fsdd",
    .settings = SETTINGS,
    .run = run,
};
