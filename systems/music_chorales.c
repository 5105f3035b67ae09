/*
 * music_chorales.c - the next notes of Bach's chorales (Boulanger-Lewandowski, Bengio, Vincent, ICML 2012).
 *
 * A piano roll of 88 notes in quarters: an LSTM hears one step after the other and says for every note how probable it is in
 * the next one.  Measured is the negative log-likelihood of a step, all notes together.  Then it goes on by itself: a MIDI
 * file to listen to.
 */
#include "jackdaw/data.h"
#include "music.h"
#include "music_pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES = PIECES_NOTES, LOWEST = PIECES_LOWEST, PAD = 32 };

typedef struct choir {
    jd_run *r;
    jd_ctx *ctx;
    uint64_t seed;
    pieces train, valid, test;
    size_t batch, per_epoch;
    int64_t units, transpose, epoch;
    double dropout, input;
    jd_batches order;
    float *x, *y, *mask;
    size_t room;
    int32_t length[256];
    jd_params *params;
    jd_fn *look, *step;
} choir;

/* ---- batches -------------------------------------------------------------------------------------------------------------*/

/* Pieces index[0..n-1], moved up by shift[k] semitones: x is the step before (silence before the first), y the step. */
static int fill(choir *c, const pieces *p, const uint32_t *index, size_t n, const int *shift, jd_tensor *in)
{
    int32_t longest = 1;
    for (size_t k = 0; k < n; k++) longest = p->items[index[k]].steps > longest ? p->items[index[k]].steps : longest;
    const int64_t T = (longest + PAD - 1) / PAD * PAD, B = (int64_t)n;
    const size_t floats = (size_t)(T * B * NOTES);
    if (floats > c->room) {
        float **all[] = {&c->x, &c->y, &c->mask};
        for (int k = 0; k < 3; k++) {
            jd_free(c->ctx, *all[k]);
            *all[k] = jd_alloc_array(c->ctx, k < 2 ? floats : floats / NOTES, sizeof(float));
        }
        c->room = jd_error(c->ctx) ? 0 : floats;
        if (!c->room) return 0;
    }
    memset(c->x, 0, floats * sizeof *c->x);
    memset(c->y, 0, floats * sizeof *c->y);
    memset(c->mask, 0, floats / NOTES * sizeof *c->mask);
    for (size_t k = 0; k < n; k++) {
        const song *piece = &p->items[index[k]];
        c->length[k] = piece->steps;
        for (int64_t t = 0; t < piece->steps; t++) {
            c->mask[t * B + (int64_t)k] = 1;
            for (int i = 0; i < NOTES; i++) {
                const int j = i + (shift ? shift[k] : 0);
                if (!piece->on[t * NOTES + i] || j < 0 || j >= NOTES) continue;
                c->y[(t * B + (int64_t)k) * NOTES + j] = 1;
                if (t + 1 < piece->steps) c->x[((t + 1) * B + (int64_t)k) * NOTES + j] = 1;
            }
        }
    }
    in[0] = JD_TENSOR("x", JD_F32, c->x, T, B, NOTES);
    in[1] = JD_TENSOR("length", JD_I32, c->length, B);
    in[2] = JD_TENSOR("y", JD_F32, c->y, T, B, NOTES);
    in[3] = JD_TENSOR("mask", JD_F32, c->mask, T, B);
    return 4;
}

