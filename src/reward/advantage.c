/*
 * advantage.c - advantage learning with LSTM: 16 copies of the environment act and learn in step with each other, with
 * shared weights and traces of their own.
 */
#include <math.h>
#include <string.h>

#include "base/given.h"
#include "cpu/control.h"
#include "jackdaw/exp.h"
#include "reward/explore.h"
#include "reward/play.h"

enum { L = JD_CREW, MOST_ACTIONS = 64 };

struct jd_advantage {
    jd_ctx *ctx;
    jd_advantage_options o;
    const jd_control *control;
    jd_stage stage;
    jd_cells net;
    double *w, *trace; /* (weights), (weights,16) */
    double *memory;
    jd_crew crew;
    jd_explore explore;
    double *sees; /* (inputs + seen,16): what explore is shown */
    jd_learning at;
    /* The copies that learn: */
    jd_env *env;
    jd_rng rng[L];
    float *obs;     /* (16,observation) */
    int64_t t[L];   /* steps of the episode so far */
    double got[L];  /* its rewards */
    uint64_t begun; /* episodes */
    /* Acting without learning: */
    double *actor_memory;
    jd_crew *actor; /* (crews) */
    int64_t crews;
    jd_rng *actor_rng;
    bool greedy;
};

/* ---- actions ---------------------------------------------------------------------------------------------------------*/

static int best_of(const double *a, int n, int lane)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (a[L * k + lane] > a[L * best + lane]) best = k;
    return best;
}

/* One lane's action: a random one now and then, or by Boltzmann's distribution at temperature v / C. */
static int choose(const jd_advantage *a, const double *value, double v, int lane, jd_rng *r)
{
    const int n = a->net.actions, best = best_of(value, n, lane);
    if (a->o.epsilon > 0) return jd_rng_uniform64(r) < a->o.epsilon ? (int)jd_rng_below(r, (uint32_t)n) : best;
    const double temperature = fmax(v / a->o.explore, a->o.coldest), top = value[L * best + lane];
    double p[MOST_ACTIONS], sum = 0;
    for (int k = 0; k < n; k++) sum += p[k] = jd_exp_lane((value[L * k + lane] - top) / temperature);
    double u = sum * jd_rng_uniform64(r);
    for (int k = 0; k < n; k++) {
        if (u < p[k]) return k;
        u -= p[k];
    }
    return best;
}

/* What the exploring net sees of a crew: the inputs, then outputs of cells and units, and 1. */
static const double *seen_by(jd_advantage *a, const jd_crew *c)
{
    memcpy(a->sees, c->x, (size_t)(L * a->net.inputs) * sizeof *a->sees);
    memcpy(a->sees + L * a->net.inputs, c->y, (size_t)(L * a->net.seen) * sizeof *a->sees);
    return a->sees;
}

/* ---- learning --------------------------------------------------------------------------------------------------------*/

/* Puts what lane l sees, with the action before (-1: none), before the network. */
static void see(jd_advantage *a, int l, int did)
{
    const int O = a->stage.see.size;
    float extra[MOST_ACTIONS];
    const float action = (float)did;
    for (int k = 0; k < O; k++) a->crew.x[L * k + l] = (double)a->obs[l * O + k];
    jd__stage_see_action(&a->stage, did < 0 ? NULL : &action, extra);
    for (int k = O; k < a->net.inputs; k++) a->crew.x[L * k + l] = (double)extra[k - O];
}

static void begin(jd_advantage *a, int l)
{
    const uint64_t seed = (a->o.seed + 1) * UINT64_C(0x9E3779B97F4A7C15) + a->begun++;
    jd_env_reset(a->env, (size_t)l, seed, a->obs + l * a->stage.see.size);
    a->rng[l] = jd_rng_new(a->o.seed, "advantage/act", seed);
    a->t[l] = 0;
    a->got[l] = 0;
    jd__crew_reset(&a->net, &a->crew, l);
    see(a, l, -1);
}

