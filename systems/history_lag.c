/* history_lag.c - a lag of twenty steps, by automatizer and chunker, and by a plain net; see history.h. */
#include "history.h"

#include <string.h>

enum { ENOUGH = 950 };

static pair_options options(jd_run *r)
{
    return (pair_options){.symbols = LAG_SYMBOLS,
                          .hidden = (int)jd_run_setting(r, "hidden"),
                          .chunker_hidden = (int)jd_run_setting(r, "chunker_hidden"),
                          .window = (int)jd_run_setting(r, "window"),
                          .rate = jd_run_setting(r, "rate"),
                          .chunker_rate = jd_run_setting(r, "chunker_rate"),
                          .mimic = jd_run_setting(r, "mimic"),
                          .sure = jd_run_setting(r, "sure")};
}

int lag_next(jd_rng *rng, int t, int *first, double *teacher)
{
    if (t == 0) *first = (int)jd_rng_below(rng, 2);
    *teacher = t == LAG_STEPS - 1 ? (*first == 0 ? 1 : 0) : -1;
    return t ? t + 1 : *first;
}

/* A by itself, its weights as they are: right answers to 1000 sequences of a stream of their own. */
static int without_chunker(jd_ctx *ctx, const pair *p, uint64_t seed)
{
    jd_rng rng = jd_rng_new(seed, "history/alone", 0), none = jd_rng_new(0, "history/none", 0);
    rnn a = rnn_new(ctx, &p->a.o, &none);
    double x[LAG_SYMBOLS + 2], teacher;
    int first = 0, right = 0;
    if (jd_error(ctx)) return 0;
    memcpy(a.W, p->a.W, (size_t)(a.wide * a.o.hidden) * sizeof *a.W);
    memcpy(a.V, p->a.V, (size_t)(a.wide * a.outputs) * sizeof *a.V);
    rnn_forget(&a);
    for (int s = 0; s < HISTORY_BLOCK; s++)
        for (int t = 0; t < LAG_STEPS; t++) {
            const int symbol = lag_next(&rng, t, &first, &teacher);
            if (teacher >= 0) right += (a.y[LAG_SYMBOLS] > 0.5) == (teacher > 0.5);
            pair_input(LAG_SYMBOLS, symbol, teacher, x);
            rnn_see(&a, x);
        }
    rnn_free(ctx, &a);
    return right;
}

/* One block of 1000 sequences; the pair's right answers in `last`, a ring of the last 1000, whose sum is *sum. */
static void one_block(pair *p, jd_rng *rng, size_t block, bool last[HISTORY_BLOCK], int *sum, lag_run *out)
{
    int right = 0, single = 0, surprises = 0, first = 0;
    for (int s = 0; s < HISTORY_BLOCK; s++)
        for (int t = 0; t < LAG_STEPS; t++) {
            double teacher;
            const int symbol = lag_next(rng, t, &first, &teacher);
            const pair_step step = pair_see(p, symbol, teacher);
            surprises += step.surprise;
            if (teacher < 0) continue;
            const bool hit = step.answer == (teacher > 0.5);
            right += hit;
            single += step.alone == (teacher > 0.5);
            *sum += hit - last[s];
            last[s] = hit;
            const size_t done = block * HISTORY_BLOCK + (size_t)s + 1;
            if (!out->reached && done >= HISTORY_BLOCK && *sum >= ENOUGH) out->reached = done;
        }
    out->right[block] = right / (double)HISTORY_BLOCK;
    out->single[block] = single / (double)HISTORY_BLOCK;
    out->surprises[block] = surprises / (double)HISTORY_BLOCK;
    out->blocks = block + 1;
}

jd_status lag_pair(jd_run *r, uint64_t seed, size_t most, lag_run *out, pair *keep)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const pair_options o = options(r);
    const size_t blocks = most / HISTORY_BLOCK;
    jd_rng rng = jd_rng_new(seed, "history/lag", 0);
    pair p = pair_new(ctx, &o, seed);
    bool last[HISTORY_BLOCK] = {false};
    int sum = 0;
    *out = (lag_run){.right = jd_alloc_array(ctx, blocks + 1, sizeof *out->right),
                     .single = jd_alloc_array(ctx, blocks + 1, sizeof *out->single),
                     .surprises = jd_alloc_array(ctx, blocks + 1, sizeof *out->surprises)};
    for (size_t b = 0; b < blocks && !jd_error(ctx) && !(out->alone && out->reached); b++) {
        one_block(&p, &rng, b, last, &sum, out);
        if (out->single[b] >= 0.9 && without_chunker(ctx, &p, seed) >= ENOUGH) out->alone = (b + 1) * HISTORY_BLOCK;
        if (jd_run_progress(r, (double)(b + 1), (double)blocks, "%.1f %% right, %.2f surprises a sequence",
                            100 * out->right[b], out->surprises[b]))
            jd_run_stopped(r);
    }
    if (keep && !jd_error(ctx))
        *keep = p;
    else
        pair_free(ctx, &p);
    return jd_error(ctx);
}

void lag_free(jd_ctx *ctx, lag_run *l)
{
    jd_free(ctx, l->right);
    jd_free(ctx, l->single);
    jd_free(ctx, l->surprises);
}

jd_status lag_plain(jd_run *r, uint64_t seed, int window, size_t blocks, double *right)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_rng rng = jd_rng_new(seed, "history/lag", 0), weights = jd_rng_new(seed, "history/plain", 0);
    const pair_options o = options(r);
    rnn n = rnn_new(
        ctx,
        &(rnn_options){
            .inputs = LAG_SYMBOLS + 2, .hidden = o.hidden, .symbols = LAG_SYMBOLS, .window = window, .rate = o.rate},
        &weights);
    double x[LAG_SYMBOLS + 2], teacher;
    int first = 0;
    for (size_t b = 0; b < blocks && !jd_error(ctx); b++) {
        int hits = 0;
        for (int s = 0; s < HISTORY_BLOCK; s++)
            for (int t = 0; t < LAG_STEPS; t++) {
                const int symbol = lag_next(&rng, t, &first, &teacher);
                if (teacher >= 0) hits += (n.y[LAG_SYMBOLS] > 0.5) == (teacher > 0.5);
                rnn_learn(&n, &(rnn_target){symbol, teacher, NULL});
                pair_input(LAG_SYMBOLS, symbol, teacher, x);
                rnn_see(&n, x);
            }
        right[b] = hits / (double)HISTORY_BLOCK;
        if (jd_run_progress(r, (double)(b + 1), (double)blocks, "plain net: %.1f %% right", 100 * right[b]))
            jd_run_stopped(r);
    }
    rnn_free(ctx, &n);
    return jd_error(ctx);
}
