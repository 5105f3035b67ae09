/* latch.c - learning to latch one bit; see latch.h. */
#include "latch.h"

#include <stdio.h>

#include "sequences.h"

enum { BATCH = 5, VALID = 500 };
const int64_t latch_length[LATCH_LENGTHS] = {5, 10, 20, 50, 100, 200, 500};

typedef struct latch {
    seq_cell cell;
    int64_t T;
    uint64_t seed;
    char name[32]; /* scope: another one gives other first weights */
    jd_fn *ask;
    float *x; /* (T,B,1) */
    float *y; /* (B): 0 or 1 */
} latch;

/* (B): positive for the class +1 */
static jd_node answer(jd_graph *g, const latch *n)
{
    const jd_node h = seq_recur(g, &n->cell, jd_arg(g, "x"), (jd_node){0}).hT;
    return jd_reshape(g, jd_dense(g, "out", h, .units = 1), JD_DIMS(-1));
}

static void train_step(jd_graph *g, void *user)
{
    const latch *n = user;
    jd_scope_push(g, n->name);
    const jd_node each = jd_sigmoid_xent_each(g, answer(g, n), jd_arg(g, "y"));
    const jd_node loss = jd_mean(g, each, JD_ALL_AXES, false);
    /* Adam's usual 1e-8 would blow gradients that have vanished up to whole steps, which is not what the analysis is about. */
    jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 1, .epsilon = 1e-4);
    jd_result(g, "loss", loss);
    jd_scope_pop(g);
}

static void ask(jd_graph *g, void *user)
{
    const latch *n = user;
    jd_scope_push(g, n->name);
    jd_result(g, "answer", answer(g, n));
    jd_scope_pop(g);
}

static int fill(latch *n, const char *stream, int64_t first, int64_t B, jd_tensor *in)
{
    for (int64_t b = 0; b < B; b++) {
        jd_rng r = jd_rng_new(n->seed, stream, (uint64_t)(first + b));
        n->y[b] = (float)seq_latch(&r, n->T, n->x + b, B);
    }
    in[0] = JD_TENSOR("x", JD_F32, n->x, n->T, B, 1);
    in[1] = JD_TENSOR("y", JD_F32, n->y, B);
    return 2;
}

static int batch(void *user, int64_t step, int slot, jd_tensor *in)
{
    (void)slot;
    return fill(user, "latch/train", step * BATCH, BATCH, in);
}

/* The share of right answers to `count` sequences. */
static double measure(latch *n, const char *stream, int64_t count)
{
    jd_tensor in[2];
    int64_t right = 0;
    fill(n, stream, 0, count, in);
    if (jd_fn_run(n->ask, in, 1)) return 0;
    const float *y = jd_fn_result(n->ask, "answer", NULL);
    for (int64_t b = 0; y && b < count; b++) right += (y[b] > 0) == (n->y[b] > 0);
    return (double)right / (double)count;
}

static double validate(void *user, jd_run *r, int64_t step)
{
    (void)r;
    (void)step;
    return measure(user, "latch/valid", VALID);
}

/* Trains one network; the share of right answers to fresh sequences.  Training ends early when those of validation are all
 * right. */
static double one_try(jd_run *r, bool lstm, int64_t T, int attempt, int64_t sequences)
{
    jd_ctx *ctx = jd_run_ctx(r);
    /* Forget gates nearly open (0.999 a step) keep over 500 steps what input gates that start nearly shut let in. */
    latch n = {.cell = {.plain = !lstm, .units = 10, .forget_bias = 7, .in_bias = -4}, .T = T};
    n.seed = jd_run_seed(r) + 1000003 * (uint64_t)attempt;
    snprintf(n.name, sizeof n.name, "%s-%lld-%d", lstm ? "lstm" : "rnn", (long long)T, attempt + 1);
    jd_params *params = jd_params_new(ctx, JD_F32);
    n.ask = jd_fn_new(ctx, params, ask, &n);
    n.x = jd_alloc_array(ctx, (size_t)T * LATCH_TESTED, sizeof *n.x);
    n.y = jd_alloc_array(ctx, LATCH_TESTED, sizeof *n.y);
    const int64_t steps = sequences / BATCH;
    double right = 0;
    if (!jd_error(ctx) && !jd_train(r, params,
                                    &(jd_train_options){.what = n.name,
                                                        .series = n.name,
                                                        .trace = train_step,
                                                        .user = &n,
                                                        .steps = steps,
                                                        .batch = batch,
                                                        .lr = {.rate = .0015},
                                                        .log_every = steps,
                                                        .validate_every = 100,
                                                        .validate = validate,
                                                        .higher = true,
                                                        .keep_best = true,
                                                        .has_stop_at = true,
                                                        .stop_at = 1,
                                                        .items_per_step = BATCH},
                                    NULL))
        right = measure(&n, "latch/test", LATCH_TESTED);
    jd_fn_free(n.ask);
    jd_params_free(params);
    jd_free(ctx, n.x);
    jd_free(ctx, n.y);
    return right;
}

latch_table latch_run(jd_run *r, int64_t longest, int tries, int64_t sequences)
{
    latch_table l = {.tries = tries};
    for (int i = 0; i < LATCH_LENGTHS && latch_length[i] <= longest; i++, l.lengths++)
        for (int lstm = 0; lstm < 2; lstm++)
            for (int k = 0; k < tries && !jd_error(jd_run_ctx(r)); k++) {
                const double right = one_try(r, lstm, latch_length[i], k, sequences);
                l.success[lstm][i] += (right >= .95) / (double)tries;
                l.right[lstm][i] += right / tries;
            }
    return l;
}
