/*
 * protein_homology.c - is a protein a member of a superfamily?  (Hochreiter, Heusel, Obermayer 2007)
 *
 * An LSTM reads the chain once, from its first residue to its last, and then says yes or no: no alignment, so a genome
 * takes seconds.  The superfamilies here are generated: three motifs in a certain order and at certain distances, which a family
 * keeps but for some columns.  Decoys have the same motifs in another order; only memory of what stood where can tell them
 * apart.  So its cells begin as a shift register, whose contents letters add to on their way.
 */
#include "homology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model ---------------------------------------------------------------------------------------------------------*/

/* Adam moves every weight by steps of like size.  What a residue adds to a cell may move faster; what a hundred steps multiply,
 * the recurrent weights and the gates, must move slowly: the weights in use are the parameters times these factors. */
static const double ADDS = 5, GATES = 0.1, RECURS = 0.01;

static jd_node input_weights(jd_graph *g, const homology_lab *l)
{
    return jd_param(g, "lstm/W", (jd_init){0}, JD_DIMS(4 * l->units, JD_RESIDUE_COUNT * (2 * l->window + 1)));
}

/* An LSTM whose first weights (`begin`) make its cells a shift register. */
static jd_lstm_out remember(jd_graph *g, const homology_lab *l, jd_node x, jd_node length)
{
    const int64_t H = l->units;
    const jd_node W = input_weights(g, l);
    const jd_node R = jd_param(g, "lstm/R", (jd_init){0}, JD_DIMS(4 * H, H));
    const jd_init shifts = {.kind = JD_INIT_LSTM_BIAS, .scale = -l->open, .in_gate = l->open, .out_gate = l->open};
    const jd_node b = jd_param(g, "lstm/b", shifts, JD_DIMS(4 * H));
    const jd_node part[] = {jd_affine(g, jd_slice(g, W, 0, 0, 2 * H), GATES, 0), /* gates in the order i f z o */
                            jd_affine(g, jd_slice(g, W, 0, 2 * H, H), ADDS, 0),
                            jd_affine(g, jd_slice(g, W, 0, 3 * H, H), GATES, 0)};
    return jd_lstm_raw(g, (jd_lstm_args){.x = x,
                                         .length = length,
                                         .W = jd_concat(g, part, 3, 0),
                                         .R = jd_affine(g, R, RECURS, 0),
                                         .b = b,
                                         .in_squash = JD_SQUASH_LINEAR,
                                         .out_squash = JD_SQUASH_LINEAR});
}

/* The logit (B); `each`, if not NULL, becomes what would be said after every residue (T,B). */
static jd_node say(jd_graph *g, const homology_lab *l, jd_node *each, jd_node *cells)
{
    const jd_node length = jd_arg(g, "length"), residue = jd_arg(g, "residue");
    const int64_t T = jd_dim(g, residue, 0), B = jd_dim(g, residue, 1);
    jd_node x = jd_onehot(g, residue, JD_RESIDUE_COUNT); /* (T,B,21) */
    x = jd_time_window(g, jd_dropout(g, "input", x, l->dropout), l->window, JD_NONE);
    const jd_lstm_out o = remember(g, l, x, length);
    const jd_node y = jd_affine(g, o.y, RECURS, 0), last = jd_affine(g, o.hT, RECURS, 0);
    const jd_node said = jd_reshape(g, jd_dense(g, "out", y, .units = 1), JD_DIMS(T, B)); /* after every residue */
    if (cells) *cells = o.cells;
    if (each) *each = said;
    if (l->answer == HOMOLOGY_LAST) return jd_reshape(g, jd_dense(g, "out", last, .units = 1), JD_DIMS(B));
    const jd_node mask = jd_time_mask(g, length, T);
    if (l->answer == HOMOLOGY_MEAN) {
        const jd_node sum = jd_sum(g, jd_mul(g, said, mask), JD_AXIS(0), false);
        return jd_div(g, sum, jd_real_of(g, length));
    }
    const jd_node inside = jd_add(g, said, jd_affine(g, mask, 1e4, -1e4)); /* past the end nothing is the largest */
    const jd_node largest = jd_reshape(g, jd_amax(g, jd_transpose(g, inside, (const int[]){1, 0})), JD_DIMS(B));
    if (l->answer == HOMOLOGY_LARGEST) return largest;
    const jd_node top = jd_stop(g, largest); /* log mean exp, the evidence of one place among all */
    const jd_node odds = jd_sum(g, jd_exp(g, jd_sub(g, inside, top)), JD_AXIS(0), false);
    return jd_add(g, top, jd_log(g, jd_div(g, odds, jd_real_of(g, length))));
}

