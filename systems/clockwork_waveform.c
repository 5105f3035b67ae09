/*
 * clockwork_waveform.c - networks without any input that produce a waveform (Koutnik, Greff, Gomez, Schmidhuber, A Clockwork
 * RNN, ICML 2014, first experiment).
 *
 * A network that reads nothing must carry in its state where it is: 320 samples, 7 ms of sound at 44.1 kHz.  Simple net,
 * LSTM and Clockwork RNN have as many weights.  The paper's sounds were music; here they are pieces of spoken digits.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "jackdaw/data.h"
#include "jackdaw/system.h"

enum { T = 320, MODULES = 9, MOST_WAVES = 10, MOST_TRIES = 10, MOST_SIZES = 4 };
static const int64_t size_of[MOST_SIZES] = {500, 250, 1000, 100}; /* weights */
#define RATE 44100.

typedef struct wave {
    float x[T]; /* in [-1,1] */
    double variance;
    char what[40];
} wave;

typedef struct net {
    jd_ctx *ctx;
    clock_net shape;
    const wave *w;
    char name[48];
    float none[T]; /* the input: nothing */
    jd_params *params;
    jd_fn *ask;
    jd_node y;
} net;

/* (T,1): the sample of each step */
static jd_node produce(jd_graph *g, const net *n, jd_rnn_out *inside)
{
    const jd_rnn_out h = clock_recur(g, &n->shape, jd_arg(g, "x"), JD_NONE);
    if (inside) *inside = h;
    return jd_reshape(g, jd_dense(g, "out", h.y, .units = 1, .init = n->shape.init), JD_DIMS(T, 1));
}

static void train_step(jd_graph *g, void *user)
{
    const net *n = user;
    jd_scope_push(g, n->name);
    const jd_node e = jd_sub(g, produce(g, n, NULL), jd_arg(g, "wave"));
    const jd_node loss = jd_affine(g, jd_mean(g, jd_square(g, e), JD_ALL_AXES, false), 1 / n->w->variance, 0);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const net *n = user;
    jd_rnn_out h;
    jd_scope_push(g, n->name);
    jd_result(g, "y", produce(g, n, &h));
    jd_result(g, "h", h.y);
    jd_scope_pop(g);
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    net *n = user;
    (void)step, (void)slot;
    in[0] = JD_TENSOR("x", JD_F32, n->none, T, 1, 1);
    in[1] = JD_TENSOR("wave", JD_F32, n->w->x, T, 1);
    return 2;
}

/* Normalised squared error: the mean square over the variance of the waveform. */
static double error_of(const float *y, const wave *w)
{
    double sum = 0;
    for (int t = 0; t < T; t++) sum += ((double)y[t] - (double)w->x[t]) * ((double)y[t] - (double)w->x[t]);
    return sum / T / w->variance;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    net *n = user;
    const jd_tensor in = JD_TENSOR("x", JD_F32, n->none, T, 1, 1);
    (void)r, (void)step;
    if (jd_fn_run(n->ask, &in, 1)) return 1;
    const float *y = jd_fn_result(n->ask, "y", NULL);
    return y ? error_of(y, n->w) : 1;
}

/* ---- the waveforms ------------------------------------------------------------------------------------------------------*/

/* The signal between samples, by the polynomial through the six around. */
static double between(const float *s, size_t count, double at)
{
    const int64_t i0 = (int64_t)floor(at) - 2;
    double sum = 0;
    for (int64_t i = i0; i < i0 + 6; i++) {
        double weight = 1;
        if (i < 0 || i >= (int64_t)count) continue;
        for (int64_t j = i0; j < i0 + 6; j++)
            if (j != i) weight *= (at - (double)j) / (double)(i - j);
        sum += weight * (double)s[i];
    }
    return sum;
}

/* 7 ms from where the recording is loudest, at 44.1 kHz, mean 0, largest value 1. */
static void cut(const jd_utterance *u, int rate, const char *speaker, wave *w)
{
    const size_t window = (size_t)(rate / 50);
    size_t best = 0;
    double most = -1, mean = 0, top = 1e-9, y[T];
    for (size_t i = 0; i + window < u->count; i += window / 4) {
        double energy = 0;
        for (size_t k = 0; k < window; k++) energy += (double)u->samples[i + k] * (double)u->samples[i + k];
        if (energy > most) most = energy, best = i;
    }
    for (int t = 0; t < T; t++) {
        y[t] = between(u->samples, u->count, (double)best + t * rate / RATE);
        mean += y[t] / T;
    }
    for (int t = 0; t < T; t++) top = fmax(top, fabs(y[t] -= mean));
    w->variance = 0;
    for (int t = 0; t < T; t++) {
        w->x[t] = (float)(y[t] / top);
        w->variance += (double)w->x[t] * (double)w->x[t] / T;
    }
    snprintf(w->what, sizeof w->what, "\"%d\", %.24s", u->digit, speaker);
}

