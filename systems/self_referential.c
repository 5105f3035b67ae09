/*
 * self_referential.c - "self-referential": nets that change their own weights while they run.
 *
 * J. Schmidhuber, A self-referential weight matrix, ICANN 1993; Learning to control fast-weight memories, Neural Computation
 * 4(1), 1992.  I. Schlag, K. Irie, J. Schmidhuber, Linear transformers are secretly fast weight programmers, ICML 2021.
 * K. Irie, I. Schlag, R. Csordas, J. Schmidhuber, A modern self-referential weight matrix that learns to modify itself,
 * ICML 2022.  Gradient descent through whole runs learns the first weights only; what an episode is about is learned by the
 * nets themselves, in their weights.
 */
#include "self_referential.h"

#include <stdio.h>
#include <string.h>

enum { VALID = 50, SHARP = 20 };

/* ---- episodes ----------------------------------------------------------------------------------------------------------------*/

static int most(const trial *t)
{
    return t->task == TASK_AGAIN ? TRIAL_AGAIN : SELFREF_PAIRS;
}

void trial_episode(const trial *t, uint64_t seed, const char *stream, uint64_t index, int n, selfref_episode *e)
{
    jd_rng r = jd_rng_new(seed, stream, index);
    if (t->task == TASK_LINEAR)
        selfref_linear(e, SELFREF_EXAMPLES, &r);
    else if (t->task == TASK_BOOLEAN || t->task == TASK_FOUR)
        selfref_boolean(e, t->task == TASK_FOUR, &r);
    else {
        const int drawn = 1 + (int)jd_rng_below(&r, (uint32_t)most(t));
        selfref_pairs(e, n ? n : drawn, t->task == TASK_AGAIN ? 2 : 1, &r);
    }
}

/* Share of the answers that are on the right side. */
static double right(const selfref_net *n, const selfref_episode *e, bool boolean)
{
    const double middle = boolean ? .5 : 0;
    const int O = n->o.outputs;
    int count = 0, good = 0;
    for (int i = 0; i < e->T * O; i++)
        if (e->asked[i / O]) {
            count++;
            good += (n->said[i] > middle) == (e->target[i] > middle);
        }
    return (double)good / count;
}

/* ---- training ----------------------------------------------------------------------------------------------------------------*/

/* On episodes kept for this: share of right answers, or the mean squared error. */
static double validate(self_referential *s, const trial *t, selfref_net *n)
{
    double mean = 0;
    for (uint64_t k = 0; k < VALID; k++) {
        trial_episode(t, jd_run_seed(s->r), "selfref/valid", k, 0, &s->e);
        const double loss = selfref_run(n, &s->e, false);
        mean += (t->task == TASK_LINEAR ? 2 * loss : right(n, &s->e, t->task < TASK_PAIRS)) / VALID;
    }
    return mean;
}

static jd_status train(self_referential *s, trial *t, int number, selfref_net *n)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const uint64_t seed = jd_run_seed(s->r);
    const int every = t->updates > TRIAL_POINTS ? (t->updates + TRIAL_POINTS - 1) / TRIAL_POINTS : 1;
    const jd_schedule fall = {.kind = JD_COSINE, .rate = t->rate, .end = t->rate / 20};
    jd_rng rng = jd_rng_new(seed, "selfref/init", (uint64_t)number);
    n->o = t->o;
    if (selfref_net_new(ctx, n, &rng)) return jd_error(ctx);
    for (int u = 0, point = 0; u < t->updates; u++) {
        for (int b = 0; b < t->batch; b++) {
            trial_episode(t, seed, "selfref/train", ((uint64_t)number << 40) + (uint64_t)(u * t->batch + b), 0, &s->e);
            selfref_run(n, &s->e, false);
            selfref_back(n, &s->e, 1. / t->batch);
        }
        selfref_adam(n, jd_schedule_at(&fall, u, t->updates), 1);
        if (u % every != every - 1) continue;
        const double score = validate(s, t, n);
        t->at[point] = u + 1;
        t->curve[number][point++] = score;
        t->points = point;
        if (jd_run_progress(s->r, u + 1, t->updates, "%s %.3f", t->task == TASK_LINEAR ? "error" : "right", score))
            return jd_run_stopped(s->r);
    }
    return jd_error(ctx);
}

/* ---- measuring ---------------------------------------------------------------------------------------------------------------*/

