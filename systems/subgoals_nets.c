/* subgoals_nets.c - executor, evaluator and generator as graphs, and how they are trained; see subgoals.h. */
#include <math.h>
#include <string.h>

#include "jackdaw/layers.h"
#include "subgoals.h"

enum { LEG = 4, SEEN = 3, JUDGED = 64, FAR = 16, LEGS = 128, PARTS = 8, MOST_REST = 3 * SG_DISCS };

/* ---- the executor ----------------------------------------------------------------------------------------------------------*/

static void executor_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node h = jd_dense(g, "in", jd_arg(g, "x"), .units = SG_UNITS, .act = JD_TANH);
    const jd_node error = jd_sub(g, jd_dense(g, "out", h, .units = 2), jd_arg(g, "y"));
    const jd_node loss = jd_mean(g, jd_square(g, error), JD_ALL_AXES, false);
    if (jd_has_arg(g, "lr")) jd_update_adam(g, loss, jd_arg(g, "lr"));
    jd_result(g, "loss", loss);
}

/* Targets within 1, and the step towards them. */
static void targets(uint64_t seed, const char *stream, uint64_t index, float (*x)[2], float (*y)[2])
{
    jd_rng r = jd_rng_new(seed, stream, index);
    for (int b = 0; b < SG_BATCH; b++) {
        double p[2], far;
        do {
            for (int k = 0; k < 2; k++) p[k] = 2 * jd_rng_uniform64(&r) - 1;
            far = hypot(p[0], p[1]);
        } while (far > 1);
        if (b % 2) p[0] /= far, p[1] /= far, far = 1; /* most often the target is far */
        for (int k = 0; k < 2; k++) {
            x[b][k] = (float)p[k];
            y[b][k] = (float)(far > SG_STRIDE ? SG_STRIDE / far * p[k] : p[k]);
        }
    }
}

static void keep(jd_params *p, const char *name, double *to, int n)
{
    const float *w = jd_params_get(p, name);
    for (int i = 0; w && i < n; i++) to[i] = (double)w[i];
}

bool sg_executor_train(jd_run *r, sg_executor *e, int steps, double *error)
{
    jd_ctx *ctx = jd_run_ctx(r);
    jd_params *params = jd_params_new(ctx, JD_F32);
    jd_fn *f = jd_fn_new(ctx, params, executor_step, NULL);
    float x[SG_BATCH][2], y[SG_BATCH][2], rate;
    const jd_schedule fall = {.kind = JD_COSINE, .rate = .01, .end = 1e-4};
    const jd_tensor in[3] = {JD_TENSOR("x", JD_F32, x, SG_BATCH, 2), JD_TENSOR("y", JD_F32, y, SG_BATCH, 2),
                             JD_SCALAR_F32("lr", &rate)};
    bool whole = true;
    for (int s = 0; s < steps && whole && !jd_error(ctx); s++) {
        targets(jd_run_seed(r), "subgoals/executor", (uint64_t)s, x, y);
        rate = (float)jd_schedule_at(&fall, s, steps);
        jd_fn_run(f, in, 3);
        if (s % 500 == 499) whole = !jd_run_progress(r, s + 1, steps, "error %.2g", sqrt(jd_fn_scalar(f, "loss")));
    }
    targets(jd_run_seed(r), "subgoals/executor-test", 0, x, y);
    jd_fn_run(f, in, 2);
    *error = jd_error(ctx) ? 0 : sqrt(jd_fn_scalar(f, "loss"));
    keep(params, "in/W", e->in[0], 2 * SG_UNITS);
    keep(params, "in/b", e->in_b, SG_UNITS);
    keep(params, "out/W", e->out[0], 2 * SG_UNITS);
    keep(params, "out/b", e->out_b, 2);
    jd_fn_free(f);
    jd_params_free(params);
    return whole && !jd_error(ctx);
}

/* ---- the learned evaluator -------------------------------------------------------------------------------------------------*/