static void train_step(jd_graph *g, void *user)
{
    const homology_task *t = user;
    jd_scope_push(g, t->scope);
    const jd_node y = jd_real_of(g, jd_arg(g, "label")), logit = say(g, t->lab, NULL, NULL);
    const jd_node each = jd_mul(g, jd_sigmoid_xent_each(g, logit, y), jd_affine(g, y, t->weight - 1, 1));
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false), W = input_weights(g, t->lab);
    const jd_node size = jd_sum(g, jd_mul(g, W, W), JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_update_adam(g, jd_add(g, loss, jd_affine(g, size, t->lab->decay, 0)), jd_arg(g, "lr"), .clip = t->lab->clip);
    jd_scope_pop(g);
}

static void look(jd_graph *g, void *user)
{
    const homology_task *t = user;
    jd_node each, cells;
    const bool one = jd_dim(g, jd_arg(g, "length"), 0) == 1; /* to be looked at */
    jd_scope_push(g, t->scope);
    jd_result(g, "logit", say(g, t->lab, one ? &each : NULL, one ? &cells : NULL));
    if (one) jd_result(g, "each", each);
    if (one) jd_result(g, "cells", cells);
    jd_scope_pop(g);
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    (void)slot;
    const protein_batch *b = protein_feed_next(&((homology_task *)user)->feed, step);
    return b ? protein_batch_inputs(b, false, true, in) : 0;
}

/* ---- one superfamily ----------------------------------------------------------------------------------------------------*/

static jd_status gather(homology_task *t)
{
    jd_ctx *ctx = t->lab->ctx;
    const homology_data *d = &t->lab->data;
    const uint8_t *role = d->role + t->number * d->n;
    t->train = (protein_bag){.ctx = ctx, .chain = jd_alloc_array(ctx, d->n, sizeof *t->train.chain)};
    t->test = (protein_bag){.ctx = ctx, .chain = jd_alloc_array(ctx, d->n, sizeof *t->test.chain)};
    t->train.label = t->label = jd_alloc_array(ctx, d->n, sizeof *t->label);
    t->index = jd_alloc_array(ctx, d->n, sizeof *t->index);
    t->yes = jd_alloc_array(ctx, d->n, sizeof *t->yes);
    t->score = jd_alloc_array(ctx, d->n, sizeof *t->score);
    size_t yes = 0, tested = 0;
    for (size_t i = 0; !jd_error(ctx) && i < d->n; i++) {
        if (role[i] == HOMOLOGY_TRAIN_YES || role[i] == HOMOLOGY_TRAIN_NO) {
            t->label[t->train.n] = role[i] == HOMOLOGY_TRAIN_YES;
            yes += role[i] == HOMOLOGY_TRAIN_YES;
            t->train.chain[t->train.n++] = &d->chain[i];
        } else if (role[i] != HOMOLOGY_NONE) {
            t->yes[t->test.n] = role[i] == HOMOLOGY_TEST_YES;
            tested += role[i] == HOMOLOGY_TEST_YES;
            t->index[t->test.n] = (uint32_t)i;
            t->test.chain[t->test.n++] = &d->chain[i];
        }
    }
    if (!jd_error(ctx) && (!yes || yes == t->train.n || !tested || tested == t->test.n))
        jd_fail(ctx, JD_EDATA, "protein-homology: task %s has %zu positive of %zu training chains, %zu of %zu to test",
                d->name[t->number], yes, t->train.n, tested, t->test.n);
    t->weight = yes ? fmin(50, (double)(t->train.n - yes) / (double)yes) : 1;
    return jd_error(ctx);
}