typedef struct moment {
    double value[L], chosen[L]; /* V(s), A(s,a) */
    int action[L], go[L];       /* go: this step is learned from */
    double reward[L], over[L];  /* over: 1 where nothing follows */
} moment;

static void act(jd_advantage *a, moment *m)
{
    double decay[L];
    const double fade = a->o.discount * a->o.lambda;
    if (!(a->o.epsilon > 0)) jd__explore_see(&a->explore, seen_by(a, &a->crew));
    for (int l = 0; l < L; l++) {
        const int best = best_of(a->crew.a, a->net.actions, l);
        m->action[l] = choose(a, a->crew.a, a->explore.v[l], l, &a->rng[l]);
        m->value[l] = a->crew.a[L * best + l];
        m->chosen[l] = a->crew.a[L * m->action[l] + l];
        decay[l] = !a->t[l] || (a->o.cut_traces && m->action[l] != best) ? 0 : fade;
    }
    a->control->crew_trace(&a->net, a->w, &a->crew, m->action, decay, a->trace);
}

/* The environment's answer; lanes whose episode is over begin the next.  Adds up what ended. */
static void go_on(jd_advantage *a, moment *m, int64_t limit, double *ended, double *earned, double *lasted)
{
    float action[L], reward[L];
    uint8_t end[L], late[L];
    for (int l = 0; l < L; l++) action[l] = (float)m->action[l];
    jd_env_step(a->env, action, a->obs, reward, end, late);
    for (int l = 0; l < L; l++) {
        const bool cut = !end[l] && (late[l] || a->t[l] + 1 >= limit);
        a->t[l]++;
        a->got[l] += (double)reward[l];
        m->reward[l] = (double)reward[l];
        m->over[l] = end[l];
        m->go[l] = !cut; /* what would have followed is not known */
        if (!end[l] && !cut) {
            see(a, l, m->action[l]);
            continue;
        }
        ++*ended;
        *earned += a->got[l];
        *lasted += (double)a->t[l];
        begin(a, l);
    }
    a->control->crew_step(&a->net, a->w, &a->crew);
}

static jd_status learn(jd_advantage *a, const moment *m)
{
    double step[L], wrong[L], bad = 0;
    for (int l = 0; l < L; l++) {
        const double next = m->over[l] > 0 ? 0 : a->crew.a[L * best_of(a->crew.a, a->net.actions, l) + l];
        const double delta =
            m->value[l] + (m->reward[l] + a->o.discount * next - m->value[l]) / a->o.kappa - m->chosen[l];
        wrong[l] = fabs(delta);
        step[l] = m->go[l] ? a->o.rate * delta : 0;
        bad += fabs(step[l]);
    }
    if (!(bad < 1e6))
        return jd_fail(a->ctx, JD_EDIVERGED,
                       "advantage: %s: values run away after %lld steps; lower the rate, or raise kappa (%g)", a->o.env,
                       (long long)a->at.steps, a->o.kappa);
    a->control->crew_move(a->net.weights, a->w, step, a->trace);
    if (a->o.epsilon > 0) return JD_OK;
    double target[L];
    jd__explore_value(&a->explore, seen_by(a, &a->crew), target);
    for (int l = 0; l < L; l++) target[l] = wrong[l] + (m->over[l] > 0 ? 0 : a->o.explore_discount * target[l]);
    jd__explore_learn(&a->explore, target, m->go, a->o.explore_rate);
    return JD_OK;
}

jd_status jd_advantage_train(jd_advantage *a, int64_t steps, jd_learning *at)
{
    if (!a) return JD_EUSAGE;
    if (jd_error(a->ctx)) return jd_error(a->ctx);
    double ended = 0, earned = 0, lasted = 0;
    const int64_t limit = a->o.time_limit ? a->o.time_limit : jd_env_time_limit(a->env);
    if (!a->begun) {
        for (int l = 0; l < L; l++) begin(a, l);
        a->control->crew_step(&a->net, a->w, &a->crew);
    }
    for (int64_t done = 0; done < steps && !jd_error(a->ctx); done += L) {
        moment m;
        act(a, &m);
        go_on(a, &m, limit, &ended, &earned, &lasted);
        learn(a, &m);
        a->at.steps += L;
    }
    a->at.episodes += (int64_t)ended;
    a->at.reward = ended > 0 ? earned / ended : (double)NAN;
    a->at.length = ended > 0 ? lasted / ended : (double)NAN;
    if (at) *at = a->at;
    return jd_error(a->ctx);
}