/* Its weights: parameters while it learns, inputs while the generator does. */
static const char *const part[PARTS] = {"disc/W", "disc/b", "crash/W", "crash/b", "leg/W", "leg/b", "far/W", "far/b"};

/*
 * One net looks at a leg, (B,4), and at each disc, (B,3,2) -> (B,1): 1 - (1 - far(leg)) prod over discs (1 - crash(leg, disc)).  A leg is
 * safe when no disc stops it, and what stops it at one disc stops it at another: a plain net of all 17 numbers learns
 * the same from the same legs much less well (80 % of the crashes told from arrivals), and a generator that follows its slopes
 * arrives in 55 to 80 % of the arenas.
 */
static jd_node opinion(jd_graph *g, jd_node leg, jd_node disc, bool learning)
{
    const int64_t B = jd_dim(g, leg, 0);
    const jd_dims shape[PARTS] = {JD_DIMS(JUDGED, LEG + 2), JD_DIMS(JUDGED), JD_DIMS(1, JUDGED), JD_DIMS(1),
                                  JD_DIMS(FAR, LEG),        JD_DIMS(FAR),    JD_DIMS(1, FAR),    JD_DIMS(1)};
    jd_node w[PARTS], pair[SEEN];
    for (int i = 0; i < PARTS; i++)
        w[i] = learning ? jd_param(g, part[i], (jd_init){i % 2 ? JD_INIT_ZERO : JD_INIT_GLOROT, 0, 0, 0}, shape[i])
                        : jd_arg(g, part[i]);
    for (int i = 0; i < SEEN; i++) {
        const jd_node o = jd_reshape(g, jd_slice(g, disc, 1, i, 1), JD_DIMS(B, 2));
        pair[i] = jd_concat(g, (jd_node[]){leg, o}, 2, 1);
    }
    jd_node h = jd_tanh(g, jd_add(g, jd_matmul(g, jd_concat(g, pair, SEEN, 0), w[0], .tb = true), w[1]));
    const jd_node stops = jd_add(g, jd_matmul(g, h, w[2], .tb = true), w[3]);
    h = jd_tanh(g, jd_add(g, jd_matmul(g, leg, w[4], .tb = true), w[5]));
    const jd_node far = jd_add(g, jd_matmul(g, h, w[6], .tb = true), w[7]);
    jd_node passes = jd_sigmoid(g, jd_neg(g, far));
    for (int i = 0; i < SEEN; i++)
        passes = jd_mul(g, passes, jd_sigmoid(g, jd_neg(g, jd_slice(g, stops, 0, i * B, B))));
    return jd_affine(g, passes, -1, 1);
}

static void evaluator_step(jd_graph *g, void *user)
{
    (void)user;
    const jd_node says = opinion(g, jd_arg(g, "leg"), jd_arg(g, "disc"), true);
    jd_result(g, "says", says);
    if (!jd_has_arg(g, "y")) return;
    const jd_node loss = jd_mean(g, jd_square(g, jd_sub(g, says, jd_arg(g, "y"))), JD_ALL_AXES, false);
    jd_update_adam(g, loss, jd_arg(g, "lr"));
    jd_result(g, "loss", loss);
}

static float scaled(const sg_arena *a, double v)
{
    return (float)(2 * v / sg_rule[a->world].side - 1);
}

/* What describes the arena of three discs: (x, y, radius) each. */
static void describe(const sg_arena *a, float rest[9])
{
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 2; k++) rest[3 * i + k] = scaled(a, a->disc[i][k]);
        rest[3 * i + 2] = (float)SG_RADIUS;
    }
}

/* Leg and arena as the evaluator sees them. */
typedef struct view {
    float leg[LEGS][LEG], disc[LEGS][SEEN][2];
} view;

static void see(const sg_arena *a, const double leg[4], float to[LEG], float disc[SEEN][2])
{
    for (int k = 0; k < 4; k++) to[k] = scaled(a, leg[k]);
    for (int k = 0; k < 2 * SEEN; k++) disc[k / 2][k % 2] = scaled(a, a->disc[k / 2][k % 2]);
}

