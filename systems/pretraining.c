/* pretraining.c - digits, stacks of layers that learn without labels, and fine-tuning. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "pretraining.h"

static void layer_name(char name[24], int layer)
{
    snprintf(name, 24, "dense%d", layer + 1);
}

static jd_status load(pt *t, jd_split split, size_t limit, pt_set *s)
{
    if (jd_load_images(t->ctx, jd_run_data(t->r, "mnist"), split, &s->images)) return jd_error(t->ctx);
    if (s->images.height * s->images.width * s->images.channels != PT_PIXELS || s->images.classes != PT_CLASSES)
        return jd_fail(t->ctx, JD_EUSAGE, "pretraining-trend: %s has pictures of %dx%dx%d; 28x28 digits are needed",
                       jd_run_data(t->r, "mnist"), s->images.height, s->images.width, s->images.channels);
    if (limit && limit < s->images.count) s->images.count = limit;
    s->x = jd_alloc_array(t->ctx, s->images.count * PT_PIXELS, sizeof *s->x);
    if (s->x) jd_pixels_to_float(s->images.pixels, s->images.count * PT_PIXELS, 0, 1, s->x);
    return jd_error(t->ctx);
}

jd_status pt_open(pt *t)
{
    for (int l = 0; l < PT_LAYERS; l++) t->units[l] = (int64_t)jd_run_setting(t->r, "units");
    t->rbm = jd_params_new(t->ctx, JD_F32);
    t->coder = jd_params_new(t->ctx, JD_F32);
    if (jd_error(t->ctx) || load(t, JD_TRAIN, (size_t)jd_run_setting(t->r, "pictures"), &t->train))
        return jd_error(t->ctx);
    return load(t, JD_TEST, 0, &t->test);
}

void pt_close(pt *t)
{
    jd_images_free(t->ctx, &t->train.images);
    jd_images_free(t->ctx, &t->test.images);
    jd_free(t->ctx, t->train.x);
    jd_free(t->ctx, t->test.x);
    jd_params_free(t->rbm);
    jd_params_free(t->coder);
}

/* ---- without labels ----------------------------------------------------------------------------------------------------------*/

typedef struct layer_watch {
    pt *t;
    const char *kind;
    int layer;
    double error;
} layer_watch;

static bool watch(void *user, int64_t epoch, int64_t epochs, double error)
{
    layer_watch *w = user;
    char name[48];
    snprintf(name, sizeof name, "%s/layer %d", w->kind, w->layer + 1);
    jd_run_log(w->t->r, epoch, name, error);
    w->error = error;
    return jd_run_progress(w->t->r, (double)epoch, (double)epochs, "%s, layer %d: error %.2f", w->kind, w->layer + 1,
                           error);
}

static jd_status pretrain_stack(pt *t, bool rbm, jd_params *p)
{
    const int64_t n = (int64_t)t->train.images.count;
    const float *x = t->train.x;
    float *below = NULL;
    int64_t visible = PT_PIXELS;
    for (int l = 0; l < PT_LAYERS && !jd_error(t->ctx); l++) {
        char name[24];
        layer_watch w = {t, rbm ? "RBM" : "auto-encoder", l, 0};
        const jd_pretrain_options o = {.units = t->units[l],
                                       .epochs = (int64_t)jd_run_setting(t->r, "pretrain_epochs"),
                                       .batch = (int64_t)jd_run_setting(t->r, "pretrain_batch"),
                                       .rate = jd_run_setting(t->r, rbm ? "rbm_rate" : "coder_rate"),
                                       .steps = (int)jd_run_setting(t->r, "gibbs"),
                                       .zeroed = jd_run_setting(t->r, "zeroed")};
        layer_name(name, l);
        if (rbm)
            jd_pretrain_rbm(t->ctx, p, name, x, n, visible, &o, watch, &w);
        else
            jd_pretrain_autoencoder(t->ctx, p, name, x, n, visible, &o, watch, &w);
        if (rbm) t->reconstruction[l] = w.error;
        jd_run_note(t->r, "%s, layer %d: error %.2f", w.kind, l + 1, w.error);
        if (l + 1 == PT_LAYERS) break;
        float *y = jd_alloc_array(t->ctx, (size_t)(n * t->units[l]), sizeof *y);
        if (y) jd_pretrain_apply(t->ctx, p, name, x, n, visible, y);
        jd_free(t->ctx, below);
        x = below = y;
        visible = t->units[l];
    }
    jd_free(t->ctx, below);
    return jd_error(t->ctx);
}