static void test_boolean(self_referential *s, trial *t, int number, selfref_net *n)
{
    for (int k = 0; k < s->episodes; k++) {
        trial_episode(t, jd_run_seed(s->r), "selfref/test", (uint64_t)k, 0, &s->e);
        selfref_run(n, &s->e, false);
        t->right[number] += right(n, &s->e, true) / s->episodes;
        selfref_run(n, &s->e, true);
        t->frozen[number] += right(n, &s->e, true) / s->episodes;
    }
}

static void test_pairs(self_referential *s, trial *t, int number, selfref_net *n)
{
    for (int pairs = 1; pairs <= most(t); pairs++)
        for (int k = 0; k < s->episodes; k++) {
            trial_episode(t, jd_run_seed(s->r), "selfref/test", (uint64_t)k, pairs, &s->e);
            selfref_run(n, &s->e, false);
            t->by[number][pairs] += right(n, &s->e, false) / s->episodes;
        }
}

static void test_linear(self_referential *s, trial *t, int number, selfref_net *n)
{
    double said[SELFREF_STEPS];
    for (int k = 0; k < s->episodes; k++) {
        trial_episode(t, jd_run_seed(s->r), "selfref/test", (uint64_t)k, 0, &s->e);
        selfref_run(n, &s->e, false);
        selfref_ridge(&s->e, 1e-6, said);
        for (int i = 0; i < SELFREF_EXAMPLES; i++) {
            const double y = s->e.target[2 * i];
            t->error[number][i] += (n->said[2 * i] - y) * (n->said[2 * i] - y) / s->episodes;
            if (number == 0) t->ridge[i] += (said[2 * i] - y) * (said[2 * i] - y) / s->episodes;
        }
    }
}

static jd_status work(self_referential *s, trial *t)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    const double started = jd_run_seconds(s->r);
    for (int number = 0; number < t->seeds && !jd_error(ctx); number++) {
        selfref_net other = {0}, *n = number ? &other : &t->kept;
        jd_run_stage(s->r, "%s, net %d of %d", t->label, number + 1, t->seeds);
        if (!train(s, t, number, n)) {
            if (t->task < TASK_PAIRS)
                test_boolean(s, t, number, n);
            else if (t->task < TASK_LINEAR)
                test_pairs(s, t, number, n);
            else
                test_linear(s, t, number, n);
        }
        selfref_net_free(ctx, &other);
    }
    t->seconds = jd_run_seconds(s->r) - started;
    return jd_error(ctx);
}

/* ---- claims ------------------------------------------------------------------------------------------------------------------*/

static double least(const double *a, int n)
{
    double m = a[0];
    for (int i = 1; i < n; i++) m = fmin(m, a[i]);
    return m;
}

/* Farthest of any net's answers without weight changes from one half. */
static double off_chance(const trial *t)
{
    double far = 0;
    for (int i = 0; i < t->seeds; i++) far = fmax(far, fabs(t->frozen[i] - .5));
    return far;
}

static double mean_by(const trial *t, int pairs)
{
    double mean = 0;
    for (int i = 0; i < t->seeds; i++) mean += t->by[i][pairs] / t->seeds;
    return mean;
}

/* By how much b is behind a, at least, at first .. last pairs. */
static double behind(const trial *a, const trial *b, int first, int last)
{
    double gap = 1;
    for (int n = first; n <= last; n++) gap = fmin(gap, mean_by(a, n) - mean_by(b, n));
    return gap;
}

/* The addresses of an untrained net of 1993: how far off a weight is read, and the largest change of another weight. */
static void judge_addresses(self_referential *s, claims *c)
{
    jd_ctx *ctx = jd_run_ctx(s->r);
    srwm93 z = {.inputs = SELFREF_BOOLEAN + 1, .outputs = 1, .hidden = 4, .steps = 1, .width = .01 * SHARP};
    if (srwm93_new(ctx, &z)) return;
    double *w = jd_alloc_array(ctx, (size_t)z.weights, sizeof *w), off = 0, other = 0, own = 1;
    double *share = jd_alloc_array(ctx, (size_t)z.weights, sizeof *share), address[24];
    jd_rng r = jd_rng_new(jd_run_seed(s->r), "selfref/address", 0);
    for (int i = 0; w && share && i < z.weights; i++) w[i] = .5 * jd_rng_normal(&r);
    for (int i = 0; w && share && i < z.weights; i++) {
        for (int b = 0; b < z.bits; b++) address[b] = i >> b & 1;
        off = fmax(off, fabs(srwm93_read(&z, w, address, share) - w[i]));
        for (int k = 0; k < z.weights; k++)
            if (k == i)
                own = fmin(own, share[k]);
            else
                other = fmax(other, share[k]);
    }
    if (!jd_error(ctx))
        claim(c, off <= 1e-3 && own == 1 && other <= 1e-3,
              "1993: an address reads its weight within 0.001 and changes that weight alone (width 0.2)",
              "%d addresses: %.1e off; another weight gets %.1e of a change", z.weights, off, other);
    jd_free(ctx, w);
    jd_free(ctx, share);
    srwm93_free(ctx, &z);
}