static jd_status order_epoch(choir *c, int64_t epoch)
{
    jd_batches_free(c->ctx, &c->order);
    int32_t *length = jd_alloc_array(c->ctx, c->train.n, sizeof *length);
    for (size_t i = 0; length && i < c->train.n; i++) length[i] = c->train.items[i].steps;
    if (length)
        jd_batches_make(c->ctx,
                        &(jd_batches_options){.count = c->train.n,
                                              .batch = c->batch,
                                              .length = length,
                                              .shuffle = true,
                                              .seed = c->seed,
                                              .epoch = (uint64_t)epoch,
                                              .pool = 4,
                                              .drop_last = true},
                        &c->order);
    jd_free(c->ctx, length);
    c->epoch = epoch;
    c->per_epoch = c->order.count;
    return jd_error(c->ctx);
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    choir *c = user;
    (void)slot;
    const int64_t per = (int64_t)c->per_epoch, epoch = step / per;
    if (c->epoch != epoch && order_epoch(c, epoch)) return 0;
    const size_t at = c->order.offset[step % per], n = c->order.offset[step % per + 1] - at;
    int shift[256];
    for (size_t k = 0; k < n; k++) {
        jd_rng r = jd_rng_new(c->seed, "chorales/key", (uint64_t)epoch * c->train.n + c->order.index[at + k]);
        shift[k] = (int)jd_rng_below(&r, (uint32_t)(2 * c->transpose + 1)) - (int)c->transpose;
    }
    return fill(c, &c->train, c->order.index + at, n, shift, in);
}

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

static jd_node predict(jd_graph *g, const choir *c, jd_lstm_options o, jd_lstm_out *state)
{
    const jd_node x = jd_dropout(g, "input", jd_arg(g, "x"), c->input); /* (T,B,88) */
    o.units = c->units;
    const jd_lstm_out l = jd_lstm_full(g, "lstm", x, o);
    if (state) *state = l;
    return jd_dense(g, "out", jd_dropout(g, "output", l.y, c->dropout), .units = NOTES,
                    .bias_init = {JD_INIT_CONST, -3});
}

/* Mean over the steps that are there of -ln p(all 88 notes). */
static jd_node loss_of(jd_graph *g, const choir *c)
{
    const jd_node each =
        jd_sigmoid_xent_each(g, predict(g, c, (jd_lstm_options){.length = jd_arg(g, "length")}, NULL), jd_arg(g, "y"));
    const jd_node mask = jd_arg(g, "mask"), steps = jd_sum(g, each, JD_AXIS(2), false); /* (T,B) */
    return jd_div(g, jd_sum(g, jd_mul(g, steps, mask), JD_ALL_AXES, false), jd_sum(g, mask, JD_ALL_AXES, false));
}

static void train_step(jd_graph *g, void *user)
{
    const jd_node loss = loss_of(g, user);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
}

static void look(jd_graph *g, void *user)
{
    jd_result(g, "loss", loss_of(g, user));
    jd_result(g, "p", jd_sigmoid(g, predict(g, user, (jd_lstm_options){.length = jd_arg(g, "length")}, NULL)));
}

static void one_step(jd_graph *g, void *user)
{
    jd_lstm_out s;
    const jd_lstm_options o = {.h0 = jd_arg(g, "h"), .c0 = jd_arg(g, "c")};
    jd_result(g, "p", jd_sigmoid(g, predict(g, user, o, &s)));
    jd_result(g, "h", s.hT);
    jd_result(g, "c", s.cT);
}

/* ---- measuring -----------------------------------------------------------------------------------------------------------*/

/* -ln p of a step, in nats, over all steps of all pieces. */
static double measure(choir *c, const pieces *p)
{
    double sum = 0;
    for (size_t at = 0; at < p->n && !jd_error(c->ctx); at += 16) {
        uint32_t index[16];
        size_t n = 0;
        double steps = 0;
        for (; n < 16 && at + n < p->n; n++) {
            index[n] = (uint32_t)(at + n);
            steps += p->items[at + n].steps;
        }
        jd_tensor in[4];
        const int inputs = fill(c, p, index, n, NULL, in);
        if (!inputs || jd_fn_run(c->look, in, inputs)) break;
        sum += jd_fn_scalar(c->look, "loss") * steps;
    }
    return sum / (double)p->steps;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    choir *c = user;
    const double nll = measure(c, &c->valid);
    jd_run_log(r, step, "validation pieces (nats a step)", nll);
    return nll;
}

/* What a note's own frequency in training alone would give. */
static double by_frequency(const pieces *train, const pieces *test)
{
    double p[NOTES] = {0}, sum = 0;
    for (int64_t i = 0; i < train->steps * NOTES; i++) p[i % NOTES] += train->memory[i];
    for (int k = 0; k < NOTES; k++) p[k] = (p[k] + 0.5) / ((double)train->steps + 1);
    for (int64_t i = 0; i < test->steps * NOTES; i++) sum -= log(test->memory[i] ? p[i % NOTES] : 1 - p[i % NOTES]);
    return sum / (double)test->steps;
}

