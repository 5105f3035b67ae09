/* images.c - pictures: data, batches, test. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "images.h"
#include "jackdaw/prepare.h"

enum { TEST_BATCH = 200, SLOTS_EXTRA = 3 };

/* The memory of one batch.  One loader thread at a time fills a slot, so each has a deformer of its own. */
typedef struct images_slot {
    float *x;        /* (batch,side,side,C) */
    int32_t *y;      /* (batch) */
    uint32_t *order; /* (train.count): the order of `epoch` */
    int64_t epoch;   /* -1: none yet */
    jd_deformer *deformer;
} images_slot;

static jd_images part(const jd_images *all, size_t first, size_t n)
{
    jd_images s = *all;
    s.count = n;
    s.pixels += first * (size_t)all->height * (size_t)all->width * (size_t)all->channels;
    s.labels += first;
    if (s.groups) s.groups += first;
    return s;
}

static jd_status check(jd_ctx *ctx, const jd_images *train, const jd_images *test, const images_options *o)
{
    if (train->height != test->height || train->width != test->width || train->channels != test->channels)
        return jd_fail(ctx, JD_EDATA,
                       "the pictures of the training set are %d x %d x %d, those of the test set %d x %d x %d",
                       train->height, train->width, train->channels, test->height, test->width, test->channels);
    if (o->side < train->height || o->side < train->width)
        return jd_fail(ctx, JD_EUSAGE, "the pictures are %d x %d; this network takes %d x %d at most", train->height,
                       train->width, o->side, o->side);
    if (o->held_out >= train->count || o->batch < 1 || (size_t)o->batch > train->count - o->held_out)
        return jd_fail(ctx, JD_EUSAGE, "%zu training pictures, %zu of them held out, do not give one batch of %lld",
                       train->count, o->held_out, (long long)o->batch);
    return JD_OK;
}

static jd_status make_slots(images *im)
{
    const size_t values = (size_t)im->o.side * (size_t)im->o.side * (size_t)im->all.channels;
    im->slot = jd_alloc_array(im->ctx, (size_t)im->slots, sizeof *im->slot);
    for (int i = 0; im->slot && i < im->slots; i++) {
        images_slot *s = &im->slot[i];
        s->x = jd_alloc_array(im->ctx, (size_t)im->o.batch * values, sizeof *s->x);
        s->y = jd_alloc_array(im->ctx, (size_t)im->o.batch, sizeof *s->y);
        s->order = jd_alloc_array(im->ctx, im->train.count, sizeof *s->order);
        s->epoch = -1;
        s->deformer = jd_deformer_new(im->ctx, &im->o.deform, im->all.height, im->all.width, im->all.channels,
                                      im->o.side, im->o.side);
    }
    return jd_error(im->ctx);
}

images *images_from(jd_ctx *ctx, jd_images train, jd_images test, const images_options *o)
{
    const int given[2] = {train.height, train.width};
    if (o->prepare && !jd_error(ctx) && !jd_images_prepare(ctx, &train, o->prepare))
        jd_images_prepare(ctx, &test, o->prepare);
    images *im = jd_error(ctx) || check(ctx, &train, &test, o) ? NULL : jd_alloc(ctx, sizeof *im);
    if (!im) {
        jd_images_free(ctx, &train);
        jd_images_free(ctx, &test);
        return NULL;
    }
    *im =
        (images){.ctx = ctx, .o = *o, .given = {given[0], given[1]}, .all = train, .test = test, .loaders = o->loaders};
    size_t rest = train.count - o->held_out;
    /* no group is divided between training and validation set */
    while (train.groups && rest > 1 && rest < train.count && train.groups[rest] == train.groups[rest - 1]) rest--;
    im->train = part(&train, 0, o->limit && o->limit < rest ? o->limit : rest);
    im->valid = part(&train, rest, train.count - rest);
    im->deformed = memcmp(&o->deform, &(jd_deform_options){0}, sizeof o->deform) != 0;
    im->slots = o->loaders > 0 ? o->loaders + SLOTS_EXTRA : 1;
    im->steps_per_epoch = (int64_t)im->train.count / o->batch;
    if (im->steps_per_epoch < 1)
        jd_fail(ctx, JD_EUSAGE, "%zu training pictures do not give one batch of %lld", im->train.count,
                (long long)o->batch);
    else if (!make_slots(im))
        return im;
    images_close(im);
    return NULL;
}