/* The logit of each chain. */
static jd_status score_all(homology_task *t, const protein_bag *bag, double *score)
{
    jd_ctx *ctx = t->lab->ctx;
    jd_batches all = {0};
    protein_batch b = {0};
    protein_all(bag, 64, &all);
    for (size_t k = 0; k < all.count && !jd_error(ctx); k++) {
        const uint32_t *index = all.index + all.offset[k];
        const size_t n = all.offset[k + 1] - all.offset[k];
        jd_tensor in[5];
        if (protein_batch_fill(bag, index, n, &b) || jd_fn_run(t->look, in, protein_batch_inputs(&b, false, false, in)))
            break;
        const float *logit = jd_fn_result(t->look, "logit", NULL);
        for (size_t i = 0; logit && i < n; i++) score[index[i]] = (double)logit[i];
    }
    jd_batches_free(ctx, &all);
    protein_batch_free(ctx, &b);
    return jd_error(ctx);
}

/* How well the chains that were trained on, or some 2000 of them from all families, are told apart. */
static jd_status score_seen(homology_task *t)
{
    enum { MOST = 2000 };
    jd_ctx *ctx = t->lab->ctx;
    const size_t skip = (t->train.n + MOST - 1) / MOST, n = (t->train.n + skip - 1) / skip;
    protein_bag some = {.ctx = ctx, .n = n, .chain = jd_alloc_array(ctx, n, sizeof *some.chain)};
    double *score = jd_alloc_array(ctx, n, sizeof *score);
    bool *yes = jd_alloc_array(ctx, n, sizeof *yes);
    for (size_t i = 0; !jd_error(ctx) && i < n; i++) {
        some.chain[i] = t->train.chain[i * skip];
        yes[i] = t->label[i * skip] > 0;
    }
    if (!jd_error(ctx) && !score_all(t, &some, score)) t->seen_roc = homology_roc(score, yes, n);
    jd_free(ctx, some.chain);
    jd_free(ctx, score);
    jd_free(ctx, yes);
    return jd_error(ctx);
}

/* The positives against the decoys alone. */
static double against_decoys(const homology_task *t, const double *score)
{
    const homology_data *d = &t->lab->data;
    jd_ctx *ctx = t->lab->ctx;
    double *s = jd_alloc_array(ctx, t->test.n, sizeof *s), roc = (double)NAN;
    bool *yes = jd_alloc_array(ctx, t->test.n, sizeof *yes);
    size_t n = 0;
    for (size_t i = 0; s && yes && d->decoy && i < t->test.n; i++)
        if (t->yes[i] || d->decoy[t->index[i]]) {
            s[n] = score[i];
            yes[n++] = t->yes[i];
        }
    if (n) roc = homology_roc(s, yes, n);
    jd_free(ctx, s);
    jd_free(ctx, yes);
    return roc;
}

/* ---- the control: logistic regression on how well each motif matches anywhere ----------------------------------------------*/

typedef struct bag {
    int64_t features;
    double weight;
} bag;

static void bag_step(jd_graph *g, void *user)
{
    const bag *b = user;
    const jd_node y = jd_real_of(g, jd_arg(g, "label")), x = jd_arg(g, "x");
    const jd_node logit = jd_reshape(g, jd_dense(g, "bag", x, .units = 1), JD_DIMS(jd_dim(g, x, 0)));
    const jd_node each = jd_mul(g, jd_sigmoid_xent_each(g, logit, y), jd_affine(g, y, b->weight - 1, 1));
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    jd_update_adam(g, loss, jd_arg(g, "lr"), .weight_decay = 1e-3);
}

/* Features of the chains with the given roles, and whether they are positive; returns how many. */
static size_t features(const homology_task *t, int yes, int no, float *x, int32_t *label)
{
    const homology_data *d = &t->lab->data;
    const size_t W = HOMOLOGY_MOTIFS * d->tasks;
    const uint8_t *role = d->role + t->number * d->n;
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (role[i] != yes && role[i] != no) continue;
        memcpy(x + n * W, d->bag + i * W, W * sizeof *x);
        label[n++] = role[i] == yes;
    }
    return n;
}

static void normalise(float *train, size_t n, float *test, size_t m, size_t W)
{
    for (size_t k = 0; k < W; k++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++) sum += (double)train[i * W + k];
        const double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) squares += pow((double)train[i * W + k] - mean, 2);
        const double scale = squares > 0 ? sqrt((double)n / squares) : 1;
        for (size_t i = 0; i < n; i++) train[i * W + k] = (float)(((double)train[i * W + k] - mean) * scale);
        for (size_t i = 0; i < m; i++) test[i * W + k] = (float)(((double)test[i * W + k] - mean) * scale);
    }
}

