/*
 * train.c - the training loop.
 *
 * Everything that decides the weights is a function of the seed and of the step, so a checkpoint needs only the weights,
 * the optimiser's state and the loop's own bookkeeping (jd_progress) for a resumed run to give the same bits.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "jackdaw/data.h"
#include "jackdaw/device.h"
#include "jackdaw/ranks.h"
#include "train/run.h"

typedef struct batch {
    int n;
    jd_tensor in[JD_MAX_INPUTS + 2]; /* room for lr and step */
} batch;

typedef struct loop {
    jd_run *r;
    jd_ctx *ctx;
    jd_params *p;
    const jd_train_options *o;
    jd_fn *fn;
    jd_progress at;
    char *checkpoint;
    jd_prefetch *prefetch;
    int64_t first; /* the first batch of this process, counting its own */
    int slots;
    int shards, local; /* batches of a step: of all ranks, and of this one */
    double *losses;    /* of a step's batches */
    int64_t log_every, checkpoint_every;
    double saved_at, told_at, loss;
    bool late, owed; /* on a device losses are read a step late; one has not been read yet */
    batch *batch;    /* of the last run, with all its inputs */
    int inputs;
    float lr32;
    double lr64;
    int32_t step32;
} loop;

/* The number, among the batches of all ranks, of this rank's batch i. */
static int64_t batch_number(const loop *l, int64_t i)
{
    return i / l->local * l->shards + jd_my_rank(l->ctx) * l->local + i % l->local;
}

static jd_status fill(void *user, int thread, uint64_t step, void *slot, char message[JD_PREFETCH_MESSAGE])
{
    const loop *l = user;
    batch *b = slot;
    (void)thread;
    const int slot_number = (int)((step - (uint64_t)l->first) % (uint64_t)l->slots);
    b->n = l->o->batch(l->o->user, batch_number(l, (int64_t)step), slot_number, b->in);
    if (b->n > 0 && b->n <= JD_MAX_INPUTS) return JD_OK;
    snprintf(message, JD_PREFETCH_MESSAGE, "the batch function returned %d inputs; 1..%d are possible", b->n,
             JD_MAX_INPUTS);
    return JD_EUSAGE;
}

static jd_status open_loader(loop *l)
{
    l->first = l->at.step * l->local;
    l->slots = l->o->loaders > 0 ? (l->o->slots > 1 ? l->o->slots : l->o->slots == 1 ? 2 : l->o->loaders + 2) : 1;
    l->prefetch =
        jd_prefetch_new(l->ctx, &(jd_prefetch_options){.fill = fill,
                                                       .user = l,
                                                       .threads = l->o->loaders,
                                                       .slots = l->slots,
                                                       .slot_bytes = sizeof(batch),
                                                       .first = (uint64_t)l->first,
                                                       .count = (uint64_t)(l->o->steps * l->local - l->first)});
    return jd_error(l->ctx);
}

static bool has_input(const batch *b, const char *name)
{
    for (int i = 0; i < b->n; i++)
        if (!strcmp(b->in[i].name, name)) return true;
    return false;
}

static jd_status diverged(loop *l, int64_t step)
{
    /* Where did it begin?  The plan's own inputs are those of this step, or on a device of the next one. */
    jd_plan *plan = jd_fn_plan(l->fn, l->batch->in, l->inputs);
    char found[512] = "";
    if (plan && jd_plan_check_finite(plan)) snprintf(found, sizeof found, "%s", jd_error_message(l->ctx));
    jd_error_clear(l->ctx);
    return jd_fail(l->ctx, JD_EDIVERGED,
                   "%s: step %lld: the loss is %g%s%s; lower the learning rate (%g), or clip the "
                   "gradient",
                   l->o->what, (long long)step, l->loss, *found ? "; it begins here: " : "", found, l->lr64);
}

