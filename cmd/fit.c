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

/* RGB to grey; bright paper around dark ink becomes dark around bright, as the net has learned it. */
static uint8_t *to_grey(jd_ctx *ctx, const fit_canvas *c)
{
    const int w = c->width, h = c->height;
    uint8_t *grey = jd_alloc_array(ctx, (size_t)w, (size_t)h);
    double edge = 0;
    for (int i = 0; grey && i < w * h; i++) {
        const uint8_t *p = c->pixels + (size_t)i * (size_t)c->channels;
        grey[i] = c->channels == 1 ? p[0] : grey_of(p);
        const int x = i % w, y = i / w;
        if (x == 0 || y == 0 || x == w - 1 || y == h - 1) edge += grey[i];
    }
    const bool bright = !c->drawn && edge > 127.5 * (w == 1 || h == 1 ? w * h : 2 * (w + h) - 4);
    for (int i = 0; grey && bright && i < w * h; i++) grey[i] = (uint8_t)(255 - grey[i]);
    return grey;
}

/* The net's picture (H,W,C); to be given to jd_free. */
uint8_t *fit_picture(jd_ctx *ctx, const model *m, const fit_canvas *c)
{
    const int H = (int)m->dim[0], W = (int)m->dim[1], C = (int)m->dim[2];
    const int side = H >= 28 && H <= 32 && W == H ? 28 : H < W ? H : W; /* sets of 28 x 28 pixels are padded up to 32 */
    uint8_t *out = jd_alloc_array(ctx, (size_t)(H * W), (size_t)C);
    if (!out) return NULL;
    if (m->scaled && C == 1) {
        uint8_t *grey = c->channels == 1 ? NULL : jd_alloc_array(ctx, (size_t)c->width, (size_t)c->height);
        for (int i = 0; grey && i < c->width * c->height; i++) grey[i] = grey_of(c->pixels + 3 * (size_t)i);
        if (!jd_error(ctx)) jd_resize_area(grey ? grey : c->pixels, c->height, c->width, 1, out, H, W);
        jd_free(ctx, grey);
        return out;
    }
    if (C == 3) {
        uint8_t *rgb = c->channels == 3 ? NULL : jd_alloc_array(ctx, (size_t)(c->width * c->height), 3);
        for (int i = 0; rgb && i < 3 * c->width * c->height; i++) rgb[i] = c->pixels[i / 3];
        jd_resize_area(rgb ? rgb : c->pixels, c->height, c->width, 3, out, H, W);
        jd_free(ctx, rgb);
        return out;
    }
    int box[4] = {0, 0, c->width, c->height};
    uint8_t *grey = to_grey(ctx, c);
    const bool small = c->width == W && c->height == H;
    if (grey && small) {
        memcpy(out, grey, (size_t)(H * W));
    } else if (grey) {
        ink_box(grey, c->width, c->height, box);
        place_ink(ctx, grey, c->width, box, m->centred ? side * 20 / 28 : side, side, m->centred, out, W);
    }
    jd_free(ctx, grey);
    return out;
}

/* Whether model_check takes them as they are. */
static bool of_its_size(const model *m, const samples *s)
{
    const int64_t down = m->dim[0] - s->dim[0], right = m->dim[1] - s->dim[1];
    if (m->scaled && (down || right)) return false;
    return down >= 0 && down <= MODEL_PAD && right >= 0 && right <= MODEL_PAD && s->dim[2] == m->dim[2];
}

jd_status fit_samples(jd_ctx *ctx, const model *m, samples *s)
{
    if (m->rank != 3 || s->rank != 3 || of_its_size(m, s)) return JD_OK;
    const size_t from = (size_t)(s->dim[0] * s->dim[1] * s->dim[2]), to = (size_t)model_size(m);
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
    memcpy(s->dim, m->dim, sizeof s->dim);
    s->images.height = (int)s->dim[0];
    s->images.width = (int)s->dim[1];
    s->images.channels = (int)s->dim[2];
    return JD_OK;
}