static int shown(view *v, int n, jd_tensor *t)
{
    t[0] = JD_TENSOR("leg", JD_F32, v->leg, n, LEG);
    t[1] = JD_TENSOR("disc", JD_F32, v->disc, n, SEEN, 2);
    return 2;
}

/* An executed leg: from the start, to the goal, or between any two points. */
static double execute(const sg_executor *e, uint64_t seed, const char *stream, uint64_t index, float to[LEG],
                      float disc[SEEN][2])
{
    sg_arena a;
    sg_walk w;
    sg_arena_new(&a, SG_THREE, seed, stream, index, false);
    jd_rng r = jd_rng_new(seed, "subgoals/leg", index);
    double leg[4];
    for (int k = 0; k < 4; k++) leg[k] = sg_rule[SG_THREE].side * jd_rng_uniform64(&r);
    const uint32_t kind = jd_rng_below(&r, 3);
    if (kind == 1) memcpy(leg, a.start, sizeof a.start);
    if (kind == 2) memcpy(leg + 2, a.goal, sizeof a.goal);
    const double way[1][2] = {{leg[2], leg[3]}};
    see(&a, leg, to, disc);
    sg_go(&a, e, leg, way, 1, &w);
    if (sg_hits(&a, leg, leg)) w.end = SG_CRASHED;
    return w.end == SG_CRASHED ? 1 : w.length / 15;
}

static bool test_evaluator(const sg_executor *x, sg_evaluator *e, uint64_t seed)
{
    enum { TESTS = 20 * LEGS };
    view v;
    float y[LEGS];
    double square = 0, right = 0;
    for (int k = 0; k < TESTS; k += LEGS) {
        for (int b = 0; b < LEGS; b++)
            y[b] = (float)execute(x, seed, "subgoals/legs-test", (uint64_t)(k + b), v.leg[b], v.disc[b]);
        jd_tensor t[2];
        if (jd_fn_run(e->train, t, shown(&v, LEGS, t))) return false;
        const float *says = jd_fn_result(e->train, "says", NULL);
        for (int b = 0; b < LEGS; b++) {
            square += (double)((says[b] - y[b]) * (says[b] - y[b])) / TESTS;
            right += ((says[b] > .75f) == (y[b] > .95f)) / (double)TESTS;
        }
    }
    e->error = sqrt(square);
    e->right = right;
    return true;
}

bool sg_evaluator_train(jd_run *r, const sg_executor *x, sg_evaluator *e, int seed, int legs, int steps)
{
    typedef struct walked {
        float leg[LEG], disc[SEEN][2], cost;
    } walked;
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t from = 1000 * jd_run_seed(r) + (uint64_t)seed + 1;
    walked *all = jd_alloc_array(ctx, (size_t)legs, sizeof *all);
    view v;
    float y[LEGS], rate;
    const jd_schedule fall = {.kind = JD_COSINE, .rate = .01, .end = 1e-4};
    jd_tensor t[4];
    int n = shown(&v, LEGS, t);
    t[n++] = JD_TENSOR("y", JD_F32, y, LEGS, 1);
    t[n++] = JD_SCALAR_F32("lr", &rate);
    jd_ctx_set_seed(ctx, from);
    *e = (sg_evaluator){.params = jd_params_new(ctx, JD_F32)};
    e->train = jd_fn_new(ctx, e->params, evaluator_step, NULL);
    for (int i = 0; all && i < legs; i++)
        all[i].cost = (float)execute(x, from, "subgoals/legs", (uint64_t)i, all[i].leg, all[i].disc);
    bool whole = true;
    for (int s = 0; s < steps && whole && !jd_error(ctx); s++) {
        jd_rng pick = jd_rng_new(from, "subgoals/pick", (uint64_t)s);
        for (int b = 0; b < LEGS; b++) {
            const walked *w = &all[jd_rng_below(&pick, (uint32_t)legs)];
            memcpy(v.leg[b], w->leg, sizeof w->leg);
            memcpy(v.disc[b], w->disc, sizeof w->disc);
            y[b] = w->cost;
        }
        rate = (float)jd_schedule_at(&fall, s, steps);
        jd_fn_run(e->train, t, n);
        if (s % 1000 == 999)
            whole = !jd_run_progress(r, s + 1, steps, "evaluator %d, error %.3f", seed + 1,
                                     sqrt(jd_fn_scalar(e->train, "loss")));
    }
    whole = whole && !jd_error(ctx) && test_evaluator(x, e, from);
    jd_ctx_set_seed(ctx, jd_run_seed(r));
    jd_free(ctx, all);
    return whole;
}