static jd_status train(choir *c, jd_train_result *res)
{
    jd_run *r = c->r;
    const double rate = jd_run_setting(r, "rate");
    c->params = jd_params_new(c->ctx, JD_F32);
    c->look = jd_fn_new(c->ctx, c->params, look, c);
    c->step = jd_fn_new(c->ctx, c->params, one_step, c);
    if (order_epoch(c, 0)) return jd_error(c->ctx);
    const jd_train_options o = {
        .what = "chorales",
        .trace = train_step,
        .user = c,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)c->per_epoch),
        .batch = next_batch,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 30, .warmup = 20},
        .validate_every = 2 * (int64_t)c->per_epoch,
        .validate = validate,
        .keep_best = true,
        .items_per_step = (int64_t)c->batch,
    };
    return jd_train(r, c->params, &o, res);
}

/* ---- composing and the report ------------------------------------------------------------------------------------------*/

/* The first `given` steps are those of a piece, the others are drawn from what the network says after hearing them. */
static jd_status compose(choir *c, jd_rng *rng, const song *begin, int64_t given, music_roll *roll, float *p)
{
    const size_t H = (size_t)c->units;
    float x[NOTES] = {0}, *h = jd_alloc_array(c->ctx, H, sizeof *h), *cell = jd_alloc_array(c->ctx, H, sizeof *cell);
    for (int64_t t = 0; t < roll->T && !jd_error(c->ctx); t++) {
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, 1, 1, NOTES), JD_TENSOR("h", JD_F32, h, 1, c->units),
                                JD_TENSOR("c", JD_F32, cell, 1, c->units)};
        if (jd_fn_run(c->step, in, 3)) break;
        const float *said = jd_fn_result(c->step, "p", NULL), *h1 = jd_fn_result(c->step, "h", NULL);
        const float *c1 = jd_fn_result(c->step, "c", NULL);
        if (!said || !h1 || !c1) break;
        memcpy(h, h1, H * sizeof *h);
        memcpy(cell, c1, H * sizeof *cell);
        memcpy(p + t * NOTES, said, sizeof x);
        uint8_t *on = roll->on + t * NOTES;
        if (t < given && t < begin->steps)
            memcpy(on, begin->on + t * NOTES, NOTES);
        else
            music_draw(rng, said, NOTES, on);
        for (int i = 0; i < NOTES; i++) x[i] = on[i];
    }
    jd_free(c->ctx, h);
    jd_free(c->ctx, cell);
    return jd_error(c->ctx);
}

static void write_midi(choir *c, const char *file, const music_roll *roll)
{
    uint8_t pitch[NOTES];
    for (int i = 0; i < NOTES; i++) pitch[i] = (uint8_t)(LOWEST + i);
    const music_voice v = {.pitch = pitch,
                           .program = {19},
                           .velocity = {80},
                           .per_quarter = 1,
                           .tempo = 84,
                           .hold = 4,
                           .hold_channel = -1}; /* a church organ */
    music_write(c->ctx, jd_run_path(c->r, file), roll, &v);
}

enum { SHOW_LOW = 42 - LOWEST, SHOW_N = 56 };

