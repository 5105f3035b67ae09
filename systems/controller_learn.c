/* controller_learn.c - how M and C learn each of the three tasks, and how they are tested; see controller.h. */
#include <math.h>
#include <string.h>

#include "controller.h"

/* The streams of episodes: for learning, for choosing, for testing. */
static const char LEARN[] = "controller/learn", CHOOSE[] = "controller/choose", TEST[] = "controller/test";

static uint64_t seed_of(const jd_run *r, int i)
{
    return 1000 * jd_run_seed(r) + (uint64_t)i;
}

/* A pair whose first weights are those of seed i. */
static jd_status begin(jd_run *r, cm_pair *p, const cm_options *o, int i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t was = jd_ctx_seed(ctx);
    jd_ctx_set_seed(ctx, seed_of(r, i));
    const jd_status status = cm_pair_new(ctx, p, o, JD_F32);
    jd_ctx_set_seed(ctx, was);
    return status;
}

static int point_of(int update, int updates)
{
    const int every = (updates + CM_POINTS - 1) / CM_POINTS;
    return update % every == every - 1 ? update / every : -1;
}

/* ---- flip-flop ------------------------------------------------------------------------------------------------------------*/

static double test_flipflop(cm_pair *p, cm_play *e, uint64_t seed)
{
    double right = 0;
    if (cm_play_run(p, e, CM_GREEDY, seed, TEST, 0)) return (double)NAN;
    for (int64_t t = 0; t < e->T; t++)
        for (int64_t b = 0; b < e->B; b++) right += (e->a[t * e->B + b] > .5f) == (e->state[(t * e->B + b) * 5] > .5);
    return right / (double)(e->T * e->B);
}

static void show_flipflop(const cm_pair *p, const cm_play *e, cm_flipflop *f)
{
    for (int64_t t = 0; t < CM_SHOWN && t < e->T; t++) {
        const int64_t at = t * e->B;
        const float *x = e->x + at * p->seen;
        const float row[8] = {x[0], x[1], x[2], (float)e->state[at * 5], e->a[at], e->o[at], e->told[at], 0};
        memcpy(f->shown[t], row, sizeof row);
    }
}

/* M or C, or both, learn from `updates` batches of new episodes. */
static bool learn_flipflop(jd_run *r, cm_pair *p, cm_play *e, cm_flipflop *f, int way, int i, int updates, bool model,
                           bool controller, uint64_t *next)
{
    float ones[32 * 32];
    for (size_t k = 0; k < sizeof ones / sizeof *ones; k++) ones[k] = 1;
    double pain = 0;
    int n = 0;
    for (int u = 0; u < updates && !jd_error(p->ctx); u++, *next += (uint64_t)e->B) {
        cm_play_run(p, e, controller ? CM_NOISY : CM_RANDOM, seed_of(r, i), LEARN, *next);
        if (model) cm_fit(p, e->x, e->a, e->o, ones, e->T, e->B, jd_run_setting(r, "flipflop_rate_m"));
        if (!controller) continue;
        cm_improve(p, e->x, e->T, e->hc, e->hm, e->noise, e->T, e->B, jd_run_setting(r, "flipflop_rate_c"), 0, NULL,
                   NULL);
        for (int64_t k = 0; k < e->T * e->B; k++) pain += e->o[k] / (double)(e->T * e->B);
        n++;
        const int point = point_of(u, updates);
        if (point < 0) continue;
        f->points = point + 1 > f->points ? point + 1 : f->points;
        f->x[point] = u + 1;
        f->curve[way][i * CM_POINTS + point] = pain / n;
        pain = n = 0;
        if (jd_run_progress(r, u, updates, "pain %.3f", f->curve[way][i * CM_POINTS + point])) return false;
    }
    return true;
}