static void judge_boolean(self_referential *s, claims *c)
{
    const trial *t = &s->trial[TRIAL_SRWM], *z = &s->trial[TRIAL_1993];
    const double worst = least(t->right, t->seeds);
    int good = 0;
    claim(c, worst >= .99, "2022: all 16 Boolean functions, at least 99 % of the questions right, every net",
          "%.2f %%, the worst of %d", 100 * worst, t->seeds);
    claim(c, off_chance(t) <= .03, "2022: the same nets without weight changes: chance, 50 +- 3 %",
          "at most %.1f points off", 100 * off_chance(t));
    for (int i = 0; i < z->seeds; i++) good += z->right[i] >= .9;
    claim(c, 5 * good >= 3 * z->seeds, "1993: four Boolean functions, at least 90 % right, 3 of 5 nets",
          "%d of %d; the worst %.2f %%", good, z->seeds, 100 * least(z->right, z->seeds));
    claim(c, off_chance(z) <= .03, "1993: the same nets without weight changes: chance, 50 +- 3 %",
          "at most %.1f points off", 100 * off_chance(z));
    jd_run_extra(s->r, "boolean_right_2022", 100 * worst);
    jd_run_extra(s->r, "boolean_right_1993", 100 * least(z->right, z->seeds));
}

static void judge_memory(self_referential *s, claims *c)
{
    const trial *delta = &s->trial[TRIAL_DELTA], *old = &s->trial[TRIAL_1992], *add = &s->trial[TRIAL_ADD];
    double worst = 1;
    for (int i = 0; i < delta->seeds; i++) worst = fmin(worst, delta->by[i][SELFREF_D]);
    claim(c, worst >= .98, "delta rule, 8 pairs of vectors of 8: at least 98 % of the signs right, every net",
          "%.2f %%, the worst of %d", 100 * worst, delta->seeds);
    const double gap = behind(delta, old, 5, SELFREF_PAIRS), same = behind(delta, add, 5, SELFREF_PAIRS);
    claim(c, gap >= .05, "additive rule of 1992: visibly worse from 5 pairs on (at least 5 points)",
          "at least %.1f points (%.1f %% at 8 pairs)", 100 * gap, 100 * mean_by(old, SELFREF_D));
    claim(c, same >= .02, "additive rule with the delta rule's keys: still worse from 5 pairs on (2 points)",
          "at least %.1f points (%.1f %% at 8 pairs)", 100 * same, 100 * mean_by(add, SELFREF_D));
    const double again = behind(&s->trial[TRIAL_DELTA_AGAIN], &s->trial[TRIAL_ADD_AGAIN], 2, TRIAL_AGAIN);
    claim(c, again >= .1, "a key that gets a new value: the additive rule is 10 points worse, 2 to 8 keys",
          "at least %.1f points (4 keys: %.1f %% against %.1f %%)", 100 * again,
          100 * mean_by(&s->trial[TRIAL_DELTA_AGAIN], 4), 100 * mean_by(&s->trial[TRIAL_ADD_AGAIN], 4));
    jd_run_extra(s->r, "delta_8_pairs", 100 * worst);
    jd_run_extra(s->r, "additive_1992_8_pairs", 100 * mean_by(old, SELFREF_D));
}

static void judge_linear(self_referential *s, claims *c)
{
    const trial *t = &s->trial[TRIAL_LINEAR];
    const int last = SELFREF_EXAMPLES - 1;
    double ratio = 0;
    for (int i = 0; i < t->seeds; i++) ratio = fmax(ratio, t->error[i][last] / t->error[i][0]);
    claim(c, ratio <= .1, "2022, linear functions: error at example 20 at most 0.1 of that at 1, every net",
          "%.3f, the worst of %d", ratio, t->seeds);
    jd_run_extra(s->r, "linear_ratio", ratio);
}

