/* frames.c - batches of sequences of different length, and nets that are trained on them; see frames.h. */
#include "frames.h"

#include <stdio.h>
#include <string.h>

enum { PAD = 32, TOGETHER = 16 }; /* lengths of batches are multiples of PAD, so that few shapes are traced */

/* ---- sets --------------------------------------------------------------------------------------------------------------*/

frames_set frames_set_new(jd_ctx *ctx, size_t n, int64_t inputs, int64_t outputs, bool classes)
{
    return (frames_set){inputs, outputs, classes, n, jd_alloc_array(ctx, n, sizeof(frames_item))};
}

frames_item *frames_room(jd_ctx *ctx, frames_set *s, size_t i, int64_t T)
{
    if (!s->item) return NULL;
    frames_item *it = &s->item[i];
    *it = (frames_item){.T = T, .x = jd_alloc_array(ctx, (size_t)(T * s->inputs), sizeof *it->x)};
    if (s->classes) {
        it->label = jd_alloc_array(ctx, (size_t)T, sizeof *it->label);
    } else {
        it->y = jd_alloc_array(ctx, (size_t)(T * s->outputs), sizeof *it->y);
        it->w = jd_alloc_array(ctx, (size_t)(T * s->outputs), sizeof *it->w);
    }
    return jd_error(ctx) ? NULL : it;
}

void frames_set_free(jd_ctx *ctx, frames_set *s)
{
    for (size_t i = 0; s->item && i < s->n; i++) {
        jd_free(ctx, s->item[i].x);
        jd_free(ctx, s->item[i].y);
        jd_free(ctx, s->item[i].w);
        jd_free(ctx, s->item[i].label);
    }
    jd_free(ctx, s->item);
    *s = (frames_set){0};
}

frames_scale frames_scale_of(jd_ctx *ctx, const frames_set *s, bool inputs)
{
    const int64_t n = inputs ? s->inputs : s->outputs;
    frames_scale k = {n, jd_alloc_array(ctx, (size_t)n, sizeof(float)), jd_alloc_array(ctx, (size_t)n, sizeof(float))};
    for (int64_t d = 0; k.mean && k.deviation && d < n; d++) {
        double count = 0, sum = 0, power = 0;
        for (size_t i = 0; i < s->n; i++) {
            const frames_item *it = &s->item[i];
            for (int64_t t = d; t < it->T * n; t += n) {
                const double v = (double)(inputs ? it->x : it->y)[t];
                if (!inputs && it->w[t] == 0) continue;
                count++;
                sum += v;
                power += v * v;
            }
        }
        const double mean = count > 0 ? sum / count : 0, variance = count > 0 ? power / count - mean * mean : 0;
        k.mean[d] = (float)mean;
        k.deviation[d] = variance > 1e-12 ? (float)sqrt(variance) : 1;
    }
    return k;
}

void frames_scale_free(jd_ctx *ctx, frames_scale *k)
{
    jd_free(ctx, k->mean);
    jd_free(ctx, k->deviation);
    *k = (frames_scale){0};
}

void frames_scale_apply(const frames_scale *k, frames_set *s, bool inputs)
{
    for (size_t i = 0; i < s->n; i++) {
        frames_item *it = &s->item[i];
        float *v = inputs ? it->x : it->y;
        for (int64_t t = 0; t < it->T; t++, v += k->n)
            for (int64_t d = 0; d < k->n; d++) v[d] = (v[d] - k->mean[d]) / k->deviation[d];
    }
}

/* ---- batches -----------------------------------------------------------------------------------------------------------*/

typedef struct slab {
    int64_t T, B;
    float *x, *y, *w;        /* (T,B,..) */
    int32_t *label, *length; /* (T,B), (B) */
    size_t room, samples;    /* frames, sequences that fit */
} slab;

static void slab_free(jd_ctx *ctx, slab *b)
{
    jd_free(ctx, b->x);
    jd_free(ctx, b->y);
    jd_free(ctx, b->w);
    jd_free(ctx, b->label);
    jd_free(ctx, b->length);
    *b = (slab){0};
}

