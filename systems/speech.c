/* Recordings to feature vectors, with random changes of the voice, and ragged batches. */
#include "speech.h"

#include <stdio.h>
#include <string.h>

/* ---- features --------------------------------------------------------------------------------------------------------- */

/* Recordings are scaled to an rms of LEVEL first.  Floors about 45 dB below that keep the silence of one microphone from
 * differing from another's. */
static const float LEVEL = 0.1f, MEL_FLOOR = 1e-3f, ENERGY_FLOOR = 1e-4f;

jd_status speech_ear_open(jd_ctx *ctx, int rate, speech_ear *ear)
{
    *ear = (speech_ear){.ctx = ctx, .rate = rate};
    for (int i = 0; i < SPEECH_TEMPOS; i++)
        ear->ear[i] = jd_ear_new(ctx, &(jd_ear_options){.preset = "mfcc39",
                                                        .rate = rate,
                                                        .shift_ms = 8.5f + 0.75f * (float)i,
                                                        .mel_floor = MEL_FLOOR,
                                                        .energy_floor = ENERGY_FLOOR,
                                                        .skip = SPEECH_SKIP,
                                                        .prior = SPEECH_PRIOR});
    if (jd_error(ctx)) speech_ear_close(ear);
    return jd_error(ctx);
}

void speech_ear_close(speech_ear *ear)
{
    for (int i = 0; i < SPEECH_TEMPOS; i++) jd_ear_free(ear->ear[i]);
    jd_free(ear->ctx, ear->samples);
    *ear = (speech_ear){0};
}

static float *room(jd_ctx *ctx, float **p, size_t *have, size_t want)
{
    if (want > *have) {
        jd_free(ctx, *p);
        *p = jd_alloc_array(ctx, want + want / 4, sizeof(float));
        *have = *p ? want + want / 4 : 0;
    }
    return *p;
}

/* Catmull-Rom interpolation of x at the place `at`; 0 outside. */
static float sample_at(const float *x, size_t n, double at)
{
    const double base = floor(at);
    const int64_t i = (int64_t)base;
    const float f = (float)(at - base);
    float p[4];
    for (int k = 0; k < 4; k++) {
        const int64_t j = i + k - 1;
        p[k] = j >= 0 && j < (int64_t)n ? x[j] : 0.f;
    }
    const float a = 2.f * p[1], b = p[2] - p[0], c = 2.f * p[0] - 5.f * p[1] + 4.f * p[2] - p[3];
    const float d = 3.f * (p[1] - p[2]) + p[3] - p[0];
    return 0.5f * (a + f * (b + f * (c + f * d)));
}

/* Another voice, room and microphone: resampling moves pitch and formants as a shorter or longer vocal tract does; a
 * first-order filter tilts the spectrum; silence is added at both ends, and white noise over all. */
static size_t change_wave(speech_ear *ear, const float *in, size_t count, jd_rng *rng, double strength)
{
    const double warp = exp(0.16 * strength * (2 * jd_rng_uniform64(rng) - 1));
    const double tilt = 0.4 * strength * (2 * jd_rng_uniform64(rng) - 1);
    const double snr = 45 - 20 * strength * jd_rng_uniform64(rng); /* dB */
    const double edge = 0.06 * strength * ear->rate;
    const size_t before = (size_t)(edge * jd_rng_uniform64(rng)), after = (size_t)(edge * jd_rng_uniform64(rng));
    const size_t inner = (size_t)((double)count / warp), n = before + inner + after;
    float *x = room(ear->ctx, &ear->samples, &ear->samples_room, n + 1);
    if (!x) return 0;
    memset(x, 0, n * sizeof *x);
    for (size_t i = 0; i < inner; i++) x[before + i] = sample_at(in, count, (double)i * warp);
    for (size_t i = n; i-- > 1;) x[i] += (float)tilt * x[i - 1];
    jd_sound_level(x, n, LEVEL);
    const float noise = (float)(0.1 * pow(10, -snr / 20));
    /* The sum of four uniform numbers is normal enough for noise, and quick: variance 4/12. */
    for (size_t i = 0; i < n; i++) {
        const uint32_t u = jd_rng_u32(rng);
        const int sum = (int)(u & 255) + (int)(u >> 8 & 255) + (int)(u >> 16 & 255) + (int)(u >> 24) - 510;
        x[i] += noise * (float)sum * (1.f / 147.8f);
    }
    return n;
}