void sg_evaluator_free(sg_evaluator *e)
{
    jd_fn_free(e->train);
    jd_params_free(e->params);
    *e = (sg_evaluator){0};
}

bool sg_evaluator_ask(sg_evaluator *e, const sg_arena *a, const double (*leg)[4], int n, double *cost)
{
    view v;
    for (int k = 0; k < n; k += LEGS) {
        const int B = n - k < LEGS ? n - k : LEGS;
        jd_tensor t[2];
        for (int b = 0; b < B; b++) see(a, leg[k + b], v.leg[b], v.disc[b]);
        if (jd_fn_run(e->train, t, shown(&v, B, t))) return false;
        const float *says = jd_fn_result(e->train, "says", NULL);
        for (int b = 0; b < B; b++) cost[k + b] = (double)says[b];
    }
    return true;
}

/* ---- the generator -----------------------------------------------------------------------------------------------------------*/

static jd_node column(jd_graph *g, jd_node x, int k)
{
    return jd_slice(g, x, 1, k, 1);
}

/* The closed-form cost of a leg: from, to (B,2) -> (B,1).  The same as sg_cost. */
static jd_node closed_form(jd_graph *g, const sg_rules *w, jd_node from, jd_node to)
{
    const jd_node way = jd_sub(g, to, from), obstacle = jd_arg(g, "obstacle");
    const int64_t B = jd_dim(g, way, 0), O = jd_dim(g, obstacle, 1);
    const jd_node square = jd_sum(g, jd_square(g, way), JD_AXIS(1), true);
    const jd_node length = jd_sqrt(g, jd_affine(g, square, 1, 1e-9));
    const jd_node t = jd_affine(g, jd_real_of(g, jd_iota(g, SG_POINTS)), 1. / SG_POINTS, .5 / SG_POINTS);
    jd_node d[2]; /* (B,POINTS,O): from each obstacle, in x and y */
    for (int k = 0; k < 2; k++) {
        const jd_node p = jd_add(g, column(g, from, k), jd_mul(g, column(g, way, k), t));
        const jd_node o = jd_reshape(g, jd_slice(g, obstacle, 2, k, 1), JD_DIMS(B, 1, O));
        d[k] = jd_square(g, jd_sub(g, jd_reshape(g, p, JD_DIMS(B, SG_POINTS, 1)), o));
    }
    const double narrow = -.5 / (w->spread * w->spread), wide = w->walls ? -.5 / (w->lure * w->lure) : 0;
    jd_node danger;
    if (w->walls) /* an obstacle is (gap's x, wall's y) */
        danger = jd_mul(g, jd_exp(g, jd_affine(g, d[1], narrow, 0)),
                        jd_affine(g, jd_exp(g, jd_affine(g, d[0], wide, 0)), -1, 1));
    else
        danger = jd_exp(g, jd_affine(g, jd_add(g, d[0], d[1]), narrow, 0));
    const jd_node mean = jd_reshape(
        g, jd_affine(g, jd_sum(g, danger, JD_AXIS(1) | JD_AXIS(2), false), 1. / SG_POINTS, 0), JD_DIMS(B, 1));
    return jd_add(g, length, jd_mul(g, jd_affine(g, length, w->per_length, w->weight), mean));
}