static jd_status count_loss(loop *l, double loss, int64_t step)
{
    l->loss = loss;
    if (jd_error(l->ctx)) return jd_error(l->ctx);
    if (!isfinite(loss)) return diverged(l, step);
    l->at.loss_sum += loss;
    l->at.loss_n++;
    return JD_OK;
}

/* The loss of a step that the device may still be at work on. */
static jd_status read_owed(loop *l)
{
    if (!l->owed) return JD_OK;
    l->owed = false;
    return count_loss(l, jd_fn_scalar(l->fn, "loss"), l->at.step);
}

/* One step: batch, learning rate, forward, backward; with the last of this rank's batches also the update. */
static jd_status one_step(loop *l)
{
    const bool f64 = jd_params_dtype(l->p) == JD_F64;
    l->lr64 = jd_schedule_at(&l->o->lr, l->at.step, l->o->steps);
    l->lr32 = (float)l->lr64;
    for (int k = 0; k < l->local; k++) {
        batch *b = l->batch = jd_prefetch_next(l->prefetch);
        if (!b)
            return jd_error(l->ctx) ? jd_error(l->ctx) : jd_fail(l->ctx, JD_EINTERNAL, "jd_train: no batch is left");
        const int64_t number = batch_number(l, l->at.step * l->local + k);
        l->step32 = (int32_t)number;
        int n = b->n;
        if (!has_input(b, "lr"))
            b->in[n++] = (jd_tensor){"lr", {f64 ? JD_F64 : JD_F32, 0, {0}}, f64 ? (void *)&l->lr64 : (void *)&l->lr32};
        if (!has_input(b, "step")) b->in[n++] = JD_SCALAR_I32("step", &l->step32);
        l->inputs = n;
        if (jd_fn_run(l->fn, b->in, n)) return jd_error(l->ctx);
        if (!l->late) l->losses[number % l->shards] = jd_fn_scalar(l->fn, "loss");
    }
    if (l->late) { /* while the device is at work on this step, the loss of the one before */
        const bool owed = l->owed;
        l->owed = true;
        return owed ? count_loss(l, jd_fn_scalar_before(l->fn, "loss"), l->at.step) : JD_OK;
    }
    if (jd_ranks_gather(l->ctx, l->losses, (size_t)l->shards, sizeof *l->losses)) return jd_error(l->ctx);
    double loss = 0;
    for (int k = 0; k < l->shards; k++) loss += l->losses[k] / l->shards;
    return count_loss(l, loss, l->at.step + 1);
}

static void log_as(loop *l, const char *leaf, double value)
{
    char name[96];
    snprintf(name, sizeof name, "%s/%s", l->o->series, leaf);
    jd_run_log(l->r, l->at.step, name, value);
}

static jd_status log_loss(loop *l, bool last)
{
    if (l->at.step % l->log_every && !last) return JD_OK;
    if (read_owed(l)) return jd_error(l->ctx);
    log_as(l, "loss", l->at.loss_sum / (double)l->at.loss_n);
    if (l->o->lr.kind != JD_CONSTANT || l->o->lr.warmup > 0) log_as(l, "lr", l->lr64);
    l->at.loss_sum = 0;
    l->at.loss_n = 0;
    return JD_OK;
}

static jd_status save(loop *l)
{
    l->saved_at = jd_now();
    if (read_owed(l)) return jd_error(l->ctx);
    return jd__checkpoint_write(l->r, l->checkpoint, l->p, &l->at);
}

static bool stopping(const loop *l)
{
    return jd__run_stopping(l->r);
}

static jd_status keep(loop *l)
{
    const size_t count = jd_params_count(l->p), size = jd_dtype_size(jd_params_dtype(l->p));
    if (!l->at.best_weights) l->at.best_weights = jd_alloc_array(l->ctx, count, size);
    if (!l->at.best_weights) return jd_error(l->ctx);
    l->at.best_count = count;
    memcpy(l->at.best_weights, jd_params_data(l->p), count * size);
    return JD_OK;
}