/* ---- acting without learning --------------------------------------------------------------------------------------------*/

static void decide(void *user, int64_t t, const float *in, float *did)
{
    jd_advantage *a = user;
    const int N = a->net.inputs;
    const int64_t n = a->stage.copies;
    (void)t;
    for (int64_t first = 0; first < n; first += L) {
        jd_crew *c = &a->actor[first / L];
        for (int64_t l = 0; l < L && first + l < n; l++)
            for (int k = 0; k < N; k++) c->x[L * k + l] = (double)in[(first + l) * N + k];
        a->control->crew_step(&a->net, a->w, c);
        double v[L] = {0};
        if (!a->greedy && !(a->o.epsilon > 0)) jd__explore_value(&a->explore, seen_by(a, c), v);
        for (int l = 0; l < L && first + l < n; l++)
            did[first + l] = (float)(a->greedy ? best_of(c->a, a->net.actions, l)
                                               : choose(a, c->a, v[l], l, &a->actor_rng[first + l]));
    }
}

const jd_episodes *jd_advantage_play(jd_advantage *a, const jd_play_options *o)
{
    if (!a || jd_error(a->ctx)) return NULL;
    const int64_t n = o->episodes ? o->episodes : 1, crews = (n + L - 1) / L;
    const size_t each = jd__crew_size(&a->net, 0);
    if (crews != a->crews) {
        jd_free(a->ctx, a->actor_memory);
        jd_free(a->ctx, a->actor);
        jd_free(a->ctx, a->actor_rng);
        a->crews = 0;
        a->actor_memory = jd_alloc_array(a->ctx, (size_t)crews * each, sizeof *a->actor_memory);
        a->actor = jd_alloc_array(a->ctx, (size_t)crews, sizeof *a->actor);
        a->actor_rng = jd_alloc_array(a->ctx, (size_t)(crews * L), sizeof *a->actor_rng);
        if (jd_error(a->ctx)) return NULL;
        a->crews = crews;
    }
    memset(a->actor_memory, 0, (size_t)crews * each * sizeof *a->actor_memory);
    for (int64_t i = 0; i < crews; i++) jd__crew_place(&a->net, 0, a->actor_memory + (size_t)i * each, &a->actor[i]);
    for (int64_t i = 0; i < n; i++) a->actor_rng[i] = jd_rng_new(a->o.seed, "advantage/play", o->seed + (uint64_t)i);
    a->greedy = o->greedy;
    return jd__stage_play(&a->stage, n, o, decide, a) ? NULL : &a->stage.e;
}

/* ---- making ----------------------------------------------------------------------------------------------------------*/

static void start_weights(jd_advantage *a)
{
    const int C = a->net.columns, M = a->net.cells;
    jd_rng r = jd_rng_new(a->o.seed, "advantage/init", 0);
    for (size_t k = 0; k < a->net.weights; k++) a->w[k] = a->o.init * (2 * jd_rng_uniform64(&r) - 1);
    for (int j = 0; j < M; j++) {
        a->w[j * C + C - 1] = a->o.in_bias;
        a->w[(M + j) * C + C - 1] = a->o.forget_bias;
    }
}

