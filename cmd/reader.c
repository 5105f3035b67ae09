/* reader.c - nets that write down what they see: opening the model, feeding it, the best path. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "model.h"
#include "reader.h"

enum { PAD = 16, SHAPES = 24 }; /* steps that lengths are rounded up to; plans kept before they are made anew */

void reader_close(reader *m)
{
    jd_ink_reader_free(m->frames);
    jd_ear_free(m->ear);
    jd_fn_free(m->f);
    jd_params_free(m->params);
    jd_free(m->ctx, m->net);
    jd_free(m->ctx, m->names);
    jd_free(m->ctx, m->system);
    jd_free(m->ctx, m->places);
    jd_free(m->ctx, m->found);
    jd_free(m->ctx, m->text);
    *m = (reader){0};
}

static void forward(jd_graph *g, void *user)
{
    const reader *m = user;
    const jd_node length = m->padded ? jd_arg(g, "length") : JD_NONE;
    const jd_node y = jd_net(g, m->net, jd_arg(g, "x"), length);
    jd_result(g, "logits", y); /* (T,1,letters + 1), or (1,classes) */
    jd_result(g, "p", jd_softmax(g, y));
}

/* Splits the alphabet into its characters; false where it is no UTF-8 or too long. */
static bool split(reader *m, const char *s)
{
    while (*s) {
        const unsigned char c = (unsigned char)*s;
        const size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 ? 4 : 0;
        if (!n || strlen(s) < n || m->letters == READER_LETTERS) return false;
        memcpy(m->letter[m->letters++], s, n);
        s += n;
    }
    return m->letters > 0;
}

static double number(const json_t *j, const char *name)
{
    return json_number_value(json_object_get(j, name));
}

static jd_ink_options ink_options(const json_t *j)
{
    return (jd_ink_options){.spacing = (float)number(j, "ink-spacing"),
                            .stack = (int)fmin(fmax(number(j, "ink-stack"), -1), 1000),
                            .view = (int)fmin(fmax(number(j, "ink-view"), -1), 1000),
                            .view_cell = (float)number(j, "ink-cell"),
                            .rows = (int)fmin(fmax(number(j, "ink-rows"), -1), 1000),
                            .size = (float)number(j, "ink-size"),
                            .pen = (float)number(j, "ink-pen")};
}

/* (width) numbers in a string. */
static float *numbers(reader *m, const json_t *j, const char *name, size_t n)
{
    const char *at = json_string_value(json_object_get(j, name));
    float *v = at ? jd_alloc_array(m->ctx, n, sizeof *v) : NULL;
    for (size_t i = 0; v && at && i < n; i++) {
        char *end;
        v[i] = strtof(at, &end);
        at = end == at ? NULL : end;
    }
    if (v && !at) jd_fail(m->ctx, JD_EDATA, "jackdaw.config: \"%s\" is not %zu numbers", name, n);
    return v;
}

static jd_status open_ear(reader *m, const json_t *j)
{
    jd_ear_options o = {.preset = json_string_value(json_object_get(j, "sound-preset")),
                        .rate = (int)fmin(fmax(number(j, "sound-rate"), 0), 1e6),
                        .shift_ms = (float)number(j, "sound-shift"),
                        .mel_floor = (float)number(j, "sound-mel-floor"),
                        .energy_floor = (float)number(j, "sound-energy-floor"),
                        .level = (float)number(j, "sound-level"),
                        .skip = (int)fmin(fmax(number(j, "sound-skip"), -1), 1e6),
                        .prior = (int)fmin(fmax(number(j, "sound-prior"), -1), 1e6)};
    jd_ear *bare = jd_ear_new(m->ctx, &o); /* tells the width */
    if (!bare) return jd_error(m->ctx);
    const size_t width = (size_t)jd_ear_width(bare);
    jd_ear_free(bare);
    float *mean = numbers(m, j, "mean", width), *factor = numbers(m, j, "factor", width);
    o.mean = mean;
    o.factor = factor;
    m->rate = o.rate;
    m->ear = jd_error(m->ctx) ? NULL : jd_ear_new(m->ctx, &o);
    jd_free(m->ctx, mean);
    jd_free(m->ctx, factor);
    return jd_error(m->ctx);
}

static jd_status open_ink(reader *m, const json_t *j)
{
    m->ink = ink_options(j);
    m->gain = m->ink.rows ? (float)number(j, "ink-gain") : 1;
    m->frames = jd_ink_reader_new(m->ctx, &m->ink);
    return jd_error(m->ctx);
}

