/*
 * curiosity_runs.c - learners with different rewards in the worlds of curiosity_worlds.h.
 *
 * In one world all learners have the same model, the same controller and the same chances; they differ in the reward alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curiosity.h"

/* ---- what every experiment needs -----------------------------------------------------------------------------------------*/

uint64_t cu_seed(const jd_run *r, int i)
{
    return jd_run_seed(r) * CU_SEED_STRIDE + 1 + (uint64_t)i;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void cu_sort(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
}

double cu_quantile(const double *v, int n, double q)
{
    double s[CU_SEEDS];
    memcpy(s, v, (size_t)n * sizeof *s);
    cu_sort(s, n);
    const double at = q * (n - 1);
    const int i = (int)at;
    if (at <= i || i + 1 >= n || s[i] >= s[i + 1]) return s[i];
    return s[i] + (at - i) * (s[i + 1] - s[i]);
}

void cu_world_free(jd_ctx *ctx, cu_world *w)
{
    for (int a = 0; a < w->agents; a++)
        for (int k = 0; k < CW_REGIONS; k++) jd_free(ctx, w->agent[a].curve[k]);
}

static bool begin(jd_run *r, cu_world *w, const char *const label[CU_AGENTS], const char *seeds, int64_t steps,
                  int curves)
{
    jd_ctx *ctx = jd_run_ctx(r);
    *w = (cu_world){.seeds = (int)jd_run_setting(r, seeds), .agents = CU_AGENTS, .steps = (double)steps};
    for (int p = 0; p < CU_POINTS; p++) w->x[p] = (double)(steps * (p + 1) / CU_POINTS);
    for (int a = 0; a < CU_AGENTS; a++) {
        w->agent[a].label = label[a];
        for (int k = 0; k < curves; k++)
            w->agent[a].curve[k] = jd_alloc_array(ctx, (size_t)w->seeds * CU_POINTS, sizeof(double));
    }
    return !jd_error(ctx);
}

/* The point of the curves that step t (from 0) ends, or -1. */
static int point(const cu_world *w, int64_t t)
{
    const int64_t steps = (int64_t)w->steps, p = (t + 1) * CU_POINTS / steps;
    return p > t * CU_POINTS / steps ? (int)p - 1 : -1;
}

/* What the papers leave open, the same for all rewards in a world; chosen with seeds that are not judged.  M's share of the
 * way, K's, the controller's, its discount, the value at its start, its random actions. */
typedef struct tuning {
    double rate, trust, q_rate, discount, start, explore;
} tuning;
static const tuning grid_tuning = {.05, .3, .3, .9, .3, .01}, maze_tuning = {.3, .3, .3, .9, 3, .01},
                    markov_tuning = {0, 0, 1, .3, 2, 0};

static cr_q controller(jd_ctx *ctx, const tuning *t, int states, int actions)
{
    cr_q q = cr_q_new(ctx, states, actions, t->start);
    q.rate = t->q_rate;
    q.discount = t->discount;
    q.explore = t->explore;
    return q;
}

static cr_model model(jd_ctx *ctx, const tuning *t, int entries, int width, double guess, double doubt)
{
    cr_model m = cr_model_new(ctx, entries, width, guess, doubt);
    m.rate = t->rate;
    m.trust = t->trust;
    return m;
}

static bool each(jd_run *r, cu_world *w, bool (*one)(jd_run *, cu_world *, int, int))
{
    for (int s = 0; s < w->seeds; s++)
        for (int a = 0; a < w->agents; a++) {
            if (!one(r, w, a, s)) return false;
            if (jd_run_progress(r, s * w->agents + a + 1, w->seeds * w->agents, "%s", w->agent[a].label)) return false;
        }
    return true;
}

/* ---- A: three regions ------------------------------------------------------------------------------------------------------*/

/* Softmax of what each region promises, and now and then any. */
static int choose_region(const double value[CW_REGIONS], jd_rng *r)
{
    const double SHARPNESS = 30, ANY = 0.02;
    double p[CW_REGIONS], most = fmax(value[0], fmax(value[1], value[2])), sum = 0;
    if (jd_rng_uniform64(r) < ANY) return (int)jd_rng_below(r, CW_REGIONS);
    for (int k = 0; k < CW_REGIONS; k++) sum += p[k] = exp(SHARPNESS * (value[k] - most));
    double at = jd_rng_uniform64(r) * sum;
    for (int k = 0; k < CW_REGIONS - 1; k++)
        if ((at -= p[k]) < 0) return k;
    return CW_REGIONS - 1;
}

static bool one_of_regions(jd_run *r, cu_world *w, int agent, int seed)
{
    enum { BURN_IN = 200 };
    jd_ctx *ctx = jd_run_ctx(r);
    cu_agent *a = &w->agent[agent];
    cw_regions world;
    cw_regions_new(&world, cu_seed(r, seed));
    jd_rng chance = jd_rng_new(cu_seed(r, seed), "curiosity/regions", (uint64_t)agent);
    cr_model m = cr_model_new(ctx, CW_REGIONS * CW_CONTEXTS, 1, 0, 0);
    m.rate = 0.05;
    cr_window window[CW_REGIONS] = {{.n = 0}};
    double block[CW_REGIONS] = {0}, value[CW_REGIONS];
    for (int64_t t = 0; !jd_error(ctx) && t < (int64_t)w->steps; t++) {
        for (int k = 0; k < CW_REGIONS; k++) {
            const double progress = cr_window_progress(&window[k]);
            value[k] = agent == CU_A_ERROR         ? cr_window_error(&window[k])
                       : agent == CU_A_IMPROVEMENT ? fmax(0, progress)
                                                   : progress;
        }
        const bool any = t < BURN_IN || agent == CU_A_RANDOM;
        const int region = any ? (int)jd_rng_below(&chance, CW_REGIONS) : choose_region(value, &chance);
        int context;
        const double x = cw_regions_visit(&world, region, &context);
        cr_window_add(&window[region], cr_model_learn(&m, region * CW_CONTEXTS + context, &x).error);
        a->visits[seed][region]++;
        block[region]++;
        const int p = point(w, t);
        for (int k = 0; p >= 0 && k < CW_REGIONS; k++) {
            a->curve[k][seed * CU_POINTS + p] = block[k] / (block[0] + block[1] + block[2]);
            if (k == CW_REGIONS - 1) memset(block, 0, sizeof block);
        }
    }
    cr_model_free(&m);
    return !jd_error(ctx);
}

bool cu_regions(jd_run *r, cu_world *w)
{
    static const char *const label[CU_AGENTS] = {"random", "error", "signed improvement", "improvement"};
    jd_run_stage(r, "three regions");
    return begin(r, w, label, "seeds", (int64_t)jd_run_setting(r, "region_steps"), CW_REGIONS) &&
           each(r, w, one_of_regions);
}

/* ---- B: the grid ------------------------------------------------------------------------------------------------------------*/

/* The model's error about one cell that can be predicted: the mean over the sides from which it can be entered. */
static double cell_error(const cw_grid *g, const cr_model *m, int cell)
{
    double sum = 0;
    int sides = 0;
    for (int k = 0; k < CW_WAYS; k++) {
        if (cw_grid_neighbour(cell, k) < 0) continue;
        double x[CW_SYMBOLS] = {0};
        x[g->symbol[cell][k]] = 1;
        sum += cr_model_error(m, cell * CW_WAYS + k, x);
        sides++;
    }
    return sum / sides;
}

static double grid_error(const cw_grid *g, const cr_model *m, double each[CW_CELLS])
{
    double sum = 0;
    for (int c = 0; c < CW_CELLS; c++) {
        each[c] = g->kind[c] == CW_RANDOM ? 0 : cell_error(g, m, c);
        sum += each[c];
    }
    return sum;
}

static double reward(int agent, cr_step s)
{
    return agent == CU_ERROR ? s.error : agent == CU_IMPROVEMENT ? s.improvement : 0;
}

static bool one_of_grid(jd_run *r, cu_world *w, int agent, int seed)
{
    jd_ctx *ctx = jd_run_ctx(r);
    cu_agent *a = &w->agent[agent];
    const double guess = 1. / CW_SYMBOLS, doubt = 1 - guess; /* the squared error of the even guess */
    cw_grid g;
    cw_grid_new(&g, cu_seed(r, seed));
    jd_rng chance = jd_rng_new(cu_seed(r, seed), "curiosity/grid-actions", (uint64_t)agent);
    cr_model m = model(ctx, &grid_tuning, CW_CELLS * CW_WAYS, CW_SYMBOLS, guess, doubt);
    cr_q q = controller(ctx, &grid_tuning, CW_CELLS * CW_WAYS, CW_GRID_ACTIONS);
    double each_error[CW_CELLS], looks = 0, at_random = 0;
    double E = jd_error(ctx) ? 0 : grid_error(&g, &m, each_error);
    const double E0 = E;
    a->reached[seed] = (double)INFINITY;
    for (int64_t t = 0; !jd_error(ctx) && t < (int64_t)w->steps; t++) {
        const int s = cw_grid_state(&g);
        const int action =
            agent == CU_RANDOM ? (int)jd_rng_below(&chance, CW_GRID_ACTIONS) : cr_q_choose(&q, s, &chance);
        const int symbol = cw_grid_step(&g, action);
        cr_step step = {0};
        if (symbol >= 0) {
            double x[CW_SYMBOLS] = {0};
            x[symbol] = 1;
            step = cr_model_learn(&m, s, x);
            looks++;
            at_random += g.kind[g.cell] == CW_RANDOM;
            if (!seed && t < (int64_t)w->steps / CU_MAP_PART) a->map[g.cell]++;
            if (g.kind[g.cell] != CW_RANDOM) {
                E -= each_error[g.cell];
                E += each_error[g.cell] = cell_error(&g, &m, g.cell);
            }
            if (isinf(a->reached[seed]) && E < .1 * E0) a->reached[seed] = (double)(t + 1);
        }
        cr_q_learn(&q, s, action, reward(agent, step), cw_grid_state(&g));
        const int p = point(w, t);
        if (p >= 0) a->curve[0][seed * CU_POINTS + p] = 100 * E / E0;
    }
    a->share[seed] = looks > 0 ? at_random / looks : 0;
    cr_model_free(&m);
    cr_q_free(&q);
    return !jd_error(ctx);
}

static const char *const by_error[CU_AGENTS] = {"random actions", "error", "no reward", "improvement"};

bool cu_grid(jd_run *r, cu_world *w)
{
    jd_run_stage(r, "the grid of symbols");
    return begin(r, w, by_error, "seeds", (int64_t)jd_run_setting(r, "grid_steps"), 1) && each(r, w, one_of_grid);
}

/* ---- C: the maze --------------------------------------------------------------------------------------------------------------*/

static bool one_of_maze(jd_run *r, cu_world *w, int agent, int seed)
{
    enum { LATE = 4 }; /* the last quarter */
    jd_ctx *ctx = jd_run_ctx(r);
    cu_agent *a = &w->agent[agent];
    const double doubt = CW_PIXELS / 4.; /* of an even guess about every pixel */
    cw_maze z;
    cw_maze_new(&z, cu_seed(r, seed));
    jd_rng chance = jd_rng_new(cu_seed(r, seed), "curiosity/maze-actions", (uint64_t)agent);
    cr_model m = model(ctx, &maze_tuning, CW_ROOMS * CW_MAZE_ACTIONS, CW_PIXELS, .5, doubt);
    cr_q q = controller(ctx, &maze_tuning, CW_ROOMS, CW_MAZE_ACTIONS);
    bool been[CW_ROOMS] = {false};
    const int64_t steps = (int64_t)w->steps, late = steps - steps / LATE;
    int rooms = 1;
    double block = 0, watched = 0, blocks = 0;
    been[z.room] = true;
    for (int64_t t = 0; !jd_error(ctx) && t < steps; t++) {
        const int s = z.room;
        const int action =
            agent == CU_RANDOM ? (int)jd_rng_below(&chance, CW_MAZE_ACTIONS) : cr_q_choose(&q, s, &chance);
        uint8_t seen[CW_PIXELS];
        double x[CW_PIXELS];
        const bool screen = cw_maze_step(&z, action, seen);
        for (int i = 0; i < CW_PIXELS; i++) x[i] = seen[i];
        cr_step step = cr_model_learn(&m, s * CW_MAZE_ACTIONS + action, x);
        cr_q_learn(&q, s, action, reward(agent, step) / doubt, z.room);
        if (!been[z.room]) been[z.room] = true, rooms++;
        if (!seed) a->map[z.room]++;
        block += screen, blocks++;
        if (t >= late) watched += screen;
        const int p = point(w, t);
        if (p >= 0) {
            a->curve[0][seed * CU_POINTS + p] = 100. * rooms / CW_ROOMS;
            a->curve[1][seed * CU_POINTS + p] = 100 * block / blocks;
            block = blocks = 0;
        }
    }
    a->share[seed] = watched / (double)(steps - late);
    a->cover[seed] = (double)rooms / CW_ROOMS;
    cr_model_free(&m);
    cr_q_free(&q);
    return !jd_error(ctx);
}

bool cu_maze(jd_run *r, cu_world *w)
{
    jd_run_stage(r, "the maze with a television");
    return begin(r, w, by_error, "seeds", (int64_t)jd_run_setting(r, "maze_steps"), 2) && each(r, w, one_of_maze);
}

/* ---- D: the Markov environment -----------------------------------------------------------------------------------------------------*/

/* Kullback-Leibler divergence of the estimate from the truth about one pair, in nats. */
static double divergence(const cw_markov *w, const cr_counts *c, int pair)
{
    double sum = 0;
    for (int k = 0; k < CW_STATES; k++) {
        const double p = cw_markov_p(w, pair, k);
        if (p > 0) sum += p * log(p / cr_counts_p(c, pair, k));
    }
    return sum;
}

/* One transition is counted; returns how much the divergence of all pairs grows. */
static double learn_transition(const cw_markov *w, cr_counts *c, int pair, int next, double *gain)
{
    const double p = cw_markov_p(w, pair, next), before = cr_counts_p(c, pair, next), visits = c->visits[pair] + 1;
    *gain = cr_counts_learn(c, pair, next);
    /* The estimates of all other states have shrunk by visits / (visits + 1). */
    return p * log(before / cr_counts_p(c, pair, next)) + (1 - p) * log((visits + 1) / visits);
}

static bool one_of_markov(jd_run *r, cu_world *w, int agent, int seed)
{
    jd_ctx *ctx = jd_run_ctx(r);
    cu_agent *a = &w->agent[agent];
    cw_markov v;
    cw_markov_new(&v, cu_seed(r, seed));
    jd_rng chance = jd_rng_new(cu_seed(r, seed), "curiosity/markov-actions", (uint64_t)agent);
    cr_counts c = cr_counts_new(ctx, CW_PAIRS, CW_STATES);
    cr_q q = controller(ctx, &markov_tuning, CW_STATES, CW_CHOICES);
    double kl = 0;
    for (int i = 0; !jd_error(ctx) && i < CW_PAIRS; i++) kl += divergence(&v, &c, i);
    a->reached[seed] = (double)INFINITY;
    for (int64_t t = 0; !jd_error(ctx) && t < (int64_t)w->steps; t++) {
        const int s = v.state;
        const int action = agent == CU_D_RANDOM ? (int)jd_rng_below(&chance, CW_CHOICES) : cr_q_choose(&q, s, &chance);
        const int pair = s * CW_CHOICES + action, next = cw_markov_step(&v, action);
        double gain;
        kl += learn_transition(&v, &c, pair, next, &gain);
        if (!seed && isinf(a->reached[seed])) a->map[pair]++;
        if (isinf(a->reached[seed]) && kl < .1 * CW_PAIRS) a->reached[seed] = (double)(t + 1);
        cr_q_learn(&q, s, action, agent == CU_D_GAIN ? gain : agent == CU_D_COUNT ? 1 / sqrt(c.visits[pair]) : 0, next);
        const int i = point(w, t);
        if (i >= 0) a->curve[0][seed * CU_POINTS + i] = kl / CW_PAIRS;
    }
    cr_counts_free(&c);
    cr_q_free(&q);
    return !jd_error(ctx);
}

bool cu_markov(jd_run *r, cu_world *w)
{
    static const char *const label[CU_AGENTS] = {"random", "no reward", "count bonus", "information gain"};
    jd_run_stage(r, "the Markov environment");
    return begin(r, w, label, "markov_seeds", (int64_t)jd_run_setting(r, "markov_steps"), 1) &&
           each(r, w, one_of_markov);
}