int32_t speech_hear(speech_ear *ear, const float *samples, size_t count, jd_rng *change, double strength)
{
    jd_ear *e = ear->ear[SPEECH_TEMPOS / 2];
    size_t first = 0, n = count;
    if (change) {
        n = change_wave(ear, samples, count, change, strength);
        e = ear->ear[jd_rng_below(change, SPEECH_TEMPOS)];
        first = jd_rng_below(change, SPEECH_SKIP);
    } else if (room(ear->ctx, &ear->samples, &ear->samples_room, count + 1)) {
        memcpy(ear->samples, samples, count * sizeof(float));
        jd_sound_level(ear->samples, n, LEVEL);
    }
    if (jd_error(ear->ctx)) return 0;
    const size_t steps = jd_ear_hear(e, ear->samples, n, ear->rate, first);
    ear->frames = jd_ear_steps(e);
    return (int32_t)steps;
}

static void put_numbers(jd_run *r, const char *name, const float *v, bool inverse)
{
    char text[SPEECH_WIDTH * 20 + 1];
    size_t at = 0;
    for (int d = 0; d < SPEECH_WIDTH; d++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.9g", d ? " " : "",
                               inverse ? 1 / (double)v[d] : (double)v[d]);
    jd_run_config(r, name, text);
}

void speech_describe(jd_run *r, int rate, const speech_bag *train, const char *net, const char *alphabet,
                     const char *const *class_names, int classes)
{
    char names[1000] = "";
    size_t at = 0;
    for (int k = 0; class_names && k < classes && at + 1 < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", k ? "|" : "", class_names[k]);
    jd_run_config(r, "net", net);
    jd_run_config(r, "sound-preset", "mfcc39");
    jd_run_config_number(r, "sound-rate", rate);
    jd_run_config_number(r, "sound-mel-floor", (double)MEL_FLOOR);
    jd_run_config_number(r, "sound-energy-floor", (double)ENERGY_FLOOR);
    jd_run_config_number(r, "sound-level", (double)LEVEL);
    jd_run_config_number(r, "sound-skip", SPEECH_SKIP);
    jd_run_config_number(r, "sound-prior", SPEECH_PRIOR);
    put_numbers(r, "mean", train->mean, false);
    put_numbers(r, "factor", train->deviation, true);
    if (alphabet) jd_run_config(r, "alphabet", alphabet);
    if (class_names && at < sizeof names) jd_run_config(r, "class-names", names);
    if (class_names) jd_run_config_number(r, "classes", classes);
}

/* ---- bags --------------------------------------------------------------------------------------------------------------- */

static jd_status keep_features(speech_ear *ear, speech_item *item, const float *samples, size_t count)
{
    item->steps = speech_hear(ear, samples, count, NULL, 0);
    const size_t bytes = (size_t)item->steps * SPEECH_WIDTH * sizeof(float);
    if (item->steps) item->x = jd_alloc(ear->ctx, bytes);
    if (item->x) memcpy(item->x, ear->frames, bytes);
    return jd_error(ear->ctx);
}

static speech_item *new_items(jd_ctx *ctx, size_t n, speech_bag *bag)
{
    *bag = (speech_bag){.ctx = ctx, .n = n};
    for (int d = 0; d < SPEECH_WIDTH; d++) bag->deviation[d] = 1;
    if (!n) jd_fail(ctx, JD_EDATA, "speech: no recordings in this split; check the data set");
    bag->items = n ? jd_alloc_array(ctx, n, sizeof *bag->items) : NULL;
    return bag->items;
}

jd_status speech_bag_takes(speech_ear *ear, const speech_take *takes, size_t n, speech_bag *out)
{
    speech_bag bag;
    size_t labels = 1;
    if (!new_items(ear->ctx, n, &bag)) return jd_error(ear->ctx);
    for (size_t i = 0; i < n; i++) labels += (size_t)takes[i].labels_n;
    int32_t *at = bag.label_room = jd_alloc_array(ear->ctx, labels, sizeof *at);
    for (size_t i = 0; i < n && !jd_error(ear->ctx); i++) {
        const speech_take *t = &takes[i];
        memcpy(at, t->labels, (size_t)t->labels_n * sizeof *at);
        bag.items[i] = (speech_item){
            .wave = t->wave, .count = t->count, .labels = at, .labels_n = t->labels_n, .speaker = t->speaker};
        at += t->labels_n;
        if (t->labels_n > bag.most_labels) bag.most_labels = t->labels_n;
        keep_features(ear, &bag.items[i], t->wave, t->count);
    }
    if (jd_error(ear->ctx))
        speech_bag_free(&bag);
    else
        *out = bag;
    return jd_error(ear->ctx);
}

jd_status speech_bag_words(speech_ear *ear, const jd_speech *speech, speech_bag *out)
{
    speech_take *takes = jd_alloc_array(ear->ctx, speech->count + 1, sizeof *takes);
    int32_t *digits = jd_alloc_array(ear->ctx, speech->count + 1, sizeof *digits);
    for (size_t i = 0; !jd_error(ear->ctx) && i < speech->count; i++) {
        const jd_utterance *u = &speech->items[i];
        digits[i] = u->digit;
        takes[i] = (speech_take){u->samples, u->count, &digits[i], 1, u->speaker};
    }
    if (!jd_error(ear->ctx)) speech_bag_takes(ear, takes, speech->count, out);
    jd_free(ear->ctx, takes);
    jd_free(ear->ctx, digits);
    return jd_error(ear->ctx);
}

jd_status speech_bag_strings(jd_run *r, speech_ear *ear, const jd_speech *speech, const jd_digits_options *o,
                             uint64_t seed, size_t n, speech_bag *out)
{
    jd_ctx *ctx = ear->ctx;
    speech_bag bag;
    if (!new_items(ctx, n, &bag)) return jd_error(ctx);
    bag.source = speech;
    bag.how = *o;
    bag.seed = seed;
    bag.most_labels = SPEECH_LABELS;
    bag.label_room = jd_alloc_array(ctx, n, SPEECH_LABELS * sizeof *bag.label_room);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        jd_digits s = {0};
        if (jd_digits_make(ctx, speech, o, seed, i, &s)) break;
        speech_item *item = &bag.items[i];
        if (s.count > SPEECH_LABELS) {
            jd_fail(ctx, JD_EUSAGE, "speech: a string of %d digits; at most %d are possible", s.count, SPEECH_LABELS);
        } else {
            item->labels_n = s.count;
            item->labels = bag.label_room + i * SPEECH_LABELS;
            memcpy(bag.label_room + i * SPEECH_LABELS, s.labels, (size_t)s.count * sizeof(int32_t));
            keep_features(ear, item, s.samples, s.samples_count);
        }
        jd_digits_free(ctx, &s);
        if (jd_run_progress(r, (double)(i + 1), (double)n, "strings of digits")) jd_run_stopped(r);
    }
    if (jd_error(ctx))
        speech_bag_free(&bag);
    else
        *out = bag;
    return jd_error(ctx);
}

