/* reward_race.c - see reward_race.h. */
#include "reward_race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jackdaw/layers.h"

/* ---- learners ----------------------------------------------------------------------------------------------------------*/

static rl_learner open_learner(jd_ctx *ctx, const rl_method *m, uint64_t seed)
{
    rl_learner l = {0};
    jd_policy_options p = m->policy;
    jd_advantage_options a = m->advantage;
    const uint64_t kept = jd_ctx_seed(ctx);
    p.seed = a.seed = seed;
    jd_ctx_set_seed(ctx, seed); /* that of a policy's first weights */
    if (m->values)
        l.advantage = jd_advantage_new(ctx, &a);
    else
        l.policy = jd_policy_new(ctx, &p);
    jd_ctx_set_seed(ctx, kept);
    return l;
}

void rl_learner_free(rl_learner *l)
{
    jd_policy_free(l->policy);
    jd_advantage_free(l->advantage);
    *l = (rl_learner){0};
}

const jd_episodes *rl_play(const rl_learner *l, const jd_play_options *o)
{
    return l->advantage ? jd_advantage_play(l->advantage, o) : jd_policy_play(l->policy, o);
}

static size_t count_weights(const rl_learner *l)
{
    size_t n = 0;
    if (l->advantage) jd_advantage_weights(l->advantage, &n);
    return l->advantage ? n : jd_params_count(jd_policy_params(l->policy));
}

static void keep(jd_ctx *ctx, rl_race *race, const rl_learner *l, bool solved)
{
    const size_t n = count_weights(l);
    if (race->weights_solved) return;
    if (!race->weights) race->weights = jd_alloc_array(ctx, n, sizeof *race->weights);
    if (!race->weights) return;
    race->weight_count = n;
    race->weights_solved = solved;
    if (l->advantage) {
        memcpy(race->weights, jd_advantage_weights(l->advantage, NULL), n * sizeof *race->weights);
        return;
    }
    const float *w = jd_params_data(jd_policy_params(l->policy));
    for (size_t i = 0; i < n; i++) race->weights[i] = (double)w[i];
}

rl_learner rl_learner_kept(jd_ctx *ctx, const rl_race *race)
{
    rl_learner l = open_learner(ctx, &race->method, race->seed);
    if (jd_error(ctx) || !race->weights || count_weights(&l) != race->weight_count) return l;
    if (l.advantage) {
        memcpy(jd_advantage_weights(l.advantage, NULL), race->weights, race->weight_count * sizeof *race->weights);
        return l;
    }
    float *w = jd_params_data(jd_policy_params(l.policy));
    for (size_t i = 0; i < race->weight_count; i++) w[i] = (float)race->weights[i];
    return l;
}

/* ---- races -------------------------------------------------------------------------------------------------------------*/

typedef struct test {
    int passed;      /* in a row */
    double begun_at; /* steps at the first of these */
} test;

/* Tests once; true when that was the last one needed. */
static bool examine(const rl_race *race, const rl_learner *l, int64_t steps, rl_outcome *o, test *t)
{
    jd_play_options play = race->test;
    play.seed += (uint64_t)o->points * (uint64_t)(play.episodes ? play.episodes : 1);
    const jd_episodes *e = rl_play(l, &play);
    if (!e) return false;
    o->score = race->score(e);
    o->other = race->other ? race->other(e) : 0;
    if (o->points < RL_POINTS) o->at[(int)o->points++] = o->score;
    if (o->score < race->goal) {
        t->passed = 0;
        return false;
    }
    if (!t->passed++) t->begun_at = (double)steps;
    return t->passed >= race->in_a_row;
}

