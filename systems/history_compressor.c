/*
 * history_compressor.c - "history-compressor": only what was not expected goes up.
 *
 * J. Schmidhuber, Learning complex, extended sequences using the principle of history compression, Neural Computation 4(2),
 * 1992; Learning unambiguous reduced sequence descriptions, NIPS 4, 1991.  A recurrent net predicts its next input; a second
 * one sees only what the first did not expect, and so a short history where that of the first is long.  The first learns to
 * imitate the second, and takes over what it knows.  Further levels stand on each other the same way.
 */
#include "history.h"

#include <stdio.h>

#include "claims.h"

enum { TEXT = 110 };

static const int depths[HISTORY_DEPTHS] = {100, 200, 500, 1200};

/* Right answers in the last tenth, mean of the seeds; *far becomes the largest distance of a seed's from one half. */
static double late(double *const right[], int seeds, size_t blocks, double *far)
{
    const size_t tenth = blocks / 10 + 1;
    double mean = 0;
    *far = 0;
    for (int s = 0; s < seeds; s++) {
        double sum = 0;
        for (size_t b = blocks - tenth; b < blocks; b++) sum += right[s][b] / (double)tenth;
        mean += sum / seeds;
        *far = fmax(*far, fabs(sum - 0.5));
    }
    return mean;
}

/* Seeds that got there within `most` sequences. */
static int within(const history *h, bool alone, size_t most)
{
    int n = 0;
    for (int s = 0; s < h->seeds; s++) {
        const size_t at = alone ? h->lag[s].alone : h->lag[s].reached;
        n += at && at <= most;
    }
    return n;
}

static void judge_lag(history *h, claims *c)
{
    double far, surprises = 0;
    const double three = late(h->plain, h->plain_seeds, h->plain_blocks, &far);
    claim(c, far <= 0.05, "lag 20, plain net, errors back through 3 steps: stays at 50 +- 5 %",
          "%.1f %% after %zu sequences (farthest: %.1f points)", 100 * three, h->plain_blocks * HISTORY_BLOCK,
          100 * far);
    const double all = late(h->full, h->plain_seeds, h->full_blocks, &far);
    claim(c, far <= 0.05, "lag 20, plain net, errors back through 25 steps: stays at 50 +- 5 %",
          "%.1f %% after %zu sequences (farthest: %.1f points)", 100 * all, h->full_blocks * HISTORY_BLOCK, 100 * far);
    const int early = within(h, false, 5000), reached = within(h, false, 35000);
    claim(c, early >= (13 * h->seeds + 16) / 17, "lag 20, two nets: 13 of 17 need fewer than 5,000 sequences",
          "%d of %d", early, h->seeds);
    claim(c, reached == h->seeds, "lag 20, two nets: all need fewer than 35,000", "%d of %d", reached, h->seeds);
    for (int s = 0; s < h->seeds; s++) surprises += h->lag[s].surprises[h->lag[s].blocks - 1] / h->seeds;
    claim(c, surprises <= 2, "of the 21 symbols of a sequence one or two are surprises", "%.2f", surprises);
    const int alone = within(h, true, 100000);
    claim(c, alone >= (8 * h->seeds + 16) / 17, "the first net then does without the second, in 8 of 17",
          "%d of %d, its weights frozen", alone, h->seeds);
}

static void judge_depth(const history *h, claims *c)
{
    const int T = h->depth[h->depths - 1][0].T;
    int all = 0, same = 0;
    double plain = 0, far = 0;
    size_t rebuilt = 0;
    char what[TEXT];
    for (int s = 0; s < h->depth_seeds; s++) {
        const depth_run *d = &h->depth[h->depths - 1][s];
        all += d->recall >= 1;
        same += d->same;
        rebuilt += d->rebuilt;
        plain += d->plain / h->depth_seeds;
        far = fmax(far, fabs(d->plain - 0.5));
    }
    snprintf(what, sizeof what, "lag %d, two levels: the first symbol is recalled every time, in all seeds", T);
    claim(c, all == h->depth_seeds, what, "%d of %d", all, h->depth_seeds);
    snprintf(what, sizeof what, "lag %d, plain net, errors back through all steps: chance (within 15 points)", T);
    claim(c, far <= 0.15, what, "%.1f %%", 100 * plain);
    claim(c, same == h->depth_seeds && rebuilt >= 100000 * (size_t)(h->depths == HISTORY_DEPTHS),
          "what reaches the top is enough to rebuild the stream, symbol for symbol", "%zu symbols, %d of %d streams",
          rebuilt, same, h->depth_seeds);
}