static jd_status control(homology_task *t)
{
    jd_ctx *ctx = t->lab->ctx;
    const homology_data *d = &t->lab->data;
    const size_t W = HOMOLOGY_MOTIFS * d->tasks;
    bag b = {.features = (int64_t)W, .weight = t->weight};
    float *x = jd_alloc_array(ctx, d->n, W * sizeof *x), *test = jd_alloc_array(ctx, d->n, W * sizeof *test);
    int32_t *label = jd_alloc_array(ctx, 2 * d->n, sizeof *label);
    double *score = jd_alloc_array(ctx, t->test.n, sizeof *score);
    jd_params *p = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, p, bag_step, &b);
    if (!jd_error(ctx)) {
        const size_t n = features(t, HOMOLOGY_TRAIN_YES, HOMOLOGY_TRAIN_NO, x, label);
        const size_t m = features(t, HOMOLOGY_TEST_YES, HOMOLOGY_TEST_NO, test, label + d->n);
        normalise(x, n, test, m, W);
        for (int step = 0; step < 400 && !jd_error(ctx); step++) { /* all chains at once; a convex problem */
            const float lr = step < 300 ? 0.05f : 0.01f;
            const jd_tensor in[] = {JD_TENSOR("x", JD_F32, x, (int64_t)n, (int64_t)W),
                                    JD_TENSOR("label", JD_I32, label, (int64_t)n), JD_SCALAR_F32("lr", &lr)};
            jd_fn_run(f, in, 3);
        }
        const float *w = jd_params_get(p, "bag/W");
        for (size_t i = 0; w && i < m; i++)
            for (size_t k = 0; k < W; k++) score[i] += (double)w[k] * (double)test[i * W + k];
        t->bag_roc = homology_roc(score, t->yes, t->test.n);
        t->bag_roc50 = homology_roc_n(ctx, score, t->yes, t->test.n, 50);
        t->decoys_bag = against_decoys(t, score);
    }
    jd_fn_free(f);
    jd_params_free(p);
    jd_free(ctx, x);
    jd_free(ctx, test);
    jd_free(ctx, label);
    jd_free(ctx, score);
    return jd_error(ctx);
}

/* ROC of who knows `odds`, and with `gaps` the distances; the scores stay in `score`. */
static double roc_of_knowing(const homology_task *t, const float *odds, bool gaps, double *score)
{
    const double decoys = jd_run_setting(t->lab->r, "decoys");
    for (size_t i = 0; i < t->test.n; i++)
        score[i] = homology_known(&t->lab->data, odds, gaps, t->number, t->index[i], decoys);
    return homology_roc(score, t->yes, t->test.n);
}

/* The most that can be hoped for. */
static jd_status ceiling(homology_task *t)
{
    jd_ctx *ctx = t->lab->ctx;
    const homology_data *d = &t->lab->data;
    double *score = jd_alloc_array(ctx, t->test.n, sizeof *score);
    if (!score) return jd_error(ctx);
    t->known = roc_of_knowing(t, d->odds, true, score);
    t->known50 = homology_roc_n(ctx, score, t->yes, t->test.n, 50);
    t->shown = roc_of_knowing(t, d->shown, true, score);
    t->blurred = roc_of_knowing(t, d->shown, false, score);
    jd_free(ctx, score);
    return jd_error(ctx);
}

static jd_status set(homology_task *t, const char *name, int64_t rows, int64_t columns, const float *value)
{
    const jd_type type = {.dtype = JD_F32, .rank = 2, .dim = {rows, columns}};
    char whole[64];
    snprintf(whole, sizeof whole, "%s/%s", t->scope, name);
    return jd_params_set(t->params, whole, &type, value);
}

/* The first weights.  Gates of input and output are open and those of memory shut, so a cell holds what its one recurrent
 * weight brings: what the cell before it held one residue ago, as much as was lost at the gates made up for.  Only the last cell
 * is listened to; what a residue adds anywhere arrives there after as many steps as there are cells on the way.  So the
 * distances between motifs need not be found as a rhythm: they are differences of places, and the weights of a motif's letters
 * only have to grow at the right ones. */