/* Waveforms of different digits and speakers, the same for every seed. */
static jd_status load(jd_run *r, wave *waves, int n)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const char *data = jd_run_data(r, "fsdd");
    jd_speech s = {0};
    jd_run_stage(r, "reading recordings");
    if (jd_load_fsdd(ctx, &(jd_fsdd_options){.dir = strcmp(data, "fsdd") ? data : NULL, .split = JD_TEST}, &s))
        return jd_error(ctx);
    for (int k = 0, from = 0; k < n; k++, from++) {
        size_t i = 0;
        while (i < s.count && (s.items[i].digit != k % 10 || s.items[i].speaker != from % s.speakers)) i++;
        if (i == s.count) i = (size_t)k * s.count / (size_t)n;
        cut(&s.items[i], s.rate, s.speaker_names[s.items[i].speaker], &waves[k]);
    }
    jd_speech_free(ctx, &s);
    return JD_OK;
}

/* ---- training -----------------------------------------------------------------------------------------------------------*/

typedef struct outcome {
    double error;
    float y[T];
    float *h; /* (T,units) */
} outcome;

static jd_status train(jd_run *r, const wave *w, const clock_net *shape, const char *name, int keep, outcome *out)
{
    jd_ctx *ctx = jd_run_ctx(r);
    net n = {.ctx = ctx, .shape = *shape, .w = w};
    snprintf(n.name, sizeof n.name, "%s", name);
    n.params = jd_params_new(ctx, JD_F32);
    n.ask = jd_fn_new(ctx, n.params, ask, &n);
    const int64_t steps = (int64_t)jd_run_setting(r, "steps");
    const jd_train_options o = {.what = n.name,
                                .series = n.name,
                                .trace = train_step,
                                .user = &n,
                                .steps = steps,
                                .batch = batch,
                                .lr = {.kind = JD_COSINE, .rate = jd_run_setting(r, "rate"), .end = 1e-5},
                                .log_every = steps / 60 + 1,
                                .validate_every = steps / 20 + 1,
                                .validate = validate,
                                .keep_best = true};
    out->error = (double)NAN;
    if (!jd_train(r, n.params, &o, NULL)) {
        out->error = validate(&n, r, steps);
        const float *y = jd_fn_result(n.ask, "y", NULL), *h = jd_fn_result(n.ask, "h", NULL);
        if (y) memcpy(out->y, y, sizeof out->y);
        if (keep && h && !out->h) {
            out->h = jd_alloc_array(ctx, (size_t)(T * shape->units), sizeof *out->h);
            if (out->h) memcpy(out->h, h, (size_t)(T * shape->units) * sizeof *h);
            if (shape->kind == CLOCK_CLOCKWORK) jd_run_save(r, n.params, steps, true);
        }
    }
    jd_fn_free(n.ask);
    jd_params_free(n.params);
    return jd_error(ctx);
}

typedef struct row {
    clock_net shape;
    int64_t weights;
    double mean, deviation; /* over waveforms and tries */
} row;

static void summarise(row *k, double errors[MOST_WAVES][MOST_TRIES], int waves, int tries)
{
    double square = 0;
    k->mean = 0;
    for (int w = 0; w < waves; w++)
        for (int i = 0; i < tries; i++) {
            k->mean += errors[w][i] / (waves * tries);
            square += errors[w][i] * errors[w][i] / (waves * tries);
        }
    k->deviation = sqrt(fmax(0, square - k->mean * k->mean));
}

/* ---- the report ---------------------------------------------------------------------------------------------------------*/