static jd_status slab_room(jd_ctx *ctx, const frames_set *s, slab *b, size_t frames, size_t samples)
{
    if (frames <= b->room && samples <= b->samples) return JD_OK;
    slab_free(ctx, b);
    b->x = jd_alloc_array(ctx, frames * (size_t)s->inputs, sizeof *b->x);
    if (s->classes) {
        b->label = jd_alloc_array(ctx, frames, sizeof *b->label);
    } else {
        b->y = jd_alloc_array(ctx, frames * (size_t)s->outputs, sizeof *b->y);
        b->w = jd_alloc_array(ctx, frames * (size_t)s->outputs, sizeof *b->w);
    }
    b->length = jd_alloc_array(ctx, samples, sizeof *b->length);
    b->room = frames;
    b->samples = samples;
    return jd_error(ctx);
}

static jd_status slab_fill(jd_ctx *ctx, const frames_set *s, const uint32_t *index, size_t B, slab *b)
{
    int64_t longest = 1;
    for (size_t k = 0; k < B; k++) longest = s->item[index[k]].T > longest ? s->item[index[k]].T : longest;
    const int64_t T = (longest + PAD - 1) / PAD * PAD;
    const size_t frames = (size_t)T * B, N = (size_t)s->inputs, D = (size_t)s->outputs;
    if (slab_room(ctx, s, b, frames, B)) return jd_error(ctx);
    b->T = T;
    b->B = (int64_t)B;
    memset(b->x, 0, frames * N * sizeof *b->x);
    if (s->classes)
        memset(b->label, 0xff, frames * sizeof *b->label); /* -1 */
    else
        memset(b->w, 0, frames * D * sizeof *b->w);
    for (size_t k = 0; k < B; k++) {
        const frames_item *it = &s->item[index[k]];
        b->length[k] = (int32_t)it->T;
        for (size_t t = 0; t < (size_t)it->T; t++) {
            const size_t at = t * B + k;
            memcpy(b->x + at * N, it->x + t * N, N * sizeof *b->x);
            if (s->classes) {
                b->label[at] = it->label[t];
                continue;
            }
            memcpy(b->y + at * D, it->y + t * D, D * sizeof *b->y);
            memcpy(b->w + at * D, it->w + t * D, D * sizeof *b->w);
        }
    }
    return JD_OK;
}

static int slab_inputs(const frames_set *s, const slab *b, bool targets, jd_tensor *in)
{
    int n = 0;
    in[n++] = JD_TENSOR("x", JD_F32, b->x, b->T, b->B, s->inputs);
    in[n++] = JD_TENSOR("length", JD_I32, b->length, b->B);
    if (targets && s->classes) in[n++] = JD_TENSOR("label", JD_I32, b->label, b->T, b->B);
    if (targets && !s->classes) in[n++] = JD_TENSOR("y", JD_F32, b->y, b->T, b->B, s->outputs);
    if (targets && !s->classes) in[n++] = JD_TENSOR("w", JD_F32, b->w, b->T, b->B, s->outputs);
    return n;
}

/* The batches of one epoch, of like length together; with `shuffle` in random order. */
static jd_status batches(jd_ctx *ctx, const frames_set *s, size_t batch, bool shuffle, uint64_t seed, int64_t epoch,
                         jd_batches *out)
{
    int32_t *length = jd_alloc_array(ctx, s->n, sizeof *length);
    for (size_t i = 0; length && i < s->n; i++) length[i] = (int32_t)s->item[i].T;
    if (length)
        jd_batches_make(ctx,
                        &(jd_batches_options){.count = s->n,
                                              .batch = batch,
                                              .length = length,
                                              .shuffle = shuffle,
                                              .seed = seed,
                                              .epoch = (uint64_t)epoch,
                                              .pool = shuffle ? 8 : 0,
                                              .drop_last = shuffle},
                        out);
    jd_free(ctx, length);
    return jd_error(ctx);
}

/* ---- training ----------------------------------------------------------------------------------------------------------*/