jd_status cm_flipflop_learn(jd_run *r, cm_flipflop *f, int i)
{
    enum { T = 20, B = 8 };
    jd_ctx *ctx = jd_run_ctx(r);
    const cm_options o = {.task = CM_FLIPFLOP, .controller = 16, .model = 16};
    const int updates = (int)jd_run_setting(r, "flipflop_updates"), warm = (int)jd_run_setting(r, "flipflop_warm");
    bool whole = true;
    for (int way = 0; way < CM_WAYS && whole && !jd_error(ctx); way++) {
        cm_pair p = {0};
        cm_play e = {0}, test = {0};
        uint64_t next = 0;
        jd_run_stage(r, "flip-flop, %s, seed %d of %d", way ? "in parallel" : "M first", i + 1, f->seeds);
        if (!begin(r, &p, &o, i) && !cm_play_new(ctx, &e, &p, T, B) &&
            !cm_play_new(ctx, &test, &p, CM_SHOWN, CM_TESTS)) {
            e.sigma = jd_run_setting(r, "flipflop_noise");
            whole = learn_flipflop(r, &p, &e, f, way, i, way ? warm : updates, true, false, &next) &&
                    learn_flipflop(r, &p, &e, f, way, i, updates, way == CM_PARALLEL, true, &next);
            f->bits[way][i] = test_flipflop(&p, &test, seed_of(r, i));
            if (!i && way) show_flipflop(&p, &test, f);
        }
        cm_play_free(ctx, &e);
        cm_play_free(ctx, &test);
        cm_pair_free(&p);
    }
    if (!jd_error(ctx) && whole)
        jd_run_note(r, "flip-flop, seed %d: %.2f %% of bits right, in parallel %.2f %%", i + 1, 100 * f->bits[0][i],
                    100 * f->bits[1][i]);
    return whole ? jd_error(ctx) : jd_run_stopped(r);
}

/* ---- pole --------------------------------------------------------------------------------------------------------------------*/

enum { OWN = 16, OWN_STEPS = 200, PLANNED = 16, CHOICES = 30, ROWS = 8, LOOK = 100, AGAIN = 25 };

typedef struct pole_work {
    jd_run *r;
    cm_pair p;
    cm_play random, own, planned, choose, prove, test;
    cm_pool pool;
    void *best; /* C's weights */
    double best_steps;
    uint64_t next;
    int i;
} pole_work;

static double fit_pole(pole_work *w, const char *updates, const char *window, uint64_t batch)
{
    return cm_pool_fit(&w->p, &w->pool, (int)jd_run_setting(w->r, updates), (int64_t)jd_run_setting(w->r, window), 32,
                       jd_run_setting(w->r, "pole_rate_m"), seed_of(w->r, w->i), batch);
}

/* C learns in M's dreams that begin at places of its own last episodes. */
static void dream_pole(pole_work *w, jd_rng *rng)
{
    cm_pair *p = &w->p;
    const cm_play *e = &w->own;
    const int64_t T = (int64_t)jd_run_setting(w->r, "pole_dream"), C = p->o.controller, M = p->memory;
    float x[ROWS * 2], hc[ROWS * 64], hm[ROWS * 64], noise[400 * ROWS] = {0};
    for (int b = 0; b < ROWS; b++) {
        const int64_t who = jd_rng_below(rng, OWN);
        const int64_t at = jd_rng_below(rng, (uint32_t)e->length[who]) * e->B + who;
        memcpy(x + b * 2, e->x + at * 2, 2 * sizeof *x);
        memcpy(hc + b * C, e->hc + at * C, (size_t)C * sizeof *hc);
        memcpy(hm + b * M, e->hm + at * M, (size_t)M * sizeof *hm);
    }
    cm_improve(p, x, 1, hc, hm, noise, T, ROWS, jd_run_setting(w->r, "pole_rate_c"), 0, NULL, NULL);
}

static double choose_pole(pole_work *w)
{
    if (cm_play_run(&w->p, &w->choose, CM_GREEDY, seed_of(w->r, w->i), CHOOSE, 0)) return -1;
    const double steps = cm_play_mean(&w->choose);
    if (steps > w->best_steps) {
        w->best_steps = steps;
        memcpy(w->best, jd_params_data(w->p.controller), jd_params_count(w->p.controller) * sizeof(float));
    }
    return steps;
}