void speech_bag_free(speech_bag *bag)
{
    for (size_t i = 0; bag->items && i < bag->n; i++) jd_free(bag->ctx, bag->items[i].x);
    if (bag->ctx) jd_free(bag->ctx, bag->items);
    if (bag->ctx) jd_free(bag->ctx, bag->label_room);
    *bag = (speech_bag){0};
}

static void normalise(speech_bag *bag, const float *mean, const float *deviation)
{
    memcpy(bag->mean, mean, sizeof bag->mean);
    memcpy(bag->deviation, deviation, sizeof bag->deviation);
    for (size_t i = 0; i < bag->n; i++)
        for (int64_t k = 0; k < (int64_t)bag->items[i].steps * SPEECH_WIDTH; k++)
            bag->items[i].x[k] = (bag->items[i].x[k] - mean[k % SPEECH_WIDTH]) / deviation[k % SPEECH_WIDTH];
}

jd_status speech_normalise(speech_bag *train, speech_bag *const *others, int n)
{
    float mean[SPEECH_WIDTH], deviation[SPEECH_WIDTH];
    jd_norm *norm = jd_norm_new(train->ctx, SPEECH_WIDTH);
    if (!norm) return jd_error(train->ctx);
    for (size_t i = 0; i < train->n; i++) jd_norm_add(norm, train->items[i].x, (size_t)train->items[i].steps);
    jd_norm_get(norm, mean, deviation);
    jd_norm_free(norm);
    for (int d = 0; d < SPEECH_WIDTH; d++)
        if (!(deviation[d] > 1e-6f)) deviation[d] = 1;
    normalise(train, mean, deviation);
    for (int i = 0; i < n; i++) normalise(others[i], mean, deviation);
    return jd_error(train->ctx);
}