jd_status pt_pretrain(pt *t)
{
    jd_run_stage(t->r, "a stack of RBMs, without labels");
    if (pretrain_stack(t, true, t->rbm)) return jd_error(t->ctx);
    if (jd_run_setting(t->r, "coder") == 0) return JD_OK;
    jd_run_stage(t->r, "a stack of denoising auto-encoders, without labels");
    return pretrain_stack(t, false, t->coder);
}

jd_params *pt_copy(jd_ctx *ctx, jd_params *p)
{
    jd_params *q = jd_params_new(ctx, JD_F32);
    for (int i = 0; q && p && i < jd_params_ranges(p); i++) {
        const jd_range *r = jd_params_range(p, i);
        jd_params_set(q, r->name, &r->type, (const float *)jd_params_data(p) + r->offset);
    }
    return q;
}

/* ---- with labels ---------------------------------------------------------------------------------------------------------------*/

jd_status pt_balanced(pt *t, int64_t n, uint64_t seed, uint32_t *index)
{
    const size_t all = t->train.images.count;
    uint32_t *order = jd_alloc_array(t->ctx, all, sizeof *order);
    int64_t have[PT_CLASSES] = {0}, taken = 0;
    if (order) jd_epoch_order(seed, UINT32_MAX, order, all);
    for (size_t i = 0; order && i < all && taken < n; i++) {
        const int k = t->train.images.labels[order[i]];
        if (have[k] >= (n + PT_CLASSES - 1) / PT_CLASSES) continue;
        have[k]++;
        index[taken++] = order[i];
    }
    jd_free(t->ctx, order);
    if (!jd_error(t->ctx) && taken < n)
        jd_fail(t->ctx, JD_EUSAGE, "pretraining-trend: %zu digits do not hold %lld of each class", all,
                (long long)n / PT_CLASSES);
    return jd_error(t->ctx);
}

/* x (B,784) -> logits (B,10).  Weights that are not there yet start as sigmoid units need it. */
static jd_node network(jd_graph *g, const pt *t, jd_node x)
{
    char name[24];
    for (int l = 0; l < PT_LAYERS; l++) {
        layer_name(name, l);
        x = jd_dense(g, name, x, .units = t->units[l], .act = JD_SIGMOID, .init = {JD_INIT_GLOROT, 4, 0, 0});
    }
    layer_name(name, PT_LAYERS);
    return jd_dense(g, name, x, .units = PT_CLASSES);
}

static void step(jd_graph *g, void *user)
{
    const jd_node loss = jd_softmax_xent(g, network(g, user, jd_arg(g, "x")), jd_arg(g, "label"));
    jd_result(g, "loss", loss);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.9);
}

static void answer(jd_graph *g, void *user)
{
    jd_result(g, "class", jd_argmax(g, network(g, user, jd_arg(g, "x"))));
}

static double test_error(pt *t, jd_fn *f)
{
    enum { B = 500 };
    const int64_t n = (int64_t)t->test.images.count;
    int64_t wrong = 0;
    for (int64_t at = 0; at < n; at += B) {
        const int64_t b = n - at < B ? n - at : B;
        const jd_tensor in = JD_TENSOR("x", JD_F32, t->test.x + at * PT_PIXELS, b, PT_PIXELS);
        const int32_t *k = jd_fn_run(f, &in, 1) ? NULL : jd_fn_result(f, "class", NULL);
        if (!k) return (double)NAN;
        for (int64_t i = 0; i < b; i++) wrong += k[i] != t->test.images.labels[at + i];
    }
    return 100.0 * (double)wrong / (double)n;
}