static void judge_levels(const history *h, claims *c)
{
    const levels_run *s = &h->sentences;
    claim(c, s->right >= 0.95, "the kind of the sentence before the last, asked at the third level: 95 % right",
          "%.1f %%", 100 * s->right);
    const double share = (double)s->symbols[s->levels] / (double)s->symbols[0] * HISTORY_SENTENCE;
    claim(c, share <= 1.2, "a sentence of 20 letters is one symbol there (at most 1.2)", "%.2f", share);
}

/* ---- the run ----------------------------------------------------------------------------------------------------------------*/

static jd_status lags(history *h)
{
    jd_run *r = h->r;
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000;
    const size_t most = (size_t)jd_run_setting(r, "sequences");
    for (int s = 0; s < h->seeds && !jd_error(ctx); s++) {
        jd_run_stage(r, "two nets, seed %d of %d", s + 1, h->seeds);
        lag_pair(r, seed + (uint64_t)s, most, &h->lag[s], s ? NULL : &h->shown);
        jd_run_note(r, "seed %d: right after %zu sequences, the first net alone after %zu", s + 1, h->lag[s].reached,
                    h->lag[s].alone);
    }
    for (int s = 0; s < h->plain_seeds && !jd_error(ctx); s++) {
        jd_run_stage(r, "plain net, seed %d of %d", s + 1, h->plain_seeds);
        h->plain[s] = jd_alloc_array(ctx, h->plain_blocks, sizeof *h->plain[s]);
        h->full[s] = jd_alloc_array(ctx, h->full_blocks, sizeof *h->full[s]);
        if (jd_error(ctx) ||
            lag_plain(r, seed + (uint64_t)s, (int)jd_run_setting(r, "window"), h->plain_blocks, h->plain[s]))
            break;
        lag_plain(r, seed + (uint64_t)s, 25, h->full_blocks, h->full[s]);
    }
    return jd_error(ctx);
}

static jd_status stacks(history *h)
{
    jd_run *r = h->r;
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t seed = jd_run_seed(r) * 1000;
    for (int d = 0; d < h->depths && !jd_error(ctx); d++)
        for (int s = 0; s < h->depth_seeds && !jd_error(ctx); s++) {
            depth_run *out = &h->depth[d][s];
            jd_run_stage(r, "a lag of %d steps, seed %d of %d", depths[d], s + 1, h->depth_seeds);
            if (depth_task(r, seed + (uint64_t)s, depths[d], d == h->depths - 1, out)) break;
            jd_run_note(r, "lag %d, seed %d: recall %.1f %%, %.2f surprises a sequence", out->T, s + 1,
                        100 * out->recall, out->surprises);
            if (jd_run_progress(r, s + 1, h->depth_seeds, "recall %.1f %%", 100 * out->recall)) jd_run_stopped(r);
        }
    jd_run_stage(r, "letters, words, sentences");
    if (!jd_error(ctx)) sentences_task(r, seed, &h->sentences);
    jd_run_stage(r, "text");
    if (!jd_error(ctx)) text_task(r, jd_run_data(r, NULL), seed, &h->text, &h->text_bytes, &h->order0);
    if (!jd_error(ctx) && !h->text_bytes)
        jd_run_note(r, "no text: Debian's licences are not here; give a file with --data FILE");
    return jd_error(ctx);
}

