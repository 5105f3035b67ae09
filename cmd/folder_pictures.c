/* folder_pictures.c - pictures of classes, in folders, as samples. */
#include <math.h>
#include <string.h>

#include "fit.h"
#include "folders.h"
#include "jackdaw/prepare.h"

/* Without a size that is asked for: pictures of one size up to MOST pixels a side stay as they are, others become SIDE. */
enum { MOST = 128, SIDE = 48 };

/* A picture as the model sees it; takes what p has. */
static void fit(jd_ctx *ctx, const model *m, const char *file, jd_picture *p)
{
    samples one = {
        .count = 1,
        .rank = 3,
        .dim = {p->height, p->width, p->channels},
        .images = {.count = 1, .height = p->height, .width = p->width, .channels = p->channels, .pixels = p->pixels}};
    if (!fit_samples(ctx, m, &one)) model_check(ctx, m, &one, file);
    *p = (jd_picture){(int)one.dim[0], (int)one.dim[1], (int)one.dim[2], one.images.pixels};
}

/* Leaves of a picture the box, pixels x1 y1 to x2 y2 inclusive, of the size that is wanted or its own.  box: width and height
 * of the picture that the box is told in, or 0 if it is this one; the box. */
static void cut(jd_ctx *ctx, const char *file, const double *box, const jd_images *wanted, jd_picture *p)
{
    const double w = box[0] > 0 ? box[0] : p->width, h = box[1] > 0 ? box[1] : p->height;
    const double x0 = box[2] * p->width / w, x1 = (box[4] + 1) * p->width / w;
    const double y0 = box[3] * p->height / h, y1 = (box[5] + 1) * p->height / h;
    if (!(x0 >= 0 && x0 < x1 && x1 <= p->width && y0 >= 0 && y0 < y1 && y1 <= p->height)) {
        jd_fail(ctx, JD_EDATA, "%s: the box (%g,%g)-(%g,%g) is not inside %g x %g pixels", file, box[2], box[3], box[4],
                box[5], w, h);
        return;
    }
    const int height = wanted->height ? wanted->height : (int)ceil(y1 - y0),
              width = wanted->width ? wanted->width : (int)ceil(x1 - x0);
    uint8_t *out = jd_alloc_array(ctx, (size_t)height * (size_t)width, (size_t)p->channels);
    if (!out) return;
    jd_resize_bilinear(p->pixels, p->height, p->width, p->channels, x0, y0, x1, y1, out, height, width);
    jd_free(ctx, p->pixels);
    *p = (jd_picture){height, width, p->channels, out};
}

/* Puts one picture, resized where it must be, at the end; false where another size or colour is needed for all. */
static bool add_picture(const jd_picture *p, int32_t label, bool held, samples *s)
{
    jd_images *im = &s->images;
    const size_t size = (size_t)im->height * (size_t)im->width * (size_t)im->channels;
    const bool fits = p->height == im->height && p->width == im->width;
    if (!fits && !s->resized) {
        im->height = im->width = SIDE;
        return !(s->resized = true);
    }
    if (fits)
        memcpy(im->pixels + im->count * size, p->pixels, size);
    else
        jd_resize_area(p->pixels, p->height, p->width, p->channels, im->pixels + im->count * size, im->height,
                       im->width);
    s->held[im->count] = held;
    im->labels[im->count++] = label;
    return true;
}

/* Reads all pictures at the size and colours that `s` has; JD_OK with *again set when these have changed. */
static jd_status read_pictures(jd_ctx *ctx, const folder *f, const samples_options *o, samples *s, bool *again)
{
    jd_images *im = &s->images;
    const bool any_colour = !o->size[2] && !o->fit;
    *again = false;
    im->count = s->skipped = 0;
    jd_free(ctx, im->pixels);
    jd_free(ctx, im->labels);
    jd_free(ctx, s->held);
    im->pixels = NULL, im->labels = NULL, s->held = NULL;
    for (size_t i = 0; i < f->files.n && !jd_error(ctx) && !*again; i++) {
        jd_picture p = {0};
        if (jd_read_picture(ctx, f->files.path[i], im->channels == 1 && any_colour ? 0 : im->channels, &p)) {
            if (!o->skip || jd_error(ctx) != JD_EDATA) break;
            jd_error_clear(ctx);
            s->skipped++;
            continue;
        }
        if (f->box) cut(ctx, f->files.path[i], f->box + 6 * i, im, &p);
        if (o->fit && !jd_error(ctx)) fit(ctx, o->fit, f->files.path[i], &p);
        if (!im->height) {
            const bool small = p.height <= MOST && p.width <= MOST;
            im->height = small ? p.height : SIDE, im->width = small ? p.width : SIDE;
            s->resized = !small;
        }
        if (!im->channels) im->channels = p.channels;
        if (!im->pixels) {
            im->pixels = jd_alloc_array(ctx, f->files.n, (size_t)im->height * (size_t)im->width * (size_t)im->channels);
            im->labels = jd_alloc_array(ctx, f->files.n, sizeof *im->labels);
            s->held = jd_alloc_array(ctx, f->files.n, sizeof *s->held);
        }
        if (p.channels > im->channels) {
            im->channels = p.channels;
            *again = true;
        } else if (!jd_error(ctx)) {
            *again = !add_picture(&p, f->class[i], f -> held[i], s);
        }
        jd_picture_free(ctx, &p);
    }
    if (!jd_error(ctx) && !*again && !im->count)
        jd_fail(ctx, JD_EDATA, "%s and others: none of the %zu pictures can be used", f->files.path[0], f->files.n);
    return jd_error(ctx);
}

jd_status folder_pictures(jd_ctx *ctx, const folder *f, const samples_options *o, samples *s)
{
    const model *m = o->fit;
    s->images.height = m ? (int)m->picture[0] : o->size[0];
    s->images.width = m ? (int)m->picture[1] : o->size[1];
    s->images.channels = m ? (int)m->dim[2] : o->size[2];
    s->resized = s->images.height > 0;
    for (bool again = true; again && !jd_error(ctx);) read_pictures(ctx, f, o, s, &again);
    s->scaled = true;
    s->images.classes = s->classes;
    samples_take_images(s);
    return jd_error(ctx);
}