/* ---- the run -----------------------------------------------------------------------------------------------------------------*/

static void plan(self_referential *s)
{
    jd_run *r = s->r;
    const selfref_options now = {.kind = SELFREF_SRWM,
                                 .inputs = SELFREF_BOOLEAN,
                                 .outputs = 1,
                                 .steps = 12,
                                 .loss = SELFREF_LOGISTIC,
                                 .code = SELFREF_TANH,
                                 .width = (int)jd_run_setting(r, "width"),
                                 .heads = (int)jd_run_setting(r, "heads")};
    const selfref_options old = {.kind = SELFREF_1993,
                                 .inputs = SELFREF_BOOLEAN,
                                 .outputs = 1,
                                 .steps = 12,
                                 .hidden = (int)jd_run_setting(r, "hidden"),
                                 .ticks = (int)jd_run_setting(r, "ticks"),
                                 .reach = jd_run_setting(r, "reach"),
                                 .spread = jd_run_setting(r, "spread")};
    const selfref_options delta = {.kind = SELFREF_FAST,
                                   .inputs = SELFREF_PAIR,
                                   .outputs = SELFREF_D,
                                   .steps = 2 * SELFREF_PAIRS,
                                   .keys = (int)jd_run_setting(r, "keys"),
                                   .values = SELFREF_D,
                                   .rule = FAST_DELTA,
                                   .phi = FAST_ELU};
    selfref_options add = delta, raw = delta, linear = now;
    add.rule = raw.rule = FAST_ADDITIVE;
    raw.phi = FAST_LINEAR, raw.keys = SELFREF_D;
    linear.inputs = SELFREF_LINEAR, linear.steps = 2 * SELFREF_EXAMPLES;
    linear.loss = SELFREF_SQUARE, linear.code = SELFREF_PLAIN;
    const int boolean = (int)jd_run_setting(r, "boolean_updates"), pairs = (int)jd_run_setting(r, "pairs_updates");
    const int few = (int)jd_run_setting(r, "pairs_seeds"), z = (int)jd_run_setting(r, "updates_1993");
    const trial all[TRIALS] = {
        {"srwm 2022", TASK_BOOLEAN, now, (int)jd_run_setting(r, "seeds"), boolean, 32, .rate = 5e-3},
        {"srwm 1993", TASK_FOUR, old, (int)jd_run_setting(r, "seeds_1993"), z, 16, .rate = 1e-2},
        {"delta rule", TASK_PAIRS, delta, few, pairs, 16, .rate = 5e-2},
        {"additive, same keys", TASK_PAIRS, add, few, pairs, 16, .rate = 5e-2},
        {"additive, 1992", TASK_PAIRS, raw, few, pairs, 16, .rate = 1e-2},
        {"delta rule", TASK_AGAIN, delta, few, pairs, 16, .rate = 5e-2},
        {"additive, same keys", TASK_AGAIN, add, few, pairs, 16, .rate = 5e-2},
        {"srwm 2022", TASK_LINEAR, linear, (int)jd_run_setting(r, "linear_seeds"),
         (int)jd_run_setting(r, "linear_updates"), 16, .rate = 1e-2},
    };
    memcpy(s->trial, all, sizeof all);
}

static bool sensible(jd_run *r)
{
    static const char *const whole[] = {"seeds",           "seeds_1993",    "pairs_seeds",    "linear_seeds",
                                        "boolean_updates", "pairs_updates", "linear_updates", "updates_1993",
                                        "width",           "heads",         "keys",           "ticks",
                                        "episodes"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const double v = jd_run_setting(r, whole[i]);
        if (!(v >= 1 && v <= (i < 4 ? TRIAL_SEEDS : i < 8 ? 1e6 : i < 11 ? 256 : i < 12 ? 4 : 1e6))) return false;
    }
    const double hidden = jd_run_setting(r, "hidden");
    return fmod(jd_run_setting(r, "width"), jd_run_setting(r, "heads")) == 0 && hidden >= 0 && hidden <= 64 &&
           jd_run_setting(r, "reach") > 0.02 && jd_run_setting(r, "spread") > 0;
}