static jd_status begin(homology_task *t)
{
    const homology_lab *l = t->lab;
    jd_ctx *ctx = l->ctx;
    const int64_t H = l->units, N = JD_RESIDUE_COUNT * (2 * l->window + 1);
    const double open = 1 / (1 + exp(-l->open));
    float *R = jd_alloc_array(ctx, (size_t)(4 * H * H), sizeof *R),
          *W = jd_alloc_array(ctx, (size_t)(4 * H * N), sizeof *W);
    float *out = jd_alloc_array(ctx, (size_t)H, sizeof *out);
    jd_rng rng = jd_rng_new(jd_run_seed(l->r), "homology/begin", t->number);
    if (!jd_error(ctx)) {
        for (int64_t k = 1; k < H; k++) R[(2 * H + k) * H + k - 1] = (float)(1 / (open * open * RECURS));
        for (int64_t i = 2 * H * N; i < 3 * H * N; i++) W[i] = (float)(0.01 / ADDS * jd_rng_normal(&rng));
        out[H - 1] = (float)(1 / RECURS);
        if (!set(t, "lstm/R", 4 * H, H, R) && !set(t, "lstm/W", 4 * H, N, W)) set(t, "out/W", 1, H, out);
    }
    jd_free(ctx, R);
    jd_free(ctx, W);
    jd_free(ctx, out);
    return jd_error(ctx);
}

static jd_status learn(homology_task *t)
{
    homology_lab *l = t->lab;
    jd_run *r = l->r;
    const double rate = jd_run_setting(r, "rate");
    char what[80];
    if (gather(t)) return jd_error(l->ctx);
    snprintf(what, sizeof what, "%s %s", l->kind, l->data.name[t->number]);
    t->params = jd_params_new(l->ctx, JD_F32);
    if (jd_error(l->ctx) || begin(t)) return jd_error(l->ctx);
    t->look = jd_fn_new(l->ctx, t->params, look, t);
    if (protein_feed_open(&t->train, jd_run_seed(r) + t->number, (size_t)jd_run_setting(r, "batch"), &t->feed))
        return jd_error(l->ctx);
    const jd_train_options o = {
        .what = what,
        .series = t->scope,
        .trace = train_step,
        .user = t,
        .steps = (int64_t)(jd_run_setting(r, "epochs") * (double)t->feed.per_epoch),
        .batch = batch,
        .lr = {.kind = JD_COSINE, .rate = rate, .end = rate / 20, .warmup = 20},
        .items_per_step = (int64_t)t->feed.batch,
    };
    if (jd_train(r, t->params, &o, NULL) || score_all(t, &t->test, t->score) || score_seen(t)) return jd_error(l->ctx);
    t->roc = homology_roc(t->score, t->yes, t->test.n);
    t->roc50 = homology_roc_n(l->ctx, t->score, t->yes, t->test.n, 50);
    t->decoys_roc = against_decoys(t, t->score);
    t->bag_roc = t->bag_roc50 = t->decoys_bag = t->known = t->known50 = t->shown = t->blurred = (double)NAN;
    if (l->data.bag && (control(t) || ceiling(t))) return jd_error(l->ctx);
    jd_run_note(
        r,
        "%s %s: ROC %.3f (families seen %.3f), ROC50 %.3f, decoys alone %.3f; bag %.3f, %.3f, %.3f; ceiling %.3f, "
        "%.3f; four families known %.3f, %.3f",
        l->kind, l->data.name[t->number], t->roc, t->seen_roc, t->roc50, t->decoys_roc, t->bag_roc, t->bag_roc50,
        t->decoys_bag, t->known, t->known50, t->shown, t->blurred);
    return jd_error(l->ctx);
}

/* ---- speed ------------------------------------------------------------------------------------------------------------------*/

/* Random chains of 350 residues, as many as a run of a few seconds takes; what a genome of 20,000 proteins would take. */
static jd_status time_genome(homology_lab *l)
{
    enum { LENGTH = 350, CHAINS = 64 };
    jd_ctx *ctx = l->ctx;
    int32_t *residue = jd_alloc_array(ctx, LENGTH * CHAINS, sizeof *residue), length[CHAINS];
    jd_rng rng = jd_rng_new(jd_run_seed(l->r), "homology/genome", 0);
    for (int i = 0; residue && i < LENGTH * CHAINS; i++) residue[i] = (int32_t)jd_rng_below(&rng, 20);
    for (int i = 0; i < CHAINS; i++) length[i] = LENGTH;
    if (!jd_error(ctx)) {
        const jd_tensor in[] = {JD_TENSOR("residue", JD_I32, residue, LENGTH, CHAINS),
                                JD_TENSOR("length", JD_I32, length, CHAINS)};
        jd_fn_run(l->task[0].look, in, 2); /* traces */
        const double begin = jd_now(), enough = jd_run_setting(l->r, "speed_seconds");
        double residues = 0;
        while (!jd_error(ctx) && jd_now() - begin < enough) {
            jd_fn_run(l->task[0].look, in, 2);
            residues += LENGTH * CHAINS;
        }
        l->residues_per_second = residues / (jd_now() - begin);
        l->genome_seconds = 7e6 / l->residues_per_second;
        jd_run_note(
            l->r, "%.0f residues a second with %d thread%s: a genome of 7 million residues takes %.1f s a class",
            l->residues_per_second, jd_ctx_threads(ctx), jd_ctx_threads(ctx) == 1 ? "" : "s", l->genome_seconds);
    }
    jd_free(ctx, residue);
    return jd_error(ctx);
}