static bool cycle_pole(pole_work *w, cm_pole *f, int cycle)
{
    cm_pair *p = &w->p;
    const uint64_t seed = seed_of(w->r, w->i);
    const int updates = (int)jd_run_setting(w->r, "pole_updates");
    jd_rng rng = jd_rng_new(seed, "controller/dreams", (uint64_t)cycle);
    double steps = 0;
    for (int u = 0; u < updates && !jd_error(p->ctx); u++) {
        if (u % AGAIN == 0) {
            cm_play_run(p, &w->own, CM_NOISY, seed, LEARN, w->next);
            cm_pool_add(p, &w->pool, &w->own);
            w->next += OWN;
        }
        dream_pole(w, &rng);
        if (u % LOOK == LOOK - 1 || u == updates - 1) steps = fmax(steps, choose_pole(w));
    }
    f->curve[w->i * CM_CYCLES + cycle] = steps;
    f->done[w->i] = cycle + 1;
    return !jd_run_progress(w->r, cycle + 1, f->cycles, "%.0f steps", steps);
}

static void plans(const jd_run *r, cm_play *e)
{
    e->horizon = (int)jd_run_setting(r, "plan_horizon");
    e->rounds = (int)jd_run_setting(r, "plan_rounds");
    e->rate = jd_run_setting(r, "plan_rate");
}

/* How long plans hold the pole on the episodes for choosing; the M that holds it longest is kept in `best`. */
static double choose_plans(pole_work *w, float *best, double *best_steps)
{
    plans(w->r, &w->prove);
    if (cm_play_run(&w->p, &w->prove, CM_PLAN, seed_of(w->r, w->i), CHOOSE, CHOICES)) return -1;
    const double steps = cm_play_mean(&w->prove);
    if (steps > *best_steps) {
        *best_steps = steps;
        memcpy(best, jd_params_data(w->p.model), jd_params_count(w->p.model) * sizeof *best);
    }
    return steps;
}

/* Plans find what M gets wrong: it learns from what came of them, and they are made anew, until all episodes for choosing
 * are whole.  M learns from longer windows than C's dreams need: with its memory of a few dozen steps a plan loses sight of
 * how slowly the cart drifts, and reaches the end of the track after some hundreds. */
static bool refresh_plans(pole_work *w, cm_pole *f)
{
    cm_pair *p = &w->p;
    const int cycles = (int)jd_run_setting(w->r, "plan_cycles");
    const size_t n = jd_params_count(p->model);
    float *best = jd_alloc_array(p->ctx, n, sizeof *best);
    double best_steps = -1;
    bool whole = true;
    plans(w->r, &w->planned);
    w->planned.explore = true;
    for (int k = 0; whole && k < cycles && best_steps < CM_POLE_STEPS && !jd_error(p->ctx); k++) {
        cm_play_run(p, &w->planned, CM_PLAN, seed_of(w->r, w->i), LEARN, w->next);
        cm_pool_add(p, &w->pool, &w->planned);
        w->next += PLANNED;
        f->error[w->i * CM_CYCLES + f->done[w->i]] = fit_pole(w, "pole_refresh", "plan_window", 100 + (uint64_t)k);
        const double steps = choose_plans(w, best, &best_steps);
        f->plan_cycles[w->i] = k + 1;
        whole = !jd_run_progress(w->r, k + 1, cycles, "planning %.0f steps", steps);
    }
    if (!jd_error(p->ctx) && best_steps >= 0) memcpy(jd_params_data(p->model), best, n * sizeof *best);
    jd_free(p->ctx, best);
    return whole;
}

/* What C does alone, planning does alone, and both do, on the same 30 episodes. */
static void test_pole(pole_work *w, cm_pole *f)
{
    static const cm_how how[CM_ACTORS] = {CM_GREEDY, CM_PLAN, CM_BOTH};
    cm_play *e = &w->test;
    plans(w->r, e);
    for (int k = 0; k < CM_ACTORS && !jd_error(w->p.ctx); k++) {
        if (cm_play_run(&w->p, e, how[k], seed_of(w->r, w->i), TEST, 0)) return;
        f->steps[k][w->i] = cm_play_mean(e);
        f->least[k][w->i] = CM_POLE_STEPS;
        for (int64_t b = 0; b < e->B; b++) {
            f->whole[k][w->i] += e->length[b] == CM_POLE_STEPS;
            f->least[k][w->i] = fmin(f->least[k][w->i], e->length[b]);
        }
        if (w->i) continue;
        f->path[k] = jd_alloc_array(w->p.ctx, CM_POLE_STEPS * 5, sizeof *f->path[k]);
        f->force[k] = jd_alloc_array(w->p.ctx, CM_POLE_STEPS, sizeof *f->force[k]);
        f->length[k] = e->length[0];
        for (int t = 0; f->path[k] && f->force[k] && t < e->length[0]; t++) {
            memcpy(f->path[k] + 5 * t, e->state + (int64_t)t * e->B * 5, 5 * sizeof *e->state);
            f->force[k][t] = e->a[t * e->B];
        }
    }
}