static void draw_waves(jd_run *r, const wave *w, outcome o[CLOCK_KINDS][MOST_WAVES], int waves)
{
    double x[T];
    for (int t = 0; t < T; t++) x[t] = 1000 * t / RATE;
    jd_report_section(jd_run_report(r), "What they produce");
    for (int i = 0; i < waves; i++) {
        char caption[160];
        jd_chart *c = NULL;
        for (int k = 0; k < CLOCK_KINDS; k++) {
            double y[T], z[T];
            for (int t = 0; t < T; t++) y[t] = (double)w[i].x[t], z[t] = (double)o[k][i].y[t];
            const jd_axis axis = {.label = clock_names[k], .min = -1.15, .max = 1.15};
            if (!c)
                c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "time (ms)"}, &axis, 120);
            else
                jd_chart_panel(c, &axis, 120);
            jd_chart_line(c, "target", x, y, T, JD_NEUTRAL | JD_DASHED);
            jd_chart_line(c, "network", x, z, T, 0);
        }
        snprintf(caption, sizeof caption, "Waveform %d (%s): error %.4f simple net, %.4f LSTM, %.4f Clockwork RNN.",
                 i + 1, w[i].what, o[0][i].error, o[1][i].error, o[2][i].error);
        jd_report_chart(jd_run_report(r), c, caption);
    }
}

static void draw_modules(jd_run *r, const outcome *o, const clock_net *shape)
{
    const size_t H = (size_t)shape->units;
    char name[MODULES][24];
    const char *names[256];
    if (!o->h || H > 256) return;
    for (size_t u = 0; u < H; u++) {
        const size_t m = u / (H / MODULES);
        snprintf(name[m], sizeof name[m], "period %d", 1 << m);
        names[u] = u % (H / MODULES) ? "" : name[m];
    }
    jd_timeline *t = jd_timeline_new(jd_run_ctx(r), "time (ms)", 0, 1000 * T / RATE);
    jd_timeline_lines(t, "produced", o->y, T, 1, (const char *const[]){"sample"}, -1.1, 1.1);
    jd_timeline_map(t, &(jd_map){.label = "units",
                                 .values = o->h,
                                 .T = T,
                                 .H = H,
                                 .vmin = -1,
                                 .vmax = 1,
                                 .colors = JD_DIVERGING,
                                 .row_names = names,
                                 .height = 12 * (double)H});
    jd_report_section(jd_run_report(r), "The clocks");
    jd_report_timeline(
        jd_run_report(r), t,
        "The units of the Clockwork RNN as it produces the first waveform. Quick modules, above, draw the "
        "fine structure; slow ones hold still between the ticks of their clocks and tell them where in "
        "the waveform they are.");
}