/* Validation is due and not in yet. */
static bool must_validate(const loop *l)
{
    const jd_train_options *o = l->o;
    if (!o->validate || o->validate_every <= 0 || l->at.step == 0 || l->at.validated == l->at.step) return false;
    return l->at.step % o->validate_every == 0 || l->at.step == o->steps;
}

static jd_status validate(loop *l)
{
    const jd_train_options *o = l->o;
    const size_t rows = l->r->log.rows;
    if (read_owed(l)) return jd_error(l->ctx);
    const double score = o->validate(o->user, l->r, l->at.step);
    if (jd_error(l->ctx)) return jd_error(l->ctx);
    if (jd_ranks_gather(l->ctx, NULL, 0, 0)) return jd_error(l->ctx); /* all ranks stop here, or none */
    if (stopping(l)) { /* it may have been cut short: the resumed run does it again */
        const size_t all = l->r->log.rows;
        l->r->log.rows = rows;
        save(l);
        l->r->log.rows = all;
        return jd_run_stopped(l->r);
    }
    l->at.validated = l->at.step;
    const bool better = isfinite(score) && (!l->at.has_best || (o->higher ? score > l->at.best : score < l->at.best));
    l->at.since_best++;
    if (better) {
        l->at.best = score;
        l->at.best_step = l->at.step;
        l->at.since_best = 0;
        l->at.has_best = true;
        if (o->keep_best && keep(l)) return jd_error(l->ctx);
    }
    l->at.reached = o->has_stop_at && isfinite(score) && (o->higher ? score >= o->stop_at : score <= o->stop_at);
    if (l->at.reached || (o->patience > 0 && l->at.since_best >= o->patience)) l->at.done = true;
    return JD_OK;
}

static void tell(loop *l, bool now)
{
    const double t = jd_now();
    if (!now && t - l->told_at < 0.05) return;
    const double items = l->o->items_per_step > 0 ? (double)l->o->items_per_step : 1;
    const double done = (double)l->at.step * items, total = (double)l->o->steps * items;
    l->told_at = t;
    const double grain = l->o->score_grain;
    if (l->at.has_best)
        jd_run_progress(l->r, done, total, "loss %.4g, best %s %.4g", l->loss, l->o->score ? l->o->score : "score",
                        grain > 0 ? grain * round(l->at.best / grain) : l->at.best);
    else
        jd_run_progress(l->r, done, total, "loss %.4g", l->loss);
}

static bool save_is_due(const loop *l)
{
    if (l->checkpoint_every > 0) return l->at.step % l->checkpoint_every == 0;
    return jd_now() - l->saved_at >= 30;
}

static jd_status run_loop(loop *l)
{
    if (must_validate(l) && validate(l)) return jd_error(l->ctx);
    while (l->at.step < l->o->steps && !l->at.done) {
        if (stopping(l)) return save(l) ? jd_error(l->ctx) : jd_run_stopped(l->r);
        if (one_step(l)) return jd_error(l->ctx);
        l->at.step++;
        if (log_loss(l, l->at.step == l->o->steps)) return jd_error(l->ctx);
        if (must_validate(l) && validate(l)) return jd_error(l->ctx);
        tell(l, l->at.step == l->o->steps || l->at.done);
        if (jd_error(l->ctx) || (!l->at.done && l->at.step < l->o->steps && save_is_due(l) && save(l)))
            return jd_error(l->ctx);
    }
    if (l->o->keep_best && l->at.best_weights)
        memcpy(jd_params_data(l->p), l->at.best_weights, l->at.best_count * jd_dtype_size(jd_params_dtype(l->p)));
    jd_free(l->ctx, l->at.best_weights);
    l->at.best_weights = NULL;
    l->at.done = true;
    return save(l);
}

