/* serve_picture.c - classifiers of pictures behind a page: what is drawn or dropped becomes the picture the net knows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_kinds.h"

jd_status serve_picture_open(serve_model *m, const json_t *config)
{
    jd_ctx *ctx = m->ctx;
    const char *names = json_string_value(json_object_get(config, "class-names"));
    const char *system = json_string_value(json_object_get(config, "system"));
    if (model_load(ctx, m->path, &m->model, &m->params)) return jd_error(ctx);
    if (m->model.rank != 3 || m->model.classes < 2 || (m->model.dim[2] != 1 && m->model.dim[2] != 3))
        return jd_fail(
            ctx, JD_EUSAGE,
            "%s: no net that reads writing and no classifier of grey or colour pictures, so there is no page "
            "for it",
            m->path);
    m->names = jd_strdup(ctx, names ? names : "");
    m->system = jd_strdup(ctx, system ? system : "");
    /* The digits of MNIST stand with their centre of mass in the middle, 20 of 28 pixels high or wide. */
    m->centred = json_is_true(json_object_get(config, "centred")) || (!names && m->model.classes == 10);
    m->f = jd_error(ctx) ? NULL : jd_fn_new(ctx, m->params, model_forward, &m->model);
    return jd_error(ctx);
}

void serve_picture_close(serve_model *m)
{
    jd_fn_free(m->f);
    jd_params_free(m->params);
    model_free(m->ctx, &m->model);
    jd_free(m->ctx, m->names);
    jd_free(m->ctx, m->system);
}

json_t *serve_picture_describe(const serve_model *m)
{
    json_t *names = json_array();
    const char *at = m->names;
    for (int k = 0; k < m->model.classes; k++) {
        char number[24];
        const size_t n = strcspn(at, "|");
        snprintf(number, sizeof number, "%d", k);
        json_array_append_new(names, n ? json_stringn(at, n) : json_string(number));
        at += n + (at[n] == '|');
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:[I,I,I]}", "kind", "picture", "path", m->path, "system", m->system,
                     "net", m->model.net, "weights", (json_int_t)jd_params_count(m->params), "names", names, "input",
                     (json_int_t)m->model.dim[0], (json_int_t)m->model.dim[1], (json_int_t)m->model.dim[2]);
}

/* ---- from a body to the net's picture ---------------------------------------------------------------------------------------- */

typedef struct canvas {
    bool drawn;
    int width, height, channels;
    const uint8_t *pixels;
} canvas;

static jd_status read_body(jd_ctx *ctx, const char *body, size_t bytes, canvas *c)
{
    char head[64] = "", kind[12];
    const char *end = bytes ? memchr(body, '\n', bytes < sizeof head ? bytes : sizeof head - 1) : NULL;
    int used = 0;
    if (end) memcpy(head, body, (size_t)(end - body));
    if (!end || sscanf(head, "%11s %4d %4d%n", kind, &c->width, &c->height, &used) != 3 || head[used] ||
        (strcmp(kind, "draw") != 0 && strcmp(kind, "picture") != 0) || c->width < 1 || c->height < 1 ||
        c->width > SERVE_PICTURE_SIDE || c->height > SERVE_PICTURE_SIDE)
        return jd_fail(
            ctx, JD_EDATA,
            "the body must begin with the line \"draw WIDTH HEIGHT\" or \"picture WIDTH HEIGHT\", sides of 1 to "
            "%d",
            SERVE_PICTURE_SIDE);
    c->drawn = !strcmp(kind, "draw");
    c->channels = c->drawn ? 1 : 3;
    c->pixels = (const uint8_t *)end + 1;
    const size_t have = bytes - (size_t)(end + 1 - body),
                 want = (size_t)c->width * (size_t)c->height * (size_t)c->channels;
    if (have != want)
        return jd_fail(ctx, JD_EDATA, "%zu bytes of pixels, but %d x %d x %d are %zu", have, c->width, c->height,
                       c->channels, want);
    return JD_OK;
}

/* Rectangle of what is not background; the whole picture if nothing is. */
static void ink_box(const uint8_t *p, int w, int h, int box[4])
{
    box[0] = w, box[1] = h, box[2] = box[3] = 0;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            if (p[y * w + x] < 24) continue;
            if (x < box[0]) box[0] = x;
            if (y < box[1]) box[1] = y;
            if (x + 1 > box[2]) box[2] = x + 1;
            if (y + 1 > box[3]) box[3] = y + 1;
        }
    if (box[2] <= box[0]) box[0] = box[1] = 0, box[2] = w, box[3] = h;
}

/* Draws the rectangle of a grey picture, its longer side as long as `inner`, into out (H,W): its middle, or its centre of
 * mass, comes to the middle of the upper left side x side pixels; MNIST's own way (LeCun et al. 1998). */
