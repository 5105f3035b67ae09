/* pretrain.c - training one layer without labels: RBMs by contrastive divergence, auto-encoders by gradient descent. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/given.h"
#include "jackdaw/data.h"
#include "jackdaw/layers.h"
#include "jackdaw/pretrain.h"

enum { EARLY = 5, APPLY = 500 }; /* epochs with momentum 0.5; rows at a time */

typedef struct job {
    jd_ctx *ctx;
    const char *name;
    const float *x;
    int64_t n, visible;
    jd_pretrain_options o;
    bool rbm;
    double momentum; /* of the function that is traced */
    jd_params *w;    /* of this layer alone, so that a step touches no other weights */
    float *batch, *chain;
    uint32_t *order;
} job;

static jd_rbm rbm_of(const jd_pretrain_options *o)
{
    return (jd_rbm){.units = o->units, .gaussian = o->gaussian, .classes = o->classes};
}

static void trace_step(jd_graph *g, void *user)
{
    const job *j = user;
    const jd_node x = jd_arg(g, "x"), step = jd_arg(g, "step");
    jd_node loss, error;
    if (j->rbm) {
        const jd_divergence_options o = {.steps = j->o.steps,
                                         .sample_visible = j->o.persistent,
                                         .chain = j->o.persistent ? jd_arg(g, "chain") : JD_NONE};
        const jd_divergence d = jd_rbm_divergence(g, j->name, x, step, rbm_of(&j->o), o);
        loss = d.loss;
        error = d.error;
        if (j->o.persistent) jd_result(g, "chain", d.end);
    } else {
        error = jd_autoencoder_loss(g, j->name, x, step, (jd_autoencoder){j->o.units, j->o.zeroed});
        loss = error;
    }
    if (j->o.decay > 0) { /* on W alone */
        jd_scope_push(g, j->name);
        const jd_node w = jd_param(g, "W", (jd_init){0}, JD_DIMS(j->o.units, j->visible));
        jd_scope_pop(g);
        loss = jd_add(g, loss, jd_affine(g, jd_sum(g, jd_square(g, w), JD_ALL_AXES, false), 0.5 * j->o.decay, 0));
    }
    jd_update_sgd(g, loss, jd_arg(g, "lr"), .momentum = j->momentum);
    jd_result(g, "error", error);
}

/* One pass over the data; NAN after an error. */
static double epoch(job *j, jd_fn *f, int64_t number)
{
    const int64_t B = j->o.batch, per_epoch = j->n / B;
    const float lr = (float)j->o.rate;
    double sum = 0;
    jd_epoch_order(jd_ctx_seed(j->ctx), (uint64_t)number, j->order, (size_t)j->n);
    for (int64_t b = 0; b < per_epoch; b++) {
        const int32_t step = (int32_t)(number * per_epoch + b);
        for (int64_t i = 0; i < B; i++)
            memcpy(j->batch + i * j->visible, j->x + (int64_t)j->order[b * B + i] * j->visible,
                   (size_t)j->visible * sizeof *j->batch);
        const jd_tensor in[] = {JD_TENSOR("x", JD_F32, j->batch, B, j->visible), JD_SCALAR_I32("step", &step),
                                JD_SCALAR_F32("lr", &lr), JD_TENSOR("chain", JD_F32, j->chain, B, j->visible)};
        if (jd_fn_run(f, in, j->o.persistent ? 4 : 3)) return (double)NAN;
        const float *end = j->o.persistent ? jd_fn_result(f, "chain", NULL) : NULL;
        if (end) memcpy(j->chain, end, (size_t)(B * j->visible) * sizeof *end);
        sum += jd_fn_scalar(f, "error");
    }
    return sum / (double)per_epoch;
}

static void train(job *j, jd_pretrain_progress *progress, void *user)
{
    const double late = j->o.momentum;
    job early = *j;
    early.momentum = fmin(0.5, late);
    j->momentum = late;
    jd_fn *first = jd_fn_new(j->ctx, j->w, trace_step, &early), *rest = jd_fn_new(j->ctx, j->w, trace_step, j);
    for (int64_t e = 0; e < j->o.epochs && !jd_error(j->ctx); e++) {
        const double error = epoch(j, e < EARLY ? first : rest, e);
        if (!jd_error(j->ctx) && !isfinite(error))
            jd_fail(j->ctx, JD_EDIVERGED, "%s: the error of epoch %lld is not finite; lower the rate, now %g", j->name,
                    (long long)e + 1, j->o.rate);
        if (!jd_error(j->ctx) && progress && progress(user, e + 1, j->o.epochs, error)) break;
    }
    jd_fn_free(first);
    jd_fn_free(rest);
}

/* Chains begin at data. */
static jd_status prepare(job *j)
{
    const int64_t B = j->o.batch;
    j->w = jd_params_new(j->ctx, JD_F32);
    j->batch = jd_alloc_array(j->ctx, (size_t)(B * j->visible), sizeof *j->batch);
    j->order = jd_alloc_array(j->ctx, (size_t)j->n, sizeof *j->order);
    if (j->o.persistent) j->chain = jd_alloc_array(j->ctx, (size_t)(B * j->visible), sizeof *j->chain);
    if (j->chain && !jd_error(j->ctx)) memcpy(j->chain, j->x, (size_t)(B * j->visible) * sizeof *j->chain);
    return jd_error(j->ctx);
}

/* Into the store that the caller has. */
static void hand_over(job *j, jd_params *p)
{
    for (int i = 0; i < jd_params_ranges(j->w) && !jd_error(j->ctx); i++) {
        const jd_range *r = jd_params_range(j->w, i);
        jd_params_set(p, r->name, &r->type, (const float *)jd_params_data(j->w) + r->offset);
    }
}

