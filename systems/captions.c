/* captions.c - nets that look once and write a sentence; see captions.h. */
#include "captions.h"

#include <stdio.h>
#include <string.h>

enum { AT_ONCE = 32, HELD_OUT = 96, STEP = 4 /* lengths are multiples of it, so that few shapes are traced */ };

/* ---- batches -------------------------------------------------------------------------------------------------------------*/

typedef struct sight {
    int64_t S, U;
    float *seen;              /* (S,..) */
    int32_t *written, *label; /* (U,S) */
    int32_t *hint;            /* (S,hints) */
    int32_t *word;            /* (longest): of one */
} sight;

static size_t numbers(const captions_task *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->dim[i];
    return n;
}

static int64_t most_written(const captions_task *t)
{
    return ((int64_t)t->longest + STEP) / STEP * STEP; /* the end included */
}

static jd_status sight_new(jd_ctx *ctx, const captions_task *t, int64_t S, sight *b)
{
    const size_t U = (size_t)most_written(t);
    *b = (sight){.S = S,
                 .seen = jd_alloc_array(ctx, (size_t)S * numbers(t), sizeof *b->seen),
                 .written = jd_alloc_array(ctx, (size_t)S * U, sizeof *b->written),
                 .label = jd_alloc_array(ctx, (size_t)S * U, sizeof *b->label),
                 .hint = jd_alloc_array(ctx, (size_t)S * t->hints + 1, sizeof *b->hint),
                 .word = jd_alloc_array(ctx, t->longest, sizeof *b->word)};
    return jd_error(ctx);
}

static void sight_free(jd_ctx *ctx, sight *b)
{
    jd_free(ctx, b->seen);
    jd_free(ctx, b->written);
    jd_free(ctx, b->label);
    jd_free(ctx, b->hint);
    jd_free(ctx, b->word);
}

/* Samples first .. first + S - 1. */
static void sight_fill(const captions_task *t, uint64_t seed, const char *stream, uint64_t first, int variant, sight *b)
{
    const int64_t U = most_written(t), S = b->S;
    size_t longest = 0;
    for (int64_t i = 0; i < U * S; i++) {
        b->written[i] = SEQ2SEQ_END;
        b->label[i] = -1;
    }
    for (int64_t s = 0; s < S; s++) {
        const size_t n = t->make(seed, stream, first + (uint64_t)s, variant, b->seen + (size_t)s * numbers(t),
                                 b->hint + (size_t)s * t->hints, b->word);
        for (size_t u = 0; u <= n; u++) {
            b->written[(int64_t)u * S + s] = u ? b->word[u - 1] : SEQ2SEQ_START;
            b->label[(int64_t)u * S + s] = u < n ? b->word[u] : SEQ2SEQ_END;
        }
        longest = n > longest ? n : longest;
    }
    b->U = ((int64_t)longest + STEP) / STEP * STEP;
}

static jd_tensor seen_tensor(const captions_task *t, const sight *b)
{
    jd_tensor x = {"seen", {JD_F32, t->rank + 1, {b->S}}, b->seen};
    for (int i = 0; i < t->rank; i++) x.type.dim[i + 1] = t->dim[i];
    return x;
}

static int sight_inputs(const captions_task *t, const sight *b, jd_tensor *in)
{
    in[0] = seen_tensor(t, b);
    in[1] = JD_TENSOR("written", JD_I32, b->written, b->U, b->S);
    in[2] = JD_TENSOR("label", JD_I32, b->label, b->U, b->S);
    in[3] = JD_TENSOR("hint", JD_I32, b->hint, b->S, (int64_t)t->hints);
    return t->hints ? 4 : 3;
}

/* ---- the net ---------------------------------------------------------------------------------------------------------------*/

seq2seq_memory captions_once(jd_graph *g, const seq2seq_net *n, jd_node v)
{
    seq2seq_memory m = {0};
    const int64_t S = jd_dim(g, v, 0);
    const jd_node x = jd_dense(g, "see/as word", v, .units = n->embed);
    jd_scope_push(g, "writer"); /* the writer's own first layer */
    const jd_lstm_out y =
        jd_lstm_full(g, "lstm0", jd_reshape(g, x, JD_DIMS(1, S, n->embed)), (jd_lstm_options){.units = n->units});
    jd_scope_pop(g);
    m.h[0] = y.hT;
    m.c[0] = y.cT;
    return m;
}

/* Of the captions; *aside as of captions_net.read. */
static jd_node loss_of(jd_graph *g, const captions_net *n, jd_node *aside)
{
    const seq2seq_memory m = n->read(g, n, aside);
    return jd_softmax_xent(g, seq2seq_write(g, &n->net, &m, jd_arg(g, "written"), NULL), jd_arg(g, "label"));
}

