/* belief_net.c - the generative side: a deep belief net made of the pre-trained layers, tuned by up-down, and its dreams. */
#include <math.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "pretraining.h"

typedef struct belief {
    pt *t;
    jd_dbn d;
    int64_t units[PT_LAYERS];
    jd_params *w;
    int gibbs; /* of a dream */
} belief;

static void trace_logits(jd_graph *g, void *user)
{
    const belief *b = user;
    jd_result(g, "class", jd_argmax(g, jd_dbn_logits(g, "dbn", jd_arg(g, "x"), b->d)));
}

static void trace_up_down(jd_graph *g, void *user)
{
    const belief *b = user;
    const jd_node loss = jd_dbn_up_down(g, "dbn", jd_arg(g, "x"), jd_arg(g, "label"), jd_arg(g, "step"), b->d);
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = 0.5);
}

static void trace_dream(jd_graph *g, void *user)
{
    const belief *b = user;
    jd_result(g, "v", jd_dbn_dream(g, "dbn", jd_arg(g, "top"), jd_arg(g, "label"), jd_arg(g, "step"), b->gibbs, b->d));
}

static double error_of(belief *b)
{
    enum { B = 200 };
    const pt_set *s = &b->t->test;
    jd_fn *f = jd_fn_new(b->t->ctx, b->w, trace_logits, b);
    int64_t wrong = 0;
    for (int64_t at = 0, n = (int64_t)s->images.count; at < n && !jd_error(b->t->ctx); at += B) {
        const int64_t k = n - at < B ? n - at : B;
        const jd_tensor in = JD_TENSOR("x", JD_F32, s->x + at * PT_PIXELS, k, PT_PIXELS);
        const int32_t *class = jd_fn_run(f, &in, 1) ? NULL : jd_fn_result(f, "class", NULL);
        for (int64_t i = 0; class && i < k; i++) wrong += class[i] != s->images.labels[at + i];
    }
    jd_fn_free(f);
    return 100.0 * (double)wrong / (double)s->images.count;
}

static bool watch(void *user, int64_t epoch, int64_t epochs, double error)
{
    belief *b = user;
    jd_run_log(b->t->r, epoch, "RBM/top, with labels", error);
    return jd_run_progress(b->t->r, (double)epoch, (double)epochs, "the memory at the top: error %.2f", error);
}

/* The RBM at the top sees the second layer and the label. */
static jd_status train_top(belief *b, int64_t epochs)
{
    pt *t = b->t;
    const int64_t n = (int64_t)t->train.images.count, first = t->units[0], second = t->units[1],
                  wide = second + PT_CLASSES;
    float *h = jd_alloc_array(t->ctx, (size_t)(n * first), sizeof *h);
    float *top = jd_alloc_array(t->ctx, (size_t)(n * second), sizeof *top);
    float *x = jd_alloc_array(t->ctx, (size_t)(n * wide), sizeof *x);
    if (!jd_error(t->ctx) && !jd_pretrain_apply(t->ctx, t->rbm, "dense1", t->train.x, n, PT_PIXELS, h) &&
        !jd_pretrain_apply(t->ctx, t->rbm, "dense2", h, n, first, top)) {
        for (int64_t i = 0; i < n; i++) {
            memcpy(x + i * wide, top + i * second, (size_t)second * sizeof *x);
            x[i * wide + second + t->train.images.labels[i]] = 1;
        }
        const jd_pretrain_options o = {.units = b->units[2],
                                       .epochs = epochs,
                                       .batch = (int64_t)jd_run_setting(t->r, "pretrain_batch"),
                                       .rate = jd_run_setting(t->r, "rbm_rate"),
                                       .classes = PT_CLASSES};
        jd_pretrain_rbm(t->ctx, b->w, "top", x, n, wide, &o, watch, b);
    }
    jd_free(t->ctx, h);
    jd_free(t->ctx, top);
    jd_free(t->ctx, x);
    return jd_error(t->ctx);
}