/* ---- the report ---------------------------------------------------------------------------------------------------------------*/

typedef struct means {
    double roc, roc50, worst, seen, decoys, bag_roc, bag_roc50, known, known50, shown, blurred;
} means;

static means mean_of(const homology_lab *l)
{
    means m = {.worst = 1};
    for (size_t i = 0; i < l->tasks; i++) {
        const homology_task *t = &l->task[i];
        const double n = (double)l->tasks;
        m.roc += t->roc / n;
        m.roc50 += t->roc50 / n;
        m.bag_roc += t->bag_roc / n;
        m.bag_roc50 += t->bag_roc50 / n;
        m.decoys += t->decoys_roc / n;
        m.seen += t->seen_roc / n;
        m.known += t->known / n;
        m.known50 += t->known50 / n;
        m.shown += t->shown / n;
        m.blurred += t->blurred / n;
        m.worst = fmin(m.worst, t->roc);
    }
    jd_run_note(
        l->r,
        "%s, mean of %zu: ROC %.4f (families seen %.4f), ROC50 %.3f; decoys alone %.3f; bag of motifs: ROC %.4f, ROC50 "
        "%.3f; ceiling: ROC %.4f, ROC50 %.3f; four families known: ROC %.4f, without distances %.4f",
        l->kind, l->tasks, m.roc, m.seen, m.roc50, m.decoys, m.bag_roc, m.bag_roc50, m.known, m.known50, m.shown,
        m.blurred);
    return m;
}

static void extras(jd_run *r, const char *before, const means *m)
{
    const double v[] = {m->roc,       m->roc50, m->worst,   m->seen,  m->decoys, m->bag_roc,
                        m->bag_roc50, m->known, m->known50, m->shown, m->blurred};
    static const char *const names[] = {"roc",
                                        "roc50",
                                        "roc_worst",
                                        "roc_seen",
                                        "roc_decoys_alone",
                                        "bag_roc",
                                        "bag_roc50",
                                        "ceiling_roc",
                                        "ceiling_roc50",
                                        "four_families_known_roc",
                                        "four_families_known_roc_no_distances"};
    for (int k = 0; k < 11; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", before, names[k]);
        jd_run_extra(r, name, v[k]);
    }
}

/* What is not reached, and what is known of the cause. */
static void explain(const homology_lab *l, const means *m, char *why, size_t size)
{
    const char *missed = m->roc < 0.95            ? "ROC is below 0.95"
                         : m->roc50 < 0.7         ? "ROC50 is below 0.70"
                         : m->roc <= m->bag_roc   ? "no better than the bag of motifs"
                         : l->genome_seconds > 60 ? "a genome takes more than 60 s"
                                                  : NULL;
    why[0] = 0;
    if (!missed) return;
    int n = snprintf(why, size, "%s; of chains of the families that were trained on it is %.3f, of a new family %.3f",
                     missed, m->seen, m->roc);
    if (n > 0 && (size_t)n < size && l->data.bag)
        snprintf(why + n, size - (size_t)n,
                 "; who knows the ancestor's motifs, distances and order reaches %.3f, who knows those of the four "
                 "families and takes their mean %.3f, and without the distances %.3f",
                 m->known, m->shown, m->blurred);
}