/* What M foresees of C's test episode from step 10 on, C acting in the dream, beside what came. */
static void foresee_pole(pole_work *w, cm_pole *f)
{
    enum { FROM = 10 };
    cm_pair *p = &w->p;
    const cm_play *e = &w->test;
    const float zero[CM_DREAM] = {0}, *told;
    if (cm_play_run(p, &w->test, CM_GREEDY, seed_of(w->r, w->i), TEST, 0) || e->length[0] < FROM + CM_DREAM) return;
    const int64_t at = FROM * e->B;
    float x[2] = {e->x[2 * at], e->x[2 * at + 1]};
    if (!isfinite(cm_improve(p, x, 1, e->hc + at * p->o.controller, e->hm + at * p->memory, zero, CM_DREAM, 1, 0, 0,
                             NULL, &told)))
        return;
    for (int t = 0; t < CM_DREAM; t++)
        for (int k = 0; k < 2; k++) {
            f->dream[t][k] = x[k];
            f->dream[t][2 + k] = e->x[2 * (at + t * e->B) + k];
            x[k] += told[2 * t + k] / CM_CHANGE[k];
        }
}

static jd_status rooms_pole(pole_work *w)
{
    jd_ctx *ctx = w->p.ctx;
    if (cm_play_new(ctx, &w->random, &w->p, 150, 30) || cm_play_new(ctx, &w->own, &w->p, OWN_STEPS, OWN) ||
        cm_play_new(ctx, &w->planned, &w->p, CM_POLE_STEPS, PLANNED) ||
        cm_play_new(ctx, &w->choose, &w->p, CM_POLE_STEPS, CHOICES) ||
        cm_play_new(ctx, &w->prove, &w->p, CM_POLE_STEPS, (int64_t)jd_run_setting(w->r, "plan_choose")) ||
        cm_play_new(ctx, &w->test, &w->p, CM_POLE_STEPS, CM_TESTS))
        return jd_error(ctx);
    w->best = jd_alloc_array(ctx, jd_params_count(w->p.controller), sizeof(float));
    return jd_error(ctx);
}

/* The first data are random; then M and C learn in turns, M from what C did as well.  Ends early when all episodes for
 * choosing were whole. */
static bool learn_pole(pole_work *w, cm_pole *f)
{
    cm_pair *p = &w->p;
    jd_run *r = w->r;
    const uint64_t seed = seed_of(r, w->i);
    const int batches = (int)jd_run_setting(r, "pole_random") / 30;
    for (int k = 0; k < batches && !jd_error(p->ctx); k++, w->next += 30) {
        cm_play_run(p, &w->random, CM_RANDOM, seed, LEARN, w->next);
        cm_pool_add(p, &w->pool, &w->random);
    }
    for (int cycle = 0; cycle < f->cycles && !jd_error(p->ctx) && w->best_steps < CM_POLE_STEPS; cycle++) {
        f->error[w->i * CM_CYCLES + cycle] =
            fit_pole(w, cycle ? "pole_refresh" : "pole_fit", "pole_window", (uint64_t)cycle);
        if (!cycle_pole(w, f, cycle)) return false;
    }
    if (!jd_error(p->ctx))
        memcpy(jd_params_data(p->controller), w->best, jd_params_count(p->controller) * sizeof(float));
    return true;
}