static jd_node hidden(jd_graph *g, const sg_generator *n, const jd_node *x, int parts)
{
    jd_node h = jd_concat(g, x, parts, 1);
    h = jd_dense(g, "hidden1", h, .units = n->hidden, .act = JD_TANH);
    return jd_dense(g, "hidden2", h, .units = n->hidden, .act = JD_TANH);
}

/* (B,2) in -1..1 into the arena. */
static jd_node inside(jd_graph *g, jd_node x, double side)
{
    return jd_affine(g, jd_sigmoid(g, x), side, 0);
}

/* Beside the straight way: along and across it, kept within the arena. */
static jd_node beside(jd_graph *g, const sg_rules *w, jd_node where, jd_node x, int k)
{
    const jd_node start = jd_slice(g, where, 1, 0, 2), way = jd_sub(g, jd_slice(g, where, 1, 2, 2), start);
    const jd_node length = jd_sqrt(g, jd_affine(g, jd_sum(g, jd_square(g, way), JD_AXIS(1), true), 1, 1e-9));
    const jd_node u = jd_div(g, way, length), turned[2] = {jd_neg(g, column(g, u, 1)), column(g, u, 0)};
    const jd_node along = jd_add(g, jd_affine(g, length, (k + 1.) / (w->subgoals + 1), 0),
                                 jd_affine(g, jd_tanh(g, column(g, x, 0)), 4, 0));
    const jd_node across = jd_affine(g, jd_tanh(g, column(g, x, 1)), 8, 0);
    const jd_node p = jd_add(g, start, jd_add(g, jd_mul(g, u, along), jd_mul(g, jd_concat(g, turned, 2, 1), across)));
    const jd_node low = jd_const(g, .3, JD_DIMS(1)), high = jd_const(g, w->side - .3, JD_DIMS(1));
    return jd_min(g, jd_max(g, p, low), high);
}

/* One plan's subgoals, (B,2) each. */
static void propose(jd_graph *g, const sg_generator *n, int plan, jd_node *out, jd_node *s)
{
    const sg_rules *w = &sg_rule[n->world];
    const jd_node where = jd_arg(g, "where"), rest = jd_arg(g, "rest");
    const jd_node at = jd_affine(g, where, 2 / w->side, -1), goal = jd_slice(g, at, 1, 2, 2);
    jd_node from = jd_slice(g, at, 1, 0, 2);
    for (int k = 0; k < w->subgoals; k++) {
        if (n->recurrent) {
            const jd_node next = jd_dense(g, "out", hidden(g, n, (jd_node[]){from, goal, rest}, 3), .units = 2);
            s[k] = inside(g, next, w->side);
            from = jd_affine(g, s[k], 2 / w->side, -1);
            continue;
        }
        const int size = 2 * w->subgoals;
        if (!out->id) *out = jd_dense(g, "out", hidden(g, n, (jd_node[]){at, rest}, 2), .units = size * n->plans);
        const jd_node x = jd_slice(g, *out, 1, size * plan + 2 * k, 2);
        s[k] = n->world != SG_THREE ? beside(g, w, where, x, k) : inside(g, x, w->side);
    }
}

/* What a plan costs, (B,1): the sum over its legs s[0] .. s[K+1]. */
static jd_node total(jd_graph *g, const sg_generator *n, const jd_node *s)
{
    const sg_rules *w = &sg_rule[n->world];
    jd_node J = JD_NONE;
    for (int k = 0; k <= w->subgoals; k++) {
        jd_node cost;
        if (n->by == SG_LEARNED) {
            const jd_node leg = jd_affine(g, jd_concat(g, s + k, 2, 1), 2 / w->side, -1);
            cost = opinion(g, leg, jd_affine(g, jd_arg(g, "obstacle"), 2 / w->side, -1), false);
        } else
            cost = closed_form(g, w, s[k], s[k + 1]);
        J = k ? jd_add(g, J, cost) : cost;
    }
    return J;
}

