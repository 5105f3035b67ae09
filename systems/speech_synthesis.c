/*
 * speech_synthesis.c - "speech-synthesis": from phones to the tracks of a speech synthesiser (Fan, Qian, Xie, Soong,
 * Interspeech 2014).
 *
 * A feed-forward layer below bidirectional LSTM layers says formants, amplitude, pitch and voice for every 5 ms.  Beside it a
 * feed-forward net of as many weights that sees each frame alone, with the names of two phones on either side.
 */
#include "frames.h"
#include "phones.h"
#include "speech_synthesis.h"

#include <stdio.h>
#include <string.h>

/* ---- data ----------------------------------------------------------------------------------------------------------------*/

/* n sentences of a stream; their targets are unscaled. */
static jd_status make_set(jd_ctx *ctx, uint64_t seed, const char *stream, size_t n, phones_sentence *s, frames_set *out)
{
    *out = frames_set_new(ctx, n, phones_inputs(SPEECH_CONTEXT), PHONES_TRACKS, false);
    for (size_t i = 0; i < n && !jd_error(ctx); i++) {
        jd_rng r = jd_rng_new(seed, stream, i);
        phones_sentence one;
        phones_make(&r, &one);
        if (s) s[i] = one;
        frames_item *it = frames_room(ctx, out, i, phones_frames(&one, SPEECH_STEP));
        if (!it) break;
        phones_input(&one, SPEECH_STEP, SPEECH_CONTEXT, it->x);
        phones_speech(&one, SPEECH_STEP, it->y);
        for (int64_t t = 0; t < it->T; t++) { /* where there is no voice, its pitch cannot be heard */
            for (int d = 0; d < PHONES_TRACKS; d++) it->w[t * PHONES_TRACKS + d] = 1;
            it->w[t * PHONES_TRACKS + PHONES_F0] = it->y[t * PHONES_TRACKS + PHONES_VOICE];
        }
    }
    return jd_error(ctx);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------------*/

static double correlation(const double sum[6]) /* n, x, y, xx, yy, xy */
{
    const double n = sum[0], xy = sum[5] - sum[1] * sum[2] / n, xx = sum[3] - sum[1] * sum[1] / n,
                 yy = sum[4] - sum[2] * sum[2] / n;
    return n > 1 && xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

void speech_judge(const frames_set *test, float *const *said, speech_score *s)
{
    double square[PHONES_TRACKS] = {0}, frames = 0, wrong = 0, voiced = 0;
    *s = (speech_score){0};
    for (size_t i = 0; i < test->n; i++) {
        double sum[6] = {0};
        for (int64_t t = 0; t < test->item[i].T; t++) {
            const float *is = test->item[i].y + t * PHONES_TRACKS, *says = said[i] + t * PHONES_TRACKS;
            for (int d = 0; d <= PHONES_AMPLITUDE; d++)
                square[d] += ((double)says[d] - (double)is[d]) * ((double)says[d] - (double)is[d]);
            frames++;
            wrong += (says[PHONES_VOICE] > .5f) != (is[PHONES_VOICE] > .5f);
            if (is[PHONES_VOICE] < .5f) continue;
            const double x = (double)is[PHONES_F0], y = (double)says[PHONES_F0];
            const double more[6] = {1, x, y, x * x, y * y, x * y};
            for (int k = 0; k < 6; k++) sum[k] += more[k];
            square[PHONES_F0] += (x - y) * (x - y);
            voiced++;
        }
        s->pitch += correlation(sum) / (double)test->n;
    }
    for (int d = 0; d <= PHONES_AMPLITUDE; d++) s->rmse[d] = sqrt(square[d] / frames);
    s->rmse[PHONES_F0] = sqrt(square[PHONES_F0] / voiced);
    s->formants = sqrt((square[0] + square[1] + square[2]) / (3 * frames));
    s->voice = 100 * wrong / frames;
}

/* What a net says, in the units of the tracks. */
static jd_status say_tracks(jd_ctx *ctx, frames_net *n, const frames_set *test, const frames_scale *k, float **said)
{
    if (frames_say(ctx, n, test, said)) return jd_error(ctx);
    for (size_t i = 0; i < test->n; i++)
        for (int64_t t = 0; t < test->item[i].T * PHONES_TRACKS; t++)
            said[i][t] = said[i][t] * k->deviation[t % PHONES_TRACKS] + k->mean[t % PHONES_TRACKS];
    return JD_OK;
}

/* ---- one seed: data, nets, figures -----------------------------------------------------------------------------------------*/

static void design(jd_run *r, speech_seed *s, int number)
{
    const int64_t first = (int64_t)jd_run_setting(r, "first"), units = (int64_t)jd_run_setting(r, "units"),
                  inputs = phones_inputs(SPEECH_CONTEXT);
    const int64_t weights = frames_lstm_weights(inputs, PHONES_TRACKS, first, 2, units, true);
    const int64_t wide = frames_dense_width(inputs, PHONES_TRACKS, 3, weights);
    frames_net *n = s->net;
    snprintf(n[SPEECH_BLSTM].name, sizeof n->name, "blstm-%d", number);
    snprintf(n[SPEECH_BLSTM].spec, sizeof n->spec, "dense %d tanh, blstm %d, blstm %d, dense %d", (int)first,
             (int)units, (int)units, PHONES_TRACKS);
    snprintf(n[SPEECH_DNN].name, sizeof n->name, "dnn-%d", number);
    snprintf(n[SPEECH_DNN].spec, sizeof n->spec, "dense %d tanh, dense %d tanh, dense %d tanh, dense %d", (int)wide,
             (int)wide, (int)wide, PHONES_TRACKS);
}

static jd_status one_seed(jd_run *r, speech_seed *s, int number, speech_shown *shown)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000 + (uint64_t)number;
    const size_t many = (size_t)jd_run_setting(r, "sentences"), test_n = (size_t)jd_run_setting(r, "test_sentences");
    frames_set train = {0}, valid = {0}, test = {0};
    frames_scale k = {0};
    phones_sentence *sentence = jd_alloc_array(ctx, test_n, sizeof *sentence);
    const frames_plan plan = {.rate = jd_run_setting(r, "rate"),
                              .epochs = jd_run_setting(r, "epochs"),
                              .batch = (int64_t)jd_run_setting(r, "batch"),
                              .seed = seed};
    design(r, s, number);
    if (sentence && !make_set(ctx, seed, "speech/train", many, NULL, &train) &&
        !make_set(ctx, seed, "speech/held out", 20, NULL, &valid) &&
        !make_set(ctx, seed, "speech/test", test_n, sentence, &test)) {
        k = frames_scale_of(ctx, &train, false);
        if (!jd_error(ctx)) frames_scale_apply(&k, &train, false);
        if (!jd_error(ctx)) frames_scale_apply(&k, &valid, false);
    }
    for (int i = 0; i < SPEECH_NETS && !jd_error(ctx); i++) {
        float **said = frames_said_new(ctx, &test);
        if (said && !frames_train(r, &s->net[i], &train, &valid, &plan) &&
            !say_tracks(ctx, &s->net[i], &test, &k, said)) {
            speech_judge(&test, said, &s->score[i]);
            jd_run_note(r,
                        "%s: formants %.1f Hz off (root mean square), pitch correlates by %.3f, voice wrong in %.1f %%",
                        s->net[i].name, s->score[i].formants, s->score[i].pitch, s->score[i].voice);
            if (shown) speech_keep(r, shown, &test, sentence, said, i);
        }
        frames_said_free(ctx, &test, said);
    }
    frames_set_free(ctx, &train);
    frames_set_free(ctx, &valid);
    frames_set_free(ctx, &test);
    frames_scale_free(ctx, &k);
    jd_free(ctx, sentence);
    return jd_error(ctx);
}

/* ---- the claims ------------------------------------------------------------------------------------------------------------*/

static double extreme(const speech_seed *s, int seeds, int what, bool most)
{
    double best = most ? -1e9 : 1e9;
    for (int i = 0; i < seeds; i++) {
        const speech_score *a = &s[i].score[SPEECH_BLSTM], *b = &s[i].score[SPEECH_DNN];
        const double v = what == 0 ? 100 * a->formants / b->formants : what == 1 ? a->pitch : b->pitch;
        best = most ? fmax(best, v) : fmin(best, v);
    }
    return best;
}

static void judge_claims(claims *c, const speech_seed *s, int seeds, const speech_shown *shown)
{
    claim(c, extreme(s, seeds, 0, true) <= 70,
          "formants: the BLSTM's error at most 70 % of that of the feed-forward net, every seed", "%.1f to %.1f %%",
          extreme(s, seeds, 0, false), extreme(s, seeds, 0, true));
    claim(c, extreme(s, seeds, 1, false) >= .95, "pitch: the BLSTM's correlates with the true one by 0.95, every seed",
          "%.3f to %.3f", extreme(s, seeds, 1, false), extreme(s, seeds, 1, true));
    claim(c, extreme(s, seeds, 2, true) <= .8, "pitch: that of the feed-forward net by at most 0.8, every seed",
          "%.3f to %.3f", extreme(s, seeds, 2, false), extreme(s, seeds, 2, true));
    claim(c, shown->sounds == SPEECH_SOUNDS * (SPEECH_NETS + 1) && shown->peak > 0 && shown->peak <= 1,
          "sound: written, every sample a number within -1 to 1", "%d files, largest sample %.3f", shown->sounds,
          shown->peak);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), test = jd_run_setting(r, "test_sentences");
    if (!(seeds >= 1 && seeds <= SPEECH_SEEDS && test >= SPEECH_SOUNDS && jd_run_setting(r, "sentences") >= 1 &&
          jd_run_setting(r, "units") >= 1 && jd_run_setting(r, "first") >= 1))
        return jd_fail(ctx, JD_EUSAGE,
                       "speech-synthesis: seeds is 1 to %d, test_sentences at least %d, sentences, first and units at "
                       "least 1",
                       SPEECH_SEEDS, SPEECH_SOUNDS);
    speech_seed *s = jd_alloc_array(ctx, SPEECH_SEEDS, sizeof *s);
    speech_shown *shown = jd_alloc_array(ctx, 1, sizeof *shown);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    for (int i = 0; c && i < (int)seeds && !jd_error(ctx); i++) one_seed(r, &s[i], i + 1, i ? NULL : shown);
    if (!jd_error(ctx)) {
        const frames_net *kept = &s[0].net[SPEECH_BLSTM];
        c->r = r;
        judge_claims(c, s, (int)seeds, shown);
        speech_report(r, s, (int)seeds, shown, c);
        jd_run_extra(r, "claims", c->n);
        jd_run_extra(r, "formants_share", extreme(s, (int)seeds, 0, true));
        jd_run_extra(r, "pitch_blstm", extreme(s, (int)seeds, 1, false));
        jd_run_extra(r, "pitch_dnn", extreme(s, (int)seeds, 2, true));
        jd_run_config(r, "net", kept->spec);
        jd_run_config(r, "scope", kept->name);
        jd_run_save(r, kept->params, kept->steps, true);
        jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    }
    for (int i = 0; s && i < SPEECH_SEEDS; i++)
        for (int n = 0; n < SPEECH_NETS; n++) frames_net_free(&s[i].net[n]);
    if (shown) speech_forget(ctx, shown);
    jd_free(ctx, s);
    jd_free(ctx, shown);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting SETTINGS[] = {
    {"seeds", {1, 3, 3}, "times that sentences are made and nets trained anew"},
    {"sentences", {500, 500, 20000}, "to learn from"},
    {"test_sentences", {100, 100, 200}, "to measure on"},
    {"first", {48, 48, 64}, "units of the feed-forward layer"},
    {"units", {32, 32, 128}, "LSTM cells a direction, in each of two layers"},
    {"epochs", {30, 30, 20}, "passes over the sentences"},
    {"batch", {4, 4, 64}, "sentences a step"},
    {"rate", {6e-3, 6e-3, 2e-3}, "Adam's learning rate, falling to a twentieth along half a cosine"},
    {0},
};

const jd_system jd_system_speech_synthesis = {
    .name = "speech-synthesis",
    .year = 2014,
    .title = "Speech synthesis: from phones to the tracks of a synthesiser, BLSTM",
    .paper =
        "Y. Fan, Y. Qian, F.-L. Xie, F. K. Soong: TTS synthesis with bidirectional LSTM based recurrent neural "
        "networks. Interspeech 2014; R. Fernandez, A. Rendel, B. Ramabhadran, R. Hoory: Prosody contour prediction "
        "with long short-term memory, bi-directional, deep recurrent neural networks. Interspeech 2014",
    .metric = "claims that hold, of 4",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "five hours of one speaker; the hybrid of feed-forward and BLSTM layers beats the feed-forward net and "
        "HMMs in objective measures and, as recalled and not checked, is preferred by 55 to 59 % of listeners "
        "against some 20 %. Here the language is a toy whose tracks are known exactly",
    .accept = {4, 4, 4},
    .about =
        "A synthesiser needs numbers for every 5 ms: where the three resonances of the vocal tract are, how loud and "
        "how high the voice is. They follow from the phones to be said, but the tongue is slow and looks ahead, a "
        "vowel leans towards the next vowel however many consonants are between, the voice falls over the whole "
        "sentence and rises at the end of one that began with a question word. A net that sees one frame at a time, "
        "even with the names of the neighbours, cannot know how long these are, nor where in the sentence it is; one "
        "that reads the sentence in both directions can. Both see the same inputs and have equally many weights. "
        "Listen to the sound files beside this report.",
    .settings = SETTINGS,
    .run = run,
};