static jd_status run(jd_run *r)
{
    jd_ctx *ctx = jd_run_ctx(r);
    if (!sensible(r))
        return jd_fail(ctx, JD_EUSAGE,
                       "self-referential: all seeds are 1 to %d, updates and episodes at least 1, width (a multiple of "
                       "heads) and keys at most 256, hidden at most 64, ticks 1 to 4, reach above 0.02, spread above 0",
                       TRIAL_SEEDS);
    self_referential *s = jd_alloc_array(ctx, 1, sizeof *s);
    claims *c = jd_alloc_array(ctx, 1, sizeof *c);
    if (s && c) {
        s->r = c->r = r;
        s->episodes = (int)jd_run_setting(r, "episodes");
        plan(s);
        for (int k = 0; k < TRIALS && !jd_error(ctx); k++) work(s, &s->trial[k]);
    }
    if (!jd_error(ctx)) {
        judge_boolean(s, c);
        judge_addresses(s, c);
        judge_memory(s, c);
        judge_linear(s, c);
        claims_table(
            c,
            "Bounds are this program's; the papers' own tasks are larger. Whether the additive rule is worse with the "
            "same keys as well is a question of this program, no claim of the papers, and not needed to pass: see the "
            "section about memory.");
        self_referential_report(s);
        jd_run_extra(r, "claims", c->n);
    }
    if (!jd_error(ctx)) jd_run_finish(r, c->hold, c->hold < c->n ? "see the table of claims" : NULL);
    for (int k = 0; s && k < TRIALS; k++) selfref_net_free(ctx, &s->trial[k].kept);
    jd_free(ctx, s);
    jd_free(ctx, c);
    return jd_error(ctx);
}

static const jd_setting settings[] = {{"seeds", {2, 5, 10}, "nets of 2022 on the 16 Boolean functions"},
                                      {"boolean_updates", {600, 1500, 5000}, "of 32 episodes each"},
                                      {"seeds_1993", {1, 5, 10}, "nets of 1993 on four Boolean functions"},
                                      {"updates_1993", {1500, 3000, 10000}, "of 16 episodes each"},
                                      {"pairs_seeds", {1, 3, 5}, "nets of each kind on pairs"},
                                      {"pairs_updates", {2000, 3000, 20000}, "of 16 episodes each"},
                                      {"linear_seeds", {1, 3, 5}, "nets of 2022 on linear functions"},
                                      {"linear_updates", {1500, 3000, 20000}, "of 16 episodes each"},
                                      {"width", {16, 16, 16}, "of the layer of 2022"},
                                      {"heads", {2, 2, 2}, "that share it"},
                                      {"keys", {64, 64, 64}, "length of phi(k)"},
                                      {"hidden", {4, 4, 4}, "hidden units of 1993"},
                                      {"ticks", {2, 2, 2}, "of 1993: how long a step is held"},
                                      {"reach", {.3, .3, .3}, "of 1993: width of g about an address"},
                                      {"spread", {.5, .5, .5}, "of 1993: standard deviation of untrained weights"},
                                      {"episodes", {300, 1000, 2000}, "for the figures, of each kind"},
                                      {NULL, {0}, NULL}};

const jd_system jd_system_self_referential = {
    .name = "self-referential",
    .year = 1993,
    .title = "Nets that change their own weights while they run",
    .paper = "J. Schmidhuber: A self-referential weight matrix. ICANN 1993; Learning to control fast-weight memories. "
             "Neural Computation 4(1), 1992. I. Schlag, K. Irie, J. Schmidhuber, ICML 2021. K. Irie, I. Schlag, "
             "R. Csordas, J. Schmidhuber, ICML 2022",
    .metric = "claims that hold, of 10",
    .higher = true,
    .paper_value = (double)NAN,
    .paper_note = "the paper of 1993 prints no experiment; those of 2021 and 2022 are about larger tasks",
    .accept = {9, 9, 9},
    .about =
        "A net whose weights are also its memory: at each step it says how they are to change, those included that say "
        "it. Gradient descent through the whole run, all weight changes included, learns the first weights only; every "
        "episode begins with them. What an episode is about - which Boolean function, which pairs, which linear "
        "function - the net learns by itself, and nothing else lasts from an example to a question: without weight "
        "changes it answers at chance.",
    .data = "",
    .settings = settings,
    .run = run,
};