static void train_step(jd_graph *g, void *user)
{
    const captions_net *n = user;
    jd_node aside = JD_NONE, loss = loss_of(g, n, n->aside > 0 ? &aside : NULL);
    jd_result(g, "loss", loss);
    if (aside.id) loss = jd_add(g, loss, jd_affine(g, aside, n->aside, 0));
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
}

static void measure(jd_graph *g, void *user)
{
    jd_result(g, "loss", loss_of(g, user, NULL));
}

static void seen_begin(jd_graph *g, void *user)
{
    const captions_net *n = user;
    const seq2seq_memory m = n->read(g, n, NULL);
    seq2seq_begin(g, &n->net, &m);
}

/* ---- training --------------------------------------------------------------------------------------------------------------*/

typedef struct work {
    jd_ctx *ctx;
    captions_net *n;
    const captions_plan *plan;
    sight batch, held;
} work;

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    work *w = user;
    (void)slot;
    sight_fill(w->n->task, w->plan->seed, w->plan->train, (uint64_t)(step * w->plan->batch), 0, &w->batch);
    return sight_inputs(w->n->task, &w->batch, in);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    work *w = user;
    const captions_task *t = w->n->task;
    jd_sequence *found = jd_alloc_array(w->ctx, HELD_OUT, sizeof *found);
    jd_tensor in[4];
    char name[64];
    double right = 0, loss = (double)NAN;
    sight_fill(t, w->plan->seed, w->plan->valid, 0, 0, &w->held);
    if (found && !jd_fn_run(w->n->measure, in, sight_inputs(t, &w->held, in)) &&
        !captions_answer(w->ctx, w->n, w->plan->seed, w->plan->valid, HELD_OUT, 1, 0, found)) {
        loss = jd_fn_scalar(w->n->measure, "loss");
        for (int i = 0; i < HELD_OUT; i++)
            right += 100. / HELD_OUT *
                     t->right(w->plan->seed, w->plan->valid, (uint64_t)i, found[i].symbols, found[i].count);
    }
    seq2seq_found_free(w->ctx, found, HELD_OUT);
    snprintf(name, sizeof name, "%s/held out loss", w->n->name);
    jd_run_log(r, step, name, loss);
    snprintf(name, sizeof name, "%s/held out right (%%)", w->n->name);
    jd_run_log(r, step, name, right);
    return loss;
}

jd_status captions_train(jd_run *r, captions_net *n, const captions_plan *p)
{
    jd_ctx *ctx = jd_run_ctx(r);
    work w = {.ctx = ctx, .n = n, .plan = p};
    n->params = jd_params_new(ctx, JD_F32);
    n->measure = jd_fn_new(ctx, n->params, measure, n);
    jd_fn_lenient(n->measure); /* batches hold hints, which nets without them pass over */
    n->writer = seq2seq_writer_new(ctx, &n->net, n->params, seen_begin, n);
    jd_train_result result = {0};
    const int64_t each = p->steps / 12;
    if (!sight_new(ctx, n->task, p->batch, &w.batch) && !sight_new(ctx, n->task, AT_ONCE, &w.held))
        jd_train(r, n->params,
                 &(jd_train_options){.what = n->name,
                                     .series = n->name,
                                     .trace = train_step,
                                     .trace_user = n,
                                     .user = &w,
                                     .steps = p->steps,
                                     .batch = next_batch,
                                     .lr = {.kind = JD_COSINE, .rate = p->rate, .end = p->rate / 50, .warmup = 50},
                                     .validate_every = each > 0 ? each : 1,
                                     .validate = validate,
                                     .items_per_step = p->batch},
                 &result);
    n->steps = result.steps;
    n->seconds = result.seconds;
    sight_free(ctx, &w.batch);
    sight_free(ctx, &w.held);
    return jd_error(ctx);
}

jd_status captions_answer(jd_ctx *ctx, captions_net *n, uint64_t seed, const char *stream, size_t count, size_t width,
                          int variant, jd_sequence *found)
{
    sight b = {0};
    if (sight_new(ctx, n->task, AT_ONCE, &b)) return jd_error(ctx);
    for (size_t at = 0; at < count && !jd_error(ctx); at += AT_ONCE) {
        b.S = (int64_t)(count - at < AT_ONCE ? count - at : AT_ONCE);
        sight_fill(n->task, seed, stream, at, variant, &b);
        const jd_tensor in = seen_tensor(n->task, &b);
        seq2seq_answer(n->writer, &in, 1,
                       &(seq2seq_ask){.inputs = (size_t)b.S, .width = width, .longest = n->task->longest}, found + at);
    }
    sight_free(ctx, &b);
    return jd_error(ctx);
}

void captions_free(captions_net *n)
{
    seq2seq_writer_free(n->writer);
    jd_fn_free(n->measure);
    jd_params_free(n->params);
    n->writer = NULL;
    n->measure = NULL;
    n->params = NULL;
}