typedef struct tuning {
    pt *t;
    const pt_tuning *o;
    float *x;
    int32_t *label;
    uint32_t *order, *chosen;
    jd_deformer *deformer;
} tuning;

static void fill(tuning *u, int64_t update)
{
    const pt_tuning *o = u->o;
    const int64_t B = o->batch, per_epoch = o->count / B, epoch = update / per_epoch, first = update % per_epoch * B;
    if (first == 0) jd_epoch_order(o->seed, (uint64_t)epoch, u->order, (size_t)o->count);
    for (int64_t i = 0; i < B; i++) {
        const uint32_t at = u->order[first + i];
        u->chosen[i] = o->index ? o->index[at] : at;
        u->label[i] = u->t->train.images.labels[u->chosen[i]];
        if (!u->deformer)
            memcpy(u->x + i * PT_PIXELS, u->t->train.x + (size_t)u->chosen[i] * PT_PIXELS, PT_PIXELS * sizeof *u->x);
    }
    if (u->deformer)
        jd_deform_batch(u->deformer, o->seed, (uint32_t)epoch, &u->t->train.images, u->chosen, (size_t)B, u->x,
                        u->label);
}

static void tune(tuning *u, jd_fn *f, jd_fn *test)
{
    pt *t = u->t;
    const pt_tuning *o = u->o;
    const int64_t per_epoch = o->count / o->batch;
    const jd_schedule schedule = {.kind = JD_COSINE, .rate = o->rate, .end = o->rate / 100};
    for (int64_t k = 0; k < o->updates && !jd_error(t->ctx); k++) {
        const float lr = (float)jd_schedule_at(&schedule, k, o->updates);
        fill(u, k);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, u->x, o->batch, PT_PIXELS),
                                JD_TENSOR("label", JD_I32, u->label, o->batch), JD_SCALAR_F32("lr", &lr)};
        if (jd_fn_run(f, in, 3)) return;
        if (k % 50 == 0 && jd_run_progress(t->r, (double)k, (double)o->updates, "%s%lld labels",
                                           o->start      ? "pre-trained, "
                                           : o->deformed ? "deformed, "
                                                         : "",
                                           (long long)o->count)) {
            jd_run_stopped(t->r);
            return;
        }
        if (o->curve && (k + 1) % per_epoch == 0) jd_run_log(t->r, (k + 1) / per_epoch, o->curve, test_error(t, test));
    }
}

double pt_tune(pt *t, const pt_tuning *o)
{
    if (jd_error(t->ctx)) return (double)NAN;
    const uint64_t before = jd_ctx_seed(t->ctx);
    jd_ctx_set_seed(t->ctx, o->seed);
    jd_params *w = pt_copy(t->ctx, o->start);
    jd_fn *f = jd_fn_new(t->ctx, w, step, t), *test = jd_fn_new(t->ctx, w, answer, t);
    tuning u = {.t = t,
                .o = o,
                .x = jd_alloc_array(t->ctx, (size_t)o->batch * PT_PIXELS, sizeof(float)),
                .label = jd_alloc_array(t->ctx, (size_t)o->batch, sizeof(int32_t)),
                .order = jd_alloc_array(t->ctx, (size_t)o->count, sizeof(uint32_t)),
                .chosen = jd_alloc_array(t->ctx, (size_t)o->batch, sizeof(uint32_t))};
    jd_deform_options d = jd_deform_mnist2010();
    d.low = 0;
    d.high = 1;
    if (o->deformed) u.deformer = jd_deformer_new(t->ctx, &d, 28, 28, 1, 28, 28);
    if (!jd_error(t->ctx)) tune(&u, f, test);
    const double error = jd_error(t->ctx) ? (double)NAN : test_error(t, test);
    jd_fn_free(f);
    jd_fn_free(test);
    if (o->trained)
        *o->trained = w;
    else
        jd_params_free(w);
    if (u.deformer) jd_deformer_free(u.deformer);
    void *const owned[] = {u.x, u.label, u.order, u.chosen};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(t->ctx, owned[i]);
    jd_ctx_set_seed(t->ctx, before);
    return error;
}