static jd_status complain(jd_ctx *ctx, const jd_advantage_options *o)
{
    const bool good = o->cells >= 0 && o->cells <= 1024 && o->hidden >= 0 && o->hidden <= 1024 &&
                      o->cells + o->hidden > 0 && o->time_limit >= 0 && o->discount >= 0 && o->discount <= 1 &&
                      o->lambda >= 0 && o->lambda <= 1 && o->kappa >= 0 && o->kappa <= 1 && o->rate >= 0 &&
                      o->explore >= 0 && o->coldest >= 0 && o->epsilon >= 0 && o->epsilon <= 1 && o->init >= 0;
    if (good) return JD_OK;
    return jd_fail(
        ctx, JD_EUSAGE,
        "advantage: %d cells, %d units, discount %g, lambda %g, kappa %g, rate %g; there must be 1 to 1024 cells "
        "or units, the others lie in 0..1",
        o->cells, o->hidden, o->discount, o->lambda, o->kappa, o->rate);
}

static double given(double x, double otherwise)
{
    return x != 0 ? x : otherwise;
}

static jd_status build(jd_advantage *a)
{
    jd_ctx *ctx = a->ctx;
    if (jd__stage_open(&a->stage, ctx, a->o.env, &a->o.env_options, a->o.see_action)) return jd_error(ctx);
    if (a->stage.act.choices < 1 || a->stage.act.choices > MOST_ACTIONS)
        return jd_fail(ctx, JD_EUSAGE, "advantage: %s has no choice among 1 to %d actions; use jd_policy", a->o.env,
                       MOST_ACTIONS);
    a->net = jd__cells(a->stage.input, a->o.cells, a->o.hidden, a->stage.act.choices);
    const jd_cells *n = &a->net;
    jd_env_options copies = a->o.env_options;
    copies.count = L;
    a->env = jd_env_new(ctx, a->o.env, &copies);
    a->w = jd_alloc_array(ctx, n->weights, sizeof *a->w);
    a->trace = jd_alloc_array(ctx, L * n->weights, sizeof *a->trace);
    a->memory = jd_alloc_array(ctx, jd__crew_size(n, 1), sizeof *a->memory);
    a->sees = jd_alloc_array(ctx, (size_t)(L * (n->inputs + n->seen)), sizeof *a->sees);
    a->obs = jd_alloc_array(ctx, (size_t)(L * a->stage.see.size), sizeof *a->obs);
    if (jd_error(ctx)) return jd_error(ctx);
    jd__crew_place(n, 1, a->memory, &a->crew);
    start_weights(a);
    jd_rng r = jd_rng_new(a->o.seed, "advantage/explore", 0);
    return jd__explore_open(&a->explore, ctx, n->inputs + n->seen, &r);
}

jd_advantage *jd_advantage_new(jd_ctx *ctx, const jd_advantage_options *o)
{
    if (!jd__given(ctx, __func__, "o", o)) return NULL;
    if (jd_error(ctx) || complain(ctx, o)) return NULL;
    jd_advantage *a = jd_alloc(ctx, sizeof *a);
    if (!a) return NULL;
    a->ctx = ctx;
    a->control = jd__control_find(ctx->isa);
    a->o = *o;
    a->o.forget_bias = given(o->forget_bias, 1);
    a->o.discount = given(o->discount, .98);
    a->o.lambda = given(o->lambda, .8);
    a->o.kappa = given(o->kappa, .3);
    a->o.rate = given(o->rate, 2e-4);
    a->o.explore = given(o->explore, 1);
    a->o.explore_discount = given(o->explore_discount, .95);
    a->o.explore_rate = given(o->explore_rate, 1e-3);
    a->o.coldest = given(o->coldest, 1e-3);
    a->o.init = given(o->init, .1);
    if (!build(a)) return a;
    jd_advantage_free(a);
    return NULL;
}

void jd_advantage_free(jd_advantage *a)
{
    if (!a) return;
    jd__stage_close(&a->stage);
    jd__explore_close(&a->explore, a->ctx);
    jd_env_free(a->env);
    void *const owned[] = {a->w, a->trace, a->memory, a->sees, a->obs, a->actor_memory, a->actor, a->actor_rng};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) jd_free(a->ctx, owned[i]);
    jd_free(a->ctx, a);
}

double *jd_advantage_weights(jd_advantage *a, size_t *n)
{
    if (!a) return NULL;
    if (n) *n = a->net.weights;
    return a->w;
}