static bool is_reader(const json_t *j)
{
    const bool ink = json_is_number(json_object_get(j, "ink-stack"));
    const bool sound = json_is_string(json_object_get(j, "sound-preset"));
    const bool letters = json_is_string(json_object_get(j, "alphabet"));
    const bool classes = sound && json_is_string(json_object_get(j, "class-names"));
    return json_is_string(json_object_get(j, "net")) && (ink || sound) && (letters || classes);
}

bool reader_knows(const char *config)
{
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const bool yes = is_reader(j);
    json_decref(j);
    return yes;
}

static jd_status configure(reader *m, const char *path, const char *config)
{
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *system = json_string_value(json_object_get(j, "system"));
    const char *alphabet = json_string_value(json_object_get(j, "alphabet"));
    const char *names = json_string_value(json_object_get(j, "class-names"));
    if (!is_reader(j) || (alphabet && !split(m, alphabet))) {
        json_decref(j);
        return jd_fail(m->ctx, JD_EUSAGE,
                       "%s: holds no net that reads ink or hears (no net, alphabet, ink-stack or sound-preset in "
                       "jackdaw.config); the model.safetensors of the handwriting and speech systems does",
                       path);
    }
    m->net = jd_strdup(m->ctx, net);
    m->system = jd_strdup(m->ctx, system ? system : "");
    m->names = jd_strdup(m->ctx, names ? names : "");
    m->padded = model_knows_lengths(net);
    if (!alphabet) m->classes += class_count(names);
    const int64_t outputs = jd_net_outputs(m->ctx, net), wanted = alphabet ? m->letters + 1 : m->classes;
    if (outputs != wanted && !jd_error(m->ctx))
        jd_fail(m->ctx, JD_EDATA, "%s: %d letters or %d classes, but the net \"%.80s\" has %lld outputs", path,
                m->letters, m->classes, net, (long long)outputs);
    if (!jd_error(m->ctx)) json_object_get(j, "sound-preset") ? open_ear(m, j) : open_ink(m, j);
    m->padded = m->padded && !m->ink.rows;
    json_decref(j);
    return jd_error(m->ctx);
}

jd_status reader_open(jd_ctx *ctx, reader *m, const char *path)
{
    *m = (reader){.ctx = ctx};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (f && !configure(m, path, jd_tensor_file_meta(f, "jackdaw.config"))) m->params = jd_params_new(ctx, JD_F32);
    if (m->params && !jd_params_load(ctx, m->params, f)) m->there = jd_params_ranges(m->params);
    jd_tensor_file_close(f);
    if (jd_error(ctx)) reader_close(m);
    return jd_error(ctx);
}

/* A pen that moves on gives inputs of every length: the plans of the function are not kept for ever. */
static jd_status ready(reader *m, int64_t shape)
{
    if (shape != m->shape) m->shapes++;
    m->shape = shape;
    if (m->f && m->shapes <= SHAPES) return JD_OK;
    jd_fn_free(m->f);
    m->f = jd_fn_new(m->ctx, m->params, forward, m);
    m->shapes = 1;
    return jd_error(m->ctx);
}

/* The frames (T,W) as the net's input; a picture is turned from columns to rows. */
static jd_status run_net(reader *m, const float *frames, size_t T, size_t W)
{
    const size_t room = m->padded ? (T + PAD - 1) / PAD * PAD : T;
    const int32_t length = (int32_t)T;
    const float gain = m->ear ? 1 : m->gain;
    m->steps = 0;
    m->p = m->logits = NULL;
    if (m->most && T > m->most)
        return jd_fail(m->ctx, JD_EDATA, "%zu frames, but at most %zu are read at once; give less", T, m->most);
    float *x = jd_alloc_array(m->ctx, room * W, sizeof *x);
    for (size_t t = 0; x && t < T; t++)
        for (size_t k = 0; k < W; k++) x[m->ink.rows ? k * T + t : t * W + k] = gain * frames[t * W + k];
    const jd_tensor in[] = {m->ink.rows ? JD_TENSOR("x", JD_F32, x, 1, (int64_t)W, (int64_t)room, 1)
                                        : JD_TENSOR("x", JD_F32, x, (int64_t)room, 1, (int64_t)W),
                            JD_TENSOR("length", JD_I32, &length, 1)};
    jd_type type;
    if (x && !ready(m, (int64_t)room) && !jd_fn_run(m->f, in, m->padded ? 2 : 1) &&
        !params_complete(m->ctx, m->params, m->there, m->net))
        m->p = jd_fn_result(m->f, "p", &type);
    if (m->p) m->steps = m->classes ? 1 : m->padded ? T : (size_t)type.dim[0];
    m->logits = m->p ? jd_fn_result(m->f, "logits", NULL) : NULL;
    jd_free(m->ctx, x);
    return jd_error(m->ctx);
}

