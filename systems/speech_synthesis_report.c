/* speech_synthesis_report.c - sounds, tracks and spectrograms; see speech_synthesis.h. */
#include "speech_synthesis.h"

#include <stdio.h>
#include <string.h>

#include "jackdaw/audio.h"

static const char *const WHO[] = {"target", "BLSTM", "feed-forward"};
static const char *const FILES[] = {"target", "blstm", "dnn"};

/* ---- sounds --------------------------------------------------------------------------------------------------------------*/

static void write_sound(jd_run *r, speech_shown *k, int sentence, int who)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_sound sound = {0};
    char name[40];
    snprintf(name, sizeof name, "sentence-%d-%s.wav", sentence + 1, FILES[who]);
    if (phones_speak(ctx, k->track[sentence][who], k->T[sentence], SPEECH_STEP, &sound)) return;
    bool numbers = true;
    for (size_t i = 0; i < sound.count; i++) {
        numbers &= isfinite(sound.samples[i]);
        k->peak = fmax(k->peak, fabs((double)sound.samples[i]));
    }
    if (!jd_write_wav(ctx, jd_run_path(r, name), &sound)) k->sounds += numbers;
    jd_sound_free(ctx, &sound);
}

static void keep_track(jd_run *r, speech_shown *k, int sentence, int who, const float *track)
{
    const size_t n = (size_t)k->T[sentence] * PHONES_TRACKS;
    float *copy = jd_alloc_array(jd_run_ctx(r), n, sizeof *copy);
    if (!copy) return;
    memcpy(copy, track, n * sizeof *copy);
    k->track[sentence][who] = copy;
    write_sound(r, k, sentence, who);
}

void speech_keep(jd_run *r, speech_shown *k, const frames_set *test, const phones_sentence *s, float *const *said,
                 int net)
{
    for (int i = 0; i < SPEECH_SOUNDS; i++) {
        k->sentence[i] = s[i];
        k->T[i] = test->item[i].T;
        if (net == 0) keep_track(r, k, i, 0, test->item[i].y);
        keep_track(r, k, i, net + 1, said[i]);
    }
}

void speech_forget(jd_ctx *ctx, speech_shown *k)
{
    for (int i = 0; i < SPEECH_SOUNDS; i++)
        for (int who = 0; who <= SPEECH_NETS; who++) jd_free(ctx, k->track[i][who]);
}

/* ---- figures -------------------------------------------------------------------------------------------------------------*/

static void phones_line(jd_timeline *t, const phones_sentence *s)
{
    char text[PHONES_MOST + 1] = "";
    double at[PHONES_MOST];
    for (int i = 0; i < s->n; i++) {
        text[i] = phones_name(s->phone[i])[0];
        at[i] = (s->begin[i] + s->begin[i + 1]) / 2000;
    }
    jd_timeline_text(t, "phones", text, at);
    for (int i = 0; i < s->n; i++) text[i] = s->stressed[i] && phones_vowel(s->phone[i]) ? '\'' : ' ';
    if (s->question) text[0] = '?';
    jd_timeline_text(t, "stress", text, at);
}

/* One track of all who say it, beside each other in one panel. */
static void track_lines(jd_ctx *ctx, jd_timeline *t, const speech_shown *k, int i, int what, const char *label)
{
    const int64_t T = k->T[i];
    float *v = jd_alloc_array(ctx, (size_t)T * (SPEECH_NETS + 1), sizeof *v);
    for (int64_t n = 0; v && n < T * (SPEECH_NETS + 1); n++) {
        const float *frame = k->track[i][n % (SPEECH_NETS + 1)] + n / (SPEECH_NETS + 1) * PHONES_TRACKS;
        const float *is = k->track[i][0] + n / (SPEECH_NETS + 1) * PHONES_TRACKS;
        v[n] = what == PHONES_F0 && is[PHONES_VOICE] < .5f ? (float)NAN : frame[what];
    }
    if (v) jd_timeline_lines(t, label, v, (size_t)T, SPEECH_NETS + 1, WHO, 0, 0);
    jd_free(ctx, v);
}

static void tracks(jd_run *r, const speech_shown *k)
{
    static const char *const names[] = {"F1 (Hz)", "F2 (Hz)", "F3 (Hz)", "amplitude", "F0 (Hz)", "voice"};
    jd_ctx *ctx = jd_run_ctx(r);
    for (int i = 0; i < SPEECH_SOUNDS; i++) {
        jd_timeline *t = jd_timeline_new(ctx, "s", 0, k->sentence[i].begin[k->sentence[i].n] / 1000);
        phones_line(t, &k->sentence[i]);
        for (int what = 0; what <= PHONES_F0; what++) track_lines(ctx, t, k, i, what, names[what]);
        phones_line(t, &k->sentence[i]);
        char caption[400];
        snprintf(
            caption, sizeof caption,
            "Test sentence %d, never heard in training. F0 is shown where there is voice. The feed-forward net does "
            "not know where in the sentence it is, so its pitch does not fall; it does not know how long the "
            "neighbours are, so its formants turn too early or too late. Stressed vowels have a mark, S is a sh, @ a "
            "schwa; what begins with ? is a question.",
            i + 1);
        jd_report_timeline(jd_run_report(r), t, caption);
    }
}