static jd_status report(homology_lab *l, homology_lab *conserved, double loose)
{
    jd_run *r = l->r;
    char why[400];
    const means m = mean_of(l);
    homology_show(l, "Superfamilies");
    extras(r, "", &m);
    if (conserved->tasks) {
        const means c = mean_of(conserved);
        homology_show(conserved, "Superfamilies with conserved motifs");
        extras(r, "conserved_", &c);
    }
    if (!isnan(loose)) {
        jd_run_note(r, "were the distances each chain's own (loose=1), the ceiling would be ROC %.4f", loose);
        jd_run_extra(r, "ceiling_roc_loose", loose);
    }
    jd_run_extra(r, "residues_per_second", l->residues_per_second);
    jd_run_extra(r, "genome_seconds", l->genome_seconds);
    explain(l, &m, why, sizeof why);
    jd_run_save(r, l->task[0].params, 0, true);
    return jd_run_finish(r, m.roc, *why ? why : NULL);
}

static jd_status load(homology_lab *l)
{
    jd_run *r = l->r;
    const char *name = jd_run_data(r, NULL);
    if (name) return homology_read(l->ctx, name, &l->data);
    const homology_options o = {.superfamilies = (int)jd_run_setting(r, "superfamilies"),
                                .members = l->members,
                                .test_members = (int)jd_run_setting(r, "test_members"),
                                .negatives = jd_run_setting(r, "negatives"),
                                .concentration = l->concentration,
                                .decoys = jd_run_setting(r, "decoys"),
                                .loose = l->loose,
                                .seed = jd_run_seed(r)};
    return homology_generate(l->ctx, &o, &l->data);
}

/* Learns `most` of the superfamilies (0: all). */
static jd_status study(homology_lab *l, size_t most)
{
    if (load(l)) return jd_error(l->ctx);
    l->tasks = most && most < l->data.tasks ? most : l->data.tasks;
    l->task = jd_alloc_array(l->ctx, l->tasks, sizeof *l->task);
    for (size_t i = 0; l->task && i < l->tasks && !jd_error(l->ctx); i++) {
        homology_task *t = &l->task[i];
        *t = (homology_task){.lab = l, .number = i};
        snprintf(t->scope, sizeof t->scope, "%.9s%zu", l->kind, i + 1);
        learn(t);
    }
    return jd_error(l->ctx);
}

static void leave(homology_lab *l)
{
    for (size_t i = 0; l->task && i < l->tasks; i++) {
        homology_task *t = &l->task[i];
        void *all[] = {t->train.chain, t->test.chain, t->label, t->index, t->yes, t->score};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) jd_free(l->ctx, all[k]);
        protein_feed_close(&t->feed);
        jd_fn_free(t->look);
        jd_params_free(t->params);
    }
    jd_free(l->ctx, l->task);
    homology_free(&l->data);
}

/* The mean ceiling of the same superfamilies, were the distances between motifs each chain's own.  Nothing is trained. */
static double loose_ceiling(const homology_lab *of)
{
    homology_lab l = {.r = of->r, .ctx = of->ctx, .concentration = of->concentration, .members = 4, .loose = true};
    double sum = 0;
    if (load(&l)) return (double)NAN;
    l.tasks = l.data.tasks;
    l.task = jd_alloc_array(l.ctx, l.tasks, sizeof *l.task);
    for (size_t i = 0; l.task && i < l.tasks && !jd_error(l.ctx); i++) {
        homology_task *t = &l.task[i];
        *t = (homology_task){.lab = &l, .number = i};
        if (!gather(t) && !ceiling(t)) sum += t->known / (double)l.tasks;
    }
    leave(&l);
    return sum;
}

static jd_status run(jd_run *r)
{
    homology_lab l = {.r = r,
                      .ctx = jd_run_ctx(r),
                      .kind = "superfamily",
                      .members = (int)jd_run_setting(r, "members"),
                      .concentration = jd_run_setting(r, "concentration"),
                      .units = (int64_t)jd_run_setting(r, "units"),
                      .window = (int64_t)jd_run_setting(r, "window"),
                      .answer = (int)jd_run_setting(r, "answer"),
                      .open = jd_run_setting(r, "gate_bias"),
                      .decay = jd_run_setting(r, "decay"),
                      .loose = jd_run_setting(r, "loose") > 0,
                      .dropout = jd_run_setting(r, "input_dropout"),
                      .clip = 1};
    if (!(l.units >= 1 && l.window >= 0 && l.window <= 4 && l.open > 0))
        return jd_fail(l.ctx, JD_EUSAGE, "protein-homology: units is 1 or more, window 0 to 4, gate_bias above 0");
    homology_lab conserved = l;
    conserved.kind = "conserved";
    conserved.concentration = jd_run_setting(r, "conserved");
    const size_t more = jd_run_data(r, NULL) ? 0 : (size_t)jd_run_setting(r, "conserved_tasks");
    if (!study(&l, (size_t)jd_run_setting(r, "tasks")) && (!more || !study(&conserved, more)) && !time_genome(&l)) {
        const double loose = l.data.bag && !l.loose ? loose_ceiling(&l) : (double)NAN;
        if (!jd_error(l.ctx)) report(&l, &conserved, loose);
    }
    leave(&l);
    leave(&conserved);
    return jd_error(l.ctx);
}