static void place_ink(jd_ctx *ctx, const uint8_t *p, int w, const int box[4], int inner, int side, bool mass,
                      uint8_t *out, int W)
{
    const int bw = box[2] - box[0], bh = box[3] - box[1], longer = bw > bh ? bw : bh;
    const int nw = (int)fmax(1, round((double)bw * inner / longer)),
              nh = (int)fmax(1, round((double)bh * inner / longer));
    uint8_t *cut = jd_alloc_array(ctx, (size_t)bw, (size_t)bh), *small = jd_alloc_array(ctx, (size_t)nw, (size_t)nh);
    if (cut && small) {
        for (int y = 0; y < bh; y++) memcpy(cut + y * bw, p + (y + box[1]) * w + box[0], (size_t)bw);
        jd_resize_area(cut, bh, bw, 1, small, nh, nw);
        double sum = 0, mx = 0.5 * nw, my = 0.5 * nh, sx = 0, sy = 0;
        for (int i = 0; i < nw * nh; i++) {
            sum += small[i];
            sx += small[i] * (i % nw + 0.5);
            sy += small[i] * (i / nw + 0.5);
        }
        if (mass && sum > 0) mx = sx / sum, my = sy / sum;
        const int left = (int)round(0.5 * side - mx), top = (int)round(0.5 * side - my);
        for (int y = 0; y < nh; y++)
            for (int x = 0; x < nw; x++)
                if (top + y >= 0 && top + y < side && left + x >= 0 && left + x < side)
                    out[(top + y) * W + left + x] = small[y * nw + x];
    }
    jd_free(ctx, cut);
    jd_free(ctx, small);
}

/* RGB to grey; bright paper around dark ink becomes dark around bright, as the net has learned it. */
static uint8_t *to_grey(jd_ctx *ctx, const canvas *c)
{
    const int w = c->width, h = c->height;
    uint8_t *grey = jd_alloc_array(ctx, (size_t)w, (size_t)h);
    double edge = 0;
    for (int i = 0; grey && i < w * h; i++) {
        const uint8_t *p = c->pixels + (size_t)i * (size_t)c->channels;
        grey[i] = c->channels == 1 ? p[0] : (uint8_t)((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
        const int x = i % w, y = i / w;
        if (x == 0 || y == 0 || x == w - 1 || y == h - 1) edge += grey[i];
    }
    const bool bright = !c->drawn && edge > 127.5 * (w == 1 || h == 1 ? w * h : 2 * (w + h) - 4);
    for (int i = 0; grey && bright && i < w * h; i++) grey[i] = (uint8_t)(255 - grey[i]);
    return grey;
}

/* The net's picture (H,W,C); to be given to jd_free. */
static uint8_t *prepare(const serve_model *m, const canvas *c)
{
    const int H = (int)m->model.dim[0], W = (int)m->model.dim[1], C = (int)m->model.dim[2];
    const int side = H >= 28 && H <= 32 && W == H ? 28 : H < W ? H : W; /* sets of 28 x 28 pixels are padded up to 32 */
    uint8_t *out = jd_alloc_array(m->ctx, (size_t)(H * W), (size_t)C);
    if (!out) return NULL;
    if (C == 3) {
        uint8_t *rgb = c->channels == 3 ? NULL : jd_alloc_array(m->ctx, (size_t)(c->width * c->height), 3);
        for (int i = 0; rgb && i < 3 * c->width * c->height; i++) rgb[i] = c->pixels[i / 3];
        jd_resize_area(rgb ? rgb : c->pixels, c->height, c->width, 3, out, H, W);
        jd_free(m->ctx, rgb);
        return out;
    }
    int box[4] = {0, 0, c->width, c->height};
    uint8_t *grey = to_grey(m->ctx, c);
    const bool small = c->width == W && c->height == H;
    if (grey && small) {
        memcpy(out, grey, (size_t)(H * W));
    } else if (grey) {
        ink_box(grey, c->width, c->height, box);
        place_ink(m->ctx, grey, c->width, box, m->centred ? side * 20 / 28 : side, side, m->centred, out, W);
    }
    jd_free(m->ctx, grey);
    return out;
}

json_t *serve_picture_answer(serve_model *m, const void *body, size_t bytes)
{
    canvas c;
    json_t *out = NULL;
    if (read_body(m->ctx, body, bytes, &c)) return NULL;
    uint8_t *pixels = prepare(m, &c);
    const size_t n = (size_t)model_size(&m->model);
    float *x = pixels ? jd_alloc_array(m->ctx, n, sizeof *x) : NULL;
    if (x) jd_pixels_to_float(pixels, n, m->model.low, m->model.high, x);
    const jd_tensor in = {"x", model_input(&m->model, 1), x};
    const float *p = x && !jd_fn_run(m->f, &in, 1) ? jd_fn_result(m->f, "p", NULL) : NULL;
    if (p) {
        json_t *classes = json_array(), *seen = json_array();
        for (int k = 0; k < m->model.classes; k++) json_array_append_new(classes, json_real((double)p[k]));
        for (size_t i = 0; i < n; i++) json_array_append_new(seen, json_integer(pixels[i]));
        out = json_pack("{s:o,s:o}", "p", classes, "seen", seen);
    }
    jd_free(m->ctx, x);
    jd_free(m->ctx, pixels);
    return out;
}
