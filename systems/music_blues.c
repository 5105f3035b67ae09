/*
 * music_blues.c - an LSTM composes blues (Eck and Schmidhuber 2002).
 *
 * Twelve bars of eight steps: a pattern of chords that spans 96 steps, and melodies over it.  One set of LSTM cells hears
 * and predicts chords; a second one hears melody, chords and the first set, and predicts melody.  Then the network hears
 * what it has said itself and goes on for twenty choruses: does it keep the form?
 */
#include "music.h"

#include <stdio.h>
#include <string.h>

enum { CHORDS = 12, NOTES = 13, WIDTH = CHORDS + NOTES, BAR = 8, CHORUS = 12 * BAR, BASE = 48 /* C below middle C */ };

/* C7 F7 G7 as pitch classes; what each bar has. */
static const uint8_t CHORD[3][4] = {{0, 4, 7, 10}, {5, 9, 0, 3}, {7, 11, 2, 5}};
static const uint8_t BARS[12] = {0, 0, 0, 0, 1, 1, 0, 0, 2, 1, 0, 0};
static const char *const CHORD_NAMES[CHORDS] = {"C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"};
/* The blues scale over two octaves, from middle C. */
static const uint8_t SCALE[NOTES] = {0, 3, 5, 6, 7, 10, 12, 15, 17, 18, 19, 22, 24};
static const char *const NOTE_NAMES[NOTES] = {"C4", "Eb", "F", "Gb", "G", "Bb", "C5", "Eb", "F", "Gb", "G", "Bb", "C6"};

typedef struct net {
    const char *name;
    struct band *band;
    bool plain; /* recurrent units instead of LSTM cells */
    jd_params *params;
    jd_fn *step;
    int64_t trained;
} net;

typedef struct band {
    jd_run *r;
    jd_ctx *ctx;
    uint64_t seed;
    int64_t choruses, chord_units, melody_units, batch, length; /* length: of a training sequence, in choruses */
    int64_t play;                                               /* choruses of a free run */
    double clip;
    uint8_t *training; /* (choruses,96,25) */
    float *x, *y;      /* (T,batch,25) */
    net lstm, rnn;
} band;

/* What came of a free run. */
typedef struct form {
    double bars;       /* chords right at the bars' beginnings, % */
    double steps;      /* chords right at all steps, % */
    double strong;     /* chord tones on beats 1 and 5, % of the notes there */
    double rests;      /* % of the steps without a melody note */
    int64_t kept;      /* choruses until the first wrong bar */
    int64_t different; /* choruses of melody that differ from all before */
    int64_t copied;    /* choruses of melody that are those of a training chorus */
} form;

/* ---- data --------------------------------------------------------------------------------------------------------------*/

static bool in_chord(int chord, int semitones)
{
    for (int k = 0; k < 4; k++)
        if (CHORD[chord][k] == semitones % 12) return true;
    return false;
}

/* The tone of the chord nearest to a place of the scale. */
static int chord_tone(int chord, int place)
{
    for (int far = 0; far < NOTES; far++)
        for (int sign = -1; sign <= 1; sign += 2) {
            const int p = place + sign * far;
            if (p >= 0 && p < NOTES && in_chord(chord, SCALE[p])) return p;
        }
    return place;
}

static void write_chorus(uint64_t seed, int64_t number, uint8_t *out /* (96,25) */)
{
    jd_rng r = jd_rng_new(seed, "blues/chorus", (uint64_t)number);
    int place = (int)jd_rng_below(&r, NOTES);
    memset(out, 0, CHORUS * WIDTH);
    for (int t = 0; t < CHORUS; t++, out += WIDTH) {
        const int chord = BARS[t / BAR];
        for (int k = 0; k < 4; k++) out[CHORD[chord][k]] = 1;
        const int move = (int)jd_rng_below(&r, 5) - 2;
        place += move;
        if (place < 0) place = -place;
        if (place >= NOTES) place = 2 * (NOTES - 1) - place;
        const bool strong = t % BAR == 0 || t % BAR == BAR / 2;
        if (strong && jd_rng_uniform64(&r) < 0.8) place = chord_tone(chord, place);
        if (jd_rng_uniform64(&r) >= 0.2) out[CHORDS + place] = 1; /* else a rest */
    }
}

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