jd_status cm_pole_learn(jd_run *r, cm_pole *f, int i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const cm_options o = {.task = CM_POLE, .controller = 16, .model = 32};
    pole_work w = {.r = r, .i = i};
    bool whole = true;
    jd_run_stage(r, "pole, seed %d of %d", i + 1, f->seeds);
    if (!begin(r, &w.p, &o, i) && !rooms_pole(&w)) {
        w.own.sigma = w.planned.sigma = jd_run_setting(r, "pole_noise");
        whole = learn_pole(&w, f) && refresh_plans(&w, f);
        if (whole) test_pole(&w, f);
        if (whole && !i) foresee_pole(&w, f);
    }
    if (!jd_error(ctx) && whole)
        jd_run_note(
            r,
            "pole, seed %d: C %.0f steps (%.0f of 30 whole), planning %.0f (%.0f), both %.0f (%.0f); %d cycles, "
            "%d of plans",
            i + 1, f->steps[0][i], f->whole[0][i], f->steps[1][i], f->whole[1][i], f->steps[2][i], f->whole[2][i],
            f->done[i], f->plan_cycles[i]);
    cm_play *all[] = {&w.random, &w.own, &w.planned, &w.choose, &w.prove, &w.test};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) cm_play_free(ctx, all[k]);
    cm_pool_free(ctx, &w.pool);
    jd_free(ctx, w.best);
    cm_pair_free(&w.p);
    return whole ? jd_error(ctx) : jd_run_stopped(r);
}

/* ---- maze --------------------------------------------------------------------------------------------------------------------*/

enum { PLAYED = 64, DREAMT = 32 };

/* Both flags once, the likeliest actions: for how many the goal is found. */
static int found_maze(cm_pair *p, cm_play *e, uint64_t seed, const char *stream)
{
    int right = 0;
    if (cm_play_run(p, e, CM_GREEDY, seed, stream, 0)) return 0;
    for (int64_t k = 0; k < e->T * e->B; k++) right += e->o[k * p->told + CM_SEEN] > 1;
    return right;
}

/* C acts in M's dreams: from the first picture on it sees what M says.  Now and then it acts in the maze as well (e), and is
 * done as soon as it finds the goal for both flags: dreams go on to find what M has wrong. */
static bool learn_maze(jd_run *r, cm_pair *p, cm_play *e, cm_maze *f, int kind, int i, int updates, int done, int all)
{
    jd_rng rng = jd_rng_new(seed_of(r, i), "controller/draws", (uint64_t)done);
    const float none[DREAMT * 128] = {0};
    float x[DREAMT * CM_SEEN], noise[CM_MAZE_STEPS * DREAMT * CM_ACTIONS];
    for (int u = done; u < done + updates && !jd_error(p->ctx); u++) {
        cm_world w;
        for (int b = 0; b < DREAMT; b++) cm_begin(&w, CM_MAZE, 0, LEARN, (uint64_t)b, x + b * CM_SEEN);
        for (size_t k = 0; k < sizeof noise / sizeof *noise; k++)
            noise[k] = (float)-log(-log(jd_rng_uniform64(&rng) + 1e-12) + 1e-12);
        const double J = cm_improve(
            p, x, 1, none, none, noise, CM_MAZE_STEPS, DREAMT, jd_run_setting(r, "maze_rate_c"),
            jd_run_setting(r, "maze_heat") * fmax(jd_run_setting(r, "maze_floor"), 1 - 1.25 * u / all), NULL, NULL);
        if (u % LOOK == LOOK - 1 && found_maze(p, e, seed_of(r, i), CHOOSE) == 2) return true;
        const int point = point_of(u, all);
        if (point < 0) continue;
        f->points = point + 1 > f->points ? point + 1 : f->points;
        f->x[point] = u + 1;
        f->curve[kind][i * CM_POINTS + point] = -J * CM_MAZE_STEPS;
        if (jd_run_progress(r, u, all, "dreamt reward %.2f", -J * CM_MAZE_STEPS)) return false;
    }
    return true;
}