/* ---- batches ------------------------------------------------------------------------------------------------------------ */

/* Makes room for B sequences of up to `steps` steps and clears it. */
static jd_status shape(jd_ctx *ctx, speech_batch *b, size_t B, int32_t steps, int32_t labels)
{
    b->T = (steps + SPEECH_PAD - 1) / SPEECH_PAD * SPEECH_PAD;
    if (!b->length || b->B < (int64_t)B || b->U < labels) {
        jd_free(ctx, b->length);
        jd_free(ctx, b->labels);
        jd_free(ctx, b->label_length);
        b->length = jd_alloc_array(ctx, B, sizeof(int32_t));
        b->label_length = jd_alloc_array(ctx, B, sizeof(int32_t));
        b->labels = jd_alloc_array(ctx, B, (size_t)labels * sizeof(int32_t));
    }
    b->U = labels;
    b->B = (int64_t)B;
    const size_t floats = (size_t)b->T * B * SPEECH_WIDTH;
    if (room(ctx, &b->x, &b->room, floats)) memset(b->x, 0, floats * sizeof(float));
    return jd_error(ctx);
}

void speech_batch_free(jd_ctx *ctx, speech_batch *b)
{
    jd_free(ctx, b->x);
    jd_free(ctx, b->length);
    jd_free(ctx, b->labels);
    jd_free(ctx, b->label_length);
    *b = (speech_batch){0};
}

/* Sequence k of a batch; with `by`, normalised as that bag is. */
static void put(speech_batch *b, size_t k, const speech_item *item, const float *x, int32_t steps, const speech_bag *by)
{
    const size_t W = SPEECH_WIDTH;
    b->length[k] = steps;
    b->label_length[k] = item->labels_n;
    int32_t *labels = b->labels + k * (size_t)b->U;
    memset(labels, 0, (size_t)b->U * sizeof *labels);
    memcpy(labels, item->labels, (size_t)item->labels_n * sizeof *labels);
    for (size_t t = 0; t < (size_t)steps; t++) {
        float *row = b->x + (t * (size_t)b->B + k) * W;
        for (size_t d = 0; d < W; d++) row[d] = by ? (x[t * W + d] - by->mean[d]) / by->deviation[d] : x[t * W + d];
    }
}

jd_status speech_batch_fill(const speech_bag *bag, const uint32_t *index, size_t n, speech_batch *b)
{
    int32_t longest = 1;
    for (size_t k = 0; k < n; k++)
        if (bag->items[index[k]].steps > longest) longest = bag->items[index[k]].steps;
    if (shape(bag->ctx, b, n, longest, bag->most_labels)) return jd_error(bag->ctx);
    for (size_t k = 0; k < n; k++)
        put(b, k, &bag->items[index[k]], bag->items[index[k]].x, bag->items[index[k]].steps, NULL);
    return JD_OK;
}

int speech_batch_inputs(const speech_batch *b, jd_tensor *in)
{
    in[0] = JD_TENSOR("x", JD_F32, b->x, b->T, b->B, SPEECH_WIDTH);
    in[1] = JD_TENSOR("length", JD_I32, b->length, b->B);
    in[2] = JD_TENSOR("labels", JD_I32, b->labels, b->B, b->U);
    in[3] = JD_TENSOR("label_length", JD_I32, b->label_length, b->B);
    return 4;
}