/* One learner; false when the user stopped it or it failed. */
static bool learn(jd_run *r, rl_race *race, int seed, rl_outcome *o)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_learning at = {0};
    test t = {0};
    bool stop = false, solved = false;
    rl_learner l = open_learner(ctx, &race->method, race->seed + (uint64_t)seed);
    for (int64_t next = race->every; !stop && !solved && !jd_error(ctx) && at.steps < race->budget;) {
        if (l.advantage)
            jd_advantage_train(l.advantage, next - at.steps, &at);
        else
            jd_policy_train(l.policy, &at);
        if (at.steps < next || jd_error(ctx)) continue;
        next = (at.steps / race->every + 1) * race->every;
        solved = examine(race, &l, at.steps, o, &t);
        stop = jd_run_progress(r, (double)at.steps, (double)race->budget, "%s, seed %d: score %.3g", race->method.label,
                               seed + 1, o->score);
    }
    /* Values that run away are a learner that failed, not a run that did. */
    if (jd_error(ctx) == JD_EDIVERGED) {
        jd_run_note(r, "%s, seed %d: %s", race->method.label, seed + 1, jd_error_message(ctx));
        jd_error_clear(ctx);
    }
    if (!stop && !jd_error(ctx)) {
        o->solved = solved ? t.begun_at : 0;
        o->steps = (double)at.steps;
        o->done = 1;
        keep(ctx, race, &l, solved);
        if (solved)
            jd_run_note(r, "%s, seed %d: solved after %.0f steps", race->name, seed + 1, o->solved);
        else
            jd_run_note(r, "%s, seed %d: not solved within %.0f steps; score %.3g", race->name, seed + 1, o->steps,
                        o->score);
    }
    rl_learner_free(&l);
    return !stop && !jd_error(ctx);
}

static void recall(jd_params *book, rl_race *race, const char *outcomes, const char *weights)
{
    const jd_range *w = jd_params_find(book, weights), *o = jd_params_find(book, outcomes);
    if (o) memcpy(race->out, jd_params_get(book, outcomes), (size_t)race->seeds * sizeof *race->out);
    for (int i = 0; i < race->seeds; i++) race->weights_solved |= race->out[i].solved > 0;
    if (w && race->weights)
        memcpy(race->weights, jd_params_get(book, weights), race->weight_count * sizeof *race->weights);
}

bool rl_race_run(jd_run *r, jd_params *book, rl_race *race)
{
    jd_ctx *ctx = jd_run_ctx(r);
    char outcomes[80], weights[80];
    snprintf(outcomes, sizeof outcomes, "%s/outcomes", race->name);
    snprintf(weights, sizeof weights, "%s/weights", race->name);
    if (jd_params_find(book, weights)) {
        race->weight_count = (size_t)jd_type_count(&jd_params_find(book, weights)->type);
        race->weights = jd_alloc_array(ctx, race->weight_count, sizeof *race->weights);
    }
    recall(book, race, outcomes, weights);
    bool whole = !jd_error(ctx);
    const jd_type shape = {JD_F64, 2, {race->seeds, sizeof *race->out / sizeof(double)}};
    for (int i = 0; whole && i < race->seeds; i++) {
        if (race->out[i].done > 0) continue;
        race->out[i] = (rl_outcome){0};
        whole = learn(r, race, i, &race->out[i]);
        if (!whole) break;
        jd_params_set(book, outcomes, &shape, race->out);
        if (race->weights)
            jd_params_set(book, weights, &(jd_type){JD_F64, 1, {(int64_t)race->weight_count}}, race->weights);
        whole = jd_run_save(r, book, 0, false) == JD_OK;
    }
    return whole;
}

void rl_race_free(jd_ctx *ctx, rl_race *race)
{
    jd_free(ctx, race->weights);
    race->weights = NULL;
}

/* ---- numbers and figures -------------------------------------------------------------------------------------------------*/

