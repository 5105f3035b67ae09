/* model.c - see model.h: what a model's file says of it, and plans that run it. */
#include "jackdaw/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/given.h"
#include "base/number.h"
#include "export/rows.h"
#include "export/views.h"
#include "jackdaw/train.h"
#include "layers/layers.h"

/* A batch is cut into blocks of few sizes, so that any number of samples needs three plans and no more. */
enum { BLOCKS = 3 };
static const int64_t BLOCK[BLOCKS] = {64, 8, 1};

struct jd_model {
    jd_ctx *ctx;
    jd_export e;
    jd_params *params;
    bool shared; /* what `e` and `params` point to is another model's */
    jd_views views;
    jd_ear_options ear; /* .preset NULL: it does not hear */
    char *net, *labels, *preset;
    jd__rows rows; /* of a table */
    float *mean, *factor, *out_factor, *out_shift;
    bool halves;                        /* the nets' outputs are in [-1,1] */
    bool symbols;                       /* the input's numbers are symbols */
    int64_t inputs, outputs, out_steps; /* out_steps: of the sequence that a picture becomes, else 1 */
    bool answers_steps;                 /* of sequences: an answer for each step */
    jd_fn *fn;
    jd_plan *plan[BLOCKS];
    void *x_at[BLOCKS][JD_VIEWS];
    const float *y_at[BLOCKS];
    float *x; /* of sequences: as the net takes them */
    size_t x_room;
};

/* ---- what the file says ----------------------------------------------------------------------------------------------------- */

/* "29x29x1", "13" or, of sequences, "100x13"; false where it is neither. */
static bool read_input(const char *text, jd_export *e)
{
    long long d[3];
    int end = 0;
    if (sscanf(text, "%9lldx%9lldx%9lld%n", &d[0], &d[1], &d[2], &end) == 3 && !text[end]) {
        e->height = d[0], e->width = d[1], e->channels = d[2];
        return d[0] > 0 && d[1] > 0 && d[2] > 0;
    }
    end = 0;
    if (sscanf(text, "%9lldx%9lld%n", &d[0], &d[1], &end) == 2 && !text[end]) {
        e->columns = d[1];
        e->sequence = true;
        return d[0] > 0 && d[1] > 0;
    }
    end = 0;
    if (sscanf(text, "%9lld%n", &d[0], &end) == 1 && !text[end]) e->columns = d[0];
    return e->columns > 0;
}

/* The columns of sequences: what the first weights take. */
static int64_t first_columns(const jd_params *p)
{
    const jd_range *r = jd_params_range(p, 0);
    return r && r->type.rank == 2 ? r->type.dim[1] : 0;
}

/* n numbers under a key; NULL where nothing is said of it, or after an error. */
static float *numbers(jd_ctx *ctx, const char *name, const jd_tensor_file *f, const char *key, int64_t n)
{
    char *text = jd_model_setting(ctx, f, key), *at = text, *end;
    float *v = text ? jd_alloc_array(ctx, (size_t)n, sizeof *v) : NULL;
    for (int64_t i = 0; v && i < n; i++, at = end) {
        v[i] = (float)jd__strtod(at, &end);
        if (end != at) continue;
        jd_fail(ctx, JD_EDATA, "%s: jackdaw.config: \"%s\" is not %lld numbers", name, key, (long long)n);
        break;
    }
    jd_free(ctx, text);
    return v;
}

static double number(jd_ctx *ctx, const jd_tensor_file *f, const char *key, double otherwise)
{
    char *text = jd_model_setting(ctx, f, key), *end = text;
    const double v = text ? jd__strtod(text, &end) : otherwise;
    const double said = end == text || !isfinite(v) ? otherwise : v;
    jd_free(ctx, text);
    return said;
}