/* The way up-down runs over all digits, the rate falling to nothing. */
static jd_status up_down(belief *b, int64_t epochs)
{
    enum { B = 100 };
    pt *t = b->t;
    const int64_t n = (int64_t)t->train.images.count, per_epoch = n / B, steps = epochs * per_epoch;
    jd_fn *f = jd_fn_new(t->ctx, b->w, trace_up_down, b);
    float *x = jd_alloc_array(t->ctx, (size_t)B * PT_PIXELS, sizeof *x);
    uint32_t *order = jd_alloc_array(t->ctx, (size_t)n, sizeof *order);
    int32_t label[B];
    const jd_schedule schedule = {.kind = JD_COSINE, .rate = jd_run_setting(t->r, "up_down_rate")};
    for (int64_t k = 0; k < steps && !jd_error(t->ctx); k++) {
        if (k % per_epoch == 0) jd_epoch_order(jd_run_seed(t->r), (uint64_t)(k / per_epoch), order, (size_t)n);
        for (int64_t i = 0; i < B; i++) {
            const uint32_t at = order[k % per_epoch * B + i];
            memcpy(x + i * PT_PIXELS, t->train.x + (size_t)at * PT_PIXELS, PT_PIXELS * sizeof *x);
            label[i] = t->train.images.labels[at];
        }
        const float lr = (float)jd_schedule_at(&schedule, k, steps);
        const int32_t step = (int32_t)k;
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, B, PT_PIXELS), JD_TENSOR("label", JD_I32, label, B),
                                JD_SCALAR_I32("step", &step), JD_SCALAR_F32("lr", &lr)};
        if (jd_fn_run(f, in, 4)) break;
        if (k % 50 == 0 && jd_run_progress(t->r, (double)k, (double)steps, "up and down")) {
            jd_run_stopped(t->r);
            break;
        }
        if ((k + 1) % per_epoch == 0) jd_run_log(t->r, (k + 1) / per_epoch, "belief net/error", error_of(b));
    }
    jd_fn_free(f);
    jd_free(t->ctx, x);
    jd_free(t->ctx, order);
    return jd_error(t->ctx);
}

/* Each label is held while the memory at the top runs free; what it then thinks of goes down to the pixels. */
static jd_status dream(belief *b, float *out)
{
    enum { N = PT_CLASSES * PT_DREAMS };
    jd_ctx *ctx = b->t->ctx;
    const int64_t second = b->t->units[1];
    int32_t label[N], step = 0;
    float *top = jd_alloc_array(ctx, (size_t)(N * second), sizeof *top);
    jd_rng rng = jd_rng_new(jd_run_seed(b->t->r), "dream/start", 0);
    for (int64_t i = 0; top && i < N * second; i++) top[i] = jd_rng_below(&rng, 4) ? 0 : 1;
    for (int i = 0; i < N; i++) label[i] = i / PT_DREAMS;
    jd_fn *f = jd_fn_new(ctx, b->w, trace_dream, b);
    const jd_tensor in[] = {JD_TENSOR("top", JD_F32, top, N, second), JD_TENSOR("label", JD_I32, label, N),
                            JD_SCALAR_I32("step", &step)};
    const float *v = top && f && !jd_fn_run(f, in, 3) ? jd_fn_result(f, "v", NULL) : NULL;
    if (v) memcpy(out, v, (size_t)N * PT_PIXELS * sizeof *out);
    jd_fn_free(f);
    jd_free(ctx, top);
    return jd_error(ctx);
}

jd_status pt_belief_net(pt *t, pt_belief *out)
{
    const int64_t epochs = (int64_t)jd_run_setting(t->r, "top_epochs"),
                  tuned = (int64_t)jd_run_setting(t->r, "up_down");
    belief b = {.t = t, .units = {t->units[0], t->units[1], (int64_t)jd_run_setting(t->r, "top_units")}, .gibbs = 200};
    *out = (pt_belief){(double)NAN, (double)NAN, NULL};
    if (!epochs) return jd_error(t->ctx);
    b.d = (jd_dbn){.layers = 2,
                   .units = b.units,
                   .visible = PT_PIXELS,
                   .classes = PT_CLASSES,
                   .gibbs = (int)jd_run_setting(t->r, "up_down_gibbs")};
    b.w = pt_copy(t->ctx, t->rbm);
    jd_run_stage(t->r, "a deep belief net");
    out->dreams = jd_alloc_array(t->ctx, (size_t)PT_CLASSES * PT_DREAMS * PT_PIXELS, sizeof *out->dreams);
    if (!jd_error(t->ctx) && !train_top(&b, epochs) &&
        !jd_dbn_adopt(t->ctx, b.w, "dbn", b.d, (const char *const[]){"dense1", "dense2"}, "top")) {
        jd_params *all = b.w; /* of it only the belief net is needed, so that an update touches nothing else */
        b.w = jd_params_new(t->ctx, JD_F32);
        for (int i = 0; b.w && i < jd_params_ranges(all); i++) {
            const jd_range *r = jd_params_range(all, i);
            if (!strncmp(r->name, "dbn/", 4))
                jd_params_set(b.w, r->name, &r->type, (const float *)jd_params_data(all) + r->offset);
        }
        jd_params_free(all);
        out->before = error_of(&b);
        jd_run_note(t->r, "belief net: %.2f %% before up-down", out->before);
        if (tuned && !up_down(&b, tuned)) out->after = error_of(&b);
        if (tuned) jd_run_note(t->r, "belief net: %.2f %% after it", out->after);
        if (!jd_error(t->ctx)) dream(&b, out->dreams);
    }
    jd_params_free(b.w);
    return jd_error(t->ctx);
}