typedef struct inner {
    jd_node h, c;
} inner;

static jd_node recur(jd_graph *g, const net *n, const char *name, jd_node x, int64_t units, inner *s)
{
    if (n->plain) {
        const jd_rnn_out o = jd_srn_full(g, name, x, (jd_rnn_options){.units = units, .h0 = s->h});
        *s = (inner){.h = o.hT};
        return o.y;
    }
    const jd_lstm_out o = jd_lstm_full(
        g, name, x, (jd_lstm_options){.units = units, .peepholes = true, .forget_bias = 2, .h0 = s->h, .c0 = s->c});
    *s = (inner){o.hT, o.cT};
    return o.y;
}

/* Logits (T,B,25) of the next step's notes.  The chords are predicted from the chords alone; the melody hears the chord
 * cells, but its errors do not reach them. */
static jd_node predict(jd_graph *g, const net *n, jd_node x, inner *chords, inner *melody)
{
    const band *b = n->band;
    const jd_node heard = jd_slice(g, x, 2, 0, CHORDS);
    const jd_node chord_cells = recur(g, n, "chords", heard, b->chord_units, chords);
    const jd_node all[] = {x, jd_stop(g, chord_cells)};
    const jd_node melody_cells = recur(g, n, "melody", jd_concat(g, all, 2, 2), b->melody_units, melody);
    const jd_node seen[] = {melody_cells, jd_stop(g, chord_cells)};
    const jd_node out[] = {jd_dense(g, "chord", chord_cells, .units = CHORDS),
                           jd_dense(g, "note", jd_concat(g, seen, 2, 2), .units = NOTES)};
    return jd_concat(g, out, 2, 2);
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    inner chords = {0}, melody = {0};
    jd_scope_push(g, n->name);
    const jd_node logits = predict(g, n, jd_arg(g, "x"), &chords, &melody);
    const jd_node each = jd_sigmoid_xent_each(g, logits, jd_arg(g, "y"));
    const double steps = (double)(jd_dim(g, logits, 0) * jd_dim(g, logits, 1));
    const jd_node loss = jd_affine(g, jd_sum(g, each, JD_ALL_AXES, false), 1 / steps, 0);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = n->band->clip);
    jd_scope_pop(g);
}

static void one_step(jd_graph *g, void *user)
{
    const net *n = user;
    inner chords = {jd_arg(g, "h1"), JD_NONE}, melody = {jd_arg(g, "h2"), JD_NONE};
    if (!n->plain) {
        chords.c = jd_arg(g, "c1");
        melody.c = jd_arg(g, "c2");
    }
    jd_scope_push(g, n->name);
    jd_result(g, "p", jd_sigmoid(g, predict(g, n, jd_arg(g, "x"), &chords, &melody)));
    jd_result(g, "h1", chords.h);
    jd_result(g, "h2", melody.h);
    if (!n->plain) jd_result(g, "c1", chords.c);
    if (!n->plain) jd_result(g, "c2", melody.c);
    jd_scope_pop(g);
}

/* Sequences of choruses at random, one after the other. */
static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    const net *n = user;
    const band *b = n->band;
    (void)slot;
    const int64_t T = b->length * CHORUS - 1;
    for (int64_t k = 0; k < b->batch; k++) {
        jd_rng r = jd_rng_new(b->seed, "blues/order", (uint64_t)(step * b->batch + k));
        const uint8_t *chorus = NULL;
        for (int64_t t = 0; t <= T; t++) {
            if (t % CHORUS == 0) chorus = b->training + jd_rng_below(&r, (uint32_t)b->choruses) * CHORUS * WIDTH;
            for (int i = 0; i < WIDTH; i++) {
                const float on = chorus[(t % CHORUS) * WIDTH + i];
                if (t < T) b->x[(t * b->batch + k) * WIDTH + i] = on;
                if (t > 0) b->y[((t - 1) * b->batch + k) * WIDTH + i] = on;
            }
        }
    }
    in[0] = JD_TENSOR("x", JD_F32, b->x, T, b->batch, WIDTH);
    in[1] = JD_TENSOR("y", JD_F32, b->y, T, b->batch, WIDTH);
    return 2;
}