typedef struct work {
    jd_ctx *ctx;
    frames_net *n;
    const frames_set *train, *valid;
    const frames_plan *plan;
    jd_batches order;
    int64_t epoch, per_epoch;
    slab room;
    jd_fn *judge;
} work;

static jd_node answer(jd_graph *g, const frames_net *n)
{
    return jd_net(g, n->spec, jd_arg(g, "x"), jd_arg(g, "length"));
}

static jd_node loss_of(jd_graph *g, const frames_net *n, jd_node said)
{
    if (n->classes) return jd_softmax_xent(g, said, jd_arg(g, "label"));
    const jd_node w = jd_arg(g, "w"), error = jd_square(g, jd_sub(g, said, jd_arg(g, "y")));
    return jd_div(g, jd_sum(g, jd_mul(g, w, error), JD_ALL_AXES, false), jd_sum(g, w, JD_ALL_AXES, false));
}

static void train_step(jd_graph *g, void *user)
{
    const work *k = user;
    jd_scope_push(g, k->n->name);
    const jd_node loss = loss_of(g, k->n, answer(g, k->n));
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1);
    jd_scope_pop(g);
}

static void judge(jd_graph *g, void *user)
{
    const frames_net *n = user;
    jd_scope_push(g, n->name);
    jd_result(g, "loss", loss_of(g, n, answer(g, n)));
    jd_scope_pop(g);
}

static void say(jd_graph *g, void *user)
{
    const frames_net *n = user;
    jd_scope_push(g, n->name);
    const jd_node said = answer(g, n);
    jd_result(g, "said", n->classes ? jd_softmax(g, said) : said);
    jd_scope_pop(g);
}

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    work *k = user;
    const int64_t epoch = step / k->per_epoch, b = step % k->per_epoch;
    (void)slot;
    if (epoch != k->epoch) {
        jd_batches_free(k->ctx, &k->order);
        k->epoch = epoch;
        if (batches(k->ctx, k->train, (size_t)k->plan->batch, true, k->plan->seed, epoch, &k->order)) return 0;
    }
    const size_t at = k->order.offset[b], B = k->order.offset[b + 1] - at;
    if (slab_fill(k->ctx, k->train, k->order.index + at, B, &k->room)) return 0;
    return slab_inputs(k->train, &k->room, true, in);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    work *k = user;
    char name[80];
    jd_batches all = {0};
    double sum = 0, weight = 0;
    batches(k->ctx, k->valid, TOGETHER, false, 0, 0, &all);
    for (size_t b = 0; b < all.count && !jd_error(k->ctx); b++) {
        jd_tensor in[8];
        const size_t at = all.offset[b], B = all.offset[b + 1] - at;
        if (slab_fill(k->ctx, k->valid, all.index + at, B, &k->room) ||
            jd_fn_run(k->judge, in, slab_inputs(k->valid, &k->room, true, in)))
            break;
        sum += jd_fn_scalar(k->judge, "loss") * (double)B;
        weight += (double)B;
    }
    jd_batches_free(k->ctx, &all);
    snprintf(name, sizeof name, "%s/held out", k->n->name);
    if (weight > 0) jd_run_log(r, step, name, sum / weight);
    return weight > 0 ? sum / weight : 0;
}