static void leave(history *h)
{
    jd_ctx *ctx = jd_run_ctx(h->r);
    for (int s = 0; s < HISTORY_SEEDS; s++) {
        lag_free(ctx, &h->lag[s]);
        jd_free(ctx, h->plain[s]);
        jd_free(ctx, h->full[s]);
    }
    pair_free(ctx, &h->shown);
    jd_free(ctx, h);
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const double seeds = jd_run_setting(r, "seeds"), plain = jd_run_setting(r, "plain_seeds"),
                 deep = jd_run_setting(r, "depth_seeds"), kinds = jd_run_setting(r, "depths");
    if (!(seeds >= 1 && seeds <= HISTORY_SEEDS && plain >= 1 && plain <= HISTORY_SEEDS && deep >= 1 &&
          deep <= HISTORY_SEEDS && kinds >= 1 && kinds <= HISTORY_DEPTHS && jd_run_setting(r, "sequences") >= 1000 &&
          jd_run_setting(r, "plain_sequences") >= 1000 && jd_run_setting(r, "full_sequences") >= 1000 &&
          jd_run_setting(r, "depth_sequences") >= 10 && jd_run_setting(r, "sentences") >= 10 &&
          jd_run_setting(r, "window") >= 1 && jd_run_setting(r, "sure") > 0.5))
        return jd_fail(ctx, JD_EUSAGE,
                       "history-compressor: seeds are 1 to %d, depths 1 to %d, sequences 1000 or more, depth_sequences "
                       "and sentences 10 or more, window 1 or more, sure above 0.5",
                       HISTORY_SEEDS, HISTORY_DEPTHS);
    history *h = jd_alloc_array(ctx, 1, sizeof *h);
    if (!h) return jd_error(ctx);
    *h = (history){.r = r,
                   .seeds = (int)seeds,
                   .plain_seeds = (int)plain,
                   .depth_seeds = (int)deep,
                   .depths = (int)kinds,
                   .plain_blocks = (size_t)jd_run_setting(r, "plain_sequences") / HISTORY_BLOCK,
                   .full_blocks = (size_t)jd_run_setting(r, "full_sequences") / HISTORY_BLOCK};
    if (!lags(h) && !stacks(h)) {
        claims *c = jd_alloc_array(ctx, 1, sizeof *c);
        if (c) {
            c->r = r;
            judge_lag(h, c);
            judge_depth(h, c);
            judge_levels(h, c);
            history_report(h);
            claims_table(c, "What the papers say, and what was measured.");
            jd_run_extra(r, "within_5000_sequences", within(h, false, 5000));
            jd_run_extra(r, "alone_within_100000", within(h, true, 100000));
            if (h->text_bytes) jd_run_extra(r, "text_bits_per_character", h->text.bits[0]);
            jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
        }
        jd_free(ctx, c);
    }
    leave(h);
    return jd_error(ctx);
}

static const jd_setting settings[] = {
    {"seeds", {3, 17, 17}, "pairs of nets on the lag of 20"},
    {"sequences", {20000, 100000, 100000}, "that a pair may see, at most"},
    {"plain_seeds", {2, 5, 17}, "plain nets on it"},
    {"plain_sequences", {5000, 100000, 1000000}, "that each sees, with errors that flow back `window` steps"},
    {"full_sequences", {2000, 20000, 100000}, "and with errors that flow back 25 steps"},
    {"hidden", {20, 20, 20}, "units of the first net and of plain nets"},
    {"chunker_hidden", {8, 8, 8}, "units of the second net"},
    {"window", {3, 3, 3}, "steps that an error flows back, as in the paper"},
    {"rate", {0.05, 0.05, 0.05}, "learning rate of the first net and of plain nets"},
    {"chunker_rate", {0.1, 0.1, 0.1}, "and of the second net"},
    {"mimic", {0.5, 0.5, 0.5}, "weight of the first net's error about the state of the second"},
    {"sure", {0.8, 0.8, 0.8}, "what had this probability was expected"},
    {"depths", {2, 4, 4}, "how many of the lags 100, 200, 500, 1200"},
    {"depth_seeds", {2, 5, 10}, "stacks for each"},
    {"depth_sequences", {100, 200, 500}, "that a stack learns from"},
    {"level_rate", {0.1, 0.1, 0.1}, "learning rate of their levels in the first pass; it falls by a fifth a pass"},
    {"word_rate", {0.03, 0.03, 0.03}, "of the levels of words"},
    {"text_rate", {0.012, 0.012, 0.012}, "of the levels of text"},
    {"sentences", {1000, 2000, 10000}, "that the levels of words learn from"},
    {"characters", {20000, 100000, 100000}, "of text"},
    {"text_epochs", {3, 12, 30}, "passes over the text at most"},
    {NULL, {0}, NULL}};

const jd_system jd_system_history_compressor = {
    .name = "history-compressor",
    .year = 1991,
    .title = "The neural history compressor: only what was not expected goes up",
    .paper = "J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural "
             "Computation 4(2), 1992; Learning unambiguous reduced sequence descriptions. NIPS 4, 1991",
    .metric = "claims that hold, of 11",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note =
        "lag of 20 steps: 13 of 17 pairs needed fewer than 5,000 sequences, the others fewer than 35,000; a plain net "
        "made no significant progress in a million",
    .accept = {11, 11, 11},
    .about = "A recurrent net predicts what comes next. What it expected tells nothing new, so a second net sees the "
             "rest only, and its history is short where that of the first is long: a lag of twenty steps is a lag of "
             "one for it. The first net must also tell the state of the second, and learns so, step by step, to hold "
             "what it could never have learned to hold by itself; in the end the second net is not needed. Stacks of "
             "levels do the same to lags of 1200 steps, to words and sentences, and to plain text. Both nets learn "
             "on-line, after each symbol, with errors that flow back three steps.",
    .data = "",
    .settings = settings,
    .run = run,
};
