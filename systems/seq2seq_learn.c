/* seq2seq_learn.c - a net that learns from pairs, with what it is held against; see seq2seq.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "seq2seq.h"

enum { AT_ONCE = 64 };

static int next_batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    (void)slot;
    return seq2seq_feed_next(&((seq2seq_learner *)user)->feed, step, in);
}

static double validate(void *user, jd_run *r, int64_t step)
{
    seq2seq_learner *l = user;
    jd_ctx *ctx = jd_run_ctx(r);
    const double epoch = (double)step / (double)l->feed.per_epoch;
    double score = (double)NAN;
    char name[96];
    const double perplexity = seq2seq_perplexity(ctx, l->measure, l->valid, AT_ONCE);
    jd_sequence *found = jd_alloc_array(ctx, l->valid->n + 1, sizeof *found);
    const seq2seq_ask ask = {.width = 1, .longest = l->longest, .limit = l->limit};
    if (found && !seq2seq_answers(ctx, l->writer, l->valid, AT_ONCE, &ask, found)) {
        score = l->score(l->user, l->valid, found);
        snprintf(name, sizeof name, "%s/held out perplexity", l->name);
        jd_run_log(r, step, name, perplexity);
        snprintf(name, sizeof name, "%s/held out %s", l->name, l->score_name);
        jd_run_log(r, step, name, score);
        jd_run_note(r, "%s, epoch %.2f: perplexity %.3f, %s %.2f", l->name, epoch, perplexity, l->score_name, score);
    }
    seq2seq_found_free(ctx, found, l->valid->n);
    return score - 1e-3 * log(perplexity); /* of equals the likelier is better */
}

jd_status seq2seq_learn(seq2seq_learner *l)
{
    jd_ctx *ctx = jd_run_ctx(l->r);
    jd_train_result done = {0};
    if (seq2seq_feed_open(ctx, l->train, l->batch, l->seed, &l->feed)) return jd_error(ctx);
    l->feed.short_first = l->short_first;
    l->params = jd_params_new(ctx, JD_F32);
    l->measure = jd_fn_new(ctx, l->params, seq2seq_measure, &l->net);
    l->writer = seq2seq_writer_new(ctx, &l->net, l->params, NULL, NULL);
    if (jd_error(ctx)) return jd_error(ctx);
    const int64_t steps = (int64_t)fmax(1, ceil(l->epochs * (double)l->feed.per_epoch));
    const int64_t each = steps / (l->validations > 0 ? l->validations : 1);
    const jd_train_options o = {.what = l->name,
                                .series = l->name,
                                .trace = seq2seq_train,
                                .trace_user = &l->net,
                                .user = l,
                                .steps = steps,
                                .batch = next_batch,
                                .lr = {.kind = JD_COSINE, .rate = l->rate, .end = l->rate / 20},
                                .validate_every = each > 0 ? each : 1,
                                .validate = validate,
                                .higher = true,
                                .patience = l->patience,
                                .keep_best = true,
                                .items_per_step = (int64_t)l->batch};
    if (jd_train(l->r, l->params, &o, &done)) return jd_error(ctx);
    l->best = done.best;
    l->seconds = done.seconds;
    l->steps = done.steps;
    return jd_error(ctx);
}

void seq2seq_forget(seq2seq_learner *l)
{
    seq2seq_writer_free(l->writer);
    jd_fn_free(l->measure);
    jd_params_free(l->params);
    seq2seq_feed_close(&l->feed);
    l->writer = NULL;
    l->measure = NULL;
    l->params = NULL;
}

jd_status seq2seq_save(seq2seq_learner *l, size_t width, double power, const jd_metadata *about, size_t n)
{
    jd_run *r = l->r;
    jd_ctx *ctx = jd_run_ctx(r);
    const struct {
        const char *name;
        double value;
    } size[] = {{"source-words", (double)l->net.reads},
                {"target-words", (double)l->net.writes},
                {"embed", (double)l->net.embed},
                {"units", (double)l->net.units},
                {"layers", (double)l->net.layers},
                {"attend", (double)l->net.attend},
                {"project", (double)l->net.project},
                {"width", (double)width},
                {"power", power}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) jd_run_config_number(r, size[i].name, size[i].value);
    if (jd_run_save(r, l->params, l->steps, true)) return jd_error(ctx);
    char *config = jd_run_config_json(r);
    jd_metadata *all = jd_alloc_array(ctx, n + 1, sizeof *all);
    if (config && all) {
        all[0] = (jd_metadata){"jackdaw.config", config};
        memcpy(all + 1, about, n * sizeof *about);
        jd_params_save(ctx, l->params, jd_run_path(r, "model.safetensors"), all, n + 1);
    }
    jd_free(ctx, all);
    jd_free(ctx, config);
    return jd_error(ctx);
}

float *seq2seq_attention(seq2seq_learner *l, const seq2seq_pair *pair, int64_t *U, int64_t *T)
{
    jd_ctx *ctx = jd_run_ctx(l->r);
    const seq2seq_pairs one = {.n = 1, .pair = (seq2seq_pair *)pair};
    seq2seq_batch b = {0};
    jd_tensor in[4];
    float *a = NULL;
    *U = pair->target_n + 1;
    *T = pair->source_n;
    if (!l->net.attend || *T < 1) return NULL;
    if (!seq2seq_batch_fill(ctx, &one, &(uint32_t){0}, 1, &b) &&
        !jd_fn_run(l->measure, in, seq2seq_batch_inputs(&b, in)) &&
        (a = jd_alloc_array(ctx, (size_t)(*U * *T), sizeof *a)) != NULL) {
        const float *w = jd_fn_result(l->measure, "weights", NULL); /* (1,b.U,b.T) */
        for (int64_t u = 0; w && u < *U; u++) memcpy(a + u * *T, w + u * b.T, (size_t)*T * sizeof *a);
    }
    seq2seq_batch_free(ctx, &b);
    return a;
}
