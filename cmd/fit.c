/* fit.c - pictures of any size as the picture that a classifier knows. */
#include <math.h>
#include <string.h>

#include "fit.h"

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

static uint8_t grey_of(const uint8_t *p)
{
    return (uint8_t)((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
}

/* Whether the picture's edge is bright: dark ink on paper. */
static bool is_paper(const uint8_t *grey, int w, int h)
{
    double edge = 0;
    for (int i = 0; i < w * h; i++) {
        const int x = i % w, y = i / w;
        if (x == 0 || y == 0 || x == w - 1 || y == h - 1) edge += grey[i];
    }
    return edge > 127.5 * (w == 1 || h == 1 ? w * h : 2 * (w + h) - 4);
}

static void turn(uint8_t *grey, int n)
{
    for (int i = 0; i < n; i++) grey[i] = (uint8_t)(255 - grey[i]);
}

/* RGB to grey; bright paper around dark ink becomes dark around bright, as the net has learned it. */
static uint8_t *to_grey(jd_ctx *ctx, const fit_canvas *c)
{
    const int w = c->width, h = c->height;
    uint8_t *grey = jd_alloc_array(ctx, (size_t)w, (size_t)h);
    for (int i = 0; grey && i < w * h; i++) {
        const uint8_t *p = c->pixels + (size_t)i * (size_t)c->channels;
        grey[i] = c->channels == 1 ? p[0] : grey_of(p);
    }
    if (grey && !c->drawn && is_paper(grey, w, h)) turn(grey, w * h);
    return grey;
}

/* (H,W,C), each pixel the mean of what it covers; a grey canvas gives all channels the same. */
static void fit_colours(jd_ctx *ctx, const fit_canvas *c, uint8_t *out, int H, int W, int C)
{
    const size_t n = (size_t)c->width * (size_t)c->height, channels = (size_t)C;
    uint8_t *all = c->channels == C ? NULL : jd_alloc_array(ctx, n, channels);
    for (size_t i = 0; all && i < n * channels; i++)
        all[i] = c->pixels[i / channels * (size_t)c->channels + (c->channels == 1 ? 0 : i % channels)];
    if (all || c->channels == C) jd_resize_area(all ? all : c->pixels, c->height, c->width, C, out, H, W);
    jd_free(ctx, all);
}

uint8_t *fit_picture(jd_ctx *ctx, const model *m, const fit_canvas *c)
{
    const int H = (int)m->picture[0], W = (int)m->picture[1], C = (int)m->dim[2];
    uint8_t *out = jd_alloc_array(ctx, (size_t)(H * W), (size_t)C);
    if (!out) return NULL;
    if (m->scaled && C == 1) {
        uint8_t *grey = c->channels == 1 ? NULL : jd_alloc_array(ctx, (size_t)c->width, (size_t)c->height);
        for (int i = 0; grey && i < c->width * c->height; i++) grey[i] = grey_of(c->pixels + 3 * (size_t)i);
        if (!jd_error(ctx)) jd_resize_area(grey ? grey : c->pixels, c->height, c->width, 1, out, H, W);
        jd_free(ctx, grey);
        return out;
    }
    if (C != 1) {
        fit_colours(ctx, c, out, H, W, C);
        return out;
    }
    int box[4] = {0, 0, c->width, c->height};
    uint8_t *grey = to_grey(ctx, c);
    if (grey && c->width == W && c->height == H) {
        memcpy(out, grey, (size_t)(H * W));
    } else if (grey) {
        ink_box(grey, c->width, c->height, box);
        place_ink(ctx, grey, c->width, box, m->ink, H < W ? H : W, m->centred, out, W);
    }
    jd_free(ctx, grey);
    return out;
}

/* Drawings of the right size stay where they are; only dark ink on paper is turned. */
static void turn_drawings(const model *m, jd_images *s)
{
    const int n = s->height * s->width;
    for (size_t i = 0; m->drawings && i < s->count; i++) {
        uint8_t *p = s->pixels + i * (size_t)n;
        if (is_paper(p, s->width, s->height)) turn(p, n);
    }
}

jd_status fit_samples(jd_ctx *ctx, const model *m, samples *s)
{
    if (m->rank != 3 || s->rank != 3) return JD_OK;
    if (s->dim[2] == m->dim[2] && model_takes(m, s->dim[0], s->dim[1])) {
        turn_drawings(m, &s->images);
        return JD_OK;
    }
    if (s->dim[2] != m->dim[2] && s->dim[2] != 1 && (s->dim[2] != 3 || m->dim[2] != 1)) return JD_OK; /* model_check */
    const size_t from = (size_t)(s->dim[0] * s->dim[1] * s->dim[2]);
    const size_t to = (size_t)(m->picture[0] * m->picture[1] * m->dim[2]);
    uint8_t *all = jd_alloc_array(ctx, s->count, to);
    for (size_t i = 0; all && i < s->count && !jd_error(ctx); i++) {
        const fit_canvas c = {.width = (int)s->dim[1],
                              .height = (int)s->dim[0],
                              .channels = (int)s->dim[2],
                              .pixels = s->images.pixels + i * from};
        uint8_t *one = fit_picture(ctx, m, &c);
        if (one) memcpy(all + i * to, one, to);
        jd_free(ctx, one);
    }
    if (jd_error(ctx)) {
        jd_free(ctx, all);
        return jd_error(ctx);
    }
    jd_free(ctx, s->images.pixels);
    s->images.pixels = all;
    s->dim[0] = m->picture[0];
    s->dim[1] = m->picture[1];
    s->dim[2] = m->dim[2];
    s->images.height = (int)s->dim[0];
    s->images.width = (int)s->dim[1];
    s->images.channels = (int)s->dim[2];
    return JD_OK;
}
