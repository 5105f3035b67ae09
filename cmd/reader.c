/* reader.c - nets that write down what they see: opening the model, feeding it, the best path. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "reader.h"

enum { PAD = 16, SHAPES = 24 }; /* steps that lengths are rounded up to; plans kept before they are made anew */

void reader_close(reader *m)
{
    jd_ink_reader_free(m->frames);
    jd_fn_free(m->f);
    jd_params_free(m->params);
    jd_free(m->ctx, m->net);
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
    jd_result(g, "logits", y); /* (T,1,letters + 1) */
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

static jd_status configure(reader *m, const char *path, const char *config)
{
    json_t *j = config ? json_loads(config, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *net = json_string_value(json_object_get(j, "net"));
    const char *system = json_string_value(json_object_get(j, "system"));
    const char *alphabet = json_string_value(json_object_get(j, "alphabet"));
    if (!net || !alphabet || !json_is_number(json_object_get(j, "ink-stack")) || !split(m, alphabet)) {
        jd_fail(
            m->ctx, JD_EUSAGE,
            "%s: holds no net that reads ink (no net, alphabet, ink-stack in jackdaw.config); the model.safetensors "
            "of handwriting-online and handwriting-offline does",
            path);
    } else if (jd_net_outputs(m->ctx, net) != m->letters + 1) {
        if (!jd_error(m->ctx))
            jd_fail(m->ctx, JD_EDATA, "%s: an alphabet of %d letters, but the net \"%.80s\" has not one output more",
                    path, m->letters, net);
    } else {
        m->net = jd_strdup(m->ctx, net);
        m->system = jd_strdup(m->ctx, system ? system : "");
        m->ink = ink_options(j);
        m->gain = m->ink.rows ? (float)number(j, "ink-gain") : 1;
        m->padded = !m->ink.rows && !strstr(net, "block");
        m->frames = jd_ink_reader_new(m->ctx, &m->ink);
    }
    json_decref(j);
    return jd_error(m->ctx);
}

jd_status reader_open(jd_ctx *ctx, reader *m, const char *path)
{
    *m = (reader){.ctx = ctx};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    if (f && !configure(m, path, jd_tensor_file_meta(f, "jackdaw.config"))) m->params = jd_params_new(ctx, JD_F32);
    if (m->params) jd_params_load(ctx, m->params, f);
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

/* The frames as the net's input; a picture is turned from columns to rows. */
static jd_status run_net(reader *m, size_t T)
{
    const size_t W = jd_ink_reader_width(m->frames), room = m->padded ? (T + PAD - 1) / PAD * PAD : T;
    const float *frames = jd_ink_reader_frames(m->frames);
    const int32_t length = (int32_t)T;
    float *x = jd_alloc_array(m->ctx, room * W, sizeof *x);
    for (size_t t = 0; x && t < T; t++)
        for (size_t k = 0; k < W; k++) x[m->ink.rows ? k * T + t : t * W + k] = m->gain * frames[t * W + k];
    const jd_tensor in[] = {m->ink.rows ? JD_TENSOR("x", JD_F32, x, 1, (int64_t)W, (int64_t)room, 1)
                                        : JD_TENSOR("x", JD_F32, x, (int64_t)room, 1, (int64_t)W),
                            JD_TENSOR("length", JD_I32, &length, 1)};
    jd_type type;
    m->steps = 0;
    m->p = NULL;
    if (x && !ready(m, (int64_t)room) && !jd_fn_run(m->f, in, m->padded ? 2 : 1)) m->p = jd_fn_result(m->f, "p", &type);
    if (m->p) m->steps = m->padded ? T : (size_t)type.dim[0];
    m->logits = m->p ? jd_fn_result(m->f, "logits", NULL) : NULL;
    jd_free(m->ctx, x);
    return jd_error(m->ctx);
}

char *reader_text(const reader *m, const jd_symbol *symbols, size_t n)
{
    char *text = jd_alloc(m->ctx, 4 * n + 1);
    char *at = text;
    for (size_t k = 0; text && k < n; k++) at = stpcpy(at, m->letter[symbols ? symbols[k].label : m->found[k]]);
    return text;
}

/* Best path, its probability, and the place of each step. */
static jd_status finish(reader *m, size_t T)
{
    const size_t K = (size_t)m->letters + 1, steps = m->steps;
    const float *places = jd_ink_reader_places(m->frames);
    jd_free(m->ctx, m->places);
    jd_free(m->ctx, m->found);
    jd_free(m->ctx, m->text);
    m->text = NULL;
    m->count = 0;
    m->places = jd_alloc_array(m->ctx, steps, 2 * sizeof *places);
    m->found = jd_alloc_array(m->ctx, steps, sizeof *m->found);
    if (!m->places || !m->found) return jd_error(m->ctx);
    double ln = 0;
    for (size_t t = 0; t < steps; t++) {
        const size_t at = t * T / steps;
        m->places[2 * t] = places[2 * at];
        m->places[2 * t + 1] = places[2 * at + 1];
        float best = 0;
        for (size_t k = 0; k < K; k++) best = fmaxf(best, m->p[t * K + k]);
        ln += log((double)best);
    }
    m->confidence = exp(ln);
    m->count = jd_ctc_best_path(m->logits, K, steps, K, m->letters, m->found);
    m->text = reader_text(m, NULL, m->count);
    return jd_error(m->ctx);
}

jd_status reader_ink(reader *m, const jd_ink_sample *s)
{
    const size_t T = jd_ink_frames(m->frames, s, NULL, 0);
    if (m->most && T > m->most)
        return jd_fail(m->ctx, JD_EDATA, "%zu frames of writing, but at most %zu are read at once; write less", T,
                       m->most);
    if (!T || run_net(m, T)) return jd_error(m->ctx);
    return finish(m, T);
}