const char *reader_class(const reader *m, int k, size_t *n)
{
    const char *at = m->names;
    for (; k > 0; k--) at += strcspn(at, "|") + 1;
    *n = strcspn(at, "|");
    return at;
}

char *reader_text(const reader *m, const jd_symbol *symbols, size_t n)
{
    char *text = jd_alloc(m->ctx, 4 * n + 1);
    char *at = text;
    for (size_t k = 0; text && k < n; k++) at = stpcpy(at, m->letter[symbols ? symbols[k].label : m->found[k]]);
    return text;
}

static jd_status finish_class(reader *m)
{
    size_t n;
    int best = 0;
    for (int k = 1; k < m->classes; k++) best = m->p[k] > m->p[best] ? k : best;
    const char *name = reader_class(m, best, &n);
    m->found[m->count++] = best;
    m->confidence = (double)m->p[best];
    m->text = jd_asprintf(m->ctx, "%.*s", (int)n, name);
    return jd_error(m->ctx);
}

static jd_status finish_path(reader *m)
{
    const size_t K = (size_t)m->letters + 1;
    double ln = 0;
    for (size_t t = 0; t < m->steps; t++) {
        float best = 0;
        for (size_t k = 0; k < K; k++) best = fmaxf(best, m->p[t * K + k]);
        ln += log((double)best);
    }
    m->confidence = exp(ln);
    m->count = jd_ctc_best_path(m->logits, K, m->steps, K, m->letters, m->found);
    m->text = reader_text(m, NULL, m->count);
    return jd_error(m->ctx);
}

/* What the outputs say, and the place of each step; places (T,2) of the input's frames. */
static jd_status finish(reader *m, const float *places, size_t T)
{
    jd_free(m->ctx, m->places);
    jd_free(m->ctx, m->found);
    jd_free(m->ctx, m->text);
    m->text = NULL;
    m->count = 0;
    m->places = jd_alloc_array(m->ctx, m->steps, 2 * sizeof *places);
    m->found = jd_alloc_array(m->ctx, m->steps, sizeof *m->found);
    if (!m->places || !m->found) return jd_error(m->ctx);
    for (size_t t = 0; t < m->steps; t++)
        memcpy(m->places + 2 * t, places + 2 * (t * T / m->steps), 2 * sizeof *places);
    return m->classes ? finish_class(m) : finish_path(m);
}

jd_status reader_ink(reader *m, const jd_ink_sample *s)
{
    if (!m->frames) return jd_fail(m->ctx, JD_EUSAGE, "the model hears recordings, it does not read ink");
    const size_t T = jd_ink_frames(m->frames, s, NULL, 0);
    if (!T || run_net(m, jd_ink_reader_frames(m->frames), T, jd_ink_reader_width(m->frames))) return jd_error(m->ctx);
    return finish(m, jd_ink_reader_places(m->frames), T);
}

jd_status reader_picture(reader *m, const jd_picture *p)
{
    if (!m->ink.rows)
        return jd_fail(
            m->ctx, JD_EUSAGE,
            "the model reads the strokes of a pen, not pictures; those of handwriting-offline and mnist-lines do");
    size_t T;
    float *places = NULL, *x = reader_line(m, p, &T, &places);
    if (x && !run_net(m, x, T, (size_t)m->ink.rows)) finish(m, places, T);
    jd_free(m->ctx, x);
    jd_free(m->ctx, places);
    return jd_error(m->ctx);
}

jd_status reader_sound(reader *m, const float *wave, size_t count, int rate)
{
    if (!m->ear) return jd_fail(m->ctx, JD_EUSAGE, "the model reads ink, it does not hear recordings");
    const size_t T = jd_ear_hear(m->ear, wave, count, rate, 0);
    float *places = T ? jd_alloc_array(m->ctx, T, 2 * sizeof *places) : NULL;
    for (size_t t = 0; places && t < T; t++)
        places[2 * t] = (float)(((double)t + 0.5) / (double)T * (double)count / rate); /* seconds */
    if (places && !run_net(m, jd_ear_steps(m->ear), T, (size_t)jd_ear_width(m->ear))) finish(m, places, T);
    jd_free(m->ctx, places);
    return jd_error(m->ctx);
}