/* ---- composing -----------------------------------------------------------------------------------------------------------*/

/* Plays `roll->T` steps from the first step of a training chorus on, hearing itself.  The chords are the sigmoids above one
 * half; the melody is the likeliest note, or with `r` drawn.  `p` (T,25), if not NULL, becomes what it said. */
static jd_status play(net *n, jd_rng *r, double temperature, music_roll *roll, float *p)
{
    band *b = n->band;
    jd_ctx *ctx = b->ctx;
    const int64_t H[4] = {b->chord_units, b->melody_units, b->chord_units, b->melody_units};
    static const char *const names[4] = {"h1", "h2", "c1", "c2"};
    const int states = n->plain ? 2 : 4;
    float x[WIDTH], *s[4] = {NULL};
    for (int k = 0; k < states; k++) s[k] = jd_alloc_array(ctx, (size_t)H[k], sizeof **s);
    memcpy(roll->on, b->training, WIDTH);
    for (int64_t t = 0; t + 1 < roll->T && !jd_error(ctx); t++) {
        jd_tensor in[5] = {JD_TENSOR("x", JD_F32, x, 1, 1, WIDTH)};
        for (int i = 0; i < WIDTH; i++) x[i] = roll->on[t * WIDTH + i];
        for (int k = 0; k < states; k++) in[k + 1] = JD_TENSOR(names[k], JD_F32, s[k], 1, H[k]);
        if (jd_fn_run(n->step, in, states + 1)) break;
        const float *said = jd_fn_result(n->step, "p", NULL);
        for (int k = 0; k < states; k++) {
            const float *after = jd_fn_result(n->step, names[k], NULL);
            if (after) memcpy(s[k], after, (size_t)H[k] * sizeof *after);
        }
        if (!said) break;
        uint8_t *next = roll->on + (t + 1) * WIDTH;
        memset(next, 0, WIDTH);
        for (int i = 0; i < CHORDS; i++) next[i] = said[i] > 0.5f;
        const int note = music_draw_one(r, said + CHORDS, NOTES, temperature);
        if (note >= 0) next[CHORDS + note] = 1;
        if (p) memcpy(p + (t + 1) * WIDTH, said, WIDTH * sizeof *p);
    }
    for (int k = 0; k < states; k++) jd_free(ctx, s[k]);
    return jd_error(ctx);
}

static bool right_chord(const uint8_t *on, int64_t t)
{
    uint8_t want[CHORDS] = {0};
    for (int k = 0; k < 4; k++) want[CHORD[BARS[t / BAR % 12]][k]] = 1;
    return !memcmp(on, want, CHORDS);
}

static bool same_melody(const uint8_t *a, const uint8_t *b)
{
    for (int t = 0; t < CHORUS; t++)
        if (memcmp(a + t * WIDTH + CHORDS, b + t * WIDTH + CHORDS, NOTES) != 0) return false;
    return true;
}

static form judge(const band *b, const music_roll *roll)
{
    form f = {.kept = roll->T / CHORUS};
    const int64_t choruses = roll->T / CHORUS;
    double strong = 0, tones = 0, bars = 0, steps = 0, rests = 0;
    bool broken = false;
    for (int64_t t = 0; t < roll->T; t++) {
        const uint8_t *on = roll->on + t * WIDTH;
        const bool right = right_chord(on, t);
        steps += right;
        if (t % BAR == 0) bars += right;
        if (t % BAR == 0 && !right && !broken) {
            broken = true;
            f.kept = t / CHORUS;
        }
        const uint8_t *note = memchr(on + CHORDS, 1, NOTES);
        rests += !note;
        if (note && t % (BAR / 2) == 0) {
            strong++;
            tones += in_chord(BARS[t / BAR % 12], SCALE[note - on - CHORDS]);
        }
    }
    for (int64_t k = 0; k < choruses; k++) {
        const uint8_t *chorus = roll->on + k * CHORUS * WIDTH;
        bool old = false, copy = false;
        for (int64_t i = 0; i < k; i++) old |= same_melody(chorus, roll->on + i * CHORUS * WIDTH);
        for (int64_t i = 0; i < b->choruses; i++) copy |= same_melody(chorus, b->training + i * CHORUS * WIDTH);
        f.different += !old;
        f.copied += copy;
    }
    f.bars = 100 * bars * BAR / (double)roll->T;
    f.steps = 100 * steps / (double)roll->T;
    f.strong = strong > 0 ? 100 * tones / strong : 0;
    f.rests = 100 * rests / (double)roll->T;
    return f;
}