images *images_open(jd_ctx *ctx, const char *name, const images_options *o)
{
    jd_images train = {0}, test = {0};
    if (!jd_load_images(ctx, name, JD_TRAIN, &train) && !jd_load_images(ctx, name, JD_TEST, &test))
        return images_from(ctx, train, test, o);
    jd_images_free(ctx, &train);
    jd_images_free(ctx, &test);
    return NULL;
}

void images_close(images *im)
{
    if (!im) return;
    for (int i = 0; im->slot && i < im->slots; i++) {
        jd_free(im->ctx, im->slot[i].x);
        jd_free(im->ctx, im->slot[i].y);
        jd_free(im->ctx, im->slot[i].order);
        jd_deformer_free(im->slot[i].deformer);
    }
    jd_free(im->ctx, im->slot);
    jd_images_free(im->ctx, &im->all);
    jd_images_free(im->ctx, &im->test);
    jd_free(im->ctx, im);
}

/* One picture (h,w,C), padded to (side,side,C) with background, which is -1. */
static void pad(const images *im, const uint8_t *pixels, float *x)
{
    const size_t row = (size_t)im->all.width * (size_t)im->all.channels;
    const size_t wide = (size_t)im->o.side * (size_t)im->all.channels;
    for (int i = 0; i < im->o.side; i++, x += wide) {
        const size_t copied = i < im->all.height ? row : 0;
        if (copied) jd_pixels_to_float(pixels + (size_t)i * row, copied, -1.f, 1.f, x);
        for (size_t k = copied; k < wide; k++) x[k] = -1.f;
    }
}

static const uint8_t *picture(const jd_images *set, size_t i)
{
    return set->pixels + i * (size_t)set->height * (size_t)set->width * (size_t)set->channels;
}

void images_plain(const images *im, const jd_images *set, size_t first, size_t n, float *x)
{
    const size_t values = (size_t)im->o.side * (size_t)im->o.side * (size_t)set->channels;
    for (size_t i = 0; i < n; i++) pad(im, picture(set, first + i), x + i * values);
}

int images_next(void *user, int64_t step, int slot, jd_tensor *in)
{
    const images *im = user;
    images_slot *s = &im->slot[slot];
    const int64_t epoch = step / im->steps_per_epoch, B = im->o.batch, side = im->o.side, C = im->all.channels;
    const uint32_t *index = s->order + step % im->steps_per_epoch * B;
    if (s->epoch != epoch) jd_epoch_order(im->o.seed, (uint64_t)epoch, s->order, im->train.count);
    s->epoch = epoch;
    if (im->deformed) {
        jd_deform_batch(s->deformer, im->o.seed, (uint32_t)epoch, &im->train, index, (size_t)B, s->x, s->y);
    } else {
        for (int64_t i = 0; i < B; i++) {
            images_plain(im, &im->train, index[i], 1, s->x + i * side * side * C);
            s->y[i] = im->train.labels[index[i]];
        }
    }
    in[0] = JD_TENSOR("x", JD_F32, s->x, B, side, side, C);
    in[1] = JD_TENSOR("y", JD_I32, s->y, B);
    return 2;
}

/* The class of the largest probability; the first of equal ones. */
static int answer(const float *p, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (p[k] > p[best]) best = k;
    return best;
}

