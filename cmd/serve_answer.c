/* serve_answer.c - what the page is told: the model, and what the net reads in ink. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kind.h"
#include "serve_kinds.h"

enum { MOST_STROKES = 2000, MOST_POINTS = 40000, MOST_FRAMES = 4096, BEST = 5 };

/* ---- the model ---------------------------------------------------------------------------------------------------------- */

jd_status serve_open(jd_ctx *ctx, serve_model *m, const char *path)
{
    *m = (serve_model){.ctx = ctx, .path = path, .kind = SERVE_PICTURE};
    jd_tensor_file *f = jd_safetensors_open(ctx, path);
    const char *text = f ? jd_tensor_file_meta(f, "jackdaw.config") : NULL;
    json_t *config = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const bool reads = reader_knows(text);
    jd_tensor_file_close(f);
    const model_kind kind = jd_error(ctx) ? MODEL_NET : model_kind_of(ctx, path);
    if (kind == MODEL_SCANNER || kind == MODEL_SEGMENTER)
        jd_fail(
            ctx, JD_EUSAGE,
            "%s: answers for every pixel of a picture, for which there is no page; jackdaw scan MODEL FILE -o OUT.png",
            path);
    if (!jd_error(ctx)) {
        if (!reads)
            serve_picture_open(m, config);
        else if (!reader_open(ctx, &m->reader, path))
            m->kind = m->reader.ear ? SERVE_SOUND : SERVE_INK;
    }
    m->reader.most = MOST_FRAMES;
    json_decref(config);
    return jd_error(ctx);
}

void serve_close(serve_model *m)
{
    if (m->reader.ctx) reader_close(&m->reader);
    serve_picture_close(m);
}

const char *serve_path(const serve_model *m)
{
    static const char *const paths[] = {[SERVE_INK] = "ink", [SERVE_PICTURE] = "picture", [SERVE_SOUND] = "sound"};
    return paths[m->kind];
}

size_t serve_limit(const serve_model *m)
{
    static const size_t limits[] = {
        [SERVE_INK] = 1 << 20, [SERVE_PICTURE] = SERVE_PICTURE_BYTES, [SERVE_SOUND] = SERVE_SOUND_BYTES};
    return limits[m->kind];
}

static char *dump(json_t *j)
{
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(j);
    return text;
}

char *serve_describe(const serve_model *m)
{
    if (m->kind == SERVE_PICTURE) return dump(serve_picture_describe(m));
    const reader *r = &m->reader;
    json_t *letters = json_array(), *names = json_array();
    for (int i = 0; i < r->letters; i++) json_array_append_new(letters, json_string(r->letter[i]));
    for (int k = 0; k < r->classes; k++) {
        size_t n;
        const char *name = reader_class(r, k, &n);
        json_array_append_new(names, json_stringn(name, n));
    }
    return dump(json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:i}", "kind", serve_path(m), "path", m->path, "system",
                          r->system, "net", r->net, "weights", (json_int_t)jd_params_count(r->params), "alphabet",
                          letters, "names", names, "rate", r->rate));
}

/* ---- ink ------------------------------------------------------------------------------------------------------------------ */

typedef struct strokes {
    size_t *start; /* (n+1) */
    float *xy;
    size_t n;
} strokes;

static jd_status refuse(jd_ctx *ctx, const char *what)
{
    return jd_fail(ctx, JD_EDATA, "%s; ink is [[x0,y0,x1,y1,...],...], a list for each stroke", what);
}

static jd_status count_points(jd_ctx *ctx, const json_t *list, size_t *points)
{
    const size_t n = json_array_size(list);
    if (!json_is_array(list) || !n || n > MOST_STROKES) return refuse(ctx, "no list of 1 to 2000 strokes");
    *points = 0;
    for (size_t s = 0; s < n; s++) {
        const json_t *stroke = json_array_get(list, s);
        const size_t numbers = json_array_size(stroke);
        if (!json_is_array(stroke) || numbers < 2 || numbers % 2)
            return refuse(ctx, "a stroke without pairs of numbers");
        *points += numbers / 2;
        if (*points > MOST_POINTS) return refuse(ctx, "more than 40000 points");
    }
    return JD_OK;
}