static jd_status play_and_judge(net *n, jd_rng *r, double temperature, music_roll *roll, float *p, form *f)
{
    if (play(n, r, temperature, roll, p)) return jd_error(n->band->ctx);
    *f = judge(n->band, roll);
    return JD_OK;
}

/* The form kept in a free run; melody does not matter to the chords. */
static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    music_roll roll;
    form f = {0};
    char name[80];
    if (!music_roll_new(n->band->ctx, n->band->play * CHORUS, WIDTH, &roll))
        play_and_judge(n, NULL, 1, &roll, NULL, &f);
    music_roll_free(n->band->ctx, &roll);
    snprintf(name, sizeof name, "%s/chords right at bars (%%)", n->name);
    jd_run_log(r, step, name, f.bars);
    snprintf(name, sizeof name, "%s/choruses in form", n->name);
    jd_run_log(r, step, name, (double)f.kept);
    return f.bars + f.steps + 1e-6 * (double)step; /* of equals the later one, whose melody has learned longer */
}

static jd_status train(net *n, const char *what)
{
    band *b = n->band;
    jd_run *r = b->r;
    n->params = jd_params_new(b->ctx, JD_F32);
    n->step = jd_fn_new(b->ctx, n->params, one_step, n);
    const double rate = jd_run_setting(r, "rate");
    const int64_t steps = (int64_t)jd_run_setting(r, "steps");
    const jd_train_options o = {
        .what = what,
        .series = n->name,
        .trace = train_step,
        .user = n,
        .steps = steps,
        .batch = next_batch,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 50},
        .validate_every = steps > 20 ? steps / 20 : 1,
        .validate = validate,
        .higher = true,
        .keep_best = true,
        .items_per_step = b->batch,
    };
    jd_train_result res = {0};
    jd_train(r, n->params, &o, &res);
    n->trained = res.steps;
    return jd_error(b->ctx);
}

/* ---- the report ------------------------------------------------------------------------------------------------------------*/

static void show(band *b, const char *label, const music_roll *roll, const float *p, int64_t first, int64_t steps,
                 const char *caption)
{
    jd_timeline *t = jd_timeline_new(b->ctx, "bar", (double)first / BAR, (double)(first + steps) / BAR);
    music_show_roll(b->ctx, t, "melody", roll, first, steps, CHORDS, NOTES, 0, NOTE_NAMES, 150);
    if (p) music_show(b->ctx, t, "melody: p", p + first * WIDTH, steps, WIDTH, CHORDS, NOTES, 0, NOTE_NAMES, 150);
    music_show_roll(b->ctx, t, label, roll, first, steps, 0, CHORDS, 0, CHORD_NAMES, 140);
    jd_report_timeline(jd_run_report(b->r), t, caption);
}

static void show_table(band *b, const char *const *names, const form *f, size_t n)
{
    enum { COLUMNS = 8, MOST = 6 };
    char room[MOST][COLUMNS - 1][24];
    const char *cells[MOST * COLUMNS];
    for (size_t i = 0; i < n && i < MOST; i++) {
        const double v[] = {f[i].bars,          f[i].steps, (double)f[i].kept,
                            f[i].strong,        f[i].rests, (double)f[i].different,
                            (double)f[i].copied};
        cells[i * COLUMNS] = names[i];
        for (int k = 0; k < COLUMNS - 1; k++) {
            snprintf(room[i][k], sizeof room[i][k], k == 2 || k > 4 ? "%.0f" : "%.1f", v[k]);
            cells[i * COLUMNS + (size_t)k + 1] = room[i][k];
        }
    }
    jd_report_table(
        jd_run_report(b->r),
        (const char *const[]){"who plays", "chords right at bars (%)", "at all steps (%)", "choruses in form",
                              "chord tones on strong beats (%)", "rests (%)", "different choruses", "copied choruses"},
        cells, n, COLUMNS,
        "Free runs: after the first step the network hears only itself. In the training choruses rests are 20 %.");
}