double images_error(images *im, jd_fn *predict, const jd_images *set, float *p)
{
    if (!im || jd_error(im->ctx)) return (double)NAN;
    const size_t side = (size_t)im->o.side, C = (size_t)set->channels, K = (size_t)set->classes;
    float *x = jd_alloc_array(im->ctx, TEST_BATCH * side * side * C, sizeof *x);
    size_t wrong = 0;
    for (size_t at = 0, n; x && at < set->count; at += n) {
        n = set->count - at < TEST_BATCH ? set->count - at : TEST_BATCH;
        images_plain(im, set, at, n, x);
        const jd_tensor in = JD_TENSOR("x", JD_F32, x, (int64_t)n, im->o.side, im->o.side, set->channels);
        const float *q = jd_fn_run(predict, &in, 1) ? NULL : jd_fn_result(predict, "p", NULL);
        if (!q) break;
        for (size_t i = 0; i < n; i++) wrong += answer(q + i * K, set->classes) != set->labels[at + i];
        if (p) memcpy(p + at * K, q, n * K * sizeof *p);
    }
    jd_free(im->ctx, x);
    return jd_error(im->ctx) || !set->count ? (double)NAN : 100.0 * (double)wrong / (double)set->count;
}

size_t images_worst(const jd_images *set, const float *p, uint32_t *worst, size_t most)
{
    const size_t K = (size_t)set->classes;
    size_t n = 0;
    for (size_t i = 0; i < set->count && most; i++) {
        if (answer(p + i * K, set->classes) == set->labels[i]) continue;
        const float mine = p[i * K + (size_t)set->labels[i]];
        size_t at = n < most ? n++ : n;
        for (; at > 0 && mine < p[worst[at - 1] * K + (size_t)set->labels[worst[at - 1]]]; at--)
            if (at < most) worst[at] = worst[at - 1];
        if (at < most) worst[at] = (uint32_t)i;
    }
    return n;
}

images *images_open_digits(jd_run *r, int side)
{
    jd_deform_options d = jd_deform_mnist2010();
    d.sigma_min = (float)jd_run_setting(r, "sigma_min");
    d.sigma_max = (float)jd_run_setting(r, "sigma_max");
    d.alpha_min = (float)jd_run_setting(r, "alpha_min");
    d.alpha_max = (float)jd_run_setting(r, "alpha_max");
    d.angle = (float)jd_run_setting(r, "angle");
    d.angle_small = d.angle / 2;
    d.scale_min = (float)jd_run_setting(r, "scale_min");
    d.scale_max = (float)jd_run_setting(r, "scale_max");
    return images_open(jd_run_ctx(r), jd_run_data(r, "mnist"),
                       &(images_options){.side = side,
                                         .ink = "20 mass",
                                         .held_out = (size_t)jd_run_setting(r, "held_out"),
                                         .batch = (int64_t)jd_run_setting(r, "batch"),
                                         .loaders = (int)jd_run_setting(r, "loaders"),
                                         .deform = d,
                                         .seed = jd_run_seed(r)});
}

void images_describe(const images *im, jd_run *r, const char *net, const char *prepare, const char *const *class_names)
{
    char shape[40], pictures[40], names[2000] = "";
    size_t at = 0;
    snprintf(shape, sizeof shape, "%dx%dx%d", im->o.side, im->o.side, im->train.channels);
    for (int k = 0; class_names && k < im->train.classes && at + 1 < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", k ? "|" : "", class_names[k]);
    snprintf(pictures, sizeof pictures, "%dx%dx%d", im->given[0], im->given[1], im->train.channels);
    jd_run_config(r, "net", net);
    jd_run_config(r, "pictures", pictures);
    if (im->o.ink) jd_run_config(r, "ink", im->o.ink);
    if (prepare && *prepare) jd_run_config(r, "prepare", prepare);
    jd_run_config(r, "input", shape);
    jd_run_config_number(r, "classes", im->train.classes);
    jd_run_config_number(r, "low", -1);
    jd_run_config_number(r, "high", 1);
    if (class_names && at < sizeof names) jd_run_config(r, "class-names", names);
}