/* [[x0,y0,x1,y1,...],...] */
static jd_status read_strokes(jd_ctx *ctx, const void *body, size_t bytes, strokes *out)
{
    json_error_t e;
    json_t *list = json_loadb(body ? body : "", bytes, JSON_REJECT_DUPLICATES, &e);
    size_t points = 0, at = 0;
    if (!list) return jd_fail(ctx, JD_EDATA, "no JSON at byte %d: %.100s", e.position, e.text);
    if (!count_points(ctx, list, &points)) {
        out->n = json_array_size(list);
        out->start = jd_alloc_array(ctx, out->n + 1, sizeof *out->start);
        out->xy = jd_alloc_array(ctx, points, 2 * sizeof *out->xy);
    }
    for (size_t s = 0; !jd_error(ctx) && s < out->n; s++) {
        const json_t *stroke = json_array_get(list, s);
        for (size_t i = 0; i < json_array_size(stroke); i++) {
            const json_t *v = json_array_get(stroke, i);
            const double x = json_number_value(v);
            if (!json_is_number(v) || !(fabs(x) <= 1e5)) {
                refuse(ctx, "a coordinate that is no number from -1e5 to 1e5");
                break;
            }
            out->xy[at++] = (float)x;
        }
        out->start[s + 1] = at / 2;
    }
    json_decref(list);
    return jd_error(ctx);
}

/* For each step [x, y, the probability of its likeliest letter]. */
json_t *serve_steps(const reader *r)
{
    const size_t K = (size_t)r->letters + 1;
    json_t *list = json_array();
    for (size_t t = 0; t < r->steps; t++) {
        float best = 0;
        for (size_t k = 0; k + 1 < K; k++) best = fmaxf(best, r->p[t * K + k]);
        json_array_append_new(
            list, json_pack("[f,f,f]", (double)r->places[2 * t], (double)r->places[2 * t + 1], (double)best));
    }
    return list;
}

/* For each letter [its number, the step that says it most surely, its confidence]. */
static json_t *letters_of(const reader *r, const jd_hypothesis *h)
{
    const size_t K = (size_t)r->letters + 1;
    json_t *list = json_array();
    for (size_t k = 0; k < h->count; k++) {
        const jd_symbol *s = &h->symbols[k];
        int32_t peak = s->first;
        for (int32_t t = s->first; t <= s->last; t++)
            if (r->p[(size_t)t * K + (size_t)s->label] > r->p[(size_t)peak * K + (size_t)s->label]) peak = t;
        json_array_append_new(list, json_pack("[i,i,f]", (int)s->label, (int)peak, s->confidence));
    }
    return list;
}

/* The likeliest texts, summed over their paths. */
json_t *serve_best(const reader *r)
{
    const size_t K = (size_t)r->letters + 1;
    json_t *list = json_array();
    jd_nbest found = {0};
    jd_ctc_beam(r->ctx, r->logits, K, r->steps, K,
                &(jd_beam_options){.blank = r->letters, .width = 24, .best = BEST, .least = 1e-3}, &found);
    for (size_t i = 0; i < found.count; i++) {
        const jd_hypothesis *h = &found.items[i];
        char *text = reader_text(r, h->symbols, h->count);
        json_array_append_new(list, json_pack("{s:s,s:f,s:o}", "text", text ? text : "", "p", h->confidence, "letters",
                                              letters_of(r, h)));
        jd_free(r->ctx, text);
    }
    jd_nbest_free(r->ctx, &found);
    return list;
}

static json_t *answer_ink(serve_model *m, const void *body, size_t bytes)
{
    strokes s = {0};
    reader *r = &m->reader;
    json_t *out = NULL;
    if (!read_strokes(m->ctx, body, bytes, &s) &&
        !reader_ink(r,
                    &(jd_ink_sample){.id = "", .writer = "", .text = "", .strokes = s.n, .start = s.start, .xy = s.xy}))
        out = json_pack("{s:s,s:f,s:o,s:o}", "text", r->text, "p", r->confidence, "best", serve_best(r), "steps",
                        serve_steps(r));
    jd_free(m->ctx, s.start);
    jd_free(m->ctx, s.xy);
    return out;
}

/* ---- answers ---------------------------------------------------------------------------------------------------------------- */

char *serve_answer(serve_model *m, const void *body, size_t bytes, int *status)
{
    const double begun = jd_now();
    json_t *j = m->kind == SERVE_INK     ? answer_ink(m, body, bytes)
                : m->kind == SERVE_SOUND ? serve_sound_answer(m, body, bytes)
                                         : serve_picture_answer(m, body, bytes);
    const jd_status e = jd_error(m->ctx);
    *status = !e && j ? 200 : e == JD_EDATA || e == JD_EUSAGE ? 400 : 500;
    if (e || !j) {
        json_decref(j);
        j = json_pack("{s:s}", "error", e ? jd_error_message(m->ctx) : "out of memory");
        jd_error_clear(m->ctx);
    } else {
        json_object_set_new(j, "ms", json_real(1e3 * (jd_now() - begun)));
    }
    return dump(j);
}