/* The same with features computed anew: two passes, since the changes decide the lengths. */
static jd_status fill_changed(speech_feed *f, const uint32_t *index, size_t n, speech_batch *b)
{
    jd_ctx *ctx = f->bag->ctx;
    int32_t longest = 1, steps[64];
    float *x[64] = {NULL};
    for (size_t k = 0; k < n && !jd_error(ctx); k++) {
        const speech_item *item = &f->bag->items[index[k]];
        jd_rng rng = jd_rng_new(f->seed, "speech/change", (uint64_t)f->epoch * f->bag->n + index[k]);
        jd_digits string = {0};
        if (!item->wave && jd_digits_make(ctx, f->bag->source, &f->bag->how, f->bag->seed, index[k], &string)) break;
        steps[k] = speech_hear(f->ear, item->wave ? item->wave : string.samples,
                               item->wave ? item->count : string.samples_count, &rng, f->strength);
        jd_digits_free(ctx, &string);
        const size_t bytes = (size_t)steps[k] * SPEECH_WIDTH * sizeof(float);
        x[k] = steps[k] ? jd_alloc(ctx, bytes) : NULL;
        if (!x[k]) break;
        memcpy(x[k], f->ear->frames, bytes);
        if (steps[k] > longest) longest = steps[k];
    }
    if (!jd_error(ctx) && !shape(ctx, b, n, longest, f->bag->most_labels))
        for (size_t k = 0; k < n; k++) put(b, k, &f->bag->items[index[k]], x[k], steps[k], f->bag);
    for (size_t k = 0; k < n; k++) jd_free(ctx, x[k]);
    return jd_error(ctx);
}

static jd_status order_epoch(speech_feed *f, int64_t epoch)
{
    jd_ctx *ctx = f->bag->ctx;
    jd_batches_free(ctx, &f->order);
    f->epoch = -1;
    int32_t *length = jd_alloc_array(ctx, f->bag->n, sizeof *length);
    if (!length) return jd_error(ctx);
    for (size_t i = 0; i < f->bag->n; i++) length[i] = f->bag->items[i].steps;
    const jd_batches_options o = {.count = f->bag->n,
                                  .batch = f->batch,
                                  .length = length,
                                  .shuffle = !(f->short_first && epoch == 0),
                                  .seed = f->seed,
                                  .epoch = (uint64_t)epoch,
                                  .pool = f->short_first && epoch == 0 ? 0 : 16,
                                  .drop_last = true};
    if (!jd_batches_make(ctx, &o, &f->order)) f->epoch = epoch;
    jd_free(ctx, length);
    return jd_error(ctx);
}

jd_status speech_feed_open(jd_ctx *ctx, const speech_bag *bag, speech_ear *ear, uint64_t seed, size_t batch, int slots,
                           speech_feed *out)
{
    *out = (speech_feed){.bag = bag, .ear = ear, .seed = seed, .batch = batch, .slots_n = slots, .strength = 1};
    if (batch < 1 || batch > 64 || bag->n < batch)
        return jd_fail(ctx, JD_EUSAGE, "speech: batches of %zu out of %zu sequences; 1..64 are possible", batch,
                       bag->n);
    out->slots = jd_alloc_array(ctx, (size_t)slots, sizeof *out->slots);
    if (out->slots) order_epoch(out, 0);
    out->per_epoch = out->order.count;
    return jd_error(ctx);
}

void speech_feed_close(jd_ctx *ctx, speech_feed *f)
{
    for (int i = 0; f->slots && i < f->slots_n; i++) speech_batch_free(ctx, &f->slots[i]);
    jd_free(ctx, f->slots);
    jd_batches_free(ctx, &f->order);
    *f = (speech_feed){0};
}

int speech_feed_next(speech_feed *f, int64_t step, int slot, jd_tensor *in)
{
    const int64_t per = (int64_t)f->per_epoch, epoch = step / per;
    /* `short_first` is set after opening: the first epoch is always ordered anew. */
    if ((f->epoch != epoch || step == 0) && order_epoch(f, epoch)) return 0;
    size_t at = (size_t)(step % per);
    if (f->short_first && epoch == 0) at = (size_t)per - 1 - at;
    const uint32_t *index = f->order.index + f->order.offset[at];
    const size_t n = f->order.offset[at + 1] - f->order.offset[at];
    speech_batch *b = &f->slots[slot];
    const jd_status s = f->ear ? fill_changed(f, index, n, b) : speech_batch_fill(f->bag, index, n, b);
    return s ? 0 : speech_batch_inputs(b, in);
}