/* What C does, and M expects, in the first seed's test is kept to be shown. */
static void test_maze(cm_pair *p, cm_play *e, cm_maze *f, int kind, int i, uint64_t seed)
{
    f->right[kind][i] = found_maze(p, e, seed, TEST);
    for (int b = 0; b < 2 && !i && kind == CM_HARD; b++) {
        int t = 0, end = CM_MAZE_STEPS;
        for (; t < CM_MAZE_STEPS; t++) {
            const int64_t at = t * e->B + b;
            const double reward = e->o[at * p->told + CM_SEEN];
            f->path[b][t] = (int)e->state[at * 5];
            f->got[b][t] = (float)reward;
            f->told[b][t] = e->told[at * p->told + CM_SEEN];
            if (fabs(reward) > 1) end = t + 1;
        }
        f->length[b] = end;
        f->row[b] = end < CM_MAZE_STEPS ? (int)e->state[(end * e->B + b) * 5 + 1] : 0;
    }
}

/* M learns moves first, and then, to be of use between them, moves with noise. */
static double fit_maze(jd_run *r, cm_pair *p, cm_pool *pool, int cycle, uint64_t seed)
{
    const double rate = jd_run_setting(r, "maze_rate_m");
    const int exact = cycle ? 0 : (int)jd_run_setting(r, "maze_fit");
    cm_pool_fit(p, pool, exact, CM_MAZE_STEPS, 64, rate, seed, 2 * (uint64_t)cycle);
    pool->blur = jd_run_setting(r, "maze_blur");
    const double error = cm_pool_fit(p, pool, (int)jd_run_setting(r, "maze_refresh"), CM_MAZE_STEPS, 64, rate / 2, seed,
                                     2 * (uint64_t)cycle + 1);
    pool->blur = 0;
    return error;
}

/* The soft C acts softly in dreams only; in the maze it moves by its likeliest action, and M learns from moves. */
static bool kind_maze(jd_run *r, cm_maze *f, int kind, int i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const cm_options o = {.task = CM_MAZE,
                          .controller = 16,
                          .model = (int)jd_run_setting(r, "maze_units"),
                          .lstm = true,
                          .soft = kind == CM_SOFT};
    const int cycles = (int)jd_run_setting(r, "maze_cycles"), updates = (int)jd_run_setting(r, "maze_updates");
    const uint64_t seed = seed_of(r, i);
    cm_pair p = {0};
    cm_play e = {0}, test = {0};
    cm_pool pool = {0};
    bool whole = true;
    uint64_t next = 0;
    if (!begin(r, &p, &o, i) && !cm_play_new(ctx, &e, &p, CM_MAZE_STEPS, PLAYED) &&
        !cm_play_new(ctx, &test, &p, CM_MAZE_STEPS, 2)) {
        for (int k = 0; k < (int)jd_run_setting(r, "maze_random") / PLAYED; k++, next += PLAYED) {
            cm_play_run(&p, &e, CM_RANDOM, seed, LEARN, next);
            cm_pool_add(&p, &pool, &e);
        }
        for (int c = 0; c < cycles && whole && !jd_error(ctx) && found_maze(&p, &test, seed, CHOOSE) < 2; c++) {
            f->error[i] = fit_maze(r, &p, &pool, c, seed);
            whole = learn_maze(r, &p, &test, f, kind, i, updates, c * updates, cycles * updates);
            for (int k = 0; k < 4; k++, next += PLAYED) {
                cm_play_run(&p, &e, CM_NOISY, seed, LEARN, next);
                cm_pool_add(&p, &pool, &e);
            }
        }
        if (whole) test_maze(&p, &test, f, kind, i, seed);
    }
    cm_play_free(ctx, &e);
    cm_play_free(ctx, &test);
    cm_pool_free(ctx, &pool);
    cm_pair_free(&p);
    return whole;
}

jd_status cm_maze_learn(jd_run *r, cm_maze *f, int i)
{
    jd_ctx *ctx = jd_run_ctx(r);
    for (int kind = 0; kind < (i < CM_SOFT_SEEDS ? CM_KINDS : CM_SOFT) && !jd_error(ctx); kind++) {
        jd_run_stage(r, "maze, %s, seed %d of %d", kind ? "soft actions" : "straight-through", i + 1, f->seeds);
        if (!kind_maze(r, f, kind, i)) return jd_run_stopped(r);
    }
    if (!jd_error(ctx))
        jd_run_note(r, "maze, seed %d: %.0f of 2 flags; M's error %.4f", i + 1, f->right[CM_HARD][i], f->error[i]);
    return jd_error(ctx);
}