static const music_voice *voices(void)
{
    static uint8_t pitch[WIDTH], channel[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        pitch[i] = (uint8_t)(i < CHORDS ? BASE + i : BASE + 12 + SCALE[i - CHORDS]);
        channel[i] = i >= CHORDS;
    }
    static music_voice v = {.pitch = pitch,
                            .channel = channel,
                            .program = {0, 26},
                            .velocity = {60, 100},
                            .per_quarter = 2,
                            .tempo = 108,
                            .hold = BAR,
                            .hold_channel = 0};
    return &v;
}

/* Takes the mean over some choruses of the training set, for comparison. */
static form of_training(band *b)
{
    const music_roll all = {.T = b->choruses * CHORUS, .N = WIDTH, .on = b->training};
    form f = judge(b, &all);
    f.copied = b->choruses;
    return f;
}

static jd_status report(band *b)
{
    jd_run *r = b->r;
    jd_report *rep = jd_run_report(r);
    music_roll roll[3] = {0};
    form f[4] = {0};
    float *p = jd_alloc_array(b->ctx, (size_t)(b->play * CHORUS), WIDTH * sizeof *p);
    jd_rng rng = jd_rng_new(b->seed, "blues/compose", 0);
    for (int k = 0; k < 3; k++) music_roll_new(b->ctx, b->play * CHORUS, WIDTH, &roll[k]);
    if (!jd_error(b->ctx) && !play_and_judge(&b->lstm, NULL, 1, &roll[0], p, &f[0]) &&
        !play_and_judge(&b->lstm, &rng, 1, &roll[1], NULL, &f[1]) &&
        !play_and_judge(&b->rnn, NULL, 1, &roll[2], NULL, &f[2])) {
        static const char *const names[] = {"LSTM, the likeliest notes", "LSTM, notes drawn by their probability",
                                            "plain recurrent net, the likeliest notes", "training choruses"};
        f[3] = of_training(b);
        jd_report_section(rep, "Form and melody");
        show_table(b, names, f, 4);
        jd_report_section(rep, "What it plays");
        show(b, "chords", &roll[1], NULL, (b->play - 2) * CHORUS, 2 * CHORUS,
             "The last two choruses of a free run with drawn notes. The chords change where they should, after twenty "
             "choruses in which nobody counted for the network. In the MIDI file `blues.mid`.");
        show(b, "chords", &roll[0], p, (b->play - 1) * CHORUS, CHORUS,
             "The last chorus with the likeliest notes, and the probabilities they were chosen by.");
        show(b, "chords", &roll[2], NULL, 0, 2 * CHORUS,
             "The plain recurrent net, its first two choruses: see the chords.");
        music_write(b->ctx, jd_run_path(r, "blues.mid"), &roll[1], voices());
        music_write(b->ctx, jd_run_path(r, "blues-likeliest.mid"), &roll[0], voices());
        for (int k = 0; k < 3; k++)
            jd_run_note(r,
                        "%s: chords right at %.1f %% of the bars, %lld choruses in form; %.1f %% chord tones on strong "
                        "beats, %lld different choruses, %lld copied",
                        names[k], f[k].bars, (long long)f[k].kept, f[k].strong, (long long)f[k].different,
                        (long long)f[k].copied);
        jd_run_extra(r, "chords_right_at_steps", f[0].steps);
        jd_run_extra(r, "choruses_in_form", (double)f[0].kept);
        jd_run_extra(r, "chord_tones_on_strong_beats", f[0].strong);
        jd_run_extra(r, "copied_choruses", (double)(f[0].copied + f[1].copied));
        jd_run_extra(r, "drawn_chord_tones_on_strong_beats", f[1].strong);
        jd_run_extra(r, "drawn_different_choruses", (double)f[1].different);
        jd_run_extra(r, "rnn_choruses_in_form", (double)f[2].kept);
        jd_run_extra(r, "rnn_bars_right", f[2].bars);
        const char *why = f[0].bars < 99     ? "the chords are lost in the free run"
                          : f[0].strong < 70 ? "chord tones on strong beats are below 70 %"
                          : f[0].copied      ? "a chorus of the training set is repeated"
                          : f[2].kept >= 3   ? "the plain recurrent net keeps the form for three choruses or more"
                                             : NULL;
        jd_run_save(r, b->lstm.params, b->lstm.trained, true);
        jd_run_finish(r, f[0].bars, why);
    }
    for (int k = 0; k < 3; k++) music_roll_free(b->ctx, &roll[k]);
    jd_free(b->ctx, p);
    return jd_error(b->ctx);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    band b = {.r = r,
              .ctx = ctx,
              .seed = jd_run_seed(r),
              .choruses = (int64_t)jd_run_setting(r, "choruses"),
              .chord_units = (int64_t)jd_run_setting(r, "chord_units"),
              .melody_units = (int64_t)jd_run_setting(r, "melody_units"),
              .batch = (int64_t)jd_run_setting(r, "batch"),
              .length = (int64_t)jd_run_setting(r, "length"),
              .play = (int64_t)jd_run_setting(r, "play"),
              .clip = 1};
    b.lstm = (net){.name = "lstm", .band = &b};
    b.rnn = (net){.name = "rnn", .band = &b, .plain = true};
    if (b.choruses < 1 || b.length < 1 || b.length > 20 || b.play < 2 || b.play > 1000 || b.batch < 1 ||
        b.chord_units < 1 || b.melody_units < 1)
        return jd_fail(ctx, JD_EUSAGE, "music-blues: length is 1..20, play 2..1000, the others at least 1");
    const size_t floats = (size_t)(b.length * CHORUS * b.batch) * WIDTH;
    b.training = jd_alloc_array(ctx, (size_t)b.choruses, CHORUS * WIDTH);
    b.x = jd_alloc_array(ctx, floats, sizeof *b.x);
    b.y = jd_alloc_array(ctx, floats, sizeof *b.y);
    for (int64_t i = 0; b.training && i < b.choruses; i++) write_chorus(b.seed, i, b.training + i * CHORUS * WIDTH);
    if (!jd_error(ctx) && !train(&b.lstm, "LSTM") && !train(&b.rnn, "plain recurrent net")) report(&b);
    net *all[] = {&b.lstm, &b.rnn};
    for (int k = 0; k < 2; k++) {
        jd_fn_free(all[k]->step);
        jd_params_free(all[k]->params);
    }
    jd_free(ctx, b.training);
    jd_free(ctx, b.x);
    jd_free(ctx, b.y);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"choruses", {64, 64, 64}, "training choruses"},
    {"length", {2, 2, 3}, "choruses of a training sequence"},
    {"play", {20, 20, 100}, "choruses of a free run"},
    {"chord_units", {16, 16, 16}, "cells that hear and predict chords"},
    {"melody_units", {24, 24, 32}, "cells that predict melody"},
    {"batch", {1, 1, 4}, "sequences a step"},
    {"steps", {3000, 3000, 10000}, "training steps of each network"},
    {"rate", {1e-2, 1e-2, 5e-3}, "Adam's first rate"},
    {NULL},
};