void sg_generator_loss(jd_graph *g, void *generator)
{
    const sg_generator *n = generator;
    const sg_rules *w = &sg_rule[n->world];
    const jd_node where = jd_arg(g, "where");
    jd_node s[SG_ASKED + 2], plan[SG_PLANS], cost[SG_PLANS], out = JD_NONE, best = JD_NONE, all = JD_NONE;
    s[0] = jd_slice(g, where, 1, 0, 2);
    s[w->subgoals + 1] = jd_slice(g, where, 1, 2, 2);
    for (int p = 0; p < n->plans; p++) {
        propose(g, n, p, &out, s + 1);
        plan[p] = jd_concat(g, s + 1, w->subgoals, 1);
        cost[p] = total(g, n, s);
        best = p ? jd_min(g, best, cost[p]) : cost[p];
        all = p ? jd_add(g, all, cost[p]) : cost[p];
    }
    jd_result(g, "subgoals", jd_concat(g, plan, n->plans, 1));
    jd_result(g, "costs", jd_concat(g, cost, n->plans, 1));
    /* The best plan learns; the others a little, lest one be left behind for good. */
    const jd_node J = n->plans > 1 ? jd_add(g, best, jd_affine(g, all, .05 / n->plans, 0)) : best;
    const jd_node loss = jd_mean(g, J, JD_ALL_AXES, false);
    jd_result(g, "loss", loss);
    if (jd_has_arg(g, "lr")) jd_update_adam(g, loss, jd_arg(g, "lr"), .clip = 5);
}

static int rest_of(sg_world world)
{
    return world == SG_THREE ? 9 : world == SG_TWELVE ? 2 * SG_DISCS + 3 : SG_WALLS;
}

/* Twelve discs as seen from the straight way, in the order in which they come along it: its length and direction, then
 * along and across it. */
static void describe_along(const sg_arena *a, float *rest)
{
    const double x = a->goal[0] - a->start[0], y = a->goal[1] - a->start[1], length = hypot(x, y);
    double at[SG_DISCS][2];
    int n = 0;
    for (int i = 0; i < SG_DISCS; i++) {
        const double dx = a->disc[i][0] - a->start[0], dy = a->disc[i][1] - a->start[1];
        const double along = (dx * x + dy * y) / length, across = (dy * x - dx * y) / length;
        int k = n++;
        for (; k > 0 && at[k - 1][0] > along; k--) memcpy(at[k], at[k - 1], sizeof at[k]);
        at[k][0] = along, at[k][1] = across;
    }
    rest[0] = (float)(length / 10 - 1), rest[1] = (float)(x / length), rest[2] = (float)(y / length);
    for (int i = 0; i < SG_DISCS; i++)
        for (int k = 0; k < 2; k++) rest[3 + 2 * i + k] = (float)(at[i][k] / 10 - (k ? 0 : length / 20));
}

int sg_generator_fill(sg_generator *g, const sg_arena *a, int n, jd_tensor *in)
{
    const int R = rest_of(g->world), O = sg_rule[g->world].discs + sg_rule[g->world].walls;
    for (int b = 0; b < n; b++) {
        float *where = g->where + 4 * b, *rest = g->rest + b * R, *o = g->obstacle + b * O * 2;
        for (int k = 0; k < 2; k++) where[k] = (float)a[b].start[k], where[2 + k] = (float)a[b].goal[k];
        if (g->world == SG_THREE && !g->blind) describe(&a[b], rest);
        if (g->world == SG_TWELVE) describe_along(&a[b], rest);
        for (int i = 0; i < O; i++) {
            const bool wall = g->world == SG_WALLED;
            if (wall) rest[i] = scaled(&a[b], a[b].wall[i][1]);
            o[2 * i] = (float)(wall ? a[b].wall[i][1] : a[b].disc[i][0]);
            o[2 * i + 1] = (float)(wall ? a[b].wall[i][0] : a[b].disc[i][1]);
        }
    }
    in[0] = JD_TENSOR("where", JD_F32, g->where, n, 4);
    in[1] = JD_TENSOR("rest", JD_F32, g->rest, n, R);
    in[2] = JD_TENSOR("obstacle", JD_F32, g->obstacle, n, O, 2);
    int m = 3;
    for (int i = 0; g->by == SG_LEARNED && i < PARTS; i++) {
        const jd_range *w = jd_params_find(g->evaluator->params, part[i]);
        if (w) in[m++] = (jd_tensor){part[i], w->type, jd_params_get(g->evaluator->params, part[i])};
    }
    return m;
}