/* Of a regression back to the targets' units; of outputs in [-1,1] to probabilities. */
static void read_outputs(jd_model *m, const char *name, const jd_tensor_file *f, int64_t classes)
{
    jd_ctx *ctx = m->ctx;
    char *answer = jd_model_setting(ctx, f, "answer"), *unit = jd_model_setting(ctx, f, "target-factor");
    const bool halves = m->e.softmax && answer && !strcmp(answer, "tanh");
    const double targets = number(ctx, f, "targets", 1);
    const int64_t K = halves ? classes : targets >= 1 && targets <= 100000 ? (int64_t)targets : 1;
    if (halves) {
        m->out_factor = jd_alloc_array(ctx, (size_t)K, sizeof *m->out_factor);
        m->out_shift = jd_alloc_array(ctx, (size_t)K, sizeof *m->out_shift);
    } else if (unit && !m->e.softmax) {
        m->out_factor = numbers(ctx, name, f, "target-factor", K);
        m->out_shift = numbers(ctx, name, f, "target-mean", K);
    }
    for (int64_t k = 0; m->out_factor && m->out_shift && k < K; k++) {
        if (halves) m->out_shift[k] = 0.5f;
        m->out_factor[k] = halves ? 0.5f : fabsf(m->out_factor[k]) > 0 ? 1 / m->out_factor[k] : 1;
    }
    if (halves) m->e.softmax = false;
    m->halves = halves;
    if (m->out_shift) m->e.out_factor = m->out_factor;
    m->e.out_shift = m->out_shift;
    jd_free(ctx, answer);
    jd_free(ctx, unit);
}

/* How recordings become what the net reads.  The normalisation is the model's, as of any sequence. */
static void read_ear(jd_model *m, const jd_tensor_file *f)
{
    jd_ctx *ctx = m->ctx;
    m->preset = jd_model_setting(ctx, f, "sound-preset");
    m->ear = (jd_ear_options){.preset = m->preset,
                              .rate = (int)fmin(fmax(number(ctx, f, "sound-rate", 0), 0), 1e6),
                              .shift_ms = (float)number(ctx, f, "sound-shift", 0),
                              .mel_floor = (float)number(ctx, f, "sound-mel-floor", 0),
                              .energy_floor = (float)number(ctx, f, "sound-energy-floor", 0),
                              .level = (float)number(ctx, f, "sound-level", 0),
                              .skip = (int)fmin(fmax(number(ctx, f, "sound-skip", 0), -1), 1e6),
                              .prior = (int)fmin(fmax(number(ctx, f, "sound-prior", 0), -1), 1e6)};
}