const jd_system jd_system_music_blues = {
    .name = "music-blues",
    .year = 2002,
    .title = "LSTM composes blues",
    .paper = "D. Eck, J. Schmidhuber: Finding temporal structure in music: blues improvisation with LSTM recurrent "
             "networks. IEEE NNSP 2002",
    .metric = "bars that begin with the right chord, in a free run (%)",
    .higher = true,
    .paper_value = NAN,
    .paper_note =
        "the paper gives no figure: its network learned the form, did not drift from it, and composed new melodies; "
        "the melodies here are generated, those of the paper were written by its first author. The plain net has as "
        "many units as the LSTM cells; with 32, sequences of three choruses and half the rate it was seen to keep the "
        "form as well",
    .accept = {90, 99, 99},
    .about =
        "Each of 96 steps, an eighth note long, has one bit for each of twelve chord notes and for each of thirteen "
        "notes of the blues scale. The chords C7, F7, G7 follow the standard twelve bars: to know when C7 ends the "
        "network must count up to 48 steps in which the chords do not change. Choruses follow each other in random "
        "order; melodies wander over the scale and tend to chord tones on the first and fifth step of a bar. In the "
        "free run the network hears itself: one wrong chord and the form is lost, unless it finds its way back.",
    .settings = settings,
    .run = run,
};