/* A test piece, and before each of its steps what the network expected. */
static jd_status show_piece(choir *c, size_t i)
{
    const song *piece = &c->test.items[i];
    const uint32_t index = (uint32_t)i;
    jd_tensor in[4];
    const int inputs = fill(c, &c->test, &index, 1, NULL, in);
    if (!inputs || jd_fn_run(c->look, in, inputs)) return jd_error(c->ctx);
    const float *p = jd_fn_result(c->look, "p", NULL);
    const int64_t T = piece->steps;
    float *surprise = jd_alloc_array(c->ctx, (size_t)T, sizeof *surprise);
    if (p && surprise) {
        char caption[300];
        double sum = 0;
        for (int64_t t = 0; t < T; t++) {
            for (int k = 0; k < NOTES; k++) {
                const double q = (double)p[t * NOTES + k];
                surprise[t] -= (float)log(fmax(piece->on[t * NOTES + k] ? q : 1 - q, 1e-9));
            }
            sum += (double)surprise[t] / (double)T;
        }
        const music_roll roll = {.T = T, .N = NOTES, .on = piece->on};
        jd_timeline *line = jd_timeline_new(c->ctx, "quarter", 0, (double)T);
        music_show_roll(c->ctx, line, "written", &roll, 0, T, SHOW_LOW, SHOW_N, SHOW_LOW + LOWEST, NULL, 170);
        music_show(c->ctx, line, "expected", p, T, NOTES, SHOW_LOW, SHOW_N, SHOW_LOW + LOWEST, NULL, 170);
        jd_timeline_lines(line, "surprise (nats)", surprise, (size_t)T, 1, (const char *const[]){"nats"}, 0, 0);
        snprintf(
            caption, sizeof caption,
            "A test chorale of %lld quarters by MIDI note, what the network expected at each step from all before, and "
            "how surprised it was: %.2f nats a step. Peaks are steps that it did not expect.",
            (long long)T, sum);
        jd_report_timeline(jd_run_report(c->r), line, caption);
    }
    jd_free(c->ctx, surprise);
    return jd_error(c->ctx);
}

static jd_status show_own(choir *c, jd_rng *rng)
{
    enum { T = 96, GIVEN = 8 };
    float *p = jd_alloc_array(c->ctx, T, NOTES * sizeof *p);
    for (int k = 0; k < 3 && !jd_error(c->ctx); k++) {
        music_roll roll;
        char file[32];
        const song *begin = &c->test.items[(size_t)(7 * k + 1) % c->test.n];
        if (music_roll_new(c->ctx, T, NOTES, &roll) || compose(c, rng, begin, GIVEN, &roll, p)) break;
        snprintf(file, sizeof file, "chorale-%d.mid", k + 1);
        write_midi(c, file, &roll);
        if (k == 0) {
            jd_timeline *line = jd_timeline_new(c->ctx, "quarter", 0, T);
            music_show_roll(c->ctx, line, "played", &roll, 0, T, SHOW_LOW, SHOW_N, SHOW_LOW + LOWEST, NULL, 170);
            music_show(c->ctx, line, "expected", p, T, NOTES, SHOW_LOW, SHOW_N, SHOW_LOW + LOWEST, NULL, 170);
            jd_report_timeline(
                jd_run_report(c->r), line,
                "Eight quarters of a test chorale, then the network goes on by itself: every note is drawn with "
                "the probability that the network gives it, each by itself. In `chorale-1.mid`; two more "
                "beside it.");
        }
        music_roll_free(c->ctx, &roll);
    }
    jd_free(c->ctx, p);
    return jd_error(c->ctx);
}

static jd_status report(choir *c, const jd_train_result *res)
{
    jd_run *r = c->r;
    jd_report *rep = jd_run_report(r);
    jd_rng rng = jd_rng_new(c->seed, "chorales/compose", 0);
    const double test = measure(c, &c->test), valid = measure(c, &c->valid), training = measure(c, &c->train);
    const double frequency = by_frequency(&c->train, &c->test);
    char cells[4][24];
    const double v[] = {training, valid, test, frequency};
    for (int k = 0; k < 4; k++) snprintf(cells[k], sizeof cells[k], "%.3f", v[k]);
    jd_report_section(rep, "How well it expects");
    const char *const rows[] = {"LSTM, training pieces",
                                cells[0],
                                "LSTM, validation pieces",
                                cells[1],
                                "LSTM, test pieces",
                                cells[2],
                                "each note by its frequency, test pieces",
                                cells[3],
                                "recurrent net, 2012",
                                "8.71",
                                "RNN-RBM, 2012: notes of a step depend on each other",
                                "6.27",
                                "RNN-NADE, 2012: likewise",
                                "5.56"};
    jd_report_table(
        rep, (const char *const[]){"who", "-ln p of a step (nats)"}, rows, 7, 2,
        "Mean over all steps. The figures of 2012 are those of Boulanger-Lewandowski, Bengio, Vincent, recalled. "
        "Nets whose notes are independent given the past cannot come near the last two, which model chords.");
    show_piece(c, 1 % c->test.n);
    jd_report_section(rep, "What it plays by itself");
    show_own(c, &rng);
    jd_run_note(r, "nats a step: test %.3f, validation %.3f, training %.3f; by the notes' frequencies %.3f", test,
                valid, training, frequency);
    jd_run_extra(r, "valid_nats", valid);
    jd_run_extra(r, "train_nats", training);
    jd_run_extra(r, "frequency_nats", frequency);
    jd_run_extra(r, "weights", (double)jd_params_count(c->params));
    jd_run_save(r, c->params, res->steps, true);
    return jd_run_finish(r, test, NULL);
}

