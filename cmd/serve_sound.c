/* serve_sound.c - nets that hear behind a page: what they hear, when they say what, and the picture of the sound. */
#include <math.h>
#include <string.h>

#include "serve_kinds.h"

enum { FRAMES = 600 }; /* columns of the spectrogram at most */

/* "RATE\n" and 16-bit samples; to be given to jd_free. */
static float *read_body(jd_ctx *ctx, const unsigned char *body, size_t bytes, int *rate, size_t *count)
{
    char head[16] = "";
    const unsigned char *end = bytes ? memchr(body, '\n', bytes < 15 ? bytes : 15) : NULL;
    int used = 0;
    if (end) memcpy(head, body, (size_t)(end - body));
    const size_t have = end ? bytes - (size_t)(end + 1 - body) : 0;
    if (!end || sscanf(head, "%7d%n", rate, &used) != 1 || head[used] || *rate < 1000 || *rate > 192000 || have < 2 ||
        have % 2) {
        jd_fail(ctx, JD_EDATA, "the body must be a line with the rate, 1000 to 192000, and samples of 16 bits");
        return NULL;
    }
    *count = have / 2;
    if (*count > (size_t)*rate * SERVE_SOUND_SECONDS) {
        jd_fail(ctx, JD_EDATA, "%.0f seconds of sound; at most %d are heard at once", (double)*count / *rate,
                SERVE_SOUND_SECONDS);
        return NULL;
    }
    float *x = jd_alloc_array(ctx, *count, sizeof *x);
    for (size_t i = 0; x && i < *count; i++) x[i] = (float)(int16_t)(end[1 + 2 * i] | end[2 + 2 * i] << 8) / 32768.f;
    return x;
}

/* Log filter outputs (bands, frames) as whole numbers 0..99, the loudest 99, 60 dB below it 0. */
static json_t *spectrogram(jd_ctx *ctx, const float *x, size_t count, int rate)
{
    jd_frontend_options o;
    json_t *rows = json_array();
    if (jd_frontend_preset(ctx, "graves2013", rate, &o)) return rows;
    const double seconds = (double)count / rate;
    o.energy = JD_ENERGY_NONE;
    o.deltas = 0;
    o.shift_ms = (float)fmax(5, 1000 * seconds / FRAMES);
    jd_frontend *f = jd_frontend_new(ctx, &o);
    const size_t T = f ? jd_frontend_frames(f, count) : 0, W = f ? (size_t)jd_frontend_width(f) : 0;
    float *y = T ? jd_alloc_array(ctx, T * W, sizeof *y) : NULL;
    if (y) {
        float top = -INFINITY;
        jd_frontend_run(f, x, count, y);
        for (size_t i = 0; i < T * W; i++) top = fmaxf(top, y[i]);
        const double range = 6 * log(10); /* of power */
        for (size_t k = 0; k < W; k++) {
            json_t *row = json_array();
            for (size_t t = 0; t < T; t++)
                json_array_append_new(row, json_integer((int)(99 * fmax(0, 1 + (double)(y[t * W + k] - top) / range))));
            json_array_append_new(rows, row);
        }
    }
    jd_free(ctx, y);
    jd_frontend_free(f);
    return rows;
}

json_t *serve_sound_answer(serve_model *m, const void *body, size_t bytes)
{
    int rate;
    size_t count;
    reader *r = &m->reader;
    json_t *out = NULL;
    float *x = read_body(m->ctx, body, bytes, &rate, &count);
    if (x && !reader_sound(r, x, count, rate)) {
        json_t *classes = json_array();
        for (int k = 0; k < r->classes; k++) json_array_append_new(classes, json_real((double)r->p[k]));
        out = json_pack("{s:s,s:f,s:f,s:o,s:o,s:o,s:o}", "text", r->text, "p", r->confidence, "seconds",
                        (double)count / rate, "classes", classes, "best", r->classes ? json_array() : serve_best(r),
                        "steps", r->classes ? json_array() : serve_steps(r), "spectrogram",
                        spectrogram(m->ctx, x, count, rate));
    }
    jd_free(m->ctx, x);
    return out;
}
