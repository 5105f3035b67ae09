/* folder_pictures.c - pictures of classes, in folders, as samples. */
#include <string.h>

#include "fit.h"
#include "folders.h"

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

/* Puts one picture, resized where it must be, at the end; false where another size or colour is needed for all. */
static bool add_picture(const jd_picture *p, int32_t label, samples *s)
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
    im->pixels = NULL, im->labels = NULL;
    for (size_t i = 0; i < f->files.n && !jd_error(ctx) && !*again; i++) {
        jd_picture p = {0};
        if (jd_read_picture(ctx, f->files.path[i], im->channels == 1 && any_colour ? 0 : im->channels, &p)) {
            if (!o->skip || jd_error(ctx) != JD_EDATA) break;
            jd_error_clear(ctx);
            s->skipped++;
            continue;
        }
        if (o->fit) fit(ctx, o->fit, f->files.path[i], &p);
        if (!im->height) {
            const bool small = p.height <= MOST && p.width <= MOST;
            im->height = small ? p.height : SIDE, im->width = small ? p.width : SIDE;
            s->resized = !small;
        }
        if (!im->channels) im->channels = p.channels;
        if (!im->pixels) {
            im->pixels = jd_alloc_array(ctx, f->files.n, (size_t)im->height * (size_t)im->width * (size_t)im->channels);
            im->labels = jd_alloc_array(ctx, f->files.n, sizeof *im->labels);
        }
        if (p.channels > im->channels) {
            im->channels = p.channels;
            *again = true;
        } else if (!jd_error(ctx)) {
            *again = !add_picture(&p, f->class[i], s);
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
    s->images.height = m ? (int)m->dim[0] : o->size[0];
    s->images.width = m ? (int)m->dim[1] : o->size[1];
    s->images.channels = m ? (int)m->dim[2] : o->size[2];
    s->resized = s->images.height > 0;
    for (bool again = true; again && !jd_error(ctx);) read_pictures(ctx, f, o, s, &again);
    s->scaled = true;
    s->images.classes = s->classes;
    s->rank = 3;
    s->count = s->images.count;
    s->dim[0] = s->images.height;
    s->dim[1] = s->images.width;
    s->dim[2] = s->images.channels;
    s->label = s->images.labels;
    return jd_error(ctx);
}