static jd_status describe(jd_model *m, const char *name, const jd_tensor_file *f)
{
    jd_ctx *ctx = m->ctx;
    jd_export *e = &m->e;
    char *input = jd_model_setting(ctx, f, "input"), *alphabet = jd_model_setting(ctx, f, "alphabet");
    const double classes = number(ctx, f, "classes", 0);
    m->net = jd_model_setting(ctx, f, "net");
    if (!jd_error(ctx) && (!m->net || (input && !read_input(input, e))))
        jd_fail(ctx, JD_EUSAGE,
                "%s: holds no network that the program can rebuild (no net in jackdaw.config); models of `jackdaw "
                "train`, of "
                "the handwriting and speech systems and of the digit nets do",
                name);
    if (!jd_error(ctx) && !jd_net_check(ctx, m->net)) {
        e->sequence |= !input;
        if (!input) e->columns = first_columns(m->params);
        e->net = m->net;
        e->params = m->params;
        e->softmax = alphabet || classes > 0;
        e->low = (float)number(ctx, f, "low", 0);
        e->high = (float)number(ctx, f, "high", 0);
        m->labels = alphabet ? jd_asprintf(ctx, "%s, then blank", alphabet) : jd_model_setting(ctx, f, "class-names");
        e->labels = m->labels;
        if (!jd__views_read(ctx, name, f, e, &m->views) && m->views.listed)
            e->member = m->views.member, e->members = m->views.members;
        if (!e->height && e->columns) m->mean = numbers(ctx, name, f, "mean", e->columns);
        if (m->mean) e->factor = m->factor = numbers(ctx, name, f, "factor", e->columns);
        if (m->factor) e->mean = m->mean;
        read_ear(m, f);
        if (!e->height && !e->sequence) jd__rows_read(ctx, f, e->columns, &m->rows);
        read_outputs(m, name, f, classes > 0 && classes <= 100000 ? (int64_t)classes : 1);
    }
    jd_free(ctx, input);
    jd_free(ctx, alphabet);
    return jd_error(ctx);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

static void trace(jd_graph *g, void *user)
{
    const jd_model *m = user;
    jd_result(g, "y", jd__views_answer(g, &m->views, m->e.softmax, m->halves));
}

/* The net's input for so many samples, in so many steps. */
static jd_tensor input(const jd_model *m, int64_t steps, int64_t count, const void *x)
{
    const jd_export *e = &m->e;
    const jd_dtype type = m->symbols ? JD_I32 : JD_F32;
    if (e->height) return (jd_tensor){"x", {type, 4, {count, e->height, e->width, e->channels}}, x};
    if (e->sequence) return (jd_tensor){"x", {type, m->symbols ? 2 : 3, {steps, count, e->columns}}, x};
    return (jd_tensor){"x", {type, m->symbols ? 1 : 2, {count, e->columns}}, x};
}

static jd_status make_plan(jd_model *m, int k)
{
    jd_type t;
    jd_tensor in[JD_VIEWS] = {0};
    char name[JD_VIEWS][JD_VIEW_NAME];
    const int views = m->views.views;
    for (int i = 0; i < views; i++) {
        in[i] = input(m, 1, BLOCK[k], NULL);
        in[i].name = jd__view_input(i, name[i]);
    }
    m->plan[k] = jd_fn_plan(m->fn, in, views);
    if (!m->plan[k]) return jd_error(m->ctx);
    for (int i = 0; i < views; i++) m->x_at[k][i] = jd_plan_input(m->plan[k], name[i]);
    m->y_at[k] = jd_plan_result(m->plan[k], "y", &t);
    if (!m->y_at[k]) return jd_error(m->ctx);
    m->answers_steps = m->e.sequence && t.rank == 3;
    m->out_steps = !m->e.sequence && t.rank == 3 ? t.dim[0] : 1;
    m->outputs = jd_type_count(&t) / BLOCK[k];
    return JD_OK;
}

/* The plan for one sample shows whether the weights are those of the net. */
static jd_status begin(jd_model *m)
{
    jd__net_layer layers[JD_NET_LAYERS];
    const jd_export *e = &m->e;
    const bool embeds = jd__net_layers(m->ctx, e->net, layers) > 0 && layers[0].kind == JD_NET_EMBED;
    m->symbols = embeds && !e->height;
    if (m->symbols && e->sequence) m->e.columns = 1;
    m->inputs = e->height ? m->views.height * m->views.width * e->channels : e->columns;
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    m->fn = jd_fn_new(m->ctx, m->params, trace, m);
    return m->fn ? make_plan(m, BLOCKS - 1) : jd_error(m->ctx);
}

static jd_model *finish(jd_model *m, jd_status failed)
{
    if (!failed) return m;
    jd_model_free(m);
    return NULL;
}

jd_model *jd_model_load(jd_ctx *ctx, const char *name, const jd_tensor_file *f)
{
    jd_model *m = f && !jd_error(ctx) ? jd_alloc(ctx, sizeof *m) : NULL;
    if (!m) return NULL;
    m->ctx = ctx;
    m->params = jd_params_new(ctx, JD_F32);
    jd_params_load(ctx, m->params, f);
    jd_params_seal(m->params);
    return finish(m, jd_error(ctx) || describe(m, name ? name : "model", f) ? jd_error(ctx) : begin(m));
}

jd_model *jd_model_open(jd_ctx *ctx, const char *path)
{
    if (!jd__given(ctx, __func__, "path", path)) return NULL;
    struct stat st;
    const bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    char *inside = folder ? jd_asprintf(ctx, "%s/model.safetensors", path) : NULL;
    if (folder && !inside) return NULL;
    const char *file = inside ? inside : path;
    jd_tensor_file *f = jd_safetensors_open(ctx, file);
    jd_model *m = jd_model_load(ctx, file, f);
    jd_tensor_file_close(f);
    jd_free(ctx, inside);
    return m;
}

jd_model *jd_model_share(jd_ctx *ctx, const jd_model *of)
{
    jd_model *m = of && !jd_error(ctx) ? jd_alloc(ctx, sizeof *m) : NULL;
    if (!m) return NULL;
    *m = (jd_model){.ctx = ctx,
                    .e = of->e,
                    .params = of->params,
                    .shared = true,
                    .views = of->views,
                    .rows = of->rows,
                    .ear = of->ear,
                    .halves = of->halves};
    return finish(m, begin(m));
}

void jd_model_free(jd_model *m)
{
    if (!m) return;
    jd_fn_free(m->fn);
    jd_free(m->ctx, m->x);
    if (!m->shared) {
        jd_params_free(m->params);
        jd__views_free(m->ctx, &m->views);
        jd__rows_free(m->ctx, &m->rows);
        void *const own[] = {m->net, m->labels, m->preset, m->mean, m->factor, m->out_factor, m->out_shift};
        for (size_t i = 0; i < sizeof own / sizeof *own; i++) jd_free(m->ctx, own[i]);
    }
    jd_free(m->ctx, m);
}

const jd_export *jd_model_net(const jd_model *m)
{
    return m ? &m->e : NULL;
}

int64_t jd_model_inputs(const jd_model *m)
{
    return m ? m->inputs : 0;
}

void jd_model_picture(const jd_model *m, int64_t size[3])
{
    if (!size) return;
    size[0] = m ? m->views.height : 0;
    size[1] = m ? m->views.width : 0;
    size[2] = m && m->e.height ? m->e.channels : 0;
}

jd_ear *jd_model_ear(const jd_model *m)
{
    if (!m || jd_error(m->ctx)) return NULL;
    if (m->ear.preset) return jd_ear_new(m->ctx, &m->ear);
    jd_fail(m->ctx, JD_EUSAGE, "jd_model_ear: the model has not learned from recordings");
    return NULL;
}

int64_t jd_model_outputs(const jd_model *m)
{
    return m ? m->outputs : 0;
}

int64_t jd_model_columns(const jd_model *m)
{
    return m ? (int64_t)m->rows.n : 0;
}

const char *jd_model_column(const jd_model *m, int64_t k)
{
    return m && k >= 0 && k < (int64_t)m->rows.n ? m->rows.column[k].name : NULL;
}

jd_status jd_model_row(jd_model *m, const char *const *cells, float *in)
{
    if (!m) return JD_EUSAGE;
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    if (!m->rows.n)
        return jd_fail(m->ctx, JD_EUSAGE, "jd_model_row: the model did not learn from a table with columns");
    if (!jd__given(m->ctx, __func__, "cells", cells) || !jd__given(m->ctx, __func__, "in", in)) return jd_error(m->ctx);
    return jd__rows_take(m->ctx, &m->rows, cells, in);
}

/* ---- running ---------------------------------------------------------------------------------------------------------------- */

/* n samples or steps as the net takes them; `to` is float32 or int32. */
static void normalise(const jd_model *m, const float *in, int64_t n, void *to)
{
    const jd_export *e = &m->e;
    const int64_t N = m->inputs, all = n * N;
    float *x = to;
    int32_t *symbol = to;
    if (m->symbols) {
        for (int64_t i = 0; i < all; i++) symbol[i] = in[i] >= 0 && in[i] < 1e9f ? (int32_t)in[i] : -1;
    } else if (e->height) {
        jd__pixels_in(e, in, all, x);
    } else if (e->mean) {
        for (int64_t i = 0; i < n; i++, in += N, x += N)
            for (int64_t k = 0; k < N; k++) x[k] = isnan(in[k]) ? 0 : (in[k] - e->mean[k]) * e->factor[k];
    } else {
        memcpy(x, in, (size_t)all * sizeof *x);
    }
}

/* n samples in all views of plan k. */
static jd_status show(jd_model *m, int k, const float *in, int64_t n)
{
    const jd_views *v = &m->views;
    if (!m->e.height || jd__views_plain(v, &m->e))
        normalise(m, in, n, m->x_at[k][0]);
    else
        for (int i = 0; i < v->views && !jd__view_see(m->ctx, v, i, &m->e, in, n, m->x_at[k][i]); i++) {
        }
    return jd_error(m->ctx);
}

/* n answers of K numbers. */
static void answer(const jd_model *m, const float *y, int64_t n, int64_t K, float *out)
{
    const bool inside = m->halves && m->views.members > 1; /* jd__views_answer did it */
    const float *factor = inside ? NULL : m->e.out_factor, *shift = m->e.out_shift;
    if (!factor) memcpy(out, y, (size_t)(n * K) * sizeof *out);
    for (int64_t i = 0; factor && i < n * K; i++) out[i] = factor[i % K] * y[i] + shift[i % K];
}

static jd_status ready(jd_model *m, const char *fn, const void *in, const void *out, int64_t count)
{
    if (!m) return JD_EUSAGE;
    if (jd_error(m->ctx)) return jd_error(m->ctx);
    if (count < 0) return jd_fail(m->ctx, JD_EUSAGE, "%s: %lld samples", fn, (long long)count);
    if (count && (!jd__given(m->ctx, fn, "in", in) || !jd__given(m->ctx, fn, "out", out))) return jd_error(m->ctx);
    return JD_OK;
}

jd_status jd_model_run(jd_model *m, const float *in, int64_t count, float *out)
{
    if (ready(m, __func__, in, out, count)) return m ? jd_error(m->ctx) : JD_EUSAGE;
    if (m->e.sequence)
        return jd_fail(
            m->ctx, JD_EUSAGE,
            "jd_model_run: the model reads sequences; call jd_model_run_sequences, or jd_model_stream for a step at "
            "a time");
    for (int64_t done = 0, k = 0; done < count; done += BLOCK[k]) {
        while (BLOCK[k] > count - done) k++;
        if (!m->plan[k] && make_plan(m, (int)k)) return jd_error(m->ctx);
        if (show(m, (int)k, in + done * m->inputs, BLOCK[k]) || jd_plan_run(m->plan[k])) return jd_error(m->ctx);
        const int64_t steps = m->out_steps, K = m->outputs / steps;
        float *to = out + done * m->outputs;
        if (steps == 1) answer(m, m->y_at[k], BLOCK[k], K, to);
        for (int64_t t = 0; steps > 1 && t < steps; t++) /* (steps,samples,K) */
            for (int64_t b = 0; b < BLOCK[k]; b++)
                answer(m, m->y_at[k] + (t * BLOCK[k] + b) * K, 1, K, to + (b * steps + t) * K);
    }
    return JD_OK;
}

jd_status jd_model_run_sequences(jd_model *m, const float *in, const int32_t *lengths, int64_t steps, int64_t count,
                                 float *out)
{
    jd_type t;
    if (ready(m, __func__, in, out, count)) return m ? jd_error(m->ctx) : JD_EUSAGE;
    if (!m->e.sequence)
        return jd_fail(m->ctx, JD_EUSAGE, "jd_model_run_sequences: the model reads no sequences; call jd_model_run");
    if (steps < 1 || count > INT32_MAX || steps > INT32_MAX)
        return jd_fail(m->ctx, JD_EUSAGE, "jd_model_run_sequences: %lld steps of %lld samples", (long long)steps,
                       (long long)count);
    for (int64_t b = 0; lengths && b < count; b++)
        if (lengths[b] < 1 || lengths[b] > steps)
            return jd_fail(m->ctx, JD_EUSAGE, "jd_model_run_sequences: sample %lld has %d steps of %lld", (long long)b,
                           lengths[b], (long long)steps);
    const size_t need = (size_t)(steps * count * m->inputs);
    if (count && need > m->x_room) {
        jd_free(m->ctx, m->x);
        m->x = jd_alloc_array(m->ctx, need, sizeof *m->x);
        m->x_room = m->x ? need : 0;
    }
    if (!count || !m->x) return jd_error(m->ctx);
    normalise(m, in, steps * count, m->x);
    const jd_tensor x[] = {input(m, steps, count, m->x), {"length", {JD_I32, 1, {count}}, lengths}};
    const float *y = jd_fn_run(m->fn, x, lengths ? 2 : 1) ? NULL : jd_fn_result(m->fn, "y", &t);
    if (y) answer(m, y, jd_type_count(&t) / m->outputs, m->outputs, out);
    return jd_error(m->ctx);
}

jd_stream *jd_model_stream(jd_model *m, int64_t count)
{
    if (ready(m, __func__, m, m, count)) return NULL;
    const jd_export *e = &m->e;
    if (!e->sequence) {
        jd_fail(m->ctx, JD_EUSAGE, "jd_model_stream: the model reads no sequences; call jd_model_run");
        return NULL;
    }
    if (m->views.listed) {
        jd_fail(m->ctx, JD_EUSAGE,
                "jd_model_stream: the model is a committee, which does not answer step by step; call "
                "jd_model_run_sequences");
        return NULL;
    }
    return jd_stream_new(m->ctx, m->params,
                         &(jd_stream_options){.net = e->net,
                                              .columns = m->symbols ? 0 : e->columns,
                                              .count = count,
                                              .softmax = e->softmax,
                                              .mean = e->mean,
                                              .factor = e->factor,
                                              .out_factor = e->out_factor,
                                              .out_shift = e->out_shift});
}