static jd_status check(jd_run *r, const jd_train_options *o)
{
    if (!o->trace || !o->batch || o->steps < 1 || o->steps > INT32_MAX)
        return jd_fail(r->ctx, JD_EUSAGE, "jd_train: needs .trace, .batch and .steps of 1..2147483647");
    if (o->loaders < 0 || o->slots < 0)
        return jd_fail(r->ctx, JD_EUSAGE, "jd_train: .loaders and .slots must not be negative");
    if ((o->patience > 0 || o->keep_best || o->has_stop_at) && (!o->validate || o->validate_every <= 0))
        return jd_fail(r->ctx, JD_EUSAGE,
                       "jd_train: .patience, .keep_best and .stop_at need .validate and .validate_every");
    return JD_OK;
}

/* As many batches in all: a step takes one for each shard. */
static void in_shards(jd_train_options *o, int shards)
{
    int64_t *const count[] = {&o->steps,     &o->validate_every, &o->log_every, &o->checkpoint_every,
                              &o->lr.period, &o->lr.warmup};
    for (size_t i = 0; i < sizeof count / sizeof *count; i++)
        if (*count[i] > 0) *count[i] = (*count[i] + shards - 1) / shards;
    o->items_per_step = (o->items_per_step > 0 ? o->items_per_step : 1) * shards;
}

jd_status jd_train(jd_run *r, jd_params *p, const jd_train_options *options, jd_train_result *res)
{
    if (!r) return JD_EUSAGE;
    if (res) *res = (jd_train_result){.best = (double)NAN};
    if (jd_error(r->ctx) || check(r, options)) return jd_error(r->ctx);
    jd_train_options o = *options;
    const int shards = jd_shards(r->ctx);
    in_shards(&o, shards);
    if (!o.what) o.what = "training";
    if (!o.series) o.series = "train";
    const double start = jd_now();
    loop l = {.r = r, .ctx = r->ctx, .p = p, .o = &o, .saved_at = start, .at.best = (double)NAN};
    l.shards = shards;
    l.local = shards / jd_ranks(r->ctx);
    l.late = shards == 1 && jd_params_dtype(p) == JD_F32 && strcmp(jd_ctx_device(r->ctx), "cpu") != 0;
    l.losses = jd_alloc_array(r->ctx, (size_t)shards, sizeof *l.losses);
    l.at.first_row = r->log.rows;
    l.log_every = o.log_every > 0 ? o.log_every : o.steps > 200 ? o.steps / 200 : 1;
    l.checkpoint_every = r->o.checkpoint_every > 0 ? r->o.checkpoint_every : o.checkpoint_every;
    l.checkpoint = jd_asprintf(r->ctx, "%s/checkpoints/train-%d.safetensors", r->home, ++r->trainings);
    jd_run_stage(r, "%s", o.what);
    if (l.checkpoint && r->o.resume && jd__checkpoint_read(r, l.checkpoint, p, &l.at))
        jd_run_note(r, "%s: goes on after step %lld of %lld", o.what, (long long)l.at.step, (long long)o.steps);
    if (!jd_error(r->ctx) && !l.at.done) {
        l.fn = jd_fn_new(r->ctx, p, o.trace, o.trace_user ? o.trace_user : o.user);
        jd_fn_lenient(l.fn); /* batches may hold more than the step needs, which may have a rate of its own too */
        if (!jd_error(r->ctx) && (l.at.step >= o.steps || !open_loader(&l))) run_loop(&l);
    }
    jd_prefetch_free(l.prefetch);
    jd_fn_free(l.fn);
    jd_free(r->ctx, l.checkpoint);
    jd_free(r->ctx, l.losses);
    jd_free(r->ctx, l.at.best_weights);
    if (res)
        *res = (jd_train_result){.steps = l.at.step,
                                 .best = l.at.best,
                                 .best_step = l.at.best_step,
                                 .seconds = jd_now() - start,
                                 .reached = l.at.reached};
    return jd_error(r->ctx);
}