int rl_solved(const rl_race *race)
{
    int n = 0;
    for (int i = 0; i < race->seeds; i++) n += race->out[i].solved > 0;
    return n;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rl_median(const rl_race *race)
{
    double x[RL_SEEDS];
    const int n = race->seeds;
    for (int i = 0; i < n; i++) x[i] = race->out[i].solved > 0 ? race->out[i].solved : (double)INFINITY;
    qsort(x, (size_t)n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

jd_status rl_inside(jd_ctx *ctx, const rl_learner *l, const rl_race *race, const jd_episodes *e, int64_t i,
                    float **gates, float **cells)
{
    (void)race;
    *gates = *cells = NULL;
    if (!l->policy || jd_error(ctx)) return jd_error(ctx);
    jd_params *w = jd_policy_params(l->policy);
    const float *W = jd_params_get(w, "policy/lstm/W"), *R = jd_params_get(w, "policy/lstm/R");
    const float *b = jd_params_get(w, "policy/lstm/b");
    if (!W || !R || !b) return JD_OK;
    const int64_t T = e->length[i], N = e->input, H = jd_params_find(w, "policy/lstm/b")->type.dim[0] / 4;
    float *h = jd_alloc_array(ctx, (size_t)H, sizeof *h);
    *gates = jd_alloc_array(ctx, (size_t)(T * 4 * H), sizeof **gates);
    *cells = jd_alloc_array(ctx, (size_t)(T * H), sizeof **cells);
    for (int64_t t = 0; t < T && !jd_error(ctx); t++) {
        float *g = *gates + t * 4 * H, *c = *cells + t * H;
        const float *x = e->obs + (t * e->n + i) * N;
        for (int64_t k = 0; k < 4 * H; k++) {
            float sum = b[k];
            for (int64_t j = 0; j < N; j++) sum += W[k * N + j] * x[j];
            for (int64_t j = 0; j < H; j++) sum += R[k * H + j] * h[j];
            g[k] = k / H == 2 ? tanhf(sum) : 1 / (1 + expf(-sum));
        }
        for (int64_t k = 0; k < H; k++) {
            c[k] = g[k] * g[2 * H + k] + (t ? g[H + k] * c[k - H] : 0);
            h[k] = g[3 * H + k] * tanhf(c[k]);
        }
    }
    jd_free(ctx, h);
    return jd_error(ctx);
}

void rl_draw_curves(jd_run *r, const rl_race *race, int races, const char *score, double low, double high,
                    const char *caption)
{
    static double x[RL_POINTS], y[RL_SEEDS * RL_POINTS];
    jd_chart *c = jd_chart_new(jd_run_ctx(r), &(jd_axis){.label = "steps (thousands)", .scale = JD_LOG},
                               &(jd_axis){.label = score, .min = low, .max = high}, 300);
    for (int k = 0; k < races; k++) {
        const rl_race *p = &race[k];
        int most = 0;
        for (int i = 0; i < p->seeds; i++) most = p->out[i].points > most ? (int)p->out[i].points : most;
        for (int t = 0; t < most; t++) {
            x[t] = (double)((t + 1) * p->every) / 1000;
            for (int i = 0; i < p->seeds; i++)
                y[i * most + t] = t < (int)p->out[i].points ? p->out[i].at[t]
                                  : p->out[i].solved > 0    ? p->out[i].at[(int)p->out[i].points - 1]
                                                            : (double)NAN;
        }
        if (most) jd_chart_seeds(c, p->method.label, x, y, (size_t)p->seeds, (size_t)most, 0);
    }
    jd_report_chart(jd_run_report(r), c, caption);
}

void rl_draw_table(jd_run *r, const rl_race *race, int races, const char *other, const char *caption)
{
    const char *const headings[] = {"task", "learner", "solved", "steps, median", "fewest to most", "last test", other};
    enum { COLUMNS = 7, CELL = 64, ROWS = 24 };
    static char text[ROWS * COLUMNS][CELL];
    const char *cells[ROWS * COLUMNS];
    const int columns = other ? COLUMNS : COLUMNS - 1;
    int n = 0;
    for (int k = 0; k < races && k < ROWS; k++) {
        const rl_race *p = &race[k];
        double low = (double)INFINITY, high = 0, score = 0, second = 0;
        for (int i = 0; i < p->seeds; i++) {
            const rl_outcome *o = &p->out[i];
            if (o->solved > 0) low = fmin(low, o->solved), high = fmax(high, o->solved);
            score += o->score / p->seeds;
            second += o->other / p->seeds;
        }
        char(*t)[CELL] = text + n;
        const double middle = rl_median(p);
        snprintf(t[0], CELL, "%s", p->name);
        snprintf(t[1], CELL, "%s", p->method.label);
        snprintf(t[2], CELL, "%d of %d", rl_solved(p), p->seeds);
        snprintf(t[3], CELL, isfinite(middle) ? "%.0f" : "-", middle);
        snprintf(t[4], CELL, high > 0 ? "%.0f to %.0f" : "-", low, high);
        snprintf(t[5], CELL, "%.4g", score);
        snprintf(t[6], CELL, "%.4g", second);
        for (int i = 0; i < columns; i++) cells[n + i] = t[i];
        n += columns;
    }
    jd_report_table(jd_run_report(r), headings, cells, (size_t)(n / columns), (size_t)columns, caption);
}

void rl_save(jd_run *r, const rl_race *race)
{
    jd_ctx *ctx = jd_run_ctx(r);
    rl_learner l = rl_learner_kept(ctx, race);
    jd_run_config(r, "learner", race->method.label);
    if (l.policy && !jd_error(ctx)) jd_run_save(r, jd_policy_params(l.policy), 0, true);
    rl_learner_free(&l);
}