static void report(jd_run *r, row rows[MOST_SIZES][CLOCK_KINDS], int sizes, int waves, int tries)
{
    static const char *const headings[] = {"network", "units", "weights", "error", "deviation"};
    enum { COLUMNS = 5 };
    char text[MOST_SIZES * CLOCK_KINDS * COLUMNS][32], caption[300];
    const char *cells[MOST_SIZES * CLOCK_KINDS * COLUMNS];
    size_t n = 0;
    for (int s = 0; s < sizes; s++)
        for (int k = 0; k < CLOCK_KINDS; k++) {
            const row *q = &rows[s][k];
            snprintf(text[n++], sizeof text[0], "%s", clock_names[k]);
            snprintf(text[n++], sizeof text[0], "%lld", (long long)q->shape.units);
            snprintf(text[n++], sizeof text[0], "%lld", (long long)q->weights);
            snprintf(text[n++], sizeof text[0], "%.4f", q->mean);
            snprintf(text[n++], sizeof text[0], "%.4f", q->deviation);
        }
    for (size_t i = 0; i < n; i++) cells[i] = text[i];
    snprintf(
        caption, sizeof caption,
        "Mean square of the error over the variance of the waveform, over %d waveforms and %d tries each with other "
        "first weights. Weights do not count those of the input, which is nothing.",
        waves, tries);
    jd_report_section(jd_run_report(r), "Who does it with how many weights");
    jd_report_table(jd_run_report(r), headings, cells, n / COLUMNS, COLUMNS, caption);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------*/

static jd_status run_all(jd_run *r, const wave *waves, int count, int tries, int sizes)
{
    static outcome first[CLOCK_KINDS][MOST_WAVES];
    row rows[MOST_SIZES][CLOCK_KINDS];
    jd_ctx *ctx = jd_run_ctx(r);
    memset(first, 0, sizeof first);
    for (int s = 0; s < sizes; s++)
        for (int k = 0; k < CLOCK_KINDS; k++) {
            double errors[MOST_WAVES][MOST_TRIES];
            row *q = &rows[s][k];
            q->shape = clock_like((clock_kind)k, MODULES, 0, 1, size_of[s]);
            q->shape.forget_bias = 5;
            q->shape.init =
                (jd_init){.kind = JD_INIT_NORMAL, .scale = k == CLOCK_LSTM ? .1 : jd_run_setting(r, "scale")};
            q->weights = clock_weights(&q->shape, 0, 1);
            for (int w = 0; w < count; w++)
                for (int i = 0; i < tries && !jd_error(ctx); i++) {
                    char name[48];
                    outcome other = {0};
                    snprintf(name, sizeof name, "%s-%lld-%d-%d",
                             k == 0   ? "srn"
                             : k == 1 ? "lstm"
                                      : "clockwork",
                             (long long)size_of[s], w + 1, i + 1);
                    train(r, &waves[w], &q->shape, name, s == 0 && i == 0 && w == 0, s || i ? &other : &first[k][w]);
                    errors[w][i] = s || i ? other.error : first[k][w].error;
                }
            if (jd_error(ctx)) break;
            summarise(q, errors, count, tries);
            jd_run_note(r, "%s, %lld weights: error %.4f, deviation %.4f", clock_names[k], (long long)q->weights,
                        q->mean, q->deviation);
        }
    if (!jd_error(ctx)) {
        const row *q = rows[0];
        report(r, rows, sizes, count, tries);
        draw_waves(r, waves, first, count);
        draw_modules(r, &first[CLOCK_CLOCKWORK][0], &q[CLOCK_CLOCKWORK].shape);
        jd_run_extra(r, "srn_error", q[CLOCK_SRN].mean);
        jd_run_extra(r, "lstm_error", q[CLOCK_LSTM].mean);
        jd_run_extra(r, "deviation", q[CLOCK_CLOCKWORK].deviation);
        const bool first_place = q[2].mean < q[1].mean && q[2].mean < q[0].mean;
        jd_run_extra(r, "clockwork_is_best", first_place);
        jd_run_finish(r, q[CLOCK_CLOCKWORK].mean,
                      first_place ? NULL : "another network of as many weights has a smaller error");
    }
    for (int k = 0; k < CLOCK_KINDS; k++)
        for (int w = 0; w < MOST_WAVES; w++) jd_free(ctx, first[k][w].h);
    return jd_error(ctx);
}

static jd_status run(jd_run *r)
{
    static wave waves[MOST_WAVES];
    const int count = (int)jd_run_setting(r, "waveforms"), tries = (int)jd_run_setting(r, "tries"),
              sizes = (int)jd_run_setting(r, "sizes");
    if (count < 1 || count > MOST_WAVES || tries < 1 || tries > MOST_TRIES || sizes < 1 || sizes > MOST_SIZES ||
        jd_run_setting(r, "steps") < 20)
        return jd_fail(jd_run_ctx(r), JD_EUSAGE,
                       "clockwork-waveform: waveforms is 1..%d, tries 1..%d, sizes 1..%d, steps at least 20",
                       MOST_WAVES, MOST_TRIES, MOST_SIZES);
    if (load(r, waves, count)) return jd_error(jd_run_ctx(r));
    return run_all(r, waves, count, tries, sizes);
}

static const jd_setting SETTINGS[] = {
    {"waveforms", {2, 5, 5}, "pieces of sound, one network each"},
    {"tries", {1, 3, 10}, "tries for each, with other first weights"},
    {"sizes", {1, 2, 4}, "numbers of weights: 500, 250, 1000, 100"},
    {"steps", {2000, 3000, 20000}, "training steps, each through the whole waveform"},
    {"rate", {.01, .01, .01}, "Adam's first learning rate"},
    {"scale", {.1, .1, .1}, "deviation of the first weights of simple net and Clockwork RNN, as in the paper"},
    {0},
};

const jd_system jd_system_clockwork_waveform = {
    .name = "clockwork-waveform",
    .year = 2014,
    .title = "A Clockwork RNN produces waveforms",
    .paper = "J. Koutnik, K. Greff, F. Gomez, J. Schmidhuber: A Clockwork RNN. ICML 2014",
    .metric = "normalised error of the Clockwork RNN of 500 weights",
    .higher = false,
    .paper_value = (double)NAN,
    .paper_note =
        "The paper: the Clockwork RNN far better than the LSTM, the LSTM far better than the simple net, on pieces "
        "of music with as many samples",
    .accept = {.02, .01, .01},
    .about = "A network that reads nothing is to produce 320 samples of sound. All it can use is its own state, so it "
             "must keep the time over the whole of it: what recurrent nets do badly. In a Clockwork RNN the units are "
             "divided into nine modules that compute at every step, at every second, ... at every 256th; quick "
             "modules hear the slow ones. It is compared with an LSTM and a simple recurrent net of as many weights. "
             "The paper took pieces of music; here they are pieces of spoken digits at the same rate, since those are "
             "at hand for everybody.",
    .data = "fsdd",
    .settings = SETTINGS,
    .run = run,
};