jd_status frames_train(jd_run *r, frames_net *n, const frames_set *train, const frames_set *valid,
                       const frames_plan *plan)
{
    jd_ctx *ctx = jd_run_ctx(r);
    work k = {.ctx = ctx, .n = n, .train = train, .valid = valid, .plan = plan};
    n->inputs = train->inputs;
    n->outputs = train->outputs;
    n->classes = train->classes;
    if (plan->batch < 1 || (size_t)plan->batch > train->n)
        return jd_fail(ctx, JD_EUSAGE,
                       "%s: batches of %lld out of %zu sequences; give 1 or more, and not more than all", n->name,
                       (long long)plan->batch, train->n);
    n->params = jd_params_new(ctx, JD_F32);
    n->say = jd_fn_new(ctx, n->params, say, n);
    k.judge = jd_fn_new(ctx, n->params, judge, n);
    if (batches(ctx, train, (size_t)plan->batch, true, plan->seed, 0, &k.order)) return jd_error(ctx);
    k.per_epoch = (int64_t)k.order.count;
    const int64_t steps = (int64_t)(plan->epochs * (double)k.per_epoch);
    jd_train_result result = {0};
    jd_train(r, n->params,
             &(jd_train_options){.what = n->name,
                                 .series = n->name,
                                 .trace = train_step,
                                 .user = &k,
                                 .steps = steps < 1 ? 1 : steps,
                                 .batch = next_batch,
                                 .lr = {.kind = JD_COSINE, .rate = plan->rate, .end = plan->rate / 20, .warmup = 20},
                                 .validate_every = k.per_epoch,
                                 .validate = validate,
                                 .items_per_step = plan->batch},
             &result);
    n->steps = result.steps;
    n->seconds = result.seconds;
    jd_batches_free(ctx, &k.order);
    slab_free(ctx, &k.room);
    jd_fn_free(k.judge);
    return jd_error(ctx);
}

/* ---- what it says --------------------------------------------------------------------------------------------------------*/

jd_status frames_say(jd_ctx *ctx, frames_net *n, const frames_set *s, float *const *said)
{
    jd_batches all = {0};
    slab room = {0};
    const size_t D = (size_t)n->outputs;
    batches(ctx, s, TOGETHER, false, 0, 0, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        jd_tensor in[8];
        const uint32_t *index = all.index + all.offset[k];
        const size_t B = all.offset[k + 1] - all.offset[k];
        if (slab_fill(ctx, s, index, B, &room) || jd_fn_run(n->say, in, slab_inputs(s, &room, false, in))) break;
        const float *out = jd_fn_result(n->say, "said", NULL); /* (T,B,D) */
        for (size_t b = 0; out && b < B; b++)
            for (size_t t = 0; t < (size_t)s->item[index[b]].T; t++)
                memcpy(said[index[b]] + t * D, out + (t * B + b) * D, D * sizeof *out);
    }
    slab_free(ctx, &room);
    jd_batches_free(ctx, &all);
    return jd_error(ctx);
}

float **frames_said_new(jd_ctx *ctx, const frames_set *s)
{
    float **said = jd_alloc_array(ctx, s->n, sizeof *said);
    for (size_t i = 0; said && i < s->n; i++)
        said[i] = jd_alloc_array(ctx, (size_t)(s->item[i].T * s->outputs), sizeof **said);
    return said;
}

void frames_said_free(jd_ctx *ctx, const frames_set *s, float **said)
{
    for (size_t i = 0; said && i < s->n; i++) jd_free(ctx, said[i]);
    jd_free(ctx, said);
}

void frames_net_free(frames_net *n)
{
    jd_fn_free(n->say);
    jd_params_free(n->params);
    n->say = NULL;
    n->params = NULL;
}

/* ---- nets with as many weights -------------------------------------------------------------------------------------------*/

int64_t frames_dense_weights(int64_t inputs, int64_t outputs, int64_t hidden, int64_t width)
{
    return (inputs + 1) * width + (hidden - 1) * (width + 1) * width + (width + 1) * outputs;
}

int64_t frames_dense_width(int64_t inputs, int64_t outputs, int64_t hidden, int64_t weights)
{
    int64_t width = 1;
    while (frames_dense_weights(inputs, outputs, hidden, width) < weights) width++;
    return width;
}

int64_t frames_lstm_weights(int64_t inputs, int64_t outputs, int64_t first, int64_t layers, int64_t units, bool both)
{
    const int64_t ways = both ? 2 : 1;
    int64_t below = first ? first : inputs, all = first ? (inputs + 1) * first : 0;
    for (int64_t i = 0; i < layers; i++, below = ways * units) all += ways * 4 * units * (below + units + 1);
    return all + (below + 1) * outputs;
}

int64_t frames_lstm_units(int64_t inputs, int64_t outputs, int64_t layers, bool both, int64_t weights)
{
    int64_t units = 1;
    while (frames_lstm_weights(inputs, outputs, 0, layers, units, both) < weights) units++;
    return units;
}