bool sg_generator_train(jd_run *r, sg_generator *g, int seed, int steps, double *curve, int points)
{
    jd_ctx *ctx = jd_run_ctx(r);
    const uint64_t from = 1000 * jd_run_seed(r) + (uint64_t)seed + 1;
    const int O = sg_rule[g->world].discs + sg_rule[g->world].walls;
    const jd_schedule fall = {
        .kind = JD_COSINE, .rate = jd_run_setting(r, "rate"), .end = jd_run_setting(r, "rate") / 20};
    sg_arena *a = jd_alloc_array(ctx, SG_BATCH, sizeof *a);
    float rate;
    jd_ctx_set_seed(ctx, from);
    g->params = jd_params_new(ctx, JD_F32);
    g->train = jd_fn_new(ctx, g->params, sg_generator_loss, g);
    g->where = jd_alloc_array(ctx, SG_BATCH * 4, sizeof *g->where);
    g->rest = jd_alloc_array(ctx, (size_t)SG_BATCH * MOST_REST, sizeof *g->rest);
    g->obstacle = jd_alloc_array(ctx, (size_t)(SG_BATCH * 2 * O), sizeof *g->obstacle);
    bool whole = true;
    for (int s = 0; s < steps && whole && !jd_error(ctx); s++) {
        jd_tensor in[4 + PARTS];
        for (int b = 0; b < SG_BATCH; b++)
            sg_arena_new(&a[b], g->world, from, "subgoals/train", (uint64_t)(s * SG_BATCH + b),
                         g->world == SG_TWELVE && b % 2);
        int n = sg_generator_fill(g, a, SG_BATCH, in);
        rate = (float)jd_schedule_at(&fall, s, steps);
        in[n++] = JD_SCALAR_F32("lr", &rate);
        if (jd_fn_run(g->train, in, n)) break;
        const int point = (int)((int64_t)s * points / steps);
        if (curve) curve[point] = jd_fn_scalar(g->train, "loss");
        if (s % 50 == 49)
            whole =
                !jd_run_progress(r, s + 1, steps, "generator %d, cost %.2f", seed + 1, jd_fn_scalar(g->train, "loss"));
    }
    jd_ctx_set_seed(ctx, jd_run_seed(r));
    jd_free(ctx, a);
    return whole && !jd_error(ctx);
}

void sg_generator_free(jd_ctx *ctx, sg_generator *g)
{
    jd_fn_free(g->train);
    jd_params_free(g->params);
    jd_free(ctx, g->where);
    jd_free(ctx, g->rest);
    jd_free(ctx, g->obstacle);
    *g = (sg_generator){0};
}

bool sg_generator_ask(sg_generator *g, const sg_arena *a, int n, double (*subgoal)[SG_ASKED][2])
{
    jd_tensor in[4 + PARTS];
    if (jd_fn_run(g->train, in, sg_generator_fill(g, a, n, in))) return false;
    const float *s = jd_fn_result(g->train, "subgoals", NULL), *cost = jd_fn_result(g->train, "costs", NULL);
    const int K = sg_rule[g->world].subgoals, P = g->plans;
    for (int b = 0; b < n; b++) {
        int best = 0;
        for (int p = 1; p < P; p++)
            if (cost[b * P + p] < cost[b * P + best]) best = p;
        for (int i = 0; i < 2 * K; i++) subgoal[b][i / 2][i % 2] = (double)s[(b * P + best) * 2 * K + i];
    }
    return true;
}