/* Short windows: the pulses of the voice blur, the formants are dark bands. */
static void spectrogram(jd_ctx *ctx, jd_timeline *t, const speech_shown *k, int i, int who)
{
    jd_sound sound = {0};
    const jd_frontend_options o = {.rate = PHONES_RATE,
                                   .frame_ms = 10,
                                   .fft = 1024,
                                   .shift_ms = 2.5f,
                                   .window = JD_WINDOW_HANN,
                                   .mels = 48,
                                   .fmin = 60,
                                   .fmax = 5000,
                                   .mel_floor = 1e-6f};
    jd_frontend *f = jd_frontend_new(ctx, &o);
    if (f && !phones_speak(ctx, k->track[i][who], k->T[i], SPEECH_STEP, &sound)) {
        const size_t T = jd_frontend_frames(f, sound.count), W = (size_t)jd_frontend_width(f);
        float *map = jd_alloc_array(ctx, T * W, sizeof *map);
        if (map) {
            jd_frontend_run(f, sound.samples, sound.count, map);
            jd_timeline_map(t, &(jd_map){.label = WHO[who],
                                         .value_label = "log power",
                                         .values = map,
                                         .T = T,
                                         .H = W,
                                         .upward = true,
                                         .y0 = 0,
                                         .y1 = 48,
                                         .vmin = -8,
                                         .vmax = 6,
                                         .height = 130});
        }
        jd_free(ctx, map);
    }
    jd_sound_free(ctx, &sound);
    jd_frontend_free(f);
}

static void spectrograms(jd_run *r, const speech_shown *k)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_timeline *t = jd_timeline_new(ctx, "s", 0, k->sentence[0].begin[k->sentence[0].n] / 1000);
    for (int who = 0; who <= SPEECH_NETS; who++) spectrogram(ctx, t, k, 0, who);
    phones_line(t, &k->sentence[0]);
    jd_report_timeline(jd_run_report(r), t,
                       "Spectrograms of the sound files of sentence 1, 48 mel bands from 60 Hz to 5 kHz: "
                       "`sentence-1-target.wav`, `sentence-1-blstm.wav`, `sentence-1-dnn.wav`.");
}

static void table(jd_run *r, const speech_seed *s, int seeds)
{
    enum { COLUMNS = 9, TEXT = 48 };
    static const char *const head[COLUMNS] = {"net",       "weights", "F1 (Hz)",        "F2 (Hz)",        "F3 (Hz)",
                                              "amplitude", "F0 (Hz)", "F0 correlation", "voice wrong (%)"};
    char room[SPEECH_SEEDS * SPEECH_NETS][COLUMNS][TEXT];
    const char *cells[SPEECH_SEEDS * SPEECH_NETS * COLUMNS];
    for (int i = 0; i < seeds * SPEECH_NETS; i++) {
        const speech_seed *one = &s[i / SPEECH_NETS];
        const speech_score *v = &one->score[i % SPEECH_NETS];
        snprintf(room[i][0], TEXT, "%s", one->net[i % SPEECH_NETS].name);
        snprintf(room[i][1], TEXT, "%zu", jd_params_count(one->net[i % SPEECH_NETS].params));
        for (int d = 0; d <= PHONES_F0; d++) snprintf(room[i][2 + d], TEXT, d == 3 ? "%.3f" : "%.1f", v->rmse[d]);
        snprintf(room[i][7], TEXT, "%.3f", v->pitch);
        snprintf(room[i][8], TEXT, "%.2f", v->voice);
        for (int c = 0; c < COLUMNS; c++) cells[i * COLUMNS + c] = room[i][c];
    }
    jd_report_table(
        jd_run_report(r), head, cells, (size_t)(seeds * SPEECH_NETS), COLUMNS,
        "Root mean square errors on the test sentences; of F0 where there is voice. The correlation of F0 is that "
        "within a sentence, the mean over sentences.");
}

void speech_report(jd_run *r, const speech_seed *s, int seeds, const speech_shown *k, const claims *c)
{
    claims_table(c, "What the paper's comparison becomes here, and what was measured.");
    table(r, s, seeds);
    jd_report_section(jd_run_report(r), "Sentences it never heard");
    tracks(r, k);
    spectrograms(r, k);
}