static jd_status check(const job *j)
{
    const jd_pretrain_options *o = &j->o;
    if (o->units < 1 || j->n < 1 || j->visible < 1 || o->epochs < 1 || o->batch < 1 || o->classes < 0 ||
        o->classes >= j->visible || !(o->rate > 0) || !(o->momentum >= 0 && o->momentum < 1) || o->steps < 0 ||
        !(o->zeroed >= 0 && o->zeroed < 1))
        return jd_fail(
            j->ctx, JD_EUSAGE,
            "%s: pre-training of %lld units on %lld samples of %lld values: units, samples, epochs, batch and "
            "rate must be positive, momentum and zeroed in [0,1), classes fewer than the values",
            j->name, (long long)o->units, (long long)j->n, (long long)j->visible);
    return JD_OK;
}

static jd_status pretrain(job j, jd_params *p, jd_pretrain_progress *progress, void *user)
{
    if (jd_error(j.ctx)) return jd_error(j.ctx);
    if (!j.o.epochs) j.o.epochs = 15;
    if (!j.o.batch) j.o.batch = 20;
    if (j.o.batch > j.n) j.o.batch = j.n;
    if (j.o.rate == 0) j.o.rate = j.o.gaussian ? 0.001 : 0.05;
    if (j.o.momentum == 0) j.o.momentum = 0.9;
    if (j.o.decay == 0) j.o.decay = j.rbm ? 2e-4 : 0;
    if (!check(&j) && !prepare(&j)) train(&j, progress, user);
    if (!jd_error(j.ctx)) hand_over(&j, p);
    jd_params_free(j.w);
    jd_free(j.ctx, j.batch);
    jd_free(j.ctx, j.chain);
    jd_free(j.ctx, j.order);
    return jd_error(j.ctx);
}

jd_status jd_pretrain_rbm(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n, int64_t visible,
                          const jd_pretrain_options *o, jd_pretrain_progress *progress, void *user)
{
    if (!jd__given(ctx, __func__, "p", p) || !jd__given(ctx, __func__, "o", o)) return jd_error(ctx);
    return pretrain((job){.ctx = ctx, .name = name, .x = x, .n = n, .visible = visible, .o = *o, .rbm = true}, p,
                    progress, user);
}

jd_status jd_pretrain_autoencoder(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n,
                                  int64_t visible, const jd_pretrain_options *o, jd_pretrain_progress *progress,
                                  void *user)
{
    if (!jd__given(ctx, __func__, "p", p) || !jd__given(ctx, __func__, "o", o)) return jd_error(ctx);
    return pretrain((job){.ctx = ctx, .name = name, .x = x, .n = n, .visible = visible, .o = *o}, p, progress, user);
}

/* ---- using a layer -----------------------------------------------------------------------------------------------------------*/

typedef struct layer_use {
    const char *name;
    jd_rbm r;
    bool energy;
} layer_use;

static void trace_use(jd_graph *g, void *user)
{
    const layer_use *u = user;
    const jd_node x = jd_arg(g, "x");
    jd_result(g, "y", u->energy ? jd_rbm_free_energy(g, u->name, x, u->r) : jd_rbm_hidden(g, u->name, x, u->r));
}

/* y (n,width), in pieces. */
static jd_status use(jd_ctx *ctx, jd_params *p, layer_use *u, const float *x, int64_t n, int64_t visible, float *y)
{
    const int64_t width = u->energy ? 1 : u->r.units;
    jd_fn *f = jd_fn_new(ctx, p, trace_use, u);
    for (int64_t at = 0; at < n && !jd_error(ctx); at += APPLY) {
        const int64_t b = n - at < APPLY ? n - at : APPLY;
        const jd_tensor in = JD_TENSOR("x", JD_F32, x + at * visible, b, visible);
        const float *part = jd_fn_run(f, &in, 1) ? NULL : jd_fn_result(f, "y", NULL);
        if (part) memcpy(y + at * width, part, (size_t)(b * width) * sizeof *y);
    }
    jd_fn_free(f);
    return jd_error(ctx);
}

static const jd_range *weights_of(jd_ctx *ctx, jd_params *p, const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%.90s/W", name);
    const jd_range *r = jd_params_find(p, full);
    if (!r || r->type.rank != 2)
        jd_fail(ctx, JD_EUSAGE, "there is no layer \"%s\" with weights in this store; pre-train it first", name);
    return r && r->type.rank == 2 ? r : NULL;
}

jd_status jd_pretrain_apply(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n, int64_t visible,
                            float *y)
{
    if (!jd__given(ctx, __func__, "p", p)) return jd_error(ctx);
    const jd_range *w = jd_error(ctx) ? NULL : weights_of(ctx, p, name);
    if (!w) return jd_error(ctx);
    return use(ctx, p, &(layer_use){name, {.units = w->type.dim[0]}, false}, x, n, visible, y);
}

double jd_pretrain_free_energy(jd_ctx *ctx, jd_params *p, const char *name, const float *x, int64_t n, int64_t visible,
                               const jd_pretrain_options *o)
{
    const jd_range *w = jd_error(ctx) ? NULL : weights_of(ctx, p, name);
    float *y = w ? jd_alloc_array(ctx, (size_t)n, sizeof *y) : NULL;
    double sum = 0;
    layer_use u = {name, rbm_of(o), true};
    if (y) u.r.units = w->type.dim[0];
    if (y && !use(ctx, p, &u, x, n, visible, y))
        for (int64_t i = 0; i < n; i++) sum += (double)y[i];
    jd_free(ctx, y);
    return jd_error(ctx) || !n ? (double)NAN : sum / (double)n;
}