static jd_status run(jd_run *r)
{
    choir c = {.r = r,
               .ctx = jd_run_ctx(r),
               .seed = jd_run_seed(r),
               .batch = (size_t)jd_run_setting(r, "batch"),
               .units = (int64_t)jd_run_setting(r, "units"),
               .transpose = (int64_t)jd_run_setting(r, "transpose"),
               .dropout = jd_run_setting(r, "dropout"),
               .input = jd_run_setting(r, "input_dropout")};
    jd_train_result res = {0};
    if (c.batch < 1 || c.batch > 256 || c.transpose < 0 || c.transpose > 12 || c.units < 1)
        return jd_fail(c.ctx, JD_EUSAGE, "music-chorales: batch is 1..256, transpose 0..12, units at least 1");
    if (!pieces_read(c.r, "train", &c.train) && !pieces_read(c.r, "valid", &c.valid) &&
        !pieces_read(c.r, "test", &c.test) && !train(&c, &res))
        report(&c, &res);
    jd_fn_free(c.look);
    jd_fn_free(c.step);
    jd_params_free(c.params);
    jd_batches_free(c.ctx, &c.order);
    pieces_free(c.ctx, &c.train);
    pieces_free(c.ctx, &c.valid);
    pieces_free(c.ctx, &c.test);
    jd_free(c.ctx, c.x);
    jd_free(c.ctx, c.y);
    jd_free(c.ctx, c.mask);
    return jd_error(c.ctx);
}

static const jd_setting settings[] = {
    {"units", {96, 160, 512}, "LSTM cells"},
    {"epochs", {10, 24, 200}, "passes over the training chorales"},
    {"batch", {4, 4, 16}, "chorales a step"},
    {"rate", {1e-2, 1e-2, 2e-3}, "Adam's first rate"},
    {"dropout", {0.3, 0.5, 0.5}, "share of the cells' outputs dropped"},
    {"input_dropout", {0.1, 0.1, 0.1}, "share of the notes not heard"},
    {"transpose", {0, 0, 6}, "semitones by which training chorales are moved up or down at random, at most"},
    {NULL},
};

const jd_system jd_system_music_chorales = {
    .name = "music-chorales",
    .year = 2012,
    .title = "Bach's chorales, note by note, LSTM",
    .paper = "N. Boulanger-Lewandowski, Y. Bengio, P. Vincent: Modeling temporal dependencies in high-dimensional "
             "sequences. ICML 2012; after Eck, Schmidhuber 2002",
    .metric = "negative log-likelihood of a step of the test chorales (nats)",
    .higher = false,
    .paper_value = 8.71,
    .paper_note = "recurrent net of 2012, recalled; the same split and quarters. LSTMs are said to reach 8.5 to 8.7",
    .accept = {10, 9, 8.5},
    .about = "A chorale is a table of quarters by 88 notes, of which four or so sound at a time. The LSTM says how "
             "probable each note is in the next quarter, given all before; notes of one step are independent given the "
             "past. The moment to stop is chosen on the validation pieces. What to look at: what is expected before a "
             "phrase ends, and whether the network's own chorale keeps its key.",
    .data = "jsb_chorales",
    .settings = settings,
    .run = run,
};