static const jd_setting settings[] = {
    {"superfamilies", {12, 12, 12}, "generated"},
    {"tasks", {1, 0, 0}, "superfamilies that are learned; 0: all"},
    {"conserved_tasks", {1, 1, 12}, "superfamilies with conserved motifs that are learned as well; 0: none"},
    {"conserved", {0.05, 0.05, 0.05}, "concentration of the conserved motifs"},
    {"members", {500, 1000, 2000}, "chains of each family that is trained on"},
    {"negatives", {4, 4, 4}, "negative chains in training for each positive one"},
    {"concentration", {0.3, 0.3, 0.3}, "of the Dirichlet distribution of the motifs' columns; smaller: more conserved"},
    {"test_members", {60, 60, 60}, "chains of each family that is tested"},
    {"decoys", {0.3, 0.3, 0.3}, "share of the negative chains that have the motifs in a wrong order"},
    {"units", {112, 112, 112}, "LSTM cells; as many residues back a motif can be put together with another"},
    {"window", {0, 0, 0}, "residues on either side that the gates and cells see as well"},
    {"answer",
     {3, 3, 3},
     "0: after the last residue; of all residues, 1: the mean, 2: the largest, 3: the logarithm of the mean "
     "exponential"},
    {"gate_bias", {4, 4, 4}, "first bias of the gates of input and output; minus this for those of memory"},
    {"loose", {0, 0, 0}, "1: each chain draws its own distances between the motifs"},
    {"input_dropout", {0.3, 0.3, 0.3}, "share of residues not shown"},
    {"decay", {5e-3, 5e-3, 5e-3}, "of the squares of the input weights, added to the loss"},
    {"epochs", {3, 3, 4}, "passes over the training chains"},
    {"batch", {16, 16, 16}, "chains a step"},
    {"rate", {3e-3, 3e-3, 3e-3}, "Adam's first rate"},
    {"speed_seconds", {1, 3, 10}, "for which the speed is measured"},
    {NULL},
};

const jd_system jd_system_protein_homology = {
    .name = "protein-homology",
    .year = 2007,
    .title = "Remote homology of proteins without alignment, LSTM",
    .paper = "S. Hochreiter, M. Heusel, K. Obermayer: Fast model-based protein homology detection without alignment. "
             "Bioinformatics 23(14), 2007",
    .metric = "area under the ROC curve, mean of the superfamilies",
    .higher = true,
    .paper_value = 0.932,
    .paper_note =
        "the paper's mean over 54 superfamilies of SCOP 1.53, with ROC50 0.652; here superfamilies are generated, so "
        "the figures cannot be compared",
    .accept = {NAN, 0.95, 0.95},
    .about =
        "A superfamily is three motifs of eight columns in a fixed order and at two fixed distances of 10 to 40 "
        "residues, somewhere in chains of 80 to 250 random residues. Each of its five families has drawn 30 % of the "
        "columns anew. The LSTM learns from four families and must find the members of the fifth among members of "
        "eleven other superfamilies and among decoys, which have the right motifs in a wrong order (30 % of the "
        "negatives). One network for each superfamily reads a chain once, one residue after the other; its first "
        "weights make the cells a shift register, so that it must learn what belongs to a motif and at which "
        "distances, but not how to count. The ceiling is computed: the likelihood ratio of somebody who knows the "
        "ancestor's motifs, the distances and the order, and with it what the ceiling would be if every chain had "
        "distances of its own. Beside them stand superfamilies whose motifs are more conserved, where order can be "
        "seen to be learned. What to look at: the cells of a chain, where the answer rises, and the decoys.",
    .data = "",
    .settings = settings,
    .run = run,
};
